"""Grey relational analysis: known answers with their sources, a second route in fractions, laws, refusals."""

from __future__ import annotations

import itertools
import json
import pickle
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
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from custvalue._typing import FloatArray

#: The source's control weights (their sum is 1) and its limits of recency and frequency.
SOURCE = grey.Hierarchy.from_weights(
    {"recency": 0.1312, "frequency": 0.7928, "monetary": 0.0760},
    {
        "recency": {"deposit": 0.3281, "withdrawal": 0.1872, "transfer_in": 0.2244, "transfer_out": 0.2603},
        "frequency": {"cash": 0.3414, "transfer": 0.4238, "active": 0.2347},
        "monetary": {"turnover": 0.5, "balance": 0.5},
    },
)
SMALL = grey.Hierarchy.from_weights(
    {"recency": 0.25, "monetary": 0.75}, {"recency": {"a": 1.0}, "monetary": {"b": 0.25, "c": 0.75}}
)
#: Columns of ``SMALL``; few levels, so that ties are common.
LEVELS = st.sampled_from([0.0, 0.125, 0.25, 0.5, 0.75, 1.0])
UNIT = st.floats(0.0, 1.0)
#: No two of these are closer than 1e-12: ranges of 1e-300 and less count as zero, which the formula does not say.
GRID = UNIT.map(lambda value: round(value, 12))
RHO = st.floats(0.01, 1.0)


def tables(elements: st.SearchStrategy[float] = UNIT) -> st.SearchStrategy[FloatArray]:
    return st.integers(1, 6).flatmap(lambda rows: arrays(np.float64, (rows, 3), elements=elements))


def small(rho: float) -> grey.Hierarchy:
    return SMALL.model_copy(update={"distinguishing_coefficient": rho})


def by_formula(
    queries: list[list[Fraction]],
    cases: list[list[Fraction]],
    groups: list[list[int]],
    weights: tuple[list[Fraction], list[Fraction]],
    rho: Fraction,
) -> list[list[Fraction]]:
    """Second route: the source's formulas as they stand, in fractions, one query, case and indicator at a time."""
    control, local = weights
    result = []
    for query in queries:
        row = [Fraction(0)] * len(cases)
        for group, group_weight in zip(groups, control, strict=True):
            distances = [[abs(query[j] - case[j]) for j in group] for case in cases]
            smallest = min(min(each) for each in distances)
            largest = max(max(each) for each in distances)
            for f, each in enumerate(distances):
                for j, distance in zip(group, each, strict=True):
                    below = distance + rho * largest
                    zeta = (smallest + rho * largest) / below if largest else Fraction(1)
                    row[f] += group_weight * local[j] * zeta
        result.append(row)
    return result


def exactly(rows: Any) -> list[list[Fraction]]:
    return [[Fraction(float(value)) for value in row] for row in rows]


def formula_of(queries: FloatArray, cases: FloatArray, hierarchy: grey.Hierarchy) -> FloatArray:
    places = iter(range(len(hierarchy.indicators)))
    groups = [[next(places) for _ in group.indicators] for group in hierarchy.groups]
    control = [Fraction(group.weight) for group in hierarchy.groups]
    local = [Fraction(weight) / sum(map(Fraction, g.weights)) for g in hierarchy.groups for weight in g.weights]
    weights = [weight / sum(control) for weight in control], local
    rho = Fraction(hierarchy.distinguishing_coefficient)
    rows = by_formula(exactly(queries), exactly(cases), groups, weights, rho)
    return np.array([[float(value) for value in row] for row in rows])


def known(shared: Path, name: str) -> Any:
    path = shared / "known_answers" / "grey" / f"{name}.json"
    if not path.exists():
        pytest.skip(f"the known answer {name} is not beside the checkout")
    return json.loads(path.read_text(encoding="utf-8"))


# Known answers ------------------------------------------------------------------------------------------------


def test_coefficients_by_hand() -> None:
    """Distances 0, 1/2, 1 and rho 1/2 give 1, 1/2, 1/3; their mean is 11/18."""
    got = grey.relational_coefficient([[1.0, 0.5, 0.0]], [1.0, 1.0, 1.0])
    np.testing.assert_allclose(got, [[1.0, 1 / 2, 1 / 3]], rtol=1e-15)
    grade = grey.relational_grade([[1.0, 0.5, 0.0]], [1.0, 1.0, 1.0])
    np.testing.assert_allclose(grade, [11 / 18], rtol=1e-15)
    weighted = grey.relational_grade([[1.0, 0.5, 0.0]], [1.0, 1.0, 1.0], weights=[0.5, 0.5, 0.0])
    np.testing.assert_allclose(weighted, [3 / 4], rtol=1e-15)


