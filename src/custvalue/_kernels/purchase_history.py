"""Purchase days: how many distinct ones each customer has, the first, the last, and money after the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._typing import BoolArray, FloatArray

Small: TypeAlias = "NDArray[np.int32]"
#: Code and day as one whole number: 32 bits where they fit, else 64.
Pairs: TypeAlias = "NDArray[Any]"

#: Rows that are worked on at a time, so that what is in between stays in the processor's cache.
BLOCK: Final = 1 << 16
#: The day of a row that is no purchase: later than any end.
NEVER: Final = 2**31 - 1


def seen_codes(codes: Small, days: Small, n_codes: int, stop: int) -> BoolArray:
    """Mark the codes that have a row on day ``stop`` or before. Cost: O(n), a byte a code."""
    seen = np.zeros(n_codes, dtype=np.bool_)
    for start in range(0, len(codes), BLOCK):
        rows = slice(start, start + BLOCK)
        seen[codes[rows][days[rows] <= stop]] = True
    return seen


def _rising(days: Small) -> bool:
    """Tell whether the rows stand in the order of their days."""
    for start in range(0, len(days), BLOCK):
        block = days[start : start + BLOCK + 1]
        if (block[1:] < block[:-1]).any():
            return False
    return True


def _occasions(codes: Small, days: Small, n_codes: int, start: int, width: int) -> Pairs:
    """Give code times width plus the day from ``start`` for each row within the width, in rising order."""
    kind = np.dtype(np.uint32 if n_codes * width < 2**32 else np.uint64)
    found: Pairs = np.empty(len(codes), dtype=kind)
    filled = 0
    for first in range(0, len(codes), BLOCK):
        code, day = codes[first : first + BLOCK], days[first : first + BLOCK]
        inside = (day >= start) & (day <= start + width - 1)
        if not inside.all():
            code, day = code[inside], day[inside]
        place = found[filled : filled + len(code)]
        np.multiply(code, width, out=place, dtype=kind, casting="unsafe")
        place += np.subtract(day, start, dtype=np.int64).astype(kind)
        filled += len(code)
    found = found[:filled]
    found.sort()
    return found


def _distinct(ordered: Pairs) -> Pairs:
    """Keep one of each run of equal numbers, in the same memory."""
    kept = 0
    for start in range(0, len(ordered), BLOCK):
        block = ordered[start : start + BLOCK]
        new = np.empty(len(block), dtype=np.bool_)
        new[0] = kept == 0 or block[0] != ordered[kept - 1]
        np.not_equal(block[1:], block[:-1], out=new[1:])
        chosen = block[new]
        ordered[kept : kept + len(chosen)] = chosen
        kept += len(chosen)
    return ordered[:kept]


def _by_sorting(
    codes: Small, days: Small, start: int, width: int, count: Small, first: Small, last: Small
) -> None:
    n_codes = len(count)
    found = _distinct(_occasions(codes, days, n_codes, start, width))
    edges = np.searchsorted(found, np.arange(n_codes + 1).astype(found.dtype) * found.dtype.type(width))
    count[:] = np.diff(edges)
    some = np.flatnonzero(count)
    base = some * width - start
    first[some] = found[edges[some]].astype(np.int64) - base
    last[some] = found[edges[some + 1] - 1].astype(np.int64) - base


def _day_by_day(codes: Small, days: Small, count: Small, first: Small, last: Small) -> None:
    """Go through rows in the order of days: of a customer's rows on one day the last written one counts."""
    written = np.empty(len(count), dtype=np.int32)
    edges = np.concatenate(([0], np.flatnonzero(days[1:] != days[:-1]) + 1, [len(days)]))
    number = np.arange(np.diff(edges).max(), dtype=np.int32)
    for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        code = codes[low:high].astype(np.intp)
        written[code] = number[: high - low]
        once = code[written[code] == number[: high - low]]
        first[once[count[once] == 0]] = days[low]
        last[once] = days[low]
        count[once] += 1


def purchase_days(codes: Small, days: Small, n_codes: int, start: int, stop: int) -> tuple[Small, Small, Small]:
    """Count each code's distinct days from ``start`` to ``stop``, both inclusive, with the first and the last.

    Parameters
    ----------
    codes : ndarray of int32, shape (n,)
        Customers 0..n_codes - 1.
    days : ndarray of int32, shape (n,)
        Day of each row; rows outside the span are passed over.
    n_codes : int
        Number of customers.
    start, stop : int
        First and last day of the span.

    Returns
    -------
    count, first, last : ndarray of int32, shape (n_codes,)
        Number of distinct days, and the ends of them, which are 0 where there is none.

    Notes
    -----
    Rows in the order of days, as a ledger has them, are gone through day by day: O(n + days), blocks beside the
    arrays. Others are sorted: customer and day make one whole number each, and repetitions are dropped: O(n log
    n), and four bytes a row (eight where customers times days reach 2^32). Neither depends on how many days there
    are, as a map of customers by days would.
    """
    count, first, last = (np.zeros(n_codes, dtype=np.int32) for _ in range(3))
    if _rising(days):
        low, high = np.searchsorted(days, np.array([start, stop + 1], dtype=np.int32))
        if low < high:
            _day_by_day(codes[low:high], days[low:high], count, first, last)
    elif start <= stop and n_codes:
        _by_sorting(codes, days, start, stop - start + 1, count, first, last)
    return count, first, last


def money_after(codes: Small, days: Small, money: FloatArray, first: Small, stop: int) -> FloatArray:
    """Add up each code's money on the days after its ``first`` one, up to and with ``stop``.

    Parameters
    ----------
    codes, days : ndarray of int32, shape (n,)
        Customer and day of each row.
    money : ndarray of shape (n,)
        Amount of each row; amounts of rows that are passed over may be NaN.
    first : ndarray of int32, shape (n_codes,)
        For each code the day after which money counts.
    stop : int
        Last day that counts.

    Returns
    -------
    ndarray of shape (n_codes,)
        Sums, added in the order of the rows. Cost: O(n), blocks of rows beside the arrays.
    """
    total = np.zeros(len(first))
    for start in range(0, len(codes), BLOCK):
        rows = slice(start, start + BLOCK)
        code, day = codes[rows].astype(np.intp), days[rows]
        later = (day > first[code]) & (day <= stop)
        np.add.at(total, code[later], money[rows][later])
    return total


__all__ = ["BLOCK", "NEVER", "Small", "money_after", "purchase_days", "seen_codes"]
