"""Incomplete comparison matrices and derivatives: printed answers, least squares, eigenvalues, differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from custvalue._kernels import comparison_methods
from custvalue._kernels.comparison_methods import (
    Curvature,
    geometric_consistency,
    harker_matrix,
    least_root_completion,
    least_squares_logarithms,
    least_squares_operator,
    upper_pairs,
    weights_and_root,
)
from custvalue._kernels.comparison_slopes import pair_slopes
from custvalue._kernels.pairwise import missing_random_index, perron
from custvalue._kernels.perron_derivatives import curvature_product, root_slopes, scaled_chain

if TYPE_CHECKING:
    from custvalue._typing import FloatArray

METHODS = ("harker", "lambda_min", "logarithmic_least_squares")
#: Bozoki, Fulop & Ronyai (2010): 4 x 4, the last pair missing.
BOZOKI = np.array([[1, 1, 5, 2], [1, 1, 3, 4], [1 / 5, 1 / 3, 1, np.nan], [1 / 2, 1 / 4, np.nan, 1]])


def incomplete(generator: np.random.Generator, size: int, share: float) -> FloatArray:
    """Draw a reciprocal matrix whose judged pairs hold a path through all elements."""
    matrix = np.ones((size, size))
    rows, columns = np.triu_indices(size, 1)
    matrix[rows, columns] = np.exp(generator.normal(size=len(rows)))
    matrix[columns, rows] = 1.0 / matrix[rows, columns]
    gone = (generator.random(len(rows)) < share) & (columns != rows + 1)
    matrix[rows[gone], columns[gone]] = matrix[columns[gone], rows[gone]] = np.nan
    return matrix


def largest_eigenvalue(matrix: FloatArray) -> float:
    return float(np.linalg.eigvals(matrix).real.max())


def least_squares(matrix: FloatArray, pair_weights: FloatArray | None = None) -> FloatArray:
    """Second route: the normal equations of the judged pairs by a singular value decomposition."""
    rows, columns, _, _ = upper_pairs(matrix)
    design = np.zeros((len(rows) + 1, len(matrix)))
    factor = np.ones(len(rows)) if pair_weights is None else np.sqrt(pair_weights[rows, columns])
    design[np.arange(len(rows)), rows] = factor
    design[np.arange(len(rows)), columns] = -factor
    design[-1] = 1.0
    target = np.append(factor * np.log(matrix[rows, columns]), 0.0)
    weights = np.exp(np.linalg.lstsq(design, target)[0])
    return np.asarray(weights / weights.sum())


def test_bozoki_fulop_ronyai() -> None:
    """Weights .3738 .392 .0985 .1357 as printed by AHPy; the missing ratio is van Uden's sqrt(8 / 15)."""
    weights, root = weights_and_root(BOZOKI, "lambda_min")
    np.testing.assert_allclose(weights, [0.3738, 0.392, 0.0985, 0.1357], atol=5.1e-5)
    completed = least_root_completion(BOZOKI, least_squares_logarithms(BOZOKI))
    assert completed[2, 3] == pytest.approx(np.sqrt(8 / 15), rel=1e-13)
    assert root == pytest.approx(largest_eigenvalue(completed), rel=1e-13)


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(3, 9))
def test_harker_against_eigenvalues(seed: int, size: int) -> None:
    matrix = incomplete(np.random.default_rng(seed), size, 0.5)
    by_hand = np.zeros((size, size))
    for i in range(size):
        for j in range(size):
            by_hand[i, j] = 0.0 if np.isnan(matrix[i, j]) else matrix[i, j]
        by_hand[i, i] = 1.0 + np.isnan(matrix[i]).sum()
    np.testing.assert_array_equal(harker_matrix(matrix), by_hand)
    weights, root = weights_and_root(matrix, "harker")
    assert root == pytest.approx(largest_eigenvalue(by_hand), rel=1e-11)
    np.testing.assert_allclose(by_hand @ weights, root * weights, rtol=1e-12)


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(2, 9))
def test_least_squares_against_the_normal_equations(seed: int, size: int) -> None:
    generator = np.random.default_rng(seed)
    matrix = incomplete(generator, size, 0.5)
    weights, _ = weights_and_root(matrix, "logarithmic_least_squares")
    np.testing.assert_allclose(weights, least_squares(matrix), rtol=1e-10)
    counts = generator.uniform(0.1, 3.0, (size, size))
    counts = counts + counts.T
    weights, _ = weights_and_root(matrix, "logarithmic_least_squares", counts)
    np.testing.assert_allclose(weights, least_squares(matrix, counts), rtol=1e-10)
    rows, columns, _, _ = upper_pairs(matrix)
    operator = least_squares_operator(size, rows, columns, counts[rows, columns])
    mapped = np.exp(operator @ np.log(matrix[rows, columns]))
    np.testing.assert_allclose(mapped / mapped.sum(), weights, rtol=1e-12)


