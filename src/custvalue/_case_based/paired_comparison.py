"""Paired tests of two classifiers: corrected resampled t, exact McNemar, Holm's adjustment."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import BoolArray, FloatArray

#: Differences of accuracies nearer than this are rounding.
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class ResampledT:
    """A mean difference with its corrected interval and two-sided p-value."""

    difference: float
    low: float
    high: float
    t: float
    p: float


@dataclass(frozen=True, slots=True)
class McNemar:
    """Customers whom one alone gets right, and the two-sided exact p-value."""

    only_first: int
    only_second: int
    p: float


@dataclass(frozen=True, slots=True)
class PairedTest:
    """What two tests say of the grey classifier against one rival.

    Attributes
    ----------
    difference, low, high : float
        Mean difference in accuracy over the folds, and its corrected 95 % interval.
    t : float
        Corrected resampled t; infinite where all folds show the same difference, 0 where they show none.
    p_resampled : float
        Its two-sided p-value, Holm-adjusted over the rivals.
    only_grey, only_rival : int
        Customers of the first repeat whom the grey classifier alone, or the rival alone, gets right.
    p_mcnemar : float
        Exact two-sided p-value of those two counts, Holm-adjusted over the rivals.

    Notes
    -----
    Formulas and sources: :func:`custvalue.cbr.compare_baselines`.

    Examples
    --------
    >>> from custvalue import cbr
    >>> test = cbr.PairedTest(
    ...     difference=-0.08, low=-0.12, high=-0.04, t=-4.1, p_resampled=0.001,
    ...     only_grey=3, only_rival=19, p_mcnemar=0.002)
    >>> test.verdict()
    'loses'
    """

    difference: float
    low: float
    high: float
    t: float
    p_resampled: float
    only_grey: int
    only_rival: int
    p_mcnemar: float

    def verdict(self, significance: float = 0.05) -> str:
        """Say who wins.

        Parameters
        ----------
        significance : float, default=0.05
            What both p-values must be below.

        Returns
        -------
        str
            "wins" or "loses", said of the grey classifier, where both tests and both differences agree; else
            "not told apart".
        """
        if max(self.p_resampled, self.p_mcnemar) >= significance:
            return "not told apart"
        if self.difference > 0.0 and self.only_grey > self.only_rival:
            return "wins"
        return "loses" if self.difference < 0.0 and self.only_grey < self.only_rival else "not told apart"


def resampled_t(differences: FloatArray, ratio: float) -> ResampledT:
    """Test the mean of the folds' differences, corrected for overlapping training parts.

    ``ratio`` is that of test to training customers; Nadeau and Bengio (2003), section 4, as written for repeated
    cross-validation by Bouckaert and Frank (2004). Where all folds differ by the same, the variance is 0 and the
    statistic its limit.
    """
    folds = len(differences)
    mean = float(differences.mean())
    if float(np.ptp(differences)) <= ROUNDING:
        same = abs(mean) <= ROUNDING
        mean = 0.0 if same else mean
        return ResampledT(mean, mean, mean, 0.0 if same else math.copysign(math.inf, mean), 1.0 if same else 0.0)
    error = math.sqrt((1.0 / folds + ratio) * float(differences.var(ddof=1)))
    t = mean / error
    reach = error * float(stats.t.ppf(0.975, folds - 1))
    return ResampledT(mean, mean - reach, mean + reach, t, float(2.0 * stats.t.sf(abs(t), folds - 1)))


def mcnemar(first: BoolArray, second: BoolArray) -> McNemar:
    """Compare two classifiers on the same customers by those whom only one gets right (McNemar 1947, exact)."""
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    together = only_first + only_second
    # Under equal chances each of them is a fair coin: twice the smaller tail, 1 at most.
    p = 2.0 * float(stats.binom.cdf(min(only_first, only_second), together, 0.5)) if together else 1.0
    return McNemar(only_first, only_second, min(p, 1.0))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values so that any wrong rejection has at most the chance asked for (Holm 1979)."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
