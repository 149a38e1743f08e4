"""The log of a case base against a plain list of cases kept beside it; replays, digests, refusals."""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
import json
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from custvalue import cbr, grey
from custvalue.exceptions import ColumnError, DataError, DomainError

HIERARCHY = grey.Hierarchy.from_weights(
    {"recency": 0.25, "monetary": 0.75}, {"recency": {"a": 1.0}, "monetary": {"b": 0.25, "c": 0.75}}
)
NAMES = ["a", "b", "c"]
DAY = dt.date(2026, 3, 31)


def table(n: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).random((n, 3))


def base(n: int = 4, **facts: Any) -> cbr.CaseBase:
    return cbr.CaseBase.from_cases(table(n), ["low", "high"] * (n // 2) + ["low"] * (n % 2), HIERARCHY, **facts)


# What is in force ---------------------------------------------------------------------------------------------


def test_a_case_keeps_where_it_comes_from() -> None:
    cases = base(2, ids=["gold", "silver"], members=[12, 1], source=["panel", "branch"], by="lead", date=DAY)
    first, second = cases.cases
    assert (first.id, first.label, first.members, first.source, first.date) == ("gold", "low", 12, "panel", DAY)
    assert (second.id, second.members, second.source) == ("silver", 1, "branch")
    assert first.model_dump()["values"] == tuple(table(2)[0].tolist())
    assert (cases.version, cases.ids, cases.weights_digest) == (1, ("gold", "silver"), HIERARCHY.digest)
    np.testing.assert_array_equal(cases.values, table(2))
    np.testing.assert_array_equal(cases.y, ["low", "high"])
    assert list(cases.X.index) == ["gold", "silver"]
    frame = cases.to_frame()
    assert frame["case"].tolist() == ["gold", "silver"]
    np.testing.assert_array_equal(frame[NAMES], table(2))


def test_columns_of_a_frame_are_matched_by_name() -> None:
    frame = pd.DataFrame(table(3), columns=NAMES)[["c", "a", "b"]].assign(key="secret")
    np.testing.assert_array_equal(cbr.CaseBase.from_cases(frame, [1, 2, 1], HIERARCHY).values, table(3))
    with pytest.raises(ColumnError, match="missing: 'a'"):
        cbr.CaseBase.from_cases(frame[["b", "c"]], [1, 2, 1], HIERARCHY)


def test_nothing_of_a_case_base_can_be_changed() -> None:
    cases = base()
    with pytest.raises(ValueError, match="read-only"):
        cases.values[0, 0] = 1.0  # noqa: PD011 - no frame
    with pytest.raises(ValueError, match="read-only"):
        cases.y[0] = "high"
    with pytest.raises(ValidationError, match="frozen"):
        setattr(cases, "changes", ())  # noqa: B010 - a type checker refuses it before
    with pytest.raises(ValidationError, match="frozen"):
        setattr(cases.cases[0], "label", "high")  # noqa: B010 - a type checker refuses it before
    before = cases.model_dump_json()
    frame = cases.X
    frame.iloc[0, 0] = 5.0
    assert cases.X.iloc[0, 0] == table(4)[0, 0]
    cases.retain(table(1, 1), ["low"], by="x").revise("C1", "high", by="x").forget("C1", by="x")
    assert cases.model_dump_json() == before


def test_bounds_are_those_of_the_customers_behind() -> None:
    cases = base(bounds=(np.zeros(3), np.array([0.5, 1.0, 1.0])))
    lower, upper = cases.bounds
    np.testing.assert_array_equal(lower, np.zeros(3))
    np.testing.assert_array_equal(upper, [max(0.5, table(4)[:, 0].max()), 1.0, 1.0])
    own = base().bounds
    np.testing.assert_array_equal(own, [table(4).min(axis=0), table(4).max(axis=0)])
    wider = base().retain([[1.0, 0.0, 1.0]], ["low"], by="x").bounds
    np.testing.assert_array_equal(wider[1], np.maximum(own[1], [1.0, 0.0, 1.0]))


def test_built_cases_stand_for_their_class() -> None:
    rng = np.random.default_rng(0)
    rows = np.concatenate([0.1 + 0.02 * rng.random((9, 3)), 0.8 + 0.02 * rng.random((6, 3))])
    cases = cbr.build_case_base(rows, HIERARCHY, n_classes=2, source="2025", by="lead", date=DAY, random_state=0)
    assert cases.members.tolist() == [9, 6]
    assert [one.source for one in cases.cases] == ["2025", "2025"]
    assert (cases.changes[0].by, cases.changes[0].date) == ("lead", DAY)
    np.testing.assert_allclose(cases.bounds, [[0.1] * 3, [0.82] * 3], atol=1e-15), "hundredths, outwards"
    real = cbr.build_case_base(rows, HIERARCHY, n_classes=2, representatives="medoid", random_state=0)
    assert real.members.tolist() == [1, 1]
    assert real.cases[0].source == "k-means, medoid"
    again = cbr.CaseBase.model_validate_json(cases.model_dump_json())
    for travelled in (again, cases.retain([[0.5] * 3], [2], by="x"), cases.with_clusters(None)):
        with pytest.raises(DomainError, match="has no clusters: they stay with the object that build_case_base"):
            _ = travelled.clusters
    assert again == cases


# The log ------------------------------------------------------------------------------------------------------


def test_the_cycle_by_hand() -> None:
    first = base(2, by="lead")
    second = first.retain([[0.5, 0.5, 0.5]], ["low"], by="ann", source="branch 7", date=DAY, note="seen in person")
    third = second.revise("C2", "low", by="bob", date=DAY, note="closed his accounts")
    fourth = third.select(["C3", "C2"], by="cut")
    assert [cases.version for cases in (first, second, third, fourth)] == [1, 2, 3, 4]
    assert second.ids == ("C1", "C2", "C3")
    assert second.cases[2].source == "branch 7"
    assert (third.cases[1].label, third.cases[1].revised_by, third.cases[1].revised_on) == ("low", "bob", DAY)
    assert third.cases[1].note == "closed his accounts"
    assert fourth.ids == ("C2", "C3"), "the order of a base does not depend on that of the asking"
    history = fourth.history()
    assert history["action"].tolist() == ["built", "retained", "revised", "selected"]
    assert history["by"].tolist() == ["lead", "ann", "bob", "cut"]
    assert history["added"].tolist() == [2, 1, 0, 0]
    assert history["removed"].tolist() == [0, 0, 0, 1]
    assert history["revised"].tolist() == [0, 0, 1, 0]
    assert history["replays"].all()
    for number, cases in enumerate((first, second, third, fourth), start=1):
        assert fourth.replay(number) == cases
        assert fourth.replay(number).cases == cases.cases
    text = fourth._repr_html_()
    assert "version 4: 2 cases" in text
    assert "bob" in text


LABELS = st.sampled_from([1, 2, 3])
STEPS = st.lists(
    st.tuples(st.sampled_from(["retain", "revise", "select", "forget"]), st.integers(0, 10**6), LABELS),
    max_size=12,
)


@given(STEPS)
def test_any_history_equals_a_plain_list_kept_beside_it(steps: list[tuple[str, int, int]]) -> None:
    """The rival is a list of (id, values, label); its snapshots are what each version must replay to."""
    cases = cbr.CaseBase.from_cases(table(3), [1, 2, 3], HIERARCHY)
    rows = [(f"C{i + 1}", tuple(table(3)[i].tolist()), i + 1) for i in range(3)]
    snapshots, forgotten, used = [list(rows)], set(), 3
    for what, number, label in steps:
        place = number % len(rows)
        if what == "retain":
            values = table(1, number)
            used += 1
            cases = cases.retain(values, [label], by="x")
            rows = [*rows, (f"C{used}", tuple(values[0].tolist()), label)]
        elif what == "revise":
            cases = cases.revise(rows[place][0], label, by="x")
            rows = [(*one[:2], label) if i == place else one for i, one in enumerate(rows)]
        elif len(rows) == 1:
            continue
        elif what == "select":
            cases = cases.select([one[0] for i, one in enumerate(rows) if i != place], by="x")
            rows = [one for i, one in enumerate(rows) if i != place]
        else:
            cases = cases.forget(rows[place][0], by="x")
            forgotten.add(rows[place][0])
            rows = [one for i, one in enumerate(rows) if i != place]
        snapshots.append(list(rows))
    for case_base in (cases, cbr.CaseBase.model_validate_json(cases.model_dump_json())):
        assert [(one.id, one.values, one.label) for one in case_base.cases] == rows  # noqa: PD011 - no frame
        for version, snapshot in enumerate(snapshots, start=1):
            if forgotten & {one[0] for one in snapshot}:
                assert version not in case_base.replayable()
                with pytest.raises(DataError, match=f"Version {version} no longer replays"):
                    case_base.replay(version)
            else:
                replayed = case_base.replay(version)
                assert [(one.id, one.values, one.label) for one in replayed.cases] == snapshot  # noqa: PD011 - no frame
                assert (replayed.version, version in case_base.replayable()) == (version, True)


def test_the_digest_by_hand() -> None:
    """SHA-256 of the hierarchy's digest, the facts as JSON, and the values as little-endian doubles."""
    cases = base(2, source="panel", by="lead")
    facts = [[f"C{i + 1}", label, 1, "panel", "", "", None, None] for i, label in enumerate(("low", "high"))]
    found = hashlib.sha256(HIERARCHY.digest.encode())
    found.update(json.dumps([[1, "built", "lead", "", None, ""], facts, None, None]).encode())
    found.update(table(2).astype("<f8").tobytes())
    assert cases.changes[0].digest == found.hexdigest()


@pytest.mark.parametrize(
    ("old", "new"), [('"by":"x"', '"by":"y"'), ('"retained"', '"merged"'), ('"note":"why"', '"note":"not"')]
)
def test_who_did_what_cannot_be_changed_outside_either(old: str, new: str) -> None:
    text = base().retain([[0.5] * 3], ["low"], by="x", note="why").model_dump_json()
    assert old in text
    with pytest.raises(ValidationError, match="version 2 does not replay"):
        cbr.CaseBase.model_validate_json(text.replace(old, new))


def test_a_digest_cannot_be_left_out() -> None:
    document = json.loads(base().model_dump_json())
    document["changes"][0]["digest"] = ""
    with pytest.raises(ValidationError, match="version 1 does not replay"):
        cbr.CaseBase.model_validate_json(json.dumps(document))


@pytest.mark.parametrize("old", ["0.6369616873214543", '"low"', '"panel"', '"members":1', "0.25"])
def test_a_document_changed_outside_is_refused(old: str) -> None:
    text = base(source="panel").retain([[0.5] * 3], ["low"], by="x").model_dump_json()
    new = {'"low"': '"high"', '"panel"': '"Panel"', '"members":1': '"members":2', "0.25": "0.26"}.get(old, "0.637")
    assert old in text
    changed = text.replace(old, new, 1).replace("0.75", "0.74" if old == "0.25" else "0.75", 1)
    with pytest.raises(ValidationError, match="version 1 does not replay: the digest of its cases") as caught:
        cbr.CaseBase.model_validate_json(changed)
    assert "0.63696" not in str(caught.value), "a message shows no figures of a case"


def test_a_forgotten_case_is_nowhere() -> None:
    cases = base(3).revise("C2", "low", by="ann", note="Miller").retain([[0.5] * 3], ["low"], by="ann")
    left = cases.forget("C2", by="privacy desk", date=DAY)
    text = left.model_dump_json()
    assert json.dumps(table(3)[1].tolist())[1:-1].replace(" ", "") not in text
    assert str(table(3)[1, 0]) in cases.model_dump_json()
    assert left.ids == ("C1", "C3", "C4")
    assert left.tombstones == (cbr.Tombstone(id="C2", forgotten=4),)
    assert left.changes[1].relabelled == {}
    assert [len(change.digest) for change in left.changes] == [0, 0, 0, 64], "old digests could be guessed at"
    assert left.replayable() == [4]
    for version in (1, 2, 3):
        with pytest.raises(DataError, match=rf"Version {version} .* held 'C2' \(forgotten in version 4\).* do: 4"):
            left.replay(version)
    later = left.retain([[0.4] * 3], ["high"], by="ann")
    assert later.ids == ("C1", "C3", "C4", "C5"), "a name is never used again"
    assert later.replay(4) == left
    assert cbr.CaseBase.model_validate_json(later.model_dump_json()) == later


def test_a_case_let_go_can_be_forgotten_too() -> None:
    cases = base(3).select(["C1", "C2"], by="cut").forget("C3", by="desk")
    assert cases.ids == ("C1", "C2")
    assert cases.replayable() == [2, 3]


def test_a_hundred_changes_replay_to_the_same_answers() -> None:
    queries = table(50, 9)
    cases, answers = base(), []
    for number in range(100):
        cases = cases.retain(table(1, 100 + number), [["low", "high"][number % 2]], by="x")
        answers.append(cbr.CaseBasedClassifier().fit(cases).retrieve(queries))
    again = cbr.CaseBase.model_validate_json(cases.model_dump_json())
    for number in (0, 1, 50, 98, 99):
        found = cbr.CaseBasedClassifier().fit(again.replay(number + 2)).retrieve(queries)
        np.testing.assert_array_equal(found.index, answers[number].index)
        np.testing.assert_array_equal(found.similarity, answers[number].similarity)


def test_differences_by_hand() -> None:
    first = base(3)
    later = (
        first.revise("C1", "high", by="x").retain([[0.5] * 3], ["low"], by="x").select(["C1", "C3", "C4"], by="x")
    )
    found = later.diff(1)
    assert (found.added, found.removed, found.revised) == (("C4",), ("C2",), (("C1", "low", "high"),))
    assert (found.changed, found.reweighted) == ((), False)
    assert later.diff(first).to_frame().equals(found.to_frame())
    assert found.to_frame().to_numpy().tolist() == [
        ["C4", "added", None, "low"],
        ["C2", "removed", "high", None],
        ["C1", "revised", "low", "high"],
    ]
    other = cbr.CaseBase.from_cases(table(3, 1), ["low", "high", "low"], HIERARCHY)
    assert other.diff(first).changed == ("C1", "C2", "C3")
    assert "3 case(s) differ; the same weights" in other.diff(first)._repr_html_()
    assert first.diff(first).to_frame().empty


# Weights ------------------------------------------------------------------------------------------------------

OTHER = grey.Hierarchy.from_weights(
    {"monetary": 0.5, "recency": 0.5}, {"monetary": {"c": 0.5, "b": 0.5}, "recency": {"a": 1.0}}
)


def test_cases_judged_by_other_weights_are_refused_unless_reweighted() -> None:
    cases = base()
    with pytest.raises(DomainError, match=r"cases was judged by other weights .*reweight\(hierarchy, by=...\)"):
        cbr.CaseBasedClassifier(OTHER).fit(cases)
    with pytest.raises(DomainError, match="other was judged by other weights"):
        cases.merge(base().reweight(OTHER, by="x"), by="x")
    moved = cases.reweight(OTHER, by="panel", note="new judgments")
    np.testing.assert_array_equal(moved.values, table(4)[:, [2, 1, 0]])
    assert list(moved.X.columns) == ["c", "b", "a"]
    assert moved.diff(1).reweighted
    assert moved.diff(1).changed == ()
    model = cbr.CaseBasedClassifier(OTHER).fit(moved)
    straight = cbr.CaseBasedClassifier(OTHER).fit(pd.DataFrame(table(4), columns=NAMES), cases.y)
    queries = pd.DataFrame(table(30, 3), columns=NAMES)
    np.testing.assert_array_equal(model.retrieve(queries).similarity, straight.retrieve(queries).similarity)
    assert moved.replay(1) == cases
    back = moved.reweight(HIERARCHY, by="x")
    np.testing.assert_array_equal(back.values, cases.values)
    with pytest.raises(DomainError, match=r"keeps its indicators, so build a new case base"):
        cases.reweight(grey.Hierarchy.equal({"g": ["a", "z"]}), by="x")


def test_bounds_move_with_the_indicators() -> None:
    lower, upper = np.array([0.0, 0.1, 0.2]), np.array([1.0, 0.95, 0.99])
    cases = cbr.CaseBase.from_cases([[0.5, 0.5, 0.5]], [1], HIERARCHY, bounds=(lower, upper)).reweight(
        OTHER, by="x"
    )
    np.testing.assert_array_equal(cases.bounds, [lower[[2, 1, 0]], upper[[2, 1, 0]]])


def test_merged_cases_keep_their_source_and_get_free_names() -> None:
    ours, theirs = base(2, source="north"), base(3, source="south", ids=["C1", "S2", "C3"])
    both = ours.merge(theirs, by="head office")
    assert both.ids == ("C1", "C2", "C5", "S2", "C3"), (
        "C1 clashes; four names are taken, so the count goes on at 5"
    )
    assert [one.source for one in both.cases] == ["north"] * 2 + ["south"] * 3
    np.testing.assert_array_equal(both.values[2:], theirs.values)  # noqa: PD011 - no frame


def test_a_merger_is_on_record_and_widens_the_bounds() -> None:
    ours = cbr.CaseBase.from_cases([[0.4] * 3, [0.5] * 3], [1, 2], HIERARCHY)
    theirs = cbr.CaseBase.from_cases([[0.6] * 3], [2], HIERARCHY, bounds=([0.0] * 3, [1.0] * 3))
    both = ours.merge(theirs.reweight(HIERARCHY, by="south", note="checked"), by="hq")
    assert (both.changes[-1].action, both.changes[-1].by) == ("merged", "hq")
    assert both.changes[-1].origin == theirs.reweight(HIERARCHY, by="south", note="checked").digest
    np.testing.assert_array_equal(both.bounds, [[0.0] * 3, [1.0] * 3])
    np.testing.assert_array_equal(theirs.merge(ours, by="hq").bounds, [[0.0] * 3, [1.0] * 3])
    plain = cbr.CaseBase.from_cases([[0.6] * 3, [0.987654] * 3], [2, 2], HIERARCHY, ids=["S1", "S2"])
    left = ours.merge(plain, by="hq").forget("S2", by="desk")
    assert left.bounds[1].tolist() == [0.6] * 3
    assert "0.987654" not in left.model_dump_json()
    assert left.changes[1].origin == "", "a digest of the other base could be guessed at"
    assert left.replayable() == [1, 3]
    assert cbr.CaseBase.model_validate_json(left.model_dump_json()) == left
    single = cbr.CaseBase.from_cases([[0.1] * 3], [1], HIERARCHY)
    with pytest.raises(DomainError, match="of several kinds"):
        single.revise("C1", "x", by="x")
    assert both.replay(1) == ours
    assert cbr.CaseBase.model_validate_json(both.model_dump_json()) == both
    with pytest.raises(DomainError, match="other is this case base itself"):
        both.merge(both, by="x")


def test_the_customer_behind_a_case_is_known_in_memory_only() -> None:
    rows = np.random.default_rng(0).random((40, 3))
    cases = cbr.build_case_base(rows, HIERARCHY, n_classes=3, representatives="all", random_state=0)
    np.testing.assert_array_equal(rows[cases.clusters.case_rows], cases.X)
    blurred = cbr.build_case_base(rows, HIERARCHY, n_classes=2, random_state=0)
    assert blurred.clusters.case_rows.tolist() == [-1, -1]
    extreme = rows.copy()
    extreme[7] = 0.987654321
    kept = cbr.build_case_base(extreme, HIERARCHY, n_classes=2, random_state=0).model_dump_json()
    assert "98765" not in kept, "a range in hundredths is no customer's figure"


# Refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "error", "match"),
    [
        (lambda c: c.revise("C9", "low", by="x"), DomainError, r"[Cc]ase 'C9' is not there; ids in force: C1, C2"),
        (lambda c: c.revise("C1", 3, by="x"), DomainError, r"[Ll]abels are of several kinds \(str, int\)"),
        (lambda c: c.revise("C1", 2.5, by="x"), DomainError, "label holds missing classes or fractions"),
        (lambda c: c.revise("C1", "a\x00", by="x"), DomainError, "label holds empty, unprintable"),
        (lambda c: c.select([1, "x"], by="x"), DomainError, "case_id is a int"),
        (lambda c: c.retain([[0.5] * 3], [3], by="x"), DomainError, "abels are of several kinds"),
        (
            lambda c: c.retain([[0.5] * 3], ["a", "b"], by="x"),
            DomainError,
            "y must hold one class a case; X has 1",
        ),
        (lambda c: c.retain([[0.5] * 3], "low", by="x"), DomainError, "y must hold one class a case"),
        (lambda c: c.retain([[1.5] * 3], ["low"], by="x"), DomainError, r"outside \[0, 1\]: scale first"),
        (lambda c: c.retain([[0.5] * 2], ["low"], by="x"), DomainError, "has 2 columns and the hierarchy 3"),
        (lambda c: c.retain([[0.5, 0.5, np.nan]], ["low"], by="x"), DataError, "missing values"),
        (lambda c: c.retain([[0.5] * 3], ["low"], by="x", ids=["C1"]), DomainError, "'C1' is used more than once"),
        (
            lambda c: c.retain([[0.5] * 3], ["low"], by="x", ids=["a", "b"]),
            DomainError,
            "ids has 2 entries and X 1",
        ),
        (lambda c: c.retain([[0.5] * 3], ["low"], by="x", members=[1, 2]), DomainError, "members has 2 entries"),
        (lambda c: c.retain([[0.5] * 3], ["low"], by="x", members=0), DomainError, "members: Input should be"),
        (lambda c: c.retain([[0.5] * 3], ["low"], by=" "), DomainError, "by is empty: say who changes"),
        (lambda c: c.retain([[0.5] * 3], ["low"], by="x", ids="A"), DomainError, "ids is a text"),
        (lambda c: c.revise("C1", None, by="x"), DomainError, r"label holds classes of the kind\(s\) NoneType"),
        (lambda c: c.revise("C1", "high", by=None), DomainError, "by: Input should be"),
        (lambda c: c.revise(1, "high", by="x"), DomainError, "case_id is a int; allowed: the name of a case"),
        (lambda c: c.select("C1", by="x"), DomainError, "ids is a text; allowed: a sequence of names"),
        (lambda c: c.select([], by="x"), DomainError, "needs at least one case"),
        (lambda c: c.select(["C1", "no"], by="x"), DomainError, r"ids has 1 name\(s\) that no case in force has"),
        (lambda c: c.forget("no", by="x"), DomainError, "case_id names no case of any version"),
        (lambda c: c.forget("C1", by="x").forget("C1", by="x"), DomainError, "'C1', which is forgotten already"),
        (lambda c: c.select(["C1"], by="x").forget("C1", by="x"), DomainError, "needs at least one case"),
        (lambda c: c.replay(0), DomainError, "version must be a whole number from 1 to 1"),
        (lambda c: c.replay(version=True), DomainError, "version must be a whole number from 1 to 1"),
        (lambda c: c.replay(2), DomainError, "version must be a whole number from 1 to 1"),
        (lambda c: c.reweight("weights", by="x"), DomainError, "hierarchy is a str; allowed: Hierarchy"),
        (lambda c: c.merge("cases", by="x"), DomainError, "other is a str; allowed: CaseBase"),
    ],
)
def test_what_does_not_fit_is_refused(act: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        act(base())


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"changes": []}, "changes"),
        ({"surplus": 1}, "surplus"),
        ({"spec_version": 2}, "spec_version"),
        ({"scaled": "yes"}, "scaled"),
    ],
)
def test_documents_are_closed(change: dict[str, Any], match: str) -> None:
    document = json.loads(base().model_dump_json()) | change
    with pytest.raises(ValidationError, match=match):
        cbr.CaseBase.model_validate_json(json.dumps(document))


