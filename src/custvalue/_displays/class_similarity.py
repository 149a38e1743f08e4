"""The display of how similar customers are to every class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from custvalue import _frames
from custvalue._displays.axes import (
    GREY,
    NO_LABELS,
    axes_of,
    folded,
    key,
    legend_below,
    mark,
    p_text,
    require_distinct,
)
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from custvalue._typing import FloatArray, Table
    from custvalue.cbr import Explanation

#: More customers than this cannot be told apart in one picture.
_MOST: Final = 6
_ROUNDING: Final = 1e-9
_FLOOR = "no similarity is lower (rho / (1 + rho))"
_GIVEN, _OTHERS = "class given", "other classes"
_MARGIN = "margin {margin}"
_MEASURE = "similarity to the nearest case of the class"
_P_VALUE = "conformal\np-value"
_NO_CASE = "no case"


class ClassSimilarityDisplay:
    r"""How similar one customer, or a few, are to the nearest case of every class.

    Parameters
    ----------
    classes : sequence of str
        Names of the classes, drawn from top to bottom.
    similarity : array_like of shape (n_classes,) or (n_customers, n_classes)
        Similarity to the most similar case of each class, at most 1; NaN for a class without a case. At most six
        customers.
    predicted : str or sequence of str
        The class given to each customer.
    floor : float, default=None
        The least similarity there can be, :math:`\rho/(1+\rho)` for the distinguishing coefficient :math:`\rho`.
        None draws none; so it must be under frozen ranges, where a far customer may fall below.
    p_values : array_like of the shape of `similarity`, default=None
        Conformal p-values of the classes, in [0, 1]; NaN where a class has none.
    customers : sequence of str, default=()
        Names for the legend; by default "customer 1" and so on.
    title : str, default="Similarity to every class"
        Title of the picture.

    Attributes
    ----------
    classes : tuple of str
        Classes from top to bottom.
    similarity : ndarray of shape (n_customers, n_classes)
        What is drawn.
    predicted : tuple of str
        The class given to each customer.
    margin : ndarray of shape (n_customers,)
        Similarity to the class given, less that to the most similar other class; NaN without another class.
    p_values : ndarray of shape (n_customers, n_classes) or None
        What is written at the right.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the numbers do not fit the classes, a class given is unknown or has no case, a similarity is above 1 or
        below the floor, a p-value lies outside [0, 1], or there are more than six customers.

    Notes
    -----
    Similarities are relative to the case base and never below the floor, so their height says little; the margin
    between the classes and the p-values say how sure the class is.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.ClassSimilarityDisplay(
    ...     ["high", "middle", "low"], similarity=[0.91, 0.84, 0.52], predicted="high", floor=1 / 3)
    >>> display.margin.round(2)
    array([0.07])
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        classes: Sequence[str],
        *,
        similarity: Sequence[float] | Table,
        predicted: str | Sequence[str],
        floor: float | None = None,
        p_values: Sequence[float] | Table | None = None,
        customers: Sequence[str] = (),
        title: str = "Similarity to every class",
    ) -> None:
        self.classes = require_distinct(classes, "classes")
        self.similarity = self._table(similarity, "similarity")
        self.p_values = None if p_values is None else self._table(p_values, "p_values")
        self.predicted = (predicted,) if isinstance(predicted, str) else tuple(predicted)
        self.floor, self.title = floor, title
        count = len(self.similarity)
        self.customers = tuple(customers) or tuple(f"customer {place + 1}" for place in range(count))
        self._check(count)
        self.margin = self._margins()

    def _table(self, values: object, argument: str) -> FloatArray:
        """Give one row a customer and one column a class."""
        given: Any = [values] if np.ndim(values) == 1 else values  # type: ignore[arg-type]  # checked right below
        numbers = _frames.numeric(given, argument=argument, nulls=True)
        if numbers.shape[1] != len(self.classes):
            message = f"{argument} has {numbers.shape[1]} columns; allowed: {len(self.classes)}, one a class."
            raise DomainError(message)
        return numbers

    def _check(self, count: int) -> None:
        if not 1 <= count <= _MOST:
            message = f"similarity has {count} rows; allowed: 1 to {_MOST} customers. Draw the others apart."
            raise DomainError(message)
        if len(self.predicted) != count or len(self.customers) != count:
            message = (
                f"predicted names {len(self.predicted)} classes and customers {len(self.customers)} customers; "
                f"allowed: {count} of each, one a row of similarity."
            )
            raise DomainError(message)
        for row, name in enumerate(self.predicted):
            if name not in self.classes or np.isnan(self.similarity[row, self.classes.index(name)]):
                message = f"predicted holds {name!r}; allowed: classes with a similarity, of {list(self.classes)}."
                raise DomainError(message)
        least = -np.inf if self.floor is None else self.floor - _ROUNDING
        if (self.similarity > 1.0 + _ROUNDING).any() or (self.similarity < least).any():
            message = (
                f"similarity reaches from {np.nanmin(self.similarity):.6g} to {np.nanmax(self.similarity):.6g}; "
                f"allowed: numbers up to 1, from the floor {self.floor} if there is one. Under frozen ranges "
                "leave the floor out."
            )
            raise DomainError(message)
        if self.p_values is None:
            return
        if self.p_values.shape != self.similarity.shape:
            message = f"p_values has {len(self.p_values)} rows; allowed: {count}, one a customer."
            raise DomainError(message)
        if (self.p_values < 0.0).any() or (self.p_values > 1.0).any():
            message = "p_values holds numbers outside [0, 1]; allowed: numbers from 0 to 1, or NaN."
            raise DomainError(message)

    def _given(self) -> list[int]:
        return [self.classes.index(name) for name in self.predicted]

    def _others(self) -> FloatArray:
        """Give the similarities with the class given blanked out."""
        others = self.similarity.copy()
        others[np.arange(len(others)), self._given()] = np.nan
        return others

    def _margins(self) -> FloatArray:
        best = np.where(np.isnan(others := self._others()), -np.inf, others).max(axis=1)
        own = self.similarity[np.arange(len(others)), self._given()]
        return np.where(np.isfinite(best), own - best, np.nan)

    @classmethod
    def from_explanation(
        cls, explanation: Explanation | Sequence[Explanation], *, show_label: bool = False
    ) -> Self:
        """Take the explanation of one customer, or those of up to six.

        Parameters
        ----------
        explanation : Explanation or sequence of Explanation
            From ``model.explain``.
        show_label : bool, default=False
            Write the customers' labels into the picture; a picture travels further than a table.

        Returns
        -------
        ClassSimilarityDisplay
            Ready to be drawn, with p-values where the model was calibrated.

        Raises
        ------
        DomainError
            If there is no customer, or more than six.
        """
        several: list[Any] = [explanation] if hasattr(explanation, "predicted") else list(explanation)
        if not several:
            message = "explanation is empty; allowed: the explanations of at least one customer."
            raise DomainError(message)
        names = list(several[0].class_similarity)
        values = np.array([[float(one.class_similarity[name]) for name in names] for one in several])
        p_values = None
        if all(one.p_values is not None for one in several):
            p_values = [[float(one.p_values.get(name, np.nan)) for name in names] for one in several]
        return cls(
            [str(name) for name in names],
            similarity=np.where(np.isfinite(values), values, np.nan),
            predicted=[str(one.predicted) for one in several],
            floor=several[0].similarity_floor,
            p_values=p_values,
            customers=[f"customer {one.label}" for one in several] if show_label else (),
        )

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        r"""Draw one mark a customer and class, filled for the class given, and the margin before it.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: names of classes and customers, the title, ``"class"``, ``"class given"``,
            ``"other classes"``, ``"margin {margin}"`` (with the same braces), ``"no case"``,
            ``"similarity to the nearest case of the class"``, ``"no similarity is lower (rho / (1 + rho))"``,
            ``"conformal\np-value"``.

        Returns
        -------
        ClassSimilarityDisplay
            Itself, with `ax_` and `figure_`.
        """
        count = len(self.similarity)
        figure, axes = axes_of(ax, (7.5, 2.1 + len(self.classes) * max(0.4, 0.25 * count)))
        least = float(np.nanmin(self.similarity) if self.floor is None else self.floor)
        spread = max(1.0 - least, 0.05)
        start = least - 0.03 * spread
        if self.floor is not None:
            axes.axvline(self.floor, color=GREY, linewidth=1.2, linestyle="--", zorder=1)
            start = self.floor
        for row in range(count):
            self._draw(axes, row, start, labels)
        places = range(len(self.classes))
        axes.set_yticks(places, [folded(labels.get(name, name), 30) for name in self.classes])
        axes.set_ylim(len(self.classes) - 0.45, -0.55)
        # Room at the right for the margin, which is written behind the mark.
        axes.set_xlim(least - 0.05 * spread, 1.0 + 0.22 * spread)
        axes.set_xticks([tick for tick in axes.get_xticks() if least - 0.05 * spread <= tick <= 1.0 + _ROUNDING])
        axes.set_xlabel(labels.get(_MEASURE, _MEASURE))
        axes.set_ylabel(labels.get("class", "class"))
        axes.set_title(labels.get(self.title, self.title))
        if self.p_values is not None:
            self._write_p_values(axes, labels)
        legend_below(axes, figure, handles=self._handles(labels), columns=2)
        self.ax_, self.figure_ = axes, figure
        return self

    def _height(self, row: int) -> float:
        """Give how far below the class a customer's marks stand."""
        count = len(self.similarity)
        return (row - (count - 1) / 2) * 0.8 / count

    def _draw(self, axes: Axes, row: int, start: float, labels: Mapping[str, str]) -> None:
        """Draw one customer's marks, his margin and its number."""
        colour, marker = mark(row)
        numbers, own = self.similarity[row], self._given()[row]
        known = ~np.isnan(numbers)
        height = np.arange(len(numbers)) + self._height(row)
        axes.hlines(height[known], start, numbers[known], color=GREY, linewidth=0.6, alpha=0.6, zorder=1)
        faces = [colour if place == own else "white" for place in np.flatnonzero(known)]
        axes.scatter(numbers[known], height[known], s=42, marker=marker, c=faces, edgecolors=colour, zorder=3)
        for place in np.flatnonzero(~known):
            text = labels.get(_NO_CASE, _NO_CASE)
            axes.annotate(
                text, (start, height[place]), xytext=(4, 0), textcoords="offset points", va="center", fontsize=7,
                color=GREY,
            )  # fmt: skip
        if np.isnan(self.margin[row]):
            return
        rival = int(np.nanargmax(self._others()[row]))
        axes.hlines(height[own], numbers[rival], numbers[own], color=colour, linewidth=3.0, zorder=2)
        ends = sorted([height[own], height[rival]])
        axes.vlines(numbers[rival], *ends, color=colour, linewidth=0.8, linestyle=":", zorder=2)
        text = labels.get(_MARGIN, _MARGIN).replace("{margin}", f"{self.margin[row]:+.3f}")
        end = max(numbers[own], numbers[rival])
        axes.annotate(text, (end, height[own]), xytext=(7, 0), textcoords="offset points", va="center", fontsize=8)

    def _write_p_values(self, axes: Axes, labels: Mapping[str, str]) -> None:
        beside = axes.get_yaxis_transform()
        for (row, place), number in np.ndenumerate(self.p_values):
            weight = "bold" if place == self._given()[row] else "normal"
            axes.text(
                1.02, place + self._height(row), p_text(float(number)), transform=beside, ha="left", va="center",
                fontsize=8, fontweight=weight,
            )  # fmt: skip
        text = labels.get(_P_VALUE, _P_VALUE)
        axes.text(1.02, 1.0, text, transform=axes.transAxes, ha="left", va="bottom", fontsize=8)

    def _handles(self, labels: Mapping[str, str]) -> list[Any]:
        several = len(self.similarity) > 1
        edge = GREY if several else mark(0)[0]
        handles = [
            key(labels.get(text, text), edge, marker="o", face=face)
            for text, face in ((_GIVEN, edge), (_OTHERS, "white"))
        ]
        if several:
            for row, name in enumerate(self.customers):
                colour, marker = mark(row)
                handles.append(key(labels.get(name, name), colour, marker=marker))
        if self.floor is not None:
            handles.append(key(labels.get(_FLOOR, _FLOOR), GREY, line="--"))
        return handles
