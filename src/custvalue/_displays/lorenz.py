"""The display of how far the value is concentrated on few customers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np

from custvalue._displays.axes import (
    BLUE,
    FEWEST,
    GREY,
    NO_LABELS,
    PALETTE,
    axes_of,
    filled,
    key,
    legend_below,
    one_each,
    percent,
)
from custvalue._spec import unboxed
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from custvalue._typing import FloatArray
    from custvalue.rfm import Concentration

_POOREST, _BEST = "share of the customers, the poorest first", "share of the customers, the best first"
_VALUE = "cumulative share of the value"
_LORENZ, _PARETO = "Lorenz curve", "Pareto curve"
_EQUAL = "all customers alike"
_TOP = "the top 20 % bring {share}"
_EIGHTY = "the top {share} bring 80 %"
_FACTS, _FACTS_WITHOUT = "n = {customers}, Gini {gini}", "n = {customers}, Gini not defined below zero"
#: The folklore's share of the customers, and its share of the value.
_TOP_SHARE, _MOST_OF_VALUE = 0.2, 0.8
_POINTS: Final = 100
#: Shares from which on per cent have thousands, and from which on powers of ten: 1,000 % and 1,000,000 %.
_LARGE, _HUGE = 10.0, 10_000.0
#: The smallest share that is written.
_SMALL = 0.001
#: With fewer customers the top fifth would be fewer than five.
_ENOUGH: Final = 5 * FEWEST
_ROUNDING: Final = 1e-9


class LorenzDisplay:
    """The Lorenz curve of the customers' value, with what the top 20 % bring and Gini's coefficient.

    Parameters
    ----------
    customer_share, value_share : array_like of shape (n_points,)
        Points of the Lorenz curve, the poorest customers first, from (0, 0) to (1, 1).
    n_customers : int
        Number of customers.
    gini : float, default=None
        Gini's coefficient; None where a value is negative.
    title : str, default="Concentration of the value"
        Title of the picture.

    Attributes
    ----------
    customer_share, value_share : ndarray of shape (n_points,)
        What is drawn.
    n_customers : int
        Number of customers.
    gini : float or None
        Gini's coefficient.
    top_share : float
        Share of the value that the best 20 % of the customers bring, on the curve.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the points are no Lorenz curve, or there are fewer than 25 customers.

    Notes
    -----
    :meth:`from_concentration` takes at most 101 points of the curve, each at least five customers from the next,
    and straight lines between: the corners of the whole curve are the figures of single customers. The coefficient
    is that of the whole curve. Below 25 customers the top 20 % would be fewer than five. The rule is ours.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.LorenzDisplay([0.0, 0.8, 1.0], [0.0, 0.4, 1.0], n_customers=50, gini=0.4)
    >>> round(display.top_share, 4)
    0.6
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        customer_share: Sequence[float] | FloatArray,
        value_share: Sequence[float] | FloatArray,
        *,
        n_customers: int,
        gini: float | None = None,
        title: str = "Concentration of the value",
    ) -> None:
        if isinstance(customer_share, str) or not np.iterable(customer_share):
            message = f"customer_share is a {type(customer_share).__name__}; allowed: a sequence of numbers."
            raise DomainError(message)
        self.customer_share = one_each(customer_share, "customer_share", len(customer_share))
        self.value_share = one_each(value_share, "value_share", len(self.customer_share))
        count = unboxed(n_customers)
        if isinstance(count, bool) or not isinstance(count, int) or count < _ENOUGH:
            message = (
                f"n_customers is {n_customers!r}; allowed: at least {_ENOUGH}, so that the top 20 % are {FEWEST} "
                "or more and nobody is shown alone."
            )
            raise DomainError(message)
        self.n_customers = count
        x, y = self.customer_share, self.value_share
        ends = len(x) > 1 and np.allclose(
            [x[0], y[0], x[-1], y[-1]], [0.0, 0.0, 1.0, 1.0], rtol=0.0, atol=_ROUNDING
        )
        if not ends or (np.diff(x) <= 0.0).any():
            message = "customer_share and value_share do not rise from (0, 0) to (1, 1); allowed: a Lorenz curve."
            raise DomainError(message)
        slopes = np.diff(y) / np.diff(x)
        if (np.diff(slopes) < -_ROUNDING * np.abs(slopes).max()).any():
            message = "value_share bends downwards; allowed: a Lorenz curve, the poorest customers first."
            raise DomainError(message)
        coefficient = unboxed(gini)
        real = isinstance(coefficient, int | float) and not isinstance(coefficient, bool)
        self.gini = float(coefficient) if real else None
        if gini is not None and not (real and 0.0 <= coefficient < 1.0):
            shown = f"{coefficient:.6g}" if real else repr(gini)
            message = f"gini is {shown}; allowed: a number from 0 up to, but not, 1, or None."
            raise DomainError(message)
        self.title = title

    @classmethod
    def from_concentration(cls, concentration: Concentration) -> Self:
        """Take the concentration of the value.

        Parameters
        ----------
        concentration : Concentration
            From ``rfm.concentration(values)``.

        Returns
        -------
        LorenzDisplay
            Ready to be drawn.

        Raises
        ------
        DomainError
            If there are fewer than 25 customers.
        """
        n = concentration.n_customers
        # A multiple of five has a point at the top 20 %.
        count = min(_POINTS, max(n // FEWEST // 5 * 5, 5))
        curve = concentration.lorenz()
        shares = np.arange(count + 1) / count
        return cls(
            shares,
            np.interp(shares, curve["customer_share"], curve["value_share"]),
            n_customers=n,
            gini=None if concentration.n_negative else concentration.gini,
        )

    @property
    def top_share(self) -> float:
        """Share of the value that the best 20 % of the customers bring, on the curve."""
        return 1.0 - float(np.interp(1.0 - _TOP_SHARE, self.customer_share, self.value_share))

    def plot(
        self,
        *,
        ax: Axes | None = None,
        labels: Mapping[str, str] = NO_LABELS,
        kind: Literal["lorenz", "pareto"] = "lorenz",
    ) -> Self:
        """Draw the curve and the diagonal, on which all customers would be worth the same.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: the title, ``"share of the customers, the poorest first"``,
            ``"share of the customers, the best first"``, ``"cumulative share of the value"``, ``"Lorenz curve"``,
            ``"Pareto curve"``, ``"all customers alike"``, and, with the same braces,
            ``"the top 20 % bring {share}"``, ``"the top {share} bring 80 %"``, ``"n = {customers}, Gini {gini}"``,
            ``"n = {customers}, Gini not defined below zero"``.
        kind : {"lorenz", "pareto"}, default="lorenz"
            The poorest customers first, below the diagonal; or the best first, above it, which also shows what
            share of the customers brings 80 % of the value.

        Returns
        -------
        LorenzDisplay
            Itself, with `ax_` and `figure_`.

        Raises
        ------
        DomainError
            If `kind` is unknown.
        """
        if kind not in ("lorenz", "pareto"):
            message = f"kind is {kind!r}; allowed: 'lorenz' or 'pareto'."
            raise DomainError(message)
        figure, axes = axes_of(ax, (6.4, 6.2))
        x, y = self.customer_share, self.value_share
        if kind == "pareto":
            x, y = 1.0 - x[::-1], 1.0 - y[::-1]
        axes.plot([0.0, 1.0], [0.0, 1.0], color=GREY, linewidth=1.0, linestyle="--", gid="diagonal")
        axes.plot(x, y, color=BLUE, linewidth=2.0, gid="curve")
        marks = self._mark(axes, labels, pareto=kind == "pareto")
        low, high = min(float(y.min()), 0.0), max(float(y.max()), 1.0)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(low - 0.02 * (high - low), high + 0.02 * (high - low))
        self._name_axes(axes, labels, pareto=kind == "pareto")
        name = _LORENZ if kind == "lorenz" else _PARETO
        handles = [
            key(labels.get(name, name), BLUE, line="-"),
            key(labels.get(_EQUAL, _EQUAL), GREY, line="--"),
            *marks,
        ]
        legend_below(axes, figure, handles=handles)
        self.ax_, self.figure_ = axes, figure
        return self

    def _mark(self, axes: Axes, labels: Mapping[str, str], *, pareto: bool) -> list[Any]:
        """Mark what the top 20 % bring, and on the Pareto curve who brings 80 %; give the legend's entries."""
        top = self.top_share
        text = filled(labels, _TOP, share=_share_text(top, percent(top)))
        spots = [(_TOP_SHARE, top, text) if pareto else (1.0 - _TOP_SHARE, 1.0 - top, text)]
        if pareto:
            needed = self._customers_for(_MOST_OF_VALUE)
            spots.append(
                (needed, _MOST_OF_VALUE, filled(labels, _EIGHTY, share=_share_text(needed, percent(needed))))
            )
        handles = []
        for (x, y, text), (colour, marker) in zip(spots, ((PALETTE[1], "o"), (PALETTE[2], "s")), strict=False):
            axes.plot([x, x], [0.0, y], color=colour, linewidth=0.9, linestyle=":")
            axes.plot([0.0 if pareto else 1.0, x], [y, y], color=colour, linewidth=0.9, linestyle=":")
            axes.plot([x], [y], color=colour, marker=marker, markersize=8, linestyle="", gid=f"mark {marker}")
            handles.append(key(text, colour, marker=marker))
        return handles

    def _customers_for(self, share: float) -> float:
        """Give the share of the best customers at which the Pareto curve first reaches a share of the value."""
        x, y = 1.0 - self.customer_share[::-1], 1.0 - self.value_share[::-1]
        right = int(np.argmax(y >= share))
        return float(np.interp(share, y[right - 1 : right + 1], x[right - 1 : right + 1]))

    def _name_axes(self, axes: Axes, labels: Mapping[str, str], *, pareto: bool) -> None:
        from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415 - an extra

        for axis in (axes.xaxis, axes.yaxis):
            # A fifth of the way up to 100 %; where losses carry the curve far beyond, about six ticks as well.
            axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
            axis.set_major_formatter(FuncFormatter(lambda value, _: _share_text(float(value), "")))
        across = _BEST if pareto else _POOREST
        axes.set_xlabel(labels.get(across, across))
        axes.set_ylabel(labels.get(_VALUE, _VALUE))
        n = f"{self.n_customers:,}"
        facts = filled(labels, _FACTS_WITHOUT, customers=n)
        if self.gini is not None:
            facts = filled(labels, _FACTS, customers=n, gini=f"{self.gini:.3f}")
        axes.set_title(f"{labels.get(self.title, self.title)}\n{facts}", fontsize=11)


def _share_text(share: float, small: str) -> str:
    """Write a share in per cent so that it can be read, also where losses carry the curve far beyond 100 %."""
    if 0.0 < share < _SMALL and small:
        return f"< {100.0 * _SMALL:g} %"
    if abs(share) < _LARGE:
        return small or f"{100.0 * share:.0f} %"
    return f"{100.0 * share:,.0f} %" if abs(share) < _HUGE else f"{100.0 * share:.3g} %"
