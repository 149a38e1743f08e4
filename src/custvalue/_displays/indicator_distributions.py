"""The display of how the customers are spread over each indicator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import numpy as np

from custvalue import _frames
from custvalue._displays.axes import (
    FEWEST,
    NO_LABELS,
    axes_of,
    filled,
    folded,
    legend_below,
    one_each,
    percent,
    require_distinct,
    require_top,
    scale_of,
)
from custvalue._displays.bins import bins_of
from custvalue._displays.distribution_drawing import (
    OPEN,
    draw_bars,
    draw_bounds,
    draw_curve,
    handles,
    layout_of,
    name_ticks,
    places_of,
)
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from custvalue._displays.distribution_drawing import Kind
    from custvalue._typing import FloatArray, Table
    from custvalue.rfm import IndicatorScaler, IndicatorSet, Snapshot

_DIRECTIONS: Final = {"benefit": "more is better", "cost": "less is better", "": ""}
_PER_BIN = "share of the customers per bin"
_CUMULATIVE = "share of the customers below"
_FACTS = "n = {customers}, null: {share}"
_FACTS_OF_FEW = "n < 5, null: {share}"
_TOO_FEW = "too few customers for\nbins of at least 5"
_WIDTH, _FACTOR = "bins of {width}", "bins of factor {factor}"
_SMALL, _TITLE = 7.5, 8.5


class IndicatorDistributionDisplay:
    """How the customers are spread over each indicator, with the share that has no value.

    Parameters
    ----------
    indicators : sequence of str
        Names of the indicators, one panel each.
    edges : sequence of array_like of shape (n_bins + 1,)
        For each indicator the edges of its bins, ascending, in its unit. The first may be minus infinity and the
        last infinity: such bins are open. Empty where nothing is to be shown.
    customers : sequence of array_like of shape (n_bins,)
        For each indicator the customers in each bin: none, or at least five.
    null_share : array_like of shape (n_indicators,)
        Share of the customers without a value, in [0, 1].
    bounds : table of shape (n_indicators, 2), default=None
        Lower and upper bound of a scaler, drawn as lines; None draws none.
    units : sequence of str, default=()
        Units of the indicators, for the axes.
    directions : sequence of {"benefit", "cost", ""}, default=()
        Whether more or less is better, for the axes.
    logarithmic : sequence of str, default=()
        Indicators whose axis is logarithmic; their finite edges are positive.
    title : str, default="Indicator distributions"
        Title of the picture.

    Attributes
    ----------
    indicators : tuple of str
        Names of the panels.
    edges, customers : tuple of ndarray
        Bins and counts that are drawn.
    null_share : ndarray of shape (n_indicators,)
        What is written over the panels.
    bounds : ndarray of shape (n_indicators, 2) or None
        Where the lines stand.
    units, directions : tuple of str
        What the axes say.
    logarithmic : tuple of str
        Indicators whose axis is logarithmic.
    panels_ : tuple of matplotlib.axes.Axes
        Panels in the order of the indicators, after :meth:`plot`.
    ax_ : matplotlib.axes.Axes
        Axes that hold the panels, or the only panel, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the numbers do not fit the indicators, edges do not rise, or a bin holds one to four customers.

    Notes
    -----
    The display holds counts and no customer's value. Bins of one to four customers are joined with the next bin,
    and the hundredth of the customers at either end, at least five, stands in an open bin, so that no picture
    shows a single customer or the largest value. A joined bin is drawn over its whole width at its mean height
    per narrowest bin, so that areas are shares of the customers with a value. The rule is ours.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.IndicatorDistributionDisplay(
    ...     ["recency"], edges=[[0, 30, 60, float("inf")]], customers=[[50, 20, 10]], null_share=[0.1])
    >>> display.customers[0]
    array([50., 20., 10.])
    """

    ax_: Axes
    figure_: Figure
    panels_: tuple[Axes, ...]

    def __init__(
        self,
        indicators: Sequence[str],
        *,
        edges: Sequence[Sequence[float] | FloatArray],
        customers: Sequence[Sequence[float] | FloatArray],
        null_share: Sequence[float] | FloatArray,
        bounds: Table | None = None,
        units: Sequence[str] = (),
        directions: Sequence[str] = (),
        logarithmic: Sequence[str] = (),
        title: str = "Indicator distributions",
    ) -> None:
        self.indicators = require_distinct(indicators, "indicators")
        count = len(self.indicators)
        self.null_share = one_each(null_share, "null_share", count)
        if (self.null_share < 0.0).any() or (self.null_share > 1.0).any():
            message = "null_share holds numbers outside [0, 1]; allowed: shares of the customers."
            raise DomainError(message)
        self.edges, self.customers = _rows(edges, "edges"), _rows(customers, "customers")
        if len(self.edges) != count or len(self.customers) != count:
            message = (
                f"edges has {len(self.edges)} and customers {len(self.customers)} rows for {count} indicators; "
                "allowed: one row of each an indicator."
            )
            raise DomainError(message)
        self.logarithmic = _require_known(logarithmic, self.indicators)
        for name, ends, counts in zip(self.indicators, self.edges, self.customers, strict=True):
            _require_bins(name, ends, counts)
            if name in self.logarithmic and (ends[np.isfinite(ends)] <= 0.0).any():
                message = f"edges of '{name}' are not positive, so they have no place on a logarithmic axis."
                raise DomainError(message)
        self.bounds = None if bounds is None else _frames.numeric(bounds, argument="bounds")
        if self.bounds is not None and self.bounds.shape != (count, 2):
            message = f"bounds has shape {self.bounds.shape}; allowed: {(count, 2)}, the lower one first."
            raise DomainError(message)
        for argument, texts in (("units", units), ("directions", directions)):
            if isinstance(texts, str) or not np.iterable(texts):
                message = f"{argument} is a {type(texts).__name__}; allowed: a sequence, one text an indicator."
                raise DomainError(message)
        self.units = tuple(units) or ("",) * count
        self.directions = tuple(directions) or ("",) * count
        if len(self.units) != count or len(self.directions) != count or not set(self.directions) <= {*_DIRECTIONS}:
            message = (
                f"units has {len(self.units)} and directions {len(self.directions)} texts; allowed: {count} of "
                "each, directions of 'benefit', 'cost' and ''."
            )
            raise DomainError(message)
        self.title = title

    @classmethod
    def from_snapshot(
        cls,
        snapshot: Snapshot,
        *,
        columns: Sequence[str] | None = None,
        scaler: IndicatorScaler | None = None,
        logarithmic: Sequence[str] = (),
        n_bins: int = 30,
    ) -> Self:
        """Take the graded customers of a snapshot.

        Parameters
        ----------
        snapshot : Snapshot
            From ``rfm.compute(...)``.
        columns : sequence of str, default=None
            Indicators to draw, in order; None draws all.
        scaler : IndicatorScaler, default=None
            A fitted scaler whose bounds are drawn.
        logarithmic : sequence of str, default=()
            Indicators with bins alike in their factor, for money that few have much of. Customers without a
            positive value then lie beyond the axis.
        n_bins : int, default=30
            Wanted number of bins, before they are rounded and joined; more make a smoother ``"ecdf"``.

        Returns
        -------
        IndicatorDistributionDisplay
            Ready to be drawn.

        Raises
        ------
        ColumnError
            If an indicator is missing.
        DomainError
            If the scaler has no bounds for an indicator, or `n_bins` is no whole number from 1.
        """
        return cls.from_features(
            snapshot.features,
            indicators=snapshot.indicators,
            columns=columns,
            scaler=scaler,
            logarithmic=logarithmic,
            n_bins=n_bins,
        )

    @classmethod
    def from_features(
        cls,
        X: Table,
        *,
        indicators: IndicatorSet | None = None,
        columns: Sequence[str] | None = None,
        scaler: IndicatorScaler | None = None,
        logarithmic: Sequence[str] = (),
        n_bins: int = 30,
    ) -> Self:
        """Take a table of unscaled indicators.

        Parameters
        ----------
        X : table of shape (n_customers, n_indicators)
            Numbers; null where a customer has no value.
        indicators : IndicatorSet, default=None
            Tells units and directions; None leaves them out.
        columns : sequence of str, default=None
            Columns of a frame to draw, in order; None draws all.
        scaler : IndicatorScaler, default=None
            A fitted scaler whose bounds are drawn; its columns are found by name, in an array by position.
        logarithmic : sequence of str, default=()
            Indicators with bins alike in their factor, for money that few have much of. Customers without a
            positive value then lie beyond the axis.
        n_bins : int, default=30
            Wanted number of bins, before they are rounded and joined; more make a smoother ``"ecdf"``.

        Returns
        -------
        IndicatorDistributionDisplay
            Ready to be drawn.

        Raises
        ------
        ColumnError
            If a column is missing or holds no numbers.
        DomainError
            If there is no customer, the scaler has no bounds for an indicator, `columns` are no sequence or given
            for an array, or `n_bins` is no whole number from 1.
        """
        if isinstance(columns, str) or not (columns is None or np.iterable(columns)):
            message = f"columns is a {type(columns).__name__}; allowed: a sequence of names, or None."
            raise DomainError(message)
        if columns is not None and not _frames.is_frame(X):
            message = "columns name columns of a frame, and X is an array; choose the array's columns instead."
            raise DomainError(message)
        wanted = require_top(n_bins, "n_bins")
        numbers = _frames.numeric(X, columns, argument="X", nulls=True)
        if not numbers.size:
            message = f"X has shape {numbers.shape}; allowed: at least one customer and one indicator."
            raise DomainError(message)
        names = columns if columns is not None else _frames.column_names(X)
        bounds = None if scaler is None else _bounds(scaler, names, numbers.shape[1])
        names = names or [f"x{j}" for j in range(numbers.shape[1])]
        null = np.isnan(numbers)
        logs = _require_known(logarithmic, tuple(names))
        bins = [bins_of(numbers[~null[:, j], j], wanted, logarithmic=name in logs) for j, name in enumerate(names)]
        known = {} if indicators is None else {one.name: one for one in indicators.indicators}
        return cls(
            names,
            edges=[one[0] for one in bins],
            customers=[one[1] for one in bins],
            null_share=null.mean(axis=0),
            bounds=bounds,
            units=[known[name].unit if name in known else "" for name in names],
            directions=[known[name].direction if name in known else "" for name in names],
            logarithmic=logs,
        )

    def plot(
        self,
        *,
        ax: Axes | None = None,
        labels: Mapping[str, str] = NO_LABELS,
        kind: Kind = "histogram",
    ) -> Self:
        r"""Draw one panel an indicator, at most three in a row; a single one under its own name.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; several panels share its place. None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: indicators, units, the title, ``"more is better"``, ``"less is better"``,
            ``"share of the customers per bin"``, ``"share of the customers below"``,
            ``"all customers beyond the axis"``, ``"bounds of the scaler"``, ``"bound beyond the axis"``,
            ``"too few customers for\nbins of at least 5"``, ``"thousand"``, ``"million"``, ``"billion"``, and,
            with the same braces, ``"n = {customers}, null: {share}"``, ``"n < 5, null: {share}"``,
            ``"bins of {width}"``, ``"bins of factor {factor}"``.
        kind : {"histogram", "ecdf"}, default="histogram"
            Shares by bin, or the cumulative distribution, straight within a bin.

        Returns
        -------
        IndicatorDistributionDisplay
            Itself, with `ax_`, `figure_` and `panels_`.

        Raises
        ------
        DomainError
            If `kind` is unknown.
        """
        if kind not in ("histogram", "ecdf"):
            message = f"kind is {kind!r}; allowed: 'histogram' or 'ecdf'."
            raise DomainError(message)
        count = len(self.indicators)
        across, size, places = layout_of(count)
        figure, axes = axes_of(ax, size)
        panels = [axes]
        if count > 1:
            axes.set_axis_off()
            panels = [axes.inset_axes(place) for place in places]
        notes: set[str] = set()
        for k, panel in enumerate(panels):
            self._draw(panel, k, labels, kind, notes)
            if k % across == 0:
                text = _PER_BIN if kind == "histogram" else _CUMULATIVE
                panel.set_ylabel(folded(labels.get(text, text), 20), fontsize=_SMALL)
        if count > 1:
            axes.set_title(labels.get(self.title, self.title), y=1.0, pad=6.0)
        if entries := handles(labels, kind, notes):
            legend_below(axes, figure, handles=entries, columns=3, drop=0.1 if count > 1 else 0.55)
        self.ax_, self.figure_, self.panels_ = axes, figure, tuple(panels)
        return self

    def _draw(self, panel: Axes, k: int, labels: Mapping[str, str], kind: Kind, notes: set[str]) -> None:
        """Draw one indicator into its panel."""
        edges, customers = self.edges[k], self.customers[k]
        panel.tick_params(labelsize=_SMALL)
        name = folded(labels.get(self.indicators[k], self.indicators[k]), 36)
        n, null = f"{int(customers.sum()):,}", percent(float(self.null_share[k]))
        facts = filled(labels, _FACTS if len(customers) else _FACTS_OF_FEW, customers=n, share=null)
        panel.set_title(f"{name}\n{facts}", fontsize=_TITLE)
        if not (np.isfinite(edges[:-1]) & np.isfinite(edges[1:])).any():
            panel.set_xticks([])
            panel.set_yticks([])
            text = labels.get(_TOO_FEW, _TOO_FEW)
            panel.text(0.5, 0.5, text, transform=panel.transAxes, ha="center", va="center", fontsize=_SMALL)
            return
        log = self.indicators[k] in self.logarithmic
        places = places_of(edges) if log else edges
        inner = places[np.isfinite(places)]
        width = float(np.diff(inner).min())
        draw = draw_bars if kind == "histogram" else draw_curve
        draw(panel, places, customers / customers.sum(), width)
        notes.update([OPEN] if len(inner) < len(edges) else [])
        beyond = [np.isinf(edges[0]), np.isinf(edges[-1])]
        low, high = inner[0] - 1.6 * width * beyond[0], inner[-1] + 1.6 * width * beyond[1]
        margin = 0.02 * (high - low)
        panel.set_xlim(low - margin, high + margin)
        ends = (float(inner[0]), float(inner[-1]))
        if self.bounds is not None:
            notes.update(draw_bounds(panel, self.bounds[k], ends, log=log))
        panel.set_ylim(0.0, 1.0 if kind == "ecdf" else None)
        factor, scale = scale_of(float(10.0 ** ends[1] if log else np.abs(inner).max()))
        name_ticks(panel, factor, ends, log=log)
        template = _FACTOR if log else _WIDTH
        told = f"{10.0**width:.3g}" if log else f"{width / factor:,g}"
        bins = filled(labels, template, width=told, factor=told) if kind == "histogram" else ""
        unit = " ".join(labels.get(part, part) for part in (scale, self.units[k]) if part)
        better = _DIRECTIONS[self.directions[k]]
        text = ", ".join(part for part in (unit, bins, better and labels.get(better, better)) if part)
        panel.set_xlabel(folded(text, 40 if len(self.indicators) > 1 else 90), fontsize=_SMALL)


def _rows(rows: Sequence[Sequence[float] | FloatArray], argument: str) -> tuple[FloatArray, ...]:
    """Give each row as numbers; refuse what holds none by the argument's name."""
    try:
        return tuple(np.array(row, dtype=float) for row in rows)
    except (TypeError, ValueError):
        message = f"{argument} does not hold rows of numbers only; allowed: one row of numbers an indicator."
        raise DomainError(message) from None


