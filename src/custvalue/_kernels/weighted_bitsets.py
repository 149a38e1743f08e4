r"""Columns of weighted rows as bits: how much weight holds all columns of a set, in a few operations a word.

A row of weight w is written as w's digits: in base :math:`2^b`, plane p takes the row as often as its digit p
says, and a bit of plane p counts :math:`2^{bp}`. Each plane begins a new word, so a word has one scale, and

.. math:: count(S) = \sum_{words} scale \cdot popcount\Big(\bigwedge_{c \in S} word_c\Big).

Rows that stand alone cost one bit, a row for a million customers a few bits. The base is the one that takes the
least room. Counting in bits over the rows of each product is Zaki's (2000, Scalable Algorithms for Association
Mining, IEEE TKDE 12(3), 372-390); the scaled words for weights are ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._typing import IntArray

    Scale = NDArray[np.float64] | NDArray[np.int64]

WORD = 64
#: Whole numbers below this are exact in float64, whatever the order in which they are added.
EXACT = 2**53
_BLOCK_WORDS = 1 << 17
_WIDEST_DIGIT = 6


class BitRows(NamedTuple):
    """Rows repeated by the digits of their weights, plane after plane."""

    rows: NDArray[np.intp]  # the row that each bit row repeats
    sizes: NDArray[np.intp]  # bit rows of each plane
    scales: IntArray  # what a bit of each plane counts


class WeightedBitsets(NamedTuple):
    """Columns as bits, every row repeated by the digits of its weight."""

    words: NDArray[np.uint64]  # (n_columns, n_words)
    scale: IntArray  # (n_words,): what each bit of the word counts
    total: int  # weight of all rows


def bit_rows(weights: IntArray, padding: int = WORD) -> BitRows:
    """Repeat the rows by the digits of their weights, in the base that needs the fewest bits.

    ``padding`` is what another plane costs, in bits; heavy rows make small bases cheap, few heavy rows large ones.
    """
    heavy = np.flatnonzero(weights > 1)
    widest = int(weights.max()).bit_length() if len(heavy) else 1
    best, digits, width = -1, np.zeros((0, 0), dtype=np.int64), 1
    for bits in range(1, _WIDEST_DIGIT + 1) if len(heavy) else ():
        shifts = np.arange(0, widest, bits)
        found = (weights[heavy] >> shifts[:, None]) & ((1 << bits) - 1)
        cost = int(found.sum()) + padding * len(shifts)
        if best < 0 or cost < best:
            best, digits, width = cost, found, bits
    first = (weights == 1).astype(np.int64)
    if len(heavy):
        first[heavy] = digits[0]
    planes = [np.repeat(np.arange(len(weights)), first)]
    planes += [np.repeat(heavy, digit) for digit in digits[1:]]
    shift = width * np.arange(len(planes), dtype=np.int64)
    sizes = np.array([len(plane) for plane in planes], dtype=np.intp)
    return BitRows(np.concatenate(planes), sizes, np.left_shift(np.int64(1), shift))


def bit_places(repeated: BitRows) -> tuple[NDArray[np.intp], IntArray]:
    """Give each bit row its bit, every plane in words of its own, and each word its scale."""
    n_words = -(-repeated.sizes // WORD)
    starts = WORD * (np.cumsum(n_words) - n_words) - (np.cumsum(repeated.sizes) - repeated.sizes)
    position = np.arange(len(repeated.rows)) + np.repeat(starts, repeated.sizes)
    return position, np.repeat(repeated.scales, n_words)


def entries_of(indptr: IntArray, rows: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give the places of the rows' entries in the CSR arrays, one row after the other, and the rows' sizes."""
    start = indptr[rows].astype(np.intp)
    sizes = indptr[rows + 1].astype(np.intp) - start
    before = np.cumsum(sizes) - sizes
    places = np.repeat(start - before, sizes)
    places += np.arange(len(places))
    return places, sizes


