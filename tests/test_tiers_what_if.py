"""Another policy on the same panel, and thresholds proposed from shares: by hand, by a plain loop, refusals."""

from __future__ import annotations

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

OLD = tiers.TierPolicy.ladder(["basic", "gold", "vip"], [500, 2000])
NEW = tiers.TierPolicy.ladder(["basic", "gold", "vip"], [600, 2000], down=0.5)
SCORES = [[520, 520, 520], [700, 400, 400], [2500, 1500, 10]]


def panel_of(scores: Any, **more: Any) -> tiers.Panel:
    return tiers.Panel.from_wide({"score": np.array(scores)}, customers=["a", "b", "c"], **more)


# -------------------------------------------------------------------------------------------- what if


def test_by_hand_moves_and_costs() -> None:
    """Old: gold x3; gold, basic, basic; vip, gold, basic. New: basic x3; gold x3; vip, vip, basic."""
    found = tiers.what_if(OLD, NEW, panel_of(SCORES), costs={"gold": 10, "vip": 100})
    assert found.first.levels.tolist() == [[1, 1, 1], [1, 0, 0], [2, 1, 0]]
    assert found.second.levels.tolist() == [[0, 0, 0], [1, 1, 1], [2, 2, 0]]
    assert found.moves.tolist() == [[1, 1, 0], [1, 0, 0], [0, 0, 0]]
    assert found.first_costs.tolist() == [120.0, 20.0, 10.0]
    assert found.second_costs.tolist() == [110.0, 110.0, 10.0]
    assert found.cost_difference == 80.0
    assert found.costs()["difference"].tolist() == [-10.0, 90.0, 0.0]
    assert found.movers().to_dict("list") == {
        "customer": ["a", "b", "c"],
        "first": ["gold", "basic", "basic"],
        "second": ["basic", "gold", "basic"],
        "periods": [3, 2, 1],
    }
    assert found.summary()["first"].tolist() == [150.0, 3.0, 0.0, 2.0]
    assert found.summary()["second"].tolist() == [230.0, 1.0, 0.0, 1.0]
    assert found.to_frame()["customers"].tolist() == [1, 1, 1]
    assert repr(found) == "PolicyComparison(customers=3, periods=3, moved=2)"
    assert "the second policy costs +80 over the panel" in found._repr_html_()


def test_costs_of_the_policies_and_levels_of_other_names() -> None:
    levels = [tiers.Level(name="basic"), tiers.Level(name="prime", up=600, cost=7)]
    other = tiers.TierPolicy(levels=levels)
    found = tiers.what_if(OLD, other, panel_of(SCORES))
    assert found.first_costs.tolist() == [0.0, 0.0, 0.0]
    assert found.second_costs.tolist() == [14.0, 7.0, 0.0]
    assert found.moves.shape == (3, 2)
    assert found.movers()["periods"].tolist() == [3, 1, 2]


def test_absent_customers_are_no_movers_and_cost_nothing() -> None:
    panel = panel_of([[520, np.nan, np.nan], [700, 400, np.nan], [10, 10, 10]], on_missing="report")
    found = tiers.what_if(OLD, NEW, panel, costs={"gold": 1})
    assert found.first_costs.tolist() == [2.0, 0.0, 0.0]
    assert found.movers()[["first", "second", "periods"]].to_numpy().tolist() == [
        ["gold", "basic", 1],
        ["basic", "gold", 1],
    ]
    assert found.moves.sum() == 1


@pytest.mark.pyarrow
def test_a_frame_is_read_and_overrides_hold_for_both(make_frame: Callable[..., Any]) -> None:
    rows = {"key": ["a", "a", "b", "b"], "month": [0, 1, 0, 1], "score": [520.0, 520.0, 9.0, 9.0]}
    one = tiers.Override(customer="b", level="vip", by="x", why="y", since=0, until=9)
    table = make_frame(rows)
    found = tiers.what_if(OLD, NEW, table, overrides=[one], customer="key", period="month")
    assert found.second.levels.tolist() == [[0, 0], [2, 2]]
    assert type(found.movers()) is type(table)
    assert [str(key) for key in found.movers()["key"]] == ["a"]


