"""Sums, extremes, moments and distinct days by customer, against plain Python and the statistics module."""

from __future__ import annotations

import itertools
import math
import statistics
from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custvalue._kernels import customer_sums as kernel

N_CUSTOMERS = 5
ROWS = st.lists(
    st.tuples(st.integers(0, N_CUSTOMERS - 1), st.integers(-400, 400), st.integers(-(10**6), 10**6)), max_size=40
)
#: Cuts of the rows into blocks.
CUTS = st.lists(st.integers(0, 40), max_size=3)


def blocks(rows: list[tuple[int, int, int]], cuts: list[int]) -> list[list[tuple[int, int, int]]]:
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    return [rows[start:stop] for start, stop in itertools.pairwise(edges) if stop > start]


def columns(block: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    customer, day, value = (np.array(column) for column in zip(*block, strict=True))
    return customer.astype(np.int32), day.astype(np.int64), value.astype(np.float64)


@given(ROWS, CUTS)
def test_every_sum_is_that_of_plain_python(rows: list[tuple[int, int, int]], cuts: list[int]) -> None:
    total, count = np.zeros(N_CUSTOMERS), np.zeros(N_CUSTOMERS)
    last, first = (kernel.no_day(N_CUSTOMERS, latest=latest) for latest in (True, False))
    days = kernel.DistinctDays(N_CUSTOMERS, -400, 801)
    for block in blocks(rows, cuts):
        customer, day, value = columns(block)
        kernel.add_sums(total, customer, value)
        kernel.add_counts(count, customer)
        kernel.raise_to(last, customer, day)
        kernel.lower_to(first, customer, day)
        days.add(customer, day)
    for one in range(N_CUSTOMERS):
        own = [row for row in rows if row[0] == one]
        assert total[one] == sum(value for _, _, value in own)
        assert count[one] == len(own)
        assert days.counts()[one] == len({day for _, day, _ in own})
        found = (kernel.days_or_nan(last)[one], kernel.days_or_nan(first)[one])
        assert (
            found == (max(day for _, day, _ in own), min(day for _, day, _ in own))
            if own
            else all(math.isnan(day) for day in found)
        )


@pytest.mark.parametrize("n_customers", [3, 10**6])
def test_many_customers_go_another_way_to_the_same_sums(n_customers: int) -> None:
    """Above four customers a row the values are added one by one: 1 + 3 to customer 2, 5 to customer 0."""
    customer = np.array([2, 0, 2], dtype=np.int32)
    total, count = np.zeros(n_customers), np.zeros(n_customers)
    kernel.add_sums(total, customer, np.array([1.0, 5.0, 3.0]))
    kernel.add_counts(count, customer)
    assert (total[:3].tolist(), count[:3].tolist()) == ([5.0, 0.0, 4.0], [1.0, 0.0, 2.0])
    assert total[3:].sum() == count[3:].sum() == 0.0


@given(ROWS)
def test_days_that_are_sorted_are_those_of_the_map(rows: list[tuple[int, int, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        mapped = kernel.DistinctDays(N_CUSTOMERS, -400, 801)
        patch.setattr(kernel, "LARGEST_MAP", 0)
        listed = kernel.DistinctDays(N_CUSTOMERS, -400, 801)
    for row in rows:
        customer, day, _ = columns([row])
        mapped.add(customer, day)
        listed.add(customer, day)
    np.testing.assert_array_equal(mapped.counts(), listed.counts())


@given(ROWS, CUTS)
def test_deviations_are_those_of_the_statistics_module(rows: list[tuple[int, int, int]], cuts: list[int]) -> None:
    """Row by row, and by cells of any rows of a customer: the exact variance of fractions, its root."""
    moments, of_cells = np.zeros((3, N_CUSTOMERS)), np.zeros((3, N_CUSTOMERS))
    for block in blocks(rows, cuts):
        customer, _, value = columns(block)
        kernel.add_moments(moments, customer, value)
        cells = defaultdict(list)
        for one, day, amount in block:
            cells[one, day % 3].append(Fraction(amount))
        known = [
            (one, len(found), sum(found), statistics.pvariance(found) * len(found))
            for (one, _), found in cells.items()
        ]
        cell_customer, *facts = (np.array([float(x) for x in column]) for column in zip(*known, strict=True))
        kernel.add_cell_moments(of_cells, cell_customer.astype(np.int32), np.array(facts))
    for one in range(N_CUSTOMERS):
        own = [Fraction(value) for customer, _, value in rows if customer == one]
        for found in (kernel.standard_deviation(moments)[one], kernel.standard_deviation(of_cells)[one]):
            if len(own) < 2:
                assert math.isnan(found)
            else:
                assert found == pytest.approx(math.sqrt(statistics.variance(own)), rel=1e-12, abs=1e-9)


def test_a_small_spread_on_a_large_mean_does_not_cancel() -> None:
    """1e9 + (0, 1, 2), in three blocks: the deviation is 1."""
    moments = np.zeros((3, 1))
    for value in (0.0, 1.0, 2.0):
        kernel.add_moments(moments, np.zeros(1, dtype=np.int32), np.array([1e9 + value]))
    assert kernel.standard_deviation(moments)[0] == 1.0
