"""Pairs of products: counts against SQL and a plain count, measures, tests, and what is refused."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from baskets_by_hand import PRODUCTS, Customer, banks, baskets_of, cells, lower_tail, upper_tail
from custvalue import basket
from custvalue._kernels import pair_counts
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EXAMPLES = settings(max_examples=40)
TEN = basket.Baskets.from_lists([["account", "card"], ["account"], ["card"], []], counts=[4, 3, 1, 2])


def test_by_hand_counts_and_default_table() -> None:
    """Account 7, card 5, loan 0 of 10 customers, account and card 4: lift 8/7, phi 5/sqrt(525), extra 1/2."""
    baskets = basket.Baskets.from_lists(
        [["account", "card"], ["account"], ["card"], []], counts=[4, 3, 1, 2], products=["account", "card", "loan"]
    )
    found = basket.pairs(baskets)
    np.testing.assert_array_equal(found.n11, [[7, 4, 0], [4, 5, 0], [0, 0, 0]])
    np.testing.assert_array_equal(found.n10, [[0, 3, 7], [1, 0, 5], [0, 0, 0]])
    np.testing.assert_array_equal(found.n01, [[0, 1, 0], [3, 0, 0], [7, 5, 0]])
    np.testing.assert_array_equal(found.n00, [[3, 2, 3], [2, 5, 5], [3, 5, 10]])
    frame = found.to_frame()
    assert list(frame.columns) == [
        "product_a", "product_b", "customers", "customers_a", "customers_b", "eligible", "support", "expected",
            "lift",
        "lift_low", "lift_high", "extra_customers", "phi", "jaccard", "kulczynski", "imbalance", "log10_p",
        "log10_p_adjusted",
    ]  # fmt: skip
    assert list(zip(frame["product_a"], frame["product_b"], strict=True)) == [
        ("account", "card"), ("account", "loan"), ("card", "loan")
    ]  # fmt: skip
    first = frame.iloc[0]
    assert (first["customers"], first["customers_a"], first["customers_b"], first["eligible"]) == (4, 7, 5, 10)
    assert first["lift"] == pytest.approx(8 / 7, rel=1e-12)
    assert first["phi"] == pytest.approx(5 / np.sqrt(525), rel=1e-12)
    assert first["extra_customers"] == pytest.approx(0.5, rel=1e-12)
    assert first["jaccard"] == pytest.approx(0.5, rel=1e-12)
    assert first["log10_p"] == pytest.approx(np.log10(0.5), rel=1e-12)
    assert first["log10_p_adjusted"] == 0.0  # three pairs: 3 x 1/2 is more than 1
    assert np.isnan(frame["lift"].iloc[1])  # nobody holds a loan


def test_by_hand_products_that_exclude_each_other() -> None:
    """Fifty hold a, fifty others b: P(C <= 0) = 1 / C(100, 50); one pair, so the correction is 1."""
    baskets = basket.Baskets.from_lists([["a"], ["b"]], counts=[50, 50])
    exact = float(lower_tail(0, 50, 50, 100))
    for alternative, p in (("less", exact), ("greater", 1.0), ("two-sided", 2.0 * exact)):
        found = basket.pairs(baskets, alternative=alternative)  # type: ignore[arg-type]  # one of the three
        assert found.log_p_adjusted[0] == pytest.approx(np.log(p), rel=1e-10)
        assert found.to_frame(["customers"])["customers"].tolist() == [0]


@EXAMPLES
@given(banks(barred=True))
def test_pairs_are_those_of_a_plain_count(bank: list[Customer]) -> None:
    found = basket.pairs(baskets_of(bank), alternative="greater", adjust=None)
    frame = found.to_frame(["customers", "confidence", "eligible", "log10_p"])
    four = [found.n11, found.n10, found.n01, found.n00]
    for place, (a, b) in enumerate(combinations(range(len(PRODUCTS)), 2)):
        expected = cells(bank, [PRODUCTS[a]], [PRODUCTS[b]])
        assert [int(cell[a, b]) for cell in four] == expected
        assert [int(cell[b, a]) for cell in four] == [expected[0], expected[2], expected[1], expected[3]]
        n11, n10, n01, _ = expected
        n1_, n_1, n = n11 + n10, n11 + n01, sum(expected)
        row = frame.iloc[place]
        assert (row["customers"], row["eligible"]) == (n11, n)
        p = float(upper_tail(n11, n1_, n_1, n))
        assert row["log10_p"] == pytest.approx(np.log10(p), abs=1e-10)
        for name, whole in (("confidence_a_to_b", n1_), ("confidence_b_to_a", n_1)):
            share = float(Fraction(n11, whole)) if whole else np.nan
            assert row[name] == pytest.approx(share, nan_ok=True)
    for place in range(len(PRODUCTS)):
        own = cells(bank, [PRODUCTS[place]], [PRODUCTS[place]])
        assert [int(cell[place, place]) for cell in four] == own


def sql_pairs(frame: pd.DataFrame) -> pd.DataFrame:
    """Count pairs by a self-join in DuckDB."""
    duckdb: Any = pytest.importorskip("duckdb")
    holdings = frame.drop_duplicates()
    query = """
        SELECT a.product AS product_a, b.product AS product_b, count(*) AS customers
        FROM holdings a JOIN holdings b ON a.customer = b.customer AND a.product < b.product
        GROUP BY ALL
    """
    with duckdb.connect() as connection:
        connection.register("holdings", holdings)
        answer: pd.DataFrame = connection.execute(query).df()
    return answer


@pytest.mark.parametrize("n_products", [30, 300])
def test_counts_equal_a_self_join(n_products: int) -> None:
    """Thirty products are counted as bits, three hundred by a sparse product."""
    rng = np.random.default_rng(20261128)
    size = 20_000
    holdings = pd.DataFrame(
        {
            "customer": rng.integers(0, 4_000, size),
            "product": [f"p{code:03d}" for code in (rng.power(0.6, size) * n_products).astype(int)],
        }
    )
    found = basket.pairs(basket.Baskets.from_long(holdings, customer="customer", product="product"))
    ours = found.to_frame(["customers"])
    both = ours.merge(sql_pairs(holdings), on=["product_a", "product_b"], how="outer", suffixes=("", "_sql"))
    assert len(both) == len(ours) == n_products * (n_products - 1) // 2
    np.testing.assert_array_equal(both["customers"], both["customers_sql"].fillna(0))
    assert (both["customers_sql"] > 0).any()


def test_counts_of_real_holdings_equal_a_self_join(shared: Path) -> None:
    """The products of Berka's 5,369 clients."""
    frame = pd.read_csv(shared / "data" / "baskets" / "berka_holdings.csv.gz").rename(
        columns={"client_id": "customer"}
    )
    found = basket.pairs(basket.Baskets.from_long(frame, customer="customer", product="product"))
    ours = found.to_frame(["customers"]).query("customers > 0")
    theirs = sql_pairs(frame).sort_values(["product_a", "product_b"], ignore_index=True)
    assert ours.sort_values(["product_a", "product_b"], ignore_index=True).equals(theirs.astype(ours.dtypes))


