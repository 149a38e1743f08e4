"""The panel of customers by months: read from every layout and engine, by a calendar, and what is refused."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from custvalue import wallet
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytest.importorskip("pyarrow", reason="pyarrow, from which every engine is fed, is not installed")

import pyarrow as pa

import rfm_tables
from rfm_tables import Engine

pytestmark = [
    pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]
PACKAGES = {"lazy": "polars", "spark": "pyspark"}

LONG: dict[str, Any] = {"customer": "id", "month": "month", "amount": "x"}
DATED: dict[str, Any] = {"customer": "id", "time": "day", "amount": "x"}
OWN: dict[str, Any] = {"code": "kind", "internal_codes": ["own"], "counterpart": "other"}


def long(**columns: Any) -> pd.DataFrame:
    base = {"id": ["b", "a", "a"], "month": ["2024-01", "2024-01", "2024-02"], "x": [5.0, 1.0, 2.0]}
    return pd.DataFrame(base | columns)


def dated() -> dict[str, list[Any]]:
    """600 transactions of 30 customers in five months over a year's end, whole amounts so that sums are exact."""
    rng = np.random.default_rng(7)
    ids = rng.integers(0, 30, 600)
    start = dt.datetime(2023, 11, 1)  # noqa: DTZ001 - local wall time
    return {
        "id": ids.tolist(),
        "day": [start + dt.timedelta(minutes=int(m)) for m in rng.integers(0, 150 * 1440, 600)],
        "x": rng.integers(0, 100, 600).astype(float).tolist(),
        "kind": rng.choice(["card", "cash", "own"], 600).tolist(),
        "other": rng.integers(0, 30, 600).tolist(),
        "group": np.where(ids % 2 == 0, "even", "odd").tolist(),
    }


def oracle(rows: dict[str, list[Any]]) -> dict[int, dict[str, float]]:
    """Add up row by row."""
    out: dict[int, dict[str, float]] = {one: defaultdict(float) for one in sorted(set(rows["id"]))}
    for one, day, x, kind, other in zip(
        *(rows[name] for name in ("id", "day", "x", "kind", "other")), strict=True
    ):
        if kind != "own" and other != one:
            out[one][f"{day:%Y-%m}"] += x
    return out


#: Where rows are read; the last three sum where the rows lie. Spark, which takes seconds, is asked once.
ENGINES = ("pandas", "polars", "pyarrow", "lazy", "duckdb", "ibis")


@pytest.fixture(scope="module")
def opened() -> Iterator[Callable[[str], Engine]]:
    """Open each engine once, when it is first asked for."""
    found: dict[str, Engine] = {}
    with ExitStack() as stack:

        def open_(name: str) -> Engine:
            pytest.importorskip(PACKAGES.get(name, name))
            if name == "spark" and not rfm_tables.java_is_there():
                pytest.skip("Spark needs Java")
            if name not in found:
                found[name] = stack.enter_context(rfm_tables.engine(name))
            return found[name]

        yield open_


@pytest.fixture(params=ENGINES)
def build(request: pytest.FixtureRequest, opened: Callable[[str], Engine]) -> Callable[[dict[str, Any]], Any]:
    """Build a table of one engine from columns."""
    engine = opened(request.param)
    return lambda columns: engine._convert(pa.table(columns))


# ---------------------------------------------------------------------------------------------------- reading


def check_transactions(made: Any, rows: dict[str, list[Any]]) -> None:
    panel = wallet.SpendPanel.from_transactions(made, **DATED, **OWN, peers="group")
    expected = oracle(rows)
    assert panel.customers == tuple(expected)
    assert panel.month_labels == ("2023-11", "2023-12", "2024-01", "2024-02", "2024-03")
    assert panel.amounts.tolist() == [[one[month] for month in panel.month_labels] for one in expected.values()]
    assert panel.peers is not None
    assert [panel.peer_groups[code] for code in panel.peers] == [("even", "odd")[key % 2] for key in expected]
    assert panel.peers.dtype == np.int32
    internal = sum(k == "own" or o == i for i, k, o in zip(rows["id"], rows["kind"], rows["other"], strict=True))
    assert panel.provenance.counts["internal"] == internal


