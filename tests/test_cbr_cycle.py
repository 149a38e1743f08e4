"""The classifier's settings and its cycle: votes, abstention, missing indicators, frozen ranges, retain, JSON."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from custvalue import cbr, grey
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from custvalue._typing import FloatArray

HIERARCHY = grey.Hierarchy.from_weights(
    {"recency": 0.25, "monetary": 0.75}, {"recency": {"a": 1.0}, "monetary": {"b": 0.25, "c": 0.75}}
)
NAMES = ["a", "b", "c"]
LABELS = np.array(["gold", "iron", "zinc"])


def rows(n: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).random((n, 3))


def labels(n: int, seed: int = 0) -> Any:
    return LABELS[np.random.default_rng(seed + 1000).integers(3, size=n)]


def base(n: int = 12, seed: int = 0) -> cbr.CaseBase:
    return cbr.CaseBase.from_cases(rows(n, seed), labels(n, seed), HIERARCHY)


def model(**settings: Any) -> cbr.CaseBasedClassifier:
    return cbr.CaseBasedClassifier(**settings).fit(base())


# Settings are those of the fit --------------------------------------------------------------------------------


def test_what_is_set_after_the_fit_waits_for_the_next() -> None:
    queries = rows(80, 6)
    fitted = model()
    answers, text = fitted.predict(queries), fitted.to_json()
    later = {"k": 5, "min_margin": 0.9, "reference": "frozen", "missing": "skip", "hierarchy": HIERARCHY}
    fitted.set_params(**later)
    np.testing.assert_array_equal(fitted.predict(queries), answers)
    assert fitted.to_json() == text
    np.testing.assert_array_equal(fitted.retain([[0.0] * 3], ["gold"], by="x").predict(queries[:9]), answers[:9])
    np.testing.assert_array_equal(cbr.CaseBasedClassifier.from_json(text).predict(queries), answers)
    with pytest.raises(DataError, match="missing values"):
        fitted.predict([[np.nan, 0.1, 0.2]])


def test_a_fit_that_fails_leaves_no_model() -> None:
    fitted = cbr.CaseBasedClassifier().fit(rows(2), ["a", "b"])
    with pytest.raises(DomainError, match="k must be"):
        fitted.set_params(k=5).fit(rows(3), ["x", "y", "z"])
    with pytest.raises(NotFittedError):
        fitted.predict(rows(2))
    first = cbr.CaseBasedClassifier(k=5)
    with pytest.raises(DomainError, match="k must be"):
        first.fit(rows(3), ["x", "y", "z"])
    with pytest.raises(NotFittedError):
        first.predict(rows(2))


@pytest.mark.parametrize(
    ("y", "match"),
    [
        (["lo", 1, True], r"of the kind\(s\) bool, int, str; allowed: one of bool, float, int, str for all"),
        ([True, 2, 0], r"of the kind\(s\) bool, int"),
        (np.array(["2026-01-01"] * 3, dtype="datetime64[D]"), r"of the kind\(s\) date"),
        (["a", "", "b"], "y holds empty, unprintable or very long texts"),
        (["a", "b" * 201, "b"], "y holds empty, unprintable or very long texts"),
        (["a", "\ud800", "b"], "y holds empty, unprintable or very long texts"),
    ],
)
def test_classes_are_of_one_kind_that_json_holds(y: Any, match: str) -> None:
    with pytest.raises(DomainError, match=match):
        cbr.CaseBasedClassifier(HIERARCHY).fit(rows(3), y)
    with pytest.raises(DomainError, match=match):
        cbr.CaseBase.from_cases(rows(3), y, HIERARCHY)


def test_classes_in_another_order_than_their_customers_are_refused() -> None:
    frame = pd.DataFrame(rows(3), columns=NAMES, index=["u", "v", "w"])
    shuffled = pd.Series(["gold", "iron", "gold"], index=["w", "u", "v"])
    with pytest.raises(DataError, match=r"y has the customers of X in another order; give y.loc\[X.index\]"):
        cbr.CaseBasedClassifier(HIERARCHY).fit(frame, shuffled)
    with pytest.raises(DataError, match="another order"):
        model().calibrate(frame, shuffled, truth="x")
    with pytest.raises(DataError, match="another order"):
        model().retain(frame, shuffled, by="x")
    assert cbr.CaseBasedClassifier(HIERARCHY).fit(frame, shuffled.loc[frame.index]).classes_.tolist()


def test_unlike_scales_without_a_hierarchy_are_warned_of() -> None:
    with pytest.warns(UserWarning, match="the widest is more than 100 times as wide as the narrowest"):
        cbr.CaseBasedClassifier().fit([[5.0, 900.0], [7.0, 100.0]], [1, 2])


# Votes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vote", ["majority", "similarity"])
@pytest.mark.parametrize("k", [1, 2, 3, 5, 12])
def test_votes_against_a_count_in_plain_python(vote: str, k: int) -> None:
    queries = rows(60, 5)
    fitted = model(k=k, vote=vote)
    alike = grey.similarity(queries, base().values, HIERARCHY)
    shares, classes = fitted.predict_proba(queries), fitted.predict(queries)
    for row, own in enumerate(alike):
        order = sorted(range(12), key=lambda case: (-own[case], case))[:k]
        votes: dict[str, float] = dict.fromkeys(LABELS.tolist(), 0.0)
        for case in order:
            votes[base().y[case]] += 1.0 if vote == "majority" else own[case]
        total = sum(votes.values())
        np.testing.assert_allclose(shares[row], [votes[label] / total for label in fitted.classes_], atol=1e-15)
        most = max(votes.values())
        best = next(base().y[case] for case in order if votes[base().y[case]] == most)
        assert classes[row] == best
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-15)


def test_a_tie_of_votes_goes_to_the_most_similar_case() -> None:
    """Two cases of 'zinc' and two of 'gold' stand at .1, .4 and .2, .3 from the customer: zinc's is nearest."""
    cases = cbr.CaseBase.from_cases(
        [[0.6], [0.7], [0.8], [0.9]], ["zinc", "gold", "gold", "zinc"], grey.Hierarchy.equal({"g": ["x"]})
    )
    assert cbr.CaseBasedClassifier(k=4).fit(cases).predict([[0.5]]).tolist() == ["zinc"]
    assert cbr.CaseBasedClassifier(k=3).fit(cases).predict([[0.5]]).tolist() == ["gold"]


