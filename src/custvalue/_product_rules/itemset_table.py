"""Itemsets as a result: arrays inside, a tidy table out."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from custvalue._results import Provenance, html_table, short_repr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._typing import FloatArray, IntArray

SHOWN = 20


@dataclass(frozen=True, eq=False, repr=False)
class Itemsets:
    """Sets of products with the customers who hold all of each: by length, the most customers first.

    Attributes
    ----------
    products : tuple of str
        Names of the products of the baskets.
    indptr : ndarray of int64, shape (n_itemsets + 1,)
        Itemset i is ``codes[indptr[i]:indptr[i + 1]]``.
    codes : ndarray of int32, shape (n_codes,)
        Places in `products`, ascending within an itemset.
    customers : ndarray of int64, shape (n_itemsets,)
        Customers who hold every product of the itemset.
    eligible : ndarray of int64, shape (n_itemsets,)
        Customers who may hold every product of it; all customers where no eligibility was told.
    n_customers : int
        All customers.
    min_count : int
        Every itemset of the kind, lengths and products asked for that so many customers hold is here.
    kind : {"all", "closed", "maximal", "generators"}
        Which of them.
    method : {"cube", "gram", "bitset"}
        How they were found; the answer does not depend on it.
    complete : bool
        False where there are more than the limit: all lengths that are here are whole, longer ones are missing.
    amount : str or None
        The amount that `amounts` add up, if one was asked for.
    amounts : ndarray of float64, shape (n_itemsets,), or None
        Sum of the amount over the customers of each itemset.
    provenance : Provenance
        Package version, settings and counts.

    See Also
    --------
    itemsets : Makes them.

    Notes
    -----
    Order: by length, then falling customers, then the order of the products. Memory: 28 bytes an itemset and 4 a
    code; names appear only in the table.

    Examples
    --------
    >>> from custvalue import basket
    >>> baskets = basket.Baskets.from_lists([["account", "card"], ["account"], []], counts=[5, 3, 2])
    >>> found = basket.itemsets(baskets, min_support=0.5)
    >>> found
    Itemsets(itemsets=3, longest=2, kind='all', min_count=5, complete=True)
    >>> found.names
    [('account',), ('card',), ('account', 'card')]
    """

    products: tuple[str, ...]
    indptr: NDArray[np.int64]
    codes: NDArray[np.int32]
    customers: IntArray
    eligible: IntArray
    n_customers: int
    min_count: int
    kind: str
    method: str
    complete: bool
    amount: str | None
    amounts: FloatArray | None
    provenance: Provenance

    def __len__(self) -> int:
        return len(self.customers)

    @property
    def lengths(self) -> IntArray:
        """Number of products in each itemset."""
        return np.diff(self.indptr)

    @property
    def support(self) -> FloatArray:
        """Share of the eligible customers who hold each itemset."""
        return self.customers / self.eligible

    @property
    def names(self) -> list[tuple[str, ...]]:
        """Products of each itemset, in the order of the baskets' products."""
        names = [self.products[code] for code in self.codes.tolist()]
        return [tuple(names[start:end]) for start, end in itertools.pairwise(self.indptr.tolist())]

    def to_frame(self) -> pd.DataFrame:
        """Give one row an itemset, in order.

        Returns
        -------
        pandas.DataFrame
            ``itemset`` (tuple of names), ``length``, ``customers``, ``eligible``, ``support`` (customers /
            eligible), and ``amount`` if one was asked for. Without an itemset the columns are there all the same.
        """
        columns: dict[str, Any] = {
            "itemset": pd.Series(self.names, dtype=object),
            "length": self.lengths,
            "customers": self.customers.copy(),
            "eligible": self.eligible.copy(),
            "support": self.support,
        }
        if self.amounts is not None:
            columns["amount"] = self.amounts.copy()
        return pd.DataFrame(columns)

    def __repr__(self) -> str:
        return short_repr(
            "Itemsets",
            itemsets=len(self),
            longest=int(self.lengths.max(initial=0)),
            kind=repr(self.kind),
            min_count=self.min_count,
            complete=self.complete,
        )

    def _repr_html_(self) -> str:
        first = np.argsort(-self.customers, kind="stable")[:SHOWN]
        frame = self.to_frame().iloc[first]
        frame = frame.assign(itemset=[", ".join(names) for names in frame["itemset"]])
        more = "" if self.complete else "; longer ones are missing, the limit was hit"
        caption = f"{len(self)} itemsets held by at least {self.min_count} of {self.n_customers} customers{more}"
        return html_table(list(frame.columns), frame.itertuples(index=False), caption=caption)
