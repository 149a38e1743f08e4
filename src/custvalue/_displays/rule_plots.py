"""The displays of rules: support against confidence, coloured by lift or by the number of products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np

from custvalue._displays.axes import (
    FEWEST,
    GREY,
    NO_LABELS,
    PALETTE,
    axes_of,
    filled,
    key,
    legend_below,
    one_each,
    ratio_ticks,
)
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from custvalue._typing import BoolArray, FloatArray, IntArray
    from custvalue.basket import Rules

_SUPPORT, _CONFIDENCE, _LIFT = "support", "confidence", "lift (independent: 1)"
_PRODUCTIVE = "productive: better than every simpler rule"
_SIGNIFICANT = "held together more often than by chance, p <= {alpha}"
_RARER = "held together more rarely than by chance, p <= {alpha}"
_OTHERS = "other rules"
_LENGTH, _LONGEST = "{length} products ({rules})", "{length} products and more ({rules})"
_N, _LEFT_OUT = "n = {rules}", "rules of fewer than 5 customers, not drawn: {rules}"
#: More lengths than this share the last colour.
_LENGTHS: Final = len(PALETTE)
#: Points of fewer rules are larger.
_FEW_POINTS, _MANY_POINTS = 300, 5000


class _RulePlot:
    """Rules as points, support against confidence."""

    support: FloatArray
    confidence: FloatArray
    left_out: int
    title: str
    ax_: Axes
    figure_: Figure

    def _take(
        self, support: Sequence[float] | FloatArray, confidence: Sequence[float] | FloatArray, left_out: int
    ) -> None:
        count = len(support)
        self.support = _shares(support, "support", count)
        self.confidence = _shares(confidence, "confidence", count)
        self.left_out = left_out

    def _size(self) -> float:
        count = len(self.support)
        return 26.0 if count <= _FEW_POINTS else 12.0 if count <= _MANY_POINTS else 4.0

    def _finish(self, axes: Axes, figure: Figure, labels: Mapping[str, str], handles: Sequence[Any]) -> None:
        """Name the axes, tell how many rules there are, and put the legend below."""
        axes.set_xlabel(labels.get(_SUPPORT, _SUPPORT))
        axes.set_ylabel(labels.get(_CONFIDENCE, _CONFIDENCE))
        texts = [labels.get(self.title, self.title), filled(labels, _N, rules=f"{len(self.support):,}")]
        if self.left_out:
            texts.append(filled(labels, _LEFT_OUT, rules=f"{self.left_out:,}"))
        axes.set_title("\n".join(texts), fontsize=11, linespacing=1.35)
        if len(self.support):
            # Shares end at 0 and 1; a little room lets the points at the ends be whole.
            axes.set_xlim(left=-0.02 * float(self.support.max()))
            axes.set_ylim(-0.02, 1.03)
        if handles:
            legend_below(axes, figure, handles=handles, columns=2)


class RuleScatterDisplay(_RulePlot):
    """Rules by support and confidence, coloured by lift, with those that are more than chance marked.

    Parameters
    ----------
    support, confidence : array_like of shape (n_rules,)
        Shares in [0, 1].
    lift : array_like of shape (n_rules,)
        Lift of each rule, from 0.
    marked : array_like of bool, shape (n_rules,), default=None
        Rules to be marked; None marks none and says nothing about it.
    mark : str, default="productive: better than every simpler rule"
        What the mark means.
    left_out : int, default=0
        Rules that are not drawn; the picture tells how many.
    title : str, default="Rules"
        Title of the picture.

    Attributes
    ----------
    support, confidence, lift : ndarray of shape (n_rules,)
        What is drawn.
    marked : ndarray of bool, shape (n_rules,), or None
        Rules that are marked.
    left_out : int
        Rules that are not drawn.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the numbers are not one a rule, a share lies outside [0, 1], or a lift is negative.

    Notes
    -----
    Colours follow the logarithm of the lift, the same distance for twice and for half of what independence would
    give, and end at its 1 % and 99 % quantiles. Marked rules are drawn last. The points are a pixel image in a
    vector format, so that a million of them stay a small file. Cost: O(n log n).

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.RuleScatterDisplay(
    ...     [0.2, 0.1], confidence=[0.6, 0.9], lift=[1.2, 3.0], marked=[False, True])
    >>> display.marked
    array([False,  True])
    """

    def __init__(
        self,
        support: Sequence[float] | FloatArray,
        *,
        confidence: Sequence[float] | FloatArray,
        lift: Sequence[float] | FloatArray,
        marked: Sequence[bool] | BoolArray | None = None,
        mark: str = _PRODUCTIVE,
        left_out: int = 0,
        title: str = "Rules",
    ) -> None:
        self._take(support, confidence, left_out)
        count = len(self.support)
        self.lift = np.asarray(lift, dtype=np.float64)
        if self.lift.shape != (count,) or not (self.lift >= 0.0).all():
            message = f"lift has shape {self.lift.shape}; allowed: ({count},), numbers from 0."
            raise DomainError(message)
        self.marked = None if marked is None else np.asarray(marked)
        if self.marked is not None and (self.marked.shape != (count,) or self.marked.dtype != np.bool_):
            message = f"marked has shape {self.marked.shape}; allowed: ({count},), one flag a rule."
            raise DomainError(message)
        self.mark, self.title = mark, title

    @classmethod
    def from_rules(
        cls,
        rules: Rules,
        *,
        mark: Literal["productive", "significant"] | None = "productive",
        alpha: float = 0.05,
    ) -> Self:
        """Take the rules of at least five customers.

        Parameters
        ----------
        rules : Rules
            From ``basket.rules(...)``.
        mark : {"productive", "significant"} or None, default="productive"
            Mark the rules that are significantly better than every simpler one (at the level that `rules` were
            made with), those whose adjusted p-value is at most `alpha`, or none. Rules that add up an amount have
            no test and so no mark.
        alpha : float, default=0.05
            Level of "significant", in (0, 1).

        Returns
        -------
        RuleScatterDisplay
            Ready to be drawn.

        Raises
        ------
        DomainError
            If `mark` or `alpha` is out of range, or a test is asked of rules that add up an amount.
        """
        if mark not in ("productive", "significant", None):
            message = f"mark is {mark!r}; allowed: 'productive', 'significant' or None."
            raise DomainError(message)
        if not isinstance(alpha, float) or not 0.0 < alpha < 1.0:
            message = f"alpha is {alpha!r}; allowed: numbers between 0 and 1, both left out."
            raise DomainError(message)
        shown = rules.n11 >= FEWEST
        text, marked = _PRODUCTIVE, None
        if mark == "productive":
            marked = rules.productive[shown]
        elif mark == "significant":
            text = (_SIGNIFICANT if rules.alternative == "greater" else _RARER).replace("{alpha}", f"{alpha:g}")
            marked = (rules.log_p_adjusted <= np.log(alpha))[shown]
        return cls(
            rules.measure("support")[shown],
            confidence=rules.measure("confidence")[shown],
            lift=rules.measure("lift")[shown],
            marked=marked,
            mark=text,
            left_out=int((~shown).sum()),
        )

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        """Draw one point a rule.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: the title, what the mark means, ``"support"``, ``"confidence"``,
            ``"lift (independent: 1)"``, ``"other rules"``, and, with the same braces,
            ``"n = {rules}"``, ``"rules of fewer than 5 customers, not drawn: {rules}"``.

        Returns
        -------
        RuleScatterDisplay
            Itself, with `ax_` and `figure_`.
        """
        figure, axes = axes_of(ax, (7.2, 5.6))
        marked = np.zeros(len(self.support), dtype=np.bool_) if self.marked is None else self.marked
        norm, image = self._norm(), None
        edge = 0.9 if len(marked) <= _MANY_POINTS else 0.4
        for flag in (False, True):
            # The largest lift last, where points lie on each other.
            chosen = np.flatnonzero(marked == flag)
            chosen = chosen[np.argsort(self.lift[chosen], kind="stable")]
            drawn = axes.scatter(
                self.support[chosen], self.confidence[chosen], c=np.clip(self.lift[chosen], norm.vmin, norm.vmax),
                cmap="viridis_r", norm=norm, s=self._size() * (1.6 if flag else 1.0), zorder=3 if flag else 2,
                edgecolors="black" if flag else "none", linewidths=edge if flag else 0.0, rasterized=True,
                gid="marked" if flag else "rules",
            )  # fmt: skip
            image = image or drawn
        bar = figure.colorbar(image, ax=axes, label=labels.get(_LIFT, _LIFT), extend="both")
        ticks = ratio_ticks(norm.vmin, norm.vmax)
        bar.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks], minor=False)
        bar.minorticks_off()
        self._finish(axes, figure, labels, self._handles(labels, marked))
        self.ax_, self.figure_ = axes, figure
        return self

    def _norm(self) -> Any:
        from matplotlib.colors import LogNorm  # noqa: PLC0415 - an extra

        known = self.lift[np.isfinite(self.lift) & (self.lift > 0.0)]
        if not len(known):
            return LogNorm(0.5, 2.0)
        low, high = (float(end) for end in np.quantile(known, [0.01, 0.99]))
        # The value under independence is always on the scale, which has some length.
        return LogNorm(min(low, 1.0), max(high, 1.0 if low < 0.9 else 1.2))  # noqa: PLR2004 - a length to see

    def _handles(self, labels: Mapping[str, str], marked: BoolArray) -> list[Any]:
        if self.marked is None:
            return []
        texts = [labels.get(text, text) for text in (self.mark, _OTHERS)]
        numbers = [int(marked.sum()), int((~marked).sum())]
        return [
            key(f"{text} ({number:,})", "black" if flag else GREY, marker="o", face=GREY)
            for text, number, flag in zip(texts, numbers, (True, False), strict=True)
        ]


class TwoKeyDisplay(_RulePlot):
    """Rules by support and confidence, coloured by the number of their products: the two-key plot.

    Parameters
    ----------
    support, confidence : array_like of shape (n_rules,)
        Shares in [0, 1].
    lengths : array_like of int, shape (n_rules,)
        Number of products of each rule, both sides together, from 1.
    left_out : int, default=0
        Rules that are not drawn; the picture tells how many.
    title : str, default="Two-key plot of rules"
        Title of the picture.

    Attributes
    ----------
    support, confidence : ndarray of shape (n_rules,)
        What is drawn.
    lengths : ndarray of int, shape (n_rules,)
        What the colours show.
    left_out : int
        Rules that are not drawn.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the numbers are not one a rule, a share lies outside [0, 1], or a length is no whole number from 1.

    Notes
    -----
    From Unwin, Hofmann and Bernt (2001) [1]_. A rule that gets one more product
    moves to the left, since support can only fall; rules on one ray from the origin have antecedents of the same
    support. Short rules are drawn last, since there are fewest of them. Cost: O(n).

    References
    ----------
    .. [1] Unwin, A., Hofmann, H., Bernt, K. (2001). The TwoKey plot for multiple association rules control.
       *Principles of Data Mining and Knowledge Discovery (PKDD)*, LNCS 2168, 472-483.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.TwoKeyDisplay([0.2, 0.1], confidence=[0.6, 0.9], lengths=[2, 3])
    >>> display.lengths
    array([2, 3])
    """

    def __init__(
        self,
        support: Sequence[float] | FloatArray,
        *,
        confidence: Sequence[float] | FloatArray,
        lengths: Sequence[int] | IntArray,
        left_out: int = 0,
        title: str = "Two-key plot of rules",
    ) -> None:
        self._take(support, confidence, left_out)
        numbers = np.asarray(lengths)
        whole = numbers.shape == (len(self.support),) and (not numbers.size or numbers.dtype.kind in "iu")
        if not whole or (numbers < 1).any():
            message = f"lengths has shape {numbers.shape}; allowed: ({len(self.support)},), whole numbers from 1."
            raise DomainError(message)
        self.lengths = numbers.astype(np.int64)
        self.title = title

    @classmethod
    def from_rules(cls, rules: Rules) -> Self:
        """Take the rules of at least five customers.

        Parameters
        ----------
        rules : Rules
            From ``basket.rules(...)``.

        Returns
        -------
        TwoKeyDisplay
            Ready to be drawn.
        """
        shown = rules.n11 >= FEWEST
        lengths = np.diff(rules.antecedent_indptr) + np.diff(rules.consequent_indptr)
        return cls(
            rules.measure("support")[shown],
            confidence=rules.measure("confidence")[shown],
            lengths=lengths[shown],
            left_out=int((~shown).sum()),
        )

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        """Draw one point a rule, coloured by its number of products.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: the title, ``"support"``, ``"confidence"``, and, with the same braces,
            ``"n = {rules}"``, ``"{length} products ({rules})"``, ``"{length} products and more ({rules})"``,
            ``"rules of fewer than 5 customers, not drawn: {rules}"``.

        Returns
        -------
        TwoKeyDisplay
            Itself, with `ax_` and `figure_`.
        """
        figure, axes = axes_of(ax, (6.6, 5.8))
        found = np.unique(self.lengths).tolist()
        alone, together = found[: _LENGTHS - 1], found[_LENGTHS - 1 :]
        groups = [[length] for length in alone] + ([together] if together else [])
        handles = []
        for place, group in reversed(list(enumerate(groups))):
            chosen = np.isin(self.lengths, group)
            colour = PALETTE[place]
            axes.scatter(
                self.support[chosen], self.confidence[chosen], color=colour, s=self._size(), linewidths=0.0,
                rasterized=True, zorder=2.0 + 0.5 / (1 + place), gid=f"length {group[0]}",
            )  # fmt: skip
            text = filled(
                labels, _LONGEST if len(group) > 1 else _LENGTH, length=group[0], rules=f"{int(chosen.sum()):,}"
            )
            handles.append(key(text, colour, marker="o"))
        self._finish(axes, figure, labels, handles[::-1])
        self.ax_, self.figure_ = axes, figure
        return self


def _shares(values: Sequence[float] | FloatArray, argument: str, count: int) -> FloatArray:
    """Give shares; refuse those outside [0, 1]."""
    numbers = one_each(values, argument, count) if count else np.empty(0)
    if ((numbers < 0.0) | (numbers > 1.0)).any():
        message = f"{argument} reaches from {numbers.min():.6g} to {numbers.max():.6g}; allowed: shares in [0, 1]."
        raise DomainError(message)
    return numbers
