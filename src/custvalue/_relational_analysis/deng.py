"""Deng's relational coefficient and grade of plain series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from custvalue import _frames
from custvalue._kernels import relational
from custvalue._spec import require_unit_sum
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from custvalue._typing import ArrayLike, FloatArray


def checked_rho(distinguishing_coefficient: float) -> float:
    """Give Deng's rho; refuse what lies outside (0, 1]."""
    try:
        rho = float(distinguishing_coefficient)
    except (TypeError, ValueError):
        rho = float("nan")
    if not 0.0 < rho <= 1.0:
        message = f"distinguishing_coefficient is {rho:g}; allowed: (0, 1]. Deng uses 0.5."
        raise DomainError(message)
    return rho


def relational_coefficient(
    series: ArrayLike, reference: ArrayLike, *, distinguishing_coefficient: float = 0.5
) -> FloatArray:
    r"""Compute Deng's grey relational coefficient of every point.

    The coefficient compares the distance of each point from the reference series with the smallest and the
    largest distance in the whole table, so it ranks the series of one table and is not comparable between tables.

    Parameters
    ----------
    series : array_like of shape (n_series, n_points)
        Comparison series, one a row, already made dimensionless.
    reference : array_like of shape (n_points,)
        Reference series, on the same scale.
    distinguishing_coefficient : float, default=0.5
        Rho, in (0, 1].

    Returns
    -------
    ndarray of shape (n_series, n_points)
        Coefficients in (0, 1]; 1 where a point lies nearest to the reference.

    Raises
    ------
    DataError
        If a value is not finite.
    DomainError
        If the shapes do not fit or `distinguishing_coefficient` lies outside (0, 1].

    Notes
    -----
    With :math:`\Delta_{ik} = |x_{0k} - x_{ik}|` [1]_,

    .. math:: \xi_{ik} = \frac{\min_i \min_k \Delta + \rho \max_i \max_k \Delta}
                              {\Delta_{ik} + \rho \max_i \max_k \Delta}.

    If every series equals the reference, all coefficients are 1. Cost: :math:`O(nm)` time and memory.

    References
    ----------
    .. [1] Deng, J.-L. (1989). Introduction to grey system theory. *The Journal of Grey System*, 1(1), 1-24.

    Examples
    --------
    >>> from custvalue import grey
    >>> grey.relational_coefficient([[1.0, 0.5, 0.0]], [1.0, 1.0, 1.0]).round(4)
    array([[1.    , 0.5   , 0.3333]])
    """
    rho = checked_rho(distinguishing_coefficient)
    values = _frames.numeric(series, argument="series")
    wanted = one_row(reference, "reference")
    if values.shape[1] != wanted.shape[1] or values.size == 0:
        message = (
            f"series has shape {values.shape} and reference {wanted.shape[1]} points; "
            "allowed: at least one series, with as many points as the reference."
        )
        raise DomainError(message)
    return relational.deng_coefficients(values, wanted[0], rho)


def relational_grade(
    series: ArrayLike,
    reference: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    distinguishing_coefficient: float = 0.5,
) -> FloatArray:
    r"""Compute Deng's grey relational grade of every series: the weighted mean of its coefficients.

    Parameters
    ----------
    series : array_like of shape (n_series, n_points)
        Comparison series, one a row, already made dimensionless.
    reference : array_like of shape (n_points,)
        Reference series, on the same scale.
    weights : array_like of shape (n_points,), default=None
        Weights of the points, not negative, sum 1 within 5e-4 (then renormalised). None weighs all alike.
    distinguishing_coefficient : float, default=0.5
        Rho, in (0, 1].

    Returns
    -------
    ndarray of shape (n_series,)
        Grades in (0, 1]; the largest marks the series nearest to the reference.

    Raises
    ------
    DataError
        If a value is not finite.
    DomainError
        If shapes do not fit, weights are negative or off one, or the coefficient lies outside (0, 1].

    Notes
    -----
    :math:`\gamma_i = \sum_k w_k \xi_{ik}` with :func:`relational_coefficient` [1]_. Cost: :math:`O(nm)`.

    References
    ----------
    .. [1] Deng, J.-L. (1989). Introduction to grey system theory. *The Journal of Grey System*, 1(1), 1-24.

    Examples
    --------
    >>> from custvalue import grey
    >>> grey.relational_grade([[1.0, 0.5, 0.0], [1.0, 1.0, 0.5]], [1.0, 1.0, 1.0]).round(4)
    array([0.6111, 0.8333])
    """
    coefficients = relational_coefficient(series, reference, distinguishing_coefficient=distinguishing_coefficient)
    n_points = coefficients.shape[1]
    if weights is None:
        grades: FloatArray = coefficients.mean(axis=1)
        return grades
    weighted: FloatArray = coefficients @ checked_weights(weights, n_points, "a point")
    return weighted


def one_row(values: ArrayLike, argument: str) -> FloatArray:
    """Read one sequence of numbers as a table of one row."""
    sequence = _frames.unmasked(values)
    if len(shape := np.asarray(sequence, dtype=object).shape) != 1:
        message = f"{argument} has shape {shape}; allowed: one sequence of numbers."
        raise DomainError(message)
    return _frames.numeric([sequence], argument=argument)


def checked_weights(weights: ArrayLike, n_weights: int, each: str) -> FloatArray:
    """Give weights with the sum 1; refuse negative ones, and a sum further from 1 than rounding explains."""
    given = one_row(weights, "weights")[0]
    if len(given) != n_weights or (given < 0.0).any():
        message = f"weights must be {n_weights} numbers that are not negative, one {each}."
        raise DomainError(message)
    try:
        require_unit_sum(given.tolist(), "weights")
    except ValueError as error:
        raise DomainError(f"{error}.") from None
    normalised: FloatArray = given / given.sum()
    return normalised
