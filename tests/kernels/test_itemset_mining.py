"""Frequent itemsets: every method against counting all sets one by one."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue._kernels import itemset_bitsets, itemset_gram, itemset_mining
from custvalue._kernels.itemset_mining import frequent_itemsets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from custvalue._kernels.itemset_mining import Mined

N_ITEMS = 7
#: Ways through the code: the method, and settings that lead where small data do not get by themselves.
WAYS: dict[str, tuple[Literal["auto", "cube", "gram", "bitset"], dict[Any, dict[str, float]]]] = {
    "auto": ("auto", {}),
    "cube": ("cube", {}),
    "gram": ("gram", {}),
    "gram by pieces": ("gram", {itemset_gram: {"_CELLS": 8}}),
    "keys": ("bitset", {}),
    "keys joined": ("bitset", {itemset_mining: {"_JOIN_SHARE": 2.0}}),
    "dense": ("bitset", {itemset_mining: {"KEY_ITEMS": 1, "_WORD_COST": 0.0}}),
    "dense by pieces": (
        "bitset",
        {
            itemset_mining: {"KEY_ITEMS": 1, "_WORD_COST": 0.0},
            itemset_bitsets: {"_NODE_WORDS": 1, "_BLOCK_WORDS": 1},
        },
    ),
    "sparse": ("bitset", {itemset_mining: {"KEY_ITEMS": 1, "_PAIR_COST": 0.0}}),
    "sparse by pieces": (
        "bitset",
        {
            itemset_mining: {"KEY_ITEMS": 1, "_PAIR_COST": 0.0},
            itemset_bitsets: {"_NODE_WORDS": 4, "_BLOCK_WORDS": 2, "_KEYS": 3, "_CELLS": 14, "_PAIR_WORDS": 2},
        },
    ),
    "sparse without pairs": (
        "bitset",
        {itemset_mining: {"KEY_ITEMS": 1, "_PAIR_COST": 0.0}, itemset_bitsets: {"_PAIR_TABLE": 0}},
    ),
}
EACH_WAY = pytest.mark.parametrize("way", WAYS)
ROW = st.frozensets(st.integers(0, N_ITEMS - 1))
WEIGHT = st.one_of(st.integers(1, 3), st.integers(1, 100), st.sampled_from([10**8 + 1, 2**24 + 1, 2**53 + 1]))
ROWS = st.lists(st.tuples(ROW, WEIGHT), max_size=40)


def brute_force(
    rows: list[tuple[frozenset[int], int]], threshold: int, longest: int = N_ITEMS
) -> dict[tuple[int, ...], int]:
    """Count every set by itself, in the order of lengths and codes."""
    found = {}
    for length in range(1, longest + 1):
        for items in combinations(range(N_ITEMS), length):
            count = sum(weight for row, weight in rows if row.issuperset(items))
            if count >= threshold:
                found[items] = count
    return found


def mine(rows: list[tuple[frozenset[int], int]], threshold: int, way: str = "auto", **wanted: Any) -> Mined:
    method, patches = WAYS[way]
    indptr = np.cumsum([0, *(len(row) for row, _ in rows)]).astype(np.int64)
    codes = np.array([code for row, _ in rows for code in sorted(row)], dtype=np.int32)
    weights = np.array([weight for _, weight in rows], dtype=np.int64)
    with pytest.MonkeyPatch.context() as patch:
        for module, values in patches.items():
            for name, value in values.items():
                patch.setattr(module, name, value)
        wanted.setdefault("limit", 1000)
        return frequent_itemsets(indptr, codes, weights, N_ITEMS, threshold, method=method, **wanted)


def listed(mined: Mined) -> Iterator[tuple[tuple[int, ...], int]]:
    """Read the arrays in their order."""
    for place, count in enumerate(mined.counts.tolist()):
        yield tuple(mined.codes[mined.indptr[place] : mined.indptr[place + 1]].tolist()), count


@EACH_WAY
@settings(max_examples=50)
@given(rows=ROWS, share=st.floats(0.0, 1.0))
def test_every_method_finds_what_counting_one_by_one_finds(
    way: str, rows: list[tuple[frozenset[int], int]], share: float
) -> None:
    threshold = max(1, int(share * sum(weight for _, weight in rows) * 0.6))
    mined = mine(rows, threshold, way)
    assert list(listed(mined)) == list(brute_force(rows, threshold).items())
    assert mined.complete
    assert [array.dtype for array in mined[:3]] == [np.dtype(np.int64), np.dtype(np.int32), np.dtype(np.int64)]


@EACH_WAY
@settings(max_examples=15)
@given(rows=ROWS, longest=st.integers(1, 4))
def test_a_longest_length_cuts_the_list(way: str, rows: list[tuple[frozenset[int], int]], longest: int) -> None:
    mined = mine(rows, 2, way, max_length=longest)
    assert list(listed(mined)) == list(brute_force(rows, 2, longest).items())
    assert mined.complete


@EACH_WAY
@settings(max_examples=25)
@given(rows=ROWS, limit=st.integers(1, 60))
def test_a_limit_keeps_the_lengths_that_fit_whole(
    way: str, rows: list[tuple[frozenset[int], int]], limit: int
) -> None:
    mined = mine(rows, 2, way, limit=limit)
    every = brute_force(rows, 2)
    lengths = [len(items) for items in every]
    fits = [length for length in range(N_ITEMS + 1) if sum(one <= length for one in lengths) <= limit]
    assert list(listed(mined)) == [pair for pair in every.items() if len(pair[0]) <= max(fits)]
    assert mined.complete == (len(every) <= limit)


@EACH_WAY
def test_by_hand_an_item_that_everyone_holds_is_found(way: str) -> None:
    """Baskets ab and a: {a} has 2, {b} and {ab} have 1; a published package loses {a} (research note, B1)."""
    rows = [(frozenset({0, 1}), 1), (frozenset({0}), 1)]
    assert dict(listed(mine(rows, 1, way))) == {(0,): 2, (1,): 1, (0, 1): 1}
    assert dict(listed(mine(rows, 2, way))) == {(0,): 2}


@EACH_WAY
def test_by_hand_a_threshold_met_exactly_counts(way: str) -> None:
    rows = [(frozenset({0, 1, 2}), 7), (frozenset({0, 1}), 3), (frozenset(), 90)]
    assert dict(listed(mine(rows, 10, way))) == {(0,): 10, (1,): 10, (0, 1): 10}
    assert dict(listed(mine(rows, 7, way)))[0, 1, 2] == 7


@EACH_WAY
def test_nothing_frequent_gives_empty_arrays(way: str) -> None:
    mined = mine([(frozenset({0, 1}), 3)], 4, way)
    assert (mined.indptr.tolist(), mined.codes.tolist(), mined.counts.tolist()) == ([0], [], [])
    assert mine([], 1, way).counts.tolist() == []
    assert mine([(frozenset(), 5)], 1, way).counts.tolist() == []


def test_more_items_than_a_key_holds_and_rows_of_all_kinds() -> None:
    """Ninety items with heavy and light rows: the two forms of bits, the Gram matrices and single counts agree."""
    generator = np.random.default_rng(3)
    held = generator.random((2500, 90)) < np.linspace(0.02, 0.35, 90) * generator.lognormal(-0.3, 0.6, (2500, 1))
    weights = np.where(generator.random(2500) < 0.9, 1, generator.integers(2, 400, 2500)).astype(np.int64)
    indptr = np.concatenate([[0], np.cumsum(held.sum(axis=1))]).astype(np.int64)
    codes = np.nonzero(held)[1].astype(np.int32)
    found = {}
    for name, cost in {"gram": 12.0, "dense": 1e9, "sparse": 0.0}.items():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(itemset_mining, "_PAIR_COST", cost)
            method: Literal["gram", "bitset"] = "gram" if name == "gram" else "bitset"
            found[name] = frequent_itemsets(indptr, codes, weights, 90, 2000, limit=10**6, method=method)
    for name in ("dense", "sparse"):
        for mine_, other in zip(found[name][:3], found["gram"][:3], strict=True):
            np.testing.assert_array_equal(mine_, other)
    sets = list(listed(found["gram"]))
    assert max(len(items) for items, _ in sets) > 3
    for items, count in sets[:: max(1, len(sets) // 200)]:
        assert weights[held[:, items].all(axis=1)].sum() == count


def test_the_cube_takes_no_more_than_26_items() -> None:
    codes = np.arange(27, dtype=np.int32)
    with pytest.raises(ValueError, match="at most 26 items; 27 are frequent"):
        frequent_itemsets(np.array([0, 27]), codes, np.array([1]), 27, 1, limit=10, method="cube")


def test_the_order_of_rows_and_codes_does_not_matter() -> None:
    generator = np.random.default_rng(5)
    rows = [(frozenset(np.flatnonzero(generator.random(N_ITEMS) < 0.4).tolist()), int(w)) for w in range(1, 60)]
    first = mine(rows, 100)
    for left, right in zip(first, mine(rows[::-1], 100), strict=True):
        np.testing.assert_array_equal(left, right)
