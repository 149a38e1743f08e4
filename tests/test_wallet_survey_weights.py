"""Design weights of a survey: by hand, against repeated rows, against a known truth, and what is refused."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy import optimize
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import cross_validate

from custvalue import wallet
from custvalue._wallet_survey.weighting import chances_beyond_design
from custvalue.exceptions import DataError

if TYPE_CHECKING:
    from custvalue._typing import FloatArray

NAN = float("nan")
MODELS = ["log", "gamma", "boosting", "strata", "hot_deck"]
RATIOS = ["ratio_of_sums", "mean_of_ratios", "mean_of_shares", "stratified_ratio"]


def small(**options: Any) -> wallet.SurveyWallet:
    usual: dict[str, Any] = {"own": 0, "min_respondents": 2, "interval": None, "random_state": 0}
    return wallet.SurveyWallet(**(usual | {"n_estimators": 2, "n_neighbors": 5} | options))


def drawn_by_chance(seed: int, n: int = 60) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Figures (own, a group, a trait), totals with a third missing, whole weights from 1 to 4."""
    rng = np.random.default_rng(seed)
    own, group, trait = rng.gamma(2.0, size=n), np.arange(n) % 3 + 0.0, rng.standard_normal(n)
    total = own + np.exp(0.4 * trait + 0.6 * rng.standard_normal(n))
    total[rng.random(n) < 0.3] = NAN
    return np.column_stack([own, group, trait]), total, rng.integers(1, 5, n).astype(float)


# --------------------------------------------------------------------------------------------- by hand


def test_by_hand_weighted_strata() -> None:
    """100 counts three times, 300 once: 600 / 4 = 150; the other stratum has one answer."""
    X = pd.DataFrame({"own": [10.0, 20.0, 30.0, 40.0, 50.0], "class": [1, 1, 2, 1, 2]})
    told = [110.0, 320.0, 80.0, NAN, NAN]
    asked = small(own="own", model="strata", strata="class").fit(X, told, sample_weight=[3.0, 1.0, 7.0, NAN, NAN])
    assert asked.estimate(X, told).size.tolist() == pytest.approx([110.0, 320.0, 80.0, 190.0, 100.0])
    np.testing.assert_allclose(asked.response_.weights, [9 / 11, 3 / 11, 21 / 11])


@pytest.mark.parametrize(
    ("method", "factor"),
    [
        ("ratio_of_sums", (3 * 200 + 300) / (3 * 50 + 150)),
        ("mean_of_ratios", (3 * 4 + 2) / 4),
        ("mean_of_shares", 4 / (3 / 4 + 1 / 2)),
    ],
)
def test_by_hand_weighted_ratio(method: Any, factor: float) -> None:
    """Totals 200 and 300 on 50 and 150; the first counts three times."""
    found = wallet.ratio_wallet(
        [50.0, 150.0, 1000.0], [200.0, 300.0, NAN], method=method, sample_weight=[6.0, 2.0, -1.0]
    )
    assert found.size[2] == pytest.approx(1000.0 * factor, rel=1e-12)
    assert found.size[:2].tolist() == [200.0, 300.0]
    assert "2 respondents count by their design weights, worth 2 of equal weight (design effect 1.25)" in (
        found.reasons
    )


def test_by_hand_weighted_ratio_by_stratum() -> None:
    """A: (2 * 200 + 1 * 900) / (2 * 100 + 1 * 200) = 3.25; B has one answer, 2."""
    own, told = [100.0, 200.0, 10.0, 50.0, 10.0], [200.0, 900.0, NAN, 100.0, NAN]
    found = wallet.ratio_wallet(own, told, strata=list("AAABB"), sample_weight=[2.0, 1.0, 0.0, 9.0, NAN])
    assert found.size.tolist() == pytest.approx([200.0, 900.0, 32.5, 100.0, 20.0])