def test_a_log_must_begin_with_its_weights_and_lose_nothing() -> None:
    document = json.loads(base(3).forget("C2", by="x").model_dump_json())
    headless = copy.deepcopy(document)
    headless["changes"] = headless["changes"][1:]
    with pytest.raises(ValidationError, match="first change must be 'built'"):
        cbr.CaseBase.model_validate_json(json.dumps(headless))
    undone = copy.deepcopy(document)
    undone["changes"] = undone["changes"][:1]
    with pytest.raises(ValidationError, match="the change that forgot it is missing"):
        cbr.CaseBase.model_validate_json(json.dumps(undone))
    bounds = copy.deepcopy(document)
    bounds["changes"][0]["lower"] = [0.0]
    with pytest.raises(ValidationError, match="give lower and upper together"):
        cbr.CaseBase.model_validate_json(json.dumps(bounds))
    bounds["changes"][0]["upper"] = [1.0]
    with pytest.raises(ValidationError, match="one number an indicator"):
        cbr.CaseBase.model_validate_json(json.dumps(bounds))


def test_crafted_changes_are_refused_as_documents() -> None:
    document = json.loads(base(3).revise("C1", "high", by="x").model_dump_json())
    document["changes"][1]["removed"] = ["C1", "C1"]
    with pytest.raises(ValidationError, match="case 'C1' is not there"):
        cbr.CaseBase.model_validate_json(json.dumps(document))
    twice = json.loads(base(3).model_dump_json())
    twice["changes"] += twice["changes"]
    with pytest.raises(ValidationError, match="only the first change can be 'built'"):
        cbr.CaseBase.model_validate_json(json.dumps(twice))
    bounds = json.loads(base(3).revise("C1", "high", by="x").model_dump_json())
    bounds["changes"][1] |= {"lower": [0.0] * 3, "upper": [1.0] * 3}
    with pytest.raises(ValidationError, match="lower and upper go with 'built' and 'merged'"):
        cbr.CaseBase.model_validate_json(json.dumps(bounds))


