"""Whether counts can tell the size of the wallet from its share, and what speaks against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.stats import chi2

from custvalue._kernels import thinned_poisson as kernel
from custvalue._wallet_models.designs import rank_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import FloatArray

#: Optima whose log likelihoods lie this near are alike at 5 %: half of chi-squared's .95 quantile, one freedom.
ALIKE: Final = 1.92
#: Least eigenvalue of the information, scaled to a diagonal of 1, that still counts as curvature.
FLAT: Final = 1e-9
#: A start whose log likelihood lies this much a transaction below the best start's is left out: it overflows.
HOPELESS: Final = 100.0


@dataclass(frozen=True, eq=False)
class Fit:
    """The best climb, with what its rivals and its neighbourhood say."""

    theta: FloatArray
    log_likelihood: float
    converged: bool
    covariance: FloatArray
    curvature: float
    dispersion: float
    relative_error: float
    spread: float
    unbounded_p: float
    excluded: int


def excluded_rank(V: FloatArray, W: FloatArray) -> int:
    """Count the dimensions of the share's features that no feature of the size spans."""
    size: int = V.shape[1]
    return rank_of(np.hstack([V, W])) - size


def fitted(V: FloatArray, W: FloatArray, x: FloatArray, start_shares: Sequence[float]) -> Fit:
    """Climb from every start, keep the best, and measure how well it is determined."""
    both = np.hstack([V, W])
    rank = rank_of(both)
    joint, limit = kernel.loglinear_maximum(both, x)
    climbs = [kernel.climb(start, V, W, x) for start in _starts(joint, V, W, x, start_shares)]
    theta, best, converged = max(climbs, key=lambda climb: climb[1])
    dispersion = _dispersion(theta, V, W, x)
    covariance, curvature = _covariance(kernel.fisher_information(theta, V, W), max(1.0, dispersion))
    total, slope = _total(theta, V, W, x)
    variance = float(slope @ covariance @ slope)
    rivals = [_total(other, V, W, x)[0] for other, value, _ in climbs if value >= best - ALIKE]
    freedom = max(1, len(theta) - rank)
    ratio = max(0.0, 2.0 * (best - limit)) / max(1.0, dispersion)
    return Fit(
        theta=theta,
        log_likelihood=best,
        converged=converged,
        covariance=covariance,
        curvature=curvature,
        dispersion=dispersion,
        relative_error=float(np.sqrt(variance)) / total if variance >= 0.0 else np.nan,
        spread=float(max(rivals) / min(rivals) - 1.0),
        unbounded_p=float(chi2.sf(ratio, freedom)),
        excluded=rank - V.shape[1],
    )


def _starts(
    joint: FloatArray, V: FloatArray, W: FloatArray, x: FloatArray, shares: Sequence[float]
) -> list[FloatArray]:
    """Give two starts a share: all differences due to the size, or shared out as in the log-linear limit."""
    p = V.shape[1]
    alone = kernel.loglinear_maximum(V, x)[0]
    starts = []
    for share in shares:
        level = np.log(share) - np.log1p(-share)
        beta, alpha = alone.copy(), np.zeros(W.shape[1])
        beta[0] -= np.log(share)
        alpha[0] = level
        starts.append(np.concatenate([beta, alpha]))
        beta, alpha = joint[:p].copy(), joint[p:] / (1.0 - share)
        beta[0] += joint[p] - np.log(share)
        alpha[0] = level
        starts.append(np.concatenate([beta, alpha]))
    heights = [kernel.log_likelihood(start, V, W, x) for start in starts]
    lowest = max(heights) - HOPELESS * float(x.sum())
    return [start for start, height in zip(starts, heights, strict=True) if height >= lowest]


def _dispersion(theta: FloatArray, V: FloatArray, W: FloatArray, x: FloatArray) -> float:
    rate, pi = kernel.rates(theta, V, W)
    mean = rate * pi
    return float(np.sum((x - mean) ** 2 / np.maximum(mean, 1e-12)) / (len(x) - len(theta)))


def _covariance(information: FloatArray, dispersion: float) -> tuple[FloatArray, float]:
    """Give the inverse information times the dispersion, NaN where it is flat, and its least scaled eigenvalue."""
    scale = np.sqrt(np.diag(information))
    if not (np.isfinite(information).all() and (scale > 0.0).all()):
        return np.full(information.shape, np.nan), 0.0
    values, vectors = np.linalg.eigh(information / np.outer(scale, scale))
    if values[0] <= FLAT:
        return np.full(information.shape, np.nan), max(0.0, float(values[0]))
    inverse = (vectors / values) @ vectors.T
    return np.asarray(dispersion * inverse / np.outer(scale, scale)), float(values[0])


def _total(theta: FloatArray, V: FloatArray, W: FloatArray, x: FloatArray) -> tuple[float, FloatArray]:
    """Give the total posterior size, sum of x + lambda (1 - pi), and its gradient."""
    rate, pi = kernel.rates(theta, V, W)
    unseen = rate * (1.0 - pi)
    return float(x.sum() + unseen.sum()), np.concatenate([unseen @ V, -(unseen * pi) @ W])


def exclusion_reason(excluded: int, *, constant: bool) -> list[str]:
    """Say what is missing where no feature of the share is kept out of the size."""
    if excluded > 0:
        return []
    if constant:
        return ["the share has no features, and a constant share cannot be told from the level of the size"]
    reason = (
        "every feature of the share is a feature of the size too (or follows from them): nothing but the assumed "
        "form of the curves tells one from the other"
    )
    return [reason]


def reasons_against(fit: Fit, *, significance: float, max_relative_error: float) -> list[str]:
    """List what speaks against the figures being determined by the data; empty if nothing does."""
    found = []
    if not fit.converged:
        found.append("no climb from the starts reached a maximum of the likelihood")
    if fit.curvature <= FLAT:
        found.append(
            "the information matrix is singular: sizes and shares can be traded without loss of likelihood"
        )
    if fit.unbounded_p > significance:
        found.append(
            f"an infinite wallet with a share of 0 fits as well (p = {fit.unbounded_p:.2g} > {significance:g})"
        )
    if not fit.relative_error <= max_relative_error and fit.curvature > FLAT:
        found.append(
            f"the total size has a relative standard error of {fit.relative_error:.2g} > {max_relative_error:g}"
        )
    if not fit.spread <= max_relative_error:
        found.append(f"optima of like likelihood differ by {fit.spread:.0%} in the total size")
    return found
