"""Explanations: parts against exact fractions, cases and changes against brute force, and what is disclosed."""

from __future__ import annotations

import dataclasses
import html
import itertools
import math
import pickle
from collections import Counter
from fractions import Fraction
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from custvalue import cbr, grey
from custvalue._case_based import counterfactual
from custvalue._case_based.explaining import explain_queries
from custvalue._case_based.retrieval import Retrieval

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from custvalue._typing import FloatArray, IntArray

HIERARCHY = grey.Hierarchy.from_weights(
    {"recency": 0.25, "monetary": 0.75}, {"recency": {"a": 1.0}, "monetary": {"b": 0.25, "c": 0.75}}
)
WEIGHTS = np.array([0.25, 0.1875, 0.5625])
NAMES = ["a", "b", "c"]
NINE = grey.Hierarchy.from_weights(
    {"r": 0.5, "f": 0.3, "m": 0.2},
    {
        "r": {"r1": 0.4, "r2": 0.3, "r3": 0.2, "r4": 0.1},
        "f": {"f1": 0.6, "f2": 0.3, "f3": 0.1},
        "m": {"m1": 0.7, "m2": 0.3},
    },
)
LEVELS = st.sampled_from([0.0, 0.125, 0.25, 0.5, 0.75, 1.0])


def noise(n: int, seed: int, p: int = 3) -> FloatArray:
    return np.random.default_rng(seed).random((n, p))


def cyclic(n: int, n_classes: int) -> IntArray:
    return np.arange(n, dtype=np.int64) % n_classes


def explained(retrieval: Retrieval, queries: Any, **given_: Any) -> cbr.Explanations:
    """Explain with case names C1, C2, ..., letters for classes, and every case one customer."""
    queries = np.asarray(queries, dtype=np.float64)
    m, p = retrieval.cases.shape
    defaults: dict[str, Any] = {
        "classes": np.array(list("xyzuvw"))[: retrieval.n_classes],
        "case_ids": [f"C{place}" for place in range(1, m + 1)],
        "members": np.ones(m, dtype=np.int64),
        "labels": list(range(len(queries))),
        "lower": np.full(p, -np.inf),
        "upper": np.full(p, np.inf),
    }
    return explain_queries(retrieval, queries, **(defaults | given_))


def three(n: int = 12, n_classes: int = 3, seed: int = 3, **settings_: Any) -> Retrieval:
    return Retrieval(HIERARCHY, noise(n, seed), cyclic(n, n_classes), n_classes, **settings_)


def nine(m: int = 30, n_classes: int = 4, seed: int = 5, **settings_: Any) -> Retrieval:
    return Retrieval(NINE, noise(m, seed, 9), cyclic(m, n_classes), n_classes, **settings_)


def in_order(parts: FloatArray) -> float:
    """Add plain Python floats from the first indicator to the last."""
    total = 0.0
    for part in parts.tolist():
        total += part
    return total


# Parts of the similarity --------------------------------------------------------------------------------------


def exact_parts(query: Sequence[float], cases: FloatArray) -> list[list[Fraction]]:
    """Second route: weight times coefficient by the formula in exact fractions, group by group."""
    weights = [Fraction(1, 4), Fraction(3, 16), Fraction(9, 16)]
    table = [[abs(Fraction(q) - Fraction(v)) for q, v in zip(query, row, strict=True)] for row in cases.tolist()]
    result = [[Fraction(0)] * 3 for _ in table]
    for columns in ([0], [1, 2]):
        every = [row[j] for row in table for j in columns]
        low, high = min(every), max(every) / 2
        for parts, row in zip(result, table, strict=True):
            for j in columns:
                parts[j] = weights[j] * ((low + high) / (row[j] + high) if high else 1)
    return result


@given(arrays(np.float64, (5, 3), elements=LEVELS), arrays(np.float64, 3, elements=LEVELS))
@settings(max_examples=50)
def test_parts_are_those_of_exact_fractions(cases: FloatArray, query: FloatArray) -> None:
    retrieval = Retrieval(HIERARCHY, cases, cyclic(5, 2), 2)
    one = explained(retrieval, [query], counterfactuals=False)[0]
    parts = exact_parts(query.tolist(), cases)
    case, rival = (parts[int(str(name)[1:]) - 1] for name in (one.case, one.rival_case))
    np.testing.assert_allclose(one.contributions, [float(part) for part in case], rtol=1e-15)
    np.testing.assert_allclose(one.rival_contributions, [float(part) for part in rival], rtol=1e-15)
    assert one.similarity == pytest.approx(float(sum(case)), rel=0, abs=1e-15)
    assert one.margin == pytest.approx(float(sum(case) - sum(rival)), rel=0, abs=1e-15)
    differences = [float(a - b) for a, b in zip(case, rival, strict=True)]
    np.testing.assert_allclose(one.differences, differences, rtol=0, atol=2e-16)
    np.testing.assert_allclose(one.coefficients * one.weights, one.contributions, rtol=1e-15)
    np.testing.assert_allclose(one.rival_coefficients * one.weights, one.rival_contributions, rtol=1e-15)


def frozen(retrieval: Retrieval) -> Retrieval:
    return retrieval.replaced(ranges=grey.FrozenRanges.from_cases(retrieval.cases, retrieval.hierarchy))


