"""The display of where the customers of each segment went between two moments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import numpy as np

from custvalue import _frames
from custvalue._displays.axes import (
    NO_LABELS,
    axes_of,
    filled,
    folded,
    ink_on,
    legend_below,
    require_counts,
    require_distinct,
    write_beside,
)
from custvalue._displays.small_cells import (
    HIDDEN,
    NOBODY,
    bound_text,
    cell_handles,
    hatch,
    hidden_among,
    paint,
    total_text,
)
from custvalue._spec import whole_number
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from custvalue._typing import BoolArray, FloatArray, Table
    from custvalue.rfm import Drift

_BEFORE, _AFTER = "segment before", "segment after"
_MEASURE = "share of the segment before"
_N, _ALL = "n = {customers} at both moments", "n = {customers} at both moments, {entrants} came, {leavers} left"
_HEAD: Final = "customers"
#: Segments above which less is written into a cell, and which are too many to be read.
_CROWDED, _MOST = 12, 40


class SegmentMigrationDisplay:
    """Where the customers of each segment went between two moments, as shares of the segment they come from.

    Parameters
    ----------
    segments : sequence of str
        Names of the segments.
    customers : table of shape (n_segments, n_segments)
        Customers of both moments, from the row's segment to the column's.
    entrants, leavers : int, default=None
        Customers of the later and of the earlier moment only, for the title.
    title : str, default="Segment migration"
        Title of the picture.

    Attributes
    ----------
    segments : tuple of str
        Rows from top to bottom and columns; segments that nobody comes from or goes to are left out.
    customers : ndarray of shape (n_segments, n_segments)
        Customers by cell.
    shares : ndarray of shape (n_segments, n_segments)
        What is drawn: shares of the rows; NaN in a row without customers and in hidden cells.
    hidden : ndarray of bool of shape (n_segments, n_segments)
        Cells of customers without a number in the picture.
    entrants, leavers : int or None
        Customers of one moment only.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the table does not fit the segments, holds numbers that count nobody or nobody at all, or more than 40
        segments have customers.

    Notes
    -----
    Cells of one to four customers are hatched without a number, and with them the next smallest cells of the row
    until there are two, of five customers and not of one each: else the share of the other cells and the customers
    of the row would tell them. A row of fewer than five customers has no count; since the others and the total
    would tell it, the title then has the customers of the other rows and a plus. The rule is ours.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.SegmentMigrationDisplay(["loyal", "lost"], customers=[[30, 10], [2, 18]])
    >>> display.shares
    array([[0.75, 0.25],
           [ nan,  nan]])
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        segments: Sequence[str],
        *,
        customers: Table,
        entrants: int | None = None,
        leavers: int | None = None,
        title: str = "Segment migration",
    ) -> None:
        names = require_distinct(segments, "segments")
        counts = require_counts(_frames.numeric(customers, argument="customers"), "customers")
        shape = (len(names), len(names))
        if counts.shape != shape or not counts.sum() > 0.0:
            message = (
                f"customers has shape {counts.shape} and counts {counts.sum():,.0f}; allowed: {shape}, from the "
                "row's segment to the column's, at least one customer."
            )
            raise DomainError(message)
        there = np.flatnonzero(counts.any(axis=0) | counts.any(axis=1))
        if len(there) > _MOST:
            message = (
                f"{len(there)} segments have customers; allowed: up to {_MOST} in one picture. Use a segment map."
            )
            raise DomainError(message)
        self.segments = tuple(names[place] for place in there)
        self.customers = counts[np.ix_(there, there)]
        self.entrants = None if entrants is None else whole_number(entrants, "entrants", 0)
        self.leavers = None if leavers is None else whole_number(leavers, "leavers", 0)
        self.title = title

    @classmethod
    def from_drift(cls, drift: Drift) -> Self:
        """Take the migration between the segments of two moments.

        Parameters
        ----------
        drift : Drift
            From ``rfm.drift(before, after, ...)`` with cut points or a label.

        Returns
        -------
        SegmentMigrationDisplay
            Ready to be drawn.

        Raises
        ------
        DomainError
            If no segments were compared.
        """
        if not drift.states:
            message = "drift has no segments; give rfm.drift cuts_before=, and a segment_map, or a label."
            raise DomainError(message)
        return cls(
            drift.states,
            customers=drift.migration,
            entrants=drift.n_customers["entrants"],
            leavers=drift.n_customers["leavers"],
        )

    @property
    def shares(self) -> FloatArray:
        """Shares of the rows; NaN in a row without customers and in hidden cells."""
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = self.customers / self.customers.sum(axis=1, keepdims=True)
        return np.asarray(np.where(self.hidden, np.nan, shares))

    @property
    def hidden(self) -> BoolArray:
        """Cells of customers without a number in the picture."""
        return np.stack([hidden_among(row) for row in self.customers])

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        r"""Draw a heat map, those who stayed in frames, with the customers of each row at the right.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: segments, the title, ``"segment before"``, ``"segment after"``,
            ``"share of the segment before"``, ``"customers"``,
            ``"fewer than 5 customers,\nor hidden beside such a cell"``, ``"no customer"``, and, with the
            same braces, ``"n = {customers} at both moments"``,
            ``"n = {customers} at both moments, {entrants} came, {leavers} left"``.

        Returns
        -------
        SegmentMigrationDisplay
            Itself, with `ax_` and `figure_`.
        """
        from matplotlib.ticker import PercentFormatter  # noqa: PLC0415 - an extra

        count = len(self.segments)
        crowded = count > _CROWDED
        side = max((0.4 if crowded else 0.56) * count, 2.2)
        figure, axes = axes_of(ax, (4.2 + side, 2.6 + 0.8 * side))
        shares = np.where(self.customers > 0.0, self.shares, np.nan)
        image = paint(axes, shares, origin="upper", top=1.0)
        hatch(axes, self.hidden)
        for (row, column), share in np.ndenumerate(shares):
            if np.isnan(share):
                continue
            ink = ink_on(image.cmap(image.norm(float(share))))
            text = f"{100.0 * share:.0f}" if crowded else f"{100.0 * share:.0f} %"
            axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=6.5 if crowded else 8)
        self._frame_those_who_stayed(axes)
        names = [folded(labels.get(name, name), 24) for name in self.segments]
        axes.set_xticks(range(count), names, rotation=40, ha="right", rotation_mode="anchor", fontsize=8)
        axes.set_yticks(range(count), names, fontsize=8)
        axes.set_xlabel(labels.get(_AFTER, _AFTER))
        axes.set_ylabel(labels.get(_BEFORE, _BEFORE))
        axes.set_title(f"{labels.get(self.title, self.title)}\n{self._told(labels)}", fontsize=11, pad=18.0)
        head = labels.get(_HEAD, _HEAD)
        write_beside(axes, [(head, [total_text(row) for row in self.customers])], (0.66,))
        measure = labels.get(_MEASURE, _MEASURE)
        bar = figure.colorbar(image, ax=axes, label=measure, fraction=0.06, pad=0.02)
        bar.ax.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        handles = cell_handles(
            labels, {HIDDEN: bool(self.hidden.any()), NOBODY: bool((self.customers == 0.0).any())}
        )
        if handles:
            longest = max(len(line) for name in names for line in name.split("\n"))
            legend_below(axes, figure, handles=handles, drop=0.5 + 0.05 * longest)
        self.ax_, self.figure_ = axes, figure
        return self

    def _frame_those_who_stayed(self, axes: Axes) -> None:
        """Draw a frame around the cells of the diagonal."""
        from matplotlib.patches import Rectangle  # noqa: PLC0415 - an extra

        for place in range(len(self.segments)):
            spot = (place - 0.5, place - 0.5)
            axes.add_patch(Rectangle(spot, 1.0, 1.0, fill=False, edgecolor="black", zorder=3, gid="stayed"))

    def _told(self, labels: Mapping[str, str]) -> str:
        total = self.customers.sum()
        told = sum(row.sum() for row in self.customers if total_text(row) == _plain(row))
        n = _plain(self.customers) if told == total else bound_text(float(total), float(told))
        if self.entrants is None or self.leavers is None:
            return filled(labels, _N, customers=n)
        return filled(labels, _ALL, customers=n, entrants=f"{self.entrants:,}", leavers=f"{self.leavers:,}")


def _plain(counts: FloatArray) -> str:
    return f"{int(counts.sum()):,}"
