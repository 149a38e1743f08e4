"""Scores by rank and by cut points, and the curve of cumulative value; whole numbers decide every tie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from custvalue._typing import FloatArray, IntArray


def quantile_cuts(ordered: FloatArray, n_bins: int) -> FloatArray:
    """Type-7 quantiles at 1/k, ..., (k-1)/k of ordered values; the place among them is found in whole numbers."""
    steps = np.arange(1, n_bins, dtype=np.int64) * (len(ordered) - 1)
    place, rest = np.divmod(steps, n_bins)
    low = ordered[place]
    high = ordered[np.minimum(place + 1, len(ordered) - 1)]
    between = low + (high - low) * rest / n_bins
    # A cut between two values lies below the upper one, even where rounding would put it on top of it.
    between = np.clip(between, low, np.nextafter(high, -np.inf))
    cuts: FloatArray = np.where((rest == 0) | (low == high), low, between)
    return cuts


def midrank_scores(values: FloatArray, ordered: FloatArray, n_bins: int) -> IntArray:
    """Score ceil(k (midrank - 1/2) / n) of each value among the ordered ones, in whole numbers."""
    twice = np.searchsorted(ordered, values, side="left") + np.searchsorted(ordered, values, side="right")
    scores: IntArray = -(-n_bins * twice.astype(np.int64) // (2 * len(ordered)))
    return scores


def midrank_cuts(ordered: FloatArray, n_bins: int) -> FloatArray:
    """For the scores 2 to k the smallest value that has it or a higher one; NaN, at the end, where none has."""
    distinct = ordered[np.concatenate(([True], ordered[1:] != ordered[:-1]))]
    scores = midrank_scores(distinct, ordered, n_bins)
    first = np.searchsorted(scores, np.arange(2, n_bins + 1), side="left")
    cuts: FloatArray = np.append(distinct, np.nan)[first]
    return cuts


def scores_by_cuts(values: FloatArray, cuts: FloatArray, *, cut_is_higher: bool, mirrored: bool) -> IntArray:
    """Score 1 + number of cuts that a value passes, k + 1 less that if mirrored; NaN scores 1.

    A value equal to a cut passes it if ``cut_is_higher``. Cuts that are NaN stand at the end and are never passed.
    """
    reached = cuts[~np.isnan(cuts)]
    passed = np.searchsorted(reached, values, side="right" if cut_is_higher else "left").astype(np.int64)
    scores = len(cuts) + 1 - passed if mirrored else passed + 1
    known: IntArray = np.where(np.isnan(values), 1, scores)
    return known


def falling_curve(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Corners of the curve of cumulative value against the number of customers, the largest values first.

    Equal values make one straight stretch, so the order among them is of no account. Both start at 0.
    """
    falling = -np.sort(-values)
    ends = np.append(np.flatnonzero(falling[1:] != falling[:-1]), len(falling) - 1)
    customers = np.concatenate(([0.0], ends + 1.0))
    value = np.concatenate(([0.0], np.cumsum(falling)[ends]))
    return customers, value


def first_reach(customers: FloatArray, value: FloatArray, level: float) -> float:
    """Smallest number of customers at which the curve reaches a level that its highest corner reaches."""
    right = int(np.argmax(value >= level))
    if right == 0:
        return 0.0
    rise = value[right] - value[right - 1]
    share = (level - value[right - 1]) / rise
    return float(customers[right - 1] + share * (customers[right] - customers[right - 1]))


def gini(customers: FloatArray, value: FloatArray) -> float:
    """Twice the area under the falling curve of values from zero, both axes as shares, less 1."""
    area = np.sum(np.diff(customers) * (value[1:] + value[:-1])) / 2.0
    found = 2.0 * area / (customers[-1] * value[-1]) - 1.0
    # What lies beyond either end is rounding: no value is negative.
    return float(np.clip(found, 0.0, 1.0 - 1.0 / customers[-1]))
