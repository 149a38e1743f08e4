"""Networks of clusters, alternatives, ratings, merits and tables: by hand, by fractions, by two routes."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pydantic
import pytest
from pydantic import ValidationError

from custvalue import anp
from custvalue.exceptions import ColumnError, DomainError, JudgmentError

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
KNOWN = ROOT.parent / "shared" / "known_answers" / "anp"

#: Saaty (1990), European Journal of Operational Research 48, 9-26: eight criteria of a house, three houses.
CRITERIA = ["size", "transport", "neighborhood", "age", "yard", "modern", "condition", "finance"]
CRITERIA_UPPER = (
    *("5", "3", "7", "6", "6", "1/3", "1/4"),
    *("1/3", "5", "3", "3", "1/5", "1/7"),
    *("6", "3", "4", "6", "1/5"),
    *("1/3", "1/4", "1/7", "1/8"),
    *("1/2", "1/5", "1/6"),
    *("1/5", "1/6"),
    "1/2",
)
HOUSES = {
    "size": ("6", "8", "4"),
    "transport": ("7", "1/5", "1/8"),
    "neighborhood": ("8", "6", "1/4"),
    "age": ("1", "1", "1"),
    "yard": ("5", "4", "1/3"),
    "modern": ("8", "6", "1/5"),
    "condition": ("1/2", "1/2", "1"),
    "finance": ("1/7", "1/5", "3"),
}
#: Known answer h03: published .396 .341 .263; computed to more digits in 60-digit arithmetic.
DISTRIBUTIVE = [0.3959129076554504, 0.34071934010061417, 0.26336775224393544]
IDEAL = [0.35770502400573473, 0.3596123115948161, 0.28268266439944917]


def judged(elements: list[str], upper: tuple[str, ...]) -> anp.Comparisons:
    """Build a complete set from the part above the diagonal, row by row."""
    pairs = [(a, b) for place, a in enumerate(elements) for b in elements[place + 1 :]]
    judgments = [
        anp.Judgment(first=a, second=b, ratio=float(Fraction(text)))
        for (a, b), text in zip(pairs, upper, strict=True)
    ]
    return anp.Comparisons(elements=elements, judgments=judgments)


def house() -> anp.Network:
    return anp.Network(
        control=judged(CRITERIA, CRITERIA_UPPER),
        local={name: judged(["A", "B", "C"], upper) for name, upper in HOUSES.items()},
        alternatives=["A", "B", "C"],
    )


def house_as_supermatrix(sinks: str) -> anp.Network:
    part: dict[str, Any] = {
        "clusters": {"goal": ["best house"], "criteria": CRITERIA, "houses": ["A", "B", "C"]},
        "influences": {
            "best house": {"criteria": judged(CRITERIA, CRITERIA_UPPER)},
            **{name: {"houses": judged(["A", "B", "C"], upper)} for name, upper in HOUSES.items()},
        },
        "sinks": sinks,
        "goal": "best house",
    }
    return anp.Network(local={"house": anp.Subnetwork(**part)}, alternatives=["A", "B", "C"])


# Alternatives ------------------------------------------------------------------------------------------------


def test_saaty1990_house_distributive_and_ideal() -> None:
    solution = house().solve()
    distributive, ideal = solution.synthesis("distributive"), solution.synthesis("ideal")
    np.testing.assert_allclose(distributive.priorities, DISTRIBUTIVE, atol=1e-12)
    np.testing.assert_allclose(distributive.priorities, [0.396, 0.341, 0.263], atol=1e-3)
    np.testing.assert_allclose(ideal.priorities, IDEAL, atol=1e-12)
    assert (distributive.mode, ideal.mode) == ("distributive", "ideal")
    assert max(distributive.to_dict(), key=distributive.to_dict().__getitem__) == "A"
    assert max(ideal.to_dict(), key=ideal.to_dict().__getitem__) == "B"
    np.testing.assert_allclose([solution.priorities[name] for name in "ABC"], DISTRIBUTIVE, atol=1e-12)
    frame = solution.to_frame()
    assert len(frame) == 24
    assert frame["global"].sum() == pytest.approx(1.0, abs=1e-14)


def test_saaty1990_house_as_a_supermatrix() -> None:
    """The goal's column of the limit, with the houses keeping what they get, is the distributive answer."""
    solution = house_as_supermatrix("identity").solve()
    np.testing.assert_allclose([solution.local["house"][name] for name in "ABC"], DISTRIBUTIVE, atol=1e-12)
    assert solution.local["house"]["size"] == 0.0
    np.testing.assert_allclose(solution.synthesis("distributive").priorities, DISTRIBUTIVE, atol=1e-12)


def test_house_under_the_hierarchy_formula() -> None:
    """W + W^2 has the criteria's weights and the houses' priorities in the goal's column: each half of it."""
    solution = house_as_supermatrix("hierarchy").solve()
    weights = np.array(list(solution.local["house"].values()))
    control = list(house().solve().control.values())
    np.testing.assert_allclose(weights, [0.0, *np.array(control) / 2, *np.array(DISTRIBUTIVE) / 2], atol=1e-12)
    table = solution.by_cluster().set_index("node")["by_cluster"]
    np.testing.assert_allclose(table[CRITERIA], control, atol=1e-12)
    assert table["best house"] == 0.0


def test_a_copy_of_an_alternative_under_both_modes() -> None:
    """Distributive shares the original's weight with its copy; ideal leaves the order of the others alone."""
    local = {"x": {"A": 0.6, "B": 0.4}, "y": {"A": 0.3, "B": 0.7}}

    def solved(names: list[str]) -> anp.Solution:
        parts = {
            c: anp.MeasuredValues(values={n: w["B" if n == "copy" else n] for n in names})
            for c, w in local.items()
        }
        control = anp.DirectWeights(weights={"x": 0.5, "y": 0.5})
        return anp.Network(control=control, local=parts, alternatives=names).solve()

    before, after = solved(["A", "B"]), solved(["A", "B", "copy"])
    ideal = before.synthesis("ideal").to_dict(), after.synthesis("ideal").to_dict()
    assert ideal[0]["A"] / ideal[0]["B"] == pytest.approx(ideal[1]["A"] / ideal[1]["B"], rel=1e-14)
    shares = after.synthesis("distributive").to_dict()
    assert shares["A"] == pytest.approx(float((Fraction(6, 14) + Fraction(3, 17)) / 2), abs=1e-15)


