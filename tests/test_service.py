"""The service page of the guide, run as it is printed: its answers, its refusals, and what it says of itself."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import custvalue
from custvalue import cbr, grey

pytest.importorskip("fastapi", reason="fastapi is not installed")
pytest.importorskip("httpx2", reason="httpx2, which fastapi's test client needs, is not installed")

if TYPE_CHECKING:
    from types import ModuleType

GUIDE = Path(__file__).resolve().parents[1] / "docs" / "guide" / "service.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
(PAGE,) = (block for block in BLOCKS if "FastAPI(" in block)
(WITH_THREADS,) = (block for block in BLOCKS if "def with_threads" in block)

HIERARCHY = grey.Hierarchy.from_weights(
    control={"recency": 0.1312, "frequency": 0.7928, "monetary": 0.0760},
    local={
        "recency": {"recency_transfer_in": 0.6, "recency_transfer_out": 0.4},
        "frequency": {"frequency_cash": 0.3, "frequency_active_days": 0.7},
        "monetary": {"turnover": 0.5, "balance": 0.5},
    },
)
INDICATORS = HIERARCHY.indicators
#: Digits that stand in no message of pydantic's, in no address and in no name.
FIGURE = 0.73141
GOOD = dict.fromkeys(INDICATORS, FIGURE)


def table(count: int, seed: int) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(seed).random((count, len(INDICATORS))), columns=list(INDICATORS))


def fitted(**settings: Any) -> cbr.CaseBasedClassifier:
    """Fit 40 cases of three classes: low, middle and high composite value."""
    values = table(40, seed=1).to_numpy()
    ranks = (values @ HIERARCHY.global_weights).argsort().argsort()
    labels = np.array(["low", "middle", "high"])[ranks * 3 // 40]
    cases = cbr.CaseBase.from_cases(values, labels, HIERARCHY, source="simulated")
    return cbr.CaseBasedClassifier(**settings).fit(cases)


def calibrated() -> cbr.CaseBasedClassifier:
    model = fitted()
    known = table(90, seed=2)
    return model.calibrate(known, model.predict(known), truth="simulated")


def served(page: str, model: cbr.CaseBasedClassifier, folder: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Save model and page as the guide says, and import the page."""
    (folder / "model.json").write_text(model.to_json(), encoding="utf-8")
    (folder / "service.py").write_text(page, encoding="utf-8")
    monkeypatch.setenv("CUSTVALUE_MODEL", str(folder / "model.json"))
    spec = importlib.util.spec_from_file_location("service_page", folder / "service.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def client_of(module: ModuleType) -> Any:
    from fastapi.testclient import TestClient

    return TestClient(module.app)


@pytest.fixture
def model() -> cbr.CaseBasedClassifier:
    return calibrated()


@pytest.fixture
def page(model: cbr.CaseBasedClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return served(PAGE, model, tmp_path, monkeypatch)


@pytest.fixture
def client(page: ModuleType) -> Any:
    return client_of(page)


# ------------------------------------------------------------------------------------------------- answers


def test_the_answers_are_the_models(client: Any, model: cbr.CaseBasedClassifier) -> None:
    X = table(50, seed=3)
    response = client.post("/classify", json=X.to_dict("records"))
    assert response.status_code == 200
    got = pd.DataFrame(response.json())
    own = model.classify(X)
    assert got["predicted"].tolist() == model.predict(X).tolist()
    assert got["case"].tolist() == own.case.tolist()
    assert got["margin"].tolist() == own.margin.tolist()
    assert own.confidence is not None
    assert got["confidence"].tolist() == own.confidence.tolist()
    assert got["reason"].tolist() == [one.in_words() for one in model.explain(X)]
    flags = pd.DataFrame({name: getattr(own, name) for name in ("abstained", "tied", "out_of_range")})
    pd.testing.assert_frame_equal(got[list(flags)], flags)
    assert got["out_of_range"].any()


def test_the_order_of_the_fields_does_not_matter(client: Any) -> None:
    (row,) = table(1, seed=4).to_dict("records")
    turned = dict(reversed(row.items()))
    first, second = (client.post("/classify", json=[one]).json() for one in (row, turned))
    assert first == second


def test_a_model_without_calibration_names_no_confidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_of(served(PAGE, fitted(), tmp_path, monkeypatch))
    (answer,) = client.post("/classify", json=[GOOD]).json()
    assert answer["confidence"] is None
    assert "not calibrated" in answer["reason"]


def test_abstention_and_whole_number_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = fitted().case_base_
    numbers = [["low", "middle", "high"].index(str(label)) for label in cases.y]
    base = cbr.CaseBase.from_cases(cases.values, numbers, HIERARCHY, source="simulated")
    model = cbr.CaseBasedClassifier(min_margin=0.05, abstain_label=-1).fit(base)
    X = table(60, seed=5)
    answers = client_of(served(PAGE, model, tmp_path, monkeypatch)).post("/classify", json=X.to_dict("records"))
    assert [one["predicted"] for one in answers.json()] == model.predict(X).tolist()
    assert {one["predicted"] == -1 for one in answers.json()} == {True, False}
    assert all(one["abstained"] == (one["predicted"] == -1) for one in answers.json())


def test_many_threads_ask_at_once(client: Any) -> None:
    rows = table(24, seed=6).to_dict("records")
    alone = [client.post("/classify", json=[row]).json()[0] for row in rows]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda row: client.post("/classify", json=[row]).json()[0], rows))
    assert together == alone


