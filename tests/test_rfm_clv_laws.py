"""Summaries for buy-till-you-die models: the day rule, laws, money to the last bit, reports and refusals."""

from __future__ import annotations

import datetime as dt
import json
import pickle
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue import rfm
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SCHEMA = rfm.TransactionSchema(customer="id", time="time", amount="amount")
ENDS: dict[str, Any] = {"calibration_end": "2025-01-31", "observation_end": "2025-02-28"}
START = dt.datetime(2025, 1, 1)  # noqa: DTZ001 - local wall time
ROWS = st.lists(
    st.tuples(st.integers(1, 5), st.integers(0, 59 * 24), st.integers(0, 9999)), min_size=1, max_size=30
)


def bank(rows: Sequence[tuple[int, int, int]]) -> pd.DataFrame:
    """Build rows of customer, hours from the start of 2025, and cents."""
    keys, hours, cents = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    times = np.datetime64("2025-01-01", "us") + hours.astype("timedelta64[h]")
    return pd.DataFrame({"id": keys, "time": times, "amount": cents / 100.0})


def purchases(times: list[str], **columns: Any) -> pd.DataFrame:
    """Build rows of one customer."""
    given_columns = {"amount": [10.0] * len(times)} | columns
    return pd.DataFrame({"id": 1, "time": pd.to_datetime(times, format="ISO8601"), **given_columns})


def marked_schema(**more: Any) -> rfm.TransactionSchema:
    return rfm.TransactionSchema.model_validate(SCHEMA.model_dump() | {"reversal": "back"} | more)


# ---------------------------------------------------------------------------------------- the day rule


def test_by_hand_an_evening_purchase_of_the_last_day_belongs_to_the_calibration() -> None:
    """Defect of pymc-marketing 0.19.2: at 18:00 on 31 January its split and its summary say different things."""
    rows = purchases(["2025-01-01", "2025-01-31 18:00", "2025-02-01 00:00"])
    split = rfm.calibration_holdout_split(rows, SCHEMA, **ENDS).to_frame()
    summary = rfm.clv_summary(rows, SCHEMA, observation_end="2025-01-31").to_frame()
    assert split[["frequency", "t_x", "frequency_holdout"]].to_numpy().tolist() == [[1.0, 30.0, 1.0]]
    assert summary[["frequency", "t_x"]].to_numpy().tolist() == [[1.0, 30.0]]


@pytest.mark.parametrize(("day", "utc"), [("2025-03-30", "22:30"), ("2025-10-26", "23:30")])
def test_by_hand_days_begin_in_the_zone(day: str, utc: str) -> None:
    """In Prague 22:30 UTC in summer and 23:30 UTC in winter are 00:30 of the next day: another day, a repeat."""
    times = pd.to_datetime([f"{day} 12:00", f"{day} {utc}"]).tz_localize("UTC").tz_convert("Europe/Prague")
    rows = pd.DataFrame({"id": 1, "time": times})
    zoned = rfm.TransactionSchema(customer="id", time="time", time_zone="Europe/Prague")
    next_day = dt.date.fromisoformat(day) + dt.timedelta(days=1)
    found = rfm.clv_summary(rows, zoned, observation_end=next_day).to_frame()
    assert found.to_numpy().tolist() == [[1.0, 1.0, 1.0]]
    assert rfm.clv_summary(rows, zoned, observation_end=day).to_frame().to_numpy().tolist() == [[0.0, 0.0, 0.0]]


@pytest.mark.parametrize(
    ("unit", "want"),
    [
        ("days", [3, 40, 43]),
        ("weeks", [3, 40 / 7, 43 / 7]),
        ("calendar_weeks", [2, 6, 6]),
        ("calendar_months", [1, 1, 1]),
    ],
)
def test_by_hand_units(unit: Any, want: list[float]) -> None:
    """Wednesday 1 January, Sunday 5 January, Sunday 2 February and Monday 10 February 2025; end on Thursday 13."""
    rows = purchases(["2025-01-01", "2025-01-05", "2025-02-02", "2025-02-10"])
    found = rfm.clv_summary(rows, SCHEMA, observation_end="2025-02-13", time_unit=unit).to_frame()
    assert found[["frequency", "t_x", "T"]].to_numpy().tolist() == [want]


# ---------------------------------------------------------------------------------------- refunds and odd amounts


