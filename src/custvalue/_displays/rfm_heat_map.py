"""The display of what the customers of each cell of recency and frequency are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from custvalue import _frames
from custvalue._displays.axes import (
    FEWEST,
    NO_LABELS,
    axes_of,
    filled,
    ink_on,
    legend_below,
    require_counts,
    require_top,
    scale_of,
)
from custvalue._displays.segments import paired, row_labels
from custvalue._displays.small_cells import (
    HIDDEN,
    HIDDEN_FIGURE,
    NO_FIGURE,
    NOBODY,
    cell_handles,
    hatch,
    hidden_among,
    paint,
    total_text,
)
from custvalue.exceptions import ColumnError, DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from custvalue._typing import FloatArray, Table
    from custvalue.rfm import Cells

_SCORE = "{name} score"
_MEAN, _COUNT = "mean {name}", "customers"
_N, _N_BY_CELL = "n = {customers}", "n = {customers}, by cell in brackets"
#: Cells on a side above which less is written into each, and nothing.
_CROWDED, _FULL = 7, 14


class RFMHeatmapDisplay:
    """What the customers of each cell of recency and frequency are worth on the mean, or how many they are.

    Parameters
    ----------
    customers : table of shape (n_recency, n_frequency)
        Customers of each cell: recency scores from 1 upwards in the rows, frequency scores in the columns.
    means : table of shape (n_recency, n_frequency), default=None
        Mean of a figure in each cell; None draws the customers. Of hidden cells it is not kept.
    known : table of shape (n_recency, n_frequency), default=None
        Customers who have the figure; None takes all of the cell.
    recency, frequency : str, default="recency", "frequency"
        Names of the two scores.
    value, unit : str, default="monetary", ""
        Name and unit of the figure.
    title : str, default="RFM heat map"
        Title of the picture.

    Attributes
    ----------
    customers : ndarray of shape (n_recency, n_frequency)
        Customers by cell.
    means : ndarray of shape (n_recency, n_frequency) or None
        Means by cell; NaN where fewer than five customers have the figure, and in hidden cells.
    known : ndarray of shape (n_recency, n_frequency)
        Customers in each mean.
    hidden : ndarray of bool of shape (n_recency, n_frequency)
        Cells without mean and count in the picture, so that no customer is shown.
    recency, frequency, value, unit : str
        What the axes and the colour bar say.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the tables differ in shape, hold numbers that count nobody, or more customers are known than there are.

    Notes
    -----
    A cell of one to four customers is hatched, without its mean and its count, so that no customer's figure can be
    read off. The next smallest cells are hatched with it until there are two, of five customers and not of one
    each, so that no count can be got by subtraction from the total; where that takes all cells, the title has a
    bound in place of the total. In a picture of means cells of which one to four customers have the figure are
    hatched too; cells of five customers or more of whom nobody has it are dotted. The rule is ours. A cell without
    any customer is blank.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.RFMHeatmapDisplay([[30, 2], [10, 8]], means=[[12.0, 90.0], [30.0, 45.0]])
    >>> display.means
    array([[12., nan],
           [30., nan]])
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        customers: Table,
        *,
        means: Table | None = None,
        known: Table | None = None,
        recency: str = "recency",
        frequency: str = "frequency",
        value: str = "monetary",
        unit: str = "",
        title: str = "RFM heat map",
    ) -> None:
        self.customers = require_counts(_frames.numeric(customers, argument="customers"), "customers")
        if not self.customers.sum() > 0.0:
            message = "customers holds nobody; allowed: at least one customer."
            raise DomainError(message)
        shape = self.customers.shape
        self.known = self.customers
        if known is not None:
            self.known = require_counts(_like(known, "known", shape), "known")
        if (self.known > self.customers).any():
            message = "known holds more customers than the cell has; allowed: those who have the figure."
            raise DomainError(message)
        self.hidden = hidden_among(self.customers)
        self.means = None
        if means is not None:
            numbers = _like(means, "means", shape)
            if np.isnan(numbers[self.known >= FEWEST]).any():
                message = (
                    f"means is missing in a cell of {FEWEST} customers or more; allowed: NaN in smaller ones."
                )
                raise DomainError(message)
            self.means = np.where((self.known >= FEWEST) & ~self.hidden, numbers, np.nan)
        self.recency, self.frequency, self.value, self.unit = recency, frequency, value, unit
        self.title = title

    @classmethod
    def from_cells(
        cls,
        cells: Cells,
        values: Table | None = None,
        *,
        recency: str | None = None,
        frequency: str | None = None,
        n_scores: int | None = None,
        value: str = "monetary",
        unit: str = "",
    ) -> Self:
        """Take the cells of customers, with a figure of each of them or without.

        Parameters
        ----------
        cells : Cells
            From ``rfm.cells(scores)``; scores beyond the two are summed over.
        values : array_like of shape (n_customers,), or frame with one column, default=None
            A figure of the same customers in the same order, such as turnover, or of a pandas index that holds
            the customers of the cells; null is left out of the means. None counts the customers only.
        recency, frequency : str, default=None
            Columns of the cells; None takes the only one whose name begins with ``recency`` or ``frequency``.
        n_scores : int, default=None
            Number of scores on both axes; None takes the highest that is found.
        value, unit : str, default="monetary", ""
            Name and unit of the figure.

        Returns
        -------
        RFMHeatmapDisplay
            Ready to be drawn.

        Raises
        ------
        ColumnError
            If a column is not among the cells, or cannot be told from others by its name.
        DataError
            If a value is infinite, or the pandas indexes do not hold the same customers.
        DomainError
            If `values` is no row of numbers of that length, or `n_scores` is less than a score that is found.
        """
        names = [
            _column(cells, recency, "recency"),
            _column(cells, frequency, "frequency"),
        ]
        places = [cells.columns.index(name) for name in names]
        scores = cells.scores[:, places]
        if not len(scores):
            message = "cells hold no customer; allowed: at least one."
            raise DomainError(message)
        highest = scores.max(axis=0) if n_scores is None else np.full(2, require_top(n_scores, "n_scores"))
        if (scores > highest).any():
            message = (
                f"n_scores is {n_scores} and scores reach {scores.max()}; allowed: at least the highest score."
            )
            raise DomainError(message)
        shape = (int(highest[0]), int(highest[1]))
        flat = np.ravel_multi_index((scores[:, 0] - 1, scores[:, 1] - 1), shape)
        customers = np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape)
        means, known = None, None
        if values is not None:
            means, known = _means(_figures(values, cells), flat, shape)
        return cls(
            customers,
            means=means,
            known=known,
            recency=names[0].removesuffix("_score"),
            frequency=names[1].removesuffix("_score"),
            value=value,
            unit=unit,
        )

    def plot(
        self,
        *,
        ax: Axes | None = None,
        labels: Mapping[str, str] = NO_LABELS,
        colour: Literal["mean", "customers"] | None = None,
    ) -> Self:
        r"""Draw a heat map with the best scores at the top and at the right.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: names of the scores and of the figure, its unit, the title, ``"customers"``,
            ``"fewer than 5 customers,\nor hidden beside such a cell"``,
            ``"fewer than 5 customers with the figure,\nor hidden beside such a cell"``,
            ``"no customer has the figure"``, ``"no customer"``, ``"thousand"``, ``"million"``, ``"billion"``, and,
            with the same braces, ``"{name} score"``, ``"mean {name}"``, ``"n = {customers}"``,
            ``"n = {customers}, by cell in brackets"``.
        colour : {"mean", "customers"}, default=None
            What the colour shows; None takes the mean, if there is one.

        Returns
        -------
        RFMHeatmapDisplay
            Itself, with `ax_` and `figure_`.

        Raises
        ------
        DomainError
            If `colour` is unknown, or the mean is asked for and there is none.
        """
        if colour not in ("mean", "customers", None) or (colour == "mean" and self.means is None):
            message = f"colour is {colour!r}; allowed: 'customers', or 'mean' where there are means."
            raise DomainError(message)
        averaged = self.means if colour != "customers" else None
        rows, columns = self.customers.shape
        wide = 0.72 if max(rows, columns) <= _FULL else 0.4
        figure, axes = axes_of(ax, (2.6 + max(wide * columns, 2.2), 1.9 + max(0.76 * wide * rows, 1.8)))
        shown = averaged is not None
        factor, scale = (
            scale_of(float(np.nanmax(np.abs(averaged), initial=0.0))) if averaged is not None else (1, "")
        )
        no_figure = shown & (self.known == 0) & (self.customers > 0) & ~self.hidden
        few_know = shown & (self.known > 0) & (self.known < FEWEST) & ~self.hidden
        hidden = self.hidden | few_know
        without = hidden | no_figure | (self.customers == 0)
        numbers = np.where(without, np.nan, self.customers if averaged is None else averaged)
        image = paint(axes, numbers / factor)
        hatch(axes, hidden, no_figure)
        self._write(axes, image, numbers / factor, means=shown)
        axes.set_xticks(range(columns), [str(score + 1) for score in range(columns)])
        axes.set_yticks(range(rows), [str(score + 1) for score in range(rows)])
        for name, write in ((self.frequency, axes.set_xlabel), (self.recency, axes.set_ylabel)):
            write(filled(labels, _SCORE, name=labels.get(name, name)))
        template = _N_BY_CELL if shown and max(rows, columns) <= _CROWDED else _N
        n = filled(labels, template, customers=total_text(self.customers))
        axes.set_title(f"{labels.get(self.title, self.title)}\n{n}", fontsize=11)
        measure = labels.get(_COUNT, _COUNT)
        if shown:
            unit = " ".join(labels.get(part, part) for part in (scale, self.unit) if part)
            measure = filled(labels, _MEAN, name=labels.get(self.value, self.value)) + (unit and f" ({unit})")
        figure.colorbar(image, ax=axes, label=measure, fraction=0.06, pad=0.02)
        found = {
            HIDDEN: bool(hidden.any()) and not few_know.any(),
            HIDDEN_FIGURE: bool(few_know.any()),
            NO_FIGURE: bool(no_figure.any()),
            NOBODY: bool((self.customers == 0).any()),
        }
        if handles := cell_handles(labels, found):
            legend_below(axes, figure, handles=handles)
        self.ax_, self.figure_ = axes, figure
        return self

    def _write(self, axes: Axes, image: Any, numbers: FloatArray, *, means: bool) -> None:
        """Write into every cell its mean and its customers, or less where there are many cells."""
        side = max(numbers.shape)
        if side > _FULL:
            return
        crowded = side > _CROWDED
        largest = float(np.nanmax(np.abs(numbers), initial=0.0))
        digits = 0 if not means or largest >= 100.0 else 1 if largest >= 10.0 else 2  # noqa: PLR2004 - digits
        for (row, column), number in np.ndenumerate(numbers):
            if np.isnan(number):
                continue
            text = f"{number:,.{digits}f}"
            if means and not crowded:
                text += f"\n({int(self.customers[row, column]):,})"
            ink = ink_on(image.cmap(image.norm(float(number))))
            axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=7.5 if crowded else 8)


