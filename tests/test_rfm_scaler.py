"""IndicatorScaler: bounds by a quantile written by hand, nulls, directions, ranks, refusals, contract."""

from __future__ import annotations

import math
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from custvalue import rfm
from custvalue.exceptions import ColumnError, CustvalueError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import FloatArray

#: One of each direction; the third refuses nulls.
CHOSEN = rfm.IndicatorSet(
    indicators=(
        rfm.Recency(name="最近"),
        rfm.Monetary(name="金额"),
        rfm.Frequency(name="频率", null_rule="refuse"),
    )
)
NAMES = list(CHOSEN.names)


def type_7(values: Sequence[float], share: float) -> float:
    """Quantile by hand: straight line between the order statistics around (n - 1) p."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def table(n: int = 40, seed: int = 3) -> pd.DataFrame:
    """Three columns with distinct values and a null in the first two."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(50.0, 20.0, (n, 3)), columns=NAMES)
    frame.iloc[0, 0] = frame.iloc[1, 1] = np.nan
    frame.index = pd.Index([f"客{place}" for place in range(n)], name="key")
    return frame


def expected(values: Sequence[float], low: float, high: float, *, cost: bool) -> list[float]:
    out = []
    for value in values:
        scaled = min(max((value - low) / (high - low), 0.0), 1.0) if value == value else math.nan  # noqa: PLR0124
        out.append(0.0 if math.isnan(scaled) else 1.0 - scaled if cost else scaled)
    return out


@pytest.mark.parametrize(("lower", "upper"), [(0.01, 0.99), (0.0, 1.0), (0.1, 0.75)])
def test_winsorised_bounds_are_type_7_quantiles(lower: float, upper: float) -> None:
    past = table()
    scaler = rfm.IndicatorScaler(CHOSEN, lower_quantile=lower, upper_quantile=upper).fit(past)
    scaled = scaler.transform(past)
    for place, name in enumerate(NAMES):
        known = past[name].dropna().tolist()
        low, high = type_7(known, lower), type_7(known, upper)
        np.testing.assert_allclose([scaler.lower_[place], scaler.upper_[place]], [low, high], rtol=1e-13)
        want = expected(past[name].tolist(), low, high, cost=name == "最近")
        np.testing.assert_allclose(scaled[name], want, rtol=1e-12, atol=1e-13)


def test_quantiles_by_hand() -> None:
    """0, 10, .., 100: the 1 % point lies at place 0.1, so at 1; the 99 % point at 99; 50 becomes 49 / 98."""
    scaler = rfm.IndicatorScaler().fit(np.arange(0.0, 101.0, 10.0)[:, None])
    np.testing.assert_allclose([scaler.lower_[0], scaler.upper_[0]], [1.0, 99.0], rtol=1e-14)
    got = scaler.transform(np.array([[-5.0], [1.0], [50.0], [75.0], [99.0], [1e9], [np.nan]])).ravel()
    np.testing.assert_allclose(got, [0.0, 0.0, 0.5, 74 / 98, 1.0, 1.0, 0.0], rtol=1e-14)
    assert scaler.clipped_share_[0] == 2 / 11


def test_where_the_quantiles_coincide_smallest_and_largest_are_used() -> None:
    """998 customers at 5, one at 1, one at 13: both quantiles are 5, so the bounds are 1 and 13."""
    column = np.array([1.0, *[5.0] * 998, 13.0])[:, None]
    scaler = rfm.IndicatorScaler().fit(column)
    assert (scaler.lower_[0], scaler.upper_[0]) == (1.0, 13.0)
    np.testing.assert_allclose(scaler.transform(column)[[0, 1, -1], 0], [0.0, 1 / 3, 1.0], rtol=1e-15)


def test_min_max_ignores_the_quantiles() -> None:
    past = table()
    scaler = rfm.IndicatorScaler(CHOSEN, method="min_max", lower_quantile=0.2).fit(past)
    np.testing.assert_array_equal(scaler.lower_, past.min())
    np.testing.assert_array_equal(scaler.upper_, past.max())
    assert (scaler.clipped_share_ == 0.0).all()


def test_null_is_the_bad_end_and_not_used() -> None:
    """For a cost too: a kind never used is 0, as bad as the longest wait, and told apart by used()."""
    past = table()
    scaler = rfm.IndicatorScaler(CHOSEN).fit(past)
    assert scaler.transform(past).iloc[0, 0] == 0.0
    assert scaler.transform(past).iloc[1, 1] == 0.0
    used = scaler.used(past)
    assert used.dtype == bool
    assert np.argwhere(~used).tolist() == [[0, 0], [1, 1]]
    np.testing.assert_array_equal(scaler.null_share_, [1 / 40, 1 / 40, 0.0])


