"""The code of the guide to baskets runs, and every number in a comment, a table and on real data comes out."""

from __future__ import annotations

import gzip
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import guide_pages
from custvalue import basket

if TYPE_CHECKING:
    from pathlib import Path

TEXT = guide_pages.text_of("basket.md")
FLOWING = " ".join(TEXT.split())
BLOCKS = guide_pages.blocks_of(TEXT)
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line[:1] == "|"]
NUMBER = guide_pages.NUMBER
CLAIMS, NAMES = guide_pages.claims(BLOCKS)
#: Rows of the page's table on groceries: what is corrected, and how the rules are asked for.
CORRECTIONS: dict[str, tuple[str | None, int | None]] = {
    "not at all": (None, None),
    "layered, left side of 1 product": ("layered", 1),
    "layered, up to 2": ("layered", 2),
    "layered, up to 3": ("layered", 3),
    "layered, any length": ("layered", None),
    "Holm, any length": ("holm", None),
}


def test_the_guide_makes_claims() -> None:
    assert len(BLOCKS) > 12
    assert sum(bool(NUMBER.match(comment)) for _, comment, _ in CLAIMS) > 20
    assert all(comment for _, comment, _ in CLAIMS)


def test_the_whole_path_takes_under_fifteen_lines() -> None:
    assert len([line for line in BLOCKS[0].splitlines() if line]) < 15
    for name in ("baskets", "found", "net", "addons", "check", "again", "cover", "moves", "listed"):
        assert len(NAMES[name]._repr_html_()) > 100


@pytest.mark.parametrize(("source", "comment", "value"), CLAIMS, ids=[claim[0][:60] for claim in CLAIMS])
def test_a_commented_value_is_what_comes_out(source: str, comment: str, value: Any) -> None:
    guide_pages.require_claim(source, comment, value)


def test_the_reason_is_the_one_printed() -> None:
    quoted = " ".join(line[2:] for line in TEXT.splitlines() if line.startswith("> "))
    assert NAMES["reason"] == quoted


def test_by_hand_figures_of_the_rule_in_the_first_example() -> None:
    """Of 1,000 customers 200 hold a loan, 90 insurance, 90 both: each figure by the formula printed."""
    n, x, y, both = (Fraction(number) for number in (1000, 200, 90, 90))
    by_hand = {
        "customers": both,
        "support": both / n,
        "confidence": both / x,
        "lift": n * both / (x * y),
        "gap": 100 * (both / x - y / n),
        "extra_customers": both - x * y / n,
        "kulczynski": (both / x + both / y) / 2,
        "imbalance": abs(x - y) / (x + y - both),
    }
    row = NAMES["insured"]
    assert (row["antecedent"], row["consequent"]) == (("loan",), ("insurance",))
    for name, value in by_hand.items():
        assert float(row[name]) == pytest.approx(float(value), rel=1e-12)


def test_the_columns_told_are_those_of_the_bankers_table() -> None:
    told = [row[0] for row in ROWS if len(row) == 4 and row[1].startswith(("$", "see below"))]
    columns = [name for name in NAMES["kept"].to_frame().columns[2:] if not name.endswith(("_low", "_high"))]
    assert told == columns


def test_measures_whose_definition_is_not_that_of_arules_are_named() -> None:
    known = set(basket.interest_measures()["name"])
    assert {"collective_strength", "causal_support", "causal_confidence", "least_contradiction"} <= known
    assert "Sixty-three measures are there by name." in FLOWING
    assert len(known) == 63


def test_by_hand_states_of_the_passbook() -> None:
    """Each of the 240 holders, one by one, by the rules of the states with a window of one month."""
    counts = dict.fromkeys(("moved", "kept_both", "took_later", "left", "stayed"), 0)
    for i in range(240):
        closed = None if i % 4 == 3 else 1 + i % 22
        opened = {0: 1 + i % 22, 1: 1 + (7 * i + 5) % 22}.get(i % 3)
        if opened is not None and closed is not None and abs(opened - closed) <= 1:
            counts["moved"] += 1
        elif opened is not None and (closed is None or closed > opened + 1):
            counts["kept_both"] += 1
        elif opened is not None:
            counts["took_later"] += 1
        else:
            counts["left" if closed is not None else "stayed"] += 1
    flows = NAMES["moves"].flows().iloc[0]
    assert {name: int(flows[name]) for name in counts} == counts