def test_a_retained_model_is_put_in_place_of_the_old_one(
    page: ModuleType, client: Any, model: cbr.CaseBasedClassifier, tmp_path: Path
) -> None:
    before = client.post("/classify", json=[GOOD]).json()
    (other,) = set(model.classes_.tolist()) - {before[0]["predicted"], "low"}
    later = model.retain([list(GOOD.values())], [other], by="analyst")
    (tmp_path / "later.json").write_text(later.to_json(), encoding="utf-8")
    page.app.state.served = page.load(tmp_path / "later.json")
    after = client.post("/classify", json=[GOOD]).json()
    assert after[0]["predicted"] == other
    assert client.get("/model").json()["cases"] == 2
    assert model.predict(pd.DataFrame([GOOD])).tolist() == [before[0]["predicted"]]


def test_what_it_says_of_its_model(client: Any, tmp_path: Path) -> None:
    about = client.get("/model").json()
    assert about["custvalue"] == custvalue.__version__
    assert about["cases"] == 1
    assert about["digest"] == hashlib.sha256((tmp_path / "model.json").read_bytes()).hexdigest()
    assert about["weights"] == dict(zip(INDICATORS, HIERARCHY.global_weights.tolist(), strict=True))


# ------------------------------------------------------------------------------------------------- refusals

NAN_BY_NAME = json.dumps([GOOD]).replace(str(FIGURE), "NaN", 1)
BAD = {
    "above one": json.dumps([GOOD | {"turnover": 73141.5}]),
    "below zero": json.dumps([GOOD | {"turnover": -0.731415}]),
    "not a number": NAN_BY_NAME,
    "infinite": NAN_BY_NAME.replace("NaN", "Infinity"),
    "minus infinite": NAN_BY_NAME.replace("NaN", "-Infinity"),
    "beyond the largest": NAN_BY_NAME.replace("NaN", "1e999"),
    "text": json.dumps([GOOD | {"turnover": "0.73141"}]),
    "truth value": json.dumps([GOOD | {"turnover": True}]),
    "null": json.dumps([GOOD | {"turnover": None}]),
    "one missing": json.dumps([dict.fromkeys(INDICATORS[1:], FIGURE)]),
    "one too many": json.dumps([GOOD | {"salary": 73141}]),
    "figure as a name": json.dumps([GOOD | {"73141": 1}]),
    "name that is no text": json.dumps([GOOD | {"\ud800 73141": 1}]),
    "very many names": json.dumps([GOOD | {f"73141 {i}": i for i in range(5000)}]),
    "no customer": "[]",
    "too many customers": json.dumps([GOOD] * 201),
    "one customer without a list": json.dumps(GOOD),
    "a row of numbers": json.dumps([[FIGURE] * 6]),
    "broken": '[{"turnover": 0.73141',
    "nothing": "",
}


AS_JSON = {"content-type": "application/json"}


@pytest.mark.parametrize("headers", [AS_JSON, {}], ids=["json", "of no type"])
@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_bad_input_is_refused_without_its_figures(client: Any, body: str, headers: dict[str, str]) -> None:
    response = client.post("/classify", content=body, headers=headers)
    assert response.status_code == 422
    assert "73141" not in response.text
    problems = response.json()["detail"]
    assert 1 <= len(problems) <= 20
    for problem in problems:
        assert set(problem) == {"loc", "msg", "type"}
        assert problem["msg"]


