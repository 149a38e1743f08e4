"""The evidence of one pair: the timing test, the control groups, and what all pairs together allow to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from custvalue._kernels.multiple_testing import adjust
from custvalue._substitution import control
from custvalue._substitution.times import NEVER
from custvalue._substitution.timing import Timing, timing_test

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._substitution.control import Rates, Tables
    from custvalue._substitution.flows import Pair
    from custvalue._substitution.panel import Spells
    from custvalue._typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the tests of one pair found."""

    method: str
    timing: Timing
    tables: Tables
    p_control: float
    p_add_on: float
    opened: Rates
    closed: Rates

    @property
    def p_substitution(self) -> float:
        """The larger p: substitution needs every test that was made."""
        return max(self.timing.p, self.p_control) if self.method == "timing" else self.p_control


NO_TIMING: Final = Timing(0, 0, np.nan, np.nan)
#: Openings are dealt out within spans of this many windows, where a window is 2 w + 1 moments.
SPANS: Final = 2


def panel_evidence(
    pair: Pair,
    strata: IntArray,
    *,
    window: int,
    as_of: int,
    confidence_level: float,
    n_permutations: int,
    rng: np.random.Generator,
) -> Evidence:
    """Test a pair by the moments of its closings and openings."""
    kept = pair.at_risk
    pair, own = pair.chosen(kept), strata[kept]
    both = (pair.closed < NEVER) & (pair.taken < NEVER) & pair.holds_new
    timing = timing_test(
        pair.entry[both],
        pair.closed[both],
        pair.taken[both],
        _near_strata(own[both], pair.taken[both], window=window, as_of=as_of),
        window=window,
        n_permutations=n_permutations,
        rng=rng,
    )
    around, after, opened, closed = [], [], [], []
    for rows in control.split(own):
        entry, end, taken = pair.entry[rows], pair.closed[rows], pair.taken[rows]
        around.append(control.risk_sets(entry, end, taken, window=window, end=as_of, looks_ahead=True))
        after.append(control.risk_sets(entry, end, taken, window=window, end=as_of, looks_ahead=False))
        opened.append(control.compared(entry, end, taken, window=window, end=as_of))
        closed.append(control.compared(entry, taken, end, window=window, end=as_of))
    tables = control.joined(around)
    return Evidence(
        "timing",
        timing,
        tables,
        control.tails(tables)[0],
        control.tails(control.joined(after))[1],
        control.rates(opened, confidence_level),
        control.rates(closed, confidence_level),
    )


def _near_strata(strata: IntArray, taken: IntArray, *, window: int, as_of: int) -> IntArray:
    """Split strata by the span of the opening, counted back from the end.

    Within a span all openings are about as early, so that customers who do everything early, and segments that
    have their good years at other times, bring no coincidences about.
    """
    spans = (as_of - 1 - taken) // (SPANS * (2 * window + 1))
    _, codes = np.unique(np.stack([strata, spans]), axis=1, return_inverse=True)
    return np.asarray(codes.ravel(), dtype=np.int64)


def _once(method: str, strata: IntArray, ended: BoolArray, took: BoolArray, confidence_level: float) -> Evidence:
    """Test a pair by one fourfold table a stratum."""
    tables = control.fourfold(strata, ended, took)
    upper, lower = control.tails(tables)
    return Evidence(
        method,
        NO_TIMING,
        tables,
        upper,
        lower,
        control.rates([control.compared_once(strata, ended, took)], confidence_level),
        control.rates([control.compared_once(strata, took, ended)], confidence_level),
    )


def maturity_evidence(
    pair: Pair, strata: IntArray, matured: IntArray, *, window: int, as_of: int, confidence_level: float
) -> Evidence:
    """Test a pair among those whose old product matured in the same offer window.

    ``matured`` is one maturity a holder (NEVER: none). The window around it must lie wholly under observation and
    the holder be at risk at its start.
    """
    start, over = matured - window, matured + window
    kept = pair.at_risk & (matured < NEVER) & (over < as_of) & (pair.entry < start)
    kept &= (pair.closed >= start) & (pair.taken >= start)
    offer = np.floor_divide(matured[kept], max(1, window))
    _, offers = np.unique(np.stack([strata[kept], offer]), axis=1, return_inverse=True)
    ended, took = pair.closed[kept] <= over[kept], pair.taken[kept] <= over[kept]
    return _once("maturity", offers.ravel(), ended, took, confidence_level)


def snapshot_evidence(pair: Pair, strata: IntArray, gone: BoolArray, *, confidence_level: float) -> Evidence:
    """Test a pair of two snapshots; ``gone`` marks customers who hold none of the products afterwards.

    Who left the bank cannot take anything, which looks like keeping both; so the test for an add-on leaves out
    those who are gone.
    """
    kept = pair.at_risk
    ended, took = pair.closed[kept] < NEVER, pair.taken[kept] < NEVER
    found = _once("snapshots", strata[kept], ended, took, confidence_level)
    still = ~gone[kept]
    _, lower = control.tails(control.fourfold(strata[kept][still], ended[still], took[still]))
    return Evidence(found.method, found.timing, found.tables, found.p_control, lower, found.opened, found.closed)


def first_maturity(pair: Pair, spells: Spells, *, window: int, as_of: int) -> IntArray:
    """Give each holder's first maturity at which the holder is at risk and whose window is over; NEVER where none.

    A spell that ended before the window of its maturity has none: what was left early does not mature.
    """
    customer, matured = spells.customer, spells.matured
    found = np.full(len(pair.customer), NEVER, dtype=np.int64)
    if not len(found):
        return found
    place = np.searchsorted(pair.customer, customer)
    inside = (place < len(pair.customer)) & (matured < NEVER) & (spells.closed >= matured - window)
    place = np.minimum(place, len(pair.customer) - 1)
    inside &= pair.customer[place] == customer
    start = matured - window
    inside &= (pair.entry[place] < start) & (pair.closed[place] >= start) & (pair.taken[place] >= start)
    inside &= matured + window < as_of
    np.minimum.at(found, place[inside], matured[inside])
    return found


def adjusted(found: Sequence[Evidence]) -> tuple[FloatArray, FloatArray]:
    """Adjust by Holm over all pairs and both questions (substitution, add-on) together."""
    p = np.array([[one.p_substitution for one in found], [one.p_add_on for one in found]])
    out = np.exp(adjust(np.log(p.ravel()), "holm", p.size)).reshape(p.shape)
    return np.minimum(out[0], 1.0), np.minimum(out[1], 1.0)


def verdict(p_substitution: float, p_add_on: float, alpha: float, *, timed: bool) -> str:
    """Say what the adjusted p allow; without a test of the timing a finding is no more than possible."""
    if p_substitution <= alpha:
        return "substitution" if timed else "possible substitution"
    return "possible add-on" if p_add_on <= alpha else "no evidence"
