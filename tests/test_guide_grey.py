"""The code of the guide to grey relational analysis runs, and every number behind it is what comes out."""

from __future__ import annotations

import ast
import itertools
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

import guide_pages
from custvalue import grey
from custvalue._kernels import relational, relational_nearest, relational_scan

TEXT = guide_pages.text_of("grey.md")
BLOCKS = guide_pages.blocks_of(TEXT)
PROSE = " ".join(guide_pages.CODE.sub("", TEXT).split())
NUMBER = guide_pages.NUMBER
CLAIMS, _ = guide_pages.claims(BLOCKS)


def numbers_of(value: Any) -> list[float]:
    table = value.to_numpy() if isinstance(value, pd.DataFrame) else value
    return [float(entry) for entry in np.ravel(np.asarray(table, dtype=float))]


def test_the_guide_makes_claims() -> None:
    assert len(BLOCKS) > 15
    assert sum(bool(NUMBER.match(comment)) for _, comment, _ in CLAIMS) > 25
    assert all(comment for _, comment, _ in CLAIMS), "an expression without its value tells a reader nothing"


@pytest.mark.parametrize(("source", "comment", "value"), CLAIMS, ids=[claim[0][:60] for claim in CLAIMS])
def test_a_commented_value_is_what_comes_out(source: str, comment: str, value: Any) -> None:
    if re.match(r"[\[(]", comment):
        assert value == ast.literal_eval(comment), source
        return
    stated = list(NUMBER.finditer(comment))
    found = numbers_of(value)
    assert len(found) == len(stated) > 0
    for match, number in zip(stated, found, strict=True):
        digits = len(match[1] or "")
        assert abs(float(match[0]) - number) <= 0.5001 * 10.0**-digits, source


def test_the_numbers_of_the_text_follow_from_those_of_the_code() -> None:
    """Rounded retellings of what the blocks print, and hand calculations, each found in the text."""
    values = {source: value for source, _, value in CLAIMS}
    assert f"moves {100 * (1 - values['np.mean(winners(with_far) == usual)']):.0f} % of the winners" in PROSE
    assert f"the same case for {100 * values['np.mean(manhattan == usual)']:.0f} % of these" in PROSE
    grades = sorted(values["ranking.grades"])
    assert f"wins by {grades[-1] - grades[-2]:.3f}." in PROSE
    assert f"Below {values['path.breakpoints'][0]:.3f} the third" in PROSE
    area = 4.2 + 5.4 + 7.7 + 10.5 / 2
    assert f"5.25 = {area:.2f}$ and $19.2$" in PROSE
    assert f"{1 + area + 19.2:.2f} / {1 + area + 19.2 + area - 19.2:.1f}$" in PROSE
    assert f"1 / {1 + area - 19.2:.2f}$" in PROSE
    entropy = 2 - 0.75 * np.log2(3)
    assert f"= {entropy:.4f}$" in PROSE
    assert f"0 and {1 - entropy:.4f}, divided by {2 - entropy:.4f}" in PROSE


def test_the_textbook_numbers_are_told_apart() -> None:
    """The circulating solution of the exercise is reproduced: differences instead of the zero-start image."""
    printed = re.search(r"solution that circulates prints ([\d.]+), ([\d.]+) and ([\d.]+):", PROSE)
    assert printed is not None
    x0, x1 = (
        [Fraction(text) for text in row.split()] for row in ("30.5 34.7 35.9 38.2 41", "22.1 25.4 27.1 28.3 31.5")
    )

    def wrong(x: list[Fraction], y: list[Fraction]) -> Fraction:
        """Take first differences for the zero-start image, half of the last one."""
        s, t = (
            abs(sum((b - a for a, b in itertools.pairwise(row[:-1])), Fraction(0)) + (row[-1] - row[-2]) / 2)
            for row in (x, y)
        )
        return (1 + s + t) / (1 + s + t + abs(s - t))

    assert float(wrong(x0, x1)) == pytest.approx(float(printed[1]), abs=5e-5)


def test_the_bound_of_the_scan_is_the_one_of_the_text() -> None:
    assert (relational_scan.SLACK, relational_scan.ROUNDINGS) == (1.05, 16)
    assert (relational_scan.UNDERFLOW, relational_scan.UNIT) == (2.0**-40, 2.0**-24)
    assert r"$1.05\, u \sum_j w_j (2 |q_j| / o_j + p + 16) + 2^{-40}$" in PROSE
    assert relational.SMALLEST_RANGE == 1e-300
    assert relational_nearest.MANY == 8
    assert "Up to eight cases" in PROSE


def test_the_table_of_degrees_names_every_degree_and_no_other() -> None:
    named = set(re.findall(r"^\| `(\w+_degree)`", TEXT, re.MULTILINE))
    assert named == {name for name in grey.__all__ if name.endswith("_degree")}


def test_the_units_of_a_degree() -> None:
    """The text's 5/6 in units and 0.8 in thousandths."""
    assert grey.absolute_degree([1, 2, 4], [5, 6, 6]) == pytest.approx(5 / 6)
    assert "5/6 in units and 0.8 in thousandths" in PROSE


def test_conventions_of_degenerate_input() -> None:
    alike = [[2.0, 3.0], [2.0, 3.0]]
    assert grey.rank_alternatives(alike, "benefit").grades.tolist() == [1.0, 1.0]
    assert grey.grey_topsis(alike, "benefit").closeness.tolist() == [0.5, 0.5]
    assert grey.relational_coefficient(alike, [2.0, 3.0]).tolist() == [[1.0, 1.0], [1.0, 1.0]]
