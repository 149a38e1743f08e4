"""Interest measures: printed figures, a second route by fractions, the laws that the registry states of itself."""

from __future__ import annotations

import itertools
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import interest_oracle
from custvalue._kernels.interest import MEASURES, CountTable, measures_of

if TYPE_CHECKING:
    from pathlib import Path

EACH = pytest.mark.parametrize("name", MEASURES)
CELLS = st.tuples(*[st.integers(0, 40)] * 4).filter(any)
SMALL = np.array([cells for cells in itertools.product(range(7), repeat=4) if any(cells)]).T
#: Measures that two packages print under other words than ours in the file of known answers.
OTHER_WORDS = {
    "mutualInformation_nats": "mutual_information",
    "certainty_two_branch": "certainty",
    "centeredConfidence": "added_value",
    "fisher_p_greater": "fisher_p_greater",
    "fisher_p_less": "fisher_p_less",
    "zhang": "zhang",
    "hyperLift_99": "hyper_lift",
    "stdLift_uncorrected": "standardized_lift",
}
ARULES = {measure.arules: name for name, measure in MEASURES.items() if measure.arules}


def value(name: str, *cells: float) -> float:
    return float(MEASURES[name].function(*cells))


# --------------------------------------------------------------------------------------------- known answers


def test_by_hand_mortgage_and_insurance() -> None:
    """Of 1,000 customers 50 hold A, 70 hold B, 30 both; every figure is a fraction worked out on paper."""
    expected = {
        "count": 30,
        "support": 3 / 100,
        "coverage": 5 / 100,
        "consequent_support": 7 / 100,
        "confidence": 3 / 5,
        "recall": 3 / 7,
        "specificity": 91 / 95,
        "lift": 60 / 7,
        "leverage": 0.0265,
        "extra_customers": 26.5,
        "added_value": 0.53,
        "difference_of_confidence": 3 / 5 - 4 / 95,
        "relative_risk": (3 / 5) / (4 / 95),
        "conviction": 2.325,
        "zhang": 26_500 / 28_500,
        "kulczynski": 18 / 35,
        "imbalance": 2 / 9,
        "cosine": 30 / math.sqrt(3500),
        "jaccard": 1 / 3,
        "dice": 1 / 2,
        "phi": 26_500 / math.sqrt(50 * 70 * 950 * 930),
        "chi_squared": 1000 * 26_500**2 / (50 * 70 * 950 * 930),
        "odds_ratio": 34.125,
        "certainty": 0.53 / 0.93,
        "kappa": (0.94 - 0.887) / 0.113,
        "laplace": 31 / 52,
        "confirmed_confidence": 1 / 5,
        "sebag_schoenauer": 3 / 2,
        "rule_power_factor": 0.018,
        "standardized_lift": 29 / 49,
        "goodman_kruskal_lambda": 1 / 7,
    }
    for name, figure in expected.items():
        assert value(name, 30, 20, 40, 910) == pytest.approx(figure, rel=1e-13), name


def test_by_hand_definitions_that_code_elsewhere_has_wrong() -> None:
    """Counts 2, 1, 1, 1: violation rate 2/5, expected 12/25; n00 / (N - y) = 1/2; (2 - 1) / 3."""
    assert value("collective_strength", 2, 1, 1, 1) == pytest.approx(
        (3 / 5) / (13 / 25) * (12 / 25) / (2 / 5), rel=1e-14
    )
    assert value("causal_support", 2, 1, 1, 1) == pytest.approx(3 / 5, rel=1e-15)
    assert value("causal_confidence", 2, 1, 1, 1) == pytest.approx((2 / 3 + 1 / 2) / 2, rel=1e-15)
    assert value("least_contradiction", 2, 1, 1, 1) == pytest.approx(1 / 3, rel=1e-15)
    # An empty cell: log 2 nats, not NaN. One customer in two holds both products, the rest neither.
    assert value("mutual_information", 5, 0, 0, 5) == pytest.approx(math.log(2.0), rel=1e-15)
    assert value("normalized_mutual_information", 5, 0, 0, 5) == pytest.approx(1.0, rel=1e-15)
    assert value("j_measure", 5, 0, 0, 5) == pytest.approx(0.5 * math.log(2.0), rel=1e-15)
    # The certainty factor where the consequent is rarer with the antecedent: (1/5 - 1/2) / (1/2).
    assert value("certainty", 10, 40, 40, 10) == pytest.approx(-0.6, rel=1e-15)


