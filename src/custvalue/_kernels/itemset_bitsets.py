r"""Frequent itemsets by bits: extensions of many prefixes are joined and counted in bulk, depth first in blocks.

Eclat (Zaki 2000, IEEE TKDE 12(3), 372-390) keeps, for every set, the rows that hold it; two sets with the same
prefix are joined by the rows that hold both. Here the rows of a set are bits, those of all sets of a block stand
in one array, and a block is joined, counted and pruned by a handful of array operations. Items stand in the
order of their support, the rarest first, so that prefixes are rare. Two forms:

- dense: every item's rows over all rows;
- sparse: a rare first item's pairs are counted over the rows that hold it, and only these rows are kept as bits.

Memory: the items' bits (dense) or some 40 bytes a holding (sparse), and blocks of some 10 MB a length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from custvalue._kernels.weighted_bitsets import WORD, bit_of, bit_rows, counting_scale, entries_of, scaled_popcount

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from custvalue._kernels.itemset_collection import Collection
    from custvalue._kernels.weighted_bitsets import BitRows, Scale
    from custvalue._typing import BoolArray, IntArray

    Places = NDArray[np.intp]

_NODE_WORDS = 1 << 20
_BLOCK_WORDS = 1 << 16
_KEYS = 1 << 20
_CELLS = 1 << 18
_PAIR_WORDS = 1 << 24
#: Above this number of items no table of frequent pairs is kept (128 MB); candidates are then counted unpruned.
_PAIR_TABLE = 11_585


class Search(NamedTuple):
    """What stays the same during a search."""

    threshold: int
    total: int
    pairs: BoolArray | None  # pairs known to be frequent, low code first
    found: Collection


class Node(NamedTuple):
    """Sets of one length in order, the bits of their rows, and for each where its class (same prefix) ends."""

    sets: NDArray[np.int32]
    bits: NDArray[np.uint64]
    ends: Places


def start_search(n_items: int, threshold: int, total: int, found: Collection) -> Search:
    """Begin a search; the table of frequent pairs is filled as they are met."""
    table = np.zeros((n_items, n_items), dtype=np.bool_) if n_items <= _PAIR_TABLE else None
    return Search(threshold, total, table, found)


# ------------------------------------------------------------------------------------------ dense


def mine_dense(words: NDArray[np.uint64], scale: IntArray, search: Search) -> None:
    """Collect the frequent sets of two and more items from the bits of the items."""
    items = np.arange(len(words), dtype=np.int32)[:, None]
    ends = np.full(len(words), len(words))
    grow(Node(items, words, ends), counting_scale(scale, search.total), search)


def grow(node: Node, scale: Scale, search: Search) -> None:
    """Join the sets of each class, keep the frequent ones, and go on with them; memory stays within blocks."""
    length = node.sets.shape[1] + 1
    for first, last in _chunks(node, _NODE_WORDS):
        if length > search.found.longest:
            return
        one, other = candidates(node, first, last, search.pairs if length > 2 else None)  # noqa: PLR2004
        one, other, counts, bits = _joined(
            node.bits, one, other, scale, search, keep=length < search.found.longest
        )
        sets = np.concatenate([node.sets[one], node.sets[other, -1:]], axis=1)
        search.found.add(sets, counts)
        if length == 2 and search.pairs is not None:  # noqa: PLR2004
            search.pairs[sets[:, 0], sets[:, 1]] = True
        if bits is None:
            continue
        wide = shared(one)
        if len(wide):
            grow(Node(sets[wide], bits[wide], class_ends(one[wide])), scale, search)


def _chunks(node: Node, words: int) -> Iterator[tuple[int, int]]:
    """Cut the sets so that the candidates of a piece fit the number of words, the last ones first."""
    n_sets, width = node.bits.shape
    sizes = node.ends - np.arange(n_sets) - 1
    before = np.concatenate([[0], np.cumsum(sizes)])
    most = max(words // max(width, 1), 1)
    last = n_sets
    while last > 0 and before[last] > 0:
        first = int(np.searchsorted(before, before[last] - most))
        first = min(first, last - 1)
        if before[last] > before[first]:
            yield first, last
        last = first


def candidates(node: Node, first: int, last: int, pairs: BoolArray | None) -> tuple[Places, Places]:
    """Pair the sets from first to last with the later ones of their class whose last items are a frequent pair."""
    here = np.arange(first, last)
    sizes = node.ends[first:last] - here - 1
    one = np.repeat(here, sizes)
    other = np.arange(len(one)) + np.repeat(here + 1 - (np.cumsum(sizes) - sizes), sizes)
    if pairs is None:
        return one, other
    items = node.sets[:, -1].astype(np.intp)
    likely = np.flatnonzero(pairs.ravel()[items[one] * len(pairs) + items[other]])
    return one[likely], other[likely]


def _joined(
    bits: NDArray[np.uint64], one: Places, other: Places, scale: Scale, search: Search, *, keep: bool
) -> tuple[Places, Places, IntArray, NDArray[np.uint64] | None]:
    """Count the rows that two sets share; give the frequent joins, and their bits if they are to be kept."""
    block = max(1, _BLOCK_WORDS // max(bits.shape[1], 1))
    kept, counts, words = [], [np.zeros(0, dtype=np.int64)], []
    for start in range(0, len(one), block):
        both = bits.take(one[start : start + block], axis=0)
        both &= bits.take(other[start : start + block], axis=0)
        count = scaled_popcount(both, scale)
        frequent = np.flatnonzero(count >= search.threshold)
        kept.append(frequent + start)
        counts.append(count[frequent])
        if keep:
            words.append(both.take(frequent, axis=0))
    places = np.concatenate(kept) if kept else np.zeros(0, dtype=np.intp)
    joined = (np.concatenate(words) if words else bits[:0]) if keep else None
    return one[places], other[places], np.concatenate(counts), joined


def shared(classes: NDArray[np.integer]) -> Places:
    """Give the places of the sets that are not alone in their class; classes stand together."""
    same = classes[1:] == classes[:-1]
    wide = np.zeros(len(classes), dtype=np.bool_)
    wide[1:] |= same
    wide[:-1] |= same
    return np.flatnonzero(wide)


def class_ends(classes: NDArray[np.integer]) -> Places:
    """Give for each set where its class ends; classes stand together."""
    bounds = np.flatnonzero(np.diff(classes)) + 1
    ends = np.append(bounds, len(classes))
    return np.repeat(ends, np.diff(ends, prepend=0))


# ------------------------------------------------------------------------------------------ sparse


class Entries(NamedTuple):
    """Bit rows with ascending codes, and their entries item by item."""

    codes: NDArray[np.int32]  # row after row
    first: Places  # for each entry, item by item: where the rest of its row begins in codes
    rest: Places  # and how many codes it has
    starts: Places  # (n_items + 1,): the entries of each item
    rows: NDArray[np.int32]  # the bit row of each entry, ascending within an item
    planes: BitRows


def arrange(indptr: IntArray, codes: NDArray[np.int32], weights: IntArray, n_items: int) -> Entries:
    """Repeat the rows by their weights' digits and list the entries both ways."""
    planes = bit_rows(weights, padding=48 * n_items)
    places, sizes = entries_of(indptr, planes.rows)
    n_entries = len(places)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    shape = (len(sizes), n_items)
    tags = np.arange(n_entries, dtype=np.int32 if n_entries < 2**31 else np.int64)
    by_item = sparse.csr_array((tags, codes[places], starts), shape=shape).tocsc()
    by_item.data = tags
    by_row = by_item.tocsr()
    first = np.empty(n_entries, dtype=np.intp)
    first[by_row.data] = np.arange(1, n_entries + 1)
    rest = starts[1:][by_item.indices] - first
    return Entries(by_row.indices, first, rest, by_item.indptr.astype(np.intp), by_item.indices, planes)


