"""The search of ``relational_scan`` compiled by numba; this file alone knows numba, and imports it when asked.

The functions that are compiled are plain ones, so that they also run, slowly, as they stand. Those that scan in
float32 may be contracted (a product and a sum rounded once) and may take it that nothing is NaN; those that
compute what is reported may not. The bound of ``relational_scan`` covers the order of operations in
:func:`add_three`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from custvalue._kernels import relational

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from custvalue._kernels.relational import Measure
    from custvalue._kernels.relational_exact import Block, CaseSet
    from custvalue._typing import FloatArray, IntArray

#: Indicators over one denominator.
THREE = 3
#: Cases of a group; only groups whose largest similarity is near the best are looked through.
GROUP = 8
#: Cells of a column's range.
MOST_CELLS = 1024
#: Cases of a tile: its columns stay in the caches while many queries are compared with it.
TILE = 1024
#: Types of the compiled functions' arguments: one compilation serves every call.
TABLE, ROW = "f8[:,::1]", "f8[::1]"
TERMS = f"void({TABLE}, {TABLE}, Tuple(({ROW}, {ROW}, i4[:,::1])), i8[::1], {ROW}, f8, b1, {TABLE}, {TABLE})"
SCAN = f"void({TABLE}, {TABLE}, {TABLE}, i8[::1], {ROW}, {ROW}, f4[:,::1], {TABLE}, i8, i8[:,::1], {TABLE})"


class Compiled(NamedTuple):
    """The compiled functions."""

    terms: Callable[..., None]
    scan: Callable[..., None]


class Cells(NamedTuple):
    """Every column's range cut into cells of one width, so that a value is looked for among its cell's only."""

    #: Lower end and cells a unit of each column.
    lowest: FloatArray
    scale: FloatArray
    #: Place of the first value of each cell, and the number of values, shape (indicators, cells + 1).
    start: NDArray[np.int32]


def cells_of(ordered: FloatArray) -> Cells:
    """Cut the columns, each sorted by itself, into cells.

    The cell of a value, ``int((value - lowest) * scale)``, does not fall where the value rises, rounding included.
    So a value of a lower cell is smaller, and one of a higher cell larger, than any value of the cell.
    """
    n_cells = min(1 << ordered.shape[1].bit_length(), MOST_CELLS)
    lowest, width = ordered[:, 0].copy(), ordered[:, -1] - ordered[:, 0]
    scale = np.where(
        width > relational.SMALLEST_RANGE, n_cells / np.maximum(width, relational.SMALLEST_RANGE), 0.0
    )
    start = np.empty((len(ordered), n_cells + 1), dtype=np.int32)
    for values, low, cells, first in zip(ordered, lowest, scale, start, strict=True):
        inside = np.arange(n_cells)
        first[:-1] = np.searchsorted(np.minimum((values - low) * cells, n_cells - 1.0).astype(np.int64), inside)
        first[-1] = len(values)
    return Cells(lowest, scale, start)


def find_ranges(
    queries: Any, ordered: Any, cells: Any, unit: Any, left_out: Any, smallest: Any, largest: Any
) -> None:
    """Do what ``relational.ranges`` does, bit for bit."""
    lowest, scale, start = cells
    last, last_cell = ordered.shape[1] - 1, start.shape[1] - 2
    for column in range(len(ordered)):
        values, place = ordered[column], unit[column]
        for row in range(len(queries)):
            wanted = queries[row, column]
            cell = int(min(max((wanted - lowest[column]) * scale[column], 0.0), last_cell))
            above, beyond = start[column, cell], start[column, cell + 1]
            while above < beyond:
                half = (above + beyond) >> 1
                if values[half] < wanted:
                    above = half + 1
                else:
                    beyond = half
            low, high = max(above - 1, 0), min(above, last)
            if left_out:
                high = min(above + 1, last)
                # At either end there is one neighbour only.
                low, high = (high if above == 0 else low), (low if above >= last else high)
            near = min(abs(wanted - values[low]), abs(wanted - values[high]))
            far = max(abs(wanted - values[0]), abs(wanted - values[last]))
            smallest[row, place] = min(smallest[row, place], near)
            largest[row, place] = max(largest[row, place], far)


def terms_with(ranges: Callable[..., None]) -> Callable[..., None]:
    """Build the function that gives scaled numerators and offsets, as ``relational.terms`` does, bit for bit."""
    tiny, flat = relational.SMALLEST_OFFSET, relational.SMALLEST_RANGE

    def terms(
        queries: Any, ordered: Any, cells: Any, unit: Any, weights: Any, rho: Any, left_out: Any, scaled: Any,
        offset: Any,
    ) -> None:  # fmt: skip
        n_units = unit.max() + 1
        smallest = np.full((len(queries), n_units), np.inf)
        largest = np.zeros((len(queries), n_units))
        ranges(queries, ordered, cells, unit, left_out, smallest, largest)
        for row in range(len(queries)):
            for column in range(len(unit)):
                near, far = smallest[row, unit[column]], largest[row, unit[column]]
                below = max(rho * far, tiny)
                above = near + below
                if far <= flat:
                    above, below = 1.0, 1.0
                offset[row, column] = below
                scaled[row, column] = above * weights[column]

    return terms


def add_three(out: Any, tile: Any, column: Any, query: Any, inverse: Any, scaled: Any) -> None:
    """Add the parts of three indicators in float32, with one division for the three."""
    first, second, third = tile[column], tile[column + 1], tile[column + 2]
    q1, q2, q3 = query[column], query[column + 1], query[column + 2]
    i1, i2, i3 = inverse[column], inverse[column + 1], inverse[column + 2]
    s1, s2, s3 = scaled[column], scaled[column + 1], scaled[column + 2]
    one = np.float32(1.0)
    for case in range(len(first)):
        x1 = abs(first[case] - q1) * i1 + one
        x2 = abs(second[case] - q2) * i2 + one
        x3 = abs(third[case] - q3) * i3 + one
        both = x1 * x2
        out[case] += ((s1 * x2 + s2 * x1) * x3 + s3 * both) / (both * x3)


def group_peaks(values: Any, peaks: Any) -> None:
    """Give the largest of each ``GROUP`` entries that are the length of ``peaks`` apart."""
    step = len(peaks)
    for place in range(step):
        most = values[place]
        for group in range(1, GROUP):
            most = max(most, values[place + group * step])
        peaks[place] = most


def kth_largest(values: Any, top: Any) -> Any:
    """Give the k-th largest value, k being the length of ``top``."""
    top[:] = np.float32(-1.0)
    last = len(top) - 1
    for value in values:
        if value > top[last]:
            place = last
            while place > 0 and top[place - 1] < value:
                top[place] = top[place - 1]
                place -= 1
            top[place] = value
    return top[last]


def score(queries: Any, scaled: Any, offset: Any, row: Any, cases: Any, case: Any) -> Any:
    """Compute one similarity in float64, in the order of ``relational.similarity_tile``."""
    total = scaled[row, 0] / (abs(queries[row, 0] - cases[case, 0]) + offset[row, 0])
    for column in range(1, queries.shape[1]):
        total += scaled[row, column] / (abs(queries[row, column] - cases[case, column]) + offset[row, column])
    return total


def insert(index: Any, alike: Any, row: Any, place: Any, value: Any) -> None:
    """Put a case among the best so far if it belongs there, the lowest place first among equals."""
    rank = index.shape[1]
    while rank > 0 and (
        alike[row, rank - 1] < value or (alike[row, rank - 1] == value and index[row, rank - 1] > place)
    ):
        if rank < index.shape[1]:
            alike[row, rank], index[row, rank] = alike[row, rank - 1], index[row, rank - 1]
        rank -= 1
    if rank < index.shape[1]:
        alike[row, rank], index[row, rank] = value, place


def approximate_with(add: Callable[..., None], find_peaks: Callable[..., None]) -> Callable[..., None]:
    """Build the function that scans a tile for one query in float32."""

    def approximate(
        query: Any, scaled: Any, offset: Any, middle: Any, tile: Any, n_cases: Any, mine: Any, singles: Any,
        out: Any, peaks: Any,
    ) -> None:  # fmt: skip
        """Write the similarities, and the largest of each group of cases; the query's own case gets -1."""
        near, inverse, above = singles[0], singles[1], singles[2]
        for column in range(len(query)):
            near[column] = query[column] - middle[column]
            inverse[column] = 1.0 / offset[column]
            above[column] = scaled[column] / offset[column]
        out[:] = np.float32(0.0)
        for column in range(0, len(tile), THREE):
            add(out, tile, column, near, inverse, above)
        out[n_cases:] = np.float32(-1.0)
        if 0 <= mine < n_cases:
            out[mine] = np.float32(-1.0)
        find_peaks(out, peaks)

    return approximate


