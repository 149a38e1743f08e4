"""Retrieval: the nearest cases on every engine, of each class, of the cases themselves, with frozen ranges."""

from __future__ import annotations

import json
import pickle
import tracemalloc
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError

from custvalue import grey
from custvalue._kernels import relational_numba
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from pathlib import Path

    from custvalue._typing import FloatArray

SMALL = grey.Hierarchy.from_weights(
    {"recency": 0.25, "monetary": 0.75}, {"recency": {"a": 1.0}, "monetary": {"b": 0.25, "c": 0.75}}
)
LEVELS = st.sampled_from([0.0, 0.125, 0.25, 0.5, 0.75, 1.0])
UNIT = st.floats(0.0, 1.0)
READINGS = st.sampled_from(["group", "indicator", "hierarchy"])


def tables(elements: st.SearchStrategy[float] = LEVELS, fewest: int = 1) -> st.SearchStrategy[FloatArray]:
    return st.integers(fewest, 7).flatmap(lambda rows: arrays(np.float64, (rows, 3), elements=elements))


def reading(ranges_within: str) -> grey.Hierarchy:
    return SMALL.model_copy(update={"ranges_within": ranges_within})


def frozen_for(cases: FloatArray, hierarchy: grey.Hierarchy, wanted: bool) -> grey.FrozenRanges | None:  # noqa: FBT001 - a parameter of the test
    return grey.FrozenRanges.from_cases(cases, hierarchy) if wanted else None


@pytest.fixture(params=["auto", "numpy", "numba"])
def engine(request: pytest.FixtureRequest) -> Any:
    if request.param == "numba":
        pytest.importorskip("numba")
    return request.param


def known(shared: Path, name: str) -> Any:
    path = shared / "known_answers" / "grey" / f"{name}.json"
    if not path.exists():
        pytest.skip(f"the known answer {name} is not beside the checkout")
    return json.loads(path.read_text(encoding="utf-8"))


def head(alike: FloatArray, k: int) -> tuple[Any, Any]:
    """Second route: the first k of a stable sort of the whole matrix."""
    order = np.argsort(-alike, axis=1, kind="stable")
    return order[:, :k], np.take_along_axis(alike, order, axis=1)[:, :k]


# Nearest ------------------------------------------------------------------------------------------------------


@given(tables(), tables(), READINGS, st.booleans(), st.data())
@settings(deadline=None)
def test_nearest_is_the_head_of_a_stable_sort(
    queries: FloatArray,
    cases: FloatArray,
    within: str,
    frozen: bool,  # noqa: FBT001 - a parameter of the test
    data: Any,
) -> None:
    hierarchy = reading(within)
    ranges = frozen_for(cases, hierarchy, frozen)
    k = data.draw(st.integers(1, len(cases)))
    alike = grey.similarity(queries, cases, hierarchy, ranges=ranges)
    found = grey.nearest(queries, cases, hierarchy, k, ranges=ranges)
    index, similarity = head(alike, k)
    np.testing.assert_array_equal(found.index, index)
    np.testing.assert_array_equal(found.similarity, similarity)
    ranked = np.sort(alike, axis=1)[:, ::-1]
    second = ranked[:, 1] if len(cases) > 1 else np.zeros(len(queries))
    np.testing.assert_array_equal(found.margin, ranked[:, 0] - second)
    np.testing.assert_array_equal(found.tied, ranked[:, 0] == second)


def test_the_winners_of_the_known_answer(shared: Path, engine: Any) -> None:
    case = known(shared, "ka13_two_level_similarity_4x6x9")
    given_, exact = case["input"], case["expected_exact"]
    hierarchy = grey.Hierarchy.from_weights(
        {"one": 0.45, "two": 0.3, "three": 0.25},
        {
            "one": {"a": 0.5, "b": 0.3, "c": 0.2},
            "two": {"d": 0.4, "e": 0.35, "f": 0.25},
            "three": {"g": 0.6, "h": 0.2, "i": 0.2},
        },
    )
    found = grey.nearest(given_["queries"], given_["cases"], hierarchy, engine=engine)
    assert found.index[:, 0].tolist() == exact["winner"]
    best = [max(Fraction(text) for text in row) for row in exact["sim"]]
    np.testing.assert_allclose(found.similarity[:, 0], [float(value) for value in best], rtol=0, atol=1e-14)