def _like(values: Table, argument: str, shape: tuple[int, ...]) -> FloatArray:
    numbers = _frames.numeric(values, argument=argument, nulls=True)
    if numbers.shape != shape:
        message = f"{argument} has shape {numbers.shape}; allowed: {shape}, that of customers."
        raise DomainError(message)
    return numbers


def _column(cells: Cells, name: str | None, axis: str) -> str:
    """Give the column of an axis: the one that is named, or the only one that its name tells."""
    if name is not None:
        if name not in cells.columns:
            raise ColumnError.missing(
                [name], available=cells.columns, mend=f"Name a column of the cells in {axis}=."
            )
        return name
    found = [column for column in cells.columns if column.startswith(axis)]
    if len(found) != 1:
        message = f"{len(found)} columns of the cells begin with '{axis}' ({found}); name one of them in {axis}=."
        raise ColumnError(message)
    return found[0]


def _figures(values: Table, cells: Cells) -> FloatArray:
    """Give one number a customer in the order of the cells; refuse another length and other customers."""
    other = row_labels(values)
    if not _frames.is_frame(values) and np.ndim(values) == 1:  # type: ignore[arg-type]  # an array
        values = np.asarray(_frames.unmasked(values))[:, None]
    numbers = _frames.numeric(values, argument="values", nulls=True)
    if numbers.shape != (len(cells.scores), 1):
        message = f"values has shape {numbers.shape}; allowed: ({len(cells.scores)}, 1), one number a customer."
        raise DomainError(message)
    return paired(numbers, row_labels(cells.labels), other, "the cells")[:, 0]


def _means(numbers: FloatArray, flat: Any, shape: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    """Average by cell, in the order of the values, so that the order of the customers is of no account."""
    size = shape[0] * shape[1]
    there = ~np.isnan(numbers)
    order = np.lexsort((numbers[there], flat[there]))
    known = np.bincount(flat[there], minlength=size).astype(np.float64)
    sums = np.bincount(flat[there][order], weights=numbers[there][order], minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (sums / known).reshape(shape), known.reshape(shape)
