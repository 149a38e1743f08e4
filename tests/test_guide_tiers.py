"""The code of the guide to tiers runs, and every number in a comment or a table is what comes out."""

from __future__ import annotations

import datetime as dt
import re
from fractions import Fraction
from typing import Any

import pytest

import guide_pages
from custvalue import tiers
from tiers_oracle import follow

TEXT = guide_pages.text_of("tiers.md")
BLOCKS = guide_pages.blocks_of(TEXT)
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line[:1] == "|"]
NUMBER = guide_pages.NUMBER
CLAIMS, NAMES = guide_pages.claims(BLOCKS)


def test_the_guide_makes_claims() -> None:
    assert len(BLOCKS) > 9
    assert sum(bool(NUMBER.match(comment)) for _, comment, _ in CLAIMS) > 18
    assert all(comment for _, comment, _ in CLAIMS)


def test_the_whole_path_takes_under_fifteen_lines() -> None:
    assert len([line for line in BLOCKS[0].splitlines() if line]) < 15
    for name in ("policy", "panel", "history", "found", "cells", "rates", "year"):
        assert len(NAMES[name]._repr_html_()) > 100


@pytest.mark.parametrize(("source", "comment", "value"), CLAIMS, ids=[claim[0][:60] for claim in CLAIMS])
def test_a_commented_value_is_what_comes_out(source: str, comment: str, value: Any) -> None:
    guide_pages.require_claim(source, comment, value)


def test_the_reason_is_the_one_printed() -> None:
    quoted = " ".join(line[2:] for line in TEXT.splitlines() if line.startswith("> "))
    assert NAMES["reason"] == quoted


def test_the_table_of_settings() -> None:
    """Each row is run, and once more by the plain loop."""
    scores = [600, 10, 10, 10, 2500]
    assert f"the scores {', '.join(map(str, scores))} on levels" in TEXT.replace("\n", " ")
    assert "`up` 50, 500, 2000 and `down` 40, 400, 1600" in TEXT
    printed = [(row[0].strip("`"), row[1]) for row in ROWS if re.fullmatch(r"\d( \d){4}", row[1])]
    assert len(printed) == 8
    for setting, levels in printed:
        update = {}
        if setting != "none":
            name, _, value = setting.partition("=")
            update[name] = tiers.Review(every=3) if "Review" in value else int(value)
        policy = NAMES["ladder"].model_copy(update=update)
        expected = [int(level) for level in levels.split()]
        assert tiers.replay(policy, tiers.Panel.from_wide({"score": [scores]})).levels[0].tolist() == expected
        assert follow(policy, [{"score": float(score)} for score in scores])[0] == expected


def test_the_example_of_lando_and_skodeberg_by_fractions() -> None:
    exposure = [9 + Fraction(1, 12) + Fraction(10, 12), 8 + Fraction(11, 12) + Fraction(2, 12) + Fraction(6, 12)]
    assert [round(float(time), 4) for time in exposure] == [9.9167, 9.5833]
    assert NAMES["rates"].exposure.tolist() == pytest.approx([*map(float, exposure), 0.0])


def test_the_settings_named_in_the_table_of_words_exist() -> None:
    for name in ("dwell", "review", "review_up", "grace", "levels"):
        assert name in tiers.TierPolicy.model_fields
    assert {"up", "down", "lock"} <= set(tiers.Level.model_fields)


def test_the_loyalty_matrix_is_the_one_printed() -> None:
    printed = [row for row in ROWS if row[0] in ("strong", "weak")]
    matrix = tiers.ValueMatrix.loyalty_value(0.5, 100)
    assert printed == [[cell.x, cell.y, cell.action] for cell in matrix.cells]


def test_january_is_the_first_of_every_twelve_months() -> None:
    """Whenever the panel begins: of 14 months from October 2024 on, January 2025 is the only review."""
    days = [dt.date(2024 + (9 + k) // 12, (9 + k) % 12 + 1, 1) for k in range(14)]
    policy = tiers.TierPolicy.ladder(["basic", "gold"], [500]).model_copy(
        update={"review": tiers.Review(every=12)}
    )
    panel = tiers.Panel.from_wide({"score": [[600, *[1] * 13]]}, periods=days)
    changes = tiers.replay(policy, panel).changes()
    assert [day.month for day in changes["period"]] == [1]
