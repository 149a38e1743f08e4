"""Add-ons of anchors, few bundles for many customers, and the lists behind the counts."""

from __future__ import annotations

import itertools
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from custvalue.basket import Baskets, Product, ProductCatalog, bundles, greedy_cover, itemsets, whitespace
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMES = "abcd"
ROWS = st.lists(st.sets(st.sampled_from(NAMES)), min_size=1, max_size=25)


def baskets_of(rows: list[set[str]]) -> Baskets:
    return Baskets.from_lists([sorted(row) for row in rows], products=list(NAMES))


def example(margin: float | None = 20.0) -> Baskets:
    """Of 1,000 customers 400 hold the account, 400 the card, 300 both."""
    catalog = ProductCatalog(
        products=[Product(name="account"), Product(name="card", margin=margin), Product(name="loan")]
    )
    rows = [["account", "card"], ["account"], ["card"], ["loan"]]
    return Baskets.from_lists(rows, counts=[300, 100, 100, 500], products=catalog)


# ---------------------------------------------------------------------------------------------- bundles


def test_by_hand_one_add_on() -> None:
    """Penetration 300/400, market 400/1000; extra 300 - 400 x .4 = 140; 100 lack the card, 75 of them expected."""
    row = bundles(example(), anchor="account").to_frame().iloc[0]
    assert (row["anchor"], row["rank"], row["add_on"]) == ("account", 1, "card")
    assert (row["customers"], row["holders"], row["whitespace"]) == (300, 400, 100)
    assert (row["penetration"], row["market_penetration"]) == (0.75, 0.4)
    assert row["gap_points"] == pytest.approx(35.0, rel=1e-12)
    assert row["lift"] == pytest.approx(1.875, rel=1e-12)
    assert (row["extra_customers"], row["extra_value"]) == pytest.approx((140.0, 2800.0), rel=1e-12)
    assert (row["expected_takers"], row["expected_value"]) == pytest.approx((75.0, 1500.0), rel=1e-12)


def test_wilson1927_intervals() -> None:
    """Both intervals by statsmodels' formula, written out: centre and half-width of the score interval."""
    row = bundles(example(), anchor="account", confidence_level=0.9).to_frame().iloc[0]
    z = stats.norm.ppf(0.95)
    for p, n, low, high in [
        (0.75, 400, "penetration_low", "penetration_high"),
        (0.4, 1000, "market_low", "market_high"),
    ]:
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        assert (row[low], row[high]) == pytest.approx((centre - half, centre + half), rel=1e-12)


@settings(max_examples=40)
@given(ROWS, st.sampled_from([None, ["a"], ["c", "a"]]))
def test_counts_and_p_values_agree_with_a_plain_search(rows: list[set[str]], anchor: list[str] | None) -> None:
    """Counts by loops, Fisher's test by SciPy, Holm's steps over the unordered pairs with an anchor."""
    found = bundles(baskets_of(rows), anchor=anchor, alpha=None, min_customers=1, max_addons=9).to_frame()
    anchors = sorted(anchor or NAMES)
    p: dict[frozenset[str], float] = {}
    for a, b in itertools.combinations(NAMES, 2):
        if a in anchors or b in anchors:
            cells = [[0, 0], [0, 0]]
            for row in rows:
                cells[a not in row][b not in row] += 1
            p[frozenset((a, b))] = stats.fisher_exact(np.array(cells), alternative="greater")[1]
    ordered, m = sorted(p, key=p.__getitem__), len(p)
    expected = {
        (a, b) for a in anchors for b in NAMES if a != b and sum(a in row and b in row for row in rows) >= 1
    }
    assert set(zip(found["anchor"], found["add_on"], strict=True)) == expected
    named: list[Any] = list(found.itertuples(index=False))
    for row in named:
        key = frozenset((row.anchor, row.add_on))
        steps = ordered[: ordered.index(key) + 1]
        holm = max(min(1.0, (m - ordered.index(other)) * p[other]) for other in steps)
        assert row.log10_p_adjusted == pytest.approx(math.log10(holm), abs=1e-9)
        assert row.customers == sum(key <= held for held in rows)
        assert row.holders == sum(row.anchor in held for held in rows)
        assert row.market_penetration == pytest.approx(sum(row.add_on in held for held in rows) / len(rows))
    for _, part in found.groupby("anchor", sort=False):
        assert part["rank"].tolist() == list(range(1, len(part) + 1))
        assert (np.diff(part["gap_points"]) <= 1e-9).all()