@pytest.mark.parametrize(
    ("cells", "recorded"),
    [
        (
            (26550, 2027, 18257, 2008),
            {"support": 0.544, "confidence": 0.929, "lift": 1.013, "chi_squared": 124.024, "kappa": 0.032}
            | {"odds_ratio": 1.441, "imbalance": 0.347, "kulczynski": 0.761, "hyper_lift": 1.01, "lerman": 2.062}
            | {"implication_index": -6.871, "sebag_schoenauer": 13.098, "yule_q": 0.181, "yule_y": 0.091},
        ),
        (
            (29553, 3097, 15254, 938),
            {"leverage": -0.008, "conviction": 0.871, "phi": -0.063, "difference_of_confidence": -0.037}
            | {"relative_linkage_disequilibrium": 0.299, "importance": -0.017, "relative_risk": 0.961}
            | {"rule_power_factor": 0.548, "confirmed_confidence": 0.81, "jaccard": 0.617, "cosine": 0.773},
        ),
    ],
)
def test_hahsler2024_adult_rules(cells: tuple[int, ...], recorded: dict[str, float]) -> None:
    """Two rules of Adult (48,842 people) as arules 1.7.13 records them in its tests, to three decimals."""
    for name, figure in recorded.items():
        assert value(name, *cells) == pytest.approx(figure, abs=5.1e-4), name


def test_known_answers_of_five_tables(shared: Path) -> None:
    """Five tables on which SciPy, scikit-learn, statsmodels and mlxtend agree."""
    cases = json.loads((shared / "known_answers/basket/measures.json").read_text())["cases"]
    words = ARULES | OTHER_WORDS
    seen = set()
    for case in cases:
        cells = [case[key] for key in ("n11", "n10", "n01", "n00")]
        for word, figure in case["values"].items():
            if word == "oddsRatio_haldane":
                assert value("odds_ratio", *(cell + 0.5 for cell in cells)) == pytest.approx(figure, rel=1e-12)
            elif word != "hyperConfidence_substitutes":  # P(C > n11), which is 1 - fisher_p_less
                assert value(words[word], *cells) == pytest.approx(
                    float(figure), rel=1e-11, abs=1e-15, nan_ok=True
                ), word
                seen.add(words[word])
    assert len(seen) >= 47


def test_recorded_values_of_arules(shared: Path) -> None:
    """52 rules of Adult, three decimals, but for what contradicts its own manual and what needs the rule set."""
    recorded = json.loads((shared / "known_answers/basket/measures_arules_recorded.json").read_text())
    columns = recorded["columns"]
    cells = [np.array(columns[f"table.{cell}"], dtype=float) for cell in ("n11", "n10", "n01", "n00")]
    compared = {*ARULES} & {*columns} - {*recorded["arules_differs"], *recorded["needs_rule_set"]}
    for word in compared:
        found = MEASURES[ARULES[word]].function(*cells)
        figures = np.array([float(figure) for figure in columns[word]])
        if word == "certainty":  # one branch there
            found, figures = found[figures >= 0.0], figures[figures >= 0.0]
        np.testing.assert_allclose(found, figures, rtol=0.0, atol=5.1e-4, err_msg=word)
    assert len(compared) >= 39


# --------------------------------------------------------------------------------------------- second route


def test_the_second_route_knows_every_measure() -> None:
    assert set(interest_oracle.ORACLE) == set(MEASURES)


@settings(max_examples=120)
@given(CELLS)
def test_every_measure_agrees_with_fractions(cells: tuple[int, int, int, int]) -> None:
    table = interest_oracle.Probabilities(*cells)
    for name, measure in interest_oracle.ORACLE.items():
        expected = float(measure(table))
        assert value(name, *cells) == pytest.approx(expected, rel=1e-11, abs=1e-12, nan_ok=True), name


@pytest.mark.parametrize("cells", [cells for cells in itertools.product((0, 1, 5), repeat=4) if any(cells)])
def test_empty_cells_agree_with_fractions(cells: tuple[int, int, int, int]) -> None:
    table = interest_oracle.Probabilities(*cells)
    for name, measure in interest_oracle.ORACLE.items():
        assert value(name, *cells) == pytest.approx(float(measure(table)), rel=1e-12, abs=1e-14, nan_ok=True), name


# ------------------------------------------------------------------------------------------------------ laws


@EACH
def test_values_keep_to_their_bounds(name: str) -> None:
    """Before rounding is put right, on all tables with counts up to 6."""
    measure = MEASURES[name]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = measure.formula(CountTable(*SMALL))
    found = found[np.isfinite(found)]
    assert found.min() >= measure.low - 1e-12
    assert found.max() <= measure.high + 1e-12


@pytest.mark.parametrize(
    "name", ["klosgen", "leverage", "gini", "j_measure", "mutual_information", "certainty", "zhang", "kappa"]
)
def test_bounds_are_reached(name: str) -> None:
    """On shares in steps of a fiftieth the bounds are met to two decimals."""
    steps = np.arange(0, 101, 2)
    a, b, c = (grid.ravel() for grid in np.meshgrid(steps, steps, steps))
    kept = a + b + c <= 100
    found = MEASURES[name].function(a[kept], b[kept], c[kept], 100 - (a + b + c)[kept])
    measure = MEASURES[name]
    assert np.nanmin(found) == pytest.approx(measure.low, abs=2e-3)
    assert np.nanmax(found) == pytest.approx(measure.high, abs=2e-3)


