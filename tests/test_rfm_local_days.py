"""Local days by whole numbers are those of the time zone database, to the microsecond around every change."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custvalue._indicators.local_days import zone_offsets

ZONES = ["Europe/Prague", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"]
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)
SECONDS = st.integers(-40 * 365 * 86_400, 70 * 365 * 86_400)
MOMENTS = SECONDS.map(lambda seconds: EPOCH + dt.timedelta(seconds=seconds))


def number(moment: dt.datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


def offset_at(moment: dt.datetime, starts: list[int], offsets: list[int]) -> dt.timedelta:
    place = sum(start <= number(moment) for start in starts)
    return offsets[place] * MICROSECOND


@given(st.sampled_from(ZONES), st.lists(MOMENTS, min_size=3, max_size=3))
def test_an_offset_is_that_of_the_zone(zone: str, moments: list[dt.datetime]) -> None:
    low, moment, high = sorted(moments)
    starts, offsets = zone_offsets(ZoneInfo(zone), number(low), number(high))
    assert len(offsets) == len(starts) + 1
    assert offset_at(moment, starts, offsets) == moment.astimezone(ZoneInfo(zone)).utcoffset()


@pytest.mark.parametrize(
    ("zone", "changes"),
    [
        ("Europe/Prague", ["2025-03-30T01:00", "2025-10-26T01:00"]),
        ("America/New_York", ["2025-03-09T07:00", "2025-11-02T06:00"]),
        ("Asia/Shanghai", []),
    ],
)
def test_changes_of_2025_begin_when_the_law_says(zone: str, changes: list[str]) -> None:
    """Directive 2000/84/EC: 01:00 UTC on the last Sundays of March and October; 15 U.S.C. 260a: 2 in the night."""
    year = [number(dt.datetime(y, 1, 1, tzinfo=dt.UTC)) for y in (2025, 2026)]
    starts, _ = zone_offsets(ZoneInfo(zone), *year)
    assert starts == [number(dt.datetime.fromisoformat(one).replace(tzinfo=dt.UTC)) for one in changes]


def test_the_ends_of_the_calendar_are_no_trouble() -> None:
    starts, offsets = zone_offsets(
        ZoneInfo("Asia/Shanghai"), -(2**62), number(dt.datetime(1901, 1, 2, tzinfo=dt.UTC))
    )
    assert len(offsets) == len(starts) + 1
    assert zone_offsets(ZoneInfo("UTC"), 0, 0) == ([], [0])