@pytest.mark.parametrize(("refunds", "want"), [("net", [1, 45.0]), ("exclude", [1, 50.0]), ("as_is", [2, 27.5])])
def test_by_hand_refunds(refunds: Any, want: list[float]) -> None:
    """Days of 10 and 50 and, on a third day, 5 that is marked: taken off, left out, or a purchase of its own."""
    rows = purchases(
        ["2025-01-01", "2025-01-02", "2025-01-09"], amount=[10.0, 50.0, 5.0], back=[False, False, True]
    )
    found = rfm.clv_summary(rows, marked_schema(refunds=refunds), observation_end="2025-01-31").to_frame()
    assert found[["frequency", "monetary_value"]].to_numpy().tolist() == [want]


@pytest.mark.parametrize(("negative", "want"), [("refund", [1, 45.0]), ("absolute", [2, 27.5])])
def test_by_hand_negative_amounts(negative: Any, want: list[float]) -> None:
    """The same with -5 and no mark."""
    rows = purchases(["2025-01-01", "2025-01-02", "2025-01-09"], amount=[10.0, 50.0, -5.0])
    found = rfm.clv_summary(rows, SCHEMA, observation_end="2025-01-31", negative_amounts=negative).to_frame()
    assert found[["frequency", "monetary_value"]].to_numpy().tolist() == [want]


def test_by_hand_refunds_of_the_first_day_stay_with_it_and_means_may_be_negative() -> None:
    """On the first day 4 comes back, which is no matter; of the repeat's 10 come back 30: the mean is -20."""
    times = ["2025-01-01", "2025-01-01", "2025-01-05", "2025-01-07"]
    rows = purchases(times, amount=[10.0, 4.0, 10.0, 30.0], back=[False, True, False, True])
    found = rfm.clv_summary(rows, marked_schema(), observation_end="2025-01-31")
    assert found.to_frame()["monetary_value"].tolist() == [-20.0]
    assert found.report.count("monetary_not_positive") == 1
    assert "monetary_not_positive" in found.report.warnings


@pytest.mark.parametrize(("null", "want"), [("exclude", [1, 30.0]), ("zero", [2, 15.0])])
def test_by_hand_null_amounts(null: Any, want: list[float]) -> None:
    rows = purchases(["2025-01-01", "2025-01-02", "2025-01-03"], amount=[10.0, 30.0, None])
    found = rfm.clv_summary(rows, SCHEMA, observation_end="2025-01-31", null_amounts=null).to_frame()
    assert found[["frequency", "monetary_value"]].to_numpy().tolist() == [want]
    assert rows["amount"].isna().sum() == 1  # the caller's table is as it was


def test_by_hand_customers_who_come_later_or_never_buy_are_counted() -> None:
    """Customer 2 comes in February; customer 3 is refunded in January and buys in February."""
    rows = bank([(1, 0, 5), (2, 40 * 24, 5), (3, 24, 5), (3, 40 * 24, 5)]).assign(back=[False, False, True, False])
    found = rfm.clv_summary(rows, marked_schema(), observation_end="2025-01-31")
    assert found.to_frame().index.tolist() == [1]
    names = ("customers_later", "customers_without_purchase", "rows_after_end", "purchases", "refunds")
    assert [found.report.count(name) for name in names] == [1, 1, 2, 1, 1]
    split = rfm.calibration_holdout_split(rows, marked_schema(), **ENDS)
    assert split.to_frame().index.tolist() == [1]
    assert [split.report.count(name) for name in names] == [1, 1, 0, 1, 1]


# ---------------------------------------------------------------------------------------- laws


@given(ROWS)
@settings(max_examples=25)
def test_later_rows_never_change_the_calibration(rows: list[tuple[int, int, int]]) -> None:
    table = bank([(1, 0, 100), *rows])
    early = table[table["time"] < pd.Timestamp("2025-02-01")]
    split = rfm.calibration_holdout_split(table, SCHEMA, **ENDS).to_frame()
    alone = rfm.clv_summary(early, SCHEMA, observation_end="2025-01-31").to_frame()
    with_later = rfm.clv_summary(table, SCHEMA, observation_end="2025-01-31").to_frame()
    pd.testing.assert_frame_equal(split[alone.columns], alone, check_exact=True)
    pd.testing.assert_frame_equal(with_later, alone, check_exact=True)


