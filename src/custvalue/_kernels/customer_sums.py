r"""Sums, extremes, counts and distinct days of rows by customer, block by block, one entry a customer.

Customers are whole numbers from 0. A block is a slice of the rows short enough for its temporary arrays to stay in
the processor's cache, so memory beyond the rows is one entry a customer and aggregate, and a bounded block. Cost:
:math:`O(n)` for n rows and an aggregate; distinct days by a map of customers and days where that is small, else by
sorting, :math:`O(n \log n)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._typing import BoolArray, FloatArray, IntArray

    Codes = NDArray[np.integer]

#: Rows taken at a time.
BLOCK: Final = 1 << 19
#: Largest map of customers and days, in bytes; beyond it distinct days are sorted.
LARGEST_MAP: Final = 128 << 20
#: A count by binning reads every customer; above this many customers a row it is done one by one.
_BINS_PER_ROW: Final = 4
_NEVER: Final = np.iinfo(np.int64)


def add_sums(out: FloatArray, customer: Codes, values: FloatArray) -> None:
    """Add values to the sums of their customers."""
    if len(out) <= _BINS_PER_ROW * len(customer):
        out += np.bincount(customer, weights=values, minlength=len(out))
    else:
        np.add.at(out, customer, values)


def add_counts(out: FloatArray, customer: Codes) -> None:
    """Count one for each row."""
    if len(out) <= _BINS_PER_ROW * len(customer):
        out += np.bincount(customer, minlength=len(out))
    else:
        np.add.at(out, customer, 1.0)


def raise_to(out: NDArray[np.generic], customer: Codes, values: NDArray[np.generic]) -> None:
    """Keep the largest value of each customer."""
    np.maximum.at(out, customer, values)


def lower_to(out: NDArray[np.generic], customer: Codes, values: NDArray[np.generic]) -> None:
    """Keep the smallest value of each customer."""
    np.minimum.at(out, customer, values)


def add_moments(out: FloatArray, customer: Codes, values: FloatArray) -> None:
    """Join the count, mean and sum of squared deviations of a block to those of its customers, of shape (3, n).

    The two are joined by the pairwise formula of Chan, Golub and LeVeque (1983, eq. 2.1), which does not cancel.
    """
    met, place = np.unique(customer, return_inverse=True)
    count = np.bincount(place, minlength=len(met)).astype(np.float64)
    mean = np.bincount(place, weights=values, minlength=len(met)) / count
    deviation = np.bincount(place, weights=(values - mean[place]) ** 2, minlength=len(met))
    join_moments(out, met, np.array([count, mean, deviation]))


def add_cell_moments(out: FloatArray, customer: Codes, cells: FloatArray) -> None:
    """Join cells of several rows: counts, sums and squared deviations, of shape (3, len(customer))."""
    met, place = np.unique(customer, return_inverse=True)
    count, total = (np.bincount(place, weights=one, minlength=len(met)) for one in cells[:2])
    mean = total / np.where(count > 0.0, count, 1.0)
    own = cells[1] / np.where(cells[0] > 0.0, cells[0], 1.0)
    squares = cells[2] + cells[0] * (own - mean[place]) ** 2
    kept = count > 0.0
    found = np.array([count, mean, np.bincount(place, weights=squares, minlength=len(met))])
    join_moments(out, met[kept], found[:, kept])


def join_moments(out: FloatArray, customer: Codes, found: FloatArray) -> None:
    """Join count, mean and squared deviations of distinct customers, of shape (3, len(customer)), to ``out``."""
    before, after = out[0, customer], out[0, customer] + found[0]
    apart = found[1] - out[1, customer]
    out[1, customer] += apart * found[0] / after
    out[2, customer] += found[2] + apart**2 * before * found[0] / after
    out[0, customer] = after


def standard_deviation(moments: FloatArray) -> FloatArray:
    """Give the sample standard deviation (divisor n - 1) of joined moments, NaN below two values."""
    several = moments[0] > 1.0
    return np.where(several, np.sqrt(moments[2] / np.where(several, moments[0] - 1.0, 1.0)), np.nan)


def no_day(n_customers: int, *, latest: bool) -> IntArray:
    """Give the start of a search for the latest, or the earliest, day: a day that no row has."""
    return np.full(n_customers, _NEVER.min if latest else _NEVER.max, dtype=np.int64)


def days_or_nan(days: IntArray) -> FloatArray:
    """Give found days as numbers, NaN where no row was met."""
    found = days.astype(np.float64)
    found[(days == _NEVER.min) | (days == _NEVER.max)] = np.nan
    return found


class DistinctDays:
    """Distinct days of each customer, from blocks of rows in any order.

    Parameters
    ----------
    n_customers : int
        Number of customers.
    first, n_days : int
        The first day that may come, and the number of days from it on.
    """

    def __init__(self, n_customers: int, first: int, n_days: int) -> None:
        self._first, self._n_days = first, max(n_days, 1)
        self._shape = (n_customers, self._n_days)
        mapped = n_customers * self._n_days <= LARGEST_MAP
        self._met: BoolArray | None = np.zeros(n_customers * self._n_days, dtype=bool) if mapped else None
        self._pairs: list[IntArray] = []

    def add(self, customer: Codes, day: Codes) -> None:
        """Meet a block of rows."""
        place = customer.astype(np.int64)
        place *= self._n_days
        place += day
        place -= self._first
        if self._met is None:
            self._pairs.append(np.unique(place))
        else:
            self._met[place] = True

    def counts(self) -> FloatArray:
        """Give the number of distinct days of each customer."""
        found = np.zeros(self._shape[0])
        if self._met is not None:
            found += self._met.reshape(self._shape).sum(axis=1, dtype=np.int64)
        elif self._pairs:
            pairs = np.unique(np.concatenate(self._pairs))
            found += np.bincount(pairs // self._n_days, minlength=len(found))
        return found
