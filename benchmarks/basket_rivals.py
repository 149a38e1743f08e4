"""Who mines the baskets in `bench_basket`: ours, mlxtend, efficient-apriori, pyfim; and who counts all pairs.

Two neutral forms are given: the bank's matrix of flags, and the published baskets as the rows of a sparse matrix
(`Rows`: where each row begins, the codes of its items). What a rival makes of it is its conversion, written with
NumPy as fast as we could. mlxtend gets a dense frame of the columns that are frequent alone, which is kinder than
its own encoder. Where a threshold can only be a share, it is that of half a customer less than the count, so that
rounding (mlxtend rounds up in floating point) changes no answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

OURS = "custvalue"
#: Longer than any itemset here; efficient-apriori stops at 8 where it is not told.
LONGEST = 99
_BLOCK = 1 << 16


class Rows(NamedTuple):
    """Baskets as a sparse matrix: row r holds ``codes[starts[r]:starts[r + 1]]``, ascending."""

    starts: NDArray[np.int64]
    codes: NDArray[np.int32]
    n_items: int


Flags: TypeAlias = "NDArray[np.bool_]"
Mined: TypeAlias = "list[tuple[tuple[int, ...], int]]"


@dataclass(frozen=True)
class Rival:
    """Something to be timed: its conversion, its count, and how its result reads as itemsets or as pairs.

    `rounds` bounds how often a slow one takes part.
    """

    convert: Callable[[Any, int], Any]
    count: Callable[[Any, int], Any]
    read: Callable[[Any, Any], Any]
    rounds: int = 99


def size(data: Rows | Flags) -> int:
    """Give the number of baskets."""
    return len(data.starts) - 1 if isinstance(data, Rows) else len(data)


def head(data: Rows | Flags, n: int) -> Rows | Flags:
    """Give the first baskets."""
    if isinstance(data, Rows):
        starts = data.starts[: n + 1]
        return Rows(starts, data.codes[: starts[-1]], data.n_items)
    return data[:n]


def frequent_columns(data: Rows | Flags, threshold: int) -> NDArray[np.intp]:
    """Give the items that are frequent alone."""
    if isinstance(data, Rows):
        return np.flatnonzero(np.bincount(data.codes, minlength=data.n_items) >= threshold)
    return np.flatnonzero(data.sum(axis=0) >= threshold)


def long(data: Rows | Flags) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Give a customer and a product a holding."""
    if isinstance(data, Rows):
        customers = np.repeat(np.arange(size(data), dtype=np.int32), np.diff(data.starts))
        return customers, data.codes
    width = np.uint32(data.shape[1])
    flat = np.flatnonzero(data.ravel()).astype(np.uint32)
    owners = flat // width
    return owners.astype(np.int32), (flat - owners * width).astype(np.int32)


def lists(data: Rows | Flags, _: int) -> list[tuple[int, ...]]:
    """Give a tuple of items a basket."""
    if isinstance(data, Rows):
        codes, starts = data.codes.tolist(), data.starts.tolist()
    else:
        codes = long(data)[1].tolist()
        starts = [0, *np.cumsum(data.sum(axis=1)).tolist()]
    return [tuple(codes[start:stop]) for start, stop in pairwise(starts)]


def dense(data: Rows | Flags, threshold: int) -> pd.DataFrame:
    """Give a frame of flags, of the frequent items alone."""
    columns = frequent_columns(data, threshold)
    if not isinstance(data, Rows):
        return pd.DataFrame(data[:, columns], columns=columns)
    place = np.full(data.n_items, -1)
    place[columns] = np.arange(len(columns))
    customers, codes = long(data)
    kept = place[codes] >= 0
    flags = np.zeros((size(data), len(columns)), dtype=np.bool_)
    flags[customers[kept], place[codes[kept]]] = True
    return pd.DataFrame(flags, columns=columns)


def weighted(flags: Flags, _: int) -> dict[tuple[int, ...], int]:
    """Give each distinct basket with its customers, collapsed by hand: a key of 64 bits a customer."""
    keys = np.zeros((len(flags), 8), dtype=np.uint8)
    packed = np.packbits(flags, axis=1)
    keys[:, : packed.shape[1]] = packed
    distinct, counts = np.unique(keys.view(np.uint64).ravel(), return_counts=True)
    bits = np.unpackbits(distinct.view(np.uint8).reshape(-1, 8), axis=1).view(np.bool_)
    return dict(zip(lists(bits[:, : flags.shape[1]], 0), counts.tolist(), strict=True))


