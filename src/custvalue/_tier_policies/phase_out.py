"""Proposals for exit from the lowest level: a list for people to decide on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from custvalue._tier_policies.engine import Track
    from custvalue._tier_policies.overrides import Placed
    from custvalue._tier_policies.panel import Panel
    from custvalue._tier_policies.policy import TierPolicy
    from custvalue._typing import FloatArray, IntArray

#: By how much a product of a share and a number may miss a whole number.
_ROUNDING = 1e-9


def proposed(
    policy: TierPolicy, panel: Panel, track: Track, overrides: Placed, unit: int
) -> tuple[IntArray, IntArray]:
    """Give rows and columns of the proposals, period by period and in each the lowest value first."""
    rows: list[IntArray] = []
    columns: list[IntArray] = []
    rule = policy.phase_out
    if rule is not None:
        values = panel.columns[rule.column or policy.score]
        for column, lowest, passed in track.lowest:
            free = ~np.isin(lowest, overrides.touched(column))
            most = math.floor(rule.share * int(free.sum()) + _ROUNDING)
            ready = free & (passed >= rule.periods * unit)
            if rule.below is not None:
                ready &= values[lowest, column] < rule.below
            chosen = lowest[ready][lowest_values(values[lowest[ready], column], most)]
            rows.append(chosen)
            columns.append(np.full(len(chosen), column))
    none = np.empty(0, dtype=np.int64)
    return np.concatenate([none, *rows]), np.concatenate([none, *columns])


def lowest_values(values: FloatArray, most: int) -> IntArray:
    """Give the places of at most so many lowest values, ascending; equal ones come all or none."""
    order = np.argsort(values, kind="stable")
    if most >= len(values):
        return order
    kept = int(np.searchsorted(values[order], values[order[most]], side="left"))
    return order[:kept]
