"""Transactions to one row a customer on any engine: the one narrow path through narwhals.

The path keeps to what gives the same answer on every engine: a schema guard first, one filter on time, plain
columns for every mask, one group-by with bare sums, extremes and counts, distinct days by ``unique``, and all
date arithmetic, means and rates afterwards in NumPy on the customer table.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import narwhals.stable.v2 as nw
import pandas as pd

from custvalue import _frames
from custvalue._frames import LARGEST
from custvalue._indicators.moments import DAY_MICROSECONDS, AsOf
from custvalue._indicators.report import Rule, SchemaReport
from custvalue._results import provenance
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from custvalue._indicators.schema import TransactionSchema

Frame: TypeAlias = nw.DataFrame[Any] | nw.LazyFrame[Any]

_NEVER = 2**63 - 1
_TEXT = (nw.String, nw.Categorical, nw.Enum)
_COUNT, _FAIL, _WARN = "pass", "fail", "warn"

#: Columns that say who set a row off, where it was not the customer.
MARKS = ("system", "standing_order")
#: Rule: (status when its count is above zero, what it means).
RULES: dict[str, tuple[str, str]] = {
    "rows": (_COUNT, "Rows read"),
    "rows_after_as_of": (_COUNT, "Rows at or after as_of, left out"),
    "customer_null": (_FAIL, "Rows without a customer key; mend them or use on_invalid='report'"),
    "time_null": (_FAIL, "Rows without a time; mend them or use on_invalid='report'"),
    "amount_null": (_WARN, "Rows without an amount: activity without money"),
    "amount_infinite": (_FAIL, f"Rows with an infinite amount or one beyond {LARGEST:g}; mend or remove them"),
    "amount_negative": (
        _FAIL,
        "Rows with a negative amount although 'side' gives the sign and no reversal is marked",
    ),
    "side_unknown": (_FAIL, "Rows whose side is in neither 'credit' nor 'debit'; name its code in the schema"),
    "reversal_null": (_FAIL, "Rows whose reversal mark is null; fill it with False"),
    "kind_null": (_COUNT, "Rows without a kind: read by indicators of all kinds only"),
    "kind_unknown": (_WARN, "Rows whose kind is not in 'kinds': read by indicators of all kinds only"),
    "channel_unknown": (_WARN, "Rows whose channel is null or not in 'channels'"),
    "order_null": (_FAIL, "Rows whose order is null; number them, or leave 'balance' and 'order' out"),
    "currency_mixed": (_FAIL, "Currencies in one table, null being one; convert to one currency first"),
    "customer_ambiguous": (_FAIL, "Accounts with rows of several customers; say whose they are first"),
}


@dataclass(frozen=True)
class History:
    """Checked rows before as-of, in canonical columns, with the counts of what was found."""

    rows: Frame
    counts: dict[str, int] = field(default_factory=dict)
    absent: tuple[str, ...] = ()


def wrapped(data: object, *, argument: str) -> Frame:
    """Wrap a frame of any engine, eager or lazy; refuse what is none, and Dask."""
    frame = _frames.wrapped(data)
    if not isinstance(frame, nw.DataFrame | nw.LazyFrame):
        message = f"{argument} is a {type(data).__name__}; allowed: a pandas, Polars or PyArrow frame."
        raise DomainError(message)
    if frame.implementation.is_dask():
        message = f"{argument} is a Dask frame: its group-by sums over partitions are wrong for this purpose."
        raise DomainError(message)
    known = frame.implementation.is_pandas_like() or frame.implementation.is_pyarrow()
    if not (known or frame.implementation.is_polars()):
        message = (
            f"{argument} is a frame of {frame.implementation}, which this path cannot read yet; allowed: a "
            "pandas, Polars or PyArrow frame. Collect it into one of these first."
        )
        raise DomainError(message)
    return frame


def _with_dates(frame: Frame, name: str | None) -> Frame:
    """Read an object column of ``datetime.date``, as pandas gets dates from a parquet file, as datetimes."""
    if name is None or not frame.implementation.is_pandas() or name not in frame.collect_schema():
        return frame
    native = nw.to_native(frame)
    if native[name].dtype != object or pd.api.types.infer_dtype(native[name], skipna=True) != "date":
        return frame
    dated: Frame = nw.from_native(native.assign(**{name: pd.to_datetime(native[name])}))
    return dated


def read(transactions: object, schema: TransactionSchema) -> Frame:
    """Wrap the transactions and guard the schema."""
    frame = _with_dates(wrapped(transactions, argument="transactions"), schema.time)
    guard(frame, schema)
    return frame


def collected(frame: Frame) -> nw.DataFrame[Any]:
    """Bring a frame into memory."""
    return frame.collect() if isinstance(frame, nw.LazyFrame) else frame


def joined(left: Frame, right: Frame, *, how: Literal["left", "anti"] = "left") -> Frame:
    """Join two frames of one kind on the customer's key."""
    return left.join(right, on="key", how=how)  # type: ignore[arg-type]  # both eager or both lazy


