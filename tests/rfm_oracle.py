"""Every indicator of `rfm`, in plain Python from the conventions alone: loops, dates, fractions, no shortcut.

Nothing here imports pandas, NumPy or custvalue. Specifications come as plain dicts (``model_dump()``), rows as
dicts by column name, ``None`` or NaN for null. Money is summed in fractions, and a daily-average balance walks
every calendar day, so that no formula is shared with the library.
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
ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Visit:
    """One row of history as the conventions see it."""

    instant: dt.datetime
    day: dt.date
    amount: Fraction | None
    signed: Fraction
    kinds: frozenset[str]
    channels: frozenset[str]
    side: str | None
    initiator: str
    reversal: bool
    row: Row


@dataclass
class Customer:
    """What is known of one customer: rows in the order given, opening date and opening balance."""

    visits: list[Visit] = field(default_factory=list)
    opened: dt.date | None = None
    opening: Fraction | None = None

    @property
    def first_day(self) -> dt.date | None:
        return min((visit.day for visit in self.visits), default=None)

    @property
    def volume(self) -> float:
        """Sum of absolute amounts (and of the opening balance): the scale of rounding errors."""
        return float(sum((abs(visit.signed) for visit in self.visits), abs(self.opening or Fraction())))


@dataclass(frozen=True)
class Clock:
    """As-of on the local calendar; rows are compared in UTC if they are aware, else on the wall."""

    as_of: dt.date | dt.datetime
    zone: ZoneInfo | None

    @property
    def wall(self) -> dt.datetime:
        if not isinstance(self.as_of, dt.datetime):
            return dt.datetime.combine(self.as_of, dt.time(), tzinfo=self.zone)
        return self.as_of.astimezone(self.zone) if self.zone else self.as_of

    @property
    def today(self) -> dt.date:
        return self.wall.date()

    @property
    def end(self) -> dt.datetime:
        return self.comparable(self.wall)

    def comparable(self, moment: dt.datetime) -> dt.datetime:
        return moment.astimezone(dt.UTC) if self.zone else moment

    def local_day(self, moment: dt.datetime) -> dt.date:
        return moment.astimezone(self.zone).date() if self.zone else moment.date()

    def start_day(self, window: str | None) -> dt.date | None:
        """Give the local date on which a window begins, walked back day by day or month by month."""
        if window is None:
            return None
        size, day = int(window.rstrip("dwmo")), self.today
        if window.endswith("mo"):
            return _months_back(day, size)
        for _ in range(size * (7 if window.endswith("w") else 1)):
            day -= ONE_DAY
        return day

    def start(self, window: str | None) -> dt.datetime | None:
        day = self.start_day(window)
        if day is None:
            return None
        return self.comparable(dt.datetime.combine(day, self.wall.time().replace(fold=0), tzinfo=self.zone))


def _months_back(day: dt.date, size: int) -> dt.date:
    year, month = day.year, day.month
    for _ in range(size):
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    wanted = day.day
    while True:
        try:
            return dt.date(year, month, wanted)
        except ValueError:
            wanted -= 1


def clean(value: Any) -> Any:
    """Read NaN as null."""
    return None if value is None or value != value else value  # noqa: PLR0124 - NaN differs from itself


def money(value: Any) -> Fraction | None:
    found = clean(value)
    return None if found is None else Fraction(found)


def _names(code: Any, vocabulary: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Give the vocabulary's names of a code; without vocabulary a code names itself."""
    code = clean(code)
    if code is None:
        return frozenset()
    if not vocabulary:
        return frozenset({str(code)})
    return frozenset(name for name, codes in vocabulary.items() if str(code) in codes)


def _carries(row: Row, marks: Mapping[str, Sequence[str]]) -> bool:
    return any(clean(row[column]) is not None and str(row[column]) in codes for column, codes in marks.items())


def _side(row: Row, schema: Mapping[str, Any]) -> str | None:
    if schema["side"] is None:
        return None
    return "credit" if str(row[schema["side"]]) in schema["credit"] else "debit"


def _visit(row: Row, schema: Mapping[str, Any], clock: Clock) -> Visit:
    time = row[schema["time"]]
    moment = time if isinstance(time, dt.datetime) else dt.datetime.combine(time, dt.time())
    amount = money(row[schema["amount"]]) if schema["amount"] else None
    side = _side(row, schema)
    initiator = "standing_order" if _carries(row, schema["standing_order"]) else "customer"
    return Visit(
        instant=clock.comparable(moment),
        day=clock.local_day(moment),
        amount=amount,
        signed=(amount or Fraction()) * (-1 if side == "debit" else 1),
        kinds=_names(row[schema["kind"]], schema["kinds"]) if schema["kind"] else frozenset(),
        channels=_names(row[schema["channel"]], schema["channels"]) if schema["channel"] else frozenset(),
        side=side,
        initiator="system" if _carries(row, schema["system"]) else initiator,
        reversal=bool(row[schema["reversal"]]) if schema["reversal"] else False,
        row=row,
    )


def _chosen(visit: Visit, indicator: Mapping[str, Any], start: dt.datetime | None) -> bool:
    """Tell whether an indicator reads a row, refunds apart."""
    return (
        (indicator["kinds"] is None or bool(visit.kinds & set(indicator["kinds"])))
        and (indicator["channels"] is None or bool(visit.channels & set(indicator["channels"])))
        and (indicator["sides"] is None or visit.side in indicator["sides"])
        and visit.initiator in indicator["initiators"]
        and (start is None or visit.instant >= start)
    )


