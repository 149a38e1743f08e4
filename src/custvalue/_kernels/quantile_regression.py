r"""Linear quantile regression for millions of rows: Newton's method on a smoothed loss, with a certificate.

The pinball loss, convolved with a uniform density of half-width h, is quadratic within h of 0 and unchanged
beyond. At the minimum of the smoothed loss its slopes :math:`d_i \in [p - 1, p]` fulfil
:math:`\sum_i w_i d_i x_i = 0`: they are a feasible point of the dual of the linear program, so that

.. math:: \sum_i w_i \left(\rho_p(r_i) - d_i r_i\right)

bounds what the loss lies above its least. The bandwidth falls until that bound is small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import linprog

if TYPE_CHECKING:
    from custvalue._typing import BoolArray, FloatArray, IntArray

#: How far above its least the loss may be, as a share of it.
GAP: Final = 1e-6
#: A column whose part outside the earlier ones is shorter than this share of it adds nothing.
COLLINEAR: Final = 1e-9
#: Rows worked on at once.
_BLOCK: Final = 1 << 16
#: With more rows a sample of so many comes first.
_SAMPLE: Final = 20_000
_MANY: Final = 5 * _SAMPLE
_FALL: Final = 0.15
#: Narrower bands, in spreads of the target, are lost in rounding.
_NARROW: Final = 1e-9
_STEPS: Final = 50
_FLAT: Final = 1e-10
_TRIALS: Final = 60
#: Rows nearest to the plane that the linear program starts with.
_NEAR: Final = 1000


class QuantileFit(NamedTuple):
    """A plane, what it leaves, and how near to the least that is."""

    intercept: float
    coefficients: FloatArray
    #: Columns that are combinations of earlier ones (or constant beside the intercept); their coefficient is 0.
    dropped: BoolArray
    #: Weighted mean of the pinball loss.
    loss: float
    #: Upper bound of what `loss` lies above the least one.
    gap: float
    #: Newton's steps over all rows.
    steps: int


class _Problem(NamedTuple):
    """Rows with orthonormal columns, in the weights' sense: Q'WQ = sum(w) I."""

    basis: FloatArray
    target: FloatArray
    weights: FloatArray
    level: float


class _Point(NamedTuple):
    at: FloatArray
    residuals: FloatArray
    #: Bound of the sum of losses above the least one.
    gap: float
    steps: int


def quantile_regression(
    numbers: FloatArray,
    target: FloatArray,
    level: float,
    weights: FloatArray | None = None,
    *,
    intercept: bool = True,
) -> QuantileFit:
    r"""Fit the plane of least pinball loss.

    Parameters
    ----------
    numbers : ndarray of shape (n, p)
        Columns, finite.
    target : ndarray of shape (n,)
        What is explained.
    level : float
        Level of the quantile, in (0, 1).
    weights : ndarray of shape (n,), default=None
        Weights of the rows, from 0, not all 0; None: 1 each.
    intercept : bool, default=True
        Whether the plane has an intercept.

    Returns
    -------
    QuantileFit
        A minimum of :math:`\sum_i w_i \rho_p(y_i - b - x_i^T \beta)`, to a share of 1e-6 of it, shown by the dual.
        Where many planes are equally good it is one of them.

    Notes
    -----
    Convolution smoothing: Fernandes, Guerre and Horta (2021), *Journal of Business & Economic Statistics* 39(1),
    338-357; He, Pan, Tan and Zhou (2023), *Journal of Econometrics* 232(2), 367-388 ("conquer"). The uniform
    kernel and the falling bandwidth are those of the finite smoothing algorithm: Chen (2007), *Journal of
    Computational and Graphical Statistics* 16(1), 136-164. The bound by the dual, and the start from every k-th
    row, are ours. Where the bound stays too large, rows far from the plane are kept on their side and the rest is
    solved as a linear program (Portnoy and Koenker 1997, *Statistical Science* 12(4), 279-300, section 5).
    Cost: :math:`O(n p^2)` once and :math:`O(n p)` a step, some twenty steps; memory for two more tables.
    """
    rows = np.ones(len(target)) if weights is None else np.asarray(weights, dtype=np.float64)
    used = rows > 0.0
    if not used.all():
        numbers, target, rows = numbers[used], target[used], rows[used]
    rows = rows / rows.mean()
    middle, columns = _centre(numbers, rows, intercept=intercept)
    level_of_target = float(np.average(target, weights=rows)) if intercept else 0.0
    apart = target - level_of_target
    spread = float(np.average(np.abs(apart), weights=rows))
    spread = spread if spread > 0.0 else 1.0
    basis, back, kept = _orthonormal(numbers, middle, columns, rows, intercept=intercept)
    problem = _Problem(basis, apart / spread, rows, level)
    found = _solved(problem)
    coefficients = np.zeros(len(kept))
    coefficients[kept] = back @ found.at * spread
    coefficients = coefficients / columns
    shift = 0.0
    if intercept:
        shift = float(coefficients[0] + level_of_target - coefficients[1:] @ middle)
        coefficients, kept = coefficients[1:], kept[1:]
    total = _losses(problem, found.residuals)
    n = len(target)
    return QuantileFit(shift, coefficients, ~kept, total / n * spread, found.gap / n * spread, found.steps)


def _centre(numbers: FloatArray, rows: FloatArray, *, intercept: bool) -> tuple[FloatArray, FloatArray]:
    """Give the columns' means (0 without an intercept) and lengths, that of the intercept first."""
    middle = np.average(numbers, axis=0, weights=rows) if intercept else np.zeros(numbers.shape[1])
    largest = np.abs(numbers).max(axis=0, initial=0.0)
    lengths = np.zeros(numbers.shape[1])
    for first in range(0, len(numbers), _BLOCK):
        some = slice(first, first + _BLOCK)
        lengths += rows[some] @ (numbers[some] - middle) ** 2
    lengths = np.sqrt(lengths / len(numbers))
    # The mean of equal numbers need not be that number.
    lengths = np.where(lengths > COLLINEAR * largest, lengths, 0.0)
    scale = np.where(lengths > 0.0, lengths, np.inf)
    return middle, np.concatenate([[1.0], scale]) if intercept else scale


