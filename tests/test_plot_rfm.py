"""Displays of extended RFM draw the numbers they were given, and no single customer's."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.container import BarContainer
from matplotlib.patches import Rectangle
from sklearn.exceptions import NotFittedError

from custvalue import plot, rfm
from custvalue._displays.small_cells import hidden_among, total_text
from custvalue.exceptions import ColumnError, DataError, DomainError
from pictures import Everything, all_texts, draws_where_it_is_told, legend_of, lets_every_text_be_replaced

if TYPE_CHECKING:
    from collections.abc import Iterator

mpl.use("Agg")

INF = float("inf")


@pytest.fixture(autouse=True)
def _no_figure_stays_open() -> Iterator[None]:
    yield
    plt.close("all")


def bars(axes: Any, gid: str) -> list[Any]:
    """Give the bars of one name."""
    return [
        bar for part in axes.containers if isinstance(part, BarContainer) for bar in part if bar.get_gid() == gid
    ]


def lines(axes: Any, gid: str) -> list[Any]:
    return [line for line in axes.lines if line.get_gid() == gid]


def patches(display: Any, gid: str) -> list[tuple[int, int]]:
    """Give row and column of the cells that are marked so."""
    found = [patch.get_xy() for patch in display.ax_.patches if patch.get_gid() == gid]
    return [(int(y + 0.5), int(x + 0.5)) for x, y in found]


def texts(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.texts]


def titles(display: Any) -> list[str]:
    return [panel.get_title() for panel in display.panels_]


# Every display ------------------------------------------------------------------------------------------------


def a_distribution(**changes: Any) -> plot.IndicatorDistributionDisplay:
    given: dict[str, Any] = {
        "indicators": ["recency", "turnover"],
        "edges": [[-INF, 0, 10, 20, 40], [0, 1e6, 2e6, INF]],
        "customers": [[5, 20, 0, 15], [30, 20, 6]],
        "null_share": [0.125, 0.0],
        "bounds": [[2.0, 35.0], [-1.0, 5e6]],
        "units": ["days", "currency"],
        "directions": ["cost", "benefit"],
    }
    given |= changes
    return plot.IndicatorDistributionDisplay(given.pop("indicators"), **given)


def one_distribution() -> plot.IndicatorDistributionDisplay:
    return plot.IndicatorDistributionDisplay(
        ["turnover"], edges=[[1, 10, 100]], customers=[[5, 6]], null_share=[0.5], logarithmic=["turnover"],
        units=["currency"], directions=["benefit"],
    )  # fmt: skip


def a_heat_map(**changes: Any) -> plot.RFMHeatmapDisplay:
    given: dict[str, Any] = {
        "customers": [[30, 2, 0], [10, 8, 9]],
        "means": [[12.0, 9e9, np.nan], [30.0, 45.0, 0.0]],
    }
    given |= changes
    return plot.RFMHeatmapDisplay(given.pop("customers"), **given)


def a_segment_display() -> plot.SegmentDisplay:
    return plot.SegmentDisplay(
        ["loyal", "new", "lost", "rare", "empty"], customers=[50, 30, 17, 3, 0],
        value=[60.0, 50.0, -14.0, 4.0, 0.0], name="contribution",
    )  # fmt: skip


def a_lorenz_display() -> plot.LorenzDisplay:
    return plot.LorenzDisplay([0.0, 0.5, 0.8, 1.0], [0.0, 0.1, 0.4, 1.0], n_customers=1000, gini=0.5)


DISPLAYS = pytest.mark.parametrize(
    "make",
    [a_distribution, one_distribution, a_heat_map, a_segment_display, a_lorenz_display],
    ids=lambda make: make.__name__,
)


@DISPLAYS
def test_each_draws_into_the_axes_it_is_given_and_leaves_settings_alone(make: Any) -> None:
    draws_where_it_is_told(make)


@DISPLAYS
def test_each_lets_every_text_be_replaced(make: Any) -> None:
    lets_every_text_be_replaced(make)


@pytest.mark.parametrize(
    ("make", "kind"), [(a_distribution, "ecdf"), (one_distribution, "ecdf"), (a_lorenz_display, "pareto")]
)
def test_the_other_kind_lets_every_text_be_replaced_too(make: Any, kind: str) -> None:
    found = all_texts(make().plot(kind=kind, labels=Everything()).figure_)
    assert [text for text in found if any(letter.isalpha() for letter in text)] == []


@DISPLAYS
def test_each_keeps_its_texts_inside_the_figure_and_apart(make: Any) -> None:
    display = make().plot()
    figure = display.figure_
    figure.canvas.draw()
    tight, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert tight.x0 > -0.01
    assert tight.y0 > -0.01
    assert tight.x1 < width + 0.01
    assert tight.y1 < height + 0.01
    found = [display.ax_.title, *display.ax_.texts, *display.ax_.get_yticklabels()]
    for panel in getattr(display, "panels_", ()):
        found += [panel.title, panel.xaxis.label, panel.yaxis.label, *panel.get_xticklabels()]
    if not display.ax_.axison:  # only the panels' own
        found = [text for text in found if text not in display.ax_.get_yticklabels()]
    covers = [text.get_window_extent() for text in dict.fromkeys(found) if text.get_text()]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(covers, 2))


# Indicator distributions --------------------------------------------------------------------------------------


def test_bars_are_the_shares_of_the_known_customers_per_narrowest_bin() -> None:
    """Of 40 customers 20 and 15 lie in closed bins; the bin twice as wide has half the height; 5 lie beyond."""
    panel = a_distribution().plot().panels_[0]
    closed = bars(panel, "bins")
    assert [(bar.get_x(), bar.get_width()) for bar in closed] == [(0.0, 10.0), (10.0, 10.0), (20.0, 20.0)]
    np.testing.assert_allclose([bar.get_height() for bar in closed], [20 / 40, 0.0, 15 / 40 / 2])
    (beyond,) = bars(panel, "open")
    assert beyond.get_height() == pytest.approx(5 / 40)
    assert beyond.get_x() + beyond.get_width() < 0.0
    assert beyond.get_hatch()


def test_the_cumulative_distribution_runs_through_the_edges() -> None:
    panel = a_distribution().plot(kind="ecdf").panels_[0]
    (curve,) = lines(panel, "curve")
    np.testing.assert_allclose(curve.get_xdata(), [0.0, 10.0, 20.0, 40.0])
    np.testing.assert_allclose(curve.get_ydata(), [5 / 40, 25 / 40, 25 / 40, 1.0])
    (beyond,) = lines(panel, "open")
    np.testing.assert_allclose(beyond.get_ydata(), [5 / 40, 0.0])
    assert panel.get_ylim() == (0.0, 1.0)


def test_panels_tell_n_nulls_units_and_what_is_better() -> None:
    display = a_distribution().plot()
    assert titles(display) == ["recency\nn = 40, null: 12 %", "turnover\nn = 56, null: 0 %"]
    labels = [panel.get_xlabel().replace("\n", " ") for panel in display.panels_]
    assert labels == ["days, bins of 10, less is better", "thousand currency, bins of 1,000, more is better"]
    display.figure_.canvas.draw()
    assert "1,000" in [label.get_text() for label in display.panels_[1].get_xticklabels()]
    assert legend_of(display) == ["all customers beyond the axis", "bounds of the scaler", "bound beyond the axis"]


def test_bounds_are_lines_or_arrows_where_they_lie_beyond_the_bins() -> None:
    first, second = a_distribution().plot().panels_
    assert [line.get_xdata()[0] for line in lines(first, "bound")] == [2.0, 35.0]
    assert lines(first, "bound outside") == []
    assert [line.get_marker() for line in lines(second, "bound outside")] == ["<", ">"]
    assert lines(a_distribution(bounds=None).plot().panels_[0], "bound") == []


def test_a_single_indicator_has_the_axes_to_itself() -> None:
    display = one_distribution().plot()
    assert display.panels_ == (display.ax_,)
    assert display.ax_.get_title() == "turnover\nn = 11, null: 50 %"


def test_a_logarithmic_axis_has_bins_of_a_factor_and_powers_of_ten() -> None:
    display = one_distribution().plot()
    panel = display.ax_
    assert [(bar.get_x(), bar.get_width()) for bar in bars(panel, "bins")] == [(0.0, 1.0), (1.0, 1.0)]
    assert panel.get_xlabel() == "currency, bins of factor 10, more is better"
    assert [label.get_text() for label in panel.get_xticklabels()] == ["1", "10", "100"]
    short = plot.IndicatorDistributionDisplay(
        ["x"], edges=[[5000, 8000, 20000]], customers=[[5, 6]], null_share=[0.0], logarithmic=["x"]
    ).plot()
    assert [label.get_text() for label in short.ax_.get_xticklabels()] == ["5", "10", "20"]
    assert short.ax_.get_xlabel() == "thousand, bins of factor 1.6"


def test_whole_numbers_stand_in_the_middle_of_their_bins() -> None:
    visits = np.repeat([0.0, 1.0, 2.0, 3.0], [40, 30, 20, 10])
    display = plot.IndicatorDistributionDisplay.from_features(pd.DataFrame({"visits": visits}))
    np.testing.assert_array_equal(display.edges[0], [-0.5, 0.5, 1.5, 2.5, 3.5])
    np.testing.assert_array_equal(display.customers[0], [40, 30, 20, 10])


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.one_of(st.integers(-5, 40), st.floats(-1e6, 1e6), st.just(0.0)), min_size=5, max_size=150),
    n_bins=st.integers(1, 60),
    log=st.booleans(),
)
def test_no_bin_has_one_to_four_customers_and_none_is_lost(values: list[float], n_bins: int, *, log: bool) -> None:
    display = plot.IndicatorDistributionDisplay.from_features(
        np.array(values, dtype=float)[:, None], n_bins=n_bins, logarithmic=["x0"] if log else []
    )
    edges, customers = display.edges[0], display.customers[0]
    assert customers.sum() == len(values)
    assert set(customers[customers < 5]) <= {0.0}
    # A second route: count between the edges by comparison.
    counted = [sum(low <= value < high for value in values) for low, high in itertools.pairwise(edges)]
    assert counted == customers.tolist()


@pytest.mark.parametrize("n", [30, 200, 900])
def test_the_largest_values_cannot_be_told_from_the_picture(n: int) -> None:
    """Beyond the end lie a hundredth of the customers or five, and it makes no difference how far they are."""
    values = np.sort(np.random.default_rng(n).lognormal(3.0, 0.7, n))
    far = values.copy()
    far[-5:] *= [2.0, 3.0, 5.0, 70.0, 1e6]
    near = values.copy()
    near[-5:] = values[-5] * np.array([2.0, 2.1, 2.2, 2.3, 2.4])
    one, other = (plot.IndicatorDistributionDisplay.from_features(some[:, None]) for some in (far, near))
    np.testing.assert_array_equal(one.edges[0], other.edges[0])
    np.testing.assert_array_equal(one.customers[0], other.customers[0])
    assert one.edges[0][-1] == INF
    assert one.customers[0][-1] >= 5


def test_the_order_of_the_customers_is_of_no_account() -> None:
    values = np.random.default_rng(3).lognormal(3.0, 1.0, (200, 1))
    one, other = (plot.IndicatorDistributionDisplay.from_features(X) for X in (values, values[::-1]))
    np.testing.assert_array_equal(one.edges[0], other.edges[0])
    np.testing.assert_array_equal(one.customers[0], other.customers[0])


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ([1.0, 2.0, 3.0, 4.0, np.nan], "few\nn < 5, null: 20 %"),
        ([0.0] * 97 + [1.0, 50.0, 9.0], "few\nn = 100, null: 0 %"),
        ([np.nan] * 9, "few\nn < 5, null: 100 %"),
    ],
    ids=["four values", "three beyond", "no value"],
)
def test_an_indicator_of_too_few_has_a_panel_without_numbers(values: list[float], title: str) -> None:
    display = plot.IndicatorDistributionDisplay.from_features(pd.DataFrame({"few": values})).plot()
    assert titles(display) == [title]
    assert texts(display.ax_) == ["too few customers for\nbins of at least 5"]
    assert bars(display.ax_, "bins") == []


def transactions() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    days = pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 300, 900), "D")
    return pd.DataFrame({"key": rng.integers(0, 60, 900), "day": days, "amount": rng.lognormal(4.0, 1.0, 900)})


def a_snapshot() -> rfm.Snapshot:
    schema = rfm.TransactionSchema(customer="key", time="day", amount="amount")
    return rfm.compute(transactions(), rfm.IndicatorSet.classic(), schema, as_of="2025-11-01")


def test_a_snapshot_brings_units_directions_and_the_bounds_of_a_scaler() -> None:
    snapshot = a_snapshot()
    scaler = rfm.IndicatorScaler(snapshot.indicators).fit(snapshot.features)
    display = plot.IndicatorDistributionDisplay.from_snapshot(
        snapshot, scaler=scaler, columns=["monetary", "recency"], logarithmic=["monetary"], n_bins=10
    )
    assert display.indicators == ("monetary", "recency")
    assert display.units == ("currency", "days")
    assert display.directions == ("benefit", "cost")
    assert display.logarithmic == ("monetary",)
    assert display.bounds is not None
    np.testing.assert_array_equal(display.bounds, np.stack([scaler.lower_, scaler.upper_], axis=1)[[2, 0]])
    assert [part.sum() for part in display.customers] == [len(snapshot.features)] * 2
    assert len(plot.IndicatorDistributionDisplay.from_snapshot(snapshot).indicators) == 3


def test_frames_of_other_libraries_and_arrays_are_taken() -> None:
    values = np.random.default_rng(1).random((80, 2))
    values[:20, 1] = np.nan
    scaler = rfm.IndicatorScaler().fit(values)
    from_array = plot.IndicatorDistributionDisplay.from_features(values, scaler=scaler)
    from_polars = plot.IndicatorDistributionDisplay.from_features(pl.DataFrame(values, schema=["a", "b"]))
    assert from_array.indicators == ("x0", "x1")
    assert from_polars.indicators == ("a", "b")
    np.testing.assert_array_equal(from_array.null_share, [0.0, 0.25])
    np.testing.assert_array_equal(from_polars.customers[1], from_array.customers[1])
    assert from_array.bounds is not None
    np.testing.assert_array_equal(from_array.bounds[:, 0], scaler.lower_)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"customers": [[5, 20, 3, 15], [30, 20, 6]]},
            r"customers of 'recency' must be whole numbers, 0 or at least 5",
        ),
        ({"customers": [[5, 20, 0, 15], [0, 0, 0]]}, r"customers of 'turnover' must be whole"),
        ({"customers": [[5, 20, 0.5, 15], [30, 20, 6]]}, r"customers of 'recency' must be whole"),
        ({"customers": [[5, 20], [30, 20, 6]]}, r"edges and customers of 'recency' have shapes \(5,\) and \(2,\)"),
        ({"edges": [[0, 10, 10, 20, 40], [0, 1, 2, INF]]}, r"edges of 'recency' do not rise"),
        (
            {"edges": [[0, 10, INF, INF, INF], [0, 1, 2, INF]]},
            r"edges of 'recency' do not rise, or are open inside",
        ),
        ({"edges": [[0, 10]]}, r"edges has 1 and customers 2 rows for 2 indicators"),
        ({"null_share": [0.1, 1.2]}, r"null_share holds numbers outside \[0, 1\]"),
        ({"null_share": [0.1]}, r"null_share has shape \(1,\); allowed: \(2,\)"),
        ({"bounds": [[0.0, 1.0]]}, r"bounds has shape \(1, 2\); allowed: \(2, 2\), the lower one first"),
        ({"units": ["days"]}, r"units has 1 and directions 2 texts; allowed: 2 of each"),
        ({"directions": ["up", "down"]}, r"directions of 'benefit', 'cost' and ''"),
        ({"logarithmic": ["monetary"]}, r"logarithmic names \['monetary'\]; allowed: a sequence of"),
        ({"logarithmic": "turnover"}, r"logarithmic names 'turnover'; allowed: a sequence of"),
        ({"logarithmic": None}, r"logarithmic names None; allowed: a sequence of"),
        ({"units": "ab"}, r"units is a str; allowed: a sequence, one text an indicator"),
        ({"directions": None}, r"directions is a NoneType; allowed: a sequence, one text an indicator"),
        ({"edges": ["ab", [0, 1, 2, INF]]}, r"edges does not hold rows of numbers only; allowed: one row"),
        ({"customers": 3}, r"customers does not hold rows of numbers only; allowed: one row"),
        ({"logarithmic": ["turnover"]}, r"edges of 'turnover' are not positive"),
        ({"indicators": ["a", "a"]}, r"indicators names 'a' twice"),
    ],
)
def test_distributions_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        a_distribution(**change)


def test_tables_without_a_distribution_are_refused() -> None:
    of = plot.IndicatorDistributionDisplay.from_features
    frame = pd.DataFrame({"a": np.arange(9.0), "b": np.arange(9.0)})
    scaler = rfm.IndicatorScaler().fit(frame[["a"]])
    with pytest.raises(DomainError, match=r"X has shape \(0, 2\); allowed: at least one customer"):
        of(frame.iloc[:0])
    with pytest.raises(ColumnError, match=r"'c'"):
        of(frame, columns=["c"])
    with pytest.raises(DomainError, match=r"columns name columns of a frame, and X is an array"):
        of(frame.to_numpy(), columns=["a"])
    for columns in ("a", 3):
        with pytest.raises(DomainError, match=r"columns is a (str|int); allowed: a sequence of names, or None"):
            of(frame, columns=columns)  # type: ignore[arg-type]  # wrong
    with pytest.raises(DomainError, match=r"scaler has no bounds for \['b'\]; it knows \['a'\]"):
        of(frame, scaler=scaler)
    with pytest.raises(DomainError, match=r"X has 2 columns and the scaler 1"):
        of(frame.to_numpy(), scaler=scaler)
    with pytest.raises(NotFittedError):
        of(frame, scaler=rfm.IndicatorScaler())
    with pytest.raises(DomainError, match=r"n_bins is 0; allowed: whole numbers from 1"):
        of(frame, n_bins=0)
    with pytest.raises(DomainError, match=r"kind is 'violin'; allowed: 'histogram' or 'ecdf'"):
        of(frame).plot(kind="violin")  # type: ignore[arg-type]  # wrong


# RFM heat map -------------------------------------------------------------------------------------------------


def drawn_matrix(display: Any) -> Any:
    return np.ma.filled(display.ax_.images[0].get_array(), np.nan)


def test_the_means_are_drawn_and_cells_of_few_are_hatched_without_one() -> None:
    display = a_heat_map().plot()
    expected = [[12.0, np.nan, np.nan], [30.0, np.nan, 0.0]]
    assert display.means is not None
    np.testing.assert_array_equal(display.means, expected)
    np.testing.assert_array_equal(drawn_matrix(display), expected)
    assert texts(display.ax_) == ["12.0\n(30)", "30.0\n(10)", "0.0\n(9)"]
    few = [patch for patch in display.ax_.patches if patch.get_gid() == "few"]
    assert [patch.get_xy() for patch in few if isinstance(patch, Rectangle)] == [(0.5, -0.5), (0.5, 0.5)]
    assert legend_of(display) == ["fewer than 5 customers,\nor hidden beside such a cell", "no customer"]
    assert display.ax_.get_title() == "RFM heat map\nn = 59, by cell in brackets"


def test_the_best_scores_are_at_the_top_and_at_the_right() -> None:
    axes = a_heat_map().plot().ax_
    assert axes.get_ylim() == (-0.5, 1.5)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["1", "2"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("frequency score", "recency score")


def test_customers_are_drawn_on_request_and_without_means() -> None:
    for display in (a_heat_map().plot(colour="customers"), a_heat_map(means=None).plot()):
        np.testing.assert_array_equal(drawn_matrix(display), [[30.0, np.nan, np.nan], [10.0, np.nan, 9.0]])
        assert texts(display.ax_) == ["30", "10", "9"]
        assert display.figure_.axes[-1].get_ylabel() == "customers"


def test_means_of_few_known_customers_are_not_drawn_either() -> None:
    display = a_heat_map(known=[[30, 2, 0], [4, 8, 9]]).plot()
    assert display.means is not None
    assert np.isnan(display.means[1, 0])
    assert patches(display, "few") == [(0, 1), (1, 0), (1, 1)]
    assert legend_of(display) == [
        "fewer than 5 customers with the figure,\nor hidden beside such a cell",
        "no customer",
    ]
    assert texts(a_heat_map(known=[[30, 2, 0], [4, 8, 9]]).plot(colour="customers").ax_) == ["30", "10", "9"]


def test_a_cell_of_many_of_whom_nobody_has_the_figure_is_told_apart() -> None:
    display = a_heat_map(
        customers=[[30, 40, 50]], means=[[np.nan, 2.0, 3.0]], known=[[0, 40, 50]], recency="r"
    ).plot()
    assert patches(display, "few") == []
    assert patches(display, "no figure") == [(0, 0)]
    assert legend_of(display) == ["no customer has the figure"]
    assert texts(display.ax_) == ["2.00\n(40)", "3.00\n(50)"]
    few = a_heat_map(customers=[[3, 4, 50]], means=[[np.nan, 2.0, 3.0]], known=[[0, 4, 50]]).plot()
    assert patches(few, "no figure") == []
    assert patches(few, "few") == [(0, 0), (0, 1)]
    for display in (few, a_heat_map(customers=[[3, 4, 50]], means=None).plot()):
        assert legend_of(display) == ["fewer than 5 customers,\nor hidden beside such a cell"]


@pytest.mark.parametrize(
    ("customers", "hidden", "n"),
    [
        ([9, 20, 30, 40], "0000", "99"),
        ([2, 20, 30, 40], "1100", "92"),
        ([2, 3, 30, 40], "1100", "75"),
        ([1, 2, 30, 40], "1110", "73"),
        ([0, 4, 0, 40], "0101", "44"),
        ([3, 4, 30, 40], "1100", "77"),
        ([4, 4, 30, 40], "1100", "78"),
        ([1, 1, 1, 1, 1, 40], "111111", "45"),
        ([1, 1, 1, 1, 2, 40], "111110", "46"),
        ([3, 0, 0, 0], "1000", "< 5"),
        ([2, 2, 0, 0], "1100", "< 5"),
        ([1, 1, 1, 1, 1, 1], "111111", "5+"),
    ],
)
def test_by_hand_no_count_can_be_got_by_subtraction(customers: list[int], hidden: str, n: str) -> None:
    """One small count alone, or several of one customer each, would follow from the total and the others."""
    display = plot.RFMHeatmapDisplay([customers]).plot()
    assert "".join(str(int(one)) for one in display.hidden[0]) == hidden
    assert display.ax_.get_title() == f"RFM heat map\nn = {n}"
    assert texts(display.ax_) == [
        str(count) for count, away in zip(customers, hidden, strict=True) if count and away == "0"
    ]


@given(st.lists(st.integers(0, 12), min_size=1, max_size=6).filter(any))
@settings(max_examples=60, deadline=None)
def test_hidden_counts_have_several_solutions(customers: list[int]) -> None:
    """By trying all: total, legend and the rule of the next smallest leave open what each hidden cell holds."""
    counts = np.array(customers, dtype=float)
    mask = hidden_among(counts)
    assert (counts[~mask & (counts > 0.0)] >= 5.0).all()
    total, count = int(counts[mask].sum()), int(mask.sum())
    if not count or total_text(counts) != str(sum(customers)):
        return
    shown = counts[~mask & (counts > 0.0)].min(initial=np.inf)
    ways = [np.diff([0, *cuts, total]) for cuts in itertools.combinations(range(1, total), count - 1)]
    ways = [way for way in ways if way.min() < 5 and way.max() <= shown]
    assert all(len(set(place)) > 1 for place in np.array(ways).T.tolist())


def test_figures_of_a_pandas_index_are_put_into_the_order_of_the_cells() -> None:
    """Customers 0 to 5 have cell 1-1 and figure 1, customers 6 to 11 cell 2-2 and figure 5."""
    scores = pd.DataFrame({"recency_score": [1] * 6 + [2] * 6, "frequency_score": [1] * 6 + [2] * 6})
    values = pd.Series([1.0] * 6 + [5.0] * 6)
    found = rfm.cells(scores)
    for figures in (values, values.iloc[::-1], values.iloc[::-1].to_frame("m"), values.to_numpy()):
        display = plot.RFMHeatmapDisplay.from_cells(found, figures)
        assert display.means is not None
        assert display.means[[0, 1], [0, 1]].tolist() == [1.0, 5.0]
    for index in (range(1, 13), [0] * 12):
        with pytest.raises(DataError, match=r"values and the cells have different pandas indexes"):
            plot.RFMHeatmapDisplay.from_cells(found, values.set_axis(pd.Index(index)))
    by_array = plot.RFMHeatmapDisplay.from_cells(
        rfm.cells(scores.to_numpy()), values.iloc[::-1], recency="x0", frequency="x1"
    )
    assert by_array.means is not None
    assert by_array.means[0, 0] == 5.0


def test_large_means_are_written_in_thousands() -> None:
    display = a_heat_map(customers=[[9, 9]], means=[[12345.6, 150000.0]], value="turnover", unit="CZK").plot()
    assert texts(display.ax_) == ["12\n(9)", "150\n(9)"]
    assert display.figure_.axes[-1].get_ylabel() == "mean turnover (thousand CZK)"


def test_negative_means_and_equal_ones_are_drawn() -> None:
    display = a_heat_map(customers=[[9, 9]], means=[[-4.0, -2.0]]).plot()
    assert display.ax_.images[0].get_clim() == (-4.0, 0.0)
    assert a_heat_map(customers=[[9, 9]], means=[[0.0, 0.0]]).plot().ax_.images[0].get_clim() == (0.0, 1.0)


@pytest.mark.parametrize(("size", "written"), [(7, "5.00\n(9)"), (8, "5.00"), (15, None)])
def test_less_is_written_where_there_are_many_cells(size: int, written: str | None) -> None:
    display = a_heat_map(customers=np.full((size, size), 9), means=np.full((size, size), 5.0)).plot()
    assert set(texts(display.ax_)) == ({written} if written else set())


def test_the_lowest_cell_is_not_white_and_numbers_can_be_read() -> None:
    display = a_heat_map(customers=[[9, 9]], means=[[0.0, 100.0]]).plot()
    image = display.ax_.images[0]
    assert min(image.to_rgba(np.zeros(1))[0, :3]) < 0.85
    assert [to_rgb(text.get_color()) for text in display.ax_.texts] == [(0.0,) * 3, (1.0,) * 3]


def test_by_hand_cells_of_three_scores_are_summed_over_the_third() -> None:
    scores = pd.DataFrame(
        {
            "recency_score": [1] * 6 + [2] * 5,
            "frequency_score": [1] * 6 + [2] * 5,
            "monetary_score": [1, 2, 3] * 3 + [1, 2],
        }
    )
    turnover = pd.DataFrame({"turnover": [1.0, 2.0, 3.0, 4.0, 5.0, None, *[10.0] * 5]})
    display = plot.RFMHeatmapDisplay.from_cells(rfm.cells(scores), turnover, value="turnover", n_scores=3)
    np.testing.assert_array_equal(display.customers, [[6, 0, 0], [0, 5, 0], [0, 0, 0]])
    np.testing.assert_array_equal(display.known, [[5, 0, 0], [0, 5, 0], [0, 0, 0]])
    assert display.means is not None
    np.testing.assert_array_equal(display.means[[0, 1], [0, 1]], [3.0, 10.0])
    assert (display.recency, display.frequency) == ("recency", "frequency")


def test_the_means_are_those_of_the_cells_themselves() -> None:
    """A second route: the cells of two scores average by themselves."""
    rng = np.random.default_rng(4)
    scores = pd.DataFrame(rng.integers(1, 4, (300, 2)), columns=["recency_score", "frequency_score"])
    values = rng.random(300)
    found = rfm.cells(scores)
    display = plot.RFMHeatmapDisplay.from_cells(found, values)
    assert display.means is not None
    for row in found.means(values[:, None], columns=None).itertuples():
        spot = (int(row.recency_score) - 1, int(row.frequency_score) - 1)  # type: ignore[arg-type]  # numbers
        assert display.means[spot] == row.x0_mean
        assert display.customers[spot] == row.customers


def test_columns_of_the_extended_form_are_named() -> None:
    names = ["recency_atm_score", "recency_web_score", "frequency_score"]
    cells = rfm.cells(pd.DataFrame(np.ones((9, 3), dtype=int), columns=names))
    display = plot.RFMHeatmapDisplay.from_cells(cells, recency="recency_web_score")
    assert display.recency == "recency_web"
    assert display.means is None
    with pytest.raises(
        ColumnError, match=r"2 columns of the cells begin with 'recency' .* name one of them in recency="
    ):
        plot.RFMHeatmapDisplay.from_cells(cells)
    with pytest.raises(ColumnError, match=r"'monetary'"):
        plot.RFMHeatmapDisplay.from_cells(cells, recency="monetary")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"means": [[1.0]]}, r"means has shape \(1, 1\); allowed: \(2, 3\), that of customers"),
        ({"known": [[1.0]]}, r"known has shape \(1, 1\); allowed: \(2, 3\)"),
        ({"known": [[31, 2, 0], [10, 8, 9]]}, r"known holds more customers than the cell has"),
        ({"known": [[1.5, 2, 0], [10, 8, 9]]}, r"known holds numbers that count nobody"),
        ({"customers": [[-1.0, 2.0]], "means": None}, r"customers holds numbers that count nobody"),
        ({"customers": [[0.0, 0.0]], "means": None}, r"customers holds nobody; allowed: at least one"),
        ({"means": [[np.nan, 2.0, 3.0], [1.0, 1.0, 1.0]]}, r"means is missing in a cell of 5 customers or more"),
    ],
)
def test_heat_maps_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        a_heat_map(**change)


def test_cells_and_figures_that_do_not_fit_are_refused() -> None:
    scores = pd.DataFrame({"recency_score": [1, 2], "frequency_score": [1, 3]}, index=["a", "b"])
    found, of = rfm.cells(scores), plot.RFMHeatmapDisplay.from_cells
    with pytest.raises(DomainError, match=r"n_scores is 2 and scores reach 3"):
        of(found, n_scores=2)
    with pytest.raises(DomainError, match=r"values has shape \(3, 1\); allowed: \(2, 1\), one number a customer"):
        of(found, [1.0, 2.0, 3.0])
    with pytest.raises(DataError, match=r"values and the cells have different pandas indexes"):
        of(found, pd.DataFrame({"m": [1.0, 2.0]}, index=["b", "c"]))
    with pytest.raises(DataError, match=r"values holds infinite"):
        of(found, [1.0, INF])
    with pytest.raises(DomainError, match=r"cells hold no customer"):
        of(rfm.cells(scores.iloc[:0]))
    with pytest.raises(
        DomainError, match=r"colour is 'mean'; allowed: 'customers', or 'mean' where there are means"
    ):
        of(found).plot(colour="mean")


# Segments -----------------------------------------------------------------------------------------------------


def test_bars_are_shares_ordered_by_value_with_the_small_ones_joined() -> None:
    """Three customers are joined with the next smallest segment, lost, so that none can be got by subtraction."""
    display = a_segment_display()
    assert display.segments == ("loyal", "new", "empty", "others")
    assert display.joined == ("lost", "rare")
    np.testing.assert_array_equal(display.customers, [50, 30, 0, 20])
    assert display.value_share is not None
    np.testing.assert_allclose(display.value_share, [0.6, 0.5, 0.0, -0.1])
    axes = display.plot().ax_
    widths = {
        gid: [bar.get_width() for bar in bars(axes, gid)]
        for gid in ("share of the customers", "share of the value")
    }
    np.testing.assert_allclose(widths["share of the customers"], [0.5, 0.3, 0.0, 0.2])
    np.testing.assert_allclose(widths["share of the value"], [0.6, 0.5, 0.0, -0.1])
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["loyal", "new", "empty", "others (2 segments)"]
    low, high = axes.get_ylim()
    assert low > high  # the most valuable is on top
    assert legend_of(display) == ["share of the value (contribution)", "share of the customers"]


def test_customers_and_their_value_against_the_mean_are_written_beside() -> None:
    axes = a_segment_display().plot().ax_
    written = texts(axes)
    assert written[8:13] == ["50", "30", "0", "20", "customers"]
    assert written[13:] == ["1.20", "1.67", "-", "-0.50", "value per customer\n(1 = mean)"]


def test_segments_without_values_are_ordered_by_their_customers() -> None:
    display = plot.SegmentDisplay(["a", "b"], customers=[10, 20]).plot()
    assert display.segments == ("b", "a")
    assert display.value is None
    assert display.value_share is None
    assert legend_of(display) == ["share of the customers"]
    assert display.ax_.get_title() == "Segments\nn = 30"


@pytest.mark.parametrize(
    ("customers", "joined"),
    [
        ([100, 5, 9], ()),
        ([100, 2, 3], ("b", "c")),
        ([100, 50, 1], ("b", "c")),
        ([100, 0, 1], ("a", "c")),
        ([3, 2, 4], ("a", "b", "c")),
        ([100, 4, 3], ("b", "c")),
        ([100, 4, 4], ("b", "c")),
    ],
)
def test_small_segments_are_joined_until_there_are_five(customers: list[int], joined: tuple[str, ...]) -> None:
    assert plot.SegmentDisplay(["a", "b", "c"], customers=customers).joined == joined


def test_by_hand_labels_and_values_make_the_segments() -> None:
    labels = ["x"] * 6 + ["y"] * 5
    values = [1.0] * 6 + [2.0] * 5
    expected = [5, 6, 0]
    for given_labels, given_values in (
        (labels, values),
        (pd.DataFrame({"segment": labels}), pd.DataFrame({"turnover": values})),
        (pl.DataFrame({"segment": labels}), pl.DataFrame({"turnover": values})),
    ):
        display = plot.SegmentDisplay.from_labels(given_labels, given_values, segments=["x", "y", "z"])
        assert display.segments == ("y", "x", "z")
        np.testing.assert_array_equal(display.customers, expected)
        assert display.value is not None
        np.testing.assert_array_equal(display.value, [10.0, 6.0, 0.0])
    assert plot.SegmentDisplay.from_labels(labels).segments == ("x", "y")


def test_single_customers_are_joined_with_one_segment_more() -> None:
    """Five segments of one customer each would be told by their number: five of five customers."""
    names = ["a", "b", "c", "d", "e", "f", "g"]
    display = plot.SegmentDisplay(names, customers=[1, 1, 1, 1, 1, 30, 40])
    assert display.joined == tuple(names[:6])


def test_values_of_a_pandas_index_are_put_into_the_order_of_the_labels() -> None:
    """Customers 0 to 5 are x with 1 each, customers 6 to 10 are y with 2 each."""
    labels = pd.Series(["x"] * 6 + ["y"] * 5, name="segment")
    values = pd.Series([1.0] * 6 + [2.0] * 5)
    of: Any = plot.SegmentDisplay.from_labels
    mixed = values.iloc[::-1]
    for some, figures in itertools.product((labels, labels.to_frame()), (values, mixed, mixed.to_frame("m"))):
        display = of(some, figures, segments=["x", "y"])
        assert dict(zip(display.segments, display.value, strict=True)) == {"x": 6.0, "y": 10.0}
    other = labels.set_axis(pd.Index([f"c{k}" for k in range(11)]))
    with pytest.raises(DataError, match=r"values and labels have different pandas indexes, which do not hold"):
        of(other, values)
    twice = labels.set_axis(pd.Index([0] * 11))
    with pytest.raises(DataError, match=r"values and labels have different pandas indexes"):
        of(twice, values)
    assert of(twice, values.set_axis(twice.index)).customers.sum() == 11
    assert of(other, values.to_numpy()).customers.sum() == 11


def test_the_segments_of_a_map_are_drawn() -> None:
    rng = np.random.default_rng(6)
    scores = rng.integers(1, 6, (200, 3))
    labels = rfm.SegmentMap.eleven_groups().label(scores)
    display = plot.SegmentDisplay.from_labels(labels, rng.random(200))
    assert display.customers.sum() == 200
    assert set(display.segments) - {"others"} <= set(rfm.SegmentMap.eleven_groups().names)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"customers": [1.0]}, r"customers has shape \(1,\); allowed: \(2,\)"),
        ({"customers": [1.5, 9.0]}, r"customers holds numbers that count nobody"),
        ({"customers": [2, 2]}, r"customers sum to fewer than 5"),
        ({"value": [1.0]}, r"value has shape \(1,\); allowed: \(2,\)"),
        ({"value": [-5.0, 5.0]}, r"value sums to zero or less"),
        ({"customers": [0, 9], "value": [1.0, 5.0]}, r"value is not 0 in a segment without customers"),
        ({"segments": ["a", "a"]}, r"segments names 'a' twice"),
        ({"segments": ["a", "b", "others"], "customers": [3, 9, 20]}, r"segments names 'others'.*rename it"),
    ],
)
def test_segments_that_do_not_fit_are_refused(arguments: dict[str, Any], message: str) -> None:
    given_: dict[str, Any] = {"segments": ["a", "b"], "customers": [9, 9]} | arguments
    with pytest.raises(DomainError, match=message):
        plot.SegmentDisplay(given_.pop("segments"), **given_)


def test_labels_that_do_not_fit_are_refused() -> None:
    of = plot.SegmentDisplay.from_labels
    labels: Any = ["a"] * 6
    framed = pd.DataFrame({"segment": labels})
    with pytest.raises(DomainError, match=r"labels hold \['a'\], which segments do not name"):
        of(labels, segments=["b"])
    for segments in ("a", 3):
        with pytest.raises(DomainError, match=r"segments is a (str|int); allowed: a sequence of names, or None"):
            of(labels, segments=segments)  # type: ignore[arg-type]  # wrong
    with pytest.raises(DataError, match=r"labels has 1 missing label"):
        of(["a", None])  # type: ignore[arg-type]  # texts
    with pytest.raises(DomainError, match=r"labels has 2 columns; allowed: one"):
        of(pd.DataFrame({"a": ["x"], "b": ["y"]}))
    with pytest.raises(DomainError, match=r"labels has shape \(0,\)"):
        of([])
    with pytest.raises(DomainError, match=r"values has shape \(5, 1\); allowed: \(6, 1\)"):
        of(labels, [1.0] * 5)
    with pytest.raises(DataError, match=r"values holds missing values"):
        of(labels, [1.0] * 5 + [np.nan])
    with pytest.raises(DataError, match=r"values and labels have different pandas indexes"):
        of(framed, pd.DataFrame({"m": [1.0] * 6}, index=range(1, 7)))


# The Lorenz curve ---------------------------------------------------------------------------------------------


def test_by_hand_the_curve_the_diagonal_and_the_top_fifth_are_drawn() -> None:
    display = a_lorenz_display().plot()
    (curve,) = lines(display.ax_, "curve")
    np.testing.assert_array_equal(curve.get_xdata(), display.customer_share)
    np.testing.assert_array_equal(curve.get_ydata(), display.value_share)
    (diagonal,) = lines(display.ax_, "diagonal")
    np.testing.assert_array_equal(diagonal.get_xdata(), diagonal.get_ydata())
    (mark,) = lines(display.ax_, "mark o")
    np.testing.assert_allclose([*mark.get_xdata(), *mark.get_ydata()], [0.8, 0.4])
    assert display.top_share == pytest.approx(0.6)
    assert legend_of(display) == ["Lorenz curve", "all customers alike", "the top 20 % bring 60 %"]
    assert display.ax_.get_title() == "Concentration of the value\nn = 1,000, Gini 0.500"


def test_by_hand_the_pareto_curve_is_the_same_from_the_other_end() -> None:
    """From (0.2, 0.6) to (0.5, 0.9) the curve reaches 0.8 at two thirds of the way, 0.4."""
    display = a_lorenz_display().plot(kind="pareto")
    (curve,) = lines(display.ax_, "curve")
    np.testing.assert_allclose(curve.get_xdata(), [0.0, 0.2, 0.5, 1.0], atol=1e-15)
    np.testing.assert_allclose(curve.get_ydata(), [0.0, 0.6, 0.9, 1.0], atol=1e-15)
    (top,), (most,) = lines(display.ax_, "mark o"), lines(display.ax_, "mark s")
    np.testing.assert_allclose([*top.get_xdata(), *top.get_ydata()], [0.2, 0.6])
    np.testing.assert_allclose([*most.get_xdata(), *most.get_ydata()], [0.4, 0.8])
    assert legend_of(display)[2:] == ["the top 20 % bring 60 %", "the top 40 % bring 80 %"]


@pytest.mark.parametrize(("n", "points"), [(25, 6), (70, 11), (499, 96), (500, 101), (5000, 101)])
def test_points_of_the_curve_are_five_customers_apart(n: int, points: int) -> None:
    values = np.random.default_rng(n).lognormal(3.0, 1.2, n)
    found = rfm.concentration(values)
    display = plot.LorenzDisplay.from_concentration(found)
    assert len(display.customer_share) == points
    assert np.diff(display.customer_share * n).min() >= 5.0 - 1e-9
    assert display.top_share == pytest.approx(found.top_share(0.2), rel=1e-12)
    assert display.gini == found.gini
    # A second route: the value of the poorest, summed one by one.
    poorest = np.concatenate(([0.0], np.cumsum(np.sort(values)))) / values.sum()
    expected = np.interp(display.customer_share * n, np.arange(n + 1), poorest)
    np.testing.assert_allclose(display.value_share, expected, rtol=1e-9, atol=1e-12)


def test_negative_values_have_a_curve_below_zero_and_no_coefficient() -> None:
    found = rfm.concentration(np.linspace(-10.0, 30.0, 100))
    display = plot.LorenzDisplay.from_concentration(found).plot()
    assert display.gini is None
    assert display.value_share.min() < 0.0
    assert display.ax_.get_ylim()[0] < display.value_share.min()
    assert display.ax_.get_title().endswith("n = 100, Gini not defined below zero")


@pytest.mark.parametrize("loss", [0.999, 0.99999, 1.0 - 1e-10])
@pytest.mark.parametrize("kind", ["lorenz", "pareto"])
def test_a_whale_curve_of_a_small_total_has_few_ticks_and_short_texts(loss: float, kind: Any) -> None:
    """500 customers bring 1 each and 500 lose nearly as much: the best half brings 1 / (1 - loss) of the total."""
    found = rfm.concentration(np.r_[np.full(500, 1.0), np.full(500, -loss)])
    display = plot.LorenzDisplay.from_concentration(found).plot(kind=kind)
    display.figure_.canvas.draw()
    ticks = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert 4 <= len(ticks) <= 9
    assert len(set(ticks)) == len(ticks)
    assert max(len(text) for text in [*ticks, *legend_of(display)]) < 40
    (curve,) = lines(display.ax_, "curve")
    assert np.abs(curve.get_ydata()).max() == pytest.approx(1.0 / (1.0 - loss), rel=1e-3)


def test_ordinary_curves_have_a_tick_each_fifth() -> None:
    for kind in ("lorenz", "pareto"):
        axes = a_lorenz_display().plot(kind=kind).ax_
        axes.figure.canvas.draw()
        for axis in (axes.xaxis, axes.yaxis):
            np.testing.assert_allclose(np.diff(axis.get_ticklocs()), 0.2)
            assert {"0 %", "20 %", "100 %"} <= {label.get_text() for label in axis.get_ticklabels()}


def test_a_whale_curve_tells_large_shares() -> None:
    found = rfm.concentration(np.r_[np.full(500, 1.0), np.full(500, -0.999)])
    display = plot.LorenzDisplay.from_concentration(found).plot(kind="pareto")
    assert legend_of(display)[2:] == ["the top 20 % bring 40,000 %", "the top < 0.1 % bring 80 %"]


def test_nearly_equal_customers_have_a_curve() -> None:
    values = np.full(30, 0.1)
    values[::3] = np.nextafter(0.1, 1.0)
    display = plot.LorenzDisplay.from_concentration(rfm.concentration(values))
    assert display.gini is not None
    assert 0.0 <= display.gini < 1e-12


def test_equal_customers_lie_on_the_diagonal() -> None:
    display = plot.LorenzDisplay.from_concentration(rfm.concentration([7.0] * 40))
    np.testing.assert_allclose(display.value_share, display.customer_share, atol=1e-15)
    assert display.gini == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_customers": 24}, r"n_customers is 24; allowed: at least 25, so that the top 20 % are 5 or more"),
        ({"value_share": [0.0, 1.0]}, r"value_share has shape \(2,\); allowed: \(3,\)"),
        ({"customer_share": [0.1, 0.5, 1.0]}, r"do not rise from \(0, 0\) to \(1, 1\)"),
        ({"customer_share": [0.0, 0.0, 1.0]}, r"do not rise from \(0, 0\) to \(1, 1\)"),
        ({"value_share": [0.0, 0.9, 1.0]}, r"value_share bends downwards; allowed: a Lorenz curve"),
        ({"gini": 1.0}, r"gini is 1; allowed: a number from 0"),
        ({"gini": -0.1}, r"gini is -0\.1; allowed: a number from 0"),
        ({"gini": float("nan")}, r"gini is nan; allowed: a number from 0"),
        ({"gini": "x"}, r"gini is 'x'; allowed: a number from 0"),
        ({"gini": True}, r"gini is True; allowed: a number from 0"),
        ({"n_customers": None}, r"n_customers is None; allowed: at least 25"),
        ({"n_customers": "50"}, r"n_customers is '50'; allowed: at least 25"),
        ({"n_customers": True}, r"n_customers is True; allowed: at least 25"),
        ({"customer_share": 0.5}, r"customer_share is a float; allowed: a sequence of numbers"),
    ],
)
def test_curves_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    given_: dict[str, Any] = {"customer_share": [0.0, 0.5, 1.0], "value_share": [0.0, 0.2, 1.0], "n_customers": 50}
    given_ |= change
    with pytest.raises(DomainError, match=message):
        plot.LorenzDisplay(given_.pop("customer_share"), given_.pop("value_share"), **given_)


def test_few_customers_have_no_curve() -> None:
    with pytest.raises(DomainError, match=r"n_customers is 10; allowed: at least 25"):
        plot.LorenzDisplay.from_concentration(rfm.concentration(np.arange(1.0, 11.0)))
    with pytest.raises(DomainError, match=r"kind is 'gini'; allowed: 'lorenz' or 'pareto'"):
        a_lorenz_display().plot(kind="gini")  # type: ignore[arg-type]  # wrong


def test_names_can_be_chinese() -> None:
    chinese = {"turnover": "交易额", "days": "天", "less is better": "越小越好", "recency": "最近一次"}
    display = a_distribution().plot(labels=chinese)
    assert titles(display)[1].startswith("交易额")
    assert display.panels_[0].get_xlabel() == "天, bins of 10, 越小越好"
