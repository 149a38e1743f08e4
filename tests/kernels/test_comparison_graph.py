"""The graph of judged pairs: textbook resistances, pseudo-inverses by another route, brute force over edges."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custvalue._kernels.comparison_graph import components, laplacian_inverse, next_link, resistances

if TYPE_CHECKING:
    from custvalue._typing import BoolArray, FloatArray


def graph(size: int, edges: list[tuple[int, int]]) -> BoolArray:
    adjacency = np.zeros((size, size), dtype=np.bool_)
    for one, other in edges:
        adjacency[one, other] = adjacency[other, one] = True
    return adjacency


def laplacian(weights: FloatArray) -> FloatArray:
    return np.asarray(np.diag(weights.sum(axis=1)) - weights)


def kirchhoff(adjacency: BoolArray) -> float:
    """Second route: n times the sum of the inverse positive eigenvalues of the Laplacian."""
    values = np.linalg.eigvalsh(laplacian(adjacency.astype(np.float64)))
    return float(len(adjacency) * (1.0 / values[1:]).sum())


def test_components_in_the_order_of_their_first_node() -> None:
    parts = components(6, np.array([5, 1]), np.array([0, 3]))
    assert [part.tolist() for part in parts] == [[0, 5], [1, 3], [2], [4]]


def test_resistances_of_paths_and_circles() -> None:
    """Series: the number of edges. A circle of n: k (n - k) / n (Klein & Randic 1993)."""
    path = graph(5, [(k, k + 1) for k in range(4)])
    np.testing.assert_allclose(
        resistances(laplacian_inverse(path.astype(np.float64)))[0], [0.0, 1.0, 2.0, 3.0, 4.0], atol=1e-13
    )
    circle = graph(6, [(k, (k + 1) % 6) for k in range(6)])
    expected = np.array([k * (6 - k) / 6 for k in range(6)])
    np.testing.assert_allclose(resistances(laplacian_inverse(circle.astype(np.float64)))[0], expected, atol=1e-13)


@given(st.integers(2, 8), st.data())
def test_laplacian_inverse_is_the_pseudo_inverse(size: int, data: st.DataObject) -> None:
    draw = st.lists(st.floats(0.1, 10.0), min_size=size * size, max_size=size * size)
    weights = np.array(data.draw(draw)).reshape(size, size)
    weights = weights + weights.T
    np.fill_diagonal(weights, 0.0)
    np.testing.assert_allclose(laplacian_inverse(weights), np.linalg.pinv(laplacian(weights)), atol=1e-12)


@given(st.integers(3, 8), st.data())
def test_next_link_lowers_the_kirchhoff_index_most(size: int, data: st.DataObject) -> None:
    pairs = list(combinations(range(size), 2))
    kept = data.draw(st.lists(st.sampled_from(pairs), max_size=len(pairs), unique=True))
    spine = [(k, k + 1) for k in range(size - 1)]
    adjacency = graph(size, spine + kept)
    candidates = [pair for pair in pairs if not adjacency[pair]]
    if not candidates:
        assert next_link(adjacency) is None
        return
    after = [kirchhoff(adjacency | graph(size, [pair])) for pair in candidates]
    found = next_link(adjacency)
    assert found is not None
    ties = [pair for pair, value in zip(candidates, after, strict=True) if value <= min(after) * (1 + 1e-7)]
    assert found in ties
    strict = [pair for pair, value in zip(candidates, after, strict=True) if value <= min(after) * (1 + 1e-11)]
    assert found <= max(strict)


def test_ties_go_to_the_first_pair() -> None:
    star = graph(4, [(0, 1), (0, 2), (0, 3)])
    assert next_link(star) == (1, 2)


@pytest.mark.parametrize(
    ("size", "edges", "expected"),
    [
        (3, [], (0, 1)),  # single nodes, in their order
        (7, [(0, 1), (2, 3), (3, 4), (5, 6)], (0, 3)),  # the largest from its middle, then the first of two pairs
        (6, [(0, 1), (1, 2), (3, 4), (4, 5)], (1, 4)),  # two paths from middle to middle
        (5, [(1, 2), (2, 3), (3, 4)], (0, 2)),  # the earlier of the two middle nodes
    ],
)
def test_a_graph_that_falls_apart_is_joined(
    size: int, edges: list[tuple[int, int]], expected: tuple[int, int]
) -> None:
    assert next_link(graph(size, edges)) == expected
