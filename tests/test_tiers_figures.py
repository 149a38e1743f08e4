"""Figures at the edge: cuts in exact fractions, digits near a threshold, and what goes beyond all bounds."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from custvalue import tiers
from custvalue._tier_policies.rates import rates_of
from custvalue.exceptions import DataError, DomainError

UP, DOWN = math.nextafter(0.1, 1.0), math.nextafter(0.1, 0.0)


def placed(cut: Any, values: Any, tie: Any = "high", per: Any = None) -> tiers.MatrixCells:
    """Cut one axis; the other has everybody in one band."""
    x = tiers.Axis(name="x", column="value", cut=cut, tie=tie, per=None if per is None else "per")
    y = tiers.Axis(name="y", column="other", cut=tiers.FixedCut(values=[0]))
    cells = [tiers.Cell(x=a, y=b, name=a) for a in x.bands for b in y.bands]
    rows = {"value": values, "other": 1.0} | ({} if per is None else {"per": per})
    return tiers.ValueMatrix(x=x, y=y, cells=cells).apply(pd.DataFrame(rows))


def sides(*arguments: Any, **more: Any) -> str:
    return "".join(name[0] for name in placed(*arguments, **more).names)


# --------------------------------------------------------------------------------------------------- cuts


@pytest.mark.parametrize(
    ("values", "tie", "expected"),
    [
        ([0.1] * 3, "high", "hhh"),
        ([0.1] * 3, "low", "lll"),
        ([0.1, 0.1, UP], "high", "llh"),
        ([0.1, 0.1, DOWN], "low", "hhl"),
        ([0.1, 0.1, DOWN], "high", "hhl"),
    ],
)
def test_by_hand_customers_at_the_mean(values: Any, tie: Any, expected: str) -> None:
    """Equal values are their mean; beside a neighbour in double precision they are not."""
    assert sides(tiers.MeanCut(), values, tie) == expected


FLOATS = st.floats(-1e6, 1e6) | st.sampled_from([0.1, UP, DOWN, 0.2, 0.3])


@settings(max_examples=80)
@given(st.lists(FLOATS, min_size=1, max_size=8), st.sampled_from(["high", "low"]))
def test_the_mean_is_cut_as_exact_fractions_do(values: list[float], tie: Any) -> None:
    mean = sum(map(Fraction, values), Fraction(0)) / len(values)
    expected = "".join(
        "h" if Fraction(value) > mean or (tie == "high" and Fraction(value) == mean) else "l" for value in values
    )
    found = placed(tiers.MeanCut(), values, tie)
    assert "".join(name[0] for name in found.names) == expected
    again = found.frozen.apply(pd.DataFrame({"value": values, "other": 1.0}))
    assert again.names.tolist() == found.names.tolist()


@settings(max_examples=80)
@given(
    st.lists(st.tuples(FLOATS, st.sampled_from([0.1, 0.2, 0.3, 3.0, 7.0])), min_size=1, max_size=8),
    st.sampled_from(["high", "low"]),
)
def test_the_ratio_of_totals_is_cut_as_exact_fractions_do(rows: list[tuple[float, float]], tie: Any) -> None:
    above, below = ([row[side] for row in rows] for side in (0, 1))
    ratio = sum(map(Fraction, above), Fraction(0)) / sum(map(Fraction, below))
    expected = ""
    for a, b in rows:
        own = Fraction(a) / Fraction(b)
        expected += "h" if own > ratio or (tie == "high" and own == ratio) else "l"
    assert sides(tiers.RatioCut(), above, tie, per=below) == expected


def test_by_hand_equal_quotients_stand_at_the_ratio_of_totals() -> None:
    assert sides(tiers.RatioCut(), [0.1] * 3, per=[0.3] * 3) == "hhh"
    assert sides(tiers.RatioCut(), [0.1] * 3, "low", per=[0.3] * 3) == "lll"
    assert sides(tiers.RatioCut(), [1.0, 2.0, 3.0], per=[3.0, 6.0, 9.0]) == "hhh"


@settings(max_examples=80)
@given(st.lists(FLOATS, min_size=2, max_size=8), st.integers(1, 99), st.sampled_from(["high", "low"]))
def test_quantiles_are_cut_as_exact_fractions_do(values: list[float], percent: int, tie: Any) -> None:
    """Type 7: place (n - 1) p among the ordered values, in fractions; the median is that of one half."""
    ordered = [Fraction(value) for value in sorted(values)]
    place, rest = divmod((len(values) - 1) * percent, 100)
    cut = ordered[place] + (ordered[min(place + 1, len(values) - 1)] - ordered[place]) * Fraction(rest, 100)
    expected = "".join(
        "h" if Fraction(value) > cut or (tie == "high" and Fraction(value) == cut) else "l" for value in values
    )
    assert sides(tiers.QuantileCut(levels=[percent / 100]), values, tie) == expected
    if percent == 50:
        assert sides(tiers.MedianCut(), values, tie) == expected


def test_by_hand_places_of_quantiles_are_whole_numbers() -> None:
    """0.29 of 100 steps is the 29th; in double precision it is 28.999999999999996. A third of 3 steps is one."""
    assert placed(tiers.QuantileCut(levels=[0.29]), np.arange(101.0) / 10).cuts["x"] == (2.9,)
    assert placed(tiers.QuantileCut(levels=[1 / 3]), [0.1, 0.2, 0.3, 0.4]).cuts["x"] == (0.2,)
    assert sides(tiers.MedianCut(), [0.1, UP]) == "lh"
    assert sides(tiers.MedianCut(), [0.1, UP], "low") == "lh"


# ------------------------------------------------------------------------------------------------- points


@pytest.mark.parametrize(
    ("per", "values", "expected"),
    [
        (1.0, [5e12, 4_999_999_999_999.999, 4_999_999_999_999.5], [5e12, 4_999_999_999_999, 4_999_999_999_999]),
        (0.1, [0.3, 0.7, 0.29999, 1_234_567.8], [3, 7, 2, 12_345_678]),
        (0.1, [1_234_567_890.1, 500_000_000_000.3], [12_345_678_901, 5_000_000_000_003]),
        (1000.0, [2_999.0, 2_999.999, 3_000.0], [2, 2, 3]),
    ],
)
def test_by_hand_full_units_of_small_and_of_large_values(per: float, values: Any, expected: Any) -> None:
    """Floors of the decimal quotients."""
    rule = tiers.Points(rules=[tiers.PointRule(column="value", per=per)])
    assert rule.apply(pd.DataFrame({"value": values})).score.tolist() == expected


# --------------------------------------------------------------------------------------- digits in reasons


@pytest.mark.parametrize(
    ("threshold", "value", "words"),
    [
        (0.3, 0.3 - 1e-12, "'score is at least 0.3' does not hold (score 0.299999999999)"),
        (1e-7, 1e-8, "'score is at least 0.0000001' does not hold (score 0.00000001)"),
        (0.3000001, 0.30000005, "'score is at least 0.3000001' does not hold (score 0.3)"),
        (500.0, 390.123456789, "'score is at least 500' does not hold (score 390.123457)"),
        (1e-300, 0.0, "'score is at least 1e-300' does not hold (score 0)"),
    ],
)
def test_a_reason_prints_digits_enough_to_be_true(threshold: float, value: float, words: str) -> None:
    policy = tiers.TierPolicy.ladder(["a", "b"], [threshold])
    told = tiers.replay(policy, tiers.Panel.from_wide({"score": [[1e9, value]]})).why(0, 1)
    assert words in told


def test_messages_and_rules_print_all_digits() -> None:
    with pytest.raises(ValidationError, match=r"\(0\.29999999999\) is not above that of 'b' \(0\.3\)"):
        tiers.TierPolicy.ladder(["a", "b", "c"], [0.3, 0.29999999999])
    assert str(tiers.Condition(column="x", at_least=1234567890123456.0)) == "x is at least 1234567890123456"


# ----------------------------------------------------------------------------------------- beyond all bounds


def same(**more: Any) -> tiers.MigrationMatrix:
    return tiers.migration_matrix(["a"] * 3, ["a"] * 3, states=["a"], **more)


def test_weights_have_a_bound_and_their_scale_does_not_matter() -> None:
    with pytest.raises(DataError, match=r"weights has 3 value\(s\) that are .* beyond 1e\+150"):
        same(weights=[1e200] * 3)
    for scale in (1.0, 1e150, 1e-200):
        assert same(weights=[scale] * 3).trials.tolist() == pytest.approx([3.0])
    with pytest.raises(DataError, match="weights lie so far apart that shares vanish"):
        tiers.migration_matrix(["a", "a"], ["a", "b"], states=["a", "b"], weights=[1e150, 1e-300])


def test_values_and_amounts_beyond_all_bounds_are_refused() -> None:
    with pytest.raises(DataError, match=r"numbers beyond 1e\+150"):
        tiers.propose_thresholds([1e308, 1.0], shares=[0.5, 0.5])
    rows = pd.DataFrame({"value": [5e12]})
    rate = tiers.Contribution(balances=[tiers.BalanceRate(column="value", rate=1e300)])
    with pytest.raises(DataError, match=r"Part\(s\) value of 'contribution' go beyond 1e\+150"):
        rate.apply(rows)
    with pytest.raises(DataError, match=r"Part\(s\) value of 'points' go beyond 1e\+150"):
        tiers.Points(rules=[tiers.PointRule(column="value", per=1e-300)]).apply(rows)
    capped = tiers.Points(rules=[tiers.PointRule(column="value", per=1e-300, cap=7)])
    assert capped.apply(rows).score.tolist() == [7.0]
    with pytest.raises(DataError, match="'revenue' divided by 'purchases' goes beyond"):
        tiers.ValueMatrix.marcus().apply(pd.DataFrame({"purchases": [1e-300, 1.0], "revenue": [1.0, 1e10]}))
    with pytest.raises(ValidationError, match="cost"):
        tiers.Level(name="gold", up=1, cost=1e308)


# ---------------------------------------------------------------------------------------------- the long run


def test_by_hand_absorption_beside_a_heavy_weight() -> None:
    """Of 1e17 + 4 units 1 goes to k and 3 to l, so in the end a quarter and three quarters."""
    before, after = ["n", "n", "n", "k", "l"], ["n", "k", "l", "k", "l"]
    found = tiers.migration_matrix(
        before, after, states=["n", "k", "l"], weights=[1e17, 1, 3, 1, 1], absorbing=["k", "l"]
    )
    np.testing.assert_allclose(found.stationary([1, 0, 0]), [0.0, 0.25, 0.75], rtol=1e-14)


def histories(*rows: tuple[int, float, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["customer", "time", "state"])


def test_by_hand_rates_that_differ_by_nineteen_digits() -> None:
    """Out of a after 1e-10 once, out of b after 1e9 once: shares as the times, 1e-19 to 1."""
    table = histories((1, 0.0, "a"), (1, 1e-10, "b"), (1, 1e9, "a"))
    found = tiers.migration_rates(table, states=["a", "b"], until=1e9)
    np.testing.assert_allclose(found.stationary(), [1e-19, 1.0], rtol=1e-6)
    np.testing.assert_allclose(found.probabilities(1e100), [[1e-19, 1.0]] * 2, rtol=1e-6)


def test_by_hand_absorption_beside_a_rate_of_nineteen_more_digits() -> None:
    """From n to k once and to l twice in 4e9; m is left after 1e-10, which has no say in where n ends."""
    slow = [(key, 0.0, "n") for key in (1, 2, 3)] + [(1, 1e9, "k"), (2, 1e9, "l")]
    table = histories(*slow, (4, 0.0, "m"), (4, 1e-10, "n"), (4, 1e9, "l"))
    found = tiers.migration_rates(table, states=["n", "m", "k", "l"], until=1e9, absorbing=["k", "l"])
    np.testing.assert_allclose(found.stationary([1, 0, 0, 0]), [0, 0, 1 / 3, 2 / 3], rtol=1e-12)
    np.testing.assert_allclose(found.stationary([0, 1, 0, 0]), [0, 0, 1 / 3, 2 / 3], rtol=1e-12)


def test_rates_without_a_bound_are_refused() -> None:
    table = histories((1, 0.0, "a"), (1, 1e-300, "b"))
    with pytest.raises(DomainError, match=r"time spent in state\(s\) a is below 1e-150"):
        tiers.migration_rates(table, states=["a", "b"], until=1.0)
    with pytest.raises(DomainError, match="until must be a finite number"):
        tiers.migration_rates(table, states=["a", "b"], until=1e300)
    changes = np.array([[0.0, 1e10], [1.0, 0.0]])
    wild = rates_of(changes, np.array([1e-150, 1e155]), ("a", "b"), (), 0.95)
    with pytest.raises(DomainError, match="a way out of a state is so rare beside others that it vanishes"):
        wild.stationary()


def test_a_state_whose_customers_weigh_nothing_is_told_as_such() -> None:
    found = tiers.migration_matrix(["a", "b"], ["b", "b"], states=["a", "b"], weights=[1, 0])
    assert found.unobserved == ("b",)
    message = "nobody was seen to start there, or nobody with a weight or time above 0"
    with pytest.raises(DomainError, match=message):
        found.stationary()
    with pytest.raises(DomainError, match="nobody with a weight above 0"):
        tiers.chained_migration([found, found])
    assert "or nobody with a weight above 0" in (tiers.MigrationMatrix.__doc__ or "")
