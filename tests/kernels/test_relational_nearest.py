"""Retrieval kernels: the exact order on every route, the float32 scan's bound, compiled or not, memory."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from custvalue._kernels import (
    relational,
    relational_exact,
    relational_nearest,
    relational_numba,
    relational_scan,
)
from custvalue._kernels.relational import Measure

if TYPE_CHECKING:
    from collections.abc import Callable

    from custvalue._kernels.relational_exact import Block
    from custvalue._typing import FloatArray, IntArray

MEASURE = Measure(np.array([0, 0, 1, 2, 2]), np.array([0.1, 0.2, 0.3, 0.15, 0.25]), 0.5)
#: Few levels, so that ties are common; some next to each other, nearer than float32 can tell.
LEVELS = st.sampled_from([0.0, -0.0, 0.1, 0.25, 0.5, 0.5000000000000001, 0.75, 1.0])
EXTREMES = st.sampled_from([0.0, 5e-324, -1e-308, 1e-300, 1e-160, 1e-40, -1e-16, 1.0, -1e16, 1e60, 1e140, -1e149])
FINITE = st.floats(-1e150, 1e150)
RHO = st.sampled_from([1e-300, 1e-9, 0.01, 0.5, 1.0])


def tables(elements: st.SearchStrategy[float]) -> st.SearchStrategy[FloatArray]:
    return st.integers(1, 9).flatmap(lambda rows: arrays(np.float64, (rows, 5), elements=elements))


def random_tables(n: int, m: int, digits: int = 1, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    return rng.random((n, 5)).round(digits), rng.random((m, 5)).round(digits)


def sorted_matrix(alike: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    """Second route: sort every row of the whole matrix, stably."""
    order = np.argsort(-alike, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(alike, order, axis=1)


def same_bits(found: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(got, wanted)
        assert got.tobytes() == np.ascontiguousarray(wanted).tobytes()


@pytest.fixture(params=["numpy", "numba"])
def compiled(request: pytest.FixtureRequest) -> bool:
    if request.param == "numba":
        pytest.importorskip("numba")
    return bool(request.param == "numba")


# The order ----------------------------------------------------------------------------------------------------


@given(tables(LEVELS), tables(LEVELS), st.integers(1, 9), RHO)
@settings(deadline=None)
def test_nearest_is_a_stable_full_sort(queries: FloatArray, cases: FloatArray, k: int, rho: float) -> None:
    k = min(k, len(cases))
    measure = MEASURE._replace(rho=rho)
    expected = sorted_matrix(relational.similarity_matrix(queries, cases, measure), k)
    same_bits(relational_nearest.nearest_cases(queries, cases, measure, k)[:2], expected)


@given(tables(EXTREMES | FINITE), tables(EXTREMES | FINITE), RHO, st.booleans())
@settings(deadline=None, max_examples=80)
def test_no_scale_misleads_the_scan(queries: FloatArray, cases: FloatArray, rho: float, frozen: bool) -> None:  # noqa: FBT001 - a parameter of the test
    measure = MEASURE._replace(rho=rho, largest=np.ptp(cases, axis=0) if frozen else None)
    k = min(2, len(cases))
    expected = sorted_matrix(relational.similarity_matrix(queries, cases, measure), k)
    same_bits(relational_nearest.nearest_cases(queries, cases, measure, k)[:2], expected)


@given(tables(LEVELS | EXTREMES | FINITE), tables(LEVELS | EXTREMES | FINITE), RHO, st.booleans())
@settings(deadline=None, max_examples=80)
def test_numba_gives_the_bits_of_numpy(queries: FloatArray, cases: FloatArray, rho: float, frozen: bool) -> None:  # noqa: FBT001 - a parameter of the test
    pytest.importorskip("numba")
    measure = MEASURE._replace(rho=rho, largest=np.ptp(cases, axis=0) if frozen else None)
    k = min(3, len(cases))
    expected = sorted_matrix(relational.similarity_matrix(queries, cases, measure), k)
    same_bits(relational_nearest.nearest_cases(queries, cases, measure, k, compiled=True)[:2], expected)


@pytest.mark.parametrize("k", [1, 2, 5, 8, 9, 40, 130])
@pytest.mark.parametrize("digits", [0, 1, 9])
def test_many_cases(compiled: bool, k: int, digits: int) -> None:  # noqa: FBT001 - a parameter of the test
    """Everything tied (whole numbers), much tied (tenths), nothing tied."""
    queries, cases = random_tables(60, 150, digits)
    cases[100:] = cases[:50]  # half of the cases stand there twice
    expected = sorted_matrix(relational.similarity_matrix(queries, cases, MEASURE), max(k, 2))
    index, values, margin = relational_nearest.nearest_cases(queries, cases, MEASURE, k, compiled=compiled)
    same_bits((index, values), (expected[0][:, :k], expected[1][:, :k]))
    same_bits((margin,), (expected[1][:, 0] - expected[1][:, 1],))


@pytest.mark.parametrize(
    "sizes",
    [
        {"relational.TILE_CELLS": 1, "nearest.BLOCK_ROWS": 1, "numba.TILE": 1},
        {"relational.TILE_CELLS": 100, "nearest.BLOCK_ROWS": 7, "numba.TILE": 13, "scan.GROUPS": 1},
        {"relational.TILE_CELLS": 30, "exact.CELLS": 50, "exact.FEWEST": 3, "nearest.BLOCK_ROWS": 30},
        {"scan.CANDIDATES": 0, "exact.CELLS": 1, "exact.FEWEST": 1, "numba.TILE": 40},
        {"scan.WIDEST": 3, "nearest.MANY": 0, "exact.FEWEST": 7},
        {"nearest.MANY": 40, "scan.CANDIDATES": 1000, "numba.MOST_CELLS": 1},
    ],
    ids=str,
)
def test_no_size_changes_a_bit(monkeypatch: pytest.MonkeyPatch, compiled: bool, sizes: dict[str, int]) -> None:  # noqa: FBT001 - a parameter of the test
    queries, cases = random_tables(45, 60)
    cases[30:] = cases[:30]
    rooms = {
        "relational": relational,
        "nearest": relational_nearest,
        "scan": relational_scan,
        "exact": relational_exact,
        "numba": relational_numba,
    }
    before = [relational_nearest.nearest_cases(queries, cases, MEASURE, k) for k in (1, 3, 8, 9, 60)]
    for name, size in sizes.items():
        room, constant = name.split(".")
        monkeypatch.setattr(rooms[room], constant, size)
    for expected, k in zip(before, (1, 3, 8, 9, 60), strict=True):
        for threads in (1, 2, 3):
            found = relational_nearest.nearest_cases(
                queries, cases, MEASURE, k, compiled=compiled, n_threads=threads
            )
            same_bits(found, expected)


def test_a_batch_gives_the_bits_of_its_rows(compiled: bool) -> None:  # noqa: FBT001 - a parameter of the test
    queries, cases = random_tables(1100, 60, 9, seed=2)
    together = relational_nearest.nearest_cases(queries, cases, MEASURE, 4, compiled=compiled)
    for row in (0, 777, 1099):
        alone = relational_nearest.nearest_cases(queries[row : row + 1], cases, MEASURE, 4, compiled=compiled)
        same_bits(alone, tuple(part[row : row + 1] for part in together))


@pytest.mark.parametrize("n_classes", [1, 3, 7])
@pytest.mark.parametrize("left_out", [False, True])
def test_the_nearest_of_each_class(compiled: bool, n_classes: int, left_out: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Class 4 of 7 has no case, class 5 a single one, which itself is left without."""
    queries, cases = random_tables(90, 80)
    codes = np.random.default_rng(1).integers(0, min(n_classes, 4), size=80)
    if n_classes > 5:
        codes[11] = 5
    own = np.arange(80) if left_out else None
    asked = cases if left_out else queries
    alike = relational.similarity_matrix(asked, cases, MEASURE, own=own)
    found = relational_nearest.nearest_by_class(
        asked, cases, codes, n_classes, MEASURE, own=own, compiled=compiled, n_threads=2
    )
    for code in range(n_classes):
        of_class = np.where(codes == code, alike, -np.inf)
        best = of_class.max(axis=1)
        np.testing.assert_array_equal(found[1][:, code], best)
        np.testing.assert_array_equal(found[0][:, code], np.where(best == -np.inf, -1, of_class.argmax(axis=1)))


