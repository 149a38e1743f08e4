"""Distinct baskets and what can be read off them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from custvalue._holdings.labels import places
from custvalue._results import Provenance, html_table, short_repr
from custvalue._spec import whole_number
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from custvalue._holdings.catalog import ProductCatalog
    from custvalue._typing import BoolArray, FloatArray, IntArray

#: Largest dense table of flags that `held` and `eligible` make.
MOST_CELLS = 1 << 32


@dataclass(frozen=True, eq=False, repr=False)
class DistinctBaskets:
    """The arrays of distinct baskets, with views of them; `Baskets` adds how they are made."""

    products: tuple[str, ...]
    indptr: NDArray[np.int64]
    codes: NDArray[np.int32]
    customers: IntArray
    segments: tuple[str, ...]
    segment_codes: NDArray[np.int32] | None
    ineligible_indptr: NDArray[np.int64] | None
    ineligible_codes: NDArray[np.int32] | None
    amounts: Mapping[str, FloatArray]
    catalog: ProductCatalog | None
    provenance: Provenance

    # --------------------------------------------------------------------------------------------- sizes

    @property
    def n_customers(self) -> int:
        """Number of customers, those without a product included."""
        return int(self.customers.sum())

    @property
    def n_distinct(self) -> int:
        """Number of distinct baskets."""
        return len(self.customers)

    @property
    def n_products(self) -> int:
        """Number of products."""
        return len(self.products)

    def __repr__(self) -> str:
        return short_repr(
            "Baskets", n_customers=self.n_customers, n_distinct=self.n_distinct, n_products=self.n_products
        )

    def _repr_html_(self) -> str:
        table = self.items()
        caption = f"{self.n_customers} customers, {self.n_distinct} distinct baskets"
        return html_table(list(table.columns), table.itertuples(index=False), caption=caption)

    # -------------------------------------------------------------------------------------------- tables

    def place(self, product: str) -> int:
        """Give the place of a product.

        Parameters
        ----------
        product : str
            Its name.

        Returns
        -------
        int
            Its place in `products`.

        Raises
        ------
        DomainError
            If there is no such product.

        Examples
        --------
        >>> from custvalue import basket
        >>> basket.Baskets.from_lists([["a", "b"]]).place("b")
        1
        """
        return self.places([product])[0]

    def places(self, products: Sequence[str], *, argument: str = "products") -> tuple[int, ...]:
        """Give the places of several products, in the order asked.

        Parameters
        ----------
        products : sequence of str
            Their names.
        argument : str, default="products"
            The name under which an error speaks of them.

        Returns
        -------
        tuple of int
            Their places.

        Raises
        ------
        DomainError
            If a product is unknown, or `products` is a single text.

        Examples
        --------
        >>> from custvalue import basket
        >>> basket.Baskets.from_lists([["a", "b"]]).places(["b", "a"])
        (1, 0)
        """
        return places(self.products, products, argument)

    def matrix(self) -> sparse.csr_array:
        """Give the products held as a sparse matrix of ones.

        Returns
        -------
        scipy.sparse.csr_array of int64, shape (n_distinct, n_products)
            1 where the basket holds the product.

        Examples
        --------
        >>> from custvalue import basket
        >>> basket.Baskets.from_lists([["a", "b"], ["b"]]).matrix().sum(axis=0)
        array([1, 2])
        """
        ones = np.ones(len(self.codes), dtype=np.int64)
        return sparse.csr_array((ones, self.codes, self.indptr), shape=(self.n_distinct, self.n_products))

    def held(self) -> BoolArray:
        """Give the products held as a table of flags.

        Returns
        -------
        ndarray of bool, shape (n_distinct, n_products)
            True where the basket holds the product.

        Raises
        ------
        DomainError
            If the table would have more than 2^32 cells.

        Examples
        --------
        >>> from custvalue import basket
        >>> basket.Baskets.from_lists([["a", "b"], ["b"]], counts=[2, 1]).held()
        array([[ True,  True],
               [False,  True]])
        """
        return self._flags(self.indptr, self.codes)

    def eligible(self) -> BoolArray:
        """Give the products for which the customers of each basket are eligible.

        Returns
        -------
        ndarray of bool, shape (n_distinct, n_products)
            True where they are; all True where eligibility was not told.

        Raises
        ------
        DomainError
            If the table would have more than 2^32 cells.

        Examples
        --------
        >>> from custvalue import basket
        >>> basket.Baskets.from_lists([["a"]]).eligible()
        array([[ True]])
        """
        if self.ineligible_indptr is None or self.ineligible_codes is None:
            return ~self._flags(np.zeros(self.n_distinct + 1, dtype=np.int64), np.empty(0, dtype=np.int32))
        return ~self._flags(self.ineligible_indptr, self.ineligible_codes)

    def _flags(self, indptr: NDArray[np.int64], codes: NDArray[np.int32]) -> BoolArray:
        if self.n_distinct * self.n_products > MOST_CELLS:
            message = (
                f"A table of {self.n_distinct} baskets by {self.n_products} products is too large; allowed: 2^32 "
                "cells. Use matrix(), or select() some products."
            )
            raise DomainError(message)
        out = np.zeros((self.n_distinct, self.n_products), dtype=np.bool_)
        out[np.repeat(np.arange(self.n_distinct), np.diff(indptr)), codes] = True
        return out

    def families(self) -> tuple[str | None, ...]:
        """Give the family of each product.

        Returns
        -------
        tuple of str or None
            By the catalogue; None where a product has none or there is no catalogue.

        Examples
        --------
        >>> from custvalue import basket
        >>> basket.Baskets.from_lists([["a"]]).families()
        (None,)
        """
        known = {} if self.catalog is None else dict(zip(self.catalog.names, self.catalog.families, strict=True))
        return tuple(known.get(name) for name in self.products)

    def margins(self) -> FloatArray:
        """Give the margin of each product.

        Returns
        -------
        ndarray of shape (n_products,)
            By the catalogue, in its currency; NaN where it is not known.

        Examples
        --------
        >>> from custvalue import basket
        >>> catalog = basket.ProductCatalog(products=[basket.Product(name="a", margin=12.5)])
        >>> basket.Baskets.from_lists([["a"]], products=catalog).margins()
        array([12.5])
        """
        known = {} if self.catalog is None else dict(zip(self.catalog.names, self.catalog.margins, strict=True))
        found = [known.get(name) for name in self.products]
        return np.array([np.nan if margin is None else margin for margin in found], dtype=np.float64)

    def items(self) -> pd.DataFrame:
        """Give a table of the products.

        Returns
        -------
        pandas.DataFrame
            One row a product, in order: ``product``, ``customers`` (holders), ``eligible`` (customers who may hold
            it), ``share`` (holders among them; NaN where nobody may), ``family`` and ``margin``.

        Examples
        --------
        >>> from custvalue import basket
        >>> basket.Baskets.from_lists([["a", "b"], ["b"]]).items()[["product", "customers", "share"]]
          product  customers  share
        0       a          1    0.5
        1       b          2    1.0
        """
        holders = self._sums(self.indptr, self.codes)
        barred = np.zeros(self.n_products, dtype=np.int64)
        if self.ineligible_indptr is not None and self.ineligible_codes is not None:
            barred = self._sums(self.ineligible_indptr, self.ineligible_codes)
        eligible = self.n_customers - barred
        share = np.divide(holders, eligible, out=np.full(self.n_products, np.nan), where=eligible > 0)
        return pd.DataFrame(
            {
                "product": list(self.products),
                "customers": holders,
                "eligible": eligible,
                "share": share,
                "family": pd.Series(self.families(), dtype=object),
                "margin": self.margins(),
            }
        )

    def _sums(self, indptr: NDArray[np.int64], codes: NDArray[np.int32]) -> IntArray:
        out = np.zeros(self.n_products, dtype=np.int64)
        np.add.at(out, codes, np.repeat(self.customers, np.diff(indptr)))
        return out

    def coverage(self, k: int) -> float:
        """Give the share of customers who hold one of the most common baskets.

        Parameters
        ----------
        k : int
            How many baskets, from 0.

        Returns
        -------
        float
            Their customers divided by all customers; NaN if there are none.

        Raises
        ------
        DomainError
            If `k` is no whole number from 0.

        Examples
        --------
        >>> from custvalue import basket
        >>> basket.Baskets.from_lists([["a"], ["b"]], counts=[3, 1]).coverage(1)
        0.75
        """
        most = int(self.customers[: whole_number(k, "k", 0)].sum())
        return most / self.n_customers if self.n_customers else float("nan")

    def to_frame(self) -> pd.DataFrame:
        """Give one row a distinct basket, the most common first.

        Returns
        -------
        pandas.DataFrame
            ``held`` (tuple of product names), ``not_eligible`` (likewise, if eligibility was told), ``segment``
            (if there are segments), ``customers``, and a column for each of `amounts`. `from_frame` reads it.

        Examples
        --------
        >>> from custvalue import basket
        >>> basket.Baskets.from_lists([["a"], ["b"]], counts=[3, 1]).to_frame()
           held  customers
        0  (a,)          3
        1  (b,)          1
        """
        columns: dict[str, Any] = {"held": self._names(self.indptr, self.codes)}
        if self.ineligible_indptr is not None and self.ineligible_codes is not None:
            columns["not_eligible"] = self._names(self.ineligible_indptr, self.ineligible_codes)
        if self.segment_codes is not None:
            columns["segment"] = [self.segments[code] for code in self.segment_codes.tolist()]
        return pd.DataFrame(
            columns | {"customers": self.customers.copy()} | {k: v.copy() for k, v in self.amounts.items()}
        )

    def _names(self, indptr: NDArray[np.int64], codes: NDArray[np.int32]) -> list[tuple[str, ...]]:
        names = [self.products[code] for code in codes.tolist()]
        ends = indptr.tolist()
        return [tuple(names[start:end]) for start, end in itertools.pairwise(ends)]
