"""One typed table for every engine: built in Arrow, handed over as each library has it."""

from __future__ import annotations

import datetime as dt
import math
import os
import shutil
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Row = dict[str, Any]

#: Engine, and the path it is read by; ``auto`` for those that have one path alone.
EAGER = ("pandas", "polars", "pyarrow")
ENGINES = (
    *(f"{name}-{path}" for name in EAGER for path in ("numpy", "narwhals")),
    "lazy",
    "duckdb",
    "ibis",
    "spark",
)
#: A zone that no schema names: numbers must not depend on an engine's session.
SESSION_ZONE = "America/St_Johns"


def arrow_type(tag: str) -> Any:
    """Give the Arrow type of a tag: ``int``, ``naive:us``, ``aware:ms:Asia/Shanghai``, ``decimal:18:2``, ..."""
    kind, *rest = tag.split(":")
    if kind in ("naive", "aware"):
        return pa.timestamp(rest[0], tz=rest[1] if kind == "aware" else None)
    if kind == "decimal":
        return pa.decimal128(int(rest[0]), int(rest[1]))
    types = {
        "int": pa.int64(),
        "float": pa.float64(),
        "bool": pa.bool_(),
        "text": pa.string(),
        "date": pa.date32(),
    }
    return types[kind]


def arrow_table(rows: Sequence[Row], types: Mapping[str, str]) -> Any:
    """Build the typed table of rows; the columns are those of `types`, in order."""
    return pa.table(
        {
            name: pa.array([_moment(row[name], tag) for row in rows], arrow_type(tag), from_pandas=False)
            for name, tag in types.items()
        }
    )


def _moment(value: Any, tag: str) -> Any:
    """Give a plain date as its first moment where the column is of datetimes."""
    is_date = isinstance(value, dt.date) and not isinstance(value, dt.datetime)
    return dt.datetime.combine(value, dt.time()) if is_date and tag.startswith("naive") else value


def to_pandas(table: Any) -> pd.DataFrame:
    """Give NumPy columns where pandas has them, and Arrow's for decimals, dates, and truth values with nulls."""
    columns = {}
    for name in table.column_names:
        column = table[name]
        whole = pa.types.is_integer(column.type) and column.null_count
        if pa.types.is_decimal(column.type) or pa.types.is_date(column.type) or whole:
            columns[name] = pd.Series(pd.array(column.combine_chunks(), dtype=pd.ArrowDtype(column.type)))
        elif pa.types.is_boolean(column.type) and column.null_count:
            columns[name] = column.to_pandas().astype("boolean")
        elif pa.types.is_string(column.type):
            columns[name] = column.to_pandas().astype("str" if pd.__version__ >= "3" else "object")
        else:
            columns[name] = column.to_pandas()
    return pd.DataFrame(columns)


def to_polars(table: Any) -> Any:
    import polars as pl

    return pl.from_arrow(table)


class Engine:
    """One engine, and the path through which its frames are read."""

    def __init__(self, name: str, convert: Callable[[Any], Any]) -> None:
        self.name = name
        kind, _, path = name.partition("-")
        self.kind: str = kind
        self.path: Any = path or "auto"
        self._convert = convert

    def table(self, rows: Sequence[Row], types: Mapping[str, str]) -> Any:
        return self._convert(arrow_table(rows, types))

    def __repr__(self) -> str:
        return self.name


def rows_of(table: Any) -> list[Row]:
    """Give a result's rows as plain values, null as None."""
    for collect in ("to_arrow_table", "to_pyarrow", "toArrow", "collect"):  # DuckDB, Ibis, Spark, Polars
        if hasattr(table, collect):
            table = getattr(table, collect)()
            break
    if isinstance(table, pd.DataFrame):
        rows = table.to_dict("records")
    elif hasattr(table, "to_dicts"):
        rows = table.to_dicts()
    else:
        rows = table.to_pylist()
    return [{str(name): _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    if value is pd.NA or value is pd.NaT:
        return None
    return None if isinstance(value, float) and math.isnan(value) else value


def java_is_there() -> bool:
    java = Path(os.environ["JAVA_HOME"], "bin", "java") if "JAVA_HOME" in os.environ else "java"
    return shutil.which(java) is not None


@contextmanager
def engine(name: str) -> Iterator[Engine]:
    """Open an engine on its own connection or session, and close it."""
    kind = name.partition("-")[0]
    if kind in OPENED:
        with OPENED[kind]() as convert:
            yield Engine(name, convert)
        return
    in_memory: dict[str, Callable[[Any], Any]] = {
        "pandas": to_pandas,
        "polars": to_polars,
        "lazy": lambda table: to_polars(table).lazy(),
        "pyarrow": lambda table: table,
    }
    yield Engine(name, in_memory[kind])


@contextmanager
def _duckdb() -> Iterator[Callable[[Any], Any]]:
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET TimeZone = '{SESSION_ZONE}'")
    try:
        yield lambda table: connection.from_arrow(_microseconds(table, aware_only=True))
    finally:
        connection.close()


@contextmanager
def _ibis() -> Iterator[Callable[[Any], Any]]:
    import ibis

    connection = ibis.duckdb.connect()
    connection.raw_sql(f"SET TimeZone = '{SESSION_ZONE}'")
    made = 0

    def convert(table: Any) -> Any:
        nonlocal made
        made += 1
        connection.con.register("given", _microseconds(table, aware_only=True))
        connection.raw_sql(f"CREATE TABLE table_{made} AS SELECT * FROM given")  # noqa: S608 - our own name
        connection.con.unregister("given")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "fetch_arrow_table", DeprecationWarning)
            return connection.table(f"table_{made}")

    try:
        yield convert
    finally:
        connection.disconnect()


@contextmanager
def _spark() -> Iterator[Callable[[Any], Any]]:
    from pyspark.sql import SparkSession
    from pyspark.sql.pandas.types import from_arrow_schema

    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.default.parallelism": "2",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.session.timeZone": SESSION_ZONE,
        "spark.sql.execution.arrow.maxRecordsPerBatch": "7",
    }

    def convert(table: Any) -> Any:
        cast = _microseconds(table)
        return session.createDataFrame(cast, schema=from_arrow_schema(cast.schema, prefer_timestamp_ntz=True))

    with warnings.catch_warnings():  # marks do not reach fixtures of a module
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        builder = SparkSession.builder.master("local[2]").appName("rfm")
        session = builder.config(map=settings).getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    try:
        yield convert
    finally:
        session.stop()


def _microseconds(table: Any, *, aware_only: bool = False) -> Any:
    """Cast the times that an engine has in microseconds alone: all of Spark's, those with a zone of DuckDB."""

    def cast(kind: Any) -> Any:
        asked = pa.types.is_timestamp(kind) and (kind.tz is not None or not aware_only)
        return pa.timestamp("us", kind.tz) if asked else kind

    return table.cast(pa.schema([pa.field(field.name, cast(field.type)) for field in table.schema]))


OPENED = {"duckdb": _duckdb, "ibis": _ibis, "spark": _spark}
