"""`Baskets.from_long` on every engine against an oracle in plain Python.

pandas, Polars and PyArrow are read in memory; Polars lazy frames, DuckDB, Ibis and Spark collapse the customers
where the rows lie. The sessions of DuckDB, Ibis and Spark stand in a time zone that no table names.
"""

from __future__ import annotations

import datetime as dt
from contextlib import ExitStack
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from custvalue import basket
from custvalue._holdings import engine_words
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytest.importorskip("pyarrow", reason="pyarrow, from which every engine is fed, is not installed")

import rfm_tables
from basket_worlds import AMOUNT, CLOSED, CUSTOMER, LARGE, OPENED, PRODUCT, SEGMENT, World, contents, world
from rfm_tables import Engine, Row

pytestmark = [
    pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]

PACKAGES = {"polars": "polars", "lazy": "polars", "duckdb": "duckdb", "ibis": "ibis", "spark": "pyspark"}
#: Where the rows stay on the engine.
ELSEWHERE = ("lazy", "duckdb", "ibis", "spark")
ENGINES = ("pandas", "polars", "pyarrow", *ELSEWHERE)
#: Banks that an engine is asked of: few where it takes seconds.
SEEDED = {"duckdb": 12, "ibis": 5, "spark": 2}
#: What the first banks have, so that three of them hold every type and every table.
TURNS: tuple[dict[str, Any], ...] = (
    {"keys": "int", "labels": "text", "flavour": "naive:us", "kind": "held", "people": True},
    {"keys": "text", "labels": "int", "flavour": "date", "kind": "events", "people": False},
    {"keys": "text", "labels": "text", "flavour": "int", "kind": "held", "people": True},
)
PAIRS = {CUSTOMER: "int", PRODUCT: "text"}
SPELLS = PAIRS | {OPENED: "date", CLOSED: "date"}
TOLD = PAIRS | {SEGMENT: "text", AMOUNT: "float"}


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


def _asked(name: str, opened: Callable[[str], Engine]) -> Engine:
    package = PACKAGES.get(name, "pyarrow")
    pytest.importorskip(package, reason=f"{package} is not installed")
    if name == "spark" and not rfm_tables.java_is_there():
        pytest.skip("Java, which Spark needs, is not on PATH or under JAVA_HOME")
    return opened(name)


@pytest.fixture(
    params=[pytest.param(name, marks=pytest.mark.slow) if name == "spark" else name for name in ENGINES]
)
def engine(request: pytest.FixtureRequest, opened: Callable[[str], Engine]) -> Engine:
    return _asked(request.param, opened)


@pytest.fixture(params=[name for name in ENGINES if name != "spark"])
def quick(request: pytest.FixtureRequest, opened: Callable[[str], Engine]) -> Engine:
    """Give the engines that answer at once."""
    return _asked(request.param, opened)


def each_world(engine: Engine, check: Callable[[World, Random], None]) -> None:
    if engine.kind not in SEEDED:

        @settings(max_examples=40, phases=[Phase.explicit, Phase.reuse, Phase.generate])
        @given(st.integers(0, 2**32))
        def ask(seed: int) -> None:  # a smaller seed is no simpler bank
            random = Random(seed)  # noqa: S311 - no secret
            check(world(random), random)

        ask()
        return
    for turn in range(SEEDED[engine.kind]):
        random = Random(turn)  # noqa: S311 - no secret
        check(world(random, size=40, **(TURNS[turn] if turn < len(TURNS) else {})), random)


def read(engine: Engine, rows: list[Row], types: dict[str, str] = PAIRS, **given: Any) -> basket.Baskets:
    return basket.Baskets.from_long(engine.table(rows, types), customer=CUSTOMER, product=PRODUCT, **given)


def pairs(*found: tuple[Any, Any]) -> list[Row]:
    return [{CUSTOMER: key, PRODUCT: name} for key, name in found]


def same(one: basket.Baskets, other: basket.Baskets) -> bool:
    """Tell whether two are alike, bit for bit and in the same order."""
    names = ("indptr", "codes", "customers", "segment_codes", "ineligible_indptr", "ineligible_codes")
    arrays = all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)
    told = one.products == other.products and one.segments == other.segments
    return arrays and told and one.provenance.counts == other.provenance.counts


# --------------------------------------------------------------------------------------------------- the oracle


