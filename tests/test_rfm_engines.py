"""The indicators of `rfm` on every engine against an oracle in plain Python, and their laws there.

pandas, Polars and PyArrow go both ways, through NumPy and through narwhals; Polars lazy frames, DuckDB, Ibis and
Spark through narwhals. The sessions of DuckDB, Ibis and Spark stand in a time zone that no schema names.
"""

from __future__ import annotations

import datetime as dt
import math
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from custvalue import rfm
from custvalue.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

pytest.importorskip("pyarrow", reason="pyarrow, from which every engine is fed, is not installed")

import rfm_tables
import rfm_worlds as worlds
from rfm_tables import Engine, Row, rows_of
from rfm_worlds import KEY, World, world

pytestmark = [
    pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]

#: Package of each engine, and how to get it.
PACKAGES = {"polars": "polars", "lazy": "polars", "duckdb": "duckdb", "ibis": "ibis", "spark": "pyspark"}
#: Banks that each engine is asked of; where an engine takes seconds they come from seeds, else from Hypothesis.
SEEDED = {"duckdb": 4, "ibis": 2, "spark": 1}
DRAWN, DRAWN_FOR_LAWS = 12, 6
#: What the seeded banks have in turn, so that three of them hold every type and every table.
TURNS: tuple[dict[str, Any], ...] = (
    {"flavour": "aware", "money": "dyadic", "people": True, "holders": False},
    {"flavour": "date", "money": "decimal", "people": False, "holders": True},
    {"flavour": "naive", "money": "rate", "people": True, "holders": True},
    {"flavour": "aware", "money": "cents", "people": False, "holders": True},
    {"flavour": "naive", "money": "float", "people": True, "holders": False},
    {"flavour": "date", "money": "cents", "people": True, "holders": False},
)


@pytest.fixture(scope="module")
def opened() -> Iterator[Callable[[str], Engine]]:
    """Open each engine once, when it is first asked for."""
    found: dict[str, Engine] = {}
    with ExitStack() as stack:

        def open_once(name: str) -> Engine:
            if name not in found:
                found[name] = stack.enter_context(rfm_tables.engine(name))
            return found[name]

        yield open_once


@pytest.fixture(
    params=[pytest.param(name, marks=pytest.mark.slow) if name == "spark" else name for name in rfm_tables.ENGINES]
)
def engine(request: pytest.FixtureRequest, opened: Callable[[str], Engine]) -> Engine:
    kind = request.param.partition("-")[0]
    package = PACKAGES.get(kind, "pyarrow")
    pytest.importorskip(package, reason=f"{package} is not installed")
    if kind == "spark" and not rfm_tables.java_is_there():
        pytest.skip("Java, which Spark needs, is not on PATH or under JAVA_HOME")
    return opened(request.param)


def each_world(
    engine: Engine,
    check: Callable[[World, Random], None],
    *,
    first: int = 0,
    drawn: int = DRAWN_FOR_LAWS,
    **fixed: Any,
) -> None:
    """Ask a law of many banks; of few in turn, from the `first` on, where an engine is slow."""
    if engine.kind not in SEEDED:
        examples = drawn // 2 if engine.name == "pandas-narwhals" else drawn

        @settings(max_examples=examples, phases=[Phase.explicit, Phase.reuse, Phase.generate])
        @given(st.integers(0, 2**32))
        def ask(seed: int) -> None:  # a smaller seed is no simpler bank
            random = worlds.seeded(seed)
            check(world(random, **fixed), random)

        ask()
        return
    for turn in range(first, first + SEEDED[engine.kind]):
        random = worlds.seeded(turn)
        size = 25 if engine.kind != "spark" else 80
        check(world(random, **(TURNS[turn % len(TURNS)] | fixed), size=size), random)


def assert_table(rows: list[Row], want: dict[Any, Row], bank: World) -> None:
    """Compare a table alone, without the report."""
    by_name = {one.name: one for one in bank.indicators.indicators}
    assert [row[KEY] for row in rows] == list(want)
    for row in rows:
        for name, value in want[row[KEY]].items():
            if name != "volume":
                worlds.assert_cell(row[name], value, by_name.get(name), bank, want[row[KEY]]["volume"])


