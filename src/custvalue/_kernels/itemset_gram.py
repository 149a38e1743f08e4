"""Frequent itemsets by weighted Gram matrices: one matrix product counts all pair extensions of a prefix.

Depth first, the rarest item first: the rows that hold the prefix, as a table of zeros and ones X with a column an
extension, give every set of the prefix and two extensions in X' diag(w) X. The product runs in float32 where the
rows weigh less than 2^24 together, in float64 below 2^53, and in whole numbers above, so it is exact. Memory: a
range of items x items for the pairs, and tables of at most 32 MB a length. The idea is ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from custvalue._kernels.weighted_bitsets import EXACT, entries_of, sum_exactly

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from custvalue._kernels.itemset_collection import Collection
    from custvalue._typing import BoolArray, IntArray

_CELLS = 1 << 22
_EXACT_SINGLE = 2**24


class Baskets(NamedTuple):
    """Rows with their codes both ways, and what a search asks for."""

    indptr: IntArray
    codes: NDArray[np.int32]
    weights: IntArray
    by_item: sparse.csc_array
    threshold: int
    found: Collection


class Prefix(NamedTuple):
    """A prefix, the items that extend it, the rows that hold it, and their table where it is small enough."""

    items: NDArray[np.int32]
    extensions: NDArray[np.int32]
    rows: NDArray[np.intp]
    table: BoolArray | None


def mine_gram(
    indptr: IntArray, codes: NDArray[np.int32], weights: IntArray, n_items: int, threshold: int, found: Collection
) -> None:
    """Collect the frequent sets of two and more items; rows may list their codes in any order."""
    shape = (len(weights), n_items)
    by_row = sparse.csr_array((np.ones(len(codes), dtype=np.int64), codes, indptr), shape=shape)
    weighted = sparse.csr_array((np.repeat(weights, np.diff(indptr)), codes, indptr), shape=shape).tocsc()
    baskets = Baskets(indptr, codes, weights, weighted, threshold, found)
    step = max(_CELLS // n_items, 1)
    for first in range(0, n_items, step):
        counts = (weighted[:, first : first + step].T @ by_row).toarray()
        for item in range(first, min(first + step, n_items)):
            mine = counts[item - first, item + 1 :]
            extensions = (np.flatnonzero(mine >= threshold) + item + 1).astype(np.int32)
            prefix = np.array([item], dtype=np.int32)
            found.add(_sets(prefix, extensions[:, None]), mine[extensions - item - 1])
            if len(extensions) > 1 and found.longest > 2:  # noqa: PLR2004
                rows = weighted.indices[weighted.indptr[item] : weighted.indptr[item + 1]].astype(np.intp)
                _extend(Prefix(prefix, extensions, rows, None), baskets)


def _extend(prefix: Prefix, baskets: Baskets) -> None:
    """Count all pairs of extensions, keep the frequent sets, and go on with extensions that have two partners."""
    table = prefix.table
    if table is None and len(prefix.rows) * len(prefix.extensions) <= _CELLS:
        table = _table(prefix.rows, prefix.extensions, baskets)
    counts = np.triu(_gram(prefix, table, baskets), 1)
    one, other = np.nonzero(counts >= baskets.threshold)
    pairs = np.stack([prefix.extensions[one], prefix.extensions[other]], axis=1)
    baskets.found.add(_sets(prefix.items, pairs), counts[one, other])
    starts = np.searchsorted(one, np.arange(len(prefix.extensions) + 1))
    for place in np.flatnonzero(np.diff(starts) > 1).tolist():
        if baskets.found.longest < len(prefix.items) + 3:
            return
        partners = other[starts[place] : starts[place + 1]]
        item = prefix.extensions[place]
        if table is None:
            span = baskets.by_item.indptr[item : item + 2]
            rows = np.intersect1d(prefix.rows, baskets.by_item.indices[slice(*span)], assume_unique=True)
            below = None
        else:
            held = np.flatnonzero(table[:, place])
            rows, below = prefix.rows[held], table[np.ix_(held, partners)]
        _extend(Prefix(np.append(prefix.items, item), prefix.extensions[partners], rows, below), baskets)


def _table(rows: NDArray[np.intp], extensions: NDArray[np.int32], baskets: Baskets) -> BoolArray:
    """Say which rows hold which extensions."""
    slots = np.full(baskets.by_item.shape[1], -1, dtype=np.intp)
    slots[extensions] = np.arange(len(extensions))
    places, sizes = entries_of(baskets.indptr, rows)
    column = slots[baskets.codes[places]]
    met = np.flatnonzero(column >= 0)
    table = np.zeros((len(rows), len(extensions)), dtype=np.bool_)
    table[np.repeat(np.arange(len(rows)), sizes)[met], column[met]] = True
    return table


def _gram(prefix: Prefix, table: BoolArray | None, baskets: Baskets) -> IntArray:
    """Give the weight of the rows that hold each two extensions, a piece of the rows at a time."""
    n_extensions = len(prefix.extensions)
    counts = np.zeros((n_extensions, n_extensions), dtype=np.int64)
    step = max(_CELLS // n_extensions, 1)
    for start in range(0, len(prefix.rows), step):
        rows = prefix.rows[start : start + step]
        held = _table(rows, prefix.extensions, baskets) if table is None else table[start : start + step]
        weights = baskets.weights[rows]
        kind = _kind(weights)
        columns = held.astype(kind)
        counts += ((columns * weights.astype(kind)[:, None]).T @ columns).astype(np.int64)
    return counts


def _kind(weights: IntArray) -> type[Any]:
    """Choose the cheapest numbers in which sums of the weights are exact."""
    total = sum_exactly(weights)
    if total < _EXACT_SINGLE:
        return np.float32
    return np.float64 if total < EXACT else np.int64


def _sets(prefix: NDArray[np.int32], extensions: NDArray[np.int32]) -> NDArray[np.int32]:
    """Put the prefix before each row of extensions."""
    sets = np.empty((len(extensions), len(prefix) + extensions.shape[1]), dtype=np.int32)
    sets[:, : len(prefix)] = prefix
    sets[:, len(prefix) :] = extensions
    return sets
