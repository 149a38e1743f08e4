"""Baselines: each rival against scikit-learn on the same folds, each test against SciPy or by hand."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.dummy import DummyClassifier
from sklearn.metrics import accuracy_score, adjusted_rand_score, balanced_accuracy_score
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_predict, cross_val_score
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from custvalue import cbr, grey
from custvalue._case_based.baselines import MEASURES, _measures
from custvalue._case_based.paired_comparison import PairedTest, holm, mcnemar, resampled_t
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable

HIERARCHY = grey.Hierarchy.from_weights(
    {"recency": 0.25, "monetary": 0.75}, {"recency": {"a": 1.0}, "monetary": {"b": 0.25, "c": 0.75}}
)
RIVALS = ("weighted Manhattan 1-NN", "Euclidean 1-NN", "nearest centroid", "majority")


def customers(seed: int = 0, sizes: tuple[int, ...] = (30, 24, 12), spread: float = 0.13) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    centers = np.linspace(0.25, 0.75, len(sizes))
    y = np.repeat(np.arange(1, len(sizes) + 1), sizes)
    X = np.clip(np.repeat(centers, sizes)[:, None] + spread * rng.standard_normal((len(y), 3)), 0.0, 1.0)
    order = rng.permutation(len(y))
    return X[order], y[order]


def compared(X: Any, y: Any, **more: Any) -> cbr.BaselineComparison:
    wanted = {"n_repeats": 2, "n_shuffles": 2, "random_state": 0} | more
    return cbr.compare_baselines(X, y, HIERARCHY, **wanted)


def first_splitter(seed: int, n_splits: int, n_repeats: int) -> RepeatedStratifiedKFold:
    """The folds come from the first number of the random state."""
    drawn = int(np.random.RandomState(seed).randint(np.iinfo(np.int32).max))
    return RepeatedStratifiedKFold(n_splits=n_splits, n_repeats=n_repeats, random_state=drawn)


# Contenders ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 4])
def test_every_rival_is_scikit_learn_s_on_the_same_folds(k: int) -> None:
    X, y = customers()
    found = compared(X, y, k=k)
    weighing = FunctionTransformer(lambda table: table * HIERARCHY.global_weights)
    rivals = [
        make_pipeline(weighing, KNeighborsClassifier(k, metric="manhattan")),
        KNeighborsClassifier(k),
        NearestCentroid(),
        DummyClassifier(),
    ]
    for place, rival in enumerate(rivals, start=1):
        for measure, scoring in enumerate(("accuracy", "balanced_accuracy", "adjusted_rand_score")):
            wanted = cross_val_score(rival, X, y, cv=first_splitter(0, 5, 2), scoring=scoring)
            np.testing.assert_allclose(found.scores[place, measure], wanted, rtol=1e-13, atol=1e-13)


def test_the_grey_classifier_is_the_most_similar_case_on_the_same_folds() -> None:
    X, y = customers()
    found = compared(X, y)
    wanted = []
    for train, test in first_splitter(0, 5, 2).split(X, y):
        alike = grey.similarity(X[test], X[train], HIERARCHY)
        wanted.append((y[train][alike.argmax(axis=1)] == y[test]).mean())
    np.testing.assert_allclose(found.scores[0, 0], wanted, rtol=1e-14)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_measures_are_scikit_learn_s(pairs: list[tuple[int, int]]) -> None:
    truth = np.array([first for first, _ in pairs] + [0, 1, 2, 3] * 4)
    found = np.array([second for _, second in pairs] + [0, 1, 2, 2] * 4)
    wanted = [score(truth, found) for score in (accuracy_score, balanced_accuracy_score, adjusted_rand_score)]
    assert _measures(truth, found, 4) == pytest.approx(wanted, abs=1e-13)


def test_agreement_that_is_perfect_has_rand_index_one() -> None:
    assert _measures(np.array([0, 1, 1]), np.array([0, 1, 1]), 2) == (1.0, 1.0, 1.0)


# Tests --------------------------------------------------------------------------------------------------------


def test_nadeau2003_by_hand() -> None:
    """Differences .1, .2, .3, .0, .1 in five folds: mean .14, variance .013, t = .14 / sqrt((1/5 + 1/4) .013)."""
    found = resampled_t(np.array([0.1, 0.2, 0.3, 0.0, 0.1]), 0.25)
    error = math.sqrt((Fraction(1, 5) + Fraction(1, 4)) * Fraction(13, 1000))
    assert found.difference == pytest.approx(0.14)
    assert found.t == pytest.approx(0.14 / error)
    assert found.t == pytest.approx(1.8304, abs=1e-4)
    # For t with 4 degrees of freedom the tail is (1 - s (3 - s^2) / 2) / 2 with s = t / sqrt(t^2 + 4).
    s = found.t / math.sqrt(found.t**2 + 4.0)
    assert found.p == pytest.approx(1.0 - s * (3.0 - s**2) / 2.0)
    assert (found.low, found.high) == pytest.approx((0.14 - 2.7764451 * error, 0.14 + 2.7764451 * error))


def test_without_overlap_it_is_the_paired_t_test() -> None:
    first, second = np.random.default_rng(0).random((2, 12))
    found = resampled_t(first - second, 0.0)
    wanted = stats.ttest_rel(first, second)
    assert (found.t, found.p) == pytest.approx((wanted.statistic, wanted.pvalue))


def test_folds_that_all_differ_by_the_same() -> None:
    none, some, less = (resampled_t(np.full(5, value), 0.25) for value in (0.0, 0.1, -0.1))
    assert (none.t, none.p, none.low, none.high) == (0.0, 1.0, 0.0, 0.0)
    assert (some.t, some.p) == (math.inf, 0.0)
    assert (less.t, less.p) == (-math.inf, 0.0)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_mcnemar1947_is_scipy_s_binomial_test(pairs: list[tuple[bool, bool]]) -> None:
    first, second = (np.array([pair[place] for pair in pairs], dtype=bool) for place in (0, 1))
    found = mcnemar(first, second)
    only = [sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs)]
    assert [found.only_first, found.only_second] == only
    assert found.p == pytest.approx(stats.binomtest(only[0], sum(only)).pvalue if sum(only) else 1.0)


def test_holm1979_by_hand() -> None:
    """0.01, 0.04, 0.03, 0.005 of four: 3 x 0.01, then the larger of 2 x 0.03 and 1 x 0.04 for both, 4 x 0.005."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_tests_are_those_of_the_folds_and_of_the_first_repeat() -> None:
    X, y = customers(spread=0.2)
    found = compared(X, y)
    splitter = first_splitter(0, 5, 1)
    alike = np.empty(len(y), dtype=y.dtype)
    for train, test in splitter.split(X, y):
        alike[test] = y[train][grey.similarity(X[test], X[train], HIERARCHY).argmax(axis=1)]
    centers = np.empty(len(y), dtype=y.dtype)
    for train, test in splitter.split(X, y):
        centers[test] = NearestCentroid().fit(X[train], y[train]).predict(X[test])
    one = found.tests[2]
    assert one.only_grey == ((alike == y) & (centers != y)).sum()
    assert one.only_rival == ((alike != y) & (centers == y)).sum()
    raw_t, raw_m = [], []
    for test, accuracy in zip(found.tests, found.scores[1:, 0], strict=True):
        difference = found.scores[0, 0] - accuracy
        t = difference.mean() / math.sqrt((1 / 10 + 1 / 4) * difference.var(ddof=1))
        raw_t.append(2.0 * stats.t.sf(abs(t), 9))
        raw_m.append(stats.binomtest(test.only_grey, max(test.only_grey + test.only_rival, 1)).pvalue)
        assert test.t == pytest.approx(t)
        assert test.difference == pytest.approx(difference.mean())
    assert [test.p_resampled for test in found.tests] == pytest.approx(holm(raw_t))
    assert [test.p_mcnemar for test in found.tests] == pytest.approx(holm(raw_m))
    np.testing.assert_allclose(found.p_value, np.maximum(holm(raw_t), holm(raw_m)))