def test_smallest_distance_above_zero_by_hand() -> None:
    """Distances 1, 2, 4 with rho 1/4: (1 + 1) / (1 + 1), (1 + 1) / (2 + 1), (1 + 1) / (4 + 1)."""
    got = grey.relational_coefficient([[1.0], [2.0], [4.0]], [0.0], distinguishing_coefficient=0.25)
    np.testing.assert_allclose(got, [[1.0], [2 / 3], [2 / 5]], rtol=1e-15)


#: Six suppliers by nine criteria, min-max normalised by direction, with the grades printed to 8 digits:
#: Si and Sun, Python mathematics experiments and modelling (known answer ka01).
SUPPLIERS = """
    0/1 14/53 17/28 0/1 11/24 6/11 2/3 8/15 5/17
    7/16 45/53 0/1 8/23 2/3 1/1 1/5 0/1 13/17
    1/1 0/1 13/28 10/23 1/8 5/11 1/1 4/5 1/1
    9/16 1/1 19/28 12/23 1/1 0/1 1/3 1/1 7/17
    1/4 30/53 11/28 1/1 11/24 6/11 0/1 1/5 0/1
    3/4 37/53 1/1 15/23 0/1 8/11 1/6 11/15 12/17
"""
SUPPLIER_GRADES = [0.46299243, 0.55599428, 0.64907363, 0.6527227, 0.493562, 0.61301504]


def test_supplier_grades_si_sun() -> None:
    rows = [line.split() for line in SUPPLIERS.strip().splitlines()]
    table = np.array([[float(Fraction(cell)) for cell in row] for row in rows])
    grades = grey.relational_grade(table, np.ones(9))
    np.testing.assert_allclose(grades, SUPPLIER_GRADES, rtol=0, atol=5e-9)
    assert np.argsort(-grades).tolist() == [3, 2, 5, 1, 4, 0]
    weighted = grey.relational_grade(table, np.ones(9), weights=np.full(9, 1 / 9))
    np.testing.assert_allclose(weighted, grades, rtol=1e-15)


#: First query and six cases of known answer ka13, in twentieths, with its exact grades and similarities.
TWENTIETHS_QUERY = [17, 2, 18, 1, 19, 6, 15, 17, 13]
TWENTIETHS_CASES = [
    [10, 4, 12, 20, 1, 2, 17, 3, 11],
    [18, 1, 16, 6, 1, 2, 13, 13, 2],
    [7, 2, 17, 13, 1, 18, 3, 7, 20],
    [20, 18, 1, 18, 18, 12, 1, 7, 1],
    [17, 4, 9, 13, 4, 17, 3, 18, 9],
    [17, 5, 3, 18, 18, 20, 6, 11, 3],
]
KA13_SIMILARITY = (
    *("264175891/422754750", "147430039/190921500", "11267230193/19784880500"),
    *("32788274609/59808650300", "30837962/46058375", "68139705/101294024"),
)
KA13_GRADES = (
    ("19958/31465", "1751/1995", "2491/3515", "9134/16905", "21/25", "4292/5405"),
    ("22358/47025", "44338/71775", "5334/11825", "11137/16430", "4173/8815", "15449/24910"),
    ("248/315", "76/99", "5212/11305", "920/2261", "125/209", "1143/2210"),
)
KA13 = grey.Hierarchy.from_weights(
    {"one": 0.45, "two": 0.3, "three": 0.25},
    {
        "one": {"a": 0.5, "b": 0.3, "c": 0.2},
        "two": {"d": 0.4, "e": 0.35, "f": 0.25},
        "three": {"g": 0.6, "h": 0.2, "i": 0.2},
    },
)


def test_two_levels_by_exact_fractions() -> None:
    """One query of ka13: the fractions follow from the formulas, and the library gives them."""
    queries = [[Fraction(value, 20) for value in TWENTIETHS_QUERY]]
    cases = [[Fraction(value, 20) for value in row] for row in TWENTIETHS_CASES]
    weights = (
        [Fraction(45, 100), Fraction(3, 10), Fraction(1, 4)],
        [Fraction(share, 100) for share in (50, 30, 20, 40, 35, 25, 60, 20, 20)],
    )
    groups = [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    expected = [Fraction(text) for text in KA13_SIMILARITY]
    assert by_formula(queries, cases, groups, weights, Fraction(1, 2)) == [expected]
    wanted, base = ([[float(value) for value in row] for row in table] for table in (queries, cases))
    got = grey.similarity(wanted, base, KA13)
    np.testing.assert_allclose(got, [[float(value) for value in expected]], rtol=0, atol=1e-15)
    parts = grey.similarity_components(wanted, base, KA13)
    grades = [[float(Fraction(text)) for text in row] for row in KA13_GRADES]
    np.testing.assert_allclose(parts.group_grades[0], grades, rtol=0, atol=1e-15)
    assert grey.nearest(wanted, base, KA13).index.tolist() == [[1]]


def test_two_level_similarity_in_full(shared: Path) -> None:
    case = known(shared, "ka13_two_level_similarity_4x6x9")
    given_, exact = case["input"], case["expected_exact"]
    parts = grey.similarity_components(given_["queries"], given_["cases"], KA13)
    for name, got in (
        ("sim", parts.similarity),
        ("group_grades", parts.group_grades),
        ("coefficients", parts.coefficients),
    ):
        expected = np.vectorize(lambda text: float(Fraction(text)))(np.array(exact[name]))
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-14, err_msg=name)
    np.testing.assert_array_equal(grey.similarity(given_["queries"], given_["cases"], KA13), parts.similarity)
    found = grey.nearest(given_["queries"], given_["cases"], KA13)
    assert found.index[:, 0].tolist() == exact["winner"]
    assert parts.similarity[3, 2] == pytest.approx(1.0, abs=1e-15)