def test_every_engine_agrees_with_the_oracle(engine: Engine) -> None:
    """Random banks: customers and amounts (in eighths, so exact) of every basket, and the counts of rows."""

    def check(bank: World, _: Random) -> None:
        customers, amounts = bank.expected()
        if not customers:
            with pytest.raises(DataError, match="No customer is left"):
                bank.read(engine)
            return
        found = bank.read(engine)
        told, sums = contents(found)
        assert told == customers
        if "amounts" in bank.arguments:
            assert sums == amounts
        known = bank.arguments.get("products")
        unknown = sum(known is not None and str(row[PRODUCT]) not in known for row in bank.kept)
        assert found.provenance.counts == {
            "rows": len(bank.kept),
            "rows_of_unknown_products": unknown,
            "customers": customers.total(),
        }

    each_world(engine, check)


@pytest.mark.parametrize("turn", range(3))
def test_every_engine_gives_the_same_baskets_in_the_same_order(quick: Engine, turn: int) -> None:
    bank = world(Random(turn), size=40, **TURNS[turn])  # noqa: S311 - no secret
    with rfm_tables.engine("pandas") as pandas:
        assert same(bank.read(quick), bank.read(pandas))


def test_doubled_and_shuffled_rows_change_nothing(quick: Engine) -> None:
    bank = world(Random(5), size=40, **TURNS[0])  # noqa: S311 - no secret
    before = bank.read(quick)
    bank.rows = (bank.rows * 2)[::-1]
    after = bank.read(quick)
    assert contents(after)[0] == contents(before)[0]
    assert np.array_equal(after.codes, before.codes)


def test_parts_of_the_customers_add_up(quick: Engine) -> None:
    rows = pairs(*((LARGE + place, "ab"[place % 2]) for place in range(6)), *((LARGE, "c"), (LARGE + 4, "c")))
    first = [row for row in rows if row[CUSTOMER] < LARGE + 3]
    parts = read(quick, first) + read(quick, [row for row in rows if row not in first])
    assert contents(parts) == contents(read(quick, rows))


# ----------------------------------------------------------------------------------------------------- by hand


def test_by_hand_a_hundred_products_are_two_words(engine: Engine) -> None:
    """Customer i holds products i and i + 1 (of 100, in a circle), so all baskets differ; a word ends at 62."""
    names = [f"产品 {place:02d}" for place in range(100)]
    rows = pairs(*((LARGE + i, names[(i + step) % 100]) for i in range(100) for step in (0, 1)))
    found = read(engine, rows)
    assert found.products == tuple(names)
    held = {frozenset(basket_) for basket_ in np.split(found.codes, found.indptr[1:-1])}
    assert held == {frozenset((i, (i + 1) % 100)) for i in range(100)}
    assert found.customers.tolist() == [1] * 100


@pytest.mark.parametrize("count", [62, 63, 64, 126, 127])
def test_by_hand_borders_of_words(quick: Engine, count: int) -> None:
    """One customer holds all products, one each of them, and one the first and the last: three kinds of basket."""
    rows = pairs(*((0, i) for i in range(count)), *((1 + i, i) for i in range(count)), (-1, 0), (-1, count - 1))
    found = read(quick, rows, {CUSTOMER: "int", PRODUCT: "int"})
    lengths = np.diff(found.indptr)
    assert sorted(lengths.tolist()) == [1] * count + [2, count]
    assert found.codes[found.indptr[:-1][lengths == 1]].tolist() != []
    assert sorted(found.codes[found.indptr[:-1][lengths == 1]].tolist()) == list(range(count))


def test_by_hand_keys_that_no_float_tells_apart(engine: Engine) -> None:
    found = read(engine, pairs((2**53, "a"), (2**53 + 1, "a"), (2**53 + 1, "b"), (-(2**62), "b"), (2**62, "b")))
    assert found.to_frame()["customers"].tolist() == [2, 1, 1]
    assert dict(zip(found.to_frame()["held"], found.customers.tolist(), strict=True)) == {
        ("b",): 2,
        ("a",): 1,
        ("a", "b"): 1,
    }


