"""Where the nodes, labels and boxes of a network stand, in inches; nothing here draws."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from custvalue._displays.axes import text_size

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from custvalue._typing import FloatArray

#: Rings of more nodes turn their labels outward, so that neighbours do not overlap.
LEVEL_LABELS: Final = 10
_IN_COLUMN: Final = 8
_GAP: Final = 0.06
_PADDING: Final = 0.2
_BETWEEN_BOXES: Final = 0.95
_WIDEST_ROW: Final = 16.0
_ASIDE: Final = 0.36
_ROUNDING: Final = 1e-6
_GROWTH: Final = 1.06
#: A unit vector whose part along an axis is smaller than this points across the axis.
_ACROSS: Final = 0.35
_PAIR: Final = 2


@dataclass(frozen=True, slots=True)
class Label:
    """Anchor, alignment and rotation of a text."""

    x: float
    y: float
    across: Literal["left", "center", "right"]
    upright: Literal["bottom", "center", "top"]
    rotation: float = 0.0

    def moved(self, right: float, up: float) -> Label:
        """Give the label elsewhere."""
        return Label(self.x + right, self.y + up, self.across, self.upright, self.rotation)

    def corners(self, size: tuple[float, float]) -> tuple[float, float, float, float]:
        """Give left, bottom, right and top of a text of this size."""
        width, height = size
        left = {"left": 0.0, "center": -width / 2, "right": -width}[self.across]
        bottom = {"bottom": 0.0, "center": -height / 2, "top": -height}[self.upright]
        turn = math.radians(self.rotation)
        sides = [(x, y) for x in (left, left + width) for y in (bottom, bottom + height)]
        xs = [self.x + x * math.cos(turn) - y * math.sin(turn) for x, y in sides]
        ys = [self.y + x * math.sin(turn) + y * math.cos(turn) for x, y in sides]
        return min(xs), min(ys), max(xs), max(ys)


@dataclass(frozen=True, slots=True)
class Shape:
    """One cluster: its size, and where its nodes and labels stand from its lower left corner."""

    width: float
    height: float
    nodes: FloatArray
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Box:
    """The frame of a cluster."""

    left: float
    bottom: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Layout:
    """The whole picture: nodes, labels and boxes of all clusters in the order they were given."""

    width: float
    height: float
    nodes: FloatArray
    labels: tuple[Label, ...]
    boxes: tuple[Box, ...]


def _overlap(first: tuple[float, ...], second: tuple[float, ...], gap: float = 0.0) -> bool:
    return not (
        first[2] + gap <= second[0]
        or second[2] + gap <= first[0]
        or first[3] + gap <= second[1]
        or second[3] + gap <= first[1]
    )


def _outward(angle: float, point: tuple[float, float], reach: float, *, turned: bool) -> Label:
    """Put a label outside a ring, at the end of the ray through its node."""
    right, up = math.cos(angle), math.sin(angle)
    x, y = point[0] + reach * right, point[1] + reach * up
    if turned:
        degrees = math.degrees(angle)
        flipped = right < 0.0
        return Label(x, y, "right" if flipped else "left", "center", degrees + 180.0 if flipped else degrees)
    across: Literal["left", "center", "right"] = (
        "left" if right > _ACROSS else "right" if right < -_ACROSS else "center"
    )
    upright: Literal["bottom", "center", "top"] = (
        "bottom" if up > _ACROSS else "top" if up < -_ACROSS else "center"
    )
    return Label(x, y, across, upright)


def ring(sizes: Sequence[tuple[float, float]], radii: Sequence[float], reach: float = _GAP) -> Shape:
    """Put nodes on a circle, clockwise from the top, with labels outside; the chords between them stay free.

    One node or two, side by side, have their labels below.
    """
    count = len(sizes)
    turned = count > LEVEL_LABELS
    start = math.pi if count == _PAIR else math.pi / 2
    angles = [start - 2.0 * math.pi * k / count for k in range(count)]
    spacing = max(2.0 * max(radii) + 0.12, 1.1 * max(height for _, height in sizes) if turned else 0.0)
    radius = max(0.7, count * spacing / (2.0 * math.pi)) if count > 1 else 0.0
    while True:
        points = [(radius * math.cos(angle), radius * math.sin(angle)) for angle in angles]
        labels = [
            _outward(-math.pi / 2 if count <= _PAIR else angle, point, size + reach, turned=turned)
            for angle, point, size in zip(angles, points, radii, strict=True)
        ]
        covers = [label.corners(size) for label, size in zip(labels, sizes, strict=True)]
        discs = [(x - r, y - r, x + r, y + r) for (x, y), r in zip(points, radii, strict=True)]
        clash = any(_overlap(covers[i], covers[j], 0.04) for i in range(count) for j in range(i))
        clash |= any(_overlap(covers[i], discs[j]) for i in range(count) for j in range(count) if i != j)
        if turned or not clash:
            break
        radius *= _GROWTH
    return _framed(points, labels, [*covers, *discs])


def column(sizes: Sequence[tuple[float, float]], radii: Sequence[float]) -> Shape:
    """Stand nodes below each other with labels at their right, in columns of at most eight."""
    largest = max(radii)
    rise = max(2.0 * largest, *(height for _, height in sizes)) + 0.1
    points, labels, left = [], [], 0.0
    columns = math.ceil(len(sizes) / _IN_COLUMN)
    rows = math.ceil(len(sizes) / columns)
    for place in range(columns):
        chosen = range(place * rows, min((place + 1) * rows, len(sizes)))
        points += [(left + largest, -row * rise) for row in range(len(chosen))]
        labels += [Label(left + 2.0 * largest + _GAP, -row * rise, "left", "center") for row in range(len(chosen))]
        left += 2.0 * largest + 3.0 * _GAP + max((sizes[node][0] for node in chosen), default=0.0)
    return _framed(points, labels, _covers(points, labels, sizes, radii))


def row(
    sizes: Sequence[tuple[float, float]], radii: Sequence[float], order: Sequence[int], pitch: float = 0.0
) -> Shape:
    """Stand nodes beside each other, those that come first in the order at the left, with labels below them."""
    apart = max(pitch, *(0.25 + width for width, _ in sizes))
    points = [(order.index(place) * apart, 0.0) for place in range(len(sizes))]
    labels = [Label(x, -max(radii) - _GAP, "center", "top") for x, _ in points]
    return _framed(points, labels, _covers(points, labels, sizes, radii))


def _covers(
    points: Sequence[tuple[float, float]],
    labels: Sequence[Label],
    sizes: Sequence[tuple[float, float]],
    radii: Sequence[float],
) -> list[tuple[float, float, float, float]]:
    texts = [label.corners(size) for label, size in zip(labels, sizes, strict=True)]
    return texts + [(x - r, y - r, x + r, y + r) for (x, y), r in zip(points, radii, strict=True)]


def _framed(
    points: Sequence[tuple[float, float]],
    labels: Sequence[Label],
    covers: Sequence[tuple[float, float, float, float]],
) -> Shape:
    left, bottom = (min(cover[side] for cover in covers) - _PADDING for side in (0, 1))
    right, top = (max(cover[side] for cover in covers) + _PADDING for side in (2, 3))
    moved = tuple(label.moved(-left, -bottom) for label in labels)
    return Shape(right - left, top - bottom, np.array(points) - np.array([left, bottom]), moved)


def titled(shape: Shape, title: str, points: float) -> Shape:
    """Make room for a title in the upper left corner."""
    width, height = text_size(title, points)
    room = height + 0.06 if title else 0.0
    wider = max(shape.width, width + 2.0 * _PADDING)
    shift = (wider - shape.width) / 2.0
    labels = tuple(label.moved(shift, 0.0) for label in shape.labels)
    return Shape(wider, shape.height + room, shape.nodes + np.array([shift, 0.0]), labels)


def on_a_circle(shapes: Sequence[Shape]) -> Layout:
    """Put clusters on an ellipse, clockwise from the top, as near to each other as their boxes allow."""
    count = len(shapes)
    start = math.pi if count == _PAIR else math.pi / 2
    angles = [start - 2.0 * math.pi * k / count for k in range(count)]
    radius = 0.0 if count == 1 else 0.5
    while True:
        boxes = [
            Box(1.2 * radius * math.cos(a) - s.width / 2, radius * math.sin(a) - s.height / 2, s.width, s.height)
            for a, s in zip(angles, shapes, strict=True)
        ]
        frames = [(b.left, b.bottom, b.left + b.width, b.bottom + b.height) for b in boxes]
        if not any(_overlap(frames[i], frames[j], _BETWEEN_BOXES) for i in range(count) for j in range(i)):
            return _assembled(shapes, boxes)
        radius *= _GROWTH


def in_rows(
    head: Callable[[float, Sequence[int]], Shape], shapes: Sequence[Shape], owners: Sequence[int]
) -> Layout:
    """Put one box on top and the others in rows below; the nodes of the top box stand above what they own."""
    total = sum(shape.width + _ASIDE for shape in shapes)
    in_row = math.ceil(len(shapes) / math.ceil(total / _WIDEST_ROW))
    rows = [range(start, min(start + in_row, len(shapes))) for start in range(0, len(shapes), in_row)]
    boxes: list[Box] = []
    ceiling = -_BETWEEN_BOXES
    for chosen in rows:
        left = -(sum(shapes[k].width for k in chosen) + _ASIDE * (len(chosen) - 1)) / 2
        for k in chosen:
            boxes.append(Box(left, ceiling - shapes[k].height, shapes[k].width, shapes[k].height))
            left += shapes[k].width + _ASIDE
        ceiling -= max(shapes[k].height for k in chosen) + _BETWEEN_BOXES
    middles: dict[int, list[float]] = {}
    for owner, box in zip(owners, boxes, strict=True):
        middles.setdefault(owner, []).append(box.left + box.width / 2)
    order = sorted(middles, key=lambda owner: (round(sum(middles[owner]) / len(middles[owner]), 6), owner))
    width = max(box.left + box.width for box in boxes) - min(box.left for box in boxes)
    top = head(width, order)
    first = Box(-top.width / 2, 0.0, top.width, top.height)
    return _assembled([top, *shapes], [first, *boxes])


def way_down(start: tuple[float, float], target: Box, boxes: Sequence[Box]) -> list[tuple[float, float]]:
    """Lead from a point above all boxes to the top of one, through the gaps between those of the rows above it."""
    middle = target.left + target.width / 2
    points = [start]
    tops = sorted({round(box.bottom + box.height, 9) for box in boxes}, reverse=True)
    ceiling = target.bottom + target.height
    for top in tops:
        if top <= ceiling + _ROUNDING:
            break
        level = [box for box in boxes if abs(box.bottom + box.height - top) < _ROUNDING]
        gaps = {box.left - _ASIDE / 2 for box in level} | {box.left + box.width + _ASIDE / 2 for box in level}
        gap = min(gaps, key=lambda x: (abs(x - (points[-1][0] + middle) / 2), x))
        points += [(gap, top + 0.05), (gap, min(box.bottom for box in level) - 0.05)]
    return [*points, (middle, ceiling)]


def _assembled(shapes: Sequence[Shape], boxes: Sequence[Box]) -> Layout:
    """Move everything so that the lower left corner of the picture is (0, 0)."""
    left, bottom = min(box.left for box in boxes), min(box.bottom for box in boxes)
    moved = tuple(Box(box.left - left, box.bottom - bottom, box.width, box.height) for box in boxes)
    nodes = np.vstack([s.nodes + np.array([b.left, b.bottom]) for s, b in zip(shapes, moved, strict=True)])
    labels = [label.moved(b.left, b.bottom) for s, b in zip(shapes, moved, strict=True) for label in s.labels]
    width = max(box.left + box.width for box in moved)
    height = max(box.bottom + box.height for box in moved)
    return Layout(width, height, nodes, tuple(labels), moved)
