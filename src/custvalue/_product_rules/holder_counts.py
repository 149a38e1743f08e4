"""How many customers hold sets of products, among those eligible for others: from mined sets or from baskets."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from custvalue._kernels import set_rows, set_sums, weighted_bitsets
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
    def _rows(self) -> Sets:
        """Products held by each basket's customers; behind them, products that they are eligible for."""
        held = self._baskets
        n = held.n_products
        places = np.flatnonzero(self.restricted)
        own = set_rows.Sets(held.indptr, held.codes)
        if held.ineligible_indptr is None or not len(places):
            return own
        slots = np.cumsum(self.restricted) - 1
        eligible = np.ones((held.n_distinct, len(places)), dtype=np.bool_)
        rows = np.repeat(np.arange(held.n_distinct), np.diff(held.ineligible_indptr))
        eligible[rows, slots[held.ineligible_codes]] = False
        may = set_rows.from_lengths(np.count_nonzero(eligible, axis=1), n + places[np.nonzero(eligible)[1]])
        return set_rows.union(own, may)

    @cached_property
    def _bitsets(self) -> weighted_bitsets.WeightedBitsets:
        """The same, column by column."""
        rows, n = self._rows, self._baskets.n_products
        width = 2 * n if self.restricted.any() else n
        return weighted_bitsets.weighted_bitsets(rows.indptr, rows.codes, width, self._baskets.customers)

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
        return self._amounts([self._asked(sets, among)], name)[0]

    def _amounts(self, asked: list[Sets], name: str) -> list[FloatArray]:
        """Add up an amount for several rows of sets at once: what they share is added up once."""
        once, place = set_rows.distinct(set_rows.stack(asked))
        sums = set_sums.sums_of_sets(self._rows, self._baskets.amounts[name], once)[place]
        return np.split(sums, np.cumsum([sets.size for sets in asked])[:-1])

    def cells(self, antecedent: Sets, consequent: Sets, amount: str | None = None) -> Cells:
        """Give the four cells of rules among the customers eligible for all products of each."""
        whole = set_rows.union(antecedent, consequent)
        wanted = [antecedent, consequent, set_rows.empty_sets(whole.size)]
        if amount is not None:
            return cells_of(*self._amounts([whole, *(self._asked(sets, whole) for sets in wanted)], amount))
        left, right, everyone = (self.count(sets, whole) for sets in wanted)
        return cells_of(self.count(whole), left, right, everyone)

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
