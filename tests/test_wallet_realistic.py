"""The realistic wallet: known quantiles come out, coverage holds, levels do not cross, bad input is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.base import clone
from sklearn.metrics import mean_pinball_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from custvalue import wallet
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from pathlib import Path

    from custvalue._typing import FloatArray

LEVELS = (0.5, 0.8, 0.9)
MODELS: dict[str, dict[str, Any]] = {
    "linear": {"model": "linear"},
    "boosting": {"model": "boosting", "n_estimators": 25, "random_state": 0},
    "knn": {"model": "knn", "n_neighbors": 100},
    "forest": {"model": "forest", "n_estimators": 20, "min_samples_leaf": 25, "random_state": 0},
}
EACH = pytest.mark.parametrize("setting", MODELS.values(), ids=MODELS)


def customers(n: int, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    """Draw traits and spend, log-normal given the traits, with a spread that grows in the second trait."""
    rng = np.random.default_rng(seed)
    X = rng.random((n, 2))
    spread = 0.3 + 0.5 * X[:, 1]
    return X, np.exp(5.0 + 1.5 * X[:, 0] + spread * rng.standard_normal(n))


def true_quantiles(X: FloatArray, levels: tuple[float, ...] = LEVELS) -> FloatArray:
    z = stats.norm.ppf(levels)
    return np.asarray(np.exp(5.0 + 1.5 * X[:, :1] + (0.3 + 0.5 * X[:, 1:]) * z))


@EACH
def test_known_quantiles_come_out(setting: dict[str, Any]) -> None:
    X, own = customers(4000)
    fresh, spend = customers(2000, 1)
    model = wallet.RealisticWallet(**setting).fit(X, own)
    found, true = model.predict_levels(fresh), true_quantiles(fresh)
    error = np.median(np.abs(np.log(found / true)), axis=0)
    assert (error < (0.06 if setting["model"] == "linear" else 0.15)).all()
    np.testing.assert_allclose(model.coverage(fresh, spend), LEVELS, atol=0.04)
    np.testing.assert_array_equal(model.predict(fresh), found[:, -1])
    # The naive rival is the quantile of all: one figure for every customer.
    constant = np.full(len(spend), np.quantile(own, 0.9))
    assert -model.score(fresh, spend) < 0.85 * mean_pinball_loss(spend, constant, alpha=0.9)


@EACH
@pytest.mark.parametrize("log_spend", [True, False])
def test_levels_rise_and_spend_is_not_below_0(setting: dict[str, Any], log_spend: bool) -> None:  # noqa: FBT001 - a parameter of the test
    rng = np.random.default_rng(5)
    X = rng.standard_normal((150, 3))
    own = np.where(rng.random(150) < 0.4, 0.0, rng.lognormal(3.0, 1.0, 150))
    asked = {**setting, "levels": (0.1, 0.45, 0.5, 0.55, 0.9), "log_spend": log_spend, "n_estimators": 5}
    model = wallet.RealisticWallet(**asked).fit(X, own)
    found = model.predict_levels(3.0 * rng.standard_normal((400, 3)))
    assert (np.diff(found, axis=1) >= 0.0).all()
    assert (found >= 0.0).all()


def test_planes_that_cross_are_sorted() -> None:
    """Chernozhukov, Fernandez-Val and Galichon 2010: the sorted quantiles are those of the planes, in order."""
    X, own = customers(60, 3)
    levels = (0.45, 0.5, 0.55)
    model = wallet.RealisticWallet(levels=levels, log_spend=False).fit(X, own)
    far = np.array([[-4.0, 5.0], [5.0, -4.0], [0.5, 0.5]])
    assert model.coefficients_ is not None
    assert model.intercepts_ is not None
    planes = far @ model.coefficients_.T + model.intercepts_
    assert (np.diff(planes, axis=1) < 0.0).any()
    np.testing.assert_allclose(model.predict_levels(far), np.maximum(np.sort(planes, axis=1), 0.0), rtol=1e-9)


@pytest.mark.parametrize("setting", [MODELS["linear"], MODELS["knn"]], ids=["linear", "knn"])
def test_romano2019_coverage_is_at_least_the_level(setting: dict[str, Any]) -> None:
    """Romano, Patterson and Candes 2019, theorem 1, one-sided: p to p + 1 / (m + 1), over draws."""
    n, m, draws, fresh = 160, 64, 40, 50
    covered = np.zeros(len(LEVELS))
    for seed in range(draws):
        X, own = customers(n + fresh, 100 + seed)
        asked = {**setting, "conformal": True, "held_out": 0.4, "random_state": seed}
        model = wallet.RealisticWallet(**asked).fit(X[:n] ** 8, own[:n])  # a wrong shape on purpose
        assert model.n_held_out_ == m
        covered += model.coverage(X[n:] ** 8, own[n:]) * fresh
    # Customers of one draw share a correction, whose coverage is Beta(k, m + 1 - k): more spread than binomial.
    for level, count in zip(LEVELS, covered, strict=True):
        k = int(np.ceil(level * (m + 1)))
        mean = k / (m + 1)
        spread = mean * (1.0 - mean) / (m + 2)
        sd = np.sqrt((spread + mean * (1.0 - mean) / fresh) / draws)
        assert level - 3.3 * sd <= count / (draws * fresh) <= mean + 3.3 * sd + 0.005


def test_by_hand_conformal_correction() -> None:
    X = np.zeros((40, 1))
    own = np.arange(1.0, 41.0)
    model = wallet.RealisticWallet(
        levels=(0.5,), log_spend=False, conformal=True, held_out=0.225, random_state=3
    ).fit(X, own)
    assert model.n_held_out_ == 9
    # All customers are alike, so that the wallet is the 5th smallest of the nine held out: ceil(10 x 0.5).
    held = np.sort(np.random.RandomState(3).permutation(40)[:9])
    assert model.predict([[0.0]])[0] == pytest.approx(own[held[4]], abs=1e-9)


def test_by_hand_mass_at_a_spend_is_covered() -> None:
    # Half spend exactly 70, and the quantile is that figure: no rounding may push them above it.
    own = np.repeat([0.0, 70.0, 100.0], [20, 60, 20])
    X = np.zeros((100, 1))
    for model in ("knn", "forest"):
        fit = wallet.RealisticWallet(levels=(0.1, 0.5), model=model, n_neighbors=100, random_state=0).fit(X, own)
        np.testing.assert_allclose(fit.predict_levels(X[:1]), [[0.0, 70.0]], rtol=1e-9)
        assert fit.predict_levels(X[:1])[0, 0] == 0.0
        assert fit.coverage(X, own).tolist() == [0.2, 0.8]


def test_by_hand_nearest_customers() -> None:
    X = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]])
    own = np.array([3.0, 1.0, 2.0, 30.0, 10.0, 20.0])
    model = wallet.RealisticWallet(levels=(0.3, 0.5, 0.9), model="knn", n_neighbors=3, log_spend=False)
    np.testing.assert_allclose(model.fit(X, own).predict_levels([[1.0], [11.0]]), [[1, 2, 3], [10, 20, 30]])


def test_by_hand_nearest_customers_alike() -> None:
    """Of customers alike all count, not those that stand first; those as far as the last share its place.

    Three wanted at 0: the one there, with weight 1, and the four at a distance of 1, of 1/2 each: 5 | 1 2 3 4.
    Reached at 1, 2, 3, 4, 5: 1/2, 1, 3/2, 2, 3; shares of 3: 1/6, 1/3, 1/2, 2/3, 1.
    """
    asked = wallet.RealisticWallet(levels=(0.5, 0.9), model="knn", n_neighbors=2, log_spend=False)
    alike = asked.fit(np.zeros((10, 1)), np.arange(1.0, 11.0))
    np.testing.assert_allclose(alike.predict_levels([[0.0]]), [[5.0, 9.0]])
    X, own = [[0.0], [1.0], [-1.0], [1.0], [-1.0], [9.0]], [5.0, 1.0, 2.0, 3.0, 4.0, 90.0]
    few = wallet.RealisticWallet(levels=(0.3, 0.5, 0.6, 0.7), model="knn", n_neighbors=3, log_spend=False)
    np.testing.assert_allclose(few.fit(X, own).predict_levels([[0.0]]), [[2.0, 3.0, 4.0, 5.0]])


@pytest.mark.parametrize("name", ["linear", "knn", "forest", "boosting"])
def test_the_unit_of_money_does_not_matter(name: Any) -> None:
    X, own = customers(150, 8)
    asked: dict[str, Any] = {"model": name, "log_spend": False, "n_estimators": 5, "random_state": 0}
    one = wallet.RealisticWallet(**asked).fit(X, own).predict_levels(X)
    for unit in (2.0**-60, 2.0**60):
        two = wallet.RealisticWallet(**asked).fit(X, own * unit).predict_levels(X)
        np.testing.assert_allclose(two / unit, one, rtol=1e-6)


def test_pandas_labels_pair_spend_with_customers() -> None:
    X, own = customers(60, 4)
    table = pd.DataFrame(X, index=[f"c{i}" for i in range(60)])
    table.columns = table.columns.astype(str)
    spend = pd.Series(own, table.index)
    fit, mixed = wallet.RealisticWallet().fit(table, spend), wallet.RealisticWallet().fit(table, spend.iloc[::-1])
    np.testing.assert_array_equal(mixed.predict(table), fit.predict(table))
    np.testing.assert_array_equal(fit.estimate(table, spend.iloc[::-1]).own, own)
    assert fit.score(table, spend.iloc[::-1]) == fit.score(table, own)
    assert fit.coverage(table, spend.iloc[::-1]).tolist() == fit.coverage(table, own).tolist()
    for use in (fit.fit, fit.estimate, fit.score, fit.coverage):
        with pytest.raises(DataError, match="different index labels"):
            use(table, spend.reset_index(drop=True))


def test_meinshausen2006_weights_by_a_second_route() -> None:
    """Meinshausen 2006, equations 4 to 6, with every weight written out."""
    X, own = customers(80, 9)
    model = wallet.RealisticWallet(
        levels=(0.25, 0.8), model="forest", n_estimators=7, min_samples_leaf=5, log_spend=False, random_state=1
    ).fit(X, own)
    learnt: Any = model._learnt
    forest = learnt.forest
    fresh = customers(15, 10)[0]
    there, here = forest.apply(X), forest.apply(fresh)
    order = np.argsort(own)
    for row in range(len(fresh)):
        mates = there == here[row]
        weights = (mates / mates.sum(axis=0)).mean(axis=1)
        reached = np.cumsum(weights[order])
        expected = [own[order][np.flatnonzero(reached >= level - 1e-9)[0]] for level in (0.25, 0.8)]
        np.testing.assert_allclose(model.predict_levels(fresh[row : row + 1])[0], expected, rtol=1e-9)


@EACH
@pytest.mark.parametrize("conformal", [False, True])
def test_the_order_of_rows_is_no_matter(setting: dict[str, Any], conformal: bool) -> None:  # noqa: FBT001 - a parameter of the test
    X, own = customers(200, 2)
    X = np.round(X, 1)  # ties among the neighbours
    order = np.random.default_rng(0).permutation(200)
    asked = {**setting, "n_neighbors": 7, "n_estimators": 5, "conformal": conformal, "random_state": 4}
    one = wallet.RealisticWallet(**asked).fit(X, own).predict_levels(X)
    two = wallet.RealisticWallet(**asked).fit(X[order], own[order]).predict_levels(X)
    if setting["model"] == "linear" and not conformal:  # equal in loss; the plane to what the loss can tell
        np.testing.assert_allclose(one, two, rtol=2e-2)
    else:
        np.testing.assert_array_equal(one, two)


@settings(max_examples=15, deadline=None)
@given(st.floats(1e-3, 1e4), st.integers(0, 1000))
def test_the_currency_is_no_matter(factor: float, seed: int) -> None:
    X, own = customers(60, seed)
    plain = wallet.RealisticWallet(levels=(0.8,)).fit(X, own)
    scaled = wallet.RealisticWallet(levels=(0.8,)).fit(X, factor * own)
    assert scaled.offset_ == pytest.approx(factor * plain.offset_)
    assert scaled.score(X, factor * own) == pytest.approx(factor * plain.score(X, own), rel=1e-3)


def test_estimate_says_which_wallet_it_is() -> None:
    X, own = customers(300)
    frame = pd.DataFrame(X, columns=["turnover", "spread"], index=[f"c{i}" for i in range(300)])
    model = wallet.RealisticWallet().fit(frame, own)
    found = model.estimate(frame, own)
    assert (found.kind, found.method, found.level) == ("realistic", "quantile 0.9 of own spend, linear", None)
    assert "not total" in found.reasons[0]
    assert found.customers[:2] == ("c0", "c1")
    assert (found.size >= own).all()
    np.testing.assert_array_equal(found.floored, model.predict(frame) < own)
    assert 0.05 < found.floored.mean() < 0.12
    median = model.estimate(frame, own, level=0.5, customers=range(300))
    assert median.customers[:2] == (0, 1)
    polars = pytest.importorskip("polars").DataFrame({"turnover": X[:, 0], "spread": X[:, 1]})
    assert model.predict(polars).tolist() == model.predict(frame).tolist()
    assert (median.size <= np.maximum(found.size, own)).all()
    told = json.loads(found.provenance.spec)
    assert (told["model"], told["level"], told["log_spend"]) == ("linear", 0.9, True)


def test_columns_alike_are_dropped_and_told() -> None:
    X, own = customers(200)
    model = wallet.RealisticWallet(levels=(0.9,)).fit(np.column_stack([X, X[:, 0] + X[:, 1], np.ones(200)]), own)
    assert model.dropped_ is not None
    assert model.coefficients_ is not None
    assert model.dropped_.tolist() == [False, False, True, True]
    assert model.coefficients_.shape == (1, 4)
    assert wallet.RealisticWallet(model="knn").fit(X, own).coefficients_ is None


def test_inside_scikit_learn() -> None:
    X, own = customers(240)
    pipeline = make_pipeline(StandardScaler(), wallet.RealisticWallet(model="knn", n_neighbors=20))
    assert (cross_val_score(pipeline, X, own, cv=3) < 0.0).all()
    search = GridSearchCV(wallet.RealisticWallet(), {"model": ["linear", "knn"], "log_spend": [True, False]}, cv=3)
    search.fit(X, own)
    assert search.best_params_["model"] == "linear"
    assert clone(search.best_estimator_).get_params() == search.best_estimator_.get_params()


def test_all_spend_nothing() -> None:
    X = customers(50)[0]
    model = wallet.RealisticWallet().fit(X, np.zeros(50))
    np.testing.assert_array_equal(model.predict_levels(X), np.zeros((50, 3)))
    assert np.isnan(model.estimate(X, np.zeros(50)).share).all()


@pytest.mark.parametrize(
    ("setting", "match"),
    [
        ({"levels": (0.0, 0.5)}, r"levels must be numbers in \(0, 1\)"),
        ({"levels": (0.5, 1.0)}, r"levels must be numbers in \(0, 1\)"),
        ({"levels": (0.9, 0.5)}, "each higher than the one before"),
        ({"levels": ()}, "levels must be"),
        ({"levels": "high"}, "levels must be"),
        ({"levels": 0.9}, "levels must be"),
        ({"levels": ("0.5",)}, "levels must be"),
        ({"levels": (0.5, np.nan)}, "levels must be"),
        ({"model": "oracle"}, "model is 'oracle'; allowed: 'linear', 'boosting', 'knn', 'forest'"),
        ({"log_spend": 1}, "log_spend must be True or False"),
        ({"conformal": "yes"}, "conformal must be True or False"),
        ({"held_out": 1.0}, r"held_out must lie in \(0, 1\)"),
        ({"offset": 0.0}, "offset must be a number above 0"),
        ({"n_neighbors": 0}, "n_neighbors must be a whole number from 1"),
        ({"n_estimators": 1.5}, "n_estimators must be a whole number from 1"),
        ({"min_samples_leaf": True}, "min_samples_leaf must be a whole number from 1"),
    ],
)
def test_settings_are_refused(setting: dict[str, Any], match: str) -> None:
    X, own = customers(30)
    with pytest.raises(DomainError, match=match):
        wallet.RealisticWallet(**setting).fit(X, own)


def test_data_are_refused() -> None:
    X, own = customers(30)
    bad = own.copy()
    for value in (-1.0, np.nan, np.inf):
        bad[3] = value
        with pytest.raises(DataError, match=r"y holds 1 amount\(s\) that are missing, below 0 or infinite"):
            wallet.RealisticWallet().fit(X, bad)
    with pytest.raises(DataError, match="X holds missing values"):
        wallet.RealisticWallet().fit(np.where(X > 0.9, np.nan, X), own)
    with pytest.raises(DataError, match="n_samples = 2 and 2 columns; needed: more customers than columns"):
        wallet.RealisticWallet().fit(X[:2], own[:2])
    with pytest.raises(DataError, match=r"held_out leaves 8 of n_samples = 30 .* the level 0.9 needs 9"):
        wallet.RealisticWallet(conformal=True).fit(X, own)
    with pytest.raises(DataError, match="X leaves 2 of n_samples = 30 customers to learn from"):
        wallet.RealisticWallet(conformal=True, held_out=0.93).fit(X, own)
    with pytest.raises(DomainError, match=r"y has shape \(29,\); allowed: 30 numbers"):
        wallet.RealisticWallet().fit(X, own[:29])
    with pytest.raises(DataError, match=r"X holds numbers beyond 3\.4e38"):
        wallet.RealisticWallet(model="forest").fit(1e39 * X, own)
    with pytest.raises(DomainError, match="y holds complex numbers"):
        wallet.RealisticWallet().fit(X, own + 1j)
    with pytest.raises(DomainError, match="y must hold numbers only"):
        wallet.RealisticWallet().fit(X, ["much"] * 30)
    with pytest.raises(DataError, match="y holds 1 amount"):
        wallet.RealisticWallet().fit(X, np.ma.MaskedArray(own, np.arange(30) == 4))
    with pytest.raises(DataError, match="requires y to be passed"):
        wallet.RealisticWallet().fit(X, None)  # type: ignore[arg-type]  # refused


def test_questions_are_refused() -> None:
    X, own = customers(30)
    model = wallet.RealisticWallet().fit(X, own)
    for level in (0.7, True, "high"):
        with pytest.raises(DomainError, match=r"level is none of the fitted levels \[0.5, 0.8, 0.9\]"):
            model.estimate(X, own, level=level)  # type: ignore[arg-type]  # refused
    with pytest.raises(DataError, match="own holds 30 amount"):
        model.coverage(X, -own)
    with pytest.raises(DataError, match=r"X holds 1 customer\(s\) so far from those learnt"):
        model.predict([[1e9, 0.0], [0.5, 0.5]])


def test_rosset2005_known_answer(shared: Path) -> None:
    """The table of losses by hand: the score is the loss with its sign turned."""
    known = json.loads((shared / "known_answers" / "wallet" / "quantile_loss_table.json").read_text("utf-8"))
    y, said = np.array(known["input"]["y"]), known["input"]["yhat"]
    for level in known["input"]["p"]:
        # Each customer is their own group, learnt from so that the plane gives the said wallets.
        model = wallet.RealisticWallet(levels=(level,), log_spend=False)
        model.fit(np.array(said * 4)[:, None], np.array(said * 4))
        score = model.score(np.array(said)[:, None], y)
        assert score == pytest.approx(-known["expected"]["mean"][str(level)], abs=1e-6)
