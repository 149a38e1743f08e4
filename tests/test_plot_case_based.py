"""Displays of case-based reasoning draw the numbers they were given, and nothing else."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.container import BarContainer

from custvalue import cbr, grey, plot
from custvalue.exceptions import DomainError
from pictures import draws_where_it_is_told, keeps_inside_and_apart, legend_of, lets_every_text_be_replaced

if TYPE_CHECKING:
    from custvalue._typing import FloatArray

mpl.use("Agg")

HIERARCHY = grey.Hierarchy.from_weights(
    {"recency": 0.3, "monetary": 0.7},
    {"recency": {"last_visit": 1.0}, "monetary": {"turnover": 0.4, "balance": 0.6}},
)
LABELS = ["bronze", "silver", "gold"]


def customers(n: int, seed: int) -> tuple[FloatArray, list[str]]:
    """Customers about three centres, with some overlap."""
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % 3
    values = np.clip((0.25 + 0.25 * codes)[:, None] + rng.normal(0.0, 0.1, (n, 3)), 0.0, 1.0)
    return values, [LABELS[code] for code in codes]


def a_model() -> cbr.CaseBasedClassifier:
    return cbr.CaseBasedClassifier(HIERARCHY).fit(*customers(30, 0))


def explanations() -> cbr.Explanations:
    return a_model().explain(customers(6, 1)[0])


def offsets(collection: Any) -> FloatArray:
    return np.asarray(collection.get_offsets(), dtype=float)


def scatters(display: Any, gid: str | None = None) -> list[Any]:
    """Give the marks, those of one name or those without any."""
    found = [part for part in display.ax_.collections if isinstance(part, PathCollection)]
    return [part for part in found if part.get_gid() == gid]


def segments(display: Any) -> list[FloatArray]:
    """Give all straight lines that were drawn as such, each as its two ends; one without a number is none."""
    lines = [part for part in display.ax_.collections if isinstance(part, LineCollection)]
    return [np.asarray(segment) for line in lines for segment in line.get_segments() if len(segment)]


def texts_at_the_right(display: Any) -> list[str]:
    return [text.get_text() for text in display.ax_.texts if 1.0 < text.get_position()[0] < 1.3]


def ticks(display: Any) -> list[str]:
    return [label.get_text() for label in display.ax_.get_yticklabels()]


# Every display ------------------------------------------------------------------------------------------------


def an_explanation_display() -> plot.ExplanationDisplay:
    return plot.ExplanationDisplay(
        ["last_visit", "turnover", "balance"], contribution=[0.25, 0.2, 0.4], rival_contribution=[0.3, 0.1, 0.2],
        weight=[0.3, 0.28, 0.42], groups=["recency", "monetary", "monetary"], p_value=0.31,
        notes=["", "left out", "above the range"],
    )  # fmt: skip


def a_similarity_display() -> plot.ClassSimilarityDisplay:
    return plot.ClassSimilarityDisplay(
        ["bronze", "silver", "gold"], similarity=[[0.9, 0.7, 0.5], [0.6, 0.65, np.nan]],
        predicted=["bronze", "silver"], floor=1 / 3, p_values=[[0.4, 0.05, 0.0002], [0.3, 0.2, np.nan]],
    )  # fmt: skip


def a_competence_display() -> plot.CompetenceDisplay:
    values, labels = customers(12, 3)
    return plot.CompetenceDisplay(
        values, classes=labels, relative_coverage=np.arange(12.0), footprint=[11, 10, 4], alone=[2, 4],
        conflicting=[5], weights=HIERARCHY.global_weights,
    )  # fmt: skip


def a_stability_display() -> plot.AnswerStabilityDisplay:
    return plot.AnswerStabilityDisplay(
        ["5 % of the cases left out", "rho 0.1"], models=["grey", "Manhattan"],
        winner_changed=[[0.1, 0.06], [0.3, np.nan]], class_changed=[[0.02, 0.01], [0.15, np.nan]],
        winner_reversed=[[0.04, 0.0], [0.3, np.nan]],
        winner_range=[[[0.05, 0.2], [0.0, 0.1]], [[0.3, 0.3], [np.nan, np.nan]]],
        class_range=[[[0.0, 0.04], [0.01, 0.01]], [[0.15, 0.15], [np.nan, np.nan]]],
    )  # fmt: skip


def a_calibration_display(**changes: Any) -> plot.CalibrationDisplay:
    settings: dict[str, Any] = {
        "levels": [0.8, 0.9, 0.95],
        "classes": ["bronze", "gold"],
        "coverage": [[0.82, 0.7], [0.91, np.nan], [0.96, 1.0]],
        "interval": [[[0.7, 0.9], [0.6, 0.79]], [[0.8, 0.97], [0.0, 1.0]], [[0.9, 0.99], [0.9, 1.0]]],
        "attainable": [[True, True], [True, True], [True, False]],
        "too_low": [[False, True], [False, False], [False, False]],
        "mean_set_size": [1.1, np.nan, 1.975],
    }
    settings |= changes
    return plot.CalibrationDisplay(settings.pop("levels"), **settings)


def a_baseline_display() -> plot.BaselineDisplay:
    return plot.BaselineDisplay(
        ["Manhattan", "centroid", "majority"], difference=[-0.03, 0.004, 0.31],
        interval=[[-0.05, -0.01], [-0.01, 0.02], [0.27, 0.35]], accuracy=[0.9, 0.866, 0.56],
        p_value=[0.003, np.nan, 1e-9],
    )  # fmt: skip


DISPLAYS = pytest.mark.parametrize(
    "make",
    [
        an_explanation_display,
        a_similarity_display,
        a_competence_display,
        a_stability_display,
        a_calibration_display,
        a_baseline_display,
    ],
    ids=lambda make: make.__name__,
)


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
    keeps_inside_and_apart(display, (*display.ax_.texts, *display.ax_.get_yticklabels()))


# The profile of the classes -----------------------------------------------------------------------------------


def a_case_base() -> cbr.CaseBase:
    hierarchy = grey.Hierarchy.equal({"recency": ["recency"], "monetary": ["balance"]})
    X = [[0.0, 0.1]] * 5 + [[0.9, 1.0]] * 5 + [[0.1, 0.0]]
    return cbr.build_case_base(X, hierarchy, n_classes=2, stability_seeds=0, random_state=0)


def drawn_matrix(display: Any) -> FloatArray:
    return np.asarray(display.ax_.images[0].get_array())


def test_the_class_profile_draws_the_centres_with_the_best_class_on_top() -> None:
    cases = a_case_base()
    display = plot.ClassProfileDisplay.from_case_base(cases).plot()
    centers = cases.clusters.centers
    np.testing.assert_array_equal(display.values, centers[::-1])
    np.testing.assert_array_equal(drawn_matrix(display), centers[::-1])
    assert ticks(display) == ["class 2 (n=5)", "class 1 (n=6)"]
    numbers = [text.get_text() for text in display.ax_.texts]
    assert numbers == [f"{value:.2f}" for value in centers[::-1].ravel()]


def test_cases_without_clusters_have_the_profile_of_the_cases() -> None:
    cases = cbr.CaseBase.from_cases(
        [[0.0], [0.5], [1.0]], ["a", "b", "a"], grey.Hierarchy.equal({"m": ["balance"]})
    )
    display = plot.ClassProfileDisplay.from_case_base(cases)
    np.testing.assert_array_equal(display.values, [[0.5], [0.5]])
    assert display.rows == ("class b (n=1)", "class a (n=2)")


def test_prototypes_count_as_often_as_they_stand_for_customers() -> None:
    """The prototypes of a class of k-means, each weighed by its members, have the mean of the class again."""
    cases = a_case_base()
    display = plot.ClassProfileDisplay.from_case_base(cases.with_clusters(None))
    X, rows = cases.X.to_numpy(), [cases.y == label for label in (2, 1)]
    expected = [np.average(X[row], axis=0, weights=cases.members[row]) for row in rows]
    np.testing.assert_allclose(display.values, expected, rtol=1e-14)


def test_a_profile_of_unscaled_cases_is_refused() -> None:
    hierarchy = grey.Hierarchy.equal({"m": ["balance"]})
    cases = cbr.CaseBase.from_cases([[10.0], [900.0]], [1, 2], hierarchy, scaled=False)
    with pytest.raises(DomainError, match=r"cases are not scaled to \[0, 1\].*scale them first"):
        plot.ClassProfileDisplay.from_case_base(cases)


def test_names_of_the_profile_can_be_replaced() -> None:
    chinese = {"recency": "最近交易日", "balance": "日均余额", "Class profile": "客户价值类别"}
    drawn = plot.ClassProfileDisplay.from_case_base(a_case_base()).plot(labels=chinese).ax_
    names = {label.get_text() for label in (*drawn.get_xticklabels(), drawn.title)}
    assert set(chinese.values()) <= names


# The explanation ----------------------------------------------------------------------------------------------


def test_the_bars_are_the_contributions_and_their_difference_is_written() -> None:
    reason = explanations()[1]
    display = plot.ExplanationDisplay.from_explanation(reason).plot()
    bars = [part for part in display.ax_.containers if isinstance(part, BarContainer)]
    widths = [[bar.get_width() for bar in part] for part in bars]
    np.testing.assert_array_equal(widths, [reason.contributions, reason.rival_contributions])
    assert sum(widths[0]) == pytest.approx(reason.similarity, abs=1e-15)
    parts = reason.contributions - reason.rival_contributions
    groups = [f"{parts[0]:+.3f}", f"{parts[1] + parts[2]:+.3f}", f"{parts[1]:+.3f}", f"{parts[2]:+.3f}"]
    assert texts_at_the_right(display) == [*groups, f"difference\nsum {parts.sum():+.3f}"]
    assert ticks(display) == ["recency: last_visit", "monetary", "turnover", "balance"]
    assert display.ax_.get_title() == f"Class {reason.predicted}\nmargin {reason.margin:.3f}"


def test_bars_stand_beside_their_names_and_weights() -> None:
    display = an_explanation_display().plot()
    names = dict(zip(ticks(display), display.ax_.get_yticks(), strict=True))
    rows = [names[key] for key in ("recency: last_visit", "turnover\n(left out)", "balance\n(above the range)")]
    own, rival = (part for part in display.ax_.containers if isinstance(part, BarContainer))
    middles = [[bar.get_y() + bar.get_height() / 2 for bar in part] for part in (own, rival)]
    np.testing.assert_allclose(np.mean(middles, axis=0), rows)
    assert (np.array(middles[0]) < middles[1]).all()
    np.testing.assert_allclose([line[:, 0] for line in segments(display)], [[w, w] for w in (0.3, 0.28, 0.42)])
    np.testing.assert_allclose([line[:, 1].mean() for line in segments(display)], rows)
    assert texts_at_the_right(display)[:4] == ["-0.050", "+0.300", "+0.100", "+0.200"]
    assert display.ax_.get_title() == "Explanation\nmargin 0.250, conformal p-value 0.310"


def test_groups_are_parted_and_those_of_several_named_in_bold() -> None:
    display = an_explanation_display().plot()
    weights = {label.get_text(): label.get_fontweight() for label in display.ax_.get_yticklabels()}
    assert [name for name, weight in weights.items() if weight == "bold"] == ["monetary"]
    parting = [line.get_ydata()[0] for line in display.ax_.lines]  # type: ignore[index]  # a horizontal line
    assert parting == [1.0]


@pytest.mark.parametrize("groups", [(), ("all", "all")])
def test_one_group_is_not_named(groups: tuple[str, ...]) -> None:
    parts: dict[str, Any] = {"contribution": [0.2, 0.3], "rival_contribution": [0.1, 0.1], "weight": [0.5, 0.5]}
    display = plot.ExplanationDisplay(["a", "b"], **parts, groups=groups).plot()
    assert ticks(display) == ["a", "b"]


def test_without_another_class_there_is_no_rival() -> None:
    reason = cbr.CaseBasedClassifier().fit([[0.1, 0.2], [0.3, 0.4]], ["only", "only"]).explain([[0.2, 0.2]])[0]
    display = plot.ExplanationDisplay.from_explanation(reason).plot()
    assert display.rival_contribution is None
    assert display.difference is None
    assert len([part for part in display.ax_.containers if isinstance(part, BarContainer)]) == 1
    assert texts_at_the_right(display) == []
    assert display.ax_.get_title() == "Class only"
    assert len(legend_of(display)) == 2


def test_a_customer_is_named_only_on_request() -> None:
    reason = explanations()[1]
    assert plot.ExplanationDisplay.from_explanation(reason).title == f"Class {reason.predicted}"
    named = plot.ExplanationDisplay.from_explanation(reason, show_label=True).title
    assert named == f"Customer 1: class {reason.predicted}"


def test_values_out_of_range_are_noted() -> None:
    reason = a_model().explain([[0.0, 1.0, 0.5]])[0]
    assert plot.ExplanationDisplay.from_explanation(reason).notes == ("below the range", "above the range", "")


def test_indicators_left_out_are_noted() -> None:
    X, y = customers(30, 0)
    model = cbr.CaseBasedClassifier(HIERARCHY, missing="skip").fit(X, y)
    reason = model.explain([[0.5, np.nan, 0.5]])[0]
    display = plot.ExplanationDisplay.from_explanation(reason)
    assert display.notes[1] == "left out"
    assert display.contribution[1] == display.weight[1] == 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight": [0.5]}, r"weight has shape \(1,\); allowed: \(3,\), one number a name"),
        ({"contribution": [0.5]}, r"^contribution has shape \(1,\); allowed: \(3,\)"),
        ({"rival_contribution": [0.5]}, r"^rival_contribution has shape \(1,\); allowed: \(3,\)"),
        ({"groups": ["a"]}, r"groups names 1 groups for 3 indicators; allowed: one an indicator"),
        ({"groups": ["a", "b", "a"]}, r"those of the same group next to each other"),
        ({"notes": ["a"]}, r"notes has 1 texts; allowed: 3, one an indicator"),
    ],
)
def test_explanations_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    parts: dict[str, Any] = {"contribution": [0.2] * 3, "rival_contribution": [0.1] * 3, "weight": [0.3] * 3}
    with pytest.raises(DomainError, match=message):
        plot.ExplanationDisplay(["a", "b", "c"], **(parts | change))


# Similarity to all classes ------------------------------------------------------------------------------------


def test_marks_stand_at_the_similarities_filled_for_the_class_given() -> None:
    display = a_similarity_display().plot()
    first, second = scatters(display)
    np.testing.assert_allclose(offsets(first), [[0.9, -0.2], [0.7, 0.8], [0.5, 1.8]], atol=1e-12)
    np.testing.assert_allclose(offsets(second), [[0.6, 0.2], [0.65, 1.2]], atol=1e-12)
    colours = [to_hex(colour) for colour in first.get_facecolor()]
    assert colours == [to_hex(first.get_edgecolor()[0]), "#ffffff", "#ffffff"]
    assert [to_hex(colour) == "#ffffff" for colour in second.get_facecolor()] == [True, False]
    assert ticks(display) == ["bronze", "silver", "gold"]
    assert [text.get_text() for text in display.ax_.texts].count("no case") == 1


def test_the_margin_runs_from_the_best_other_class_to_the_class_given() -> None:
    display = a_similarity_display().plot()
    np.testing.assert_allclose(display.margin, [0.2, 0.05])
    lines: list[Any] = [part for part in display.ax_.collections if isinstance(part, LineCollection)]
    thick = [line for part in lines if part.get_linewidth()[0] == 3.0 for line in part.get_segments()]
    np.testing.assert_allclose(thick, [[[0.7, -0.2], [0.9, -0.2]], [[0.6, 1.2], [0.65, 1.2]]])
    written = [text.get_text() for text in display.ax_.texts if "margin" in text.get_text()]
    assert written == ["margin +0.200", "margin +0.050"]


def test_the_floor_and_the_p_values_are_drawn() -> None:
    display = a_similarity_display().plot()
    floors = [line.get_xdata() for line in display.ax_.lines]
    np.testing.assert_array_equal(floors, [[1 / 3, 1 / 3]])
    assert texts_at_the_right(display)[:6] == ["0.400", "0.050", "< 0.001", "0.300", "0.200", "-"]
    places = [text.get_position()[1] for text in display.ax_.texts if 1.0 < text.get_position()[0] < 1.3][:6]
    np.testing.assert_allclose(places, [-0.2, 0.8, 1.8, 0.2, 1.2, 2.2])
    assert "no similarity is lower (rho / (1 + rho))" in legend_of(display)


def test_a_vote_may_overrule_the_most_similar_case() -> None:
    display = plot.ClassSimilarityDisplay(["a", "b"], similarity=[0.6, 0.8], predicted="a")
    np.testing.assert_allclose(display.margin, [-0.2])
    assert "margin -0.200" in [text.get_text() for text in display.plot().ax_.texts]
    assert "no similarity is lower (rho / (1 + rho))" not in legend_of(display)


def test_one_class_has_no_margin() -> None:
    display = plot.ClassSimilarityDisplay(["a"], similarity=[0.6], predicted="a", floor=0.5).plot()
    assert np.isnan(display.margin).all()
    assert [text.get_text() for text in display.ax_.texts] == []


def test_the_similarities_of_an_explanation_are_those_of_the_nearest_cases() -> None:
    model, (X, _) = a_model(), customers(6, 1)
    cases, labels = customers(30, 0)
    alike = grey.similarity(X, cases, HIERARCHY)
    display = plot.ClassSimilarityDisplay.from_explanation(model.explain(X))
    expected = [[row[np.array(labels) == name].max() for name in display.classes] for row in alike]
    np.testing.assert_allclose(display.similarity, expected, rtol=1e-12)
    assert list(display.predicted) == model.predict(X).tolist()
    assert display.floor == pytest.approx(1 / 3)
    assert display.p_values is None
    assert display.customers[0] == "customer 1"
    table = pd.DataFrame(X, index=list("uvwxyz"), columns=HIERARCHY.indicators)
    model.fit(pd.DataFrame(cases, columns=HIERARCHY.indicators), labels)
    one = plot.ClassSimilarityDisplay.from_explanation(model.explain(table)[4], show_label=True)
    assert one.customers == ("customer y",)
    np.testing.assert_array_equal(one.similarity, display.similarity[4:5])


def test_p_values_come_with_a_calibrated_model() -> None:
    model = a_model().calibrate(*customers(60, 5), truth="the centre they were drawn about")
    X = customers(3, 6)[0]
    display = plot.ClassSimilarityDisplay.from_explanation(model.explain(X))
    assert display.p_values is not None
    np.testing.assert_array_equal(display.p_values, model.p_values(X))
    single = plot.ExplanationDisplay.from_explanation(reason := model.explain(X)[0])
    assert reason.p_values is not None
    assert single.p_value == reason.p_values[reason.predicted]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"similarity": [0.9]}, r"similarity has 1 columns; allowed: 2, one a class"),
        (
            {"similarity": [[0.9, 0.5]] * 7, "predicted": "aaaaaaa"},
            r"similarity has 7 rows; allowed: 1 to 6 customers",
        ),
        ({"predicted": ["a", "b"]}, r"predicted names 2 classes and customers 1 customers; allowed: 1 of each"),
        ({"predicted": "c"}, r"predicted holds 'c'; allowed: classes with a similarity, of \['a', 'b'\]"),
        ({"similarity": [np.nan, 0.5]}, r"predicted holds 'a'; allowed: classes with a similarity"),
        ({"similarity": [1.1, 0.5]}, r"similarity reaches from 0\.5 to 1\.1; allowed: numbers up to 1"),
        ({"floor": 0.6}, r"similarity reaches from 0\.5.*floor 0\.6.*Under frozen ranges leave the floor out"),
        ({"p_values": [0.1, 1.2]}, r"p_values holds numbers outside \[0, 1\]"),
        ({"p_values": [[0.1, 0.2]] * 2}, r"p_values has 2 rows; allowed: 1, one a customer"),
    ],
)
def test_similarities_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        plot.ClassSimilarityDisplay(["a", "b"], **({"similarity": [0.9, 0.5], "predicted": "a"} | change))


def test_nobody_cannot_be_drawn() -> None:
    with pytest.raises(DomainError, match=r"explanation is empty; allowed: the explanations of at least one"):
        plot.ClassSimilarityDisplay.from_explanation([])


# Competence ---------------------------------------------------------------------------------------------------


def test_a_square_is_laid_out_by_hand() -> None:
    """Columns that do not vary together are the axes themselves; 0.9 and 0.5 are what is left of their ranges."""
    values = [[0.0, 0.0], [1.0, 0.0], [0.0, 0.5], [1.0, 0.5]]
    display = plot.CompetenceDisplay(values, classes=["a"] * 4, relative_coverage=[1.0] * 4, weights=[0.81, 1.0])
    np.testing.assert_allclose(display.coordinates, [[-0.45, -0.25], [0.45, -0.25], [-0.45, 0.25], [0.45, 0.25]])
    np.testing.assert_allclose(display.explained, np.array([0.81, 0.25]) / 1.06)
    np.testing.assert_allclose(display.axes_of_plane, [[1.0, 0.0], [0.0, 1.0]], atol=1e-15)


def test_the_plane_is_that_of_the_largest_eigenvalues_of_the_covariance() -> None:
    rng = np.random.default_rng(7)
    values, weights = rng.random((40, 5)) @ rng.random((5, 5)), rng.dirichlet(np.ones(5))
    display = plot.CompetenceDisplay(values, classes=["a"] * 40, relative_coverage=np.ones(40), weights=weights)
    scaled = (values - values.mean(axis=0)) * np.sqrt(weights)
    roots, vectors = np.linalg.eigh(scaled.T @ scaled)
    np.testing.assert_allclose(display.explained, roots[[-1, -2]] / roots.sum(), rtol=1e-9)
    for k in (0, 1):
        vector = vectors[:, -1 - k]
        vector = vector * np.sign(vector[np.abs(vector).argmax()])
        np.testing.assert_allclose(display.axes_of_plane[k], vector, atol=1e-9)
        np.testing.assert_allclose(display.coordinates[:, k], scaled @ vector, atol=1e-9)


def test_the_sign_of_an_axis_with_equal_coordinates_is_that_of_the_first() -> None:
    display = plot.CompetenceDisplay([[0.0, 1.0], [1.0, 0.0]], classes=["a", "b"], relative_coverage=[1.0, 1.0])
    assert display.axes_of_plane[0, 0] > 0.0 > display.axes_of_plane[0, 1]
    np.testing.assert_allclose(display.coordinates, [[-0.5, 0.0], [0.5, 0.0]], atol=1e-15)


@pytest.mark.parametrize("values", [[[0.3, 0.3]], [[0.3, 0.3]] * 5, [[0.1], [0.1], [0.7]]], ids=len)
def test_cases_without_spread_are_drawn(values: list[list[float]]) -> None:
    count = len(values)
    display = plot.CompetenceDisplay(values, classes=["a"] * count, relative_coverage=[0.0] * count).plot()
    display.figure_.canvas.draw()
    np.testing.assert_array_equal(display.coordinates[:, 1], np.zeros(count))
    assert display.explained[1] == 0.0
    assert display.explained[0] == pytest.approx(float(count == 3))


def test_marks_are_as_large_as_their_coverage_and_rimmed_in_the_footprint() -> None:
    display = a_competence_display().plot()
    seen = {}
    for place, name in enumerate(sorted(set(display.classes))):
        for rim in (False, True):
            (part,) = scatters(display, f"{name} {rim}")
            for spot, area in zip(offsets(part), part.get_sizes(), strict=True):
                seen[tuple(spot)] = (area, name, rim)
            if rim and len(offsets(part)):
                assert to_rgb(part.get_edgecolor()[0]) == (0.0, 0.0, 0.0)
            if len(offsets(part)):
                assert to_hex(part.get_facecolor()[0]) == to_hex(["#0072B2", "#D55E00", "#009E73"][place])
    expected = {
        tuple(spot): (area, display.classes[k], k in {4, 10, 11})
        for k, (spot, area) in enumerate(zip(display.coordinates, 260.0 * np.arange(12.0) / 11.0, strict=True))
    }
    assert seen.keys() == expected.keys()
    for spot, (area, name, rim) in expected.items():
        assert seen[spot][1:] == (name, rim)
        assert seen[spot][0] == pytest.approx(max(area, 15.0 if rim else 5.0))


def test_cases_solved_by_no_other_and_conflicts_are_crossed() -> None:
    display = a_competence_display().plot()
    for gid, places in (("alone", [2, 4]), ("conflicting", [5])):
        (crosses,) = scatters(display, gid)
        np.testing.assert_array_equal(offsets(crosses), display.coordinates[places])
    assert legend_of(display)[3:] == [
        "competence footprint (3 of 12 cases)",
        "solved by no other case (2)",
        "as another case of another class (1)",
    ]


def test_axes_are_named_with_what_they_explain() -> None:
    display = a_competence_display().plot()
    first, second = 100.0 * display.explained
    assert display.ax_.get_xlabel() == f"principal axis 1 ({first:.0f} % of the variance)"
    assert display.ax_.get_ylabel() == f"principal axis 2 ({second:.0f} % of the variance)"


def test_classes_that_are_numbers_come_in_their_order() -> None:
    display = plot.CompetenceDisplay(
        [[0.1], [0.5], [0.9], [0.3]], classes=["10", "9", "b", "-1"], relative_coverage=[1.0] * 4
    ).plot()
    assert legend_of(display) == ["-1", "9", "10", "b"]


def test_five_thousand_cases_have_smaller_marks() -> None:
    rng = np.random.default_rng(0)
    display = plot.CompetenceDisplay(
        rng.random((5000, 4)), classes=["a"] * 5000, relative_coverage=rng.random(5000), footprint=range(50)
    ).plot()
    (part,) = scatters(display, "a False")
    assert len(offsets(part)) == 4950
    assert part.get_sizes().max() < 260.0 * (40 / 5000) ** 0.5 + 1e-9
    assert part.get_sizes().min() == 5.0


def test_the_competence_of_a_case_base_is_drawn() -> None:
    """Five cases of the module's example, and one that contradicts another."""
    hierarchy = grey.Hierarchy.equal({"monetary": ["balance"]})
    X = np.array([[0.0], [0.1], [0.2], [0.3], [0.9], [0.9]])
    cases = cbr.CaseBase.from_cases(X, ["A", "A", "A", "B", "B", "A"], hierarchy)
    found = cbr.competence(cases)
    display = plot.CompetenceDisplay.from_competence(found)
    assert display.classes == ("A", "A", "A", "B", "B", "A")
    np.testing.assert_array_equal(display.relative_coverage, found.relative_coverage)
    assert {found.ids[k] for k in display.footprint} == {found.ids[k] for k in found.footprint}
    assert [found.ids[k] for k in display.alone] == [
        name for name in found.ids if found.reachability(name) == (name,)
    ]
    assert display.conflicting.tolist() == [4, 5]
    np.testing.assert_allclose(display.coordinates[:, 0], X[:, 0] - X.mean())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": ["a"]}, r"classes names 1 and values has 2 rows; allowed: one class a case"),
        ({"relative_coverage": [1.0]}, r"relative_coverage has shape \(1,\); allowed: \(2,\)"),
        ({"relative_coverage": [1.0, -0.1]}, r"relative_coverage holds -0\.1; allowed: numbers from 0"),
        ({"weights": [1.0]}, r"weights has shape \(1,\); allowed: \(2,\)"),
        ({"weights": [1.0, -1.0]}, r"weights holds -1; allowed: numbers from 0"),
        ({"footprint": [2]}, r"footprint is not a row of positions of cases; allowed: whole numbers from 0 to 1"),
        ({"footprint": [-1]}, r"footprint is not a row of positions"),
        ({"alone": [0.5]}, r"alone is not a row of positions"),
        ({"conflicting": [True, False]}, r"conflicting is not a row of positions"),
    ],
)
def test_competence_that_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    parts: dict[str, Any] = {"classes": ["a", "b"], "relative_coverage": [1.0, 1.0]}
    with pytest.raises(DomainError, match=message):
        plot.CompetenceDisplay([[0.1, 0.2], [0.3, 0.4]], **(parts | change))


