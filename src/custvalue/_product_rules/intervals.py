"""What bankers read beside confidence and lift: intervals, the gap to everyone, and extra customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from custvalue._kernels import interest_intervals
from custvalue._kernels.transitions import wilson_interval
from custvalue._kernels.two_by_two import cross_difference, divide

if TYPE_CHECKING:
    from custvalue._product_rules.holder_counts import Cells
    from custvalue._typing import FloatArray


def confidence_interval(cells: Cells, level: float) -> tuple[FloatArray, FloatArray]:
    """Give Wilson's interval of the confidence; 0 to 1 where nobody holds the antecedent."""
    return wilson_interval(cells.n11, cells.n11 + cells.n10, level)


def lift_interval(cells: Cells, level: float) -> tuple[FloatArray, FloatArray]:
    """Give the interval of the lift by the delta method on the log scale."""
    return interest_intervals.lift_interval(*cells, level)


def gap(cells: Cells) -> FloatArray:
    """Give the confidence minus the share of everyone who holds the consequent, in percentage points."""
    n11, n10, n01, n00 = _floats(cells)
    return divide(100.0 * cross_difference(n11, n10, n01, n00), (n11 + n10) * (n11 + n10 + n01 + n00))


def extra_customers(cells: Cells) -> FloatArray:
    """Give how many more hold both than independence would give: leverage times the number of customers."""
    n11, n10, n01, n00 = _floats(cells)
    return divide(cross_difference(n11, n10, n01, n00), n11 + n10 + n01 + n00)


def _floats(cells: Cells) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    n11, n10, n01, n00 = (np.asarray(cell, dtype=np.float64) for cell in cells)
    return n11, n10, n01, n00
