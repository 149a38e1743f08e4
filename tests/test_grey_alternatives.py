"""Ranking of alternatives, entropy weights, paths over rho: known answers, fractions, laws, refusals."""

from __future__ import annotations

import itertools
import json
import math
import pickle
from decimal import Decimal, localcontext
from fractions import Fraction as F  # noqa: N817 - sums of fractions stay readable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from custvalue import grey
from custvalue._kernels import distinguishing
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from custvalue._typing import FloatArray

#: Six suppliers by nine criteria (Si and Sun), as in the known answer.
SUPPLIERS = [
    [0.83, 326, 21, 3.2, 0.20, 0.15, 250, 0.23, 0.87],
    [0.90, 295, 38, 2.4, 0.25, 0.20, 180, 0.15, 0.95],
    [0.99, 340, 25, 2.2, 0.12, 0.14, 300, 0.27, 0.99],
    [0.92, 287, 19, 2.0, 0.33, 0.09, 200, 0.30, 0.89],
    [0.87, 310, 27, 0.9, 0.20, 0.15, 150, 0.18, 0.82],
    [0.95, 303, 10, 1.7, 0.09, 0.17, 175, 0.26, 0.94],
]
SUPPLIER_DIRECTIONS = ["benefit"] + ["cost"] * 3 + ["benefit"] * 5
PRINTED = [0.46299243, 0.55599428, 0.64907363, 0.6527227, 0.493562, 0.61301504]
#: Few levels, so that ties and constant criteria are common.
LEVELS = st.sampled_from([0.0, 1.0, 2.0, 3.0, 5.0])
RHO = st.sampled_from([0.01, 0.25, 0.5, 1.0])


def matrices(elements: st.SearchStrategy[float] = LEVELS) -> st.SearchStrategy[FloatArray]:
    return st.tuples(st.integers(1, 5), st.integers(1, 4)).flatmap(
        lambda shape: arrays(np.float64, shape, elements=elements)
    )


def by_definition(
    matrix: FloatArray, directions: list[str], weights: list[F], targets: dict[int, float], rho: float
) -> tuple[list[list[F]], list[F], list[F]]:
    """Second route: scaled values, grades to the ideal and to the anti-ideal, in fractions."""
    columns = []
    alike = []
    for j, direction in enumerate(directions):
        values = [F(float(value)) for value in matrix[:, j]]
        if direction == "target":
            missed = [abs(value - F(targets[j])) for value in values]
        else:
            best = max(values) if direction == "benefit" else min(values)
            missed = [abs(value - best) for value in values]
        alike.append(not any(missed))
        columns.append([1 - (each / max(missed) if any(missed) else F(0)) for each in missed])
    scaled = [list(row) for row in zip(*columns, strict=True)]
    grades = []
    for worst in (False, True):
        distance = [[F(0) if alike[j] else (y if worst else 1 - y) for j, y in enumerate(row)] for row in scaled]
        smallest, largest = min(map(min, distance)), max(map(max, distance))
        offset = F(rho) * largest
        grades.append(
            [
                sum((w * ((smallest + offset) / (d + offset) if largest else 1) for w, d in pairs), F(0))
                for pairs in (list(zip(weights, row, strict=True)) for row in distance)
            ]
        )
    return scaled, grades[0], grades[1]


# Ranking ------------------------------------------------------------------------------------------------------


