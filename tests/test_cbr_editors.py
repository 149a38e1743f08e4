"""Editors of a case base: examples worked by hand, plain loops as a second route, laws, refusals."""

from __future__ import annotations

import datetime as dt
import pickle
from collections import Counter
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custvalue import cbr, grey
from custvalue._case_based import editing_rules
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import FloatArray

    Base = tuple[list[list[float]], list[str]]

Method = Literal["condensed", "edited", "repeated_edited", "footprint"]
METHODS: tuple[Method, ...] = ("condensed", "edited", "repeated_edited", "footprint")
EACH_METHOD = pytest.mark.parametrize("method", METHODS)

ONE = grey.Hierarchy.equal({"monetary": ["balance"]})
TWO = grey.Hierarchy.from_weights(
    {"recency": 0.25, "monetary": 0.75}, {"recency": {"a": 1.0}, "monetary": {"b": 0.25, "c": 0.75}}
)
LEVELS = st.sampled_from([0.0, 0.125, 0.25, 0.5, 0.75, 1.0])
ROW = st.tuples(st.lists(LEVELS, min_size=3, max_size=3), st.sampled_from("ABC"))
BASES = st.lists(ROW, min_size=1, max_size=10).map(lambda rows: ([x for x, _ in rows], [y for _, y in rows]))
VOTES = st.integers(1, 5)


def case_base(X: Sequence[Sequence[float]], y: Sequence[str], hierarchy: grey.Hierarchy = TWO) -> cbr.CaseBase:
    return cbr.CaseBase.from_cases(np.array(X, dtype=np.float64), y, hierarchy)


def on_a_line(points: Sequence[float], y: Sequence[str], longest: float) -> cbr.CaseBase:
    return case_base([[point / longest] for point in points], y, ONE)


def places(names: Sequence[str], cases: cbr.CaseBase) -> list[int]:
    return [cases.ids.index(name) for name in names]


def answer(query: FloatArray, judges: Sequence[int], X: FloatArray, y: Sequence[str], k: int = 1) -> str:
    """Sort all similarities, count votes; a tie of votes goes to the class met first."""
    alike = grey.similarity([query], X[list(judges)], TWO)[0].tolist()
    ranked = [y[judge] for _, judge in sorted(zip([-s for s in alike], judges, strict=True))][:k]
    votes = Counter(ranked)
    return next(name for name in ranked if votes[name] == max(votes.values()))


def outvoted_by_loop(rows: list[int], X: FloatArray, y: Sequence[str], k: int) -> list[int]:
    """Ask every case with itself really taken out; rescue one case of a class that would go."""
    if len(rows) == 1:
        return []
    goes = [row for row in rows if answer(X[row], [i for i in rows if i != row], X, y, k) != y[row]]
    for name in {y[row] for row in rows}:
        members = [row for row in rows if y[row] == name]
        if all(member in goes for member in members):
            own = {}
            for member in members:
                others = [i for i in rows if i != member]
                alike = grey.similarity([X[member]], X[others], TWO)[0].tolist()
                near = [other for _, other in sorted(zip([-s for s in alike], others, strict=True))][:k]
                own[member] = sum(y[other] == name for other in near)
            goes.remove(max(members, key=lambda member: (own[member], -member)))
    return goes


def condensed_by_loop(X: FloatArray, y: Sequence[str]) -> list[int]:
    """Hart's rule, one case at a time."""
    store = [0]
    grown = True
    while grown:
        grown = False
        for row in range(len(X)):
            if row not in store and answer(X[row], sorted(store), X, y) != y[row]:
                store.append(row)
                grown = True
    return sorted(store)


# ------------------------------------------------------------------------------------- worked by hand

#: A at 0, 1, 2; B at 3, 6, 7; A at 8, 11.
LINE = ([0, 1, 2, 3, 6, 7, 8, 11], list("AAABBBAA"), 11.0)


def test_condensed_by_hand() -> None:
    """Every step of Hart's rule on a line.

    Pass 1. Store {0}: 1 and 2 are A, right; 3 is B, the store says A: take 3. 6 and 7 are nearest to 3: B, right.
    8 is nearest to 3: B, wrong: take 8. 11 is nearest to 8: A, right.
    Pass 2. Store {0, 3, 8}: 1 is 1 from 0 and 2 from 3: A, right. 2 is 1 from 3 and 2 from 0: B, wrong: take 2.
    6 is 2 from 8 and 3 from 3: A, wrong: take 6. 7 is 1 from 6 and 1 from 8: the first, B, right. 11: right.
    Pass 3. Store {0, 2, 3, 6, 8}: 1, 7 and 11 are right: done.
    """
    cases = on_a_line(*LINE)
    found = cbr.edit_case_base(cases, "condensed", by="analyst")
    assert places(found.kept, cases) == [0, 2, 3, 4, 6]
    assert found.still_right.all()


