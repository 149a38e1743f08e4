"""Tails of the hypergeometric distribution as natural logarithms: Fisher's exact test without underflow.

Of N customers x hold one thing and y another. If the two had nothing to do with each other, the number C who
hold both would be hypergeometric. With a hundred million customers a tail of 1e-100000 is nothing unusual, so
every probability here is a natural logarithm.

The probability of one table is the exponential of minus half its deviance (all four parts are positive, so nothing
cancels) times Stirling's corrections: Loader (2000), Fast and accurate computation of binomial probabilities. A
tail is that probability times the series of ratios of neighbouring tables. Long series (large counts near the
middle) are an integral by Gauss and Legendre's rule plus Gregory's correction for its end, which needs the same
fifty evaluations whatever the counts are.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import ndtri

from custvalue._kernels.two_by_two import cross_difference, half_deviance

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from custvalue._typing import FloatArray, IntArray

#: Tables in one block; some thirty arrays of this length are alive at a time (8 MB).
_BLOCK: Final = 1 << 15
#: From here on Stirling's series is right to 1e-17; below it a table stands.
_STIRLING_FROM: Final = 16
_STIRLING: Final = (1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0)
#: log(m!) - (m log m - m) for m = 0..15; for 0 it is 0.
_SMALL: Final = np.array(
    [math.log(math.factorial(m)) - (m * math.log(m) - m if m else 0.0) for m in range(_STIRLING_FROM)]
)
#: A tail ends where its terms are e^-45 of the first.
_DEPTH: Final = 45.0
#: Series of more terms are integrated.
_LONG: Final = 400.0
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(40)
#: Expansion of x / log(1 + x) from its second term on: Gregory's coefficients of the differences of order 0..10.
_GREGORY: Final = (
    *(1 / 2, -1 / 12, 1 / 24, -19 / 720, 3 / 160, -863 / 60480, 275 / 24192),
    *(-33953 / 3628800, 8183 / 1036800, -3250433 / 479001600, 4671 / 788480),
)
#: The same as weights of the first eleven terms.
_END_WEIGHTS: Final = tuple(
    sum(_GREGORY[n] * math.comb(n, i) * (-1) ** (n - i) for n in range(i, len(_GREGORY)))
    for i in range(len(_GREGORY))
)
#: Quantiles: tails that differ by less count as equal.
_TIE: Final = 1e-12


def _factorial_part(m: FloatArray) -> FloatArray:
    """Compute log(m!) - (m log m - m); not whole numbers must be at least 16."""
    large = np.maximum(m, float(_STIRLING_FROM))
    inverse = 1.0 / large
    y = inverse * inverse
    series = np.full_like(large, _STIRLING[-1])
    for coefficient in _STIRLING[-2::-1]:
        series *= y
        series += coefficient
    part = 0.5 * np.log(2.0 * math.pi * large) + series * inverse
    small = m < _STIRLING_FROM
    if small.any():
        part[small] = _SMALL[m[small].astype(np.intp)]
    return np.asarray(part)


def _margin_part(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> FloatArray:
    """Sum the factorial parts that do not change along a tail: those of the margins, less that of the total."""
    return np.asarray(
        _factorial_part(a + b)
        + _factorial_part(c + d)
        + _factorial_part(a + c)
        + _factorial_part(b + d)
        - _factorial_part(a + b + c + d)
    )


def _cell_part(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> FloatArray:
    """Give what changes along a tail: minus half the deviance and minus the factorial parts of the cells."""
    deviance = half_deviance((a, b, c, d), (a + b, a + c, c + d, b + d), a + b + c + d)
    return np.asarray(
        -deviance - _factorial_part(a) - _factorial_part(b) - _factorial_part(c) - _factorial_part(d)
    )


def _short_series(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> FloatArray:
    """Sum P(C >= a) / P(C = a) term by term; the ratios of neighbours fall from below 1 on."""
    total = np.ones(len(a))
    place = np.arange(len(a))
    a, b, c, d = a.copy(), b.copy(), c.copy(), d.copy()
    term = np.ones(len(a))
    part = np.ones(len(a))
    while len(place):
        for _ in range(8):
            a += 1.0
            d += 1.0
            term *= (b * c) / (a * d)
            part += term
            b -= 1.0
            c -= 1.0
        # After the last possible table a term is 0 and stays so.
        going = term > 1e-18 * part
        if not going.all():
            total[place] = part
            place, term, part = place[going], term[going], part[going]
            a, b, c, d = a[going], b[going], c[going], d[going]
    return total


def _long_series(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, length: FloatArray) -> FloatArray:
    """Integrate P(C = a + t) / P(C = a) over t in (0, length) and correct the end at 0; all cells are large."""
    start = _cell_part(a, b, c, d)
    total = np.zeros(len(a))
    for node, weight in zip(_NODES, _NODE_WEIGHTS, strict=True):
        t = (0.5 + 0.5 * node) * length
        total += (0.5 * weight) * np.exp(_cell_part(a + t, b - t, c - t, d + t) - start)
    total *= length
    term = np.ones(len(a))
    for step, weight in enumerate(_END_WEIGHTS):
        total += weight * term
        term = term * ((b - step) * (c - step) / ((a + step + 1.0) * (d + step + 1.0)))
    return total


def _outer_tail(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> FloatArray:
    """Compute log P(C >= a) where a is at least what independence expects."""
    # How far the terms matter: slope l and curvature k of the log-probability give l t + k t^2 / 2 = depth.
    ratio = b * c / ((a + 1.0) * (d + 1.0))
    slope = -np.log(np.maximum(ratio, 1e-300))
    least = np.minimum(b, c)
    curvature = 1.0 / (a + 1.0) + 1.0 / (d + 1.0) + 1.0 / np.maximum(b, 1.0) + 1.0 / np.maximum(c, 1.0)
    length = 2.0 * _DEPTH / (slope + np.sqrt(slope * slope + 2.0 * _DEPTH * curvature))
    cells = np.minimum(np.minimum(a, d), least - length)
    long = (np.minimum(length, least) > _LONG) & (cells > _STIRLING_FROM)
    series = np.empty(len(a))
    short = ~long
    series[short] = _short_series(a[short], b[short], c[short], d[short])
    if long.any():
        series[long] = _long_series(a[long], b[long], c[long], d[long], length[long])
    return np.asarray(_margin_part(a, b, c, d) + _cell_part(a, b, c, d) + np.log(series))


def _upper_block(k: FloatArray, x: FloatArray, y: FloatArray, n: FloatArray) -> FloatArray:
    tail = np.zeros(len(k))
    tail[k > np.minimum(x, y)] = -np.inf
    open_ = np.flatnonzero((k > np.maximum(0.0, x + y - n)) & (k <= np.minimum(x, y)))
    k, x, y, n = k[open_], x[open_], y[open_], n[open_]
    a, b, c, d = k, x - k, y - k, (n - x) - (y - k)
    outer = cross_difference(a, b, c, d) >= 0.0
    found = np.empty(len(k))
    found[outer] = _outer_tail(a[outer], b[outer], c[outer], d[outer])
    inner = ~outer
    # P(C >= k) = 1 - P(C <= k - 1); with the columns exchanged the lower tail is an upper one.
    below = _outer_tail(b[inner] + 1.0, a[inner] - 1.0, d[inner] - 1.0, c[inner] + 1.0)
    found[inner] = np.log1p(-np.exp(below))
    tail[open_] = np.minimum(found, 0.0)
    return tail


def _flat(*values: ArrayLike) -> tuple[tuple[int, ...], list[FloatArray]]:
    together = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in values))
    return together[0].shape, [np.ravel(value) for value in together]


def log_upper_tail(n11: ArrayLike, n1_: ArrayLike, n_1: ArrayLike, n: ArrayLike) -> FloatArray:
    """Compute the natural logarithm of P(C >= n11): Fisher's one-sided test for "together more often".

    Parameters
    ----------
    n11 : array_like of whole numbers
        Who hold both.
    n1_, n_1 : array_like of whole numbers
        Who hold the one, and who hold the other.
    n : array_like of whole numbers
        All; at least `n1_` and `n_1`. The four are broadcast; counts above 2^53 lose digits.

    Returns
    -------
    ndarray
        In [-inf, 0]; -inf only where `n11` is more than `n1_` or `n_1`, and 0 where it cannot be fewer.

    Notes
    -----
    Relative error of the probability: about 1e-12, or 1e-15 times the logarithm where that is more (1e-10 at
    1e-100000, where the logarithm itself has no more digits). Cost per table: some 100 operations for a rule that
    stands out, some 10,000 for one near independence among very many customers; memory: blocks of 32,768 tables.
    """
    shape, (k, x, y, total) = _flat(n11, n1_, n_1, n)
    tail = np.empty(len(k))
    for start in range(0, len(k), _BLOCK):
        part = slice(start, start + _BLOCK)
        tail[part] = _upper_block(k[part], x[part], y[part], total[part])
    return tail.reshape(shape)


def log_lower_tail(n11: ArrayLike, n1_: ArrayLike, n_1: ArrayLike, n: ArrayLike) -> FloatArray:
    """Compute the natural logarithm of P(C <= n11): Fisher's one-sided test for "together less often".

    Parameters
    ----------
    n11, n1_, n_1, n : array_like of whole numbers
        As in :func:`log_upper_tail`.

    Returns
    -------
    ndarray
        In [-inf, 0]. C <= n11 says that at least n1_ - n11 hold the one without the other, an upper tail.
    """
    x, total = np.asarray(n1_, dtype=np.float64), np.asarray(n, dtype=np.float64)
    return log_upper_tail(
        x - np.asarray(n11, dtype=np.float64), x, total - np.asarray(n_1, dtype=np.float64), total
    )


def log_two_sided(n11: ArrayLike, n1_: ArrayLike, n_1: ArrayLike, n: ArrayLike) -> FloatArray:
    """Compute the natural logarithm of twice the smaller tail, at most 0.

    Other two-sided versions add up all tables that are no more probable than the one seen; doubling is never
    smaller than half of theirs, and it agrees with the confidence interval made of two one-sided ones
    (Yates 1984; Agresti 1992).

    Parameters
    ----------
    n11, n1_, n_1, n : array_like of whole numbers
        As in :func:`log_upper_tail`.

    Returns
    -------
    ndarray
        In [-inf, 0].
    """
    smaller = np.minimum(log_upper_tail(n11, n1_, n_1, n), log_lower_tail(n11, n1_, n_1, n))
    return np.minimum(0.0, smaller + math.log(2.0))


def upper_quantile(level: float, n1_: ArrayLike, n_1: ArrayLike, n: ArrayLike) -> IntArray:
    """Find the smallest count q with P(C <= q) >= level.

    Parameters
    ----------
    level : float
        In (0, 1), such as 0.99.
    n1_, n_1, n : array_like of whole numbers
        As in :func:`log_upper_tail`.

    Returns
    -------
    ndarray of int64
        The quantile. P(C > q) may exceed 1 - level by one part in 10^12, so that rounding decides no tie.

    Notes
    -----
    Starts from the expansion of Cornish and Fisher (1937) to the skewness and walks from there, one table a step;
    mostly one or two steps are needed.
    """
    shape, (x, y, total) = _flat(n1_, n_1, n)
    tail = 1.0 - level
    lowest, highest = np.maximum(0.0, x + y - total), np.minimum(x, y)
    whole = np.maximum(total, 1.0)
    mean = x * y / whole
    sd = np.sqrt(mean * ((total - x) / whole) * (total - y) / np.maximum(total - 1.0, 1.0))
    z = float(ndtri(level))
    # sd times the skewness, (N - 2x)(N - 2y) / (N (N - 2)), is at most about 1 in size.
    skewness = (1.0 - 2.0 * x / whole) * (1.0 - 2.0 * y / whole)
    q = np.clip(np.ceil(mean + z * sd + skewness * (z * z - 1.0) / 6.0 - 0.5), lowest, highest)
    above = np.exp(log_upper_tail(q + 1.0, x, y, total))
    limit = tail * (1.0 + _TIE)
    walking = np.flatnonzero(above > limit)
    while len(walking):
        q[walking] += 1.0
        above[walking] = np.exp(log_upper_tail(q[walking] + 1.0, x[walking], y[walking], total[walking]))
        walking = walking[above[walking] > limit]
    walking = np.flatnonzero(q > lowest)
    while len(walking):
        # P(C > q - 1); where it is still small enough, q - 1 is a better answer.
        above_less = np.exp(log_upper_tail(q[walking], x[walking], y[walking], total[walking]))
        walking = walking[above_less <= limit]
        q[walking] -= 1.0
        walking = walking[q[walking] > lowest[walking]]
    return q.astype(np.int64).reshape(shape)
