"""The display of the alert list: the largest falls and gains, one small line a customer."""

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
    filled,
    folded,
    key,
    legend_below,
    one_each,
    p_text,
    require_distinct,
    require_from_zero,
    require_top,
    write_beside,
)
from custvalue._spec import unboxed, whole_number
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from custvalue._typing import BoolArray, FloatArray
    from custvalue.wallet import SpendShifts

_COLOURS: Final = {"fall": PALETTE[1], "gain": BLUE}
_COUNTS: Final = {"fall": "falls: {drawn} of {count}", "gain": "gains: {drawn} of {count}"}
_HEADS: Final = ("change", "money\na month", "q")
_EXPECTED, _RECENT, _SHOCK = "expected in an active month", "recent months, tested", "months of a shock"
_NONE = "no fall and no gain found"
#: Share of a row that a line may fill, and most months that are named.
_HIGH, _NAMED = 0.76, 6
#: How the tested months and those of a shock are shaded; one can be both.
_SHADES: Final[dict[str, dict[str, Any]]] = {
    "recent": {"facecolor": "#EBEBEB", "edgecolor": "none"},
    "shock": {"facecolor": "none", "edgecolor": "#B8B8B8", "hatch": "////", "linewidth": 0.0},
}


class ShiftListDisplay:
    """The largest falls and gains by money moved: one small line a customer, with change, money and q.

    Parameters
    ----------
    amounts : array_like of shape (n_rows, n_months)
        Amounts of the customers of the list, from 0, in the order of the list.
    months : sequence of str
        Names of the months.
    verdicts : sequence of {"fall", "gain"}
        What was found of each.
    change, money, q : array_like of shape (n_rows,)
        Actual against expected money of the recent months, less 1; actual less expected money a month; and the
        adjusted p-value, in [0, 1]. NaN where it is not known.
    expected : array_like of shape (n_rows, n_months), default=None
        Amounts to be expected, from 0; NaN where nothing is.
    recent, shock : array_like of bool, shape (n_months,), default=None
        Months that were tested, and months that touch a shock.
    names : sequence of str, default=None
        Names of the rows; None: ranks among the falls and among the gains.
    n_falls, n_gains : int, default=None
        Numbers of all falls and gains; None: those of the list.
    title : str, default="Largest shifts of spending"
        Title of the picture.

    Attributes
    ----------
    amounts, expected : ndarray of shape (n_rows, n_months), or None
        What the lines show, each scaled to its own row.
    months, verdicts, names : tuple of str
        Names of the months, what was found, and the names of the rows.
    change, money, q : ndarray of shape (n_rows,)
        What is written at the right.
    recent, shock : ndarray of bool, shape (n_months,)
        Which months are shaded.
    n_falls, n_gains : int
        Numbers of all falls and gains.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the numbers do not fit the rows and months, or lie outside their range, or a verdict is unknown.

    Notes
    -----
    Every row is one customer: the list is for those who work it. Customers are named only where it is asked for.
    Each line begins at 0 and has a scale of its own, so that heights compare months, not customers.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.ShiftListDisplay(
    ...     [[100.0, 110.0, 30.0], [10.0, 10.0, 40.0]], months=["2024-01", "2024-02", "2024-03"],
    ...     verdicts=["fall", "gain"], change=[-0.7, 3.0], money=[-75.0, 30.0], q=[0.001, 0.02])
    >>> display.names, display.n_falls
    (('1', '1'), 1)
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        amounts: ArrayLike,
        *,
        months: Sequence[str],
        verdicts: Sequence[str],
        change: Sequence[float] | FloatArray,
        money: Sequence[float] | FloatArray,
        q: Sequence[float] | FloatArray,
        expected: ArrayLike | None = None,
        recent: Sequence[bool] | BoolArray | None = None,
        shock: Sequence[bool] | BoolArray | None = None,
        names: Sequence[str] | None = None,
        n_falls: int | None = None,
        n_gains: int | None = None,
        title: str = "Largest shifts of spending",
    ) -> None:
        self.months, self.verdicts = require_distinct(months, "months"), tuple(verdicts)
        if not set(self.verdicts) <= set(_COLOURS):
            message = "verdicts must hold 'fall' and 'gain' only, one a row."
            raise DomainError(message)
        shape = (len(self.verdicts), len(self.months))
        self.amounts = _table(amounts, "amounts", shape, nulls=False)
        self.expected = None if expected is None else _table(expected, "expected", shape, nulls=True)
        self.change, self.money, self.q = (
            one_each(given, name, shape[0], nulls=True) if shape[0] else np.empty(0)
            for given, name in ((change, "change"), (money, "money"), (q, "q"))
        )
        if ((self.q < 0.0) | (self.q > 1.0)).any():
            message = "q holds numbers outside [0, 1]; allowed: adjusted p-values, or NaN."
            raise DomainError(message)
        self.recent, self.shock = _flags(recent, "recent", shape[1]), _flags(shock, "shock", shape[1])
        ranks = [self.verdicts[: place + 1].count(self.verdicts[place]) for place in range(shape[0])]
        self.names = tuple(str(rank) for rank in ranks) if names is None else tuple(names)
        if len(self.names) != shape[0]:
            message = f"names has {len(self.names)} entries; allowed: {shape[0]}, one a row."
            raise DomainError(message)
        self.n_falls, self.n_gains = (
            self.verdicts.count(word)
            if given is None
            else whole_number(given, argument, self.verdicts.count(word))
            for given, argument, word in ((n_falls, "n_falls", "fall"), (n_gains, "n_gains", "gain"))
        )
        self.title = title

    @classmethod
    def from_shifts(cls, shifts: SpendShifts, *, top: int = 10, customers: bool = False) -> Self:
        """Take the falls and the gains that move most money.

        Parameters
        ----------
        shifts : SpendShifts
            From ``wallet.spend_shifts(...)``.
        top : int, default=10
            At most so many falls, and so many gains, by money moved; those of the same money by their q, then in
            the order of the panel.
        customers : bool, default=False
            Whether the rows bear the customers' labels. False: ranks.

        Returns
        -------
        ShiftListDisplay
            Ready to be drawn.

        Raises
        ------
        DomainError
            If `top` is not a whole number from 1, or `customers` is not True or False.
        """
        many = require_top(top)
        named = unboxed(customers)
        if not isinstance(named, bool):
            message = "customers must be True or False."
            raise DomainError(message)
        moved = shifts.money_moved
        places: list[int] = []
        for word, money, q in (("fall", moved, shifts.q_fall), ("gain", -moved, shifts.q_gain)):
            mine = np.flatnonzero(shifts.verdict == word)
            places += mine[np.lexsort([q[mine], -money[mine]])][:many].tolist()
        paths = [shifts.path(shifts.customers[place]) for place in places]
        found = [str(shifts.verdict[place]) for place in places]
        shape = (len(places), len(shifts.in_shock))
        recent = np.zeros(shape[1], dtype=np.bool_)
        recent[shifts.recent] = True
        q_values = np.where(shifts.verdict == "fall", shifts.q_fall, shifts.q_gain)
        return cls(
            shifts.panel.amounts[places],
            months=shifts.panel.month_labels,
            verdicts=found,
            change=shifts.change[places],
            money=-moved[places],
            q=q_values[places],
            expected=np.array([path["expected"].to_numpy(dtype=np.float64) for path in paths]).reshape(shape),
            recent=recent,
            shock=shifts.in_shock,
            names=[str(shifts.customers[place]) for place in places] if named else None,
            n_falls=int(np.count_nonzero(shifts.verdict == "fall")),
            n_gains=int(np.count_nonzero(shifts.verdict == "gain")),
        )

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        r"""Draw one small line a row, with the figures at the right.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: names of rows and months, the title, ``"change"``, ``"money\na month"``,
            ``"q"``, ``"expected in an active month"``, ``"recent months, tested"``, ``"months of a shock"``,
            ``"no fall and no gain found"``, and, with the same braces, ``"falls: {drawn} of {count}"``,
            ``"gains: {drawn} of {count}"``.

        Returns
        -------
        ShiftListDisplay
            Itself, with `ax_` and `figure_`.
        """
        rows, count = self.amounts.shape
        figure, axes = axes_of(ax, (8.6, 2.4 + 0.42 * max(rows, 1)))
        for flags, name in ((self.recent, "recent"), (self.shock, "shock")):
            for place in np.flatnonzero(flags).tolist():
                axes.axvspan(place - 0.5, place + 0.5, zorder=0, gid=name, **_SHADES[name])
        for row in range(rows):
            self._draw(axes, row)
        if "fall" in self.verdicts and "gain" in self.verdicts:
            axes.axhline(self.verdicts.count("fall") - 0.5, color=GREY, linewidth=0.8, gid="between")
        if not rows:
            text = labels.get(_NONE, _NONE)
            axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", fontsize=9)
        axes.set_yticks(range(rows), [folded(labels.get(name, name), 24) for name in self.names], fontsize=8)
        axes.set_ylim(max(rows, 1) - 0.5, -0.5)
        axes.set_xlim(-0.5, count - 0.5)
        step = -(-count // _NAMED)
        named = range((count - 1) % step, count, step)
        axes.set_xticks(list(named), [labels.get(self.months[place], self.months[place]) for place in named],
                        fontsize=8)  # fmt: skip
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.set_title(labels.get(self.title, self.title), fontsize=11, pad=26.0)
        write_beside(axes, self._beside(labels), (0.6, 1.45, 2.1))
        if handles := self._handles(labels):
            legend_below(axes, figure, handles=handles, columns=3, drop=0.3)
        self.ax_, self.figure_ = axes, figure
        return self

    def _draw(self, axes: Axes, row: int) -> None:
        """Draw the line of a row, from 0 to its own largest amount, the recent months in colour."""
        amounts, colour = self.amounts[row], _COLOURS[self.verdicts[row]]
        expected = np.full(len(amounts), np.nan) if self.expected is None else self.expected[row]
        top = float(np.nanmax(np.concatenate([amounts, expected]))) or 1.0
        places = np.arange(len(amounts))

        def height(money: FloatArray) -> FloatArray:
            return row + _HIGH / 2 - _HIGH * money / top

        if not np.isnan(expected).all():
            axes.plot(places, height(expected), color=GREY, linewidth=0.9, linestyle=":", gid=f"expected {row}")
        axes.plot(places, height(amounts), color="#4D4D4D", linewidth=1.0, gid=f"amounts {row}")
        # The piece that leads to a recent month belongs to it.
        tested = np.flatnonzero(self.recent | np.append(self.recent[1:], False))
        if len(tested):
            axes.plot(places[tested], height(amounts)[tested], color=colour, linewidth=2.0, gid=f"recent {row}")

    def _beside(self, labels: Mapping[str, str]) -> list[tuple[str, list[str]]]:
        """Give the columns at the right."""
        largest = float(np.nanmax(np.abs(self.money), initial=0.0))
        digits = 0 if largest >= 100.0 else 2  # noqa: PLR2004 - three digits are enough
        columns = [
            ["-" if np.isnan(one) else f"{100.0 * one:+,.0f} %" for one in self.change],
            ["-" if np.isnan(one) else f"{one:+,.{digits}f}" for one in self.money],
            [p_text(float(one)) for one in self.q],
        ]
        return [(labels.get(head, head), texts) for head, texts in zip(_HEADS, columns, strict=True)]

    def _handles(self, labels: Mapping[str, str]) -> list[Any]:
        from matplotlib.patches import Patch  # noqa: PLC0415 - an extra

        handles: list[Any] = []
        for word, count in (("fall", self.n_falls), ("gain", self.n_gains)):
            if count:
                drawn = self.verdicts.count(word)
                text = filled(labels, _COUNTS[word], drawn=f"{drawn:,}", count=f"{count:,}")
                handles.append(key(text, _COLOURS[word], line="-"))
        if self.expected is not None and not np.isnan(self.expected).all():
            handles.append(key(labels.get(_EXPECTED, _EXPECTED), GREY, line=":"))
        for flags, name, text in ((self.recent, "recent", _RECENT), (self.shock, "shock", _SHOCK)):
            if flags.any():
                handles.append(Patch(label=labels.get(text, text), **_SHADES[name]))
        return handles


def _table(given: ArrayLike, argument: str, shape: tuple[int, int], *, nulls: bool) -> FloatArray:
    if not shape[0]:
        return np.empty(shape)
    numbers: FloatArray = _frames.numeric(given, argument=argument, nulls=nulls)
    if numbers.shape != shape:
        message = (
            f"{argument} has shape {numbers.shape}; allowed: {shape}, one row a customer, one column a month."
        )
        raise DomainError(message)
    return require_from_zero(numbers, argument)


def _flags(given: Sequence[bool] | BoolArray | None, argument: str, count: int) -> BoolArray:
    flags = np.zeros(count, dtype=np.bool_) if given is None else np.asarray(given)
    if flags.shape != (count,) or flags.dtype != np.bool_:
        message = f"{argument} has shape {flags.shape}; allowed: ({count},), one flag a month."
        raise DomainError(message)
    return flags
