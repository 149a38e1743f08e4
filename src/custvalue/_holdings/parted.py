"""Baskets made from baskets: added, of a segment, of some products, at the level of families, parted at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from sklearn.utils import check_random_state

from custvalue._holdings import derived
from custvalue._holdings.catalog import ProductCatalog
from custvalue._holdings.distinct import DistinctBaskets
from custvalue._holdings.encoded import Encoded, collapse
from custvalue._results import provenance, read_only
from custvalue._spec import FrozenMapping, require

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from custvalue._typing import RandomState


@dataclass(frozen=True, eq=False, repr=False)
class PartedBaskets(DistinctBaskets):
    """Distinct baskets that can be added and parted."""

    @classmethod
    def _of(cls, rows: Encoded, products: object) -> Self:
        found = collapse(rows)
        barred = found.ineligible
        return cls(
            rows.products,
            read_only(found.indptr),
            read_only(found.codes),
            read_only(found.customers),
            rows.segments,
            None if found.segment_codes is None else read_only(found.segment_codes),
            None if barred is None else read_only(barred[0]),
            None if barred is None else read_only(barred[1]),
            FrozenMapping({name: read_only(sums) for name, sums in found.amounts.items()}),
            products if isinstance(products, ProductCatalog) else None,
            provenance("", **rows.counts),
        )

    @classmethod
    def merged(cls, parts: Iterable[DistinctBaskets]) -> Self:
        """Add parts made from different customers.

        Parameters
        ----------
        parts : iterable of Baskets
            At least one. A customer that is in two parts is counted twice.

        Returns
        -------
        Baskets
            The whole. Products of all parts: in the order of the catalogue if there is one, in the parts' own
            order if that is the same in all of them, else sorted.

        Raises
        ------
        DomainError
            If there is no part, or parts differ in having segments, amounts or the margins of a product.

        Examples
        --------
        >>> from custvalue import basket
        >>> north = basket.Baskets.from_lists([["account"]])
        >>> south = basket.Baskets.from_lists([["account"], ["loan"]])
        >>> basket.Baskets.merged([north, south]).to_frame()
                 held  customers
        0  (account,)          2
        1     (loan,)          1
        """
        found = [require(part, cls, "a part") for part in parts]
        rows, catalog = derived.merged(found)
        return cls._of(rows, catalog)

    def __add__(self, other: object) -> Self:
        if not isinstance(other, DistinctBaskets):
            return NotImplemented
        return self.merged((self, other))

    def __radd__(self, other: object) -> Self:
        """Let ``sum(parts)`` begin with its 0."""
        return self if other == 0 else NotImplemented

    def segment(self, name: str) -> Self:
        """Keep the customers of one segment.

        Parameters
        ----------
        name : str
            One of `segments`.

        Returns
        -------
        Baskets
            Their baskets, without segments.

        Raises
        ------
        DomainError
            If there is no such segment.

        Examples
        --------
        >>> import pandas as pd
        >>> from custvalue import basket
        >>> flags = pd.DataFrame({"card": [1, 0, 1], "area": ["north", "north", "south"]})
        >>> basket.Baskets.from_wide(flags, segment="area").segment("north").n_customers
        2
        """
        return self._of(derived.of_segment(self, name), self.catalog)

    def without_segments(self) -> Self:
        """Forget the segments: equal baskets of different segments become one.

        Returns
        -------
        Baskets
            The same customers without segments.

        Examples
        --------
        >>> import pandas as pd
        >>> from custvalue import basket
        >>> flags = pd.DataFrame({"card": [1, 1], "area": ["north", "south"]})
        >>> basket.Baskets.from_wide(flags, segment="area").without_segments().n_distinct
        1
        """
        return self._of(derived.unsegmented(self), self.catalog)

    def select(self, products: Sequence[str]) -> Self:
        """Look at some products only; customers stay, if with an empty basket.

        Parameters
        ----------
        products : sequence of str
            Products to be kept, in the new order.

        Returns
        -------
        Baskets
            All customers with these products.

        Raises
        ------
        DomainError
            If a product is unknown or named twice, or none is named.

        Examples
        --------
        >>> from custvalue import basket
        >>> basket.Baskets.from_lists([["a", "b"], ["b"]]).select(["b"]).to_frame()
           held  customers
        0  (b,)          2
        """
        rows = derived.selected(self, products)
        return self._of(rows, derived.catalog_of(self, rows.products))

    def at_family(self) -> Self:
        """Look at families of products: a family is held if one of its products is.

        Returns
        -------
        Baskets
            All customers with families for products, sorted by name; a product without a family stands for itself.
            A customer is eligible for a family if for one of its products. A product named like a family is one
            of it.

        Raises
        ------
        DomainError
            If there is no catalogue with a family.

        Examples
        --------
        >>> import pandas as pd
        >>> from custvalue import basket
        >>> table = pd.DataFrame({"product": ["gold", "junior", "loan"], "family": ["card", "card", None]})
        >>> catalog = basket.ProductCatalog.from_frame(table)
        >>> baskets = basket.Baskets.from_lists([["gold", "loan"], ["junior"]], products=catalog)
        >>> baskets.at_family().items()[["product", "customers"]]
          product  customers
        0    card          2
        1    loan          1
        """
        return self._of(derived.at_family(self), None)

    def split(self, share: float = 0.5, *, random_state: RandomState = None) -> tuple[Self, Self]:
        """Part the customers at random in two, for a check on customers who were not looked at.

        Parameters
        ----------
        share : float, default=0.5
            Chance of each customer to go into the first part, in (0, 1).
        random_state : int, RandomState or None, default=None
            Where chance comes from.

        Returns
        -------
        tuple of Baskets
            The two parts; one without customers is refused. Sums of `amounts` cannot be parted and are left out.

        Raises
        ------
        DomainError
            If `share` lies outside (0, 1), or all customers fell into one part.

        Notes
        -----
        One binomial number a distinct basket: customers of one basket are alike, so only how many go matters.

        Examples
        --------
        >>> from custvalue import basket
        >>> first, second = basket.Baskets.from_lists([["a"], []], counts=[60, 40]).split(random_state=0)
        >>> first.n_customers + second.n_customers
        100
        """
        generator = check_random_state(random_state)
        first, second = derived.halves(self, share, generator)
        return self._of(first, self.catalog), self._of(second, self.catalog)
