"""Whose row it is, when it was known, what it is worth and what its codes mean, worked by hand for `rfm`.

Every expected value is derived in the docstring.
"""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from rfm_tables import Row

pytest.importorskip("pyarrow", reason="pyarrow, from which every engine is fed, is not installed")
pytest.importorskip("polars", reason="polars is not installed")

from rfm_by_hand import (
    ACCOUNT,
    AMOUNT,
    BALANCE,
    BOOKED,
    CURRENCY,
    DAY,
    EACH_ROUTE,
    FROM,
    GRADE,
    GROUP,
    KEY,
    OPENING,
    ORDER,
    PRODUCT,
    RATE,
    RECENCY,
    REGION,
    ROUTES,
    SHARE,
    STAFF,
    UNTIL,
    column,
    compute,
    count,
    money,
    moves,
    only,
    schema_of,
    table,
)

# -------------------------------------------------------------------------------------------------------- holders


def by_account(*found: tuple[Any, ...], columns: tuple[str, ...] = (AMOUNT, ACCOUNT)) -> list[Row]:
    """Give rows that name an account and no customer."""
    return [{name: value for name, value in row.items() if name != KEY} for row in moves(*found, columns=columns)]


def holder(account: str, key: Any, first: int | None = None, until: int | None = None, share: Any = None) -> Row:
    days = [None if day is None else dt.date(2025, 1, day) for day in (first, until)]
    return {ACCOUNT: account, KEY: key, FROM: days[0], UNTIL: days[1], SHARE: share}


HELD: dict[str, Any] = {"account": ACCOUNT, "valid_from": FROM, "valid_until": UNTIL}


@EACH_ROUTE
def test_by_hand_a_row_belongs_to_the_holder_of_its_day(route: str) -> None:
    """Account a is 1's until the 10th and 2's from the 10th on; b is 2's: 1 has 5, and 2 has 7 + 1 + 100."""
    rows = by_account((9, 5.0, "a"), (10, 7.0, "a"), (30, 1.0, "a"), (2, 100.0, "b"))
    holders = [holder("a", 2, 10), holder("b", 2), holder("a", 1, None, 10)]
    found = compute(route, rows, money(), count(), holders=holders, **HELD)
    assert (column(found, KEY), column(found, "m"), column(found, "f")) == ([1, 2], [5.0, 108.0], [1.0, 3.0])
    assert column(found, "exposure_days") == [22, 29]


@EACH_ROUTE
def test_the_customers_of_the_transactions_do_not_count_beside_holders(route: str) -> None:
    """Nor is an account that changed hands, or had two keys in the transactions, ambiguous then."""
    rows = moves((9, 5.0, "a"), columns=(AMOUNT, ACCOUNT), key=77)
    rows += moves((11, 6.0, "a"), columns=(AMOUNT, ACCOUNT), key=78)
    found = compute(route, rows, money(), holders=[holder("a", 1)], **HELD)
    assert (column(found, KEY), column(found, "m")) == ([1], [11.0])


@EACH_ROUTE
def test_holders_without_validity_hold_always(route: str) -> None:
    holders = [{ACCOUNT: "a", KEY: 3}, {ACCOUNT: "b", KEY: 3}]
    rows = by_account((9, 5.0, "a"), (10, 7.0, "b"))
    assert only(compute(route, rows, money(), holders=holders, account=ACCOUNT))["m"] == 12.0


@EACH_ROUTE
def test_an_account_of_two_holders_of_one_day_is_refused(route: str) -> None:
    rows = by_account((9, 5.0, "a"), (20, 7.0, "a"))
    holders = [holder("a", 918273), holder("a", 2, 15)]
    with pytest.raises(DataError, match=r"holders") as caught:
        compute(route, rows, money(), holders=holders, **HELD)
    assert "918273" not in str(caught.value)


@EACH_ROUTE
def test_by_hand_each_holder_has_the_whole_row(route: str) -> None:
    """5 on the 9th is 1's alone, 7 on the 20th 1's and 2's."""
    rows = by_account((9, 5.0, "a"), (20, 7.0, "a"))
    holders = [holder("a", 1), holder("a", 2, 15)]
    found = compute(route, rows, money(), count(), holders=holders, joint="each", **HELD)
    assert (column(found, "m"), column(found, "f")) == ([12.0, 7.0], [2.0, 1.0])


