"""Modularity, greedy joins, Louvain and refinement: published figures, brute force over all partitions, laws."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue._kernels.communities import (
    communities,
    greedy_modularity,
    louvain,
    modularity,
    move_nodes,
    numbered,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from custvalue._typing import FloatArray

#: Friendships of Zachary's karate club (1977), *Journal of Anthropological Research* 33, figure 3, no weights.
KARATE = """
    2-1 3-1 3-2 4-1 4-2 4-3 5-1 6-1 7-1 7-5 7-6 8-1 8-2 8-3 8-4 9-1 9-3 10-3 11-1 11-5 11-6 12-1 13-1 13-4 14-1
    14-2 14-3 14-4 17-6 17-7 18-1 18-2 20-1 20-2 22-1 22-2 26-24 26-25 28-3 28-24 28-25 29-3 30-24 30-27 31-2
    31-9 32-1 32-25 32-26 32-29 33-3 33-9 33-15 33-16 33-19 33-21 33-23 33-24 33-30 33-31 33-32 34-9 34-10 34-14
    34-15 34-16 34-19 34-20 34-21 34-23 34-24 34-27 34-28 34-29 34-30 34-31 34-32 34-33
"""


@pytest.fixture(scope="module")
def karate() -> FloatArray:
    weights = np.zeros((34, 34))
    for edge in KARATE.split():
        a, b = (int(node) - 1 for node in edge.split("-"))
        weights[a, b] = weights[b, a] = 1.0
    assert weights.sum() == 2 * 78
    return weights


def symmetric(flat: list[int], n: int) -> FloatArray:
    weights = np.zeros((n, n))
    weights[np.triu_indices(n, 1)] = flat
    return np.asarray(weights + weights.T)


def partitions(n: int) -> Iterator[tuple[int, ...]]:
    """All partitions of n nodes, as labels in order of first nodes."""
    for labels in itertools.product(range(n), repeat=n):
        if all(label <= max(labels[:place], default=-1) + 1 for place, label in enumerate(labels)):
            yield labels


def by_definition(weights: FloatArray, labels: tuple[int, ...], resolution: Fraction = Fraction(1)) -> Fraction:
    """Sum of (A_ij - k_i k_j / 2m) / 2m over pairs in one community, in whole numbers and fractions."""
    n = len(weights)
    whole = [[int(w) for w in row] for row in weights]
    total = sum(map(sum, whole))
    if not total:
        return Fraction(0)
    strength = [sum(row) for row in whole]
    return sum(
        (
            Fraction(whole[i][j], total) - resolution * Fraction(strength[i] * strength[j], total * total)
            for i in range(n)
            for j in range(n)
            if labels[i] == labels[j]
        ),
        start=Fraction(0),
    )


GRAPHS = st.integers(2, 5).flatmap(
    lambda n: st.lists(st.integers(0, 4), min_size=n * (n - 1) // 2, max_size=n * (n - 1) // 2).map(
        lambda flat: symmetric(flat, n)
    )
)


def test_newman2004_clauset_moore_karate_club(karate: FloatArray) -> None:
    """Newman (2004), *Physical Review E* 69, 066133, section III: greedy joins reach Q = .381 with 3 communities.

    The tests of R igraph (test-communities.R, cluster_fast_greedy cut at 3) give .3806706114.
    """
    found = greedy_modularity(karate)
    assert found.modularity == pytest.approx(0.3806706114, abs=5e-11)
    assert found.labels.max() + 1 == 3


def test_blondel2008_karate_club(karate: FloatArray) -> None:
    """Blondel et al. (2008), table 1: their method reaches Q = .42 on the karate club; 4 communities.

    In the order of the nodes other programs reach .4188.
    """
    found = louvain(karate)
    assert found.modularity == pytest.approx(0.4188, abs=5e-5)
    assert found.labels.max() + 1 == 4


def test_brandes2008_largest_modularity_of_the_karate_club(karate: FloatArray) -> None:
    """Brandes et al. (2008), section 7: the largest possible modularity is .4198, with four communities."""
    found = communities(karate)
    assert found.modularity == pytest.approx(0.4198, abs=5e-5)
    assert found.labels.max() + 1 == 4
    assert found.modularity == pytest.approx(modularity(karate, found.labels), abs=1e-12)


def test_by_hand_two_triangles_and_a_bridge() -> None:
    """Two triangles joined by one edge: 7 edges, 3 inside each, strengths 7 and 7: Q = 6/7 - 1/2 = 5/14."""
    weights = np.zeros((6, 6))
    for a, b in [(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (2, 3)]:
        weights[a, b] = weights[b, a] = 1.0
    for found in (greedy_modularity(weights), louvain(weights), communities(weights)):
        assert found.labels.tolist() == [0, 0, 0, 1, 1, 1]
        assert found.modularity == pytest.approx(5 / 14, abs=1e-15)


@given(GRAPHS, st.data())
def test_modularity_by_definition(weights: FloatArray, data: st.DataObject) -> None:
    n = len(weights)
    labels = tuple(data.draw(st.lists(st.integers(0, n - 1), min_size=n, max_size=n)))
    resolution = data.draw(st.sampled_from([Fraction(1), Fraction(1, 2), Fraction(3, 2)]))
    expected = by_definition(weights, labels, resolution)
    assert modularity(weights, np.array(labels), float(resolution)) == pytest.approx(float(expected), abs=1e-12)


@settings(max_examples=40)
@given(GRAPHS)
def test_greedy_joins_agree_with_a_plain_search(weights: FloatArray) -> None:
    """Exact gains, all pairs tried, ties by the first nodes of both communities."""
    groups: list[tuple[int, ...]] = [(node,) for node in range(len(weights))]

    def value(parts: list[tuple[int, ...]]) -> Fraction:
        labels = tuple(next(p for p, part in enumerate(parts) if node in part) for node in range(len(weights)))
        return by_definition(weights, labels)

    while True:
        here, best = value(groups), None
        for a, b in itertools.combinations(range(len(groups)), 2):
            rest = [part for place, part in enumerate(groups) if place not in (a, b)]
            joined = sorted([*rest, tuple(sorted(groups[a] + groups[b]))])
            gain = value(joined) - here
            if gain > 0 and (best is None or gain > best[0]):
                best = gain, joined
        if best is None:
            break
        groups = best[1]
    labels = np.empty(len(weights), dtype=np.int64)
    for place, part in enumerate(groups):
        labels[list(part)] = place
    found = greedy_modularity(weights)
    np.testing.assert_array_equal(found.labels, labels)


@pytest.mark.parametrize(("n", "largest"), [(3, 4), (4, 2), (5, 1)])
def test_small_networks_get_the_best_of_all_partitions(n: int, largest: int) -> None:
    """Every network of n nodes with whole weights up to the largest, against all partitions."""
    parts = np.array(list(partitions(n)))
    together = (parts[:, :, None] == parts[:, None, :]).astype(np.float64)
    for flat in itertools.product(range(largest + 1), repeat=n * (n - 1) // 2):
        if any(flat):
            weights = symmetric(list(flat), n)
            total = weights.sum()
            shares = weights.sum(axis=1) / total
            best = float((together * (weights / total - np.outer(shares, shares))).sum(axis=(1, 2)).max())
            assert communities(weights).modularity == pytest.approx(best, abs=1e-12)


@given(GRAPHS, st.integers(1, 50))
def test_a_unit_of_weight_changes_nothing(weights: FloatArray, factor: int) -> None:
    one, other = communities(weights), communities(weights * factor)
    np.testing.assert_array_equal(one.labels, other.labels)
    assert one.modularity == pytest.approx(other.modularity, abs=1e-12)


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_refinement_never_makes_it_worse(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 20
    weights = symmetric((rng.integers(1, 9, n * (n - 1) // 2) * (rng.random(n * (n - 1) // 2) < 0.3)).tolist(), n)
    start = rng.integers(0, 6, n)
    assert move_nodes(weights, start).modularity >= modularity(weights, start) - 1e-12
    best = communities(weights).modularity
    assert best >= max(greedy_modularity(weights).modularity, louvain(weights).modularity) - 1e-12


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_continuous_weights_do_not_depend_on_the_order_of_nodes_in_greedy_joins(seed: int) -> None:
    """Without ties the greedy joins are the same ones under any numbering."""
    rng = np.random.default_rng(seed)
    n = 15
    weights = np.triu(rng.random((n, n)) * (rng.random((n, n)) < 0.4), 1)
    weights = weights + weights.T
    order = rng.permutation(n)
    one = greedy_modularity(weights).labels
    other = greedy_modularity(weights[np.ix_(order, order)]).labels
    np.testing.assert_array_equal(numbered(one[order]), other)


def test_no_edges_and_nodes_without_an_edge() -> None:
    for method in (greedy_modularity, louvain, communities):
        found = method(np.zeros((3, 3)))
        assert found.labels.tolist() == [0, 1, 2]
        assert found.modularity == 0.0
    weights = np.zeros((4, 4))
    weights[0, 2] = weights[2, 0] = 1.0
    assert communities(weights).labels.tolist() == [0, 1, 0, 2]


def test_a_higher_resolution_gives_smaller_communities(karate: FloatArray) -> None:
    counts = [int(communities(karate, r).labels.max()) + 1 for r in (0.1, 1.0, 5.0)]
    assert counts[0] < counts[1] < counts[2]
