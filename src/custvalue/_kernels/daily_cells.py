r"""Cells of many rows by day, customer and pattern: sorted, joined, and cut by day.

A table of cells is a dict of arrays of one length: ``day``, ``customer`` and ``pattern`` (whole numbers, no two
cells with the same three), and what the rows add up to: ``rows``, ``known``, ``total``, ``absolute``, ``squares``
(sums and joined squared deviations) and ``largest``. Cells stand in the order of their days. Cost of joining n
cells: :math:`O(n \log n)`; cutting by day costs nothing but a search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from custvalue._typing import FloatArray

    Cells = dict[str, NDArray[Any]]

_PLACE = ("day", "customer", "pattern")
_LARGEST = 2**62
_SUMS = ("rows", "known", "total", "absolute")


def joined(tables: Sequence[Mapping[str, NDArray[Any]]]) -> Cells:
    """Join tables of cells to one: equal places are added up, whatever the order of the tables."""
    every = dict(tables[0])
    if len(tables) > 1:
        every = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    if not len(every["day"]):
        return every
    code = _codes(every)
    order = np.argsort(code)
    code = code[order]
    every = {name: values[order] for name, values in every.items()}
    new = np.ones(len(order), dtype=bool)
    new[1:] = code[1:] != code[:-1]
    first = np.flatnonzero(new)
    if len(first) == len(order):
        return every
    found: Cells = {name: every[name][first] for name in _PLACE}
    for name in _SUMS:
        if name in every:
            found[name] = np.add.reduceat(every[name], first)
    if "largest" in every:
        found["largest"] = np.maximum.reduceat(every["largest"], first)
    if "squares" in every:
        found["squares"] = _squares(every, found, first, np.cumsum(new) - 1)
    return found


def _codes(cells: Cells) -> NDArray[np.int64]:
    """Give every place one number, in the order of day, customer and pattern."""
    code = np.zeros(len(cells["day"]), dtype=np.int64)
    span = 1
    for name in _PLACE:
        values = cells[name].astype(np.int64)
        low, high = int(values.min()), int(values.max())
        if span * (high - low + 1) > _LARGEST:  # only numbers that are met are counted, so they fit
            met, code = np.unique(code, return_inverse=True)
            span = len(met)
        code = code * (high - low + 1) + (values - low)
        span *= high - low + 1
    return code


def _squares(every: Cells, found: Cells, first: NDArray[np.intp], cell: NDArray[np.intp]) -> FloatArray:
    """Join sums of squared deviations from the mean: each table's own, and that of its mean from the joint one."""
    mean = _mean(found)
    apart = _mean(every) - mean[cell]
    squares: FloatArray = np.add.reduceat(every["squares"] + every["known"] * apart**2, first)
    return squares


def _mean(cells: Cells) -> FloatArray:
    known = cells["known"].astype(np.float64)
    mean: FloatArray = cells["absolute"] / np.where(known > 0.0, known, 1.0)
    return mean


def between(cells: Mapping[str, NDArray[Any]], first: int | None, last: int | None) -> Cells:
    """Give the cells of the days from the first up to, and without, the last; views, no copies."""
    day = cells["day"]
    kind = day.dtype.type  # a number of another type would have the whole column copied
    start = 0 if first is None else int(day.searchsorted(kind(first)))
    stop = len(day) if last is None else int(day.searchsorted(kind(last)))
    return {name: values[start:stop] for name, values in cells.items()}


def merged(tables: Sequence[Mapping[str, NDArray[Any]]]) -> tuple[Cells, ...]:
    """Give tables whose days do not overlap, in order: only days that several tables have are joined."""
    filled = sorted((dict(one) for one in tables if len(one["day"])), key=_first_day)
    out: list[Cells] = []
    for table in filled:
        low = _first_day(table)
        over = [one for one in out if _last_day(one) >= low]
        if not over:
            out.append(table)
            continue
        end = min(_last_day(table), max(_last_day(one) for one in over)) + 1
        parts = [between(one, None, low) for one in over]
        parts.append(joined([between(one, low, end) for one in (*over, table)]))
        parts += [between(one, end, None) for one in (*over, table)]
        out = [one for one in out if _last_day(one) < low] + [part for part in parts if len(part["day"])]
        out.sort(key=_first_day)
    return tuple(out)


def _first_day(cells: Mapping[str, NDArray[Any]]) -> int:
    return int(cells["day"][0])


def _last_day(cells: Mapping[str, NDArray[Any]]) -> int:
    return int(cells["day"][-1])
