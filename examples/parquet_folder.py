"""The monthly job on DuckDB, straight from a folder of parquet files, held against the same job in memory.

The folder holds ``transactions/month=2025-01/part-0.parquet`` and so on, one file a month, and
``customers.parquet``. DuckDB reads a month's file when its turn comes; custvalue adds its rows to a state by
customer and day and takes the snapshot of the month's end from it, so that a month costs that month's rows. Last,
the whole folder is computed at once. Run as a script it writes such a folder of the synthetic bank and forgets it
afterwards, or takes one with ``--folder``. It needs the packages ``duckdb`` and ``pyarrow``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parent))
from custvalue import rfm
from synthetic_bank import make_bank

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from synthetic_bank import SyntheticBank

#: How the files are read. Amounts are whole cents, so sums are exact, and the same on every engine.
SCHEMA: Final = rfm.TransactionSchema(
    customer="customer_id",
    time="time",
    kind="kind",
    amount="amount",
    side="side",
    decimals=2,
    opened="opened",
    system={"origin": ("system",)},
    standing_order={"origin": ("standing_order",)},
)
INDICATORS: Final = rfm.IndicatorSet.retail_bank()


class FolderError(Exception):
    """The folder does not hold what is read; the message is one sentence."""


@dataclass(frozen=True)
class Month:
    """One month of the folder: its name, its file, and the first day after it."""

    name: str
    file: Path
    as_of: str


def write_folder(bank: SyntheticBank, folder: Path) -> None:
    """Write a bank as the job reads it: a file a month, and the customers."""
    month = bank.transactions["time"].dt.strftime("%Y-%m")
    for name, rows in bank.transactions.groupby(month):
        place = folder / "transactions" / f"month={name}"
        place.mkdir(parents=True)
        _write(rows, place / "part-0.parquet")
    _write(bank.customers[["customer_id", "opened"]], folder / "customers.parquet")


def _write(frame: pd.DataFrame, file: Path) -> None:
    """Write a frame; Spark reads no finer time than microseconds."""
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), file, coerce_timestamps="us")


def months_of(folder: Path) -> list[Month]:
    """List the months of a folder; refuse one that holds none."""
    files = sorted(folder.glob("transactions/month=*/part-0.parquet"))
    if not files or not (folder / "customers.parquet").is_file():
        message = (
            f"'{folder}' does not hold transactions/month=YYYY-MM/part-0.parquet and customers.parquet; run this "
            "script with --keep to see such a folder."
        )
        raise FolderError(message)
    names = [file.parent.name.removeprefix("month=") for file in files]
    return [
        Month(name, file, (pd.Period(name, "M") + 1).start_time.date().isoformat())
        for name, file in zip(names, files, strict=True)
    ]


def customers_of(folder: Path) -> pa.Table:
    """Read the customers, who are few enough for memory."""
    return pq.read_table(folder / "customers.parquet")


def monthly(connection: duckdb.DuckDBPyConnection, folder: Path) -> Iterator[tuple[Month, rfm.Snapshot]]:
    """Give the snapshot of each month's end; each month's file is read once, and none before it again."""
    state: rfm.Partial | None = None
    months, people = months_of(folder), customers_of(folder)
    for month in months:
        added = rfm.partial(connection.read_parquet(str(month.file)), INDICATORS, SCHEMA)
        state = added if state is None else rfm.merge(state, added)
        yield month, state.snapshot(month.as_of, population=people)


def whole(connection: duckdb.DuckDBPyConnection, folder: Path, as_of: str) -> rfm.Snapshot:
    """Compute one snapshot from all files at once, in DuckDB."""
    rows = connection.read_parquet(str(folder / "transactions" / "*" / "*.parquet"), hive_partitioning=True)
    return rfm.compute(rows, INDICATORS, SCHEMA, as_of=as_of, population=customers_of(folder))


def in_memory(folder: Path, as_of: str) -> rfm.Snapshot:
    """Compute the same from an Arrow table in memory, which is the NumPy path."""
    rows = pa.concat_tables([pq.ParquetFile(month.file).read() for month in months_of(folder)])
    return rfm.compute(rows, INDICATORS, SCHEMA, as_of=as_of, population=customers_of(folder))


def as_pandas(table: Any) -> pd.DataFrame:
    """Bring a snapshot's table into pandas, by key; DuckDB and Spark keep no order of rows."""
    for collect in ("to_arrow_table", "toArrow"):
        if hasattr(table, collect):
            table = getattr(table, collect)()
            break
    frame: pd.DataFrame = table if isinstance(table, pd.DataFrame) else table.to_pandas()
    return frame.sort_values(SCHEMA.customer, ignore_index=True)