def test_duan1983_by_hand_weighted_smearing() -> None:
    """The fit of two means of logs stays; of the factors 1/2, 2, 1, 1 the last two count three times: 8.5 / 8."""
    X = [[0.0], [0.0], [1.0], [1.0]]
    asked = small(own=None, outcome="external").fit(X, [1.0, 4.0, 9.0, 9.0], [1.0, 1.0, 3.0, 3.0])
    assert asked.smearing_ == pytest.approx(1.0625)
    np.testing.assert_allclose(asked.predict([[0.0], [1.0]]), [2.0 * 1.0625, 9.0 * 1.0625], rtol=1e-12)


def test_by_hand_weighted_hot_deck() -> None:
    """The two nearest of 1, 2, 10 to 9 are 10, which counts three times, and 2: (3 * 30 + 4) / 4."""
    asked = small(model="hot_deck", n_neighbors=2, own=None, outcome="external")
    asked.fit([[1.0], [2.0], [10.0]], [2.0, 4.0, 30.0], sample_weight=[5.0, 1.0, 3.0])
    assert asked.predict([[9.0]]).tolist() == pytest.approx([23.5])


def test_kish1965_by_hand_design_effect() -> None:
    """Weights 1 and 3 in equal numbers: 4 (2 + 18) / 64."""
    X = [[1.0], [2.0], [3.0], [4.0], [5.0]]
    asked = small().fit(X, [2.0, 4.0, 7.0, 9.0, NAN], sample_weight=[1.0, 3.0, 1.0, 3.0, 1.0])
    assert asked.response_.design_effect == pytest.approx(1.25)
    reasons = asked.estimate(X).reasons
    assert "design effect 1.25" in reasons[0]
    assert sum("answers count by their design weights" in one for one in reasons) == 1


RAKED = pd.DataFrame({"own": [1.0] * 4, "row": [1, 1, 2, 2], "column": [1, 2, 1, 2]})
HALVES = {"row": {1: 0.5, 2: 0.5}, "column": {1: 0.5, 2: 0.5}}


def test_deming_stephan1940_by_hand_raking_starts_from_design_weights() -> None:
    """A 2x2 table of 4, 1, 1, 1 keeps its odds ratio 4: with margins of halves (x / (1/2 - x))^2 = 4, x = 1/3."""
    asked = small(own="own", features=["own"], weighting="raking", margins=HALVES)
    asked.fit(RAKED, [10.0, 2.0, 2.0, 2.0], sample_weight=[40.0, 10.0, 10.0, 10.0])
    np.testing.assert_allclose(asked.response_.weights, [4 / 3, 2 / 3, 2 / 3, 4 / 3], rtol=1e-6)
    assert asked.response_.design_effect == pytest.approx(10 / 9)
    np.testing.assert_allclose(asked.predict(RAKED), 1.0 + (12.0 + 8.0 / 3.0) / 4.0, rtol=1e-6)


@pytest.mark.parametrize(("most", "corner"), [(3.0, 4 / 3), (2.2, 2.2 * 4 / 7)])
def test_deville_sarndal1992_bounds_are_those_of_the_factor(most: float, corner: float) -> None:
    """Beside 4, 1, 1, 1 scaled to 4 the factors are 7/12, 7/6, 7/6 and 7/3; a lower bound cuts the last one."""
    asked = small(own="own", features=["own"], weighting="raking", margins=HALVES, weight_bounds=(0.5, most))
    asked.fit(RAKED, [10.0, 2.0, 2.0, 2.0], sample_weight=[4.0, 1.0, 1.0, 1.0])
    assert asked.response_.converged
    np.testing.assert_allclose(asked.response_.weights, [corner, 2.0 - corner, 2.0 - corner, corner], rtol=1e-6)


def test_by_hand_accuracy_weighs_errors() -> None:
    """Without figures each is estimated by the weighted mean of the others; errors count by the weights."""
    external, weights = np.array([1.0, 3.0, 5.0, 11.0]), np.array([1.0, 2.0, 3.0, 4.0])
    others = (weights @ external - weights * external) / (weights.sum() - weights)
    size = weights @ (external + 2.0)
    found = small().accuracy([[2.0]] * 4, external + 2.0, sample_weight=7.0 * weights, n_folds=4, random_state=0)
    assert found.bias == pytest.approx(weights @ (others - external) / size)
    assert found.wmape == pytest.approx(weights @ np.abs(others - external) / size)


