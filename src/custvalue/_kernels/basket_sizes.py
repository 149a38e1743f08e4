r"""How many customers would hold two products if only the size of their basket and each product's holders counted.

Some customers hold many products and some hold few, and that alone puts products together. The null model of this
file lets customers differ in size and products in popularity, and nothing else: of all baskets of size k, a basket
S has the chance :math:`\prod_{i \in S} w_i / e_k(w)`, with the elementary symmetric function e_k. This is Rasch's
model given the sum score; the weights w are its conditional maximum-likelihood estimates, at which every product
has as many expected holders as it has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._typing import FloatArray, IntArray

#: Numbers kept at once: 32 MB.
BLOCK: Final = 1 << 22
#: Steps of proportional fitting before it is given up.
MOST_STEPS: Final = 20_000
#: Largest difference between fitted and own holders, as a share of the own ones.
TOLERANCE: Final = 1e-9


class FittedSizes(NamedTuple):
    """Weights of the products, and how far the fitted holders are from the own ones, as a share of them."""

    weights: FloatArray
    error: float


def symmetric_functions(weights: FloatArray, largest: int) -> FloatArray:
    """Give the elementary symmetric functions e_0..e_largest of the last axis; leading axes are separate sets."""
    out = np.zeros((*weights.shape[:-1], largest + 1))
    out[..., 0] = 1.0
    for place in range(weights.shape[-1]):
        out[..., 1:] += weights[..., place, None] * out[..., :-1]
    return out


def _without_one(weights: FloatArray, largest: int) -> FloatArray:
    """Give the symmetric functions of all weights but one, a row for each that is left out."""
    n = len(weights)
    kept = np.broadcast_to(weights, (n, n)).copy()
    np.fill_diagonal(kept, 0.0)
    return symmetric_functions(kept, largest)


def expected_holders(weights: FloatArray, sizes: IntArray, customers: IntArray) -> FloatArray:
    """Give the expected number of holders of each product under given weights."""
    largest = int(sizes.max())
    every = symmetric_functions(weights, largest)[sizes]
    alone = weights[:, None] * _without_one(weights, largest)[:, sizes - 1]
    return np.asarray((alone / every) @ customers.astype(np.float64))


def fit_weights(holders: IntArray, sizes: IntArray, customers: IntArray) -> FittedSizes:
    """Fit the weights by proportional scaling until every product has its own number of expected holders.

    Parameters
    ----------
    holders : ndarray of int64, shape (n_products,)
        Holders of each product, above 0 and below the number of customers.
    sizes, customers : ndarray of int64, shape (n_sizes,)
        Sizes of baskets, from 1 to below n_products, and the customers of each; those with nothing or everything
        tell nothing and are left out.

    Returns
    -------
    FittedSizes
        The weights, and what is left over.

    Notes
    -----
    Each step multiplies a weight by own over fitted holders; twice a step a squared extrapolation (Varadhan and
    Roland 2008) is tried and kept if it is nearer. Cost: products squared times the largest size, a step.
    """
    wanted = holders.astype(np.float64)
    weights = wanted / wanted.max()

    def step(at: FloatArray) -> tuple[FloatArray, float]:
        fitted = expected_holders(at, sizes, customers)
        scaled = at * wanted / fitted
        return scaled / scaled.max(), float(np.max(np.abs(fitted / wanted - 1.0)))

    error = np.inf
    for _ in range(0, MOST_STEPS, 3):
        first, error = step(weights)
        if error <= TOLERANCE:
            break
        second, _ = step(first)
        change, bend = np.log(first / weights), np.log(second / first)
        bend -= change
        length = -np.sqrt(np.dot(change, change) / max(float(np.dot(bend, bend)), np.finfo(float).tiny))
        guess = weights * np.exp(np.clip(-2.0 * length * change + length * length * bend, -50.0, 50.0))
        guess /= guess.max()
        third, guessed = step(guess)
        weights = third if np.isfinite(guessed) and guessed < error else second
    return FittedSizes(weights, error)


def expected_pairs(weights: FloatArray, sizes: IntArray, customers: IntArray) -> FloatArray:
    r"""Give the expected number of customers who hold both products of each pair.

    Parameters
    ----------
    weights : ndarray of shape (n_products,)
        Fitted weights.
    sizes, customers : ndarray of int64, shape (n_sizes,)
        Sizes of baskets and the customers of each.

    Returns
    -------
    ndarray of shape (n_products, n_products)
        :math:`\sum_k n_k w_a w_b e_{k-2}(w \setminus a, b) / e_k(w)`; holders of one product on the diagonal.

    Notes
    -----
    Functions of all weights but two are made anew for each pair: subtracting loses all digits. Cost: half of
    products cubed times the largest size.
    """
    n, largest = len(weights), int(sizes.max())
    every = symmetric_functions(weights, largest)[sizes]
    share = np.where(sizes >= 2, customers / every, 0.0)  # noqa: PLR2004 - two products need two places
    first, second = np.triu_indices(n, 1)
    out = np.diag(expected_holders(weights, sizes, customers))
    step = max(1, BLOCK // (n + largest))
    for start in range(0, len(first), step):
        a, b = first[start : start + step], second[start : start + step]
        kept = np.broadcast_to(weights, (len(a), n)).copy()
        rows = np.arange(len(a))
        kept[rows, a] = kept[rows, b] = 0.0
        rest = symmetric_functions(kept, max(largest - 2, 0))[:, np.maximum(sizes - 2, 0)]
        out[a, b] = out[b, a] = weights[a] * weights[b] * (rest @ share)
    return out


def size_counts(lengths: NDArray[np.integer], weights: IntArray) -> tuple[IntArray, IntArray]:
    """Count the customers of each size of basket that occurs."""
    counts = np.zeros(int(lengths.max(initial=0)) + 1, dtype=np.int64)
    np.add.at(counts, lengths, weights)
    sizes = np.flatnonzero(counts)
    return sizes.astype(np.int64), counts[sizes]