# A second route -----------------------------------------------------------------------------------------------


@given(tables(GRID | LEVELS), tables(GRID | LEVELS), RHO)
@settings(deadline=None, max_examples=60)
def test_similarity_is_the_formula(queries: FloatArray, cases: FloatArray, rho: float) -> None:
    got = grey.similarity(queries, cases, small(rho))
    np.testing.assert_allclose(got, formula_of(queries, cases, small(rho)), rtol=0, atol=4e-15)


def test_similarity_under_the_source_weights_is_the_formula() -> None:
    """Nine indicators; the published limits (sum .9999 in frequency) are renormalised."""
    rng = np.random.default_rng(0)
    queries, cases = rng.random((4, 9)), rng.random((7, 9))
    got = grey.similarity(queries, cases, SOURCE)
    np.testing.assert_allclose(got, formula_of(queries, cases, SOURCE), rtol=0, atol=2e-15)
    assert SOURCE.control_deviation == pytest.approx(0, abs=1e-12)
    assert SOURCE.local_deviations == pytest.approx({"recency": 0, "frequency": -1e-4, "monetary": 0})


@given(tables(GRID | LEVELS), GRID, RHO)
@settings(deadline=None, max_examples=60)
def test_coefficients_are_the_formula(table: FloatArray, level: float, rho: float) -> None:
    reference = np.array([level, 0.5, 1.0])
    got = grey.relational_coefficient(table, reference, distinguishing_coefficient=rho)
    distance = [[abs(a - b) for a, b in zip(row, exactly([reference])[0], strict=True)] for row in exactly(table)]
    smallest, largest = min(map(min, distance)), max(map(max, distance))
    zeta = Fraction(rho) * largest
    expected = [[float((smallest + zeta) / (d + zeta)) if largest else 1.0 for d in row] for row in distance]
    np.testing.assert_allclose(got, expected, rtol=1e-12)


# Laws ---------------------------------------------------------------------------------------------------------


@given(tables(), tables(), RHO)
@settings(deadline=None)
def test_similarity_lies_between_its_bounds(queries: FloatArray, cases: FloatArray, rho: float) -> None:
    got = grey.similarity(queries, cases, small(rho))
    assert (got >= rho / (1.0 + rho) * (1.0 - 1e-14)).all()
    assert (got <= 1.0 + 1e-15).all()


def test_the_lower_bound_is_reached() -> None:
    """One case equal to the query and one at the largest distance in every indicator."""
    got = grey.similarity([[0.0] * 3], [[0.0] * 3, [1.0] * 3], SMALL)
    np.testing.assert_allclose(got, [[1.0, 1 / 3]], rtol=1e-15)


@given(tables(LEVELS), RHO)
@settings(deadline=None)
def test_a_case_is_most_similar_to_itself(cases: FloatArray, rho: float) -> None:
    got = grey.similarity(cases, cases, small(rho))
    np.testing.assert_allclose(np.diag(got), 1.0, rtol=0, atol=1e-15)
    assert (got <= np.diag(got)[:, None]).all()
    found = grey.nearest(cases, cases, small(rho)).index[:, 0]
    np.testing.assert_array_equal(cases[found], cases)


