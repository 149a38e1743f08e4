"""Sums over the rows that hold a set, against sums row by row."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue._kernels import set_rows, set_sums

if TYPE_CHECKING:
    from custvalue._kernels.set_rows import Sets

N_COLUMNS = 6
ROWS = st.lists(st.sets(st.integers(0, N_COLUMNS - 1)), min_size=1, max_size=40)
SETS = st.sets(st.frozensets(st.integers(0, N_COLUMNS + 1), max_size=5), max_size=30)


def sets_of(sets: list[frozenset[int]] | list[set[int]]) -> Sets:
    """Write sets one after the other."""
    codes = [code for one in sets for code in sorted(one)]
    return set_rows.from_lengths(
        np.array([len(one) for one in sets], dtype=np.int64), np.array(codes, dtype=np.int64)
    )


@settings(max_examples=60)
@given(rows=ROWS, sets=SETS, few=st.sampled_from([0, 2, 8]), data=st.data())
def test_sums_are_those_of_the_rows_that_hold_all_columns(
    rows: list[set[int]], sets: set[frozenset[int]], few: int, data: st.DataObject
) -> None:
    """Whole numbers are added without rounding, so the sums are equal whatever their order."""
    values = data.draw(st.lists(st.integers(0, 1000), min_size=len(rows), max_size=len(rows)))
    asked = data.draw(st.permutations(sorted(sets, key=sorted)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(set_sums, "_FEW", few)
        found = set_sums.sums_of_sets(sets_of(rows), np.array(values, dtype=np.float64), sets_of(asked))
    expected = [sum(v for row, v in zip(rows, values, strict=True) if row.issuperset(one)) for one in asked]
    assert found.tolist() == expected


def test_the_other_sets_do_not_show() -> None:
    """Rows are added in their order, so a sum is the same to the last digit alone and among all sets."""
    generator = np.random.default_rng(0)
    rows = [set(np.flatnonzero(generator.random(N_COLUMNS) < 0.6).tolist()) for _ in range(200)]
    values = generator.gamma(0.3, 1e6, 200)
    sets = [frozenset(one) for size in range(N_COLUMNS + 1) for one in combinations(range(N_COLUMNS), size)]
    together = set_sums.sums_of_sets(sets_of(rows), values, sets_of(sets))
    alone = [float(set_sums.sums_of_sets(sets_of(rows), values, sets_of([one]))[0]) for one in sets]
    assert together.tolist() == alone
    exact = [float(sum(Fraction(v) for row, v in zip(rows, values, strict=True) if row >= one)) for one in sets]
    np.testing.assert_allclose(together, exact, rtol=1e-14)


def test_by_hand_three_rows() -> None:
    """Rows {0,1}, {1}, {} have 0.5, 0.25, 4: column 1 has 0.75, both columns 0.5, no column all 4.75."""
    rows, values = sets_of([{0, 1}, {1}, set()]), np.array([0.5, 0.25, 4.0])
    assert set_sums.sums_of_sets(rows, values, sets_of([{1}, {0, 1}, set()])).tolist() == [0.75, 0.5, 4.75]


def test_no_row_and_no_set() -> None:
    nothing = np.zeros(0)
    assert set_sums.sums_of_sets(set_rows.empty_sets(0), nothing, sets_of([{0, 1}, set()])).tolist() == [0.0, 0.0]
    assert set_sums.sums_of_sets(set_rows.empty_sets(2), np.ones(2), sets_of([{3}, {3, 4}])).tolist() == [0.0, 0.0]
    assert not len(set_sums.sums_of_sets(sets_of([{0}]), np.ones(1), set_rows.empty_sets(0)))
