"""Judgments of one or several experts, complete or not, and their priorities: known answers, second routes."""

from __future__ import annotations

import json
import math
import pickle
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from custvalue import anp
from custvalue.exceptions import ColumnError, DataError, DomainError, JudgmentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from custvalue._typing import FloatArray

ROOT = Path(__file__).resolve().parents[1]
KNOWN = ROOT.parent / "shared" / "known_answers" / "anp"
METHODS = ("eigenvector", "logarithmic_least_squares", "harker", "lambda_min")
INCOMPLETE = METHODS[1:]
NAN = float("nan")
#: Bozoki, Fulop & Ronyai (2010): 4 x 4, the last pair missing (known answer i02).
BOZOKI: list[list[float]] = [[1, 1, 5, 2], [1, 1, 3, 4], [1 / 5, 1 / 3, 1, NAN], [1 / 2, 1 / 4, NAN, 1]]


def known(name: str) -> Any:
    path = KNOWN / f"{name}.json"
    if not path.exists():
        pytest.skip("the shared known answers are not next to this checkout")
    return json.loads(path.read_text(encoding="utf-8"))


def chosen(**names: str) -> dict[str, Any]:
    """Hand over names that come from a list, which a type checker cannot know to be allowed."""
    return dict(names)


def said(*rows: tuple[Any, ...]) -> tuple[anp.Judgment, ...]:
    return tuple(anp.Judgment(first=a, second=b, ratio=r, expert=(*by, "")[0]) for a, b, r, *by in rows)


def comparisons(elements: str, *rows: tuple[Any, ...], **experts: float) -> anp.Comparisons:
    return anp.Comparisons(elements=tuple(elements), judgments=said(*rows), experts=experts)


#: Known answer g01: three experts on a, b, c.
PANEL = {"u0": (2, 6, 3), "u1": (1 / 3, 4, 5), "u2": (5, 9, 2)}
PANEL_WEIGHTS = {"u0": 0.5, "u1": 0.3, "u2": 0.2}


def panel(**experts: float) -> anp.Comparisons:
    rows = [
        (a, b, r, u) for u, upper in PANEL.items() for (a, b), r in zip(combinations("abc", 2), upper, strict=True)
    ]
    return comparisons("abc", *rows, **experts)


def principal(matrix: Any) -> FloatArray:
    """Second route: numpy's eigenvector of the largest eigenvalue."""
    values, vectors = np.linalg.eig(np.asarray(matrix, dtype=np.float64))
    vector = np.abs(vectors[:, values.real.argmax()].real)
    return np.asarray(vector / vector.sum())


