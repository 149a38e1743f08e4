"""The graph of judged pairs: its components, its effective resistances, and the pair that it lacks most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from custvalue._typing import BoolArray, FloatArray, IntArray

#: Values nearer than this are a tie, which the order of the elements decides.
_TIE: Final = 1e-9


def components(size: int, rows: IntArray, columns: IntArray) -> tuple[IntArray, ...]:
    """Split the nodes of an undirected graph into connected components.

    Parameters
    ----------
    size : int
        Number of nodes.
    rows, columns : ndarray of shape (n_edges,)
        Ends of each edge.

    Returns
    -------
    tuple of ndarray
        Sorted members of each component, in the order of the first member. Cost: O(size + n_edges).
    """
    edges = csr_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(size, size))
    count, labels = connected_components(edges, directed=False)
    parts = [np.flatnonzero(labels == label) for label in range(count)]
    return tuple(sorted(parts, key=lambda members: int(members[0])))


def laplacian_inverse(weights: FloatArray) -> FloatArray:
    """Compute the pseudo-inverse of the Laplacian of a connected graph.

    Parameters
    ----------
    weights : ndarray of shape (n, n)
        Symmetric, non-negative; entry (i, j) is the weight of the edge; the diagonal is not read.

    Returns
    -------
    ndarray of shape (n, n)
        (L + 1 1^T / n)^-1 - 1 1^T / n, with L scaled meanwhile so that both terms are alike. Cost: O(n^3).
    """
    size = len(weights)
    edges = weights - np.diag(np.diag(weights))
    degrees = edges.sum(axis=1)
    scale = float(degrees.max()) if size > 1 else 1.0
    mean = np.full((size, size), 1.0 / size)
    inverse = np.linalg.inv((np.diag(degrees) - edges) / scale + mean) - mean
    return np.asarray(inverse / scale)


def resistances(inverse: FloatArray) -> FloatArray:
    """Give the effective resistance of every pair (Klein & Randic 1993) from the Laplacian's pseudo-inverse."""
    diagonal = np.diag(inverse)
    return np.asarray(diagonal[:, None] + diagonal[None, :] - 2.0 * inverse)


def next_link(adjacency: BoolArray) -> tuple[int, int] | None:
    """Find the missing edge that a comparison graph needs most.

    A graph that falls apart gets an edge between its two largest components, from the most central node of each
    (least sum of effective resistances). A connected one gets the edge that lowers the Kirchhoff index, the sum
    of all effective resistances, most: n ||L+ (e_i - e_j)||^2 / (1 + R_ij), by the rank-one update of L+.

    Parameters
    ----------
    adjacency : ndarray of shape (n, n)
        Symmetric; True where a pair is judged.

    Returns
    -------
    tuple of int or None
        The pair, the earlier node first; None if no pair is missing. Ties go to the first pair in the order of
        the nodes. Cost: O(n^3).
    """
    size = len(adjacency)
    rows, columns = np.triu_indices(size, 1)
    judged = adjacency[rows, columns]
    if judged.all():
        return None
    parts = components(size, rows[judged], columns[judged])
    if len(parts) > 1:
        largest = sorted(parts, key=len, reverse=True)[:2]  # stable: equal sizes stay in the order of the nodes
        first, second = sorted(_central(adjacency, members) for members in largest)
        return first, second
    inverse = laplacian_inverse(adjacency.astype(np.float64))
    rows, columns = rows[~judged], columns[~judged]
    spread = ((inverse[rows] - inverse[columns]) ** 2).sum(axis=1)
    decrease = spread / (1.0 + resistances(inverse)[rows, columns])
    best = int(np.flatnonzero(decrease >= decrease.max() * (1.0 - _TIE))[0])
    return int(rows[best]), int(columns[best])


def _central(adjacency: BoolArray, members: IntArray) -> int:
    """Give the member with the least sum of effective resistances to the others."""
    inverse = laplacian_inverse(adjacency[np.ix_(members, members)].astype(np.float64))
    totals = resistances(inverse).sum(axis=1)
    return int(members[np.flatnonzero(totals <= totals.min() * (1.0 + _TIE) + _TIE)[0]])
