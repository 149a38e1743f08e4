"""Weighted columns as bits against sums row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue._kernels import weighted_bitsets as wb

if TYPE_CHECKING:
    from custvalue._typing import IntArray

N_COLUMNS = 6
ROWS = st.lists(st.sets(st.integers(0, N_COLUMNS - 1)), min_size=1, max_size=150)
SETS = st.lists(st.lists(st.integers(0, N_COLUMNS - 1), unique=True, max_size=4), min_size=1, max_size=8)
HEAVY = st.one_of(
    st.integers(1, 3), st.integers(1, 1000), st.sampled_from([2**24 + 1, 10**8 + 7, 2**40 - 1, 2**53])
)


def sparse(sets: list[set[int]] | list[list[int]]) -> tuple[IntArray, np.ndarray[tuple[int], np.dtype[np.int32]]]:
    """Write sets as CSR rows."""
    ends = np.cumsum([0, *(len(one) for one in sets)]).astype(np.int64)
    return ends, np.array([code for one in sets for code in sorted(one)], dtype=np.int32)


@settings(max_examples=60)
@given(rows=ROWS, sets=SETS, data=st.data())
def test_counts_are_sums_of_the_weights_of_rows_that_have_all_columns(
    rows: list[set[int]], sets: list[list[int]], data: st.DataObject
) -> None:
    weights = data.draw(st.lists(HEAVY, min_size=len(rows), max_size=len(rows)))
    bits = wb.weighted_bitsets(*sparse(rows), N_COLUMNS, np.array(weights, dtype=np.int64))
    expected = [sum(w for row, w in zip(rows, weights, strict=True) if row.issuperset(one)) for one in sets]
    assert wb.counts_of(bits, *sparse(sets)).tolist() == expected


@given(st.lists(HEAVY, min_size=1, max_size=60))
def test_the_scales_of_a_rows_bits_add_up_to_its_weight(weights: list[int]) -> None:
    repeated = wb.bit_rows(np.array(weights, dtype=np.int64))
    scales = np.repeat(repeated.scales, repeated.sizes)
    sums = [0] * len(weights)
    for row, scale in zip(repeated.rows.tolist(), scales.tolist(), strict=True):
        sums[row] += scale
    assert sums == weights


def test_by_hand_weights_choose_their_base() -> None:
    """Sixty rows alone and four pairs: 68 bits in one plane; a row for a million is a few bits in many planes."""
    light = wb.bit_rows(np.array([1] * 60 + [2] * 4, dtype=np.int64))
    assert (light.sizes.tolist(), light.scales.tolist()) == ([68], [1])
    heavy = wb.bit_rows(np.array([2**20] * 400, dtype=np.int64))
    assert heavy.sizes.sum() == 400
    assert heavy.scales[-1] == 2**20


def test_by_hand_three_rows() -> None:
    """Rows {0,1}, {1}, {} weigh 5, 3, 2: column 1 has 8, both columns 5, no column all 10."""
    bits = wb.weighted_bitsets(*sparse([{0, 1}, {1}, set()]), 2, np.array([5, 3, 2], dtype=np.int64))
    assert wb.counts_of(bits, *sparse([[1], [0, 1], []])).tolist() == [8, 5, 10]


@pytest.mark.parametrize("block", [1, 7])
def test_the_block_size_does_not_matter(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    rows = [set(np.flatnonzero(generator.random(N_COLUMNS) < 0.5).tolist()) for _ in range(300)]
    sets = [[0], [1, 2], [3], [], [0, 4], [2, 3, 5], [1]]
    weights = generator.integers(1, 50, 300)
    bits = wb.weighted_bitsets(*sparse(rows), N_COLUMNS, weights)
    counts = wb.counts_of(bits, *sparse(sets))
    monkeypatch.setattr(wb, "_BLOCK_WORDS", block * bits.words.shape[1])
    np.testing.assert_array_equal(wb.counts_of(bits, *sparse(sets)), counts)


def test_no_row_has_no_weight() -> None:
    bits = wb.weighted_bitsets(*sparse([]), 2, np.zeros(0, dtype=np.int64))
    assert wb.counts_of(bits, *sparse([[0], []])).tolist() == [0, 0]
