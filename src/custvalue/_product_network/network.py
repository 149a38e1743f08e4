"""From pairs of products to a network: what stands out, with communities, positions and line styles."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from custvalue._holdings.catalog import ProductCatalog
from custvalue._kernels import multiple_testing
from custvalue._kernels.backbone import disparity
from custvalue._kernels.communities import communities
from custvalue._kernels.interest import MEASURES
from custvalue._kernels.stress_layout import layout
from custvalue._kernels.two_by_two import cross_difference
from custvalue._product_network.product_network import ProductNetwork
from custvalue._product_rules.pairs import Pairs
from custvalue._results import provenance, read_only
from custvalue._spec import Items, Name, Spec, canonical_json, require, unboxed
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import BoolArray, FloatArray, IntArray

#: Line styles from rare to frequent, by matplotlib's names.
LINE_STYLES: Final = ("dotted", "dashdot", "dashed", "solid")
#: Products that are always held together would fall on one point.
SHORTEST: Final = 0.1
LN_10: Final = float(np.log(10.0))
#: Measures without a single value under independence that grow with what is held together.
OF_HOLDING_TOGETHER: Final = frozenset(
    {"count", "support", "cosine", "jaccard", "dice", "kulczynski", "all_confidence", "max_confidence"}
)

Backbone = Literal["holm", "bonferroni", "bh", "by", "disparity"]


class NetworkSettings(Spec):
    """How a network was made, as it is written into its provenance."""

    measure: str
    alternative: Literal["greater", "less"]
    backbone: Backbone | None
    alpha: float = Field(gt=0.0, lt=1.0)
    min_customers: int = Field(ge=1)
    resolution: float = Field(gt=0.0, le=1e6)
    line_styles: Items[Name] = Field(min_length=1, max_length=100)
    frequency_cuts: Items[Annotated[int, Field(ge=1)]] | None

    @model_validator(mode="after")
    def _cuts_fit(self) -> Self:
        cuts = self.frequency_cuts
        if cuts is None:
            return self
        if len(cuts) != len(self.line_styles) - 1 or any(a >= b for a, b in itertools.pairwise(cuts)):
            message = (
                f"frequency_cuts must be {len(self.line_styles) - 1} rising numbers of customers, one fewer than "
                "line_styles"
            )
            raise ValueError(message)
        return self


def network(
    pairs: Pairs,
    *,
    measure: str = "phi",
    alternative: Literal["greater", "less"] = "greater",
    backbone: Backbone | None = "holm",
    alpha: float = 0.05,
    min_customers: int = 1,
    resolution: float = 1.0,
    line_styles: Sequence[str] = LINE_STYLES,
    frequency_cuts: Sequence[int] | None = None,
    catalog: ProductCatalog | None = None,
) -> ProductNetwork:
    r"""Make the network of products: an edge between two that stand out, its line style by how frequent they are.

    The visual market basket: products that belong together lie near each other, and the style of a line says how
    many customers hold both.

    Parameters
    ----------
    pairs : Pairs
        All pairs of products, as :func:`pairs` counts them.
    measure : str, default="phi"
        Interest measure whose distance from independence is the weight of an edge; it must be symmetric (see
        :func:`interest_measures`). A measure without a single value under independence, such as "jaccard", is the
        weight itself, and allowed for "greater" only.
    alternative : {"greater", "less"}, default="greater"
        Edges between products that are held together more often than independence would give, or more rarely:
        substitutes and products that exclude each other. The alternative of `pairs` plays no part.
    backbone : {"holm", "bonferroni", "bh", "by", "disparity"} or None, default="holm"
        Which edges are kept: those whose p-value (one-sided, by the null of `pairs`), adjusted over all pairs, is
        at most `alpha`; or those that the disparity filter finds at `alpha`, which asks whether an edge carries
        more of a product's strength than its other edges would let expect; or all.
    alpha : float, default=0.05
        Level of the backbone, in (0, 1).
    min_customers : int, default=1
        Fewest customers who hold both; for "less", fewest whom independence would give.
    resolution : float, default=1.0
        Above 1 communities are smaller, below 1 larger.
    line_styles : sequence of str, default=("dotted", "dashdot", "dashed", "solid")
        A style for each class of frequency, from rare to frequent; the defaults are matplotlib's names.
    frequency_cuts : sequence of int, default=None
        Numbers of customers, rising, one fewer than `line_styles`; an edge with as many customers as a cut is in
        the class above it. None cuts at the quantiles (type 7) of the edges, so that classes are about equal; the
        rarest edges are in the first class however many they are.
    catalog : ProductCatalog, default=None
        Families of the products, for the table of nodes.

    Returns
    -------
    ProductNetwork
        Nodes for all products, edges for the pairs that are kept, communities, positions, line styles.

    Raises
    ------
    pydantic.ValidationError
        If a setting is out of its range or `frequency_cuts` do not fit `line_styles`.
    DomainError
        If `pairs` is none, or `measure` is unknown, not symmetric, infinite for an edge, or without a value under
        independence where "less" is asked.

    See Also
    --------
    pairs : The pairs behind it.
    bundles : The add-ons of each product.

    Notes
    -----
    *Weight.* :math:`w = |m - m_0|`, m the measure and :math:`m_0` its value under independence (0 for phi, 1 for
    lift).

    *Backbone.* The test asks whether a pair stands out from chance as `pairs` has it: independence, or the sizes
    of baskets, given how many hold each product. With
    millions of customers nearly every pair does; the disparity filter of Serrano, Boguna and Vespignani (2009)
    [1]_ or a higher `min_customers` then thins the picture. A pair without another edge at either end is never in
    the disparity backbone.

    *Communities.* Partition of high modularity (Newman 2004 [2]_) by greedy joins (Clauset, Newman and Moore 2004
    [3]_) and by the Louvain method (Blondel et al. 2008 [5]_), the better of both after moves of single products.
    Nothing is random, and ties go to the earlier product. They are numbered from 1 by falling number of products;
    0 is a product without edge.

    *Positions.* Stress majorization (Gansner, Koren and North 2004 [4]_). The wanted length of an edge is
    :math:`\sqrt{2 (1 - |\phi|)}`, at least .1: the distance between the two products' flags, standardised; of
    products without an edge it is the shortest way between them. Components stand apart; all fits the unit square.
    Only distances have a meaning, not directions.

    Cost: :math:`O(n^2)` for n products to choose edges; :math:`O(m^3)` at worst for communities and positions of
    the m products with an edge; memory some matrices of shape (m, m).

    References
    ----------
    .. [1] Serrano, M. A., Boguna, M., Vespignani, A. (2009). Extracting the multiscale backbone of complex
       weighted networks. *PNAS*, 106(16), 6483-6488.
    .. [2] Newman, M. E. J. (2004). Analysis of weighted networks. *Physical Review E*, 70, 056131.
    .. [3] Clauset, A., Newman, M. E. J., Moore, C. (2004). Finding community structure in very large networks.
       *Physical Review E*, 70, 066111.
    .. [4] Gansner, E. R., Koren, Y., North, S. (2004). Graph drawing by stress majorization. *Graph Drawing*, LNCS
       3383, 239-250.
    .. [5] Blondel, V. D., Guillaume, J.-L., Lambiotte, R., Lefebvre, E. (2008). Fast unfolding of communities in
       large networks. *Journal of Statistical Mechanics*, P10008.

    Examples
    --------
    >>> from custvalue import basket
    >>> baskets = basket.Baskets.from_lists(
    ...     [["account", "card"], ["fund", "deposit"], ["account"], ["fund"]], counts=[300, 200, 50, 50]
    ... )
    >>> found = basket.network(basket.pairs(baskets))
    >>> found.edges()[["source", "target", "customers", "line_style"]]
        source target  customers line_style
    0  account   card        300      solid
    1  deposit   fund        200     dotted
    """
    require(pairs, Pairs, "pairs", "Count them with basket.pairs.")
    settings = NetworkSettings(
        measure=measure,
        alternative=alternative,
        backbone=backbone,
        alpha=unboxed(alpha),
        min_customers=unboxed(min_customers),
        resolution=unboxed(resolution),
        line_styles=line_styles,
        frequency_cuts=None if frequency_cuts is None else [unboxed(cut) for cut in frequency_cuts],
    )
    if catalog is not None:
        require(catalog, ProductCatalog, "catalog")
    _require_measure(measure, alternative)
    edges = _backbone(_associated(pairs, settings), len(pairs.products), settings)
    cuts = _cuts(edges.both, settings)
    labels, modularity = _communities(len(pairs.products), edges, settings)
    phi = np.abs(edges.measured("phi"))
    lengths = np.maximum(np.sqrt(2.0 * (1.0 - np.minimum(phi, 1.0))), SHORTEST)
    return ProductNetwork(
        products=pairs.products,
        families=_families(pairs.products, catalog),
        customers=read_only(np.diagonal(pairs.n11).copy()),
        eligible=read_only(np.diagonal(pairs.eligible).copy()),
        community=read_only(labels),
        positions=read_only(layout(len(pairs.products), edges.source, edges.target, lengths)),
        source=read_only(edges.source),
        target=read_only(edges.target),
        edge_customers=read_only(edges.both),
        edge_eligible=read_only(edges.n),
        lift=read_only(edges.measured("lift")),
        value=read_only(edges.measured(measure)),
        weight=read_only(edges.weights(measure)),
        log10_p_adjusted=read_only(edges.log_p / LN_10),
        frequency_class=read_only(1 + np.searchsorted(cuts, edges.both, side="right").astype(np.int64)),
        frequency_cuts=tuple(cuts.tolist()),
        line_styles=tuple(settings.line_styles),
        measure=measure,
        alternative=alternative,
        modularity=modularity,
        provenance=provenance(
            canonical_json(settings),
            customers=pairs.n_customers,
            products=len(pairs.products),
            edges=len(edges.source),
        ),
    )


class _Edges(NamedTuple):
    """Pairs of products that may become edges: their places, counts among the eligible, and adjusted log p."""

    source: IntArray
    target: IntArray
    both: IntArray
    first: IntArray
    second: IntArray
    n: IntArray
    log_p: FloatArray

    def take(self, kept: BoolArray) -> _Edges:
        source, target, both, first, second, n = (column[kept] for column in self[:6])
        return _Edges(source, target, both, first, second, n, self.log_p[kept])

    def measured(self, name: str) -> FloatArray:
        only_first, only_second = self.first - self.both, self.second - self.both
        neither = self.n - self.first - only_second
        return np.asarray(MEASURES[name].function(self.both, only_first, only_second, neither), dtype=np.float64)

    def weights(self, name: str) -> FloatArray:
        """Give the distance of the measure from its value under independence, or the measure where it has none."""
        centre = MEASURES[name].independence
        weight = self.measured(name)
        weight = weight if np.isnan(centre) else np.abs(weight - centre)
        if wild := int(np.count_nonzero(~np.isfinite(weight))):
            message = (
                f"measure {name!r} is infinite or undefined for {wild} edge(s), and a weight must be finite. Take "
                "a bounded one, such as 'phi', 'yule_q' or 'jaccard'."
            )
            raise DomainError(message)
        return weight


def _require_measure(measure: str, alternative: str) -> None:
    """Refuse measures that have a direction or do not say how strongly two products belong together."""
    centred = [name for name, one in MEASURES.items() if one.symmetric and not np.isnan(one.independence)]
    together = [name for name in MEASURES if name in OF_HOLDING_TOGETHER]
    if measure in centred or (measure in together and alternative == "greater"):
        return
    allowed = centred if alternative == "less" else centred + together
    message = f"measure {measure!r} cannot weigh edges of {alternative!r}; allowed: {', '.join(sorted(allowed))}."
    raise DomainError(message)


def _associated(pairs: Pairs, settings: NetworkSettings) -> _Edges:
    """Give the pairs that deviate from independence in the direction asked for, with enough customers."""
    a, b = np.triu_indices(len(pairs.products), 1)
    both, first, second, n = pairs.n11[a, b], pairs.held[a, b], pairs.held[b, a], pairs.eligible[a, b]
    log_p = pairs.log_tail(settings.alternative)
    if len(log_p):
        method = "holm" if settings.backbone is None or settings.backbone == "disparity" else settings.backbone
        log_p = multiple_testing.adjust(log_p, method, len(log_p))
    every = _Edges(a.astype(np.int64), b.astype(np.int64), both, first, second, n, log_p)
    c, x, y, total = (np.asarray(count, dtype=np.float64) for count in (both, first, second, n))
    difference = cross_difference(c, x - c, y - c, total - x - y + c)
    if settings.alternative == "greater":
        return every.take((difference > 0.0) & (both >= settings.min_customers))
    return every.take((difference < 0.0) & (x * y >= settings.min_customers * total))


def _backbone(edges: _Edges, n_products: int, settings: NetworkSettings) -> _Edges:
    """Keep the edges of the backbone."""
    if settings.backbone is None:
        return edges
    if settings.backbone == "disparity":
        weights = edges.weights(settings.measure)
        return edges.take(disparity(n_products, edges.source, edges.target, weights) < settings.alpha)
    return edges.take(edges.log_p <= np.log(settings.alpha))


def _cuts(customers: IntArray, settings: NetworkSettings) -> FloatArray:
    """Give the lower ends of all classes of frequency but the first."""
    if settings.frequency_cuts is not None:
        return np.array(settings.frequency_cuts, dtype=np.float64)
    n_classes = len(settings.line_styles)
    if not len(customers):
        return np.empty(0)
    cuts = np.quantile(customers, np.arange(1, n_classes) / n_classes)
    return np.asarray(np.maximum(cuts, customers.min() + 1), dtype=np.float64)


def _communities(n_products: int, edges: _Edges, settings: NetworkSettings) -> tuple[IntArray, float]:
    """Give communities numbers from 1 by falling number of products, and 0 to products without an edge."""
    labels = np.zeros(n_products, dtype=np.int64)
    joined = np.unique(np.concatenate([edges.source, edges.target]))
    weights = np.zeros((len(joined), len(joined)))
    a, b = np.searchsorted(joined, edges.source), np.searchsorted(joined, edges.target)
    weights[a, b] = weights[b, a] = edges.weights(settings.measure)
    found = communities(weights, settings.resolution)
    sizes = np.bincount(found.labels)
    rank = np.empty(len(sizes), dtype=np.int64)
    # Communities are numbered by their first products already, which settles ties.
    rank[np.argsort(-sizes, kind="stable")] = np.arange(1, len(sizes) + 1)
    labels[joined] = rank[found.labels]
    return labels, found.modularity


def _families(products: Sequence[str], catalog: ProductCatalog | None) -> tuple[str | None, ...]:
    known = {} if catalog is None else dict(zip(catalog.names, catalog.families, strict=True))
    return tuple(known.get(name) for name in products)
