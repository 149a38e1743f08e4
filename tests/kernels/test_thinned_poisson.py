"""Thinned Poisson counts: published and summed figures, derivatives, information, limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import approx_fprime
from scipy.special import logit

from custvalue._kernels import thinned_poisson as kernel

#: Four customers of Glady and Croux's model: counts, rates, probabilities.
X, RATE, PI = [3, 0, 5, 12], [10.0, 4.0, 8.0, 10.0], [0.4, 0.25, 0.5, 0.4]
SEEDS = st.integers(0, 2**32 - 1)


def world(seed: int, n: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw parameters, two designs and counts."""
    rng = np.random.default_rng(seed)
    V = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    W = np.column_stack([np.ones(n), rng.normal(size=(n, 1))])
    theta = rng.normal(scale=0.5, size=5)
    rate, pi = kernel.rates(theta, V, W)
    return theta, V, W, rng.binomial(rng.poisson(rate), pi).astype(float)


def test_by_hand_rows_of_the_likelihood() -> None:
    """x = 0 has log probability -lambda pi; x = 3 with mean 4: 3 log 4 - 4 - log 6. One customer at a time."""
    theta, one = np.array([np.log(RATE), logit(PI)]).T, np.ones((1, 1))
    found = [kernel.log_likelihood(own, one, one, np.array([x])) for own, x in zip(theta, X, strict=True)]
    np.testing.assert_allclose(found[:2], [3 * np.log(4.0) - 4.0 - np.log(6.0), -1.0], rtol=1e-13)
    np.testing.assert_allclose(found, stats.poisson.logpmf(X, np.multiply(RATE, PI)), rtol=1e-13)


def test_likelihood_sums_its_rows() -> None:
    theta, V, W, x = world(0)
    expected = float(np.sum(stats.poisson.logpmf(x, np.multiply(*kernel.rates(theta, V, W)))))
    assert kernel.log_likelihood(theta, V, W, x) == pytest.approx(expected, rel=1e-12)


@given(SEEDS)
@settings(max_examples=25)
def test_gradient_equals_finite_differences(seed: int) -> None:
    theta, V, W, x = world(seed)

    def value(one: Any) -> float:
        return kernel.log_likelihood(one, V, W, x)

    expected = approx_fprime(theta, value, 1e-7)
    found = kernel.gradient(theta, V, W, x)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3 * max(1.0, np.abs(expected).max()))


@given(SEEDS)
@settings(max_examples=25)
def test_observed_information_equals_finite_differences(seed: int) -> None:
    theta, V, W, x = world(seed)
    step = 1e-6
    expected = np.array(
        [
            -(kernel.gradient(theta + shift, V, W, x) - kernel.gradient(theta - shift, V, W, x)) / (2 * step)
            for shift in step * np.eye(len(theta))
        ]
    )
    found = kernel.observed_information(theta, V, W, x)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_fisher_information_is_the_expected_hessian_and_the_variance_of_the_gradient() -> None:
    theta, V, W, _ = world(5, 60)
    rate, pi = kernel.rates(theta, V, W)
    draws = np.random.default_rng(1).poisson(rate * pi, size=(6000, 60)).astype(float)
    expected = kernel.fisher_information(theta, V, W)
    hessian = np.mean([kernel.observed_information(theta, V, W, x) for x in draws], axis=0)
    scores = np.array([kernel.gradient(theta, V, W, x) for x in draws])
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_allclose(hessian / scale, expected / scale, atol=0.02)
    np.testing.assert_allclose(scores.T @ scores / len(draws) / scale, expected / scale, atol=0.06)


def test_information_is_singular_where_the_share_is_constant() -> None:
    theta, V, _, _ = world(3)
    values = np.linalg.eigvalsh(kernel.fisher_information(theta[:4], V, np.ones((len(V), 1))))
    assert values[0] < 1e-9 * values[-1]


def test_overflow_is_no_number_that_could_win() -> None:
    one = np.ones((2, 1))
    assert kernel.log_likelihood(np.array([1000.0, 0.0]), one, one, np.ones(2)) == -np.inf


def test_climb_ends_where_the_gradient_is_nothing() -> None:
    theta, V, W, x = world(7, 3000)
    found, value, converged = kernel.climb(theta, V, W, x)
    assert converged
    assert value >= kernel.log_likelihood(theta, V, W, x)
    assert np.abs(kernel.gradient(found, V, W, x)).max() / len(x) < 1e-6


def test_by_hand_loglinear_means_of_groups() -> None:
    """With a dummy the fitted means are the groups' means: 2 and 6; a doubled column changes nothing."""
    x = np.array([1.0, 3.0, 5.0, 7.0])
    dummy = np.array([0.0, 0.0, 1.0, 1.0])
    plain = np.column_stack([np.ones(4), dummy])
    doubled = np.column_stack([plain, dummy])
    expected = float(np.sum(stats.poisson.logpmf(x, [2.0, 2.0, 6.0, 6.0])))
    for X_ in (plain, doubled):
        coefficients, value = kernel.loglinear_maximum(X_, x)
        np.testing.assert_allclose(np.exp(X_ @ coefficients), [2.0, 2.0, 6.0, 6.0], rtol=1e-6)
        assert value == pytest.approx(expected, abs=1e-10)


@given(st.integers(0, 30), st.floats(0.5, 20.0), st.floats(0.05, 0.95))
@settings(max_examples=40)
def test_sizes_equal_sums_over_n(x: int, rate: float, pi: float) -> None:
    """Both expectations, summed over n one by one."""
    n = np.arange(x, x + 400)
    prior = stats.poisson.logpmf(n, rate)
    for log_weight, found in (
        (prior + stats.binom.logpmf(x, n, pi), kernel.posterior_size(x, rate, pi)),
        (prior, kernel.truncated_size(x, rate)),
    ):
        weight = np.exp(log_weight - log_weight.max())
        assert float(found) == pytest.approx(float(weight @ n / weight.sum()), rel=1e-9)


@pytest.mark.parametrize(("x", "rate"), [(400, 0.5), (900, 10.0), (5000, 1000.0), (2, 1e5), (0, 3.0)])
def test_truncated_size_far_in_both_tails(x: int, rate: float) -> None:
    """E[n | n >= x] from the ratios of successive probabilities, which never underflow."""
    if x > rate:
        ratios = np.concatenate([[1.0], np.cumprod(rate / np.arange(x + 1.0, x + 3000.0))])
        expected = float(ratios @ np.arange(x, x + len(ratios)) / ratios.sum())
    else:
        expected = rate
    assert float(kernel.truncated_size(x, rate)) == pytest.approx(expected, rel=1e-10)


def test_interval_equals_quantiles_of_what_is_unseen() -> None:
    rng = np.random.default_rng(0)
    low, high = kernel.posterior_interval(X, RATE, PI, 0.9)
    n = rng.poisson(np.multiply(RATE, np.subtract(1.0, PI)), size=(200_000, 4)) + np.array(X)
    inside = ((n >= low) & (n <= high)).mean(axis=0)
    assert (inside >= 0.895).all()
    assert (((n > low) & (n < high)).mean(axis=0) < 0.9).all()


def test_nothing_is_unseen_at_a_share_of_one() -> None:
    low, high = kernel.posterior_interval([4.0], [4.0], [1.0], 0.9)
    assert (float(low[0]), float(high[0])) == (4.0, 4.0)