@EACH_ROUTE
def test_by_hand_shares_of_holders_share_money_and_not_rows(route: str) -> None:
    """A quarter and three quarters of 8 and then 4: 3 and 9; two rows each; the balance 100 stood at 92 before.

    A quarter of the balances: 23 before, 25 after the first row, 26 at the end.
    """
    rows = by_account((9, 8.0, "a", 100.0, 1), (20, 4.0, "a", 104.0, 2), columns=(AMOUNT, ACCOUNT, BALANCE, ORDER))
    holders = [holder("a", 1, share=0.25), holder("a", 2, share=0.75)]
    chosen = [money(), count(), money(name="last", measure="last_balance"), money(name="max", measure="max")]
    found = compute(
        route,
        rows,
        *chosen,
        holders=holders,
        joint="share",
        holder_share=SHARE,
        balance=BALANCE,
        order=ORDER,
        **HELD,
    )
    assert (column(found, "m"), column(found, "f")) == ([3.0, 9.0], [2.0, 2.0])
    assert (column(found, "last"), column(found, "max")) == ([26.0, 78.0], [2.0, 6.0])
    assert found.report.count("balance_chain") == 0


@EACH_ROUTE
@pytest.mark.parametrize("share", [None, math.nan, 0.0, -0.5, 1.01, math.inf])
def test_a_share_outside_its_interval_is_refused(route: str, share: float | None) -> None:
    rows = by_account((9, 8.0, "a"))
    with pytest.raises(DataError, match=r"share"):
        compute(
            route, rows, money(), holders=[holder("a", 1, share=share)], joint="share", holder_share=SHARE, **HELD
        )


@EACH_ROUTE
def test_accounts_that_nobody_holds(route: str) -> None:
    """b has no holder, a none on the 20th, a null account none ever: 3 of 4 rows."""
    rows = by_account((9, 5.0, "a"), (20, 7.0, "a"), (9, 1.0, "b"), (9, 1.0, None))
    holders = [holder("a", 1, None, 15)]
    with pytest.raises(DataError, match=r"holder.*\(3\)"):
        compute(route, rows, money(), holders=holders, **HELD)
    found = compute(route, rows, money(), holders=holders, on_invalid="report", **HELD)
    assert (only(found)["m"], only(found)["n_rows"]) == (5.0, 1)
    assert found.report.count("account_without_holder") == 3
    assert "account_without_holder" in found.report.failures


@EACH_ROUTE
def test_holders_and_population_meet(route: str) -> None:
    """The population names 1 and 3: the rows of account b belong to 2, whom it does not name."""
    rows = by_account((9, 5.0, "a"), (9, 1.0, "b"))
    holders = [{ACCOUNT: "a", KEY: 1}, {ACCOUNT: "b", KEY: 2}]
    people = [{KEY: 1, GROUP: "x"}, {KEY: 3, GROUP: "y"}]
    found = compute(
        route,
        rows,
        money(),
        holders=holders,
        people=people,
        account=ACCOUNT,
        carried=(GROUP,),
        on_invalid="report",
    )
    assert (column(found, KEY), column(found, "m"), column(found, GROUP)) == ([1, 3], [5.0, 0.0], ["x", "y"])
    assert found.report.count("customer_unknown") == 1


