"""Conformal p-values and sets: exact laws by enumeration, coverage by simulation that can fail, refusals."""

from __future__ import annotations

import itertools
import json
import math
from fractions import Fraction
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from custvalue import cbr, grey
from custvalue._case_based.conformal import calibrate, digest_of_cases, p_values, strangeness
from custvalue._case_based.coverage import coverage
from custvalue._case_based.prediction_sets import prediction_sets
from custvalue._case_based.retrieval import Retrieval
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import FloatArray, IntArray

HIERARCHY = grey.Hierarchy.from_weights(
    {"recency": 0.25, "monetary": 0.75}, {"recency": {"a": 1.0}, "monetary": {"b": 0.25, "c": 0.75}}
)
TRUTH = "classes drawn by the test"


def retrieval(cases: FloatArray, codes: Sequence[int] | IntArray, n_classes: int = 3, **more: Any) -> Retrieval:
    return Retrieval(HIERARCHY, cases, np.asarray(codes), n_classes, **more)


def prescribed(n_classes: int) -> Any:
    """A stand-in whose similarities to the classes are the customer's own figures."""
    names = [f"class {code}" for code in range(n_classes)]
    return SimpleNamespace(
        hierarchy=grey.Hierarchy.equal({"all": names}),
        cases=np.eye(n_classes),
        codes=np.arange(n_classes),
        n_classes=n_classes,
        ranges=None,
        by_class=lambda queries: SimpleNamespace(similarity=queries),
    )


def calibration(core: Any, scores: Sequence[Sequence[float]]) -> cbr.Calibration:
    return cbr.Calibration(
        classes=list(range(len(scores))),
        scores=[sorted(own) for own in scores],
        truth=TRUTH,
        cases_digest=digest_of_cases(core),
    )


def random_base(rng: np.random.Generator, sizes: Sequence[int] = (6, 5, 4)) -> Retrieval:
    codes = np.repeat(np.arange(len(sizes)), sizes)
    return retrieval(rng.random((len(codes), 3)), codes, len(sizes))


# The score ----------------------------------------------------------------------------------------------------


def test_the_score_is_as_it_is_written() -> None:
    """Largest similarity to a case of another class less that to one of the class itself, from all pairs."""
    rng = np.random.default_rng(0)
    core, queries = random_base(rng), rng.random((40, 3))
    alike = grey.similarity(queries, core.cases, HIERARCHY)
    wanted = [
        [row[core.codes != code].max() - row[core.codes == code].max() for code in range(3)] for row in alike
    ]
    np.testing.assert_array_equal(strangeness(core, queries), wanted)


def test_where_there_is_no_case_the_similarity_is_zero() -> None:
    rng = np.random.default_rng(1)
    cases, queries = rng.random((5, 3)), rng.random((7, 3))
    best = grey.similarity(queries, cases, HIERARCHY).max(axis=1)
    alone = strangeness(retrieval(cases, [0] * 5, 1), queries)
    np.testing.assert_array_equal(alone, -best[:, None])
    gap = strangeness(retrieval(cases, [0] * 5, 2), queries)
    np.testing.assert_array_equal(gap, np.stack([-best, best], axis=1))


def test_a_class_without_cases_still_has_valid_p_values() -> None:
    rng = np.random.default_rng(2)
    core = retrieval(rng.random((5, 3)), [0] * 5, 2)
    fitted = calibrate(core, rng.random((12, 3)), np.arange(12) % 2, labels=["a", "b"], truth=TRUTH)
    assert all(math.isfinite(score) for own in fitted.scores for score in own)
    found = p_values(core, fitted, rng.random((9, 3)))
    assert ((found > 0.0) & (found <= 1.0)).all()


# p-values -----------------------------------------------------------------------------------------------------


