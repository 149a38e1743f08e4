"""The display of one customer's months: own path, path beside the peers, expectation and shocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from custvalue import _frames
from custvalue._displays.axes import (
    BLUE,
    NO_LABELS,
    PALETTE,
    amount_text,
    axes_of,
    filled,
    key,
    legend_below,
    one_each,
    require_distinct,
    require_from_zero,
    scale_of,
)
from custvalue._spec import unboxed
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from custvalue._typing import BoolArray, FloatArray
    from custvalue.wallet import SpendShifts

_AMOUNT, _AMOUNT_IN = "amount a month", "amount a month, {scale}"
_OWN, _ADJUSTED = "amount", "amount as in the peers' usual month"
_EXPECTED = "expected in an active month"
_RECENT, _BASELINE, _SHOCK = "recent months, tested", "months of the baseline", "months of a shock"
#: What the title says of each verdict.
_VERDICTS: Final = {
    "fall": "spending fell",
    "gain": "spending rose",
    "none": "no shift found",
    "masked": "a shift that a shock excuses",
    "not testable": "not testable",
}
_LESS, _MORE = "{money} a month less than expected ({change})", "{money} a month more than expected ({change})"
#: Most months that are named.
_NAMED: Final = 12
#: How the tested months and those of a shock are shaded; one can be both.
_SHADES: Final[dict[str, dict[str, Any]]] = {
    "recent": {"facecolor": "#FBE3CF", "edgecolor": "none"},
    "shock": {"facecolor": "none", "edgecolor": "#B8B8B8", "hatch": "////", "linewidth": 0.0},
}


class SpendPathDisplay:
    """The months of one customer: what came, what was to be expected, and which months are masked.

    Parameters
    ----------
    months : sequence of str
        Names of the months, in order.
    amount : array_like of shape (n_months,)
        Amounts, from 0.
    adjusted : array_like of shape (n_months,), default=None
        What each amount had been in a month that is usual for the peers, from 0.
    expected : array_like of shape (n_months,), default=None
        Amount to be expected from the baseline and the peers, from 0; NaN where nothing is.
    part : sequence of str, default=None
        ``"baseline"``, ``"recent"`` or empty, for each month.
    shock : array_like of bool, shape (n_months,), default=None
        Months that touch a shock.
    verdict : {"fall", "gain", "none", "masked", "not testable"}, default="none"
        What was found.
    reason : str, default=""
        Why nothing was found or tested.
    change, money_moved : float, default=None
        Actual against expected money, less 1, and money a month that was expected and did not come; None or NaN
        where it is not known.
    title : str, default="Path of one customer"
        Title of the picture.

    Attributes
    ----------
    months, part : tuple of str
        Names of the months, and what each is for.
    amount, adjusted, expected : ndarray of shape (n_months,) or None
        What the lines show.
    shock : ndarray of bool, shape (n_months,)
        Which months are shaded.
    verdict, reason : str
        What the title tells.
    change, money_moved : float
        What the title tells; NaN where it is not known.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the numbers are not one a month, an amount is negative, or a part or verdict is unknown.

    Notes
    -----
    The picture shows one customer's amounts: it is for those who may see them. It bears no name unless the title
    is replaced. The amount as in the peers' usual month is the amount without season and crisis. The money moved
    is that of a recent month against the expected one, active or not; of a customer who cannot be tested it is not
    told.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.SpendPathDisplay(
    ...     ["2024-01", "2024-02", "2024-03"], amount=[100.0, 110.0, 40.0], expected=[105.0, 105.0, 100.0],
    ...     part=["baseline", "baseline", "recent"], verdict="fall", change=-0.6, money_moved=60.0)
    >>> display.verdict, display.money_moved
    ('fall', 60.0)
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        months: Sequence[str],
        *,
        amount: Sequence[float] | FloatArray,
        adjusted: Sequence[float] | FloatArray | None = None,
        expected: Sequence[float] | FloatArray | None = None,
        part: Sequence[str] | None = None,
        shock: Sequence[bool] | BoolArray | None = None,
        verdict: str = "none",
        reason: str = "",
        change: float | None = None,
        money_moved: float | None = None,
        title: str = "Path of one customer",
    ) -> None:
        self.months = require_distinct(months, "months")
        count = len(self.months)
        self.amount = require_from_zero(one_each(amount, "amount", count), "amount")
        self.adjusted, self.expected = (
            None if given is None else require_from_zero(one_each(given, name, count, nulls=True), name)
            for given, name in ((adjusted, "adjusted"), (expected, "expected"))
        )
        self.part = ("",) * count if part is None else tuple(part)
        if len(self.part) != count or not set(self.part) <= {"baseline", "recent", ""}:
            message = f"part must hold {count} of 'baseline', 'recent' and '', one a month."
            raise DomainError(message)
        self.shock = np.zeros(count, dtype=np.bool_) if shock is None else np.asarray(shock)
        if self.shock.shape != (count,) or self.shock.dtype != np.bool_:
            message = f"shock has shape {self.shock.shape}; allowed: ({count},), one flag a month."
            raise DomainError(message)
        if verdict not in _VERDICTS:
            message = f"verdict is {verdict!r}; allowed: {', '.join(_VERDICTS)}."
            raise DomainError(message)
        self.verdict, self.reason, self.title = verdict, reason, title
        self.change, self.money_moved = _known(change, "change"), _known(money_moved, "money_moved")

    @classmethod
    def from_shifts(cls, shifts: SpendShifts, customer: object) -> Self:
        """Take the path of one customer.

        Parameters
        ----------
        shifts : SpendShifts
            From ``wallet.spend_shifts(...)``.
        customer : object
            Label of the customer.

        Returns
        -------
        SpendPathDisplay
            Ready to be drawn.

        Raises
        ------
        DomainError
            If no customer has the label.
        """
        path = shifts.path(customer)
        place = shifts.customers.index(customer)
        expected = path["expected"].to_numpy(dtype=np.float64)
        return cls(
            [str(month) for month in path["month"]],
            amount=path["amount"].to_numpy(dtype=np.float64),
            adjusted=path["adjusted"].to_numpy(dtype=np.float64),
            expected=None if np.isnan(expected).all() else expected,
            part=[str(one) for one in path["part"]],
            shock=path["shock"].to_numpy(dtype=np.bool_),
            verdict=str(shifts.verdict[place]),
            reason=str(shifts.reason[place]),
            change=float(shifts.change[place]),
            money_moved=float(shifts.money_moved[place]),
        )

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        """Draw the path, with the verdict and the money moved in the title.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: months, the title, the reason, ``"amount a month"``, ``"amount"``,
            ``"amount as in the peers' usual month"``, ``"expected in an active month"``,
            ``"recent months, tested"``, ``"months of the baseline"``, ``"months of a shock"``,
            ``"spending fell"``, ``"spending rose"``, ``"no shift found"``, ``"a shift that a shock excuses"``,
            ``"not testable"``, ``"thousand"``, ``"million"``, ``"billion"``, and, with the same braces,
            ``"amount a month, {scale}"``, ``"{money} a month less than expected ({change})"``,
            ``"{money} a month more than expected ({change})"``.

        Returns
        -------
        SpendPathDisplay
            Itself, with `ax_` and `figure_`.
        """
        from matplotlib.ticker import StrMethodFormatter  # noqa: PLC0415 - an extra

        figure, axes = axes_of(ax, (9.0, 5.0))
        series = [one for one in (self.amount, self.adjusted, self.expected) if one is not None]
        top = float(np.nanmax(np.concatenate(series)))
        factor, scale = scale_of(top)
        count = len(self.months)
        places = np.arange(count)
        recent = np.array([one == "recent" for one in self.part])
        for flags, name in ((recent, "recent"), (self.shock, "shock")):
            for place in places[flags].tolist():
                axes.axvspan(place - 0.5, place + 0.5, zorder=0, gid=name, **_SHADES[name])
        if self.expected is not None:
            axes.plot(places, self.expected / factor, color="black", linewidth=1.2, linestyle="--", gid="expected")
        if self.adjusted is not None:
            axes.plot(places, self.adjusted / factor, color=PALETTE[2], linewidth=1.4, gid="adjusted")
        axes.plot(places, self.amount / factor, color=BLUE, linewidth=2.0, gid="amount")
        tested = np.array([bool(one) for one in self.part])
        for chosen, face, name in ((tested & ~recent, "white", "baseline"), (recent, BLUE, "tested")):
            axes.plot(places[chosen], self.amount[chosen] / factor, color=BLUE, marker="o", markersize=4.5,
                      markerfacecolor=face, linestyle="", gid=name)  # fmt: skip
        axes.set_xlim(-0.5, count - 0.5)
        axes.set_ylim(0.0, 1.08 * (top or 1.0) / factor)
        # The last month is always named.
        named = range((count - 1) % -(-count // _NAMED), count, -(-count // _NAMED))
        axes.set_xticks(list(named), [labels.get(self.months[place], self.months[place]) for place in named],
                        rotation=30, ha="right")  # fmt: skip
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
        text = (
            filled(labels, _AMOUNT_IN, scale=labels.get(scale, scale)) if scale else labels.get(_AMOUNT, _AMOUNT)
        )
        axes.set_ylabel(text)
        axes.set_title("\n".join(self._headed(labels)), fontsize=11, linespacing=1.35)
        legend_below(axes, figure, handles=self._handles(labels, recent=bool(recent.any())), columns=3, drop=0.7)
        self.ax_, self.figure_ = axes, figure
        return self

    def _headed(self, labels: Mapping[str, str]) -> list[str]:
        verdict = _VERDICTS[self.verdict]
        texts = [labels.get(self.title, self.title), labels.get(verdict, verdict)]
        if self.reason:
            texts[-1] += f": {labels.get(self.reason, self.reason)}"
        if self.verdict != "not testable" and not np.isnan(self.money_moved):
            change = "-" if np.isnan(self.change) else f"{100.0 * self.change:+.0f} %"
            template = _LESS if self.money_moved >= 0.0 else _MORE
            texts.append(filled(labels, template, money=amount_text(abs(self.money_moved), labels), change=change))
        return texts

    def _handles(self, labels: Mapping[str, str], *, recent: bool) -> list[Any]:
        from matplotlib.patches import Patch  # noqa: PLC0415 - an extra

        handles: list[Any] = [key(labels.get(_OWN, _OWN), BLUE, line="-")]
        if self.adjusted is not None:
            handles.append(key(labels.get(_ADJUSTED, _ADJUSTED), PALETTE[2], line="-"))
        if self.expected is not None:
            handles.append(key(labels.get(_EXPECTED, _EXPECTED), "black", line="--"))
        if "baseline" in self.part:
            handles.append(key(labels.get(_BASELINE, _BASELINE), BLUE, marker="o", face="white"))
        for there, name, text in ((recent, "recent", _RECENT), (bool(self.shock.any()), "shock", _SHOCK)):
            if there:
                handles.append(Patch(label=labels.get(text, text), **_SHADES[name]))
        return handles


def _known(given: float | None, argument: str) -> float:
    """Give a number, NaN for None; refuse anything else."""
    number = np.nan if given is None else unboxed(given)
    if not isinstance(number, int | float) or isinstance(number, bool) or abs(number) > _frames.LARGEST:
        message = f"{argument} must be a number, or None."
        raise DomainError(message)
    return float(number)
