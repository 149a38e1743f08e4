"""Few bundles for many customers: greedy maximum coverage by itemsets."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from custvalue._holdings.baskets import Baskets
from custvalue._kernels.maximum_coverage import Rows, greedy_coverage
from custvalue._product_rules.itemset_table import Itemsets
from custvalue._product_rules.itemsets import itemsets as mine
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import require, whole_number
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from decimal import Decimal
    from fractions import Fraction

    from custvalue._typing import IntArray


@dataclass(frozen=True, eq=False, repr=False)
class BundleCover:
    """Bundles chosen one after another, each adding the most to what the earlier ones cover.

    Attributes
    ----------
    bundles : tuple of tuple of str
        Products of each bundle, in the order in which the bundles were chosen.
    customers : ndarray of int64, shape (n_bundles,)
        Customers who hold all products of the bundle.
    added : ndarray of int64, shape (n_bundles,)
        What the bundle adds to the earlier ones: customers, or holdings.
    objective : {"customers", "holdings"}
        What is covered.
    total : int
        All customers, or all their holdings.
    bound : int
        No choice of as many bundles out of the same candidates covers more than this.
    n_candidates : int
        Itemsets that could be chosen.
    provenance : Provenance
        Package version and counts.

    See Also
    --------
    greedy_cover : Choose the bundles.

    Examples
    --------
    >>> from custvalue import basket
    >>> baskets = basket.Baskets.from_lists(
    ...     [["account", "card"], ["account", "loan"], ["fund", "deposit"], ["account"]], counts=[50, 20, 10, 20]
    ... )
    >>> cover = basket.greedy_cover(baskets, n_bundles=2, min_count=10)
    >>> cover.to_frame()[["bundle", "customers", "added", "cumulative", "share"]]
                bundle  customers  added  cumulative  share
    0  (account, card)         50     50          50    0.5
    1  (account, loan)         20     20          70    0.7
    """

    bundles: tuple[tuple[str, ...], ...]
    customers: IntArray
    added: IntArray
    objective: str
    total: int
    bound: int
    n_candidates: int
    provenance: Provenance

    @property
    def covered(self) -> int:
        """Customers, or holdings, that all the bundles cover together."""
        return int(self.added.sum())

    @property
    def share_of_best(self) -> float:
        """Least share that is covered of what the best choice of as many bundles covers; 1 is proven best.

        At least 1 - 1/e = .632 by theory, and mostly far more; 1 where nothing can be covered.
        """
        return self.covered / self.bound if self.bound else 1.0

    def to_frame(self) -> pd.DataFrame:
        """Give one row a bundle, in the order chosen.

        Returns
        -------
        pandas.DataFrame
            ``rank`` (from 1), ``bundle`` (tuple of names), ``length``, ``customers`` (who hold the whole bundle),
            ``added`` and ``cumulative`` (customers, or holdings), ``share`` (of the total; NaN if that is 0).
        """
        cumulative = np.cumsum(self.added)
        return pd.DataFrame(
            {
                "rank": np.arange(1, len(self.bundles) + 1),
                "bundle": pd.Series(list(self.bundles), dtype=object),
                "length": np.array([len(bundle) for bundle in self.bundles], dtype=np.int64),
                "customers": self.customers.copy(),
                "added": self.added.copy(),
                "cumulative": cumulative,
                "share": cumulative / self.total if self.total else np.full(len(self.bundles), np.nan),
            }
        )

    def __len__(self) -> int:
        return len(self.bundles)

    def __repr__(self) -> str:
        return short_repr(
            "BundleCover", bundles=len(self.bundles), objective=self.objective, covered=self.covered, of=self.total
        )

    def _repr_html_(self) -> str:
        frame = self.to_frame().assign(bundle=[", ".join(bundle) for bundle in self.bundles])
        caption = (
            f"{len(self.bundles)} bundles cover {self.covered} of {self.total} {self.objective}, at least "
            f"{self.share_of_best:.1%} of the best choice"
        )
        return html_table(list(frame.columns), frame.itertuples(index=False), caption=caption)


def greedy_cover(
    baskets: Baskets,
    *,
    n_bundles: int = 5,
    itemsets: Itemsets | None = None,
    min_support: float | Decimal | Fraction | str | None = None,
    min_count: int | None = None,
    kind: Literal["all", "closed", "maximal"] = "maximal",
    min_length: int = 2,
    max_length: int | None = None,
    objective: Literal["customers", "holdings"] = "customers",
) -> BundleCover:
    r"""Choose a few bundles that together reach as many customers as possible.

    A bundle reaches the customers who hold all its products: a small set of packages in which most customers find
    what they have already. It describes present holdings; it does not say that a package would sell.

    Parameters
    ----------
    baskets : Baskets
        Who holds what.
    n_bundles : int, default=5
        How many bundles to choose at most; fewer where no other one adds a customer.
    itemsets : Itemsets, default=None
        The candidates, mined from `baskets` or from others with the same products. None mines them by
        `min_support` or `min_count`, `kind` and `max_length`.
    min_support, min_count : number, default=None
        Threshold of the candidates, as in :func:`itemsets`; one of them, unless `itemsets` is given.
    kind : {"all", "closed", "maximal"}, default="maximal"
        Which itemsets are candidates. Shorter sets always reach more customers than longer ones that contain them,
        so "maximal" gives the longest bundles that are common enough and "closed" mostly pairs.
    min_length : int, default=2
        Shortest bundle.
    max_length : int, default=None
        Longest itemset that is mined.
    objective : {"customers", "holdings"}, default="customers"
        Cover customers, each once; or holdings, that is pairs of customer and product, which favours long bundles.

    Returns
    -------
    BundleCover
        The bundles with what each adds, and a bound on what any choice could cover.

    Raises
    ------
    DomainError
        If a number is out of range, `itemsets` is given beside a threshold or with other products, or a choice is
        unknown.

    See Also
    --------
    bundles : Add-ons of each anchor product.
    itemsets : Mine the candidates.

    Notes
    -----
    With f the weight covered, the next bundle is the one with the largest gain in f. As f is monotone and
    submodular, k greedy bundles cover at least

    .. math:: 1 - (1 - 1/k)^k > 1 - 1/e \approx .632

    of the best k (Nemhauser, Wolsey and Fisher 1978 [1]_, theorem 4.2). `bound` is the smallest over the steps of
    what was covered plus the k largest gains still possible, so ``share_of_best`` is a proof about these data.
    Covering holdings is the tiling of Geerts, Goethals and Mielikainen (2004) [2]_. Among equal gains the longer
    bundle wins, then the one with the earlier products. Eligibility plays no part: only holders are counted. Cost:
    each candidate is counted once and few again.

    References
    ----------
    .. [1] Nemhauser, G. L., Wolsey, L. A., Fisher, M. L. (1978). An analysis of approximations for maximizing
       submodular set functions - I. *Mathematical Programming* 14, 265-294.
    .. [2] Geerts, F., Goethals, B., Mielikainen, T. (2004). Tiling databases. *Discovery Science*, LNAI 3245,
       278-289.

    Examples
    --------
    >>> from custvalue import basket
    >>> baskets = basket.Baskets.from_lists([["a", "b", "c"], ["a", "b"], ["c", "d"]], counts=[3, 4, 2])
    >>> basket.greedy_cover(baskets, n_bundles=2, min_count=2, kind="closed").bundles
    (('a', 'b'), ('c', 'd'))
    """
    require(baskets, Baskets, "baskets", "Make them with Baskets.from_long or Baskets.from_wide.")
    n_bundles = whole_number(n_bundles, "n_bundles", 1)
    min_length = whole_number(min_length, "min_length", 1)
    if objective not in ("customers", "holdings"):
        message = "objective must be 'customers' or 'holdings'."
        raise DomainError(message)
    if itemsets is None:
        if kind not in ("all", "closed", "maximal"):
            message = "kind must be 'all', 'closed' or 'maximal'."
            raise DomainError(message)
        itemsets = mine(baskets, min_support=min_support, min_count=min_count, kind=kind, max_length=max_length)
    else:
        _require_alike(itemsets, baskets, min_support, min_count)
    bounds, codes = itemsets.indptr.tolist(), itemsets.codes.tolist()
    sets = [tuple(codes[start:end]) for start, end in itertools.pairwise(bounds)]
    sets = sorted((one for one in sets if len(one) >= min_length), key=lambda one: (-len(one), one))
    rows = Rows(baskets.indptr, baskets.codes, baskets.customers, itertools.chain.from_iterable(sets))
    by_cell = objective == "holdings"
    found = greedy_coverage(sets, rows, n_bundles, by_cell=by_cell)
    chosen = [sets[place] for place in found.chosen.tolist()]
    holders = np.array([rows.weight(rows.holding(one)) for one in chosen], dtype=np.int64)
    total = int(baskets.customers @ np.diff(baskets.indptr)) if by_cell else baskets.n_customers
    return BundleCover(
        tuple(tuple(baskets.products[code] for code in one) for one in chosen),
        read_only(holders),
        read_only(found.added),
        objective,
        total,
        found.bound,
        len(sets),
        provenance(customers=baskets.n_customers, candidates=len(sets), bundles=len(chosen)),
    )


def _require_alike(itemsets: object, baskets: Baskets, min_support: object, min_count: object) -> None:
    """Refuse candidates beside a threshold, or of other products than the baskets'."""
    given = require(itemsets, Itemsets, "itemsets", "Mine them with basket.itemsets.")
    if min_support is not None or min_count is not None:
        message = "itemsets is given beside min_support or min_count; give the one or the other."
        raise DomainError(message)
    if given.products != baskets.products:
        message = "itemsets and baskets have other products, or in another order; mine them from these baskets."
        raise DomainError(message)
