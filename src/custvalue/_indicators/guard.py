"""Frames of transactions at the door: what is read and what is refused, and days beside their microseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from custvalue._engines import TICKS, collected, guard_key_type, types_of, with_ticks
from custvalue._indicators.local_days import SHIFT, SHIFT_DAYS
from custvalue._indicators.moments import DAY_MICROSECONDS
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from custvalue._engines import Frame
    from custvalue._indicators.schema import TransactionSchema

BOOKED_TICKS = "__custvalue_booked"
#: Column of the local calendar day, in days since 1970-01-01.
DAY = "__custvalue_day"
_TEXT = (nw.String, nw.Categorical, nw.Enum)


def guard(frame: Frame, schema: TransactionSchema) -> Mapping[str, Any]:
    """Refuse missing columns and types that engines would compare or cast silently."""
    types = types_of(frame)
    missing = [name for name in schema.columns if name not in types]
    if missing:
        raise ColumnError.missing(missing, available=types, mend="Name the right columns in the schema.")
    key = types[schema.customer]
    guard_key_type(schema.customer, key)
    _guard_time(schema.time, types[schema.time], schema)
    if schema.booked:
        _guard_time(schema.booked, types[schema.booked], schema)
    for name in (schema.amount, schema.balance, schema.rate):
        if name and not types[name].is_numeric():
            mend = f"Convert it first, for example with frame['{name}'].astype(float)."
            raise ColumnError.wrong_type(name, found=str(types[name]), allowed="numbers", mend=mend)
    if schema.reversal and types[schema.reversal] != nw.Boolean:
        found = str(types[schema.reversal])
        raise ColumnError.wrong_type(schema.reversal, found=found, allowed="True and False")
    if schema.order and not types[schema.order].is_integer():
        raise ColumnError.wrong_type(schema.order, found=str(types[schema.order]), allowed="integers")
    for name in coded_columns(schema):
        guard_codes(frame, name, types[name])
    return types


def guard_codes(frame: Frame, name: str, kind: Any) -> None:
    """Refuse a column whose codes could not be compared with those of a specification."""
    if not (kind.is_integer() or isinstance(kind, _TEXT)):
        raise ColumnError.wrong_type(name, found=str(kind), allowed="text, categories or integers")
    if not isinstance(kind, nw.Categorical) or not isinstance(frame, nw.DataFrame):
        return
    native = frame.get_column(name).to_native()
    texts = True
    if frame.implementation.is_pandas():
        texts = pd.api.types.infer_dtype(native.cat.categories, skipna=True) in ("string", "empty")
    elif frame.implementation.is_pyarrow():
        texts = "string" in str(native.type.value_type)
    if not texts:
        mend = "Cast it to integers or to text first."
        raise ColumnError.wrong_type(name, found="categories of other things than text", allowed="text", mend=mend)


def coded_columns(schema: TransactionSchema) -> tuple[str, ...]:
    """Name the columns that hold codes, each once."""
    single = (schema.kind, schema.channel, schema.product, schema.side, schema.currency)
    marks = (column for codes in schema.excluded.values() for column in codes)
    names = (*single, *schema.attributes, *schema.system, *schema.standing_order, *marks)
    return tuple(dict.fromkeys(name for name in names if name))


def _guard_time(name: str, time: Any, schema: TransactionSchema) -> None:
    if not isinstance(time, nw.Date | nw.Datetime):
        mend = f"Convert it first, for example with pandas.to_datetime(frame['{name}'])."
        if isinstance(time, nw.Unknown):
            mend = "Cast it to a timestamp of microseconds first."
        raise ColumnError.wrong_type(name, found=str(time), allowed="a date or a datetime", mend=mend)
    aware = isinstance(time, nw.Datetime) and time.time_zone is not None
    if aware and schema.time_zone is None:
        message = (
            f"Column '{name}' is time-zone aware and the schema names no time_zone. "
            "Name the zone whose calendar days count, such as 'Europe/Prague'."
        )
        raise DomainError(message)
    if not aware and schema.time_zone is not None:
        message = (
            f"Column '{name}' carries no time zone and the schema names one (naive against aware). "
            "Leave time_zone out if the column is local wall time, or make the column aware."
        )
        raise DomainError(message)


def is_aware(frame: Frame, schema: TransactionSchema) -> bool:
    """Tell whether the checked time column carries a zone."""
    time = types_of(frame)[schema.time]
    return isinstance(time, nw.Datetime) and time.time_zone is not None


def with_dates_as_days(frame: Frame, column: str, alias: str) -> Frame:
    """Add the days of a wall time of Polars, whose dates are whole days already."""
    date = nw.col(column) if isinstance(types_of(frame)[column], nw.Date) else nw.col(column).dt.date()
    dated: Frame = frame.with_columns(date.cast(nw.Int32()).alias(alias))
    return dated


def with_whole_days(frame: Frame, name: str) -> Frame:
    """Turn a column of microseconds on DuckDB or Spark into the days they lie in.

    In the engine's own words: narwhals guards a division against zero and floats, which costs more than the rest.
    """
    native = nw.to_native(frame)
    if frame.implementation.is_duckdb():
        days = f'CAST(("{name}" + {SHIFT}) // {DAY_MICROSECONDS} - {SHIFT_DAYS} AS INTEGER)'
        made = native.project(f'* REPLACE ({days} AS "{name}")')
    else:
        days = f"CAST((`{name}` + {SHIFT}) div {DAY_MICROSECONDS} - {SHIFT_DAYS} AS INT)"
        others = [f"`{one.replace('`', '``')}`" for one in native.columns if one != name]
        made = native.selectExpr(*others, f"{days} AS `{name}`")
    lazy: Frame = nw.from_native(made)
    return lazy


def guard_kept(frame: nw.DataFrame[Any], name: str, numbers: Iterable[str]) -> None:
    """Refuse a kept state whose key or numbers are of a wrong type or missing."""
    types = types_of(frame)
    guard_key_type(name, types[name])
    for column in (name, "day", "pattern", *numbers):
        if frame.get_column(column).null_count():
            raise DataError(f"Column '{column}' holds nulls; a kept state has none.")
    for column in numbers:
        if not types[column].is_numeric():
            raise ColumnError.wrong_type(column, found=str(types[column]), allowed="numbers")


def day_numbers(frame: nw.DataFrame[Any], name: str) -> NDArray[np.int64]:
    """Give a column of dates as days since 1970-01-01."""
    found = types_of(frame)[name]
    if not isinstance(found, nw.Date | nw.Datetime) or getattr(found, "time_zone", None):
        raise ColumnError.wrong_type(name, found=str(found), allowed="a date or a datetime without a zone")
    ticks = collected(with_ticks(frame, name)).get_column(TICKS).to_numpy()
    return np.asarray(ticks, dtype=np.int64) // DAY_MICROSECONDS