@settings(max_examples=40)
@given(*[st.integers(1, 1000)] * 4)
def test_the_value_at_independence(p: int, q: int, r: int, s: int) -> None:
    """Rows p, q by columns r, s: the shares do not depend on each other."""
    for name, measure in MEASURES.items():
        if not math.isnan(measure.independence):
            found = value(name, p * r, p * s, q * r, q * s)
            assert found == pytest.approx(measure.independence, rel=1e-12, abs=1e-12), name


@EACH
def test_symmetry_is_as_stated(name: str) -> None:
    measure = MEASURES[name]
    n11, n10, n01, n00 = SMALL
    there, back = measure.function(n11, n10, n01, n00), measure.function(n11, n01, n10, n00)
    same = np.isclose(there, back, rtol=1e-12, atol=1e-13, equal_nan=True)
    assert same.all() == measure.symmetric


@EACH
def test_null_invariance_is_as_stated(name: str) -> None:
    """Customers who hold neither are added: 1, and 1,000."""
    measure = MEASURES[name]
    n11, n10, n01, n00 = SMALL
    before = measure.function(n11, n10, n01, n00)
    kept = all(
        np.array_equal(before, measure.function(n11, n10, n01, n00 + more), equal_nan=True) for more in (1, 1000)
    )
    assert kept == measure.null_invariant


@EACH
def test_whole_counts_and_floats_give_the_same(name: str) -> None:
    measure = MEASURES[name]
    whole = measure.function(*SMALL[:, ::97].astype(np.int32))
    np.testing.assert_array_equal(whole, measure.function(*SMALL[:, ::97].astype(np.float64)))
    assert whole.dtype == np.float64


@EACH
def test_ten_thousand_million_customers(name: str) -> None:
    """No product overflows, nothing warns (warnings are errors), and every value is inside its bounds."""
    cells = (np.array([10**9, 1, 10**10]), np.array([10**9, 5, 7]), np.array([2 * 10**9, 3, 11]), 6 * 10**9)
    found = MEASURES[name].function(*cells)
    assert np.isfinite(found).all() or name == "hyper_lift"  # a quantile of 0
    assert ((found >= MEASURES[name].low) & (found <= MEASURES[name].high)).all()


def test_one_customer_in_ten_thousand_million_is_seen() -> None:
    """k, k - 1, k + 1, k: the products differ by 1 in 1e20, so leverage is 1 / N^2, not 0."""
    k = 2_500_000_000
    n = 4 * k
    cells = (k, k - 1, k + 1, k)
    assert value("leverage", *cells) == pytest.approx(1 / n**2, rel=1e-14)
    assert value("extra_customers", *cells) == pytest.approx(1 / n, rel=1e-14)
    assert value("phi", *cells) == pytest.approx(1 / ((n / 2) ** 2), rel=1e-8)


def test_a_p_value_below_every_float_keeps_its_logarithm() -> None:
    cells = (5_000_000, 5_000_000, 5_000_000, 85_000_000)
    assert value("fisher_p_greater", *cells) == 0.0
    assert -3e6 < value("log10_fisher_p_greater", *cells) < -1e5
    assert value("log10_fisher_p_less", *cells) == 0.0


def test_shapes_and_several_measures_at_once() -> None:
    found = measures_of(["lift", "phi"], [[1, 2], [3, 4]], 5, [6, 7], 8)
    assert list(found) == ["lift", "phi"]
    assert found["lift"].shape == (2, 2)
    np.testing.assert_array_equal(found["phi"][1], MEASURES["phi"].function([3, 4], 5, [6, 7], 8))
    assert MEASURES["lift"].function([], [], [], []).shape == (0,)
    assert MEASURES["hyper_lift"].function([], [], [], []).shape == (0,)


def test_nobody_at_all() -> None:
    """No customers: shares are NaN, counts 0, and no test finds anything."""
    found = {name: value(name, 0, 0, 0, 0) for name in MEASURES}
    known = {name: figure for name, figure in found.items() if not math.isnan(figure)}
    chance: dict[str, Any] = dict.fromkeys(("fisher_p_greater", "fisher_p_less", "fisher_p_two_sided"), 1.0)
    chance |= {f"log10_{name}": 0.0 for name in chance}
    nothing = dict.fromkeys(("count", "g_statistic", "hyper_confidence", "importance"), 0.0)
    assert known == chance | nothing | {"laplace": 0.5}


def test_the_registry_describes_itself() -> None:
    assert len(MEASURES) >= 60
    assert len({measure.title for measure in MEASURES.values()}) == len(MEASURES)
    words = [measure.arules for measure in MEASURES.values() if measure.arules]
    assert len(words) == len(set(words)) >= 45
    for name, measure in MEASURES.items():
        assert measure.name == name
        assert name.isidentifier()
        assert measure.low < measure.high
        assert measure.text
        assert measure.source.endswith(")")