def test_nearest_by_exact_fractions(engine: Any) -> None:
    """One indicator, rho 1/2, query 1/2, cases 1/2, 3/4, 0: distances 0, 1/4, 1/2; 1, 1/2 and 1/3."""
    hierarchy = grey.Hierarchy.equal({"monetary": ["turnover"]})
    found = grey.nearest([[0.5]], [[0.0], [0.75], [0.5]], hierarchy, 3, engine=engine)
    assert found.index.tolist() == [[2, 1, 0]]
    expected = [Fraction(1), Fraction(1, 4) / Fraction(1, 2), Fraction(1, 4) / Fraction(3, 4)]
    np.testing.assert_allclose(found.similarity, [[float(value) for value in expected]], rtol=1e-15)
    assert found.margin == pytest.approx([0.5])


def test_ties_go_to_the_case_that_stands_first(engine: Any) -> None:
    cases = [[0.9] * 3, [0.1] * 3, [0.4] * 3, [0.1] * 3]
    found = grey.nearest([[0.1] * 3, [0.4] * 3], cases, SMALL, k=2, engine=engine)
    assert found.index.tolist() == [[1, 3], [2, 1]]
    assert found.tied.tolist() == [True, False]
    assert found.margin[0] == 0.0
    assert found.margin[1] > 0.0


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("within", ["group", "indicator", "hierarchy"])
@pytest.mark.parametrize("k", [1, 3, 12])
def test_engine_threads_and_batches_change_no_bit(engine: Any, within: str, k: int, frozen: bool) -> None:  # noqa: FBT001 - a parameter of the test
    rng = np.random.default_rng(3)
    queries, cases = rng.random((2300, 3)).round(2), rng.random((37, 3)).round(2)
    hierarchy = reading(within)
    ranges = frozen_for(cases, hierarchy, frozen)
    alike = grey.similarity(queries, cases, hierarchy, ranges=ranges)
    index, similarity = head(alike, k)
    for n_threads in (1, 2, 3):
        found = [
            grey.nearest(part, cases, hierarchy, k, ranges=ranges, engine=engine, n_threads=n_threads)
            for part in (queries, queries[:700], queries[700:])
        ]
        for name, expected in (("index", index), ("similarity", similarity)):
            whole, *parts = (getattr(part, name) for part in found)
            assert whole.tobytes() == expected.tobytes()
            assert np.concatenate(parts).tobytes() == expected.tobytes()
        assert np.concatenate([part.margin for part in found[1:]]).tobytes() == found[0].margin.tobytes()


def test_nearest_needs_little_memory() -> None:
    """20,000 x 3,000 similarities would be 480 MB."""
    rng = np.random.default_rng(4)
    queries, cases = rng.random((20_000, 3)), rng.random((3_000, 3))
    tracemalloc.start()
    try:
        grey.nearest(queries, cases, SMALL)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5e6


def test_all_distances_zero_give_one_and_a_tie(engine: Any) -> None:
    found = grey.nearest([[0.3] * 3] * 2, [[0.3] * 3] * 4, SMALL, engine=engine)
    np.testing.assert_array_equal(found.similarity, [[1.0], [1.0]])
    assert found.index.tolist() == [[0], [0]]
    assert found.tied.all()


@pytest.mark.parametrize("largest", [0.0, 1e-301])
def test_a_frozen_range_of_zero_counts_equality_only(engine: Any, largest: float) -> None:
    hierarchy = grey.Hierarchy.equal({"monetary": ["turnover"]})
    ranges = grey.FrozenRanges(largest={"turnover": largest})
    found = grey.nearest([[0.5]], [[0.25], [0.5], [0.75]], hierarchy, 3, ranges=ranges, engine=engine)
    assert found.index[0].tolist() == [1, 0, 2]
    assert found.similarity[0, 0] == 1.0
    assert found.similarity[0, 1:] == pytest.approx([0.0, 0.0], abs=1e-200)


def test_a_single_case_is_not_tied_with_itself(engine: Any) -> None:
    found = grey.nearest([[0.1] * 3], [[0.5] * 3], SMALL, engine=engine)
    assert found.index.tolist() == [[0]]
    assert not found.tied.any()
    np.testing.assert_array_equal(found.margin, found.similarity[:, 0])


