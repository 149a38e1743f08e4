"""Labels of tables, texts for sequences, masks, and whatever else a caller may hand in by mistake."""

from __future__ import annotations

import datetime as dt
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from custvalue import tiers
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable

#: The room as it meets a caller who reads no annotations.
untyped: Any = tiers
LADDER = tiers.TierPolicy.ladder(["basic", "silver", "gold"], [100, 500])
MONTHS = pd.to_datetime(["2024-01-31", "2024-02-29"])
TABLE = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]], index=["x", "y"], columns=MONTHS)
#: The same cells tenfold, rows and columns the other way round.
TURNED = (TABLE * 10.0).iloc[::-1, ::-1]


def test_by_hand_wide_tables_are_paired_by_label() -> None:
    panel = tiers.Panel.from_wide({"a": TABLE, "b": TURNED})
    assert panel.customers.tolist() == ["x", "y"]
    assert panel.periods == (dt.date(2024, 1, 31), dt.date(2024, 2, 29))
    assert panel.columns["a"].tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert panel.columns["b"].tolist() == [[10.0, 20.0], [30.0, 40.0]]
    other = tiers.Panel.from_wide({"b": TURNED, "a": TABLE})
    assert other.columns["b"].tolist() == [[10.0, 20.0], [30.0, 40.0]]
    assert other.columns["a"].tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_columns_that_are_whole_numbers_are_the_periods() -> None:
    panel = tiers.Panel.from_wide({"a": TABLE.set_axis([6, 5], axis=1)})
    assert panel.periods == (5, 6)
    assert panel.columns["a"].tolist() == [[2.0, 1.0], [4.0, 3.0]]
    named = tiers.Panel.from_wide({"a": TABLE.set_axis(["first", "second"], axis=1)})
    assert named.periods == (0, 1)
    given = tiers.Panel.from_wide({"a": TABLE}, periods=[7, 8])
    assert given.periods == (7, 8)


def test_columns_of_polars_are_paired_by_name() -> None:
    polars = pytest.importorskip("polars")
    one, two = polars.DataFrame({"u": [1.0], "v": [2.0]}), polars.DataFrame({"v": [3.0], "u": [4.0]})
    panel = tiers.Panel.from_wide({"a": one, "b": two})
    assert panel.columns["b"].tolist() == [[4.0, 3.0]]


def test_customers_of_a_series_are_matched_with_the_index() -> None:
    keys = pd.Series(["K", "L"], index=["y", "x"])
    panel = tiers.Panel.from_wide({"a": TABLE}, customers=keys)
    assert panel.customers.tolist() == ["K", "L"]
    assert panel.columns["a"].tolist() == [[3.0, 4.0], [1.0, 2.0]]
    plain = tiers.Panel.from_wide({"a": TABLE}, customers=["L", "K"])
    assert plain.columns["a"].tolist() == [[3.0, 4.0], [1.0, 2.0]]
    numpy_days = tiers.Panel.from_wide({"a": TABLE}, periods=MONTHS.to_numpy(dtype="datetime64[ns]"))
    assert numpy_days.periods == (dt.date(2024, 1, 31), dt.date(2024, 2, 29))