# --------------------------------------------------------------------------------- the chance to answer


def test_by_hand_the_design_is_not_corrected_for_twice() -> None:
    """All of 40 rich and a tenth of 400 poor were drawn, and all answered: the weights are those of the design.

    Counted 1 and 10 times they are 2/11 of 40 and 20/11 of 40, 40/22 = 1/11 of 440 ... the same part of either
    group, so no figure tells who answers beyond the design. A plain chance to answer, nearly 1 and 1/10, would
    have weighed the poor tenfold once more.
    """
    rich = np.repeat([1.0, 0.0], [40, 400])
    X = np.column_stack([np.ones(440), rich])
    answered = (rich == 1.0) | (np.arange(440) < 80)
    told = np.where(answered, 2.0 + rich, NAN)
    weights = np.where(rich == 1.0, 1.0, 10.0)
    asked = small(weighting="propensity").fit(X, told, sample_weight=weights)
    wanted = weights[answered] / weights[answered].mean()
    np.testing.assert_allclose(asked.response_.weights, wanted, rtol=1e-9)


def test_the_chance_beyond_the_design_against_a_general_optimiser() -> None:
    """Second route: the same penalised pseudo-likelihood by BFGS."""
    rng = np.random.default_rng(4)
    design = rng.standard_normal((300, 2))
    answered = rng.random(300) < 1.0 / (1.0 + np.exp(1.0 - design[:, 0]))
    base = rng.uniform(0.2, 3.0, int(answered.sum()))
    base *= len(base) / base.sum()
    counted = np.zeros(300)
    counted[answered] = base

    def loss(at: FloatArray) -> float:
        chance = 1.0 / (1.0 + np.exp(-at[0] - design @ at[1:]))
        return float(
            -(counted * np.log(chance) + (1.0 - counted) * np.log(1.0 - chance)).sum() + at[1:] @ at[1:] / 2
        )

    best = optimize.minimize(loss, np.zeros(3), tol=1e-10).x
    wanted = 1.0 / (1.0 + np.exp(-best[0] - design[answered] @ best[1:]))
    np.testing.assert_allclose(chances_beyond_design(design, answered, base), wanted, rtol=1e-5)


def test_with_equal_weights_it_is_the_plain_chance() -> None:
    """Second route: scikit-learn's logistic regression, to what its solver reaches."""
    X, told, _ = drawn_by_chance(2, n=200)
    asked = small(weighting="propensity").fit(X, told)
    design, answered = asked._figures.design(X), ~np.isnan(told)
    chance = chances_beyond_design(design, answered, np.ones(int(answered.sum())))
    np.testing.assert_allclose(asked.response_.weights * chance, (asked.response_.weights * chance)[0], rtol=1e-4)


def test_bounds_do_not_cut_design_weights() -> None:
    X, told, weights = drawn_by_chance(3)
    told[X[:, 2] > 0.5] = NAN
    asked = small(weighting="propensity", weight_bounds=(0.9, 1.1)).fit(X, told, sample_weight=weights)
    factor = asked.response_.weights / weights[~np.isnan(told)]
    assert asked.response_.clipped > 0
    assert factor.max() / factor.min() == pytest.approx(1.1 / 0.9)


# ---------------------------------------------------------------------------------------- against copies


@pytest.mark.parametrize("name", ["log", "gamma", "strata"])
@pytest.mark.parametrize("seed", range(3))
def test_whole_weights_are_repeated_answers(name: Any, seed: int) -> None:
    X, told, weights = drawn_by_chance(seed)
    times = np.where(np.isnan(told), 1.0, weights).astype(int)
    settings: dict[str, Any] = {"model": name, "features": [1, 2], "strata": 1 if name == "strata" else None}
    weighted = small(**settings).fit(X, told, sample_weight=weights)
    repeated = small(**settings).fit(np.repeat(X, times, axis=0), np.repeat(told, times))
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-7)
    np.testing.assert_allclose(weighted.smearing_, repeated.smearing_)
    assert abs(weighted.predict(X) - small(**settings).fit(X, told).predict(X)).max() > 1e-3


