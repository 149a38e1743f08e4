"""Patterns of rows in memory: what the coded columns of a row hold, as one number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np

from custvalue._codes import encoded
from custvalue._indicators.engine import code_values
from custvalue._kernels import customer_sums

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from custvalue._indicators.plan import Condition, Term
    from custvalue._typing import BoolArray, IntArray

EagerFrame = nw.DataFrame[Any]
_MANY_PATTERNS = 1024


class Patterns:
    """Every row's pattern: what it holds in the coded columns, as far as some terms ask."""

    def __init__(self, frame: EagerFrame, terms: Iterable[Term]) -> None:
        self._truth: dict[Term, BoolArray] = {}
        by_column: dict[str, list[Term]] = {}
        for term in terms:
            by_column.setdefault(term.column, []).append(term)
        self.rows: NDArray[Any] = np.zeros(len(frame), dtype=np.uint8)
        self.count = 1
        for column, asked in by_column.items():
            self._meet(frame.get_column(column), asked)

    def _meet(self, series: nw.Series[Any], asked: Sequence[Term]) -> None:
        boolean = series.dtype == nw.Boolean
        codes, values = encoded(series.cast(nw.Int8) if boolean else series)
        table = np.zeros((len(values) + 1, len(asked)), dtype=bool)  # the last row is that of null, code -1
        for j, term in enumerate(asked):
            if term.codes is None and boolean:
                table[:-1, j] = [value == 1 for value in values]
            elif not term.codes:
                table[-1, j] = True
            else:
                wanted = set(code_values(series.name, term.codes, integer=series.dtype.is_integer()))
                table[:-1, j] = [value in wanted for value in values]
        kinds, kind = np.unique(table, axis=0, return_inverse=True)
        kind = kind.reshape(-1)
        self.count *= len(kinds)
        self.rows = _combined(self.rows, codes, kind, self.count, len(kinds))
        for term, truth in self._truth.items():
            self._truth[term] = np.repeat(truth, len(kinds))
        before = self.count // len(kinds)
        for j, term in enumerate(asked):
            self._truth[term] = np.tile(kinds[:, j], before)
        if self.count > _MANY_PATTERNS:
            self._keep_met()

    def _keep_met(self) -> None:
        """Keep only the patterns that some row has: their product over columns would fill any memory."""
        met = np.zeros(self.count, dtype=bool)
        for start in range(0, len(self.rows), customer_sums.BLOCK):
            met[self.rows[start : start + customer_sums.BLOCK]] = True
        place = (np.cumsum(met) - 1).astype(np.min_scalar_type(int(met.sum())))
        self.rows = place[self.rows]
        self.count = int(met.sum())
        self._truth = {term: truth[met] for term, truth in self._truth.items()}

    def table(self, condition: Condition) -> BoolArray:
        """Tell for every pattern whether it meets a condition."""
        return patterns_meeting(condition, self._truth.__getitem__, self.count)


def patterns_meeting(condition: Condition, truth_of: Callable[[Term], BoolArray], count: int) -> BoolArray:
    """Tell for every pattern whether it meets a condition, by the truth of each term in its positive form."""
    found = np.ones(count, dtype=bool)
    for clause in condition:
        met = np.zeros(count, dtype=bool)
        for term in clause:
            truth = truth_of(term if term.holds else term.denied())
            met |= truth if term.holds else ~truth
        found &= met
    return found


def _combined(rows: NDArray[Any], codes: NDArray[Any], kind: IntArray, count: int, radix: int) -> NDArray[Any]:
    """Give the pattern of every row when one more column is asked."""
    dtype = np.min_scalar_type(count)
    out = rows if rows.dtype == dtype else rows.astype(dtype)
    lookup = kind.astype(dtype)
    for start in range(0, len(rows), customer_sums.BLOCK):
        block = slice(start, start + customer_sums.BLOCK)
        out[block] = rows[block].astype(dtype) * dtype.type(radix) + lookup[codes[block]]
    return out
