"""The recommender: by hand, against a slow second route, against popularity and chance, and what it refuses."""

from __future__ import annotations

import inspect
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from custvalue._product_network.recommender import RecommenderSettings
from custvalue.basket import AssociationRecommender, Baskets, rules
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from custvalue._typing import BoolArray, IntArray

FLAGS = pd.DataFrame({"account": [1] * 80 + [0] * 20, "card": [1] * 60 + [0] * 40, "fund": [0, 1] * 50})
NEW = pd.DataFrame({"account": [1, 1, 0], "card": [0, 1, 1], "fund": [0, 0, 0]}, index=["Ann", "Bo", "Cy"])


def planted(n: int, seed: int) -> BoolArray:
    """Five needs; who has one holds each of its four products with chance .7, everyone holds any with .03.

    Products of the first needs are wanted by far more customers, so that popularity is a serious rival.
    """
    rng = np.random.default_rng(seed)
    need = rng.random((n, 5)) < np.array([0.5, 0.4, 0.2, 0.1, 0.08])
    return np.asarray(rng.random((n, 20)) < np.where(np.repeat(need, 4, axis=1), 0.7, 0.03))


def one_hidden(held: BoolArray, seed: int) -> tuple[BoolArray, IntArray]:
    """Hide one product of each customer who holds at least three, each with equal chance."""
    rng = np.random.default_rng(seed)
    kept = held[held.sum(axis=1) >= 3].copy()
    lot = np.where(kept, rng.random(kept.shape), -1.0)
    hidden = lot.argmax(axis=1)
    kept[np.arange(len(kept)), hidden] = False
    return kept, hidden


def hits(model: AssociationRecommender, shown: BoolArray, hidden: IntArray, k: int) -> float:
    """Share of customers among whose k recommendations the hidden product is."""
    found = model.recommend(shown, k)
    products = np.array([model.products_.index(name) for name in found["product"]])
    return float((products == hidden[found["customer"].to_numpy()]).sum() / len(hidden))


def test_by_hand_one_rule() -> None:
    """Sixty of the 80 account holders hold the card; of 100 customers 60 do: confidence .75, lift 1.25."""
    model = AssociationRecommender().fit(FLAGS)
    found = model.explain(NEW, k=5)
    row = found[found["customer"] == "Ann"].iloc[0]
    assert (row["rank"], row["product"], row["antecedent"]) == (1, "card", "account")
    assert (row["customers"], row["antecedent_customers"]) == (60, 80)
    assert (row["confidence"], row["lift"]) == pytest.approx((0.75, 1.25))
    z = stats.norm.ppf(0.975)
    half = z * np.sqrt(60 * 20 / 80 + z * z / 4)
    ends = (60 + z * z / 2 - half) / (80 + z * z), (60 + z * z / 2 + half) / (80 + z * z)
    assert (row["confidence_low"], row["confidence_high"]) == pytest.approx(ends, rel=1e-9)
    assert row["score"] == row["confidence_low"]
    p = stats.hypergeom.sf(59, 100, 80, 60)
    # Three products and at most two on the left: six rules with one there and three with two. The two layers share
    # the level, so p is multiplied by 2 x 6; by Bonferroni it would be by 6 + 3.
    assert row["log10_p_adjusted"] == pytest.approx(np.log10(12 * p), abs=1e-9)
    plain = AssociationRecommender(adjust="bonferroni").fit(FLAGS).explain(NEW)
    assert plain["log10_p_adjusted"][0] == pytest.approx(np.log10(9 * p), abs=1e-9)
    assert row["reason"].startswith("75.0% (64.5% to 83.2%) of the 80 customers who hold account hold card")
    assert found[found["customer"] == "Cy"]["product"].tolist() == ["account"]
    assert "Bo" not in found["customer"].tolist()


def test_beats_popularity_and_chance_on_a_hidden_product() -> None:
    """Rivals on the same 3,000 new customers: the most popular product not held, and a random product not held.

    The hidden product is among three recommendations at least 1.3 times as often as by popularity and 3 times as
    often as by chance; the difference from popularity is more than three standard errors.
    """
    model = AssociationRecommender(fallback="popularity").fit(planted(4000, 0))
    shown, hidden = one_hidden(planted(3000, 1), 2)
    popular = AssociationRecommender(min_support=1, fallback="popularity").fit(planted(4000, 0))
    assert all(left == () for left in popular.to_frame()["antecedent"])
    own, rival = hits(model, shown, hidden, 3), hits(popular, shown, hidden, 3)
    chance = float((3.0 / (~shown).sum(axis=1)).mean())
    assert own > 1.3 * rival
    assert own > 3.0 * chance
    assert own - rival > 3.0 * np.sqrt((own * (1 - own) + rival * (1 - rival)) / len(hidden))


