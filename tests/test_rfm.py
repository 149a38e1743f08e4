"""The room rfm against an oracle in plain Python, its laws, worked examples, refusals, and the Berka bank."""

from __future__ import annotations

import ast
import datetime as dt
import math
import pickle
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import rfm_oracle
from custvalue import rfm
from custvalue.exceptions import ColumnError, CustvalueError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

pa = pytest.importorskip("pyarrow")
pl = pytest.importorskip("polars")

Row = dict[str, Any]
LIBRARIES = ("pandas", "polars", "lazy", "pyarrow")
EACH_LIBRARY = pytest.mark.parametrize("library", LIBRARIES)
PRAGUE = ZoneInfo("Europe/Prague")

wall = dt.datetime.fromisoformat

# ------------------------------------------------------------------------------------------- tables of any library

KEY, TIME, AMOUNT, KIND, CHANNEL = "客户号", "交易时间", "金额", "交易类型", "渠道"
SIDE, REVERSAL, ORIGIN, OPENED, OPENING = "方向", "冲正", "发起", "开户日", "期初余额"
#: Type of each column: the time's is ``date``, ``naive:<unit>`` or ``aware:<unit>:<zone>``.
TYPES = {KEY: "int", AMOUNT: "float", REVERSAL: "bool", OPENED: "date", OPENING: "float"}


def _type(column: str, types: Mapping[str, str]) -> str:
    return types.get(column) or TYPES.get(column, "text")


def _pandas(values: list[Any], tag: str) -> Any:
    kind, unit, zone = (*tag.split(":"), "", "")[:3]
    if kind == "aware":
        moments = pd.Series(pd.to_datetime(pd.Series(values, dtype=object), utc=True))
        return moments.dt.as_unit(unit).dt.tz_convert(zone)  # type: ignore[arg-type]  # pandas stubs
    names = {"int": "int64", "float": "float64", "bool": "bool", "text": "str", "date": "date32[pyarrow]"}
    return pd.Series(values, dtype=names.get(kind, f"datetime64[{unit}]"))


def _polars(values: list[Any], tag: str) -> Any:
    kind, unit, zone = (*tag.split(":"), "", "")[:3]
    unit = "ms" if unit == "s" else unit
    if kind == "aware":
        moments = [value and value.astimezone(dt.UTC) for value in values]
        return pl.Series(moments, dtype=pl.Datetime(unit, "UTC")).dt.convert_time_zone(zone)
    if kind == "naive":
        return pl.Series(values, dtype=pl.Datetime(unit))
    names = {"int": pl.Int64, "float": pl.Float64, "bool": pl.Boolean, "text": pl.String, "date": pl.Date}
    return pl.Series(values, dtype=names[kind])


