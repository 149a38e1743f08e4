"""How the oracle of `rfm` reads tables: clocks, codes, money, holders and populations, in plain Python.

Nothing here imports pandas, NumPy or custvalue; `rfm_oracle` computes the indicators from what is read here.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

Row = dict[str, Any]
ONE_DAY = dt.timedelta(days=1)
MIDNIGHT = dt.time()


@dataclass(frozen=True)
class Visit:
    """One row of history as the conventions see it."""

    instant: dt.datetime
    day: dt.date
    amount: Fraction | None
    signed: Fraction
    names: Mapping[str, frozenset[str]]
    side: str | None
    initiator: str
    reversal: bool
    balance: Fraction | None
    row: Row


@dataclass
class Customer:
    """What is known of one customer: rows in the order given, the relationship's dates, the opening balance."""

    visits: list[Visit] = field(default_factory=list)
    opened: dt.date | None = None
    closed: dt.date | None = None
    opening: Fraction | None = None
    carried: Row = field(default_factory=dict)

    @property
    def first_day(self) -> dt.date | None:
        return min((visit.day for visit in self.visits), default=None)

    @property
    def start(self) -> dt.date | None:
        """The start of exposure: the opening or the first row, whichever is earlier."""
        return min((day for day in (self.opened, self.first_day) if day is not None), default=None)

    @property
    def volume(self) -> float:
        """Sum of absolute amounts (and of the opening balance): the scale of rounding errors."""
        return float(sum((abs(visit.signed) for visit in self.visits), abs(self.opening or Fraction())))


@dataclass(frozen=True)
class Clock:
    """As-of on the local calendar; rows are compared in UTC if they are aware, else on the wall."""

    as_of: dt.date | dt.datetime
    zone: ZoneInfo | None
    known_at: dt.date | dt.datetime | None = None

    def _wall(self, moment: dt.date | dt.datetime) -> dt.datetime:
        if not isinstance(moment, dt.datetime):
            return dt.datetime.combine(moment, MIDNIGHT, tzinfo=self.zone)
        return moment.astimezone(self.zone) if self.zone else moment

    @property
    def wall(self) -> dt.datetime:
        return self._wall(self.as_of)

    @property
    def today(self) -> dt.date:
        return self.wall.date()

    @property
    def end(self) -> dt.datetime:
        return self.comparable(self.wall)

    @property
    def last_day(self) -> dt.date:
        """The last day some moment of which is before as-of."""
        return self.today - ONE_DAY if self.wall.time() == MIDNIGHT else self.today

    def knows(self, booked: dt.date | dt.datetime) -> bool:
        """Tell whether a row booked then was known."""
        if self.known_at is None:
            return True
        return self.instant(booked) < self.comparable(self._wall(self.known_at))

    def instant(self, time: dt.date | dt.datetime) -> dt.datetime:
        return self.comparable(time if isinstance(time, dt.datetime) else dt.datetime.combine(time, MIDNIGHT))

    def comparable(self, moment: dt.datetime) -> dt.datetime:
        return moment.astimezone(dt.UTC) if self.zone else moment

    def local_day(self, time: dt.date | dt.datetime) -> dt.date:
        if not isinstance(time, dt.datetime):
            return time
        return time.astimezone(self.zone).date() if self.zone else time.date()

    def is_past(self, day: dt.date) -> bool:
        """Tell whether a day began before as-of."""
        return dt.datetime.combine(day, MIDNIGHT) < self.wall.replace(tzinfo=None)

    def start_day(self, window: str | None, times: int = 1) -> dt.date | None:
        """Give the local date on which a window begins, walked back day by day or month by month."""
        if window is None:
            return None
        size, day = times * int(window.rstrip("dwmo")), self.today
        if window.endswith("mo"):
            return _months_back(day, size)
        for _ in range(size * (7 if window.endswith("w") else 1)):
            day -= ONE_DAY
        return day

    def start(self, window: str | None, times: int = 1) -> dt.datetime | None:
        day = self.start_day(window, times)
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


# --------------------------------------------------------------------------------------------------------- cells


def clean(value: Any) -> Any:
    """Read NaN as null."""
    return None if value is None or value != value else value  # noqa: PLR0124 - NaN differs from itself


def money(value: Any, decimals: int | None = None) -> Fraction | None:
    """Read an amount exactly; with decimals it is the whole multiple that it stands for."""
    found = clean(value)
    if found is None or decimals is None:
        return None if found is None else Fraction(found)
    return Fraction(round(Fraction(found) * 10**decimals), 10**decimals)


def date_of(value: Any) -> dt.date | None:
    found = clean(value)
    return found.date() if isinstance(found, dt.datetime) else found


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


def _reasons(row: Row, reasons: Mapping[str, Mapping[str, Sequence[str]]]) -> list[str]:
    return [reason for reason, marks in reasons.items() if _carries(row, marks)]


def _covers(row: Row, schema: Mapping[str, Any], day: dt.date) -> bool:
    """Tell whether a row of a table with validity is valid on a day."""
    first, until = schema.get("valid_from"), schema.get("valid_until")
    begun = date_of(row.get(first)) if first else None
    ended = date_of(row.get(until)) if until else None
    return (begun is None or begun <= day) and (ended is None or day < ended)


# ---------------------------------------------------------------------------------------------------------- rows


