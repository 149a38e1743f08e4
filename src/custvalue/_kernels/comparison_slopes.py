"""Derivatives of weights and lambda_max of one comparison matrix by its judged pairs, for each method."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from custvalue._kernels.comparison_methods import (
    Curvature,
    least_squares_logarithms,
    least_squares_operator,
    solved_matrix,
    upper_pairs,
)
from custvalue._kernels.pairwise import normalised, perron
from custvalue._kernels.perron_derivatives import root_curvature, root_slopes, scaled_chain, weight_slopes

if TYPE_CHECKING:
    from custvalue._typing import FloatArray


class PairSlopes(NamedTuple):
    """Derivatives by the logarithms of the judged pairs (i < j); the reciprocals move along."""

    root: FloatArray
    weights: FloatArray


def pair_slopes(matrix: FloatArray, method: str, pair_weights: FloatArray | None = None) -> PairSlopes:
    """Differentiate lambda_max and the weights of one comparison matrix.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Reciprocal, NaN where a pair is not judged; the judged pairs connect all elements.
    method : str
        As for `weights_and_root`.
    pair_weights : ndarray of shape (n, n), default=None
        Weights of the pairs, for least squares only.

    Returns
    -------
    PairSlopes
        `root` of shape (n_pairs,), the derivatives of lambda_max; `weights` of shape (n_pairs, n), each row
        summing to 0. The pairs are those of `upper_pairs`.

    Raises
    ------
    ArithmeticError
        If a number leaves the range of doubles, or the completion of least root does not settle. Cost:
        O(n^3 + n_pairs n), and O(m^3 + m^2 n_pairs) for "lambda_min" with m missing pairs.
    """
    rows, columns, missing_rows, missing_columns = upper_pairs(matrix)
    logarithms = least_squares_logarithms(matrix, pair_weights)
    complete = solved_matrix(matrix, method, logarithms)
    vector, root = perron(complete, logarithms)
    if not (vector > 0.0).all():
        message = "A weight is too small for double precision."
        raise ArithmeticError(message)
    chain = scaled_chain(complete, vector)
    slopes = root_slopes(chain, rows, columns)
    missing = (missing_rows, missing_columns)
    if method == "logarithmic_least_squares":
        counts = None if pair_weights is None else pair_weights[rows, columns]
        moves = least_squares_operator(len(matrix), rows, columns, counts).T
        vector = normalised(logarithms)
        filling = moves[:, missing_rows] - moves[:, missing_columns]  # the filled ratios follow the weights
        slopes = slopes + filling @ root_slopes(chain, *missing)
    else:
        moves = weight_slopes(chain, rows, columns)
        if method == "lambda_min" and len(missing_rows):
            # The slopes by the missing pairs stay zero, so they follow the judged ones (implicit functions).
            follow = Curvature(chain, *missing).solve(weight_slopes(chain, *missing))
            moves = moves - root_curvature(chain, (rows, columns), missing) @ follow
    return PairSlopes(root * slopes, normalised_slopes(vector, moves))


def normalised_slopes(weights: FloatArray, logarithms: FloatArray) -> FloatArray:
    """Turn derivatives of logarithms of weights into those of weights that sum to 1.

    Parameters
    ----------
    weights : ndarray of shape (n,)
        Sum to 1.
    logarithms : ndarray of shape (n_pairs, n)
        Derivatives of their logarithms, up to a constant in each row.

    Returns
    -------
    ndarray of shape (n_pairs, n)
        Rows sum to 0.
    """
    return np.asarray(weights * (logarithms - (logarithms @ weights)[:, None]))