def exact_p(own: Sequence[float], score: float) -> Fraction:
    return Fraction(sum(one >= score for one in own) + 1, len(own) + 1)


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.sampled_from([-0.5, -0.25, 0.0, 0.25]), max_size=12), min_size=2, max_size=3),
    st.randoms(use_true_random=False),
    st.sampled_from([0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.99]),
)
def test_p_values_and_sets_by_exact_fractions(scores: list[list[float]], random: Any, level: float) -> None:
    core = prescribed(len(scores))
    queries = np.array([[random.choice([0.25, 0.5, 0.75]) for _ in scores] for _ in range(5)])
    fitted = calibration(core, scores)
    wanted = [
        [
            exact_p(own, max(value for other, value in enumerate(row) if other != code) - row[code])
            for code, own in enumerate(scores)
        ]
        for row in queries.tolist()
    ]
    np.testing.assert_allclose(
        p_values(core, fitted, queries), [[float(p) for p in row] for row in wanted], rtol=1e-15
    )
    tail = 1 - Fraction(str(level))
    sets = prediction_sets(core, fitted, queries, level=level)
    assert sets.member.tolist() == [[p > tail for p in row] for row in wanted]
    assert sets.attainable.tolist() == [Fraction(1, len(own) + 1) <= tail for own in scores]
    assert sets.member[:, ~sets.attainable].all()


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_vovk2012_small_sample_law_by_all_orders(n: int) -> None:
    """With n + 1 exchangeable scores that differ, P(p <= j / (n + 1)) is j / (n + 1), order by order."""
    core = prescribed(2)
    found = []
    for order in itertools.permutations(range(n + 1)):
        scores = [rank / 10.0 for rank in order]
        fitted = calibration(core, [scores[:n], []])
        customer = np.array([[0.0, scores[n]]])  # its score for class 0 is scores[n]
        found.append(p_values(core, fitted, customer)[0, 0])
    for j in range(1, n + 2):
        assert sum(p <= j / (n + 1) + 1e-12 for p in found) * (n + 1) == j * math.factorial(n + 1)


def test_ties_only_raise_p() -> None:
    """Two of four scores tie: in no order is p smaller than without the tie, and in some it is larger."""
    core = prescribed(2)
    law: dict[bool, list[float]] = {}
    for tied, values in ((False, (0.0, 0.1, 0.2, 0.3)), (True, (0.0, 0.1, 0.1, 0.3))):
        law[tied] = [
            p_values(core, calibration(core, [order[:3], []]), np.array([[0.0, order[3]]]))[0, 0]
            for order in itertools.permutations(values)
        ]
    assert all(b >= a for a, b in zip(law[False], law[True], strict=True))
    assert law[True] != law[False]


def test_a_class_without_calibration_customers_has_p_value_one() -> None:
    core = prescribed(2)
    found = p_values(core, calibration(core, [[0.1], []]), np.array([[0.2, 0.9], [0.9, 0.2]]))
    assert found[:, 1].tolist() == [1.0, 1.0]


# Sets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("level", "needed"), [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19), (0.99, 99), (0.999, 999)])
def test_how_many_customers_a_level_needs(level: float, needed: int) -> None:
    core = prescribed(2)
    enough = [-0.1] * needed
    fitted = calibration(core, [enough, enough[1:]])
    sets = prediction_sets(core, fitted, np.array([[0.0, 1.0], [0.0, 0.0]]), level=level)
    assert sets.needed == needed
    assert sets.attainable.tolist() == [True, False]
    # The first customer is as strange as can be in class 0 and is left out of it; nobody is left out of class 1.
    assert sets.member.tolist() == [[False, True], [False, True]]


def test_a_level_is_read_as_it_is_written() -> None:
    """1 - 0.9 in floats is less than 1/10, by which a p-value of 1/10 would be kept."""
    assert 1.0 - 0.9 < 0.1
    core = prescribed(2)
    fitted = calibration(core, [[-0.1] * 9, [-0.1] * 9])
    levels: list[Any] = [0.9, np.float32(0.9), np.float64(0.9), Fraction(9, 10)]
    for level in levels:
        sets = prediction_sets(core, fitted, np.array([[0.2, 0.8]]), level=level)
        assert sets.p_values[0, 0] == 0.1
        assert sets.member.tolist() == [[False, True]]


def test_the_frame_says_what_is_single_empty_and_not_attainable() -> None:
    core = prescribed(3)
    fitted = calibration(core, [[-0.3] * 9, [-0.3] * 9, [-0.3] * 4])
    queries = np.array([[0.9, 0.1, 0.1], [0.5, 0.4, 0.3], [0.1, 0.2, 0.9]])
    sets = prediction_sets(core, fitted, queries, level=0.9, customers=["u", "v", "w"])
    frame = sets.to_frame()
    assert list(frame.columns) == ["customer", "set", "size", "credibility", "confidence", "single", "empty"]
    assert frame["customer"].tolist() == ["u", "v", "w"]
    assert frame["set"].tolist() == ["0, 2 (not attainable)", "2 (not attainable)", "2 (not attainable)"]
    assert frame["size"].tolist() == [2, 1, 1]
    assert not frame["single"].any()
    assert not frame["empty"].any()
    assert sets.sets == ((0, 2), (2,), (2,))
    page = sets._repr_html_()
    assert "Not attainable: 2 (4 calibration customers); the level needs 9 a class" in page
    assert TRUTH in page
    eighty = prediction_sets(core, fitted, queries, level=0.8).to_frame()
    assert eighty["set"].tolist() == ["0", "none", "2"]
    assert eighty["single"].tolist() == [True, False, True]
    assert eighty["empty"].tolist() == [False, True, False]