# Stability of answers -----------------------------------------------------------------------------------------


def test_shares_are_drawn_hollow_for_the_case_and_filled_for_the_class() -> None:
    display = a_stability_display().plot()
    parts = scatters(display)
    shares = [offsets(part)[:, 0] for part in parts]
    np.testing.assert_allclose(shares[0], [0.1, 0.3])
    np.testing.assert_allclose(shares[1], [0.02, 0.15])
    np.testing.assert_array_equal(shares[2], [0.06, np.nan])
    np.testing.assert_array_equal(shares[3], [0.01, np.nan])
    hollow = [to_hex(part.get_facecolor()[0]) == "#ffffff" for part in parts]
    assert hollow == [True, False, True, False]
    reversals = scatters(display, "reversed")
    np.testing.assert_allclose(offsets(reversals[0])[:, 0], [0.04, 0.3])
    np.testing.assert_array_equal(offsets(reversals[0])[:, 1], offsets(parts[0])[:, 1])


def test_each_mark_stays_in_the_band_of_its_perturbation() -> None:
    display = a_stability_display().plot()
    heights = np.array([offsets(part)[:, 1] for part in scatters(display)])
    assert (np.abs(heights - np.arange(2)) < 0.5).all()
    assert len(np.unique(heights[:, 0])) == 4


