"""The displays of the wallet room draw the figures that they were given, and show no single customer unasked."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from custvalue import plot, wallet
from custvalue.exceptions import DomainError
from pictures import (
    all_texts,
    draws_where_it_is_told,
    keeps_inside_and_apart,
    legend_of,
    lets_every_text_be_replaced,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from custvalue._typing import FloatArray

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _no_figure_stays_open() -> Iterator[None]:
    yield
    plt.close("all")


def an_estimate(n: int = 2000, **given: Any) -> wallet.WalletEstimate:
    """Draw own spend, and wallets of which some are all here and some are empty."""
    rng = np.random.default_rng(3)
    own = np.exp(rng.normal(7.0, 1.0, n))
    size = own / rng.beta(1.5, 2.0, n)
    size[:60] = own[:60]
    own[60:63] = size[60:63] = 0.0
    return wallet.WalletEstimate.of(own, size, **{"kind": "total", "method": "survey"} | given)


def a_map() -> plot.WalletMapDisplay:
    return plot.WalletMapDisplay.from_estimate(an_estimate(identified=False, reasons=["assumed"]))


def a_map_of_money() -> plot.WalletMapDisplay:
    found = an_estimate()
    return plot.WalletMapDisplay.from_estimate(found, value=found.potential, value_name="money elsewhere")


def the_story() -> wallet.IncomeAlerts:
    """Give a constructed series: other banks' income hides half of the fall of 2012."""
    table = pd.DataFrame({
        "year": range(2007, 2014),
        "revenue": [1000, 860, 1010, 1165, 1330, 1125, 1290],
        "interbank": [60, 70, 65, 75, 80, 150, 95],
        "central": [40, 40, 45, 50, 50, 60, 55],
    })  # fmt: skip
    columns = {"year": "year", "income": "revenue", "interbank": "interbank", "central_bank": "central"}
    return wallet.bank_income_alerts(table, **columns, shocks=[2008], threshold=-0.16)


def a_story() -> plot.IncomeAlertsDisplay:
    return plot.IncomeAlertsDisplay.from_alerts(the_story(), title="Income from customers (constructed)")


@functools.cache
def shifts() -> wallet.SpendShifts:
    """Screen 600 customers with a season and a shock: 20 fall, 20 gain, 10 are new."""
    rng = np.random.default_rng(0)
    season = 1.0 + 0.3 * np.sin(np.arange(36) * 2.0 * np.pi / 12.0)
    season[20:23] *= 0.6
    amounts = 1000.0 * season * np.exp(0.1 * rng.normal(size=(600, 36)) + rng.normal(0.0, 0.7, (600, 1)))
    amounts[:20, -3:] *= 0.3
    amounts[20:40, -3:] *= 2.2
    amounts[40:50, :30] = 0.0
    labels = [f"customer {place}" for place in range(600)]
    panel = wallet.SpendPanel.from_wide(amounts, start="2022-01", customers=labels)
    return wallet.spend_shifts(panel, shocks=[wallet.Shock(start="2023-09", end="2023-11", what="lockdown")])


def a_path() -> plot.SpendPathDisplay:
    return plot.SpendPathDisplay.from_shifts(shifts(), "customer 0")


def a_new_customer() -> plot.SpendPathDisplay:
    return plot.SpendPathDisplay.from_shifts(shifts(), "customer 45")


def a_list() -> plot.ShiftListDisplay:
    return plot.ShiftListDisplay.from_shifts(shifts(), top=5)


def a_list_with_names() -> plot.ShiftListDisplay:
    return plot.ShiftListDisplay.from_shifts(shifts(), top=1, customers=True)


@functools.cache
def models() -> dict[str, wallet.RealisticWallet]:
    """Fit a plane to a spend whose noise grows with the trait, on the amounts and on their logarithm."""
    traits, spend = a_branch(300, 5)
    levels = (0.5, 0.8, 0.9, 0.95)
    return {
        name: wallet.RealisticWallet(levels=levels, log_spend=log).fit(traits, spend)
        for name, log in (("amounts", False), ("logarithms", True))
    }