def test_edited_by_hand() -> None:
    """Three neighbours vote on every case of a line.

    0: 1, 2, 3 say A, A, B: stays. 1: 0, 2, 3 say A, A, B: stays. 2: 1 and 3 are equally near, then 0: A, B, A:
    stays. 3 (B): 2, 1, and of 0 and 6, equally near, the first: A, A, A: goes. 6 (B): 7, 8, 3 say B, A, B: stays.
    7 (B): 6 and 8 are equally near, then of 3 and 11 the first: B, A, B: stays. 8 (A): 7, 6, 11 say B, B, A: goes.
    11 (A): 8, 7, 6 say A, B, B: goes.
    """
    cases = on_a_line(*LINE)
    found = cbr.edit_case_base(cases, "edited", by="analyst")
    assert places(found.removed, cases) == [3, 6, 7]
    assert (found.rounds, found.spared) == (1, ())


def test_repeated_edited_by_hand() -> None:
    """Edit the line until no case goes.

    Round 1 leaves A at 0, 1, 2 and B at 6, 7. Round 2: 6 asks 7, 2, 1 and 7 asks 6, 2, 1: B, A, A, so both B would
    go. One vote each is for B: the first, 6, is spared, 7 goes. Round 3: 6 asks 2, 1, 0, is outvoted and spared
    again; the A at 0, 1, 2 have two A among their three neighbours. No case goes: done.
    """
    cases = on_a_line(*LINE)
    found = cbr.edit_case_base(cases, "repeated_edited", by="analyst")
    assert places(found.kept, cases) == [0, 1, 2, 4]
    assert found.removed_in.tolist() == [0, 0, 0, 1, 0, 2, 1, 1]
    assert (found.rounds, found.spared) == (2, ("C5",))
    assert found.to_frame()["spared"].tolist() == [False, False, False, False, True, False, False, False]


def test_one_noisy_case_goes() -> None:
    cases = on_a_line([0, 1, 2, 1.5, 7, 8, 9], list("AAABBBB"), 9.0)
    found = cbr.edit_case_base(cases, "edited", by="analyst")
    assert found.removed == ("C4",)
    assert found.still_right.tolist() == [True, True, True, False, True, True, True]


def test_a_tie_of_votes_goes_to_the_nearest() -> None:
    """With two votes the A at 0 hears A (at 1) and B (at 2): the nearer says A. The B at 2 hears A, A and goes."""
    cases = on_a_line([0, 1, 2, 9, 10], list("AABBB"), 10.0)
    assert cbr.edit_case_base(cases, "edited", by="analyst", k=2).removed == ("C3",)


def test_condensed_keeps_both_of_a_conflict() -> None:
    """Equal cases of two classes: the store knows the first only, takes the second, and still says the first."""
    cases = on_a_line([0, 0, 1], list("ABB"), 1.0)
    found = cbr.edit_case_base(cases, "condensed", by="analyst")
    assert found.kept == ("C1", "C2", "C3")
    assert found.still_right.tolist() == [True, False, True]


def test_condensed_depends_on_the_order() -> None:
    sizes = set()
    for order in ([0, 1, 2, 3, 4, 5, 6, 7], [3, 2, 6, 5, 0, 1, 4, 7], [7, 0, 3, 1, 4, 6, 2, 5]):
        cases = on_a_line([LINE[0][i] for i in order], [LINE[1][i] for i in order], LINE[2])
        found = cbr.edit_case_base(cases, "condensed", by="analyst")
        assert found.still_right.all()
        sizes.add(len(found.kept))
    assert len(sizes) > 1


# ---------------------------------------------------------------------------------------- second routes


@given(BASES, VOTES)
def test_edited_against_plain_loops(base: Base, k: int) -> None:
    X, y = base
    cases = case_base(X, y)
    found = cbr.edit_case_base(cases, "edited", by="analyst", k=k)
    assert places(found.removed, cases) == sorted(outvoted_by_loop(list(range(len(y))), np.array(X), y, k))


@given(BASES, VOTES)
def test_repeated_edited_against_plain_loops(base: Base, k: int) -> None:
    X, y = base
    cases = case_base(X, y)
    left, rounds = list(range(len(y))), [0] * len(y)
    number = 1
    while goes := outvoted_by_loop(left, np.array(X), y, k):
        for row in goes:
            rounds[row] = number
        left, number = [row for row in left if row not in goes], number + 1
    assert cbr.edit_case_base(cases, "repeated_edited", by="analyst", k=k).removed_in.tolist() == rounds


