"""Drift between two moments: indices by a second route, migration, causes of moves by hand and in loops."""

from __future__ import annotations

import datetime as dt
import itertools
import pickle
from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from custvalue import rfm
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def cuts(*values: float, name: str = "x", direction: Any = "benefit") -> rfm.ScoreTable:
    one = rfm.ScoreCuts(name=name, method="thresholds", cuts=values, direction=direction)
    return rfm.ScoreTable(columns=[one])


def moment(values: dict[Any, float | None], name: str = "x") -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(values, dtype=float)})


LOW_HIGH = rfm.SegmentMap(
    axes=[rfm.SegmentAxis(name="x", n_bins=2)],
    segments=[rfm.Segment(name="low", cells=["1"]), rfm.Segment(name="high", cells=["2"])],
)

# ---------------------------------------------------------------------------------------- distances


def test_by_hand_index_distance_and_counts() -> None:
    """Two bins at the median 2.5; shares 1/2, 1/2 become 1/4, 3/4: ln(3) / 4. At 2 lie 1/2 against 1/4."""
    before, after = moment({1: 1.0, 2: 2.0, 3: 3.0, 4: 4.0}), moment({3: 1.0, 4: 3.0, 5: 3.5, 6: 4.0})
    found = rfm.drift(before, after, n_bins=2)
    assert found.indicators == ("x",)
    np.testing.assert_allclose(found.psi, [np.log(3.0) / 4.0], rtol=1e-14)
    np.testing.assert_allclose(found.psi_limit, [0.5 * 3.841459], rtol=1e-6)  # chi-square, one degree of freedom
    assert found.ks.tolist() == [0.25]
    assert np.isnan(found.psi_permuted_limit).all()
    assert dict(found.n_customers) == {"before": 4, "after": 4, "both": 2, "entrants": 2, "leavers": 2}
    frame = found.to_frame()
    assert frame.loc[0, "rule_of_thumb"] == "above 0.25"
    bins = found.bins("x")
    assert bins[["before", "after"]].to_numpy().tolist() == [[2, 1], [2, 3], [0, 0]]
    assert bins["psi"].sum() == pytest.approx(np.log(3.0) / 4.0)
    assert (bins.loc[1, "above"], bins.loc[0, "up_to"]) == (2.5, 2.5)


FIGURES = st.lists(st.none() | st.integers(-20, 20).map(lambda value: value / 4.0), min_size=1, max_size=40)


@given(FIGURES, FIGURES, st.integers(2, 10))
@settings(max_examples=40)
def test_the_index_by_a_second_route(before: list[float | None], after: list[float | None], n_bins: int) -> None:
    """Quantiles in fractions, a class for null, the smoothing spelled out, divergences of SciPy."""
    known = sorted(Fraction(value) for value in before if value is not None)
    edges = set()
    for place in range(1, n_bins) if known else ():
        where = Fraction(place * (len(known) - 1), n_bins)
        low = int(where)
        edges.add(known[low] + (where - low) * (known[min(low + 1, len(known) - 1)] - known[low]))
    classes = [
        Counter(None if value is None else sum(edge < value for edge in edges) for value in one)
        for one in (before, after)
    ]
    table = np.array([[float(one[name]) for one in classes] for name in {*classes[0], *classes[1]}])
    table = table + 0.5 if (table == 0.0).any() else table
    found = rfm.drift(moment(dict(enumerate(before))), moment(dict(enumerate(after))), n_bins=n_bins)
    want = stats.entropy(table[:, 0], table[:, 1]) + stats.entropy(table[:, 1], table[:, 0])
    assert found.psi[0] == pytest.approx(want, abs=1e-9)


