"""RFMScorer, ScoreTable and cells: known answers, counting in fractions, JSON, laws, refusals."""

from __future__ import annotations

import json
import math
import pickle
from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from custvalue import rfm
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

INDICATORS = rfm.IndicatorSet(
    indicators=[
        rfm.Recency(name="recency"),
        rfm.Frequency(name="frequency"),
        rfm.Monetary(name="monetary"),
    ]
)
NAMES = ["recency", "frequency", "monetary"]
SCORES = [f"{name}_score" for name in NAMES]
STRICT = rfm.IndicatorSet(indicators=[rfm.Monetary(name="a", null_rule="refuse"), rfm.Monetary(name="b")])
LEARNED = ["midrank", "quantile", "r_rfm"]
SECRET = 5550123.25


def past(n: int = 60, seed: int = 4) -> pd.DataFrame:
    """Customers with ties and, in the recency, nulls."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "recency": rng.integers(0, 40, n).astype(float),
            "frequency": rng.integers(1, 5, n).astype(float),
            "monetary": rng.gamma(1.0, 100.0, n).round(2),
        },
        index=[f"c{i}" for i in range(n)],
    )
    frame.iloc[::9, 0] = np.nan
    return frame


def counted(values: list[float], n_bins: int, method: str) -> list[int]:
    """Second route: ranks by counting, type-7 quantiles by linear steps, all in fractions."""
    n, ordered = len(values), sorted(values)
    if method == "midrank":
        equal = Counter(values)
        below: dict[float, int] = {}
        for place, value in enumerate(ordered):
            below.setdefault(value, place)
        score = {
            one: math.ceil(Fraction(n_bins * (2 * below[one] + count), 2 * n)) for one, count in equal.items()
        }
        return [score[value] for value in values]
    known = [Fraction(value) for value in ordered]
    cuts = []
    for j in range(1, n_bins):
        low, rest = divmod((n - 1) * Fraction(j, n_bins), 1)
        cuts.append(known[int(low)] + rest * (known[min(int(low) + 1, n - 1)] - known[int(low)]))
    if method == "r_rfm":
        return [1 + sum(cut + 1 <= Fraction(value) for cut in cuts) for value in values]
    return [1 + sum(cut < Fraction(value) for cut in cuts) for value in values]


# ------------------------------------------------------------------------------------------------- known answers


def test_by_hand_midrank() -> None:
    """k = 3; recency 0, 10, 20 and a null: ceil(3 x 0.5 / 3) = 1, 2, 3, mirrored 3, 2, 1, and 1 for the null.

    Frequency 1, 1, 2, 4: middle ranks 1.5, 1.5, 3, 4, so ceil(3 / 4) = 1, ceil(7.5 / 4) = 2, ceil(10.5 / 4) = 3.
    """
    frame = pd.DataFrame(
        {"recency": [0.0, 10.0, 20.0, None], "frequency": [1.0, 1, 2, 4], "monetary": [1.0, 2, 3, 4]}
    )
    scorer = rfm.RFMScorer(INDICATORS, n_bins=3).fit(frame)
    scores = scorer.transform(frame)
    assert list(scores) == SCORES
    assert scores["recency_score"].tolist() == [3, 2, 1, 1]
    assert scores["frequency_score"].tolist() == [1, 1, 2, 3]
    assert scorer.null_counts_.tolist() == [1, 0, 0]
    assert [counts.tolist() for counts in scorer.score_counts_] == [[2, 1, 1], [2, 1, 1], [1, 2, 1]]
    assert [one.cuts for one in scorer.score_table_.columns] == [(10.0, 20.0), (2.0, 4.0), (2.0, 4.0)]


def test_by_hand_quantile() -> None:
    """0, 10, 20, 30, 40, 50 and k = 5: cuts 10, 20, 30, 40; a value on a cut has the lower score."""
    X = np.arange(0.0, 60.0, 10.0)[:, None]
    scorer = rfm.RFMScorer(method="quantile").fit(X)
    assert scorer.score_table_.columns[0].cuts == (10.0, 20.0, 30.0, 40.0)
    assert scorer.transform(X).ravel().tolist() == [1, 1, 2, 3, 4, 5]
    new = np.array([[-5.0], [10.0], [10.5], [99.0], [np.nan]])
    assert scorer.transform(new).ravel().tolist() == [1, 1, 2, 5, 1]


def test_by_hand_heavy_ties() -> None:
    """70 % once, 20 % twice, 10 % three times: the scale stays 1 to 5, and the empty scores are told."""
    X = np.repeat([1.0, 2.0, 3.0], [7, 2, 1])[:, None]
    scorer = rfm.RFMScorer().fit(X)
    assert scorer.transform(np.array([[1.0], [2.0], [3.0]])).ravel().tolist() == [2, 4, 5]
    assert scorer.empty_scores_ == ((1, 3),)
    report = scorer.report()
    assert report[["n_bins", "customers", "nulls", "empty_scores"]].to_numpy().tolist() == [[5, 10, 0, "1, 3"]]
    assert report["largest_share"].tolist() == [0.7]
    # quantiles 1, 1, 1, 2: one passes none of them, two passes three, three all four
    assert rfm.RFMScorer(method="quantile").fit(X).transform([[1.0], [2.0], [3.0]]).ravel().tolist() == [1, 4, 5]


def test_by_hand_all_equal() -> None:
    """Everybody is in the middle by rank; no quantile is strictly below; and new values are still told apart."""
    X = np.full((6, 1), 4.0)
    scorer = rfm.RFMScorer().fit(X)
    assert scorer.transform(np.array([[3.9], [4.0], [9.0]])).ravel().tolist() == [1, 3, 3]
    assert scorer.score_table_.columns[0].cuts == (4.0, 4.0, None, None)
    assert rfm.RFMScorer(method="quantile").fit_transform(X).max() == 1
    assert rfm.RFMScorer(method="r_rfm").fit_transform(X).max() == 1


def test_by_hand_thresholds() -> None:
    """A value on a threshold belongs above it: 30 days are worse than 29, 100 is better than 99."""
    frame = pd.DataFrame(
        {"recency": [29.0, 30.0, None], "frequency": [0.0, 1.0, 5.0], "monetary": [99.0, 100.0, 5e3]}
    )
    thresholds: dict[str, list[float]] = {
        "recency": [30.0, 90.0],
        "frequency": [1.0],
        "monetary": [100, 1000, 10_000],
    }
    scorer = rfm.RFMScorer(INDICATORS, method="thresholds", thresholds=thresholds).fit(frame)
    assert scorer.transform(frame).to_numpy().tolist() == [[3, 1, 1], [2, 2, 2], [1, 2, 3]]
    assert scorer.score_table_.n_bins == {"recency": 3, "frequency": 2, "monetary": 4}
    same = rfm.RFMScorer(method="thresholds", thresholds=np.array([1.0, 2.0])).fit(np.ones((2, 2)))
    assert same.score_table_.n_bins == {"x0": 3, "x1": 3}


def test_hebbali2024_customer_table(shared: Path) -> None:
    """The R package rfm 0.3, published table of 39,999 customers: method "r_rfm" gives all 119,997 scores.

    Differences of our other methods: "quantile" gives the same, because the quantiles of this table are whole
    numbers; "midrank" differs in 178 recencies, 5,146 frequencies and 68 revenues, counted by a second route.
    """
    table = pd.read_csv(shared / "data/rfm/r_rfm_customer_expected.csv.gz")
    X = table[["recency_days", "number_of_orders", "revenue"]].set_axis(NAMES, axis=1)
    published = table[SCORES].to_numpy()
    for method, differences in (("r_rfm", [0, 0, 0]), ("quantile", [0, 0, 0]), ("midrank", [178, 5146, 68])):
        scores = rfm.RFMScorer(INDICATORS, method=method).fit_transform(X)  # type: ignore[arg-type]  # drawn
        assert (scores.to_numpy() != published).sum(axis=0).tolist() == differences
    ranks = np.column_stack([counted(X[name].tolist(), 5, "midrank") for name in NAMES])
    ranks[:, 0] = 6 - ranks[:, 0]
    np.testing.assert_array_equal(scores.to_numpy(), ranks)


def orders(shared: Path) -> pd.DataFrame:
    """The order table of the R package rfm as one row a customer, at its analysis date."""
    rows = pd.read_csv(shared / "data/rfm/r_rfm_orders.csv", parse_dates=["order_date"])
    grouped = rows.groupby("customer_id")
    days = (pd.Timestamp("2006-12-31") - grouped["order_date"].max()).dt.days
    return pd.DataFrame({"recency": days, "frequency": grouped.size(), "monetary": grouped["revenue"].sum()})


def test_hebbali2024_thresholds_of_the_orders(shared: Path) -> None:
    """``rfm_table_order``, example "using custom threshold": 115 181 297 482; 4 5 6 8; 256 382 506 666.

    They are the package's own cuts of its orders, rounded. So the customers with 297 days or a revenue of 506,
    which the cuts 297.4 and 506.4 keep below, are above the printed threshold, and all others score alike. The
    README prints the first customers' recency scores, and 205 days, 6 orders and 472 for the first.
    """
    X = orders(shared)
    scorer = rfm.RFMScorer(INDICATORS, method="r_rfm").fit(X)
    printed = {"recency": [115, 181, 297, 482], "frequency": [4, 5, 6, 8], "monetary": [256, 382, 506, 666]}
    for column in scorer.score_table_.columns:
        assert [round(cut or 0) for cut in column.cuts] == printed[column.name]
    by_thresholds = rfm.RFMScorer(INDICATORS, method="thresholds", thresholds=printed).fit_transform(X)
    scores = scorer.transform(X)
    differing = by_thresholds != scores
    assert set(X["recency"][differing["recency_score"]]) == {297}
    assert set(X["monetary"][differing["monetary_score"]]) == {506}
    assert not differing["frequency_score"].any()
    assert X.index[0] == "Abbey O'Reilly"
    assert X.to_numpy()[0].tolist() == [205, 6, 472]
    assert scores["recency_score"].head(5).tolist() == [3, 4, 3, 5, 4]


def test_r_rfm_is_for_whole_numbers_only(shared: Path) -> None:
    """With revenue in thousands the + 1 swallows the differences: 97 % score 1, where quantiles change nothing."""
    X = pd.read_csv(shared / "data/rfm/r_rfm_customer_expected.csv.gz")[["revenue"]]
    assert (rfm.RFMScorer(method="r_rfm").fit_transform(X / 1000) == 1).mean().item() > 0.9
    same = rfm.RFMScorer(method="quantile").fit_transform(X / 1000)
    pd.testing.assert_frame_equal(same, rfm.RFMScorer(method="quantile").fit_transform(X))


# --------------------------------------------------------------------------------------------------------- laws

COLUMN = st.lists(st.none() | st.integers(-3, 9).map(float) | st.floats(-1e6, 1e6), min_size=2, max_size=25)
METHOD = st.sampled_from(["midrank", "quantile"])


def column(values: list[float | None]) -> Any:
    return np.array([[np.nan if value is None else value] for value in values])


@settings(max_examples=100)
@given(COLUMN, st.integers(2, 8), METHOD, st.booleans())
def test_scores_are_the_counted_ones(
    values: list[float | None],
    n_bins: int,
    method: Any,
    cost: bool,  # noqa: FBT001 - drawn
) -> None:
    known = [value for value in values if value is not None]
    assume(known)
    indicators = rfm.IndicatorSet(indicators=[rfm.Recency(name="x", direction="cost" if cost else "benefit")])
    scorer = rfm.RFMScorer(indicators, n_bins=n_bins, method=method).fit(column(values))
    scores = scorer.transform(column(values)).ravel().tolist()
    expected = iter(counted(known, n_bins, method))
    for value, score in zip(values, scores, strict=True):
        if value is None:
            assert score == 1
        else:
            counted_one = next(expected)
            assert score == (n_bins + 1 - counted_one if cost else counted_one)
    assert scorer.null_counts_[0] == len(values) - len(known)


@settings(max_examples=60)
@given(COLUMN, st.sampled_from(LEARNED), st.randoms(use_true_random=False))
def test_order_pickle_and_json_change_nothing(values: Any, method: Any, random: Any) -> None:
    assume(any(value is not None for value in values))
    X = column(values)
    scorer = rfm.RFMScorer(method=method).fit(X)
    shuffled = list(values)
    random.shuffle(shuffled)
    assert rfm.RFMScorer(method=method).fit(column(shuffled)).score_table_ == scorer.score_table_
    table = rfm.ScoreTable.model_validate_json(scorer.score_table_.model_dump_json())
    assert table == scorer.score_table_
    assert table.digest == scorer.score_table_.digest
    np.testing.assert_array_equal(table.apply(X), scorer.transform(X))
    again = rfm.RFMScorer.from_score_table(table)
    np.testing.assert_array_equal(again.transform(X), scorer.transform(X))
    back = pickle.loads(pickle.dumps(scorer))  # noqa: S301 - our own bytes
    np.testing.assert_array_equal(back.transform(X), scorer.transform(X))


@pytest.mark.parametrize("method", LEARNED)
def test_rising_changes_of_the_unit_keep_the_scores(method: Any) -> None:
    """Ranks and quantile bins do not care about cents; R's + 1 does."""
    X = past()[["monetary"]]
    scores, other = (rfm.RFMScorer(method=method).fit_transform(one) for one in (X, X * 0.01))
    assert scores.equals(other) == (method != "r_rfm")


