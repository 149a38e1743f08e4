"""Weights that meet known margins: iterative proportional fitting, bounds, and what the weights cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import FloatArray, IntArray


class Raked(NamedTuple):
    """Weights, how many rounds they took, the largest miss of a margin, and whether it is small enough."""

    weights: FloatArray
    rounds: int
    gap: float
    converged: bool


def rake(
    weights: FloatArray,
    codes: Sequence[IntArray],
    targets: Sequence[FloatArray],
    *,
    bounds: tuple[float, float] | None = None,
    tolerance: float = 1e-9,
    max_rounds: int = 1000,
) -> Raked:
    r"""Scale weights to one margin after another until all are met.

    Parameters
    ----------
    weights : ndarray of shape (n,)
        Weights to begin with, positive.
    codes : sequence of ndarray of int, shape (n,)
        Category of each row, one array a margin.
    targets : sequence of ndarray of shape (n_categories,)
        What the weights of each category are to sum to; every margin has the same total.
    bounds : tuple of float, default=None
        How small and how large a weight may become beside its beginning, both scaled to the same total.
    tolerance : float, default=1e-9
        Largest miss of a category, as a share of the total, that counts as met.
    max_rounds : int, default=1000
        Rounds over all margins at most.

    Returns
    -------
    Raked
        Weights of the best round, that of the smallest gap; ``converged`` says whether the gap is within the
        tolerance. Margins that contradict each other, an empty category with a target, or bounds that are too
        tight leave a gap.

    Notes
    -----
    Iterative proportional fitting (Deming and Stephan 1940): with :math:`T_{jk}` the target of category k of
    margin j, each step is :math:`w_i \leftarrow w_i T_{jk} / \sum_{i' \in jk} w_{i'}`. The limit keeps the
    interactions that the weights began with. With bounds the weights are clipped after each round, and the next
    round goes on from there (ours). Cost: :math:`O(nm)` a round.
    """
    total = float(targets[0].sum())
    begun = weights * (total / weights.sum())
    now = begun.copy()
    best = Raked(begun, 0, _gap(begun, codes, targets, total), converged=False)
    best = best._replace(converged=best.gap <= tolerance)
    for done in range(1, max_rounds + 1):
        if best.converged:
            break
        for code, target in zip(codes, targets, strict=True):
            reached = np.bincount(code, now, minlength=len(target))
            factor = np.divide(target, reached, out=np.zeros(len(target)), where=reached > 0.0)
            now = now * factor[code]
        if bounds is not None:
            now = np.clip(now, bounds[0] * begun, bounds[1] * begun)
        gap = _gap(now, codes, targets, total)
        if gap < best.gap:
            best = Raked(now, done, gap, gap <= tolerance)
    return best


def _gap(weights: FloatArray, codes: Sequence[IntArray], targets: Sequence[FloatArray], total: float) -> float:
    misses = [
        np.abs(np.bincount(code, weights, minlength=len(target)) - target).max()
        for code, target in zip(codes, targets, strict=True)
    ]
    return float(max(misses) / total)


def design_effect(weights: FloatArray) -> float:
    r"""Give Kish's design effect of unequal weights, :math:`n \sum w^2 / (\sum w)^2`, at least 1.

    Answers with these weights are worth n / effect answers of equal weight, where the weights have nothing to do
    with what is asked (Kish 1965).
    """
    scaled = weights / weights.max()
    return float(len(scaled) * (scaled @ scaled) / scaled.sum() ** 2)


__all__ = ["Raked", "design_effect", "rake"]
