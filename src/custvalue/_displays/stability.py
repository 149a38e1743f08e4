"""The display of how sure a ranking is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import numpy as np

from custvalue._displays.axes import NO_LABELS, MatrixDisplay, heat_map, named, one_each, require_distinct
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from custvalue._typing import FloatArray, Table
    from custvalue.anp import RankStability

#: Shares of draws are sums of reciprocals of their number.
_ROUNDING: Final = 1e-6
_MANY: Final = 12
_FIRST = "probability to be first\n(± 2 standard errors)"
_MEASURE = "probability of the rank"


class RankStabilityDisplay(MatrixDisplay):
    """How probable each rank is for each name when the judgments vary, and how probable it is to be first.

    Parameters
    ----------
    names : sequence of str
        What is ranked, drawn from top to bottom.
    rank_probability : table of shape (n, n)
        Share of the draws in which the row's name has the column's rank, first rank first; rows sum to one.
    standard_error_first : array_like of shape (n,)
        Standard error of the first column, from 0.
    title : str, default="Rank stability"
        Title of the picture.

    Attributes
    ----------
    values : ndarray of shape (n, n)
        Probabilities that are drawn.
    standard_error_first : ndarray of shape (n,)
        Standard error of the probability to be first.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the numbers do not fit the names, a row does not sum to one, or a number is negative.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.RankStabilityDisplay(
    ...     ["price", "size"], rank_probability=[[0.75, 0.25], [0.25, 0.75]], standard_error_first=[0.04, 0.04])
    >>> display.values[:, 0]
    array([0.75, 0.25])
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        rank_probability: Table,
        standard_error_first: Sequence[float] | FloatArray,
        title: str = "Rank stability",
    ) -> None:
        self.rows = require_distinct(names, "names")
        self.columns = tuple(str(rank + 1) for rank in range(len(self.rows)))
        self.values = named(rank_probability, self.rows, self.columns)
        self.standard_error_first = one_each(standard_error_first, "standard_error_first", len(self.rows))
        self.title = title
        if (self.values < 0.0).any() or (abs(self.values.sum(axis=1) - 1.0) > _ROUNDING).any():
            message = (
                f"rank_probability has rows that sum to {self.values.sum(axis=1).min():.6g} up to "
                f"{self.values.sum(axis=1).max():.6g} and numbers from {self.values.min():.6g}; allowed: rows of "
                "numbers from 0 that sum to 1. Divide each row by its sum."
            )
            raise DomainError(message)
        if (self.standard_error_first < 0.0).any():
            message = f"standard_error_first holds {self.standard_error_first.min():.6g}; allowed: numbers from 0."
            raise DomainError(message)

    @classmethod
    def from_stability(cls, stability: RankStability) -> Self:
        """Take the rank stability of a solution, the best expected rank on top.

        Parameters
        ----------
        stability : RankStability
            From ``solution.stability(...)``.

        Returns
        -------
        RankStabilityDisplay
            Ready to be drawn.
        """
        shares = np.asarray(stability.rank_probability, dtype=float)
        order = np.argsort(shares @ np.arange(len(shares)), kind="stable")
        return cls(
            [stability.names[place] for place in order],
            rank_probability=shares[order],
            standard_error_first=np.asarray(stability.standard_error_first, dtype=float)[order],
            title=f"Rank stability of {stability.of}",
        )

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        r"""Draw a heat map of ranks, with the probability to be first written at the right.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: names, ranks (``"1"``), the title, ``"rank"``,
            ``"probability of the rank"``, ``"probability to be first\n(± 2 standard errors)"``.

        Returns
        -------
        RankStabilityDisplay
            Itself, with `ax_` and `figure_`.
        """
        count = len(self.rows)
        many = count > _MANY
        cell = 0.36 if many else 0.58
        size = (4.6 + cell * count, 1.8 + 0.75 * cell * count)
        heat_map(
            self, ax, labels, (self.title, _MEASURE), top=1.0, size=size, digits=2, least=0.05 if many else 0.005,
            font=6 if many else 8, colours="Blues", rotation=0, beside=True,
        )  # fmt: skip
        axes = self.ax_
        axes.set_xlabel(labels.get("rank", "rank"))
        beside = axes.get_yaxis_transform()
        for k, (share, error) in enumerate(zip(self.values[:, 0], self.standard_error_first, strict=True)):
            text = f"{share:.3f} ± {2.0 * error:.3f}"
            axes.text(1.02, k, text, transform=beside, ha="left", va="center", fontsize=8)
        axes.text(
            1.02, 1.0, labels.get(_FIRST, _FIRST), transform=axes.transAxes, ha="left", va="bottom", fontsize=8
        )
        return self