def a_branch(n: int, seed: int) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    traits = rng.uniform(1.0, 5.0, (n, 1))
    return traits, traits[:, 0] * np.exp(0.5 * rng.normal(size=n))


def a_calibration() -> plot.QuantileCalibrationDisplay:
    return plot.QuantileCalibrationDisplay.from_models(models(), *a_branch(800, 6))


def a_broken_promise() -> plot.QuantileCalibrationDisplay:
    return plot.QuantileCalibrationDisplay([0.5, 0.9], [[0.52], [0.81]], n_customers=400)


DISPLAYS = pytest.mark.parametrize(
    "make",
    [
        a_map,
        a_map_of_money,
        a_story,
        a_path,
        a_new_customer,
        a_list,
        a_list_with_names,
        a_calibration,
        a_broken_promise,
    ],
    ids=lambda make: make.__name__,
)


@DISPLAYS
def test_each_draws_where_it_is_told(make: Any) -> None:
    draws_where_it_is_told(make)


@DISPLAYS
def test_each_lets_every_text_be_replaced(make: Any) -> None:
    lets_every_text_be_replaced(make)


@DISPLAYS
def test_each_keeps_its_texts_inside_the_figure_and_apart(make: Any) -> None:
    display = make().plot()
    axes = display.ax_
    keeps_inside_and_apart(display, [*axes.get_yticklabels(), *axes.texts, axes.title])
    keeps_inside_and_apart(display, axes.get_xticklabels())
    legend = axes.get_legend()
    if legend is not None:
        renderer = display.figure_.canvas.get_renderer()
        box = legend.get_window_extent(renderer)
        names = [axes.xaxis.label, *axes.get_xticklabels()]
        assert not any(box.overlaps(text.get_window_extent(renderer)) for text in names if text.get_text())


# The map ----------------------------------------------------------------------------------------------------


def by_hand(**changes: Any) -> plot.WalletMapDisplay:
    given: dict[str, Any] = {
        "customers": [[40, 25], [30, 2]],
        "share_edges": [0.0, 0.5, 1.0],
        "potential_edges": [100.0, 1000.0, 10000.0],
        "own": 60000.0,
        "size": 150000.0,
        "without_potential": 3,
    }
    return plot.WalletMapDisplay(**given | changes)


def test_by_hand_customers_stand_in_the_cell_of_their_share_and_potential() -> None:
    """Six of share .25 and potential 300, five of share .5 and potential 10, seven all here, one of nothing."""
    own = [100.0] * 6 + [10.0] * 5 + [50.0] * 7 + [0.0]
    size = [400.0] * 6 + [20.0] * 5 + [50.0] * 7 + [0.0]
    display = plot.WalletMapDisplay.from_estimate(wallet.WalletEstimate.of(own, size, kind="served", method="x"))
    np.testing.assert_array_equal(display.potential_edges, [10.0, 20.0, 50.0, 100.0, 200.0, 500.0])
    wanted = np.zeros((10, 5))
    wanted[2, 4], wanted[5, 0] = 6, 5
    np.testing.assert_array_equal(display.customers, wanted)
    assert (display.without_potential, display.empty, display.n_customers) == (7, 1, 19)
    title = display.plot().ax_.get_title().split("\n")
    assert title == [
        "Share of wallet and potential, served wallet",
        "n = 19: 1,000 of 2,850 here (35 %), potential 1,850",
        "not on the map, all of it here: 7",
        "not on the map, wallet of 0: fewer than 5",
    ]