def test_lines_run_from_the_lowest_to_the_highest_repeat() -> None:
    display = a_stability_display().plot()
    drawn = [line[:, 0].tolist() for line in segments(display)]
    assert drawn == [[0.05, 0.2], [0.3, 0.3], [0.0, 0.04], [0.15, 0.15], [0.0, 0.1], [0.01, 0.01]]
    heights = offsets(scatters(display)[0])[:, 1]
    np.testing.assert_allclose([line[0, 1] for line in segments(display)[:2]], heights)


def test_what_never_changes_is_drawn() -> None:
    display = plot.AnswerStabilityDisplay(
        ["rho 0.5"], models=["grey"], winner_changed=[[0.0]], class_changed=[[0.0]]
    ).plot()
    low, high = display.ax_.get_xlim()
    assert low < 0.0 < high <= 0.02
    assert legend_of(display) == ["another case is nearest", "another class is given"]


def test_the_stability_of_a_model_is_drawn() -> None:
    found = cbr.answer_stability(
        a_model(),
        customers(20, 8)[0],
        leave_out=[0.1],
        far_cases=[2],
        coefficients=[0.2],
        n_repeats=3,
        random_state=0,
    )
    display = plot.AnswerStabilityDisplay.from_stability(found)
    assert display.perturbations == ("10 % of the cases left out", "2 far cases added", "rho 0.2")
    assert display.models == found.watched
    frame = found.to_frame()
    for name, drawn, ends in (
        ("class_changed", display.class_changed, display.class_range),
        ("winner_changed", display.winner_changed, display.winner_range),
    ):
        repeats = getattr(found, name)
        np.testing.assert_allclose(drawn.ravel(), [np.mean(row) for row in repeats.reshape(-1, 3)])
        assert ends is not None
        np.testing.assert_array_equal(ends.reshape(-1, 2)[:, 1], [np.max(row) for row in repeats.reshape(-1, 3)])
    np.testing.assert_array_equal(display.class_changed.ravel(), frame["class_changed"])
    assert display.winner_reversed is not None
    np.testing.assert_array_equal(display.winner_reversed.ravel(), frame["winner_reversed"])
    display.plot().figure_.canvas.draw()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"models": list("abcdef")}, r"models names 6; allowed: up to 5"),
        ({"models": ["a", "a"]}, r"models names 'a' twice"),
        ({"winner_changed": [[0.1, 0.1]]}, r"winner_changed has shape \(1, 2\); allowed: \(1, 1\)"),
        ({"class_changed": [[1.1]]}, r"class_changed holds numbers outside \[0, 1\]"),
        ({"winner_reversed": [[-0.1]]}, r"winner_reversed holds numbers outside \[0, 1\]"),
        ({"winner_range": [[0.0, 0.2]]}, r"winner_range has shape \(1, 2\); allowed: \(1, 1, 2\), lowest first"),
        ({"winner_range": [[[0.15, 0.2]]]}, r"winner_range does not hold every share"),
        ({"class_range": [[[np.nan, np.nan]]]}, r"class_range does not hold every share"),
        ({"class_range": [[[0.0, 1.5]]]}, r"class_range does not hold every share; allowed: ends in \[0, 1\]"),
    ],
)
def test_stability_that_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    parts: dict[str, Any] = {"models": ["grey"], "winner_changed": [[0.1]], "class_changed": [[0.1]]}
    with pytest.raises(DomainError, match=message):
        plot.AnswerStabilityDisplay(["rho 0.5"], **(parts | change))


