"""Many small sets of codes in two arrays: taking, joining, dropping one, and all rules out of frequent sets."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from custvalue._typing import BoolArray, FloatArray, IntArray


class Sets(NamedTuple):
    """Sets of codes: set r holds ``codes[indptr[r]:indptr[r + 1]]``, ascending."""

    indptr: NDArray[np.int64]
    codes: NDArray[np.int32]

    @property
    def lengths(self) -> IntArray:
        """Number of codes in each set."""
        return np.diff(self.indptr)

    @property
    def size(self) -> int:
        """Number of sets."""
        return len(self.indptr) - 1


class SubsetFinder(Protocol):
    """Whatever finds sets among known ones, and knows which of them lack one code of another."""

    def find(self, sets: NDArray[np.int32]) -> NDArray[np.intp]:
        """Give the position of each row's set, or -1."""
        ...

    def subsets(self) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Give positions of sets, and of their subsets that lack each code in turn."""
        ...


def from_lengths(lengths: NDArray[np.integer], codes: NDArray[np.integer]) -> Sets:
    """Give sets of these lengths out of codes that stand one set after the other."""
    indptr = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=indptr[1:])
    return Sets(indptr, np.ascontiguousarray(codes, dtype=np.int32))


def from_matrix(matrix: NDArray[np.integer]) -> Sets:
    """Give sets of one length out of a matrix with one set a row."""
    rows, length = matrix.shape
    return Sets(np.arange(rows + 1, dtype=np.int64) * length, np.ascontiguousarray(matrix, dtype=np.int32).ravel())


def empty_sets(n: int) -> Sets:
    """Give so many empty sets."""
    return Sets(np.zeros(n + 1, dtype=np.int64), np.empty(0, dtype=np.int32))


def take(sets: Sets, positions: NDArray[np.integer]) -> Sets:
    """Give the sets at these positions, in that order."""
    lengths = sets.lengths[positions]
    starts = np.cumsum(lengths) - lengths
    places = np.arange(int(lengths.sum()), dtype=np.int64) - np.repeat(starts - sets.indptr[positions], lengths)
    return from_lengths(lengths, sets.codes[places])


def union(left: Sets, right: Sets) -> Sets:
    """Join two rows of sets that hold nothing in common, set by set; codes stay ascending."""
    lengths = left.lengths + right.lengths
    owner = np.concatenate(
        [np.repeat(np.arange(left.size), left.lengths), np.repeat(np.arange(right.size), right.lengths)]
    )
    codes = np.concatenate([left.codes, right.codes])
    return from_lengths(lengths, codes[np.lexsort((codes, owner))])


def stack(parts: list[Sets]) -> Sets:
    """Put rows of sets one after the other."""
    if not parts:
        return empty_sets(0)
    return from_lengths(np.concatenate([part.lengths for part in parts]), np.concatenate([p.codes for p in parts]))


def distinct(sets: Sets) -> tuple[Sets, IntArray]:
    """Give each set once, short ones first, and where each of the given sets is among them."""
    place = np.zeros(sets.size, dtype=np.int64)
    parts: list[Sets] = []
    known = 0
    for rows, matrix in by_length(sets):
        if matrix.shape[1]:
            once, inverse = np.unique(matrix, axis=0, return_inverse=True)
        else:
            once, inverse = matrix[:1], np.zeros(len(rows), dtype=np.intp)
        place[rows] = known + inverse.reshape(-1)
        known += len(once)
        parts.append(from_matrix(once))
    return stack(parts), place


def by_length(sets: Sets) -> Iterator[tuple[IntArray, NDArray[np.int32]]]:
    """Give, for each length that occurs, the positions of its sets and their codes as a matrix."""
    lengths = sets.lengths
    for length in np.unique(lengths).tolist():
        rows = np.flatnonzero(lengths == length)
        yield rows, sets.codes[sets.indptr[rows][:, None] + np.arange(length)]


def proper_subsets(sets: Sets, *, dropped: int | None = None) -> Iterator[tuple[IntArray, Sets]]:
    """Give the proper subsets in bounded parts, each with the positions of the sets they come from.

    ``dropped`` asks for subsets that lack exactly so many codes (sets shorter than that have none); None for all
    proper subsets, the empty one among them. Memory of a part: one subset of each set of one length.
    """
    for rows, matrix in by_length(sets):
        length = matrix.shape[1]
        sizes = range(length) if dropped is None else range(length - dropped, length - dropped + 1)
        for size in sizes:
            if 0 <= size < length:
                for columns in combinations(range(length), size):
                    yield rows, from_matrix(matrix[:, columns])


def holds_all(sets: Sets, codes: NDArray[np.integer]) -> BoolArray:
    """Tell which sets hold every one of these different codes."""
    hits = np.isin(sets.codes, codes)
    return np.asarray(_sums(sets, hits) == len(codes))


def holds_only(sets: Sets, allowed: BoolArray) -> BoolArray:
    """Tell which sets hold allowed codes only, by a flag for each code."""
    return np.asarray(_sums(sets, ~allowed[sets.codes]) == 0)


def holds_none(sets: Sets, codes: NDArray[np.integer]) -> BoolArray:
    """Tell which sets hold none of these codes."""
    return np.asarray(_sums(sets, np.isin(sets.codes, codes)) == 0)


def _sums(sets: Sets, flags: BoolArray) -> IntArray:
    running = np.zeros(len(flags) + 1, dtype=np.int64)
    np.cumsum(flags, out=running[1:])
    return running[sets.indptr[1:]] - running[sets.indptr[:-1]]


class Splits(NamedTuple):
    """Rules as positions among known sets: the whole set, its antecedent and its consequent."""

    whole: IntArray
    antecedent: IntArray
    consequent: IntArray


def splits(sets: Sets, finder: SubsetFinder, shortest: int, longest: int) -> Iterator[Splits]:
    """Split every set of two or more codes into an antecedent and a consequent of an allowed length.

    Parameters
    ----------
    sets : Sets
        Frequent sets, all subsets of each among them.
    finder : object with ``find``
        Finds the position of a set.
    shortest, longest : int
        Fewest and most codes of a consequent.

    Yields
    ------
    Splits
        One split of all sets of one length, short sets first, then short consequents; memory of each is bounded by
        the number of sets of that length.

    Notes
    -----
    The antecedent is reached by dropping the consequent's codes one after the other, the last first, along links
    from each set to the sets that lack one code of it.
    """
    links = _links_to_shorter(sets, finder)
    for rows, matrix in by_length(sets):
        length = matrix.shape[1]
        for size in range(max(1, shortest), min(longest, length - 1) + 1):
            for columns in combinations(range(length), size):
                antecedent = rows
                for column in reversed(columns):
                    antecedent = links[sets.indptr[antecedent] + column]
                yield Splits(rows, antecedent, finder.find(matrix[:, columns]).astype(np.int64, copy=False))


def _links_to_shorter(sets: Sets, finder: SubsetFinder) -> IntArray:
    """Give, for every code of every set, the position of the set without it; -1 for sets of one code."""
    links = np.empty(len(sets.codes), dtype=np.int64)
    for rows, shorter in finder.subsets():
        links[sets.indptr[rows][:, None] + np.arange(shorter.shape[1])] = shorter
    return links


def reaches_share(part: IntArray, whole: IntArray, numerator: int, denominator: int) -> BoolArray:
    """Tell exactly where part / whole >= numerator / denominator; nowhere where the whole is 0."""
    largest = max(int(part.max(initial=0)), int(whole.max(initial=0)), 1)
    if largest * max(numerator, denominator) < 2**63:
        reached = part * denominator >= whole * numerator
    else:  # Python's whole numbers do not overflow
        reached = np.asarray(part.astype(object) * denominator >= whole.astype(object) * numerator, dtype=np.bool_)
    return reached & (whole > 0)


def best_of_parts(size: int, parts: Iterator[tuple[IntArray, FloatArray]]) -> FloatArray:
    """Give the largest value of each place over parts of (places, values); -inf where there is none."""
    best = np.full(size, -np.inf)
    for places, values in parts:
        best[places] = np.maximum(best[places], values)
    return best
