"""How unusual the last months are: a statistic, its scale, and the same at earlier dates as the null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from custvalue._kernels.median_deviation import NORMAL, median_deviation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import BoolArray, FloatArray, IntArray

#: Customers handled at once: their months fit into a processor's cache.
BLOCK: Final = 4096
#: Changes of logarithms below this are rounding.
ROUNDING: Final = 1e-9
#: Standard deviations beyond which Hampel's identifier sets a value apart.
APART: Final = 3.0


class Window(NamedTuple):
    """Rows of the months that are tested, and of those they are held against."""

    recent: IntArray
    baseline: IntArray


class WindowStatistics(NamedTuple):
    """What one window says about each customer."""

    level: FloatArray
    low: FloatArray
    high: FloatArray
    spread: FloatArray
    idle_baseline: IntArray
    idle_recent: IntArray


def placebo_windows(n_months: int, recent: int, baseline: int, closed: BoolArray) -> list[Window]:
    """List the tested window and the earlier ones, the tested one first.

    Parameters
    ----------
    n_months, recent, baseline : int
        Months of the panel, of the tested window, and before it; n_months is at least recent + baseline.
    closed : ndarray of bool, shape (n_months,)
        Months of a shock: they are left out of every baseline, and an earlier window whose recent months touch one
        is skipped, as is one that keeps fewer than half of its baseline.

    Returns
    -------
    list of Window
        The window that ends with the panel, then those that end `recent` months earlier each.
    """
    windows = []
    for end in range(n_months, recent + baseline - 1, -recent):
        tested = np.arange(end - recent, end)
        before = np.arange(end - recent - baseline, end - recent)
        kept = before[~closed[before]]
        last = end == n_months
        if last or (not closed[tested].any() and 2 * len(kept) >= baseline):
            windows.append(Window(tested, kept))
    return windows


def window_statistics(adjusted: FloatArray, active: BoolArray, window: Window) -> WindowStatistics:
    """Compute level, changes and spread of every customer in one window.

    Parameters
    ----------
    adjusted : ndarray of shape (n_months, n_customers)
        Logarithms with the peers' factor taken off.
    active : ndarray of bool, shape (n_months, n_customers)
        Which months had an amount above 0.
    window : Window
        Rows of the tested months and of the baseline.

    Returns
    -------
    WindowStatistics
        ``level``: median of the active months of the baseline, NaN without one. ``low``: maximum of the recent
        months less the level, which is below 0 only where every recent month is low. ``high``: their minimum less
        the level. ``spread``: standard deviation of the active months of the baseline (divisor m - 1), NaN with
        fewer than two. ``idle_baseline``, ``idle_recent``: months that were not active.

    Notes
    -----
    Cost: O(n w log^2 w) in blocks.
    """
    n = adjusted.shape[1]
    counts = (np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64))
    out = WindowStatistics(np.empty(n), np.empty(n), np.empty(n), np.empty(n), *counts)
    steps = exchange_steps(len(window.baseline))
    for start in range(0, n, BLOCK):
        part = slice(start, min(start + BLOCK, n))
        base, recent = adjusted[window.baseline, part], adjusted[window.recent, part]
        known = active[window.baseline, part]
        used = np.count_nonzero(known, axis=0)
        out.spread[part] = _spreads(base, known, used)
        base[~known] = np.inf
        middle = out.level[part] = _medians(base, used, steps)
        for change, extreme in ((out.low, recent.max(axis=0)), (out.high, recent.min(axis=0))):
            moved = extreme - middle
            moved[np.abs(moved) < ROUNDING] = 0.0
            change[part] = moved
        out.idle_baseline[part] = len(base) - used
        out.idle_recent[part] = len(recent) - np.count_nonzero(active[window.recent, part], axis=0)
    return out


def _spreads(rows: FloatArray, known: BoolArray, used: IntArray) -> FloatArray:
    """Give the standard deviation of the known entries of each column, NaN with fewer than two."""
    total = np.where(known, rows, 0.0).sum(axis=0)
    apart = np.where(known, rows - total / np.maximum(used, 1), 0.0)
    squares = np.einsum("ij,ij->j", apart, apart)
    return np.asarray(np.sqrt(np.where(used > 1, squares, np.nan) / np.maximum(used - 1, 1)))


def exchange_steps(length: int) -> tuple[tuple[int, int], ...]:
    """List the comparisons of Batcher's (1968) odd-even merge sort for any length.

    The list does not depend on the values, so that whole rows are compared at once (Knuth 1998, algorithm 5.2.2M).
    """
    steps = []
    top = 1 << max(length - 1, 0).bit_length() >> 1
    p = top
    while p > 0:
        q, r, d = top, 0, p
        while True:
            steps += [(i, i + d) for i in range(length - d) if i & p == r]
            if q == p:
                break
            d, q, r = q - p, q >> 1, p
        p >>= 1
    return tuple(steps)


def _medians(rows: FloatArray, used: IntArray, steps: Sequence[tuple[int, int]]) -> FloatArray:
    """Give the median of the ``used`` smallest entries of each column, NaN of none; sorts the rows in place."""
    spare = np.empty(rows.shape[1])
    for i, j in steps:
        np.minimum(rows[i], rows[j], out=spare)
        np.maximum(rows[i], rows[j], out=rows[j])
        rows[i] = spare
    count = np.maximum(used, 1)
    columns = np.arange(rows.shape[1])
    lower, upper = rows[(count - 1) // 2, columns], rows[count // 2, columns]
    known = used > 0
    lower, upper = np.where(known, lower, np.nan), np.where(known, upper, np.nan)
    return np.asarray(lower + 0.5 * (upper - lower))


def shrunken_scale(
    spread: FloatArray, months: IntArray, usual: FloatArray, prior: float, floor: float
) -> FloatArray:
    """Draw each spread towards the usual one: sqrt((n0 g^2 + (m - 1) s^2) / (n0 + m - 1)), at least the floor."""
    weighted = prior * usual * usual + (months - 1.0) * spread * spread
    return np.asarray(np.maximum(np.sqrt(weighted / (prior + months - 1.0)), floor))


def chance_weights(
    adjusted: FloatArray, active: BoolArray, window: Window, level: FloatArray, scale: FloatArray, clear: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Weigh an earlier window of each customer by how much of a change that lasted is chance.

    Parameters
    ----------
    adjusted : ndarray of shape (n_months, n_customers)
        Logarithms with the peers' factor taken off.
    active : ndarray of bool, shape (n_months, n_customers)
        Which months had an amount above 0.
    window : Window
        A window with at least as many months after it as it tests.
    level, scale : ndarray of shape (n_customers,)
        Level and scale of its baseline.
    clear : ndarray of bool, shape (n_customers,)
        Whose windows are looked at.

    Returns
    -------
    falls, gains : ndarray of shape (n_customers,)
        Weights in [0, 1] for the null of falls and of gains; 1 where not clear.

    Notes
    -----
    With k tested months, a customer's lasting fall is a = level - (highest of the k months after the window and of
    the last k of all), in scales, and infinite where none of them is active: nothing is a larger fall than a stop,
    and no gain is its mirror image. A lasting gain is g = (lowest of them) - level. Beyond Hampel's limit, median
    + 3 x 1.4826 MAD over all customers (Davies and Gather 1993, Journal of the American Statistical Association
    88, 782-792), the falls of size a and more weigh together at most 1 + #{g >= a}, from the largest down, equal
    ones alike and none above 1: levels that drift by chance drift upwards as often, and falls beyond what gains
    mirror are no chance. The same for gains. Counting against a mirror image, the 1 included, is the target-decoy
    estimate of false discoveries (Elias and Gygi 2007, Nature Methods 4, 207-214; Barber and Candes 2015, Annals
    of Statistics 43, 2055-2085); its use for a null is ours. The window's own months are not looked at. Where half
    of the customers are equal the limit is their value, and the mirror alone decides. Cost: O(n log n).
    """
    start, k = window.recent[-1] + 1, len(window.recent)
    months = np.concatenate([np.arange(start, start + k), np.arange(len(adjusted) - k, len(adjusted))])
    after = adjusted[months]
    lasting = []
    for moved in (level - after.max(axis=0), after.min(axis=0) - level):
        moved[np.abs(moved) < ROUNDING] = 0.0
        lasting.append(moved[clear] / scale[clear])
    falls, gains = np.ones(len(clear)), np.ones(len(clear))
    if clear.any():
        limits = [_hampel_limit(moved) for moved in lasting]
        lasting[0][~active[months].any(axis=0)[clear]] = np.inf
        falls[clear] = _unmirrored(lasting[0], limits[0], lasting[1])
        gains[clear] = _unmirrored(lasting[1], limits[1], lasting[0])
    return falls, gains


