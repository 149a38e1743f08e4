"""Structure of a matrix against brute force on its pattern: reach, classes, periods, and the quick look."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue._kernels.structure import (
    essential_classes,
    ordinary_period,
    period,
    reaching,
    strong_components,
)

if TYPE_CHECKING:
    from custvalue._typing import BoolArray, FloatArray


@st.composite
def patterns(draw: st.DrawFn) -> FloatArray:
    size = draw(st.integers(1, 7))
    entries = st.lists(st.sampled_from((0.0, 0.0, 0.0, 1.0)), min_size=size, max_size=size)
    return np.array([draw(entries) for _ in range(size)])


def reach(matrix: FloatArray) -> BoolArray:
    """Brute force: entry (i, j) is true if influence of i arrives at j, by any number of steps, none included."""
    size = len(matrix)
    steps = (matrix > 0.0) | np.eye(size, dtype=np.bool_)
    return np.asarray(np.linalg.matrix_power(steps.astype(np.int64), size) > 0)


def brute_period(matrix: FloatArray) -> int:
    """Brute force: the greatest common divisor of the lengths of all closed walks through node 0."""
    steps = (matrix > 0.0).astype(np.int64)
    power, divisor = np.eye(len(matrix), dtype=np.int64), 0
    for length in range(1, 4 * len(matrix) ** 2):
        power = ((power @ steps) > 0).astype(np.int64)
        if power[0, 0]:
            divisor = gcd(divisor, length)
    return divisor


@settings(max_examples=300)
@given(patterns())
def test_structure_by_brute_force(matrix: FloatArray) -> None:
    arrives = reach(matrix)
    together = arrives & arrives.T
    count, labels = strong_components(matrix)
    np.testing.assert_array_equal(labels[:, None] == labels[None, :], together)
    assert count == len(np.unique(labels))
    classes, transient = essential_classes(matrix)
    stays = np.array([together[arrives[:, node], node].all() for node in range(len(matrix))])
    np.testing.assert_array_equal(transient, np.flatnonzero(~stays))
    for members in classes:
        np.testing.assert_array_equal(members, np.flatnonzero(together[members[0]]))
    for node in range(len(matrix)):
        np.testing.assert_array_equal(reaching(matrix, np.array([node])), arrives[node])


@settings(max_examples=300)
@given(patterns(), st.booleans())
def test_periods_by_brute_force(matrix: FloatArray, ring: bool) -> None:  # noqa: FBT001 - hypothesis draws it
    if ring:
        matrix = matrix + np.roll(np.eye(len(matrix)), 1, axis=0)
    quick = ordinary_period(matrix)
    whole = bool(reach(matrix).all()) and bool(matrix.any())
    if quick is not None:
        assert whole
        assert quick == brute_period(matrix)
    if whole:
        assert period(matrix) == brute_period(matrix)
        assert ordinary_period(matrix, depth=20) == brute_period(matrix)


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        (np.ones((3, 3)), 1),
        (np.ones((1, 1)), 1),
        (np.ones((2, 2)) - np.eye(2), 2),
        (np.ones((3, 3)) - np.eye(3), 1),
        (np.kron(np.ones((2, 2)) - np.eye(2), np.ones((3, 3))), 2),
        (np.roll(np.eye(4), 1, axis=0), 4),
        (np.roll(np.eye(5), 1, axis=0), None),  # deeper than the quick look
        (np.eye(2), None),
        (np.array([[1.0, 1.0], [0.0, 1.0]]), None),
        (np.array([[1.0, 0.0], [1.0, 1.0]]), None),
    ],
)
def test_quick_look(matrix: FloatArray, expected: int | None) -> None:
    assert ordinary_period(matrix) == expected