@pytest.mark.parametrize(
    "retrieval", [nine(), nine(k=7), frozen(nine()), nine(missing="skip")], ids=["one", "vote", "frozen", "skip"]
)
def test_sums_are_bitwise_the_similarity(retrieval: Retrieval) -> None:
    queries = noise(60, 6, 9)
    if retrieval.missing == "skip":
        queries[np.random.default_rng(1).random(queries.shape) < 0.2] = np.nan
        queries[:, 0] = 0.5
    best = retrieval.nearest(queries, k=1).similarity[:, 0]
    for row, one in enumerate(explained(retrieval, queries, counterfactuals=False)):
        assert in_order(one.contributions) == one.similarity
        assert in_order(one.rival_contributions) == one.rival_similarity
        assert max(one.similarity, one.rival_similarity) == best[row]
        assert one.margin == one.similarity - one.rival_similarity
        assert math.fsum(one.differences) == pytest.approx(one.margin, rel=0, abs=1e-15)
        np.testing.assert_array_equal(one.differences, one.contributions - one.rival_contributions)


@given(arrays(np.float64, (9, 3), elements=LEVELS), arrays(np.float64, (6, 3), elements=LEVELS), st.integers(1, 4))
@settings(max_examples=50)
def test_cases_are_those_of_brute_force(cases: FloatArray, queries: FloatArray, k: int) -> None:
    """The whole matrix, its first largest entry of the class, and its first largest of all other classes."""
    codes = np.array([0, 0, 1, 2, 1, 2, 0, 2, 1])
    retrieval = Retrieval(HIERARCHY, cases, codes, 4, k=k)
    alike = grey.similarity(queries, cases, HIERARCHY)
    for row, one in zip(alike, explained(retrieval, queries, counterfactuals=False), strict=True):
        order = np.argsort(-row, kind="stable")[:k]
        votes = Counter("xyz"[code] for code in codes[order])
        assert votes[one.predicted] == max(votes.values())
        own = "xyzu".index(one.predicted)
        mine, others = (np.where(mask, row, -np.inf) for mask in (codes == own, codes != own))
        assert (one.case, one.similarity) == (f"C{mine.argmax() + 1}", mine.max())
        assert (one.rival_case, one.rival_similarity) == (f"C{others.argmax() + 1}", others.max())
        assert one.rival == "xyz"[codes[others.argmax()]]
        for name, code in zip("xyz", range(3), strict=True):
            assert one.class_similarity[name] == row[codes == code].max()
        assert np.isnan(one.class_similarity["u"])
        if k == 1:
            assert one.votes is None
        else:
            assert one.votes == {name: votes[name] / k for name in "xyzu"}


def test_groups_have_subtotals() -> None:
    one = explained(nine(), noise(1, 7, 9))[0]
    found = one.group_table.set_index("group")
    assert found.index.tolist() == ["r", "f", "m"]
    np.testing.assert_allclose(found["weight"], [0.5, 0.3, 0.2], rtol=1e-15)
    for name, columns in (("r", slice(0, 4)), ("f", slice(4, 7)), ("m", slice(7, 9))):
        assert found["contribution"][name] == pytest.approx(math.fsum(one.contributions[columns]), rel=1e-15)
        assert found["difference"][name] == pytest.approx(math.fsum(one.differences[columns]), rel=0, abs=1e-16)
    assert found["rival_contribution"].sum() == pytest.approx(one.rival_similarity, rel=1e-15)


def test_the_floor_is_that_of_the_source_reading() -> None:
    """rho / (1 + rho): 1/3 for 1/2. Frozen ranges have none, since a far customer is beyond them."""
    assert explained(three(), noise(1, 4))[0].similarity_floor == 0.5 / 1.5
    assert explained(frozen(three()), noise(1, 4))[0].similarity_floor is None


# Missing values -----------------------------------------------------------------------------------------------


def test_what_is_missing_is_left_out_and_said() -> None:
    retrieval = three(missing="skip")
    queries = noise(2, 4)
    queries[0, 1] = np.nan
    one, whole = explained(retrieval, queries)
    left = grey.Hierarchy.from_weights({"r": 0.25, "m": 0.75}, {"r": {"a": 1.0}, "m": {"c": 1.0}})
    alike = grey.similarity(queries[:1][:, [0, 2]], retrieval.cases[:, [0, 2]], left)[0]
    assert one.case == f"C{alike.argmax() + 1}"
    assert one.similarity == pytest.approx(alike.max(), rel=1e-15)
    np.testing.assert_array_equal(one.weights, [0.25, 0.0, 0.75])
    for parts in (one.coefficients, one.contributions, one.rival_coefficients, one.rival_contributions):
        assert parts[1] == 0.0
    assert one.table["used"].tolist() == [True, False, True]
    assert np.isnan(one.table["value"][1])
    assert one.skipped.tolist() == [False, True, False]
    assert "Left out for want of a value, the weights of the others raised instead: b." in one.in_words()
    assert ">left out<" in one._repr_html_()
    assert one.counterfactual is not None
    assert "b" not in one.counterfactual.indicators
    assert not whole.skipped.any()
    assert "Left out" not in whole.in_words()
    np.testing.assert_array_equal(whole.weights, WEIGHTS)


# The smallest change ------------------------------------------------------------------------------------------


