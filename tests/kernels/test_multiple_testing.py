"""Adjusted p-values: printed examples, the definitions by fractions, laws."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custvalue._kernels.multiple_testing import Adjustment, adjust, adjust_layered, log_layer_factors

METHODS: tuple[Adjustment, ...] = ("bonferroni", "holm", "bh", "by")
P_VALUES = st.lists(st.fractions(0, 1, max_denominator=60), min_size=1, max_size=12)
#: Benjamini and Hochberg (1995), section 3.2: fifteen p-values of a trial of thrombolysis.
THROMBOLYSIS = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
THROMBOLYSIS += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]


def adjusted(p: list[float], method: Adjustment, n_hypotheses: int | None = None) -> list[float]:
    with np.errstate(divide="ignore"):
        log_p = np.log(np.array(p, dtype=float))
    return [math.exp(one) for one in adjust(log_p, method, n_hypotheses or len(p))]


def by_definition(p: list[Fraction], method: Adjustment, m: int) -> list[Fraction]:
    """The step-down and step-up rules as printed, over all m hypotheses, those not listed having p = 1."""
    every = p + [Fraction(1)] * (m - len(p))
    order = sorted(range(m), key=lambda i: every[i])
    found = [Fraction(0)] * m
    harmonic = sum((Fraction(1, k) for k in range(1, m + 1)), Fraction(0))
    for place, i in enumerate(order):
        ranks = range(1, place + 2)
        later = range(place + 1, m + 1)
        if method == "bonferroni":
            found[i] = m * every[i]
        elif method == "holm":
            found[i] = max((m - j + 1) * every[order[j - 1]] for j in ranks)
        else:
            smallest = min(m * every[order[j - 1]] / j for j in later)
            found[i] = smallest * (harmonic if method == "by" else 1)
    return [min(Fraction(1), one) for one in found[: len(p)]]


def test_benjamini1995_thrombolysis() -> None:
    """At 0.05 Bonferroni's rule rejects three hypotheses, Benjamini and Hochberg's four (p. 296)."""
    assert sum(p <= 0.05 for p in adjusted(THROMBOLYSIS, "bonferroni")) == 3
    assert sum(p <= 0.05 for p in adjusted(THROMBOLYSIS, "holm")) == 3
    assert sum(p <= 0.05 for p in adjusted(THROMBOLYSIS, "bh")) == 4
    assert adjusted(THROMBOLYSIS, "bh")[3] == pytest.approx(15 / 4 * 0.0095, rel=1e-13)


@pytest.mark.parametrize(
    ("p", "method", "m", "printed"),
    [
        ([0.008, 0.03, 0.123, 0.6, 0.2], "bh", 5, [0.04, 0.075, 0.205, 0.6, 0.25]),
        ([0.319, 0.201, 0.4, 0.374, 0.113], "holm", 5, [0.957, 0.804, 0.957, 0.957, 0.565]),
        ([0.319, 0.201, 0.4, 0.374, 0.113], "bh", 5, [0.4, 0.4, 0.4, 0.4, 0.4]),
        ([0.319, 0.201, 0.4, 0.374, 0.113], "bh", 10, [0.8, 0.8, 0.8, 0.8, 0.8]),
        ([0.1496, 0.0275, 0.3053, 0.1599, 0.2061], "bonferroni", 5, [0.748, 0.1375, 1.0, 0.7995, 1.0]),
    ],
)
def test_stdlib2024_examples(p: list[float], method: Adjustment, m: int, printed: list[float]) -> None:
    """Examples printed with stdlib's padjust, a port of R's p.adjust; the middle ones follow by hand."""
    assert adjusted(p, method, m) == pytest.approx(printed, abs=5e-4)


def test_by_hand_a_search_of_a_million_million() -> None:
    """Three rules listed of 1e12: p m; p (m - 1), much the same; p m / rank; that times the harmonic number."""
    log_p = np.log([1e-16, 1e-14, 1e-20])
    m = 10**12
    np.testing.assert_allclose(np.exp(adjust(log_p, "bonferroni", m)), [1e-4, 1e-2, 1e-8], rtol=1e-12)
    np.testing.assert_allclose(np.exp(adjust(log_p, "holm", m)), [1e-4, 1e-2, 1e-8], rtol=1e-11)
    np.testing.assert_allclose(np.exp(adjust(log_p, "bh", m)), [5e-5, 1e-2 / 3, 1e-8], rtol=1e-12)
    harmonic = math.log(m) + 0.57721566490153286 + 0.5 / m
    np.testing.assert_allclose(
        np.exp(adjust(log_p, "by", m)), np.array([5e-5, 1e-2 / 3, 1e-8]) * harmonic, rtol=1e-12
    )


def test_p_values_below_every_float_and_searches_above_every_float() -> None:
    """log p = -1e6 and -3e5; 2^2000 hypotheses weigh 1,386.3, their harmonic number 1,386.9."""
    log_p = np.array([-1e6, -3e5, -np.inf])
    weight = 2000 * math.log(2.0)
    for method in METHODS:
        found = adjust(log_p, method, 2**2000)
        assert found[2] == -np.inf
        assert found[0] == pytest.approx(-1e6 + weight, abs=10.0)
        assert found[1] == pytest.approx(-3e5 + weight, abs=10.0)
    difference = adjust(log_p, "by", 2**2000)[0] - adjust(log_p, "bh", 2**2000)[0]
    assert difference == pytest.approx(math.log(weight + 0.5772156649), rel=1e-9)


@given(P_VALUES, st.integers(0, 20), st.sampled_from(METHODS))
def test_definitions_over_the_whole_search(p: list[Fraction], more: int, method: Adjustment) -> None:
    found = adjusted([float(one) for one in p], method, len(p) + more)
    expected = by_definition(p, method, len(p) + more)
    np.testing.assert_allclose(found, [float(one) for one in expected], rtol=1e-12)


@given(P_VALUES, st.integers(0, 1000), st.sampled_from(METHODS), st.randoms(use_true_random=False))
def test_laws_of_adjustment(p: list[Fraction], more: int, method: Adjustment, random: object) -> None:
    """Never below p; in the order of p; equal where p is; whatever the order of the list; more costs more."""
    values = [float(one) for one in p]
    m = len(p) + more
    found = np.array(adjusted(values, method, m))
    assert (found >= np.array(values) * (1.0 - 1e-12)).all()
    assert (found <= 1.0).all()
    by_p = np.lexsort((found, np.array(values)))
    assert (np.diff(found[by_p]) >= 0.0).all()
    assert len({(a, b) for a, b in zip(values, found.tolist(), strict=True)}) == len(set(values))
    order = list(range(len(p)))
    random.shuffle(order)  # type: ignore[attr-defined]  # hypothesis gives a Random
    np.testing.assert_array_equal(adjusted([values[i] for i in order], method, m), found[order])
    assert (np.array(adjusted(values, method, m + 1)) >= found * (1.0 - 1e-12)).all()


@given(P_VALUES, st.integers(0, 50))
def test_which_method_is_stricter(p: list[Fraction], more: int) -> None:
    values, m = [float(one) for one in p], len(p) + more
    bonferroni, holm, bh, by = (np.array(adjusted(values, method, m)) for method in METHODS)
    slack = 1.0 + 1e-12
    assert (holm <= bonferroni * slack).all()
    assert (bh <= holm * slack).all()
    assert (bh <= by * slack).all()


@pytest.mark.parametrize("method", METHODS)
def test_nothing_listed(method: Adjustment) -> None:
    assert adjust(np.empty(0), method, 0).shape == (0,)
    assert adjust(np.empty(0), method, 10**6).shape == (0,)


def test_webb2008_layers_share_the_level() -> None:
    """Critical value alpha / (L S): with 2 layers of 10 and 1,000 hypotheses .05 becomes .0025 and .000025."""
    factors = log_layer_factors([10, 0, 1000])
    np.testing.assert_allclose(0.05 / np.exp(factors[[0, 2]]), [0.0025, 0.000025], rtol=1e-13)
    assert factors[1] == -np.inf
    log_p = np.log([0.0025, 0.0026, 0.000025, 0.4])
    found = np.exp(adjust_layered(log_p, np.array([0, 0, 2, 2]), [10, 0, 1000]))
    np.testing.assert_allclose(found, [0.05, 0.052, 0.05, 1.0], rtol=1e-13)


def test_one_layer_is_bonferroni() -> None:
    log_p = np.log([0.001, 0.2, 0.04])
    layered = adjust_layered(log_p, np.zeros(3, dtype=np.int64), [70])
    np.testing.assert_array_equal(layered, adjust(log_p, "bonferroni", 70))
