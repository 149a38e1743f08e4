"""One stationary vector: by a certified solve, by elimination in panels, and its derivatives."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue._kernels.stationary import (
    eliminate,
    eliminated_stationary,
    group_inverse,
    solved_stationary,
    stationary,
)
from custvalue._kernels.supermatrix import cesaro_limit

if TYPE_CHECKING:
    from custvalue._typing import FloatArray


def random_matrix(size: int, seed: int, density: float = 1.0) -> FloatArray:
    """Draw an irreducible matrix: random entries and a cycle through all nodes."""
    rng = np.random.default_rng(seed)
    matrix = rng.random((size, size)) * (rng.random((size, size)) < density)
    matrix += np.roll(np.eye(size), 1, axis=0)
    return np.asarray(matrix / matrix.sum(axis=0))


def node_by_node(matrix: FloatArray) -> FloatArray:
    """Second route: the textbook elimination, one node at a time, in extended precision."""
    work = matrix.astype(np.longdouble)
    size = len(work)
    exits = np.ones(size, dtype=np.longdouble)
    for node in range(size - 1, 0, -1):
        exits[node] = work[:node, node].sum()
        work[:node, :node] += np.outer(work[:node, node] / exits[node], work[node, :node])
    vector = np.zeros(size, dtype=np.longdouble)
    vector[0] = 1
    for node in range(1, size):
        vector[node] = (work[node, :node] @ vector[:node]) / exits[node]
    return np.asarray(vector / vector.sum(), dtype=np.float64)


@pytest.mark.parametrize("density", [1.0, 0.1])
@pytest.mark.parametrize("size", [1, 2, 31, 32, 33, 64, 65, 100])
def test_panels_and_solve_agree_with_the_textbook(size: int, density: float) -> None:
    """Sizes on both sides of a panel's edge."""
    matrix = random_matrix(size, size, density)
    expected = node_by_node(matrix)
    np.testing.assert_allclose(eliminated_stationary(matrix), expected, rtol=1e-13)
    np.testing.assert_allclose(stationary(matrix), expected, rtol=1e-11)
    solved = solved_stationary(matrix, None)
    if solved is not None:
        np.testing.assert_allclose(solved, expected, rtol=1e-11)
    if density == 1.0:
        assert solved is not None  # the ordinary case takes the fast route


@pytest.mark.parametrize("size", [5, 80])
def test_layout_and_sums_do_not_matter(size: int) -> None:
    matrix = random_matrix(size, 1)
    expected = node_by_node(matrix)
    factors = 1.0 + np.linspace(-4e-4, 4e-4, size)
    for layout in (matrix, np.asfortranarray(matrix), np.repeat(matrix, 2, axis=1)[:, ::2]):
        kept = layout.copy()
        np.testing.assert_allclose(stationary(layout), expected, rtol=1e-12)
        np.testing.assert_allclose(stationary(layout * factors, factors), expected, rtol=1e-12)
        np.testing.assert_allclose(eliminated_stationary(layout), expected, rtol=1e-13)
        np.testing.assert_array_equal(layout, kept)


@pytest.mark.parametrize("joint", [1e-6, 1e-10, 1e-18, 1e-60])
def test_no_solve_is_taken_without_proof(joint: float) -> None:
    """Two groups of 20 joined by one rare step each way: by the cut, their weights are 3 : 1."""
    rng = np.random.default_rng(2)
    matrix = np.zeros((40, 40))
    for first in (0, 20):
        group = rng.random((20, 20))
        group = (group + group.T) / 2.0  # doubly stochastic after balancing: equal weights within the group
        for _ in range(500):
            group /= group.sum(axis=0)
            group = ((group / group.sum(axis=1)[:, None]) + (group / group.sum(axis=1)[:, None]).T) / 2.0
        matrix[first : first + 20, first : first + 20] = group
    matrix[20, 0], matrix[0, 20] = joint, 3.0 * joint
    matrix[0, 0] -= joint
    matrix[20, 20] -= 3.0 * joint
    got = stationary(matrix)
    expected = np.repeat([3.0 / 80.0, 1.0 / 80.0], 20)
    np.testing.assert_allclose(got, expected, rtol=1e-9)
    if joint <= 1e-10:
        assert solved_stationary(matrix, None) is None


@settings(max_examples=150)
@given(st.integers(2, 40), st.integers(0, 10**6), st.floats(0.0, 18.0), st.floats(0.05, 1.0))
def test_what_is_taken_is_accurate(size: int, seed: int, spread: float, density: float) -> None:
    """Entries over up to 18 orders of magnitude: whichever route is taken, every entry is right."""
    rng = np.random.default_rng(seed)
    matrix = random_matrix(size, seed, density) * 10.0 ** (-spread * rng.random((size, size)))
    matrix /= matrix.sum(axis=0)
    np.testing.assert_allclose(stationary(matrix), node_by_node(matrix), rtol=2e-10)


def test_elimination_keeps_the_first_nodes() -> None:
    """Three nodes, the last eliminated by hand: it passes on 1/4 and 3/4 of what reaches it."""
    work = np.array([[9.0, 0.0, 0.1], [0.5, 9.0, 0.3], [0.5, 0.2, 9.0]])
    exits = eliminate(work, 2)
    np.testing.assert_allclose(work[:2, 2], [0.25, 0.75], rtol=1e-15)
    assert exits[2] == pytest.approx(0.4, rel=1e-15)
    np.testing.assert_allclose(work[[0, 1], [1, 0]], [0.2 * 0.25, 0.5 + 0.5 * 0.75], rtol=1e-15)


def test_group_inverse_laws() -> None:
    parted = np.asarray(np.kron(np.eye(2), random_matrix(3, 4)), dtype=np.float64)
    for matrix in (random_matrix(6, 3), np.roll(np.eye(4), 1, axis=0), parted):
        limit = cesaro_limit(matrix).matrix
        difference = np.eye(len(matrix)) - matrix
        inverse = group_inverse(matrix, limit)
        np.testing.assert_allclose(difference @ inverse @ difference, difference, atol=1e-13)
        np.testing.assert_allclose(inverse @ difference @ inverse, inverse, atol=1e-13)
        np.testing.assert_allclose(difference @ inverse, inverse @ difference, atol=1e-13)
        np.testing.assert_allclose(inverse @ limit, 0.0, atol=1e-13)


def test_group_inverse_is_the_derivative() -> None:
    """A 2 x 2 chain, in fractions: columns (1 - a, a) and (b, 1 - b) have the limit (b, a) / (a + b)."""
    a, b = Fraction(1, 4), Fraction(1, 3)
    matrix = np.array([[float(1 - a), float(b)], [float(a), float(1 - b)]])
    limit = cesaro_limit(matrix).matrix
    inverse = group_inverse(matrix, limit)
    moved = inverse @ np.array([-1.0, 1.0]) * limit[0, 0]  # a grows: column 0 moves by (-1, 1)
    total = (a + b) ** 2
    np.testing.assert_allclose(moved, [float(-b / total), float(b / total)], rtol=1e-14)


def test_group_inverse_of_what_falls_apart_is_refused() -> None:
    with pytest.raises(ArithmeticError, match="falls apart"):
        group_inverse(np.eye(2), np.zeros((2, 2)))
