"""Frequent itemsets of weighted rows by any of three exact methods, with the same answer.

Items that are too rare are dropped first, the others numbered by their support, the rarest first, and rows with
fewer than two of them left out. What is left goes to one of

- ``cube``: the weight of all sets of at most 26 items at once (:mod:`~custvalue._kernels.itemset_cube`);
- ``gram``: one weighted matrix product a prefix (:mod:`~custvalue._kernels.itemset_gram`);
- ``bitset``: rows as bits, joined in bulk (:mod:`~custvalue._kernels.itemset_bitsets`).

The rule of ``auto``, from measurements: the cube up to 20 items (about 20 ms, whatever the threshold), bits
above. The Gram matrices were the slowest of the three on every data set tried; they are the second route that the
other two are checked by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from custvalue._kernels.itemset_bitsets import arrange, mine_dense, mine_sparse, start_search
from custvalue._kernels.itemset_collection import Collection, Mined
from custvalue._kernels.itemset_cube import MOST_ITEMS, mine_cube
from custvalue._kernels.itemset_gram import mine_gram
from custvalue._kernels.weighted_bitsets import EXACT, WORD, bits_of_rows, row_keys, sum_exactly, weighted_bitsets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._kernels.itemset_bitsets import Search
    from custvalue._typing import IntArray

__all__ = ["Method", "Mined", "frequent_itemsets", "item_counts"]

Method = Literal["auto", "cube", "gram", "bitset"]
#: Up to this many frequent items ``auto`` takes the cube.
CUBE_ITEMS = 20
#: Up to this many frequent items a row fits one number.
KEY_ITEMS = 63
#: Nanoseconds for a pair in a row (sparse bits) and for a word of two items (dense bits), as measured.
_PAIR_COST = 12.0
_WORD_COST = 1.5
#: Rows are joined anew where less than this share of the holdings is left.
_JOIN_SHARE = 0.6


def frequent_itemsets(
    indptr: IntArray,
    codes: NDArray[np.int32],
    weights: IntArray,
    n_items: int,
    threshold: int,
    *,
    max_length: int | None = None,
    limit: int,
    method: Method = "auto",
) -> Mined:
    """Find every set of items whose rows weigh at least the threshold.

    Parameters
    ----------
    indptr, codes : ndarray
        Rows in CSR form; a row holds a code once, in any order, and may be empty.
    weights : ndarray of int64
        Weight of each row, at least 1.
    n_items : int
        Number of codes.
    threshold : int
        Least weight, at least 1; a set that meets it exactly is frequent.
    max_length : int, optional
        Longest sets wanted, at least 1.
    limit : int
        Most sets wanted, at least 1. Where there are more, the answer holds all sets up to the greatest length at
        which they are within the limit, and is not ``complete``.
    method : {"auto", "cube", "gram", "bitset"}
        How they are found; the answer is the same. The cube takes at most 26 frequent items.

    Returns
    -------
    Mined
        The sets by length, then codes; and the method that was used.

    Raises
    ------
    ValueError
        If the cube is asked for and there are too many frequent items.
    """
    total = sum_exactly(weights)
    counts = item_counts(indptr, codes, weights, n_items)
    met = np.flatnonzero(counts >= threshold)
    items = met[np.argsort(counts[met], kind="stable")].astype(np.int32)
    if method == "auto":
        method = "cube" if len(items) <= CUBE_ITEMS else "bitset"
    if method == "cube" and len(items) > MOST_ITEMS:
        raise ValueError(f"The cube takes at most {MOST_ITEMS} items; {len(items)} are frequent.")
    found = Collection(limit, max_length)
    found.add(np.arange(len(items), dtype=np.int32)[:, None], counts[items])
    if len(items) > 1 and found.longest > 1:
        if method == "cube":
            mine_cube(*_keys(indptr, codes, weights, n_items, items), len(items), threshold, found)
        elif method == "gram":
            mine_gram(*_frequent_part(indptr, codes, weights, n_items, items), len(items), threshold, found)
        else:
            _mine_bits(indptr, codes, weights, n_items, items, start_search(len(items), threshold, total, found))
    return found.mined(items, method)


def _mine_bits(
    indptr: IntArray,
    codes: NDArray[np.int32],
    weights: IntArray,
    n_items: int,
    items: NDArray[np.int32],
    search: Search,
) -> None:
    """Choose between bits over all rows and bits over the rows of each first item, by their cost for the pairs."""
    if len(items) <= KEY_ITEMS:
        keys, kept = _keys(indptr, codes, weights, n_items, items)
        if not len(keys):
            return
        if int(np.bitwise_count(keys).sum()) < _JOIN_SHARE * len(codes):
            keys, kept = _joined(keys, kept)
        mine_dense(*bits_of_rows(keys, kept, len(items)), search)
        return
    indptr, codes, weights = _frequent_part(indptr, codes, weights, n_items, items)
    sizes = np.diff(indptr)
    sparse = _PAIR_COST * float((sizes * (sizes - 1) // 2).sum())
    dense = _WORD_COST * len(items) ** 2 / 2 * len(sizes) / WORD
    if dense < sparse:
        bitsets = weighted_bitsets(indptr, codes, len(items), weights)
        mine_dense(bitsets.words, bitsets.scale, search)
    else:
        mine_sparse(arrange(indptr, codes, weights, len(items)), search)


def item_counts(indptr: IntArray, codes: NDArray[np.int32], weights: IntArray, n_items: int) -> IntArray:
    """Give the weight of the rows that hold each item."""
    total = sum_exactly(weights)
    if total == len(weights):
        return np.bincount(codes, minlength=n_items)
    repeated = np.repeat(weights, np.diff(indptr))
    if total < EXACT:
        return np.bincount(codes, weights=repeated, minlength=n_items).astype(np.int64)
    counts = np.zeros(n_items, dtype=np.int64)
    np.add.at(counts, codes, repeated)
    return counts


def _frequent_part(
    indptr: IntArray, codes: NDArray[np.int32], weights: IntArray, n_items: int, items: NDArray[np.int32]
) -> tuple[IntArray, NDArray[np.int32], IntArray]:
    """Keep the items, in their new codes, and the rows with at least two of them."""
    rank = np.full(n_items, -1, dtype=np.int32)
    rank[items] = np.arange(len(items), dtype=np.int32)
    ranks = rank[codes]
    keep = ranks >= 0
    sizes = np.diff(np.concatenate([[0], np.cumsum(keep)])[indptr])
    rows = sizes > 1
    keep &= np.repeat(rows, np.diff(indptr))
    return np.concatenate([[0], np.cumsum(sizes[rows])]), ranks[keep], weights[rows]


def _keys(
    indptr: IntArray, codes: NDArray[np.int32], weights: IntArray, n_items: int, items: NDArray[np.int32]
) -> tuple[NDArray[np.uint64], IntArray]:
    """Write each row that holds at least two of the items as a number with a bit an item."""
    bit = np.zeros(n_items, dtype=np.uint64)
    bit[items] = np.left_shift(np.uint64(1), np.arange(len(items), dtype=np.uint64))
    keys = row_keys(indptr, codes, bit)
    keep = np.bitwise_count(keys) > 1
    return keys[keep], weights[keep]


def _joined(keys: NDArray[np.uint64], weights: IntArray) -> tuple[NDArray[np.uint64], IntArray]:
    """Join equal rows, which arise where items were dropped."""
    order = np.argsort(keys)
    keys = keys[order]
    new = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    return keys[new], np.add.reduceat(weights[order], new)
