"""Arrays of one entry a customer that rows, or cells of many rows, are added to block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from custvalue._indicators import rules
from custvalue._indicators.aggregation import SUMS
from custvalue._indicators.moments import DAY_MICROSECONDS
from custvalue._indicators.plan import Term, side_term
from custvalue._kernels import customer_sums as sums

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from custvalue._indicators.moments import AsOf
    from custvalue._indicators.plan import Aggregate, Condition
    from custvalue._indicators.schema import TransactionSchema
    from custvalue._typing import BoolArray, FloatArray, IntArray

#: The span of time of an aggregate, in microseconds.
Span = tuple[int | None, int | None]


@dataclass(frozen=True)
class CellMoney:
    """What many rows of one customer, day and pattern add up to; arrays of one entry a cell.

    ``rows`` of the cell, ``known`` (with an amount), ``absolute`` (sum of absolute amounts), ``largest`` of them
    (minus infinity without any) and ``squares`` (sum of squared deviations from their mean), where asked for.
    """

    rows: FloatArray
    known: FloatArray | None = None
    absolute: FloatArray | None = None
    largest: FloatArray | None = None
    squares: FloatArray | None = None


@dataclass(frozen=True)
class Ground:
    """What the totals stand on: patterns, customers, and a day before which no row lies."""

    table: Callable[[Condition], BoolArray]
    n_patterns: int
    n_customers: int
    first_day: int


@dataclass(frozen=True)
class Block:
    """Some kept rows or cells: of each its customer, local day, time, pattern, and amount (null as NaN)."""

    customer: NDArray[Any]
    day: IntArray
    ticks: IntArray
    pattern: NDArray[Any]
    amount: FloatArray | None
    cells: CellMoney | None = None


@dataclass(frozen=True)
class Asked:
    """What is asked of the rows: up to when, known when, which aggregates, and in whole units or not."""

    schema: TransactionSchema
    as_of: AsOf
    known_at: AsOf | None
    decimals: int | None
    aggregates: Sequence[Aggregate]
    labels: Mapping[Term, str]

    def span(self, aggregate: Aggregate) -> Span:
        """Give the first instant of an aggregate's rows and the first beyond them; what weighs filters nothing."""
        if aggregate.what == "weighted":
            return None, None
        start, end = (
            None if wall is None else self.as_of.instant(wall) for wall in (aggregate.start, aggregate.end)
        )
        return start, end


class _Money:
    """Signs and weights of the amounts of a block."""

    def __init__(self, ground: Ground, asked: Asked) -> None:
        table, schema = ground.table, asked.schema
        self._asked = asked
        debit = np.zeros(ground.n_patterns, dtype=bool)
        back = np.zeros(ground.n_patterns, dtype=bool)
        if schema.side:
            debit = ~table(((side_term(schema, "credit"),),))
        if schema.reversal and schema.refunds == "net":
            back = table(((Term(schema.reversal, None),),))
        self._sign = np.where(debit, -1.0, 1.0)
        self._paid = np.where(back, -1.0, 1.0)
        self._signs, self._nets = bool(debit.any()), bool(back.any())

    def of(self, aggregate: Aggregate, block: Block, chosen: Any) -> FloatArray:
        """Give the amounts that an aggregate is taken of; null stays NaN."""
        amount: FloatArray = block.amount[chosen]  # type: ignore[index]  # asked where there are amounts
        if aggregate.what not in SUMS:
            return np.abs(amount)
        pattern = block.pattern[chosen]
        if aggregate.what == "paid":
            paid = np.abs(amount) if block.cells is None else _given(block.cells.absolute)[chosen]
            return paid * self._paid[pattern] if self._nets else paid
        signed = amount * self._sign[pattern] if self._signs else amount
        if aggregate.what == "signed":
            return signed
        as_of = self._asked.as_of
        day = block.day[chosen]
        if aggregate.start is not None:
            day = np.maximum(day, as_of.day - (as_of.wall.date() - aggregate.start.date()).days)
        weighted: FloatArray = signed * (as_of.day - day)
        return weighted


