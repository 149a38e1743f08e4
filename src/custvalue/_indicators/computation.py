"""From transactions to a snapshot: what is read, by which way, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import narwhals.stable.v2 as nw

from custvalue._engines import wrapped
from custvalue._indicators import aggregation, memory, moments, rules
from custvalue._indicators import engine as frames
from custvalue._indicators import holders as accounts
from custvalue._indicators.guard import is_aware
from custvalue._indicators.indicator_sets import IndicatorSet
from custvalue._indicators.plan import plan
from custvalue._indicators.schema import TransactionSchema
from custvalue._indicators.snapshot import Request, Snapshot, finished
from custvalue._indicators.totals import Asked
from custvalue._spec import require
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from custvalue._engines import Frame

#: Rules that count rows left out.
_LOSSES = ("rows_after_as_of", "rows_known_later", *rules.LEFT_OUT)
_ENGINES = ("auto", "numpy", "narwhals")


def compute(
    transactions: Any,
    indicators: IndicatorSet,
    schema: TransactionSchema,
    *,
    as_of: moments.Moment,
    population: Any = None,
    holders: Any = None,
    known_at: moments.Moment | None = None,
    on_invalid: Literal["raise", "report"] = "raise",
    engine: Literal["auto", "numpy", "narwhals"] = "auto",
) -> Snapshot:
    r"""Compute the indicators of every customer from the transactions before a point in time.

    Parameters
    ----------
    transactions : pandas, Polars or PyArrow frame, DuckDB relation, Ibis table or PySpark frame
        One row a transaction, in any order, eager or lazy; it is not changed.
    indicators : IndicatorSet
        What to compute.
    schema : TransactionSchema
        Which column is what.
    as_of : str, datetime.date or datetime.datetime
        End of history, exclusive: only rows with ``time < as_of`` count. ISO 8601 text is read; a plain date is
        its first moment on the local calendar.
    population : frame of the same library, default=None
        All customers with the key column and the columns that the schema names (`opened`, `closed`,
        `opening_balance`, `carried`, those of `excluded_customers`), one row each, or one row each that is valid
        on the last day before `as_of`. Customers without rows are kept, and closed ones too. Beside an engine's
        transactions a PyArrow table may stand as well.
    holders : frame of the same library, default=None
        Who holds which account: the columns `account` and `customer` of the schema, and those of `valid_from`,
        `valid_until` and `holder_share` that it names. The customer is then read from here, and a row counts for
        those who hold its account on its local day.
    known_at : str, datetime.date or datetime.datetime, default=None
        Only rows booked before this moment count, by the schema's `booked`: what could be known then.
    on_invalid : {"raise", "report"}, default="raise"
        Rows without key, time or holder are refused, or left out and counted in the report.
    engine : {"auto", "numpy", "narwhals"}, default="auto"
        ``"numpy"`` takes frames in memory block by block; ``"narwhals"`` sends everything to the frame's own
        library. ``"auto"`` takes NumPy for frames in memory and narwhals for all others. The numbers are the same.

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
        If rows break a rule of the schema, there is no row before `as_of`, population or holders are inconsistent,
        or exact sums (`decimals`) would need more than 2**53 units for one customer.
    DomainError
        If `as_of` or `known_at` cannot be read, or meets its time column naive against aware, or a frame is of a
        kind that `engine` cannot take.

    Notes
    -----
    Windows are half-open, ``[as_of - w, as_of)``, on the local calendar; months clip to the month's end. Recency
    counts calendar days from the local date of the last row to that of `as_of`. Exposure is the days from
    ``opened`` or the first row, whichever is earlier, to `as_of`, capped by the window and at least 1. A day's
    closing balance is the opening balance plus the running signed sum :math:`s`, so the average over the :math:`n`
    days of a window from day :math:`a` to day :math:`b`, exclusive, is

    .. math:: \bar B = B_0 + \frac{1}{n} \sum_i s_i \, (b - \max(d_i, a)),

    one sum over the rows (:math:`d_i` the row's day, :math:`n` counted from the first row's day if that is later
    than :math:`a`). Conventions and formula are ours. Counts, days and extremes are the same to the last bit on
    every engine and in every order of the rows; sums of money to 1e-12, and to the last bit with `decimals`.
    Cost: :math:`O(n)` for n rows and an indicator. In memory about 10 bytes a row beside the frame, 8 bytes a
    customer and aggregate, and up to 128 MB for distinct days. An engine reads the rows once for the counts and
    once for the aggregates, and once more for each indicator of distinct days; only the customer table comes into
    memory.

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
    require_choices(on_invalid, engine)
    require(indicators, IndicatorSet, "indicators")
    require(schema, TransactionSchema, "schema")
    require_population(population, schema)
    read, frame, counts, moment, known = opened(transactions, schema, as_of, holders, known_at)
    wanted = plan(indicators, read, moment)
    decimals = frames.decimals_of(frame, read)
    read = read.model_copy(update={"decimals": decimals})
    asked = Asked(read, moment, known, decimals, wanted.aggregates, wanted.labels)
    in_memory = by_numpy(frame, engine)
    found, customers = _aggregated(frame, asked, on_invalid, counts, in_memory=in_memory)
    request = Request(indicators, schema, asked, wanted, population, on_invalid)
    return finished(request, found, customers, frame)