def test_an_anchor_that_everyone_holds_has_gap_zero_and_no_significant_add_on() -> None:
    baskets = Baskets.from_lists([["account", "card"], ["account"]], counts=[50, 50])
    assert len(bundles(baskets, anchor="account")) == 0
    row = bundles(baskets, anchor="account", alpha=None).to_frame().iloc[0]
    assert (row["gap_points"], row["lift"], row["penetration"]) == (0.0, 1.0, 0.5)


def test_eligibility_sets_every_denominator() -> None:
    """Twenty of 30 account holders may have the loan, 5 have it; of 40 who may have it 8 hold it."""
    flags = {"account": [1] * 30 + [0] * 30, "loan": [1] * 5 + [0] * 25 + [1] * 3 + [0] * 27}
    eligible = {"loan": [True] * 20 + [False] * 10 + [True] * 20 + [False] * 10}
    baskets = Baskets.from_wide(pd.DataFrame(flags), eligible=pd.DataFrame(eligible))
    row = bundles(baskets, anchor="account", alpha=None, min_customers=1).to_frame().iloc[0]
    assert (row["customers"], row["holders"], row["whitespace"]) == (5, 20, 15)
    assert (row["penetration"], row["market_penetration"]) == (0.25, 0.2)
    assert row["expected_takers"] == pytest.approx(3.75)


def test_ranking_by_name_and_ties() -> None:
    """b and c are alike for holders of a, so their order decides; d has the larger margin."""
    names = "abcd"
    margins = {"b": 1.0, "c": 1.0, "d": 9.0}
    catalog = ProductCatalog(products=[Product(name=name, margin=margins.get(name)) for name in names])
    rows = [["a", "b", "c", "d"], ["a", "b", "c"], ["a"], []]
    baskets = Baskets.from_lists(rows, counts=[30, 30, 30, 90], products=catalog)
    assert bundles(baskets, anchor="a").to_frame()["add_on"].tolist() == ["b", "c", "d"]
    assert bundles(baskets, anchor="a", max_addons=2).to_frame()["add_on"].tolist() == ["b", "c"]
    by_value = bundles(baskets, anchor="a", rank_by="extra_value").to_frame()
    assert by_value["add_on"].tolist() == ["d", "b", "c"]
    # The anchor has no margin: as an add-on it comes last, and its value is NaN.
    of_b = bundles(baskets, anchor="b", rank_by="expected_value").to_frame()
    assert of_b["add_on"].tolist()[-1] == "a"
    assert np.isnan(of_b["expected_value"].tolist()[-1])


