"""The most similar cases of many queries, exactly, without holding queries x cases: blocks, engines, threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from custvalue._kernels import relational, relational_exact, relational_numba, relational_scan
from custvalue._kernels.relational_exact import Block, CaseSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from custvalue._kernels.relational import Measure
    from custvalue._kernels.relational_numba import Cells
    from custvalue._typing import FloatArray, IntArray

#: Queries of a block.
BLOCK_ROWS = 1024
#: More cases than this are found in float64 throughout.
MANY = 8
#: Pairs times indicators from which on compiling pays, and from which on compiled functions are worth the call.
COMPILING_PAYS = 5_000_000_000
COMPILED_PAYS = 1_000_000


class Search(NamedTuple):
    """Everything about the cases that the search of a block of queries asks for."""

    cases: FloatArray
    measure: Measure
    #: The cases' columns, each sorted by itself; None where the ranges are frozen.
    ordered: FloatArray | None
    #: Middle and half the range of the cases' columns.
    middle: FloatArray
    reach: FloatArray
    #: Where the values of the sorted columns begin; for the compiled engine alone.
    cells: Cells | None
    compiled: bool

    def block(self, queries: FloatArray, own: IntArray | None) -> tuple[Block, FloatArray]:
        """Give the terms of some queries and the bound of their errors."""
        left_out = own is not None
        if self.compiled:
            scaled, offset = relational_numba.block_terms(
                queries, self.ordered, self.cells, self.measure, left_out=left_out
            )
        else:
            numerator, offset = relational.terms(queries, self.ordered, self.measure, left_out=left_out)
            scaled = numerator * self.measure.weights
        block = Block(queries, scaled, offset, own)
        bound = relational_scan.error_bound(queries, offset, self.measure.weights, self.middle, self.reach)
        return block, bound

    def find(self, block: Block, bound: FloatArray, known: CaseSet, k: int) -> tuple[IntArray, FloatArray]:
        """Find the k most similar of some cases; positions are those among all cases."""
        if k > MANY:
            places, alike = relational_exact.search(block, known, k)
        elif self.compiled:
            places, alike = relational_numba.search(block, known, k, bound, self.middle)
        else:
            places, alike = relational_scan.search(block, known, k, bound, self.middle)
        return known.positions(places), alike


def search_of(cases: FloatArray, measure: Measure, *, compiled: bool) -> Search:
    """Prepare the search among some cases: one sorted copy where the ranges have to be found in it."""
    low, high = cases.min(axis=0), cases.max(axis=0)
    middle = low + (high - low) / 2.0
    reach = np.maximum(high - middle, middle - low)
    ordered = relational.order_of(cases, measure)
    cells = relational_numba.cells_of(ordered) if compiled and ordered is not None else None
    return Search(cases, measure, ordered, middle, reach, cells, compiled)


def compiles(engine: str, n_queries: int, cases: FloatArray) -> bool:
    """Tell whether the compiled engine is asked for, or pays: see the constants above.

    Raises ``ImportError`` where it is asked for and numba is not installed.
    """
    if engine == "numba":
        relational_numba.compiled()
        return True
    work = n_queries * cases.size
    if engine == "numpy" or work < (COMPILED_PAYS if relational_numba.is_compiled() else COMPILING_PAYS):
        return False
    try:
        relational_numba.compiled()
    except ImportError:
        return False
    return True


def _in_blocks(n_queries: int, run: Callable[[slice], None], n_threads: int) -> None:
    """Run every block of queries, each writing its own rows, in as many threads as are allowed."""
    blocks = [slice(first, first + BLOCK_ROWS) for first in range(0, n_queries, BLOCK_ROWS)]
    if n_threads == 1 or len(blocks) < 2:  # noqa: PLR2004 - nothing to be shared
        for rows in blocks:
            run(rows)
        return
    with ThreadPoolExecutor(max_workers=min(n_threads, len(blocks))) as pool:
        for _ in pool.map(run, blocks):
            pass


def nearest_cases(
    queries: FloatArray,
    cases: FloatArray,
    measure: Measure,
    k: int,
    *,
    own: IntArray | None = None,
    compiled: bool = False,
    n_threads: int = 1,
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Find the k most similar cases of each query, and by how much the best is ahead of the next.

    With ``own`` each query is the case at that position and is not compared with itself; k is then less than
    the number of cases. Where there is no next case, the margin is +inf.
    """
    search, known = search_of(cases, measure, compiled=compiled), CaseSet(cases, None)
    index = np.empty((len(queries), k), dtype=np.int64)
    values, margin = np.empty((len(queries), k)), np.empty(len(queries))
    n_rivals = len(cases) - (own is not None)

    def run(rows: slice) -> None:
        block, bound = search.block(queries[rows], None if own is None else own[rows])
        best, alike = search.find(block, bound, known, min(max(k, 2), n_rivals))
        index[rows], values[rows] = best[:, :k], alike[:, :k]
        margin[rows] = alike[:, 0] - alike[:, 1] if n_rivals > 1 else np.inf

    _in_blocks(len(queries), run, n_threads)
    return index, values, margin


def nearest_by_class(
    queries: FloatArray,
    cases: FloatArray,
    codes: IntArray,
    n_classes: int,
    measure: Measure,
    *,
    own: IntArray | None = None,
    compiled: bool = False,
    n_threads: int = 1,
) -> tuple[IntArray, FloatArray]:
    """Find the most similar case of each class, shape (queries, classes); -1 and -inf where a class has none."""
    search = search_of(cases, measure, compiled=compiled)
    index = np.full((len(queries), n_classes), -1, dtype=np.int64)
    values = np.full((len(queries), n_classes), -np.inf)
    members = [np.flatnonzero(codes == code) for code in range(n_classes)]

    def run(rows: slice) -> None:
        block, bound = search.block(queries[rows], None if own is None else own[rows])
        for code, chosen in enumerate(members):
            if not len(chosen):
                continue
            some = block._replace(own=_places(chosen, block.own))
            best, alike = search.find(some, bound, CaseSet(cases, chosen), 1)
            index[rows, code], values[rows, code] = best[:, 0], alike[:, 0]

    _in_blocks(len(queries), run, n_threads)
    index[values == -np.inf] = -1
    return index, values


def _places(chosen: IntArray, own: IntArray | None) -> IntArray | None:
    """Turn positions among all cases into places among the chosen ones, -1 where they are not among them."""
    if own is None:
        return None
    place = np.minimum(np.searchsorted(chosen, own), len(chosen) - 1)
    return np.where(chosen[place] == own, place, -1)
