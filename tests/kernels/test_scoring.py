"""Scoring kernels: by hand, by counting in fractions, and by brute force."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue._kernels import scoring

#: Few levels make heavy ties; the rest has any size.
VALUES = st.lists(st.sampled_from([-1.0, 0.0, 1.0, 2.0, 5.0]) | st.floats(-1e6, 1e6), min_size=1, max_size=25)
WHOLE = st.lists(st.integers(-5, 40).map(float), min_size=1, max_size=25)
BINS = st.integers(2, 9)
NEW = st.lists(st.sampled_from([-2.0, 0.0, 1.5, 6.0]) | st.floats(-1e6, 1e6), min_size=1, max_size=8)


def midrank_score(value: float, known: list[float], n_bins: int) -> int:
    """Second route: count the lower and the equal values, take the middle rank, and round up in fractions."""
    below, equal = sum(one < value for one in known), sum(one == value for one in known)
    middle = below + Fraction(equal + 1, 2)
    return math.ceil(n_bins * (middle - Fraction(1, 2)) / len(known))


def inner_quantiles(known: list[float], n_bins: int) -> list[Fraction]:
    """Second route: Hyndman and Fan (1996), type 7, h = (n - 1) q, linear between the neighbours, in fractions."""
    ordered = [Fraction(value) for value in sorted(known)]
    found = []
    for j in range(1, n_bins):
        place = (len(ordered) - 1) * Fraction(j, n_bins)
        low = math.floor(place)
        high = min(low + 1, len(ordered) - 1)
        found.append(ordered[low] + (place - low) * (ordered[high] - ordered[low]))
    return found


def test_by_hand_midranks() -> None:
    """Seven ones, two twos, one three; k = 5: 5 x 3.5 / 10 up to 2, 5 x 8 / 10 = 4, 5 x 9.5 / 10 up to 5."""
    ordered = np.array([1.0] * 7 + [2.0] * 2 + [3.0])
    np.testing.assert_array_equal(scoring.midrank_scores(np.array([1.0, 2.0, 3.0]), ordered, 5), [2, 4, 5])
    np.testing.assert_array_equal(scoring.midrank_cuts(ordered, 5), [1.0, 2.0, 2.0, 3.0])
    # All equal: rank (n + 1) / 2 gives k / 2, rounded up; no value has the scores above.
    np.testing.assert_array_equal(scoring.midrank_scores(np.array([4.0]), np.full(6, 4.0), 5), [3])
    np.testing.assert_array_equal(scoring.midrank_cuts(np.full(6, 4.0), 5), [4.0, 4.0, np.nan, np.nan])


def test_by_hand_quantiles() -> None:
    """Six values, k = 5: the places are 1, 2, 3, 4; five values: 0.8, 1.6, 2.4, 3.2."""
    np.testing.assert_array_equal(scoring.quantile_cuts(np.array([1.0, 2, 4, 8, 16, 32]), 5), [2.0, 4, 8, 16])
    np.testing.assert_allclose(
        scoring.quantile_cuts(np.array([0.0, 10, 20, 30, 40]), 5), [8.0, 16, 24, 32], rtol=1e-15
    )
    np.testing.assert_array_equal(scoring.quantile_cuts(np.array([7.0]), 3), [7.0, 7.0])


@given(VALUES, BINS)
@settings(max_examples=150)
def test_midrank_scores_are_the_counted_ones(values: list[float], n_bins: int) -> None:
    expected = [midrank_score(value, values, n_bins) for value in values]
    ordered = np.sort(values)
    np.testing.assert_array_equal(scoring.midrank_scores(np.array(values), ordered, n_bins), expected)
    cuts = scoring.midrank_cuts(ordered, n_bins)
    got = scoring.scores_by_cuts(np.array(values), cuts, cut_is_higher=True, mirrored=False)
    np.testing.assert_array_equal(got, expected)
    for score, cut in enumerate(cuts.tolist(), start=2):
        reached = [value for value, one in zip(values, expected, strict=True) if one >= score]
        assert math.isnan(cut) if not reached else cut == min(reached)


@given(VALUES, BINS)
@settings(max_examples=150)
def test_quantile_scores_are_the_counted_ones(values: list[float], n_bins: int) -> None:
    """In the training data the score is exact, although the cut itself is rounded to a float."""
    exact = inner_quantiles(values, n_bins)
    expected = [1 + sum(cut < Fraction(value) for cut in exact) for value in values]
    cuts = scoring.quantile_cuts(np.sort(values), n_bins)
    np.testing.assert_allclose(cuts, [float(cut) for cut in exact], rtol=1e-12, atol=1e-9)
    got = scoring.scores_by_cuts(np.array(values), cuts, cut_is_higher=False, mirrored=False)
    np.testing.assert_array_equal(got, expected)


@given(WHOLE, BINS)
@settings(max_examples=100)
def test_quantiles_plus_one_on_whole_numbers(values: list[float], n_bins: int) -> None:
    """The rule of R's rfm: 1 + the number of quantiles + 1 that are not above the value."""
    expected = [1 + sum(cut + 1 <= Fraction(value) for cut in inner_quantiles(values, n_bins)) for value in values]
    cuts = scoring.quantile_cuts(np.sort(values), n_bins) + 1.0
    got = scoring.scores_by_cuts(np.array(values), cuts, cut_is_higher=True, mirrored=False)
    np.testing.assert_array_equal(got, expected)


