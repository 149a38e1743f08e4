"""Summaries for buy-till-you-die models: an oracle on every engine, published answers, laws, refusals."""

from __future__ import annotations

import datetime as dt
import math
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custvalue import rfm
from custvalue.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

pytest.importorskip("pyarrow", reason="pyarrow, from which every engine is fed, is not installed")

import clv_oracle
import rfm_tables
from clv_oracle import Asked
from rfm_tables import Engine, Row, rows_of

pytestmark = [
    pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]

KEY, TIME, AMOUNT, REVERSAL, ORIGIN = "客户号", "交易时间", "金额", "冲正", "发起"
MONEY = ("monetary_value", "monetary_value_holdout")
PACKAGES = {"polars": "polars", "lazy": "polars", "duckdb": "duckdb", "ibis": "ibis", "spark": "pyspark"}
NAMES = ("pandas", "polars", "pyarrow", "lazy", "duckdb", "ibis")
EXAMPLES = {"pandas": 30, "polars": 20, "pyarrow": 25, "lazy": 20, "duckdb": 4, "ibis": 4}
PLAIN = rfm.TransactionSchema(customer="id", time="date", amount="amount")


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


@pytest.fixture(params=[*NAMES, pytest.param("spark", marks=pytest.mark.slow)])
def engine(request: pytest.FixtureRequest, opened: Callable[[str], Engine]) -> Engine:
    package = PACKAGES.get(request.param, "pyarrow")
    pytest.importorskip(package, reason=f"{package} is not installed")
    if request.param == "spark" and not rfm_tables.java_is_there():
        pytest.skip("Java, which Spark needs, is not on PATH or under JAVA_HOME")
    return opened(request.param)


def frame(rows: Sequence[tuple[Any, str, float]]) -> pd.DataFrame:
    """Build a table of customer, date and amount."""
    made = pd.DataFrame(rows, columns=["id", "date", "amount"])
    return made.assign(date=pd.to_datetime(made["date"]))


# ---------------------------------------------------------------------------------------- random tables, an oracle

#: Both changes of the clocks in Prague and in Havana, where a midnight is missing and another comes twice.
DAYS = [
    dt.date(2025, 3, 28),
    dt.date(2025, 3, 29),
    dt.date(2025, 3, 30),
    dt.date(2025, 3, 31),
    dt.date(2025, 10, 25),
    dt.date(2025, 10, 26),
    dt.date(2025, 10, 27),
    dt.date(2025, 3, 8),
    dt.date(2025, 3, 9),
    dt.date(2025, 11, 2),
    dt.date(2024, 2, 29),
    dt.date(1969, 12, 31),
]
MINUTES = st.sampled_from([0, 1, 59, 60, 120, 150, 180, 719, 1380, 1439])
AMOUNTS = st.one_of(
    st.none(),
    st.sampled_from([0.0, 0.1, 12.5, 100.0, 1e6]),
    st.sampled_from([-5.0, -0.1]),
    st.decimals(0, 1000, places=2).map(float),
)
CLOCKS = ("naive:us", "naive:ms", "date", "aware:us:Europe/Prague", "aware:us:America/Havana")


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Row], dict[str, str], rfm.TransactionSchema, Asked]:
    """Draw rows with ties, refunds, nulls and both changes of the clocks, and what is asked of them."""
    clock = draw(st.sampled_from(CLOCKS))
    zone = clock.split(":")[2] if clock.startswith("aware") else None
    text = draw(st.booleans())
    keys = ["甲", "乙", "z", "A1"] if text else draw(st.sampled_from([[1, 2, 3, 7], [5, 10**12, -(10**9), 8]]))
    chosen = draw(st.lists(st.sampled_from(DAYS), min_size=1, max_size=5))
    rows: list[Row] = []
    for place in range(draw(st.integers(1, 25))):
        day, minute = draw(st.sampled_from(chosen)), draw(MINUTES)
        moment: Any = dt.datetime.combine(day, dt.time()) + dt.timedelta(minutes=minute)
        if zone:
            moment = moment.replace(tzinfo=ZoneInfo(zone), fold=draw(st.integers(0, 1))).astimezone(dt.UTC)
        rows.append(
            {
                KEY: None if place and draw(st.integers(0, 15)) == 0 else draw(st.sampled_from(keys)),
                TIME: None if place and draw(st.integers(0, 30)) == 0 else (day if clock == "date" else moment),
                AMOUNT: draw(AMOUNTS),
                REVERSAL: draw(st.integers(0, 7)) == 0,
                ORIGIN: draw(st.sampled_from(["本人", "银行", "代扣", None])),
            }
        )
    marks: dict[str, Any] = {"system": {ORIGIN: ("银行",)}, "standing_order": {ORIGIN: ("代扣",)}}
    marks = marks if draw(st.booleans()) else {}
    schema = rfm.TransactionSchema(
        customer=KEY,
        time=TIME,
        amount=AMOUNT if draw(st.integers(0, 6)) else None,
        reversal=REVERSAL if draw(st.booleans()) else None,
        refunds=draw(st.sampled_from(["net", "exclude", "as_is"])),
        time_zone=zone,
        **marks,
    )
    unit = draw(st.sampled_from(["days", "weeks", "calendar_weeks", "calendar_months"]))
    last = draw(st.sampled_from(DAYS))
    if unit == "calendar_weeks":
        last += dt.timedelta(days=6 - last.weekday())
    if unit == "calendar_months":
        last = (last.replace(day=1) + dt.timedelta(days=32)).replace(day=1) - dt.timedelta(days=1)
    end = last + dt.timedelta(days=draw(st.sampled_from([1, 2, 90, 400])))
    calibration = last if draw(st.booleans()) else None
    asked = Asked(
        end,
        calibration,
        unit,
        draw(st.sampled_from(["count", "exclude"])),
        draw(st.sampled_from(["exclude", "zero"])),
        draw(st.sampled_from(["refund", "absolute"])),
        draw(
            st.sampled_from(
                [("customer",), ("customer", "standing_order"), ("customer", "standing_order", "system")]
            )
        ),
    )
    types = {KEY: "text" if text else "int", TIME: clock, AMOUNT: "float", REVERSAL: "bool", ORIGIN: "text"}
    return rows, types, schema, asked


