"""The display of a case base's classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from custvalue._displays.axes import NO_LABELS, MatrixDisplay, heat_map, named
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from custvalue._typing import FloatArray, Table
    from custvalue.cbr import CaseBase


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
            Classes of past customers. A base that still has the clusters it was made from gives their means; any
            other gives the means of its cases, each counted as often as it stands for customers.

        Returns
        -------
        ClassProfileDisplay
            Ready to be drawn; the last of the sorted classes on top.

        Raises
        ------
        DomainError
            If the values of the cases are not scaled to [0, 1].
        """
        if not cases.scaled:
            message = "cases are not scaled to [0, 1], so their profile has no common measure; scale them first."
            raise DomainError(message)
        labels, sizes, means = _profile(cases)
        names = [f"class {label} (n={size})" for label, size in zip(labels, sizes, strict=True)]
        return cls(means[::-1], rows=names[::-1], columns=cases.hierarchy.indicators)

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


def _profile(cases: CaseBase) -> tuple[Sequence[Any], Sequence[int], FloatArray]:
    """Give the sorted classes, how many customers each stands for, and the means of the indicators."""
    try:
        clusters = cases.clusters
    except DomainError:
        labels, codes = np.unique(cases.y, return_inverse=True)
        share = (np.arange(len(labels))[:, None] == codes) * cases.members
        return labels.tolist(), share.sum(axis=1).tolist(), share @ cases.values / share.sum(axis=1, keepdims=True)
    sizes = clusters.report.sizes.tolist()
    return range(1, len(sizes) + 1), sizes, np.array(clusters.centers)
