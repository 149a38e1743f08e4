"""What narwhals has no word for: small tables on an engine, and the bits of a customer's rows put together.

Products are bits of whole numbers. A customer's rows are joined by the engine's own ``bit_or``, so a doubled row
counts once, and customers with the same numbers hold the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np

from custvalue._kernels import basket_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Lazy: TypeAlias = nw.LazyFrame[Any]

#: Bits of one column: engines have signed whole numbers of 64 bits, and the sign stays free.
BITS: Final = 63
#: Columns of bits that an engine is asked to group by.
MOST_WORDS: Final = 64
_BLOCK: Final = 1 << 16


def word(place: int) -> str:
    """Name a column of bits."""
    return f"word_{place}"


def gathered(frame: Lazy) -> nw.DataFrame[Any]:
    """Bring a frame into memory; lazy Polars takes its rows in batches where its version can."""
    if not frame.implementation.is_polars():
        return frame.collect()
    native = nw.to_native(frame)
    try:
        made: nw.DataFrame[Any] = nw.from_native(native.collect(engine="streaming"), eager_only=True)
    except ValueError:  # pragma: no cover - Polars before 1.23
        return frame.collect()
    return made


# ----------------------------------------------------------------------------------------------- small tables


def _duckdb_text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def bit_table(frame: Lazy, names: Sequence[str], places: Sequence[int], prefix: str) -> Lazy:
    """Give a table on the frame's engine that tells for each name its column of bits, and its bit.

    No column is named as a column of the other table, but for the name.
    """
    words = [place // BITS for place in places]
    bits = [1 << place % BITS for place in places]
    native = nw.to_native(frame)
    if frame.implementation.is_duckdb():
        texts = ", ".join(map(_duckdb_text, names))
        # A filter that nothing passes and a count give one row of no table; its rows are never read.
        made = (
            native.filter("false")
            .aggregate("count(*) AS n")
            .project(
                f"unnest([{texts}]::VARCHAR[]) AS {prefix}, unnest({words}::INTEGER[]) AS {prefix}_word, "
                f"unnest({bits}::BIGINT[]) AS {prefix}_bit"
            )
        )
    elif frame.implementation.is_pyspark():
        rows = list(zip(names, words, bits, strict=True))
        declared = f"{prefix} string, {prefix}_word int, {prefix}_bit bigint"
        made = native.sparkSession.createDataFrame(rows, declared).hint("broadcast")
    else:
        columns = {prefix: list(names), f"{prefix}_word": words, f"{prefix}_bit": bits}
        kinds = {prefix: nw.String(), f"{prefix}_word": nw.Int32(), f"{prefix}_bit": nw.Int64()}
        if frame.implementation.is_ibis():
            arrow = nw.from_dict(columns, kinds, backend="pyarrow").to_native()
            made = nw.get_native_namespace(frame).memtable(arrow)
        else:
            made = nw.from_dict(columns, kinds, backend="polars").lazy().to_native()
    table: Lazy = nw.from_native(made)
    return table


def bits_of(prefixes: Sequence[str], place: int) -> nw.Expr:
    """Give one column of bits of rows; the bits of different prefixes never coincide."""
    found = nw.lit(0, nw.Int64())
    for prefix in prefixes:
        mine = nw.col(f"{prefix}_word") == place
        found = found + nw.when(mine).then(nw.col(f"{prefix}_bit")).otherwise(nw.lit(0, nw.Int64()))
    return found.alias(word(place))


# ------------------------------------------------------------------------------------------- customers' bits


def by_customer(rows: Lazy, words: Sequence[str], marks: Sequence[str], sums: Sequence[str]) -> Lazy:
    """Give one row a key: bits put together, marks that are not null counted, numbers added."""
    native = nw.to_native(rows)
    if rows.implementation.is_duckdb():
        chosen = [f"bit_or({name}) AS {name}" for name in words]
        chosen += [f"count({name}) AS {name}" for name in marks]
        chosen += [f"sum({name}) AS {name}" for name in sums]
        made = native.aggregate(", ".join(["key", *chosen]), "key")
    elif rows.implementation.is_pyspark():
        functions = nw.get_native_namespace(rows).functions
        chosen = [functions.expr(f"bit_or({name})").alias(name) for name in words]
        chosen += [functions.count(name).alias(name) for name in marks]
        chosen += [functions.sum(name).alias(name) for name in sums]
        made = native.groupBy("key").agg(*chosen)
    elif rows.implementation.is_ibis():
        found = {name: native[name].bit_or() for name in words}
        found |= {name: native[name].count() for name in marks}
        found |= {name: native[name].sum() for name in sums}
        made = native.group_by("key").agg(**found)
    else:
        polars = nw.get_native_namespace(rows)
        chosen = [polars.col(name).bitwise_or() for name in words]
        chosen += [polars.col(name).count().cast(polars.Int64) for name in marks]
        chosen += [polars.col(name).sum() for name in sums]
        made = native.group_by("key").agg(*chosen)
    frame: Lazy = nw.from_native(made)
    return frame


def sparse(table: nw.DataFrame[Any], n_words: int, columns: NDArray[np.int32]) -> tuple[Any, Any]:
    """Turn columns of bits into sparse rows; `columns` tells the column of each bit, ascending."""
    numbers = [table.get_column(word(place)).to_numpy().astype("<i8") for place in range(n_words)]
    lengths = [np.zeros(1, dtype=np.int64)]
    codes = []
    block = max(_BLOCK // n_words, 1)
    for start in range(0, len(table), block):
        rows = np.column_stack([one[start : start + block] for one in numbers])
        flags = np.unpackbits(rows.view(np.uint8), axis=1, bitorder="little").reshape(len(rows), n_words, 64)
        held = flags[:, :, :BITS].reshape(len(rows), n_words * BITS)[:, : len(columns)].view(np.bool_)
        indptr, found = basket_rows.sparse_rows(held)
        lengths.append(np.diff(indptr))
        codes.append(columns[found])
    return np.cumsum(np.concatenate(lengths)), np.concatenate([np.empty(0, dtype=np.int32), *codes])