# Sets of judgments --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("elements", "rows", "experts", "message"),
    [
        ("abc", [("a", "d", 2)], {}, r"a judgment names 'd', which is not among the elements \['a', 'b', 'c'\]"),
        ("abc", [("a", "d", 2, "Chen")], {}, "a judgment of the expert 'Chen' names 'd'"),
        ("abc", [("a", "a", 1, "Li")], {}, "expert 'Li': 'a' is compared with itself; leave this judgment out"),
        (
            "abc",
            [("a", "b", 2, "Li"), ("b", "a", 2, "Li")],
            {},
            "of the expert 'Li' of 'b' against 'a' contradict each other: 0.5 and 2",
        ),
        (
            "abc",
            [("a", "b", 2)],
            {},
            r"no judgment compares \['a', 'b'\] with \['c'\]; ask next for 'a' against 'c'",
        ),
        (
            "abcd",
            [("a", "b", 2), ("d", "c", 2)],
            {},
            r"\['a', 'b'\] with \['c', 'd'\]; ask next for 'a' against 'c'",
        ),
        (
            "abc",
            [("a", "b", 2, "u"), ("b", "c", 2, "v")],
            {"u": 1.0, "v": 0.0},
            r"no judgment compares \['a', 'b'\] with \['c'\]",
        ),
        ("ab", [("a", "b", 2, "u")], {"v": 1.0}, r"experts must name exactly \['u'\] \(missing: \['u'\]; unknown"),
        ("ab", [("a", "b", 2)], {"u": 1.0}, r"experts must name exactly \[''\]"),
        (
            "ab",
            [("a", "b", 2, "u"), ("a", "b", 3, "v")],
            {"u": 0.5, "v": 0.4},
            "the weights of the experts sum to 0.9; allowed: 1 within 0.0005",
        ),
        (
            "ab",
            [("a", "b", 2, "u"), ("a", "b", 3, "v")],
            {"u": 1.5, "v": -0.5},
            "the weight of 'v' is negative; allowed: numbers from 0",
        ),
    ],
)
def test_sets_that_are_refused(
    elements: str, rows: list[tuple[Any, ...]], experts: dict[str, float], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        comparisons(elements, *rows, **experts)


def test_many_groups_are_counted() -> None:
    with pytest.raises(ValidationError, match="and 12 more groups; ask next for '0' against '1'"):
        anp.Comparisons(elements=[str(k) for k in range(22)], judgments=())


def test_experts_may_differ_and_one_may_repeat() -> None:
    judged = comparisons("ab", ("a", "b", 2, "u"), ("b", "a", 1 / 2, "u"), ("a", "b", 8, "v"))
    assert judged.matrix[0, 1] == pytest.approx(4.0, rel=1e-15)
    assert judged.expert_names == ("u", "v")
    assert comparisons("ab", ("a", "b", 3), ("b", "a", 1 / 3)).matrix[0, 1] == 3.0


def test_aggregated_matrix() -> None:
    """Known answer g01: weighted geometric means (Aczel & Saaty 1983), reciprocal as arithmetic ones are not."""
    equal, weighted = panel().matrix, panel(**PANEL_WEIGHTS).matrix
    assert equal[0, 1] == pytest.approx((2 * 1 / 3 * 5) ** (1 / 3), rel=1e-14)
    assert equal[1, 2] == pytest.approx(30 ** (1 / 3), rel=1e-14)
    assert weighted[0, 2] == pytest.approx(6**0.5 * 4**0.3 * 9**0.2, rel=1e-14)
    for matrix in (equal, weighted):
        np.testing.assert_allclose(matrix * matrix.T, 1.0, rtol=1e-15)
        with pytest.raises(ValueError, match="read-only"):
            matrix[0, 1] = 1.0
    expected = known("g01_group_aij_aip_3x3")["expected"]
    np.testing.assert_allclose(equal, expected["equal"]["aij_matrix"], rtol=1e-13)
    np.testing.assert_allclose(weighted, expected["weighted_.5_.3_.2"]["aij_matrix"], rtol=1e-13)


def test_unanimity_and_experts_without_weight() -> None:
    judged = comparisons("ab", *(("a", "b", 0.7, by) for by in "uvw"))
    assert judged.matrix[0, 1] == 0.7
    judged = comparisons("ab", ("a", "b", 3, "u"), ("a", "b", 9, "v"), u=1.0, v=0.0)
    assert judged.matrix[0, 1] == 3.0
    rounded = comparisons("ab", ("a", "b", 2, "u"), ("a", "b", 8, "v"), u=0.4998, v=0.4998)
    assert rounded.matrix[0, 1] == pytest.approx(4.0, rel=1e-15)


def test_weights_are_renormalised_among_those_who_judged() -> None:
    judged = comparisons(
        "abc", ("a", "b", 2, "u"), ("a", "b", 4, "v"), ("b", "c", 3, "v"), ("c", "a", 5, "w"), u=0.2, v=0.6, w=0.2
    )
    expected = np.array([[1.0, 2**0.25 * 4**0.75, 1 / 5], [2**-0.25 * 4**-0.75, 1.0, 3.0], [5.0, 1 / 3, 1.0]])
    np.testing.assert_allclose(judged.matrix, expected, rtol=1e-14)


def test_missing_pairs_are_named() -> None:
    judged = comparisons("abcd", ("b", "a", 2), ("b", "c", 3), ("c", "d", 3))
    assert judged.missing == (("a", "c"), ("a", "d"), ("b", "d"))
    assert np.isnan(judged.matrix).sum() == 6
    assert anp.Comparisons(elements=("a",), judgments=()).missing == ()


def test_by_expert() -> None:
    judged = comparisons("abc", *(("a", "b", 2, "u"), ("b", "c", 3, "u"), ("a", "c", 5, "v")), u=0.1, v=0.9)
    alone = judged.by_expert("u")
    assert alone.judgments == judged.judgments[:2]
    assert alone.elements == judged.elements
    assert not alone.experts
    with pytest.raises(JudgmentError, match=r"of the expert 'v' do not connect.*\['a', 'c'\] with \['b'\]"):
        judged.by_expert("v")
    with pytest.raises(DomainError, match=r"name is 'w'; allowed: \['u', 'v'\]"):
        judged.by_expert("w")


def test_a_document_round_trips() -> None:
    judged = panel(**PANEL_WEIGHTS)
    again = anp.Comparisons.model_validate_json(judged.model_dump_json())
    assert again == judged
    assert hash(again) == hash(judged)
    assert pickle.loads(pickle.dumps(judged)) == judged  # noqa: S301 - our own pickle
    with pytest.raises(TypeError, match="frozen"):
        judged.experts["u0"] = 1.0  # type: ignore[index]  # refused


def test_an_expert_has_at_most_200_characters() -> None:
    with pytest.raises(ValidationError, match="expert"):
        anp.Judgment(first="a", second="b", ratio=1, expert="x" * 201)


# Ways in ------------------------------------------------------------------------------------------------------


def test_from_matrix_with_gaps() -> None:
    judged = anp.Comparisons.from_matrix(["a", "b", "c", "d"], BOZOKI, expert="Chen")
    assert judged.missing == (("c", "d"),)
    assert judged.expert_names == ("Chen",)
    np.testing.assert_array_equal(np.isnan(judged.matrix), np.isnan(BOZOKI))
    frame = pd.DataFrame(BOZOKI, index=list("abcd"), columns=list("abcd"))
    assert anp.Comparisons.from_matrix(None, frame, expert="Chen") == judged
    assert anp.priorities(BOZOKI, method="harker").missing == (("2", "3"),)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[1, NAN], [1, 1]], "judges 'y' against 'x', but 'x' against 'y' is missing; give both, or NaN for both"),
        ([[1, 2], [NAN, 1]], "judges 'x' against 'y', but 'y' against 'x' is missing"),
        ([[NAN, 2], [0.5, 1]], "1 on its diagonal; 'x'"),
    ],
)
def test_matrices_with_gaps_that_are_refused(matrix: list[list[float]], message: str) -> None:
    with pytest.raises(JudgmentError, match=message):
        anp.Comparisons.from_matrix(["x", "y"], matrix)


