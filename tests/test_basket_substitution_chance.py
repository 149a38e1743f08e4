"""Product substitution against chance: the timing test, the control groups, and what the verdicts are worth."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import binom, hypergeom

import substitution_oracle as oracle
from custvalue import basket
from custvalue._kernels.transitions import wilson_interval
from custvalue._substitution import control, timing
from custvalue._substitution.times import NEVER
from substitution_worlds import apart, deposits, monthly, unlike

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import IntArray


def whole(values: Sequence[float]) -> IntArray:
    """Give moments as the kernels want them."""
    return np.array([NEVER if value == math.inf else int(value) for value in values], dtype=np.int64)


def found_in(panel: pd.DataFrame, seed: int = 0, **changes: Any) -> basket.Substitution:
    asked: dict[str, Any] = {
        "customer": "customer", "product": "product", "opened": "opened", "closed": "closed",
        "old": ["o1", "o2"], "new": ["n1", "n2"], "as_of": 24, "window": 1, "n_permutations": 399,
        "random_state": seed,
    }  # fmt: skip
    return basket.substitution(panel, **(asked | changes))


# ------------------------------------------------------------------------------------------- the timing test


@st.composite
def dealt(draw: st.DrawFn) -> tuple[list[int], list[int], list[int], int]:
    """Up to six customers, each with an opening after the entry."""
    size = draw(st.integers(1, 6))
    entry = draw(st.lists(st.integers(0, 5), min_size=size, max_size=size))
    closed = draw(st.lists(st.integers(0, 9), min_size=size, max_size=size))
    taken = [e + draw(st.integers(1, 6)) for e in entry]
    return entry, closed, taken, draw(st.integers(0, 3))


@given(dealt())
@settings(max_examples=60)
def test_the_exact_mean_equals_that_over_all_permitted_assignments(
    case: tuple[list[int], list[int], list[int], int],
) -> None:
    entry, closed, taken, window = case
    deal = timing.deal_of(whole(entry), whole(closed), whole(taken), window)
    assert timing.expected(deal) == pytest.approx(
        float(oracle.permitted_mean(entry, closed, taken, window)), abs=1e-12
    )
    assert deal.observed == sum(abs(c - n) <= window for c, n in zip(closed, taken, strict=True))


@pytest.mark.parametrize("entry", [[0, 0, 0, 0, 0], [0, 0, 3, 3, 5]])
def test_random_assignments_are_uniform_over_the_permitted_ones(entry: list[int]) -> None:
    """Shares of each number of coincidences in 20,000 draws against full enumeration, within 5 standard errors."""
    closed, taken, window = [1, 4, 5, 7, 8], [2, 4, 5, 6, 8], 1
    permitted = [
        dealt for dealt in itertools.permutations(taken) if all(n > e for e, n in zip(entry, dealt, strict=True))
    ]
    exact = Counter(sum(abs(c - n) <= window for c, n in zip(closed, dealt, strict=True)) for dealt in permitted)
    deal = timing.deal_of(whole(entry), whole(closed), whole(taken), window)
    drawn = Counter(timing.draws(deal, 20_000, np.random.default_rng(1)).tolist())
    assert set(drawn) <= set(exact)
    for hits, count in exact.items():
        share = count / len(permitted)
        assert abs(drawn[hits] / 20_000 - share) < 5 * math.sqrt(share * (1 - share) / 20_000) + 1e-12


def test_by_hand_timing_of_three_customers() -> None:
    """Closings 1, 5, 9, openings 1, 5, 9, window 0: of the six assignments one has 3 hits, three have 1, two none.

    Mean 1; P(3 hits or more) = 1/6, so p tends to 1/6.
    """
    zero, moments = whole([-1, -1, -1]), whole([1, 5, 9])
    found = timing.timing_test(
        zero, moments, moments, zero * 0, window=0, n_permutations=20_000, rng=np.random.default_rng(0)
    )
    assert (found.customers, found.coincident) == (3, 3)
    assert found.expected == pytest.approx(1.0)
    assert abs(found.p - 1 / 6) < 5 * math.sqrt(5 / 36 / 20_000)


def test_the_first_permutations_are_enough_for_a_large_p() -> None:
    """Openings as far from the closings as can be: no assignment has fewer hits, and 999 of them tell."""
    zero, closed = whole([-1] * 4), whole([1, 1, 9, 9])
    found = timing.timing_test(
        zero, closed, whole([9, 9, 1, 1]), zero * 0, window=0, n_permutations=10_000, rng=np.random.default_rng(0)
    )
    assert (found.coincident, found.expected, found.p) == (0, 2.0, 1.0)
    third = timing.timing_test(
        zero, closed, whole([9, 1, 1, 9]), zero * 0, window=0, n_permutations=10_000, rng=np.random.default_rng(0)
    )
    # Two hits or more: all assignments but the 4 of 24 without one; in thousandths, since 999 were drawn.
    assert third.coincident == 2
    assert third.p * 1000 == pytest.approx(round(third.p * 1000), abs=1e-9)
    assert abs(third.p - 20 / 24) < 5 * math.sqrt(20 * 4 / 24**2 / 999)


def test_strata_are_dealt_apart() -> None:
    """Each of two strata has one moment alone, so that every assignment has all four hits."""
    strata, moments = whole([0, 0, 1, 1]), whole([3, 3, 8, 8])
    found = timing.timing_test(
        whole([0] * 4), moments, moments, strata, window=0, n_permutations=99, rng=np.random.default_rng(0)
    )
    assert (found.expected, found.p) == (4.0, 1.0)


def test_a_large_pair_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """With more customers than are read, counts and mean stay those of all."""
    rng = np.random.default_rng(2)
    closed = rng.integers(1, 20, 300)
    monkeypatch.setattr(timing, "MOST", 100)
    monkeypatch.setattr(timing, "_BLOCK", 1_000)
    found = timing.timing_test(
        np.zeros(300, dtype=np.int64), closed, closed, closed * 0, window=0, n_permutations=99, rng=rng
    )
    assert (found.customers, found.coincident, found.p) == (300, 300, 0.01)
    assert found.expected == pytest.approx(float((np.bincount(closed) ** 2).sum() / 300))


# ------------------------------------------------------------------------------------------- control groups


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[float, float, float]]:
    """Up to ten holders: entry, closing, opening, of which the last two may never come."""
    moment = st.integers(1, 12).map(float) | st.just(math.inf)
    rows = []
    for _ in range(draw(st.integers(1, 10))):
        entry = float(draw(st.integers(0, 5)))
        closed, taken = draw(moment), draw(moment)
        if closed >= entry and taken > entry:
            rows.append((entry, closed, taken))
    return rows


@pytest.mark.parametrize("looks_ahead", [True, False])
@given(histories(), st.integers(0, 3))
@settings(max_examples=40)
def test_risk_sets_equal_the_plain_route(
    looks_ahead: bool,  # noqa: FBT001 - pytest gives it
    rows: list[tuple[float, float, float]],
    window: int,
) -> None:
    assume(rows)
    entry, closed, taken = (whole(column) for column in zip(*rows, strict=True))
    found = control.risk_sets(entry, closed, taken, window=window, end=12, looks_ahead=looks_ahead)
    assert list(zip(*(part.tolist() for part in found), strict=True)) == oracle.risk_set_table(
        rows, window, 12, looks_ahead=looks_ahead
    )


@given(histories(), st.integers(0, 3))
@settings(max_examples=60)
def test_standardised_rates_equal_the_plain_route(rows: list[tuple[float, float, float]], window: int) -> None:
    assume(rows)
    entry, closed, taken = (whole(column) for column in zip(*rows, strict=True))
    found = control.rates([control.compared(entry, closed, taken, window=window, end=12)], 0.95)
    plain = oracle.standardised(rows, window, 12)
    if plain is None:
        assert found.cases == 0
        assert np.isnan(found.rate)
        return
    n_cases, hits, rate, variance, n_controls = plain
    assert (found.cases, found.with_outcome) == (n_cases, hits)
    assert found.control_rate == pytest.approx(float(rate), abs=1e-12)
    spread = rate * (1 - rate)
    trials = spread / variance if variance > 0 and spread > 0 else Fraction(n_controls)
    again = control._against(hits, n_cases, float(rate), float(trials), 0.95)
    np.testing.assert_allclose(found, again, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_newcombe1998_hybrid_score_intervals(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    """Newcombe (1998), Table II, method 10, contrasts (a) to (h)."""
    found = control._against(*first, second[0] / second[1], float(second[1]), 0.95)
    np.testing.assert_allclose([found.difference_low, found.difference_high], [low, high], atol=5e-5)


@pytest.mark.parametrize(("first", "second"), [((56, 70), (48, 80)), ((3, 40), (5, 200)), ((2, 3), (1, 90))])
def test_ratio_intervals_solve_fiellers_equation(first: tuple[int, int], second: tuple[int, int]) -> None:
    """Donner and Zou (2012): at an end r the interval of rate - r control just touches 0."""
    found = control._against(*first, second[0] / second[1], float(second[1]), 0.95)
    p, q = found.rate, found.control_rate
    (low, high), (below, above) = (
        [float(end) for end in wilson_interval(*pair, 0.95)] for pair in (first, second)
    )
    lower = brentq(lambda r: p - r * q - math.hypot(p - low, r * (above - q)), 0.0, p / q)
    upper = brentq(lambda r: p - r * q + math.hypot(high - p, r * (q - below)), p / q, 1e6)
    np.testing.assert_allclose([found.ratio_low, found.ratio_high], [lower, upper], rtol=1e-9)
    assert found.ratio == pytest.approx(p / q)


def test_a_control_group_without_the_outcome() -> None:
    found = control._against(5, 10, 0.0, 20.0, 0.95)
    assert (found.ratio, found.ratio_high) == (np.inf, np.inf)
    assert found.ratio_low > 1.0
    neither = control._against(0, 10, 0.0, 20.0, 0.95)
    assert np.isnan(neither.ratio)
    assert (neither.ratio_low, neither.ratio_high) == (0.0, np.inf)


@st.composite
def tables(draw: st.DrawFn) -> list[tuple[int, int, int, int]]:
    found = []
    for _ in range(draw(st.integers(1, 4))):
        size = draw(st.integers(1, 9))
        events, taken = draw(st.integers(0, size)), draw(st.integers(0, size))
        both = draw(st.integers(max(0, events + taken - size), min(events, taken)))
        found.append((size, events, taken, both))
    return found


@given(tables())
@settings(max_examples=60)
def test_tails_equal_the_exact_distribution(rows: list[tuple[int, int, int, int]]) -> None:
    exact = oracle.sum_of_counts([row[:3] for row in rows])
    observed = sum(row[3] for row in rows)
    upper, lower = control.tails(control.Tables(*(np.array(part) for part in zip(*rows, strict=True))))
    assert upper == pytest.approx(float(sum(p for k, p in exact.items() if k >= observed)), rel=1e-9)
    assert lower == pytest.approx(float(sum(p for k, p in exact.items() if k <= observed)), rel=1e-9)


def test_one_table_is_fishers_test_and_many_values_are_normal(monkeypatch: pytest.MonkeyPatch) -> None:
    one = control.Tables(*(np.array([value]) for value in (5000, 900, 700, 135)))
    upper, lower = control.tails(one)
    assert upper == pytest.approx(hypergeom.sf(134, 5000, 900, 700), rel=1e-9)
    assert lower == pytest.approx(hypergeom.cdf(135, 5000, 900, 700), rel=1e-9)
    monkeypatch.setattr(control, "EXACT", 10)
    normal = control.tails(one)
    np.testing.assert_allclose(normal, (upper, lower), rtol=0.05)


# ------------------------------------------------------------------------------------------- by hand


def test_by_hand_opening_rates_of_closers_and_of_those_who_kept() -> None:
    """Window 1, months 1 to 9. Customers 1 to 4 close in month 4; 1, 2 and 3 open in 3, 4 and 5.

    6 to 9 keep: 6 opens in month 4. 10 opened in month 2, before the window, and is no longer at risk. 5 closed in
    month 9, whose window is not over, and is a control at month 4. So 3 of 4 against 1 of 5 (5, 6, 7, 8, 9).
    """
    spells: list[oracle.Spell] = [
        *((c, "o", 0, 4) for c in (1, 2, 3, 4)), (5, "o", 0, 9), *((c, "o", 0, None) for c in (6, 7, 8, 9, 10)),
        (1, "n", 3, None), (2, "n", 4, None), (3, "n", 5, None), (6, "n", 4, None), (10, "n", 2, None),
    ]  # fmt: skip
    panel = pd.DataFrame(spells, columns=["customer", "product", "opened", "closed"])
    found = found_in(panel, old="o", new="n", as_of=10)
    rates = found.rates().set_index("question")
    names = ["cases", "with_outcome", "rate", "control_rate", "difference"]
    np.testing.assert_allclose(rates.loc["opened", names].astype(float), [4, 3, 0.75, 0.2, 0.55])
    tests = found.tests().iloc[0]
    # At month 4 nine are at risk (10 is not), four close, four took, three both: P(C >= 3) = (4*5 + 1) / 126.
    assert (tests["events"], tests["took"]) == (4, 3)
    assert tests["expected_took"] == pytest.approx(16 / 9)
    assert tests["p_control"] == pytest.approx(21 / 126)
    assert tests["both"] == 3


def test_by_hand_maturity() -> None:
    """Contracts end in month 5 (customers 1 to 6) and in month 8 (7 to 10); 11 has none, 12 ends too late to tell.

    Month 5: 1, 2, 3 leave, of whom 1 and 2 open the fund; 4, 5, 6 renew, of whom 4 opens. Month 8: 7 and 8 leave
    and open; 9 and 10 renew. P(C1 + C2 >= 4), C1 of 6 with 3 and 3, C2 of 4 with 2 and 2:
    C1 = 2: 9/20, 3: 1/20; C2 = 1: 4/6, 2: 1/6. So 9/20 * 1/6 + 1/20 * 5/6 = 14/120.
    """
    gone, fund = {1: 5, 2: 5, 3: 5, 7: 8, 8: 8}, {1: 5, 2: 5, 4: 5, 7: 8, 8: 8, 11: 5}
    ends = {**dict.fromkeys(range(1, 7), 5), **dict.fromkeys(range(7, 11), 8), 12: 11}
    rows: list[tuple[Any, ...]] = [(c, "o", 0, gone.get(c), ends.get(c)) for c in range(1, 13)]
    rows += [(c, "n", moment, None, None) for c, moment in fund.items()]
    panel = pd.DataFrame(rows, columns=["customer", "product", "opened", "closed", "matured"])
    found = found_in(panel, old="o", new="n", as_of=12, matured="matured")
    tests = found.tests().iloc[0]
    assert (tests["method"], tests["events"], tests["took"]) == ("maturity", 5, 4)
    assert tests["p_control"] == tests["p_substitution"] == pytest.approx(14 / 120)
    assert np.isnan(tests["p_timing"])
    rates = found.rates().set_index("question")
    # 4 of 5 who left opened; of those who renewed 1 of 3 (weight 3/5) and 0 of 2 (weight 2/5).
    assert rates.loc["opened", "rate"] == pytest.approx(4 / 5)
    assert rates.loc["opened", "control_rate"] == pytest.approx(1 / 5)


def test_a_renewal_is_one_holding_and_its_first_maturity_counts() -> None:
    """A deposit renewed in month 5 and left in month 9 is compared at month 5, where it was renewed."""
    rows: list[tuple[Any, ...]] = [(c, "o", 0, 5, 5) for c in range(6)] + [(c, "o", 5, 9, 9) for c in range(3)]
    rows += [(c, "n", 9, None, None) for c in range(3)]
    panel = pd.DataFrame(rows, columns=["customer", "product", "opened", "closed", "matured"])
    found = found_in(panel, old="o", new="n", as_of=12, matured="matured")
    assert found.flows()[["moved", "left"]].to_numpy().tolist() == [[3, 3]]
    tests = found.tests().iloc[0]
    assert (tests["events"], tests["took"], tests["p_control"]) == (3, 0, 1.0)


def test_what_was_left_early_does_not_mature() -> None:
    """Six leave in month 3 what would mature in 8, and begin another without an end in 4: nothing matures in 8.

    Six others have contracts until 8; 1, 2, 3 leave then, 1 and 2 of them for the fund: of the 15
    pairs who might have opened it 3 lie among those three.
    """
    rows: list[tuple[Any, ...]] = [(c, "o", 0, 8 if c <= 3 else None, 8) for c in range(1, 7)]
    rows += [(c, "n", 8, None, None) for c in (1, 2)]
    early: list[tuple[Any, ...]] = [(c, "o", 0, 3, 8) for c in range(11, 17)]
    early += [(c, "o", 4, None, None) for c in range(11, 17)]
    for panel in (rows, rows + early):
        frame = pd.DataFrame(panel, columns=["customer", "product", "opened", "closed", "matured"])
        found = found_in(frame, old="o", new="n", as_of=12, matured="matured")
        tests = found.tests().iloc[0]
        assert (tests["events"], tests["took"]) == (3, 2)
        assert tests["p_control"] == pytest.approx(3 / 15)


# ------------------------------------------------------------------------------------------- what it is worth


def test_independent_products_are_seldom_taken_for_substitutes() -> None:
    """200 panels with seasons that closings and openings share: at most 18 with any finding (99 % of 5 %).

    Three kinds, two of which would mislead a test of the rates alone: nothing else; a third leaves the bank; some
    customers open and close more than others. Without either, 95 % intervals of the differences hold 0 in 92 to 98
    %.
    """
    assert binom.sf(18, 200, 0.05) < 0.01 < binom.sf(16, 200, 0.05)
    kinds: list[dict[str, Any]] = [{}, {"leaving": 0.3}, {"uneven": True}]
    findings, covered = 0, []
    for seed in range(200):
        found = found_in(monthly(seed, 300, **kinds[seed % 3]), seed, n_permutations=199)
        findings += bool((found.verdicts()["verdict"] != "no evidence").any())
        rates = found.rates()
        if seed % 3 == 0:
            covered += ((rates["difference_low"] <= 0.0) & (rates["difference_high"] >= 0.0)).tolist()
    assert findings <= 18
    assert 0.92 < np.mean(covered) < 0.98


def test_planted_substitutions_are_found() -> None:
    """Of 400 customers one in ten moves: found in 29 of 30 panels or more, false findings elsewhere in at most 4.

    If 5 % of panels had a false finding, more than 4 of 30 would have one in 1 of 60 cases.
    """
    recall, false = 0, 0
    for seed in range(30):
        found = found_in(monthly(1000 + seed, moved=0.1), seed).verdicts().set_index("label")["verdict"]
        recall += found["A1"] == "substitution"
        false += bool((found.drop("A1") != "no evidence").any())
    assert recall >= 29
    assert false <= 4


def test_an_add_on_is_found() -> None:
    """Who takes n1 never closes o1: an add-on, and no substitution."""
    found = found_in(monthly(7, 3000, kept=0.95)).verdicts()
    assert dict(zip(found["label"], found["verdict"], strict=True)) == {
        "A1": "possible add-on", "A2": "no evidence", "B1": "no evidence", "B2": "no evidence",
    }  # fmt: skip
    assert found["high"].tolist()[0] < 0.0


def test_active_customers_mislead_rates_but_not_timing() -> None:
    """With uneven customers the control test alone finds far too much; the timing test keeps its level."""
    p_control, p_timing = [], []
    for seed in range(40):
        tests = found_in(monthly(seed, uneven=True), seed, n_permutations=199).tests()
        p_control += tests["p_control"].tolist()
        p_timing += tests["p_timing"].tolist()
    assert np.mean(np.array(p_control) <= 0.05) > 0.2
    assert np.mean(np.array(p_timing) <= 0.05) < 0.1


@pytest.mark.parametrize(("kind", "strata"), [("busy", None), ("years", None), ("anniversary", "cohort")])
def test_customers_unlike_each_other_do_not_mislead_timing(kind: str, strata: str | None) -> None:
    """Independent within a customer: of 100 p-values at most 12 are .05 or less (the 99.8 % point of 5 %).

    Dealt over the whole time and all customers, 35 and more of them were.
    """
    assert binom.sf(12, 100, 0.05) < 0.002
    p_timing = []
    for seed in range(25):
        found = found_in(unlike(seed, kind), seed, n_permutations=199, strata=strata)
        p_timing += found.tests()["p_timing"].tolist()
    assert np.count_nonzero(np.array(p_timing) <= 0.05) <= 12


def test_openings_are_dealt_out_within_spans_counted_from_the_end() -> None:
    """Window 0: spans of two moments, 18 with 19 and so on. Each customer closed and opened in one moment.

    Customers 1 and 2: 18 and 19, so one assignment of two has both hits, the other none: mean 1. Customer 3 is
    alone in its span: mean 1. Dealt to all three at once, each would hit with chance 1 / 3: mean 1.
    """
    spells: list[oracle.Spell] = []
    for customer, moment in ((1, 18), (2, 19), (3, 5)):
        spells += [(customer, "o", 0, moment), (customer, "n", moment, None)]
    for shift in (0, 1, 101):
        moved = [(c, p, opened + shift, None if end is None else end + shift) for c, p, opened, end in spells]
        panel = pd.DataFrame(moved, columns=["customer", "product", "opened", "closed"])
        tests = found_in(panel, old="o", new="n", as_of=20 + shift, window=0).tests().iloc[0]
        assert (tests["both"], tests["coincident"]) == (3, 3)
        assert tests["expected_coincident"] == pytest.approx(2.0)


def cross_section(panel: pd.DataFrame) -> float:
    """Give the correlation of holding o1 and holding n1 at the end, among all customers who held either."""
    open_ = panel[panel["closed"].isna()]
    everyone = panel["customer"].unique()
    held = [np.isin(everyone, open_.loc[open_["product"] == name, "customer"]) for name in ("o1", "n1")]
    return float(np.asarray(np.corrcoef(held))[0, 1])


def test_teng2002_negative_association_misleads_and_timing_does_not() -> None:
    """Some customers have n1, others o1, and nobody ever moved; or some did: the cross-section shows both alike.

    Teng, Hsieh and Chen (2002) call itemsets substitutes whose presence is negatively correlated. In all 20 panels
    without a move that correlation is beyond any level (chi-squared above 100 with one degree of freedom); a
    finding by time is allowed in 4 of 20 (5 % is beyond 4 in less than 1 of 300).
    """
    still = [apart(seed) for seed in range(20)]
    moving = [apart(seed, moved=0.2) for seed in range(20)]
    for panel in (*still, *moving):
        correlation = cross_section(panel)
        assert correlation < 0.0
        assert panel["customer"].nunique() * correlation**2 > 100.0
    asked: dict[str, Any] = {"old": "o1", "new": "n1", "n_permutations": 199}
    found = [
        [found_in(panel, **asked).verdicts()["verdict"].iloc[0] for panel in panels] for panels in (still, moving)
    ]
    assert found[0].count("no evidence") >= 16
    assert found[1].count("substitution") == 20


def test_a_maturity_is_no_substitution() -> None:
    """Money that comes free at a contract's end opens a fund, renewed or not: without maturities that misleads."""
    asked: dict[str, Any] = {"old": "deposit", "new": "fund", "n_permutations": 99}
    naive = [found_in(deposits(s), s, **asked).verdicts()["verdict"].iloc[0] for s in range(20)]
    right = [found_in(deposits(s), s, matured="matured", **asked).verdicts()["verdict"].iloc[0] for s in range(20)]
    planted = [
        found_in(deposits(s, moved=0.3), s, matured="matured", **asked).verdicts()["verdict"].iloc[0]
        for s in range(20)
    ]
    assert naive.count("substitution") == 20
    assert right.count("no evidence") >= 16  # 5 % of 20 is beyond 4 in less than 1 of 300
    assert planted.count("possible substitution") >= 19


