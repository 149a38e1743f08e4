"""Stationary vector of an irreducible block: one certified solve, else elimination without a subtraction."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.linalg import lapack, solve_triangular

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNDERFLOW: Final = (
    "A way out of a node is so improbable that it vanishes in double precision; "
    "replace entries below 1e-100 by 0 if they are meant to be none."
)
#: A solve is taken if its relative error is proven to be below this in every entry: at once, and refined.
_AT_ONCE: Final = 1e-11
_REFINED: Final = 1e-10
#: Up to this size elimination costs so little that a solve is not refined.
_SMALL: Final = 32
_EPSILON: Final = float(np.finfo(np.float64).eps)
#: Sums by which columns have yet to be divided are nearer to 1 than this.
_OFF: Final = 1e-3
#: Nodes that are eliminated before the rest of the matrix is updated by one product of matrices.
_PANEL: Final = 32
#: Rows that are compared at a time, so that they stay in the processor's cache.
_ROWS: Final = 64


def stationary(
    block: NDArray[np.float64], sums: NDArray[np.float64] | None = None, least: float = 0.0
) -> NDArray[np.float64]:
    """Compute the stationary vector of an irreducible column-stochastic block.

    First by one solve, which is taken if its error is proven to be small in every entry; else, as for nearly
    decomposable blocks, by the algorithm of Grassmann, Taksar & Heyman (1985), which subtracts nothing.

    Parameters
    ----------
    block : ndarray of shape (m, m)
        Irreducible, column j holds the influences on node j.
    sums : ndarray of shape (m,) or None
        Sums, near 1, by which the columns have to be divided; None if they sum to 1.
    least : float, default=0.0
        Smallest entry of the block, if it is known: it saves work.

    Returns
    -------
    ndarray of shape (m,)
        Non-negative, sums to 1, ``(block / sums) @ result`` equals it.

    Raises
    ------
    ArithmeticError
        If a probability underflows. Cost: O(m^3).
    """
    solved = solved_stationary(block, sums, least)
    if solved is not None:
        return solved
    return eliminated_stationary(block if sums is None else block / sums)


def solved_stationary(
    block: NDArray[np.float64], sums: NDArray[np.float64] | None = None, least: float = 0.0
) -> NDArray[np.float64] | None:
    """Solve (I - W + e 1') x = e, with e the first unit vector, and prove that the answer is accurate.

    With r = W x - x, the error is at most |r| times the norm of the inverse. On vectors that sum to zero W acts as
    W - y 1' does for any y, so that the norm is at most 1 / (1 - t) with t = max_j |W e_j - y| (Seneta 2006,
    chapter 4): y = min W shows t <= 1 - m min W, y = x more. Where neither proves a relative error below 1e-11 in
    every entry, a large block's answer is refined once and the norm estimated by LAPACK.

    Parameters
    ----------
    block : ndarray of shape (m, m)
        Irreducible and non-negative; columns sum to 1 within about 1e-3.
    sums : ndarray of shape (m,) or None
        Sums by which the columns have to be divided; None if they sum to 1.
    least : float, default=0.0
        Smallest entry of the block, or 0 if it is not known.

    Returns
    -------
    ndarray of shape (m,) or None
        The stationary vector, or None if it is not certain to 1e-10 in every entry. Cost: (2/3) m^3.
    """
    size = len(block)
    system = np.negative(block, order="C") if sums is None else np.multiply(block, -1.0 / sums, order="C")
    system.ravel()[:: size + 1] += 1.0
    system[0] += 1.0
    factors, pivots, singular = lapack.dgetrf(system.T, overwrite_a=1)
    if singular:
        return None
    right = np.zeros(size)
    right[0] = 1.0
    vector: NDArray[np.float64] = lapack.dgetrs(factors, pivots, right, trans=1, overwrite_b=1)[0]
    lowest, total = float(np.minimum.reduce(vector)), float(np.add.reduce(vector))
    if not (lowest > 0.0 and total < np.inf):
        return None
    vector /= total
    lowest /= total
    residual, off = _residual(block, vector, sums)
    if off <= _AT_ONCE * lowest * size * (least if sums is None else 0.0):
        return vector
    margin = lowest * (1.0 - _contraction(block, vector, sums is not None))
    if off <= _AT_ONCE * margin:
        return vector
    if size <= _SMALL:
        return None
    vector += lapack.dgetrs(factors, pivots, residual, trans=1, overwrite_b=1)[0]
    vector /= vector.sum()
    # LAPACK sees the transpose, whose infinity norm is the 1-norm of the system.
    reciprocal = float(lapack.dgecon(factors, 1.0, norm="I")[0])
    off = _residual(block, vector, sums)[1]
    return vector if off <= _REFINED * max(lowest * reciprocal, margin) else None


def _residual(
    block: NDArray[np.float64], vector: NDArray[np.float64], sums: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], float]:
    """Give W x - x, and a bound on its 1-norm with room for the rounding of the product."""
    residual = block.dot(vector if sums is None else vector / sums)
    residual -= vector
    return residual, 2.0 * math.sqrt(len(block) * float(residual.dot(residual))) + _EPSILON


def _contraction(block: NDArray[np.float64], vector: NDArray[np.float64], off: bool) -> float:  # noqa: FBT001 - private
    """Bound the largest 1-norm of a column's difference from the vector: twice what they do not share."""
    size = len(block)
    column = vector[:, None]
    each = np.ones(_ROWS)
    shared = each[:size].dot(np.minimum(block[:_ROWS], column[:_ROWS]))
    for first in range(_ROWS, size, _ROWS):
        rows = slice(first, first + _ROWS)
        shared += each[: size - first].dot(np.minimum(block[rows], column[rows]))
    return 2.0 * (1.0 + _OFF * off - float(shared.min()))


