"""Chance where customers differ in how much they hold: what the sizes of baskets alone put together."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from custvalue._kernels import basket_sizes, binomial_tails
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from custvalue._holdings.baskets import Baskets
    from custvalue._product_rules.significance import TwoSided
    from custvalue._typing import FloatArray, IntArray

#: The cost grows with the third power of the products.
MOST_PRODUCTS = 1_000
#: Fitted holders may differ from the own ones by this share of them.
CLOSE = 1e-6


def expected(baskets: Baskets) -> FloatArray:
    """Give the expected holders of each pair by the sizes of baskets and the holders of each product.

    Customers with nothing, and products that nobody or everybody holds, leave no choice: they are set aside, and
    their pairs are what they must be.
    """
    if baskets.ineligible_indptr is not None:
        message = (
            "null='basket_sizes' cannot be used where some customers are not eligible: the sizes of their "
            "baskets mean something else. Use null='independence', or leave those customers out."
        )
        raise DomainError(message)
    if baskets.n_products > MOST_PRODUCTS:
        message = (
            f"null='basket_sizes' allows up to {MOST_PRODUCTS} products; baskets have {baskets.n_products}. Use "
            "Baskets.select or Baskets.at_family."
        )
        raise DomainError(message)
    holders = np.zeros(baskets.n_products, dtype=np.int64)
    np.add.at(holders, baskets.codes, np.repeat(baskets.customers, np.diff(baskets.indptr)))
    n = baskets.n_customers
    out = np.minimum.outer(holders, holders).astype(np.float64)  # exact where one is held by all or by nobody
    open_ = np.flatnonzero((holders > 0) & (holders < n))
    lengths = np.diff(baskets.indptr) - int(np.count_nonzero(holders == n))
    sizes, customers = basket_sizes.size_counts(lengths, baskets.customers)
    whole = sizes == len(open_)
    certain = float(customers[whole].sum())
    some = (sizes > 0) & ~whole
    if not some.any():
        return out
    fitted = basket_sizes.fit_weights(holders[open_] - int(certain), sizes[some], customers[some])
    if not fitted.error <= CLOSE:
        _warn(fitted.error)
    out[np.ix_(open_, open_)] = basket_sizes.expected_pairs(fitted.weights, sizes[some], customers[some]) + certain
    return out


def _warn(error: float) -> None:
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - only for its warning class

    message = (
        f"The weights of null='basket_sizes' miss the holders of a product by {error:.2g} of them: some products "
        "stand almost only in small, or only in large baskets. Expected customers are off by about as much."
    )
    warnings.warn(message, ConvergenceWarning, stacklevel=5)


def log_p_value(
    both: IntArray, first: IntArray, second: IntArray, mean: FloatArray, alternative: TwoSided
) -> FloatArray:
    """Give the natural log of the binomial tail: holders of the rarer product, each with the mean chance."""
    trials = np.minimum(first, second).astype(np.float64)
    chance = np.clip(np.divide(mean, trials, out=np.zeros_like(mean), where=trials > 0.0), 0.0, 1.0)
    count = both.astype(np.float64)
    if alternative == "greater":
        return binomial_tails.log_upper_tail(count, trials, chance)
    if alternative == "less":
        return binomial_tails.log_lower_tail(count, trials, chance)
    upper = binomial_tails.log_upper_tail(count, trials, chance)
    lower = binomial_tails.log_lower_tail(count, trials, chance)
    return np.asarray(np.minimum(np.minimum(upper, lower) + np.log(2.0), 0.0))