@settings(max_examples=15)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_customers_does_not_matter(rows: list[set[str]], random: Any) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    one = bundles(baskets_of(rows), alpha=None, min_customers=1).to_frame()
    other = bundles(baskets_of(shuffled), alpha=None, min_customers=1).to_frame()
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_bundles_tell_their_settings_and_keep_their_columns() -> None:
    found = bundles(example())
    assert repr(found) == "Bundles(anchors=3, bundles=2, rank_by=gap)"
    assert json.loads(found.provenance.spec)["min_customers"] == 10
    assert found.provenance.counts == {"customers": 1000, "anchors": 3, "tests": 3}
    assert bundles(example(), anchor=["loan", "card"]).provenance.counts["tests"] == 3
    assert bundles(example(), anchor=["card"]).provenance.counts["tests"] == 2
    assert "<table>" in found._repr_html_()
    empty = bundles(Baskets.from_lists([["a"], []]))
    assert list(empty.to_frame().columns) == list(found.to_frame().columns)
    assert "0 add-ons" in empty._repr_html_()
    with pytest.raises(ValueError, match="read-only"):
        found.customers[0] = 0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"anchor": "boat"}, DomainError, "anchor names 'boat'"),
        ({"anchor": []}, DomainError, "anchor names no product, or one twice"),
        ({"anchor": ["card", "card"]}, DomainError, "anchor names no product, or one twice"),
        ({"max_addons": 0}, ValidationError, "max_addons"),
        ({"min_customers": 0}, ValidationError, "min_customers"),
        ({"alpha": 1.5}, ValidationError, "alpha"),
        ({"adjust": "layered"}, ValidationError, "adjust"),
        ({"rank_by": "beauty"}, ValidationError, "rank_by"),
        ({"confidence_level": 1.0}, ValidationError, "confidence_level"),
        ({"rank_by": "extra_value"}, DomainError, "no product has a margin"),
    ],
)
def test_wrong_settings_are_named(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        bundles(example(margin=None), **arguments)
    with pytest.raises(DomainError, match="baskets is a list; allowed: Baskets"):
        bundles([])  # type: ignore[arg-type]  # the point of the test


# ------------------------------------------------------------------------------------------- greedy cover


def test_by_hand_cover() -> None:
    """Pairs: account and card reach 50, account and loan 20 more, fund and deposit 10 more; 20 are left."""
    rows = [["account", "card"], ["account", "loan"], ["fund", "deposit"], ["account"]]
    cover = greedy_cover(Baskets.from_lists(rows, counts=[50, 20, 10, 20]), n_bundles=9, min_count=10)
    frame = cover.to_frame()
    assert frame["bundle"].tolist() == [("account", "card"), ("account", "loan"), ("deposit", "fund")]
    assert frame["added"].tolist() == [50, 20, 10]
    assert frame["cumulative"].tolist() == [50, 70, 80]
    assert frame["share"].tolist() == [0.5, 0.7, 0.8]
    assert (cover.covered, cover.bound, cover.share_of_best, len(cover)) == (80, 80, 1.0, 3)


def test_by_hand_cover_of_holdings_prefers_long_bundles() -> None:
    """Twelve hold a and b, six of them c and d too: {a, b} covers 24 holdings, {a, b, c, d} 6 x 4 = 24; the longer
    one wins the tie and leaves {a, b} the 12 holdings of the other six."""
    baskets = Baskets.from_lists([["a", "b"], ["a", "b", "c", "d"]], counts=[6, 6])
    cover = greedy_cover(baskets, min_count=6, kind="closed", objective="holdings")
    assert cover.bundles == (("a", "b", "c", "d"), ("a", "b"))
    assert cover.added.tolist() == [24, 12]
    assert cover.customers.tolist() == [6, 12]
    assert (cover.total, cover.share_of_best) == (36, 1.0)
    customers = greedy_cover(baskets, min_count=6, kind="closed")
    assert customers.bundles == (("a", "b"),)


@settings(max_examples=40)
@given(ROWS, st.integers(1, 3), st.sampled_from(["all", "closed", "maximal"]), st.integers(1, 2))
def test_cover_agrees_with_loops_over_customers(rows: list[set[str]], k: int, kind: Any, min_length: int) -> None:
    baskets = baskets_of(rows)
    cover = greedy_cover(baskets, n_bundles=k, min_count=1, kind=kind, min_length=min_length)
    found = itemsets(baskets, min_count=1, kind=kind)
    left = list(range(len(rows)))
    candidates = [set(names) for names in found.names if len(names) >= min_length]
    for bundle, customers, added in zip(cover.bundles, cover.customers, cover.added, strict=True):
        gains = [sum(one <= rows[place] for place in left) for one in candidates]
        assert added == max(gains) == sum(set(bundle) <= rows[place] for place in left)
        assert customers == sum(set(bundle) <= row for row in rows)
        left = [place for place in left if not set(bundle) <= rows[place]]
    best = max(
        (
            sum(any(one <= row for one in choice) for row in rows)
            for choice in itertools.combinations(candidates, min(k, len(candidates)))
        ),
        default=0,
    )
    assert (1.0 - 1.0 / math.e) * best <= cover.covered <= best <= cover.bound
    again = greedy_cover(baskets, n_bundles=k, itemsets=found, min_length=min_length)
    assert again.bundles == cover.bundles


def test_cover_tells_what_it_is_and_keeps_its_columns() -> None:
    cover = greedy_cover(Baskets.from_lists([["a"], []]), min_count=1)
    assert len(cover.to_frame()) == 0
    assert list(cover.to_frame().columns)[:3] == ["rank", "bundle", "length"]
    assert cover.share_of_best == 1.0
    assert repr(cover) == "BundleCover(bundles=0, objective=customers, covered=0, of=2)"
    assert "0 bundles cover 0 of 2 customers" in cover._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "min_support"),
        ({"min_count": 1, "n_bundles": 0}, "n_bundles must be a whole number from 1"),
        ({"min_count": 1, "min_length": 0}, "min_length must be a whole number from 1"),
        ({"min_count": 1, "kind": "generators"}, "kind must be"),
        ({"min_count": 1, "objective": "money"}, "objective must be"),
        ({"itemsets": "pairs"}, "itemsets is a str; allowed: Itemsets"),
    ],
)
def test_wrong_settings_of_a_cover_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        greedy_cover(Baskets.from_lists([["a", "b"]]), **arguments)


