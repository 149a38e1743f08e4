"""Points in time on the local calendar: what ``as_of`` and a trailing window mean."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass
from typing import TypeAlias
from zoneinfo import ZoneInfo

from custvalue._moments import ALLOWED_MOMENTS, parsed
from custvalue.exceptions import DomainError

#: ISO 8601 text, a date, or a datetime.
Moment: TypeAlias = str | dt.date | dt.datetime

DAY_MICROSECONDS = 86_400_000_000
WINDOW_PATTERN = r"^[1-9][0-9]{0,4}(d|w|mo)$"
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - the epoch of local wall time


@dataclass(frozen=True, slots=True)
class AsOf:
    """The end of history: its local wall time, and whether the rows are counted in UTC.

    Attributes
    ----------
    wall : datetime.datetime
        Local wall time without a zone.
    zone : zoneinfo.ZoneInfo or None
        Zone of time-zone aware rows; None where rows hold local wall time or dates.
    """

    wall: dt.datetime
    zone: ZoneInfo | None

    @property
    def day(self) -> int:
        """Local date as days since 1970-01-01."""
        return (self.wall.date() - _EPOCH.date()).days

    @property
    def end_day(self) -> int:
        """The first day no moment of which is before as-of: today if it is midnight, else tomorrow."""
        return self.day + (self.wall.time() > dt.time())

    def instant(self, wall: dt.datetime) -> int:
        """Give a local wall time as the microseconds that the rows count in."""
        if self.zone is None:
            return (wall - _EPOCH) // dt.timedelta(microseconds=1)
        aware = wall.replace(tzinfo=self.zone)
        epoch = _EPOCH.replace(tzinfo=dt.UTC)
        return (aware - epoch) // dt.timedelta(microseconds=1)

    def window_start(self, window: str, *, times: int = 1) -> dt.datetime:
        """Give the wall time at which some trailing windows begin; months clip to the month's end."""
        found = re.fullmatch(WINDOW_PATTERN, window)
        if found is None:
            message = f"window is '{window}'; allowed: a number with d, w or mo, such as '90d' or '12mo'."
            raise DomainError(message)
        size, unit = times * int(window[: -len(found[1])]), found[1]
        try:
            if unit != "mo":
                return self.wall - dt.timedelta(days=size * (7 if unit == "w" else 1))
            months = self.wall.year * 12 + self.wall.month - 1 - size
            year, month = divmod(months, 12)
            last = calendar.monthrange(year, month + 1)[1]
            return self.wall.replace(year=year, month=month + 1, day=min(self.wall.day, last), fold=0)
        except (OverflowError, ValueError):
            message = f"window '{window}' reaches before the calendar begins; use a shorter one."
            raise DomainError(message) from None


def checked_window(window: str) -> str:
    """Refuse a text that names no window."""
    if re.fullmatch(WINDOW_PATTERN, window) is None:
        message = f"window is '{window}'; allowed: a number with d, w or mo, such as '90d', '4w' or '12mo'"
        raise ValueError(message)
    return window


def resolve(as_of: object, *, aware: bool, time_zone: str | None, argument: str = "as_of") -> AsOf:
    """Read a moment against a time column that is aware or not."""
    moment = parsed(as_of, argument)
    if not aware:
        if isinstance(moment, dt.datetime) and moment.tzinfo is not None:
            message = (
                f"{argument} carries a time zone and the time column does not (naive against aware). "
                f"Give {argument} as local wall time without a zone, or make the column aware."
            )
            raise DomainError(message)
        wall = moment if isinstance(moment, dt.datetime) else dt.datetime.combine(moment, dt.time())
        return AsOf(wall, None)
    zone = ZoneInfo(time_zone or "UTC")
    if isinstance(moment, dt.datetime):
        if moment.tzinfo is None:
            message = (
                f"{argument} carries no time zone and the time column does (naive against aware). "
                f"Give {argument} with a zone, such as '2025-12-31T18:00+01:00', or as a plain date."
            )
            raise DomainError(message)
        try:
            return AsOf(moment.astimezone(zone).replace(tzinfo=None), zone)
        except OverflowError:
            message = f"{argument} lies outside the calendar of '{zone.key}'; allowed: {ALLOWED_MOMENTS}."
            raise DomainError(message) from None
    return AsOf(dt.datetime.combine(moment, dt.time()), zone)
