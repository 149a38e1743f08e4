"""Scores for tiers: profit contribution from balances, fees, losses and costs, and points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from pydantic import Field, model_validator

from custvalue import _frames
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import Document, FrozenMapping, Items, Name, Spec
from custvalue._tier_policies.arguments import Shell, kept_columns
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from custvalue._typing import FloatArray

#: A quotient this near to a whole number, relatively and in all, counts as it: 0.3 / 0.1 makes three points.
_ROUNDING = 1e-12
_NEAR = 1e-6


@dataclass(frozen=True, eq=False, repr=False)
class Scores:
    """A score and the parts that it is the sum of.

    Attributes
    ----------
    name : str
        Name of the score.
    score : ndarray of shape (n_rows,)
        The score, in the order of the table.
    parts : ndarray of shape (n_rows, n_parts)
        What each part adds; added in their order they are the score.
    part_names : tuple of str
        Names of the parts.
    provenance : Provenance
        Package version, specification and counts.

    See Also
    --------
    Contribution : Makes it.
    Points : Makes it.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import tiers
    >>> rule = tiers.Contribution(balances=[tiers.BalanceRate(column="deposit", rate=0.01)], costs=["service"])
    >>> rows = pd.DataFrame({"customer": [1], "deposit": [50_000.0], "service": [120.0]})
    >>> rule.apply(rows, keep=["customer"]).to_frame()
       customer  deposit  service  contribution
    0         1    500.0   -120.0         380.0
    """

    name: str
    score: FloatArray
    parts: FloatArray
    part_names: tuple[str, ...]
    provenance: Provenance
    _shell: Shell
    _kept: Mapping[str, NDArray[Any]]

    def to_frame(self) -> Any:
        """Give one row a row of the table, in its order.

        Returns
        -------
        frame
            The columns kept, one a part, and the score; in the library of the table.
        """
        parts = {name: self.parts[:, place] for place, name in enumerate(self.part_names)}
        return self._shell.frame({**self._kept, **parts, self.name: self.score})

    def __repr__(self) -> str:
        return short_repr("Scores", score=repr(self.name), **self.provenance.counts)

    def _repr_html_(self) -> str:
        rows = [[name, self.parts[:, place].mean()] for place, name in enumerate(self.part_names)]
        rows.append([self.name, self.score.mean()])
        return html_table(["part", "mean"], rows, caption=f"Score '{self.name}' of {len(self.score)} rows")


class BalanceRate(Spec):
    """The rate that a balance of one asset class earns the bank.

    Parameters
    ----------
    column : str
        Column of the balance: deposit, wealth product, settlement, loan, channel, on daily average.
    rate : float
        What the bank earns per unit and year, after funds-transfer pricing; may be negative.

    Examples
    --------
    >>> from custvalue import tiers
    >>> tiers.BalanceRate(column="wealth", rate=0.004).rate
    0.004
    """

    column: Name = Field(description="Column of the balance.")
    rate: float = Field(description="Earned per unit and year.")


class CreditLoss(Spec):
    """Expected loss of credit: exposure times probability of default times loss given default.

    Parameters
    ----------
    exposure : str
        Column of the exposure at default, not negative.
    default_probability, loss_given_default : str or float
        Column, or one number for everybody, in [0, 1]; the probability is that of the period.

    Examples
    --------
    >>> from custvalue import tiers
    >>> tiers.CreditLoss(exposure="loan", default_probability="pd", loss_given_default=0.45).exposure
    'loan'
    """

    exposure: Name = Field(description="Column of the exposure at default.")
    default_probability: Name | float = Field(description="Column or number in [0, 1].")
    loss_given_default: Name | float = Field(description="Column or number in [0, 1].")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in ("default_probability", "loss_given_default"):
            value = getattr(self, name)
            if isinstance(value, float) and not 0.0 <= value <= 1.0:
                message = f"{name} must lie in [0, 1]"
                raise ValueError(message)
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        named = (self.exposure, self.default_probability, self.loss_given_default)
        return tuple(name for name in named if isinstance(name, str))


class Contribution(Document):
    r"""Profit contribution: balances times rates, plus fees, less expected loss, less cost.

    Parameters
    ----------
    balances : sequence of BalanceRate, default=()
        What each asset class earns.
    fees : sequence of str, default=()
        Columns of fee income of the period.
    credit_losses : sequence of CreditLoss, default=()
        Expected losses, computed.
    expected_losses : sequence of str, default=()
        Columns of expected losses of the period, given as amounts.
    costs : sequence of str, default=()
        Columns of costs of the period.
    periods_per_year : float, default=1.0
        Periods of the table in a year: rates are divided by it.
    name : str, default="contribution"
        Name of the score.
    spec_version : int, default=1
        Version of the JSON layout.

    Raises
    ------
    pydantic.ValidationError
        If nothing is given, a column stands twice, or a part has the name of the score.

    Notes
    -----
    .. math:: C = \sum_k B_k r_k / n + \sum F - \sum \mathrm{EAD}\,\mathrm{PD}\,\mathrm{LGD} - \sum L - \sum K

    with n periods in a year. The composition is the source's; the formula of the expected loss is that of the
    Basel framework. Parts are added in this order.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import tiers
    >>> rule = tiers.Contribution(
    ...     balances=[
    ...         tiers.BalanceRate(column="deposit", rate=0.012),
    ...         tiers.BalanceRate(column="loan", rate=0.03),
    ...     ],
    ...     fees=["card_fees"],
    ...     credit_losses=[tiers.CreditLoss(exposure="loan", default_probability=0.02, loss_given_default=0.5)],
    ...     costs=["service"],
    ... )
    >>> rows = {"deposit": [10_000.0], "loan": [20_000.0], "card_fees": [80.0], "service": [150.0]}
    >>> rule.apply(pd.DataFrame(rows)).score
    array([450.])
    """

    balances: Items[BalanceRate] = Field(default=(), max_length=200, description="Asset classes and rates.")
    fees: Items[Name] = Field(default=(), max_length=200, description="Columns of fee income.")
    credit_losses: Items[CreditLoss] = Field(default=(), max_length=200, description="Losses to be computed.")
    expected_losses: Items[Name] = Field(default=(), max_length=200, description="Columns of expected losses.")
    costs: Items[Name] = Field(default=(), max_length=200, description="Columns of costs.")
    periods_per_year: float = Field(default=1.0, gt=0.0, description="Periods of the table in a year.")
    name: Name = Field(default="contribution", description="Name of the score.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _require_parts(self._part_names, self.name)
        return self

    @property
    def _part_names(self) -> tuple[str, ...]:
        losses = [f"credit loss of {one.exposure}" for one in self.credit_losses]
        return (
            *(one.column for one in self.balances),
            *self.fees,
            *losses,
            *self.expected_losses,
            *self.costs,
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read, each once."""
        losses = [name for one in self.credit_losses for name in one.columns]
        named = (*(one.column for one in self.balances), *self.fees, *losses)
        return tuple(dict.fromkeys((*named, *self.expected_losses, *self.costs)))

    def apply(self, table: Any, *, keep: Sequence[str] = ()) -> Scores:
        """Compute the contribution of every row of a table.

        Parameters
        ----------
        table : pandas, Polars or PyArrow frame
            One row a customer, or a customer and period.
        keep : sequence of str, default=()
            Columns, such as the keys, that ``to_frame`` repeats.

        Returns
        -------
        Scores
            The score and its parts.

        Raises
        ------
        ColumnError
            If a column is missing or holds no numbers, or `keep` names a part.
        DataError
            If a value is missing or infinite, a part goes beyond 1e150, an exposure is negative, or a probability
            or loss given default lies outside [0, 1].
        DomainError
            If the table is no frame or has no row.
        """
        values = _values(table, self.columns)
        with np.errstate(over="ignore", invalid="ignore"):  # what goes beyond all bounds is refused with the parts
            parts = [values[one.column] * (one.rate / self.periods_per_year) for one in self.balances]
        parts += [values[name] for name in self.fees]
        parts += [-_credit_loss(one, values) for one in self.credit_losses]
        parts += [-values[name] for name in (*self.expected_losses, *self.costs)]
        return _scored(self, self._part_names, parts, table, keep)