def test_candidates_must_be_of_the_same_products() -> None:
    baskets = Baskets.from_lists([["a", "b"]])
    other = itemsets(Baskets.from_lists([["a", "c"]]), min_count=1)
    with pytest.raises(DomainError, match="itemsets and baskets have other products"):
        greedy_cover(baskets, itemsets=other)
    with pytest.raises(DomainError, match="itemsets is given beside min_support or min_count"):
        greedy_cover(baskets, itemsets=itemsets(baskets, min_count=1), min_count=1)
    with pytest.raises(DomainError, match="baskets is a int; allowed: Baskets"):
        greedy_cover(3, min_count=1)  # type: ignore[arg-type]  # the point of the test


# --------------------------------------------------------------------------------------------- whitespace

HOLDINGS: dict[str, list[Any]] = {
    "client": [7, 7, 3, 5, 5, 4, 7],
    "product": ["account", "card", "account", "account", "loan", "loan", "account"],
}


def listed(found: Any) -> list[Any]:
    column = found["client"]
    return list(column.to_pylist() if hasattr(column, "to_pylist") else column.to_list())


@pytest.mark.pyarrow
def test_by_hand_list_in_every_library(make_frame: Callable[[Any], Any]) -> None:
    """Account without card: 3 and 5; of these 5 is not eligible for the card."""
    holdings = make_frame(HOLDINGS)
    asked: dict[str, Any] = {"customer": "client", "product": "product", "holds": ["account"], "lacks": ["card"]}
    found = whitespace(holdings, **asked)
    assert type(found).__module__.split(".")[0] == type(holdings).__module__.split(".")[0]
    assert listed(found) == [3, 5]
    barred = make_frame({"client": [5, 99], "product": ["card", "card"]})
    assert listed(whitespace(holdings, **asked, not_eligible=barred)) == [3]
    keys = [f"客户{n}" for n in HOLDINGS["client"]]
    names = make_frame({"client": keys, "product": HOLDINGS["product"]})
    assert listed(whitespace(names, **asked)) == ["客户3", "客户5"]


def test_the_type_of_keys_and_the_numbering_of_rows() -> None:
    holdings = pd.DataFrame(HOLDINGS, index=list("gfedcba")).astype({"client": "Int64", "product": "category"})
    found = whitespace(holdings, customer="client", product="product", holds=["account"], lacks=["card"])
    assert str(found["client"].dtype) == "Int64"
    assert found.index.tolist() == [0, 1]


@settings(max_examples=40)
@given(ROWS, st.sampled_from(NAMES), st.sampled_from(NAMES), st.randoms(use_true_random=False))
def test_the_list_is_as_long_as_bundles_say(rows: list[set[str]], a: str, b: str, random: Any) -> None:
    """And it holds the keys that a loop finds, whatever the order of the rows."""
    if a == b:
        return
    pairs = [(key, name) for key, row in enumerate(rows) for name in sorted(row)]
    random.shuffle(pairs)
    holdings = pd.DataFrame(pairs, columns=["client", "product"])
    if not pairs or a not in set(holdings["product"]):
        return
    found = whitespace(holdings, customer="client", product="product", holds=[a], lacks=[b], products=list(NAMES))
    assert found["client"].tolist() == [key for key, row in enumerate(rows) if a in row and b not in row]
    table = bundles(baskets_of(rows), anchor=a, alpha=None, min_customers=1, max_addons=9).to_frame()
    told = table.loc[table["add_on"] == b, "whitespace"].tolist()
    assert told in ([], [len(found)])