@EACH_ROUTE
def test_by_hand_whose_a_row_is_matters_only_if_it_counts(route: str) -> None:
    """Account z has no holder: its rows are left out by name, known later, after as-of or without a time.

    Account a has two holders, who have its one good row each. Every row left out is counted once, those of a too.
    """
    early, late, later = dt.date(2025, 1, 1), dt.date(2025, 1, 25), dt.date(2025, 2, 1)
    found = [
        (1, "a", "n", early),
        (2, "z", "y", early),
        (3, "z", "n", late),
        (31, "z", "n", later),
        (4, "z", "n", early),
    ]
    found += [(2, "a", "y", early), (3, "a", "n", late), (31, "a", "n", later), (4, "a", "n", early)]
    rows = by_account(*found, columns=(ACCOUNT, STAFF, BOOKED))
    rows[4][DAY] = rows[8][DAY] = None
    holders = [{ACCOUNT: "a", KEY: 1}, {ACCOUNT: "a", KEY: 2}]
    asked: dict[str, Any] = {"account": ACCOUNT, "joint": "each", "booked": BOOKED, "known_at": "2025-01-20"}
    asked |= {"excluded": {"staff": {STAFF: ("y",)}}, "holders": holders}
    snapshot = compute(route, rows, count(), on_invalid="report", **asked)
    assert column(snapshot, "f") == [1.0, 1.0]
    names = ("excluded_staff", "rows_known_later", "rows_after_as_of", "time_null", "account_without_holder")
    assert [snapshot.report.count(name) for name in names] == [2, 2, 2, 2, 0]
    whole = [row for row in rows if row[DAY] is not None]
    assert column(compute(route, whole, count(), **asked), "f") == [1.0, 1.0]  # nothing to refuse


# ---------------------------------------------------------------------------------------------------- known when


@EACH_ROUTE
def test_by_hand_rows_known_later_do_not_count(route: str) -> None:
    """As of the 31st and known on the 20th: booked on the 19th counts, on the 20th and later not yet.

    A row of the future is counted as such alone.
    """
    days = [dt.date(2025, 1, day) for day in (2, 19, 20, 25)]
    rows = moves(
        (1, 1.0, days[0]), (3, 10.0, days[1]), (4, 100.0, days[2]), (5, 1000.0, days[3]), columns=(AMOUNT, BOOKED)
    )
    rows += moves(("2025-02-03", 1e4, dt.date(2025, 2, 4)), columns=(AMOUNT, BOOKED))
    found = compute(route, rows, money(), booked=BOOKED, known_at="2025-01-20")
    assert (only(found)["m"], only(found)["n_rows"]) == (11.0, 2)
    assert (found.report.count("rows_known_later"), found.report.count("rows_after_as_of")) == (2, 1)
    assert found.report.passed
    assert only(compute(route, rows, money(), booked=BOOKED))["m"] == 1111.0
    assert only(compute(route, rows, money(), booked=BOOKED, known_at=dt.date(2025, 3, 1)))["m"] == 1111.0


@EACH_ROUTE
def test_a_null_booking_matters_when_knowledge_does(route: str) -> None:
    rows = moves((1, 1.0, dt.date(2025, 1, 1)), (2, 2.0, None), columns=(AMOUNT, BOOKED))
    assert only(compute(route, rows, money(), booked=BOOKED))["m"] == 3.0
    with pytest.raises(DataError, match=r"book.*\(1\)"):
        compute(route, rows, money(), booked=BOOKED, known_at="2025-01-20")


@EACH_ROUTE
def test_knowledge_needs_a_booking_time_of_the_same_kind(route: str) -> None:
    rows = moves((1, 1.0), (2, 2.0))
    with pytest.raises(ColumnError, match="booked"):
        compute(route, rows, money(), known_at="2025-01-20")
    with pytest.raises(ColumnError, match=f"missing: '{BOOKED}'"):
        compute(route, rows, money(), booked=BOOKED, known_at="2025-01-20")
    rows = [row | {BOOKED: dt.datetime(2025, 1, 1, tzinfo=dt.UTC)} for row in rows]
    with pytest.raises(DomainError, match=rf"'{BOOKED}'.*zone"):
        compute(
            route, rows, money(), booked=BOOKED, known_at="2025-01-20", types={BOOKED: "aware:us:Asia/Shanghai"}
        )
    rows = [row | {BOOKED: "2025-01-02"} for row in rows]
    with pytest.raises(ColumnError, match=f"'{BOOKED}'.*String"):
        compute(route, rows, money(), booked=BOOKED, known_at="2025-01-20", types={BOOKED: "text"})