@pytest.mark.parametrize("method", ["winsorized", "min_max", "rank"])
def test_cost_mirrors_benefit(method: Any) -> None:
    values = pd.DataFrame({"x": [3.0, 8.0, 8.0, 1.0, 20.0, 5.0]})
    scaled = []
    for direction in ("benefit", "cost"):
        chosen = rfm.IndicatorSet.model_validate(
            {"indicators": [{"dimension": "recency", "name": "x", "direction": direction}]}
        )
        scaled.append(rfm.IndicatorScaler(chosen, method=method).fit(values).transform(values)["x"].to_numpy())
    np.testing.assert_allclose(scaled[0] + scaled[1], 1.0, rtol=1e-15)
    assert scaled[0][4] > scaled[0][3]


def test_rank_by_hand() -> None:
    """Training 10, 20, 20, 30: 10 -> 1/8, 20 -> (1 + 3)/8, 30 -> 7/8; new 5 -> 0, 25 -> 6/8, 40 -> 1."""
    scaler = rfm.IndicatorScaler(method="rank").fit(np.array([[20.0], [10.0], [30.0], [20.0]]))
    got = scaler.transform(np.array([[10.0], [20.0], [30.0], [5.0], [25.0], [40.0], [np.nan]])).ravel()
    np.testing.assert_array_equal(got, [1 / 8, 4 / 8, 7 / 8, 0.0, 6 / 8, 1.0, 0.0])


def test_rank_counts_known_values_only() -> None:
    scaler = rfm.IndicatorScaler(method="rank").fit(np.array([[1.0], [np.nan], [2.0], [np.nan]]))
    np.testing.assert_array_equal(scaler.transform(np.array([[1.0], [2.0]])).ravel(), [0.25, 0.75])


@pytest.mark.parametrize("method", ["winsorized", "min_max", "rank"])
def test_bounds_are_frozen(method: Any) -> None:
    """New customers are read on the old scale, alone or together, and clipped to it."""
    past, later = table(), table(25, seed=9) * 10.0 - 200.0
    scaler = rfm.IndicatorScaler(CHOSEN, method=method).fit(past)
    before = scaler.transform(past)
    lower, upper = scaler.lower_.copy(), scaler.upper_.copy()
    scaled = scaler.transform(later)
    alone = pd.concat([scaler.transform(later.iloc[[place]]) for place in range(len(later))])
    pd.testing.assert_frame_equal(scaled, alone)
    np.testing.assert_array_equal([scaler.lower_, scaler.upper_], [lower, upper])
    pd.testing.assert_frame_equal(scaler.transform(past), before)
    assert scaled.min().min() == 0.0
    assert scaled.max().max() == 1.0
    assert ((scaled >= 0.0) & (scaled <= 1.0)).all(axis=None)


COLUMN = st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), min_size=2, max_size=30)
NEW = st.lists(st.floats(-1e10, 1e10), min_size=1, max_size=10)
METHODS = st.sampled_from(["winsorized", "min_max", "rank"])


def column(values: Sequence[float | None]) -> FloatArray:
    return np.array([[np.nan if value is None else value] for value in values])


@settings(max_examples=150, deadline=None)
@given(COLUMN, NEW, METHODS)
def test_scaled_values_are_monotone_and_in_the_unit_interval(past: Any, new: list[float], method: Any) -> None:
    known = [value for value in past if value is not None]
    assume(len(set(known)) > 1)
    scaler = rfm.IndicatorScaler(method=method, max_null_share=1.0).fit(column(past))
    ordered = sorted([*known, *new])
    scaled = scaler.transform(column(ordered)).ravel()
    assert ((scaled >= 0.0) & (scaled <= 1.0)).all()
    assert (np.diff(scaled) >= 0.0).all()
    assert scaled[-1] > scaled[0] or method == "winsorized"
    # winsorised to a tiny share of the range, training values may all be clipped; their ends still differ
    ends = scaler.transform(column([min(known), max(known)])).ravel()
    assert ends[0] < ends[1]


@settings(max_examples=50, deadline=None)
@given(COLUMN, METHODS, st.randoms(use_true_random=False))
def test_the_order_of_training_rows_does_not_matter(past: Any, method: Any, random: Any) -> None:
    known = [value for value in past if value is not None]
    assume(len(set(known)) > 1)
    shuffled = list(past)
    random.shuffle(shuffled)
    one = rfm.IndicatorScaler(method=method, max_null_share=1.0).fit(column(past))
    two = rfm.IndicatorScaler(method=method, max_null_share=1.0).fit(column(shuffled))
    np.testing.assert_array_equal(one.transform(column(past)), two.transform(column(past)))


# ------------------------------------------------------------------------------------------------------ refusals

SECRET = 5550123.25