def test_a_matrix_that_falls_apart_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"\['x'\] with \['y'\]"):
        anp.Comparisons.from_matrix(["x", "y"], [[1, NAN], [NAN, 1]])


def test_from_values() -> None:
    judged = anp.Comparisons.from_values({"a": 30.0, "b": 10, "c": 5.0}, expert="ledger")
    np.testing.assert_allclose(
        judged.matrix, [[1.0, 3.0, 6.0], [1 / 3, 1.0, 2.0], [1 / 6, 1 / 2, 1.0]], rtol=1e-15
    )
    assert judged.expert_names == ("ledger",)
    assert anp.priorities(judged).consistency_ratio == pytest.approx(0.0, abs=1e-14)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"a": 1.0, "b": 0.0}, "'b' is 0.0; allowed: positive finite numbers"),
        ({"a": -1.0}, "'a' is -1.0"),
        ({"a": NAN}, "'a' is nan"),
        ({"a": math.inf}, "'a' is inf"),
        ({"a": True}, "'a' is True"),
        ({"a": "1"}, "'a' is '1'"),
        ({"a": 1e200, "b": 1e-200}, "further apart than 1e.300 times"),
    ],
)
def test_values_that_are_no_ratios(values: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        anp.Comparisons.from_values(values)


@pytest.mark.pyarrow
def test_from_frame(make_frame: Callable[..., Any]) -> None:
    frame = make_frame(
        {
            "first": ["b", "a", "b", None, "c"],
            "second": ["a", "c", "c", None, "d"],
            "ratio": ["1/7", "3", None, " ", "2.5"],
            "expert": ["Chen", None, "Chen", "Li", " Li "],
            "remark": ["x", "x", "x", "x", "x"],
        }
    )
    judged = anp.Comparisons.from_frame(frame)
    assert judged.elements == ("b", "a", "c", "d")
    assert [(j.first, j.second, j.ratio, j.expert) for j in judged.judgments] == [
        ("b", "a", 1 / 7, "Chen"),
        ("a", "c", 3.0, ""),
        ("c", "d", 2.5, "Li"),
    ]
    weighted = anp.Comparisons.from_frame(frame, elements="abcd", experts={"Chen": 0.5, "": 0.25, "Li": 0.25})
    assert weighted.elements == ("a", "b", "c", "d")
    assert weighted.experts["Chen"] == 0.5


@pytest.mark.pyarrow
def test_from_frame_of_numbers(make_frame: Callable[..., Any]) -> None:
    judged = anp.Comparisons.from_frame(
        make_frame({"first": ["a", "a"], "second": ["b", "c"], "ratio": [2.0, NAN]}), elements=["a", "b"]
    )
    assert judged.judgments == said(("a", "b", 2.0))
    counted = anp.Comparisons.from_frame(make_frame({"first": [1, 1], "second": [2, 3], "ratio": [2, 4]}))
    assert counted.elements == ("1", "2", "3")


@pytest.mark.parametrize(
    ("columns", "error", "message"),
    [
        ({"first": ["a"], "ratio": [1]}, ColumnError, r"missing: 'second'.*has: 'first', 'ratio'.*by name"),
        (
            {"first": ["a", "b"], "second": ["b", None], "ratio": [1, 2]},
            DataError,
            "row 1 of frame has a ratio but",
        ),
        ({"first": [""], "second": ["b"], "ratio": [1]}, DataError, "row 0 of frame .*fill first and second"),
        (
            {"first": ["a"], "second": ["b"], "ratio": ["often"]},
            JudgmentError,
            "row 0 of frame, 'a' against 'b': .*1/7",
        ),
        ({"first": ["a"], "second": ["b"], "ratio": [-2.0]}, JudgmentError, "'a' against 'b': .*greater than 0"),
        ({"first": ["a"], "second": ["a"], "ratio": [2.0]}, ValidationError, "compared with itself"),
    ],
)
def test_frames_that_are_refused(columns: dict[str, list[Any]], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        anp.Comparisons.from_frame(pd.DataFrame(columns))


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises(DomainError, match="frame is a list; allowed: a pandas, Polars or PyArrow frame"):
        anp.Comparisons.from_frame([1])  # type: ignore[arg-type]  # refused


def test_measured_values() -> None:
    larger = anp.MeasuredValues(values={"a": 3, "b": 1.0, "c": 0.0})
    assert larger.weights == {"a": 0.75, "b": 0.25, "c": 0.0}
    smaller = anp.MeasuredValues(values={"a": 2.0, "b": 6.0}, smaller_is_better=True)
    assert smaller.weights == pytest.approx({"a": 0.75, "b": 0.25}, rel=1e-15)
    assert anp.MeasuredValues(values={"a": 1e308, "b": 1e308}).weights == {"a": 0.5, "b": 0.5}
    tiny = anp.MeasuredValues(values={"a": 5e-324, "b": 5e-324}, smaller_is_better=True)
    assert tiny.weights == {"a": 0.5, "b": 0.5}
    assert anp.MeasuredValues.model_validate_json(smaller.model_dump_json()) == smaller


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"values": {"a": -1.0}}, "'a' is -1; allowed: numbers from 0"),
        ({"values": {"a": 0.0, "b": 1.0}, "smaller_is_better": True}, "'a' is 0; allowed: numbers above 0, since"),
        ({"values": {"a": 0.0}}, "values are all 0"),
        ({"values": {}}, "at least 1 item"),
        ({"values": {"a": NAN}}, "finite"),
    ],
)
def test_measured_values_that_are_refused(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        anp.MeasuredValues.model_validate(document)


# The next pair ------------------------------------------------------------------------------------------------


def spread_of_log_ratios(size: int, pairs: list[tuple[int, int]]) -> float:
    """Second route: sum over all pairs of the variance of log w_i - log w_j by ordinary least squares."""
    design = np.zeros((len(pairs), size))
    for row, (one, other) in enumerate(pairs):
        design[row, one], design[row, other] = 1.0, -1.0
    covariance = np.linalg.pinv(design.T @ design)
    spread = (covariance[i, i] + covariance[j, j] - 2 * covariance[i, j] for i, j in combinations(range(size), 2))
    return float(sum(spread))


@settings(max_examples=50)
@given(st.integers(3, 7), st.data())
def test_next_pair_is_the_best_of_all(size: int, data: st.DataObject) -> None:
    names = [f"e{k}" for k in range(size)]
    pairs = list(combinations(range(size), 2))
    extra = data.draw(st.lists(st.sampled_from(pairs), max_size=len(pairs), unique=True))
    judged = sorted({*extra, *((k, k + 1) for k in range(size - 1))})
    found = anp.next_pair(names, said(*((names[j], names[i], 3.0, "u") for i, j in judged)))
    candidates = {pair: spread_of_log_ratios(size, [*judged, pair]) for pair in pairs if pair not in judged}
    if not candidates:
        assert found is None
        return
    assert found is not None
    best = candidates[names.index(found[0]), names.index(found[1])]
    assert best == pytest.approx(min(candidates.values()), rel=1e-9)


def test_next_pairs_from_nothing_lead_to_a_complete_set() -> None:
    asked: list[tuple[str, str]] = []
    while (pair := anp.next_pair("abcde", said(*((a, b, 2.0) for a, b in asked)))) is not None:
        asked.append(pair)
    assert len(set(asked)) == len(asked) == 10
    assert anp.Comparisons(elements=tuple("abcde"), judgments=said(*((a, b, 2.0) for a, b in asked[:4])))


def test_next_pair_does_not_mind_contradictions() -> None:
    assert anp.next_pair("ab", said(("a", "b", 2.0), ("a", "b", 3.0))) is None


@pytest.mark.parametrize(
    ("elements", "rows", "error", "message"),
    [
        ("", [], DomainError, "at least one"),
        ("aa", [], DomainError, "distinct"),
        ("ab", [("a", "c", 1)], JudgmentError, "names 'c'"),
        ("ab", [("a", "a", 1)], JudgmentError, "compared with itself"),
    ],
)
def test_next_pair_refuses(
    elements: str, rows: list[tuple[Any, ...]], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        anp.next_pair(elements, said(*rows))


# Methods ------------------------------------------------------------------------------------------------------


def test_bozoki_fulop_ronyai() -> None:
    """Known answer i02, each method; CR by the complete index, adjusted by RI (1 - 2 / 6)."""
    case = known("i02_bozoki_4x4_one_missing")["expected"]
    squares = anp.priorities(BOZOKI, method="logarithmic_least_squares")
    np.testing.assert_allclose(squares.weights, case["llsm"], rtol=1e-8)
    harker = anp.priorities(BOZOKI, method="harker")
    np.testing.assert_allclose(harker.weights, case["harker"]["weights"], rtol=1e-8)
    assert harker.lambda_max == pytest.approx(case["harker"]["lambda_max"], rel=1e-12)
    expected = case["lambda_min_completion"]
    for name in ("saaty_1980", "saaty_2005"):
        result = anp.priorities(BOZOKI, method="lambda_min", **chosen(random_index=name))
        np.testing.assert_allclose(result.weights, expected["weights"], rtol=1e-8)
        assert result.lambda_max == pytest.approx(expected["lambda_max"], rel=1e-12)
        assert result.consistency_ratio == pytest.approx(expected[f"cr_{name}"], rel=1e-9)
        assert result.adjusted_consistency_ratio == pytest.approx(1.5 * expected[f"cr_{name}"], rel=1e-9)


def test_lambda_max_of_least_squares_is_that_of_the_filled_matrix() -> None:
    result = anp.priorities(BOZOKI, method="logarithmic_least_squares")
    whole = np.array(BOZOKI)
    whole[2, 3], whole[3, 2] = result.weights[2] / result.weights[3], result.weights[3] / result.weights[2]
    assert result.lambda_max == pytest.approx(np.linalg.eigvals(whole).real.max(), rel=1e-13)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [("a", "b", 2), ("a", "c", 3)],
            "no judgment compares 'b' with 'c'; method 'eigenvector' needs every pair",
        ),
        ([("a", "b", 2), ("a", "c", 3)], "choose method 'harker', 'lambda_min' or 'logarithmic_least_squares'"),
    ],
)
def test_the_eigenvector_needs_every_pair(rows: list[tuple[Any, ...]], message: str) -> None:
    judged = comparisons("abc", *rows)
    for aggregation in ("aij", "aip_geometric"):
        with pytest.raises(JudgmentError, match=message):
            anp.priorities(judged, **chosen(aggregation=aggregation))