def test_every_customer_is_in_one_cell_or_told_of_in_any_order() -> None:
    found = an_estimate()
    display = plot.WalletMapDisplay.from_estimate(found, value=found.potential)
    assert display.n_customers == len(found)
    assert (display.without_potential, display.empty) == (60, 3)
    assert display.sums is not None
    assert display.sums.sum() == pytest.approx(found.totals()["potential"])
    back = wallet.WalletEstimate.of(found.own[::-1], found.size[::-1], kind="total", method="survey")
    np.testing.assert_array_equal(plot.WalletMapDisplay.from_estimate(back).customers, display.customers)


def shown(display: Any) -> FloatArray:
    return np.ma.filled(np.ma.asarray(display.ax_.images[0].get_array()), np.nan)


def test_cells_of_few_are_hatched_and_show_no_figure() -> None:
    for sums in (None, [[1.0, 2.0], [3.0, 400.0]]):
        display = by_hand(sums=sums).plot()
        np.testing.assert_array_equal(np.isnan(shown(display)), [[False, False], [False, True]])
        assert len([part for part in display.ax_.patches if part.get_gid() == "few"]) == 1
        assert legend_of(display) == ["fewer than 5 customers"]
    assert by_hand(customers=[[40, 25], [30, 9]]).plot().ax_.get_legend() is None


def test_potentials_far_apart_have_columns_of_powers_of_ten() -> None:
    own, size = np.ones(10), 1.0 + np.logspace(-2.5, 8.5, 10)
    display = plot.WalletMapDisplay.from_estimate(wallet.WalletEstimate.of(own, size, kind="total", method="x"))
    np.testing.assert_allclose(np.diff(np.log10(display.potential_edges)), 1.0)
    assert display.customers.sum() == 10
    written = [text.get_text() for text in display.plot().ax_.get_xticklabels()]
    assert written == ["$10^{-3}$", "$10^{-1}$", "$10^{1}$", "$10^{3}$", "$10^{5}$", "$10^{7}$", "$10^{9}$"]
    widest = wallet.WalletEstimate.of(np.zeros(10), np.logspace(-90, 90, 10), kind="total", method="x")
    assert plot.WalletMapDisplay.from_estimate(widest).customers.sum() == 10


def test_a_map_on_which_nobody_stands_is_drawn() -> None:
    found = wallet.WalletEstimate.of(np.ones(9), np.ones(9), kind="total", method="x")
    display = plot.WalletMapDisplay.from_estimate(found).plot()
    assert "all of it here: 9" in display.ax_.get_title()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"share_edges": [0.0, 0.5, 0.9]}, r"share_edges must go from 0 to 1"),
        ({"share_edges": [0.0, 0.5, 0.5]}, r"share_edges must hold at least 2 rising numbers"),
        ({"potential_edges": [0.0, 1.0, 2.0]}, r"potential_edges must lie above 0"),
        ({"customers": [[1, 2]]}, r"customers has shape \(1, 2\); allowed: \(2, 2\)"),
        ({"customers": [[0.5, 2], [3, 4]]}, r"customers holds numbers that count nobody"),
        ({"sums": [[1.0, 2.0]]}, r"sums has shape \(1, 2\); allowed: \(2, 2\)"),
        ({"sums": [[1.0, 2.0], [-3.0, 4.0]]}, r"sums holds -3; allowed: numbers from 0"),
        ({"own": 2.0, "size": 1.0}, r"own lies above size"),
        ({"own": np.nan}, r"own must be a number from 0"),
        ({"without_potential": -1}, r"without_potential"),
        ({"customers": [[1, 0], [0, 0]]}, r"There are 4 customers; allowed: from 5"),
    ],
)
def test_maps_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        by_hand(**change)


def test_a_value_must_be_one_number_a_customer() -> None:
    with pytest.raises(DomainError, match=r"value has shape \(2,\); allowed: \(2000,\)"):
        plot.WalletMapDisplay.from_estimate(an_estimate(), value=[1.0, 2.0])


# Income -----------------------------------------------------------------------------------------------------