@given(tables(), tables(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_permuting_queries_and_cases_permutes(queries: FloatArray, cases: FloatArray, random: Any) -> None:
    rows, columns = list(range(len(queries))), list(range(len(cases)))
    random.shuffle(rows)
    random.shuffle(columns)
    expected = grey.similarity(queries, cases, SMALL)[np.ix_(rows, columns)]
    np.testing.assert_array_equal(grey.similarity(queries[rows], cases[columns], SMALL), expected)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_order_of_groups_and_indicators_does_not_matter(order: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    names = list(SOURCE.indicators)
    queries, cases = (pd.DataFrame(rng.random((n, 9)), columns=names) for n in (5, 8))
    other = grey.Hierarchy(
        groups=[
            grey.Group(
                name=group.name,
                weight=group.weight,
                indicators=group.indicators[::-1],
                weights=group.weights[::-1],
            )
            for group in (SOURCE.groups[place] for place in order)
        ]
    )
    expected = grey.similarity(queries, cases, SOURCE)
    np.testing.assert_allclose(grey.similarity(queries, cases, other), expected, rtol=0, atol=1e-15)


@given(tables(), tables(), st.integers(-20, 20))
@settings(deadline=None)
def test_the_scale_of_a_group_does_not_matter(queries: FloatArray, cases: FloatArray, power: int) -> None:
    """Multiplying by a power of two is exact, except below the smallest normal number: hence 1e-15."""
    queries, cases = queries.round(6), cases.round(6)
    factor = np.array([1.0, 2.0**power, 2.0**power])
    expected = grey.similarity(queries, cases, SMALL)
    np.testing.assert_array_equal(grey.similarity(queries * factor, cases * factor, SMALL), expected)


@given(tables(LEVELS), tables(LEVELS), st.integers(-8, 8))
@settings(deadline=None)
def test_the_origin_of_an_indicator_does_not_matter(queries: FloatArray, cases: FloatArray, shift: int) -> None:
    """Eighths shifted by whole numbers are exact, so not a bit changes; other shifts round the distances."""
    moved = np.array([shift, 0.0, -shift])
    expected = grey.similarity(queries, cases, SMALL)
    np.testing.assert_array_equal(grey.similarity(queries + moved, cases + moved, SMALL), expected)


def test_an_irregular_shift_changes_nothing_beyond_rounding() -> None:
    rng = np.random.default_rng(2)
    queries, cases = rng.random((20, 3)), rng.random((30, 3))
    expected = grey.similarity(queries, cases, SMALL)
    np.testing.assert_allclose(grey.similarity(queries + 0.1, cases + 0.1, SMALL), expected, rtol=0, atol=1e-13)


def test_ranges_belong_to_query_and_group() -> None:
    """Other readings give other numbers: ranges of the batch, of a column, or of all groups together."""
    queries, cases = [[0.5, 0.5, 0.5], [5.0, 5.0, 5.0]], [[0.5, 0.25, 0.5], [1.5, 0.5, 1.0]]
    both = grey.similarity(queries, cases, SMALL)
    np.testing.assert_array_equal(both[:1], grey.similarity(queries[:1], cases, SMALL))
    far = grey.similarity([[0.5, 0.5, 0.5]], [*cases, [9.5, 0.5, 0.5]], SMALL)
    recency, monetary = far[0, 1] - both[0, 1], far[0, 0] - both[0, 0]
    assert recency == pytest.approx(0.25 * (4.5 / 5.5 - 1 / 3)), "the far case widens recency's range"
    assert monetary == pytest.approx(0.0, abs=1e-15), "and not that of monetary"


def test_a_case_added_can_change_all_others() -> None:
    """Wholeness: the similarity is relative to the case base."""
    before = grey.similarity([[0.5] * 3], [[0.6] * 3, [0.1] * 3], SMALL)
    after = grey.similarity([[0.5] * 3], [[0.6] * 3, [0.1] * 3, [9.0] * 3], SMALL)
    assert (after[0, :2] > before[0]).any()


def test_a_zero_weight_adds_nothing_but_its_distances_count() -> None:
    without = grey.Hierarchy.from_weights({"g": 1.0}, {"g": {"a": 1.0}})
    zero = grey.Hierarchy.from_weights({"g": 1.0}, {"g": {"a": 1.0, "b": 0.0}})
    cases = [[0.0, 0.5], [1.0, 0.5]]
    alone = grey.similarity([[0.0]], [row[:1] for row in cases], without)
    np.testing.assert_array_equal(grey.similarity([[0.0, 0.5]], cases, zero), alone)
    assert (grey.similarity([[0.0, 4.5]], cases, zero)[0, 1] - alone[0, 1]) == pytest.approx(2 / 3 - 1 / 3)


# Degenerate input ---------------------------------------------------------------------------------------------


def test_all_distances_zero_give_one() -> None:
    np.testing.assert_array_equal(grey.similarity([[0.3] * 3] * 2, [[0.3] * 3] * 4, SMALL), np.ones((2, 4)))
    np.testing.assert_array_equal(grey.relational_coefficient([[2.0, 3.0]], [2.0, 3.0]), [[1.0, 1.0]])


def test_a_constant_group_speaks_for_every_case_alike() -> None:
    """Recency is constant: it adds its whole weight 1/4; monetary alone decides."""
    cases = [[0.3, 0.0, 0.0], [0.3, 1.0, 1.0]]
    got = grey.similarity([[0.3, 0.0, 0.0]], cases, SMALL)
    np.testing.assert_allclose(got, [[1.0, 0.25 + 0.75 / 3]], rtol=1e-15)


@given(tables(), RHO)
@settings(deadline=None)
def test_a_single_case(queries: FloatArray, rho: float) -> None:
    """Alone, a case is judged by its own nearest and farthest indicator."""
    found = grey.nearest(queries, [[0.5, 0.5, 0.5]], small(rho))
    assert found.index.tolist() == [[0]] * len(queries)
    assert not found.tied.any()
    np.testing.assert_array_equal(found.margin, found.similarity[:, 0])
    np.testing.assert_array_equal(found.similarity, grey.similarity(queries, [[0.5, 0.5, 0.5]], small(rho)))


EXTREMES = [0.0, 5e-324, 1e-320, -1e-308, 1e-300, 1e-160, -1e-16, 1.0, -1e16, 1e140, -1e149]


@given(
    tables(st.sampled_from(EXTREMES)), tables(st.sampled_from(EXTREMES)), st.sampled_from([5e-324, 1e-9, 0.5, 1])
)
@settings(deadline=None)
def test_no_finite_input_gives_nan_or_a_warning(queries: FloatArray, cases: FloatArray, rho: float) -> None:
    alike = grey.similarity(queries, cases, small(rho))
    assert ((alike >= 0.0) & (alike <= 1.0 + 1e-15)).all()
    parts = grey.similarity_components(queries, cases, small(rho))
    np.testing.assert_array_equal(parts.similarity, alike)
    found = grey.nearest(queries, cases, small(rho), k=len(cases))
    assert np.isfinite(found.similarity).all()
    assert np.isfinite(grey.relational_grade(cases, queries[0], distinguishing_coefficient=rho)).all()


# Results ------------------------------------------------------------------------------------------------------


def test_results_to_frames_and_html() -> None:
    queries, cases = [[0.5] * 3, [0.1] * 3], [[0.4] * 3, [0.9] * 3, [0.0] * 3]
    found = grey.nearest(queries, cases, SMALL, k=2)
    frame = found.to_frame()
    assert frame["query"].tolist() == [0, 0, 1, 1]
    assert frame["rank"].tolist() == [1, 2, 1, 2]
    assert frame["case"].tolist() == found.index.ravel().tolist()
    assert "2 queries; 0 tied" in found._repr_html_()
    parts = grey.similarity_components(queries, cases, SMALL)
    table = parts.to_frame()
    assert table["indicator"].tolist() == ["a", "b", "c"] * 6
    assert table["group"].tolist() == ["recency", "monetary", "monetary"] * 6
    sums = table.groupby(["query", "case"])["contribution"].sum().to_numpy().reshape(2, 3)
    np.testing.assert_allclose(sums, grey.similarity(queries, cases, SMALL), rtol=0, atol=1e-15)
    assert found.provenance.counts == {"queries": 2, "cases": 3}
    assert grey.Hierarchy.model_validate_json(found.provenance.spec) == SMALL


@pytest.mark.parametrize("name", ["index", "similarity", "margin", "tied"])
def test_results_cannot_be_written_to(name: str) -> None:
    found = grey.nearest([[0.5] * 3], [[0.4] * 3], SMALL)
    with pytest.raises(ValueError, match="read-only"):
        getattr(found, name)[...] = 0


@given(tables(), tables(), RHO)
@settings(deadline=None)
def test_parts_sum_to_the_similarity(queries: FloatArray, cases: FloatArray, rho: float) -> None:
    hierarchy = small(rho)
    parts = grey.similarity_components(queries, cases, hierarchy)
    np.testing.assert_allclose(parts.contributions.sum(axis=2), parts.similarity, rtol=0, atol=3e-15)
    weighed = np.einsum("g,qgf->qf", hierarchy.control_weights, parts.group_grades)
    np.testing.assert_allclose(weighed, parts.similarity, rtol=0, atol=3e-15)
    np.testing.assert_array_equal(parts.similarity, grey.similarity(queries, cases, hierarchy))


# Frames -------------------------------------------------------------------------------------------------------


@pytest.mark.pyarrow
@pytest.mark.parametrize("order", ["abc", "cab", "bca"])
def test_columns_are_matched_by_name(make_frame: Callable[..., Any], order: str) -> None:
    rng = np.random.default_rng(5)
    queries, cases = rng.random((4, 3)), rng.random((6, 3))
    frames = [
        make_frame({"key": ["secret"] * len(table)} | {name: table[:, "abc".index(name)] for name in order})
        for table in (queries, cases)
    ]
    expected = grey.similarity(queries, cases, SMALL)
    np.testing.assert_array_equal(grey.similarity(frames[0], frames[1], SMALL), expected)
    np.testing.assert_array_equal(grey.similarity(frames[0], cases, SMALL), expected)
    found = grey.nearest(frames[0], frames[1], SMALL, k=3)
    np.testing.assert_array_equal(found.index, grey.nearest(queries, cases, SMALL, k=3).index)
    parts = grey.similarity_components(frames[0], frames[1], SMALL)
    np.testing.assert_array_equal(parts.similarity, expected)


@pytest.mark.pyarrow
def test_whole_numbers_and_booleans_are_numbers(make_frame: Callable[..., Any]) -> None:
    frame = make_frame({"a": [1, 0], "b": [True, False], "c": [0.5, 1.0]})
    expected = grey.similarity([[1.0, 1.0, 0.5], [0.0, 0.0, 1.0]], [[0.0] * 3, [1.0] * 3], SMALL)
    np.testing.assert_array_equal(grey.similarity(frame, [[0.0] * 3, [1.0] * 3], SMALL), expected)


@pytest.mark.pyarrow
def test_a_missing_column_is_named(make_frame: Callable[..., Any]) -> None:
    frame = make_frame({"a": [0.1], "c": [0.2], "other": [0.3]})
    with pytest.raises(ColumnError, match=r"missing: 'b'. The frame has: 'a', 'c', 'other'. queries must hold"):
        grey.similarity(frame, [[0.5] * 3], SMALL)
    with pytest.raises(ColumnError, match=r"missing: 'b'.*cases must hold"):
        grey.nearest([[0.5] * 3], frame, SMALL)


@pytest.mark.pyarrow
def test_text_is_refused_and_not_shown(make_frame: Callable[..., Any]) -> None:
    frame = make_frame({"a": ["secret"], "b": [0.5], "c": [0.5]})
    with pytest.raises(ColumnError, match=r"Column 'a' is of type .*; allowed: numbers") as caught:
        grey.similarity(frame, [[0.5] * 3], SMALL)
    assert "secret" not in str(caught.value)


@pytest.mark.pyarrow
def test_a_null_is_refused_and_its_row_not_shown(make_frame: Callable[..., Any]) -> None:
    frame = make_frame({"a": [0.123456, 0.5], "b": [0.5, None], "c": [0.5, 0.5]})
    with pytest.raises(DataError, match=r"queries holds missing values .*: 1 cell\(s\) in 'b'") as caught:
        grey.similarity(frame, [[0.5] * 3], SMALL)
    assert "123456" not in str(caught.value)


def test_lazy_and_doubled_frames_are_refused() -> None:
    polars = pytest.importorskip("polars")
    lazy = polars.DataFrame({"a": [0.1], "b": [0.1], "c": [0.1]}).lazy()
    with pytest.raises(DomainError, match=r"queries is a lazy frame; .* \.collect\(\)"):
        grey.similarity(lazy, [[0.5] * 3], SMALL)
    doubled = pd.DataFrame([[0.5] * 4], columns=["a", "b", "c", "c"])
    with pytest.raises(ColumnError, match=r"unique column names, got: - 'c' 2 times"):
        grey.nearest(doubled, [[0.5] * 3], SMALL)


# Refusals of arrays -------------------------------------------------------------------------------------------

BAD_TABLES = [
    ([[0.5, np.nan, 0.5]], DataError, r"missing values \(NaN or null\): 1 cell\(s\) in 'b'"),
    ([[0.5, None, 0.5]], DataError, r"missing values"),
    ([[np.inf, 0.5, -np.inf]], DataError, r"infinite numbers .*: 2 cell\(s\) in 'a', 'c'"),
    ([[1e151, 0.5, 0.5]], DataError, r"beyond 1e\+150: 1 cell\(s\) in 'a'"),
    (np.ma.array([[0.5, 0.5, 0.5]], mask=[[False, False, True]]), DataError, r"missing values .* in 'c'"),
    ([["secret", "0.5", "0.5"]], DomainError, r"does not hold numbers only"),
    ([["1", "2", "3"]], DomainError, r"does not hold numbers only"),
    (np.array([[1j, 2.0, 3.0]]), DomainError, r"does not hold numbers only; allowed: a table of real numbers"),
    ([[10**400, 1, 2]], DomainError, r"does not hold numbers only"),
    ([[1.0, 2.0, 3.0], [1.0]], DomainError, r"does not hold numbers only"),
    (np.zeros((1, 2, 3)), DomainError, r"has shape \(1, 2, 3\); allowed: two dimensions"),
    ([[0.123456] * 4], DomainError, r"has 4 columns and the hierarchy 3 indicators \(a, b, c\)"),
    ([0.123456] * 2, DomainError, r"has shape \(2,\)"),
]


@pytest.mark.parametrize(("table", "error", "match"), BAD_TABLES)
@pytest.mark.parametrize("function", [grey.similarity, grey.similarity_components, grey.nearest])
def test_bad_tables_are_refused_by_name(function: Any, table: Any, error: type[Exception], match: str) -> None:
    good = [[0.5] * 3]
    for arguments, name in (((table, good), "queries "), ((good, table), "cases ")):
        with pytest.raises(error, match=f"{name}.*{match}") as caught:
            function(*arguments, SMALL)
        for cell in ("secret", "123456", "j,", "1e+151"):
            assert cell not in str(caught.value)


@pytest.mark.parametrize("function", [grey.similarity, grey.similarity_components, grey.nearest])
def test_an_empty_case_base_is_refused(function: Any) -> None:
    with pytest.raises(DomainError, match=r"cases is empty; allowed: at least one case"):
        function([[0.5] * 3], np.empty((0, 3)), SMALL)


def test_no_query_gives_an_empty_result() -> None:
    none = np.empty((0, 3))
    assert grey.similarity(none, [[0.5] * 3], SMALL).shape == (0, 1)
    assert grey.nearest(none, [[0.5] * 3], SMALL).index.shape == (0, 1)


@pytest.mark.parametrize("row", [[0.1, 0.2, 0.3], pd.Series([0.3, 0.2, 0.1], index=["c", "b", "a"])])
def test_one_flat_row_is_refused_since_its_names_would_be_lost(row: Any) -> None:
    with pytest.raises(DomainError, match=r"queries has shape \(3,\); allowed: two dimensions"):
        grey.similarity(row, [[0.1, 0.2, 0.3]], SMALL)


@pytest.mark.parametrize("rho", [0.0, -0.1, 1.1, np.nan, np.inf])
def test_rho_outside_its_interval_is_named(rho: float) -> None:
    with pytest.raises(DomainError, match=r"distinguishing_coefficient .* \(0, 1\]"):
        grey.relational_coefficient([[1.0]], [1.0], distinguishing_coefficient=rho)
    with pytest.raises(DomainError, match=r"distinguishing_coefficient .* \(0, 1\]"):
        grey.relational_grade([[1.0]], [1.0], distinguishing_coefficient=rho)
    with pytest.raises(ValidationError, match="distinguishing_coefficient"):
        grey.Hierarchy.equal({"g": ["a"]}, distinguishing_coefficient=rho)


@pytest.mark.parametrize(
    ("series", "reference", "error", "match"),
    [
        ([[1.0, 2.0]], [1.0], DomainError, r"series has shape \(1, 2\) and reference 1 points"),
        (np.empty((0, 2)), [1.0, 2.0], DomainError, r"at least one series"),
        ([1.0, 2.0], [1.0, 2.0], DomainError, r"series has shape \(2,\)"),
        ([[1.0, 2.0]], [[1.0, 2.0]], DomainError, r"reference has shape"),
        ([[1.0, 2.0]], ["secret", 1.0], DomainError, r"reference does not hold numbers only"),
        ([[1.0, np.nan]], [1.0, 2.0], DataError, r"series holds missing values"),
        ([[1.0, 2.0]], [1.0, np.inf], DataError, r"reference holds infinite numbers"),
    ],
)
def test_series_that_do_not_fit_are_refused(
    series: Any, reference: Any, error: type[Exception], match: str
) -> None:
    for function in (grey.relational_coefficient, grey.relational_grade):
        with pytest.raises(error, match=match) as caught:
            function(series, reference)
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("weights", "match"),
    [
        ([0.5], "must be 2 numbers"),
        ([1.5, -0.5], "not negative"),
        ([0.5, 0.5006], "weights sum to 1.0006"),
        (["secret", 1.0], "does not hold numbers only"),
    ],
)
def test_weights_of_points_are_checked(weights: Any, match: str) -> None:
    with pytest.raises(DomainError, match=match) as caught:
        grey.relational_grade([[1.0, 2.0]], [1.0, 2.0], weights=weights)
    assert "secret" not in str(caught.value)


def test_rounded_weights_of_points_are_renormalised() -> None:
    got = grey.relational_grade([[1.0, 0.0]], [1.0, 1.0], weights=[0.5, 0.4996])
    np.testing.assert_allclose(got, [(0.5 + 0.4996 / 3) / 0.9996], rtol=1e-15)


# The hierarchy ------------------------------------------------------------------------------------------------


def document(**changes: Any) -> dict[str, Any]:
    base = {
        "groups": [
            {"name": "recency", "weight": 0.25, "indicators": ["a"], "weights": [1.0]},
            {"name": "monetary", "weight": 0.75, "indicators": ["b", "c"], "weights": [0.25, 0.75]},
        ],
        "distinguishing_coefficient": 0.5,
    }
    return base | changes


def group(**changes: Any) -> dict[str, Any]:
    return {"name": "g", "weight": 1.0, "indicators": ["a", "b"], "weights": [0.5, 0.5]} | changes


def test_json_round_trip() -> None:
    read = grey.Hierarchy.model_validate_json(json.dumps(document()))
    assert read == SMALL
    assert hash(read) == hash(SMALL)
    assert read.digest == SMALL.digest
    for hierarchy in (SMALL, SOURCE, small(0.1)):
        again = grey.Hierarchy.model_validate_json(hierarchy.model_dump_json())
        assert again == hierarchy
        assert again.digest == hierarchy.digest
        assert pickle.loads(pickle.dumps(hierarchy)) == hierarchy  # noqa: S301 - our own bytes
    assert small(0.1).digest != SMALL.digest


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"colour": "blue"}, "Extra inputs are not permitted"),
        ({"spec_version": 2}, "spec_version"),
        ({"groups": []}, "at least 1 item"),
        ({"groups": [group(colour="blue")]}, "Extra inputs are not permitted"),
        ({"groups": [group(weights=[0.5, 0.5006])]}, "inside group 'g' sum to 1.0006"),
        ({"groups": [group(weights=[0.5, 0.4994])]}, "inside group 'g' sum to 0.9994"),
        ({"groups": [group(weight=0.9994)]}, "weights of the groups sum to 0.9994"),
        ({"groups": [group(weights=[1.5, -0.5])]}, "greater than or equal to 0"),
        ({"groups": [group(weights=["0.5", "0.5"])]}, "valid number"),
        ({"groups": [group(weights=[0.5])]}, "2 indicators and 1 weights"),
        ({"groups": [group(indicators=["a", "a"])]}, r"indicator name\(s\) \['a'\] stand more than once"),
        ({"groups": [group(weight=0.5), group(weight=0.5, name="h")]}, r"\['a', 'b'\] stand more than once"),
        (
            {"groups": [group(weight=0.5), group(weight=0.5, indicators=["c", "d"])]},
            r"group name\(s\) \['g'\] stand more than once",
        ),
        ({"groups": [group(indicators=[], weights=[])]}, "at least 1 item"),
        ({"groups": [group(indicators=["", "b"])]}, "at least 1 character"),
        ({"distinguishing_coefficient": 0}, "greater than 0"),
        ({"distinguishing_coefficient": 1.01}, "less than or equal to 1"),
        ({"distinguishing_coefficient": "0.5"}, "valid number"),
    ],
)
def test_a_wrong_document_is_refused(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(ValidationError, match=match):
        grey.Hierarchy.model_validate_json(json.dumps(document(**changes)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1])
def test_weights_that_are_no_weights_are_refused(value: float) -> None:
    with pytest.raises(ValidationError, match="weights"):
        grey.Group(name="g", weight=1.0, indicators=("a", "b"), weights=(value, 1.0 - value))
    with pytest.raises(ValidationError, match="weight"):
        grey.Group(name="g", weight=value, indicators=("a",), weights=(1.0,))


@pytest.mark.parametrize("off", [4e-4, -4e-4])
def test_rounded_weights_are_renormalised_and_reported(off: float) -> None:
    rounded = grey.Hierarchy.from_weights(
        {"one": 0.5, "two": 0.5 + off}, {"one": {"a": 1.0}, "two": {"b": 0.25 + off, "c": 0.75}}
    )
    assert rounded.control_deviation == pytest.approx(off, abs=1e-15)
    assert rounded.local_deviations == pytest.approx({"one": 0.0, "two": off}, abs=1e-15)
    np.testing.assert_allclose(rounded.control_weights, np.array([0.5, 0.5 + off]) / (1 + off), rtol=1e-15)
    np.testing.assert_allclose(rounded.local_weights[1:], np.array([0.25 + off, 0.75]) / (1 + off), rtol=1e-15)
    assert rounded.global_weights.sum() == pytest.approx(1.0, abs=1e-15)
    assert rounded.groups[1].weights == (0.25 + off, 0.75), "what was given is kept"


def test_weights_of_both_levels_multiply() -> None:
    assert SMALL.indicators == ("a", "b", "c")
    assert SMALL.group_names == ("recency", "monetary")
    assert SMALL.group_index.tolist() == [0, 1, 1]
    np.testing.assert_array_equal(SMALL.global_weights, [0.25, 0.1875, 0.5625])
    equal = grey.Hierarchy.equal({"x": ["a", "b", "c", "d"], "y": ["e"]})
    np.testing.assert_array_equal(equal.global_weights, [0.125, 0.125, 0.125, 0.125, 0.5])


def test_weights_must_name_the_same_criteria() -> None:
    with pytest.raises(DomainError, match=r"control names \['one'\] and local names \['two'\]"):
        grey.Hierarchy.from_weights({"one": 1.0}, {"two": {"a": 1.0}})


@pytest.mark.parametrize("groups", [{}, {"g": []}, {"g": ["a", "a"]}, {"g": ["a"], "h": ["a"]}])
def test_equal_weights_need_indicators_of_one_group_each(groups: dict[str, list[str]]) -> None:
    with pytest.raises(ValueError, match=r"at least 1 item|more than once"):
        grey.Hierarchy.equal(groups)


def test_a_hierarchy_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        SMALL.distinguishing_coefficient = 0.1  # type: ignore[misc]  # meant wrong
    with pytest.raises(TypeError, match="item assignment"):
        SMALL.groups[0].weights[0] = 0.5  # type: ignore[index]  # meant wrong


def test_groups_as_text_and_a_text_for_rho_are_refused() -> None:
    with pytest.raises(DomainError, match=r"allowed: to a sequence of names"):
        grey.Hierarchy.equal({"monetary": "xy"})
    with pytest.raises(DomainError, match=r"distinguishing_coefficient is nan; allowed: \(0, 1\]"):
        grey.relational_coefficient([[1.0]], [1.0], distinguishing_coefficient="text")  # type: ignore[arg-type]  # meant wrong
