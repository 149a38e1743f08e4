"""The display of tier migration draws the customers it was given, tier by tier and flow by flow."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer
from matplotlib.patches import PathPatch

from custvalue import plot, tiers
from custvalue.exceptions import DomainError
from pictures import draws_where_it_is_told, keeps_inside_and_apart, legend_of, lets_every_text_be_replaced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from custvalue._typing import FloatArray

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _no_figure_stays_open() -> Iterator[None]:
    yield
    plt.close("all")


COUNTS = [[60, 12, 3], [8, 40, 10], [0, 6, 21]]


def a_tier_display(**changes: Any) -> plot.TierMigrationDisplay:
    given: dict[str, Any] = {
        "tiers": ["basic", "gold", "platinum"],
        "customers": COUNTS,
        "periods": ("2024", "2025"),
    }
    given |= changes
    return plot.TierMigrationDisplay(given.pop("tiers"), **given)


def an_outside_display() -> plot.TierMigrationDisplay:
    return a_tier_display(outside=["basic"], customers=[[60, 12, 9], [8, 1, 2], [9, 1, 0]])


def an_unordered_display() -> plot.TierMigrationDisplay:
    return a_tier_display(ordered=False)


DISPLAYS = pytest.mark.parametrize(
    "make", [a_tier_display, an_outside_display, an_unordered_display], ids=lambda make: make.__name__
)


def flows(display: Any) -> dict[str, Any]:
    return {str(part.get_gid()): part for part in display.ax_.patches if isinstance(part, PathPatch)}


def ends(flow: Any) -> tuple[tuple[float, float], tuple[float, float]]:
    """Give lower and upper end of a band at the left and at the right."""
    vertices: FloatArray = flow.get_path().vertices
    found = []
    for x in (vertices[:, 0].min(), vertices[:, 0].max()):
        heights = vertices[vertices[:, 0] == x, 1]
        found.append((float(heights.min()), float(heights.max())))
    return found[0], found[1]


def bars(display: Any, side: int) -> list[tuple[float, float]]:
    """Give lower and upper end of each tier's bar in a period."""
    parts = [part for part in display.ax_.containers if isinstance(part, BarContainer)]
    found = [bar for part in parts for bar in part if bar.get_gid() == f"period {side}"]
    return [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in found]


@DISPLAYS
def test_each_draws_into_the_axes_it_is_given_and_leaves_settings_alone(make: Any) -> None:
    draws_where_it_is_told(make)


@DISPLAYS
def test_each_lets_every_text_be_replaced(make: Any) -> None:
    lets_every_text_be_replaced(make)


@DISPLAYS
def test_each_keeps_its_texts_inside_the_figure_and_apart(make: Any) -> None:
    display = make().plot()
    keeps_inside_and_apart(display, (*display.ax_.texts, display.ax_.title))


