"""The network of products as a result: tables of nodes, edges and communities, and the view around one product."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from custvalue._kernels.stress_layout import into_unit_square
from custvalue._kernels.two_by_two import divide
from custvalue._results import Provenance, html_table, read_only, short_repr
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._typing import FloatArray, IntArray


@dataclass(frozen=True, eq=False, repr=False)
class ProductNetwork:
    """Products and the ties between them, with communities, places in the plane, and line styles.

    Attributes
    ----------
    products : tuple of str
        Names of the nodes.
    families : tuple of str or None
        Family of each product, None where none is known.
    customers, eligible : ndarray of int64, shape (n_products,)
        Holders of each product, and customers who may hold it.
    community : ndarray of int64, shape (n_products,)
        Number of the community from 1, the one with most products first; 0 for a product without an edge.
    positions : ndarray of shape (n_products, 2)
        Places in the unit square.
    source, target : ndarray of int64, shape (n_edges,)
        Ends of each edge as places in `products`, source before target.
    edge_customers, edge_eligible : ndarray of int64, shape (n_edges,)
        Customers who hold both, and customers who may.
    lift, value, weight : ndarray of shape (n_edges,)
        Lift, the measure, and its distance from independence.
    log10_p_adjusted : ndarray of shape (n_edges,)
        Decimal logarithm of Fisher's one-sided p-value, adjusted over all pairs of products: as the backbone asks,
        by Holm where it asks for none or for the disparity filter.
    frequency_class : ndarray of int64, shape (n_edges,)
        Class of frequency from 1, the rarest.
    frequency_cuts : tuple of float
        Lower ends of the classes from the second on, in customers.
    line_styles : tuple of str
        Style of each class.
    measure : str
        The measure.
    alternative : {"greater", "less"}
        Held together more often than independence would give, or more rarely.
    modularity : float
        Modularity of the communities in the whole network.
    provenance : Provenance
        Package version, settings and counts.

    See Also
    --------
    network : Makes it.

    Examples
    --------
    >>> from custvalue import basket
    >>> baskets = basket.Baskets.from_lists(
    ...     [["account", "card"], ["fund", "deposit"], ["account"], ["fund"]], counts=[300, 200, 50, 50]
    ... )
    >>> found = basket.network(basket.pairs(baskets))
    >>> found
    ProductNetwork(products=4, edges=2, communities=2)
    >>> found.nodes()[["product", "community", "degree"]]
       product  community  degree
    0  account          1       1
    1     card          1       1
    2  deposit          2       1
    3     fund          2       1
    """

    products: tuple[str, ...]
    families: tuple[str | None, ...]
    customers: IntArray
    eligible: IntArray
    community: IntArray
    positions: FloatArray
    source: IntArray
    target: IntArray
    edge_customers: IntArray
    edge_eligible: IntArray
    lift: FloatArray
    value: FloatArray
    weight: FloatArray
    log10_p_adjusted: FloatArray
    frequency_class: IntArray
    frequency_cuts: tuple[float, ...]
    line_styles: tuple[str, ...]
    measure: str
    alternative: str
    modularity: float
    provenance: Provenance

    @property
    def degree(self) -> IntArray:
        """Number of edges of each product, shape (n_products,)."""
        return np.bincount(np.concatenate([self.source, self.target]), minlength=len(self.products))

    @property
    def strength(self) -> FloatArray:
        """Sum of the weights of each product's edges, shape (n_products,)."""
        return self._summed(np.ones(len(self.source), dtype=np.bool_))

    def nodes(self) -> pd.DataFrame:
        """Give one row a product.

        Returns
        -------
        pandas.DataFrame
            ``product``, ``family``, ``customers`` (holders), ``eligible``, ``share`` (holders among the eligible;
            NaN where nobody is), ``community``, ``degree``, ``strength``, ``x``, ``y``.
        """
        return pd.DataFrame(
            {
                "product": self._named(np.arange(len(self.products))),
                "family": pd.Series(self.families, dtype=object),
                "customers": self.customers.copy(),
                "eligible": self.eligible.copy(),
                "share": divide(self.customers, self.eligible),
                "community": self.community.copy(),
                "degree": self.degree,
                "strength": self.strength,
                "x": self.positions[:, 0].copy(),
                "y": self.positions[:, 1].copy(),
            }
        )

    def edges(self) -> pd.DataFrame:
        """Give one row an edge, in the order of the products.

        Returns
        -------
        pandas.DataFrame
            ``source``, ``target``, ``customers`` (who hold both), ``support`` (their share of those eligible for
            both), ``lift``, ``value`` (the measure), ``weight`` (its distance from independence),
            ``log10_p_adjusted``, ``frequency_class`` and ``line_style``.
        """
        styles = [self.line_styles[place - 1] for place in self.frequency_class.tolist()]
        return pd.DataFrame(
            {
                "source": self._named(self.source),
                "target": self._named(self.target),
                "customers": self.edge_customers.copy(),
                "support": divide(self.edge_customers, self.edge_eligible),
                "lift": self.lift.copy(),
                "value": self.value.copy(),
                "weight": self.weight.copy(),
                "log10_p_adjusted": self.log10_p_adjusted.copy(),
                "frequency_class": self.frequency_class.copy(),
                "line_style": pd.Series(styles, dtype=object),
            }
        )

    def to_frame(self) -> pd.DataFrame:
        """Give the table of edges, as `edges` does.

        Returns
        -------
        pandas.DataFrame
            One row an edge.
        """
        return self.edges()

    def communities(self) -> pd.DataFrame:
        """Give one row a community, the one with most products first; products without an edge are in none.

        Returns
        -------
        pandas.DataFrame
            ``community``, ``products`` (tuple of names, the strongest inside first), ``n_products``, ``inside``
            (sum of the weights of the edges within) and ``outside`` (of those that lead to other communities).
        """
        within = self.community[self.source] == self.community[self.target]
        own = self._summed(within)
        numbers = np.arange(1, int(self.community.max(initial=0)) + 1)
        numbers = numbers[np.isin(numbers, self.community)]
        rows = []
        for number in numbers.tolist():
            places = np.flatnonzero(self.community == number)
            places = places[np.argsort(-own[places], kind="stable")]
            ends = np.isin(self.source, places), np.isin(self.target, places)
            inside, outside = ends[0] & ends[1], ends[0] ^ ends[1]
            names = tuple(self.products[place] for place in places.tolist())
            rows.append((number, names, len(names), _total(self.weight[inside]), _total(self.weight[outside])))
        columns = ["community", "products", "n_products", "inside", "outside"]
        types = {"community": np.int64, "products": object, "n_products": np.int64}
        return pd.DataFrame(rows, columns=columns).astype(types | dict.fromkeys(columns[3:], np.float64))

    def ego(self, product: str) -> ProductNetwork:
        """Give the network around one product: itself, its neighbours, and all edges among them.

        Parameters
        ----------
        product : str
            Name of the product.

        Returns
        -------
        ProductNetwork
            The part of the network. Degrees and strengths count the edges that are left; communities, line styles
            and the modularity are those of the whole, and so are the positions, spread over the unit square.

        Raises
        ------
        DomainError
            If there is no such product.
        """
        if product not in self.products:
            message = f"product names {product!r}, which is no node; allowed: {', '.join(self.products)}."
            raise DomainError(message)
        centre = self.products.index(product)
        kept = np.zeros(len(self.products), dtype=np.bool_)
        kept[centre] = True
        kept[self.target[self.source == centre]] = True
        kept[self.source[self.target == centre]] = True
        return self._part(kept)

    def connected(self) -> ProductNetwork:
        """Leave out the products without an edge.

        Returns
        -------
        ProductNetwork
            The part of the network with edges, its positions spread over the unit square.
        """
        return self._part(self.degree > 0)

    def _part(self, kept: NDArray[np.bool_]) -> ProductNetwork:
        """Give the network of some products with all edges among them."""
        places = np.flatnonzero(kept)
        inner = kept[self.source] & kept[self.target]
        of_edges = (
            "edge_customers",
            "edge_eligible",
            "lift",
            "value",
            "weight",
            "log10_p_adjusted",
            "frequency_class",
        )
        columns: dict[str, Any] = {name: read_only(getattr(self, name)[inner]) for name in of_edges}
        return replace(
            self,
            products=tuple(self.products[place] for place in places.tolist()),
            families=tuple(self.families[place] for place in places.tolist()),
            customers=read_only(self.customers[places]),
            eligible=read_only(self.eligible[places]),
            community=read_only(self.community[places]),
            positions=read_only(into_unit_square(self.positions[places])),
            source=read_only(np.searchsorted(places, self.source[inner])),
            target=read_only(np.searchsorted(places, self.target[inner])),
            **columns,
        )

    def _summed(self, chosen: NDArray[np.bool_]) -> FloatArray:
        """Sum the weights of chosen edges at both ends, in ascending order."""
        ends = np.concatenate([self.source[chosen], self.target[chosen]])
        weights = np.concatenate([self.weight[chosen], self.weight[chosen]])
        order = np.argsort(weights, kind="stable")
        sums = np.bincount(ends[order], weights=weights[order], minlength=len(self.products))
        return np.asarray(sums, dtype=np.float64)

    def _named(self, places: NDArray[np.integer]) -> pd.Series:
        return pd.Series([self.products[place] for place in places.tolist()], dtype=object)

    def __len__(self) -> int:
        return len(self.source)

    def __repr__(self) -> str:
        found = np.unique(self.community[self.community > 0])
        return short_repr("ProductNetwork", products=len(self.products), edges=len(self), communities=len(found))

    def _repr_html_(self) -> str:
        frame = self.edges().sort_values("weight", ascending=False, kind="stable")
        caption = (
            f"{len(self.products)} products, {len(self)} edges by {self.measure} ({self.alternative}), modularity "
            f"{self.modularity:.3f}; the strongest first"
        )
        return html_table(list(frame.columns), frame.itertuples(index=False), caption=caption)


def _total(weights: FloatArray) -> float:
    """Sum weights in ascending order, so that the order of the edges does not show in the last digit."""
    return float(np.sort(weights).sum())
