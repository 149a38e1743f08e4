"""The Analytic Network Process: known answers with their sources, laws, refusals, JSON."""

from __future__ import annotations

import json
import pickle
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from custvalue import anp
from custvalue.exceptions import DomainError, JudgmentError

if TYPE_CHECKING:
    from custvalue._typing import FloatArray

ROOT = Path(__file__).resolve().parents[1]
KNOWN = ROOT.parent / "shared" / "known_answers" / "anp"
NETWORKS = ROOT / "examples" / "networks"

#: Saaty, the dam supermatrix: criteria flood, recreation, hydro; heights low, medium, high; period 2.
DAM = np.array(
    [
        [0, 0, 0, 0.637, 0.2, 0.06],
        [0, 0, 0, 0.258, 0.6, 0.231],
        [0, 0, 0, 0.105, 0.2, 0.709],
        [0.722, 0.072, 0.058, 0, 0, 0],
        [0.205, 0.649, 0.207, 0, 0, 0],
        [0.073, 0.279, 0.735, 0, 0, 0],
    ]
)
#: Its limit, solved in fractions (known answer a01).
DAM_LIMIT = [
    float(Fraction(text))
    for text in (
        *("62021235923/515059881628", "48193334997/257529940814", "99122034897/515059881628"),
        *("14367062650/128764970407", "47893781707/257529940814", "26068531700/128764970407"),
    )
]
#: Matrices inverted from the source's limits in exact arithmetic (known answer z01): the product form
#: b_ij = a_i / (1 - a_j) of the scale a, and the reversible three-group matrix.
SCALE = np.array([0.38501847187487725, 0.16102542381425675, 0.20325479571890928, 0.25070130859195666])
RECENCY_LIMIT = [0.3281, 0.1872, 0.2244, 0.2603]
FREQUENCY = np.array([[0, 5305 / 8476, 1523 / 4694], [5305 / 6828, 0, 3171 / 4694], [1523 / 6828, 3171 / 8476, 0]])
FREQUENCY_LIMIT = [0.3414, 0.4238, 0.2347]


def known(name: str) -> Any:
    path = KNOWN / f"{name}.json"
    if not path.exists():
        pytest.skip("the shared known answers are not next to this checkout")
    return json.loads(path.read_text(encoding="utf-8"))


def number(text: str | float) -> float:
    return float(Fraction(text))


def table(rows: list[list[str | float]]) -> FloatArray:
    return np.array([[number(value) for value in row] for row in rows])


def chosen(**names: str) -> dict[str, Any]:
    """Hand over names that come from a list, which a type checker cannot know to be allowed."""
    return dict(names)


def comparisons(elements: list[str], *upper: str | float) -> anp.Comparisons:
    pairs = [(a, b) for place, a in enumerate(elements) for b in elements[place + 1 :]]
    return anp.Comparisons(
        elements=tuple(elements),
        judgments=tuple(
            anp.Judgment(first=a, second=b, ratio=number(ratio))
            for (a, b), ratio in zip(pairs, upper, strict=True)
        ),
    )


def network(name: str) -> anp.Network:
    return anp.Network.model_validate_json((NETWORKS / f"{name}.json").read_text(encoding="utf-8"))


def small_network(**changes: object) -> dict[str, Any]:
    group = {
        "kind": "inner_dependence",
        "elements": ["a", "b", "c"],
        "columns": {"a": {"b": 0.5, "c": 0.5}, "b": {"a": 0.25, "c": 0.75}, "c": {"a": 0.5, "b": 0.5}},
    }
    document = {
        "control": {"kind": "weights", "weights": {"frequency": 0.75, "monetary": 0.25}},
        "local": {
            "frequency": group,
            "monetary": {"kind": "weights", "weights": {"turnover": 0.5, "balance": 0.5}},
        },
    }
    return document | changes


def parse(document: dict[str, Any]) -> anp.Network:
    return anp.Network.model_validate_json(json.dumps(document))


# Priorities ---------------------------------------------------------------------------------------------------


def test_source_control_layer() -> None:
    """Judgments 1/7, 2, 9 give the printed (0.1312, 0.7928, 0.0760); lambda_max 3.02173, CI 0.01086.

    CR 0.0187 with Saaty's 0.58, 0.0209 with 0.52, 0.0207 with 0.5245 (CI divided by hand).
    """
    judged = comparisons(["recency", "frequency", "monetary"], "1/7", 2, 9)
    result = anp.priorities(judged)
    np.testing.assert_allclose(result.weights, [0.1312, 0.7928, 0.0760], atol=5e-5)
    assert result.lambda_max == pytest.approx(3.02173, abs=5e-6)
    assert result.consistency_index == pytest.approx(0.0217299222926655 / 2, abs=1e-14)
    assert result.consistency_ratio == pytest.approx(0.010864961146332662 / 0.5245, abs=1e-14)
    saaty_1980 = anp.priorities(judged, random_index="saaty_1980")
    saaty_2005 = anp.priorities(judged, random_index="saaty_2005")
    assert saaty_1980.consistency_ratio == pytest.approx(0.010864961146332662 / 0.58, abs=1e-14)
    assert saaty_2005.consistency_ratio == pytest.approx(0.010864961146332662 / 0.52, abs=1e-14)
    assert saaty_2005.random_index == "saaty_2005"


