"""Moments of a panel as whole numbers: days for dates, periods for whole numbers."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import narwhals.stable.v2 as nw
import numpy as np

from custvalue._moments import parsed
from custvalue._spec import unboxed
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from custvalue._typing import BoolArray, IntArray

#: Stands for "never" and "still open": later than every moment of a panel, and safe to add windows to.
NEVER: Final = 1 << 42
#: Moments and windows beyond this are refused.
LATEST: Final = 1 << 40
_DAY: Final = 86_400_000_000
_EPOCH: Final = dt.date(1970, 1, 1)


def is_dated(kind: Any) -> bool:
    """Tell whether a column's type is a date or a datetime."""
    return isinstance(kind, nw.Date | nw.Datetime)


def _refused(name: str, kind: Any) -> ColumnError:
    aware = isinstance(kind, nw.Datetime) and kind.time_zone is not None
    mend = (
        "Convert it to the bank's local wall time first."
        if aware
        else "Convert it first, for example with pandas.to_datetime."
    )
    allowed = "a date, a datetime without a zone, or whole period numbers"
    return ColumnError.wrong_type(name, found=str(kind), allowed=allowed, mend=mend)


def moments(series: nw.Series[Any], name: str) -> tuple[IntArray, BoolArray]:
    """Give a column as whole numbers (of a datetime its day), NEVER where it is null, and where it is null."""
    kind = series.dtype
    if is_dated(kind):
        if getattr(kind, "time_zone", None) is not None:
            raise _refused(name, kind)
        null = np.asarray(series.is_null().to_numpy(), dtype=np.bool_)
        filled = series.cast(nw.Datetime("us")).dt.timestamp("us").fill_null(0)
        whole = np.asarray(filled.to_numpy(), dtype=np.float64 if null.any() else np.int64)
        days = np.floor_divide(np.where(null, 0, whole), _DAY).astype(np.int64)
        return np.where(null, NEVER, days), null
    if not kind.is_numeric():
        if kind == nw.Unknown or len(series) == series.null_count():  # a column of nulls has no type of its own
            null = np.asarray(series.is_null().to_numpy(), dtype=np.bool_)
            if null.all():
                return np.full(len(null), NEVER, dtype=np.int64), null
        raise _refused(name, kind)
    numbers = np.asarray(series.cast(nw.Float64()).to_numpy(), dtype=np.float64)
    null = np.isnan(numbers)
    bad = ~null & ~((np.abs(numbers) <= LATEST) & (numbers == np.floor(numbers)))
    if bad.any():
        message = f"Column '{name}' holds {int(bad.sum())} number(s) that are no whole period numbers."
        raise DataError(f"{message} Allowed: whole numbers up to {LATEST}; or pass dates.")
    return np.where(null, NEVER, np.where(null, 0.0, numbers)).astype(np.int64), null


def moment(value: object, argument: str, *, dated: bool) -> int:
    """Give one moment in the unit of the panel."""
    if dated:
        found = parsed(value, argument)
        if isinstance(found, dt.datetime):
            if found.tzinfo is not None:
                message = f"{argument} carries a time zone and the panel's times do not; give local wall time."
                raise DomainError(message)
            found = found.date()
        return (found - _EPOCH).days
    plain = unboxed(value)
    if isinstance(plain, int) and not isinstance(plain, bool) and abs(plain) <= LATEST:
        return plain
    message = f"{argument} must be a whole number, as the panel's times are."
    raise DomainError(message)


def shown(moment_: int, *, dated: bool) -> str:
    """Give a moment as text, for provenance and titles."""
    if not dated:
        return str(moment_)
    return (_EPOCH + dt.timedelta(days=moment_)).isoformat()
