"""Arguments as they come: sequences, numbers, labelled columns; and tables that results give back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from custvalue import _frames
from custvalue._results import read_only
from custvalue._spec import unboxed
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from custvalue._typing import FloatArray


def sequence(values: Any, argument: str, what: str) -> list[Any]:
    """Give a list; refuse a text, a mapping and what cannot be gone through, by the argument's name."""
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        message = f"{argument} must be a sequence of {what}. Given: a {type(values).__name__}."
        raise DomainError(message)
    try:
        return list(values)
    except TypeError:  # an array without a dimension
        message = f"{argument} must be a sequence of {what}. Given: a single value."
        raise DomainError(message) from None


def texts(values: Any, argument: str) -> list[str]:
    """Give a list of texts; refuse anything else by the argument's name."""
    found = [unboxed(value) for value in sequence(values, argument, "texts")]
    if strange := sum(not isinstance(value, str) for value in found):
        message = f"{argument} must be a sequence of texts. {strange} value(s) are none."
        raise DomainError(message)
    return found


def plain_label(value: Any) -> Any:
    """Give a plain number, text or day; a moment with a time zone stays one."""
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    plain = unboxed(value)
    return plain.date() if isinstance(plain, dt.datetime) and plain.tzinfo is None else plain


def require_no_spans(values: Iterable[Any], argument: str) -> None:
    """Refuse pandas Periods, of which nobody knows the month that a quarter or a year stands for."""
    if any(isinstance(value, pd.Period) for value in values):
        message = (
            f"{argument} holds pandas Periods; allowed: dates without a time zone, or whole numbers. Use "
            ".to_timestamp(how='end'), for a column .dt.to_timestamp(how='end')."
        )
        raise ColumnError(message)


def is_number(value: object) -> bool:
    """Tell whether a plain value is a finite number within the bounds of all figures; a flag is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _frames.LARGEST


def numbers(values: Any, argument: str) -> list[float]:
    """Give a list of finite numbers; refuse anything else by the argument's name."""
    found = [unboxed(value) for value in sequence(values, argument, "numbers")]
    if strange := sum(not is_number(value) for value in found):
        message = f"{argument} must be a sequence of numbers. {strange} value(s) are no finite number up to 1e150."
        raise DomainError(message)
    return [float(value) for value in found]


def number_column(values: Any, argument: str) -> FloatArray:
    """Give numbers, one a customer, as float64; what is masked becomes NaN, and text is refused."""
    found: FloatArray | None = None
    try:
        given: NDArray[Any] = np.asarray(_frames.unmasked(values))
        if given.dtype != object:
            found = given.astype(np.float64, casting="same_kind")
        elif not any(isinstance(value, str | bytes) for value in given.ravel().tolist()):
            found = given.astype(np.float64)
    except (OverflowError, TypeError, ValueError):
        found = None
    if found is None:
        message = f"{argument} does not hold numbers only."
        raise DomainError(message)
    return found


def matched(reference: Any, values: Any, argument: str, first: str) -> Any:
    """Give a pandas Series in the order of the index of the first one; anything else as it is.

    Indices that hold different labels are refused: by position their values would be paired at random.
    """
    index = getattr(reference, "index", None)
    other = getattr(values, "index", None)
    if not isinstance(index, pd.Index) or not isinstance(other, pd.Index) or index.equals(other):
        return values
    place = _frames.places_by_label(index, other)
    if place is None:
        message = (
            f"{argument} and {first} are pandas Series with different index labels; give both the same labels, "
            "each once, or arrays (.to_numpy()) in the same order."
        )
        raise DataError(message)
    return values.iloc[place]


@dataclass(frozen=True, slots=True)
class Shell:
    """What is needed to give a table back in the library of the table read: nothing of its values is kept."""

    empty: Any
    index: pd.Index | None

    @classmethod
    def of(cls, table: Any) -> Shell:
        """Remember the library of a table, and a copy of a pandas index."""
        frame = _frames.eager(table, argument="table")
        index = frame.to_native().index.copy(deep=True) if frame.implementation.is_pandas() else None
        return cls(blank(table), index)

    def frame(self, columns: Mapping[str, NDArray[Any]]) -> Any:
        """Build a frame of the library, with the index of the table read."""
        found = _frames.like(self.empty, columns, keep_index=False)
        if self.index is not None:
            found.index = self.index.copy()
        return found


def blank(table: Any) -> Any:
    """Give a new frame without rows in the library of the table."""
    return _frames.like(table, {"empty": np.empty(0)}, keep_index=False)


def kept_columns(table: Any, keep: Sequence[str], own: Sequence[str]) -> tuple[Shell, dict[str, Any]]:
    """Give the shell of the table, and copies of the columns that a result repeats."""
    frame = _frames.eager(table, argument="table")
    wanted = sequence(keep, "keep", "column names")
    if missing := [name for name in wanted if name not in frame.columns]:
        raise ColumnError.missing(
            map(str, missing), available=frame.columns, mend="keep names columns of the table."
        )
    if taken := sorted(set(wanted) & set(own)):
        message = f"keep names {taken}, as columns of the result are called; rename them."
        raise ColumnError(message)
    return Shell.of(table), {name: read_only(np.array(frame.get_column(name).to_numpy())) for name in wanted}
