"""Who computes the indicators in `bench_rfm`: ours, lifetimes, pymc-marketing, and code written by hand.

Three tasks. ``classic``: frequency, recency, T and monetary value as models of repeat buying want them.
``nine``: the preset of a retail bank. ``month``: a state of all history that takes in a month.

The code by hand is what a user who knows the library would write after trying several ways at ten million rows: in
pandas a mask and a group-by a need (one wide frame took half as much again), in Polars one lazy query of masked
columns with the streaming engine, in DuckDB one statement with the distinct days in a subquery.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from rfm_ledger import AS_OF, KINDS, duckdb_connection, pandas_frame, polars_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from custvalue import rfm

Answer: TypeAlias = "dict[str, NDArray[Any]]"

OURS, NARWHALS = "custvalue", "custvalue, engine path on"
ACTIVITY = KINDS[:4]
GROUPS = {"cash": ACTIVITY[:2], "transfer": ACTIVITY[2:]}
END = pd.Timestamp(AS_OF)
LAST_DAY = (END - pd.Timedelta(days=1)).date().isoformat()
BUYING = ("customer", "time", "amount")
BANKING = (*BUYING, "kind", "side", "origin")
#: What is compared, in each task.
CLASSIC = ("frequency", "recency", "T", "monetary")
NINE = (
    *(f"recency_{kind}" for kind in ACTIVITY),
    *(f"frequency_{name}" for name in GROUPS),
    "frequency_active_days",
    "turnover",
    "balance",
)
#: One name for columns that go by several.
SAME = {"customer_id": "customer", "t_x": "recency", "monetary_value": "monetary"}


@dataclass(frozen=True)
class Rival:
    """Something to be timed: how it gets its table, the steps it takes, what of the result is compared."""

    load: Callable[[Path], Any]
    steps: Mapping[str, Callable[[Any], Any]]
    columns: tuple[str, ...] = ()


def answer(result: Any, columns: tuple[str, ...]) -> Answer:
    """Give a result as columns of NumPy in the order of the customers' keys; null is NaN."""
    frame = result.table if hasattr(result, "table") else result
    for collect in ("collect", "to_arrow_table", "to_pandas"):
        frame = getattr(frame, collect)() if hasattr(frame, collect) else frame
    frame = frame.reset_index().rename(columns=SAME).sort_values("customer")
    return {
        name: frame[name].to_numpy() if name == "customer" else frame[name].to_numpy(dtype=float, na_value=np.nan)
        for name in ("customer", *columns)
    }


def classic_pandas(rows: pd.DataFrame) -> pd.DataFrame:
    """Sum the days, then take the first day off: two group-bys."""
    rows = rows[rows["time"] < END]
    daily = rows.groupby(["customer", rows["time"].dt.normalize()])["amount"].sum().reset_index()
    found = daily.groupby("customer").agg(
        first=("time", "min"),
        last=("time", "max"),
        days=("time", "size"),
        total=("amount", "sum"),
        initial=("amount", "first"),
    )
    frequency = found["days"] - 1
    return pd.DataFrame(
        {
            "frequency": frequency,
            "recency": (found["last"] - found["first"]).dt.days,
            "T": (pd.Timestamp(LAST_DAY) - found["first"]).dt.days,
            "monetary": (found["total"] - found["initial"]) / frequency,
        }
    )


def classic_polars(rows: Any) -> Any:
    """Write it as one lazy query."""
    import polars as pl  # noqa: PLC0415 - each process loads the libraries it times

    day, repeats = pl.col("day"), pl.col("frequency")
    return (
        rows.lazy()
        .filter(pl.col("time") < END.to_pydatetime())
        .group_by("customer", day=pl.col("time").dt.date())
        .agg(pl.col("amount").sum())
        .group_by("customer")
        .agg(
            first=day.min(),
            last=day.max(),
            frequency=pl.len() - 1,
            repeated=pl.col("amount").sum() - pl.col("amount").sort_by("day").first(),
        )
        .select(
            "customer",
            "frequency",
            recency=(pl.col("last") - pl.col("first")).dt.total_days(),
            T=(pl.lit(END.date()) - pl.col("first")).dt.total_days() - 1,
            monetary=pl.when(repeats > 0).then(pl.col("repeated") / repeats),
        )
        .collect(engine="streaming")
    )


