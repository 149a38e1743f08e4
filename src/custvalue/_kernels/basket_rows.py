"""Baskets collapsed to distinct ones with their customers: the step that makes a hundred million rows few."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from custvalue._typing import BoolArray, FloatArray, IntArray

#: So many columns fit into one machine word.
WORD: Final = 64
#: Words looked at in one go.
BLOCK: Final = 1 << 18
#: Rows of flags packed in one go.
PACKED: Final = 1 << 16
#: Seeds tried before two different rows with one hash would be given up on; the first has never failed.
_SEEDS: Final = 16
_BITS: Final = np.left_shift(np.uint64(1), np.arange(WORD, dtype=np.uint64))
_GATHER: Final = np.uint64(0x0102040810204080)
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_SLOT_BITS: Final = 18
_LAST_32: Final = 2**32 - 1
_LAST_16: Final = np.uint16(2**16 - 1)


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
        The flags, as a table, or column by column.

    Returns
    -------
    ndarray of uint64, shape (n_rows,)
        The words. Cost: one pass; memory: the words and a block.

    Notes
    -----
    Eight flags that lie together are one number of 64 bits, and its product with 0x0102040810204080 has them as
    its highest byte (no two terms of the product meet, so there is no carry). That is four times as fast as
    ``numpy.packbits`` along the rows.
    """
    table = isinstance(flags, np.ndarray) and flags.flags.c_contiguous
    columns = list(flags.T) if isinstance(flags, np.ndarray) and not table else flags
    n_rows = len(flags) if table else len(columns[0])
    packed = np.zeros((n_rows, 8), dtype=np.uint8)
    for start in range(0, n_rows, PACKED):
        rows = slice(start, start + PACKED)
        if table:
            octets = _octets(np.asarray(flags)[rows])
            packed[rows, : octets.shape[1]] = octets
            continue
        for first in range(0, len(columns), 8):
            byte = np.zeros(min(PACKED, n_rows - start), dtype=np.uint8)
            for bit, column in enumerate(columns[first : first + 8]):
                byte |= column[rows].view(np.uint8) << np.uint8(bit)
            packed[rows, first // 8] = byte
    return packed.view("<u8").ravel().astype(np.uint64, copy=False)


def _octets(table: BoolArray) -> NDArray[np.uint8]:
    """Pack each eight flags of a row into a byte."""
    n_rows, n_columns = table.shape
    n_bytes = -(-n_columns // 8)
    if n_columns % 8:
        padded = np.zeros((n_rows, 8 * n_bytes), dtype=np.bool_)
        padded[:, :n_columns] = table
        table = padded
    gathered = (table.view("<u8") * _GATHER).astype("<u8", copy=False)
    return gathered.view(np.uint8).reshape(n_rows, n_bytes, 8)[:, :, 7]


def counted_words(words: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], IntArray]:
    """Count how often each word occurs; ascending words.

    Notes
    -----
    Every word has a slot in a table, by Fibonacci hashing (Knuth, The Art of Computer Programming 3, section 6.4);
    of every fourth block the last word that comes to a slot keeps it. Occurrences of the words kept are counted by
    slot, and the others, a few hundredths at a bank, are sorted. A word is kept or it is not, so the counts do not
    depend on who keeps a slot. Cost: a pass and a quarter, and the sort of the others: all of them in the worst
    case. Memory: 4 MB and the others.
    """
    if len(words) <= BLOCK:
        return _runs(words)
    n_slots = 1 << _SLOT_BITS
    kept, counts = np.zeros(n_slots, dtype=np.uint64), np.zeros(n_slots + 1, dtype=np.int64)
    room, other_room = np.empty(BLOCK, dtype=np.uint64), np.empty(BLOCK, dtype=np.uint64)
    blocks = [words[start : start + BLOCK] for start in range(0, len(words), BLOCK)]
    for block in blocks[::4]:
        kept[_slots(block, room)] = block
    others = []
    for block in blocks:
        slots = _slots(block, room)
        other = np.take(kept, slots, out=other_room[: len(block)], mode="clip") != block
        others.append(block[other])
        slots[other] = n_slots
        counts += np.bincount(slots, minlength=n_slots + 1)
    used = np.flatnonzero(counts[:n_slots])
    rest, rest_counts = _runs(np.concatenate(others))
    found = np.concatenate((kept[used], rest))
    order = np.argsort(found)
    return found[order], np.concatenate((counts[used], rest_counts))[order]


def _slots(block: NDArray[np.uint64], room: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Give the slot of each word of a block, written into the room."""
    slots = np.multiply(block, _GOLDEN, out=room[: len(block)])
    np.right_shift(slots, np.uint64(64 - _SLOT_BITS), out=slots)
    return slots.view(np.int64)


def _runs(words: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], IntArray]:
    """Count how often each word occurs by sorting; ascending words."""
    ordered = np.sort(words)
    new = np.ones(len(ordered), dtype=np.bool_)
    new[1:] = ordered[1:] != ordered[:-1]
    first = np.flatnonzero(new)
    return ordered[first], np.diff(first, append=len(ordered)).astype(np.int64, copy=False)


def distinct_words(words: NDArray[np.uint64], counts: IntArray, n_columns: int) -> DistinctRows:
    """Give distinct ascending words with what they count for as rows in the order of `distinct_rows`.

    Cost: a sort of the words and one pass over their bits; the hash of a word is a sum of look-ups by its bytes.
    """
    of_code = _scrambled(np.arange(1, WORD + 1, dtype=np.uint64))
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little").view(np.bool_)
    as_bytes = words.astype("<u8").view(np.uint8).reshape(len(words), 8)
    hashes = np.zeros(len(words), dtype=np.uint64)
    for place in range(-(-n_columns // 8)):
        some = of_code[8 * place : 8 * place + 8]
        hashes += np.where(bits, some, np.uint64(0)).sum(axis=1, dtype=np.uint64)[as_bytes[:, place]]
    order = np.argsort(hashes)
    # Most counts are small: those fit into 16 bits, which are sorted by radix; the few beyond are sorted again.
    few = np.minimum(counts[order], _LAST_16).astype(np.uint16)
    order = order[np.argsort(_LAST_16 - few, kind="stable")]
    many = order[: int(np.count_nonzero(few == _LAST_16))]
    order[: len(many)] = many[np.argsort(-counts[many], kind="stable")]
    return DistinctRows(*rows_of_words(words[order], n_columns), counts[order], ())


def rows_of_words(words: NDArray[np.uint64], n_columns: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Unpack words into sparse rows: where each row starts, and its columns in ascending order."""
    as_bytes = words.astype("<u8").view(np.uint8).reshape(len(words), 8)
    bits = np.unpackbits(as_bytes, axis=1, count=n_columns, bitorder="little").view(np.bool_)
    return _sparse(bits, np.bitwise_count(words))


def sparse_rows(flags: BoolArray) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Turn a table of flags into sparse rows: where each row starts, and its columns in ascending order."""
    return _sparse(flags, np.count_nonzero(flags, axis=1))


def _sparse(flags: BoolArray, lengths: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Turn a table of flags into sparse rows whose lengths are known."""
    indptr = np.zeros(len(flags) + 1, dtype=np.int64)
    np.cumsum(lengths, out=indptr[1:])
    n_columns = max(flags.shape[1], 1)
    cells = np.flatnonzero(flags.ravel())
    if flags.size <= _LAST_32:
        cells = cells.astype(np.uint32)
        n_columns = np.uint32(n_columns)
    return indptr, (cells % n_columns).astype(np.int32)


def with_last(
    indptr: NDArray[np.int64], codes: NDArray[np.int32], last: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Add to each sparse row one more column behind its others."""
    longer = indptr + np.arange(len(indptr), dtype=np.int64)
    out = np.empty(len(codes) + len(last), dtype=np.int32)
    behind = np.zeros(len(out), dtype=np.bool_)
    behind[longer[1:] - 1] = True
    out[behind], out[~behind] = last, codes
    return longer, out


def row_words(
    places: NDArray[np.int64], codes: NDArray[np.int32], n_rows: int, n_columns: int
) -> NDArray[np.uint64]:
    """Give the word of each row from pairs (row, column) in any order, doubled pairs counting once.

    Notes
    -----
    The bits of a row are added. Where no sum carries, the words have as many bits as there are pairs, and a carry
    only ever loses some: so the count of the bits tells whether a pair was doubled, and then a slower way is
    gone. Cost: one pass over the pairs, or a pass a column.
    """
    words = np.zeros(n_rows, dtype=np.uint64)
    for start in range(0, len(codes), BLOCK):
        some = slice(start, start + BLOCK)
        np.add.at(words, places[some], _BITS[codes[some]])
    if int(np.bitwise_count(words).sum(dtype=np.int64)) == len(codes):
        return words
    words[:] = 0
    order = np.argsort(codes.astype(np.uint8), kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=n_columns))
    for code in range(n_columns):
        words[places[order[ends[code - 1] if code else 0 : ends[code]]]] |= _BITS[code]
    return words


def rows_of_pairs(
    places: NDArray[np.int64], codes: NDArray[np.int32], n_rows: int, n_columns: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Give sparse rows from pairs (row, column) in any order, doubled pairs counting once."""
    narrow = n_rows * n_columns <= _LAST_32
    pairs = np.sort((places.astype(np.int64) * n_columns + codes).astype(np.uint32 if narrow else np.int64))
    pairs = pairs[np.concatenate((np.ones(min(len(pairs), 1), dtype=np.bool_), pairs[1:] != pairs[:-1]))]
    starts = np.arange(n_rows + 1, dtype=np.int64) * n_columns
    indptr = np.searchsorted(pairs, starts.astype(pairs.dtype)).astype(np.int64)
    return indptr, (pairs % pairs.dtype.type(max(n_columns, 1))).astype(np.int32)


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
