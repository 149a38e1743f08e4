"""Interest measures of an itemset, from its count and the counts of its items."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from custvalue._typing import FloatArray, IntArray


class ItemsetInterest(NamedTuple):
    """Measures of itemsets, one value each.

    Attributes
    ----------
    all_confidence : ndarray
        Count over that of the commonest item: the least confidence of any rule made of the itemset
        (Omiecinski 2003); 1 for a single item.
    cross_support_ratio : ndarray
        Count of the rarest item over that of the commonest (Xiong, Tan and Kumar 2003); low where a common and a
        rare item meet by chance.
    lift : ndarray
        Support over the product of the supports of the items; 1 under independence.
    """

    all_confidence: FloatArray
    cross_support_ratio: FloatArray
    lift: FloatArray


def itemset_interest(
    indptr: IntArray, codes: IntArray, counts: IntArray, item_counts: IntArray, n: float
) -> ItemsetInterest:
    """Compute the measures of itemsets in compressed rows.

    Parameters
    ----------
    indptr, codes : ndarray of int
        Items of each itemset; an empty itemset is allowed.
    counts : ndarray of int
        Customers behind each itemset.
    item_counts : ndarray of int
        Customers behind each item.
    n : float
        All customers.

    Returns
    -------
    ItemsetInterest
        NaN for the empty itemset, but for its lift, which is 1; 0 / 0 is NaN. The product of many small supports
        is a sum of logarithms, so it does not underflow. Cost: O(number of codes).
    """
    sizes = np.diff(indptr)
    filled = np.flatnonzero(sizes > 0)
    largest, smallest = np.full(len(sizes), np.nan), np.full(len(sizes), np.nan)
    log_expected = np.zeros(len(sizes))
    with np.errstate(divide="ignore", invalid="ignore"):
        if len(filled):
            held = np.asarray(item_counts, dtype=np.float64)[codes]
            starts = indptr[:-1][filled]
            largest[filled] = np.maximum.reduceat(held, starts)
            smallest[filled] = np.minimum.reduceat(held, starts)
            log_expected[filled] = np.add.reduceat(np.log(held / n), starts)
        lift = np.exp(np.log(np.asarray(counts, dtype=np.float64) / n) - log_expected)
        return ItemsetInterest(counts / largest, smallest / largest, lift)