@pytest.mark.parametrize(("seed", "size"), [(1, 4), (2, 5), (3, 6)])
def test_least_root_against_a_general_minimiser(seed: int, size: int) -> None:
    matrix = incomplete(np.random.default_rng(seed), size, 0.6)
    _, _, rows, columns = upper_pairs(matrix)

    def root(shifts: FloatArray) -> float:
        trial = matrix.copy()
        trial[rows, columns], trial[columns, rows] = np.exp(shifts), np.exp(-shifts)
        return largest_eigenvalue(trial)

    found = minimize(root, np.zeros(len(rows)), method="Powell", options={"xtol": 1e-10, "ftol": 1e-15})
    weights, least = weights_and_root(matrix, "lambda_min")
    assert least <= found.fun + 1e-12
    assert least == pytest.approx(found.fun, abs=1e-9)
    completed = least_root_completion(matrix, least_squares_logarithms(matrix))
    np.testing.assert_allclose(np.log(completed[rows, columns]), found.x, atol=1e-5)
    np.testing.assert_allclose(completed @ weights, least * weights, rtol=1e-13)


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(3, 8))
def test_least_root_is_a_minimum_to_rounding(seed: int, size: int) -> None:
    """At the minimum y_i a_ij w_j = y_j a_ji w_i for every missing pair, by numpy's left and right vectors."""
    matrix = incomplete(np.random.default_rng(seed), size, 0.7)
    _, _, rows, columns = upper_pairs(matrix)
    completed = least_root_completion(matrix, least_squares_logarithms(matrix))
    sides = []
    for side in (completed, completed.T):
        values, vectors = np.linalg.eig(side)
        sides.append(np.abs(vectors[:, values.real.argmax()].real))
    right, left = sides
    flow = left[:, None] * completed * right[None, :] / (left @ right)
    np.testing.assert_allclose(flow[rows, columns], flow[columns, rows], atol=1e-11)


def test_conjugate_gradients_agree_with_the_dense_hessian(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = incomplete(np.random.default_rng(4), 14, 0.6)
    direct, slopes = weights_and_root(matrix, "lambda_min"), pair_slopes(matrix, "lambda_min")
    monkeypatch.setattr(comparison_methods, "_DENSE", 0)
    iterated, others = weights_and_root(matrix, "lambda_min"), pair_slopes(matrix, "lambda_min")
    np.testing.assert_allclose(iterated[0], direct[0], rtol=1e-13)
    np.testing.assert_allclose(others.weights, slopes.weights, atol=1e-13)


def test_many_missing_pairs() -> None:
    """A path of sixty elements: consistent whatever is judged, so the root is n and the ratios multiply."""
    size = 60
    matrix = np.full((size, size), np.nan)
    np.fill_diagonal(matrix, 1.0)
    steps = np.exp(np.random.default_rng(5).normal(size=size - 1) / 4)
    place = np.arange(size - 1)
    matrix[place, place + 1], matrix[place + 1, place] = steps, 1.0 / steps
    expected = np.append(np.cumprod(steps[::-1])[::-1], 1.0)
    for method in METHODS:
        weights, root = weights_and_root(matrix, method)
        np.testing.assert_allclose(weights, expected / expected.sum(), rtol=1e-11)
        assert root == pytest.approx(size, rel=1e-12)
    assert geometric_consistency(matrix) == 0.0


def test_a_completion_that_does_not_settle_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison_methods, "_NEWTON_STEPS", 1)
    with pytest.raises(ArithmeticError, match="does not settle"):
        weights_and_root(incomplete(np.random.default_rng(6), 6, 0.6), "lambda_min")
    monkeypatch.setattr(comparison_methods, "_HALVINGS", 0)
    with pytest.raises(ArithmeticError, match="does not settle"):
        weights_and_root(incomplete(np.random.default_rng(6), 6, 0.6), "lambda_min")


