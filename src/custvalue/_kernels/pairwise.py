"""Priorities and consistency of one reciprocal comparison matrix, and the random indices that judge it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

#: Mean consistency index of random reciprocal matrices of size 3, 4, ..., 15, by source.
RANDOM_INDICES: Final[Mapping[str, tuple[float, ...]]] = {
    # Alonso & Lamata (2006).
    "alonso_lamata": (
        *(0.5245, 0.8815, 1.1086, 1.2479, 1.3417, 1.4056, 1.4499),
        *(1.4854, 1.5141, 1.5365, 1.5551, 1.5713, 1.5838),
    ),
    # Saaty (1980), The Analytic Hierarchy Process.
    "saaty_1980": (0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49, 1.51, 1.48, 1.56, 1.57, 1.59),
    # Saaty (2005), Theory and Applications of the Analytic Network Process.
    "saaty_2005": (0.52, 0.89, 1.11, 1.25, 1.35, 1.40, 1.45, 1.49, 1.52, 1.54, 1.56, 1.58, 1.59),
}
#: Alonso & Lamata (2006), their least-squares line: mean lambda_max = slope * n + intercept.
_MEAN_LAMBDA_SLOPE, _MEAN_LAMBDA_INTERCEPT = 2.7699, -4.3513
_SMALLEST_TABULATED, _LARGEST_TABULATED = 3, 15
_STEPS = 200
#: Balancings until the bounds of the root must meet within `CERTIFIED`, relatively.
_ROUNDS = 20
CERTIFIED = 1e-11
#: Weights further apart than 2 to this power are beyond doubles.
_LARGEST_EXPONENT = 100_000.0


def random_index(name: str, size: int) -> float | None:
    """Look up the random index of a size, or give None where the named source has none.

    Parameters
    ----------
    name : str
        One of the keys of ``RANDOM_INDICES``.
    size : int
        Number of compared elements.

    Returns
    -------
    float or None
        0 up to size 2; the tabulated value from 3 to 15; beyond, (2.7699 n - 4.3513 - n) / (n - 1) for
        "alonso_lamata" (Alonso & Lamata 2006) and None for the others.
    """
    if size < _SMALLEST_TABULATED:
        return 0.0
    if size <= _LARGEST_TABULATED:
        return RANDOM_INDICES[name][size - _SMALLEST_TABULATED]
    if name == "alonso_lamata":
        return (_MEAN_LAMBDA_SLOPE * size + _MEAN_LAMBDA_INTERCEPT - size) / (size - 1)
    return None


def missing_random_index(value: float, size: int, missing: int) -> float:
    """Lower a random index for pairs that were not judged.

    Parameters
    ----------
    value : float
        Random index of complete judgments.
    size : int
        Number of compared elements.
    missing : int
        Number of pairs that were not judged.

    Returns
    -------
    float
        value * (1 - 2 missing / ((n - 1) (n - 2))), the linear approximation of Agoston & Csato (2022); 0 where
        the judged pairs form a tree, and up to size 2.
    """
    spare = (size - 1) * (size - 2) // 2
    return value * (spare - missing) / spare if missing < spare else 0.0


def geometric_means(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the priorities by logarithmic least squares (Crawford & Williams 1985).

    For a complete reciprocal matrix the least-squares solution is the row geometric mean.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Positive reciprocal matrix.

    Returns
    -------
    ndarray of shape (n,)
        Non-negative weights that sum to 1. Cost: O(n^2).
    """
    return normalised(np.log(matrix).mean(axis=1))


def normalised(logarithms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn logarithms of weights, (..., n), into weights that sum to 1 along the last axis."""
    weights = np.exp(logarithms - logarithms.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def perron(
    matrix: NDArray[np.float64], logarithms: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], float]:
    """Compute the Perron vector and root of a non-negative irreducible matrix to rounding accuracy.

    The matrix is balanced by exact powers of two near the row geometric means (or `logarithms`), so that ratios of
    any size cost no digits; then Noda's inverse iteration (1971), which decreases to the root monotonically and
    quadratically, runs until the bounds min (Ax)_i / x_i <= root <= max (Ax)_i / x_i of Collatz (1942) meet in
    rounding. Where the means turn out to be far from the Perron vector, it balances again near the vector found.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Positive reciprocal matrix; with `logarithms`, any non-negative irreducible matrix.
    logarithms : ndarray of shape (n,), default=None
        Natural logarithms of a vector near the Perron vector, up to a constant.

    Returns
    -------
    weights : ndarray of shape (n,)
        Positive weights that sum to 1, unless a weight is too small for a double.
    root : float
        The largest eigenvalue; of a reciprocal matrix at least n in exact arithmetic.

    Raises
    ------
    ArithmeticError
        If the bounds do not meet, as numbers leave the range of doubles. Cost: O(n^3) a step, about six steps.
    """
    binary = np.log2(matrix).mean(axis=1) if logarithms is None else logarithms / np.log(2.0)
    for _ in range(_ROUNDS):
        if not np.isfinite(binary).all() or np.ptp(binary) > _LARGEST_EXPONENT:
            break
        exponents = np.rint(binary - binary.max()).astype(np.intc)
        with np.errstate(over="ignore"):
            balanced = np.ldexp(matrix, exponents[None, :] - exponents[:, None])
            vector = balanced.sum(axis=1)
        if not np.isfinite(vector).all():
            break
        vector = _inverse_iteration(balanced, vector / vector.max())
        # One more multiplication: sums of positive terms only, so each entry is accurate.
        image = balanced @ vector
        ratios = image / vector
        if float(ratios.max()) - float(ratios.min()) <= CERTIFIED * float(ratios.max()):
            top = float(image.max())
            root = top * float((image / top).sum() / vector.sum())
            if not np.isfinite(root):
                break
            weights = np.ldexp(image / top, exponents - exponents.max())
            return weights / weights.sum(), root
        # The means were far from the Perron vector: balance again, nearer to it.
        binary = exponents + np.log2(image)
    message = "The judgments contradict each other beyond the range of double precision."
    raise ArithmeticError(message)


def _inverse_iteration(matrix: NDArray[np.float64], vector: NDArray[np.float64]) -> NDArray[np.float64]:
    size = len(matrix)
    identity = np.eye(size)
    previous = np.inf
    for _ in range(_STEPS):
        ratios = (matrix @ vector) / vector
        upper = float(ratios.max())
        if upper - float(ratios.min()) <= size * np.finfo(np.float64).eps * upper or upper >= previous:
            break
        try:
            candidate = np.abs(np.linalg.solve(upper * identity - matrix, vector))
        except np.linalg.LinAlgError:  # the bound has met the root exactly
            break
        candidate = candidate / candidate.max()
        if not (np.isfinite(candidate) & (candidate > 0.0)).all():
            break
        previous, vector = upper, candidate
    return vector
