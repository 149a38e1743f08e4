"""Competence of a case base: a known answer, plain loops and fractions as a second route, laws, refusals."""

from __future__ import annotations

import itertools
import json
import pickle
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from custvalue import cbr, grey
from custvalue._case_based import competence as room
from custvalue._kernels import competence as kernel
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from custvalue._typing import FloatArray

Sets = list[set[int]]

ONE = grey.Hierarchy.equal({"monetary": ["balance"]})
TWO = grey.Hierarchy.from_weights(
    {"recency": 0.25, "monetary": 0.75}, {"recency": {"a": 1.0}, "monetary": {"b": 0.25, "c": 0.75}}
)
#: Few levels, so that ties and equal cases are common.
LEVELS = st.sampled_from([0.0, 0.125, 0.25, 0.5, 0.75, 1.0])


def bases(columns: int, most: int = 9) -> st.SearchStrategy[tuple[list[list[float]], list[str]]]:
    row = st.tuples(st.lists(LEVELS, min_size=columns, max_size=columns), st.sampled_from("ABC"))
    return st.lists(row, min_size=1, max_size=most).map(lambda rows: ([x for x, _ in rows], [y for _, y in rows]))


def case_base(X: Sequence[Sequence[float]], y: Sequence[str], hierarchy: grey.Hierarchy) -> cbr.CaseBase:
    return cbr.CaseBase.from_cases(np.array(X, dtype=np.float64), y, hierarchy)


def on_a_line(points: Sequence[float], y: Sequence[str], longest: float) -> cbr.CaseBase:
    return case_base([[point / longest] for point in points], y, ONE)


def by_distance(points: Sequence[float], y: Sequence[str]) -> Sets:
    """Who solves whom on a line: with one indicator the grey similarity falls as the exact distance grows."""
    exact = [Fraction(point) for point in points]
    found = []
    for j, there in enumerate(exact):
        unlike = [abs(there - here) for i, here in enumerate(exact) if y[i] != y[j]]
        near = {
            i for i, here in enumerate(exact) if y[i] == y[j] and all(abs(there - here) < far for far in unlike)
        }
        found.append(near | {j})
    return found


def by_similarity(
    X: FloatArray, y: Sequence[str], hierarchy: grey.Hierarchy, ranges: grey.FrozenRanges | None = None
) -> Sets:
    """Who solves whom: every case is really taken out of the base, then asked."""
    found = []
    for j in range(len(X)):
        others = [i for i in range(len(X)) if i != j]
        near = {j}
        if others:
            alike = grey.similarity(X[[j]], X[others], hierarchy, ranges=ranges)[0].tolist()
            best = max((s for i, s in zip(others, alike, strict=True) if y[i] != y[j]), default=-1.0)
            near |= {i for i, s in zip(others, alike, strict=True) if y[i] == y[j] and s > best}
        found.append(near)
    return found


def sets_of(found: cbr.Competence, what: str) -> Sets:
    return [{found.ids.index(other) for other in getattr(found, what)(name)} for name in found.ids]


def turned(sets: Sets) -> Sets:
    return [{j for j, members in enumerate(sets) if i in members} for i in range(len(sets))]


def exact_relative_coverage(coverage: Sets, reachability: Sets) -> list[Fraction]:
    return [sum((Fraction(1, len(reachability[j])) for j in members), Fraction()) for members in coverage]


def footprint_by_loop(coverage: Sets, reachability: Sets) -> list[int]:
    relative = exact_relative_coverage(coverage, reachability)
    taken: list[int] = []
    for case in sorted(range(len(coverage)), key=lambda i: (-relative[i], i)):
        if not any(case in coverage[other] for other in taken):
            taken.append(case)
    return taken


def kind_by_definition(case: int, coverage: Sets, reachability: Sets) -> str:
    others = reachability[case] - {case}
    if not others:
        return "pivotal"
    if any(coverage[case] < coverage[other] for other in others):
        return "auxiliary"
    return "support" if any(coverage[case] == coverage[other] for other in others) else "spanning"


