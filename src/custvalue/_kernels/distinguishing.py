"""Grades as functions of Deng's rho: their values, and exactly where the best of them changes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from custvalue._typing import BoolArray, FloatArray, IntArray

#: By how much a grade must exceed the best one's to take its place: less is the rounding of the sums.
ROUNDING = 2e-15
#: How closely a change is located.
WIDTH = 1e-12
#: Two changes nearer to each other than this may be missed: rows that hardly differ would cost without end.
SEPARATION = 1.0 / 4096.0


def weighted_sums(coefficients: FloatArray, weights: FloatArray) -> FloatArray:
    """Sum each row's weighted coefficients, rounded once: the order of the columns cannot break a tie."""
    return np.array([math.fsum(row) for row in (coefficients * weights).tolist()])


class _Point(NamedTuple):
    """Grades of some rows at one rho, and their derivatives."""

    rho: float
    grades: FloatArray
    slopes: FloatArray

    def of(self, kept: BoolArray | IntArray) -> _Point:
        return _Point(self.rho, self.grades[kept], self.slopes[kept])


def _point(distance: FloatArray, smallest: float, weights: FloatArray, rho: float) -> _Point:
    below = distance + rho
    grades = weighted_sums((smallest + rho) / below, weights)
    return _Point(rho, grades, ((distance - smallest) / below**2) @ weights)


def _may_overtake(left: _Point, right: _Point, place: int) -> BoolArray:
    """Tell which rows cannot be excluded from exceeding the row at ``place`` between two points.

    A grade is a concave function of rho: it lies below its tangents and above its chord. Tangent less chord is
    linear, so it is largest at one of the ends.
    """
    width = right.rho - left.rho
    chord = left.grades[place], right.grades[place]
    from_left = np.maximum(left.grades - chord[0], left.grades + left.slopes * width - chord[1])
    from_right = np.maximum(right.grades - right.slopes * width - chord[0], right.grades - chord[1])
    able: BoolArray = np.minimum(from_left, from_right) > ROUNDING
    able[place] = False
    return able


def _first_of_equals(distance: FloatArray, weights: FloatArray) -> IntArray:
    """Give the rows without those that are an earlier one in another order of the columns."""
    order = np.argsort(distance, axis=1, kind="stable")
    keys = np.hstack([np.take_along_axis(distance, order, axis=1), weights[order]])
    return np.sort(np.unique(keys, axis=0, return_index=True)[1])


def winner_changes(
    distance: FloatArray, weights: FloatArray, lowest: float, highest: float
) -> tuple[FloatArray, IntArray]:
    """Give the values of rho in [lowest, highest] at which another row gets the largest grade, and the winners.

    ``distance`` is in units of the largest distance. Where no row's tangent exceeds the best row's chord nothing
    can change; other intervals are halved, from left to right. There is one more winner than changes; at the
    lowest rho the first of the best rows wins.
    """
    smallest = float(distance.min())
    start, end = (_point(distance, smallest, weights, rho) for rho in (lowest, highest))
    best = int(start.grades.argmax())
    changes: list[float] = []
    winners = [best]
    # On top lies the leftmost interval that is not settled, with the rows that may win inside it.
    different = _first_of_equals(distance, weights)
    stack = [(start.of(different), end.of(different), different)]
    while stack:
        left, right, rows = stack.pop()
        # Rows are left out only where they cannot pass one that stays, so the best row is always among them.
        place = int(np.searchsorted(rows, best))
        able = _may_overtake(left, right, place)
        beaten = right.grades.max() > right.grades[place] + ROUNDING
        width = right.rho - left.rho
        if not able.any() or (width <= SEPARATION and not beaten):
            continue
        if width <= WIDTH:
            best = int(rows[right.grades.argmax()])
            changes.append((left.rho + right.rho) / 2.0)
            winners.append(best)
            continue
        able[place] = True
        rows = rows[able]
        half = _point(distance[rows], smallest, weights, (left.rho + right.rho) / 2.0)
        stack += [(half, right.of(able), rows), (left.of(able), half, rows)]
    return np.array(changes), np.array(winners, dtype=np.int64)