@given(BASES)
def test_condensed_against_plain_loops(base: Base) -> None:
    X, y = base
    cases = case_base(X, y)
    assert places(cbr.edit_case_base(cases, "condensed", by="x").kept, cases) == condensed_by_loop(np.array(X), y)


@given(BASES, VOTES)
def test_still_right_against_plain_loops(base: Base, k: int) -> None:
    X, y = base
    cases = case_base(X, y)
    for method in METHODS:
        found = cbr.edit_case_base(cases, method, by="analyst", k=k)
        kept = places(found.kept, cases)
        right = [answer(row, kept, np.array(X), y) == label for row, label in zip(np.array(X), y, strict=True)]
        assert found.still_right.tolist() == right


def test_larger_base_against_plain_loops() -> None:
    rng = np.random.default_rng(0)
    X = rng.random((90, 3)).round(2)
    noise = rng.standard_normal(90)
    y = ["AB"[int(row.sum() + 0.3 * off > 1.5)] for row, off in zip(X, noise, strict=True)]
    cases = case_base(X.tolist(), y)
    condensed = cbr.edit_case_base(cases, "condensed", by="analyst")
    edited = cbr.edit_case_base(cases, "edited", by="analyst")
    assert places(condensed.kept, cases) == condensed_by_loop(X, y)
    assert places(edited.removed, cases) == outvoted_by_loop(list(range(90)), X, y, 3)
    assert 0 < len(condensed.kept) < 90
    assert 0 < len(edited.removed) < 45


# ------------------------------------------------------------------------------------------------- laws


@EACH_METHOD
@given(base=BASES, k=VOTES)
def test_no_class_is_emptied_and_the_log_tells(method: Method, base: Base, k: int) -> None:
    X, y = base
    cases = case_base(X, y)
    found = cbr.edit_case_base(cases, method, by="analyst", k=k)
    assert found.case_base.ids == found.kept
    assert set(found.case_base.y.tolist()) == set(y)
    assert sorted((*found.kept, *found.removed)) == sorted(cases.ids)
    assert set(found.spared) <= set(found.kept)
    assert found.case_base.version == cases.version + 1
    assert found.case_base.hierarchy == cases.hierarchy


@given(BASES, VOTES)
def test_repeated_edited_is_a_fixed_point_of_edited(base: Base, k: int) -> None:
    X, y = base
    once = cbr.edit_case_base(case_base(X, y), "repeated_edited", by="analyst", k=k)
    again = cbr.edit_case_base(once.case_base, "edited", by="analyst", k=k)
    assert again.removed == ()
    assert set(again.spared) <= set(once.spared)


@given(BASES)
def test_condensed_store_is_right_but_for_conflicts(base: Base) -> None:
    X, y = base
    cases = case_base(X, y)
    found = cbr.edit_case_base(cases, "condensed", by="analyst")
    wrong = ~found.still_right
    assert not (wrong & ~cbr.competence(cases).in_conflict).any()
    assert not (wrong & (found.removed_in > 0)).any()


@given(BASES)
def test_footprint_is_that_of_the_competence_report(base: Base) -> None:
    X, y = base
    cases = case_base(X, y)
    found = cbr.edit_case_base(cases, "footprint", by="analyst")
    assert places(found.kept, cases) == sorted(cbr.competence(cases).footprint.tolist())


@EACH_METHOD
def test_frozen_ranges_are_used(method: Method) -> None:
    """Where the range of one indicator is frozen at almost nothing, it decides nothing between unequal cases.

    The coefficient of 'a' is about 0 for any distance, so 'b' and 'c' decide; the base's own ranges let 'a' speak.
    """
    rng = np.random.default_rng(4)
    X = rng.random((40, 3))
    cases = case_base(X.tolist(), ["AB"[int(row[0] > 0.5)] for row in X])
    frozen = grey.FrozenRanges(largest={"a": 1e-9, "b": 1.0, "c": 1.0})
    own = cbr.edit_case_base(cases, method, by="analyst").kept
    assert cbr.edit_case_base(cases, method, by="analyst", ranges=frozen).kept != own


def test_look_ahead_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    X = rng.random((120, 3))
    cases = case_base(X.tolist(), ["AB"[int(row.sum() > 1.5)] for row in X])
    usual = cbr.edit_case_base(cases, "condensed", by="analyst").kept
    for ahead in ((1, 1), (1000, 1000)):
        monkeypatch.setattr(editing_rules, "LOOK_AHEAD", ahead)
        assert cbr.edit_case_base(cases, "condensed", by="analyst").kept == usual