def check(found: cbr.Competence, reachability: Sets) -> None:
    coverage = turned(reachability)
    assert sets_of(found, "reachability") == reachability
    assert sets_of(found, "coverage") == coverage
    assert found.coverage_size.tolist() == [len(members) for members in coverage]
    assert found.reachability_size.tolist() == [len(members) for members in reachability]
    exact = exact_relative_coverage(coverage, reachability)
    np.testing.assert_allclose(found.relative_coverage, [float(share) for share in exact], rtol=1e-13)
    assert found.footprint.tolist() == footprint_by_loop(coverage, reachability)
    cases = range(len(coverage))
    assert found.kind.tolist() == [kind_by_definition(case, coverage, reachability) for case in cases]


# --------------------------------------------------------------------------------------- known answers


def test_known_answer_on_a_line(shared: Path) -> None:
    answer = json.loads((shared / "known_answers/grey/cbr01_competence_small.json").read_text(encoding="utf-8"))
    x, expected, exact = answer["input"]["x"], answer["expected"], answer["expected_exact"]
    found = cbr.competence(on_a_line(x, answer["input"]["class"], 11.0))
    assert [sorted(members) for members in sets_of(found, "coverage")] == expected["coverage"]
    assert [sorted(members) for members in sets_of(found, "reachability")] == expected["reachability"]
    shares = [float(Fraction(share)) for share in exact["relative_coverage"]]
    np.testing.assert_allclose(found.relative_coverage, shares, rtol=1e-13, atol=1e-14)
    assert found.footprint.tolist() == expected["footprint_rc_order"]


def test_kinds_worked_by_hand() -> None:
    """B at 0, A at 3, 5, 7, B at 10, and two equal A at 14, B at 15.

    The A at 3 is 3 from its nearest B: the A at 5 solves it. The A at 5 is 5 from a B on either side: 3 and 7
    solve it. The A at 7 is 3 from a B: 5 solves it. So 5 covers {3, 5, 7}, which holds {3, 5} and {5, 7}: 3 and 7
    are auxiliary, and 5 is spanning, since it is solved by others and no other covers what it covers. The A at 14
    solve each other at distance 0 and cover the same: support. Each B has an A nearer than the next B: pivotal.
    """
    found = cbr.competence(on_a_line([0, 3, 5, 7, 10, 14, 14, 15], list("BAAABAAB"), 16.0))
    assert found.kind.tolist() == [
        *("pivotal", "auxiliary", "spanning", "auxiliary", "pivotal", "support", "support", "pivotal")
    ]
    # Relative coverage 1/2 + 1/3 + 1/2 of the spanning case is the largest; the first of the support cases stays.
    assert found.footprint.tolist() == [2, 0, 4, 5, 7]


def test_exactly_as_near_as_the_unlike_case_is_not_nearer() -> None:
    found = cbr.competence(on_a_line([0, 2, 4], list("ABA"), 4.0))
    assert sets_of(found, "reachability") == [{0}, {1}, {2}]
    tied = cbr.competence(on_a_line([0, 2, 4], list("AAB"), 4.0))
    assert sets_of(tied, "reachability") == [{0, 1}, {1}, {2}]


def test_one_class_solves_itself() -> None:
    found = cbr.competence(on_a_line([0, 1, 8], list("AAA"), 8.0))
    assert sets_of(found, "coverage") == [{0, 1, 2}] * 3
    assert found.kind.tolist() == ["support"] * 3
    assert found.footprint.tolist() == [0]


def test_one_case_covers_itself() -> None:
    found = cbr.competence(on_a_line([1], ["A"], 1.0))
    assert (found.coverage("C1"), found.kind.tolist(), found.footprint.tolist()) == (("C1",), ["pivotal"], [0])
    assert (found.conflicts, found.in_conflict.tolist()) == (0, [False])


def test_class_of_one_member_is_pivotal() -> None:
    found = cbr.competence(on_a_line([0, 1, 2], list("AAB"), 2.0))
    assert found.reachability("C3") == ("C3",)
    assert found.kind[2] == "pivotal"


def test_conflicts_are_counted() -> None:
    """Equal are C1, C2, C3 and C5: A, A, B, C, so that five of their six pairs are in conflict; C4 is apart."""
    X = [[0.5, 0.25, 0.0], [0.5, 0.25, 0.0], [0.5, 0.25, -0.0], [0.5, 0.25, 0.125], [0.5, 0.25, 0.0]]
    found = cbr.competence(case_base(X, list("AABAC"), TWO))
    assert found.conflicts == 5
    assert found.in_conflict.tolist() == [True, True, True, False, True]
    # C1 and C2 are equal and of one class, but C3 is as near: they do not solve each other.
    assert found.reachability("C1") == ("C1",)
    assert "5 pair(s) of equal cases" in found._repr_html_()


