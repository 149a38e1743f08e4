"""The display of the composite field: how often present holders of a new product had each old one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from custvalue._displays.axes import (
    BLUE,
    FEWEST,
    NO_LABELS,
    ORANGE,
    axes_of,
    filled,
    folded,
    legend_below,
    one_each,
    percent,
    require_counts,
    require_distinct,
    require_top,
    write_beside,
)
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from custvalue._typing import FloatArray
    from custvalue.basket import Substitution

#: Colour of each verdict.
_VERDICTS: Final = {
    "substitution": BLUE,
    "possible substitution": "#7FB2DD",
    "possible add-on": ORANGE,
    "no evidence": "#BDBDBD",
}
_FIELD = "{field}  {old} → {new}"
_CUSTOMERS = "present holders of the new product who had the old one before"
_SHARE, _INTERVAL = "share of present\nholders of the new", "{share} ({low} to {high})"
_FEW, _PART = "fewer than 5", "the first {drawn} of {count} combinations"
_PAIR: Final = 2


class CompositeFieldDisplay:
    """How many present holders of each new product had each old one before: the substitute pairs as bars.

    Parameters
    ----------
    fields : sequence of str
        Composite fields, such as "A1": a letter for the new product, a digit for the old one. Drawn from top to
        bottom.
    names : sequence of pair of str
        Old and new product of each field.
    customers : array_like of shape (n_fields,)
        Present holders of the new product who had the old one before.
    shares : array_like of shape (n_fields,)
        Their share of the present holders of the new product, in [0, 1]; NaN where it has none.
    intervals : array_like of shape (n_fields, 2), default=None
        Ends of an interval of the share.
    verdicts : sequence of str, default=None
        ``"substitution"``, ``"possible substitution"``, ``"possible add-on"`` or ``"no evidence"`` for each field.
    count : int, default=None
        Number of all fields, where these are only the first of them.
    title : str, default="What holders of the new product had before"
        Title of the picture.

    Attributes
    ----------
    fields : tuple of str
        Composite fields from top to bottom.
    names : tuple of tuple of str
        Old and new product of each.
    customers, shares : ndarray of shape (n_fields,)
        What the bars show, and what is written beside them.
    intervals : ndarray of shape (n_fields, 2) or None
        What is written behind the shares.
    verdicts : tuple of str or None
        What the colours show.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the numbers are not one a field, a share lies outside [0, 1], or a verdict is unknown.

    Notes
    -----
    A frequent combination may be nothing but two frequent products, or an old one that everybody had: the colour
    of a bar is the verdict of the tests, not of its length. A bar of one to four customers is not drawn.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.CompositeFieldDisplay(
    ...     ["A1", "A2"], names=[("passbook", "app"), ("card", "app")], customers=[75, 20], shares=[0.6, 0.16],
    ...     verdicts=["substitution", "no evidence"])
    >>> display.fields
    ('A1', 'A2')
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        fields: Sequence[str],
        *,
        names: Sequence[tuple[str, str]],
        customers: Sequence[float] | FloatArray,
        shares: Sequence[float] | FloatArray,
        intervals: Sequence[tuple[float, float]] | FloatArray | None = None,
        verdicts: Sequence[str] | None = None,
        count: int | None = None,
        title: str = "What holders of the new product had before",
    ) -> None:
        self.fields = require_distinct(fields, "fields")
        length = len(self.fields)
        self.names = tuple(tuple(pair) for pair in names)
        if len(self.names) != length or any(len(pair) != _PAIR for pair in self.names):
            message = f"names has {len(self.names)} entries; allowed: {length}, old and new product of each field."
            raise DomainError(message)
        self.customers = require_counts(one_each(customers, "customers", length), "customers")
        self.shares = _within(one_each(shares, "shares", length, nulls=True), "shares")
        self.intervals = None
        if intervals is not None:
            ends = np.asarray(intervals, dtype=np.float64)
            if ends.shape != (length, 2):
                message = f"intervals has shape {ends.shape}; allowed: {(length, 2)}, both ends of each share."
                raise DomainError(message)
            self.intervals = _within(ends, "intervals")
        self.verdicts = None if verdicts is None else tuple(verdicts)
        if self.verdicts is not None and (
            len(self.verdicts) != length or not set(self.verdicts) <= set(_VERDICTS)
        ):
            message = f"verdicts is {list(self.verdicts)}; allowed: {length} of {', '.join(_VERDICTS)}."
            raise DomainError(message)
        self.count, self.title = length if count is None else int(count), title

    @classmethod
    def from_substitution(cls, substitution: Substitution, *, top: int = 20) -> Self:
        """Take the composite field with the shares among present holders, and the verdicts.

        Parameters
        ----------
        substitution : Substitution
            From ``basket.substitution(...)`` or ``basket.substitution_between(...)``.
        top : int, default=20
            The most frequent combinations are drawn, at most so many; the picture says so.

        Returns
        -------
        CompositeFieldDisplay
            Ready to be drawn.

        Raises
        ------
        DomainError
            If `top` is not a whole number from 1.
        """
        whole = substitution.composite().merge(
            substitution.verdicts()[["label", "verdict"]], on="label", how="left"
        )
        frame = whole.head(require_top(top))
        return cls(
            [str(label) for label in frame["label"]],
            names=[(str(old), str(new)) for old, new in zip(frame["old"], frame["new"], strict=True)],
            customers=frame["customers"].to_numpy(dtype=np.float64),
            shares=frame["share_of_new_holders"].to_numpy(dtype=np.float64),
            intervals=frame[["low", "high"]].to_numpy(dtype=np.float64),
            verdicts=[str(verdict) for verdict in frame["verdict"]],
            count=len(whole),
        )

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        r"""Draw one bar a combination, with the share of the new product's present holders beside it.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: fields, products, verdicts, the title, ``"fewer than 5"``,
            ``"present holders of the new product who had the old one before"``,
            ``"share of present\nholders of the new"``, and, with the same braces,
            ``"{field}  {old} → {new}"``, ``"{share} ({low} to {high})"``,
            ``"the first {drawn} of {count} combinations"``.

        Returns
        -------
        CompositeFieldDisplay
            Itself, with `ax_` and `figure_`.
        """
        from matplotlib.ticker import MaxNLocator, StrMethodFormatter  # noqa: PLC0415 - an extra

        length = len(self.fields)
        figure, axes = axes_of(ax, (9.0, 1.9 + 0.36 * length))
        shown = np.where(self.customers < FEWEST, 0.0, self.customers)
        colours = [BLUE if self.verdicts is None else _VERDICTS[self.verdicts[k]] for k in range(length)]
        axes.barh(range(length), shown, color=colours, height=0.68, gid="bars")
        for place, customers in enumerate(self.customers):
            few = 0.0 < customers < FEWEST
            text = labels.get(_FEW, _FEW) if few else f"{int(customers):,}"
            axes.annotate(
                text, (shown[place], place), xytext=(4.0, 0.0), textcoords="offset points", va="center", fontsize=8
            )
        axes.set_yticks(range(length), [self._row(place, labels) for place in range(length)], fontsize=8)
        axes.set_ylim(length - 0.4, -0.6)
        # Room for the numbers behind the bars.
        axes.set_xlim(0.0, 1.18 * max(float(shown.max()), 1.0))
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.set_xlabel(labels.get(_CUSTOMERS, _CUSTOMERS))
        texts = [labels.get(self.title, self.title)]
        if self.count > length:
            texts.append(filled(labels, _PART, drawn=length, count=self.count))
        axes.set_title("\n".join(texts), fontsize=11, pad=26.0, linespacing=1.35)
        column = (labels.get(_SHARE, _SHARE), [self._share(place, labels) for place in range(length)])
        write_beside(axes, [column], [1.75])
        legend = self._handles(labels)
        if legend:
            legend_below(axes, figure, handles=legend, columns=len(legend))
        self.ax_, self.figure_ = axes, figure
        return self

    def _row(self, place: int, labels: Mapping[str, str]) -> str:
        old, new = (labels.get(name, name) for name in self.names[place])
        field = labels.get(self.fields[place], self.fields[place])
        return folded(filled(labels, _FIELD, field=field, old=old, new=new), 44)

    def _share(self, place: int, labels: Mapping[str, str]) -> str:
        share = float(self.shares[place])
        if np.isnan(share) or 0.0 < self.customers[place] < FEWEST:
            return "-"
        if self.intervals is None:
            return percent(share)
        low, high = (percent(float(end)).removesuffix(" %") for end in self.intervals[place])
        return filled(labels, _INTERVAL, share=percent(share), low=low, high=high)

    def _handles(self, labels: Mapping[str, str]) -> list[Any]:
        from matplotlib.patches import Patch  # noqa: PLC0415 - an extra

        if self.verdicts is None:
            return []
        return [
            Patch(color=colour, label=labels.get(verdict, verdict))
            for verdict, colour in _VERDICTS.items()
            if verdict in self.verdicts
        ]


def _within(numbers: FloatArray, argument: str) -> FloatArray:
    """Give shares, NaN among them; refuse those outside [0, 1]."""
    if ((numbers < 0.0) | (numbers > 1.0)).any():
        message = f"{argument} holds numbers outside [0, 1]; allowed: shares from 0 to 1, or NaN."
        raise DomainError(message)
    return numbers
