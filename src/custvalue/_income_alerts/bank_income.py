"""The bank's own yearly income from customers: falls that a shock does not excuse, and what was lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd

from custvalue import _frames
from custvalue._kernels.median_deviation import NORMAL, median_deviation
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import unboxed, whole_number
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from custvalue._typing import BoolArray, FloatArray, IntArray

#: A growth this near to the threshold counts as on it: 800 / 1000 - 1 is not quite -0.2 in a computer.
ROUNDING: Final = 1e-12
#: Distance from the median at which a macro series' growth marks a shock, in such deviations.
SHOCK: Final = 3.0


@dataclass(frozen=True, eq=False, repr=False)
class IncomeAlerts:
    """Yearly income from customers, which falls are excused, and which are alerts.

    Attributes
    ----------
    years : ndarray of int64, shape (n_years,)
        Years, ascending, without a gap.
    income : ndarray of shape (n_years,)
        Gross income, as given.
    customer_income : ndarray of shape (n_years,)
        Income less what interbank lending and the central bank paid.
    growth, gross_growth : ndarray of shape (n_years,)
        Growth of both against the year before; NaN in the first year.
    fall : ndarray of bool, shape (n_years,)
        Whether the growth of customer income is at or below the threshold.
    masked_by : tuple of str
        What makes the year a shock: "declared", "peers", "macro" (several joined by "+"), or "" for none.
    excess : ndarray of shape (n_years,)
        Growth beyond the median peer, (1 + growth) / (1 + peers' growth) - 1; NaN without peers.
    flagged : ndarray of bool, shape (n_years,)
        Falls that nothing excuses: share lost to other banks.
    verdicts : tuple of str
        "first", "alert", "ignored" (an excused fall), "rebound" (growth in the first year after a shock, no gain),
        "gain" (as large as a fall would be), or "none".
    expected : ndarray of shape (n_years,)
        Income of the year before, grown by the median of the normal years before; NaN where there is none.
    lost, lost_share : ndarray of shape (n_years,)
        In flagged years what is missing against `expected`, and its share of it; NaN elsewhere.
    threshold : float
        Growth at or below which a year is a fall.
    rule : str
        The rule in words.
    limits : tuple of str
        What the rule cannot tell.
    provenance : Provenance
        Package version, settings and counts.

    See Also
    --------
    bank_income_alerts : Makes it.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import wallet
    >>> table = pd.DataFrame({"year": [2020, 2021, 2022], "all": [110, 121, 98], "banks": [5, 6, 7], "central": 5})
    >>> columns = {"year": "year", "income": "all", "interbank": "banks", "central_bank": "central"}
    >>> found = wallet.bank_income_alerts(table, **columns)
    >>> found.customer_income, found.alerts
    (array([100., 110.,  86.]), (2022,))
    >>> found.expected.round(6), found.lost.round(6)
    (array([ nan,  nan, 121.]), array([nan, nan, 35.]))
    >>> found.limits[0]
    '2 growth rate(s) give no test power: this is a rule, not a p-value.'
    """

    years: IntArray
    income: FloatArray
    customer_income: FloatArray
    growth: FloatArray
    gross_growth: FloatArray
    fall: BoolArray
    masked_by: tuple[str, ...]
    excess: FloatArray
    flagged: BoolArray
    verdicts: tuple[str, ...]
    expected: FloatArray
    lost: FloatArray
    lost_share: FloatArray
    threshold: float
    rule: str
    limits: tuple[str, ...]
    provenance: Provenance

    @property
    def falls(self) -> tuple[int, ...]:
        """Years whose growth is at or below the threshold."""
        return tuple(self.years[self.fall].tolist())

    @property
    def ignored(self) -> tuple[int, ...]:
        """Falls that a shock excuses."""
        return tuple(self.years[self.fall & ~self.flagged].tolist())

    @property
    def alerts(self) -> tuple[int, ...]:
        """Falls that nothing excuses: go and win the share back, customer by customer."""
        return tuple(self.years[self.flagged].tolist())

    @property
    def masked(self) -> tuple[int, ...]:
        """Years of a shock, whether there was a fall or not."""
        return tuple(year for year, why in zip(self.years.tolist(), self.masked_by, strict=True) if why)

    @property
    def alerts_on_gross_income(self) -> tuple[int, ...]:
        """What the same threshold and mask would flag if interbank and central-bank income stayed in."""
        masked = np.array([bool(why) for why in self.masked_by])
        return tuple(self.years[_at_or_below(self.gross_growth, self.threshold) & ~masked].tolist())

    def to_frame(self) -> pd.DataFrame:
        """Give one row a year.

        Returns
        -------
        pandas.DataFrame
            ``year``, ``income``, ``customer_income``, ``growth``, ``gross_growth``, ``excess``, ``masked_by``,
            ``verdict``, ``expected``, ``lost``, ``lost_share``.
        """
        columns: dict[str, Any] = {"year": self.years, "income": self.income}
        columns |= {"customer_income": self.customer_income, "growth": self.growth}
        columns |= {"gross_growth": self.gross_growth, "excess": self.excess, "masked_by": list(self.masked_by)}
        columns |= {"verdict": list(self.verdicts), "expected": self.expected, "lost": self.lost}
        return pd.DataFrame(columns | {"lost_share": self.lost_share})

    def __repr__(self) -> str:
        return short_repr("IncomeAlerts", years=len(self.years), alerts=self.alerts, ignored=self.ignored)

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        caption = f"{self.rule} {' '.join(self.limits)}"
        return html_table(list(frame.columns), frame.itertuples(index=False), caption=caption)


class _Series(NamedTuple):
    years: IntArray
    income: FloatArray
    net: FloatArray
    peers: FloatArray
    macro: FloatArray | None


def bank_income_alerts(
    years: Any,
    *,
    year: str,
    income: str,
    interbank: str,
    central_bank: str,
    peers: str | Sequence[str] | None = None,
    shocks: Iterable[int] = (),
    macro: str | None = None,
    threshold: float = -0.2,
) -> IncomeAlerts:
    r"""Find years in which the bank's income from customers fell and no shock excuses it.

    A sudden fall in a normal economy means that part of the customers' wallets went to other banks; a fall in a
    year in which all banks' customers demanded less does not. Interbank and central-bank income is subtracted
    first, since it is not customers' and can hide a fall.

    Parameters
    ----------
    years : pandas, Polars or PyArrow frame
        One row a year, in any order, without a gap, at least 2.
    year, income, interbank, central_bank : str
        Columns: whole-numbered years; main-business revenue; the part of it that comes from lending to other
        banks, and from the central bank, both from 0.
    peers : str or sequence of str, default=None
        Columns with the same customer income of other banks, above 0. The better mask: they show what customers of
        all banks did in that very year.
    shocks : iterable of int, default=()
        Years declared as shocks; each must be in the frame.
    macro : str, default=None
        Column with a macro series' growth (0.089 for 8.9 %), as a mask where there are no peers; at least 5 years
        not null.
    threshold : float, default=-0.2
        Growth at or below which a year is a fall, in (-1, 0).

    Returns
    -------
    IncomeAlerts
        Falls, excuses, alerts and losses by year, with the rule and its limits.

    Raises
    ------
    ColumnError
        If a column is missing or holds no numbers.
    DataError
        If years are doubled, missing or fewer than 2, an amount is missing or negative, customer income or a
        peer's is not above 0, or the macro series is too short or has no spread.
    DomainError
        If the threshold is not in (-1, 0), a declared shock is not in the frame, or `peers` and `macro` are both
        given.

    Notes
    -----
    With net :math:`y_t`, growth :math:`g_t = y_t / y_{t-1} - 1`. A year is masked if it is declared; or, with
    peers, if the median of their growths :math:`p_t` is below 0 and the fall beyond them,
    :math:`(1 + g_t) / (1 + p_t) - 1`, does not reach the threshold by itself; or, by a macro series, if its growth
    lies below median - 3 x 1.4826 MAD. Expected income is :math:`y_{t-1} (1 + m_t)` with :math:`m_t` the median
    growth of earlier years that are neither masked nor falls; the lost share is 1 - actual / expected.

    The rule (fall, shock ignored, customer income net of interbank and central-bank income) is told in Chinese
    bank-marketing practice without figures; the threshold of -20 %, the peers' test, the macro rule and the
    expected income are ours. A handful of growth rates gives no test any power, so there is no p-value. A macro
    series can date a crisis a year later than the bank felt it.

    Examples
    --------
    A constructed series in which income from other banks hides half of the fall of 2012:

    >>> import pandas as pd
    >>> from custvalue import wallet
    >>> table = pd.DataFrame({
    ...     "year": range(2007, 2014),
    ...     "revenue": [1000, 860, 1010, 1165, 1330, 1125, 1290],
    ...     "interbank": [60, 70, 65, 75, 80, 150, 95],
    ...     "central": [40, 40, 45, 50, 50, 60, 55],
    ... })
    >>> columns = {"year": "year", "income": "revenue", "interbank": "interbank", "central_bank": "central"}
    >>> found = wallet.bank_income_alerts(table, **columns, shocks=[2008], threshold=-0.16)
    >>> found
    IncomeAlerts(years=7, alerts=(2012,), ignored=(2008,))
    >>> found.alerts_on_gross_income
    ()
    """
    limit = _threshold(threshold)
    if peers is not None and macro is not None:
        message = (
            "Give peers or macro, not both: peers are the better mask, and a macro series stands in for them."
        )
        raise DomainError(message)
    series = _read(years, year, income, (interbank, central_bank), peers, macro)
    declared = np.isin(series.years, _declared(shocks, series.years))
    growth, gross = _growth(series.net), _growth(series.income)
    peers_growth = np.median(_growth(series.peers), axis=0) if len(series.peers) else np.full(len(growth), np.nan)
    excess = (1.0 + growth) / (1.0 + peers_growth) - 1.0
    marks = {"declared": declared, "peers": (peers_growth < 0.0) & ~_at_or_below(excess, limit)}
    if series.macro is not None:
        marks["macro"] = _macro_shocks(series.macro)
    masked_by = tuple(
        "+".join(name for name, mark in marks.items() if mark[place]) for place in range(len(growth))
    )
    masked = np.any(list(marks.values()), axis=0)
    fall = _at_or_below(growth, limit)
    flagged = fall & ~masked
    expected = _expected(series.net, growth, ~masked & ~fall)
    lost = np.where(flagged, expected - series.net, np.nan)
    counts = {"years": len(growth), "falls": int(fall.sum()), "alerts": int(flagged.sum())}
    return IncomeAlerts(
        read_only(series.years),
        read_only(series.income),
        read_only(series.net),
        read_only(growth),
        read_only(gross),
        read_only(fall),
        masked_by,
        read_only(excess),
        read_only(flagged),
        _verdicts(growth, fall, masked, limit),
        read_only(expected),
        read_only(lost),
        read_only(lost / expected),
        limit,
        f"Alert: growth of customer income at or below {limit:g} in a year without a shock.",
        _limits(len(growth) - 1, peers, macro),
        provenance(f'{{"threshold": {limit!r}}}', **counts),
    )


def _threshold(threshold: object) -> float:
    number = unboxed(threshold)
    if not isinstance(number, float) or not -1.0 < number < 0.0:
        message = "threshold must be a number in (-1, 0): -0.2 is a fall of 20 %."
        raise DomainError(message)
    return number


def _read(
    years: Any,
    year: str,
    income: str,
    others: tuple[str, str],
    peers: str | Sequence[str] | None,
    macro: str | None,
) -> _Series:
    """Read the columns in the order of the years, and check them."""
    frame = _frames.eager(years, argument="years")
    wanted = [year, income, *others]
    of_peers = [] if peers is None else [peers] if isinstance(peers, str) else list(peers)
    numbers = _frames.numeric(frame, [*wanted, *of_peers], argument="years")
    macros = None if macro is None else _frames.numeric(frame, [macro], argument="years", nulls=True)[:, 0]
    found = numbers[:, 0]
    order = np.argsort(found, kind="stable")
    whole = found[order].astype(np.int64)
    steps = np.diff(whole)
    if (found[order] != whole).any() or len(found) < 2 or (steps != 1).any():  # noqa: PLR2004 - one growth
        message = (
            f"Column '{year}' must hold at least 2 whole-numbered years, each once and none missing "
            f"({int((steps == 0).sum())} doubled, {int((steps > 1).sum())} gap(s))."
        )
        raise DataError(message)
    numbers = numbers[order]
    for place, name in enumerate(wanted[1:], 1):
        if below := int((numbers[:, place] < 0.0).sum()):
            message = f"Column '{name}' lies below 0 in {below} year(s); allowed: amounts from 0."
            raise DataError(message)
    net = numbers[:, 1] - numbers[:, 2] - numbers[:, 3]
    rivals = numbers[:, 4:].T
    if (net <= 0.0).any() or (rivals <= 0.0).any():
        message = (
            "Income less interbank and central-bank income, and every peer's, must lie above 0: growth from "
            f"nothing is not told ({int((net <= 0.0).sum())} year(s) of the bank, {int((rivals <= 0.0).sum())} of "
            "peers)."
        )
        raise DataError(message)
    return _Series(whole, numbers[:, 1].copy(), net, rivals, None if macros is None else macros[order])


def _declared(shocks: Iterable[int], years: IntArray) -> list[int]:
    if isinstance(shocks, str) or not hasattr(shocks, "__iter__"):
        message = "shocks must be a sequence of years."
        raise DomainError(message)
    declared = [whole_number(one, "each of shocks", 0) for one in shocks]
    if unknown := sorted(set(declared) - set(years.tolist())):
        message = (
            f"shocks names {unknown}, which the series does not hold; it goes from {years[0]} to {years[-1]}."
        )
        raise DomainError(message)
    return declared


def _growth(amounts: FloatArray) -> FloatArray:
    out = np.full(amounts.shape, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        out[..., 1:] = amounts[..., 1:] / amounts[..., :-1] - 1.0
    return out


def _at_or_below(growth: FloatArray, limit: float) -> BoolArray:
    return np.asarray(growth <= limit + ROUNDING)  # NaN is not


def _macro_shocks(growth: FloatArray) -> BoolArray:
    known = growth[~np.isnan(growth)]
    if len(known) < 5:  # noqa: PLR2004 - a spread of fewer says nothing
        message = f"macro has {len(known)} year(s) that are not null; allowed: from 5. Declare shocks instead."
        raise DataError(message)
    middle, deviation = median_deviation(known)
    spread = NORMAL * deviation
    if spread <= 0.0:
        message = "More than half of macro's growths are the same, so its spread is 0. Declare shocks instead."
        raise DataError(message)
    return np.asarray(growth < middle - SHOCK * spread)


def _expected(net: FloatArray, growth: FloatArray, normal: BoolArray) -> FloatArray:
    """Grow each year's predecessor by the median growth of the normal years before it."""
    out = np.full(len(net), np.nan)
    for place in range(1, len(net)):
        before = growth[1:place][normal[1:place]]
        if len(before):
            out[place] = net[place - 1] * (1.0 + float(np.median(before)))
    return out


def _verdicts(growth: FloatArray, fall: BoolArray, masked: BoolArray, limit: float) -> tuple[str, ...]:
    said = ["first"]
    for place in range(1, len(growth)):
        if fall[place]:
            said.append("ignored" if masked[place] else "alert")
        elif masked[place] or growth[place] <= 0.0:
            said.append("none")
        elif masked[place - 1]:
            said.append("rebound")
        else:
            said.append("gain" if growth[place] >= -limit - ROUNDING else "none")
    return tuple(said)


def _limits(n_growths: int, peers: object, macro: object) -> tuple[str, ...]:
    told = [f"{n_growths} growth rate(s) give no test power: this is a rule, not a p-value."]
    if peers is None and macro is None:
        told.append("Without peers only declared years are excused.")
    if macro is not None:
        told.append("A macro series can date a shock to another year than the bank felt it.")
    return tuple(told)