def test_credibility_and_confidence_by_hand() -> None:
    """p-values 1, 1/4 and 2/4: credibility 1, confidence 1 - 2/4."""
    core = prescribed(3)
    fitted = calibration(core, [[0.0] * 3, [0.0] * 3, [0.0, 0.0, 0.25]])
    sets = prediction_sets(core, fitted, np.array([[0.75, 0.125, 0.5]]))
    assert sets.p_values.tolist() == [[1.0, 0.25, 0.5]]
    assert (sets.credibility.tolist(), sets.confidence.tolist()) == ([1.0], [0.5])
    alone = prescribed(1)
    assert prediction_sets(alone, calibration(alone, [[0.0]]), np.array([[0.4]])).confidence.tolist() == [1.0]


def test_results_cannot_be_changed_and_show_no_scores() -> None:
    core = prescribed(2)
    fitted = calibration(core, [[-0.123456], [-0.123456]])
    sets = prediction_sets(core, fitted, np.array([[0.9, 0.1]]))
    with pytest.raises(ValueError, match="read-only"):
        sets.member[0, 0] = False
    frame = sets.to_frame()
    frame["set"] = "changed"
    assert sets.to_frame()["set"][0] != "changed"
    assert "123456" not in repr(fitted) + str(fitted) + repr(sets)
    assert "not_attainable=2" in repr(sets)


# Coverage, by simulation that can fail -------------------------------------------------------------------------

SIZES = (24, 18, 10)  # calibration customers; the last class is rare and lies between the others
LEVEL = 0.8
RUNS = 300


def drawn(rng: np.random.Generator, code: int, size: int) -> FloatArray:
    center, spread = ((0.25, 0.12), (0.75, 0.12), (0.5, 0.25))[code]
    return np.clip(center + spread * rng.standard_normal((size, 3)), 0.0, 1.0)


def sample(rng: np.random.Generator, sizes: Sequence[int]) -> tuple[FloatArray, IntArray]:
    rows = np.concatenate([drawn(rng, code, size) for code, size in enumerate(sizes)])
    return rows, np.repeat(np.arange(len(sizes)), sizes)


def ours(core: Retrieval, known: FloatArray, codes: IntArray, queries: FloatArray) -> FloatArray:
    fitted = calibrate(core, known, codes, labels=range(3), truth=TRUTH)
    return p_values(core, fitted, queries)


def marginal(core: Retrieval, known: FloatArray, codes: IntArray, queries: FloatArray) -> FloatArray:
    """All classes in one pot: right on average, wrong in a class that is unlike the others."""
    own = strangeness(core, known)[np.arange(len(known)), codes]
    scores = strangeness(core, queries)
    pooled: FloatArray = ((own[:, None, None] >= scores).sum(axis=0) + 1.0) / (len(own) + 1.0)
    return pooled


def on_the_cases(core: Retrieval, _: FloatArray, __: IntArray, queries: FloatArray) -> FloatArray:
    """Calibrated on the cases themselves, each of which is exactly as it is itself."""
    fitted = calibrate(core, core.cases, core.codes, labels=range(3), truth=TRUTH)
    return p_values(core, fitted, queries)


def covered(rule: Any, seed: int) -> list[int]:
    """Count, class by class, the runs in which a new customer's set holds the class; each run is independent."""
    rng = np.random.default_rng(seed)
    hits = np.zeros(3, dtype=int)
    for _ in range(RUNS):
        cases, codes = sample(rng, (8, 8, 3))
        known, classes = sample(rng, SIZES)
        queries, _ = sample(rng, (1, 1, 1))
        found = rule(retrieval(cases, codes), known, classes, queries)
        hits += found.diagonal() > float(1 - Fraction(str(LEVEL))) + 1e-12
    return [int(count) for count in hits]