@pytest.mark.parametrize("method", LEARNED)
def test_next_month_is_scored_on_the_old_cuts(method: Any) -> None:
    """The cuts stand: customers of a later month score alone as together, and a boom lifts everybody."""
    frame, later = past(), past(seed=8)
    scorer = rfm.RFMScorer(INDICATORS, method=method).fit(frame)
    together = scorer.transform(later)
    alone = pd.concat([scorer.transform(later.iloc[[place]]) for place in range(len(later))])
    pd.testing.assert_frame_equal(together, alone)
    boom = scorer.transform(later.assign(monetary=later["monetary"] + 1e6))
    assert (boom["monetary_score"] == 5).all()
    # cut anew, the boom is gone
    assert rfm.RFMScorer(INDICATORS).fit_transform(later)["monetary_score"].nunique() == 5


def test_nulls_are_left_out_of_the_cuts() -> None:
    frame = past()
    with_nulls = rfm.RFMScorer(INDICATORS).fit(frame).score_table_
    known = frame.dropna()
    assert with_nulls.columns[0] == rfm.RFMScorer(INDICATORS).fit(known).score_table_.columns[0]


# ---------------------------------------------------------------------------------------------------- the table


def test_the_table_as_json() -> None:
    table = (
        rfm.RFMScorer(INDICATORS, n_bins={"recency": 2, "frequency": 3, "monetary": 2}).fit(past()).score_table_
    )
    found = json.loads(table.model_dump_json())
    assert found["spec_version"] == 1
    assert [one["name"] for one in found["columns"]] == NAMES
    assert found["columns"][0] == {
        "name": "recency",
        "method": "midrank",
        "cuts": list(table.columns[0].cuts),
        "direction": "cost",
        "null_rule": "worst",
    }
    assert rfm.ScoreTable.model_validate(found) == table
    assert (table.names, table.score_names) == (tuple(NAMES), tuple(SCORES))
    assert table.n_bins == {"recency": 2, "frequency": 3, "monetary": 2}
    assert rfm.ScoreTable.model_json_schema()["properties"]["columns"]["minItems"] == 1
    assert "ScoreTable(columns=3, digest=" in repr(table)