@EACH_ROUTE
@pytest.mark.parametrize("zone", [None, "Asia/Shanghai"])
def test_a_time_may_be_lost_in_every_kind_of_column(route: str, zone: str | None) -> None:
    """Of two rows the one without a time is left out and counted."""
    moment = dt.datetime(2025, 1, 1, tzinfo=None if zone is None else dt.UTC)
    rows: list[Row] = [{KEY: 1, DAY: moment, AMOUNT: 5.0}, {KEY: 1, DAY: None, AMOUNT: 7.0}]
    types = {DAY: "naive:us" if zone is None else "aware:us:UTC"}
    found = compute(route, rows, money(), on_invalid="report", time_zone=zone, types=types)
    assert (only(found)["m"], found.report.count("time_null")) == (5.0, 1)


@EACH_ROUTE
def test_known_at_is_read_like_as_of(route: str) -> None:
    """Aware: 19 January 16:00 UTC is the 20th's midnight in Shanghai; a minute before was known."""
    moment = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    booked = dt.datetime(2025, 1, 19, 16, tzinfo=dt.UTC)
    rows = [
        {KEY: 1, DAY: moment, AMOUNT: 1.0, BOOKED: booked - dt.timedelta(minutes=1)},
        {KEY: 1, DAY: moment, AMOUNT: 10.0, BOOKED: booked},
    ]
    aware: dict[str, Any] = {"booked": BOOKED, "time_zone": "Asia/Shanghai"}
    aware |= {"types": {DAY: "aware:us:UTC", BOOKED: "aware:us:UTC"}}
    assert only(compute(route, rows, money(), known_at="2025-01-20", **aware))["m"] == 1.0
    assert only(compute(route, rows, money(), known_at="2025-01-19T17:00+00:00", **aware))["m"] == 11.0
    with pytest.raises(DomainError, match="known_at"):
        compute(route, rows, money(), known_at="2025-01-19T17:00", **aware)
    with pytest.raises(DomainError, match="known_at"):
        compute(route, rows, money(), known_at="gestern", **aware)


# ------------------------------------------------------------------------------------------------------- the rate


@EACH_ROUTE
def test_by_hand_a_rate_makes_one_currency_of_several(route: str) -> None:
    """10 at 2.5 and 10 at 7.5: 100, the largest 75, the mean 50; 20 at 2.5 stood after the first, so 25 before.

    The second row's balance is not read for it: the opening balance comes from the first row.
    """
    columns = (AMOUNT, RATE, CURRENCY, BALANCE, ORDER)
    rows = moves((1, 10.0, 2.5, "EUR", 20.0, 1), (2, 10.0, 7.5, "USD", 4.0, 2), columns=columns)
    chosen = [
        money(), money(name="max", measure="max"), money(name="mean", measure="mean"),
        money(name="last", measure="last_balance"),
    ]  # fmt: skip
    row = only(compute(route, rows, *chosen, rate=RATE, currency=CURRENCY, balance=BALANCE, order=ORDER))
    assert [row[name] for name in ("m", "max", "mean", "last")] == [100.0, 75.0, 50.0, 125.0]


@EACH_ROUTE
@pytest.mark.parametrize("rate", [None, math.nan, 0.0, -1.0, math.inf])
def test_a_rate_that_is_none_is_refused(route: str, rate: float | None) -> None:
    rows = moves((1, 10.0, 2.5), (2, 10.0, rate), columns=(AMOUNT, RATE))
    with pytest.raises(DataError, match=r"rate.*\(1\)"):
        compute(route, rows, money(), rate=RATE)
    found = schema_of(rows, {"rate": RATE}).check(table(route, rows))
    assert "rate_invalid" in found.failures
    assert found.count("rate_invalid") == 1


@EACH_ROUTE
def test_without_a_rate_currencies_may_not_mix(route: str) -> None:
    rows = moves((1, 10.0, "EUR"), (2, 10.0, "USD"), columns=(AMOUNT, CURRENCY))
    with pytest.raises(DataError, match="Currencies in one table"):
        compute(route, rows, money(), currency=CURRENCY)


# ------------------------------------------------------------------------------------------------------- decimals


