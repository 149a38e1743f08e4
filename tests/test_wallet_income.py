"""Alerts on the bank's yearly income, single large movements, and what is seen elsewhere."""

from __future__ import annotations

import json
import math
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue import wallet
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COLUMNS = {"year": "year", "income": "revenue", "interbank": "interbank", "central_bank": "central"}
#: Constructed for the story: 2008 a shock, 2012 share lost and half hidden by income from other banks.
SERIES: dict[str, list[Any]] = {
    "year": list(range(2007, 2014)),
    "revenue": [1000.0, 860.0, 1010.0, 1165.0, 1330.0, 1125.0, 1290.0],
    "interbank": [60.0, 70.0, 65.0, 75.0, 80.0, 150.0, 95.0],
    "central": [40.0, 40.0, 45.0, 50.0, 50.0, 60.0, 55.0],
}


def net_series(*net: float, **columns: Any) -> pd.DataFrame:
    """Years from 2001 of customer income alone."""
    years = range(2001, 2001 + len(net))
    return pd.DataFrame({"year": years, "revenue": net, "interbank": 0.0, "central": 0.0} | columns)


def alerts(data: Any, **options: Any) -> wallet.IncomeAlerts:
    return wallet.bank_income_alerts(data, **(COLUMNS | options))


# ------------------------------------------------------------------------------------------------ yearly income


@pytest.mark.parametrize("mask", ["declared", "macro"])
def test_bank_series_2007_2013(shared: Path, mask: str) -> None:
    """Known answer ``bank_series_2007_2013.json``, constructed beside the checkout for falls in 2008 and 2012."""
    case = json.loads((shared / "known_answers/wallet/bank_series_2007_2013.json").read_text(encoding="utf-8"))
    given_, expected = case["input"], case["expected"]
    table = pd.DataFrame(
        {
            "year": given_["year"],
            "revenue": given_["main_business_revenue"],
            "interbank": given_["interbank_interest"],
            "central": given_["central_bank_interest"],
            "macro": given_["macro_growth"],
        }
    )
    how: dict[str, Any] = {"shocks": given_["shock_years"]} if mask == "declared" else {"macro": "macro"}
    found = alerts(table, **how, threshold=given_["alt_fall_threshold"])
    assert found.customer_income.tolist() == expected["customer_revenue"]
    growth = [expected["growth"][str(year)] for year in range(2008, 2014)]
    np.testing.assert_allclose(found.growth[1:], growth, atol=1e-9)
    assert found.gross_growth[5] == pytest.approx(expected["gross_growth_2012"], abs=1e-9)
    assert list(found.masked) == expected["shock_years_found_from_macro"] == given_["shock_years"]
    lax = expected["at_-0.15"]
    assert [list(found.falls), list(found.ignored), list(found.alerts)] == [
        lax["falls"],
        lax["ignored"],
        lax["flagged"],
    ]
    strict = alerts(table, **how, threshold=given_["fall_threshold"])
    hard = expected["at_-0.20"]
    assert [list(strict.falls), list(strict.ignored), list(strict.alerts)] == [
        hard["falls"],
        hard["ignored"],
        hard["flagged"],
    ]
    assert list(strict.alerts_on_gross_income) == hard["flagged_on_gross_revenue"]
    lost = expected["lost_2012"]
    for one in (found, strict):
        assert one.expected[5] / 1200.0 - 1.0 == pytest.approx(
            lost["expected_growth_median_of_2009_2010_2011"], abs=1e-9
        )
        assert one.expected[5] == pytest.approx(lost["expected_revenue"], abs=1e-9)
        assert one.lost[5] == pytest.approx(lost["lost"], abs=1e-9)
        assert one.lost_share[5] == pytest.approx(lost["lost_share_of_expected"], abs=1e-9)
        assert one.verdicts[2] == "rebound"