def test_ratings_by_hand() -> None:
    """Scale 1, 1/2, 1/4 (its best counts 1); x (.6): A good, B fair; y (.4): A poor, B good."""
    scale = anp.MeasuredValues(values={"good": 8.0, "fair": 4.0, "poor": 2.0})
    network = anp.Network(
        control=anp.DirectWeights(weights={"x": 0.6, "y": 0.4}),
        local={
            "x": anp.Ratings(scale=scale, ratings={"A": "good", "B": "fair"}),
            "y": anp.Ratings(scale=scale, ratings={"A": "poor", "B": "good"}),
        },
        alternatives=["A", "B"],
    )
    solution = network.solve()
    assert solution.ratings["x"] == {"A": 1.0, "B": 0.5}
    a, b = Fraction(6, 10) + Fraction(4, 40), Fraction(6, 20) + Fraction(4, 10)
    np.testing.assert_allclose(
        solution.synthesis().priorities, [float(a / (a + b)), float(b / (a + b))], rtol=1e-14
    )
    third = network.model_copy(
        update={
            "alternatives": ("A", "B", "C"),
            "local": {
                "x": anp.Ratings(scale=scale, ratings={"A": "good", "B": "fair", "C": "good"}),
                "y": anp.Ratings(scale=scale, ratings={"A": "poor", "B": "good", "C": "good"}),
            },
        }
    )
    ratio = third.solve().synthesis().to_dict()
    assert ratio["A"] / ratio["B"] == pytest.approx(float(a / b), rel=1e-14), "ratings do not depend on others"
    assert solution.local["x"]["A"] == pytest.approx(2 / 3, rel=1e-15)
    assert anp.Network.model_validate_json(network.model_dump_json()) == network


def test_ratings_by_a_judged_scale() -> None:
    scale = anp.Comparisons.from_values({"good": 8.0, "fair": 4.0})
    network = anp.Network(
        local={"x": anp.Ratings(scale=scale, ratings={"A": "fair", "B": "good"})}, alternatives=["A", "B"]
    )
    solution = network.solve()
    np.testing.assert_allclose(list(solution.ratings["x"].values()), [0.5, 1.0], rtol=1e-14)
    assert solution.judged[0].path == "local.x.scale"


# Clusters ----------------------------------------------------------------------------------------------------

#: Known answer c01 (constructed, exact): two criteria and three alternatives; cluster weights .3 and .7.
C01 = {
    "clusters": {"C": ["c1", "c2"], "A": ["a1", "a2", "a3"]},
    "influences": {
        "c1": {"A": {"a1": 1 / 2, "a2": 1 / 3, "a3": 1 / 6}},
        "c2": {"A": {"a1": 1 / 6, "a2": 1 / 3, "a3": 1 / 2}},
        "a1": {"C": {"c1": 1 / 4, "c2": 3 / 4}, "A": {"a2": 0.3, "a3": 0.7}},
        "a2": {"C": {"c1": 1 / 2, "c2": 1 / 2}, "A": {"a1": 0.4, "a3": 0.6}},
        "a3": {"C": {"c1": 2 / 3, "c2": 1 / 3}, "A": {"a1": 0.5, "a2": 0.5}},
    },
    "cluster_influences": {"A": {"C": 0.3, "A": 0.7}},
}
C01_ALTERNATIVES = [Fraction(35460, 111997), Fraction(33655, 111997), Fraction(42882, 111997)]


def subnetwork(**changes: Any) -> anp.Subnetwork:
    """Read a changed copy of c01 as JSON."""
    return anp.Subnetwork.model_validate_json(json.dumps(C01 | changes))


def test_cluster_weighting_in_a_network() -> None:
    solution = anp.Network(local={"net": subnetwork()}, alternatives=["a1", "a2", "a3"]).solve()
    expected = [float(value) for value in C01_ALTERNATIVES]
    np.testing.assert_allclose(solution.synthesis("distributive").priorities, expected, atol=1e-14)
    clusters = {"C": ["c1", "c2"], "A": ["a1", "a2", "a3"]}
    weighted = anp.weighted_supermatrix(solution.unweighted["net"], clusters, [[0.0, 0.3], [1.0, 0.7]])
    pd.testing.assert_frame_equal(solution.weighted["net"], weighted)
    np.testing.assert_array_equal(solution.cluster_matrix["net"], [[0.0, 0.3], [1.0, 0.7]])
    by_cluster = solution.by_cluster()
    np.testing.assert_allclose(by_cluster.groupby("cluster")["by_cluster"].sum(), 1.0, rtol=1e-14)
    np.testing.assert_allclose(by_cluster["by_cluster"][2:], expected, atol=1e-14)
    other = subnetwork(cluster_influences={"A": {"C": 0.9, "A": 0.1}})
    changed = anp.Network(local={"net": other}, alternatives=["a1", "a2", "a3"]).solve()
    assert np.abs(changed.synthesis().priorities - solution.synthesis().priorities).max() > 0.01


def test_saaty_dam_in_a_network() -> None:
    """Printed by Saaty, each cluster normalised: (.241, .374, .385) and (.223, .372, .405)."""
    low_medium_high, uses = ["low", "medium", "high"], ["flood", "recreation", "hydro"]
    columns = {
        "flood": (0.722, 0.205, 0.073),
        "recreation": (0.072, 0.649, 0.279),
        "hydro": (0.058, 0.207, 0.735),
        "low": (0.637, 0.258, 0.105),
        "medium": (0.2, 0.6, 0.2),
        "high": (0.06, 0.231, 0.709),
    }
    influences = {
        node: {"heights": dict(zip(low_medium_high, weights, strict=True))}
        if node in uses
        else {"uses": dict(zip(uses, weights, strict=True))}
        for node, weights in columns.items()
    }
    part = anp.Subnetwork(clusters={"uses": uses, "heights": low_medium_high}, influences=influences)
    solution = anp.Network(local={"dam": part}, alternatives=low_medium_high).solve()
    found = solution.by_cluster()["by_cluster"].to_numpy()
    np.testing.assert_allclose(found, [0.241, 0.374, 0.385, 0.223, 0.372, 0.405], atol=6e-4)
    np.testing.assert_allclose(solution.synthesis("distributive").priorities, found[3:], rtol=1e-13)
    assert any("cycle with period 2" in note for note in solution.notes)