def computed(given_frame: Any, schema: rfm.TransactionSchema, asked: Asked, **more: Any) -> Any:
    """Ask the library for the same as the oracle."""
    rules: dict[str, Any] = {
        "observation_end": asked.end,
        "time_unit": asked.time_unit,
        "zero_amounts": asked.zero,
        "null_amounts": asked.null,
        "negative_amounts": asked.negative,
        "initiators": asked.initiators,
        "on_invalid": "report",
    } | more
    if asked.calibration is None:
        return rfm.clv_summary(given_frame, schema, **rules)
    return rfm.calibration_holdout_split(given_frame, schema, calibration_end=asked.calibration, **rules)


def assert_same(got: Sequence[Row], want: dict[Any, Row], key: str) -> None:
    """Counts and times to the last bit; money to rounding of what was moved."""
    assert [row[key] for row in got] == list(want)
    for row in got:
        expected = dict(want[row[key]])
        room = 1e-12 * max(1.0, float(expected.pop("volume")))
        assert list(row) == [key, *expected]
        for name, value in expected.items():
            if name in MONEY and value is not None and row[name] is not None:
                assert abs(row[name] - float(value)) <= room, name
            else:
                assert row[name] == (None if value is None else float(value)), name


@pytest.mark.parametrize("engine", NAMES, indirect=True)
def test_every_engine_gives_the_numbers_of_the_oracle(engine: Engine) -> None:
    """Independent route: loops over dates and fractions in clv_oracle."""

    @given(tables())
    @settings(max_examples=EXAMPLES[engine.kind], suppress_health_check=[HealthCheck.too_slow])
    def check(drawn: tuple[list[Row], dict[str, str], rfm.TransactionSchema, Asked]) -> None:
        rows, types, schema, asked = drawn
        want = clv_oracle.summary(rows, schema.model_dump(), asked)
        table = engine.table(rows, types)
        if not want:
            with pytest.raises(DataError, match=r"no (purchase|row) up to"):
                computed(table, schema, asked)
            return
        assert_same(rows_of(computed(table, schema, asked).table), want, KEY)

    check()


