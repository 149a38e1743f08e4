"""The peers' median month: by hand, against plain Python, and its laws."""

from __future__ import annotations

import math
import statistics

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from custvalue._kernels.peer_factor import BLOCK, OFFSET, log_ratios, peer_factor, subtract_factor

LEVELS = hnp.arrays(np.float64, (9,), elements=st.floats(0.01, 1e6))
FACTORS = hnp.arrays(np.float64, (7,), elements=st.floats(0.1, 10.0))


def adjusted(amounts: np.ndarray, groups: np.ndarray) -> np.ndarray:
    ratio = log_ratios(amounts).ratio
    factor = peer_factor(ratio, (amounts > 0.0).T, groups, int(groups.max()) + 1)
    subtract_factor(ratio, factor.factor, groups)
    return ratio


def test_by_hand_ratios_stand_against_the_median_active_month() -> None:
    """Active months 1, 2, 4 have the median 2; the idle one is log 0.05."""
    found = log_ratios(np.array([[1.0, 0.0, 4.0, 2.0]]))
    assert found.usual.tolist() == [2.0]
    expected = [math.log(0.55), math.log(0.05), math.log(2.05), math.log(1.05)]
    np.testing.assert_allclose(found.ratio[:, 0], expected, rtol=1e-15)


def test_by_hand_an_even_number_of_active_months_has_the_mean_of_the_two_middle_ones() -> None:
    """2 and 3 are the middle ones of 1, 2, 3, 9."""
    assert log_ratios(np.array([[9.0, 1.0, 0.0, 3.0, 2.0]])).usual.tolist() == [2.5]


def test_nobody_active_has_no_usual_month_and_no_nan() -> None:
    found = log_ratios(np.zeros((1, 3)))
    assert found.usual.tolist() == [0.0]
    np.testing.assert_allclose(found.ratio, math.log(OFFSET))


def test_by_hand_the_factor_is_the_median_of_the_active() -> None:
    """Group 0 has 1, 2, 9 and an idle -5 in the one month; group 1 has 4 and 6; group 2 is empty."""
    ratio = np.array([[9.0, 4.0, 1.0, -5.0, 6.0, 2.0]])
    active = np.array([[True, True, True, False, True, True]])
    found = peer_factor(ratio, active, np.array([0, 1, 0, 0, 1, 0]), 3)
    assert found.factor.tolist() == [[2.0], [5.0], [math.log1p(OFFSET)]]
    assert found.active.tolist() == [[3], [2], [0]]


@given(
    hnp.arrays(np.float64, (5, 12), elements=st.floats(-5.0, 5.0)),
    hnp.arrays(np.bool_, (5, 12)),
    hnp.arrays(np.int32, (12,), elements=st.integers(0, 2)),
)
@settings(max_examples=40)
def test_every_factor_is_the_plain_median(ratio: np.ndarray, active: np.ndarray, groups: np.ndarray) -> None:
    found = peer_factor(ratio, active, groups, 3)
    for group in range(3):
        for month in range(5):
            known = [ratio[month, i] for i in range(12) if groups[i] == group and active[month, i]]
            assert found.active[group, month] == len(known)
            expected = statistics.median(known) if known else math.log1p(OFFSET)
            assert math.isclose(found.factor[group, month], expected, rel_tol=1e-12, abs_tol=1e-12)


@given(LEVELS, FACTORS)
@settings(max_examples=40)
def test_a_common_factor_goes_away_exactly(levels: np.ndarray, factors: np.ndarray) -> None:
    left = adjusted(levels[:, None] * factors, np.zeros(len(levels), dtype=np.int64))
    np.testing.assert_allclose(left, 0.0, atol=1e-12)


@given(hnp.arrays(np.float64, (9, 7), elements=st.just(0.0) | st.floats(0.01, 1e6)), st.permutations(range(9)))
@settings(max_examples=40)
def test_the_order_of_customers_does_not_matter(amounts: np.ndarray, order: list[int]) -> None:
    groups = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1])
    np.testing.assert_array_equal(adjusted(amounts[order], groups[order]), adjusted(amounts, groups)[:, order])


@given(hnp.arrays(np.float64, (9, 7), elements=st.just(0.0) | st.floats(0.01, 1e6)), st.floats(1e-3, 1e3))
@settings(max_examples=40)
def test_the_currency_does_not_matter(amounts: np.ndarray, rate: float) -> None:
    groups = np.zeros(9, dtype=np.int64)
    np.testing.assert_allclose(adjusted(rate * amounts, groups), adjusted(amounts, groups), atol=1e-12)


def test_less_than_half_of_a_group_does_not_move_an_exact_factor() -> None:
    amounts = np.outer(np.arange(1.0, 10.0), [1.0, 0.7, 1.2, 1.0, 0.9])
    changed = amounts.copy()
    changed[:4, -1] *= 0.01
    groups = np.zeros(9, dtype=np.int64)
    np.testing.assert_allclose(adjusted(changed, groups)[:, 4:], 0.0, atol=1e-12)


def test_blocks_do_not_show() -> None:
    amounts = np.random.default_rng(0).gamma(2.0, size=(BLOCK + 3, 4))
    found = log_ratios(amounts)
    apart = log_ratios(amounts[BLOCK - 1 :])
    np.testing.assert_array_equal(found.ratio[:, BLOCK - 1 :], apart.ratio)
    np.testing.assert_array_equal(found.usual[BLOCK - 1 :], apart.usual)
