"""The display of what became of the holders of old products: moved, kept both, left, and the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import numpy as np

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
    one_each,
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

    from custvalue._typing import FloatArray
    from custvalue.basket import Substitution

#: Text, colour and hatching of each state; they can be told apart in grey too.
_LOOKS: Final[dict[str, tuple[str, str, str]]] = {
    "moved": ("moved to the new product", BLUE, ""),
    "kept_both": ("kept both", PALETTE[2], "\\\\\\\\"),
    "had_before": ("had the new product before", PALETTE[3], "...."),
    "took_later": ("took the new product later", PALETTE[4], "xxxx"),
    "left": ("gave up the old product", PALETTE[1], "////"),
    "stayed": ("kept the old product", "#BDBDBD", ""),
    "undecided": ("not yet decided", "#E3E3E3", "oo"),
}
_SHARE = "{state} ({share})"
_FACTS, _FEW_FACTS = "{customers} ({share})", "fewer than 5"
_FEW, _N = "flow of fewer than 5 customers", "n = {customers}"
_OLD, _NEW = "old product", "new product or outcome"
#: Inches that the label of a bar needs, and that a number in a flow needs.
_LABEL, _NUMBER = 0.36, 0.14
_BAR: Final = 0.025
_SIDES: Final = (_BAR, 1.0 - _BAR)
_PARTS: Final = 4


class _Flow(NamedTuple):
    """Customers of one old product, with one state, at one end."""

    old: int
    state: str
    end: int
    customers: float


class SubstitutionFlowDisplay:
    """What became of the holders of old products, as ribbons to the new products and to other ends.

    Parameters
    ----------
    flows : sequence of tuple
        Old product, state, new product (None where there is none), customers; each combination once. States are
        ``"moved"``, ``"kept_both"``, ``"had_before"``, ``"took_later"``, ``"left"``, ``"stayed"`` and
        ``"undecided"``.
    old, new : sequence of str, default=None
        Products from top to bottom; None takes the order in which they come first. Those without a flow are left
        out.
    title : str, default="What became of the holders"
        Title of the picture.

    Attributes
    ----------
    old : tuple of str
        Old products from top to bottom.
    ends : tuple of str
        New products, then the states that lead to none.
    flows : tuple of tuple
        Place of the old product, state, place of the end, customers.
    shares : dict of str to float
        Share of all holders in each state.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If a flow is not as described or comes twice, or there is no customer.

    Notes
    -----
    Heights are holders, to one scale on both sides: who holds two of the old products counts for both. The numbers
    in the ribbons are shares of the holders of the old product; they are written where there is room. A flow of
    one to four customers is drawn as a dashed line without a number, and a bar of as few has no count; heights and
    the other numbers still tell them to those who subtract.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.SubstitutionFlowDisplay(
    ...     [("passbook", "moved", "app", 60), ("passbook", "kept_both", "app", 15),
    ...      ("passbook", "left", None, 25)])
    >>> display.ends
    ('app', 'left')
    >>> display.shares
    {'moved': 0.6, 'kept_both': 0.15, 'left': 0.25}
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        flows: Sequence[tuple[str, str, str | None, float]],
        *,
        old: Sequence[str] | None = None,
        new: Sequence[str] | None = None,
        title: str = "What became of the holders",
    ) -> None:
        rows: list[tuple[Any, ...]] = [tuple(flow) for flow in flows]
        for row in rows:
            if len(row) != _PARTS or row[1] not in _LOOKS:
                message = (
                    f"flows holds {row!r}; allowed: old product, one of {', '.join(_LOOKS)}, new product, count."
                )
                raise DomainError(message)
        if len({row[:3] for row in rows}) < len(rows):
            message = "flows names a combination twice; allowed: each old product, state and new product once."
            raise DomainError(message)
        numbers = one_each([row[3] for row in rows], "customers", len(rows)) if rows else np.empty(0)
        numbers = require_counts(numbers, "customers")
        if not numbers.sum() > 0.0:
            message = "flows counts no customer; allowed: at least one."
            raise DomainError(message)
        self.old = _ordered([row[0] for row in rows], old, "old")
        self._new = _ordered([row[2] for row in rows if row[2] is not None], new, "new")
        states = [state for state in _LOOKS if any(row[1] == state and row[2] is None for row in rows)]
        self.ends = (*self._new, *states)
        self.flows = tuple(
            _Flow(
                self.old.index(row[0]),
                row[1],
                len(self._new) + states.index(row[1]) if row[2] is None else self._new.index(row[2]),
                float(customers),
            )
            for row, customers in zip(rows, numbers, strict=True)
        )
        self.title = title

    @classmethod
    def from_substitution(cls, substitution: Substitution) -> Self:
        """Take the flows of a substitution, each holder of an old product once.

        Parameters
        ----------
        substitution : Substitution
            From ``basket.substitution(...)`` or ``basket.substitution_between(...)``.

        Returns
        -------
        SubstitutionFlowDisplay
            Ready to be drawn; among several new products as ``substitution.sankey()`` decides.
        """
        rows = [
            (str(old), str(state), new if isinstance(new, str) else None, float(customers))
            for old, state, new, customers in substitution.sankey().itertuples(index=False)
        ]
        return cls(rows, old=substitution.old, new=substitution.new)

    @property
    def shares(self) -> dict[str, float]:
        """Share of all holders in each state."""
        total = sum(flow.customers for flow in self.flows)
        found = {
            state: sum(flow.customers for flow in self.flows if flow.state == state) / total for state in _LOOKS
        }
        return {state: share for state, share in found.items() if share > 0.0}

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        """Draw the old products at the left, the new ones and other ends at the right, and ribbons between them.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: products, the title, ``"moved to the new product"``, ``"kept both"``,
            ``"had the new product before"``, ``"took the new product later"``, ``"gave up the old product"``,
            ``"kept the old product"``, ``"not yet decided"``, ``"old product"``, ``"new product or outcome"``,
            ``"fewer than 5"``, ``"flow of fewer than 5 customers"``, and, with the same braces,
            ``"{state} ({share})"``, ``"{customers} ({share})"``, ``"n = {customers}"``.

        Returns
        -------
        SubstitutionFlowDisplay
            Itself, with `ax_` and `figure_`.
        """
        sums = [self._sums(side) for side in (0, 1)]
        most = max(len(sums[0]), len(sums[1]))
        inside = 2.6 + _LABEL * most
        figure, axes = axes_of(ax, (8.6, inside + 1.7))
        if ax is not None:
            inside = axes.get_window_extent().height / figure.dpi
        total = float(sums[0].sum())
        scale = (1.0 - min(_LABEL * most / inside, 0.8)) / total
        tops = [_tops(numbers, scale) for numbers in sums]
        self._draw_flows(axes, tops, scale, _NUMBER / inside)
        for side in (0, 1):
            self._draw_bars(axes, side, tops[side], sums[side] * scale, labels)
        axes.set_xlim(0.0, 1.0)
        axes.set_ylim(0.0, 1.0)
        axes.set_axis_off()
        n = filled(labels, _N, customers=f"{int(total):,}")
        axes.set_title(f"{labels.get(self.title, self.title)}\n{n}", fontsize=11, pad=22.0, linespacing=1.35)
        legend_below(axes, figure, handles=self._handles(labels), columns=2, drop=0.1)
        self.ax_, self.figure_ = axes, figure
        return self

    def _sums(self, side: int) -> FloatArray:
        """Give the customers of each bar of a side."""
        names = self.ends if side else self.old
        places = [flow.end if side else flow.old for flow in self.flows]
        customers = [flow.customers for flow in self.flows]
        return np.bincount(places, weights=customers, minlength=len(names)).astype(np.float64)

    def _name(self, side: int, place: int, labels: Mapping[str, str]) -> str:
        name = self.ends[place] if side else self.old[place]
        if side and place >= len(self._new):
            name = _LOOKS[name][0]
        return folded(labels.get(name, name), 22)

    def _draw_flows(self, axes: Axes, tops: Sequence[FloatArray], scale: float, number: float) -> None:
        """Draw the ribbons, broad ones first, so that narrow ones stay in sight."""
        from matplotlib.patches import PathPatch  # noqa: PLC0415 - an extra

        states = list(_LOOKS)
        starts = self._stacked(
            tops[0], scale, [(flow.old, flow.end, states.index(flow.state)) for flow in self.flows]
        )
        ends = self._stacked(
            tops[1], scale, [(flow.end, flow.old, states.index(flow.state)) for flow in self.flows]
        )
        holders = self._sums(0)
        for place in sorted(range(len(self.flows)), key=lambda k: -self.flows[k].customers):
            flow = self.flows[place]
            height, left, right = flow.customers * scale, starts[place], ends[place]
            _, colour, hatch = _LOOKS[flow.state]
            name = f"{self.old[flow.old]} -> {flow.state} -> {self.ends[flow.end]}"
            if flow.customers < FEWEST:
                if flow.customers:
                    path = ribbon((left - height / 2, right - height / 2), None, sides=_SIDES)
                    look: dict[str, Any] = {"fill": False, "edgecolor": colour, "linestyle": "--"}
                    axes.add_patch(PathPatch(path, linewidth=1.0, gid=name, **look))
                continue
            axes.add_patch(
                PathPatch(
                    ribbon((left, right), height, sides=_SIDES), facecolor=(colour, 0.62), edgecolor=colour,
                    linewidth=0.4, hatch=hatch, gid=name,
                )
            )  # fmt: skip
            if height >= number:
                axes.text(
                    _BAR + 0.012, left - height / 2, percent(flow.customers / float(holders[flow.old])), ha="left",
                    va="center", fontsize=7.5, zorder=5,
                    bbox={"facecolor": "white", "alpha": 0.75 if hatch else 0.0, "linewidth": 0.0, "pad": 0.6},
                )  # fmt: skip

    def _stacked(self, tops: FloatArray, scale: float, order: Sequence[tuple[int, int, int]]) -> list[float]:
        """Give the upper end of each flow at one side: from the top of its bar downwards, in an order."""
        used = np.array(tops)
        found = [0.0] * len(order)
        for place in sorted(range(len(order)), key=lambda k: order[k]):
            bar = order[place][0]
            found[place] = float(used[bar])
            used[bar] -= self.flows[place].customers * scale
        return found

    def _draw_bars(
        self, axes: Axes, side: int, tops: FloatArray, heights: FloatArray, labels: Mapping[str, str]
    ) -> None:
        """Draw the bars of one side with their names, customers and shares."""
        x, away, across = (0.0, -6.0, "right") if side == 0 else (1.0, 6.0, "left")
        axes.bar(
            [x + (0.5 - side) * _BAR] * len(tops), heights, bottom=tops - heights, width=_BAR, color="#404040",
            linewidth=0.0, zorder=4, gid=f"side {side}",
        )  # fmt: skip
        sums = self._sums(side)
        for place, (top, height, customers) in enumerate(zip(tops, heights, sums, strict=True)):
            share = percent(float(customers / sums.sum()))
            facts = filled(labels, _FACTS, customers=f"{int(customers):,}", share=share)
            if 0.0 < customers < FEWEST:
                facts = labels.get(_FEW_FACTS, _FEW_FACTS)
            axes.annotate(
                f"{self._name(side, place, labels)}\n{facts}", (x, top - height / 2.0), xytext=(away, 0.0),
                textcoords="offset points", ha=across, va="center", fontsize=8, annotation_clip=False,
            )  # fmt: skip
        head = _NEW if side else _OLD
        axes.annotate(
            labels.get(head, head), (x, 1.0), xytext=(away, 4.0), textcoords="offset points", ha=across,
            va="bottom", fontsize=9.5, fontweight="bold", annotation_clip=False,
        )  # fmt: skip

    def _handles(self, labels: Mapping[str, str]) -> list[Any]:
        from matplotlib.patches import Patch  # noqa: PLC0415 - an extra

        handles: list[Any] = []
        for state, share in self.shares.items():
            text, colour, hatch = _LOOKS[state]
            whole = filled(labels, _SHARE, state=labels.get(text, text), share=percent(share))
            handles.append(Patch(facecolor=(colour, 0.62), edgecolor=colour, hatch=hatch, label=whole))
        if any(0.0 < flow.customers < FEWEST for flow in self.flows):
            handles.append(key(labels.get(_FEW, _FEW), GREY, line="--"))
        return handles


def _ordered(names: Sequence[str], order: Sequence[str] | None, argument: str) -> tuple[str, ...]:
    """Give the names, each once, in the order wanted or in that in which they come."""
    found = dict.fromkeys(names)
    if order is None:
        return tuple(found)
    wanted = require_distinct(order, argument)
    unknown = [name for name in found if name not in wanted]
    if unknown:
        message = f"{argument} is {list(wanted)}, without {unknown[0]!r} of flows; allowed: all products of flows."
        raise DomainError(message)
    return tuple(name for name in wanted if name in found)


def _tops(sums: FloatArray, scale: float) -> FloatArray:
    """Give the upper end of each bar, the first one on top; half a gap lies around each."""
    heights = sums * scale
    gap = (1.0 - float(heights.sum())) / len(sums)
    above = np.concatenate(([0.0], np.cumsum(heights + gap)[:-1]))
    tops: FloatArray = 1.0 - above - gap / 2.0
    return tops
