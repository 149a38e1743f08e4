"""Labelled square tables and weights that must sum to one: read, checked, renormalised within rounding."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from custvalue._spec import require_unit_sum
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from custvalue._typing import FloatArray, Table

#: Deviations below this are the rounding of doubles and are not worth a report.
REPORTED_DEVIATION: Final = 1e-12


def square_table(table: Table, name: str) -> tuple[FloatArray, tuple[str, ...] | None]:
    """Read a square table of finite numbers; labels come from a DataFrame's index, else there are none."""
    labels = None
    if isinstance(table, pd.DataFrame):
        labels = tuple(str(label) for label in table.index)
        if labels != tuple(str(label) for label in table.columns) or len(set(labels)) < len(labels):
            message = (
                f"{name} must have the same distinct labels in its index and in its columns, in one order. "
                "Reindex it: frame.loc[labels, labels]."
            )
            raise DomainError(message)
    try:
        values = np.array(table, dtype=np.float64)
    except (TypeError, ValueError) as error:
        message = f"{name} must be a square table of numbers."
        raise DomainError(message) from error
    if values.ndim != 2 or values.shape[0] != values.shape[1] or not values.size:  # noqa: PLR2004 - a table
        message = f"{name} has the shape {values.shape}; allowed: (n, n) with n from 1."
        raise DomainError(message)
    if not np.isfinite(values).all():
        row, column = (int(place) for place in np.argwhere(~np.isfinite(values))[0])
        pair = (labels[row], labels[column]) if labels else (row, column)
        message = f"{name} holds a missing or infinite number in row {pair[0]!r}, column {pair[1]!r}."
        raise DomainError(message)
    return values, labels


def positions(size: int) -> tuple[str, ...]:
    """Name unlabelled rows by their position, counted from 0."""
    return tuple(str(place) for place in range(size))


def check_weights(weights: Mapping[str, float], what: str) -> None:
    """Raise ``ValueError`` unless the weights are non-negative and sum to 1 within the tolerance."""
    negative = [name for name, weight in weights.items() if weight < 0.0]
    if negative:
        message = f"{what}: the weight of {negative[0]!r} is negative; allowed: numbers from 0."
        raise ValueError(message)
    require_unit_sum(weights.values(), what)


def renormalised(weights: Mapping[str, float]) -> tuple[dict[str, float], float]:
    """Divide weights by their sum, and give the deviation of the sum from 1."""
    total = math.fsum(weights.values())
    return {name: weight / total for name, weight in weights.items()}, total - 1.0
