"""Closed, maximal and generator itemsets, and an index that finds sets in a downward closed collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from custvalue._kernels.itemset_collection import Mined
    from custvalue._typing import BoolArray

    Places = NDArray[np.intp]

_BLOCK = 1 << 17


class ItemsetIndex:
    """Find itemsets in a collection that holds every subset of its sets.

    The sets are the nodes of a tree: a set hangs on the set without its last item by an edge that carries this
    item. The edges, as numbers (node x n_items + item), ascend in the order of the sets, so a look-up is one
    binary search an item. Memory: 8 bytes a set.
    """

    def __init__(self, mined: Mined) -> None:
        lengths = np.diff(mined.indptr)
        self.n_items = int(mined.codes.max(initial=-1)) + 1
        self.bounds = np.searchsorted(lengths, np.arange(1, int(lengths.max(initial=0)) + 2))
        self._mined = mined
        edges = np.empty(len(lengths), dtype=np.int64)
        self.edges = edges[:0]
        for length in range(1, len(self.bounds)):
            sets = self.sets(length)
            first, last = self.bounds[length - 1 : length + 1]
            edges[first:last] = (self.find(sets[:, :-1]) + 1) * self.n_items + sets[:, -1]
            self.edges = edges[:last]

    def sets(self, length: int) -> NDArray[np.int32]:
        """Give the sets of one length, a row a set."""
        first, last = self.bounds[length - 1], self.bounds[length]
        return self._mined.codes[self._mined.indptr[first] : self._mined.indptr[last]].reshape(-1, length)

    def find(self, sets: NDArray[np.int32]) -> Places:
        """Give the place of each row of ascending codes, -1 where it is not in the collection or is empty."""
        node = np.zeros(len(sets), dtype=np.intp)
        for step in range(sets.shape[1]):
            node = self.child(node, sets[:, step])
        return np.maximum(node - 1, -1)

    def child(self, node: Places, item: NDArray[np.int32]) -> Places:
        """Follow the edge of the item from each node; the root is node 0, place p is node p + 1, -1 is nowhere."""
        known = (node >= 0) & (item >= 0) & (item < self.n_items)
        edge = np.where(known, node * self.n_items + item, -1)
        place = np.searchsorted(self.edges, edge)
        met = place < len(self.edges)
        met[met] = self.edges[place[met]] == edge[met]
        return np.where(met, place + 1, -1)

    def subsets(self) -> Iterator[tuple[Places, Places]]:
        """Give blocks of sets (places) and the places of their subsets that lack one item, a column an item.

        The subset of a single item is empty: its place is -1. A subset that lacks an earlier item hangs on the
        same subset of the set's own prefix, so it costs one look-up.
        """
        before = np.zeros((1, 0), dtype=np.intp)  # nodes of the subsets of the shorter length
        for length in range(1, len(self.bounds)):
            first, last = self.bounds[length - 1], self.bounds[length]
            nodes = np.empty((last - first, length), dtype=np.intp)
            parent = self.edges[first:last] // self.n_items
            item = (self.edges[first:last] % self.n_items).astype(np.int32)
            nodes[:, -1] = parent
            row = parent - (self.bounds[length - 2] + 1 if length > 1 else 0)
            for step in range(length - 1):
                nodes[:, step] = self.child(before[row, step], item)
            for start in range(0, len(nodes), _BLOCK):
                block = nodes[start : start + _BLOCK]
                yield np.arange(first + start, first + start + len(block)), block - 1
            before = nodes


def closed(mined: Mined) -> BoolArray:
    """Say which sets have no superset in the collection with the same count."""
    flags = np.ones(len(mined.counts), dtype=np.bool_)
    for places, subsets in ItemsetIndex(mined).subsets():
        if subsets.shape[1] > 1:
            flags[subsets[mined.counts[subsets] == mined.counts[places, None]]] = False
    return flags


def maximal(mined: Mined) -> BoolArray:
    """Say which sets have no superset in the collection."""
    flags = np.ones(len(mined.counts), dtype=np.bool_)
    for _, subsets in ItemsetIndex(mined).subsets():
        if subsets.shape[1] > 1:
            flags[subsets] = False
    return flags


def generators(mined: Mined, total: int) -> BoolArray:
    """Say which sets have no subset with the same count, the empty set counted with the weight of all rows.

    So a single item that everybody holds is no generator: the empty set says as much.
    """
    flags = np.ones(len(mined.counts), dtype=np.bool_)
    for places, subsets in ItemsetIndex(mined).subsets():
        known = mined.counts[subsets] if subsets.shape[1] > 1 else np.full(subsets.shape, total)
        flags[places] = (known != mined.counts[places, None]).all(axis=1)
    return flags