@pytest.mark.parametrize("method", RATIOS)
def test_whole_weights_are_repeated_answers_of_a_ratio(method: Any) -> None:
    X, told, weights = drawn_by_chance(1)
    times = np.where(np.isnan(told), 1.0, weights).astype(int)
    groups = X[:, 1] if method == "stratified_ratio" else None
    again = None if groups is None else np.repeat(groups, times)
    weighted = wallet.ratio_wallet(X[:, 0], told, method=method, strata=groups, sample_weight=weights)
    repeated = wallet.ratio_wallet(np.repeat(X[:, 0], times), np.repeat(told, times), method=method, strata=again)
    np.testing.assert_allclose(np.repeat(weighted.size, times), repeated.size, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "weighting"), [*((name, None) for name in MODELS), ("log", "propensity"), ("strata", "propensity")]
)
def test_equal_weights_are_none_and_order_is_nowhere(name: Any, weighting: str | None) -> None:
    X, told, weights = drawn_by_chance(7)
    plain: dict[str, Any] = {"model": name, "weighting": weighting, "n_resamples": 20, "n_estimators": 1}
    plain |= {"strata": 1 if name == "strata" else None, "interval": None if name == "boosting" else "bootstrap"}
    none = small(**plain).fit(X, told)
    same = small(**plain).fit(X, told, sample_weight=np.full(len(X), 0.1))
    parts = ("size",) if name == "boosting" else ("size", "low", "high")
    for part in parts:
        np.testing.assert_array_equal(getattr(same.estimate(X), part), getattr(none.estimate(X), part))
    order = np.random.default_rng(0).permutation(len(X))
    asked = small(**plain).fit(X, told, sample_weight=weights)
    mixed = small(**plain).fit(X[order], told[order], sample_weight=1e6 * weights[order])
    for part in parts:
        np.testing.assert_allclose(getattr(mixed.estimate(X), part), getattr(asked.estimate(X), part), rtol=1e-7)
    if name != "boosting":
        assert mixed.total_interval(X) == pytest.approx(asked.total_interval(X), rel=1e-7)
    assert abs(asked.predict(X) - none.predict(X)).max() > 1e-3


# ------------------------------------------------------------------------------------- against the truth


def test_unequal_inclusion_is_undone() -> None:
    """A segment the figures do not tell spends four times as much elsewhere, and is drawn ten times as often.

    A fifth of 40,000 is rich, drawn with chance .03 against .003: 240 rich and 96 others. Without weights the mean
    elsewhere is (240 * 4 + 96) / 336 = 3.14 times that of the others, against 1.6 in truth. The estimate of the
    total is some 60 % too high; with weights the means over seeds come within 4 % of the truth.
    """
    off: dict[str, list[tuple[float, float]]] = {}
    methods: tuple[Any, ...] = ("log", "strata", "ratio_of_sums")
    for seed in range(8):
        rng = np.random.default_rng(seed)
        rich = np.arange(40_000) < 8_000
        own = rng.gamma(4.0, 0.05, 40_000)
        elsewhere = np.where(rich, 4.0, 1.0) * rng.gamma(4.0, 0.25, 40_000)
        chance = np.where(rich, 0.03, 0.003)
        told = np.where(rng.random(40_000) < chance, own + elsewhere, NAN)
        for name in methods:
            pair = []
            for weights in (None, 1.0 / chance):
                if name == "ratio_of_sums":
                    found = wallet.ratio_wallet(own, told, method=name, sample_weight=weights)
                    size = found.size
                else:
                    model = small(model=name, n_strata=2 if name == "strata" else None)
                    size = model.fit(own[:, None], told, sample_weight=weights).predict(own[:, None])
                pair.append(float(size.sum() / (own + elsewhere).sum() - 1.0))
            off.setdefault(name, []).append((pair[0], pair[1]))
    for name, pairs in off.items():
        plain, weighted = np.mean(pairs, axis=0)
        assert plain > 0.5, name
        assert abs(weighted) < 0.04, name


