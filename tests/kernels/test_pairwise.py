"""Priorities of one comparison matrix: printed answers, a second route in 120 digits, laws."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue._kernels.pairwise import RANDOM_INDICES, geometric_means, perron, random_index

if TYPE_CHECKING:
    from custvalue._typing import FloatArray

#: Saaty (1990), How to make a decision, EJOR 48:9-26: eight criteria of buying a house, upper triangle.
HOUSE = (
    *(5, 3, 7, 6, 6, 1 / 3, 1 / 4, 1 / 3, 5, 3, 3, 1 / 5, 1 / 7, 6, 3, 4, 6, 1 / 5),
    *(1 / 3, 1 / 4, 1 / 7, 1 / 8, 1 / 2, 1 / 5, 1 / 6, 1 / 5, 1 / 6, 1 / 2),
)


def reciprocal(upper: tuple[float, ...] | list[float], size: int) -> FloatArray:
    matrix = np.ones((size, size))
    rows, columns = np.triu_indices(size, 1)
    matrix[rows, columns] = upper
    matrix[columns, rows] = 1.0 / np.asarray(upper)
    return matrix


def perron_in_120_digits(matrix: FloatArray) -> tuple[list[float], float]:
    """Second route: repeated squaring in decimal arithmetic; the row sums of A^(2^k) tend to the Perron vector."""
    with localcontext() as context:
        context.prec = 120
        exact = [[Decimal(float(value)) for value in row] for row in matrix]
        power = exact
        for _ in range(130):
            power = [
                [
                    sum((a * b for a, b in zip(row, column, strict=True)), Decimal(0))
                    for column in zip(*power, strict=True)
                ]
                for row in power
            ]
            largest = max(map(max, power))
            power = [[value / largest for value in row] for row in power]
        sums = [sum(row, Decimal(0)) for row in power]
        weights = [value / sum(sums, Decimal(0)) for value in sums]
        image = sum((a * w for row in exact for a, w in zip(row, weights, strict=True)), Decimal(0))
        return [float(weight) for weight in weights], float(image)


def test_house_saaty_1990() -> None:
    """Printed in Saaty (1990): lambda_max 9.669 and the weights, to the last printed digit."""
    weights, root = perron(reciprocal(HOUSE, 8))
    np.testing.assert_allclose(weights, [0.173, 0.054, 0.188, 0.018, 0.031, 0.036, 0.167, 0.333], atol=5.1e-4)
    assert root == pytest.approx(9.669, abs=5e-4)


def test_harker_1987() -> None:
    """Printed by SuperDecisions after Harker (1987): x = (.5396145, .2969613, .1634241)."""
    weights, _ = perron(reciprocal((2, 3, 2), 3))
    np.testing.assert_allclose(weights, [0.5396145, 0.2969613, 0.1634241], atol=1e-7)


def test_source_control_layer() -> None:
    """The source's control weights (0.1312, 0.7928, 0.0760) from the judgments 1/7, 2, 9; lambda_max 3.02173."""
    weights, root = perron(reciprocal((1 / 7, 2, 9), 3))
    np.testing.assert_allclose(weights, [0.1312, 0.7928, 0.0760], atol=5e-5)
    assert root == pytest.approx(3.02173, abs=5e-6)


@pytest.mark.parametrize(
    ("upper", "size"),
    [
        (HOUSE, 8),
        ((1 / 7, 2, 9), 3),
        ((9, 1 / 9, 9), 3),
        ((1e30, 1e-30, 1e30), 3),
        ((3e-7, 5e9, 2e4, 7, 1e-3, 8), 4),
    ],
)
def test_perron_agrees_with_120_digits(upper: tuple[float, ...], size: int) -> None:
    matrix = reciprocal(upper, size)
    weights, root = perron(matrix)
    expected, expected_root = perron_in_120_digits(matrix)
    np.testing.assert_allclose(weights, expected, rtol=2e-14)
    assert root == pytest.approx(expected_root, rel=1e-14)