@pytest.mark.pyarrow
def test_by_hand_the_sources_story_at_a_threshold_of_16_percent(make_frame: Callable[..., Any]) -> None:
    """2008 falls by 16.7 % and is ignored, 2012 by 23.8 % and is flagged; gross, 15.4 %, it would be missed."""
    found = alerts(make_frame(SERIES), shocks=[2008], threshold=-0.16)
    assert found.falls == (2008, 2012)
    assert found.ignored == (2008,)
    assert found.alerts == (2012,)
    assert found.alerts_on_gross_income == ()
    assert found.verdicts == ("first", "ignored", "rebound", "none", "none", "alert", "gain")
    assert found.masked_by == ("", "declared", "", "", "", "", "")
    assert repr(found) == "IncomeAlerts(years=7, alerts=(2012,), ignored=(2008,))"
    frame = found.to_frame()
    assert frame["verdict"].tolist() == list(found.verdicts)
    assert frame["lost"].count() == 1
    assert "no p-value" not in found.rule
    assert "no test power" in found.limits[0]
    assert found.rule in found._repr_html_()
    with pytest.raises(ValueError, match="read-only"):
        found.growth[1] = 0.0


def test_by_hand_without_a_mask_every_fall_is_an_alert() -> None:
    found = alerts(pd.DataFrame(SERIES), threshold=-0.16)
    assert found.alerts == (2008, 2012)
    assert "only declared years" in found.limits[1]
    assert np.isnan(found.expected[1])
    assert np.isnan(found.lost_share[1])


def test_by_hand_peers_who_fell_too_excuse_a_year() -> None:
    """2002: we -25 %, the median peer -20 % (of -10, -20, -30): beyond them -6.25 %. 2003: they grow, we fall."""
    peers = {"p": [100.0, 90.0, 95.0], "q": [100.0, 80.0, 85.0], "r": [100.0, 70.0, 71.0]}
    found = alerts(net_series(100.0, 75.0, 55.0, **peers), peers=["p", "q", "r"])
    assert found.masked_by == ("", "peers", "")
    assert found.ignored == (2002,)
    assert found.alerts == (2003,)
    assert found.excess[1] == pytest.approx(-0.0625)


def test_by_hand_peers_who_fell_a_little_do_not_excuse_a_crash() -> None:
    """They -1 %, we -40 %: beyond them .6 / .99 - 1 = -39.4 %, which is a fall by itself."""
    found = alerts(net_series(100.0, 60.0, p=[100.0, 99.0]), peers="p")
    assert found.alerts == (2002,)
    assert found.excess[1] == pytest.approx(0.6 / 0.99 - 1.0)


def test_by_hand_a_declared_year_counts_beside_peers() -> None:
    found = alerts(net_series(100.0, 60.0, 50.0, p=[100.0, 60.0, 70.0]), peers="p", shocks=[2002])
    assert found.masked_by == ("", "declared+peers", "")


def test_by_hand_a_macro_series_may_date_the_shock_to_another_year() -> None:
    """World growth falls in 2009 only, so a fall of 2008 stays an alert; the limits say why."""
    macro = [None, 0.03, -0.001, 0.045, 0.035, 0.033, 0.031]
    found = alerts(pd.DataFrame(SERIES | {"macro": macro}), macro="macro", threshold=-0.16)
    assert found.masked == (2009,)
    assert found.alerts == (2008, 2012)
    assert "another year" in found.limits[1]


def test_by_hand_a_growth_on_the_threshold_is_a_fall() -> None:
    """800 / 1000 - 1 is -0.19999999999999996 in a computer, and a fall of 20 % all the same."""
    assert alerts(net_series(1000.0, 800.0)).alerts == (2002,)
    assert alerts(net_series(1000.0, 801.0)).alerts == ()


def test_by_hand_growth_after_two_years_of_shock_is_a_rebound_once() -> None:
    found = alerts(net_series(100.0, 70.0, 50.0, 80.0, 120.0), shocks=[2002, 2003])
    assert found.verdicts == ("first", "ignored", "ignored", "rebound", "gain")


NETS = st.lists(st.floats(1.0, 1e6), min_size=2, max_size=12)


