"""Local calendar days of aware instants, by whole numbers alone: no engine's idea of a time zone is asked."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from custvalue._indicators.moments import DAY_MICROSECONDS

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DAY = dt.timedelta(days=1)
_MICROSECOND = dt.timedelta(microseconds=1)
#: Instants are moved by this many days, so that a division that rounds towards zero rounds down.
SHIFT_DAYS = 1_000_000
SHIFT = SHIFT_DAYS * DAY_MICROSECONDS


def _offset(moment: dt.datetime, zone: ZoneInfo) -> int:
    found = moment.astimezone(zone).utcoffset()
    return 0 if found is None else found // _MICROSECOND


def zone_offsets(zone: ZoneInfo, first: int, last: int) -> tuple[list[int], list[int]]:
    """Give the offsets from UTC between two instants, and the instants at which each but the first begins.

    All in microseconds. The zone is asked once a day, and a change is then found to the microsecond; a zone that
    changes and changes back within a day does not exist in the time zone database.
    """
    earliest, latest = (
        dt.datetime.min.replace(tzinfo=dt.UTC) + _DAY,
        dt.datetime.max.replace(tzinfo=dt.UTC) - _DAY,
    )
    moment = max(earliest, _EPOCH + max(first, (earliest - _EPOCH) // _MICROSECOND) * _MICROSECOND)
    end = min(latest, _EPOCH + min(last, (latest - _EPOCH) // _MICROSECOND) * _MICROSECOND)
    starts: list[int] = []
    offsets = [_offset(moment, zone)]
    while moment < end:
        following = min(moment + _DAY, end)
        found = _offset(following, zone)
        if found != offsets[-1]:
            low, high = moment, following
            while high - low > _MICROSECOND:
                middle = low + (high - low) // 2
                low, high = (low, middle) if _offset(middle, zone) == found else (middle, high)
            starts.append((high - _EPOCH) // _MICROSECOND)
            offsets.append(found)
        moment = following
    return starts, offsets
