"""Itemsets as arrays: what a miner has found so far, within a limit, and the sorted answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._typing import IntArray

_LONGEST = 2**31


class Mined(NamedTuple):
    """Frequent itemsets by length, then by codes; codes ascend inside a set.

    Every subset of a set that is in it is in it too, the empty one left out. Where ``complete`` is False the limit
    was hit: every length that is in it is whole, and the next one would go beyond the limit.
    """

    indptr: IntArray
    codes: NDArray[np.int32]
    counts: IntArray
    complete: bool
    method: str


class Collection:
    """Itemsets found so far, by length; where they are more than the limit, the longest lengths are given up.

    ``longest`` is the length up to which mining still makes sense. A length is given up only when the sets met so
    far up to it are more than the limit, so the answer does not depend on the order in which they are met.
    """

    def __init__(self, limit: int, max_length: int | None) -> None:
        self.limit = limit
        self.longest = _LONGEST if max_length is None else max_length
        self.complete = True
        self._sizes: dict[int, int] = {}
        self._sets: dict[int, list[NDArray[np.int32]]] = {}
        self._counts: dict[int, list[IntArray]] = {}

    def add(self, sets: NDArray[np.int32], counts: IntArray) -> None:
        """Take sets of one length, a row a set."""
        length = sets.shape[1]
        if length > self.longest or not len(sets):
            return
        self._sizes[length] = self._sizes.get(length, 0) + len(sets)
        self._sets.setdefault(length, []).append(sets)
        self._counts.setdefault(length, []).append(counts)
        while sum(self._sizes.values()) > self.limit:
            self.longest = max(self._sizes) - 1
            self.complete = False
            for kept in (self._sizes, self._sets, self._counts):
                kept.pop(self.longest + 1, None)

    def mined(self, items: NDArray[np.int32], method: str) -> Mined:
        """Give the sets in order, their codes replaced by the items that they stand for."""
        codes: list[NDArray[np.int32]] = [np.zeros(0, dtype=np.int32)]
        counts: list[IntArray] = [np.zeros(0, dtype=np.int64)]
        sizes = [np.zeros(1, dtype=np.int64)]
        for length in sorted(self._sets):
            sets = np.sort(items[np.concatenate(self._sets[length])], axis=1)
            order = order_of_rows(sets)
            codes.append(sets[order].ravel())
            counts.append(np.concatenate(self._counts[length])[order])
            sizes.append(np.full(len(sets), length, dtype=np.int64))
        return Mined(
            np.cumsum(np.concatenate(sizes)), np.concatenate(codes), np.concatenate(counts), self.complete, method
        )


def order_of_rows(sets: NDArray[np.int32]) -> NDArray[np.intp]:
    """Give the order of the rows by their first code, then by the second, and so on."""
    span = int(sets.max(initial=0)) + 1
    if span ** sets.shape[1] >= 2**63:
        return np.lexsort(sets.T[::-1])
    key = sets[:, 0].astype(np.int64)
    for column in sets.T[1:]:
        key *= span
        key += column
    return np.argsort(key, kind="stable")