def drawn(display: Any, name: str) -> FloatArray:
    """Give the points of a line by its name."""
    (line,) = [one for one in display.ax_.lines if one.get_gid() == name]
    return np.asarray(line.get_xydata())


def test_by_hand_the_story_is_drawn() -> None:
    """2008 falls by 150 / 900 in a shock; 2012 by 285 / 1200 in none, of 1200 x (1 + median(.2, .1556, .1538))."""
    display = a_story().plot()
    net = [900.0, 750.0, 900.0, 1040.0, 1200.0, 915.0, 1140.0]
    np.testing.assert_allclose(drawn(display, "net"), np.column_stack([range(2007, 2014), net]))
    np.testing.assert_allclose(drawn(display, "gross")[:, 1], [1000, 860, 1010, 1165, 1330, 1125, 1290])
    np.testing.assert_allclose(drawn(display, "alert"), [[2012, 915.0]])
    np.testing.assert_allclose(drawn(display, "ignored"), [[2008, 750.0]])
    expected = 1200.0 * 1040.0 / 900.0
    np.testing.assert_allclose(drawn(display, "expected"), [[2012, expected]])
    assert [text.get_text() for text in display.ax_.texts] == [
        "growth -16.7 %\ngross -14.0 %",
        f"growth -23.8 %\ngross -15.4 %\nlost {100 * (1 - 915.0 / expected):.0f} %",
    ]
    np.testing.assert_allclose(display.lost_share, the_story().lost_share)
    levels: Any = next(part for part in display.ax_.collections if part.get_gid() == "threshold")
    heights = np.array([line[0, 1] for line in levels.get_segments()])
    np.testing.assert_allclose(heights, 0.84 * np.array(net[:-1]))
    shades: list[Any] = [part for part in display.ax_.patches if part.get_gid() == "shock"]
    assert [(shade.get_x(), shade.get_width()) for shade in shades] == [(2007.5, 1.0)]
    assert display.ax_.get_title() == "Income from customers (constructed)"
    assert legend_of(display)[2] == "16 % below the year before: a fall begins"


def income(**changes: Any) -> plot.IncomeAlertsDisplay:
    given: dict[str, Any] = {
        "years": [2020, 2021, 2022],
        "customer_income": [100.0, 110.0, 80.0],
        "flagged": [False, False, True],
    }
    return plot.IncomeAlertsDisplay(**given | changes)


def test_an_alert_without_an_expectation_is_marked_and_loses_nothing_that_is_known() -> None:
    display = income().plot()
    assert np.isnan(display.lost_share).all()
    assert [text.get_text() for text in display.ax_.texts] == ["growth -27.3 %"]
    assert legend_of(display)[-1] == "alert"


def test_large_incomes_are_written_in_millions() -> None:
    display = income(customer_income=[1e8, 1.1e8, 8e7]).plot()
    assert display.ax_.get_ylabel() == "income, million"
    np.testing.assert_allclose(drawn(display, "net")[:, 1], [100.0, 110.0, 80.0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"years": [2020, 2022, 2023]}, r"years must be at least 2 whole numbers, ascending without a gap"),
        ({"years": [2020.5, 2021.5, 2022.5]}, r"years must be at least 2 whole numbers"),
        ({"customer_income": [1.0, 2.0]}, r"customer_income has shape \(2,\); allowed: \(3,\)"),
        ({"customer_income": [1.0, 0.0, 2.0]}, r"customer_income must lie above 0"),
        ({"income": [1.0, -1.0, 2.0]}, r"income holds -1; allowed: numbers from 0"),
        ({"flagged": [0, 0, 1]}, r"flagged has shape \(3,\); allowed: \(3,\), one flag a year"),
        ({"masked": [False, True]}, r"masked has shape \(2,\)"),
        ({"masked": [False, False, True]}, r"flagged and masked name the same year"),
        ({"flagged": [True, False, False]}, r"flagged names the first year"),
        ({"threshold": 0.2}, r"threshold must be a number in \(-1, 0\)"),
    ],
)
def test_incomes_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        income(**change)