def test_by_hand_respondents_keep_their_answers() -> None:
    """All of 10 rich (4 elsewhere) and 4 of 40 others (1) were drawn: the weighted mean is 1.6, the truth.

    ``predict`` gives 50 * 1.6 = 80 = 10 * 4 + 40. Where the 14 keep their answers, 44, the 36 others get 1.6 too,
    and the estimate is 101.6: as the notes say.
    """
    own, elsewhere = np.ones(50), np.repeat([4.0, 1.0], [10, 40])
    told = np.where(np.arange(50) < 14, own + elsewhere, NAN)
    asked = small(model="gamma").fit(own[:, None], told, sample_weight=np.repeat([1.0, 10.0], [10, 40]))
    assert asked.predict(own[:, None]).sum() == pytest.approx(50.0 + 80.0)
    assert asked.estimate(own[:, None], told).size.sum() == pytest.approx(50.0 + 101.6)


def test_the_interval_of_the_total_holds_the_truth_with_weights_only() -> None:
    held = {"plain": 0, "weighted": 0}
    for seed in range(12):
        rng = np.random.default_rng(100 + seed)
        rich = np.arange(1500) < 300
        own, elsewhere = np.ones(1500), np.where(rich, 4.0, 1.0) * rng.gamma(4.0, 0.25, 1500)
        chance = np.where(rich, 0.3, 0.06)
        told = np.where(rng.random(1500) < chance, own + elsewhere, NAN)
        for name, weights in (("plain", None), ("weighted", 1.0 / chance)):
            asked = small(n_resamples=60).fit(own[:, None], told, sample_weight=weights)
            low, high = asked.total_interval(own[:, None])
            held[name] += low <= (own + elsewhere).sum() <= high
    assert held["plain"] == 0
    assert held["weighted"] >= 9


# --------------------------------------------------------------------------- frames, scikit-learn, refusals


def test_pandas_labels_pair_weights_with_customers() -> None:
    X, told, weights = drawn_by_chance(5)
    frame = pd.DataFrame(X, columns=["own", "group", "trait"], index=[f"c{i}" for i in range(len(X))])
    paired = pd.Series(weights, frame.index)
    plain = small().fit(X, told, sample_weight=weights).predict(X)
    asked = small(own="own")
    np.testing.assert_array_equal(asked.fit(frame, told, sample_weight=paired.iloc[::-1]).predict(frame), plain)
    by_y = small().fit(X, pd.Series(told, frame.index), sample_weight=paired.iloc[::-1])
    np.testing.assert_array_equal(by_y.predict(X), plain)
    own, answers = frame["own"], pd.Series(told, frame.index)
    ratio = wallet.ratio_wallet(own, answers, method="ratio_of_sums", sample_weight=paired.iloc[::-1])
    np.testing.assert_array_equal(
        ratio.size, wallet.ratio_wallet(X[:, 0], told, method="ratio_of_sums", sample_weight=weights).size
    )
    other = paired.reset_index(drop=True)
    with pytest.raises(DataError, match="sample_weight and X have different index labels"):
        asked.fit(frame, told, sample_weight=other)
    with pytest.raises(DataError, match="sample_weight and own have different index labels"):
        wallet.ratio_wallet(own, answers, method="ratio_of_sums", sample_weight=other)


