"""Arithmetic of the 2x2 table that keeps its digits: exact cross differences, deviances, guarded quotients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from custvalue._typing import FloatArray

#: 2^27 + 1: Veltkamp's factor, which splits a float64 into two halves of 26 bits.
_SPLIT: Final = 134217729.0
#: The series of log(1 + v) - v is used up to this |v|; its last term is then below 1e-18.
_NEAR: Final = 0.5
#: 2/3, 2/5, 2/7, ...: coefficients of the series in ((v / (2 + v))^2).
_SERIES: Final = tuple(2.0 / (2 * k + 3) for k in range(18))


def exact_product(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Write a * b as the sum of two floats without any error (Dekker 1971).

    Parameters
    ----------
    a, b : ndarray of float
        Below 1e150, so that nothing overflows.

    Returns
    -------
    high, low : ndarray
        The rounded product and what rounding took away.
    """
    high = a * b
    scaled = _SPLIT * a
    a_high = scaled - (scaled - a)
    a_low = a - a_high
    scaled = _SPLIT * b
    b_high = scaled - (scaled - b)
    b_low = b - b_high
    low = ((a_high * b_high - high) + a_high * b_low + a_low * b_high) + a_low * b_low
    return high, low


def cross_difference(n11: FloatArray, n10: FloatArray, n01: FloatArray, n00: FloatArray) -> FloatArray:
    """Compute n11 n00 - n10 n01 to the last digit; it is N n11 - (n11 + n10)(n11 + n01) as well.

    The two products may agree in sixteen digits and differ in the seventeenth; plain floats would then give 0.

    Parameters
    ----------
    n11, n10, n01, n00 : ndarray of float
        The four counts, below 2^53 each.

    Returns
    -------
    ndarray
        The difference, with a relative error of about 1e-16; exactly 0 where the products are equal.
    """
    high, low = exact_product(n11, n00)
    other_high, other_low = exact_product(n10, n01)
    return (high - other_high) + (low - other_low)


def divide(numerator: ArrayLike, denominator: ArrayLike) -> FloatArray:
    """Divide without warnings: x / 0 is infinite with the sign of x, 0 / 0 is NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.divide(numerator, denominator, dtype=np.float64))


def log1p_minus(v: FloatArray) -> FloatArray:
    """Compute log(1 + v) - v for abs(v) <= 1/2 with a relative error of about 1e-16.

    With r = v / (2 + v), log(1 + v) = 2 artanh(r), and so the answer is r (2 r^2 / 3 + 2 r^4 / 5 + ...  - v).
    """
    r = v / (2.0 + v)
    y = r * r
    total = np.full_like(v, _SERIES[-1])
    for coefficient in _SERIES[-2::-1]:
        total *= y
        total += coefficient
    return r * (y * total - v)


def deviance_part(count: FloatArray, expected: FloatArray, excess: FloatArray) -> FloatArray:
    """Compute m log(m / e) - m + e, one cell's part of half the deviance (Loader 2000).

    Parameters
    ----------
    count : ndarray
        The counts m, not negative; 0 log 0 is 0.
    expected : ndarray
        The expected counts e, positive where m is.
    excess : ndarray
        m - e, computed by the caller without cancellation.

    Returns
    -------
    ndarray
        Not negative; 0 where m = e. The relative error stays near 1e-16 also where m and e agree in many digits.
    """
    near = np.abs(excess) <= _NEAR * count
    v = np.where(near, -excess / np.where(count > 0.0, count, 1.0), 0.0)
    part = -count * log1p_minus(v)
    far = ~near
    if far.any():
        m, e = count[far], expected[far]
        ratio = np.where(m > 0.0, m, 1.0) / np.where(m > 0.0, e, 1.0)
        part[far] = np.where(m > 0.0, m * np.log(ratio) - excess[far], e)
    return part


def half_deviance(
    counts: tuple[FloatArray, ...], margins: tuple[FloatArray, ...], total: FloatArray
) -> FloatArray:
    """Sum n log(n N / (row x column)) over the four cells: N times the mutual information in nats.

    Parameters
    ----------
    counts : tuple of four ndarrays
        n11, n10, n01, n00, not negative.
    margins : tuple of four ndarrays
        n1., n.1, n0., n.0.
    total : ndarray
        N; where it is 0 the sum is 0.

    Returns
    -------
    ndarray
        Not negative.
    """
    n11, n10, n01, n00 = counts
    x, y, not_x, not_y = margins
    safe = np.where(total > 0.0, total, 1.0)
    excess = cross_difference(n11, n10, n01, n00) / safe
    return np.asarray(
        deviance_part(n11, x * y / safe, excess)
        + deviance_part(n10, x * not_y / safe, -excess)
        + deviance_part(n01, not_x * y / safe, -excess)
        + deviance_part(n00, not_x * not_y / safe, excess)
    )