def test_null_is_a_bin_of_its_own() -> None:
    """Half of the customers lose the figure: shares (1/2, 1/2, 0) become (1/4, 1/4, 1/2), smoothed by 1/2 each."""
    before = moment({1: 1.0, 2: 2.0, 3: 3.0, 4: 4.0})
    after = moment({1: 1.0, 2: None, 3: 3.0, 4: None})
    found = rfm.drift(before, after, n_bins=2)
    first, second = np.array([2.5, 2.5, 0.5]) / 5.5, np.array([1.5, 1.5, 2.5]) / 5.5
    np.testing.assert_allclose(found.psi, [((second - first) * np.log(second / first)).sum()], rtol=1e-13)
    assert found.to_frame()[["null_share_before", "null_share_after"]].to_numpy().tolist() == [[0.0, 0.5]]
    assert found.ks_p_value[0] == 1.0


def test_permutations_find_that_the_same_customers_make_less_noise() -> None:
    """5 % of 400 customers are dealt anew: the independent limit is far above what their noise reaches."""
    rng = np.random.default_rng(0)
    values = rng.gamma(2.0, size=400)
    changed = np.where(rng.random(400) < 0.05, rng.gamma(2.0, size=400), values)
    before, after = pd.DataFrame({"x": values}), pd.DataFrame({"x": changed})
    found = rfm.drift(before, after, n_permutations=200, random_state=0)
    again = rfm.drift(before, after, n_permutations=200, random_state=0)
    assert found.psi_permuted_limit.tolist() == again.psi_permuted_limit.tolist()
    assert found.psi_permuted_limit[0] < 0.25 * found.psi_limit[0]
    assert found.psi_permuted_p_value[0] > 0.02
    shifted = rfm.drift(before, after + 0.3, n_permutations=200, random_state=0)
    assert shifted.psi_permuted_p_value[0] == 1.0 / 201.0
    assert shifted.psi[0] > shifted.psi_permuted_limit[0]


def test_a_moment_against_itself_has_no_drift() -> None:
    table = moment({"a": 1.0, "b": None, "c": 3.0})
    found = rfm.drift(table, table, cuts_before=cuts(2.0), n_permutations=10, random_state=1)
    assert (found.psi[0], found.ks[0], found.psi_permuted_limit[0], found.psi_permuted_p_value[0]) == (0, 0, 0, 1)
    assert np.diag(found.migration).sum() == found.migration.sum() == 3.0
    assert (found.causes()[["customer_effect", "cuts_effect"]] == 0.0).all(axis=None)


def test_a_figure_that_is_null_throughout_is_compared_by_that() -> None:
    found = rfm.drift(moment({1: None, 2: None}), moment({1: None, 2: None}))
    assert found.psi.tolist() == [0.0]
    assert np.isnan(found.ks).all()


# ---------------------------------------------------------------------------------------- moves


def test_by_hand_migration_and_its_intervals() -> None:
    """One low customer rises, a high one leaves, a low one enters.

    Wilson's ends are the roots q of (p - q)^2 = z^2 q (1 - q) / n, here with p = 1/2 and n = 2.
    """
    before = moment({"a": 1.0, "b": 2.0, "c": 8.0, "d": 9.0})
    after = moment({"a": 1.5, "b": 8.0, "c": 9.0, "e": 2.0})
    found = rfm.drift(before, after, cuts_before=cuts(5.0), segment_map=LOW_HIGH, confidence=0.9)
    assert found.states == ("low", "high")
    assert found.migration_matrix().to_numpy().tolist() == [[1.0, 1.0], [0.0, 1.0]]
    assert (found.leavers.tolist(), found.entrants.tolist()) == ([0.0, 1.0], [1.0, 0.0])
    shares = found.migration_shares()
    assert shares[["before", "after", "customers", "share"]].to_numpy().tolist() == [
        ["low", "low", 1, 0.5],
        ["low", "high", 1, 0.5],
        ["high", "low", 0, 0.0],
        ["high", "high", 1, 1.0],
    ]
    z = stats.norm.ppf(0.95)
    low, high = sorted(np.roots([1.0 + z * z / 2.0, -1.0 - z * z / 2.0, 0.25]).real)
    assert shares[["share_low", "share_high"]].to_numpy()[0] == pytest.approx([low, high])
    assert shares.loc[2, "share_low"] == 0.0


