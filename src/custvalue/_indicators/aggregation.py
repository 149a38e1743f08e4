"""Aggregates on any engine: plain columns, and group-bys of bare aggregates by customer, or customer and day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np

from custvalue._engines import collected
from custvalue._indicators.engine import condition_mask, joined
from custvalue.exceptions import ColumnError, DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from custvalue._indicators.engine import Frame, History
    from custvalue._indicators.moments import AsOf
    from custvalue._indicators.plan import Aggregate, Term
    from custvalue._indicators.schema import TransactionSchema
    from custvalue._typing import FloatArray

#: The kinds of number that are sums of money.
SUMS = ("paid", "signed", "weighted")
#: The bare aggregate that each kind of number goes through.
_HOW = {
    "count": "sum",
    "first_day": "min",
    "last_day": "max",
    "paid": "sum",
    "paid_count": "count",
    "largest": "max",
    "signed": "sum",
    "weighted": "sum",
}


def span_mask(aggregate: Aggregate, masks: Mapping[Term, str], as_of: AsOf) -> nw.Expr | None:
    """Mask the rows of an aggregate; None means every row."""
    found = condition_mask(aggregate.condition, masks)
    if aggregate.what == "weighted":  # its span weighs, and filters nothing
        return found
    for wall, after in ((aggregate.start, True), (aggregate.end, False)):
        if wall is not None:
            instant = as_of.instant(wall)
            within = nw.col("instant") >= instant if after else nw.col("instant") < instant
            found = within if found is None else found & within
    return found


def _signed(schema: TransactionSchema) -> nw.Expr:
    """Give the amount with the sign of its effect on the balance."""
    if schema.side is None:
        return nw.col("amount")
    return nw.when(nw.col("credit")).then(nw.col("amount")).otherwise(-nw.col("amount"))


def _paid(schema: TransactionSchema) -> nw.Expr:
    """Give the absolute amount, which a netted reversal takes off."""
    money = nw.col("amount").abs()
    if schema.reversal and schema.refunds == "net":
        return nw.when(nw.col("reversal")).then(-money).otherwise(money)
    return money


def _weight(aggregate: Aggregate, as_of: AsOf) -> nw.Expr:
    """Give the days of the span on whose closing balance a row still counts."""
    day = nw.col("day")
    if aggregate.start is None:
        return nw.lit(as_of.day) - day
    first = as_of.day - (as_of.wall.date() - aggregate.start.date()).days
    return nw.lit(as_of.day) - nw.when(day > first).then(day).otherwise(nw.lit(first))


def _column(aggregate: Aggregate, schema: TransactionSchema, mask: nw.Expr | None, as_of: AsOf) -> nw.Expr:
    """Give the column whose bare aggregate is the number."""
    if aggregate.what == "count":
        one = nw.col("day") == nw.col("day") if mask is None else mask
        return one.cast(nw.Int64())
    columns = {
        "first_day": lambda: nw.col("day"),
        "last_day": lambda: nw.col("day"),
        "paid": lambda: _paid(schema),
        "paid_count": lambda: nw.col("amount"),
        "largest": lambda: nw.col("amount").abs(),
        "std": lambda: nw.col("amount").abs(),
        "signed": lambda: _signed(schema),
        "weighted": lambda: _signed(schema) * _weight(aggregate, as_of).cast(nw.Float64()),
    }
    column = columns[aggregate.what]()
    return column if mask is None else nw.when(mask).then(column)


def customer_table(
    found: History, aggregates: Sequence[Aggregate], schema: TransactionSchema, as_of: AsOf
) -> nw.DataFrame[Any]:
    """Aggregate the history to one row a customer, sorted by key: ``a0`` is the first aggregate, and so on."""
    masks = found.masks or {}
    columns, bare, days = {}, [], {}
    for place, aggregate in enumerate(aggregates):
        name, mask = f"a{place}", span_mask(aggregate, masks, as_of)
        if aggregate.what == "days":
            days[name] = mask
            continue
        if aggregate.what == "count" and mask is None:
            bare.append(nw.len().alias(name))
            continue
        columns[name] = _column(aggregate, schema, mask, as_of)
        bare.append(nw.col(name).std(ddof=1) if aggregate.what == "std" else _bare(name, aggregate.what))
    bounded = _exact_bound(schema, aggregates, columns)
    bare += [nw.col(name).sum() for name in bounded]
    grouped: Frame = found.rows.with_columns(**columns, **bounded).group_by("key").agg(*bare)
    for name, mask in days.items():
        active = found.rows if mask is None else found.rows.filter(mask)
        met = active.group_by("key", "day").agg(
            nw.len().alias("rows")
        )  # `unique` would be a window on some engines
        distinct = met.group_by("key").agg(nw.len().alias(name))
        grouped = joined(grouped, distinct)
    return sorted_by_key(collected(grouped), schema)


def _bare(name: str, what: str) -> nw.Expr:
    made: nw.Expr = getattr(nw.col(name), _HOW[what])()
    return made


def _exact_bound(
    schema: TransactionSchema, aggregates: Sequence[Aggregate], columns: Mapping[str, nw.Expr]
) -> dict[str, nw.Expr]:
    """Give the columns whose sums bound every sum of whole smallest units."""
    if schema.decimals is None:
        return {}
    return {
        f"bound_a{place}": columns[f"a{place}"].abs() for place, one in enumerate(aggregates) if one.what in SUMS
    }


def sorted_by_key(customers: nw.DataFrame[Any], schema: TransactionSchema) -> nw.DataFrame[Any]:
    """Sort customers by key."""
    try:
        return nw.maybe_reset_index(customers.sort("key"))
    except TypeError:
        message = f"Column '{schema.customer}' mixes text and numbers; allowed: integers or text. Cast it to one."
        raise ColumnError(message) from None


def numbers(customers: nw.DataFrame[Any], name: str) -> FloatArray:
    """Give a column as float64, null as NaN."""
    values = customers.get_column(name).cast(nw.Float64()).to_numpy()
    return np.array(values, dtype=np.float64)


def balance_edges(rows: Frame, schema: TransactionSchema) -> nw.DataFrame[Any]:
    """Give the balance before the first row and after the last, read from the balance and order columns.

    In the unit of the rows: whole smallest units where their amounts are.
    """
    ends = rows.group_by("key").agg(
        nw.col("order").min().alias("first_order"), nw.col("order").max().alias("last_order")
    )
    moves = rows.select("key", "order", "balance", _signed(schema).fill_null(0.0).alias("signed"))
    both = joined(moves, ends)
    first = collected(
        both.filter(nw.col("order") == nw.col("first_order")).select(
            "key", (nw.col("balance") - nw.col("signed")).alias("opening_units")
        )
    )
    last = collected(
        both.filter(nw.col("order") == nw.col("last_order")).select(
            "key", nw.col("balance").alias("closing_units")
        )
    )
    for edge in (first, last):
        if len(edge) != len(edge.select("key").unique()):
            message = f"Column '{schema.order}' does not order a customer's rows: numbers repeat at an end."
            raise DataError(message)
    return sorted_by_key(joined(first, last), schema)  # type: ignore[arg-type]  # both are in memory
