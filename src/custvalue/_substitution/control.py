"""Control groups: customers of the same moment who kept the old product, or who did not take the new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy.special import gammaln, ndtr

from custvalue._kernels.transitions import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from custvalue._typing import BoolArray, FloatArray, IntArray

#: Distributions of sums of more values than this are taken for normal.
EXACT: Final = 20_000
#: Tails below this are given as this.
SMALLEST: Final = 1e-300


class Tables(NamedTuple):
    """Fourfold tables, one a moment and stratum: customers, those with the event, those who took, and both."""

    size: IntArray
    events: IntArray
    taken: IntArray
    both: IntArray

    @property
    def expected(self) -> float:
        """Mean of the sum of ``both`` if events and takers had nothing to do with each other."""
        return float(np.sum(self.events * self.taken / np.maximum(self.size, 1)))


def joined(parts: list[Tables]) -> Tables:
    """Put the tables of several strata behind each other."""
    empty = np.zeros(0, dtype=np.int64)
    columns = zip(*parts, strict=True) if parts else ((), (), (), ())
    return Tables(*(np.concatenate([empty, *column]) for column in columns))


def split(strata: IntArray) -> Iterator[NDArray[np.intp]]:
    """Give the rows of each stratum."""
    order = np.argsort(strata, kind="stable")
    edges = np.flatnonzero(np.diff(strata[order])) + 1
    yield from (rows for rows in np.split(order, edges) if len(rows))


def _covered(low: IntArray, high: IntArray, size: int) -> IntArray:
    """Count for each of ``size`` places the intervals [low, high) that hold it."""
    ends = np.maximum(low, high)
    steps = np.bincount(low, minlength=size + 1) - np.bincount(ends, minlength=size + 1)
    return np.cumsum(steps)[:size]


def risk_sets(
    entry: IntArray, event: IntArray, taken: IntArray, *, window: int, end: int, looks_ahead: bool
) -> Tables:
    """Count, at each moment of an event, who was at risk of it and who of them took the product around it.

    At risk at t: entered before t, had no event before t, and did not take the product earlier than t - window.
    With ``looks_ahead`` a customer counts as a taker from t - window to t + window, and only moments count whose
    window is over before ``end``; else from t - window to t - 1, and who takes it at t itself does not stand in
    that table, for what came first is not known.
    """
    reach = window if looks_ahead else 0
    times = np.unique(event[event + reach < end])
    size = len(times)
    low = np.searchsorted(times, entry, side="right")
    high = np.maximum(low, np.searchsorted(times, np.minimum(event, taken + window), side="right"))
    first = taken - window if looks_ahead else taken + 1
    since = np.clip(np.searchsorted(times, first, side="left"), low, high)
    place = np.searchsorted(times, event, side="left")
    has = (event + reach < end) & (low <= place) & (place < high)
    at_risk = _covered(low, high, size)
    if not looks_ahead:
        same = np.searchsorted(times, taken, side="left")
        tied = (low <= same) & (same < high)
        tied[tied] = times[same[tied]] == taken[tied]
        at_risk -= np.bincount(same[tied], minlength=size)[:size]
        has &= event != taken
    return Tables(
        at_risk,
        np.bincount(place[has], minlength=size)[:size],
        _covered(since, high, size),
        np.bincount(place[has & (since <= place)], minlength=size)[:size],
    )


def fourfold(strata: IntArray, event: BoolArray, taken: BoolArray) -> Tables:
    """Count one table a stratum, each customer in one of them."""
    _, codes = np.unique(strata, return_inverse=True)
    size = int(codes.max(initial=-1)) + 1
    counts = [
        np.bincount(codes[rows], minlength=size) for rows in (np.ones_like(event), event, taken, event & taken)
    ]
    return Tables(*counts)


def tails(tables: Tables) -> tuple[float, float]:
    """Give P(sum >= both) and P(sum <= both) of a sum of independent hypergeometric counts, the margins given."""
    low = np.maximum(0, tables.events + tables.taken - tables.size)
    high = np.minimum(tables.events, tables.taken)
    open_ = high > low
    observed = int(tables.both.sum()) - int(low.sum())
    span = int((high - low)[open_].sum())
    if not span:
        return 1.0, 1.0
    size, events, taken = (part[open_].astype(np.float64) for part in tables[:3])
    if span > EXACT:
        share = taken / size
        variance = float(np.sum(events * share * (1.0 - share) * (size - events) / (size - 1.0)))
        gap = observed - (float(np.sum(events * share)) - float(low[open_].sum()))
        sd = np.sqrt(variance)
        return max(float(ndtr(-(gap - 0.5) / sd)), SMALLEST), max(float(ndtr((gap + 0.5) / sd)), SMALLEST)
    pmf = _sum_of(list(zip(size, events, taken, low[open_].tolist(), high[open_].tolist(), strict=True)))
    upper, lower = float(pmf[observed:].sum()), float(pmf[: observed + 1].sum())
    return min(1.0, max(upper, SMALLEST)), min(1.0, max(lower, SMALLEST))


def _sum_of(counts: list[tuple[float, float, float, int, int]]) -> FloatArray:
    """Convolve hypergeometric probabilities, two and two; sums of positive numbers keep the tails' digits."""
    parts = [_hypergeometric(*count) for count in counts]
    while len(parts) > 1:
        rest = [parts[-1]] if len(parts) % 2 else []
        parts = [np.convolve(a, b) for a, b in zip(parts[::2], parts[1::2], strict=False)] + rest
    return np.asarray(parts[0] / parts[0].sum())