# What tells how far to trust an answer ------------------------------------------------------------------------


def test_a_classification_by_hand() -> None:
    """One indicator, cases at 0, 1/2 and 1, customer at 5/8: distances 5/8, 1/8, 3/8; rho R = 5/16.

    Coefficients (1/8 + 5/16) / (d + 5/16): 7/15, 1, 7/11. The margin of the case at 1/2 against that at 1 is 4/11.
    """
    cases = cbr.CaseBase.from_cases([[0.0], [0.5], [1.0]], [1, 2, 3], grey.Hierarchy.equal({"g": ["x"]}))
    found = cbr.CaseBasedClassifier().fit(cases).classify([[0.625]])
    assert (found.predicted[0], found.case[0], found.rival[0]) == (2, "C2", 3)
    assert found.similarity[0] == 1.0
    assert found.margin[0] == pytest.approx(float(Fraction(4, 11)), abs=1e-15)
    assert (found.tied[0], found.abstained[0], found.out_of_range[0], found.missing[0]) == (False, False, 0, 0)
    assert found.confidence is None
    alike = cbr.CaseBasedClassifier().fit(cases).class_similarity([[0.625]])
    np.testing.assert_allclose(alike, [[7 / 15, 1.0, 7 / 11]], atol=1e-15)
    frame = found.to_frame()
    assert frame.loc[0, "case"] == "C2"
    assert "p_value" not in frame.columns
    assert "not calibrated" in found._repr_html_()


def test_among_equally_similar_cases_the_first_is_the_rival() -> None:
    cases = cbr.CaseBase.from_cases([[0.5], [0.9], [0.1]], ["a", "c", "b"], grey.Hierarchy.equal({"g": ["x"]}))
    fitted = cbr.CaseBasedClassifier().fit(cases)
    assert fitted.classify([[0.5]]).rival.tolist() == ["c"] == [fitted.explain([[0.5]])[0].rival]


@pytest.mark.parametrize("k", [1, 5])
def test_margins_against_brute_force(k: int) -> None:
    queries = rows(80, 6)
    fitted = model(k=k)
    found = fitted.classify(pd.DataFrame(queries, columns=NAMES, index=[f"r{i}" for i in range(80)]))
    alike, y = grey.similarity(queries, base().values, HIERARCHY), base().y
    np.testing.assert_array_equal(found.predicted, fitted.predict(queries))
    for row, own in enumerate(alike):
        same = y == found.predicted[row]
        assert found.similarity[row] == own[same].max()
        assert found.case[row] == f"C{np.flatnonzero(same & (own == own[same].max()))[0] + 1}"
        assert found.margin[row] == own[same].max() - own[~same].max()
        assert found.rival[row] == y[np.flatnonzero(~same & (own == own[~same].max()))[0]]
    assert (found.margin < 0).any() == (k > 1), "a vote may overrule the nearest case, the nearest case cannot"
    assert found.customers[:2] == ("r0", "r1")
    assert list(found.to_frame().index[:2]) == ["r0", "r1"]