def test_by_hand_causes_of_four_customers() -> None:
    """The cut rises from 10 to 20.

    a, 5 to 25, moves by its figure; b, 15 to 15, by the cut; c, 15 to 5, by either alone, a half each; d, 5 to 15,
    would have risen but for the cut, which takes it back: plus and minus a half.
    """
    before, after = (
        moment({"a": 5.0, "b": 15.0, "c": 15.0, "d": 5.0}),
        moment({"a": 25.0, "b": 15.0, "c": 5.0, "d": 15.0}),
    )
    found = rfm.drift(before, after, cuts_before=cuts(10.0), cuts_after=cuts(20.0), segment_map=LOW_HIGH)
    causes = found.causes()
    assert causes.columns.tolist() == [
        "before",
        "after",
        "customers",
        "customer_first",
        "cuts_second",
        "cuts_first",
        "customer_second",
        "customer_effect",
        "cuts_effect",
    ]
    assert causes.to_numpy().tolist() == [
        ["low", "low", 1, 1, 1, 0, 0, 0.5, -0.5],
        ["low", "high", 1, 1, 0, 0, 1, 1.0, 0.0],
        ["high", "low", 2, 1, 1, 2, 0, 0.5, 1.5],
    ]


def label_in_loops(value: float, cut_points: Sequence[float], direction: str) -> str:
    score = 1 + sum(value >= cut for cut in cut_points)
    return str(score if direction == "benefit" else len(cut_points) + 2 - score)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30),
    st.lists(st.integers(1, 8), min_size=2, max_size=2, unique=True).map(sorted),
    st.lists(st.integers(1, 8), min_size=2, max_size=2, unique=True).map(sorted),
    st.sampled_from(["benefit", "cost"]),
)
@settings(max_examples=30)
def test_causes_are_shapley_values_over_both_orders(
    customers: list[tuple[int, int]], old: list[int], new: list[int], direction: Any
) -> None:
    """Second route: each customer, each order of the two changes, the step at which the label leaves its start."""
    before = moment({place: float(one) for place, (one, _) in enumerate(customers)})
    after = moment({place: float(one) for place, (_, one) in enumerate(customers)})
    found = rfm.drift(
        before,
        after,
        cuts_before=cuts(*map(float, old), direction=direction),
        cuts_after=cuts(*map(float, new), direction=direction),
    ).causes()
    effects: Counter[tuple[str, str, str]] = Counter()
    for values in customers:
        start = label_in_loops(values[0], old, direction)
        end = label_in_loops(values[1], new, direction)
        for order in itertools.permutations(["customer", "cuts"]):
            done: set[str] = set()
            apart = 0
            for change in order:
                done.add(change)
                value, points = values["customer" in done], new if "cuts" in done else old
                now = int(label_in_loops(value, points, direction) != start)
                effects[start, end, change] += now - apart
                apart = now
    for row in found.to_dict("records"):
        assert row["customer_effect"] == effects[row["before"], row["after"], "customer"] / 2
        assert row["cuts_effect"] == effects[row["before"], row["after"], "cuts"] / 2
    moved = found[found["before"] != found["after"]]["customers"].sum()
    assert found[["customer_effect", "cuts_effect"]].to_numpy().sum() == moved
    assert found["customers"].sum() == len(customers)


def test_cells_and_unchanged_cuts() -> None:
    """Without a map the states are cells, by their scores: 1-10 comes after 1-2; all moves are the customers'."""
    two = rfm.ScoreTable(
        columns=[
            rfm.ScoreCuts(name="x", method="thresholds", cuts=[5.0]),
            rfm.ScoreCuts(name="y", method="thresholds", cuts=[float(cut) for cut in range(1, 10)]),
        ]
    )
    before = pd.DataFrame({"x": [1.0, 1.0, 9.0], "y": [1.0, 9.5, 0.0]}, index=[1, 2, 3])
    after = pd.DataFrame({"x": [1.0, 9.0, 9.0], "y": [9.5, 0.0, 0.0]}, index=[1, 2, 3])
    found = rfm.drift(before, after, cuts_before=two)
    assert found.states == ("1-2", "1-10", "2-1")
    causes = found.causes()
    assert (causes["cuts_effect"] == 0.0).all()
    assert causes["customer_effect"].sum() == 2.0