def test_many_missing_pairs_are_counted() -> None:
    judged = comparisons("abcdefghij", *((a, b, 2) for a, b in zip("abcdefghi", "bcdefghij", strict=True)))
    with pytest.raises(JudgmentError, match="and 26 more pairs"):
        anp.priorities(judged)


@settings(max_examples=60)
@given(st.lists(st.floats(0.05, 20.0), min_size=2, max_size=8), st.integers(0, 1000))
def test_consistent_judgments_have_one_answer(scale: list[float], seed: int) -> None:
    """Whatever pairs are missing: CR 0 under all methods, and the scale itself comes back."""
    size = len(scale)
    generator = np.random.default_rng(seed)
    pairs = [(i, j) for i, j in combinations(range(size), 2) if j == i + 1 or generator.random() < 0.5]
    judged = anp.Comparisons(
        elements=tuple(f"e{k}" for k in range(size)),
        judgments=said(*((f"e{i}", f"e{j}", scale[i] / scale[j]) for i, j in pairs)),
    )
    for method in INCOMPLETE if judged.missing else METHODS:
        result = anp.priorities(judged, **chosen(method=method))
        np.testing.assert_allclose(result.weights, np.array(scale) / sum(scale), rtol=1e-11)
        assert result.consistency_ratio == pytest.approx(0.0, abs=1e-11)
        assert result.geometric_consistency_index == pytest.approx(0.0, abs=1e-25)


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 7), st.sampled_from(METHODS))
def test_permuting_elements_permutes_the_answer(seed: int, size: int, method: str) -> None:
    generator = np.random.default_rng(seed)
    matrix = np.exp(generator.normal(size=(size, size)))
    matrix = np.triu(matrix, 1) + np.tril(1 / np.maximum(matrix.T, 1e-9), -1) + np.eye(size)
    if method != "eigenvector":
        gone = np.triu(generator.random((size, size)) < 0.4, 2)
        matrix[gone | gone.T] = NAN
    order = generator.permutation(size)
    straight = anp.priorities(matrix, **chosen(method=method))
    permuted = anp.priorities(matrix[np.ix_(order, order)], **chosen(method=method))
    np.testing.assert_allclose(permuted.weights, straight.weights[order], rtol=1e-11)
    assert permuted.lambda_max == pytest.approx(straight.lambda_max, rel=1e-13)
    assert permuted.geometric_consistency_index == pytest.approx(straight.geometric_consistency_index, abs=1e-12)