def test_the_table_as_a_frame() -> None:
    """Open ends are NaN; a cost's best score holds the small values; who owns a cut is told."""
    table = rfm.ScoreTable(
        columns=[
            rfm.ScoreCuts(name="r", method="thresholds", cuts=[30, 90], direction="cost"),
            rfm.ScoreCuts(name="m", method="quantile", cuts=[5.0]),
        ]
    )
    frame = table.to_frame()
    assert list(frame) == ["column", "direction", "method", "score", "lower", "upper", "includes"]
    assert frame["score"].tolist() == [1, 2, 3, 1, 2]
    np.testing.assert_array_equal(frame["lower"], [90.0, 30.0, np.nan, np.nan, 5.0])
    np.testing.assert_array_equal(frame["upper"], [np.nan, 90.0, 30.0, 5.0, np.nan])
    assert frame["includes"].tolist() == ["lower"] * 3 + ["upper"] * 2
    assert table._repr_html_().count("<tr>") == 6


def test_the_table_picks_columns_by_name() -> None:
    table = rfm.RFMScorer(INDICATORS).fit(past()).score_table_
    frame = past(seed=9)
    more = frame[NAMES[::-1]].assign(other="text")
    pd.testing.assert_frame_equal(table.apply(more), table.apply(frame))
    np.testing.assert_array_equal(table.apply(frame.to_numpy()), table.apply(frame).to_numpy())
    with pytest.raises(ColumnError, match=r"Column\(s\) missing: 'recency'. The frame has: 'a', 'freq"):
        table.apply(pd.DataFrame({"a": [1.0], "frequency": [1.0], "monetary": [1.0]}))
    with pytest.raises(DomainError, match="X has 2 columns and the table 3: recency, frequency, monetary"):
        table.apply(np.ones((2, 2)))
    with pytest.raises(DomainError, match=r"X has shape \(3,\)"):
        table.apply(np.ones(3))
    with pytest.raises(DataError, match=r"infinite numbers .*1 cell\(s\) in 'recency'"):
        table.apply(pd.DataFrame({"recency": [np.inf], "frequency": [1.0], "monetary": [1.0]}))


