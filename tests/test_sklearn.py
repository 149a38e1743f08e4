"""Scikit-learn's own suite over every estimator, with no check skipped, and life inside its tools."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import pickle
import pkgutil
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline

import custvalue
from custvalue import basket, cbr, grey, rfm, wallet

#: The only list of estimators, each in every setting that changes its way; a test shows that none is missing.
ESTIMATORS = {
    "scaler": rfm.IndicatorScaler(),
    "scaler, min_max": rfm.IndicatorScaler(method="min_max"),
    "scaler, rank": rfm.IndicatorScaler(method="rank"),
    "scorer": rfm.RFMScorer(),
    "scorer, quantile": rfm.RFMScorer(method="quantile", n_bins=3),
    "scorer, r_rfm": rfm.RFMScorer(method="r_rfm"),
    "scorer, thresholds": rfm.RFMScorer(method="thresholds", thresholds=(0.0, 1.0)),
    "classifier": cbr.CaseBasedClassifier(),
    "classifier, frozen": cbr.CaseBasedClassifier(reference="frozen", vote="similarity"),
    "classifier, threads": cbr.CaseBasedClassifier(engine="numpy", n_threads=2),
    "propensity": basket.SubstitutionPropensity(),
    "recommender": basket.AssociationRecommender(binarize=0.0),
    "recommender, popularity": basket.AssociationRecommender(binarize=0.0, rank_by="lift", fallback="popularity"),
    "survey": wallet.SurveyWallet(outcome="external", min_respondents=2),
    "survey, gamma": wallet.SurveyWallet(outcome="external", min_respondents=2, model="gamma"),
    "survey, boosting": wallet.SurveyWallet(
        outcome="external", min_respondents=2, model="boosting", n_estimators=1
    ),
    "survey, strata": wallet.SurveyWallet(
        outcome="external", min_respondents=2, model="strata", strata=0, n_strata=2, interval="bootstrap"
    ),
    "survey, hot deck": wallet.SurveyWallet(
        outcome="external", min_respondents=2, model="hot_deck", n_neighbors=2, interval=None
    ),
    "realistic": wallet.RealisticWallet(),
    "realistic, conformal": wallet.RealisticWallet(
        levels=(0.3, 0.5), log_spend=False, conformal=True, held_out=0.4, random_state=0
    ),
    "realistic, knn": wallet.RealisticWallet(model="knn", n_neighbors=5),
    "realistic, boosting": wallet.RealisticWallet(
        levels=(0.8,), model="boosting", n_estimators=1, min_samples_leaf=2, random_state=0
    ),
    "realistic, forest": wallet.RealisticWallet(
        model="forest", n_estimators=3, min_samples_leaf=2, random_state=0
    ),
}
EACH = pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)
INDICATORS = rfm.IndicatorSet(
    indicators=[
        rfm.Recency(name="recency"),
        rfm.Frequency(name="visits"),
        rfm.Monetary(name="turnover"),
    ]
)
HIERARCHY = grey.Hierarchy.equal({"r": ["recency"], "f": ["visits"], "m": ["turnover"]})

#: It gives some rows the weight 0, and has more figures than answers. A design weight, 1 over the chance to be
#: drawn, is never 0: the survey refuses it; its own tests show that whole weights are repeated answers.
WEIGHTS_CHECK = "check_sample_weight_equivalence_on_dense_data"

#: Scikit-learn 1.9 skips its array API check unless SCIPY_ARRAY_API stands before SciPy is imported.
SUITE = """
import json, pickle, sys
from sklearn.utils.estimator_checks import check_estimator
estimators = pickle.load(sys.stdin.buffer)
found = {
    name: [
        (one["check_name"], one["status"], repr(one["exception"]))
        for one in check_estimator(estimator, on_skip=None, on_fail=None)
    ]
    for name, estimator in estimators.items()
}
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def suite() -> dict[str, list[tuple[str, str, str]]]:
    env = {**os.environ, "SCIPY_ARRAY_API": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SUITE], input=pickle.dumps(ESTIMATORS), env=env, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, list[tuple[str, str, str]]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", ESTIMATORS)
def test_scikit_learn_contract(suite: dict[str, list[tuple[str, str, str]]], name: str) -> None:
    pytest.importorskip("array_api_strict")
    assert len(suite[name]) > 40
    expected = {"check_fit1d", "check_estimators_pickle"}
    if tuple(int(part) for part in sklearn.__version__.split(".")[:2]) >= (1, 9):
        expected.add("check_array_api_input")  # older suites do not run it for these estimators
    assert {check for check, _, _ in suite[name]} >= expected
    failed = [one for one in suite[name] if one[1] != "passed"]
    if isinstance(ESTIMATORS[name], wallet.SurveyWallet):
        refused = [one for one in failed if one[0] == WEIGHTS_CHECK and one[2].startswith("DataError(")]
        assert len(refused) == 1
        failed.remove(refused[0])
    assert failed == []


