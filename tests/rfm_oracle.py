"""Every indicator of `rfm`, in plain Python from the conventions alone: loops, dates, fractions, no shortcut.

Nothing here imports pandas, NumPy or custvalue. Specifications come as plain dicts (``model_dump()``), rows as
dicts by column name, ``None`` or NaN for null. Money is summed in fractions, and a daily-average balance walks
every calendar day, so that no formula is shared with the library. `rfm_oracle_rows` reads the tables.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rfm_oracle_rows import ONE_DAY, Clock, Customer, Row, Visit, histories, of_population

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["Clock", "Found", "look", "snapshot"]


@dataclass(frozen=True)
class Question:
    """One indicator asked of one customer under one schema at one moment."""

    customer: Customer
    indicator: Mapping[str, Any]
    schema: Mapping[str, Any]
    clock: Clock

    @property
    def refunds(self) -> str:
        return str(self.schema["refunds"])

    def rows(self, *, filtered: bool = True, previous: bool = False) -> list[Visit]:
        """Give the rows read; without the filters by code, or of the window before, if asked."""
        window = self.indicator["window"]
        start = self.clock.start(window, 2 if previous else 1)
        end = self.clock.start(window) if previous else None
        return [
            visit
            for visit in self.customer.visits
            if (start is None or visit.instant >= start)
            and (end is None or visit.instant < end)
            and (self.indicator["sides"] is None or visit.side in self.indicator["sides"])
            and visit.initiator in self.indicator["initiators"]
            and (not filtered or self._carries_the_codes(visit))
        ]

    def _carries_the_codes(self, visit: Visit) -> bool:
        for what in ("kinds", "channels", "products"):
            chosen = self.indicator.get(what)
            if chosen is not None and not visit.names[what] & set(chosen):
                return False
        where = self.indicator.get("where") or {}
        return all(visit.names[f"where {column}"] & set(chosen) for column, chosen in where.items())

    def active(self, rows: Iterable[Visit]) -> list[Visit]:
        """Leave reversals out, unless they are rows like any other."""
        return [visit for visit in rows if not visit.reversal or self.refunds == "as_is"]

    def moved(self, rows: Iterable[Visit]) -> Fraction:
        """Sum absolute amounts; a netted reversal comes off, an excluded one is left out."""
        total = Fraction()
        for visit in rows:
            amount = abs(visit.amount or Fraction())
            if not visit.reversal or self.refunds == "as_is":
                total += amount
            elif self.refunds == "net":
                total -= amount
        return total

    def amounts(self) -> list[Fraction]:
        """Give the absolute amounts of the activity read; a null amount is none."""
        return [abs(visit.amount) for visit in self.active(self.rows()) if visit.amount is not None]

    def days(self) -> list[int]:
        """Give the distinct active days in order."""
        return sorted({visit.day.toordinal() for visit in self.active(self.rows())})


# ------------------------------------------------------------------------------------------------------ exposure


def exposure(customer: Customer, clock: Clock, window: str | None = None) -> int:
    """Count the days under observation: from the start to as-of or the closing, in the window, at least 1."""
    days = _observed(customer, clock.today, customer.start, clock.start_day(window))
    return max(1, days) if customer.start is not None else 1


def _observed(customer: Customer, end: dt.date, *starts: dt.date | None) -> int:
    start = max(day.toordinal() for day in starts if day is not None) if any(starts) else end.toordinal()
    last = end if customer.closed is None else min(end, customer.closed)
    return last.toordinal() - start


def status(customer: Customer, clock: Clock, min_history_days: int) -> str:
    if customer.closed is not None and clock.is_past(customer.closed):
        return "closed"
    return "graded" if exposure(customer, clock) >= min_history_days else "new"


# ------------------------------------------------------------------------------------------------------ balances


def last_balance(customer: Customer) -> Fraction | None:
    """Give the balance after the last row."""
    if customer.opening is None and not customer.visits:
        return None
    return sum((visit.signed for visit in customer.visits), customer.opening or Fraction())


def daily_average(customer: Customer, clock: Clock, window: str | None) -> Fraction | None:
    """Walk every calendar day from the first row to as-of, and average the closing balances inside the window."""
    first, start = customer.first_day, clock.start_day(window)
    if first is None:
        return customer.opening
    by_day: dict[dt.date, list[Fraction]] = {}
    for visit in customer.visits:
        by_day.setdefault(visit.day, []).append(visit.signed)
    balance, closing, day = customer.opening or Fraction(), [], first
    while day < clock.today:
        balance += sum(by_day.get(day, []))
        if start is None or day >= start:
            closing.append(balance)
        day += ONE_DAY
    return sum(closing, Fraction()) / len(closing) if closing else None


# ------------------------------------------------------------------------------------------------------ measures


def _recency(ask: Question) -> float | None:
    days = ask.days()
    return float(ask.clock.today.toordinal() - days[-1]) if days else None


def _count(ask: Question, *, previous: bool = False) -> Fraction:
    rows = ask.active(ask.rows(previous=previous))
    return Fraction(len(rows) if ask.indicator["measure"] == "count" else len({visit.day for visit in rows}))


def _per_day(ask: Question) -> bool:
    """Tell whether the value is a rate: a frequency's default, a sum's option."""
    wanted = ask.indicator.get("per_exposed_day")
    if wanted is None:
        return ask.indicator["measure"] in ("count", "distinct_days")
    return bool(wanted)


def _amount(ask: Question, *, previous: bool = False) -> Fraction:
    if ask.indicator["dimension"] == "frequency":
        return _count(ask, previous=previous)
    return ask.moved(ask.rows(previous=previous))


def _quantity(ask: Question) -> float:
    """Give a count or a sum, as a rate where asked, relative to the previous window where asked."""
    value = float(_amount(ask))
    if _per_day(ask):
        value = value / exposure(ask.customer, ask.clock, ask.indicator["window"])
    return value


def _over_the_previous(ask: Question) -> float | None:
    clock, window, customer = ask.clock, ask.indicator["window"], ask.customer
    now, before = _amount(ask), _amount(ask, previous=True)
    if before <= 0:
        return None
    if not _per_day(ask):
        return float(now / before)
    end = clock.start_day(window)
    days = _observed(customer, end, customer.start, clock.start_day(window, 2)) if end and customer.start else 0
    if days < 1:
        return None
    return float((now / exposure(customer, clock, window)) / (before / days))


def _share(ask: Question) -> float | None:
    part, whole = ask.rows(), ask.rows(filtered=False)
    if ask.indicator["dimension"] == "frequency":
        read, everything = Fraction(len(ask.active(part))), Fraction(len(ask.active(whole)))
    else:
        read, everything = ask.moved(part), ask.moved(whole)
    return float(read / everything) if everything > 0 else None


def _mean(ask: Question) -> float | None:
    count, total = len(ask.amounts()), ask.moved(ask.rows())
    decimals: int | None = ask.schema.get("decimals")
    if not count:
        return None
    if decimals is None:
        return float(total / count)
    units = 10.0**decimals
    return float(total * 10**decimals / count) / units


def _std(ask: Question) -> float | None:
    amounts = ask.amounts()
    if len(amounts) < 2:
        return None
    mean = sum(amounts, Fraction()) / len(amounts)
    return math.sqrt(sum(((one - mean) ** 2 for one in amounts), Fraction()) / (len(amounts) - 1))


def _mean_gap(ask: Question) -> float | None:
    days = ask.days()
    return (days[-1] - days[0]) / (len(days) - 1) if len(days) > 1 else None


def _span(ask: Question) -> float | None:
    days = ask.days()
    return float(days[-1] - days[0]) if days else None


def _max(ask: Question) -> float | None:
    amounts = ask.amounts()
    return float(max(amounts)) if amounts else None


def _last_balance(ask: Question) -> float | None:
    found = last_balance(ask.customer)
    return None if found is None else float(found)


def _daily_average(ask: Question) -> float | None:
    found = daily_average(ask.customer, ask.clock, ask.indicator["window"])
    return None if found is None else float(found)


MEASURES: dict[str, Callable[[Question], float | None]] = {
    "days_since": _recency,
    "count": _quantity,
    "distinct_days": _quantity,
    "sum": _quantity,
    "share": _share,
    "mean": _mean,
    "max": _max,
    "std": _std,
    "mean_gap": _mean_gap,
    "span": _span,
    "tenure": lambda ask: float(exposure(ask.customer, ask.clock)),
    "last_balance": _last_balance,
    "daily_average_balance": _daily_average,
}


def _relative(asked: Sequence[Question], statuses: Sequence[str]) -> list[float | None]:
    """Compute one indicator of all customers, relative to what it names."""
    relative_to = asked[0].indicator.get("relative_to") if asked else None
    if relative_to == "previous_window":
        return [_over_the_previous(ask) for ask in asked]
    values: list[float | None] = [MEASURES[ask.indicator["measure"]](ask) for ask in asked]
    if relative_to is None:
        return values
    norm = relative_to
    if relative_to == "median":
        pairs = zip(values, statuses, strict=True)
        norm = _median([value for value, state in pairs if state == "graded" and value and value > 0])
    return [None if norm is None or value is None else value / norm for value in values]


def _median(values: Sequence[float]) -> float | None:
    ordered, half = sorted(values), len(values) // 2
    if not ordered:
        return None
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


# --------------------------------------------------------------------------------------------------------- tables


@dataclass(frozen=True)
class Found:
    """A whole table by key, sorted, and what was left out, by rule."""

    table: dict[Any, Row]
    counts: Counter[str]


def look(
    rows: Iterable[Row],
    indicators: Mapping[str, Any],
    schema: Mapping[str, Any],
    clock: Clock,
    *,
    people: Iterable[Row] | None = None,
    holders: Sequence[Row] | None = None,
) -> Found:
    """Compute the whole table: its columns and the scale of each customer's money ('volume')."""
    counts: Counter[str] = Counter()
    found = histories(rows, schema, clock, holders, counts)
    if people is not None:
        found = of_population(found, people, schema, clock, counts)
    everyone = dict(sorted(found.items()))
    states = [status(one, clock, indicators["min_history_days"]) for one in everyone.values()]
    table: dict[Any, Row] = {
        key: {
            "status": state,
            "exposure_days": exposure(customer, clock),
            "n_rows": len(customer.visits),
            "volume": customer.volume,
            **customer.carried,
        }
        for (key, customer), state in zip(everyone.items(), states, strict=True)
    }
    for indicator in indicators["indicators"]:
        asked = [Question(customer, indicator, schema, clock) for customer in everyone.values()]
        for key, value in zip(table, _relative(asked, states), strict=True):
            table[key][indicator["name"]] = value
    return Found(table, counts)


def snapshot(
    rows: Iterable[Row],
    indicators: Mapping[str, Any],
    schema: Mapping[str, Any],
    as_of: dt.date | dt.datetime,
    people: Iterable[Row] | None = None,
) -> dict[Any, Row]:
    """Compute the whole table of a set, from rows with the customer's key."""
    clock = Clock(as_of, ZoneInfo(schema["time_zone"]) if schema["time_zone"] else None)
    return look(rows, indicators, schema, clock, people=people).table
