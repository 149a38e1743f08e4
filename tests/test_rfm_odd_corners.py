"""Odd corners of `rfm`: each case could else give a wrong number, a silent loss or a raw error."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from custvalue import rfm
from custvalue.exceptions import ColumnError, DataError

pa = pytest.importorskip("pyarrow")
pl = pytest.importorskip("polars")

SCHEMA = rfm.TransactionSchema(customer="key", time="day", amount="amount")
SUM = rfm.Monetary(name="m")
BOTH = pytest.mark.parametrize("engine", ["numpy", "narwhals"])
Engine = Literal["numpy", "narwhals"]


def days(*texts: str) -> Any:
    return pd.to_datetime(list(texts))


def of(*indicators: Any) -> rfm.IndicatorSet:
    return rfm.IndicatorSet(indicators=indicators, min_history_days=0)


def rows(**columns: Any) -> pd.DataFrame:
    n = len(next(iter(columns.values()), [0]))
    return pd.DataFrame({"key": 1, "day": days(*["2025-01-01"] * n), "amount": 1.0} | columns)


# ------------------------------------------------------------------------------------------------------ codes


@pytest.mark.parametrize(
    "field", [{"kind": "k", "kinds": {"x": ()}}, {"system": {"k": ()}}, {"excluded": {"staff": {"k": ()}}}]
)
def test_an_empty_list_of_codes_is_refused(field: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="at least 1 item"):
        rfm.TransactionSchema(customer="key", time="day", **field)


@BOTH
def test_by_hand_codes_of_eight_bits(engine: Engine) -> None:
    """-100 once, 100 twice, 50 once: 100 - (-100) does not fit into eight bits."""
    table = rows(kind=np.array([-100, 100, 100, 50], dtype="int8"))
    schema = SCHEMA.model_copy(update={"kind": "kind", "kinds": {"a": ("-100",), "b": ("100",), "c": ("50",)}})
    chosen = of(*(rfm.Frequency(name=name, kinds=[name], per_exposed_day=False) for name in "abc"))
    found = rfm.compute(table, chosen, schema, as_of="2025-02-01", engine=engine).features
    assert found.iloc[0].tolist() == [1, 2, 1]


@BOTH
def test_categories_of_numbers_are_refused(engine: Engine) -> None:
    schema = SCHEMA.model_copy(update={"kind": "kind"})
    chosen = of(rfm.Frequency(name="f", kinds=["7"]))
    with pytest.raises(ColumnError, match="'kind' is of type categories of other things than text"):
        rfm.compute(rows(kind=pd.Categorical([7, 8])), chosen, schema, as_of="2025-02-01", engine=engine)
    arrow = pa.Table.from_pandas(rows(kind=[7, 8]))
    arrow = arrow.set_column(3, "kind", arrow["kind"].dictionary_encode())
    with pytest.raises(ColumnError, match="Cast it to integers or to text"):
        rfm.compute(arrow, chosen, schema, as_of="2025-02-01", engine=engine)


def test_many_coded_columns_do_not_multiply() -> None:
    """Seven columns of twelve codes each: 13 to the 7 patterns would be 63 million, and 12 rows have 12."""
    names = [f"c{j}" for j in range(7)]
    table = rows(**{name: [f"v{k}" for k in range(12)] for name in names})
    schema = SCHEMA.model_copy(update={"attributes": {name: {} for name in names}})
    chosen = of(
        *(
            rfm.Frequency(name=f"{name} {k}", where={name: [f"v{k}"]}, per_exposed_day=False)
            for name in names
            for k in range(12)
        )
    )
    found = rfm.compute(table, chosen, schema, as_of="2025-02-01").features
    assert (found.to_numpy() == 1.0).all()


def test_a_mark_of_exclusion_that_no_row_carries_is_told() -> None:
    schema = SCHEMA.model_copy(update={"excluded": {"staff": {"flag": ("STAFF",)}}})
    report = rfm.compute(rows(flag=["staff"]), of(SUM), schema, as_of="2025-02-01").report
    assert report.count("code_without_rows") == 1


# ------------------------------------------------------------------------------------------------------ money


@BOTH
def test_cents_of_large_amounts_are_whole(engine: Engine) -> None:
    """2 ** 51 units is where a binary number no longer tells them apart: below all pass, above all are refused."""
    large = [Decimal("8928271859.55"), Decimal("3777490996.16"), Decimal("20000000000000.01")]
    table = pa.table({"key": [1, 2, 3], "day": [dt.date(2025, 1, 1)] * 3, "amount": large})
    found = rfm.compute(table, of(SUM), SCHEMA, as_of="2025-02-01", engine=engine).features
    assert found["m"].to_pylist() == [float(amount) for amount in large]
    beyond = table.set_column(2, "amount", pa.array([Decimal("80000000000000.01")] * 3))
    with pytest.raises(DataError, match=r"2\*\*51 of the smallest unit"):
        rfm.compute(beyond, of(SUM), SCHEMA, as_of="2025-02-01", engine=engine)


def test_a_summary_of_whole_units_is_exact_or_refused() -> None:
    schema = SCHEMA.model_copy(update={"decimals": 0})
    amounts = [1.0, *[2.0**50] * 12]
    table = rows(day=days("2025-01-01", *["2025-01-02"] * 12), amount=amounts)
    with pytest.raises(DataError, match="added up exactly"):
        rfm.clv_summary(table, schema, observation_end="2025-01-31")
    assert rfm.clv_summary(table.head(5), schema, observation_end="2025-01-31").to_frame()[
        "monetary_value"
    ].tolist() == [4 * 2.0**50]


def test_opening_balances_are_checked_like_amounts() -> None:
    schema = SCHEMA.model_copy(update={"decimals": 2, "opening_balance": "opening"})
    last = of(rfm.Monetary(name="m", measure="last_balance"))
    for opening, message in ((10.004, "more digits after the point"), (np.inf, "infinite or too large")):
        people = pd.DataFrame({"key": [1], "opening": [opening]})
        with pytest.raises(DataError, match=f"'opening' of population holds 1.*{message}"):
            rfm.compute(rows(amount=[100.0]), last, schema, as_of="2025-02-01", population=people)


# -------------------------------------------------------------------------------------------------------- keys


@BOTH
@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_accounts_of_different_widths_never_wrap(engine: Engine, library: str) -> None:
    """2 ** 32 + 1 is not account 1, though their last 32 bits agree."""
    table = rows(account=np.array([1], dtype="int32"))
    holders = pd.DataFrame({"account": [2**32 + 1], "key": ["other"]})
    frames: list[Any] = [table, holders]
    if library != "pandas":
        frames = [pl.from_pandas(one) if library == "polars" else pa.Table.from_pandas(one) for one in frames]
    schema = SCHEMA.model_copy(update={"account": "account"})
    with pytest.raises(DataError, match=r"no holder has on that day.*\(1\)"):
        rfm.compute(frames[0], of(SUM), schema, as_of="2025-02-01", holders=frames[1], engine=engine)


def test_keys_no_engine_shares_are_refused() -> None:
    table = pl.from_pandas(rows()).with_columns(pl.col("key").cast(pl.Int128))
    with pytest.raises(ColumnError, match="at most 64 bits"):
        rfm.compute(table, of(SUM), SCHEMA, as_of="2025-02-01")


def test_keys_of_arrow_views_are_read() -> None:
    table = pa.Table.from_pandas(rows(key=["b"]))
    try:
        views = table["key"].cast(pa.string_view())
    except pa.ArrowNotImplementedError:
        pytest.skip("this PyArrow makes no views of text")
    table = table.set_column(0, "key", views)
    assert rfm.compute(table, of(SUM), SCHEMA, as_of="2025-02-01").customers == ["b"]


# -------------------------------------------------------------------------------------------------------- time

ST_JOHNS = SCHEMA.model_copy(update={"time_zone": "America/St_Johns", "amount": None})
ACTIVE = of(rfm.Frequency(name="d", measure="distinct_days", per_exposed_day=False), rfm.Recency(name="r"))


@BOTH
def test_by_hand_clocks_that_go_back_across_midnight(engine: Engine) -> None:
    """On 2010-11-07 Newfoundland's clocks went from 00:01 back to 23:01 of the 6th.

    At 02:30:30 UTC it was 00:00:30 on the 7th, at 03:00 UTC, as-of, 23:30 on the 6th again: the customer's two
    days are the 1st and the 7th, and the last of them is no day old.
    """
    moments = ["2010-11-07T02:30:30Z", "2010-11-01T12:00:00Z", "2010-11-02T12:00:00Z"]
    table = pd.DataFrame({"key": [1, 1, 2], "day": pd.to_datetime(moments, utc=True)})
    found = rfm.compute(table, ACTIVE, ST_JOHNS, as_of="2010-11-06T23:30-03:30", engine=engine).features
    assert found["d"].tolist() == [2.0, 1.0]
    assert found["r"].tolist() == [0.0, 4.0]


@BOTH
def test_times_beyond_the_calendar_are_refused(engine: Engine) -> None:
    table = rows(day=np.array(["300000-01-01"], dtype="M8[s]"))
    with pytest.raises(DataError, match=r"'day' holds 1 time.*outside the years 1 to 9999"):
        rfm.compute(table, of(SUM), SCHEMA, as_of="2025-02-01", engine=engine)


@BOTH
@pytest.mark.parametrize("zone", ["America/New_York", "Etc/GMT+5"])
def test_zones_with_digits_and_underscores(engine: Engine, zone: str) -> None:
    """03:30 UTC on the 2nd is the evening of the 1st five hours west."""
    table = pd.DataFrame({"key": [1], "day": pd.to_datetime(["2025-01-02T03:30Z"]).tz_convert(zone)})
    found = rfm.compute(
        table, ACTIVE, ST_JOHNS.model_copy(update={"time_zone": zone}), as_of="2025-01-11", engine=engine
    )
    assert found.features["r"].tolist() == [10.0]


# ------------------------------------------------------------------------------------------------------ states


def state(table: Any, schema: rfm.TransactionSchema = SCHEMA) -> rfm.Partial:
    return rfm.partial(table, of(SUM), schema)


def money(partial: rfm.Partial) -> list[float]:
    found = partial.snapshot("2025-02-01").features
    values: list[float] = found["m"].to_pylist() if isinstance(found, pa.Table) else found["m"].tolist()
    return values


def kept(partial: rfm.Partial, schema: rfm.TransactionSchema = SCHEMA) -> rfm.Partial:
    return rfm.Partial.from_frame(partial.to_frame(), of(SUM), schema)


def test_a_kept_state_knows_its_unit() -> None:
    table = pa.table({"key": [1], "day": [dt.date(2025, 1, 1)], "amount": [Decimal("12.34")]})
    assert money(kept(state(table))) == money(state(table)) == [12.34]
    assert money(rfm.merge(kept(state(table)), state(table))) == [24.68]


def test_a_kept_state_knows_its_currency_and_what_made_it() -> None:
    schema = SCHEMA.model_copy(update={"currency": "cur"})
    usd, eur = (state(rows(cur=[name]), schema) for name in ("USD", "EUR"))
    with pytest.raises(DataError, match="hold 2 currencies"):
        rfm.merge(kept(usd, schema), eur)
    with pytest.raises(DataError, match="made by other indicators or another schema"):
        rfm.Partial.from_frame(usd.to_frame(), of(SUM), SCHEMA)


def test_rows_left_out_bring_no_currency() -> None:
    schema = SCHEMA.model_copy(update={"currency": "cur", "excluded": {"test": {"flag": ("y",)}}})
    partial = state(rows(cur=["USD", "EUR"], flag=["n", "y"]), schema)
    assert money(rfm.merge(partial)) == [1.0]


def test_a_kept_state_of_holders_merges_with_a_fresh_one() -> None:
    schema = SCHEMA.model_copy(update={"account": "account"})
    holders = pd.DataFrame({"account": ["a"], "key": [1]})
    fresh = rfm.partial(rows(account=["a"]).drop(columns="key"), of(SUM), schema, holders=holders)
    assert money(rfm.merge(kept(fresh, schema), fresh)) == [2.0]


def test_an_empty_state_is_kept_too() -> None:
    empty = state(rows().head(0))
    assert money(rfm.merge(kept(empty), state(rows()))) == [1.0]


@pytest.mark.parametrize(
    ("column", "value"), [("absolute", np.nan), ("absolute", -3.0), ("rows", -5), ("known", 2.0), ("total", 9.0)]
)
def test_numbers_that_no_rows_add_up_to_are_refused(column: str, value: float) -> None:
    frame = state(rows()).to_frame()
    frame[column] = value
    with pytest.raises(DataError, match=f"Column '{column}' holds"):
        rfm.Partial.from_frame(frame, of(SUM), SCHEMA)


def test_a_key_with_a_name_of_the_states_own_columns_is_refused() -> None:
    schema = rfm.TransactionSchema(customer="pattern", time="day", amount="amount")
    partial = state(rows().rename(columns={"key": "pattern"}), schema)
    with pytest.raises(ColumnError, match="'pattern' has a name of the state's own columns"):
        partial.to_frame()


def test_keys_of_different_widths_merge_and_of_different_kinds_do_not() -> None:
    narrow, wide = (state(rows(key=np.array([key], dtype=kind))) for key, kind in ((1, "int32"), (2**40, "int64")))
    merged = rfm.merge(narrow, wide).snapshot("2025-02-01")
    assert merged.customers == [1, 2**40]
    arrow = [pa.Table.from_pandas(rows(key=["a"])), pa.Table.from_pandas(rows(key=["b"]))]
    arrow[1] = arrow[1].set_column(0, "key", arrow[1]["key"].cast(pa.large_string()))
    assert rfm.merge(*(state(one) for one in arrow)).snapshot("2025-02-01").customers == ["a", "b"]
    large = state(rows(key=np.array([2**53 + 1], dtype="uint64")))
    with pytest.raises(ColumnError, match="keys of different types"):
        rfm.merge(wide, large)


# ------------------------------------------------------------------------------------------------------- others


def test_columns_that_differ_in_case_only_are_refused_where_the_engine_does_not_see_it() -> None:
    duckdb = pytest.importorskip("duckdb")
    chosen = of(SUM, rfm.Monetary(name="M"))
    relation = duckdb.connect().from_arrow(pa.Table.from_pandas(rows()))
    with pytest.raises(ColumnError, match=r"\['M', 'm'\] differ in upper and lower case"):
        rfm.compute(relation, chosen, SCHEMA, as_of="2025-02-01")
    assert rfm.compute(rows(), chosen, SCHEMA, as_of="2025-02-01").features.columns.tolist() == ["m", "M"]


def test_labels_of_different_types_are_refused() -> None:
    before = pd.DataFrame({"x": [1.0, 2.0], "level": [1, 2]}, index=["a", "b"])
    with pytest.raises(ColumnError, match="labels of different types"):
        rfm.drift(before, before.assign(level=[1.0, 2.0]), label="level", columns=["x"])


def test_what_was_left_out_is_said_where_nothing_is_left() -> None:
    schema = SCHEMA.model_copy(update={"excluded": {"test": {"flag": ("y",)}}})
    with pytest.raises(DataError, match=r"no row before as_of that counts.*Left out: excluded_test"):
        rfm.compute(rows(flag=["y"]), of(SUM), schema, as_of="2025-02-01")


def test_a_table_of_the_callers_is_not_taken_for_the_customers() -> None:
    """DuckDB looks among its own tables before it looks among Python's names."""
    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect()
    for name in ("customers", "table_", "local", "snapshot"):
        connection.execute(f"CREATE TABLE {name} AS SELECT 7 AS key, 'graded' AS status")
    relation = connection.from_arrow(pa.Table.from_pandas(rows()))
    found = rfm.compute(relation, of(SUM), SCHEMA, as_of="2025-02-01")
    assert found.table.fetchall() == [(1, "graded", 31, 1, 1.0)]
