"""Contribution and points: by hand, laws, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from custvalue import tiers
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable

RULE = tiers.Contribution(
    balances=[tiers.BalanceRate(column="deposit", rate=0.012), tiers.BalanceRate(column="loan", rate=0.03)],
    fees=["card_fees"],
    credit_losses=[tiers.CreditLoss(exposure="loan", default_probability="pd", loss_given_default=0.5)],
    expected_losses=["fraud"],
    costs=["service", "branch"],
    periods_per_year=12,
)
ROW: dict[str, Any] = {
    "key": ["a"], "deposit": [12_000.0], "loan": [24_000.0], "card_fees": [8.0], "pd": [0.001], "fraud": [1.0],
    "service": [5.0], "branch": [2.5],
}  # fmt: skip


def test_by_hand_contribution() -> None:
    """12,000 x 1.2 % / 12 + 24,000 x 3 % / 12 + 8 - 24,000 x 0.1 % x 50 % - 1 - 5 - 2.5 = 59.5."""
    found = RULE.apply(pd.DataFrame(ROW))
    np.testing.assert_allclose(found.parts, [[12.0, 60.0, 8.0, -12.0, -1.0, -5.0, -2.5]], rtol=1e-14)
    assert found.score[0] == pytest.approx(59.5, rel=1e-14)
    assert found.part_names == (
        "deposit", "loan", "card_fees", "credit loss of loan", "fraud", "service", "branch",
    )  # fmt: skip


def test_numbers_may_stand_for_columns() -> None:
    loss = tiers.CreditLoss(exposure="loan", default_probability=0.01, loss_given_default="lgd")
    rule = tiers.Contribution(credit_losses=[loss], name="loss")
    assert rule.columns == ("loan", "lgd")
    assert rule.apply(pd.DataFrame({"loan": [1000.0], "lgd": [0.4]})).score.tolist() == [-4.0]


@pytest.mark.pyarrow
def test_scores_go_on_to_a_policy(make_frame: Callable[..., Any]) -> None:
    table = make_frame(ROW)
    frame = RULE.apply(table, keep=["key"]).to_frame()
    assert type(frame) is type(table)
    policy = tiers.TierPolicy.five_stars([10, 50, 100, 1000])
    assert tiers.grade(policy, frame).levels.tolist() == ["three stars"]


@pytest.mark.parametrize(
    ("rule", "values", "points"),
    [
        ({"per": 1000}, [999.99, 1000, 2999], [0, 1, 2]),
        ({"per": 1000, "whole": False}, [500, 2500], [0.5, 2.5]),
        ({"per": 1000, "points": 3, "cap": 10}, [2000, 9000], [6, 10]),
        ({"points": 50}, [True, False], [50, 0]),
        ({"per": 0.1}, [0.3, 0.29], [3, 2]),
        ({}, [-5.0, 2.7], [0, 2]),
    ],
)
def test_by_hand_points(rule: dict[str, Any], values: list[Any], points: list[float]) -> None:
    found = tiers.Points(rules=[tiers.PointRule(column="x", **rule)]).apply(pd.DataFrame({"x": values}))
    assert found.score.tolist() == points


@settings(max_examples=40)
@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=20), st.integers(1, 1000))
def test_points_of_whole_numbers_are_floor_division(values: list[int], per: int) -> None:
    found = tiers.Points(rules=[tiers.PointRule(column="x", per=per)]).apply(pd.DataFrame({"x": values}))
    assert found.score.tolist() == [value // per for value in values]


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_parts_in_their_order_are_the_score(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({name: rng.random(5) * 1000 for name in RULE.columns}).assign(pd=rng.random(5))
    found = RULE.apply(table)
    total = np.zeros(5)
    for part in found.parts.T:
        total = total + part
    assert found.score.tolist() == total.tolist()


def test_specifications_go_through_json() -> None:
    points = tiers.Points(rules=[tiers.PointRule(column="x", cap=9)])
    assert tiers.Contribution.model_validate_json(RULE.model_dump_json()) == RULE
    assert tiers.Points.model_validate_json(points.model_dump_json()) == points


def test_a_score_table_shows_itself() -> None:
    found = RULE.apply(pd.DataFrame(ROW))
    assert repr(found) == "Scores(score='contribution', rows=1, parts=7)"
    assert "credit loss of loan" in found._repr_html_()
    with pytest.raises(ValueError, match="read-only"):
        found.score[:] = 0.0


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (tiers.Contribution, "nothing to add up"),
        (lambda: tiers.Contribution(fees=["x"], costs=["x"]), r"part\(s\) \['x'\] stand more than once"),
        (lambda: tiers.Contribution(fees=["contribution"]), "or are called as the score"),
        (lambda: tiers.Contribution(fees=["x"], periods_per_year=0), "greater than 0"),
        (lambda: tiers.Points(rules=[]), "at least 1 item"),
        (lambda: tiers.Points(rules=[tiers.PointRule(column="x")] * 2), "stand more than once"),
        (lambda: tiers.PointRule(column="x", per=0), "greater than 0"),
        (lambda: tiers.PointRule(column="x", cap=0), "greater than 0"),
        (
            lambda: tiers.CreditLoss(exposure="x", default_probability=1.5, loss_given_default=0.5),
            r"default_probability must lie in \[0, 1\]",
        ),
        (
            lambda: tiers.CreditLoss(exposure="x", default_probability=0.5, loss_given_default=-0.1),
            r"loss_given_default must lie in \[0, 1\]",
        ),
    ],
)
def test_scores_that_cannot_be(build: Callable[[], object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        build()


@pytest.mark.parametrize(
    ("change", "keep", "error", "message"),
    [
        ({"loan": [-1.0]}, (), DataError, r"'loan' has 1 negative exposure\(s\)"),
        ({"pd": [2.0]}, (), DataError, r"'pd' has 1 value\(s\) outside \[0, 1\]; give shares, not percent"),
        ({"fraud": [np.nan]}, (), DataError, "table holds missing values"),
        ({}, ["who"], ColumnError, "missing: 'who'"),
        ({}, ["deposit"], ColumnError, r"keep names \['deposit'\]"),
    ],
)
def test_tables_that_cannot_be_scored(change: Any, keep: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        RULE.apply(pd.DataFrame(ROW | change), keep=keep)
    with pytest.raises(DomainError, match="table has no row"):
        RULE.apply(pd.DataFrame(ROW).head(0))
    with pytest.raises(ColumnError, match="missing: 'branch'"):
        RULE.apply(pd.DataFrame(ROW).drop(columns="branch"))
