"""Rules: which ones are found, their counts and order, templates, amounts, and what is refused."""

from __future__ import annotations

import gzip
import json
import pickle
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from baskets_by_hand import PRODUCTS, Customer, banks, baskets_of, cells, found_rules, possible_rules, subsets
from custvalue import basket
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from baskets_by_hand import Rule

EXAMPLES = settings(max_examples=30)

#: Ten customers: 4 account and card, 3 account, 1 card, 2 nothing.
TEN = basket.Baskets.from_lists([["account", "card"], ["account"], ["card"], []], counts=[4, 3, 1, 2])


def listed(found: basket.Rules) -> dict[Rule, list[int]]:
    """Give the counts by rule."""
    sides = zip(found.antecedents, found.consequents, strict=True)
    four = np.stack([found.n11, found.n10, found.n01, found.n00], axis=1).tolist()
    return dict(zip(sides, four, strict=True))


# ---------------------------------------------------------------------------------------- known answers


@pytest.fixture(scope="module")
def answers(shared: Path) -> dict[str, Any]:
    """Counts of rules that pyfim, mlxtend and a prototype agree on."""
    text = (shared / "known_answers" / "basket" / "itemsets.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)["datasets"]
    return loaded


@pytest.fixture(scope="module")
def groceries(shared: Path) -> basket.Baskets:
    """The groceries of Hahsler, Hornik and Reutterer (2006)."""
    with gzip.open(shared / "data" / "baskets" / "groceries.csv.gz", "rt", encoding="utf-8") as lines:
        return basket.Baskets.from_lists([line.rstrip("\n").split(",") for line in lines])


@pytest.fixture(scope="module")
def berka(shared: Path) -> basket.Baskets:
    """Products of 5,369 clients of a Czech bank (PKDD 1999)."""
    frame = pd.read_csv(shared / "data" / "baskets" / "berka_holdings.csv.gz")
    return basket.Baskets.from_long(frame, customer="client_id", product="product")


@pytest.mark.parametrize("data", ["groceries", "berka"])
@pytest.mark.parametrize(("consequents", "key"), [("single", "single_consequent"), ("any", "all_partitions")])
def test_borgelt2012_raschka2018_counts_of_rules(
    data: str, consequents: Any, key: str, answers: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    """Pyfim 6.28 (single consequent) and mlxtend 0.25.0 (all partitions) count as many rules."""
    baskets = request.getfixturevalue(data)
    for run in answers[data]["runs"]:
        for confidence, expected in run["rules"].items():
            found = basket.rules(
                baskets, min_count=run["min_count"], min_confidence=confidence, consequents=consequents
            )
            assert len(found) == expected[key], (run["min_count"], confidence)


@pytest.mark.parametrize(
    ("file", "count", "expected"),
    [("retail", 89, (6_192, 5_731)), ("chess", 2_557, (552_564, 44_637)), ("BMS1", 60, (4_894, 3_928))],
)
def test_borgelt2012_counts_of_rules_of_fimi(
    shared: Path, file: str, count: int, expected: tuple[int, int]
) -> None:
    """Pyfim 6.28 and mlxtend 0.25.0 at confidence .5 on data of the FIMI repository."""
    with gzip.open(shared / "data" / "baskets" / f"{file}.dat.gz", "rt", encoding="utf-8") as lines:
        baskets = basket.Baskets.from_lists([line.split() for line in lines])
    for consequents, number in zip(("any", "single"), expected, strict=True):
        found = basket.rules(baskets, min_count=count, min_confidence=0.5, consequents=consequents)  # type: ignore[arg-type]  # one of the two
        assert len(found) == number


def test_by_hand_default_table() -> None:
    """Account and card: n11 = 4, n10 = 3, n01 = 1, n00 = 2 of 10; card and account: n10 and n01 change places.

    Lift 4 x 10 / (7 x 5) = 8/7; gap 100 (4/7 - 5/10) = 50/7; extra customers 4 - 7 x 5 / 10 = 1/2; Kulczynski
    (4/7 + 4/5) / 2 = 24/35; imbalance |7 - 5| / (7 + 5 - 4) = 1/4. Fisher: P(C >= 4) with 7 and 5 out of 10
    = (C(5,4) C(5,3) + C(5,5) C(5,2)) / C(10,7) = (50 + 10) / 120 = 1/2.
    """
    found = basket.rules(TEN, min_count=4, adjust=None)
    frame = found.to_frame()
    assert list(frame.columns) == [
        "antecedent", "consequent", "customers", "support", "confidence", "confidence_low", "confidence_high",
        "lift", "lift_low", "lift_high", "gap", "extra_customers", "kulczynski", "imbalance", "log10_p",
        "log10_p_adjusted", "productive",
    ]  # fmt: skip
    assert frame["antecedent"].tolist() == [("account",), ("card",)]
    assert frame["consequent"].tolist() == [("card",), ("account",)]
    expected: dict[str, list[float]] = {
        "customers": [4, 4],
        "support": [0.4, 0.4],
        "confidence": [4 / 7, 4 / 5],
        "lift": [8 / 7, 8 / 7],
        "gap": [50 / 7, 10.0],
        "extra_customers": [0.5, 0.5],
        "kulczynski": [24 / 35, 24 / 35],
        "imbalance": [0.25, 0.25],
        "log10_p": [np.log10(0.5)] * 2,
        "log10_p_adjusted": [np.log10(0.5)] * 2,
    }
    for name, values in expected.items():
        np.testing.assert_allclose(frame[name], values, rtol=1e-12)
    assert not frame["productive"].any()
    assert (frame["confidence_low"] < frame["confidence"]).all()
    assert (frame["confidence"] < frame["confidence_high"]).all()
    assert (frame["lift_low"] < 1.0).all()
    assert (frame["lift_high"] > frame["lift"]).all()


def test_by_hand_a_product_of_everyone_is_not_lost() -> None:
    """Baskets {a, b} and {a}: a, held by all, stands in the rules b -> a (confidence 1) and a -> b (1/2)."""
    found = basket.rules(basket.Baskets.from_lists([["a", "b"], ["a"]]), min_count=1)
    assert listed(found) == {(("a",), ("b",)): [1, 1, 0, 0], (("b",), ("a",)): [1, 0, 1, 0]}
    np.testing.assert_array_equal(found.measure("confidence"), [0.5, 1.0])


@pytest.mark.parametrize("confidence", [0.07, "0.07", Decimal("0.07"), Fraction(7, 100)])
def test_by_hand_a_confidence_exactly_met_counts(confidence: Any) -> None:
    """7 of 100 holders: 0.07 times 100 is 7.000000000000001 in floats."""
    baskets = basket.Baskets.from_lists([["a", "b"], ["a"], ["b"]], counts=[7, 93, 200])
    assert listed(basket.rules(baskets, min_count=1, min_confidence=confidence)) == {
        (("a",), ("b",)): [7, 93, 200, 0]
    }
    assert len(basket.rules(baskets, min_count=1, min_confidence="0.0700000000000000000001")) == 0


def test_by_hand_a_support_exactly_met_counts() -> None:
    baskets = basket.Baskets.from_lists([["a", "b"], ["a"]], counts=[7, 93])
    assert len(basket.rules(baskets, min_support=0.07)) == 2
    assert len(basket.rules(baskets, min_support="0.0700001")) == 0


def test_by_hand_improvement_and_boost() -> None:
    """Loan given account and card: 5/10. Given account 6/20, given card 8/20, given nothing 9/40: best 2/5."""
    held = {
        ("account", "card", "loan"): 5,
        ("account", "card"): 5,
        ("account", "loan"): 1,
        ("account",): 9,
        ("card", "loan"): 3,
        ("card",): 7,
        (): 10,
    }
    baskets = basket.Baskets.from_lists(list(held), counts=list(held.values()))
    loan = basket.RuleTemplate(allowed=["loan"])
    found = basket.rules(baskets, min_count=5, consequent=loan, antecedent=basket.RuleTemplate(min_length=2))
    assert found.antecedents == [("account", "card")]
    np.testing.assert_allclose(found.measure("improvement"), [0.5 - 0.4], rtol=1e-12)
    np.testing.assert_allclose(found.measure("boost"), [1.25], rtol=1e-12)
    np.testing.assert_allclose(found.measure("lic"), [1.25], rtol=1e-12)


# ---------------------------------------------------------------------------------------- brute force


@pytest.mark.parametrize("barred", [False, True])
@pytest.mark.parametrize("consequents", ["single", "any"])
def test_rules_are_those_of_a_plain_count(barred: bool, consequents: Any) -> None:  # noqa: FBT001 - a parameter
    @EXAMPLES
    @given(
        banks(barred=barred),
        st.integers(1, 6),
        st.sampled_from([Fraction(0), Fraction(1, 3), Fraction(1, 2), Fraction(1)]),
    )
    def check(bank: list[Customer], least: int, confidence: Fraction) -> None:
        baskets = baskets_of(bank)
        found = basket.rules(baskets, min_count=least, min_confidence=confidence, consequents=consequents)
        expected = found_rules(bank, PRODUCTS, least, confidence, single=consequents == "single")
        assert listed(found) == expected
        for rule, four in expected.items():
            assert cells(bank, *rule) == four

    check()


@EXAMPLES
@given(banks(barred=True), st.integers(1, 6))
def test_less_sets_every_frequent_side_against_every_other(bank: list[Customer], least: int) -> None:
    found = basket.rules(baskets_of(bank), min_count=least, alternative="less", consequents="any")
    frequent = {
        side for side in subsets(PRODUCTS) if sum(set(side) <= customer.held for customer in bank) >= least
    }
    rules = possible_rules(PRODUCTS, single=False)
    expected = {rule: cells(bank, *rule) for rule in rules if set(rule) <= frequent}
    assert listed(found) == expected


@EXAMPLES
@given(banks(barred=True))
def test_amounts_are_added_over_the_same_customers(bank: list[Customer]) -> None:
    found = basket.rules(baskets_of(bank), min_count=2, consequents="any", amount="money")
    assert listed(found) == found_rules(bank, PRODUCTS, 2, Fraction(0), single=False)
    for place, rule in enumerate(zip(found.antecedents, found.consequents, strict=True)):
        four = cells(bank, *rule, money=True)
        np.testing.assert_allclose([float(cell[place]) for cell in found.cells], four, atol=1e-9)


@EXAMPLES
@given(banks(barred=True), st.sampled_from(["improvement", "boost"]))
def test_improvement_compares_with_every_simpler_rule(bank: list[Customer], name: str) -> None:
    """Simpler antecedents, the empty one too, are counted among those eligible for the whole rule."""
    found = basket.rules(baskets_of(bank), min_count=1, consequents="any")
    got = found.measure(name)
    for place, (left, right) in enumerate(listed(found)):
        able = [customer for customer in bank if not customer.barred & set(left + right)]
        confidences = []
        for some in subsets(left, 0):
            holders = [customer for customer in able if set(some) <= customer.held]
            if holders and some != left:
                hits = sum(set(right) <= customer.held for customer in holders)
                confidences.append(Fraction(hits, len(holders)))
        own = Fraction(int(found.n11[place]), int(found.n11[place] + found.n10[place]))
        expected = own - max(confidences) if name == "improvement" else own / max(confidences)
        assert got[place] == pytest.approx(float(expected), abs=1e-12)


@EXAMPLES
@given(banks(barred=True), st.randoms(use_true_random=False))
def test_the_order_of_customers_does_not_matter(bank: list[Customer], chance: Any) -> None:
    shuffled = list(bank)
    chance.shuffle(shuffled)
    first, second = (basket.rules(baskets_of(some), min_count=1, consequents="any") for some in (bank, shuffled))
    pd.testing.assert_frame_equal(first.to_frame(), second.to_frame())


@EXAMPLES
@given(banks(), st.integers(2, 1000))
def test_every_customer_many_times_changes_no_share(bank: list[Customer], times: int) -> None:
    rows = [sorted(customer.held) for customer in bank]
    once = basket.Baskets.from_lists(rows, products=PRODUCTS)
    often = basket.Baskets.from_lists(rows, products=PRODUCTS, counts=[times] * len(rows))
    names = ["support", "confidence", "lift", "kulczynski", "imbalance", "gap"]
    first = basket.rules(once, min_count=1, consequents="any").to_frame(names)
    second = basket.rules(often, min_count=times, consequents="any").to_frame(names)
    pd.testing.assert_frame_equal(first, second, rtol=1e-12)


# ---------------------------------------------------------------------------------------- order, templates, limit


def test_the_order_is_by_customers_then_length_then_products() -> None:
    held = [["a", "b", "c"], ["a", "b"], ["b", "c"]]
    found = basket.rules(basket.Baskets.from_lists(held, counts=[5, 2, 2]), min_count=1, consequents="any")
    keys = [(-n11, len(left) + len(right), left, right) for (left, right), (n11, *_) in listed(found).items()]
    # Antecedents of one length stand in their products' order, shorter ones first.
    assert keys == sorted(keys, key=lambda key: (key[0], key[1], len(key[2]), key[2], key[3]))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"allowed": ["account", "card"]}, {}),
        ({"forbidden": ["loan"]}, {"required": ["loan"]}),
        ({"required": ["card"], "max_length": 2}, {"min_length": 2}),
        ({"families": ["money"]}, {"families": ["credit"], "max_length": 1}),
        ({"families": ["money"], "required": ["loan"]}, {}),
        ({"min_length": 2, "max_length": 3}, {"allowed": ["fund", "loan", "deposit"]}),
    ],
)
def test_templates_keep_the_rules_that_fit(left: dict[str, Any], right: dict[str, Any]) -> None:
    families = {"account": "money", "deposit": "money", "card": "credit", "loan": "credit"}
    catalog = basket.ProductCatalog(
        products=[basket.Product(name=name, family=families.get(name)) for name in PRODUCTS]
    )
    rows = [side for side in subsets(PRODUCTS, 0) if sum(map(len, side)) % 3]
    baskets = basket.Baskets.from_lists(rows, products=catalog)
    everything = listed(basket.rules(baskets, min_count=1, consequents="any"))

    def fits(side: tuple[str, ...], rule: dict[str, Any]) -> bool:
        required = set(rule.get("required", ()))
        allowed = set(rule.get("allowed", PRODUCTS)) - set(rule.get("forbidden", ()))
        if "families" in rule:
            allowed &= {name for name, family in families.items() if family in rule["families"]}
        length = rule.get("min_length", 1) <= len(side) <= rule.get("max_length", 99)
        return length and required <= set(side) <= allowed | required

    found = basket.rules(
        baskets,
        min_count=1,
        consequents="any",
        antecedent=basket.RuleTemplate(**left),
        consequent=basket.RuleTemplate(**right),
    )
    expected = {rule: four for rule, four in everything.items() if fits(rule[0], left) and fits(rule[1], right)}
    assert len(expected) > 0
    assert listed(found) == expected


