"""The extended measures of `rfm` worked by hand: gaps, spans, shares, extremes, trends, closing, who is left out.

Every expected value is derived in the docstring.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pytest

from custvalue import rfm
from custvalue.exceptions import DataError

pytest.importorskip("pyarrow", reason="pyarrow, from which every engine is fed, is not installed")
pytest.importorskip("polars", reason="polars is not installed")

from rfm_by_hand import (
    AMOUNT,
    CHANNEL,
    CLOSED,
    DAY,
    EACH_ROUTE,
    FROM,
    GROUP,
    KEY,
    KIND,
    OPENED,
    OPENING,
    REVERSAL,
    SIDE,
    STAFF,
    UNTIL,
    column,
    compute,
    count,
    gap,
    money,
    moves,
    on,
    only,
)
from rfm_tables import Row, rows_of

# ----------------------------------------------------------------------------------------------- gaps and spans


@EACH_ROUTE
def test_by_hand_mean_gap(route: str) -> None:
    """Days 1, 3 and 9, the 3rd twice: (9 - 1) / (3 - 1) = 4; within the last 28 days (from 3): (9 - 3) / 1 = 6.

    The reversal on the 20th is no activity. The second customer came on one day only, the third once.
    """
    rows = moves((9,), (3,), (1,), (3,), columns=()) + moves((5,), (5,), columns=(), key=2)
    rows = [row | {REVERSAL: False} for row in rows + moves((7,), columns=(), key=3)]
    rows += [row | {REVERSAL: True} for row in moves((20,), columns=())]
    found = compute(route, rows, gap(), gap(name="w", window="28d"), reversal=REVERSAL)
    assert column(found, "f") == [4.0, None, None]
    assert column(found, "w") == [6.0, None, None]
    found = compute(route, rows, gap(), reversal=REVERSAL, refunds="as_is")
    assert column(found, "f") == [19 / 3, None, None]


@EACH_ROUTE
def test_by_hand_span_and_tenure(route: str) -> None:
    """Days 5 and 25, as of the 31st: span 20, of the last 10 days 0, of a kind never used null; tenure 26.

    Opened on 1 December: tenure 61. A customer without rows has no span, and the tenure of the opening, 30 days.
    """
    rows = [row | {KIND: "a"} for row in moves((25,), (5,), columns=())]
    chosen = [
        rfm.Length(name="span"),
        rfm.Length(name="late", window="10d"),
        rfm.Length(name="never", kinds=("b",)),
        rfm.Length(name="tenure", measure="tenure"),
    ]
    row = only(compute(route, rows, *chosen, kind=KIND))
    assert [row[name] for name in ("span", "late", "never", "tenure")] == [20.0, 0.0, None, 26.0]
    people: list[Row] = [
        {KEY: 1, OPENED: on("2024-12-01")},
        {KEY: 2, OPENED: on("2025-01-01")},
        {KEY: 3, OPENED: None},
    ]
    found = compute(route, rows, *chosen, kind=KIND, people=people, opened=OPENED)
    assert column(found, "span") == [20.0, None, None]
    assert column(found, "tenure") == [61.0, 30.0, 1.0]


# ------------------------------------------------------------------------------------------------------- shares


@EACH_ROUTE
def test_by_hand_share_of_rows(route: str) -> None:
    """Five debits and a credit, two of the debits by phone and one of them lately.

    By phone 2 of 6; of the debits alone 2 of 5; of the last 10 days (21 on: two rows) 1 of 2; phone and counter
    6 of 6; a customer of credits alone has no debits to share.
    """
    found = [(1, "手机", "D"), (2, "柜面", "D"), (3, "柜面", "D"), (4, "柜面", "D"), (25, "手机", "D")]
    rows = moves(*found, (26, "柜面", "C"), columns=(CHANNEL, SIDE)) + moves(
        (3, "手机", "C"), columns=(CHANNEL, SIDE), key=2
    )
    rows = [row | {AMOUNT: 1.0} for row in rows]
    share: dict[str, Any] = {"measure": "share", "per_exposed_day": None}
    chosen = [
        count(name="all", channels=("手机",), **share),
        count(name="debits", channels=("手机",), sides=("debit",), **share),
        count(name="late", channels=("手机",), window="10d", **share),
        count(name="both", channels=("手机", "柜面"), **share),
    ]
    first, second = rows_of(
        compute(route, rows, *chosen, channel=CHANNEL, side=SIDE, credit=("C",), debit=("D",)).table
    )
    assert [first[name] for name in ("all", "debits", "late", "both")] == [2 / 6, 2 / 5, 1 / 2, 1.0]
    assert [second[name] for name in ("all", "debits", "late", "both")] == [1.0, None, None, 1.0]


@EACH_ROUTE
@pytest.mark.parametrize(("refunds", "shares"), [("net", [0.5, None, None]), ("exclude", [0.6, 1.0, 0.5])])
def test_by_hand_share_of_money_is_net(route: str, refunds: Any, shares: list[float | None]) -> None:
    """60 by phone and 40 at the counter, 20 by phone come back: (60 - 20) / (100 - 20) = 1/2; not netted 0.6.

    All 30 of the second come back: nothing to share; of the third more than all; not netted 30 of 30, 5 of 10.
    """
    columns = (AMOUNT, CHANNEL, REVERSAL)
    rows = moves((1, 60.0, "手机", False), (2, 40.0, "柜面", False), (3, 20.0, "手机", True), columns=columns)
    rows += moves((1, 30.0, "手机", False), (3, 30.0, "手机", True), columns=columns, key=2)
    rows += moves(
        (1, 5.0, "手机", False), (1, 5.0, "柜面", False), (3, 30.0, "手机", True), columns=columns, key=3
    )
    chosen = money(measure="share", channels=("手机",))
    found = compute(route, rows, chosen, channel=CHANNEL, reversal=REVERSAL, refunds=refunds)
    assert column(found, "m") == shares


# --------------------------------------------------------------------------------------------- extremes, deviation


@EACH_ROUTE
def test_by_hand_largest_amount(route: str) -> None:
    """Of 30, -50, null, NaN and a reversal of 100 the largest is 50; as any row 100; of the last 5 days null."""
    rows = moves((1, 30.0), (2, -50.0), (3, None), (30, math.nan), (30, 100.0))
    rows = [row | {REVERSAL: row[AMOUNT] == 100.0} for row in rows]
    chosen = [money(measure="max"), money(name="late", measure="max", window="5d")]
    row = only(compute(route, rows, *chosen, reversal=REVERSAL))
    assert (row["m"], row["late"]) == (50.0, None)
    row = only(compute(route, rows, *chosen, reversal=REVERSAL, refunds="as_is"))
    assert (row["m"], row["late"]) == (100.0, 100.0)


@EACH_ROUTE
def test_by_hand_standard_deviation(route: str) -> None:
    """2, 4, 4, 4, 5, 5, 7, 9 lie 32 about their mean 5: the root of 32/7, whatever their signs.

    A thousand millions and 0, 1, 2 deviate by 1; equal amounts by 0; one amount (and a null) has no deviation.
    """
    rows = moves(
        *((day, amount) for day, amount in enumerate([2.0, -4.0, 4.0, -4.0, 5.0, 5.0, 7.0, 9.0], start=1))
    )
    rows += moves((1, 1e9), (2, 1e9 + 1), (3, 1e9 + 2), key=2)
    rows += moves((1, 0.1), (2, 0.1), (2, -0.1), key=3) + moves((1, 7.0), (2, None), key=4)
    found = column(compute(route, rows, money(measure="std")), "m")
    assert found[:2] == [pytest.approx(math.sqrt(32 / 7), rel=1e-15), pytest.approx(1.0, rel=1e-9)]
    assert found[2] == pytest.approx(0.0, abs=1e-16)
    assert found[3] is None


# ------------------------------------------------------------------------------------------------------- relative


@EACH_ROUTE
def test_by_hand_relative_to_a_number(route: str) -> None:
    """Three rows of 30 in all against a quota of 2 rows and a target of 120: 3/2 and 1/4."""
    rows = moves((1, 5.0), (2, 10.0), (3, 15.0))
    row = only(compute(route, rows, count(relative_to=2), money(relative_to=120.0)))
    assert (row["f"], row["m"]) == (1.5, 0.25)


@EACH_ROUTE
def test_by_hand_relative_to_the_median(route: str) -> None:
    """Sums 10, 20 and 40 of the graded, 0 of a graded customer without money, 1000 of a new and 7 of a closed one.

    The median of the positive values of the graded is 20; every customer is measured by it. With 30 more the
    middle of 20 and 30.
    """
    rows = [
        row for key, amount in ((1, 10.0), (2, 20.0), (3, 40.0), (6, 7.0)) for row in moves((1, amount), key=key)
    ]
    rows += moves((1, None), key=4) + moves((29, 1000.0), key=5)
    closed = {KEY: 6, CLOSED: dt.date(2025, 1, 20)}
    people: list[Row] = [{KEY: key, CLOSED: None} for key in (1, 2, 3, 4, 5)] + [closed]
    chosen = money(relative_to="median")
    found = compute(route, rows, chosen, people=people, closed=CLOSED, min_history_days=10)
    assert column(found, "status") == ["graded"] * 4 + ["new", "closed"]
    assert column(found, "m") == [0.5, 1.0, 2.0, 0.0, 50.0, 0.35]
    people.append({KEY: 7, CLOSED: None})
    found = compute(
        route, rows + moves((2, 30.0), key=7), chosen, people=people, closed=CLOSED, min_history_days=10
    )
    assert column(found, "m") == [0.4, 0.8, 1.6, 0.0, 40.0, 7 / 25, 1.2]


@EACH_ROUTE
def test_without_a_graded_customer_there_is_no_median(route: str) -> None:
    found = compute(route, moves((1, 5.0)), money(relative_to="median"), min_history_days=90)
    assert (column(found, "status"), column(found, "m")) == (["new"], [None])


@EACH_ROUTE
def test_by_hand_relative_to_the_previous_window(route: str) -> None:
    """Ten days as of the 31st: [21st, 31st) against [11th, 21st).

    Customer 1, from the 16th, came on the 17th and 19th, then on the 21st, 25th and 30th: 3/2 plain; per day under
    observation (3/10) / (2/5) = 3/4; 90 against 60 moved. Customer 2, from the 21st on, has no previous window;
    customer 3 was there from the 1st and came in the later window alone.
    """
    rows = moves((16, 0.0), (17, 20.0), (19, 40.0), (21, 30.0), (25, 30.0), (30, 30.0))[1:]
    rows += moves((21, 5.0), (25, 5.0), key=2) + moves((1, 1.0), (21, 1.0), (31, 9.0), key=3)
    people: list[Row] = [{KEY: 1, OPENED: dt.date(2025, 1, 16)}, {KEY: 2, OPENED: None}, {KEY: 3, OPENED: None}]
    before: dict[str, Any] = {"window": "10d", "relative_to": "previous_window"}
    chosen = [
        count(name="plain", **before),
        count(name="rate", per_exposed_day=True, **before),
        money(**before),
        money(name="per_day", per_exposed_day=True, **before),
    ]
    found = compute(route, rows, *chosen, people=people, opened=OPENED)
    assert column(found, "plain") == [1.5, None, None]
    assert column(found, "rate") == [pytest.approx(0.75, rel=1e-15), None, None]
    assert column(found, "m") == [1.5, None, None]
    assert column(found, "per_day") == [pytest.approx((90 / 10) / (60 / 5), rel=1e-15), None, None]


@EACH_ROUTE
def test_by_hand_previous_months_clip_once(route: str) -> None:
    """31 March less one month is 28 February, less two 31 January (not 28 January): rows of 30 January are older.

    Rows: 30 and 31 January, 27 February (previous: two), 28 February, 1 and 2 March (window: three).
    """
    days = ("2025-01-30", "2025-01-31", "2025-02-27", "2025-02-28", "2025-03-01", "2025-03-02", "2025-03-31")
    rows = moves(*((day,) for day in days), columns=())
    row = only(compute(route, rows, count(window="1mo", relative_to="previous_window"), as_of="2025-03-31"))
    assert row["f"] == 1.5


@EACH_ROUTE
def test_by_hand_a_previous_window_of_nothing_but_refunds_is_none(route: str) -> None:
    """30 bought and 30 (or 40) returned in the previous window: no positive money to compare with."""
    columns = (AMOUNT, REVERSAL)
    rows = moves((12, 30.0, False), (13, 30.0, True), (25, 5.0, False), columns=columns)
    rows += moves((12, 30.0, False), (13, 40.0, True), (25, 5.0, False), columns=columns, key=2)
    rows += moves((12, 30.0, False), (13, 20.0, True), (25, 5.0, False), columns=columns, key=3)
    chosen = money(window="10d", relative_to="previous_window")
    assert column(compute(route, rows, chosen, reversal=REVERSAL), "m") == [None, None, 0.5]


# ------------------------------------------------------------------------------------------------ closed customers


@EACH_ROUTE
def test_by_hand_closed_customers_stay_and_are_not_graded(route: str) -> None:
    """As of the 31st: closed on the 21st after 20 days; on the 31st not yet, and later no more so.

    One row on the 1st and one on the 15th each. Exposure 20 for the closed; in a window of 20 days ([11th, 31st))
    10 days, so 1/10 a day; the others 30 and 1/20. Closed before the window began: at least 1 day.
    """
    rows = [row for key in (1, 2, 3, 4) for row in moves((1,), (15,), columns=(), key=key)]
    closed = [dt.date(2025, 1, 21), dt.date(2025, 1, 31), None, dt.date(2025, 1, 5)]
    people: list[Row] = [{KEY: key, CLOSED: day} for key, day in zip((1, 2, 3, 4), closed, strict=True)]
    chosen = [count(per_exposed_day=True, window="20d"), rfm.Length(name="tenure", measure="tenure")]
    found = compute(route, rows, *chosen, people=people, closed=CLOSED, min_history_days=10)
    assert column(found, "status") == ["closed", "graded", "graded", "closed"]
    assert column(found, "exposure_days") == [20, 30, 30, 4]
    assert column(found, "tenure") == [20.0, 30.0, 30.0, 4.0]
    assert column(found, "f") == [1 / 10, 1 / 20, 1 / 20, 1.0]
    assert found.customers == [2, 3]
    assert len(rows_of(found.features)) == 2


@EACH_ROUTE
def test_by_hand_a_trend_ends_at_the_closing(route: str) -> None:
    """Closed on the 26th: [21st, 26th) has 5 days and one row, [11th, 21st) 10 and one: 1/5 over 1/10 is 2."""
    rows = moves((1,), (12,), (22,), columns=())
    chosen = rfm.Frequency(name="f", window="10d", relative_to="previous_window")
    people: list[Row] = [{KEY: 1, CLOSED: dt.date(2025, 1, 26)}]
    assert only(compute(route, rows, chosen, people=people, closed=CLOSED))["f"] == pytest.approx(2.0, rel=1e-15)


# --------------------------------------------------------------------------------------------- left out by name


@EACH_ROUTE
def test_by_hand_rows_left_out_by_reason(route: str) -> None:
    """Of six rows one is the staff's, one a test, one both, and one of the staff's lies after as-of: two are left.

    What is left out may break every rule: no key, no time, an unknown side, an infinite amount.
    """
    columns = (AMOUNT, STAFF, KIND, SIDE)
    rows = moves(
        (1, 5.0, "n", "buy", "D"),
        (2, 7.0, None, "buy", "D"),
        (3, math.inf, "y", "buy", "?"),
        (4, -1.0, "n", "test", "D"),
        (5, 1.0, "y", "test", "D"),
        (31, 1.0, "y", "test", "D"),
        columns=columns,
    )
    rows[3][DAY] = None
    excluded = {"staff": {STAFF: ("y",)}, "test": {KIND: ("test",), CHANNEL: ("test",)}}
    rows = [row | {CHANNEL: "x"} for row in rows]
    found = compute(
        route, rows, money(), count(), kind=KIND, side=SIDE, credit=("C",), debit=("D",), excluded=excluded
    )
    assert (only(found)["m"], only(found)["f"], only(found)["n_rows"]) == (12.0, 2.0, 2)
    counts = [found.report.count(name) for name in ("excluded_staff", "excluded_test", "rows_after_as_of", "rows")]
    assert counts == [2, 2, 1, 2]
    assert found.report.passed


@EACH_ROUTE
def test_by_hand_customers_left_out_by_reason(route: str) -> None:
    """Customer 2 died: neither graded nor unknown, and the median is that of the others, (10 + 30) / 2."""
    rows = moves((1, 10.0)) + moves((1, 500.0), key=2) + moves((1, 30.0), key=3)
    people: list[Row] = [
        {KEY: 1, GROUP: None},
        {KEY: 2, GROUP: "已故"},
        {KEY: 3, GROUP: "普通"},
        {KEY: 4, GROUP: "已故"},
    ]
    found = compute(
        route,
        rows,
        money(relative_to="median"),
        people=people,
        excluded_customers={"deceased": {GROUP: ("已故", "失踪")}, "staff": {GROUP: ("员工",)}},
    )
    assert (column(found, KEY), column(found, "m")) == ([1, 3], [0.5, 1.5])
    counts = [found.report.count(f"customers_excluded_{name}") for name in ("deceased", "staff")]
    assert counts == [2, 0]
    assert found.report.count("customer_unknown") == 0


# ----------------------------------------------------------------------------------- population: validity, carried


def version(key: int, first: int | None, until: int | None, group: str) -> Row:
    day = [None if edge is None else dt.date(2025, 1, edge) for edge in (first, until)]
    return {KEY: key, FROM: day[0], UNTIL: day[1], GROUP: group}


@EACH_ROUTE
@pytest.mark.parametrize(
    ("as_of", "group"), [("2025-01-10", "old"), ("2025-01-11", "new"), ("2025-01-10T12:00", "new")]
)
def test_by_hand_the_version_of_the_last_day_counts(route: str, as_of: str, group: str) -> None:
    """Old until the 10th, then new: as of the 10th's midnight the last day is the 9th, at noon the 10th.

    The customer whose version ended on the 5th is unknown to the population.
    """
    rows = moves((1, 1.0)) + moves((1, 1.0), key=2)
    people: list[Row] = [version(1, 10, None, "new"), version(1, None, 10, "old"), version(2, None, 5, "gone")]
    found = compute(
        route,
        rows,
        money(),
        people=people,
        as_of=as_of,
        valid_from=FROM,
        valid_until=UNTIL,
        carried=(GROUP,),
        on_invalid="report",
    )
    assert (column(found, KEY), column(found, GROUP)) == ([1], [group])
    assert found.report.count("customer_unknown") == 1
    assert GROUP not in rows_of(found.features)[0]


@EACH_ROUTE
def test_two_versions_of_one_day_are_refused(route: str) -> None:
    people: list[Row] = [version(918273, None, 20, "a"), version(918273, 15, None, "b")]
    rows = moves((1, 1.0), key=918273)
    spec: dict[str, Any] = {"valid_from": FROM, "valid_until": UNTIL, "people": people}
    with pytest.raises(DataError, match="each customer once") as caught:
        compute(route, rows, money(), as_of="2025-01-18", **spec)
    assert "918273" not in str(caught.value)
    assert only(compute(route, rows, money(), as_of="2025-01-15", **spec))["m"] == 1.0
    assert only(compute(route, rows, money(), as_of="2025-01-22", **spec))["m"] == 1.0


@EACH_ROUTE
def test_carried_columns_keep_their_values_whatever_their_type(route: str) -> None:
    rows = moves((1, 1.0)) + moves((1, 1.0), key=2)
    people: list[Row] = [
        {KEY: 2, GROUP: "贵宾", OPENING: 2.5, OPENED: on("2024-05-06")},
        {KEY: 1, GROUP: None, OPENING: 1.0, OPENED: on("2023-05-06")},
    ]
    found = compute(route, rows, money(), people=people, carried=(GROUP, OPENING))
    assert [(row[KEY], row[GROUP], row[OPENING]) for row in rows_of(found.table)] == [
        (1, None, 1.0),
        (2, "贵宾", 2.5),
    ]
