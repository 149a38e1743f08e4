"""Months as whole numbers: how they are written, and how columns of them are read."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from custvalue._moments import parsed
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import IntArray

_WRITTEN = re.compile(r"(\d{4})-(\d{2})")
_YEAR: Final = 12
_EPOCH_YEAR: Final = 1970
_HUNDRED: Final = 100
ALLOWED: Final = "text such as '2024-03', a date or a datetime"


def month_number(value: object, argument: str) -> int:
    """Give a month as whole months since January 1970."""
    if isinstance(value, str) and (found := _WRITTEN.fullmatch(value.strip())):
        year, month = int(found[1]), int(found[2])
        if not (1 <= month <= _YEAR and year):
            message = f"{argument} names no month; allowed: {ALLOWED}."
            raise DomainError(message)
        return (year - _EPOCH_YEAR) * _YEAR + month - 1
    moment: dt.date = parsed(value, argument)
    return (moment.year - _EPOCH_YEAR) * _YEAR + moment.month - 1


def month_text(number: int) -> str:
    """Write a month as '2024-03'."""
    year, month = divmod(int(number), _YEAR)
    return f"{year + _EPOCH_YEAR:04d}-{month + 1:02d}"


def period_texts(starts: IntArray, lengths: IntArray) -> tuple[str, ...]:
    """Write periods as '2024-03', or '2024-01/02' where months were joined."""
    return tuple(
        month_text(one) + ("" if length == 1 else f"/{month_text(one + length - 1)[-2:]}")
        for one, length in zip(starts.tolist(), lengths.tolist(), strict=True)
    )


def numbers_of(values: Sequence[Any], name: str) -> IntArray:
    """Read distinct values of a column of months: text '2024-03' or whole numbers 202403."""
    out = np.empty(len(values), dtype=np.int64)
    strange = 0
    for place, value in enumerate(values):
        if isinstance(value, str):
            found = _WRITTEN.fullmatch(value.strip())
            year, month = (int(found[1]), int(found[2])) if found else (0, 0)
        else:
            year, month = divmod(int(value), _HUNDRED)
        if not (1 <= month <= _YEAR and 1 <= year <= dt.MAXYEAR):
            strange += 1
            continue
        out[place] = (year - _EPOCH_YEAR) * _YEAR + month - 1
    if strange:
        message = (
            f"Column '{name}' holds {strange} value(s) that name no month; allowed: text such as '2024-03', "
            "whole numbers such as 202403, dates or datetimes."
        )
        raise DataError(message)
    return out


def guard_month(name: str, kind: Any, *, is_text: bool, is_time: bool) -> None:
    """Refuse a column that cannot hold months, and times of a zone: their month depends on where one stands."""
    if is_time and getattr(kind, "time_zone", None) is not None:
        mend = "Convert it to local time first, or cast it to a date."
        allowed = "a date, or a datetime of local wall time without a zone"
        raise ColumnError.wrong_type(name, found=str(kind), allowed=allowed, mend=mend)
    if not (is_text or is_time or kind.is_integer()):
        allowed = "dates, datetimes, text such as '2024-03' or whole numbers such as 202403"
        raise ColumnError.wrong_type(name, found=str(kind), allowed=allowed)


def ordered(columns: list[str], start: object) -> tuple[int, list[str]]:
    """Give the first month and the columns in the order of their months."""
    if not columns:
        raise ColumnError("data has no column of a month.")
    if start is not None:
        return month_number(start, "start"), columns
    try:
        numbers = [month_number(name, "column") for name in columns]
    except DomainError:
        message = "Columns of data must be months written as '2024-03'; name customer= and peers=, or give start=."
        raise ColumnError(message) from None
    first, n_distinct = min(numbers), len(set(numbers))
    if n_distinct < len(numbers) or max(numbers) - first + 1 != n_distinct:
        message = (
            f"Columns of data: {len(numbers) - n_distinct} month(s) are doubled and "
            f"{max(numbers) - first + 1 - n_distinct} missing between the first and the last; give each once."
        )
        raise DataError(message)
    return first, [name for _, name in sorted(zip(numbers, columns, strict=True))]
