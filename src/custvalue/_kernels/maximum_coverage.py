"""Greedy maximum coverage: the sets that together reach the most weight, and how far the best could be."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from custvalue._typing import IntArray


class Coverage(NamedTuple):
    """What was chosen, in order, what each choice added, and what no choice of as many sets can exceed."""

    chosen: IntArray
    added: IntArray
    bound: int


class Rows:
    """Rows of weighted baskets, looked up by the columns that they hold: packed flags of the columns in use.

    Parameters
    ----------
    indptr, codes : ndarray
        Baskets in compressed rows: row r holds the columns ``codes[indptr[r]:indptr[r + 1]]``, each once.
    weights : ndarray of int64, shape (n_rows,)
        Customers behind each row, 0 or more.
    columns : iterable of int
        Columns that will be asked for. Memory: a bit a row and column.
    """

    def __init__(
        self,
        indptr: NDArray[np.int64],
        codes: NDArray[np.int32],
        weights: IntArray,
        columns: Iterable[int],
    ) -> None:
        self.weights = weights
        self._bits: dict[int, NDArray[np.uint8]] = {}
        owner = np.repeat(np.arange(len(weights), dtype=np.int64), np.diff(indptr))
        order = np.argsort(codes, kind="stable")
        ordered = codes[order]
        for column in sorted(set(columns)):
            start, stop = np.searchsorted(ordered, [column, column + 1])
            flags = np.zeros(len(weights), dtype=np.bool_)
            flags[owner[order[start:stop]]] = True
            self._bits[column] = np.packbits(flags)

    def holding(self, columns: Sequence[int]) -> NDArray[np.uint8]:
        """Give packed flags of the rows that hold all the columns, one at least."""
        found = self._bits[columns[0]].copy()
        for column in columns[1:]:
            found &= self._bits[column]
        return found

    def weight(self, packed: NDArray[np.uint8]) -> int:
        """Sum the weights of the rows whose flags are set."""
        flags = np.unpackbits(packed, count=len(self.weights)).view(np.bool_)
        return int(self.weights[flags].sum())


def greedy_coverage(
    sets: Sequence[tuple[int, ...]], rows: Rows, n_chosen: int, *, by_cell: bool = False
) -> Coverage:
    """Choose sets one after another, each the one that adds the most weight to what is covered.

    A set covers the rows that hold all its columns. Greedy choice reaches at least 1 - (1 - 1/k)^k, more than
    1 - 1/e, of the best choice of k sets (Nemhauser, Wolsey and Fisher 1978, *Mathematical Programming* 14,
    265-294). Gains only fall, so a set is counted again only when it stands first (Minoux 1978, *Optimization
    Techniques*, LNCIS 7, 234-243).

    Parameters
    ----------
    sets : sequence of tuple of int
        Columns of each set, at least one, all of them known to `rows`.
    rows : Rows
        Who holds what.
    n_chosen : int
        How many sets to choose at most; fewer where nothing is left to add.
    by_cell : bool, default=False
        Cover cells (row, column) instead of rows: the tiles of Geerts, Goethals and Mielikainen (2004),
        *Discovery Science*, LNAI 3245, 278-289.

    Returns
    -------
    Coverage
        Positions of the chosen sets, the weight that each added, and an upper bound on the weight that any
        `n_chosen` of the sets can cover. Among equal gains the earlier set wins. Cost: O(n_rows) a count and
        column; every set is counted once, and few again.
    """
    seen: dict[int, NDArray[np.uint8]] = {}
    nothing = np.zeros((len(rows.weights) + 7) // 8, dtype=np.uint8)

    def cells(place: int) -> tuple[int, ...]:
        return sets[place] if by_cell else (-1,)

    def gain(place: int) -> int:
        found = rows.holding(sets[place])
        return sum(rows.weight(found & ~seen.get(cell, nothing)) for cell in cells(place))

    heap = [(-gain(place), place) for place in range(len(sets))]
    heapq.heapify(heap)
    chosen: list[int] = []
    added: list[int] = []
    covered, bound = 0, _largest(heap, n_chosen)
    while heap and len(chosen) < n_chosen:
        _, place = heapq.heappop(heap)
        fresh = gain(place)
        if fresh <= 0:
            continue
        if heap and (-fresh, place) > heap[0]:
            heapq.heappush(heap, (-fresh, place))
            continue
        # No other set can add more than this one, and none more than it says on the heap.
        bound = min(bound, covered + fresh + _largest(heap, n_chosen - 1))
        chosen.append(place)
        added.append(fresh)
        covered += fresh
        for cell in cells(place):
            seen[cell] = seen.get(cell, nothing) | rows.holding(sets[place])
    # A heap that ran empty means that nothing is left to add.
    bound = min(bound, covered + _largest(heap, n_chosen))
    return Coverage(np.array(chosen, dtype=np.int64), np.array(added, dtype=np.int64), bound)


def _largest(heap: list[tuple[int, int]], count: int) -> int:
    """Sum the largest gains on the heap, which hold them below 0."""
    return -sum(value for value, _ in heapq.nsmallest(count, heap))