def test_max_antecedent_bounds_the_left_side() -> None:
    baskets = basket.Baskets.from_lists([["a", "b", "c", "d"]], counts=[5])
    for most in (1, 2, 3):
        found = basket.rules(baskets, min_count=1, max_antecedent=most)
        assert max(map(len, found.antecedents)) == most


def test_a_limit_that_is_hit_is_said() -> None:
    baskets = basket.Baskets.from_lists([list("abcd")], counts=[5])
    whole = basket.rules(baskets, min_count=1, consequents="any")
    with pytest.warns(UserWarning, match=r"More than limit=20 rules or itemsets"):
        some = basket.rules(baskets, min_count=1, consequents="any", limit=20)
    assert len(some) == 20
    assert not some.complete
    assert whole.complete
    assert "complete=False" in repr(some)
    assert "stopped at the limit" in some._repr_html_()
    assert listed(some).items() <= listed(whole).items()
    with pytest.warns(UserWarning, match=r"More than limit=7"):
        fewer = basket.rules(baskets, min_count=1, alternative="less", limit=7)
    assert len(fewer) == 7


def test_an_empty_result_keeps_its_columns() -> None:
    found = basket.rules(TEN, min_count=10)
    assert len(found) == 0
    frame = found.to_frame()
    assert len(frame) == 0
    assert "productive" in frame.columns
    assert len(found.significant(0.5)) == 0
    assert len(found.select([])) == 0
    assert found.measure("improvement").shape == (0,)
    assert "0 rules" in found._repr_html_()