# Calibration --------------------------------------------------------------------------------------------------


def test_coverage_stands_over_its_level_within_its_interval() -> None:
    display = a_calibration_display().plot()
    bronze, gold = scatters(display)
    np.testing.assert_allclose(offsets(bronze), [[0.8, 0.82], [0.9, 0.91], [0.95, 0.96]])
    np.testing.assert_allclose(offsets(gold), [[0.8, 0.7], [0.95, 1.0]])  # nothing was measured at 0.9
    expected = [[0.7, 0.9], [0.8, 0.97], [0.9, 0.99], [0.6, 0.79]]  # none where not attainable
    np.testing.assert_allclose([line[:, 1] for line in segments(display)], expected)
    np.testing.assert_allclose([line[:, 0] for line in segments(display)], [[x, x] for x in (0.8, 0.9, 0.95, 0.8)])
    assert to_hex(gold.get_facecolor()[1]) == "#ffffff" != to_hex(gold.get_facecolor()[0])
    (crosses,) = scatters(display, "too low")
    np.testing.assert_allclose(offsets(crosses), [[0.8, 0.7]])


def test_classes_of_one_level_stand_some_points_apart() -> None:
    display = a_calibration_display().plot()
    display.figure_.canvas.draw()
    spots = [part.get_offset_transform().transform(offsets(part)[0]) for part in scatters(display)]
    apart = (spots[1][0] - spots[0][0]) * 72.0 / display.figure_.dpi
    assert apart == pytest.approx(7.0)


