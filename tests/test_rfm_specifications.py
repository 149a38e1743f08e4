"""The presets of `rfm`, and the extended indicators, schemas and engines that cannot be."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import pytest
from pydantic import ValidationError

from custvalue import rfm
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Callable

pytest.importorskip("pyarrow", reason="pyarrow, from which every engine is fed, is not installed")
pytest.importorskip("polars", reason="polars is not installed")

import rfm_tables
from rfm_by_hand import AMOUNT, DAY, KEY, count, gap, money, moves, table
from rfm_tables import rows_of

# ------------------------------------------------------------------------------------------------ specifications


def test_classic_is_recency_count_and_sum() -> None:
    """Of all history and not per day; LRFM (Chang and Tsay, 2004) puts the relationship's length before it."""
    classic, lrfm = rfm.IndicatorSet.classic(), rfm.IndicatorSet.lrfm()
    assert list(classic.groups) == ["recency", "frequency", "monetary"]
    assert [(one.measure, one.window) for one in classic.indicators] == [
        ("days_since", None), ("count", None), ("sum", None)
    ]  # fmt: skip
    assert lrfm.indicators[1:] == classic.indicators
    assert (lrfm.indicators[0].dimension, lrfm.indicators[0].measure) == ("length", "span")
    rows = moves((1, 10.0), (5, 20.0), (5, 30.0)) + moves((20, 7.0), key=2)
    frame = rfm_tables.to_pandas(rfm_tables.arrow_table(rows, {KEY: "int", DAY: "date", AMOUNT: "float"}))
    schema = rfm.TransactionSchema(customer=KEY, time=DAY, amount=AMOUNT)
    found = rows_of(rfm.compute(frame, lrfm, schema, as_of="2025-01-31").table)
    assert [[row[name] for name in lrfm.names] for row in found] == [[4.0, 26.0, 3.0, 60.0], [0.0, 11.0, 1.0, 7.0]]


