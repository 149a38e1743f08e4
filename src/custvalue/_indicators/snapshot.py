"""The indicators of every customer at a point in time, with what was found on the way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np

from custvalue._engines import is_engine, types_of
from custvalue._indicators import aggregation, rules
from custvalue._indicators import population as everyone
from custvalue._indicators.finish import Finish, balance_rules, closing_rules
from custvalue._indicators.indicators import Monetary
from custvalue._indicators.report import Rule, SchemaReport
from custvalue._results import Provenance, html_table, provenance, short_repr
from custvalue.exceptions import ColumnError, DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._engines import Frame
    from custvalue._indicators.indicator_sets import IndicatorSet
    from custvalue._indicators.plan import Plan
    from custvalue._indicators.schema import TransactionSchema
    from custvalue._indicators.totals import Asked
    from custvalue._typing import FloatArray


@dataclass(frozen=True, eq=False, repr=False)
class Snapshot:
    """The indicators of every customer at a point in time.

    Attributes
    ----------
    table : frame in the caller's library
        One row a customer, sorted by key: the key, ``status`` (``"graded"``, ``"new"`` with less history than
        the set asks for, or ``"closed"`` before as-of), ``exposure_days`` (days from the opening or the first row,
        whichever is earlier, to as-of or the closing, at least 1), ``n_rows`` (rows before as-of), the carried
        columns of the population, and the indicators; null where one has no value. A lazy Polars frame gives a
        frame in memory; a DuckDB relation, an Ibis table and a Spark frame give their own kind, where rows have
        no order, and which lives no longer than its connection or session; `features` does.
    indicators : IndicatorSet
        What was computed.
    schema : TransactionSchema
        How the rows were read.
    as_of : str
        End of history as local ISO 8601 wall time; rows at or after it were left out.
    report : SchemaReport
        What was found, refused or assumed, by rule and count.
    provenance : Provenance
        Package version, specifications and row counts.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import rfm
    >>> rows = pd.DataFrame({
    ...     "key": [1, 1, 2], "day": pd.to_datetime(["2025-01-02", "2025-03-01", "2025-02-10"]),
    ...     "amount": [50.0, 20.0, 70.0]})
    >>> indicators = rfm.IndicatorSet(
    ...     indicators=[rfm.Recency(name="recency"), rfm.Monetary(name="turnover")], min_history_days=30)
    >>> schema = rfm.TransactionSchema(customer="key", time="day", amount="amount")
    >>> snapshot = rfm.compute(rows, indicators, schema, as_of="2025-03-31")
    >>> snapshot.features
         recency  turnover
    key
    1       30.0      70.0
    2       49.0      70.0
    """

    table: Any
    indicators: IndicatorSet
    schema: TransactionSchema
    as_of: str
    report: SchemaReport
    provenance: Provenance
    _local: Any = None

    def _graded(self) -> nw.DataFrame[Any]:
        frame: nw.DataFrame[Any] = nw.from_native(self.table if self._local is None else self._local)
        return frame.filter(nw.col("status") == "graded")

    @property
    def features(self) -> Any:
        """The indicators of the graded customers, in memory: in the caller's library, or PyArrow for an engine.

        A pandas frame carries the key as its index; other libraries have no index, and their rows stand in the
        order of `customers`.
        """
        graded = self._graded()
        native = graded.select(*self.indicators.names).to_native()
        if graded.implementation.is_pandas():
            native.index = graded.to_native()[self.schema.customer]
        return native

    @property
    def customers(self) -> list[Any]:
        """Keys of the graded customers, in the order of `features`."""
        keys: list[Any] = self._graded().get_column(self.schema.customer).to_list()
        return keys

    def __repr__(self) -> str:
        counts = self.provenance.counts
        kept = {name: counts[name] for name in ("customers", "graded", "new", "closed")}
        return short_repr("Snapshot", as_of=self.as_of, indicators=len(self.indicators.names), **kept)

    def _repr_html_(self) -> str:
        counts = self.provenance.counts
        rows = [(name, counts[name]) for name in ("rows", "customers", "graded", "new", "closed")]
        title = f"Snapshot as of {self.as_of}, {len(self.indicators.names)} indicators"
        return html_table(["what", "count"], rows, caption=title) + self.report._repr_html_()


@dataclass(frozen=True)
class Request:
    """What a snapshot is asked for: the set, the schema as given, and what is asked of the rows."""

    indicators: IndicatorSet
    schema: TransactionSchema
    asked: Asked
    plan: Plan
    population: Any
    on_invalid: str


def finished(
    request: Request, found: rules.Counts, customers: nw.DataFrame[Any], source: Frame, *, native: bool = True
) -> Snapshot:
    """Make the snapshot of an aggregated customer table; ``native`` gives it back to the engine of the source."""
    indicators, schema, asked = request.indicators, request.schema, request.asked
    report = rules.report(found.counts, schema)
    unmet = [f"excluded {reason}" for reason in schema.excluded if not found.counts.get(f"excluded_{reason}")]
    extra = [rules.code_rule([*found.absent, *unmet])]
    if request.population is not None:
        key = types_of(source)[asked.schema.customer]
        people = everyone.read(request.population, source, schema, key, asked.as_of, asked.decimals)
        customers, told = everyone.met(people, customers, on_invalid=request.on_invalid)
        extra += told
    customers = aggregation.sorted_by_key(customers, schema)
    if found.counts.get("debits") == 0 and _reads_balance(indicators):
        meaning = "A balance is asked for and no row takes money out: name 'side', or give debits a minus"
        extra.append(Rule("no_debit_rows", "warn", 1, meaning))
    finish = Finish(customers, request.plan, asked.as_of, asked.decimals, indicators.min_history_days)
    values = finish.values(indicators)
    for name, array in values.items():
        if np.isinf(array).any():
            message = f"Indicator '{name}' overflows: the amounts are too large to be summed."
            raise DataError(message)
    extra += balance_rules(finish, request.plan, indicators, asked.decimals)
    extra += closing_rules(finish, indicators, values, schema, found.counts["last_day"])
    local = _table(customers, schema, finish, values)
    counts = provenance(
        schema.model_dump_json() + "\n" + indicators.model_dump_json(),
        rows=report.count("rows"),
        customers=len(customers),
        graded=int(finish.graded.sum()),
        new=int((~finish.graded & ~finish.closed).sum()),
        closed=int(finish.closed.sum()),
    )
    full = replace(report, rules=(*report.rules, *extra))
    elsewhere = native and is_engine(source)
    table = like(local, source) if elsewhere else local
    as_of = asked.as_of.wall.isoformat()
    return Snapshot(table, indicators, schema, as_of, full, counts, local if elsewhere else None)


def _reads_balance(indicators: IndicatorSet) -> bool:
    return any(isinstance(one, Monetary) and one.is_balance for one in indicators.indicators)


def _require_names_beyond_case(names: Sequence[str]) -> None:
    """Refuse columns that DuckDB and Spark take for the same."""
    lower = [name.lower() for name in names]
    same = sorted({name for name in names if lower.count(name.lower()) > 1})
    if same:
        message = (
            f"Columns {same} differ in upper and lower case only, which this engine does not see: rename them."
        )
        raise ColumnError(message)


def like(customers: Any, source: Frame) -> Any:
    """Give a PyArrow table as a frame of the engine that the source lives on."""
    native = nw.to_native(source)
    _require_names_beyond_case(customers.column_names)
    if source.implementation.is_pyspark():
        return native.sparkSession.createDataFrame(customers)
    if source.implementation.is_duckdb():
        custvalue_customers = customers  # noqa: F841 - DuckDB finds the name, which no table of the caller's has
        return native.query("custvalue_source", "SELECT * FROM custvalue_customers")
    return nw.to_native(nw.from_native(customers).lazy(backend=source.implementation))


def _table(
    customers: nw.DataFrame[Any], schema: TransactionSchema, finish: Finish, values: dict[str, FloatArray]
) -> Any:
    """Build the native table; NaN becomes null where the library tells them apart."""
    own_names = {"status", "exposure_days", "n_rows"}
    if schema.customer in own_names:
        message = f"The key column '{schema.customer}' has a name of the table's own columns; rename it."
        raise ColumnError(message)
    clash = [name for name in (*schema.carried, *values) if name in own_names | {schema.customer}]
    clash += [name for name in values if name in schema.carried]
    if clash:
        message = f"Column or indicator name(s) {clash} are taken by the table's own columns; rename them."
        raise ColumnError(message)
    own = {
        "status": finish.status,
        "exposure_days": finish.exposure.astype(np.int64),
        "n_rows": finish.n_rows.astype(np.int64),
    }
    backend = customers.implementation
    frame = customers.select(nw.col("key").alias(schema.customer)).with_columns(
        *(nw.new_series(name, data, backend=backend) for name, data in own.items()),
        *(customers.get_column(f"carried_{name}").alias(name) for name in schema.carried),
        *(nw.new_series(name, data, backend=backend) for name, data in values.items()),
    )
    frame = frame.with_columns(
        *(nw.when(~nw.col(name).is_nan()).then(nw.col(name)).alias(name) for name in values)
    )
    return frame.to_native()
