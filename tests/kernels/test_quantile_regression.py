"""Planes of least pinball loss against linear programs, and the conditions of the least."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linprog

from custvalue._kernels import quantile_regression as kernel
from custvalue._kernels.pinball import coverage, pinball_loss, pinball_losses
from custvalue._kernels.quantile_regression import QuantileFit, quantile_regression

if TYPE_CHECKING:
    from custvalue._typing import FloatArray

LEVELS = (0.05, 0.37, 0.5, 0.8, 0.9, 0.99)


def least_loss(X: FloatArray, y: FloatArray, level: float, weights: FloatArray, *, intercept: bool) -> float:
    """Solve the linear program of Koenker and Bassett (1978) in its primal form: a second route to the least."""
    design = np.column_stack([np.ones(len(y)), X]) if intercept else X
    n, p = design.shape
    cost = np.concatenate([np.zeros(p), level * weights, (1.0 - level) * weights])
    equal: Any = sparse.csc_array(sparse.hstack([sparse.csc_array(design), sparse.eye(n), -sparse.eye(n)]))
    bounds: list[Any] = [(None, None)] * p + [(0.0, None)] * (2 * n)
    solved: Any = linprog(cost, A_eq=equal, b_eq=y, bounds=bounds, method="highs")
    assert solved.status == 0
    return float(solved.fun)


def summed(fit: QuantileFit, X: FloatArray, y: FloatArray, level: float, weights: FloatArray) -> float:
    return float(weights @ pinball_losses(y, fit.intercept + X @ fit.coefficients, level))


def drawn(seed: int) -> tuple[FloatArray, FloatArray, float, FloatArray, bool]:
    """Draw tables of many kinds: scales far apart, discrete and collinear columns, ties, weights of 0."""
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(3, 400)), int(rng.integers(0, 7))
    X = rng.standard_normal((n, p)) * 10.0 ** rng.integers(-3, 4, p)
    if seed % 3 == 1:
        X = rng.integers(0, 3, (n, p)).astype(np.float64)
    if seed % 5 == 2 and p > 1:
        X[:, -1] = 2.0 * X[:, 0] + 1.0
    y = X @ rng.standard_normal(p) + rng.standard_t(2, n)
    if seed % 4 == 1:
        y = np.round(y)
    if seed % 4 == 2:
        y = np.exp(np.clip(y, -20.0, 10.0))
    if seed % 7 == 3:
        y = np.maximum(y, np.median(y))
    weights: FloatArray = np.ones(n)
    if seed % 2 == 0:
        weights = rng.integers(0, 4, n).astype(np.float64) + (rng.random(n) if seed % 3 else 0.0)
        weights[0] = 1.0
    return X, y, float(rng.choice(LEVELS)), weights, bool(seed % 6) or p == 0


@pytest.mark.parametrize("first", range(0, 240, 40))
def test_koenker_bassett1978_the_linear_program_has_no_lower_loss(first: int) -> None:
    for seed in range(first, first + 40):
        X, y, level, weights, intercept = drawn(seed)
        fit = quantile_regression(X, y, level, weights, intercept=intercept)
        least = least_loss(X, y, level, weights, intercept=intercept)
        found = summed(fit, X, y, level, weights)
        assert found <= least * (1.0 + 1e-5) + 1e-8 * weights.sum() * np.abs(y - y.mean()).mean(), seed
        assert found >= least * (1.0 - 1e-7)
        assert fit.loss == pytest.approx(found / weights.sum(), rel=1e-7, abs=1e-12)
        # What the fit says of itself is true: the least lies within its gap.
        assert found - least <= fit.gap * weights.sum() * (1.0 + 1e-6) + 1e-9 * abs(least)


def test_the_linear_program_finishes_what_newton_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    # One wide band and no more: the point is far from the least, and rows have to change sides.
    monkeypatch.setattr(kernel, "_NARROW", 0.4)
    monkeypatch.setattr(kernel, "_NEAR", 20)
    for seed in range(40):
        X, y, level, weights, intercept = drawn(seed)
        fit = quantile_regression(X, y, level, weights, intercept=intercept)
        least = least_loss(X, y, level, weights, intercept=intercept)
        found = summed(fit, X, y, level, weights)
        assert found <= least * (1.0 + 1e-5) + 1e-8 * weights.sum() * np.abs(y - y.mean()).mean(), seed


@pytest.mark.parametrize("shape", ["smooth", "discrete"])
def test_a_sample_first_and_the_dual_of_many_rows(shape: str) -> None:
    rng = np.random.default_rng(3)
    X = np.exp(0.5 * rng.standard_normal((120_000, 3)))
    y = X @ [0.3, 0.0, 1.0] + (1.0 + X[:, 0]) * rng.standard_normal(len(X))
    y = np.round(y) if shape == "discrete" else y
    fit = quantile_regression(X, y, 0.9)
    assert fit.gap <= 1.1e-6 * fit.loss
    if shape == "smooth":  # the true plane: 0.3 x + z(0.9) (1 + x)
        z = 1.2815515655446004
        np.testing.assert_allclose([fit.intercept, *fit.coefficients], [z, 0.3 + z, 0.0, 1.0], atol=0.06)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(-5, 5), min_size=1, max_size=60),
    st.integers(0, 2**16),
    st.sampled_from(LEVELS),
)
def test_koenker_bassett1978_counts_on_either_side(values: list[int], seed: int, level: float) -> None:
    """Theorem 3.4: at most a share p of the rows lies below the plane, at most 1 - p above."""
    rng = np.random.default_rng(seed)
    y = np.array(values, dtype=np.float64) + 1e-3 * rng.standard_normal(len(values))
    X = rng.standard_normal((len(y), 2))
    fit = quantile_regression(X, y, level)
    residuals = y - fit.intercept - X @ fit.coefficients
    touched = 1e-4 * max(1.0, float(np.abs(y).max()))
    assert np.count_nonzero(residuals < -touched) <= level * len(y) + 1e-9
    assert np.count_nonzero(residuals > touched) <= (1.0 - level) * len(y) + 1e-9


def test_optimum_conditions() -> None:
    """Koenker and Bassett 1978, theorem 3.3: slopes in [p - 1, p] on the touched rows balance the rest."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X, level = rng.standard_normal((80, 3)), float(rng.choice(LEVELS[1:5]))
        y = X @ [1.0, 0.0, -2.0] + rng.standard_normal(80)
        fit = quantile_regression(X, y, level)
        residuals = y - fit.intercept - X @ fit.coefficients
        touched = np.argsort(np.abs(residuals))[:4]
        assert np.abs(residuals[touched]).max() < 1e-3
        design = np.column_stack([np.ones(80), X])
        rest = np.delete(np.arange(80), touched)
        balance = design[rest].T @ np.where(residuals[rest] > 0.0, level, level - 1.0)
        slopes = np.linalg.solve(design[touched].T, -balance)
        assert ((slopes >= level - 1.0 - 1e-7) & (slopes <= level + 1e-7)).all(), seed


