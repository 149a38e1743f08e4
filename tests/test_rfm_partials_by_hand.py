"""Partial states of `rfm` that merge to the whole, worked by hand, and those that do not fit."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from custvalue import rfm
from custvalue.exceptions import DataError, DomainError

pytest.importorskip("pyarrow", reason="pyarrow, from which every engine is fed, is not installed")
pytest.importorskip("polars", reason="polars is not installed")

from rfm_by_hand import EACH_ROUTE, RECENCY, count, money, moves, only, schema_of, set_of, table
from rfm_tables import rows_of


@EACH_ROUTE
def test_by_hand_days_merge_to_a_month(route: str) -> None:
    """Three days' rows in three parts, one customer's day split: sum 15, 3 rows, days 1 and 9, gap 8, std 5."""
    rows = moves((1, 0.0), (1, 10.0), (9, 5.0)) + moves((5, 7.0), key=2)
    chosen = [
        *(money(), count(), money(name="std", measure="std"), money(name="max", measure="max"), RECENCY),
        rfm.Frequency(name="gap", measure="mean_gap", direction="cost"),
        count(name="days", measure="distinct_days"),
        count(name="window", window="23d"),
    ]
    schema, indicators = schema_of(rows, {}), set_of(*chosen)
    parts = [rfm.partial(table(route, part), indicators, schema) for part in (rows[:1], rows[1:2], rows[2:])]
    found = rfm.merge(*parts).snapshot("2025-01-31")
    names = ("m", "f", "std", "max", "r", "gap", "days", "window")
    first, second = rows_of(found.table)
    assert [first[name] for name in names] == [15.0, 3.0, pytest.approx(5.0, rel=1e-15), 10.0, 22.0, 8.0, 2.0, 1.0]
    assert [second[name] for name in names] == [7.0, 1.0, None, 7.0, 26.0, None, 1.0, 0.0]
    assert only(rfm.merge(*parts).snapshot(dt.date(2025, 1, 2)))["m"] == 10.0
    assert [row["m"] for row in rows_of(rfm.merge(parts[0]).snapshot("2025-01-31").table)] == [0.0]


def test_states_that_do_not_fit_are_refused() -> None:
    rows = moves((1, 1.0))
    frame, schema = table("polars", rows), schema_of(rows, {})
    state = rfm.partial(frame, set_of(money()), schema)
    other = rfm.partial(frame, set_of(money(name="n")), schema)
    with pytest.raises(DomainError, match="indicators"):
        rfm.merge(state, other)
    with pytest.raises(DomainError, match="schema"):
        rfm.merge(state, rfm.partial(frame, set_of(money()), schema_of(rows, {"decimals": 2})))
    with pytest.raises(DomainError, match="as_of lies within a day"):
        state.snapshot("2025-01-31T12:00")
    with pytest.raises(DataError, match="no row before as_of"):
        state.snapshot("2025-01-01")
    with pytest.raises(DomainError, match="Partial"):
        rfm.merge(state, frame)


@EACH_ROUTE
def test_a_partial_refuses_what_compute_refuses(route: str) -> None:
    rows = moves((1, math.inf), (2, 1.0))
    with pytest.raises(DataError, match=r"infinite amount .*\(1\)"):
        rfm.partial(table(route, rows), set_of(money()), schema_of(rows, {}))
