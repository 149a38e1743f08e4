"""The search behind `itemsets`: must hold, must not hold, kinds, lengths, and the most frequent ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from custvalue._kernels import itemset_families, set_rows
from custvalue._kernels.itemset_collection import order_of_rows
from custvalue._kernels.itemset_mining import frequent_itemsets, item_counts
from custvalue._kernels.weighted_bitsets import counts_of, weighted_bitsets
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._holdings.baskets import Baskets
    from custvalue._kernels.itemset_collection import Mined
    from custvalue._kernels.itemset_mining import Method
    from custvalue._typing import BoolArray, IntArray

Kind = Literal["all", "closed", "maximal", "generators"]


class Wanted(NamedTuple):
    """Which itemsets are asked for."""

    kind: Kind
    min_length: int
    max_length: int | None
    include: tuple[int, ...]
    exclude: tuple[int, ...]
    limit: int
    method: Method


class Answer(NamedTuple):
    """Itemsets with their customers, by length, then falling customers, then codes."""

    sets: set_rows.Sets
    customers: IntArray
    complete: bool
    method: str


class ItemsetSearch:
    """Finds itemsets at one threshold after another.

    The baskets are cut down first: to those that hold every product of ``include``, without these products. What
    is frequent among the rest of them is, with ``include`` added, what is frequent and holds it. Excluded
    products are left out first where the kind does not depend on them; a closed or maximal set may owe it to
    them that it is none, so they stay until the kinds are told.
    """

    def __init__(self, baskets: Baskets, wanted: Wanted) -> None:
        self._baskets = baskets
        self._wanted = wanted
        self._looks_up = wanted.kind in ("closed", "maximal")
        rows = set_rows.Sets(baskets.indptr, baskets.codes)
        weights = baskets.customers
        if wanted.include:
            holders = np.flatnonzero(set_rows.holds_all(rows, np.array(wanted.include)))
            rows, weights = set_rows.take(rows, holders), weights[holders]
        dropped = wanted.include if self._looks_up else wanted.include + wanted.exclude
        self._rows = _without(rows, dropped, baskets.n_products)
        self._weights = weights
        self._total = int(weights.sum())

    def at(self, threshold: int) -> Answer:
        """Give the wanted itemsets that at least so many customers hold."""
        wanted = self._wanted
        room = self._baskets.n_products if wanted.max_length is None else wanted.max_length - len(wanted.include)
        mined = self._mined(threshold, room)
        lengths = np.diff(mined.indptr)
        keep = self._of_kind(mined) & (lengths <= room) & (lengths >= wanted.min_length - len(wanted.include))
        if self._looks_up and not mined.complete:  # the longest whole length only decides the shorter ones
            keep &= lengths < lengths.max(initial=0)
        chosen = np.flatnonzero(keep)
        parts = []
        for places, matrix in set_rows.by_length(set_rows.take(set_rows.Sets(mined.indptr, mined.codes), chosen)):
            parts.append((matrix, mined.counts[chosen[places]]))
        if self._base_is_wanted(mined, threshold, room):
            parts.insert(0, (np.zeros((1, 0), dtype=np.int32), np.array([self._total])))
        return self._answer(parts, mined)

    def _mined(self, threshold: int, room: int) -> Mined:
        """Mine the rest of the baskets, one length further where longer sets decide."""
        longest = room + self._looks_up
        nothing = self._total < threshold or longest < 1
        rows = set_rows.empty_sets(0) if nothing else self._rows
        try:
            return frequent_itemsets(
                rows.indptr,
                rows.codes,
                self._weights[: rows.size],
                self._baskets.n_products,
                threshold,
                max_length=max(longest, 1),
                limit=self._wanted.limit,
                method=self._wanted.method,
            )
        except ValueError as error:
            message = f"{error} Pass method='auto', or a higher threshold."
            raise DomainError(message) from None

    def _of_kind(self, mined: Mined) -> BoolArray:
        kind = self._wanted.kind
        if kind == "closed":
            return itemset_families.closed(mined)
        if kind == "maximal":
            return itemset_families.maximal(mined)
        if kind == "generators":
            return itemset_families.generators(mined, self._total)
        return np.ones(len(mined.counts), dtype=np.bool_)

    def _base_is_wanted(self, mined: Mined, threshold: int, room: int) -> bool:
        """Say whether the products that must be held are, by themselves, one of the itemsets."""
        length = len(self._wanted.include)
        if not length or room < 0 or self._total < threshold or length < self._wanted.min_length:
            return False
        if not self._looks_up:
            return True
        singles = mined.counts[np.diff(mined.indptr) == 1]
        if not mined.complete and not len(singles):
            return False
        return not len(singles) if self._wanted.kind == "maximal" else not (singles == self._total).any()

    def _answer(self, parts: list[tuple[NDArray[np.int32], IntArray]], mined: Mined) -> Answer:
        wanted = self._wanted
        base = np.array(wanted.include, dtype=np.int32)
        sets, customers = [], [np.zeros(0, dtype=np.int64)]
        for rest, counts in parts:
            whole = np.sort(np.concatenate([np.tile(base, (len(rest), 1)), rest], axis=1), axis=1)
            keep: BoolArray = np.logical_not(np.isin(whole, wanted.exclude).any(axis=1))
            if wanted.kind == "generators" and wanted.include:
                keep &= self._needs_all(whole, counts)
            order = order_of_rows(whole)
            order = order[keep[order]]
            order = order[np.argsort(-counts[order], kind="stable")]
            sets.append(set_rows.from_matrix(whole[order]))
            customers.append(counts[order])
        return Answer(set_rows.stack(sets), np.concatenate(customers), mined.complete, mined.method)

    def _needs_all(self, sets: NDArray[np.int32], counts: IntArray) -> BoolArray:
        """Say which sets lose customers by each product that must be held, which mining has not seen apart."""
        baskets = self._baskets
        bitsets = weighted_bitsets(baskets.indptr, baskets.codes, baskets.n_products, baskets.customers)
        needed = np.ones(len(sets), dtype=np.bool_)
        for code in self._wanted.include:
            fewer = sets[sets != code].reshape(len(sets), -1)
            smaller = set_rows.from_matrix(fewer)
            needed &= counts_of(bitsets, smaller.indptr, smaller.codes) != counts
        return needed

    def top(self, k: int) -> tuple[Answer, int]:
        """Give the k itemsets that most customers hold, those level with the last one too, and their threshold.

        Thresholds are lowered until there are enough; where the limit stands in the way, raised half-way again.
        """
        counts = item_counts(self._rows.indptr, self._rows.codes, self._weights, self._baskets.n_products)
        few = max(int(counts.max(initial=0)), self._total if self._wanted.include else 0) + 1
        enough = 0
        threshold = max(few - 1, 1)
        if k <= np.count_nonzero(counts):
            threshold = int(np.partition(counts, -k)[-k])
        while True:
            answer = self.at(threshold)
            if answer.complete and (len(answer.customers) >= k or threshold == 1):
                return _cut(answer, k, threshold)
            if answer.complete:
                few = threshold
            else:
                enough = threshold
            if few - enough <= 1:
                return _cut(answer if not answer.complete else self.at(enough), k, enough)
            near = len(answer.customers) * 8 >= k
            lower = few * 4 // 5 if near else few // 2
            threshold = max((few + enough) // 2 if enough else lower, 1)


def _cut(answer: Answer, k: int, threshold: int) -> tuple[Answer, int]:
    """Keep the k sets with most customers and those level with the last; give the customers that this takes."""
    if len(answer.customers) >= k:
        threshold = int(np.partition(answer.customers, -k)[-k])
    keep = np.flatnonzero(answer.customers >= threshold)
    return answer._replace(sets=set_rows.take(answer.sets, keep), customers=answer.customers[keep]), threshold


def _without(rows: set_rows.Sets, dropped: tuple[int, ...], n_products: int) -> set_rows.Sets:
    """Leave products out of rows."""
    if not dropped:
        return rows
    allowed = np.ones(n_products, dtype=np.bool_)
    allowed[list(dropped)] = False
    keep = allowed[rows.codes]
    lengths = np.bincount(np.repeat(np.arange(rows.size), rows.lengths)[keep], minlength=rows.size)
    return set_rows.from_lengths(lengths, rows.codes[keep])