def smallest_change(retrieval: Retrieval, query: FloatArray) -> tuple[Any, ...] | None:
    """Second route: every subset of every target's indicators is decided; all numbers are exact."""
    code = int(retrieval.decide(query[None])[0])
    nearest = retrieval.by_class(query[None]).index[0]
    found = []
    for other, case in enumerate(nearest.tolist()):
        if other == code or case < 0:
            continue
        subsets = np.array(list(itertools.product([False, True], repeat=len(query))))
        decided = retrieval.decide(np.where(subsets, retrieval.cases[case], query))
        for subset, new in zip(subsets, decided.tolist(), strict=True):
            columns = np.flatnonzero(subset & (query != retrieval.cases[case])).tolist()
            if new != code:
                change = sum(WEIGHTS[j] * abs(query[j] - retrieval.cases[case, j]) for j in columns)
                found.append((len(columns), change, columns, other, case, new))
    return min(found) if found else None


@given(
    arrays(np.float64, (7, 3), elements=LEVELS),
    arrays(np.float64, (4, 3), elements=LEVELS),
    st.sampled_from([1, 3]),
    st.booleans(),
)
@settings(max_examples=40)
def test_the_smallest_change_is_that_of_brute_force(
    cases: FloatArray,
    queries: FloatArray,
    k: int,
    fixed: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    retrieval = Retrieval(HIERARCHY, cases, cyclic(7, 3), 3, k=k)
    retrieval = frozen(retrieval) if fixed else retrieval
    for query, one in zip(queries, explained(retrieval, queries, disclose_cases=True), strict=True):
        expected, found = smallest_change(retrieval, query), one.counterfactual
        assert found is not None
        assert found.complete
        assert found.predicted == one.predicted
        if expected is None:
            assert (found.found, found.case, found.new_class, found.size) == (False, None, None, 0)
            continue
        size, change, columns, _, case, new = expected
        assert found.found
        assert (found.size, found.change, found.searched) == (size, change, size)
        assert found.indicators == tuple(NAMES[j] for j in columns)
        assert (found.case, found.new_class) == (f"C{case + 1}", "xyz"[new])
        np.testing.assert_array_equal(found.start, query[columns])
        np.testing.assert_array_equal(found.target, cases[case, columns])
        rises = cases[case, columns] > query[columns]
        assert found.directions == tuple("up" if up else "down" for up in rises)


def test_batches_of_trials_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Customers ever farther from their case, so that one, two and three indicators flip them."""
    cases = np.linspace(0.2, 0.8, 4)[cyclic(20, 4)][:, None] + 0.1 * noise(20, 11, 9)
    queries = cases[:12] + np.linspace(0.0, 0.5, 12)[:, None] * (noise(12, 10, 9) - 0.5)
    retrieval = Retrieval(NINE, cases, cyclic(20, 4), 4)
    expected = [one.counterfactual for one in explained(retrieval, queries, disclose_cases=True)]
    singly = [explained(retrieval, queries[i : i + 1], disclose_cases=True)[0].counterfactual for i in range(12)]
    assert {one.size for one in expected if one is not None} >= {1, 2, 3}
    monkeypatch.setattr(counterfactual, "_CELLS", 9 * 5)
    small = [one.counterfactual for one in explained(retrieval, queries, disclose_cases=True)]
    for one, two, three_ in zip(expected, singly, small, strict=True):
        assert repr(dataclasses.astuple(one)) == repr(dataclasses.astuple(two))  # type: ignore[arg-type]  # found
        assert repr(dataclasses.astuple(one)) == repr(dataclasses.astuple(three_))  # type: ignore[arg-type]  # meant wrong


def test_equal_cases_of_two_classes_allow_no_change() -> None:
    """The first of the equal cases always wins, so no value of the other class's case gives that class."""
    retrieval = Retrieval(HIERARCHY, np.full((2, 3), 0.5), cyclic(2, 2), 2)
    one = explained(retrieval, [[0.25, 0.5, 1.0]])[0]
    found = one.counterfactual
    assert found is not None
    assert (one.predicted, found.found, found.complete, found.searched) == ("x", False, True, 2)
    assert "No change gives another class, not even all values of the nearest case of another" in one.in_words()
    assert found.to_frame().empty
    assert "No change of class x was found" in found._repr_html_()


def test_one_class_allows_no_change() -> None:
    one = explained(three(n_classes=1), noise(1, 4))[0]
    assert one.counterfactual is not None
    assert (one.counterfactual.found, one.counterfactual.complete, one.counterfactual.searched) == (False, True, 0)
    assert "With one class only, no change gives another." in one.in_words()


def test_a_search_that_was_cut_short_says_so() -> None:
    """Two other classes and three indicators have 6 sets of one, 6 of two, 2 of three; equal cases allow none."""
    retrieval = Retrieval(HIERARCHY, np.full((3, 3), 0.5), cyclic(3, 3), 3)
    queries = [[0.25, 0.25, 0.25]]
    for most, searched in ((5, 0), (6, 1), (11, 1), (12, 2), (13, 2), (14, 3)):
        found = explained(retrieval, queries, most_sets=most)[0].counterfactual
        assert found is not None
        assert (found.found, found.searched, found.complete) == (False, searched, searched == 3), most
    words = explained(retrieval, queries, most_sets=12)[0].in_words()
    assert "No change of up to 2 indicators gives another class; more were not tried." in words


def test_no_search_when_not_asked_for() -> None:
    one = explained(three(), noise(1, 4), counterfactuals=False)[0]
    assert one.counterfactual is None
    assert "It would be" not in one.in_words()
    assert "What would change it" not in one._repr_html_()


# Disclosure ---------------------------------------------------------------------------------------------------


def test_a_case_of_five_customers_is_shown() -> None:
    retrieval = three()
    for size, seen in ((5, True), (4, False)):
        for one in explained(retrieval, noise(4, 4), members=np.where(cyclic(12, 12) < 12, size, 0)):
            assert (one.case_values is not None) is seen
            assert ("case_value" in one.table) is seen
            assert one.counterfactual is not None
            assert (one.counterfactual.target is not None) is seen
            assert ("to" in one.counterfactual.to_frame()) is seen
            if seen:
                case = retrieval.cases[int(one.case[1:]) - 1]
                np.testing.assert_array_equal(one.table["case_value"], case)
                assert one.class_mean is None
                assert "not shown" not in one.in_words()


def test_in_place_of_a_hidden_case_stands_the_mean_of_its_class() -> None:
    """Members 4, 4, 1, 1 a class: the mean of the ten customers, each case counted by its members."""
    retrieval = three()
    members = np.array([4, 4, 4, 4, 4, 4, 1, 1, 1, 1, 1, 1])
    for one in explained(retrieval, noise(5, 4), members=members):
        for name, mean in ((one.predicted, one.class_mean), (one.rival, one.rival_class_mean)):
            own = np.flatnonzero(cyclic(12, 3) == "xyz".index(name))
            expected = [
                sum(Fraction(v) * int(w) for v, w in zip(retrieval.cases[own, j], members[own], strict=True)) / 10
                for j in range(3)
            ]
            assert mean is not None
            np.testing.assert_allclose(mean, np.array(expected, dtype=np.float64), rtol=1e-15)
        assert one.case_values is None
        assert {"class_mean", "rival_class_mean"} < set(one.table)
        assert not {"case_value", "rival_value"} & set(one.table)
        assert (
            "fewer than 5 customers: the figures are not shown; the means of their classes are" in one.in_words()
        )


def test_a_mean_that_would_give_a_customer_away_is_not_shown() -> None:
    """A prototype of twenty is shown by itself, so a mean with one more customer would reveal that customer."""
    cases = np.array([[0.5, 0.5, 0.5], [0.125, 0.25, 0.375], [0.9, 0.9, 0.9]])
    retrieval = Retrieval(HIERARCHY, cases, np.array([0, 0, 1]), 2)
    for members, mean_shown in (([20, 1, 5], False), ([4, 1, 5], True), ([4, 0, 5], False)):
        one = explained(retrieval, [[0.125, 0.25, 0.375]], members=np.array(members))[0]
        assert (one.case, one.rival_case) == ("C2", "C3")
        assert one.case_values is None
        assert (one.class_mean is not None) is mean_shown
        np.testing.assert_array_equal(one.rival_values, cases[2])
        if not mean_shown:
            said = (
                "C2 rests on fewer than 5 customers: the figures are not shown, and the mean of its class is not"
            )
            assert said in one.in_words()
            assert "0.375" not in one.table.drop(columns="value").to_csv()


def test_no_hidden_figure_is_anywhere() -> None:
    retrieval = three()
    found = explained(retrieval, noise(6, 4), p_values=noise(6, 5))
    everything = found.to_frame().to_csv() + repr(found)
    for one in found:
        assert one.counterfactual is not None
        assert one.counterfactual.change is None
        everything += one.in_words() + one._repr_html_() + one.counterfactual.to_frame().to_csv()
        everything += repr(dataclasses.asdict(one))
    for cell in retrieval.cases.ravel().tolist():
        assert repr(cell) not in everything
        assert f"{cell:.6f}" not in everything


def test_cases_are_disclosed_on_request() -> None:
    retrieval = three()
    for one in explained(retrieval, noise(3, 4), disclose_cases=True):
        place, rival = (int(str(name)[1:]) - 1 for name in (one.case, one.rival_case))
        np.testing.assert_array_equal(one.table["case_value"], retrieval.cases[place])
        np.testing.assert_array_equal(one.table["rival_value"], retrieval.cases[rival])
        assert one.class_mean is None
        assert one.counterfactual is not None
        assert one.counterfactual.target is not None
        assert "not shown" not in one.in_words()


# Confidence ---------------------------------------------------------------------------------------------------


def planted() -> Retrieval:
    return Retrieval(HIERARCHY, np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 0.5], [1.0, 1.0, 1.0]]), cyclic(3, 3), 3)


