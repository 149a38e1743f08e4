"""The code of the guide to cases runs, and every number in a comment or a table is what comes out."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import bank_data
import guide_pages
from custvalue import anp, cbr, grey, rfm
from synthetic_bank import make_bank

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
TEXT = guide_pages.text_of("cbr.md")
BLOCKS = guide_pages.blocks_of(TEXT)
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line[:1] == "|"]
NUMBER = guide_pages.NUMBER
CLAIMS, NAMES = guide_pages.claims(BLOCKS)


def test_the_guide_makes_claims() -> None:
    assert len(BLOCKS) > 8
    assert sum(bool(NUMBER.match(comment)) for _, comment, _ in CLAIMS) > 12
    assert all(comment for _, comment, _ in CLAIMS)


def test_the_whole_path_takes_under_fifteen_lines() -> None:
    assert len([line for line in BLOCKS[0].splitlines() if line]) < 15
    for name in ("cases", "reason"):
        assert len(NAMES[name]._repr_html_()) > 200


@pytest.mark.parametrize(("source", "comment", "value"), CLAIMS, ids=[claim[0][:60] for claim in CLAIMS])
def test_a_commented_value_is_what_comes_out(source: str, comment: str, value: Any) -> None:
    guide_pages.require_claim(source, comment, value)


def coefficients(distances: list[list[Fraction]]) -> list[list[Fraction]]:
    """Give the coefficients of one group, rows of cases, for rho = 1/2."""
    flat = [distance for row in distances for distance in row]
    low, half = min(flat), max(flat) / 2
    return [[(low + half) / (distance + half) for distance in row] for row in distances]


def test_the_table_worked_by_hand() -> None:
    """Exact fractions, by the formula that the page prints."""
    tenths = [[2, 1, 1], [4, 2, 3], [7, 7, 9], [9, 9, 7]]
    gaps = [[abs(Fraction(x - q, 10)) for x, q in zip(case, (6, 5, 4), strict=True)] for case in tenths]
    recency = coefficients([row[:1] for row in gaps])
    monetary = coefficients([row[1:] for row in gaps])
    weights = Fraction(1, 4), Fraction(1, 4), Fraction(1, 2)
    printed = [row for row in ROWS if re.fullmatch(r"C\d", row[0])]
    assert len(printed) == 4
    for row, first, rest in zip(printed, recency, monetary, strict=True):
        parts = [weight * zeta for weight, zeta in zip(weights, first + rest, strict=True)]
        assert [float(cell) for cell in row[2:]] == pytest.approx(
            [*map(float, parts), float(sum(parts))], abs=6e-5
        )


def test_the_counterfactual_worked_by_hand() -> None:
    """With turnover at 0.7 the whole monetary group has other coefficients, and C3 comes before C2."""
    tenths = [[2, 1, 1], [4, 2, 3], [7, 7, 9], [9, 9, 7]]
    gaps = [[abs(Fraction(x - q, 10)) for x, q in zip(case, (6, 7, 4), strict=True)] for case in tenths]
    recency, monetary = coefficients([row[:1] for row in gaps]), coefficients([row[1:] for row in gaps])
    weights = Fraction(1, 4), Fraction(1, 4), Fraction(1, 2)
    printed = re.search(r"C2\s+gets\s+(.*?)\s+and\s+C3\s+(.*?)\.\s+The\s+balance", TEXT, re.DOTALL)
    assert printed is not None
    for case, text in zip((1, 2), printed.groups(), strict=True):
        parts = [weight * zeta for weight, zeta in zip(weights, recency[case] + monetary[case], strict=True)]
        stated = [float(number) for number in re.findall(r"\d\.\d+", text)]
        assert stated == pytest.approx([*map(float, parts), float(sum(parts))], abs=6e-5)


def test_the_order_of_two_cases_turns_by_hand() -> None:
    """The example of wholeness, in exact fractions."""
    tenths = [(1, 2), (3, 1), (10, 1)]
    for cases, sums in ((2, ["0.8333", "0.7778"]), (3, ["0.8333", "0.875", "0.7"])):
        columns = [coefficients([[Fraction(case[j], 10)] for case in tenths[:cases]]) for j in (0, 1)]
        found = [(first[0] + second[0]) / 2 for first, second in zip(*columns, strict=True)]
        assert [float(total) for total in sums] == pytest.approx([float(one) for one in found], abs=6e-5)


def test_the_scores_worked_by_hand() -> None:
    """A customer between cases at 0 and 1: the scores, and the p-values counted one by one."""
    sentence = " ".join(TEXT.split())
    printed = re.search(r"have the scores (.*?); of class high, at 0.9, 0.8 and 0.7, (.*?)\. A customer", sentence)
    assert printed is not None

    def score(x: Fraction) -> Fraction:
        near, far = min(x, 1 - x), max(x, 1 - x)
        other = (near + far / 2) / (far + far / 2)
        return other - 1 if x < Fraction(1, 2) else 1 - other

    low = [score(Fraction(tenth, 10)) for tenth in (1, 2, 3, 4, 6)]
    high = [score(1 - Fraction(tenth, 10)) for tenth in (9, 8, 7)]
    for group, scores in zip(printed.groups(), (low, high), strict=True):
        numbers = [float(number) for number in re.findall(r"-?\.\d+", group)]
        assert numbers == pytest.approx([float(one) for one in scores], abs=6e-4)
    own = score(Fraction(35, 100))
    assert float(own) == pytest.approx(-0.308, abs=6e-4)
    values = [
        Fraction(sum(one >= strange for one in known) + 1, len(known) + 1)
        for known, strange in ((low, own), (high, -own))
    ]
    assert values == [Fraction(3, 6), Fraction(1, 4)]


def test_how_many_customers_a_level_needs() -> None:
    """9, 19 and 99: with one fewer the level is not attainable, with so many it is."""
    hierarchy = grey.Hierarchy.equal({"monetary": ["balance"]})
    model = cbr.CaseBasedClassifier(hierarchy).fit([[0.0], [1.0]], ["low", "high"])
    for needed, level in ((9, 0.9), (19, 0.95), (99, 0.99)):
        X = np.linspace(0.05, 0.4, 2 * needed - 1)[:, None]
        y = ["low"] * needed + ["high"] * (needed - 1)
        sets = model.calibrate(X, y, truth="drawn by lot").predict_set(X, level)
        assert sets.needed == needed
        assert dict(zip(sets.classes, sets.attainable.tolist(), strict=True)) == {"low": True, "high": False}


def test_forgetting_leaves_notes_and_no_values() -> None:
    base = NAMES["later"].forget("C5", NAMES["customer"], by="privacy desk").model.case_base_
    assert "salary account moved here" in base.model_dump_json()
    assert [case.id for case in base.cases] == ["C1", "C2", "C3", "C4"]
    assert [stone.id for stone in base.tombstones] == ["C5"]


# ------------------------------------------------------------------------------ the table of rivals


def compared(data: bank_data.BankData, labels: pd.Series | None) -> cbr.BaselineComparison:
    """Do what the table says: published weights, all customers at the earlier date, k-means or given classes."""
    network = (ROOT / "examples" / "networks" / "published.json").read_text(encoding="utf-8")
    solution = anp.Network.model_validate_json(network).solve()
    hierarchy = grey.Hierarchy.from_weights(control=solution.control, local=solution.local)
    indicators = rfm.IndicatorSet.retail_bank()
    snapshot = rfm.compute(
        data.transactions, indicators, data.schema, as_of=data.history, population=data.population
    )
    X = rfm.IndicatorScaler(indicators).fit(snapshot.features).transform(snapshot.features)
    if labels is not None:
        return cbr.compare_baselines(X, labels.loc[X.index].to_numpy(), hierarchy, random_state=0)
    cases = cbr.build_case_base(X, hierarchy, n_classes=8, stability_seeds=0, random_state=0)
    return cbr.compare_baselines(X, cases.clusters.labels, hierarchy, random_state=0)


def check_row(start: str, found: cbr.BaselineComparison) -> None:
    """Hold a row against a comparison; a hundredth is left for other versions of k-means."""
    (row,) = [row for row in ROWS if row[0].startswith(start)]
    assert found.contenders[:2] == ("grey 1-NN", "weighted Manhattan 1-NN")
    accuracy, noise = found.scores[:2, 0].mean(axis=1), found.shuffled[0, 0]
    numbers = [*accuracy, found.difference[0], *found.interval[0]]
    assert [float(text) for text in re.findall(r"[-+]?\d\.\d+", " ".join(row[1:4]))] == pytest.approx(
        numbers, abs=0.01
    )
    assert [float(text) for text in row[5].split(" to ")] == pytest.approx([noise.min(), noise.max()], abs=0.03)
    assert row[4] == found.verdicts[0]
    assert noise.max() < accuracy.min()


@pytest.fixture(scope="module")
def synthetic() -> bank_data.BankData:
    return bank_data.synthetic(100_000, 0)


def test_the_rivals_on_the_synthetic_bank(synthetic: bank_data.BankData) -> None:
    check_row("synthetic bank, eight", compared(synthetic, None))


def test_the_rivals_on_the_planted_types(synthetic: bank_data.BankData) -> None:
    customers = make_bank(100_000, random_state=0, rows_per_customer=160.0).truth.customers
    types = customers.set_index("customer_id")["value_rank"]
    assert types.nunique() == 6
    check_row("synthetic bank, its six", compared(synthetic, types))


def test_the_rivals_on_berka(shared: Path) -> None:
    check_row("Berka", compared(bank_data.berka(shared / "data" / "berka"), None))