def _hypergeometric(size: float, events: float, taken: float, low: int, high: int) -> FloatArray:
    k = np.arange(low, high + 1, dtype=np.float64)
    logs = -(
        gammaln(k + 1) + gammaln(taken - k + 1) + gammaln(events - k + 1) + gammaln(size - taken - events + k + 1)
    )
    found = np.exp(logs - logs.max())
    return np.asarray(found / found.sum())


class Rates(NamedTuple):
    """A rate among cases beside the rate among controls of the same moments, and both ways to compare them."""

    cases: int
    with_outcome: int
    rate: float
    control_rate: float
    difference: float
    difference_low: float
    difference_high: float
    ratio: float
    ratio_low: float
    ratio_high: float


class Compared(NamedTuple):
    """Cases at their moments, and controls who cover several moments, in one stratum."""

    #: By moment: cases, cases with the outcome, controls, controls with the outcome.
    cases: IntArray
    with_outcome: IntArray
    controls: IntArray
    controls_with: IntArray
    #: By control: moments [low, high) at which it is one, and from which of them on it has the outcome.
    low: IntArray
    since: IntArray
    high: IntArray


def compared(entry: IntArray, event: IntArray, outcome: IntArray, *, window: int, end: int) -> Compared:
    """Set those with an event beside those without one from t - window to t + window, all at risk at its start.

    The outcome counts if it falls within the window of the event's moment t; who had it earlier is no longer at
    risk. Only windows that lie wholly under observation count, for cases and controls alike.
    """
    times = np.unique(event[event + window < end])
    size = len(times)
    place = np.searchsorted(times, event, side="left")
    case = (event + window < end) & (entry < event - window) & (outcome >= event - window)
    hit = case & (outcome <= event + window)
    low = np.searchsorted(times, entry + window, side="right")
    high = np.searchsorted(times, np.minimum(event - window - 1, outcome + window), side="right")
    high = np.maximum(low, high)
    since = np.clip(np.searchsorted(times, outcome - window, side="left"), low, high)
    return Compared(
        np.bincount(place[case], minlength=size)[:size],
        np.bincount(place[hit], minlength=size)[:size],
        _covered(low, high, size),
        _covered(since, high, size),
        *(part[high > low] for part in (low, since, high)),
    )


def compared_once(strata: IntArray, event: BoolArray, outcome: BoolArray) -> Compared:
    """Set those with an event beside those without one in the same stratum, each customer once."""
    tables = fourfold(strata, event, outcome)
    _, codes = np.unique(strata, return_inverse=True)
    control = ~event
    low = codes[control]
    return Compared(
        tables.events,
        tables.both,
        tables.size - tables.events,
        tables.taken - tables.both,
        low,
        low + ~outcome[control],
        low + 1,
    )


def rates(parts: list[Compared], confidence_level: float) -> Rates:
    """Standardise the controls' rate to the moments of the cases, and compare.

    The variance of the controls' rate adds up each control's own part over all moments at which it stands, so that
    a customer who is a control many times counts as one customer.
    """
    n_cases = sum(int(part.cases[part.controls > 0].sum()) for part in parts)
    hits = sum(int(part.with_outcome[part.controls > 0].sum()) for part in parts)
    if not n_cases:
        return Rates(0, 0, *[np.nan] * 8)
    control_rate = variance = 0.0
    n_controls = 0
    for part in parts:
        weight = np.where(part.controls > 0, part.cases / n_cases, 0.0)
        share = part.controls_with / np.maximum(part.controls, 1)
        control_rate += float(np.sum(weight * share))
        each = weight / np.maximum(part.controls, 1)
        own = np.concatenate([[0.0], np.cumsum(each)])
        mean = np.concatenate([[0.0], np.cumsum(each * share)])
        influence = own[part.high] - own[part.since] - (mean[part.high] - mean[part.low])
        variance += float(np.sum(influence * influence))
        n_controls += int((own[part.high] > own[part.low]).sum())
    spread = control_rate * (1.0 - control_rate)
    trials = spread / variance if variance > 0.0 and spread > 0.0 else float(n_controls)
    return _against(hits, n_cases, control_rate, trials, confidence_level)


def _against(hits: int, n_cases: int, control_rate: float, trials: float, confidence_level: float) -> Rates:
    """Compare a share with a control rate known as well as from so many trials, with hybrid score intervals."""
    rate = hits / n_cases
    low, high = (float(end) for end in wilson_interval(hits, n_cases, confidence_level))
    below, above = (float(end) for end in wilson_interval(control_rate * trials, trials, confidence_level))
    below, above = min(below, control_rate), max(above, control_rate)
    gap = rate - control_rate
    down = np.hypot(rate - low, above - control_rate)
    up = np.hypot(high - rate, control_rate - below)
    product = rate * control_rate
    inner = product * product - low * above * (2.0 * rate - low) * (2.0 * control_rate - above)
    outer = product * product - high * below * (2.0 * rate - high) * (2.0 * control_rate - below)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = float(np.divide(rate, control_rate))
        # The lower end in a form that is no 0/0 where the upper end of the controls is twice their rate.
        ratio_low = (
            float(np.divide(low * (2.0 * rate - low), product + np.sqrt(max(inner, 0.0)))) if low > 0.0 else 0.0
        )
        ratio_high = float(np.divide(product + np.sqrt(max(outer, 0.0)), below * (2.0 * control_rate - below)))
    if below <= 0.0:
        ratio_high = np.inf
    return Rates(n_cases, hits, rate, control_rate, gap, gap - down, gap + up, ratio, ratio_low, ratio_high)