def within_bounds(hits: Sequence[int]) -> list[bool]:
    """Whether each count is what the exact law allows: 1 - floor(0.2 (n + 1)) / (n + 1), but for 1 in 50,000."""
    bounds = []
    for count, n in zip(hits, SIZES, strict=True):
        chance = 1 - math.floor(Fraction(1, 5) * (n + 1)) / (n + 1)
        low, high = (stats.binom.ppf(q, RUNS, chance) for q in (1e-5, 1 - 1e-5))
        bounds.append(bool(low <= count <= high))
    return bounds


def test_coverage_holds_class_by_class_on_exchangeable_customers() -> None:
    assert within_bounds(covered(ours, seed=20)) == [True, True, True]


def test_the_bound_catches_one_pot_for_all_classes() -> None:
    assert not within_bounds(covered(marginal, seed=20))[2]


def test_the_bound_catches_calibration_on_the_cases() -> None:
    hits = covered(on_the_cases, seed=20)
    assert not any(within_bounds(hits)[:2])
    assert max(hits[:2]) < RUNS / 2
    assert hits[2] == RUNS  # three cases support no level of 80 %: the class is in every set


# The coverage table --------------------------------------------------------------------------------------------


def looked_at() -> tuple[cbr.Coverage, Any]:
    rng = np.random.default_rng(5)
    core = prescribed(3)
    fitted = calibration(core, [rng.uniform(-0.5, 0.5, 19).tolist(), rng.uniform(-0.5, 0.5, 8).tolist(), []])
    queries, codes = rng.random((60, 3)), rng.integers(2, size=60)
    found = coverage(core, fitted, queries, codes, levels=[0.95, 0.8, 0.9])
    return found, (core, fitted, queries, codes)


def test_coverage_counts_what_the_sets_hold() -> None:
    found, (core, fitted, queries, codes) = looked_at()
    assert found.levels == (0.8, 0.9, 0.95)
    for place, level in enumerate(found.levels):
        sets = prediction_sets(core, fitted, queries, level=level)
        for code in range(2):
            own = codes == code
            assert found.covered[place, code] == sets.member[own, code].sum()
            assert found.mean_size[place, code] == pytest.approx(sets.sizes[own].mean())
            share = stats.binomtest(int(sets.member[own, code].sum()), int(own.sum())).proportion_ci(
                method="exact"
            )
            assert found.low[place, code] == pytest.approx(share.low, abs=1e-12)
            assert found.high[place, code] == pytest.approx(share.high, abs=1e-12)
        assert found.mean_set_size[place] == pytest.approx(sets.sizes.mean())
        assert found.attainable[place].tolist() == sets.attainable.tolist()
    assert found.customers.tolist() == [*np.bincount(codes, minlength=3)]
    outside = (found.low > np.array(found.levels)[:, None]) | (found.high < np.array(found.levels)[:, None])
    np.testing.assert_array_equal(found.excludes_level, outside)


def test_a_class_without_customers_is_said_to_have_none() -> None:
    found, _ = looked_at()
    assert np.isnan(found.share[:, 2]).all()
    assert [row[2] for row in found.verdicts] == ["no customers"] * 3
    assert (found.low[:, 2].tolist(), found.high[:, 2].tolist()) == ([0.0] * 3, [1.0] * 3)
    assert [row[1] for row in found.verdicts][1:] == ["not attainable"] * 2  # eight customers for 90 and 95 %


def test_marques2025_chance_by_all_interleavings() -> None:
    """Every order of n calibration and N new scores is equally likely: count those that cover so few."""
    n, new, level = 5, 4, 0.6
    core = prescribed(2)
    law: dict[int, list[float]] = {}
    for places in itertools.combinations(range(n + new), n):
        ranks = np.arange(n + new) / 20.0
        own = ranks[list(places)]
        fitted = calibration(core, [own.tolist(), []])
        others = np.setdiff1d(np.arange(n + new), places)
        queries = np.stack([np.zeros(new), ranks[others]], axis=1)
        found = coverage(core, fitted, queries, np.zeros(new, dtype=int), levels=[level])
        law.setdefault(int(found.covered[0, 0]), []).append(float(found.chance[0, 0]))
    total = sum(len(each) for each in law.values())
    running = 0
    for count in sorted(law):
        running += len(law[count])
        assert law[count] == pytest.approx([running / total] * len(law[count]), abs=1e-12)