@pytest.mark.parametrize("arguments", [{}, {"consequents": "any"}, {"alternative": "less"}, {"adjust": "by"}])
def test_customers_without_any_product_make_no_rule(arguments: dict[str, Any]) -> None:
    found = basket.rules(basket.Baskets.from_lists([[], []]), min_count=1, **arguments)
    assert (len(found), found.n_hypotheses) == (0, 0)
    assert len(found.to_frame()) == 0


def test_select_keeps_what_was_corrected_among_all() -> None:
    baskets = basket.Baskets.from_lists([list("abc"), list("ab"), list("cd"), list("d")], counts=[30, 5, 9, 20])
    methods: tuple[Any, ...] = ("holm", "bh", "layered", None)
    for adjust in methods:
        whole = basket.rules(baskets, min_count=1, consequents="any", adjust=adjust)
        places = np.arange(len(whole))[::-3]
        some = whole.select(places)
        pd.testing.assert_frame_equal(some.to_frame(), whole.to_frame().iloc[places].reset_index(drop=True))
        again = some.select(some.measure("lift") > 1.0)
        kept = places[whole.measure("lift")[places] > 1.0]
        np.testing.assert_array_equal(again.log_p_adjusted, whole.log_p_adjusted[kept])
        np.testing.assert_array_equal(again.measure("improvement"), whole.measure("improvement")[kept])


