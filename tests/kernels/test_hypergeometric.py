"""Tails of the hypergeometric distribution against exact whole numbers, decimals of fifty digits, and SciPy."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from custvalue._kernels import hypergeometric
from custvalue._kernels.hypergeometric import (
    log_lower_tail,
    log_two_sided,
    log_upper_tail,
    upper_quantile,
)

PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494")
#: B_2k / (2k (2k - 1)): coefficients of Stirling's series.
STIRLING = [Fraction(1, 12), Fraction(-1, 360), Fraction(1, 1260), Fraction(-1, 1680), Fraction(1, 1188)]
STIRLING += [Fraction(-691, 360360), Fraction(1, 156), Fraction(-3617, 122400)]


def exact_tail(k: int, x: int, y: int, n: int) -> Fraction:
    """P(C >= k), counted."""
    ways = sum(math.comb(x, j) * math.comb(n - x, y - j) for j in range(max(k, x + y - n, 0), min(x, y) + 1))
    return Fraction(ways, math.comb(n, y))


def log_of(fraction: Fraction) -> float:
    """The logarithm of a fraction of any size, rounded once."""
    if fraction == 0:
        return -math.inf
    with localcontext() as context:
        context.prec = 40
        shift = fraction.denominator.bit_length() - fraction.numerator.bit_length() + 120
        return float(Decimal(int(fraction * 2**shift)).ln() - Decimal(shift) * Decimal(2).ln())


def decimal_log_factorial(m: int) -> Decimal:
    """log m! to fifty digits, inside a context of that precision."""
    if m < 1000:
        return Decimal(math.factorial(m)).ln()
    series = sum(
        Decimal(c.numerator) / Decimal(c.denominator) / Decimal(m) ** (2 * k + 1) for k, c in enumerate(STIRLING)
    )
    return (Decimal(m) + Decimal("0.5")) * Decimal(m).ln() - m + (2 * PI).ln() / 2 + series


def decimal_log_tail(k: int, x: int, y: int, n: int) -> float:
    """log P(C >= k) by fifty-digit factorials and the sum of neighbours, term by term."""
    with localcontext() as context:
        context.prec = 55
        above, below = (x, n - x, y, n - y), (n, k, x - k, y - k, n - x - y + k)
        log_first = sum(map(decimal_log_factorial, above), Decimal(0))
        log_first -= sum(map(decimal_log_factorial, below), Decimal(0))
        term = total = Decimal(1)
        j = k
        while term > Decimal("1e-20") * total:
            term *= Decimal((x - j) * (y - j)) / Decimal((j + 1) * (n - x - y + j + 1))
            total += term
            j += 1
        return float(log_first + total.ln())


@st.composite
def tables(draw: st.DrawFn, largest: int) -> tuple[int, int, int, int]:
    n = draw(st.integers(1, largest))
    x, y = draw(st.integers(0, n)), draw(st.integers(0, n))
    return draw(st.integers(max(0, x + y - n), min(x, y))), x, y, n


def test_fisher1935_tea_tasting() -> None:
    """Fisher (1935), The Design of Experiments: of 4 and 4 cups, 3 or more right by chance: 17 of 70."""
    assert math.exp(float(log_upper_tail(3, 4, 4, 8))) == pytest.approx(17 / 70, rel=1e-14)
    assert math.exp(float(log_lower_tail(3, 4, 4, 8))) == pytest.approx(69 / 70, rel=1e-14)
    assert math.exp(float(log_two_sided(3, 4, 4, 8))) == pytest.approx(34 / 70, rel=1e-14)


def test_by_hand_the_other_tail_of_substitutes() -> None:
    """10,000 customers, 1,000 and 4,000 hold two products, 370 both: P(C <= 370) = .0220 (counted exactly).

    A well-known package counts the others among those without the wrong product there and finds .99999.
    """
    exact = 1 - exact_tail(371, 1000, 4000, 10_000)
    assert float(exact) == pytest.approx(0.0220, abs=5e-5)
    assert float(log_lower_tail(370, 1000, 4000, 10_000)) == pytest.approx(log_of(exact), rel=1e-12)


@settings(max_examples=150)
@given(tables(400))
def test_tails_agree_with_counting(table: tuple[int, int, int, int]) -> None:
    k, x, y, n = table
    upper, below = exact_tail(k, x, y, n), 1 - exact_tail(k + 1, x, y, n)
    assert float(log_upper_tail(k, x, y, n)) == pytest.approx(log_of(upper), rel=1e-14, abs=1e-13)
    assert float(log_lower_tail(k, x, y, n)) == pytest.approx(log_of(below), rel=1e-14, abs=1e-13)


@pytest.mark.parametrize(
    ("k", "x", "y", "n"),
    [
        (4950, 9000, 11_000, 20_000),  # in the middle, a long series
        (5090, 9000, 11_000, 20_000),
        (4800, 9000, 11_000, 20_000),  # below the middle
        (6500, 9000, 11_000, 20_000),
        (9000, 9000, 11_000, 20_000),  # the last possible table
        (161, 3000, 5000, 100_000),
        (1500, 3000, 5000, 100_000),
        (15, 30, 50_000, 100_000),
    ],
)
def test_larger_tables_agree_with_counting(k: int, x: int, y: int, n: int) -> None:
    """Sums of binomial coefficients of up to thirty thousand digits."""
    with localcontext() as context:
        context.prec = 40
        ways = last = math.comb(x, k) * math.comb(n - x, y - k)
        for j in range(k, min(x, y)):
            last = last * (x - j) * (y - j) // ((j + 1) * (n - x - y + j + 1))
            ways += last
        exact = float(Decimal(ways).ln() - Decimal(math.comb(n, y)).ln())
    assert float(log_upper_tail(k, x, y, n)) == pytest.approx(exact, rel=2e-15, abs=2e-13)


@pytest.mark.parametrize(
    ("k", "x", "y", "n"),
    [
        (100_300, 1_000_000, 10_000_000, 100_000_000),  # 1 standard deviation: a long series
        (101_800, 1_000_000, 10_000_000, 100_000_000),  # 6
        (12_500_000, 50_000_000, 25_000_000, 100_000_000),  # the middle of the widest
        (12_514_000, 50_000_000, 25_000_000, 100_000_000),
        (400_000, 1_000_000, 10_000_000, 100_000_000),  # far beyond every float
        (3, 40, 1_000_000, 100_000_000),
        (100, 100, 100, 100_000_000),  # two rare products always together
        (2_500_090_000, 5_000_000_000, 5_000_000_000, 10_000_000_000),
    ],
)
def test_a_hundred_million_customers_agree_with_fifty_digits(k: int, x: int, y: int, n: int) -> None:
    expected = decimal_log_tail(k, x, y, n)
    found = float(log_upper_tail(k, x, y, n))
    assert found == pytest.approx(expected, rel=1e-15, abs=2e-11)


def test_a_tail_of_ten_to_the_minus_a_hundred_thousand() -> None:
    """The logarithm has eleven decimals left there, which are right: 1e-10 of p."""
    table = (12_500_000 + 2_200_000, 50_000_000, 25_000_000, 100_000_000)
    expected = decimal_log_tail(*table)
    assert expected / math.log(10.0) < -100_000
    assert float(log_upper_tail(*table)) == pytest.approx(expected, rel=5e-16)


def test_scipy_agrees_where_it_has_digits() -> None:
    rng = np.random.default_rng(0)
    n = rng.integers(2, 3000, 300)
    x, y = (rng.random((2, 300)) * (n + 1)).astype(int)
    k = stats.hypergeom.rvs(n, x, y, random_state=rng)
    np.testing.assert_allclose(np.exp(log_upper_tail(k, x, y, n)), stats.hypergeom.sf(k - 1, n, x, y), rtol=1e-9)
    np.testing.assert_allclose(np.exp(log_lower_tail(k, x, y, n)), stats.hypergeom.cdf(k, n, x, y), rtol=1e-9)


@settings(max_examples=60)
@given(tables(10**9))
def test_laws_of_tails(table: tuple[int, int, int, int]) -> None:
    """The two tails share one table; products and columns can be exchanged; more together is less probable."""
    k, x, y, n = table
    upper = float(log_upper_tail(k, x, y, n))
    both = math.exp(upper) + math.exp(float(log_lower_tail(k - 1, x, y, n)))
    assert both == pytest.approx(1.0, abs=1e-10)
    assert float(log_upper_tail(k, y, x, n)) == pytest.approx(upper, rel=1e-13, abs=1e-11)
    assert float(log_upper_tail(k + 1, x, y, n)) <= upper + 1e-11 <= 1e-11
    assert float(log_two_sided(k, x, y, n)) <= 0.0


def test_long_and_short_series_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same tails by the integral and term by term, on both sides of the bound between them."""
    n = 10**7
    x = np.linspace(2e5, 4e6, 40).astype(int)
    k = (x * 0.3 + np.linspace(0.0, 3.0, 40) * np.sqrt(x * 0.21)).astype(int)
    mixed = log_upper_tail(k, x, 3 * 10**6, n)
    monkeypatch.setattr(hypergeometric, "_LONG", math.inf)
    np.testing.assert_allclose(mixed, log_upper_tail(k, x, 3 * 10**6, n), rtol=0.0, atol=2e-12)


