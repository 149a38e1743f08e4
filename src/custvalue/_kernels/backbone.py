"""The backbone of a weighted network: which edges carry more of a node's strength than chance would give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from custvalue._typing import FloatArray, IntArray


def disparity(n_nodes: int, source: IntArray, target: IntArray, weights: FloatArray) -> FloatArray:
    """Compute the significance of each edge under the disparity filter, the smaller of both its ends'.

    Serrano, Boguna and Vespignani (2009), *PNAS* 106(16), 6483-6488, equation 2: where a node of k edges spreads
    its strength at random (uniformly over the simplex), an edge holds at least the share p of it with probability
    (1 - p)^(k - 1). A node with one edge says nothing about it (the probability is 1), so that edge stands by its
    other end alone.

    Parameters
    ----------
    n_nodes : int
        Number of nodes.
    source, target : ndarray of int, shape (n_edges,)
        Ends of each edge; each pair once, no loops.
    weights : ndarray of shape (n_edges,)
        0 or more; an edge of weight 0 has probability 1.

    Returns
    -------
    ndarray of shape (n_edges,)
        In [0, 1]; an edge is in the backbone at level alpha where it is smaller than alpha. Cost: O(n_edges).
    """
    ends = np.concatenate([source, target])
    both = np.concatenate([weights, weights])
    # Sums in ascending order of the weights, so that the order of the edges does not show in the last digit.
    order = np.argsort(both, kind="stable")
    strength = np.bincount(ends[order], weights=both[order], minlength=n_nodes)
    degree = np.bincount(ends, minlength=n_nodes)
    alpha = np.ones((2, len(weights)))
    for row, end in enumerate((source, target)):
        total = strength[end]
        share = np.minimum(weights / np.where(total > 0.0, total, 1.0), 1.0)
        alpha[row] = (1.0 - share) ** (degree[end] - 1)
    return np.asarray(alpha.min(axis=0))