def differences(ours: rfm.Snapshot, other: rfm.Snapshot) -> pd.DataFrame:
    """Compare two snapshots column by column.

    Parameters
    ----------
    ours, other : Snapshot
        Of the same indicators and customers.

    Returns
    -------
    pandas.DataFrame
        One row a column of the tables: ``column``, ``differs``, the number of customers whose values are not the
        same to the last bit, and ``largest``, the largest difference relative to the larger value (0 for text).
    """
    left, right = as_pandas(ours.table), as_pandas(other.table)
    rows: list[tuple[str, int, float]] = []
    for name in right:
        a, b = left[name], right[name]
        if not pd.api.types.is_numeric_dtype(b):
            rows.append((str(name), int((a.astype(str) != b.astype(str)).sum()), 0.0))
            continue
        x, y = (column.to_numpy(dtype=np.float64, na_value=np.nan) for column in (a, b))
        apart = ~((x == y) | (np.isnan(x) & np.isnan(y)))
        scale = np.maximum(np.abs(x), np.abs(y))[apart]
        largest = float((np.abs(x - y)[apart] / scale).max(initial=0.0))
        rows.append((str(name), int(apart.sum()), largest))
    return pd.DataFrame(rows, columns=["column", "differs", "largest"])


def run(folder: Path) -> bool:
    """Do the month's job for every month, compare, and say what was found."""
    import duckdb

    exact = True
    with duckdb.connect() as connection:
        started = time.perf_counter()
        snapshots = list(monthly(connection, folder))
        seconds = time.perf_counter() - started
        counts = [snapshot.provenance.counts for _, snapshot in snapshots]
        print(f"{len(snapshots)} monthly snapshots from files on DuckDB in {seconds:.1f} s")
        for (month, _), count in list(zip(snapshots, counts, strict=True))[-3:]:
            print(f"  as of {month.as_of}: {count['rows']:,} rows, {count['graded']} graded, {count['new']} new")
        last, state = snapshots[-1]
        started = time.perf_counter()
        at_once = whole(connection, folder, last.as_of)
        print(f"the whole folder at once, as of {last.as_of}, in {time.perf_counter() - started:.1f} s")
        started = time.perf_counter()
        local = in_memory(folder, last.as_of)
        print(f"the same in memory in {time.perf_counter() - started:.1f} s")
        for name, snapshot in (("month by month", state), ("at once", at_once)):
            found = differences(snapshot, local)
            exact = exact and not found["differs"].any()
            told = "the same to the last bit" if not found["differs"].any() else f"differs\n{found}"
            print(f"  {name}, {len(found)} columns of {len(as_pandas(local.table))} customers: {told}")
        middle, half = snapshots[len(snapshots) // 2]
        found = differences(half, in_memory(folder, middle.as_of))
        exact = exact and not found["differs"].any()
        print(f"  as of {middle.as_of}, from the state of that month: {int(found['differs'].sum())} differences")
    return exact


def main(arguments: list[str] | None = None) -> int:
    """Run the job on a given folder, or on one of the synthetic bank."""
    parser = argparse.ArgumentParser(description="Monthly snapshots on DuckDB from parquet files.")
    parser.add_argument("--folder", type=Path, help="a folder as described above (default: a new one)")
    parser.add_argument("--keep", type=Path, help="write the synthetic bank into this new folder and keep it")
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the synthetic bank (default 100000)")
    options = parser.parse_args(arguments)
    try:
        if options.folder is not None:
            return 0 if run(options.folder) else 1
        with tempfile.TemporaryDirectory() as name:
            folder = options.keep or Path(name) / "bank"
            write_folder(make_bank(options.rows, random_state=0, rows_per_customer=160.0), folder)
            return 0 if run(folder) else 1
    except FolderError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
