"""Logs of binomial tails, so that they neither underflow nor lose digits far out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import betainc, betaln

if TYPE_CHECKING:
    from custvalue._typing import FloatArray

#: Below this the incomplete beta function of the library is near its own underflow.
_SMALL: Final = 1e-200
_TINY: Final = 1e-300
_STEPS: Final = 500
_NEAR: Final = 1e-15


def log_upper_tail(count: FloatArray, trials: FloatArray, chance: FloatArray) -> FloatArray:
    r"""Give the natural log of the chance of at least so many successes.

    Parameters
    ----------
    count, trials, chance : ndarray
        Successes, trials (whole numbers as floats) and the chance of each, in [0, 1]; of shapes that fit.

    Returns
    -------
    ndarray
        :math:`\log P(X \ge x) = \log I_q(x, m - x + 1)`; 0 where x is 0 or less, -inf where it cannot be.

    Notes
    -----
    The regularised incomplete beta function; where it is below 1e-200, its continued fraction (DLMF 8.17.22) by
    Lentz's method, whose logarithm is taken factor by factor.
    """
    x, m, q = (np.array(one, dtype=np.float64) for one in np.broadcast_arrays(count, trials, chance))
    out = np.full(x.shape, -np.inf)
    out[x <= 0.0] = 0.0
    sure = (x > 0.0) & (x <= m) & (q >= 1.0)
    out[sure] = 0.0
    inside = (x > 0.0) & (x <= m) & (q > 0.0) & (q < 1.0)
    a, b, z = x[inside], m[inside] - x[inside] + 1.0, q[inside]
    tail = betainc(a, b, z)
    far = tail < _SMALL
    found = np.log(np.where(far, 1.0, tail))
    found[far] = _log_fraction(a[far], b[far], z[far])
    out[inside] = np.minimum(found, 0.0)
    return out


def log_lower_tail(count: FloatArray, trials: FloatArray, chance: FloatArray) -> FloatArray:
    """Give the natural log of the chance of at most so many successes; as `log_upper_tail` of the failures."""
    return log_upper_tail(np.asarray(trials) - count, trials, 1.0 - np.asarray(chance))


def _log_fraction(a: FloatArray, b: FloatArray, z: FloatArray) -> FloatArray:
    """Give the log of the incomplete beta function left of its mean by its continued fraction."""
    front = a * np.log(z) + b * np.log1p(-z) - np.log(a) - betaln(a, b)
    c, d = np.ones_like(a), 1.0 - (a + b) * z / (a + 1.0)
    d = 1.0 / np.where(np.abs(d) < _TINY, _TINY, d)
    value = d.copy()
    for k in range(1, _STEPS):
        for top in (
            k * (b - k) * z / ((a + 2.0 * k - 1.0) * (a + 2.0 * k)),
            -(a + k) * (a + b + k) * z / ((a + 2.0 * k) * (a + 2.0 * k + 1.0)),
        ):
            d, c = 1.0 + top * d, 1.0 + top / c
            d = 1.0 / np.where(np.abs(d) < _TINY, _TINY, d)
            c = np.where(np.abs(c) < _TINY, _TINY, c)
            value *= c * d
        if np.all(np.abs(c * d - 1.0) < _NEAR):
            break
    return np.asarray(front + np.log(value))
