"""Bounds of winsorised min-max scaling, and midranks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from custvalue._typing import FloatArray


def bounds(values: FloatArray, lower: float, upper: float) -> tuple[float, float]:
    """Type-7 quantiles of the values; smallest and largest where the quantiles coincide."""
    low, high = np.quantile(values, [lower, upper], method="linear")
    if low == high:
        low, high = values.min(), values.max()
    return float(low), float(high)


def min_max(values: FloatArray, low: float, high: float) -> FloatArray:
    """Scale to [0, 1] and clip; NaN stays NaN."""
    scaled: FloatArray = (np.clip(values, low, high) - low) / (high - low)
    return scaled


def midrank_share(values: FloatArray, ordered: FloatArray) -> FloatArray:
    """Share of the ordered values below each value, ties by half; NaN stays NaN."""
    below = np.searchsorted(ordered, values, side="left")
    not_above = np.searchsorted(ordered, values, side="right")
    share = (below + not_above) / (2.0 * len(ordered))
    return np.where(np.isnan(values), np.nan, share)