def test_transactions_of_every_engine_equal_plain_python(build: Callable[..., Any]) -> None:
    rows = dated()
    check_transactions(build(rows), rows)


@pytest.mark.slow
def test_transactions_of_spark_equal_plain_python(opened: Callable[[str], Engine]) -> None:
    rows = dated()
    check_transactions(opened("spark")._convert(pa.table(rows)), rows)


@pytest.mark.parametrize(
    "month",
    [
        ["2023-12", "2023-12", "2024-01"],
        [202312, 202312, 202401],
        [dt.date(2023, 12, 31), dt.date(2023, 12, 1), dt.date(2024, 1, 15)],
    ],
    ids=["text", "whole", "date"],
)
def test_by_hand_long(build: Callable[..., Any], month: list[Any]) -> None:
    """a: 3 then 4; b: 5 and no row in January, which is said to be nothing."""
    rows = {"id": ["b", "a", "a"], "month": month, "x": [5, 3, 4]}
    panel = wallet.SpendPanel.from_long(build(rows), **LONG, missing="zero")
    assert panel.customers == ("a", "b")
    assert panel.month_labels == ("2023-12", "2024-01")
    assert panel.amounts.tolist() == [[3.0, 4.0], [5.0, 0.0]]
    assert panel.provenance.counts["filled"] == 1


def test_by_hand_a_deposit_that_became_a_fund_is_no_leak() -> None:
    """Assets by product: 100 in deposits become 60 in deposits and 40 in a fund; the sum stays 100."""
    rows = pd.DataFrame({"id": 1, "month": ["2024-01", "2024-02", "2024-02"], "x": [100.0, 60.0, 40.0]})
    assert wallet.SpendPanel.from_long(rows, **LONG, doubled="sum").amounts.tolist() == [[100.0, 100.0]]


def test_by_hand_doubled_measurements_are_averaged() -> None:
    rows = long(id=["a", "a", "a"], month=["2024-01", "2024-01", "2024-02"])
    panel = wallet.SpendPanel.from_long(rows, **LONG, doubled="mean")
    assert panel.amounts.tolist() == [[3.0, 2.0]]


def test_by_hand_previous_lets_a_balance_stand() -> None:
    """a has no row in March, b none after January: what was there stands."""
    months = ["2024-01", "2024-02", "2024-01", "2024-01", "2024-02", "2024-03"]
    rows = pd.DataFrame({"id": [*"aabccc"], "month": months, "x": [1.0, 2.0, 5.0, 7.0, 8.0, 9.0]})
    panel = wallet.SpendPanel.from_long(rows, **LONG, missing="previous")
    assert panel.amounts.tolist() == [[1.0, 2.0, 2.0], [5.0, 5.0, 5.0], [7.0, 8.0, 9.0]]
    assert panel.provenance.counts["filled"] == 3


def test_rows_outside_the_months_asked_are_counted() -> None:
    panel = wallet.SpendPanel.from_long(long(), **LONG, last=dt.date(2024, 1, 31))
    assert panel.amounts.tolist() == [[1.0], [5.0]]
    assert panel.provenance.counts["outside"] == 1


@pytest.mark.parametrize("as_frame", [False, True])
def test_silent_customers_of_the_population_are_zeros(*, as_frame: bool) -> None:
    everyone: Any = ["c", "b", "a"]
    rows = long(id=["b", "b", "a"], month=["2024-01", "2024-02", "2024-02"])
    if as_frame:
        everyone = pd.DataFrame({"id": everyone, "group": ["y", "x", "y"]})
    panel = wallet.SpendPanel.from_long(
        rows, **LONG, population=everyone, peers="group" if as_frame else None, missing="zero"
    )
    assert panel.customers == ("c", "b", "a")
    assert panel.amounts.tolist() == [[0.0, 0.0], [5.0, 1.0], [0.0, 2.0]]
    assert panel.provenance.counts["silent"] == 1
    if as_frame:
        assert panel.peers is not None
        assert panel.peers.tolist() == [1, 0, 1]
        assert panel.peer_groups == ("x", "y")