def a_bank() -> tuple[list[Row], dict[str, str], rfm.TransactionSchema]:
    """Draw a fixed table with every kind of row: refunds, zero, null and negative amounts, three initiators."""
    rng = np.random.default_rng(5)
    start = dt.datetime(2025, 3, 20, 20, 30, tzinfo=dt.UTC)

    def row(place: int) -> Row:
        odd = [0.0, -20.0, None]
        return {
            KEY: int(rng.integers(1, 12)) * 10**8,
            TIME: start + dt.timedelta(hours=int(rng.integers(0, 6000)), minutes=int(rng.integers(0, 180))),
            AMOUNT: odd[place % 23] if place % 23 < len(odd) else round(float(rng.gamma(2.0, 50.0)), 2),
            REVERSAL: place % 11 == 0,
            ORIGIN: ["本人", "本人", "代扣", "银行"][place % 4],
        }

    rows = [row(place) for place in range(120)]
    schema = rfm.TransactionSchema(
        customer=KEY,
        time=TIME,
        amount=AMOUNT,
        reversal=REVERSAL,
        system={ORIGIN: ("银行",)},
        standing_order={ORIGIN: ("代扣",)},
        time_zone="Europe/Prague",
    )
    types = {KEY: "int", TIME: "aware:us:Europe/Prague", AMOUNT: "float", REVERSAL: "bool", ORIGIN: "text"}
    return rows, types, schema


def test_every_engine_splits_the_same_bank(engine: Engine) -> None:
    """Independent route: clv_oracle; and every engine counts the same rows."""
    rows, types, schema = a_bank()
    asked = Asked(
        dt.date(2025, 11, 12),
        dt.date(2025, 7, 31),
        "calendar_months",
        "exclude",
        "exclude",
        "refund",
        ("customer", "standing_order"),
    )
    found = computed(engine.table(rows, types), schema, asked)
    assert_same(rows_of(found.table), clv_oracle.summary(rows, schema.model_dump(), asked), KEY)
    inside = [row for row in rows if clv_oracle.local_day(row[TIME], "Europe/Prague") <= asked.end]
    own = [row for row in inside if row[ORIGIN] != "银行"]
    negative = [row for row in own if not row[REVERSAL] and (row[AMOUNT] or 0.0) < 0.0]
    counts = {rule.rule: rule.count for rule in found.report.rules}
    assert counts["rows"] == len(inside)
    assert counts["rows_after_end"] == len(rows) - len(inside)
    assert counts["initiated_by_others"] == len(inside) - len(own)
    assert counts["refunds"] == sum(row[REVERSAL] for row in own) + len(negative)
    assert counts["null_amounts"] == sum(row[AMOUNT] is None for row in own)
    assert counts["zero_amounts"] == sum(row[AMOUNT] == 0.0 for row in own if not row[REVERSAL])
    first = {row[KEY] for row in rows if clv_oracle.local_day(row[TIME], "Europe/Prague") <= asked.last}
    assert counts["customers_later"] == len({row[KEY] for row in rows}) - len(first)
    assert counts["customers_without_purchase"] == len(first) - len(rows_of(found.table))


# ---------------------------------------------------------------------------------------- published answers

LIFETIMES = [
    (1, "2015-01-01", 1),
    (1, "2015-02-06", 2),
    (2, "2015-01-01", 2),
    (3, "2015-01-01", 3),
    (3, "2015-01-02", 1),
    (3, "2015-01-05", 5),
    (4, "2015-01-16", 6),
    (4, "2015-02-02", 3),
    (4, "2015-02-05", 3),
    (5, "2015-01-16", 3),
    (5, "2015-01-17", 1),
    (5, "2015-01-18", 8),
    (6, "2015-02-02", 5),
]


def test_lifetimes_tests_daily_summary_with_money() -> None:
    """Package lifetimes, tests/test_utils.py, test_summary_date_from_transaction_with_monetary_values."""
    found = rfm.clv_summary(
        frame(LIFETIMES), PLAIN, observation_end="2015-02-07", convention="lifetimes"
    ).to_frame()
    assert found.columns.tolist() == ["frequency", "recency", "T", "monetary_value"]
    assert found.to_numpy().tolist() == [
        [1.0, 36.0, 37.0, 2.0],
        [0.0, 0.0, 37.0, 0.0],
        [2.0, 4.0, 37.0, 3.0],
        [2.0, 20.0, 22.0, 3.0],
        [2.0, 2.0, 22.0, 4.5],
        [0.0, 0.0, 5.0, 0.0],
    ]


