"""From accounts to customers: who holds an account on which day, and what a joint account means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from custvalue._engines import (
    TICKS,
    Frame,
    collected,
    guard_same_key,
    key_type,
    types_of,
    with_dates,
    with_ticks,
    wrapped,
)
from custvalue._frames import ROUNDING
from custvalue._indicators import engine, rules
from custvalue._indicators.guard import BOOKED_TICKS, DAY, guard
from custvalue._indicators.population import day_column
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from custvalue._indicators.moments import AsOf
    from custvalue._indicators.schema import TransactionSchema
    from custvalue._typing import BoolArray

#: Column of the holder's key, added to the caller's columns.
HOLDER = "__custvalue_holder"
_FROM, _UNTIL, _SHARE = "__custvalue_from", "__custvalue_until", "__custvalue_share"
_ACCOUNT = "__custvalue_account"
_ALWAYS = (-(2**40), 2**40)


def _guarded(holders: object, transactions: Frame, schema: TransactionSchema) -> Frame:
    if not schema.account:
        message = "holders says who holds an account and the schema names no account column. Name it."
        raise ColumnError(message)
    frame = with_dates(wrapped(holders, argument="holders"), schema.valid_from, schema.valid_until)
    if frame.implementation is not transactions.implementation:
        message = "holders and transactions are frames of different libraries; give both in the same one."
        raise DomainError(message)
    types, other = types_of(frame), types_of(transactions)
    wanted = [schema.account, schema.customer, schema.valid_from, schema.valid_until, schema.holder_share]
    missing = [name for name in wanted if name and name not in types]
    if missing:
        raise ColumnError.missing(missing, available=types, mend="holders must hold them.")
    if schema.account not in other:
        mend = "transactions must hold the account."
        raise ColumnError.missing([schema.account], available=other, mend=mend)
    for name in (schema.account, schema.customer):
        if not (types[name].is_integer() or isinstance(types[name], nw.String)):
            raise ColumnError.wrong_type(name, found=f"{types[name]} in holders", allowed="integers or text")
    guard_same_key(schema.account, types[schema.account], other[schema.account], argument="holders")
    share = schema.holder_share
    if share and not types[share].is_numeric():
        raise ColumnError.wrong_type(share, found=str(types[share]), allowed="numbers")
    return frame


def _canonical(holders: object, transactions: Frame, schema: TransactionSchema) -> Frame:
    frame = _guarded(holders, transactions, schema)
    account = types_of(transactions)[str(schema.account)]
    chosen = [
        nw.col(str(schema.account)).cast(key_type(account)).alias(_ACCOUNT),
        nw.col(schema.customer).alias(HOLDER),
    ]
    for alias, column, open_end in ((_FROM, schema.valid_from, 0), (_UNTIL, schema.valid_until, 1)):
        if column:
            frame = day_column(frame, column, alias, argument="holders")
            chosen.append(nw.col(alias).fill_null(_ALWAYS[open_end]).alias(alias))
        else:
            chosen.append(nw.lit(_ALWAYS[open_end], nw.Int64()).alias(alias))
    if schema.holder_share:
        chosen.append(nw.col(schema.holder_share).cast(nw.Float64()).alias(_SHARE))
    made: Frame = frame.select(*chosen)
    return made


def _check(holders: Frame, schema: TransactionSchema) -> dict[str, int]:
    """Count what is wrong with the holders themselves; refuse those without a key and spans that end too early."""
    table = collected(holders)
    if table.get_column(_ACCOUNT).null_count() or table.get_column(HOLDER).null_count():
        message = "holders has rows without an account or without a customer; mend or remove them."
        raise DataError(message)
    start, end = (table.get_column(name).to_numpy().astype(np.int64) for name in (_FROM, _UNTIL))
    if (start >= end).any():
        message = f"holders has {int((start >= end).sum())} row(s) that end no later than they begin; mend them."
        raise DataError(message)
    account = pd.factorize(np.array(table.get_column(_ACCOUNT).to_list(), dtype=object))[0]
    holder = pd.factorize(np.array(table.get_column(HOLDER).to_list(), dtype=object))[0]
    if _overlaps(
        np.unique(account * (holder.max(initial=0) + 1) + holder, return_inverse=True)[1], start, end
    ).any():
        message = "holders names a customer twice for one account on one day; mend or remove the doubled row."
        raise DataError(message)
    counts = {}
    if schema.joint == "refuse":
        counts["account_joint"] = len(np.unique(account[_overlaps(account, start, end)]))
    if schema.holder_share:
        share = np.array(table.get_column(_SHARE).to_numpy(), dtype=np.float64)
        counts["holder_share_invalid"] = int(np.count_nonzero(~((share > 0.0) & (share <= 1.0))))
        counts["holder_shares_above_one"] = _above_one(account, start, end, share)
    return counts


def _above_one(account: Any, start: Any, end: Any, share: Any) -> int:
    """Count accounts whose shares, begun and not yet ended, sum to more than 1 on some day."""
    changes = pd.DataFrame(
        {
            "account": np.concatenate([account, account]),
            "day": np.concatenate([start, end]),
            "share": np.concatenate([share, -share]),
        }
    )
    held = changes.groupby(["account", "day"])["share"].sum().groupby("account").cumsum()
    return int((held.groupby("account").max() > 1.0 + ROUNDING).sum())


def _overlaps(group: Any, start: Any, end: Any) -> BoolArray:
    """Tell which spans begin before an earlier one of the same group ends."""
    order = np.lexsort((end, start, group))
    found = np.zeros(len(group), dtype=bool)
    if len(group) > 1:
        latest = pd.Series(end[order]).groupby(group[order]).cummax().to_numpy()
        same = group[order][1:] == group[order][:-1]
        found[order[1:]] = same & (start[order][1:] < latest[:-1])
    return found


def joined(
    transactions: Frame, holders: object, schema: TransactionSchema, as_of: AsOf, known_at: AsOf | None
) -> tuple[Frame, TransactionSchema, dict[str, int]]:
    """Give every row that counts once for each holder of its account, the schema that reads it, and counts."""
    people = _canonical(holders, transactions, schema)
    counts = _check(people, schema)
    rows = with_dates(transactions, schema.time, schema.booked)
    guard(rows, schema.model_copy(update={"customer": schema.account}))
    ticks = with_ticks(rows, schema.time)
    if known_at is not None:
        ticks = with_ticks(ticks, str(schema.booked), BOOKED_TICKS)
    types = types_of(rows)
    marks = {
        reason: engine.any_of([engine.term_mask(term, types) for term in rules.exclusion(codes)])
        for reason, codes in schema.excluded.items()
    }
    seen = engine.Seen(nw.col(TICKS), None, nw.col(BOOKED_TICKS) if known_at is not None else None, marks)
    lost, keep = engine.lost_rows(seen, as_of, known_at)
    found = engine.one_row(ticks, [engine.total(mask, name) for name, mask in lost.items()])
    counts |= {name: int(value or 0) for name, value in found.items()}
    dated = engine.with_day(ticks.filter(keep), schema, DAY)
    account = nw.col(str(schema.account)).cast(key_type(types[str(schema.account)]))
    dated = dated.with_columns(account.alias(_ACCOUNT))
    held = (nw.col(DAY) >= nw.col(_FROM)) & (nw.col(DAY) < nw.col(_UNTIL))
    counts["account_without_holder"] = _without_holder(dated, people, held)
    made = dated.join(people, on=_ACCOUNT, how="inner").filter(held)  # type: ignore[arg-type]  # both eager or both lazy
    if schema.holder_share:
        money = [name for name in (schema.amount, schema.balance) if name]
        made = made.with_columns(
            *((nw.col(name).cast(nw.Float64()) * nw.col(_SHARE)).alias(name) for name in money)
        )
    added = (TICKS, BOOKED_TICKS, DAY, _FROM, _UNTIL, _SHARE, _ACCOUNT)
    kept = types_of(made)
    read = schema.model_copy(update={"customer": HOLDER, "joint": "each", "holder_share": None})
    return made.drop(*(name for name in added if name in kept)), read, counts


def _without_holder(dated: Frame, people: Frame, held: nw.Expr) -> int:
    """Count the rows whose account has no holder on their day, by account and day."""
    cells = dated.group_by(_ACCOUNT, DAY).agg(nw.len().alias("rows"))
    met = cells.join(people, on=_ACCOUNT, how="inner").filter(held).select(_ACCOUNT, DAY, "rows").unique()  # type: ignore[arg-type]  # both eager or both lazy
    total, found = (engine.one_row(one, [nw.col("rows").sum().alias("n")])["n"] or 0 for one in (cells, met))
    return int(total) - int(found)
