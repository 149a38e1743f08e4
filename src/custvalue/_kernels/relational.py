"""Grey relational arithmetic: ranges from sorted columns, similarities in cache-sized tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._typing import FloatArray, IntArray

#: Ranges below this count as zero: every distance is zero and every coefficient one.
SMALLEST_RANGE = 1e-300
#: Offsets are no smaller than this, so that no coefficient is 0/0 however small rho is.
SMALLEST_OFFSET = float(np.finfo(np.float64).tiny)
#: Offset where a frozen range is zero: 1 at distance zero, and nothing at any distance that counts. A power of
#: two, so that weight x offset / offset is the weight.
VANISHING_OFFSET = 2.0**-1000
#: Entries of a tile: two of them in float64 stay in a second-level cache.
TILE_CELLS = 1 << 16
#: The longer side of a tile, along which NumPy's inner loops run.
TILE_LENGTH = 1024
#: NumPy copies broadcast operands into a buffer wherever it is longer than an inner loop: it must not be.
BUFFERED = 16


class Measure(NamedTuple):
    """How distances become similarities."""

    #: For each indicator the position of those it shares its ranges with, shape (indicators,).
    unit: IntArray
    #: Group weight x local weight, shape (indicators,).
    weights: FloatArray
    rho: float
    #: Largest distance of each indicator where the ranges are frozen, shape (indicators,), else None.
    largest: FloatArray | None = None


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


def sorted_columns(cases: FloatArray) -> FloatArray:
    """Sort every column by itself, in place in one copy, shape (indicators, cases)."""
    ordered = np.empty((cases.shape[1], len(cases)))
    for column, values in enumerate(ordered):
        values[:] = cases[:, column]
        values.sort()
    return ordered


def ranges(
    queries: FloatArray, ordered: FloatArray, unit: IntArray, *, left_out: bool = False
) -> tuple[FloatArray, FloatArray]:
    """Smallest and largest distance of each query in each unit, over all cases and the unit's columns.

    ``ordered`` comes from :func:`sorted_columns`: O(p log m) a query. A rounded difference is monotone in the
    case's value, so both are bit for bit what a scan over all cases gives. With ``left_out`` every query is one
    of the cases and is not compared with itself: its neighbours in the sorted column are asked instead.
    """
    n_units = int(unit.max()) + 1
    smallest = np.full((len(queries), n_units), np.inf)
    largest = np.zeros((len(queries), n_units))
    for column, place in enumerate(unit):
        values, wanted = ordered[column], queries[:, column]
        above = np.searchsorted(values, wanted)
        last = len(values) - 1
        low = np.abs(wanted - values[np.maximum(above - 1, 0)])
        if left_out:
            low[above == 0] = np.inf
            high = np.abs(wanted - values[np.minimum(above + 1, last)])
            high[above >= last] = np.inf
        else:
            high = np.abs(wanted - values[np.minimum(above, last)])
        np.minimum(smallest[:, place], np.minimum(low, high), out=smallest[:, place])
        far = np.maximum(np.abs(wanted - values[0]), np.abs(wanted - values[-1]))
        np.maximum(largest[:, place], far, out=largest[:, place])
    return smallest, largest


def range_terms(smallest: FloatArray, largest: FloatArray, rho: float) -> tuple[FloatArray, FloatArray]:
    """Give numerator and offset of the coefficient: zeta = numerator / (distance + offset)."""
    flat = largest <= SMALLEST_RANGE
    offset = np.where(flat, 1.0, np.maximum(rho * largest, SMALLEST_OFFSET))
    numerator = np.where(flat, 1.0, smallest + offset)
    return numerator, offset


def frozen_terms(largest: FloatArray, rho: float) -> FloatArray:
    """Give numerator and offset in one, since the smallest distance is zero: zeta = offset / (d + offset)."""
    return np.where(largest <= SMALLEST_RANGE, VANISHING_OFFSET, np.maximum(rho * largest, SMALLEST_OFFSET))


def terms(
    queries: FloatArray, ordered: FloatArray | None, measure: Measure, *, left_out: bool = False
) -> tuple[FloatArray, FloatArray]:
    """Give numerator and offset of every query and indicator, shape (queries, indicators).

    ``ordered`` is None where the ranges are frozen.
    """
    if measure.largest is not None or ordered is None:
        largest = np.zeros(len(measure.unit)) if measure.largest is None else measure.largest
        offset = np.repeat(frozen_terms(largest, measure.rho)[None, :], len(queries), axis=0)
        return offset, offset
    found = ranges(queries, ordered, measure.unit, left_out=left_out)
    numerator, offset = range_terms(*found, measure.rho)
    return numerator[:, measure.unit], offset[:, measure.unit]


def order_of(cases: FloatArray, measure: Measure) -> FloatArray | None:
    """Sort the cases where ranges have to be found in them."""
    return sorted_columns(cases) if measure.largest is None else None


def buffer_size(length: int) -> int:
    """Give the size of NumPy's buffers for inner loops of some length: a multiple of 16 that is no longer."""
    return max(min(length, TILE_LENGTH) // BUFFERED, 1) * BUFFERED


def similarity_tile(
    queries: NDArray[Any],
    columns: NDArray[Any],
    scaled: NDArray[Any],
    offset: NDArray[Any],
    total: NDArray[Any],
    buffer: NDArray[Any],
) -> None:
    """Write the similarities of some cases to some queries into ``total``, shape (cases, queries).

    All tables hold a row an indicator. Each indicator adds weight x numerator / (distance + offset), always in
    the order of the indicators, so the shape of the tile and the order of its memory change no bit of the result.
    The context of ``np.errstate`` confines the buffers' size to this call and this thread.
    """
    with np.errstate():
        np.setbufsize(buffer_size(max(total.shape)))
        for column in range(len(queries)):
            out = total if column == 0 else buffer
            np.subtract(queries[column], columns[column, :, None], out=out)
            np.abs(out, out=out)
            np.add(out, offset[column], out=out)
            np.divide(scaled[column], out, out=out)
            if column:
                np.add(total, buffer, out=total)


def by_indicator(table: FloatArray) -> FloatArray:
    """Lay a table out by indicator, a row each."""
    return np.ascontiguousarray(table.T)


def similarity_matrix(
    queries: FloatArray, cases: FloatArray, measure: Measure, *, own: IntArray | None = None
) -> FloatArray:
    """Compute the two-level similarity of every query to every case, shape (queries, cases).

    With ``own`` each query is the case at that position; it is left out and its entry is -inf.
    """
    ordered = order_of(cases, measure)
    result = np.empty((len(queries), len(cases)))
    width = min(len(cases), TILE_LENGTH)
    height = max(TILE_CELLS // width, 1)
    for row in range(0, len(queries), height):
        some = queries[row : row + height]
        numerator, offset = terms(some, ordered, measure, left_out=own is not None)
        scaled, offset, wanted = (by_indicator(each) for each in (numerator * measure.weights, offset, some))
        for first in range(0, len(cases), width):
            columns = by_indicator(cases[first : first + width])
            total, buffer = np.empty((2, len(some), columns.shape[1]))
            similarity_tile(wanted, columns, scaled, offset, total.T, buffer.T)
            result[row : row + height, first : first + width] = total
    if own is not None:
        result[np.arange(len(queries)), own] = -np.inf
    return result


def summed(parts: FloatArray) -> FloatArray:
    """Sum over the last axis in the order of :func:`similarity_tile`."""
    total = parts[..., 0].copy()
    for column in range(1, parts.shape[-1]):
        total += parts[..., column]
    return total


def components(
    queries: FloatArray, cases: FloatArray, measure: Measure
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give coefficients and weighted parts, shape (queries, cases, indicators), and their sums over indicators.

    Parts and sums are computed in the order of :func:`similarity_tile`, so the sums are its similarities bit for
    bit.
    """
    numerator, offset = terms(queries, order_of(cases, measure), measure)
    distance = np.abs(queries[:, None, :] - cases[None, :, :]) + offset[:, None, :]
    coefficients: FloatArray = numerator[:, None, :] / distance
    parts: FloatArray = (numerator * measure.weights)[:, None, :] / distance
    return coefficients, parts, summed(parts)


def pair_components(
    queries: FloatArray, cases: FloatArray, index: IntArray, measure: Measure
) -> tuple[FloatArray, FloatArray]:
    """Give coefficients and weighted parts of chosen cases, shape (queries, chosen, indicators).

    ``index`` holds for each query the positions of its chosen cases. The parts sum (:func:`summed`) to the
    similarities bit for bit; memory is that of the result and of the queries' terms.
    """
    numerator, offset = terms(queries, order_of(cases, measure), measure)
    distance = cases[index]
    np.subtract(queries[:, None, :], distance, out=distance)
    np.abs(distance, out=distance)
    np.add(distance, offset[:, None, :], out=distance)
    coefficients: FloatArray = numerator[:, None, :] / distance
    parts: FloatArray = np.divide((numerator * measure.weights)[:, None, :], distance, out=distance)
    return coefficients, parts