def test_on_independent_products_there_is_nothing_to_recommend() -> None:
    """At level .05 at most 5 of 30 runs (99 % bound of Binomial(30, .05)) keep a rule."""
    found = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        model = AssociationRecommender(min_support=0.02).fit(rng.random((600, 8)) < rng.uniform(0.1, 0.9, 8))
        found += len(model.to_frame()) > 0
    assert found <= stats.binom.ppf(0.99, 30, 0.05)


ROWS = st.lists(st.tuples(*[st.booleans()] * 4), min_size=2, max_size=25)


@settings(max_examples=30)
@given(
    ROWS,
    ROWS,
    st.sampled_from(["confidence_low", "confidence", "lift", "gap"]),
    st.sampled_from([None, "popularity"]),
    st.data(),
)
def test_agrees_with_a_slow_search_over_rules(
    history: list[tuple[bool, ...]],
    present: list[tuple[bool, ...]],
    rank_by: Any,
    fallback: Any,
    data: st.DataObject,
) -> None:
    """Every rule is tried on every customer by names; what is held or not eligible is left out."""
    names = ["a", "b", "c", "d"]
    X, new = pd.DataFrame(history, columns=names), pd.DataFrame(present, columns=names)
    lots = data.draw(st.lists(st.integers(0, 3), min_size=len(new), max_size=len(new)))
    eligible = pd.DataFrame([[name != names[lot] for name in names] for lot in lots], columns=names) | new
    model = AssociationRecommender(min_support="0.01", rule_filter="all", rank_by=rank_by, fallback=fallback)
    model.fit(X)
    table = model.to_frame()
    assert (np.diff(table[rank_by]) <= 0.0).all()
    if fallback is None:
        found = rules(Baskets.from_wide(X), min_support="0.01", max_antecedent=2)
        assert len(found) == len(table)
    scores = model.score_products(new, eligible=eligible)
    ranked = model.recommend(new, 2, eligible=eligible)
    listed: list[Any] = list(table.itertuples(index=False))
    for row in range(len(new)):
        worth: dict[str, float] = {}
        for rule in listed:
            fits = all(new.loc[row, name] for name in rule.antecedent)
            wanted = not new.loc[row, rule.consequent] and eligible.loc[row, rule.consequent]
            if fits and wanted:
                score = getattr(rule, rank_by)
                worth[rule.consequent] = max(score, worth.get(rule.consequent, -np.inf))
        assert scores[row].tolist() == [worth.get(name, -np.inf) for name in names]
        mine = ranked[ranked["customer"] == row]
        assert mine["rank"].tolist() == list(range(1, min(2, len(worth)) + 1))
        assert mine["score"].tolist() == sorted(worth.values(), reverse=True)[:2]
        assert mine["score"].tolist() == [worth[name] for name in mine["product"]]


def test_ties_go_to_more_customers_and_then_to_the_earlier_product() -> None:
    """By confidence a -> b and a -> c are both .5; c is held by as many, so b, the earlier column, comes first."""
    rows = [(1, 1, 0)] * 30 + [(1, 0, 1)] * 30 + [(0, 0, 0)] * 60
    X = pd.DataFrame(rows, columns=["a", "b", "c"])
    model = AssociationRecommender(rank_by="confidence").fit(X)
    found = model.recommend(pd.DataFrame({"a": [1], "b": [0], "c": [0]}))
    assert found["product"].tolist() == ["b", "c"]
    assert found["score"].tolist() == [0.5, 0.5]


