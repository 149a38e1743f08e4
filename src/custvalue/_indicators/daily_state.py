"""The state that days add up to: cells of rows by customer, day and pattern, from memory or from an engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from custvalue._codes import customers
from custvalue._engines import collected
from custvalue._frames import ROUNDING
from custvalue._indicators import aggregation, engine, guard, memory, rules
from custvalue._indicators.codes import patterns_meeting
from custvalue._indicators.moments import DAY_MICROSECONDS, AsOf
from custvalue._indicators.totals import Asked, Block, CellMoney, Ground, Totals
from custvalue._kernels import daily_cells
from custvalue.exceptions import ColumnError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from custvalue._engines import Frame
    from custvalue._indicators.plan import Condition, Term
    from custvalue._typing import BoolArray, FloatArray, IntArray

    Cells = dict[str, NDArray[Any]]

#: More tables of cells than this are joined to one: reading each costs a little.
_MOST_TABLES = 64


@dataclass(frozen=True)
class DailyState:
    """What the rows of many days add up to.

    Attributes
    ----------
    keys : narwhals.Series
        Keys of the customers, in the order of their numbers.
    terms : tuple of Term
        What a pattern says of a row, column by column.
    patterns : ndarray of bool, shape (n_patterns, n_terms)
        Every pattern once.
    tables : tuple of mapping of str to ndarray
        Cells in the order of their days, which no two tables share.
    counts : mapping of str to int
        Counts of the rules that look at rows left out.
    currencies : frozenset of str
        Currencies met, to be one.
    """

    keys: nw.Series[Any]
    terms: tuple[Term, ...]
    patterns: BoolArray
    tables: tuple[Cells, ...]
    counts: dict[str, int] = field(default_factory=dict)
    currencies: frozenset[str] = frozenset()

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return sum(len(table["day"]) for table in self.tables)

    def table(self, condition: Condition) -> BoolArray:
        """Tell for every pattern whether it meets a condition."""
        place = {term: j for j, term in enumerate(self.terms)}
        return patterns_meeting(condition, lambda term: self.patterns[:, place[term]], len(self.patterns))

    def blocks(self, end_day: int) -> Iterator[Block]:
        """Read the cells of the days before one."""
        for whole in self.tables:
            table = daily_cells.between(whole, None, end_day)
            if not len(table["day"]):
                continue
            money = CellMoney(
                table["rows"].astype(np.float64),
                *(table.get(name) for name in ("known", "absolute", "largest", "squares")),
            )
            day: IntArray = table["day"].astype(np.int64)
            yield Block(
                table["customer"], day, day * DAY_MICROSECONDS, table["pattern"], table.get("total"), money
            )


def money_of(asked: Asked) -> tuple[str, ...]:
    """Name what is kept of money in a cell."""
    what = {one.what for one in asked.aggregates}
    names: tuple[str, ...] = ()
    if asked.schema.amount:
        names = ("known", "total", "absolute")
    if "largest" in what:
        names += ("largest",)
    if "std" in what:
        names += ("squares",)
    return names


def from_memory(frame: nw.DataFrame[Any], asked: Asked) -> tuple[rules.Counts, DailyState]:
    """Add the rows of a frame in memory up to cells."""
    frame, lost = memory.without_nulls(frame, asked)
    rows = memory.Rows(frame, asked)
    tables = [_block_cells(block, money_of(asked)) for block in rows.blocks(count=True)]
    found = rows.found()
    memory.add_counts(found.counts, lost)
    terms = tuple(memory.asked_terms(asked))
    patterns = np.column_stack(
        [rows.patterns.table(((term,),)) for term in terms] or [np.ones((1, 0), dtype=bool)]
    )
    cells = daily_cells.merged(tables)
    return found, DailyState(rows.keys, terms, patterns, tuple(one for one in cells if len(one["day"])))


def _block_cells(block: Block, wanted: Sequence[str]) -> Cells:
    """Make every row of a block a cell of its own, and join them."""
    amount = block.amount
    made: Cells = {
        "day": block.day.astype(np.int32),
        "customer": block.customer.astype(np.int32),
        "pattern": block.pattern.astype(np.int32),
        "rows": np.ones(len(block.day)),
    }
    if amount is not None and wanted:
        null = np.isnan(amount)
        absolute = np.where(null, 0.0, np.abs(amount))
        money = {
            "known": (~null).astype(np.float64),
            "total": np.where(null, 0.0, amount),
            "absolute": absolute,
            "largest": np.where(null, -np.inf, absolute),
            "squares": np.zeros(len(amount)),
        }
        made |= {name: money[name] for name in wanted}
    return daily_cells.joined([made])


def from_engine(frame: Frame, asked: Asked) -> tuple[rules.Counts, DailyState]:
    """Let an engine add its rows up to cells."""
    terms = tuple(memory.asked_terms(asked))
    found = engine.history(
        frame,
        asked.schema,
        as_of=asked.as_of,
        known_at=asked.known_at,
        decimals=asked.decimals,
        conditions=[((term,),) for term in terms],
        labels=asked.labels,
    )
    masks = found.masks or {}
    names = [masks[term] for term in terms]
    wanted = money_of(asked)
    columns = {"absolute": nw.col("amount").abs()} if wanted else {}
    bare = {
        "known": nw.col("amount").count(),
        "total": nw.col("amount").sum(),
        "absolute": nw.col("absolute").sum(),
        "largest": nw.col("absolute").max(),
        "squares": nw.col("absolute").std(ddof=1),
    }
    grouped = found.rows.with_columns(**columns).group_by("key", "day", *names)
    cells = collected(grouped.agg(nw.len().alias("rows"), *(bare[name].alias(name) for name in wanted)))
    return found, _engine_state(cells, terms, names, wanted, asked)


def _engine_state(
    cells: nw.DataFrame[Any], terms: tuple[Term, ...], names: Sequence[str], wanted: Sequence[str], asked: Asked
) -> DailyState:
    customer, keys = customers(cells.get_column("key"), asked.schema.customer)
    truth = np.zeros((len(cells), len(terms)), dtype=bool)
    for j, name in enumerate(names):
        truth[:, j] = cells.get_column(name).to_numpy()
    patterns, pattern = np.unique(truth, axis=0, return_inverse=True)
    made: Cells = {
        "day": aggregation.numbers(cells, "day").astype(np.int32),
        "customer": customer.astype(np.int32),
        "pattern": pattern.reshape(-1).astype(np.int32),
        "rows": aggregation.numbers(cells, "rows"),
    }
    for name in wanted:
        values = aggregation.numbers(cells, name)
        if name == "squares":
            values = np.nan_to_num(values) ** 2 * np.maximum(made["known"] - 1.0, 0.0)
        made[name] = np.where(np.isnan(values), -np.inf, values) if name == "largest" else np.nan_to_num(values)
    table = daily_cells.joined([made])
    return DailyState(keys, terms, patterns, (table,) if len(table["day"]) else ())


def one_table(state: DailyState, asked: Asked) -> Cells:
    """Give all cells as one table, which may be empty."""
    names = ("customer", "day", "pattern", "rows", *money_of(asked))
    return {name: np.concatenate([np.zeros(0), *(table[name] for table in state.tables)]) for name in names}


def digits_of(state: DailyState) -> NDArray[Any]:
    """Write every pattern as digits."""
    return np.array(["".join("01"[int(bit)] for bit in row) for row in state.patterns] or [""], dtype=object)


def marks_of(frame: nw.DataFrame[Any], names: Sequence[str]) -> dict[str, Any]:
    """Give what stands the same in every row of a kept state; nothing of an empty one."""
    missing = [name for name in names if name not in frame.columns]
    if missing:
        mend = "The table must be what Partial.to_frame gave."
        raise ColumnError.missing(missing, available=frame.columns, mend=mend)
    found = {}
    for name in names if len(frame) else ():
        values = frame.get_column(name).unique().to_list()
        if len(values) != 1:
            message = f"Column '{name}' holds {len(values)} different values; merge states by rfm.merge."
            raise DataError(message)
        found[name] = values[0]
    return found


def _require_possible(cells: Cells) -> None:
    """Refuse numbers that no rows add up to; the message names the column."""
    rows = cells["rows"]
    known = cells.get("known", np.zeros(len(rows)))
    checks = {"rows": (rows >= 1.0) & (rows == np.round(rows)), "known": (known >= 0.0) & (known <= rows)}
    if "absolute" in cells:
        room = cells["absolute"] * (1.0 + ROUNDING)
        checks["absolute"] = (cells["absolute"] >= 0.0) & np.isfinite(cells["absolute"])
        checks["total"] = np.abs(cells["total"]) <= room
    if "largest" in cells:
        checks["largest"] = np.where(known > 0.0, cells["largest"] >= 0.0, np.isneginf(cells["largest"]))
    if "squares" in cells:
        checks["squares"] = (cells["squares"] >= 0.0) & np.isfinite(cells["squares"])
    for name, good in checks.items():
        if not good.all():
            message = f"Column '{name}' holds {int(np.count_nonzero(~good))} number(s) that no rows add up to."
            raise DataError(message)


def from_cells(frame: nw.DataFrame[Any], asked: Asked) -> DailyState:
    """Read cells that were kept as a table."""
    terms, wanted = tuple(memory.asked_terms(asked)), money_of(asked)
    name = asked.schema.customer
    missing = [one for one in (name, "day", "pattern", "rows", *wanted) if one not in frame.columns]
    if missing:
        mend = "The table must be what Partial.to_frame gave for the same specifications."
        raise ColumnError.missing(missing, available=frame.columns, mend=mend)
    guard.guard_kept(frame, name, ("rows", *wanted))
    digits, place = np.unique(np.array(frame.get_column("pattern").to_list(), dtype=object), return_inverse=True)
    if any(not isinstance(one, str) or len(one) != len(terms) or set(one) - {"0", "1"} for one in digits):
        message = f"Column 'pattern' holds others than those of {len(terms)} digits that the specifications give."
        raise DataError(message)
    patterns = np.array([[bit == "1" for bit in one] for one in digits], dtype=bool).reshape(
        len(digits), len(terms)
    )
    customer, keys = customers(frame.get_column(name), name)
    made: Cells = {
        "day": guard.day_numbers(frame, "day").astype(np.int32),
        "customer": customer.astype(np.int32),
        "pattern": place.reshape(-1).astype(np.int32),
        **{one: aggregation.numbers(frame, one) for one in ("rows", *wanted)},
    }
    _require_possible(made)
    table = daily_cells.joined([made])
    if len(table["day"]) != len(frame):
        message = "A cell (customer, day, pattern) stands more than once; merge states by rfm.merge."
        raise DataError(message)
    return DailyState(keys, terms, patterns, (table,) if len(frame) else ())


# ------------------------------------------------------------------------------------------------------- merge


def merged(states: Sequence[DailyState]) -> DailyState:
    """Join states of the same terms; which comes first changes nothing but the order of float sums."""
    first = states[0]
    patterns, places = _joint_patterns([state.patterns for state in states])
    tables: list[Cells] = []
    index = pd.Index(_plain(first.keys))
    for state, place in zip(states, places, strict=True):
        number, index = (None, index) if state is first else _numbered(state, index)
        for table in state.tables:
            moved = dict(table)
            if number is not None:
                moved["customer"] = number[table["customer"]]
            if not np.array_equal(place, np.arange(len(place))):
                moved["pattern"] = place[table["pattern"]]
            tables.append(moved)
    joined = daily_cells.merged(tables)
    if len(joined) > _MOST_TABLES:
        joined = (daily_cells.joined(joined),)
    counts: dict[str, int] = {}
    for state in states:
        memory.add_counts(counts, state.counts)
    currencies = frozenset[str]().union(*(state.currencies for state in states))
    keys = first.keys
    if len(index) > len(keys):
        kind = nw.String() if not keys.dtype.is_integer() else keys.dtype if _is_large(keys) else nw.Int64()
        values = index.tolist() if isinstance(kind, nw.String) else index.to_numpy()
        keys = nw.new_series("key", values, kind, backend=keys.implementation)
    return DailyState(keys, first.terms, patterns, joined, counts, currencies)


def _is_large(keys: nw.Series[Any]) -> bool:
    return isinstance(keys.dtype, nw.UInt64)


def _plain(keys: nw.Series[Any]) -> Any:
    if not keys.dtype.is_integer():
        return np.array(keys.to_list(), dtype=object)
    return keys.to_numpy().astype(np.uint64 if _is_large(keys) else np.int64)


def _numbered(state: DailyState, index: pd.Index[Any]) -> tuple[NDArray[np.int32], pd.Index[Any]]:
    """Give a state's customers their joint numbers; new ones come behind the known ones."""
    plain = pd.Index(_plain(state.keys))
    number = index.get_indexer(plain)
    new = np.flatnonzero(number < 0)
    if len(new):
        number[new] = len(index) + np.arange(len(new))
        index = index.append(plain[new])
    return number.astype(np.int32), index