def test_the_three_eigenvectors_are_one_on_complete_judgments() -> None:
    judged = panel(**PANEL_WEIGHTS)
    results = [anp.priorities(judged, **chosen(method=name)) for name in ("eigenvector", "harker", "lambda_min")]
    for result in results[1:]:
        np.testing.assert_array_equal(result.weights, results[0].weights)
        assert result.lambda_max == results[0].lambda_max
        assert result.adjusted_consistency_ratio == result.consistency_ratio


def test_a_tree_cannot_contradict_itself() -> None:
    judged = comparisons("abcd", ("a", "b", 2), ("b", "c", 3), ("b", "d", 5))
    for method in INCOMPLETE:
        result = anp.priorities(judged, **chosen(method=method))
        assert result.lambda_max == pytest.approx(4.0, rel=1e-14)
        assert result.adjusted_consistency_ratio == 0.0
        assert result.geometric_consistency_index == 0.0
        assert result.missing == (("a", "c"), ("a", "d"), ("c", "d"))
        np.testing.assert_allclose(result.weights, np.array([30, 15, 5, 3]) / 53, rtol=1e-13)


def test_geometric_consistency_index() -> None:
    """Known answer p03: .529157448359038 for Saaty's house (Aguaron & Moreno-Jimenez 2003)."""
    case = known("p03_house_criteria_8x8")
    result = anp.priorities(case["input"]["matrix"])
    assert result.geometric_consistency_index == pytest.approx(case["expected"]["gci"], rel=1e-12)


