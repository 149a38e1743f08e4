"""Sets of products that many customers hold together."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from custvalue._holdings.baskets import Baskets
from custvalue._kernels import set_rows
from custvalue._product_rules.holder_counts import HolderCounts
from custvalue._product_rules.itemset_search import ItemsetSearch, Wanted
from custvalue._product_rules.itemset_table import Itemsets
from custvalue._product_rules.threshold import count_threshold
from custvalue._results import provenance, read_only
from custvalue._spec import Items, Name, Spec, canonical_json, require, unboxed
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._product_rules.threshold import Share
    from custvalue._typing import IntArray

__all__ = ["Itemsets", "itemsets"]


class ItemsetSettings(Spec):
    """How itemsets were searched, as it is written into their provenance."""

    min_count: int | None
    top: int | None = Field(ge=1)
    kind: Literal["all", "closed", "maximal", "generators"]
    min_length: int = Field(ge=1)
    max_length: int | None = Field(ge=1)
    include: Items[Name]
    exclude: Items[Name]
    amount: str | None
    method: Literal["auto", "cube", "gram", "bitset"]
    limit: int = Field(ge=1)

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if self.max_length is not None and self.max_length < self.min_length:
            message = f"max_length is {self.max_length}, below min_length ({self.min_length})"
            raise ValueError(message)
        if self.top is not None and self.kind == "maximal":
            message = "top finds no maximal itemsets: which are maximal depends on a threshold; give one"
            raise ValueError(message)
        if both := sorted(set(self.include) & set(self.exclude)):
            message = f"include and exclude both name {both}"
            raise ValueError(message)
        return self


def itemsets(
    baskets: Baskets,
    *,
    min_support: Share | None = None,
    min_count: int | None = None,
    top: int | None = None,
    kind: Literal["all", "closed", "maximal", "generators"] = "all",
    min_length: int = 1,
    max_length: int | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    amount: str | None = None,
    method: Literal["auto", "cube", "gram", "bitset"] = "auto",
    limit: int = 5_000_000,
) -> Itemsets:
    r"""Find the sets of products that enough customers hold together.

    Says how often products go together, not whether that is more than chance: see :func:`rules` and :func:`pairs`.

    Parameters
    ----------
    baskets : Baskets
        Who holds what.
    min_support : float, str, Decimal or Fraction, default=None
        Least share of all customers, in (0, 1]; read as a decimal and met exactly, so 0.07 of 100 customers is 7.
        Exactly one of `min_support`, `min_count` and `top` is given.
    min_count : int, default=None
        Least number of customers, from 1.
    top : int, default=None
        How many itemsets, from 1: those with the most customers, and all that are level with the last of them.
        Fewer if there are not so many.
    kind : {"all", "closed", "maximal", "generators"}, default="all"
        ``"closed"``: no larger set has as many customers. ``"maximal"``: no larger set reaches the threshold.
        ``"generators"``: no smaller set has as few customers, the empty set (all customers) among them, so a
        product that everybody holds is in no generator. All itemsets and their customers can be told from the
        closed ones.
    min_length, max_length : int, default=1 and None
        Fewest and most products in an itemset.
    include : sequence of str, default=()
        Products that every itemset must hold.
    exclude : sequence of str, default=()
        Products that no itemset may hold. To leave products out of the analysis, use ``baskets.select``.
    amount : str, default=None
        Name of an amount of the baskets, such as a balance: its sum over the customers of each itemset is added.
    method : {"auto", "cube", "gram", "bitset"}, default="auto"
        How they are found; the answer is the same. See Notes.
    limit : int, default=5_000_000
        Most frequent itemsets that are mined, before kind, lengths and exclusions choose among them.

    Returns
    -------
    Itemsets
        By length, then falling customers, then the products' order; empty if there is none.

    Raises
    ------
    pydantic.ValidationError
        If a setting is out of its range, settings contradict each other, or `top` is asked for maximal itemsets.
    DomainError
        If `baskets` is none, not exactly one threshold is given, a threshold is out of range, a product or an
        amount is unknown, or the cube is asked for more than 26 frequent products.

    Warns
    -----
    UserWarning
        If more than `limit` itemsets are frequent: only those up to a length at which they are within the limit
        are returned, and ``Itemsets.complete`` is False.

    See Also
    --------
    rules : Who holds these also holds that.
    pairs : All pairs of products with their tests.
    greedy_cover : Few itemsets for many customers.

    Notes
    -----
    **Threshold.** It is held against all customers, also where some are not eligible for a product, so that every
    subset of a frequent itemset is frequent; the column ``support`` divides by the eligible ones.

    **Order of choice.** The kind is told among all frequent itemsets; lengths, `include` and `exclude` then
    choose. So a closed itemset of three products is one, whatever `max_length` is: longer sets are looked at to
    tell. Where the limit is hit, the longest length that was counted only serves to tell the closed and maximal
    ones below it.

    **Methods**, all exact: ``"cube"`` counts every set of at most 26 frequent products at once, by one count of
    the distinct baskets and sums over supersets; 16 x 2^n bytes, 17 MB for 20 products. ``"bitset"`` is Zaki's
    Eclat [2]_: the baskets of each set as bits, those of all extensions of many sets joined and counted in bulk;
    a basket of many customers is a few bits with scales; depth first, in blocks of some 10 MB. ``"gram"`` counts
    all pair extensions of a prefix by one weighted matrix product. ``"auto"`` takes the cube up to 20 frequent
    products, else bits; the matrix products were slower on all data tried and serve as a check. Cost: linear in
    the distinct baskets, not the customers, and in the itemsets.

    Frequent itemsets are by Agrawal and Srikant (1994) [1]_, closed ones and generators by Pasquier et al. (1999)
    [3]_, maximal ones by Bayardo (1998) [4]_. A set that everybody holds is found, and so is one that meets the
    threshold exactly.

    References
    ----------
    .. [1] Agrawal, R., Srikant, R. (1994). Fast algorithms for mining association rules. *VLDB '94*, 487-499.
    .. [2] Zaki, M. J. (2000). Scalable algorithms for association mining. *IEEE Transactions on Knowledge and Data
       Engineering*, 12(3), 372-390.
    .. [3] Pasquier, N., Bastide, Y., Taouil, R., Lakhal, L. (1999). Discovering frequent closed itemsets for
       association rules. *ICDT '99*, LNCS 1540, 398-416.
    .. [4] Bayardo, R. J. (1998). Efficiently mining long patterns from databases. *SIGMOD '98*, 85-93.

    Examples
    --------
    >>> from custvalue import basket
    >>> held = [["account", "card", "loan"], ["account", "card"], ["account"], ["loan"]]
    >>> baskets = basket.Baskets.from_lists(held, counts=[40, 10, 20, 30])
    >>> basket.itemsets(baskets, min_support="0.5").to_frame()
               itemset  length  customers  eligible  support
    0       (account,)       1         70       100      0.7
    1          (loan,)       1         70       100      0.7
    2          (card,)       1         50       100      0.5
    3  (account, card)       2         50       100      0.5
    >>> basket.itemsets(baskets, min_support="0.4", kind="maximal").names
    [('account', 'card', 'loan')]
    """
    held = require(baskets, Baskets, "baskets", "Make them by Baskets.from_long, from_wide or from_lists.")
    threshold = _threshold(min_support, min_count, top, held.n_customers)
    settings = ItemsetSettings(
        min_count=threshold,
        top=unboxed(top),
        kind=kind,
        min_length=unboxed(min_length),
        max_length=unboxed(max_length),
        include=include,
        exclude=exclude,
        amount=amount,
        method=method,
        limit=unboxed(limit),
    )
    if amount is not None and amount not in held.amounts:
        message = f"amount={amount!r} is none of the baskets' amounts; there are: {sorted(held.amounts)}."
        raise DomainError(message)
    search = ItemsetSearch(held, _wanted(settings, held))
    if settings.top is not None:
        answer, threshold = search.top(settings.top)
    else:
        answer = search.at(threshold or 1)
    if not answer.complete:
        warnings.warn(
            f"More than limit={settings.limit} itemsets are frequent; only those of up to "
            f"{int(answer.sets.lengths.max(initial=0))} products are kept. Raise the threshold or limit, or bound "
            "max_length.",
            UserWarning,
            stacklevel=2,
        )
    counts = HolderCounts(held)
    amounts = None if amount is None else read_only(counts.amount(answer.sets, None, amount))
    return Itemsets(
        held.products,
        read_only(answer.sets.indptr),
        read_only(answer.sets.codes),
        read_only(answer.customers),
        read_only(_eligible(counts, answer.sets, held.n_customers)),
        held.n_customers,
        threshold or 1,
        settings.kind,
        answer.method,
        answer.complete,
        amount,
        amounts,
        provenance(
            canonical_json(settings),
            customers=held.n_customers,
            distinct_baskets=held.n_distinct,
            itemsets=len(answer.customers),
        ),
    )


def _threshold(min_support: Share | None, min_count: int | None, top: int | None, n_customers: int) -> int | None:
    """Give the least number of customers; None where the number of itemsets decides."""
    if top is None:
        return count_threshold(min_support, min_count, n_customers)
    if min_support is not None or min_count is not None:
        message = "top is given beside min_support or min_count; give exactly one of the three."
        raise DomainError(message)
    return None


def _wanted(settings: ItemsetSettings, baskets: Baskets) -> Wanted:
    include = baskets.places(settings.include, argument="include")
    exclude = baskets.places(settings.exclude, argument="exclude")
    return Wanted(
        settings.kind,
        settings.min_length,
        settings.max_length,
        tuple(sorted(set(include))),
        tuple(sorted(set(exclude))),
        settings.limit,
        settings.method,
    )


def _eligible(counts: HolderCounts, sets: set_rows.Sets, n_customers: int) -> IntArray:
    """Count the customers who may hold all products of each itemset."""
    if not counts.restricted.any():
        return np.full(sets.size, n_customers, dtype=np.int64)
    return counts.count(set_rows.empty_sets(sets.size), sets)