def test_the_diagonal_is_where_coverage_is_as_asked_and_sizes_stand_on_top() -> None:
    display = a_calibration_display().plot()
    (diagonal,) = (line for line in display.ax_.lines if line.get_gid() == "diagonal")
    np.testing.assert_array_equal(diagonal.get_xdata(), diagonal.get_ydata())
    (above,) = display.ax_.child_axes
    assert [label.get_text() for label in above.get_xticklabels()] == ["1.98", "-", "1.10"]
    np.testing.assert_allclose(above.get_xticks(), [0.95, 0.9, 0.8])
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["0.95", "0.9", "0.8"]


def test_levels_too_close_to_each_other_are_not_all_named() -> None:
    levels = np.linspace(0.02, 0.98, 49)
    coverage = levels[:, None]
    display = plot.CalibrationDisplay(
        levels, classes=["a"], coverage=coverage, interval=np.stack([coverage - 0.01, coverage + 0.01], axis=-1)
    ).plot()
    display.figure_.canvas.draw()
    named = display.ax_.get_xticklabels()
    assert 10 < len(named) < 25
    covers = [label.get_window_extent() for label in named]
    assert not any(one.overlaps(other) for one, other in itertools.pairwise(covers))
    assert display.mean_set_size is None
    assert display.ax_.child_axes == []


