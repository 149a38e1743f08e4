"""How many customers hold sets of products, among those eligible for others: from mined sets or from baskets."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from custvalue._kernels import set_rows, weighted_bitsets
from custvalue._kernels.itemset_families import ItemsetIndex

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._holdings.baskets import Baskets
    from custvalue._kernels.itemset_collection import Mined
    from custvalue._kernels.set_rows import Sets
    from custvalue._typing import FloatArray, IntArray

#: Sums of amounts that differ by less than this share are equal but for rounding.
ROUNDING = 1e-12


class Cells(NamedTuple):
    """The four cells of each rule's table, as customers or as sums of an amount."""

    n11: NDArray[Any]
    n10: NDArray[Any]
    n01: NDArray[Any]
    n00: NDArray[Any]


class HolderCounts:
    """Counts holders of any sets of products; remembers what mining has counted already.

    Parameters
    ----------
    baskets : Baskets
        Who holds what.
    mined : Mined, default=None
        Frequent sets with their counts, all subsets of each among them.
    """

    def __init__(self, baskets: Baskets, mined: Mined | None = None) -> None:
        self._baskets = baskets
        self._mined = mined
        self._index = None if mined is None else ItemsetIndex(mined)
        restricted = np.zeros(baskets.n_products, dtype=np.bool_)
        if baskets.ineligible_codes is not None:
            restricted[baskets.ineligible_codes] = True
        #: Whether some customers are not eligible for a product.
        self.restricted = restricted

    @cached_property
    def _bitsets(self) -> weighted_bitsets.WeightedBitsets:
        """Rows by product held; behind them, rows by product that the customers are eligible for."""
        held = self._baskets
        n = held.n_products
        places = np.flatnonzero(self.restricted)
        if held.ineligible_indptr is None or not len(places):
            return weighted_bitsets.weighted_bitsets(held.indptr, held.codes, n, held.customers)
        eligible = np.ones((held.n_distinct, n), dtype=np.bool_)
        rows = np.repeat(np.arange(held.n_distinct), np.diff(held.ineligible_indptr))
        eligible[rows, held.ineligible_codes] = False
        lengths, columns = np.count_nonzero(eligible[:, places], axis=1), np.nonzero(eligible[:, places])[1]
        may = set_rows.from_lengths(lengths, n + places[columns])
        both = set_rows.union(set_rows.Sets(held.indptr, held.codes), may)
        return weighted_bitsets.weighted_bitsets(both.indptr, both.codes, 2 * n, held.customers)

    def count(self, sets: Sets, among: Sets | None = None) -> IntArray:
        """Count the customers who hold each set, among those eligible for all products of another set.

        ``among=None`` counts among all who are eligible for the set itself: a holder always is.
        """
        counts = np.zeros(sets.size, dtype=np.int64)
        asked = self._asked(sets, among)
        open_ = np.ones(sets.size, dtype=np.bool_)
        if self._mined is not None:
            plain = np.flatnonzero(asked.lengths == sets.lengths)
            counts[plain], open_[plain] = self._known(set_rows.take(sets, plain))
        rest = np.flatnonzero(open_)
        if len(rest):
            wanted, place = set_rows.distinct(set_rows.take(asked, rest))
            counts[rest] = weighted_bitsets.counts_of(self._bitsets, wanted.indptr, wanted.codes)[place]
        return counts

    def amount(self, sets: Sets, among: Sets | None, name: str) -> FloatArray:
        """Add up an amount of the customers who hold each set, among those eligible for another set."""
        asked, place = set_rows.distinct(self._asked(sets, among))
        amounts = self._baskets.amounts[name]
        return weighted_bitsets.sums_of(self._bitsets, asked.indptr, asked.codes, amounts)[place]

    def cells(self, antecedent: Sets, consequent: Sets, amount: str | None = None) -> Cells:
        """Give the four cells of rules among the customers eligible for all products of each."""
        whole = set_rows.union(antecedent, consequent)

        def total(sets: Sets, among: Sets | None) -> NDArray[Any]:
            return self.count(sets, among) if amount is None else self.amount(sets, among, amount)

        both = total(whole, None)
        left, right = total(antecedent, whole), total(consequent, whole)
        everyone = total(set_rows.empty_sets(whole.size), whole)
        return cells_of(both, left, right, everyone)

    def _asked(self, sets: Sets, among: Sets | None) -> Sets:
        """Add the columns of eligibility that are not told by holding: those of products outside the set."""
        if among is None or not self.restricted.any():
            return sets
        owner = np.repeat(np.arange(among.size), among.lengths)
        n = self._baskets.n_products
        held = np.repeat(np.arange(sets.size), sets.lengths) * n + sets.codes
        needed = self.restricted[among.codes] & ~np.isin(owner * n + among.codes, held)
        more = np.bincount(owner[needed], minlength=sets.size)
        return set_rows.union(sets, set_rows.from_lengths(more, n + among.codes[needed].astype(np.int64)))

    def _known(self, sets: Sets) -> tuple[IntArray, NDArray[np.bool_]]:
        """Give the counts that mining knows, and which sets it does not know."""
        counts = np.zeros(sets.size, dtype=np.int64)
        unknown = np.zeros(sets.size, dtype=np.bool_)
        if self._mined is None or self._index is None:
            return counts, ~unknown
        for rows, matrix in set_rows.by_length(sets):
            if matrix.shape[1] == 0:
                counts[rows] = self._baskets.n_customers
                continue
            found = self._index.find(matrix)
            unknown[rows] = found < 0
            counts[rows] = np.where(found < 0, 0, self._mined.counts[found])
        return counts, unknown


def cells_of(both: NDArray[Any], left: NDArray[Any], right: NDArray[Any], everyone: NDArray[Any]) -> Cells:
    """Give the four cells out of the corner and the margins; a sum that only rounding left over is 0."""
    if not np.issubdtype(both.dtype, np.floating):
        n10, n01 = left - both, right - both
        return Cells(both, n10, n01, everyone - left - n01)
    n11, n1_, n_1, n = (np.asarray(sums, dtype=np.float64) for sums in (both, left, right, everyone))
    return Cells(n11, _rest(n1_, n11), _rest(n_1, n11), _rest(n, n1_ + (n_1 - n11)))


def _rest(whole: FloatArray, part: FloatArray) -> FloatArray:
    rest = whole - part
    return np.where(rest > ROUNDING * whole, rest, 0.0)