def _joint_patterns(tables: Sequence[BoolArray]) -> tuple[BoolArray, list[IntArray]]:
    joint = tables[0]
    places: list[IntArray] = []
    for table in tables:
        known = {row.tobytes(): place for place, row in enumerate(joint)}
        new = [row for row in table if row.tobytes() not in known]
        if new:
            joint = np.vstack([joint, np.unique(np.array(new), axis=0)])
            known = {row.tobytes(): place for place, row in enumerate(joint)}
        places.append(np.array([known[row.tobytes()] for row in table], dtype=np.int32))
    return joint, places


# ---------------------------------------------------------------------------------------------------- snapshot


def aggregated(state: DailyState, asked: Asked) -> tuple[rules.Counts, nw.DataFrame[Any], bool]:
    """Give what :func:`custvalue._indicators.memory.aggregated` gives, from cells of days before as-of."""
    local = Asked(asked.schema, AsOf(asked.as_of.wall, None), None, asked.decimals, asked.aggregates, asked.labels)
    first = int(state.tables[0]["day"][0]) if state.tables else 0
    ground = Ground(state.table, len(state.patterns), len(state.keys), first)
    totals = Totals(ground, local)
    met = np.zeros(len(state.patterns))
    amounts = 0.0
    end = asked.as_of.day
    for block in state.blocks(end):
        totals.add(block)
        cells = block.cells
        if cells is not None:
            met += np.bincount(block.pattern, weights=cells.rows, minlength=len(met))
            amounts += 0.0 if cells.known is None else float(cells.known.sum())
    found = _counts(state, asked, met, amounts)
    columns: dict[str, FloatArray] = {
        f"a{place}": totals.finished(place) for place in range(len(asked.aggregates))
    }
    made = memory.customer_frame(state.keys, columns)
    return found, made, totals.too_large(lambda: state.blocks(end))


def _counts(state: DailyState, asked: Asked, met: FloatArray, amounts: float) -> rules.Counts:
    """Give the counts of the rules as of the moment: what cells tell, and what was left out on the way."""
    total = float(met.sum())
    whole = sum(float(table["rows"].sum()) for table in state.tables)
    counts = dict(state.counts) | {"rows": int(total), "rows_after_as_of": int(whole - total)}
    days = [daily_cells.between(table, None, asked.as_of.day)["day"] for table in state.tables]
    counts["last_day"] = max((int(day[-1]) for day in days if len(day)), default=0)
    if asked.schema.amount:
        counts["amount_null"] = int(total - amounts)
        if not asked.schema.side:
            counts["debits"] = sum(int(np.sum(table["total"] < table["absolute"])) for table in state.tables)
    for name, condition in rules.rule_conditions(asked.schema).items():
        counts[name] = int(met[state.table(condition)].sum())
    watched = dict(asked.labels) | rules.mark_labels(asked.schema)
    absent = dict.fromkeys(label for term, label in watched.items() if not met[state.table(((term,),))].any())
    return rules.Counts(counts, tuple(absent))