def refuse(error: type[CustvalueError], message: str, X: Any, *, chosen: Any = None, **settings_: Any) -> None:
    with pytest.raises(error, match=message) as caught:
        rfm.IndicatorScaler(chosen, **settings_).fit(X)
    assert "5550123" not in str(caught.value)


def test_a_constant_column_is_refused_by_name() -> None:
    past = table()
    past["金额"] = SECRET
    refuse(DataError, "X is constant in '金额': it tells no customer", past, chosen=CHOSEN)
    past.iloc[3, 1] = np.nan
    refuse(DataError, "X is constant in '金额'", past, chosen=CHOSEN)
    refuse(DataError, "X is constant in 'column 0'", np.full((3, 1), SECRET))


def test_one_customer_is_refused() -> None:
    refuse(DomainError, "a scale needs at least two customers", table().iloc[[5]] * SECRET, chosen=CHOSEN)


@pytest.mark.parametrize(("nulls", "allowed"), [(32, True), (33, False)])
def test_more_than_four_fifths_null_is_refused(nulls: int, allowed: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """32 of 40 are 80 %, which is allowed; 33 are not, unless asked for."""
    past = table()
    past.iloc[:nulls, 0] = np.nan
    if allowed:
        assert rfm.IndicatorScaler(CHOSEN).fit(past).null_share_[0] == 0.8
    else:
        refuse(DataError, r"null too often in '最近' \(82%\); allowed: 80%", past, chosen=CHOSEN)
        assert rfm.IndicatorScaler(CHOSEN, max_null_share=0.9).fit(past).null_share_[0] == 33 / 40


def test_an_empty_column_is_always_refused() -> None:
    past = table()
    past["最近"] = np.nan
    refuse(DataError, r"null too often in '最近' \(100%\)", past, chosen=CHOSEN, max_null_share=1.0)


def test_nulls_where_the_rule_refuses_them() -> None:
    past = table()
    scaler = rfm.IndicatorScaler(CHOSEN).fit(past)
    past.iloc[4, 2] = np.nan
    message = r"nulls in \['频率'\], whose null_rule is 'refuse'"
    refuse(DataError, message, past, chosen=CHOSEN)
    with pytest.raises(DataError, match=message):
        scaler.transform(past)


@pytest.mark.parametrize("bad", [np.inf, -np.inf, 1e200])
def test_infinite_values_are_refused(bad: float) -> None:
    past = table()
    scaler = rfm.IndicatorScaler(CHOSEN).fit(past)
    past.iloc[4, 1] = bad
    refuse(DataError, r"infinite numbers .*1 cell\(s\) in '金额'", past, chosen=CHOSEN)
    with pytest.raises(DataError, match="infinite numbers"):
        scaler.transform(past)


@pytest.mark.parametrize("names", [NAMES[::-1], [*NAMES[:2], "other"], NAMES[:2]])
def test_other_columns_are_refused(names: list[str]) -> None:
    past = table().set_axis(NAMES, axis=1)[NAMES[: len(names)]].set_axis(names, axis=1)
    refuse(ColumnError, r"X has \d columns .* and the set has .*in order", past * SECRET, chosen=CHOSEN)
    scaler = rfm.IndicatorScaler(CHOSEN).fit(table())
    with pytest.raises(ValueError, match=r"feature names|features|columns"):
        scaler.transform(past)


def test_an_array_of_another_width_is_refused() -> None:
    refuse(ColumnError, "X has 2 columns", table().to_numpy()[2:, :2], chosen=CHOSEN)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"method": "zscore"}, "method must be one of winsorized, min_max, rank"),
        ({"lower_quantile": 0.5, "upper_quantile": 0.5}, "0 <= lower < upper <= 1"),
        ({"lower_quantile": -0.1}, "0 <= lower < upper <= 1"),
        ({"upper_quantile": 1.1}, "0 <= lower < upper <= 1"),
        ({"lower_quantile": math.nan}, "0 <= lower < upper <= 1"),
        ({"max_null_share": 1.5}, r"max_null_share must lie in \[0, 1\]"),
    ],
)
def test_settings_out_of_range(more: dict[str, Any], message: str) -> None:
    refuse(DomainError, message, table(), chosen=CHOSEN, **more)


def test_text_is_refused_without_being_shown() -> None:
    with pytest.raises(CustvalueError) as caught:
        rfm.IndicatorScaler().fit(pd.DataFrame({"a": ["geheim", "y"]}))
    assert "geheim" not in str(caught.value)
    with pytest.raises(DataError, match="holds text") as caught:
        rfm.IndicatorScaler().fit([["geheim"], ["y"]])
    assert "geheim" not in str(caught.value)


# ------------------------------------------------------------------------------------------------------ contract


def test_pandas_in_pandas_out_with_its_index() -> None:
    past = table()
    scaled = rfm.IndicatorScaler(CHOSEN).fit_transform(past)
    assert isinstance(scaled, pd.DataFrame)
    pd.testing.assert_index_equal(scaled.index, past.index)
    assert list(scaled) == NAMES