# One customer's path ----------------------------------------------------------------------------------------


def shaded(display: Any, name: str) -> list[float]:
    """Give the middles of the shaded months."""
    parts: list[Any] = [part for part in display.ax_.patches if part.get_gid() == name]
    return sorted(part.get_x() + part.get_width() / 2 for part in parts)


def test_a_path_draws_the_months_of_its_customer() -> None:
    found, display = shifts(), a_path().plot()
    path = found.path("customer 0")
    for name in ("amount", "adjusted", "expected"):
        np.testing.assert_allclose(drawn(display, name), np.column_stack([range(36), path[name]]))
    np.testing.assert_array_equal(drawn(display, "tested")[:, 0], found.recent)
    np.testing.assert_array_equal(drawn(display, "baseline")[:, 0], found.baseline)
    assert shaded(display, "recent") == [33, 34, 35]
    assert shaded(display, "shock") == [20, 21, 22]
    title = display.ax_.get_title().split("\n")
    money = f"{found.money_moved[0]:,.0f}"
    assert title == [
        "Path of one customer",
        "spending fell",
        f"{money} a month less than expected ({100 * found.change[0]:+.0f} %)",
    ]
    assert display.ax_.get_xticklabels()[-1].get_text() == "2024-12"


def test_no_customer_is_named() -> None:
    for text in all_texts(a_path().plot().figure_):
        assert "customer 0" not in text


def test_a_customer_who_cannot_be_tested_has_a_reason_and_no_money() -> None:
    title = a_new_customer().plot().ax_.get_title()
    assert title == "Path of one customer\nnot testable: too little history"


def test_by_hand_a_gain_says_more() -> None:
    display = path_of(verdict="gain", change=0.5, money_moved=-3e7).plot()
    assert display.ax_.get_title().endswith("spending rose\n30.0 million a month more than expected (+50 %)")
    assert "a month" not in path_of(verdict="none").plot().ax_.get_title()


def test_a_customer_without_any_amount_is_drawn() -> None:
    display = path_of(amount=[0.0] * 3, expected=[np.nan] * 3, verdict="not testable").plot()
    assert display.ax_.get_ylim()[1] > 0.0


def path_of(**changes: Any) -> plot.SpendPathDisplay:
    given: dict[str, Any] = {"months": ["2024-01", "2024-02", "2024-03"], "amount": [100.0, 110.0, 40.0]}
    return plot.SpendPathDisplay(**given | changes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"months": ["a", "a", "b"]}, r"months names 'a' twice"),
        ({"amount": [1.0]}, r"amount has shape \(1,\); allowed: \(3,\)"),
        ({"amount": [1.0, -2.0, 3.0]}, r"amount holds -2; allowed: numbers from 0"),
        ({"adjusted": [1.0]}, r"adjusted has shape \(1,\)"),
        ({"expected": [1.0, -1.0, 1.0]}, r"expected holds -1"),
        ({"part": ["baseline", "later", ""]}, r"part must hold 3 of 'baseline', 'recent' and ''"),
        ({"shock": [0, 1, 0]}, r"shock has shape \(3,\); allowed: \(3,\), one flag a month"),
        ({"verdict": "lost"}, r"verdict is 'lost'; allowed: fall, gain, none, masked, not testable"),
        ({"change": "much"}, r"change must be a number, or None"),
    ],
)
def test_paths_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        path_of(**change)


def test_an_unknown_customer_is_refused() -> None:
    with pytest.raises(DomainError, match=r"customer is no label of the panel"):
        plot.SpendPathDisplay.from_shifts(shifts(), "nobody")


# The list ---------------------------------------------------------------------------------------------------


