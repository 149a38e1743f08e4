"""Binomial tails against exact fractions, also far below the smallest double."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from custvalue._kernels.binomial_tails import log_lower_tail, log_upper_tail


def exact(x: int, m: int, q: Fraction) -> Fraction:
    """Add the terms from x on."""
    terms = (math.comb(m, k) * q**k * (1 - q) ** (m - k) for k in range(max(x, 0), m + 1))
    return sum(terms, start=Fraction(0))


def log_of(number: Fraction) -> float:
    """Take the log of a fraction that may be too small for a double."""
    shift = number.denominator.bit_length() - number.numerator.bit_length()
    return math.log(number * 2**shift) - shift * math.log(2)


@pytest.mark.parametrize(
    ("x", "m", "q"),
    [
        (1, 10, "1/10"),
        (7, 10, "1/2"),
        (10, 10, "3/10"),
        (60, 400, "1/20"),
        (390, 400, "1/100"),
        (900, 1000, "1/50"),
    ],
)
def test_upper_tail_against_fractions(x: int, m: int, q: str) -> None:
    """The last two lie at e-1600 and e-3200, where doubles have no number left."""
    share = Fraction(q)
    got = log_upper_tail(np.array([float(x)]), np.array([float(m)]), np.array([float(share)]))[0]
    assert got == pytest.approx(log_of(exact(x, m, share)), rel=1e-11)
    other = log_lower_tail(np.array([float(m - x)]), np.array([float(m)]), np.array([1.0 - float(share)]))[0]
    assert other == pytest.approx(got, rel=1e-9)


def test_ends() -> None:
    x, m, q = np.array([0.0, 3.0, 4.0, 1.0, 2.0]), np.array([3.0, 3, 3, 3, 3]), np.array([0.2, 1.0, 0.5, 0.0, 1.0])
    np.testing.assert_array_equal(log_upper_tail(x, m, q), [0.0, 0.0, -np.inf, -np.inf, 0.0])
    np.testing.assert_array_equal(log_lower_tail(np.array([3.0]), np.array([3.0]), np.array([0.4])), [0.0])


def test_a_hundred_million_trials() -> None:
    """Near the mean the tail is one half; the normal law agrees to its own order, 1/sqrt(n)."""
    got = log_upper_tail(np.array([5e7]), np.array([1e8]), np.array([0.5]))[0]
    assert math.exp(got) == pytest.approx(0.5, abs=1e-4)
