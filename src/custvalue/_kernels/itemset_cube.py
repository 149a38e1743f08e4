"""The support cube: the weight of every set of at most about 20 items at once, from one count and superset sums.

Cost: n 2^(n-1) additions, whatever the number of rows and of frequent sets; memory: 16 bytes x 2^n, and some 20
bytes for every frequent set. The sums over supersets are Yates' (1937) algorithm, also called the fast zeta
transform.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from custvalue._kernels.weighted_bitsets import EXACT, sum_exactly

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._kernels.itemset_collection import Collection
    from custvalue._typing import IntArray

#: More items would need more than a gigabyte.
MOST_ITEMS = 26
_SHORT = 4


def mine_cube(
    keys: NDArray[np.uint64], weights: IntArray, n_items: int, threshold: int, found: Collection
) -> None:
    """Collect the frequent sets of two and more items; bit c of a key says that the row has item c."""
    places = keys.astype(np.intp)
    if sum_exactly(weights) < EXACT:
        cube = np.bincount(places, weights=weights, minlength=1 << n_items).astype(np.int64)
    else:
        cube = np.zeros(1 << n_items, dtype=np.int64)
        np.add.at(cube, places, weights)
    _add_supersets(cube, n_items)
    sets = np.flatnonzero(cube >= threshold)
    lengths = np.bitwise_count(sets)
    for length in range(2, n_items + 1):
        chosen = sets[lengths == length]
        if length > found.longest or not len(chosen):
            break
        found.add(_codes(chosen, length), cube[chosen])


def _add_supersets(cube: IntArray, n_items: int) -> None:
    """Add to every set what its supersets hold, an item at a time."""
    for item in range(n_items):
        halves = cube.reshape(-1, 2, 1 << item)
        if item < _SHORT:  # short runs are slow: columns instead
            for column in range(1 << item):
                halves[:, 0, column] += halves[:, 1, column]
        else:
            halves[:, 0] += halves[:, 1]


def _codes(sets: NDArray[np.intp], length: int) -> NDArray[np.int32]:
    """Write sets of one length as rows of ascending codes."""
    rest = sets.astype(np.uint64)
    codes = np.empty((len(sets), length), dtype=np.int32)
    for step in range(length):
        lowest = rest & (~rest + np.uint64(1))
        codes[:, step] = np.bitwise_count(lowest - np.uint64(1))
        rest ^= lowest
    return codes