def mlxtend(name: str, **how: Any) -> Rival:
    """Give a miner of mlxtend."""

    def count(frame: pd.DataFrame, threshold: int) -> Any:
        from mlxtend import frequent_patterns  # noqa: PLC0415 - each process loads the libraries it times

        mine = getattr(frequent_patterns, name)
        return mine(frame, min_support=(threshold - 0.5) / len(frame), use_colnames=True)

    def read(found: pd.DataFrame, data: Rows | Flags) -> Mined:
        counts = found["support"].to_numpy(dtype=float) * size(data)
        return mined(zip(found["itemsets"], np.rint(counts), strict=True))

    return Rival(dense, count, read, **how)


def efficient(**how: Any) -> Rival:
    """Give efficient-apriori."""

    def count(baskets: list[tuple[int, ...]], threshold: int) -> Any:
        from efficient_apriori import itemsets_from_transactions  # noqa: PLC0415 - as above

        return itemsets_from_transactions(baskets, (threshold - 0.5) / len(baskets), max_length=LONGEST)[0]

    def read(found: Any, _: object) -> Mined:
        return mined(pair for level in found.values() for pair in level.items())

    return Rival(lists, count, read, **how)


def pyfim(name: str, convert: Callable[[Any, int], Any] = lists, **how: Any) -> Rival:
    """Give a miner of pyfim; a negative support is a count."""

    def count(baskets: Any, threshold: int) -> Any:
        return getattr(import_module("fim"), name)(baskets, target="s", supp=-threshold)

    return Rival(convert, count, lambda found, _: mined(found), **how)


def mined(found: Iterable[tuple[Iterable[Any], Any]]) -> Mined:
    """Put itemsets in order, with their counts."""
    return sorted((tuple(sorted(int(item) for item in items)), int(count)) for items, count in found)


def our_baskets(data: Rows | Flags, _: int) -> Any:
    """Read the baskets by ours: the flags as they are, or a table with a row a holding."""
    from custvalue import basket  # noqa: PLC0415 - as above

    if not isinstance(data, Rows):
        return basket.Baskets.from_wide(data, products=[str(code) for code in range(data.shape[1])])
    customers, codes = long(data)
    return basket.Baskets.from_long(
        pd.DataFrame({"basket": customers, "item": codes}), customer="basket", product="item"
    )


def our_itemsets(baskets: Any, threshold: int) -> Any:
    """Mine by ours."""
    from custvalue import basket  # noqa: PLC0415 - as above

    return basket.itemsets(baskets, min_count=threshold)


def our_mined(found: Any, _: object) -> Mined:
    """Read our itemsets."""
    items = np.array([int(name) for name in found.products])[found.codes].tolist()
    spans = pairwise(found.indptr.tolist())
    return mined((items[slice(*span)], count) for span, count in zip(spans, found.customers.tolist(), strict=True))


def our_pairs(baskets: Any, _: int) -> Any:
    """Count all pairs by ours."""
    from custvalue import basket  # noqa: PLC0415 - as above

    return basket.pairs(baskets)


def our_square(found: Any, data: Flags) -> NDArray[np.int64]:
    """Read our pairs, in the order of the columns."""
    codes = np.array([int(name) for name in found.products])
    square = np.zeros((data.shape[1],) * 2, dtype=np.int64)
    square[np.ix_(codes, codes)] = found.n11
    return np.triu(square, 1)


def upper(found: tuple[Any, Any, Any], data: Flags) -> NDArray[np.int64]:
    """Lay the counts of pairs out as an upper triangle."""
    square = np.zeros((data.shape[1],) * 2, dtype=np.int64)
    first, second, counts = found
    square[first, second] = counts
    return square


def duckdb_table(flags: Flags, _: int) -> Any:
    """Fill a table of DuckDB with a row a holding."""
    import duckdb  # noqa: PLC0415 - as above
    import pyarrow as pa  # noqa: PLC0415

    customers, products = long(flags)
    connection = duckdb.connect()
    connection.register("arrow", pa.table({"customer": customers, "product": products.astype(np.uint8)}))
    connection.execute("CREATE TABLE holdings AS SELECT * FROM arrow")
    connection.unregister("arrow")
    return connection


def duckdb_pairs(connection: Any, _: int) -> Any:
    """Join the holdings with themselves."""
    found = connection.sql(
        "SELECT a.product AS a, b.product AS b, count(*) AS n FROM holdings AS a JOIN holdings AS b "
        "ON a.customer = b.customer AND a.product < b.product GROUP BY ALL"
    ).fetchnumpy()
    return found["a"], found["b"], found["n"]


