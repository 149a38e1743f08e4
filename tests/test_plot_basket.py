"""The displays of the basket room draw the counts and measures that they were given, and hide few customers."""

from __future__ import annotations

import gzip
import itertools
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer
from matplotlib.patches import Circle, PathPatch, Rectangle

from custvalue import basket, plot
from custvalue._displays.pair_heat_map import leaves
from custvalue._displays.product_network_drawing import apart, without_stripes
from custvalue.exceptions import DomainError
from pictures import draws_where_it_is_told, keeps_inside_and_apart, legend_of, lets_every_text_be_replaced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from custvalue._typing import FloatArray

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _no_figure_stays_open() -> Iterator[None]:
    yield
    plt.close("all")


#: Two groups of products that go together, one that goes with none, and a pair of three customers.
HELD = {
    ("account", "card"): 400,
    ("account", "card", "overdraft"): 120,
    ("account",): 150,
    ("fund", "deposit"): 200,
    ("fund",): 60,
    ("deposit", "gold"): 3,
    ("gold",): 30,
    ("fund", "deposit", "savings plan"): 40,
    ("safe deposit box",): 50,
}


def baskets() -> basket.Baskets:
    return basket.Baskets.from_lists([list(held) for held in HELD], counts=list(HELD.values()))


def a_bank(customers: int, products: int, seed: int = 0) -> basket.Baskets:
    """Draw holdings from three kinds of customers, each with products of its own."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, customers)
    liked = np.arange(products) % 3 == kind[:, None]
    flags = rng.random((customers, products)) < np.where(liked, 0.35, 0.1)
    names = [f"{['savings', 'insurance', 'card'][k % 3]} product {k}" for k in range(products)]
    return basket.Baskets.from_wide(pd.DataFrame(flags, columns=names), products=names)


def network_display() -> plot.ProductNetworkDisplay:
    return plot.ProductNetworkDisplay.from_network(basket.network(basket.pairs(baskets())))


def heat_map() -> plot.PairHeatmapDisplay:
    return plot.PairHeatmapDisplay.from_pairs(basket.pairs(baskets()))


def confidence_map() -> plot.PairHeatmapDisplay:
    return plot.PairHeatmapDisplay.from_pairs(basket.pairs(baskets()), measure="confidence")


def scatter() -> plot.RuleScatterDisplay:
    return plot.RuleScatterDisplay.from_rules(basket.rules(baskets(), min_count=2))


def two_key() -> plot.TwoKeyDisplay:
    return plot.TwoKeyDisplay.from_rules(basket.rules(baskets(), min_count=2))


#: Old product, state, new product, customers.
FLOWS = [
    ("passbook", "moved", "app", 60),
    ("passbook", "kept_both", "app", 20),
    ("passbook", "had_before", "fund", 8),
    ("passbook", "left", None, 12),
    ("cheque", "moved", "fund", 30),
    ("cheque", "took_later", "app", 3),
    ("cheque", "stayed", None, 40),
    ("cheque", "undecided", None, 7),
]


def a_flow() -> plot.SubstitutionFlowDisplay:
    return plot.SubstitutionFlowDisplay(FLOWS)


def bars(**changes: Any) -> plot.CompositeFieldDisplay:
    given: dict[str, Any] = {
        "fields": ["A1", "B2", "A2"],
        "names": [("passbook", "app"), ("cheque", "fund"), ("cheque", "app")],
        "customers": [75, 20, 3],
        "shares": [0.6, 0.25, 0.024],
        "intervals": [(0.51, 0.68), (0.17, 0.36), (0.01, 0.07)],
        "verdicts": ["substitution", "no evidence", "possible add-on"],
        "count": 4,
    }
    given |= changes
    return plot.CompositeFieldDisplay(given.pop("fields"), **given)


MAKERS: list[Callable[[], Any]] = [network_display, heat_map, confidence_map, scatter, two_key, a_flow, bars]
DISPLAYS = pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)


@DISPLAYS
def test_each_draws_into_the_axes_it_is_given_and_leaves_settings_alone(make: Any) -> None:
    draws_where_it_is_told(make)


@DISPLAYS
def test_each_lets_every_text_be_replaced(make: Any) -> None:
    lets_every_text_be_replaced(make)


@DISPLAYS
def test_each_keeps_its_texts_inside_the_figure_and_apart(make: Any) -> None:
    display = make().plot()
    axes = display.ax_
    labels = [*axes.get_yticklabels(), *axes.texts, axes.title] if axes.axison else [*axes.texts, axes.title]
    keeps_inside_and_apart(display, labels)
    legend = axes.get_legend()
    if legend is not None:
        renderer = display.figure_.canvas.get_renderer()
        names = [axes.xaxis.label, *axes.get_xticklabels()] if axes.axison else list(axes.texts)
        box = legend.get_window_extent(renderer)
        assert not any(box.overlaps(text.get_window_extent(renderer)) for text in names if text.get_text())


def test_the_real_holdings_and_groceries_are_drawn_inside_and_apart(shared: Path) -> None:
    frame = pd.read_csv(shared / "data" / "baskets" / "berka_holdings.csv.gz")
    held = basket.Baskets.from_long(frame, customer="client_id", product="product")
    pairs = basket.pairs(held)
    display = plot.ProductNetworkDisplay.from_network(basket.network(pairs)).plot()
    keeps_inside_and_apart(display, display.ax_.texts)
    names_and_nodes_are_apart(display)
    found = plot.PairHeatmapDisplay.from_pairs(pairs).plot()
    keeps_inside_and_apart(found, found.ax_.get_yticklabels())
    with gzip.open(shared / "data" / "baskets" / "groceries.csv.gz", "rt", encoding="utf-8") as file:
        sold = basket.Baskets.from_lists([line.strip().split(",") for line in file])
    network = plot.ProductNetworkDisplay.from_network(basket.network(basket.pairs(sold))).plot(most=60)
    keeps_inside_and_apart(network, network.ax_.texts)
    names_and_nodes_are_apart(network)


# The network ------------------------------------------------------------------------------------------------


def nodes(display: Any) -> dict[str, Any]:
    found = [part for part in display.ax_.patches if isinstance(part, Circle)]
    return {str(part.get_gid()).removeprefix("node "): part for part in found}


def lines(display: Any) -> dict[str, Any]:
    return {str(line.get_gid()): line for line in display.ax_.lines}


def note_of(display: Any) -> str:
    """Give the lines above the legend."""
    return str(display.ax_.get_legend().get_title().get_text())


def names_and_nodes_are_apart(display: Any) -> None:
    display.figure_.canvas.draw()
    discs = [disc.get_window_extent() for disc in nodes(display).values()]
    names = [text.get_window_extent() for text in display.ax_.texts]
    assert len(discs) == len(names)
    assert not any(name.overlaps(disc) for name, disc in itertools.product(names, discs))
    assert not any(one.overlaps(other) for one, other in itertools.combinations([*discs, *names], 2))


def test_areas_are_as_the_holders_and_colours_as_the_communities() -> None:
    display = network_display().plot()
    found = nodes(display)
    # 670 hold the account, 520 of them the card: HELD by hand.
    ratio = (found["card"].radius / found["account"].radius) ** 2
    assert ratio == pytest.approx(520 / 670)
    assert found["card"].get_facecolor() == found["account"].get_facecolor()
    assert found["fund"].get_facecolor() == found["deposit"].get_facecolor() != found["card"].get_facecolor()


def test_by_hand_the_line_style_tells_how_many_hold_both() -> None:
    """520 hold account and card, 240 fund and deposit, 120 a card and an overdraft, 40 a savings plan."""
    pairs = basket.pairs(baskets())
    found = basket.network(pairs, line_styles=["dotted", "dashed", "solid"], frequency_cuts=[100, 300])
    display = plot.ProductNetworkDisplay.from_network(found).plot()
    drawn = lines(display)
    styles = {name: line.get_linestyle() for name, line in drawn.items()}
    assert styles["account - card"] == "-"
    assert styles["deposit - fund"] == styles["card - overdraft"] == "--"
    assert styles["fund - savings plan"] == ":"
    widths = [drawn[name].get_linewidth() for name in ("fund - savings plan", "deposit - fund", "account - card")]
    assert widths == sorted(set(widths))
    assert legend_of(display) == ["300 and more", "100 to 299", "fewer than 100"]
    title = note_of(display)
    assert "without a line: gold, safe deposit" in title
    assert title.endswith("customers who hold both:")


def test_lines_end_at_the_nodes_they_join() -> None:
    display = network_display().plot()
    places = {name: disc.center for name, disc in nodes(display).items()}
    for name, line in lines(display).items():
        first, second = name.split(" - ")
        ends = np.column_stack([line.get_xdata(), line.get_ydata()])
        np.testing.assert_allclose(ends, [places[first], places[second]])


@pytest.mark.parametrize("products", [12, 25, 40])
def test_names_cover_neither_nodes_nor_each_other(products: int) -> None:
    found = basket.network(basket.pairs(a_bank(4000, products)))
    display = plot.ProductNetworkDisplay.from_network(found).plot(most=60)
    names_and_nodes_are_apart(display)
    keeps_inside_and_apart(display, display.ax_.texts)


def test_names_cover_nothing_in_small_axes_either() -> None:
    figure, axes = plt.subplots(figsize=(6.0, 5.0), layout="constrained")
    display = network_display().plot(ax=axes)
    assert display.figure_ is figure
    names_and_nodes_are_apart(display)


def test_only_the_strongest_lines_are_drawn_and_the_picture_says_so() -> None:
    found = basket.network(basket.pairs(a_bank(4000, 25)))
    display = plot.ProductNetworkDisplay.from_network(found).plot(most=10)
    edges = found.edges()
    strongest = edges.sort_values("weight", ascending=False).head(10)
    assert set(lines(display)) == {
        f"{a} - {b}" for a, b in zip(strongest["source"], strongest["target"], strict=True)
    }
    text = f"the strongest 10 of {len(edges)} lines are drawn"
    assert text in note_of(display)


def test_cuts_below_five_customers_are_not_told() -> None:
    display = plot.ProductNetworkDisplay(
        ["a", "b", "c"], customers=[9, 9, 9], positions=[[0, 0], [1, 0], [0, 1]], edges=[("a", "b"), ("b", "c")],
        edge_customers=[1, 7], frequency_cuts=[2, 6],
    ).plot()  # fmt: skip
    assert display.cuts == (5.0, 6.0)
    assert legend_of(display) == ["6 and more", "fewer than 5"]


def test_an_unjoined_network_and_one_product_are_drawn() -> None:
    alone = plot.ProductNetworkDisplay(
        ["a"], customers=[9], positions=[[0, 0]], edges=[], edge_customers=[]
    ).plot()
    assert "no two products are joined" in note_of(alone)
    assert set(nodes(alone)) == {"a"}


def test_after_six_communities_nodes_are_hollow() -> None:
    names = [f"p{k}" for k in range(8)]
    edges = list(itertools.pairwise(names))
    display = plot.ProductNetworkDisplay(
        names, customers=[9] * 8, positions=np.column_stack([np.arange(8), np.zeros(8)]), edges=edges,
        edge_customers=[5] * 7, communities=range(1, 9),
    ).plot()  # fmt: skip
    found = nodes(display)
    looks = [(to_hex(disc.get_facecolor()), to_hex(disc.get_edgecolor())) for disc in found.values()]
    assert len(set(looks)) == 8
    assert to_hex(found["p6"].get_facecolor()) == "#ffffff"


def test_products_held_together_rarely_are_told_so() -> None:
    found = basket.network(basket.pairs(baskets()), alternative="less")
    display = plot.ProductNetworkDisplay.from_network(found)
    assert display.title == "Products rarely held together"
    assert display.plot().ax_.get_title() == "Products rarely held together"


@pytest.mark.parametrize("seed", range(4))
def test_boxes_are_moved_apart_and_keep_their_neighbourhood(seed: int) -> None:
    rng = np.random.default_rng(seed)
    start, sizes = rng.random((30, 2)), rng.uniform(0.2, 1.2, (30, 2))
    found = apart(start, sizes)
    between = np.abs(found[:, None] - found[None])
    reach = (sizes[:, None] + sizes[None]) / 2
    free = np.asarray((between >= reach - 1e-6).any(axis=2))
    assert (free | np.eye(30, dtype=np.bool_)).all()
    for axis in (0, 1):
        assert np.corrcoef(start[:, axis], found[:, axis])[0, 1] > 0.9


def test_products_at_one_place_are_moved_apart() -> None:
    names = ["hub", *(f"product number {k}" for k in range(15))]
    display = plot.ProductNetworkDisplay(
        names, customers=[1000] + [50] * 15, positions=np.zeros((16, 2)),
        edges=[("hub", name) for name in names[1:]], edge_customers=range(5, 20), frequency_cuts=[8, 12, 16],
    ).plot()  # fmt: skip
    names_and_nodes_are_apart(display)
    assert display.figure_.get_size_inches().max() < 9.0


def test_by_hand_empty_stripes_are_closed() -> None:
    """Boxes of extent 1 at 0.5 and 10.5 end with .35 between them."""
    found = without_stripes(np.array([10.5, 0.5, 0.9]), np.ones(3))
    np.testing.assert_allclose(found, [1.4 + 0.35 + 0.5, 0.5, 0.9])


NETWORK: dict[str, Any] = {
    "products": ["a", "b"],
    "customers": [9, 9],
    "positions": [[0, 0], [1, 1]],
    "edges": [("a", "b")],
    "edge_customers": [5],
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"products": ["a", "a"]}, r"products names 'a' twice"),
        ({"customers": [9]}, r"customers has shape \(1,\); allowed: \(2,\)"),
        ({"customers": [9, 0.5]}, r"customers holds numbers that count nobody"),
        ({"positions": [[0, 0]]}, r"positions has shape \(1, 2\); allowed: \(2, 2\)"),
        ({"edges": [("a", "c")]}, r"edges holds \('a', 'c'\); allowed: pairs of different names of a, b"),
        ({"edges": [("a", "a")]}, r"edges holds \('a', 'a'\)"),
        ({"edges": ["ab"]}, r"edges holds 'ab'"),
        ({"edges": [("a", "b"), ("b", "a")], "edge_customers": [5, 5]}, r"edges names a pair twice"),
        ({"edge_customers": [5, 6]}, r"edge_customers has shape \(2,\); allowed: \(1,\)"),
        ({"weights": [1, 2]}, r"weights has shape \(2,\); allowed: \(1,\)"),
        ({"frequency_cuts": [9, 6]}, r"frequency_cuts has 2 numbers.*rising numbers"),
        (
            {"frequency_cuts": [6], "line_styles": ["solid"]},
            r"frequency_cuts has 1 numbers.*at least one style more",
        ),
        ({"communities": [1]}, r"communities has shape \(1,\)"),
    ],
)
def test_networks_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    given = NETWORK | change
    with pytest.raises(DomainError, match=message):
        plot.ProductNetworkDisplay(given.pop("products"), **given)


def test_a_number_of_lines_below_one_is_refused() -> None:
    with pytest.raises(DomainError, match=r"most is 0; allowed: whole numbers from 1"):
        network_display().plot(most=0)


# The heat map -----------------------------------------------------------------------------------------------


def test_a_heat_map_shows_the_measure_of_each_pair_and_marks_the_significant_ones() -> None:
    pairs = basket.pairs(baskets())
    display = plot.PairHeatmapDisplay.from_pairs(pairs, order="given").plot()
    assert display.products == pairs.products
    phi, p = pairs.matrix("phi"), pairs.matrix("log10_p_adjusted")
    few = (pairs.n11 > 0) & (pairs.n11 < 5)
    shown = ~np.eye(len(phi), dtype=bool) & ~few
    drawn = display.values  # noqa: PD011 - no frame
    np.testing.assert_allclose(drawn[shown], phi[shown])
    assert np.isnan(drawn[~shown]).all()
    dots: list[Any] = [line for line in display.ax_.lines if line.get_gid() == "significant"]
    marked = {(line.get_xdata()[0], round(line.get_ydata()[0])) for line in dots}
    significant = np.nan_to_num(p, nan=0.0) <= np.log10(0.05)
    assert marked == {(j, i) for i, j in np.argwhere(significant & shown)}
    assert marked
    assert legend_of(display) == [
        "held together more often than by chance, p <= 0.05 (Holm)",
        "1 to 4 customers hold both",
    ]


def test_a_pair_of_three_customers_has_neither_number_nor_mark() -> None:
    display = plot.PairHeatmapDisplay.from_pairs(basket.pairs(baskets()), order="given").plot()
    place = display.products.index("deposit"), display.products.index("gold")
    assert display.few[place]
    assert np.isnan(display.values[place])  # noqa: PD011 - no frame
    hatched = [part for part in display.ax_.patches if isinstance(part, Rectangle) and part.get_hatch()]
    assert len(hatched) == 2


def test_colours_change_at_independence() -> None:
    for measure, centre in (("phi", 0.0), ("lift", 1.0)):
        display = plot.PairHeatmapDisplay.from_pairs(basket.pairs(baskets()), measure=measure).plot()
        image: Any = display.ax_.images[0]
        assert display.centre == centre
        assert float(image.norm(centre)) == pytest.approx(0.5)
        largest = np.nanmax(display.values)
        assert float(image.norm(largest)) > 0.5 > float(image.norm(image.norm.vmin))


def test_a_ratio_is_as_far_from_independence_as_its_inverse() -> None:
    values = [[1.0, 4.0, 0.25], [4.0, 1.0, 0.0], [0.25, np.inf, 1.0]]
    display = plot.PairHeatmapDisplay(["a", "b", "c"], values=values, centre=1.0, ratio=True).plot()
    image: Any = display.ax_.images[0]
    np.testing.assert_allclose([image.norm.vmin, image.norm.vmax], [0.25, 4.0])
    drawn = image.get_array()
    # What has no place on the scale has the colours of its ends.
    assert drawn[1, 2] == pytest.approx(0.25)
    assert drawn[2, 1] == pytest.approx(4.0)


def test_by_hand_a_few_extreme_pairs_leave_colours_to_the_others() -> None:
    """Of 66 pairs one is at -1, all others at most .2 from 0: 98 % of them are the others."""
    values = np.random.default_rng(0).uniform(-0.2, 0.2, (12, 12))
    values[0, 1] = values[1, 0] = -1.0
    display = plot.PairHeatmapDisplay([f"p{k}" for k in range(12)], values=values, centre=0.0).plot()
    image: Any = display.ax_.images[0]
    assert 0.19 < image.norm.vmax <= 0.2
    assert image.norm.vmin == -image.norm.vmax
    assert image.colorbar.extend == "min"


def test_a_measure_with_a_direction_names_rows_and_columns() -> None:
    display = confidence_map().plot()
    assert (display.centre, display.symmetric) == (None, False)
    assert (display.ax_.get_ylabel(), display.ax_.get_xlabel()) == ("holds", "also holds")


def test_by_hand_the_leaves_put_related_products_beside_each_other() -> None:
    """Products 0 and 2, and 1 and 3, belong together, the two pairs exclude each other."""
    phi = np.array(
        [[1.0, -0.2, 0.8, -0.3], [-0.2, 1.0, -0.2, 0.7], [0.8, -0.2, 1.0, -0.1], [-0.3, 0.7, -0.1, 1.0]]
    )
    order = leaves(phi).tolist()
    assert abs(order.index(0) - order.index(2)) == 1
    assert abs(order.index(1) - order.index(3)) == 1
    # Of the ends that meet, 2 and 3 are the nearest.
    assert abs(order.index(2) - order.index(3)) == 1


def test_products_nobody_or_everybody_holds_have_a_place() -> None:
    held = basket.Baskets.from_lists([["a", "b"], ["a", "c"], ["a"]], counts=[9, 9, 9])
    display = plot.PairHeatmapDisplay.from_pairs(basket.pairs(held)).plot()
    assert sorted(display.products) == ["a", "b", "c"]


def test_only_the_products_with_most_holders_are_drawn() -> None:
    display = plot.PairHeatmapDisplay.from_pairs(basket.pairs(baskets()), top=2)
    assert display.products == ("account", "card")
    assert display.plot().ax_.get_title().endswith("the 2 of 8 products with most holders")


@pytest.mark.parametrize(("alternative", "words"), [("less", "more rarely than"), ("two-sided", "often or more")])
def test_the_mark_says_what_was_tested(alternative: Any, words: str) -> None:
    pairs = basket.pairs(baskets(), alternative=alternative, adjust=None)
    assert words in plot.PairHeatmapDisplay.from_pairs(pairs).mark
    assert "(not adjusted)" in plot.PairHeatmapDisplay.from_pairs(pairs).mark


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": [[1.0]]}, r"values has shape \(1, 1\); allowed: \(2, 2\)"),
        ({"significant": [[True]]}, r"significant has shape \(1, 1\)"),
        ({"few": [[True]]}, r"few has shape \(1, 1\)"),
        ({"ratio": True}, r"ratio is True, centre None"),
        ({"ratio": True, "centre": 1.0, "values": [[1.0, -1.0], [-1.0, 1.0]]}, r"no value below 0"),
    ],
)
def test_tables_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"values": [[1.0, 0.2], [0.2, 1.0]]} | change
    with pytest.raises(DomainError, match=message):
        plot.PairHeatmapDisplay(["a", "b"], **given)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"measure": "log10_p"}, r"measure is 'log10_p'; allowed: .*phi"),
        ({"alpha": 1.0}, r"alpha is 1.0; allowed: numbers between 0 and 1"),
        ({"order": "random"}, r"order is 'random'; allowed: 'related' or 'given'"),
        ({"top": 0}, r"top is 0; allowed: whole numbers from 1"),
    ],
)
def test_wishes_for_a_heat_map_are_checked(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        plot.PairHeatmapDisplay.from_pairs(basket.pairs(baskets()), **change)


# Rules ------------------------------------------------------------------------------------------------------


def points(display: Any) -> dict[str, FloatArray]:
    return {str(part.get_gid()): np.asarray(part.get_offsets()) for part in display.ax_.collections}


def test_rules_stand_at_their_support_and_confidence() -> None:
    rules = basket.rules(baskets(), min_count=2)
    display = plot.RuleScatterDisplay.from_rules(rules).plot()
    shown = rules.n11 >= 5
    assert display.left_out == int((~shown).sum()) > 0
    wanted = np.column_stack([rules.measure("support"), rules.measure("confidence")])[shown]
    found = points(display)
    for name, chosen in (("marked", rules.productive[shown]), ("rules", ~rules.productive[shown])):
        assert sorted(map(tuple, found[name])) == sorted(map(tuple, wanted[chosen]))
    count = int(rules.productive[shown].sum())
    assert legend_of(display)[0] == f"productive: better than every simpler rule ({count:,})"
    title = display.ax_.get_title()
    assert f"n = {shown.sum()}" in title
    assert f"rules of fewer than 5 customers, not drawn: {display.left_out}" in title


def test_significant_rules_can_be_marked_or_none() -> None:
    rules = basket.rules(baskets(), min_count=5)
    display = plot.RuleScatterDisplay.from_rules(rules, mark="significant", alpha=0.01)
    np.testing.assert_array_equal(display.marked, rules.log_p_adjusted <= np.log(0.01))
    assert display.mark == "held together more often than by chance, p <= 0.01"
    plain = plot.RuleScatterDisplay.from_rules(rules, mark=None).plot()
    assert plain.marked is None
    assert plain.ax_.get_legend() is None


def test_the_scale_of_the_lift_holds_independence() -> None:
    display = plot.RuleScatterDisplay([0.2, 0.1], confidence=[0.6, 0.9], lift=[2.0, 8.0]).plot()
    norm = display.ax_.collections[0].norm
    assert norm.vmin == 1.0
    ticks = [text.get_text() for text in display.figure_.axes[1].get_yticklabels()]
    assert ticks == ["1", "2", "5"]


def test_two_key_plot_colours_rules_by_their_number_of_products() -> None:
    rules = basket.rules(baskets(), min_count=5)
    display = plot.TwoKeyDisplay.from_rules(rules).plot()
    frame = rules.to_frame(["support", "confidence"])
    lengths = frame["antecedent"].map(len) + frame["consequent"].map(len)
    np.testing.assert_array_equal(display.lengths, lengths)
    found = points(display)
    for length, part in frame.groupby(lengths):
        assert sorted(map(tuple, found[f"length {length}"])) == sorted(
            zip(part["support"], part["confidence"], strict=True)
        )
    assert legend_of(display) == [f"{length} products ({(lengths == length).sum()})" for length in (2, 3)]


def test_many_lengths_share_the_last_colour() -> None:
    display = plot.TwoKeyDisplay([0.1] * 8, confidence=[0.5] * 8, lengths=range(2, 10)).plot()
    assert legend_of(display)[-1] == "7 products and more (3)"


def test_no_rule_at_all_is_drawn_as_empty_axes() -> None:
    rules = basket.rules(baskets(), min_count=900)
    assert len(rules) == 0
    assert "n = 0" in plot.RuleScatterDisplay.from_rules(rules).plot().ax_.get_title()
    assert "n = 0" in plot.TwoKeyDisplay.from_rules(rules).plot().ax_.get_title()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"confidence": [0.5, 0.5]}, r"confidence has shape \(2,\); allowed: \(1,\)"),
        ({"confidence": [1.5]}, r"confidence reaches from 1.5 to 1.5; allowed: shares in \[0, 1\]"),
        ({"lift": [-1.0]}, r"lift has shape \(1,\); allowed: \(1,\), numbers from 0"),
        ({"marked": [True, False]}, r"marked has shape \(2,\)"),
        ({"marked": [2]}, r"marked has shape \(1,\); allowed: \(1,\), one flag a rule"),
    ],
)
def test_rules_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"confidence": [0.5], "lift": [2.0]} | change
    with pytest.raises(DomainError, match=message):
        plot.RuleScatterDisplay([0.1], **given)


def test_lengths_that_count_nothing_are_refused() -> None:
    with pytest.raises(DomainError, match=r"lengths has shape \(1,\); allowed: \(1,\), whole numbers from 1"):
        plot.TwoKeyDisplay([0.1], confidence=[0.5], lengths=[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mark": "best"}, r"mark is 'best'; allowed: 'productive', 'significant' or None"),
        ({"mark": "significant", "alpha": 0}, r"alpha is 0; allowed: numbers between 0 and 1"),
    ],
)
def test_wishes_for_marks_are_checked(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        plot.RuleScatterDisplay.from_rules(basket.rules(baskets(), min_count=5), **change)


# Substitution -----------------------------------------------------------------------------------------------


def ribbons(display: Any) -> dict[str, Any]:
    return {str(part.get_gid()): part for part in display.ax_.patches if isinstance(part, PathPatch)}


def ends(flow: Any) -> tuple[tuple[float, float], tuple[float, float]]:
    """Give lower and upper end of a ribbon at the left and at the right."""
    vertices: FloatArray = flow.get_path().vertices
    found = []
    for x in (vertices[:, 0].min(), vertices[:, 0].max()):
        heights = vertices[vertices[:, 0] == x, 1]
        found.append((float(heights.min()), float(heights.max())))
    return found[0], found[1]


def sides(display: Any, side: int) -> list[tuple[float, float]]:
    parts = [part for part in display.ax_.containers if isinstance(part, BarContainer)]
    found = [bar for part in parts for bar in part if bar.get_gid() == f"side {side}"]
    return [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in found]


def test_by_hand_bars_and_ribbons_are_as_high_as_their_customers() -> None:
    """100 passbooks and 80 cheque accounts; 83 end at the app, 38 at the fund, 12 leave, 40 stay, 7 wait."""
    display = a_flow().plot()
    left, right = (np.array([top - low for low, top in sides(display, side)]) for side in (0, 1))
    scale = left.sum() / 180
    np.testing.assert_allclose(left, np.array([100, 80]) * scale)
    np.testing.assert_allclose(right, np.array([83, 38, 12, 40, 7]) * scale)
    assert display.ends == ("app", "fund", "left", "stayed", "undecided")
    found = ribbons(display)
    assert len(found) == len(FLOWS)
    for old, state, new, customers in FLOWS:
        if customers >= 5:
            for low, top in ends(found[f"{old} -> {state} -> {new or state}"]):
                assert top - low == pytest.approx(customers * scale)


def test_ribbons_fill_their_bars_without_gap_or_overlap() -> None:
    rows = [row for row in FLOWS if row[3] >= 5]
    display = plot.SubstitutionFlowDisplay(rows).plot()
    found = {name: ends(flow) for name, flow in ribbons(display).items()}
    for side, names in ((0, display.old), (1, display.ends)):
        for name, (low, top) in zip(names, sides(display, side), strict=True):
            mine = sorted(spans[side] for key, spans in found.items() if key.split(" -> ")[2 * side] == name)
            np.testing.assert_allclose([mine[0][0], mine[-1][1]], [low, top])
            np.testing.assert_allclose([upper for _, upper in mine[:-1]], [lower for lower, _ in mine[1:]])


def test_a_flow_of_few_is_a_dashed_line_without_a_number() -> None:
    display = a_flow().plot()
    flow = ribbons(display)["cheque -> took_later -> app"]
    assert not flow.get_fill()
    assert flow.get_linestyle() in {"--", "dashed"}
    written = [text.get_text() for text in display.ax_.texts]
    assert {"60 %", "20 %", "50 %"} <= set(written)
    assert "3.8 %" not in written
    assert legend_of(display)[-1] == "flow of fewer than 5 customers"
    assert legend_of(display)[0] == "moved to the new product (50 %)"


def test_a_bar_of_few_has_no_count() -> None:
    display = plot.SubstitutionFlowDisplay([("a", "moved", "b", 40), ("a", "left", None, 2)]).plot()
    assert "gave up the old\nproduct\nfewer than 5" in [text.get_text() for text in display.ax_.texts]


def panel() -> basket.Substitution:
    """Of 40 passbooks 25 go to the app and 6 stay beside it, one goes to the fund, 3 close, 5 stay."""
    rows = [(k, "passbook") for k in range(40)]
    later = [(k, "app") for k in range(31)] + [(k, "passbook") for k in range(25, 36)] + [(36, "fund")]
    before, after = (pd.DataFrame(part, columns=["customer", "product"]) for part in (rows, later))
    return basket.substitution_between(
        before, after, customer="customer", product="product", old="passbook", new=["fund", "app"]
    )


def test_by_hand_two_snapshots_are_drawn() -> None:
    display = plot.SubstitutionFlowDisplay.from_substitution(panel())
    assert display.old == ("passbook",)
    assert display.ends == ("fund", "app", "left", "stayed")
    counts = {(flow.state, display.ends[flow.end]): flow.customers for flow in display.flows}
    assert counts == {
        ("moved", "app"): 25,
        ("kept_both", "app"): 6,
        ("moved", "fund"): 1,
        ("left", "left"): 3,
        ("stayed", "stayed"): 5,
    }


def test_by_hand_the_composite_field_is_drawn() -> None:
    """B is the app, 31 present holders who all had the passbook; A the fund, with one."""
    display = plot.CompositeFieldDisplay.from_substitution(panel()).plot()
    assert display.fields == ("B1", "A1")
    np.testing.assert_array_equal(display.customers, [31, 1])
    written = [text.get_text() for text in display.ax_.texts]
    assert written[:2] == ["31", "fewer than 5"]
    assert "100 % (89 to 100)" in written
    assert written[3] == "-"
    widths = [bar.get_width() for part in display.ax_.containers for bar in part]
    assert widths == [31, 0]
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == [
        "B1  passbook → app",
        "A1  passbook → fund",
    ]


def test_bars_have_the_colour_of_their_verdict() -> None:
    display = bars().plot()
    drawn = [to_hex(bar.get_facecolor()) for part in display.ax_.containers for bar in part]
    assert len(set(drawn)) == 3
    assert legend_of(display) == ["substitution", "possible add-on", "no evidence"]
    assert display.ax_.get_title().endswith("the first 3 of 4 combinations")
    assert bars(verdicts=None).plot().ax_.get_legend() is None


def test_a_share_of_nobody_is_a_dash() -> None:
    display = bars(customers=[75, 20, 0], shares=[0.6, 0.25, np.nan], intervals=None).plot()
    written = [text.get_text() for text in display.ax_.texts]
    assert written[3:6] == ["60 %", "25 %", "-"]


@pytest.mark.parametrize(
    ("rows", "given", "message"),
    [
        ([("a", "moved", "b")], {}, r"flows holds \('a', 'moved', 'b'\); allowed: old product, one of moved"),
        ([("a", "gone", "b", 3)], {}, r"flows holds \('a', 'gone', 'b', 3\)"),
        ([("a", "moved", "b", 3)] * 2, {}, r"flows names a combination twice"),
        ([("a", "moved", "b", 0.5)], {}, r"customers holds numbers that count nobody"),
        ([("a", "moved", "b", 0)], {}, r"flows counts no customer"),
        ([], {}, r"flows counts no customer"),
        ([("a", "moved", "b", 3)], {"new": ["c"]}, r"new is \['c'\], without 'b' of flows"),
        ([("a", "moved", "b", 3)], {"old": ["a", "a"]}, r"old names 'a' twice"),
    ],
)
def test_flows_that_do_not_fit_are_refused(rows: Any, given: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        plot.SubstitutionFlowDisplay(rows, **given)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fields": ["A1", "A1", "B1"]}, r"fields names 'A1' twice"),
        ({"names": [("a", "b")]}, r"names has 1 entries; allowed: 3"),
        ({"customers": [1]}, r"customers has shape \(1,\); allowed: \(3,\)"),
        ({"shares": [0.5, 1.5, 0.1]}, r"shares holds numbers outside \[0, 1\]"),
        ({"intervals": [(0.1, 0.2)]}, r"intervals has shape \(1, 2\); allowed: \(3, 2\)"),
        ({"intervals": [(0.1, 1.2)] * 3}, r"intervals holds numbers outside \[0, 1\]"),
        ({"verdicts": ["yes"] * 3}, r"verdicts is \['yes', 'yes', 'yes'\]; allowed: 3 of substitution"),
    ],
)
def test_bars_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        bars(**change)


def test_a_number_of_bars_below_one_is_refused() -> None:
    with pytest.raises(DomainError, match=r"top is 0; allowed: whole numbers from 1"):
        plot.CompositeFieldDisplay.from_substitution(panel(), top=0)
