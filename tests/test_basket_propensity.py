"""The target list: who still holds the old product, ranked by their likeness to those who moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.metrics import roc_auc_score

from custvalue import basket
from custvalue._substitution.targets import calibration_table, ranks_and_deciles
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable

N = 1200


def world(seed: int = 0, slope: float = 2.0) -> tuple[basket.Substitution, pd.DataFrame]:
    """Half of the movers are young: log odds -2 + slope (age below 40); wealth says nothing.

    Customers 0 to 9 hold the new product from the start; the last ten closed too late to tell.
    """
    rng = np.random.default_rng(seed)
    age, wealth = rng.integers(20, 80, N), rng.lognormal(10.0, 1.0, N)
    moves = rng.random(N) < 1.0 / (1.0 + np.exp(2.0 - slope * (age < 40)))
    closed = np.where(moves, rng.integers(2, 20, N), -1)
    closed[-10:] = 23
    who = np.flatnonzero(moves)
    who = who[(who >= 10) & (who < N - 10)]
    rows = pd.DataFrame(
        {
            "customer": np.r_[np.arange(N), who, np.arange(10)],
            "product": ["old"] * N + ["new"] * (len(who) + 10),
            "opened": np.r_[np.zeros(N, dtype=int), closed[who], np.full(10, -5)],
            "closed": np.r_[np.where(closed >= 0, closed, np.nan), np.full(len(who) + 10, np.nan)],
        }
    )
    found = basket.substitution(
        rows, customer="customer", product="product", opened="opened", closed="closed", old="old", new="new",
        as_of=24, window=1, n_permutations=39, random_state=0,
    )  # fmt: skip
    return found, pd.DataFrame({"customer": np.arange(N), "age": age, "wealth": wealth})


FOUND, FIGURES = world()


def listed(history: Any = FIGURES, present: Any = FIGURES, **changes: Any) -> basket.TargetList:
    asked: dict[str, Any] = {"old": "old", "new": "new", "random_state": 0, "n_shuffles": 9}
    return FOUND.targets(history, present, **(asked | changes))


# ------------------------------------------------------------------------------------------- the estimator


def test_the_fit_equals_a_minimum_found_another_way() -> None:
    """Penalised likelihood of the standardised features, by BFGS on the formula in the docstring."""
    rng = np.random.default_rng(1)
    X = rng.normal([10.0, -3.0], [5.0, 0.1], (200, 2))
    y = (rng.random(200) < 1.0 / (1.0 + np.exp(-(X[:, 0] - 10.0) / 5.0))).astype(int)
    model = basket.SubstitutionPropensity(inverse_regularisation=0.5).fit(X, y)
    z = (X - X.mean(axis=0)) / X.std(axis=0)

    def loss(w: Any) -> float:
        odds = w[0] + z @ w[1:]
        return float(np.sum(np.logaddexp(0.0, odds) - y * odds) + w[1:] @ w[1:] / (2 * 0.5))

    best = minimize(loss, np.zeros(3), method="BFGS", options={"gtol": 1e-9}).x
    np.testing.assert_allclose([model.intercept_, *model.coefficients_], best, atol=1e-5)
    odds = best[0] + z @ best[1:]
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], 1.0 / (1.0 + np.exp(-odds)), atol=1e-5)
    np.testing.assert_allclose(
        model.contributions(X).sum(axis=1) + model.intercept_, model.decision_function(X), rtol=1e-12
    )


def test_units_do_not_matter_and_a_constant_adds_nothing() -> None:
    X = FIGURES[["age", "wealth"]].to_numpy(dtype=float)
    y = X[:, 0] < 40
    plain = basket.SubstitutionPropensity().fit(X, y)
    scaled = basket.SubstitutionPropensity().fit(np.column_stack([X * [12.0, 0.01], np.ones(N)]), y)
    np.testing.assert_allclose(scaled.coefficients_, [*plain.coefficients_, 0.0], atol=1e-6)
    assert scaled.scale_[2] == 1.0
    assert plain.classes_.tolist() == [False, True]


@pytest.mark.parametrize("strength", [0.0, -1.0, np.inf, True, "1"])
def test_a_wrong_strength_is_refused(strength: Any) -> None:
    with pytest.raises(DomainError, match="inverse_regularisation must be a positive number"):
        basket.SubstitutionPropensity(inverse_regularisation=strength).fit([[1.0], [2.0]], [0, 1])


def test_labels_must_be_two_classes() -> None:
    with pytest.raises(DataError, match=r"y holds 1 class\(es\); needed: two classes"):
        basket.SubstitutionPropensity().fit([[1.0], [2.0]], [1, 1])
    with pytest.raises(DataError, match="X has 2 rows and y 3"):
        basket.SubstitutionPropensity().fit([[1.0], [2.0]], [0, 1, 1])
    with pytest.raises(DataError, match=r"y holds 1 missing value\(s\)"):
        basket.SubstitutionPropensity().fit([[1.0], [2.0], [3.0]], [0, 1, np.nan])


# ------------------------------------------------------------------------------------------- the list


def test_the_list_holds_exactly_those_who_can_be_asked() -> None:
    """Present holders of the old product who never had the new one, each once, the likeliest first."""
    found = listed()
    frame = found.to_frame()
    members = FOUND.members(old="old", new="new").set_index("customer")["state"]
    assert set(frame["customer"]) == set(members.index[members == "stayed"])
    assert len(found) == len(frame) == (members == "stayed").sum()
    assert frame["propensity"].is_monotonic_decreasing
    assert (found.n_holders, found.n_movers) == (N - 20, int((members == "moved").sum()))
    assert found.provenance.counts["undecided"] == (members == "undecided").sum() == 10


def test_the_young_stand_above() -> None:
    """The planted feature is found: the list ranks by age, and the validation says that it is no chance."""
    found = listed()
    young = FIGURES.set_index("customer")["age"].loc[found.to_frame()["customer"]] < 40
    assert young.iloc[: len(found) // 8].mean() == 1.0
    assert young.iloc[len(found) // 2 :].mean() < 0.05
    assert found.auc > 0.65
    assert found.log_loss < found.base_log_loss
    assert found.p_value == 0.1  # nine shuffles
    assert abs(found.shuffled_auc.mean() - 0.5) < 0.05
    assert found.model.coefficients_[0] < -0.5 < found.model.coefficients_[1] < 0.5
    assert found.calibration["lift"].iloc[0] > 1.5 > found.calibration["lift"].iloc[-1]


def test_figures_that_say_nothing_are_told_so() -> None:
    """Without a planted feature the area lies within the shuffles', and the loss is no better than the base."""
    found, figures = world(3, slope=0.0)
    got = found.targets(figures, figures, old="old", new="new", random_state=0, n_shuffles=39)
    assert got.p_value > 0.05
    assert got.log_loss > got.base_log_loss - 0.005