def test_a_shift_is_called_too_low_and_exchangeable_customers_are_not() -> None:
    rng = np.random.default_rng(3)
    cases, codes = sample(rng, (8, 8, 3))
    core = retrieval(cases, codes)
    known, classes = sample(rng, (200, 200, 200))
    fitted = calibrate(core, known, classes, labels=["low", "high", "rare"], truth=TRUTH)
    fair, own = sample(rng, (200, 200, 200))
    assert {verdict for row in coverage(core, fitted, fair, own).verdicts for verdict in row} == {"holds"}
    shifted = coverage(core, fitted, 1.0 - fair, own)
    assert [row[:2] for row in shifted.verdicts] == [("too low", "too low")] * 3
    assert "Too low: class low at 0.8" in shifted.in_words()
    assert "verdict" in shifted._repr_html_()
    assert repr(shifted).startswith("Coverage(levels=3, classes=3, customers=600, holds=")
    assert len(shifted.to_frame()) == 9


# The document -------------------------------------------------------------------------------------------------


def document() -> dict[str, Any]:
    return {"classes": ["a", "b"], "scores": [[-0.1, 0.2], []], "truth": TRUTH, "cases_digest": "0" * 64}


def test_a_calibration_goes_to_json_and_back() -> None:
    for labels in (["a", "b"], [1, 2], [False, True], [0.5, 1.5]):
        fitted = cbr.Calibration(**(document() | {"classes": labels}))
        back = cbr.Calibration.model_validate_json(fitted.model_dump_json())
        assert back == fitted
        assert [type(label) for label in back.classes] == [type(label) for label in labels]
        assert back.digest == fitted.digest


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"truth": ""}, "at least 1 character"),
        ({"truth": "  "}, "truth is blank"),
        ({"truth": "x" * 2001}, "at most 2000"),
        ({"scores": [[0.2, -0.1], []]}, "must rise"),
        ({"scores": [[-0.1]]}, "give one a class"),
        ({"scores": [[1.5], []]}, "less than or equal to 1"),
        ({"scores": [[float("nan")], []]}, "finite"),
        ({"classes": [], "scores": []}, "at least 1"),
        ({"classes": ["a"] * 1001, "scores": [[]] * 1001}, "at most 1000"),
        ({"cases_digest": "abc"}, "pattern"),
        ({"equal_to_a_case": -1}, "greater than or equal to 0"),
        ({"spec_version": 2}, "spec_version"),
        ({"comment": "x"}, "Extra inputs"),
    ],
)
def test_a_wrong_document_is_refused(change: dict[str, Any], match: str) -> None:
    with pytest.raises(ValidationError, match=match):
        cbr.Calibration(**(document() | change))


def test_a_document_with_too_many_scores_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps(document() | {"scores": [[0.0] * 1_000_001, []]})
    with pytest.raises(ValidationError, match="at most 1000000"):
        cbr.Calibration.model_validate_json(text)
    monkeypatch.setattr("custvalue._case_based.conformal.MOST_SCORES", 3)
    core = random_base(np.random.default_rng(0))
    with pytest.raises(DomainError, match="more than 3 customers of one class"):
        calibrate(core, core.cases, np.zeros(15, dtype=int), labels="abc", truth=TRUTH)


def test_the_frame_names_the_highest_level() -> None:
    frame = cbr.Calibration(**(document() | {"scores": [[0.0] * 19, []]})).to_frame()
    assert frame["customers"].tolist() == [19, 0]
    assert frame["highest_level"].tolist() == [0.95, 0.0]


def test_calibrating_on_the_cases_is_noticed() -> None:
    core = random_base(np.random.default_rng(0))
    queries = np.concatenate([core.cases[:4], np.full((2, 3), 0.123)])
    fitted = calibrate(core, queries, np.zeros(6, dtype=int), labels="abc", truth=" <b>analysts</b> ")
    assert fitted.equal_to_a_case == 4
    page = fitted._repr_html_()
    assert "4 calibration customer(s) have exactly the figures of a case" in page
    assert "&lt;b&gt;analysts&lt;/b&gt;." in page


def test_labels_of_any_kind_become_json() -> None:
    core = random_base(np.random.default_rng(0), (5, 5))
    for labels, plain in (
        (np.array([1, 2]), (1, 2)),
        (np.array(["a", "b"]), ("a", "b")),
        (np.array(["2024-01-01", "2024-01-02"], dtype="datetime64[D]"), ("2024-01-01", "2024-01-02")),
    ):
        assert calibrate(core, core.cases, core.codes, labels=labels, truth=TRUTH).classes == plain


