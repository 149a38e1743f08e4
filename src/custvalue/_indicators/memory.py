"""Aggregates of rows in memory: codes are looked up once a code, and rows are met block by block."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np

from custvalue._codes import customers
from custvalue._engines import TICKS, with_ticks
from custvalue._frames import LARGEST
from custvalue._indicators import engine, rules
from custvalue._indicators.codes import Patterns
from custvalue._indicators.guard import BOOKED_TICKS
from custvalue._indicators.local_days import zone_offsets
from custvalue._indicators.moments import DAY_MICROSECONDS
from custvalue._indicators.plan import Term, initiator_terms, side_term
from custvalue._indicators.totals import Asked, Block, Ground, Totals
from custvalue._kernels import customer_sums as sums

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from custvalue._typing import BoolArray, FloatArray, IntArray

EagerFrame = nw.DataFrame[Any]


def asked_terms(asked: Asked) -> list[Term]:
    """List every term that an aggregate, a rule, a mark or a sign needs, in its positive form."""
    schema = asked.schema
    conditions = [one.condition for one in asked.aggregates] + list(rules.rule_conditions(schema).values())
    conditions += [(rules.exclusion(marks),) for marks in schema.excluded.values()]
    system, standing = initiator_terms(schema)
    found = [*system, *standing, *(term for condition in conditions for clause in condition for term in clause)]
    if schema.side:
        found += [side_term(schema, "credit"), side_term(schema, "debit")]
    if schema.reversal:
        found.append(Term(schema.reversal, None))
    return list(dict.fromkeys(term if term.holds else term.denied() for term in found))


def _floats(frame: EagerFrame, name: str) -> FloatArray:
    numbers: FloatArray = np.asarray(frame.get_column(name).cast(nw.Float64()).to_numpy(), dtype=np.float64)
    return numbers


def _ticks(frame: EagerFrame, name: str, alias: str) -> IntArray:
    kind = frame.schema[name]
    if isinstance(kind, nw.Date) or (isinstance(kind, nw.Datetime) and kind.time_zone is None):
        values = frame.get_column(name).to_numpy()
        if values.dtype.kind == "M" and np.datetime_data(values.dtype)[0] in (
            "us",
            "ns",
            "D",
        ):  # a null is the smallest number here too
            wall: IntArray = values.astype("M8[us]", copy=False).view(np.int64)
            return wall
    found = with_ticks(frame.select(name), name, alias).get_column(alias)  # type: ignore[union-attr]  # in memory
    if found.null_count():
        found = found.fill_null(np.iinfo(np.int64).min)
    ticks: IntArray = found.to_numpy().astype(np.int64, copy=False)
    return ticks


class Rows:
    """Rows in memory without a null key or time, read block by block and counted by rule on the way."""

    def __init__(self, frame: EagerFrame, asked: Asked) -> None:
        schema = asked.schema
        self.frame, self._asked, self._schema = frame, asked, schema
        self._about = rules.rule_conditions(schema)
        self._excluded = {reason: rules.exclusion(marks) for reason, marks in schema.excluded.items()}
        self.patterns = Patterns(frame, asked_terms(asked))
        self.customer, self.keys = customers(frame.get_column(schema.customer), schema.customer)
        self.ticks = _ticks(frame, schema.time, TICKS)
        self._booked = _ticks(frame, str(schema.booked), BOOKED_TICKS) if asked.known_at else None
        self._amount = _floats(frame, schema.amount) if schema.amount else None
        self._rate = _floats(frame, schema.rate) if schema.rate else None
        self._offsets = self._zone()
        self._limit = asked.as_of.instant(asked.as_of.wall)
        self.counts: Counter[str] = Counter()
        self.met = np.zeros(self.patterns.count, dtype=np.int64)

    def _zone(self) -> tuple[IntArray, IntArray] | None:
        zone = self._schema.zone
        if zone is None or not len(self.ticks):
            return None
        starts, offsets = zone_offsets(zone, int(self.ticks.min()), int(self.ticks.max()))
        return np.array(starts, dtype=np.int64), np.array(offsets, dtype=np.int64)

    def _days(self, ticks: IntArray) -> IntArray:
        if self._offsets is not None:
            starts, offsets = self._offsets
            ticks = ticks + offsets[np.searchsorted(starts, ticks, side="right")]
        days: IntArray = ticks // DAY_MICROSECONDS
        return days

    def ground(self) -> Ground:
        """Say what totals of these rows stand on."""
        first = int(self.ticks.min()) // DAY_MICROSECONDS - 1 if len(self.ticks) else 0
        return Ground(self.patterns.table, self.patterns.count, len(self.keys), first)

    def kept(self, rows: slice, *, count: bool = False) -> BoolArray:
        """Tell which rows of a block are kept, and count the others by reason."""
        ticks, pattern = self.ticks[rows], self.patterns.rows[rows]
        late = ticks >= self._limit
        inside = ~late
        counts: dict[str, BoolArray] = {"rows_after_as_of": late}
        for reason, clause in self._excluded.items():
            marked = self.patterns.table((clause,))[pattern]
            counts[f"excluded_{reason}"] = marked & ~late
            inside &= ~marked
        if self._booked is not None and self._asked.known_at is not None:
            booked = self._booked[rows]
            unknown = booked >= self._asked.known_at.instant(self._asked.known_at.wall)
            counts["rows_known_later"] = inside & unknown
            inside &= ~unknown
            counts["booked_null"] = inside & (booked == np.iinfo(np.int64).min)
        if count:
            for name, mask in counts.items():
                self.counts[name] += int(np.count_nonzero(mask))
            self.counts["rows"] += int(np.count_nonzero(inside))
        return inside

    def blocks(self, *, count: bool = False) -> Iterator[Block]:
        """Read the kept rows, a block at a time."""
        for start in range(0, len(self.ticks), sums.BLOCK):
            rows = slice(start, start + sums.BLOCK)
            keep = self.kept(rows, count=count)
            chosen = slice(None) if keep.all() else keep
            ticks = self.ticks[rows][chosen]
            pattern = self.patterns.rows[rows][chosen]
            amount = None if self._amount is None else self._money(rows, chosen, pattern, count=count)
            if count:
                self.met += np.bincount(pattern, minlength=self.patterns.count)
            day = self._days(ticks)
            if count and len(day):
                last = int(day.max())
                self.counts["last_day"] = max(last, self.counts.get("last_day", last))
            yield Block(self.customer[rows][chosen], day, ticks, pattern, amount)

    def _money(self, rows: slice, chosen: Any, pattern: NDArray[Any], *, count: bool) -> FloatArray:
        """Give amounts in the reporting currency or in whole smallest units, and count what is wrong."""
        amount: FloatArray = self._amount[rows][chosen]  # type: ignore[index]  # asked where there are amounts
        rate = None if self._rate is None else self._rate[rows][chosen]
        if rate is not None:
            amount = amount * rate
        exact = amount if self._asked.decimals is None else amount * float(10**self._asked.decimals)
        beyond = np.abs(exact) > rules.largest(self._asked.decimals)
        if beyond.any():
            exact = np.where(beyond, np.nan, exact)
        amount = exact if self._asked.decimals is None else np.round(exact)
        if count:
            self.counts["amount_null"] += int(np.count_nonzero(np.isnan(amount) & ~beyond))
            if rate is not None:
                beyond &= rate < LARGEST
            self.counts["amount_infinite"] += int(np.count_nonzero(beyond))
            self._count_money(amount, exact, rate, pattern)
        return amount

    def _count_money(
        self, amount: FloatArray, exact: FloatArray, rate: FloatArray | None, pattern: NDArray[Any]
    ) -> None:
        counts = self.counts
        negative = amount < 0.0
        if self._schema.side and self._schema.reversal and negative.any():
            negative &= ~self.patterns.table(((Term(self._schema.reversal, None),),))[pattern]
        counts["amount_negative" if self._schema.side else "debits"] += int(np.count_nonzero(negative))
        if self._asked.decimals is not None:
            beside = np.abs(exact - amount) > rules.WHOLE_TOLERANCE + rules.ROUNDED * np.abs(exact)
            counts["amount_not_whole"] += int(np.count_nonzero(beside))
        if rate is not None:
            counts["rate_invalid"] += int(np.count_nonzero(~((rate > 0.0) & (rate < LARGEST))))

    def found(self) -> rules.Counts:
        """Give the counts of all rules and the codes that no kept row carries; the blocks must have been read."""
        counts = dict(self.counts)
        for name, condition in self._about.items():
            counts[name] = int(self.met[self.patterns.table(condition)].sum())
        watched = dict(self._asked.labels) | rules.mark_labels(self._schema)
        absent = dict.fromkeys(
            label for term, label in watched.items() if not self.met[self.patterns.table(((term,),))].any()
        )
        names = {"currency": self._schema.currency, "account": self._schema.account, "key": self._schema.customer}
        if self._schema.currency or self._schema.account:
            starts = range(0, len(self.ticks), sums.BLOCK)
            keep = np.concatenate([np.zeros(0, bool), *(self.kept(slice(at, at + sums.BLOCK)) for at in starts)])
            chosen = self.frame.select(*(nw.col(name).alias(alias) for alias, name in names.items() if name))
            kept = nw.new_series("kept", keep, nw.Boolean(), backend=self.frame.implementation)
            counts |= engine.several(chosen.filter(kept), self._schema)
        return rules.Counts(counts, tuple(absent))


def aggregated(frame: EagerFrame, asked: Asked) -> tuple[rules.Counts, nw.DataFrame[Any], bool]:
    """Give the counts of all rules, the customers with a column an aggregate, and whether sums are too large.

    The columns are those of :func:`custvalue._indicators.aggregation.customer_table`, sorted by key.
    """
    frame, lost = without_nulls(frame, asked)
    rows = Rows(frame, asked)
    totals = Totals(rows.ground(), asked)
    for block in rows.blocks(count=True):
        totals.add(block)
    found = rows.found()
    add_counts(found.counts, lost)
    columns = {f"a{place}": totals.finished(place) for place in range(len(asked.aggregates))}
    return found, customer_frame(rows.keys, columns), totals.too_large(rows.blocks)


def add_counts(counts: dict[str, int], more: Mapping[str, int]) -> None:
    """Add counts to those of the same rules."""
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count


def customer_frame(keys: nw.Series[Any], columns: Mapping[str, FloatArray]) -> EagerFrame:
    """Give the customers that have rows, a column an aggregate, of which the first counts all rows."""
    backend = keys.implementation
    made = (
        keys.alias("key")
        .to_frame()
        .with_columns(*(nw.new_series(name, values, backend=backend) for name, values in columns.items()))
    )
    met = nw.new_series("met", columns["a0"] > 0.0, nw.Boolean(), backend=backend)
    return nw.maybe_reset_index(made.filter(met))


def without_nulls(frame: EagerFrame, asked: Asked) -> tuple[EagerFrame, dict[str, int]]:
    """Part rows without key or time from the others, and count them by the rules of every engine."""
    schema = asked.schema
    names = dict.fromkeys((schema.customer, schema.time))
    lacking = nw.any_horizontal(*(nw.col(name).is_null() for name in names), ignore_nulls=False)
    if not any(frame.get_column(name).null_count() for name in names):
        return frame, {"customer_null": 0, "time_null": 0}
    lost = engine.history(frame.filter(lacking), schema, as_of=asked.as_of, known_at=asked.known_at).counts
    kept = ("customer_null", "time_null", "rows_after_as_of", "rows_known_later", "booked_null")
    wanted = [*kept, *(f"excluded_{reason}" for reason in schema.excluded)]
    return nw.maybe_reset_index(frame.filter(~lacking)), {name: lost.get(name, 0) for name in wanted}
