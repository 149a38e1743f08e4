"""Tests of rules: one-sided Fisher, correction over the search space, and the comparison with simpler rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from custvalue._kernels import hypergeometric, multiple_testing, set_rows
from custvalue._kernels.two_by_two import divide

if TYPE_CHECKING:
    from collections.abc import Iterator

    from custvalue._kernels.set_rows import Sets
    from custvalue._product_rules.holder_counts import HolderCounts
    from custvalue._product_rules.search_space import SearchSpace
    from custvalue._typing import BoolArray, FloatArray, IntArray

#: A p-value above the level by less than this share equals it but for rounding, and so meets it.
ROUNDING = 1e-9

Alternative: TypeAlias = Literal["greater", "less"]
TwoSided: TypeAlias = Literal["greater", "less", "two-sided"]
Adjustment: TypeAlias = Literal["bonferroni", "holm", "bh", "by", "layered"]


def log_p_value(n11: IntArray, n1_: IntArray, n_1: IntArray, n: IntArray, alternative: TwoSided) -> FloatArray:
    """Give the natural log of Fisher's p-value; two-sided is twice the smaller tail, at most 1."""
    if alternative == "greater":
        return hypergeometric.log_upper_tail(n11, n1_, n_1, n)
    if alternative == "less":
        return hypergeometric.log_lower_tail(n11, n1_, n_1, n)
    return hypergeometric.log_two_sided(n11, n1_, n_1, n)


def meets(log_p: FloatArray, alpha: float) -> BoolArray:
    """Tell which p-values are at most alpha."""
    return np.asarray(log_p <= np.log(alpha) + ROUNDING)


def adjusted(
    log_p: FloatArray, adjust: Adjustment | None, space: SearchSpace, antecedent_lengths: IntArray
) -> FloatArray:
    """Correct logs of p-values for the whole search space; None leaves them as they are."""
    if adjust is None or not len(log_p):
        return log_p.copy()
    if adjust == "layered":
        layer = np.searchsorted(np.array(space.lengths), antecedent_lengths)
        return multiple_testing.adjust_layered(log_p, layer, space.sizes)
    return multiple_testing.adjust(log_p, adjust, space.total)


def against_simpler_rules(
    antecedent: Sets, consequent: Sets, counts: HolderCounts, alternative: Alternative, log_p: FloatArray
) -> FloatArray:
    """Give the log p-value against every immediate generalisation and the empty antecedent: the largest of all.

    Parameters
    ----------
    antecedent, consequent : Sets
        The rules.
    counts : HolderCounts
        Counts customers.
    alternative : str
        ``"greater"`` or ``"less"``.
    log_p : ndarray
        Log p-value of each rule against the empty antecedent.

    Returns
    -------
    ndarray
        Natural logs. A rule must beat all, so its p-value is the largest (an intersection-union test).
    """
    worst = log_p.copy()
    whole = set_rows.union(antecedent, consequent)
    own = counts.count(antecedent, whole)
    both = counts.count(whole)
    for rows, simpler in set_rows.proper_subsets(antecedent, dropped=1):
        if not len(simpler.codes):
            continue  # one product: the empty antecedent is what remains
        among = set_rows.take(whole, rows)
        holders = counts.count(simpler, among)
        hits = counts.count(set_rows.union(simpler, set_rows.take(consequent, rows)), among)
        tail = log_p_value(both[rows], own[rows], hits, holders, alternative)
        worst[rows] = np.maximum(worst[rows], tail)
    return worst


def best_simpler_confidence(
    antecedent: Sets, consequent: Sets, counts: HolderCounts, amount: str | None
) -> FloatArray:
    """Give the best confidence among all more general rules, the empty antecedent among them.

    All are counted among the customers eligible for every product of the rule itself. A simpler antecedent that
    nobody holds (or, with an amount, that holds nothing) tells nothing and is passed over. Cost: 2^length lookups.
    """
    whole = set_rows.union(antecedent, consequent)

    def confidences() -> Iterator[tuple[IntArray, FloatArray]]:
        for rows, simpler in set_rows.proper_subsets(antecedent):
            among = set_rows.take(whole, rows)
            both = set_rows.union(simpler, set_rows.take(consequent, rows))
            if amount is None:
                share = divide(counts.count(both, among), counts.count(simpler, among))
            else:
                share = divide(counts.amount(both, among, amount), counts.amount(simpler, among, amount))
            yield rows, np.where(np.isnan(share), -np.inf, share)

    best = set_rows.best_of_parts(whole.size, confidences())
    return np.where(np.isneginf(best), np.nan, best)