@pytest.mark.parametrize("dense", [600, 0])
def test_a_least_root_that_is_flat_in_doubles_is_refused(dense: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Contradictions by 1e300: whatever the missing pair is, the root is the same double."""
    monkeypatch.setattr(comparison_methods, "_DENSE", dense)
    matrix = np.ones((4, 4))
    rows, columns = np.triu_indices(4, 1)
    matrix[rows, columns] = [1e126, 1e213, 1e-300, 1e-17, np.nan, 1e162]
    matrix[columns, rows] = 1.0 / matrix[rows, columns]
    with pytest.raises(ArithmeticError, match="does not settle"):
        weights_and_root(matrix, "lambda_min")


def test_contradictions_of_any_size_settle() -> None:
    """A circle of contradictions by 1e12 with both diagonals missing: the start is far from the minimum."""
    matrix = np.full((5, 5), np.nan)
    np.fill_diagonal(matrix, 1.0)
    ratios = [1e12, 1e-9, 1e12, 3.0, 1e5]
    for place, ratio in enumerate(ratios):
        other = (place + 1) % 5
        matrix[place, other], matrix[other, place] = ratio, 1.0 / ratio
    completed = least_root_completion(matrix, least_squares_logarithms(matrix))
    _, root = perron(completed)
    generator = np.random.default_rng(7)
    _, _, rows, columns = upper_pairs(matrix)
    for _ in range(50):
        trial = completed.copy()
        factors = np.exp(generator.normal(size=len(rows)) / 10)
        trial[rows, columns] *= factors
        trial[columns, rows] /= factors
        assert perron(trial)[1] >= root * (1 - 1e-13)


def test_geometric_consistency_by_its_definition() -> None:
    """Aguaron & Moreno-Jimenez (2003): 2 / ((n - 1)(n - 2)) times the squares; incomplete: the judged ones."""
    matrix = incomplete(np.random.default_rng(8), 6, 0.0)
    weights = least_squares(matrix)
    errors = np.log(matrix * weights[None, :] / weights[:, None])
    assert geometric_consistency(matrix) == pytest.approx(2 / (5 * 4) * (np.triu(errors) ** 2).sum(), rel=1e-12)
    weights = least_squares(BOZOKI)
    errors = np.log(BOZOKI * weights[None, :] / weights[:, None])
    assert geometric_consistency(BOZOKI) == pytest.approx(np.nansum(np.triu(errors) ** 2) / 2, rel=1e-12)


def test_missing_random_index_is_linear_down_to_a_tree() -> None:
    """Agoston & Csato (2022): RI (1 - 2m / ((n - 1)(n - 2))), which their table for n = 4, 5 follows nearly."""
    assert missing_random_index(0.884, 4, 1) == pytest.approx(0.884 * 2 / 3)
    assert missing_random_index(1.109, 5, 2) == pytest.approx(1.109 * 2 / 3)
    assert missing_random_index(1.109, 5, 6) == 0.0
    assert missing_random_index(0.0, 2, 0) == 0.0
    assert missing_random_index(0.884, 4, 1) == pytest.approx(0.583, abs=0.01)


@pytest.mark.parametrize("method", ["eigenvector", *METHODS])
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_slopes_against_central_differences(method: str, seed: int) -> None:
    matrix = incomplete(np.random.default_rng(seed), 6, 0.0 if method == "eigenvector" else 0.5)
    rows, columns, _, _ = upper_pairs(matrix)
    slopes = pair_slopes(matrix, method)
    step = 1e-5
    for pair, (row, column) in enumerate(zip(rows, columns, strict=True)):
        ends = []
        for sign in (1.0, -1.0):
            moved = matrix.copy()
            moved[row, column] *= np.exp(sign * step)
            moved[column, row] *= np.exp(-sign * step)
            ends.append(weights_and_root(moved, method))
        np.testing.assert_allclose(slopes.weights[pair], (ends[0][0] - ends[1][0]) / (2 * step), atol=1e-9)
        assert slopes.root[pair] == pytest.approx((ends[0][1] - ends[1][1]) / (2 * step), abs=1e-8)
    np.testing.assert_allclose(slopes.weights.sum(axis=1), 0.0, atol=1e-15)


def test_curvature_against_central_differences() -> None:
    matrix = incomplete(np.random.default_rng(14), 6, 0.6)
    _, _, rows, columns = upper_pairs(matrix)
    base = np.where(np.isnan(matrix), 1.0, matrix)

    def slopes(shifts: FloatArray) -> FloatArray:
        trial = base.copy()
        trial[rows, columns], trial[columns, rows] = np.exp(shifts), np.exp(-shifts)
        return root_slopes(scaled_chain(trial, perron(trial)[0]), rows, columns)

    curvature = Curvature(scaled_chain(base, perron(base)[0]), rows, columns)
    assert curvature.dense is not None
    step = 1e-5
    for place, direction in enumerate(np.eye(len(rows))):
        expected = (slopes(step * direction) - slopes(-step * direction)) / (2 * step)
        np.testing.assert_allclose(curvature.dense[:, place], expected, atol=1e-9)
        product = curvature_product(curvature.chain, rows, columns, direction)
        np.testing.assert_allclose(product, curvature.dense[:, place], atol=1e-14)
    assert np.linalg.eigvalsh(curvature.dense).min() > 0.0


@pytest.mark.parametrize("method", METHODS)
def test_a_weight_below_doubles_is_an_arithmetic_error(method: str) -> None:
    """Ratios of 1e200 along a path of four: the least weight would be 1e-600."""
    matrix = np.full((4, 4), np.nan)
    np.fill_diagonal(matrix, 1.0)
    for place in range(3):
        matrix[place, place + 1], matrix[place + 1, place] = 1e200, 1e-200
    with pytest.raises(ArithmeticError, match=r"too small|range of double"):
        pair_slopes(matrix, method)
