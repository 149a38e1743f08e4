"""Bins of a histogram in which no customer stands alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from custvalue._displays.axes import FEWEST

if TYPE_CHECKING:
    from custvalue._typing import FloatArray

#: Share of the customers beyond which a bin at either end is open, and the largest for few customers.
_TAIL, _LARGEST_TAIL = 0.01, 0.25
#: Widths of bins that make edges which are easily read.
_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


def bins_of(values: FloatArray, wanted: int, *, logarithmic: bool = False) -> tuple[FloatArray, FloatArray]:
    """Give edges and counts of about so many bins of known values, each empty or of at least five customers.

    A value at an edge counts in the bin above it. The first and the last bin may be open: they hold the hundredth
    of the customers at that end, or at least five, so that no edge tells an extreme customer's value. A bin of one
    to four customers is joined with the next. Without five customers there are no bins; there may be none that is
    closed. Logarithmic bins are alike in their factor; what is not positive lies beyond the lower end.
    """
    none = np.empty(0)
    if len(values) < FEWEST:
        return none, none
    tail = min(max(_TAIL, FEWEST / len(values)), _LARGEST_TAIL)
    drawn = values
    if logarithmic:
        drawn = np.log10(values[values > 0.0])
        if not len(drawn):
            return np.array([-np.inf, np.inf]), np.array([float(len(values))])
    low, high = np.quantile(drawn, [tail, 1.0 - tail])
    whole = not logarithmic and bool((values == np.floor(values)).all())
    width = _width(float(low), float(high), wanted, whole=whole)
    inner = np.arange(np.floor(low / width), np.floor(high / width) + 2.0) * width
    if whole and width == 1.0:
        inner -= 0.5  # whole numbers stand in the middle of their bins
    edges = np.concatenate(([-np.inf], 10.0**inner if logarithmic else inner, [np.inf]))
    place = np.searchsorted(edges, values, side="right") - 1
    counts = np.bincount(place, minlength=len(edges) - 1)
    return _joined(edges, counts.astype(np.float64))


def _width(low: float, high: float, wanted: int, *, whole: bool) -> float:
    """Give a width with few digits; whole numbers have a whole one."""
    span = high - low
    rough = span / wanted if span > 0.0 else abs(high) / wanted or 1.0
    power = 10.0 ** np.floor(np.log10(rough))
    width = float(next(step * power for step in _STEPS if step * power >= rough * (1.0 - 1e-9)))
    return float(np.ceil(width)) if whole else width


def _joined(edges: FloatArray, counts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Join bins of one to four customers with the next one, and drop open bins without any."""
    if not counts[0]:
        edges, counts = edges[1:], counts[1:]
    if not counts[-1]:
        edges, counts = edges[:-1], counts[:-1]
    ends: list[float] = [float(edges[0])]
    found: list[float] = []
    gathered = 0.0
    for end, count in zip(edges[1:].tolist(), counts.tolist(), strict=True):
        gathered += count
        if gathered and gathered < FEWEST:
            continue
        ends.append(end)
        found.append(gathered)
        gathered = 0.0
    while gathered and gathered < FEWEST:
        gathered += found.pop()
        ends.pop()
        if gathered >= FEWEST:
            ends.append(float(edges[-1]))
            found.append(gathered)
            break
    return np.array(ends), np.array(found)