# ---------------------------------------------------------------------------------------- second routes


@given(bases(1))
def test_sets_on_a_line_against_exact_distances(base: tuple[list[list[float]], list[str]]) -> None:
    X, y = base
    check(cbr.competence(case_base(X, y, ONE)), by_distance([row[0] for row in X], y))


@given(bases(3))
def test_sets_against_cases_really_taken_out(base: tuple[list[list[float]], list[str]]) -> None:
    X, y = base
    check(cbr.competence(case_base(X, y, TWO)), by_similarity(np.array(X), y, TWO))


@given(bases(3))
def test_sets_under_frozen_ranges(base: tuple[list[list[float]], list[str]]) -> None:
    X, y = base
    frozen = grey.FrozenRanges(largest={"a": 1.0, "b": 0.5, "c": 0.75})
    found = cbr.competence(case_base(X, y, TWO), ranges=frozen)
    check(found, by_similarity(np.array(X), y, TWO, frozen))


def test_larger_base_against_plain_loops() -> None:
    rng = np.random.default_rng(0)
    X = rng.random((150, 3)).round(2)
    y = ["AB"[int(row[0] + row[1] + 0.1 * rng.standard_normal() > 1.0)] for row in X]
    check(cbr.competence(case_base(X.tolist(), y, TWO)), by_similarity(X, y, TWO))


def test_a_case_leaves_the_ranges_it_is_judged_by() -> None:
    """With a case's own distance, zero, in the ranges other sets come out: the second route can tell."""
    rng = np.random.default_rng(1)
    X = rng.random((40, 3)).round(2)
    y = ["AB"[int(row.sum() > 1.5)] for row in X]
    inside = grey.similarity(X, X, TWO)
    other = []
    for j in range(len(X)):
        best = max(inside[j, i] for i in range(len(X)) if y[i] != y[j])
        other.append({j} | {i for i in range(len(X)) if y[i] == y[j] and inside[j, i] > best})
    found = sets_of(cbr.competence(case_base(X.tolist(), y, TWO)), "reachability")
    assert found == by_similarity(X, y, TWO)
    assert found != other


# ------------------------------------------------------------------------------------------------- laws


@given(bases(3))
def test_relative_coverage_sums_to_the_cases_of_each_class(base: tuple[list[list[float]], list[str]]) -> None:
    X, y = base
    found = cbr.competence(case_base(X, y, TWO))
    for name in set(y):
        members = np.array(y) == name
        assert found.relative_coverage[members].sum() == pytest.approx(members.sum(), rel=1e-12)


@given(bases(3))
def test_footprint_covers_every_case_and_classifies_it_under_frozen_ranges(
    base: tuple[list[list[float]], list[str]],
) -> None:
    X, y = base
    cases = case_base(X, y, TWO)
    frozen = grey.FrozenRanges.from_cases(X, TWO)
    found = cbr.competence(cases, ranges=frozen)
    covered = set().union(*(found.coverage(found.ids[place]) for place in found.footprint))
    assert covered == set(found.ids)
    assume(not found.conflicts)
    nearest = grey.nearest(X, np.array(X)[found.footprint], TWO, ranges=frozen).index[:, 0]
    assert [y[found.footprint[place]] for place in nearest] == y


@given(bases(3), st.randoms(use_true_random=False))
def test_order_of_the_base_changes_ties_only(base: tuple[list[list[float]], list[str]], random: object) -> None:
    X, y = base
    order = list(range(len(y)))
    random.shuffle(order)  # type: ignore[attr-defined]  # NumPy's stubs lack it
    there = cbr.competence(case_base(X, y, TWO))
    here = cbr.competence(case_base([X[i] for i in order], [y[i] for i in order], TWO))
    assert here.coverage_size.tolist() == there.coverage_size[order].tolist()
    assert here.reachability_size.tolist() == there.reachability_size[order].tolist()
    assert here.kind.tolist() == there.kind[order].tolist()
    np.testing.assert_allclose(here.relative_coverage, there.relative_coverage[order], rtol=1e-12)