@pytest.mark.parametrize(
    ("more", "error", "message"),
    [
        ({"costs": {"diamond": 1}}, DomainError, r"costs names \['diamond'\]; the policies have basic, gold, vip"),
        ({"costs": {"gold": np.inf}}, DomainError, r"costs of \['gold'\] are no finite numbers"),
        ({"costs": {"gold": "much"}}, DomainError, r"costs of \['gold'\] are no finite numbers"),
        ({"second": "gold"}, DomainError, "second is a str; allowed: TierPolicy"),
        ({"first": None}, DomainError, "first is a NoneType; allowed: TierPolicy"),
        ({"panel": pd.DataFrame({"customer": [1], "period": [0]})}, ColumnError, "missing: 'score'"),
    ],
)
def test_comparisons_that_cannot_be(more: Any, error: type[Exception], message: str) -> None:
    facts: dict[str, Any] = {"first": OLD, "second": NEW, "panel": panel_of(SCORES)} | more
    with pytest.raises(error, match=message):
        tiers.what_if(facts.pop("first"), facts.pop("second"), facts.pop("panel"), **facts)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_a_policy_against_itself_moves_nobody_and_sums_are_those_of_a_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    panel = panel_of(rng.integers(0, 2500, (3, 6)))
    same = tiers.what_if(NEW, NEW, panel, costs={"gold": 3})
    assert same.cost_difference == 0.0
    assert len(same.movers()) == 0
    assert same.moves.trace() == 3
    other = tiers.what_if(OLD, NEW, panel, costs={"gold": 3, "vip": 11})
    for replayed, costs in ((other.first, other.first_costs), (other.second, other.second_costs)):
        expected = [sum((0, 3, 11)[level] for level in column) for column in replayed.levels.T.tolist()]
        assert costs.tolist() == expected


# ------------------------------------------------------------------------------------------ thresholds


@pytest.mark.parametrize(
    ("values", "more", "up", "customers", "value"),
    [
        ([1, 2, 3, 4, 90], {"shares": [0.6, 0.2, 0.2]}, [4, 90], [0.6, 0.2, 0.2], [0.06, 0.04, 0.9]),
        (
            [90, 4, 3, 2, 1],
            {"shares": [0.6, 0.2, 0.2], "ties": "more"},
            [4, 90],
            [0.6, 0.2, 0.2],
            [0.06, 0.04, 0.9],
        ),
        ([1, 5, 5, 5, 9], {"shares": [0.5, 0.5]}, [9], [0.8, 0.2], [0.64, 0.36]),
        ([1, 5, 5, 5, 9], {"shares": [0.5, 0.5], "ties": "more"}, [5], [0.2, 0.8], [0.04, 0.96]),
        ([10, 20, 30, 40], {"value_shares": [0.3, 0.7]}, [30], [0.5, 0.5], [0.3, 0.7]),
        ([10, 20, 30, 40], {"value_shares": [0.5, 0.5]}, [40], [0.75, 0.25], [0.6, 0.4]),
        ([10, 20, 30, 40], {"value_shares": [0.5, 0.5], "ties": "more"}, [30], [0.5, 0.5], [0.3, 0.7]),
        ([-3, -2, -1, 2], {"shares": [0.5, 0.5]}, [-1], [0.5, 0.5], [np.nan, np.nan]),
    ],
)
def test_by_hand_thresholds(values: Any, more: Any, up: Any, customers: Any, value: Any) -> None:
    found = tiers.propose_thresholds(values, **more)
    assert found.up.tolist() == up
    np.testing.assert_allclose(found.customer_shares, customers, rtol=1e-12)
    np.testing.assert_allclose(found.value_shares, value, rtol=1e-12)


VALUES = st.lists(st.integers(0, 12), min_size=2, max_size=25).filter(lambda values: max(values) > 0)


