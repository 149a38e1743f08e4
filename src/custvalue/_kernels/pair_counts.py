"""How many customers hold two products together: all pairs at once, out of weighted distinct baskets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from custvalue._kernels.weighted_bitsets import WORD, bits_of_rows, row_keys

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._typing import IntArray

#: Flags that are packed into bits at once: 32 MB.
BLOCK_FLAGS = 1 << 25
#: Up to so many products counting bits is faster than a sparse product.
FEW_PRODUCTS = 256


def pair_sums(
    indptr: NDArray[np.int64],
    codes: NDArray[np.int32],
    weights: IntArray,
    n_columns: int,
    other: tuple[NDArray[np.int64], NDArray[np.int32]] | None = None,
) -> IntArray:
    """Sum the weights of the rows that have a column of one table and a column of another.

    Parameters
    ----------
    indptr, codes : ndarray
        Columns that each row has.
    weights : ndarray of int64, shape (n_rows,)
        Weight of each row, not negative.
    n_columns : int
        Number of columns of both tables.
    other : tuple of ndarray, default=None
        The second table, with the same rows; None: the first once more.

    Returns
    -------
    ndarray of int64, shape (n_columns, n_columns)
        Sums, exact: rows of the first table's columns, columns of the second's.

    Notes
    -----
    Few columns: each becomes a row of bits, repeated by the digits of the weights (see `weighted_bitsets`), and
    two rows of bits are counted together. Many columns: a sparse product. Both use whole numbers, and one
    thread. Cost of the bits: rows / 64 times columns squared.
    """
    right = (indptr, codes) if other is None else other
    if n_columns > FEW_PRODUCTS:
        return _sparse(indptr, codes, weights, n_columns, right)
    total = np.zeros((n_columns, n_columns), dtype=np.int64)
    step = max(1, BLOCK_FLAGS // max(1, n_columns))
    for start in range(0, len(weights), step):
        stop = min(start + step, len(weights))
        block = weights[start:stop]
        first, scale = _bits(indptr, codes, start, block, n_columns)
        second = first if other is None else _bits(*right, start, block, n_columns)[0]
        runs = np.flatnonzero(np.diff(scale, prepend=-1))
        for column in range(n_columns if len(runs) else 0):
            both = np.bitwise_count(first[column] & second)
            total[column] += np.add.reduceat(both, runs, axis=1, dtype=np.int64) @ scale[runs]
    return total


def _bits(
    indptr: NDArray[np.int64], codes: NDArray[np.int32], start: int, weights: IntArray, n_columns: int
) -> tuple[NDArray[np.uint64], IntArray]:
    """Give a block of weighted rows as columns of bits, with the scale of each word."""
    ends = indptr[start : start + len(weights) + 1]
    own, places = codes[ends[0] : ends[-1]], ends - ends[0]
    parts = []
    for first in range(0, n_columns, WORD):
        width = min(WORD, n_columns - first)
        bits = np.zeros(n_columns, dtype=np.uint64)
        bits[first : first + width] = np.left_shift(np.uint64(1), np.arange(width, dtype=np.uint64))
        words, scale = bits_of_rows(row_keys(places, own, bits), weights, width)
        parts.append(words)
    return parts[0] if len(parts) == 1 else np.concatenate(parts), scale


def _sparse(
    indptr: NDArray[np.int64],
    codes: NDArray[np.int32],
    weights: IntArray,
    n_columns: int,
    right: tuple[NDArray[np.int64], NDArray[np.int32]],
) -> IntArray:
    shape = (len(weights), n_columns)
    weighted = np.repeat(weights, np.diff(indptr))
    first = sparse.csr_array((weighted, codes, indptr), shape=shape)
    second = sparse.csr_array((np.ones(len(right[1]), dtype=np.int64), right[1], right[0]), shape=shape)
    answer: IntArray = np.asarray((first.T @ second).toarray(), dtype=np.int64)
    return answer
