"""Priorities of complete and incomplete comparison matrices by four methods; NaN marks a pair nobody judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from custvalue._kernels.comparison_graph import laplacian_inverse
from custvalue._kernels.pairwise import geometric_means, normalised, perron
from custvalue._kernels.perron_derivatives import (
    curvature_product,
    own_curvature,
    root_curvature,
    root_slopes,
    scaled_chain,
)

if TYPE_CHECKING:
    from custvalue._kernels.perron_derivatives import ScaledChain
    from custvalue._typing import FloatArray, IntArray

_EPS: Final = float(np.finfo(np.float64).eps)
#: Up to so many missing pairs the Hessian is built and factored; beyond, conjugate gradients multiply with it.
_DENSE: Final = 600
_NEWTON_STEPS: Final = 200
_HALVINGS: Final = 50
#: A Newton step in logarithms is no longer than this, and below the second bound it is taken whole.
_LONGEST_STEP: Final = 5.0
_QUADRATIC: Final = 1e-3
_LEAST_GAIN: Final = 1e-4
_UNSETTLED: Final = "The completion of least lambda_max does not settle."


def upper_pairs(matrix: FloatArray) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Give rows and columns of the judged pairs above the diagonal, then those of the missing ones."""
    rows, columns = np.triu_indices(len(matrix), 1)
    missing = np.isnan(matrix[rows, columns])
    return rows[~missing], columns[~missing], rows[missing], columns[missing]


def least_squares_operator(
    size: int, rows: IntArray, columns: IntArray, pair_weights: FloatArray | None = None
) -> FloatArray:
    """Give the linear map from the logarithms of judged pairs to those of the weights.

    The weights minimise the sum over the judged pairs of c_ij (log a_ij - log w_i + log w_j)^2, so L log w =
    B^T C log a with the Laplacian L = B^T C B of the comparison graph (Bozoki, Fulop & Ronyai 2010).

    Parameters
    ----------
    size : int
        Number of elements.
    rows, columns : ndarray of shape (n_pairs,)
        The judged pairs, each once; they connect all elements.
    pair_weights : ndarray of shape (n_pairs,), default=None
        Positive c_ij; None weighs all pairs alike.

    Returns
    -------
    ndarray of shape (n, n_pairs)
        L+ B^T C; the logarithms it gives sum to zero. Cost: O(n^3 + n n_pairs).
    """
    counts = np.ones(len(rows)) if pair_weights is None else pair_weights
    edges = np.zeros((size, size))
    edges[rows, columns] = edges[columns, rows] = counts
    inverse = laplacian_inverse(edges)
    return np.asarray((inverse[:, rows] - inverse[:, columns]) * counts)


def least_squares_logarithms(matrix: FloatArray, pair_weights: FloatArray | None = None) -> FloatArray:
    """Compute the logarithms of the weights by logarithmic least squares; complete or not.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Reciprocal, NaN where a pair is not judged; the judged pairs connect all elements.
    pair_weights : ndarray of shape (n, n), default=None
        Symmetric weights of the pairs; None weighs all alike.

    Returns
    -------
    ndarray of shape (n,)
        Natural logarithms, up to a constant. Cost: O(n^2) for complete and equal, else O(n^3).
    """
    if pair_weights is None and not np.isnan(matrix).any():
        return np.asarray(np.log(matrix).mean(axis=1))
    rows, columns, _, _ = upper_pairs(matrix)
    counts = None if pair_weights is None else pair_weights[rows, columns]
    edges = np.zeros_like(matrix)
    edges[rows, columns] = edges[columns, rows] = 1.0 if counts is None else counts
    sums = np.nansum(edges * np.log(matrix), axis=1)
    return np.asarray(laplacian_inverse(edges) @ sums)


def filled(matrix: FloatArray, logarithms: FloatArray) -> FloatArray:
    """Complete a matrix, or a stack of them, by the ratios of weights."""
    with np.errstate(over="ignore"):  # a ratio that no double holds is refused by whoever needs the matrix
        ratios = np.exp(logarithms[..., :, None] - logarithms[..., None, :])
    return np.where(np.isnan(matrix), ratios, matrix)


