"""Many comparison matrices at once: numpy's eigenvectors, the single routes, extremes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from custvalue._kernels import pairwise_batch
from custvalue._kernels.comparison_methods import harker_matrix, least_squares_logarithms
from custvalue._kernels.pairwise import perron
from custvalue._kernels.pairwise_batch import connected_batch, least_squares_batch, perron_batch


def reciprocal_stack(generator: np.random.Generator, count: int, size: int, spread: float) -> np.ndarray:
    stack = np.ones((count, size, size))
    rows, columns = np.triu_indices(size, 1)
    stack[:, rows, columns] = np.exp(spread * generator.normal(size=(count, len(rows))))
    stack[:, columns, rows] = 1.0 / stack[:, rows, columns]
    return stack


@settings(max_examples=50)
@given(st.integers(0, 10_000), st.integers(1, 12), st.floats(0.01, 3.0))
def test_perron_batch_against_numpy(seed: int, size: int, spread: float) -> None:
    stack = reciprocal_stack(np.random.default_rng(seed), 7, size, spread)
    weights, roots = perron_batch(stack)
    for matrix, vector, root in zip(stack, weights, roots, strict=True):
        assert root == pytest.approx(float(np.linalg.eigvals(matrix).real.max()), rel=1e-11)
        np.testing.assert_allclose(matrix @ vector, root * vector, rtol=1e-13)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-14)


@pytest.mark.parametrize(("size", "spread"), [(9, 0.3), (30, 1.0), (41, 1.0), (5, 40.0)])
def test_perron_batch_agrees_with_one_by_one(size: int, spread: float) -> None:
    """Ratios of exp(40 z) and matrices of more than 40 rows take the single route; the answer is one."""
    stack = reciprocal_stack(np.random.default_rng(size), 20, size, spread)
    weights, roots = perron_batch(stack)
    for matrix, vector, root in zip(stack, weights, roots, strict=True):
        expected, expected_root = perron(matrix)
        np.testing.assert_allclose(vector, expected, rtol=1e-13)
        assert root == pytest.approx(expected_root, rel=1e-13)


def test_chunks_and_extremes_stay_in_their_places(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = reciprocal_stack(np.random.default_rng(3), 60, 4, 1.0)
    stack[17] = reciprocal_stack(np.random.default_rng(4), 1, 4, 300.0)[0]
    together, roots = perron_batch(stack)
    monkeypatch.setattr(pairwise_batch, "_CHUNK", 1)
    apart, others = perron_batch(stack)
    np.testing.assert_array_equal(apart, together)
    np.testing.assert_array_equal(others, roots)
    for place in (0, 16, 17, 18, 59):
        np.testing.assert_allclose(together[place], perron(stack[place])[0], rtol=1e-13)


def test_consistent_matrices_give_back_their_scale() -> None:
    scale = np.exp(np.random.default_rng(5).normal(size=(40, 9)))
    weights, roots = perron_batch(scale[:, :, None] / scale[:, None, :])
    np.testing.assert_allclose(weights, scale / scale.sum(axis=1, keepdims=True), rtol=1e-14)
    np.testing.assert_allclose(roots, 9.0, rtol=1e-14)


def test_patterns_may_differ() -> None:
    generator = np.random.default_rng(6)
    stack = reciprocal_stack(generator, 50, 6, 1.0)
    gone = np.triu(generator.random((50, 6, 6)) < 0.4, 2)
    stack[gone | gone.transpose(0, 2, 1)] = np.nan
    weights, roots = perron_batch(harker_matrix(stack))
    logarithms = least_squares_batch(stack)
    for place, matrix in enumerate(stack):
        expected, root = perron(harker_matrix(matrix), least_squares_logarithms(matrix))
        np.testing.assert_allclose(weights[place], expected, rtol=1e-13)
        assert roots[place] == pytest.approx(root, rel=1e-13)
        by_one = least_squares_logarithms(matrix)
        np.testing.assert_allclose(logarithms[place], by_one - by_one.mean(), atol=1e-13)


@given(st.integers(0, 10_000), st.integers(1, 9))
def test_connected_batch_against_scipy(seed: int, size: int) -> None:
    judged = np.random.default_rng(seed).random((8, size, size)) < 0.25
    judged |= judged.transpose(0, 2, 1) | np.eye(size, dtype=np.bool_)
    expected = [connected_components(graph, directed=False)[0] == 1 for graph in judged]
    assert connected_batch(judged).tolist() == expected


def test_a_long_path_connects() -> None:
    path = np.eye(33, dtype=np.bool_) | np.eye(33, k=1, dtype=np.bool_) | np.eye(33, k=-1, dtype=np.bool_)
    broken = path.copy()
    broken[15, 16] = broken[16, 15] = False
    assert connected_batch(np.array([path, broken])).tolist() == [True, False]


def test_contradiction_beyond_doubles_is_an_arithmetic_error() -> None:
    upper = [1e305, 1e-305, 1e-305, 1e305, 1e305, 1.0]
    matrix = np.ones((4, 4))
    rows, columns = np.triu_indices(4, 1)
    matrix[rows, columns], matrix[columns, rows] = upper, 1.0 / np.array(upper)
    with pytest.raises(ArithmeticError, match="contradict"):
        perron_batch(np.array([np.ones((4, 4)), matrix]))
