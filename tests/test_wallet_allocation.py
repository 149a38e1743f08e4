"""The wallet allocation rule: the published table, ties, brands, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue import wallet
from custvalue._wallet_models.allocation import allocated_share
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAN = float("nan")


def test_keiningham2015_table(shared: Path) -> None:
    """Keiningham et al. (2015), appendix A: shares by rank and number of brands."""
    case = json.loads((shared / "known_answers/wallet/war_ranks.json").read_text(encoding="utf-8"))
    found = allocated_share(case["input"]["rank"], case["input"]["brands"])
    np.testing.assert_allclose(found, case["expected"]["share"], atol=1e-12)


def test_by_hand_keiningham2015_table_from_satisfaction() -> None:
    """One, two and three brands: 1; 2/3 and 1/3; 1/2, 1/3 and 1/6."""
    scores = [[7.0, NAN, NAN], [9.0, NAN, 4.0], [9.0, 5.0, 7.0]]
    found = wallet.wallet_allocation_rule(scores, brands=["a", "b", "c"])
    expected = [[1.0, NAN, NAN], [2 / 3, NAN, 1 / 3], [1 / 2, 1 / 6, 1 / 3]]
    np.testing.assert_allclose(found.shares, expected, rtol=1e-14)
    assert found.used.tolist() == [1, 2, 3]
    table = found.brand_shares()
    assert table["users"].tolist() == [3, 1, 2]
    np.testing.assert_allclose(table["share"], [13 / 18, 1 / 6, 1 / 3], rtol=1e-14)
    assert (found.multi_brand, found.mean_used, found.repertoire) == (2 / 3, 2.0, True)
    assert found.to_frame()["brand"].tolist() == ["a", "a", "c", "a", "b", "c"]


def test_by_hand_ties() -> None:
    """Two brands alike before a third: average ranks 1.5, 1.5, 3; best places 1, 1, 3; worst 2, 2, 3."""
    sums: dict[str, float] = {}
    for ties in ("average", "min", "max"):
        found = wallet.wallet_allocation_rule([[8.0, 8.0, 3.0]], ties=ties)
        sums[ties] = found.shares.sum()
        if ties == "average":
            np.testing.assert_allclose(found.shares, [[5 / 12, 5 / 12, 1 / 6]], rtol=1e-14)
    assert sums["average"] == pytest.approx(1.0, rel=1e-14)
    assert sums["min"] == pytest.approx(7 / 6, rel=1e-14)
    assert sums["max"] == pytest.approx(5 / 6, rel=1e-14)


SCORES = st.lists(
    st.lists(st.one_of(st.just(NAN), st.integers(1, 5).map(float)), min_size=4, max_size=4).filter(
        lambda row: any(one == one for one in row)  # noqa: PLR0124 - only NaN differs from itself
    ),
    min_size=1,
    max_size=12,
)


@given(SCORES)
@settings(max_examples=50)
def test_shares_sum_to_one_and_rise_with_satisfaction(scores: list[list[float]]) -> None:
    found = wallet.wallet_allocation_rule(scores, score_range=(1, 5))
    np.testing.assert_allclose(np.nansum(found.shares, axis=1), 1.0, rtol=1e-12)
    assert (found.shares[~np.isnan(found.shares)] > 0.0).all()
    for row, shares in zip(np.array(scores), found.shares, strict=True):
        there = ~np.isnan(row)
        order = np.argsort(row[there], kind="stable")
        assert (np.diff(shares[there][order]) >= -1e-12).all()
    ranked = wallet.wallet_allocation_rule(found.ranks, given="ranks")
    np.testing.assert_array_equal(ranked.shares, found.shares)


def test_ranks_with_gaps_and_without_mean_the_same() -> None:
    dense = wallet.wallet_allocation_rule([[1.0, 1.0, 2.0]], given="ranks")
    gaps = wallet.wallet_allocation_rule([[1.0, 1.0, 3.0]], given="ranks")
    np.testing.assert_array_equal(dense.shares, gaps.shares)


def test_by_hand_estimate_of_one_brand() -> None:
    """Best of two: 2/3 of the wallet, so 200 here means 300."""
    found = wallet.wallet_allocation_rule([[9.0, 5.0], [NAN, 8.0]], brands=["us", "them"], customers=["p", "q"])
    guess = found.estimate([200.0, NAN], brand="us")
    assert guess.customers == ("p",)
    np.testing.assert_allclose(guess.size, [300.0], rtol=1e-14)
    assert not guess.identified
    assert guess.kind == "total"


def test_pandas_labels_pair_amounts_with_customers() -> None:
    scores = pd.DataFrame({"us": [9.0, 4.0], "them": [5.0, 8.0]}, index=["p", "q"])
    found = wallet.wallet_allocation_rule(scores)
    guess = found.estimate(pd.Series([30.0, 200.0], index=["q", "p"]), brand="us")
    assert guess.customers == ("p", "q")
    np.testing.assert_allclose(guess.size, [300.0, 90.0], rtol=1e-14)
    with pytest.raises(DataError, match="own and customers have different index labels"):
        found.estimate(pd.Series([30.0, 200.0], index=["q", "r"]), brand="us")


@pytest.mark.pyarrow
def test_allocation_reads_frames(make_frame: Callable[..., Any]) -> None:
    found = wallet.wallet_allocation_rule(make_frame({"us": [9.0, None], "them": [5.0, 8.0]}))
    assert found.brands == ("us", "them")
    assert found.brand_shares()["users"].tolist() == [1, 2]
    assert repr(found) == "WalletAllocation(customers=2, brands=2, ties=average)"
    assert "us" in found._repr_html_()


def test_a_market_of_one_brand_each_is_no_repertoire() -> None:
    found = wallet.wallet_allocation_rule([[9.0, NAN], [8.0, NAN]])
    assert not found.repertoire
    assert "not meant for this" in found._repr_html_()
    assert np.isnan(found.brand_shares()["share"][1])
    with pytest.raises(DataError, match="Nobody uses brand 'brand 1'"):
        found.estimate([1.0, 2.0], brand="brand 1")
    with pytest.raises(DomainError, match="brand is 'x'; allowed: 'brand 0', 'brand 1'"):
        found.estimate([1.0, 2.0], brand="x")
    with pytest.raises(DomainError, match=r"own has shape \(1,\); allowed: 2 numbers"):
        found.estimate([1.0], brand="brand 0")
    with pytest.raises(DataError, match="own holds 1 amount"):
        found.estimate([-1.0, 2.0], brand="brand 0")


@pytest.mark.parametrize(
    ("scores", "options", "error", "match"),
    [
        ([[11.0, 5.0]], {"score_range": (1, 10)}, DataError, "1 score.* outside score_range, 1 to 10"),
        (
            [[1.0, 3.0]],
            {"given": "ranks"},
            DataError,
            "ranks outside 1 to the number of brands used, for 1 customer",
        ),
        ([[0.0, 1.0]], {"given": "ranks"}, DataError, "ranks outside 1"),
        ([[1.0, NAN], [2.0, NAN]], {"given": "ranks"}, DataError, "ranks outside 1 .* for 1 customer"),
        (
            [[1.0, 2.0]],
            {"given": "ranks", "score_range": (1, 2)},
            DomainError,
            "score_range belongs to satisfaction",
        ),
        ([[1.0, 2.0]], {"score_range": (5, 1)}, DomainError, "score_range must be two numbers"),
        ([[1.0, 2.0]], {"given": "likes"}, DomainError, "given is 'likes'; allowed: 'satisfaction', 'ranks'"),
        ([[1.0, 2.0]], {"ties": "dense"}, DomainError, "ties is 'dense'; allowed: 'average', 'min', 'max'"),
        ([[NAN, NAN], [1.0, 2.0]], {}, DataError, "1 customer.* who use no brand"),
        ([[np.inf, 1.0]], {}, DataError, "scores holds infinite"),
        ([1.0, 2.0], {}, DomainError, "scores has shape"),
        (np.empty((0, 2)), {}, DataError, "scores has no rows"),
        ([[1.0, 2.0]], {"brands": ["a"]}, DomainError, "brands must be 2 different names"),
        ([[1.0, 2.0]], {"customers": ["a", "b"]}, DomainError, "customers must be 1 labels"),
    ],
)
def test_allocation_refusals(scores: Any, options: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        wallet.wallet_allocation_rule(scores, **options)


def test_a_frame_of_text_and_doubled_names_are_refused(make_frame: Callable[..., Any]) -> None:
    with pytest.raises(ColumnError, match="Column 'us'"):
        wallet.wallet_allocation_rule(make_frame({"us": ["a"], "them": ["b"]}))
    with pytest.raises(DomainError, match="brands names the columns of an array"):
        wallet.wallet_allocation_rule(make_frame({"us": [1.0], "them": [2.0]}), brands=["a", "b"])
