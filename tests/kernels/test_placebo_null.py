"""Statistic, scale, strata and null: by hand, against plain Python, and their laws."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from custvalue._kernels.placebo_null import (
    BLOCK,
    Window,
    exchange_steps,
    joined_classes,
    lasting_changes,
    placebo_p,
    placebo_windows,
    shrunken_scale,
    strata,
    window_statistics,
)


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


def test_by_hand_hampel_tells_whose_next_months_all_stay_low_or_high() -> None:
    """Levels 0, scales 1.

    Highest of the two months after: median 0, MAD 2, so below 0 - 3 * 1.4826 * 2 = -8.9 lies the -9. Lowest:
    median -2, MAD 3, so above -2 + 13.3 = 11.3 lies the 19. One month of -20 beside one of 0 is no lasting change.
    """
    highest = np.array([-2.0, -1.0, 0.0, 1.0, 2.0, -9.0, 20.0])
    lowest = np.array([-3.0, -2.0, -20.0, 0.0, 1.0, -10.0, 19.0])
    adjusted = np.vstack([np.zeros((3, 7)), highest, lowest, np.zeros((1, 7))])
    window, no, yes = Window(np.array([1, 2]), np.array([0])), np.zeros(7), np.ones(7)
    everybody = np.ones(7, dtype=np.bool_)
    found = lasting_changes(adjusted, window, no, yes, everybody)
    assert found.tolist() == [False, False, False, False, False, True, True]
    assert not lasting_changes(adjusted, window, no, yes, ~everybody).any()
    assert lasting_changes(adjusted, window, no, np.where(highest == 20.0, 9.0, 1.0), everybody).sum() == 1


def test_where_most_are_equal_nothing_is_called_lasting() -> None:
    adjusted = np.zeros((4, 5))
    adjusted[2:, 0] = -3.0
    window, no = Window(np.array([0, 1]), np.array([0])), np.zeros(5)
    assert not lasting_changes(adjusted, window, no, no + 1.0, no == 0.0).any()


def test_by_hand_strata() -> None:
    """Rows 0 and 1 hold enough, row 2 joins row 1; in row 0 idle recent months are too few to stand alone."""
    counts = np.array([[90, 2, 0], [40, 30, 1], [20, 5, 0]])
    found = strata(counts, 30, 0.5)
    assert found.tolist() == [[0, 0, 0], [1, 2, 2], [1, 2, 2]]


def test_by_hand_where_stops_are_usual_they_are_no_evidence() -> None:
    """Nine of ninety-nine placebo windows are a complete stop: more than one in twenty."""
    assert strata(np.array([[60, 30, 9]]), 20, 0.05).tolist() == [[0, 1, -1]]
    assert strata(np.array([[60, 30, 9]]), 20, 0.10).tolist() == [[0, 1, 1]]


def test_phipson2010_p_is_never_nought() -> None:
    """(b + 1) / (m + 1): of nine placebo values none is as low (Phipson and Smyth 2010, equation 2)."""
    null = np.arange(9.0)
    assert placebo_p(np.array([-1.0, 0.0, 3.5, 99.0]), null).tolist() == [0.1, 0.2, 0.5, 1.0]
    assert placebo_p(np.array([5.0]), np.empty(0)).tolist() == [1.0]


@given(
    st.lists(st.integers(-5, 5), max_size=30).map(sorted),
    st.lists(st.integers(-6, 6), min_size=1, max_size=20),
)
@settings(max_examples=40)
def test_p_counts_ties_as_at_least_as_low(null: list[int], z: list[int]) -> None:
    found = placebo_p(np.array(z, dtype=np.float64), np.array(null, dtype=np.float64))
    expected = [(1 + sum(one <= value for one in null)) / (len(null) + 1) for value in z]
    np.testing.assert_allclose(found, expected, rtol=1e-15)
