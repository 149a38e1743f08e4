"""Concentration: known answers by hand, brute force over fractions of customers, laws, refusals."""

from __future__ import annotations

import pickle
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue import rfm
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VALUES = st.lists(st.integers(0, 12).map(float), min_size=1, max_size=20).filter(any)
CONTRIBUTIONS = st.lists(st.integers(-6, 12).map(float), min_size=1, max_size=20).filter(lambda v: sum(v) > 0)
SHARES = st.sampled_from([0.0, 0.05, 0.1, 0.2, 1 / 3, 0.5, 0.75, 1.0])


def by_counting(values: list[float], share: float) -> float:
    """Second route: take whole customers, the best first, and of the one on the edge the part inside."""
    left = Fraction(share) * len(values)
    taken = Fraction(0)
    for value in sorted(values, reverse=True):
        part = min(Fraction(1), left)
        taken += part * Fraction(value)
        left -= part
    return float(taken / Fraction(sum(values)))


def test_by_hand_deciles() -> None:
    """Ten customers with 30, 20, 10, 10, 10, 5, 5, 5, 5, 0: one a decile, and half the value at the top 20 %."""
    values = [5.0, 10.0, 0.0, 5.0, 30.0, 10.0, 20.0, 5.0, 10.0, 5.0]
    found = rfm.concentration(values)
    frame = found.to_frame()
    assert list(frame) == ["group", "customers", "value", "share", "cumulative_share"]
    assert frame["group"].tolist() == list(range(1, 11))
    assert (frame["customers"] == 1.0).all()
    np.testing.assert_allclose(frame["value"], [30, 20, 10, 10, 10, 5, 5, 5, 5, 0], atol=1e-13)
    np.testing.assert_allclose(
        frame["cumulative_share"], [0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1, 1], rtol=1e-14
    )
    assert found.top_share(0.2) == 0.5
    assert found.customers_for(0.8) == 0.5
    assert (found.total, found.n_customers, found.n_negative) == (100.0, 10, 0)


def test_by_hand_groups_that_divide_customers() -> None:
    """Three customers with 6, 3, 3 in two groups: one and a half each, so 6 + 1.5 and 1.5 + 3."""
    frame = rfm.concentration([3.0, 6.0, 3.0], n_groups=2).to_frame()
    assert frame["customers"].tolist() == [1.5, 1.5]
    assert frame["value"].tolist() == [7.5, 4.5]


def test_by_hand_losses_make_a_whale_curve() -> None:
    """Contributions 12, 4, -2, -4 sum to 10: the best half brings 160 %, and the best quarter 120 %."""
    found = rfm.concentration([-4.0, 12.0, -2.0, 4.0], n_groups=4)
    assert found.top_share(0.5) == 1.6
    assert found.top_share(0.25) == 1.2
    assert found.customers_for(1.0) == 0.25 * 10 / 12
    assert found.n_negative == 2
    assert found.lorenz()["value_share"].min() == pytest.approx(-0.6)
    with pytest.raises(DomainError, match=r"2 customer\(s\) have negative values, for which Gini's coefficient"):
        _ = found.gini
    assert "Gini" not in found._repr_html_()


def test_by_hand_lorenz_and_gini() -> None:
    """1, 1, 2 from the poorest: half the value comes from two thirds; G = (1 + 1 + 1 + 1) / (2 x 3 x 4) = 1/6."""
    found = rfm.concentration([2.0, 1.0, 1.0])
    curve = found.lorenz()
    np.testing.assert_allclose(curve["customer_share"], [0, 2 / 3, 1], rtol=1e-15)
    np.testing.assert_allclose(curve["value_share"], [0, 0.5, 1], rtol=1e-15)
    assert found.gini == pytest.approx(1 / 6, rel=1e-14)
    assert rfm.concentration([4.0] * 7).gini == pytest.approx(0.0, abs=1e-15)
    assert rfm.concentration([0.0] * 9 + [5.0]).gini == pytest.approx(0.9, rel=1e-15)


def test_by_hand_pareto_table() -> None:
    frame = rfm.concentration([80.0] + [5.0] * 4).pareto([0.2, 0.3, 1.0])
    assert list(frame) == ["customer_share", "customers", "value", "value_share"]
    np.testing.assert_allclose(frame["customers"], [1.0, 1.5, 5.0])
    np.testing.assert_allclose(frame["value_share"], [0.8, 0.825, 1.0])
    assert rfm.concentration([1.0, 2.0]).pareto()["customer_share"].tolist() == [0.01, 0.05, 0.1, 0.2, 0.5]


@given(CONTRIBUTIONS, SHARES)
@settings(max_examples=100)
def test_top_share_is_the_counted_one(values: list[float], share: float) -> None:
    assert rfm.concentration(values).top_share(share) == pytest.approx(by_counting(values, share), rel=1e-12)