def _one_row(frame: Frame, expressions: Iterable[nw.Expr]) -> dict[str, Any]:
    chosen = list(expressions)
    return dict(collected(frame.select(*chosen)).rows(named=True)[0]) if chosen else {}


def guard(frame: Frame, schema: TransactionSchema) -> Mapping[str, Any]:
    """Refuse missing columns and types that engines would compare or cast silently."""
    types = dict(frame.collect_schema())
    missing = [name for name in schema.columns if name not in types]
    if missing:
        raise ColumnError.missing(missing, available=types, mend="Name the right columns in the schema.")
    key = types[schema.customer]
    if not (key.is_integer() or isinstance(key, nw.String)):
        mend = "Cast the key to integers or text."
        raise ColumnError.wrong_type(schema.customer, found=str(key), allowed="integers or text", mend=mend)
    time = types[schema.time]
    if not isinstance(time, nw.Date | nw.Datetime):
        mend = f"Convert it first, for example with pandas.to_datetime(frame['{schema.time}'])."
        raise ColumnError.wrong_type(schema.time, found=str(time), allowed="a date or a datetime", mend=mend)
    _guard_zone(time, schema)
    for name in (schema.amount, schema.balance):
        if name and not types[name].is_numeric():
            mend = f"Convert it first, for example with frame['{name}'].astype(float)."
            raise ColumnError.wrong_type(name, found=str(types[name]), allowed="numbers", mend=mend)
    if schema.reversal and types[schema.reversal] != nw.Boolean:
        found = str(types[schema.reversal])
        raise ColumnError.wrong_type(schema.reversal, found=found, allowed="True and False")
    if schema.order and not types[schema.order].is_integer():
        raise ColumnError.wrong_type(schema.order, found=str(types[schema.order]), allowed="integers")
    coded = (schema.kind, schema.channel, schema.side, schema.currency, *schema.system, *schema.standing_order)
    for name in coded:
        if name and not (types[name].is_integer() or isinstance(types[name], _TEXT)):
            raise ColumnError.wrong_type(name, found=str(types[name]), allowed="text, categories or integers")
    return types


def _guard_zone(time: Any, schema: TransactionSchema) -> None:
    aware = isinstance(time, nw.Datetime) and time.time_zone is not None
    if aware and schema.time_zone is None:
        message = (
            f"Column '{schema.time}' is time-zone aware and the schema names no time_zone. "
            "Name the zone whose calendar days count, such as 'Europe/Prague'."
        )
        raise DomainError(message)
    if not aware and schema.time_zone is not None:
        message = (
            f"Column '{schema.time}' carries no time zone and the schema names one (naive against aware). "
            "Leave time_zone out if the column is local wall time, or make the column aware."
        )
        raise DomainError(message)


def is_aware(frame: Frame, schema: TransactionSchema) -> bool:
    """Tell whether the checked time column carries a zone."""
    time = dict(frame.collect_schema())[schema.time]
    return isinstance(time, nw.Datetime) and time.time_zone is not None