@pytest.mark.pyarrow
def test_labels_of_a_column_in_every_library(make_frame: Callable[[Any], Any]) -> None:
    before = make_frame({"客户号": ["a", "b", "c"], "x": [1.0, 2.0, 3.0], "级": ["银", "金", "银"]})
    after = make_frame({"客户号": ["c", "a", "d"], "x": [3.0, 1.0, 4.0], "级": ["金", "银", "金"]})
    found = rfm.drift(before, after, key="客户号", label="级")
    assert found.indicators == ("x",)
    matrix = found.migration_matrix()
    assert matrix.loc["银"].to_dict() == {"金": 1.0, "银": 1.0}
    assert matrix.to_numpy().sum() == 2.0
    with pytest.raises(DomainError, match="no causes to tell apart: give cuts_before"):
        found.causes()


@given(st.randoms(use_true_random=False))
@settings(max_examples=10)
def test_the_order_of_rows_is_no_matter(random: Any) -> None:
    rng = np.random.default_rng(2)
    before = pd.DataFrame({"x": rng.integers(0, 9, 40).astype(float)}, index=np.arange(40))
    after = pd.DataFrame({"x": rng.integers(0, 9, 40).astype(float)}, index=np.arange(10, 50))
    order = random.sample(range(40), 40)
    settings_given: dict[str, Any] = {"cuts_before": cuts(3.0, 6.0), "cuts_after": cuts(4.0, 5.0)}
    one = rfm.drift(before, after, **settings_given)
    other = rfm.drift(before.iloc[order], after.iloc[order[::-1]], **settings_given)
    pd.testing.assert_frame_equal(one.to_frame(), other.to_frame(), check_exact=True)
    pd.testing.assert_frame_equal(one.migration_matrix(), other.migration_matrix())
    pd.testing.assert_frame_equal(one.causes(), other.causes())


# ---------------------------------------------------------------------------------------- snapshots and results

ROWS = pd.DataFrame(
    {
        "id": [1, 1, 2, 2, 3, 1, 4],
        "time": pd.to_datetime(
            ["2025-01-01", "2025-03-01", "2025-01-05", "2025-02-01", "2025-01-07", "2025-05-20", "2025-04-20"]
        ),
        "amount": [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0],
    }
)
INDICATORS = rfm.IndicatorSet(
    indicators=[rfm.Recency(name="recency"), rfm.Monetary(name="turnover")], min_history_days=30
)
SCHEMA = rfm.TransactionSchema(customer="id", time="time", amount="amount")


def test_snapshots_of_two_moments() -> None:
    """By hand: customer 4 is graded only in June; recency on 1 April is 31, 59 and 84 days, cut at 45 days."""
    before = rfm.compute(ROWS, INDICATORS, SCHEMA, as_of="2025-04-01")
    after = rfm.compute(ROWS, INDICATORS, SCHEMA, as_of="2025-06-01")
    table = cuts(45.0, name="recency", direction="cost")
    found = rfm.drift(before, after, cuts_before=table)
    assert found.indicators == ("recency", "turnover")
    assert dict(found.n_customers) == {"before": 3, "after": 4, "both": 3, "entrants": 1, "leavers": 0}
    assert found.migration_matrix().to_numpy().tolist() == [[2.0, 0.0], [0.0, 1.0]]
    assert found.entrants.tolist() == [0.0, 1.0]
    assert rfm.drift(before, after, columns=["turnover"]).indicators == ("turnover",)
    with pytest.raises(DomainError, match="before is the later snapshot"):
        rfm.drift(after, before)
    other = rfm.IndicatorSet(indicators=[rfm.Recency(name="recency", window="90d")], min_history_days=30)
    with pytest.raises(DomainError, match="different indicators"):
        rfm.drift(before, rfm.compute(ROWS, other, SCHEMA, as_of="2025-06-01"))
    with pytest.raises(DomainError, match="both be snapshots or both be frames"):
        rfm.drift(before, after.features)
    with pytest.raises(DomainError, match="key is for frames"):
        rfm.drift(before, after, key="id")


