"""The display of what quantiles promise and what share of customers keeps below them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from custvalue import _frames
from custvalue._displays.axes import (
    FEWEST,
    GREY,
    NO_LABELS,
    axes_of,
    filled,
    key,
    legend_below,
    mark,
    one_each,
    require_distinct,
)
from custvalue._kernels.transitions import wilson_interval
from custvalue._spec import whole_number
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from custvalue._typing import BoolArray, FloatArray, Table
    from custvalue.wallet import RealisticWallet

_PROMISED, _OBSERVED = "level promised", "share of customers at or below the quantile"
_KEPT, _INTERVAL = "observed as promised", "95 % interval (Wilson)"
_OFF = "off by more than chance"
_N = "n = {customers}"
#: Marks of one level stand this many points apart; levels nearer than this share of the width lose their number.
_APART, _WIDTH = 7.0, 0.06


class QuantileCalibrationDisplay:
    """What share of customers lies at or below their quantile, against the level that was promised.

    Parameters
    ----------
    levels : array_like of shape (n_levels,)
        Levels of the quantiles, in (0, 1), ascending.
    coverage : table of shape (n_levels, n_models)
        Share of the customers at or below their quantile, in [0, 1].
    n_customers : int
        Customers on whom it was measured, at least five; none of them learnt from.
    models : sequence of str, default=("quantiles",)
        Names of the models.
    title : str, default="Calibration of the quantiles"
        Title of the picture.

    Attributes
    ----------
    levels : ndarray of shape (n_levels,)
        Levels promised.
    coverage : ndarray of shape (n_levels, n_models)
        Shares observed.
    low, high : ndarray of shape (n_levels, n_models)
        Ends of the 95 % interval of each share.
    off : ndarray of bool, shape (n_levels, n_models)
        Whether the level lies outside the interval: such marks are crossed.
    models : tuple of str
        Names of the models.
    n_customers : int
        Customers on whom it was measured.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the numbers do not fit the levels and models, are no shares, or there are fewer than five customers.

    Notes
    -----
    Marks of one level are moved sideways by some points so that they can be told apart. The interval is that of
    Wilson (1927) for independent customers. It is of each mark alone: of twenty marks one may be crossed by
    chance. Below the diagonal the wallets are too small, above it too large; a conformal correction promises the
    diagonal or more. Many customers of the same spend, above all of 0, lift the share beyond the level and are no
    fault.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.QuantileCalibrationDisplay([0.5, 0.9], [[0.52], [0.81]], n_customers=400)
    >>> display.off[:, 0]
    array([False,  True])
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        levels: Sequence[float] | FloatArray,
        coverage: ArrayLike,
        *,
        n_customers: int,
        models: Sequence[str] = ("quantiles",),
        title: str = "Calibration of the quantiles",
    ) -> None:
        self.models = require_distinct(models, "models")
        self.levels = one_each(levels, "levels", len(levels))
        inside = len(self.levels) > 0 and self.levels[0] > 0.0 and self.levels[-1] < 1.0
        if not inside or (np.diff(self.levels) <= 0.0).any():
            message = "levels must be ascending numbers between 0 and 1; for example [0.5, 0.8, 0.9]."
            raise DomainError(message)
        shape = (len(self.levels), len(self.models))
        self.coverage: FloatArray = _frames.numeric(coverage, argument="coverage")
        if self.coverage.shape != shape:
            message = (
                f"coverage has shape {self.coverage.shape}; allowed: {shape}, one row a level, one column a model."
            )
            raise DomainError(message)
        if ((self.coverage < 0.0) | (self.coverage > 1.0)).any():
            message = "coverage holds numbers outside [0, 1]; allowed: shares."
            raise DomainError(message)
        self.n_customers = whole_number(n_customers, "n_customers", FEWEST)
        self.low, self.high = wilson_interval(self.coverage * self.n_customers, self.n_customers)
        self.title = title

    @classmethod
    def from_models(cls, models: Mapping[str, RealisticWallet], X: Table, own: ArrayLike) -> Self:
        """Measure fitted models of the same levels on customers whom they have not learnt from.

        Parameters
        ----------
        models : mapping of str to RealisticWallet
            Fitted models by name.
        X : table of shape (n_customers, n_features)
            Traits of customers not learnt from, columns as at the fit.
        own : array_like of shape (n_customers,)
            Own spend, from 0.

        Returns
        -------
        QuantileCalibrationDisplay
            Ready to be drawn.

        Raises
        ------
        DomainError
            If there is no model, the models have different levels, or there are fewer than five customers.
        DataError
            If a value is missing or infinite, or a spend below 0.
        """
        names = require_distinct(list(models), "models")
        found = [models[name].coverage(X, own) for name in names]
        levels = models[names[0]].levels_
        if any(not np.array_equal(models[name].levels_, levels) for name in names):
            message = "models have different levels; fit them with the same levels=."
            raise DomainError(message)
        return cls(levels, np.column_stack(found), n_customers=np.size(own), models=names)

    @property
    def off(self) -> BoolArray:
        """Whether the level lies outside the interval of the share."""
        levels = self.levels[:, None]
        return np.asarray((levels < self.low) | (levels > self.high))

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        """Draw one mark with its interval a level and model, and the diagonal.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: names of models, the title, ``"level promised"``,
            ``"share of customers at or below the quantile"``, ``"observed as promised"``,
            ``"95 % interval (Wilson)"``, ``"off by more than chance"``, and, with the same braces,
            ``"n = {customers}"``.

        Returns
        -------
        QuantileCalibrationDisplay
            Itself, with `ax_` and `figure_`.
        """
        figure, axes = axes_of(ax, (6.6, 6.0))
        span = max(float(np.ptp(self.levels)), 0.1)
        sides = (float(self.levels[0]) - 0.12 * span, float(self.levels[-1]) + 0.12 * span)
        line = np.clip(sides, 0.0, 1.0)
        axes.plot(line, line, color=GREY, linewidth=1.0, linestyle="--", zorder=1, gid="diagonal")
        for place in range(len(self.models)):
            self._draw(axes, figure, place)
        low, high = min(float(self.low.min()), line[0]), max(float(self.high.max()), line[1])
        margin = 0.04 * (high - low)
        axes.set_xlim(*sides)
        axes.set_ylim(low - margin, high + margin)
        ticks: list[float] = []
        for level in self.levels[::-1].tolist():
            if not ticks or ticks[-1] - level >= _WIDTH * (sides[1] - sides[0]):
                ticks.append(level)
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xlabel(labels.get(_PROMISED, _PROMISED))
        axes.set_ylabel(labels.get(_OBSERVED, _OBSERVED))
        n = filled(labels, _N, customers=f"{self.n_customers:,}")
        axes.set_title(f"{labels.get(self.title, self.title)}\n{n}", fontsize=11, linespacing=1.35)
        legend_below(axes, figure, handles=self._handles(labels), columns=2)
        self.ax_, self.figure_ = axes, figure
        return self

    def _draw(self, axes: Axes, figure: Any, place: int) -> None:
        """Draw one model at all levels, moved sideways by some points."""
        from matplotlib.transforms import ScaledTranslation  # noqa: PLC0415 - an extra

        colour, marker = mark(place)
        apart = min(_APART, 28.0 / len(self.models)) * (place - (len(self.models) - 1) / 2)
        moved = axes.transData + ScaledTranslation(apart / 72.0, 0.0, figure.dpi_scale_trans)
        axes.vlines(self.levels, self.low[:, place], self.high[:, place], color=colour, linewidth=1.2,
                    transform=moved, zorder=2, gid=f"interval {place}")  # fmt: skip
        axes.scatter(self.levels, self.coverage[:, place], s=38, marker=marker, color=colour, transform=moved,
                     zorder=3, gid=f"model {place}")  # fmt: skip
        off = self.off[:, place]
        if off.any():
            axes.scatter(self.levels[off], self.coverage[off, place], s=90, marker="x", color="black",
                         transform=moved, zorder=4, gid=f"off {place}")  # fmt: skip

    def _handles(self, labels: Mapping[str, str]) -> list[Any]:
        handles = []
        for place, name in enumerate(self.models):
            colour, marker = mark(place)
            handles.append(key(labels.get(name, name), colour, marker=marker))
        handles.append(key(labels.get(_KEPT, _KEPT), GREY, line="--"))
        handles.append(key(labels.get(_INTERVAL, _INTERVAL), GREY, line="-"))
        if self.off.any():
            handles.append(key(labels.get(_OFF, _OFF), "black", marker="x"))
        return handles
