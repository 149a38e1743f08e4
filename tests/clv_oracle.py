"""The summary of purchases in plain Python, from its docstring alone: loops, dates, fractions.

Nothing here imports pandas, NumPy or custvalue. Rows are dicts by column name, ``None`` or NaN for null.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Row = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What is asked of the rows; days are dates."""

    end: dt.date
    calibration: dt.date | None = None
    time_unit: str = "days"
    zero: str = "count"
    null: str = "refuse"
    negative: str = "refuse"
    initiators: tuple[str, ...] = ("customer",)

    @property
    def last(self) -> dt.date:
        return self.calibration or self.end


@dataclass
class Customer:
    """Purchases and refunds of one customer, by day."""

    bought: list[tuple[dt.date, Fraction]] = field(default_factory=list)
    returned: list[tuple[dt.date, Fraction]] = field(default_factory=list)


def clean(value: Any) -> Any:
    return None if value is None or value != value else value  # noqa: PLR0124 - NaN differs from itself


def local_day(moment: Any, zone: str | None) -> dt.date:
    if not isinstance(moment, dt.datetime):
        return moment  # type: ignore[no-any-return]  # a date
    return (moment.astimezone(ZoneInfo(zone)) if zone else moment).date()


def occasion(day: dt.date, unit: str) -> Any:
    """Give what makes purchases one: the day, the Monday of its week, or its month."""
    if unit == "calendar_weeks":
        return day - dt.timedelta(days=day.weekday())
    return (day.year, day.month) if unit == "calendar_months" else day


def between(early: dt.date, late: dt.date, unit: str) -> Fraction:
    if unit == "calendar_months":
        return Fraction((late.year - early.year) * 12 + late.month - early.month)
    early, late = (occasion(day, unit) for day in (early, late))
    days = Fraction((late - early).days)
    return days / 7 if unit.endswith("weeks") else days


def initiator(row: Row, schema: Mapping[str, Any]) -> str:
    for name in ("system", "standing_order"):
        for column, codes in schema[name].items():
            if clean(row[column]) in codes:
                return name
    return "customer"


def collected(rows: Iterable[Row], schema: Mapping[str, Any], asked: Asked) -> dict[Any, Customer]:
    """Sort the rows into purchases and refunds."""
    found: dict[Any, Customer] = {}
    for row in rows:
        key, time = clean(row[schema["customer"]]), clean(row[schema["time"]])
        if key is None or time is None or initiator(row, schema) not in asked.initiators:
            continue
        day, refunds = local_day(time, schema["time_zone"]), schema["refunds"]
        if day > asked.end:
            continue
        amount = clean(row[schema["amount"]]) if schema["amount"] else 0
        worth = Fraction(amount) if amount is not None else None
        customer = found.setdefault(key, Customer())
        marked = bool(schema["reversal"] and row[schema["reversal"]])
        below = worth is not None and worth < 0 and asked.negative == "refund"
        if (marked or below) and refunds != "as_is":
            if refunds == "net" and worth is not None:
                customer.returned.append((day, abs(worth)))
        elif worth is None:
            if asked.null == "zero":
                customer.bought.append((day, Fraction()))
        elif worth != 0 or asked.zero == "count" or not schema["amount"]:
            customer.bought.append((day, abs(worth) if asked.negative == "absolute" else worth))
    return found


def mean_of(customer: Customer, after: Any, upto: Any, unit: str, count: int) -> Fraction | None:
    """Add up what was paid on occasions after one and up to another, refunds taken off, a purchase occasion."""
    total = Fraction()
    for sign, moves in ((1, customer.bought), (-1, customer.returned)):
        total += sum((sign * worth for day, worth in moves if after < occasion(day, unit) <= upto), Fraction())
    return total / count if count else None


def summary(rows: Sequence[Row], schema: Mapping[str, Any], asked: Asked) -> dict[Any, Row]:
    """Give the table by key, and ``volume``, the scale of its money."""
    table: dict[Any, Row] = {}
    unit, stop = asked.time_unit, occasion(asked.last, asked.time_unit)
    for key, customer in sorted(collected(rows, schema, asked).items()):
        days = sorted(day for day, _ in customer.bought if day <= asked.last)
        if not days:
            continue
        periods = {occasion(day, unit) for day in days}
        repeats = len(periods) - 1
        row: Row = {
            "frequency": repeats,
            "t_x": between(days[0], days[-1], unit),
            "T": between(days[0], asked.last, unit),
        }
        if schema["amount"]:
            row["monetary_value"] = mean_of(customer, occasion(days[0], unit), stop, unit, repeats)
        if asked.calibration is not None:
            held = {occasion(day, unit) for day, _ in customer.bought if day > asked.last}
            row["frequency_holdout"] = len(held)
            if schema["amount"]:
                end = occasion(asked.end, unit)
                row["monetary_value_holdout"] = mean_of(customer, stop, end, unit, len(held))
            row["duration_holdout"] = between(asked.last, asked.end, unit)
        row["volume"] = sum((abs(worth) for _, worth in (*customer.bought, *customer.returned)), Fraction())
        table[key] = row
    return table
