"""Classes for the customers of a Spark table, graded by the processes of a cluster.

The model travels as text. Every partition reads it once and sends its Arrow batches through ``classify``, so that
no process holds more than a batch. Run as a script, it starts a cluster of real executor processes on this
machine, grades simulated customers there and here, and compares the answers bit for bit. It needs the extra
``spark`` and Java 17.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyspark
from pyspark.sql import SparkSession
from pyspark.sql.types import (
    BooleanType,
    DataType,
    DoubleType,
    LongType,
    StringType,
    StructField,
    StructType,
)

from custvalue import cbr, grey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pyspark.sql import DataFrame

#: Weights as the published study prints them, and equal ones inside each group.
HIERARCHY: Final = grey.Hierarchy.from_weights(
    control={"recency": 0.1312, "frequency": 0.7928, "monetary": 0.0760},
    local={
        "recency": dict.fromkeys(["cash_in", "cash_out", "transfer_in", "transfer_out"], 0.25),
        "frequency": {"cash": 0.3, "transfer": 0.3, "active_days": 0.4},
        "monetary": {"turnover": 0.5, "balance": 0.5},
    },
)
#: Kinds of class labels, as Spark has them.
KINDS: Final[Mapping[type, type[DataType]]] = {
    bool: BooleanType,
    int: LongType,
    float: DoubleType,
    str: StringType,
}


def grader(text: Callable[[], str], key: str) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Give the function that grades a partition.

    It stands inside this one and uses imported modules alone: so it travels by value, and the executors need
    custvalue but not this file.
    """

    def grade(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        model = cbr.CaseBasedClassifier.from_json(text())
        indicators = list(model.hierarchy_.indicators)
        for batch in batches:
            if not batch.num_rows:
                continue
            found = model.classify(pa.Table.from_batches([batch]).select(indicators))
            columns = {
                key: batch.column(key),
                "predicted": pa.array(found.predicted.tolist()),
                "case": pa.array(found.case.tolist()),
                "similarity": pa.array(found.similarity),
                "margin": pa.array(found.margin),
                "process": pa.array(np.full(len(found), os.getpid())),
            }
            yield pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))

    return grade


def classified(customers: DataFrame, text: str, *, key: str = "customer") -> DataFrame:
    """Grade the customers of a Spark table.

    Parameters
    ----------
    customers : pyspark.sql.DataFrame
        The column `key` and one column for each indicator of the model, scaled; further columns are not sent.
    text : str
        A fitted model, from its ``to_json``.
    key : str, default="customer"
        Column that names the customers.

    Returns
    -------
    pyspark.sql.DataFrame
        `key`, ``predicted``, ``case``, ``similarity``, ``margin``, and ``process``, the number of the process that
        graded the row. Nothing is computed before it is asked for.
    """
    model = cbr.CaseBasedClassifier.from_json(text)  # a document that is none is refused here, not on the cluster
    needed = customers.select(key, *model.hierarchy_.indicators)
    schema = StructType(
        [
            customers.schema[key],
            StructField("predicted", KINDS[type(model.classes_.tolist()[0])]()),
            StructField("case", StringType()),
            StructField("similarity", DoubleType()),
            StructField("margin", DoubleType()),
            StructField("process", LongType()),
        ]
    )
    sent = customers.sparkSession.sparkContext.broadcast(text)
    return needed.mapInArrow(grader(lambda: str(sent.value), key), schema)


@contextmanager
def small_cluster(folder: Path, *, executors: int = 2) -> Iterator[SparkSession]:
    """Run a cluster on this machine: a master, and executors that are processes of their own, one core each.

    They take ``python3`` from PATH unless the environment says otherwise, and log into Spark's own folder,
    whatever SPARK_WORKER_DIR says. So that nothing is written into the installed package, its parts are linked
    to a folder that goes away.
    """
    home = folder / "spark"
    home.mkdir()
    for part in Path(pyspark.__file__).parent.iterdir():
        (home / part.name).symlink_to(part)
    ours = {
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "OMP_NUM_THREADS": "1",
    }
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    builder = SparkSession.builder.master(f"local-cluster[{executors},1,1024]").appName("custvalue")
    settings = {
        "spark.ui.enabled": "false",
        "spark.task.maxFailures": "1",  # what is refused once is refused again
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.execution.arrow.maxRecordsPerBatch": "1000",
    }
    try:
        session = builder.config(map=settings).getOrCreate()
        try:
            yield session
        finally:
            session.stop()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def simulated(count: int, seed: int) -> pd.DataFrame:
    """Draw scaled customers of three kinds, with some noise."""
    random = np.random.default_rng(seed)
    levels = random.choice([0.2, 0.5, 0.8], size=(count, 1))
    values = np.clip(random.normal(levels, 0.15, size=(count, len(HIERARCHY.indicators))), 0.0, 1.0)
    return pd.DataFrame(values, columns=list(HIERARCHY.indicators))


def fitted(seed: int) -> cbr.CaseBasedClassifier:
    """Fit eight classes, each by one prototype, on past customers."""
    past = simulated(2000, seed)
    cases = cbr.build_case_base(past, HIERARCHY, n_classes=8, representatives="prototype", random_state=seed)
    return cbr.CaseBasedClassifier().fit(cases)


def arrow_table(customers: pd.DataFrame) -> pa.Table:
    """Put a key beside the indicators, in Arrow, from which Spark builds its table without pandas."""
    columns = {"customer": pa.array([f"K{place:06d}" for place in range(len(customers))])}
    return pa.table(columns | {str(name): pa.array(customers[name].to_numpy()) for name in customers})


def main(arguments: list[str] | None = None) -> int:
    """Grade simulated customers on a cluster and here, and say whether the answers are the same."""
    parser = argparse.ArgumentParser(description="Grade simulated customers on a small Spark cluster.")
    parser.add_argument("--customers", type=int, default=100_000, help="how many customers (default 100000)")
    parser.add_argument("--executors", type=int, default=2, help="executor processes (default 2)")
    options = parser.parse_args(arguments)
    model, customers = fitted(seed=0), simulated(options.customers, seed=1)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        started = time.perf_counter()
        with small_cluster(Path(name), executors=options.executors) as session:
            table = session.createDataFrame(arrow_table(customers)).repartition(4 * options.executors)
            print(f"cluster of {options.executors} executors after {time.perf_counter() - started:.1f} s")
            started = time.perf_counter()
            answers = classified(table, model.to_json()).toArrow().sort_by("customer").to_pandas()
            print(f"{len(answers)} customers graded in {time.perf_counter() - started:.1f} s")
    local = model.classify(customers).to_frame()
    names = ["predicted", "case", "similarity", "margin"]
    same = all((answers[name].to_numpy() == local[name].to_numpy()).all() for name in names)
    print(f"processes {sorted(set(answers['process']))}, driver {os.getpid()}")
    print("the same answers as here, bit for bit" if same else "ANSWERS DIFFER")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