def test_outer_dependence_by_judgments_and_measured_values() -> None:
    """Judgments and measured values that say the same as weights give the same answer."""
    direct = anp.Network(local={"net": subnetwork()}).solve()
    influences: dict[str, Any] = json.loads(json.dumps(C01["influences"]))
    influences["c1"]["A"] = {"kind": "values", "values": {"a1": 300, "a2": 200, "a3": 100}}
    influences["a1"]["C"] = {
        "elements": ["c1", "c2"],
        "judgments": [{"first": "c2", "second": "c1", "ratio": 3}],
    }
    weights = {"A": {"elements": ["C", "A"], "judgments": [{"first": "A", "second": "C", "ratio": 7 / 3}]}}
    again = anp.Network(local={"net": subnetwork(influences=influences, cluster_influences=weights)}).solve()
    np.testing.assert_allclose(list(again.priorities.values()), list(direct.priorities.values()), rtol=1e-13)
    assert [(one.path, one.column, one.cluster) for one in again.judged] == [
        ("local.net.influences.a1.C", "a1", "C"),
        ("local.net.cluster_influences.A", "A", ""),
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clusters": {"C": ["c1", "c2"], "A": ["a1", "a2", "a3", "c1"]}}, "'c1' is named twice"),
        ({"clusters": {"C": ["c1", "C"], "A": ["a1"]}}, "'C' is named twice"),
        ({"influences": {"stranger": {"A": {"a1": 1.0}}}}, "'stranger' is influenced or the goal, but in no"),
        ({"influences": {"c1": {"B": {"a1": 1.0}}}}, "'B' is no cluster"),
        ({"influences": {"c1": {"A": {"c2": 1.0}}}}, r"influences\['c1'\]\['A'\] names 'c2'"),
        ({"influences": {"c1": {"A": {"a1": 0.7}}}}, r"weights of influences\['c1'\]\['A'\] sum to 0.7"),
        ({"cluster_influences": {}}, r"cluster_influences\['A'\] is missing: \['C', 'A'\] feed"),
        ({"cluster_influences": {"A": {"A": 1.0}}}, "must weigh exactly the clusters that feed"),
        ({"cluster_influences": {"B": {"A": 1.0}, "A": {"C": 0.3, "A": 0.7}}}, "cluster_influences names 'B'"),
        ({"cluster_influences": {"A": {"C": 0.3, "A": 0.8}}}, "sum to 1.1"),
        ({"goal": "nowhere"}, "'nowhere' is influenced or the goal"),
        ({"sinks": "ignore"}, "sinks"),
    ],
)
def test_subnetworks_that_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        subnetwork(**change)


def test_sinks_and_goals_must_be_stated() -> None:
    chain: dict[str, Any] = {
        "clusters": {"goal": ["g"], "ends": ["x", "y"]},
        "influences": {"g": {"ends": {"x": 0.25, "y": 0.75}}},
    }
    with pytest.raises(DomainError, match=r"local.net: weighted has a zero column for 'x'"):
        anp.Network(local={"net": anp.Subnetwork(**chain)}).solve()
    with pytest.raises(DomainError, match=r"influence stays within \['x'\] and \['y'\].*name a goal"):
        anp.Network(local={"net": anp.Subnetwork(**chain, sinks="identity")}).solve()
    solution = anp.Network(local={"net": anp.Subnetwork(**chain, sinks="identity", goal="g")}).solve()
    assert solution.local["net"] == {"g": 0.0, "x": 0.25, "y": 0.75}


# Networks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alternatives": ["A", "D"]}, r"local\['x'\] lacks the alternative 'D'"),
        ({"alternatives": ["A", "A"]}, "alternatives must be distinct"),
        ({"alternatives": []}, "'A' is named under 'x' and under 'y'"),
        ({"control": None}, "control is missing"),
        ({"merits": {"x": "benefits"}}, r"merits must name exactly .*missing: \['y'\]"),
        ({"merits": {"x": "benefits", "y": "luck"}}, "merits"),
        (
            {
                "local": {
                    "x": {"kind": "weights", "weights": {"A": 0.5, "B": 0.5}},
                    "y": {
                        "kind": "ratings",
                        "scale": {"kind": "values", "values": {"good": 1}},
                        "ratings": {"A": "good", "B": "good", "C": "good"},
                    },
                }
            },
            "must rate exactly the alternatives",
        ),
    ],
)
def test_networks_with_alternatives_that_are_refused(change: dict[str, Any], message: str) -> None:
    document = {
        "control": {"kind": "weights", "weights": {"x": 0.5, "y": 0.5}},
        "local": {name: {"kind": "weights", "weights": {"A": 0.5, "B": 0.5}} for name in ("x", "y")},
        "alternatives": ["A", "B"],
    }
    with pytest.raises(ValidationError, match=message):
        anp.Network.model_validate_json(json.dumps(document | change))


def test_merits_without_alternatives_are_refused() -> None:
    local = {"x": anp.DirectWeights(weights={"a": 1.0})}
    with pytest.raises(ValidationError, match="merits are given, but no alternatives"):
        anp.Network(local=local, merits={"x": "benefits"})


def test_unknown_ratings_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"ratings\['A'\] is 'great', which is not among \['good'\]"):
        anp.Ratings(scale=anp.MeasuredValues(values={"good": 1.0}), ratings={"A": "great"})


