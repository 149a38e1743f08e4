"""Judgments read from matrices, from measured values, and from the rows of a table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from pydantic import ValidationError

from custvalue._network_process.panel import RECIPROCITY
from custvalue._network_process.ratios import Judgment
from custvalue._network_process.tables import square_table
from custvalue._spec import unboxed
from custvalue.exceptions import DataError, DomainError, JudgmentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from custvalue._typing import FloatArray, Table

#: Ratios beyond this come near the end of what a double holds.
_LARGEST_RATIO: Final = 1e300


def check_reciprocal(values: FloatArray, names: tuple[str, ...]) -> None:
    """Raise ``JudgmentError`` unless the matrix is positive, reciprocal, and 1 on its diagonal."""
    places = np.argwhere(np.isnan(values) & ~np.isnan(values.T))
    if len(places):
        row, column = places[0]
        message = (
            f"matrix judges {names[column]!r} against {names[row]!r}, but {names[row]!r} against "
            f"{names[column]!r} is missing; give both, or NaN for both where the pair was not judged."
        )
        raise JudgmentError(message)
    places = np.argwhere(values <= 0.0)
    if len(places):
        row, column = places[0]
        message = (
            f"matrix must be positive; the judgment of {names[row]!r} against {names[column]!r} is "
            f"{values[row, column]:g}. State ratios: 1 for equal, 1/3 for a third."
        )
        raise JudgmentError(message)
    diagonal = np.flatnonzero(~(np.abs(np.diag(values) - 1.0) <= RECIPROCITY))
    if len(diagonal):
        message = f"matrix must have 1 on its diagonal; {names[diagonal[0]]!r} against itself differs."
        raise JudgmentError(message)
    with np.errstate(over="ignore"):
        places = np.argwhere(np.abs(values * values.T - 1.0) > RECIPROCITY)
    if len(places):
        row, column = places[0]
        message = (
            f"matrix must be reciprocal within {RECIPROCITY:g}: {names[row]!r} against {names[column]!r} is "
            f"{values[row, column]:.10g}, but {names[column]!r} against {names[row]!r} is "
            f"{values[column, row]:.10g}. Give 1/x in full precision, or state each pair once as a Judgment."
        )
        raise JudgmentError(message)


def table_with_gaps(matrix: Table) -> tuple[FloatArray, tuple[str, ...] | None]:
    """Read a square table in which NaN marks a pair that was not judged."""
    try:
        values = np.array(matrix, dtype=np.float64)
    except (TypeError, ValueError):
        return square_table(matrix, "matrix")  # says what is wrong
    gaps = np.isnan(values)
    whole: Table = np.where(gaps, 1.0, values)
    if isinstance(matrix, pd.DataFrame):
        whole = pd.DataFrame(np.where(gaps, 1.0, values), index=matrix.index, columns=matrix.columns)
    values, labels = square_table(whole, "matrix")
    return np.where(gaps, np.nan, values), labels


def positive_values(values: Mapping[str, float]) -> dict[str, float]:
    """Read measured values whose ratios are judgments."""
    numbers = {str(name): _positive(name, value) for name, value in values.items()}
    if numbers and max(numbers.values()) / _LARGEST_RATIO > min(numbers.values()):
        message = f"values are further apart than {_LARGEST_RATIO:g} times; compare elements of one order."
        raise DomainError(message)
    return numbers


def _positive(name: object, value: Any) -> float:
    number = unboxed(value)
    real = isinstance(number, int | float) and not isinstance(number, bool)
    if not real or not (0.0 < number < math.inf):
        message = f"values: {name!r} is {value!r}; allowed: positive finite numbers."
        raise DomainError(message)
    return float(number)


def read_row(number: int, row: Mapping[str, Any]) -> Judgment:
    """Read one row of a table of judgments; rows are counted from 0, as data frames do."""
    first, second, expert = row["first"], row["second"], row.get("expert")
    if first is None or second is None:
        message = f"row {number} of frame has a ratio but does not name both elements; fill first and second."
        raise DataError(message)
    try:
        return Judgment(
            first=str(first), second=str(second), ratio=row["ratio"], expert="" if expert is None else str(expert)
        )
    except ValidationError as error:
        reasons = "; ".join(str(entry["msg"]) for entry in error.errors())
        message = f"row {number} of frame, {str(first)!r} against {str(second)!r}: {reasons}"
        raise JudgmentError(message) from None
