"""Priorities of many small comparison matrices at once, the matrices along the last axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from custvalue._kernels.pairwise import CERTIFIED, perron

if TYPE_CHECKING:
    from custvalue._typing import BoolArray, FloatArray

_EPS: Final = float(np.finfo(np.float64).eps)
_STEPS: Final = 200
#: Bounds nearer than this, relatively and by element, have met; one more multiplication follows.
_MET: Final = 4.0 * _EPS
#: Systems solved with one elimination: each multiplies the error by that of the bound.
_SOLVES: Final = 3
#: Numbers of a chunk: work and temporaries stay in the second-level cache.
_CHUNK: Final = 131_072
#: Larger matrices are solved one by one, by LAPACK.
_LARGEST_SIZE: Final = 40
#: Products of n ratios stay below 2 to this power, so that nothing needs balancing.
_LARGEST_EXPONENT: Final = 500.0


def perron_batch(matrices: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Compute Perron vector and root of many non-negative irreducible matrices, to rounding accuracy.

    Noda's inverse iteration (1971) as in `perron`, three solutions to an elimination, which subtracts nothing: the
    matrix root I - A, scaled by the current vector, has row sums that are known and non-negative, so each pivot is
    a sum of non-negative numbers (Grassmann, Taksar & Heyman 1985) and no pivoting is needed.

    Parameters
    ----------
    matrices : ndarray of shape (n_matrices, n, n)
        Reciprocal matrices, or Harker's with 0 for missing pairs.

    Returns
    -------
    weights : ndarray of shape (n_matrices, n)
        Non-negative, rows sum to 1.
    roots : ndarray of shape (n_matrices,)
        Largest eigenvalues.

    Raises
    ------
    ArithmeticError
        If a matrix leaves the range of doubles. Cost: O(n^3) a matrix and step, about three steps.
    """
    count, size = matrices.shape[:2]
    weights, roots = np.empty((count, size)), np.empty(count)
    bound = 2.0 ** (_LARGEST_EXPONENT / size) if size <= _LARGEST_SIZE else 0.0
    together = np.ones(count, dtype=np.bool_)
    if not matrices.max() <= bound:
        together = matrices.reshape(count, -1).max(axis=1) <= bound
    places = np.flatnonzero(together)
    width = max(16, _CHUNK // (size * (size + 1)))
    for first in range(0, len(places), width):
        chosen = places[first : first + width]
        part = matrices[first : first + width] if len(places) == count else matrices[chosen]
        weights[chosen], roots[chosen], together[chosen] = _chunk(np.ascontiguousarray(part.transpose(1, 2, 0)))
    for place in np.flatnonzero(~together).tolist():
        weights[place], roots[place] = perron(matrices[place], _start(matrices[place]))
    return weights, roots


def _start(matrix: FloatArray) -> FloatArray:
    """Give the mean logarithms of the positive entries of each row."""
    positive = matrix > 0.0
    logarithms = np.log(np.where(positive, matrix, 1.0))
    return np.asarray(logarithms.sum(axis=1) / positive.sum(axis=1))


def _chunk(stack: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Iterate on matrices of shape (n, n, n_matrices) until the bounds of Collatz (1942) meet in rounding.

    Gives weights, roots, and whether the bounds of each matrix have met.
    """
    size = len(stack)
    positive = stack if stack.min() > 0.0 else np.where(stack > 0.0, stack, 1.0)
    vector = np.exp(np.log(positive.prod(axis=1)) / size)
    vector = _image(stack, vector)
    vector /= vector.max(axis=0)
    work = np.empty((size, size + 1, stack.shape[2]))
    previous = np.full(stack.shape[2], np.inf)
    for _ in range(_STEPS):
        image = _image(stack, vector)
        ratios = image / vector
        upper = ratios.max(axis=0)
        done = (upper - ratios.min(axis=0) <= _MET * size * upper) | (upper >= previous)
        if done.all():
            break
        np.multiply(stack, vector, out=work[:, :size])
        # The bound has met the root where all row sums are rounded to nothing; pivots must stay positive.
        scaled = upper * vector
        np.maximum(scaled - image, _EPS**2 * scaled, out=work[:, size])
        pivots, candidate = _eliminate(work), vector
        for _solve in range(_SOLVES):
            candidate = vector * _solved(work, pivots, candidate)
            candidate /= candidate.max(axis=0)
        vector = np.where(done, vector, candidate) if done.any() else candidate
        previous = upper
    image = _image(stack, vector)
    ratios = image / vector
    met = ratios.max(axis=0) - ratios.min(axis=0) <= CERTIFIED * ratios.max(axis=0)
    top = image.max(axis=0)
    image /= top
    total = image.sum(axis=0)
    with np.errstate(over="ignore"):
        roots = top * (total / vector.sum(axis=0))
    return (image / total).T, roots, met & np.isfinite(roots)


def _image(stack: FloatArray, vector: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("ijm,jm->im", stack, vector))


def _eliminate(work: FloatArray) -> FloatArray:
    """Factor many M-matrices in place and give their pivots, (n, m).

    Work, (n, n + 1, m), holds the magnitudes of the off-diagonal entries and, last, the row sums; the diagonal is
    not read. Factors are left below it.
    """
    size = len(work)
    pivots = np.empty((size, work.shape[2]))
    product = np.empty_like(work)
    for node in range(size):
        rest = work[node, node + 1 :]
        rest.sum(axis=0, out=pivots[node])
        factors, below = work[node + 1 :, node], product[node + 1 :, node + 1 :]
        factors /= pivots[node]
        np.multiply(factors[:, None], rest, out=below)
        work[node + 1 :, node + 1 :] += below
    return pivots


def _solved(work: FloatArray, pivots: FloatArray, target: FloatArray) -> FloatArray:
    """Solve with what `_eliminate` left, (n, m); non-negative terms only."""
    size = len(work)
    solution = target.copy()
    for node in range(size - 1):
        solution[node + 1 :] += work[node + 1 :, node] * solution[node]
    for node in range(size - 1, -1, -1):
        solution[node] += np.einsum("jm,jm->m", work[node, node + 1 : size], solution[node + 1 :])
        solution[node] /= pivots[node]
    return solution


def connected_batch(judged: BoolArray) -> BoolArray:
    """Tell which of many comparison graphs, (n_matrices, n, n), connect all their nodes.

    Parameters
    ----------
    judged : ndarray of shape (n_matrices, n, n)
        Symmetric, True on the diagonal.

    Returns
    -------
    ndarray of shape (n_matrices,)
        Cost: O(n^3 log n) a matrix.
    """
    reach = judged.astype(np.float32)
    steps = 1
    while steps < judged.shape[1] - 1:
        reach = np.minimum(reach @ reach, np.float32(1.0))
        steps *= 2
    return np.asarray((reach[:, 0] > 0.0).all(axis=1))


def least_squares_batch(matrices: FloatArray) -> FloatArray:
    """Compute the logarithms of least-squares weights of many matrices, NaN for missing pairs.

    Parameters
    ----------
    matrices : ndarray of shape (n_matrices, n, n)
        Reciprocal; the judged pairs of each connect all elements.

    Returns
    -------
    ndarray of shape (n_matrices, n)
        Natural logarithms; rows sum to 0 but for rounding. Cost: O(n^2) a complete matrix, else O(n^3).
    """
    size = matrices.shape[1]
    logarithms = np.log(matrices)
    judged = ~np.isnan(logarithms)
    if judged.all():
        return np.asarray(logarithms.mean(axis=2))
    sums = np.where(judged, logarithms, 0.0).sum(axis=2)
    laplacians = -judged.astype(np.float64)
    diagonal = np.arange(size)
    laplacians[:, diagonal, diagonal] = judged.sum(axis=2) - 1.0
    return np.asarray(np.linalg.solve(laplacians / size + 1.0 / size, sums[..., None] / size)[..., 0])