def test_the_model_abstains_below_the_margin() -> None:
    queries = rows(80, 6)
    plain = model().classify(queries)
    cut = float(np.median(plain.margin))
    careful = model(min_margin=cut, abstain_label="unclear")
    found = careful.classify(queries)
    np.testing.assert_array_equal(found.abstained, plain.margin < cut)
    expected = np.where(plain.margin < cut, "unclear", plain.predicted)
    np.testing.assert_array_equal(found.predicted, expected)
    np.testing.assert_array_equal(careful.predict(queries), expected)
    assert 0 < found.abstained.sum() < 80


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"min_margin": 0.1}, r"abstain_label must say .* of their kind \(str\)"),
        ({"min_margin": 0.1, "abstain_label": "gold"}, "one that is no class"),
        ({"min_margin": 0.1, "abstain_label": 0}, "of their kind"),
        ({"min_margin": 1.0, "abstain_label": "x"}, "min_margin must be a number from 0"),
        ({"min_margin": -0.1}, "min_margin must be a number from 0"),
        ({"min_margin": float("nan")}, "min_margin must be a number from 0"),
        ({"min_margin": "small"}, "min_margin must be a number from 0"),
        ({"k": 0}, "k must be a whole number from 1 to the number of cases, 12"),
        ({"k": 13}, "k must be a whole number from 1 to the number of cases, 12"),
        ({"k": 2.0}, "k must be a whole number"),
        ({"k": True}, "k must be a whole number"),
        ({"vote": "loud"}, "vote must be one of majority, similarity"),
        ({"reference": "query"}, "reference must be one of cases, frozen"),
        ({"missing": "fill"}, "missing must be one of raise, skip"),
        ({"engine": "fortran"}, "engine must be one of auto, numpy, numba"),
        ({"n_threads": 0}, "n_threads must be a whole number from 1"),
        ({"min_margin": "0.1", "abstain_label": "x"}, "min_margin must be a number from 0"),
        ({"min_margin": 0.1, "abstain_label": ""}, "abstain_label holds empty, unprintable or very long texts"),
        ({"abstain_label": float("nan")}, "abstain_label holds missing classes or fractions"),
        ({"abstain_label": ("a",)}, r"abstain_label holds classes of the kind\(s\) tuple"),
        ({"n_threads": 2000}, "n_threads must be a whole number from 1 to 1024"),
        ({"hierarchy": "weights"}, "hierarchy is a str; allowed: Hierarchy"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], match: str) -> None:
    with pytest.raises(DomainError, match=match):
        model(**settings)


def test_values_out_of_range_are_counted() -> None:
    bounds = ([0.2, 0.2, 0.2], [0.8, 0.8, 0.8])
    cases = cbr.CaseBase.from_cases([[0.4] * 3, [0.6] * 3], [1, 2], HIERARCHY, bounds=bounds)
    found = cbr.CaseBasedClassifier().fit(cases).classify([[0.2, 0.5, 0.8], [0.1, 0.5, 0.9], [0.0] * 3])
    assert found.out_of_range.tolist() == [0, 2, 3]


def test_one_class_has_no_rival() -> None:
    cases = cbr.CaseBase.from_cases(rows(3), ["gold"] * 3, HIERARCHY)
    found = cbr.CaseBasedClassifier().fit(cases).classify(rows(2, 1))
    assert found.rival.tolist() == [None, None]
    np.testing.assert_array_equal(found.margin, found.similarity)


# Missing indicators -------------------------------------------------------------------------------------------


def test_a_missing_indicator_is_refused_by_default() -> None:
    queries = rows(4)
    queries[1, 2] = np.nan
    with pytest.raises(DataError, match=r"missing values .* 1 cell\(s\) in 'c'"):
        model().predict(queries)
    with pytest.raises(DataError, match=r"missing values .* 1 cell\(s\) in 'c'"):
        model(missing="skip").retain(queries, ["gold"] * 4, by="x")