@EACH_ROUTE
def test_by_hand_whole_cents_sum_exactly(route: str) -> None:
    """Ten times 0.1 is 1 and 0.1 + 0.2 is 0.3, which floats miss; the mean of 0.1, 0.2, 0.2 is 50/3 cents."""
    rows = moves(*((day, 0.1) for day in range(1, 11))) + moves((1, 0.1), (2, -0.2), key=2)
    rows += moves((1, 0.1), (2, 0.2), (2, 0.2), key=3)
    assert sum([0.1] * 10) != 1.0
    chosen = [money(), money(name="mean", measure="mean"), money(name="last", measure="last_balance")]
    found = compute(route, rows, *chosen, decimals=2)
    assert column(found, "m") == [1.0, 0.3, 0.5]
    assert column(found, "mean") == [0.1, 15.0 / 100, (50 / 3) / 100]
    assert column(found, "last") == [1.0, -0.1, 0.5]


@EACH_ROUTE
@pytest.mark.parametrize(("decimals", "types"), [(2, {}), (None, {AMOUNT: "decimal:18:2"})])
def test_by_hand_opening_balances_in_whole_cents(route: str, decimals: int | None, types: dict[str, str]) -> None:
    """0.7 before, 0.1 and 0.2 in: 1 at the end; two days of 0.8 and one of 1: 2.6/3, in cents 260/3."""
    made = (lambda value: Decimal(value).quantize(Decimal("0.01"))) if types else float
    rows = moves((28, made("0.1")), (30, made("0.2")))
    people = [{KEY: 1, OPENING: made("0.7")}]
    types = types and types | {OPENING: "decimal:18:2"}
    chosen = [money(name="last", measure="last_balance"), money(measure="daily_average_balance")]
    row = only(
        compute(route, rows, *chosen, decimals=decimals, people=people, opening_balance=OPENING, types=types)
    )
    assert row["last"] == 1.0
    assert row["m"] == pytest.approx(2.6 / 3, rel=1e-15)


@EACH_ROUTE
def test_by_hand_balances_of_whole_cents_are_exact(route: str) -> None:
    """2.53 after 0.32 is 2.21 before, and 2.68 after another 0.15: floats give 2.6799999999999997."""
    rows = moves((1, 0.32, 2.53, 1), (2, 0.15, 2.68, 2), columns=(AMOUNT, BALANCE, ORDER))
    assert 2.53 - 0.32 + (0.32 + 0.15) != 2.68
    last = money(measure="last_balance")
    assert only(compute(route, rows, last, decimals=2, balance=BALANCE, order=ORDER))["m"] == 2.68


@EACH_ROUTE
def test_by_hand_a_decimal_column_brings_its_scale(route: str) -> None:
    """0.1 + 0.2 = 0.3 and 0.1 + 0.7 = 0.8, bit for bit, without decimals being named."""
    rows = moves((1, Decimal("0.10")), (2, Decimal("0.20")), (3, None))
    rows += moves((1, Decimal("0.10")), (2, Decimal("0.70")), key=2)
    assert 0.1 + 0.7 != 0.8
    assert column(compute(route, rows, money(), types={AMOUNT: "decimal:18:2"}), "m") == [0.3, 0.8]


@EACH_ROUTE
@pytest.mark.parametrize(
    ("amount", "decimals", "fine"),
    [
        *((0.30000000000000004, 1, True), (12.3400009, 2, True), (12.340002, 2, False), (12.345, 2, False)),
        *((1.5, 0, False), (-1.5, 0, False), (3.0, 0, True), (0.000001, 6, True), (0.0000015, 6, False)),
    ],
)
def test_amounts_that_are_no_whole_multiple(route: str, amount: float, decimals: int, fine: bool) -> None:  # noqa: FBT001 - a case
    """Within 1e-4 of a unit: 12.3400009 is 1234.00009 cents and rounding, 12.340002 is 1234.0002 and is not."""
    rows = moves((1, amount), (2, None))
    if fine:
        assert only(compute(route, rows, money(), decimals=decimals))["m"] == abs(round(amount, decimals))
        return
    with pytest.raises(DataError, match=r"\(1\)") as caught:
        compute(route, rows, money(), decimals=decimals)
    assert str(amount) not in str(caught.value)
    found = schema_of(rows, {"decimals": decimals}).check(table(route, rows))
    assert (found.failures, found.count("amount_not_whole")) == (("amount_not_whole",), 1)


