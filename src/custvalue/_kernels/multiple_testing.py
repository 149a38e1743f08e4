"""Adjusted p-values over a whole search space, as natural logarithms.

A search looks at far more hypotheses than it lists. Here `n_hypotheses` is the size of all that was looked at;
those that are not listed are taken as p = 1, which never makes a listed one look better. With that an adjustment
needs no more than the listed p-values and the number of the rest, and that number may be a million million.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from scipy.special import digamma

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import FloatArray, IntArray

Adjustment: TypeAlias = Literal["bonferroni", "holm", "bh", "by"]
#: Harmonic numbers are summed up to here and follow from the digamma function beyond.
_SUMMED: Final = 1000
#: Every whole number up to here is a float.
_WHOLE: Final = 1 << 53


def _log_harmonic(m: int) -> float:
    """Compute the logarithm of 1 + 1/2 + ... + 1/m."""
    if m <= _SUMMED:
        return math.log(math.fsum(1.0 / k for k in range(1, m + 1)))
    # digamma(m + 1) = log m + 1 / (2m) - ...; numbers beyond any float keep the logarithm alone.
    size = float(digamma(float(m) + 1.0)) if m.bit_length() < 1000 else math.log(m)  # noqa: PLR2004 - float's range
    return math.log(size + np.euler_gamma)


def adjust(log_p: FloatArray, method: Adjustment, n_hypotheses: int) -> FloatArray:
    """Adjust p-values for all the hypotheses of a search.

    Parameters
    ----------
    log_p : ndarray of shape (n,)
        Natural logarithms of the listed p-values, in [-inf, 0], no NaN.
    method : {"bonferroni", "holm", "bh", "by"}
        Bonferroni and Holm (1979) bound the chance of a single false finding whatever the hypotheses have to do
        with each other. Benjamini and Hochberg (1995) bound the expected share of false ones among the findings
        where the p-values are independent or positively dependent, Benjamini and Yekutieli (2001) always.
    n_hypotheses : int
        Size m of the search space, at least n.

    Returns
    -------
    ndarray of shape (n,)
        Natural logarithms of the adjusted p-values, at most 0; a hypothesis is rejected at level alpha where its
        adjusted p is at most alpha.

    Notes
    -----
    With p_(1) <= ... <= p_(m): Bonferroni m p_(i); Holm the maximum over j <= i of (m - j + 1) p_(j); Benjamini
    and Hochberg the minimum over j >= i of m p_(j) / j; Benjamini and Yekutieli that times 1 + 1/2 + ... + 1/m;
    each at most 1. Equal p-values have equal adjusted ones, and the order of the list does not matter.
    Cost: O(n log n).
    """
    n = len(log_p)
    log_m = math.log(n_hypotheses) if n_hypotheses > 1 else 0.0
    if method == "bonferroni":
        return np.asarray(np.minimum(0.0, log_p + log_m))
    order = np.argsort(log_p, kind="stable")
    ordered = log_p[order]
    if method == "holm":
        # m - j + 1 for j = 1..n; where m has more digits than a float, m itself.
        exact = n_hypotheses <= _WHOLE
        left = np.log(float(n_hypotheses) - np.arange(n)) if exact else np.full(n, log_m)
        stepped = np.maximum.accumulate(ordered + left)
    else:
        penalty = _log_harmonic(n_hypotheses) if method == "by" and n_hypotheses else 0.0
        scaled = ordered + (log_m + penalty) - np.log(np.arange(1.0, n + 1.0))
        stepped = np.minimum.accumulate(scaled[::-1])[::-1]
    adjusted = np.empty(n)
    adjusted[order] = np.minimum(0.0, stepped)
    return adjusted


def log_layer_factors(sizes: Sequence[int]) -> FloatArray:
    """Give the logarithm of what a p-value is multiplied by in each layer of a search (Webb 2008).

    The level is shared equally among the layers that hold a hypothesis at all, and inside a layer by Bonferroni's
    rule: with L such layers and S hypotheses in one, the critical value there is alpha / (L S).

    Parameters
    ----------
    sizes : sequence of int
        Number of hypotheses in each layer, such as rules by the length of their antecedent.

    Returns
    -------
    ndarray of shape (n_layers,)
        log(L S); -inf for an empty layer, in which nothing can be listed.
    """
    filled = sum(size > 0 for size in sizes)
    return np.array([math.log(filled) + math.log(size) if size > 0 else -math.inf for size in sizes])


def adjust_layered(log_p: FloatArray, layer: IntArray, sizes: Sequence[int]) -> FloatArray:
    """Adjust p-values by Webb's (2008) layered critical values.

    Short rules are few and long ones many; a single Bonferroni factor makes the short ones pay for the long ones.
    In layers each length gets an equal share of the level, which bounds the chance of a single false finding as
    Bonferroni's rule does.

    Parameters
    ----------
    log_p : ndarray of shape (n,)
        Natural logarithms of the p-values.
    layer : ndarray of int, shape (n,)
        Layer of each, an index of `sizes`.
    sizes : sequence of int
        Number of hypotheses in each layer, those not listed included.

    Returns
    -------
    ndarray of shape (n,)
        Natural logarithms of the adjusted p-values, at most 0: p times (number of layers that are not empty) times
        (size of its layer).

    References
    ----------
    Webb, G. I. (2008). Layered critical values: a powerful direct-adjustment approach to discovering significant
    patterns. Machine Learning 71, 307-323.
    """
    return np.asarray(np.minimum(0.0, log_p + log_layer_factors(sizes)[layer]))