def test_results_are_frozen_and_say_little_of_customers() -> None:
    before, after = moment({987654: 1.25, 2: 2.0}), moment({987654: 2.5, 3: 2.0})
    found = rfm.drift(before, after, cuts_before=cuts(2.0), segment_map=LOW_HIGH)
    assert repr(found) == "Drift(indicators=1, states=2, both=1, entrants=1, leavers=1)"
    html = found._repr_html_()
    assert "987654" not in html
    assert "Migration" in html
    assert "Migration" not in rfm.drift(before, after)._repr_html_()
    with pytest.raises(ValueError, match="read-only"):
        found.psi[0] = 1.0
    with pytest.raises(AttributeError):
        found.confidence = 0.5  # type: ignore[misc]  # frozen
    table, names = found.provenance.spec.split("\n")
    assert rfm.ScoreTable.model_validate_json(table) == cuts(2.0)
    assert rfm.SegmentMap.model_validate_json(names) == LOW_HIGH
    copy = pickle.loads(pickle.dumps(found))  # noqa: S301 - our own bytes
    pd.testing.assert_frame_equal(copy.to_frame(), found.to_frame())
    with pytest.raises(DomainError, match="indicator must be one of x"):
        found.bins("y")


def test_nobody_in_both_moments() -> None:
    found = rfm.drift(moment({1: 1.0, 2: 2.0}), moment({3: 1.0}), cuts_before=cuts(1.5), n_permutations=5)
    assert found.migration.sum() == 0.0
    assert len(found.migration_shares()) == 0
    with pytest.raises(DomainError, match="no customer is in both"):
        found.causes()


# ---------------------------------------------------------------------------------------- refusals