class Totals:
    """The arrays of every aggregate, one entry a customer."""

    def __init__(self, ground: Ground, asked: Asked) -> None:
        self._ground, self._asked = ground, asked
        self._money = _Money(ground, asked)
        self._groups: dict[tuple[Condition, Span], list[int]] = {}
        for place, one in enumerate(asked.aggregates):
            self._groups.setdefault((one.condition, asked.span(one)), []).append(place)
        self._out: list[Any] = [self._empty(one) for one in asked.aggregates]
        self._bounds: dict[int, float] = dict.fromkeys(
            (
                place
                for place, one in enumerate(asked.aggregates)
                if one.what in SUMS and asked.decimals is not None
            ),
            0.0,
        )

    def _empty(self, aggregate: Aggregate) -> Any:
        n_customers = self._ground.n_customers
        if aggregate.what in ("first_day", "last_day"):
            return sums.no_day(n_customers, latest=aggregate.what == "last_day")
        if aggregate.what == "largest":
            return np.full(n_customers, -np.inf)
        if aggregate.what == "std":
            return np.zeros((3, n_customers))
        if aggregate.what == "days":
            first = self._first_day(self._asked.span(aggregate)[0])
            last = self._asked.as_of.end_day + 1  # clocks that go back across midnight repeat a day
            return sums.DistinctDays(n_customers, first, last - first)
        return np.zeros(n_customers)

    def _first_day(self, start: int | None) -> int:
        """Give a day before which no row of a span can lie; a zone moves a day by at most one."""
        earliest = self._ground.first_day
        return earliest if start is None else max(earliest, start // DAY_MICROSECONDS - 1)

    def too_large(self, blocks: Callable[[], Iterable[Block]]) -> bool:
        """Tell whether a customer's whole units are too many to be added up exactly, in any order."""
        doubtful = {place for place, bound in self._bounds.items() if bound > rules.EXACT}
        if not doubtful:
            return False
        volume = {place: np.zeros(self._ground.n_customers) for place in doubtful}
        for block in blocks():
            for chosen, customer, places in self._chosen(block):
                for place in doubtful.intersection(places):
                    values = np.abs(np.nan_to_num(self._money.of(self._asked.aggregates[place], block, chosen)))
                    sums.add_sums(volume[place], customer, values)
        return any(bool((one > rules.EXACT).any()) for one in volume.values())

    def _chosen(self, block: Block) -> Iterator[tuple[Any, NDArray[Any], list[int]]]:
        """Give for every condition and span its rows of a block, their customers, and the aggregates."""
        within: dict[tuple[int, bool], BoolArray] = {}
        for (condition, (start, end)), places in self._groups.items():
            mask = self._ground.table(condition)[block.pattern] if condition else None
            for bound, after in ((start, True), (end, False)):
                if bound is not None:
                    if (bound, after) not in within:
                        within[bound, after] = block.ticks >= bound if after else block.ticks < bound
                    mask = within[bound, after] if mask is None else mask & within[bound, after]
            chosen = slice(None) if mask is None else np.flatnonzero(mask)
            customer = block.customer[chosen]
            if len(customer):
                yield chosen, customer, places

    def add(self, block: Block) -> None:
        """Meet a block of rows."""
        for chosen, customer, places in self._chosen(block):
            for place in places:
                self._add(place, block, chosen, customer)

    def _add(self, place: int, block: Block, chosen: Any, customer: NDArray[Any]) -> None:
        aggregate, out = self._asked.aggregates[place], self._out[place]
        if aggregate.what == "count":
            _add_rows(out, customer, None if block.cells is None else block.cells.rows[chosen])
        elif aggregate.what == "last_day":
            sums.raise_to(out, customer, block.day[chosen])
        elif aggregate.what == "first_day":
            sums.lower_to(out, customer, block.day[chosen])
        elif aggregate.what == "days":
            out.add(customer, block.day[chosen])
        else:
            self._add_money(place, block, chosen, customer)

    def _add_money(self, place: int, block: Block, chosen: Any, customer: NDArray[Any]) -> None:
        aggregate, out = self._asked.aggregates[place], self._out[place]
        if block.cells is not None and aggregate.what not in SUMS:
            _add_cells(aggregate.what, out, customer, block.cells, chosen)
            return
        values = self._money.of(aggregate, block, chosen)
        known = ~np.isnan(values)
        if not known.all():
            customer, values = customer[known], values[known]
        if aggregate.what == "paid_count":
            sums.add_counts(out, customer)
        elif aggregate.what == "largest":
            sums.raise_to(out, customer, values)
        elif aggregate.what == "std":
            sums.add_moments(out, customer, values)
        else:
            sums.add_sums(out, customer, values)
            if place in self._bounds:
                self._bounds[place] += float(np.abs(values).sum())

    def finished(self, place: int) -> FloatArray:
        """Give an aggregate of every customer, NaN where no row gives one."""
        what, out = self._asked.aggregates[place].what, self._out[place]
        found: FloatArray
        if what in ("first_day", "last_day"):
            found = sums.days_or_nan(out)
        elif what == "days":
            found = out.counts()
        elif what == "largest":
            found = np.where(np.isneginf(out), np.nan, out)
        elif what == "std":
            found = sums.standard_deviation(out)
        else:
            found = out
        return found


def _given(values: FloatArray | None) -> FloatArray:
    return np.zeros(0) if values is None else values


def _add_rows(out: FloatArray, customer: NDArray[Any], rows: FloatArray | None) -> None:
    if rows is None:
        sums.add_counts(out, customer)
    else:
        sums.add_sums(out, customer, rows)


def _add_cells(what: str, out: Any, customer: NDArray[Any], cells: CellMoney, chosen: Any) -> None:
    """Add cells to counts, extremes and moments of absolute amounts."""
    known = _given(cells.known)[chosen]
    if what == "paid_count":
        sums.add_sums(out, customer, known)
    elif what == "largest":
        sums.raise_to(out, customer, _given(cells.largest)[chosen])
    else:
        moments = np.array([known, _given(cells.absolute)[chosen], _given(cells.squares)[chosen]])
        sums.add_cell_moments(out, customer, moments)
