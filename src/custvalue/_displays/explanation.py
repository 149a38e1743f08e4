"""The display of why a customer is in a class."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, Self

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
    p_text,
    require_distinct,
)
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from custvalue._typing import FloatArray
    from custvalue.cbr import Explanation

_MOST = "weight: the most it can add"
_MEASURE = "contribution to the similarity"
_DIFFERENCE = "difference"
_SUM = "sum {margin}"
_SURE = "margin {margin}"
_LEFT_OUT = "left out"
_SIDES: Final = {-1: "below the range", 0: "", 1: "above the range"}
_P_VALUE = "conformal p-value {p_value}"
#: A group's own line is this much lower than an indicator's.
_HEADING: Final = 0.8


class ExplanationDisplay:
    """Why a customer is in a class: each indicator's part in the similarity to the case and to its rival.

    Parameters
    ----------
    indicators : sequence of str
        Names of the indicators.
    contribution : array_like of shape (n_indicators,)
        Parts of the similarity to the nearest case.
    rival_contribution : array_like of shape (n_indicators,), default=None
        Parts of the similarity to the nearest case of another class; None where there is none.
    weight : array_like of shape (n_indicators,)
        Global weights, the largest part an indicator can have.
    groups : sequence of str, default=()
        Group of each indicator, those of a group next to each other. Several groups are parted by lines,
        and one of several indicators is named above them, with the sum of their differences. None are drawn by
        default.
    notes : sequence of str, default=()
        What is written in brackets below the name of each indicator, "" for nothing; nothing at all by default.
    p_value : float, default=None
        Conformal p-value of the class, written below the title.
    title, case, rival : str
        Texts of the title and of the legend.

    Attributes
    ----------
    contribution, weight : ndarray of shape (n_indicators,)
        What is drawn.
    rival_contribution, difference : ndarray of shape (n_indicators,) or None
        What is drawn for the rival, and what is written at the right: contribution less rival contribution.
    groups, notes : tuple of str
        Group of each indicator, and what is written below its name.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the numbers, groups or notes do not fit the indicators, or a group stands in two places.

    Examples
    --------
    >>> from custvalue import cbr, plot
    >>> model = cbr.CaseBasedClassifier().fit([[0.2, 0.1], [0.9, 0.8]], ["low", "high"])
    >>> reason = model.explain([[0.8, 0.7]])[0]
    >>> plot.ExplanationDisplay.from_explanation(reason).contribution
    array([0.5, 0.5])
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        indicators: Sequence[str],
        *,
        contribution: Sequence[float] | FloatArray,
        rival_contribution: Sequence[float] | FloatArray | None = None,
        weight: Sequence[float] | FloatArray,
        groups: Sequence[str] = (),
        notes: Sequence[str] = (),
        p_value: float | None = None,
        title: str = "Explanation",
        case: str = "nearest case",
        rival: str = "nearest case of another class",
    ) -> None:
        self.indicators = require_distinct(indicators, "indicators")
        count = len(self.indicators)
        self.contribution = one_each(contribution, "contribution", count)
        self.weight = one_each(weight, "weight", count)
        self.rival_contribution = self.difference = None
        if rival_contribution is not None:
            self.rival_contribution = one_each(rival_contribution, "rival_contribution", count)
            self.difference = self.contribution - self.rival_contribution
        self.groups, self.notes, self.p_value = tuple(groups), tuple(notes), p_value
        self.title, self.case, self.rival = title, case, rival
        runs = [name for name, _ in groupby(self.groups)]
        if self.groups and (len(self.groups) != len(self.indicators) or len(set(runs)) != len(runs)):
            message = (
                f"groups names {len(self.groups)} groups for {len(self.indicators)} indicators; allowed: one an "
                "indicator, those of the same group next to each other."
            )
            raise DomainError(message)
        if self.notes and len(self.notes) != len(self.indicators):
            message = f"notes has {len(self.notes)} texts; allowed: {len(self.indicators)}, one an indicator."
            raise DomainError(message)

    @classmethod
    def from_explanation(cls, explanation: Explanation, *, show_label: bool = False) -> Self:
        """Take one customer's explanation.

        Parameters
        ----------
        explanation : Explanation
            From ``model.explain``.
        show_label : bool, default=False
            Write the customer's label into the title; a picture travels further than a table.

        Returns
        -------
        ExplanationDisplay
            Ready to be drawn.
        """
        table = explanation.table
        who = f"Customer {explanation.label}: class" if show_label else "Class"
        one = explanation
        case = f"class {one.predicted}, case {one.case} ({one.similarity:.3f})"
        rival, parts = "", None
        if one.rival is not None:
            rival = f"class {one.rival}, case {one.rival_case} ({one.rival_similarity:.3f})"
            parts = table["rival_contribution"].to_numpy(dtype=float)
        p_values = one.p_values or {}
        return cls(
            [str(name) for name in table["indicator"]],
            contribution=table["contribution"].to_numpy(dtype=float),
            rival_contribution=parts,
            weight=table["weight"].to_numpy(dtype=float),
            groups=[str(name) for name in table["group"]],
            notes=_notes(explanation),
            p_value=p_values.get(explanation.predicted),
            title=f"{who} {explanation.predicted}",
            case=case,
            rival=rival,
        )

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        """Draw a pair of bars an indicator, a mark at the indicator's weight, and the difference at the right.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: names of indicators and groups, notes (``"left out"``,
            ``"below the range"``, ``"above the range"``), the title, the legend's entries,
            ``"contribution to the similarity"``, ``"weight: the most it can add"``, ``"difference"``, and, with
            the same braces, ``"sum {margin}"``, ``"margin {margin}"``, ``"conformal p-value {p_value}"``.

        Returns
        -------
        ExplanationDisplay
            Itself, with `ax_` and `figure_`.
        """
        lines = self._lines()
        figure, axes = axes_of(ax, (7.5, 2.6 + 0.46 * lines[-1].end))
        place: Any = np.array([line.place for line in lines if line.indicator is not None])
        pair = self.rival_contribution is not None
        lift, height = (0.19, 0.38) if pair else (0.0, 0.5)
        case, rival, most, measure = (labels.get(text, text) for text in (self.case, self.rival, _MOST, _MEASURE))
        handles: list[Any] = [
            axes.vlines(self.weight, place - 0.42, place + 0.42, color=GREY, linewidth=1.5, label=most),
            axes.barh(place - lift, self.contribution, height=height, color=BLUE, label=case),
        ]
        if self.rival_contribution is not None:
            handles.append(
                axes.barh(place + lift, self.rival_contribution, height=height, color=ORANGE, label=rival)
            )
        for line in lines:
            if line.first and line.start:
                axes.axhline(line.start, color=GREY, linewidth=0.6, alpha=0.6, zorder=0)
            if line.indicator is None:
                axes.axhspan(line.start, line.end, color=GREY, alpha=0.1, linewidth=0, zorder=0)
        ticks = [self._name(line, labels) for line in lines]
        axes.set_yticks([line.place for line in lines], ticks)
        for line, tick, text in zip(lines, axes.yaxis.get_major_ticks(), axes.get_yticklabels(), strict=True):
            if line.indicator is None:
                tick.tick1line.set_visible(False)
                text.set_fontweight("bold")
        axes.set_ylim(lines[-1].end, 0.0)
        axes.set_xlabel(measure)
        axes.set_title(self._title(labels))
        self._write_differences(axes, lines, labels)
        legend_below(axes, figure, handles=handles, columns=1)
        self.ax_, self.figure_ = axes, figure
        return self

    def _lines(self) -> list[_Line]:
        """Lay out the lines from top to bottom: one an indicator, one before each group of several."""
        lines: list[_Line] = []
        end = 0.0
        grouped = len(set(self.groups)) > 1
        groups = self.groups if grouped else ("",) * len(self.indicators)
        for name, run in groupby(range(len(groups)), groups.__getitem__):
            members = tuple(run)
            first = grouped
            if grouped and len(members) > 1:
                lines.append(_Line(end, end + _HEADING, name, None, members, first=first))
                end, first = lines[-1].end, False
            for member in members:
                lines.append(_Line(end, end + 1.0, name, member, members, first=first))
                end, first = lines[-1].end, False
        return lines

    def _name(self, line: _Line, labels: Mapping[str, str]) -> str:
        """Give what stands at the left of a line; an indicator alone in its group bears the group's name too."""
        group = labels.get(line.group, line.group)
        if line.indicator is None:
            return group
        indicator = self.indicators[line.indicator]
        name = labels.get(indicator, indicator)
        alone = line.group not in ("", indicator) and len(line.members) == 1
        text = folded(f"{group}: {name}" if alone else name, 32)
        note = self.notes[line.indicator] if self.notes else ""
        return f"{text}\n({labels.get(note, note)})" if note else text

    def _title(self, labels: Mapping[str, str]) -> str:
        sure = []
        if self.difference is not None:
            sure.append(labels.get(_SURE, _SURE).replace("{margin}", f"{self.difference.sum():.3f}"))
        if self.p_value is not None:
            sure.append(labels.get(_P_VALUE, _P_VALUE).replace("{p_value}", p_text(self.p_value)))
        title = labels.get(self.title, self.title)
        return f"{title}\n{', '.join(sure)}" if sure else title

    def _write_differences(self, axes: Axes, lines: Sequence[_Line], labels: Mapping[str, str]) -> None:
        if self.difference is None:
            return
        beside = axes.get_yaxis_transform()
        for line in lines:
            heading = line.indicator is None
            part = self.difference[list(line.members)].sum() if heading else self.difference[line.indicator]
            axes.text(
                1.02, line.place, f"{part:+.3f}", transform=beside, ha="left", va="center", fontsize=8,
                fontweight="bold" if heading else "normal",
            )  # fmt: skip
        total = labels.get(_SUM, _SUM).replace("{margin}", f"{self.difference.sum():+.3f}")
        text = f"{labels.get(_DIFFERENCE, _DIFFERENCE)}\n{total}"
        axes.text(1.02, 1.0, text, transform=axes.transAxes, ha="left", va="bottom", fontsize=8)


def _notes(explanation: Explanation) -> list[str]:
    """Say which indicators were left out, and which lie outside the range of the cases' customers."""
    sides = [_SIDES[side] for side in explanation.outside.tolist()]
    return [_LEFT_OUT if skipped else side for skipped, side in zip(explanation.skipped, sides, strict=True)]


@dataclass(frozen=True)
class _Line:
    """One line of the picture: an indicator, or the name of a group of several."""

    start: float
    end: float
    group: str
    indicator: int | None
    members: tuple[int, ...]
    first: bool

    @property
    def place(self) -> float:
        """Give where its middle is."""
        return (self.start + self.end) / 2