def test_the_order_of_the_rows_does_not_matter() -> None:
    first = listed()
    again = listed(FIGURES.sample(frac=1.0, random_state=1), FIGURES.sample(frac=1.0, random_state=2))
    pd.testing.assert_frame_equal(first.to_frame(), again.to_frame())
    assert (first.auc, first.log_loss) == (again.auc, again.log_loss)


@pytest.mark.pyarrow
def test_the_list_comes_in_the_callers_library(make_frame: Callable[..., Any]) -> None:
    frame = make_frame(FIGURES.to_dict("list"))
    got = listed(frame, frame, features=["age"], n_shuffles=0)
    native = got.to_frame()
    assert type(native) is type(frame)
    columns = {name: np.asarray(native[name]).tolist() for name in ("customer", "propensity", "rank", "decile")}
    pd.testing.assert_frame_equal(pd.DataFrame(columns), listed(features=["age"], n_shuffles=0).to_frame())
    assert np.isnan(got.p_value)


def test_past_and_present_figures_are_told_apart() -> None:
    """Everyone is old now, so nobody stands out, whoever was young then."""
    found = listed(FIGURES, FIGURES.assign(age=70), features=["age"])
    assert np.unique(found.propensity).size == 1
    assert found.rank.tolist() == [1] * len(found)
    assert found.to_frame()["customer"].is_monotonic_increasing  # equal customers stand in the order of their keys


