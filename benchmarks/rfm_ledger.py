"""A bank's ledger for the benchmarks of the indicators: columns of NumPy, and the same table for every library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

KINDS = ("cash_deposit", "cash_withdrawal", "transfer_in", "transfer_out", "fee")
SIDES = ("credit", "debit")
ORIGINS = ("customer", "standing_order", "system")
#: Coded columns and what their codes mean.
CODES: dict[str, tuple[str, ...]] = {"kind": KINDS, "side": SIDES, "origin": ORIGINS}

AS_OF = "2026-01-01"
DAYS = 730
#: Days after as-of that the table also holds, as it does when a month is closed some days late.
LATE = 7
_DAY = 86_400


def ledger(rows: int, *, seed: int = 0, shuffled: bool = False) -> dict[str, NDArray[Any]]:
    """Draw rows in the order of time, or shuffled: customers of unequal activity, a fiftieth as many as rows.

    ``time`` is seconds since 1970, ``customer`` a number of nine digits, amounts are whole cents.
    """
    random = np.random.default_rng(seed)
    customers = max(rows // 50, 1)
    keys = np.unique(random.integers(100_000_000, 1_000_000_000, size=2 * customers + 10))
    keys = random.permutation(keys)[:customers]
    activity = random.gamma(1.5, size=customers) + 0.05
    customer = np.repeat(np.arange(customers), random.multinomial(rows, activity / activity.sum()))
    end = int(np.datetime64(AS_OF, "s").astype(np.int64))
    first = end - DAYS * _DAY
    opened = first + (random.random(customers) ** 3 * DAYS * _DAY).astype(np.int64)
    span = (end + LATE * _DAY - opened).astype(np.float64)
    time = opened[customer] + (random.random(rows) * span[customer]).astype(np.int64)
    order = random.permutation(rows) if shuffled else np.argsort(time, kind="stable")
    kind = np.searchsorted(np.cumsum([0.12, 0.25, 0.2, 0.38]), random.random(rows)).astype(np.int8)
    standing = (kind == KINDS.index("transfer_out")) & (random.random(rows) < 0.2)
    return {
        "customer": keys[customer[order]],
        "time": time[order],
        "kind": kind,
        "side": np.array([0, 1, 0, 1, 1], dtype=np.int8)[kind],
        "origin": np.where(kind == KINDS.index("fee"), 2, standing).astype(np.int8),
        "amount": np.round(random.lognormal(4.0, 1.2, size=rows), 2) + 0.01,
    }


def save(columns: Mapping[str, NDArray[Any]], folder: Path) -> None:
    """Write a column a file."""
    folder.mkdir()
    for name, values in columns.items():
        np.save(folder / f"{name}.npy", values)


def load(folder: Path, *names: str) -> dict[str, NDArray[Any]]:
    """Read columns back; ``time`` as datetimes."""
    columns = {name: np.load(folder / f"{name}.npy") for name in names}
    return {name: values.astype("M8[s]") if name == "time" else values for name, values in columns.items()}


def pandas_frame(folder: Path, *names: str, text: bool = False) -> Any:
    """Build a pandas frame; codes as categories or as text."""
    import pandas as pd  # noqa: PLC0415 - each process loads the libraries it times

    columns: dict[str, Any] = {}
    loaded: dict[str, Any] = load(folder, *names)
    for name, values in loaded.items():
        if name == "time":
            columns[name] = values.astype("M8[ns]")
        elif name not in CODES:
            columns[name] = values
        elif text:
            columns[name] = np.array(CODES[name], dtype=object)[values]
        else:
            columns[name] = pd.Categorical.from_codes(values, pd.Index(CODES[name]))
    return pd.DataFrame(columns, copy=False)


def polars_frame(folder: Path, *names: str) -> Any:
    """Build a Polars frame; codes as an Enum."""
    import polars as pl  # noqa: PLC0415 - each process loads the libraries it times

    columns: dict[str, Any] = {}
    for name, values in load(folder, *names).items():
        if name == "time":
            columns[name] = pl.Series(values.astype("M8[us]"))
        elif name in CODES:
            columns[name] = pl.Series(CODES[name], dtype=pl.Enum(CODES[name])).gather(values)
        else:
            columns[name] = pl.Series(values)
    return pl.DataFrame(columns)


def duckdb_connection(folder: Path, *names: str) -> Any:
    """Fill the table ``ledger`` of a DuckDB in memory; codes as an ENUM."""
    import duckdb  # noqa: PLC0415 - each process loads the libraries it times
    import pyarrow as pa  # noqa: PLC0415

    arrow = {
        name: pa.DictionaryArray.from_arrays(values, list(CODES[name]))
        if name in CODES
        else pa.array(values.astype("M8[us]") if name == "time" else values)
        for name, values in load(folder, *names).items()
    }
    connection = duckdb.connect()
    connection.register("arrow", pa.table(arrow))
    for name, codes in CODES.items():
        allowed = ", ".join(f"'{code}'" for code in codes)
        connection.execute(f"CREATE TYPE {name}_code AS ENUM ({allowed})")
    chosen = ", ".join(f"{name}::{name}_code AS {name}" if name in CODES else name for name in names)
    connection.execute(f"CREATE TABLE ledger AS SELECT {chosen} FROM arrow")  # noqa: S608 - fixed names
    connection.unregister("arrow")
    return connection