def test_every_library_gets_its_own_back() -> None:
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    past = table()
    want = rfm.IndicatorScaler(CHOSEN).fit_transform(past).to_numpy()
    for frame in (pl.DataFrame(past.to_dict("list")).fill_nan(None), pa.table(past.to_dict("list"))):
        scaler = rfm.IndicatorScaler(CHOSEN).fit(frame)
        scaled = scaler.transform(frame)
        assert type(scaled) is type(frame)
        np.testing.assert_array_equal(np.column_stack([scaled[name].to_numpy() for name in NAMES]), want)
        np.testing.assert_array_equal(scaler.used(frame), ~np.isnan(past.to_numpy()))
    array = rfm.IndicatorScaler(CHOSEN).fit_transform(past.to_numpy())
    assert type(array) is np.ndarray
    np.testing.assert_array_equal(array, want)


@pytest.mark.parametrize("method", ["winsorized", "min_max", "rank"])
def test_pickle_and_clone(method: Any) -> None:
    past, later = table(), table(seed=8)
    scaler = rfm.IndicatorScaler(CHOSEN, method=method, lower_quantile=0.05).fit(past)
    back = pickle.loads(pickle.dumps(scaler))  # noqa: S301 - our own bytes
    pd.testing.assert_frame_equal(back.transform(later), scaler.transform(later))
    fresh = clone(scaler)
    assert fresh.get_params() == scaler.get_params()
    with pytest.raises(NotFittedError):
        fresh.transform(later)
    pd.testing.assert_frame_equal(fresh.fit(past).transform(later), scaler.transform(later))


@pytest.mark.parametrize("output", ["pandas", "polars"])
def test_set_output(output: str) -> None:
    library = pytest.importorskip(output)
    scaler = rfm.IndicatorScaler(CHOSEN).set_output(transform=output)
    scaled = scaler.fit_transform(table())
    assert isinstance(scaled, library.DataFrame)
    assert list(scaled.columns) == NAMES
    assert scaler.get_feature_names_out().tolist() == NAMES
    array = rfm.IndicatorScaler().set_output(transform=output).fit_transform(table().to_numpy())
    assert isinstance(array, library.DataFrame)


def test_the_callers_table_is_not_changed() -> None:
    past = table()
    before = past.copy(deep=True)
    rfm.IndicatorScaler(CHOSEN).fit(past).transform(past)
    pd.testing.assert_frame_equal(past, before)


def test_the_report_by_hand() -> None:
    """0, 1, 2, 3, 100: bounds 0.04 and 96.12; two of five beyond; quartiles of the scaled at 1 and 3."""
    chosen = rfm.IndicatorSet(indicators=(rfm.Monetary(name="m"), rfm.Recency(name="r")))
    past = pd.DataFrame({"m": [0.0, 1.0, 2.0, 3.0, 100.0], "r": [np.nan, 1.0, 3.0, 2.0, 4.0]})
    report = rfm.IndicatorScaler(chosen).fit(past).report()
    assert list(report) == ["indicator", "direction", "lower", "upper", "null_share", "clipped_share", "spread"]
    assert report["indicator"].tolist() == ["m", "r"]
    assert report["direction"].tolist() == ["benefit", "cost"]
    np.testing.assert_allclose(report[["lower", "upper"]].to_numpy()[0], [0.04, 96.12], rtol=1e-12)
    assert report["null_share"].tolist() == [0.0, 0.2]
    assert report["clipped_share"].tolist() == [0.4, 0.4]
    # r: bounds 1.03 and 3.97; scaled 0 (null), 1, .97/2.94, 1.97/2.94, 0; the quartiles are 0 and 1.97/2.94
    np.testing.assert_allclose(report["spread"], [2.0 / 96.08, 1.97 / 2.94], rtol=1e-12)


def test_a_snapshot_goes_straight_in() -> None:
    """Two customers, recency 10 and 30 days: the later one is 1, the earlier 0; the index is the key."""
    rows = pd.DataFrame({"客户号": ["a", "b"], "t": pd.to_datetime(["2025-01-01", "2025-01-21"]), "x": [4.0, 9.0]})
    chosen = rfm.IndicatorSet(indicators=(rfm.Recency(name="r"), rfm.Monetary(name="m")), min_history_days=0)
    schema = rfm.TransactionSchema(customer="客户号", time="t", amount="x")
    found = rfm.compute(rows, chosen, schema, as_of="2025-01-31")
    scaled = rfm.IndicatorScaler(chosen, method="min_max").fit_transform(found.features)
    assert scaled.to_dict("index") == {"a": {"r": 0.0, "m": 0.0}, "b": {"r": 1.0, "m": 1.0}}