def _standardise(
    out: FloatArray, numbers: FloatArray, middle: FloatArray, columns: FloatArray, *, intercept: bool
) -> None:
    first = int(intercept)
    out[:, :first] = 1.0
    np.subtract(numbers, middle, out=out[:, first:])
    out[:, first:] /= columns[first:]


def _orthonormal(
    numbers: FloatArray, middle: FloatArray, columns: FloatArray, rows: FloatArray, *, intercept: bool
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Give an orthonormal basis, the way back to the kept columns, and which are kept: the first of some alike."""
    basis = np.empty((len(numbers), len(columns)))
    triangle = np.empty((0, len(columns)))
    for first in range(0, len(numbers), _BLOCK):
        some = slice(first, first + _BLOCK)
        _standardise(basis[some], numbers[some], middle, columns, intercept=intercept)
        block = basis[some] * np.sqrt(rows[some])[:, None]
        triangle = np.asarray(np.linalg.qr(np.concatenate([triangle, block]), mode="r"))
    kept = np.zeros(len(columns), dtype=np.bool_)
    directions: list[FloatArray] = []
    for place, column in enumerate(triangle.T):
        left = column.copy()
        for _ in range(2):
            for direction in directions:
                left -= (direction @ left) * direction
        if np.linalg.norm(left) > COLLINEAR * np.linalg.norm(column):
            kept[place] = True
            directions.append(left / np.linalg.norm(left))
    upper = np.asarray(np.linalg.qr(triangle[:, kept], mode="r")) / np.sqrt(len(numbers))
    if intercept and upper[0, 0] < 0.0:
        upper = -upper
    back = solve_triangular(upper, np.eye(len(upper))) if len(upper) else np.empty((0, 0))
    if not kept.all():
        basis = basis[:, kept]
    for first in range(0, len(numbers), _BLOCK):
        some = slice(first, first + _BLOCK)
        basis[some] = basis[some] @ back
    return basis, back, kept


def _dot(one: FloatArray, other: FloatArray) -> float:
    """Sum products on one thread: threads that wait for each other cost more than they save."""
    return float(np.einsum("i,i->", one, other))


def _losses(problem: _Problem, residuals: FloatArray) -> float:
    level = problem.level
    return _dot(problem.weights, np.maximum(level * residuals, (level - 1.0) * residuals))


def _start(problem: _Problem) -> FloatArray:
    """Give the plane of least squares."""
    return np.asarray(problem.basis.T @ (problem.weights * problem.target) / len(problem.target))


def _solved(problem: _Problem) -> _Point:
    n = len(problem.target)
    if n > _MANY:
        some = slice(None, None, n // _SAMPLE)
        sample = _Problem(problem.basis[some].copy(), problem.target[some], problem.weights[some], problem.level)
        at, width = _fallen(sample, _start(sample), 0.5).at, 0.05
    else:
        at, width = _start(problem), 0.5
    found = _fallen(problem, at, width)
    return found if _good(problem, found) else _vertex(problem, found)


def _good(problem: _Problem, found: _Point) -> bool:
    """Tell whether the bound is small; where nothing is left over, beside the target's spread of 1."""
    return found.gap <= GAP * _losses(problem, found.residuals) + _FLAT * len(problem.target)


def _fallen(problem: _Problem, at: FloatArray, width: float) -> _Point:
    """Let the bandwidth fall until the dual shows that the loss is least."""
    residuals = problem.target - problem.basis @ at
    width *= float(np.average(np.abs(residuals), weights=problem.weights))
    best = _Point(at, residuals, _losses(problem, residuals), 0)  # no loss lies below 0
    steps = 0
    while width > _NARROW and not _good(problem, best):
        at, residuals, gap, taken = _least(problem, at, width)
        steps += taken
        if gap < best.gap:
            best = _Point(at, residuals, gap, steps)
        width *= _FALL
    return best._replace(steps=steps)


def _slopes(problem: _Problem, residuals: FloatArray, width: float) -> FloatArray:
    slopes = residuals * (0.5 / width)
    slopes += problem.level - 0.5
    np.clip(slopes, problem.level - 1.0, problem.level, out=slopes)
    return slopes


def _least(problem: _Problem, at: FloatArray, width: float) -> _Point:
    """Minimise the smoothed loss by Newton's steps; give the dual's bound with the point."""
    basis, target, weights, _ = problem
    flat = _FLAT * len(target)
    for step in range(_STEPS):  # noqa: B007 - their number is told
        residuals = target - basis @ at
        slopes = _slopes(problem, residuals, width)
        slopes *= weights
        downhill = basis.T @ slopes
        if np.abs(downhill).max(initial=0.0) <= flat:
            break
        direction = _direction(problem, np.flatnonzero(np.abs(residuals) < width), downhill, width)
        length = _length(problem, residuals, basis @ direction, width, float(downhill @ direction))
        if length <= 0.0:
            break
        at = at + length * direction
    residuals = target - basis @ at
    slopes = weights * _slopes(problem, residuals, width)
    steep = float(np.abs(basis.T @ slopes).sum())
    # The least plane is taken to lie within ten spreads of the target.
    loss = _losses(problem, residuals)
    gap = loss - _dot(slopes, residuals) + 10.0 * steep
    return _Point(at, residuals, min(max(gap, 0.0), loss), step + 1)


def _direction(problem: _Problem, near: IntArray, downhill: FloatArray, width: float) -> FloatArray:
    """Give Newton's direction; where too few rows lie in the band, as if a thousandth of a row lay there."""
    size = len(downhill)
    curvature = np.zeros((size, size))
    for first in range(0, len(near), _BLOCK):
        rows = near[first : first + _BLOCK]
        some = problem.basis[rows]
        curvature += some.T @ (some * problem.weights[rows][:, None])
    values, vectors = np.linalg.eigh(curvature)
    return np.asarray(vectors @ (vectors.T @ downhill * (2.0 * width) / np.maximum(values, 1e-3)))


def _length(problem: _Problem, residuals: FloatArray, moved: FloatArray, width: float, first: float) -> float:
    """Give how far to go: the whole step where the loss still falls there, else near the least on the line."""
    weighted = problem.weights * moved

    def falling(length: float) -> float:
        return _dot(_slopes(problem, residuals - length * moved, width), weighted)

    low, high, at_low, at_high = 0.0, 1.0, first, falling(1.0)
    if abs(at_high) <= 1e-3 * first:
        return 1.0
    for _ in range(_TRIALS):
        if at_high < 0.5 * first:
            break
        low, at_low, high = high, at_high, 2.0 * high
        at_high = falling(high)
    if at_high >= 0.0:
        return high
    for trial in range(_TRIALS):
        share = at_low / (at_low - at_high) if trial % 3 else 0.5
        middle = low + share * (high - low)
        if (low > 0.0 and at_low <= 0.1 * first) or not low < middle < high:
            break
        at_middle = falling(middle)
        if at_middle >= 0.0:
            low, at_low = middle, at_middle
        else:
            high, at_high = middle, at_middle
    return low


def _vertex(problem: _Problem, found: _Point) -> _Point:
    """Solve as a linear program, the rows far from the plane kept on their side until they prove to be on it."""
    basis, target, weights, level = problem
    n, at = len(target), found.at
    residuals = found.residuals
    near = np.zeros(n, dtype=np.bool_)
    near[np.argsort(np.abs(residuals), kind="stable")[:_NEAR]] = True
    while True:
        far = ~near
        sides = np.where(residuals > 0.0, level, level - 1.0) * weights
        held = basis[far].T @ sides[far]
        bounds = [((level - 1.0) * weight, level * weight) for weight in weights[near].tolist()]
        solved = linprog(-target[near], A_eq=basis[near].T, b_eq=-held, bounds=bounds, method="highs")
        if solved.status == 0:
            at = -solved.eqlin.marginals
            left = target - basis @ at
            crossed = far & ((left > 0.0) != (residuals > 0.0))
            if not crossed.any():
                sides[near] = solved.x
                gap = _losses(problem, left) - _dot(sides, left) + 10.0 * float(np.abs(basis.T @ sides).sum())
                better = _losses(problem, left) <= _losses(problem, residuals)
                return _Point(at, left, max(gap, 0.0), found.steps) if better else found
            near |= crossed
        elif near.all():
            return found
        more = int(near.sum())
        near[np.argsort(np.where(near, np.inf, np.abs(residuals)), kind="stable")[:more]] = True


__all__ = ["COLLINEAR", "GAP", "QuantileFit", "quantile_regression"]
