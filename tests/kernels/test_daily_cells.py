"""Cells by day, customer and pattern: joining in any order and grouping is adding up by hand."""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custvalue._kernels import daily_cells

PLACES = st.tuples(st.integers(-30, 30), st.integers(0, 3), st.integers(0, 2))
TABLES = st.lists(st.lists(st.tuples(PLACES, st.integers(0, 1000)), max_size=8), max_size=5)
NAMES = ("rows", "known", "total", "absolute", "largest", "squares")


def table(rows: list[tuple[tuple[int, int, int], int]]) -> dict[str, Any]:
    """Make every row a cell of its own and join them."""
    amounts = np.array([amount for _, amount in rows], dtype=np.float64)
    place = np.array([place for place, _ in rows], dtype=np.int32).reshape(-1, 3)
    one = np.ones(len(rows))
    values = (one, one, -amounts, amounts, amounts, 0.0 * one)
    made = {"day": place[:, 0], "customer": place[:, 1], "pattern": place[:, 2]}
    return daily_cells.joined([made | dict(zip(NAMES, values, strict=True))])


def by_hand(tables: list[list[tuple[tuple[int, int, int], int]]]) -> dict[tuple[int, int, int], list[float]]:
    found = defaultdict(list)
    for place, amount in (row for rows in tables for row in rows):
        found[place].append(float(amount))
    return dict(sorted(found.items()))


def cells_of(tables: Any) -> dict[tuple[int, int, int], tuple[float, ...]]:
    found = {}
    for one in tables:
        for k in range(len(one["day"])):
            place = (int(one["day"][k]), int(one["customer"][k]), int(one["pattern"][k]))
            assert place not in found
            found[place] = tuple(float(one[name][k]) for name in NAMES)
    return found


@given(TABLES, st.randoms(use_true_random=False))
def test_merged_tables_hold_what_all_rows_add_up_to(tables: Any, random: Any) -> None:
    parts = [table(rows) for rows in tables]
    random.shuffle(parts)
    merged = daily_cells.merged(parts)
    days = [(int(one["day"][0]), int(one["day"][-1])) for one in merged]
    assert all(before[1] < after[0] for before, after in itertools.pairwise(days))
    assert all((np.diff(one["day"]) >= 0).all() for one in merged)
    found = cells_of(merged)
    want = by_hand(tables)
    assert sorted(found) == list(want)
    for place, amounts in want.items():
        rows, known, total, absolute, largest, squares = found[place]
        assert rows == known == len(amounts)
        assert -total == absolute == sum(amounts)
        assert largest == max(amounts)
        mean = sum(amounts) / len(amounts)
        assert squares == pytest.approx(sum((amount - mean) ** 2 for amount in amounts), rel=1e-10, abs=1e-6)


@given(TABLES)
def test_merging_is_associative_and_commutative(tables: Any) -> None:
    parts = [table(rows) for rows in tables]
    if len(parts) < 3:
        return
    a, b, *rest = parts
    left = daily_cells.merged([*daily_cells.merged([*daily_cells.merged([a]), b]), *rest])
    right = daily_cells.merged([*daily_cells.merged([b, *rest]), a])
    assert {place: values[:5] for place, values in cells_of(left).items()} == {
        place: values[:5] for place, values in cells_of(right).items()
    }


def test_days_that_one_table_alone_has_are_not_touched() -> None:
    """A late row of day 5 opens a table of days 0 to 9: days 0 to 4 and 6 to 9 stay views of what they were."""
    years = table([((day, 0, 0), 1) for day in range(10)])
    late = table([((5, 1, 0), 7)])
    before, joint, after = daily_cells.merged([years, late])
    assert np.shares_memory(before["total"], years["total"])
    assert np.shares_memory(after["total"], years["total"])
    assert joint["absolute"].tolist() == [1.0, 7.0]
    assert [len(one["day"]) for one in (before, joint, after)] == [5, 2, 4]


def test_numbers_of_many_customers_and_patterns_stay_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one number for day, customer and pattern would be too large, only those met are numbered."""
    monkeypatch.setattr(daily_cells, "_LARGEST", 10)
    rows = [((day, customer, 0), 1) for day in (9, -9) for customer in (3, 0)]
    assert list(cells_of([table(rows)])) == sorted(place for place, _ in rows)


def test_no_table_and_empty_tables_give_none() -> None:
    assert daily_cells.merged([]) == ()
    assert daily_cells.merged([table([])]) == ()