@pytest.mark.parametrize("reference", ["cases", "frozen"])
def test_skipped_indicators_leave_weights_and_ranges(reference: str) -> None:
    """The second route: a model that never had those columns, its weights renormalised by hand."""
    weights: dict[tuple[int, ...], dict[str, dict[str, float]]] = {
        (0,): {"monetary": {"b": 0.25, "c": 0.75}},
        (1,): {"recency": {"a": 1.0}, "monetary": {"c": 1.0}},
        (2,): {"recency": {"a": 1.0}, "monetary": {"b": 1.0}},
        (0, 2): {"monetary": {"b": 1.0}},
    }
    for lacks, local in weights.items():
        control = {"recency": 0.25, "monetary": 0.75}
        kept = {name: control[name] / sum(control[one] for one in local) for name in local}
        hierarchy = grey.Hierarchy.from_weights(kept, local)
        keep = [place for place in range(3) if place not in lacks]
        ranges = grey.FrozenRanges.from_cases(base().values, HIERARCHY).subset([NAMES[i] for i in keep])
        small = grey.similarity(
            rows(9, 4)[:, keep],
            np.array(base().values)[:, keep],
            hierarchy,
            ranges=ranges if reference == "frozen" else None,
        )
        queries = rows(9, 4)
        queries[:, list(lacks)] = np.nan
        found = model(missing="skip", reference=reference).retrieve(queries, k=12)
        back = np.take_along_axis(small, found.index, axis=1)
        np.testing.assert_allclose(found.similarity, back, rtol=0, atol=1e-14)
        assert (np.diff(found.similarity, axis=1) <= 0).all()


def test_customers_who_lack_different_indicators_keep_their_places() -> None:
    queries = rows(40, 2)
    rng = np.random.default_rng(3)
    queries[rng.random((40, 3)) < 0.3] = np.nan
    queries = queries[~np.isnan(queries).all(axis=1)]
    fitted = model(missing="skip", k=3)
    together = fitted.classify(queries)
    assert len(np.unique(np.isnan(queries), axis=0)) > 4
    for row, one in enumerate(queries):
        alone = fitted.classify(one[None, :])
        assert alone.predicted[0] == together.predicted[row]
        assert alone.margin[0] == together.margin[row]
        assert together.missing[row] == np.isnan(one).sum()
        assert together.missing_weight[row] == pytest.approx(
            HIERARCHY.global_weights[np.isnan(one)].sum(), abs=1e-15
        )
    np.testing.assert_allclose(fitted.predict_proba(queries).sum(axis=1), 1.0, atol=1e-15)


def test_complete_customers_do_not_notice_who_else_is_asked_for() -> None:
    """Weights renormalised by a sum one ulp off one would change a customer's p-value."""
    weights = {"r": 0.33, "f": 0.59, "m": 0.08}
    local = {"r": {"a": 0.06, "b": 0.94}, "f": {"c": 0.36, "d": 0.64}, "m": {"e": 1.0}}
    cases = cbr.CaseBase.from_cases([[0.0] * 5, [1.0] * 5], [1, 2], grey.Hierarchy.from_weights(weights, local))
    fitted = cbr.CaseBasedClassifier(missing="skip").fit(cases)
    whole, lacking = [0.0, 0.4, 0.2, 0.9, 0.4], [0.5, np.nan, 0.5, 0.5, 0.5]
    sure = fitted.calibrate([whole] * 40 + [lacking], [1] * 20 + [2] * 20 + [1], truth="constructed")
    np.testing.assert_array_equal(sure.p_values([whole]), sure.p_values([whole, lacking])[:1])


def test_a_customer_without_any_indicator_is_refused() -> None:
    with pytest.raises(DataError, match="customers without any indicator that has weight"):
        model(missing="skip").predict([[np.nan] * 3])
    with pytest.raises(DataError, match="missing values"):
        cbr.CaseBasedClassifier(missing="skip").fit([[np.nan, 1.0], [1.0, 1.0]], [1, 2])


# Frozen ranges ------------------------------------------------------------------------------------------------


def test_frozen_ranges_keep_old_similarities() -> None:
    queries = rows(50, 7)
    far = [[0.0, 1.0, 0.0]]
    frozen, moving = model(reference="frozen"), model()
    before, after = (one.retrieve(queries, k=12) for one in (frozen, frozen.retain(far, ["gold"], by="x")))
    kept = after.index < 12
    for row in range(50):
        own = dict(zip(after.index[row].tolist(), after.similarity[row].tolist(), strict=True))
        for case, alike in zip(before.index[row].tolist(), before.similarity[row].tolist(), strict=True):
            assert own.get(case, alike) == alike
    assert kept.any()
    old, new = moving.class_similarity(queries), moving.retain(far, ["gold"], by="x").class_similarity(queries)
    assert (old != new).any(), "the source's ranges move with the cases"
    assert frozen.ranges_ == grey.FrozenRanges.from_cases(base().values, HIERARCHY)
    assert frozen.retain(far, ["gold"], by="x").ranges_ == frozen.ranges_
    assert moving.ranges_ is None


