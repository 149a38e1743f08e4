"""Counts of which a part is seen: n ~ Poisson(lambda), x given n ~ Binomial(n, pi), so x ~ Poisson(lambda pi)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, gammainc, gammaln, log_expit
from scipy.stats import poisson

if TYPE_CHECKING:
    from collections.abc import Callable

    from custvalue._typing import ArrayLike, BoolArray, FloatArray

#: Below this a tail of the Poisson law is summed as a series, since its ratio to a probability underflows.
_SMALLEST_TAIL: Final = 1e-280
_SERIES: Final = 100_000
_STEPS: Final = 200


def rates(theta: FloatArray, V: FloatArray, W: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give lambda = exp(V beta) and pi = expit(W alpha) of theta = (beta, alpha); infinite where exp overflows."""
    p = V.shape[1]
    with np.errstate(over="ignore"):
        return np.exp(V @ theta[:p]), np.asarray(expit(W @ theta[p:]))


def log_likelihood(theta: FloatArray, V: FloatArray, W: FloatArray, x: FloatArray) -> float:
    """Compute the log likelihood, the constant log x! included; minus infinity where lambda overflows.

    Parameters
    ----------
    theta : ndarray of shape (p + q,)
        beta, then alpha.
    V : ndarray of shape (n, p)
        Design of the size.
    W : ndarray of shape (n, q)
        Design of the share.
    x : ndarray of shape (n,)
        Counts.

    Returns
    -------
    float
        Log likelihood. Cost: O(n (p + q)).
    """
    p = V.shape[1]
    log_mean = V @ theta[:p] + log_expit(W @ theta[p:])
    with np.errstate(over="ignore"):
        value = float(np.sum(x * log_mean - np.exp(log_mean)) - gammaln(x + 1.0).sum())
    return value if value == value else -np.inf  # noqa: PLR0124 - infinity less infinity is no number