@settings(max_examples=120)
@given(VALUES, st.sampled_from([0.1, 0.25, 0.5, 0.8]), st.sampled_from(["fewer", "more"]), st.booleans())
def test_thresholds_agree_with_a_plain_search(values: list[int], top: float, ties: Any, of_value: bool) -> None:  # noqa: FBT001 - drawn
    """Try every value as the threshold, with whole numbers of hundredths."""

    def above(v: int) -> int:
        return sum((one if of_value else 1) for one in values if one >= v)

    goal = round(top * 100) * above(0)
    shares = [1.0 - top, top]
    key = "value_shares" if of_value else "shares"
    fits = [
        v for v in sorted(set(values)) if (above(v) * 100 <= goal if ties == "fewer" else above(v) * 100 >= goal)
    ]
    best = None if not fits else (min(fits) if ties == "fewer" else max(fits))
    if best is None or best == min(values):
        with pytest.raises(DataError, match="too many equal ones"):
            tiers.propose_thresholds(values, **{key: shares}, ties=ties)
        return
    assert tiers.propose_thresholds(values, **{key: shares}, ties=ties).up.tolist() == [best]


@settings(max_examples=40)
@given(st.lists(st.integers(0, 10**6), min_size=20, max_size=60, unique=True), st.randoms(use_true_random=False))
def test_levels_hold_at_most_their_shares_in_any_order(values: list[int], random: Any) -> None:
    shares = [0.5, 0.3, 0.2]
    found = tiers.propose_thresholds(values, shares=shares)
    policy = found.policy(["mass", "gold", "vip"], down=[value / 2 for value in found.up.tolist()])
    graded = tiers.grade(policy, pd.DataFrame({"score": values}))
    np.testing.assert_allclose(np.array(list(graded.counts.values())) / len(values), found.customer_shares)
    assert found.customer_shares[2] <= 0.2 + 1e-12
    assert found.customer_shares[1:].sum() <= 0.5 + 1e-12
    random.shuffle(values)
    np.testing.assert_array_equal(tiers.propose_thresholds(values, shares=shares).up, found.up)


def test_a_proposal_shows_itself() -> None:
    found = tiers.propose_thresholds([1, 2, 3, 4], shares=[0.5, 0.5])
    assert found.to_frame()["target"].tolist() == [0.5, 0.5]
    assert repr(found) == "ThresholdProposal(levels=2, by='customers', ties='fewer')"
    assert "among equal values fewer" in found._repr_html_()
    assert found.policy(["a", "b"], score="aum").score == "aum"


@pytest.mark.parametrize(
    ("values", "more", "error", "message"),
    [
        ([1, 2], {}, DomainError, r"Give shares \(of the customers\) or value_shares"),
        ([1, 2], {"shares": [0.5, 0.5], "value_shares": [0.5, 0.5]}, DomainError, "and not both"),
        ([1, 2], {"shares": [0.5, 0.5], "ties": "even"}, DomainError, "ties must be 'fewer' or 'more'"),
        ([1, 2], {"shares": [1.0]}, DomainError, "shares must hold at least two positive numbers"),
        ([1, 2], {"shares": [1.0, 0.0]}, DomainError, "shares must hold at least two positive numbers"),
        ([1, 2], {"shares": ["x", 1]}, DomainError, "shares must hold at least two positive numbers"),
        ([1, 2], {"shares": [0.5, 0.4]}, DomainError, "shares sum to 0.9; allowed: 1"),
        ([1, np.nan], {"shares": [0.5, 0.5]}, DataError, r"values has 1 missing or infinite number\(s\)"),
        ([[1, 2]], {"shares": [0.5, 0.5]}, DomainError, r"values has shape \(1, 2\)"),
        ([], {"shares": [0.5, 0.5]}, DomainError, r"values has shape \(0,\)"),
        (["x"], {"shares": [0.5, 0.5]}, DomainError, "values does not hold numbers only"),
        (
            [-1, 2],
            {"value_shares": [0.5, 0.5]},
            DataError,
            r"values has 1 negative number\(s\) or no positive one",
        ),
        ([0, 0], {"value_shares": [0.5, 0.5]}, DataError, "or no positive one"),
        ([7, 7, 7], {"shares": [0.5, 0.5]}, DataError, "too many equal ones"),
        ([1, 2, 3], {"shares": [0.5, 0.1, 0.4]}, DataError, "several levels would share a threshold"),
    ],
)
def test_thresholds_that_cannot_be_proposed(values: Any, more: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        tiers.propose_thresholds(values, **more)