@pytest.mark.parametrize(
    ("p_values", "confidence", "credibility", "words"),
    [
        ([0.5, 0.125, 0.0625], 0.875, 0.5, "Confidence 88 %: up to that level the prediction set holds no other "),
        ([0.25, 0.75, 0.125], 0.25, 0.25, "Credibility 0.25. By p-value, class y is the more plausible one."),
        ([0.75, 0.75, 0.125], 0.25, 0.75, "no other class; class x itself leaves it no later. Credibility 0.75."),
        ([0.04, 0.02, 0.01], 0.98, 0.04, "Credibility 0.04, which is low: the customer is unlike that class's"),
    ],
)
def test_confidence_is_that_of_conformal_prediction(
    p_values: list[float], confidence: float, credibility: float, words: str
) -> None:
    """The p-value of the class given, and one less the largest of any other class."""
    given = {"p_values": np.array([p_values]), "p_floors": np.full(3, 0.001)}
    one = explained(planted(), [[0.0, 0.0, 0.0]], **given)[0]
    assert (one.confidence, one.credibility) == (confidence, credibility)
    assert one.p_values == dict(zip("xyz", p_values, strict=True))
    assert words in one.in_words()
    assert ("which is low" in one.in_words()) is (credibility <= 0.05)
    assert ("more plausible" in one.in_words()) is (max(p_values) > p_values[0])
    assert one.not_ruled_out == ()


