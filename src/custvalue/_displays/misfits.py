"""The display of judgments that do not fit the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import numpy as np

from custvalue._displays.axes import BLUE, GREY, NO_LABELS, ORANGE, axes_of, legend_below, one_each, require_top
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from custvalue._typing import FloatArray
    from custvalue.anp import Misfits

#: Ticks on both sides of 1, and the ratio up to which they serve: some of Saaty's scale, and wider ones.
_SCALES: Final = ((15.0, (2, 3, 5, 9)), (400.0, (3, 10, 30, 100)))
_AFTER = "consistency ratio\nwith the suggested ratio"
_ONLY_LINK = "no other judgment links them"
_MEASURE = "how many times as important the first is as the second"
_NOW = "consistency ratio now: {ratio}"
_JUDGED, _SUGGESTED = "as judged", "suggested by all other judgments"


class MisfitDisplay:
    """Judgments beside what all the other judgments suggest, the worst on top.

    Parameters
    ----------
    pairs : sequence of (str, str)
        First and second element of each judgment, drawn from top to bottom.
    ratio : array_like of shape (n_judgments,)
        How many times as important as the second the first was judged, above 0.
    suggested_ratio : array_like of shape (n_judgments,)
        The ratio that all the other judgments suggest, above 0; NaN where no other judgment links the two.
    consistency_ratio_after : array_like of shape (n_judgments,)
        Consistency ratio with the suggested ratio instead, from 0; NaN where there is none.
    experts : sequence of str, default=()
        Who judged, one name a judgment, "" where he is not named; none at all by default.
    consistency_ratio : float, default=None
        Consistency ratio of the judgments as they are, for the title.
    title : str, default="Judgments that fit the others least"
        Title of the picture.

    Attributes
    ----------
    pairs : tuple of (str, str)
        The judgments, from top to bottom.
    ratio, suggested_ratio, consistency_ratio_after : ndarray of shape (n_judgments,)
        What is drawn.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the numbers do not fit the pairs, a ratio is not above 0, or a consistency ratio is negative.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.MisfitDisplay(
    ...     [("price", "size")], ratio=[6.0], suggested_ratio=[0.5], consistency_ratio_after=[0.08])
    >>> display.suggested_ratio
    array([0.5])
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        pairs: Sequence[tuple[str, str]],
        *,
        ratio: Sequence[float] | FloatArray,
        suggested_ratio: Sequence[float] | FloatArray,
        consistency_ratio_after: Sequence[float] | FloatArray,
        experts: Sequence[str] = (),
        consistency_ratio: float | None = None,
        title: str = "Judgments that fit the others least",
    ) -> None:
        self.pairs = tuple((first, second) for first, second in pairs)
        count = len(self.pairs)
        if not count or (experts and len(experts) != count):
            message = (
                f"There are {count} pairs and {len(experts)} experts; allowed: at least one pair, and one expert "
                "a pair or none."
            )
            raise DomainError(message)
        self.ratio = _above_zero(one_each(ratio, "ratio", count), "ratio")
        suggested = one_each(suggested_ratio, "suggested_ratio", count, nulls=True)
        self.suggested_ratio = _above_zero(suggested, "suggested_ratio")
        after = one_each(consistency_ratio_after, "consistency_ratio_after", count, nulls=True)
        if (after < 0.0).any():
            message = f"consistency_ratio_after holds {np.nanmin(after):.6g}; allowed: numbers from 0, or NaN."
            raise DomainError(message)
        self.consistency_ratio_after = after
        self.experts = tuple(experts)
        self.consistency_ratio, self.title = consistency_ratio, title

    @classmethod
    def from_misfits(cls, misfits: Misfits, *, top: int = 10) -> Self:
        """Take the worst judgments of a ranking.

        Parameters
        ----------
        misfits : Misfits
            From ``priorities(...).misfits()``.
        top : int, default=10
            At most so many judgments, the worst.

        Returns
        -------
        MisfitDisplay
            Ready to be drawn.

        Raises
        ------
        DomainError
            If `top` is not a whole number from 1, or there is no judgment at all.
        """
        table = misfits.to_frame().head(require_top(top))
        return cls(
            [(str(first), str(second)) for first, second in zip(table["first"], table["second"], strict=True)],
            ratio=table["ratio"].to_numpy(dtype=float),
            suggested_ratio=table["suggested_ratio"].to_numpy(dtype=float),
            consistency_ratio_after=table["consistency_ratio_after"].to_numpy(dtype=float),
            experts=[str(name) for name in table["expert"]],
            consistency_ratio=misfits.consistency_ratio,
        )

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        r"""Draw two marks a judgment on a logarithmic axis, joined by a line.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: names of elements and experts, the title, ``"as judged"``,
            ``"suggested by all other judgments"``, ``"how many times as important the first is as the second"``,
            ``"consistency ratio\nwith the suggested ratio"``, ``"no other judgment links them"``,
            ``"consistency ratio now: {ratio}"`` (with the same braces).

        Returns
        -------
        MisfitDisplay
            Itself, with `ax_` and `figure_`.
        """
        figure, axes = axes_of(ax, (8.0, 1.9 + 0.52 * len(self.pairs)))
        place = np.arange(len(self.pairs))
        linked = ~np.isnan(self.suggested_ratio)
        judged, suggested, measure = (labels.get(text, text) for text in (_JUDGED, _SUGGESTED, _MEASURE))
        axes.set_xscale("log")
        axes.axvline(1.0, color=GREY, linewidth=0.8, zorder=1)
        axes.hlines(
            place[linked], self.ratio[linked], self.suggested_ratio[linked], color=GREY, linewidth=1.5, zorder=2
        )
        said = axes.scatter(self.ratio, place, s=55, marker="o", color=ORANGE, label=judged, zorder=3)
        meant = axes.scatter(
            self.suggested_ratio[linked], place[linked], s=50, marker="D", color=BLUE, label=suggested, zorder=3
        )
        axes.set_yticks(place, [self._row(k, labels) for k in range(len(place))])
        axes.set_ylim(len(self.pairs) - 0.4, -0.6)
        self._scale(axes)
        axes.set_xlabel(measure)
        axes.set_title(self._title(labels))
        beside = axes.get_yaxis_transform()
        for k, ratio in enumerate(self.consistency_ratio_after):
            text = labels.get(_ONLY_LINK, _ONLY_LINK) if np.isnan(ratio) else f"{ratio:.3f}"
            axes.text(1.02, k, text, transform=beside, ha="left", va="center", fontsize=8)
        axes.text(
            1.02, 1.0, labels.get(_AFTER, _AFTER), transform=axes.transAxes, ha="left", va="bottom", fontsize=8
        )
        legend_below(axes, figure, handles=[said, meant])
        self.ax_, self.figure_ = axes, figure
        return self

    def _row(self, place: int, labels: Mapping[str, str]) -> str:
        first, second = (labels.get(name, name) for name in self.pairs[place])
        who = self.experts[place] if self.experts else ""
        return f"{first} : {second}" + (f"\n({labels.get(who, who)})" if who else "")

    def _title(self, labels: Mapping[str, str]) -> str:
        title = labels.get(self.title, self.title)
        if self.consistency_ratio is None:
            return title
        return f"{title}\n{labels.get(_NOW, _NOW).replace('{ratio}', f'{self.consistency_ratio:.3f}')}"

    def _scale(self, axes: Axes) -> None:
        """Write ratios at the axis as judges say them, or powers of ten where they reach far beyond that."""
        drawn = np.concatenate([self.ratio, self.suggested_ratio[~np.isnan(self.suggested_ratio)]])
        reach = max(float(np.abs(np.log(drawn)).max()), np.log(3.0))
        axes.set_xlim(np.exp(-1.12 * reach), np.exp(1.12 * reach))
        for furthest, steps in _SCALES:
            if reach <= np.log(furthest):
                shown = [step for step in steps if np.log(step) <= 1.12 * reach]
                places = [*(1.0 / step for step in reversed(shown)), 1.0, *shown]
                texts = [*(f"1/{step}" for step in reversed(shown)), "1", *map(str, shown)]
                axes.set_xticks(places, texts)
                axes.set_xticks([], minor=True)
                break


def _above_zero(numbers: FloatArray, argument: str) -> FloatArray:
    if (numbers <= 0.0).any():
        message = f"{argument} holds {np.nanmin(numbers):.6g}; allowed: ratios above 0."
        raise DomainError(message)
    return numbers
