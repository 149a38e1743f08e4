"""The display of how many customers a segment has, and what they are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pandas as pd

from custvalue import _frames
from custvalue._displays.axes import (
    BLUE,
    FEWEST,
    GREY,
    NO_LABELS,
    axes_of,
    filled,
    folded,
    legend_below,
    one_each,
    percent,
    require_counts,
    require_distinct,
    write_beside,
)
from custvalue._displays.small_cells import hidden_among
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from custvalue._typing import FloatArray, Table

_CUSTOMERS, _VALUE = "share of the customers", "share of the value"
_SHARE = "share of the total"
_N, _HEAD, _INDEX = "n = {customers}", "customers", "value per customer\n(1 = mean)"
_OTHERS = "others ({segments} segments)"
_PALE: Final = "#C8C8C8"


class SegmentDisplay:
    """How many customers each segment has and what share of the value they bring, side by side.

    Parameters
    ----------
    segments : sequence of str
        Names of the segments.
    customers : array_like of shape (n_segments,)
        Customers of each segment, whole numbers from 0.
    value : array_like of shape (n_segments,), default=None
        Sum of a figure over each segment's customers, such as turnover; the total is positive. None draws the
        customers only.
    name : str, default=""
        Name of the figure.
    title : str, default="Segments"
        Title of the picture.

    Attributes
    ----------
    segments : tuple of str
        What is drawn from top to bottom: the largest value first, or the most customers; ``"others"`` last.
    customers : ndarray of shape (n_drawn,)
        Customers of each bar.
    value : ndarray of shape (n_drawn,) or None
        Value of each bar.
    joined : tuple of str
        Names of the segments that are drawn together as others.
    customer_share, value_share : ndarray of shape (n_drawn,), or None
        Lengths of the bars.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the numbers do not fit the segments, the total value is not positive, or there are fewer than five
        customers.

    Notes
    -----
    Segments of one to four customers are joined to others, with the next smallest segments until there are two, of
    five customers and not of one each, so that no customer's value can be read off or got by subtraction; the rule
    is ours. Segments without any customer are drawn as such. Shares of the value may be negative, or sum to more
    than 1 above.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.SegmentDisplay(["many", "rich", "single"], customers=[80, 19, 1], value=[20.0, 75.0, 5.0])
    >>> display.segments, display.value_share
    (('many', 'others'), array([0.2, 0.8]))
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        segments: Sequence[str],
        *,
        customers: Sequence[float] | FloatArray,
        value: Sequence[float] | FloatArray | None = None,
        name: str = "",
        title: str = "Segments",
    ) -> None:
        names = require_distinct(segments, "segments")
        counts = require_counts(one_each(customers, "customers", len(names)), "customers")
        if counts.sum() < FEWEST:
            message = f"customers sum to fewer than {FEWEST}; allowed: more, so that none is shown alone."
            raise DomainError(message)
        figures = None if value is None else one_each(value, "value", len(names))
        if figures is not None and not figures.sum() > 0.0:
            message = "value sums to zero or less, so no share of it can be taken; allowed: a positive total."
            raise DomainError(message)
        if figures is not None and figures[counts == 0.0].any():
            message = "value is not 0 in a segment without customers; allowed: sums over the segment's customers."
            raise DomainError(message)
        small = hidden_among(counts)
        self.joined = tuple(one for one, few in zip(names, small, strict=True) if few)
        kept = [one for one, few in zip(names, small, strict=True) if not few]
        self._others = "others" if self.joined else None
        if self._others in kept:
            message = "segments names 'others', which is what small segments are joined to; rename it."
            raise DomainError(message)
        drawn = [*kept, *([self._others] if self._others else [])]
        self.customers = np.concatenate((counts[~small], [counts[small].sum()] * bool(self.joined)))
        self.value = None
        if figures is not None:
            self.value = np.concatenate((figures[~small], [figures[small].sum()] * bool(self.joined)))
        order = np.argsort(-(self.customers if self.value is None else self.value), kind="stable")
        if self.joined:
            order = np.append(order[order != len(kept)], len(kept))
        self.segments = tuple(drawn[place] for place in order)
        self.customers = self.customers[order]
        self.value = None if self.value is None else self.value[order]
        self.name, self.title = name, title

    @classmethod
    def from_labels(
        cls,
        labels: Table,
        values: Table | None = None,
        *,
        segments: Sequence[str] | None = None,
        name: str = "",
    ) -> Self:
        """Take every customer's segment, and a figure of every customer or none.

        Parameters
        ----------
        labels : array_like of str of shape (n_customers,), or frame with one column
            Segments, as ``SegmentMap.label`` gives them.
        values : array_like of shape (n_customers,), or frame with one column, default=None
            A figure of the same customers in the same order, such as turnover; where labels and figures have a
            pandas index, by that index. None may be missing.
        segments : sequence of str, default=None
            Names of all segments, also of those without customers; None takes those that are found.
        name : str, default=""
            Name of the figure.

        Returns
        -------
        SegmentDisplay
            Ready to be drawn.

        Raises
        ------
        DataError
            If a label or a value is missing, or the pandas indexes do not hold the same customers.
        DomainError
            If there is more than one column, lengths differ, `segments` is no sequence, or a label is none of it.
        """
        if isinstance(segments, str) or not (segments is None or np.iterable(segments)):
            message = f"segments is a {type(segments).__name__}; allowed: a sequence of names, or None."
            raise DomainError(message)
        found = _texts(labels)
        names, place = np.unique(found, return_inverse=True)
        known = list(names) if segments is None else list(segments)
        unknown = [text for text in names.tolist() if text not in known]
        if unknown:
            message = f"labels hold {unknown}, which segments do not name; allowed: {known}."
            raise DomainError(message)
        order = [known.index(text) for text in names.tolist()]
        counts, sums = np.zeros(len(known)), np.zeros(len(known))
        counts[order] = np.bincount(place, minlength=len(names))
        if values is not None:
            numbers = _figures(values, labels, len(found))
            # Sorted first, so that the sum does not depend on the order of the customers.
            rows = np.lexsort((numbers, place))
            sums[order] = np.bincount(place[rows], weights=numbers[rows], minlength=len(names))
        return cls(
            [str(text) for text in known], customers=counts, value=None if values is None else sums, name=name
        )

    @property
    def customer_share(self) -> FloatArray:
        """Share of all customers in each bar."""
        return np.asarray(self.customers / self.customers.sum())

    @property
    def value_share(self) -> FloatArray | None:
        """Share of the total value in each bar, or None."""
        return None if self.value is None else np.asarray(self.value / self.value.sum())

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        r"""Draw one or two bars a segment, with its customers and their value against the mean at the right.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: names of segments and of the figure, the title,
            ``"share of the customers"``, ``"share of the value"``, ``"share of the total"``, ``"customers"``,
            ``"value per customer\n(1 = mean)"``, and, with the same braces, ``"n = {customers}"``,
            ``"others ({segments} segments)"``.

        Returns
        -------
        SegmentDisplay
            Itself, with `ax_` and `figure_`.
        """
        count = len(self.segments)
        pair = self.value is not None
        figure, axes = axes_of(ax, (8.2, 1.9 + (0.5 if pair else 0.34) * count))
        middle = np.arange(count, dtype=float)
        bars = [(self.customer_share, _PALE, GREY, _CUSTOMERS, 0.2 if pair else 0.0)]
        if self.value_share is not None:
            bars.insert(0, (self.value_share, BLUE, BLUE, _VALUE, -0.2))
        for shares, face, edge, text, lift in bars:
            axes.barh(middle + lift, shares, height=0.38 if pair else 0.6, color=face, edgecolor=edge, gid=text)
            for at, share in zip(middle + lift, shares, strict=True):
                spot = (3.0, 0.0) if share >= 0.0 else (-3.0, 0.0)
                axes.annotate(
                    percent(float(share)), (share, at), xytext=spot, textcoords="offset points", va="center",
                    ha="left" if share >= 0.0 else "right", fontsize=7.5,
                )  # fmt: skip
        self._scale(axes, np.concatenate([one[0] for one in bars]), labels)
        write_beside(axes, self._beside(labels), (0.65, 1.85))
        axes.set_yticks(middle, [folded(self._named(name, labels), 30) for name in self.segments])
        axes.set_ylim(count - 0.45, -0.55)
        n = filled(labels, _N, customers=f"{int(self.customers.sum()):,}")
        axes.set_title(f"{labels.get(self.title, self.title)}\n{n}", fontsize=11)
        legend_below(axes, figure, handles=self._handles(bars, labels), columns=2)
        self.ax_, self.figure_ = axes, figure
        return self

    def _named(self, name: str, labels: Mapping[str, str]) -> str:
        if name == self._others:
            return filled(labels, _OTHERS, segments=len(self.joined))
        return labels.get(name, name)

    def _scale(self, axes: Axes, shares: FloatArray, labels: Mapping[str, str]) -> None:
        """Leave room for the numbers beside the bars, and write shares in per cent."""
        from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415 - an extra

        low, high = min(float(shares.min()), 0.0), max(float(shares.max()), 0.0)
        span = high - low
        axes.set_xlim(low - (0.12 * span if low < 0.0 else 0.0), high + 0.12 * span)
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100.0 * value:g} %"))
        axes.set_xlabel(labels.get(_SHARE, _SHARE))
        axes.axvline(0.0, color="black", linewidth=0.8)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)

    def _beside(self, labels: Mapping[str, str]) -> list[tuple[str, list[str]]]:
        """Give the columns at the right: customers, and their value against the mean."""
        columns = [(labels.get(_HEAD, _HEAD), [f"{int(count):,}" for count in self.customers])]
        if self.value_share is not None:
            with np.errstate(divide="ignore", invalid="ignore"):
                index = self.value_share / self.customer_share
            texts = ["-" if np.isnan(one) else f"{one:.2f}" for one in index]
            columns.append((labels.get(_INDEX, _INDEX), texts))
        return columns

    def _handles(self, bars: Sequence[tuple[Any, ...]], labels: Mapping[str, str]) -> list[Any]:
        from matplotlib.patches import Patch  # noqa: PLC0415 - an extra

        handles = []
        for _, face, edge, text, _ in bars:
            name = f" ({labels.get(self.name, self.name)})" if self.name and text == _VALUE else ""
            handles.append(Patch(facecolor=face, edgecolor=edge, label=labels.get(text, text) + name))
        return handles