def test_synthesis_needs_alternatives_and_a_known_mode() -> None:
    solution = anp.Network(local={"x": anp.DirectWeights(weights={"a": 1.0})}).solve()
    with pytest.raises(DomainError, match="'ideal' needs alternatives"):
        solution.synthesis()
    untyped: Any = house().solve()
    with pytest.raises(DomainError, match="mode is 'best'; allowed: 'ideal', 'distributive'"):
        untyped.synthesis("best")
    with pytest.raises(DomainError, match="needs merits"):
        untyped.bocr("multiplicative")
    with pytest.raises(DomainError, match="formula is 'ideal'"):
        untyped.bocr("ideal")


def test_alternatives_without_any_weight_are_refused() -> None:
    part = anp.Subnetwork(
        clusters={"C": ["c1", "c2"], "A": ["a1", "a2"]},
        influences={
            "c1": {"C": {"c2": 1.0}},
            "c2": {"C": {"c1": 1.0}},
            "a1": {"C": {"c1": 1.0}},
            "a2": {"C": {"c2": 1.0}},
        },
    )
    solution = anp.Network(local={"net": part}, alternatives=["a1", "a2"]).solve()
    with pytest.raises(DomainError, match="no weight under a criterion"):
        solution.synthesis()


def test_json_schema_is_the_published_one() -> None:
    """To the letter under the pydantic that wrote it; older ones word descriptions and limits differently."""
    published = json.loads((ROOT / "docs" / "schemas" / "network.schema.json").read_text(encoding="utf-8"))
    found = anp.Network.model_json_schema()
    assert set(published) - set(found) == {"$schema", "$comment"}
    if tuple(map(int, pydantic.VERSION.split(".")[:2])) >= (2, 14):
        assert {key: published[key] for key in found} == found
    for name, part in {"Network": found, **found["$defs"]}.items():
        other = published if name == "Network" else published["$defs"][name]
        assert set(part["properties"]) == set(other["properties"])
        assert part.get("required") == other.get("required")


# Benefits, opportunities, costs, risks -----------------------------------------------------------------------

B, C = {"A": Fraction(6, 10), "B": Fraction(4, 10)}, {"A": Fraction(3, 4), "B": Fraction(1, 4)}
HALF = Fraction(1, 2)


@pytest.mark.parametrize(
    ("formula", "scores"),
    [
        ("multiplicative", {n: B[n] / C[n] for n in "AB"}),
        ("additive_reciprocal", {n: HALF * B[n] + HALF * (1 / C[n]) / (1 / C["A"] + 1 / C["B"]) for n in "AB"}),
        ("additive_probabilistic", {n: HALF * B[n] + HALF * (1 - C[n]) for n in "AB"}),
        ("multiplicative_powers", {n: (B[n] / C[n]) ** 0.5 for n in "AB"}),
    ],
)
def test_bocr_formulas_by_fractions(formula: Any, scores: dict[str, Any]) -> None:
    found = anp.bocr(
        benefits={n: float(B[n]) for n in "AB"}, costs={n: float(C[n]) for n in "AB"}, formula=formula
    )
    total = sum(scores.values())
    np.testing.assert_allclose(found.priorities, [float(scores[n] / total) for n in "AB"], rtol=1e-14)
    assert found.mode == formula


def test_bocr_weights_and_all_four_merits() -> None:
    """Subtractive: bB + oO - cC - rR with .4, .3, .2, .1."""
    found = anp.bocr(
        benefits={"A": 6, "B": 4},
        opportunities={"B": 0.5, "A": 0.5},
        costs={"A": 0.75, "B": 0.25},
        risks={"A": 0.2, "B": 0.8},
        weights={"benefits": 0.4, "opportunities": 0.3, "costs": 0.2, "risks": 0.1},
        formula="subtractive",
    )
    np.testing.assert_allclose(
        found.priorities, [0.24 + 0.15 - 0.15 - 0.02, 0.16 + 0.15 - 0.05 - 0.08], atol=1e-15
    )
    product = anp.bocr(
        benefits={"A": 6, "B": 4},
        opportunities={"A": 1, "B": 2},
        costs={"A": 3, "B": 1},
        risks={"A": 1, "B": 5},
        formula="multiplicative",
    )
    np.testing.assert_allclose(product.priorities, np.array([2.0, 1.6]) / 3.6, rtol=1e-14)


