"""Scaling kernels: bounds, min-max and midranks by hand and by a second route."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue._kernels import scaling

VALUES = st.lists(st.sampled_from([-2.0, 0.0, 0.5, 1.0, 3.0]) | st.floats(-1e6, 1e6), min_size=1, max_size=30)


def type_7(values: list[float], share: float) -> float:
    """Second route: Hyndman and Fan (1996), type 7: h = (n - 1) q, linear between the neighbours, in fractions."""
    ordered = [Fraction(value) for value in sorted(values)]
    place = (len(ordered) - 1) * Fraction(share)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return float(ordered[low] + (place - low) * (ordered[high] - ordered[low]))


def share_below(value: float, known: list[float]) -> float:
    """Second route: count one for each lower value, a half for each equal one."""
    counted = sum(Fraction(other < value) + Fraction(other == value) / 2 for other in known)
    return float(counted / len(known))


def test_bounds_by_hand() -> None:
    """Values 0, 1, ..., 100: the type-7 quantile of q is 100 q."""
    values = np.arange(101.0)[::-1]
    assert scaling.bounds(values, 0.01, 0.99) == (1.0, 99.0)
    assert scaling.bounds(values, 0.0, 1.0) == (0.0, 100.0)
    assert scaling.bounds(np.array([1.0, 2.0]), 0.25, 0.5) == (1.25, 1.5)


@given(VALUES, st.floats(0.0, 0.45), st.floats(0.55, 1.0))
@settings(deadline=None)
def test_bounds_are_the_quantiles_by_definition(values: list[float], lower: float, upper: float) -> None:
    low, high = type_7(values, lower), type_7(values, upper)
    got = scaling.bounds(np.array(values), lower, upper)
    room = 1e-9 * max(1.0, *map(abs, values))
    if abs(high - low) > room:
        assert got == pytest.approx((low, high), abs=room)
    assert min(values) <= got[0] <= got[1] <= max(values)


def test_bounds_widen_where_the_quantiles_coincide() -> None:
    values = np.array([0.0] * 200 + [7.0])
    assert scaling.bounds(values, 0.01, 0.99) == (0.0, 7.0)
    assert scaling.bounds(np.full(5, 2.0), 0.01, 0.99) == (2.0, 2.0)


def test_min_max_by_hand() -> None:
    values = np.array([-1.0, 2.0, 3.0, 4.0, 6.0, 7.0, np.nan])
    got = scaling.min_max(values, 2.0, 6.0)
    np.testing.assert_array_equal(got, [0.0, 0.0, 0.25, 0.5, 1.0, 1.0, np.nan])


@given(VALUES, st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
@settings(deadline=None)
def test_min_max_is_monotone_between_zero_and_one(values: list[float], low: float, width: float) -> None:
    ordered = np.sort(values)
    got = scaling.min_max(ordered, low, low + width)
    assert (np.diff(got) >= 0.0).all()
    assert got.min() >= 0.0
    assert got.max() <= 1.0
    np.testing.assert_array_equal(scaling.min_max(np.array([low, low + width]), low, low + width), [0.0, 1.0])


def test_midrank_share_by_hand() -> None:
    """Among 1, 2, 2, 5: 2 has one below and two equal, (1 + 1) / 4; 3 has three below; 0 none; 9 all."""
    ordered = np.array([1.0, 2.0, 2.0, 5.0])
    got = scaling.midrank_share(np.array([0.0, 1.0, 2.0, 3.0, 5.0, 9.0, np.nan]), ordered)
    np.testing.assert_array_equal(got, [0.0, 0.125, 0.5, 0.75, 0.875, 1.0, np.nan])


@given(VALUES, VALUES)
@settings(deadline=None)
def test_midrank_share_is_a_count(values: list[float], known: list[float]) -> None:
    got = scaling.midrank_share(np.array(values), np.sort(known))
    np.testing.assert_allclose(got, [share_below(value, known) for value in values], rtol=1e-15)


@given(VALUES)
@settings(deadline=None)
def test_midranks_of_the_training_values_average_to_a_half(values: list[float]) -> None:
    assert scaling.midrank_share(np.array(values), np.sort(values)).mean() == pytest.approx(0.5, abs=1e-12)


def test_a_tiny_range_does_not_overflow() -> None:
    """Values are clipped before they are divided, so the quotient stays in [0, 1]."""
    np.testing.assert_array_equal(scaling.min_max(np.array([-1e10, 1e10]), 0.0, 5e-324), [0.0, 1.0])
