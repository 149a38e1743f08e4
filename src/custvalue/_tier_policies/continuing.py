"""What a replay tells of its customers' movement, and what the one after it must know of that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from custvalue._spec import FrozenMapping
from custvalue._tier_policies.engine import NONE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from custvalue._typing import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Before:
    """What an earlier replay showed of each customer, or that there was none.

    ``seen`` is the level in the last period with a row and ``code`` its reason, ``direction`` that of the last
    change, ``final`` the level in the last period of all (-1 without a row), and ``columns`` its figures. Without
    an earlier replay ``final`` is None.
    """

    seen: NDArray[np.int8]
    code: NDArray[np.int8]
    direction: NDArray[np.int8]
    final: NDArray[np.int8] | None
    columns: Mapping[str, FloatArray]

    @classmethod
    def new(cls, size: int) -> Before:
        """Give what is known before anything was seen."""
        nobody = np.full(size, NONE, dtype=np.int8)
        nothing = np.zeros(size, dtype=np.int8)
        return cls(nobody, nothing, nothing.copy(), None, FrozenMapping())


@dataclass(frozen=True, slots=True)
class Walk:
    """Changes of level of all customers, one after the other, and where they stand at the end.

    ``rows``, ``columns`` and ``befores`` list the changes, customer by customer, with the level left.
    """

    changes: IntArray
    turns: IntArray
    rows: IntArray
    columns: IntArray
    befores: NDArray[np.int8]
    seen: NDArray[np.int8]
    direction: NDArray[np.int8]

    @classmethod
    def of(cls, levels: NDArray[np.int8], before: Before) -> Walk:
        """Follow the levels, customers by periods, on from what was there before."""
        size = len(levels)
        changes, turns = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
        last, direction = before.seen, before.direction
        rows: list[IntArray] = [np.empty(0, dtype=np.int64)]
        columns: list[IntArray] = [np.empty(0, dtype=np.int64)]
        befores: list[NDArray[np.int8]] = [np.empty(0, dtype=np.int8)]
        for column, now in enumerate(levels.T):
            step = np.where((now == NONE) | (last == NONE), 0, np.sign(now - last)).astype(np.int8)
            moved = np.flatnonzero(step)
            changes[moved] += 1
            turns += step * direction < 0
            rows.append(moved)
            columns.append(np.full(len(moved), column))
            befores.append(last[moved])
            direction = np.where(step != 0, step, direction)
            last = np.where(now == NONE, last, now)
        row, when = np.concatenate(rows), np.concatenate(columns)
        order = np.lexsort((when, row))
        return cls(changes, turns, row[order], when[order], np.concatenate(befores)[order], last, direction)
