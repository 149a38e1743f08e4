"""The display of how far the indicators of two moments lie apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from custvalue._displays.axes import (
    BLUE,
    GREY,
    NO_LABELS,
    PALETTE,
    axes_of,
    filled,
    folded,
    key,
    legend_below,
    one_each,
    p_text,
    require_distinct,
    require_from_zero,
    write_beside,
)
from custvalue._spec import unboxed, whole_number
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from custvalue._typing import BoolArray, FloatArray
    from custvalue.rfm import Drift

_PSI = "population stability index"
_ABOVE, _WITHIN = "beyond noise", "within noise"
_LIMIT = "noise of independent samples ({confidence})"
_PERMUTED = "noise of these customers ({confidence})"
_THUMB = "0.1 and 0.25: rules of thumb"
_N = "n = {before} before, {after} after"
_HEADS: Final = ("PSI", "KS\ndistance", "p-value\nof KS")
#: Limits that practice repeats, whatever the number of customers.
_RULES_OF_THUMB: Final = (0.1, 0.25)


class DriftDisplay:
    """How far the indicators of two moments lie apart, and how far noise alone would carry them.

    Parameters
    ----------
    indicators : sequence of str
        Names of the indicators.
    psi : array_like of shape (n_indicators,)
        Population stability index of each, from 0.
    psi_limit : array_like of shape (n_indicators,), default=None
        What noise stays below if the two moments are independent samples.
    psi_permuted_limit : array_like of shape (n_indicators,), default=None
        What noise of the customers at hand stays below; it decides where it is known. Where the moments share
        customers and nothing drifts, it is smaller than `psi_limit`; where they do drift, it can be larger (see
        the notes of :func:`custvalue.rfm.drift`). NaN for none.
    ks, ks_p_value : array_like of shape (n_indicators,), default=None
        Kolmogorov-Smirnov distance in [0, 1] and its p-value, written at the right; NaN for none.
    n_before, n_after : int, default=None
        Customers at either moment.
    confidence : float, default=0.95
        Level of the limits.
    title : str, default="Drift of the indicators"
        Title of the picture.

    Attributes
    ----------
    indicators : tuple of str
        What is drawn from top to bottom: the largest index first.
    psi, psi_limit, psi_permuted_limit, ks, ks_p_value : ndarray of shape (n_indicators,) or None
        What is drawn and written, in that order.
    n_before, n_after : int or None
        Customers at either moment.
    beyond : ndarray of bool of shape (n_indicators,)
        Whether the index is larger than noise; False without a limit.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the numbers do not fit the indicators, or lie outside their range.

    Notes
    -----
    The limits .1 and .25 that practice repeats are drawn where they fall into the picture; they do not know how
    many customers there are. For the sources see :func:`custvalue.rfm.drift`.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.DriftDisplay(["recency", "turnover"], psi=[0.01, 0.3], psi_limit=[0.02, 0.02])
    >>> display.indicators, display.beyond
    (('turnover', 'recency'), array([ True, False]))
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        indicators: Sequence[str],
        *,
        psi: Sequence[float] | FloatArray,
        psi_limit: Sequence[float] | FloatArray | None = None,
        psi_permuted_limit: Sequence[float] | FloatArray | None = None,
        ks: Sequence[float] | FloatArray | None = None,
        ks_p_value: Sequence[float] | FloatArray | None = None,
        n_before: int | None = None,
        n_after: int | None = None,
        confidence: float = 0.95,
        title: str = "Drift of the indicators",
    ) -> None:
        names = require_distinct(indicators, "indicators")
        index = require_from_zero(one_each(psi, "psi", len(names)), "psi")
        order = np.argsort(-index, kind="stable")

        def ordered(given: Sequence[float] | FloatArray | None, argument: str, top: float) -> FloatArray | None:
            if given is None:
                return None
            numbers = one_each(given, argument, len(names), nulls=True)
            if (numbers < 0.0).any() or (numbers > top).any():
                message = f"{argument} holds numbers outside [0, {top:g}]; allowed: numbers in it, or NaN."
                raise DomainError(message)
            return np.asarray(numbers[order])

        self.indicators = tuple(names[place] for place in order)
        self.psi = index[order]
        self.psi_limit = ordered(psi_limit, "psi_limit", np.inf)
        self.psi_permuted_limit = ordered(psi_permuted_limit, "psi_permuted_limit", np.inf)
        self.ks, self.ks_p_value = ordered(ks, "ks", 1.0), ordered(ks_p_value, "ks_p_value", 1.0)
        level = unboxed(confidence)
        if not isinstance(level, float) or not 0.0 < level < 1.0:
            message = f"confidence is {level!r}; allowed: numbers between 0 and 1."
            raise DomainError(message)
        self.n_before = None if n_before is None else whole_number(n_before, "n_before", 0)
        self.n_after = None if n_after is None else whole_number(n_after, "n_after", 0)
        self.confidence = level
        self.title = title

    @classmethod
    def from_drift(cls, drift: Drift) -> Self:
        """Take the drift between two moments.

        Parameters
        ----------
        drift : Drift
            From ``rfm.drift(before, after)``.

        Returns
        -------
        DriftDisplay
            Ready to be drawn.
        """
        permuted = drift.psi_permuted_limit
        return cls(
            drift.indicators,
            psi=drift.psi,
            psi_limit=drift.psi_limit,
            psi_permuted_limit=None if np.isnan(permuted).all() else permuted,
            ks=drift.ks,
            ks_p_value=drift.ks_p_value,
            n_before=drift.n_customers["before"],
            n_after=drift.n_customers["after"],
            confidence=drift.confidence,
        )

    @property
    def beyond(self) -> BoolArray:
        """Whether each index is larger than noise; False without a limit."""
        limit = np.full(len(self.psi), np.nan) if self.psi_limit is None else self.psi_limit
        if self.psi_permuted_limit is not None:
            limit = np.where(np.isnan(self.psi_permuted_limit), limit, self.psi_permuted_limit)
        return np.asarray(self.psi > limit)

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        r"""Draw one bar an indicator with the levels that noise reaches, and the numbers at the right.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: indicators, the title, ``"population stability index"``,
            ``"beyond noise"``, ``"within noise"``, ``"0.1 and 0.25: rules of thumb"``, ``"PSI"``,
            ``"KS\ndistance"``, ``"p-value\nof KS"``, and, with the same braces,
            ``"noise of independent samples ({confidence})"``, ``"noise of these customers ({confidence})"``,
            ``"n = {before} before, {after} after"``.

        Returns
        -------
        DriftDisplay
            Itself, with `ax_` and `figure_`.
        """
        count = len(self.indicators)
        figure, axes = axes_of(ax, (8.4, 2.2 + 0.36 * count))
        rows = np.arange(count)
        known = self.psi_limit is not None or self.psi_permuted_limit is not None
        faces = [BLUE if over or not known else "#C8C8C8" for over in self.beyond]
        edges = [BLUE if over or not known else GREY for over in self.beyond]
        axes.barh(rows, self.psi, height=0.56, color=faces, edgecolor=edges, zorder=2, gid="psi")
        if self.psi_limit is not None:
            axes.scatter(
                self.psi_limit, rows, s=170, marker="|", color="black", linewidths=1.6, zorder=3, gid="limit"
            )  # fmt: skip
        if self.psi_permuted_limit is not None:
            axes.scatter(
                self.psi_permuted_limit, rows, s=26, marker="D", facecolor="white", edgecolor="black", zorder=3,
                gid="permuted",
            )  # fmt: skip
        top = 1.08 * self._top()
        rules = [rule for rule in _RULES_OF_THUMB if rule <= top]
        for rule in rules:
            axes.axvline(rule, color=PALETTE[1], linewidth=1.0, linestyle=":", zorder=1, gid="rule")
        axes.set_xlim(0.0, top)
        axes.set_yticks(rows, [folded(labels.get(name, name), 34) for name in self.indicators])
        axes.set_ylim(count - 0.4, -0.6)
        axes.set_xlabel(labels.get(_PSI, _PSI))
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        axes.set_title(self._headed(labels), fontsize=11, pad=24.0)
        write_beside(axes, self._beside(labels), (0.5, 1.15, 1.8))
        legend_below(axes, figure, handles=self._handles(labels, rules=bool(rules), known=known), columns=2)
        self.ax_, self.figure_ = axes, figure
        return self

    def _top(self) -> float:
        """Give the largest number drawn; a small one where nothing moves at all."""
        drawn = [one for one in (self.psi, self.psi_limit, self.psi_permuted_limit) if one is not None]
        return float(np.nanmax(np.concatenate(drawn), initial=0.0)) or 0.01

    def _headed(self, labels: Mapping[str, str]) -> str:
        title = labels.get(self.title, self.title)
        if self.n_before is None or self.n_after is None:
            return title
        n = filled(labels, _N, before=f"{self.n_before:,}", after=f"{self.n_after:,}")
        return f"{title}\n{n}"

    def _beside(self, labels: Mapping[str, str]) -> list[tuple[str, list[str]]]:
        """Give the columns at the right."""
        columns = [[f"{number:.3f}" for number in self.psi]]
        if self.ks is not None:
            columns.append(["-" if np.isnan(number) else f"{number:.3f}" for number in self.ks])
        if self.ks_p_value is not None:
            columns.append([p_text(float(number)) for number in self.ks_p_value])
        there = [True, self.ks is not None, self.ks_p_value is not None]
        heads = [head for head, known in zip(_HEADS, there, strict=True) if known]
        return [(labels.get(head, head), texts) for head, texts in zip(heads, columns, strict=True)]

    def _handles(self, labels: Mapping[str, str], *, rules: bool, known: bool) -> list[Any]:
        from matplotlib.patches import Patch  # noqa: PLC0415 - an extra

        handles: list[Any] = []
        for text, face, edge, drawn in (
            (_ABOVE, BLUE, BLUE, self.beyond.any()),
            (_WITHIN, "#C8C8C8", GREY, not self.beyond.all()),
        ):
            if known and drawn:
                handles.append(Patch(facecolor=face, edgecolor=edge, label=labels.get(text, text)))
        level = f"{100.0 * self.confidence:g} %"
        if self.psi_limit is not None:
            handles.append(key(filled(labels, _LIMIT, confidence=level), "black", marker="|"))
        if self.psi_permuted_limit is not None:
            handles.append(key(filled(labels, _PERMUTED, confidence=level), "black", marker="D", face="white"))
        if rules:
            handles.append(key(labels.get(_THUMB, _THUMB), PALETTE[1], line=":"))
        return handles
