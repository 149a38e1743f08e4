"""The first rule that fits each row and column, against a plain loop and across blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custvalue._kernels import rule_matching
from custvalue._kernels.rule_matching import first_matching

N = 4
RULES = st.lists(st.tuples(st.sets(st.integers(0, N - 1)), st.integers(0, N - 1)), max_size=8)
FLAGS = st.lists(st.tuples(*[st.booleans()] * (2 * N)), min_size=1, max_size=20)


@pytest.mark.parametrize("block", [8, 1 << 16])
@given(RULES, FLAGS)
def test_agrees_with_a_plain_loop(
    block: int, rules: list[tuple[set[int], int]], flags: list[tuple[bool, ...]]
) -> None:
    table = np.array(flags, dtype=np.bool_)
    held, free = table[:, :N], table[:, N:]
    indptr = np.cumsum([0, *(len(left) for left, _ in rules)]).astype(np.int64)
    codes = np.array([code for left, _ in rules for code in sorted(left)], dtype=np.int32)
    rights = np.array([right for _, right in rules], dtype=np.int64)
    expected = np.full(held.shape, -1)
    for row in range(len(held)):
        for column in range(N):
            for place, (left, right) in enumerate(rules):
                if free[row, column] and right == column and all(held[row, code] for code in left):
                    expected[row, column] = place
                    break
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rule_matching, "BLOCK", block)
        np.testing.assert_array_equal(first_matching(held, free, indptr, codes, rights), expected)
