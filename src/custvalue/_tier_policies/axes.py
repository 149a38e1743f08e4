"""Axes and cells of a value matrix: what is measured, and where it is cut into bands."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias

import numpy as np
from pydantic import Field, field_validator, model_validator

from custvalue._frames import LARGEST
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
        Levels of the quantiles (type 7), between 0 and 1, rising; each is read as the decimal number or the simple
        fraction that it was written as, so that 0.29 of 100 steps is 29 whole steps.
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
        Whether a value equal to a cut belongs to the band above or below it. Equal means that the exact figures
        are equal: where a cut or a quotient is rounded, nobody is put on the other side by it.

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
    """Give the values of an axis and its cuts; values stand on that side of a cut which exact figures give.

    Sums and quantiles are exact and then rounded. Where rounding puts a cut on a customer's value that is not
    equal to it, or a customer's quotient on the cut, the one or the other is rounded to its own side instead.
    """
    values = columns[axis.column]
    if axis.per is not None:
        values = _divided(axis, columns)
    if isinstance(axis.cut, FixedCut):
        return values, np.array(axis.cut.values)
    if isinstance(axis.cut, MedianCut):
        return values, np.array([_quantile(np.sort(values), Fraction(1, 2), axis.tie)])
    if isinstance(axis.cut, QuantileCut):
        ordered = np.sort(values)
        cuts = np.array([_quantile(ordered, _written(level), axis.tie) for level in axis.cut.levels])
        if (np.diff(cuts) <= 0.0).any():
            message = f"Axis '{axis.name}': two quantiles coincide, so a band is empty. Ask for fewer of them."
            raise DataError(message)
        return values, cuts
    if isinstance(axis.cut, RatioCut):
        above, below = (columns[name] for name in axis.columns)
        ratio = _exact_sum(above) / _exact_sum(below)
        return _sided(values, above, below, ratio), np.array([float(ratio)])
    mean = _exact_sum(values) / len(values)
    cut = float(mean)
    if (values == cut).any():
        cut = _off_value(cut, mean, axis.tie)
    return values, np.array([cut])


def _divided(axis: Axis, columns: dict[str, FloatArray]) -> FloatArray:
    """Divide customer by customer; refuse what has no quotient."""
    below = columns[axis.per or ""]
    if (bad := int((below <= 0.0).sum())) > 0:
        message = (
            f"Column '{axis.per}' is 0 or negative for {bad} customer(s): there is nothing to divide by. "
            "Leave them out."
        )
        raise DataError(message)
    with np.errstate(over="ignore"):
        values: FloatArray = columns[axis.column] / below
    if (bad := int((~(np.abs(values) <= LARGEST)).sum())) > 0:
        message = (
            f"Column '{axis.column}' divided by '{axis.per}' goes beyond {LARGEST:g} for {bad} customer(s): their "
            f"'{axis.per}' is too small. Leave them out."
        )
        raise DataError(message)
    return values


def _exact_sum(values: FloatArray) -> Fraction:
    """Add up without any rounding: the rounded sum, then that of what it missed, until nothing is missed."""
    parts = values.tolist()
    total = Fraction(0)
    while (rest := math.fsum(parts)) != 0.0:
        total += Fraction(rest)
        parts.append(-rest)
    return total


def _off_value(cut: float, exact: Fraction, tie: Literal["high", "low"]) -> float:
    """Move a rounded cut that stands on a value to the side of it on which the exact cut lies."""
    if tie == "high" and Fraction(cut) < exact:
        return math.nextafter(cut, math.inf)
    if tie == "low" and Fraction(cut) > exact:
        return math.nextafter(cut, -math.inf)
    return cut


def _written(level: float) -> Fraction:
    """Give a level as the fraction or the decimal number that was meant: 0.29 is 29/100, 1/3 a third."""
    simple = Fraction(level).limit_denominator(1_000_000)
    return simple if float(simple) == level else Fraction(repr(level))


def _quantile(ordered: FloatArray, level: Fraction, tie: Literal["high", "low"]) -> float:
    """Give a type-7 quantile of ordered values; its place among them is found in whole numbers."""
    position = level * (len(ordered) - 1)
    place = math.floor(position)
    low = float(ordered[place])
    if position == place:
        return low
    high = float(ordered[place + 1])
    cut = float(Fraction(low) + (Fraction(high) - Fraction(low)) * (position - place))
    # Strictly between two values, however near they are: the lower one is below it and the upper one is above it.
    if tie == "high":
        return high if low == high else max(cut, math.nextafter(low, math.inf))
    return low if low == high else min(cut, math.nextafter(high, -math.inf))


def _sided(values: FloatArray, above: FloatArray, below: FloatArray, ratio: Fraction) -> FloatArray:
    """Round quotients that fall on the rounded ratio to the side of it on which the exact ones lie."""
    cut = float(ratio)
    near = np.flatnonzero(values == cut)
    if not near.size:
        return values
    pairs, which = np.unique(np.column_stack([above[near], below[near]]), axis=0, return_inverse=True)
    sides = []
    for a, b in pairs.tolist():
        gap = Fraction(a) - ratio * Fraction(b)
        sides.append(math.nextafter(cut, math.inf if gap > 0 else -math.inf) if gap else cut)
    found = values.copy()
    found[near] = np.array(sides)[which.ravel()]
    return found