@pytest.mark.parametrize("digits", [1, 9])
@pytest.mark.parametrize("k", [1, 2, 8, 20, 79])
def test_left_out_cases_are_not_found(compiled: bool, k: int, digits: int) -> None:  # noqa: FBT001 - a parameter of the test
    _, cases = random_tables(1, 80, digits)
    own = np.arange(80)
    expected = sorted_matrix(relational.similarity_matrix(cases, cases, MEASURE, own=own), k)
    found = relational_nearest.nearest_cases(cases, cases, MEASURE, k, own=own, compiled=compiled)
    same_bits(found[:2], expected)
    assert not (found[0] == own[:, None]).any()


def test_arrays_may_lie_in_memory_as_they_like(compiled: bool) -> None:  # noqa: FBT001 - a parameter of the test
    queries, cases = random_tables(50, 40, 9)
    expected = relational_nearest.nearest_cases(queries, cases, MEASURE, 3)
    wide = np.zeros((100, 10))
    wide[::2, ::2] = queries
    strange = np.asfortranarray(cases)
    strange.flags.writeable = False
    found = relational_nearest.nearest_cases(wide[::2, ::2], strange, MEASURE, 3, compiled=compiled)
    same_bits(found, expected)


# The float32 scan ---------------------------------------------------------------------------------------------