def test_rules_are_read_only_and_travel() -> None:
    found = basket.rules(TEN, min_count=1)
    with pytest.raises(ValueError, match="read-only"):
        found.n11[0] = 0
    assert repr(found) == "Rules(rules=2, hypotheses=2, customers=10, complete=True)"
    settings_ = json.loads(found.provenance.spec)
    assert settings_["min_count"] == 1
    assert json.loads(json.dumps(found.provenance.to_dict()))["counts"]["rules"] == 2
    assert found.n_hypotheses == 2
    copy = pickle.loads(pickle.dumps(found))  # noqa: S301 - our own bytes
    pd.testing.assert_frame_equal(copy.to_frame(), found.to_frame())
    text = found.to_frame().to_json(orient="records")
    assert json.loads(text)[0]["antecedent"] == ["account"]
    assert "account" in found._repr_html_()


def test_by_hand_rules_that_add_up_an_amount() -> None:
    """Money 90 with holders of both, 10 with account alone: confidence 0.9, while 1 of 2 customers holds both."""
    flags = pd.DataFrame({"account": [1, 1, 0], "card": [1, 0, 0], "balance": [90.0, 10.0, 100.0]})
    baskets = basket.Baskets.from_wide(flags, amounts=["balance"])
    found = basket.rules(baskets, min_count=1, amount="balance")
    frame = found.to_frame()
    assert list(frame.columns) == [
        "antecedent", "consequent", "customers", "amount", "support", "confidence", "lift", "gap", "extra_amount",
        "kulczynski", "imbalance",
    ]  # fmt: skip
    assert frame["customers"].tolist() == [1, 1]
    np.testing.assert_allclose(frame["amount"], [90.0, 90.0])
    np.testing.assert_allclose(frame["confidence"], [0.9, 1.0])
    np.testing.assert_allclose(frame["lift"], [0.9 / 0.45] * 2)
    np.testing.assert_allclose(frame["extra_amount"], [90.0 - 100.0 * 90.0 / 200.0] * 2)
    assert "balance" in repr(found)
    assert "extra_amount" in found._repr_html_()


