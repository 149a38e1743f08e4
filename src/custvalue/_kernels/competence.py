"""Competence of a case base: who solves whom, as compressed sets, and what follows from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from custvalue._kernels.votes import elected

if TYPE_CHECKING:
    from custvalue._typing import BoolArray, FloatArray, IntArray

#: Where sets begin and what they hold: 4 bytes a number where they fit.
IndexArray: TypeAlias = NDArray[np.integer]

#: Relative coverages that agree to this many decimals count as equal, so that rounding decides no order.
DECIMALS = 9
#: Coverage sets compared with all others at a time.
BLOCK = 128
#: Kinds of cases by their code.
PIVOTAL, SUPPORT, SPANNING, AUXILIARY = range(4)


def solvers(similarity: FloatArray, rows: IntArray, codes: IntArray) -> BoolArray:
    """Tell which cases solve each of ``rows``: itself, and those of its class nearer than the nearest unlike one.

    ``similarity`` has a line a row, seen from that row's case, with -inf at its own place.
    """
    like = codes[None, :] == codes[rows, None]
    unlike = np.where(like, -np.inf, similarity).max(axis=1)
    found: BoolArray = like & (similarity > unlike[:, None])
    found[np.arange(len(rows)), rows] = True
    return found


def transposed(indptr: IndexArray, indices: IndexArray) -> tuple[IndexArray, IndexArray]:
    """Turn sets 'row holds column' into 'column holds row', every set in rising order."""
    count = len(indptr) - 1
    held = sparse.csr_array((np.ones(len(indices), dtype=np.int8), indices, indptr), shape=(count, count)).tocsc()
    return held.indptr, held.indices


def relative_coverage(indptr: IndexArray, indices: IndexArray, reachability: IntArray) -> FloatArray:
    """Sum 1 / (size of the reachability set) over every coverage set; no set is empty."""
    shares: FloatArray = np.add.reduceat((1.0 / reachability)[indices], indptr[:-1])
    return shares


def footprint(indptr: IndexArray, indices: IndexArray, relative: FloatArray) -> IntArray:
    """Take cases by falling relative coverage, the first among equals, unless one taken before covers them."""
    covered = np.zeros(len(relative), dtype=np.bool_)
    taken = []
    for case in np.argsort(-np.round(relative, DECIMALS), kind="stable").tolist():
        if not covered[case]:
            taken.append(case)
            covered[indices[indptr[case] : indptr[case + 1]]] = True
    return np.array(taken, dtype=np.int64)


def _merged(reachability: tuple[IndexArray, IndexArray]) -> tuple[BoolArray, FloatArray]:
    """Mark the first case of each distinct reachability set, and count for these the cases that share it."""
    indptr, indices = reachability
    first: dict[bytes, int] = {}
    shared = np.zeros(len(indptr) - 1)
    for case in range(len(shared)):
        key = indices[indptr[case] : indptr[case + 1]].tobytes()
        shared[first.setdefault(key, case)] += 1.0
    return shared > 0.0, shared


def kinds(coverage: tuple[IndexArray, IndexArray], reachability: tuple[IndexArray, IndexArray]) -> IntArray:
    """Tell pivotal, support, spanning and auxiliary cases apart.

    Who covers what case c covers solves c too, since c covers itself: so only coverage sets are compared. Cases
    that are reached by the same cases are merged into the first of them, with their number as weight; without
    that, cases of one class and no unlike one would cost the third power of their number.
    """
    indptr, indices = coverage
    count, sizes = len(indptr) - 1, np.diff(indptr)
    chosen, weight = _merged(reachability)
    stays = chosen[indices]
    ends = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(stays)])[indptr]
    ones = np.ones(int(ends[-1]))
    covers = sparse.csr_array((ones, indices[stays], ends), shape=(count, count))
    weighted = (covers * weight).T.tocsr()
    found = np.full(count, SPANNING, dtype=np.int64)
    for first in range(0, count, BLOCK):
        common = (covers[first : first + BLOCK] @ weighted).tocoo()
        row, other = common.row + first, common.col
        inside = (common.data == sizes[row]) & (row != other)
        row, other = row[inside], other[inside]
        found[row[sizes[other] == sizes[row]]] = SUPPORT
        found[row[sizes[other] > sizes[row]]] = AUXILIARY
    found[np.diff(reachability[0]) == 1] = PIVOTAL
    return found


def outvoted(neighbours: IntArray, codes: IntArray, n_classes: int) -> tuple[BoolArray, IntArray]:
    """Tell whose neighbours, the most similar first, vote for another class, and count the votes for their own.

    Among classes with equally many votes that of the most similar neighbour wins.
    """
    rows = np.arange(len(codes))
    voters = codes[neighbours]
    votes = np.zeros((len(codes), n_classes), dtype=np.int64)
    np.add.at(votes, (rows[:, None], voters), 1)
    return elected(voters, votes) != codes, votes[rows, codes]


def conflicts(values: FloatArray, codes: IntArray) -> tuple[int, BoolArray]:
    """Count pairs of equal rows with different codes, and mark the rows that are part of one."""
    _, row = np.unique(values, axis=0, return_inverse=True)
    row = row.reshape(-1)
    together = np.bincount(row)
    _, both, alike = np.unique(np.stack([row, codes]), axis=1, return_inverse=True, return_counts=True)
    marked: BoolArray = together[row] > alike[both.reshape(-1)]
    pairs = (int((together**2).sum()) - int((alike**2).sum())) // 2
    return pairs, marked
