"""Statistic, scale, strata and null: by hand, against plain Python, and their laws."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from custvalue._kernels.placebo_null import (
    BLOCK,
    Null,
    Window,
    chance_weights,
    exchange_steps,
    joined_classes,
    placebo_p,
    placebo_windows,
    shrunken_scale,
    strata,
    window_statistics,
)

if TYPE_CHECKING:
    import random


@pytest.mark.parametrize("length", range(13))
def test_batcher1968_exchange_steps_sort_every_column_of_zeros_and_ones(length: int) -> None:
    """A network that sorts all zeros and ones sorts everything (Knuth 1998, section 5.3.4, theorem Z)."""
    rows = (np.arange(1 << length) >> np.arange(length)[:, None]) & 1
    expected = np.sort(rows, axis=0)
    for i, j in exchange_steps(length):
        assert i < j < length
        rows[[i, j]] = np.minimum(rows[i], rows[j]), np.maximum(rows[i], rows[j])
    np.testing.assert_array_equal(rows, expected)


def test_knuth1998_sixteen_rows_take_sixty_three_exchanges() -> None:
    """Batcher's method takes (p^2 - p + 4) 2^(p-2) - 1 exchanges of 2^p numbers: 63 of 16 (Knuth 1998, 5.2.2)."""
    assert len(exchange_steps(16)) == 63


def test_by_hand_windows_end_recent_months_apart() -> None:
    """Nine months, two recent and four before: ends 9 and 7; an end at 5 leaves no baseline."""
    found = placebo_windows(9, 2, 4, np.zeros(9, dtype=np.bool_))
    assert [(w.recent.tolist(), w.baseline.tolist()) for w in found] == [
        ([7, 8], [3, 4, 5, 6]),
        ([5, 6], [1, 2, 3, 4]),
    ]


def test_by_hand_shock_months_leave_baselines_and_earlier_windows() -> None:
    """Months 5 and 10 are closed: of the earlier windows only the one of months 6 and 7 remains."""
    closed = np.isin(np.arange(12), [5, 10])
    found = placebo_windows(12, 2, 4, closed)
    assert [(w.recent.tolist(), w.baseline.tolist()) for w in found] == [
        ([10, 11], [6, 7, 8, 9]),
        ([8, 9], [4, 6, 7]),
        ([6, 7], [2, 3, 4]),
    ]


def test_by_hand_one_customer() -> None:
    """Baseline 1, 2, 4 and an idle month; recent -1 and 3: median 2, changes 1 and -3, spread of 1, 2, 4."""
    adjusted = np.array([[1.0], [-9.0], [4.0], [2.0], [-1.0], [3.0]])
    active = adjusted != -9.0
    found = window_statistics(adjusted, active, Window(np.array([4, 5]), np.arange(4)))
    assert (found.level[0], found.low[0], found.high[0]) == (2.0, 1.0, -3.0)
    assert math.isclose(found.spread[0], math.sqrt(7.0 / 3.0))
    assert (found.idle_baseline[0], found.idle_recent[0]) == (1, 0)


@given(
    hnp.arrays(np.float64, (9, 6), elements=st.floats(-5.0, 5.0)),
    hnp.arrays(np.bool_, (9, 6)),
)
@settings(max_examples=40)
def test_statistics_are_those_of_plain_python(adjusted: np.ndarray, active: np.ndarray) -> None:
    window = Window(np.array([7, 8]), np.array([0, 1, 2, 4, 5, 6]))
    found = window_statistics(adjusted.copy(), active, window)
    for i in range(6):
        known = [adjusted[t, i] for t in window.baseline if active[t, i]]
        assert found.idle_baseline[i] == 6 - len(known)
        assert found.idle_recent[i] == 2 - sum(active[t, i] for t in window.recent)
        if not known:
            assert np.isnan([found.level[i], found.low[i], found.high[i], found.spread[i]]).all()
            continue
        level = statistics.median(known)
        recent = [adjusted[t, i] for t in window.recent]
        np.testing.assert_allclose(
            [found.level[i], found.low[i], found.high[i]],
            [level, max(recent) - level, min(recent) - level],
            atol=2e-9,  # changes below a billionth are rounding
        )
        spread = statistics.stdev(known) if len(known) > 1 else math.nan
        np.testing.assert_allclose(found.spread[i], spread, rtol=1e-9, atol=1e-12)