def test_source_control_layer_in_full() -> None:
    expected = known("z01_seed_inner_dependence")["expected"]
    judged = comparisons(["recency", "frequency", "monetary"], "1/7", 2, 9)
    result = anp.priorities(judged)
    np.testing.assert_allclose(result.weights, expected["control_weights"], rtol=1e-14)
    assert result.lambda_max == pytest.approx(expected["control_lambda_max"], abs=1e-14)
    for name, key in (
        ("alonso_lamata", "control_cr_alonso_lamata"),
        ("saaty_1980", "control_cr_saaty_1980_058"),
        ("saaty_2005", "control_cr_saaty_2005_052"),
    ):
        ratio = anp.priorities(judged, **chosen(random_index=name)).consistency_ratio
        assert ratio == pytest.approx(expected[key], abs=1e-14)


@pytest.mark.parametrize("name", ["p03_house_criteria_8x8", "s01_harker_gradient_3x3"])
def test_pairwise_known_answers(name: str) -> None:
    case = known(name)
    labels, upper = case["input"]["labels"], case["input"]["upper_triangle_row_major"]
    judged = comparisons(labels, *upper)
    expected = case["expected"]
    result = anp.priorities(judged)
    np.testing.assert_allclose(result.weights, expected["eigenvector"], rtol=1e-14)
    assert result.lambda_max == pytest.approx(expected["lambda_max"], rel=1e-14)
    if "geometric_mean" in expected:
        means = anp.priorities(judged, method="logarithmic_least_squares")
        np.testing.assert_allclose(means.weights, expected["geometric_mean"], rtol=1e-14)
        assert means.lambda_max == result.lambda_max
        for table_name, key in (
            ("alonso_lamata", "cr_alonso_lamata_2006"),
            ("saaty_1980", "cr_saaty_1980"),
            ("saaty_2005", "cr_saaty_2005"),
        ):
            ratio = anp.priorities(judged, **chosen(random_index=table_name)).consistency_ratio
            assert ratio == pytest.approx(expected[key], abs=1e-13)


def test_house_hierarchy_by_both_routes() -> None:
    """Saaty (1990): the weighted sum, and the limit of [goal | criteria | alternatives], sinks on themselves."""
    case = known("h03_house_saaty1990")
    criteria, alternatives = case["input"]["criteria"], case["input"]["alternatives"]
    weights = anp.priorities(comparisons(criteria, *case["input"]["criteria_upper"])).weights
    columns = []
    for criterion in criteria:
        result = anp.priorities(comparisons(alternatives, *case["input"]["alternatives_upper"][criterion]))
        expected = case["expected"]["local"][criterion]
        np.testing.assert_allclose(result.weights, expected["weights"], rtol=1e-13)
        assert result.consistency_ratio == pytest.approx(expected["cr_alonso_lamata_2006"], abs=1e-13)
        columns.append(result.weights)
    distributive = np.column_stack(columns) @ weights
    np.testing.assert_allclose(distributive, case["expected"]["distributive"], rtol=1e-13)
    supermatrix = np.zeros((12, 12))
    supermatrix[1:9, 0], supermatrix[9:, 1:9], supermatrix[9:, 9:] = weights, np.column_stack(columns), np.eye(3)
    limit = anp.limit_supermatrix(supermatrix)
    np.testing.assert_allclose(limit.matrix[9:, 0], distributive, rtol=1e-13)
    assert not limit.unique
    assert limit.priorities is None


@given(st.lists(st.floats(0.05, 20.0), min_size=3, max_size=7))
def test_consistent_judgments_have_ratio_zero_and_one_answer(scale: list[float]) -> None:
    values = np.asarray(scale)
    matrix = values[:, None] / values[None, :]
    eigenvector = anp.priorities(matrix)
    means = anp.priorities(matrix, method="logarithmic_least_squares")
    assert eigenvector.consistency_ratio == pytest.approx(0.0, abs=1e-13)
    np.testing.assert_allclose(eigenvector.weights, means.weights, rtol=1e-13)
    np.testing.assert_allclose(eigenvector.weights, values / values.sum(), rtol=1e-13)


@pytest.mark.parametrize("ratio", [1e-6, 1.0, 7.0, 1e12])
def test_two_elements_are_always_consistent(ratio: float) -> None:
    result = anp.priorities(comparisons(["a", "b"], ratio))
    assert (result.lambda_max, result.consistency_index, result.consistency_ratio) == (2.0, 0.0, 0.0)
    np.testing.assert_allclose(result.weights, [ratio / (1 + ratio), 1 / (1 + ratio)], rtol=1e-14)


