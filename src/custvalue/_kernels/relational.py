"""Grey relational arithmetic: ranges from sorted columns, similarities in cache-sized tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from custvalue._typing import FloatArray, IntArray

#: Group ranges below this count as zero: every distance of the group is zero and every coefficient one.
SMALLEST_RANGE = 1e-300
#: Offsets are no smaller than this, so that no coefficient is 0/0 however small rho is.
SMALLEST_OFFSET = float(np.finfo(np.float64).tiny)
#: Rows and cases of a tile: two buffers of 1 MB stay in the second-level cache.
TILE_ROWS = 128
TILE_CASES = 1024
#: Queries whose ranges are computed together.
RANGE_ROWS = 2048
#: Above this many cases wanted, sorting a tile beats picking its largest one by one.
MANY = 8


def deng_coefficients(series: FloatArray, reference: FloatArray, rho: float) -> FloatArray:
    """Compute Deng's coefficients, smallest and largest distance over the whole table."""
    distance = np.abs(series - reference)
    largest = float(distance.max())
    if largest <= SMALLEST_RANGE:
        return np.ones_like(distance)
    smallest = float(distance.min())
    offset = max(rho * largest, SMALLEST_OFFSET)
    coefficients: FloatArray = (smallest + offset) / (distance + offset)
    return coefficients


def group_ranges(queries: FloatArray, ordered: FloatArray, group: IntArray) -> tuple[FloatArray, FloatArray]:
    """Smallest and largest distance of each query in each group, over all cases and the group's columns.

    ``ordered`` holds the cases with every column sorted by itself: O(p log m) a query. A rounded difference is
    monotone in the case's value, so both are bit for bit what a scan over all cases gives.
    """
    n_groups = int(group.max()) + 1
    smallest = np.full((len(queries), n_groups), np.inf)
    largest = np.zeros((len(queries), n_groups))
    for column, place in enumerate(group):
        values, wanted = ordered[:, column], queries[:, column]
        right = np.searchsorted(values, wanted)
        below = np.abs(wanted - values[np.maximum(right - 1, 0)])
        above = np.abs(wanted - values[np.minimum(right, len(values) - 1)])
        np.minimum(smallest[:, place], np.minimum(below, above), out=smallest[:, place])
        far = np.maximum(np.abs(wanted - values[0]), np.abs(wanted - values[-1]))
        np.maximum(largest[:, place], far, out=largest[:, place])
    return smallest, largest


def group_terms(smallest: FloatArray, largest: FloatArray, rho: float) -> tuple[FloatArray, FloatArray]:
    """Give numerator and offset of the coefficient: zeta = numerator / (distance + offset)."""
    flat = largest <= SMALLEST_RANGE
    offset = np.where(flat, 1.0, np.maximum(rho * largest, SMALLEST_OFFSET))
    numerator = np.where(flat, 1.0, smallest + offset)
    return numerator, offset


def new_spaces() -> tuple[FloatArray, FloatArray]:
    """Reserve the memory of two tiles."""
    return np.empty(TILE_ROWS * TILE_CASES), np.empty(TILE_ROWS * TILE_CASES)


def tiles(spaces: tuple[FloatArray, FloatArray], rows: int, cases: int) -> tuple[FloatArray, FloatArray]:
    """Lay two tiles without gaps into the reserved memory: rows a power of two apart evict each other."""
    total, buffer = (space[: rows * cases].reshape(rows, cases) for space in spaces)
    return total, buffer


def similarity_tile(
    queries: FloatArray,
    cases: FloatArray,
    scaled: FloatArray,
    offset: FloatArray,
    total: FloatArray,
    buffer: FloatArray,
) -> None:
    """Write the similarities of some queries to some cases into ``total``.

    ``scaled`` and ``offset`` have a column an indicator. Each indicator adds weight x numerator / (distance +
    offset), always in the order of the columns, so the tile's shape does not change a bit of the result.
    """
    for column in range(queries.shape[1]):
        out = total if column == 0 else buffer
        np.subtract(queries[:, column, None], cases[None, :, column], out=out)
        np.abs(out, out=out)
        np.add(out, offset[:, column, None], out=out)
        np.divide(scaled[:, column, None], out, out=out)
        if column:
            np.add(total, buffer, out=total)