def scan_with(
    approximate: Callable[..., None],
    kth: Callable[..., Any],
    exact: Callable[..., Any],
    keep: Callable[..., None],
) -> Callable[..., None]:
    """Build the function that compares a block of queries with a tile of cases."""

    def scan(
        queries: Any, scaled: Any, offset: Any, own: Any, bound: Any, middle: Any, tile: Any, cases: Any,
        first: Any, index: Any, alike: Any,
    ) -> None:  # fmt: skip
        n_cases, last, n_peaks = len(cases), index.shape[1] - 1, tile.shape[1] // GROUP
        out = np.empty(tile.shape[1], dtype=np.float32)
        peaks = np.empty(n_peaks, dtype=np.float32)
        singles = np.zeros((3, len(tile)), dtype=np.float32)
        top = np.empty(last + 1, dtype=np.float32)
        for row in range(len(queries)):
            mine = own[row] - first
            safe = bound[row] < np.inf
            floor = -0.5
            if safe:
                approximate(
                    queries[row], scaled[row], offset[row], middle, tile, n_cases, mine, singles, out, peaks
                )
                near = max(kth(peaks, top) - 2.0 * bound[row], alike[row, last] - bound[row])
                floor = near if near > 0.0 else -0.5
            for place in range(n_peaks):
                if safe and peaks[place] < floor:
                    continue
                for case in range(place, n_cases, n_peaks):
                    if case == mine or (safe and out[case] < floor):
                        continue
                    value = exact(queries, scaled, offset, row, cases, case)
                    if value >= alike[row, last]:
                        keep(index, alike, row, first + case, value)

    return scan


