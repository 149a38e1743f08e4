"""Median and median absolute deviation, on which Hampel's identifier rests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from custvalue._typing import FloatArray

#: Median absolute deviations that make a standard deviation of normal values.
NORMAL: Final = 1.4826


def median_deviation(values: FloatArray) -> tuple[float, float]:
    """Give the median and the median distance from it; at least one value, and none NaN. Cost: O(n)."""
    middle = float(np.median(values))
    return middle, float(np.median(np.abs(values - middle)))
