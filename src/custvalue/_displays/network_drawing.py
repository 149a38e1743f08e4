"""How the display of a network is drawn: texts and sizes first, then places, then boxes, nodes and arrows."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from custvalue._displays.axes import GREY, PALETTE, axes_of, folded, text_size
from custvalue._displays.layout import (
    LEVEL_LABELS,
    Layout,
    Shape,
    column,
    in_rows,
    on_a_circle,
    ring,
    row,
    titled,
    way_down,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    from custvalue._typing import FloatArray

_FONT: Final = 8.0
_TITLE_FONT: Final = 9.0
_SMALLEST_FONT: Final = 4.0
_LARGEST_RADIUS, _SMALLEST_RADIUS, _PLAIN_RADIUS = 0.2, 0.05, 0.11
_WIDEST_LINE, _THINNEST_LINE = 3.5, 0.2
_LARGEST_PICTURE: Final = (15.0, 11.0)
_BEND: Final = 0.14
_LOOP_BEND: Final = 1.8
_MARGIN: Final = 0.03
_NOTE_LETTERS: Final = 78
#: The legend shows no line of a smaller share of the strongest influence.
_FAINTEST: Final = 0.02
_DIRECTION = "an arrow runs from what influences to what is influenced; width: influence"
_AREA = "number and area of a node: its priority"
_PART_DRAWN = "the strongest {drawn} of {count} influences are drawn"
_CRITERIA = "Criteria"


@dataclass(frozen=True, slots=True)
class NetworkNumbers:
    """What is drawn; see NetworkDisplay."""

    influences: FloatArray
    clusters: Mapping[str, Sequence[str]]
    priorities: FloatArray | None
    control: Mapping[str, float]
    under: Mapping[str, str]
    title: str


class NetworkDrawing:
    """One picture on its way: texts and radii first, then places, then what is drawn there."""

    def __init__(self, numbers: NetworkNumbers, labels: Mapping[str, str]) -> None:
        self.numbers, self.labels, self.scale = numbers, labels, 1.0
        self.groups = list(numbers.clusters.values())
        self.starts = list(itertools.accumulate((len(nodes) for nodes in self.groups), initial=0))
        self.names = list(itertools.chain.from_iterable(self.groups))
        self.home = [place for place, nodes in enumerate(self.groups) for _ in nodes]
        self.radii = radii_of(numbers.priorities, len(self.names))
        self.boxed = [numbers.influences[a:b, a:b].any() for a, b in itertools.pairwise(self.starts)]
        self.texts = [self._text(k) for k in range(len(self.names))]
        self.heads = list(numbers.control)
        weights = np.array([numbers.control[name] for name in self.heads])
        self.head_radii = radii_of(weights if self.heads else None, len(self.heads))
        self.head_texts = [f"{folded(labels.get(name, name))}\n{numbers.control[name]:.3f}" for name in self.heads]

    def _text(self, node: int) -> str:
        name = self.labels.get(self.names[node], self.names[node])
        turned = self.boxed[self.home[node]] and len(self.groups[self.home[node]]) > LEVEL_LABELS
        text = name if turned else folded(name)
        if self.numbers.priorities is None:
            return text
        return f"{text}{'  ' if turned else chr(10)}{self.numbers.priorities[node]:.3f}"

    def layout(self) -> Layout:
        """Place everything; the control layer's nodes come first where there is one."""
        shapes = []
        for place, cluster in enumerate(self.numbers.clusters):
            members = slice(self.starts[place], self.starts[place + 1])
            sizes = [text_size(text, _FONT) for text in self.texts[members]]
            form = ring if self.boxed[place] else column
            shapes.append(titled(form(sizes, self.radii[members]), self.labels.get(cluster, cluster), _TITLE_FONT))
        if not self.heads:
            return on_a_circle(shapes)
        owners = [self.heads.index(criterion) for criterion in self.numbers.under.values()]
        return in_rows(self._head, shapes, owners)

    def _head(self, width: float, order: Sequence[int]) -> Shape:
        sizes = [text_size(text, _FONT) for text in self.head_texts]
        shape = row(sizes, self.head_radii, order, width / len(self.heads))
        return titled(shape, self.labels.get(_CRITERIA, _CRITERIA), _TITLE_FONT)

    def draw(self, ax: Axes | None, most: int) -> tuple[Figure, Axes]:
        """Draw the picture; give where it was drawn."""
        layout = self.layout()
        arrows = self._strongest(most)
        notes = [folded(note, _NOTE_LETTERS) for note in self._notes(len(arrows))]
        note_width = max((text_size(note, _FONT)[0] for note in notes), default=0.0)
        note_height = sum(text_size(note, _FONT)[1] for note in notes)
        widest, highest = _LARGEST_PICTURE
        self.scale = min(1.0, widest / layout.width, highest / layout.height)
        width = max(layout.width * self.scale, note_width) + 0.3
        figure, axes = axes_of(ax, (width, layout.height * self.scale + note_height + 0.85))
        if ax is not None:
            area = ax.get_window_extent()
            across, upright = area.width / figure.dpi, area.height / figure.dpi
            self.scale = min(1.0, across / layout.width, upright / layout.height)
            letters = int(_NOTE_LETTERS * across / max(note_width * self._size(_FONT) / _FONT, 1e-9))
            notes = [folded(note.replace("\n", " "), max(letters, 20)) for note in notes]
        axes.set_xlim(-_MARGIN, layout.width + _MARGIN)
        axes.set_ylim(-_MARGIN, layout.height + _MARGIN)
        axes.set_aspect("equal")
        axes.set_axis_off()
        self._boxes(axes, layout)
        self._nodes(axes, layout)
        self._links(axes, layout)
        handles = self._arrows(axes, layout, arrows)
        axes.legend(
            handles=handles, title="\n".join(notes), ncols=max(len(handles), 1), loc="upper center",
            bbox_to_anchor=(0.5, 0.0), frameon=False, fontsize=self._size(_FONT), title_fontsize=self._size(_FONT),
        )  # fmt: skip
        axes.set_title(self.labels.get(self.numbers.title, self.numbers.title))
        return figure, axes

    def _size(self, points: float) -> float:
        return max(points * self.scale, _SMALLEST_FONT)

    def _strongest(self, most: int) -> list[tuple[int, int, float]]:
        """Give the influences that are drawn, the weakest first."""
        values = self.numbers.influences
        found = [(int(i), int(j), float(values[i, j])) for i, j in np.argwhere(values > 0.0)]
        found.sort(key=lambda arrow: arrow[2])
        bound = found[-min(most, len(found))][2] if found else 0.0
        return [arrow for arrow in found if arrow[2] >= bound]

    def _notes(self, drawn: int) -> list[str]:
        """Give the lines below the picture."""
        count = int((self.numbers.influences > 0.0).sum())
        texts = [_DIRECTION] * bool(count) + [_PART_DRAWN] * (drawn < count)
        texts += [_AREA] * (self.numbers.priorities is not None)
        replaced = [self.labels.get(text, text) for text in texts]
        return [text.replace("{drawn}", str(drawn)).replace("{count}", str(count)) for text in replaced]

    def _boxes(self, axes: Axes, layout: Layout) -> None:
        from matplotlib.patches import FancyBboxPatch  # noqa: PLC0415 - an extra

        names = [_CRITERIA] * bool(self.heads) + list(self.numbers.clusters)
        for name, box, colour in zip(names, layout.boxes, self._colours(), strict=True):
            frame = FancyBboxPatch(
                (box.left, box.bottom), box.width, box.height, boxstyle="round,pad=0,rounding_size=0.1",
                facecolor=pale(colour, 0.06), edgecolor=pale(colour, 0.6), linewidth=1.0, zorder=1,
            )  # fmt: skip
            frame.set_gid(f"cluster {name}")
            axes.add_patch(frame)
            axes.text(
                box.left + 0.1, box.bottom + box.height - 0.07, self.labels.get(name, name),
                fontsize=self._size(_TITLE_FONT), color=colour, ha="left", va="top", fontweight="bold", zorder=5,
            )  # fmt: skip

    def _colours(self) -> list[str]:
        shades = [PALETTE[place % len(PALETTE)] for place in range(len(self.groups))]
        return [GREY] * bool(self.heads) + shades

    def _nodes(self, axes: Axes, layout: Layout) -> None:
        from matplotlib.patches import Circle  # noqa: PLC0415 - an extra

        shades = self._colours()
        first = 1 if self.heads else 0
        homes = [0] * len(self.heads) + [place + first for place in self.home]
        radii = [*self.head_radii, *self.radii]
        texts = [*self.head_texts, *self.texts]
        names = [*self.heads, *self.names]
        for k, ((x, y), label) in enumerate(zip(layout.nodes, layout.labels, strict=True)):
            disc = Circle((x, y), radii[k], facecolor=shades[homes[k]], edgecolor="white", linewidth=0.8, zorder=4)
            disc.set_gid(f"node {names[k]}")
            axes.add_patch(disc)
            axes.text(
                label.x, label.y, texts[k], fontsize=self._size(_FONT), ha=label.across, va=label.upright,
                rotation=label.rotation, rotation_mode="anchor", zorder=5, linespacing=1.1,
                bbox={"facecolor": "white", "alpha": 0.65, "edgecolor": "none", "pad": 0.5},
            )  # fmt: skip

    def _links(self, axes: Axes, layout: Layout) -> None:
        """Draw an arrow from each criterion to each of its clusters, around the boxes between them."""
        largest = max(self.numbers.control.values(), default=0.0)
        for place, (cluster, criterion) in enumerate(self.numbers.under.items()):
            share = self.numbers.control[criterion] / largest if largest else 0.0
            start = (float(layout.nodes[self.heads.index(criterion)][0]), layout.boxes[0].bottom)
            points = way_down(start, layout.boxes[place + 1], layout.boxes[1:])
            style = self._style(share, GREY, f"{criterion} -> {cluster}")
            axes.add_patch(_arrow(style, zorder=0.5 + share / 2, points=points))

    def _arrows(self, axes: Axes, layout: Layout, arrows: Sequence[tuple[int, int, float]]) -> list[Any]:
        """Draw the influences, the strongest on top; give the lines of the legend."""
        from matplotlib.lines import Line2D  # noqa: PLC0415 - an extra

        if not arrows:
            return []
        lowest, largest = arrows[0][2], arrows[-1][2]
        points = layout.nodes[len(self.heads) :]
        labels = layout.labels[len(self.heads) :]
        for i, j, strength in arrows:
            share = strength / largest
            style = self._style(share, PALETTE[self.home[i] % len(PALETTE)], f"{self.names[i]} -> {self.names[j]}")
            if i == j:
                away = points[i] - (labels[i].x, labels[i].y)
                ends, bend = _loop(points[i], self.radii[i], away), _LOOP_BEND
            else:
                ends, bend = _rims(points[i], points[j], self.radii[i], self.radii[j]), _BEND
            axes.add_patch(_arrow(style, zorder=3.0 + share / 2, points=ends, bend=bend))
        shown = [value for value in (lowest, (lowest + largest) / 2, largest) if value >= _FAINTEST * largest]
        steps = sorted({f"{value:.2g}" for value in shown}, key=float)
        return [
            Line2D([], [], color=GREY, linewidth=self._width(float(step) / largest), label=step) for step in steps
        ]

    def _width(self, share: float) -> float:
        return max(_THINNEST_LINE, _WIDEST_LINE * share * self.scale)

    def _style(self, share: float, colour: str, gid: str) -> dict[str, Any]:
        width = self._width(share)
        head = 6.0 * self.scale + 1.8 * width
        return {
            "linewidth": width, "color": colour, "alpha": 0.25 + 0.6 * share, "mutation_scale": head, "gid": gid
        }  # fmt: skip