def prepared(queries: FloatArray, cases: FloatArray, measure: Measure) -> tuple[Block, FloatArray, FloatArray]:
    """Give a block, the middle of the columns, and the bounds."""
    search = relational_nearest.search_of(cases, measure, compiled=False)
    block, bound = search.block(queries, None)
    return block, search.middle, bound


def exact_similarity(block: Block, cases: FloatArray) -> list[list[Fraction]]:
    """Second route: the sums in fractions, from the terms as they stand."""
    rows = []
    for query, scaled, offset in zip(block.queries, block.scaled, block.offset, strict=True):
        terms = [(Fraction(q), Fraction(s), Fraction(o)) for q, s, o in zip(query, scaled, offset, strict=True)]
        rows.append(
            [
                sum(
                    (s / (abs(q - Fraction(c)) + o) for (q, s, o), c in zip(terms, case, strict=True)), Fraction(0)
                )
                for case in cases
            ]
        )
    return rows


def in_float32(block: Block, cases: FloatArray, middle: FloatArray) -> FloatArray:
    tables_ = [np.ascontiguousarray(table.T, dtype=np.float32) for table in (block.queries - middle, *block[1:3])]
    columns = np.ascontiguousarray((cases - middle).T, dtype=np.float32)
    queries, scaled, offset = tables_
    total, buffer = np.empty((2, len(cases), len(block.queries)), dtype=np.float32)
    relational.similarity_tile(queries, columns, scaled, offset, total, buffer)
    return total.T.astype(np.float64)


def by_threes(block: Block, cases: FloatArray, middle: FloatArray) -> FloatArray:
    """Run the compiled scan's arithmetic as plain Python."""
    tile = np.zeros((6, len(cases)), dtype=np.float32)
    tile[:5] = (cases - middle).T
    result = np.zeros((len(block.queries), len(cases)), dtype=np.float32)
    for row, out in enumerate(result):
        singles = np.zeros((3, 6), dtype=np.float32)
        singles[0, :5] = block.queries[row] - middle
        singles[1, :5] = 1.0 / block.offset[row]
        singles[2, :5] = block.scaled[row] / block.offset[row]
        for column in (0, 3):
            relational_numba.add_three(out, tile, column, *singles)
    return result.astype(np.float64)


MODERATE = st.one_of(LEVELS, st.floats(-1e12, 1e12), st.floats(0.0, 1.0), st.floats(1e6, 1e6 + 1.0))


@pytest.mark.parametrize("scan", [in_float32, by_threes])
@given(tables(MODERATE), tables(MODERATE), st.sampled_from([1e-3, 0.5, 1.0]))
@settings(deadline=None, max_examples=40)
def test_the_bound_holds(
    scan: Callable[[Block, FloatArray, FloatArray], FloatArray],
    queries: FloatArray,
    cases: FloatArray,
    rho: float,
) -> None:
    block, middle, bound = prepared(queries, cases, MEASURE._replace(rho=rho))
    kept = np.flatnonzero(np.isfinite(bound))
    some = block.of(kept)
    if not len(kept):
        return
    for got, exact, limit in zip(
        scan(some, cases, middle), exact_similarity(some, cases), bound[kept], strict=True
    ):
        for value, expected in zip(got, exact, strict=True):
            assert abs(Fraction(float(value)) - expected) <= Fraction(float(limit))


def test_the_bound_is_of_the_size_that_is_claimed() -> None:
    """Scaled data, rho 1/2: some dozens of float32's relative errors, so that few cases are computed again."""
    rng = np.random.default_rng(0)
    queries, cases = rng.random((200, 5)), rng.random((300, 5))
    block, middle, bound = prepared(queries, cases, MEASURE)
    assert (bound < 40 * 2.0**-24).all()
    error = np.abs(in_float32(block, cases, middle) - relational.similarity_matrix(queries, cases, MEASURE))
    assert (error.max(axis=1) < bound).all()
    assert error.max() > bound.min() / 100, "the bound is not far beyond what happens"


