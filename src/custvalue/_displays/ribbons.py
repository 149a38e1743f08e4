"""Bands of customers between the bars of an alluvial diagram."""

from __future__ import annotations

from typing import Any


def ribbon(tops: tuple[float, float], height: float | None, *, sides: tuple[float, float]) -> Any:
    """Give the outline of a band between the upper ends of its sides, or a line without a height."""
    from matplotlib.path import Path  # noqa: PLC0415 - an extra

    (near, far), (left, right) = sides, tops
    middle = (near + far) / 2.0
    points = [(near, left), (middle, left), (middle, right), (far, right)]
    codes = [Path.MOVETO, *[Path.CURVE4] * 3]
    if height is not None:
        points += [(x, y - height) for x, y in reversed(points)]
        points.append(points[0])
        codes += [Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    return Path(points, codes)
