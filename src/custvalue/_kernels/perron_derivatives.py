r"""Derivatives of the Perron root and vector of a comparison matrix with respect to the logarithms of judgments.

With D the diagonal of the Perron vector w, :math:`P = D^{-1} A D / \lambda` is row-stochastic, its stationary
vector is the normalised product of left and right Perron vector, and the reduced resolvent of A becomes the group
inverse of I - P (Meyer 1975). All derivatives are read from these three, whatever the range of the weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from custvalue._kernels.stationary import eliminated_stationary

if TYPE_CHECKING:
    from custvalue._typing import FloatArray, IntArray


class ScaledChain(NamedTuple):
    """A non-negative matrix scaled by its Perron vector to a row-stochastic one."""

    transition: FloatArray
    flow: FloatArray
    deviation: FloatArray


def scaled_chain(matrix: FloatArray, weights: FloatArray) -> ScaledChain:
    """Scale a matrix by its Perron vector.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Non-negative, irreducible.
    weights : ndarray of shape (n,)
        Its Perron vector.

    Returns
    -------
    ScaledChain
        `transition` P; `flow`, entry (i, j) is the stationary probability of i times P_ij; `deviation`, the group
        inverse of I - P. All of shape (n, n).

    Raises
    ------
    ArithmeticError
        If a probability underflows, or the chain nearly falls apart. Cost: O(n^3).
    """
    image = matrix * weights[None, :]
    transition = image / image.sum(axis=1, keepdims=True)
    distribution = eliminated_stationary(transition.T)
    size = len(matrix)
    try:
        fundamental = np.linalg.inv(np.eye(size) - transition + distribution[None, :])
    except np.linalg.LinAlgError as error:
        message = "The judgments contradict each other so much that doubles do not hold their derivatives."
        raise ArithmeticError(message) from error
    return ScaledChain(transition, distribution[:, None] * transition, fundamental - distribution[None, :])


def root_slopes(chain: ScaledChain, rows: IntArray, columns: IntArray) -> FloatArray:
    """Differentiate the logarithm of the root by the logarithms of judgments; the reciprocal moves along.

    Parameters
    ----------
    chain : ScaledChain
        From `scaled_chain`.
    rows, columns : ndarray of shape (n_pairs,)
        Entry (rows, columns) of the matrix is the judgment.

    Returns
    -------
    ndarray of shape (n_pairs,)
        y_i a_ij w_j - y_j a_ji w_i over the root, with y w = 1 (Harker 1987). Cost: O(n_pairs).
    """
    return np.asarray(chain.flow[rows, columns] - chain.flow[columns, rows])


def weight_slopes(chain: ScaledChain, rows: IntArray, columns: IntArray) -> FloatArray:
    """Differentiate the logarithms of the weights by the logarithms of judgments; the reciprocal moves along.

    Parameters
    ----------
    chain : ScaledChain
        From `scaled_chain`.
    rows, columns : ndarray of shape (n_pairs,)
        Entry (rows, columns) of the matrix is the judgment.

    Returns
    -------
    ndarray of shape (n_pairs, n)
        Up to a constant in each row, which the normalisation of the weights takes away. Cost: O(n_pairs n).
    """
    ahead = chain.deviation[:, rows] * chain.transition[rows, columns]
    back = chain.deviation[:, columns] * chain.transition[columns, rows]
    return np.asarray((ahead - back).T)


def root_curvature(
    chain: ScaledChain, one: tuple[IntArray, IntArray], other: tuple[IntArray, IntArray]
) -> FloatArray:
    """Differentiate the logarithm of the root twice by the logarithms of two disjoint sets of judgments.

    Parameters
    ----------
    chain : ScaledChain
        From `scaled_chain`.
    one, other : tuple of two ndarray
        Rows and columns of the judgments of each set. The own term of a judgment that stands in both is not
        added.

    Returns
    -------
    ndarray of shape (n_one, n_other)
        Mixed second derivatives. Cost: O(n_one n_other + (n_one + n_other) n).
    """
    cross = _response(chain, one, other) + _response(chain, other, one).T
    return np.asarray(cross - np.outer(root_slopes(chain, *one), root_slopes(chain, *other)))


def _response(chain: ScaledChain, one: tuple[IntArray, IntArray], other: tuple[IntArray, IntArray]) -> FloatArray:
    """Give how the slope by a judgment of `one` answers to the change of the weights by one of `other`."""
    slopes = weight_slopes(chain, *other)
    rows, columns = one
    ahead = chain.flow[rows, columns][:, None] * slopes[:, columns].T
    return np.asarray(ahead - chain.flow[columns, rows][:, None] * slopes[:, rows].T)


def own_curvature(chain: ScaledChain, rows: IntArray, columns: IntArray) -> FloatArray:
    """Give the own terms that the diagonal of `root_curvature` of a set with itself lacks."""
    return np.asarray(chain.flow[rows, columns] + chain.flow[columns, rows])


def curvature_product(chain: ScaledChain, rows: IntArray, columns: IntArray, direction: FloatArray) -> FloatArray:
    """Multiply the Hessian of the logarithm of the root with a direction, without building the Hessian.

    Parameters
    ----------
    chain : ScaledChain
        From `scaled_chain`.
    rows, columns : ndarray of shape (n_pairs,)
        The judgments.
    direction : ndarray of shape (n_pairs,)
        Change of their logarithms.

    Returns
    -------
    ndarray of shape (n_pairs,)
        (root_curvature + diagonal own_curvature) @ direction. Cost: O(n_pairs + n^2).
    """
    size = len(chain.transition)
    ahead, back = chain.transition[rows, columns], chain.transition[columns, rows]
    flow_ahead, flow_back = chain.flow[rows, columns], chain.flow[columns, rows]
    push = np.bincount(rows, direction * ahead, size) - np.bincount(columns, direction * back, size)
    pull = np.bincount(columns, direction * flow_ahead, size) - np.bincount(rows, direction * flow_back, size)
    moved, drawn = chain.deviation @ push, pull @ chain.deviation
    slopes = flow_ahead - flow_back
    result = (flow_ahead + flow_back) * direction - slopes * float(slopes @ direction)
    result += flow_ahead * moved[columns] - flow_back * moved[rows]
    result += drawn[rows] * ahead - drawn[columns] * back
    return np.asarray(result)