def weighted_bitsets(
    indptr: IntArray, codes: NDArray[np.int32], n_columns: int, weights: IntArray
) -> WeightedBitsets:
    """Write the columns of weighted CSR rows as bits; no row holds a column twice, weights are at least 0.

    Memory: ``n_columns`` x (bit rows / 64) words.
    """
    repeated = bit_rows(weights)
    position, scale = bit_places(repeated)
    places, sizes = entries_of(indptr, repeated.rows)
    words = np.zeros(n_columns * len(scale), dtype=np.uint64)
    place = codes[places].astype(np.intp)
    place *= len(scale)
    place += np.repeat(position >> 6, sizes)
    np.add.at(words, place, np.repeat(bit_of(position), sizes))
    total = sum_exactly(weights)
    return WeightedBitsets(words.reshape(n_columns, len(scale)), scale, total)


def row_keys(indptr: IntArray, codes: NDArray[np.int32], bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Write each row as one number, the sum of its columns' bits; a column of no account has the bit 0."""
    keys = np.zeros(len(indptr) - 1, dtype=np.uint64)
    filled = np.flatnonzero(np.diff(indptr))
    if len(filled):
        keys[filled] = np.add.reduceat(bits[codes], indptr[filled])
    return keys


def bits_of_rows(
    keys: NDArray[np.uint64], weights: IntArray, n_columns: int
) -> tuple[NDArray[np.uint64], IntArray]:
    """Turn weighted rows as numbers of up to 64 bits into columns as bits, with the scale of each word."""
    repeated = bit_rows(weights)
    position, scale = bit_places(repeated)
    spread = np.zeros(WORD * len(scale), dtype=np.uint64)
    spread[position] = keys[repeated.rows]
    words = np.empty((n_columns, len(scale)), dtype=np.uint64)
    for column in range(n_columns):
        if column % 8 == 0:
            octet = (spread >> np.uint64(column)).astype(np.uint8)
        words[column] = np.packbits(octet & np.uint8(1 << column % 8), bitorder="little").view(np.uint64)
    return words, scale


def bit_of(position: NDArray[np.intp]) -> NDArray[np.uint64]:
    """Give the word that has only the bit of the position."""
    return np.left_shift(np.uint64(1), (position & 63).astype(np.uint64))


def sum_exactly(weights: IntArray) -> int:
    """Add whole numbers without an overflow."""
    if float(weights.sum(dtype=np.float64)) < EXACT:
        return int(weights.sum())
    return sum(weights.tolist())


def counting_scale(scale: IntArray, total: int) -> Scale:
    """Give the scale as the fastest numbers in which sums up to the total are exact."""
    return scale.astype(np.float64) if total < EXACT else scale


def scaled_popcount(words: NDArray[np.uint64], scale: Scale) -> IntArray:
    """Add up the set bits of each row of words, each bit by the scale of its word."""
    counts = np.bitwise_count(words).astype(scale.dtype) @ scale
    return np.asarray(counts, dtype=np.int64)


def counts_of(bitsets: WeightedBitsets, indptr: IntArray, columns: NDArray[np.int32]) -> IntArray:
    """Give the weight of the rows that have all columns of each set; every row has all columns of an empty set.

    The sets are CSR rows of column numbers, in any order. Cost: words x columns of all sets; memory: a block of
    about a megabyte.
    """
    counts = np.full(len(indptr) - 1, bitsets.total, dtype=np.int64)
    scale = counting_scale(bitsets.scale, bitsets.total)
    lengths = np.diff(indptr)
    block = max(1, _BLOCK_WORDS // max(bitsets.words.shape[1], 1))
    for length in np.unique(lengths[lengths > 0]).tolist():
        sets = np.flatnonzero(lengths == length)
        for first in range(0, len(sets), block):
            places = sets[first : first + block]
            start = indptr[places]
            words = bitsets.words[columns[start]]
            for step in range(1, length):
                words &= bitsets.words[columns[start + step]]
            counts[places] = scaled_popcount(words, scale)
    return counts