def test_no_query_gives_an_empty_result(engine: Any) -> None:
    none = np.empty((0, 3))
    assert grey.nearest(none, [[0.5] * 3] * 2, SMALL, k=2, engine=engine).index.shape == (0, 2)
    assert grey.nearest_by_class(none, [[0.5] * 3], [0], 2, SMALL, engine=engine).similarity.shape == (0, 2)
    assert grey.pair_components(none, [[0.5] * 3], np.empty((0, 4), dtype=int), SMALL)[0].shape == (0, 4, 3)


# Frozen ranges ------------------------------------------------------------------------------------------------


@given(tables(UNIT | LEVELS), READINGS)
@settings(deadline=None)
def test_frozen_ranges_are_the_largest_distance_of_two_cases(cases: FloatArray, within: str) -> None:
    found = grey.FrozenRanges.from_cases(cases, reading(within)).largest
    each = np.abs(cases[:, None, :] - cases[None, :, :]).max(axis=(0, 1))
    expected = {
        "group": [each[0], max(each[1:]), max(each[1:])],
        "indicator": each.tolist(),
        "hierarchy": [max(each)] * 3,
    }[within]
    assert list(found.values()) == expected
    assert list(found) == ["a", "b", "c"]


def test_frozen_similarity_by_hand() -> None:
    """Ranges 1, 1/2, 1/2 and rho 1/2: 1/2 / (1/2 + 1/2), 1/4 / (1/4 + 1/4), 1; weights 1/4, 3/16, 9/16."""
    ranges = grey.FrozenRanges(largest={"a": 1.0, "b": 0.5, "c": 0.5})
    got = grey.similarity([[0.5, 0.5, 0.5]], [[0.0, 0.25, 0.5]], SMALL, ranges=ranges)
    expected = Fraction(1, 4) / 2 + Fraction(3, 16) / 2 + Fraction(9, 16)
    np.testing.assert_allclose(got, [[float(expected)]], rtol=1e-15)


@given(tables(UNIT), tables(UNIT), tables(UNIT))
@settings(deadline=None)
def test_later_cases_change_no_frozen_similarity(
    queries: FloatArray, cases: FloatArray, later: FloatArray
) -> None:
    ranges = grey.FrozenRanges.from_cases(cases, SMALL)
    before = grey.similarity(queries, cases, SMALL, ranges=ranges)
    both = np.concatenate([cases, 9.0 * later])
    after = grey.similarity(queries, both, SMALL, ranges=ranges)
    assert after[:, : len(cases)].tobytes() == before.tobytes()
    turned = grey.similarity(cases, queries, SMALL, ranges=ranges)
    np.testing.assert_array_equal(turned.T, before)