def test_a_scorer_from_a_table() -> None:
    frame = past()
    scorer = rfm.RFMScorer(INDICATORS, n_bins={"recency": 2, "frequency": 3, "monetary": 4}).fit(frame)
    again = rfm.RFMScorer.from_score_table(scorer.score_table_, INDICATORS)
    pd.testing.assert_frame_equal(again.transform(frame), scorer.transform(frame))
    assert again.get_feature_names_out().tolist() == SCORES
    assert again.get_params() == scorer.get_params()
    with pytest.raises(NotFittedError):
        again.report()
    assert again.fit(frame).score_table_ == scorer.score_table_
    thresholds = rfm.RFMScorer(method="thresholds", thresholds=[1.0, 2.0]).fit(frame[["monetary"]])
    other = rfm.RFMScorer.from_score_table(thresholds.score_table_)
    assert other.fit(frame[["monetary"]]).score_table_ == thresholds.score_table_
    with pytest.raises(ColumnError, match="differ in names, order, directions or null rules"):
        rfm.RFMScorer.from_score_table(scorer.score_table_)
    with pytest.raises(ColumnError, match="the set has"):
        rfm.RFMScorer.from_score_table(thresholds.score_table_, INDICATORS)
    with pytest.raises(DomainError, match="score_table is a str; allowed: ScoreTable"):
        rfm.RFMScorer.from_score_table("{}")  # type: ignore[arg-type]  # refused on purpose
    columns = [rfm.ScoreCuts(name="a", method="quantile", cuts=[1.0]), *thresholds.score_table_.columns]
    with pytest.raises(DomainError, match=r"mixes the methods \['quantile', 'thresholds'\].*score_table.apply"):
        rfm.RFMScorer.from_score_table(rfm.ScoreTable(columns=columns))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cuts": []}, "at least 1"),
        ({"cuts": [2.0, 1.0]}, "must rise from one to the next; equal ones are allowed"),
        ({"cuts": [1.0, 1.0], "method": "thresholds"}, r"must rise from one to the next \["),
        ({"cuts": [1.0, None]}, "goes with method 'midrank', not with 'quantile'"),
        ({"cuts": [None, 1.0], "method": "midrank"}, r"\(None\) stand at the end"),
        ({"cuts": [math.inf]}, "finite"),
        ({"cuts": ["1"]}, "valid number"),
        ({"cuts": [1e200]}, "less than or equal to 1000"),
        ({"method": "mean"}, "'midrank', 'quantile', 'thresholds' or 'r_rfm'"),
        ({"direction": "up"}, "'benefit' or 'cost'"),
        ({"name": ""}, "at least 1 character"),
        ({"colour": "blue"}, "not permitted"),
    ],
)
def test_refused_cuts(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        rfm.ScoreCuts.model_validate({"name": "x", "method": "quantile", "cuts": [1.0]} | changes)


def test_refused_tables() -> None:
    one = rfm.ScoreCuts(name="x", method="midrank", cuts=[1.0, 1.0, None])
    with pytest.raises(ValidationError, match=r"column name\(s\) \['x'\] stand more than once"):
        rfm.ScoreTable(columns=[one, one])
    with pytest.raises(ValidationError, match="at least 1 item"):
        rfm.ScoreTable(columns=[])


# ------------------------------------------------------------------------------------------------------ refusals


def refuse(error: type[Exception], message: str, X: Any, chosen: Any = None, **more: Any) -> None:
    with pytest.raises(error, match=message) as caught:
        rfm.RFMScorer(chosen, **more).fit(X)
    assert "5550123" not in str(caught.value)


@pytest.mark.parametrize(
    ("more", "error", "message"),
    [
        ({"method": "zscore"}, DomainError, "method must be one of midrank, quantile, thresholds, r_rfm"),
        ({"n_bins": 1}, DomainError, "n_bins must be a whole number from 2 to 1000"),
        ({"n_bins": 1001}, DomainError, "n_bins must be a whole number from 2 to 1000"),
        ({"n_bins": 2.5}, DomainError, "n_bins must be a whole number from 2 to 1000"),
        (
            {"n_bins": {"recency": 3, "frequency": 3}},
            ColumnError,
            r"n_bins must name exactly .*missing: \['monetary'\]",
        ),
        ({"n_bins": dict.fromkeys([*NAMES, "x"], 3)}, ColumnError, r"unknown: \['x'\]"),
        ({"n_bins": dict.fromkeys(NAMES, 0)}, DomainError, r"n_bins\['recency'\] must be a whole number"),
        ({"thresholds": [1.0]}, DomainError, "thresholds go with method 'thresholds', not with 'midrank'"),
        ({"method": "thresholds"}, DomainError, "method 'thresholds' needs thresholds"),
        ({"method": "thresholds", "thresholds": {"recency": [1.0]}}, ColumnError, "thresholds must name exactly"),
    ],
)
def test_refused_settings(more: dict[str, Any], error: type[Exception], message: str) -> None:
    refuse(error, message, past(), INDICATORS, **more)


@pytest.mark.parametrize(
    "bad", [[], [2.0, 1.0], [1.0, 1.0], [np.nan], [1e200], [True], ["1"], "12", True, np.nan, [[1.0]]]
)
def test_refused_thresholds(bad: Any) -> None:
    message = "thresholds must be 1 to 999 finite numbers, each larger than the one before"
    refuse(DomainError, message, past(), method="thresholds", thresholds=bad)
    message = r"thresholds\['recency'\] must be 1 to 999 finite numbers"
    refuse(DomainError, message, past(), method="thresholds", thresholds=dict.fromkeys(NAMES, bad))


@pytest.mark.parametrize(
    "thresholds",
    [
        [3.0, 9.0],
        np.array([3, 9]),
        pd.Series([3.0, 9.0]),
        pl.Series([3.0, 9.0]),
        {"r": pd.Series([3.0, 9.0])},
        {"r": np.array([3.0, 9.0])},
    ],
)
def test_by_hand_thresholds_of_every_kind(thresholds: Any) -> None:
    X = pd.DataFrame({"r": [2.0, 3.0, 8.0, 9.0]})
    scorer = rfm.RFMScorer(method="thresholds", thresholds=thresholds)
    assert clone(scorer).fit_transform(X)["r_score"].tolist() == [1, 2, 2, 3]


@pytest.mark.parametrize("make", [lambda X: X.mean(), lambda X: X.mean().to_dict(), lambda X: X.mean()[::-1]])
def test_by_hand_a_single_threshold_a_column_is_its_mean(make: Any) -> None:
    """Means 2 and 20: two scores each, a value equal to the mean lies above it, as a cost below."""
    X = pd.DataFrame({"recency": [1.0, 2.0, 3.0], "monetary": [10.0, 20.0, 30.0]})
    chosen = INDICATORS.select("recency", "monetary")
    scores = rfm.RFMScorer(chosen, method="thresholds", thresholds=make(X)).fit_transform(X)
    assert scores.to_numpy().tolist() == [[2, 1], [1, 2], [1, 2]]


def test_one_number_is_the_threshold_of_all_columns() -> None:
    X = pd.DataFrame({"a": [1.0, 3.0], "b": [3.0, 5.0]})
    for one in (3.0, 3, np.float64(3.0), np.array(3.0)):
        scores = rfm.RFMScorer(method="thresholds", thresholds=one).fit_transform(X)
        assert scores.to_numpy().tolist() == [[1, 2], [2, 2]]


def test_thresholds_by_name_that_do_not_fit_are_refused() -> None:
    X = past()[["recency"]]
    refuse(ColumnError, "thresholds must name exactly", X, method="thresholds", thresholds=pd.Series({"x": 1.0}))
    twice = pd.Series([1.0, 2.0], index=["recency", "recency"])
    refuse(
        ColumnError, "thresholds is a Series that names a column twice", X, method="thresholds", thresholds=twice
    )


def test_counts_of_the_fit_are_read_only() -> None:
    scorer = rfm.RFMScorer(INDICATORS).fit(past())
    for counts in (scorer.null_counts_, *scorer.score_counts_):
        with pytest.raises(ValueError, match="read-only"):
            counts[0] = 7


def test_a_part_of_the_set_scores_a_part_of_the_columns() -> None:
    frame = past()
    part = rfm.RFMScorer(INDICATORS.select("monetary", "recency")).fit(frame[["monetary", "recency"]])
    whole = rfm.RFMScorer(INDICATORS).fit_transform(frame)
    pd.testing.assert_frame_equal(
        part.transform(frame[["monetary", "recency"]]), whole[["monetary_score", "recency_score"]]
    )
    refuse(
        ColumnError, r"a part of the set, as indicators\.select\(\*names\) gives it", frame[NAMES[:2]], INDICATORS
    )


def test_rows_of_different_lengths_are_refused() -> None:
    table = rfm.ScoreTable(columns=[rfm.ScoreCuts(name="a", method="thresholds", cuts=[1.0])])
    with pytest.raises(DomainError, match="X has rows of different lengths; allowed: an array of numbers"):
        table.apply([[1.0], [1.0, 2.0]])


def test_refused_tables_of_customers() -> None:
    frame = past()
    refuse(DomainError, "scores need at least two customers", frame.iloc[[1]] * SECRET, INDICATORS)
    refuse(DataError, r"null throughout in \['recency'\]", frame.assign(recency=np.nan), INDICATORS)
    refuse(DataError, r"infinite numbers .*in 'monetary'", frame.assign(monetary=np.inf), INDICATORS)
    refuse(ColumnError, "X has 2 columns .* and the set has .*in order", frame[NAMES[:2]] * SECRET, INDICATORS)
    refuse(ColumnError, "X has 3 columns .* and the set has", frame[NAMES[::-1]], INDICATORS)
    refuse(ColumnError, r"X has 2 columns \(x0, x1\)", np.ones((3, 2)), INDICATORS)
    refuse(DomainError, "indicators is a dict; allowed: IndicatorSet", frame, {"a": 1})
    refuse(ColumnError, "Column 'a' is of type", pd.DataFrame({"a": ["5550123", "y"]}))
    nulls = pd.DataFrame({"a": [1.0, None], "b": [1.0, None]})
    refuse(DataError, r"X holds nulls in \['a'\], whose null_rule is 'refuse'", nulls, STRICT)
    scorer = rfm.RFMScorer(STRICT).fit(nulls.fillna(SECRET))
    with pytest.raises(DataError, match=r"X holds nulls in \['a'\], whose null_rule is 'refuse'"):
        scorer.transform(nulls)
    with pytest.raises(DataError, match=r"X holds nulls in \['a'\], whose null_rule is 'refuse'"):
        scorer.score_table_.apply(nulls)
    with pytest.raises(NotFittedError):
        rfm.RFMScorer().transform(nulls)
    with pytest.raises(NotFittedError):
        rfm.RFMScorer().get_feature_names_out()


# ------------------------------------------------------------------------------------------------------ contract


@pytest.mark.pyarrow
def test_frames_come_back_in_their_library(make_frame: Callable[..., Any]) -> None:
    columns = {name: values.tolist() for name, values in past().items()}
    columns["recency"] = [None if math.isnan(value) else value for value in columns["recency"]]
    frame = make_frame(columns)
    scorer = rfm.RFMScorer(INDICATORS).fit(frame)
    expected = rfm.RFMScorer(INDICATORS).fit_transform(past()).to_numpy()
    for scores in (scorer.transform(frame), scorer.score_table_.apply(frame)):
        assert type(scores) is type(frame)
        np.testing.assert_array_equal(np.column_stack([scores[name].to_numpy() for name in SCORES]), expected)
    labels = rfm.cells(scorer.transform(frame)).labels
    assert type(labels) is type(frame)
    assert labels["cell"].to_numpy().tolist()[1] == "-".join(map(str, expected[1]))


def test_pandas_keeps_its_index_and_arrays_stay_arrays() -> None:
    frame = past()
    scores = rfm.RFMScorer(INDICATORS).fit_transform(frame)
    pd.testing.assert_index_equal(scores.index, frame.index)
    assert (scores.dtypes == np.int64).all()
    array = rfm.RFMScorer(INDICATORS).fit(frame.to_numpy())
    np.testing.assert_array_equal(array.transform(frame.to_numpy()), scores.to_numpy())
    assert array.get_feature_names_out().tolist() == SCORES
    assert rfm.RFMScorer().fit(frame.to_numpy()).get_feature_names_out().tolist() == [
        "x0_score",
        "x1_score",
        "x2_score",
    ]
    wanted = rfm.RFMScorer(INDICATORS).set_output(transform="pandas").fit(frame).transform(frame)
    assert list(wanted) == SCORES
    before = frame.copy(deep=True)
    rfm.RFMScorer(INDICATORS).fit(frame).transform(frame)
    pd.testing.assert_frame_equal(frame, before)
    assert clone(rfm.RFMScorer(INDICATORS, n_bins=3)).get_params()["n_bins"] == 3


# --------------------------------------------------------------------------------------------------------- cells


def test_by_hand_cells() -> None:
    scores = pd.DataFrame({"r": [5, 1, 5, 5], "f": [4, 2, 4, 12]}, index=list("abcd"))
    found = rfm.cells(scores)
    assert found.labels["cell"].to_dict() == {"a": "5-4", "b": "1-2", "c": "5-4", "d": "5-12"}
    assert found.columns == ("r", "f")
    assert found.scores.tolist() == [[5, 4], [1, 2], [5, 4], [5, 12]]
    frame = found.to_frame()
    assert list(frame) == ["r", "f", "cell", "customers", "share"]
    assert frame["cell"].tolist() == ["5-12", "5-4", "1-2"]
    assert frame["customers"].tolist() == [1, 2, 1]
    assert frame["share"].tolist() == [0.25, 0.5, 0.25]
    values = pd.DataFrame({"turnover": [10.0, 4.0, 30.0, None], "age": [1, 2, 4, 7]}, index=list("abcd"))
    means = found.means(values)
    assert list(means)[5:] == ["turnover_mean", "turnover_known", "age_mean", "age_known"]
    np.testing.assert_array_equal(means["turnover_mean"], [np.nan, 20.0, 4.0])
    assert means["turnover_known"].tolist() == [0, 2, 1]
    assert means["age_mean"].tolist() == [7.0, 2.5, 2.0]
    assert list(found.means(values, columns=["age"]))[5:] == ["age_mean", "age_known"]
    assert list(found.means(values.to_numpy()))[5:] == ["x0_mean", "x0_known", "x1_mean", "x1_known"]


def test_chosen_columns_in_their_order() -> None:
    scores = pd.DataFrame({"r": [5], "f": [4], "m": [3], "note": ["x"]})
    assert rfm.cells(scores, columns=["m", "r"]).labels["cell"].tolist() == ["3-5"]
    assert rfm.cells([[1, 2]]).columns == ("x0", "x1")


def test_many_columns_are_compared_as_rows() -> None:
    """Ten columns of 1,000 make 10^30 possible cells, more than a whole number of 64 bits counts."""
    rng = np.random.default_rng(3)
    scores = np.repeat(rng.integers(1, 1001, (6, 10)), 2, axis=0)
    scores[0, 0] = scores[1, 0] = 1000
    frame = rfm.cells(scores).to_frame()
    assert frame["customers"].tolist() == [2] * 6
    assert frame["cell"].tolist()[0] == "-".join(map(str, scores[0]))
    assert frame["x0"].is_monotonic_decreasing


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3)), max_size=20))
def test_cells_are_counted(rows: list[tuple[int, int]]) -> None:
    found = rfm.cells(np.array(rows, dtype=float).reshape(-1, 2))
    frame = found.to_frame()
    expected = Counter(rows)
    assert dict(zip(zip(frame["x0"], frame["x1"], strict=True), frame["customers"], strict=True)) == expected
    assert list(zip(frame["x0"], frame["x1"], strict=True)) == sorted(expected, reverse=True)
    assert found.labels.tolist() == [f"{r}-{f}" for r, f in rows]


