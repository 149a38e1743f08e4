"""The display of how often answers change when the case base or the similarity does."""

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
    require_distinct,
)
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from custvalue._typing import FloatArray, Table
    from custvalue.cbr import AnswerStability

_WINNER, _CLASS = "another case is nearest", "another class is given"
_MEASURE = "share of the customers"
_REVERSED = "reversed: neither came nor went"
_ROUNDING: Final = 1e-9
_RANGE = "line: lowest to highest of the repeats"
_COLOURS: Final = (BLUE, PALETTE[1], PALETTE[2], PALETTE[3], PALETTE[5])
_MARKERS: Final = ("o", "s", "D", "^", "v")
_BOUNDS: Final = 2


class AnswerStabilityDisplay:
    """How many customers get another answer when the cases or the similarity change a little.

    Parameters
    ----------
    perturbations : sequence of str
        What is changed, drawn from top to bottom.
    models : sequence of str
        Whose answers they are: the model's, and those of rivals and controls beside it; at most five.
    winner_changed, class_changed : table of shape (n_perturbations, n_models)
        Share of the customers for whom another case is nearest, and who get another class; in [0, 1], NaN where a
        model does not know the perturbation.
    winner_reversed : table of shape (n_perturbations, n_models), default=None
        Share of the customers for whom another case is nearest though the old one is still there and the new one
        was there before; None marks none.
    winner_range, class_range : array_like of shape (n_perturbations, n_models, 2), default=None
        Lowest and highest share over the repeats; None draws no lines.
    title : str, default="Stability of the answers"
        Title of the picture.

    Attributes
    ----------
    perturbations, models : tuple of str
        Rows and colours.
    winner_changed, class_changed : ndarray of shape (n_perturbations, n_models)
        What is drawn.
    winner_reversed : ndarray of shape (n_perturbations, n_models) or None
        What is drawn too, where it is known.
    winner_range, class_range : ndarray of shape (n_perturbations, n_models, 2) or None
        Ends of the lines.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the numbers do not fit the names, lie outside [0, 1], or a share lies outside its range.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.AnswerStabilityDisplay(
    ...     ["1 % of the cases left out", "1 far case added"], models=["grey", "Manhattan"],
    ...     winner_changed=[[0.04, 0.01], [0.05, 0.0]], class_changed=[[0.01, 0.0], [0.02, 0.0]])
    >>> display.winner_changed[:, 0]
    array([0.04, 0.05])
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        perturbations: Sequence[str],
        *,
        models: Sequence[str],
        winner_changed: Table,
        class_changed: Table,
        winner_reversed: Table | None = None,
        winner_range: ArrayLike | None = None,
        class_range: ArrayLike | None = None,
        title: str = "Stability of the answers",
    ) -> None:
        self.perturbations = require_distinct(perturbations, "perturbations")
        self.models = require_distinct(models, "models")
        if len(self.models) > len(_COLOURS):
            message = f"models names {len(self.models)}; allowed: up to {len(_COLOURS)} in one picture."
            raise DomainError(message)
        self.winner_changed = self._shares(winner_changed, "winner_changed")
        self.class_changed = self._shares(class_changed, "class_changed")
        self.winner_reversed = (
            None if winner_reversed is None else self._shares(winner_reversed, "winner_reversed")
        )
        self.winner_range = self._range(winner_range, "winner_range", self.winner_changed)
        self.class_range = self._range(class_range, "class_range", self.class_changed)
        self.title = title

    def _shares(self, values: object, argument: str) -> FloatArray:
        numbers = _frames.numeric(values, argument=argument, nulls=True)
        shape = (len(self.perturbations), len(self.models))
        if numbers.shape != shape:
            message = f"{argument} has shape {numbers.shape}; allowed: {shape}, one row a perturbation."
            raise DomainError(message)
        if (numbers < 0.0).any() or (numbers > 1.0).any():
            message = f"{argument} holds numbers outside [0, 1]; allowed: shares of the customers, or NaN."
            raise DomainError(message)
        return numbers

    def _range(self, values: ArrayLike | None, argument: str, shares: FloatArray) -> FloatArray | None:
        if values is None:
            return None
        ends = np.array(values, dtype=float)
        if ends.shape != (*shares.shape, _BOUNDS):
            message = f"{argument} has shape {ends.shape}; allowed: {(*shares.shape, _BOUNDS)}, lowest first."
            raise DomainError(message)
        lowest, highest = ends[..., 0], ends[..., 1]
        held = (
            (lowest >= 0.0) & (lowest <= shares + _ROUNDING) & (shares <= highest + _ROUNDING) & (highest <= 1.0)
        )
        if not held[~np.isnan(shares)].all():
            message = (
                f"{argument} does not hold every share; allowed: ends in [0, 1], lowest and highest around it."
            )
            raise DomainError(message)
        return ends

    @classmethod
    def from_stability(cls, stability: AnswerStability) -> Self:
        """Take the stability of a model's answers.

        Parameters
        ----------
        stability : AnswerStability
            From ``cbr.answer_stability(model, X)``.

        Returns
        -------
        AnswerStabilityDisplay
            Ready to be drawn.
        """
        means, ranges = {}, {}
        for name in ("winner_changed", "class_changed", "winner_reversed"):
            shares = np.asarray(getattr(stability, name), dtype=float)
            means[name] = shares.mean(axis=2)
            ranges[name] = np.stack([shares.min(axis=2), shares.max(axis=2)], axis=2)
        return cls(
            stability.names,
            models=stability.watched,
            winner_changed=means["winner_changed"],
            class_changed=means["class_changed"],
            winner_reversed=means["winner_reversed"],
            winner_range=ranges["winner_changed"],
            class_range=ranges["class_changed"],
        )

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        """Draw two marks a perturbation and model: hollow for the nearest case, filled for the class.

        A stroke on the line of the nearest case marks the share that is reversed: the order of two cases that were
        both there, before and after, has changed.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: perturbations, models, the title, ``"share of the customers"``,
            ``"another case is nearest"``, ``"another class is given"``, ``"reversed: neither came nor went"``,
            ``"line: lowest to highest of the repeats"``.

        Returns
        -------
        AnswerStabilityDisplay
            Itself, with `ax_` and `figure_`.
        """
        rows, count = len(self.perturbations), len(self.models)
        figure, axes = axes_of(ax, (8.0, 2.1 + rows * max(0.42, 0.26 * count)))
        for row in range(1, rows):
            axes.axhline(row - 0.5, color=GREY, linewidth=0.5, alpha=0.4, zorder=0)
        step = 0.84 / count
        for place in range(count):
            middle = np.arange(rows) + (place - (count - 1) / 2) * step
            colour, marker = _COLOURS[place], _MARKERS[place]
            for lift, face, shares, ends in (
                (-0.2 * step, "white", self.winner_changed, self.winner_range),
                (0.2 * step, colour, self.class_changed, self.class_range),
            ):
                if ends is not None:
                    axes.hlines(middle + lift, *ends[:, place].T, color=colour, linewidth=1.3, zorder=1)
                axes.scatter(
                    shares[:, place], middle + lift, s=30, marker=marker, c=face, edgecolors=colour, zorder=2
                )
            if self.winner_reversed is not None:
                axes.scatter(
                    self.winner_reversed[:, place], middle - 0.2 * step, s=46, marker="|", color=colour, zorder=3,
                    gid="reversed",
                )  # fmt: skip
        names = [folded(labels.get(name, name), 34) for name in self.perturbations]
        axes.set_yticks(range(rows), names)
        axes.set_ylim(rows - 0.45, -0.55)
        axes.set_xlim(-0.02 * (top := self._top()), 1.05 * top)
        axes.set_xlabel(labels.get(_MEASURE, _MEASURE))
        axes.set_title(labels.get(self.title, self.title))
        legend_below(axes, figure, handles=self._handles(labels), columns=2)
        self.ax_, self.figure_ = axes, figure
        return self

    def _top(self) -> float:
        """Give the largest number drawn; a small one where nothing changes at all."""
        drawn = [self.winner_changed, self.class_changed, self.winner_range, self.class_range]
        found = np.concatenate([part.ravel() for part in drawn if part is not None])
        return max(float(np.nanmax(found, initial=0.0)), 0.01)

    def _handles(self, labels: Mapping[str, str]) -> list[Any]:
        handles = []
        if len(self.models) > 1:
            for colour, marker, name in zip(_COLOURS, _MARKERS, self.models, strict=False):
                handles.append(key(labels.get(name, name), colour, marker=marker))
        edge = GREY if handles else _COLOURS[0]
        for text, face in ((_WINNER, "white"), (_CLASS, edge)):
            handles.append(key(labels.get(text, text), edge, marker="o", face=face))
        if self.winner_reversed is not None:
            handles.append(key(labels.get(_REVERSED, _REVERSED), edge, marker="|"))
        if self.winner_range is not None or self.class_range is not None:
            handles.append(key(labels.get(_RANGE, _RANGE), edge, line="-"))
        return handles
