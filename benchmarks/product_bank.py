"""A bank's customers and forty products for the benchmarks of baskets: a matrix of flags.

Every customer is of one of five kinds and of one of five levels of activity. Given both, products are drawn
independently, but for alternatives (one credit card, one savings product, ...), of which a customer holds at most
one: a multinomial logit a group, an ordinary logit for a product alone. The intercepts are solved so that
the shares of customers that hold each product are exactly those wanted.

The shares and strengths were set so that a draw is like the table of customers by which the aims of `bench_basket`
were set. That one had 4.73 products a customer; of a million customers 114,000 distinct baskets, the thousand
commonest of which cover 58 %, 17 products above 5 % and 647 frequent itemsets at a threshold of 1 %; of five
million 306,000 distinct baskets and 648 itemsets. The draw of seed 0 has 4.73; 116,147, 58 %, 18 and 667; 314,354
and 664.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAYMENTS, DIGITAL, SAVING, CREDIT, HOUSING, INSURANCE, INVESTING, BUSINESS = range(8)
#: Name, family, group of alternatives; the products in falling order of their share.
PRODUCTS: tuple[tuple[str, int, str], ...] = (
    ("current account", PAYMENTS, ""),
    ("debit card", PAYMENTS, ""),
    ("mobile banking", DIGITAL, ""),
    ("savings account", SAVING, "savings"),
    ("direct debit", PAYMENTS, ""),
    ("standard credit card", CREDIT, "card"),
    ("bonus savings", SAVING, "savings"),
    ("online payments", DIGITAL, ""),
    ("standing order", PAYMENTS, ""),
    ("overdraft", CREDIT, "borrowing"),
    ("term deposit", SAVING, "savings"),
    ("gold credit card", CREDIT, "card"),
    ("home insurance", INSURANCE, ""),
    ("mortgage", HOUSING, "housing"),
    ("consumer loan", CREDIT, "borrowing"),
    ("mutual fund", INVESTING, ""),
    ("car insurance", INSURANCE, ""),
    ("premium credit card", CREDIT, "card"),
    ("life insurance", INSURANCE, ""),
    ("joint account", PAYMENTS, ""),
    ("securities account", INVESTING, ""),
    ("pension plan", INVESTING, ""),
    ("building savings", HOUSING, "housing"),
    ("travel insurance", INSURANCE, ""),
    ("car loan", HOUSING, ""),
    ("foreign currency account", BUSINESS, ""),
    ("savings plan", INVESTING, ""),
    ("business account", BUSINESS, ""),
    ("payment terminal", BUSINESS, ""),
    ("health insurance", INSURANCE, ""),
    ("structured deposit", INVESTING, ""),
    ("safe deposit box", SAVING, ""),
    ("business loan", BUSINESS, ""),
    ("gold savings", INVESTING, ""),
    ("private banking", INVESTING, ""),
    ("leasing", BUSINESS, ""),
    ("student loan", HOUSING, ""),
    ("pet insurance", INSURANCE, ""),
    ("bond portfolio", INVESTING, ""),
    ("letter of credit", BUSINESS, ""),
)
NAMES = tuple(name for name, _, _ in PRODUCTS)
FAMILIES = np.array([family for _, family, _ in PRODUCTS])
#: Two that most customers hold, and 38 that fall by an eighth from one to the next: together 4.73 a customer.
SHARES = np.concatenate([[0.95, 0.75], 3.03 * np.exp(-0.13 * np.arange(38)) / np.exp(-0.13 * np.arange(38)).sum()])

#: Shares of the kinds of customers: plain, digital, family, saver, business.
KINDS = np.array([0.38, 0.22, 0.18, 0.14, 0.08])
#: What a kind adds to the log odds of a family of products.
LIKING = 0.4 * np.array(
    [
        [-0.2, -0.8, -0.6, -0.8, -1.5, -1.2, -1.5, -2.0],
        [0.6, 1.6, 0.0, 0.8, -0.5, -0.3, 0.0, -1.0],
        [0.6, 0.6, 0.4, 0.9, 2.0, 1.6, 0.2, -0.6],
        [-0.4, -1.0, 1.4, -1.0, -0.4, 0.3, 1.8, -1.0],
        [0.2, 0.4, 0.2, 0.6, 0.3, 0.5, 0.4, 3.0],
    ]
)
#: What a unit of activity adds to it.
ACTIVITY = 0.25 * np.array([0.8, 0.9, 0.6, 0.9, 0.6, 0.8, 1.0, 0.8])
_ROUNDS = 300
_BLOCK = 1 << 16


def _alternatives() -> NDArray[np.bool_]:
    """Say which products exclude which; every product is in a group with itself."""
    groups = np.array([group or name for name, _, group in PRODUCTS])
    return np.asarray(groups[:, None] == groups)


def propensities() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the share of each class of customers (a kind at a level), and its probabilities to hold each product.

    The levels are the five nodes of the Gauss-Hermite rule, a standard normal activity. Each round moves the
    intercepts by the logarithm of the share wanted over the share there is.
    """
    levels, weights = np.polynomial.hermite_e.hermegauss(5)
    classes = np.outer(KINDS, weights / weights.sum()).ravel()
    pull = (LIKING[:, None, :] + ACTIVITY * levels[:, None]).reshape(len(classes), -1)[:, FAMILIES]
    together = _alternatives().astype(np.float64)
    intercepts = np.log(SHARES / (1.0 - SHARES))
    for _ in range(_ROUNDS):
        odds = np.exp(intercepts + pull)
        chances = odds / (1.0 + odds @ together)
        intercepts += np.log(SHARES / (classes @ chances))
    return classes, chances


def holdings(customers: int, *, seed: int = 0) -> NDArray[np.bool_]:
    """Draw the flags, a row a customer; a draw begins with the rows of a smaller one in whole blocks of 65,536."""
    random = np.random.default_rng(seed)
    classes, chances = propensities()
    together = _alternatives()
    first = together.argmax(axis=1)
    before = chances @ np.triu(together, 1)
    low, high = before.astype(np.float32), (before + chances).astype(np.float32)
    flags = np.empty((customers, len(PRODUCTS)), dtype=np.bool_)
    for start in range(0, customers, _BLOCK):
        size = min(_BLOCK, customers - start)
        of = random.choice(len(classes), size=size, p=classes)
        level = random.random((size, len(PRODUCTS)), dtype=np.float32)[:, first]
        flags[start : start + size] = (level >= low[of]) & (level < high[of])
    return flags


def distinct(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count the customers behind each distinct basket, the commonest first."""
    packed = np.packbits(flags, axis=1)
    keys = np.zeros((len(flags), 8), dtype=np.uint8)
    keys[:, : packed.shape[1]] = packed
    counts = np.unique(keys.view(np.uint64).ravel(), return_counts=True)[1]
    return np.asarray(np.sort(counts)[::-1], dtype=np.int64)
