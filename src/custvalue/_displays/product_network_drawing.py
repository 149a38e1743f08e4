"""How a network of products is drawn: sizes first, then places without overlap, then lines, nodes and names."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from custvalue._displays.axes import GREY, PALETTE, axes_of, filled, folded, text_size
from custvalue._displays.network_drawing import radii_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from custvalue._typing import BoolArray, FloatArray, IntArray

#: From rare to frequent, as networks of products have them.
LINE_STYLES: Final = ("dotted", "dashdot", "dashed", "solid")
_FONT: Final = 8.0
_SMALLEST_FONT, _LEAST_LEGEND = 4.0, 6.0
_THINNEST, _WIDEST = 0.9, 2.6
_LARGEST_PICTURE: Final = (15.0, 11.0)
_LEAST_WIDTH: Final = 5.0
_TITLE_ROOM, _LEAST_HEIGHT = 0.3, 0.5
_LABEL_GAP, _BETWEEN = 0.03, 0.08
_NOTE_LETTERS: Final = 78
_GROWTH: Final = 1.07
#: Share of the picture that names and nodes may cover at first.
_COVERED: Final = 0.22
_ROUNDS: Final = 120
_ROUNDING: Final = 1e-9
#: Angle between neighbours on a sunflower, and how far it is opened at each trial.
_SUNFLOWER: Final = math.pi * (3.0 - math.sqrt(5.0))
_PETAL: Final = 0.05
_SHORTEST_LINE: Final = 0.45
_NO_EDGE = "no two products are joined"
_MEANING = "area of a node: its holders; colour: its community"
_BOTH = "customers who hold both:"
_BELOW, _WITHIN, _ABOVE = "fewer than {high}", "{low} to {high}", "{low} and more"
_PART_DRAWN = "the strongest {drawn} of {count} lines are drawn"
_ALONE, _MANY_ALONE = "without a line: {names}", "products without a line: {count}"
#: So many names at most are told of products without a line.
_NAMED: Final = 12
#: Widest empty stripe of the picture, in inches.
_STRIPE: Final = 0.35


@dataclass(frozen=True, slots=True)
class ProductNetworkNumbers:
    """What is drawn; see ProductNetworkDisplay."""

    products: tuple[str, ...]
    customers: FloatArray
    positions: FloatArray
    edges: IntArray
    frequency_class: IntArray
    cuts: tuple[float, ...]
    line_styles: tuple[str, ...]
    weights: FloatArray
    communities: IntArray
    title: str


class ProductNetworkDrawing:
    """One picture on its way; see ProductNetworkDisplay."""

    def __init__(self, numbers: ProductNetworkNumbers, labels: Mapping[str, str], most: int) -> None:
        self.numbers, self.labels, self.scale = numbers, labels, 1.0
        self.drawn = _strongest(numbers.weights, most)
        joined = np.zeros(len(numbers.products), dtype=np.bool_)
        joined[numbers.edges[self.drawn].ravel()] = True
        # Without any line all products are drawn.
        self.shown = np.flatnonzero(joined | ~joined.any())
        self.radii = np.array(radii_of(numbers.customers, len(numbers.products)))[self.shown]
        self.texts = [folded(labels.get(numbers.products[place], numbers.products[place])) for place in self.shown]

    def draw(self, ax: Axes | None) -> tuple[Figure, Axes]:
        """Draw the picture; give where it was drawn."""
        places, sizes = self._places()
        handles = self._handles()
        notes = [folded(note, _NOTE_LETTERS) for note in self._notes()]
        width, height = sizes
        below = 1.12 * sum(text_size(note, _FONT)[1] for note in notes) + 0.2 * math.ceil(len(handles) / 2)
        widest, highest = _LARGEST_PICTURE
        self.scale = min(1.0, widest / width, highest / height)
        size = (max(width * self.scale, _LEAST_WIDTH) + 0.3, height * self.scale + below + 0.85)
        figure, axes = axes_of(ax, size)
        if ax is not None:
            area = ax.get_window_extent()
            # A layout makes room for title and legend; without one they lie outside the axes.
            taken = below + _TITLE_ROOM if figure.get_layout_engine() is not None else 0.0
            upright = max(area.height / figure.dpi - taken, _LEAST_HEIGHT)
            self.scale = min(1.0, area.width / figure.dpi / width, upright / height)
        axes.set_xlim(0.0, width)
        axes.set_ylim(0.0, height)
        axes.set_aspect("equal")
        axes.set_axis_off()
        self._lines(axes, places)
        self._nodes(axes, places)
        font = max(_FONT * self.scale, _LEAST_LEGEND) if ax is not None else _FONT
        legend = axes.legend(
            handles=handles, title="\n".join(notes), ncols=2 if len(handles) > 1 else 1, loc="upper center",
            bbox_to_anchor=(0.5, 0.0), frameon=False, fontsize=font, title_fontsize=font, handlelength=3.6,
        )  # fmt: skip
        legend.get_title().set_linespacing(1.35)
        axes.set_title(self.labels.get(self.numbers.title, self.numbers.title))
        return figure, axes

    def _places(self) -> tuple[FloatArray, tuple[float, float]]:
        """Give the places of the nodes in inches, and width and height of the picture."""
        texts = np.array([text_size(text, _FONT) for text in self.texts])
        half = np.maximum(self.radii, texts[:, 0] / 2)
        below = self.radii + _LABEL_GAP + texts[:, 1]
        sizes = np.column_stack([2.0 * half, self.radii + below]) + _BETWEEN
        # The middle of node and name together lies below the middle of the node.
        shift = np.column_stack([np.zeros(len(half)), (self.radii - below) / 2])
        start = self.numbers.positions[self.shown]
        start = start - start.min(axis=0)
        start = start / (float(start.max()) or 1.0)
        middles = apart(start, sizes, self._least(start))
        middles = np.column_stack([without_stripes(middles[:, k], sizes[:, k]) for k in (0, 1)])
        width, height = (middles + sizes / 2).max(axis=0)
        return middles - shift, (float(width), float(height))

    def _least(self, start: FloatArray) -> float:
        """Give the scale by which a line of middling length can be seen."""
        ends = np.searchsorted(self.shown, self.numbers.edges[self.drawn])
        if not len(ends):
            return 1.0
        lengths = np.hypot(*(start[ends[:, 0]] - start[ends[:, 1]]).T)
        middle = float(np.median(lengths))
        return _SHORTEST_LINE / middle if middle > 0.0 else 1.0

    def _lines(self, axes: Axes, places: FloatArray) -> None:
        from matplotlib.lines import Line2D  # noqa: PLC0415 - an extra

        numbers = self.numbers
        for place in np.flatnonzero(self.drawn)[np.argsort(numbers.frequency_class[self.drawn], kind="stable")]:
            a, b = numbers.edges[place]
            first, second = places[np.searchsorted(self.shown, [a, b])]
            together = numbers.communities[a] == numbers.communities[b] > 0
            colour = _look(int(numbers.communities[a]))[0] if together else GREY
            style = self._style(int(numbers.frequency_class[place]))
            line = Line2D(
                [first[0], second[0]], [first[1], second[1]], color=colour, alpha=0.75 if together else 0.5,
                zorder=2.0, gid=f"{numbers.products[a]} - {numbers.products[b]}", **style,
            )  # fmt: skip
            axes.add_line(line)

    def _style(self, place: int) -> dict[str, Any]:
        steps = max(len(self.numbers.cuts), 1)
        width = _THINNEST + (_WIDEST - _THINNEST) * place / steps
        return {"linestyle": self.numbers.line_styles[place], "linewidth": width * max(self.scale, 0.5)}

    def _nodes(self, axes: Axes, places: FloatArray) -> None:
        from matplotlib.patches import Circle  # noqa: PLC0415 - an extra

        font = max(_FONT * self.scale, _SMALLEST_FONT)
        for (x, y), radius, text, place in zip(places, self.radii, self.texts, self.shown, strict=True):
            colour, hollow = _look(int(self.numbers.communities[place]))
            disc = Circle(
                (x, y), radius, facecolor="white" if hollow else colour, edgecolor=colour if hollow else "white",
                linewidth=1.8 * self.scale if hollow else 0.8, zorder=4,
                gid=f"node {self.numbers.products[place]}",
            )  # fmt: skip
            axes.add_patch(disc)
            axes.text(
                x, y - radius - _LABEL_GAP, text, fontsize=font, ha="center", va="top", zorder=5, linespacing=1.1,
                bbox={"facecolor": "white", "alpha": 0.65, "edgecolor": "none", "pad": 0.4},
            )  # fmt: skip

    def _notes(self) -> list[str]:
        """Give the lines above the legend."""
        numbers, labels = self.numbers, self.labels
        if not len(numbers.edges):
            return [labels.get(_NO_EDGE, _NO_EDGE)]
        texts = [labels.get(_MEANING, _MEANING)]
        if not self.drawn.all():
            drawn, count = int(self.drawn.sum()), len(self.drawn)
            texts.append(filled(labels, _PART_DRAWN, drawn=drawn, count=count))
        alone = np.setdiff1d(np.arange(len(numbers.products)), self.shown)
        if len(alone):
            names = ", ".join(labels.get(numbers.products[place], numbers.products[place]) for place in alone)
            alike = _ALONE if len(alone) <= _NAMED else _MANY_ALONE
            texts.append(filled(labels, alike, count=len(alone), names=names))
        return [*texts, labels.get(_BOTH, _BOTH)]

    def _handles(self) -> list[Any]:
        """Give the line styles that are drawn, the most frequent first, with their numbers of customers."""
        from matplotlib.lines import Line2D  # noqa: PLC0415 - an extra

        bounds = [0.0, *(math.ceil(cut) for cut in self.numbers.cuts), math.inf]
        found = []
        for place in np.unique(self.numbers.frequency_class[self.drawn])[::-1].tolist():
            low, high = bounds[place], bounds[place + 1]
            parts = {"low": f"{low:,.0f}", "high": f"{high - (low > 0.0):,.0f}"}
            text = filled(self.labels, _ABOVE if math.isinf(high) else _WITHIN if low else _BELOW, **parts)
            if len(bounds) > 2:  # noqa: PLR2004 - one class alone says nothing
                found.append(Line2D([], [], color=GREY, label=text, **self._style(place)))
        return found


def _strongest(weights: FloatArray, most: int) -> BoolArray:
    """Choose the strongest edges, and those as strong as the last of them."""
    if not len(weights):
        return np.empty(0, dtype=np.bool_)
    bound = np.sort(weights)[-min(most, len(weights))]
    return np.asarray(weights >= bound)


def _look(community: int) -> tuple[str, bool]:
    """Give colour of a community, and whether its nodes are hollow."""
    if community == 0:
        return GREY, False
    turn, place = divmod(community - 1, len(PALETTE))
    return PALETTE[place], bool(turn % 2)


def apart(start: FloatArray, sizes: FloatArray, least: float = 0.0) -> FloatArray:
    """Scale places up and move boxes apart until none overlaps another.

    Parameters
    ----------
    start : ndarray of shape (n, 2)
        Places, about as far apart as the unit square is wide.
    sizes : ndarray of shape (n, 2)
        Widths and heights of the boxes, whose middles are to be placed.
    least : float, default=0.0
        Least scale.

    Returns
    -------
    ndarray of shape (n, 2)
        Middles of the boxes. Overlapping boxes move half of their overlap each, in the direction where it is the
        smaller; where that does not end, places are scaled up and it begins again.
    """
    spread = np.maximum(start.max(axis=0) - start.min(axis=0), 0.1)
    scale = max(least, math.sqrt(float(sizes.prod(axis=1).sum()) / (_COVERED * float(spread.prod()))))
    reach = (sizes[:, None] + sizes[None]) / 2
    # Of two boxes at one place the later one goes right and up.
    later = np.sign(np.arange(len(start))[:, None] - np.arange(len(start))[None])[:, :, None]
    # Where scaling does not help, as for many at one place, they are also put on a sunflower, wider each time.
    turns = np.arange(len(start)) * _SUNFLOWER
    flower = np.sqrt(np.arange(len(start)))[:, None] * np.column_stack([np.cos(turns), np.sin(turns)])
    trial = 0
    while True:
        places: FloatArray = start * scale + _PETAL * trial * float(sizes.max()) * flower
        for _ in range(_ROUNDS):
            between = places[:, None] - places[None]
            overlap = reach - np.abs(between)
            hit = (overlap > _ROUNDING).all(axis=2) & (later[:, :, 0] != 0)
            if not hit.any():
                return places
            side = np.where(between == 0.0, later, np.sign(between))
            across = overlap[:, :, 0] <= overlap[:, :, 1]
            chosen = np.stack([across, ~across], axis=2) & hit[:, :, None]
            step = np.where(chosen, side * overlap / 2, 0.0)
            places = places + step.sum(axis=1) * 0.7 + np.sign(step.sum(axis=1)) * 1e-6
        scale, trial = scale * _GROWTH, trial + 1


def without_stripes(middles: FloatArray, sizes: FloatArray) -> FloatArray:
    """Draw boxes together across stripes in which there is none, and let the first begin at 0.

    Parameters
    ----------
    middles, sizes : ndarray of shape (n,)
        Middles and extents of the boxes in one direction.

    Returns
    -------
    ndarray of shape (n,)
        The middles; boxes that lay apart still do.
    """
    starts, ends = middles - sizes / 2, middles + sizes / 2
    order = np.argsort(starts, kind="stable")
    reached = np.maximum.accumulate(ends[order])
    empty = np.maximum(starts[order][1:] - reached[:-1] - _STRIPE, 0.0)
    out = np.empty_like(middles)
    out[order] = middles[order] - starts.min() - np.concatenate(([0.0], np.cumsum(empty)))
    return out
