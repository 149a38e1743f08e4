"""The display of how customers flow between the tiers of two periods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from custvalue import _frames
from custvalue._displays.axes import (
    BLUE,
    FEWEST,
    GREY,
    NO_LABELS,
    PALETTE,
    axes_of,
    filled,
    folded,
    key,
    legend_below,
    percent,
    require_counts,
    require_distinct,
)
from custvalue._displays.ribbons import ribbon
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from custvalue._typing import FloatArray, Table
    from custvalue.tiers import MigrationMatrix

_UP, _KEPT, _DOWN = "moved up ({share})", "stayed ({share})", "moved down ({share})"
_MOVED, _OUTSIDE = "moved ({share})", "came or went ({share})"
_FACTS, _FEW_FACTS = "{customers} ({share})", "fewer than 5"
_FEW, _N = "flow of fewer than 5 customers", "n = {customers}"
_BEFORE, _AFTER = "before", "after"
#: Colour and hatching of each kind of flow; they can be told apart in grey too.
_LOOKS: Final = {
    _KEPT: ("#BDBDBD", ""),
    _UP: (BLUE, ""),
    _DOWN: (PALETTE[1], "////"),
    _MOVED: (PALETTE[4], ""),
    _OUTSIDE: (PALETTE[3], "...."),
}
#: Inches that the label of a tier needs, and that a number in a flow needs.
_LABEL, _NUMBER = 0.34, 0.14
_BAR: Final = 0.025
_SIDES: Final = (_BAR, 1.0 - _BAR)
_PERIODS: Final = 2
#: What a replay calls customers without a row, where they are a state.
ABSENT: Final = "absent"


class TierMigrationDisplay:
    """How customers flow between the tiers of two periods, as an alluvial diagram.

    Parameters
    ----------
    tiers : sequence of str
        Names of the tiers from low to high; the highest is drawn on top.
    customers : table of shape (n_tiers, n_tiers)
        Customers from the row's tier to the column's.
    periods : pair of str, default=("before", "after")
        Names of the two periods.
    ordered : bool, default=True
        Whether a later tier is higher. Where it is not, as between the cells of a value matrix, a customer has
        moved or stayed.
    outside : sequence of str, default=()
        Tiers that stand outside the ladder, such as customers who are absent: who changes to or from them has come
        or gone.
    title : str, default="Tier migration"
        Title of the picture.

    Attributes
    ----------
    tiers : tuple of str
        Names of the tiers from low to high.
    customers : ndarray of shape (n_tiers, n_tiers)
        What is drawn.
    periods : tuple of str
        Names of the two periods.
    ordered : bool
        Whether a later tier is higher.
    outside : tuple of str
        Tiers outside the ladder.
    shares : dict of str to float
        Share of all customers for each kind of flow that is drawn.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the table does not fit the tiers, holds numbers that count nobody or nobody at all, or `periods` and
        `outside` are not as described.

    Notes
    -----
    Heights are customers, to one scale on both sides. The numbers in the flows are shares of the tier that the
    customers come from; they are written where there is room. A flow of one to four customers is drawn as a dashed
    line without a number, and a tier of as few has no count; the rule is ours. Heights and the numbers beside them
    still tell such a flow to those who subtract: :class:`SegmentMigrationDisplay` hides it from them too. The
    diagram is that of an alluvial chart (Rosvall and Bergstrom 2010 [1]_) with two columns.

    References
    ----------
    .. [1] Rosvall, M. and Bergstrom, C. T. (2010). Mapping change in large networks. *PLoS ONE*, 5(1), e8694.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.TierMigrationDisplay(["basic", "gold"], customers=[[70, 10], [5, 15]])
    >>> display.shares
    {'stayed': 0.85, 'moved up': 0.1, 'moved down': 0.05}
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        tiers: Sequence[str],
        *,
        customers: Table,
        periods: Sequence[str] = (_BEFORE, _AFTER),
        ordered: bool = True,
        outside: Sequence[str] = (),
        title: str = "Tier migration",
    ) -> None:
        self.tiers = require_distinct(tiers, "tiers")
        self.customers = require_counts(_frames.numeric(customers, argument="customers"), "customers")
        shape = (len(self.tiers), len(self.tiers))
        if self.customers.shape != shape or not self.customers.sum() > 0.0:
            message = (
                f"customers has shape {self.customers.shape} and counts {self.customers.sum():,.0f}; allowed: "
                f"{shape}, from the row's tier to the column's, at least one customer."
            )
            raise DomainError(message)
        self.periods = tuple(periods) if np.iterable(periods) else ()
        if isinstance(periods, str) or len(self.periods) != _PERIODS:
            message = f"periods is {periods!r}; allowed: two names, of the period before and the one after."
            raise DomainError(message)
        self.outside = tuple(outside) if np.iterable(outside) else ()
        if isinstance(outside, str) or not np.iterable(outside) or not set(self.outside) <= set(self.tiers):
            message = f"outside is {outside!r}; allowed: a sequence of {list(self.tiers)}."
            raise DomainError(message)
        self.ordered, self.title = bool(ordered), title

    @classmethod
    def from_migration(
        cls,
        migration: MigrationMatrix,
        *,
        periods: Sequence[str] = (_BEFORE, _AFTER),
        ordered: bool = True,
    ) -> Self:
        """Take the migration of a cohort of customers.

        Parameters
        ----------
        migration : MigrationMatrix
            From ``tiers.migration_matrix(...)``, ``replay.migrations(...)`` or ``replay.migration(...)``, without
            weights. A state named ``"absent"`` stands outside the ladder, at the bottom.
        periods : pair of str, default=("before", "after")
            Names of the two periods.
        ordered : bool, default=True
            Whether a later state is higher; False for cells of a value matrix and for segments.

        Returns
        -------
        TierMigrationDisplay
            Ready to be drawn.

        Raises
        ------
        DomainError
            If the customers are weighted: how many stand behind a flow is then not known.
        """
        if migration.weighted:
            message = (
                "migration is weighted, so it does not tell how many customers a flow has and may show a single "
                "one's money; allowed: a migration that counts customers, made without weights."
            )
            raise DomainError(message)
        absent = np.array([name == ABSENT for name in migration.states])
        order = np.argsort(~absent, kind="stable")
        return cls(
            [migration.states[place] for place in order],
            customers=np.asarray(migration.counts)[np.ix_(order, order)],
            periods=periods,
            ordered=ordered,
            outside=[ABSENT] * bool(absent.any()),
        )

    @property
    def shares(self) -> dict[str, float]:
        """Share of all customers for each kind of flow that is drawn."""
        found: dict[str, float] = {}
        for kind in _LOOKS:
            flows = [
                count for (start, end), count in np.ndenumerate(self.customers) if self._kind(start, end) == kind
            ]
            if any(flows) or kind == _KEPT:
                found[kind.removesuffix(" ({share})")] = float(sum(flows) / self.customers.sum())
        return found

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        """Draw the tiers of both periods as bars, the highest on top, and the customers between them as bands.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: tiers, periods, the title, ``"fewer than 5"``,
            ``"flow of fewer than 5 customers"``, and, with the same braces, ``"n = {customers}"``,
            ``"{customers} ({share})"``, ``"moved up ({share})"``, ``"stayed ({share})"``,
            ``"moved down ({share})"``, ``"moved ({share})"``, ``"came or went ({share})"``.

        Returns
        -------
        TierMigrationDisplay
            Itself, with `ax_` and `figure_`.
        """
        count = len(self.tiers)
        inside = 3.2 + _LABEL * count
        figure, axes = axes_of(ax, (8.4, inside + 1.5))
        if ax is not None:
            inside = axes.get_window_extent().height / figure.dpi
        gap = min(_LABEL / inside, 0.8 / count)
        scale = (1.0 - gap * count) / float(self.customers.sum())
        tops = [self._tops(self.customers.sum(axis=1 - side), scale, gap) for side in (0, 1)]
        self._draw_flows(axes, tops, scale, _NUMBER / inside)
        for side in (0, 1):
            self._draw_bars(axes, side, tops[side], scale, labels)
        axes.set_xlim(0.0, 1.0)
        axes.set_ylim(0.0, 1.0)
        axes.set_axis_off()
        n = filled(labels, _N, customers=f"{int(self.customers.sum()):,}")
        axes.set_title(f"{labels.get(self.title, self.title)}\n{n}", fontsize=11, pad=22.0)
        legend_below(axes, figure, handles=self._handles(labels), columns=4 if ax is None else 2, drop=0.1)
        self.ax_, self.figure_ = axes, figure
        return self

    def _kind(self, start: int, end: int) -> str:
        """Give what it means to go from one tier to another."""
        if start == end:
            return _KEPT
        if {self.tiers[start], self.tiers[end]} & set(self.outside):
            return _OUTSIDE
        if not self.ordered:
            return _MOVED
        return _UP if end > start else _DOWN

    def _tops(self, sums: FloatArray, scale: float, gap: float) -> FloatArray:
        """Give the upper end of each tier's bar, the last tier on top; half a gap lies around each."""
        below = np.concatenate(([0.0], np.cumsum(sums * scale + gap)[:-1]))
        tops: FloatArray = below + gap / 2.0 + sums * scale
        return tops

    def _draw_flows(self, axes: Axes, tops: Sequence[FloatArray], scale: float, number: float) -> None:
        """Draw the bands, those who stayed first and then the broad ones, so that narrow ones stay in sight."""
        from matplotlib.patches import PathPatch  # noqa: PLC0415 - an extra

        heights = self.customers * scale
        # From the top of a bar downwards: first those who go to, or come from, the highest tier.
        start = tops[0][:, None] - (np.cumsum(heights[:, ::-1], axis=1)[:, ::-1] - heights)
        end = tops[1][None, :] - (np.cumsum(heights[::-1], axis=0)[::-1] - heights)
        totals = self.customers.sum(axis=1)
        flows = [place for place, count in np.ndenumerate(self.customers) if count > 0.0]
        flows.sort(key=lambda place: (place[0] != place[1], -self.customers[place]))
        for place in flows:
            colour, hatch = _LOOKS[self._kind(*place)]
            name = f"{self.tiers[place[0]]} -> {self.tiers[place[1]]}"
            left, right, height = float(start[place]), float(end[place]), float(heights[place])
            if self.customers[place] < FEWEST:
                path = ribbon((left - height / 2, right - height / 2), None, sides=_SIDES)
                axes.add_patch(
                    PathPatch(path, fill=False, edgecolor=colour, linestyle="--", linewidth=1.0, gid=name)
                )
                continue
            axes.add_patch(
                PathPatch(
                    ribbon((left, right), height, sides=_SIDES), facecolor=(colour, 0.62), edgecolor=colour,
                    linewidth=0.4, hatch=hatch, gid=name,
                )
            )  # fmt: skip
            if height >= number:
                share = percent(float(self.customers[place] / totals[place[0]]))
                axes.text(
                    _BAR + 0.012, left - height / 2, share, ha="left", va="center", fontsize=7.5, zorder=5,
                    bbox={"facecolor": "white", "alpha": 0.75 if hatch else 0.0, "linewidth": 0.0, "pad": 0.6},
                )  # fmt: skip

    def _draw_bars(self, axes: Axes, side: int, tops: FloatArray, scale: float, labels: Mapping[str, str]) -> None:
        """Draw the tiers of one period with their names, customers and shares."""
        sums = self.customers.sum(axis=1 - side)
        x, away, across = (0.0, -6.0, "right") if side == 0 else (1.0, 6.0, "left")
        axes.bar(
            [x + (0.5 - side) * _BAR] * len(tops), sums * scale, bottom=tops - sums * scale, width=_BAR,
            color="#404040", linewidth=0.0, zorder=4, gid=f"period {side}",
        )  # fmt: skip
        for name, top, customers in zip(self.tiers, tops, sums, strict=True):
            share = percent(float(customers / sums.sum()))
            facts = filled(labels, _FACTS, customers=f"{int(customers):,}", share=share)
            if 0.0 < customers < FEWEST:
                facts = labels.get(_FEW_FACTS, _FEW_FACTS)
            text = f"{labels.get(name, name)}\n{facts}"
            axes.annotate(
                text, (x, top - customers * scale / 2.0), xytext=(away, 0.0), textcoords="offset points",
                ha=across, va="center", fontsize=8, annotation_clip=False,
            )  # fmt: skip
        head = folded(labels.get(self.periods[side], self.periods[side]), 24)
        axes.annotate(
            head, (x, 1.0), xytext=(away, 4.0), textcoords="offset points", ha=across, va="bottom", fontsize=9.5,
            fontweight="bold", annotation_clip=False,
        )  # fmt: skip

    def _handles(self, labels: Mapping[str, str]) -> list[Any]:
        from matplotlib.patches import Patch  # noqa: PLC0415 - an extra

        handles: list[Any] = []
        for kind, (colour, hatch) in _LOOKS.items():
            share = self.shares.get(kind.removesuffix(" ({share})"))
            if share is not None:
                text = filled(labels, kind, share=percent(share))
                handles.append(Patch(facecolor=(colour, 0.62), edgecolor=colour, hatch=hatch, label=text))
        if ((self.customers > 0.0) & (self.customers < FEWEST)).any():
            handles.append(key(labels.get(_FEW, _FEW), GREY, line="--"))
        return handles