def test_a_thin_class_is_not_called_plausible() -> None:
    """Three calibration customers of class y: its p-value is 1/4 even if nobody of them is as strange."""
    given = {"p_values": np.array([[0.1, 0.25, 0.02]]), "p_floors": np.array([0.01, 0.25, 0.01])}
    one = explained(planted(), [[0.0, 0.0, 0.0]], **given)[0]
    assert (one.more_plausible, one.not_ruled_out, one.confidence) == (None, ("y",), 0.75)
    assert "Too few calibration customers to rule out class y." in one.in_words()
    assert "plausible" not in one.in_words()


def test_a_calibration_that_saw_nobody_like_the_customer_says_nothing() -> None:
    retrieval = planted().replaced(missing="skip")
    given = {"p_values": np.full((1, 3), np.nan), "p_floors": np.full(3, 0.001)}
    one = explained(retrieval, [[0.0, np.nan, 0.0]], **given)[0]
    assert (one.p_values, one.confidence) == (None, None)
    assert "Confidence: none, since the calibration saw no customer with missing indicators." in one.in_words()


def test_without_calibration_there_is_no_confidence() -> None:
    one = explained(planted(), [[0.0, 0.0, 0.0]])[0]
    assert (one.confidence, one.credibility, one.more_plausible, one.p_values) == (None, None, None, None)
    assert "Confidence: not calibrated (a similarity is no probability)." in one.in_words()
    assert "not calibrated" in one._repr_html_()
    assert "%" not in one.in_words()


def test_confidence_among_one_class_tells_nothing() -> None:
    one = explained(three(n_classes=1), noise(1, 4), p_values=np.array([[0.5]]))[0]
    assert (one.confidence, one.credibility) == (1.0, 0.5)
    assert "Confidence: there is one class only, so it tells nothing." in one.in_words()


# In words -----------------------------------------------------------------------------------------------------


def test_an_explanation_in_words_by_hand() -> None:
    """Case C1 at distances 0, 0, 0 and case C2 at 1, 1, 1/2: C2's coefficients are 1/3, 1/3, 1/2.

    Moved to C2 in a, b or c alone the customer stays with C1: 0.833 against 0.594, 0.875 against 0.552, 0.719
    against 0.708. Moved in a and b it is C2: 1/12 + 1/16 + 9/16 = 0.708 against 1/4 + 3/16 + 9/32 = 0.719. So it
    is in a and c and in b and c, but those are weighted changes of 17/32 and 15/32 against 14/32.
    """
    cases = np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 0.5]])
    one = explained(Retrieval(HIERARCHY, cases, cyclic(2, 2), 2), [[0.0] * 3])[0]
    np.testing.assert_allclose(one.rival_contributions, WEIGHTS * [1 / 3, 1 / 3, 1 / 2], rtol=1e-15)
    assert one.in_words() == (
        "Class x: of its cases C1 is the most similar. The nearest case of another class, C2 of class y, is less "
        "similar by 0.573. Closer to C1 in c (by 0.281), a (by 0.167) and b (by 0.125). Confidence: not "
        "calibrated (a similarity is no probability). It would be class y if the scaled values of a (up) and b "
        "(up) went as far as in case C2; fewer changes of this kind are not enough. C1 and C2 rest on fewer than "
        "5 customers: the figures are not shown, and the means of their classes are not shown either, for the "
        "same reason."
    )


def test_what_speaks_against_is_said_the_worst_first() -> None:
    """The nearest case C1 is farther in a, b, c, d and e, where the rival C2 is equal: weight times (1/3 - 1)."""
    weights = {"a": 0.03, "b": 0.06, "c": 0.12, "d": 0.15, "e": 0.09, "f": 0.55}
    hierarchy = grey.Hierarchy.from_weights({"g": 1.0}, {"g": weights})
    retrieval = Retrieval(hierarchy, np.array([[1.0] * 5 + [0.0], [0.0] * 5 + [1.0]]), cyclic(2, 2), 2)
    one = explained(retrieval, [[0.0] * 6], disclose_cases=True)[0]
    assert (one.predicted, one.rival) == ("x", "y")
    assert "Closer to C1 in f (by 0.367). Closer to C2 in d (by 0.100), c (by 0.080) and e (by 0.060)." in (
        one.in_words()
    )
    assert (
        "It would be class y if the scaled value of f went up from 0 to 1, as far as in case C2." in one.in_words()
    )


def test_a_vote_that_overrules_the_nearest_case_is_said() -> None:
    cases = np.array([[0.5, 0.5, 0.5], [0.6, 0.6, 0.6], [0.7, 0.7, 0.7], [0.0, 0.0, 0.0]])
    retrieval = Retrieval(HIERARCHY, cases, np.array([1, 0, 0, 1]), 2, k=3)
    one = explained(retrieval, [[0.5, 0.5, 0.5]])[0]
    assert (one.predicted, one.case, one.rival_case) == ("x", "C2", "C1")
    assert one.margin < 0.0
    assert (
        f"Yet case C1 of class y is more similar by {-one.margin:.3f}, but the vote of the nearest"
        in one.in_words()
    )
    assert "Votes of the nearest cases: class x 67 %, class y 33 %." in one.in_words()
    assert "class x 67 %" in one._repr_html_()


