"""Bundles: which products the holders of an anchor hold more often than the market, and who still lacks them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from custvalue._holdings.baskets import Baskets
from custvalue._kernels import hypergeometric, multiple_testing
from custvalue._kernels.transitions import wilson_interval
from custvalue._kernels.two_by_two import cross_difference, divide
from custvalue._product_rules.pairs import pairs
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import Spec, canonical_json, require, unboxed
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import FloatArray, IntArray

#: Rankings that need the margin of the add-on.
_VALUES: Final = ("extra_value", "expected_value")
LN_10: Final = float(np.log(10.0))


class BundleSettings(Spec):
    """How add-ons were chosen, as it is written into their provenance."""

    max_addons: int = Field(ge=1)
    min_customers: int = Field(ge=1)
    alpha: float | None = Field(gt=0.0, lt=1.0)
    adjust: Literal["holm", "bonferroni", "bh", "by"]
    rank_by: Literal[
        "gap", "lift", "penetration", "extra_customers", "extra_value", "expected_takers", "expected_value"
    ]
    confidence_level: float = Field(gt=0.0, lt=1.0)


@dataclass(frozen=True, eq=False, repr=False)
class Bundles:
    """The add-ons of each anchor product, the best first.

    Attributes
    ----------
    products : tuple of str
        Names of all products.
    anchors : tuple of str
        Anchor products that were looked at.
    anchor, add_on : ndarray of int64, shape (n_bundles,)
        Places in `products`.
    customers : ndarray of int64, shape (n_bundles,)
        Who hold both.
    holders : ndarray of int64, shape (n_bundles,)
        Holders of the anchor who are eligible for the add-on.
    market_holders : ndarray of int64, shape (n_bundles,)
        Holders of the add-on who are eligible for the anchor.
    eligible : ndarray of int64, shape (n_bundles,)
        Customers who are eligible for both: the market.
    margin : ndarray of shape (n_bundles,)
        Margin of one holder of the add-on; NaN where the catalogue has none.
    log10_p_adjusted : ndarray of shape (n_bundles,)
        Decimal logarithm of the adjusted p-value.
    rank_by : str
        What the add-ons of an anchor are ranked by.
    confidence_level : float
        Level of the intervals.
    provenance : Provenance
        Package version and counts.

    See Also
    --------
    bundles : Find them.
    whitespace : The customers behind the column ``whitespace``.

    Examples
    --------
    >>> from custvalue import basket
    >>> baskets = basket.Baskets.from_lists(
    ...     [["account", "card"], ["account"], ["card"], ["loan"]], counts=[300, 100, 100, 500]
    ... )
    >>> found = basket.bundles(baskets, anchor="account")
    >>> found.to_frame()[["anchor", "add_on", "penetration", "market_penetration", "gap_points", "whitespace"]]
        anchor add_on  penetration  market_penetration  gap_points  whitespace
    0  account   card         0.75                 0.4        35.0         100
    """

    products: tuple[str, ...]
    anchors: tuple[str, ...]
    anchor: IntArray
    add_on: IntArray
    customers: IntArray
    holders: IntArray
    market_holders: IntArray
    eligible: IntArray
    margin: FloatArray
    log10_p_adjusted: FloatArray
    rank_by: str
    confidence_level: float
    provenance: Provenance

    @property
    def whitespace(self) -> IntArray:
        """Holders of the anchor who are eligible for the add-on and do not hold it, shape (n_bundles,)."""
        return self.holders - self.customers

    def to_frame(self) -> pd.DataFrame:
        """Give one row an anchor and add-on, anchors in order, the best add-on first.

        Returns
        -------
        pandas.DataFrame
            ``anchor``, ``rank`` (from 1 within the anchor), ``add_on``; ``customers`` (who hold both) and
            ``holders`` (of the anchor, eligible for the add-on); ``penetration`` = customers / holders with
            Wilson's interval ``penetration_low``, ``penetration_high``; ``market_penetration`` (holders of the
            add-on among all who are eligible for both) with ``market_low``, ``market_high``; ``gap_points`` (the
            difference in percentage points), ``lift`` (the quotient); ``extra_customers`` and ``extra_value``;
            ``whitespace``, ``expected_takers`` and ``expected_value``; ``log10_p_adjusted``. What each estimates
            is told under :func:`bundles`.
        """
        table: dict[str, Any] = {
            "anchor": pd.Series([self.products[place] for place in self.anchor.tolist()], dtype=object),
            "rank": _ranks(self.anchor),
            "add_on": pd.Series([self.products[place] for place in self.add_on.tolist()], dtype=object),
            "customers": self.customers.copy(),
            "holders": self.holders.copy(),
        }
        figures = _figures(self.customers, self.holders, self.market_holders, self.eligible, self.margin)
        low, high = wilson_interval(self.customers, self.holders, self.confidence_level)
        table |= {"penetration": figures["penetration"], "penetration_low": low, "penetration_high": high}
        low, high = wilson_interval(self.market_holders, self.eligible, self.confidence_level)
        table |= {"market_penetration": figures["market_penetration"], "market_low": low, "market_high": high}
        table |= {"gap_points": figures["gap"], "lift": figures["lift"]}
        table |= {name: figures[name] for name in ("extra_customers", "extra_value")}
        table |= {"whitespace": self.whitespace}
        table |= {name: figures[name] for name in ("expected_takers", "expected_value")}
        return pd.DataFrame(table | {"log10_p_adjusted": self.log10_p_adjusted.copy()})

    def __len__(self) -> int:
        return len(self.anchor)

    def __repr__(self) -> str:
        return short_repr("Bundles", anchors=len(self.anchors), bundles=len(self), rank_by=self.rank_by)

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        shown = ["anchor", "rank", "add_on", "customers", "penetration", "market_penetration", "gap_points"]
        shown += ["lift", "extra_customers", "whitespace", "log10_p_adjusted"]
        caption = f"{len(self)} add-ons of {len(self.anchors)} anchor products, ranked by {self.rank_by}"
        return html_table(shown, frame[shown].itertuples(index=False), caption=caption)


def bundles(
    baskets: Baskets,
    *,
    anchor: str | Sequence[str] | None = None,
    max_addons: int = 5,
    min_customers: int = 10,
    alpha: float | None = 0.05,
    adjust: Literal["holm", "bonferroni", "bh", "by"] = "holm",
    rank_by: Literal[
        "gap", "lift", "penetration", "extra_customers", "extra_value", "expected_takers", "expected_value"
    ] = "gap",
    confidence_level: float = 0.95,
) -> Bundles:
    r"""Find the add-ons of anchor products: what their holders hold more often than the market.

    All figures are associations between present holdings. None is the effect of an offer: holders of the anchor
    may differ from others in what makes people buy. An effect takes an experiment.

    Parameters
    ----------
    baskets : Baskets
        Who holds what; margins come from its catalogue.
    anchor : str or sequence of str, default=None
        Anchor products, each by itself; None looks at every product.
    max_addons : int, default=5
        How many add-ons to keep of each anchor.
    min_customers : int, default=10
        Fewest customers who hold both, from 1.
    alpha : float, default=0.05
        Largest adjusted p-value, in (0, 1). None keeps add-ons that do not stand out from chance too.
    adjust : {"holm", "bonferroni", "bh", "by"}, default="holm"
        Correction over all pairs of an anchor and another product, whatever is listed: error of the family
        ("holm", "bonferroni") or false discovery rate ("bh", "by").
    rank_by : str, default="gap"
        Column that ranks the add-ons of an anchor, the largest first: "gap", "lift", "penetration",
        "extra_customers", "extra_value", "expected_takers" or "expected_value". A value without a margin comes
        last. Ties go to more customers with both, then to the order of the products.
    confidence_level : float, default=0.95
        Level of each interval by itself, in (0, 1).

    Returns
    -------
    Bundles
        Add-ons with their figures.

    Raises
    ------
    pydantic.ValidationError
        If a setting is out of its range.
    DomainError
        If `baskets` is none, an anchor is unknown or named twice, or the ranking is by value and no product has a
        margin.

    See Also
    --------
    whitespace : List the holders of the anchor without the add-on.
    greedy_cover : Few bundles that reach many customers.
    rules : Antecedents of more than one product.

    Notes
    -----
    Of the N customers who are eligible for anchor and add-on, x hold the anchor, y the add-on and c both. Then

    - ``penetration`` p = c / x and ``market_penetration`` q = y / N; ``gap_points`` = 100 (p - q); ``lift`` = p /
      q. The market includes the holders of the anchor.
    - ``extra_customers`` = c - x q: how many more of the anchor's holders hold the add-on than if they held it at
      the market's rate (leverage times N). ``extra_value`` is that times the margin of the add-on.
    - ``whitespace`` = x - c. ``expected_takers`` = (x - c) p: how many of them would hold the add-on if they came
      to hold it at the rate at which the anchor's holders hold it now. It is a planning figure (ours) under
      exactly this supposition, good for comparing lists; those who wanted the product may have it already, so take
      it for a ceiling rather than a forecast. ``expected_value`` is that times the margin.

    The p-value is Fisher's, one-sided for p above q; intervals are Wilson's (1927). An anchor that everyone holds
    has gap 0 and no significant add-on. Cost: one pass over the distinct baskets for all pairs.

    Examples
    --------
    >>> from custvalue import basket
    >>> catalog = basket.ProductCatalog(
    ...     products=[basket.Product(name="account"), basket.Product(name="card", margin=20.0)]
    ... )
    >>> held = [["account", "card"], ["account"], []]
    >>> baskets = basket.Baskets.from_lists(held, counts=[30, 50, 20], products=catalog)
    >>> found = basket.bundles(baskets, anchor="account", rank_by="expected_value")
    >>> found.to_frame()[["add_on", "whitespace", "expected_takers", "expected_value"]]
      add_on  whitespace  expected_takers  expected_value
    0   card          50            18.75           375.0
    """
    require(baskets, Baskets, "baskets", "Make them by Baskets.from_long, from_wide or from_lists.")
    settings = BundleSettings(
        max_addons=unboxed(max_addons),
        min_customers=unboxed(min_customers),
        alpha=unboxed(alpha),
        adjust=adjust,
        rank_by=rank_by,
        confidence_level=unboxed(confidence_level),
    )
    margins = baskets.margins()
    if rank_by in _VALUES and np.isnan(margins).all():
        message = f"rank_by is {rank_by!r}, and no product has a margin; give them in a ProductCatalog."
        raise DomainError(message)
    anchors = _anchors(baskets, anchor)
    found = pairs(baskets)
    first = np.repeat(anchors, baskets.n_products)
    second = np.tile(np.arange(baskets.n_products), len(anchors))
    first, second = first[first != second], second[first != second]
    both, eligible = found.n11[first, second], found.eligible[first, second]
    holders, market = found.held[first, second], found.held[second, first]
    log_p, n_tests = _adjusted(
        first, second, hypergeometric.log_upper_tail(both, holders, market, eligible), settings.adjust
    )
    kept = both >= settings.min_customers
    if settings.alpha is not None:
        kept &= log_p <= np.log(settings.alpha)
    worth = _figures(both, holders, market, eligible, margins[second])[rank_by]
    order = np.lexsort((second, -both, -np.nan_to_num(worth, nan=-np.inf), np.searchsorted(anchors, first)))
    order = order[kept[order]]
    order = order[_ranks(first[order]) <= settings.max_addons]
    return Bundles(
        baskets.products,
        tuple(baskets.products[place] for place in anchors.tolist()),
        read_only(first[order]),
        read_only(second[order]),
        read_only(both[order]),
        read_only(holders[order]),
        read_only(market[order]),
        read_only(eligible[order]),
        read_only(margins[second][order]),
        read_only(log_p[order] / LN_10),
        rank_by,
        settings.confidence_level,
        provenance(canonical_json(settings), customers=baskets.n_customers, anchors=len(anchors), tests=n_tests),
    )


def _anchors(baskets: Baskets, anchor: str | Sequence[str] | None) -> IntArray:
    """Give the places of the anchors, ascending."""
    if anchor is None:
        return np.arange(baskets.n_products, dtype=np.int64)
    places = baskets.places([anchor] if isinstance(anchor, str) else anchor, argument="anchor")
    if not places or len(set(places)) < len(places):
        message = "anchor names no product, or one twice; name each once, or pass None for all."
        raise DomainError(message)
    return np.array(sorted(places), dtype=np.int64)


def _adjusted(
    first: IntArray, second: IntArray, log_p: FloatArray, adjust: Literal["holm", "bonferroni", "bh", "by"]
) -> tuple[FloatArray, int]:
    """Adjust the p-values, those of a pair that stands in both directions once, and say how many tests that is."""
    if not len(log_p):
        return log_p, 0
    low, high = np.minimum(first, second), np.maximum(first, second)
    _, one, back = np.unique(low * (int(high.max()) + 1) + high, return_index=True, return_inverse=True)
    return np.asarray(multiple_testing.adjust(log_p[one], adjust, len(one))[back]), len(one)


def _ranks(anchor: IntArray) -> IntArray:
    """Give the rows of each anchor numbers from 1; rows of one anchor lie together."""
    starts = np.flatnonzero(np.concatenate([[True], anchor[1:] != anchor[:-1]])) if len(anchor) else anchor
    return np.arange(1, len(anchor) + 1) - np.repeat(starts, np.diff(np.append(starts, len(anchor))))


def _figures(
    customers: IntArray, holders: IntArray, market_holders: IntArray, eligible: IntArray, margin: FloatArray
) -> dict[str, FloatArray]:
    """Compute what is ranked and shown, by name."""
    c, x, y, n = (np.asarray(count, dtype=np.float64) for count in (customers, holders, market_holders, eligible))
    difference = cross_difference(c, x - c, y - c, n - x - y + c)
    extra = divide(difference, n)
    penetration = divide(c, x)
    takers = (x - c) * penetration
    return {
        "penetration": penetration,
        "market_penetration": divide(y, n),
        "gap": divide(100.0 * difference, x * n),
        "lift": divide(c * n, x * y),
        "extra_customers": extra,
        "extra_value": extra * margin,
        "expected_takers": takers,
        "expected_value": takers * margin,
    }
