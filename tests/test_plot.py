"""Displays hold what they draw, draw where they are told, and let every text be replaced."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from custvalue import anp, cbr, grey, plot
from custvalue.exceptions import DomainError

mpl.use("Agg")

CHINESE = {"recency": "最近交易日", "balance": "日均余额", "Class profile": "客户价值类别"}


def a_case_base() -> cbr.CaseBase:
    hierarchy = grey.Hierarchy.equal({"recency": ["recency"], "monetary": ["balance"]})
    X = [[0.0, 0.1]] * 5 + [[0.9, 1.0]] * 5 + [[0.1, 0.0]]
    return cbr.build_case_base(X, hierarchy, n_classes=2, stability_seeds=0, random_state=0)


def an_explanation() -> cbr.Explanation:
    cases = a_case_base()
    return cbr.CaseBasedClassifier(cases.hierarchy).fit(cases.X, cases.y).explain(cases.X * 0.9)[1]


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


def test_the_class_profile_draws_the_centres_with_the_best_class_on_top() -> None:
    cases = a_case_base()
    display = plot.ClassProfileDisplay.from_case_base(cases).plot()
    np.testing.assert_array_equal(display.values, cases.centers[::-1])
    drawn = display.ax_.images[0].get_array()
    assert drawn is not None
    np.testing.assert_array_equal(drawn, cases.centers[::-1])
    assert display.ax_.get_yticklabels()[0].get_text() == "class 2 (n=5)"
    numbers = [text.get_text() for text in display.ax_.texts]
    assert numbers == [f"{value:.2f}" for value in cases.centers[::-1].ravel()]


def test_a_display_draws_into_the_axes_it_is_given_and_leaves_settings_alone() -> None:
    before = dict(mpl.rcParams)
    figure, axes = plt.subplots()
    display = plot.ExplanationDisplay.from_explanation(an_explanation()).plot(ax=axes)
    assert display.ax_ is axes
    assert display.figure_ is figure
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == [figure.number]


def test_every_text_can_be_replaced() -> None:
    drawn = plot.ClassProfileDisplay.from_case_base(a_case_base()).plot(labels=CHINESE)
    assert set(CHINESE.values()) <= texts_of(drawn.ax_)


def test_the_bars_are_the_contributions() -> None:
    reason = an_explanation()
    display = plot.ExplanationDisplay.from_explanation(reason).plot()
    widths = [bar.get_width() for bar in display.ax_.patches]  # type: ignore[attr-defined]  # bars
    expected = [*reason.table["contribution"], *reason.table["rival_contribution"]]
    np.testing.assert_array_equal(widths, expected)
    assert sum(widths[:2]) == pytest.approx(reason.similarity, abs=1e-15)


def test_a_customer_is_named_only_on_request() -> None:
    reason = an_explanation()
    assert plot.ExplanationDisplay.from_explanation(reason).title == "Class 2"
    assert plot.ExplanationDisplay.from_explanation(reason, show_label=True).title == "Customer 1: class 2"


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
