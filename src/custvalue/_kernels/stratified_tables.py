"""Many 2x2 tables of one rule: the common odds ratio, a test across strata, and whether the strata agree.

A bundle may hold among all customers and in no segment (Simpson's paradox), so a rule is held against the strata.
Arrays are of shape (n_strata, n_rules). A stratum in which everybody or nobody holds the antecedent or the
consequent says nothing about the two together and contributes nothing, as does an empty one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy.special import gammaincc, gammaln, log_ndtr, ndtri

from custvalue._kernels.two_by_two import cross_difference, divide

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from custvalue._typing import BoolArray, FloatArray, IntArray

#: Below this the tail of chi-squared is a continued fraction: the incomplete gamma function nears its last digits.
_SMALL_TAIL: Final = 1e-250


class CommonOddsRatio(NamedTuple):
    """What the strata say together about each rule.

    Attributes
    ----------
    odds_ratio : ndarray of shape (n_rules,)
        Mantel and Haenszel's (1959) common odds ratio; NaN where no stratum tells anything.
    log_variance : ndarray
        Variance of its logarithm by Robins, Breslow and Greenland (1986); infinite or NaN where the ratio is 0,
        infinite or NaN.
    statistic : ndarray
        Cochran, Mantel and Haenszel's chi-squared statistic on one degree of freedom; 0 where no stratum tells
        anything.
    log_p : ndarray
        Natural logarithm of its p-value.
    n_strata : ndarray of int
        Strata that tell something.
    """

    odds_ratio: FloatArray
    log_variance: FloatArray
    statistic: FloatArray
    log_p: FloatArray
    n_strata: IntArray

    @property
    def p_value(self) -> FloatArray:
        """The p-value, 0 where it is below every float."""
        return np.asarray(np.exp(self.log_p))


class Heterogeneity(NamedTuple):
    """Whether the odds ratios of the strata differ by more than chance.

    Attributes
    ----------
    statistic : ndarray of shape (n_rules,)
        Breslow and Day's (1980) statistic; NaN where the common odds ratio is 0, infinite or NaN.
    freedom : ndarray of int
        Informative strata less one, at least 0.
    log_p : ndarray
        Natural logarithm of the p-value; 0 where there is no degree of freedom, NaN where the statistic is.
    """

    statistic: FloatArray
    freedom: IntArray
    log_p: FloatArray

    @property
    def p_value(self) -> FloatArray:
        """The p-value, 0 where it is below every float."""
        return np.asarray(np.exp(self.log_p))


class _Strata(NamedTuple):
    a: FloatArray
    b: FloatArray
    c: FloatArray
    d: FloatArray
    x: FloatArray
    y: FloatArray
    not_x: FloatArray
    not_y: FloatArray
    n: FloatArray  # 1 in an empty stratum
    tells: BoolArray


def _strata(n11: ArrayLike, n10: ArrayLike, n01: ArrayLike, n00: ArrayLike) -> _Strata:
    a, b, c, d = (np.asarray(count, dtype=np.float64) for count in (n11, n10, n01, n00))
    x, y, not_x, not_y = a + b, a + c, c + d, b + d
    least = np.minimum(np.minimum(x, y), np.minimum(not_x, not_y))
    return _Strata(a, b, c, d, x, y, not_x, not_y, np.maximum(x + not_x, 1.0), least > 0.0)


def log_chi_squared_tail(statistic: ArrayLike, freedom: ArrayLike) -> FloatArray:
    """Compute the natural logarithm of the upper tail of chi-squared; it does not underflow.

    Parameters
    ----------
    statistic : array_like
        Not negative; NaN stays NaN.
    freedom : array_like
        Degrees of freedom; 0 gives 0, which is p = 1.

    Returns
    -------
    ndarray
        At most 0. Below 1e-250 the incomplete gamma function is Legendre's continued fraction.
    """
    x, freedom = np.broadcast_arrays(
        0.5 * np.asarray(statistic, dtype=np.float64), np.asarray(freedom, dtype=np.float64)
    )
    shape = np.maximum(0.5 * freedom, 0.5)
    tail = gammaincc(shape, x)
    log_p = np.log(np.maximum(tail, 1e-300))
    log_p = np.where(freedom == 1.0, math.log(2.0) + log_ndtr(-np.sqrt(2.0 * x)), log_p)
    far = (tail < _SMALL_TAIL) & (freedom != 1.0)
    if far.any():
        s, t = shape[far], x[far]
        # Gamma(s, t) = t^s e^-t / (t + 1 - s - 1 (1 - s) / (t + 3 - s - 2 (2 - s) / (t + 5 - s - ...)))
        fraction = np.zeros_like(t)
        for k in range(60, 0, -1):
            fraction = k * (k - s) / (t + (2 * k + 1) - s - fraction)
        log_p[far] = s * np.log(t) - t - np.log(t + 1.0 - s - fraction) - gammaln(s)
    return np.asarray(np.where(freedom > 0.0, log_p, np.where(np.isnan(x), np.nan, 0.0)))


def mantel_haenszel(
    n11: ArrayLike, n10: ArrayLike, n01: ArrayLike, n00: ArrayLike, *, continuity: float = 0.0
) -> CommonOddsRatio:
    """Compute the common odds ratio of the strata and test it against 1.

    Parameters
    ----------
    n11, n10, n01, n00 : array_like of shape (n_strata, n_rules)
        Who hold both, the antecedent only, the consequent only, neither, in each stratum.
    continuity : float, default=0.0
        Taken from the distance of the observed from the expected count, which does not fall below 0; 0.5 is the
        correction of Mantel and Haenszel's paper.

    Returns
    -------
    CommonOddsRatio
        One value a rule. Cost: O(n_strata n_rules).

    Notes
    -----
    With R = a d / n and S = b c / n in a stratum, the common odds ratio is sum R / sum S. The statistic is
    (abs(sum (a - x y / n)) - continuity)^2 over the sum of the hypergeometric variances
    x y (n - x) (n - y) / (n^2 (n - 1)).
    """
    t = _strata(n11, n10, n01, n00)
    r, s = t.a * t.d / t.n, t.b * t.c / t.n
    sum_r, sum_s = r.sum(axis=0), s.sum(axis=0)
    p, q = (t.a + t.d) / t.n, (t.b + t.c) / t.n
    log_variance = 0.5 * (
        divide((p * r).sum(axis=0), sum_r * sum_r)
        + divide((p * s + q * r).sum(axis=0), sum_r * sum_s)
        + divide((q * s).sum(axis=0), sum_s * sum_s)
    )
    distance = np.abs((cross_difference(t.a, t.b, t.c, t.d) / t.n).sum(axis=0))
    spread = (t.x / t.n) * (t.y / t.n) * t.not_x * (t.not_y / np.maximum(t.n - 1.0, 1.0))
    moved = np.maximum(distance - continuity, 0.0)
    variance = spread.sum(axis=0)
    statistic = moved * moved / np.where(variance > 0.0, variance, 1.0)
    return CommonOddsRatio(
        odds_ratio=divide(sum_r, sum_s),
        log_variance=log_variance,
        statistic=statistic,
        log_p=log_chi_squared_tail(statistic, 1.0),
        n_strata=np.asarray(t.tells.sum(axis=0), dtype=np.int64),
    )


def odds_ratio_bounds(common: CommonOddsRatio, confidence: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Give the interval of the common odds ratio, exp(log ratio -+ z sqrt(variance)).

    Parameters
    ----------
    common : CommonOddsRatio
        What :func:`mantel_haenszel` found.
    confidence : float, default=0.95
        Level of the two-sided interval, in (0, 1).

    Returns
    -------
    low, high : ndarray of shape (n_rules,)
        0 and infinity where the ratio is 0, infinite or NaN: such strata bound nothing by this method.
    """
    z = float(ndtri(0.5 + 0.5 * confidence))
    known = np.isfinite(common.odds_ratio) & (common.odds_ratio > 0.0)
    log_ratio = np.log(np.where(known, common.odds_ratio, 1.0))
    half = z * np.sqrt(np.where(known, common.log_variance, 0.0))
    return np.where(known, np.exp(log_ratio - half), 0.0), np.where(known, np.exp(log_ratio + half), np.inf)