def test_by_hand_expected_coincidences_of_the_passbook() -> None:
    """Within each span of six months, all pairs of a closing and an opening, divided by the customers of the span.

    That is the mean over all assignments. A window of one month has three moments, a span is two windows, and
    spans are counted back from month 23, the last one.
    """
    both = [i for i in range(240) if i % 4 != 3 and i % 3 < 2]
    closings = np.array([1 + i % 22 for i in both])
    openings = np.array([1 + i % 22 if i % 3 == 0 else 1 + (7 * i + 5) % 22 for i in both])
    spans = (23 - openings) // 6
    expected = 0.0
    for span in np.unique(spans):
        near = np.abs(closings[spans == span, None] - openings[None, spans == span]) <= 1
        expected += near.sum() / len(near)
    assert len(both) == 120
    assert NAMES["moves"].tests()["expected_coincident"][0] == pytest.approx(expected, rel=1e-12)


# ------------------------------------------------------------------------------------------------- real data


@pytest.fixture(scope="module")
def groceries(shared: Path) -> basket.Baskets:
    with gzip.open(shared / "data" / "baskets" / "groceries.csv.gz", "rt", encoding="utf-8") as lines:
        return basket.Baskets.from_lists([line.rstrip("\n").split(",") for line in lines])


def whole(cell: str) -> float:
    return float(cell.replace(",", ""))


def holm_discoveries(log_p: np.ndarray[Any, np.dtype[np.float64]]) -> int:
    """Count by Holm (1979), step by step: the smallest p against alpha / m, the next against alpha / (m - 1)."""
    found = 0
    for log in np.sort(log_p).tolist():
        if log + np.log(len(log_p) - found) > np.log(0.05):
            break
        found += 1
    return found


@pytest.mark.parametrize("told", CORRECTIONS)
def test_groceries_by_each_correction(groceries: basket.Baskets, told: str) -> None:
    (row,) = [row for row in ROWS if row[0] == told]
    adjust, longest = CORRECTIONS[told]
    found = basket.rules(
        groceries,
        min_count=10,
        min_confidence="0.5",
        max_antecedent=longest,
        adjust=adjust,  # type: ignore[arg-type]  # one of the allowed names
    )
    if adjust is not None:
        stated = whole(row[1])
        assert found.n_hypotheses == pytest.approx(stated, rel=0.05 if longest is None else 0.0)
    assert [len(found), len(found.significant(0.05)), int(found.productive.sum())] == [*map(whole, row[2:])]


def test_groceries_by_holm_among_the_listed(groceries: basket.Baskets) -> None:
    """The figures of the research note: 5,668 rules, 2,902 after Holm, 18 of them productive."""
    (row,) = [row for row in ROWS if row[0].startswith("by Holm")]
    found = basket.rules(groceries, min_count=10, min_confidence="0.5", adjust=None)
    counts = [len(found), len(found), holm_discoveries(found.log_p), holm_discoveries(found.productive_log_p)]
    assert counts == [*map(whole, row[1:])] == [5668, 5668, 2902, 18]


def test_groceries_without_a_threshold_on_confidence(groceries: basket.Baskets) -> None:
    found = basket.rules(groceries, min_count=10, max_antecedent=1)
    assert f"{len(found.significant(0.05))} of {len(found):,} rules with one product on the left" in FLOWING
    pairs = basket.pairs(groceries)
    assert f"Of the {int((pairs.log_p_adjusted <= np.log(0.05)).sum())} pairs that Holm leaves" in FLOWING


def test_pairs_beyond_what_sizes_give(shared: Path, groceries: basket.Baskets) -> None:
    holdings = pd.read_csv(shared / "data" / "baskets" / "berka_holdings.csv.gz")
    berka = basket.Baskets.from_long(holdings, customer="client_id", product="product")
    counts = [
        int((basket.pairs(one, null=null).log_p_adjusted <= np.log(0.05)).sum())
        for one in (groceries, berka)
        for null in ("independence", "basket_sizes")
    ]
    told = "Of the groceries' {} pairs {} remain, of Berka's {} there remain {}, and"
    assert told.format(*counts) in FLOWING


def test_what_collapsing_does(shared: Path, groceries: basket.Baskets) -> None:
    folder = shared / "data" / "baskets"
    holdings = pd.read_csv(folder / "berka_holdings.csv.gz")
    berka = basket.Baskets.from_long(holdings, customer="client_id", product="product")
    told = f"The {berka.n_customers:,} clients of the Berka bank hold {berka.n_distinct} distinct baskets of "
    assert f"{told}{berka.n_products} products" in FLOWING
    with gzip.open(folder / "retail.dat.gz", "rt", encoding="ascii") as lines:
        retail = len({frozenset(line.split()) for line in lines})
    assert f"Of {groceries.n_customers:,} grocery baskets {groceries.n_distinct:,} are distinct" in FLOWING
    assert f"of the 88,162 of a Belgian supermarket (Brijs et al. 1999) {retail:,}" in FLOWING