def test_text_keys_and_snapshots() -> None:
    rng = np.random.default_rng(0)
    keys = [f"c{i:03d}" for i in range(300)]
    young = rng.random(300) < 0.5
    moved = rng.random(300) < np.where(young, 0.7, 0.1)
    before = pd.DataFrame({"key": keys, "o": 1, "n": 0})
    after = before.assign(o=1 - moved, n=moved.astype(int))
    found = basket.substitution_between(before, after, customer="key", old="o", new="n")
    got = found.targets(
        pd.DataFrame({"key": keys, "young": young}), pd.DataFrame({"key": keys, "young": young}),
        old="o", new="n", random_state=0,
    )  # fmt: skip
    assert len(got) == (~moved).sum()
    assert set(got.to_frame()["key"]) == set(np.array(keys)[~moved])
    assert got.auc > 0.75


# ------------------------------------------------------------------------------------------- pieces


@given(st.lists(st.integers(0, 6).map(lambda k: k / 6), min_size=1, max_size=40))
@settings(max_examples=40)
def test_ranks_and_deciles_by_the_plain_rule(values: list[float]) -> None:
    ordered = np.sort(np.array(values))[::-1]
    rank, decile = ranks_and_deciles(ordered)
    plain = [1 + sum(other > value for other in ordered) for value in ordered]
    assert rank.tolist() == plain
    assert decile.tolist() == [1 + (10 * (r - 1)) // len(values) for r in plain]
    assert 1 <= decile.min() <= decile.max() <= 10


def test_by_hand_calibration() -> None:
    """Twenty customers, two a decile; the first decile expects .95 + .90 and shows two of eight movers."""
    propensity = np.linspace(0.95, 0.0, 20)
    y = np.array([1, 1, 1, 1, 1, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
    table = calibration_table(propensity, y)
    assert table["customers"].tolist() == [2] * 10
    assert table["moved"].tolist() == [2, 2, 1, 1, 1, 0, 1, 0, 0, 0]
    np.testing.assert_allclose(table.loc[0, ["expected", "lift"]].astype(float), [1.85, 1.0 / 0.4])


def test_the_area_is_the_mean_over_folds() -> None:
    """A second route: the planted score alone has about the area that the validation shows."""
    found = listed(features=["age"])
    members = FOUND.members(old="old", new="new").set_index("customer")["state"]
    kept = members[~members.isin(["had_before", "undecided"])]
    age = FIGURES.set_index("customer")["age"].loc[kept.index]
    assert found.auc == pytest.approx(roc_auc_score(kept == "moved", -age), abs=0.01)


def test_nothing_of_a_customer_is_shown() -> None:
    found = listed()
    assert repr(found).startswith("TargetList(old='old', new='new', targets=")
    assert "AUC" in found._repr_html_()
    assert "customer</th>" not in found._repr_html_().replace("customers</th>", "")
    with pytest.raises(ValueError, match="read-only"):
        found.propensity[0] = 1.0


# ------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("history", "present", "change", "error", "match"),
    [
        (FIGURES.head(100), FIGURES, {}, DataError, r"history lacks \d+ of 1180 customers"),
        (FIGURES, FIGURES.head(100), {}, DataError, r"present lacks \d+ of \d+ customers"),
        (
            pd.concat([FIGURES, FIGURES.head(3)]),
            FIGURES,
            {},
            DataError,
            r"history holds 3 customer\(s\) more than once",
        ),
        (FIGURES.drop(columns="customer"), FIGURES, {}, ColumnError, "history needs the customers' key"),
        (FIGURES, FIGURES.drop(columns="age"), {}, ColumnError, "missing: 'age'.*present must hold them"),
        (FIGURES, FIGURES, {"features": ["customer"]}, ColumnError, "at least one feature beside the key"),
        (FIGURES, FIGURES, {"features": "age"}, DomainError, r"features must be a sequence of .*: \['age'\]"),
        (FIGURES, FIGURES, {"features": []}, ColumnError, "at least one feature beside the key"),
        (FIGURES.assign(age="x"), FIGURES, {}, ColumnError, "'age' is of type String; allowed: numbers"),
        (FIGURES.assign(age=np.nan), FIGURES, {}, DataError, "history holds missing values"),
        (
            FIGURES.assign(customer=FIGURES["customer"].astype(str)),
            FIGURES,
            {},
            ColumnError,
            "integers, as the panel's",
        ),
        (
            FIGURES,
            FIGURES,
            {"events_per_feature": 400},
            DataError,
            r"\d+ customer\(s\) moved .* needed: 800 of each",
        ),
        (FIGURES, FIGURES, {"n_splits": 1}, DomainError, "n_splits must be a whole number from 2"),
        (FIGURES, FIGURES, {"n_shuffles": -1}, DomainError, "n_shuffles must be a whole number from 0"),
        (
            FIGURES,
            FIGURES,
            {"events_per_feature": 0},
            DomainError,
            "events_per_feature must be a whole number from 1",
        ),
        (FIGURES, FIGURES, {"new": "newer"}, DomainError, "new is 'newer'; allowed: new"),
        ([1], FIGURES, {}, DomainError, "history is a list"),
    ],
)
def test_a_wrong_call_is_refused(
    history: Any, present: Any, change: dict[str, Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        listed(history, present, **change)


@pytest.mark.parametrize(
    ("panel", "figures"), [(np.uint64, np.uint64), (np.int64, np.uint64), (np.uint64, np.int32)]
)
def test_keys_of_any_integer_type(panel: type, figures: type) -> None:
    """Signed or not, and beyond what signed numbers hold, the same customers are found."""
    first = 2**63 + 5 if (panel, figures) == (np.uint64, np.uint64) else 1000
    number = np.arange(60)
    keys = [first + int(i) for i in number]
    before = pd.DataFrame({"customer": np.array(keys, dtype=panel), "product": "o"})
    after = before.assign(product=np.where(number % 2 == 0, "n", "o"))
    table = pd.DataFrame({"customer": np.array(keys, dtype=figures), "x": (number % 7).astype(float)})
    found = basket.substitution_between(before, after, customer="customer", product="product", old="o", new="n")
    given = found.targets(table, table.iloc[::-1], old="o", new="n", random_state=0)
    assert sorted(given.to_frame()["customer"].tolist()) == keys[1::2]


def test_a_null_key_among_the_figures_is_refused() -> None:
    with pytest.raises(DataError, match=r"'customer' of history holds 1 null"):
        listed(FIGURES.astype({"customer": "Int64"}).assign(customer=lambda f: f["customer"].where(f.index > 0)))


@pytest.mark.parametrize("value", [0.1, 0.3, 1e9 + 0.1])
def test_a_constant_that_is_no_binary_fraction_has_scale_1(value: float) -> None:
    """The mean of a thousand equal numbers need not be that number; what is constant still says nothing."""
    rng = np.random.default_rng(0)
    X = np.column_stack([np.full(1001, value), rng.normal(size=1001)])
    model = basket.SubstitutionPropensity().fit(X, np.arange(1001) % 2)
    assert (model.scale_[0], model.coefficients_[0]) == (1.0, 0.0)
    assert model.contributions([[value * 2, 0.0]])[0, 0] == 0.0


def test_figures_that_say_nothing_at_all_give_even_odds() -> None:
    """Moved and not, each with the same figures: all coefficients are 0, without a warning."""
    X = np.repeat(np.arange(30.0), 2)[:, None]
    model = basket.SubstitutionPropensity().fit(X, np.arange(60) % 2)
    np.testing.assert_allclose(model.predict_proba(X), 0.5, atol=1e-12)


def test_a_perfect_split_with_hardly_a_penalty_is_finite() -> None:
    model = basket.SubstitutionPropensity(inverse_regularisation=1e12).fit(
        [[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]
    )
    assert np.isfinite(model.coefficients_).all()
    assert model.predict([[0.0], [3.0]]).tolist() == [0, 1]
