"""The display of a case base's competence: where its cases lie, and how much each of them covers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from custvalue import _frames
from custvalue._displays.axes import NO_LABELS, axes_of, key, legend_below, mark, one_each, require_from_zero
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from custvalue._typing import BoolArray, FloatArray, IntArray, Table
    from custvalue.cbr import Competence

#: Area in square points of the mark with the largest coverage, for few cases; for many it shrinks with their root.
_LARGEST, _FEW = 260.0, 40
_SMALLEST: Final = 5.0
_ROUNDING: Final = 1e-9
_AXIS = "principal axis {axis} ({share} % of the variance)"
_AREA = "area of a mark: relative coverage"
_FOOTPRINT = "competence footprint ({count} of {cases} cases)"
_ALONE = "solved by no other case ({count})"
_CONFLICTING = "as another case of another class ({count})"
#: Above so many cases the lines are finer.
_MANY: Final = 400


class CompetenceDisplay:
    r"""A map of a case base: its cases in a plane, as large as what they cover.

    Parameters
    ----------
    values : table of shape (n_cases, n_indicators)
        Scaled values of the cases.
    classes : sequence of str
        Class of each case.
    relative_coverage : array_like of shape (n_cases,)
        How much each case covers that few others cover, from 0.
    footprint : sequence of int, default=()
        Positions of the cases that cover what the whole case base covers; they get a dark rim.
    alone : sequence of int, default=()
        Positions of the cases that no other case solves; they get a slanting cross. Either the base cannot do
        without such a case, or it is a mistake: both look the same.
    conflicting : sequence of int, default=()
        Positions of the cases that have the values of a case of another class; they get an upright cross.
    weights : array_like of shape (n_indicators,), default=None
        Global weights of the indicators, from 0; None weighs all alike.
    title : str, default="Competence of the case base"
        Title of the picture.

    Attributes
    ----------
    coordinates : ndarray of shape (n_cases, 2)
        Where the cases are drawn.
    explained : ndarray of shape (2,)
        Share of the weighted variance that each axis shows.
    axes_of_plane : ndarray of shape (2, n_indicators)
        The axes, unit vectors in the space of the weighted indicators.
    relative_coverage : ndarray of shape (n_cases,)
        What the areas show.
    footprint, alone, conflicting : ndarray of int
        Positions of the cases that are rimmed and crossed.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the numbers do not fit the cases, a coverage or a weight is negative, or a position is out of range.

    Notes
    -----
    The plane is that of the two leading principal axes of the columns, each scaled by the root of its global
    weight (Jolliffe 2002, chapter 3), by a singular value decomposition of the centred columns:
    :math:`O(m p^2)`. An axis points to where its largest coordinate is positive, so that a map looks the same on
    every machine. Distances in the plane are no grey similarities: neighbours on the map may be unlike in an
    indicator that the plane does not show, the less so the larger the explained shares.

    References
    ----------
    .. [1] I. T. Jolliffe, "Principal Component Analysis", 2nd edition, Springer, 2002.
    .. [2] B. Smyth and E. McKenna, "Modelling the competence of case-bases", EWCBR 1998, pp. 208-220.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.CompetenceDisplay(
    ...     [[0.0, 0.1], [0.2, 0.1], [1.0, 0.1]], classes=["low", "low", "high"],
    ...     relative_coverage=[1.5, 0.5, 1.0], footprint=[0, 2], weights=[0.25, 0.75])
    >>> display.coordinates.round(2)
    array([[-0.2,  0. ],
           [-0.1,  0. ],
           [ 0.3,  0. ]])
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        values: Table,
        *,
        classes: Sequence[str],
        relative_coverage: Sequence[float] | FloatArray,
        footprint: Sequence[int] | IntArray = (),
        alone: Sequence[int] | IntArray = (),
        conflicting: Sequence[int] | IntArray = (),
        weights: Sequence[float] | FloatArray | None = None,
        title: str = "Competence of the case base",
    ) -> None:
        numbers = _frames.numeric(values, argument="values")
        count, width = numbers.shape
        self.classes = tuple(classes)
        if not count or len(self.classes) != count:
            message = f"classes names {len(self.classes)} and values has {count} rows; allowed: one class a case."
            raise DomainError(message)
        covered = one_each(relative_coverage, "relative_coverage", count)
        self.relative_coverage = require_from_zero(covered, "relative_coverage")
        self.footprint = _positions(footprint, "footprint", count)
        self.alone = _positions(alone, "alone", count)
        self.conflicting = _positions(conflicting, "conflicting", count)
        even = np.full(width, 1.0 / width) if weights is None else one_each(weights, "weights", width)
        self.coordinates, self.explained, self.axes_of_plane = _plane(numbers, require_from_zero(even, "weights"))
        self.title = title

    @classmethod
    def from_competence(cls, competence: Competence) -> Self:
        """Take the competence report of a case base.

        Parameters
        ----------
        competence : Competence
            From ``cbr.competence(cases)``.

        Returns
        -------
        CompetenceDisplay
            Ready to be drawn.
        """
        return cls(
            competence.values,
            classes=[str(label) for label in competence.labels],
            relative_coverage=competence.relative_coverage,
            footprint=competence.footprint,
            alone=np.flatnonzero(competence.reachability_size <= 1),
            conflicting=np.flatnonzero(competence.in_conflict),
            weights=competence.hierarchy.global_weights,
        )

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        """Draw one mark a case, by class, the largest first so that small ones stay in sight.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: names of classes, the title, ``"area of a mark: relative coverage"``, and,
            with the same braces, ``"principal axis {axis} ({share} % of the variance)"``,
            ``"competence footprint ({count} of {cases} cases)"``, ``"solved by no other case ({count})"``,
            ``"as another case of another class ({count})"``.

        Returns
        -------
        CompetenceDisplay
            Itself, with `ax_` and `figure_`.
        """
        figure, axes = axes_of(ax, (7.5, 6.6))
        rimmed = np.isin(np.arange(len(self.classes)), self.footprint)
        area = self._areas(rimmed)
        fine = 1.0 if len(self.classes) <= _MANY else 0.5
        names = sorted(set(self.classes), key=_natural)
        member = np.array(self.classes)
        for place, name in enumerate(names):
            colour, marker = mark(place)
            for rim in (False, True):
                chosen = np.flatnonzero((member == name) & (rimmed == rim))
                chosen = chosen[np.argsort(-area[chosen], kind="stable")]
                axes.scatter(
                    self.coordinates[chosen, 0], self.coordinates[chosen, 1], s=area[chosen], marker=marker,
                    color=colour, alpha=0.9 if rim or not rimmed.any() else 0.4, linewidths=fine if rim else 0.0,
                    edgecolors="black" if rim else "none", zorder=3 if rim else 2, gid=f"{name} {rim}",
                )  # fmt: skip
        for name, (places, marker, _) in self._crosses().items():
            axes.scatter(
                self.coordinates[places, 0], self.coordinates[places, 1], s=34.0 * fine, marker=marker,
                color="black", linewidths=fine, zorder=4, gid=name,
            )  # fmt: skip
        axes.set_xlabel(self._axis(0, labels))
        axes.set_ylabel(self._axis(1, labels))
        axes.margins(0.07)
        axes.set_title(labels.get(self.title, self.title))
        columns = min(len(names), 4)
        legend_below(axes, figure, handles=self._handles(names, labels), columns=max(columns, 2))
        legend: Any = axes.get_legend()
        legend.set_title(labels.get(_AREA, _AREA), prop={"size": 8})
        self.ax_, self.figure_ = axes, figure
        return self

    def _axis(self, axis: int, labels: Mapping[str, str]) -> str:
        text = labels.get(_AXIS, _AXIS).replace("{axis}", str(axis + 1))
        return text.replace("{share}", f"{100.0 * self.explained[axis]:.0f}")

    def _crosses(self) -> dict[str, tuple[IntArray, str, str]]:
        """Give the cases that are crossed, with the mark and what it means."""
        return {"alone": (self.alone, "x", _ALONE), "conflicting": (self.conflicting, "+", _CONFLICTING)}

    def _areas(self, rimmed: BoolArray) -> FloatArray:
        """Give areas in proportion to the coverage, but none too small to be seen, with its rim above all."""
        largest = _LARGEST * min(1.0, (_FEW / len(self.classes)) ** 0.5)
        top = float(self.relative_coverage.max())
        shares = self.relative_coverage / top if top > 0.0 else np.zeros(len(self.classes))
        areas: FloatArray = np.maximum(largest * shares, np.where(rimmed, 3.0 * _SMALLEST, _SMALLEST))
        return areas

    def _handles(self, names: Sequence[str], labels: Mapping[str, str]) -> list[Any]:
        handles = []
        for place, name in enumerate(names):
            colour, marker = mark(place)
            handles.append(key(labels.get(name, name), colour, marker=marker))
        if len(self.footprint):
            text = labels.get(_FOOTPRINT, _FOOTPRINT).replace("{count}", str(len(self.footprint)))
            text = text.replace("{cases}", str(len(self.classes)))
            handles.append(key(text, "black", marker="o", face="white"))
        for places, marker, meaning in self._crosses().values():
            if len(places):
                text = labels.get(meaning, meaning).replace("{count}", str(len(places)))
                handles.append(key(text, "black", marker=marker))
        return handles