def test_one_element_has_all_the_weight() -> None:
    result = anp.priorities(anp.Comparisons(elements=("a",), judgments=()))
    assert result.to_dict() == {"a": 1.0}
    assert result.lambda_max == 1.0


def test_matrix_and_frame_and_judgments_agree() -> None:
    judged = comparisons(["a", "b", "c"], 2, 4, 3)
    frame = pd.DataFrame(judged.matrix, index=list("abc"), columns=list("abc"))
    assert anp.priorities(frame).to_dict() == anp.priorities(judged).to_dict()
    assert anp.priorities(judged.matrix.tolist()).elements == ("0", "1", "2")
    assert anp.Comparisons.from_matrix(None, frame) == judged
    assert anp.Comparisons.from_matrix(["x", "y", "z"], judged.matrix).elements == ("x", "y", "z")


def test_priorities_result_is_read_only_and_travels() -> None:
    result = anp.priorities(comparisons(["<a>", "b", "c"], 2, 4, 3))
    with pytest.raises(ValueError, match="read-only"):
        result.weights[0] = 0.0
    with pytest.raises(ValueError, match="read-only"):
        comparisons(["a", "b"], 2).matrix[0, 1] = 3.0
    assert "&lt;a&gt;" in result._repr_html_()
    assert result.to_frame()["weight"].sum() == pytest.approx(1.0)
    assert anp.Comparisons.model_validate_json(result.provenance.spec).elements == ("<a>", "b", "c")
    assert result.provenance.counts == {"n_elements": 3, "n_experts": 1, "n_missing": 0}
    assert pickle.loads(pickle.dumps(result)).to_dict() == result.to_dict()  # noqa: S301 - our own pickle


def test_random_index_beyond_its_table() -> None:
    large = np.ones((16, 16))
    assert anp.priorities(large).consistency_ratio == pytest.approx(0.0, abs=1e-14)
    for name in ("saaty_1980", "saaty_2005"):
        with pytest.raises(DomainError, match=f"random_index '{name}' has values for up to 15 elements and 16"):
            anp.priorities(large, **chosen(random_index=name))