@pytest.mark.parametrize(
    "text", ['{"allowed": ["a"], "max_length": 1}', '{"required": ["a", "b"], "forbidden": ["c"]}']
)
def test_a_template_comes_back_from_json(text: str) -> None:
    template = basket.RuleTemplate.model_validate_json(text)
    assert basket.RuleTemplate.model_validate_json(template.model_dump_json()) == template


# ---------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"min_support|min_count"),
        ({"min_support": 0.1, "min_count": 1}, r"min_support|min_count"),
        ({"min_support": 0}, "min_support"),
        ({"min_support": 1.5}, "min_support"),
        ({"min_count": 0}, "min_count"),
        ({"min_count": 1, "min_confidence": 1.1}, r"min_confidence must be a number from 0 to 1"),
        ({"min_count": 1, "min_confidence": -0.1}, r"min_confidence must be a number from 0 to 1"),
        ({"min_count": 1, "min_confidence": float("nan")}, r"min_confidence must be a number from 0 to 1"),
        ({"min_count": 1, "min_confidence": "half"}, r"min_confidence must be a number from 0 to 1"),
        ({"min_count": 1, "min_confidence": "1/0"}, r"min_confidence must be a number from 0 to 1"),
        ({"min_count": 1, "min_confidence": "1e-999999999"}, r"min_confidence must be a number from 0 to 1"),
        ({"min_count": 1, "min_confidence": True}, r"min_confidence must be a number from 0 to 1"),
        ({"min_count": 1, "amount": "money"}, r"amount='money' is none of the baskets' amounts"),
        ({"min_count": 1, "antecedent": {"allowed": ["gold"]}}, r"antecedent\.allowed names products.*gold"),
        ({"min_count": 1, "consequent": {"required": ["gold"]}}, r"consequent\.required names products.*gold"),
        ({"min_count": 1, "consequent": {"families": ["cards"]}}, r"consequent\.families names families.*cards"),
        (
            {"min_count": 1, "antecedent": {"required": ["card"]}, "consequent": {"required": ["card"]}},
            r"both name \['card'\]",
        ),
        ({"min_count": 1, "consequent": {"min_length": 2}}, r"consequent must have at least 2 product"),
        (
            {"min_count": 1, "antecedent": {"required": ["account", "card"]}, "max_antecedent": 1},
            r"antecedent must have at least 2 product",
        ),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, Any], message: str) -> None:
    given_: dict[str, Any] = {
        name: basket.RuleTemplate(**value) if isinstance(value, dict) else value
        for name, value in arguments.items()
    }
    with pytest.raises(DomainError, match=message):
        basket.rules(TEN, **given_)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("consequents", "two"),
        ("alternative", "two-sided"),
        ("adjust", "sidak"),
        ("alpha", 0.0),
        ("alpha", 1.0),
        ("confidence_level", 1.0),
        ("max_antecedent", 0),
        ("limit", 0),
        ("limit", 2.5),
    ],
)
def test_a_setting_out_of_range_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=name):
        basket.rules(TEN, min_count=1, **{name: value})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"required": ["a"], "forbidden": ["a"]}, r"required and forbidden at once: \['a'\]"),
        ({"allowed": ["a", "a"]}, "allowed names something twice"),
        ({"min_length": 3, "max_length": 2}, "max_length is 2, below min_length"),
        ({"required": ["a", "b"], "max_length": 1}, "max_length is 1, below"),
        ({"allowed": "card"}, "a text stands where a sequence of texts is meant"),
        ({"allow": ["a"]}, "allow"),
    ],
)
def test_a_template_that_contradicts_itself_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        basket.RuleTemplate(**fields)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: basket.rules([["a"]], min_count=1), r"baskets is a list; allowed: Baskets"),  # type: ignore[arg-type]  # refused
        (
            lambda: basket.rules(TEN, min_count=1).measure("zest"),
            r"Unknown measure: 'zest'. Allowed: .*confidence",
        ),
        (lambda: basket.rules(TEN, min_count=1).measure("amount"), r"give amount= to rules"),
        (lambda: basket.rules(TEN, min_count=1).to_frame("lift"), r"measures is a text.*\['lift'\]"),
        (lambda: basket.rules(TEN, min_count=1).to_frame(["lift", "lift"]), "measures names something twice"),
        (lambda: basket.rules(TEN, min_count=1).select([True]), r"chosen has shape \(1,\).*2 flags"),
        (lambda: basket.rules(TEN, min_count=1).select([0, 0]), r"places from 0 to 1, each once"),
        (lambda: basket.rules(TEN, min_count=1).select([5]), r"places from 0 to 1, each once"),
        (lambda: basket.rules(TEN, min_count=1).select([0.5]), r"float64; allowed"),
        (lambda: basket.rules(TEN, min_count=1).significant(0.0), r"alpha must lie between 0 and 1"),
    ],
)
def test_a_wrong_request_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        call()