# Verdicts -----------------------------------------------------------------------------------------------------


def outcome(difference: float, p: float, q: float, mine: int, theirs: int) -> str:
    return PairedTest(difference, difference, difference, 0.0, p, mine, theirs, q).verdict()


def test_losses_are_told_by_the_rule_of_wins() -> None:
    assert outcome(0.1, 0.01, 0.01, 20, 5) == "wins"
    assert outcome(-0.1, 0.01, 0.01, 5, 20) == "loses"
    assert outcome(0.1, 0.01, 0.06, 20, 12) == "not told apart"
    assert outcome(-0.1, 0.06, 0.01, 5, 20) == "not told apart"
    assert outcome(0.1, 0.01, 0.01, 5, 20) == "not told apart"  # the two tests contradict each other
    assert outcome(-0.1, 0.05, 0.05, 5, 20) == "not told apart"


def test_the_grey_classifier_wins_where_classes_can_be_told() -> None:
    X, y = customers(spread=0.1)
    found = compared(X, y)
    assert found.verdicts[3] == "wins"
    assert "It wins against majority (+" in found.in_words()


def test_the_grey_classifier_loses_where_a_rival_is_made_for_the_task() -> None:
    """Classes spread evenly about their centres: the centroid knows what one neighbour cannot."""
    X, y = customers(seed=1, sizes=(150, 150, 150), spread=0.15)
    found = compared(X, y, n_repeats=4)
    assert found.verdicts[2] == "loses"
    assert found.difference[2] < 0.0
    assert "It loses against nearest centroid (-" in found.in_words()
    assert "loses=" in repr(found)


def test_where_only_the_majority_is_to_be_known_grey_loses_to_it() -> None:
    rng = np.random.default_rng(1)
    X, y = rng.random((200, 3)), np.repeat([1, 2], [160, 40])
    found = compared(X, y)
    assert found.verdicts[3] == "loses"
    assert found.scores[4, 1] == pytest.approx(0.5)  # balanced accuracy shows what it is worth


