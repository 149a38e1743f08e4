"""Purchases on an engine: canonical rows to one row a customer and day, and these to one row a customer.

The steps keep to what gives the same answer on every engine: plain columns for every mask, bare sums, counts and
extremes by group, and joins on the key; what is left is done in NumPy on the customers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np

from custvalue._engines import collected
from custvalue._indicators import engine
from custvalue._purchase_histories.purchases import (
    STEPS,
    AmountRules,
    Holdout,
    Span,
    TimeUnit,
    Totals,
    floats,
    period,
)
from custvalue.exceptions import ColumnError

if TYPE_CHECKING:
    from custvalue._indicators.engine import Frame
    from custvalue._indicators.schema import TransactionSchema

#: What rows are counted for.
_COUNTED = ("purchase", "refund", "null", "negative", "zero", "other")


class _Columns(dict[str, nw.Expr]):
    """Every column by its name."""

    def __missing__(self, name: str) -> nw.Expr:
        return nw.col(name)


def _true(mask: nw.Expr) -> nw.Expr:
    return mask.fill_null(value=False)


def n_keys(rows: Frame, key: str = "key") -> int:
    """Count the customers."""
    return len(collected(rows.select(key).unique()))


def _marked(rows: Frame, initiated: nw.Expr | None, schema: TransactionSchema, rules: AmountRules) -> Frame:
    """Say of each row whether it is a purchase or a refund, and what it is worth."""
    amount = nw.col("amount")
    none = nw.col("day") != nw.col("day")
    kept = ~none if initiated is None else initiated
    refund = nw.col("reversal") if schema.reversal and rules.refunds != "as_is" else none
    null = negative = zero = none
    if schema.amount:
        null, negative, zero = amount.is_null(), _true(amount < 0.0), _true(amount == 0.0)
        if rules.negative == "refund" and rules.refunds != "as_is":
            refund = refund | negative
    purchase = kept & ~refund
    if rules.null == "exclude":
        purchase = purchase & ~null
    if rules.zero == "exclude":
        purchase = purchase & ~zero
    columns = {
        "purchase": purchase,
        "refund": kept & refund,
        "null": kept & null,
        "negative": kept & ~refund & negative,
        "zero": kept & ~refund & zero,
        "other": ~kept,
    }
    chosen = [nw.col("key"), nw.col("day"), *(mask.alias(name) for name, mask in columns.items())]
    if not schema.amount:
        return rows.select(*chosen)
    paid = amount.abs() if rules.negative == "absolute" else amount
    marked: Frame = rows.select(*chosen, paid.alias("paid"), (-amount.abs()).alias("given_back"))
    money: nw.Expr = nw.when(nw.col("purchase")).then(nw.col("paid"))
    if rules.refunds == "net":
        money = nw.when(nw.col("refund")).then(nw.col("given_back")).otherwise(money)
    return marked.with_columns(money.fill_null(0.0).alias("money"))


def _counted(marked: Frame, span: Span) -> dict[str, int]:
    """Count rows by what they were taken for, purchases up to the last day of the summary."""
    totals = [nw.col(name).cast(nw.Int64()).sum().alias(name) for name in _COUNTED]
    early = nw.col("purchase") & (nw.col("day") <= span.last)
    totals += [nw.len().alias("rows"), early.cast(nw.Int64()).sum().alias("early")]
    return {name: int(value or 0) for name, value in engine.one_row(marked, totals).items()}


def _with_periods(rows: Frame, unit: TimeUnit) -> Frame:
    """Turn days to weeks or months, a column a step: divisions within each other would grow beyond all bounds."""
    for name, step in STEPS[unit]:
        rows = rows.with_columns(step(_Columns()).alias(name))
    return rows.with_columns(nw.col("period").alias("day"))


def _by_customer(marked: Frame, schema: TransactionSchema, span: Span) -> Frame:
    """Give a row a customer: ends, then distinct periods, then money after the first of them."""
    stop, day = period(span.last, span.unit), nw.col("day")
    purchase, after = nw.col("purchase"), nw.col("day") > stop
    money = [nw.col("money")] if schema.amount else []
    rows: Frame = _with_periods(marked, span.unit).select("key", "day", purchase, "refund", *money)
    bought: Frame = rows.filter(purchase)
    dated: Frame = bought.select("key", nw.when(~after).then(day).alias("early"))
    found: Frame = dated.group_by("key").agg(
        nw.col("early").min().alias("first"), nw.col("early").max().alias("last")
    )
    distinct: Frame = bought.group_by("key", "day").agg(nw.len().alias("rows"))  # `unique` is a window on engines
    on = distinct.select("key", (~after).cast(nw.Int64()).alias("n_days"))
    parts: list[Frame] = [on.group_by("key").agg(nw.col("n_days").sum())]
    if schema.amount:
        worth = rows.filter(purchase | nw.col("refund"))
        later: Frame = engine.joined(worth, found.select("key", "first"))
        sums: Frame = later.filter((day > nw.col("first")) & ~after).group_by("key").agg(nw.col("money").sum())
        parts.append(sums.select("key", nw.col("money").alias("later")))
    if span.holds_out:
        parts.append(distinct.filter(after).group_by("key").agg(nw.len().alias("held")))
        parts.append(bought.filter(after).group_by("key").agg(nw.len().alias("held_rows")))
    if span.holds_out and schema.amount:
        held: Frame = worth.filter(after).group_by("key").agg(nw.col("money").sum())
        parts.append(held.select("key", nw.col("money").alias("held_money")))
    for part in parts:
        found = engine.joined(found, part)
    return found


def totals(
    rows: Frame,
    initiated: nw.Expr | None,
    schema: TransactionSchema,
    rules: AmountRules,
    span: Span,
    counts: dict[str, int],
) -> Totals:
    """Add up canonical rows by customer.

    ``counts["everyone"]`` is the number of customers with rows of any day; where it is not given, no row is later
    than the last day of all.
    """
    marked = _marked(rows, initiated, schema, rules)
    total = _counted(marked, span)
    customers = collected(_by_customer(marked, schema, span))
    try:
        customers = customers.sort("key")
    except TypeError:
        message = f"Column '{schema.customer}' mixes text and numbers; allowed: integers or text. Cast it to one."
        raise ColumnError(message) from None
    array = {
        name: np.nan_to_num(floats(customers.get_column(name))) for name in customers.columns if name != "key"
    }
    bought = np.flatnonzero(array["n_days"])
    counts |= {"refunds": total["refund"], "purchases": total["early"]}
    counts |= {"others": total["other"]} if initiated is not None else {}
    counts |= {name: total[name] for name in ("null", "negative", "zero")} if schema.amount else {}
    every = total["early"] == total["rows"]
    seen = len(bought) if every else n_keys(rows.filter(nw.col("day") <= span.last))
    if "everyone" not in counts:
        counts["everyone"] = n_keys(rows) if span.holds_out and not every else seen
    counts["customers_later"] = counts.pop("everyone") - seen
    counts["customers_without_purchase"] = seen - len(bought)

    def whole(name: str) -> Any:
        return array[name][bought].astype(np.int64)

    def money(name: str) -> Any:
        return array[name][bought] if name in array else None

    held = Holdout(whole("held"), array["held_rows"][bought], money("held_money")) if span.holds_out else None
    keys = customers.get_column("key")[bought.tolist()]
    return Totals(keys, whole("n_days"), whole("first"), whole("last"), money("later"), held, counts)