@pytest.mark.parametrize(
    "name",
    ["confidence_low", "lift_high", "log10_p", "log10_p_adjusted", "productive", "extra_customers", "hyper_lift"],
)
def test_an_amount_has_no_test_and_no_interval(name: str) -> None:
    flags = pd.DataFrame({"account": [1, 1, 0], "card": [1, 0, 0], "balance": [90.0, 10.0, 100.0]})
    found = basket.rules(basket.Baskets.from_wide(flags, amounts=["balance"]), min_count=1, amount="balance")
    with pytest.raises(DomainError, match=r"these rules add up 'balance'"):
        found.measure(name)


def test_names_instead_of_a_template() -> None:
    """A sequence of names allows these products on that side; a text or a mapping is refused by name."""
    baskets = basket.Baskets.from_lists([["a", "b", "c"]] * 5 + [["a"]] * 5)
    found = basket.rules(baskets, min_count=1, consequent=["c"])
    template = basket.rules(baskets, min_count=1, consequent=basket.RuleTemplate(allowed=["c"]))
    assert found.to_frame().equals(template.to_frame())
    assert set(found.consequents) == {("c",)}
    for wrong in ("c", {"allowed": ["c"]}, [1]):
        with pytest.raises(DomainError, match="antecedent must be a RuleTemplate or a sequence of product names"):
            basket.rules(baskets, min_count=1, antecedent=wrong)  # type: ignore[arg-type]
