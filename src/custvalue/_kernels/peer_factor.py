"""What a month was like for the peers: the median of what each active customer spent against the usual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._typing import BoolArray, FloatArray, IntArray

#: Customers handled at once: their months fit into a processor's cache.
BLOCK: Final = 8192
#: Added to every month, as a share of the customer's usual month, so that a month of nothing has a logarithm.
OFFSET: Final = 0.05


class LogRatios(NamedTuple):
    """Months against the customer's usual one, as logarithms, one row a month."""

    ratio: FloatArray
    usual: FloatArray


class PeerFactor(NamedTuple):
    """Common log factor of each group and month, and how many active customers it is the median of."""

    factor: FloatArray
    active: IntArray


def log_ratios(amounts: FloatArray) -> LogRatios:
    """Set every month against the customer's median active month.

    Parameters
    ----------
    amounts : ndarray of shape (n_customers, n_months)
        Amounts, finite, from 0; a month is active where its amount is above 0.

    Returns
    -------
    LogRatios
        ``ratio`` of shape (n_months, n_customers): log(y / m + 0.05) with m the customer's median active month;
        log 0.05 in a month of nothing, and throughout for a customer without an active month. ``usual`` of shape
        (n_customers,): m, or 0.

    Notes
    -----
    log(y + c) with c = 0.05 m, less log m: the offset moves with the customer's size, so the currency does not
    matter, and customers who differ only in size have the same row (ours). Cost: O(n T) in blocks; the memory of
    the answer and one block.
    """
    n, months = amounts.shape
    ratio = np.empty((months, n))
    usual = np.empty(n)
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        block = amounts[start:stop]
        middle = usual[start:stop] = _active_medians(block)
        scaled = np.divide(block, np.where(middle > 0.0, middle, 1.0)[:, None])
        scaled += OFFSET
        np.log(scaled.T, out=ratio[:, start:stop])
    return LogRatios(ratio, usual)


def _active_medians(block: FloatArray) -> FloatArray:
    """Give the median of the amounts above 0 in each row, 0 where there is none."""
    ordered = np.sort(block, axis=1)
    active = np.count_nonzero(block > 0.0, axis=1)
    # The active months stand last; with none of them both places are the last one, which is 0.
    first = block.shape[1] - np.maximum(active, 1)
    lower = first + (np.maximum(active, 1) - 1) // 2
    upper = first + np.maximum(active, 1) // 2
    rows = np.arange(len(block))
    low, high = ordered[rows, lower], ordered[rows, upper]
    return np.asarray(low + 0.5 * (high - low))


def peer_factor(
    ratio: FloatArray, active: BoolArray, groups: NDArray[np.integer[Any]], n_groups: int
) -> PeerFactor:
    """Take the median over the active customers of each group in each month.

    Parameters
    ----------
    ratio : ndarray of shape (n_months, n_customers)
        Logarithms of months against the customer's usual one.
    active : ndarray of bool, shape (n_months, n_customers)
        Which months count.
    groups : ndarray of int, shape (n_customers,)
        Group of each customer, 0 to n_groups - 1.
    n_groups : int
        Number of groups.

    Returns
    -------
    PeerFactor
        ``factor`` and ``active``, both of shape (n_groups, n_months); where nobody was active the factor is
        log 1.05, that of a usual month.

    Notes
    -----
    Where every customer's month is level times a common factor, the medians are that factor against its median
    month, exactly; a half of the group may do something else and hardly move it. The order of the customers does
    not matter. Cost: O(n T) and the memory of one month.
    """
    months = len(ratio)
    order = np.argsort(groups, kind="stable")
    ends = np.searchsorted(groups[order], np.arange(n_groups + 1))
    sorted_already = bool(np.array_equal(order, np.arange(len(order))))
    factor = np.full((n_groups, months), np.log1p(OFFSET))
    counts = np.zeros((n_groups, months), dtype=np.int64)
    for month in range(months):
        row, known = (
            (ratio[month], active[month]) if sorted_already else (ratio[month][order], active[month][order])
        )
        for group in range(n_groups):
            part = slice(ends[group], ends[group + 1])
            values = row[part][known[part]]
            counts[group, month] = len(values)
            if len(values):
                factor[group, month] = _median(values)
    return PeerFactor(factor, counts)


def _median(values: FloatArray) -> float:
    """Give the middle value, or the mean of the two; the values are put into another order."""
    half = len(values) // 2
    values.partition(half)
    upper = values[half]
    if len(values) % 2:
        return float(upper)
    lower = values[:half].max()
    return float(lower + 0.5 * (upper - lower))


def subtract_factor(ratio: FloatArray, factor: FloatArray, groups: NDArray[np.integer[Any]]) -> None:
    """Take the group's factor off each customer's months, in place and month by month."""
    for month in range(len(ratio)):
        ratio[month] -= factor[:, month][groups]