@given(NETS, st.sets(st.integers(2001, 2012)), st.floats(-0.9, -0.01), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_alerts_equal_plain_python(net: list[float], shocks: set[int], threshold: float, random: Any) -> None:
    years = [*range(2001, 2001 + len(net))]
    shocks &= set(years)
    table = net_series(*net)
    order = [*range(len(net))]
    random.shuffle(order)
    found = alerts(table.iloc[order], shocks=shocks, threshold=threshold)
    growths = {year: after / before - 1.0 for year, before, after in zip(years[1:], net, net[1:], strict=False)}
    falls = [year for year, g in growths.items() if g <= threshold + 1e-12]
    assert list(found.falls) == falls
    assert list(found.alerts) == [year for year in falls if year not in shocks]
    for place, year in enumerate(years[1:], 1):
        normal = [g for y, g in growths.items() if y < year and y not in shocks and y not in falls]
        if normal:
            assert found.expected[place] == pytest.approx(net[place - 1] * (1.0 + median(normal)))
        else:
            assert np.isnan(found.expected[place])


BAD_INCOME: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    (SERIES, {"shocks": [2020]}, DomainError, r"shocks names \[2020\], which the series does not hold"),
    (SERIES, {"shocks": "2008"}, DomainError, "shocks must be a sequence"),
    (SERIES, {"shocks": [2008.5]}, DomainError, "each of shocks must be a whole number"),
    (SERIES, {"threshold": 0.2}, DomainError, r"threshold must be a number in \(-1, 0\)"),
    (SERIES, {"threshold": -1.0}, DomainError, "threshold"),
    (SERIES, {"income": "sales"}, ColumnError, "missing: 'sales'"),
    (SERIES | {"year": [2007, 2008, 2008, 2009, 2010, 2011, 2012]}, {}, DataError, r"1 doubled, 0 gap"),
    (SERIES | {"year": [2006, 2008, 2009, 2010, 2011, 2012, 2013]}, {}, DataError, r"0 doubled, 1 gap"),
    (SERIES | {"year": [y + 0.5 for y in SERIES["year"]]}, {}, DataError, "whole-numbered years"),
    ({name: column[:1] for name, column in SERIES.items()}, {}, DataError, "at least 2"),
    (SERIES | {"interbank": [-1.0] * 7}, {}, DataError, r"'interbank' lies below 0 in 7 year"),
    (SERIES | {"interbank": [None, *[1.0] * 6]}, {}, DataError, "missing values"),
    (SERIES | {"interbank": [5000.0] * 7}, {}, DataError, r"must lie above 0: .*7 year\(s\) of the bank"),
    (SERIES | {"p": [0.0] * 7}, {"peers": "p"}, DataError, r"7 of peers"),
    (SERIES | {"p": [1.0] * 7}, {"peers": "p", "macro": "p"}, DomainError, "not both"),
    (SERIES | {"m": [0.1, 0.2, 0.3, 0.4, None, None, None]}, {"macro": "m"}, DataError, r"macro has 4 year"),
    (SERIES | {"m": [0.1] * 7}, {"macro": "m"}, DataError, "spread is 0"),
]