def test_a_frozen_model_replays_with_its_ranges() -> None:
    queries = rows(60, 9)
    first = model(reference="frozen")
    second = first.retain([[0.0, 1.0, 0.0]], ["gold"], by="x", ids=["late"])
    third = second.retain([[1.0, 0.0, 1.0]], ["zinc"], by="x")
    np.testing.assert_array_equal(third.replay(2).classify(queries).margin, second.classify(queries).margin)
    np.testing.assert_array_equal(third.replay(1).classify(queries).margin, first.classify(queries).margin)
    late = third.forget("late", queries, by="desk").model
    assert late.ranges_ == first.ranges_, "the case came after the ranges were frozen"
    np.testing.assert_array_equal(late.replay(1).classify(queries).margin, first.classify(queries).margin)
    early = third.forget("C1", queries, by="desk").model
    assert early.ranges_ == grey.FrozenRanges.from_cases(early.cases_, HIERARCHY)
    again = cbr.CaseBasedClassifier.from_json(early.retain([[0.5] * 3], ["gold"], by="x").to_json())
    np.testing.assert_array_equal(again.replay(4).classify(queries).margin, early.classify(queries).margin)
    with pytest.raises(DataError, match="Version 3 no longer replays"):
        again.replay(3)
    gone = cbr.CaseBase.from_cases(rows(4), ["gold", "iron"] * 2, HIERARCHY).select(["C1", "C2", "C3"], by="x")
    kept = cbr.CaseBasedClassifier(reference="frozen").fit(gone)
    frozen = kept.forget("C4", queries, by="desk").model
    assert frozen.ranges_ == kept.ranges_, "the case had gone before the ranges were frozen"
    np.testing.assert_array_equal(frozen.replay(2).classify(queries).margin, kept.classify(queries).margin)
    grown = cbr.CaseBase.from_cases(rows(3), ["gold", "iron", "gold"], HIERARCHY).retain(
        [[0.0] * 3], ["gold"], by="x"
    )
    anew = cbr.CaseBasedClassifier(reference="frozen").fit(grown).forget("C4", queries, by="desk").model
    with pytest.raises(DataError, match="Version 1 was graded by other ranges: they were frozen in version 3"):
        anew.replay(1)
    document = json.loads(anew.to_json()) | {"frozen_at": 99}
    with pytest.raises(DataError, match="frozen_at lies beyond the last version"):
        cbr.CaseBasedClassifier.from_json(json.dumps(document))


def test_a_replay_across_other_weights_has_their_columns() -> None:
    other = grey.Hierarchy.from_weights(
        {"monetary": 0.5, "recency": 0.5}, {"monetary": {"c": 0.5, "b": 0.5}, "recency": {"a": 1.0}}
    )
    later = cbr.CaseBasedClassifier().fit(base().reweight(other, by="x"))
    assert later.feature_names_in_.tolist() == ["c", "b", "a"]
    assert later.replay(1).feature_names_in_.tolist() == NAMES
    np.testing.assert_array_equal(later.replay(1).predict(rows(30, 5)), model().predict(rows(30, 5)))


# The cycle ----------------------------------------------------------------------------------------------------


def test_changes_give_new_models_and_leave_the_old() -> None:
    queries = rows(60, 8)
    first = model(k=3, vote="similarity")
    answers = first.classify(queries)
    later = first.retain(queries[:2], ["gold", "lead"], by="ann").revise("C1", "zinc", by="bob")
    assert type(later) is cbr.CaseBasedClassifier
    assert (later.k, later.vote) == (3, "similarity")
    assert later.classes_.tolist() == ["gold", "iron", "lead", "zinc"]
    assert later.case_base_.version == 3
    assert later.retrieve(queries[:2]).index[:, 0].tolist() == [12, 13]
    np.testing.assert_array_equal(first.classify(queries).margin, answers.margin)
    straight = cbr.CaseBasedClassifier(k=3, vote="similarity").fit(later.case_base_)
    np.testing.assert_array_equal(straight.classify(queries).margin, later.classify(queries).margin)
    replayed = cbr.CaseBasedClassifier(k=3, vote="similarity").fit(later.case_base_.replay(1))
    np.testing.assert_array_equal(replayed.classify(queries).margin, answers.margin)


