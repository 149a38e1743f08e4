"""Who holds what on Spark, down to the pairs of products, held against what the same tables give in memory.

Holdings and customers lie in parquet files, which the executors read and this process does not. custvalue lets
Spark put the products of each customer together and count the customers of each basket; only the distinct baskets
come back, and the pairs are counted and tested on them here. Run as a script it starts a small cluster with
executors that are processes of their own, does the work there and here, compares the baskets bit for bit, and
prints the pairs that are furthest from chance. It needs the extra ``spark`` and Java 17.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parent))
from custvalue import basket
from spark_classes import small_cluster
from spark_indicators import exchanges, queries, scans
from synthetic_bank import make_bank

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from synthetic_bank import SyntheticBank

#: Files of a table.
PARTS = 4
ROWS_PER_CUSTOMER = 20.0


def write_tables(bank: SyntheticBank, folder: Path) -> None:
    """Write holdings, in several files, and customers."""
    for name, frame in (("holdings", bank.holdings), ("customers", bank.customers[["customer_id", "region"]])):
        (folder / name).mkdir(parents=True)
        table = pa.Table.from_pandas(frame, preserve_index=False)
        size = -(-len(table) // PARTS)
        for part in range(PARTS):
            file = folder / name / f"part-{part}.parquet"
            pq.write_table(table.slice(part * size, size), file, coerce_timestamps="us")


def on_spark(session: SparkSession, folder: Path, as_of: str) -> basket.Baskets:
    """Collapse the customers on the cluster."""
    return baskets(read(session, folder / "holdings"), read(session, folder / "customers"), as_of)


def in_memory(folder: Path, as_of: str) -> basket.Baskets:
    """Collapse the customers here."""
    return baskets(pd.read_parquet(folder / "holdings"), pd.read_parquet(folder / "customers"), as_of)


def read(session: SparkSession, folder: Path) -> DataFrame:
    """Read files whose times are wall times of the bank: Spark is not to move them to a zone of its own."""
    return session.read.option("inferTimestampNTZ", "true").parquet(str(folder))


def baskets(holdings: Any, customers: Any, as_of: str) -> basket.Baskets:
    """Read what is held at the start of a day; customers who hold nothing count, by region."""
    return basket.Baskets.from_long(
        holdings,
        customer="customer_id",
        product="product",
        opened="opened",
        closed="closed",
        as_of=as_of,
        population=customers,
        segment="region",
    )


def differences(one: basket.Baskets, other: basket.Baskets) -> list[str]:
    """Name the parts in which two are not the same, bit for bit."""
    found = [name for name in ("products", "segments") if getattr(one, name) != getattr(other, name)]
    arrays = ("indptr", "codes", "customers", "segment_codes")
    return found + [name for name in arrays if not np.array_equal(getattr(one, name), getattr(other, name))]


def run(session: SparkSession, folder: Path, as_of: str) -> bool:
    """Do the work there and here, and say what was found."""
    before = set(queries(session))
    started = time.perf_counter()
    found = on_spark(session, folder, as_of)
    seconds = time.perf_counter() - started
    print(f"as of {as_of}: {found.n_customers:,} customers hold {found.n_distinct:,} baskets, in {seconds:.1f} s")
    for number, steps in queries(session).items():
        if number not in before:
            print(f"  a query with {scans(steps)} scans of tables and {exchanges(steps)} exchanges")
    differ = differences(found, in_memory(folder, as_of))
    print(f"  not the same as in memory: {', '.join(differ) or 'nothing'}")
    table = basket.pairs(found.without_segments()).to_frame().sort_values("log10_p", kind="stable")
    print(
        table.head(5)[["product_a", "product_b", "customers", "lift", "log10_p_adjusted"]].to_string(index=False)
    )
    return not differ


def main(arguments: list[str] | None = None) -> int:
    """Run the job on a cluster of this machine, over tables of the synthetic bank."""
    parser = argparse.ArgumentParser(description="Pairs of products from a small Spark cluster.")
    parser.add_argument("--customers", type=int, default=10_000, help="customers of the bank (default 10000)")
    parser.add_argument("--executors", type=int, default=2, help="executor processes (default 2)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name) / "bank"
        rows = round(options.customers * ROWS_PER_CUSTOMER)
        bank = make_bank(rows, random_state=0, rows_per_customer=ROWS_PER_CUSTOMER)
        write_tables(bank, folder)
        with small_cluster(Path(name), executors=options.executors) as session:
            good = run(session, folder, f"{bank.end:%Y-%m-%d}")
    print("the same baskets as here" if good else "BASKETS DIFFER")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