def test_lifetimes_tests_weekly_periods() -> None:
    """Package lifetimes, tests/test_utils.py: summary with freq='W', weeks from Monday to Sunday."""
    found = rfm.clv_summary(frame(LIFETIMES), PLAIN, observation_end="2015-02-07", time_unit="calendar_weeks")
    want = [[1, 5, 5], [0, 0, 5], [1, 1, 5], [1, 3, 3], [0, 0, 3], [0, 0, 0]]
    assert found.to_frame()[["frequency", "t_x", "T"]].to_numpy().tolist() == want


def test_lifetimes_tests_weekly_split() -> None:
    """Package lifetimes, tests/test_utils.py: split with freq='W'; customer 6 bought first in the holdout."""
    ends: dict[str, Any] = {"calibration_end": "2015-02-01", "observation_end": "2015-02-07"}
    found = rfm.calibration_holdout_split(
        frame(LIFETIMES), PLAIN, **ends, time_unit="calendar_weeks", convention="lifetimes"
    )
    names = ["frequency_cal", "recency_cal", "T_cal", "frequency_holdout", "duration_holdout"]
    want = [[0, 0, 4, 1, 1], [0, 0, 4, 0, 1], [1, 1, 4, 0, 1], [0, 0, 2, 1, 1], [0, 0, 2, 0, 1]]
    assert found.to_frame()[names].to_numpy().tolist() == want
    assert found.report.count("customers_later") == 1


def test_lifetimes_tests_split_with_money() -> None:
    """Package lifetimes, tests/test_utils.py, test_calibration_and_holdout_data_with_monetary_value."""
    ends: dict[str, Any] = {"calibration_end": "2015-02-01", "observation_end": "2015-02-07"}
    found = rfm.calibration_holdout_split(frame(LIFETIMES), PLAIN, **ends, convention="lifetimes").to_frame()
    assert found["monetary_value_cal"].tolist() == [0.0, 0.0, 3.0, 0.0, 4.5]
    assert found["monetary_value_holdout"].tolist() == [2.0, 0.0, 0.0, 3.0, 0.0]
    ours = rfm.calibration_holdout_split(frame(LIFETIMES), PLAIN, **ends).to_frame()
    assert ours["monetary_value"].isna().tolist() == [True, True, False, True, False]


def test_by_hand_the_holdout_is_a_mean_of_days_and_in_lifetimes_of_rows() -> None:
    """Holdout days of 10 + 20 and of 40: the mean of days is 35, lifetimes' mean of rows 70 / 3."""
    rows = [(1, "2025-01-01", 5.0), (1, "2025-02-03", 10.0), (1, "2025-02-03", 20.0), (1, "2025-02-04", 40.0)]
    ends: dict[str, Any] = {"calibration_end": "2025-01-31", "observation_end": "2025-02-28"}
    ours = rfm.calibration_holdout_split(frame(rows), PLAIN, **ends).to_frame()
    theirs = rfm.calibration_holdout_split(frame(rows), PLAIN, **ends, convention="lifetimes").to_frame()
    assert ours["monetary_value_holdout"].tolist() == [35.0]
    assert theirs["monetary_value_holdout"].tolist() == [70.0 / 3.0]


def test_lifetimes_docs_example_transactions(shared: Path) -> None:
    """Package lifetimes, docs/Quickstart: the heads of the summary and of the split of its example."""
    rows = pd.read_csv(shared / "data/rfm/example_transactions.csv", parse_dates=["date"])
    schema = rfm.TransactionSchema(customer="customer_id", time="date")
    summary = rfm.clv_summary(rows, schema, observation_end="2014-12-31").to_frame()
    assert len(summary) == 5000
    want = [[0, 0, 298], [0, 0, 224], [6, 142, 292], [0, 0, 147], [2, 9, 183]]
    assert summary.head().to_numpy().tolist() == want
    split = rfm.calibration_holdout_split(
        rows, schema, calibration_end="2014-09-01", observation_end="2014-12-31"
    ).to_frame()
    want = [
        [0, 0, 177, 0, 121],
        [0, 0, 103, 0, 121],
        [6, 142, 171, 0, 121],
        [0, 0, 26, 0, 121],
        [2, 9, 62, 0, 121],
    ]
    assert split.head().to_numpy().tolist() == want