def test_a_model_fitted_on_a_table_has_a_case_base_too() -> None:
    frame = pd.DataFrame(rows(6), columns=NAMES)[["c", "a", "b"]]
    fitted = cbr.CaseBasedClassifier(HIERARCHY).fit(frame, [1, 2, 1, 2, 1, 2])
    np.testing.assert_array_equal(fitted.case_base_.values, rows(6))
    later = fitted.retain(frame.head(1), [2], by="x")
    np.testing.assert_array_equal(later.cases_[6], rows(6)[0])
    assert later.feature_names_in_.tolist() == ["c", "a", "b"]
    with pytest.raises(ValueError, match="feature names"):
        later.predict(frame[["a", "b", "c"]])
    unscaled = cbr.CaseBasedClassifier().fit([[5.0, 9.0], [7.0, 1.0]], [1, 2])
    assert not unscaled.case_base_.scaled
    assert unscaled.retain([[6.0, 20.0]], [3], by="x").predict([[6.0, 19.0]]).tolist() == [3]


def test_forgetting_reports_the_answers_that_change() -> None:
    queries = pd.DataFrame(rows(80, 9), columns=NAMES, index=[f"K{i}" for i in range(80)])
    before = model()
    found = before.forget("C4", queries, by="privacy desk")
    assert found.tombstone == cbr.Tombstone(id="C4", forgotten=2)
    assert "C4" not in found.model.case_names_
    old, new = before.classify(queries), found.model.classify(queries)
    changed = [i for i in range(80) if old.predicted[i] != new.predicted[i]]
    other = [i for i in range(80) if old.case[i] != new.case[i]]
    assert np.flatnonzero(found.changes.class_changed).tolist() == changed
    assert np.flatnonzero(found.changes.case_changed).tolist() == other
    assert list(found.changes.to_frame().index) == [f"K{i}" for i in range(80) if i in changed or i in other]
    assert found.changes.in_words() == (
        f"{len(changed)} of 80 customers get another class, {len(other)} another nearest case."
    )
    assert other
    assert all(case != "C4" for case in new.case)
    assert "C4 is forgotten" in found._repr_html_()
    with pytest.raises(DomainError, match="after is a str; allowed: a fitted CaseBasedClassifier"):
        cbr.changed_answers(before, "model", queries)  # type: ignore[arg-type]  # meant wrong


def test_forgetting_must_leave_enough_cases() -> None:
    with pytest.raises(DomainError, match=r"11 case\(s\) would stay and k is 12: fit a model with a smaller k"):
        model(k=12).forget("C1", rows(2), by="x")


def test_an_id_is_no_html() -> None:
    cases = cbr.CaseBase.from_cases(rows(3), [1, 2, 2], HIERARCHY, ids=["<script>", "b", "c"])
    found = cbr.CaseBasedClassifier().fit(cases).forget("<script>", rows(2), by="<i>")
    shown = (found, found.changes, found.model.case_base_, cases.diff(cases), found.model.classify(rows(2)))
    for text in (one._repr_html_() for one in shown):
        assert "<script>" not in text
        assert "<i>" not in text


def test_changed_answers_of_one_model_are_none() -> None:
    found = cbr.changed_answers(model(), model(), rows(20, 3))
    assert found.to_frame().empty
    assert not found.class_changed.any()


# Columns ------------------------------------------------------------------------------------------------------


def test_a_model_of_a_case_base_matches_columns_by_name() -> None:
    frame = pd.DataFrame(rows(20, 3), columns=NAMES)
    expected = model().predict(rows(20, 3))
    np.testing.assert_array_equal(model().predict(frame[["c", "b", "a"]].assign(more=1.0)), expected)
    with pytest.raises(ColumnError, match="missing: 'b'"):
        model().predict(frame[["a", "c"]])
    assert model().n_features_in_ == 3
    assert model().feature_names_in_.tolist() == NAMES


def test_a_case_base_brings_its_classes() -> None:
    with pytest.raises(DomainError, match=r"a CaseBase has its own classes: call fit\(cases\)"):
        cbr.CaseBasedClassifier().fit(base(), [1] * 12)


@pytest.mark.parametrize("act", ["predict", "predict_proba", "retrieve", "classify", "explain", "p_values"])
def test_an_unfitted_model_says_so(act: str) -> None:
    with pytest.raises(NotFittedError):
        getattr(cbr.CaseBasedClassifier(), act)(rows(2))
    with pytest.raises(NotFittedError):
        cbr.CaseBasedClassifier().to_json()
    with pytest.raises(NotFittedError):
        _ = cbr.CaseBasedClassifier().case_base_
    with pytest.raises(NotFittedError):
        cbr.CaseBasedClassifier().revise("C1", 1, by="x")


# Calibration --------------------------------------------------------------------------------------------------


def calibrated() -> cbr.CaseBasedClassifier:
    return model().calibrate(rows(90, 20), labels(90, 20), truth="drawn by lot")


