"""The arithmetic of the 2x2 table, against whole numbers of any size and decimal numbers of fifty digits."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue._kernels.two_by_two import (
    cross_difference,
    deviance_part,
    divide,
    exact_product,
    half_deviance,
    log1p_minus,
)

COUNTS = st.integers(0, 10**10)


@given(COUNTS, COUNTS)
def test_a_product_of_two_counts_loses_nothing(a: int, b: int) -> None:
    high, low = exact_product(np.array([float(a)]), np.array([float(b)]))
    assert int(high[0]) + int(low[0]) == a * b


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_the_cross_difference_agrees_with_whole_numbers(a: int, b: int, c: int, d: int) -> None:
    found = cross_difference(*(np.array([float(count)]) for count in (a, b, c, d)))[0]
    assert found == pytest.approx(a * d - b * c, rel=4e-16, abs=0.0)


def test_by_hand_the_cross_difference_of_neighbours_is_one() -> None:
    """k^2 - (k - 1)(k + 1) = 1, where the products agree in twenty digits."""
    k = 10.0**10
    found = cross_difference(*(np.array([count]) for count in (k, k - 1.0, k + 1.0, k)))
    assert found[0] == 1.0


def test_quotients_by_zero() -> None:
    np.testing.assert_array_equal(
        divide([1.0, -1.0, 0.0, 3.0], [0.0, 0.0, 0.0, 2.0]), [np.inf, -np.inf, np.nan, 1.5]
    )


@settings(max_examples=60)
@given(st.floats(-0.5, 0.5).filter(lambda v: v == 0.0 or abs(v) > 1e-150))
def test_log_less_its_argument_agrees_with_fifty_digits(v: float) -> None:
    with localcontext() as context:
        context.prec = 400  # v^2 / 2 is far below v
        expected = float((1 + Decimal(v)).ln() - Decimal(v)) if v else 0.0
    assert log1p_minus(np.array([v]))[0] == pytest.approx(expected, rel=1e-15, abs=0.0)


@settings(max_examples=60)
@given(st.integers(0, 10**8), st.integers(1, 10**8))
def test_a_part_of_the_deviance_agrees_with_fifty_digits(count: int, expected: int) -> None:
    with localcontext() as context:
        context.prec = 60
        m, e = Decimal(count), Decimal(expected)
        exact = float((m * (m / e).ln() if count else Decimal(0)) - m + e)
    found = deviance_part(
        np.array([float(count)]), np.array([float(expected)]), np.array([float(count - expected)])
    )
    assert found[0] == pytest.approx(exact, rel=3e-15, abs=0.0)
    assert found[0] >= 0.0


def test_by_hand_half_the_deviance_of_perfect_agreement() -> None:
    """Half of 1,000 hold both and half neither: N log 2; independence gives exactly 0; nobody at all gives 0."""
    counts = tuple(
        np.array(count) for count in ([500.0, 30.0, 0.0], [0.0, 70.0, 0.0], [0.0, 30.0, 0.0], [500.0, 70.0, 0.0])
    )
    n11, n10, n01, n00 = counts
    margins = (n11 + n10, n11 + n01, n01 + n00, n10 + n00)
    found = half_deviance(counts, margins, n11 + n10 + n01 + n00)
    np.testing.assert_allclose(found, [1000.0 * np.log(2.0), 0.0, 0.0], rtol=1e-15)