def test_the_legend_names_what_is_drawn_only() -> None:
    marked = {"level not attainable: class in every set", "too low for chance (under 5 %)"}
    assert marked <= set(legend_of(a_calibration_display().plot()))
    assert not marked & set(legend_of(a_calibration_display(attainable=None, too_low=None).plot()))
    unknown = a_calibration_display(attainable=[[True, True], [True, False], [True, True]]).plot()
    assert not marked & set(legend_of(unknown)) - {"too low for chance (under 5 %)"}


def test_the_coverage_of_a_model_is_drawn() -> None:
    X, y = customers(90, 5)
    kept = [k for k, label in enumerate(y) if label != "gold" or k < 15]  # too few for the 95 % level
    model = a_model().calibrate(X[kept], [y[k] for k in kept], truth="the centre they were drawn about")
    found = model.coverage(*customers(60, 9), levels=[0.8, 0.95])
    display = plot.CalibrationDisplay.from_coverage(found)
    frame = found.to_frame()
    np.testing.assert_array_equal(display.coverage.ravel(), frame["share"])
    np.testing.assert_array_equal(display.interval.reshape(-1, 2), frame[["low", "high"]])
    np.testing.assert_array_equal(display.attainable.ravel(), frame["attainable"])
    np.testing.assert_array_equal(display.too_low.ravel(), frame["verdict"] == "too low")
    assert display.classes == ("bronze", "gold", "silver")
    assert display.attainable.tolist() == [[True, True, True], [True, False, True]]
    assert display.mean_set_size is not None
    sizes = [model.predict_set(customers(60, 9)[0], level=level).sizes.mean() for level in (0.8, 0.95)]
    np.testing.assert_allclose(display.mean_set_size, sizes)
    display.plot().figure_.canvas.draw()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"levels": [0.9, 0.8, 0.95]}, r"levels are not ascending numbers between 0 and 1"),
        ({"levels": [0.8, 0.9, 1.0]}, r"levels are not ascending numbers between 0 and 1"),
        ({"levels": []}, r"levels are not ascending numbers"),
        ({"classes": ["a"]}, r"coverage has shape \(3, 2\); allowed: \(3, 1\)"),
        ({"interval": [[0.0, 1.0]]}, r"interval has shape \(1, 2\); allowed: \(3, 2, 2\)"),
        ({"attainable": [True]}, r"attainable has shape \(1,\); allowed: \(3, 2\)"),
        ({"too_low": [True]}, r"too_low has shape \(1,\); allowed: \(3, 2\)"),
        ({"coverage": [[0.95, 0.7], [0.91, 0.9], [0.96, 1.0]]}, r"coverage holds a share outside its interval"),
        ({"mean_set_size": [1.0]}, r"mean_set_size has shape \(1,\); allowed: \(3,\)"),
    ],
)
def test_coverage_that_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        a_calibration_display(**change)


