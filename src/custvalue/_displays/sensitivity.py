"""The display of what moves a priority most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import numpy as np

from custvalue._displays.axes import (
    BLUE,
    GREY,
    NO_LABELS,
    ORANGE,
    axes_of,
    folded,
    legend_below,
    one_each,
    require_top,
)
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from custvalue._typing import FloatArray
    from custvalue.anp import Sensitivity

_RISES, _FALLS = "rises with it", "falls with it"
_MEASURES: Final = {
    "judgments": "change of the priority\nper unit of the judgment's natural logarithm",
    "pairs": "change of the priority\nper unit of the ratio's natural logarithm",
    "control_weights": "change of the priority\nper unit of the criterion's weight",
    "cluster_weights": "change of the priority\nper unit of the cluster's weight",
    "supermatrix": "change of the priority\nper unit of the supermatrix's cell",
}
_NOTHING: Final = 1e-12
_MEASURE = "derivative of the priority"


class SensitivityDisplay:
    """What moves one priority most: a tornado of its derivatives.

    Parameters
    ----------
    parameters : sequence of str
        What is varied, drawn from top to bottom.
    derivatives : array_like of shape (p,)
        Change of the priority per unit of each parameter (or of its logarithm, as `measure` says).
    values : array_like of shape (p,), default=None
        Value of each parameter, written after its name.
    measure : str, default="derivative of the priority"
        Name of the axis.
    title : str, default="Sensitivity"
        Title of the picture.

    Attributes
    ----------
    parameters : tuple of str
        What is varied, from top to bottom.
    derivatives : ndarray of shape (p,)
        What is drawn.
    values : ndarray of shape (p,) or None
        What is written after the names.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the numbers do not fit the parameters.

    Examples
    --------
    >>> from custvalue import plot
    >>> plot.SensitivityDisplay(["price : size", "size : age"], derivatives=[0.2, -0.1]).derivatives
    array([ 0.2, -0.1])
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        parameters: Sequence[str],
        *,
        derivatives: Sequence[float] | FloatArray,
        values: Sequence[float] | FloatArray | None = None,
        measure: str = _MEASURE,
        title: str = "Sensitivity",
    ) -> None:
        self.parameters = tuple(parameters)
        if not self.parameters:
            message = "parameters is empty; allowed: at least one name. Is there anything that could be varied?"
            raise DomainError(message)
        self.derivatives = one_each(derivatives, "derivatives", len(self.parameters))
        self.values = None if values is None else one_each(values, "values", len(self.parameters))
        self.measure, self.title = measure, title

    @classmethod
    def from_sensitivity(cls, sensitivity: Sensitivity, *, of: str, top: int = 10) -> Self:
        """Take the derivatives of one priority, the largest on top.

        Parameters
        ----------
        sensitivity : Sensitivity
            From ``solution.sensitivity(...)``.
        of : str
            The name whose priority is looked at.
        top : int, default=10
            At most so many parameters, those with the largest absolute derivatives; those without any influence
            on the priority are left out.

        Returns
        -------
        SensitivityDisplay
            Ready to be drawn. A parameter whose name comes twice gets its path in the network before it.

        Raises
        ------
        DomainError
            If the name is unknown, `top` is not a whole number from 1, or nothing can be varied.
        """
        if of not in sensitivity.names:
            message = f"of is '{of}'; allowed: {', '.join(sensitivity.names)}."
            raise DomainError(message)
        slopes = np.asarray(sensitivity.derivatives, dtype=float)[:, sensitivity.names.index(of)]
        order = np.argsort(-np.abs(slopes), kind="stable")[: require_top(top)]
        # What does not move the priority is no news, unless nothing does.
        moving = order[np.abs(slopes[order]) > _NOTHING * np.abs(slopes).max(initial=0.0)]
        order = moving if len(moving) else order
        texts = sensitivity.parameters
        return cls(
            [
                texts[k] if texts.count(texts[k]) == 1 else f"{sensitivity.paths[k]}: {texts[k]}"
                for k in order.tolist()
            ],
            derivatives=slopes[order],
            values=np.asarray(sensitivity.values, dtype=float)[order],
            measure=_MEASURES.get(sensitivity.to, _MEASURE),
            title=f"What moves the priority of {of}",
        )

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        """Draw one bar a parameter from zero, to the right where the priority rises with it.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: parameters, the title, the name of the axis, ``"rises with it"``,
            ``"falls with it"``.

        Returns
        -------
        SensitivityDisplay
            Itself, with `ax_` and `figure_`.
        """
        figure, axes = axes_of(ax, (8.0, 2.1 + 0.44 * len(self.parameters)))
        from matplotlib.patches import Patch  # noqa: PLC0415 - an extra

        place = np.arange(len(self.parameters))
        colours = [BLUE if slope >= 0.0 else ORANGE for slope in self.derivatives]
        axes.barh(place, self.derivatives, height=0.62, color=colours)
        axes.axvline(0.0, color=GREY, linewidth=0.8)
        low, high = min(float(self.derivatives.min()), 0.0), max(float(self.derivatives.max()), 0.0)
        margin = 0.22 * (high - low) or 1.0  # for the numbers at the ends of the bars
        axes.set_xlim(low - margin, high + margin)
        for k, slope in enumerate(self.derivatives):
            gap, across = (4.0, "left") if slope >= 0.0 else (-4.0, "right")
            axes.annotate(
                f"{slope:+.3g}", (slope, k), xytext=(gap, 0.0), textcoords="offset points", ha=across, va="center",
                fontsize=8,
            )  # fmt: skip
        axes.set_yticks(place, [self._row(k, labels) for k in range(len(place))])
        axes.set_ylim(len(self.parameters) - 0.4, -0.6)
        axes.set_xlabel(labels.get(self.measure, self.measure))
        axes.set_title(labels.get(self.title, self.title))
        sides = ((BLUE, labels.get(_RISES, _RISES)), (ORANGE, labels.get(_FALLS, _FALLS)))
        legend_below(axes, figure, handles=[Patch(color=colour, label=text) for colour, text in sides], drop=0.7)
        self.ax_, self.figure_ = axes, figure
        return self

    def _row(self, place: int, labels: Mapping[str, str]) -> str:
        name = labels.get(self.parameters[place], self.parameters[place])
        return folded(name, 38) + ("" if self.values is None else f" = {self.values[place]:.3g}")