@pytest.mark.parametrize("method", INCOMPLETE)
def test_weights_beyond_doubles_are_refused(method: str) -> None:
    judged = comparisons("abcd", ("a", "b", 1e200), ("b", "c", 1e200), ("c", "d", 1e200))
    with pytest.raises(DomainError, match="ratios"):
        anp.priorities(judged, **chosen(method=method))


def test_the_table_says_what_is_missing() -> None:
    assert "CR 0.035 (alonso_lamata), 1 pair missing" in anp.priorities(BOZOKI, method="lambda_min")._repr_html_()
    path = comparisons("abcd", ("a", "b", 2), ("b", "c", 3), ("b", "d", 5))
    assert "3 pairs missing" in anp.priorities(path, method="harker")._repr_html_()
    assert "missing" not in anp.priorities([[1.0, 2.0], [0.5, 1.0]])._repr_html_()


# Several experts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("experts", "key"), [({}, "equal"), (PANEL_WEIGHTS, "weighted_.5_.3_.2")])
def test_experts_known_answers(experts: dict[str, float], key: str) -> None:
    """Known answer g01; for three elements the eigenvector is the geometric mean, so all geometric ways agree."""
    expected = known("g01_group_aij_aip_3x3")["expected"][key]
    judged = panel(**experts)
    aij = anp.priorities(judged)
    np.testing.assert_allclose(aij.weights, expected["aij_eigenvector"], rtol=1e-12)
    assert aij.lambda_max == pytest.approx(expected["aij_lambda_max"], rel=1e-12)
    for aggregation, name in (("aip_arithmetic", "aip_arithmetic"), ("aip_geometric", "aip_geometric_normalised")):
        result = anp.priorities(judged, **chosen(aggregation=aggregation))
        np.testing.assert_allclose(result.weights, expected[name], rtol=1e-12)
        assert result.lambda_max == aij.lambda_max
    squares = chosen(method="logarithmic_least_squares")
    for aggregation in ("aij", "aip_geometric", "pooled"):
        result = anp.priorities(judged, **squares, **chosen(aggregation=aggregation))
        np.testing.assert_allclose(result.weights, expected["llsm_aij"], rtol=1e-12)


HALF: tuple[tuple[Any, ...], ...] = (
    ("a", "b", 2, "u"),
    ("b", "c", 3, "u"),
    ("a", "c", 2, "v"),
    ("b", "c", 1, "v"),
    ("c", "d", 4, "v"),
)
HALF += (("a", "d", 9, "u"), ("d", "b", 1 / 2, "v"))


def test_pooled_minimises_all_squares() -> None:
    """Second route: every statement is a row of a least-squares problem, weighted by its expert."""
    weights = {"u": 0.3, "v": 0.7}
    judged = comparisons("abcd", *HALF, **weights)
    result = anp.priorities(judged, method="logarithmic_least_squares", aggregation="pooled")
    design, target = np.zeros((len(HALF) + 1, 4)), np.zeros(len(HALF) + 1)
    for row, (a, b, ratio, by) in enumerate(HALF):
        factor = math.sqrt(weights[by])
        design[row, "abcd".index(a)], design[row, "abcd".index(b)] = factor, -factor
        target[row] = factor * math.log(ratio)
    design[-1] = 1.0
    expected = np.exp(np.linalg.lstsq(design, target)[0])
    np.testing.assert_allclose(result.weights, expected / expected.sum(), rtol=1e-12)
    assert (
        np.abs(result.weights - anp.priorities(judged, method="logarithmic_least_squares").weights).max() > 0.005
    )