def test_edges_of_what_is_possible() -> None:
    """More than one of the two hold: impossible; what cannot be fewer: certain; nobody at all: certain."""
    found = log_upper_tail([5, 0, 3, 0, 2], [4, 4, 4, 0, 2], [6, 6, 9, 0, 2], [10, 10, 10, 0, 2])
    np.testing.assert_array_equal(found, [-np.inf, 0.0, 0.0, 0.0, 0.0])
    assert log_lower_tail(-1, 4, 6, 10) == -np.inf


def test_shapes_and_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    k = np.arange(12).reshape(3, 4)
    whole = log_upper_tail(k, 20, 30, 60)
    assert whole.shape == (3, 4)
    assert log_upper_tail([], 20, 30, 60).shape == (0,)
    monkeypatch.setattr(hypergeometric, "_BLOCK", 5)
    np.testing.assert_array_equal(log_upper_tail(k, 20, 30, 60), whole)
    points = np.exp(whole) - np.exp(log_upper_tail(k + 1, 20, 30, 60))
    np.testing.assert_allclose(points, stats.hypergeom.pmf(k, 60, 20, 30), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99, 0.999])
def test_quantiles_are_the_smallest_count_that_reaches_the_level(level: float) -> None:
    rng = np.random.default_rng(1)
    n = rng.integers(1, 400, 200)
    x, y = (rng.random((2, 200)) * (n + 1)).astype(int)
    found = upper_quantile(level, x, y, n)
    for q, a, b, m in zip(found.tolist(), x.tolist(), y.tolist(), n.tolist(), strict=True):
        reached = Fraction(level).limit_denominator(1000)
        assert 1 - exact_tail(q + 1, a, b, m) >= reached
        assert q == max(0, a + b - m) or 1 - exact_tail(q, a, b, m) < reached


def test_quantiles_of_many_customers() -> None:
    """The middle, and the 99 % point, which the normal distribution puts 2.326 standard deviations above it."""
    x, y, n = 40_000_000, 30_000_000, 100_000_000
    sd = math.sqrt(x * y / n * (1 - x / n) * (1 - y / n) * n / (n - 1))
    assert int(upper_quantile(0.99, x, y, n)) == pytest.approx(x * y / n + 2.3263479 * sd, abs=2.0)
    assert upper_quantile(0.99, [[1, 0]], 1, 1000).tolist() == [[0, 0]]
