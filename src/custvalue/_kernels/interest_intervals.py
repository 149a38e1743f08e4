"""The confidence interval of lift on the logarithmic scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from custvalue._kernels.interest_table import CountTable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from custvalue._typing import FloatArray


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
    half = z * np.sqrt(np.maximum(variance, 0.0))
    low = np.where(never, 0.0, np.exp(np.log(lift) - half))
    high = np.where(np.minimum(whole.x, whole.y) <= 0.0, np.inf, np.exp(np.log(lift) + half))
    return low.reshape(whole.shape), high.reshape(whole.shape)