def test_bocr_of_a_network() -> None:
    """Two benefit criteria (.3, .1), one cost criterion (.6): ideal inside the merit, weights by sums."""
    network = anp.Network(
        control=anp.DirectWeights(weights={"profit": 0.3, "image": 0.1, "price": 0.6}),
        local={
            "profit": anp.DirectWeights(weights={"A": 0.75, "B": 0.25}),
            "image": anp.DirectWeights(weights={"A": 0.5, "B": 0.5}),
            "price": anp.DirectWeights(weights={"A": 0.8, "B": 0.2}),
        },
        alternatives=["A", "B"],
        merits={"profit": "benefits", "image": "benefits", "price": "costs"},
    )
    solution = network.solve()
    good = {"A": Fraction(4, 4), "B": Fraction(3, 4) / 3 + Fraction(1, 4)}
    bad = {"A": Fraction(1), "B": Fraction(1, 4)}
    ratio = {n: good[n] / bad[n] for n in "AB"}
    expected = [float(ratio[n] / sum(ratio.values())) for n in "AB"]
    np.testing.assert_allclose(solution.bocr("multiplicative").priorities, expected, rtol=1e-14)
    b, c = ({n: float(v[n] / sum(v.values())) for n in "AB"} for v in (good, bad))
    np.testing.assert_allclose(
        solution.bocr("subtractive").priorities, [0.4 * b[n] - 0.6 * c[n] for n in "AB"], atol=1e-15
    )
    assert solution.sensitivity(of="subtractive").of == "subtractive"
    with pytest.raises(DomainError, match="has merits, so of must name how they are combined: multiplicative"):
        solution.sensitivity()
    with pytest.raises(DomainError, match="'ideal' would count costs and risks as good"):
        solution.synthesis()
    good_only = network.model_copy(update={"merits": dict.fromkeys(network.merits, "benefits")})
    assert good_only.solve().synthesis("ideal").mode == "ideal"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "at least one merit"),
        ({"benefits": {"A": 1.0}, "costs": {"B": 1.0}}, "costs must be a mapping of the alternatives"),
        ({"benefits": {"A": -1.0, "B": 1.0}}, "benefits must hold finite numbers from 0"),
        ({"benefits": {"A": float("nan"), "B": 1.0}}, "benefits must hold finite numbers from 0"),
        ({"benefits": {"A": 0.0, "B": 0.0}}, "one above 0"),
        ({"benefits": {"A": 1.0}, "weights": {"costs": 1.0}}, "exactly the merits that are given"),
        ({"benefits": {"A": 1.0}, "weights": {"benefits": 0.9}}, "weights sum to 0.9"),
        ({"benefits": {"A": 1.0}, "weights": {"benefits": float("nan")}}, "sum to nan"),
        ({"benefits": {"A": 1.0}, "formula": "sum"}, "formula is 'sum'"),
        ({"costs": {"A": 1.0, "B": 0.0}}, "divides by the costs and risks"),
    ],
)
def test_bocr_refusals(given: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        anp.bocr(**({"formula": "multiplicative"} | given))


def test_kinds_may_be_told_by_their_fields() -> None:
    """What the schema takes without a kind, the reader takes too; what it cannot tell apart it refuses by name."""
    document: dict[str, Any] = {
        "control": {"weights": {"x": 0.5, "y": 0.5}},
        "local": {
            "x": {"scale": {"values": {"good": 2.0, "fair": 1.0}}, "ratings": {"A": "good", "B": "fair"}},
            "y": {"elements": ["A", "B"], "judgments": [{"first": "A", "second": "B", "ratio": "3"}]},
        },
        "alternatives": ["A", "B"],
    }
    network = anp.Network.model_validate_json(json.dumps(document))
    assert [part.kind for part in network.local.values()] == ["ratings", "judgments"]
    document["control"] = {"importance": {"x": 1.0}}
    with pytest.raises(ValidationError, match="kind is missing or unknown; allowed: judgments, weights, values"):
        anp.Network.model_validate_json(json.dumps(document))


def test_answer_of_a_service_is_json() -> None:
    answer = json.loads(json.dumps(house().solve().to_dict(), allow_nan=False))
    assert answer["priorities"]["A"] == pytest.approx(DISTRIBUTIVE[0], abs=1e-12)
    assert answer["consistency"][0]["path"] == "control"
    assert json.loads(answer["provenance"]["spec"])["alternatives"] == ["A", "B", "C"]


def test_a_goal_needs_no_note_on_where_it_starts() -> None:
    notes = " ".join(house_as_supermatrix("identity").solve().notes)
    assert "starts" not in notes
    assert "influence nothing that lasts" not in notes
    assert "nothing influences ['A', 'B', 'C']: sinks" in notes


def test_merits_without_weight_say_nothing() -> None:
    """c = 0, so that the costs leave every formula; B stays alone."""
    network = anp.Network(
        control=anp.DirectWeights(weights={"b": 1.0, "c": 0.0}),
        local={
            "b": anp.DirectWeights(weights={"A": 0.6, "B": 0.4}),
            "c": anp.DirectWeights(weights={"A": 0.3, "B": 0.7}),
        },
        alternatives=["A", "B"],
        merits={"b": "benefits", "c": "costs"},
    )
    formulas: list[Any] = ["multiplicative", "multiplicative_powers", "additive_reciprocal", "subtractive"]
    for formula in formulas:
        np.testing.assert_allclose(network.solve().bocr(formula).priorities, [0.6, 0.4], rtol=1e-14)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"benefits": {"A": 1, "B": 0}, "opportunities": {"A": 0, "B": 1}}, "gives no alternative a value"),
        ({"costs": {"A": 1.0}, "formula": "additive_probabilistic"}, "gives no alternative a value"),
        ({"costs": {"A": 1.0, "B": 1e-320}}, "gives no alternative a value"),
        ({"benefits": ["A"]}, "benefits is a list; allowed: Mapping"),
        ({"benefits": {"A": "much"}}, "benefits must hold numbers"),
        ({"benefits": {"A": 1.0}, "weights": {"benefits": "1"}}, "str"),
    ],
)
def test_bocr_of_what_cannot_be_compared(given: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        anp.bocr(**({"formula": "multiplicative"} | given))


def test_bocr_of_huge_numbers() -> None:
    found = anp.bocr(benefits={"A": 1e308, "B": 1e308}, formula="multiplicative")
    np.testing.assert_array_equal(found.priorities, [0.5, 0.5])


def test_ratings_that_are_all_zero_are_refused() -> None:
    scale = anp.MeasuredValues(values={"good": 1.0, "none": 0.0})
    rated = anp.Ratings(scale=scale, ratings={"A": "none", "B": "none"})
    with pytest.raises(DomainError, match=r"local.x: all alternatives have the value 0"):
        anp.Network(local={"x": rated}, alternatives=["A", "B"]).solve()


@pytest.mark.parametrize("sinks", ["hierarchy", "calculus"])
def test_a_goal_that_is_a_sink_is_refused(sinks: Any) -> None:
    part = anp.Subnetwork(
        clusters={"ends": ["s", "t"], "c": ["c1"]},
        influences={"c1": {"ends": {"s": 0.5, "t": 0.5}}},
        sinks=sinks,
        goal="s",
    )
    with pytest.raises(DomainError, match="the goal 's' is a sink"):
        anp.Network(local={"net": part}).solve()


def test_defaults_of_documents_are_frozen() -> None:
    part: Any = anp.Subnetwork(
        clusters={"A": ["a", "b"]}, influences={"a": {"A": {"b": 1.0}}, "b": {"A": {"a": 1.0}}}
    )
    with pytest.raises(TypeError, match="frozen"):
        part.cluster_influences["A"] = {"A": 1.0}
    network: Any = anp.Network(local={"net": part})
    with pytest.raises(TypeError, match="frozen"):
        network.merits["net"] = "costs"


def test_sets_at_one_path_are_refused() -> None:
    pair = judged(["a", "b"], ("2",))
    inner = anp.InnerDependence(
        elements=["y", "z", "w"], columns={"y": judged(["z", "w"], ("2",)), "z": {"y": 1.0}, "w": {"y": 1.0}}
    )
    control = anp.DirectWeights(weights={"x": 0.5, "x.columns.y": 0.5})
    with pytest.raises(DomainError, match=r"two sets of judgments stand at 'local.x.columns.y'"):
        anp.Network(control=control, local={"x": inner, "x.columns.y": pair}).solve()


def test_measured_values_that_vanish_are_refused() -> None:
    for smaller in (False, True):
        with pytest.raises(ValidationError, match="is so far from the others"):
            anp.MeasuredValues(values={"a": 1e-300, "b": 1e300}, smaller_is_better=smaller)


# Tables ------------------------------------------------------------------------------------------------------


@pytest.mark.pyarrow
def test_network_from_frame(make_frame: Callable[..., Any]) -> None:
    rows = [
        ("", "", "recency", "monetary", "1/3", None, "Chen"),
        ("", "", "monetary", "recency", "2", None, "Li"),
        ("recency", "cash", "transfer", "active", "4", None, "Chen"),
        ("recency", "transfer", "cash", None, None, 1.0, None),
        ("recency", "active", "cash", "transfer", "1", None, "Li"),
        ("monetary", None, "turnover", "", "", 0.25, ""),
        ("monetary", None, "balance", "", "", 0.75, ""),
    ]
    names = ["criterion", "column", "first", "second", "ratio", "weight", "expert"]
    frame = make_frame({name: [row[place] for row in rows] for place, name in enumerate(names)})
    network = anp.Network.from_frame(frame, title="sheet")
    by_hand = anp.Network(
        title="sheet",
        control=anp.Comparisons(
            elements=["recency", "monetary"],
            judgments=[
                anp.Judgment(first="recency", second="monetary", ratio=1 / 3, expert="Chen"),
                anp.Judgment(first="monetary", second="recency", ratio=2.0, expert="Li"),
            ],
        ),
        local={
            "recency": anp.InnerDependence(
                elements=["cash", "transfer", "active"],
                columns={
                    "cash": anp.Comparisons(
                        elements=["transfer", "active"],
                        judgments=[anp.Judgment(first="transfer", second="active", ratio=4.0, expert="Chen")],
                    ),
                    "transfer": {"cash": 1.0},
                    "active": anp.Comparisons(
                        elements=["cash", "transfer"],
                        judgments=[anp.Judgment(first="cash", second="transfer", ratio=1.0, expert="Li")],
                    ),
                },
            ),
            "monetary": anp.DirectWeights(weights={"turnover": 0.25, "balance": 0.75}),
        },
    )
    assert network == by_hand
    assert network.digest == by_hand.digest
    weight = np.sqrt(6.0)  # the geometric mean of 3 and 2
    assert network.solve().control["monetary"] == pytest.approx(weight / (1 + weight), rel=1e-14)


def test_subnetwork_from_frame() -> None:
    rows = [
        (column, first, "", "", weight)
        for column, blocks in C01["influences"].items()  # type: ignore[attr-defined]  # nested literals
        for weights in blocks.values()
        for first, weight in weights.items()
    ]
    rows += [("A", "A", "C", "7/3", None)]
    frame = pd.DataFrame(rows, columns=["column", "first", "second", "ratio", "weight"]).assign(criterion="net")
    nodes = pd.DataFrame(
        [("net", cluster, node) for cluster, members in C01["clusters"].items() for node in members],  # type: ignore[attr-defined]
        columns=["criterion", "cluster", "node"],
    )
    network = anp.Network.from_frame(frame, nodes=nodes, alternatives=["a1", "a2", "a3"])
    expected = [float(value) for value in C01_ALTERNATIVES]
    np.testing.assert_allclose(network.solve().synthesis("distributive").priorities, expected, atol=1e-13)


def table(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    """Fill rows up with blanks."""
    names = ["criterion", "column", "first", "second", "ratio", "weight", "expert"]
    return pd.DataFrame([(*row, *[None] * (7 - len(row))) for row in rows], columns=names)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("", "", "a", "", "")], r"^row 0 \(counted from 0\): neither a judgment nor a weight"),
        ([("", "", "a", "b", "2", 1.0)], "row 0 .* neither a judgment nor a weight"),
        ([("", "", "a", "b", "", 1.0)], "row 0 .* neither a judgment nor a weight"),
        ([("c", "", "a", "b", "2"), ("c", "", "", "b", "2"), ("c",)], r"^rows 1, 2 \(counted from 0\): neither"),
        ([("c", "", "a", "b", "2"), ("", "x", "a", "b", "2")], "^row 1 .* control layer .* the column 'x'"),
        ([("c", "", "a", "b", "2"), ("c", "a", "b", "d", "2")], "^local.c, row 0 .* with and without a column"),
        ([("c", "", "a", "b", "2"), ("c", "", "a", "", "", 1.0)], "^local.c, rows 0, 1 .*: mixes judgments"),
        ([("c", "", "a", "", "", 0.5), ("c", "", "a", "", "", 0.5)], "rows 0, 1 .*: weighs 'a' more than once"),
        (
            [("c", "", "a", "b", "2"), ("c", "", "a", "d", "none"), ("c", "", "b", "d", -1)],
            r"^local.c, row 1 \(counted from 0\): 'a' against 'd': .*fraction.*; row 2 .*: ratio: .*than 0$",
        ),
        ([("c", "", "a", "", "", "half")], "row 0 .* the weight of 'a' is no number"),
        (
            [("c", "", "a", "", "", 0.5), ("c", "", "b", "", "", 0.4)],
            r"^local.c, rows 0, 1 .* sum to 0.9; allowed",
        ),
        ([("c", "", "a", "", "", 1.0), ("c", "", "a", "b")], "row 1 .*: 'b' has no weight, unlike .'a'."),
        (
            [("c", "", "a", "b", 2), ("c", "", "a", "a", 2)],
            "rows 0, 1 .*: a judgment: 'a' is compared with itself",
        ),
        (
            [("c", "", "a", f"b{place}", 2) for place in range(12)] + [("c", "", "d", "e", 2)],
            r"local.c, rows 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 3 more \(counted from 0\): .* do not connect",
        ),
        ([("c", "a", "a", "b", 2), ("c", "b", "a", "", "", 1)], "local.c.columns.a, row 0 .* influence on itself"),
        (
            [("c", "a", "b", "", "", 1), ("c", "b", "aa", "a", 2)],
            "^local.c, row 1 .*: 'aa' has no column; the columns are .*; did you mean 'a'",
        ),
    ],
)
def test_tables_that_are_refused(rows: list[tuple[Any, ...]], message: str) -> None:
    with pytest.raises(JudgmentError, match=message):
        anp.Network.from_frame(table(rows))


