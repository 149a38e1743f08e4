"""Displays hold what they draw, draw where they are told, and let every text be replaced."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

from custvalue import anp, plot
from custvalue.exceptions import DomainError
from pictures import Everything, all_texts, draws_where_it_is_told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _no_figure_stays_open() -> Iterator[None]:
    yield
    plt.close("all")


def a_solution() -> anp.Solution:
    columns = {"a": {"b": 0.4, "c": 0.6}, "b": {"a": 0.5, "c": 0.5}, "c": {"a": 0.3, "b": 0.7}}
    spec = {
        "control": {"kind": "weights", "weights": {"recency": 1.0}},
        "local": {"recency": {"kind": "inner_dependence", "elements": ["a", "b", "c"], "columns": columns}},
    }
    return anp.Network.model_validate(spec).solve()


def texts_of(axes: Any) -> set[str]:
    labels = [*axes.get_xticklabels(), *axes.get_yticklabels(), axes.title, axes.xaxis.label]
    return {label.get_text() for label in labels}


@pytest.mark.parametrize("which", ["unweighted", "weighted", "limit"])
def test_the_supermatrix_is_the_solutions(which: Any) -> None:
    solution = a_solution()
    display = plot.SupermatrixDisplay.from_solution(solution, "recency", which=which).plot()
    np.testing.assert_array_equal(display.values, getattr(solution, which)["recency"].to_numpy())
    assert display.rows == display.columns == ("a", "b", "c")
    assert f"{which} supermatrix of recency" in texts_of(display.ax_)


def test_refusals() -> None:
    with pytest.raises(DomainError, match=r"criterion 'monetary' has no supermatrix; those that have: recency"):
        plot.SupermatrixDisplay.from_solution(a_solution(), "monetary")
    with pytest.raises(DomainError, match=r"which must be 'unweighted', 'weighted' or 'limit'"):
        plot.SupermatrixDisplay.from_solution(a_solution(), "recency", which="other")  # type: ignore[arg-type]  # wrong
    with pytest.raises(DomainError, match=r"values has shape \(1, 2\); allowed: \(1, 1\)"):
        plot.ClassProfileDisplay([[0.1, 0.2]], rows=["class 1"], columns=["balance"])


# What every display of the network process keeps --------------------------------------------------------------


def network_of_nine(**more: Any) -> plot.NetworkDisplay:
    """Three clusters: one whose nodes influence each other and themselves, two without arrows inside."""
    rng = np.random.default_rng(5)
    mask = np.ones((9, 9))
    mask[3:6, 3:6] = mask[6:, 6:] = 0.0
    values = rng.gamma(0.6, size=(9, 9)) * mask
    clusters = {
        "Products": ["savings account", "mortgage", "credit card"],
        "Channels": ["branch", "mobile app", "call centre"],
        "Customers": ["young professionals with children", "pensioners", "students"],
    }
    weights = rng.dirichlet(np.ones(9))
    return plot.NetworkDisplay(values / values.sum(axis=0), clusters=clusters, priorities=weights, **more)


def a_misfit_display() -> plot.MisfitDisplay:
    return plot.MisfitDisplay(
        [("neighborhood", "condition"), ("price", "size"), ("yard", "price")],
        ratio=[6.0, 0.25, 3.0],
        suggested_ratio=[0.47, 0.9, np.nan],
        consistency_ratio_after=[0.083, 0.12, np.nan],
        experts=["Chen", "", "Li"],
        consistency_ratio=0.17,
    )


def a_rank_display() -> plot.RankStabilityDisplay:
    shares = [[0.7, 0.296, 0.004], [0.25, 0.65, 0.1], [0.05, 0.054, 0.896]]
    return plot.RankStabilityDisplay(
        ["price", "size", "yard"], rank_probability=shares, standard_error_first=[0.0046, 0.0043, 0.0022]
    )


def a_sensitivity_display() -> plot.SensitivityDisplay:
    return plot.SensitivityDisplay(
        ["price : size", "size : yard", "price : yard"], derivatives=[-0.2, 0.1, 0.0], values=[3.0, 1 / 7, 2.0]
    )


def a_supermatrix_display() -> plot.SupermatrixDisplay:
    return plot.SupermatrixDisplay(
        [[0.0, 0.3, 1.0], [0.5, 0.7, 0.0], [0.5, 0.0, 0.0]],
        rows=["a", "b", "c"],
        clusters={"left": ["a", "b"], "right": ["c"]},
    )


DISPLAYS = pytest.mark.parametrize(
    "make",
    [network_of_nine, a_misfit_display, a_rank_display, a_sensitivity_display, a_supermatrix_display],
    ids=lambda make: make.__name__,
)


@DISPLAYS
def test_each_draws_into_the_axes_it_is_given_and_leaves_settings_alone(make: Any) -> None:
    draws_where_it_is_told(make)


@DISPLAYS
def test_each_lets_every_text_be_replaced(make: Any) -> None:
    figure = make().plot(labels=Everything()).figure_
    texts = all_texts(figure)
    assert any("§" in text for text in texts)
    assert [text for text in texts if any(letter.isalpha() for letter in text)] == []


@DISPLAYS
def test_each_keeps_its_texts_inside_the_figure(make: Any) -> None:
    figure = make().plot().figure_
    figure.canvas.draw()
    tight = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert tight.x0 > -0.01
    assert tight.y0 > -0.01
    assert tight.x1 < width + 0.01
    assert tight.y1 < height + 0.01


# The network ----------------------------------------------------------------------------------------------------


def arrows_of(display: Any) -> dict[str, FancyArrowPatch]:
    return {str(patch.get_gid()): patch for patch in display.ax_.patches if isinstance(patch, FancyArrowPatch)}


def discs_of(display: Any) -> list[Circle]:
    return [patch for patch in display.ax_.patches if isinstance(patch, Circle)]


def boxes_of(display: Any) -> dict[str, FancyBboxPatch]:
    found = [patch for patch in display.ax_.patches if isinstance(patch, FancyBboxPatch)]
    return {str(patch.get_gid()).removeprefix("cluster "): patch for patch in found}


def test_an_arrow_is_drawn_for_each_influence_as_wide_as_it_is_strong() -> None:
    display = network_of_nine().plot()
    names = list(itertools.chain.from_iterable(display.clusters.values()))
    arrows = arrows_of(display)
    values = display.influences
    expected = {f"{names[i]} -> {names[j]}": values[i, j] for i, j in np.argwhere(values > 0.0)}
    assert set(arrows) == set(expected)
    for name, strength in expected.items():
        assert arrows[name].get_linewidth() == pytest.approx(max(0.2, 3.5 * strength / values.max()), rel=1e-12)
    assert "mortgage -> mortgage" in arrows


def test_an_arrow_leads_from_the_rim_of_one_node_to_that_of_the_other() -> None:
    display = network_of_nine().plot()
    names = list(itertools.chain.from_iterable(display.clusters.values()))
    discs = dict(zip(names, discs_of(display), strict=True))
    for gid, arrow in arrows_of(display).items():
        first, last = gid.split(" -> ")
        start, end = arrow._posA_posB  # type: ignore[attr-defined]  # no public reader
        assert np.hypot(*(np.array(start) - discs[first].center)) == pytest.approx(discs[first].radius)
        gap = np.hypot(*(np.array(end) - discs[last].center)) - discs[last].radius
        assert gap == pytest.approx(0.0 if first == last else 0.02, abs=1e-9)


def test_the_area_of_a_node_is_its_priority_and_the_number_is_written() -> None:
    display = plot.NetworkDisplay(
        np.full((3, 3), 1 / 3), clusters={"all": ["a", "b", "c"]}, priorities=[0.5, 0.3, 0.2]
    ).plot()
    radii = np.array([disc.radius for disc in discs_of(display)])
    np.testing.assert_allclose(radii**2 / radii[0] ** 2, [1.0, 0.6, 0.4])
    assert {"a\n0.500", "b\n0.300", "c\n0.200"} <= {text.get_text() for text in display.ax_.texts}


def test_without_priorities_nodes_are_alike_and_bear_no_number() -> None:
    display = plot.NetworkDisplay([[0.0, 1.0], [1.0, 0.0]], clusters={"all": ["a", "b"]}).plot()
    assert len({disc.radius for disc in discs_of(display)}) == 1
    assert [text.get_text() for text in display.ax_.texts] == ["all", "a", "b"]


def thirty(sizes: Sequence[int]) -> plot.NetworkDisplay:
    rng = np.random.default_rng(3)
    clusters = {f"cluster {k}": [f"indicator_{k}_{j}_of_the_bank" for j in range(n)] for k, n in enumerate(sizes)}
    values = rng.gamma(0.6, size=(30, 30))
    return plot.NetworkDisplay(values, clusters=clusters, priorities=rng.dirichlet(np.ones(30)))


@pytest.mark.parametrize("sizes", [[30], [6] * 5, [9, 12, 9], [1, 2, 3, 4, 20], [15, 15]], ids=str)
def test_no_label_lies_on_another_and_all_stay_in_their_box(sizes: list[int]) -> None:
    """Measured in the finished picture, not in the estimate that the layout rests on."""
    display = thirty(sizes).plot(most=1)
    figure, axes = display.figure_, display.ax_
    figure.canvas.draw()
    covers = [text.get_window_extent() for text in axes.texts]
    turned = [text.get_rotation() % 90.0 != 0.0 for text in axes.texts]
    for (one, one_turned), (other, other_turned) in itertools.combinations(zip(covers, turned, strict=True), 2):
        assert one_turned or other_turned or not one.overlaps(other)  # a turned text's extent is not its outline
    boxes = [box.get_window_extent() for box in boxes_of(display).values()]
    for one_box, other_box in itertools.combinations(boxes, 2):
        assert not one_box.overlaps(other_box)
    homes = np.repeat(np.arange(len(sizes)), sizes)
    for home, cover, disc in zip(homes, covers[len(sizes) :], discs_of(display), strict=True):
        box = boxes[home]
        for inner in (cover, disc.get_window_extent()):
            assert box.x0 < inner.x0
            assert box.y0 < inner.y0
            assert inner.x1 < box.x1
            assert inner.y1 < box.y1


def test_turned_labels_of_a_ring_stand_further_apart_than_they_are_high() -> None:
    display = thirty([30]).plot(most=1)
    display.figure_.canvas.draw()
    texts = display.ax_.texts[1:]
    points = display.ax_.transData.transform([text.get_position() for text in texts])
    apart = np.hypot(*(points - np.roll(points, 1, axis=0)).T)
    height = float(texts[0].get_fontsize()) * display.figure_.dpi / 72.0
    assert apart.min() > height


def test_only_the_strongest_are_drawn_and_the_picture_says_so() -> None:
    display = thirty([15, 15]).plot(most=40)
    widths = [arrow.get_linewidth() for arrow in arrows_of(display).values()]
    strongest = np.sort(display.influences.ravel())[-40:]
    np.testing.assert_allclose(np.sort(widths) / max(widths), strongest / strongest[-1])
    title = display.ax_.get_legend().get_title().get_text()  # type: ignore[union-attr]  # there is one
    assert "the strongest 40 of 900 influences are drawn" in title
    everything = network_of_nine().plot()
    assert "strongest" not in everything.ax_.get_legend().get_title().get_text()  # type: ignore[union-attr]  # is one


def test_influences_as_strong_as_the_last_are_drawn_too() -> None:
    values = np.full((4, 4), 0.25)
    display = plot.NetworkDisplay(values, clusters={"all": ["a", "b", "c", "d"]}).plot(most=3)
    assert len(arrows_of(display)) == 16


def test_a_network_without_influences_is_drawn() -> None:
    display = plot.NetworkDisplay(np.zeros((2, 2)), clusters={"all": ["a", "b"]}, priorities=[0.0, 1.0]).plot()
    assert arrows_of(display) == {}
    assert len(discs_of(display)) == 2


def three_parts() -> anp.Solution:
    feedback = {
        "kind": "subnetwork",
        "clusters": {"products": ["loan", "card"], "banks": ["A", "B"]},
        "influences": {
            "loan": {"banks": {"A": 0.75, "B": 0.25}},
            "card": {"banks": {"A": 0.25, "B": 0.75}, "products": {"loan": 1.0}},
            "A": {"products": {"loan": 0.5, "card": 0.5}},
            "B": {"products": {"loan": 0.2, "card": 0.8}},
        },
        "cluster_influences": {"products": {"products": 0.4, "banks": 0.6}},
    }
    inner = {"A": {"B": 1.0}, "B": {"A": 0.5, "B": 0.5}}
    spec = {
        "control": {"kind": "weights", "weights": {"service": 0.5, "price": 0.3, "trust": 0.2}},
        "local": {
            "service": feedback,
            "price": {"kind": "inner_dependence", "elements": ["A", "B"], "columns": inner},
            "trust": {"kind": "weights", "weights": {"A": 0.9, "B": 0.1}},
        },
        "alternatives": ["A", "B"],
    }
    return anp.Network.model_validate(spec).solve()


def test_a_criterion_is_drawn_with_its_clusters_and_weighted_influences() -> None:
    solution = three_parts()
    display = plot.NetworkDisplay.from_solution(solution, criterion="service")
    assert display.clusters == {"products": ("loan", "card"), "banks": ("A", "B")}
    np.testing.assert_array_equal(display.influences, solution.weighted["service"].to_numpy())
    assert display.influences[0, 1] == pytest.approx(0.4, abs=1e-15)  # loan on card: the cluster's weight
    assert display.priorities is not None
    np.testing.assert_allclose(display.priorities, np.array(list(solution.local["service"].values())), rtol=1e-15)
    display.plot()
    assert display.title == "network of service"
    assert set(boxes_of(display)) == {"products", "banks"}


def test_the_whole_network_has_the_criteria_above_their_clusters() -> None:
    solution = three_parts()
    display = plot.NetworkDisplay.from_solution(solution).plot()
    assert display.clusters == {
        "service: products": ("loan", "card"),
        "service: banks": ("A", "B"),
        "price": ("A", "B"),
        "trust": ("A", "B"),
    }
    weights = display.priorities
    assert weights is not None
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(weights[-2:], [0.2 * 0.9, 0.2 * 0.1])
    arrows = arrows_of(display)
    links = {name: arrows[name].get_linewidth() for name in arrows if name.split(" -> ")[1] in display.clusters}
    assert links == {
        "service -> service: products": 3.5,
        "service -> service: banks": 3.5,
        "price -> price": pytest.approx(3.5 * 0.3 / 0.5),
        "trust -> trust": pytest.approx(3.5 * 0.2 / 0.5),
    }
    # Nothing leads from below one criterion to below another.
    np.testing.assert_array_equal(display.influences[:4, 4:], 0.0)
    np.testing.assert_array_equal(display.influences[4:6, 4:6], solution.weighted["price"].to_numpy())


@pytest.mark.parametrize("count", [2, 5, 9])
def test_no_link_of_a_criterion_passes_over_a_cluster(count: int) -> None:
    clusters = {f"criterion {k}": [f"long_name_of_node_{k}_{j}" for j in range(3 + k % 4)] for k in range(count)}
    sizes = [len(nodes) for nodes in clusters.values()]
    values = np.zeros((sum(sizes), sum(sizes)))
    for start, size in zip(np.cumsum([0, *sizes]), sizes, strict=False):
        values[start : start + size, start : start + size] = 1.0 / size
    control = dict.fromkeys(clusters, 1.0 / count)
    display = plot.NetworkDisplay(values, clusters=clusters, control=control).plot()
    frames = {name: box.get_bbox() for name, box in boxes_of(display).items()}
    assert len({round(frame.y1, 6) for frame in frames.values()}) > (2 if count > 5 else 1)
    for criterion in clusters:
        arrow = arrows_of(display)[f"{criterion} -> {criterion}"]
        bends = arrow._path_original.vertices if arrow._path_original is not None else arrow._posA_posB  # type: ignore[attr-defined]  # no public reader
        for start, end in itertools.pairwise(np.asarray(bends)):
            way = start + np.linspace(0.001, 0.999, 500)[:, None] * (end - start)
            for name, frame in frames.items():
                over = (way > [frame.x0, frame.y0]) & (way < [frame.x1, frame.y1])
                assert not over.all(axis=1).any(), (criterion, name)
        target = frames[criterion]
        np.testing.assert_allclose(np.asarray(bends)[-1], [(target.x0 + target.x1) / 2, target.y1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"clusters": {"x": ["a"]}}, r"values has shape \(2, 2\); allowed: \(1, 1\)"),
        ({"clusters": {"x": ["a", "a"]}}, r"clusters\['x'\] names 'a' twice"),
        ({"clusters": {"x": ["a", "b"], "y": []}}, r"clusters\['y'\] is \[\]; allowed: .* at least one name"),
        ({"clusters": {}}, r"clusters is \[\]"),
        ({"priorities": [0.5]}, r"priorities has shape \(1,\); allowed: \(2,\)"),
        ({"priorities": [1.5, -0.5]}, r"priorities holds -0.5; allowed: numbers from 0"),
        ({"influences": [[0.0, 1.0], [-1.0, 0.0]]}, r"influences holds -1; allowed: numbers from 0"),
        ({"control": {"y": 1.0}}, r"cluster 'x' is under 'x', which control does not name; allowed: y"),
        ({"control": {"x": 0.5, "y": 0.5}}, r"No cluster is under 'y'"),
        ({"control": {"x": -1.0}}, r"control holds -1; allowed: numbers from 0"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(arguments: dict[str, Any], message: str) -> None:
    fitting: dict[str, Any] = {"influences": [[0.0, 1.0], [1.0, 0.0]], "clusters": {"x": ["a", "b"]}}
    with pytest.raises(DomainError, match=message):
        plot.NetworkDisplay(**(fitting | arguments))


def test_a_criterion_without_influences_is_refused_by_name() -> None:
    with pytest.raises(DomainError, match=r"'trust' has no supermatrix; those that have: service, price"):
        plot.NetworkDisplay.from_solution(three_parts(), criterion="trust")
    with pytest.raises(DomainError, match=r"most is 0; allowed: whole numbers from 1"):
        network_of_nine().plot(most=0)


# The supermatrix ------------------------------------------------------------------------------------------------


def test_lines_part_the_clusters_and_their_names_stand_on_top() -> None:
    solution = three_parts()
    display = plot.SupermatrixDisplay.from_solution(solution, "service", which="unweighted").plot()
    lines = [(list(line.get_xdata()), list(line.get_ydata())) for line in display.ax_.lines]  # type: ignore[arg-type]  # numbers
    assert lines == [([0, 1], [1.5, 1.5]), ([1.5, 1.5], [0, 1])]
    (above,) = display.ax_.child_axes
    assert list(above.get_xticks()) == [0.5, 2.5]
    assert [label.get_text() for label in above.get_xticklabels()] == ["products", "banks"]


def test_one_cluster_is_not_parted() -> None:
    display = plot.SupermatrixDisplay.from_solution(three_parts(), "price").plot()
    assert list(display.ax_.lines) == []
    assert display.ax_.child_axes == []


@pytest.mark.parametrize(("count", "digits", "least"), [(20, 3, 0.0), (21, 2, 0.05)])
def test_above_twenty_elements_small_numbers_are_not_written(count: int, digits: int, least: float) -> None:
    values = np.random.default_rng(2).dirichlet(np.full(count, 0.2), size=count).T
    display = plot.SupermatrixDisplay(values, rows=[f"n{k}" for k in range(count)]).plot()
    written = [text.get_text() for text in display.ax_.texts]
    assert written == [f"{value:.{digits}f}" for value in values.ravel() if value >= least * values.max()]
    assert (len(written) < count**2) == (least > 0.0)


def test_an_element_without_a_cluster_is_refused() -> None:
    with pytest.raises(DomainError, match=r"element 'b' is in no cluster; allowed: clusters that hold every"):
        plot.SupermatrixDisplay([[0.0, 1.0], [1.0, 0.0]], rows=["a", "b"], clusters={"x": ["a"], "y": ["c"]})


# Misfits --------------------------------------------------------------------------------------------------------


def test_each_judgment_has_its_ratio_and_the_suggested_one_joined_by_a_line() -> None:
    display = a_misfit_display().plot()
    axes = display.ax_
    lines, judged, suggested = axes.collections
    np.testing.assert_allclose(np.array(judged.get_offsets()), np.array([[6.0, 0], [0.25, 1], [3.0, 2]]))
    np.testing.assert_allclose(np.array(suggested.get_offsets()), np.array([[0.47, 0], [0.9, 1]]))
    segments = lines.get_segments()  # type: ignore[attr-defined]  # lines
    np.testing.assert_allclose(segments, [[[6.0, 0], [0.47, 0]], [[0.25, 1], [0.9, 1]]])
    assert axes.get_xscale() == "log"
    low, high = axes.get_ylim()
    assert low > high  # the first judgment, the worst, is on top
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert rows == ["neighborhood : condition\n(Chen)", "price : size", "yard : price\n(Li)"]
    written = [text.get_text() for text in axes.texts]
    assert written[:3] == ["0.083", "0.120", "no other judgment links them"]
    assert "consistency ratio now: 0.170" in axes.get_title()


@pytest.mark.parametrize(
    ("ratio", "ticks"),
    [
        (2.0, ["1/3", "1/2", "1", "2", "3"]),
        (9.0, ["1/9", "1/5", "1/3", "1/2", "1", "2", "3", "5", "9"]),
        (1 / 30, ["1/30", "1/10", "1/3", "1", "3", "10", "30"]),
    ],
)
def test_the_axis_has_ratios_as_judges_say_them(ratio: float, ticks: list[str]) -> None:
    display = plot.MisfitDisplay(
        [("a", "b")], ratio=[ratio], suggested_ratio=[1.0], consistency_ratio_after=[0.0]
    ).plot()
    low, high = display.ax_.get_xlim()
    assert low < min(ratio, 1.0 / ratio)
    assert max(ratio, 1.0 / ratio) < high
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ticks
    np.testing.assert_allclose(display.ax_.get_xticks(), [float(Fraction(tick)) for tick in ticks])


def test_ratios_far_beyond_any_scale_get_powers_of_ten() -> None:
    display = plot.MisfitDisplay([("a", "b")], ratio=[1e6], suggested_ratio=[1.0], consistency_ratio_after=[0.0])
    ticks = display.plot().ax_.get_xticks()
    np.testing.assert_allclose(np.log10(ticks), np.round(np.log10(ticks)), atol=1e-12)


def three_judgments() -> anp.Comparisons:
    return anp.Comparisons.from_matrix(
        ["a", "b", "c"], np.array([[1.0, 2.0, 9.0], [1 / 2, 1.0, 1.0], [1 / 9, 1.0, 1.0]])
    )


def test_misfits_are_taken_from_the_ranking() -> None:
    """Without one of three judgments, the product of the other two says what it should be."""
    judged = three_judgments()
    found = anp.priorities(judged).misfits()
    display = plot.MisfitDisplay.from_misfits(found, top=2).plot()
    suggested = {("a", "b"): 9.0, ("a", "c"): 2.0, ("b", "c"): 4.5}
    np.testing.assert_allclose(display.suggested_ratio, [suggested[pair] for pair in display.pairs], rtol=1e-9)
    np.testing.assert_allclose(display.consistency_ratio_after, 0.0, atol=1e-12)
    assert display.pairs == tuple(zip(found.first, found.second, strict=True))[:2]
    assert f"{found.consistency_ratio:.3f}" in display.ax_.get_title()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ratio": [0.0]}, r"ratio holds 0; allowed: ratios above 0"),
        ({"suggested_ratio": [-1.0]}, r"suggested_ratio holds -1; allowed: ratios above 0"),
        ({"ratio": [1.0, 2.0]}, r"ratio has shape \(2,\); allowed: \(1,\)"),
        (
            {"consistency_ratio_after": [-0.1]},
            r"ratio_after holds -0.1; allowed: numbers from 0, or NaN",
        ),
        ({"experts": ["x", "y"]}, r"1 pairs and 2 experts; allowed: at least one pair"),
        ({"pairs": [], "ratio": []}, r"0 pairs and 0 experts; allowed: at least one pair"),
    ],
)
def test_misfits_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    fitting = {"pairs": [("a", "b")], "ratio": [2.0], "suggested_ratio": [1.0], "consistency_ratio_after": [0.1]}
    with pytest.raises(DomainError, match=message):
        plot.MisfitDisplay(**(fitting | change))  # type: ignore[arg-type]  # some are wrong


@pytest.mark.parametrize("top", [0, -1, 1.5, True])
def test_a_senseless_top_is_refused(top: Any) -> None:
    judged = three_judgments()
    with pytest.raises(DomainError, match=r"top is .*; allowed: whole numbers from 1"):
        plot.MisfitDisplay.from_misfits(anp.priorities(judged).misfits(), top=top)


# Rank stability -------------------------------------------------------------------------------------------------


def test_ranks_are_drawn_with_the_probability_to_be_first_and_two_standard_errors() -> None:
    display = a_rank_display().plot()
    drawn = display.ax_.images[0].get_array()
    np.testing.assert_array_equal(np.asarray(drawn), display.values)
    texts = [text.get_text() for text in display.ax_.texts]
    assert texts[:8] == ["0.70", "0.30", "0.25", "0.65", "0.10", "0.05", "0.05", "0.90"]  # 0.004 is left out
    assert texts[8:11] == ["0.700 ± 0.009", "0.250 ± 0.009", "0.050 ± 0.004"]


def test_the_stability_of_a_solution_is_drawn_with_the_best_expected_rank_on_top() -> None:
    judged = anp.Comparisons.from_values({"low": 1.0, "high": 2.0, "middle": 1.5})
    network = anp.Network(
        control=anp.DirectWeights(weights={"all": 1.0}),
        local={"all": judged},
        alternatives=["low", "high", "middle"],
    )
    stability = network.solve().stability(n_draws=500, log_sd=0.4, random_state=0)
    display = plot.RankStabilityDisplay.from_stability(stability)
    assert display.rows == ("high", "middle", "low")
    place = [stability.names.index(name) for name in display.rows]
    np.testing.assert_array_equal(display.values, stability.rank_probability[place])
    share = display.values[:, 0]
    np.testing.assert_allclose(display.standard_error_first, np.sqrt(share * (1.0 - share) / 500))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"rank_probability": [[0.5, 0.4], [0.5, 0.5]]},
            r"rows that sum to 0.9 up to 1 .*; allowed: rows",
        ),
        ({"rank_probability": [[1.5, -0.5], [0.5, 0.5]]}, r"numbers from -0.5; allowed: rows of numbers from 0"),
        ({"rank_probability": [[1.0]]}, r"values has shape \(1, 1\); allowed: \(2, 2\)"),
        ({"standard_error_first": [0.1, -0.1]}, r"standard_error_first holds -0.1; allowed: numbers from 0"),
        ({"standard_error_first": [0.1]}, r"standard_error_first has shape \(1,\); allowed: \(2,\)"),
        ({"names": ["a", "a"]}, r"names names 'a' twice; allowed: distinct names"),
        ({"names": "ab"}, r"names is 'ab'; allowed: a sequence"),
    ],
)
def test_ranks_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    fitting = {"names": ["a", "b"], "rank_probability": np.eye(2), "standard_error_first": [0.0, 0.0]}
    with pytest.raises(DomainError, match=message):
        plot.RankStabilityDisplay(**(fitting | change))  # type: ignore[arg-type]  # some are wrong


# Sensitivity ----------------------------------------------------------------------------------------------------


def test_the_bars_are_the_derivatives_signed_and_in_two_colours() -> None:
    display = a_sensitivity_display().plot()
    bars = display.ax_.patches
    assert [bar.get_width() for bar in bars] == [-0.2, 0.1, 0.0]  # type: ignore[attr-defined]  # bars
    assert [to_hex(bar.get_facecolor()).upper() for bar in bars] == ["#E69F00", "#0072B2", "#0072B2"]
    assert [text.get_text() for text in display.ax_.texts] == ["-0.2", "+0.1", "+0"]
    rows = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert rows == ["price : size = 3", "size : yard = 0.143", "price : yard = 2"]
    low, high = display.ax_.get_xlim()
    assert low < -0.2
    assert high > 0.1
    bottom, top = display.ax_.get_ylim()
    assert bottom > top  # the first parameter is on top


def test_derivatives_that_are_all_zero_are_drawn() -> None:
    display = plot.SensitivityDisplay(["a : b"], derivatives=[0.0]).plot()
    assert display.ax_.get_xlim() == (-1.0, 1.0)


def test_the_largest_derivatives_of_one_priority_are_taken() -> None:
    """Two criteria with weights w and 1 - w: by log of the judgment, each moves by w (1 - w), with either sign."""
    control = anp.Comparisons.from_values({"frequency": 1.0, "monetary": 3.0})
    local: dict[str, Any] = {
        "frequency": anp.DirectWeights(weights={"visits": 1.0}),
        "monetary": anp.Comparisons.from_values({"turnover": 1.0, "balance": 1.0}),
    }
    sensitivity = anp.Network(control=control, local=local).solve().sensitivity()
    display = plot.SensitivityDisplay.from_sensitivity(sensitivity, of="balance")
    assert display.parameters == ("turnover : balance", "frequency : monetary")
    assert display.values is not None
    np.testing.assert_allclose(display.derivatives, np.array([-0.75 * 0.25, -0.1875 * 0.5]), rtol=1e-12)
    np.testing.assert_allclose(display.values, np.array([1.0, 1 / 3]), rtol=1e-12)
    assert "judgment's natural logarithm" in display.measure
    first = plot.SensitivityDisplay.from_sensitivity(sensitivity, of="balance", top=1)
    assert first.parameters == ("turnover : balance",)


@pytest.mark.parametrize("to", ["control_weights", "cluster_weights", "supermatrix"])
def test_every_kind_of_sensitivity_names_its_unit(to: Any) -> None:
    solution = three_parts()
    found = solution.sensitivity(to, of="priorities")
    display = plot.SensitivityDisplay.from_sensitivity(found, of="A", top=100)
    slopes = np.abs(found.derivatives[:, found.names.index("A")])
    moving = slopes[slopes > 1e-12 * slopes.max()]
    np.testing.assert_array_equal(np.abs(display.derivatives), np.sort(moving)[::-1])
    assert display.measure.startswith("change of the priority\nper unit of")
    assert len(set(display.parameters)) == len(display.parameters)


def test_what_moves_nothing_is_left_out_unless_nothing_moves_it() -> None:
    """The judgment below one criterion leaves the indicators of the other where they are."""
    pair = anp.Comparisons.from_values({"turnover": 1.0, "balance": 2.0})
    local: dict[str, Any] = {"frequency": anp.DirectWeights(weights={"visits": 1.0}), "monetary": pair}
    control = anp.Comparisons.from_values({"frequency": 1.0, "monetary": 1.0})
    moved = anp.Network(control=control, local=local).solve().sensitivity()
    display = plot.SensitivityDisplay.from_sensitivity(moved, of="visits")
    assert display.parameters == ("frequency : monetary",)
    fixed = anp.Network(control=anp.DirectWeights(weights={"frequency": 0.5, "monetary": 0.5}), local=local)
    display = plot.SensitivityDisplay.from_sensitivity(fixed.solve().sensitivity(), of="visits")
    assert display.parameters == ("turnover : balance",)
    np.testing.assert_array_equal(display.derivatives, [0.0])


def test_sensitivities_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DomainError, match=r"derivatives has shape \(2,\); allowed: \(1,\)"):
        plot.SensitivityDisplay(["a"], derivatives=[0.1, 0.2])
    with pytest.raises(DomainError, match=r"values has shape \(0,\); allowed: \(1,\)"):
        plot.SensitivityDisplay(["a"], derivatives=[0.1], values=[])
    with pytest.raises(DomainError, match=r"parameters is empty; allowed: at least one name"):
        plot.SensitivityDisplay([], derivatives=[])
    found = three_parts().sensitivity("supermatrix")
    with pytest.raises(DomainError, match=r"of is 'C'; allowed: A, B"):
        plot.SensitivityDisplay.from_sensitivity(found, of="C")
