"""Displays of case bases and of explanations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from custvalue._displays.axes import (
    BLUE,
    GREY,
    NO_LABELS,
    ORANGE,
    MatrixDisplay,
    axes_of,
    heat_map,
    legend_below,
    named,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from custvalue._typing import FloatArray, Table
    from custvalue.cbr import CaseBase, Explanation


class ClassProfileDisplay(MatrixDisplay):
    """Which indicators make a class: the mean of every scaled indicator in every class.

    Parameters
    ----------
    values : table of shape (n_classes, n_indicators)
        Means, in [0, 1].
    rows : sequence of str
        Names of the classes, drawn from top to bottom.
    columns : sequence of str
        Names of the indicators.

    Attributes
    ----------
    values : ndarray of shape (n_classes, n_indicators)
        What is drawn.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the names do not fit the values.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.ClassProfileDisplay([[0.1, 0.9]], rows=["class 1"], columns=["recency", "balance"])
    >>> display.values
    array([[0.1, 0.9]])
    """

    def __init__(self, values: Table, *, rows: Sequence[str], columns: Sequence[str]) -> None:
        self.rows, self.columns = tuple(rows), tuple(columns)
        self.values = named(values, self.rows, self.columns)

    @classmethod
    def from_case_base(cls, cases: CaseBase) -> Self:
        """Take the profile of a case base, the most valuable class on top.

        Parameters
        ----------
        cases : CaseBase
            Classes of past customers.

        Returns
        -------
        ClassProfileDisplay
            Ready to be drawn.
        """
        sizes = cases.report.sizes
        names = [f"class {number} (n={sizes[number - 1]})" for number in range(len(sizes), 0, -1)]
        return cls(np.array(cases.centers[::-1]), rows=names, columns=cases.hierarchy.indicators)

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        """Draw a heat map.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: names of classes and indicators, ``"Class profile"``,
            ``"mean scaled indicator (1 is good)"``.

        Returns
        -------
        ClassProfileDisplay
            Itself, with `ax_` and `figure_`.
        """
        texts = ("Class profile", "mean scaled indicator (1 is good)")
        size = (2.5 + 0.85 * len(self.columns), 1.6 + 0.42 * len(self.rows))
        heat_map(self, ax, labels, texts, top=1.0, size=size, digits=2)
        return self


class ExplanationDisplay:
    """Why a customer is in a class: each indicator's part in the similarity to the case and to its rival.

    Parameters
    ----------
    indicators : sequence of str
        Names of the indicators.
    contribution : array_like of shape (n_indicators,)
        Parts of the similarity to the nearest case.
    rival_contribution : array_like of shape (n_indicators,)
        Parts of the similarity to the nearest case of another class.
    weight : array_like of shape (n_indicators,)
        Global weights, the largest part an indicator can have.
    title, case, rival : str
        Texts of the title and of the legend.

    Attributes
    ----------
    contribution, rival_contribution, weight : ndarray of shape (n_indicators,)
        What is drawn.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the numbers do not fit the indicators.

    Examples
    --------
    >>> from custvalue import cbr, plot
    >>> model = cbr.CaseBasedClassifier().fit([[0.2, 0.1], [0.9, 0.8]], ["low", "high"])
    >>> reason = model.explain([[0.8, 0.7]])[0]
    >>> plot.ExplanationDisplay.from_explanation(reason).contribution
    array([0.5, 0.5])
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        indicators: Sequence[str],
        *,
        contribution: Sequence[float] | FloatArray,
        rival_contribution: Sequence[float] | FloatArray,
        weight: Sequence[float] | FloatArray,
        title: str = "Explanation",
        case: str = "nearest case",
        rival: str = "nearest case of another class",
    ) -> None:
        self.indicators = tuple(indicators)
        parts = named([contribution, rival_contribution, weight], ("", "", ""), self.indicators)
        self.contribution, self.rival_contribution, self.weight = parts
        self.title, self.case, self.rival = title, case, rival

    @classmethod
    def from_explanation(cls, explanation: Explanation, *, show_label: bool = False) -> Self:
        """Take one customer's explanation.

        Parameters
        ----------
        explanation : Explanation
            From ``model.explain``.
        show_label : bool, default=False
            Write the customer's label into the title; a picture travels further than a table.

        Returns
        -------
        ExplanationDisplay
            Ready to be drawn.
        """
        table = explanation.table
        who = f"Customer {explanation.label}: class" if show_label else "Class"
        case = f"class {explanation.predicted}, case {explanation.case} ({explanation.similarity:.3f})"
        rival = (
            f"class {explanation.rival}, case {explanation.rival_case} ({explanation.rival_similarity:.3f})"
            if explanation.rival is not None
            else "no other class"
        )
        return cls(
            [str(name) for name in table["indicator"]],
            contribution=table["contribution"].to_numpy(dtype=float),
            rival_contribution=table["rival_contribution"].to_numpy(dtype=float),
            weight=table["weight"].to_numpy(dtype=float),
            title=f"{who} {explanation.predicted}",
            case=case,
            rival=rival,
        )

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        """Draw a pair of bars an indicator, and a mark at the indicator's weight.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: names of indicators, the title, the legend's entries,
            ``"contribution to the similarity"``, ``"weight: the most it can add"``.

        Returns
        -------
        ExplanationDisplay
            Itself, with `ax_` and `figure_`.
        """
        figure, axes = axes_of(ax, (7.5, 2.8 + 0.5 * len(self.indicators)))
        place: Any = np.arange(len(self.indicators))
        texts = (self.case, self.rival, "weight: the most it can add", "contribution to the similarity")
        case, rival, most, measure = (labels.get(text, text) for text in texts)
        nearest = axes.barh(place - 0.2, self.contribution, height=0.4, color=BLUE, label=case)
        other = axes.barh(place + 0.2, self.rival_contribution, height=0.4, color=ORANGE, label=rival)
        weights = axes.vlines(self.weight, place - 0.42, place + 0.42, color=GREY, linewidth=1.5, label=most)
        axes.set_yticks(place, [labels.get(name, name) for name in self.indicators])
        axes.invert_yaxis()
        axes.set_xlabel(measure)
        axes.set_title(labels.get(self.title, self.title))
        legend_below(axes, figure, handles=[weights, nearest, other], columns=1)
        self.ax_, self.figure_ = axes, figure
        return self
