"""Closed, maximal and generator sets, and the index of sets, against their definitions."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue._kernels import itemset_families
from custvalue._kernels.itemset_mining import Mined, frequent_itemsets

N_ITEMS = 6
ROWS = st.lists(st.tuples(st.frozensets(st.integers(0, N_ITEMS - 1)), st.integers(1, 9)), max_size=25)
Rows = list[tuple[frozenset[int], int]]


def mine(rows: Rows, threshold: int, longest: int | None = None) -> tuple[Mined, dict[frozenset[int], int], int]:
    indptr = np.cumsum([0, *(len(row) for row, _ in rows)]).astype(np.int64)
    codes = np.array([code for row, _ in rows for code in sorted(row)], dtype=np.int32)
    weights = np.array([weight for _, weight in rows], dtype=np.int64)
    mined = frequent_itemsets(indptr, codes, weights, N_ITEMS, threshold, max_length=longest, limit=1000)
    sets = {frozenset(codes_of(mined, place)): int(count) for place, count in enumerate(mined.counts)}
    return mined, sets, int(weights.sum())


def codes_of(mined: Mined, place: int) -> list[int]:
    codes: list[int] = mined.codes[mined.indptr[place] : mined.indptr[place + 1]].tolist()
    return codes


@settings(max_examples=150)
@given(rows=ROWS, threshold=st.integers(1, 12))
def test_families_are_what_their_definitions_say(rows: Rows, threshold: int) -> None:
    """Closed: no superset with the count; maximal: no superset; generator: no subset with the count."""
    mined, sets, total = mine(rows, threshold)
    everything = {frozenset[int](): total} | sets
    closed = [not any(one < other and count == sets[other] for other in sets) for one, count in sets.items()]
    maximal = [not any(one < other for other in sets) for one in sets]
    generators = [
        not any(other < one and count == everything[other] for other in everything) for one, count in sets.items()
    ]
    assert itemset_families.closed(mined).tolist() == closed
    assert itemset_families.maximal(mined).tolist() == maximal
    assert itemset_families.generators(mined, total).tolist() == generators


@settings(max_examples=100)
@given(rows=ROWS, threshold=st.integers(1, 9), longest=st.none() | st.integers(1, 3))
def test_the_index_finds_every_set_and_no_other(rows: Rows, threshold: int, longest: int | None) -> None:
    mined, sets, _ = mine(rows, threshold, longest)
    index = itemset_families.ItemsetIndex(mined)
    place_of = {one: place for place, one in enumerate(sets)}
    for length in range(N_ITEMS + 1):
        every = list(combinations(range(N_ITEMS + 1), length))  # the last item is not known
        asked = np.array(every, dtype=np.int32).reshape(len(every), length)
        assert index.find(asked).tolist() == [place_of.get(frozenset(items), -1) for items in every]
    assert (index.find(np.array([[-1], [10**6]], dtype=np.int32)) == -1).all()


@settings(max_examples=60)
@given(rows=ROWS, threshold=st.integers(1, 9))
def test_subsets_lack_one_item_each(rows: Rows, threshold: int) -> None:
    mined, sets, _ = mine(rows, threshold)
    seen = []
    for places, subsets in itemset_families.ItemsetIndex(mined).subsets():
        for place, found in zip(places.tolist(), subsets.tolist(), strict=True):
            seen.append(place)
            codes = codes_of(mined, place)
            for step, at in enumerate(found):
                assert (codes_of(mined, at) if at >= 0 else []) == codes[:step] + codes[step + 1 :]
    assert seen == list(range(len(sets)))


def test_by_hand_a_product_that_all_hold_is_closed_and_no_generator() -> None:
    """a: 3, b: 2, ab: 2. Closed are a and ab; ab is maximal; b alone is a generator, since all hold a."""
    mined, _, total = mine([(frozenset({0, 1}), 2), (frozenset({0}), 1)], 1)
    assert itemset_families.closed(mined).tolist() == [True, False, True]
    assert itemset_families.maximal(mined).tolist() == [False, False, True]
    assert itemset_families.generators(mined, total).tolist() == [False, True, False]


def test_no_set_at_all() -> None:
    mined, _, total = mine([(frozenset({0}), 1)], 2)
    assert itemset_families.closed(mined).tolist() == []
    assert itemset_families.maximal(mined).tolist() == []
    assert itemset_families.generators(mined, total).tolist() == []
    assert itemset_families.ItemsetIndex(mined).find(np.array([[0]], dtype=np.int32)).tolist() == [-1]


@pytest.mark.parametrize("block", [1, 3])
def test_the_block_size_does_not_matter(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(2)
    held = generator.random((60, N_ITEMS)) < 0.6
    mined, _, total = mine([(frozenset(np.flatnonzero(row).tolist()), 1) for row in held], 4)
    expected = itemset_families.closed(mined), itemset_families.generators(mined, total)
    monkeypatch.setattr(itemset_families, "_BLOCK", block)
    np.testing.assert_array_equal(itemset_families.closed(mined), expected[0])
    np.testing.assert_array_equal(itemset_families.generators(mined, total), expected[1])