def test_a_refusal_says_where_and_what_is_allowed(client: Any) -> None:
    response = client.post("/classify", json=[GOOD, GOOD | {"balance": 2.5, "salary": 3.5}])
    low, unknown = response.json()["detail"]
    assert low["loc"] == ["body", 1, "balance"]
    assert low["msg"] == "Input should be less than or equal to 1"
    assert unknown["loc"] == ["body", 1, "?"]


def test_without_the_handler_the_figures_would_come_back(
    model: cbr.CaseBasedClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = PAGE.replace("@app.exception_handler(RequestValidationError)\n", "")
    assert bare != PAGE
    client = client_of(served(bare, model, tmp_path, monkeypatch))
    assert "73141" in client.post("/classify", content=BAD["above one"], headers=AS_JSON).text
    with pytest.raises(ValueError, match="JSON compliant"):
        client.post("/classify", content=BAD["not a number"], headers=AS_JSON)


def test_the_bounds_themselves_are_taken(client: Any) -> None:
    rows = [dict.fromkeys(INDICATORS, 0), dict.fromkeys(INDICATORS, 1.0)]
    assert [one["predicted"] for one in client.post("/classify", json=rows).json()] == ["low", "high"]
    assert client.post("/classify", json=[GOOD] * 200).status_code == 200


def test_a_model_that_skips_missing_indicators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The change that the page describes for it."""
    page = PAGE.replace("(Scaled, ...)", "(Scaled | None, None)")
    page = page.replace("out_of_range: int", "out_of_range: int\n    missing: int")
    model = fitted(missing="skip")
    client = client_of(served(page, model, tmp_path, monkeypatch))
    some = dict.fromkeys(INDICATORS[1:], FIGURE)
    (answer,) = client.post("/classify", json=[some]).json()
    assert answer["missing"] == 1
    assert answer["predicted"] == model.predict(pd.DataFrame([GOOD | {INDICATORS[0]: np.nan}]))[0]


# ------------------------------------------------------------------------------------------------- description


def test_openapi_holds_the_indicators_with_their_bounds(client: Any) -> None:
    described = client.get("/openapi.json").json()
    customer = described["components"]["schemas"]["Customer"]
    assert list(customer["properties"]) == list(INDICATORS) == customer["required"]
    assert customer["additionalProperties"] is False
    for field in customer["properties"].values():
        assert (field["type"], field["minimum"], field["maximum"]) == ("number", 0, 1)
    operation = described["paths"]["/classify"]["post"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    assert (body["type"], body["minItems"], body["maxItems"]) == ("array", 1, 200)
    assert body["items"] == {"$ref": "#/components/schemas/Customer"}
    answer = described["components"]["schemas"]["Answer"]
    flags = {"abstained", "tied", "out_of_range"}
    assert set(answer["properties"]) == {"predicted", "case", "margin", "confidence", "reason"} | flags
    assert "422" in operation["responses"]
    assert client.get("/docs").status_code == 200


# ------------------------------------------------------------------------------------------------- around it


def test_a_stored_model_runs_with_another_number_of_threads(model: cbr.CaseBasedClassifier) -> None:
    names: dict[str, Any] = {}
    exec(WITH_THREADS, names)  # noqa: S102 - our own guide
    changed = cbr.CaseBasedClassifier.from_json(names["with_threads"](model.to_json(), 3))
    assert changed.n_threads == 3
    X = table(300, seed=7)
    one, other = model.classify(X), changed.classify(X)
    pd.testing.assert_frame_equal(one.to_frame(), other.to_frame(), check_exact=True)


def test_what_may_be_logged_shows_no_figure(model: cbr.CaseBasedClassifier) -> None:
    X = pd.DataFrame([GOOD] * 3)
    shown = f"{model!r} {model.classify(X)!r} {model.explain(X)!r} {model.case_base_!r}"
    assert "Classification(abstained=0, tied=0, customers=3, cases=40)" in shown
    figures = {f"{value:.3f}" for value in model.cases_.ravel()} | {f"{FIGURE:.3f}"}
    assert [figure for figure in figures if figure in shown] == []