def _expected(x: FloatArray, y: FloatArray, n: FloatArray, ratio: FloatArray) -> FloatArray:
    """Find the count with margins x and y of n whose odds ratio is `ratio`; one root of its equation is such."""
    more = ratio - 1.0
    middle = n + more * (x + y)
    root = np.sqrt(np.maximum(middle * middle - 4.0 * ratio * more * x * y, 0.0))
    # Of the two ways to write the root, the one that adds numbers of one sign.
    upright = middle >= 0.0
    below = np.where(upright, middle + root, 1.0)
    return np.where(
        upright,
        2.0 * ratio * x * y / np.where(below > 0.0, below, 1.0),
        (middle - root) / np.where(upright, 1.0, 2.0 * more),
    )


def breslow_day(
    n11: ArrayLike,
    n10: ArrayLike,
    n01: ArrayLike,
    n00: ArrayLike,
    odds_ratio: FloatArray | None = None,
    *,
    tarone: bool = True,
) -> Heterogeneity:
    """Test whether the strata have one odds ratio.

    Parameters
    ----------
    n11, n10, n01, n00 : array_like of shape (n_strata, n_rules)
        As in :func:`mantel_haenszel`.
    odds_ratio : ndarray of shape (n_rules,) or None
        The common odds ratio under test; Mantel and Haenszel's if None.
    tarone : bool, default=True
        Whether Tarone's (1985) term is taken off, which makes the statistic chi-squared with an estimate that is
        not the most likely one.

    Returns
    -------
    Heterogeneity
        One value a rule. Cost: O(n_strata n_rules).

    Notes
    -----
    In each stratum A is the count with the stratum's margins and the common odds ratio, B, C, D the other three,
    and V = 1 / (1/A + 1/B + 1/C + 1/D); the statistic is the sum of (a - A)^2 / V, and Tarone's term the square of
    the sum of a - A over the sum of V.
    """
    t = _strata(n11, n10, n01, n00)
    if odds_ratio is None:
        odds_ratio = mantel_haenszel(n11, n10, n01, n00).odds_ratio
    known = np.isfinite(odds_ratio) & (odds_ratio > 0.0)
    ratio = np.where(known, odds_ratio, 1.0)[None, :]
    inverse = 1.0 / ratio
    cells = (
        _expected(t.x, t.y, t.n, ratio),
        _expected(t.x, t.not_y, t.n, inverse),
        _expected(t.not_x, t.y, t.n, inverse),
        _expected(t.not_x, t.not_y, t.n, ratio),
    )
    precision = sum(1.0 / np.where(t.tells, cell, 1.0) for cell in cells)
    gap = np.where(t.tells, t.a - cells[0], 0.0)
    statistic = (gap * gap * precision).sum(axis=0)
    if tarone:
        variance = np.where(t.tells, 1.0 / precision, 0.0).sum(axis=0)
        total = gap.sum(axis=0)
        statistic = np.maximum(statistic - total * total / np.where(variance > 0.0, variance, 1.0), 0.0)
    statistic = np.where(known, statistic, np.nan)
    freedom = np.maximum(t.tells.sum(axis=0) - 1, 0)
    return Heterogeneity(
        statistic=statistic,
        freedom=np.asarray(freedom, dtype=np.int64),
        log_p=log_chi_squared_tail(statistic, freedom),
    )