def test_a_result_of_cells_shows_no_customer() -> None:
    found = rfm.cells(pd.DataFrame({"r": [5, 1]}, index=["geheim", "b"]))
    assert repr(found) == "Cells(customers=2, columns=1, cells=2)"
    assert "geheim" not in found._repr_html_()
    with pytest.raises(ValueError, match="read-only"):
        found.scores[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        rfm.cells([[5, 1]]).labels[0] = "1-1"
    assert found.provenance.counts == {"customers": 2, "cells": 2}


@pytest.mark.parametrize(
    ("scores", "columns", "error", "message"),
    [
        ([[0.0, 1.0]], None, DataError, r"scores holds 1 value\(s\) in column 0 that are no whole number from 1"),
        ([[1.0, 2.5]], None, DataError, "in column 1 that are no whole number"),
        ([[1.0, np.nan]], None, DataError, "in column 1 that are no whole number"),
        ([[1.0, 1001.0]], None, DataError, "in column 1 that are no whole number"),
        (pd.DataFrame({"r": [0, 0, 1]}), None, DataError, r"2 value\(s\) in 'r'"),
        (pd.DataFrame({"r": ["5550123"]}), None, ColumnError, "Column 'r' is of type"),
        (pd.DataFrame({"r": [1]}), ["f"], ColumnError, "missing: 'f'"),
        (pd.DataFrame({"r": [1]}), [], DomainError, "scores has no column"),
        (pd.DataFrame({"r": [1]}), "r", DomainError, "columns must be a sequence of different names"),
        (pd.DataFrame({"r": [1]}), ["r", "r"], DomainError, "columns must be a sequence of different names"),
        ([[1.0]], ["r"], DomainError, "columns name columns of a frame, and scores is an array"),
        ([1.0], None, DomainError, "two dimensions"),
    ],
)
def test_refused_scores(scores: Any, columns: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        rfm.cells(scores, columns=columns)
    assert "5550123" not in str(caught.value)


def test_by_hand_figures_are_found_by_the_index() -> None:
    """Customer a has cell 5 and figure 1, b cell 1 and figure 2, in whatever order the figures stand."""
    found = rfm.cells(pd.DataFrame({"r": [5, 1]}, index=["a", "b"]))
    for figures in (
        pd.DataFrame({"x": [1.0, 2.0]}, index=["a", "b"]),
        pd.DataFrame({"x": [2.0, 1.0]}, index=["b", "a"]),
        pl.DataFrame({"x": [1.0, 2.0]}),
    ):
        assert found.means(figures)[["r", "x_mean"]].to_numpy().tolist() == [[5, 1.0], [1, 2.0]]


@pytest.mark.parametrize("name", ["cell", "customers", "share"])
def test_scores_named_like_columns_of_the_cells_are_refused(name: str) -> None:
    scores = pd.DataFrame({name: [5, 1], "r": [1, 2]})
    with pytest.raises(ColumnError, match=rf"scores has columns \['{name}'\].*rename them, or choose the scores"):
        rfm.cells(scores)
    assert rfm.cells(scores, columns=["r"]).columns == ("r",)


def test_scores_named_like_means_are_refused() -> None:
    found = rfm.cells(pd.DataFrame({"x_mean": [5, 1], "r": [1, 2]}))
    with pytest.raises(ColumnError, match=r"scores are named \['x_mean'\], which the means are called"):
        found.means(pd.DataFrame({"x": [1.0, 2.0]}))
    assert "y_mean" in found.means(pd.DataFrame({"y": [1.0, 2.0]}))


def test_refused_figures() -> None:
    found = rfm.cells(pd.DataFrame({"r": [5, 1]}, index=["a", "b"]))
    with pytest.raises(DomainError, match="values has 1 rows and there are 2 customers"):
        found.means([[1.0]])
    for index in (["b", "c"], ["a", "a"], [0, 1]):
        with pytest.raises(DataError, match="different pandas indexes, which do not hold the same customers once"):
            found.means(pd.DataFrame({"x": [1.0, 2.0]}, index=index))
    doubled = rfm.cells(pd.DataFrame({"r": [5, 1]}, index=["a", "a"]))
    with pytest.raises(DataError, match="different pandas indexes"):
        doubled.means(pd.DataFrame({"x": [1.0, 2.0]}, index=["a", "b"]))
    for bad in ("x", ["x", "x"], 3):
        with pytest.raises(DomainError, match="columns must be a sequence of different names"):
            found.means(pd.DataFrame({"x": [1.0, 2.0]}, index=["a", "b"]), columns=bad)  # type: ignore[arg-type]  # wrong
    with pytest.raises(ColumnError, match="missing: 'y'"):
        found.means(pd.DataFrame({"x": [1.0, 2.0]}, index=["a", "b"]), columns=["y"])
    with pytest.raises(DataError, match="infinite"):
        found.means([[1.0], [np.inf]])
