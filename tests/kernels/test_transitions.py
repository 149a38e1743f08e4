"""Counts, Wilson's interval, rates, the exponential of a generator: published figures, exact fractions, laws."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.linalg import expm

from custvalue._kernels.transitions import (
    exponential,
    generator,
    homogeneity,
    rate_interval,
    row_shares,
    transition_counts,
    wilson_interval,
)

STATES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30)


@given(STATES)
def test_counts_agree_with_a_plain_loop(steps: list[tuple[int, int]]) -> None:
    before, after = (np.array(side) for side in zip(*steps, strict=True))
    expected = np.zeros((4, 4))
    for i, j in steps:
        expected[i, j] += 1
    np.testing.assert_array_equal(transition_counts(before, after, 4), expected)


@given(STATES, st.randoms(use_true_random=False))
def test_weighted_counts_do_not_depend_on_the_order_of_rows(steps: list[tuple[int, int]], random: object) -> None:
    before, after = (np.array(side) for side in zip(*steps, strict=True))
    weights = np.random.default_rng(len(steps)).random(len(steps)) * 1e3
    found = transition_counts(before, after, 4, weights)
    order = list(range(len(steps)))
    random.shuffle(order)  # type: ignore[attr-defined]  # hypothesis gives a Random
    np.testing.assert_array_equal(found, transition_counts(before[order], after[order], 4, weights[order]))
    assert found.sum() == pytest.approx(weights.sum(), rel=1e-12)


def test_by_hand_weighted_counts() -> None:
    found = transition_counts(np.array([0, 0, 1]), np.array([1, 1, 0]), 2, np.array([0.5, 2.0, 8.0]))
    assert found.tolist() == [[0.0, 2.5], [8.0, 0.0]]


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.255, 0.366), (15, 148, 0.062, 0.161), (0, 20, 0.0, 0.161), (1, 29, 0.006, 0.172)],
)
def test_newcombe1998_wilson(successes: int, trials: int, low: float, high: float) -> None:
    """Newcombe (1998), Two-sided confidence intervals for the single proportion, table I, method 3."""
    found = wilson_interval(successes, trials)
    assert (float(found[0]), float(found[1])) == pytest.approx((low, high), abs=6e-4)


@given(st.integers(0, 50), st.integers(1, 50), st.floats(0.5, 0.999))
def test_wilson_solves_its_own_equation(successes: int, more: int, confidence: float) -> None:
    """At each end the score statistic (s - n p)^2 = z^2 n p (1 - p); the share lies between them."""
    trials = successes + more
    low, high = (float(end) for end in wilson_interval(successes, trials, confidence))
    z = float(stats.norm.ppf(0.5 + confidence / 2))
    for end in (low, high):
        assert (successes - trials * end) ** 2 == pytest.approx(z * z * trials * end * (1 - end), abs=1e-7)
    assert 0.0 <= low <= successes / trials <= high <= 1.0


def test_wilson_without_a_trial_and_at_the_ends() -> None:
    low, high = wilson_interval(np.array([0.0, 0.0, 5.0]), np.array([0.0, 5.0, 5.0]))
    assert (low[0], high[0]) == (0.0, 1.0)
    assert low[1] == 0.0
    assert high[2] == 1.0
    assert high[1] == pytest.approx(1.0 - low[2], abs=1e-15)


def test_rates_agree_with_the_poisson_distribution() -> None:
    """At the lower end so many or more, at the upper so many or fewer, have probability 2.5 %."""
    low, high = rate_interval(np.array([0.0, 3.0, 12.0]), np.array([2.0, 4.0, 0.5]))
    assert low[0] == 0.0
    for count, time, down, up in zip([0, 3, 12], [2.0, 4.0, 0.5], low, high, strict=True):
        assert stats.poisson.cdf(count, up * time) == pytest.approx(0.025, rel=1e-9)
        if count:
            assert stats.poisson.sf(count - 1, down * time) == pytest.approx(0.025, rel=1e-9)
    assert rate_interval(np.array([0.0]), np.array([0.0]))[1][0] == np.inf


@settings(max_examples=50)
@given(st.integers(1, 6), st.integers(0, 2**32 - 1), st.floats(1e-6, 50.0))
def test_the_exponential_is_stochastic_and_that_of_scipy(size: int, seed: int, time: float) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 4, (size, size)).astype(float)
    rates = generator(counts, rng.random(size) + 0.05)
    np.testing.assert_allclose(rates.sum(axis=1), 0.0, atol=1e-12)
    assert (rates - np.diag(rates.diagonal()) >= 0.0).all()
    found = exponential(rates, time)
    assert (found >= 0.0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-14)
    np.testing.assert_allclose(found, expm(time * rates), atol=1e-9)


def test_by_hand_exponential_of_two_states() -> None:
    """With rates a and b: P(0 to 1) = a / (a + b) (1 - exp(-(a + b) t))."""
    found = exponential(np.array([[-0.3, 0.3], [0.1, -0.1]]), 5.0)
    assert found[0, 1] == pytest.approx(0.75 * (1.0 - np.exp(-2.0)), rel=1e-14)
    assert exponential(np.zeros((2, 2)), 3.0).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert exponential(np.array([[-0.3, 0.3], [0.1, -0.1]]), 0.0).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_a_fast_generator_stays_accurate() -> None:
    """Rates of 1e6 reach the stationary mix b : a to full precision."""
    found = exponential(np.array([[-3e6, 3e6], [1e6, -1e6]]), 1.0)
    np.testing.assert_allclose(found, [[0.25, 0.75], [0.25, 0.75]], rtol=1e-12)


def test_rows_without_a_step_stay() -> None:
    assert row_shares(np.array([[0.0, 0.0], [1.0, 3.0]])).tolist() == [[1.0, 0.0], [0.25, 0.75]]


def test_homogeneity_is_that_of_a_contingency_table() -> None:
    """Where every state reaches the same states in all periods it is the sum of Pearson's statistics."""
    counts = np.array([[[10.0, 20.0], [5.0, 5.0]], [[30.0, 30.0], [9.0, 1.0]], [[8.0, 2.0], [4.0, 6.0]]])
    statistic, freedom = homogeneity(counts)
    tables = [stats.chi2_contingency(counts[:, row, :], correction=False) for row in range(2)]
    assert statistic == pytest.approx(sum(table.statistic for table in tables), rel=1e-12)
    assert freedom == sum(table.dof for table in tables) == 4


def test_by_hand_homogeneity_with_a_state_missing() -> None:
    """State 1 starts in one period only and state 0 never reaches it, so nothing is compared."""
    counts = np.array([[[4.0, 0.0], [1.0, 1.0]], [[7.0, 0.0], [0.0, 0.0]]])
    assert homogeneity(counts) == (0.0, 0)


def test_by_hand_shares_are_exact_fractions() -> None:
    counts = np.array([[1.0, 2.0, 4.0], [3.0, 0.0, 5.0], [0.0, 0.0, 9.0]])
    for row, column in itertools.product(range(3), range(3)):
        total = Fraction(int(counts[row].sum()))
        assert row_shares(counts)[row, column] == float(Fraction(int(counts[row, column])) / total)
