"""Purchase days by hand, and against sets and loops; rows in order of days and rows in any order."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue._kernels import purchase_history as kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(-3, 8) | st.just(kernel.NEVER)), max_size=40)


def small(values: Sequence[int]) -> kernel.Small:
    return np.array(values, dtype=np.int32)


def days_by_sets(rows: Sequence[tuple[int, int]], code: int, start: int, stop: int) -> set[int]:
    """Second route: the set of a customer's days within the span."""
    return {day for other, day in rows if other == code and start <= day <= stop}


def test_by_hand_distinct_days() -> None:
    """Customer 0 on days 5, 5, 7 and 9 (too late); customer 1 on no day; customer 2 on day 5."""
    codes, days = small([0, 2, 0, 0, 0]), small([7, 5, 5, 9, 5])
    for order in ([0, 1, 2, 3, 4], [1, 2, 4, 0, 3]):  # as they come, and in the order of days
        count, first, last = kernel.purchase_days(codes[order], days[order], 3, 5, 8)
        assert (count.tolist(), first.tolist(), last.tolist()) == ([2, 0, 1], [5, 0, 5], [7, 0, 5])


def test_by_hand_money_after_the_first_day() -> None:
    """Days 1, 1, 2, 3 with 10, 20, 40, 80: after day 1 and up to day 2 there are 40, up to day 3 there are 120."""
    codes, days, money = small([0, 0, 0, 0, 1]), small([1, 1, 2, 3, 1]), np.array([10.0, 20.0, 40.0, 80.0, 5.0])
    assert kernel.money_after(codes, days, money, small([1, 1]), 2).tolist() == [40.0, 0.0]
    assert kernel.money_after(codes, days, money, small([1, 0]), 3).tolist() == [120.0, 5.0]


def test_money_of_rows_that_are_passed_over_may_be_missing() -> None:
    money = np.array([np.nan, 2.0])
    assert kernel.money_after(small([0, 0]), small([kernel.NEVER, 3]), money, small([1]), 9).tolist() == [2.0]


@pytest.mark.parametrize("block", [1, 2, 7, 1 << 16])
@given(rows=ROWS, ordered=st.booleans(), start=st.integers(-4, 3), length=st.integers(-1, 9))
@settings(max_examples=20)
def test_days_are_those_of_the_sets(
    block: int, *, rows: list[tuple[int, int]], ordered: bool, start: int, length: int
) -> None:
    rows = sorted(rows, key=lambda row: row[1]) if ordered else rows
    stop = start + length
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "BLOCK", block)
        codes, days = small([code for code, _ in rows]), small([day for _, day in rows])
        count, first, last = kernel.purchase_days(codes, days, 5, start, stop)
        seen = kernel.seen_codes(codes, days, 5, stop)
    for code in range(5):
        found = days_by_sets(rows, code, start, stop)
        assert count[code] == len(found)
        assert (first[code], last[code]) == ((min(found), max(found)) if found else (0, 0))
        assert seen[code] == any(other == code and day <= stop for other, day in rows)


def test_blocks_do_not_show() -> None:
    rng = np.random.default_rng(0)
    codes, days = rng.integers(0, 50, 3000, dtype=np.int32), rng.integers(0, 90, 3000, dtype=np.int32)
    money = rng.integers(-9, 99, 3000).astype(np.float64)
    found = []
    for block in (17, 4096):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(kernel, "BLOCK", block)
            ends = kernel.purchase_days(codes, days, 50, 3, 80)
            found.append([*ends, kernel.money_after(codes, days, money, ends[1], 80)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("width", [2**31 // 5 + 7, 2**32 // 5, 2**32 // 5 + 1])
def test_wide_spans_need_more_than_32_bits(width: int) -> None:
    """Five customers times a span about 2^32 / 5 long: one whole number a customer and day is 32 bits or 64."""
    start = -(width // 2)
    stop = start + width - 1
    days = small([stop, start, 0, stop, start, stop + 1])
    count, first, last = kernel.purchase_days(small([4, 4, 4, 0, 0, 1]), days, 5, start, stop)
    assert count.tolist() == [2, 0, 0, 0, 3]
    assert (first[4], last[4], first[0], last[0]) == (start, stop, start, stop)


@given(ROWS, st.lists(st.integers(-5, 9), min_size=5, max_size=5), st.integers(-2, 9))
@settings(max_examples=40)
def test_money_is_the_sum_of_its_rows(rows: list[tuple[int, int]], first: list[int], stop: int) -> None:
    amounts = [Fraction(3 * place - 20, 4) for place in range(len(rows))]
    codes, days = small([code for code, _ in rows]), small([day for _, day in rows])
    money = np.array([float(amount) for amount in amounts])
    got = kernel.money_after(codes, days, money, small(first), stop)
    for code in range(5):
        chosen = [
            amount
            for (other, day), amount in zip(rows, amounts, strict=True)
            if other == code and first[code] < day <= stop
        ]
        assert got[code] == sum(chosen)


def test_no_row_and_no_customer() -> None:
    nothing = small([])
    for count in kernel.purchase_days(nothing, nothing, 0, 0, 5):
        assert len(count) == 0
    assert kernel.purchase_days(nothing, nothing, 2, 0, 5)[0].tolist() == [0, 0]
    assert kernel.money_after(nothing, nothing, np.array([]), small([0, 0]), 5).tolist() == [0.0, 0.0]
