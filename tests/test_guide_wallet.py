"""The code of the guide to the share of wallet runs; every number in a comment, a table and by hand comes out."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import guide_pages
from custvalue import wallet
from loyalty_survey import make_loyalty_survey

TEXT = guide_pages.text_of("wallet.md")
FLOWING = " ".join(TEXT.split())
BLOCKS = guide_pages.blocks_of(TEXT)
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line[:1] == "|"]
NUMBER = guide_pages.NUMBER
CLAIMS, NAMES = guide_pages.claims(BLOCKS)
METHODS = {
    "log with smearing": "log",
    "gamma": "gamma",
    "means of tenths of own": "strata",
    "ratio of sums": "ratio_of_sums",
    "mean of ratios": "mean_of_ratios",
}


def test_the_guide_makes_claims() -> None:
    assert len(BLOCKS) > 18
    assert sum(bool(NUMBER.match(comment)) for _, comment, _ in CLAIMS) > 40
    assert all(comment for _, comment, _ in CLAIMS)


def test_the_whole_path_takes_under_twenty_lines() -> None:
    lines = [line for line in (BLOCKS[0] + BLOCKS[1]).splitlines() if line]
    assert len(lines) < 20
    for name in ("survey", "realistic", "found", "panel", "planted", "scores", "alerts", "counted", "rule"):
        assert len(NAMES[name]._repr_html_()) > 100


@pytest.mark.parametrize(("source", "comment", "value"), CLAIMS, ids=[claim[0][:60] for claim in CLAIMS])
def test_a_commented_value_is_what_comes_out(source: str, comment: str, value: Any) -> None:
    guide_pages.require_claim(source, comment, value)


def test_the_prose_repeats_what_comes_out() -> None:
    fall = NAMES["found"].verdict == "fall"
    naive = int(NAMES["fell_a_third"].sum())
    assert f'The naive rule "fell by 30 %" names {naive:,} of 4,000 customers, to find 80.' in FLOWING
    assert f"The {int(fall.sum())} falls miss what the 80 took, within 2 %" in FLOWING
    lately, falls = NAMES["left"], NAMES["falls"]
    assert falls[lately == 0].all()
    assert (
        f"All of the last 80 are found, {falls[(lately > 0) & (lately < 12)].sum()} who left somewhat" in FLOWING
    )
    larger = float((NAMES["realistic"].size < NAMES["everywhere"]).mean())
    assert round(6 * larger) == 5


def test_by_hand_what_the_statistic_is_made_of() -> None:
    """p of the first customers from the formulas printed, by loops: five windows of one group, no idle month."""
    panel, found = NAMES["found"].panel, NAMES["found"]
    usual = np.median(panel.amounts, axis=1)
    x = np.log(panel.amounts / usual[:, None] + 0.05)
    x -= np.median(x, axis=0)
    z, weights = [], []
    for end in range(36, 18 + 3 - 1, -3):
        before, recent = x[:, end - 21 : end - 3], x[:, end - 3 : end]
        spread, level = before.std(axis=1, ddof=1), np.median(before, axis=1)
        shrunk = np.sqrt((4 * np.median(spread) ** 2 + 17 * spread**2) / (4 + 17))
        z.append((recent.max(axis=1) - level) / shrunk)
        after = np.hstack([x[:, end : end + 3], x[:, 33:]])
        fell, rose = (level - after.max(axis=1)) / shrunk, (after.min(axis=1) - level) / shrunk
        limit = np.median(fell) + 3 * 1.4826 * np.median(np.abs(fell - np.median(fell)))
        weight_here, given = np.ones(len(fell)), 0
        for i in np.argsort(-fell)[: (fell > limit).sum()]:
            weight_here[i] = min(1, 1 + (rose >= fell[i]).sum() - given)
            given += weight_here[i]
        weights.append(weight_here)
    null, weight = np.concatenate(z[1:]), np.concatenate(weights[1:])
    p = [(1 + weight[null <= one].sum()) / (weight.sum() + 1) for one in z[0][:200]]
    assert found.p_fall[:200] == pytest.approx(p, rel=1e-9)
    assert found.provenance.counts["discounted"] >= (weight < 1.0).sum() > 20


def test_glady_croux_2009_sizes_told_in_the_text() -> None:
    """E[n | n >= x] summed over the Poisson law, and x + lambda (1 - pi), at lambda 10, pi .4."""
    n = np.arange(200)
    law = stats.poisson.pmf(n, 10.0)
    for x, truncated, posterior in ((3, 10.02, 9.0), (12, 13.75, 18.0)):
        assert float((n * law)[x:].sum() / law[x:].sum()) == pytest.approx(truncated, abs=0.005)
        assert x + 10.0 * 0.6 == pytest.approx(posterior)
        assert f"{truncated:.2f}" in FLOWING


def test_by_hand_the_design_effect_of_the_raked_answers() -> None:
    quarter, rest = Fraction(2, 5) / Fraction(1, 4), Fraction(3, 5) / Fraction(3, 4)
    squares = Fraction(1, 4) * quarter**2 + Fraction(3, 4) * rest**2
    assert float(squares) == pytest.approx(NAMES["raked"].response_.design_effect, rel=1e-6)
    assert (quarter, rest) == (Fraction(8, 5), Fraction(4, 5))


def test_kish1965_by_hand_the_answers_with_design_weights() -> None:
    drawn, largest = ~np.isnan(NAMES["told_some"]), NAMES["largest"]
    assert ((drawn & largest).sum(), (drawn & ~largest).sum()) == (400, 161)
    worth = Fraction((400 * 2 + 161 * 20) ** 2, 400 * 2**2 + 161 * 20**2)
    assert float(worth) == pytest.approx(NAMES["asked_some"].response_.effective)
    assert "(800 + 3,220)² / (1,600 + 64,400) = 244.9" in FLOWING


def test_methods_on_the_simulated_survey() -> None:
    """The table on methods: means over three seeds of the simulator whose parameters stood before."""
    measured: dict[str, list[tuple[float, float, float]]] = {told: [] for told in METHODS}
    for seed in range(3):
        drawn = make_loyalty_survey(seed)
        figures, truth = drawn.customers.drop(columns="customer_id"), drawn.wallet
        own = figures["own_spend"].to_numpy()
        for told, method in METHODS.items():
            if method in ("log", "gamma", "strata"):
                model = wallet.SurveyWallet(
                    own="own_spend",
                    model=method,  # type: ignore[arg-type]  # one of the allowed names
                    log_columns=["income"],
                    interval=None,
                )
                found = model.fit(figures, drawn.answers).estimate(figures, drawn.answers)
            else:
                found = wallet.ratio_wallet(own, drawn.answers, method=method)  # type: ignore[arg-type]  # likewise
            rank = pd.Series(found.potential).corr(pd.Series(truth - own), method="spearman")
            error = float(np.abs(found.size - truth).sum() / truth.sum())
            measured[told].append((found.totals()["size"] / truth.sum() - 1.0, error, float(rank)))
    for told, figures_of in measured.items():
        (row,) = [row for row in ROWS if row[0] == told and len(row) == 4]
        bias, error, rank = np.mean(figures_of, axis=0).tolist()
        assert float(row[1].removesuffix(" %")) == pytest.approx(100.0 * bias, abs=0.0501)
        assert [float(cell) for cell in row[2:]] == pytest.approx([error, rank], abs=0.0051)
