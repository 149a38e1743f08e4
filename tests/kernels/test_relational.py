"""Grey kernels: ranges against a scan, the same bits for every tile, memory, the smallest and largest floats."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from custvalue._kernels import relational

if TYPE_CHECKING:
    from custvalue._typing import FloatArray, IntArray

GROUP = np.array([0, 0, 1, 2, 2])
WEIGHTS = np.array([0.1, 0.2, 0.3, 0.15, 0.25])
#: Few levels, so that ties and zero distances are common; some levels far apart or next to each other.
LEVELS = st.sampled_from([0.0, -0.0, 0.1, 0.25, 0.5, 0.5000000000000001, 0.75, 1.0, -3.0, 1e6])
FINITE = st.floats(-1e150, 1e150)


def tables(elements: st.SearchStrategy[float] = LEVELS) -> st.SearchStrategy[FloatArray]:
    return st.integers(1, 7).flatmap(lambda rows: arrays(np.float64, (rows, 5), elements=elements))


def scan(queries: FloatArray, cases: FloatArray, group: IntArray) -> tuple[FloatArray, FloatArray]:
    """Second route: look at every distance of every query in every group."""
    distance = np.abs(queries[:, None, :] - cases[None, :, :])
    places = range(int(group.max()) + 1)
    smallest = [[row[:, group == place].min() for place in places] for row in distance]
    largest = [[row[:, group == place].max() for place in places] for row in distance]
    return np.array(smallest), np.array(largest)


def random_tables(n: int, m: int, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    return rng.random((n, 5)).round(1), rng.random((m, 5)).round(1)


# Ranges -------------------------------------------------------------------------------------------------------


@given(tables(LEVELS | FINITE), tables(LEVELS | FINITE))
@settings(deadline=None)
def test_ranges_are_those_of_a_scan_bit_for_bit(queries: FloatArray, cases: FloatArray) -> None:
    found = relational.group_ranges(queries, np.sort(cases, axis=0), GROUP)
    for got, expected in zip(found, scan(queries, cases, GROUP), strict=True):
        assert got.tobytes() == expected.tobytes()


def test_ranges_by_hand() -> None:
    """Distances 3/8, 1/4 to the first case and 3/8, 0 to the second; one group, then two."""
    queries, cases = np.array([[0.5, 0.25]]), np.array([[0.125, 0.5], [0.875, 0.25]])
    ordered = np.sort(cases, axis=0)
    one = relational.group_ranges(queries, ordered, np.array([0, 0]))
    two = relational.group_ranges(queries, ordered, np.array([0, 1]))
    np.testing.assert_array_equal(np.stack(one), [[[0.0]], [[0.375]]])
    np.testing.assert_array_equal(np.stack(two), [[[0.375, 0.0]], [[0.375, 0.25]]])


def test_a_range_of_zero_gives_coefficient_one() -> None:
    numerator, offset = relational.group_terms(np.array([[0.0, 0.0]]), np.array([[0.0, 1e-301]]), 0.5)
    np.testing.assert_array_equal(numerator / (np.array([[0.0, 1e-301]]) + offset), [[1.0, 1.0]])


@pytest.mark.parametrize("rho", [1.0, 0.5, 1e-300, 1e-320, 5e-324])
@pytest.mark.parametrize("largest", [1e-320, 2e-300, 1e-10, 1.0, 2e150])
def test_no_rho_and_no_range_gives_nan_or_a_warning(rho: float, largest: float) -> None:
    series = np.array([[0.0, largest], [largest / 2, 0.0]])
    coefficients = relational.deng_coefficients(series, np.zeros(2), rho)
    assert ((coefficients >= 0.0) & (coefficients <= 1.0)).all()
    assert coefficients[0, 0] == 1.0
    alike = relational.similarity_matrix(np.zeros((1, 1)), series[:, :1], np.array([0]), np.array([1.0]), rho)
    assert alike[0, 0] == 1.0
    assert 0.0 <= alike[0, 1] <= 1.0


# The nearest cases --------------------------------------------------------------------------------------------


@given(tables(), tables(), st.integers(1, 9))
@settings(deadline=None)
def test_nearest_is_a_stable_full_sort_of_the_similarities(queries: FloatArray, cases: FloatArray, k: int) -> None:
    alike = relational.similarity_matrix(queries, cases, GROUP, WEIGHTS, 0.5)
    order = np.argsort(-alike, axis=1, kind="stable")[:, :k]
    index, values = relational.nearest_cases(queries, cases, GROUP, WEIGHTS, 0.5, k)
    np.testing.assert_array_equal(index, order)
    np.testing.assert_array_equal(values, np.take_along_axis(alike, order, axis=1))


@pytest.mark.parametrize("k", [1, 2, 5, 8, 9, 40])
@pytest.mark.parametrize(
    "sizes",
    [
        {"TILE_ROWS": 1, "TILE_CASES": 1, "RANGE_ROWS": 1},
        {"TILE_ROWS": 3, "TILE_CASES": 7, "RANGE_ROWS": 10},
        {"TILE_ROWS": 16, "TILE_CASES": 2, "RANGE_ROWS": 5},
        {"TILE_CASES": 39, "MANY": 0},
        {"TILE_CASES": 13, "MANY": 100},
    ],
    ids=str,
)
def test_the_size_of_a_tile_changes_no_bit(monkeypatch: pytest.MonkeyPatch, sizes: dict[str, int], k: int) -> None:
    queries, cases = random_tables(23, 40)
    cases[20:] = cases[:20]  # every best case is tied
    expected = relational.nearest_cases(queries, cases, GROUP, WEIGHTS, 0.5, k)
    matrix = relational.similarity_matrix(queries, cases, GROUP, WEIGHTS, 0.5)
    for name, size in sizes.items():
        monkeypatch.setattr(relational, name, size)
    found = relational.nearest_cases(queries, cases, GROUP, WEIGHTS, 0.5, k)
    again = relational.similarity_matrix(queries, cases, GROUP, WEIGHTS, 0.5)
    for got, wanted in zip((*found, again), (*expected, matrix), strict=True):
        assert got.tobytes() == wanted.tobytes()
    assert (found[0][:, 0] < 20).all(), "the lowest position wins a tie"


def test_more_rows_and_cases_than_one_tile_holds() -> None:
    """Crosses the true limits: 128 rows and 1,024 cases a tile, 2,048 rows of ranges."""
    n, m = relational.RANGE_ROWS + relational.TILE_ROWS + 1, relational.TILE_CASES + 1
    queries, cases = random_tables(n, m, seed=1)
    picked = [0, 127, 128, n - 2, n - 1]
    for k in (3, relational.MANY + 1):
        index, values = relational.nearest_cases(queries, cases, GROUP, WEIGHTS, 0.5, k)
        alike = relational.similarity_matrix(queries[picked], cases, GROUP, WEIGHTS, 0.5)
        order = np.argsort(-alike, axis=1, kind="stable")[:, :k]
        np.testing.assert_array_equal(index[picked], order)
        np.testing.assert_array_equal(values[picked], np.take_along_axis(alike, order, axis=1))


def test_a_batch_gives_the_bits_of_its_rows() -> None:
    queries, cases = random_tables(150, 60, seed=2)
    index, values = relational.nearest_cases(queries, cases, GROUP, WEIGHTS, 0.5, 4)
    for row in (0, 77, 149):
        alone = relational.nearest_cases(queries[row : row + 1], cases, GROUP, WEIGHTS, 0.5, 4)
        assert alone[0].tobytes() == index[row].tobytes()
        assert alone[1].tobytes() == values[row].tobytes()


def test_nearest_never_holds_queries_times_cases() -> None:
    """20,000 x 3,000 similarities are 480 MB; the stated memory is two copies of the cases and about 3 MB."""
    rng = np.random.default_rng(0)
    queries, cases = rng.random((20_000, 3)), rng.random((3_000, 3))
    group, weights = np.array([0, 0, 1]), np.array([0.25, 0.25, 0.5])
    tracemalloc.start()
    try:
        relational.nearest_cases(queries, cases, group, weights, 0.5, 2)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    result = 20_000 * 2 * 16
    assert peak < 2 * cases.nbytes + result + 4e6


# Components ---------------------------------------------------------------------------------------------------


@given(tables(), tables())
@settings(deadline=None)
def test_contributions_weigh_to_the_similarity(queries: FloatArray, cases: FloatArray) -> None:
    coefficients, parts, total = relational.components(queries, cases, GROUP, WEIGHTS, 0.5)
    alike = relational.similarity_matrix(queries, cases, GROUP, WEIGHTS, 0.5)
    np.testing.assert_allclose(coefficients @ WEIGHTS, alike, rtol=0, atol=1e-15)
    np.testing.assert_allclose(parts, coefficients * WEIGHTS, rtol=1e-14, atol=0)
    np.testing.assert_array_equal(total, alike)
