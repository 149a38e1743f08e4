"""Strata of a rule: figures that R and textbooks print, laws, and each rule alone against all at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from custvalue._kernels.stratified_tables import (
    breslow_day,
    log_chi_squared_tail,
    mantel_haenszel,
    odds_ratio_bounds,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import IntArray

#: Admitted men and women, rejected men and women in six departments of Berkeley, 1973 (Bickel et al. 1975).
BERKELEY = [[512, 89, 313, 19], [353, 17, 207, 8], [120, 202, 205, 391]]
BERKELEY += [[138, 131, 279, 244], [53, 94, 138, 299], [22, 24, 351, 317]]
#: Rabbits cured and dead when treated at once, and after 1.5 hours, at five levels of penicillin (Agresti 1990).
RABBITS = [[0, 6, 0, 5], [3, 3, 0, 6], [6, 0, 2, 4], [5, 1, 6, 0], [2, 0, 5, 0]]
TABLES = st.lists(st.tuples(*[st.integers(0, 30)] * 4), min_size=1, max_size=5)


def cells(strata: Sequence[Sequence[int]]) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Strata as four columns of one rule."""
    table = np.array(strata)
    return table[:, [0]], table[:, [1]], table[:, [2]], table[:, [3]]


def test_agresti1990_berkeley() -> None:
    """R's mantelhaen.test: 1.4269 with correction, p = .2323, ratio .9046968 (.7719074, 1.0603298)."""
    common = mantel_haenszel(*cells(BERKELEY))
    assert common.odds_ratio[0] == pytest.approx(0.9046968, abs=5e-8)
    low, high = odds_ratio_bounds(common)
    assert (low[0], high[0]) == pytest.approx((0.7719074, 1.0603298), abs=5e-8)
    assert common.statistic[0] == pytest.approx(1.5246, abs=5e-5)
    corrected = mantel_haenszel(*cells(BERKELEY), continuity=0.5)
    assert corrected.statistic[0] == pytest.approx(1.4269, abs=5e-5)
    assert corrected.p_value[0] == pytest.approx(0.2323, abs=5e-5)
    assert common.n_strata[0] == 6


def test_agresti1990_rabbits() -> None:
    """R's mantelhaen.test: 3.9286, p = .04747, ratio 7 (1.026713, 47.725133); two levels tell nothing."""
    common = mantel_haenszel(*cells(RABBITS), continuity=0.5)
    assert common.odds_ratio[0] == pytest.approx(7.0, rel=1e-12)
    low, high = odds_ratio_bounds(common)
    assert (low[0], high[0]) == pytest.approx((1.026713, 47.725133), abs=5e-7)
    assert common.statistic[0] == pytest.approx(3.9286, abs=5e-5)
    assert common.p_value[0] == pytest.approx(0.04747, abs=5e-6)
    assert common.n_strata[0] == 3


@pytest.mark.parametrize(
    ("strata", "statistic", "p"),
    [
        ([[30, 25, 12, 17], [4, 6, 68, 94]], 0.57493, 0.4483),
        ([[12, 21, 25, 118], [96, 148, 92, 150]], 4.2069, 0.04026),
        (BERKELEY, 18.826, 0.002071),
    ],
)
def test_desctools2023_breslow_day(strata: list[list[int]], statistic: float, p: float) -> None:
    """BreslowDayTest of the R package DescTools: tetracycline, smoking and cancer, Berkeley."""
    found = breslow_day(*cells(strata), tarone=False)
    assert found.statistic[0] == pytest.approx(statistic, rel=3e-5)
    assert found.p_value[0] == pytest.approx(p, rel=3e-4)
    assert found.freedom[0] == len(strata) - 1
    assert 0.0 <= found.statistic[0] - breslow_day(*cells(strata)).statistic[0] < 1e-3


def test_by_hand_simpsons_paradox() -> None:
    """In both segments holding is independent (odds ratio 1); pooled it looks like a bundle (82 of 200)."""
    strata = [[81, 9, 9, 1], [1, 9, 9, 81]]
    common = mantel_haenszel(*cells(strata))
    assert common.odds_ratio[0] == 1.0
    assert common.statistic[0] == 0.0
    assert common.log_p[0] == 0.0
    pooled = np.array(strata).sum(axis=0).tolist()
    assert mantel_haenszel(*cells([pooled])).statistic[0] > 80.0


@settings(max_examples=60)
@given(st.tuples(*[st.integers(1, 50)] * 4))
def test_one_stratum_is_the_plain_table(table: tuple[int, int, int, int]) -> None:
    """The plain odds ratio, Woolf's variance, (N - 1) / N of chi-squared, and no heterogeneity."""
    a, b, c, d = table
    n = sum(table)
    common = mantel_haenszel(*cells([table]))
    assert common.odds_ratio[0] == pytest.approx(a * d / (b * c), rel=1e-13)
    assert common.log_variance[0] == pytest.approx(sum(1 / one for one in table), rel=1e-12)
    chi2 = n * (a * d - b * c) ** 2 / ((a + b) * (c + d) * (a + c) * (b + d))
    assert common.statistic[0] == pytest.approx(chi2 * (n - 1) / n, rel=1e-12)
    found = breslow_day(*cells([table]))
    assert (found.freedom[0], found.log_p[0]) == (0, 0.0)
    assert found.statistic[0] == pytest.approx(0.0, abs=1e-18 * n**4)