def test_a_contradiction_far_from_its_means() -> None:
    """The dominant circle 1 > 4 > 2 > 1 has the root 7.0e171, far from the row means; the bounds of Collatz, in
    fractions, prove the answer.
    """
    matrix = reciprocal((1.2e-85, 1.7e-23, 5.8e216, 7.6e85, 1.4e-214, 0.21), 4)
    weights, root = perron(matrix)
    exact = [Fraction(float(weight)) for weight in weights]
    for row, weight in zip(matrix, exact, strict=True):
        image = sum((Fraction(float(a)) * w for a, w in zip(row, exact, strict=True)), Fraction(0))
        assert float(image / weight) == pytest.approx(root, rel=1e-11)
    circle = (5.8e216, 1 / 1.4e-214, 1 / 1.2e-85)
    assert root == pytest.approx(float(np.prod(np.cbrt(circle))), rel=1e-9)


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 9), st.data())
def test_perron_agrees_with_numpy_and_bounds(size: int, data: st.DataObject) -> None:
    logarithms = data.draw(
        st.lists(st.floats(-3.0, 3.0), min_size=size * (size - 1) // 2, max_size=size * (size - 1) // 2)
    )
    matrix = reciprocal(np.exp(logarithms).tolist(), size)
    weights, root = perron(matrix)
    values, vectors = np.linalg.eig(matrix)
    principal = np.abs(vectors[:, np.argmax(values.real)].real)
    np.testing.assert_allclose(weights, principal / principal.sum(), rtol=1e-9, atol=1e-12)
    assert root == pytest.approx(float(values.real.max()), rel=1e-12)
    assert root >= size * (1 - 1e-14)
    assert (weights > 0.0).all()
    assert weights.sum() == pytest.approx(1.0, abs=1e-15 * size)


@given(st.lists(st.floats(1e-150, 1e150), min_size=1, max_size=8))
def test_consistent_judgments_give_back_their_scale(scale: list[float]) -> None:
    values = np.asarray(scale)
    values /= values.max()
    matrix = np.asarray(values[:, None] / values[None, :])
    weights, root = perron(matrix)
    np.testing.assert_allclose(weights, values / values.sum(), rtol=1e-13)
    np.testing.assert_allclose(geometric_means(matrix), values / values.sum(), rtol=1e-12)
    assert root == pytest.approx(len(scale), rel=1e-14)


def test_geometric_means_saaty_1990() -> None:
    """The printed weights of pyDecision issue 15 are the geometric means of Saaty's house matrix."""
    weights = geometric_means(reciprocal(HOUSE, 8))
    np.testing.assert_allclose(weights, [0.175, 0.063, 0.149, 0.019, 0.036, 0.042, 0.167, 0.350], atol=5.1e-4)


def test_contradiction_beyond_doubles_is_an_arithmetic_error() -> None:
    upper = np.array([1e305, 1e-305, 1e-305, 1e305, 1e305, 1.0])
    with pytest.raises(ArithmeticError, match="contradict"):
        perron(reciprocal(upper.tolist(), 4))
    matrix = reciprocal((upper**0.1).tolist(), 4)
    weights, root = perron(matrix)
    expected, expected_root = perron_in_120_digits(matrix)
    np.testing.assert_allclose(weights, expected, rtol=1e-13)
    assert root == pytest.approx(expected_root, rel=1e-13)


def test_random_indices_are_the_printed_ones() -> None:
    """Alonso & Lamata (2006): 0.5245 at 3, 1.5838 at 15 and the line beyond; Saaty (1980, 2005): 0.58 and 0.52."""
    assert [random_index(name, 3) for name in ("alonso_lamata", "saaty_1980", "saaty_2005")] == [
        0.5245,
        0.58,
        0.52,
    ]
    assert random_index("alonso_lamata", 15) == 1.5838
    assert random_index("alonso_lamata", 16) == pytest.approx((2.7699 * 16 - 4.3513 - 16) / 15, rel=1e-15)
    assert random_index("saaty_1980", 16) is None
    assert random_index("saaty_2005", 2) == 0.0
    assert {len(table) for table in RANDOM_INDICES.values()} == {13}


def test_random_index_agrees_with_a_simulation() -> None:
    """Second route: mean consistency index of random judgments on the scale 1/9..9 (Alonso & Lamata 2006)."""
    scale = np.concatenate([1.0 / np.arange(9, 1, -1), np.arange(1, 10)])
    generator = np.random.default_rng(20061)
    for size in (3, 4, 5):
        upper = generator.choice(scale, (2_000, size * (size - 1) // 2))
        indices = [(perron(reciprocal(row.tolist(), size))[1] - size) / (size - 1) for row in upper]
        error = np.std(indices) / np.sqrt(len(indices))
        assert np.mean(indices) == pytest.approx(random_index("alonso_lamata", size), abs=4 * error)