@pytest.mark.pyarrow
def test_answers_come_in_the_library_of_the_question(make_frame: Callable[[Any], Any]) -> None:
    frame = make_frame(FLAGS.to_dict("list"))
    model = AssociationRecommender().fit(frame)
    new = make_frame({**NEW.to_dict("list"), "key": ["x", "y", "z"]})
    found = model.explain(new, labels=["x", "y", "z"])
    assert type(found).__module__.split(".")[0] == type(frame).__module__.split(".")[0]
    own = found["customer"]
    assert list(own.to_pylist() if hasattr(own, "to_pylist") else own) == ["x", "z"]
    pd.testing.assert_frame_equal(model.to_frame(), AssociationRecommender().fit(FLAGS).to_frame())


def test_columns_are_matched_by_name() -> None:
    model = AssociationRecommender().fit(FLAGS)
    turned = NEW[["fund", "card", "account"]].assign(note="other columns are not read")
    pd.testing.assert_frame_equal(model.recommend(turned), model.recommend(NEW))
    np.testing.assert_array_equal(model.score_products(turned), model.score_products(NEW))
    with pytest.raises(ColumnError, match="missing: 'card'"):
        model.recommend(NEW.drop(columns="card"))


def test_what_is_not_eligible_is_never_recommended() -> None:
    model = AssociationRecommender(fallback="popularity").fit(FLAGS)
    assert model.recommend(NEW)["product"].tolist().count("card") == 1
    found = model.recommend(NEW, eligible=pd.DataFrame({"card": [False, True, True]}))
    assert found["product"].tolist().count("card") == 0
    assert found["product"].tolist().count("fund") == 3
    assert np.isneginf(model.score_products(NEW, eligible=np.array([[1, 0, 1], [1, 1, 1], [1, 1, 1]]))[0, 1])


def test_two_pandas_frames_are_matched_by_their_indices() -> None:
    """Only Bo may not have the card, wherever the row stands; rows that are merely numbered come as they are."""
    model = AssociationRecommender(fallback="popularity").fit(FLAGS)
    new = NEW.assign(card=0)
    eligible = pd.DataFrame({"card": [1, 1, 0]}, index=["Cy", "Ann", "Bo"])
    given = [eligible, eligible.loc[new.index], eligible.loc[new.index].reset_index(drop=True)]
    for one in given:
        assert np.isneginf(model.score_products(new, eligible=one)[:, 1]).tolist() == [False, True, False]
    backwards = AssociationRecommender().fit(FLAGS, eligible=(FLAGS | 1).assign(card=FLAGS["account"]).iloc[::-1])
    straight = AssociationRecommender().fit(FLAGS, eligible=(FLAGS | 1).assign(card=FLAGS["account"]))
    pd.testing.assert_frame_equal(backwards.to_frame(), straight.to_frame())
    for index in (["Ann", "Bo", "Di"], ["Ann", "Bo", "Bo"]):
        with pytest.raises(DataError, match="different index labels"):
            model.score_products(new, eligible=eligible.set_axis(index))


def test_a_ranking_set_after_the_fit_waits_for_the_next_fit() -> None:
    model = AssociationRecommender(fallback="popularity").fit(FLAGS)
    before = model.score_products(NEW)
    np.testing.assert_array_equal(model.set_params(rank_by="lift").score_products(NEW), before)
    assert model.rank_by_ == "confidence_low"
    assert model.fit(FLAGS).score_products(NEW).max() > 1.0


def test_equal_rules_come_shorter_and_earlier_first() -> None:
    """Who holds anything holds all, so that all rules have the same figures, however they were found."""
    flags = pd.DataFrame(np.repeat([[1, 1, 1], [0, 0, 0]], 40, axis=0), columns=["z", "m", "a"])
    asked: dict[str, Any] = {"min_support": "0.1", "max_antecedent": 2, "consequents": "single"}
    found = rules(Baskets.from_wide(flags[["a", "m", "z"]], products=["a", "m", "z"]), **asked)
    wanted = [
        (("z",), "m"), (("z",), "a"), (("m",), "z"), (("m",), "a"), (("a",), "z"), (("a",), "m"),
        (("z", "m"), "a"), (("z", "a"), "m"), (("m", "a"), "z"),
    ]  # fmt: skip
    for known in (None, found):
        table = AssociationRecommender(rules=known).fit(flags).to_frame()
        assert list(zip(table["antecedent"], table["consequent"], strict=True)) == wanted