def _hampel_limit(moved: FloatArray) -> float:
    """Give median + 3 x 1.4826 MAD, from 0."""
    middle, deviation = median_deviation(moved)
    return max(middle + APART * NORMAL * deviation, 0.0)


def _unmirrored(moved: FloatArray, limit: float, mirror: FloatArray) -> FloatArray:
    """Weigh what lies beyond the limit, so that v and more weigh at most 1 + #{mirror >= v}; 1 elsewhere.

    With n_i changes of the i-th largest size, N_i of at least it and G_i mirror images, the weights sum to
    r_i = min(r_{i-1} + n_i, 1 + G_i), which is N_i + min(0, min_{j <= i} (1 + G_j - N_j)).
    """
    weights = np.ones(len(moved))
    beyond = moved > limit
    sizes, place, count = np.unique(-moved[beyond], return_inverse=True, return_counts=True)
    as_large = np.cumsum(count)
    mirrored = np.searchsorted(np.sort(-mirror[mirror > limit]), sizes, side="right")
    summed = as_large + np.minimum(0, np.minimum.accumulate(1 + mirrored - as_large))
    weights[beyond] = (np.diff(summed, prepend=0) / count)[place]
    return weights


def strata(weights: FloatArray, whole: IntArray, smallest: int, longest: float) -> IntArray:
    """Join numbers of idle months into strata that hold enough placebo values.

    Parameters
    ----------
    weights : ndarray of shape (w + 1, k + 1)
        What placebo values with 0 to w idle months in the baseline (rows) and 0 to k idle recent ones weigh.
    whole : ndarray of int, shape (w + 1, k + 1)
        How many of them weigh 1: they did not last, or as many lasted the other way.
    smallest : int
        Weight that a stratum needs.
    longest : float
        Where more of a baseline stratum's placebo values than this share of its weight have no active recent month
        and weigh 1, such a stop is usual and no evidence.

    Returns
    -------
    ndarray of int, shape (w + 1, k + 1)
        Stratum of each pair of numbers, from 0; -1 where a stop is usual.

    Notes
    -----
    Rows are joined upwards until each has enough; inside, columns likewise, so that customers with one idle month
    among the recent ones are held against such windows where there are enough of them. A null that is conditional
    on either number is a null still: idle months are taken as given, and what the active ones say is tested
    (ours).
    """
    rows = joined_classes(weights.sum(axis=1), smallest)
    out = np.full(weights.shape, -1, dtype=np.int64)
    last = 0
    for row in range(int(rows.max()) + 1):
        held = weights[rows == row].sum(axis=0)
        usual_stop = whole[rows == row, -1].sum() > longest * held.sum()
        columns = joined_classes(held[:-1] if usual_stop else held, smallest)
        out[np.ix_(rows == row, np.arange(len(columns)))] = last + columns
        last += int(columns.max()) + 1
    return out


