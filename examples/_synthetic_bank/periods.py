"""The calendar of the synthetic bank: days and months of the period, seasons, draws of days and times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from _synthetic_bank.tables import CHANNELS, HOURS, INFLOW_SEASON, SPEND_SEASON, WEEKDAYS

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
DateArray = npt.NDArray[np.datetime64]

SECONDS = 86_400


@dataclass(frozen=True, eq=False)
class Calendar:
    """Days are counted from the first day of the period, months from its first month.

    Attributes
    ----------
    start : numpy.datetime64
        First day.
    first_day : ndarray of shape (months + 1,)
        First day of each month; the last entry is the number of days.
    spend_season, inflow_season : ndarray of shape (months,)
        Season factors of `tables`, laid over the period.
    weights : dict
        For each channel, the running sum of its weekday weights, of shape (n_days + 1,).
    """

    start: np.datetime64
    first_day: IntArray
    spend_season: FloatArray
    inflow_season: FloatArray
    weights: dict[str, FloatArray]

    @property
    def months(self) -> int:
        """Number of months."""
        return len(self.first_day) - 1

    @property
    def n_days(self) -> int:
        """Number of days."""
        return int(self.first_day[-1])

    def weekday(self, day: IntArray) -> IntArray:
        """Return the day of the week, Monday = 0."""
        thursday = 3  # 1970-01-01
        return (day + int(self.start.astype(np.int64)) + thursday) % 7

    def dates(self, day: IntArray) -> DateArray:
        """Return midnight of the days."""
        return np.asarray(self.start + day.astype("timedelta64[D]"), dtype="datetime64[us]")

    def times(self, second: IntArray) -> DateArray:
        """Return the moments, given in seconds from the period's first midnight."""
        return np.asarray(self.start + second.astype("timedelta64[s]"), dtype="datetime64[us]")

    def month_starts(self, month: IntArray) -> DateArray:
        """Return the first day of the months; NaT for a negative month."""
        dates = self.dates(self.first_day[np.maximum(month, 0)])
        dates[month < 0] = np.datetime64("NaT")
        return dates

    def month_of(self, day: IntArray) -> IntArray:
        """Return the month of the days, -1 before the period."""
        return np.searchsorted(self.first_day, day, side="right").astype(np.int64) - 1

    def draw_seconds(
        self, rng: np.random.Generator, channel: npt.NDArray[np.int8], low: IntArray, high: IntArray
    ) -> IntArray:
        """Draw a moment in the days [low, high) after the weekdays and opening hours of the channel.

        Within the day the time is the mean of two uniform draws over the opening hours.
        """
        second = np.empty(len(low), dtype=np.int64)
        for code, name in enumerate(CHANNELS):
            at = np.flatnonzero(channel == code)
            running, (opens, closes) = self.weights[name], HOURS[name]
            floor, ceiling = low[at], high[at]
            point = running[floor] + rng.random(len(at)) * (running[ceiling] - running[floor])
            day = np.searchsorted(running, point, side="right") - 1
            day = np.clip(day, floor, ceiling - 1)
            of_day = opens + (closes - opens) * (rng.random(len(at)) + rng.random(len(at))) / 2
            second[at] = day * SECONDS + (of_day * 3600).astype(np.int64)
        return second

    def working_day(self, month: IntArray, day_of_month: IntArray) -> IntArray:
        """Return the day of the month, or the Friday before where it falls on a weekend (day_of_month >= 3)."""
        day = self.first_day[month] + day_of_month - 1
        return day - np.maximum(self.weekday(day) - 4, 0)


def make_calendar(start: str, months: int) -> Calendar:
    """Lay the calendar over `months` months from `start`, the first day of a month."""
    first = np.datetime64(start, "D")
    if first != first.astype("datetime64[M]"):
        raise ValueError(f"start must be the first day of a month, got {start!r}")
    edges = (first.astype("datetime64[M]") + np.arange(months + 1)).astype("datetime64[D]")
    first_day = (edges - first).astype(np.int64)
    of_year = (first.astype("datetime64[M]").astype(np.int64) + np.arange(months)) % 12
    weekday = (np.arange(first_day[-1]) + int(first.astype(np.int64)) + 3) % 7
    weights = {name: np.concatenate([[0.0], np.cumsum(np.asarray(WEEKDAYS[name])[weekday])]) for name in CHANNELS}
    return Calendar(
        first, first_day, np.asarray(SPEND_SEASON)[of_year], np.asarray(INFLOW_SEASON)[of_year], weights
    )