def _means(theta: FloatArray, V: FloatArray, W: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give lambda pi and pi; the mean by its logarithm, so that no infinity meets a 0."""
    p = V.shape[1]
    share = W @ theta[p:]
    with np.errstate(over="ignore"):
        return np.exp(V @ theta[:p] + log_expit(share)), np.asarray(expit(share))


def _slopes(pi: FloatArray, V: FloatArray, W: FloatArray) -> FloatArray:
    """Give the derivatives of the log mean by beta and alpha: v and (1 - pi) w."""
    return np.hstack([V, (1.0 - pi)[:, None] * W])


def gradient(theta: FloatArray, V: FloatArray, W: FloatArray, x: FloatArray) -> FloatArray:
    """Compute the gradient of the log likelihood: sum of (x - lambda pi) times v and (1 - pi) w."""
    mean, pi = _means(theta, V, W)
    return np.asarray((x - mean) @ _slopes(pi, V, W))


def fisher_information(theta: FloatArray, V: FloatArray, W: FloatArray) -> FloatArray:
    """Compute the expected information: sum of lambda pi d d' with d = (v, (1 - pi) w).

    Parameters
    ----------
    theta : ndarray of shape (p + q,)
        beta, then alpha.
    V, W : ndarray of shape (n, p) and (n, q)
        Designs of the size and of the share.

    Returns
    -------
    ndarray of shape (p + q, p + q)
        Information; singular where the data cannot tell size from share. Cost: O(n (p + q)^2).
    """
    mean, pi = _means(theta, V, W)
    d = _slopes(pi, V, W)
    return np.asarray((d * mean[:, None]).T @ d)


def observed_information(theta: FloatArray, V: FloatArray, W: FloatArray, x: FloatArray) -> FloatArray:
    """Compute minus the Hessian: the expected one plus sum of (x - lambda pi) pi (1 - pi) w w' for alpha."""
    p = V.shape[1]
    mean, pi = _means(theta, V, W)
    d = _slopes(pi, V, W)
    information = (d * mean[:, None]).T @ d
    information[p:, p:] += (W * ((x - mean) * pi * (1.0 - pi))[:, None]).T @ W
    return np.asarray(information)


def climb(start: FloatArray, V: FloatArray, W: FloatArray, x: FloatArray) -> tuple[FloatArray, float, bool]:
    """Climb to a maximum of the likelihood by Newton steps in a trusted region, with exact derivatives.

    Parameters
    ----------
    start : ndarray of shape (p + q,)
        Where to begin; the likelihood must be finite there.
    V, W : ndarray of shape (n, p) and (n, q)
        Designs, columns best of mean 0 and standard deviation 1 beside the constant.
    x : ndarray of shape (n,)
        Counts, not all 0.

    Returns
    -------
    theta : ndarray of shape (p + q,)
        Where the climb ended.
    log_likelihood : float
        Log likelihood there.
    converged : bool
        Whether the gradient, divided by the sum of the counts, fell below 1e-7 within 200 steps.
    """
    events = float(x.sum())
    theta = _descend(
        lambda theta: -log_likelihood(theta, V, W, x) / events,
        lambda theta: -gradient(theta, V, W, x) / events,
        lambda theta: observed_information(theta, V, W, x) / events,
        start,
    )
    slope = np.linalg.norm(gradient(theta, V, W, x)) / events
    return theta, log_likelihood(theta, V, W, x), bool(slope <= 1e-7)  # noqa: PLR2004 - rounding above 1e-8


def loglinear_maximum(X: FloatArray, x: FloatArray) -> tuple[FloatArray, float]:
    """Fit the Poisson regression log E x = X c; columns may depend on each other, then c is the shortest.

    Parameters
    ----------
    X : ndarray of shape (n, m)
        Design with a constant column.
    x : ndarray of shape (n,)
        Counts, not all 0.

    Returns
    -------
    coefficients : ndarray of shape (m,)
        c.
    log_likelihood : float
        Maximum of the log likelihood, the constant included. This is the limit of the thinned model with V = W = X
        as the share goes to 0 and the size to infinity.
    """
    left, values, right = np.linalg.svd(X, full_matrices=False)
    kept = values > values[0] * 1e-9
    basis = left[:, kept] * np.sqrt(len(x))
    back = (right[kept].T / values[kept]) * np.sqrt(len(x))
    level = np.log(x.mean())
    start = np.linalg.lstsq(basis, np.full(len(x), level), rcond=None)[0]
    events = float(x.sum())

    def loss(c: FloatArray) -> float:
        with np.errstate(over="ignore"):
            return float(np.sum(np.exp(basis @ c)) - x @ (basis @ c)) / events

    def slope(c: FloatArray) -> FloatArray:
        return np.asarray((np.exp(basis @ c) - x) @ basis / events)

    def bend(c: FloatArray) -> FloatArray:
        return np.asarray((basis * np.exp(basis @ c)[:, None]).T @ basis / events)

    found = _descend(loss, slope, bend, start)
    return np.asarray(back @ found), float(-events * loss(found) - gammaln(x + 1.0).sum())


def _descend(
    loss: Callable[[FloatArray], float],
    slope: Callable[[FloatArray], FloatArray],
    bend: Callable[[FloatArray], FloatArray],
    start: FloatArray,
) -> FloatArray:
    options: Any = {"gtol": 1e-8, "maxiter": _STEPS}
    first: Any = start  # the stubs ask for one dimension, which FloatArray does not tell
    return np.asarray(
        minimize(loss, first, jac=slope, hess=bend, method="trust-exact", options=options).x, dtype=np.float64
    )


def posterior_size(x: ArrayLike, rate: ArrayLike, probability: ArrayLike) -> FloatArray:
    """Give E[n | x] = x + lambda (1 - pi): what is not seen is Poisson and independent of what is seen."""
    return np.asarray(np.asarray(x, dtype=np.float64) + np.asarray(rate) * (1.0 - np.asarray(probability)))


def posterior_interval(
    x: ArrayLike, rate: ArrayLike, probability: ArrayLike, level: float
) -> tuple[FloatArray, FloatArray]:
    """Give the central interval of n given x: x plus quantiles of the Poisson law of mean lambda (1 - pi).

    Parameters
    ----------
    x, rate, probability : array_like of shape (n,)
        Counts, lambda and pi.
    level : float
        Level, in (0, 1).

    Returns
    -------
    low, high : ndarray of shape (n,)
        Whole numbers; the law is discrete, so they hold at least the level.
    """
    seen = np.asarray(x, dtype=np.float64)
    mean = np.asarray(rate) * (1.0 - np.asarray(probability))
    tail = 0.5 - 0.5 * level
    return seen + poisson.ppf(tail, mean), seen + poisson.ppf(1.0 - tail, mean)


def truncated_size(x: ArrayLike, rate: ArrayLike) -> FloatArray:
    """Give E[n | n >= x] = lambda P(n >= x - 1) / P(n >= x) of the Poisson law.

    Parameters
    ----------
    x : array_like
        Counts from 0.
    rate : array_like
        lambda, above 0.

    Returns
    -------
    ndarray
        Sizes, at least x. Computed as lambda + lambda P(n = x - 1) / P(n >= x), without a difference of nearly
        equal numbers; where the tail underflows, its series lambda^j x! / (x + j)! is summed.
    """
    counts, mean = np.broadcast_arrays(np.asarray(x, dtype=np.float64), np.asarray(rate, dtype=np.float64))
    some = np.maximum(counts, 1.0)
    tail = gammainc(some, mean)
    usual = np.asarray(tail > _SMALLEST_TAIL)
    density = np.exp((some - 1.0) * np.log(mean) - mean - gammaln(some))
    size = mean + mean * density / np.where(usual, tail, 1.0)
    if not usual.all():
        size = np.where(usual, size, mean + some / _series(some, mean, usual))
    return np.where(counts > 0.0, size, mean)


def _series(x: FloatArray, mean: FloatArray, usual: BoolArray) -> FloatArray:
    """Sum lambda^j x! / (x + j)! over j, at the places that are not usual; 1 elsewhere."""
    ratio = np.where(usual, 0.0, mean)
    total, term = np.ones_like(ratio), np.ones_like(ratio)
    for j in range(1, _SERIES):
        term = term * ratio / (x + j)
        total += term
        if (term <= total * 1e-17).all():
            break
    return total