def test_every_engine_agrees_with_the_oracle(engine: Engine) -> None:
    """Random banks: counts, dates and extremes bit for bit, money to 1e-12, whole cents exactly, the report."""

    def check(bank: World, _: Random) -> None:
        found = bank.computed(engine)
        worlds.assert_same(found, bank.expected(), bank, rows_of(found.table))
        graded = [row[KEY] for row in rows_of(found.table) if row["status"] == "graded"]
        assert found.customers == graded

    each_world(engine, check, drawn=DRAWN)


# ----------------------------------------------------------------------------------------------------------- laws


def _later(bank: World) -> Any:
    """Give the first time that is not before as-of, in the type of the time column."""
    wall = bank.clock.wall
    if bank.types[worlds.TIME] != "date":
        return wall
    return wall.date() if wall.time() == dt.time() else wall.date() + dt.timedelta(days=1)


def with_what_does_not_matter(bank: World, random: Random) -> World:
    """Shuffle the rows among broken rows of the future, rows known later, and rows left out by name."""
    rows = list(bank.rows)
    broken: Row = {worlds.SIDE: "?", worlds.RATE: math.nan, worlds.ACCOUNT: None, worlds.REVERSAL: None}
    broken |= {} if bank.money == "decimal" else {worlds.AMOUNT: -math.inf}
    future = {worlds.TIME: _later(bank), worlds.BOOKED: None}
    rows += [row | broken | future for row in random.choices(bank.rows, k=3)]
    if bank.known_at is not None:
        late = bank.clock._wall(bank.known_at)
        known: Any = late.date() if bank.types[worlds.TIME] == "date" else late
        if bank.types[worlds.TIME] == "date" and late.time() != dt.time():
            known += dt.timedelta(days=1)
        again = [row for row in random.choices(bank.rows, k=3) if row[worlds.TIME]]
        rows += [row | broken | {worlds.BOOKED: known} for row in again]
    if bank.schema.excluded:
        rows += [row | broken | {worlds.STAFF: "是"} for row in random.choices(bank.rows, k=3)]
    return replace(bank, rows=tuple(random.sample(rows, len(rows))))


def test_neither_order_nor_future_nor_late_nor_excluded_rows_matter(engine: Engine) -> None:
    """Not even broken ones: an unknown side, an infinite amount, a rate that is none, a null reversal."""

    if engine.kind == "spark":
        pytest.skip("asked of Spark together with names and currency, in one job")

    def check(bank: World, random: Random) -> None:
        more = with_what_does_not_matter(bank, random)
        assert_table(rows_of(more.computed(engine).table), bank.expected().table, bank)

    each_world(engine, check, first=2)


def _renamed(bank: World, names: dict[Any, str]) -> World:
    def renamed(rows: Any) -> Any:
        if rows is None or KEY not in rows[0]:
            return rows
        return tuple(row | {KEY: row[KEY] and names[row[KEY]]} for row in rows)

    return replace(
        bank,
        rows=renamed(bank.rows),
        people=renamed(bank.people),
        holders=renamed(bank.holders),
        types=bank.types | {KEY: "text"},
    )


def _dearer(bank: World, factor: int) -> World:
    """Count the money in another currency, 1 of the old for `factor` of the new."""

    def dearer(rows: Any, *columns: str) -> Any:
        return rows and tuple(row | {name: row[name] and row[name] * factor for name in columns} for row in rows)

    rows = dearer(bank.rows, worlds.AMOUNT, worlds.BALANCE)
    return replace(bank, rows=rows, people=dearer(bank.people, worlds.OPENING))


def _scaled(row: Row, bank: World, factor: int) -> Row:
    """Scale what is money: not the ratios of money to money."""
    ratios = {None, "previous_window", "median"}
    money = {
        one.name
        for one in bank.indicators.indicators
        if one.dimension == "monetary"
        and one.measure != "share"
        and (one.relative_to is None or one.relative_to not in ratios)
    }
    return {name: value * factor if name in money | {"volume"} and value else value for name, value in row.items()}