@pytest.mark.parametrize(
    ("k", "rule"), [(1, "the case that stands first decides"), (3, "the vote of the nearest")]
)
def test_a_tie_is_said(k: int, rule: str) -> None:
    cases = np.array([[0.5, 0.5, 0.5], [0.5, 0.5, 0.5], [0.0, 0.0, 0.0]])
    retrieval = Retrieval(HIERARCHY, cases, np.array([0, 1, 0]), 2, k=k)
    one = explained(retrieval, [[0.25, 0.5, 0.75]])[0]
    assert (one.predicted, one.margin) == ("x", 0.0)
    assert f"It is a tie with case C2 of class y, exactly as similar: {rule}" in one.in_words()
    assert "No indicator tells C1 from C2." in one.in_words()
    assert "It is a tie with" in one._repr_html_()


def test_a_model_that_abstains_says_so() -> None:
    sure, unsure = (explained(planted(), [[0.0] * 3], min_margin=margin)[0] for margin in (0.57, 0.58))
    assert 0.57 < sure.margin < 0.58
    assert (sure.abstained, unsure.abstained) == (False, True)
    assert unsure.predicted == sure.predicted == "x"
    assert "The model abstains: it asks for a margin of 0.580 at least." in unsure.in_words()
    assert "abstains" in unsure._repr_html_()
    assert "abstains" not in sure.in_words() + sure._repr_html_()


def test_a_small_difference_is_not_written_as_none() -> None:
    cases = np.array([[0.5, 0.5, 0.5], [0.5, 0.5, 0.5 + 1e-6], [0.0, 0.0, 0.0]])
    one = explained(Retrieval(HIERARCHY, cases, cyclic(3, 3), 3), [[0.5, 0.5, 0.5]])[0]
    assert 0.0 < one.margin < 1e-4
    assert "is less similar by less than 0.001. Closer to C1 in c (by less than 0.001)." in one.in_words()


def test_a_single_class_has_no_rival() -> None:
    one = explained(three(n_classes=1), noise(1, 4), disclose_cases=True)[0]
    assert (one.predicted, one.rival, one.rival_case, one.rival_similarity) == ("x", None, None, 0.0)
    assert one.margin == one.similarity
    assert not one.rival_contributions.any()
    assert not one.rival_coefficients.any()
    assert one.rival_values is None
    assert "rival_value" not in one.table
    words = one.in_words()
    assert words.startswith(f"Class x: of its cases {one.case} is the most similar. There is no case of another")
    assert "Most similar in " in words
    assert "There is no case of another class." in one._repr_html_()
    assert "Margin" not in one._repr_html_()


def test_values_out_of_range_are_flagged() -> None:
    queries = np.array([[0.0, 0.5, 1.0], [0.5, 0.5, 0.5]])
    found = explained(three(), queries, lower=np.array([0.1, 0.5, 0.0]), upper=np.array([1.0, 0.5, 0.9]))
    assert found[0].outside.tolist() == [-1, 0, 1]
    assert found[0].table["outside"].tolist() == ["below", "", "above"]
    said = "Outside the range of the customers behind the cases: a (below) and c (above)."
    assert said in found[0].in_words()
    assert said in found[0]._repr_html_()
    assert not found[1].outside.any()
    assert "Outside" not in found[1].in_words() + found[1]._repr_html_()


# Results ------------------------------------------------------------------------------------------------------