def test_eligibility_at_the_fit_sets_the_denominators() -> None:
    """Of the 80 account holders 70 may have the card: confidence 60 / 70."""
    eligible = pd.DataFrame({"card": [True] * 70 + [False] * 10 + [True] * 20})
    model = AssociationRecommender().fit(FLAGS, eligible=eligible)
    table = model.to_frame().set_index(["antecedent", "consequent"])
    row = table.loc[[(("account",), "card")]].iloc[0]
    assert (row["customers"], row["antecedent_customers"]) == (60, 70)


def test_products_that_may_be_recommended_are_named() -> None:
    model = AssociationRecommender(products=["account"], fallback="popularity").fit(FLAGS)
    assert set(model.to_frame()["consequent"]) == {"account"}
    # One product on the right: two rules with one of the others on the left, and one with both; 2 layers x 2.
    row = model.to_frame().iloc[0]
    assert row["antecedent"] == ("card",)
    assert row["log10_p_adjusted"] == pytest.approx(np.log10(4 * stats.hypergeom.sf(59, 100, 80, 60)), abs=1e-9)
    with pytest.raises(DomainError, match="products names 'boat'"):
        AssociationRecommender(products=["boat"]).fit(FLAGS)


def test_rules_found_before() -> None:
    found = rules(Baskets.from_wide(FLAGS), min_support=0.01, max_antecedent=2)
    given = AssociationRecommender(rules=found).fit(FLAGS)
    own = AssociationRecommender().fit(FLAGS)
    pd.testing.assert_frame_equal(given.to_frame(), own.to_frame())
    # Columns in another order are matched by name.
    turned = AssociationRecommender(rules=found).fit(FLAGS[["fund", "card", "account"]])
    pd.testing.assert_frame_equal(turned.recommend(NEW), own.recommend(NEW))
    wrong: Any
    for wrong, message in [
        (rules(Baskets.from_wide(FLAGS), min_count=1, consequents="any"), "one product on the right"),
        (rules(Baskets.from_wide(FLAGS), min_count=1, alternative="less"), "alternative 'greater'"),
        ("rules", "rules is a str; allowed: Rules"),
    ]:
        with pytest.raises(DomainError, match=message):
            AssociationRecommender(rules=wrong).fit(FLAGS)
    with pytest.raises(DomainError, match="rules speak of 'account', 'card'"):
        AssociationRecommender(rules=found).fit(FLAGS[["fund"]])


def test_productive_rules_only() -> None:
    """Holders of card and fund hold the account no more often than holders of the card: not productive."""
    significant = AssociationRecommender().fit(FLAGS).to_frame()["antecedent"].tolist()
    productive = AssociationRecommender(rule_filter="productive").fit(FLAGS).to_frame()["antecedent"].tolist()
    assert ("card", "fund") in significant
    assert set(productive) == {("account",), ("card",)}


def test_balances_instead_of_flags() -> None:
    balances = FLAGS * 125.5
    model = AssociationRecommender(binarize=0.0).fit(balances)
    pd.testing.assert_frame_equal(model.recommend(NEW), AssociationRecommender().fit(FLAGS).recommend(NEW))
    with pytest.raises(DataError, match=r"values other than 0 and 1: 190 cell\(s\) in 'account', 'card', 'fund'"):
        AssociationRecommender().fit(balances)


@pytest.mark.parametrize("kind", ["float", "nullable", "object"])
def test_null_flags_are_refused_by_column(kind: str) -> None:
    types: dict[str, Any] = {"float": "float64", "nullable": "boolean", "object": "Int64"}
    holes = FLAGS.astype(types[kind])
    holes.loc[3, "card"] = None
    with pytest.raises(DataError, match=r"X holds null flags \(NaN or null\): 1 cell\(s\) in 'card'"):
        AssociationRecommender().fit(holes)
    with pytest.raises(DataError, match="null flags"):
        AssociationRecommender(binarize=0.0).fit(holes)
    model = AssociationRecommender().fit(FLAGS)
    with pytest.raises(DataError, match="null flags"):
        model.recommend(holes)