def test_the_list_holds_the_largest_falls_and_gains_by_money() -> None:
    frame, display = shifts().to_frame(), a_list_with_names_of(5)
    for word, ascending in (("fall", False), ("gain", True)):
        mine = frame[frame["verdict"] == word].sort_values("money_moved", ascending=ascending).head(5)
        rows = [place for place in range(10) if display.verdicts[place] == word]
        assert [display.names[place] for place in rows] == mine["customer"].tolist()
        np.testing.assert_allclose(display.money[rows], -mine["money_moved"])
        np.testing.assert_allclose(display.change[rows], mine["change"])
        np.testing.assert_allclose(display.q[rows], mine[f"q_{word}"])
    counts = frame["verdict"].value_counts()
    assert legend_of(display.plot())[:2] == [f"falls: 5 of {counts['fall']}", f"gains: 5 of {counts['gain']}"]


def a_list_with_names_of(top: int) -> plot.ShiftListDisplay:
    return plot.ShiftListDisplay.from_shifts(shifts(), top=top, customers=True)


def test_customers_are_named_only_if_asked_for() -> None:
    display = a_list().plot()
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == ["1", "2", "3", "4", "5"] * 2
    assert not any("customer" in text for text in all_texts(display.figure_))
    assert any("customer" in text for text in all_texts(a_list_with_names().plot().figure_))


def test_by_hand_lines_begin_at_0_and_fill_their_row() -> None:
    """Rows are 1 high, lines .76: 0 lies .38 below the middle, the row's largest amount .38 above it."""
    display = listed(expected=[[100.0, 100.0, 200.0], [np.nan] * 3], recent=[False, False, True]).plot()
    np.testing.assert_allclose(drawn(display, "amounts 0")[:, 1], [0.0, 0.38 - 0.76 * 0.55, 0.38])
    np.testing.assert_allclose(drawn(display, "expected 0")[:, 1], [0.0, 0.0, -0.38])
    np.testing.assert_allclose(drawn(display, "amounts 1")[:, 1], [1.19, 1.19, 0.62])
    assert drawn(display, "recent 1").tolist() == drawn(display, "amounts 1")[1:].tolist()
    assert "expected 1" not in [line.get_gid() for line in display.ax_.lines]
    assert drawn(display, "between")[0, 1] == 0.5
    assert [text.get_text() for text in display.ax_.texts] == [
        "-100 %", "+300 %", "change", "-75.00", "+30.00", "money\na month", "< 0.001", "-", "q",
    ]  # fmt: skip


def listed(**changes: Any) -> plot.ShiftListDisplay:
    given: dict[str, Any] = {
        "amounts": [[100.0, 110.0, 0.0], [10.0, 10.0, 40.0]],
        "months": ["2024-01", "2024-02", "2024-03"],
        "verdicts": ["fall", "gain"],
        "change": [-1.0, 3.0],
        "money": [-75.0, 30.0],
        "q": [0.0001, np.nan],
    }
    return plot.ShiftListDisplay(**given | changes)


def test_a_list_of_nobody_says_so() -> None:
    amounts = np.full((40, 36), 10.0)
    found = wallet.spend_shifts(wallet.SpendPanel.from_wide(amounts, start="2022-01"))
    display = plot.ShiftListDisplay.from_shifts(found).plot()
    assert display.amounts.shape == (0, 36)
    assert "no fall and no gain found" in [text.get_text() for text in display.ax_.texts]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"verdicts": ["fall", "none"]}, r"verdicts must hold 'fall' and 'gain' only"),
        ({"amounts": [[1.0, 2.0, 3.0]]}, r"amounts has shape \(1, 3\); allowed: \(2, 3\)"),
        ({"amounts": [[1.0, 2.0, 3.0], [1.0, -1.0, 2.0]]}, r"amounts holds -1"),
        ({"expected": [[1.0, 2.0, 3.0]]}, r"expected has shape \(1, 3\)"),
        ({"money": [1.0]}, r"money has shape \(1,\); allowed: \(2,\)"),
        ({"q": [0.5, 1.5]}, r"q holds numbers outside \[0, 1\]"),
        ({"recent": [True]}, r"recent has shape \(1,\); allowed: \(3,\)"),
        ({"names": ["a"]}, r"names has 1 entries; allowed: 2"),
        ({"n_falls": 0}, r"n_falls"),
    ],
)
def test_lists_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        listed(**change)