def test_several_products_on_both_sides_and_a_new_product() -> None:
    holdings = pd.DataFrame(HOLDINGS)
    asked: dict[str, Any] = {"customer": "client", "product": "product"}
    assert whitespace(holdings, **asked, holds=["account", "loan"], lacks=["card"])["client"].tolist() == [5]
    assert whitespace(holdings, **asked, holds=["account"], lacks=["card", "loan"])["client"].tolist() == [3]
    products = ["account", "card", "loan", "fund"]
    found = whitespace(holdings, **asked, holds=["account"], lacks=["fund"], products=products)
    assert found["client"].tolist() == [3, 5, 7]
    none = whitespace(holdings, **asked, holds=["fund"], lacks=["card"], products=products)
    assert none["client"].tolist() == []


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"holds": "account"}, DomainError, "holds must be a sequence"),
        ({"holds": []}, DomainError, "holds is empty"),
        ({"lacks": []}, DomainError, "lacks is empty"),
        ({"lacks": ["boat"]}, DomainError, "lacks names 'boat', which no row of holdings has"),
        ({"holds": ["loan", "loan"]}, DomainError, "holds names a product twice"),
        ({"holds": ["card"]}, DomainError, "holds and lacks both name 'card'"),
        ({"customer": "key"}, ColumnError, "Column.s. missing: 'key'"),
        ({"customer": "product"}, DomainError, "customer and product both name column"),
        ({"products": ["account", "card"]}, DataError, "products does not name 'loan'"),
    ],
)
def test_wrong_questions_are_named(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    asked = {"customer": "client", "product": "product", "holds": ["account"], "lacks": ["card"]} | arguments
    with pytest.raises(error, match=message):
        whitespace(pd.DataFrame(HOLDINGS), **asked)


def test_wrong_rows_are_counted_and_never_shown() -> None:
    asked: dict[str, Any] = {"customer": "client", "product": "product", "holds": ["account"], "lacks": ["card"]}
    with pytest.raises(DataError, match="'client' is null in 1 row"):
        whitespace(pd.DataFrame({"client": ["x", None], "product": ["account", "card"]}), **asked)
    with pytest.raises(DataError, match="'product' is null in 1 row"):
        whitespace(pd.DataFrame({"client": [1, 2], "product": ["account", None]}), **asked)
    barred = pd.DataFrame({"client": [7], "product": ["card"]})
    with pytest.raises(DataError, match=r"1 holding\(s\) are of products for which"):
        whitespace(pd.DataFrame(HOLDINGS), **asked, not_eligible=barred)
    with pytest.raises(ColumnError, match="as in holdings"):
        whitespace(pd.DataFrame(HOLDINGS), **asked, not_eligible=barred.astype({"client": str}))
    with pytest.raises(DataError, match="not_eligible names 'boat'"):
        whitespace(pd.DataFrame(HOLDINGS), **asked, not_eligible=barred.assign(product="boat"))
    with pytest.raises(DomainError, match="holdings is a dict"):
        whitespace(HOLDINGS, **asked)  # type: ignore[arg-type]  # the point of the test


def test_berka_add_ons_and_lists_agree(shared: Path) -> None:
    """Real bank: each row's whitespace is the number of clients that the list holds."""
    holdings = pd.read_csv(shared / "data/baskets/berka_holdings.csv.gz")
    baskets = Baskets.from_long(holdings, customer="client_id", product="product")
    found = bundles(baskets, anchor=["loan", "card_classic"]).to_frame()
    assert len(found) > 4
    rows: list[Any] = list(found.itertuples(index=False))
    for row in rows:
        keys = whitespace(
            holdings, customer="client_id", product="product", holds=[row.anchor], lacks=[row.add_on]
        )
        assert len(keys) == row.whitespace
