"""The display of how a model compares with simpler rivals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from custvalue import _frames
from custvalue._displays.axes import (
    BLUE,
    GREY,
    NO_LABELS,
    PALETTE,
    axes_of,
    folded,
    key,
    legend_below,
    one_each,
    p_text,
    require_distinct,
)
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from custvalue._typing import FloatArray, Table
    from custvalue.cbr import BaselineComparison

_BETTER, _WORSE, _OPEN = "model better than the rival", "model worse than the rival", "not told apart"
_MEASURE = "accuracy of the model less that of the rival"
_ACCURACY, _P_VALUE = "rival's\naccuracy", "p-value"
_BOUNDS: Final = 2
_ROUNDING: Final = 1e-9
_COLOURS: Final = {
    "wins": (BLUE, "o", _BETTER),
    "loses": (PALETTE[1], "s", _WORSE),
    "not told apart": (GREY, "D", _OPEN),
}


class BaselineDisplay:
    """How a model compares with simpler rivals: paired differences with their intervals.

    Parameters
    ----------
    rivals : sequence of str
        Names of the rivals, drawn from top to bottom.
    difference : array_like of shape (n_rivals,)
        Accuracy of the model less that of the rival, in [-1, 1].
    interval : table of shape (n_rivals, 2)
        Lower and upper end of the interval around each difference.
    accuracy : array_like of shape (n_rivals,), default=None
        Accuracy of each rival, written at the right.
    p_value : array_like of shape (n_rivals,), default=None
        The p-value of each paired test, written at the right; NaN for none.
    verdict : sequence of {"wins", "loses", "not told apart"}, default=()
        What the tests said of the model against each rival, for the colour; by default the side of zero on which
        the whole interval lies.
    title : str, default="The model against simpler rivals"
        Title of the picture.

    Attributes
    ----------
    rivals : tuple of str
        Rivals from top to bottom.
    difference : ndarray of shape (n_rivals,)
        What is drawn.
    interval : ndarray of shape (n_rivals, 2)
        Ends of the lines.
    accuracy, p_value : ndarray of shape (n_rivals,) or None
        What is written at the right.
    verdict : tuple of str
        What the colours say.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the numbers do not fit the rivals, a difference lies outside its interval, or a verdict is unknown.

    Notes
    -----
    An interval that holds zero shows no difference, which is no proof that there is none.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.BaselineDisplay(
    ...     ["weighted Manhattan", "majority"], difference=[-0.02, 0.31], interval=[[-0.05, 0.01], [0.27, 0.35]])
    >>> display.difference
    array([-0.02,  0.31])
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        rivals: Sequence[str],
        *,
        difference: Sequence[float] | FloatArray,
        interval: Table,
        accuracy: Sequence[float] | FloatArray | None = None,
        p_value: Sequence[float] | FloatArray | None = None,
        verdict: Sequence[str] = (),
        title: str = "The model against simpler rivals",
    ) -> None:
        self.rivals = require_distinct(rivals, "rivals")
        count = len(self.rivals)
        self.difference = one_each(difference, "difference", count)
        self.interval = _frames.numeric(interval, argument="interval")
        if self.interval.shape != (count, _BOUNDS):
            message = f"interval has shape {self.interval.shape}; allowed: {(count, _BOUNDS)}, lower end first."
            raise DomainError(message)
        low, high = self.interval.T
        if (self.difference < low - _ROUNDING).any() or (self.difference > high + _ROUNDING).any():
            message = "interval does not hold every difference; allowed: a lower and an upper end around each."
            raise DomainError(message)
        self.accuracy = None if accuracy is None else one_each(accuracy, "accuracy", count)
        self.p_value = None if p_value is None else one_each(p_value, "p_value", count, nulls=True)
        sides = [self.interval[:, 0] > 0.0, self.interval[:, 1] < 0.0]
        self.verdict = tuple(verdict) or tuple(np.select(sides, ["wins", "loses"], "not told apart").tolist())
        if len(self.verdict) != count or not set(self.verdict) <= set(_COLOURS):
            message = f"verdict is {list(self.verdict)}; allowed: {count} of {list(_COLOURS)}, one a rival."
            raise DomainError(message)
        self.title = title

    @classmethod
    def from_comparison(cls, comparison: BaselineComparison) -> Self:
        """Take a comparison with rivals.

        Parameters
        ----------
        comparison : BaselineComparison
            From ``cbr.compare_baselines(...)``.

        Returns
        -------
        BaselineDisplay
            Ready to be drawn, with the mean accuracy of each rival and the p-value on which the verdict stands.
        """
        accuracy = comparison.to_frame()["accuracy"].to_numpy(dtype=float)
        return cls(
            comparison.rivals,
            difference=comparison.difference,
            interval=comparison.interval,
            accuracy=accuracy[1:],
            p_value=comparison.p_value,
            verdict=comparison.verdicts,
            title=f"{comparison.contenders[0]} ({accuracy[0]:.3f}) against simpler rivals",
        )

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        r"""Draw one mark a rival with its interval, right of zero where the model is better.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: names of rivals, the title, ``"model better than the rival"``,
            ``"model worse than the rival"``, ``"not told apart"``, ``"rival's\naccuracy"``, ``"p-value"``,
            ``"accuracy of the model less that of the rival"``.

        Returns
        -------
        BaselineDisplay
            Itself, with `ax_` and `figure_`.
        """
        figure, axes = axes_of(ax, (8.0, 2.1 + 0.44 * len(self.rivals)))
        axes.axvline(0.0, color=GREY, linewidth=0.8, zorder=1)
        handles: list[Any] = []
        said = np.array(self.verdict)
        for verdict, (colour, marker, text) in _COLOURS.items():
            chosen = np.flatnonzero(said == verdict)
            axes.hlines(chosen, *self.interval[chosen].T, color=colour, linewidth=2.0, zorder=2)
            axes.scatter(self.difference[chosen], chosen, s=48, marker=marker, color=colour, zorder=3, gid=verdict)
            if len(chosen):
                handles.append(key(labels.get(text, text), colour, marker=marker))
        low, high = min(float(self.interval.min()), 0.0), max(float(self.interval.max()), 0.0)
        margin = 0.08 * (high - low) or 0.01
        axes.set_xlim(low - margin, high + margin)
        axes.set_yticks(range(len(said)), [folded(labels.get(name, name), 34) for name in self.rivals])
        axes.set_ylim(len(said) - 0.4, -0.6)
        axes.set_xlabel(labels.get(_MEASURE, _MEASURE))
        axes.set_title(labels.get(self.title, self.title))
        self._write_beside(axes, labels)
        legend_below(axes, figure, handles=handles, columns=3)
        self.ax_, self.figure_ = axes, figure
        return self

    def _write_beside(self, axes: Axes, labels: Mapping[str, str]) -> None:
        """Write the rivals' accuracies and the p-values in columns at the right."""
        beside = axes.get_yaxis_transform()
        at = 1.02
        for numbers, head in ((self.accuracy, _ACCURACY), (self.p_value, _P_VALUE)):
            if numbers is None:
                continue
            for place, number in enumerate(numbers):
                text = p_text(float(number)) if head is _P_VALUE else f"{number:.3f}"
                axes.text(at, place, text, transform=beside, ha="left", va="center", fontsize=8)
            name = labels.get(head, head)
            axes.text(at, 1.0, name, transform=axes.transAxes, ha="left", va="bottom", fontsize=8)
            at += 0.14