CLASSIC_SQL = f"""
WITH daily AS (
    SELECT customer, time::DATE AS day, sum(amount) AS amount
    FROM ledger WHERE time < TIMESTAMP '{AS_OF}' GROUP BY ALL
)
SELECT
    customer,
    count(*) - 1 AS frequency,
    max(day) - min(day) AS recency,
    DATE '{LAST_DAY}' - min(day) AS T,
    (sum(amount) - arg_min(amount, day)) / nullif(count(*) - 1, 0) AS monetary
FROM daily GROUP BY customer
"""  # noqa: S608 - fixed text


def nine_pandas(rows: pd.DataFrame) -> pd.DataFrame:
    """Compute the nine indicators with a mask and a group-by a need."""
    rows = rows[rows["time"] < END]
    key, day = rows["customer"], rows["time"].dt.normalize()
    own = rows["origin"] == "customer"
    year = own & (rows["time"] >= END - pd.Timedelta(days=365))
    first = day.groupby(key).min()
    exposed = (END - first).dt.days.clip(lower=1, upper=365)
    out = pd.DataFrame(index=first.index)
    for kind in ACTIVITY:
        some = own & (rows["kind"] == kind)
        out[f"recency_{kind}"] = (END - day[some].groupby(key[some]).max()).dt.days
    for name, kinds in GROUPS.items():
        out[f"frequency_{name}"] = key[year & rows["kind"].isin(kinds)].value_counts() / exposed
    out["frequency_active_days"] = day[year].groupby(key[year]).nunique() / exposed
    out["turnover"] = rows["amount"][year].groupby(key[year]).sum() / exposed
    start = END - pd.Timedelta(days=90)
    signed = rows["amount"].where(rows["side"] == "credit", -rows["amount"])
    counted = (END - day.clip(lower=start)).dt.days
    out["balance"] = (signed * counted).groupby(key).sum() / (END - first.clip(lower=start)).dt.days
    rates = [*(f"frequency_{name}" for name in GROUPS), "frequency_active_days", "turnover"]
    return out.fillna(dict.fromkeys(rates, 0.0))


def nine_polars(rows: Any) -> Any:
    """Write it as one lazy query: masked columns, then plain aggregates."""
    import polars as pl  # noqa: PLC0415 - each process loads the libraries it times

    age, year, amount = pl.col("age"), pl.col("year"), pl.col("amount")
    exposed = pl.col("first").clip(1, 365)
    recencies = [f"recency_{kind}" for kind in ACTIVITY]
    own = pl.col("origin") == "customer"
    return (
        rows.lazy()
        .filter(pl.col("time") < END.to_pydatetime())
        .select(
            "customer",
            "amount",
            "kind",
            "side",
            own=own,
            year=own & (pl.col("time") >= (END - pd.Timedelta(days=365)).to_pydatetime()),
            age=(pl.lit(END.date()) - pl.col("time").dt.date()).dt.total_days().cast(pl.Int32),
        )
        .select(
            "customer",
            "age",
            *(
                pl.when(pl.col("own") & (pl.col("kind") == kind)).then(age).alias(name)
                for kind, name in zip(ACTIVITY, recencies, strict=True)
            ),
            *((year & pl.col("kind").is_in(list(kinds))).alias(name) for name, kinds in GROUPS.items()),
            active=pl.when(year).then(age),
            turnover=pl.when(year).then(amount).otherwise(0.0),
            moved=pl.when(pl.col("side") == "credit").then(amount).otherwise(-amount) * pl.min_horizontal(age, 90),
        )
        .group_by("customer")
        .agg(
            *(pl.col(name).min() for name in recencies),
            pl.col(*GROUPS, "turnover", "moved").sum(),
            first=age.max(),
            active=pl.col("active").n_unique() - pl.col("active").has_nulls().cast(pl.UInt32),
        )
        .select(
            "customer",
            *recencies,
            *((pl.col(name) / exposed).alias(f"frequency_{name}") for name in GROUPS),
            frequency_active_days=pl.col("active") / exposed,
            turnover=pl.col("turnover") / exposed,
            balance=pl.col("moved") / pl.col("first").clip(1, 90),
        )
        .collect(engine="streaming")
    )