def test_wishes_for_a_list_are_checked() -> None:
    with pytest.raises(DomainError, match=r"top is 0; allowed: whole numbers from 1"):
        plot.ShiftListDisplay.from_shifts(shifts(), top=0)
    with pytest.raises(DomainError, match=r"customers must be True or False"):
        plot.ShiftListDisplay.from_shifts(shifts(), customers="yes")  # type: ignore[arg-type]  # wrong on purpose


# Calibration ------------------------------------------------------------------------------------------------


def test_models_stand_at_their_level_and_coverage() -> None:
    display = a_calibration().plot()
    traits, spend = a_branch(800, 6)
    for place, model in enumerate(models().values()):
        wanted = [(spend <= column).mean() for column in model.predict_levels(traits).T]
        marks: Any = next(part for part in display.ax_.collections if part.get_gid() == f"model {place}")
        np.testing.assert_allclose(marks.get_offsets(), np.column_stack([model.levels_, wanted]))
    assert legend_of(display)[:2] == ["amounts", "logarithms"]
    assert display.ax_.get_title().endswith("n = 800")


def test_wilson1927_a_level_outside_the_interval_is_crossed() -> None:
    """Of 400 shares of .52 and .81: (k + z^2 / 2 +- z sqrt(k (n - k) / n + z^2 / 4)) / (n + z^2), z = 1.96."""
    display = a_broken_promise().plot()
    z, n, k = 1.959964, 400, np.array([208.0, 324.0])
    half = z * np.sqrt(k * (n - k) / n + z * z / 4)
    np.testing.assert_allclose(display.low[:, 0], (k + z * z / 2 - half) / (n + z * z), rtol=1e-6)
    np.testing.assert_allclose(display.high[:, 0], (k + z * z / 2 + half) / (n + z * z), rtol=1e-6)
    crosses: Any = next(part for part in display.ax_.collections if part.get_gid() == "off 0")
    np.testing.assert_allclose(crosses.get_offsets(), [[0.9, 0.81]])
    assert legend_of(display)[-1] == "off by more than chance"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"levels": [0.9, 0.5]}, r"levels must be ascending numbers between 0 and 1"),
        ({"levels": [0.5, 1.0]}, r"levels must be ascending numbers between 0 and 1"),
        ({"coverage": [[0.5, 0.9]]}, r"coverage has shape \(1, 2\); allowed: \(2, 1\)"),
        ({"coverage": [[0.5], [1.9]]}, r"coverage holds numbers outside \[0, 1\]"),
        ({"n_customers": 4}, r"n_customers"),
        ({"models": ["a", "a"]}, r"models names 'a' twice"),
    ],
)
def test_coverages_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"levels": [0.5, 0.9], "coverage": [[0.5], [0.9]], "n_customers": 100}
    with pytest.raises(DomainError, match=message):
        plot.QuantileCalibrationDisplay(**given | change)


def test_models_of_different_levels_or_none_are_refused() -> None:
    traits, spend = a_branch(100, 7)
    other = wallet.RealisticWallet(levels=(0.5,)).fit(traits, spend)
    with pytest.raises(DomainError, match=r"models have different levels"):
        plot.QuantileCalibrationDisplay.from_models(models() | {"other": other}, traits, spend)
    with pytest.raises(DomainError, match=r"models is \[\]; allowed: a sequence of at least one name"):
        plot.QuantileCalibrationDisplay.from_models({}, traits, spend)
