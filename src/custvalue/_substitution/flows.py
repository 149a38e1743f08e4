"""What became of each holder of an old product, as far as a new one goes: one state a customer and pair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from custvalue._substitution.times import NEVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._substitution.panel import Holding
    from custvalue._typing import BoolArray, IntArray

#: The states of a holder of the old product, in the order of the tables.
STATES: Final = ("moved", "kept_both", "had_before", "took_later", "left", "stayed", "undecided")
MOVED, KEPT_BOTH, HAD_BEFORE, TOOK_LATER, LEFT, STAYED, UNDECIDED = range(len(STATES))


class Pair(NamedTuple):
    """Holders of one old product beside one new product; one entry a holder."""

    customer: NDArray[np.intp]
    #: A holder may open the new product after this moment: the opening of the old one, or just before `since`.
    entry: IntArray
    opened: IntArray
    #: Last closing of the old product, first opening of the new one; NEVER where there is none.
    closed: IntArray
    taken: IntArray
    #: Whether the new product is held at the end.
    holds_new: BoolArray
    state: IntArray

    @property
    def at_risk(self) -> BoolArray:
        """Those who did not have the new product before."""
        return np.asarray(self.state != HAD_BEFORE)

    def chosen(self, rows: BoolArray) -> Pair:
        """Keep some of the holders."""
        return Pair._make(part[rows] for part in self)


def beside(codes: NDArray[np.intp], other: Holding) -> tuple[IntArray, BoolArray]:
    """Give the first opening of another product and whether it is held now, for each of some customers."""
    if not len(other.customer):
        return np.full(len(codes), NEVER, dtype=np.int64), np.zeros(len(codes), dtype=np.bool_)
    place = np.minimum(np.searchsorted(other.customer, codes), len(other.customer) - 1)
    found = other.customer[place] == codes
    return np.where(found, other.opened[place], NEVER), found & other.present[place]


def pair_of(old: Holding, new: Holding, *, window: int, as_of: int, since: int | None) -> Pair:
    """Set the holders of an old product beside a new one, and tell what became of each."""
    taken, holds_new = beside(old.customer, new)
    entry = old.opened if since is None else np.maximum(old.opened, since - 1)
    state = states(entry, old.closed, taken, window=window, as_of=as_of)
    return Pair(old.customer, entry, old.opened, old.closed, taken, holds_new, state)


def states(entry: IntArray, closed: IntArray, taken: IntArray, *, window: int, as_of: int) -> IntArray:
    """Give exactly one state to every holder, so that the states of a pair always sum to its holders."""
    before = taken <= entry
    has, gone = taken < NEVER, closed < NEVER
    near = has & gone & (np.abs(closed - taken) <= window)
    # The window of the one event is not over at the end, so the other one may still come.
    open_window = (has & ~gone & (taken + window >= as_of)) | (~has & gone & (closed + window >= as_of))
    rules = [
        (before, HAD_BEFORE),
        (near, MOVED),
        (open_window, UNDECIDED),
        (has & (closed > taken + window), KEPT_BOTH),
        (has, TOOK_LATER),
        (gone, LEFT),
    ]
    found = np.select([rule for rule, _ in rules], [state for _, state in rules], default=STAYED)
    return np.asarray(found, dtype=np.int64)


def counted(state: IntArray) -> IntArray:
    """Count the holders by state."""
    return np.bincount(state, minlength=len(STATES)).astype(np.int64)


#: Where a holder is counted once over several new products: the first of these that any of them shows.
_FIRST: Final = (MOVED, KEPT_BOTH, UNDECIDED, TOOK_LATER, HAD_BEFORE, LEFT, STAYED)


def destinations(state: IntArray, closed: IntArray, taken: IntArray) -> tuple[IntArray, IntArray]:
    """Give each holder of an old product one state and one new product (-1: none) over all new products.

    Parameters
    ----------
    state, taken : ndarray of shape (n_new, n_holders)
        State and opening of each new product.
    closed : ndarray of shape (n_holders,)
        Closing of the old product.

    Returns
    -------
    state, new : ndarray of shape (n_holders,)
        Among several new products of the same state the one opened nearest to the closing (where the old product
        is not closed: the one opened first), then the first in the order given.
    """
    rank = np.empty(len(STATES), dtype=np.int64)
    rank[list(_FIRST)] = np.arange(len(STATES))
    ranked = rank[state]
    best = ranked.min(axis=0)
    distance = np.where(closed < NEVER, np.abs(taken - closed), taken)
    place = np.where(ranked == best, distance, 4 * NEVER).argmin(axis=0)
    found = np.asarray(_FIRST, dtype=np.int64)[best]
    without = np.isin(found, (LEFT, STAYED)) | (np.take_along_axis(taken, place[None, :], axis=0)[0] == NEVER)
    return found, np.where(without, -1, place)