def test_a_calibrated_model_says_how_sure_it_is() -> None:
    queries = rows(40, 21)
    plain, sure = model(), calibrated()
    assert plain.calibration_ is None
    np.testing.assert_array_equal(sure.predict(queries), plain.predict(queries))
    values = sure.p_values(queries)
    found = sure.classify(queries)
    assert found.p_value is not None
    assert found.confidence is not None
    for row, own in enumerate(values):
        place = sure.classes_.tolist().index(found.predicted[row])
        assert found.p_value[row] == own[place]
        assert found.confidence[row] == 1.0 - np.delete(own, place).max()
    assert {"p_value", "confidence"} <= set(found.to_frame().columns)
    sets = sure.predict_set(queries, level=0.8)
    assert sets.truth == "drawn by lot"
    assert sure.explain(queries[:1])[0].p_values is not None
    checked = sure.coverage(rows(60, 22), labels(60, 22), levels=[0.8])
    assert checked.customers.sum() == 60


def test_a_changed_model_is_no_longer_calibrated() -> None:
    for later in (
        calibrated().revise("C1", "zinc", by="x"),
        calibrated().retain([[0.5] * 3], ["gold"], by="x"),
        calibrated().forget("C1", rows(2), by="x").model,
    ):
        assert later.calibration_ is None
        with pytest.raises(DomainError, match=r"not calibrated: call calibrate\(X, y, truth=...\)"):
            later.p_values(rows(2))
        with pytest.raises(DomainError, match="not calibrated"):
            later.predict_set(rows(2))


def test_calibrating_on_the_cases_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="12 of 12 calibration customers have exactly the figures of a case"):
        model().calibrate(base().X, base().y, truth="x")


def test_a_calibration_says_nothing_about_customers_unlike_any_it_saw() -> None:
    sure = model(missing="skip").calibrate(rows(90, 20), labels(90, 20), truth="drawn by lot")
    queries = rows(5, 21)
    queries[2, 1] = np.nan
    for act in (sure.p_values, sure.predict_set):
        with pytest.raises(
            DataError, match=r"X has 1 customer\(s\) with missing indicators, and the calibration saw"
        ):
            act(queries)
    found = sure.classify(queries)
    assert found.p_value is not None
    assert np.isnan(found.p_value).tolist() == [False, False, True, False, False]
    reasons = sure.explain(queries)
    assert [one.p_values is None for one in reasons] == [False, False, True, False, False]
    seen = rows(90, 20)
    seen[::3, 1] = np.nan
    other = model(missing="skip").calibrate(seen, labels(90, 20), truth="drawn by lot")
    assert other.calibration_ is not None
    assert other.calibration_.incomplete == 30
    assert not np.isnan(other.p_values(queries)).any()


def test_calibration_customers_must_have_known_classes() -> None:
    with pytest.raises(DataError, match=r"y has 1 class\(es\) that the model does not have; allowed: \['gold'"):
        model().calibrate(rows(2), ["gold", "lead"], truth="x")
    with pytest.raises(DomainError, match="X has 2 customers and y 1 classes"):
        model().calibrate(rows(2), ["gold"], truth="x")


def test_a_model_shows_itself_without_figures_of_cases() -> None:
    text = calibrated()._repr_mimebundle_()["text/html"]
    assert text == calibrated()._repr_html_()
    for word in ("12, version 1, standing for 12 customers", "gold, iron, zinc", "against: drawn by lot"):
        assert word in text
    assert f"{base().X.to_numpy()[0, 0]:.4g}" not in text
    inside = make_pipeline(cbr.CaseBasedClassifier().fit(base()))._repr_mimebundle_()["text/html"]
    assert f"{base().X.to_numpy()[0, 0]:.2f}" not in inside
    assert "cases_<" not in inside
    assert "<style>" in cbr.CaseBasedClassifier()._repr_mimebundle_()["text/html"], "unfitted, scikit-learn's own"


