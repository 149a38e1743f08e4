"""Displays over results, in scikit-learn's manner; needs matplotlib (extra ``plot``).

A Display holds the numbers it draws. ``plot(ax=...)`` draws into the given axes (or makes a figure), keeps them
as ``ax_`` and ``figure_``, and returns the Display; it never shows a window and never touches ``rcParams``.
``labels`` replaces any text of the picture, for example by Chinese names; choose a font that has the glyphs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from custvalue import _frames
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from custvalue._typing import FloatArray, Table
    from custvalue.anp import Solution
    from custvalue.cbr import CaseBase, Explanation

__all__ = ["ClassProfileDisplay", "ExplanationDisplay", "SupermatrixDisplay"]

#: Okabe and Ito (2008): two colours that stay apart for colour-blind readers.
_BLUE, _ORANGE, _GREY = "#0072B2", "#E69F00", "#7F7F7F"
_NO_LABELS: Mapping[str, str] = {}


def _axes(ax: Axes | None, size: tuple[float, float]) -> tuple[Any, Axes]:
    if ax is not None:
        return ax.figure, ax
    try:
        import matplotlib.pyplot as plt  # noqa: PLC0415 - an extra
    except ImportError:
        message = "Drawing needs matplotlib: install custvalue with the extra 'plot'."
        raise ImportError(message) from None
    figure, new = plt.subplots(figsize=size, layout="constrained")
    return figure, new


def _heat_map(
    display: _Display,
    ax: Axes | None,
    labels: Mapping[str, str],
    texts: tuple[str, str],
    *,
    top: float,
    size: tuple[float, float],
    digits: int,
) -> None:
    """Draw a matrix with its numbers; dark cells get light numbers."""
    figure, axes = _axes(ax, size)
    rows, columns = display.rows, display.columns
    image = axes.imshow(display.values, cmap="viridis", vmin=0.0, vmax=top, aspect="auto")
    axes.set_xticks(range(len(columns)), [labels.get(name, name) for name in columns], rotation=30, ha="right")
    axes.set_yticks(range(len(rows)), [labels.get(name, name) for name in rows])
    for (row, column), value in np.ndenumerate(display.values):
        colour = "white" if value < 0.6 * top else "black"
        axes.text(column, row, f"{value:.{digits}f}", ha="center", va="center", color=colour, fontsize=8)
    title, measure = texts
    axes.set_title(labels.get(title, title))
    figure.colorbar(image, ax=axes, label=labels.get(measure, measure))
    display.ax_, display.figure_ = axes, figure


class _Display:
    """A matrix to be drawn, with the names of its rows and columns."""

    values: FloatArray
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    ax_: Axes
    figure_: Figure


def _named(values: object, rows: Sequence[str], columns: Sequence[str]) -> FloatArray:
    numbers = _frames.numeric(values, argument="values")
    if numbers.shape != (len(rows), len(columns)):
        message = (
            f"values has shape {numbers.shape}; allowed: {(len(rows), len(columns))}, one name a row and column."
        )
        raise DomainError(message)
    return numbers


class ClassProfileDisplay(_Display):
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
        self.values = _named(values, self.rows, self.columns)

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

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = _NO_LABELS) -> Self:
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
        _heat_map(self, ax, labels, texts, top=1.0, size=size, digits=2)
        return self


class SupermatrixDisplay(_Display):
    """A supermatrix: the influence of each row's element on each column's element.

    Parameters
    ----------
    values : table of shape (n, n)
        The supermatrix; columns sum to one.
    rows : sequence of str
        Names of the influencing elements.
    columns : sequence of str, default=None
        Names of the influenced elements; None takes those of the rows.
    title : str, default="Supermatrix"
        Title of the picture.

    Attributes
    ----------
    values : ndarray of shape (n, n)
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
    >>> plot.SupermatrixDisplay([[0.0, 1.0], [1.0, 0.0]], rows=["cash", "transfer"]).columns
    ('cash', 'transfer')
    """

    def __init__(
        self,
        values: Table,
        *,
        rows: Sequence[str],
        columns: Sequence[str] | None = None,
        title: str = "Supermatrix",
    ) -> None:
        self.rows = tuple(rows)
        self.columns = self.rows if columns is None else tuple(columns)
        self.values = _named(values, self.rows, self.columns)
        self.title = title

    @classmethod
    def from_solution(
        cls, solution: Solution, criterion: str, *, which: Literal["unweighted", "weighted", "limit"] = "limit"
    ) -> Self:
        """Take a supermatrix of a solved network.

        Parameters
        ----------
        solution : Solution
            The solved network.
        criterion : str
            Control criterion with inner dependence.
        which : {"unweighted", "weighted", "limit"}, default="limit"
            Which supermatrix.

        Returns
        -------
        SupermatrixDisplay
            Ready to be drawn.

        Raises
        ------
        DomainError
            If the criterion has no supermatrix, or `which` is another word.
        """
        if which not in ("unweighted", "weighted", "limit"):
            message = "which must be 'unweighted', 'weighted' or 'limit'."
            raise DomainError(message)
        found: Mapping[str, pd.DataFrame] = getattr(solution, which)
        if criterion not in found:
            message = f"criterion '{criterion}' has no supermatrix; those that have: {', '.join(found) or 'none'}."
            raise DomainError(message)
        frame = found[criterion]
        names = [str(name) for name in frame.index]
        return cls(frame.to_numpy(), rows=names, title=f"{which} supermatrix of {criterion}")

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = _NO_LABELS) -> Self:
        """Draw a heat map.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: names of elements, the title, ``"influence of the row on the column"``.

        Returns
        -------
        SupermatrixDisplay
            Itself, with `ax_` and `figure_`.
        """
        texts = (self.title, "influence of the row on the column")
        side = 2.2 + 0.75 * len(self.rows)
        top = max(float(self.values.max()), 1e-12)
        _heat_map(self, ax, labels, texts, top=top, size=(side + 1.5, side), digits=3)
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
        parts = _named([contribution, rival_contribution, weight], ("", "", ""), self.indicators)
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

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = _NO_LABELS) -> Self:
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
        figure, axes = _axes(ax, (7.5, 2.8 + 0.5 * len(self.indicators)))
        place: Any = np.arange(len(self.indicators))
        texts = (self.case, self.rival, "weight: the most it can add", "contribution to the similarity")
        case, rival, most, measure = (labels.get(text, text) for text in texts)
        axes.barh(place - 0.2, self.contribution, height=0.4, color=_BLUE, label=case)
        axes.barh(place + 0.2, self.rival_contribution, height=0.4, color=_ORANGE, label=rival)
        axes.vlines(self.weight, place - 0.42, place + 0.42, color=_GREY, linewidth=1.5, label=most)
        axes.set_yticks(place, [labels.get(name, name) for name in self.indicators])
        axes.invert_yaxis()
        axes.set_xlabel(measure)
        axes.set_title(labels.get(self.title, self.title))
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=1, frameon=False, fontsize=8)
        self.ax_, self.figure_ = axes, figure
        return self