def test_a_silent_customer_is_no_missing_month() -> None:
    rows = long(id=["a", "b", "b"], month=["2024-01", "2024-01", "2024-02"])
    rows = pd.concat([rows, pd.DataFrame({"id": ["a"], "month": ["2024-02"], "x": [4.0]})])
    panel = wallet.SpendPanel.from_long(rows, **LONG, population=["a", "b", "c"])
    assert panel.amounts.tolist() == [[5.0, 4.0], [1.0, 2.0], [0.0, 0.0]]


def test_who_only_moved_own_money_is_there_with_zeros() -> None:
    day = pd.to_datetime(["2024-01-05", "2024-01-06", "2024-01-07"])
    rows = pd.DataFrame({"id": [1, 2, 1], "day": day, "x": [9.0, 8.0, 1.0], "other": [1, 1, 2]})
    panel = wallet.SpendPanel.from_transactions(rows, **DATED, counterpart="other")
    assert panel.amounts.tolist() == [[1.0], [8.0]]
    alone = wallet.SpendPanel.from_transactions(rows[:2], **DATED, counterpart="other")
    assert alone.amounts.tolist() == [[0.0], [8.0]]


def test_categories_are_labels(make_frame: Callable[..., Any]) -> None:
    frame = make_frame({"id": ["b", "a"], "month": ["2024-01", "2024-01"], "x": [1.0, 2.0]})
    if isinstance(frame, pd.DataFrame):
        frame = frame.astype({"id": "category", "month": "category"})
    assert wallet.SpendPanel.from_long(frame, **LONG).customers == ("a", "b")


@pytest.mark.pyarrow
def test_by_hand_wide_frames_in_any_order_of_columns(make_frame: Callable[..., Any]) -> None:
    frame = make_frame({"2024-02": [2.0, 0.0], "id": ["u", "v"], "2024-01": [1.0, 3.0], "group": ["k", "k"]})
    panel = wallet.SpendPanel.from_wide(frame, customer="id", peers="group")
    assert panel.customers == ("u", "v")
    assert panel.amounts.tolist() == [[1.0, 2.0], [3.0, 0.0]]
    assert panel.peer_groups == ("k",)
    again = wallet.SpendPanel.from_wide(panel.to_frame(), customer="customer", peers="peers")
    assert again.amounts.tolist() == panel.amounts.tolist()


@pytest.mark.parametrize(
    "months", [pd.to_datetime(["2024-02-01", "2024-01-01"]), pd.PeriodIndex(["2024-02", "2024-01"], freq="M")]
)
def test_by_hand_columns_of_a_pivot_are_months(months: Any) -> None:
    table = pd.DataFrame([[2.0, 1.0]], columns=months)
    panel = wallet.SpendPanel.from_wide(table)
    assert panel.month_labels == ("2024-01", "2024-02")
    assert panel.amounts.tolist() == [[1.0, 2.0]]
    assert list(table.columns) == list(months)
    with pytest.raises(ColumnError, match="must be months written"):
        wallet.SpendPanel.from_wide(pd.DataFrame({202401: [1.0]}))


def test_wide_array_and_what_is_shown() -> None:
    data = np.array([[1.0, np.nan], [0.0, 4.0]])
    panel = wallet.SpendPanel.from_wide(data, start="2023-12", customers=["u", "v"], missing="zero")
    assert panel.amounts.tolist() == [[1.0, 0.0], [0.0, 4.0]]
    data[0, 0] = 9.0
    assert panel.amounts[0, 0] == 1.0
    assert len(panel) == 2
    assert repr(panel) == "SpendPanel(customers=2, months=2, first=2023-12, last=2024-01)"
    assert "Panel of 2 customers" in panel._repr_html_()
    with pytest.raises(ValueError, match="read-only"):
        panel.amounts[0, 0] = 1.0
    assert panel.with_amounts(panel.amounts * 2.0).amounts.tolist() == [[2.0, 0.0], [0.0, 8.0]]
    assert panel.peers is None
    whole = np.ones((1, 2))
    kept = wallet.SpendPanel.from_wide(whole, start="2024-01")
    whole[:] = 7.0
    assert kept.amounts.tolist() == [[1.0, 1.0]]


