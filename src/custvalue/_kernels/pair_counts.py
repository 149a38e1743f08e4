"""How many customers hold two products together: all pairs at once, out of weighted distinct baskets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._typing import BoolArray, IntArray

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
    Few columns: each becomes a row of bits, once for every binary digit of the weights, and two rows of bits are
    counted together; distinct baskets mostly weigh 1, so higher digits cost little. Many columns: a sparse
    product. Both use whole numbers throughout, and one thread. Cost of the bits: rows / 64 times columns squared.
    """
    right = (indptr, codes) if other is None else other
    if n_columns > FEW_PRODUCTS:
        return _sparse(indptr, codes, weights, n_columns, right)
    total = np.zeros((n_columns, n_columns), dtype=np.int64)
    step = max(1, BLOCK_FLAGS // max(1, n_columns))
    for start in range(0, len(weights), step):
        stop = min(start + step, len(weights))
        first = _flags(indptr, codes, start, stop, n_columns)
        second = first if other is None else _flags(*right, start, stop, n_columns)
        block = weights[start:stop]
        for digit in range(int(block.max()).bit_length()):
            rows = np.flatnonzero((block >> digit) & 1)
            left_bits = _bits(first, rows)
            right_bits = left_bits if other is None else _bits(second, rows)
            for column in range(n_columns):
                both = np.bitwise_count(left_bits[column] & right_bits)
                total[column] += both.sum(axis=1, dtype=np.int64) << digit
    return total


def _flags(
    indptr: NDArray[np.int64], codes: NDArray[np.int32], start: int, stop: int, n_columns: int
) -> BoolArray:
    flags = np.zeros((n_columns, stop - start), dtype=np.bool_)
    rows = np.repeat(np.arange(stop - start), np.diff(indptr[start : stop + 1]))
    flags[codes[indptr[start] : indptr[stop]], rows] = True
    return flags


def _bits(flags: BoolArray, rows: NDArray[np.intp]) -> NDArray[np.uint64]:
    """Pack some rows of flags into words, a row of words a column."""
    chosen = flags if len(rows) == flags.shape[1] else flags[:, rows]
    packed = np.zeros((len(flags), -(-len(rows) // 64) * 8), dtype=np.uint8)
    packed[:, : -(-len(rows) // 8)] = np.packbits(chosen, axis=1)
    return packed.view(np.uint64)


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