@pytest.mark.parametrize("method", INCOMPLETE)
def test_aggregated_priorities_of_incomplete_experts(method: str) -> None:
    judged = comparisons("abcd", *HALF, u=0.3, v=0.7)
    own = [anp.priorities(judged.by_expert(name), **chosen(method=method)).weights for name in "uv"]
    arithmetic = anp.priorities(judged, **chosen(method=method, aggregation="aip_arithmetic"))
    np.testing.assert_allclose(arithmetic.weights, 0.3 * own[0] + 0.7 * own[1], rtol=1e-13)
    geometric = anp.priorities(judged, **chosen(method=method, aggregation="aip_geometric"))
    expected = own[0] ** 0.3 * own[1] ** 0.7
    np.testing.assert_allclose(geometric.weights, expected / expected.sum(), rtol=1e-13)


def test_aggregated_priorities_need_each_expert_whole() -> None:
    judged = comparisons("abc", ("a", "b", 2, "u"), ("b", "c", 2, "u"), ("a", "c", 3, "u"), ("a", "c", 5, "v"))
    assert anp.priorities(judged).weights.sum() == pytest.approx(1.0)
    with pytest.raises(JudgmentError, match=r"of the expert 'v' do not connect.*\['a', 'c'\] with \['b'\]"):
        anp.priorities(judged, aggregation="aip_geometric")
    path = comparisons(
        "abc",
        *(("a", "b", 2, "u"), ("b", "c", 2, "u"), ("a", "c", 3, "u")),
        ("a", "b", 5, "v"),
        ("b", "c", 1, "v"),
    )
    with pytest.raises(JudgmentError, match="no judgment of the expert 'v' compares 'a' with 'c'"):
        anp.priorities(path, aggregation="aip_arithmetic")
    without = path.model_copy(update={"experts": {"u": 1.0, "v": 0.0}})
    alone = anp.priorities(path.by_expert("u")).weights
    np.testing.assert_allclose(anp.priorities(without, aggregation="aip_arithmetic").weights, alone, rtol=1e-14)


def test_pooled_goes_with_least_squares_only() -> None:
    for method in ("eigenvector", "harker", "lambda_min"):
        with pytest.raises(DomainError, match=r"'pooled' minimises squares.*'logarithmic_least_squares' only"):
            anp.priorities(panel(), **chosen(method=method, aggregation="pooled"))
    with pytest.raises(DomainError, match="aggregation is 'mean'; allowed: 'aij'"):
        anp.priorities(panel(), **chosen(aggregation="mean"))


def test_one_expert_gives_the_same_under_every_aggregation() -> None:
    judged = panel().by_expert("u1")
    results = [
        anp.priorities(judged, method="logarithmic_least_squares", **chosen(aggregation=name)).weights
        for name in ("aij", "aip_geometric", "aip_arithmetic", "pooled")
    ]
    np.testing.assert_allclose(results, [results[0]] * 4, rtol=1e-14)


def test_experts_may_differ_by_any_factor() -> None:
    """Ratios of 1e305 in both directions: the geometric mean is 1, which logarithms reach without overflow."""
    judged = comparisons("ab", ("a", "b", 1e305, "u"), ("a", "b", 1e-305, "v"))
    assert judged.matrix[0, 1] == pytest.approx(1.0, rel=1e-12)
    for aggregation in ("aij", "aip_geometric", "aip_arithmetic"):
        weights = anp.priorities(judged, **chosen(aggregation=aggregation)).weights
        np.testing.assert_allclose(weights, 0.5, rtol=1e-12)


# What the experts agree on ------------------------------------------------------------------------------------


def test_agreement_by_hand() -> None:
    judged = panel(**PANEL_WEIGHTS)
    result = anp.priorities(judged)
    found = result.agreement()
    assert found.experts == ("u0", "u1", "u2")
    np.testing.assert_allclose(found.expert_weights, [0.5, 0.3, 0.2], rtol=1e-15)
    for place, (name, upper) in enumerate(PANEL.items()):
        a, b, c = upper
        own = [[1, a, b], [1 / a, 1, c], [1 / b, 1 / c, 1]]
        weights = principal(own)
        np.testing.assert_allclose(found.weights[place], weights, rtol=1e-12)
        root = np.linalg.eigvals(own).real.max()
        assert found.lambda_max[place] == pytest.approx(root, rel=1e-13)
        assert found.consistency_ratio[place] == pytest.approx((root - 3) / 2 / 0.5245, abs=1e-12)
        ratios = np.outer(weights, 1 / weights) * np.outer(1 / result.weights, result.weights)
        assert found.compatibility[place] == pytest.approx(ratios.mean(), rel=1e-12), name
        assert found.largest_difference[place] == pytest.approx(np.abs(weights - result.weights).max(), rel=1e-11)
        squares = math.log(a * c / b) ** 2 / 3  # three errors of a third of the circle each
        assert found.geometric_consistency_index[place] == pytest.approx(squares, rel=1e-11)
    assert list(found.to_frame()["expert"]) == ["u0", "u1", "u2"]
    assert found.to_frame().shape == (3, 14)