@pytest.mark.parametrize("scale", [1e-40, 1e-30, 1e30, 1e100])
def test_what_float32_cannot_hold_is_computed_in_float64(scale: float) -> None:
    queries, cases = random_tables(30, 40, 9)
    _, _, bound = prepared(queries * scale, cases * scale, MEASURE)
    assert np.isposinf(bound).all()


@pytest.mark.parametrize("step", [1e-13, 1e-6, 1e-5])
def test_cases_nearer_than_float32_can_tell_are_told_apart(compiled: bool, step: float) -> None:  # noqa: FBT001 - a parameter of the test
    """Cases next to each other, which float32 puts into another order: float64 ranks them."""
    rng = np.random.default_rng(4)
    queries = rng.random((1000, 5))
    cases = 0.5 + step * rng.random((500, 5))
    cases[:2] = [[0.0], [1.0]]
    expected = sorted_matrix(relational.similarity_matrix(queries, cases, MEASURE), 2)
    same_bits(relational_nearest.nearest_cases(queries, cases, MEASURE, 2, compiled=compiled)[:2], expected)


# Compiled or not ----------------------------------------------------------------------------------------------


def test_auto_compiles_where_it_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = np.zeros((1000, 10))
    calls = []
    monkeypatch.setattr(relational_numba, "compiled", lambda: calls.append(1))
    monkeypatch.setattr(relational_numba, "is_compiled", lambda: False)
    assert not relational_nearest.compiles("auto", 499_999, cases)
    assert not relational_nearest.compiles("numpy", 500_000, cases)
    assert not calls
    assert relational_nearest.compiles("auto", 500_000, cases)
    assert relational_nearest.compiles("numba", 1, cases)
    assert len(calls) == 2
    monkeypatch.setattr(relational_numba, "is_compiled", lambda: True)
    assert relational_nearest.compiles("auto", 100, cases)
    assert not relational_nearest.compiles("auto", 99, cases)


def test_without_numba_auto_goes_on_and_numba_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise ModuleNotFoundError

    monkeypatch.setattr(relational_numba, "compiled", missing)
    monkeypatch.setattr(relational_numba, "is_compiled", lambda: False)
    assert not relational_nearest.compiles("auto", 10**9, np.zeros((1000, 10)))
    with pytest.raises(ImportError):
        relational_nearest.compiles("numba", 1, np.zeros((1, 1)))


@given(st.integers(1, 60), st.sampled_from([0.0, 1e-12, 1e-3, 1.0, 1e150]), st.integers(0, 9))
@settings(deadline=None)
def test_cells_hold_the_place_of_every_value(m: int, width: float, digits: int) -> None:
    rng = np.random.default_rng(m)
    ordered = np.sort((rng.random((2, m)).round(digits) - 0.5) * width, axis=1)
    cells = relational_numba.cells_of(ordered)
    queries = np.concatenate([ordered.T, (rng.random((9, 2)) - 0.5) * 2 * width])
    found = np.full((len(queries), 2), np.inf), np.zeros((len(queries), 2))
    relational_numba.find_ranges(queries, ordered, cells, np.arange(2), False, *found)  # noqa: FBT003 - compiled code takes no names
    same_bits(found, relational.ranges(queries, ordered, np.arange(2)))


# Memory -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "m", "k", "digits"),
    [(400_000, 50, 1, 9), (50, 300_000, 1, 9), (500, 20_000, 2, 0), (2, 300_000, 300_000, 9)],
)
def test_memory_stays_small(compiled: bool, n: int, m: int, k: int, digits: int) -> None:  # noqa: FBT001 - a parameter of the test
    """Many queries, many cases, everything tied, all cases ranked: 64 MB beside one sorted copy at most."""
    if compiled:
        relational_numba.compiled()
    rng = np.random.default_rng(0)
    queries, cases = rng.random((n, 3)).round(digits), rng.random((m, 3)).round(digits)
    measure = Measure(np.array([0, 0, 1]), np.array([0.25, 0.25, 0.5]), 0.5)
    tracemalloc.start()
    try:
        found = relational_nearest.nearest_cases(queries, cases, measure, k, compiled=compiled)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    allowed = 64e6 if k == m else 16e6
    assert peak < cases.nbytes + sum(part.nbytes for part in found) + allowed