def require_choices(on_invalid: str, engine: str = "auto") -> None:
    """Refuse a choice that is none."""
    if not isinstance(on_invalid, str) or on_invalid not in ("raise", "report"):
        message = "on_invalid must be 'raise' or 'report'."
        raise DomainError(message)
    if not isinstance(engine, str) or engine not in _ENGINES:
        message = f"engine must be one of {', '.join(_ENGINES)}."
        raise DomainError(message)


def by_numpy(frame: Frame, engine: str) -> bool:
    """Tell whether NumPy takes the rows; refuse it for rows that are not in memory."""
    eager = isinstance(frame, nw.DataFrame)
    if engine == "numpy" and not eager:
        message = "engine='numpy' takes frames in memory and transactions is lazy: use 'auto' or 'narwhals'."
        raise DomainError(message)
    return eager if engine == "auto" else engine == "numpy"


def require_population(population: object, schema: TransactionSchema) -> None:
    fields = ("opened", "closed", "opening_balance", "carried", "excluded_customers")
    named = [name for name in fields if getattr(schema, name)]
    if population is None and named:
        columns = ", ".join(f"'{name}'" for name in named)
        message = f"The schema names columns of a population ({columns}): give population=."
        raise ColumnError(message)


def opened(
    transactions: Any,
    schema: TransactionSchema,
    as_of: moments.Moment,
    holders: Any,
    known_at: moments.Moment | None = None,
) -> tuple[TransactionSchema, Frame, dict[str, int], moments.AsOf, moments.AsOf | None]:
    """Read the transactions, the holders of their accounts, and the moments."""
    if known_at is not None and schema.booked is None:
        message = "known_at needs the time at which a row became known: name its column in 'booked' of the schema."
        raise ColumnError(message)
    if holders is None and schema.joint == "share":
        message = "The schema names 'holder_share', a column of holders: give holders=."
        raise ColumnError(message)
    frame = (
        wrapped(transactions, argument="transactions")
        if holders is not None
        else frames.read(transactions, schema)
    )
    aware = is_aware(frame, schema) if holders is None else schema.time_zone is not None
    moment = moments.resolve(as_of, aware=aware, time_zone=schema.time_zone)
    known = None
    if known_at is not None:
        known = moments.resolve(known_at, aware=aware, time_zone=schema.time_zone, argument="known_at")
    if holders is None:
        return schema, frame, {}, moment, known
    joined, read, counts = accounts.joined(frame, holders, schema, moment, known)
    return read, joined, counts, moment, None


def _aggregated(
    frame: Frame, asked: Asked, on_invalid: str, counts: dict[str, int], *, in_memory: bool
) -> tuple[rules.Counts, nw.DataFrame[Any]]:
    """Check the rows and aggregate them to one row a customer, in memory or on the engine."""
    allowed = () if on_invalid == "raise" else rules.LEFT_OUT
    schema = asked.schema
    rows = None
    if schema.balance is not None or not in_memory:
        conditions = [one.condition for one in asked.aggregates]
        rows = frames.history(
            frame,
            schema,
            as_of=asked.as_of,
            known_at=asked.known_at,
            decimals=asked.decimals,
            conditions=conditions,
            labels=asked.labels,
        )
        require_rules(rows, {} if in_memory else counts, schema, allowed)
    if in_memory:
        found, customers, too_large = memory.aggregated(frame, asked)  # type: ignore[arg-type]  # in memory
        if rows is not None:
            found.counts.update({name: rows.counts[name] for name in ("order_null", "amount_infinite")})
        require_rules(found, counts, schema, allowed)
    else:
        found = rows  # type: ignore[assignment]  # made above
        customers = aggregation.customer_table(rows, asked.aggregates, schema, asked.as_of)  # type: ignore[arg-type]  # made above
        too_large = any(
            (aggregation.numbers(customers, name) > rules.EXACT).any()
            for name in customers.columns
            if name.startswith("bound_")
        )
    if too_large:
        raise DataError(rules.TOO_LARGE)
    if schema.balance is not None:
        edges = aggregation.balance_edges(rows.rows, schema)  # type: ignore[union-attr]  # made above
        customers = customers.join(edges, on="key", how="left")
    return found, customers


def require_rules(
    found: rules.Counts,
    counts: dict[str, int],
    schema: TransactionSchema,
    allowed: tuple[str, ...],
    *,
    empty: bool = False,
) -> None:
    """Add the counts of holders, and raise for rows that break a rule."""
    memory.add_counts(found.counts, counts)
    rules.report(found.counts, schema).raise_failures(allowed)
    if not empty and found.counts.get("rows", 0) == 0:
        lost = [
            name for name, count in found.counts.items() if count and (name in _LOSSES or name[:9] == "excluded_")
        ]
        others = f" Left out: {', '.join(lost)}." if lost else ""
        message = f"transactions holds no row before as_of that counts; check as_of and the time column.{others}"
        raise DataError(message)
