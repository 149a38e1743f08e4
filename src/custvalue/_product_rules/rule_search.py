"""Rules out of frequent itemsets, as positions and counts, within a limit that is told when it is hit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from custvalue._kernels import set_rows
from custvalue._kernels.itemset_families import ItemsetIndex
from custvalue._kernels.itemset_mining import frequent_itemsets
from custvalue._product_rules.holder_counts import Cells, HolderCounts, cells_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from custvalue._holdings.baskets import Baskets
    from custvalue._kernels.itemset_collection import Mined
    from custvalue._kernels.set_rows import Sets
    from custvalue._product_rules.templates import Side
    from custvalue._typing import BoolArray, IntArray

#: Candidates for substitutes that are counted at once.
CANDIDATES = 200_000


class Found(NamedTuple):
    """Rules in their final order, with what can count their simpler rules."""

    antecedent: Sets
    consequent: Sets
    cells: Cells
    counts: HolderCounts
    n_itemsets: int
    complete: bool


class _Part(NamedTuple):
    """Some rules as positions among the frequent sets, with their counts."""

    antecedent: IntArray
    consequent: IntArray
    cells: Cells


def find_rules(
    baskets: Baskets,
    antecedent: Side,
    consequent: Side,
    threshold: int,
    min_confidence: Fraction,
    *,
    together: bool,
    limit: int,
) -> Found:
    """Find the rules whose two sides (together, or each by itself) enough customers hold, in a fixed order."""
    longest = antecedent.max_length + consequent.max_length
    if not together:
        longest = max(antecedent.max_length, consequent.max_length)
    mined = _mined(baskets, antecedent.allowed | consequent.allowed, threshold, longest, limit)
    counts = HolderCounts(baskets, mined)
    sets = set_rows.Sets(mined.indptr, mined.codes)
    if together:
        parts = _within_itemsets(baskets, mined, counts, antecedent, consequent, min_confidence)
    else:
        parts = _between_itemsets(sets, counts, antecedent, consequent, min_confidence)
    kept: list[_Part] = []
    n_kept = 0
    for part in parts:
        kept.append(part)
        n_kept += len(part.antecedent)
        if n_kept > limit:
            break
    left, right, *four = (
        (
            np.concatenate([np.empty(0, dtype=np.int64), *columns])[:limit]
            for columns in zip(*((p.antecedent, p.consequent, *p.cells) for p in kept), strict=True)
        )
        if kept
        else [np.empty(0, dtype=np.int64)] * 6
    )
    lengths = sets.lengths
    order = np.lexsort((right, left, lengths[left] + lengths[right], -four[0]))
    cells = Cells(*(cell[order] for cell in four))
    chosen = set_rows.take(sets, left[order]), set_rows.take(sets, right[order])
    return Found(*chosen, cells, counts, sets.size, complete=mined.complete and n_kept <= limit)


def _mined(baskets: Baskets, allowed: BoolArray, threshold: int, longest: int, limit: int) -> Mined:
    """Mine the frequent sets of allowed products; beyond the limit all sets up to some length."""
    held = set_rows.Sets(baskets.indptr, baskets.codes)
    if not allowed.all():
        keep = allowed[held.codes]
        lengths = np.bincount(np.repeat(np.arange(held.size), held.lengths)[keep], minlength=held.size)
        held = set_rows.from_lengths(lengths, held.codes[keep])
    return frequent_itemsets(
        held.indptr,
        held.codes,
        baskets.customers,
        baskets.n_products,
        threshold,
        max_length=min(longest, baskets.n_products),
        limit=limit,
        method="auto",
    )


def _within_itemsets(
    baskets: Baskets,
    mined: Mined,
    counts: HolderCounts,
    antecedent: Side,
    consequent: Side,
    min_confidence: Fraction,
) -> Iterator[_Part]:
    """Split every frequent set in all allowed ways."""
    sets = set_rows.Sets(mined.indptr, mined.codes)
    left_fits, right_fits = antecedent.fits(sets), consequent.fits(sets)
    everyone = np.int64(baskets.n_customers)
    for split in set_rows.splits(sets, ItemsetIndex(mined), consequent.min_length, consequent.max_length):
        fits = np.flatnonzero(left_fits[split.antecedent] & right_fits[split.consequent])
        whole, left, right = (positions[fits] for positions in split)
        if counts.restricted.any():
            cells = counts.cells(set_rows.take(sets, left), set_rows.take(sets, right))
        else:
            of_set = mined.counts
            cells = cells_of(of_set[whole], of_set[left], of_set[right], np.full(len(whole), everyone))
        yield _confident(left, right, cells, min_confidence)


def _between_itemsets(
    sets: Sets, counts: HolderCounts, antecedent: Side, consequent: Side, min_confidence: Fraction
) -> Iterator[_Part]:
    """Set every frequent antecedent against every frequent consequent that shares no product with it."""
    lefts, rights = np.flatnonzero(antecedent.fits(sets)), np.flatnonzero(consequent.fits(sets))
    left_sets = set_rows.take(sets, lefts)
    waiting: list[tuple[IntArray, IntArray]] = []
    n_waiting = 0
    for right in rights.tolist():
        own = sets.codes[sets.indptr[right] : sets.indptr[right + 1]]
        apart = lefts[set_rows.holds_none(left_sets, own)]
        waiting.append((apart, np.full(len(apart), right, dtype=np.int64)))
        n_waiting += len(apart)
        if n_waiting >= CANDIDATES:
            yield _counted(sets, counts, waiting, min_confidence)
            waiting, n_waiting = [], 0
    if waiting:
        yield _counted(sets, counts, waiting, min_confidence)


def _counted(
    sets: Sets, counts: HolderCounts, waiting: list[tuple[IntArray, IntArray]], min_confidence: Fraction
) -> _Part:
    left, right = (np.concatenate(column) for column in zip(*waiting, strict=True))
    cells = counts.cells(set_rows.take(sets, left), set_rows.take(sets, right))
    return _confident(left, right, cells, min_confidence)


def _confident(left: IntArray, right: IntArray, cells: Cells, min_confidence: Fraction) -> _Part:
    """Keep the rules that reach the confidence, exactly; 0 keeps all."""
    if min_confidence == 0:
        return _Part(left, right, cells)
    whole: IntArray = cells.n11 + cells.n10
    part: IntArray = cells.n11
    keep = set_rows.reaches_share(part, whole, min_confidence.numerator, min_confidence.denominator)
    return _Part(left[keep], right[keep], Cells(*(cell[keep] for cell in cells)))
