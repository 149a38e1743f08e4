"""Raking by hand, against the minimum of the divergence by another route, and what it leaves when it cannot."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from custvalue._kernels.raking import design_effect, rake

#: Four rows, one in each cell of two by two.
ROWS, COLUMNS = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])


def test_by_hand_independent_margins() -> None:
    """Equal weights have no interaction: the cells are the products of the margins, 3 of 4 by 2 of 4."""
    found = rake(np.ones(4), [ROWS, COLUMNS], [np.array([3.0, 1.0]), np.array([2.0, 2.0])])
    np.testing.assert_allclose(found.weights, [1.5, 1.5, 0.5, 0.5], rtol=1e-12)
    assert found.converged
    assert found.rounds == 1


def test_by_hand_the_interaction_is_kept() -> None:
    """Cells (a, 1 - a, 1 - a, a) have odds ratio (a / (1 - a))^2, which is 4 at a = 2/3: the root asked for."""
    begun = np.array([4.0, 1.0, 1.0, 1.0])
    found = rake(begun, [ROWS, COLUMNS], [np.ones(2), np.ones(2)])
    np.testing.assert_allclose(found.weights, [2 / 3, 1 / 3, 1 / 3, 2 / 3], rtol=1e-7)


def test_by_hand_design_effect() -> None:
    """Weights 1, 1, 2: 3 * 6 / 16; equal weights cost nothing."""
    assert design_effect(np.array([1.0, 1.0, 2.0])) == pytest.approx(18 / 16)
    assert design_effect(np.full(5, 7.0)) == pytest.approx(1.0)


@given(st.integers(0, 10_000))
@settings(max_examples=15)
def test_the_limit_is_the_nearest_in_divergence(seed: int) -> None:
    """Second route: w = d exp(sum of effects), the effects from the dual of the Kullback-Leibler divergence."""
    rng = np.random.default_rng(seed)
    codes = [np.append(np.arange(3), rng.integers(0, 3, 20)), np.append([0, 1, 1], rng.integers(0, 2, 20))]
    begun = rng.uniform(0.5, 2.0, 23)
    met = rng.uniform(0.5, 2.0, 23)
    targets = [np.bincount(code, met).astype(np.float64) for code in codes]
    design = np.column_stack([np.eye(3)[codes[0]], np.eye(2)[codes[1]]])
    wanted = np.concatenate(targets)

    def dual(effects: np.ndarray) -> float:
        return float((begun * np.exp(design @ effects)).sum() - wanted @ effects)

    def slope(effects: np.ndarray) -> np.ndarray:
        return np.asarray(design.T @ (begun * np.exp(design @ effects)) - wanted)

    effects = optimize.minimize(dual, np.zeros(5), jac=slope, method="BFGS", options={"gtol": 1e-9}).x
    found = rake(begun, codes, targets)
    assert found.converged
    np.testing.assert_allclose(found.weights, begun * np.exp(design @ effects), rtol=1e-5)
    for code, target in zip(codes, targets, strict=True):
        np.testing.assert_allclose(np.bincount(code, found.weights), target, rtol=1e-6)


def test_the_scale_of_the_beginning_does_not_matter() -> None:
    begun = np.array([4.0, 1.0, 1.0, 1.0])
    targets = [np.array([3.0, 1.0]), np.array([2.0, 2.0])]
    found = [rake(scale * begun, [ROWS, COLUMNS], targets).weights for scale in (1.0, 1e6)]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12)


def test_bounds_hold_and_a_gap_is_said() -> None:
    """Two rows are to weigh 3 of 4 with at most 1.2 times their beginning: 2.4 of 4 at most, a gap of .15."""
    targets = [np.array([3.0, 1.0]), np.array([2.0, 2.0])]
    found = rake(np.ones(4), [ROWS, COLUMNS], targets, bounds=(0.1, 1.2), max_rounds=50)
    assert not found.converged
    assert found.weights.max() <= 1.2
    assert found.gap >= 0.15 - 1e-12
    wide = rake(np.ones(4), [ROWS, COLUMNS], targets, bounds=(0.1, 1.6))
    assert wide.converged


def test_an_empty_category_with_a_target_is_no_solution() -> None:
    found = rake(np.ones(2), [np.array([0, 0])], [np.array([1.0, 1.0])], max_rounds=5)
    assert not found.converged
    assert found.gap > 0.0
