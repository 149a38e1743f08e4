"""Small banks for tests worked by hand: rows of January 2025, and one call that computes them by a route.

pandas goes through NumPy, Polars through narwhals, eager and lazy.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

import rfm_tables
from custvalue import rfm
from rfm_tables import Row, rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROUTES = ("pandas-numpy", "polars-narwhals", "lazy")
EACH_ROUTE = pytest.mark.parametrize("route", ROUTES)

KEY, DAY, AMOUNT, KIND, CHANNEL, PRODUCT = "客户号", "日期", "金额", "类型", "渠道", "产品"
REGION, GRADE, REVERSAL, SIDE, STAFF = "地区", "评级", "冲正", "方向", "员工"
BOOKED, RATE, CURRENCY, ACCOUNT, BALANCE, ORDER = "记账日", "汇率", "币种", "账号", "余额", "序号"
OPENED, CLOSED, OPENING, FROM, UNTIL, GROUP, SHARE = "开户日", "销户日", "期初", "生效", "失效", "客群", "份额"
#: Types of the columns; what is not named is text.
TYPES = {
    **dict.fromkeys((KEY, ORDER, GRADE), "int"),
    **dict.fromkeys((AMOUNT, RATE, BALANCE, OPENING, SHARE), "float"),
    **dict.fromkeys((DAY, BOOKED, OPENED, CLOSED, FROM, UNTIL), "date"),
    REVERSAL: "bool",
}

on = dt.date.fromisoformat


def moves(*found: tuple[Any, ...], columns: Sequence[str] = (AMOUNT,), key: Any = 1) -> list[Row]:
    """Give one customer's rows: a day of January 2025, or an ISO date, and the other columns."""
    rows = []
    for day, *values in found:
        date = on(day) if isinstance(day, str) else dt.date(2025, 1, day)
        rows.append({KEY: key, DAY: date, **dict(zip(columns, values, strict=True))})
    return rows


def table(route: str, rows: Sequence[Row], types: Mapping[str, str] | None = None) -> Any:
    """Build rows in the library of a route."""
    tags = {name: (TYPES | dict(types or {})).get(name, "text") for name in rows[0]}
    with rfm_tables.engine(route) as engine:
        return engine.table(rows, tags)


def schema_of(rows: Sequence[Row], schema: Mapping[str, Any]) -> rfm.TransactionSchema:
    columns = {"customer": KEY, "time": DAY} | ({"amount": AMOUNT} if AMOUNT in rows[0] else {})
    return rfm.TransactionSchema(**(columns | dict(schema)))


def set_of(*chosen: Any, min_history_days: int = 0) -> rfm.IndicatorSet:
    return rfm.IndicatorSet(indicators=chosen, min_history_days=min_history_days)


def compute(
    route: str,
    rows: Sequence[Row],
    *chosen: Any,
    as_of: Any = "2025-01-31",
    people: Sequence[Row] | None = None,
    holders: Sequence[Row] | None = None,
    types: Mapping[str, str] | None = None,
    on_invalid: Any = "raise",
    min_history_days: int = 0,
    known_at: Any = None,
    **schema: Any,
) -> rfm.Snapshot:
    """Compute indicators of rows by a route; what is not named here goes into the schema."""
    return rfm.compute(
        table(route, rows, types),
        set_of(*chosen, min_history_days=min_history_days),
        schema_of(rows, schema),
        as_of=as_of,
        population=None if people is None else table(route, people, types),
        holders=None if holders is None else table(route, holders, types),
        on_invalid=on_invalid,
        known_at=known_at,
        engine="auto" if route == "lazy" else route.partition("-")[2],  # type: ignore[arg-type]  # its two words
    )


def only(snapshot: rfm.Snapshot) -> Row:
    (row,) = rows_of(snapshot.table)
    return row


def column(snapshot: rfm.Snapshot, name: str) -> list[Any]:
    return [row[name] for row in rows_of(snapshot.table)]


def gap(**more: Any) -> rfm.Frequency:
    defaults: dict[str, Any] = {"name": "f", "measure": "mean_gap", "direction": "cost"}
    return rfm.Frequency(**(defaults | more))


def count(**more: Any) -> rfm.Frequency:
    defaults: dict[str, Any] = {"name": "f", "per_exposed_day": False}
    return rfm.Frequency(**(defaults | more))


def money(**more: Any) -> rfm.Monetary:
    return rfm.Monetary(**({"name": "m"} | more))


RECENCY = rfm.Recency(name="r")