def test_weights_are_no_setting_and_routing_is_scikit_learns() -> None:
    X, told, weights = drawn_by_chance(6)
    X, told, weights = (part[~np.isnan(told)] for part in (X, told, weights))
    model = small()
    assert "sample_weight" not in model.get_params()
    assert list(inspect.signature(model.fit).parameters) == ["X", "y", "sample_weight"]
    kept = weights.copy()
    again = clone(model.fit(X, told, sample_weight=weights))
    np.testing.assert_array_equal(weights, kept)
    assert again.get_params() == model.get_params()
    direct = cross_validate(model, X, told, cv=3, params={"sample_weight": weights}, error_score="raise")
    with config_context(enable_metadata_routing=True):
        routed = cross_validate(
            clone(model).set_fit_request(sample_weight=True).set_score_request(sample_weight=False),
            X,
            told,
            cv=3,
            params={"sample_weight": weights},
            error_score="raise",
        )
    np.testing.assert_array_equal(direct["test_score"], routed["test_score"])


TABLE, TOLD = [[1.0], [2.0], [3.0], [4.0]], [2.0, 3.0, 5.0, NAN]


@pytest.mark.parametrize("unread", [NAN, 0.0, -1.0, np.inf])
def test_what_stands_where_there_is_no_answer_is_not_read(unread: float) -> None:
    wanted = small().fit(TABLE, TOLD, sample_weight=[1.0, 2.0, 3.0, 9.0]).predict(TABLE)
    found = small().fit(TABLE, TOLD, sample_weight=[1.0, 2.0, 3.0, unread]).predict(TABLE)
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
    ("weights", "match"),
    [
        ([1.0, -2.0, 1.0, 1.0], r"sample_weight holds 1 weight\(s\) of respondents that are zero, negative"),
        ([0.0, 0.0, 1.0, 1.0], "sample_weight holds 2 weight"),
        ([1.0, NAN, 1.0, 1.0], "sample_weight holds 1 weight"),
        ([1.0, np.inf, 1.0, 1.0], "sample_weight holds 1 weight"),
        ([1.0, 1e-320, 1.0, 1.0], "sample_weight holds 1 weight"),
        ([1.0, 2.0], r"sample_weight has shape \(2,\) and (X|own) has 4 rows"),
        ([[1.0, 2.0]] * 4, r"sample_weight has shape \(4, 2\)"),
        (2.0, r"sample_weight has shape \(\)"),
        (["a", "b", "c", "d"], "sample_weight must hold numbers"),
        (np.ma.MaskedArray([1.0] * 4, [True, False, False, False]), "sample_weight holds 1 weight"),
    ],
)
def test_refusals(weights: Any, match: str) -> None:
    with pytest.raises(DataError, match=match):
        small().fit(TABLE, TOLD, sample_weight=weights)
    with pytest.raises(DataError, match=match):
        small().accuracy(TABLE, TOLD, sample_weight=weights, n_folds=2)
    with pytest.raises(DataError, match=match):
        wallet.ratio_wallet([1.0, 2.0, 3.0, 4.0], TOLD, method="ratio_of_sums", sample_weight=weights)


def test_customers_unlike_all_respondents_are_reported_once() -> None:
    """Of the six of the example two lie outside; of other customers those among them are counted."""
    X = [[10.0], [20.0], [30.0], [40.0], [50.0], [60.0]]
    told = [NAN, 30.0, NAN, 90.0, 95.0, NAN]
    asked = small(min_respondents=3).fit(X, told)
    for y, n in ((None, 6), (told, 3)):
        said = [one for one in asked.estimate(X, y).reasons if "extrapolated" in one or "outside" in one]
        told_once = f"2 of {n} customers estimated here are less or more likely to answer than any respondent"
        assert [one.partition(":")[0] for one in said] == [told_once]
    assert not any("extrapolated" in one for one in asked.estimate(X[1:5]).reasons)
    assert sum("extrapolated" in one for one in asked.response_.reasons()) == 1


@pytest.mark.parametrize(
    "weights", [np.array(["2020-01-01"] * 5, dtype="datetime64[D]"), np.full(5, 1.0 + 2.0j), np.full(5, "1")]
)
def test_weights_are_real_numbers(weights: Any) -> None:
    with pytest.raises(DataError, match="sample_weight must hold numbers"):
        small().fit([[1.0], [2.0], [3.0], [4.0], [5.0]], [2.0, 4.0, 7.0, 9.0, NAN], sample_weight=weights)
