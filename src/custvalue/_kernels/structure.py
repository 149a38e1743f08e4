"""Which nodes influence stays with: essential classes, their periods, and a fast look at the ordinary case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from numpy.typing import NDArray


def essential_classes(
    matrix: NDArray[np.float64],
) -> tuple[tuple[NDArray[np.int64], ...], NDArray[np.int64]]:
    """Split the nodes into essential classes and transient nodes.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Non-negative; entry (i, j) > 0 is a step from j to i.

    Returns
    -------
    classes : tuple of ndarray
        Sorted members of each class, in the order of the first member.
    transient : ndarray
        Sorted nodes outside of every class.
    """
    count, labels = strong_components(matrix)
    target, origin = np.nonzero(matrix)
    left = np.zeros(count, dtype=np.bool_)
    left[labels[origin[labels[origin] != labels[target]]]] = True
    members = [np.flatnonzero(labels == label) for label in np.flatnonzero(~left)]
    classes = tuple(sorted(members, key=lambda nodes: int(nodes[0])))
    return classes, np.flatnonzero(left[labels])


def strong_components(matrix: NDArray[np.float64]) -> tuple[int, NDArray[np.int32]]:
    """Give the number of groups of nodes that reach each other, and the group of each node: O(n^2)."""
    count, labels = connected_components(
        csr_array((matrix.T > 0.0).astype(np.int8)), directed=True, connection="strong"
    )
    return int(count), labels


def reaching(matrix: NDArray[np.float64], targets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the nodes from which influence arrives at one of the targets, the targets included: O(n^2)."""
    found = np.zeros(len(matrix), dtype=np.bool_)
    found[targets] = True
    frontier = targets
    while frontier.size:
        fresh = (matrix[frontier] > 0.0).any(axis=0) & ~found
        found |= fresh
        frontier = np.flatnonzero(fresh)
    return found


def period(block: NDArray[np.float64]) -> int:
    """Compute the period of an irreducible block: the greatest common divisor of its cycle lengths.

    Parameters
    ----------
    block : ndarray of shape (m, m)
        Irreducible non-negative matrix.

    Returns
    -------
    int
        1 for an aperiodic block. Found from breadth-first levels (Denardo 1977): O(m^2).
    """
    return levels(block)[1]


def levels(block: NDArray[np.float64]) -> tuple[NDArray[np.int64], int]:
    """Give the number of steps from node 0 to each node of an irreducible block, and the block's period."""
    steps = np.ascontiguousarray(block.T > 0.0)
    level = np.full(len(block), -1)
    frontier = np.array([0])
    arrivals: list[NDArray[np.bool_]] = []
    while frontier.size:
        level[frontier] = len(arrivals)
        arrivals.append(steps[frontier].any(axis=0))
        frontier = np.flatnonzero(arrivals[-1] & (level < 0))
    return level, _common_divisor(level, arrivals)


def _common_divisor(level: NDArray[np.int64], arrivals: list[NDArray[np.bool_]]) -> int:
    """Divide what steps from each level, to wherever they arrive, exceed the shortest way there."""
    divisor = 0
    for depth, arrived in enumerate(arrivals):
        divisor = int(np.gcd.reduce(np.abs(depth + 1 - level[arrived]), initial=divisor))
        if divisor == 1:
            break
    return divisor


def ordinary_period(matrix: NDArray[np.float64], depth: int = 4) -> int | None:
    """Tell quickly whether all nodes reach each other, in a few steps, and give the period then.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Non-negative.
    depth : int, default=4
        Number of steps after which the search gives up.

    Returns
    -------
    int or None
        The period if every node reaches and is reached from node 0 within the steps, else None: the general
        search has to decide. Cost: at most 2 depth products with a vector.
    """
    if float(matrix.min()) > 0.0:
        return 1
    size = len(matrix)
    if size == 1:
        return None
    looped = bool(matrix.diagonal().any())
    if not looped and np.count_nonzero(matrix) == size * (size - 1):
        return 1 if size > 2 else 2  # noqa: PLR2004 - two nodes that only feed each other alternate
    level = np.full(size, -1)
    level[0] = 0
    frontier = np.zeros(size)
    frontier[0] = 1.0
    arrivals: list[NDArray[np.bool_]] = []
    open_nodes = size - 1
    while True:
        if len(arrivals) == depth:
            return None
        arrivals.append(matrix @ frontier > 0.0)
        fresh = arrivals[-1] & (level < 0)
        level[fresh] = len(arrivals)
        count = int(np.count_nonzero(fresh))
        open_nodes -= count
        if not count:
            break
        frontier = fresh.astype(np.float64)
    if open_nodes or not _reached_by_all(matrix, depth):
        return None
    return 1 if looped else _common_divisor(level, arrivals)


def _reached_by_all(matrix: NDArray[np.float64], depth: int) -> bool:
    found = np.zeros(len(matrix), dtype=np.bool_)
    found[0] = True
    for _ in range(depth):
        found |= found @ matrix > 0.0
        if found.all():
            return True
    return False
