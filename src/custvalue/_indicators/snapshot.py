"""One row a customer: the indicators at a point in time, with what was found on the way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import narwhals.stable.v2 as nw
import numpy as np

from custvalue._indicators import aggregation, engine, moments
from custvalue._indicators.indicators import Frequency, IndicatorSet, Monetary, Recency
from custvalue._indicators.report import Rule, SchemaReport
from custvalue._indicators.schema import TransactionSchema
from custvalue._results import Provenance, html_table, provenance, short_repr
from custvalue._spec import require
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from custvalue._indicators.indicators import Indicator
    from custvalue._typing import FloatArray

#: Days without any row before as-of that are worth a warning.
QUIET_DAYS = 31
#: Difference between a running balance and the balance column that is more than rounding, in currency units.
CHAIN_TOLERANCE = 0.005


@dataclass(frozen=True, eq=False, repr=False)
class Snapshot:
    """The indicators of every customer at a point in time.

    Attributes
    ----------
    table : frame in the caller's library
        One row a customer, sorted by key: the key, ``status`` (``"graded"``, or ``"new"`` with less history than
        the set asks for), ``exposure_days`` (days from the opening or the first row, whichever is earlier, to
        as-of, at least 1), ``n_rows`` (rows before as-of), and the indicators; null where one has no value.
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

    def _graded(self) -> nw.DataFrame[Any]:
        frame: nw.DataFrame[Any] = nw.from_native(self.table)
        return frame.filter(nw.col("status") == "graded")

    @property
    def features(self) -> Any:
        """The indicators of the graded customers, in the caller's library.

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
        kept = {name: counts[name] for name in ("customers", "graded", "new")}
        return short_repr("Snapshot", as_of=self.as_of, indicators=len(self.indicators.names), **kept)

    def _repr_html_(self) -> str:
        counts = self.provenance.counts
        rows = [(name, counts[name]) for name in ("rows", "customers", "graded", "new")]
        title = f"Snapshot as of {self.as_of}, {len(self.indicators.names)} indicators"
        return html_table(["what", "count"], rows, caption=title) + self.report._repr_html_()


def compute(
    transactions: Any,
    indicators: IndicatorSet,
    schema: TransactionSchema,
    *,
    as_of: moments.Moment,
    population: Any = None,
    on_invalid: Literal["raise", "report"] = "raise",
) -> Snapshot:
    r"""Compute the indicators of every customer from the transactions before a point in time.

    Parameters
    ----------
    transactions : pandas, Polars or PyArrow frame, or Polars lazy frame
        One row a transaction, in any order; it is not changed.
    indicators : IndicatorSet
        What to compute.
    schema : TransactionSchema
        Which column is what.
    as_of : str, datetime.date or datetime.datetime
        End of history, exclusive: only rows with ``time < as_of`` count. ISO 8601 text is read; a plain date is
        its first moment on the local calendar.
    population : frame of the same library, default=None
        All customers, one row each, with the key column and the columns `opened` and `opening_balance` that the
        schema names; customers without rows are kept.
    on_invalid : {"raise", "report"}, default="raise"
        Rows without key or time are refused, or left out and counted in the report.

    Returns
    -------
    Snapshot
        One row a customer, with the report.

    Raises
    ------
    ColumnError
        If a column is missing, is of a wrong type (text dates), or an indicator reads what the schema does not
        name.
    DataError
        If rows break a rule of the schema, there is no row before `as_of`, or a population is inconsistent.
    DomainError
        If `as_of` cannot be read, or meets the time column naive against aware.

    Notes
    -----
    Windows are half-open, ``[as_of - w, as_of)``, on the local calendar; months clip to the month's end. Recency
    counts calendar days from the local date of the last row to that of `as_of`. Exposure is the days from
    ``opened`` or the first row, whichever is earlier, to `as_of`, capped by the window and at least 1. A day's
    closing balance is the opening balance plus the running signed sum :math:`s`, so the average over the :math:`n`
    days of a window from day :math:`a` to day :math:`b`, exclusive, is

    .. math:: \bar B = B_0 + \frac{1}{n} \sum_i s_i \, (b - \max(d_i, a)),

    one sum over the rows (:math:`d_i` the row's day, :math:`n` counted from the first row's day if that is later
    than :math:`a`). Conventions and formula are ours. Cost: :math:`O(n)` for n rows, a column an indicator.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import rfm
    >>> rows = pd.DataFrame({
    ...     "key": [1, 1], "day": pd.to_datetime(["2025-01-01", "2025-01-03"]), "amount": [100.0, -40.0]})
    >>> chosen = rfm.IndicatorSet(indicators=[rfm.Monetary(name="balance", measure="daily_average_balance")])
    >>> schema = rfm.TransactionSchema(customer="key", time="day", amount="amount")
    >>> rfm.compute(rows, chosen, schema, as_of="2025-01-05").table[["key", "status", "balance"]]
       key status  balance
    0    1    new     80.0
    """
    if on_invalid not in ("raise", "report"):
        message = "on_invalid must be 'raise' or 'report'."
        raise DomainError(message)
    require(indicators, IndicatorSet, "indicators")
    require(schema, TransactionSchema, "schema")
    frame = engine.read(transactions, schema)
    moment = moments.resolve(as_of, aware=engine.is_aware(frame, schema), time_zone=schema.time_zone)
    found = engine.history(frame, schema, as_of=moment, wanted=aggregation.wanted_codes(indicators))
    report = engine.report(found.counts, schema)
    report.raise_failures(() if on_invalid == "raise" else ("customer_null", "time_null"))
    if report.count("rows") == 0:
        message = "transactions holds no row before as_of; check as_of and the time column."
        raise DataError(message)
    table = aggregation.customer_table(found.rows, indicators, schema, moment)
    if schema.balance is not None:
        table = aggregation.with_opening_balance(table, found.rows, schema)
    table, extra = _with_population(table, population, frame, schema, moment, on_invalid)
    try:
        customers = nw.maybe_reset_index(engine.collected(table).sort("key"))
    except TypeError:
        message = f"Column '{schema.customer}' mixes text and numbers; allowed: integers or text. Cast it to one."
        raise ColumnError(message) from None
    extra.append(engine.code_rule(found.absent))
    if found.counts.get("debits") == 0 and any(
        isinstance(one, Monetary) and one.is_balance for one in indicators.indicators
    ):
        meaning = "A balance is asked for and no row takes money out: name 'side', or give debits a minus"
        extra.append(Rule("no_debit_rows", "warn", 1, meaning))
    return _finished(customers, indicators, schema, moment, report, extra)


def _with_population(
    table: engine.Frame,
    population: Any,
    transactions: engine.Frame,
    schema: TransactionSchema,
    moment: moments.AsOf,
    on_invalid: str,
) -> tuple[engine.Frame, list[Rule]]:
    """Keep customers without rows; refuse or count those that the population does not know."""
    if population is None:
        if schema.opened or schema.opening_balance:
            message = "The schema names columns of a population ('opened', 'opening_balance'): give population=."
            raise ColumnError(message)
        return table, []
    people = engine.population_rows(population, transactions, schema)
    table = table.with_columns(nw.col("key").cast(engine.key_type(transactions, schema)))
    rules = []
    if schema.opened:
        everyone = len(engine.collected(people.select("key")))
        people = people.filter((nw.col("opened") < moment.end_day) | nw.col("opened").is_null())
        late = everyone - len(engine.collected(people.select("key")))
        rules.append(Rule("not_yet_opened", "pass", late, "Customers opened at or after as_of, left out"))
    unknown = len(engine.collected(engine.joined(table, people, how="anti").select("key")))
    status: Literal["pass", "warn", "fail"] = "pass" if not unknown else "warn"
    meaning = "Customers with rows whom the population does not name (or who opened at or after as_of), left out"
    if unknown and on_invalid == "raise":
        raise DataError(f"{meaning} ({unknown}). Complete the population, or use on_invalid='report'.")
    rules.append(Rule("customer_unknown", status, unknown, meaning))
    return engine.joined(people, table), rules


class _Finish:
    """Rates, means and averages on the customer table, in NumPy."""

    def __init__(self, customers: nw.DataFrame[Any], moment: moments.AsOf) -> None:
        self._customers, self._moment = customers, moment
        self.first_day = self.column("first_day")
        opened = self.column("opened")
        start = np.fmin(opened, self.first_day)
        self.before_opened = int(np.sum(self.first_day < opened))
        self.exposure = np.maximum(1.0, np.nan_to_num(moment.day - start, nan=1.0))
        opening = self.column("opening_balance")
        self.opening_assumed = int(np.isnan(opening).sum())
        self._opening = np.where(np.isnan(opening) & ~np.isnan(self.first_day), 0.0, opening)

    def column(self, name: str, fill: float = np.nan) -> FloatArray:
        """Give a column as float64, null filled; a column that is not there is all null."""
        if name not in self._customers.columns:
            return np.full(len(self._customers), fill)
        values = self._customers.get_column(name).cast(nw.Float64()).to_numpy()
        array = np.array(values, dtype=np.float64)
        array[np.isnan(array)] = fill
        return array

    def window_days(self, window: str | None) -> float:
        """Give the length of a window in calendar days."""
        if window is None:
            return np.inf
        return float((self._moment.wall.date() - self._moment.window_start(window).date()).days)

    def value(self, place: int, indicator: Indicator) -> FloatArray:
        """Give one indicator of all customers, NaN where it is null."""
        if isinstance(indicator, Recency):
            return self._moment.day - self.column(f"value_{place}")
        exposed = np.minimum(self.exposure, self.window_days(indicator.window))
        if isinstance(indicator, Frequency):
            count = self.column(f"value_{place}", 0.0)
            return count / np.maximum(exposed, 1.0) if indicator.per_exposed_day else count
        return self._money(place, indicator, exposed)

    def _money(self, place: int, indicator: Monetary, exposed: FloatArray) -> FloatArray:
        if indicator.measure == "last_balance":
            return self._opening + self.column("total", 0.0)
        total = self.column(f"value_{place}", 0.0)
        if indicator.measure == "daily_average_balance":
            seen = np.nan_to_num(self._moment.day - self.first_day, nan=np.inf)
            days = np.minimum(seen, self.window_days(indicator.window))
            average = self._opening + total / np.where(days > 0, days, 1.0)
            return np.where(days > 0, average, np.nan)
        if indicator.measure == "mean":
            count = self.column(f"count_{place}", 0.0)
            return np.where(count > 0, total / np.maximum(count, 1.0), np.nan)
        return total / np.maximum(exposed, 1.0) if indicator.per_exposed_day else total


def _balance_rules(finish: _Finish, indicators: IndicatorSet) -> list[Rule]:
    """Say what was assumed of opening balances and whether the running balance meets the column."""
    rules = []
    if any(isinstance(one, Monetary) and one.is_balance for one in indicators.indicators):
        assumed = finish.opening_assumed
        meaning = "Customers whose balance before their first row is taken as 0"
        rules.append(Rule("opening_balance_assumed", "warn" if assumed else "pass", assumed, meaning))
        closing = finish.column("closing_balance")
        if not np.isnan(closing).all():
            running = finish.column("opening_balance") + finish.column("total", 0.0)
            broken = int(np.sum(np.abs(running - closing) > CHAIN_TOLERANCE))
            meaning = "Customers whose running balance does not meet the balance column at as_of"
            rules.append(Rule("balance_chain", "warn" if broken else "pass", broken, meaning))
    return rules


def _finished(
    customers: nw.DataFrame[Any],
    indicators: IndicatorSet,
    schema: TransactionSchema,
    moment: moments.AsOf,
    report: SchemaReport,
    extra: list[Rule],
) -> Snapshot:
    finish = _Finish(customers, moment)
    values = {one.name: finish.value(place, one) for place, one in enumerate(indicators.indicators)}
    for name, array in values.items():
        if np.isinf(array).any():
            message = f"Indicator '{name}' overflows: the amounts are too large to be summed."
            raise DataError(message)
    silent = [
        name
        for name, one in zip(values, indicators.indicators, strict=True)
        if (np.isnan(values[name]) if isinstance(one, Recency) else np.nan_to_num(values[name]) == 0.0).all()
    ]
    graded = finish.exposure >= indicators.min_history_days
    extra += _balance_rules(finish, indicators)
    last_days = finish.column("last_day")
    quiet = 0 if np.isnan(last_days).all() else int(moment.day - np.nanmax(last_days))
    meaning = f"Days between the last row and as_of; more than {QUIET_DAYS} look like an as_of beyond the data"
    extra.append(Rule("days_without_rows", "warn" if quiet > QUIET_DAYS else "pass", quiet, meaning))
    if not graded.any():
        meaning = "No customer has the history that min_history_days asks for: all are new, and features is empty"
        extra.append(Rule("no_graded_customer", "warn", len(customers), meaning))
    if schema.opened:
        late = finish.before_opened
        meaning = "Customers with rows before their opening date: exposure counts from the first row"
        extra.append(Rule("rows_before_opened", "warn" if late else "pass", late, meaning))
    meaning = (
        f"Indicators that no customer has a row for: {', '.join(silent)}"
        if silent
        else ("Indicators that no customer has a row for")
    )
    extra.append(Rule("indicator_without_rows", "warn" if silent else "pass", len(silent), meaning))
    table = _table(customers, schema, indicators, finish, values)
    counts = provenance(
        schema.model_dump_json() + "\n" + indicators.model_dump_json(),
        rows=report.count("rows"),
        customers=len(customers),
        graded=int(graded.sum()),
        new=int((~graded).sum()),
    )
    full = replace(report, rules=(*report.rules, *extra))
    return Snapshot(table, indicators, schema, moment.wall.isoformat(), full, counts)


def _table(
    customers: nw.DataFrame[Any],
    schema: TransactionSchema,
    indicators: IndicatorSet,
    finish: _Finish,
    values: dict[str, FloatArray],
) -> Any:
    """Build the native table; NaN becomes null where the library tells them apart."""
    own_names = {"status", "exposure_days", "n_rows"}
    if schema.customer in own_names:
        message = f"The key column '{schema.customer}' has a name of the table's own columns; rename it."
        raise ColumnError(message)
    clash = [name for name in values if name in own_names | {schema.customer}]
    if clash:
        message = f"Indicator name(s) {clash} are taken by the table's own columns; rename them."
        raise ColumnError(message)
    status = np.where(finish.exposure >= indicators.min_history_days, "graded", "new")
    own = {
        "status": status.tolist(),
        "exposure_days": finish.exposure.astype(np.int64),
        "n_rows": finish.column("n_rows", 0.0).astype(np.int64),
    }
    backend = customers.implementation
    frame = customers.select(nw.col("key").alias(schema.customer)).with_columns(
        *(nw.new_series(name, data, backend=backend) for name, data in (own | values).items())
    )
    frame = frame.with_columns(
        *(nw.when(~nw.col(name).is_nan()).then(nw.col(name)).alias(name) for name in values)
    )
    return frame.to_native()


__all__ = ["Snapshot", "compute"]
