"""Cluster weighting and the exact Cesàro limit of a column-stochastic supermatrix, without powers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from numpy.typing import NDArray

_UNDERFLOW = (
    "A way out of a node is so improbable that it vanishes in double precision; "
    "replace entries below 1e-100 by 0 if they are meant to be none."
)


class CesaroLimit(NamedTuple):
    """The limit of the means of the powers, and the structure that explains it."""

    matrix: NDArray[np.float64]
    classes: tuple[NDArray[np.int64], ...]
    periods: tuple[int, ...]
    transient: NDArray[np.int64]
    absorption: NDArray[np.float64]


def cesaro_limit(matrix: NDArray[np.float64]) -> CesaroLimit:
    """Compute lim (W + W^2 + ... + W^k) / k of a non-negative matrix whose columns sum to 1.

    Strong components give the essential classes (no influence leaves them); each has one stationary vector, a
    transient node is absorbed by the classes with certain probabilities, and the column of node j in the limit
    is the mixture of the stationary vectors by these probabilities (Kemeny & Snell 1960, chapters 3 to 5).

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Column j holds the influences on node j.

    Returns
    -------
    CesaroLimit
        The limit, the classes in the order of their first node, their periods, the transient nodes, and the
        absorption probabilities of shape (n_classes, n).

    Raises
    ------
    ArithmeticError
        If a probability underflows. Cost: O(n^3) time, O(n^2) memory.
    """
    size = len(matrix)
    classes, transient = essential_classes(matrix)
    blocks = [matrix[np.ix_(members, members)] for members in classes]
    distributions = np.zeros((size, len(classes)))
    for number, (members, block) in enumerate(zip(classes, blocks, strict=True)):
        distributions[members, number] = stationary(block)
    absorption = absorption_probabilities(matrix, classes, transient)
    periods = tuple(period(block) for block in blocks)
    return CesaroLimit(distributions @ absorption, classes, periods, transient, absorption)


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
    steps = csr_array((matrix.T > 0.0).astype(np.int8))
    count, labels = connected_components(steps, directed=True, connection="strong")
    target, origin = np.nonzero(matrix)
    left = np.zeros(count, dtype=np.bool_)
    left[labels[origin[labels[origin] != labels[target]]]] = True
    members = [np.flatnonzero(labels == label) for label in np.flatnonzero(~left)]
    classes = tuple(sorted(members, key=lambda nodes: int(nodes[0])))
    return classes, np.flatnonzero(left[labels])


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
    target, origin = np.nonzero(block)
    level = np.full(len(block), -1)
    frontier = np.array([0])
    depth = 0
    while frontier.size:
        level[frontier] = depth
        reached = (block[:, frontier] > 0.0).any(axis=1)
        frontier = np.flatnonzero(reached & (level < 0))
        depth += 1
    return int(np.gcd.reduce(np.abs(level[origin] + 1 - level[target])))


def stationary(block: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the stationary vector of an irreducible column-stochastic block by the GTH algorithm.

    Grassmann, Taksar & Heyman (1985) eliminate one node after the other with sums and products of non-negative
    numbers only; the diagonal is never read. Every entry is therefore accurate to a few rounding errors, however
    nearly the block falls apart.

    Parameters
    ----------
    block : ndarray of shape (m, m)
        Irreducible, column j holds the influences on node j.

    Returns
    -------
    ndarray of shape (m,)
        Non-negative, sums to 1, ``block @ result`` equals it.

    Raises
    ------
    ArithmeticError
        If a probability underflows. Cost: O(m^3).
    """
    work = block.copy()
    size = len(work)
    exits = np.ones(size)
    for node in range(size - 1, 0, -1):
        exits[node] = work[:node, node].sum()
        if exits[node] <= 0.0:
            raise ArithmeticError(_UNDERFLOW)
        work[:node, :node] += np.outer(work[:node, node] / exits[node], work[node, :node])
    vector = np.zeros(size)
    vector[0] = 1.0
    for node in range(1, size):
        inflow = float(work[node, :node] @ vector[:node])
        total = inflow + exits[node]  # scaled at each step, so that nothing overflows
        vector[:node] *= exits[node] / total
        vector[node] = inflow / total
    return np.asarray(vector / vector.sum())


def absorption_probabilities(
    matrix: NDArray[np.float64], classes: tuple[NDArray[np.int64], ...], transient: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Compute the probability that a walk from each node ends in each essential class.

    The system (I - Q) A = R is eliminated as in the GTH algorithm, without a subtraction, so that a transient
    group that is left with probability 1e-20 a step is absorbed exactly.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Column-stochastic.
    classes : tuple of ndarray
        Essential classes.
    transient : ndarray of shape (n_transient,)
        Transient nodes.

    Returns
    -------
    ndarray of shape (n_classes, n)
        Columns sum to 1.

    Raises
    ------
    ArithmeticError
        If a probability underflows. Cost: O(n_transient^2 (n_transient + n_classes)).
    """
    count = len(classes)
    absorption = np.zeros((count, len(matrix)))
    for number, members in enumerate(classes):
        absorption[number, members] = 1.0
    if not transient.size:
        return absorption
    into = np.array([matrix[np.ix_(members, transient)].sum(axis=0) for members in classes])
    work = np.vstack([into, matrix[np.ix_(transient, transient)]])  # rows: classes first, then transient nodes
    size = len(transient)
    for node in range(size - 1, -1, -1):
        kept = count + node
        exits = work[:kept, node].sum()
        if exits <= 0.0:
            raise ArithmeticError(_UNDERFLOW)
        work[:kept, node] /= exits
        work[:kept, :node] += np.outer(work[:kept, node], work[kept, :node])
    ends = np.zeros((count, size))
    for node in range(size):
        ends[:, node] = work[:count, node] + ends[:, :node] @ work[count : count + node, node]
    absorption[:, transient] = ends / ends.sum(axis=0)
    return absorption


def weigh_blocks(
    matrix: NDArray[np.float64], membership: NDArray[np.int64], cluster_matrix: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Multiply each block by its cluster weight, sharing out the weight of blocks that a column lacks.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Unweighted supermatrix.
    membership : ndarray of shape (n,)
        Number of each node's cluster.
    cluster_matrix : ndarray of shape (n_clusters, n_clusters)
        Entry (r, c) is the weight of cluster r for columns of cluster c.

    Returns
    -------
    ndarray of shape (n, n)
        Column j is block (r, c) times w_rc / sum of w_sc over the clusters s that feed column j (Saaty 2005); a
        column whose fed clusters have no weight is zero. Cost: O(n^2).
    """
    present = np.array(
        [(matrix[membership == cluster] != 0.0).any(axis=0) for cluster in range(len(cluster_matrix))]
    )
    weights = np.where(present, cluster_matrix[:, membership], 0.0)
    totals = weights.sum(axis=0)
    shares = np.divide(weights, totals, out=np.zeros_like(weights), where=totals > 0.0)
    return np.asarray(matrix * shares[membership])