@pytest.mark.parametrize(
    ("setting", "message"),
    [({"method": "llsm"}, "method is 'llsm'"), ({"random_index": "x"}, "random_index is 'x'")],
)
def test_unknown_names_are_refused(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        anp.priorities(np.ones((3, 3)), **setting)
    with pytest.raises(DomainError, match=message):
        parse(small_network()).solve(**setting)


@pytest.mark.parametrize(
    ("matrix", "error", "message"),
    [
        (
            [[1, 2], [1, 1]],
            JudgmentError,
            "reciprocal within 1e-09: 'x' against 'y' is 2, but 'y' against 'x' is 1",
        ),
        ([[1, -2], [-0.5, 1]], JudgmentError, "positive; the judgment of 'x' against 'y' is -2"),
        ([[1, 0], [0, 1]], JudgmentError, "positive"),
        ([[2, 1], [1, 1]], JudgmentError, "1 on its diagonal; 'x'"),
        ([[1, np.nan], [1, 1]], JudgmentError, "'x' against 'y' is missing; give both"),
        ([[1, np.inf], [1, 1]], DomainError, "missing or infinite"),
        ([[1, 2, 3], [1, 1, 1]], DomainError, r"shape \(2, 3\)"),
        ([], DomainError, "shape"),
        ([["a", "b"], ["c", "d"]], DomainError, "square table of numbers"),
        (np.ones((3, 3)), DomainError, "2 names for a matrix of 3 rows"),
    ],
)
def test_matrices_that_are_no_judgments(matrix: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        anp.Comparisons.from_matrix(["x", "y"], matrix)


def test_frame_labels_must_agree() -> None:
    frame = pd.DataFrame(np.ones((2, 2)), index=["a", "b"], columns=["b", "a"])
    with pytest.raises(DomainError, match="same distinct labels"):
        anp.priorities(frame)
    with pytest.raises(DomainError, match="equal to the labels"):
        anp.Comparisons.from_matrix(["x", "y"], frame.set_axis(["a", "b"], axis=1))


# Judgments ----------------------------------------------------------------------------------------------------


def test_ratio_as_text_fraction_is_written_as_a_number() -> None:
    judgment = anp.Judgment.model_validate_json('{"first": "a", "second": "b", "ratio": "1/7"}')
    assert judgment.ratio == 1 / 7
    assert json.loads(judgment.model_dump_json())["ratio"] == 1 / 7
    for ratio, expected in (("2.5 / 3", 2.5 / 3), (np.int64(3), 3.0), (np.float32(0.5), 0.5)):
        assert anp.Judgment.model_validate({"first": "a", "second": "b", "ratio": ratio}).ratio == expected


@pytest.mark.parametrize(
    "ratio", ['"seven"', '"1/0"', '"a/b"', '"1/7/2"', "0", "-1", "NaN", "Infinity", "true", "null", "5e-324"]
)
def test_ratios_that_are_refused(ratio: str) -> None:
    with pytest.raises(ValidationError, match="ratio"):
        anp.Judgment.model_validate_json(f'{{"first": "a", "second": "b", "ratio": {ratio}}}')


@pytest.mark.parametrize(
    ("judgments", "message"),
    [
        ([("a", "b", 2)], r"no judgment compares \['a', 'b'\] with \['c'\]"),
        ([], r"\['a'\] with \['b'\] with \['c'\]"),
        ([("a", "b", 2), ("a", "c", 3), ("b", "d", 1)], "names 'd', which is not among the elements"),
        ([("a", "a", 1)], "'a' is compared with itself"),
        ([("a", "b", 2), ("b", "a", 2)], "'b' against 'a' contradict each other: 0.5 and 2"),
    ],
)
def test_sets_of_judgments_that_are_refused(judgments: list[tuple[str, str, float]], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        anp.Comparisons(
            elements=("a", "b", "c"),
            judgments=tuple(anp.Judgment(first=a, second=b, ratio=r) for a, b, r in judgments),
        )


def test_a_pair_may_be_stated_twice_if_it_agrees() -> None:
    both = [anp.Judgment(first="a", second="b", ratio=3), anp.Judgment(first="b", second="a", ratio=1 / 3)]
    assert anp.Comparisons(elements=("a", "b"), judgments=tuple(both)).matrix[0, 1] == 3.0


def test_doubled_elements_are_refused() -> None:
    with pytest.raises(ValidationError, match="'a' is named twice"):
        anp.Comparisons(elements=("a", "a"), judgments=())


def test_weights_beyond_double_precision_are_refused() -> None:
    """Ratios of 1e305 around a circle of four: the principal eigenvalue exceeds what a double holds."""
    matrix = np.ones((4, 4))
    matrix[np.triu_indices(4, 1)] = [1e305, 1e-305, 1e-305, 1e305, 1e305, 1.0]
    matrix = np.triu(matrix) + np.tril(1.0 / matrix.T, -1)
    with pytest.raises(DomainError, match="ratios"):
        anp.priorities(matrix)


# Supermatrices ------------------------------------------------------------------------------------------------


def test_dam_saaty() -> None:
    """Period 2; Saaty's finals per cluster .241 .374 .385 and .223 .372 .405; the exact limit in fractions."""
    limit = anp.limit_supermatrix(DAM)
    assert limit.periods == (2,)
    assert limit.unique
    assert limit.priorities is not None
    np.testing.assert_allclose(limit.priorities, DAM_LIMIT, rtol=1e-14)
    np.testing.assert_allclose(2 * limit.priorities, [0.241, 0.374, 0.385, 0.223, 0.372, 0.405], atol=5.1e-4)


@pytest.mark.parametrize("name", ["a01_dam_period2_6x6", "a08_two_ergodic_classes_6x6"])
def test_limit_known_answers(name: str) -> None:
    case = known(name)
    expected = case["expected"]
    frame = pd.DataFrame(
        table(case["input"]["supermatrix"]), index=case["input"]["labels"], columns=case["input"]["labels"]
    )
    limit = anp.limit_supermatrix(frame)
    np.testing.assert_allclose(limit.matrix, table(expected["limit_exact"]), rtol=1e-14)
    assert [list(nodes) for nodes in limit.classes] == [entry["nodes"] for entry in expected["classes"]]
    assert list(limit.periods) == [entry["period"] for entry in expected["classes"]]
    assert list(limit.transient) == expected["transient"]
    assert limit.unique == expected["limit_columns_identical"]
    np.testing.assert_allclose(limit.matrix.mean(axis=1), expected["priority_uniform_start"], rtol=1e-14)
    if "absorption" in expected:
        np.testing.assert_allclose(limit.absorption, expected["absorption"], rtol=1e-14)
    assert list(limit.to_frame().columns) == case["input"]["labels"]
    assert "Limit supermatrix" in limit._repr_html_()


def test_chain_with_identity_at_the_sink() -> None:
    """Known answer b01: a sink that keeps what reaches it takes all; without the 1 it is refused."""
    chain = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    with pytest.raises(DomainError, match=r"zero column for '2'.*sink.*Put 1 on its diagonal"):
        anp.limit_supermatrix(chain)
    chain[2, 2] = 1.0
    np.testing.assert_array_equal(anp.limit_supermatrix(chain).matrix, [[0, 0, 0], [0, 0, 0], [1, 1, 1]])


def test_limits_printed_in_the_source() -> None:
    """(0.3281, 0.1872, 0.2244, 0.2603) and (0.3414, 0.4238, 0.2347), from the matrices inverted from them."""
    product_form = SCALE[:, None] / (1.0 - SCALE[None, :])
    np.fill_diagonal(product_form, 0.0)
    recency, frequency = anp.limit_supermatrix(product_form), anp.limit_supermatrix(FREQUENCY)
    np.testing.assert_allclose(recency.matrix, np.outer(RECENCY_LIMIT, np.ones(4)), atol=1e-12)
    np.testing.assert_allclose(frequency.matrix, np.outer(FREQUENCY_LIMIT, np.ones(3)), atol=1.1e-4)
    np.testing.assert_allclose(frequency.matrix[:, 0], np.array(FREQUENCY_LIMIT) / 0.9999, rtol=1e-14)


def test_all_matrices_inverted_from_the_source() -> None:
    case = known("z01_seed_inner_dependence")
    for group, expected in (
        ("three_group_matrices", case["expected"]["three_group_limit_column"]),
        ("four_group_matrices", case["expected"]["four_group_limit_column"]),
    ):
        for name, rows in case["input"][group].items():
            got = anp.limit_supermatrix(table(rows)).matrix
            np.testing.assert_allclose(got, np.outer(expected, np.ones(len(expected))), atol=1e-12, err_msg=name)


def test_column_sums_within_rounding_are_reported_else_refused() -> None:
    frame = pd.DataFrame([[0.0, 0.9996], [1.0, 0.0]], index=["x", "y"], columns=["x", "y"])
    limit = anp.limit_supermatrix(frame)
    assert limit.deviations == pytest.approx({"y": -0.0004}, abs=1e-12)
    np.testing.assert_allclose(limit.matrix, 0.5, rtol=1e-14)
    frame.loc["x", "y"] = 0.9994
    with pytest.raises(DomainError, match=r"column of 'y' sums to 0.9994; allowed: 1 within 0.0005"):
        anp.limit_supermatrix(frame)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[1.5, 0.0], [-0.5, 1.0]], "negative in row '1', column '0'"),
        ([[np.nan, 0.0], [1.0, 1.0]], "missing or infinite"),
        ([[0.5, 0.5]], r"shape \(1, 2\)"),
        ([[0.0, 0.0, 1e-200], [1.0, 1.0, 1.0], [0.0, 1e-200, 0.0]], "double precision"),
    ],
)
def test_supermatrices_that_are_refused(matrix: list[list[float]], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        anp.limit_supermatrix(matrix)


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 6), st.data())
def test_labels_follow_the_nodes(size: int, data: st.DataObject) -> None:
    draw = st.lists(st.integers(0, 5), min_size=size, max_size=size)
    matrix = np.array([data.draw(draw) for _ in range(size)], dtype=np.float64).T + np.eye(size)
    names = [f"n{place}" for place in range(size)]
    frame = pd.DataFrame(matrix / matrix.sum(axis=0), index=names, columns=names)
    order = data.draw(st.permutations(names))
    limit = anp.limit_supermatrix(frame).to_frame()
    permuted = anp.limit_supermatrix(frame.loc[order, order]).to_frame()
    np.testing.assert_allclose(permuted.loc[names, names], limit, rtol=1e-12)