def test_a_pair_that_was_not_judged_is_left_out() -> None:
    """What is not said of it follows from the others: least squares on a chain multiplies along it."""
    rows = [
        *(("c", "", "a", "b", 2), ("c", "", "a", "d"), ("c", "", "b", "d", 3)),
        *(("w", "", "x", "", "", 0.25), ("w", "", "x", "y"), ("w", "", "y", "", "", 0.75)),
        ("", "", "c", "w", 1),
    ]
    network = anp.Network.from_frame(table(rows))
    part = network.local["c"]
    assert isinstance(part, anp.Comparisons)
    assert part.missing == (("a", "d"),)
    assert network.local["w"] == anp.DirectWeights(weights={"x": 0.25, "y": 0.75})
    solved = network.solve(method="logarithmic_least_squares")
    np.testing.assert_allclose(list(solved.local["c"].values()), [0.6, 0.3, 0.1], rtol=1e-13)
    with pytest.raises(
        JudgmentError, match=r"^local.c, rows 0, 1 .* do not connect .*ask next for 'a' against 'd'"
    ):
        anp.Network.from_frame(table(rows[:2] + rows[3:]))


def test_all_wrong_sets_are_told_at_once_by_their_rows() -> None:
    rows = [
        ("", "", "c", "d", 2),
        ("", "", "d", "c", 2),
        ("c", "", "x", "y", 2),
        ("c", "", "z", "y"),
        ("d", "k", "l", "", "", 0.5),
        ("d", "l", "k", "", "", 1.0),
    ]
    with pytest.raises(JudgmentError) as caught:
        anp.Network.from_frame(table(rows))
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("control, rows 0, 1 (counted from 0): the judgments of 'd' against 'c' contradict")
    assert lines[1].startswith("local.c, rows 2, 3 (counted from 0): the judgments do not connect")
    assert lines[2].startswith("local.d.columns.k, row 4 (counted from 0): weights sum to 0.5; allowed: 1")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {3: ("recency", "csh", "transfer", "active", 1)},
            r"^local.recency, row 3 .*: the column 'csh' is never first or second .*did you mean 'cash'\?$",
        ),
        (
            {2: ("monetry", "", "turnover", "balance", 2)},
            (
                r"^local.monetry, row 2 .*: the control layer does not name the criterion 'monetry'; it names "
                r"\['recency', 'monetary'\]; did you mean 'monetary'\?\n"
                r"control, rows 0, 1 .*: the control layer names 'monetary', but no row .*mean 'monetry'\?$"
            ),
        ),
        (
            {0: ("", "", "recency", "frequency", 2)},
            "^control, row 0 .*: the control layer names 'frequency', but no row",
        ),
    ],
)
def test_names_that_seem_mistyped(change: dict[int, tuple[Any, ...]], message: str) -> None:
    rows = [
        ("", "", "recency", "monetary", 2),
        ("", "", "monetary", "recency", 0.5),
        ("monetary", "", "turnover", "balance", 2),
        ("recency", "cash", "transfer", "active", 1),
        ("recency", "transfer", "cash", "active", 1),
        ("recency", "active", "cash", "transfer", 1),
    ]
    assert anp.Network.from_frame(table(rows)).criteria == ("recency", "monetary")
    with pytest.raises(JudgmentError, match=message):
        anp.Network.from_frame(table([change.get(place, row) for place, row in enumerate(rows)]))