def nine_sql() -> str:
    """Write it as one statement."""
    recency = ", ".join(f"min(age) FILTER (own AND kind = '{kind}') AS recency_{kind}" for kind in ACTIVITY)
    count = ", ".join(f"count(*) FILTER (year AND kind IN {kinds}) AS {name}" for name, kinds in GROUPS.items())
    rates = ", ".join(f"{name} / exposed AS frequency_{name}" for name in GROUPS)
    return f"""
    WITH moves AS (
        SELECT customer, amount, kind,
            origin = 'customer' AS own,
            own AND time >= TIMESTAMP '{AS_OF}' - INTERVAL 365 DAY AS year,
            DATE '{AS_OF}' - time::DATE AS age,
            CASE WHEN side = 'credit' THEN amount ELSE -amount END AS signed
        FROM ledger WHERE time < TIMESTAMP '{AS_OF}'
    ), sums AS (
        SELECT customer, {recency}, {count},
            least(max(age), 365) AS exposed,
            least(max(age), 90) AS kept,
            coalesce(sum(amount) FILTER (year), 0) AS money,
            sum(signed * least(age, 90)) AS moved
        FROM moves GROUP BY customer
    ), days AS (
        SELECT customer, count(*) AS active
        FROM (SELECT DISTINCT customer, age FROM moves WHERE year) GROUP BY customer
    )
    SELECT customer, {", ".join(f"recency_{kind}" for kind in ACTIVITY)}, {rates},
        coalesce(active, 0) / exposed AS frequency_active_days,
        money / exposed AS turnover,
        moved / kept AS balance
    FROM sums LEFT JOIN days USING (customer)
    """  # noqa: S608 - fixed text


def banking() -> tuple[rfm.IndicatorSet, rfm.TransactionSchema]:
    """Give the nine indicators of ours and what the columns are."""
    from custvalue import rfm  # noqa: PLC0415 - each process loads the libraries it times

    schema = rfm.TransactionSchema(
        customer="customer",
        time="time",
        kind="kind",
        amount="amount",
        side="side",
        system={"origin": ("system",)},
        standing_order={"origin": ("standing_order",)},
    )
    return rfm.IndicatorSet.retail_bank(), schema


def compute(rows: Any, engine: Literal["auto", "numpy", "narwhals"] = "auto") -> rfm.Snapshot:
    """Compute the nine indicators by ours."""
    from custvalue import rfm  # noqa: PLC0415 - each process loads the libraries it times

    return rfm.compute(rows, *banking(), as_of=AS_OF, engine=engine)


def clv(rows: Any) -> Any:
    """Summarise by ours."""
    from custvalue import rfm  # noqa: PLC0415 - each process loads the libraries it times

    schema = rfm.TransactionSchema(customer="customer", time="time", amount="amount")
    return rfm.clv_summary(rows, schema, observation_end=LAST_DAY)


def peer(module: str, function: str) -> Rival:
    """Give the summary of a published package; its import is not timed."""

    def load(folder: Path) -> tuple[Any, Any]:
        return getattr(import_module(module), function), pandas_frame(folder, *BUYING)

    def run(given: tuple[Any, Any]) -> Any:
        summarise, rows = given
        return summarise(rows, "customer", "time", "amount", observation_period_end=LAST_DAY)

    return Rival(load, {"": run}, CLASSIC)