def eliminated_stationary(block: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the stationary vector by the algorithm of Grassmann, Taksar & Heyman (1985), in panels.

    Nodes are eliminated one after the other with sums and products of non-negative numbers only; the diagonal is
    never read. Every entry is therefore accurate to a few rounding errors, however nearly the block falls apart.

    Parameters
    ----------
    block : ndarray of shape (m, m)
        Irreducible, column j holds the influences on node j.

    Returns
    -------
    ndarray of shape (m,)
        Non-negative, sums to 1.

    Raises
    ------
    ArithmeticError
        If a probability underflows. Cost: (2/3) m^3, nearly all of it in products of matrices.
    """
    size = len(block)
    work = np.array(block, order="C")
    exits = eliminate(work, 1)
    vector = np.zeros(size)
    vector[0] = 1.0
    for node in range(1, size):
        inflow = float(work[node, :node] @ vector[:node])
        total = inflow + exits[node]  # scaled at each step, so that nothing overflows
        vector[:node] *= exits[node] / total
        vector[node] = inflow / total
    return np.asarray(vector / vector.sum())


def eliminate(work: NDArray[np.float64], kept: int) -> NDArray[np.float64]:
    """Eliminate, in place and without a subtraction, all nodes but the first ``kept``, the last one first.

    Afterwards, above the diagonal, column v holds the shares in which node v passes on what leaves it to the
    nodes before it; row v, left of the diagonal, holds what these nodes send to v once later nodes are gone.

    Parameters
    ----------
    work : ndarray of shape (m, m)
        Off-diagonal entries are non-negative; the diagonal is never read. Overwritten.
    kept : int
        Number of nodes, from the first, that stay; 1 or more, unless there are no nodes.

    Returns
    -------
    ndarray of shape (m,)
        What leaves each node for the nodes before it at the time of its elimination; 1 for those that stay.

    Raises
    ------
    ArithmeticError
        If such a sum underflows to 0.
    """
    size = len(work)
    exits = np.ones(size)
    for stop in range(size, kept, -_PANEL):
        start = max(stop - _PANEL, kept)
        panel = np.array(work[:stop, start:stop], order="F")
        for node in range(stop - 1, start - 1, -1):
            here = node - start
            shares = panel[:node, here]
            exits[node] = shares.sum()
            if exits[node] <= 0.0:
                raise ArithmeticError(UNDERFLOW)
            shares /= exits[node]
            panel[:node, :here] += shares[:, None] * panel[node, :here]
        work[:stop, start:stop] = panel
        inside = np.triu(panel[start:], 1)
        # (I - inside) X = rows with non-negative entries: substitution adds products and subtracts nothing.
        rows = solve_triangular(
            np.eye(stop - start) - inside, work[start:stop, :start], check_finite=False, unit_diagonal=True
        )
        work[start:stop, :start] = rows
        work[:start, :start] += panel[:start] @ rows
    return exits


def group_inverse(matrix: NDArray[np.float64], limit: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the group inverse of I - W from the Cesaro limit L: (I - W + L)^-1 - L (Meyer 1975).

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Column-stochastic.
    limit : ndarray of shape (n, n)
        Its Cesaro limit.

    Returns
    -------
    ndarray of shape (n, n)
        The inverse G with (I - W) G (I - W) = I - W and G L = L G = 0. If only column j of a matrix with one
        essential class moves by a vector d of sum 0, its stationary vector p moves by ``G @ d * p[j]``, to first
        order. Cost: O(n^3).

    Raises
    ------
    ArithmeticError
        If I - W + L is singular in double precision.
    """
    try:
        inverse = np.linalg.inv(np.eye(len(matrix)) - matrix + limit)
    except np.linalg.LinAlgError as error:
        message = "The matrix falls apart so nearly that its derivatives have no digit in double precision."
        raise ArithmeticError(message) from error
    return np.asarray(inverse - limit)