def _times(schema: TransactionSchema, time: Any) -> list[nw.Expr]:
    """Give the instant in microseconds and the local calendar day as whole numbers."""
    column = nw.col(schema.time)
    if isinstance(time, nw.Date):
        column = column.cast(nw.Datetime("us"))
    instant = column.dt.timestamp("us")
    local = instant
    if schema.time_zone is not None:
        local = column.dt.convert_time_zone(schema.time_zone).dt.replace_time_zone(None).dt.timestamp("us")
    return [instant.alias("instant"), (local // DAY_MICROSECONDS).alias("day")]


def _whole(code: str) -> int:
    number = int(code)
    if number.bit_length() > 63:  # noqa: PLR2004 - no engine holds it
        raise ValueError
    return number


class Codes:
    """Masks over coded columns: never null, whatever the engine makes of a null code."""

    def __init__(self, types: Mapping[str, Any]) -> None:
        self._types = types

    def is_in(self, column: str, values: Sequence[str]) -> nw.Expr:
        """Mask the rows whose code is one of the values."""
        chosen: list[Any] = list(values)
        if self._types[column].is_integer():
            try:
                chosen = [_whole(value) for value in values]
            except ValueError:
                message = (
                    f"Column '{column}' holds integers and the schema or an indicator names a code that is none."
                )
                raise ColumnError(message) from None
        name = nw.col(column)
        mask = name == chosen[0] if len(chosen) == 1 else name.is_in(chosen)
        return mask.fill_null(value=False)

    def any_of(self, marks: Mapping[str, Sequence[str]]) -> nw.Expr:
        """Mask the rows that carry one of the values in one of the columns."""
        masks = [self.is_in(column, values) for column, values in marks.items()]
        found = masks[0]
        for mask in masks[1:]:
            found = found | mask
        return found


def _all_codes(vocabulary: Mapping[str, Sequence[str]]) -> list[str]:
    return [code for codes in vocabulary.values() for code in codes]


def _columns(schema: TransactionSchema, types: Mapping[str, Any]) -> list[nw.Expr]:
    """Give the canonical columns; codes keep their own names behind a prefix-free copy."""
    codes = Codes(types)
    chosen = [nw.col(schema.customer).alias("key"), *_times(schema, types[schema.time])]
    if schema.amount:
        amount = nw.col(schema.amount).cast(nw.Float64())
        chosen.append(nw.when(~amount.is_nan()).then(amount).alias("amount"))
    if schema.side:
        chosen += [codes.is_in(schema.side, schema.credit).alias("credit")]
        chosen += [codes.is_in(schema.side, schema.debit).alias("debit")]
    if schema.reversal:
        chosen.append(nw.col(schema.reversal).alias("reversal"))
    if schema.system:
        chosen.append(codes.any_of(schema.system).alias("system"))
    if schema.standing_order:
        standing = codes.any_of(schema.standing_order)
        if schema.system:  # a row has one initiator; the bank's own mark comes first
            standing = standing & ~codes.any_of(schema.system)
        chosen.append(standing.alias("standing_order"))
    if schema.balance:
        chosen += [nw.col(schema.balance).cast(nw.Float64()).alias("balance")]
        chosen += [nw.col(str(schema.order)).alias("order")]
    for name, column in (("account", schema.account), ("currency", schema.currency)):
        if column:
            chosen.append(nw.col(column).alias(name))
    return chosen


def _filters(schema: TransactionSchema, types: Mapping[str, Any], wanted: Mapping[str, set[str]]) -> list[nw.Expr]:
    """Give one mask for each kind and channel that an indicator asks for, and what is outside the vocabulary."""
    codes = Codes(types)
    found = []
    for what, column, vocabulary in (
        ("kind", schema.kind, schema.kinds),
        ("channel", schema.channel, schema.channels),
    ):
        for name in sorted(wanted.get(what, ())):
            if column is None:
                message = f"An indicator reads the {what} '{name}' and the schema names no {what} column. Name it."
                raise ColumnError(message)
            if vocabulary and name not in vocabulary:
                message = (
                    f"An indicator reads the {what} '{name}', which '{what}s' of the schema does not map. "
                    f"Mapped: {', '.join(vocabulary)}."
                )
                raise ColumnError(message)
            found.append(codes.is_in(column, vocabulary.get(name, (name,))).alias(f"{what}_is_{name}"))
        if column is None:
            continue
        if what == "kind":
            found.append(nw.col(column).is_null().alias("kind_null"))
        if vocabulary:
            known = codes.is_in(column, _all_codes(vocabulary))
            outside = ~known & ~nw.col(column).is_null() if what == "kind" else ~known
            found.append(outside.alias(f"{what}_unknown"))
    return found


def _total(mask: nw.Expr, name: str) -> nw.Expr:
    return mask.cast(nw.Int64()).sum().alias(name)


def _row_counts(schema: TransactionSchema, columns: Sequence[str]) -> list[nw.Expr]:
    """Give the one-row counts of the rules that look at single rows."""
    found = [nw.len().alias("rows")]
    if schema.amount:
        found.append(_total(nw.col("amount").is_null(), "amount_null"))
        found.append(_total((nw.col("amount").abs() > LARGEST).fill_null(value=False), "amount_infinite"))
    if schema.side:
        found.append(_total(~(nw.col("credit") | nw.col("debit")), "side_unknown"))
        negative = (nw.col("amount") < 0.0).fill_null(value=False)
        if schema.reversal:
            negative = negative & ~nw.col("reversal").fill_null(value=False)
        found.append(_total(negative, "amount_negative"))
    if schema.reversal:
        found.append(_total(nw.col("reversal").is_null(), "reversal_null"))
    if schema.balance:
        found.append(_total(nw.col("order").is_null(), "order_null"))
    if schema.amount and not schema.side:
        found.append(_total((nw.col("amount") < 0.0).fill_null(value=False), "debits"))
    marks = ("kind_null", "kind_unknown", "channel_unknown")
    return found + [_total(nw.col(name), name) for name in marks if name in columns]


def history(
    frame: Frame,
    schema: TransactionSchema,
    *,
    as_of: AsOf | None = None,
    wanted: Mapping[str, set[str]] | None = None,
) -> History:
    """Keep the rows before as-of of a guarded frame in canonical columns, and count what the rules look for."""
    types = dict(frame.collect_schema())
    rows: Frame = frame.select(*_columns(schema, types), *_filters(schema, types, wanted or {}))
    limit = _NEVER if as_of is None else as_of.instant(as_of.wall)
    counts = _one_row(rows, _lost(limit))
    if counts["customer_null"] or counts["time_null"]:
        rows = rows.filter(~nw.col("key").is_null(), ~nw.col("instant").is_null())
    if counts["rows_after_as_of"]:
        rows = rows.filter(nw.col("instant") < limit)
    names = list(rows.collect_schema())
    masks = [name for name in names if name in MARKS or name.startswith(("kind_is_", "channel_is_"))]
    found = _one_row(rows, [*_row_counts(schema, names), *(_total(nw.col(name), name) for name in masks)])
    absent = tuple(name.replace("_is_", " ", 1) for name in masks if not found.pop(name))
    counts |= found
    for name, count in (("currency_mixed", "currency"), ("customer_ambiguous", "account")):
        if count in names:
            counts[name] = _several(rows, count)
    return History(rows, {name: int(value or 0) for name, value in counts.items()}, absent)


def _lost(limit: int) -> list[nw.Expr]:
    """Count rows without key, without time, and after as-of; what is wrong with a later row is no matter yet."""
    late = (nw.col("instant") >= limit).fill_null(value=False)
    without_key, without_time = nw.col("key").is_null() & ~late, nw.col("instant").is_null()
    return [
        _total(without_key, "customer_null"),
        _total(without_time, "time_null"),
        _total(late, "rows_after_as_of"),
    ]


def _several(rows: Frame, column: str) -> int:
    """Count the currencies beyond the first, or the accounts that several customers share."""
    if column == "currency":
        found = collected(rows.select(nw.col("currency")).unique())
        return len(found) if len(found) > 1 else 0
    pairs = rows.filter(~nw.col("account").is_null()).select("account", "key").unique()
    owners = pairs.group_by("account").agg(nw.len().alias("owners"))
    return int(_one_row(owners, [_total(nw.col("owners") > 1, "shared")])["shared"] or 0)


def report(counts: Mapping[str, int], schema: TransactionSchema) -> SchemaReport:
    """Turn counts into rules, in a fixed order."""
    rules = tuple(
        Rule(name, status if counts[name] else "pass", counts[name], meaning)  # type: ignore[arg-type]  # the table holds the three words
        for name, (status, meaning) in RULES.items()
        if name in counts
    )
    return SchemaReport(rules, provenance(schema.model_dump_json(), rows=counts.get("rows", 0)))


def check(transactions: object, schema: TransactionSchema) -> SchemaReport:
    """Check a table without computing anything from it."""
    frame = read(transactions, schema)
    counts = history(frame, schema).counts
    counts.pop("rows_after_as_of")
    found = report(counts, schema)
    return replace(found, rules=(*found.rules, code_rule(_absent_codes(frame, schema))))


def _absent_codes(frame: Frame, schema: TransactionSchema) -> list[str]:
    """Name the codes of the schema that stand in no row, column by column."""
    coded = [(schema.kind, _all_codes(schema.kinds)), (schema.channel, _all_codes(schema.channels))]
    coded += [(schema.side, [*schema.credit, *schema.debit])]
    coded += [
        (column, list(codes))
        for marks in (schema.system, schema.standing_order)
        for column, codes in marks.items()
    ]
    absent = []
    for column, codes in coded:
        if column and codes:
            values = collected(frame.select(column).unique()).get_column(column).to_list()
            known = {str(value) for value in values}
            absent += [f"{column} '{code}'" for code in codes if code not in known]
    return absent


def code_rule(absent: Sequence[str]) -> Rule:
    """Warn of codes and marks that no row carries: a typing error would look like it."""
    meaning = "Codes of the schema or of an indicator that no row carries"
    named = f"{meaning}: {', '.join(absent)}" if absent else meaning
    return Rule("code_without_rows", "warn" if absent else "pass", len(absent), named)


def key_type(transactions: Frame, schema: TransactionSchema) -> Any:
    """Give the type in which keys of both tables meet: engines differ in what widths they join."""
    key = dict(transactions.collect_schema())[schema.customer]
    return nw.Int64() if key.is_integer() and not isinstance(key, nw.UInt64) else key


def population_rows(population: object, transactions: Frame, schema: TransactionSchema) -> Frame:
    """Guard the population: same engine, same type of key, each customer once."""
    frame = _with_dates(wrapped(population, argument="population"), schema.opened)
    if frame.implementation is not transactions.implementation:
        message = "population and transactions are frames of different libraries; give both in the same one."
        raise DomainError(message)
    types, wanted = dict(frame.collect_schema()), [schema.customer, schema.opened, schema.opening_balance]
    missing = [name for name in wanted if name and name not in types]
    if missing:
        raise ColumnError.missing(missing, available=types, mend="population must hold them.")
    key, other = types[schema.customer], dict(transactions.collect_schema())[schema.customer]
    if any(isinstance(key, kind) != isinstance(other, kind) for kind in (nw.String, nw.UInt64)) or (
        key.is_integer() != other.is_integer()
    ):
        mend = "Cast one of them: engines would match them silently."
        allowed = f"{other}, as in transactions"
        raise ColumnError.wrong_type(schema.customer, found=f"{key} in population", allowed=allowed, mend=mend)
    chosen = [nw.col(schema.customer).cast(key_type(transactions, schema)).alias("key")]
    if schema.opened:
        opened = types[schema.opened]
        if not isinstance(opened, nw.Date | nw.Datetime) or getattr(opened, "time_zone", None):
            allowed = "a date or a datetime without a zone"
            mend = f"Convert it first, for example with pandas.to_datetime(population['{schema.opened}'])."
            raise ColumnError.wrong_type(schema.opened, found=str(opened), allowed=allowed, mend=mend)
        column = nw.col(schema.opened).cast(nw.Datetime("us")).dt.timestamp("us") // DAY_MICROSECONDS
        chosen.append(column.alias("opened"))
    if schema.opening_balance:
        found = types[schema.opening_balance]
        if not found.is_numeric():
            raise ColumnError.wrong_type(schema.opening_balance, found=str(found), allowed="numbers")
        chosen.append(nw.col(schema.opening_balance).cast(nw.Float64()).alias("opening_balance"))
    rows: Frame = frame.select(*chosen)
    counted = _one_row(rows, [_total(nw.col("key").is_null(), "null"), nw.len().alias("rows")])
    distinct = len(collected(rows.select("key").unique()))
    if counted["null"] or distinct != counted["rows"]:
        message = (
            f"population must name each customer once; it has {int(counted['rows'])} rows, {distinct} distinct "
            f"keys, and {int(counted['null'] or 0)} null keys."
        )
        raise DataError(message)
    return rows.lazy() if isinstance(transactions, nw.LazyFrame) else collected(rows)