# Baselines ----------------------------------------------------------------------------------------------------


def test_differences_are_drawn_with_their_intervals_by_verdict() -> None:
    display = a_baseline_display().plot()
    assert display.verdict == ("loses", "not told apart", "wins")
    for row, (verdict, difference) in enumerate(zip(display.verdict, (-0.03, 0.004, 0.31), strict=True)):
        (part,) = scatters(display, verdict)
        np.testing.assert_allclose(offsets(part), [[difference, row]])
    lines = {float(line[0, 1]): line[:, 0].tolist() for line in segments(display)}
    assert lines == {0.0: [-0.05, -0.01], 1.0: [-0.01, 0.02], 2.0: [0.27, 0.35]}
    written = ["0.900", "0.866", "0.560", "rival's\naccuracy", "0.003", "-", "< 0.001", "p-value"]
    assert texts_at_the_right(display) == written


def test_a_verdict_may_be_stricter_than_its_interval() -> None:
    display = plot.BaselineDisplay(
        ["a", "b"], difference=[0.1, 0.1], interval=[[0.05, 0.2]] * 2, verdict=["not told apart", "wins"]
    ).plot()
    np.testing.assert_array_equal(offsets(scatters(display, "not told apart")[0]), [[0.1, 0.0]])
    assert legend_of(display) == ["model better than the rival", "not told apart"]
    assert texts_at_the_right(display) == []


