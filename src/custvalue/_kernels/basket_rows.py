"""Baskets collapsed to distinct ones with their customers: the step that makes a hundred million rows few."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from custvalue._typing import BoolArray, FloatArray, IntArray

#: So many columns fit into one machine word.
WORD: Final = 64
#: Rows looked at in one go: a block of words is sorted within the cache.
BLOCK: Final = 1 << 18
#: Seeds tried before two different rows with one hash would be given up on; the first has never failed.
_SEEDS: Final = 16


class DistinctRows(NamedTuple):
    """Distinct rows in a canonical order, and what stands behind each."""

    indptr: NDArray[np.int64]
    codes: NDArray[np.int32]
    weights: NDArray[np.int64]
    sums: tuple[FloatArray, ...]


def words_of_flags(flags: BoolArray | Sequence[BoolArray]) -> NDArray[np.uint64]:
    """Pack up to 64 columns of flags into one word a row; column j is bit j.

    Parameters
    ----------
    flags : ndarray of bool, shape (n_rows, n_columns), or sequence of ndarray of bool, shape (n_rows,)
        The flags, as a table whose rows lie together, or column by column.

    Returns
    -------
    ndarray of uint64, shape (n_rows,)
        The words. Cost: one pass; memory: the words and a block.
    """
    if isinstance(flags, np.ndarray) and flags.flags.c_contiguous:
        n_rows = flags.shape[0]
        packed = np.zeros((n_rows, 8), dtype=np.uint8)
        bits = np.packbits(flags, axis=1, bitorder="little")
        packed[:, : bits.shape[1]] = bits
        return packed.view("<u8").ravel().astype(np.uint64, copy=False)
    columns = list(flags.T) if isinstance(flags, np.ndarray) else list(flags)
    n_rows = len(columns[0])
    packed = np.zeros((n_rows, 8), dtype=np.uint8)
    block = BLOCK >> 2
    for start in range(0, n_rows, block):
        for first in range(0, len(columns), 8):
            byte = np.zeros(min(block, n_rows - start), dtype=np.uint8)
            for bit, column in enumerate(columns[first : first + 8]):
                byte |= column[start : start + block].view(np.uint8) << np.uint8(bit)
            packed[start : start + block, first // 8] = byte
    return packed.view("<u8").ravel().astype(np.uint64, copy=False)


def counted_words(words: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], IntArray]:
    """Count how often each word occurs; ascending words.

    Blocks are sorted by themselves, in two threads, and what is left of them once more: the result does not depend
    on the blocks, since counts are whole numbers. Cost: O(n log n) for the block's length.
    """
    return _counted_blocks(lambda rows: words[rows], len(words))


def counted_flags(flags: BoolArray | Sequence[BoolArray]) -> tuple[NDArray[np.uint64], IntArray]:
    """Count how often each word of up to 64 flags occurs, as `words_of_flags` packs them; ascending words.

    Words are packed and counted block by block, so that memory stays at the block and the distinct words.
    """
    if isinstance(flags, np.ndarray):
        return _counted_blocks(lambda rows: words_of_flags(flags[rows]), len(flags))
    return _counted_blocks(lambda rows: words_of_flags([column[rows] for column in flags]), len(flags[0]))


def _counted_blocks(
    words_in: Callable[[slice], NDArray[np.uint64]], n_rows: int
) -> tuple[NDArray[np.uint64], IntArray]:
    def of_block(start: int) -> tuple[NDArray[np.uint64], IntArray]:
        found, counts = np.unique(words_in(slice(start, start + BLOCK)), return_counts=True)
        return found, counts.astype(np.int64, copy=False)

    starts = range(0, n_rows, BLOCK)
    if len(starts) <= 1:
        return of_block(0)
    with ThreadPoolExecutor(2) as threads:
        parts = list(threads.map(of_block, starts))
    return _added(np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]))


def _added(words: NDArray[np.uint64], weights: IntArray) -> tuple[NDArray[np.uint64], IntArray]:
    order = np.argsort(words)
    ordered = words[order]
    first = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    return ordered[first], np.add.reduceat(weights[order], first)


def rows_of_words(words: NDArray[np.uint64], n_columns: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Unpack words into sparse rows: where each row starts, and its columns in ascending order."""
    as_bytes = words.astype("<u8").view(np.uint8).reshape(len(words), 8)
    bits = np.unpackbits(as_bytes, axis=1, count=n_columns, bitorder="little").view(np.bool_)
    return sparse_rows(bits)


