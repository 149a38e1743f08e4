"""The stability index by hand, by Kullback-Leibler divergences and by loops; its noise; Kolmogorov-Smirnov."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from custvalue._kernels import population_stability as stability

if TYPE_CHECKING:
    from custvalue._typing import FloatArray

COUNTS = st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), min_size=1, max_size=8)
VALUES = st.lists(st.sampled_from([-1.0, 0.0, 0.5, 2.0, math.nan]) | st.floats(-5.0, 5.0), min_size=1, max_size=25)


def array(values: list[float]) -> FloatArray:
    return np.array(values, dtype=np.float64)


def test_by_hand_half_and_half_to_a_quarter_and_three() -> None:
    """(1/4 - 1/2) ln(1/2) + (3/4 - 1/2) ln(3/2) = (ln 2 + ln(3/2)) / 4 = ln(3) / 4."""
    terms = stability.stability_terms(array([2, 2]), array([1, 3]))
    np.testing.assert_allclose(terms, [math.log(2) / 4, math.log(1.5) / 4], rtol=1e-14)
    assert terms.sum() == pytest.approx(math.log(3) / 4, rel=1e-14)


def test_by_hand_an_empty_bin_is_smoothed_and_one_empty_twice_is_no_bin() -> None:
    """(2, 0) and (1, 1) become (2.5, 0.5) / 3 and (1.5, 1.5) / 3; a bin empty in both has no part."""
    terms = stability.stability_terms(array([2, 0, 0]), array([1, 1, 0]))
    want = [(1 / 2 - 5 / 6) * math.log(3 / 5), (1 / 2 - 1 / 6) * math.log(3), 0.0]
    np.testing.assert_allclose(terms, want, rtol=1e-14)


@given(COUNTS)
@settings(max_examples=40)
def test_the_index_is_the_sum_of_both_divergences(counts: list[tuple[int, int]]) -> None:
    """Second route: Kullback-Leibler either way (scipy.stats.entropy)."""
    before, after = (array(list(map(float, column))) for column in zip(*counts, strict=True))
    got = stability.stability_terms(before, after)
    assert got.sum() == pytest.approx(stats.entropy(after, before) + stats.entropy(before, after), abs=1e-12)
    assert (got >= 0.0).all()
    np.testing.assert_allclose(stability.stability_terms(after, before), got)
    assert stability.stability_terms(before, before).sum() == 0.0


def test_by_hand_cuts_and_bins() -> None:
    """Of 0, 1, ..., 10 the type-7 quintiles are 2, 4, 6 and 8; a value equal to a cut lies below it."""
    values = np.append(np.arange(11.0), np.nan)
    cuts = stability.stability_cuts(values, 5)
    assert cuts.tolist() == [2.0, 4.0, 6.0, 8.0]
    assert np.bincount(stability.binned(values, cuts), minlength=6).tolist() == [3, 2, 2, 2, 2, 1]
    assert stability.stability_cuts(np.array([3.0, 3.0, 3.0]), 4).tolist() == [3.0]
    assert stability.binned(np.array([3.0, 4.0, np.nan]), np.array([3.0])).tolist() == [0, 1, 2]
    assert stability.stability_cuts(np.array([np.nan]), 4).tolist() == []
    assert stability.binned(np.array([1.0, np.nan]), np.empty(0)).tolist() == [0, 1]


def test_yurdakul2018_limit_of_noise() -> None:
    """(1/n + 1/m) chi-square: for ten bins and 95 % any table has 16.919, of 9 degrees of freedom."""
    assert stability.noise_limit(100, 100, 10, 0.95) == pytest.approx(0.02 * 16.919, abs=1e-5)
    assert stability.noise_limit(1000, 500, 10, 0.95) == pytest.approx(0.003 * 16.919, abs=1e-5)
    assert stability.noise_p_value(0.02 * 16.919, 100, 100, 10) == pytest.approx(0.05, abs=1e-5)
    assert stability.noise_limit(5, 5, 1, 0.95) == 0.0
    assert stability.noise_p_value(0.0, 5, 5, 1) == 1.0


def test_noise_of_one_population_passes_its_limit_about_as_often_as_said() -> None:
    """400 pairs of samples of 500, ten bins of the first, 90 %: 40 are expected, with a deviation of 6."""
    rng = np.random.default_rng(3)
    above = 0
    for _ in range(400):
        before, after = rng.gamma(2.0, size=500), rng.gamma(2.0, size=500)
        cuts = stability.stability_cuts(before, 10)
        counts = [np.bincount(stability.binned(one, cuts), minlength=11).astype(float) for one in (before, after)]
        above += stability.stability_terms(*counts).sum() > stability.noise_limit(500, 500, 10, 0.9)
    assert 20 <= above <= 62


@given(VALUES, VALUES)
@settings(max_examples=40)
def test_the_largest_gap_is_that_of_the_empirical_distributions(before: list[float], after: list[float]) -> None:
    """Second route: both distribution functions at every value there is, in loops."""
    got, p_value = stability.largest_gap(array(before), array(after))
    known = [[value for value in one if not math.isnan(value)] for one in (before, after)]
    if not all(known):
        assert math.isnan(got)
        assert math.isnan(p_value)
        return
    shares = [
        [sum(other <= value for other in one) / len(one) for value in (*known[0], *known[1])] for one in known
    ]
    assert got == pytest.approx(max(abs(a - b) for a, b in zip(*shares, strict=True)), abs=1e-12)
    assert 0.0 <= p_value <= 1.0


def test_by_hand_the_gap_of_two_overlapping_samples() -> None:
    """1, 2, 3, 4 against 3, 4, 5, 6: below 3 lies half of the first and none of the second."""
    assert stability.largest_gap(array([1, 2, 3, 4]), array([3, 4, 5, 6]))[0] == 0.5


@pytest.mark.parametrize(("n", "method"), [(80, "exact"), (1800, "asymp")])
def test_the_p_value_is_scipys(n: int, method: Literal["exact", "asymp"]) -> None:
    """Second route: scipy.stats.ks_2samp, exact for few values and asymptotic for many, with ties."""
    rng = np.random.default_rng(1)
    before, after = rng.integers(0, 30, n).astype(float), rng.integers(2, 33, 57).astype(float)
    want = stats.ks_2samp(before, after, method=method)
    assert stability.largest_gap(before, after) == pytest.approx((want.statistic, want.pvalue), rel=1e-9)


def test_exchanged_moments() -> None:
    """Customers who stayed in their bins give 0 however exchanged; two who changed places give 0 or the index."""
    rng, nobody = np.random.RandomState(0), np.empty(0, dtype=np.int64)
    stay = np.array([0, 0, 1, 2])
    every = stability.Pairs(np.arange(4), np.arange(4))
    assert stability.permuted_indices(stay, stay, every, 3, 20, rng).tolist() == [0.0] * 20
    before, after = np.array([0, 0, 1]), np.array([1, 0, 1])  # one of three moves: exchanged or not, the same size
    pairs = stability.Pairs(np.arange(3), np.arange(3))
    index = stability.stability_terms(array([2, 1]), array([1, 2])).sum()
    np.testing.assert_allclose(stability.permuted_indices(before, after, pairs, 2, 50, rng), index)
    strangers = stability.Pairs(nobody, nobody)
    dealt = stability.permuted_indices(before, after, strangers, 2, 300, rng)
    possible = [stability.stability_terms(array([3 - k, k]), array([k, 3 - k])).sum() for k in range(4)]
    assert all(min(abs(value - one) for one in possible) < 1e-12 for value in dealt)
    assert len(np.unique(dealt.round(9))) == 2


@pytest.mark.parametrize(("n", "m"), [(1, 1), (2, 2), (3, 5), (4, 4), (5, 3)])
def test_the_chance_of_a_gap_is_that_of_all_orders(n: int, m: int) -> None:
    """Every way to mix n and m values counts once: fractions of the ways whose gap is at least as large."""
    gaps = []
    for places in itertools.combinations(range(n + m), n):
        steps = [Fraction(1, n) if place in places else Fraction(-1, m) for place in range(n + m)]
        gaps.append(max(abs(total) for total in itertools.accumulate(steps)))
    for gap in sorted(set(gaps)):
        share = Fraction(sum(one >= gap for one in gaps), len(gaps))
        assert stability.exact_gap_p_value(float(gap), n, m) == pytest.approx(float(share), abs=1e-12)


def test_few_values_have_an_exact_chance() -> None:
    """One against one other: the gap is 1 whatever the population."""
    assert stability.largest_gap(np.array([1.0]), np.array([2.0])) == (1.0, 1.0)
    gap, chance = stability.largest_gap(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    assert gap == 1.0
    assert chance == pytest.approx(1 / 3)
