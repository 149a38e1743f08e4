"""The null model of basket sizes against enumeration of all baskets."""

from __future__ import annotations

from itertools import combinations
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue._kernels import basket_sizes

if TYPE_CHECKING:
    import pytest

WEIGHTS = st.lists(st.floats(0.01, 1.0), min_size=3, max_size=6)


def enumerated(weights: list[float], sizes: list[int], customers: list[int]) -> np.ndarray:
    """List every basket of each size with its chance; expected holders of each product and pair."""
    n = len(weights)
    out = np.zeros((n, n))
    for size, count in zip(sizes, customers, strict=True):
        baskets = list(combinations(range(n), size))
        chances = [prod(weights[i] for i in one) for one in baskets]
        for one, chance in zip(baskets, chances, strict=True):
            for a in one:
                for b in one:
                    out[a, b] += count * chance / sum(chances)
    return out


@settings(max_examples=40, deadline=None)
@given(WEIGHTS, st.lists(st.integers(1, 50), min_size=2, max_size=2))
def test_expected_holders_and_pairs_by_enumeration(weights: list[float], customers: list[int]) -> None:
    for sizes in ([1, 2], [2, len(weights) - 1]):
        if len(set(sizes)) < 2:
            continue
        told = np.array(sizes), np.array(customers)
        expected = enumerated(weights, sizes, customers)
        np.testing.assert_allclose(
            basket_sizes.expected_holders(np.array(weights), *told), np.diag(expected), rtol=1e-12
        )
        np.testing.assert_allclose(basket_sizes.expected_pairs(np.array(weights), *told), expected, rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(WEIGHTS)
def test_the_weights_are_found_again(weights: list[float]) -> None:
    """Holders made from known weights lead back to them, up to a factor; large counts hide the rounding."""
    sizes, customers = np.array([1, 2]), np.array([10**13, 10**13])
    holders = np.rint(basket_sizes.expected_holders(np.array(weights), sizes, customers)).astype(np.int64)
    fitted = basket_sizes.fit_weights(holders, sizes, customers)
    assert fitted.error <= 1e-9
    np.testing.assert_allclose(fitted.weights / fitted.weights[0], np.array(weights) / weights[0], rtol=1e-5)


def test_a_basket_of_one_holds_no_pair() -> None:
    found = basket_sizes.expected_pairs(np.array([0.2, 0.3, 0.5]), np.array([1]), np.array([100]))
    np.testing.assert_allclose(found, np.diag([20.0, 30.0, 50.0]))


def test_blocks_of_pairs_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    weights, told = np.linspace(0.1, 1.0, 9), (np.array([2, 5]), np.array([3, 4]))
    whole = basket_sizes.expected_pairs(weights, *told)
    monkeypatch.setattr(basket_sizes, "BLOCK", 1)
    np.testing.assert_allclose(whole, basket_sizes.expected_pairs(weights, *told), rtol=1e-14)
