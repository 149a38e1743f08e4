"""Stress majorization: exact recovery, a stationary point, monotone steps, components apart, the unit square."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue._kernels.stress_layout import classical_scaling, layout, majorize, stress

if TYPE_CHECKING:
    from custvalue._typing import FloatArray, IntArray


def between(places: FloatArray) -> FloatArray:
    gap = places[:, None, :] - places[None, :, :]
    return np.asarray(np.hypot(gap[:, :, 0], gap[:, :, 1]))


def random_network(seed: int, n: int) -> tuple[IntArray, IntArray, FloatArray]:
    """A tree with some more edges, so that everything hangs together."""
    rng = np.random.default_rng(seed)
    pairs = {(int(rng.integers(node)), node) for node in range(1, n)}
    pairs |= {(int(a), int(b)) for a, b in np.sort(rng.integers(0, n, (n, 2)), axis=1).tolist() if a != b}
    source, target = np.array(sorted(pairs)).T
    return source, target, rng.uniform(0.5, 1.5, len(source))


def test_by_hand_stress_of_two_points() -> None:
    """Wanted 2, placed 1 apart: ((1 - 2) / 2)^2 = 1/4."""
    distances = np.array([[0.0, 2.0], [2.0, 0.0]])
    assert stress(np.array([[0.0, 0.0], [1.0, 0.0]]), distances) == 0.25


def test_by_hand_path_of_three() -> None:
    """Equal edges in a row lie on a line, the ends at its ends."""
    found = layout(3, np.array([0, 1]), np.array([1, 2]), np.ones(2))
    np.testing.assert_allclose(found, [[1.0, 0.5], [0.5, 0.5], [0.0, 0.5]], atol=1e-6)


def test_by_hand_equal_distances_of_three_make_an_equilateral_triangle() -> None:
    found = layout(3, np.array([0, 0, 1]), np.array([1, 2, 2]), np.ones(3))
    sides = between(found)[np.triu_indices(3, 1)]
    np.testing.assert_allclose(sides, sides[0], rtol=1e-2)


def test_torgerson1952_plane_points_are_recovered() -> None:
    """Distances of points in a plane have stress 0 at the start already."""
    places = np.random.default_rng(0).random((12, 2))
    distances = between(places)
    found = classical_scaling(distances)
    np.testing.assert_allclose(between(found), distances, atol=1e-12)
    np.testing.assert_allclose(found.mean(axis=0), 0.0, atol=1e-12)


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_gansner2004_no_step_raises_the_stress(seed: int) -> None:
    """Gansner, Koren and North (2004), section 2.1: the majorant makes every step go down."""
    rng = np.random.default_rng(seed)
    distances = between(rng.random((10, 3))[:, :2]) + np.triu(rng.random((10, 10)), 1)
    distances = np.triu(distances, 1) + np.triu(distances, 1).T + 0.1 * (1.0 - np.eye(10))
    places = rng.random((10, 2))
    before = stress(places, distances)
    for _ in range(15):
        places = majorize(distances, places, tolerance=-1.0, max_iterations=1)
        after = stress(places, distances)
        assert after <= before * (1.0 + 1e-12)
        before = after


def test_the_end_is_a_stationary_point() -> None:
    """The slope of the stress by finite differences, a second route, vanishes there."""
    rng = np.random.default_rng(3)
    distances = between(rng.random((8, 2))) * rng.uniform(0.8, 1.2, (8, 8))
    distances = np.triu(distances, 1) + np.triu(distances, 1).T
    places = majorize(distances, classical_scaling(distances), tolerance=0.0, max_iterations=3000)
    step = 1e-6
    for node in range(8):
        for axis in range(2):
            up, down = places.copy(), places.copy()
            up[node, axis] += step
            down[node, axis] -= step
            assert (stress(up, distances) - stress(down, distances)) / (2 * step) == pytest.approx(0.0, abs=1e-4)


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.integers(2, 25))
def test_places_fill_the_unit_square_and_the_order_of_edges_does_not_matter(seed: int, n: int) -> None:
    source, target, lengths = random_network(seed, n)
    found = layout(n + 2, source, target, lengths)
    assert found.min() >= 0.0
    assert found.max() <= 1.0
    assert np.ptp(found, axis=0).max() == pytest.approx(1.0, abs=1e-9)
    order = np.random.default_rng(seed).permutation(len(source))
    other = layout(n + 2, target[order], source[order], lengths[order])
    np.testing.assert_array_equal(found, other)
    apart = between(found)[np.triu_indices(n + 2, 1)]
    assert apart.min() > 0.0


def test_twins_do_not_fall_together() -> None:
    """Two leaves of one node are alike in everything, and still stand apart."""
    found = layout(4, np.array([0, 0, 0]), np.array([1, 2, 3]), np.ones(3))
    apart = between(found)
    centre = apart[0, 1:].mean()
    assert apart[np.triu_indices(4, 1)].min() > 0.5 * centre


def test_components_stand_apart() -> None:
    """The boxes of two triangles and of a lonely node do not meet."""
    source, target = np.array([0, 0, 1, 3, 3, 4]), np.array([1, 2, 2, 4, 5, 5])
    found = layout(7, source, target, np.ones(6))
    boxes = [found[:3], found[3:6], found[6:]]
    for a in range(3):
        for b in range(a):
            low = np.maximum(boxes[a].min(axis=0), boxes[b].min(axis=0))
            high = np.minimum(boxes[a].max(axis=0), boxes[b].max(axis=0))
            assert (low > high).any()


def test_nodes_without_an_edge_stand_in_a_flat_block_below() -> None:
    """Forty of them beside one triangle: below it, all apart, and at most a third as high as wide."""
    found = layout(43, np.array([0, 0, 1]), np.array([1, 2, 2]), np.ones(3))
    lonely = found[3:]
    assert lonely[:, 1].max() < found[:3, 1].min()
    assert np.ptp(lonely[:, 1]) < np.ptp(lonely[:, 0]) / 3.0
    assert between(lonely)[np.triu_indices(40, 1)].min() > 0.01
    assert np.ptp(found[:3, 1]) > 2.0 * np.ptp(lonely[:, 1])


def test_two_groups_with_a_bridge_lie_apart() -> None:
    """Related nodes are near: inside a group nearer than across, on average."""
    groups = [(a, b) for start in (0, 5) for a in range(start, start + 5) for b in range(a + 1, start + 5)]
    source, target = np.array([*groups, (0, 5)]).T
    apart = between(layout(10, source, target, np.ones(len(source))))
    inside = np.concatenate([apart[:5, :5].ravel(), apart[5:, 5:].ravel()]).sum() / 40
    assert apart[:5, 5:].mean() > 1.5 * inside


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_networks_without_an_edge(n: int) -> None:
    nothing = np.array([], dtype=np.int64)
    found = layout(n, nothing, nothing, np.array([]))
    assert found.shape == (n, 2)
    if n == 1:
        assert found.tolist() == [[0.5, 0.5]]
    if n > 1:
        assert between(found)[np.triu_indices(n, 1)].min() > 0.1
        assert math.isclose(float(np.ptp(found, axis=0).max()), 1.0)
