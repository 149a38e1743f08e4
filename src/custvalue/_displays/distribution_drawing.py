"""How a distribution is drawn: bars, curves and bounds in a panel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from custvalue._displays.axes import BLUE, PALETTE, key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from custvalue._typing import FloatArray

Kind: TypeAlias = Literal["histogram", "ecdf"]

OPEN = "all customers beyond the axis"
BOUNDS = "bounds of the scaler"
OUTSIDE = "bound beyond the axis"
#: Inches of a panel, and around it for its title, its axis and the gap to the next one.
_PANEL: Final = (2.75, 1.55)
_LEFT, _ABOVE, _BELOW = 0.62, 0.5, 0.52
_ONE: Final = (6.4, 4.2)
#: Bars above this number have no lines between them.
_MANY_BARS: Final = 60
_FEW_DECADES, _MOST_TICKS = 2.0, 6


def layout_of(count: int) -> tuple[int, tuple[float, float], list[tuple[float, float, float, float]]]:
    """Give the panels in a row, the figure's size and the place of each panel as shares of the whole."""
    across = min(count, 3 if count != 4 else 2)  # noqa: PLR2004 - four make a square
    down = math.ceil(count / across)
    wide, high = _PANEL[0] + _LEFT, _PANEL[1] + _ABOVE + _BELOW
    places = []
    for k in range(count):
        row, column = divmod(k, across)
        left, bottom = column + 0.9 * _LEFT / wide, down - 1 - row + _BELOW / high
        width, height = 0.98 * _PANEL[0] / wide, _PANEL[1] / high
        places.append((left / across, bottom / down, width / across, height / down))
    return across, (across * wide, down * high + 0.7) if count > 1 else _ONE, places


def places_of(numbers: FloatArray) -> FloatArray:
    """Give places on a logarithmic axis; what is not positive lies infinitely far below."""
    with np.errstate(divide="ignore", invalid="ignore"):
        places: FloatArray = np.where(numbers > 0.0, np.log10(numbers), -np.inf)
    return places


def draw_bars(panel: Axes, edges: FloatArray, shares: FloatArray, width: float) -> None:
    """Draw one bar a bin, at its share per narrowest bin; open bins beside the others."""
    inner = np.isfinite(edges[:-1]) & np.isfinite(edges[1:])
    widths = np.diff(edges)[inner]
    panel.bar(
        edges[:-1][inner], shares[inner] * width / widths, width=widths, align="edge", color=BLUE,
        edgecolor="white", linewidth=0.3 if len(shares) <= _MANY_BARS else 0.0, gid="bins",
    )  # fmt: skip
    for place, ends in ((0, edges[1] - 1.5 * width), (-1, edges[-2] + 0.5 * width)):
        if not inner[place]:
            panel.bar(
                ends, shares[place], width=width, align="edge", color="white", edgecolor=BLUE, hatch="//////",
                linewidth=0.6, gid="open",
            )  # fmt: skip


def draw_curve(panel: Axes, edges: FloatArray, shares: FloatArray, width: float) -> None:
    """Draw the cumulative shares, dotted where they go on beyond the axis."""
    heights = np.concatenate(([0.0], np.cumsum(shares)))
    closed = np.isfinite(edges)
    panel.plot(edges[closed], heights[closed], color=BLUE, linewidth=1.5, gid="curve")
    for place, inside, away in ((0, 1, -1.5), (-1, -2, 1.5)):
        if not closed[place]:
            ends = (edges[inside], edges[inside] + away * width)
            panel.plot(ends, heights[[inside, place]], color=BLUE, linewidth=1.5, linestyle=":", gid="open")


def draw_bounds(panel: Axes, bounds: FloatArray, ends: tuple[float, float], *, log: bool) -> list[str]:
    """Draw the bounds of a scaler, those beyond the closed bins as arrows; tell which kinds there are."""
    low, high = ends
    found = []
    for bound in (places_of(bounds) if log else bounds).tolist():
        if low <= bound <= high:
            panel.axvline(bound, color=PALETTE[1], linewidth=1.3, linestyle="--", gid="bound")
            found.append(BOUNDS)
            continue
        end, marker = (0.0, "<") if bound < low else (1.0, ">")
        panel.plot(
            [end], [0.5], transform=panel.transAxes, color=PALETTE[1], marker=marker, markersize=7, clip_on=False,
            gid="bound outside",
        )  # fmt: skip
        found.append(OUTSIDE)
    return found


def name_ticks(panel: Axes, factor: float, ends: tuple[float, float], *, log: bool) -> None:
    """Write few ticks, large numbers in thousands or more, and shares in per cent."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator  # noqa: PLC0415 - an extra

    if log:
        ticks = _decades(*ends)
    else:
        middles = ends[0] % 1.0 == ends[1] % 1.0 == 0.5  # noqa: PLR2004 - whole numbers in the middle of their bins
        locator = MaxNLocator(5, steps=[1, 2, 5, 10], integer=middles)
        slack = 1e-9 * (ends[1] - ends[0])
        ticks = [tick for tick in locator.tick_values(*ends) if ends[0] - slack <= tick <= ends[1] + slack]
        ticks = [tick for tick in ticks if not middles or tick % 1.0 == 0.0]
    panel.xaxis.set_major_locator(FixedLocator(ticks))
    panel.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{(10.0**value if log else value) / factor:,.6g}")
    )
    panel.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100.0 * value:g} %"))
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)


def _decades(low: float, high: float) -> list[float]:
    """Give the logarithms of 1, 2 and 5 times powers of ten between the ends, of fewer where there are many."""
    powers = range(math.floor(low), math.ceil(high) + 1)
    fine = (1.0, 2.0, 5.0) if high - low < _FEW_DECADES else (1.0,)
    every = max(1, math.ceil(len(powers) / _MOST_TICKS))
    found = [power + math.log10(step) for power in powers if power % every == 0 for step in fine]
    return [tick for tick in found if low <= tick <= high]


def handles(labels: Mapping[str, str], kind: Kind, notes: set[str]) -> list[Any]:
    """Give the entries of the legend for what was drawn."""
    from matplotlib.patches import Patch  # noqa: PLC0415 - an extra

    found: list[Any] = []
    if OPEN in notes:
        text = labels.get(OPEN, OPEN)
        bar = Patch(facecolor="white", edgecolor=BLUE, hatch="//////", label=text)
        found.append(bar if kind == "histogram" else key(text, BLUE, line=":"))
    if BOUNDS in notes:
        found.append(key(labels.get(BOUNDS, BOUNDS), PALETTE[1], line="--"))
    if OUTSIDE in notes:
        found.append(key(labels.get(OUTSIDE, OUTSIDE), PALETTE[1], marker=">"))
    return found