def test_the_experts_weigh_in_the_whole_network() -> None:
    """The powers of the experts' judgments by hand, over those who answered."""
    rows = [
        ("", "", "c", "d", 16, None, "Chen"),
        ("", "", "c", "d", 1, None, "Li"),
        ("", "", "c", "d", 4, None, None),
        ("c", "", "x", "y", 8, None, "Chen"),
        ("c", "", "x", "y", 1, None, "Li"),
        ("d", "", "v", "w", 3, None, "Li"),
    ]
    frame = table(rows)
    solved = anp.Network.from_frame(frame, experts={"Chen": 2, "Li": 1, "": 1, "Wu": 5}).solve()
    assert solved.control["c"] / solved.control["d"] == pytest.approx(16**0.5 * 4**0.25, rel=1e-13)
    assert solved.local["c"]["x"] / solved.local["c"]["y"] == pytest.approx(8 ** (2 / 3), rel=1e-13)
    assert solved.local["d"]["v"] / solved.local["d"]["w"] == pytest.approx(3.0, rel=1e-13)
    equal = anp.Network.from_frame(frame).solve()
    assert equal.control["c"] / equal.control["d"] == pytest.approx(64 ** (1 / 3), rel=1e-13)
    with pytest.raises(JudgmentError, match=r"rows 1, 4, 5 .*: the expert 'Li' is not .*; did you mean 'Lin'\?$"):
        anp.Network.from_frame(frame, experts={"Chen": 1.0, "Lin": 1.0, "": 1.0})
    with pytest.raises(JudgmentError, match=r"^row 2 .*: no expert is named"):
        anp.Network.from_frame(frame, experts={"Chen": 1.0, "Li": 1.0})
    with pytest.raises(
        JudgmentError, match=r"^local.d, row 5 .*: only experts of weight 0 answered here, \['Li'\]"
    ):
        anp.Network.from_frame(frame, experts={"Chen": 1.0, "Li": 0.0, "": 1.0})