def joined_classes(counts: IntArray | FloatArray, smallest: int) -> IntArray:
    """Join neighbouring classes that hold too few; what is left at the end joins the last one."""
    out = np.zeros(len(counts), dtype=np.int64)
    stratum, held = 0, 0.0
    for place, count in enumerate(counts):
        if held >= smallest and counts[place:].sum() >= smallest:
            stratum, held = stratum + 1, 0.0
        out[place] = stratum
        held += float(count)
    return out


class Null(NamedTuple):
    """Placebo values that count whole, ascending; and those that count in part, ascending, with summed weights."""

    whole: FloatArray
    part: FloatArray
    summed: FloatArray

    @classmethod
    def of(cls, values: FloatArray, weights: FloatArray) -> Null:
        """Sort values by size, and equal ones by weight, so that no order of rows is in a sum."""
        in_part = weights < 1.0
        part, weight = values[in_part], weights[in_part]
        order = np.lexsort((weight, part))
        return cls(np.sort(values[~in_part]), part[order], np.concatenate([[0.0], np.cumsum(weight[order])]))


def placebo_p(z: FloatArray, null: Null) -> FloatArray:
    """Give the share of the null that is at least as low: (1 + #{null <= z}) / (M + 1), counted by weight.

    Parameters
    ----------
    z : ndarray of shape (n,)
        Statistics, low where unusual.
    null : Null
        The same statistic where nothing is to be found. With nothing in it every p is 1.

    Returns
    -------
    ndarray of shape (n,)
        p-values in [1 / (M + 1), 1], M the sum of all weights.

    Notes
    -----
    The 1 stands for the tested value itself, without which a p of 0 would be claimed (Phipson and Smyth 2010,
    Statistical Applications in Genetics and Molecular Biology 9, article 39). Cost: O(n log n + n log M).
    """
    order = np.argsort(z)  # ascending look-ups walk through the null once
    lower = 1.0 + np.searchsorted(null.whole, z[order], side="right")
    lower += null.summed[np.searchsorted(null.part, z[order], side="right")]
    p = np.empty(len(z))
    p[order] = lower / (len(null.whole) + null.summed[-1] + 1.0)
    return p