@pytest.mark.parametrize(
    ("values", "more", "error", "message"),
    [
        (
            {"a": TABLE, "b": TABLE.rename(index={"x": "secret"})},
            {},
            DataError,
            r"values\['a'\] and values\['b'\] have different index labels",
        ),
        (
            {"a": TABLE, "b": TABLE.set_axis([0, 1], axis=1)},
            {},
            DataError,
            r"values\['a'\] and values\['b'\] have different column labels",
        ),
        ({"a": TABLE, "b": TABLE.reset_index(drop=True)}, {}, DataError, "different index labels"),
        ({"a": TABLE, "b": TURNED, "c": np.ones((2, 2))}, {}, DataError, "nobody knows which order"),
        ({"a": TABLE}, {"customers": ["y", "x"]}, DataError, "customers names the index .* in another order"),
        ({"a": TABLE}, {"periods": MONTHS[::-1]}, DataError, "periods names the columns .* in another order"),
        ({"a": TABLE}, {"customers": pd.Series(["secret", "L"])}, DataError, "Series whose index differs"),
        ({"a": [[1]]}, {"customers": "a"}, DomainError, "customers must be a sequence of keys. Given: a str"),
        ({"a": [[1]]}, {"periods": [10**30]}, ColumnError, "'periods' is of type something else"),
        ({"a": [[1]]}, {"periods": "a"}, DomainError, "periods must be a sequence of whole numbers or dates"),
        (TABLE, {}, DomainError, "values is a DataFrame; allowed: a mapping of names to tables"),
        (
            {"a": TABLE.set_axis(pd.period_range("2024-01", periods=2, freq="M"), axis=1)},
            {},
            ColumnError,
            "values holds pandas Periods",
        ),
        (
            {"a": [[1, 2]]},
            {"periods": pd.date_range("2024-01-31", periods=2, freq="MS", tz="UTC")},
            ColumnError,
            "'periods' is of type something else; allowed: whole numbers or dates without a time zone",
        ),
    ],
)
def test_wide_tables_whose_labels_do_not_fit(
    values: Any, more: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        tiers.Panel.from_wide(values, **more)
    assert "secret" not in str(caught.value)


def test_a_column_of_day_objects_is_read_and_one_of_pandas_periods_is_not() -> None:
    rows = {"customer": [1, 1], "score": [1.0, 2.0]}
    days = pd.Series([dt.date(2024, 1, 31), dt.date(2024, 2, 29)], dtype=object)
    assert tiers.Panel.from_long(pd.DataFrame(rows | {"period": days})).periods[1] == dt.date(2024, 2, 29)
    holes = pd.Series([dt.date(2024, 1, 31), None], dtype=object)
    with pytest.raises(DataError, match=r"'period' lacks 1 period\(s\)"):
        tiers.Panel.from_long(pd.DataFrame(rows | {"period": holes}))
    spans = pd.period_range("2024-01", periods=2, freq="M")
    with pytest.raises(ColumnError, match=r"'period' holds pandas Periods.*\.dt\.to_timestamp"):
        tiers.Panel.from_long(pd.DataFrame(rows | {"period": spans}))


# ------------------------------------------------------------------------------ results keep what is theirs


def _graded(table: Any) -> Any:
    return tiers.grade(LADDER, table, keep=["customer"])


def _scored(table: Any) -> Any:
    return tiers.Points(rules=[tiers.PointRule(column="score")]).apply(table, keep=["customer"])


def _placed(table: Any) -> Any:
    return tiers.ValueMatrix.marcus(purchases="score", revenue="amount").apply(table, keep=["customer"])


@pytest.mark.parametrize("make", [_graded, _scored, _placed])
def test_a_result_does_not_follow_the_callers_table(make: Callable[[Any], Any]) -> None:
    rows = {"customer": [1, 2], "score": [60, 520], "amount": [1.0, 2.0], "note": ["hushhush", "r"]}
    table = pd.DataFrame(rows, index=[7, 8])
    found = make(table)
    told = found.to_frame()
    assert b"hushhush" not in pickle.dumps(found)
    table.loc[:, "customer"] = [9, 9]
    table.index = pd.Index([0, 1], name="other")
    del table["note"]
    table.loc[5] = [1, 1, 1.0]
    pd.testing.assert_frame_equal(found.to_frame(), told)
    assert told.index.tolist() == [7, 8]
    again = pickle.loads(pickle.dumps(found))  # noqa: S301 - made in the line itself
    pd.testing.assert_frame_equal(again.to_frame(), told)


@pytest.mark.pyarrow
def test_a_result_keeps_no_other_column_in_any_library(make_frame: Callable[..., Any]) -> None:
    table = make_frame({"customer": [1, 2], "score": [60, 520], "note": ["hushhush", "r"]})
    assert b"hushhush" not in pickle.dumps(_graded(table))
    panel = tiers.Panel.from_long(
        make_frame({"customer": [1], "period": [0], "score": [1.0], "note": ["hushhush"]}), ["score"]
    )
    assert b"hushhush" not in pickle.dumps(panel)
    assert len(panel.to_frame()) == 1


def test_arrays_of_results_cannot_be_written_to() -> None:
    table = pd.DataFrame({"customer": [1, 2], "score": [60, 520]})
    replayed = tiers.replay(LADDER, tiers.Panel.from_wide({"score": [[60, 520]]}))
    for array in (_graded(table)._kept["customer"], replayed.n_changes, replayed.n_reversals):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0


# ------------------------------------------------------------------------------------------------ migration


def test_by_hand_series_are_paired_by_their_index() -> None:
    """Customer 1 stays at a and customer 2 at b, whatever the order of the second Series."""
    before, after = pd.Series(["a", "b"], index=[1, 2]), pd.Series(["b", "a"], index=[2, 1])
    found = tiers.migration_matrix(before, after, states=["a", "b"], weights=pd.Series([7.0, 5.0], index=[2, 1]))
    assert found.counts.tolist() == [[5.0, 0.0], [0.0, 7.0]]
    assert tiers.migration_matrix(before, ["b", "a"], states=["a", "b"]).counts.tolist() == [[0, 1], [1, 0]]
    for strange in ([3, 4], [1, 1]):
        with pytest.raises(DataError, match="after and before are pandas Series with different index labels"):
            tiers.migration_matrix(before, after.set_axis(strange), states=["a", "b"])
    with pytest.raises(DataError, match="weights and before are pandas Series with different index labels"):
        tiers.migration_matrix(before, after, states=["a", "b"], weights=pd.Series([1.0, 2.0]))


def test_weights_of_a_value_matrix_are_matched_with_the_table() -> None:
    rows = {"customer": [1, 2], "purchases": [1, 9], "revenue": [1.0, 90.0]}
    table = pd.DataFrame(rows, index=["p", "q"])
    cells = tiers.ValueMatrix.marcus().apply(table, keep=["customer"])
    weights = pd.Series([3.0, 5.0], index=["q", "p"])
    counts = cells.migration(cells, key="customer", weights=weights).to_frame()
    assert counts.loc[counts["count"] > 0, ["before", "count"]].to_numpy().tolist() == [
        ["best", 3],
        ["uncertain", 5],
    ]
    with pytest.raises(DataError, match="weights and the table are pandas Series with different index labels"):
        cells.migration(cells, key="customer", weights=pd.Series([1.0, 2.0]))


def test_by_hand_states_that_are_whole_numbers() -> None:
    found = tiers.migration_matrix([1, 1, 2], np.array([1, 2, 2], dtype=np.int8), states=[1, 2], absorbing=[2])  # type: ignore[list-item]  # taken as texts
    assert found.states == ("1", "2")
    assert found.counts.tolist() == [[1.0, 1.0], [0.0, 1.0]]
    assert found.stationary().tolist() == [0.0, 1.0]
    with pytest.raises(DataError, match=r"before has 1 label\(s\) that are missing or none of the states"):
        tiers.migration_matrix([1.5], [1], states=[1])  # type: ignore[list-item]  # as above
    with pytest.raises(DomainError, match="states must be 1 to 1000 different names, texts or whole numbers"):
        tiers.migration_matrix([1], [1], states=[1, "1"])  # type: ignore[list-item]  # as above


def test_a_mask_is_not_lost_and_text_is_no_number() -> None:
    masked = np.ma.masked_array([1.0, 2.0, 3.0], [False, True, False])
    half: dict[str, Any] = {"shares": [0.5, 0.5]}
    with pytest.raises(DataError, match=r"values has 1 missing or infinite number\(s\)"):
        tiers.propose_thresholds(masked, **half)
    same: dict[str, Any] = {"before": ["a"] * 3, "after": ["a"] * 3, "states": ["a"]}
    with pytest.raises(DataError, match=r"weights has 1 value\(s\) that are missing"):
        tiers.migration_matrix(**same, weights=masked)
    with pytest.raises(DataError, match=r"after has 1 label\(s\) that are missing"):
        tiers.migration_matrix(["a"] * 3, np.ma.masked_array(["a"] * 3, [False, True, False]), states=["a"])
    for texts in (["1", "2", "3"], np.array(["1", "2", "3"], dtype=object)):
        with pytest.raises(DomainError, match="values does not hold numbers only"):
            tiers.propose_thresholds(texts, **half)
        with pytest.raises(DomainError, match="weights does not hold numbers only"):
            tiers.migration_matrix(**same, weights=texts)


# ------------------------------------------------------------------------------------------ bad arguments


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: untyped.TierPolicy.ladder(["a", "b"], 500), "up must be a sequence of numbers. Given: a int"),
        (
            lambda: untyped.TierPolicy.ladder(["a", "b"], [None]),
            r"up must be .* 1 value\(s\) are no finite number",
        ),
        (lambda: untyped.TierPolicy.ladder(["a", "b"], ["x"]), r"up must be .* 1 value\(s\) are no finite number"),
        (lambda: untyped.TierPolicy.ladder(["a", "b"], [5], down=None), "down must be a sequence of numbers"),
        (lambda: untyped.TierPolicy.ladder(["a", "b"], [5], down=True), "down must be .*Given: a bool"),
        (lambda: untyped.TierPolicy.ladder("ab", [5]), "names must be a sequence of texts. Given: a str"),
        (lambda: untyped.TierPolicy.value_management(None, [1, 2, 3, 4]), "order must be a sequence of texts"),
        (lambda: untyped.TierPolicy.value_management([1, "core"], [1]), r"order must be .* 1 value\(s\) are none"),
        (
            lambda: untyped.migration_matrix(["a"], ["a"], states=None),
            "states must be a sequence of names of states",
        ),
        (
            lambda: untyped.migration_matrix(["a"], ["a"], states=["a"], absorbing=None),
            "absorbing must be a sequence of names of states",
        ),
        (
            lambda: untyped.chained_migration(untyped.migration_matrix(["a"], ["a"], states=["a"])),
            "matrices must be a sequence of migration matrices",
        ),
        (lambda: untyped.time_homogeneity(None), "matrices must be a sequence of migration matrices"),
        (lambda: _replayed(overrides=None), "overrides must be a sequence of Override objects"),
        (lambda: untyped.grade(LADDER, pd.DataFrame({"score": [1]}), keep="score"), "keep must be a sequence"),
        (
            lambda: untyped.Panel.from_long(pd.DataFrame({"customer": [1], "period": [1], "score": [1]}), "score"),
            "columns must be a sequence of column names. Given: a str",
        ),
        (lambda: untyped.what_if(LADDER, LADDER, _panel(), costs=5), "costs is a int; allowed: a mapping"),
        (lambda: untyped.what_if(LADDER, LADDER, _panel(), costs={"gold": 1e200}), r"costs of \['gold'\] are no"),
        (
            lambda: untyped.propose_thresholds([1, 2], shares="ab"),
            "shares must hold at least two positive numbers",
        ),
    ],
)
def test_arguments_that_are_none_of_what_is_meant(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        call()


def _panel() -> tiers.Panel:
    return tiers.Panel.from_wide({"score": [[1.0, 2.0]]})


def _replayed(**more: Any) -> tiers.Replay:
    return tiers.replay(LADDER, _panel(), **more)


@pytest.mark.parametrize("name", ["max_steps_up", "max_steps_down"])
def test_steps_have_a_bound(name: str) -> None:
    with pytest.raises(ValidationError, match="less than or equal to 10000"):
        LADDER.model_copy(update={name: 10**20})
    steep = LADDER.model_copy(update={name: 10_000})
    assert tiers.replay(steep, tiers.Panel.from_wide({"score": [[1, 600, 1]]})).levels[0].tolist() == [0, 2, 0]


def test_overrides_take_keys_and_days_as_libraries_hand_them_out() -> None:
    facts: dict[str, Any] = {"level": "gold", "by": "b", "why": "w"}
    panel = tiers.Panel.from_wide({"score": [[1, 1, 1]] * 2}, customers=[7, 8], periods=[0, 1, 2])
    one = untyped.Override(customer=panel.customers[0], since=np.int64(1), until=np.int32(1), **facts)
    replayed = untyped.replay(LADDER, panel, overrides=[one])
    assert replayed.levels.tolist() == [[0, 2, 0], [0, 0, 0]]
    assert replayed.level(panel.customers[0], np.int64(1)) == "gold"
    assert replayed.why(panel.customers[0], np.int64(1)).startswith("gold: manual")
    for day in (pd.Timestamp("2024-02-29"), "2024-02-29", np.datetime64("2024-02-29", "ns"), dt.date(2024, 2, 29)):
        dated = untyped.Override(customer=7, since=day, until=day, **facts)
        assert dated.since == dt.date(2024, 2, 29)
        assert tiers.Override.model_validate_json(dated.model_dump_json()) == dated
    for strange in ("last week", True, 1.5, pd.Timestamp("2024-02-29", tz="UTC")):
        with pytest.raises(ValidationError, match="since"):
            untyped.Override(customer=7, since=strange, until=3, **facts)
    with pytest.raises(ValidationError, match="less than or equal to"):
        untyped.Override(customer=7, since=0, until=10**30, **facts)
    with pytest.raises(ValidationError, match="customer"):
        untyped.Override(customer=True, since=1, until=1, **facts)


def test_a_period_beyond_any_number_is_not_found() -> None:
    with pytest.raises(DomainError, match="period must be a whole number"):
        _panel().when(10**30)


def test_overrides_outside_the_panel_are_counted() -> None:
    facts: dict[str, Any] = {"customer": 0, "level": "gold", "by": "b", "why": "w"}
    spans = [(-5, -3), (-2, 0), (1, 1), (2, 9), (20, 20)]
    given = [tiers.Override(since=since, until=until, **facts) for since, until in spans]
    counts = _replayed(overrides=given).provenance.counts
    assert (counts["overrides"], counts["overrides_outside"]) == (5, 3)