@cache
def compiled() -> Compiled:
    """Compile; this takes some seconds, once a process."""
    import numba  # noqa: PLC0415 - an extra

    def strict(function: Callable[..., Any], types: str | None = None) -> Callable[..., Any]:
        done: Callable[..., Any] = numba.njit(types, nogil=True, error_model="numpy")(function)
        return done

    def loose(function: Callable[..., Any]) -> Callable[..., Any]:
        flags = {"contract", "nnan", "nsz"}
        done: Callable[..., Any] = numba.njit(nogil=True, error_model="numpy", fastmath=flags)(function)
        return done

    approximate = loose(approximate_with(loose(add_three), loose(group_peaks)))
    scan = strict(scan_with(approximate, strict(kth_largest), strict(score), strict(insert)), SCAN)
    return Compiled(strict(terms_with(strict(find_ranges)), TERMS), scan)


def is_compiled() -> bool:
    """Tell whether the functions have been compiled in this process."""
    return compiled.cache_info().currsize > 0


def block_terms(
    queries: FloatArray, ordered: FloatArray | None, cells: Cells | None, measure: Measure, *, left_out: bool
) -> tuple[FloatArray, FloatArray]:
    """Give scaled numerators and offsets, as ``relational.terms`` does, bit for bit."""
    if ordered is None or cells is None:
        numerator, offset = relational.terms(queries, None, measure)
        return numerator * measure.weights, offset
    scaled, offset = np.empty(queries.shape), np.empty(queries.shape)
    unit, weights = np.array(measure.unit, dtype=np.int64), np.array(measure.weights)
    wanted = np.array(queries, order="C")
    compiled().terms(wanted, ordered, tuple(cells), unit, weights, float(measure.rho), left_out, scaled, offset)
    return scaled, offset


def search(
    block: Block, known: CaseSet, k: int, bound: FloatArray, middle: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Find the k most similar cases of each query of a block: the contract of ``relational_scan.search``."""
    n_queries, n_columns = block.queries.shape
    queries = np.array(block.queries, order="C")
    own = np.full(n_queries, -1, dtype=np.int64) if block.own is None else np.array(block.own)
    index, alike = np.full((n_queries, k), -1, dtype=np.int64), np.full((n_queries, k), -np.inf)
    for first in range(0, known.size, TILE):
        cases = np.array(known.part(first, first + TILE), order="C")
        # Filled up to whole threes of columns, of weight zero, and to whole groups of cases.
        shape = (-(-n_columns // THREE) * THREE, -(-len(cases) // GROUP) * GROUP)
        tile = np.zeros(shape, dtype=np.float32)
        with np.errstate(over="ignore"):  # where numbers are too large, no query is scanned in float32
            tile[:n_columns, : len(cases)] = (cases - middle).T
        compiled().scan(queries, block.scaled, block.offset, own, bound, middle, tile, cases, first, index, alike)
    return index, alike