def test_blocks_do_not_show() -> None:
    adjusted = np.random.default_rng(0).normal(size=(8, BLOCK + 2))
    active = np.ones(adjusted.shape, dtype=np.bool_)
    window = Window(np.array([6, 7]), np.arange(6))
    whole = window_statistics(adjusted, active, window)
    end = window_statistics(adjusted[:, BLOCK - 1 :], active[:, BLOCK - 1 :], window)
    for one, other in zip(whole, end, strict=True):
        np.testing.assert_array_equal(one[BLOCK - 1 :], other)


def test_by_hand_the_scale_is_a_weighted_mean_of_squares() -> None:
    """(4 * 1 + 4 * 4) / 8 = 2.5 with n0 = 4, g = 1, s = 2 over five months (Smyth 2004); 0.5 is the floor."""
    one, months = np.array([1.0]), np.array([5])
    assert shrunken_scale(np.array([2.0]), months, one, 4.0, 1e-3)[0] == math.sqrt(2.5)
    assert shrunken_scale(np.array([0.0]), months, 0.0 * one, 4.0, 0.5)[0] == 0.5


def test_by_hand_classes_are_joined_until_they_hold_enough() -> None:
    """With five needed: 6 | 2 + 4 | 1 + 9 | and what is left, 0 + 3, joins the last."""
    assert joined_classes(np.array([6, 2, 4, 1, 9, 0, 3]), 5).tolist() == [0, 1, 1, 2, 2, 2, 2]
    assert joined_classes(np.array([1, 1, 1]), 5).tolist() == [0, 0, 0]


def test_by_hand_lasting_changes_weigh_what_their_mirror_images_say() -> None:
    """Level 0, scale 1, one month tested; the month after and the last one are the same.

    Lasting falls of 9, 12, 15, 15 and a lasting gain of 10; the others lie within 1. The median is 0 and the MAD 1
    for falls (-10, -1, -1, 0, 0, 0, 0, 0, 1, 1, 9, 12, 15, 15) and for gains, so both limits are 4.4. No gain
    mirrors the two of 15, which weigh 1 together, and with them 12 and more weigh 1 already; 9 and more are
    mirrored by one gain and weigh 2.
    """
    after = np.array([10.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0, -1.0, -9.0, -12.0, -15.0, -15.0])
    adjusted = np.vstack([np.zeros(14), np.full(14, 99.0), after, after])
    window, no, yes = Window(np.array([1]), np.array([0])), np.zeros(14), np.ones(14)
    spent = np.ones(adjusted.shape, dtype=np.bool_)
    everybody = np.ones(14, dtype=np.bool_)
    falls, gains = chance_weights(adjusted, spent, window, no, yes, everybody)
    np.testing.assert_array_equal(falls, [1.0] * 10 + [1.0, 0.0, 0.5, 0.5])
    np.testing.assert_array_equal(gains, 1.0)
    falls, gains = chance_weights(-adjusted, spent, window, no, yes, everybody)
    np.testing.assert_array_equal(gains, [1.0] * 10 + [1.0, 0.0, 0.5, 0.5])
    np.testing.assert_array_equal(falls, 1.0)
    # With scale 2 the falls of 15 are of 7.5: now 12 weighs 1 and 9 weighs 1; one gain mirrors 7.5 too.
    halved, _ = chance_weights(adjusted, spent, window, no, np.where(after == -15.0, 2.0, 1.0), everybody)
    np.testing.assert_array_equal(halved, [1.0] * 10 + [1.0, 1.0, 0.0, 0.0])
    # Who stops for good has fallen most, at any scale: the two of 15 are mirrored by nobody and weigh less.
    spent[2:, -4] = False
    stopped, _ = chance_weights(adjusted, spent, window, no, yes, everybody)
    np.testing.assert_array_equal(stopped, [1.0] * 10 + [1.0, 0.0, 0.0, 0.0])
    for weights in chance_weights(adjusted, spent, window, no, yes, ~everybody):
        np.testing.assert_array_equal(weights, 1.0)


def test_by_hand_what_ended_did_not_last() -> None:
    """Three tenths fall by 9 after the window; who is back in the last month weighs 1, the other three as one."""
    adjusted = np.tile(np.linspace(-1.0, 1.0, 20), (5, 1))
    adjusted[2:, :6] = -9.0
    adjusted[4, :3] = 0.0
    window, no, spent = Window(np.array([1]), np.array([0])), np.zeros(20), adjusted > -np.inf
    falls, _ = chance_weights(adjusted, spent, window, no, no + 1.0, no == 0.0)
    np.testing.assert_allclose(falls, [1.0] * 3 + [1 / 3] * 3 + [1.0] * 14)