@given(VALUES, st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_laws(values: list[float], random: Any) -> None:
    """Order, unit and copies of all customers are of no account; deciles sum to all; Lorenz lies below."""
    found = rfm.concentration(values, n_groups=7)
    shuffled = list(values)
    random.shuffle(shuffled)
    pd.testing.assert_frame_equal(rfm.concentration(shuffled, n_groups=7).to_frame(), found.to_frame())
    for other in ([4.0 * value for value in values], values * 3):
        again = rfm.concentration(other, n_groups=7)
        assert again.gini == pytest.approx(found.gini, abs=1e-12)
        np.testing.assert_allclose(again.to_frame()["share"], found.to_frame()["share"], atol=1e-12)
    frame = found.to_frame()
    assert frame["share"].sum() == pytest.approx(1.0)
    assert frame["customers"].sum() == pytest.approx(len(values))
    assert (np.diff(frame["value"]) <= 1e-9).all()
    curve = found.lorenz()
    assert (curve["value_share"] <= curve["customer_share"] + 1e-12).all()
    assert curve.iloc[0].tolist() == [0.0, 0.0]
    assert curve.iloc[-1].tolist() == [1.0, 1.0]
    area = np.trapezoid(curve["value_share"], curve["customer_share"])
    assert found.gini == pytest.approx(1.0 - 2.0 * area, abs=1e-12)
    for share in (0.1, 0.5, 0.8):
        assert found.top_share(found.customers_for(share)) == pytest.approx(share, abs=1e-12)


@pytest.mark.pyarrow
def test_every_library(make_frame: Callable[..., Any]) -> None:
    found = rfm.concentration(make_frame({"turnover": [1.0, 2.0, 5.0]}))
    assert found.top_share(1 / 3) == pytest.approx(5 / 8)


def test_a_series_an_array_and_whole_numbers() -> None:
    expected = 5 / 8
    for values in (pd.Series([1, 2, 5], index=["a", "b", "c"]), np.array([1, 2, 5]), (1, 2, 5)):
        assert rfm.concentration(values).top_share(1 / 3) == pytest.approx(expected)


def test_a_result_is_read_only_and_says_nothing_of_customers() -> None:
    found = rfm.concentration([5550123.25, 1.0], n_groups=2)
    with pytest.raises(ValueError, match="read-only"):
        found.corner_value[0] = 1.0
    assert repr(found) == "Concentration(customers=2, negative=0, groups=2, top_20_percent=40.0%)"
    assert "5550123" not in repr(found)
    assert found._repr_html_().count("<tr>") == 3
    assert "top 20 % bring 40.0%" in found._repr_html_()
    assert found.provenance.counts == {"customers": 2, "negative": 0}
    assert pickle.loads(pickle.dumps(found)).top_share(0.5) == found.top_share(0.5)  # noqa: S301 - our own bytes


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ([0.0, 0.0], DataError, "sum to zero or less"),
        ([5550123.0, -5550123.0], DataError, "sum to zero or less"),
        ([-1.0], DataError, "sum to zero or less"),
        ([], DataError, "holds no customer"),
        ([1.0, np.nan], DataError, r"values holds missing values .*1 cell"),
        ([1.0, np.inf], DataError, "values holds infinite numbers"),
        ([[1.0, 2.0]], DomainError, r"values has shape \(1, 2\)"),
        ([[1.0], [1.0, 2.0]], DomainError, "values has rows of different lengths"),
        (["5550123", "x"], DomainError, "values does not hold numbers only"),
        (pd.DataFrame({"a": [1.0], "b": [2.0]}), ColumnError, "values has 2 columns; allowed: one"),
        (pd.DataFrame({"a": ["x"]}), ColumnError, "Column 'a' is of type"),
    ],
)
def test_refused_values(values: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        rfm.concentration(values)
    assert "5550123" not in str(caught.value)


@pytest.mark.parametrize("n_groups", [1, 0, 2.5, True, 1001, "ten"])
def test_refused_numbers_of_groups(n_groups: Any) -> None:
    with pytest.raises(DomainError, match="n_groups must be a whole number from 2 to 1000"):
        rfm.concentration([1.0, 2.0], n_groups=n_groups)


@pytest.mark.parametrize("share", [-0.1, 1.1, np.nan, "all", True, None])
def test_refused_shares(share: Any) -> None:
    found = rfm.concentration([1.0, 2.0])
    with pytest.raises(DomainError, match="share must be a number from 0 to 1"):
        found.top_share(share)
    with pytest.raises(DomainError, match="share must be a number from 0 to 1"):
        found.customers_for(share)
    with pytest.raises(DomainError, match="shares must be a number from 0 to 1"):
        found.pareto([0.5, share])


@pytest.mark.parametrize("shares", [0.2, "0.2", None])
def test_a_single_share_is_no_sequence(shares: Any) -> None:
    with pytest.raises(DomainError, match=r"shares is a .*; allowed: a sequence of numbers from 0 to 1"):
        rfm.concentration([1.0, 2.0]).pareto(shares)


@pytest.mark.parametrize("n", [3, 7, 30, 1000])
def test_gini_keeps_to_its_range_where_values_are_nearly_equal(n: int) -> None:
    rng = np.random.default_rng(n)
    for base in (0.1, 0.3, 1.0 / 3.0, 1e6 + 0.1):
        found = rfm.concentration(base + rng.integers(0, 2, n) * np.spacing(base)).gini
        assert 0.0 <= found < 1e-12
    assert rfm.concentration([0.0] * (n - 1) + [0.1]).gini <= 1.0 - 1.0 / n
    assert rfm.concentration([0.1]).gini == 0.0


def test_hebbali2024_revenue(shared: Path) -> None:
    """Revenue of the R package rfm's 39,999 customers: the top fifth by counting whole customers and a part."""
    revenue = pd.read_csv(shared / "data/rfm/r_rfm_customer_expected.csv.gz")["revenue"].astype(float).tolist()
    assert rfm.concentration(revenue).top_share(0.2) == pytest.approx(by_counting(revenue, 0.2), rel=1e-12)
