"""Panels: long and wide tables of every library, holes, dates, and what is refused."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue import tiers
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS: dict[str, list[Any]] = {"customer": ["b", "b", "a"], "period": [3, 4, 4], "score": [1.0, 2.0, 3.0]}


@pytest.mark.pyarrow
def test_a_long_table_of_any_library(make_frame: Callable[..., Any]) -> None:
    days = [dt.datetime(2024, 3, 31), dt.datetime(2024, 6, 30), dt.datetime(2024, 6, 30)]  # noqa: DTZ001 - naive
    panel = tiers.Panel.from_long(
        make_frame(ROWS | {"period": days, "flag": [True, False, True]}), on_missing="report"
    )
    assert panel.customers.tolist() == ["a", "b"]
    assert panel.periods == (dt.date(2024, 3, 31), dt.date(2024, 6, 30))
    assert panel.present.tolist() == [[False, True], [True, True]]
    assert panel.columns["score"].tolist() == [[0.0, 3.0], [1.0, 2.0]]
    assert panel.columns["flag"].tolist() == [[0.0, 1.0], [1.0, 0.0]]
    assert (panel.spacing, panel.dated) == (3, True)
    assert panel.when(dt.date(2024, 6, 1)) == 1
    assert panel.provenance.counts == {"rows": 3, "customers": 2, "periods": 2, "missing": 1}
    assert len(panel.to_frame()) == 3


def test_dates_of_arrow_and_polars_and_whole_numbers() -> None:
    polars = pytest.importorskip("polars")
    table = polars.DataFrame(ROWS | {"period": [dt.date(2024, 1, 1), dt.date(2024, 2, 1), dt.date(2024, 2, 1)]})
    assert tiers.Panel.from_long(table, on_missing="report").periods[1] == dt.date(2024, 2, 1)
    assert tiers.Panel.from_long(pd.DataFrame(ROWS), on_missing="report").periods == (3, 4)
    small = pd.DataFrame(ROWS).astype({"period": "int8", "customer": "category"})
    assert tiers.Panel.from_long(small, on_missing="report").customers.tolist() == ["a", "b"]


@settings(max_examples=40)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_long_and_wide_are_the_same_in_any_order(customers: int, periods: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    keys = rng.permutation(100)[:customers]
    values = rng.random((customers, periods))
    wide = tiers.Panel.from_wide({"score": values}, customers=keys, periods=range(7, 7 + periods))
    frame = pd.DataFrame(
        {
            "customer": np.repeat(keys, periods),
            "period": np.tile(np.arange(7, 7 + periods), customers),
            "score": values.ravel(),
        }
    ).sample(frac=1.0, random_state=int(seed))
    long = tiers.Panel.from_long(frame)
    np.testing.assert_array_equal(long.columns["score"], wide.columns["score"])
    assert long.customers.tolist() == wide.customers.tolist() == sorted(keys.tolist())
    assert long.periods == wide.periods
    pd.testing.assert_frame_equal(
        long.to_frame(), frame.sort_values(["customer", "period"]).reset_index(drop=True), check_dtype=False
    )


def test_wide_frames_lend_their_index_and_blank_cells_are_missing_rows() -> None:
    table = pd.DataFrame([[1.0, np.nan], [2.0, 3.0]], index=["z", "y"])
    panel = tiers.Panel.from_wide({"score": table}, on_missing="report")
    assert panel.customers.tolist() == ["y", "z"]
    assert panel.present.tolist() == [[True, True], [True, False]]
    assert panel.columns["score"].tolist() == [[2.0, 3.0], [1.0, 0.0]]
    assert repr(panel) == "Panel(rows=3, customers=2, periods=2, missing=1, columns=1)"
    assert "1 customer-periods without a row" in panel._repr_html_()


def test_only_the_named_columns_are_read() -> None:
    table = pd.DataFrame(ROWS | {"name": ["x", "y", "z"]})
    assert list(tiers.Panel.from_long(table, ["score"], on_missing="report").columns) == ["score"]
    with pytest.raises(ColumnError, match="'name' is of type String; allowed: numbers"):
        tiers.Panel.from_long(table, on_missing="report")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({}, DataError, r"panel lacks 1 of 4 customer-periods, of 1 customer\(s\). Complete it"),
        ({"customer": ["secret", "secret", None]}, DataError, r"'customer' lacks 1 customer key\(s\)"),
        (
            {"customer": [1.5, 1.5, 2.5]},
            ColumnError,
            "'customer' is of type Float64; allowed: whole numbers or texts",
        ),
        ({"customer": ["secret", "secret", 1]}, ColumnError, "'customer' is of type Object"),
        ({"customer": ["b", "a", "a"]}, DataError, r"panel has 1 row\(s\) too many"),
        ({"period": ["2024-01", "2024-02", "2024-02"]}, ColumnError, "'period' is of type String.*Parse texts"),
        ({"period": [0.0, 1.0, 1.0]}, ColumnError, "'period' is of type Float64"),
        (
            {"period": [3, 5, 5]},
            DataError,
            r"'period' has 1 hole\(s\): periods must be equally spaced whole numbers",
        ),
        (
            {"period": pd.to_datetime(["2024-01-01", "", "2024-01-01"])},
            DataError,
            r"'period' lacks 1 period\(s\)",
        ),
        (
            {"period": pd.to_datetime(["2024-01-01", "2024-01-31", "2024-01-31"])},
            DataError,
            r"several days in 1 month\(s\): one date stands for a month",
        ),
        (
            {"period": pd.to_datetime(["2024-01-01", "2024-02-01", "2024-02-01"], utc=True)},
            ColumnError,
            "allowed: whole numbers or dates without a time zone",
        ),
        (
            {"score": [1.0, np.nan, 2.0]},
            DataError,
            r"panel holds missing values \(NaN or null\): 1 cell\(s\) in 'score'",
        ),
        ({"score": [1.0, np.inf, 2.0]}, DataError, "panel holds infinite numbers"),
    ],
)
def test_long_tables_that_cannot_be_read(change: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        tiers.Panel.from_long(pd.DataFrame(ROWS | change))
    assert "secret" not in str(caught.value)


def test_a_calendar_with_a_hole_in_months() -> None:
    rows = pd.DataFrame(
        {"customer": [1, 1, 1], "period": pd.to_datetime(["2024-01-31", "2024-02-29", "2024-06-30"])}
    )
    with pytest.raises(DataError, match=r"'period' has 1 hole\(s\): periods must be equally spaced months"):
        tiers.Panel.from_long(rows.assign(score=1.0))


def test_other_refusals_of_long_tables() -> None:
    table = pd.DataFrame(ROWS)
    with pytest.raises(ColumnError, match=r"missing: 'who'.*Name the key columns with customer= and period="):
        tiers.Panel.from_long(table, customer="who")
    with pytest.raises(ColumnError, match=r"Key column\(s\) \['level'\] have a name that results give"):
        tiers.Panel.from_long(table.rename(columns={"customer": "level"}), customer="level")
    with pytest.raises(ColumnError, match=r"Key column\(s\) \['period'\]"):
        tiers.Panel.from_long(table, customer="period")
    with pytest.raises(DomainError, match="panel has no row"):
        tiers.Panel.from_long(table.head(0))
    with pytest.raises(DomainError, match="panel is a list"):
        tiers.Panel.from_long([[1]])
    with pytest.raises(DomainError, match="on_missing must be 'refuse' or 'report'"):
        tiers.Panel.from_long(table, on_missing="drop")  # type: ignore[arg-type]  # refused


@pytest.mark.parametrize(
    ("values", "more", "error", "message"),
    [
        ({}, {}, DomainError, "values is empty"),
        ({"a": [[1]], "b": [[1, 2]]}, {}, DomainError, r"values has tables of shapes \[\(1, 1\), \(1, 2\)\]"),
        ({"a": np.empty((0, 2))}, {}, DomainError, "neither side empty"),
        ({"a": [[1], [2]]}, {"customers": ["secret"]}, DataError, "customers has 1 keys of which 1 are distinct"),
        ({"a": [[1], [2]]}, {"customers": ["secret", "secret"]}, DataError, "2 keys of which 1 are distinct"),
        ({"a": [[1], [2]]}, {"customers": ["secret", 2]}, ColumnError, "'customers' is of type Object"),
        ({"a": [[1, 2]]}, {"periods": [1]}, DomainError, "periods has 1 entries for 2 columns"),
        ({"a": [[1, 2]]}, {"periods": [2, 1]}, DomainError, "give each column's, ascending"),
        ({"a": [[1, 2]]}, {"periods": ["x", "y"]}, ColumnError, "'periods' is of type something else"),
        ({"a": [[1, 2]]}, {"periods": [1, 3]}, DataError, r"'periods' has 1 hole\(s\)"),
        ({"a": [[1, np.nan]], "b": [[1, 2]]}, {}, DataError, r"missing in some tables and not in others for 1"),
        ({"a": [[1, np.nan]]}, {}, DataError, "panel lacks 1 of 2 customer-periods"),
        ({"a": [[1, np.nan]]}, {"on_missing": "report"}, DataError, r"panel has 1 period\(s\) in which nobody"),
        ({"a": [[1, np.inf]]}, {}, DataError, r"values\['a'\] holds infinite numbers"),
    ],
)
def test_wide_tables_that_cannot_be_read(
    values: Any, more: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        tiers.Panel.from_wide(values, **more)
    assert "secret" not in str(caught.value)


def test_keys_beyond_any_number_are_not_found() -> None:
    panel = tiers.Panel.from_wide({"score": [[1.0]]}, customers=[5])
    assert panel.position(np.int64(5)) == 0
    for key in (10**30, True, "5", 4, 6):
        with pytest.raises(DomainError, match="customer is not in the panel, whose keys are whole numbers"):
            panel.position(key)