def test_who_rose_less_than_others_did_not_fall() -> None:
    """All rise by 4 in a month after the window, three by 1: beyond Hampel's limit, and no fall."""
    adjusted = np.zeros((4, 20))
    adjusted[2:] = [[4.0] * 17 + [1.0] * 3, [-50.0] * 20]
    window, no, spent = Window(np.array([1]), np.array([0])), np.zeros(20), adjusted > -np.inf
    falls, _ = chance_weights(adjusted, spent, window, no, no + 1.0, no == 0.0)
    np.testing.assert_array_equal(falls, 1.0)


@given(hnp.arrays(np.float64, (6, 25), elements=st.floats(-50.0, 50.0)), st.permutations(range(25)))
@settings(max_examples=40)
def test_weights_lie_in_0_to_1_mirror_and_go_with_their_rows(adjusted: np.ndarray, order: list[int]) -> None:
    window, no, spent = Window(np.array([1, 2]), np.array([0])), np.zeros(25), adjusted > -np.inf
    falls, gains = chance_weights(adjusted, spent, window, no, no + 1.0, no == 0.0)
    for weights in (falls, gains):
        assert ((weights >= 0.0) & (weights <= 1.0)).all()
    swapped = chance_weights(-adjusted, spent, window, no, no + 1.0, no == 0.0)
    np.testing.assert_array_equal(swapped[0], gains)
    np.testing.assert_array_equal(swapped[1], falls)
    moved = chance_weights(adjusted[:, order], spent, window, no, no + 1.0, no == 0.0)
    np.testing.assert_array_equal(moved[0], falls[order])


def test_by_hand_strata() -> None:
    """Rows 0 and 1 hold enough, row 2 joins row 1; in row 0 idle recent months are too few to stand alone."""
    counts = np.array([[90, 2, 0], [40, 30, 1], [20, 5, 0]])
    found = strata(1.0 * counts, counts, 30, 0.5)
    assert found.tolist() == [[0, 0, 0], [1, 2, 2], [1, 2, 2]]


def test_by_hand_where_stops_are_usual_they_are_no_evidence() -> None:
    """Nine of ninety-nine placebo windows are a complete stop: more than one in twenty."""
    counts = np.array([[60, 30, 9]])
    assert strata(1.0 * counts, counts, 20, 0.05).tolist() == [[0, 1, -1]]
    assert strata(1.0 * counts, counts, 20, 0.10).tolist() == [[0, 1, 1]]
    assert strata(1.0 * counts, np.array([[60, 30, 4]]), 20, 0.05).tolist() == [[0, 1, 1]]


def test_by_hand_values_that_weigh_little_make_no_stratum_of_their_own() -> None:
    """Thirty stops that weigh 5 together join the windows with one idle month."""
    weights = np.array([[60.0, 30.0, 5.0]])
    assert strata(weights, np.array([[60, 30, 0]]), 20, 0.05).tolist() == [[0, 1, 1]]
    assert strata(np.array([[60.0, 30.0, 30.0]]), np.array([[60, 30, 0]]), 20, 0.05).tolist() == [[0, 1, 2]]


def test_phipson2010_p_is_never_nought() -> None:
    """(b + 1) / (m + 1): of nine placebo values none is as low (Phipson and Smyth 2010, equation 2)."""
    null = Null.of(np.arange(9.0), np.ones(9))
    assert placebo_p(np.array([-1.0, 0.0, 3.5, 99.0]), null).tolist() == [0.1, 0.2, 0.5, 1.0]
    assert placebo_p(np.array([5.0]), Null.of(np.empty(0), np.empty(0))).tolist() == [1.0]


@given(
    st.lists(st.tuples(st.integers(-5, 5), st.sampled_from([1.0, 0.5, 0.3, 1 / 7])), max_size=30),
    st.lists(st.integers(-6, 6), min_size=1, max_size=20),
    st.randoms(use_true_random=False),
)
@settings(max_examples=40)
def test_p_counts_ties_by_weight_whatever_the_order(
    null: list[tuple[int, float]], z: list[int], chance: random.Random
) -> None:
    def computed() -> np.ndarray:
        values = np.array([value for value, _ in null], dtype=np.float64)
        weights = np.array([weight for _, weight in null], dtype=np.float64)
        return placebo_p(np.array(z, dtype=np.float64), Null.of(values, weights))

    found = computed()
    total = sum(weight for _, weight in null)
    expected = [(1 + sum(weight for one, weight in null if one <= value)) / (total + 1) for value in z]
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    chance.shuffle(null)
    np.testing.assert_array_equal(computed(), found)
