"""Interest of itemsets: by hand, and against one itemset at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest

from custvalue._kernels.itemset_interest import itemset_interest


def test_by_hand_three_itemsets() -> None:
    """Of 100 customers 40, 20, 50 hold a, b, c; 16 hold a and b: 16/40, 20/40, .16/.08; 4 all: 4/50, 20/50, 1."""
    found = itemset_interest(
        np.array([0, 2, 5, 6]), np.array([0, 1, 0, 1, 2, 2]), np.array([16, 4, 50]), np.array([40, 20, 50]), 100
    )
    np.testing.assert_allclose(found.all_confidence, [0.4, 0.08, 1.0], rtol=1e-14)
    np.testing.assert_allclose(found.cross_support_ratio, [0.5, 0.4, 1.0], rtol=1e-14)
    np.testing.assert_allclose(found.lift, [2.0, 1.0, 1.0], rtol=1e-13)


def test_empty_itemsets_and_none_at_all() -> None:
    found = itemset_interest(np.array([0, 0, 1, 1]), np.array([0]), np.array([9, 3, 9]), np.array([3]), 9)
    np.testing.assert_array_equal(found.all_confidence, [np.nan, 1.0, np.nan])
    np.testing.assert_array_equal(found.cross_support_ratio, [np.nan, 1.0, np.nan])
    np.testing.assert_allclose(found.lift, [1.0, 1.0, 1.0], rtol=1e-15)
    nothing = itemset_interest(np.array([0]), np.empty(0, dtype=int), np.empty(0, dtype=int), np.array([3]), 9)
    assert [len(field) for field in nothing] == [0, 0, 0]
    unheld = itemset_interest(np.array([0, 1]), np.array([0]), np.array([0]), np.array([0]), 9)
    assert math.isnan(unheld.lift[0])


def test_the_product_of_many_supports_does_not_underflow() -> None:
    """Fifty products of support 1e-6 held together by one customer of a million: 1e-6 / 1e-300."""
    found = itemset_interest(np.array([0, 50]), np.arange(50), np.array([1]), np.ones(50, dtype=int), 10**6)
    assert math.log10(found.lift[0]) == pytest.approx(294.0, rel=1e-12)
