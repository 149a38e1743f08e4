"""Steps between states: counts, shares with intervals, generators, and what follows over several periods."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import gammaincinv, ndtri

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._typing import FloatArray, IntArray

#: The series of the exponential is summed where the fastest state leaves at most once on average.
_SHORT: Final = 1.0


def transition_counts(
    before: IntArray, after: IntArray, n_states: int, weights: FloatArray | None = None
) -> NDArray[np.float64]:
    """Count the steps from each state to each other one; entry (i, j) is from i to j.

    Parameters
    ----------
    before, after : ndarray of int, shape (n,)
        States 0..n_states - 1 at the start and at the end of each step.
    n_states : int
        Number of states.
    weights : ndarray of shape (n,) or None
        What each step counts for, such as an amount of money; 1 if None.

    Returns
    -------
    ndarray of shape (n_states, n_states)
        Counts, or sums of weights, as floats. Weights are added in ascending order, so that the order of the
        steps does not show in the last digit. Cost: O(n), with weights O(n log n).
    """
    cells = np.asarray(before, dtype=np.int64) * n_states + np.asarray(after, dtype=np.int64)
    size = n_states * n_states
    if weights is None:
        counts = np.bincount(cells, minlength=size)
    else:
        order = np.argsort(weights, kind="stable")
        counts = np.bincount(cells[order], weights=weights[order], minlength=size)
    return np.asarray(counts, dtype=np.float64).reshape(n_states, n_states)


def wilson_interval(
    successes: NDArray[np.generic] | float, trials: NDArray[np.generic] | float, confidence: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Give Wilson's (1927) score interval of a share; it never leaves [0, 1].

    Parameters
    ----------
    successes, trials : array or float
        Counts, or effective counts, of shapes that fit each other; 0 <= successes <= trials.
    confidence : float, default=0.95
        Level of the two-sided interval, in (0, 1).

    Returns
    -------
    low, high : ndarray
        Ends of the interval. Without a trial nothing is known: 0 and 1, which is the formula's limit.
    """
    s, n = np.broadcast_arrays(np.asarray(successes, dtype=np.float64), np.asarray(trials, dtype=np.float64))
    z = float(ndtri(0.5 + 0.5 * confidence))
    # s (n - s) / n, the variance of the count; 0 without a trial.
    spread = s * (1.0 - s / np.where(n > 0.0, n, 1.0))
    half = z * np.sqrt(spread + 0.25 * z * z)
    middle = s + 0.5 * z * z
    low = np.where(s <= 0.0, 0.0, np.maximum(0.0, (middle - half) / (n + z * z)))
    high = np.where(s >= n, 1.0, np.minimum(1.0, (middle + half) / (n + z * z)))
    return low, high


def rate_interval(
    counts: FloatArray, exposure: FloatArray, confidence: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Give Garwood's (1936) exact interval of a Poisson rate; without exposure it is 0 to infinity.

    Parameters
    ----------
    counts, exposure : ndarray
        Events and the time in which they were seen, of shapes that fit each other.
    confidence : float, default=0.95
        Level of the two-sided interval, in (0, 1).

    Returns
    -------
    low, high : ndarray
        Ends of the interval, events per unit of time.
    """
    events, time = np.broadcast_arrays(counts, exposure)
    tail = 0.5 - 0.5 * confidence
    seen = time > 0.0
    span = np.where(seen, time, 1.0)
    # gammaincinv(0, .) is no number: without an event the rate may be 0.
    low = np.where(events > 0.0, gammaincinv(np.maximum(events, 1.0), tail), 0.0) / span
    high = gammaincinv(events + 1.0, 1.0 - tail) / span
    return np.where(seen, low, 0.0), np.where(seen, high, np.inf)


def homogeneity(counts: FloatArray) -> tuple[float, int]:
    """Compute the statistic of Anderson and Goodman (1957) against equal matrices in all periods.

    Parameters
    ----------
    counts : ndarray of shape (n_periods, n, n)
        Steps from i to j in each period.

    Returns
    -------
    statistic : float
        Sum of n_i(t) (p_ij(t) - p_ij)^2 / p_ij over periods and over pairs that were seen at all.
    freedom : int
        Sum over i of (periods in which i was left - 1) (states that were reached from i - 1).
    """
    starts = counts.sum(axis=2)
    pooled = row_shares(counts.sum(axis=0))
    seen = (counts.sum(axis=0) > 0.0).sum(axis=1)
    periods = (starts > 0.0).sum(axis=0)
    expected = starts[:, :, None] * pooled
    possible = expected > 0.0
    gap = (counts - expected)[possible]
    statistic = float(np.sum(gap * gap / expected[possible]))
    freedom = int(np.sum(np.maximum(periods - 1, 0) * np.maximum(seen - 1, 0)))
    return statistic, freedom


def row_shares(counts: FloatArray) -> FloatArray:
    """Divide each row by its sum; a row without a step stays where it is (1 on the diagonal)."""
    totals = counts.sum(axis=1)
    shares = counts / np.where(totals > 0.0, totals, 1.0)[:, None]
    empty = np.flatnonzero(totals <= 0.0)
    shares[empty, empty] = 1.0
    return np.asarray(shares)


def generator(counts: FloatArray, exposure: FloatArray) -> FloatArray:
    """Estimate the generator: steps from i to j per unit of time spent in i; rows sum to 0.

    Parameters
    ----------
    counts : ndarray of shape (n, n)
        Steps from i to j; the diagonal is not read.
    exposure : ndarray of shape (n,)
        Time spent in each state; where it is 0 the row is 0.

    Returns
    -------
    ndarray of shape (n, n)
        Off-diagonal entries are not negative.
    """
    rates = counts / np.where(exposure > 0.0, exposure, 1.0)[:, None]
    np.fill_diagonal(rates, 0.0)
    np.fill_diagonal(rates, 0.0 - rates.sum(axis=1))
    return np.asarray(rates)


def exponential(rates: FloatArray, time: float) -> FloatArray:
    """Compute exp(time * rates) of a generator with sums and products of non-negative numbers only.

    Uniformisation (Jensen 1953): with q the largest rate of leaving, exp(tQ) is the sum over k of
    e^-qt (qt)^k / k! (I + Q/q)^k. The time is halved until qt <= 1, and the answer squared as often; rows are
    divided by their sums, which stand for e^-qt and for rounding.

    Parameters
    ----------
    rates : ndarray of shape (n, n)
        Generator; rows sum to 0.
    time : float
        Not negative.

    Returns
    -------
    ndarray of shape (n, n)
        Stochastic: entries in [0, 1], rows sum to 1. Cost: O(n^3 (20 + log2(qt))).
    """
    size = len(rates)
    fastest = float(-rates.diagonal().min(initial=0.0))
    mean = fastest * time
    if mean <= 0.0:
        return np.eye(size)
    halvings = max(0, math.ceil(math.log2(mean / _SHORT)))
    mean = math.ldexp(mean, -halvings)
    step = rates / fastest
    off = step.diagonal().copy()
    np.fill_diagonal(step, 1.0 + off)
    total, term, weight = np.eye(size), np.eye(size), 1.0
    k = 0
    while weight > 1e-18:  # noqa: PLR2004 - below the rounding of 1
        k += 1
        term = term @ step
        weight *= mean / k
        total += weight * term
    total /= total.sum(axis=1, keepdims=True)
    for _ in range(halvings):
        total = total @ total
        total /= total.sum(axis=1, keepdims=True)
    return np.asarray(total)