def mine_sparse(entries: Entries, search: Search) -> None:
    """Collect the frequent sets of two and more items, a range of first items at a time, the commonest first."""
    sums = np.concatenate([[0], np.cumsum(entries.rest)])[entries.starts]
    n_items = len(entries.starts) - 1
    sizes = np.diff(entries.starts)
    last = n_items - 1  # the commonest item begins no set
    while last > 0:
        first = int(np.searchsorted(sums, sums[last] - _KEYS))
        first = max(first, last - max(_CELLS // n_items, 1))
        first = max(first, int(np.searchsorted(sizes[:last], sizes[last - 1] * 2 // 3 - 2 * WORD)))
        first = min(first, last - 1)
        _mine_range(entries, first, last, search)
        last = first
        if search.found.longest < 2:  # noqa: PLR2004
            return


def _mine_range(entries: Entries, first: int, last: int, search: Search) -> None:
    """Count the pairs that begin with the items of the range, write the frequent ones as bits, and grow them."""
    n_items = len(entries.starts) - 1
    chunks = list(_entry_chunks(entries, first, last))
    counts = np.zeros((last - first) * n_items, dtype=np.int64)
    keys = None
    for chunk in chunks:
        keys = _keys(entries, first, chunk)
        counts += _pair_counts(entries, chunk, keys, len(counts), search.total)
    cells = np.flatnonzero(counts >= search.threshold)
    most_words = -(-int(np.diff(entries.starts[first : last + 1]).max()) // WORD)
    if len(cells) * most_words > _PAIR_WORDS and last - first > 1:
        middle = (first + last) // 2
        _mine_range(entries, middle, last, search)
        _mine_range(entries, first, middle, search)
        return
    sets = np.stack([cells // n_items + first, cells % n_items], axis=1).astype(np.int32)
    search.found.add(sets, counts[cells])
    if search.pairs is not None:
        search.pairs[sets[:, 0], sets[:, 1]] = True
    if search.found.longest <= 2:  # noqa: PLR2004
        return
    chosen = _joinable(sets, search)
    if not len(chosen):
        return
    slots = np.full(len(counts), -1, dtype=np.int32)
    slots[cells[chosen]] = np.arange(len(chosen))
    position, scale = _layout(entries, first, last)
    bits = np.zeros(len(chosen) * len(scale), dtype=np.uint64)
    for chunk in chunks:
        if keys is None or len(chunks) > 1:
            keys = _keys(entries, first, chunk)
        _write(entries, chunk, slots[keys], position[chunk.start - chunks[0].start :], bits, len(scale))
    sets = sets[chosen]
    node = Node(sets, bits.reshape(len(chosen), -1), class_ends(sets[:, 0]))
    grow(node, counting_scale(scale, search.total), search)


def _joinable(pairs: NDArray[np.int32], search: Search) -> Places:
    """Give the places of the pairs that have a partner to be joined with."""
    used = np.zeros(len(pairs), dtype=np.bool_)
    node = Node(pairs, np.zeros((len(pairs), 1), dtype=np.uint64), class_ends(pairs[:, 0]))
    for first, last in _chunks(node, _KEYS):
        one, other = candidates(node, first, last, search.pairs)
        used[one] = used[other] = True
    return np.flatnonzero(used)


def _entry_chunks(entries: Entries, first: int, last: int) -> Iterator[slice]:
    """Cut the entries of the items so that the pairs of a piece stay few."""
    start, stop = int(entries.starts[first]), int(entries.starts[last])
    sums = np.concatenate([[0], np.cumsum(entries.rest[start:stop])])
    here = 0
    while here < stop - start:
        there = max(int(np.searchsorted(sums, sums[here] + 2 * _KEYS, side="right")) - 1, here + 1)
        yield slice(start + here, start + there)
        here = there


def _keys(entries: Entries, first: int, chunk: slice) -> Places:
    """Give the cell (first item, second item) of every pair in the rows of the entries."""
    n_items = len(entries.starts) - 1
    rest = entries.rest[chunk]
    before = np.cumsum(rest)
    total = int(before[-1])
    before -= rest
    places = np.repeat(entries.first[chunk] - before, rest)
    places += np.arange(total)
    bounds = np.clip(entries.starts[first:], chunk.start, chunk.stop) - chunk.start
    sums = np.append(before, total)[bounds]
    keys = np.repeat(np.arange(len(sums) - 1) * n_items, np.diff(sums))
    keys += entries.codes[places]
    return keys


def _pair_counts(entries: Entries, chunk: slice, keys: Places, n_cells: int, total: int) -> IntArray:
    scales = entries.planes.scales
    if len(scales) == 1:
        return np.bincount(keys, minlength=n_cells)
    plane = np.searchsorted(np.cumsum(entries.planes.sizes), entries.rows[chunk], side="right")
    weights = np.repeat(scales[plane], entries.rest[chunk])
    if total < 2**53:
        return np.bincount(keys, weights=weights, minlength=n_cells).astype(np.int64)
    counts = np.zeros(n_cells, dtype=np.int64)
    np.add.at(counts, keys, weights)
    return counts


def _layout(entries: Entries, first: int, last: int) -> tuple[Places, IntArray]:
    """Give each entry of the items its bit among the rows of its item, and the scale of each word.

    The planes have the same words for all items of the range: as many as the item with most rows in it needs.
    """
    start, stop = entries.starts[first], entries.starts[last]
    sizes = np.diff(entries.starts[first : last + 1])
    scales = entries.planes.scales
    item = np.repeat(np.arange(last - first), sizes)
    if len(scales) == 1:
        position = np.arange(stop - start) - np.repeat(entries.starts[first:last] - start, sizes)
        return position, np.ones(-(-int(sizes.max()) // WORD), dtype=np.int64)
    plane = np.searchsorted(np.cumsum(entries.planes.sizes), entries.rows[start:stop], side="right")
    cell = item * len(scales) + plane
    held = np.bincount(cell, minlength=(last - first) * len(scales))
    position = np.arange(stop - start) - (np.cumsum(held) - held)[cell]
    n_words = -(-held.reshape(-1, len(scales)).max(axis=0) // WORD)
    position += (WORD * (np.cumsum(n_words) - n_words))[plane]
    return position, np.repeat(scales, n_words)


def _write(
    entries: Entries,
    chunk: slice,
    slots: NDArray[np.int32],
    position: Places,
    bits: NDArray[np.uint64],
    width: int,
) -> None:
    """Set, for every pair that has a slot, the bit of its row."""
    rest = entries.rest[chunk]
    met = np.flatnonzero(slots >= 0)
    where = np.repeat(position[: len(rest)], rest)[met]
    place = slots[met].astype(np.intp)
    place *= width
    place += where >> 6
    np.add.at(bits, place, bit_of(where))
