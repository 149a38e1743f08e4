"""The display of what prediction sets promise and what they keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from custvalue import _frames
from custvalue._displays.axes import GREY, NO_LABELS, axes_of, key, legend_below, mark, one_each, require_distinct
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from custvalue._typing import BoolArray, FloatArray, Table
    from custvalue.cbr import Coverage

_ASKED, _REACHED = "coverage asked for", "coverage reached"
_KEPT = "reached as asked"
_INTERVAL = "95 % interval (Clopper-Pearson)"
_HOLLOW = "level not attainable: class in every set"
_TOO_LOW = "too low for chance (under 5 %)"
_SIZE = "mean number of classes in a set"
#: Marks of one level stand this many points apart, and numbers on top need this share of the width.
_APART, _WIDTH = 7.0, 0.055
_BOUNDS: Final = 2


class CalibrationDisplay:
    """What share of each class the prediction sets hold, against the share that was asked for.

    Parameters
    ----------
    levels : array_like of shape (n_levels,)
        Coverage asked for, in (0, 1), ascending.
    classes : sequence of str
        Names of the classes.
    coverage : table of shape (n_levels, n_classes)
        Share of the customers of a class whose set holds it, in [0, 1]; NaN where nothing was measured.
    interval : array_like of shape (n_levels, n_classes, 2)
        Lower and upper end of the interval around each share; NaN where nothing was measured.
    attainable : array_like of bool of shape (n_levels, n_classes), default=None
        Whether the calibration sample of the class supports the level. Where it does not, the class is in every
        set and its coverage says nothing: the mark is hollow and has no interval. None takes all as attainable.
    too_low : array_like of bool of shape (n_levels, n_classes), default=None
        Whether so few would hardly be covered by chance; such marks are crossed. None crosses none.
    mean_set_size : array_like of shape (n_levels,), default=None
        Mean number of classes in a set, written on top; NaN where there is none.
    title : str, default="Coverage of the prediction sets"
        Title of the picture.

    Attributes
    ----------
    levels : ndarray of shape (n_levels,)
        Coverage asked for.
    classes : tuple of str
        Names of the classes.
    coverage : ndarray of shape (n_levels, n_classes)
        Coverage reached.
    interval : ndarray of shape (n_levels, n_classes, 2)
        Ends of the vertical lines.
    attainable, too_low : ndarray of bool of shape (n_levels, n_classes)
        Which marks are filled, and which are crossed.
    mean_set_size : ndarray of shape (n_levels,) or None
        What is written on top.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the numbers do not fit the levels and classes, are no shares, or a share lies outside its interval.

    Notes
    -----
    Marks of one level are moved sideways by some points so that they can be told apart; each belongs to the level
    it stands nearest to. Sets promise to reach the diagonal on average over calibration samples. The interval is
    that of Clopper and Pearson (1934) for the coverage of this one calibration, and may lie below the diagonal
    though nothing is wrong; `too_low` weighs that chance too.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.CalibrationDisplay(
    ...     [0.8, 0.9], classes=["high", "low"], coverage=[[0.82, 0.79], [0.91, 0.93]],
    ...     interval=[[[0.7, 0.9], [0.7, 0.87]], [[0.8, 0.97], [0.85, 0.98]]], mean_set_size=[1.1, 1.4])
    >>> display.coverage[:, 0]
    array([0.82, 0.91])
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        levels: Sequence[float] | FloatArray,
        *,
        classes: Sequence[str],
        coverage: Table,
        interval: ArrayLike,
        attainable: ArrayLike | None = None,
        too_low: ArrayLike | None = None,
        mean_set_size: Sequence[float] | FloatArray | None = None,
        title: str = "Coverage of the prediction sets",
    ) -> None:
        self.classes = require_distinct(classes, "classes")
        self.levels = one_each(levels, "levels", len(levels))
        if not len(self.levels) or self.levels[0] <= 0.0 or self.levels[-1] >= 1.0 or _falls(self.levels):
            message = "levels are not ascending numbers between 0 and 1; allowed: for example [0.8, 0.9, 0.95]."
            raise DomainError(message)
        shape = (len(self.levels), len(self.classes))
        self.coverage = _frames.numeric(coverage, argument="coverage", nulls=True)
        self.interval = np.array(interval, dtype=float)
        self.attainable = np.ones(shape, dtype=bool) if attainable is None else np.array(attainable, dtype=bool)
        self.too_low = np.zeros(shape, dtype=bool) if too_low is None else np.array(too_low, dtype=bool)
        for argument, found, wanted in (
            ("coverage", self.coverage.shape, shape),
            ("interval", self.interval.shape, (*shape, _BOUNDS)),
            ("attainable", self.attainable.shape, shape),
            ("too_low", self.too_low.shape, shape),
        ):
            if found != wanted:
                message = f"{argument} has shape {found}; allowed: {wanted}, one row a level, one column a class."
                raise DomainError(message)
        lower, upper = self.interval[..., 0], self.interval[..., 1]
        known = ~np.isnan(self.coverage)
        held = (lower >= 0.0) & (lower <= self.coverage) & (self.coverage <= upper) & (upper <= 1.0)
        if not held[known].all():
            message = "coverage holds a share outside its interval; allowed: shares in [0, 1], ends around each."
            raise DomainError(message)
        sizes = mean_set_size
        self.mean_set_size = (
            None if sizes is None else one_each(sizes, "mean_set_size", len(self.levels), nulls=True)
        )
        self.title = title

    @classmethod
    def from_coverage(cls, coverage: Coverage) -> Self:
        """Take the coverage of a calibrated model on labelled customers.

        Parameters
        ----------
        coverage : Coverage
            From ``model.coverage(X, y)``.

        Returns
        -------
        CalibrationDisplay
            Ready to be drawn.
        """
        return cls(
            coverage.levels,
            classes=[str(label) for label in coverage.classes],
            coverage=coverage.share,
            interval=np.stack([coverage.low, coverage.high], axis=-1),
            attainable=coverage.attainable,
            too_low=[[verdict == "too low" for verdict in row] for row in coverage.verdicts],
            mean_set_size=coverage.mean_set_size,
        )

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        """Draw one mark with its interval a level and class, and the diagonal.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: names of classes, the title, ``"coverage asked for"``,
            ``"coverage reached"``, ``"reached as asked"``, ``"95 % interval (Clopper-Pearson)"``,
            ``"level not attainable: class in every set"``, ``"too low for chance (under 5 %)"``,
            ``"mean number of classes in a set"``.

        Returns
        -------
        CalibrationDisplay
            Itself, with `ax_` and `figure_`.
        """
        figure, axes = axes_of(ax, (7.5, 6.2))
        span = max(float(np.ptp(self.levels)), 0.1)
        sides = (float(self.levels[0]) - 0.12 * span, float(self.levels[-1]) + 0.12 * span)
        low = float(min([self.levels[0], *self.interval[..., 0][self._measured()]]))
        line = np.clip(sides, 0.0, 1.0)
        axes.plot(line, line, color=GREY, linewidth=1.0, linestyle="--", zorder=1, gid="diagonal")
        for place in range(len(self.classes)):
            self._draw(axes, figure, place)
        axes.set_xlim(*sides)
        axes.set_ylim(low - 0.05 * (1.0 - low), 1.0 + 0.05 * (1.0 - low))
        ticks, sizes = self._ticks(sides)
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_yticks([tick for tick in axes.get_yticks() if low - 0.05 * (1.0 - low) <= tick <= 1.0 + 1e-9])
        axes.set_xlabel(labels.get(_ASKED, _ASKED))
        axes.set_ylabel(labels.get(_REACHED, _REACHED))
        axes.set_title(labels.get(self.title, self.title))
        if self.mean_set_size is not None:
            above = axes.secondary_xaxis("top")
            above.set_xticks(ticks, sizes, fontsize=8)
            above.set_xlabel(labels.get(_SIZE, _SIZE), fontsize=8)
            above.tick_params(length=0)
        legend_below(axes, figure, handles=self._handles(labels), columns=3)
        self.ax_, self.figure_ = axes, figure
        return self

    def _ticks(self, sides: tuple[float, float]) -> tuple[list[float], list[str]]:
        """Give the levels that are named, as many as find room, and the mean set size at each."""
        ticks: list[float] = []
        sizes: list[str] = []
        for place in reversed(range(len(self.levels))):
            level = float(self.levels[place])
            if ticks and ticks[-1] - level < _WIDTH * (sides[1] - sides[0]):
                continue
            ticks.append(level)
            size = np.nan if self.mean_set_size is None else self.mean_set_size[place]
            sizes.append("-" if np.isnan(size) else f"{size:.2f}")
        return ticks, sizes

    def _measured(self) -> BoolArray:
        """Tell where there is a coverage that says something."""
        measured: BoolArray = ~np.isnan(self.coverage) & self.attainable
        return measured

    def _draw(self, axes: Axes, figure: Any, place: int) -> None:
        """Draw one class at all levels, moved sideways by some points."""
        from matplotlib.transforms import ScaledTranslation  # noqa: PLC0415 - an extra

        colour, marker = mark(place)
        apart = min(_APART, 28.0 / len(self.classes)) * (place - (len(self.classes) - 1) / 2)
        moved = axes.transData + ScaledTranslation(apart / 72.0, 0.0, figure.dpi_scale_trans)
        measured, drawn = self._measured()[:, place], ~np.isnan(self.coverage[:, place])
        ends = self.interval[measured, place]
        axes.vlines(self.levels[measured], *ends.T, color=colour, linewidth=1.2, transform=moved, zorder=2)
        faces = [colour if fits else "white" for fits in self.attainable[drawn, place]]
        axes.scatter(
            self.levels[drawn], self.coverage[drawn, place], s=38, marker=marker, c=faces, edgecolors=colour,
            transform=moved, zorder=3,
        )  # fmt: skip
        low = measured & self.too_low[:, place]
        if low.any():
            axes.scatter(
                self.levels[low], self.coverage[low, place], s=90, marker="x", color="black", transform=moved,
                gid="too low", zorder=4,
            )  # fmt: skip

    def _handles(self, labels: Mapping[str, str]) -> list[Any]:
        handles = []
        for place, name in enumerate(self.classes):
            colour, marker = mark(place)
            handles.append(key(labels.get(name, name), colour, marker=marker))
        handles.append(key(labels.get(_KEPT, _KEPT), GREY, line="--"))
        handles.append(key(labels.get(_INTERVAL, _INTERVAL), GREY, line="-"))
        if (~np.isnan(self.coverage) & ~self.attainable).any():
            handles.append(key(labels.get(_HOLLOW, _HOLLOW), GREY, marker="o", face="white"))
        if (self.too_low & self._measured()).any():
            handles.append(key(labels.get(_TOO_LOW, _TOO_LOW), "black", marker="x"))
        return handles


def _falls(levels: FloatArray) -> bool:
    return bool((np.diff(levels) <= 0.0).any())
