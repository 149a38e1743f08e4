"""Greedy maximum coverage: a published trap by hand, plain search, the guarantee, and the bound."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custvalue._kernels.maximum_coverage import Rows, greedy_coverage

if TYPE_CHECKING:
    from collections.abc import Sequence

N_COLUMNS = 5
BASKETS = st.lists(st.tuples(st.sets(st.integers(0, N_COLUMNS - 1)), st.integers(0, 9)), min_size=1, max_size=12)
SETS = st.lists(st.sets(st.integers(0, N_COLUMNS - 1), min_size=1), min_size=1, max_size=8)


def rows_of(baskets: Sequence[Sequence[int] | set[int]], weights: Sequence[int]) -> Rows:
    indptr = np.cumsum([0, *(len(basket) for basket in baskets)]).astype(np.int64)
    codes = np.array([c for basket in baskets for c in sorted(basket)], dtype=np.int32)
    return Rows(indptr, codes, np.array(weights, dtype=np.int64), range(N_COLUMNS))


def covered(sets: Sequence[Sequence[int]], baskets: Sequence[tuple[set[int], int]], *, by_cell: bool) -> int:
    """Weight that some sets cover, by definition."""
    total = 0
    for held, weight in baskets:
        inside = [one for one in sets if set(one) <= held]
        total += weight * (len(set(itertools.chain(*inside))) if by_cell else bool(inside))
    return total


def test_by_hand_three_baskets() -> None:
    """{0} covers 5 + 3, then {1} adds the 4 who hold 1 without 0; {0, 1} would add nothing."""
    rows = rows_of([[0], [0, 1], [1]], [5, 3, 4])
    found = greedy_coverage([(0, 1), (1,), (0,)], rows, 3)
    assert found.chosen.tolist() == [2, 1]
    assert found.added.tolist() == [8, 4]
    assert found.bound == 12


def test_by_hand_greedy_is_not_best() -> None:
    """{2} covers 5 of 7 and comes first, then {0} adds 1; {0} with 3 and {1} with 4 would reach all 7."""
    rows = rows_of([[0, 2], [0], [1, 2], [1]], [2, 1, 3, 1])
    found = greedy_coverage([(0,), (1,), (2,)], rows, 2)
    assert found.chosen.tolist() == [2, 0]
    assert found.added.tolist() == [5, 1]
    assert found.bound >= 7


@given(BASKETS, SETS, st.integers(1, 4), st.sampled_from(["rows", "cells"]))
def test_greedy_agrees_with_a_plain_search(
    baskets: list[tuple[set[int], int]], sets: list[set[int]], k: int, what: str
) -> None:
    candidates, by_cell = [tuple(sorted(one)) for one in sets], what == "cells"
    rows = rows_of([held for held, _ in baskets], [weight for _, weight in baskets])
    found = greedy_coverage(candidates, rows, k, by_cell=by_cell)
    chosen: list[int] = []
    added: list[int] = []
    for _ in range(k):
        base = covered([candidates[c] for c in chosen], baskets, by_cell=by_cell)
        gains = [
            covered([*(candidates[c] for c in chosen), one], baskets, by_cell=by_cell) - base for one in candidates
        ]
        if max(gains) <= 0:
            break
        chosen.append(gains.index(max(gains)))
        added.append(max(gains))
    assert found.chosen.tolist() == chosen
    assert found.added.tolist() == added


@given(BASKETS, SETS, st.integers(1, 3), st.sampled_from(["rows", "cells"]))
def test_nemhauser1978_guarantee_and_the_bound(
    baskets: list[tuple[set[int], int]], sets: list[set[int]], k: int, what: str
) -> None:
    """Nemhauser, Wolsey and Fisher (1978), theorem 4.2: at least 1 - (1 - 1/k)^k of the best k sets."""
    candidates, by_cell = [tuple(sorted(one)) for one in sets], what == "cells"
    rows = rows_of([held for held, _ in baskets], [weight for _, weight in baskets])
    found = greedy_coverage(candidates, rows, k, by_cell=by_cell)
    best = max(
        covered(choice, baskets, by_cell=by_cell)
        for size in range(k + 1)
        for choice in itertools.combinations(candidates, size)
    )
    reached = int(found.added.sum())
    assert reached >= (1.0 - (1.0 - 1.0 / k) ** k) * best - 1e-9
    assert reached <= best <= found.bound
    if reached:
        assert reached / found.bound > 1.0 - 1.0 / math.e - 1e-9


@given(BASKETS, st.sets(st.integers(0, N_COLUMNS - 1), min_size=1))
def test_holders_by_definition(baskets: list[tuple[set[int], int]], columns: set[int]) -> None:
    rows = rows_of([held for held, _ in baskets], [weight for _, weight in baskets])
    packed = rows.holding(tuple(columns))
    holders = [columns <= held for held, _ in baskets]
    assert np.unpackbits(packed, count=len(baskets)).tolist() == holders
    assert rows.weight(packed) == sum(weight for held, weight in baskets if columns <= held)


@pytest.mark.parametrize("by_cell", [False, True])
def test_no_candidates(*, by_cell: bool) -> None:
    found = greedy_coverage([], rows_of([[0]], [1]), 2, by_cell=by_cell)
    assert (len(found.chosen), len(found.added), found.bound) == (0, 0, 0)