@pytest.mark.parametrize("preset", ["retail_bank", "classic", "lrfm", "card", "wealth"])
def test_presets_travel_as_json_and_take_a_history(preset: str) -> None:
    chosen = getattr(rfm.IndicatorSet, preset)(min_history_days=7)
    assert chosen.min_history_days == 7
    assert rfm.IndicatorSet.model_validate_json(chosen.model_dump_json()) == chosen


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: gap(direction="benefit"), "cost"),
        (lambda: rfm.Frequency(name="f", measure="mean_gap"), "cost"),
        (lambda: gap(per_exposed_day=True), "per_exposed_day"),
        (lambda: count(measure="share", per_exposed_day=True, kinds=("a",)), "per_exposed_day"),
        (lambda: gap(relative_to=2.0), "relative_to"),
        (lambda: count(measure="share", per_exposed_day=None, kinds=("a",), relative_to="median"), "relative_to"),
        (lambda: money(measure="mean", relative_to="median"), "relative_to"),
        (lambda: money(measure="last_balance", relative_to=2.0), "relative_to"),
        (lambda: count(relative_to="previous_window"), "window"),
        (lambda: money(relative_to="previous_window"), "window"),
        (lambda: count(relative_to=0.0), "relative_to"),
        (lambda: count(relative_to=-1.0), "relative_to"),
        (lambda: count(relative_to=math.inf), "relative_to"),
        (lambda: count(relative_to=math.nan), "relative_to"),
        (lambda: count(relative_to="mean"), "relative_to"),
        (lambda: money(measure="max", per_exposed_day=True), "per_exposed_day .*measure 'sum'"),
        (lambda: money(measure="std", per_exposed_day=True), "per_exposed_day .*measure 'sum'"),
        (lambda: money(measure="share", per_exposed_day=True), "per_exposed_day .*measure 'sum'"),
        (lambda: money(measure="last_balance", products=("a",)), "leave products out"),
        (lambda: money(measure="daily_average_balance", where={"a": ("b",)}), "leave where out"),
        (lambda: rfm.Length(name="l", measure="tenure", window="9d"), "window"),
        (lambda: rfm.Length(name="l", measure="tenure", kinds=("a",)), "kinds"),
        (lambda: rfm.Length(name="l", measure="tenure", where={"a": ("b",)}), "where"),
        (lambda: rfm.Length(name="l", measure="tenure", sides=("debit",)), "sides"),
        (
            lambda: rfm.Length(name="l", measure="age"),  # type: ignore[arg-type]  # meant wrong
            "measure",
        ),
        (lambda: rfm.Recency(name="r", products=()), "products"),
        (lambda: rfm.Recency(name="r", where={"a": ()}), "where"),
        (
            lambda: rfm.Recency(name="r", relative_to="median"),  # type: ignore[call-arg]  # meant wrong
            "relative_to",
        ),
    ],
)
def test_indicators_that_cannot_be(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"products": {"a": ("x",)}}, "'products' needs 'product'"),
        ({"product": "p", "products": {"a": ("x",), "b": ("x",)}}, "a code stands more than once"),
        ({"attributes": {"g": {"a": ("x",), "b": ("x",)}}}, "a code stands more than once"),
        ({"decimals": -1}, "decimals"),
        ({"decimals": 7}, "decimals"),
        ({"decimals": 2.0}, "decimals"),
        ({"decimals": 2, "rate": "r"}, "rate"),
        ({"rate": "r", "amount": None}, "'rate' needs 'amount'"),
        ({"decimals": 2, "amount": None}, "'decimals' needs 'amount'"),
        ({"joint": "half"}, "joint"),
        ({"joint": "share", "account": "k"}, "holder_share"),
        ({"joint": "share", "account": "k", "holder_share": "h", "decimals": 2}, "decimals"),
    ],
)
def test_schemas_that_cannot_be(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        rfm.TransactionSchema(**({"customer": "c", "time": "t", "amount": "a"} | more))


@pytest.mark.parametrize(
    ("engine", "library", "message"),
    [("spark", "polars", "engine"), ("numpy", "lazy", "numpy"), (None, "polars", "engine")],
)
def test_engines_by_name(engine: Any, library: str, message: str) -> None:
    frame = table(library, moves((1, 1.0)))
    schema = rfm.TransactionSchema(customer=KEY, time=DAY, amount=AMOUNT)
    with pytest.raises(DomainError, match=message):
        rfm.compute(frame, rfm.IndicatorSet.classic(), schema, as_of="2025-02-01", engine=engine)


def test_polars_without_pyarrow_gives_the_same_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two customers by name, one kind of two: Arrow is a shortcut, not a need."""
    import polars as pl

    frame = pl.DataFrame(
        {
            "key": ["乙", "甲", "乙", "乙"],
            "day": [dt.date(2025, 1, day) for day in (2, 3, 4, 5)],
            "kind": ["a", None, "b", "a"],
        }
    )
    schema = rfm.TransactionSchema(customer="key", time="day", kind="kind")
    chosen = rfm.IndicatorSet(
        indicators=[rfm.Frequency(name="f", kinds=["a"], per_exposed_day=False)], min_history_days=0
    )

    def missing(_: object) -> None:
        raise ModuleNotFoundError

    monkeypatch.setattr(nw.Series, "to_arrow", missing)
    table = rfm.compute(frame, chosen, schema, as_of="2025-02-01").table
    assert table.select("key", "n_rows", "f").rows() == [("乙", 3, 2.0), ("甲", 1, 0.0)]


def test_some_indicators_of_a_set() -> None:
    preset = rfm.IndicatorSet.retail_bank(min_history_days=7)
    chosen = preset.select("turnover", "recency_transfer_in")
    assert chosen.names == ("turnover", "recency_transfer_in")
    assert chosen.min_history_days == 7
    with pytest.raises(DomainError, match=r"names \['x'\] are no indicators of this set; it has recency_cash"):
        preset.select("x")
    with pytest.raises(ValidationError, match="more than once"):
        preset.select("turnover", "turnover")
    with pytest.raises(ValidationError, match="at least 1"):
        preset.select()


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_a_check_sees_times_that_are_null(library: str) -> None:
    rows = moves((1, 1.0), (2, 1.0))
    rows[1][DAY] = None
    report = rfm.TransactionSchema(customer=KEY, time=DAY, amount=AMOUNT).check(table(library, rows))
    assert (report.passed, report.count("time_null"), report.count("rows")) == (False, 1, 1)
