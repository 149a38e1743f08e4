"""Openings of the new product dealt out anew among those who closed the old one: how often they fall together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from custvalue._typing import FloatArray, IntArray

#: The permutation test reads a random sample of this many customers where there are more.
MOST: Final = 10_000
#: The first permutations are enough where they give a p above this.
FIRST: Final = 999
ENOUGH: Final = 0.2
#: Cells of one block of permutations: 32 MB of four-byte places.
_BLOCK: Final = 8_000_000


class Deal(NamedTuple):
    """One stratum: which of the sorted openings each customer may get, and which fall near the closing.

    Places are those in the ascending order of the openings. ``first``: the first opening after the customer's
    entry. ``low``, ``high``: openings ``low`` to ``high`` - 1 lie within the window of the customer's closing.
    """

    first: IntArray
    low: IntArray
    high: IntArray
    observed: int


def deal_of(entry: IntArray, closed: IntArray, taken: IntArray, window: int) -> Deal:
    """Prepare a stratum; the order of its rows does not matter."""
    order = np.lexsort((taken, closed, entry))
    entry, closed = entry[order], closed[order]
    openings = np.sort(taken)
    observed = int((np.abs(closed - taken[order]) <= window).sum())
    return Deal(
        np.searchsorted(openings, entry, side="right"),
        np.searchsorted(openings, closed - window, side="left"),
        np.searchsorted(openings, closed + window, side="right"),
        observed,
    )


def available(first: IntArray) -> IntArray:
    """Count who may still get each opening when they are dealt out in ascending order."""
    steps = np.arange(len(first))
    return np.searchsorted(np.sort(first), steps, side="right") - steps


def expected(deal: Deal) -> float:
    r"""Compute the exact mean number of customers whose opening falls near their closing.

    Dealt in ascending order, each opening goes to one of the r customers who may have it and have none yet, each
    with the same chance; so a customer is still without one after some steps with probability
    :math:`\prod (1 - 1/r)`. The sets of those who may have an opening grow with its moment, hence every permitted
    assignment has the same probability. Cost: O(m log m).
    """
    size = len(deal.first)
    if not size:
        return 0.0
    left = available(deal.first)
    certain = left == 1  # the only one left gets it: from here on nobody of before is without an opening
    logs = np.where(certain, 0.0, np.log1p(-1.0 / np.where(certain, 2, left)))
    total = np.concatenate([[0.0], np.cumsum(logs)])
    ends = np.flatnonzero(certain) + 1
    end = ends[np.searchsorted(ends, deal.first, side="right")]

    def without(step: IntArray) -> FloatArray:
        inside = np.clip(step, deal.first, end)
        return np.where(inside >= end, 0.0, np.exp(total[inside] - total[deal.first]))

    return float(np.sort(without(deal.low) - without(deal.high)).sum())


def draws(deal: Deal, n_draws: int, rng: np.random.Generator) -> IntArray:
    """Count the coincidences of random permitted assignments."""
    size = len(deal.first)
    if not deal.first.any():
        dealt = rng.permuted(np.broadcast_to(np.arange(size, dtype=np.int32), (n_draws, size)), axis=1)
        near = (dealt >= deal.low.astype(np.int32)) & (dealt < deal.high.astype(np.int32))
        return np.asarray(near.sum(axis=1, dtype=np.int64))
    # One opening after the other, in all draws at once: who may have it is drawn from a pool without replacement.
    order = np.argsort(deal.first, kind="stable")
    joined = np.searchsorted(deal.first[order], np.arange(size), side="right")
    pool = np.empty((size, n_draws), dtype=np.int32)
    columns = np.arange(n_draws)
    hits = np.zeros(n_draws, dtype=np.int64)
    filled = known = 0
    for step, now in enumerate(joined.tolist()):
        pool[filled : filled + now - known] = order[known:now, None]
        filled, known = filled + now - known, now
        place = (rng.random(n_draws) * filled).astype(np.intp)
        who = pool[place, columns]
        hits += (deal.low[who] <= step) & (step < deal.high[who])
        filled -= 1
        pool[place, columns] = pool[filled]
    return hits


class Timing(NamedTuple):
    """The result of the timing test of one pair."""

    customers: int
    coincident: int
    expected: float
    p: float


def timing_test(
    entry: IntArray,
    closed: IntArray,
    taken: IntArray,
    strata: IntArray,
    *,
    window: int,
    n_permutations: int,
    rng: np.random.Generator,
) -> Timing:
    """Compare coincidences of closings and openings with those of openings dealt out anew within strata."""
    order = np.lexsort((taken, closed, entry, strata))
    parts = [part[order] for part in (entry, closed, taken, strata)]
    deals = _deals(parts, window)
    observed, mean = sum(deal.observed for deal in deals), sum(expected(deal) for deal in deals)
    size = len(order)
    if size > MOST:
        some = np.sort(rng.choice(size, MOST, replace=False))
        deals = _deals([part[some] for part in parts], window)
    deals = [deal for deal in deals if len(deal.first) > 1]  # who is alone keeps the own opening in every draw
    reached = done = 0
    limit = sum(deal.observed for deal in deals)
    block = max(1, _BLOCK // max(1, min(size, MOST)))
    while done < n_permutations and not (done >= FIRST and reached + 1 > ENOUGH * (done + 1)):
        n_draws = min(block, (FIRST if done < FIRST else n_permutations) - done, n_permutations - done)
        found = np.zeros(n_draws, dtype=np.int64)
        for deal in deals:
            found += draws(deal, n_draws, rng)
        reached += int((found >= limit).sum())
        done += n_draws
    p = (reached + 1) / (done + 1) if size else 1.0
    return Timing(size, observed, mean, p)


def _deals(parts: Sequence[NDArray[np.int64]], window: int) -> list[Deal]:
    """Prepare every stratum; the rows come sorted by stratum."""
    entry, closed, taken, strata = parts
    edges = np.flatnonzero(np.r_[True, strata[1:] != strata[:-1], True]) if len(strata) else np.zeros(1, np.intp)
    return [
        deal_of(entry[a:b], closed[a:b], taken[a:b], window)
        for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    ]