def _arrow(values: list[Any], tag: str) -> Any:
    kind, unit, zone = (*tag.split(":"), "", "")[:3]
    if kind in ("aware", "naive"):
        return pa.array(values, pa.timestamp(unit, tz=zone or None))
    types = {"int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "text": pa.string()}
    return pa.array(values, types.get(kind, pa.date32()), from_pandas=False)


def build(library: str, rows: Sequence[Row], types: Mapping[str, str], columns: Sequence[str] = ()) -> Any:
    """Build a frame of typed columns in one of the libraries."""
    names = list(columns) or list(rows[0])
    data = {name: ([row[name] for row in rows], _type(name, types)) for name in names}
    if library == "pandas":
        return pd.DataFrame({name: _pandas(*column) for name, column in data.items()})
    if library == "pyarrow":
        return pa.table({name: _arrow(*column) for name, column in data.items()})
    frame = pl.DataFrame({name: _polars(*column) for name, column in data.items()})
    return frame.lazy() if library == "lazy" else frame


def rows_of(table: Any) -> list[Row]:
    """Give a result's rows as plain values, null as None."""
    if isinstance(table, pd.DataFrame):
        rows = table.to_dict("records")
    else:
        rows = table.to_dicts() if isinstance(table, pl.DataFrame) else table.to_pylist()
    return [{str(name): _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def assert_same_table(
    got: Sequence[Row], want: Mapping[Any, Row], key: str, money: Sequence[str], scale: float = 1.0
) -> None:
    """Counts and dates bit for bit; money to 1e-12 of what was moved."""
    assert [row[key] for row in got] == list(want)
    for row in got:
        expected = want[row[key]]
        for name in expected.keys() - {"volume"}:
            if name in money and expected[name] is not None and row[name] is not None:
                room = 1e-12 * max(expected["volume"], 1e-3)
                assert abs(row[name] - scale * expected[name]) <= abs(scale) * room, name
            else:
                assert row[name] == expected[name], name


def money_names(indicators: rfm.IndicatorSet) -> tuple[str, ...]:
    return indicators.groups.get("monetary", ())


# ---------------------------------------------------------------------------------------- random tables, an oracle

KINDS = ("存款", "取款", "转账", None)
CODES = {"deposit": ("存款",), "move": ("取款", "转账")}
MARKS: dict[str, Any] = {"system": {ORIGIN: ("银行",)}, "standing_order": {ORIGIN: ("代扣",)}}
EVERYONE: tuple[Literal["customer", "standing_order", "system"], ...] = ("customer", "standing_order", "system")
AMOUNTS = st.one_of(
    st.none(),
    st.just(math.nan),
    st.sampled_from([0.0, 0.1, 100.0, 1e9]),
    st.floats(0.01, 1e6, allow_nan=False),
)


@dataclass(frozen=True)
class Case:
    """A random table with what is asked of it."""

    rows: tuple[Row, ...]
    types: dict[str, str]
    schema: rfm.TransactionSchema
    indicators: rfm.IndicatorSet
    as_of: Any
    people: tuple[Row, ...] | None

    @property
    def moment(self) -> dt.date | dt.datetime:
        """As-of for the oracle, whatever form the library was given."""
        if not isinstance(self.as_of, str):
            return self.as_of  # type: ignore[no-any-return]  # not a text
        date_only = len(self.as_of) == len("2025-01-01")
        return dt.date.fromisoformat(self.as_of) if date_only else dt.datetime.fromisoformat(self.as_of)

    def expected(self) -> dict[Any, Row]:
        indicators, schema = self.indicators.model_dump(), self.schema.model_dump()
        return rfm_oracle.snapshot(self.rows, indicators, schema, self.moment, self.people)

    def computed(self, library: str) -> rfm.Snapshot:
        people = None
        if self.people is not None:
            people = build(library, self.people, self.types, (KEY, OPENED, OPENING))
        frame = build(library, self.rows, self.types, COLUMNS)
        return rfm.compute(
            frame, self.indicators, self.schema, as_of=self.as_of, population=people, on_invalid="report"
        )


COLUMNS = (KEY, TIME, AMOUNT, KIND, CHANNEL, SIDE, REVERSAL, ORIGIN)


def indicator_set(*, mapped: bool, sides: bool, marks: bool, min_history_days: int) -> rfm.IndicatorSet:
    """Every kind of indicator over every kind of filter and window."""
    deposit, other = ("deposit", "move") if mapped else ("存款", "转账")
    chosen: list[Any] = [
        rfm.Recency(name="r_all"),
        rfm.Recency(name="r_deposit", kinds=(deposit,), initiators=EVERYONE),
        rfm.Recency(name="r_month", window="1mo", channels=("柜面", "手机")),
        rfm.Frequency(name="f_rows", per_exposed_day=False),
        rfm.Frequency(name="f_rate", kinds=(deposit, other), window="7d"),
        rfm.Frequency(name="f_three", window="3mo", initiators=EVERYONE, channels=("手机",)),
        rfm.Frequency(name="f_days", measure="distinct_days", window="2w"),
        rfm.Frequency(name="f_all_days", measure="distinct_days", per_exposed_day=False, initiators=EVERYONE),
        rfm.Frequency(name="f_yesterday", measure="distinct_days", window="1d", per_exposed_day=False),
        rfm.Monetary(name="m_sum"),
        rfm.Monetary(name="m_rate", window="1mo", per_exposed_day=True, initiators=EVERYONE),
        rfm.Monetary(name="m_mean", measure="mean", window="3mo", kinds=(other,)),
        rfm.Monetary(name="m_average", measure="daily_average_balance"),
        rfm.Monetary(name="m_average_month", measure="daily_average_balance", window="1mo"),
        rfm.Monetary(name="m_last", measure="last_balance"),
    ]
    if sides:
        chosen += [
            rfm.Recency(name="r_credit", sides=("credit",)),
            rfm.Monetary(name="m_debit", sides=("debit",), measure="mean", initiators=EVERYONE),
            rfm.Frequency(name="f_both", sides=("credit", "debit"), window="4w"),
        ]
    if marks:
        chosen += [
            rfm.Recency(name="r_bank", initiators=("system",)),
            rfm.Frequency(name="f_standing", initiators=("standing_order",), window="1mo"),
            rfm.Monetary(name="m_not_standing", initiators=("customer", "system")),
        ]
    return rfm.IndicatorSet(indicators=tuple(chosen), min_history_days=min_history_days)


def _moments(flavour: str, as_of: dt.datetime) -> st.SearchStrategy[Any]:
    """Draw row times around as_of: mostly within weeks, on midnights and their edges, in all hours of DST days."""
    days = st.one_of(st.integers(-3, 2), st.integers(-40, 1), st.integers(-120, 3))
    if flavour == "date":
        return days.map(lambda n: as_of.date() + dt.timedelta(days=n))
    if flavour == "aware":
        halves = st.one_of(st.integers(-60, 4), st.integers(-48 * 40, 60))
        return halves.map(lambda n: as_of.astimezone(dt.UTC) + dt.timedelta(minutes=30 * n))
    clock = st.sampled_from([dt.time(), dt.time(0, 0, 1), dt.time(23, 59, 59), dt.time(18), as_of.time()])
    return st.builds(lambda n, time: dt.datetime.combine(as_of.date() + dt.timedelta(days=n), time), days, clock)


AS_OF: dict[str, list[Any]] = {
    "date": [dt.date(2025, 3, 31), "2024-03-31", wall("2025-03-30T18:00")],
    "naive": ["2025-03-31", dt.date(2024, 2, 29), wall("2025-05-31T18:00"), "2025-01-01T00:00:01"],
    "aware": [
        "2024-10-27",
        dt.date(2024, 10, 28),
        dt.datetime(2024, 10, 27, 2, 30, tzinfo=PRAGUE),
        dt.datetime(2024, 10, 27, 2, 30, tzinfo=PRAGUE, fold=1),
        dt.date(2025, 3, 30),
        "2025-03-31",
        "2025-03-30T03:30+02:00",
        dt.datetime(2025, 4, 6, 1, 30, tzinfo=dt.UTC),
    ],
}


def _types(draw: Callable[..., Any], flavour: str, *, text_keys: bool) -> dict[str, str]:
    unit = draw(st.sampled_from(["s", "ms", "us", "ns"]))
    zone = draw(st.sampled_from(["UTC", "Europe/Prague", "Asia/Shanghai"]))
    time = {"date": "date", "naive": f"naive:{unit}", "aware": f"aware:{unit}:{zone}"}[flavour]
    return {KEY: "text" if text_keys else "int", TIME: time}


def _schema(flags: Mapping[str, Any], flavour: str) -> rfm.TransactionSchema:
    more: dict[str, Any] = MARKS if flags["marks"] else {}
    more = more | ({"kinds": CODES} if flags["mapped"] else {})
    if flags["sides"]:
        more = more | {"side": SIDE, "credit": ("贷",), "debit": ("借", "现")}
    if flags["refunds"]:
        more = more | {"reversal": REVERSAL, "refunds": flags["refunds"]}
    if flags["people"]:
        more = more | {"opened": OPENED, "opening_balance": OPENING}
    zone = "Europe/Prague" if flavour == "aware" else None
    return rfm.TransactionSchema(
        customer=KEY, time=TIME, amount=AMOUNT, kind=KIND, channel=CHANNEL, time_zone=zone, **more
    )


FLAGS = st.fixed_dictionaries(
    {
        "mapped": st.booleans(),
        "sides": st.booleans(),
        "marks": st.booleans(),
        "people": st.booleans(),
        "refunds": st.sampled_from([None, "net", "exclude", "as_is"]),
    }
)


@st.composite
def cases(draw: Callable[..., Any], flavour: str) -> Case:
    """Draw a few customers with tied, null, refunded and same-day rows; the first row is always history."""
    flags, text_keys = draw(FLAGS), draw(st.booleans())
    keys: list[Any] = ["客户乙", "客户甲", "B", "a"] if text_keys else [2**53 + 1, 2**53, 7, -3]
    given_as_of = draw(st.sampled_from(AS_OF[flavour]))
    types = _types(draw, flavour, text_keys=text_keys)
    schema = _schema(flags, flavour)
    days = draw(st.sampled_from([0, 7, 30]))
    indicators = indicator_set(
        **{name: flags[name] for name in ("mapped", "sides", "marks")}, min_history_days=days
    )
    case = Case((), types, schema, indicators, given_as_of, None)
    end = rfm_oracle.Clock(case.moment, PRAGUE if flavour == "aware" else None).wall
    one_row = st.fixed_dictionaries(
        {
            KEY: st.sampled_from(keys[:3]),
            TIME: _moments(flavour, end),
            AMOUNT: AMOUNTS if flags["sides"] else AMOUNTS.flatmap(lambda a: st.sampled_from([a, a and -a])),
            KIND: st.sampled_from(KINDS),
            CHANNEL: st.sampled_from(["柜面", "手机", "网银", None]),
            SIDE: st.sampled_from(["贷", "借", "现"]),
            REVERSAL: st.sampled_from([False, False, False, True]),
            ORIGIN: st.sampled_from(["客户", "客户", "银行", "代扣", None]),
        }
    )
    first = draw(one_row) | {TIME: _shifted(end, flavour)}
    rows = (first, *draw(st.lists(one_row, max_size=25)))
    people = _people(draw, keys, end.date()) if flags["people"] else None
    return replace(case, rows=rows, people=people)


def _shifted(end: dt.datetime, flavour: str) -> Any:
    before = (end - dt.timedelta(days=5)).replace(minute=0, second=0)
    return before.date() if flavour == "date" else before


def _people(draw: Callable[..., Any], keys: Sequence[Any], today: dt.date) -> tuple[Row, ...]:
    """Draw the population: some have no rows, some opened lately or later, some are missing."""
    some = draw(st.lists(st.sampled_from(keys), unique=True, max_size=4)) or [keys[3]]
    opened = st.one_of(st.none(), st.integers(-200, 2).map(lambda n: today + dt.timedelta(days=n)))
    balance = st.one_of(st.none(), st.floats(-1e5, 1e5))
    return tuple({KEY: key, OPENED: draw(opened), OPENING: draw(balance)} for key in some)


@pytest.mark.parametrize("flavour", ["date", "naive", "aware"])
def test_every_library_agrees_with_the_oracle(flavour: str) -> None:
    """Random tables: counts and dates bit for bit, money to 1e-12 of what was moved, in all libraries."""

    @settings(max_examples=25, deadline=None)
    @given(cases(flavour))
    def agree(case: Case) -> None:
        want = case.expected()
        for library in LIBRARIES:
            got = case.computed(library)
            assert_same_table(rows_of(got.table), want, KEY, money_names(case.indicators))
            assert got.customers == [key for key, row in want.items() if row["status"] == "graded"]

    agree()


# --------------------------------------------------------------------------------------------------------- laws

ANY_CASE = st.sampled_from(["date", "naive", "aware"]).flatmap(cases)
ONE_LIBRARY = st.sampled_from(LIBRARIES)
LAW = settings(max_examples=15, deadline=None)


def result(case: Case, library: str) -> dict[Any, Row]:
    return {row.pop(KEY): row for row in rows_of(case.computed(library).table)}


def assert_close(case: Case, got: Mapping[Any, Row], want: Mapping[Any, Row], scale: float = 1.0) -> None:
    """Compare two results of the library: money to rounding, all else exactly."""
    volume = {key: row["volume"] for key, row in case.expected().items()}
    biggest = {"volume": max(volume.values(), default=0.0)}
    named = [{KEY: key, **row} for key, row in got.items()]
    expected = {key: row | biggest for key, row in want.items()}
    assert_same_table(named, expected, KEY, money_names(case.indicators), scale)


@LAW
@given(ANY_CASE, ONE_LIBRARY, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(case: Case, library: str, random: Any) -> None:
    rows = list(case.rows)
    random.shuffle(rows)
    assert_close(case, result(replace(case, rows=tuple(rows)), library), result(case, library))


@LAW
@given(ANY_CASE, ONE_LIBRARY, st.integers(0, 5))
def test_rows_at_or_after_as_of_change_nothing(case: Case, library: str, days: int) -> None:
    """Not even broken ones: without a key, with an unknown side, an infinite amount."""
    end = rfm_oracle.Clock(case.moment, PRAGUE if case.schema.time_zone else None).wall
    if end.time() != dt.time() and case.types[TIME] == "date":
        days += 1
    later: Any = end + dt.timedelta(days=days) if days else end  # adding nothing would lose the fold
    later = later.date() if case.types[TIME] == "date" else later
    broken = case.rows[0] | {TIME: later, AMOUNT: -math.inf, SIDE: "?", KIND: "?"}
    keyless = {KEY: None} if case.types[KEY] == "text" else {}
    more = replace(case, rows=(broken | keyless, *case.rows, broken))
    assert result(more, library) == result(case, library)
    report = more.computed(library).report
    assert report.count("rows_after_as_of") == case.computed(library).report.count("rows_after_as_of") + 2
    assert report.passed


@LAW
@given(ANY_CASE, ONE_LIBRARY)
def test_renaming_customers_permutes_the_rows(case: Case, library: str) -> None:
    names = {key: f"名{9 - place}" for place, key in enumerate(sorted({row[KEY] for row in case.rows}, key=str))}
    people = case.people and tuple(
        row | {KEY: names.setdefault(row[KEY], f"无{len(names)}")} for row in case.people
    )
    rows = tuple(row | {KEY: names[row[KEY]]} for row in case.rows)
    renamed = replace(case, rows=rows, people=people, types=case.types | {KEY: "text"})
    want = {names[key]: row for key, row in result(case, library).items()}
    assert result(renamed, library) == dict(sorted(want.items()))


@LAW
@given(ANY_CASE, ONE_LIBRARY, st.sampled_from([0.25, 7.3, 1024.0]))
def test_another_currency_scales_money_and_nothing_else(case: Case, library: str, rate: float) -> None:
    rows = tuple(row | {AMOUNT: row[AMOUNT] and row[AMOUNT] * rate} for row in case.rows)
    people = case.people and tuple(row | {OPENING: row[OPENING] and row[OPENING] * rate} for row in case.people)
    assert_close(case, result(replace(case, rows=rows, people=people), library), result(case, library), rate)


@LAW
@given(ANY_CASE, ONE_LIBRARY)
def test_the_callers_frames_are_not_changed(case: Case, library: str) -> None:
    frame = build(library, case.rows, case.types, COLUMNS)
    before = build(library, case.rows, case.types, COLUMNS)
    schema = case.schema.model_copy(update={"opened": None, "opening_balance": None})
    rfm.compute(frame, case.indicators, schema, as_of=case.as_of)
    if library == "pandas":
        pd.testing.assert_frame_equal(frame, before)
    elif library == "pyarrow":
        assert frame.schema == before.schema
        assert str(frame.to_pylist()) == str(before.to_pylist())
    else:
        assert frame.lazy().collect_schema() == before.lazy().collect_schema()
        assert str(frame.lazy().collect().to_dicts()) == str(before.lazy().collect().to_dicts())


def _categorical(library: str, frame: Any) -> Any:
    codes = [KIND, CHANNEL, SIDE, ORIGIN]
    if library == "pandas":
        return frame.astype(dict.fromkeys(codes, "category"))
    if library == "pyarrow":
        for name in codes:
            place = frame.column_names.index(name)
            frame = frame.set_column(place, name, frame[name].dictionary_encode())
        return frame
    return frame.with_columns(pl.col(*codes).cast(pl.Categorical))


@LAW
@given(ANY_CASE, ONE_LIBRARY)
def test_categories_are_read_as_their_text(case: Case, library: str) -> None:
    schema = case.schema.model_copy(update={"opened": None, "opening_balance": None})
    frame = build(library, case.rows, case.types, COLUMNS)
    want = rfm.compute(frame, case.indicators, schema, as_of=case.as_of)
    got = rfm.compute(_categorical(library, frame), case.indicators, schema, as_of=case.as_of)
    assert rows_of(got.table) == rows_of(want.table)
    assert got.report.rules == want.report.rules


def test_a_polars_enum_may_lack_codes_of_the_schema() -> None:
    rows = build("polars", [{KEY: 1, TIME: dt.date(2025, 1, 1), KIND: "存款"}], {TIME: "date"})
    rows = rows.with_columns(pl.col(KIND).cast(pl.Enum(["存款"])))
    schema = rfm.TransactionSchema(customer=KEY, time=TIME, kind=KIND, kinds=CODES)
    chosen = indicators_of(rfm.Recency(name="a", kinds=("deposit",)), rfm.Recency(name="b", kinds=("move",)))
    assert rows_of(rfm.compute(rows, chosen, schema, as_of="2025-01-03").table)[0]["b"] is None


@EACH_LIBRARY
def test_codes_may_be_integers(library: str) -> None:
    rows = [{KEY: 1, TIME: dt.date(2025, 1, day), KIND: day} for day in (1, 2, 4)]
    schema = rfm.TransactionSchema(customer=KEY, time=TIME, kind=KIND, kinds={"odd": ("1", "3"), "two": ("2",)})
    chosen = indicators_of(rfm.Recency(name="odd", kinds=("odd",)), rfm.Recency(name="two", kinds=("two",)))
    found = rfm.compute(build(library, rows, {TIME: "date", KIND: "int"}), chosen, schema, as_of="2025-01-05")
    assert (rows_of(found.table)[0]["odd"], rows_of(found.table)[0]["two"]) == (4.0, 3.0)
    assert found.report.count("kind_unknown") == 1


def indicators_of(*chosen: Any, min_history_days: int = 0) -> rfm.IndicatorSet:
    return rfm.IndicatorSet(indicators=chosen, min_history_days=min_history_days)


# --------------------------------------------------------------------------------------------- worked by hand

PLAIN = rfm.TransactionSchema(customer=KEY, time=TIME, amount=AMOUNT)


def moves(*found: tuple[str, float]) -> list[Row]:
    """One customer's dated amounts."""
    return [{KEY: 1, TIME: dt.date.fromisoformat(day), AMOUNT: amount} for day, amount in found]


def visits(*found: str) -> list[Row]:
    return [{KEY: 1, TIME: dt.datetime.fromisoformat(moment), AMOUNT: 1.0} for moment in found]


def only(snapshot: rfm.Snapshot) -> Row:
    (row,) = rows_of(snapshot.table)
    return row


@EACH_LIBRARY
@pytest.mark.parametrize(
    ("window", "average"), [(None, 80.0), ("30d", 80.0), ("10d", 80.0), ("6d", 400 / 6), ("1d", 60.0)]
)
def test_daily_average_balance_by_hand(library: str, window: str | None, average: float) -> None:
    """+100 on the 10th, -40 on the 15th, as of the 20th: 5 days of 100, then 5 days of 60.

    All days from the first row on: 800 / 10 = 80, and a longer window begins with the first row too. Six days,
    14th to 19th: (100 + 5 * 60) / 6. One day: 60. The row on the 20th is not history.
    """
    rows = moves(("2025-01-15", -40.0), ("2025-01-20", 1e6), ("2025-01-10", 100.0))
    chosen = indicators_of(rfm.Monetary(name="balance", measure="daily_average_balance", window=window))
    found = rfm.compute(build(library, rows, {TIME: "date"}), chosen, PLAIN, as_of="2025-01-20")
    assert only(found)["balance"] == pytest.approx(average, rel=1e-14)
    assert found.report.count("opening_balance_assumed") == 1


@EACH_LIBRARY
def test_rows_of_one_day_count_by_its_closing_balance(library: str) -> None:
    """In and out on one day leaves 10 at its end: the peak of 1,010 never was a closing balance."""
    rows = moves(("2025-01-10", 1010.0), ("2025-01-10", -1000.0))
    average = rfm.Monetary(name="balance", measure="daily_average_balance")
    last = rfm.Monetary(name="last", measure="last_balance")
    frame = build(library, rows, {TIME: "date"})
    row = only(rfm.compute(frame, indicators_of(average, last), PLAIN, as_of="2025-01-13"))
    assert (row["balance"], row["last"]) == (10.0, 10.0)
    assert only(rfm.compute(frame, indicators_of(average), PLAIN, as_of=dt.date(2025, 1, 11)))["balance"] == 10.0


@EACH_LIBRARY
@pytest.mark.parametrize(
    ("as_of", "days", "rows_inside"),
    [("2025-03-31", 31, 2), ("2024-03-31", 31, 2), ("2025-03-28", 28, 3), ("2025-05-31", 31, 1)],
)
def test_a_month_before_the_31st_clips(library: str, as_of: str, days: int, rows_inside: int) -> None:
    """31 March less a month is the last of February: in 2025 the 28th, 31 days before; in 2024 the 29th.

    Rows on 27 and 28 February and on 1 March 2025 (one day later each in 2024), and on 30 April 2025: from
    28 February two lie inside, as of 28 March from 28 February on, too, with the row of 27 February outside
    and one more row on 27 March. 31 May less a month is 30 April.
    """
    shift = dt.timedelta(days=1) if as_of < "2025" else dt.timedelta()
    year = as_of[:4]
    first = [dt.date.fromisoformat(f"{year}-02-27") + shift, dt.date.fromisoformat(f"{year}-02-28") + shift]
    days_of_rows = [*first, dt.date.fromisoformat(f"{year}-03-01")]
    days_of_rows += {"2025-03-28": [dt.date(2025, 3, 27)], "2025-05-31": [dt.date(2025, 4, 30)]}.get(as_of, [])
    rows = [{KEY: 1, TIME: day} for day in [dt.date(2020, 1, 1), *days_of_rows]]
    schema = rfm.TransactionSchema(customer=KEY, time=TIME)
    chosen = indicators_of(
        rfm.Frequency(name="n", window="1mo", per_exposed_day=False), rfm.Frequency(name="rate", window="1mo")
    )
    row = only(rfm.compute(build(library, rows, {TIME: "date"}), chosen, schema, as_of=as_of))
    assert (row["n"], row["rate"]) == (rows_inside, rows_inside / days)


@EACH_LIBRARY
def test_midnight_belongs_to_the_day_that_begins(library: str) -> None:
    """[3 February, 10 February): the first midnight is in, the last is not, a microsecond decides."""
    rows = visits(
        "2025-02-02T23:59:59.999999",
        "2025-02-03",
        "2025-02-09T23:59:59.999999",
        "2025-02-10",
        "2025-02-10T00:00:01",
    )
    chosen = indicators_of(
        rfm.Frequency(name="n", window="7d", per_exposed_day=False),
        rfm.Frequency(name="weeks", window="1w", measure="distinct_days", per_exposed_day=False),
        rfm.Recency(name="days"),
    )
    row = only(rfm.compute(build(library, rows, {TIME: "naive:us"}), chosen, PLAIN, as_of="2025-02-10"))
    assert row == {
        KEY: 1, "status": "graded", "exposure_days": 8, "n_rows": 3, "n": 2.0, "weeks": 2.0, "days": 1.0
    }  # fmt: skip


def test_a_nanosecond_before_as_of_is_history() -> None:
    edge = pd.Timestamp("2025-02-10")
    frame = pd.DataFrame({KEY: [1, 1], TIME: [edge, edge - pd.Timedelta(1, "ns")], AMOUNT: [1.0, 1.0]})
    frame[TIME] = frame[TIME].astype("datetime64[ns]")
    found = rfm.compute(frame, indicators_of(rfm.Recency(name="days")), PLAIN, as_of="2025-02-10")
    assert (only(found)["n_rows"], only(found)["days"]) == (1, 1.0)


@EACH_LIBRARY
def test_rows_before_1970_lie_on_their_day(library: str) -> None:
    frame = build(library, visits("1969-12-31T23:59:59", "1969-12-30T00:00:01"), {TIME: "naive:us"})
    chosen = indicators_of(rfm.Recency(name="days"), rfm.Frequency(name="f", measure="distinct_days"))
    row = only(rfm.compute(frame, chosen, PLAIN, as_of="1970-01-01"))
    assert (row["days"], row["f"], row["exposure_days"]) == (1.0, 1.0, 2)


DST_ROWS = {
    # one local day of 23 hours; the first row is its eve at 23:30, the others its first and last half hour
    "2025-03-31": ["2025-03-29T22:30+00:00", "2025-03-29T23:00+00:00", "2025-03-30T21:30+00:00"],
    # one local day of 25 hours: 00:00, both passes of 02:30, and 23:30; its eve ends at 22:00 UTC
    "2024-10-28": [
        "2024-10-26T21:59+00:00",
        "2024-10-26T22:00+00:00",
        "2024-10-27T00:30+00:00",
        "2024-10-27T01:30+00:00",
        "2024-10-27T22:30+00:00",
    ],
}


@EACH_LIBRARY
@pytest.mark.parametrize("as_of", list(DST_ROWS))
def test_days_of_23_and_25_hours_are_one_day(library: str, as_of: str) -> None:
    """A window of one day is the local day whatever its length; its eve is two days before as_of."""
    schema = rfm.TransactionSchema(customer=KEY, time=TIME, amount=AMOUNT, time_zone="Europe/Prague")
    rows = [{KEY: 1, TIME: wall(moment), AMOUNT: 1.0} for moment in DST_ROWS[as_of]]
    rows += [{KEY: 2, TIME: wall(DST_ROWS[as_of][0]), AMOUNT: 1.0}]
    chosen = indicators_of(
        rfm.Frequency(name="n", window="1d", per_exposed_day=False),
        rfm.Frequency(name="days", window="1d", measure="distinct_days"),
        rfm.Recency(name="recency"),
        rfm.Monetary(name="balance", measure="daily_average_balance"),
    )
    found = rfm.compute(build(library, rows, {TIME: "aware:us:UTC"}), chosen, schema, as_of=as_of)
    n = len(DST_ROWS[as_of])
    first, second = rows_of(found.table)
    assert (first["n"], first["days"], first["recency"], first["exposure_days"]) == (n - 1, 1.0, 1.0, 2)
    assert first["balance"] == (1 + n) / 2  # 1 at the end of the eve, n at the end of the day
    assert (second["n"], second["recency"], second["balance"]) == (0.0, 2.0, 1.0)


@EACH_LIBRARY
@pytest.mark.parametrize(("fold", "inside"), [(0, 1), (1, 3)])
def test_as_of_in_the_doubled_hour_knows_which(library: str, fold: int, inside: int) -> None:
    """02:30 comes twice: at 00:30 and 01:30 UTC. Rows at 00:00, 00:45, 01:15 and 01:45 UTC."""
    hours = ("00:00", "00:45", "01:15", "01:45")
    rows = [{KEY: 1, TIME: wall(f"2024-10-27T{hour}+00:00"), AMOUNT: 1.0} for hour in hours]
    schema = rfm.TransactionSchema(customer=KEY, time=TIME, amount=AMOUNT, time_zone="Europe/Prague")
    as_of = dt.datetime(2024, 10, 27, 2, 30, tzinfo=PRAGUE, fold=fold)
    frame = build(library, rows, {TIME: "aware:ms:Asia/Shanghai"})
    found = rfm.compute(frame, indicators_of(rfm.Recency(name="r")), schema, as_of=as_of)
    assert (only(found)["n_rows"], only(found)["r"]) == (inside, 0.0)


@EACH_LIBRARY
def test_days_are_those_of_the_declared_zone(library: str) -> None:
    """16:00 UTC on New Year's Eve is midnight in Shanghai: the row of 15:59 lies on the day before."""
    rows = [{KEY: 1, TIME: wall(f"2024-12-31T{hour}+00:00"), AMOUNT: 1.0} for hour in ("15:59", "16:00")]
    frame = build(library, rows, {TIME: "aware:us:Europe/Prague"})
    schema = rfm.TransactionSchema(customer=KEY, time=TIME, amount=AMOUNT, time_zone="Asia/Shanghai")
    chosen = indicators_of(rfm.Recency(name="r"))
    found = rfm.compute(frame, chosen, schema, as_of="2025-01-01")
    assert (only(found)["n_rows"], only(found)["r"], found.as_of) == (1, 1.0, "2025-01-01T00:00:00")
    found = rfm.compute(frame, chosen, schema, as_of="2025-01-01T00:30+08:00")
    assert (only(found)["n_rows"], only(found)["r"]) == (2, 0.0)


@pytest.mark.parametrize(
    ("refunds", "total", "mean", "count", "recency"),
    [("net", 70.0, 35.0, 2.0, 4.0), ("exclude", 100.0, 50.0, 2.0, 4.0), ("as_is", 130.0, 130 / 3, 3.0, 1.0)],
)
@EACH_LIBRARY
def test_refunds_by_declared_rule(
    library: str, refunds: Any, total: float, mean: float, count: float, recency: float
) -> None:
    """Purchases of 60 and 40, then 30 come back: netted 70, excluded 100, as any row 130; a null is no money."""
    rows = moves(("2025-01-01", 60.0), ("2025-01-06", 40.0), ("2025-01-09", 30.0))
    rows = [row | {SIDE: "debit", REVERSAL: place == 2} for place, row in enumerate(rows)]
    schema = rfm.TransactionSchema(
        customer=KEY, time=TIME, amount=AMOUNT, side=SIDE, reversal=REVERSAL, refunds=refunds
    )
    chosen = indicators_of(
        rfm.Monetary(name="sum"),
        rfm.Monetary(name="mean", measure="mean"),
        rfm.Frequency(name="n", per_exposed_day=False),
        rfm.Recency(name="r"),
        rfm.Monetary(name="last", measure="last_balance"),
    )
    row = only(rfm.compute(build(library, rows, {TIME: "date"}), chosen, schema, as_of="2025-01-10"))
    assert (row["sum"], row["n"], row["r"], row["last"]) == (total, count, recency, -130.0)
    assert row["mean"] == pytest.approx(mean, rel=1e-15)


@EACH_LIBRARY
@pytest.mark.parametrize(("side", "amount"), [("debit", -30.0), ("credit", 30.0)])
def test_a_refund_may_be_a_negative_debit_or_a_credit(library: str, side: str, amount: float) -> None:
    """100 spent, 30 back: either way 70 net, and the balance stands at -70."""
    rows = [row | {SIDE: "debit", REVERSAL: False} for row in moves(("2025-01-01", 100.0), ("2025-01-09", amount))]
    rows[1] |= {SIDE: side, REVERSAL: True}
    schema = rfm.TransactionSchema(customer=KEY, time=TIME, amount=AMOUNT, side=SIDE, reversal=REVERSAL)
    chosen = indicators_of(rfm.Monetary(name="sum"), rfm.Monetary(name="last", measure="last_balance"))
    row = only(rfm.compute(build(library, rows, {TIME: "date"}), chosen, schema, as_of="2025-01-10"))
    assert (row["sum"], row["last"]) == (70.0, -70.0)


@EACH_LIBRARY
def test_a_null_amount_is_a_visit_without_money(library: str) -> None:
    """1, null, 3 and NaN: four visits, sum 4, mean 2; a kind never used has null, 0, 0 and null."""
    rows = moves(("2025-01-01", 1.0), ("2025-01-02", math.nan), ("2025-01-03", 3.0))
    rows = [row | {KIND: "a"} for row in [*rows, rows[0] | {AMOUNT: None}]]
    schema = rfm.TransactionSchema(customer=KEY, time=TIME, amount=AMOUNT, kind=KIND)
    chosen = [
        made(kind)
        for kind in ("a", "b")
        for made in (
            lambda kind: rfm.Recency(name=f"r{kind}", kinds=(kind,)),
            lambda kind: rfm.Frequency(name=f"f{kind}", kinds=(kind,), per_exposed_day=False),
            lambda kind: rfm.Monetary(name=f"s{kind}", kinds=(kind,)),
            lambda kind: rfm.Monetary(name=f"m{kind}", kinds=(kind,), measure="mean"),
        )
    ]
    found = rfm.compute(build(library, rows, {TIME: "date"}), indicators_of(*chosen), schema, as_of="2025-01-05")
    row = only(found)
    assert [row[name] for name in ("ra", "fa", "sa", "ma")] == [2.0, 4.0, 4.0, 2.0]
    assert [row[name] for name in ("rb", "fb", "sb", "mb")] == [None, 0.0, 0.0, None]
    assert found.report.count("amount_null") == 2
    assert found.report.count("indicator_without_rows") == 4


@EACH_LIBRARY
def test_new_customers_are_not_of_low_value(library: str) -> None:
    """89 days of history are too few, 90 are enough; features and customers hold the graded alone."""
    end = dt.date(2025, 6, 1)
    rows = [{KEY: key, TIME: end - dt.timedelta(days=days)} for key, days in ((3, 89), (2, 90), (1, 400))]
    schema = rfm.TransactionSchema(customer=KEY, time=TIME)
    chosen = indicators_of(rfm.Recency(name="r"), min_history_days=90)
    found = rfm.compute(build(library, rows, {TIME: "date"}), chosen, schema, as_of=end)
    assert [row["status"] for row in rows_of(found.table)] == ["graded", "graded", "new"]
    assert found.customers == [1, 2]
    assert [row["r"] for row in rows_of(found.features)] == [400.0, 90.0]
    assert list(rows_of(found.features)[0]) == ["r"]
    if library == "pandas":
        assert (found.features.index.tolist(), found.features.index.name) == ([1, 2], KEY)
    assert (found.provenance.counts["graded"], found.provenance.counts["new"]) == (2, 1)


@EACH_LIBRARY
def test_a_row_of_bank_and_standing_order_is_the_banks(library: str) -> None:
    """A row has one initiator: reading more of them never gives fewer rows."""
    rows = [{KEY: 1, TIME: dt.date(2025, 1, 1), KIND: "fee", ORIGIN: "auto"}]
    marks: dict[str, Any] = {"system": {KIND: ("fee",)}, "standing_order": {ORIGIN: ("auto",)}}
    schema = rfm.TransactionSchema(customer=KEY, time=TIME, **marks)
    asked: list[Any] = [("system",), ("standing_order",), ("customer",), ("customer", "system"), EVERYONE]
    chosen = [
        rfm.Frequency(name=str(place), initiators=who, per_exposed_day=False) for place, who in enumerate(asked)
    ]
    row = only(
        rfm.compute(build(library, rows, {TIME: "date"}), indicators_of(*chosen), schema, as_of="2025-01-05")
    )
    assert [row[str(place)] for place in range(5)] == [1.0, 0.0, 0.0, 1.0, 1.0]


# --------------------------------------------------------------------------------------- population and balances

PEOPLE = rfm.TransactionSchema(customer=KEY, time=TIME, amount=AMOUNT, opened=OPENED, opening_balance=OPENING)
BALANCES = indicators_of(
    rfm.Recency(name="r"),
    rfm.Frequency(name="f", window="10d"),
    rfm.Monetary(name="s"),
    rfm.Monetary(name="average", measure="daily_average_balance", window="4d"),
    rfm.Monetary(name="last", measure="last_balance"),
)


def person(key: Any, opened: str | None, opening: float | None) -> Row:
    return {KEY: key, OPENED: opened and dt.date.fromisoformat(opened), OPENING: opening}


@EACH_LIBRARY
def test_a_population_keeps_customers_without_rows(library: str) -> None:
    """1 moves +100 on the 8th before opening balance 50; 2 has no rows; 3 no rows and no balance; 4 opens later.

    As of the 11th, window of 4 days 7..10: customer 1 from the first row on, 150 a day; customer 2 keeps 20.
    """
    rows = [{KEY: 1, TIME: dt.date(2025, 1, 8), AMOUNT: 100.0}]
    people = [person(3, None, None), person(1, "2025-01-06", 50.0), person(2, "2024-12-02", 20.0)]
    people += [person(4, "2025-01-11", 0.0)]
    found = rfm.compute(
        build(library, rows, {TIME: "date"}),
        BALANCES,
        PEOPLE,
        as_of="2025-01-11",
        population=build(library, people, {}),
    )
    table = [tuple(row[name] for name in row if name != "status") for row in rows_of(found.table)]
    assert table == [
        (1, 5, 1, 3.0, 1 / 5, 100.0, 150.0, 150.0),
        (2, 40, 0, None, 0.0, 0.0, 20.0, 20.0),
        (3, 1, 0, None, 0.0, 0.0, None, None),
    ]
    counts = {name: found.report.count(name) for name in ("not_yet_opened", "opening_balance_assumed")}
    assert counts == {"not_yet_opened": 1, "opening_balance_assumed": 1}


@EACH_LIBRARY
def test_customers_the_population_does_not_name(library: str) -> None:
    rows = build(library, [{KEY: key, TIME: dt.date(2025, 1, 8), AMOUNT: 1.0} for key in (71, 72)], {TIME: "date"})
    people = build(library, [person(71, "2025-01-09", None)], {})
    with pytest.raises(DataError, match=r"population does not name.* \(1\)\. Complete") as caught:
        rfm.compute(rows, BALANCES, PEOPLE, as_of="2025-01-11", population=people)
    assert "72" not in str(caught.value)
    found = rfm.compute(rows, BALANCES, PEOPLE, as_of="2025-01-11", population=people, on_invalid="report")
    assert only(found)["exposure_days"] == 3  # the row of the day before the opening counts
    assert (found.report.count("customer_unknown"), found.report.count("rows_before_opened")) == (1, 1)


@pytest.mark.parametrize(("one", "other"), [("lazy", "polars"), ("polars", "lazy")])
def test_a_lazy_table_meets_a_population_in_memory(one: str, other: str) -> None:
    rows = build(one, [{KEY: 1, TIME: dt.date(2025, 1, 8), AMOUNT: 1.0}], {TIME: "date"})
    people = build(other, [person(1, "2025-01-01", 5.0), person(2, None, 7.0)], {})
    found = rfm.compute(rows, BALANCES, PEOPLE, as_of="2025-01-11", population=people)
    assert [row["last"] for row in rows_of(found.table)] == [6.0, 7.0]


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_keys_of_another_width_meet(library: str) -> None:
    rows = build(library, [{KEY: 1, TIME: dt.date(2025, 1, 8), AMOUNT: 1.0}], {TIME: "date"})
    people = build(library, [person(1, "2025-01-01", 5.0)], {})
    narrow: dict[str, Callable[[], Any]] = {
        "pandas": lambda: people.astype({KEY: "int32"}),
        "polars": lambda: people.cast({KEY: pl.Int32}),
        "pyarrow": lambda: people.set_column(0, KEY, people[KEY].cast(pa.int32())),
    }
    found = rfm.compute(rows, BALANCES, PEOPLE, as_of="2025-01-11", population=narrow[library]())
    assert only(found)["last"] == 6.0


@EACH_LIBRARY
def test_a_balance_column_gives_the_opening_balance(library: str) -> None:
    """Order 1: +30 to 130, so 100 stood before; order 2, the same day: -10 to 120; last order 3: +5 to 125.

    As of the 5th, days 2, 3, 4: closing 120, 120, 125. The second customer's column breaks by 1 at the end.
    """
    found = [
        (1, "2025-01-02", -10.0, 120.0, 2),
        (1, "2025-01-02", 30.0, 130.0, 1),
        (1, "2025-01-04", 5.0, 125.0, 3),
    ]
    found += [(2, "2025-01-02", 10.0, 10.0, 1), (2, "2025-01-03", 10.0, 21.0, 2), (2, "2025-01-05", 1.0, 0.0, 0)]
    names = (KEY, TIME, AMOUNT, "余额", "序号")
    rows = [dict(zip(names, row, strict=True)) | {TIME: dt.date.fromisoformat(row[1])} for row in found]
    schema = rfm.TransactionSchema(customer=KEY, time=TIME, amount=AMOUNT, balance="余额", order="序号")
    frame = build(library, rows, {TIME: "date", "余额": "float", "序号": "int"})
    chosen = indicators_of(
        rfm.Monetary(name="average", measure="daily_average_balance"),
        rfm.Monetary(name="last", measure="last_balance"),
    )
    snapshot = rfm.compute(frame, chosen, schema, as_of="2025-01-05")
    first, second = rows_of(snapshot.table)
    assert (first["average"], first["last"]) == (pytest.approx(365 / 3, rel=1e-15), 125.0)
    assert (second["average"], second["last"]) == (pytest.approx(50 / 3, rel=1e-15), 20.0)
    assert (snapshot.report.count("balance_chain"), snapshot.report.count("opening_balance_assumed")) == (1, 0)
    oracle = rfm_oracle.snapshot(rows, chosen.model_dump(), schema.model_dump(), dt.date(2025, 1, 5))
    assert_same_table(rows_of(snapshot.table), oracle, KEY, chosen.names)


@EACH_LIBRARY
def test_an_order_that_repeats_at_an_end_is_refused(library: str) -> None:
    rows = [{KEY: 1, TIME: dt.date(2025, 1, 2), AMOUNT: 4321.0, "余额": 1.0, "序号": 5} for _ in range(2)]
    schema = rfm.TransactionSchema(customer=KEY, time=TIME, amount=AMOUNT, balance="余额", order="序号")
    frame = build(library, rows, {TIME: "date", "余额": "float", "序号": "int"})
    with pytest.raises(DataError, match="'序号' does not order a customer's rows: numbers repeat"):
        rfm.compute(frame, BALANCES, schema, as_of="2025-01-05")


# ------------------------------------------------------------------------------------------------ specifications

SPECS: list[Any] = [
    rfm.IndicatorSet.retail_bank(min_history_days=30),
    indicator_set(mapped=True, sides=True, marks=True, min_history_days=0),
    rfm.TransactionSchema(customer=KEY, time=TIME),
    rfm.TransactionSchema(
        customer=KEY,
        time=TIME,
        amount=AMOUNT,
        side=SIDE,
        kind=KIND,
        kinds=CODES,
        time_zone="Asia/Shanghai",
        **MARKS,
    ),
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: type(spec).__name__)
def test_specifications_travel_as_json(spec: Any) -> None:
    back = type(spec).model_validate_json(spec.model_dump_json())
    assert back == spec
    assert (hash(back), back.digest) == (hash(spec), spec.digest)
    assert pickle.loads(pickle.dumps(spec)) == spec  # noqa: S301 - our own bytes
    assert type(spec).model_validate(spec.model_dump()) == spec


@pytest.mark.parametrize("spec", [*SPECS, *SPECS[1].indicators], ids=lambda spec: type(spec).__name__)
def test_specifications_are_closed_and_frozen(spec: Any) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        type(spec).model_validate(spec.model_dump() | {"limit": 1})
    field = next(iter(type(spec).model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(spec, field, getattr(spec, field))


def test_a_schemas_mapping_is_frozen_too() -> None:
    with pytest.raises(TypeError, match="frozen"):
        SPECS[3].kinds["more"] = ("x",)


def test_different_specifications_have_different_digests() -> None:
    digests = {spec.digest for spec in (*SPECS, rfm.IndicatorSet.retail_bank())}
    assert len(digests) == 5


def test_retail_bank_is_four_three_two() -> None:
    chosen = rfm.IndicatorSet.retail_bank()
    assert {dimension: len(names) for dimension, names in chosen.groups.items()} == {
        "recency": 4,
        "frequency": 3,
        "monetary": 2,
    }
    assert [one.window for one in chosen.indicators] == [None] * 4 + ["365d"] * 4 + ["90d"]


def monetary(**more: Any) -> rfm.Monetary:
    return rfm.Monetary(name="m", **more)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rfm.Recency(name="r", window="0d"), "window"),
        (lambda: rfm.Recency(name="r", window="90"), "window"),
        (lambda: rfm.Recency(name="r", window="1.5mo"), "window"),
        (lambda: rfm.Recency(name="r", window="1y"), "window"),
        (lambda: rfm.Recency(name=""), "name"),
        (lambda: rfm.Recency(name="r", kinds=()), "kinds"),
        (lambda: rfm.Frequency(name="f", channels=()), "channels"),
        (lambda: monetary(sides=()), "sides"),
        (lambda: monetary(initiators=()), "initiators"),
        (lambda: monetary(measure="mean", per_exposed_day=True), "per_exposed_day goes with measure 'sum'"),
        (lambda: monetary(measure="last_balance", window="1d"), "last balance has no window"),
        (lambda: monetary(measure="daily_average_balance", kinds=("a",)), "moved by every row: leave kinds out"),
        (lambda: indicators_of(monetary(), rfm.Recency(name="m")), r"\['m'\] stand more than once"),
        (lambda: rfm.IndicatorSet(indicators=()), "indicators"),
        (lambda: rfm.IndicatorSet(indicators=(monetary(),), min_history_days=-1), "min_history_days"),
    ],
)
def test_indicators_that_cannot_be(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"balance": "b", "amount": "a"}, "'balance' needs 'order'"),
        ({"balance": "b", "order": "o"}, "'balance' needs 'amount'"),
        ({"side": "s"}, "'side' needs 'amount'"),
        ({"kinds": {"a": ("x",)}}, "'kinds' needs 'kind'"),
        ({"channels": {"a": ("x",)}}, "'channels' needs 'channel'"),
        ({"kind": "k", "kinds": {"a": ("x",), "b": ("x",)}}, "kinds: a code stands more than once"),
        ({"side": "s", "amount": "a", "credit": ("x",), "debit": ("x",)}, "credit and debit: a code stands"),
        ({"time_zone": "Europe/Prag"}, "'Europe/Prag' is unknown"),
        ({"time_zone": "../../etc/passwd"}, "is unknown"),
        ({"refunds": "ignore"}, "refunds"),
        ({"customer": 5}, "customer"),
    ],
)
def test_schemas_that_cannot_be(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        rfm.TransactionSchema(**({"customer": "c", "time": "t"} | more))


# ----------------------------------------------------------------------------------------------------- refusals

#: A key and an amount that no message may show.
SECRET_KEY, SECRET_AMOUNT = 918273645, 5550123.25
BASE = [
    {
        KEY: SECRET_KEY + place,
        TIME: dt.date(2025, 1, 2),
        AMOUNT: SECRET_AMOUNT,
        KIND: "geheim",
        SIDE: "credit",
        "币种": "CNY",
        "账号": f"acc-{SECRET_KEY}",
        REVERSAL: False,
    }
    for place in (0, 0)
]
ALL = [rfm.Recency(name="r"), rfm.Monetary(name="m")]


def refuse(
    error: type[CustvalueError],
    message: str,
    *,
    library: str = "polars",
    change: Mapping[str, Any] | None = None,
    types: Mapping[str, str] | None = None,
    chosen: Sequence[Any] = ALL,
    as_of: Any = "2025-02-01",
    **schema: Any,
) -> None:
    """Change the second row, and see the table refused without a value of it being shown."""
    rows = [BASE[0], BASE[1] | dict(change or {})]
    asked = rfm.TransactionSchema(customer=KEY, time=TIME, amount=AMOUNT, **schema)
    frame = build(library, rows, {TIME: "date"} | dict(types or {}))
    with pytest.raises(error, match=message) as caught:
        rfm.compute(frame, indicators_of(*chosen), asked, as_of=as_of)
    shown = f"{caught.value}{caught.value.__cause__ or ''}"
    for secret in (str(SECRET_KEY), "geheim", str(SECRET_AMOUNT), "5550123", "acc-"):
        assert secret not in shown


@EACH_LIBRARY
@pytest.mark.parametrize(
    ("message", "more"),
    [
        (r"infinite amount .*\(1\)", {"change": {AMOUNT: math.inf}}),
        (r"infinite amount .*\(1\)", {"change": {AMOUNT: 1e200}}),
        (r"negative amount .*\(1\)", {"change": {AMOUNT: -SECRET_AMOUNT}, "side": SIDE}),
        (r"side is in neither .*\(1\)", {"change": {SIDE: "geheim"}, "side": SIDE}),
        (r"side is in neither .*\(1\)", {"change": {SIDE: None}, "side": SIDE}),
        (r"Currencies in one table.*\(2\)", {"change": {"币种": "CZK"}, "currency": "币种"}),
        (r"rows of several customers.*\(1\)", {"change": {KEY: 5}, "account": "账号"}),
        (r"without a time.*on_invalid='report' \(1\)", {"change": {TIME: None}}),
        (r"without a customer key.*on_invalid='report' \(1\)", {"change": {KEY: None}, "types": {KEY: "text"}}),
        (r"no row before as_of", {"as_of": "2025-01-02"}),
    ],
)
def test_rows_that_break_a_rule(library: str, message: str, more: dict[str, Any]) -> None:
    if more.get("types"):
        more["change"] = {KEY: None}
        secret = [row | {KEY: str(row[KEY])} for row in BASE]
        refuse_rows(library, secret[0], secret[1] | {KEY: None}, message)
    else:
        refuse(DataError, message, library=library, **more)


def refuse_rows(library: str, first: Row, second: Row, message: str) -> None:
    frame = build(library, [first, second], {TIME: "date", KEY: "text"})
    with pytest.raises(DataError, match=message) as caught:
        rfm.compute(frame, indicators_of(*ALL), PLAIN, as_of="2025-02-01")
    assert str(SECRET_KEY) not in str(caught.value)


@EACH_LIBRARY
@pytest.mark.parametrize("column", [KEY, TIME])
def test_null_keys_and_times_may_be_reported(library: str, column: str) -> None:
    rows = [row | {KEY: "客"} for row in BASE]
    frame = build(library, [rows[0], rows[1] | {column: None}], {TIME: "date", KEY: "text"})
    found = rfm.compute(frame, indicators_of(*ALL), PLAIN, as_of="2025-02-01", on_invalid="report")
    assert (only(found)["n_rows"], only(found)["m"]) == (1, SECRET_AMOUNT)
    name = {KEY: "customer_null", TIME: "time_null"}[column]
    assert (found.report.count(name), found.report.failures) == (1, (name,))
    checked = PLAIN.check(frame)
    assert (checked.passed, checked.failures) == (False, (name,))
    assert set(checked.to_frame()["status"]) <= {"pass", "warn", "fail"}


@EACH_LIBRARY
@pytest.mark.parametrize(
    ("message", "more"),
    [
        (r"missing: '渠道'\. The frame has", {"channel": CHANNEL}),
        (r"kind 'atm' and the schema names no kind column", {"chosen": [rfm.Recency(name="r", kinds=("atm",))]}),
        (
            r"channel 'atm' and the schema names no channel",
            {"chosen": [rfm.Frequency(name="f", channels=("atm",))]},
        ),
        (
            r"kind 'atm', which 'kinds' of the schema does not map\. Mapped: deposit, move",
            {"chosen": [rfm.Recency(name="r", kinds=("atm",))], "kind": KIND, "kinds": CODES},
        ),
        (r"reads one side and the schema names no side", {"chosen": [rfm.Recency(name="r", sides=("debit",))]}),
        (
            r"reads rows of \['system'\] only and the schema marks none",
            {"chosen": [rfm.Recency(name="r", initiators=("system",))]},
        ),
        (r"\['status'\] are taken by the table's own", {"chosen": [rfm.Recency(name="status")]}),
        (r"\['n_rows'\] are taken by the table's own", {"chosen": [rfm.Recency(name="n_rows")]}),
        (r"\['客户号'\] are taken by the table's own", {"chosen": [rfm.Recency(name=KEY)]}),
        (r"'交易类型' is of type .*allowed: True and False", {"reversal": KIND}),
        (r"'金额' is of type Float64; allowed: text, categories or integers", {"kind": AMOUNT}),
        (r"'金额' is of type Float64; allowed: integers", {"balance": AMOUNT, "order": AMOUNT}),
        (r"population \('opened'\): give population=", {"opened": OPENED}),
    ],
)
def test_columns_that_are_not_what_was_asked(library: str, message: str, more: dict[str, Any]) -> None:
    refuse(ColumnError, message, library=library, **more)


@EACH_LIBRARY
def test_money_without_an_amount_column(library: str) -> None:
    schema = rfm.TransactionSchema(customer=KEY, time=TIME)
    with pytest.raises(ColumnError, match="'m' reads money and the schema names no amount column"):
        rfm.compute(build(library, BASE, {TIME: "date"}), indicators_of(*ALL), schema, as_of="2025-02-01")


@EACH_LIBRARY
def test_text_dates_are_refused(library: str) -> None:
    rows = [row | {TIME: "2025-01-02"} for row in BASE]
    with pytest.raises(ColumnError, match=r"'交易时间' is of type String; .*pandas\.to_datetime") as caught:
        rfm.compute(build(library, rows, {TIME: "text"}), indicators_of(*ALL), PLAIN, as_of="2025-02-01")
    assert "2025-01" not in str(caught.value)


def test_objects_of_dates_in_pandas_are_dates_and_other_objects_are_refused() -> None:
    """Pandas reads the dates of a parquet file as objects."""
    frame = build("pandas", BASE, {TIME: "date"})
    expected = rfm.compute(frame, indicators_of(*ALL), PLAIN, as_of="2025-02-01").table
    frame[TIME] = pd.Series(pd.to_datetime(frame[TIME]).dt.date, dtype=object)
    found = rfm.compute(frame, indicators_of(*ALL), PLAIN, as_of="2025-02-01").table
    pd.testing.assert_frame_equal(found, expected)
    frame[TIME] = pd.Series([frame[TIME].iloc[0], *["2025-01-01"] * (len(frame) - 1)], dtype=object)
    with pytest.raises(ColumnError, match=r"'交易时间' is of type Object; allowed: a date or a datetime"):
        rfm.compute(frame, indicators_of(*ALL), PLAIN, as_of="2025-02-01")


@EACH_LIBRARY
@pytest.mark.parametrize("tag", ["float", "bool", "date"])
def test_keys_are_integers_or_text(library: str, tag: str) -> None:
    value = {"float": 1.5, "bool": True, "date": dt.date(2025, 1, 1)}[tag]
    rows = [row | {KEY: value} for row in BASE]
    with pytest.raises(ColumnError, match=r"'客户号' is of type .*allowed: integers or text"):
        rfm.compute(build(library, rows, {TIME: "date", KEY: tag}), indicators_of(*ALL), PLAIN, as_of="2025-02-01")


@pytest.mark.parametrize("name", ["status", "exposure_days", "n_rows"])
@EACH_LIBRARY
def test_a_key_column_named_like_a_column_of_the_table(library: str, name: str) -> None:
    """It would be overwritten, and the customers lost."""
    frame = build(library, [{name: 1, TIME: dt.date(2025, 1, 1)}], {TIME: "date", name: "int"})
    schema = rfm.TransactionSchema(customer=name, time=TIME)
    with pytest.raises(ColumnError, match=f"key column '{name}'"):
        rfm.compute(frame, indicators_of(rfm.Recency(name="r")), schema, as_of="2025-02-01")


@EACH_LIBRARY
@pytest.mark.parametrize(
    ("tag", "zone", "as_of", "message"),
    [
        ("naive:us", None, "2025-02-01T00:00+01:00", "as_of carries a time zone and the time column does not"),
        ("naive:us", None, "2025-02-01T00:00Z", "naive against aware"),
        ("naive:us", "Asia/Shanghai", "2025-02-01", "carries no time zone and the schema names one"),
        ("date", "Asia/Shanghai", "2025-02-01", "carries no time zone and the schema names one"),
        ("aware:us:UTC", None, "2025-02-01", "time-zone aware and the schema names no time_zone"),
        ("aware:us:UTC", "Asia/Shanghai", "2025-02-01T00:00", "as_of carries no time zone and the time column"),
        ("aware:us:UTC", "Asia/Shanghai", "9999-12-31T23:00-08:00", "outside the calendar of 'Asia/Shanghai'"),
        ("aware:us:UTC", "Asia/Shanghai", "0001-01-01T00:00+14:00", "outside the calendar of 'Asia/Shanghai'"),
    ],
)
def test_naive_against_aware(library: str, tag: str, zone: str | None, as_of: str, message: str) -> None:
    moment = {"date": dt.date(2025, 1, 1), "naive:us": wall("2025-01-01T00:00")}
    value = moment.get(tag, wall("2025-01-01T00:00+00:00"))
    rows = [row | {TIME: value} for row in BASE]
    schema = rfm.TransactionSchema(customer=KEY, time=TIME, amount=AMOUNT, time_zone=zone)
    with pytest.raises(DomainError, match=message):
        rfm.compute(build(library, rows, {TIME: tag}), indicators_of(*ALL), schema, as_of=as_of)


@pytest.mark.parametrize("as_of", ["31.12.2025", "2025-02-30", "", "now", 20250101, None, math.nan, pd.NaT, True])
def test_as_of_that_is_no_moment(as_of: Any) -> None:
    refuse(DomainError, "as_of is .*allowed: ISO text", as_of=as_of)


@pytest.mark.parametrize(
    "as_of",
    [
        *("2025-01-05", " 2025-01-05 ", "2025-01-05T00:00", dt.date(2025, 1, 5), pd.Timestamp("2025-01-05")),
        *(wall("2025-01-05T00:00"), pd.Timestamp("2025-01-05").to_datetime64()),
        pd.Series(["2025-01-05"], dtype="datetime64[ns]").to_numpy()[0],
    ],
)
def test_as_of_in_any_form(as_of: Any) -> None:
    found = rfm.compute(
        build("pandas", BASE, {TIME: "date"}), indicators_of(rfm.Recency(name="r")), PLAIN, as_of=as_of
    )
    assert (only(found)["r"], found.as_of) == (3.0, "2025-01-05T00:00:00")


def test_a_window_before_the_calendar_is_refused() -> None:
    refuse(DomainError, "reaches before the calendar", chosen=[rfm.Frequency(name="f", window="99999mo")])


@EACH_LIBRARY
def test_an_empty_table_is_refused(library: str) -> None:
    frame = build(library, BASE, {TIME: "date"})
    empty = frame.slice(0, 0) if library != "pandas" else frame.iloc[:0]
    with pytest.raises(DataError, match="no row before as_of"):
        rfm.compute(empty, indicators_of(*ALL), PLAIN, as_of="2025-02-01")
    assert PLAIN.check(empty).passed


@pytest.mark.parametrize(
    ("library", "people", "message"),
    [
        ("polars", [{KEY: "1"}], r"'客户号' is of type String in population; allowed: Int64"),
        ("pandas", [{KEY: "1"}], r"'客户号' is of type String in population; allowed: Int64"),
        ("pyarrow", [{KEY: "1"}], r"'客户号' is of type String in population; allowed: Int64"),
        ("polars", [{OPENED: dt.date(2025, 1, 1)}], "missing: '客户号'"),
        ("polars", [{KEY: SECRET_KEY}] * 2, "2 rows, 1 distinct keys, and 0 null keys"),
        ("pandas", [{KEY: SECRET_KEY}] * 2, "2 rows, 1 distinct keys, and 0 null keys"),
        ("pyarrow", [{KEY: SECRET_KEY}, {KEY: None}], "2 rows, 2 distinct keys, and 1 null keys"),
        ("other", [{KEY: SECRET_KEY}], "different libraries"),
        ("dict", [{KEY: SECRET_KEY}], "population is a dict; allowed"),
    ],
)
def test_populations_that_do_not_fit(library: str, people: list[Row], message: str) -> None:
    native = "polars" if library in ("other", "dict") else library
    frame = build(native, BASE, {TIME: "date"})
    types = {KEY: "text"} if people[0].get(KEY) == "1" else {}
    population: Any = {} if library == "dict" else build("pandas" if library == "other" else native, people, types)
    with pytest.raises(CustvalueError, match=message) as caught:
        rfm.compute(frame, indicators_of(*ALL), PLAIN, as_of="2025-02-01", population=population)
    assert str(SECRET_KEY) not in str(caught.value)


@EACH_LIBRARY
@pytest.mark.parametrize(("column", "allowed"), [(OPENING, "numbers"), (OPENED, "a date or a datetime without")])
def test_text_in_a_population_is_not_shown(library: str, column: str, allowed: str) -> None:
    frame = build(library, BASE, {TIME: "date"})
    people = build(library, [person(SECRET_KEY, None, 1.0) | {column: "geheim"}], {column: "text"})
    with pytest.raises(ColumnError, match=f"'{column}' is of type String; allowed: {allowed}") as caught:
        rfm.compute(frame, indicators_of(*ALL), PEOPLE, as_of="2025-02-01", population=people)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("data", [{"a": [1]}, [[1, 2]], None, "table.csv", pd.Series([1])])
def test_what_is_no_frame_is_refused(data: Any) -> None:
    with pytest.raises(DomainError, match=r"transactions is a \w+; allowed: a pandas, Polars or PyArrow frame"):
        rfm.compute(data, indicators_of(*ALL), PLAIN, as_of="2025-02-01")
    with pytest.raises(DomainError, match="transactions is a"):
        PLAIN.check(data)


def test_an_engine_that_is_not_read_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    import narwhals.stable.v2 as nw

    frame = build("pandas", BASE, {TIME: "date"})
    monkeypatch.setattr(nw.DataFrame, "implementation", nw.Implementation.MODIN)
    with pytest.raises(DomainError, match=r"transactions is a frame of \w+.*, which is not read; allowed"):
        rfm.compute(frame, indicators_of(*ALL), PLAIN, as_of="2025-02-01")


def test_dask_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask is not installed here: its mark is put on a pandas frame."""
    from narwhals import Implementation

    monkeypatch.setattr(Implementation, "is_dask", lambda _: True)
    with pytest.raises(DomainError, match="transactions is a Dask frame: its group-by sums over partitions"):
        rfm.compute(build("pandas", BASE, {TIME: "date"}), indicators_of(*ALL), PLAIN, as_of="2025-02-01")


@pytest.mark.parametrize("library", ["pandas", "pyarrow"])
def test_columns_that_stand_twice_are_refused(library: str) -> None:
    frame = build(library, BASE, {TIME: "date"})
    names = [KEY, TIME, AMOUNT, AMOUNT, *list(BASE[0])[4:]]
    doubled = frame.set_axis(names, axis=1) if library == "pandas" else frame.rename_columns(names)
    with pytest.raises(ColumnError, match="Rename or drop the doubled"):
        rfm.compute(doubled, indicators_of(*ALL), PLAIN, as_of="2025-02-01")


@EACH_LIBRARY
@pytest.mark.parametrize("code", ["x", "1.5", "9" * 30])
def test_integer_codes_against_text(library: str, code: str) -> None:
    rows = [row | {KIND: 1} for row in BASE]
    schema = rfm.TransactionSchema(customer=KEY, time=TIME, kind=KIND, kinds={"a": (code, "2")})
    frame = build(library, rows, {TIME: "date", KIND: "int"})
    with pytest.raises(ColumnError, match=r"holds integers and .* names a code that is none"):
        rfm.compute(frame, indicators_of(rfm.Recency(name="r", kinds=("a",))), schema, as_of="2025-02-01")


def test_on_invalid_by_name() -> None:
    with pytest.raises(DomainError, match="on_invalid must be 'raise' or 'report'"):
        rfm.compute(
            build("pandas", BASE, {TIME: "date"}),
            indicators_of(*ALL),
            PLAIN,
            as_of="2025-02-01",
            on_invalid="drop",  # type: ignore[arg-type]  # meant wrong
        )


def test_the_notebook_view_shows_counts_and_no_customer() -> None:
    found = rfm.compute(build("pandas", BASE, {TIME: "date"}), indicators_of(*ALL), PLAIN, as_of="2025-02-01")
    page = found._repr_html_()
    assert "Snapshot as of 2025-02-01T00:00:00" in page
    assert str(SECRET_KEY) not in page
    assert found.provenance.counts["rows"] == 2


# ------------------------------------------------------------------------------------------------ the fence

#: What narwhals gives wrongly or not at all on some engine; `std` fails on Dask alone, which is refused.
OUTSIDE = frozenset(
    {"n_unique", "median", "quantile", "var", "rank", "over", "shift", "cum_sum", "first", "last", "date"}
    | {"pivot", "unpivot", "join_asof", "skew", "total_minutes", "total_days", "offset_by", "map_batches"}
)


def expressions() -> list[tuple[str, ast.Call]]:
    """List the calls in the two files that write expressions."""
    folder = Path(rfm.__file__).parent / "_indicators"
    found = []
    for name in ("engine.py", "aggregation.py"):
        tree = ast.parse((folder / name).read_text(encoding="utf-8"))
        found += [(name, node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return found


def attributes(node: ast.AST) -> set[str]:
    return {inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute)}


def test_the_path_stays_inside_the_fence() -> None:
    """No method that breaks on an engine; aggregates go over bare columns; dates of Python may give .date()."""
    python_dates = {"aggregate.start.date()", "as_of.wall.date()"}
    for name, call in expressions():
        if not isinstance(call.func, ast.Attribute) or ast.unparse(call) in python_dates:
            continue
        assert call.func.attr not in OUTSIDE, (name, ast.unparse(call))
        if call.func.attr == "agg":
            assert not attributes(call) & {"when", "filter", "is_in", "cast"}, (name, ast.unparse(call))
        if call.func.attr == "group_by":
            assert all(isinstance(argument, ast.Constant) for argument in call.args), (name, ast.unparse(call))


# ------------------------------------------------------------------------------------------------ a real bank

BERKA = rfm.TransactionSchema(
    customer="account_id",
    time="date",
    kind="operation",
    amount="amount",
    side="direction",
    debit=("debit", "debit_cash"),
    system={"purpose": ("interest_credited", "statement_fee", "penalty_interest")},
    standing_order={"purpose": ("household", "insurance", "loan_payment")},
)


@pytest.fixture(scope="module")
def berka(shared: Path) -> Any:
    path = shared / "data" / "berka" / "transaction.parquet"
    if not path.is_file():
        pytest.skip("the Berka data are not beside the checkout")
    names = ["account_id", "date", "operation", "amount", "direction", "purpose", "balance"]
    return pl.read_parquet(path, columns=names).with_columns(pl.col(pl.Categorical).cast(pl.String))


def test_berka_equals_the_oracle(berka: Any) -> None:
    """As of 31 March 1994, the last whole day: 1,229 accounts, the retail preset and the last balance."""
    preset = rfm.IndicatorSet.retail_bank().indicators
    chosen = indicators_of(*preset, monetary(measure="last_balance"), min_history_days=90)
    found = rfm.compute(berka, chosen, BERKA, as_of="1994-03-31")
    want = rfm_oracle.snapshot(berka.to_dicts(), chosen.model_dump(), BERKA.model_dump(), dt.date(1994, 3, 31))
    assert len(want) == 1229
    assert_same_table(rows_of(found.table), want, "account_id", money_names(chosen))
    assert found.report.count("rows") == 46_997
    assert found.report.count("rows_after_as_of") == 2_105


def test_berka_balances_meet_the_banks_own(berka: Any) -> None:
    """The closing balance is one of the balances of the account's last day, within 1 crown."""
    chosen = indicators_of(monetary(measure="last_balance"))
    table = rows_of(rfm.compute(berka, chosen, BERKA, as_of="1994-03-31").table)
    past = berka.filter(pl.col("date") < dt.date(1994, 3, 31))
    last = past.filter(pl.col("date") == pl.col("date").max().over("account_id"))
    balances = {key: group["balance"].to_list() for (key,), group in last.group_by("account_id")}
    assert len(table) == len(balances) == 1229
    for row in table:
        assert min(abs(row["m"] - balance) for balance in balances[row["account_id"]]) <= 1.0


def test_berka_interest_and_fees_are_no_activity(berka: Any) -> None:
    """Interest, fees and penalties are 27 % of the rows, and are read only where they are asked for."""
    counts = [rfm.Frequency(name="n", per_exposed_day=False, initiators=("system",))]
    counts += [rfm.Frequency(name="all", per_exposed_day=False, initiators=EVERYONE)]
    table = rows_of(rfm.compute(berka, indicators_of(*counts), BERKA, as_of="1994-03-31").table)
    own = berka.filter(
        pl.col("purpose").is_in(["interest_credited", "statement_fee", "penalty_interest"]),
        pl.col("date") < dt.date(1994, 3, 31),
    )
    assert sum(row["n"] for row in table) == len(own)
    assert sum(row["all"] for row in table) == 46_997
    assert len(own) / 46_997 == pytest.approx(0.27, abs=0.005)


def test_equal_schemas_have_equal_digests_whatever_the_order_of_their_mappings() -> None:
    """Mappings are equal in any order, so the digest reads their keys sorted."""
    names = {"deposit": ("1",), "withdrawal": ("2",)}
    turned = dict(reversed(names.items()))
    one, other = (
        rfm.TransactionSchema(customer="key", time="time", kind="kind", kinds=kinds) for kinds in (names, turned)
    )
    assert one == other
    assert (one.digest, hash(one)) == (other.digest, hash(other))


def test_a_customer_opened_on_the_day_of_a_midday_as_of_is_known() -> None:
    rows = pd.DataFrame({"key": [1], "time": pd.to_datetime(["2025-01-05T09:00"])})
    people = pd.DataFrame({"key": [1, 2], "opened": pd.to_datetime(["2025-01-05", "2025-01-06"])})
    schema = rfm.TransactionSchema(customer="key", time="time", opened="opened")
    chosen = rfm.IndicatorSet(indicators=[rfm.Frequency(name="visits", per_exposed_day=False)])
    found = rfm.compute(rows, chosen, schema, as_of="2025-01-05T18:00", population=people)
    assert found.table["key"].tolist() == [1]
    assert found.report.count("not_yet_opened") == 1


def test_two_sources_of_the_opening_balance_are_refused() -> None:
    with pytest.raises(ValueError, match=r"both give the balance before the first row: name one"):
        rfm.TransactionSchema(
            customer="key", time="time", amount="a", balance="b", order="o", opening_balance="opening"
        )


def test_a_null_order_is_refused() -> None:
    rows = pl.DataFrame(
        {
            "key": [1, 1],
            "time": [dt.date(2025, 1, 1), dt.date(2025, 1, 2)],
            "amount": [10.0, 5.0],
            "balance": [10.0, 15.0],
            "order": [1, None],
        }
    )
    schema = rfm.TransactionSchema(customer="key", time="time", amount="amount", balance="balance", order="order")
    chosen = rfm.IndicatorSet(indicators=[rfm.Monetary(name="last", measure="last_balance")])
    with pytest.raises(DataError, match=r"Rows whose order is null.*\(1\)"):
        rfm.compute(rows, chosen, schema, as_of="2025-02-01")