UNWEIGHTED = np.array(
    [
        [0, 0, 1 / 4, 1 / 2, 2 / 3],
        [0, 0, 3 / 4, 1 / 2, 1 / 3],
        [1 / 2, 1 / 6, 0, 2 / 5, 1 / 2],
        [1 / 3, 1 / 3, 3 / 10, 0, 1 / 2],
        [1 / 6, 1 / 2, 7 / 10, 3 / 5, 0],
    ]
)
NODES = ["c1", "c2", "a1", "a2", "a3"]


def test_cluster_weighting() -> None:
    """Known answer c01, each block by hand: 3/10 * 1/4 = 3/40, 7/10 * 2/5 = 7/25; column C has one block only."""
    frame = pd.DataFrame(UNWEIGHTED, index=NODES, columns=NODES)
    clusters = {"C": ["c1", "c2"], "A": ["a1", "a2", "a3"]}
    weighted = anp.weighted_supermatrix(frame, clusters, [[0, 0.3], [1, 0.7]])
    expected = [
        [0, 0, 3 / 40, 3 / 20, 1 / 5],
        [0, 0, 9 / 40, 3 / 20, 1 / 10],
        [1 / 2, 1 / 6, 0, 7 / 25, 7 / 20],
        [1 / 3, 1 / 3, 21 / 100, 0, 7 / 20],
        [1 / 6, 1 / 2, 49 / 100, 21 / 50, 0],
    ]
    np.testing.assert_allclose(weighted, expected, rtol=1e-15)
    limit = anp.limit_supermatrix(weighted)
    assert limit.priorities is not None
    np.testing.assert_allclose(limit.priorities[0], 325683 / 2911922, rtol=1e-14)
    np.testing.assert_allclose(limit.priorities[4], 428820 / 1455961, rtol=1e-14)
    by_name = pd.DataFrame([[0.7, 1.0], [0.3, 0.0]], index=["A", "C"], columns=["A", "C"])
    pd.testing.assert_frame_equal(anp.weighted_supermatrix(frame, clusters, by_name), weighted)
    by_place = anp.weighted_supermatrix(UNWEIGHTED, {"C": [0, 1], "A": [2, 3, 4]}, [[0.5, 0.3], [0.5, 0.7]])
    np.testing.assert_allclose(by_place, expected, rtol=1e-15)  # the missing block gives its half away


