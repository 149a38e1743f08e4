"""Displays of drift draw the distances and moves they were given, and name what noise reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer

from custvalue import plot, rfm
from custvalue.exceptions import DomainError
from pictures import draws_where_it_is_told, keeps_inside_and_apart, legend_of, lets_every_text_be_replaced

if TYPE_CHECKING:
    from collections.abc import Iterator

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _no_figure_stays_open() -> Iterator[None]:
    yield
    plt.close("all")


def texts(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.texts]


def a_drift_display(**changes: Any) -> plot.DriftDisplay:
    given: dict[str, Any] = {
        "indicators": ["recency", "turnover", "balance"],
        "psi": [0.02, 0.3, 0.05],
        "psi_limit": [0.04, 0.04, 0.06],
        "psi_permuted_limit": [0.03, np.nan, 0.01],
        "ks": [0.01, 0.2, np.nan],
        "ks_p_value": [0.8, 1e-9, np.nan],
        "n_before": 1200,
        "n_after": 1300,
    }
    given |= changes
    return plot.DriftDisplay(given.pop("indicators"), **given)


def a_migration_display(**changes: Any) -> plot.SegmentMigrationDisplay:
    given: dict[str, Any] = {
        "segments": ["loyal", "new", "none", "rare"],
        "customers": [[30, 10, 0, 0], [2, 18, 0, 0], [0, 0, 0, 0], [3, 0, 0, 0]],
        "entrants": 12,
        "leavers": 7,
    }
    given |= changes
    return plot.SegmentMigrationDisplay(given.pop("segments"), **given)


DISPLAYS = pytest.mark.parametrize("make", [a_drift_display, a_migration_display], ids=lambda make: make.__name__)


@DISPLAYS
def test_each_draws_into_the_axes_it_is_given_and_leaves_settings_alone(make: Any) -> None:
    draws_where_it_is_told(make)


@DISPLAYS
def test_each_lets_every_text_be_replaced(make: Any) -> None:
    lets_every_text_be_replaced(make)


@DISPLAYS
def test_each_keeps_its_texts_inside_the_figure_and_apart(make: Any) -> None:
    display = make().plot()
    display.figure_.canvas.draw()
    found = [display.ax_.title, *display.ax_.texts, *display.ax_.get_yticklabels()]
    keeps_inside_and_apart(display, [text for text in found if text.get_text()])


# Indicators ---------------------------------------------------------------------------------------------------


def test_bars_are_the_indices_with_the_largest_on_top() -> None:
    display = a_drift_display().plot()
    (bars,) = (part for part in display.ax_.containers if isinstance(part, BarContainer))
    assert [bar.get_width() for bar in bars] == [0.3, 0.05, 0.02]
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["turnover", "balance", "recency"]
    low, high = display.ax_.get_ylim()
    assert low > high
    assert display.ax_.get_title() == "Drift of the indicators\nn = 1,200 before, 1,300 after"


def test_the_noise_of_the_customers_at_hand_decides_where_it_is_known() -> None:
    """Turnover has no permuted limit and is above the other; balance is above its own and below the other."""
    display = a_drift_display().plot()
    assert display.beyond.tolist() == [True, True, False]
    (bars,) = (part for part in display.ax_.containers if isinstance(part, BarContainer))
    assert len({to_hex(bar.get_facecolor()) for bar in bars[:2]}) == 1
    assert to_hex(bars[0].get_facecolor()) != to_hex(bars[2].get_facecolor())
    marks = {part.get_gid(): np.asarray(part.get_offsets())[:, 0] for part in display.ax_.collections}
    np.testing.assert_array_equal(marks["limit"], [0.04, 0.06, 0.04])
    np.testing.assert_array_equal(marks["permuted"][1:], [0.01, 0.03])
    assert np.ma.is_masked(marks["permuted"]) or np.isnan(marks["permuted"][0])
    assert a_drift_display(psi_permuted_limit=None).beyond.tolist() == [True, False, False]
    assert a_drift_display(psi_permuted_limit=None, psi_limit=None).beyond.tolist() == [False] * 3


def test_the_numbers_are_written_at_the_right() -> None:
    written = texts(a_drift_display().plot().ax_)
    assert written[:4] == ["0.300", "0.050", "0.020", "PSI"]
    assert written[4:8] == ["0.200", "-", "0.010", "KS\ndistance"]
    assert written[8:] == ["< 0.001", "-", "0.800", "p-value\nof KS"]
    assert texts(a_drift_display(ks=None, ks_p_value=None).plot().ax_) == written[:4]


def test_rules_of_thumb_are_drawn_where_they_fall_into_the_picture() -> None:
    def rules(display: Any) -> list[float]:
        return [float(line.get_xdata()[0]) for line in display.ax_.lines if line.get_gid() == "rule"]

    assert rules(a_drift_display().plot()) == [0.1, 0.25]
    assert legend_of(a_drift_display().plot())[-1] == "0.1 and 0.25: rules of thumb"
    small = a_drift_display(psi=[0.01, 0.02, 0.03]).plot()
    assert rules(small) == []
    assert legend_of(small) == [
        "beyond noise",
        "within noise",
        "noise of independent samples (95 %)",
        "noise of these customers (95 %)",
    ]


def test_indicators_that_do_not_move_are_drawn() -> None:
    display = plot.DriftDisplay(["a"], psi=[0.0]).plot()
    assert display.ax_.get_xlim()[1] > 0.0
    assert display.ax_.get_title() == "Drift of the indicators"


def moments() -> tuple[pd.DataFrame, pd.DataFrame, rfm.ScoreTable]:
    rng = np.random.default_rng(2)
    before = pd.DataFrame({"turnover": rng.lognormal(3.0, 1.0, 400), "visits": rng.poisson(4.0, 400) * 1.0})
    after = before.iloc[20:] * np.array([1.6, 1.0])
    after = pd.concat([after, pd.DataFrame({"turnover": [5.0] * 30, "visits": [1.0] * 30}, index=range(900, 930))])
    cuts = [rfm.ScoreCuts(name="turnover", method="thresholds", cuts=[15.0, 40.0])]
    return before, after, rfm.ScoreTable(columns=cuts)


def test_the_drift_of_two_moments_is_drawn() -> None:
    before, after, _ = moments()
    found = rfm.drift(before, after, n_permutations=19, confidence=0.9, random_state=0)
    display = plot.DriftDisplay.from_drift(found)
    order = np.argsort(-found.psi)
    assert display.indicators == tuple(found.indicators[place] for place in order)
    for name in ("psi", "psi_limit", "psi_permuted_limit", "ks", "ks_p_value"):
        np.testing.assert_array_equal(getattr(display, name), getattr(found, name)[order])
    assert (display.n_before, display.n_after, display.confidence) == (400, 410, 0.9)
    assert display.indicators[0] == "turnover"
    assert "noise of these customers (90 %)" in legend_of(display.plot())
    assert plot.DriftDisplay.from_drift(rfm.drift(before, after)).psi_permuted_limit is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"psi": [0.1]}, r"psi has shape \(1,\); allowed: \(3,\)"),
        ({"psi": [0.1, 0.2, -0.1]}, r"psi holds -0\.1; allowed: numbers from 0"),
        ({"psi_limit": [0.1, -0.2, 0.1]}, r"psi_limit holds numbers outside \[0, inf\]"),
        ({"psi_permuted_limit": [0.1]}, r"psi_permuted_limit has shape \(1,\); allowed: \(3,\)"),
        ({"ks": [0.1, 1.2, 0.1]}, r"ks holds numbers outside \[0, 1\]"),
        ({"ks_p_value": [0.1, 1.2, 0.1]}, r"ks_p_value holds numbers outside \[0, 1\]"),
        ({"confidence": 1.0}, r"confidence is 1\.0; allowed: numbers between 0 and 1"),
        ({"confidence": "x"}, r"confidence is 'x'; allowed: numbers between 0 and 1"),
        ({"confidence": None}, r"confidence is None; allowed: numbers between 0 and 1"),
        ({"n_before": "many"}, r"n_before must be a whole number from 0"),
        ({"n_after": -1}, r"n_after must be a whole number from 0"),
        ({"indicators": ["a", "a", "b"]}, r"indicators names 'a' twice"),
    ],
)
def test_drifts_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        a_drift_display(**change)


# Segments -----------------------------------------------------------------------------------------------------


def test_shares_of_the_rows_are_drawn_and_cells_of_few_hatched() -> None:
    display = a_migration_display().plot()
    assert display.segments == ("loyal", "new", "rare")
    expected = [[0.75, 0.25, 0.0], [np.nan, np.nan, 0.0], [np.nan, 0.0, 0.0]]
    np.testing.assert_array_equal(display.shares, expected)
    image: Any = display.ax_.images[0]
    drawn = np.ma.filled(image.get_array(), np.nan)
    np.testing.assert_array_equal(drawn, np.where(np.array(expected) == 0.0, np.nan, expected))
    assert texts(display.ax_) == ["75 %", "25 %", "40", "20", "< 5", "customers"]
    few = [patch.get_xy() for patch in display.ax_.patches if patch.get_gid() == "few"]  # type: ignore[attr-defined]  # rectangles
    assert few == [(-0.5, 0.5), (0.5, 0.5), (-0.5, 1.5)]
    assert len([patch for patch in display.ax_.patches if patch.get_gid() == "stayed"]) == 3
    assert legend_of(display) == ["fewer than 5 customers,\nor hidden beside such a cell", "no customer"]


@pytest.mark.parametrize(
    ("row", "hidden", "total", "n"),
    [
        ([2, 18, 0, 0], "1100", "20", "120"),
        ([2, 18, 30, 40], "1100", "90", "190"),
        ([1, 2, 30, 40], "1110", "73", "173"),
        ([9, 18, 30, 40], "0000", "97", "197"),
        ([0, 4, 0, 0], "0100", "< 5", "100+"),
        ([1, 2, 0, 0], "1100", "< 5", "100+"),
        ([0, 0, 0, 0], "0000", "0", "100"),
        ([1, 1, 1, 2], "1111", "5", "105"),
    ],
)
def test_by_hand_no_move_can_be_got_by_subtraction(row: list[int], hidden: str, total: str, n: str) -> None:
    """A row of 20 of whom 90 % went one way tells that 2 went the other, so both are hidden."""
    others = np.diag([100, 0, 0])
    customers = np.vstack([row, np.hstack([np.zeros((3, 1)), others])])
    display = plot.SegmentMigrationDisplay(["a", "b", "c", "d"], customers=customers).plot()
    there = [place for place, name in enumerate("abcd") if name in display.segments]
    if any(row):
        assert "".join(str(int(one)) for one in display.hidden[0]) == "".join(hidden[k] for k in there)
        assert np.isnan(display.shares[0]).tolist() == display.hidden[0].tolist()
        assert total in texts(display.ax_)
    assert display.ax_.get_title().split("\n")[1] == f"n = {n} at both moments"


def test_a_row_of_single_customers_has_no_total() -> None:
    """Five hatched cells of five customers would be one customer each."""
    names = [f"s{k}" for k in range(6)]
    customers = np.zeros((6, 6))
    customers[0, :5], customers[5, 5] = 1, 50
    display = plot.SegmentMigrationDisplay(names, customers=customers).plot()
    assert "5+" in texts(display.ax_)
    assert display.ax_.get_title() == "Segment migration\nn = 50+ at both moments"


def test_rows_come_from_and_columns_go_to() -> None:
    axes = a_migration_display().plot().ax_
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("segment after", "segment before")
    low, high = axes.get_ylim()
    assert low > high  # the first segment is on top
    assert axes.get_title() == "Segment migration\nn = 60+ at both moments, 12 came, 7 left"
    customers = [[30, 10, 0, 0], [6, 14, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    without = a_migration_display(entrants=None, customers=customers).plot().ax_
    assert without.get_title() == "Segment migration\nn = 60 at both moments"


def test_above_twelve_segments_less_is_written() -> None:
    display = plot.SegmentMigrationDisplay([f"s{k}" for k in range(13)], customers=np.diag([9] * 13)).plot()
    assert texts(display.ax_)[:13] == ["100"] * 13


def test_the_migration_of_a_drift_is_drawn() -> None:
    before, after, cuts = moments()
    found = rfm.drift(before, after, cuts_before=cuts)
    display = plot.SegmentMigrationDisplay.from_drift(found)
    assert display.segments == found.states
    np.testing.assert_array_equal(display.customers, found.migration)
    assert (display.entrants, display.leavers) == (30, 20)
    shares = found.migration_shares().pivot_table(index="before", columns="after", values="share")
    np.testing.assert_allclose(display.shares, np.where(display.hidden, np.nan, shares))
    assert display.hidden[(found.migration > 0) & (found.migration < 5)].all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"customers": [[1.0]]}, r"customers has shape \(1, 1\) and counts 1; allowed: \(4, 4\)"),
        ({"customers": np.zeros((4, 4))}, r"customers has shape \(4, 4\) and counts 0"),
        ({"customers": np.full((4, 4), 0.5)}, r"customers holds numbers that count nobody"),
        ({"segments": ["a"] * 4}, r"segments names 'a' twice"),
        ({"entrants": "12"}, r"entrants must be a whole number from 0"),
        ({"leavers": 1.5}, r"leavers must be a whole number from 0"),
        (
            {"segments": [f"s{k}" for k in range(41)], "customers": np.eye(41)},
            r"41 segments have customers; allowed: up to 40 in one picture. Use a segment map",
        ),
    ],
)
def test_migrations_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        a_migration_display(**change)


def test_a_drift_without_segments_has_no_migration() -> None:
    before, after, _ = moments()
    with pytest.raises(DomainError, match=r"drift has no segments; give rfm.drift cuts_before="):
        plot.SegmentMigrationDisplay.from_drift(rfm.drift(before, after))
