"""The plainest rival of a grey similarity: the nearest case by weighted Manhattan distance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

if TYPE_CHECKING:
    from custvalue._typing import FloatArray, IntArray

#: Distances held at a time.
HELD = 1 << 20


def manhattan_nearest(queries: FloatArray, cases: FloatArray, weights: FloatArray) -> IntArray:
    """Give the position of the nearest case of each query, the lowest among equally near ones, shape (n,).

    The distance of a pair depends on that pair alone, so that no other case can change which of two is nearer.
    """
    known, wanted = cases * weights, queries * weights
    step = max(1, HELD // len(known))
    found = np.empty(len(wanted), dtype=np.int64)
    for first in range(0, len(wanted), step):
        some = slice(first, first + step)
        found[some] = cdist(wanted[some], known, metric="cityblock").argmin(axis=1)
    return found
