"""The most similar cases in float64: for any number of them, and wherever the float32 scan cannot decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from custvalue._kernels import relational

if TYPE_CHECKING:
    from custvalue._typing import FloatArray, IntArray

#: Cells that are looked at together: similarities, positions and masks of them take about 10 MB.
CELLS = 1 << 18
#: Cases that are merged at a time where few are wanted.
FEWEST = 4096


class Block(NamedTuple):
    """Some queries, with the terms of their coefficients; a row a query, a column an indicator."""

    queries: FloatArray
    #: Weight x numerator.
    scaled: FloatArray
    offset: FloatArray
    #: Position of the query among the chosen cases, to be left out; -1 where it is none of them.
    own: IntArray | None

    def of(self, rows: IntArray | slice) -> Block:
        """Take some of the queries."""
        own = None if self.own is None else self.own[rows]
        return Block(self.queries[rows], self.scaled[rows], self.offset[rows], own)


class CaseSet(NamedTuple):
    """All cases, or some of them: ``chosen`` holds their positions, rising."""

    cases: FloatArray
    chosen: IntArray | None

    @property
    def size(self) -> int:
        """Number of cases."""
        return len(self.cases) if self.chosen is None else len(self.chosen)

    def part(self, first: int, last: int) -> FloatArray:
        """Give some of the cases, a row each."""
        return self.cases[first:last] if self.chosen is None else self.cases[self.chosen[first:last]]

    def rows(self, places: IntArray) -> FloatArray:
        """Give the cases at some places, a row each."""
        return self.cases[self.positions(places)]

    def positions(self, places: IntArray) -> IntArray:
        """Turn places within the set into positions within all cases."""
        return places if self.chosen is None else self.chosen[places]


def _similarities(block: Block, known: CaseSet, first: int, last: int) -> FloatArray:
    """Compute the similarities of the block to some cases, shape (queries, cases)."""
    alike = np.empty((len(block.queries), last - first))
    wanted, scaled, offset = (relational.by_indicator(table) for table in block[:3])
    width = max(min(last - first, relational.TILE_CELLS // len(alike)), 1)
    buffer = np.empty(len(alike) * width)
    for start in range(first, last, width):
        columns = relational.by_indicator(known.part(start, min(start + width, last)))
        total = alike[:, start - first : start - first + width]
        space = buffer[: total.size].reshape(total.shape)
        relational.similarity_tile(wanted, columns, scaled, offset, total.T, space.T)
    if block.own is not None:
        inside = np.flatnonzero((block.own >= first) & (block.own < last))
        alike[inside, block.own[inside] - first] = -np.inf
    return alike


def _kept(places: IntArray, values: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    """Keep the k largest values of each row, the first among equals; places stay in their rising order."""
    width = values.shape[1]
    if width <= k:
        return places, values
    bound = np.partition(values, width - k, axis=1)[:, width - k, None]
    keep = values > bound
    missing = k - keep.sum(axis=1, keepdims=True)
    equal = values == bound
    # As many of the equals as are missing, from the left.
    keep |= equal & (np.cumsum(equal, axis=1, dtype=np.int32) <= missing)
    return places[keep].reshape(-1, k), values[keep].reshape(-1, k)


def search(block: Block, known: CaseSet, k: int) -> tuple[IntArray, FloatArray]:
    """Find the k most similar cases of each query of a block, the lowest place first among equals.

    Memory: about 40 bytes for each of ``CELLS`` pairs, or for each of 2k where that is more.
    """
    n_queries, size = len(block.queries), known.size
    width = min(size, max(FEWEST, min(k, CELLS)))
    height = max(CELLS // (width + k), 1)
    index, alike = np.empty((n_queries, k), dtype=np.int64), np.empty((n_queries, k))
    for row in range(0, n_queries, height):
        rows = slice(row, row + height)
        some = block.of(rows)
        places, values = np.empty((len(some.queries), 0), dtype=np.int64), np.empty((len(some.queries), 0))
        for first in range(0, size, width):
            last = min(first + width, size)
            found = np.broadcast_to(np.arange(first, last), (len(some.queries), last - first))
            added = _similarities(some, known, first, last)
            places, values = np.concatenate([places, found], axis=1), np.concatenate([values, added], axis=1)
            places, values = _kept(places, values, k)
        order = np.argsort(-values, axis=1, kind="stable")
        index[rows] = np.take_along_axis(places, order, axis=1)
        alike[rows] = np.take_along_axis(values, order, axis=1)
    return index, alike
