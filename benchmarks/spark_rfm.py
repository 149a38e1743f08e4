"""Ten million synthetic rows on executors that are processes of their own, and what the plan exchanges.

By hand only: it needs the extra ``spark`` and Java 17. The table is written as Parquet, so that the executors read
it and the driver does not. Every query that Spark ran is shown with the exchanges of its final plan: at most four
are aimed at for nine indicators, and one where no indicator counts distinct days. The answers are compared with
those of the NumPy path in this process: dates and counts bit for bit, sums to 1e-12.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
from custvalue import rfm
from rfm_ledger import AS_OF, CODES, ledger
from rfm_rivals import banking
from spark_classes import small_cluster

if TYPE_CHECKING:
    import pandas as pd

NINE, SCHEMA = banking()
#: The same without the one that counts distinct days, and the exchanges that are aimed at.
SPECS = {
    "nine indicators": (NINE, 4),
    "without distinct days": (
        NINE.model_copy(
            update={"indicators": tuple(one for one in NINE.indicators if one.measure != "distinct_days")}
        ),
        1,
    ),
}


def arrow_table(rows: int) -> pa.Table:
    """Draw the ledger, with codes as text and time without a zone."""
    columns = {
        name: pa.DictionaryArray.from_arrays(values, list(CODES[name]))
        if name in CODES
        else pa.array(values.astype("M8[s]").astype("M8[us]") if name == "time" else values)
        for name, values in ledger(rows).items()
    }
    return pa.table(columns)


def queries(session: Any) -> dict[int, Counter[str]]:
    """Give for every query that Spark has run how often each kind of step stands in its final plan."""
    session.sparkContext._jsc.sc().listenerBus().waitUntilEmpty()  # noqa: SLF001 - what Spark tells of its plans
    store = session._jsparkSession.sharedState().statusStore()  # noqa: SLF001
    found: dict[int, Counter[str]] = {}
    executions = store.executionsList()
    for place in range(executions.size()):
        number = executions.apply(place).executionId()
        nodes = store.planGraph(number).allNodes()
        found[number] = Counter(nodes.apply(node).name().split("(")[0].strip() for node in range(nodes.size()))
    return found


def same(ours: pd.DataFrame, local: pd.DataFrame, indicators: rfm.IndicatorSet) -> None:
    """Raise if the answers differ."""
    ours, local = (frame.sort_values("customer").reset_index(drop=True) for frame in (ours, local))
    for name in ("customer", "status", "exposure_days", "n_rows"):
        np.testing.assert_array_equal(ours[name].to_numpy(), local[name].to_numpy(), err_msg=name)
    for one in indicators.indicators:
        tolerance = 1e-12 if one.dimension == "monetary" else 0.0
        left, right = (frame[one.name].to_numpy(dtype=float, na_value=np.nan) for frame in (ours, local))
        np.testing.assert_allclose(left, right, rtol=tolerance, atol=tolerance, err_msg=one.name)


def exchanges(steps: Counter[str]) -> int:
    """Count the steps that send rows from executor to executor, or to all of them."""
    return sum(count for name, count in steps.items() if name in ("Exchange", "BroadcastExchange"))


def scans(steps: Counter[str]) -> int:
    """Count how often the table is read."""
    return sum(count for name, count in steps.items() if name.startswith("Scan"))


def main() -> int:
    """Compute on the cluster and here, count the exchanges, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--executors", type=int, default=2)
    given = parser.parse_args()
    kept = True
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        path = Path(name) / "ledger.parquet"
        table = arrow_table(given.rows)
        pq.write_table(table, path, row_group_size=1_000_000)
        frame = table.to_pandas()
        del table
        with small_cluster(Path(name), executors=given.executors) as session:
            rows = session.read.parquet(str(path))
            print(f"{rows.count():,} rows, {given.executors} executors")
            for title, (indicators, allowed) in SPECS.items():
                before = set(queries(session))
                started = time.perf_counter()
                snapshot = rfm.compute(rows, indicators, SCHEMA, as_of=AS_OF)
                seconds = time.perf_counter() - started
                ran = {number: steps for number, steps in queries(session).items() if number not in before}
                found = snapshot.table.toArrow().to_pandas()
                local = rfm.compute(frame, indicators, SCHEMA, as_of=AS_OF).table
                same(found, local, indicators)
                print(f"{title}: {len(found):,} customers in {seconds:.1f} s, the same numbers as here")
                for number, steps in ran.items():
                    shuffles = exchanges(steps)
                    kept = kept and shuffles <= allowed
                    print(f"  query {number}: exchanges {shuffles} (aim at most {allowed}), scans {scans(steps)}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