def similarity_matrix(
    queries: FloatArray, cases: FloatArray, group: IntArray, weights: FloatArray, rho: float
) -> FloatArray:
    """Compute the two-level similarity of every query to every case, shape (queries, cases)."""
    numerator, offset = group_terms(*group_ranges(queries, np.sort(cases, axis=0), group), rho)
    scaled, offset = numerator[:, group] * weights, offset[:, group]
    columns = np.asfortranarray(cases)
    result = np.empty((len(queries), len(cases)))
    spaces = new_spaces()
    for row in range(0, len(queries), TILE_ROWS):
        rows = slice(row, row + TILE_ROWS)
        for first in range(0, len(cases), TILE_CASES):
            some = slice(first, first + TILE_CASES)
            total, buffer = tiles(spaces, len(queries[rows]), len(columns[some]))
            similarity_tile(queries[rows], columns[some], scaled[rows], offset[rows], total, buffer)
            result[rows, some] = total
    return result


def components(
    queries: FloatArray, cases: FloatArray, group: IntArray, weights: FloatArray, rho: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give coefficients and weighted parts, shape (queries, cases, indicators), and their sums over indicators.

    Parts and sums are computed in the order of :func:`similarity_tile`, so the sums are its similarities bit for
    bit.
    """
    numerator, offset = group_terms(*group_ranges(queries, np.sort(cases, axis=0), group), rho)
    distance = np.abs(queries[:, None, :] - cases[None, :, :]) + offset[:, None, group]
    coefficients: FloatArray = numerator[:, None, group] / distance
    parts: FloatArray = (numerator[:, group] * weights)[:, None, :] / distance
    total = np.zeros(parts.shape[:2])
    for column in range(parts.shape[2]):
        total += parts[:, :, column]
    return coefficients, parts, total


def _largest(block: FloatArray, k: int, offset: int) -> tuple[IntArray, FloatArray]:
    """Give the k largest entries of each row, the lowest index first among equals."""
    k = min(k, block.shape[1])
    rows = np.arange(len(block))
    if k > MANY:
        index = np.argsort(-block, axis=1, kind="stable")[:, :k]
        return index + offset, np.take_along_axis(block, index, axis=1)
    index = np.empty((len(block), k), dtype=np.int64)
    values = np.empty((len(block), k))
    for place in range(k):
        best = np.argmax(block, axis=1)
        index[:, place], values[:, place] = best + offset, block[rows, best]
        block[rows, best] = -np.inf
    return index, values


def _nearest_in_tiles(
    queries: FloatArray,
    columns: FloatArray,
    scaled: FloatArray,
    offset: FloatArray,
    spaces: tuple[FloatArray, FloatArray],
    k: int,
) -> tuple[IntArray, FloatArray]:
    """Find the k most similar cases of up to ``TILE_ROWS`` queries, a tile of cases at a time."""
    index = np.empty((len(queries), 0), dtype=np.int64)
    values = np.empty((len(queries), 0))
    for first in range(0, len(columns), TILE_CASES):
        some = columns[first : first + TILE_CASES]
        total, buffer = tiles(spaces, len(queries), len(some))
        similarity_tile(queries, some, scaled, offset, total, buffer)
        new_index, new_values = _largest(total, k, first)
        if first == 0:
            index, values = new_index, new_values
            continue
        index = np.concatenate([index, new_index], axis=1)
        values = np.concatenate([values, new_values], axis=1)
        order = np.argsort(-values, axis=1, kind="stable")[:, :k]
        index, values = np.take_along_axis(index, order, axis=1), np.take_along_axis(values, order, axis=1)
    return index, values


def nearest_cases(
    queries: FloatArray, cases: FloatArray, group: IntArray, weights: FloatArray, rho: float, k: int
) -> tuple[IntArray, FloatArray]:
    """Find the k most similar cases of each query without holding queries x cases.

    Memory beyond inputs and result: one sorted and one column-ordered copy of the cases, two tiles of 1 MB, and
    the terms of ``RANGE_ROWS`` queries.
    """
    k = min(k, len(cases))
    columns, ordered = np.asfortranarray(cases), np.sort(cases, axis=0)
    index = np.empty((len(queries), k), dtype=np.int64)
    values = np.empty((len(queries), k))
    spaces = new_spaces()
    for start in range(0, len(queries), RANGE_ROWS):
        block = np.asfortranarray(queries[start : start + RANGE_ROWS])
        numerator, offset = group_terms(*group_ranges(block, ordered, group), rho)
        scaled, offset = numerator[:, group] * weights, offset[:, group]
        for row in range(0, len(block), TILE_ROWS):
            rows = slice(row, row + TILE_ROWS)
            target = slice(start + row, start + row + len(block[rows]))
            index[target], values[target] = _nearest_in_tiles(
                block[rows], columns, scaled[rows], offset[rows], spaces, k
            )
    return index, values
