"""Chance where customers differ in how much they hold: what it expects, and what it finds."""

from __future__ import annotations

import gzip
import math
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest

from custvalue import basket
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from pathlib import Path


def uneven(seed: int, *, planted: bool = False, n: int = 3000) -> basket.Baskets:
    """Customers differ in readiness, products in popularity, and nothing else; or the first two go together."""
    rng = np.random.default_rng(seed)
    readiness, popularity = rng.normal(0.0, 1.5, n), np.linspace(-2.5, 0.0, 10)
    held = rng.random((n, 10)) < 1.0 / (1.0 + np.exp(-(readiness[:, None] + popularity)))
    if planted:
        both = rng.random(n) < 0.25
        held[both, 1] = held[both, 0]
    return basket.Baskets.from_wide(held, products=[f"p{place}" for place in range(10)])


def findings(baskets: basket.Baskets, null: str, **options: str) -> list[tuple[str, str]]:
    found = basket.pairs(baskets, null=null, **options)  # type: ignore[arg-type]
    table = found.to_frame()
    chosen = table[table["log10_p_adjusted"] <= math.log10(0.05)]
    return list(zip(chosen["product_a"], chosen["product_b"], strict=True))


def test_by_hand_two_of_three() -> None:
    """Everyone holds two of three products, each as often: a third of the customers are expected at each pair."""
    held = [["a", "b"], ["b", "c"], ["a", "c"]]
    found = basket.pairs(basket.Baskets.from_lists(held, counts=[10, 10, 10]), null="basket_sizes")
    np.testing.assert_allclose(found.expected, [[20, 10, 10], [10, 20, 10], [10, 10, 20]])
    plain = basket.pairs(basket.Baskets.from_lists(held, counts=[10, 10, 10]))
    np.testing.assert_allclose(plain.expected, np.full((3, 3), 40 / 3) + np.diag([20 / 3] * 3))


def test_by_hand_customers_without_a_choice() -> None:
    """Who holds nothing or all, and what all or nobody holds, leaves no choice and adds what it must."""
    held = [["a", "b", "x"], ["b", "c", "x"], ["a", "c", "x"], ["a", "b", "c", "x"], ["x"]]
    baskets = basket.Baskets.from_lists(held, counts=[10, 10, 10, 7, 5], products=["a", "b", "c", "x", "y"])
    found = basket.pairs(baskets, null="basket_sizes")
    np.testing.assert_allclose(found.expected[0], [27, 17, 17, 27, 0])
    assert np.isfinite(found.log_p).all()
    assert found.to_frame(["log10_p"]).query("product_b == 'x'")["log10_p"].eq(0.0).all()


def test_uneven_customers_are_no_finding() -> None:
    """Fisher's test finds nearly all 45 pairs in every run; of 40 runs at most 5 may find one by basket sizes.

    Five is the 95 % bound of 40 runs at 5 %: 1 - sum_{k <= 5} C(40, k) .05^k .95^(40 - k) = .014.
    """
    fisher = [len(findings(uneven(seed), "independence")) for seed in range(3)]
    assert min(fisher) > 30
    false = sum(bool(findings(uneven(seed), "basket_sizes", alternative="two-sided")) for seed in range(40))
    assert false <= 5


def test_a_planted_pair_is_the_only_one_left() -> None:
    """One follows the other in a quarter of the customers: found in each of ten runs, and mostly alone."""
    found = [findings(uneven(seed, planted=True), "basket_sizes") for seed in range(10)]
    assert all(("p0", "p1") in one for one in found)
    assert sum(len(one) for one in found) <= 12


def test_products_that_exclude_each_other_are_found_below() -> None:
    baskets = uneven(1)
    flags = np.repeat(baskets.held(), baskets.customers, axis=0)
    flags[flags[:, 8] & flags[:, 9], 9] = False
    again = basket.Baskets.from_wide(flags, products=baskets.products)
    assert ("p8", "p9") in findings(again, "basket_sizes", alternative="less")