def test_names_and_currency_of_customers_do_not_matter(engine: Engine) -> None:
    """Other keys permute the rows; another currency scales money and changes nothing else, ratios least of all."""

    def check(bank: World, random: Random) -> None:
        keys = {row.get(KEY) for table in (bank.rows, bank.people, bank.holders) for row in table or ()} - {None}
        names = {key: f"名{place}" for place, key in enumerate(random.sample(sorted(keys, key=str), len(keys)))}
        want = {names[key]: _scaled(row, bank, 8) for key, row in bank.expected().table.items()}
        more = with_what_does_not_matter(bank, random) if engine.kind == "spark" else bank
        got = rows_of(_dearer(_renamed(more, names), 8).computed(engine).table)
        assert_table(got, dict(sorted(want.items())), bank)

    each_world(engine, check, first=2)


def _parts(bank: World, random: Random) -> list[World]:
    """Split the rows at random into up to three parts."""
    places = [random.randrange(3) for _ in bank.rows]
    parts = [tuple(row for row, place in zip(bank.rows, places, strict=True) if place == n) for n in range(3)]
    return [replace(bank, rows=part) for part in parts if part]


def partial_of(bank: World, engine: Engine) -> rfm.Partial:
    rows, _, holders = bank.frames(engine)
    return rfm.partial(
        rows, bank.indicators, bank.schema, holders=holders, on_invalid="report", engine=engine.path
    )


def test_partials_merge_to_the_whole(engine: Engine) -> None:
    """In any order and grouping, and the snapshot of the merged state is that of all rows."""

    def check(bank: World, random: Random) -> None:
        parts = [partial_of(part, engine) for part in _parts(bank, random)]
        people = bank.frames(engine)[1]
        whole = rfm.merge(*parts)
        turned = rfm.merge(parts[-1], rfm.merge(*parts[:-1])) if len(parts) > 1 else whole
        for state in (whole, turned):
            found = state.snapshot(bank.as_of, population=people, on_invalid="report")
            assert_table(rows_of(found.table), bank.expected().table, bank)

    each_world(engine, check, first=4, midnight=True, balance=False)


def test_whole_cents_are_the_same_bit_for_bit(engine: Engine, opened: Callable[[str], Engine]) -> None:
    """On every engine and in any order of rows, whatever is made of the sums; a deviation to 1e-12."""
    reference = opened("pandas-numpy")

    def check(bank: World, random: Random) -> None:
        shuffled = replace(bank, rows=tuple(random.sample(bank.rows, len(bank.rows))))
        got, want = rows_of(shuffled.computed(engine).table), rows_of(bank.computed(reference).table)
        assert len(got) == len(want)
        for one, other in zip(got, want, strict=True):
            for name in other:
                if not name.startswith("m_std"):
                    assert one[name] == other[name], name

    each_world(engine, check, first=1, money="cents")


def test_an_infinite_amount_is_refused_by_name_where_cents_are_whole(engine: Engine) -> None:
    """No engine may meet infinity on its way to a whole number; what is left out may hold it."""
    columns = {KEY: "int", worlds.TIME: "date", worlds.AMOUNT: "float", worlds.STAFF: "text"}
    values = [(1, dt.date(2025, 1, 1), 0.1, "否"), (1, dt.date(2025, 1, 1), 0.7, "否")]
    values += [(1, dt.date(2025, 1, 2), math.inf, "是"), (2, dt.date(2025, 1, 2), math.nan, "否")]
    rows = [dict(zip(columns, one, strict=True)) for one in values]
    schema = rfm.TransactionSchema(customer=KEY, time=worlds.TIME, amount=worlds.AMOUNT, decimals=2)
    chosen = rfm.IndicatorSet(indicators=[rfm.Monetary(name="m")], min_history_days=0)
    frame = engine.table(rows, columns)
    with pytest.raises(DataError, match=r"infinite amount .*\(1\)"):
        rfm.compute(frame, chosen, schema, as_of="2025-02-01", engine=engine.path)
    staff = schema.model_copy(update={"excluded": {"staff": {worlds.STAFF: ("是",)}}})
    found = rfm.compute(frame, chosen, staff, as_of="2025-02-01", engine=engine.path)
    assert [row["m"] for row in rows_of(found.table)] == [0.8, 0.0]
