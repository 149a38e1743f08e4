"""The monthly job on Spark, with executors that are processes of their own, held against the numbers made here.

The rows lie in a folder of parquet files (see ``parquet_folder``), which the executors read and this process does
not. custvalue sends the whole of the counting and summing to Spark; one row a customer comes back. Run as a script
it starts a small cluster on this machine, computes the snapshot of the last month there and here, compares them,
and shows how often Spark had to exchange rows between its processes. It needs the extra ``spark`` and Java 17.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent))
from custvalue import rfm
from parquet_folder import INDICATORS, SCHEMA, customers_of, differences, in_memory, months_of, write_folder
from spark_classes import small_cluster
from synthetic_bank import make_bank

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from parquet_folder import Month

#: Without whole cents, sums of money depend on the order in which they are added up, by their last digits.
ROUNDED = SCHEMA.model_copy(update={"decimals": None})


def on_spark(
    session: SparkSession,
    folder: Path,
    as_of: str,
    schema: rfm.TransactionSchema = SCHEMA,
    indicators: rfm.IndicatorSet = INDICATORS,
) -> rfm.Snapshot:
    """Compute one snapshot from all files of a folder, on the cluster; its table is a Spark frame."""
    rows = session.read.parquet(str(folder / "transactions"))
    return rfm.compute(rows, indicators, schema, as_of=as_of, population=customers_of(folder))


def state_of(session: SparkSession, months: list[Month]) -> rfm.Partial:
    """Add the rows of some months up to a state by customer and day, on the cluster."""
    rows = session.read.parquet(*(str(month.file) for month in months))
    return rfm.partial(rows, INDICATORS, SCHEMA)


def tasks(session: SparkSession) -> dict[str, int]:
    """Give for every process of the cluster how many tasks it has finished; this one is the driver."""
    store = session.sparkContext._jsc.sc().statusStore()  # noqa: SLF001 - Spark's own record of its work
    processes = store.executorList(True)  # noqa: FBT003 - a Java method has no names
    found = [processes.apply(place) for place in range(processes.size())]
    return {str(one.id()): int(one.totalTasks()) for one in found}


def queries(session: SparkSession) -> dict[int, Counter[str]]:
    """Give for every query that Spark has run how often each kind of step stands in its final plan."""
    session.sparkContext._jsc.sc().listenerBus().waitUntilEmpty()  # noqa: SLF001 - Spark's own record of its plans
    store = session._jsparkSession.sharedState().statusStore()  # noqa: SLF001
    found: dict[int, Counter[str]] = {}
    executions = store.executionsList()
    for place in range(executions.size()):
        number = executions.apply(place).executionId()
        nodes = store.planGraph(number).allNodes()
        found[number] = Counter(nodes.apply(node).name().split("(")[0].strip() for node in range(nodes.size()))
    return found


def exchanges(steps: Counter[str]) -> int:
    """Count the steps that send rows from process to process."""
    return sum(count for name, count in steps.items() if name in ("Exchange", "BroadcastExchange"))


def scans(steps: Counter[str]) -> int:
    """Count how often the files are read."""
    return sum(count for name, count in steps.items() if name.startswith("Scan"))


def run(session: SparkSession, folder: Path) -> bool:
    """Compute the last month there and here, in three ways, and say what was found."""
    months = months_of(folder)
    last = months[-1]
    local = in_memory(folder, last.as_of)
    before = set(queries(session))
    started = time.perf_counter()
    snapshot = on_spark(session, folder, last.as_of)
    seconds = time.perf_counter() - started
    ran = [steps for number, steps in queries(session).items() if number not in before]
    found = differences(snapshot, local)
    good = not found["differs"].any()
    counts = snapshot.provenance.counts
    print(f"as of {last.as_of}: {counts['rows']:,} rows of {counts['customers']} customers in {seconds:.1f} s")
    for steps in ran:
        print(f"  a query with {scans(steps)} scans of the files and {exchanges(steps)} exchanges")
    print(f"  amounts in whole cents: {int(found['differs'].sum())} differences in {len(found)} columns")

    state = rfm.merge(state_of(session, months[:-1]), state_of(session, months[-1:]))
    found = differences(state.snapshot(last.as_of, population=customers_of(folder)), local)
    good = good and not found["differs"].any()
    print(f"  from the last month's state and that of all before: {int(found['differs'].sum())} differences")

    found = differences(on_spark(session, folder, last.as_of, ROUNDED), local).set_index("column")
    money = found.index.isin(INDICATORS.groups["monetary"])
    good = good and not found["differs"][~money].any() and float(found["largest"].max()) <= 1e-12
    apart, largest = int(found["differs"][~money].sum()), float(found["largest"].max())
    print(f"  amounts in floating point: {apart} differences in counts and days, {largest:.0e} in sums at most")
    print("tasks by process:", ", ".join(f"{name} {count}" for name, count in tasks(session).items()))
    return bool(good)


def main(arguments: list[str] | None = None) -> int:
    """Run the job on a cluster of this machine, over a given folder or one of the synthetic bank."""
    parser = argparse.ArgumentParser(description="Snapshots on a small Spark cluster, held against local ones.")
    parser.add_argument("--folder", type=Path, help="a folder as parquet_folder.py writes it (default: a new one)")
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the synthetic bank (default 100000)")
    parser.add_argument("--executors", type=int, default=2, help="executor processes (default 2)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = options.folder or Path(name) / "bank"
        if options.folder is None:
            write_folder(make_bank(options.rows, random_state=0, rows_per_customer=160.0), folder)
        with small_cluster(Path(name), executors=options.executors) as session:
            good = run(session, folder)
    print("the same numbers as here" if good else "NUMBERS DIFFER")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
