"""Axes and cells of a value matrix: what is measured, and where it is cut into bands."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias

import numpy as np
from pydantic import Field, field_validator, model_validator

from custvalue._spec import Items, Name, Spec
from custvalue._tier_policies.levels import Text
from custvalue.exceptions import DataError

if TYPE_CHECKING:
    from custvalue._typing import FloatArray

_LOW_HIGH = ("low", "high")
Level01 = Annotated[float, Field(gt=0.0, lt=1.0)]


class MeanCut(Spec):
    """Cut at the mean of the customers' values.

    Parameters
    ----------
    kind : "mean"
        Kind of cut, fixed.

    Examples
    --------
    >>> from custvalue import tiers
    >>> tiers.MeanCut().kind
    'mean'
    """

    kind: Literal["mean"] = Field(default="mean", description="Kind of cut.")


class MedianCut(Spec):
    """Cut at the median of the customers' values.

    Parameters
    ----------
    kind : "median"
        Kind of cut, fixed.

    Examples
    --------
    >>> from custvalue import tiers
    >>> tiers.MedianCut().kind
    'median'
    """

    kind: Literal["median"] = Field(default="median", description="Kind of cut.")


class QuantileCut(Spec):
    """Cuts at quantiles of the customers' values.

    Parameters
    ----------
    levels : sequence of float
        Levels of the quantiles (type 7), between 0 and 1, rising.
    kind : "quantile"
        Kind of cut, fixed.

    Raises
    ------
    pydantic.ValidationError
        If levels do not rise or leave (0, 1).

    Examples
    --------
    >>> from custvalue import tiers
    >>> tiers.QuantileCut(levels=[0.8]).levels
    (0.8,)
    """

    kind: Literal["quantile"] = Field(default="quantile", description="Kind of cut.")
    levels: Items[Level01] = Field(min_length=1, max_length=20, description="Levels between 0 and 1.")

    @field_validator("levels")
    @classmethod
    def _rising(cls, levels: tuple[float, ...]) -> tuple[float, ...]:
        return _require_rising(levels, "levels")


class FixedCut(Spec):
    """Cuts at fixed values, such as amounts of money.

    Parameters
    ----------
    values : sequence of float
        The cuts, rising.
    kind : "fixed"
        Kind of cut, fixed.

    Raises
    ------
    pydantic.ValidationError
        If values do not rise.

    Examples
    --------
    >>> from custvalue import tiers
    >>> tiers.FixedCut(values=[0, 1_000]).values
    (0.0, 1000.0)
    """

    kind: Literal["fixed"] = Field(default="fixed", description="Kind of cut.")
    values: Items[float] = Field(min_length=1, max_length=20, description="The cuts, rising.")

    @field_validator("values")
    @classmethod
    def _rising(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        return _require_rising(values, "values")


class RatioCut(Spec):
    """Cut at the ratio of totals: total of the column by total of what it is divided by.

    Each customer then counts by the size of the denominator, which the mean of the customers' own ratios does not
    do. Needs an axis with `per`.

    Parameters
    ----------
    kind : "ratio of totals"
        Kind of cut, fixed.

    Examples
    --------
    >>> from custvalue import tiers
    >>> tiers.RatioCut().kind
    'ratio of totals'
    """

    kind: Literal["ratio of totals"] = Field(default="ratio of totals", description="Kind of cut.")


Cut: TypeAlias = MeanCut | MedianCut | QuantileCut | FixedCut | RatioCut


def _require_rising(values: tuple[float, ...], what: str) -> tuple[float, ...]:
    if any(after <= before for before, after in itertools.pairwise(values)):
        message = f"{what} must rise"
        raise ValueError(message)
    return values


class Axis(Spec):
    """One axis of a value matrix: what is measured, and where it is cut into bands.

    Parameters
    ----------
    name : str
        Name of the axis.
    column : str
        Column of the table.
    per : str, default=None
        Column by which it is divided, customer by customer, such as purchases; its values must be above 0.
    cut : MeanCut, MedianCut, QuantileCut, FixedCut or RatioCut
        Where the bands part.
    bands : sequence of str, default=("low", "high")
        Names of the bands from low to high, one more than cuts.
    tie : {"high", "low"}, default="high"
        Whether a value equal to a cut belongs to the band above or below it.

    Raises
    ------
    pydantic.ValidationError
        If bands do not fit the cut or repeat, or the ratio of totals is asked for without `per`.

    Examples
    --------
    >>> from custvalue import tiers
    >>> tiers.Axis(name="value", column="aum", cut=tiers.FixedCut(values=[200_000])).bands
    ('low', 'high')
    """

    name: Name = Field(description="Name of the axis.")
    column: Name = Field(description="Column of the table.")
    per: Name | None = Field(default=None, description="Column by which it is divided.")
    cut: Annotated[Cut, Field(discriminator="kind")] = Field(description="Where the bands part.")
    bands: Items[Name] = Field(
        default=_LOW_HIGH, min_length=2, max_length=21, description="Bands from low to high."
    )
    tie: Literal["high", "low"] = Field(default="high", description="Band of a value equal to a cut.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        cuts = 1
        if isinstance(self.cut, QuantileCut):
            cuts = len(self.cut.levels)
        elif isinstance(self.cut, FixedCut):
            cuts = len(self.cut.values)
        if len(self.bands) != cuts + 1 or len(set(self.bands)) < len(self.bands):
            message = f"axis '{self.name}' has {cuts} cut(s) and needs {cuts + 1} bands with different names"
            raise ValueError(message)
        if isinstance(self.cut, RatioCut) and self.per is None:
            message = f"axis '{self.name}' is cut at the ratio of totals: name the denominator in per"
            raise ValueError(message)
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return (self.column,) if self.per is None else (self.column, self.per)


class Cell(Spec):
    """One cell of a value matrix: its bands, its name, and what is done for its customers.

    Parameters
    ----------
    x, y : str
        Bands on the two axes.
    name : str
        Name of the cell; several cells may share one.
    action : str, default=""
        What is done for its customers.

    Examples
    --------
    >>> from custvalue import tiers
    >>> tiers.Cell(x="high", y="high", name="best", action="keep").name
    'best'
    """

    x: Name = Field(description="Band on the first axis.")
    y: Name = Field(description="Band on the second axis.")
    name: Name = Field(description="Name of the cell.")
    action: Text = Field(default="", description="What is done for its customers.")


def measured(axis: Axis, columns: dict[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Give the values of an axis and its cuts; sums are exact, so that the order of the rows does not show."""
    values = columns[axis.column]
    if axis.per is not None:
        below = columns[axis.per]
        if (bad := int((below <= 0.0).sum())) > 0:
            message = (
                f"Column '{axis.per}' is 0 or negative for {bad} customer(s): there is nothing to divide by. "
                "Leave them out."
            )
            raise DataError(message)
        values = values / below
    if isinstance(axis.cut, FixedCut):
        return values, np.array(axis.cut.values)
    if isinstance(axis.cut, QuantileCut):
        cuts = np.quantile(values, axis.cut.levels, method="linear")
        if (np.diff(cuts) <= 0.0).any():
            message = f"Axis '{axis.name}': two quantiles coincide, so a band is empty. Ask for fewer of them."
            raise DataError(message)
        return values, cuts
    if isinstance(axis.cut, MedianCut):
        return values, np.array([np.median(values)])
    if isinstance(axis.cut, RatioCut):
        totals = [math.fsum(columns[name].tolist()) for name in axis.columns]
        return values, np.array([totals[0] / totals[1]])
    return values, np.array([math.fsum(values.tolist()) / len(values)])