def _all_names(row: Row, schema: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Give the names a row carries under each filter field, and under each column of `where`."""
    found = {}
    for one, many in (("kind", "kinds"), ("channel", "channels"), ("product", "products")):
        column = schema.get(one)
        found[many] = _names(row[column], schema.get(many) or {}) if column else frozenset()
    for column, vocabulary in (schema.get("attributes") or {}).items():
        found[f"where {column}"] = _names(row[column], vocabulary)
    return found


def _visit(row: Row, schema: Mapping[str, Any], clock: Clock, share: Fraction = Fraction(1)) -> Visit:
    decimals = schema.get("decimals")
    rate = money(row[schema["rate"]]) if schema.get("rate") else Fraction(1)
    factor = share * (rate or Fraction())
    amount = money(row[schema["amount"]], decimals) if schema["amount"] else None
    balance = money(row[schema["balance"]], decimals) if schema["balance"] else None
    side = None
    if schema["side"] is not None:
        side = "credit" if str(row[schema["side"]]) in schema["credit"] else "debit"
    initiator = "standing_order" if _carries(row, schema["standing_order"]) else "customer"
    return Visit(
        instant=clock.instant(row[schema["time"]]),
        day=clock.local_day(row[schema["time"]]),
        amount=None if amount is None else amount * factor,
        signed=(amount or Fraction()) * factor * (-1 if side == "debit" else 1),
        names=_all_names(row, schema),
        side=side,
        initiator="system" if _carries(row, schema["system"]) else initiator,
        reversal=bool(row[schema["reversal"]]) if schema["reversal"] else False,
        balance=None if balance is None else balance * factor,
        row=row,
    )


def _past(rows: Iterable[Row], schema: Mapping[str, Any], clock: Clock, counts: Counter[str]) -> Iterator[Row]:
    """Give the rows that count: not after as-of, not excluded, known in time."""
    for row in rows:
        time = clean(row[schema["time"]])
        if time is not None and clock.instant(time) >= clock.end:
            counts["rows_after_as_of"] += 1
        elif reasons := _reasons(row, schema.get("excluded") or {}):
            counts.update(f"excluded_{reason}" for reason in reasons)
        elif clock.known_at is not None and (booked := clean(row[schema["booked"]])) is None:
            counts["booked_null"] += 1
        elif clock.known_at is not None and not clock.knows(booked):
            counts["rows_known_later"] += 1
        else:
            yield row


def _owners(
    row: Row, schema: Mapping[str, Any], clock: Clock, holders: Sequence[Row], counts: Counter[str]
) -> list[tuple[Any, Fraction]]:
    """Give the customers a row belongs to on its day, each with the share of the money."""
    account, day = clean(row[schema["account"]]), clock.local_day(row[schema["time"]])
    found = [one for one in holders if one[schema["account"]] == account and _covers(one, schema, day)]
    if account is None or not found:
        counts["account_without_holder"] += 1
        return []
    if schema.get("joint") == "share":
        return [(one[schema["customer"]], Fraction(one[schema["holder_share"]])) for one in found]
    return [(one[schema["customer"]], Fraction(1)) for one in found]


def histories(
    rows: Iterable[Row],
    schema: Mapping[str, Any],
    clock: Clock,
    holders: Sequence[Row] | None,
    counts: Counter[str],
) -> dict[Any, Customer]:
    """Collect the rows of every customer, and count what was left out."""
    found: dict[Any, Customer] = {}
    for row in _past(rows, schema, clock, counts):
        if clean(row[schema["time"]]) is None:  # whose it is depends on its day
            counts["time_null"] += 1
            continue
        if holders is None:
            owners = [(clean(row[schema["customer"]]), Fraction(1))]
        else:
            owners = _owners(row, schema, clock, holders, counts)
        for key, share in owners:
            if key is None:
                counts["customer_null"] += 1
            else:
                found.setdefault(key, Customer()).visits.append(_visit(row, schema, clock, share))
    for customer in found.values() if schema["balance"] else ():
        customer.opening = _opening_from_rows(customer, schema)
    return found


def _opening_from_rows(customer: Customer, schema: Mapping[str, Any]) -> Fraction | None:
    """Give the balance before the first row by order, from the balance column after it."""
    first = min(customer.visits, key=lambda visit: visit.row[schema["order"]])
    return None if first.balance is None else first.balance - first.signed


# ---------------------------------------------------------------------------------------------------- population


def of_population(
    found: Mapping[Any, Customer],
    people: Iterable[Row],
    schema: Mapping[str, Any],
    clock: Clock,
    counts: Counter[str],
) -> dict[Any, Customer]:
    """Keep whom the population names on the last day before as-of, with or without rows."""
    kept: dict[Any, Customer] = {}
    left_out: set[Any] = set()
    for person in people:
        key = person[schema["customer"]]
        if not _covers(person, schema, clock.last_day):
            continue
        if reasons := _reasons(person, schema.get("excluded_customers") or {}):
            counts.update(f"customers_excluded_{reason}" for reason in reasons)
            left_out.add(key)
            continue
        opened = date_of(person[schema["opened"]]) if schema["opened"] else None
        if opened is not None and not clock.is_past(opened):
            counts["not_yet_opened"] += 1
            continue
        customer = found.get(key, Customer())
        customer.opened = opened
        customer.closed = date_of(person[schema["closed"]]) if schema.get("closed") else None
        if schema["opening_balance"]:
            customer.opening = money(person[schema["opening_balance"]], schema.get("decimals"))
        customer.carried = {name: clean(person[name]) for name in schema.get("carried") or ()}
        kept[key] = customer
    counts["customer_unknown"] = len(found.keys() - kept.keys() - left_out)
    return kept