@pytest.mark.parametrize("level", LEVELS)
def test_by_hand_without_columns_it_is_a_quantile(level: float) -> None:
    y = np.array([4.0, 1.0, 10.0, 2.0, 7.0, 3.0, 3.0])
    fit = quantile_regression(np.empty((7, 0)), y, level)
    expected = np.sort(y)[int(np.ceil(level * 7)) - 1]
    assert fit.intercept == pytest.approx(expected, abs=1e-5)


def test_weights_are_repetitions_and_order_is_no_matter() -> None:
    rng = np.random.default_rng(8)
    X, y, counts = rng.standard_normal((90, 2)), rng.standard_normal(90), rng.integers(0, 4, 90)
    one = quantile_regression(X, y, 0.8, counts.astype(np.float64))
    two = quantile_regression(np.repeat(X, counts, axis=0), np.repeat(y, counts), 0.8)
    order = rng.permutation(90)
    three = quantile_regression(X[order], y[order], 0.8, counts[order].astype(np.float64))
    for other in (two, three):
        assert other.loss == pytest.approx(one.loss, rel=2e-6)
    assert (
        quantile_regression(X, y, 0.8).coefficients.tolist()
        == quantile_regression(X, y, 0.8).coefficients.tolist()
    )


def test_equivariance() -> None:
    """Koenker and Bassett 1978, theorem 3.2: scale, sign, shift of y and another basis of X carry over."""
    rng = np.random.default_rng(9)
    X, y = rng.standard_normal((150, 3)), rng.standard_t(3, 150)
    mixed = rng.standard_normal((3, 3))
    plain = quantile_regression(X, y, 0.8).loss
    assert quantile_regression(X, 1e4 * y + 1e5, 0.8).loss == pytest.approx(1e4 * plain, rel=2e-6)
    assert quantile_regression(X, -y, 0.2).loss == pytest.approx(plain, rel=2e-6)
    assert quantile_regression(X, y + X @ [5.0, 5.0, -9.0], 0.8).loss == pytest.approx(plain, rel=2e-6)
    assert quantile_regression(X @ mixed, y, 0.8).loss == pytest.approx(plain, rel=2e-6)


