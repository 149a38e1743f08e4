"""The display of products that belong together: nodes, and lines whose style says how many customers hold both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from custvalue import _frames
from custvalue._displays.axes import FEWEST, NO_LABELS, one_each, require_counts, require_distinct, require_top
from custvalue._displays.product_network_drawing import LINE_STYLES, ProductNetworkDrawing, ProductNetworkNumbers
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from custvalue._typing import FloatArray, IntArray, Table
    from custvalue.basket import ProductNetwork

_TITLES = {"greater": "Products held together", "less": "Products rarely held together"}
_ENDS = 2


class ProductNetworkDisplay:
    """Products, the lines between those that belong together, and their communities: the visual market basket.

    Parameters
    ----------
    products : sequence of str
        Names of the products.
    customers : array_like of shape (n_products,)
        Holders of each product.
    positions : table of shape (n_products, 2)
        Where the products stand, to one scale in both directions; related ones should be near each other.
    edges : sequence of pair of str
        Products to be joined by a line; each pair once.
    edge_customers : array_like of shape (n_edges,)
        Customers who hold both products of a pair.
    frequency_cuts : sequence of float, default=()
        Numbers of customers, rising: from each of them on a pair has the next line style.
    line_styles : sequence of str, default=("dotted", "dashdot", "dashed", "solid")
        Names of matplotlib's line styles, from rare to frequent; at least one more than there are cuts.
    weights : array_like of shape (n_edges,), default=None
        How strong each edge is, for the choice of those that are drawn; None takes the customers.
    communities : sequence of int, default=None
        Number of each product's community from 1, 0 for none; None puts all that have an edge into one.
    title : str, default="Products held together"
        Title of the picture.

    Attributes
    ----------
    products : tuple of str
        Names of the products.
    customers : ndarray of shape (n_products,)
        What the areas of the nodes show.
    positions : ndarray of shape (n_products, 2)
        Places before nodes are moved apart.
    edges : ndarray of int, shape (n_edges, 2)
        Ends of the lines as places in `products`.
    edge_customers : ndarray of shape (n_edges,)
        What the line styles show.
    frequency_class : ndarray of int, shape (n_edges,)
        Line style of each edge, as place in `line_styles`.
    cuts : tuple of float
        Numbers of customers where the next line style begins.
    communities : ndarray of int, shape (n_products,)
        What the colours show.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the numbers do not fit the names, an edge names an unknown product, a loop or a pair twice, or cuts and
        line styles do not fit.

    Notes
    -----
    The area of a node is proportional to its holders (with a smallest one that can still be seen). Nodes are moved
    apart, and the picture made larger, until no name covers a node or another name; so distances are near to those
    of the positions, not equal. Cuts below five customers count as five, so that no picture tells single ones.
    After six communities the colours come again with hollow nodes. Cost: O(n^2) a step of moving n products apart.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.ProductNetworkDisplay(
    ...     ["account", "card", "fund"], customers=[900, 400, 90], positions=[[0, 0], [1, 0], [1, 1]],
    ...     edges=[("account", "card"), ("account", "fund")], edge_customers=[380, 60], frequency_cuts=[100],
    ...     line_styles=["dotted", "solid"])
    >>> display.frequency_class
    array([1, 0])
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        products: Sequence[str],
        *,
        customers: Sequence[float] | FloatArray,
        positions: Table,
        edges: Sequence[tuple[str, str]],
        edge_customers: Sequence[float] | FloatArray,
        frequency_cuts: Sequence[float] = (),
        line_styles: Sequence[str] = LINE_STYLES,
        weights: Sequence[float] | FloatArray | None = None,
        communities: Sequence[int] | IntArray | None = None,
        title: str = _TITLES["greater"],
    ) -> None:
        self.products = require_distinct(products, "products")
        count = len(self.products)
        self.customers = require_counts(one_each(customers, "customers", count), "customers")
        self.positions = _frames.numeric(positions, argument="positions")
        if self.positions.shape != (count, 2):
            message = (
                f"positions has shape {self.positions.shape}; allowed: {(count, 2)}, a place in the plane each."
            )
            raise DomainError(message)
        self.edges = self._ends(edges)
        numbers = one_each(edge_customers, "edge_customers", len(self.edges)) if len(self.edges) else np.empty(0)
        self.edge_customers = require_counts(numbers, "edge_customers")
        self.weights = self.edge_customers
        if weights is not None and len(self.edges):
            self.weights = one_each(weights, "weights", len(self.edges))
        self.cuts, self.line_styles = self._classes(frequency_cuts, line_styles)
        self.frequency_class = np.searchsorted(np.array(self.cuts), self.edge_customers, side="right")
        self.communities = self._communities(communities)
        self.title = title

    def _ends(self, edges: Sequence[tuple[str, str]]) -> IntArray:
        """Give the places of both ends of each edge."""
        known = {name: place for place, name in enumerate(self.products)}
        found: list[tuple[int, int]] = []
        for edge in edges:
            ends = tuple(edge)
            if isinstance(edge, str) or len(ends) != _ENDS or not set(ends) <= set(known) or ends[0] == ends[1]:
                message = f"edges holds {edge!r}; allowed: pairs of different names of {', '.join(self.products)}."
                raise DomainError(message)
            found.append((known[ends[0]], known[ends[1]]))
        if len({frozenset(ends) for ends in found}) < len(found):
            message = "edges names a pair twice; allowed: each pair of products once, in either order."
            raise DomainError(message)
        return np.array(found, dtype=np.int64).reshape(-1, 2)

    def _classes(self, cuts: Sequence[float], styles: Sequence[str]) -> tuple[tuple[float, ...], tuple[str, ...]]:
        """Give cuts and line styles; no cut tells fewer customers than five where there are such edges."""
        numbers = one_each(list(cuts), "frequency_cuts", len(cuts)) if len(cuts) else np.empty(0)
        if (np.diff(numbers) < 0.0).any() or (isinstance(styles, str) or len(styles) <= len(numbers)):
            message = (
                f"frequency_cuts has {len(numbers)} numbers and line_styles is {styles!r}; allowed: rising "
                "numbers, and at least one style more."
            )
            raise DomainError(message)
        return tuple(np.maximum(numbers, FEWEST).tolist()), tuple(styles)

    def _communities(self, communities: Sequence[int] | IntArray | None) -> IntArray:
        if communities is None:
            return np.isin(np.arange(len(self.products)), self.edges).astype(np.int64)
        numbers = one_each(np.asarray(communities, dtype=np.float64), "communities", len(self.products))
        return require_counts(numbers, "communities").astype(np.int64)

    @classmethod
    def from_network(cls, network: ProductNetwork) -> Self:
        """Take the network of products.

        Parameters
        ----------
        network : ProductNetwork
            From ``basket.network(...)``, or a part of one by its ``ego``.

        Returns
        -------
        ProductNetworkDisplay
            Ready to be drawn.
        """
        names = network.products
        return cls(
            names,
            customers=network.customers.astype(np.float64),
            positions=network.positions,
            edges=[(names[a], names[b]) for a, b in zip(network.source, network.target, strict=True)],
            edge_customers=network.edge_customers.astype(np.float64),
            frequency_cuts=network.frequency_cuts,
            line_styles=network.line_styles,
            weights=network.weight,
            communities=network.community,
            title=_TITLES[network.alternative],
        )

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS, most: int = 100) -> Self:
        """Draw the products, the lines between them, and what the lines mean.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure that is large enough.
        labels : mapping of str to str, default={}
            Replacements for any text: names of products, the title, ``"no two products are joined"``,
            ``"area of a node: its holders; colour: its community"``, ``"customers who hold both:"``, and, with the
            same braces, ``"fewer than {high}"``, ``"{low} to {high}"``, ``"{low} and more"``,
            ``"the strongest {drawn} of {count} lines are drawn"``,
            ``"without a line: {names}"``, ``"products without a line: {count}"``.
        most : int, default=100
            At most so many lines are drawn, the strongest (and those as strong as the last of them); the picture
            says so.

        Returns
        -------
        ProductNetworkDisplay
            Itself, with `ax_` and `figure_`.

        Raises
        ------
        DomainError
            If `most` is not a whole number from 1.
        """
        most = require_top(most, "most")
        numbers = ProductNetworkNumbers(
            self.products, self.customers, self.positions, self.edges, self.frequency_class, self.cuts,
            self.line_styles, self.weights, self.communities, self.title,
        )  # fmt: skip
        self.figure_, self.ax_ = ProductNetworkDrawing(numbers, labels, most).draw(ax)
        return self