@pytest.mark.parametrize("bounds", [(0.0, 1.0), ([0.0, np.nan, 0.0], [1.0] * 3), (["a"] * 3, [1.0] * 3)])
def test_bounds_are_checked(bounds: Any) -> None:
    with pytest.raises(DomainError, match="bounds must be two sequences of finite numbers"):
        base(bounds=bounds)
    with pytest.raises(DomainError, match="one number an indicator"):
        base(bounds=([0.0], [1.0]))


def test_pickle_copy_and_hash() -> None:
    cases = base().retain([[0.5] * 3], ["low"], by="x")
    for other in (pickle.loads(pickle.dumps(cases)), copy.deepcopy(cases), cases.model_copy()):  # noqa: S301 - our own bytes
        assert other == cases
        assert hash(other) == hash(cases)
        np.testing.assert_array_equal(other.values, cases.values)
    assert cases != base()
    assert cases.digest == cbr.CaseBase.model_validate_json(cases.model_dump_json()).digest
    for shown in (cases, cases.cases[0], cases.changes[-1]):
        assert "0.5" not in repr(shown) + str(shown), "a repr shows no figures"
    inner = np.asarray(cases.values).base
    assert inner is None or not inner.flags.writeable
    copied = cases.model_copy(update={"scaled": True})
    assert copied == cases