def test_a_place_that_floats_would_miss() -> None:
    """0.57 x 100 is 56.99999999999999 in floats; of 0, 1, ..., 100 the 57 % quantile is 57, which scores lower."""
    assert 57 / 100 * 100 < 57
    values = np.arange(101.0)
    cuts = scoring.quantile_cuts(values, 100)
    np.testing.assert_array_equal(cuts, np.arange(1.0, 100.0))
    assert scoring.scores_by_cuts(np.array([57.0]), cuts, cut_is_higher=False, mirrored=False)[0] == 57


def test_a_cut_between_neighbouring_floats_stays_below_the_upper_one() -> None:
    values = np.array([1.0, np.nextafter(1.0, 2.0)])
    cuts = scoring.quantile_cuts(values, 2)
    np.testing.assert_array_equal(
        scoring.scores_by_cuts(values, cuts, cut_is_higher=False, mirrored=False), [1, 2]
    )


@given(VALUES, NEW, BINS, st.booleans(), st.booleans())
@settings(max_examples=100)
def test_scores_are_monotone_mirrored_and_whole(
    values: list[float],
    new: list[float],
    n_bins: int,
    cut_is_higher: bool,  # noqa: FBT001 - drawn
    by_rank: bool,  # noqa: FBT001 - drawn
) -> None:
    ordered = np.sort(values)
    cuts = scoring.midrank_cuts(ordered, n_bins) if by_rank else scoring.quantile_cuts(ordered, n_bins)
    rising = np.sort(new + values)
    scores = scoring.scores_by_cuts(rising, cuts, cut_is_higher=cut_is_higher, mirrored=False)
    assert (np.diff(scores) >= 0).all()
    assert 1 <= scores.min() <= scores.max() <= n_bins
    mirrored = scoring.scores_by_cuts(rising, cuts, cut_is_higher=cut_is_higher, mirrored=True)
    np.testing.assert_array_equal(scores + mirrored, n_bins + 1)


def test_null_is_the_worst_either_way() -> None:
    values = np.array([np.nan, 5.0])
    cuts = np.array([1.0, 2.0])
    assert scoring.scores_by_cuts(values, cuts, cut_is_higher=True, mirrored=False).tolist() == [1, 3]
    assert scoring.scores_by_cuts(values, cuts, cut_is_higher=True, mirrored=True).tolist() == [1, 1]


# ------------------------------------------------------------------------------------------------- concentration


def test_by_hand_falling_curve() -> None:
    """1, 5, 1, 3 falls as 5, 3, 1, 1: corners at 1, 2 and 4 customers with 5, 8 and 10."""
    customers, value = scoring.falling_curve(np.array([1.0, 5.0, 1.0, 3.0]))
    np.testing.assert_array_equal(customers, [0, 1, 2, 4])
    np.testing.assert_array_equal(value, [0, 5, 8, 10])
    assert scoring.first_reach(customers, value, 0.0) == 0.0
    assert scoring.first_reach(customers, value, 9.0) == 3.0
    assert scoring.first_reach(customers, value, 2.5) == 0.5


@given(st.lists(st.integers(0, 9).map(float), min_size=1, max_size=20).filter(any))
@settings(max_examples=100)
def test_gini_is_the_mean_absolute_difference(values: list[float]) -> None:
    """Second route: the mean of |x - y| over all pairs, divided by twice the mean."""
    n, total = len(values), sum(values)
    differences = sum(abs(x - y) for x, y in itertools.product(values, repeat=2))
    expected = differences / (2 * n * total)
    assert scoring.gini(*scoring.falling_curve(np.array(values))) == pytest.approx(expected, abs=1e-14)