def test_bars_and_bands_are_as_high_as_their_customers_to_one_scale() -> None:
    display = a_tier_display().plot()
    counts = np.array(COUNTS, dtype=float)
    heights = [np.array([top - low for low, top in bars(display, side)]) for side in (0, 1)]
    scale = heights[0].sum() / counts.sum()
    np.testing.assert_allclose(heights[0], counts.sum(axis=1) * scale)
    np.testing.assert_allclose(heights[1], counts.sum(axis=0) * scale)
    for name, flow in flows(display).items():
        start, end = (display.tiers.index(part) for part in name.split(" -> "))
        if counts[start, end] >= 5:
            for low, top in ends(flow):
                assert top - low == pytest.approx(counts[start, end] * scale)
    assert set(flows(display)) == {
        f"{a} -> {b}" for (a, i), (b, j) in itertools.product(
            zip(display.tiers, range(3), strict=True), repeat=2) if COUNTS[i][j]
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_bands_fill_the_bars_without_gap_or_overlap(seed: int) -> None:
    counts = np.random.default_rng(seed).integers(5, 60, (5, 5))
    names = [f"t{k}" for k in range(5)]
    display = plot.TierMigrationDisplay(names, customers=counts).plot()
    found = {name: ends(flow) for name, flow in flows(display).items()}
    for side, tier in itertools.product((0, 1), range(5)):
        mine = [spans[side] for name, spans in found.items() if name.split(" -> ")[side] == names[tier]]
        mine.sort()
        low, top = bars(display, side)[tier]
        np.testing.assert_allclose([mine[0][0], mine[-1][1]], [low, top])
        np.testing.assert_allclose([upper for _, upper in mine[:-1]], [lower for lower, _ in mine[1:]])


def test_the_highest_tier_is_on_top_and_bands_do_not_cross_needlessly() -> None:
    display = a_tier_display().plot()
    assert [low for low, _ in bars(display, 0)] == sorted(low for low, _ in bars(display, 0))
    found = {name: ends(flow) for name, flow in flows(display).items()}
    assert found["gold -> platinum"][0][0] > found["gold -> gold"][0][0] > found["gold -> basic"][0][0]
    assert found["platinum -> gold"][1][0] > found["gold -> gold"][1][0] > found["basic -> gold"][1][0]


def test_by_hand_the_kinds_of_flow_are_coloured_and_counted() -> None:
    """Of 160 customers 121 stayed, 25 moved up and 14 down."""
    display = a_tier_display().plot()
    assert display.shares == {"stayed": 121 / 160, "moved up": 25 / 160, "moved down": 14 / 160}
    assert legend_of(display) == [
        "stayed (76 %)",
        "moved up (16 %)",
        "moved down (8.8 %)",
        "flow of fewer than 5 customers",
    ]
    found = flows(display)
    colours = {name: to_hex(flow.get_edgecolor()) for name, flow in found.items()}
    assert colours["basic -> gold"] == colours["gold -> platinum"] == colours["basic -> platinum"]
    assert colours["gold -> basic"] == colours["platinum -> gold"]
    assert len(set(colours.values())) == 3
    assert found["gold -> basic"].get_hatch()
    assert display.ax_.get_title() == "Tier migration\nn = 160"


def test_a_flow_of_few_is_a_dashed_line_without_a_number() -> None:
    display = a_tier_display().plot()
    flow = flows(display)["basic -> platinum"]
    assert not flow.get_fill()
    assert flow.get_linestyle() in {"--", "dashed"}
    written = [text.get_text() for text in display.ax_.texts]
    assert "4.0 %" not in written
    assert {"80 %", "16 %", "69 %"} <= set(written)  # 60 and 12 of 75, 40 of 58


def test_tiers_are_named_with_their_customers_and_shares() -> None:
    written = [text.get_text() for text in a_tier_display().plot().ax_.texts]
    assert written[-8:-4] == ["basic\n75 (47 %)", "gold\n58 (36 %)", "platinum\n27 (17 %)", "2024"]
    assert written[-4:] == ["basic\n68 (42 %)", "gold\n58 (36 %)", "platinum\n34 (21 %)", "2025"]


def test_a_tier_of_few_has_no_count() -> None:
    written = [
        text.get_text() for text in a_tier_display(customers=[[9, 0, 0], [0, 3, 0], [0, 0, 9]]).plot().ax_.texts
    ]
    assert written.count("gold\nfewer than 5") == 2


def test_empty_tiers_and_a_single_one_are_drawn() -> None:
    counts = np.zeros((12, 12))
    counts[0, 0] = counts[0, 11] = 50
    display = plot.TierMigrationDisplay([f"t{k}" for k in range(12)], customers=counts).plot()
    assert "t5\n0 (0 %)" in [text.get_text() for text in display.ax_.texts]
    assert plot.TierMigrationDisplay(["all"], customers=[[9]]).plot().shares == {"stayed": 1.0}


def test_tiers_outside_the_ladder_are_come_from_and_gone_to() -> None:
    """Of 102 customers 61 stayed, 38 came or went; 2 moved up and 1 down."""
    display = an_outside_display()
    assert display.shares == {
        "stayed": 61 / 102,
        "moved up": 2 / 102,
        "moved down": 1 / 102,
        "came or went": 38 / 102,
    }


def test_cells_that_are_no_ladder_only_move() -> None:
    assert an_unordered_display().shares == {"stayed": 121 / 160, "moved": 39 / 160}


def test_a_migration_of_the_tiers_room_is_drawn() -> None:
    before = ["low"] * 20 + ["high"] * 12
    after = ["low"] * 14 + ["high"] * 6 + ["low"] * 5 + ["high"] * 7
    found = tiers.migration_matrix(before, after, states=["low", "high"])
    display = plot.TierMigrationDisplay.from_migration(found, periods=("Q1", "Q2"))
    np.testing.assert_array_equal(display.customers, [[14, 6], [5, 7]])
    assert display.periods == ("Q1", "Q2")
    assert display.shares["moved up"] == found.upgraded
    assert display.shares["moved down"] == found.downgraded


def test_absent_customers_of_a_replay_stand_at_the_bottom() -> None:
    policy = tiers.TierPolicy.ladder(["basic", "gold"], [500], down=[400])
    score = np.tile([[520.0, 480.0], [60.0, 700.0]], (6, 1))
    score[:5, 1] = np.nan
    panel = tiers.Panel.from_wide({"score": score}, customers=list(range(12)), on_missing="report")
    found = tiers.replay(policy, panel).migrations(absent="state")[0]
    display = plot.TierMigrationDisplay.from_migration(found)
    assert display.tiers == ("absent", "basic", "gold")
    assert display.outside == ("absent",)
    assert display.customers.sum() == found.counts.sum()
    place = [found.states.index(name) for name in display.tiers]
    np.testing.assert_array_equal(display.customers, found.counts[np.ix_(place, place)])
    assert display.shares["came or went"] == pytest.approx(5 / 12)


def test_weighted_migrations_are_refused() -> None:
    found = tiers.migration_matrix(["a", "b"], ["b", "b"], states=["a", "b"], weights=[100.0, 5.0])
    with pytest.raises(DomainError, match=r"migration is weighted.*made without weights"):
        plot.TierMigrationDisplay.from_migration(found)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"customers": [[1.0]]}, r"customers has shape \(1, 1\) and counts 1; allowed: \(3, 3\)"),
        ({"customers": np.zeros((3, 3))}, r"customers has shape \(3, 3\) and counts 0"),
        ({"customers": np.full((3, 3), 0.5)}, r"customers holds numbers that count nobody"),
        ({"customers": np.full((3, 3), -1.0)}, r"customers holds numbers that count nobody"),
        ({"periods": ("a",)}, r"periods is \('a',\); allowed: two names"),
        ({"periods": "ab"}, r"periods is 'ab'; allowed: two names"),
        ({"outside": ["silver"]}, r"outside is \['silver'\]; allowed: a sequence of"),
        ({"outside": None}, r"outside is None; allowed: a sequence of"),
        ({"periods": None}, r"periods is None; allowed: two names"),
        ({"outside": "basic"}, r"outside is 'basic'; allowed: a sequence of"),
        ({"tiers": ["a", "a", "b"]}, r"tiers names 'a' twice"),
    ],
)
def test_migrations_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        a_tier_display(**change)