def _natural(name: str) -> tuple[int, float, str]:
    """Sort names that are whole numbers by their size, before all others."""
    number = name.removeprefix("-")
    return (0, float(name), name) if number.isdecimal() else (1, 0.0, name)


def _positions(given: Sequence[int] | IntArray, argument: str, count: int) -> IntArray:
    places = np.asarray(given)
    whole = places.size == 0 or np.issubdtype(places.dtype, np.integer)
    if places.ndim != 1 or not whole or (places.size and not 0 <= places.min() <= places.max() < count):
        message = f"{argument} is not a row of positions of cases; allowed: whole numbers from 0 to {count - 1}."
        raise DomainError(message)
    return np.unique(places.astype(np.intp))


def _plane(values: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give coordinates on the two leading principal axes, the shares they explain, and the axes."""
    scaled = (values - values.mean(axis=0)) * np.sqrt(weights)
    _, strength, axes = np.linalg.svd(scaled, full_matrices=False)
    leading = np.zeros((2, values.shape[1]))
    leading[: len(axes)] = axes[:2]
    variance = np.zeros(2)
    variance[: len(strength)] = strength[:2] ** 2
    total = float((strength**2).sum())
    # Without variance an axis is arbitrary; nothing lies on it.
    leading[variance <= (np.finfo(float).eps * len(values)) ** 2 * max(total, 1.0)] = 0.0
    # The first of the largest coordinates decides, also where rounding makes equal ones differ.
    size = np.abs(leading)
    first = (size >= size.max(axis=1, keepdims=True) * (1.0 - _ROUNDING)).argmax(axis=1)
    leading[leading[[0, 1], first] < 0.0] *= -1.0
    return scaled @ leading.T, variance / total if total > 0.0 else variance, leading
