"""The disparity filter: by hand, by numerical integration of its definition, and its laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from custvalue._kernels.backbone import disparity

WEIGHTS = st.lists(st.floats(0.01, 100.0), min_size=1, max_size=8)


def test_by_hand_star_of_three() -> None:
    """Shares 1/4, 1/4, 1/2 of three edges: (3/4)^2, (3/4)^2, (1/2)^2; the leaves say nothing."""
    found = disparity(4, np.array([0, 0, 0]), np.array([1, 2, 3]), np.array([1.0, 1.0, 2.0]))
    assert found.tolist() == [0.5625, 0.5625, 0.25]


def test_by_hand_the_smaller_end_counts() -> None:
    """A path of three edges 1, 3, 1: the middle edge has share 3/4 at both ends, the outer ones 1/4 at one."""
    found = disparity(4, np.array([0, 1, 2]), np.array([1, 2, 3]), np.array([1.0, 3.0, 1.0]))
    assert found.tolist() == [0.75, 0.25, 0.75]


@given(WEIGHTS)
def test_serrano2009_definition(weights: list[float]) -> None:
    """Serrano et al. (2009), equation 2: 1 - (k - 1) times the integral of (1 - x)^(k - 2) from 0 to p."""
    k = len(weights)
    found = disparity(k + 1, np.zeros(k, dtype=np.int64), np.arange(1, k + 1), np.array(weights))
    for weight, alpha in zip(weights, found.tolist(), strict=True):
        share = weight / sum(weights)
        mass = 0.0 if k == 1 else (k - 1) * quad(lambda x: (1.0 - x) ** (k - 2), 0.0, share)[0]
        assert alpha == pytest.approx(1.0 - mass, abs=1e-9)


@given(WEIGHTS, st.floats(0.1, 10.0))
def test_unit_and_order_do_not_matter(weights: list[float], factor: float) -> None:
    k = len(weights)
    source, target = np.zeros(k, dtype=np.int64), np.arange(1, k + 1)
    values = np.array(weights)
    found = disparity(k + 1, source, target, values)
    np.testing.assert_allclose(disparity(k + 1, source, target, values * factor), found, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(disparity(k + 1, target[::-1], source[::-1], values[::-1]), found[::-1])
    assert ((found >= 0.0) & (found <= 1.0)).all()


def test_a_pair_on_its_own_and_no_edge() -> None:
    assert disparity(2, np.array([0]), np.array([1]), np.array([5.0])).tolist() == [1.0]
    assert disparity(2, np.array([], dtype=np.int64), np.array([], dtype=np.int64), np.array([])).tolist() == []