def test_supplier_example_si_sun(shared: Path) -> None:
    """Si and Sun, supplier example: scaled values, coefficients and grades as exact rationals."""
    path = shared / "known_answers" / "grey" / "ka01_suppliers_6x9.json"
    if not path.exists():
        pytest.skip("the known answer ka01 is not beside the checkout")
    answer = json.loads(path.read_text(encoding="utf-8"))
    asked, exact = answer["input"], answer["expected_exact"]
    directions = [{"max": "benefit", "min": "cost"}[each] for each in asked["criterion"]]
    found = grey.rank_alternatives(asked["matrix"], directions, weights=asked["weights"])
    for name in ("normalised", "coefficients"):
        expected = [[float(F(value)) for value in row] for row in exact[name]]
        np.testing.assert_allclose(getattr(found, name), expected, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(found.grades, [float(F(value)) for value in exact["grades"]], rtol=0, atol=1e-14)
    assert found.order.tolist() == exact["order_best_first"]


def test_supplier_grades_as_printed() -> None:
    found = grey.rank_alternatives(SUPPLIERS, SUPPLIER_DIRECTIONS)
    np.testing.assert_allclose(found.grades, PRINTED, rtol=0, atol=5.0001e-9)
    assert found.order.tolist() == [3, 2, 5, 1, 4, 0]
    assert found.ranks.tolist() == [6, 4, 2, 1, 5, 3]


def offers() -> pd.DataFrame:
    return pd.DataFrame(
        {"rate": [3.0, 1.0, 2.0], "fee": [5.0, 4.0, 6.0], "term": [12.0, 24.0, 30.0]}, index=["A", "B", "C"]
    )


def test_three_offers_by_hand() -> None:
    """Rates 3, 1, 2: 1, 0, 1/2. Fees 5, 4, 6: 1/2, 1, 0. Terms 12, 24, 30 for 24: missed by 12, 0, 6.

    Differences: (0, 1/2, 1), (1, 0, 0), (1/2, 1, 1/2); coefficients with rho = 1/2: 1, 1/2, 1/3; 1/3, 1, 1; 1/2,
    1/3, 1/2. With weights 1/2, 1/4, 1/4 the grades are 17/24, 2/3, 11/24.
    """
    directions, targets = {"rate": "benefit", "fee": "cost", "term": "target"}, {"term": 24}
    weights = {"term": 0.25, "rate": 0.5, "fee": 0.25}
    found = grey.rank_alternatives(offers(), directions, targets=targets, weights=weights)
    np.testing.assert_allclose(found.normalised, [[1.0, 0.5, 0.0], [0.0, 1.0, 1.0], [0.5, 0.0, 0.5]], rtol=1e-15)
    expected = [[1, 1 / 2, 1 / 3], [1 / 3, 1, 1], [1 / 2, 1 / 3, 1 / 2]]
    np.testing.assert_allclose(found.coefficients, expected, rtol=1e-15)
    np.testing.assert_allclose(found.grades, [17 / 24, 2 / 3, 11 / 24], rtol=1e-15)
    assert found.to_frame()["alternative"].tolist() == ["A", "B", "C"]
    assert found.criteria == ("rate", "fee", "term")


def test_closeness_by_hand() -> None:
    """The same offers; from the anti-ideal they differ by (1, 1/2, 0), (0, 1, 1), (1/2, 0, 1/2).

    Coefficients 1/3, 1/2, 1; 1, 1/3, 1/3; 1/2, 1, 1/2; grades 13/24, 2/3, 5/8. Closeness 17/30, 1/2, 11/26.
    """
    directions, targets = {"rate": "benefit", "fee": "cost", "term": "target"}, {"term": 24}
    found = grey.grey_topsis(offers(), directions, targets=targets, weights=[0.5, 0.25, 0.25])
    np.testing.assert_allclose(found.anti_ideal_grades, [13 / 24, 2 / 3, 5 / 8], rtol=1e-15)
    np.testing.assert_allclose(found.ideal_grades, [17 / 24, 2 / 3, 11 / 24], rtol=1e-15)
    np.testing.assert_allclose(found.closeness, [17 / 30, 1 / 2, 11 / 26], rtol=1e-15)
    assert found.to_frame()["alternative"].tolist() == ["A", "B", "C"]


def test_weights_inside_the_distance_give_other_answers() -> None:
    """The other convention, computed by plain grades of the weighted matrix, has another winner.

    A = (1/3, 7/9), B = (0, 1), C = (1, 0), weights 0.6 and 0.4. Inside the grade C has 0.6 + 0.4/3 = 11/15 and to
    the anti-ideal 0.4 + 0.6/3 = 9/15, a closeness of 11/20; A is less close.
    """
    matrix, weights = np.array([[1 / 3, 7 / 9], [0.0, 1.0], [1.0, 0.0]]), np.array([0.6, 0.4])
    inside = grey.grey_topsis(matrix, "benefit", weights=weights)
    weighted = matrix * weights
    to_best = grey.relational_grade(weighted, weighted.max(axis=0))
    to_worst = grey.relational_grade(weighted, weighted.min(axis=0))
    other = to_best / (to_best + to_worst)
    assert inside.closeness[2] == pytest.approx(11 / 20)
    assert inside.order[0] == 2
    assert other.argmax() == 0


@given(matrices(), st.data(), RHO)
def test_grades_are_their_definitions(matrix: FloatArray, data: st.DataObject, rho: float) -> None:
    n = matrix.shape[1]
    directions = data.draw(st.lists(st.sampled_from(["benefit", "cost", "target"]), min_size=n, max_size=n))
    targets = {j: data.draw(LEVELS) for j in range(n) if directions[j] == "target"}
    parts = data.draw(st.lists(st.integers(1, 5), min_size=n, max_size=n))
    shares = [F(part, sum(parts)) for part in parts]
    settings: dict[str, Any] = {"targets": targets, "distinguishing_coefficient": rho}
    settings["weights"] = [float(share) for share in shares]
    scaled, grades, anti_grades = by_definition(matrix, directions, shares, targets, rho)
    found = grey.rank_alternatives(matrix, directions, **settings)
    closest = grey.grey_topsis(matrix, directions, **settings)
    np.testing.assert_allclose(found.normalised, np.array(scaled, dtype=float), rtol=0, atol=1e-14)
    np.testing.assert_allclose(found.grades, np.array(grades, dtype=float), rtol=0, atol=1e-13)
    np.testing.assert_array_equal(closest.ideal_grades, found.grades)
    np.testing.assert_allclose(closest.anti_ideal_grades, np.array(anti_grades, dtype=float), rtol=0, atol=1e-13)
    expected = [float(g / (g + a)) for g, a in zip(grades, anti_grades, strict=True)]
    np.testing.assert_allclose(closest.closeness, expected, rtol=0, atol=1e-13)


@given(matrices(), RHO)
def test_the_order_is_that_of_a_stable_sort_and_ties_are_reported(matrix: FloatArray, rho: float) -> None:
    found = grey.rank_alternatives(matrix, "benefit", distinguishing_coefficient=rho)
    grades = found.grades.tolist()
    assert found.order.tolist() == sorted(range(len(grades)), key=lambda i: (-grades[i], i))
    assert found.ranks.tolist() == [1 + sum(other > grade for other in grades) for grade in grades]
    assert found.tied.tolist() == [grades.count(grade) > 1 for grade in grades]


@given(matrices(), st.randoms(use_true_random=False), RHO)
def test_the_order_of_rows_and_columns_does_not_matter(matrix: FloatArray, random: Any, rho: float) -> None:
    rows, columns = list(range(matrix.shape[0])), list(range(matrix.shape[1]))
    random.shuffle(rows)
    random.shuffle(columns)
    usual = grey.rank_alternatives(matrix, "cost", distinguishing_coefficient=rho)
    moved = grey.rank_alternatives(matrix[np.ix_(rows, columns)], "cost", distinguishing_coefficient=rho)
    np.testing.assert_array_equal(moved.grades, usual.grades[rows])


@given(matrices(), st.sampled_from([0.25, 3.0, 1000.0]), st.integers(-9, 9), RHO)
def test_units_do_not_matter(matrix: FloatArray, factor: float, shift: int, rho: float) -> None:
    usual = grey.rank_alternatives(matrix, "benefit", distinguishing_coefficient=rho)
    for other, direction in ((factor * matrix + shift, "benefit"), (shift - factor * matrix, "cost")):
        found = grey.rank_alternatives(other, direction, distinguishing_coefficient=rho)
        np.testing.assert_allclose(found.grades, usual.grades, rtol=1e-12)


@given(matrices(), RHO)
def test_a_better_value_never_lowers_the_grade(matrix: FloatArray, rho: float) -> None:
    """Dominance: whoever is at least as good everywhere has at least the grade."""
    found = grey.rank_alternatives(matrix, "benefit", distinguishing_coefficient=rho)
    for i, j in itertools.permutations(range(len(matrix)), 2):
        if (matrix[i] >= matrix[j]).all():
            assert found.grades[i] >= found.grades[j]


@given(matrices(), RHO)
def test_closeness_of_turned_directions_is_the_complement(matrix: FloatArray, rho: float) -> None:
    one = grey.grey_topsis(matrix, "benefit", distinguishing_coefficient=rho)
    other = grey.grey_topsis(matrix, "cost", distinguishing_coefficient=rho)
    np.testing.assert_allclose(one.closeness + other.closeness, 1.0, rtol=1e-14)
    bound = rho / (1 + rho)
    assert (one.closeness >= bound / (1 + bound) - 1e-15).all()
    assert (one.closeness <= 1 / (1 + bound) + 1e-15).all()


def test_a_constant_criterion_tells_nobody_apart() -> None:
    matrix = [[1.0, 7.0, 2.0], [2.0, 7.0, 5.0], [3.0, 7.0, 2.0]]
    found = grey.rank_alternatives(matrix, ["benefit", "cost", "cost"])
    np.testing.assert_array_equal(found.normalised[:, 1], 1.0)
    np.testing.assert_array_equal(found.coefficients[:, 1], 1.0)
    # 1/3, 1/2, 1 of the first and 1, 1/3, 1 of the last, with 1 between them.
    np.testing.assert_allclose(found.grades, [7 / 9, 11 / 18, 1.0], rtol=1e-15)
    closest = grey.grey_topsis(matrix, ["benefit", "cost", "cost"])
    np.testing.assert_allclose(closest.anti_ideal_grades, [(1 + 1 + 1 / 3) / 3, (1 / 2 + 1 + 1) / 3, 5 / 9])


def test_a_target_that_all_miss_alike_is_no_hit() -> None:
    """The formula gives 0 for all where the farthest is as far as the nearest; where all hit it, 1."""
    missed = grey.rank_alternatives([[1.0, 4.0], [2.0, 4.0]], ["benefit", "target"], targets={1: 5.0})
    np.testing.assert_array_equal(missed.normalised[:, 1], 0.0)
    met = grey.rank_alternatives([[1.0, 5.0], [2.0, 5.0]], ["benefit", "target"], targets={1: 5.0})
    np.testing.assert_array_equal(met.normalised[:, 1], 1.0)


@pytest.mark.parametrize("matrix", [[[2.0, 3.0]], [[2.0, 3.0]] * 4])
def test_where_all_are_alike_all_grades_are_one(matrix: list[list[float]]) -> None:
    found = grey.rank_alternatives(matrix, ["benefit", "cost"])
    np.testing.assert_array_equal(found.grades, 1.0)
    assert found.tied.all() == (len(matrix) > 1)
    np.testing.assert_array_equal(grey.grey_topsis(matrix, ["benefit", "cost"]).closeness, 0.5)


def test_an_added_alternative_can_turn_the_order() -> None:
    """Rank reversal: a fourth alternative with a rate of 9 shrinks the differences of the other three."""
    matrix = [[3.0, 5.0], [1.0, 4.0], [2.0, 6.0]]
    three = grey.rank_alternatives(matrix, ["benefit", "cost"])
    four = grey.rank_alternatives([*matrix, [9.0, 6.0]], ["benefit", "cost"])
    assert three.order.tolist() == [0, 1, 2]
    assert [place for place in four.order.tolist() if place < 3] != [0, 1, 2]


def test_ties_go_to_the_alternative_that_stands_first_whatever_the_order_of_the_columns() -> None:
    """0.1 + 0.2 + 0.3 and 0.3 + 0.2 + 0.1 differ in the last bit when they are summed plainly."""
    rows = list(itertools.permutations([0.0, 0.3, 0.55, 1.0]))
    found = grey.rank_alternatives([*rows, [0.0] * 4, [1.0] * 4], "benefit")
    assert len(set(found.grades[:-2].tolist())) == 1
    assert found.order.tolist() == [25, *range(24), 24]
    assert found.tied.tolist() == [True] * 24 + [False] * 2
    assert found.ranks.tolist() == [2] * 24 + [26, 1]


def test_results_show_themselves_and_cannot_be_written_to() -> None:
    frame = pd.DataFrame(SUPPLIERS, index=[f"<S{i}>" for i in range(6)]).rename(columns=str)
    for result in (
        grey.rank_alternatives(frame, SUPPLIER_DIRECTIONS),
        grey.grey_topsis(frame, SUPPLIER_DIRECTIONS),
    ):
        table = result.to_frame()
        assert table["rank"].tolist() == [1, 2, 3, 4, 5, 6]
        assert table["alternative"].iloc[0] == "<S3>"
        assert "&lt;S3&gt;" in result._repr_html_()
        assert "rho = 0.5" in result._repr_html_()
        assert "S3" not in repr(result)
        assert "alternatives=6, criteria=9" in repr(result)
        assert json.loads(result.provenance.spec)["directions"]["1"] == "cost"
        table.loc[:, :] = table.iloc[::-1].to_numpy()
        assert result.to_frame()["alternative"].iloc[0] == "<S3>"
        assert pickle.loads(pickle.dumps(result)).order.tolist() == result.order.tolist()  # noqa: S301 - our own bytes
        for name in ("weights", "normalised", "order", "ranks", "tied"):
            with pytest.raises(ValueError, match="read-only"):
                getattr(result, name)[0] = 0
    ranking = grey.rank_alternatives(frame, SUPPLIER_DIRECTIONS)
    coefficients = ranking.to_coefficients()
    assert coefficients.loc["<S3>", "1"] == 1.0
    coefficients.loc[:, :] = 0.0
    assert ranking.coefficients.max() == 1.0


# Reading the matrix -------------------------------------------------------------------------------------------


@pytest.mark.pyarrow
def test_a_mapping_picks_columns_by_name(make_frame: Callable[..., Any]) -> None:
    frame = make_frame({"name": ["A", "B", "C"], "fee": [5, 4, 6], "rate": [3.0, 1.0, 2.0]})
    found = grey.rank_alternatives(frame, {"rate": "benefit", "fee": "cost"}, weights={"fee": 0.25, "rate": 0.75})
    expected = grey.rank_alternatives([[3, 5], [1, 4], [2, 6]], ["benefit", "cost"], weights=[0.75, 0.25])
    np.testing.assert_array_equal(found.grades, expected.grades)
    assert found.criteria == ("rate", "fee")
    assert found.alternatives == (0, 1, 2)
    with pytest.raises(ColumnError, match=r"Column 'name' is of type"):
        grey.rank_alternatives(frame, ["benefit"] * 3)
    with pytest.raises(ColumnError, match=r"missing: 'colour'"):
        grey.rank_alternatives(frame, {"colour": "benefit"})


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        (
            {"directions": ["benefit"]},
            DomainError,
            r"directions must be one of benefit, cost, target, or 2 of them",
        ),
        ({"directions": ["benefit", "up"]}, DomainError, r"directions must be one of"),
        ({"directions": "up"}, DomainError, r"directions must be one of"),
        (
            {"directions": {"0": "benefit"}},
            DomainError,
            r"directions must name exactly \['0', '1'\] \(missing: \['1'\]\)",
        ),
        ({"directions": ["benefit", "target"]}, DomainError, r"targets must name exactly \['1'\] \(missing"),
        ({"targets": {"1": 2.0}}, DomainError, r"targets must name exactly \[\] \(unknown: \['1'\]\)"),
        ({"targets": 3.0}, DomainError, r"targets is a float; allowed: a mapping by criterion"),
        ({"directions": "target", "targets": {0: 1.0, 1: "secret"}}, DomainError, r"targets\['1'\] is no number"),
        ({"directions": "target", "targets": {0: np.nan, 1: 1.0}}, DomainError, r"targets\['0'\] is no number"),
        ({"weights": [1.0]}, DomainError, r"weights must be 2 numbers that are not negative, one a criterion"),
        ({"weights": [1.5, -0.5]}, DomainError, r"weights must be 2 numbers that are not negative"),
        ({"weights": [0.5, 0.5006]}, DomainError, r"weights sum to 1.0006; allowed: 1 within 0.0005"),
        ({"weights": {"0": 1.0}}, DomainError, r"weights must name exactly \['0', '1'\]"),
        ({"weights": ["secret", 1.0]}, DomainError, r"weights does not hold numbers only"),
        ({"distinguishing_coefficient": 0.0}, DomainError, r"distinguishing_coefficient is 0; allowed: \(0, 1\]"),
        ({"distinguishing_coefficient": 1.01}, DomainError, r"distinguishing_coefficient is 1.01"),
        (
            {"matrix": np.empty((0, 2))},
            DomainError,
            r"matrix has shape \(0, 2\); allowed: at least one alternative",
        ),
        ({"matrix": [1.0, 2.0]}, DomainError, r"matrix has shape \(2,\)"),
        ({"matrix": [[1.0, None]]}, DataError, r"matrix holds missing values"),
        ({"matrix": [[1.0, np.inf]]}, DataError, r"matrix holds infinite numbers"),
        ({"matrix": [["secret", 1.0]]}, DomainError, r"matrix does not hold numbers only"),
    ],
)
@pytest.mark.parametrize("function", [grey.rank_alternatives, grey.grey_topsis])
def test_what_does_not_fit_is_refused(
    function: Any, changes: dict[str, Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match) as caught:
        function(**({"matrix": [[1.0, 2.0], [2.0, 1.0]], "directions": "benefit"} | changes))
    assert "secret" not in str(caught.value)


def test_rounded_weights_are_renormalised() -> None:
    found = grey.rank_alternatives([[1.0, 0.0], [0.0, 1.0]], "benefit", weights=[0.5, 0.4996])
    np.testing.assert_allclose(found.weights, [0.5 / 0.9996, 0.4996 / 0.9996], rtol=1e-15)


@given(matrices(st.sampled_from([1e150, -1e150, 0.0, 5e-324, 1.0])), st.floats(5e-324, 1.0))
def test_no_finite_matrix_gives_nan_or_a_warning(matrix: FloatArray, rho: float) -> None:
    directions = ["target", "benefit", "cost", "target"][: matrix.shape[1]]
    targets = {j: -1e150 for j in (0, 3) if j < matrix.shape[1]}
    settings: dict[str, Any] = {"targets": targets, "distinguishing_coefficient": rho}
    found = grey.rank_alternatives(matrix, directions, **settings)
    closest = grey.grey_topsis(matrix, directions, **settings)
    for values in (found.grades, closest.closeness):
        assert ((values >= 0.0) & (values <= 1.0 + 1e-15)).all()


# Entropy weights ----------------------------------------------------------------------------------------------


def entropy_by_definition(table: FloatArray) -> list[float]:
    """Second route, to fifty digits: shares, p ln p with 0 at 0; a constant column by its entropy of one."""
    with localcontext(prec=50):
        spread = []
        for column in table.T.tolist():
            values = [Decimal(value) for value in column]
            total = sum(values)
            shares = [value / total for value in values] if total else [1 / Decimal(len(values))] * len(values)
            entropy = -sum(p * p.ln() for p in shares if p) / Decimal(len(values)).ln()
            spread.append(max(Decimal(0), 1 - entropy))
        return [float(each / sum(spread)) for each in spread]


def test_entropy_weights_by_hand() -> None:
    """Shares 1, 0; 1/2, 1/2; 1/4, 3/4: 1 - E is 1, 0 and 1 - (2 - (3/4) log2 3) = 0.18872.

    With shares 1/4, 3/4 the entropy is 1/4 log2 4 + 3/4 log2 (4/3) = 2 - 3/4 log2 3.
    """
    last = 0.75 * math.log2(3.0) - 1.0
    found = grey.entropy_weights([[1.0, 5.0, 1.0], [0.0, 5.0, 3.0]])
    np.testing.assert_allclose(found, [1 / (1 + last), 0.0, last / (1 + last)], rtol=1e-14)
    assert found[1] == 0.0


@given(st.tuples(st.integers(2, 7), st.integers(1, 4)).flatmap(lambda s: arrays(np.float64, s, elements=LEVELS)))
def test_entropy_weights_are_their_definition(table: FloatArray) -> None:
    if (table == table[0]).all():
        with pytest.raises(DataError, match="Every column of table is constant"):
            grey.entropy_weights(table)
        return
    found = grey.entropy_weights(table)
    np.testing.assert_allclose(found, entropy_by_definition(table), rtol=1e-12, atol=1e-14)
    assert found.sum() == pytest.approx(1.0, abs=1e-15)
    np.testing.assert_array_equal(found[(table == table[0]).all(axis=0)], 0.0)
    np.testing.assert_allclose(
        grey.entropy_weights(table * [3.0, 0.1, 7.0, 1e9][: table.shape[1]]), found, rtol=1e-12
    )


def test_columns_that_hardly_vary_keep_their_digits() -> None:
    """1 - E of shares (1 + d)/2 and (1 - d)/2 is d^2 / (2 ln 2) up to d^4: the weights are as 1 to 4."""
    table = [[1.0 + 1e-7, 1.0 + 2e-7], [1.0 - 1e-7, 1.0 - 2e-7]]
    np.testing.assert_allclose(grey.entropy_weights(table), [0.2, 0.8], rtol=1e-8)


def test_the_series_and_the_formula_meet() -> None:
    """On both sides of the border between the two ways of computing, against 50 digits of a rational logarithm."""

    def exact(d: F) -> F:
        """Give (1 + d) ln(1 + d) - d by its series, which converges for |d| < 1."""
        return sum(((-1) ** k * d**k / F(k * (k - 1)) for k in range(2, 60)), F(0))

    for d in (0.0499, 0.0501, 0.01, 0.3):
        column = [1.0 + d, 1.0 - d]
        mean = (F(column[0]) + F(column[1])) / 2
        own = sum((exact(F(value) / mean - 1) for value in column), F(0)) / 2
        other = F(float(np.log(2.0)))  # the column 1, 0
        found = grey.entropy_weights([[column[0], 1.0], [column[1], 0.0]])
        assert float(abs(F(float(found[0])) / (own / (own + other)) - 1)) < 1e-12


def test_entropy_of_scaled_columns() -> None:
    """With directions the columns are scaled first: costs 2, 4, 6 become 1, 1/2, 0, with shares 2/3, 1/3, 0."""
    table = [[2.0, 1.0], [4.0, 5.0], [6.0, 1.0]]
    scaled = np.array([[1.0, 0.0], [0.5, 1.0], [0.0, 0.0]])
    found = grey.entropy_weights(table, directions=["cost", "benefit"])
    np.testing.assert_allclose(found, entropy_by_definition(scaled), rtol=1e-13)
    assert not np.allclose(found, grey.entropy_weights(table), atol=0.01)
    target = grey.entropy_weights(table, directions="target", targets={0: 2.0, 1: 5.0})
    np.testing.assert_allclose(target, found, rtol=1e-13)


@pytest.mark.parametrize(
    ("table", "settings", "error", "match"),
    [
        ([[1.0, -2.0], [3.0, 4.0]], {}, DataError, r"negative values in column\(s\) \[1\].*Scale first"),
        ([[1.0, 2.0]], {}, DomainError, r"table has shape \(1, 2\); allowed: at least two rows"),
        ([[1.0, 2.0]], {"directions": "cost"}, DomainError, r"at least two rows"),
        (np.empty((3, 0)), {}, DomainError, r"table has shape \(3, 0\)"),
        ([[1.0, 2.0], [1.0, 2.0]], {}, DataError, r"Every column of table is constant.*by judgment"),
        ([[0.0], [0.0]], {}, DataError, r"Every column of table is constant"),
        ([[0.3], [0.1 + 0.2]], {}, DataError, r"Every column of table is constant"),
        ([[1.0], [None]], {}, DataError, r"table holds missing values"),
        ([[1.0], [np.inf]], {}, DataError, r"table holds infinite numbers"),
        ([[1.0], ["secret"]], {}, DomainError, r"table does not hold numbers only"),
        ([[1.0], [2.0]], {"directions": "up"}, DomainError, r"directions must be one of"),
        ([[1.0], [2.0]], {"targets": {0: 1.0}}, DomainError, r"targets must name exactly \[\]"),
    ],
)
def test_tables_without_entropy_are_refused(
    table: Any, settings: dict[str, Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match) as caught:
        grey.entropy_weights(table, **settings)
    assert "secret" not in str(caught.value)


def test_negative_values_are_fine_once_they_are_scaled() -> None:
    found = grey.entropy_weights([[-1.0, 2.0], [3.0, 4.0], [0.0, 9.0]], directions="benefit")
    assert found.sum() == pytest.approx(1.0)


@given(arrays(np.float64, (3, 2), elements=st.sampled_from([0.0, 5e-324, 1e-300, 1.0, 1e150])))
def test_entropy_of_extreme_columns_is_a_weight_or_a_refusal(table: FloatArray) -> None:
    if (table == table[0]).all():
        with pytest.raises(DataError, match="constant"):
            grey.entropy_weights(table)
    else:
        found = grey.entropy_weights(table)
        assert ((found >= 0.0) & (found <= 1.0)).all()
        assert found.sum() == pytest.approx(1.0)


# Paths over rho: alternatives ---------------------------------------------------------------------------------


def test_a_change_of_the_winner_by_hand() -> None:
    """A = (1, 0), B = (1 - d, 1 - d), C = (0, 1) with weights 0.6 and 0.4.

    A's grade is 0.6 + 0.4 rho / (1 + rho) and B's rho / (d + rho): (0.6 + rho)(d + rho) = rho (1 + rho), so that
    rho = 0.6 d / (0.4 - d), which is 0.6 for d = 0.2.
    """
    ranking = grey.rank_alternatives([[1.0, 0.0], [0.8, 0.8], [0.0, 1.0]], "benefit", weights=[0.6, 0.4])
    path = ranking.distinguishing_path()
    np.testing.assert_allclose(path.breakpoints, [0.6], rtol=0, atol=1e-12)
    assert path.winners.tolist() == [0, 1]
    np.testing.assert_allclose(path.coefficients, np.arange(1, 21) / 20)
    half = path.grades[9]
    np.testing.assert_array_equal(half, ranking.grades)
    np.testing.assert_allclose(half, [0.6 + 0.4 / 3, 5 / 7, 0.4 + 0.6 / 3], rtol=1e-14)
    frame = path.intervals()
    assert frame["winner"].tolist() == [0, 1]
    np.testing.assert_allclose(frame[["lower", "upper"]], [[0.05, 0.6], [0.6, 1.0]], atol=1e-12)
    assert path.to_frame().shape == (60, 3)
    assert "1 change(s)" in path._repr_html_()
    assert "changes=1, alternatives=3, coefficients=20" in repr(path)


def test_the_suppliers_change_places() -> None:
    """Supplier 4 wins at 0.5; below a rho found here by plain bisection of the two grades, supplier 3 does."""
    path = grey.rank_alternatives(SUPPLIERS, SUPPLIER_DIRECTIONS).distinguishing_path([0.01, 1.0])
    assert path.winners.tolist() == [2, 3]

    def lead(rho: float) -> float:
        grades = grey.rank_alternatives(SUPPLIERS, SUPPLIER_DIRECTIONS, distinguishing_coefficient=rho).grades
        return float(grades[3] - grades[2])

    low, high = 0.01, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if lead(middle) > 0 else (middle, high)
    np.testing.assert_allclose(path.breakpoints, [low], rtol=0, atol=1e-11)


@given(
    st.tuples(st.integers(1, 6), st.integers(1, 4)).flatmap(
        lambda shape: arrays(np.float64, shape, elements=st.integers(0, 20).map(lambda k: k / 20))
    ),
    st.data(),
)
def test_no_change_is_missed(distance: FloatArray, data: st.DataObject) -> None:
    """Second route: grades on a fine grid; between two changes the winner of the interval is nowhere beaten."""
    if not distance.any():
        distance[0, 0] = 1.0
    distance = distance / distance.max()
    n = distance.shape[1]
    parts = np.array(data.draw(st.lists(st.integers(1, 5), min_size=n, max_size=n)), dtype=float)
    weights = parts / parts.sum()
    changes, winners = distinguishing.winner_changes(distance, weights, 0.001, 1.0)
    assert len(winners) == len(changes) + 1
    assert (np.diff(changes) > 0.0).all()
    assert (winners[1:] != winners[:-1]).all()
    smallest = distance.min()
    for rho in np.linspace(0.001, 1.0, 301).tolist():
        grades = ((smallest + rho) / (distance + rho)) @ weights
        assert grades.max() - grades[winners[np.searchsorted(changes, rho)]] <= 5e-15


def test_several_changes_between_two_points_of_a_grid_are_all_found() -> None:
    """Matrices drawn at random; the second route is the best grade in the middle between two changes."""
    rng = np.random.default_rng(0)
    seen = 0
    for _ in range(60):
        distance = rng.random((12, 3))
        distance /= distance.max()
        weights = rng.dirichlet(np.ones(3))
        changes, winners = distinguishing.winner_changes(distance, weights, 0.01, 1.0)
        seen += len(changes) > 1
        ends = np.concatenate([[0.01], changes, [1.0]])
        for rho, winner in zip(((ends[1:] + ends[:-1]) / 2).tolist(), winners.tolist(), strict=True):
            assert (((distance.min() + rho) / (distance + rho)) @ weights).argmax() == winner
    assert seen > 2


def test_equal_alternatives_share_the_win_and_the_first_is_named() -> None:
    path = grey.rank_alternatives([[1.0, 0.0], [1.0, 0.0], [0.0, 0.5]], "benefit").distinguishing_path()
    assert path.winners.tolist() == [0]
    assert path.breakpoints.size == 0
    alike = grey.rank_alternatives([[1.0], [1.0]], "benefit").distinguishing_path([0.5])
    assert alike.winners.tolist() == [0]
    np.testing.assert_array_equal(alike.grades, 1.0)


@pytest.mark.parametrize("coefficients", [[], [0.0, 0.5], [0.5, 1.1], [0.5, 0.4], [0.5, 0.5], [-0.5]])
def test_coefficients_of_a_path_must_rise(coefficients: list[float]) -> None:
    ranking = grey.rank_alternatives([[1.0], [2.0]], "benefit")
    with pytest.raises(DomainError, match=r"coefficients must be rising numbers in \(0, 1\]"):
        ranking.distinguishing_path(coefficients)
    with pytest.raises(DomainError, match=r"coefficients must be rising numbers in \(0, 1\]"):
        grey.distinguishing_path([[0.5]], [[0.5]], grey.Hierarchy.equal({"g": ["a"]}), coefficients=coefficients)


# Paths over rho: cases ----------------------------------------------------------------------------------------

SMALL = grey.Hierarchy.from_weights(
    {"recency": 0.25, "monetary": 0.75}, {"recency": {"a": 1.0}, "monetary": {"b": 0.25, "c": 0.75}}
)


@given(
    st.integers(1, 6).flatmap(lambda n: arrays(np.float64, (n, 3), elements=LEVELS)),
    st.integers(1, 6).flatmap(lambda n: arrays(np.float64, (n, 3), elements=LEVELS)),
    st.booleans(),
)
def test_a_path_is_made_of_single_similarities(queries: FloatArray, cases: FloatArray, frozen: bool) -> None:  # noqa: FBT001 - drawn
    ranges = grey.FrozenRanges.from_cases(cases, SMALL) if frozen else None
    rhos = [0.1, 0.5, 0.9]
    path = grey.distinguishing_path(queries, cases, SMALL, coefficients=rhos, ranges=ranges)
    usual = grey.similarity(queries, cases, SMALL, ranges=ranges).argmax(axis=1)
    for place, rho in enumerate(rhos):
        other = SMALL.model_copy(update={"distinguishing_coefficient": rho})
        found = grey.nearest(queries, cases, other, ranges=ranges)
        np.testing.assert_array_equal(path.nearest[place], found.index[:, 0])
        assert path.changed[place] == np.mean(found.index[:, 0] != usual)
        assert path.similarity[place] == pytest.approx(found.similarity[:, 0].mean(), rel=1e-14)
        assert path.margin[place] == pytest.approx(found.margin.mean(), rel=1e-14)
        whole = grey.similarity(queries, cases, other, ranges=ranges)
        assert path.spread[place] == pytest.approx((whole.max(axis=1) - whole.min(axis=1)).mean(), rel=1e-14)
    assert path.changed[1] == 0.0


def test_blocks_of_queries_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    queries, cases = rng.random((50, 3)), rng.random((20, 3))
    whole = grey.distinguishing_path(queries, cases, SMALL)
    monkeypatch.setattr("custvalue._relational_analysis.distinguishing.BLOCK", 70)
    parts = grey.distinguishing_path(queries, cases, SMALL)
    for name in ("nearest", "changed", "similarity", "margin", "spread"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    assert whole.changed[9] == 0.0
    assert whole.changed[0] > 0.0
    assert (np.diff(whole.similarity) > 0.0).all()


def test_a_smaller_rho_spreads_the_similarities() -> None:
    """One indicator, distances 0, 1/2 and 1: coefficients 1, rho / (1/2 + rho), rho / (1 + rho)."""
    hierarchy = grey.Hierarchy.equal({"g": ["a"]})
    path = grey.distinguishing_path([[0.0]], [[0.0], [0.5], [1.0]], hierarchy, coefficients=[0.1, 1.0])
    np.testing.assert_allclose(path.spread, [1 - 0.1 / 1.1, 1 / 2], rtol=1e-14)
    np.testing.assert_allclose(path.margin, [1 - 0.1 / 0.6, 1 / 3], rtol=1e-14)


def test_the_path_of_cases_shows_itself() -> None:
    path = grey.distinguishing_path([[0.5, 0.2, 0.1]], [[0.5] * 3, [0.1] * 3], SMALL, coefficients=[0.2, 0.4])
    frame = path.to_frame()
    assert list(frame.columns) == ["coefficient", "changed", "similarity", "margin", "spread"]
    frame.loc[:, :] = 9.0
    assert path.to_frame()["coefficient"].tolist() == [0.2, 0.4]
    assert "coefficients=2, queries=1, cases=2" in repr(path)
    assert "Retrieval of 1 queries" in path._repr_html_()
    with pytest.raises(ValueError, match="read-only"):
        path.nearest[0] = 1


def test_paths_need_queries_and_cases() -> None:
    with pytest.raises(DomainError, match="queries is empty; allowed: at least one query"):
        grey.distinguishing_path(np.empty((0, 3)), [[0.5] * 3], SMALL)
    with pytest.raises(DomainError, match="cases is empty"):
        grey.distinguishing_path([[0.5] * 3], np.empty((0, 3)), SMALL)
    with pytest.raises(DataError, match="queries holds missing values"):
        grey.distinguishing_path([[0.5, np.nan, 0.5]], [[0.5] * 3], SMALL)
    with pytest.raises(ColumnError, match="missing: 'c'"):
        grey.distinguishing_path(pd.DataFrame({"a": [0.5], "b": [0.5]}), [[0.5] * 3], SMALL)