@pytest.fixture(scope="module")
def cdnow(shared: Path) -> pd.DataFrame:
    return pd.read_csv(shared / "data/rfm/cdnow_sample.csv", parse_dates=["date"])


CDNOW = rfm.TransactionSchema(customer="customer_id", time="date", amount="amount")
CDNOW_ENDS: dict[str, Any] = {"calibration_end": "1997-09-30", "observation_end": "1998-06-30"}


def test_fader2005_cdnow_calibration_and_holdout(cdnow: pd.DataFrame) -> None:
    """The CDNOW sample of Fader, Hardie and Lee (2005).

    2,357 customers and 39 weeks a side. The package lifetimes carries their published summary, x, t_x and T of
    every customer to two decimals: 2,457 repeats of 946 customers, t_x sums to 16,135.52 and T to 77,111.21; BTYD
    has 1,882 purchases in the holdout. Customer 1 has (2, 30.43, 38.86) and customer 2 (1, 1.71, 38.86).
    """
    found = rfm.calibration_holdout_split(cdnow, CDNOW, **CDNOW_ENDS, time_unit="weeks").to_frame()
    assert len(found) == 2357
    assert (found["frequency"].sum(), (found["frequency"] > 0).sum()) == (2457, 946)
    assert found["frequency_holdout"].sum() == 1882
    assert (found["duration_holdout"] == 39.0).all()
    assert found["frequency"].max() == 29
    for name, total in (("t_x", 16135.52), ("T", 77111.21)):  # each of the addends is rounded to 0.005
        assert abs(found[name].round(2).sum() - total) < 1e-6
    assert found.loc[[1, 2, 6, 7, 9], ["frequency", "t_x", "T"]].round(2).to_numpy().tolist() == [
        [2.0, 30.43, 38.86],
        [1.0, 1.71, 38.86],
        [7.0, 29.43, 38.86],
        [1.0, 5.0, 38.86],
        [2.0, 35.71, 38.86],
    ]


def test_fader2013_cdnow_monetary_value(cdnow: pd.DataFrame) -> None:
    """Fader and Hardie (2013), table 1 of the Gamma-Gamma note, as lifetimes' tests quote it.

    Mean 35, standard deviation 30, least 3, median 27, largest 300 over 946 repeaters; the published means of
    customers 1, 2, 6, 7 and 9 are 22.35, 11.77, 73.74, 11.77 and 25.55.
    """
    found = rfm.clv_summary(cdnow, CDNOW, observation_end="1997-09-30").to_frame()["monetary_value"]
    assert found.count() == 946
    assert [round(value) for value in (found.mean(), found.std(), found.min(), found.max())] == [35, 30, 3, 300]
    assert math.floor(found.median()) == 27
    assert (found.loc[[1, 2, 6, 7, 9]] - [22.35, 11.77, 73.74, 11.77, 25.55]).abs().max() <= 0.00501


def test_cdnow_zero_rows_are_first_purchases(cdnow: pd.DataFrame) -> None:
    """Eight rows of amount 0 are all there is of eight customers' first days: counted, as published, or not."""
    counted = rfm.clv_summary(cdnow, CDNOW, observation_end="1997-09-30")
    without = rfm.clv_summary(cdnow, CDNOW, observation_end="1997-09-30", zero_amounts="exclude")
    assert counted.report.count("zero_amounts") == without.report.count("zero_amounts") == 8
    assert (len(counted.table), len(without.table)) == (2357, 2349)
    assert without.report.count("customers_without_purchase") + without.report.count("customers_later") == 8
    assert without.to_frame()["frequency"].sum() == 2457


def test_cdnow_master_rows(shared: Path) -> None:
    """README of the data: 23,570 customers, 69,659 rows of which 2,068 share a day with one before them."""
    rows = pd.read_csv(shared / "data/rfm/cdnow_master.csv.gz", parse_dates=["date"])
    found = rfm.clv_summary(rows, CDNOW, observation_end="1998-06-30")
    assert len(found.table) == 23_570
    assert (found.report.count("purchases"), found.report.count("zero_amounts")) == (69_659, 80)
    assert found.report.count("purchases_pooled") == 2_068