# What it belongs to, and refusals -------------------------------------------------------------------------------


def test_other_cases_refuse_the_calibration() -> None:
    rng = np.random.default_rng(0)
    core = random_base(rng)
    fitted = calibrate(core, rng.random((9, 3)), np.arange(9) % 3, labels="abc", truth=TRUTH)
    steeper = HIERARCHY.model_copy(update={"distinguishing_coefficient": 0.25})
    for other in (
        core.without([0]),
        core.replaced(cases=core.cases + 1e-16 + 1e-9),
        core.replaced(codes=core.codes[::-1].copy()),
        core.replaced(hierarchy=steeper),
        core.replaced(ranges=grey.FrozenRanges.from_cases(core.cases, HIERARCHY)),
        core.replaced(n_classes=4),
    ):
        with pytest.raises(DomainError, match="belongs to other cases"):
            p_values(other, fitted, core.cases)
    for same in (core.replaced(k=3, vote="similarity"), core.replaced(engine="numpy", missing="skip")):
        assert p_values(same, fitted, core.cases).shape == (15, 3)
    zero = retrieval(np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]), [0, 1], 2)
    assert digest_of_cases(zero) == digest_of_cases(zero.replaced(cases=zero.cases * [[-1.0], [1.0]]))


@pytest.mark.parametrize("truth", ["", "   ", None, "x" * 2001])
def test_truth_must_be_said(truth: Any) -> None:
    core = random_base(np.random.default_rng(0))
    with pytest.raises(DomainError, match="truth must say"):
        calibrate(core, core.cases, core.codes, labels="abc", truth=truth)


@pytest.mark.parametrize("codes", [[3, 0], [-1, 0], [0.5, 0.5]])
def test_unknown_classes_are_refused(codes: Any) -> None:
    core = random_base(np.random.default_rng(0))
    with pytest.raises(DataError, match="classes that the model does not know"):
        calibrate(core, core.cases[:2], np.array(codes), labels="abc", truth=TRUTH)


def test_lengths_and_empty_samples_are_refused() -> None:
    core = random_base(np.random.default_rng(0))
    nobody = np.empty((0, 3))
    with pytest.raises(DomainError, match="X is empty; allowed: at least one calibration customer"):
        calibrate(core, nobody, np.empty(0, dtype=int), labels="abc", truth=TRUTH)
    with pytest.raises(DomainError, match="X has 2 customers and y 3 classes"):
        calibrate(core, core.cases[:2], np.zeros(3, dtype=int), labels="abc", truth=TRUTH)
    with pytest.raises(DomainError, match="labels has 2 classes and the model 3"):
        calibrate(core, core.cases, core.codes, labels="ab", truth=TRUTH)
    fitted = calibrate(core, core.cases, core.codes, labels="abc", truth=TRUTH)
    with pytest.raises(DomainError, match="customers has 1 labels and X 15 rows"):
        prediction_sets(core, fitted, core.cases, customers=["u"])
    with pytest.raises(DomainError, match="levels or X is empty"):
        coverage(core, fitted, nobody, np.empty(0, dtype=int))
    with pytest.raises(DomainError, match="levels or X is empty"):
        coverage(core, fitted, core.cases, core.codes, levels=[])
    with pytest.raises(DomainError, match="calibration is a dict"):
        p_values(core, {}, core.cases)  # type: ignore[arg-type]  # meant wrong
    assert prediction_sets(core, fitted, nobody).to_frame().empty


@pytest.mark.parametrize("level", [0, 1, 0.0, 1.0, -0.5, 1.5, float("nan"), float("inf"), "0.9", None, True])
def test_a_level_outside_is_refused(level: Any) -> None:
    core = prescribed(2)
    with pytest.raises(DomainError, match="level must be a number between 0 and 1"):
        prediction_sets(core, calibration(core, [[], []]), np.array([[0.1, 0.2]]), level=level)


def test_the_same_bits_whatever_the_batch() -> None:
    rng = np.random.default_rng(6)
    core, queries = random_base(rng, (30, 20, 10)), rng.random((50, 3))
    fitted = calibrate(core, rng.random((60, 3)), np.arange(60) % 3, labels="abc", truth=TRUTH)
    whole = p_values(core, fitted, queries)
    parts = np.concatenate([p_values(core, fitted, queries[first : first + 7]) for first in range(0, 50, 7)])
    np.testing.assert_array_equal(whole, parts)
