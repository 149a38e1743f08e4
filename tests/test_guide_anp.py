"""The code of the guide to judgments runs, and every number in a comment behind it is what comes out."""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np
import pytest

import guide_pages
from custvalue import anp

BLOCKS = guide_pages.blocks_of(guide_pages.text_of("anp.md"))
NUMBER = guide_pages.NUMBER
CLAIMS, _ = guide_pages.claims(BLOCKS)


def numbers_of(value: Any) -> list[float]:
    if isinstance(value, dict | anp.Misfits):
        return [float(entry) for entry in value.values()]  # type: ignore[union-attr]  # a mapping
    return [float(entry) for entry in np.ravel(np.asarray(value, dtype=float))]


def test_the_guide_makes_claims() -> None:
    assert len(BLOCKS) > 8
    assert sum(bool(NUMBER.match(comment)) for _, comment, _ in CLAIMS) > 20


@pytest.mark.parametrize(("source", "comment", "value"), CLAIMS, ids=[claim[0][:60] for claim in CLAIMS])
def test_a_commented_value_is_what_comes_out(source: str, comment: str, value: Any) -> None:
    if re.match(r"[\[('T]", comment):
        assert value == ast.literal_eval(comment), source
    elif NUMBER.match(comment):
        stated = list(NUMBER.finditer(comment))
        found = numbers_of(value)
        assert len(found) == len(stated)
        for match, number in zip(stated, found, strict=True):
            digits = len(match[1] or "")
            assert abs(float(match[0]) - number) <= 0.5001 * 10.0**-digits, source
    else:
        assert source in ("solution.consistency", "solution.notes")  # described, not counted


def test_the_formulas_of_benefits_and_costs() -> None:
    """The table of formulas: the results that it prints, by the formulas that it prints."""
    benefits, costs = np.array([0.6, 0.4]), np.array([0.75, 0.25])
    by_formula = {
        "multiplicative": benefits / costs,
        "multiplicative_powers": benefits**0.5 * costs**-0.5,
        "additive_reciprocal": 0.5 * benefits + 0.5 * (1 / costs) / (1 / costs).sum(),
        "additive_probabilistic": 0.5 * benefits + 0.5 * (1 - costs),
        "subtractive": 0.5 * benefits - 0.5 * costs,
    }
    rows = re.findall(r"^\| `(\w+)` \| .* \| \((.*), (.*)\) \|$", guide_pages.text_of("anp.md"), re.MULTILINE)
    assert [name for name, _, _ in rows] == list(by_formula)
    for name, *printed in rows:
        expected = by_formula[name] if name == "subtractive" else by_formula[name] / by_formula[name].sum()
        assert [float(number) for number in printed] == pytest.approx(expected, abs=5.1e-4)
        found = anp.bocr(
            benefits=dict(zip("AB", benefits, strict=True)),
            costs=dict(zip("AB", costs, strict=True)),
            formula=name,
        )
        np.testing.assert_allclose(found.priorities, expected, rtol=1e-12)


def test_the_house_as_a_supermatrix() -> None:
    """At the goal, "identity" gives the weighted sums, and "hierarchy" half of them and half of the criteria."""
    names: dict[str, Any] = {}
    for block in BLOCKS:
        exec(block, names)  # noqa: S102 - our own guide
    influences = {"goal": {"criteria": names["house"]}} | {
        name: {"houses": part} for name, part in names["local"].items()
    }
    clusters = {"goals": ["goal"], "criteria": names["criteria"], "houses": ["A", "B", "C"]}
    found = {}
    for sinks in ("identity", "hierarchy"):
        part = anp.Subnetwork(clusters=clusters, influences=influences, sinks=sinks, goal="goal")
        found[sinks] = anp.Network(local={"choice": part}).solve().local["choice"]
    sums = names["choice"].synthesis("distributive").priorities
    np.testing.assert_allclose([found["identity"][name] for name in "ABC"], sums, rtol=1e-12)
    np.testing.assert_allclose(sums, [0.396, 0.341, 0.263], atol=5e-4)
    np.testing.assert_allclose([found["hierarchy"][name] for name in "ABC"], sums / 2, rtol=1e-12)
    weights = anp.priorities(names["house"]).weights
    np.testing.assert_allclose([found["hierarchy"][name] for name in names["criteria"]], weights / 2, rtol=1e-12)


def test_the_question_about_the_house_is_quoted_as_it_is_asked() -> None:
    text = " ".join(line.removeprefix("> ") for line in guide_pages.text_of("anp.md").splitlines())
    result = next(value for source, _, value in CLAIMS if source.startswith("result.misfits().scale_repairs"))
    assert result == pytest.approx(0.0822, abs=5e-5)
    names: dict[str, Any] = {}
    exec(BLOCKS[0], names)  # noqa: S102 - our own guide
    exec(BLOCKS[1], names)  # noqa: S102 - the guide's own code
    assert names["result"].misfits().sentences()[0] in text