class PointRule(Spec):
    """Points for one column: so many for each unit, up to a cap.

    Parameters
    ----------
    column : str
        Column of an amount, a count or a flag.
    points : float, default=1.0
        Points for each unit.
    per : float, default=1.0
        Size of a unit, above 0: with 1000 each full 1000 counts.
    whole : bool, default=True
        Whether only full units count.
    cap : float, default=None
        Most points of this rule; None: no cap.

    Notes
    -----
    A value below 0 makes no points.

    Examples
    --------
    >>> from custvalue import tiers
    >>> tiers.PointRule(column="balance", points=1, per=1000, cap=500).cap
    500.0
    """

    column: Name = Field(description="Column of an amount, a count or a flag.")
    points: float = Field(default=1.0, description="Points for each unit.")
    per: float = Field(default=1.0, gt=0.0, description="Size of a unit.")
    whole: bool = Field(default=True, description="Whether only full units count.")
    cap: float | None = Field(default=None, gt=0.0, description="Most points of this rule.")


class Points(Document):
    """Points: what each rule gives, added up.

    Parameters
    ----------
    rules : sequence of PointRule
        The rules, one a column.
    name : str, default="points"
        Name of the score.
    spec_version : int, default=1
        Version of the JSON layout.

    Raises
    ------
    pydantic.ValidationError
        If there is no rule, a column stands twice, or a rule's column has the name of the score.

    Notes
    -----
    A rule gives ``points`` times the full units in the value, at most ``cap``. A quotient within 1e-12 of a whole
    number, relatively and by at most 1e-6, counts as that number, because 0.3 / 0.1 is a little less than 3 in
    binary numbers; larger quotients next to a whole number are told by the decimal figures as they are printed.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import tiers
    >>> rule = tiers.Points(
    ...     rules=[
    ...         tiers.PointRule(column="balance", per=1000, cap=500),
    ...         tiers.PointRule(column="mobile_user", points=50),
    ...     ]
    ... )
    >>> rule.apply(pd.DataFrame({"balance": [2_999.0, 900_000.0], "mobile_user": [True, False]})).score
    array([ 52., 500.])
    """

    rules: Items[PointRule] = Field(min_length=1, max_length=200, description="The rules, one a column.")
    name: Name = Field(default="points", description="Name of the score.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _require_parts(self.columns, self.name)
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return tuple(one.column for one in self.rules)

    def apply(self, table: Any, *, keep: Sequence[str] = ()) -> Scores:
        """Compute the points of every row of a table.

        Parameters
        ----------
        table : pandas, Polars or PyArrow frame
            One row a customer, or a customer and period.
        keep : sequence of str, default=()
            Columns, such as the keys, that ``to_frame`` repeats.

        Returns
        -------
        Scores
            The score and the points of each rule.

        Raises
        ------
        ColumnError
            If a column is missing or holds no numbers, or `keep` names a rule's column.
        DataError
            If a value is missing or infinite, or the points of a rule go beyond 1e150.
        DomainError
            If the table is no frame or has no row.
        """
        values = _values(table, self.columns)
        return _scored(self, self.columns, [_points(one, values[one.column]) for one in self.rules], table, keep)


def _require_parts(names: Sequence[str], score: str) -> None:
    if not names:
        message = "nothing to add up: give at least one part"
        raise ValueError(message)
    if repeated := sorted({name for name in (*names, score) if (*names, score).count(name) > 1}):
        message = f"part(s) {repeated} stand more than once, or are called as the score; each must be unique"
        raise ValueError(message)


def _values(table: Any, columns: Sequence[str]) -> dict[str, FloatArray]:
    frame = _frames.eager(table, argument="table")
    if len(frame) == 0:
        message = "table has no row; allowed: at least one customer."
        raise DomainError(message)
    numbers = _frames.numeric(frame, columns, argument="table")
    return {name: numbers[:, place] for place, name in enumerate(columns)}


def _credit_loss(rule: CreditLoss, values: dict[str, FloatArray]) -> FloatArray:
    if (negative := int((values[rule.exposure] < 0.0).sum())) > 0:
        message = f"Column '{rule.exposure}' has {negative} negative exposure(s); give amounts from 0 on."
        raise DataError(message)
    loss = values[rule.exposure]
    for factor in (rule.default_probability, rule.loss_given_default):
        if isinstance(factor, str):
            outside = int(((values[factor] < 0.0) | (values[factor] > 1.0)).sum())
            if outside:
                message = f"Column '{factor}' has {outside} value(s) outside [0, 1]; give shares, not percent."
                raise DataError(message)
            loss = loss * values[factor]
        else:
            loss = loss * factor
    return loss


def _points(rule: PointRule, values: FloatArray) -> FloatArray:
    with np.errstate(over="ignore", invalid="ignore"):  # what goes beyond all bounds is refused with the parts
        units = np.maximum(values, 0.0) / rule.per
        if rule.whole:
            units = _full(units, np.maximum(values, 0.0), rule.per)
        found = np.asarray(units * rule.points)
    return found if rule.cap is None else np.minimum(found, rule.cap)


def _full(units: FloatArray, values: FloatArray, per: float) -> FloatArray:
    """Give the full units; large quotients next to a whole number are told by their decimal figures."""
    nearest = np.rint(units)
    gap = np.abs(units - nearest)
    snapped = gap <= np.minimum(_ROUNDING * units, _NEAR)
    full: FloatArray = np.where(snapped, nearest, np.floor(units))
    # Far out a unit in the last place is more than the bound above.
    for place in np.flatnonzero(~snapped & (gap <= 2.0 * np.spacing(units))).tolist():
        full[place] = math.floor(Fraction(repr(float(values[place]))) / Fraction(repr(per)))
    return full


def _scored(
    spec: Contribution | Points, names: Sequence[str], parts: list[FloatArray], table: Any, keep: Sequence[str]
) -> Scores:
    shell, kept = kept_columns(table, keep, [*names, spec.name])
    columns = np.column_stack(parts)
    beyond = [name for name, part in zip(names, parts, strict=True) if not (np.abs(part) <= _frames.LARGEST).all()]
    if beyond:
        message = (
            f"Part(s) {', '.join(beyond)} of '{spec.name}' go beyond {_frames.LARGEST:g}; mend the figures, or "
            "the rates, points and units that they are multiplied by."
        )
        raise DataError(message)
    score = np.zeros(len(columns))
    for part in parts:
        score = score + part
    return Scores(
        name=spec.name,
        score=read_only(score),
        parts=read_only(columns),
        part_names=tuple(names),
        provenance=provenance(spec.model_dump_json(), rows=len(score), parts=len(names)),
        _shell=shell,
        _kept=FrozenMapping(kept),
    )