# JSON ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"k": 3, "vote": "similarity", "reference": "frozen"},
        {"missing": "skip", "min_margin": 0.03, "abstain_label": "unclear"},
        {"hierarchy": HIERARCHY, "engine": "numpy", "n_threads": 2},
    ],
)
def test_a_model_goes_to_json_and_back(settings: dict[str, Any]) -> None:
    queries = rows(70, 11)
    first = model(**settings).retain(rows(2, 30), ["gold", "zinc"], by="x")
    first = first.calibrate(rows(60, 20), labels(60, 20), truth="drawn by lot")
    text = first.to_json()
    again = cbr.CaseBasedClassifier.from_json(text)
    assert again.to_json() == text
    assert again.get_params() == first.get_params()
    one, other = first.classify(queries), again.classify(queries)
    for name in ("predicted", "case", "similarity", "margin", "rival", "p_value", "confidence"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_array_equal(first.predict_proba(queries), again.predict_proba(queries))
    assert again.case_base_ == first.case_base_
    assert again.explain(queries[:1])[0].in_words() == first.explain(queries[:1])[0].in_words()


@given(st.lists(st.floats(0.0, 1.0), min_size=6, max_size=6), st.sampled_from([[1, 2], ["a", "b"], [0.5, 1.5]]))
def test_json_keeps_every_bit(values: list[float], y: list[Any]) -> None:
    table = np.array(values).reshape(2, 3)
    first = cbr.CaseBasedClassifier(HIERARCHY).fit(
        table, [str(one) if isinstance(one, float) else one for one in y]
    )
    again = cbr.CaseBasedClassifier.from_json(first.to_json())
    assert again.cases_.tobytes() == first.cases_.tobytes()
    np.testing.assert_array_equal(again.classes_, first.classes_)
    assert again.predict(rows(5)).tolist() == first.predict(rows(5)).tolist()


def test_a_model_of_a_frame_keeps_its_columns_through_json() -> None:
    frame = pd.DataFrame(rows(6), columns=NAMES)[["c", "a", "b"]]
    first = cbr.CaseBasedClassifier(HIERARCHY).fit(frame, [1, 2, 1, 2, 1, 2])
    again = cbr.CaseBasedClassifier.from_json(first.to_json().encode())
    np.testing.assert_array_equal(again.predict(frame), first.predict(frame))
    assert again.feature_names_in_.tolist() == ["c", "a", "b"]


def _document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(model(reference="frozen").to_json())
    return found


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"k": 0}, "text is no model document: k: "),
        ({"surplus": 1}, "surplus: Extra inputs"),
        ({"vote": "loud"}, "vote: "),
        ({"min_margin": 2.0}, "min_margin: "),
        ({"ranges": None}, "ranges do not fit reference"),
        ({"reference": "cases"}, "ranges do not fit reference"),
        ({"feature_names": ["a", "b", "z"]}, "feature_names are not the indicators"),
        (
            {"hierarchy": json.loads(grey.Hierarchy.equal({"g": NAMES}).model_dump_json())},
            "hierarchy is not the one",
        ),
        ({"n_threads": 10**6}, "n_threads: "),
    ],
)
def test_bad_model_documents_are_refused(change: dict[str, Any], match: str) -> None:
    with pytest.raises(DataError, match=match):
        cbr.CaseBasedClassifier.from_json(json.dumps(_document() | change))


def test_a_calibration_of_other_cases_is_refused() -> None:
    document = json.loads(calibrated().to_json())
    document["case_base"] = json.loads(base(13).model_dump_json())
    with pytest.raises(DataError, match="calibration belongs to other cases than case_base"):
        cbr.CaseBasedClassifier.from_json(json.dumps(document))


@pytest.mark.parametrize("change", ["fewer", "permuted", "more"])
def test_a_calibration_of_other_classes_is_refused(change: str) -> None:
    document = json.loads(calibrated().to_json())
    known = document["calibration"]
    if change == "fewer":
        known["classes"], known["scores"] = known["classes"][:1], known["scores"][:1]
    elif change == "permuted":
        known["classes"] = known["classes"][::-1]
    else:
        known["classes"], known["scores"] = [*known["classes"], "lead"], [*known["scores"], []]
    with pytest.raises(DataError, match="calibration has other classes than case_base"):
        cbr.CaseBasedClassifier.from_json(json.dumps(document))


def test_parts_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(DataError, match="do not belong together: k must be a whole number from 1"):
        cbr.CaseBasedClassifier.from_json(json.dumps(_document() | {"k": 99}))
    with pytest.raises(DataError, match="do not belong together: min_margin asks the model to abstain"):
        cbr.CaseBasedClassifier.from_json(json.dumps(_document() | {"min_margin": 0.5}))
    with pytest.raises(DomainError, match="text is a PosixPath; allowed: the text of a model"):
        cbr.CaseBasedClassifier.from_json(Path("model.json"))  # type: ignore[arg-type]  # meant wrong


def test_messages_about_documents_show_no_figures() -> None:
    document = _document()
    document["case_base"]["changes"][0]["added"][0]["values"][0] = 123.456
    with pytest.raises(DataError, match=r"outside \[0, 1\]") as caught:
        cbr.CaseBasedClassifier.from_json(json.dumps(document))
    assert "123" not in str(caught.value)
    with pytest.raises(DataError, match="text is no model document: document: Invalid JSON"):
        cbr.CaseBasedClassifier.from_json("{")