def test_columns_alike_are_dropped_and_told() -> None:
    rng = np.random.default_rng(4)
    X = rng.standard_normal((60, 2))
    y = X[:, 0] + rng.standard_normal(60)
    alike = np.column_stack([X[:, 0], np.full(60, 0.1), X[:, 1], X[:, 0] - 3.0 * X[:, 1] + 2.0])
    fit = quantile_regression(alike, y, 0.7)
    assert fit.dropped.tolist() == [False, True, False, True]
    assert fit.coefficients[[1, 3]].tolist() == [0.0, 0.0]
    assert fit.loss == pytest.approx(quantile_regression(X, y, 0.7).loss, rel=2e-6)
    assert not quantile_regression(np.full((60, 1), 0.1), y, 0.7, intercept=False).dropped.any()


def test_what_lies_on_a_plane_is_found() -> None:
    X = np.arange(10.0)[:, None]
    fit = quantile_regression(X, 3.0 * X[:, 0] - 1.0, 0.9)
    np.testing.assert_allclose([fit.intercept, *fit.coefficients], [-1.0, 3.0], atol=1e-8)
    still = quantile_regression(X, np.full(10, 5.0), 0.9)
    assert (still.intercept, still.loss) == (5.0, 0.0)
    assert quantile_regression(X, np.zeros(10), 0.9, intercept=False).coefficients.tolist() == [0.0]


def test_rosset2005_losses() -> None:
    """The loss of Rosset et al. 2005 by hand: p (y - c) above, (1 - p)(c - y) below."""
    y, wallets = np.array([100.0, 200.0, 300.0, 400.0, 1000.0]), np.array([150.0, 150.0, 350.0, 350.0, 350.0])
    expected = {
        0.5: ([25.0, 25.0, 25.0, 25.0, 325.0], 85.0),
        0.8: ([10.0, 40.0, 10.0, 40.0, 520.0], 124.0),
        0.9: ([5.0, 45.0, 5.0, 45.0, 585.0], 137.0),
    }
    for level, (rows, mean) in expected.items():
        np.testing.assert_allclose(pinball_losses(y, wallets, level), rows, atol=1e-9)
        assert pinball_loss(y, wallets, level) == pytest.approx(mean, abs=1e-9)


def test_by_hand_coverage_counts_ties_as_covered() -> None:
    assert coverage(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 1.0, 5.0, 3.0])) == 0.5