def _moved(visits: Iterable[Visit], refunds: str) -> Fraction:
    """Sum absolute amounts; a netted reversal comes off, an excluded one is left out."""
    total = Fraction()
    for visit in visits:
        amount = abs(visit.amount or Fraction())
        if not visit.reversal or refunds == "as_is":
            total += amount
        elif refunds == "net":
            total -= amount
    return total


def exposure(customer: Customer, clock: Clock) -> int:
    """Give the days under observation: from the opening, else (or if earlier) from the first row, at least 1."""
    known = [day for day in (customer.opened, customer.first_day) if day is not None]
    return max(1, clock.today.toordinal() - min(known).toordinal()) if known else 1


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


def _recency(active: list[Visit], clock: Clock) -> float | None:
    days = [clock.today.toordinal() - visit.day.toordinal() for visit in active]
    return float(min(days)) if days else None


def _monetary(
    read: list[Visit], active: list[Visit], indicator: Mapping[str, Any], refunds: str, days: int
) -> float | None:
    total = _moved(read, refunds)
    if indicator["measure"] == "mean":
        count = sum(1 for visit in active if visit.amount is not None)
        return float(total / count) if count else None
    return float(total / days) if indicator["per_exposed_day"] else float(total)


def value(
    customer: Customer, indicator: Mapping[str, Any], schema: Mapping[str, Any], clock: Clock
) -> float | None:
    """Compute one indicator of one customer; None is null."""
    window, measure = indicator["window"], indicator["measure"]
    if "balance" in measure:
        daily = measure == "daily_average_balance"
        exact = daily_average(customer, clock, window) if daily else last_balance(customer)
        return None if exact is None else float(exact)
    start, refunds = clock.start(window), schema["refunds"]
    read = [visit for visit in customer.visits if _chosen(visit, indicator, start)]
    active = [visit for visit in read if not visit.reversal or refunds == "as_is"]
    if measure == "days_since":
        return _recency(active, clock)
    days, start_day = exposure(customer, clock), clock.start_day(window)
    if start_day is not None:
        days = max(1, min(days, clock.today.toordinal() - start_day.toordinal()))
    if indicator["dimension"] == "monetary":
        return _monetary(read, active, indicator, refunds, days)
    count = len(active) if measure == "count" else len({visit.day for visit in active})
    return count / days if indicator["per_exposed_day"] else float(count)


def _opening_from_rows(customer: Customer, schema: Mapping[str, Any]) -> Fraction | None:
    """Give the balance before the first row by order, from the balance column after it."""
    first = min(customer.visits, key=lambda visit: visit.row[schema["order"]])
    balance = money(first.row[schema["balance"]])
    return None if balance is None else balance - first.signed


def customers(
    rows: Iterable[Row], schema: Mapping[str, Any], clock: Clock, people: Iterable[Row] | None = None
) -> dict[Any, Customer]:
    """Collect the history of every customer; a population decides who there is."""
    found: dict[Any, Customer] = {}
    for row in rows:
        key, time = clean(row[schema["customer"]]), clean(row[schema["time"]])
        if key is None or time is None:
            continue
        visit = _visit(row, schema, clock)
        if visit.instant < clock.end:
            found.setdefault(key, Customer()).visits.append(visit)
    for customer in found.values() if schema["balance"] else ():
        customer.opening = _opening_from_rows(customer, schema)
    return found if people is None else _of_population(found, people, schema, clock)


def _of_population(
    found: Mapping[Any, Customer], people: Iterable[Row], schema: Mapping[str, Any], clock: Clock
) -> dict[Any, Customer]:
    kept: dict[Any, Customer] = {}
    for person in people:
        opened = clean(person[schema["opened"]]) if schema["opened"] else None
        opened = opened.date() if isinstance(opened, dt.datetime) else opened
        if opened is not None and dt.datetime.combine(opened, dt.time()) >= clock.wall.replace(tzinfo=None):
            continue
        customer = found.get(person[schema["customer"]], Customer())
        customer.opened = opened
        if schema["opening_balance"]:
            customer.opening = money(person[schema["opening_balance"]])
        kept[person[schema["customer"]]] = customer
    return kept


def snapshot(
    rows: Iterable[Row],
    indicators: Mapping[str, Any],
    schema: Mapping[str, Any],
    as_of: dt.date | dt.datetime,
    people: Iterable[Row] | None = None,
) -> dict[Any, Row]:
    """Compute the whole table: for every key, sorted, its columns and the scale of its money ('volume')."""
    clock = Clock(as_of, ZoneInfo(schema["time_zone"]) if schema["time_zone"] else None)
    table: dict[Any, Row] = {}
    for key, customer in sorted(customers(rows, schema, clock, people).items()):
        days = exposure(customer, clock)
        table[key] = {
            "status": "graded" if days >= indicators["min_history_days"] else "new",
            "exposure_days": days,
            "n_rows": len(customer.visits),
            "volume": customer.volume,
        } | {one["name"]: value(customer, one, schema, clock) for one in indicators["indicators"]}
    return table