def test_cluster_weighting_in_full() -> None:
    case = known("c01_cluster_weighting_5x5")
    clusters = {"C": [0, 1], "A": [2, 3, 4]}
    unweighted = table(case["input"]["unweighted"])
    weighted = anp.weighted_supermatrix(unweighted, clusters, [[0, 0.3], [1, 0.7]])
    np.testing.assert_allclose(weighted, table(case["expected"]["weighted_exact"]), rtol=1e-15)
    limit = anp.limit_supermatrix(weighted)
    np.testing.assert_allclose(limit.matrix, table(case["expected"]["limit_exact"]), rtol=1e-14)
    even = anp.limit_supermatrix(anp.weighted_supermatrix(unweighted, clusters, [[0.5, 0.5], [0.5, 0.5]]))
    np.testing.assert_allclose(even.matrix, case["expected"]["limit_with_equal_cluster_weights"], rtol=1e-14)


def test_a_sink_stays_a_sink() -> None:
    unweighted = np.array([[0.0, 1.0], [0.0, 0.0]])
    got = anp.weighted_supermatrix(unweighted, {"A": [0], "B": [1]}, [[0, 1], [0, 0]])
    np.testing.assert_array_equal(got, unweighted)


@pytest.mark.parametrize(
    ("clusters", "weights", "message"),
    [
        ({"C": ["c1", "c2"], "A": ["a1", "a2"]}, [[0, 0.3], [1, 0.7]], r"leaves out \['a3'\]"),
        ({"C": ["c1", "c2", "a1"], "A": ["a1", "a2", "a3"]}, [[0, 0.3], [1, 0.7]], "'a1' twice"),
        ({"C": ["c1", "c9"], "A": ["a1", "a2", "a3"]}, [[0, 0.3], [1, 0.7]], "names the node 'c9'"),
        ({"C": ["c1", "c2"], "A": ["a1", "a2", "a3"]}, [[0, 0.3], [1, 0.6]], "column of 'A' sums to 0.9"),
        ({"C": ["c1", "c2"], "A": ["a1", "a2", "a3"]}, [[-1, 0.3], [2, 0.7]], "smallest entry -1"),
        ({"C": ["c1", "c2"], "A": ["a1", "a2", "a3"]}, [[1, 0.3], [0, 0.7]], "no weight to any block .* 'c1'"),
        ({"C": ["c1", "c2"], "A": ["a1", "a2", "a3"]}, [[1]], "1 rows for 2 clusters"),
        ({"C": ["c1", "c2"], "A": ["a1", "a2", "a3"]}, pd.DataFrame([[1.0]], ["x"], ["x"]), "has the labels"),
    ],
)
def test_clusters_that_are_refused(clusters: dict[str, list[str | int]], weights: Any, message: str) -> None:
    frame = pd.DataFrame(UNWEIGHTED, index=NODES, columns=NODES)
    with pytest.raises(DomainError, match=message):
        anp.weighted_supermatrix(frame, clusters, weights)


@pytest.mark.parametrize(("entry", "message"), [(0.3, "rows of cluster 'C' sum to 1.05"), (-0.1, "negative")])
def test_blocks_that_are_refused(entry: float, message: str) -> None:
    broken = UNWEIGHTED.copy()
    broken[0, 2] = entry
    with pytest.raises(DomainError, match=message):
        anp.weighted_supermatrix(broken, {"C": [0, 1], "A": [2, 3, 4]}, [[0, 0.3], [1, 0.7]])


# Networks -----------------------------------------------------------------------------------------------------


def test_published_network() -> None:
    """The source's weights at both levels, to its printed digits (a consistency check, see the file's source)."""
    solution = network("published").solve()
    np.testing.assert_allclose(list(solution.control.values()), [0.1312, 0.7928, 0.0760], atol=5e-5)
    np.testing.assert_allclose(list(solution.local["recency"].values()), RECENCY_LIMIT, atol=1e-12)
    np.testing.assert_allclose(list(solution.local["frequency"].values()), FREQUENCY_LIMIT, atol=1.1e-4)
    assert solution.local["monetary"] == {"turnover": 0.5, "balance": 0.5}
    frame = solution.to_frame()
    assert list(frame.columns) == ["criterion", "indicator", "local", "global"]
    assert list(frame["indicator"]) == [
        *("recency_cash_deposit", "recency_cash_withdrawal", "recency_transfer_in", "recency_transfer_out"),
        *("frequency_cash", "frequency_transfer", "frequency_active_days", "turnover", "balance"),
    ]
    assert frame["global"].sum() == pytest.approx(1.0, abs=1e-15)
    assert solution.priorities["turnover"] == solution.control["monetary"] * 0.5
    assert list(solution.unweighted) == list(solution.limit) == ["recency", "frequency"]
    pd.testing.assert_frame_equal(solution.weighted["frequency"], solution.unweighted["frequency"])
    limit = solution.limit["frequency"]
    np.testing.assert_allclose(solution.weighted["frequency"] @ limit, limit, atol=1e-15)
    assert list(solution.consistency["n"]) == [3, 2]
    assert solution.consistency["lambda_max"][0] == pytest.approx(3.02173, abs=5e-6)
    assert solution.deviations == {}
    assert any("local.frequency: with a zero diagonal no weight can exceed 0.5" in note for note in solution.notes)


