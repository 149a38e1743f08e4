"""Many limits at once against one at a time, in fractions, and by powers of the lazy chain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue._kernels.supermatrix import cesaro_limit
from custvalue._kernels.supermatrix_batch import limit_columns_batch, stationary_batch


def test_two_nodes_by_hand() -> None:
    """Columns (1 - a, a) and (b, 1 - b) have the limit (b, a) / (a + b)."""
    rng = np.random.default_rng(0)
    a, b = rng.random(50), rng.random(50)
    blocks = np.array([[1.0 - a, b], [a, 1.0 - b]]).transpose(2, 0, 1)
    expected = np.column_stack([b, a]) / (a + b)[:, None]
    np.testing.assert_allclose(stationary_batch(blocks), expected, rtol=1e-14)


@pytest.mark.parametrize(("count", "size"), [(0, 3), (3, 1), (70, 3), (700, 25), (3, 60)])
def test_blocks_by_powers_of_the_lazy_chain(count: int, size: int) -> None:
    """Numbers of blocks below and above what is worked on at a time, sizes below and above one by one."""
    blocks = np.random.default_rng(size).random((count, size, size)) + 0.1
    blocks /= blocks.sum(axis=1, keepdims=True)
    power = (np.eye(size) + blocks) / 2.0
    for _ in range(12):
        power = power @ power
    kept = blocks.copy()
    np.testing.assert_allclose(stationary_batch(blocks), power[:, :, 0], rtol=1e-11)
    np.testing.assert_array_equal(blocks, kept)


def test_nearly_decomposable_blocks_keep_every_digit() -> None:
    joint = 10.0 ** -np.arange(1.0, 61.0, 3.0)
    blocks = np.zeros((len(joint), 2, 2))
    blocks[:, 1, 0], blocks[:, 0, 1] = joint, 3.0 * joint
    blocks[:, 0, 0], blocks[:, 1, 1] = 1.0 - joint, 1.0 - 3.0 * joint
    np.testing.assert_allclose(stationary_batch(blocks), np.tile([0.75, 0.25], (len(joint), 1)), rtol=1e-14)


@settings(max_examples=150)
@given(st.integers(1, 7), st.integers(0, 10**6))
def test_columns_one_at_a_time(size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pattern = rng.random((size, size)) < 0.3
    pattern[rng.integers(0, size), ~pattern.any(axis=0)] = True
    matrices = (rng.random((4, size, size)) + 0.01) * pattern
    matrices /= matrices.sum(axis=1, keepdims=True)
    singles = [cesaro_limit(matrix) for matrix in matrices]
    for start in range(size):
        expected = [single.matrix[:, start] for single in singles]
        np.testing.assert_allclose(limit_columns_batch(matrices, start), expected, rtol=1e-11)
    if len(singles[0].classes) == 1:
        np.testing.assert_allclose(
            limit_columns_batch(matrices, None), [single.matrix[:, 0] for single in singles], rtol=1e-11
        )
    else:
        with pytest.raises(ValueError, match="several essential classes"):
            limit_columns_batch(matrices, None)


def test_no_matrices() -> None:
    assert limit_columns_batch(np.zeros((0, 3, 3)), None).shape == (0, 3)


def test_underflow_is_refused() -> None:
    block = np.array([[0.0, 0.0, 1e-200], [1.0, 1.0, 1.0], [0.0, 1e-200, 0.0]])
    with pytest.raises(ArithmeticError, match="double precision"):
        stationary_batch(np.stack([np.full((3, 3), 1 / 3), block]))
    matrix = np.zeros((5, 5))
    matrix[0, 0] = matrix[1, 1] = 1.0
    matrix[3, 2:] = 1.0
    matrix[4, 3] = matrix[0, 4] = matrix[1, 4] = 1e-200
    with pytest.raises(ArithmeticError, match="double precision"):
        limit_columns_batch(matrix[None], 2)
