"""Sums of an amount over the rows that hold all columns of each set, for many sets that share their beginnings."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from custvalue._kernels import set_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._kernels.set_rows import Sets
    from custvalue._typing import FloatArray, IntArray

#: More children than this are found by one sort of the entries, fewer by a look through them for each.
_FEW = 8


class Projected(NamedTuple):
    """The rows that hold a prefix: where the rest of each row stands among the codes, and its value."""

    first: IntArray
    end: IntArray
    values: FloatArray


class _Tree(NamedTuple):
    """What stays the same: codes of the rows, the sets in order (-1 behind the last code), and their sums."""

    codes: NDArray[np.int32]
    n_codes: int
    sets: NDArray[np.int32]
    sums: FloatArray


def sums_of_sets(rows: Sets, values: FloatArray, sets: Sets) -> FloatArray:
    """Add up the values of the rows that hold all columns of each set; every row holds an empty set.

    Parameters
    ----------
    rows : Sets
        Columns of each row, ascending.
    values : ndarray of shape (n_rows,)
        What is added up.
    sets : Sets
        The sets, each once.

    Returns
    -------
    ndarray of shape (n_sets,)
        The sums. Rows are added in their order, whatever other sets are asked for.

    Notes
    -----
    Columns are numbered by their rows, the fewest first, and the sets are walked as a tree of their beginnings,
    depth first. One count over the rest of the rows that hold a beginning gives the sums of all sets with one
    column more (the projected rows of pattern growth; Pei et al. 2001, ICDM, 441-448). Cost: the holdings of the
    rows of each beginning, which its rare columns keep few. Memory: some 40 bytes a holding.
    """
    sums = np.full(sets.size, values.sum(), dtype=np.float64)
    longest = int(sets.lengths.max(initial=0))
    if not longest:
        return sums
    rank = _ranks(rows, sets)
    n_codes = int(rank.max()) + 1
    first, end, codes = _ranked(rows, rank, n_codes)
    table = np.full((sets.size, longest + 1), -1, dtype=np.int32)
    for places, matrix in set_rows.by_length(sets):
        table[places, : matrix.shape[1]] = np.sort(rank[matrix], axis=1)
    order = np.lexsort(table.T[::-1])
    ordered = sums[order]
    tree = _Tree(codes, n_codes, table[order], ordered)
    _grow(Projected(first, end, values), 0, sets.size, 0, tree)
    sums[order] = ordered
    return sums


def _ranks(rows: Sets, sets: Sets) -> IntArray:
    """Give numbers to the columns that a set asks for, those of the fewest rows first; -1 to others."""
    width = int(max(rows.codes.max(initial=-1), sets.codes.max(initial=-1))) + 1
    held = np.bincount(rows.codes, minlength=width)
    asked = np.flatnonzero(np.bincount(sets.codes, minlength=width))
    rank = np.full(width, -1, dtype=np.int64)
    rank[asked[np.argsort(held[asked], kind="stable")]] = np.arange(len(asked))
    return rank


def _ranked(rows: Sets, rank: IntArray, n_codes: int) -> tuple[IntArray, IntArray, NDArray[np.int32]]:
    """Write the rows in the new numbers, ascending, without the columns that no set asks for."""
    numbers = rank[rows.codes]
    owner = np.repeat(np.arange(rows.size, dtype=np.int64), rows.lengths)
    asked = numbers >= 0
    keys = owner[asked] * n_codes + numbers[asked]
    keys.sort()
    bounds = np.searchsorted(keys, np.arange(rows.size + 1, dtype=np.int64) * n_codes)
    return bounds[:-1], bounds[1:], (keys % n_codes).astype(np.int32)


def _grow(node: Projected, low: int, high: int, depth: int, tree: _Tree) -> None:
    """Fill the sums of the sets from low to high, which begin alike in so many columns; go on with longer ones."""
    column = tree.sets[low:high, depth]
    low += int(np.count_nonzero(column < 0))  # the beginning itself: its sum is known
    column = tree.sets[low:high, depth]
    if not len(column):
        return
    sizes = node.end - node.first
    ends = np.cumsum(sizes)
    places = np.repeat(node.first - (ends - sizes), sizes)
    places += np.arange(len(places))
    codes = tree.codes[places]
    found = np.bincount(codes, weights=np.repeat(node.values, sizes), minlength=tree.n_codes)
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    stops = np.append(starts[1:], len(column))
    whole = tree.sets[low + starts, depth + 1] < 0
    tree.sums[low + starts[whole]] = found[column[starts[whole]]]
    longer = np.flatnonzero(stops - starts > whole)
    if not len(longer):
        return
    owner = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    order = np.argsort(codes, kind="stable") if len(longer) > _FEW else None
    ordered = None if order is None else codes[order]
    for child in longer.tolist():
        code = column[starts[child]]
        if order is None or ordered is None:
            met = np.flatnonzero(codes == code)
        else:
            met = order[np.searchsorted(ordered, code) : np.searchsorted(ordered, code, side="right")]
        row = owner[met]
        projected = Projected(places[met] + 1, node.end[row], node.values[row])
        _grow(projected, low + int(starts[child]), low + int(stops[child]), depth + 1, tree)
