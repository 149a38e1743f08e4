"""Classes from a Spark cluster of real executor processes are the local ones, bit for bit."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from custvalue import cbr, rfm

if TYPE_CHECKING:
    from collections.abc import Iterator

pyspark = pytest.importorskip("pyspark", reason="pyspark is not installed: make test-spark")
java = Path(os.environ["JAVA_HOME"], "bin", "java") if "JAVA_HOME" in os.environ else "java"
if shutil.which(java) is None:
    pytest.skip("Java, which Spark needs, is not on PATH or under JAVA_HOME", allow_module_level=True)

import parquet_folder  # noqa: E402 - as below
import spark_baskets  # noqa: E402 - as below
import spark_classes  # noqa: E402 - needs pyspark
import spark_indicators  # noqa: E402 - as above
from synthetic_bank import make_bank  # noqa: E402 - as above

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]

COUNT = 6000
ANSWERS = ["predicted", "case", "similarity", "margin"]


def no_machine_of_before() -> None:
    """End the Java process that an earlier session left: only a new one takes its folder from the environment."""
    context = pyspark.SparkContext
    if context._gateway is not None:
        context._gateway.shutdown()
        context._gateway.proc.stdin.close()
        context._gateway.proc.wait(60)
        context._gateway = context._jvm = None


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Start two executors of one core each."""
    import warnings

    no_machine_of_before()
    folder = tmp_path_factory.mktemp("spark")
    package = Path(pyspark.__file__).parent
    before = set(package.iterdir())
    with warnings.catch_warnings():  # marks do not reach fixtures of a module
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        with spark_classes.small_cluster(folder) as session:
            yield session
    assert (folder / "spark" / "work").is_dir()
    assert set(package.iterdir()) == before


@pytest.fixture(scope="module")
def model() -> cbr.CaseBasedClassifier:
    return spark_classes.fitted(seed=0)


def graded(cluster: Any, customers: Any, text: str, partitions: int = 6) -> Any:
    """Grade on the cluster; give the answers in the order of the customers."""
    table = cluster.createDataFrame(spark_classes.arrow_table(customers)).repartition(partitions)
    return spark_classes.classified(table, text).toArrow().sort_by("customer").to_pandas()


def same(answers: Any, local: Any) -> bool:
    return all(answers[name].tolist() == local[name].tolist() for name in ANSWERS)


def ancestors(process: int) -> Iterator[tuple[int, str]]:
    """Give number and command line of a process and of those that started it, by what Linux tells."""
    while process > 1:
        command = Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        yield process, command
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
        process = int(status.rpartition(")")[2].split()[1])


def test_the_cluster_gives_the_local_answers(cluster: Any, model: cbr.CaseBasedClassifier) -> None:
    customers = spark_classes.simulated(COUNT, seed=1)
    answers = graded(cluster, customers, model.to_json())
    local = model.classify(customers).to_frame()
    assert len(answers) == COUNT
    assert len(set(answers["predicted"])) == 8
    assert answers["customer"].is_unique
    for name in ("similarity", "margin"):
        assert answers[name].to_numpy().tobytes() == local[name].to_numpy().tobytes()
    for name in ("predicted", "case"):
        assert answers[name].tolist() == local[name].tolist()


def test_executors_did_the_work(cluster: Any, model: cbr.CaseBasedClassifier) -> None:
    answers = graded(cluster, spark_classes.simulated(COUNT, seed=2), model.to_json(), partitions=8)
    workers = {int(process) for process in answers["process"]}
    assert len(workers) >= 2
    assert os.getpid() not in workers
    if not sys.platform.startswith("linux"):
        pytest.skip("the executors behind the workers are looked up in /proc")
    executors = set()
    for worker in workers:
        line = list(ancestors(worker))
        assert "pyspark" in line[0][1]
        executors.add(next(process for process, command in line if "CoarseGrainedExecutorBackend" in command))
    assert len(executors) == 2


def test_labels_of_text_and_frozen_ranges(cluster: Any, model: cbr.CaseBasedClassifier) -> None:
    base = model.case_base_
    named = cbr.CaseBase.from_cases(base.values, [f"class {label}" for label in base.y], base.hierarchy)
    other = cbr.CaseBasedClassifier(reference="frozen", min_margin=0.02, abstain_label="unclear").fit(named)
    customers = spark_classes.simulated(500, seed=3)
    answers = graded(cluster, customers, other.to_json())
    assert "unclear" in set(answers["predicted"])
    assert same(answers, other.classify(customers).to_frame())


def test_a_retained_model_answers_differently_everywhere(cluster: Any, model: cbr.CaseBasedClassifier) -> None:
    customers = spark_classes.simulated(500, seed=4)
    first = np.asarray(customers)[:1]
    later = model.retain(first, [99], by="analyst")
    answers = graded(cluster, customers, later.to_json())
    assert answers["predicted"][0] == 99
    assert same(answers, later.classify(customers).to_frame())
    assert not same(answers, model.classify(customers).to_frame())


