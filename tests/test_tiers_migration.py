"""Migration matrices: cohort and duration on published figures, exact fractions, several periods, the long run."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from custvalue import tiers
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TWO = ("low", "high")
#: Twenty customers over a year: of 10 in A one goes to B after a month; of 10 in B one goes to A after two months
#: and one to D after six.
LANDO = {
    **{key: [("A", 0.0)] for key in range(9)},
    9: [("A", 0.0), ("B", 1 / 12)],
    **{key: [("B", 0.0)] for key in range(10, 18)},
    18: [("B", 0.0), ("A", 2 / 12)],
    19: [("B", 0.0), ("D", 6 / 12)],
}


def spells(paths: Any) -> pd.DataFrame:
    rows = [(key, time, state) for key, path in paths.items() for state, time in path]
    return pd.DataFrame(rows, columns=["customer", "time", "state"])


def counted(table: Any, states: Any = TWO, **more: Any) -> tiers.MigrationMatrix:
    """Build the matrix from a table of counts."""
    pairs = [
        (states[i], states[j]) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)
    ]
    before, after = zip(*pairs, strict=True)
    return tiers.migration_matrix(before, after, states=states, **more)


# ------------------------------------------------------------------------------------------ known answers


def test_lando_skodeberg2002_two_grades() -> None:
    """Lando & Skodeberg (2002), section 2, set-up as remembered; figures by exact fractions and by SciPy's expm.

    Exposure in A is 9 + 1/12 + 10/12 = 119/12 years, in B 8 + 11/12 + 2/12 + 6/12 = 115/12.
    """
    found = tiers.migration_rates(spells(LANDO), states=["A", "B", "D"], until=1.0, absorbing=["D"])
    assert found.exposure.tolist() == pytest.approx([119 / 12, 115 / 12, 0.0], abs=1e-14)
    a, b = 12 / 119, 12 / 115
    np.testing.assert_allclose(found.generator, np.array([[-a, a, 0], [b, -2 * b, b], [0, 0, 0]]), atol=1e-15)
    published = [
        [0.908671436809172, 0.0865747224095192, 0.00475384078130894],
        [0.0895860171020242, 0.816074125014643, 0.0943398578833332],
        [0.0, 0.0, 1.0],
    ]
    np.testing.assert_allclose(found.probabilities(1.0), published, atol=1e-13)


def test_migration_of_the_published_case(shared: Path) -> None:
    case = json.loads((shared / "known_answers/campaign/migration_lando.json").read_text(encoding="utf-8"))
    given_, expected = case["input"], case["expected"]
    paths: dict[int, Any] = {}
    for history in given_["histories"]:
        for _ in range(history["count"]):
            paths[len(paths)] = [(state, float(time)) for state, time in history["path"]]
    states, absorbing = given_["states"], given_["absorbing"]
    tolerance = case["tolerance"]
    rates = tiers.migration_rates(spells(paths), states=states, until=given_["horizon_years"], absorbing=absorbing)
    for place, name in enumerate(states):
        assert rates.exposure[place] == pytest.approx(expected["exposure_years"].get(name, 0.0), abs=tolerance)
    np.testing.assert_allclose(rates.generator, expected["generator"], atol=tolerance)
    for years in (1, 5):
        np.testing.assert_allclose(rates.probabilities(years), expected[f"duration_P{years}"], atol=tolerance)
    before, after = ([path[end][0] for path in paths.values()] for end in (0, -1))
    cohort = tiers.migration_matrix(before, after, states=states, absorbing=absorbing)
    np.testing.assert_allclose(cohort.matrix, expected["cohort"], atol=tolerance)


def test_by_hand_two_states_in_exact_fractions() -> None:
    """P = (2/3, 1/3; 1/2, 1/2): P^3 by fractions, long run (3/5, 2/5)."""
    found = counted([[2, 1], [1, 1]])
    third, half = Fraction(1, 3), Fraction(1, 2)
    P = [[1 - third, third], [half, half]]
    power = [[Fraction(1), Fraction(0)], [Fraction(0), Fraction(1)]]
    for _ in range(3):
        power = [[sum(power[i][k] * P[k][j] for k in range(2)) for j in range(2)] for i in range(2)]  # type: ignore[misc]  # a sum of fractions
    np.testing.assert_allclose(found.power(3), np.array(power, dtype=float), rtol=1e-14)
    np.testing.assert_allclose(found.stationary(), [0.6, 0.4], rtol=1e-14)
    np.testing.assert_allclose(found.mix_after([1.0, 0.0], 2), [11 / 18, 7 / 18], rtol=1e-14)
    assert found.power(0).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert (found.upgraded, found.kept, found.downgraded) == (0.2, 0.6, 0.2)


def test_by_hand_weighted_by_money() -> None:
    """Of 10 units in low one goes up; Kish's number is 100 / (81 + 1), and the interval is Wilson's for it."""
    found = tiers.migration_matrix(["low", "low", "high"], ["low", "high", "high"], states=TWO, weights=[9, 1, 5])
    assert found.matrix.tolist() == [[0.9, 0.1], [0.0, 1.0]]
    assert found.trials.tolist() == pytest.approx([100 / 82, 1.0])
    n, p, z = 100 / 82, 0.1, stats.norm.ppf(0.975)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    assert (found.low[0, 1], found.high[0, 1]) == pytest.approx((middle - half, middle + half))
    assert found.weighted
    equal = tiers.migration_matrix(["low"] * 3, ["low", "low", "high"], states=TWO, weights=[4, 4, 4])
    plain = tiers.migration_matrix(["low"] * 3, ["low", "low", "high"], states=TWO)
    np.testing.assert_allclose(equal.low, plain.low)
    np.testing.assert_allclose(equal.high, plain.high)


def test_by_hand_long_run_with_two_ways_to_end() -> None:
    """From "new" one half goes to "kept", one quarter to "lost" in a step: in the end 2/3 and 1/3."""
    states = ("new", "kept", "lost")
    found = counted([[1, 2, 1], [0, 0, 0], [0, 0, 0]], states, absorbing=["kept", "lost"])
    np.testing.assert_allclose(found.stationary([1, 0, 0]), [0, 2 / 3, 1 / 3], rtol=1e-14)
    np.testing.assert_allclose(found.stationary([0.25, 0.25, 0.5]), [0, 5 / 12, 7 / 12], rtol=1e-14)
    with pytest.raises(DomainError, match=r"2 groups that nobody leaves \(kept; lost\).*Give start="):
        found.stationary()
    rates = tiers.migration_rates(
        spells(
            {1: [("new", 0.0), ("kept", 2.0)], 2: [("new", 0.0), ("lost", 2.0)], 3: [("new", 0.0), ("kept", 2.0)]}
        ),
        states=states,
        until=3.0,
        absorbing=["kept", "lost"],
    )
    np.testing.assert_allclose(rates.stationary([1, 0, 0]), [0, 2 / 3, 1 / 3], rtol=1e-12)


def test_by_hand_alternating_states_are_averaged() -> None:
    found = counted([[0, 3], [3, 0]])
    np.testing.assert_allclose(found.stationary(), [0.5, 0.5])
    assert found.power(3).tolist() == [[0.0, 1.0], [1.0, 0.0]]


def test_by_hand_stationary_of_rates() -> None:
    """Up once in 2 years, down once in 6: shares 1/4 and 3/4."""
    rates = tiers.migration_rates(spells({1: [("low", 0.0), ("high", 2.0), ("low", 8.0)]}), states=TWO, until=8.0)
    np.testing.assert_allclose(rates.stationary(), [0.25, 0.75], rtol=1e-12)
    np.testing.assert_allclose(rates.probabilities(1e4), [[0.25, 0.75]] * 2, rtol=1e-9)


def test_a_very_long_time_is_the_long_run() -> None:
    rates = tiers.migration_rates(spells(LANDO), states=["A", "B", "D"], until=1.0, absorbing=["D"])
    np.testing.assert_allclose(rates.probabilities(1e100), [[0.0, 0.0, 1.0]] * 3, atol=1e-12)


def test_rows_that_repeat_a_state_are_no_change() -> None:
    path = {1: [("low", 0.0), ("low", 1.0), ("high", 2.0), ("high", 2.5)]}
    found = tiers.migration_rates(spells(path), states=TWO, until=4.0)
    assert found.counts.tolist() == [[0, 1], [0, 0]]
    assert found.exposure.tolist() == [2.0, 2.0]


def test_by_hand_chain_of_different_periods() -> None:
    first, second = counted([[1, 1], [0, 2]]), counted([[3, 1], [1, 1]])
    np.testing.assert_allclose(tiers.chained_migration([first, second]), [[5 / 8, 3 / 8], [1 / 2, 1 / 2]])
    np.testing.assert_allclose(tiers.chained_migration([first]), first.matrix)


def test_a_chain_skips_states_that_nobody_enters() -> None:
    three = ("a", "b", "c")
    calm = counted([[2, 1, 0], [0, 1, 0], [0, 0, 0]], three)
    np.testing.assert_allclose(tiers.chained_migration([calm, calm])[0], [4 / 9, 5 / 9, 0.0])
    entering = counted([[1, 0, 1], [0, 1, 0], [0, 0, 0]], three)
    with pytest.raises(DomainError, match=r"State\(s\) c are entered and nobody starts there in the next period"):
        tiers.chained_migration([entering, calm])


def test_homogeneity_of_the_same_and_of_different_periods() -> None:
    same = tiers.time_homogeneity([counted([[8, 2], [3, 7]])] * 3)
    assert (same.statistic, same.degrees_of_freedom, same.p_value, same.thin_cells) == (0.0, 4, 1.0, 6)
    tables = [[[90, 10], [30, 70]], [[50, 50], [30, 70]]]
    other = tiers.time_homogeneity([counted(table) for table in tables])
    expected = stats.chi2_contingency([[90, 10], [50, 50]], correction=False)
    assert other.statistic == pytest.approx(expected.statistic)
    assert other.p_value == pytest.approx(stats.chi2.sf(expected.statistic, 2))
    alone = tiers.time_homogeneity([counted([[5, 0], [0, 5]])] * 2)
    assert (alone.degrees_of_freedom, alone.p_value) == (0, 1.0)
    assert "One matrix for all periods?" in alone._repr_html_()


# ------------------------------------------------------------------------------------------------- laws

COUNTS = st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=3, max_size=3).map(
    lambda rows: [[*row[:i], row[i] + 1, *row[i + 1 :]] for i, row in enumerate(rows)]
)
THREE = ("a", "b", "c")


@settings(max_examples=60)
@given(COUNTS, st.integers(0, 12))
def test_matrices_are_stochastic_and_intervals_hold_their_share(table: Any, periods: int) -> None:
    found = counted(table, THREE)
    np.testing.assert_allclose(found.matrix.sum(axis=1), 1.0, atol=1e-14)
    assert (found.low <= found.matrix + 1e-15).all()
    assert (found.matrix <= found.high + 1e-15).all()
    power = found.power(periods)
    assert (power >= 0.0).all()
    np.testing.assert_allclose(power.sum(axis=1), 1.0, atol=1e-14)
    np.testing.assert_allclose(found.power(periods + 1), power @ found.matrix, atol=1e-13)


@settings(max_examples=60)
@given(COUNTS, st.lists(st.integers(1, 9), min_size=3, max_size=3))
def test_the_long_run_stands_still(table: Any, start: list[int]) -> None:
    found = counted(table, THREE)
    mix = np.array(start) / sum(start)
    end = found.stationary(mix)
    assert end.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(end @ found.matrix, end, atol=1e-12)
    # By brute force: with an entry on the diagonal nothing alternates, so powers converge.
    np.testing.assert_allclose(end, mix @ np.linalg.matrix_power(found.matrix, 5000), atol=1e-6)


@settings(max_examples=30)
@given(COUNTS, st.randoms(use_true_random=False), st.permutations(range(3)))
def test_order_of_customers_and_names_of_states_do_not_matter(table: Any, random: Any, order: list[int]) -> None:
    found = counted(table, THREE)
    pairs = [(THREE[i], THREE[j]) for i in range(3) for j in range(3) for _ in range(table[i][j])]
    random.shuffle(pairs)
    before, after = zip(*pairs, strict=True)
    again = tiers.migration_matrix(before, after, states=[THREE[place] for place in order])
    np.testing.assert_array_equal(again.matrix, found.matrix[np.ix_(order, order)])


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_duration_agrees_with_a_plain_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    paths: dict[int, Any] = {}
    exposure, counts = dict.fromkeys(THREE, 0.0), np.zeros((3, 3))
    for key in range(rng.integers(1, 6)):
        times = np.sort(rng.choice(40, rng.integers(1, 5), replace=False)) / 4.0
        codes = rng.integers(0, 3, len(times)).tolist()
        paths[key] = [(THREE[code], float(time)) for code, time in zip(codes, times, strict=True)]
        for place, (code, time) in enumerate(zip(codes, times, strict=True)):
            exposure[THREE[code]] += (times[place + 1] if place + 1 < len(times) else 10.0) - time
            if place and codes[place - 1] != code:
                counts[codes[place - 1], code] += 1
    found = tiers.migration_rates(spells(paths).sample(frac=1.0, random_state=0), states=THREE, until=10.0)
    np.testing.assert_array_equal(found.counts, counts)
    np.testing.assert_allclose(found.exposure, list(exposure.values()))
    np.testing.assert_allclose(found.generator.sum(axis=1), 0.0, atol=1e-12)


# ------------------------------------------------------------------------------------ states never seen


def test_a_state_that_nobody_starts_in_is_not_guessed() -> None:
    found = counted([[2, 1], [0, 0]])
    assert found.unobserved == ("high",)
    assert found.matrix[1].tolist() == [0.0, 1.0]
    assert (found.low[1].tolist(), found.high[1].tolist()) == ([0.0, 0.0], [1.0, 1.0])
    with pytest.raises(DomainError, match=r"State\(s\) high are entered and nobody was seen to start there"):
        found.power(2)
    with pytest.raises(DomainError, match=r"State\(s\) high are entered and nobody was seen to start there"):
        found.stationary()
    known = counted([[2, 1], [0, 0]], absorbing=["high"])
    assert known.unobserved == ()
    assert known.stationary().tolist() == [0.0, 1.0]
    rates = tiers.migration_rates(spells({1: [("low", 0.0), ("high", 1.0)]}), states=TWO, until=1.0)
    with pytest.raises(DomainError, match=r"State\(s\) high are entered"):
        rates.probabilities(1.0)
    with pytest.raises(DomainError, match=r"State\(s\) high are entered"):
        rates.stationary()
    assert rates.high[1, 0] == np.inf


# --------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"before": ["low"], "after": []}, DomainError, "before has 1 labels and after 0"),
        ({"before": [], "after": []}, DomainError, "before has 0 labels"),
        ({"before": ["no"], "after": ["low"]}, DataError, r"before has 1 label\(s\) that are missing or none"),
        ({"before": ["low"], "after": [None]}, DataError, r"after has 1 label\(s\)"),
        ({"before": [["low"]], "after": ["low"]}, DomainError, "before has 2 dimensions"),
        ({"states": ["low", "low"]}, DomainError, "states must be 1 to 1000 different names"),
        ({"states": "low"}, DomainError, "states must be a sequence of names of states. Given: a str"),
        ({"absorbing": ["D"]}, DomainError, r"names of states; unknown: \['D'\]"),
        ({"absorbing": "low"}, DomainError, r"absorbing must be a sequence of names of states\."),
        ({"absorbing": ["low"], "after": ["high"]}, DataError, r"1 customer\(s\) leave a state"),
        ({"confidence": 1.5}, DomainError, "confidence must lie between 0 and 1"),
        ({"confidence": "x"}, DomainError, "confidence must lie between 0 and 1"),
        ({"weights": [1, 2]}, DomainError, r"weights has shape \(2,\); allowed: \(1,\)"),
        ({"weights": ["x"]}, DomainError, "weights does not hold numbers only"),
        ({"weights": [-1]}, DataError, r"weights has 1 value\(s\) that are missing, infinite or negative"),
        ({"weights": [np.nan]}, DataError, r"weights has 1 value\(s\)"),
        ({"weights": [0]}, DataError, "weights of all customers are 0"),
    ],
)
def test_cohorts_that_cannot_be_counted(arguments: Any, error: type[Exception], message: str) -> None:
    facts: dict[str, Any] = {"before": ["low"], "after": ["low"], "states": TWO} | arguments
    with pytest.raises(error, match=message):
        tiers.migration_matrix(facts.pop("before"), facts.pop("after"), **facts)


@pytest.mark.parametrize(
    ("table", "more", "error", "message"),
    [
        ({}, {"until": np.inf}, DomainError, "until must be a finite number"),
        ({}, {"until": "1"}, DomainError, "until must be a finite number"),
        ({"customer": [], "time": [], "state": []}, {}, DomainError, "histories has no row"),
        ({}, {"time": "when"}, ColumnError, "missing: 'when'"),
        ({"state": ["low", "no"]}, {}, DataError, r"'state' has 1 label\(s\)"),
        ({"time": [0.0, 2.0]}, {}, DataError, r"'time' has 1 time\(s\) after until"),
        ({"time": [0.0, np.nan]}, {}, DataError, "histories holds missing values"),
        ({"time": [0.0, 0.0]}, {}, DataError, r"1 row\(s\) too many: a customer has one state at a time"),
        (
            {"customer": [1.5, 1.5]},
            {},
            ColumnError,
            "'customer' is of type Float64; allowed: whole numbers or texts",
        ),
        ({}, {"absorbing": ["low"]}, DataError, r"1 customer\(s\) leave a state"),
    ],
)
def test_histories_that_cannot_be_read(table: Any, more: Any, error: type[Exception], message: str) -> None:
    rows = {"customer": [1, 1], "time": [0.0, 0.5], "state": ["low", "high"]} | table
    with pytest.raises(error, match=message):
        tiers.migration_rates(pd.DataFrame(rows), **({"states": TWO, "until": 1.0} | more))


def test_arguments_of_what_follows() -> None:
    found = counted([[2, 1], [1, 1]])
    with pytest.raises(DomainError, match="periods must be a whole number from 0"):
        found.power(-1)
    for start in ([1, 1], [1], ["x", "y"], [-0.5, 1.5], [np.nan, 1.0]):
        with pytest.raises(DomainError, match="start must hold 2 shares"):
            found.mix_after(start, 1)
    rates = tiers.migration_rates(spells(LANDO), states=["A", "B", "D"], until=1.0, absorbing=["D"])
    for time in (-1.0, np.nan, np.inf, "1"):
        with pytest.raises(DomainError, match="time must be a number from 0"):
            rates.probabilities(time)  # type: ignore[arg-type]  # refused
    with pytest.raises(DomainError, match="matrices must hold at least 2 matrices of the same states"):
        tiers.time_homogeneity([found])
    with pytest.raises(DomainError, match="matrices must hold at least 1 matrices of the same states"):
        tiers.chained_migration([found, counted([[2, 1], [1, 1]], ("a", "b"))])
    weighted = tiers.migration_matrix(["low"], ["low"], states=TWO, weights=[2])
    with pytest.raises(DomainError, match="matrices holds weighted ones"):
        tiers.time_homogeneity([weighted, weighted])


def test_tables_and_representations(make_frame: Callable[..., Any]) -> None:
    found = counted([[2, 1], [1, 1]])
    frame = found.to_frame()
    assert frame.columns.tolist() == ["before", "after", "count", "share", "low", "high"]
    assert frame["before"].tolist() == ["low", "low", "high", "high"]
    assert repr(found) == "MigrationMatrix(customers=5, states=2, weighted=False)"
    assert "Migration: rows from, columns to" in found._repr_html_()
    table = make_frame({"customer": ["x", "x"], "time": [0, 1], "state": ["low", "high"]})
    rates = tiers.migration_rates(table, states=TWO, until=3)
    assert rates.to_frame()["rate"].tolist() == [1.0, 0.0]
    assert repr(rates) == "MigrationRates(states=2, changes=1)"
    assert "Rates of migration" in rates._repr_html_()
    for array in (found.matrix, found.counts, rates.generator, rates.exposure, rates.high):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0.0