@pytest.mark.parametrize(("columns", "options", "error", "match"), BAD_INCOME)
def test_income_is_refused(columns: Any, options: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        alerts(pd.DataFrame(columns), **options)


def test_income_that_is_no_frame_is_refused() -> None:
    with pytest.raises(DomainError, match="years is a list"):
        alerts([1, 2])


# ------------------------------------------------------------------------------------------------- large moves

QUIET = [10.0, -5.0, 0.0, 8.0, -12.0, 4.0]
BUSY = [900.0, -800.0, 1000.0, -950.0, 700.0, -900.0]


def test_by_hand_the_same_movement_is_unusual_for_one_customer_only() -> None:
    """Quiet: median 2, absolute deviations 8, 7, 2, 6, 14, 2, so MAD 6.5 and spread max(9.6369, 100 / 5) = 20.

    Score -602 / 20 = -30.1. Busy: median -50, deviations 950, 750, 1050, 900, 750, 850, MAD 875, spread 1297.275.
    """
    found = wallet.large_moves([QUIET, BUSY], [-600.0, -600.0], min_amount=100.0, customers=["quiet", "busy"])
    assert found.typical.tolist() == [2.0, -50.0]
    assert found.deviations.tolist() == [-602.0, -550.0]
    assert found.scores == pytest.approx([-30.1, -550.0 / 1297.275])
    assert found.larger_than.tolist() == [1.0, 0.0]
    assert found.flagged.tolist() == [True, False]
    assert found.to_frame()["customer"].tolist() == ["quiet"]
    assert found.to_frame()["direction"].tolist() == ["out"]
    assert repr(found) == "LargeMoves(customers=2, flagged=1)"
    assert "at least 100" in found._repr_html_()
    assert len(found) == 2


def test_by_hand_a_customer_of_whom_nothing_moved_is_judged_by_the_floor() -> None:
    history = np.zeros((3, 20))
    found = wallet.large_moves(history, [99.0, 100.0, -250.0], min_amount=100.0)
    assert found.flagged.tolist() == [False, True, True]
    assert found.to_frame()["customer"].tolist() == [2, 1]
    assert found.to_frame()["direction"].tolist() == ["out", "in"]


def test_by_hand_the_quantile_alone() -> None:
    """Sizes 1 to 20: the .9 quantile is the 18th, so 18 does not exceed it and 18.5 does."""
    history = np.tile(np.arange(1.0, 21.0) * np.where(np.arange(20) % 2, -1.0, 1.0), (2, 1))
    found = wallet.large_moves(history, [18.0, 18.5], min_amount=1.0, z=None, quantile=0.9)
    assert found.flagged.tolist() == [False, True]
    assert found.larger_than.tolist() == [17 / 20, 18 / 20]


def test_by_hand_payday_of_the_peers_is_not_unusual() -> None:
    """All of group w get 5,000 that day; one of group v alone gets them."""
    history = np.zeros((10, 12))
    amounts = [5000.0] * 5 + [5000.0, *[0.0] * 4]
    groups = ["w"] * 5 + ["v"] * 5
    assert wallet.large_moves(history, amounts, min_amount=100.0).flagged.sum() == 6
    found = wallet.large_moves(history, amounts, min_amount=100.0, peers=groups)
    assert np.flatnonzero(found.flagged).tolist() == [5]
    assert "beyond the median peer" in found.rule


@given(
    st.lists(st.lists(st.integers(-50, 50), min_size=8, max_size=8), min_size=1, max_size=6),
    st.lists(st.integers(-500, 500), min_size=6, max_size=6),
)
@settings(max_examples=40)
def test_large_moves_equal_plain_python(history: list[list[int]], amounts: list[int]) -> None:
    found = wallet.large_moves(history, amounts[: len(history)], min_amount=60.0, z=4.0, quantile=0.8)
    for place, past in enumerate(history):
        middle = median(past)
        spread = max(1.4826 * median([abs(x - middle) for x in past]), 60.0 / 4.0)
        edge = sorted(abs(x) for x in past)[math.ceil(0.8 * 8) - 1]
        away = amounts[place] - middle
        expected = abs(away) >= 60.0 and abs(away) / spread >= 4.0 - 1e-9 and abs(amounts[place]) > edge
        assert found.flagged[place] == expected
        assert found.scores[place] == pytest.approx(away / spread)


@pytest.mark.parametrize(
    ("history", "amounts", "options", "error", "match"),
    [
        ([QUIET], [1.0], {"min_amount": 0.0}, DomainError, "min_amount must be a number above 0"),
        ([QUIET], [1.0], {"z": -1.0}, DomainError, "z must be a number above 0"),
        ([QUIET], [1.0], {"quantile": 1.0}, DomainError, "quantile must be a number above 0 and below 1"),
        ([QUIET], [1.0], {"z": None, "quantile": None}, DomainError, "Ask for z, quantile or both"),
        ([QUIET[:5]], [1.0], {}, DomainError, "history has 5 periods; allowed: from 6"),
        ([QUIET], [1.0, 2.0], {}, DomainError, "amounts has shape"),
        ([QUIET], ["much"], {}, DomainError, "amounts must hold numbers"),
        ([QUIET], ["9"], {}, DomainError, "amounts must hold numbers"),
        ([QUIET], np.ma.array([9.0], mask=[True]), {}, DataError, "amounts holds 1 number.*missing"),
        ([QUIET], [np.nan], {}, DataError, r"amounts holds 1 number\(s\)"),
        ([[np.nan, *QUIET]], [1.0], {}, DataError, "history holds missing values"),
        ([QUIET], [1.0], {"customers": ["a", "b"]}, DomainError, "customers has 2 labels"),
        ([QUIET], [1.0], {"peers": ["a"]}, DataError, r"1 group\(s\) have fewer than 5"),
        ([QUIET], [1.0], {"peers": [None]}, DataError, r"peers is null for 1"),
        ([QUIET], [1.0], {"peers": ["a", "b"]}, DomainError, "one group for each of the 1"),
        ([QUIET], [1.0], {"peers": ["a"], "z": None}, DomainError, "ask for z too"),
    ],
)
def test_large_moves_are_refused(
    history: Any, amounts: Any, options: dict[str, Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        wallet.large_moves(history, amounts, **({"min_amount": 100.0} | options))


# ------------------------------------------------------------------------------------------ seen elsewhere


SEEN = {"transfers": [40.0, 0.0], "custody": [10.0, 5.0]}


def test_by_hand_a_floor_of_what_is_seen() -> None:
    found = wallet.observed_elsewhere([100.0, 50.0], SEEN, customers=["a", "b"])
    assert found.size.tolist() == [150.0, 55.0]
    assert found.customers == ("a", "b")
    assert not found.identified
    assert "a floor, no estimate" in found.reasons[0]
    assert np.isnan(found.low).all()
    assert wallet.observed_elsewhere([100.0, 50.0], SEEN, combine="largest").size.tolist() == [140.0, 55.0]


def test_by_hand_an_estimate_is_raised_to_the_floor() -> None:
    """Floors 150 and 55: the first size, 120, and its interval are raised; the second stays."""
    told = wallet.WalletEstimate.of(
        [100.0, 50.0],
        [120.0, 90.0],
        low=[110.0, 52.0],
        high=[130.0, 100.0],
        level=0.9,
        kind="total",
        method="survey",
        observed=[True, True],
    )
    found = wallet.observed_elsewhere(told, SEEN)
    assert found.size.tolist() == [150.0, 90.0]
    assert found.low.tolist() == [150.0, 55.0]
    assert found.high.tolist() == [150.0, 100.0]
    assert found.observed.tolist() == [False, True]
    assert found.identified
    assert "for 1 customer(s)" in found.reasons[-1]
    assert found.provenance.counts["raised"] == 1
    assert told.size.tolist() == [120.0, 90.0]


@given(st.lists(st.tuples(*[st.floats(0.0, 1e9)] * 4), min_size=1, max_size=10))
@settings(max_examples=30)
def test_no_size_lies_below_what_is_here_and_seen(rows: list[tuple[float, ...]]) -> None:
    own, size, first, second = (np.array(column) for column in zip(*rows, strict=True))
    estimate = wallet.WalletEstimate.of(own, size, kind="served", method="survey")
    found = wallet.observed_elsewhere(estimate, {"a": first, "b": second})
    assert (found.size >= own + np.maximum(first, second)).all()
    assert (found.size >= estimate.size).all()
    again = wallet.observed_elsewhere(found, {"a": first, "b": second})
    assert again.size.tolist() == found.size.tolist()


@pytest.mark.parametrize(
    ("elsewhere", "options", "error", "match"),
    [
        ({}, {}, DomainError, "at least one name"),
        ([1.0, 2.0], {}, DomainError, "must map"),
        ({1: [1.0, 2.0]}, {}, DomainError, "must map"),
        ({"custody": [1.0]}, {}, DomainError, r"elsewhere\['custody'\] has shape"),
        ({"custody": [1.0, -2.0]}, {}, DataError, r"elsewhere\['custody'\] holds 1 amount"),
        (SEEN, {"combine": "mean"}, DomainError, "combine is 'mean'"),
    ],
)
def test_what_is_seen_is_refused(
    elsewhere: Any, options: dict[str, Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        wallet.observed_elsewhere([1.0, 2.0], elsewhere, **options)


def test_a_realistic_wallet_has_no_money_elsewhere() -> None:
    realistic = wallet.WalletEstimate.of([1.0, 2.0], [3.0, 4.0], kind="realistic", method="quantile")
    total = wallet.WalletEstimate.of([1.0, 2.0], [3.0, 4.0], kind="total", method="survey")
    with pytest.raises(DomainError, match="no part of a realistic one"):
        wallet.observed_elsewhere(realistic, SEEN)
    with pytest.raises(DomainError, match="brings its own customers"):
        wallet.observed_elsewhere(total, SEEN, customers=["a", "b"])