@settings(max_examples=20)
@given(banks(), st.sampled_from([1, 1_000_003, 1 << 53]))
def test_bits_and_the_sparse_product_agree(bank: list[Customer], times: int) -> None:
    """Of three hundred columns, of which five are used, the sparse product counts."""
    held = baskets_of(bank)
    weights, n = held.customers * times, held.n_products
    for other in (None, (held.indptr, held.codes)):
        bits = pair_counts.pair_sums(held.indptr, held.codes, weights, n, other)
        sparse = pair_counts.pair_sums(held.indptr, held.codes, weights, 300, other)
        np.testing.assert_array_equal(sparse[:n, :n], bits)
        assert not sparse[n:].any()


def test_rules_of_two_products_count_as_pairs_do() -> None:
    rows = [side for k in range(5) for side in combinations("abcd", k)]
    baskets = basket.Baskets.from_lists(rows, counts=[1 + 7 * i % 11 for i in range(len(rows))])
    both, each = basket.rules(baskets, min_count=1, max_antecedent=1, adjust=None), basket.pairs(baskets)
    for name in ("lift", "confidence", "phi", "gap", "lift_low", "log10_p"):
        matrix = each.matrix(name)
        left = [baskets.products.index(side[0]) for side in both.antecedents]
        right = [baskets.products.index(side[0]) for side in both.consequents]
        np.testing.assert_allclose(both.measure(name), matrix[left, right], rtol=1e-12)


def test_one_product_has_no_pair() -> None:
    found = basket.pairs(basket.Baskets.from_lists([["a"], []]))
    assert len(found) == 0
    assert "log10_p_adjusted" in found.to_frame().columns
    assert "0 pairs" in found._repr_html_()


def test_pairs_show_and_tell() -> None:
    found = basket.pairs(TEN, alternative="two-sided", adjust="by")
    assert repr(found) == "Pairs(products=2, pairs=1, customers=10)"
    assert json.loads(found.provenance.spec) == {
        "adjust": "by", "alternative": "two-sided", "confidence_level": 0.95, "null": "independence"
    }  # fmt: skip
    assert "account" in found._repr_html_()
    assert np.isnan(np.diag(found.matrix("log10_p"))).all()
    np.testing.assert_array_equal(found.matrix("log10_p"), found.matrix("log10_p").T)
    with pytest.raises(ValueError, match="read-only"):
        found.n11[0, 0] = 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: basket.pairs([["a"]]), r"baskets is a list; allowed: Baskets"),  # type: ignore[arg-type]  # refused
        (lambda: basket.pairs(TEN).matrix("zest"), r"Unknown measure: 'zest'. Allowed: .*phi"),
        (lambda: basket.pairs(TEN).to_frame(["zest"]), r"Unknown measure: 'zest'"),
        (lambda: basket.pairs(TEN).to_frame("phi"), r"measures is a text"),
        (lambda: basket.pairs(TEN).to_frame(["phi", "phi"]), r"measures names something twice"),
        (
            lambda: basket.pairs(
                basket.Baskets.from_lists([["a"]], products=[f"p{i}" for i in range(10_000)] + ["a"])
            ),
            r"baskets have 10001 products; allowed for all pairs: up to 10000",
        ),
    ],
)
def test_a_wrong_request_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        call()


@pytest.mark.parametrize(
    ("name", "value"), [("alternative", "unequal"), ("adjust", "layered"), ("confidence_level", 0.0)]
)
def test_a_setting_out_of_range_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=name):
        basket.pairs(TEN, **{name: value})