def test_strata_take_out_what_a_segment_does() -> None:
    """Two segments, one of even and one of odd months, and no substitution within."""
    rng = np.random.default_rng(9)
    n = 800
    segment = rng.random(n) < 0.5
    closed = 2 * rng.integers(1, 4, n) + segment
    opened = 2 * rng.integers(1, 4, n) + segment
    who = np.flatnonzero(rng.random(n) < 0.5)
    panel = pd.DataFrame(
        {
            "customer": np.r_[np.arange(n), who],
            "product": ["o1"] * n + ["n1"] * len(who),
            "opened": np.r_[np.zeros(n, dtype=int), opened[who]],
            "closed": np.r_[closed, np.full(len(who), np.nan)],
            "segment": np.where(np.r_[segment, segment[who]], "a", "b"),
        }
    )
    mixed = found_in(panel, old="o1", new="n1", window=0).tests().iloc[0]
    apart = found_in(panel, old="o1", new="n1", window=0, strata="segment").tests().iloc[0]
    assert mixed["p_timing"] == pytest.approx(1 / 400)
    assert apart["p_timing"] > 0.05
    assert apart["expected_coincident"] > 1.5 * mixed["expected_coincident"]


def test_the_same_seed_gives_the_same_answer() -> None:
    panel = monthly(1, moved=0.02)
    first, again = found_in(panel, 3), found_in(panel, 3)
    pd.testing.assert_frame_equal(first.tests(), again.tests())
