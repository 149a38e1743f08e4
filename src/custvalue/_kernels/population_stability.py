"""How far two samples of a figure lie apart: bins of the first, the stability index, and its noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy import stats

from custvalue._kernels.scoring import quantile_cuts

if TYPE_CHECKING:
    from custvalue._typing import FloatArray, IntArray

#: Added to every count of both samples where a bin is empty in one of them.
SMOOTHING: Final = 0.5

#: With at most so many pairs of values the p-value of their distance is exact.
_FEW_PAIRS = 10_000


class Pairs(NamedTuple):
    """Rows of the first and of the second sample that belong to one customer."""

    before: IntArray
    after: IntArray


def stability_cuts(values: FloatArray, n_bins: int) -> FloatArray:
    """Give the different type-7 quantiles at 1/k, ..., (k-1)/k of the known values; none where all are null."""
    known = np.sort(values[~np.isnan(values)])
    return np.unique(quantile_cuts(known, n_bins)) if len(known) else np.empty(0)


def binned(values: FloatArray, cuts: FloatArray) -> IntArray:
    """Give the bin of each value: one equal to a cut lies in the lower bin; null has its own, the last."""
    places = np.searchsorted(cuts, values, side="left")
    return np.where(np.isnan(values), len(cuts) + 1, places).astype(np.int64)


def stability_terms(before: FloatArray, after: FloatArray) -> FloatArray:
    """Give each bin's part of the stability index, (a - b) ln(a / b) of the shares.

    Parameters
    ----------
    before, after : ndarray of shape (..., n_bins)
        Counts; a bin that is empty in both says nothing and has the part 0.

    Returns
    -------
    ndarray of shape (..., n_bins)
        Parts, not negative. Where a bin is empty in one sample, 1/2 is added to every count of both before the
        shares are taken, bins empty in both left out. Cost: O(n_bins).
    """
    met = (before + after) > 0
    lacking = (((before == 0) | (after == 0)) & met).any(axis=-1, keepdims=True)
    more = np.where(lacking & met, SMOOTHING, 0.0)
    shares = [(counts + more) / (counts + more).sum(axis=-1, keepdims=True) for counts in (before, after)]
    ratio = np.where(met, shares[1], 1.0) / np.where(met, shares[0], 1.0)
    terms: FloatArray = (shares[1] - shares[0]) * np.log(ratio)
    return terms


def noise_limit(n_before: int, n_after: int, n_bins: int, confidence: float) -> float:
    """Give what the index of two independent samples of one population stays below with the confidence."""
    if n_bins < 2:  # noqa: PLR2004 - one bin never differs
        return 0.0
    return float((1.0 / n_before + 1.0 / n_after) * stats.chi2.ppf(confidence, n_bins - 1))


def noise_p_value(index: float, n_before: int, n_after: int, n_bins: int) -> float:
    """Give the chance that independent samples of one population lie as far apart."""
    if n_bins < 2:  # noqa: PLR2004 - one bin never differs
        return 1.0
    return float(stats.chi2.sf(index / (1.0 / n_before + 1.0 / n_after), n_bins - 1))


def largest_gap(before: FloatArray, after: FloatArray) -> tuple[float, float]:
    """Give the Kolmogorov-Smirnov distance of the known values, exact with ties, and its p-value.

    The p-value is exact for few values and asymptotic for many.
    """
    first, second = np.sort(before[~np.isnan(before)]), np.sort(after[~np.isnan(after)])
    if not len(first) or not len(second):
        return np.nan, np.nan
    every = np.concatenate([first, second])
    below = [np.searchsorted(one, every, side="right") / len(one) for one in (first, second)]
    gap = float(np.abs(below[0] - below[1]).max())
    if len(first) * len(second) <= _FEW_PAIRS:
        return gap, exact_gap_p_value(gap, len(first), len(second))
    effective = max(1.0, np.round(len(first) * len(second) / (len(first) + len(second))))
    return gap, float(stats.kstwo.sf(gap, effective))


def exact_gap_p_value(gap: float, n_before: int, n_after: int) -> float:
    r"""Give the chance of so large a gap between samples of one population without ties.

    Of all orders in which the two may be mixed it counts those whose gap stays below, as shares, step by step
    (Hodges 1958, section 5): :math:`u_{ij} = u_{i-1,j} \, i/(i+m) + u_{i,j-1}`. Cost: :math:`O(nm)`.
    """
    # A gap is a whole number of 1/(nm); half a step below it parts the smaller ones from it.
    below = (np.floor(gap * n_before * n_after - 1e-7) + 0.5) / (n_before * n_after)
    shares = [0.0 if j / n_after > below else 1.0 for j in range(n_after + 1)]
    for i in range(1, n_before + 1):
        weight = i / (i + n_after)
        shares[0] = 0.0 if i / n_before > below else weight * shares[0]
        for j in range(1, n_after + 1):
            outside = abs(i / n_before - j / n_after) > below
            shares[j] = 0.0 if outside else weight * shares[j] + shares[j - 1]
    return min(1.0, max(0.0, 1.0 - shares[n_after]))


def permuted_indices(
    before: IntArray, after: IntArray, pairs: Pairs, n_bins: int, n_permutations: int, rng: np.random.RandomState
) -> FloatArray:
    """Give the index of tables whose moments are exchanged at random.

    Parameters
    ----------
    before, after : ndarray of int, shape (n,) and (m,)
        Bin of each row.
    pairs : Pairs
        The rows of customers in both samples: each pair is exchanged or not, with even chances. The other rows are
        dealt to the two samples anew.
    n_bins, n_permutations : int
        Number of bins, and of exchanges.
    rng : numpy.random.RandomState
        Where chance comes from.

    Returns
    -------
    ndarray of shape (n_permutations,)
        Indices. Cost: O(n + m) each.
    """
    alone = [np.delete(bins, rows) for bins, rows in ((before, pairs.before), (after, pairs.after))]
    first, second = before[pairs.before], after[pairs.after]
    rest, n_first = np.concatenate(alone), len(alone[0])
    both = np.bincount(before, minlength=n_bins) + np.bincount(after, minlength=n_bins)
    found = np.empty((n_permutations, n_bins))
    for place in range(n_permutations):
        swapped = np.where(rng.random_sample(len(first)) < 0.5, second, first)  # noqa: PLR2004 - even chances
        dealt = rng.permutation(rest)[:n_first]
        found[place] = np.bincount(swapped, minlength=n_bins) + np.bincount(dealt, minlength=n_bins)
    indices: FloatArray = stability_terms(found, both - found).sum(axis=-1)
    return indices


__all__ = [
    "SMOOTHING",
    "Pairs",
    "binned",
    "largest_gap",
    "noise_limit",
    "noise_p_value",
    "permuted_indices",
    "stability_cuts",
    "stability_terms",
]
