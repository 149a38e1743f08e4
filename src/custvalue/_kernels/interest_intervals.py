"""Confidence intervals of lift and of the odds ratio on the logarithmic scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from custvalue._kernels.interest_table import CountTable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from custvalue._typing import FloatArray


def _interval(
    log_estimate: FloatArray, variance: FloatArray, z: float, table: CountTable
) -> tuple[FloatArray, FloatArray]:
    half = z * np.sqrt(np.maximum(variance, 0.0))
    low, high = np.exp(log_estimate - half), np.exp(log_estimate + half)
    return low.reshape(table.shape), high.reshape(table.shape)


def lift_interval(
    n11: ArrayLike, n10: ArrayLike, n01: ArrayLike, n00: ArrayLike, confidence: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Give the interval of lift by the delta method for its logarithm.

    Parameters
    ----------
    n11, n10, n01, n00 : array_like
        The four counts, of shapes that fit each other.
    confidence : float, default=0.95
        Level of the two-sided interval, in (0, 1).

    Returns
    -------
    low, high : ndarray
        Ends of the interval; it holds the lift. 0 and infinity where nobody holds the antecedent or nobody holds
        the consequent.

    Notes
    -----
    With four counts out of N (multinomial), log lift = log n11 + log N - log x - log y has the variance
    1/n11 - 1/x - 1/y + (2 lift - 1)/N by the delta method (derived by us; the method is in Agresti 2002, section
    14.1). The margins count as estimated too. Where n11 = 0 the low end is 0 and the high end that of the table
    with 1/2 added to each count.
    """
    whole = CountTable(n11, n10, n01, n00)
    z = float(ndtri(0.5 + 0.5 * confidence))
    never = whole.n11 <= 0.0
    extra = np.where(never, 0.5, 0.0)
    t = CountTable(whole.n11 + extra, whole.n10 + extra, whole.n01 + extra, whole.n00 + extra)
    lift = t.n * t.n11 / (t.x * t.y)
    variance = 1.0 / t.n11 - 1.0 / t.x - 1.0 / t.y + (2.0 * lift - 1.0) / t.n
    low, high = _interval(np.log(lift), variance, z, whole)
    unknown = np.minimum(whole.x, whole.y) <= 0.0
    low = np.where(never.reshape(whole.shape), 0.0, low)
    return low, np.where(unknown.reshape(whole.shape), np.inf, high)


def odds_ratio_interval(
    n11: ArrayLike, n10: ArrayLike, n01: ArrayLike, n00: ArrayLike, confidence: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Give the interval of the odds ratio by Woolf's (1955) method.

    Parameters
    ----------
    n11, n10, n01, n00 : array_like
        The four counts, of shapes that fit each other.
    confidence : float, default=0.95
        Level of the two-sided interval, in (0, 1).

    Returns
    -------
    low, high : ndarray
        Ends of the interval; it holds the odds ratio. 0 and infinity where a margin is empty.

    Notes
    -----
    The logarithm of the odds ratio has the variance 1/n11 + 1/n10 + 1/n01 + 1/n00. Where a count is 0, 1/2 is
    added to all four (Haldane 1956; Anscombe 1956), and the low end is 0 where the odds ratio is, the high end
    infinite where the odds ratio is.
    """
    whole = CountTable(n11, n10, n01, n00)
    z = float(ndtri(0.5 + 0.5 * confidence))
    least = np.minimum(np.minimum(whole.n11, whole.n10), np.minimum(whole.n01, whole.n00))
    extra = np.where(least <= 0.0, 0.5, 0.0)
    t = CountTable(whole.n11 + extra, whole.n10 + extra, whole.n01 + extra, whole.n00 + extra)
    log_ratio = np.log(t.n11 * t.n00) - np.log(t.n10 * t.n01)
    variance = 1.0 / t.n11 + 1.0 / t.n10 + 1.0 / t.n01 + 1.0 / t.n00
    low, high = _interval(log_ratio, variance, z, whole)
    none = (np.minimum(whole.n11, whole.n00) <= 0.0).reshape(whole.shape)
    always = (np.minimum(whole.n10, whole.n01) <= 0.0).reshape(whole.shape)
    return np.where(none, 0.0, low), np.where(always, np.inf, high)
