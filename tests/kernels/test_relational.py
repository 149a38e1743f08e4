"""Grey kernels: ranges against a scan, terms, parts, the same bits for every tile, extreme floats."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from custvalue._kernels import relational
from custvalue._kernels.relational import Measure

if TYPE_CHECKING:
    from custvalue._typing import FloatArray, IntArray

GROUP = np.array([0, 0, 1, 2, 2])
WEIGHTS = np.array([0.1, 0.2, 0.3, 0.15, 0.25])
MEASURE = Measure(GROUP, WEIGHTS, 0.5)
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
    found = relational.ranges(queries, relational.sorted_columns(cases), GROUP)
    for got, expected in zip(found, scan(queries, cases, GROUP), strict=True):
        assert got.tobytes() == expected.tobytes()


def test_ranges_by_hand() -> None:
    """Distances 3/8, 1/4 to the first case and 3/8, 0 to the second; one group, then two."""
    queries, cases = np.array([[0.5, 0.25]]), np.array([[0.125, 0.5], [0.875, 0.25]])
    ordered = relational.sorted_columns(cases)
    one = relational.ranges(queries, ordered, np.array([0, 0]))
    two = relational.ranges(queries, ordered, np.array([0, 1]))
    np.testing.assert_array_equal(np.stack(one), [[[0.0]], [[0.375]]])
    np.testing.assert_array_equal(np.stack(two), [[[0.375, 0.0]], [[0.375, 0.25]]])


def test_a_range_of_zero_gives_coefficient_one() -> None:
    numerator, offset = relational.range_terms(np.array([[0.0, 0.0]]), np.array([[0.0, 1e-301]]), 0.5)
    np.testing.assert_array_equal(numerator / (np.array([[0.0, 1e-301]]) + offset), [[1.0, 1.0]])


@pytest.mark.parametrize("rho", [1.0, 0.5, 1e-300, 1e-320, 5e-324])
@pytest.mark.parametrize("largest", [1e-320, 2e-300, 1e-10, 1.0, 2e150])
def test_no_rho_and_no_range_gives_nan_or_a_warning(rho: float, largest: float) -> None:
    series = np.array([[0.0, largest], [largest / 2, 0.0]])
    coefficients = relational.deng_coefficients(series, np.zeros(2), rho)
    assert ((coefficients >= 0.0) & (coefficients <= 1.0)).all()
    assert coefficients[0, 0] == 1.0
    alike = relational.similarity_matrix(
        np.zeros((1, 1)), series[:, :1], Measure(np.array([0]), np.array([1.0]), rho)
    )
    assert alike[0, 0] == 1.0
    assert 0.0 <= alike[0, 1] <= 1.0


# Components ---------------------------------------------------------------------------------------------------


@given(tables(), tables())
@settings(deadline=None)
def test_contributions_weigh_to_the_similarity(queries: FloatArray, cases: FloatArray) -> None:
    coefficients, parts, total = relational.components(queries, cases, MEASURE)
    alike = relational.similarity_matrix(queries, cases, MEASURE)
    np.testing.assert_allclose(coefficients @ WEIGHTS, alike, rtol=0, atol=1e-15)
    np.testing.assert_allclose(parts, coefficients * WEIGHTS, rtol=1e-14, atol=0)
    np.testing.assert_array_equal(total, alike)


@given(tables(), tables(), st.data())
@settings(deadline=None)
def test_the_parts_of_chosen_pairs_are_those_of_all_pairs(
    queries: FloatArray, cases: FloatArray, data: Any
) -> None:
    places = st.lists(st.integers(0, len(cases) - 1), min_size=3, max_size=3)
    index = np.array([data.draw(places) for _ in queries])
    rows = np.arange(len(queries))[:, None]
    coefficients, parts, total = relational.components(queries, cases, MEASURE)
    got = relational.pair_components(queries, cases, index, MEASURE)
    assert got[0].tobytes() == coefficients[rows, index].tobytes()
    assert got[1].tobytes() == parts[rows, index].tobytes()
    assert relational.summed(got[1]).tobytes() == total[rows, index].tobytes()


# Left out, frozen, in tiles -----------------------------------------------------------------------------------


@given(tables(LEVELS | FINITE).filter(lambda cases: len(cases) > 1))
@settings(deadline=None)
def test_ranges_without_the_own_case_are_those_of_the_others(cases: FloatArray) -> None:
    found = relational.ranges(cases, relational.sorted_columns(cases), GROUP, left_out=True)
    for row in range(len(cases)):
        expected = scan(cases[row : row + 1], np.delete(cases, row, axis=0), GROUP)
        for got, wanted in zip(found, expected, strict=True):
            assert got[row].tobytes() == wanted[0].tobytes()


@given(tables().filter(lambda cases: len(cases) > 1))
@settings(deadline=None)
def test_the_matrix_without_the_own_case_is_that_of_the_others(cases: FloatArray) -> None:
    own = np.arange(len(cases))[::-1].copy()
    got = relational.similarity_matrix(cases[own], cases, MEASURE, own=own)
    for row, place in enumerate(own):
        others = np.delete(cases, place, axis=0)
        expected = relational.similarity_matrix(cases[place : place + 1], others, MEASURE)[0]
        assert got[row, place] == -np.inf
        assert np.delete(got[row], place).tobytes() == expected.tobytes()


@given(tables(), tables(), arrays(np.float64, 5, elements=st.sampled_from([0.0, 1e-301, 0.1, 0.5, 2.0])))
@settings(deadline=None, max_examples=40)
def test_frozen_coefficients_are_the_formula(queries: FloatArray, cases: FloatArray, largest: FloatArray) -> None:
    """Second route: rho R / (d + rho R) in fractions; where R is zero, 1 at d = 0 and else 0."""
    got, _, _ = relational.components(queries, cases, MEASURE._replace(largest=largest))
    for (query, case, column), value in np.ndenumerate(got):
        distance = Fraction(float(abs(queries[query, column] - cases[case, column])))
        reach = Fraction(float(largest[column])) / 2 if largest[column] > 1e-300 else Fraction(0)
        expected = float(reach / (distance + reach)) if distance or reach else 1.0
        assert value == pytest.approx(expected, rel=1e-14, abs=1e-250)


def test_a_frozen_similarity_is_symmetric_and_asks_no_other_case() -> None:
    tables_ = random_tables(9, 7)
    measure = MEASURE._replace(largest=np.array([1.0, 1.0, 0.5, 2.0, 2.0]))
    there = relational.similarity_matrix(*tables_, measure)
    back = relational.similarity_matrix(*tables_[::-1], measure)
    np.testing.assert_array_equal(there, back.T)
    alone = relational.similarity_matrix(tables_[0], tables_[1][3:4], measure)
    assert alone.tobytes() == there[:, 3:4].tobytes()


@pytest.mark.parametrize("sizes", [(1, 1), (7, 3), (64, 1000), (1 << 20, 5)], ids=str)
def test_the_size_of_a_tile_changes_no_bit_of_the_matrix(
    monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, int]
) -> None:
    queries, cases = random_tables(23, 40)
    expected = relational.similarity_matrix(queries, cases, MEASURE)
    for name, size in zip(("TILE_CELLS", "TILE_LENGTH"), sizes, strict=True):
        monkeypatch.setattr(relational, name, size)
    assert relational.similarity_matrix(queries, cases, MEASURE).tobytes() == expected.tobytes()


def test_the_size_of_numpys_buffers_is_left_as_it_was() -> None:
    before = np.getbufsize()
    relational.similarity_matrix(*random_tables(300, 40), MEASURE)
    assert np.getbufsize() == before
    assert [relational.buffer_size(length) for length in (1, 15, 16, 40, 1024, 9999)] == [
        16,
        16,
        16,
        32,
        1024,
        1024,
    ]