def test_on_noise_nothing_is_above_the_noise_line() -> None:
    X, y = customers(sizes=(40, 40))
    found = compared(X, np.random.default_rng(0).permutation(y), n_shuffles=8)
    frame = found.to_frame()
    assert found.verdicts == ("not told apart",) * 4
    assert (frame["accuracy_noise_low"] <= 0.5).all()
    assert (frame["accuracy_noise_high"] >= 0.5).all()
    real = compared(X, y, n_shuffles=8).to_frame()
    assert (real["accuracy"] > real["accuracy_noise_high"]).tolist() == [True] * 4 + [False]


# Input and output ---------------------------------------------------------------------------------------------


def test_frames_text_and_numbers_are_read_alike(make_frame: Callable[..., Any]) -> None:
    X, y = customers()
    plain = compared(X, y)
    frame = make_frame({"c": X[:, 2].tolist(), "a": X[:, 0].tolist(), "b": X[:, 1].tolist()})
    for labels in (y.tolist(), np.array(["x", "y", "z"])[y - 1], pd.Series(y).astype("category")):
        pd.testing.assert_frame_equal(compared(frame, labels).to_frame(), plain.to_frame())


def test_the_result_shows_itself() -> None:
    X, y = customers()
    found = compared(X, y)
    assert found.contenders == ("grey 1-NN", *RIVALS)
    assert found.rivals == RIVALS
    assert found.scores.shape == (5, len(MEASURES), 10)
    assert found.shuffled.shape == (5, 3, 2)
    assert found.interval.shape == (4, 2)
    assert (found.interval[:, 0] <= found.difference).all()
    assert (found.interval[:, 1] >= found.difference).all()
    frame = found.to_frame()
    assert frame["contender"].tolist() == list(found.contenders)
    assert frame["verdict"].tolist() == ["", *found.verdicts]
    assert frame["accuracy"].to_numpy() == pytest.approx(found.scores[:, 0].mean(axis=1))
    assert repr(found).startswith("BaselineComparison(rivals=4, customers=66, classes=3, folds=10, wins=")
    page = found._repr_html_()
    assert "Comparison with simpler rivals" in page
    assert "verdict" in page
    with pytest.raises(ValueError, match="read-only"):
        found.scores[0, 0, 0] = 2.0


def test_the_same_seed_gives_the_same_table() -> None:
    X, y = customers(spread=0.2)
    one, two, other = (compared(X, y, random_state=seed).to_frame() for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(one, two)
    assert not one.equals(other)


def test_many_small_classes_are_no_reason_for_a_warning() -> None:
    """scikit-learn warns where more than half of the labels differ; two customers a class are enough for us."""
    X, y = np.random.default_rng(0).random((12, 3)), np.repeat(np.arange(6), 2)
    assert compared(X, y, n_splits=2, n_shuffles=1).provenance.counts["classes"] == 6
    assert len(cross_val_predict(NearestCentroid(), X, y % 2, cv=2)) == 12


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (
            {"n_splits": 13},
            DataError,
            r"1 class\(es\) have fewer customers than the 13 folds, the smallest 12; lower",
        ),
        ({"n_splits": 1}, DomainError, "n_splits must be a whole number from 2"),
        ({"n_repeats": 0}, DomainError, "n_repeats must be a whole number from 1"),
        ({"n_shuffles": 0}, DomainError, "n_shuffles must be a whole number from 1"),
        ({"k": 0}, DomainError, "k must be a whole number from 1"),
        ({"k": 1.5}, DomainError, "k must be a whole number"),
        ({"k": 53}, DomainError, "k is 53 and the smallest training part has 52 customers"),
    ],
)
def test_settings_out_of_range_are_refused(change: dict[str, Any], error: type[Exception], match: str) -> None:
    X, y = customers()
    with pytest.raises(error, match=match):
        compared(X, y, **change)


def test_wrong_customers_and_classes_are_refused() -> None:
    X, y = customers()
    with pytest.raises(DomainError, match="X has 66 customers and y 65 classes"):
        compared(X, y[:-1])
    with pytest.raises(DataError, match=r"y has 1 class\(es\); allowed: two or more"):
        compared(X, np.ones(66, dtype=int))
    with pytest.raises(DataError, match=r"y holds 1 missing class\(es\)"):
        compared(X, [None, *y[1:].astype(str)])
    with pytest.raises(DataError, match=r"y holds 1 missing class\(es\)"):
        compared(X, [np.nan, *y[1:].astype(float)])
    with pytest.raises(DomainError, match="y mixes kinds"):
        compared(X, np.array([1, "a"] * 33, dtype=object))
    with pytest.raises(DomainError, match="one class a customer"):
        compared(X, np.stack([y, y], axis=1))
    with pytest.raises(DataError, match="outside"):
        compared(X * 2.0, y)
    with pytest.raises(DataError, match="missing values"):
        compared(np.where(X[0, 0] == X, np.nan, X), y)
    with pytest.raises(ColumnError, match="missing: 'c'"):
        compared(pd.DataFrame(X[:, :2], columns=["a", "b"]), y)
    with pytest.raises(DomainError, match="hierarchy is a dict"):
        cbr.compare_baselines(X, y, {})  # type: ignore[arg-type]  # meant wrong