CELLS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(0, 1000)), min_size=1, max_size=30
).filter(
    lambda rows: len({row[1] for row in rows}) == max(row[1] for row in rows) - min(row[1] for row in rows) + 1
)


@given(CELLS, st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_the_order_of_rows_does_not_matter(rows: list[tuple[int, int, int]], random: Any) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    found = []
    for some in (rows, shuffled):
        frame = pd.DataFrame(some, columns=["id", "month", "x"])
        frame["month"] += 202401
        found.append(wallet.SpendPanel.from_long(frame, **LONG, doubled="sum", missing="zero"))
    assert found[0].customers == found[1].customers
    assert found[0].amounts.tolist() == found[1].amounts.tolist()
    assert found[0].amounts.sum() == sum(row[2] for row in rows)


# -------------------------------------------------------------------------------------------------- refusals

BAD_LONG: list[tuple[dict[str, Any], dict[str, Any], type[Exception], str]] = [
    ({"id": ["b", None, "a"]}, {}, DataError, r"'id' is null in 1 row"),
    ({"month": ["2024-01", None, "2024-02"]}, {}, DataError, r"'month' is null in 1 row"),
    ({"x": [1.0, None, 2.0]}, {}, DataError, r"'x' is null in 1 row"),
    ({"x": [1.0, -1.0, 2.0]}, {}, DataError, r"'x' lies below 0 in 1 row"),
    ({"x": [1.0, np.inf, 2.0]}, {"missing": "zero"}, DataError, r"missing, below 0 or infinite"),
    ({"x": ["1", "2", "3"]}, {}, ColumnError, r"'x' is of type .*numbers from 0"),
    ({"month": ["2024-01", "2024-13", "2024-02"]}, {}, DataError, r"1 value\(s\) that name no month"),
    ({"month": [1, 2, 3]}, {}, DataError, r"3 value\(s\) that name no month"),
    ({"month": [1.5, 2.5, 3.5]}, {}, ColumnError, r"'month' is of type Float64; allowed: dates"),
    ({"month": pd.to_datetime(["2024-01-01"] * 3).tz_localize("UTC")}, {}, ColumnError, r"local wall time"),
    ({"id": [1.0, 2.0, 3.0]}, {}, ColumnError, r"'id' is of type Float64"),
    ({}, {}, DataError, r"lacks 1 month\(s\) of 1 customer\(s\)"),
    (
        {"id": ["a", "b", "b"], "month": ["2024-02", "2024-01", "2024-02"]},
        {"missing": "previous"},
        DataError,
        "first month",
    ),
    (
        {"month": ["2024-01"] * 3},
        {"missing": "zero"},
        DataError,
        r"1 month\(s\) of a customer are told more than once",
    ),
    (
        {"month": ["2024-01", "2024-01", "2024-03"]},
        {"missing": "zero"},
        DataError,
        r"1 month\(s\) between 2024-01 and",
    ),
    ({}, {"last": "2024-03", "missing": "zero"}, DataError, r"no row of any customer"),
    ({}, {"first": "2024-02", "last": "2024-01"}, DomainError, r"first must not lie after last"),
    ({}, {"first": "2024-13"}, DomainError, r"first names no month"),
    ({}, {"missing": "drop"}, DomainError, r"missing is 'drop'; allowed: 'refuse', 'zero', 'previous'"),
    ({}, {"doubled": "last"}, DomainError, r"doubled is 'last'"),
    ({}, {"amount": "y"}, ColumnError, r"missing: 'y'"),
    ({"g": ["x", "x", "y"]}, {"peers": "g", "missing": "zero"}, DataError, r"changes within 1 customer"),
    ({"g": ["x", None, "y"]}, {"peers": "g"}, DataError, r"'g' is null in 1 row"),
    (
        {},
        {"population": ["a"], "missing": "zero"},
        DataError,
        r"1 customer\(s\) of the frame are not in population",
    ),
    ({}, {"population": ["a", "b", "b"]}, DataError, r"null or doubled"),
    ({}, {"population": "ab"}, DomainError, r"population must be a sequence"),
    ({}, {"population": np.array([["a"], ["b"]])}, DomainError, r"population must be a sequence"),
    (
        {"id": [2**53 + 1] * 3},
        {"doubled": "sum", "missing": "zero", "population": [float(2**53)]},
        DataError,
        r"of a floating type",
    ),
    (
        {"id": [2**53 + 1] * 3},
        {"doubled": "sum", "missing": "zero", "population": [2**53, 0.5]},
        DataError,
        r"of a floating type",
    ),
    ({}, {"population": pd.DataFrame({"key": ["a", "b"]})}, ColumnError, r"missing: 'id'"),
    (
        {"g": ["x", "y", "y"]},
        {"population": ["a", "b", "c"], "peers": "g", "missing": "zero"},
        DataError,
        r"1 customer\(s\) of population have no row",
    ),
]


@pytest.mark.parametrize(("columns", "options", "error", "match"), BAD_LONG)
def test_a_long_table_is_refused(
    columns: dict[str, Any], options: dict[str, Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        wallet.SpendPanel.from_long(long(**columns), **(LONG | options))


def test_every_engine_refuses_alike(build: Callable[..., Any]) -> None:
    rows: dict[str, Any] = {"id": ["a", "b"], "month": ["2024-01", "2024-01"], "x": [1.0, -2.0]}
    with pytest.raises(DataError, match="'x' lies below 0 in 1 row"):
        wallet.SpendPanel.from_long(build(rows), **LONG)
    with pytest.raises(DataError, match="told more than once"):
        wallet.SpendPanel.from_long(build(rows | {"id": ["a", "a"], "x": [1.0, 2.0]}), **LONG)
    with pytest.raises(DataError, match="missing, below 0 or infinite"):
        wallet.SpendPanel.from_long(build(rows | {"x": [1.0, float("inf")]}), **LONG)


def test_no_rows_and_no_frame_are_refused() -> None:
    with pytest.raises(DataError, match="holds no rows"):
        wallet.SpendPanel.from_long(long()[:0], **LONG)
    with pytest.raises(DomainError, match="frame is a list"):
        wallet.SpendPanel.from_long([1], **LONG)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"code": "kind"}, DomainError, "belong together"),
        ({"internal_codes": ["own"]}, DomainError, "belong together"),
        ({"code": "kind", "internal_codes": "own"}, DomainError, "belong together"),
        ({"code": "kind", "internal_codes": [1]}, ColumnError, r"the type of internal_codes \(int\)"),
        ({"counterpart": "kind"}, ColumnError, "Cast one of them"),
        ({"counterpart": "x"}, ColumnError, "allowed: integers or text"),
    ],
)
def test_transactions_are_refused(options: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        wallet.SpendPanel.from_transactions(pd.DataFrame(dated()), **DATED, **options)


WIDE = pd.DataFrame({"id": ["a", "b"], "2024-01": [1.0, 2.0], "2024-02": [1.0, 2.0]})


@pytest.mark.parametrize(
    ("data", "options", "error", "match"),
    [
        ([[1.0]], {}, DomainError, "needs start="),
        ([[1.0]], {"start": "2024-01", "customer": "id"}, DomainError, "as sequences, not"),
        ([[-1.0]], {"start": "2024-01"}, DataError, r"1 amount\(s\) that are missing, below 0"),
        ([[np.nan]], {"start": "2024-01"}, DataError, r"lacks 1 month\(s\)"),
        ([[5e-324, 1e15]], {"start": "2024-01"}, DataError, "from 0, and others than 0 from 1e-100 to 1e\\+150"),
        ([[1.0]], {"start": "soon"}, DomainError, "start is 'soon'"),
        ([[1.0]], {"start": "2024-01", "customers": ["a", "b"]}, DomainError, "2 labels"),
        ([[1.0], [2.0]], {"start": "2024-01", "customers": ["a", "a"]}, DataError, "null or doubled"),
        ([[1.0], [2.0]], {"start": "2024-01", "peers": ["x"]}, DomainError, "one group for each of the 2"),
        ([[1.0], [2.0]], {"start": "2024-01", "peers": ["x", None]}, DataError, r"peers is null for 1"),
        (np.zeros((0, 2)), {"start": "2024-01"}, DataError, "no customers or no months"),
        (WIDE, {}, ColumnError, "must be months written"),
        (WIDE, {"customer": "key"}, ColumnError, "missing: 'key'"),
        (WIDE, {"customer": "id", "customers": ["a", "b"]}, DomainError, "not both"),
        (WIDE.rename(columns={"2024-02": "2024-03"}), {"customer": "id"}, DataError, "1 missing between"),
        (WIDE[["id"]], {"customer": "id"}, ColumnError, "no column of a month"),
    ],
)
def test_a_wide_table_is_refused(data: Any, options: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        wallet.SpendPanel.from_wide(data, **options)


def test_other_amounts_are_refused() -> None:
    panel = wallet.SpendPanel.from_wide([[1.0, 2.0]], start="2024-01")
    with pytest.raises(DomainError, match="shape"):
        panel.with_amounts(np.ones((2, 2)))
    with pytest.raises(DataError, match="below 0"):
        panel.with_amounts(-panel.amounts)


# ----------------------------------------------------------------------------------------------- some of them


def three(**options: Any) -> wallet.SpendPanel:
    base: dict[str, Any] = {"start": "2023-12", "customers": ["a", "b", "c"], "peers": ["z", "m", "k"]}
    return wallet.SpendPanel.from_wide([[1.0, 2, 4, 9], [0.0, 5, 6, 9], [7.0, 0, 8, 9]], **(base | options))


def test_by_hand_take_in_the_order_that_is_asked() -> None:
    """Of the groups k, m, z the second vanishes; z, the third, becomes the second."""
    panel = three()
    found = panel.take([2, 0])
    assert found.customers == ("c", "a")
    assert found.amounts.tolist() == [[7.0, 0, 8, 9], [1.0, 2, 4, 9]]
    assert found.peer_groups == ("k", "z")
    assert found.peers is not None
    assert found.peers.tolist() == [0, 1]
    assert found.peers.dtype == np.int32
    assert (panel.customers, panel.peer_groups) == (("a", "b", "c"), ("k", "m", "z"))
    for array in (found.amounts, found.peers, found.months, found.lengths):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    assert three(peers=None).take([1]).peers is None


def test_by_hand_take_keeps_the_calendar_and_counts_whom_it_leaves() -> None:
    panel = wallet.SpendCalendar().apply(three())
    found = panel.take([True, False, True])
    assert found.month_labels == ("2023-12", "2024-01/02", "2024-03")
    assert found.amounts.tolist() == [[1.0, 3.0, 9.0], [7.0, 4.0, 9.0]]
    assert found.provenance.spec == panel.provenance.spec
    counts = dict(panel.provenance.counts)
    assert dict(found.provenance.counts) == counts | {"customers": 2, "customers_dropped": 1}
    assert dict(found.take([1]).provenance.counts) == counts | {"customers": 1, "customers_dropped": 2}


@given(st.lists(st.booleans(), min_size=2, max_size=12).filter(any), st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_a_mask_equals_a_panel_of_its_rows(mask: list[bool], seed: int) -> None:
    rng = np.random.default_rng(seed)
    amounts, groups = rng.integers(0, 9, (len(mask), 3)).astype(float), rng.choice([*"xyz"], len(mask)).tolist()
    panel = wallet.SpendPanel.from_wide(amounts, start="2024-01", peers=groups)
    keep, places = np.array(mask), np.flatnonzero(mask)
    own = [groups[place] for place in places]
    wanted = wallet.SpendPanel.from_wide(amounts[keep], start="2024-01", customers=places.tolist(), peers=own)
    for asked in (mask, keep, pd.Series(mask), places, places.astype(np.uint8), tuple(places.tolist())):
        found = panel.take(asked)
        pd.testing.assert_frame_equal(found.to_frame(), wanted.to_frame())
        assert found.peer_groups == wanted.peer_groups


def test_by_hand_a_mask_of_pandas_is_paired_by_the_customers() -> None:
    """Labels in another order; a default index tells nothing where labels are text; other labels are refused."""
    panel = three()
    assert panel.take(pd.Series([True, False, True], index=["b", "c", "a"])).customers == ("a", "b")
    assert panel.take(pd.Series([True, False, True], ["b", "c", "a"], dtype="boolean")).customers == ("a", "b")
    assert panel.take(pd.Series([True, False, True])).customers == ("a", "c")
    for labels in (["a", "b", "d"], ["a", "a", "b"], [2, 1, 0]):
        with pytest.raises(DomainError, match="a pandas Series with the customers as its index"):
            panel.take(pd.Series([True, False, True], index=labels))


def test_shifts_of_a_part_equal_those_of_a_panel_of_its_rows() -> None:
    """Peers, p-values and verdicts."""
    rng = np.random.default_rng(3)
    amounts, groups = rng.gamma(20.0, 5.0, (200, 40)), [*"xyzx"] * 50
    amounts[:12, -3:] *= 0.2
    keep = (np.array(groups) != "y") & (np.arange(200) % 9 != 8)
    part = wallet.SpendPanel.from_wide(amounts, start="2020-01", peers=groups).take(keep)
    places = np.flatnonzero(keep).tolist()
    own = [groups[place] for place in places]
    wanted = wallet.SpendPanel.from_wide(amounts[keep], start="2020-01", customers=places, peers=own)
    found, expected = wallet.spend_shifts(part, min_null=100), wallet.spend_shifts(wanted, min_null=100)
    pd.testing.assert_frame_equal(found.to_frame(), expected.to_frame())
    assert found.peer_groups == expected.peer_groups == ("x", "z")
    assert (found.verdict == "fall").any()


@pytest.mark.parametrize(
    "asked",
    [
        [True, False],
        [[True, False, True]],
        [False, False, False],
        [],
        [0, 3],
        [-1],
        [1, 1],
        [[0, 1]],
        [[0], [1, 2]],
        [0.0, 1.0],
        [True, None, False],
        np.ma.array([0, 1], mask=[False, True]),
        "abc",
        1,
        None,
        {"a"},
    ],
)
def test_other_customers_are_refused(asked: Any) -> None:
    with pytest.raises(
        DomainError, match=r"places must be a mask of 3 booleans .* place from 0 to 2, each once\.$"
    ):
        three().take(asked)


# --------------------------------------------------------------------------------------------------- calendar


def test_by_hand_january_and_february_are_one_period() -> None:
    """Feast in January 2023 and in February 2024: the averages (30 + 10) / 2 and (10 + 30) / 2 are the same."""
    amounts = [[30.0, 10.0, *[20.0] * 10, 10.0, 30.0, 20.0]]
    panel = wallet.SpendCalendar().apply(wallet.SpendPanel.from_wide(amounts, start="2023-01"))
    assert panel.amounts.tolist() == [[20.0] * 13]
    assert panel.month_labels[0] == "2023-01/02"
    assert panel.month_labels[-2:] == ("2024-01/02", "2024-03")
    assert panel.lengths.tolist() == [2, *[1] * 10, 2, 1]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("keep", ("2024-01/02", "2024-03", "2024-04", "2024-05", "2024-06")),
        ("exclude", ("2024-01/02", "2024-04", "2024-05")),
        ("only", ("2024-03", "2024-06")),
    ],
)
def test_by_hand_quarter_ends(rule: Any, expected: tuple[str, ...]) -> None:
    panel = wallet.SpendPanel.from_wide([[1.0, 1, 2, 3, 4, 5]], start="2024-01")
    found = wallet.SpendCalendar(quarter_ends=rule).apply(panel)
    assert found.month_labels == expected
    assert found.quarter_end.tolist() == [label in ("2024-03", "2024-06") for label in expected]
    assert found.provenance.counts["periods"] == len(expected)


def test_by_hand_a_part_of_a_joined_period_is_dropped() -> None:
    """From February to January: both ends hold one month of two."""
    panel = wallet.SpendPanel.from_wide([np.arange(12.0)], start="2023-02")
    found = wallet.SpendCalendar().apply(panel)
    assert found.amounts.tolist() == [np.arange(1.0, 11.0).tolist()]
    assert found.provenance.counts["months_dropped"] == 2
    winter = wallet.SpendCalendar(joined=[(12, 1), (3, 4)]).apply(panel)
    assert winter.month_labels[:2] == ("2023-02", "2023-03/04")
    assert winter.month_labels[-1] == "2023-12/01"
    assert winter.quarter_end.tolist()[:2] == [False, True]


@given(st.lists(st.integers(0, 1000), min_size=3, max_size=40), st.integers(1, 12))
@settings(max_examples=40)
def test_joining_keeps_the_money(amounts: list[int], start: int) -> None:
    panel = wallet.SpendPanel.from_wide([amounts], start=f"2020-{start:02d}")
    found = wallet.SpendCalendar().apply(panel)
    whole = {
        month
        for month, n in zip(found.months.astype(int), found.lengths, strict=True)
        for month in range(month, month + n)
    }
    kept = sum(x for x, month in zip(amounts, panel.months.astype(int), strict=True) if month in whole)
    assert (found.amounts * found.lengths).sum() == pytest.approx(kept)
    assert found.provenance.counts["months_dropped"] == len(amounts) - len(whole)


def test_a_calendar_of_nothing_joins_nothing() -> None:
    panel = wallet.SpendPanel.from_wide([[1.0, 2.0]], start="2024-01")
    assert wallet.SpendCalendar(joined=()).apply(panel).amounts.tolist() == [[1.0, 2.0]]
    assert (
        wallet.SpendCalendar.model_validate_json(wallet.SpendCalendar().model_dump_json())
        == wallet.SpendCalendar()
    )


@pytest.mark.parametrize("joined", [[(1,)], [(1, 3)], [(2, 1)], [(0, 1)], [(12, 13)]])
def test_months_that_are_no_period_are_refused(joined: Any) -> None:
    with pytest.raises(ValidationError, match="consecutive months"):
        wallet.SpendCalendar(joined=joined)


def test_a_calendar_is_refused() -> None:
    with pytest.raises(ValidationError, match="two groups"):
        wallet.SpendCalendar(joined=[(1, 2), (2, 3)])
    with pytest.raises(ValidationError, match="quarter_ends"):
        wallet.SpendCalendar(quarter_ends="drop")  # type: ignore[arg-type]  # what is refused
    panel = wallet.SpendPanel.from_wide([[1.0, 2.0]], start="2024-01")
    with pytest.raises(DataError, match="No period is left"):
        wallet.SpendCalendar(quarter_ends="only").apply(panel)
    with pytest.raises(DataError, match="has a calendar already"):
        wallet.SpendCalendar().apply(wallet.SpendCalendar().apply(panel))
    with pytest.raises(DomainError, match="panel is a ndarray"):
        wallet.SpendCalendar().apply(panel.amounts)  # type: ignore[arg-type]  # what is refused


def test_by_hand_codes_may_be_an_array_but_no_flags() -> None:
    """True is 1 in some libraries and an error in others, so it is no code."""
    rows = {"id": [1, 1, 1], "day": [dt.date(2024, 1, day) for day in (1, 2, 3)], "x": [1.0, 2.0, 4.0]}
    table = pd.DataFrame(rows | {"kind": [1, 2, 3], "word": ["a", "b", "c"]})
    columns = {"customer": "id", "time": "day", "amount": "x"}
    arrays: dict[str, Any] = {"kind": np.array([1, 3]), "word": np.array(["a", "c"])}
    for code, codes in arrays.items():
        panel = wallet.SpendPanel.from_transactions(table, **columns, code=code, internal_codes=codes)
        assert panel.amounts.tolist() == [[2.0]]
    with pytest.raises(ColumnError, match=r"the type of internal_codes \(bool\)"):
        wallet.SpendPanel.from_transactions(table, **columns, code="kind", internal_codes=[True])