@EACH_ROUTE
def test_by_hand_large_sums_of_cents_are_whole(route: str) -> None:
    """Ten thousand millions and a hundred cents: floats, one after the other, miss the last digits."""
    amounts = [1e10, *[0.01] * 100]
    assert sum(amounts) != 1e10 + 1
    assert only(compute(route, moves(*((1, amount) for amount in amounts)), money(), decimals=2))["m"] == 1e10 + 1


# ---------------------------------------------------------------------------------------------------------- codes


@EACH_ROUTE
def test_by_hand_products_and_attributes_filter(route: str) -> None:
    """Within a field any name passes, between fields all must; a null passes no filter.

    By amount: 1 fund north grade 1; 2 fund south grade 2; 4 loan north grade 1; 8 fund none grade 3; 16 north.
    """
    columns = (AMOUNT, PRODUCT, REGION, GRADE)
    rows = moves(
        (1, 1.0, "F1", "BJ", 1), (2, 2.0, "F2", "GZ", 2), (3, 4.0, "L", "TJ", 1), (4, 8.0, "F1", None, 3),
        (5, 16.0, None, "BJ", 1), columns=columns,
    )  # fmt: skip
    north, south = {REGION: ("north",)}, {REGION: ("north", "south"), GRADE: ("1", "2")}
    chosen = [
        money(name="fund", products=("fund",)),
        money(name="all", products=("fund", "loan")),
        money(name="north", where=north),
        money(name="both", where=south),
        money(name="fund_north", products=("fund",), where=north),
        money(name="second", where={GRADE: ("2",)}),
    ]
    row = only(
        compute(
            route,
            rows,
            *chosen,
            product=PRODUCT,
            products={"fund": ("F1", "F2"), "loan": ("L",)},
            attributes={REGION: {"north": ("BJ", "TJ"), "south": ("GZ",)}, GRADE: {}},
        )
    )
    assert [row[name] for name in ("fund", "all", "north", "both", "fund_north", "second")] == [
        *(11.0, 15.0, 21.0, 23.0, 1.0, 2.0)
    ]


@pytest.mark.parametrize("route", ROUTES[:2])
@pytest.mark.parametrize(
    ("indicator", "schema", "message"),
    [
        (count(products=("fund",)), {}, "product"),
        (count(products=("fund",)), {"product": PRODUCT, "products": {"loan": ("L",)}}, "'fund'.*Mapped: loan"),
        (count(where={REGION: ("north",)}), {}, f"{REGION}"),
        (count(where={REGION: ("north",)}), {"attributes": {REGION: {"south": ("GZ",)}}}, "'north'.*south"),
        (RECENCY, {"attributes": {"省": {}}}, "missing: '省'"),
        (RECENCY, {"product": "品"}, "missing: '品'"),
        (RECENCY, {"rate": "率"}, "missing: '率'"),
        (RECENCY, {"excluded": {"staff": {"员": ("y",)}}}, "missing: '员'"),
        (RECENCY, {"rate": PRODUCT}, f"'{PRODUCT}' is of type String"),
        (RECENCY, {"attributes": {AMOUNT: {}}}, f"'{AMOUNT}' is of type Float64; allowed: text"),
        (RECENCY, {"closed": "销"}, "give population="),
        (RECENCY, {"excluded_customers": {"a": {"b": ("c",)}}}, "give population="),
        (RECENCY, {"carried": ("b",)}, "give population="),
    ],
)
def test_columns_that_the_schema_or_an_indicator_lacks(
    route: str, indicator: Any, schema: dict[str, Any], message: str
) -> None:
    rows = moves((1, 1.0, "F", "BJ"), columns=(AMOUNT, PRODUCT, REGION))
    with pytest.raises(ColumnError, match=message):
        compute(route, rows, indicator, **schema)