def sparse_rows(flags: BoolArray) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Turn a table of flags into sparse rows: where each row starts, and its columns in ascending order."""
    indptr = np.zeros(len(flags) + 1, dtype=np.int64)
    np.cumsum(np.count_nonzero(flags, axis=1), out=indptr[1:])
    return indptr, np.nonzero(flags)[1].astype(np.int32)


def row_words(
    places: NDArray[np.int64], codes: NDArray[np.int32], n_rows: int, n_columns: int
) -> NDArray[np.uint64]:
    """Give the word of each row from pairs (row, column) in any order, doubled pairs counting once.

    Cost: one pass a column over that column's pairs, and a stable sort of the codes.
    """
    words = np.zeros(n_rows, dtype=np.uint64)
    order = np.argsort(codes.astype(np.uint8), kind="stable")
    starts = np.searchsorted(codes[order], np.arange(n_columns + 1))
    for code in range(n_columns):
        rows = places[order[starts[code] : starts[code + 1]]]
        words[rows] |= np.uint64(1 << code)
    return words


def rows_of_pairs(
    places: NDArray[np.int64], codes: NDArray[np.int32], n_rows: int, n_columns: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Give sparse rows from pairs (row, column) in any order, doubled pairs counting once."""
    pairs = np.sort(places.astype(np.int64) * n_columns + codes)
    pairs = pairs[np.concatenate((np.ones(min(len(pairs), 1), dtype=np.bool_), pairs[1:] != pairs[:-1]))]
    indptr = np.searchsorted(pairs, np.arange(n_rows + 1, dtype=np.int64) * n_columns).astype(np.int64)
    return indptr, (pairs % n_columns).astype(np.int32) if n_columns else np.empty(0, dtype=np.int32)


def _scrambled(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble whole numbers by the finaliser of SplitMix64 (Steele, Lea and Flood, 2014)."""
    z = numbers * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)), dtype=np.uint64)


def _row_sums(numbers: NDArray[np.uint64], indptr: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Add each row's numbers modulo 2^64; an empty row gives 0."""
    total = np.zeros(len(numbers) + 1, dtype=np.uint64)
    np.cumsum(numbers, out=total[1:])
    return np.asarray(total[indptr[1:]] - total[indptr[:-1]], dtype=np.uint64)


def _same_rows(
    indptr: NDArray[np.int64], codes: NDArray[np.int32], left: NDArray[np.intp], right: NDArray[np.intp]
) -> bool:
    """Tell whether each row of one list equals its partner of the other."""
    lengths = np.diff(indptr)
    if not np.array_equal(lengths[left], lengths[right]):
        return False
    within = np.arange(int(lengths[left].sum()), dtype=np.int64)
    ends = np.cumsum(lengths[left])
    within -= np.repeat(ends - lengths[left], lengths[left])
    here = codes[np.repeat(indptr[left], lengths[left]) + within]
    there = codes[np.repeat(indptr[right], lengths[left]) + within]
    return bool(np.array_equal(here, there))


def distinct_rows(
    indptr: NDArray[np.int64],
    codes: NDArray[np.int32],
    weights: IntArray | None = None,
    sums: Sequence[FloatArray] = (),
) -> DistinctRows:
    """Collapse sparse rows to distinct ones: the most frequent first, ties in an order of their own content.

    Parameters
    ----------
    indptr : ndarray of int64, shape (n_rows + 1,)
        Where each row starts.
    codes : ndarray of int32, shape (n_held,)
        Columns of each row, ascending, each once.
    weights : ndarray of int64, shape (n_rows,) or None
        What each row counts for; 1 if None.
    sums : sequence of ndarray of float64, shape (n_rows,)
        Numbers to be added over equal rows.

    Returns
    -------
    DistinctRows
        Rows by falling weight; rows of equal weight by a hash of their columns, so the order of the input does not
        matter. Numbers are added in ascending order.

    Notes
    -----
    Rows are told apart by the sum of 64-bit scrambled codes, modulo 2^64 (Zobrist hashing); rows with one hash are
    compared column by column, and if two differ, another seed is taken. Cost: O(held + n log n).
    """
    n_rows = len(indptr) - 1
    amounts = np.ones(n_rows, dtype=np.int64) if weights is None else weights
    for seed in range(_SEEDS):
        hashes = _row_sums(_scrambled(codes.astype(np.uint64) + np.uint64(1 + (seed << 32))), indptr)
        first, inverse = np.unique(hashes, return_index=True, return_inverse=True)[1:]
        if _same_rows(indptr, codes, np.arange(n_rows), first[inverse]):
            break
    else:  # pragma: no cover - sixteen independent collisions of 64 bits
        message = "Rows could not be told apart."
        raise RuntimeError(message)
    counts = np.zeros(len(first), dtype=np.int64)
    np.add.at(counts, inverse, amounts)
    order = np.lexsort((hashes[first], -counts))
    kept = first[order]
    lengths = np.diff(indptr)[kept]
    ends = np.cumsum(lengths)
    within = np.arange(int(lengths.sum()), dtype=np.int64) - np.repeat(ends - lengths, lengths)
    gathered = codes[np.repeat(indptr[kept], lengths) + within]
    return DistinctRows(
        np.concatenate((np.zeros(1, dtype=np.int64), ends)),
        np.asarray(gathered, dtype=np.int32),
        counts[order],
        tuple(_ascending_sums(inverse, values, len(first))[order] for values in sums),
    )


def _ascending_sums(groups: NDArray[np.intp], values: FloatArray, n_groups: int) -> FloatArray:
    order = np.argsort(values, kind="stable")
    return np.bincount(groups[order], weights=values[order], minlength=n_groups).astype(np.float64)