@pytest.mark.parametrize(
    ("as_of", "held"),
    [("2024-03-01", {("a",): 1}), ("2024-03-02", {("a", "b"): 1}), ("2024-03-05", {("b",): 1})],
)
def test_by_hand_held_from_the_day_after_opening_to_the_day_of_closing(
    quick: Engine, as_of: str, held: dict[tuple[str, ...], int]
) -> None:
    """As of the start of a day: opened before it, and not closed before it."""
    day = dt.date(2024, 3, 1)
    rows = [
        {CUSTOMER: 1, PRODUCT: "a", OPENED: day - dt.timedelta(1), CLOSED: day + dt.timedelta(1)},
        {CUSTOMER: 1, PRODUCT: "b", OPENED: day, CLOSED: None},
    ]
    found = read(quick, rows, SPELLS, opened=OPENED, closed=CLOSED, as_of=as_of)
    assert dict(zip(found.to_frame()["held"], found.customers.tolist(), strict=True)) == held


def test_by_hand_everyone_of_the_population_counts(engine: Engine) -> None:
    """Of five customers two hold nothing, one of them as what he holds is ignored."""
    people = [{CUSTOMER: key} for key in range(5)]
    rows = pairs((0, "a"), (1, "a"), (1, "a"), (2, "b"), (3, "x"))
    table = engine.table(people, {CUSTOMER: "int"})
    found = read(engine, rows, population=table, products=["b", "a", "c"], on_unknown="ignore")
    assert found.products == ("b", "a", "c")
    assert dict(zip(found.to_frame()["held"], found.customers.tolist(), strict=True)) == {
        ("a",): 2,
        ("b",): 1,
        (): 2,
    }
    assert found.provenance.counts["rows_of_unknown_products"] == 1


def test_customers_of_unknown_products_alone_hold_nothing(quick: Engine) -> None:
    rows = [row | {SEGMENT: "n", AMOUNT: 0.5} for row in pairs((1, "x"), (1, "y"), (2, "x"))]
    given_ = {"products": ["a"], "on_unknown": "ignore", "segment": SEGMENT, "amounts": [AMOUNT]}
    found = read(quick, rows, TOLD, **given_)
    assert (found.n_customers, found.n_distinct, found.amounts[AMOUNT].tolist()) == (2, 1, [1.5])
    assert found.provenance.counts["rows_of_unknown_products"] == 3


def test_a_population_without_a_holding(quick: Engine) -> None:
    people = quick.table([{CUSTOMER: key} for key in range(3)], {CUSTOMER: "int"})
    found = read(quick, [], population=people, products=["a"])
    assert (found.n_customers, found.n_distinct, found.n_products) == (3, 1, 1)
    assert len(found.codes) == 0


def test_keys_of_another_width_meet(quick: Engine) -> None:
    """A population whose keys have 32 bits."""
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    people = quick._convert(pyarrow.table({CUSTOMER: pyarrow.array([0, 1, 2], pyarrow.int32())}))
    found = read(quick, pairs((0, "a")), population=people)
    assert dict(zip(found.to_frame()["held"], found.customers.tolist(), strict=True)) == {("a",): 1, (): 2}


@pytest.mark.parametrize("name", ["lazy", "duckdb"])
def test_thousands_of_products(name: str, opened: Callable[[str], Engine]) -> None:
    engine = _asked(name, opened)
    random = np.random.default_rng(0)
    keys, codes = random.integers(0, 300, 2000).tolist(), random.integers(0, 3000, 2000).tolist()
    rows = pairs(*zip(keys, (f"p{code:04d}" for code in codes), strict=True))
    with rfm_tables.engine("pandas") as pandas:
        assert same(read(engine, rows), read(pandas, rows))