@given(tables(UNIT), tables(UNIT), READINGS, st.booleans())
@settings(deadline=None)
def test_parts_sum_to_the_similarity_under_every_reading(
    queries: FloatArray,
    cases: FloatArray,
    within: str,
    frozen: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    hierarchy = reading(within)
    ranges = frozen_for(cases, hierarchy, frozen)
    alike = grey.similarity(queries, cases, hierarchy, ranges=ranges)
    parts = grey.similarity_components(queries, cases, hierarchy, ranges=ranges)
    np.testing.assert_array_equal(parts.similarity, alike)
    found = grey.nearest(queries, cases, hierarchy, len(cases), ranges=ranges)
    coefficients, contributions = grey.pair_components(queries, cases, found.index, hierarchy, ranges=ranges)
    total = contributions[:, :, 0] + contributions[:, :, 1] + contributions[:, :, 2]
    assert total.tobytes() == found.similarity.tobytes()
    np.testing.assert_allclose(coefficients * hierarchy.global_weights, contributions, rtol=1e-14)


def test_other_readings_by_hand() -> None:
    """Distances a: 1/2, 0; b: 1/4, 1/2; c: 0, 1/4. One range each, or one for all."""
    queries, cases = [[0.5, 0.5, 0.5]], [[0.0, 0.25, 0.5], [0.5, 0.0, 0.25]]
    half, quarter, eighth = Fraction(1, 2), Fraction(1, 4), Fraction(1, 8)
    each = [
        [quarter / (half + quarter), half / half, eighth / eighth],
        [quarter / quarter, half / (half + quarter), eighth / (quarter + eighth)],
    ]
    all_together = [
        [quarter / (half + quarter), quarter / half, Fraction(1)],
        [Fraction(1), quarter / (half + quarter), quarter / half],
    ]
    weights = [Fraction(1, 4), Fraction(3, 16), Fraction(9, 16)]
    for within, zeta in (("indicator", each), ("hierarchy", all_together)):
        expected = [float(sum(w * z for w, z in zip(weights, row, strict=True))) for row in zeta]
        np.testing.assert_allclose(grey.similarity(queries, cases, reading(within)), [expected], rtol=1e-15)


def test_frozen_ranges_travel_and_are_kept_in_part() -> None:
    ranges = grey.FrozenRanges.from_cases([[0.0, 0.5, 0.25], [1.0, 0.75, 0.5]], reading("indicator"))
    assert grey.FrozenRanges.model_validate_json(ranges.model_dump_json()) == ranges
    assert pickle.loads(pickle.dumps(ranges)) == ranges  # noqa: S301 - our own bytes
    assert ranges.subset(["c", "a"]).largest == {"c": 0.25, "a": 1.0}
    with pytest.raises(DomainError, match=r"names has \['d'\]; allowed: indicators of the ranges, a, b, c"):
        ranges.subset(["a", "d"])
    for bad in (-0.1, np.nan, np.inf):
        with pytest.raises(ValidationError, match="largest"):
            grey.FrozenRanges(largest={"a": bad})
    with pytest.raises(ValidationError, match="largest"):
        grey.FrozenRanges(largest={})


# Classes ------------------------------------------------------------------------------------------------------


@given(tables(), tables(), READINGS, st.booleans(), st.data())
@settings(deadline=None)
def test_the_nearest_of_each_class_is_that_of_the_matrix(
    queries: FloatArray,
    cases: FloatArray,
    within: str,
    frozen: bool,  # noqa: FBT001 - a parameter of the test
    data: Any,
) -> None:
    """Ranges run over all classes, so the similarities are those of the whole matrix."""
    hierarchy = reading(within)
    ranges = frozen_for(cases, hierarchy, frozen)
    codes = np.array(data.draw(st.lists(st.integers(0, 2), min_size=len(cases), max_size=len(cases))))
    found = grey.nearest_by_class(queries, cases, codes, 4, hierarchy, ranges=ranges)
    alike = grey.similarity(queries, cases, hierarchy, ranges=ranges)
    for code in range(4):
        of_class = np.where(codes == code, alike, -np.inf)
        best = of_class.max(axis=1)
        np.testing.assert_array_equal(found.similarity[:, code], best)
        places = np.where(best == -np.inf, -1, of_class.argmax(axis=1))
        np.testing.assert_array_equal(found.index[:, code], places)


def test_classes_on_every_engine(engine: Any) -> None:
    rng = np.random.default_rng(5)
    queries, cases, codes = rng.random((1500, 3)).round(2), rng.random((90, 3)).round(2), rng.integers(0, 3, 90)
    expected = grey.nearest_by_class(queries, cases, codes, 4, SMALL, engine="numpy")
    found = grey.nearest_by_class(queries, cases, codes, 4, SMALL, engine=engine, n_threads=2)
    assert found.index.tobytes() == expected.index.tobytes()
    assert found.similarity.tobytes() == expected.similarity.tobytes()
    best = grey.nearest(queries, cases, SMALL, engine=engine)
    np.testing.assert_array_equal(found.similarity.max(axis=1), best.similarity[:, 0])


# Left out -----------------------------------------------------------------------------------------------------


@given(tables(LEVELS | UNIT, 2), READINGS, st.booleans())
@settings(deadline=None)
def test_a_row_left_out_is_the_query_against_the_others(cases: FloatArray, within: str, frozen: bool) -> None:  # noqa: FBT001 - a parameter of the test
    hierarchy = reading(within)
    ranges = frozen_for(cases, hierarchy, frozen)
    got = grey.leave_one_out_similarity(cases, hierarchy, ranges=ranges)
    for row in range(len(cases)):
        others = np.delete(cases, row, axis=0)
        expected = grey.similarity(cases[row : row + 1], others, hierarchy, ranges=ranges)[0]
        assert np.delete(got[row], row).tobytes() == expected.tobytes()
        assert got[row, row] == -np.inf
    some = grey.leave_one_out_similarity(cases, hierarchy, rows=[1, 0], ranges=ranges)
    assert some.tobytes() == got[[1, 0]].tobytes()
    found = grey.leave_one_out_nearest(cases, hierarchy, len(cases) - 1, ranges=ranges)
    index, similarity = head(got, len(cases) - 1)
    np.testing.assert_array_equal(found.index, index)
    np.testing.assert_array_equal(found.similarity, similarity)


def test_a_case_that_stands_twice_is_its_own_nearest(engine: Any) -> None:
    found = grey.leave_one_out_nearest([[0.5] * 3, [0.1] * 3, [0.5] * 3], SMALL, engine=engine)
    assert found.index[[0, 2], 0].tolist() == [2, 0]
    np.testing.assert_array_equal(found.similarity[[0, 2], 0], [1.0, 1.0])


def test_two_cases_left_out_have_no_margin_but_the_similarity(engine: Any) -> None:
    found = grey.leave_one_out_nearest([[0.5] * 3, [0.1] * 3], SMALL, engine=engine)
    assert found.index.tolist() == [[1], [0]]
    np.testing.assert_array_equal(found.margin, found.similarity[:, 0])
    assert not found.tied.any()


def test_classes_left_out(engine: Any) -> None:
    """The single case of class 1 finds no other of its class."""
    rng = np.random.default_rng(6)
    cases, codes = rng.random((60, 3)).round(1), np.where(np.arange(60) == 17, 1, 0)
    found = grey.leave_one_out_by_class(cases, codes, 3, SMALL, engine=engine)
    alike = grey.leave_one_out_similarity(cases, SMALL)
    first = np.where(codes == 0, alike, -np.inf)
    np.testing.assert_array_equal(found.index[:, 0], first.argmax(axis=1))
    np.testing.assert_array_equal(found.similarity[:, 0], first.max(axis=1))
    assert found.index[17, 1] == -1
    assert found.similarity[17, 1] == -np.inf
    assert (np.delete(found.index[:, 1], 17) == 17).all()
    assert (found.index[:, 2] == -1).all()


# Shown --------------------------------------------------------------------------------------------------------


def test_the_nearest_of_each_class_shows_itself() -> None:
    found = grey.nearest_by_class([[0.5] * 3, [0.1] * 3], [[0.4] * 3, [0.9] * 3], [1, 1], 2, SMALL)
    frame = found.to_frame()
    assert frame["query"].tolist() == [0, 0, 1, 1]
    assert frame["class"].tolist() == [0, 1, 0, 1]
    assert frame["case"].tolist() == [-1, 0, -1, 0]
    assert repr(found) == "ClassNearest(classes=2, queries=2, cases=2)"
    assert "each of 2 classes, 2 queries" in found._repr_html_()
    with pytest.raises(ValueError, match="read-only"):
        found.index[0, 0] = 3


# Refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [0, -1, 3, True, 1.5, 1.0, "1", None, np.float64(1.0)])
def test_k_outside_its_range_is_refused(k: Any) -> None:
    with pytest.raises(DomainError, match=r"k must be a whole number from 1 to the number of cases, 2\."):
        grey.nearest([[0.5] * 3], [[0.5] * 3, [0.6] * 3], SMALL, k=k)
    with pytest.raises(DomainError, match=r"k must be a whole number from 1 to the number of other cases, 2\."):
        grey.leave_one_out_nearest([[0.5] * 3, [0.6] * 3, [0.7] * 3], SMALL, k=k)


def test_numpy_integers_are_whole_numbers() -> None:
    k: Any = np.int32(2)
    threads: Any = np.int64(1)
    assert grey.nearest([[0.5] * 3], [[0.5] * 3] * 2, SMALL, k=k, n_threads=threads).index.shape == (1, 2)


CALLS = [
    lambda **how: grey.nearest([[0.5] * 3], [[0.5] * 3] * 2, SMALL, **how),
    lambda **how: grey.nearest_by_class([[0.5] * 3], [[0.5] * 3] * 2, [0, 1], 2, SMALL, **how),
    lambda **how: grey.leave_one_out_nearest([[0.5] * 3] * 2, SMALL, **how),
    lambda **how: grey.leave_one_out_by_class([[0.5] * 3] * 2, [0, 1], 2, SMALL, **how),
]


@pytest.mark.parametrize("call", CALLS)
def test_engines_and_threads_are_checked(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("c", None, 1):
        with pytest.raises(DomainError, match="engine must be 'auto', 'numpy' or 'numba'"):
            call(engine=wrong)
    for threads in (0, -1, True, 1.5, "2", None):
        with pytest.raises(DomainError, match="n_threads must be a whole number from 1"):
            call(n_threads=threads)

    def missing() -> None:
        raise ModuleNotFoundError

    monkeypatch.setattr(relational_numba, "compiled", missing)
    with pytest.raises(DomainError, match=r"'numba', which is not installed: pip install 'custvalue\[fast\]'"):
        call(engine="numba")


@pytest.mark.parametrize(
    ("classes", "n_classes", "match"),
    [
        ([0, 1, 0], 2, r"classes has shape \(3,\) and type int64; allowed: whole numbers, one for each of the 2"),
        ([0.0, 1.0], 2, r"type float64"),
        ([[0, 1]], 2, r"shape \(1, 2\)"),
        ([0, 2], 2, r"codes outside 0 to 1; allowed: 0 to n_classes - 1"),
        ([-1, 1], 2, r"codes outside 0 to 1"),
        ([0, 1], 0, r"n_classes must be a whole number from 1"),
        ([0, 1], 2.0, r"n_classes must be a whole number from 1"),
    ],
)
def test_classes_are_checked(classes: Any, n_classes: Any, match: str) -> None:
    with pytest.raises(DomainError, match=match):
        grey.nearest_by_class([[0.5] * 3], [[0.5] * 3] * 2, classes, n_classes, SMALL)
    with pytest.raises(DomainError, match=match):
        grey.leave_one_out_by_class([[0.5] * 3] * 2, classes, n_classes, SMALL)


@pytest.mark.parametrize(
    ("index", "match"),
    [
        ([0], r"index has shape \(1,\) .*one row for each of the 1 queries"),
        ([[0], [1]], r"shape \(2, 1\)"),
        ([[0.0]], r"type float64; allowed: whole numbers"),
        ([[2]], r"index points beyond the cases; allowed: positions from 0 to 1"),
        ([[-1]], r"index points beyond the cases"),
    ],
)
def test_chosen_pairs_are_checked(index: Any, match: str) -> None:
    with pytest.raises(DomainError, match=match):
        grey.pair_components([[0.5] * 3], [[0.5] * 3] * 2, index, SMALL)


@pytest.mark.parametrize("rows", [[2], [-1], [0.0], [[0]], [True]])
def test_rows_are_checked(rows: Any) -> None:
    with pytest.raises(DomainError, match=r"rows must hold positions of cases, whole numbers from 0 to 1"):
        grey.leave_one_out_similarity([[0.5] * 3] * 2, SMALL, rows=rows)
    assert grey.leave_one_out_similarity([[0.5] * 3] * 2, SMALL, rows=[]).shape == (0, 2)


@pytest.mark.parametrize(
    "call",
    [
        grey.leave_one_out_similarity,
        grey.leave_one_out_nearest,
        lambda cases, hierarchy: grey.leave_one_out_by_class(cases, [0], 1, hierarchy),
    ],
)
def test_one_case_has_none_to_be_compared_with(call: Any) -> None:
    with pytest.raises(DomainError, match="cases has one case; allowed: at least two"):
        call([[0.5] * 3], SMALL)
    with pytest.raises(DomainError, match="cases is empty"):
        call(np.empty((0, 3)), SMALL)
    with pytest.raises(DataError, match=r"cases holds missing values"):
        call([[0.5, np.nan, 0.5]] * 2, SMALL)
    with pytest.raises(DomainError, match="hierarchy is a dict; allowed: Hierarchy"):
        call([[0.5] * 3] * 2, {})


def test_ranges_of_other_indicators_are_refused() -> None:
    for largest in ({"a": 1.0, "b": 1.0}, {"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0}):
        ranges = grey.FrozenRanges(largest=largest)
        for call in (grey.similarity, grey.similarity_components, grey.nearest):
            with pytest.raises(DomainError, match=r"ranges names the indicators a, b.*allowed: .* a, b, c\."):
                call([[0.5] * 3], [[0.5] * 3], SMALL, ranges=ranges)
    wrong: Any = {"a": 1.0}
    with pytest.raises(DomainError, match=r"ranges is a dict; allowed: FrozenRanges. Build it with"):
        grey.nearest([[0.5] * 3], [[0.5] * 3], SMALL, ranges=wrong)


def test_frozen_ranges_ask_for_cases() -> None:
    with pytest.raises(DomainError, match="cases is empty"):
        grey.FrozenRanges.from_cases(np.empty((0, 3)), SMALL)
    with pytest.raises(ColumnError, match="missing: 'c'"):
        grey.FrozenRanges.from_cases(pd.DataFrame({"a": [0.1], "b": [0.2]}), SMALL)