def test_a_table_is_built_anew_and_nothing_can_be_written_to() -> None:
    one = explained(three(), noise(1, 4), unscaled=noise(1, 5), disclose_cases=True)[0]
    before = one.table
    changed = one.table
    changed.loc[:, changed.select_dtypes("number").columns] = 7.0
    pd.testing.assert_frame_equal(one.table, before)
    pd.testing.assert_frame_equal(one.to_frame(), before)
    for name in ("weights", "values", "contributions", "unscaled", "case_values", "outside"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(one, name)[0] = 1
    assert one.counterfactual is not None
    with pytest.raises(ValueError, match="read-only"):
        one.counterfactual.start[0] = 1
    with pytest.raises(TypeError, match="frozen"):
        one.class_similarity["x"] = 1.0  # type: ignore[index]  # refused
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.margin = 1.0  # type: ignore[misc]  # refused


def test_explanations_survive_pickling() -> None:
    found = explained(three(k=3), noise(4, 4), p_values=noise(4, 5), unscaled=noise(4, 6))
    again = pickle.loads(pickle.dumps(found))  # noqa: S301 - our own bytes
    pd.testing.assert_frame_equal(again.to_frame(), found.to_frame())
    assert [one.in_words() for one in again] == [one.in_words() for one in found]
    assert again._repr_html_() == found._repr_html_()


def test_a_frame_of_some_disclosed_cases_has_gaps() -> None:
    """Prototypes beside single customers: what is hidden of one case is NaN beside the figures of another."""
    retrieval = three()
    found = explained(retrieval, retrieval.cases, members=np.repeat([5, 1], 6), counterfactuals=False)
    frame = found.to_frame()
    own = frame["customer"].to_numpy() < 6
    assert frame.loc[own, "case_value"].notna().all()
    assert frame.loc[~own, "case_value"].isna().all()
    np.testing.assert_array_equal(frame.loc[own, "case_value"], retrieval.cases[:6].ravel())
    assert list(frame.columns[:8]) == [
        *("customer", "predicted", "case", "similarity", "margin"),
        *("group", "indicator", "weight"),
    ]
    tables = pd.concat([one.table for one in found], ignore_index=True)
    pd.testing.assert_frame_equal(frame[tables.columns], tables, check_column_type=False)


def test_no_customer_makes_an_empty_frame() -> None:
    found = explained(three(), np.empty((0, 3)))
    assert len(found) == 0
    assert found.to_frame().empty
    assert found._repr_html_() == ""


def test_a_counterfactual_shows_itself() -> None:
    one = explained(three(), noise(1, 4), disclose_cases=True)[0].counterfactual
    assert one is not None
    assert list(one.to_frame().columns) == ["indicator", "direction", "from", "to"]
    assert len(one.to_frame()) == one.size
    assert f"To class {one.new_class}" in one._repr_html_()
    assert repr(one) == f"Counterfactual(new_class={one.new_class}, indicators={one.size})"


# The card -----------------------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """Check that every tag is closed in its place, and collect text, styles and tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.styles: list[str] = []
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        assert {name for name, _ in attrs} <= {"style", "title"}
        self.styles += [value or "" for name, value in attrs if name == "style"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def card_of(one: cbr.Explanation) -> Reader:
    return Reader(one._repr_html_())


def test_bars_are_as_long_as_the_contributions() -> None:
    one = explained(nine(), noise(1, 7, 9), unscaled=1e4 * noise(1, 8, 9))[0]
    widths = [
        float(style.split("width:")[1].split("%")[0]) for style in card_of(one).styles if "height:6px" in style
    ]
    top = one.weights.max()
    parts = np.stack([one.contributions, one.rival_contributions], axis=1) / top
    np.testing.assert_allclose(np.array(widths), 100 * parts.ravel(), atol=0.0051)


def test_a_card_tells_class_cases_parts_and_change() -> None:
    one = explained(nine(), noise(1, 7, 9), p_values=noise(1, 8, 4), unscaled=1e4 * noise(1, 8, 9))[0]
    card = card_of(one)
    text = " ".join(card.texts)
    for part in (
        f"Class {one.predicted}",
        one.case,
        str(one.rival_case),
        "Margin",
        "Credibility",
        *one.indicators,
    ):
        assert part in text
    for number in one.differences:
        assert f"{number:+.3f}".replace("-", "\N{MINUS SIGN}") in text
    for name, value in one.class_similarity.items():
        assert str(name) in card.texts
        assert f"{value:.3f}" in card.texts
    assert "What would change it." in text
    assert "relative to the case base and is no probability" in text
    # A notebook colours tables by itself, and scripts and links have no place in a cell.
    assert card.tags <= {"div", "span", "b", "details", "summary"}


@pytest.mark.parametrize(("p", "n_classes", "unfolds"), [(1, 1, False), (1, 4, False), (30, 14, True)])
def test_cards_of_few_and_of_many(p: int, n_classes: int, unfolds: bool) -> None:  # noqa: FBT001 - a parameter
    names = [f"indicator {j} " + "x" * 60 for j in range(p)]
    hierarchy = grey.Hierarchy.equal({"all": names})
    retrieval = Retrieval(hierarchy, noise(40, 3, p), cyclic(40, n_classes), n_classes)
    one = explained(retrieval, noise(1, 4, p), classes=np.arange(n_classes), counterfactuals=False)[0]
    card = card_of(one)
    text = " ".join(card.texts)
    assert ("details" in card.tags) is unfolds
    assert ("15 more indicators" in text) is unfolds
    assert ("4 more classes, less similar" in text) is unfolds
    assert all(name in text for name in names)


def test_chinese_names_are_kept() -> None:
    names = ["最近存款距今天数", "日均交易额", "日均余额"]
    hierarchy = grey.Hierarchy.equal({"近度": names[:1], "额度": names[1:]})
    retrieval = Retrieval(hierarchy, noise(6, 3), cyclic(6, 2), 2)
    one = explained(retrieval, noise(1, 4), classes=np.array(["低价值客户", "高价值客户"]), labels=["客户甲"])[0]
    text = " ".join(card_of(one).texts)
    for part in (*names, "近度", "额度", "低价值客户", "高价值客户", "Customer 客户甲"):
        assert part in text
    assert str(one.predicted) in one.in_words()


def test_cards_escape_every_text() -> None:
    evil = "<script>alert('&')</script>"
    hierarchy = grey.Hierarchy.equal({evil: [f"{evil}a", f"{evil}b"], "&": ["<c>"]})
    cases = np.array([[0.5, 0.5, 0.5], [0.5, 0.5, 0.5], [0.0, 0.0, 0.0], [0.1, 0.2, 0.3]])
    for k, disclose in ((1, True), (3, False)):
        retrieval = Retrieval(hierarchy, cases, np.array([0, 1, 0, 1]), 2, k=k, missing="skip")
        found = explained(
            retrieval,
            [[0.25, 0.5, 0.75], [np.nan, 0.2, 0.3]],
            classes=np.array([f"{evil}x", f"{evil}y"]),
            case_ids=[f"{evil}{place}" for place in range(4)],
            labels=[f"{evil}1", f"{evil}2"],
            p_values=np.array([[0.01, 0.02], [0.01, 0.02]]),
            lower=np.full(3, 0.3),
            upper=np.full(3, 0.6),
            members=np.full(4, 5 if disclose else 1),
        )
        text = found._repr_html_() + "".join(
            one.counterfactual._repr_html_() for one in found if one.counterfactual
        )
        assert "<script" not in text
        assert "<c>" not in text
        assert html.escape(f"{evil}a") in text
        for one in found:
            Reader(one._repr_html_())


def test_several_customers_show_the_first_cards_only() -> None:
    found = explained(three(), noise(5, 4))
    text = found._repr_html_()
    assert [f"Customer {label}<" in text for label in range(5)] == [True] * 3 + [False] * 2
    assert "2 more: take one by its position" in text
    assert "more: take" not in explained(three(), noise(3, 4))._repr_html_()


# Through the classifier ---------------------------------------------------------------------------------------


def fitted(n: int = 12, seed: int = 3) -> cbr.CaseBasedClassifier:
    return cbr.CaseBasedClassifier(HIERARCHY).fit(noise(n, seed), np.array(["low", "mid", "high"])[cyclic(n, 3)])


def test_a_model_explains_what_it_predicts() -> None:
    model, queries = fitted(), noise(40, 4)
    found = model.explain(queries)
    assert [one.predicted for one in found] == model.predict(queries).tolist()
    alike = grey.similarity(queries, model.cases_, HIERARCHY)
    for row, one in enumerate(found):
        assert one.label == row
        assert one.case == f"C{alike[row].argmax() + 1}"
        np.testing.assert_array_equal(one.table["value"], queries[row])
        assert one.table["indicator"].tolist() == NAMES
        assert one.table["group"].tolist() == ["recency", "monetary", "monetary"]
        np.testing.assert_array_equal(one.table["weight"], WEIGHTS)


def test_explanations_are_a_sequence_and_a_frame() -> None:
    found = fitted().explain(noise(5, 4))
    assert found[-1] is found.items[4]
    assert found[1:3] == found.items[1:3]
    frame = found.to_frame()
    assert frame["customer"].tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3 + [4] * 3
    sums = frame.groupby("customer")["contribution"].sum().to_numpy()
    np.testing.assert_allclose(sums, [one.similarity for one in found], rtol=0, atol=3e-15)
    assert found.provenance.counts == {"customers": 5, "cases": 12}
    assert repr(found) == "Explanations(customers=5, cases=12)"
    assert repr(found[0]).startswith(f"Explanation(predicted={found[0].predicted}, case={found[0].case}, margin=")


def test_unscaled_values_are_shown_and_null_is_never_used() -> None:
    cases = pd.DataFrame(noise(6, 0), columns=["c", "a", "b"])
    model = cbr.CaseBasedClassifier(HIERARCHY).fit(cases, [1, 2, 3, 1, 2, 3])
    customers = pd.DataFrame([[0.25, 0.0, 0.75]], columns=["c", "a", "b"])
    raw = pd.DataFrame({"b": [30.0], "a": [None], "c": [1000]}, dtype="Float64")
    one = model.explain(customers, unscaled=raw)[0]
    values = one.table.set_index("indicator")["unscaled"]
    assert np.isnan(values["a"])
    assert (values["b"], values["c"]) == (30.0, 1000.0)
    assert "a (none on record)" in one.in_words()
    assert "b (none on record)" not in one.in_words()
    assert "none on record" not in model.explain(customers)[0].in_words()
    card = card_of(one).texts
    assert "1,000" in card
    assert "30" in card


def test_unscaled_arrays_have_the_columns_of_the_fit() -> None:
    """Regression: an array was read in the order of the hierarchy."""
    frame = pd.DataFrame(noise(6, 0), columns=["c", "a", "b"])
    model = cbr.CaseBasedClassifier(HIERARCHY).fit(frame, [1, 2, 3, 1, 2, 3])
    found = model.explain(frame, unscaled=100 * frame.to_numpy()).to_frame()
    np.testing.assert_allclose(found["unscaled"], 100 * found["value"], rtol=1e-15)


def test_labels_are_those_of_the_frame() -> None:
    frame = pd.DataFrame(noise(20, 4), columns=NAMES).set_axis(range(100, 120))
    model = cbr.CaseBasedClassifier(HIERARCHY).fit(pd.DataFrame(noise(12, 3), columns=NAMES), ["low", "high"] * 6)
    assert model.explain(frame).to_frame()["customer"].unique().tolist() == list(range(100, 120))
    assert [one.label for one in model.explain(frame, labels=list("abcdefghijklmnopqrst"))][:3] == ["a", "b", "c"]


@pytest.mark.parametrize("kind", [int, bool, str, float])
def test_classes_are_plain_values(kind: Callable[[Any], Any]) -> None:
    y = np.array([kind(value) for value in (0, 1) * 6])
    one = cbr.CaseBasedClassifier(HIERARCHY).fit(noise(12, 3), y).explain(noise(1, 4))[0]
    assert type(one.predicted) is kind
    assert [type(name) for name in one.class_similarity] == [kind] * 2