def radii_of(weights: FloatArray | None, count: int) -> list[float]:
    """Give radii in inches, so that areas are as the weights are; all alike without weights."""
    if weights is None or not weights.any():
        return [_PLAIN_RADIUS] * count
    return [max(_SMALLEST_RADIUS, _LARGEST_RADIUS * math.sqrt(w)) for w in weights / weights.max()]


def pale(colour: str, share: float) -> tuple[float, ...]:
    """Mix a colour with white; opaque, so that what is behind a box stays behind it."""
    from matplotlib.colors import to_rgb  # noqa: PLC0415 - an extra

    return tuple(1.0 - share * (1.0 - part) for part in to_rgb(colour))


def _rims(
    start: FloatArray, end: FloatArray, start_radius: float, end_radius: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Give the points where the line between two discs leaves the one and reaches the other."""
    line = (end - start) / max(float(np.hypot(*(end - start))), 1e-12)
    first, last = start + start_radius * line, end - (end_radius + 0.02) * line
    return (float(first[0]), float(first[1])), (float(last[0]), float(last[1]))


def _loop(point: FloatArray, radius: float, away: FloatArray) -> tuple[tuple[float, float], tuple[float, float]]:
    """Give both ends of an arrow from a node to itself, on the side that the label leaves free."""
    middle = math.atan2(away[1], away[0])
    first, last = middle - math.radians(40.0), middle + math.radians(40.0)
    return (
        (float(point[0]) + radius * math.cos(first), float(point[1]) + radius * math.sin(first)),
        (float(point[0]) + radius * math.cos(last), float(point[1]) + radius * math.sin(last)),
    )


def _arrow(
    style: Mapping[str, Any], *, zorder: float, points: Sequence[tuple[float, float]], bend: float = 0.0
) -> Patch:
    """Make an arrow that bends between two points, or runs straight through more of them."""
    from matplotlib.patches import FancyArrowPatch  # noqa: PLC0415 - an extra
    from matplotlib.path import Path  # noqa: PLC0415 - an extra

    if len(points) > 2:  # noqa: PLR2004 - both ends
        return FancyArrowPatch(path=Path(points), arrowstyle="-|>", zorder=zorder, joinstyle="round", **style)
    curve = f"arc3,rad={bend}"
    return FancyArrowPatch(
        *points, arrowstyle="-|>", connectionstyle=curve, shrinkA=0.0, shrinkB=0.0, zorder=zorder, **style
    )