def test_published_network_says_where_its_numbers_come_from() -> None:
    source = network("published").source
    assert "inverted from those limits" in source
    assert "consistency check" in source
    assert "onstructed for the demonstration" in network("panel").source


def test_panel_network() -> None:
    """All pairwise; consistent enough for Saaty's 0.1 under each table; balanced, with money first."""
    panel = network("panel")
    for name in ("alonso_lamata", "saaty_1980", "saaty_2005"):
        consistency = panel.solve(**chosen(random_index=name)).consistency
        assert len(consistency) == 9
        assert (consistency["consistency_ratio"] < 0.1).all()
    solution = panel.solve()
    control = solution.control
    assert control["monetary"] > control["frequency"] > control["recency"] > 0.2
    assert set(solution.priorities) == set(network("published").solve().priorities)
    weights = solution.supermatrices["frequency"]
    values, vectors = np.linalg.eig(weights)  # second route
    principal = np.abs(vectors[:, np.argmax(values.real)].real)
    np.testing.assert_allclose(list(solution.local["frequency"].values()), principal / principal.sum(), rtol=1e-12)


@pytest.mark.parametrize("name", ["published", "panel"])
def test_networks_round_trip_through_json(name: str) -> None:
    first = network(name)
    again = anp.Network.model_validate_json(first.model_dump_json())
    assert again == first
    assert again.digest == first.digest
    assert again.model_dump_json() == first.model_dump_json()
    assert anp.Network.model_validate(first.model_dump()) == first
    assert first.solve().provenance.spec == first.model_dump_json()
    assert anp.Network.model_json_schema()["additionalProperties"] is False


def test_solution_is_read_only_and_travels() -> None:
    solution = network("published").solve()
    untyped: Any = solution
    with pytest.raises(TypeError, match="frozen"):
        untyped.local["recency"]["recency_transfer_in"] = 1.0
    with pytest.raises(AttributeError):
        untyped.notes = ()
    with pytest.raises(ValueError, match="read-only"):
        solution.supermatrices["recency"][0, 0] = 1.0
    frame = solution.limit["recency"]
    frame.iloc[0, 0] = 9.0
    assert solution.limit["recency"].iloc[0, 0] != 9.0
    assert "recency_transfer_in" in solution._repr_html_()
    assert solution.provenance.counts == {"n_criteria": 3, "n_indicators": 9}
    assert pickle.loads(pickle.dumps(solution)).priorities == solution.priorities  # noqa: S301 - our own pickle


def test_inner_dependence_by_hand() -> None:
    """Columns a (.5 b, .5 c), b (.25 a, .75 c), c (.5 a, .5 b).

    a = b/4 + c/2 and b = a/2 + c/2 give b = 6a/5 and c = 7a/5, so that the limit is (5, 6, 7) / 18.
    """
    solution = parse(small_network()).solve()
    np.testing.assert_allclose(list(solution.local["frequency"].values()), [5 / 18, 6 / 18, 7 / 18], rtol=1e-14)
    assert solution.priorities["a"] == pytest.approx(0.75 * 5 / 18, rel=1e-14)
    assert solution.consistency.empty


def test_judged_columns_equal_their_weights() -> None:
    """Comparing b with c by 1/3 for column b... puts (1/4, 3/4) there, as the direct weights do."""
    document = small_network()
    pair = {"elements": ["a", "c"], "judgments": [{"first": "a", "second": "c", "ratio": "1/3"}]}
    document["local"]["frequency"]["columns"]["b"] = pair
    judged = parse(document).solve()
    for method in ("eigenvector", "logarithmic_least_squares"):
        again = parse(document).solve(**chosen(method=method))
        np.testing.assert_allclose(
            list(again.priorities.values()), list(parse(small_network()).solve().priorities.values()), rtol=1e-14
        )
    assert list(judged.consistency["column"]) == ["b"]