def public_classes() -> dict[str, type]:
    """Walk the public names of every public module of the package."""
    found: dict[str, Any] = {}
    for module in pkgutil.iter_modules(custvalue.__path__):
        if not module.name.startswith("_"):
            room = importlib.import_module(f"custvalue.{module.name}")
            found |= {f"{module.name}.{n}": getattr(room, n) for n in room.__all__}
    return {name: value for name, value in found.items() if inspect.isclass(value)}


def test_the_list_of_estimators_is_complete() -> None:
    fits = {cls for cls in public_classes().values() if hasattr(cls, "fit") or issubclass(cls, BaseEstimator)}
    assert fits == {type(estimator) for estimator in ESTIMATORS.values()}


@EACH
def test_clone_and_parameters(estimator: Any) -> None:
    again = clone(estimator)
    assert again is not estimator
    assert again.get_params() == estimator.get_params()
    assert sorted(estimator.get_params()) == sorted(
        inspect.signature(type(estimator).__init__).parameters.keys() - {"self"}
    )
    changed = clone(estimator).set_params(**estimator.get_params())
    assert changed.get_params() == estimator.get_params()
    with pytest.raises(ValueError, match="Invalid parameter 'colour'"):
        again.set_params(colour="blue")


def test_specifications_are_parameters() -> None:
    model = cbr.CaseBasedClassifier().set_params(hierarchy=HIERARCHY)
    assert clone(model).hierarchy == HIERARCHY
    scaler = rfm.IndicatorScaler(INDICATORS)
    assert clone(scaler).indicators == INDICATORS
    assert "IndicatorScaler" in repr(scaler)
    assert "CaseBasedClassifier" in repr(model)


def customers(n: int = 90) -> tuple[pd.DataFrame, Any]:
    """Good customers came lately and often and turn over much; one in ten never visited."""
    rng = np.random.default_rng(0)
    good = rng.random(n) < 0.5
    frame = pd.DataFrame(
        {
            "recency": np.where(good, 5.0, 60.0) + rng.integers(0, 30, n),
            "visits": np.where(good, 8.0, 3.0) + rng.integers(0, 4, n),
            "turnover": np.where(good, 900.0, 300.0) * np.exp(0.3 * rng.standard_normal(n)),
        }
    )
    frame.loc[rng.random(n) < 0.1, "turnover"] = np.nan
    return frame, np.where(good, "good", "plain")


def test_a_pipeline_of_scaler_and_classifier() -> None:
    frame, y = customers()
    pipeline = make_pipeline(rfm.IndicatorScaler(INDICATORS), cbr.CaseBasedClassifier(HIERARCHY))
    pipeline.fit(frame.head(60), y[:60])
    scaled = rfm.IndicatorScaler(INDICATORS).fit(frame.head(60)).transform(frame)
    alone = cbr.CaseBasedClassifier(HIERARCHY).fit(scaled.head(60), y[:60])
    np.testing.assert_array_equal(pipeline.predict(frame.tail(30)), alone.predict(scaled.tail(30)))
    assert pipeline.score(frame.tail(30), y[60:]) > 0.9
    assert pipeline[:-1].get_feature_names_out().tolist() == ["recency", "visits", "turnover"]


def test_cross_validation_and_search_of_the_pipeline() -> None:
    frame, y = customers()
    pipeline = make_pipeline(rfm.IndicatorScaler(INDICATORS), cbr.CaseBasedClassifier(HIERARCHY))
    found = cross_validate(pipeline, frame, y, cv=3, error_score="raise", return_train_score=True)
    assert (found["train_score"] == 1.0).all()
    assert (found["test_score"] > 0.8).all()
    grid = {"indicatorscaler__method": ["rank", "winsorized"]}
    search = GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(frame, y)
    assert search.best_score_ > 0.8


@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
def test_set_output(output: str) -> None:
    frame, _ = customers()
    pytest.importorskip("polars")
    scaler = rfm.IndicatorScaler(INDICATORS).set_output(transform=output)
    got = scaler.fit(frame).transform(frame)
    expected = rfm.IndicatorScaler(INDICATORS).fit(frame).transform(frame)
    assert list(got.columns) == ["recency", "visits", "turnover"]
    np.testing.assert_array_equal(got.to_numpy(), expected.to_numpy())
    assert type(got).__module__.split(".")[0] == ("pandas" if output == "default" else output)
