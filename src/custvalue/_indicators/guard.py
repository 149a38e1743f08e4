"""Frames of every engine at the door: what is read, what is refused, and time as whole microseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from custvalue import _frames
from custvalue._indicators.local_days import SHIFT, SHIFT_DAYS
from custvalue._indicators.moments import DAY_MICROSECONDS
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from custvalue._indicators.schema import TransactionSchema

Frame: TypeAlias = nw.DataFrame[Any] | nw.LazyFrame[Any]

#: Column of the time in microseconds since 1970-01-01, added to the caller's columns.
TICKS = "__custvalue_time"
BOOKED_TICKS = "__custvalue_booked"
#: Column of the local calendar day, in days since 1970-01-01.
DAY = "__custvalue_day"
_TEXT = (nw.String, nw.Categorical, nw.Enum)
_LAST_YEAR = 9999
_EPOCH_DAY = "DATE '1970-01-01'"


def is_engine(frame: Frame) -> bool:
    """Tell whether the frame is computed elsewhere: DuckDB, Ibis or Spark."""
    known = frame.implementation
    return known.is_duckdb() or known.is_ibis() or known.is_pyspark()


def wrapped(data: object, *, argument: str) -> Frame:
    """Wrap a frame of any engine, eager or lazy; refuse what is none, and Dask."""
    frame = _frames.wrapped(data)
    allowed = "a pandas, Polars or PyArrow frame, a DuckDB relation, an Ibis table or a PySpark data frame"
    if not isinstance(frame, nw.DataFrame | nw.LazyFrame):
        message = f"{argument} is a {type(data).__name__}; allowed: {allowed}."
        raise DomainError(message)
    if frame.implementation.is_dask():
        message = f"{argument} is a Dask frame: its group-by sums over partitions are wrong for this purpose."
        raise DomainError(message)
    known = frame.implementation
    if not (known.is_pandas() or known.is_pyarrow() or known.is_polars() or is_engine(frame)):
        message = f"{argument} is a frame of {known}, which is not read; allowed: {allowed}."
        raise DomainError(message)
    return frame


def collected(frame: Frame) -> nw.DataFrame[Any]:
    """Bring a frame into memory."""
    return frame.collect() if isinstance(frame, nw.LazyFrame) else frame


def with_dates(frame: Frame, *names: str | None) -> Frame:
    """Give pandas' time columns and Arrow's views of text in a form that every step knows.

    Object columns of ``datetime.date``, as pandas gets dates from a parquet file, become datetimes; aware times
    of a zone with a digit or an underscore in its name, which narwhals 2.29 does not recognise, are told in UTC.
    """
    native, columns = nw.to_native(frame), frame.collect_schema()
    if frame.implementation.is_pyarrow():
        views = [field.name for field in native.schema if str(field.type) == "string_view"]
        return frame.with_columns(nw.col(name).cast(nw.String()) for name in views) if views else frame
    if not frame.implementation.is_pandas():
        return frame
    changed = {}
    for name in (one for one in names if one is not None and one in columns):
        kind = native[name].dtype
        if pd.api.types.is_object_dtype(kind) and pd.api.types.infer_dtype(native[name], skipna=True) == "date":
            changed[name] = pd.to_datetime(native[name])
        elif isinstance(kind, pd.DatetimeTZDtype) and isinstance(columns[name], nw.Unknown):
            changed[name] = native[name].dt.tz_convert("UTC")
    if not changed:
        return frame
    made: Frame = nw.from_native(native.assign(**changed))
    return made


def types_of(frame: Frame) -> dict[str, Any]:
    """Give the types by column."""
    return dict(frame.collect_schema())


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


def guard_key_type(name: str, key: Any) -> None:
    """Refuse a key that is neither an integer that every engine holds nor text."""
    if not (key.is_integer() or isinstance(key, nw.String)) or isinstance(key, nw.Int128 | nw.UInt128):
        mend = "Cast the key to integers of at most 64 bits or to text."
        raise ColumnError.wrong_type(name, found=str(key), allowed="integers or text", mend=mend)


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


def _duckdb_ticks(name: str, *, date: bool) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    return f"epoch_us(CAST({quoted} AS TIMESTAMP))" if date else f"epoch_us({quoted})"


def _spark_ticks(name: str, *, aware: bool, date: bool) -> str:
    """Give Spark's own text: fields of a wall time do not depend on the session's zone, nor do aware instants."""
    quoted = "`" + name.replace("`", "``") + "`"
    if aware:
        return f"unix_micros({quoted})"
    days = f"CAST(datediff(to_date({quoted}), {_EPOCH_DAY}) AS BIGINT) * 86400000000"
    if date:
        return days
    clock = f"(hour({quoted}) * 3600 + minute({quoted}) * 60) * CAST(1000000 AS BIGINT)"
    return f"{days} + {clock} + CAST(date_part('SECOND', {quoted}) * 1000000 AS BIGINT)"


def _ibis_ticks(column: Any, *, aware: bool, date: bool) -> Any:
    """Count from the epoch: a difference of moments does not depend on the session's zone."""
    if date:
        return column.delta(pd.Timestamp(0).date(), unit="day").cast("int64") * 86_400_000_000
    epoch = pd.Timestamp(0, tz="UTC" if aware else None).to_pydatetime()
    return column.delta(epoch, unit="microsecond").cast("int64")


def _guard_years(frame: Frame, column: str, time: Any) -> None:
    """Refuse times that would wrap round as microseconds: pandas holds seconds beyond the calendar."""
    if not frame.implementation.is_pandas() or getattr(time, "time_unit", "us") not in ("s", "ms"):
        return
    years = nw.to_native(frame)[column].dt.year
    beyond = int(((years < 1) | (years > _LAST_YEAR)).sum())
    if beyond:
        raise DataError(
            f"Column '{column}' holds {beyond} time(s) outside the years 1 to {_LAST_YEAR}; mend them."
        )


def with_ticks(frame: Frame, column: str, alias: str = TICKS) -> Frame:
    """Add a time as whole microseconds since 1970-01-01: of its instant if it is aware, else of the wall clock."""
    time = types_of(frame)[column]
    date = isinstance(time, nw.Date)
    aware = not date and time.time_zone is not None
    native = nw.to_native(frame)
    if frame.implementation.is_duckdb():
        made = native.project(f'*, {_duckdb_ticks(column, date=date)} AS "{alias}"')
    elif frame.implementation.is_pyspark():
        made = native.selectExpr("*", f"{_spark_ticks(column, aware=aware, date=date)} AS `{alias}`")
    elif frame.implementation.is_ibis():
        made = native.mutate(**{alias: _ibis_ticks(native[column], aware=aware, date=date)})
    else:
        _guard_years(frame, column, time)
        found = nw.col(column).cast(nw.Datetime("us")) if date else nw.col(column)
        eager: Frame = frame.with_columns(found.dt.timestamp("us").alias(alias))
        return eager
    lazy: Frame = nw.from_native(made)
    return lazy


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
