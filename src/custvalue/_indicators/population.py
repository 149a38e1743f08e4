"""All customers: whom the population names, whom it leaves out, and since when they are customers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np

from custvalue._engines import (
    Frame,
    collected,
    guard_same_key,
    is_engine,
    key_type,
    types_of,
    with_dates,
    with_ticks,
    wrapped,
)
from custvalue._indicators import engine, rules
from custvalue._indicators.guard import guard_codes
from custvalue._indicators.report import Rule
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from custvalue._indicators.moments import AsOf
    from custvalue._indicators.schema import TransactionSchema

#: Columns that the population may bring beside its key.
DAYS = ("opened", "closed", "valid_from", "valid_until")
_PREFIX = "carried_"


@dataclass(frozen=True)
class Population:
    """Customers, one row each, in memory: ``key`` and what there is of opened, closed, opening_balance.

    Columns that are carried stand behind a prefix. Days are whole numbers from 1970-01-01.
    """

    people: nw.DataFrame[Any]
    rules: tuple[Rule, ...]
    out: nw.DataFrame[Any]

    def carried(self, name: str) -> str:
        """Name the column that holds a carried one."""
        return _PREFIX + name


def _columns(schema: TransactionSchema) -> list[str]:
    names = [schema.customer, schema.opened, schema.closed, schema.opening_balance, *schema.carried]
    names += [schema.valid_from, schema.valid_until]
    names += [column for marks in schema.excluded_customers.values() for column in marks]
    return list(dict.fromkeys(name for name in names if name))


def day_column(frame: Frame, name: str, alias: str, *, argument: str) -> Frame:
    """Add a column of dates as days since 1970-01-01."""
    found = types_of(frame)[name]
    if not isinstance(found, nw.Date | nw.Datetime) or getattr(found, "time_zone", None):
        allowed = "a date or a datetime without a zone"
        mend = f"Convert it first, for example with pandas.to_datetime({argument}['{name}'])."
        raise ColumnError.wrong_type(name, found=str(found), allowed=allowed, mend=mend)
    return with_ticks(frame, name, alias).with_columns(engine.day_of(nw.col(alias), None).alias(alias))


def _guarded(population: object, transactions: Frame, schema: TransactionSchema) -> Frame:
    frame = wrapped(population, argument="population")
    frame = with_dates(frame, *(getattr(schema, name) for name in DAYS))
    same = frame.implementation is transactions.implementation
    if (
        not same
        and not (transactions.implementation.is_pyarrow() and is_engine(frame))
        and not (is_engine(transactions) and frame.implementation.is_pyarrow())
    ):
        message = "population and transactions are frames of different libraries; give both in the same one."
        raise DomainError(message)
    types = types_of(frame)
    missing = [name for name in _columns(schema) if name not in types]
    if missing:
        raise ColumnError.missing(missing, available=types, mend="population must hold them.")
    balance = schema.opening_balance
    if balance and not types[balance].is_numeric():
        raise ColumnError.wrong_type(balance, found=str(types[balance]), allowed="numbers")
    for name in dict.fromkeys(column for marks in schema.excluded_customers.values() for column in marks):
        guard_codes(frame, name, types[name])
    return frame


def read(
    population: object,
    transactions: Frame,
    schema: TransactionSchema,
    key: Any,
    moment: AsOf,
    decimals: int | None = None,
) -> Population:
    """Read who is valid just before as-of, each customer once; count who is left out and why."""
    frame = _guarded(population, transactions, schema)
    types = types_of(frame)
    guard_same_key(schema.customer, types[schema.customer], key, argument="population")
    chosen = [nw.col(schema.customer).cast(key_type(key)).alias("key")]
    for name in DAYS:
        if column := getattr(schema, name):
            frame = day_column(frame, column, f"__{name}", argument="population")
            chosen.append(nw.col(f"__{name}").alias(name))
    if schema.opening_balance:
        chosen.append(nw.col(schema.opening_balance).cast(nw.Float64()).alias("opening_balance"))
    chosen += [nw.col(name).alias(_PREFIX + name) for name in schema.carried]
    left_out = {
        f"customers_excluded_{reason}": rules.exclusion(marks)
        for reason, marks in schema.excluded_customers.items()
    }
    for name, clause in left_out.items():
        masks = [engine.term_mask(term, types) for term in clause]
        chosen.append(engine.any_of(masks).alias(name))
    people = collected(frame.select(*chosen))
    _require_spans(people, schema)
    _require_balances(people, schema, decimals)
    people = nw.maybe_reset_index(_valid(people, schema, moment))
    _require_once(people, schema)
    return _parted(people, left_out, moment)


def _require_balances(people: nw.DataFrame[Any], schema: TransactionSchema, decimals: int | None) -> None:
    """Refuse opening balances that amounts would not be allowed to be."""
    if not schema.opening_balance:
        return
    balance = np.array(people.get_column("opening_balance").to_numpy(), dtype=np.float64)
    units = np.abs(balance) * (1.0 if decimals is None else 10.0**decimals)
    beyond = int(np.count_nonzero(units > rules.largest(decimals)))
    if beyond:
        message = (
            f"'{schema.opening_balance}' of population holds {beyond} infinite or too large balance(s); mend them."
        )
        raise DataError(message)
    beside = np.abs(units - np.round(units)) > rules.WHOLE_TOLERANCE + rules.ROUNDED * units
    if decimals is not None and beside.any():
        message = (
            f"'{schema.opening_balance}' of population holds {int(beside.sum())} balance(s) with more digits "
            "after the point than 'decimals' allows; round them or raise it."
        )
        raise DataError(message)


def _require_spans(people: nw.DataFrame[Any], schema: TransactionSchema) -> None:
    for start, end, least in (("valid_from", "valid_until", 1), ("opened", "closed", 0)):
        if getattr(schema, start) and getattr(schema, end):
            count = len(people.filter(nw.col(end) - nw.col(start) < least))
            if count:
                later = "later than" if least else "before"
                message = (
                    f"population has {count} row(s) whose '{getattr(schema, end)}' is "
                    f"{'not ' if least else ''}{later} '{getattr(schema, start)}'; mend them."
                )
                raise DataError(message)


def _valid(people: nw.DataFrame[Any], schema: TransactionSchema, moment: AsOf) -> nw.DataFrame[Any]:
    """Keep the rows that hold on the last day before as-of."""
    if schema.valid_from:
        people = people.filter((nw.col("valid_from") < moment.end_day) | nw.col("valid_from").is_null())
    if schema.valid_until:
        people = people.filter((nw.col("valid_until") >= moment.end_day) | nw.col("valid_until").is_null())
    return people


def _require_once(people: nw.DataFrame[Any], schema: TransactionSchema) -> None:
    nulls = people.get_column("key").null_count()
    distinct = len(people.select("key").unique())
    if nulls or distinct != len(people):
        among = (
            " among those valid on the last day before as_of" if schema.valid_from or schema.valid_until else ""
        )
        message = (
            f"population must name each customer once; it has {len(people)} rows, {distinct} distinct keys, and "
            f"{nulls} null keys{among}."
        )
        raise DataError(message)


def _parted(people: nw.DataFrame[Any], left_out: Mapping[str, Any], moment: AsOf) -> Population:
    """Part the customers from those left out by reason or not yet opened."""
    found = []
    out = nw.lit(value=False)
    for name in left_out:
        count = int(people.get_column(name).sum() or 0)
        reason = name.removeprefix("customers_excluded_")
        found.append(Rule(name, "pass", count, f"Customers marked as '{reason}', left out with their rows"))
        out = out | nw.col(name)
    marked = people.filter(out).select("key") if left_out else people.head(0).select("key")
    people = people.filter(~out) if left_out else people
    if "opened" in people.columns:
        started = people.filter((nw.col("opened") < moment.end_day) | nw.col("opened").is_null())
        late = len(people) - len(started)
        found.append(Rule("not_yet_opened", "pass", late, "Customers opened at or after as_of, left out"))
        people = started
    return Population(nw.maybe_reset_index(people), tuple(found), nw.maybe_reset_index(marked))


def met(
    population: Population, customers: nw.DataFrame[Any], *, on_invalid: str
) -> tuple[nw.DataFrame[Any], list[Rule]]:
    """Give every customer of the population with what the rows gave; refuse or count those it does not know."""
    people = population.people
    customers = customers.with_columns(nw.col("key").cast(dict(people.schema)["key"]))
    if len(population.out):
        customers = customers.join(population.out, on="key", how="anti")
    unknown = len(customers.join(people.select("key"), on="key", how="anti"))
    meaning = "Customers with rows whom the population does not name (or who opened at or after as_of), left out"
    if unknown and on_invalid == "raise":
        raise DataError(f"{meaning} ({unknown}). Complete the population, or use on_invalid='report'.")
    rule = Rule("customer_unknown", "warn" if unknown else "pass", unknown, meaning)
    return people.join(customers, on="key", how="left"), [*population.rules, rule]