def test_disputes_by_hand() -> None:
    """Logarithms of 2, 1/3, 5 by .5, .3, .2: mean and standard deviation by hand."""
    found = anp.priorities(panel(**PANEL_WEIGHTS)).agreement()
    first = found.disputes[0]
    logarithms, weights = np.log([2, 1 / 3, 5]), np.array([0.5, 0.3, 0.2])
    mean = weights @ logarithms
    spread = math.exp(math.sqrt(weights @ (logarithms - mean) ** 2))
    assert first[:2] == ("a", "b")
    assert first[2:] == pytest.approx((math.exp(mean), spread, 1 / 3, "u1", 5.0, "u2"))
    assert [entry[3] for entry in found.disputes] == sorted((entry[3] for entry in found.disputes), reverse=True)
    assert found.dispute_frame().shape == (3, 8)


def test_an_expert_whose_judgments_fall_apart() -> None:
    judged = comparisons("abc", ("a", "b", 2, "u"), ("b", "c", 2, "u"), ("a", "c", 3, "u"), ("a", "c", 5, "<v>"))
    found = anp.priorities(judged).agreement()
    assert found.connected.tolist() == [True, False]
    assert found.missing.tolist() == [0, 2]
    assert np.isnan(found.weights[1]).all()
    assert np.isnan(found.consistency_ratio[1])
    assert "&lt;v&gt;" in found._repr_html_()
    path = comparisons("abc", *(("a", "b", 2, "u"), ("b", "c", 2, "u"), ("a", "c", 3, "v"), ("b", "c", 1, "v")))
    by_harker = anp.priorities(path).agreement()
    np.testing.assert_allclose(by_harker.weights[0], np.array([4, 2, 1]) / 7, rtol=1e-13)
    assert by_harker.missing.tolist() == [1, 1]


def test_experts_beyond_doubles_are_infinitely_apart() -> None:
    judged = comparisons(
        "abc", *(("a", "b", 1e300, "u"), ("b", "c", 1, "u")), *(("b", "a", 1e300, "v"), ("b", "c", 1, "v"))
    )
    found = anp.priorities(judged, method="harker").agreement()
    assert np.isinf(found.compatibility).tolist() == [False, False]
    assert (found.compatibility > 1e299).all()
    alone = comparisons(
        "abc",
        *(("a", "b", 1e300, "u"), ("b", "c", 1, "u")),
        *(("b", "a", 1e300, "v"), ("b", "c", 1, "v")),
        u=1.0,
        v=0.0,
    )
    assert np.isinf(anp.priorities(alone, method="harker").agreement().compatibility).tolist() == [False, True]


def test_a_circle_of_the_largest_ratios() -> None:
    """a : b = b : c = c : a = x has lambda_max = 1 + x + 1 / x, up to the end of the doubles."""
    judged = comparisons("abc", ("a", "b", 1e308), ("b", "c", 1e308), ("c", "a", 1e308))
    assert anp.priorities(judged).lambda_max == pytest.approx(1e308, rel=1e-14)
    assert anp.priorities_batch(judged.matrix[None]).lambda_max[0] == pytest.approx(1e308, rel=1e-14)


def test_pooled_weights_too_far_apart_are_refused() -> None:
    """A tree has one answer whatever the weights, here 15 : 5 : 1 : 1/2; the lightest link must not be lost."""
    rows = [("a", "b", 3, "u"), ("b", "c", 5, "v"), ("c", "d", 2, "u")]
    choice = chosen(method="logarithmic_least_squares", aggregation="pooled")
    light = comparisons("abcd", *rows, u=1 - 1e-5, v=1e-5)
    np.testing.assert_allclose(anp.priorities(light, **choice).weights, np.array([30, 10, 2, 1]) / 43, rtol=1e-9)
    lost = comparisons("abcd", *rows, u=1 - 1e-12, v=1e-12)
    with pytest.raises(DomainError, match="weights of the experts differ by more than 1e\\+06 times"):
        anp.priorities(lost, **choice)


def test_derivatives_of_wild_contradictions_are_refused() -> None:
    """Two circles with ratios of 1e17 and ratios of 1 between them: the chain falls apart in rounding."""
    rows: list[Any] = []
    for circle in ("abc", "def"):
        rows += [(circle[0], circle[1], 1e17), (circle[1], circle[2], 1e17), (circle[2], circle[0], 1e17)]
    rows += [(a, b, 8 if (a, b) == ("a", "d") else 1) for a in "abc" for b in "def"]
    judged = comparisons("abcdef", *rows)
    try:
        found = anp.priorities(judged).gradient()
    except DomainError as error:
        assert "Check the largest and smallest ratios" in str(error)  # noqa: PT017 - either answer is right
    else:
        assert np.isfinite(found.weights).all()