@settings(max_examples=60)
@given(TABLES)
def test_exchanging_sides_and_silent_strata(strata: list[tuple[int, int, int, int]]) -> None:
    """Antecedent and consequent can be exchanged; strata that tell nothing change nothing."""
    a, b, c, d = cells(strata)
    common, turned = mantel_haenszel(a, b, c, d), mantel_haenszel(a, c, b, d)
    silent = [(5, 3, 0, 0), (4, 0, 6, 0), (0, 0, 0, 0), (0, 7, 0, 2), (0, 0, 1, 0)]
    padded = mantel_haenszel(*cells(strata + silent))
    for field, other, third in zip(common, turned, padded, strict=True):
        np.testing.assert_allclose(other, field, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(third, field, rtol=1e-12, atol=1e-14)
    found = breslow_day(a, b, c, d)
    for again in (breslow_day(a, c, b, d), breslow_day(*cells(strata + silent))):
        np.testing.assert_allclose(again.statistic, found.statistic, rtol=1e-7, atol=1e-9)
        np.testing.assert_array_equal(again.freedom, found.freedom)


@settings(max_examples=40)
@given(st.lists(st.tuples(*[st.integers(1, 200)] * 4), min_size=2, max_size=4), st.floats(0.05, 20.0))
def test_breslow_day_solves_for_the_counts(strata: list[tuple[int, int, int, int]], ratio: float) -> None:
    """The same statistic with each expected count found by bisection."""
    total = 0.0
    for a, b, c, d in strata:
        x, y, n = a + b, a + c, a + b + c + d
        low, high = float(max(0, x + y - n)), float(min(x, y))
        for _ in range(200):
            middle = 0.5 * (low + high)
            grows = middle * (n - x - y + middle) < ratio * (x - middle) * (y - middle)
            low, high = (middle, high) if grows else (low, middle)
        parts = (low, x - low, y - low, n - x - y + low)
        total += (a - low) ** 2 * sum(1.0 / part for part in parts)
    found = breslow_day(*cells(strata), np.array([ratio]), tarone=False)
    assert found.statistic[0] == pytest.approx(total, rel=1e-8, abs=1e-9)


def test_equal_odds_ratios_are_no_heterogeneity() -> None:
    found = breslow_day(*cells([[10, 5, 4, 8], [100, 50, 40, 80], [2, 1, 4, 8]]))
    assert found.statistic[0] == pytest.approx(0.0, abs=1e-12)
    assert found.p_value[0] == pytest.approx(1.0, abs=1e-6)


def test_many_rules_at_once_are_each_rule_alone() -> None:
    rng = np.random.default_rng(3)
    counts = rng.integers(0, 12, (4, 5, 40))
    together = (*mantel_haenszel(*counts), *breslow_day(*counts))
    for rule in range(40):
        one = counts[:, :, [rule]]
        for field, alone in zip(together, (*mantel_haenszel(*one), *breslow_day(*one)), strict=True):
            np.testing.assert_array_equal(field[[rule]], alone)


def test_ratios_that_the_strata_leave_open() -> None:
    """Never together: 0; always: infinite; no stratum tells anything: NaN. None of them is bounded or compared."""
    counts = [np.array([row, row]) for row in ([0, 5, 3], [4, 0, 2], [3, 0, 0], [5, 6, 0])]
    common = mantel_haenszel(*counts)
    np.testing.assert_array_equal(common.odds_ratio, [0.0, np.inf, np.nan])
    low, high = odds_ratio_bounds(common)
    np.testing.assert_array_equal(low, 0.0)
    np.testing.assert_array_equal(high, np.inf)
    assert common.statistic[2] == 0.0
    assert common.n_strata.tolist() == [2, 2, 0]
    assert np.isnan(breslow_day(*counts).statistic).all()
    assert np.isnan(breslow_day(*counts).log_p).all()


def test_a_hundred_million_customers() -> None:
    """Ten strata of ten million, the same table in each: its own odds ratio, and a p-value below every float."""
    counts = [np.full((10, 1), count) for count in (600_000, 400_000, 1_400_000, 7_600_000)]
    common = mantel_haenszel(*counts)
    assert common.odds_ratio[0] == pytest.approx(0.6 * 7.6 / (0.4 * 1.4), rel=1e-12)
    assert common.log_p[0] < -1e6
    assert breslow_day(*counts).p_value[0] == pytest.approx(1.0, abs=1e-6)


def test_tails_of_chi_squared() -> None:
    """SciPy's where it has digits; far out the two forms meet; one degree of freedom is twice a normal tail."""
    x = np.array([0.0, 0.5, 3.0, 40.0, 900.0])
    for freedom in (1, 2, 3, 8, 25):
        np.testing.assert_allclose(
            log_chi_squared_tail(x, freedom), stats.chi2.logsf(x, freedom), rtol=1e-9, atol=1e-15
        )
    # Two degrees of freedom: exp(-x / 2); four: exp(-x / 2) (1 + x / 2).
    assert float(log_chi_squared_tail(5e6, 2)) == pytest.approx(-2.5e6, rel=1e-15)
    assert float(log_chi_squared_tail(5e6, 4)) == pytest.approx(-2.5e6 + math.log(1 + 2.5e6), rel=1e-15)
    assert float(log_chi_squared_tail(5e6, 1)) == pytest.approx(
        -2.5e6 + math.log(math.sqrt(2 / math.pi / 5e6)), rel=1e-12
    )
    np.testing.assert_array_equal(log_chi_squared_tail([4.0, np.nan, np.nan], [0, 0, 3]), [0.0, np.nan, np.nan])
