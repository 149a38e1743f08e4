"""The display of the bank's yearly income from customers: falls that a shock excuses, and alerts."""

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
    key,
    legend_below,
    one_each,
    percent,
    require_from_zero,
    scale_of,
)
from custvalue._spec import unboxed
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from custvalue._typing import BoolArray, FloatArray, IntArray
    from custvalue.wallet import IncomeAlerts

_YEAR, _INCOME, _INCOME_IN = "year", "income", "income, {scale}"
_NET, _GROSS = "income from customers", "gross income, with that from other banks"
_LINE, _MASKED = "{fall} below the year before: a fall begins", "year of a shock: a fall is excused"
_ALERT, _IGNORED, _EXPECTED = "alert", "fall that a shock excuses", "expected from earlier normal years"
_LOST = "lost {share}"
_GROWTH, _GROSS_GROWTH = "growth {growth}", "gross {growth}"
_RED: Final = PALETTE[1]


class IncomeAlertsDisplay:
    """The yearly income from customers, the level at which a fall begins, shocks, and alerts.

    Parameters
    ----------
    years : sequence of int
        Years, ascending without a gap, at least two.
    customer_income : array_like of shape (n_years,)
        Income from customers, above 0: without what other banks and the central bank paid.
    flagged : array_like of bool, shape (n_years,)
        Years that are alerts.
    income : array_like of shape (n_years,), default=None
        Gross income, from 0; None draws no second line.
    masked : array_like of bool, shape (n_years,), default=None
        Years of a shock, shaded.
    expected : array_like of shape (n_years,), default=None
        Income that was expected, drawn in flagged years; NaN where it is not known.
    threshold : float, default=-0.2
        Growth at or below which a year is a fall, in (-1, 0).
    title : str, default="Income from customers"
        Title of the picture.

    Attributes
    ----------
    years : ndarray of int64, shape (n_years,)
        Years.
    customer_income : ndarray of shape (n_years,)
        What the thick line shows.
    income, expected : ndarray of shape (n_years,) or None
        What the thin line and the marks show.
    flagged, masked : ndarray of bool, shape (n_years,)
        Which years are marked, and which are shaded.
    threshold : float
        Growth at or below which a year is a fall.
    lost_share : ndarray of shape (n_years,)
        Share of the expected income that is missing in flagged years; NaN elsewhere.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the numbers are not one a year, years have a gap, an income is not above 0, a flagged year is masked or
        the first, or the threshold is out of range.

    Notes
    -----
    The short line in each year lies at the income of the year before times 1 + threshold: income at or below it is
    a fall. Income starts at 0, so that heights can be compared.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.IncomeAlertsDisplay(
    ...     [2020, 2021, 2022], customer_income=[100.0, 110.0, 80.0], flagged=[False, False, True],
    ...     expected=[float("nan"), float("nan"), 121.0])
    >>> display.lost_share.round(2)
    array([ nan,  nan, 0.34])
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        years: Sequence[int] | IntArray,
        *,
        customer_income: Sequence[float] | FloatArray,
        flagged: Sequence[bool] | BoolArray,
        income: Sequence[float] | FloatArray | None = None,
        masked: Sequence[bool] | BoolArray | None = None,
        expected: Sequence[float] | FloatArray | None = None,
        threshold: float = -0.2,
        title: str = "Income from customers",
    ) -> None:
        found = one_each(np.asarray(years, dtype=np.float64), "years", len(years))
        if len(found) < 2 or (found != np.floor(found)).any() or (np.diff(found) != 1.0).any():  # noqa: PLR2004 - two
            message = "years must be at least 2 whole numbers, ascending without a gap."
            raise DomainError(message)
        self.years = found.astype(np.int64)
        count = len(self.years)
        self.customer_income = one_each(customer_income, "customer_income", count)
        if (self.customer_income <= 0.0).any():
            message = "customer_income must lie above 0 in every year."
            raise DomainError(message)
        self.income = None if income is None else require_from_zero(one_each(income, "income", count), "income")
        self.flagged = _flags(flagged, "flagged", count)
        self.masked = np.zeros(count, dtype=np.bool_) if masked is None else _flags(masked, "masked", count)
        if self.flagged[0]:
            message = "flagged names the first year, which has no growth."
            raise DomainError(message)
        if (self.flagged & self.masked).any():
            message = "flagged and masked name the same year; allowed: a year of a shock is no alert."
            raise DomainError(message)
        self.expected = None
        if expected is not None:
            self.expected = require_from_zero(one_each(expected, "expected", count, nulls=True), "expected")
        limit = unboxed(threshold)
        if not isinstance(limit, float) or not -1.0 < limit < 0.0:
            message = "threshold must be a number in (-1, 0): -0.2 is a fall of 20 %."
            raise DomainError(message)
        self.threshold, self.title = limit, title

    @classmethod
    def from_alerts(cls, alerts: IncomeAlerts, *, title: str = "Income from customers") -> Self:
        """Take the yearly series, its shocks and alerts.

        Parameters
        ----------
        alerts : IncomeAlerts
            From ``wallet.bank_income_alerts(...)``.
        title : str, default="Income from customers"
            Title of the picture; say so here if the series is constructed.

        Returns
        -------
        IncomeAlertsDisplay
            Ready to be drawn.
        """
        return cls(
            alerts.years,
            customer_income=alerts.customer_income,
            income=alerts.income,
            flagged=alerts.flagged,
            masked=[bool(why) for why in alerts.masked_by],
            expected=alerts.expected,
            threshold=alerts.threshold,
            title=title,
        )

    @property
    def lost_share(self) -> FloatArray:
        """Share of the expected income that is missing in flagged years; NaN elsewhere."""
        out = np.full(len(self.years), np.nan)
        if self.expected is not None:
            np.divide(self.customer_income, self.expected, out=out, where=self.flagged & (self.expected > 0.0))
        return np.asarray(1.0 - out)

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        """Draw the series, the level at which a fall begins, shocks and alerts.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: the title, ``"year"``, ``"income"``, ``"income from customers"``,
            ``"gross income, with that from other banks"``, ``"year of a shock: a fall is excused"``, ``"alert"``,
            ``"fall that a shock excuses"``, ``"expected from earlier normal years"``, ``"thousand"``,
            ``"million"``, ``"billion"``, and, with the same braces, ``"income, {scale}"``, ``"lost {share}"``,
            ``"growth {growth}"``, ``"gross {growth}"``,
            ``"{fall} below the year before: a fall begins"``.

        Returns
        -------
        IncomeAlertsDisplay
            Itself, with `ax_` and `figure_`.
        """
        from matplotlib.ticker import MaxNLocator, StrMethodFormatter  # noqa: PLC0415 - an extra

        figure, axes = axes_of(ax, (8.4, 5.2))
        years, known = self.years, self.flagged & ~np.isnan(self.lost_share)
        drawn = [self.customer_income]
        drawn += [] if self.income is None else [self.income]
        drawn += [] if self.expected is None else [self.expected[known]]
        top = float(np.concatenate(drawn).max())
        factor, scale = scale_of(top)
        net = self.customer_income / factor
        for year in years[self.masked]:
            axes.axvspan(year - 0.5, year + 0.5, color="#E4E4E4", linewidth=0.0, zorder=0, gid="shock")
        if self.income is not None:
            axes.plot(years, self.income / factor, color=GREY, linewidth=1.2, linestyle="--", gid="gross")
        axes.hlines(
            (1.0 + self.threshold) * net[:-1], years[1:] - 0.3, years[1:] + 0.3, color="black", linewidth=1.2,
            gid="threshold", zorder=2,
        )  # fmt: skip
        axes.plot(years, net, color=BLUE, linewidth=2.0, marker="o", markersize=4.5, gid="net", zorder=3)
        for chosen, colour, marker, name in (
            (self.flagged, _RED, "v", "alert"),
            (self._excused, GREY, "v", "ignored"),
        ):
            axes.plot(years[chosen], net[chosen], color=colour, marker=marker, markersize=11, linestyle="",
                      gid=name, zorder=4)  # fmt: skip
        if self.expected is not None:
            axes.plot(years[known], self.expected[known] / factor, color=_RED, marker="D", markersize=7,
                      markerfacecolor="white", linestyle="", gid="expected", zorder=4)  # fmt: skip
        for place in np.flatnonzero(self.flagged | self._excused).tolist():
            axes.annotate(
                self._told(place, labels), (years[place], net[place]), xytext=(0.0, -12.0),
                textcoords="offset points", ha="center", va="top", fontsize=8, linespacing=1.35, gid="told",
            )  # fmt: skip
        axes.set_xlim(years[0] - 0.5, years[-1] + 0.5)
        axes.set_ylim(0.0, 1.08 * top / factor)
        axes.xaxis.set_major_locator(MaxNLocator(12, integer=True))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
        axes.set_xlabel(labels.get(_YEAR, _YEAR))
        text = (
            filled(labels, _INCOME_IN, scale=labels.get(scale, scale)) if scale else labels.get(_INCOME, _INCOME)
        )
        axes.set_ylabel(text)
        axes.set_title(labels.get(self.title, self.title))
        legend_below(axes, figure, handles=self._handles(labels, expected=bool(known.any())))
        self.ax_, self.figure_ = axes, figure
        return self

    def _told(self, place: int, labels: Mapping[str, str]) -> str:
        """Write how far a year fell, by gross income too, and what was lost."""
        texts = [filled(labels, _GROWTH, growth=_signed(_growth(self.customer_income)[place]))]
        if self.income is not None and self.income[place - 1] > 0.0:
            texts.append(filled(labels, _GROSS_GROWTH, growth=_signed(_growth(self.income)[place])))
        if not np.isnan(self.lost_share[place]):
            texts.append(filled(labels, _LOST, share=percent(float(self.lost_share[place]))))
        return "\n".join(texts)

    @property
    def _excused(self) -> BoolArray:
        """Falls in a year of a shock."""
        growth = _growth(self.customer_income)
        # 800 / 1000 - 1 is not quite -0.2 in a computer.
        return np.asarray(self.masked & (growth <= self.threshold + 1e-12))

    def _handles(self, labels: Mapping[str, str], *, expected: bool) -> list[Any]:
        from matplotlib.patches import Patch  # noqa: PLC0415 - an extra

        handles: list[Any] = [key(labels.get(_NET, _NET), BLUE, marker="o", line="-")]
        if self.income is not None:
            handles.append(key(labels.get(_GROSS, _GROSS), GREY, line="--"))
        handles.append(key(filled(labels, _LINE, fall=f"{-100.0 * self.threshold:.4g} %"), "black", line="-"))
        if self.masked.any():
            handles.append(Patch(color="#E4E4E4", label=labels.get(_MASKED, _MASKED)))
        if self.flagged.any():
            handles.append(key(labels.get(_ALERT, _ALERT), _RED, marker="v"))
        if self._excused.any():
            handles.append(key(labels.get(_IGNORED, _IGNORED), GREY, marker="v"))
        if expected:
            handles.append(key(labels.get(_EXPECTED, _EXPECTED), _RED, marker="D", face="white"))
        return handles


def _flags(given: Sequence[bool] | BoolArray, argument: str, count: int) -> BoolArray:
    flags = np.asarray(given)
    if flags.shape != (count,) or flags.dtype != np.bool_:
        message = f"{argument} has shape {flags.shape}; allowed: ({count},), one flag a year."
        raise DomainError(message)
    return flags


def _growth(amounts: FloatArray) -> FloatArray:
    """Give the growth against the year before; NaN in the first year and after nothing."""
    out = np.full(len(amounts), np.nan)
    np.divide(amounts[1:], amounts[:-1], out=out[1:], where=amounts[:-1] > 0.0)
    return out - 1.0


def _signed(growth: float) -> str:
    return f"{100.0 * growth:+.1f} %"
