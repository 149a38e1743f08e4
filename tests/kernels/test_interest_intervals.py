"""The interval of lift: a second route, and what is at the ends."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from custvalue._kernels.interest import MEASURES
from custvalue._kernels.interest_intervals import lift_interval

POSITIVE = st.tuples(*[st.integers(1, 500)] * 4)


@settings(max_examples=60)
@given(POSITIVE, st.floats(0.5, 0.999))
def test_lift_by_numeric_derivatives(cells: tuple[int, int, int, int], confidence: float) -> None:
    """Var log lift = g' S g with the multinomial covariances S of the counts and the gradient g by differences."""
    counts = np.array(cells, dtype=float)
    n = counts.sum()

    def log_lift(at: np.ndarray) -> float:
        return math.log(at[0] * at.sum() / ((at[0] + at[1]) * (at[0] + at[2])))

    steps = np.diag(counts * 1e-5)
    gradient = np.array([(log_lift(counts + h) - log_lift(counts - h)) / (2 * h.sum()) for h in steps])
    spread = np.diag(counts) - np.outer(counts, counts) / n
    half = math.sqrt(max(gradient @ spread @ gradient, 0.0))
    low, high = lift_interval(*cells, confidence)
    z = math.log(float(high) / float(low)) / 2
    assert z == pytest.approx(norm.ppf(0.5 + confidence / 2) * half, rel=1e-5, abs=1e-7)


@settings(max_examples=80)
@given(st.tuples(*[st.integers(0, 60)] * 4), st.floats(0.5, 0.999))
def test_an_interval_holds_its_estimate(cells: tuple[int, int, int, int], confidence: float) -> None:
    estimate = float(MEASURES["lift"].function(*cells))
    low, high = (float(end) for end in lift_interval(*cells, confidence))
    assert 0.0 <= low <= high
    if math.isnan(estimate):
        assert (low, high) == (0.0, math.inf)
    else:
        assert low <= estimate * (1 + 1e-12)
        assert estimate <= high * (1 + 1e-12)


def test_by_hand_ends_of_what_is_known() -> None:
    """Everybody holds both: lift is 1 and cannot move. Nobody holds both: from 0 to the end with 1/2 added."""
    assert [float(end) for end in lift_interval(50, 0, 0, 0)] == [1.0, 1.0]
    low, high = lift_interval(0, 10, 20, 70)
    lift = 0.5 * 102 / (11 * 21)
    variance = 1 / 0.5 - 1 / 11 - 1 / 21 + (2 * lift - 1) / 102
    assert float(low) == 0.0
    assert float(high) == pytest.approx(lift * math.exp(1.959963985 * math.sqrt(variance)), rel=1e-9)


def test_more_customers_narrow_and_shapes_stay() -> None:
    scale = np.array([[1, 10], [100, 1000]])
    low, high = lift_interval(30 * scale, 20 * scale, 40 * scale, 910 * scale)
    assert low.shape == high.shape == (2, 2)
    width = np.log(high / low).ravel()
    np.testing.assert_allclose(width[1:] / width[:-1], math.sqrt(0.1), rtol=1e-12)