def test_tails_add_up() -> None:
    """A count is at least or at most itself: both tails overlap at its own chance."""
    found = basket.pairs(uneven(2), null="basket_sizes")
    upper, lower = np.exp(found.log_tail("greater")), np.exp(found.log_tail("less"))
    assert (upper + lower >= 1.0 - 1e-12).all()
    np.testing.assert_allclose(
        np.exp(found.log_tail("two-sided")), np.minimum(1.0, 2.0 * np.minimum(upper, lower))
    )


def test_the_network_takes_the_null_of_its_pairs() -> None:
    baskets = uneven(0, planted=True)
    drawn = [
        basket.network(basket.pairs(baskets)).edges(),
        basket.network(basket.pairs(baskets, null="basket_sizes")).edges(),
    ]
    assert len(drawn[0]) > 30
    assert len(drawn[1]) <= 2


def test_refusals() -> None:
    flags = np.array([[1.0, np.nan], [0.0, 1.0]])
    barred = basket.Baskets.from_wide(flags, products=["a", "b"], null="not_eligible")
    with pytest.raises(DomainError, match=r"basket_sizes.*not eligible"):
        basket.pairs(barred, null="basket_sizes")
    many = basket.Baskets.from_lists([[str(place)] for place in range(1001)])
    with pytest.raises(DomainError, match="up to 1000 products"):
        basket.pairs(many, null="basket_sizes")
    with pytest.raises(ValueError, match="null"):
        basket.pairs(basket.Baskets.from_lists([["a", "b"]]), null="none")  # type: ignore[arg-type]


def test_groceries_of_fixed_sizes(shared: Path) -> None:
    """Baskets of the same sizes dealt at random (curveball, Strona et al. 2014): means agree, nothing is found."""
    with gzip.open(shared / "data" / "baskets" / "groceries.csv.gz", "rt", encoding="utf-8") as lines:
        held = [line.rstrip("\n").split(",") for line in lines]
    baskets = basket.Baskets.from_lists(held)
    flags = np.repeat(baskets.held(), baskets.customers, axis=0)
    rng = np.random.default_rng(0)
    sums = np.zeros((169, 169))
    rounds = range(6)
    for turn in rounds:
        flags = dealt(flags, rng, 60 if turn == 0 else 15)
        number = flags.astype(np.float32)
        sums += number.T @ number
        again = basket.Baskets.from_wide(flags, products=baskets.products)
        assert len(findings(again, "basket_sizes")) <= 1
        assert len(findings(again, "independence")) > 100
    model = basket.pairs(baskets, null="basket_sizes").expected
    upper = np.triu_indices(169, 1)
    large = model[upper] > 20
    distance = (sums / len(rounds) - model)[upper][large] / np.sqrt(model[upper][large] / len(rounds))
    assert abs(distance.mean()) < 0.1
    assert distance.std() < 1.2


def dealt(flags: np.ndarray, rng: np.random.Generator, rounds: int) -> np.ndarray:
    """In each round customers meet in pairs and deal out anew what only one of them holds."""
    out = flags.copy()
    for _ in range(rounds):
        one, other = rng.permutation(len(out))[: len(out) // 2 * 2].reshape(2, -1)
        own, theirs = out[one], out[other]
        differ, both = own ^ theirs, own & theirs
        places = np.where(differ, rng.random(differ.shape), 2.0).argsort(axis=1).argsort(axis=1)
        drawn = differ & (places < (own & ~theirs).sum(axis=1)[:, None])
        out[one], out[other] = both | drawn, both | (differ & ~drawn)
    return out


def test_pairs_of_one_product_or_none() -> None:
    found = basket.pairs(basket.Baskets.from_lists([["a"]]), null="basket_sizes")
    assert len(found) == 0
    assert list(combinations(found.products, 2)) == []