ONE = moment({1: 1.0, 2: 2.0})


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"n_bins": 1}, "n_bins must be a whole number from 2"),
        ({"n_permutations": -1}, "n_permutations must be a whole number from 0"),
        ({"confidence": 1.0}, r"confidence must be a number in \(0, 1\)"),
        ({"confidence": "95"}, "confidence must be a number"),
        ({"columns": "x"}, "columns is a text"),
        ({"cuts_after": cuts(1.0)}, "cuts_after and segment_map need cuts_before"),
        ({"segment_map": LOW_HIGH}, "cuts_after and segment_map need cuts_before"),
        ({"label": "x", "cuts_before": cuts(1.0)}, "label and cuts_before both give"),
        ({"cuts_before": cuts(1.0), "cuts_after": cuts(1.0, name="y")}, "must cut the same columns"),
        ({"cuts_before": {"x": [1.0]}}, "cuts_before is a dict; allowed: ScoreTable"),
    ],
)
def test_a_wrong_setting_is_named(more: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        rfm.drift(ONE, ONE, **more)


def test_tables_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(ColumnError, match=r"'y'.*after must hold them"):
        rfm.drift(ONE.assign(y=1.0), ONE)
    with pytest.raises(ColumnError, match="missing: 'k'"):
        rfm.drift(ONE, ONE, key="k")
    with pytest.raises(ColumnError, match="one or more figures"):
        rfm.drift(ONE.astype(str), ONE.astype(str))
    with pytest.raises(ColumnError, match="one or more figures, each once"):
        rfm.drift(ONE, ONE, columns=["x", "x"])
    with pytest.raises(ColumnError, match=r"missing: 'y'.*what the cuts are for"):
        rfm.drift(ONE, ONE, cuts_before=cuts(1.0, name="y"))
    with pytest.raises(DataError, match=r"after must name each customer once; 0 key\(s\) are null and 1 stand"):
        rfm.drift(ONE, pd.concat([ONE, ONE.iloc[:1]]))
    with pytest.raises(DataError, match=r"before must name each customer once; 1 key\(s\) are null"):
        rfm.drift(ONE.set_axis([1.0, np.nan]), ONE)
    with pytest.raises(DataError, match=r"different types \(integer, string\)"):
        rfm.drift(ONE, ONE.set_axis(["1", "2"]))
    with pytest.raises(DataError, match="before holds no customer"):
        rfm.drift(ONE.iloc[:0], ONE)
    with pytest.raises(DataError, match="infinite"):
        rfm.drift(ONE, ONE.replace(1.0, np.inf))
    with pytest.raises(DataError, match=r"Column 'level' of after holds 1 null"):
        rfm.drift(ONE.assign(level="A"), ONE.assign(level=pd.Series(["A", None], index=[1, 2])), label="level")
    with pytest.raises(DomainError, match="before is a list"):
        rfm.drift([1], ONE)
    polars = pytest.importorskip("polars")
    with pytest.raises(DomainError, match="before has no index: name the column"):
        rfm.drift(polars.DataFrame({"x": [1.0]}), ONE)


def test_too_many_states_are_refused() -> None:
    many = pd.DataFrame({"x": 1.0, "level": np.arange(2001).astype(str)})
    with pytest.raises(DataError, match="2001 different labels; allowed: at most 2000"):
        rfm.drift(many, many, label="level")


def test_dates_are_keys_as_well() -> None:
    table = moment({dt.date(2025, 1, 1): 1.0, dt.date(2025, 1, 2): 2.0})
    assert rfm.drift(table, table).n_customers["both"] == 2


def test_by_hand_totals_of_the_moves() -> None:
    """Of 4 customers b rises past both cuts (its own doing), c falls by the new cut alone: 2 moved, 1 and 1."""
    before = pd.DataFrame({"x": [10.0, 20.0, 30.0, 40.0]}, index=list("abcd"))
    after = before.assign(x=[10.0, 50.0, 30.0, 40.0])
    found = rfm.drift(before, after, cuts_before=cuts(25.0), cuts_after=cuts(35.0), n_bins=2)
    assert found.totals() == {"customers": 4.0, "moved": 2.0, "by_customers": 1.0, "by_cuts": 1.0}


def test_by_hand_a_map_reads_figures_of_any_name() -> None:
    """Turnover 10 of 25 is low and 50 is high; recency is never read."""
    two = rfm.SegmentMap(
        axes=[rfm.SegmentAxis(name="monetary", n_bins=2)],
        segments=[rfm.Segment(name=name, cells=[str(score)]) for score, name in ((1, "low"), (2, "high"))],
    )
    table = rfm.ScoreTable(
        columns=[rfm.ScoreCuts(name=name, method="thresholds", cuts=[25.0]) for name in ("turnover", "recency")]
    )
    before = pd.DataFrame({"turnover": [10.0, 50.0], "recency": [1.0, 1.0]}, index=["a", "b"])
    found = rfm.drift(
        before,
        before.assign(turnover=[50.0, 50.0]),
        cuts_before=table,
        segment_map=two,
        segment_columns={"monetary": "turnover"},
        n_bins=2,
    )
    assert found.migration_matrix().loc["low", "high"] == 1.0
    with pytest.raises(ColumnError, match=r"missing: 'money'.*figures of the cuts"):
        rfm.drift(before, before, cuts_before=table, segment_map=two, segment_columns={"monetary": "money"})
    with pytest.raises(DomainError, match="give segment_map too"):
        rfm.drift(before, before, cuts_before=table, segment_columns={"monetary": "turnover"})