def sql(statement: str) -> Callable[[Any], Any]:
    """Give a function that runs a statement."""
    return lambda connection: connection.sql(statement).to_arrow_table()


def month(folder: Path) -> dict[str, Any]:
    """Load the ledger before as-of in two parts: all but the latest thirtieth of the rows, and these."""
    rows = pandas_frame(folder, *BANKING)
    rows = rows[rows["time"] < END]
    start = rows["time"].quantile(29 / 30)
    return {"past": rows[rows["time"] < start], "month": rows[rows["time"] >= start]}


def past(found: dict[str, Any]) -> dict[str, Any]:
    """Make the state of all but the month."""
    from custvalue import rfm  # noqa: PLC0415 - each process loads the libraries it times

    return {"month": found["month"], "state": rfm.partial(found["past"], *banking())}


def taken_in(found: dict[str, Any]) -> dict[str, Any]:
    """Make the month's state and merge it into that of the past."""
    from custvalue import rfm  # noqa: PLC0415 - each process loads the libraries it times

    return {"state": rfm.merge(found["state"], rfm.partial(found["month"], *banking()))}


def tables(make: Callable[..., Any], *names: str, **how: Any) -> Callable[[Path], Any]:
    """Give a function that loads columns as one library's table."""
    return lambda folder: make(folder, *names, **how)


BUYING_PANDAS, BANKING_PANDAS = tables(pandas_frame, *BUYING), tables(pandas_frame, *BANKING)
BANKING_POLARS, BANKING_DUCKDB = tables(polars_frame, *BANKING), tables(duckdb_connection, *BANKING)
BANKING_TEXT = tables(pandas_frame, *BANKING, text=True)
RIVALS: dict[str, dict[str, Rival]] = {
    "classic": {
        OURS: Rival(BUYING_PANDAS, {"": clv}, CLASSIC),
        "lifetimes": peer("lifetimes.utils", "summary_data_from_transaction_data"),
        "pymc-marketing": peer("pymc_marketing.clv.utils", "rfm_summary"),
        "pandas": Rival(BUYING_PANDAS, {"": classic_pandas}, CLASSIC),
        "Polars": Rival(tables(polars_frame, *BUYING), {"": classic_polars}, CLASSIC),
        "DuckDB": Rival(tables(duckdb_connection, *BUYING), {"": sql(CLASSIC_SQL)}, CLASSIC),
    },
    "nine": {
        OURS: Rival(BANKING_PANDAS, {"": compute}, NINE),
        "pandas": Rival(BANKING_PANDAS, {"": nine_pandas}, NINE),
        "Polars": Rival(BANKING_POLARS, {"": nine_polars}, NINE),
        "DuckDB": Rival(BANKING_DUCKDB, {"": sql(nine_sql())}, NINE),
        f"{NARWHALS} pandas": Rival(BANKING_PANDAS, {"": lambda rows: compute(rows, "narwhals")}, NINE),
        f"{NARWHALS} Polars": Rival(BANKING_POLARS, {"": lambda rows: compute(rows.lazy(), "narwhals")}, NINE),
        f"{NARWHALS} DuckDB": Rival(
            BANKING_DUCKDB, {"": lambda connection: compute(connection.table("ledger"), "narwhals")}, NINE
        ),
    },
    "text": {
        OURS: Rival(BANKING_TEXT, {"": compute}, NINE),
        "pandas": Rival(BANKING_TEXT, {"": nine_pandas}, NINE),
    },
    "month": {
        "recomputing": Rival(BANKING_PANDAS, {"recomputing": compute}, NINE),
        "state": Rival(
            month,
            {
                "state of the past": past,
                "month taken in": taken_in,
                "snapshot of the state": lambda found: found["state"].snapshot(AS_OF),
            },
            NINE,
        ),
    },
}