@EACH_METHOD
def test_one_case_stays(method: Method) -> None:
    found = cbr.edit_case_base(on_a_line([1], ["A"], 1.0), method, by="analyst")
    assert (found.kept, found.removed, found.rounds) == (("C1",), (), 0)


def test_more_votes_than_others_asks_all_of_them() -> None:
    cases = on_a_line([0, 1, 9], list("AAB"), 9.0)
    found = cbr.edit_case_base(cases, "edited", by="analyst", k=50)
    assert (found.kept, found.spared) == (("C1", "C2", "C3"), ("C3",))


# ------------------------------------------------------------------------------------ shape and refusals


def test_change_is_logged_as_the_caller_says() -> None:
    cases = on_a_line(*LINE)
    day = dt.date(2026, 1, 31)
    change = cbr.edit_case_base(cases, "edited", by="analyst", k=5, date=day).case_base.changes[-1]
    assert (change.by, change.note, change.date) == ("analyst", "editor 'edited' with k=5", day)
    change = cbr.edit_case_base(cases, "footprint", by="analyst").case_base.changes[-1]
    assert (change.note, change.date) == ("editor 'footprint'", None)
    change = cbr.edit_case_base(cases, "edited", by="analyst", note="yearly review").case_base.changes[-1]
    assert change.note == "yearly review"


def test_frames_html_and_pickle() -> None:
    cases = on_a_line(*LINE)
    found = cbr.edit_case_base(cases, "repeated_edited", by="analyst")
    frame = found.to_frame()
    assert list(frame.columns) == ["case", "class", "kept", "removed_in", "spared", "still_right"]
    frame.loc[:, "kept"] = False
    assert found.to_frame()["kept"].sum() == 4
    table = found.by_class()
    assert table.to_numpy().tolist() == [["A", 5, 3, 2, 0], ["B", 3, 1, 2, 1]]
    page = found._repr_html_()
    assert "4 of 8 cases kept in 2 round(s), 1 of them as the last of their class" in page
    assert repr(found) == "Edited(method=repeated_edited, cases=8, kept=4)"
    assert pickle.loads(pickle.dumps(found)).to_frame().equals(found.to_frame())  # noqa: S301 - our own bytes
    for name in ("labels", "removed_in", "still_right"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(found, name)[0] = 0


def test_unknown_method_is_refused() -> None:
    with pytest.raises(
        DomainError, match="method is 'icf'; allowed: condensed, edited, repeated_edited, footprint"
    ):
        cbr.edit_case_base(on_a_line(*LINE), "icf", by="analyst")  # type: ignore[arg-type]  # meant wrong


@pytest.mark.parametrize("by", ["", "  ", None])
def test_nobody_is_refused(by: str) -> None:
    with pytest.raises(DomainError, match="by is empty; allowed: the name of who edits"):
        cbr.edit_case_base(on_a_line(*LINE), "edited", by=by)


@pytest.mark.parametrize("k", [0, -1, 2.0, True, "3"])
def test_votes_below_one_are_refused(k: int) -> None:
    with pytest.raises(DomainError, match="k must be a whole number from 1"):
        cbr.edit_case_base(on_a_line(*LINE), "edited", by="analyst", k=k)


def test_numpy_votes_are_taken() -> None:
    assert cbr.edit_case_base(on_a_line(*LINE), "edited", by="analyst", k=np.int64(3)).rounds == 1  # type: ignore[arg-type]  # meant wrong


@EACH_METHOD
def test_what_is_no_case_base_is_refused(method: Method) -> None:
    with pytest.raises(DomainError, match="cases is a list; allowed: CaseBase"):
        cbr.edit_case_base([[0.0]], method, by="analyst")  # type: ignore[arg-type]  # meant wrong


@EACH_METHOD
def test_ranges_of_other_indicators_are_refused(method: Method) -> None:
    ranges = grey.FrozenRanges(largest={"turnover": 1.0})
    with pytest.raises(DomainError, match="ranges names the indicators turnover"):
        cbr.edit_case_base(on_a_line(*LINE), method, by="analyst", ranges=ranges)


def test_too_many_pairs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custvalue._case_based.competence.MOST_PAIRS", 3)
    with pytest.raises(DataError, match="more than 3 pairs of solver and solved"):
        cbr.edit_case_base(on_a_line(*LINE), "footprint", by="analyst")
