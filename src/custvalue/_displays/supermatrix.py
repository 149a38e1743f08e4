"""The display of a supermatrix."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final, Literal, Self

import numpy as np

from custvalue._displays.axes import NO_LABELS, MatrixDisplay, heat_map, named
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from custvalue._typing import Table
    from custvalue.anp import Solution

#: Pictures of more elements have small cells, without numbers below this share of the largest.
_MANY: Final = 20
_SMALL: Final = 0.05
_LINE = "white"
_NO_CLUSTERS: Mapping[str, Sequence[str]] = {}


class SupermatrixDisplay(MatrixDisplay):
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
    clusters : mapping of str to sequence of str, default={}
        Names of the elements of each cluster. Where there is more than one, lines are drawn between elements of
        different clusters, and the clusters are named on top.

    Attributes
    ----------
    values : ndarray of shape (n, n)
        What is drawn.
    clusters : dict of str to tuple of str
        Clusters and their elements.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the names do not fit the values, or an element is in no cluster.

    Notes
    -----
    Above 20 elements the cells are smaller, and numbers below a twentieth of the largest are not written.

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
        clusters: Mapping[str, Sequence[str]] = _NO_CLUSTERS,
    ) -> None:
        self.rows = tuple(rows)
        self.columns = self.rows if columns is None else tuple(columns)
        self.values = named(values, self.rows, self.columns)
        self.title = title
        self.clusters = {name: tuple(members) for name, members in clusters.items()}
        self._home = {element: name for name, members in self.clusters.items() for element in members}
        homeless = [name for name in (*self.rows, *self.columns) if self.clusters and name not in self._home]
        if homeless:
            message = (
                f"The element '{homeless[0]}' is in no cluster; allowed: clusters that hold every element. Name "
                "it in one of them."
            )
            raise DomainError(message)

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
        title = f"{which} supermatrix of {criterion}"
        return cls(frame.to_numpy(), rows=names, title=title, clusters=solution.clusters[criterion])

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        """Draw a heat map.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: names of elements and clusters, the title,
            ``"influence of the row on the column"``.

        Returns
        -------
        SupermatrixDisplay
            Itself, with `ax_` and `figure_`.
        """
        texts = (self.title, "influence of the row on the column")
        many = len(self.rows) > _MANY
        side = 2.2 + (0.4 if many else 0.75) * len(self.rows)
        top = max(float(self.values.max()), 1e-12)
        heat_map(
            self, ax, labels, texts, top=top, size=(side + 1.5, side), digits=2 if many else 3,
            font=6.5 if many else 8, least=_SMALL * top if many else 0.0,
            rotation=60 if many else 30,
        )  # fmt: skip
        if len(self.clusters) > 1:
            self._divide(labels)
        return self

    def _divide(self, labels: Mapping[str, str]) -> None:
        """Draw lines between clusters, and name the clusters on top."""
        axes = self.ax_
        for names, line in ((self.rows, axes.axhline), (self.columns, axes.axvline)):
            for place, (one, other) in enumerate(itertools.pairwise(names)):
                if self._home[one] != self._home[other]:
                    line(place + 0.5, color=_LINE, linewidth=2.0)
        runs = [(name, len(list(run))) for name, run in itertools.groupby(self.columns, self._home.__getitem__)]
        ends = np.cumsum([length for _, length in runs])
        middles = [float(end - length / 2 - 0.5) for end, (_, length) in zip(ends, runs, strict=True)]
        above = axes.secondary_xaxis("top")
        above.set_xticks(middles, [labels.get(name, name) for name, _ in runs], fontweight="bold")
        above.tick_params(length=0)
