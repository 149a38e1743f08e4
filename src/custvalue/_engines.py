"""Frames of every engine, eager or lazy: how one is told, what is refused, and time as whole microseconds."""

from __future__ import annotations

from typing import Any, TypeAlias

import narwhals.stable.v2 as nw
import pandas as pd

from custvalue import _frames
from custvalue.exceptions import ColumnError, DataError, DomainError

Frame: TypeAlias = nw.DataFrame[Any] | nw.LazyFrame[Any]

#: Column of the time in microseconds since 1970-01-01, added to the caller's columns.
TICKS = "__custvalue_time"
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


def guard_key_type(name: str, key: Any) -> None:
    """Refuse a key that is neither an integer that every engine holds nor text."""
    if not (key.is_integer() or isinstance(key, nw.String)) or isinstance(key, nw.Int128 | nw.UInt128):
        mend = "Cast the key to integers of at most 64 bits or to text."
        raise ColumnError.wrong_type(name, found=str(key), allowed="integers or text", mend=mend)


def guard_same_key(name: str, key: Any, other: Any, *, argument: str, table: str = "transactions") -> None:
    """Refuse a key that engines would match silently with one of another type."""
    if any(isinstance(key, kind) != isinstance(other, kind) for kind in (nw.String, nw.UInt64)) or (
        key.is_integer() != other.is_integer()
    ):
        mend = "Cast one of them: engines would match them silently."
        allowed = f"{other}, as in {table}"
        raise ColumnError.wrong_type(name, found=f"{key} in {argument}", allowed=allowed, mend=mend)


def key_type(key: Any) -> Any:
    """Give the type in which keys of both tables meet: engines differ in what widths they join."""
    return nw.Int64() if key.is_integer() and not isinstance(key, nw.UInt64) else key


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