def test_only_baskets_come_to_memory(opened: Callable[[str], Engine], monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand customers with two products hold one of three baskets."""
    seen: list[int] = []
    kept = engine_words.gathered

    def watched(frame: Any) -> Any:
        table = kept(frame)
        seen.append(len(table))
        return table

    monkeypatch.setattr(engine_words, "gathered", watched)
    rows = pairs(*((key, name) for key in range(1000) for name in "ab"[: 1 + key % 2]))
    assert read(_asked("duckdb", opened), rows).n_customers == 1000
    assert seen == [2, 2]


def test_tables_of_the_callers_are_not_taken_for_ours() -> None:
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    with duckdb.connect() as connection:
        for name in ("name", "lhs", "rhs", "custvalue_source", "n"):
            connection.execute(f"CREATE TABLE {name} (name TEXT, name_word INTEGER)")
        connection.execute(
            'CREATE TABLE "Holdings" AS SELECT range % 3 AS "Key", \'p\' || range AS p FROM range(6)'
        )
        found = basket.Baskets.from_long(connection.table('"Holdings"'), customer="Key", product="p")
        assert found.n_customers == 3


# ---------------------------------------------------------------------------------------------------- refusals


WRONG_PAIRS: list[tuple[list[Row], str]] = [
    (pairs((None, "a"), (1, "a"), (None, "b")), "Column 'key' is null in 2 row"),
    (pairs((1, None), (1, "a")), "Column 'name' is null in 1 row.* name the product"),
    (pairs((1, " "), (1, "a")), "Column 'name' holds empty text"),
    ([], "No customer is left"),
]


@pytest.mark.parametrize(("rows", "message"), WRONG_PAIRS)
def test_wrong_rows_are_refused(quick: Engine, rows: list[Row], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(quick, rows)


def test_unknown_products_are_named(quick: Engine) -> None:
    with pytest.raises(DataError, match="products does not name 'b', 'c', which the data hold"):
        read(quick, pairs((1, "a"), (1, "b"), (2, "c")), products=["a"])


@pytest.mark.parametrize("wrong", [None, -0.5, float("inf"), float("nan")])
def test_wrong_amounts_are_refused(quick: Engine, wrong: float | None) -> None:
    rows = [row | {SEGMENT: "n", AMOUNT: wrong} for row in pairs((1, "a"))]
    with pytest.raises(DataError, match=r"Column 'amount_0' holds 1 value.s. that are null, below 0 or infinite"):
        read(quick, rows, TOLD, amounts=[AMOUNT])


def test_wrong_segments_are_refused(quick: Engine) -> None:
    rows = [row | {SEGMENT: "n", AMOUNT: 1.0} for row in pairs((1, "a"), (2, "a"), (3, "b"))]
    with pytest.raises(DataError, match=r"'segment' tells 2 customer.s. more than one segment"):
        read(quick, [*rows, rows[0] | {SEGMENT: "s"}, rows[1] | {SEGMENT: "t"}], TOLD, segment=SEGMENT)
    with pytest.raises(DataError, match=r"'segment' is null in 1 row.s.; name the segment"):
        read(quick, [*rows, rows[0] | {SEGMENT: None}], TOLD, segment=SEGMENT)


def test_wrong_populations_are_refused(quick: Engine) -> None:
    rows = pairs((1, "a"), (2, "a"), (3, "b"))

    def people(*keys: Any) -> Any:
        return quick.table([{CUSTOMER: key} for key in keys], {CUSTOMER: "int"})

    with pytest.raises(DataError, match=r"population holds 2 customer.s. more than once"):
        read(quick, rows, population=people(1, 2, 2, 3, 3))
    with pytest.raises(DataError, match=r"1 customer.s. of the holdings are not in population"):
        read(quick, rows, population=people(1, 2))
    with pytest.raises(DataError, match="Column 'key' is null in 1 row"):
        read(quick, rows, population=people(1, 2, 3, None))
    texts = quick.table([{CUSTOMER: "1"}], {CUSTOMER: "text"})
    with pytest.raises(ColumnError, match=r"Column 'key' is of type (String|Int64)"):
        read(quick, rows, population=texts)
    with pytest.raises(ColumnError, match=r"missing: 'segment'.*population holds one row"):
        read(quick, rows, population=people(1, 2, 3), segment=SEGMENT)


def test_eligibility_that_overlaps_is_refused(quick: Engine) -> None:
    rows = pairs((1, "a"), (2, "a"), (3, "b"), (2, "b"))
    people = quick.table([{CUSTOMER: key} for key in (1, 2, 3)], {CUSTOMER: "int"})

    def barred(*found: tuple[Any, Any]) -> Any:
        return quick.table(pairs(*found), PAIRS)

    with pytest.raises(DataError, match=r"3 holding.s. are of products for which the customer is not eligible"):
        read(quick, rows, population=people, not_eligible=barred((1, "a"), (2, "a"), (2, "b"), (1, "b")))
    with pytest.raises(DataError, match="products does not name 1 of 1 labels"):
        read(quick, rows, population=people, not_eligible=barred((1, "c")))
    with pytest.raises(DataError, match=r"1 customer.s. of the holdings are not in population"):
        read(quick, rows, population=people, not_eligible=barred((7, "a")))
    with pytest.raises(DomainError, match="not_eligible needs population"):
        read(quick, rows, not_eligible=barred((1, "b")))


def test_wrong_dates_are_refused(quick: Engine) -> None:
    day = dt.date(2024, 3, 1)
    row = {CUSTOMER: 1, PRODUCT: "a", OPENED: day, CLOSED: day}
    given_ = {"opened": OPENED, "closed": CLOSED, "as_of": "2024-03-01"}
    with pytest.raises(DataError, match="Column 'person' lies before 'word_0' in 2 row"):
        read(quick, [row, *[row | {CLOSED: day - dt.timedelta(1)}] * 2], SPELLS, **given_)
    with pytest.raises(DataError, match="Column 'word_0' is null in 1 row"):
        read(quick, [row, row | {OPENED: None}], SPELLS, **given_)
    with pytest.raises(DataError, match="Column 'word_0' is null in 1 row"):
        read(quick, [row, row | {OPENED: None}], SPELLS, time=OPENED, as_of="2024-03-01")
    aware = [row | {OPENED: dt.datetime(2024, 3, 1, tzinfo=dt.UTC)}]
    with pytest.raises(ColumnError, match=r"'word_0' is of type .*without a zone"):
        read(quick, aware, SPELLS | {OPENED: "aware:us:UTC"}, time=OPENED, as_of="2024-03-01")


@pytest.mark.parametrize(
    ("name", "allowed"), [(CUSTOMER, "integers or text"), (PRODUCT, "text, categories or int")]
)
def test_keys_and_products_that_are_floats_are_refused(quick: Engine, name: str, allowed: str) -> None:
    with pytest.raises(ColumnError, match=f"'{name}' is of type Float64; allowed: {allowed}"):
        read(quick, [{CUSTOMER: 1.0, PRODUCT: 1.0}], {CUSTOMER: "int", PRODUCT: "int"} | {name: "float"})


def test_missing_columns_are_named(quick: Engine) -> None:
    for given_ in ({"segment": "area"}, {"amounts": ["area"]}, {"time": "area", "as_of": "2024-01-01"}):
        with pytest.raises(ColumnError, match=r"Column.s. missing: 'area'"):
            read(quick, pairs((1, "a")), **given_)


@pytest.mark.parametrize("name", ["lazy", "duckdb"])
def test_tables_of_two_libraries_are_refused(name: str, opened: Callable[[str], Engine]) -> None:
    people = pd.DataFrame({CUSTOMER: [1]})
    with pytest.raises(DomainError, match="population and frame are not of the same library"):
        read(_asked(name, opened), pairs((1, "a")), population=people)


def test_more_labels_than_an_engine_is_asked_for(opened: Callable[[str], Engine]) -> None:
    rows = pairs(*((1, f"p{code}") for code in range(63 * 64 + 1)))
    with pytest.raises(DomainError, match=r"The rows hold 4033 different labels .* at most 4032 are read"):
        read(_asked("duckdb", opened), rows)
    found = read(_asked("duckdb", opened), rows, products=["p1", "p2"], on_unknown="ignore")
    assert found.to_frame()["held"].tolist() == [("p1", "p2")]


# ------------------------------------------------------------------------------------------ one engine's own ways


@pytest.fixture
def connection() -> Iterator[Any]:
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    with duckdb.connect() as opened:
        yield opened


def of_duckdb(relation: Any, **given_: Any) -> basket.Baskets:
    return basket.Baskets.from_long(relation, customer="c", product="p", **given_)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "INSERT INTO held VALUES (1, 'b')",
            r"Column 'p' changed while it was read: 1 row.s. or customer.s. are not",
        ),
        ("UPDATE held SET p = 'b'", "Column 'p' changed while it was read: 2 row"),
        ("UPDATE people SET area = 's'", "Column 'area' changed while it was read: 2 row"),
    ],
)
def test_tables_that_change_between_two_looks_are_refused(
    connection: Any, monkeypatch: pytest.MonkeyPatch, change: str, message: str
) -> None:
    """Products and segments that only the second look finds would be lost without a word."""
    connection.execute("CREATE TABLE held AS SELECT range + 1 AS c, 'a' AS p FROM range(2)")
    connection.execute("CREATE TABLE people AS SELECT range + 1 AS c, 'n' AS area FROM range(2)")
    looks = 0
    kept = engine_words.gathered

    def changing(frame: Any) -> Any:
        nonlocal looks
        looks += 1
        if looks == 3:
            connection.execute(change)
        return kept(frame)

    monkeypatch.setattr(engine_words, "gathered", changing)
    given_ = {"population": connection.table("people"), "segment": "area"}
    with pytest.raises(DataError, match=message):
        of_duckdb(connection.table("held"), **given_)


def test_pairs_are_those_of_duckdbs_self_join(connection: Any) -> None:
    """Five thousand customers with up to twelve of seventy products, some of them doubled."""
    random = np.random.default_rng(0)
    numbers = pd.DataFrame({"c": random.integers(0, 5000, 30_000), "code": random.integers(0, 4900, 30_000) ** 2})
    held = connection.from_df(numbers.assign(p=(numbers.pop("code") // 343_000).map("p{:02d}".format)))
    joined = connection.sql(
        "WITH h AS (SELECT DISTINCT c, p FROM held) SELECT a.p AS one, b.p AS other, count(*) AS n"
        " FROM h a JOIN h b USING (c) GROUP BY ALL"
    )
    found = basket.pairs(of_duckdb(held))
    place = {name: number for number, name in enumerate(found.products)}
    wanted = np.zeros((len(place), len(place)), dtype=np.int64)
    for one, other, count in joined.fetchall():
        wanted[place[one], place[other]] = count
    assert len(place) == 70
    assert np.array_equal(found.n11, wanted)


def test_relations_of_two_connections_are_refused(connection: Any) -> None:
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    with duckdb.connect() as other, pytest.raises(DomainError, match="relations of different connections"):
        of_duckdb(connection.sql("SELECT 1 AS c, 'a' AS p"), population=other.sql("SELECT 1 AS c"))


@pytest.mark.parametrize("end", ["infinity", "-infinity"])
def test_times_without_end_are_refused(connection: Any, end: str) -> None:
    spells = connection.sql(f"SELECT 1 AS c, 'a' AS p, DATE '2020-01-01' AS o, '{end}'::TIMESTAMP AS z")
    with pytest.raises(DataError, match=r"Column 'z' holds 1 time.s. that are infinite; .* has a null end"):
        of_duckdb(spells, opened="o", closed="z", as_of="2021-01-01")


def test_types_of_duckdb_alone(connection: Any) -> None:
    """Enumerations, whole numbers of 64 bits without a sign, decimals, seconds and nanoseconds; no 128 bits."""
    made = connection.sql(
        "SELECT 18446744073709551615::UBIGINT - range::UBIGINT AS c, 'x'::ENUM ('x', 'y') AS p,"
        " 1.25::DECIMAL(9, 2) AS v, '2020-01-01'::TIMESTAMP_S AS o, '2022-01-01'::TIMESTAMP_NS AS z FROM range(3)"
    )
    found = of_duckdb(made, amounts=["v"], opened="o", closed="z", as_of="2021-01-01")
    assert (found.n_customers, found.amounts["v"].tolist()) == (3, [3.75])
    with pytest.raises(ColumnError, match="Column 'c' is of type Int128; allowed: integers or text"):
        of_duckdb(connection.sql("SELECT 1::HUGEINT AS c, 'x' AS p"))


def test_categories_of_lazy_polars() -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed")
    kinds = {"c": polars.Categorical, "p": polars.Enum(["a", "b"])}
    frame = polars.LazyFrame({"c": ["k", "k", "l"], "p": ["a", "b", "b"]}, schema=kinds)
    found = basket.Baskets.from_long(frame, customer="c", product="p")
    assert dict(zip(found.to_frame()["held"], found.customers.tolist(), strict=True)) == {("a", "b"): 1, ("b",): 1}


@pytest.mark.slow
def test_names_that_spark_takes_apart_are_refused(opened: Callable[[str], Engine]) -> None:
    rows = [{"client.id": 1, PRODUCT: "a"}]
    table = _asked("spark", opened).table(rows, {"client.id": "int", PRODUCT: "text"})
    with pytest.raises(ColumnError, match=r"Column.s. 'client.id': names with a dot or a backtick"):
        basket.Baskets.from_long(table, customer="client.id", product=PRODUCT)
