"""Exact limits of supermatrices: hand-worked answers, fractions, powers of the lazy chain, and laws."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue._kernels.stationary import stationary
from custvalue._kernels.structure import essential_classes, period
from custvalue._kernels.supermatrix import cesaro_limit, weigh_blocks

if TYPE_CHECKING:
    from custvalue._typing import FloatArray


def lazy_limit(matrix: FloatArray) -> FloatArray:
    """Second route: (I + W) / 2 has no cycles and the same Cesàro limit; square it until it stands still."""
    power = (np.eye(len(matrix)) + matrix) / 2.0
    for _ in range(80):
        power = power @ power
        power /= power.sum(axis=0)
    return np.asarray(power)


def exact_stationary(matrix: list[list[Fraction]]) -> list[Fraction]:
    """Second route: solve (I - W) x = 0 with the sum 1 by Gauss-Jordan elimination in fractions."""
    size = len(matrix)
    rows = [[Fraction(int(i == j)) - matrix[i][j] for j in range(size)] + [Fraction(0)] for i in range(size - 1)]
    rows.append([Fraction(1)] * (size + 1))
    for column in range(size):
        pivot = next(row for row in range(column, size) if rows[row][column] != 0)
        rows[column], rows[pivot] = rows[pivot], rows[column]
        rows[column] = [value / rows[column][column] for value in rows[column]]
        for row in range(size):
            if row != column:
                factor = rows[row][column]
                rows[row] = [a - factor * b for a, b in zip(rows[row], rows[column], strict=True)]
    return [row[-1] for row in rows]


def test_two_classes_and_two_transient_nodes() -> None:
    """Classes {0, 1} with (1/3, 2/3) and {2, 3} with (1/2, 1/2); node 4 is absorbed .68 / .32, node 5 .44 / .56.

    By hand: a4 = .4 + .25 a4 + .25 a5 and a5 = .1 + .5 a4, so that a4 = .68 and a5 = .44.
    """
    matrix = np.array(
        [
            [1 / 2, 1 / 4, 0, 0, 1 / 5, 0],
            [1 / 2, 3 / 4, 0, 0, 1 / 5, 1 / 10],
            [0, 0, 1 / 3, 2 / 3, 0, 1 / 10],
            [0, 0, 2 / 3, 1 / 3, 1 / 10, 3 / 10],
            [0, 0, 0, 0, 1 / 4, 1 / 2],
            [0, 0, 0, 0, 1 / 4, 0],
        ]
    )
    found = cesaro_limit(matrix)
    assert [members.tolist() for members in found.classes] == [[0, 1], [2, 3]]
    assert found.transient.tolist() == [4, 5]
    assert found.periods == (1, 1)
    np.testing.assert_allclose(found.absorption[:, 4:], [[0.68, 0.44], [0.32, 0.56]], rtol=1e-14)
    np.testing.assert_allclose(found.matrix[:, 4], [17 / 75, 34 / 75, 4 / 25, 4 / 25, 0, 0], rtol=1e-14)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_permutation_has_its_length_as_period(size: int) -> None:
    matrix = np.roll(np.eye(size), 1, axis=0)
    found = cesaro_limit(matrix)
    assert found.periods == (size,)
    np.testing.assert_allclose(found.matrix, np.full((size, size), 1 / size), rtol=1e-14)


def test_period_is_the_gcd_of_the_cycles() -> None:
    """Cycles of the lengths 4 and 6 through node 0: period 2; with a cycle of 3 added: period 1."""
    block = np.zeros((9, 9))
    for cycle in ([0, 1, 2, 3], [0, 4, 5, 6, 7, 8]):
        for start, end in zip(cycle, [*cycle[1:], 0], strict=True):
            block[end, start] = 1.0
    assert period(block) == 2
    block[0, 2] = 1.0
    assert period(block) == 1


def test_nearly_decomposable_block_keeps_every_digit() -> None:
    """Two groups joined by 1e-18 and 3e-18: by the cut, their weights are 3 : 1; I - W has no digit of that."""
    matrix = np.array([[0.5, 0.5, 0.0, 0.0], [0.5, 0.5, 3e-18, 0.0], [1e-18, 0.0, 0.5, 0.5], [0.0, 0.0, 0.5, 0.5]])
    np.testing.assert_allclose(stationary(matrix), [3 / 8, 3 / 8, 1 / 8, 1 / 8], rtol=1e-14)


def test_hardly_left_transient_node_is_absorbed() -> None:
    matrix = np.array([[1.0, 0.0, 1e-20], [0.0, 1.0, 3e-20], [0.0, 0.0, 1.0]])
    found = cesaro_limit(matrix)
    np.testing.assert_allclose(found.absorption[:, 2], [1 / 4, 3 / 4], rtol=1e-15)


def test_stiff_chain_does_not_overflow() -> None:
    """A birth-death chain that climbs with 1 - 1e-60: detailed balance puts all but 1e-60 on the last node."""
    size = 12
    up = 1.0 - 1e-60
    matrix = np.diag([up] * (size - 1), -1) + np.diag([1e-60] * (size - 1), 1)
    matrix[0, 0], matrix[-1, -1] = 1e-60, up
    vector = stationary(matrix)
    assert vector[-1] == pytest.approx(1.0, abs=1e-15)
    assert vector[-2] == pytest.approx(1e-60, rel=1e-13)


def test_underflow_is_refused_and_not_guessed() -> None:
    matrix = np.array([[0.0, 0.0, 1e-200], [1.0, 1.0, 1.0], [0.0, 1e-200, 0.0]])
    with pytest.raises(ArithmeticError, match="double precision"):
        stationary(matrix)
    joined = np.eye(5)
    joined[2:, 2:] = [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1e-200, 0.0]]
    joined[0, 4] = joined[1, 4] = 1e-200
    with pytest.raises(ArithmeticError, match="double precision"):
        cesaro_limit(joined)
    joined[1, 4] = 0.0  # with one class left, all influence ends there, however rarely
    joined[1, 1], joined[0, 1] = 0.0, 1.0
    np.testing.assert_array_equal(cesaro_limit(joined).matrix[0], np.ones(5))


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 5), st.data())
def test_stationary_agrees_with_fractions(size: int, data: st.DataObject) -> None:
    whole = st.lists(st.integers(1, 9), min_size=size, max_size=size)
    columns = [data.draw(whole) for _ in range(size)]
    exact = [[Fraction(column[row], sum(column)) for column in columns] for row in range(size)]
    got = stationary(np.array([[float(value) for value in row] for row in exact]))
    np.testing.assert_allclose(got, [float(value) for value in exact_stationary(exact)], rtol=1e-13)


SIZES = (0.0, 0.0, 0.0, 1e-30, 1e-12, 1e-3, 1.0, 2.0, 5.0)


@st.composite
def stochastic(draw: st.DrawFn) -> FloatArray:
    """Draw reducible, cyclic, nearly decomposable, absorbing and dense matrices alike."""
    size = draw(st.integers(1, 7))
    entries = st.lists(st.sampled_from(SIZES), min_size=size, max_size=size)
    matrix = np.array([draw(entries) for _ in range(size)]).T
    empty = matrix.sum(axis=0) == 0.0
    matrix[draw(st.integers(0, size - 1)), empty] = 1.0
    return np.asarray(matrix / matrix.sum(axis=0))


@settings(max_examples=400, deadline=None)
@given(stochastic())
def test_limit_laws(matrix: FloatArray) -> None:
    found = cesaro_limit(matrix)
    limit = found.matrix
    assert np.isfinite(limit).all()
    assert (limit >= 0.0).all()
    np.testing.assert_allclose(limit.sum(axis=0), 1.0, rtol=1e-14)
    np.testing.assert_allclose(matrix @ limit, limit, atol=1e-14)
    np.testing.assert_allclose(limit @ matrix, limit, atol=1e-14)
    np.testing.assert_allclose(limit @ limit, limit, atol=1e-14)
    nodes = sorted([*found.transient.tolist(), *(node for members in found.classes for node in members.tolist())])
    assert nodes == list(range(len(matrix)))
    assert (limit[found.transient] == 0.0).all()
    if len(found.classes) == 1:
        assert (limit == limit[:, :1]).all()


@settings(max_examples=150, deadline=None)
@given(stochastic(), st.randoms(use_true_random=False))
def test_permuting_the_nodes_permutes_the_limit(matrix: FloatArray, random: object) -> None:
    order = list(range(len(matrix)))
    random.shuffle(order)  # type: ignore[attr-defined]  # a shuffled list
    limit = cesaro_limit(matrix).matrix
    permuted = cesaro_limit(matrix[np.ix_(order, order)]).matrix
    np.testing.assert_allclose(permuted, limit[np.ix_(order, order)], rtol=1e-12, atol=1e-300)


@settings(max_examples=150, deadline=None)
@given(stochastic())
def test_limit_agrees_with_powers_of_the_lazy_chain(matrix: FloatArray) -> None:
    matrix = np.where(matrix < 1e-6, 0.0, matrix)
    matrix = np.asarray(matrix / matrix.sum(axis=0))
    np.testing.assert_allclose(cesaro_limit(matrix).matrix, lazy_limit(matrix), atol=1e-9)


def test_essential_classes_of_a_chain_of_groups() -> None:
    """0 and 1 feed each other, then leak into 2, which keeps all."""
    matrix = np.array([[0.0, 0.5, 0.0], [1.0, 0.0, 0.0], [0.0, 0.5, 1.0]])
    classes, transient = essential_classes(matrix)
    assert [members.tolist() for members in classes] == [[2]]
    assert transient.tolist() == [0, 1]


def test_missing_block_gives_its_weight_to_the_others() -> None:
    """Column 0 has no block of its own cluster, so that the weight 1 goes to the other one."""
    matrix = np.array([[0.0, 1.0, 1.0], [0.5, 0.0, 1.0], [0.5, 1.0, 0.0]])
    got = weigh_blocks(matrix, np.array([0, 1, 1]), np.array([[0.4, 0.3], [0.6, 0.7]]))
    np.testing.assert_allclose(got, [[0.0, 0.3, 0.3], [0.5, 0.0, 0.7], [0.5, 0.7, 0.0]], rtol=1e-15)