@given(ROWS, st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_the_order_of_rows_is_no_matter(rows: list[tuple[int, int, int]], random: Any) -> None:
    """In the order of time, which has a path of its own, and in any other."""
    table = bank([(1, 0, 100), *rows])
    order = random.sample(range(len(table)), len(table))
    one = rfm.calibration_holdout_split(table.sort_values("time"), SCHEMA, **ENDS).to_frame()
    other = rfm.calibration_holdout_split(table.iloc[order], SCHEMA, **ENDS).to_frame()
    pd.testing.assert_frame_equal(one, other, rtol=1e-12, atol=1e-12)


@given(ROWS, st.randoms(use_true_random=False))
@settings(max_examples=15)
def test_whole_cents_are_added_up_exactly_in_any_order(rows: list[tuple[int, int, int]], random: Any) -> None:
    schema = rfm.TransactionSchema.model_validate(SCHEMA.model_dump() | {"decimals": 2})
    table = bank([(1, 0, 100), *rows])
    order = random.sample(range(len(table)), len(table))
    one = rfm.calibration_holdout_split(table, schema, **ENDS).to_frame()
    other = rfm.calibration_holdout_split(table.iloc[order], schema, **ENDS).to_frame()
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_by_hand_decimal_money() -> None:
    """A decimal column brings its own scale: 0.10 + 0.20 is 0.30 to the last bit, which floats do not give."""
    pa = pytest.importorskip("pyarrow")
    times = [START, START + dt.timedelta(days=1), START + dt.timedelta(days=1)]
    amounts = pa.array([Decimal("5.00"), Decimal("0.10"), Decimal("0.20")], pa.decimal128(18, 2))
    rows = pa.table({"id": [1, 1, 1], "time": times, "amount": amounts})
    found = rfm.clv_summary(rows, SCHEMA, observation_end="2025-01-31")
    assert found.table["monetary_value"].to_pylist() == [0.3]


@given(ROWS)
@settings(max_examples=15)
def test_rows_doubled_are_the_same_days_and_twice_the_money(rows: list[tuple[int, int, int]]) -> None:
    table = bank(rows)
    once = rfm.clv_summary(table, SCHEMA, observation_end="2025-02-28").to_frame()
    twice = rfm.clv_summary(pd.concat([table, table]), SCHEMA, observation_end="2025-02-28").to_frame()
    pd.testing.assert_frame_equal(twice[["frequency", "t_x", "T"]], once[["frequency", "t_x", "T"]])
    np.testing.assert_allclose(twice["monetary_value"], 2.0 * once["monetary_value"], rtol=1e-12)


@given(ROWS)
@settings(max_examples=15)
def test_recency_lies_within_the_age_and_repeats_fit_into_it(rows: list[tuple[int, int, int]]) -> None:
    found = rfm.clv_summary(bank(rows), SCHEMA, observation_end="2025-02-28").to_frame()
    assert (found["t_x"] <= found["T"]).all()
    assert (found["frequency"] <= found["t_x"]).all()
    assert ((found["frequency"] == 0) == (found["t_x"] == 0.0)).all()
    assert (found["monetary_value"].isna() == (found["frequency"] == 0)).all()


@pytest.mark.parametrize("extra", [{"decimals": 2}, {"currency": "id"}, {"excluded": {"test": {"id": ["99"]}}}])
def test_the_fast_path_and_the_canonical_rows_agree(extra: Mapping[str, Any]) -> None:
    """Any further column of the schema sends the rows through the engine's path; the numbers stay."""
    rng = np.random.default_rng(1)
    one_customer = "currency" in extra
    rows = bank(
        [(7 if one_customer else int(rng.integers(1, 40)), int(rng.integers(0, 1416)), 4) for _ in range(400)]
    )
    other = rfm.TransactionSchema.model_validate(SCHEMA.model_dump() | dict(extra))
    plain = rfm.calibration_holdout_split(rows, SCHEMA, **ENDS).to_frame()
    pd.testing.assert_frame_equal(rfm.calibration_holdout_split(rows, other, **ENDS).to_frame(), plain, rtol=1e-12)


# ---------------------------------------------------------------------------------------- results


@pytest.mark.pyarrow
def test_the_table_comes_back_in_the_callers_library(make_frame: Callable[[Any], Any]) -> None:
    times = [START, START + dt.timedelta(days=3), START]
    rows = make_frame({"id": ["乙", "乙", "甲"], "time": times, "amount": [1.0, 2.0, 3.0]})
    found = rfm.clv_summary(rows, SCHEMA, observation_end=dt.date(2025, 1, 31))
    assert type(found.table) is type(rows)
    frame = found.to_frame()
    assert (frame.index.tolist(), frame.index.name) == (["乙", "甲"], "id")
    assert frame["frequency"].tolist() == [1, 0]
    assert frame["monetary_value"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    "end", ["2025-01-31", dt.date(2025, 1, 31), np.datetime64("2025-01-31"), pd.Timestamp("2025-01-31")]
)
def test_an_end_may_be_a_text_a_date_or_a_timestamp(end: Any) -> None:
    assert rfm.clv_summary(bank([(1, 0, 5)]), SCHEMA, observation_end=end).observation_end == "2025-01-31"


def test_results_say_little_of_customers_and_all_of_themselves() -> None:
    rows = bank([(987654, 0, 123456), (987654, 50, 77)])
    found = rfm.calibration_holdout_split(rows, SCHEMA, **ENDS, zero_amounts="exclude")
    assert repr(found) == "CalibrationHoldout(end=2025-02-28, time_unit=days, customers=1, repeaters=1)"
    html = found._repr_html_()
    assert "987654" not in html
    assert "purchases_pooled" in html
    schema, settings_text = found.provenance.spec.split("\n")
    assert rfm.TransactionSchema.model_validate_json(schema) == SCHEMA
    asked = json.loads(settings_text)
    assert (asked["calibration"], asked["end"], asked["zero_amounts"]) == ("2025-01-31", "2025-02-28", "exclude")
    assert dict(found.provenance.counts) == {"rows": 2, "customers": 1, "repeaters": 1}
    copy = pickle.loads(pickle.dumps(found))  # noqa: S301 - our own bytes
    pd.testing.assert_frame_equal(copy.to_frame(), found.to_frame())
    with pytest.raises(AttributeError):
        found.time_unit = "weeks"  # type: ignore[misc]  # frozen


def test_keys_without_time_or_rows_without_key_are_counted_by_report() -> None:
    rows = pd.DataFrame({"id": ["a", None, "b"], "time": pd.to_datetime(["2025-01-01", "2025-01-02", "NaT"])})
    schema = rfm.TransactionSchema(customer="id", time="time")
    found = rfm.clv_summary(rows, schema, observation_end="2025-01-31", on_invalid="report")
    assert found.to_frame().index.tolist() == ["a"]
    assert "monetary_value" not in found.to_frame()
    assert (found.report.count("customer_null"), found.report.count("time_null")) == (1, 1)
    with pytest.raises(DataError, match="customer key"):
        rfm.clv_summary(rows, schema, observation_end="2025-01-31")


# ---------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("settings_given", "message"),
    [
        ({"observation_end": "31.1.2025"}, "observation_end .* no ISO 8601 date"),
        ({"observation_end": 20250131}, "observation_end is a int; allowed: a date"),
        ({"observation_end": pd.NaT}, "observation_end .* allowed: a date"),
        ({"observation_end": dt.datetime(2025, 1, 31, 18)}, "time of day"),  # noqa: DTZ001 - local wall time
        ({"observation_end": dt.datetime(2025, 1, 31, tzinfo=dt.UTC)}, "time of day"),
        ({"observation_end": dt.date.max}, "last day of the calendar"),
        ({"time_unit": "hours"}, "time_unit must be one of days, weeks"),
        ({"zero_amounts": "drop"}, "zero_amounts must be one of count, exclude"),
        ({"null_amounts": "drop"}, "null_amounts must be one of"),
        ({"negative_amounts": "drop"}, "negative_amounts must be one of"),
        ({"convention": "btyd"}, "convention must be one of fader_hardie, lifetimes"),
        ({"on_invalid": "ignore"}, "on_invalid must be one of raise, report"),
        ({"initiators": "customer"}, "initiators must be a sequence"),
        ({"initiators": ()}, "initiators must be a sequence of one or more"),
        ({"initiators": ("robot",)}, "initiators must be a sequence of one or more of customer"),
    ],
)
def test_a_wrong_setting_is_named(settings_given: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        rfm.clv_summary(bank([(1, 0, 5)]), SCHEMA, **({"observation_end": "2025-01-31"} | settings_given))


@pytest.mark.parametrize("end", ["2025-02-28", "2025-03-01"])
def test_an_empty_holdout_is_refused(end: str) -> None:
    ends = ENDS | {"calibration_end": end}
    with pytest.raises(DomainError, match="calibration_end must be a day before observation_end"):
        rfm.calibration_holdout_split(bank([(1, 0, 5)]), SCHEMA, **ends)


@pytest.mark.parametrize(("unit", "what"), [("calendar_weeks", "week"), ("calendar_months", "month")])
def test_a_calibration_that_ends_within_a_period_is_refused(unit: Any, what: str) -> None:
    ends = ENDS | {"calibration_end": "2025-01-30"}
    with pytest.raises(DomainError, match=f"calibration_end lies within a {what}"):
        rfm.calibration_holdout_split(bank([(1, 0, 5)]), SCHEMA, **ends, time_unit=unit)


@pytest.mark.parametrize(
    ("amount", "message"),
    [
        (None, r"1 row\(s\) without an amount; .* null_amounts"),
        (-5.0, r"1 row\(s\) with a negative amount that no reversal marks; .* negative_amounts"),
        (np.inf, "infinite amount"),
    ],
)
def test_amounts_that_are_not_declared_are_refused(amount: float | None, message: str) -> None:
    rows = purchases(["2025-01-01", "2025-01-02"], amount=[10.0, amount])
    with pytest.raises(DataError, match=message) as raised:
        rfm.clv_summary(rows, SCHEMA, observation_end="2025-01-31")
    assert "10" not in str(raised.value).replace("1e+150", "")
    rfm.clv_summary(rows, SCHEMA, observation_end="2025-01-01")  # what is wrong later is no matter yet


@pytest.mark.parametrize("rows", [bank([(1, 2000, 5)]), bank([(1, 0, 5)]).iloc[:0]])
def test_nothing_bought_is_refused(rows: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="no purchase up to observation_end"):
        rfm.clv_summary(rows, SCHEMA, observation_end="2025-01-31")
    with pytest.raises(DataError, match=r"no (purchase|row) up to"):
        rfm.clv_summary(rows, marked_schema(reversal=None, decimals=2), observation_end="2025-01-31")


def test_what_the_schema_cannot_mean_here_is_refused() -> None:
    rows = bank([(1, 0, 5)])
    with pytest.raises(DomainError, match="schema is a dict; allowed: TransactionSchema"):
        rfm.clv_summary(rows, SCHEMA.model_dump(), observation_end="2025-01-31")  # type: ignore[arg-type]  # wrong on purpose
    joint = rfm.TransactionSchema.model_validate(SCHEMA.model_dump() | {"account": "id", "joint": "each"})
    with pytest.raises(DomainError, match="joint='each', which needs holders"):
        rfm.clv_summary(rows, joint, observation_end="2025-01-31")
    named = rfm.TransactionSchema(customer="T", time="time")
    with pytest.raises(ColumnError, match="'T' has a name of the table's own columns"):
        rfm.clv_summary(rows.rename(columns={"id": "T"}), named, observation_end="2025-01-31")
    with pytest.raises(ColumnError, match=r"'time' is of type .*; allowed: a date or a datetime"):
        rfm.clv_summary(rows.assign(time="2025-01-01"), SCHEMA, observation_end="2025-01-31")
    with pytest.raises(DomainError, match="transactions is a list"):
        rfm.clv_summary([1], SCHEMA, observation_end="2025-01-31")
    with pytest.raises(ColumnError, match="marks none"):
        rfm.clv_summary(rows, SCHEMA, observation_end="2025-01-31", initiators=("system",))
    mixed = rfm.TransactionSchema.model_validate(SCHEMA.model_dump() | {"currency": "c"})
    two = bank([(1, 0, 5), (1, 2, 5)]).assign(c=["CNY", "EUR"])
    with pytest.raises(DataError, match="Currencies in one table"):
        rfm.clv_summary(two, mixed, observation_end="2025-01-31")


def test_columns_that_a_summary_does_not_read_need_not_be_there() -> None:
    wide = rfm.TransactionSchema(
        customer="id", time="time", amount="amount", kind="kind", channel="channel", side="side", opened="opened",
        balance="balance", order="order",
    )  # fmt: skip
    assert len(rfm.clv_summary(bank([(1, 0, 5)]), wide, observation_end="2025-01-31").table) == 1
