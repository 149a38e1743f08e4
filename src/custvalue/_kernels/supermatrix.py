"""Cluster weighting and the exact Cesàro limit of a column-stochastic supermatrix, without powers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.linalg import solve_triangular

from custvalue._kernels.stationary import eliminate, group_inverse, stationary
from custvalue._kernels.structure import essential_classes, ordinary_period, period
from custvalue._kernels.supermatrix_batch import limit_columns_batch, stationary_batch

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "CesaroLimit",
    "absorption_probabilities",
    "block_shares",
    "cesaro_limit",
    "group_inverse",
    "limit_columns_batch",
    "stationary_batch",
    "weigh_blocks",
]


class CesaroLimit(NamedTuple):
    """The limit of the means of the powers, and the structure that explains it."""

    matrix: NDArray[np.float64]
    classes: tuple[NDArray[np.int64], ...]
    periods: tuple[int, ...]
    transient: NDArray[np.int64]
    absorption: NDArray[np.float64]


def cesaro_limit(
    matrix: NDArray[np.float64], sums: NDArray[np.float64] | None = None, least: float = 0.0
) -> CesaroLimit:
    """Compute lim (W + W^2 + ... + W^k) / k of a non-negative matrix whose columns sum to 1.

    Strong components give the essential classes (no influence leaves them); each has one stationary vector, a
    transient node is absorbed by the classes with certain probabilities, and the column of node j in the limit
    is the mixture of the stationary vectors by these probabilities (Kemeny & Snell 1960, chapters 3 to 5).

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Column j holds the influences on node j.
    sums : ndarray of shape (n,) or None
        Sums, near 1, by which the columns have to be divided; None if they sum to 1.
    least : float, default=0.0
        Smallest entry of the matrix, if it is known: it saves work.

    Returns
    -------
    CesaroLimit
        The limit (a view of one column, if all agree), the classes in the order of their first node, their
        periods, the transient nodes, and the absorption probabilities of shape (n_classes, n).

    Raises
    ------
    ArithmeticError
        If a probability underflows. Cost: O(n^3) time, O(n^2) memory.
    """
    size = len(matrix)
    length = 1 if least > 0.0 else ordinary_period(matrix)
    if length is not None:
        return _one_class(stationary(matrix, sums, least), np.arange(size), length, np.arange(0))
    if sums is not None:
        matrix = matrix / sums
    classes, transient = essential_classes(matrix)
    blocks = [matrix[np.ix_(members, members)] for members in classes]
    periods = tuple(period(block) for block in blocks)
    if len(classes) == 1:
        vector = np.zeros(size)
        vector[classes[0]] = stationary(blocks[0])
        return _one_class(vector, classes[0], periods[0], transient)
    distributions = np.zeros((size, len(classes)))
    for number, (members, block) in enumerate(zip(classes, blocks, strict=True)):
        distributions[members, number] = stationary(block)
    absorption = absorption_probabilities(matrix, classes, transient)
    return CesaroLimit(distributions @ absorption, classes, periods, transient, absorption)


def _one_class(
    vector: NDArray[np.float64], members: NDArray[np.int64], length: int, transient: NDArray[np.int64]
) -> CesaroLimit:
    size = len(vector)
    columns = np.ndarray((size, size), buffer=vector, strides=(vector.itemsize, 0))
    columns.flags.writeable = False
    return CesaroLimit(columns, (members,), (length,), transient, np.ones((1, size)))


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
    work = np.zeros((count + len(transient), count + len(transient)))
    for number, members in enumerate(classes):
        work[number, count:] = matrix[np.ix_(members, transient)].sum(axis=0)
    work[count:, count:] = matrix[np.ix_(transient, transient)]
    eliminate(work, count)
    # Nodes pass on their shares, the first one straight to the classes: products are added, never subtracted.
    inner = np.eye(len(transient)) - np.triu(work[count:, count:], 1)
    ends = solve_triangular(inner, work[:count, count:].T, trans=1, unit_diagonal=True, check_finite=False).T
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
    return np.asarray(matrix * block_shares(present, membership, cluster_matrix)[membership])


def block_shares(
    present: NDArray[np.bool_], membership: NDArray[np.int64], cluster_matrix: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Share out the weight of the blocks that a column lacks among those that it has.

    Parameters
    ----------
    present : ndarray of shape (n_clusters, n)
        Whether a cluster feeds a column.
    membership : ndarray of shape (n,)
        Number of each node's cluster.
    cluster_matrix : ndarray of shape (..., n_clusters, n_clusters)
        One cluster matrix, or one for each draw.

    Returns
    -------
    ndarray of shape (..., n_clusters, n)
        Shares of a column sum to 1, or are all zero where the clusters that feed it have no weight.
    """
    weights = np.where(present, cluster_matrix[..., membership], 0.0)
    totals = weights.sum(axis=-2, keepdims=True)
    return np.asarray(np.divide(weights, totals, out=np.zeros_like(weights), where=totals > 0.0))