def test_two_elements_with_a_zero_diagonal_are_noted() -> None:
    document = small_network()
    document["local"]["monetary"] = {
        "kind": "inner_dependence",
        "elements": ["turnover", "balance"],
        "columns": {"turnover": {"balance": 1}, "balance": {"turnover": 1}},
    }
    solution = parse(document).solve()
    assert solution.local["monetary"] == {"turnover": 0.5, "balance": 0.5}
    assert any(r"limit (0.5, 0.5) whatever was judged" in note for note in solution.notes)
    assert any("cycle with period 2" in note for note in solution.notes)


def test_diagonal_by_direct_weights_frees_the_bound() -> None:
    document = small_network()
    document["local"]["frequency"]["columns"]["a"] = {"a": 0.9, "b": 0.05, "c": 0.05}
    solution = parse(document).solve()
    assert solution.local["frequency"]["a"] > 0.5
    assert solution.notes == ()


def test_weights_within_rounding_are_renormalised_and_reported() -> None:
    document = small_network(control={"kind": "weights", "weights": {"frequency": 0.7497, "monetary": 0.25}})
    document["local"]["frequency"]["columns"]["a"] = {"b": 0.5004, "c": 0.5}
    solution = parse(document).solve()
    assert sum(solution.control.values()) == pytest.approx(1.0, abs=1e-15)
    assert solution.deviations == pytest.approx(
        {"control.weights": -0.0003, "local.frequency.columns.a": 0.0004}, abs=1e-12
    )


def test_transient_and_separate_elements() -> None:
    document = small_network()
    columns = document["local"]["frequency"]["columns"]
    columns["a"], columns["b"], columns["c"] = {"b": 1.0}, {"a": 1.0}, {"a": 0.5, "b": 0.5}
    solution = parse(document).solve()
    assert solution.local["frequency"]["c"] == 0.0
    assert any("['c'] influence nothing that lasts" in note for note in solution.notes)
    columns["c"] = {"c": 1.0}
    with pytest.raises(DomainError, match=r"local.frequency: influence stays within \['a', 'b'\] and \['c'\]"):
        parse(document).solve()


def test_inconsistent_judgments_are_noted() -> None:
    judged = {"kind": "judgments", **json.loads(comparisons(["x", "y", "z"], 9, "1/9", 9).model_dump_json())}
    control = {"kind": "weights", "weights": {"only": 1.0}}
    solution = parse({"control": control, "local": {"only": judged}}).solve()
    assert any("local.only: the consistency ratio" in note for note in solution.notes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"extra": 1}, "extra"),
        ({"local": {}}, "local must name exactly"),
        ({"control": {"kind": "weights", "weights": {"frequency": 0.9, "monetary": 0.2}}}, "weights sum to 1.1"),
        (
            {"control": {"kind": "weights", "weights": {"frequency": 0.75, "monetary": 0.2506}}},
            "allowed: 1 within",
        ),
        (
            {"control": {"kind": "weights", "weights": {"frequency": 1.5, "monetary": -0.5}}},
            "'monetary' is negative",
        ),
        ({"control": {"kind": "votes"}}, "control"),
    ],
)
def test_networks_that_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        parse(small_network(**change))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({"b": 0.5, "c": 0.4}, r"weights of columns\['a'\] sum to 0.9"),
        ({"b": 1.5, "c": -0.5}, "'c' is negative"),
        ({"b": 0.5, "turnover": 0.5}, r"columns\['a'\] names 'turnover'"),
        (
            {"elements": ["a", "b"], "judgments": [{"first": "a", "second": "b", "ratio": 1}]},
            "influence on itself",
        ),
        ({"elements": ["b", "c"], "judgments": []}, r"no judgment compares \['b'\] with \['c'\]"),
        ({"elements": ["b", "c"], "judgment": []}, "Extra inputs"),
        ({"b": "much"}, "valid number"),
        ({}, "at least 1"),
    ],
)
def test_columns_that_are_refused(column: dict[str, Any], message: str) -> None:
    document = small_network()
    document["local"]["frequency"]["columns"]["a"] = column
    with pytest.raises(ValidationError, match=message):
        parse(document)


def test_column_of_every_element_and_distinct_elements() -> None:
    document = small_network()
    del document["local"]["frequency"]["columns"]["a"]
    with pytest.raises(ValidationError, match=r"columns must name exactly .*missing: \['a'\]"):
        parse(document)
    document = small_network()
    document["local"]["frequency"]["elements"] = ["a", "b", "c", "a"]
    with pytest.raises(ValidationError, match="'a' is named twice"):
        parse(document)
    document = small_network()
    document["local"]["monetary"]["weights"] = {"a": 0.5, "balance": 0.5}
    with pytest.raises(ValidationError, match="'a' is named under 'frequency' and under 'monetary'"):
        parse(document)


def test_elements_may_be_called_like_keys() -> None:
    """An indicator named "elements" is a weight, not a set of judgments."""
    group = anp.InnerDependence(
        elements=("elements", "kind"), columns={"elements": {"kind": 1.0}, "kind": {"elements": 1.0}}
    )
    assert anp.InnerDependence.model_validate_json(group.model_dump_json()) == group
