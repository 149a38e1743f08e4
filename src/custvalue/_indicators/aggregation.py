"""What an indicator set needs from the rows: plain columns, one group-by, distinct days, opening balances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw

from custvalue._indicators.engine import Frame, collected, joined
from custvalue._indicators.indicators import Frequency, Monetary, Recency
from custvalue.exceptions import ColumnError, DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._indicators.indicators import Indicator, IndicatorSet
    from custvalue._indicators.moments import AsOf
    from custvalue._indicators.schema import TransactionSchema


def wanted_codes(indicators: IndicatorSet) -> dict[str, set[str]]:
    """Name the kinds and channels that any indicator filters by."""
    return {
        "kind": {name for indicator in indicators.indicators for name in indicator.kinds or ()},
        "channel": {name for indicator in indicators.indicators for name in indicator.channels or ()},
    }


def _joined(masks: Sequence[nw.Expr], *, every: bool) -> nw.Expr | None:
    found: nw.Expr | None = None
    for mask in masks:
        found = mask if found is None else (found & mask if every else found | mask)
    return found


def row_filter(
    indicator: Indicator, schema: TransactionSchema, as_of: AsOf, *, reversals: bool = False
) -> nw.Expr | None:
    """Mask the rows an indicator reads; None means every row."""
    masks: list[nw.Expr] = []
    for what, names in (("kind", indicator.kinds), ("channel", indicator.channels)):
        chosen = _joined([nw.col(f"{what}_is_{name}") for name in names or ()], every=False)
        masks += [] if chosen is None else [chosen]
    if indicator.sides is not None and len(set(indicator.sides)) == 1:
        if schema.side is None:
            message = f"Indicator '{indicator.name}' reads one side and the schema names no side column. Name it."
            raise ColumnError(message)
        masks.append(nw.col(indicator.sides[0]))
    masks += _initiated(indicator, schema)
    if schema.reversal and schema.refunds != "as_is" and not reversals:
        masks.append(~nw.col("reversal"))
    if indicator.window is not None:
        masks.append(nw.col("instant") >= as_of.instant(as_of.window_start(indicator.window)))
    return _joined(masks, every=True)


def _initiated(indicator: Indicator, schema: TransactionSchema) -> list[nw.Expr]:
    marked = [name for name in ("system", "standing_order") if getattr(schema, name)]
    allowed = set(indicator.initiators)
    if "customer" in allowed:
        return [~nw.col(name) for name in marked if name not in allowed]
    chosen = _joined([nw.col(name) for name in marked if name in allowed], every=False)
    if chosen is None:
        message = (
            f"Indicator '{indicator.name}' reads rows of {sorted(allowed)} only and the schema marks none: "
            "give 'system' or 'standing_order'."
        )
        raise ColumnError(message)
    return [chosen]


def _masked(column: nw.Expr, mask: nw.Expr | None) -> nw.Expr:
    return column if mask is None else nw.when(mask).then(column)


def _money(schema: TransactionSchema) -> nw.Expr:
    """Give the absolute amount, which a netted reversal takes off."""
    money = nw.col("amount").abs()
    if schema.reversal and schema.refunds == "net":
        return nw.when(nw.col("reversal")).then(-money).otherwise(money)
    return money


def signed_amount(schema: TransactionSchema) -> nw.Expr:
    """Give the amount with the sign of its effect on the balance."""
    if schema.side is None:
        return nw.col("amount")
    return nw.when(nw.col("credit")).then(nw.col("amount")).otherwise(-nw.col("amount"))


def _plan(
    indicators: IndicatorSet, schema: TransactionSchema, as_of: AsOf
) -> tuple[dict[str, nw.Expr], dict[str, str]]:
    """Give the columns to be made and, for each, the bare aggregate that it goes through."""
    columns: dict[str, nw.Expr] = {}
    how: dict[str, str] = {}

    def add(name: str, column: nw.Expr, aggregate: str) -> None:
        columns[name], how[name] = column, aggregate

    for place, indicator in enumerate(indicators.indicators):
        mask = row_filter(indicator, schema, as_of)
        name = f"value_{place}"
        if isinstance(indicator, Recency):
            add(name, _masked(nw.col("day"), mask), "max")
        elif isinstance(indicator, Frequency) and indicator.measure == "count":
            one = nw.col("day") == nw.col("day") if mask is None else mask
            add(name, one.cast(nw.Int64()), "sum")
        elif isinstance(indicator, Monetary):
            if schema.amount is None:
                message = (
                    f"Indicator '{indicator.name}' reads money and the schema names no amount column. Name it."
                )
                raise ColumnError(message)
            if indicator.measure == "daily_average_balance":
                start = as_of.window_start(indicator.window).date() if indicator.window else None
                add(name, signed_amount(schema) * _days_counted(as_of, start), "sum")
                add("total", signed_amount(schema), "sum")
            elif indicator.measure == "last_balance":
                add("total", signed_amount(schema), "sum")
            else:
                paid = row_filter(indicator, schema, as_of, reversals=schema.refunds == "net")
                add(name, _masked(_money(schema), paid), "sum")
                add(f"count_{place}", _masked(nw.col("amount"), mask), "count")
    return columns, how


def _days_counted(as_of: AsOf, start: Any) -> nw.Expr:
    """Give the days of the window on whose closing balance a row of that day still counts."""
    if start is None:
        return as_of.day - nw.col("day")
    first = as_of.day - (as_of.wall.date() - start).days
    day = nw.col("day")
    return as_of.day - nw.when(day > first).then(day).otherwise(nw.lit(first))


def customer_table(rows: Frame, indicators: IndicatorSet, schema: TransactionSchema, as_of: AsOf) -> Frame:
    """Aggregate the history to one row a customer: bare sums, extremes and counts, then distinct days."""
    columns, how = _plan(indicators, schema, as_of)
    wide = rows.with_columns(**columns) if columns else rows
    found: Frame = wide.group_by("key").agg(
        nw.len().alias("n_rows"),
        nw.col("day").min().alias("first_day"),
        nw.col("day").max().alias("last_day"),
        *(getattr(nw.col(name), aggregate)() for name, aggregate in how.items()),
    )
    for place, indicator in enumerate(indicators.indicators):
        if isinstance(indicator, Frequency) and indicator.measure == "distinct_days":
            mask = row_filter(indicator, schema, as_of)
            active = rows if mask is None else rows.filter(mask)
            days = active.select("key", "day").unique().group_by("key").agg(nw.len().alias(f"value_{place}"))
            found = joined(found, days)
    return found


def with_opening_balance(found: Frame, rows: Frame, schema: TransactionSchema) -> Frame:
    """Add the balance before the first row and after the last, read from the balance and order columns."""
    ends = rows.group_by("key").agg(
        nw.col("order").min().alias("first_order"), nw.col("order").max().alias("last_order")
    )
    moves = rows.select("key", "order", "balance", signed_amount(schema).fill_null(0.0).alias("signed"))
    both = joined(moves, ends)
    first = both.filter(nw.col("order") == nw.col("first_order")).select(
        "key", (nw.col("balance") - nw.col("signed")).alias("opening_balance")
    )
    last = both.filter(nw.col("order") == nw.col("last_order")).select(
        "key", nw.col("balance").alias("closing_balance")
    )
    for edge in (first, last):
        if len(collected(edge.select("key"))) != len(collected(edge.select("key").unique())):
            message = f"Column '{schema.order}' does not order a customer's rows: numbers repeat at an end."
            raise DataError(message)
    return joined(joined(found, first), last)