def test_wrong_tables_are_named() -> None:
    model = AssociationRecommender().fit(FLAGS)
    with pytest.raises(DataError, match=r"eligible has 1 row\(s\) and X 3"):
        model.recommend(NEW, eligible=NEW.head(1))
    with pytest.raises(DataError, match=r"2 holding\(s\) are of products for which"):
        model.recommend(NEW, eligible=pd.DataFrame({"account": [0, 0, 0]}))
    with pytest.raises(DataError, match=r"eligible holds 1 value\(s\) other than 0 and 1"):
        model.recommend(NEW, eligible=pd.DataFrame({"fund": [2, 0, 0]}))
    with pytest.raises(ColumnError, match="eligible has columns that are no product of the fit: 'boat'"):
        model.recommend(NEW, eligible=pd.DataFrame({"boat": [1, 0, 0]}))
    with pytest.raises(ColumnError, match="no product of the fit: '0', '1', '2'"):
        AssociationRecommender().fit(FLAGS.to_numpy(), eligible=pd.DataFrame(FLAGS.to_numpy()))
    with pytest.raises(DataError, match="labels has 1 entries and X 3"):
        model.recommend(NEW, labels=["x"])
    with pytest.raises(DomainError, match="k must be a whole number from 1"):
        model.recommend(NEW, 0)
    with pytest.raises(NotFittedError):
        AssociationRecommender().recommend(NEW)


@pytest.mark.parametrize(
    ("setting", "error"),
    [
        ({"alpha": 0.0}, ValidationError),
        ({"rank_by": "beauty"}, ValidationError),
        ({"rule_filter": None}, ValidationError),
        ({"adjust": None}, ValidationError),
        ({"fallback": "random"}, ValidationError),
        ({"confidence_level": 1.0}, ValidationError),
        ({"products": "card"}, ValidationError),
        ({"binarize": "0"}, ValidationError),
        ({"min_support": 0.0}, DomainError),
        ({"min_support": 1.5}, DomainError),
        ({"max_antecedent": 0}, ValidationError),
        ({"min_confidence": 2}, DomainError),
    ],
)
def test_wrong_settings_are_named(setting: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=next(iter(setting))):
        AssociationRecommender(**setting).fit(FLAGS)


def test_the_model_holds_no_customer() -> None:
    """Ten times the customers make the same model: a pickle of nearly the same size, and equal answers."""
    small = AssociationRecommender().fit(FLAGS)
    large = AssociationRecommender().fit(pd.concat([FLAGS] * 10, ignore_index=True))
    assert len(pickle.dumps(large)) < len(pickle.dumps(small)) + 400
    again = pickle.loads(pickle.dumps(small))  # noqa: S301 - our own bytes
    pd.testing.assert_frame_equal(again.explain(NEW), small.explain(NEW))
    assert clone(small).get_params() == small.get_params()
    assert "fitted AssociationRecommender" in small._repr_html_inner()
    assert "AssociationRecommender" in AssociationRecommender()._repr_html_inner()


def test_one_product_has_no_rule_and_one_customer_is_enough() -> None:
    model = AssociationRecommender().fit([[1], [0]])
    assert list(model.to_frame().columns)[:2] == ["antecedent", "consequent"]
    assert len(model.to_frame()) == len(model.recommend([[0]])) == len(model.explain([[0]])) == 0
    assert list(model.recommend([[0]]).columns) == ["customer", "product", "rank", "score", "rule"]
    assert np.isneginf(model.score_products([[0]])).all()
    assert len(AssociationRecommender().fit([[1, 0, 1]]).to_frame()) == 0


def test_the_order_of_customers_does_not_matter() -> None:
    held = planted(500, 3)
    one = AssociationRecommender().fit(held).to_frame()
    other = AssociationRecommender().fit(held[np.random.default_rng(0).permutation(500)]).to_frame()
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_settings_are_told_once() -> None:
    """Every field of the settings is a parameter of the estimator."""
    parameters = set(inspect.signature(AssociationRecommender.__init__).parameters) - {"self"}
    assert set(RecommenderSettings.model_fields) <= parameters


def test_berka_hidden_products_are_found_again(shared: Path) -> None:
    """Real bank: fitted on even clients, one product hidden of odd ones with three; better than popularity."""
    holdings = pd.read_csv(shared / "data/baskets/berka_holdings.csv.gz")
    wide = pd.crosstab(holdings["client_id"], holdings["product"]).to_numpy() > 0
    shown, hidden = one_hidden(wide[1::2], 0)
    model = AssociationRecommender(fallback="popularity").fit(wide[::2])
    popular = AssociationRecommender(min_support=1, fallback="popularity").fit(wide[::2])
    assert hits(model, shown, hidden, 1) > hits(popular, shown, hidden, 1)