def test_a_comparison_is_drawn() -> None:
    X, y = customers(45, 2)
    found = cbr.compare_baselines(X, y, HIERARCHY, n_splits=3, n_repeats=1, n_shuffles=1, random_state=0)
    display = plot.BaselineDisplay.from_comparison(found)
    frame = found.to_frame()
    assert display.rivals == tuple(frame["contender"][1:])
    np.testing.assert_array_equal(display.difference, frame["difference"][1:])
    np.testing.assert_array_equal(display.interval, frame[["low", "high"]][1:])
    np.testing.assert_array_equal(display.accuracy, frame["accuracy"][1:])
    assert display.verdict == tuple(frame["verdict"][1:])
    assert display.title == f"grey 1-NN ({frame['accuracy'][0]:.3f}) against simpler rivals"
    display.plot().figure_.canvas.draw()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"difference": [0.1, 0.2]}, r"difference has shape \(2,\); allowed: \(1,\)"),
        ({"interval": [[0.0, 0.1, 0.2]]}, r"interval has shape \(1, 3\); allowed: \(1, 2\), lower end first"),
        ({"interval": [[0.2, 0.3]]}, r"interval does not hold every difference"),
        ({"verdict": ["better"]}, r"verdict is \['better'\]; allowed: 1 of \['wins', 'loses', 'not told apart'\]"),
        ({"accuracy": [0.1, 0.2]}, r"accuracy has shape \(2,\); allowed: \(1,\)"),
        ({"p_value": []}, r"p_value has shape \(0,\); allowed: \(1,\)"),
    ],
)
def test_baselines_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    parts: dict[str, Any] = {"difference": [0.1], "interval": [[0.0, 0.2]]}
    with pytest.raises(DomainError, match=message):
        plot.BaselineDisplay(["a"], **(parts | change))