@pytest.mark.parametrize(
    ("experts", "message"),
    [
        ({"Chen": -1.0}, "the weight of 'Chen' is -1.0; allowed"),
        ({"Chen": float("nan")}, "the weight of 'Chen' is nan"),
        ({"Chen": "1"}, "the weight of 'Chen' is '1'"),
        ({"Chen": 0.0}, "all weights are 0"),
        (["Chen"], "experts is a list; allowed: a mapping"),
    ],
)
def test_weights_of_experts_that_are_refused(experts: Any, message: str) -> None:
    with pytest.raises(DomainError, match=message):
        anp.Network.from_frame(table([("c", "", "x", "y", 8, None, "Chen")]), experts=experts)


def test_tables_with_strange_nodes_or_columns() -> None:
    frame = table([("c", "a", "b", "d", 2.0)])
    nodes = pd.DataFrame({"criterion": ["c", "c"], "cluster": ["k", "k"], "node": ["a", "b"]})
    with pytest.raises(ColumnError, match="'ratio'"):
        anp.Network.from_frame(frame.drop(columns="ratio"))
    with pytest.raises(JudgmentError, match=r"row 0 .* of nodes has a blank"):
        anp.Network.from_frame(frame, nodes=nodes.assign(node=["", "b"]))
    with pytest.raises(JudgmentError, match=r"row 1 .* of nodes names 'b' again"):
        anp.Network.from_frame(frame, nodes=nodes.assign(node="b"))
    with pytest.raises(JudgmentError, match="goals name the criterion 'c', which has no clusters"):
        anp.Network.from_frame(frame, goals={"c": "a"})
    with pytest.raises(JudgmentError, match="nodes name the criterion 'other'"):
        anp.Network.from_frame(frame, nodes=nodes.assign(criterion="other"))
    with pytest.raises(
        JudgmentError, match=r"^local.c.influences.a, row 0 .*: 'x' is in no cluster .*; row 0 .*'d'"
    ):
        anp.Network.from_frame(frame.assign(first="x"), nodes=nodes)
    with pytest.raises(JudgmentError, match=r"local.c, row 0 .*: the column 'bb' is no node .*; did you mean 'b'"):
        anp.Network.from_frame(frame.assign(column="bb"), nodes=nodes)
    with pytest.raises(JudgmentError, match=r"local.c, row 0 .*: column is blank"):
        anp.Network.from_frame(frame.assign(column=""), nodes=nodes)


def test_sets_of_a_subnetwork_that_are_refused() -> None:
    nodes = pd.DataFrame({"criterion": "c", "cluster": ["k", "k", "m"], "node": ["a", "b", "d"]})
    rows = [("c", "d", "a", "b", 2), ("c", "d", "d", "", "", 1), ("c", "m", "k", "m", 1)]
    assert anp.Network.from_frame(table(rows), nodes=nodes).criteria == ("c",)
    with pytest.raises(JudgmentError, match=r"^local.c, rows 0, 1 .*: cluster_influences\['m'\] is missing"):
        anp.Network.from_frame(table(rows[:2]), nodes=nodes)
    with pytest.raises(
        JudgmentError, match=r"^local.c.influences.d.k, row 0 .*: the column names 'd', which is not"
    ):
        anp.Network.from_frame(table([("c", "d", "a", "d", 2), *rows[1:]]), nodes=nodes)
    with pytest.raises(JudgmentError, match=r"^local.c.cluster_influences.m, row 2 .*: the column names 'a'"):
        anp.Network.from_frame(table([*rows[:2], ("c", "m", "k", "a", 1)]), nodes=nodes)
    with pytest.raises(JudgmentError, match=r"^local.c, rows 0, 1, 2 .*: 'x' is influenced or the goal"):
        anp.Network.from_frame(table(rows), nodes=nodes, goals={"c": "x"})


# The notes ---------------------------------------------------------------------------------------------------


def test_incomplete_sets_are_solved_by_name_and_noted() -> None:
    control = anp.Comparisons(
        elements=["a", "b", "c"],
        judgments=[anp.Judgment(first="a", second="b", ratio=2.0), anp.Judgment(first="b", second="c", ratio=3.0)],
    )
    local = {name: anp.DirectWeights(weights={f"{name}1": 1.0}) for name in "abc"}
    network = anp.Network(control=control, local=local)
    with pytest.raises(JudgmentError, match=r"control: .*'a'.*'c'"):
        network.solve()
    solution = network.solve(method="harker")
    np.testing.assert_allclose(list(solution.control.values()), [0.6, 0.3, 0.1], rtol=1e-13)
    assert any("control: no judgment compares 'a' with 'c'" in note for note in solution.notes)
    assert solution.consistency["missing"].tolist() == [1]


def test_one_judgment_of_a_network_changed() -> None:
    """Wherever the set stands; an equal document comes out as if it had been written so."""
    network = house().with_ratio("control", "condition", "neighborhood", "1/6")
    judged = network.solve().judged_at("control").priorities
    assert judged.lambda_max == pytest.approx(9.668887317118154, rel=1e-12), "the reciprocal said the same"
    mended = network.with_ratio("control", "neighborhood", "condition", "1/2").solve(random_index="saaty_1980")
    assert mended.judged_at("control").priorities.consistency_ratio == pytest.approx(0.08224195178794715, abs=1e-9)
    inside = house_as_supermatrix("identity")
    changed = inside.with_ratio("local.house.influences.size.houses", "A", "B", 1)
    part = changed.local["house"]
    assert isinstance(part, anp.Subnetwork)
    column = part.influences["size"]["houses"]
    assert isinstance(column, anp.Comparisons)
    assert column.judgments[0].ratio == 1.0
    assert inside.digest != changed.digest
    with pytest.raises(DomainError, match=r"path is 'local.house'; judgments stand at \['local.house.influences"):
        inside.with_ratio("local.house", "A", "B", 1)