def polars_frame(flags: Flags, _: int) -> Any:
    """Build a frame of Polars with a row a holding."""
    import polars as pl  # noqa: PLC0415 - as above

    customers, products = long(flags)
    return pl.DataFrame({"customer": customers, "product": products.astype(np.uint8)})


def polars_pairs(frame: Any, _: int) -> Any:
    """Join the holdings with themselves, by the streaming engine: the one in memory takes six times as long."""
    import polars as pl  # noqa: PLC0415 - as above

    rows = frame.lazy()
    found = (
        rows.join(rows, on="customer", suffix="_other")
        .filter(pl.col("product") < pl.col("product_other"))
        .group_by("product", "product_other")
        .len()
        .collect(engine="streaming")
    )
    return tuple(found[name].to_numpy() for name in found.columns)


def blas_pairs(flags: Flags, _: int) -> NDArray[np.int64]:
    """Multiply blocks of flags with themselves in single precision, as one would by hand."""
    square = np.zeros((flags.shape[1],) * 2, dtype=np.int64)
    for start in range(0, len(flags), _BLOCK):
        block = flags[start : start + _BLOCK].astype(np.float32)
        square += (block.T @ block).astype(np.int64)
    return square


def _same(data: Any, _: int) -> Any:
    return data


APRIORI, FPGROWTH, HMINE = "mlxtend apriori", "mlxtend fpgrowth", "mlxtend hmine"
ECLAT, PYFIM_FPGROWTH, COLLAPSED = "pyfim eclat", "pyfim fpgrowth", "pyfim eclat, collapsed by hand"
EFFICIENT = "efficient-apriori"
DUCKDB, POLARS, BLAS = "DuckDB self-join", "Polars self-join", "NumPy blocks by hand"
CUSTVALUE = Rival(our_baskets, our_itemsets, our_mined)

PAIRS: dict[str, Rival] = {
    OURS: Rival(our_baskets, our_pairs, our_square),
    DUCKDB: Rival(duckdb_table, duckdb_pairs, upper),
    POLARS: Rival(polars_frame, polars_pairs, upper),
    BLAS: Rival(_same, blas_pairs, lambda found, _: np.triu(found, 1)),
}
#: Who takes part, by task; slow ones once. mlxtend's apriori would ask for 368 GiB on retail and 51 GiB on
#: T10I4D100K; on the large bank none of mlxtend's miners is run.
RIVALS: dict[str, dict[str, Rival]] = {
    "groceries": {
        OURS: CUSTVALUE,
        FPGROWTH: mlxtend("fpgrowth"),
        HMINE: mlxtend("hmine"),
        APRIORI: mlxtend("apriori", rounds=1),
        EFFICIENT: efficient(),
        ECLAT: pyfim("eclat"),
        PYFIM_FPGROWTH: pyfim("fpgrowth"),
    },
    "retail": {
        OURS: CUSTVALUE,
        FPGROWTH: mlxtend("fpgrowth"),
        HMINE: mlxtend("hmine", rounds=1),
        EFFICIENT: efficient(rounds=1),
        ECLAT: pyfim("eclat"),
        PYFIM_FPGROWTH: pyfim("fpgrowth"),
    },
    "T10I4D100K": {
        OURS: CUSTVALUE,
        FPGROWTH: mlxtend("fpgrowth"),
        HMINE: mlxtend("hmine", rounds=1),
        EFFICIENT: efficient(rounds=1),
        ECLAT: pyfim("eclat"),
        PYFIM_FPGROWTH: pyfim("fpgrowth"),
    },
    "bank": {
        OURS: CUSTVALUE,
        FPGROWTH: mlxtend("fpgrowth"),
        HMINE: mlxtend("hmine"),
        APRIORI: mlxtend("apriori", rounds=1),
        EFFICIENT: efficient(rounds=1),
        ECLAT: pyfim("eclat"),
        PYFIM_FPGROWTH: pyfim("fpgrowth"),
        COLLAPSED: pyfim("eclat", weighted),
    },
    "large bank": {
        OURS: CUSTVALUE,
        ECLAT: pyfim("eclat"),
        PYFIM_FPGROWTH: pyfim("fpgrowth"),
        COLLAPSED: pyfim("eclat", weighted),
    },
    "pairs": PAIRS,
}
