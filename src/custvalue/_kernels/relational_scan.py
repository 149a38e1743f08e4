r"""A scan in float32 whose error is bounded, so that only a few cases of each query are computed in float64.

Derivation of the bound. Let u = 2^-24, the relative error of one float32 operation or conversion. Everything is
measured from a column's middle m, subtracted in float64 (its error, 2^-53, is covered by the slack below). For
one query and case write q, c for the shifted values, d = |q - c|, o for the offset, x = d + o, s for weight x
numerator and t = s / x. Since the numerator is smallest + offset and no distance is less than the smallest,
t <= weight.

- Converting q and c changes the distance by no more than u (|q| + |c|) <= u (2 |q| + d); subtracting adds u d,
  the converted offset u o, and the addition u x. Together u (2 |q| + 2 d + o + x) <= u (2 |q| + 3 x), relative to
  x >= o no more than u (2 |q| / o + 3). This is the one term that depends on data: an absolute error, read
  relative to the offset.
- Converting s, dividing, and the p - 1 additions add u (1 + 1 + p - 1).
- The compiled scan works with x' = d (1 / o) + 1 and s' = s / o instead: converting 1 / o and multiplying add u
  each to d / o, so x' is off by u (2 |q| / o + 5) relative. It puts three indicators over one denominator,
  ((s1 x2 + s2 x1) x3 + s3 (x1 x2)) / ((x1 x2) x3): all terms are positive, so relative errors add up along the
  longest path, 4 u above and 2 u below; with the conversion of s', the division and the additions of the threes
  that is u (5 + 1 + 4 + 2 + 1 + p / 3).

Either way an indicator's part is off by no more than t u (2 |q| / o + p + 16), to first order, and the similarity
by

    bound = 1.05 u sum of weight (2 |q| / o + p + 16) + 2^-40,

where 1.05 covers the higher orders, float64's own rounding and the weights' sum as long as no bracket exceeds
2^-6 / u, and 2^-40 covers underflow: with offsets in [2^-60, 2^60] and no distance above 2^39 offsets nothing
overflows, the product of three x' (below 2^120) included, and what underflows (below 2^-126) is divided by 2^-60
at most. Queries that break one of these conditions get an infinite bound and are computed in float64.

The k cases largest in float32 are at least (k-th largest - bound) similar in float64; a case below (k-th largest
- 2 bound) in float32 is less similar than that. So the k most similar cases, and all that tie with them, are among
those within 2 bound of the k-th largest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from custvalue._kernels import relational, relational_exact

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._kernels.relational_exact import Block, CaseSet
    from custvalue._typing import BoolArray, FloatArray, IntArray

#: Relative error of one float32 operation.
UNIT = 2.0**-24
#: Roundings of one indicator's part besides one an indicator.
ROUNDINGS = 16
SLACK = 1.05
UNDERFLOW = 2.0**-40
#: Offsets that float32 holds with room, distances relative to them, and the largest error of an indicator's part.
SMALLEST, LARGEST, FARTHEST, COARSEST = 2.0**-60, 2.0**60, 2.0**39, 2.0**-6
#: Cases of a tile where queries are few.
WIDEST = 1 << 14
#: Cases of a tile whose largest similarities are compared: the more, the sharper the threshold.
GROUPS = 8
#: Candidates a query may have before all of its cases are computed in float64.
CANDIDATES = 24


def error_bound(
    queries: FloatArray, offset: FloatArray, weights: FloatArray, middle: FloatArray, reach: FloatArray
) -> FloatArray:
    """Bound each query's error of a similarity in the float32 scan; +inf where the bound does not hold.

    ``middle`` and ``reach`` are the middle and half the range of the cases' columns.
    """
    away = np.abs(queries - middle)
    held = np.clip(offset, SMALLEST, LARGEST)
    error = (2.0 * UNIT) * away / held + UNIT * (len(weights) + ROUNDINGS)
    safe = (held == offset) & (away + reach <= FARTHEST * held) & (error <= COARSEST)
    bound: FloatArray = np.where(safe.all(axis=1), SLACK * (error @ weights) + UNDERFLOW, np.inf)
    return bound


def _single(table: FloatArray) -> NDArray[np.float32]:
    return np.ascontiguousarray(table.T, dtype=np.float32)


def _raise_best(best: NDArray[np.float32], total: NDArray[np.float32]) -> None:
    """Raise the k largest maxima of groups of cases, shape (k, queries), by those of a tile.

    Different groups have their maxima at different cases, so the last row is a lower bound of the k-th largest.
    """
    step = -(-len(total) // GROUPS)
    spare = np.empty_like(best[0])
    for first in range(0, len(total), step):
        most = total[first : first + step].max(axis=0)
        for level in best:
            np.minimum(level, most, out=spare)
            np.maximum(level, most, out=level)
            most, spare = spare, most


class _Candidates:
    """Pairs of query and case that may be among the most similar, found tile by tile."""

    def __init__(self, bound: FloatArray, k: int) -> None:
        self.k = k
        self.best = np.zeros((k, len(bound)), dtype=np.float32)
        #: Queries with more candidates than are worth the trouble.
        self.hard: BoolArray = np.zeros(len(bound), dtype=np.bool_)
        self._slack, self._one = 2.0 * bound, np.float32(1.0)
        self._found: list[tuple[IntArray, IntArray, NDArray[np.float32]]] = []
        self._count = 0

    def threshold(self) -> NDArray[np.float32]:
        """Give the float32 similarity below which a case cannot be among the k most similar of its query."""
        least: NDArray[np.float32] = np.nextafter((self.best[-1] - self._slack).astype(np.float32), -self._one)
        least[self.hard] = np.inf
        return least

    def add(self, total: NDArray[np.float32], first: int) -> None:
        """Look through a tile, shape (cases, queries), whose first case stands at a place."""
        _raise_best(self.best, total)
        mask = total >= self.threshold()
        if mask.flags.c_contiguous:
            place, row = np.divmod(np.flatnonzero(mask), mask.shape[1])
        else:
            row, place = np.divmod(np.flatnonzero(mask.T), mask.shape[0])
        self._found.append((row, place + first, total[place, row]))
        self._count += len(row)
        if self._count > (CANDIDATES + self.k) * len(self.hard):
            self.pairs()

    def pairs(self) -> tuple[IntArray, IntArray]:
        """Give the candidates that are left; a query that has too many becomes a hard one and has none."""
        row, place, alike = (np.concatenate(parts) for parts in zip(*self._found, strict=True))
        keep = alike >= self.threshold()[row]
        row, place, alike = row[keep], place[keep], alike[keep]
        self.hard |= np.bincount(row, minlength=len(self.hard)) > CANDIDATES // 2 + self.k
        if self.hard.any():
            keep = ~self.hard[row]
            row, place, alike = row[keep], place[keep], alike[keep]
        self._found, self._count = [(row, place, alike)], len(row)
        return row, place


def _scanned(block: Block, known: CaseSet, bound: FloatArray, middle: FloatArray, k: int) -> _Candidates:
    """Scan all cases in float32, a tile at a time."""
    queries, scaled, offset = _single(block.queries - middle), _single(block.scaled), _single(block.offset)
    n_queries = queries.shape[1]
    most = max(min(2 * relational.TILE_CELLS // n_queries, WIDEST), 1)
    width = -(-known.size // -(-known.size // most))
    space: NDArray[Any] = np.empty((2, width * n_queries), dtype=np.float32)
    candidates = _Candidates(bound, k)
    for first in range(0, known.size, width):
        columns = _single(known.part(first, first + width) - middle)
        n_cases = columns.shape[1]
        # The longer side is laid out without gaps, since NumPy's inner loops run along it.
        shape, turn = ((n_cases, n_queries), False) if n_queries >= n_cases else ((n_queries, n_cases), True)
        total, buffer = (part[: n_cases * n_queries].reshape(shape) for part in space)
        total, buffer = (total.T, buffer.T) if turn else (total, buffer)
        relational.similarity_tile(queries, columns, scaled, offset, total, buffer)
        if block.own is not None:
            inside = np.flatnonzero((block.own >= first) & (block.own < first + n_cases))
            total[block.own[inside] - first, inside] = -1.0
        candidates.add(total, first)
    return candidates


def _scored(block: Block, known: CaseSet, row: IntArray, place: IntArray) -> FloatArray:
    """Compute pairs of query and case in float64, in the order of ``relational.similarity_tile``."""
    parts = block.queries[row]
    np.subtract(parts, known.rows(place), out=parts)
    np.abs(parts, out=parts)
    np.add(parts, block.offset[row], out=parts)
    np.divide(block.scaled[row], parts, out=parts)
    return relational.summed(parts)


def _near(
    block: Block, known: CaseSet, k: int, bound: FloatArray, middle: FloatArray
) -> tuple[IntArray, IntArray, FloatArray, BoolArray]:
    """Give pairs of query and place, by falling similarity within a query, and the queries without pairs."""
    candidates = _scanned(block, known, bound, middle, k)
    row, place = candidates.pairs()
    # Without k candidates a query has fewer than k cases but its own.
    candidates.hard |= np.bincount(row, minlength=len(bound)) < k
    values = _scored(block, known, row, place)
    order = np.lexsort((place, -values, row))
    return row[order], place[order], values[order], candidates.hard


def search(
    block: Block, known: CaseSet, k: int, bound: FloatArray, middle: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Find the k most similar cases of each query of a block: a float32 scan, then float64 for what is near."""
    index, alike = np.empty((len(block.queries), k), dtype=np.int64), np.empty((len(block.queries), k))
    hard: BoolArray = np.isposinf(bound)
    safe = np.flatnonzero(~hard)
    if len(safe):
        some, error = (block, bound) if len(safe) == len(bound) else (block.of(safe), bound[safe])
        row, place, values, hard[safe] = _near(some, known, k, error, middle)
        first = np.searchsorted(row, np.flatnonzero(~hard[safe]))
        chosen = first[:, None] + np.arange(k)
        index[~hard], alike[~hard] = place[chosen], values[chosen]
    if hard.any():
        rows = np.flatnonzero(hard)
        index[rows], alike[rows] = relational_exact.search(block.of(rows), known, k)
    return index, alike