def _require_bins(name: str, edges: FloatArray, customers: FloatArray) -> None:
    """Refuse bins that do not fit, and those in which a customer would stand alone."""
    if edges.ndim != 1 or customers.ndim != 1 or len(edges) != len(customers) + bool(len(customers)):
        message = (
            f"edges and customers of '{name}' have shapes {edges.shape} and {customers.shape}; allowed: one edge "
            "more than bins, or none of both."
        )
        raise DomainError(message)
    inside = edges[1:-1] if len(edges) else edges
    if np.isnan(edges).any() or np.isinf(inside).any() or not (edges[1:] > edges[:-1]).all():
        message = (
            f"edges of '{name}' do not rise, or are open inside; allowed: rising numbers, the ends may be open."
        )
        raise DomainError(message)
    whole = np.isfinite(customers) & (customers == np.floor(customers)) & (customers >= 0.0)
    if not (whole & ((customers == 0.0) | (customers >= FEWEST))).all() or (
        len(customers) and not customers.any()
    ):
        message = (
            f"customers of '{name}' must be whole numbers, 0 or at least {FEWEST} in each bin, so that nobody "
            "stands alone. Join small bins with their neighbours."
        )
        raise DomainError(message)


def _bounds(scaler: IndicatorScaler, names: Sequence[str] | None, width: int) -> FloatArray:
    """Give the bounds of the columns, by name where there are names."""
    report = scaler.report().set_index("indicator")
    if names is None:
        if len(report) != width:
            message = f"X has {width} columns and the scaler {len(report)}; give the columns it was fitted on."
            raise DomainError(message)
        return report[["lower", "upper"]].to_numpy(dtype=float)
    missing = [name for name in names if name not in report.index]
    if missing:
        message = f"scaler has no bounds for {missing}; it knows {list(report.index)}. Choose them with columns=."
        raise DomainError(message)
    return report.loc[list(names), ["lower", "upper"]].to_numpy(dtype=float)


def _require_known(names: Sequence[str], indicators: tuple[str, ...]) -> tuple[str, ...]:
    """Give the names of logarithmic indicators; refuse one that is not there."""
    listed = np.iterable(names) and not isinstance(names, str)
    unknown = [name for name in names if name not in indicators] if listed else []
    if not listed or unknown:
        found = unknown if listed else names
        message = f"logarithmic names {found!r}; allowed: a sequence of {list(indicators)}."
        raise DomainError(message)
    return tuple(names)
