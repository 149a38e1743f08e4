"""The gallery's products: the page runs with and without the real data, and what its prose says holds."""

from __future__ import annotations

import contextlib
import io
import re
import runpy
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import guide_pages
import product_data

mpl.use("Agg")
PAGE = Path(__file__).resolve().parents[1] / "examples" / "plot_products.py"


def run(folder: Path | None) -> dict[str, Any]:
    """Run the page; give the names that it leaves and what it said."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patched, contextlib.redirect_stdout(said):
        patched.setattr(product_data, "folder", lambda: folder)
        found = runpy.run_path(str(PAGE))
    return found | {"said": " ".join(said.getvalue().split())}


@pytest.fixture(scope="module", params=["synthetic", "Berka"])
def ran(request: pytest.FixtureRequest) -> dict[str, Any]:
    if request.param == "synthetic":
        return run(None)
    shared: Path = request.getfixturevalue("shared")
    return run(shared / "data" / "baskets")


def test_the_banks_are_the_ones_told(ran: dict[str, Any]) -> None:
    baskets = ran["baskets"]
    if ran["name"] == "Berka":
        assert (baskets.n_customers, baskets.n_products, baskets.n_distinct) == (5369, 14, 117)
    else:
        assert baskets is ran["ever"]
    assert ran["flags"].sum(axis=0).tolist() == baskets.items()["customers"].tolist()
    assert ran["ever"].n_customers == len(ran["bank"].customers)


def test_dealing_anew_keeps_what_it_says(ran: dict[str, Any]) -> None:
    flags, rng = ran["flags"], np.random.default_rng(1)
    by_product = product_data.dealt_anew(flags, rng)
    by_size = product_data.dealt_with_sizes(flags, rng)
    for dealt in (by_product, by_size):
        assert dealt.sum(axis=0).tolist() == flags.sum(axis=0).tolist()
        assert (dealt != flags).any()
    assert by_size.sum(axis=1).tolist() == flags.sum(axis=1).tolist()


def test_dealing_with_sizes_reaches_every_table_alike() -> None:
    """Three customers of one product each and three products: all six tables come equally often."""
    rng = np.random.default_rng(0)
    tables = [
        tuple(product_data.dealt_with_sizes(np.eye(3, dtype=np.bool_), rng).argmax(axis=1).tolist())
        for _ in range(1200)
    ]
    counts = pd.Series(tables).value_counts()
    assert len(counts) == 6
    assert float(((counts - 200.0) ** 2 / 200.0).sum()) < 20.5  # chi-square of 5 degrees, p = .001


def test_independence_is_rarely_refused(ran: dict[str, Any]) -> None:
    """At level .05 more than 5 of 20 runs would come once in three thousand (binomial)."""
    assert len(ran["by_product"]) == 20
    assert sum(count > 0 for count in ran["by_product"]) <= 5
    assert min(ran["by_size"]) > 10


def test_pairs_beyond_sizes(ran: dict[str, Any]) -> None:
    """In the synthetic bank these are the planted bundle and the two planted substitutions, and nothing else."""
    pairs = {tuple(sorted(pair)) for pair in ran["beyond"][["product_a", "product_b"]].itertuples(index=False)}
    if ran["name"] == "synthetic":
        assert pairs == {
            ("consumer_loan", "loan_insurance"),
            ("flexible_savings", "passbook_savings"),
            ("classic_card", "contactless_card"),
        }
    else:
        assert ("loan", "order_loan") in pairs
        assert len(pairs) < ran["significant_pairs"](ran["pairs"])


def test_sizes_alone_are_no_finding(ran: dict[str, Any]) -> None:
    """Of 19 runs at 5 % at most 4 find anything: P(X > 4) = .002 for the binomial law."""
    assert len(ran["false"]) == 19
    assert sum(count > 0 for count in ran["false"]) <= 4


def test_the_planted_bundle_is_found(ran: dict[str, Any]) -> None:
    """The planted share lies near; of all other pairs of old products none is left within types."""
    best = ran["best"]
    assert best["add_on"] == "loan_insurance"
    assert abs(best["penetration"] - ran["planted"]) < 3 * np.sqrt(0.45 * 0.55 / best["holders"])
    assert ("consumer_loan", "loan_insurance") in ran["pairs_left"]
    assert not {("passbook_savings", "time_deposit"), ("fund_plan", "time_deposit")} & set(ran["pairs_left"])


def test_planted_substitutions_are_found_and_no_other(ran: dict[str, Any]) -> None:
    verdicts = ran["verdicts"]
    assert verdicts.loc[verdicts["verdict"] == "substitution", "label"].tolist() == ["A1", "B2"]
    assert sum(ran["false_findings"]) == 0
    for cross in ran["told"]:
        assert cross.loc["moved", "moved"] == cross.loc["moved", "All"] == cross.loc["All", "moved"]
        assert cross.loc["kept_both", "kept_both"] == cross.loc["kept_both", "All"]
    assert "substitution for A1, B2; planted are A1, B2" in ran["said"]


def test_random_movers_are_not_ranked(ran: dict[str, Any]) -> None:
    assert ran["targets"].p_value > 0.05
    assert abs(ran["targets"].auc - 0.5) < 0.05


def test_a_win_or_a_loss_is_said_as_it_is(ran: dict[str, Any]) -> None:
    hits = ran["hits"]
    for where, row in hits.iterrows():
        size = row["gain over popularity"] / row["standard error"]
        told = re.search(
            rf"{where}: the recommender names .*? and (wins against|loses to|cannot be told from)", ran["said"]
        )
        assert told is not None
        assert told[1] == ("wins against" if size > 2 else "loses to" if size < -2 else "cannot be told from")
        assert row["rules"] - row["popularity"] == pytest.approx(row["gain over popularity"])
    assert (hits["popularity"] > hits["random"] + 0.2).all()


def test_the_guides_table_of_hidden_products(ran: dict[str, Any]) -> None:
    """Of the run in which both banks are asked; two points are left for other versions of NumPy."""
    if ran["folder"] is None:
        return
    lines = guide_pages.text_of("basket.md").splitlines()
    for bank, row in ran["hits"].iterrows():
        (told,) = [line.strip("| ").split(" | ")[1:] for line in lines if line.startswith(f"| {bank} | ")]
        shares = [float(cell.removesuffix(" %")) / 100.0 for cell in told]
        assert shares == pytest.approx(row[["rules", "popularity", "random"]].tolist(), abs=0.02)


def test_by_hand_the_chance_to_name_a_product() -> None:
    """One place left for two of equal score: a half; three above: none; alone at the top: all."""
    scores = np.array([[3.0, 2.0, 1.0, 1.0], [4.0, 3.0, 2.0, 1.0], [1.0, 4.0, 0.0, -np.inf], [0.0, 0.0, 0.0, 0.0]])
    chance = product_data._chance_to_name(scores, np.array([3, 3, 1, 0]), 3)
    assert chance.tolist() == [0.5, 0.0, 1.0, 0.75]


def test_every_picture_is_drawn(ran: dict[str, Any]) -> None:
    names = ["web", "heat", "bars", "flow"] + (["scatter", "two_key"] if ran["name"] == "Berka" else [])
    assert all(ran[name].figure_.axes for name in names)
    assert len(ran["ax"].patches) == 3 * len(ran["hits"])


def test_the_groceries_and_what_the_guide_says_of_them(ran: dict[str, Any]) -> None:
    if ran["folder"] is None:
        assert "grocery" not in ran
        return
    grocery, text = ran["grocery"], " ".join(guide_pages.text_of("basket.md").split())
    assert grocery.loc["not corrected", ("as bought", "rules")] == 5668
    assert grocery.loc["any number of products", ("each product dealt out anew", "productive")] == 0
    told = re.search(r"some (\w+) rules come up instead of 5,668 and none survives", text)
    assert told is not None
    assert told[1] == "ten"
    assert 4 <= min(ran["listed"]) <= max(ran["listed"]) <= 16
    told = re.search(r"some ([\d,]+) rules at these thresholds come up", text)
    assert told is not None
    rules = float(told[1].replace(",", ""))
    assert grocery.loc["not corrected", ("the size of each basket kept", "significant")] == pytest.approx(
        rules, rel=0.2
    )
    if ran["name"] == "Berka":
        own = ran["significant_pairs"](ran["pairs"])
        kept = f"of Berka's {own} there remain {len(ran['beyond'])}"
        assert kept in " ".join(text.split())
    told = re.search(r"Of the 414 pairs .*? some (\d+) come up there too", text)
    assert told is not None
    assert ran["pair_counts"][0] == 414
    assert ran["pair_counts"][2:] == pytest.approx([float(told[1])] * 3, rel=0.1)


def test_no_key_of_a_customer_is_said(ran: dict[str, Any]) -> None:
    keys = set(map(str, ran["bank"].holdings["customer_id"]))
    assert not keys & set(re.findall(r"\d+", ran["said"]))