def harker_matrix(matrix: FloatArray) -> FloatArray:
    """Put 0 for missing pairs and 1 + their number in the row on the diagonal (Harker 1987); stacks too."""
    missing = np.isnan(matrix)
    result = np.where(missing, 0.0, matrix)
    diagonal = np.arange(matrix.shape[-1])
    result[..., diagonal, diagonal] += missing.sum(axis=-1)
    return np.asarray(result)


def solved_matrix(matrix: FloatArray, method: str, logarithms: FloatArray) -> FloatArray:
    """Give the matrix without gaps whose root is the lambda_max of a method.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Reciprocal, NaN where a pair is not judged.
    method : str
        "eigenvector", "harker", "lambda_min" or "logarithmic_least_squares".
    logarithms : ndarray of shape (n,)
        Least-squares logarithms of the weights.

    Returns
    -------
    ndarray of shape (n, n)
        The matrix itself if it is complete; else Harker's, the one of least root, or the one filled by ratios.

    Raises
    ------
    ArithmeticError
        If a number leaves the range of doubles, or the completion of least root does not settle.
    """
    if not np.isnan(matrix).any():
        return matrix
    if method == "harker":
        return harker_matrix(matrix)
    if method == "lambda_min":
        return least_root_completion(matrix, logarithms)
    return filled(matrix, logarithms)


def weights_and_root(
    matrix: FloatArray, method: str, pair_weights: FloatArray | None = None
) -> tuple[FloatArray, float]:
    """Compute the weights and lambda_max of one comparison matrix.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Reciprocal, NaN where a pair is not judged; the judged pairs connect all elements.
    method : str
        "eigenvector" (complete matrices only), "harker", "lambda_min" or "logarithmic_least_squares".
    pair_weights : ndarray of shape (n, n), default=None
        Weights of the pairs, for least squares only.

    Returns
    -------
    weights : ndarray of shape (n,)
        Non-negative, sum to 1.
    root : float
        The largest eigenvalue of the matrix of `solved_matrix`.

    Raises
    ------
    ArithmeticError
        If a number leaves the range of doubles, or the completion of least root does not settle. Cost: O(n^3)
        a step.
    """
    logarithms = least_squares_logarithms(matrix, pair_weights)
    complete = solved_matrix(matrix, method, logarithms)
    weights, root = perron(complete, logarithms)
    if method == "logarithmic_least_squares":
        equal = pair_weights is None and complete is matrix
        weights = geometric_means(matrix) if equal else normalised(logarithms)
    return weights, root


def geometric_consistency(matrix: FloatArray) -> float:
    """Compute the geometric consistency index (Aguaron & Moreno-Jimenez 2003).

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Reciprocal, NaN where a pair is not judged; the judged pairs connect all elements.

    Returns
    -------
    float
        Sum over the judged pairs of log^2 (a_ij w_j / w_i) by the least-squares weights, divided by the number of
        judged pairs less n - 1; 0 where the pairs form a tree. For a complete matrix the divisor is
        (n - 1) (n - 2) / 2.
    """
    rows, columns, _, _ = upper_pairs(matrix)
    spare = len(rows) - len(matrix) + 1
    if spare <= 0:
        return 0.0
    logarithms = least_squares_logarithms(matrix)
    residuals = np.log(matrix[rows, columns]) - logarithms[rows] + logarithms[columns]
    return float(residuals @ residuals) / spare