def test_more_partitions_than_customers(cluster: Any, model: cbr.CaseBasedClassifier) -> None:
    customers = spark_classes.simulated(3, seed=5)
    assert same(graded(cluster, customers, model.to_json(), partitions=8), model.classify(customers).to_frame())


def test_a_text_that_is_no_model_is_refused_before_the_cluster_is_asked(cluster: Any) -> None:
    table = cluster.createDataFrame(spark_classes.arrow_table(spark_classes.simulated(3, seed=6)))
    with pytest.raises(ValueError, match="no model document"):
        spark_classes.classified(table, "{}")


def test_unscaled_customers_fail_without_their_figures(cluster: Any, model: cbr.CaseBasedClassifier) -> None:
    customers = spark_classes.simulated(3, seed=7)
    customers.loc[0, "turnover"] = 73141.5
    with pytest.raises(Exception, match=r"outside \[0, 1\] in 'turnover'") as raised:
        graded(cluster, customers, model.to_json())
    assert "73141" not in str(raised.value)


# ------------------------------------------------------------------------------------------------ indicators

AS_OF = "2025-01-01"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a year of a small bank, a file a month."""
    made = tmp_path_factory.mktemp("indicators") / "bank"
    parquet_folder.write_folder(make_bank(12_000, random_state=2, months=12, rows_per_customer=160.0), made)
    return made


@pytest.fixture(scope="module")
def local(folder: Path) -> rfm.Snapshot:
    return parquet_folder.in_memory(folder, AS_OF)


def test_indicators_from_the_cluster_are_the_local_ones(cluster: Any, folder: Path, local: rfm.Snapshot) -> None:
    """With whole cents to the last bit, and the executors did the work, in few exchanges of rows."""
    before, tasks = set(spark_indicators.queries(cluster)), spark_indicators.tasks(cluster)
    snapshot = spark_indicators.on_spark(cluster, folder, AS_OF)
    ran = [steps for number, steps in spark_indicators.queries(cluster).items() if number not in before]
    assert type(snapshot.table).__module__.startswith("pyspark")
    found = parquet_folder.differences(snapshot, local)
    assert len(found) == 13
    assert not found["differs"].any()
    assert snapshot.provenance.counts == local.provenance.counts
    worked = spark_indicators.tasks(cluster)
    assert worked.pop("driver") == 0
    assert sum(worked.values()) > sum(count for name, count in tasks.items() if name != "driver")
    assert 1 <= max(map(spark_indicators.exchanges, ran)) <= 4
    assert max(map(spark_indicators.scans, ran)) <= 2


def test_sums_in_floating_point_are_the_local_ones_to_1e_12(
    cluster: Any, folder: Path, local: rfm.Snapshot
) -> None:
    snapshot = spark_indicators.on_spark(cluster, folder, AS_OF, spark_indicators.ROUNDED)
    found = parquet_folder.differences(snapshot, local)
    money = found["column"].isin(parquet_folder.INDICATORS.groups["monetary"])
    assert money.sum() == 2
    assert not found["differs"][~money].any()
    assert found["largest"].max() <= 1e-12


def test_states_of_two_parts_from_the_cluster_merge(cluster: Any, folder: Path, local: rfm.Snapshot) -> None:
    months = parquet_folder.months_of(folder)
    parts = [spark_indicators.state_of(cluster, part) for part in (months[:-1], months[-1:])]
    state = rfm.merge(*parts)
    snapshot = state.snapshot(AS_OF, population=parquet_folder.customers_of(folder))
    assert not parquet_folder.differences(snapshot, local)["differs"].any()


# ---------------------------------------------------------------------------------------------------- baskets


def test_baskets_from_the_cluster_are_the_local_ones(cluster: Any, tmp_path: Path) -> None:
    """Bit for bit, by the executors, and each of the two tables is exchanged once by customer."""
    bank = make_bank(24_000, random_state=3, rows_per_customer=20.0)
    spark_baskets.write_tables(bank, tmp_path)
    before, tasks = set(spark_indicators.queries(cluster)), spark_indicators.tasks(cluster)
    found = spark_baskets.on_spark(cluster, tmp_path, AS_OF)
    ran = [steps for number, steps in spark_indicators.queries(cluster).items() if number not in before]
    local = spark_baskets.in_memory(tmp_path, AS_OF)
    assert spark_baskets.differences(found, local) == []
    assert found.n_customers == 1200
    assert found.provenance.counts == local.provenance.counts
    worked = spark_indicators.tasks(cluster)
    assert worked.pop("driver") == 0
    assert sum(worked.values()) > sum(count for name, count in tasks.items() if name != "driver")
    assert max(map(spark_indicators.exchanges, ran)) <= 4