def test_block_size_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    X = rng.random((60, 3))
    cases = case_base(X.tolist(), ["ABC"[int(3 * row[0])] for row in X], TWO)
    whole = cbr.competence(cases)
    monkeypatch.setattr(room, "TILE", 1)
    monkeypatch.setattr(kernel, "BLOCK", 7)
    parts = cbr.competence(cases)
    assert parts.to_frame().equals(whole.to_frame())
    assert parts.footprint.tolist() == whole.footprint.tolist()
    assert sets_of(parts, "coverage") == sets_of(whole, "coverage")


def test_rounding_decides_no_order() -> None:
    """Six sixths in floats fall short of one; the first case of equals comes first all the same."""
    size = 6
    indptr = np.array([0, *itertools.accumulate([size] * size), size * size + 1], dtype=np.int32)
    indices = np.array(list(range(size)) * size + [size], dtype=np.int32)
    relative = kernel.relative_coverage(indptr, indices, np.array([size] * size + [1]))
    assert relative[0] < 1.0 == relative[size]
    assert kernel.footprint(indptr, indices, relative).tolist() == [0, size]


# ------------------------------------------------------------------------------------ shape and refusals


def test_frame_html_and_pickle() -> None:
    hierarchy = grey.Hierarchy.equal({"monetary": ["balance"]})
    cases = cbr.CaseBase.from_cases([[0.0], [0.5], [1.0]], ["<A>", "<A>", "B"], hierarchy)
    found = cbr.competence(cases)
    frame = found.to_frame()
    assert list(frame.columns) == [
        *("case", "class", "coverage", "reachability", "relative_coverage", "in_footprint", "kind", "in_conflict")
    ]
    frame.loc[:, "coverage"] = 0
    assert found.to_frame()["coverage"].tolist() == found.coverage_size.tolist() == [1, 2, 1]
    page = found._repr_html_()
    assert "&lt;A&gt;" in page
    assert "<A>" not in page
    assert repr(found) == "Competence(cases=3, footprint=2, conflicts=0)"
    assert pickle.loads(pickle.dumps(found)).to_frame().equals(found.to_frame())  # noqa: S301 - our own bytes
    assert found.provenance.spec == hierarchy.model_dump_json()
    for name in (
        "values",
        "coverage_size",
        "reachability_size",
        "relative_coverage",
        "footprint",
        "kind",
        "labels",
    ):
        with pytest.raises(ValueError, match="read-only"):
            getattr(found, name)[0] = 0


@pytest.mark.parametrize("what", ["coverage", "reachability"])
def test_unknown_case_is_refused(what: str) -> None:
    found = cbr.competence(on_a_line([0, 1], list("AB"), 1.0))
    with pytest.raises(DomainError, match="case_id 'C9' is not in the case base; allowed: one of its 2 ids"):
        getattr(found, what)("C9")


def test_what_is_no_case_base_is_refused() -> None:
    with pytest.raises(DomainError, match="cases is a list; allowed: CaseBase"):
        cbr.competence([[0.0], [1.0]])  # type: ignore[arg-type]  # meant wrong


def test_what_are_no_ranges_is_refused() -> None:
    with pytest.raises(DomainError, match="ranges is a dict; allowed: FrozenRanges"):
        cbr.competence(on_a_line([0], ["A"], 1.0), ranges={"balance": 1.0})  # type: ignore[arg-type]  # meant wrong


def test_ranges_of_other_indicators_are_refused() -> None:
    with pytest.raises(DomainError, match="ranges names the indicators turnover"):
        cbr.competence(on_a_line([0, 1], list("AB"), 1.0), ranges=grey.FrozenRanges(largest={"turnover": 1.0}))


def test_too_many_pairs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = on_a_line(range(4), list("AAAA"), 4.0)
    monkeypatch.setattr(room, "MOST_PAIRS", 16)
    assert cbr.competence(cases).coverage_size.sum() == 16
    monkeypatch.setattr(room, "MOST_PAIRS", 15)
    with pytest.raises(DataError, match="cases has 4 cases with more than 15 pairs of solver and solved"):
        cbr.competence(cases)


@settings(max_examples=30)
@given(bases(3, most=12))
def test_labels_of_any_kind_give_the_same_sets(base: tuple[list[list[float]], list[str]]) -> None:
    X, y = base
    numbers = [{"A": 30, "B": 10, "C": 20}[name] for name in y]
    there = cbr.competence(case_base(X, y, TWO))
    here = cbr.competence(cbr.CaseBase.from_cases(X, numbers, TWO))
    assert sets_of(here, "coverage") == sets_of(there, "coverage")
    assert here.labels.tolist() == numbers