def row_labels(data: Any) -> list[Any] | None:
    """Give the index of a pandas frame or series as plain values; other tables have none."""
    if isinstance(data, pd.Series):
        return list(data.index)
    return _frames.row_labels(data) if _frames.is_frame(data) else None


def paired(numbers: FloatArray, own: list[Any] | None, other: list[Any] | None, what: str) -> FloatArray:
    """Put numbers of labelled rows into the order of labels; refuse labels that are not the same or not unique."""
    if own is None or other is None or own == other:
        return numbers
    places = _frames.places_by_label(own, other)
    if places is None:
        message = (
            f"values and {what} have different pandas indexes, which do not hold the same customers once each; "
            "give figures of the same customers, or an array in their order."
        )
        raise DataError(message)
    return np.asarray(numbers[places])


def _texts(labels: Any) -> Any:
    """Give the segment of every customer as text; refuse a missing one by count."""
    if _frames.is_frame(labels):
        frame = _frames.eager(labels, argument="labels")
        if len(frame.columns) != 1:
            message = f"labels has {len(frame.columns)} columns; allowed: one, the segment."
            raise DomainError(message)
        labels = frame.get_column(frame.columns[0]).to_list()
    found = np.asarray(labels, dtype=object)
    if found.ndim != 1 or not len(found):
        message = f"labels has shape {found.shape}; allowed: one label a customer, at least one."
        raise DomainError(message)
    # NaN and NaT are not equal to themselves; None is told apart by itself.
    missing = sum(one is None or str(one) in {"nan", "NaT", "<NA>"} for one in found.tolist())
    if missing:
        message = f"labels has {missing} missing label(s). Give every customer a segment, or leave those out."
        raise DataError(message)
    return found.astype(np.str_)


def _figures(values: Any, labels: Any, count: int) -> FloatArray:
    other = row_labels(values)
    if not _frames.is_frame(values) and np.ndim(values) == 1:
        values = np.asarray(_frames.unmasked(values))[:, None]
    numbers = _frames.numeric(values, argument="values")
    if numbers.shape != (count, 1):
        message = f"values has shape {numbers.shape}; allowed: ({count}, 1), one number a customer."
        raise DomainError(message)
    return paired(numbers, row_labels(labels), other, "labels")[:, 0]