class Curvature:
    """The Hessian of log lambda_max over missing pairs, ready to be solved with; positive definite."""

    def __init__(self, chain: ScaledChain, rows: IntArray, columns: IntArray) -> None:
        self.chain, self.rows, self.columns = chain, rows, columns
        self.own = own_curvature(chain, rows, columns)
        self.dense: FloatArray | None = None
        if len(rows) <= _DENSE:
            pairs = (rows, columns)
            self.dense = root_curvature(chain, pairs, pairs) + np.diag(self.own)

    def solve(self, target: FloatArray) -> FloatArray:
        """Solve for one right-hand side of shape (n_pairs,), or for several of shape (n_pairs, k).

        Raises ArithmeticError where contradictions are so large that the least lambda_max is flat in doubles.
        """
        if self.dense is not None:
            try:
                return np.asarray(np.linalg.solve(self.dense, target))
            except np.linalg.LinAlgError:
                raise ArithmeticError(_UNSETTLED) from None
        if target.ndim == 1:
            return self._conjugate_gradients(target)
        return np.column_stack([self._conjugate_gradients(column) for column in target.T])

    def _conjugate_gradients(self, target: FloatArray) -> FloatArray:
        """Hestenes & Stiefel (1952), preconditioned by the own terms, until the residual is rounding."""
        if not (self.own > 0.0).all():
            raise ArithmeticError(_UNSETTLED)
        solution = np.zeros_like(target)
        residual = target.copy()
        scaled = residual / self.own
        direction = scaled.copy()
        energy = float(residual @ scaled)
        goal = energy * _EPS**2
        for _ in range(10 * len(self.chain.transition) + 100):
            if energy <= goal:
                break
            image = curvature_product(self.chain, self.rows, self.columns, direction)
            bend = float(direction @ image)
            if bend <= 0.0:
                raise ArithmeticError(_UNSETTLED)
            length = energy / bend
            solution += length * direction
            residual -= length * image
            scaled = residual / self.own
            energy, before = float(residual @ scaled), energy
            direction = scaled + energy / before * direction
        return solution


def least_root_completion(matrix: FloatArray, logarithms: FloatArray) -> FloatArray:
    """Fill the missing pairs so that lambda_max is least (Shiraishi, Obata & Daigo 1998).

    The logarithm of lambda_max is strictly convex in the logarithms of the missing pairs where the judged pairs
    connect all elements (Bozoki, Fulop & Ronyai 2010); damped Newton with the exact gradient and Hessian runs to
    rounding accuracy.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Reciprocal, NaN where a pair is not judged.
    logarithms : ndarray of shape (n,)
        Least-squares logarithms of the weights; their ratios are the start.

    Returns
    -------
    ndarray of shape (n, n)
        The completed reciprocal matrix.

    Raises
    ------
    ArithmeticError
        If a number leaves the range of doubles, or the steps do not settle. Cost: about six steps of O(n^3 + m^3)
        for m missing pairs, O(n^3 + m n) a step and inner iteration where m is above 600.
    """
    _, _, rows, columns = upper_pairs(matrix)
    if not len(rows):
        return matrix
    shifts = logarithms[rows] - logarithms[columns]
    current = _placed(matrix, rows, columns, shifts)
    weights, root = perron(current, logarithms)
    previous = np.inf
    for _ in range(_NEWTON_STEPS):
        if not (weights > 0.0).all():
            message = "A weight is too small for double precision."
            raise ArithmeticError(message)
        chain = scaled_chain(current, weights)
        slopes = root_slopes(chain, rows, columns)
        step = -Curvature(chain, rows, columns).solve(slopes)
        size = float(np.abs(step).max())
        settled = size <= _QUADRATIC**2 and 2.0 * size >= previous
        if settled or size <= 4.0 * _EPS * (1.0 + float(np.abs(shifts).max())):
            return current
        factor = min(1.0, _LONGEST_STEP / size)
        gain = -_LEAST_GAIN * float(slopes @ step)
        for _halving in range(_HALVINGS):
            trial = shifts + factor * step
            matrix_there = _placed(matrix, rows, columns, trial)
            weights_there, root_there = perron(matrix_there, np.log(weights))
            if size <= _QUADRATIC or np.log(root_there / root) <= -factor * gain + len(matrix) * _EPS:
                break
            factor *= 0.5
        else:
            break
        shifts, current, weights, root, previous = trial, matrix_there, weights_there, root_there, size
    raise ArithmeticError(_UNSETTLED)


def _placed(matrix: FloatArray, rows: IntArray, columns: IntArray, shifts: FloatArray) -> FloatArray:
    """Put ratios given by their logarithms into the missing pairs."""
    result = matrix.copy()
    with np.errstate(over="ignore"):
        result[rows, columns], result[columns, rows] = np.exp(shifts), np.exp(-shifts)
    return result
