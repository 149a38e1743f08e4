"""Rates, means, balances and ratios on the customer table, in NumPy: the same whatever made the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from custvalue._indicators.aggregation import numbers
from custvalue._indicators.indicators import Frequency, Length, Monetary, Recency
from custvalue._indicators.plan import Aggregate
from custvalue._indicators.report import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    import narwhals.stable.v2 as nw

    from custvalue._indicators.indicator_sets import IndicatorSet
    from custvalue._indicators.indicators import Indicator
    from custvalue._indicators.moments import AsOf
    from custvalue._indicators.plan import Plan
    from custvalue._indicators.schema import TransactionSchema
    from custvalue._typing import BoolArray, FloatArray

#: Days without any row before as-of that are worth a warning.
QUIET_DAYS = 31
#: Difference between a running balance and the balance column that is more than rounding, in currency units.
CHAIN_TOLERANCE = 0.005


def _ratio(over: FloatArray, under: FloatArray) -> FloatArray:
    """Divide where the divisor is above 0; null elsewhere."""
    positive = under > 0.0
    found: FloatArray = np.where(positive, over / np.where(positive, under, 1.0), np.nan)
    return found


class Finish:
    """Values of the indicators of every customer of a table.

    Parameters
    ----------
    customers : narwhals.DataFrame
        One row a customer: ``a0`` (rows), ``a1`` (first day) and the other aggregates of the plan, and of a
        population ``opened``, ``closed`` and ``opening_balance``.
    plan : Plan
        What each indicator is made of.
    moment : AsOf
        The end of history.
    decimals : int or None
        Money comes in whole units of ten to the minus this.
    min_history_days : int
        Days of history a graded customer needs.
    """

    def __init__(
        self, customers: nw.DataFrame[Any], plan: Plan, moment: AsOf, decimals: int | None, min_history_days: int
    ) -> None:
        self._customers, self._plan, self._moment = customers, plan, moment
        self.as_of_day = moment.day
        self._place = {aggregate: place for place, aggregate in enumerate(plan.aggregates)}
        self._unit = 1.0 if decimals is None else float(10**decimals)
        self.n_rows = self.column("a0", 0.0)
        self.first_day = self.column("a1")
        opened, closed = self.column("opened"), self.column("closed")
        self.before_opened = int(np.sum(self.first_day < opened))
        last = Aggregate("last_day")
        self.after_closed = int(np.sum(self._of(last) > closed)) if last in self._place else 0
        self._start = np.fmin(opened, self.first_day)
        self._end = np.fmin(closed, float(moment.day))
        self.exposure = np.maximum(1.0, np.nan_to_num(self._end - self._start, nan=1.0))
        self.closed: BoolArray = closed < moment.end_day
        self.graded: BoolArray = ~self.closed & (self.exposure >= min_history_days)
        opening = self.column("opening_units")
        if "opening_units" not in customers.columns:
            opening = self.column("opening_balance")
            if decimals is not None:
                opening = np.round(opening * self._unit)
        self.opening_assumed = int(np.isnan(opening).sum())
        self._opening = np.where(np.isnan(opening) & ~np.isnan(self.first_day), 0.0, opening)

    @property
    def status(self) -> list[str]:
        """Say of every customer whether it is graded, new or closed."""
        found: list[str] = np.where(self.closed, "closed", np.where(self.graded, "graded", "new")).tolist()
        return found

    def column(self, name: str, fill: float = np.nan) -> FloatArray:
        """Give a column as float64, null filled; a column that is not there is all null."""
        if name not in self._customers.columns:
            return np.full(len(self._customers), fill)
        array = numbers(self._customers, name)
        array[np.isnan(array)] = fill
        return array

    def _of(self, aggregate: Aggregate, fill: float = np.nan) -> FloatArray:
        return self.column(f"a{self._place[aggregate]}", fill)

    def _window_days(self, window: str | None, times: int = 1) -> float:
        """Give the calendar days of some windows before as-of."""
        if window is None:
            return np.inf
        return float((self._moment.wall.date() - self._moment.window_start(window, times=times).date()).days)

    def exposed(self, window: str | None) -> FloatArray:
        """Give the days under observation within a window, at least 1."""
        start = np.fmax(self._start, self._moment.day - self._window_days(window))
        found: FloatArray = np.maximum(1.0, np.nan_to_num(self._end - start, nan=1.0))
        return found

    def exposed_before(self, window: str) -> FloatArray:
        """Give the days under observation within the window of the same length before; NaN below one day."""
        first, last = self._window_days(window, 2), self._window_days(window)
        start = np.fmax(self._start, self._moment.day - first)
        days = np.fmin(self._end, self._moment.day - last) - start
        return np.where(days >= 1.0, days, np.nan)

    def values(self, indicators: IndicatorSet) -> dict[str, FloatArray]:
        """Give every indicator of all customers, NaN where it is null."""
        found = {}
        for indicator, parts in zip(indicators.indicators, self._plan.needs, strict=False):
            value = self._value(indicator, parts)
            relative = getattr(indicator, "relative_to", None)
            if relative is not None:
                value = self._relative(indicator, parts, value)  # type: ignore[arg-type]  # only these have one
            found[indicator.name] = value
        return found

    def _value(self, indicator: Indicator, parts: Mapping[str, Aggregate]) -> FloatArray:
        if isinstance(indicator, Recency):
            return np.maximum(0.0, self._moment.day - self._of(parts["value"]))
        if isinstance(indicator, Length):
            return self.exposure if not parts else self._of(parts["value"]) - self._of(parts["first"])
        if isinstance(indicator, Monetary):
            return self._money(indicator, parts)
        if indicator.measure == "mean_gap":
            gaps = self._of(parts["days"], 0.0) - 1.0
            return _ratio(self._of(parts["value"]) - self._of(parts["first"]), gaps)
        count = self._of(parts["value"], 0.0)
        if indicator.measure == "share":
            return _ratio(count, self._of(parts["whole"], 0.0))
        return count / self.exposed(indicator.window) if indicator.is_rate else count

    def _money(self, indicator: Monetary, parts: Mapping[str, Aggregate]) -> FloatArray:
        if indicator.measure == "last_balance":
            return (self._opening + self._of(parts["value"], 0.0)) / self._unit
        if indicator.measure in ("max", "std"):
            return self._of(parts["value"]) / self._unit
        total = self._of(parts["value"], 0.0)
        if indicator.measure == "daily_average_balance":
            return self._average(indicator, total)
        if indicator.measure == "mean":
            return _ratio(total, self._of(parts["count"], 0.0)) / self._unit
        if indicator.measure == "share":
            return _ratio(total, self._of(parts["whole"], 0.0))
        total = total / self._unit
        return total / self.exposed(indicator.window) if indicator.per_exposed_day else total

    def _average(self, indicator: Monetary, total: FloatArray) -> FloatArray:
        """Give the mean of the days' closing balances from the first row, or the window's first day, on."""
        seen = np.nan_to_num(self._moment.day - self.first_day, nan=np.inf)
        days = np.minimum(seen, self._window_days(indicator.window))
        average = (self._opening + total / np.where(days > 0, days, 1.0)) / self._unit
        return np.where(days > 0, average, np.nan)

    def _relative(
        self, indicator: Frequency | Monetary, parts: Mapping[str, Aggregate], value: FloatArray
    ) -> FloatArray:
        if indicator.relative_to == "previous_window":
            before = self._of(parts["previous"], 0.0)
            if isinstance(indicator, Monetary):
                before = before / self._unit
            rate = indicator.is_rate if isinstance(indicator, Frequency) else indicator.per_exposed_day
            if rate:
                before = before / self.exposed_before(str(indicator.window))
            return _ratio(value, np.nan_to_num(before, nan=0.0))
        if indicator.relative_to == "median":
            positive = value[self.graded & (value > 0.0)]
            usual = float(np.median(positive)) if len(positive) else np.nan
            against: FloatArray = value / usual
            return against
        return value / float(indicator.relative_to)  # type: ignore[arg-type,no-any-return]  # asked where it is given


def balance_rules(finish: Finish, plan: Plan, indicators: IndicatorSet, decimals: int | None) -> list[Rule]:
    """Say what was assumed of opening balances and whether the running balance meets the column."""
    rules = []
    if any(isinstance(one, Monetary) and one.is_balance for one in indicators.indicators):
        assumed = finish.opening_assumed
        meaning = "Customers whose balance before their first row is taken as 0"
        rules.append(Rule("opening_balance_assumed", "warn" if assumed else "pass", assumed, meaning))
        closing = finish.column("closing_units")
        if not np.isnan(closing).all():
            place = plan.aggregates.index(plan.needs[-1]["value"])  # the sum that a balance column asks for
            unit = 1.0 if decimals is None else 10.0**decimals
            running = finish.column("opening_units") + finish.column(f"a{place}", 0.0)
            broken = int(np.sum(np.abs(running - closing) > CHAIN_TOLERANCE * unit))
            meaning = "Customers whose running balance does not meet the balance column at as_of"
            rules.append(Rule("balance_chain", "warn" if broken else "pass", broken, meaning))
    return rules


def closing_rules(
    finish: Finish,
    indicators: IndicatorSet,
    values: Mapping[str, FloatArray],
    schema: TransactionSchema,
    last_day: int,
) -> list[Rule]:
    """Say what the finished table shows: no recent rows, nobody graded, indicators of nobody."""
    quiet = finish.as_of_day - last_day
    meaning = f"Days between the last row and as_of; more than {QUIET_DAYS} look like an as_of beyond the data"
    found = [Rule("days_without_rows", "warn" if quiet > QUIET_DAYS else "pass", quiet, meaning)]
    if not finish.graded.any():
        meaning = "No customer has the history that min_history_days asks for: all are new, and features is empty"
        found.append(Rule("no_graded_customer", "warn", len(finish.exposure), meaning))
    if schema.opened:
        meaning = "Customers with rows before their opening date: exposure counts from the first row"
        found.append(_warning("rows_before_opened", finish.before_opened, meaning))
    if schema.closed:
        meaning = "Customers with rows after their closing date: exposure ends at the closing date"
        found.append(_warning("rows_after_closed", finish.after_closed, meaning))
    silent = [one.name for one in indicators.indicators if _silent(one, values[one.name])]
    meaning = "Indicators that no customer has a row for"
    named = f"{meaning}: {', '.join(silent)}" if silent else meaning
    return [*found, _warning("indicator_without_rows", len(silent), named)]


def _warning(name: str, count: int, meaning: str) -> Rule:
    return Rule(name, "warn" if count else "pass", count, meaning)


def _silent(indicator: Indicator, values: FloatArray) -> bool:
    if isinstance(indicator, Recency | Length):
        return bool(np.isnan(values).all())
    return bool((np.nan_to_num(values) == 0.0).all())
