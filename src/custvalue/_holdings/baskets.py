"""Weighted distinct baskets: who holds what, and how many customers hold just that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from custvalue import _frames
from custvalue._holdings import engine, list_layout, long_layout, wide_layout
from custvalue._holdings.parted import PartedBaskets
from custvalue._holdings.periods import Period
from custvalue._spec import require
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from custvalue._holdings.catalog import ProductCatalog
    from custvalue._typing import SupportsColumns


@dataclass(frozen=True, eq=False, repr=False)
class Baskets(PartedBaskets):
    r"""Who holds what, as distinct baskets with the number of customers behind each.

    A bank has few products and very many customers, so most customers share their basket with others: five million
    customers with forty products hold some three hundred thousand distinct baskets. Whatever counts customers
    gives the same numbers on distinct baskets with weights, at a fraction of the cost. Parts made from different
    customers are added with ``+``.

    Attributes
    ----------
    products : tuple of str
        Names of the products: in the order of the catalogue, or sorted where none was given.
    indptr : ndarray of int64, shape (n_distinct + 1,)
        Basket i holds ``codes[indptr[i]:indptr[i + 1]]``.
    codes : ndarray of int32, shape (n_held,)
        Places in `products`, ascending within a basket.
    customers : ndarray of int64, shape (n_distinct,)
        Customers behind each basket, from 1; falling.
    segments : tuple of str
        Names of the segments; empty where none were given.
    segment_codes : ndarray of int32, shape (n_distinct,), or None
        Segment of each basket as a place in `segments`; the same products held in two segments are two baskets.
    ineligible_indptr, ineligible_codes : ndarray or None
        Products for which the customers of each basket are not eligible, laid out like the products held; None if
        everyone is eligible for everything.
    amounts : mapping of str to ndarray of float64, shape (n_distinct,)
        Sums over the customers of each basket, such as balances; every number is at least 0.
    catalog : ProductCatalog or None
        Families and margins, if a catalogue was given.
    provenance : Provenance
        Package version and counts of rows and customers.

    See Also
    --------
    itemsets : Products that many customers hold together.
    pairs : All pairs of products.
    rules : Who holds these also holds that.

    Notes
    -----
    The order of the baskets is by falling number of customers, then by a hash of their content, so it does not
    depend on the order of the rows, the library or the number of parts. Memory: 8 bytes a basket and 4 bytes a
    product held.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import basket
    >>> holdings = pd.DataFrame(
    ...     {"client": [1, 1, 2, 2, 3], "product": ["account", "card", "account", "card", "account"]}
    ... )
    >>> baskets = basket.Baskets.from_long(holdings, customer="client", product="product")
    >>> baskets
    Baskets(n_customers=3, n_distinct=2, n_products=2)
    >>> baskets.to_frame()
                  held  customers
    0  (account, card)          2
    1       (account,)          1
    """

    @classmethod
    def from_long(
        cls,
        frame: SupportsColumns | Iterable[SupportsColumns],
        *,
        customer: str,
        product: str,
        products: ProductCatalog | Sequence[str] | None = None,
        population: SupportsColumns | None = None,
        segment: str | None = None,
        amounts: Sequence[str] = (),
        opened: str | None = None,
        closed: str | None = None,
        time: str | None = None,
        since: object = None,
        as_of: object = None,
        not_eligible: SupportsColumns | None = None,
        on_unknown: Literal["raise", "ignore"] = "raise",
    ) -> Baskets:
        """Collapse a table with one row a customer and product held, or one row an event.

        Parameters
        ----------
        frame : frame, or iterable of frames
            Holdings or events: pandas, Polars, PyArrow, DuckDB, Ibis or Spark. An iterable of frames in memory is
            read one after another; rows of one customer may lie in several of them. A product told twice is held
            once.
        customer, product : str
            Columns of the customer's key (integers or text) and the product (text, categories or integers).
        products : ProductCatalog or sequence of str, default=None
            The products and their order; None takes those that occur, sorted.
        population : frame, default=None
            One row a customer: all customers, those without a product too. None counts only customers with a row.
        segment : str, default=None
            Column of a segment: of `population` if it is given, else of `frame`.
        amounts : sequence of str, default=()
            Columns to be added over customers, such as balances: of `population` if it is given, else of `frame`,
            where all rows of a customer that count are added first.
        opened, closed : str, default=None
            Columns of dates (or whole-numbered periods) at which a holding began and ended; a null end is open.
            With `as_of`: held if opened before it and not closed before it.
        time : str, default=None
            Column of an event's time; with `as_of`, and `since` if given: ``since <= time < as_of``.
        since, as_of : ISO text, date, datetime or int, default=None
            The window.
        not_eligible : frame, default=None
            Pairs of customer and product (the same column names) for which the customer is not eligible. Needs
            `population`. An unknown product in it is always refused.
        on_unknown : {"raise", "ignore"}, default="raise"
            What to do with a product that `products` does not name; ignored rows are counted in `provenance`.

        Returns
        -------
        Baskets
            Distinct baskets.

        Raises
        ------
        ColumnError
            If a column is missing or of a type that cannot be read.
        DataError
            If a key, product, segment or opening is null, a value is below 0 or null, a customer has two segments,
            stands twice in `population` or not at all, a holding ends before it begins, a product is unknown,
            eligibility and holdings overlap, or no customer is left.
        DomainError
            If arguments do not fit together or `as_of` is no moment.

        Notes
        -----
        Cost: linear in the rows, and sorting the customers' words. Memory: a few bytes a row.

        Frames of DuckDB, Ibis and Spark and lazy frames of Polars are collapsed where they lie: one query counts
        the rows of each product and segment, a second one puts the products of each customer together as bits and
        counts the customers of each basket. Keys stay there; only distinct baskets come to memory, and they are
        those of a frame in memory, bit for bit (sums of `amounts` but for rounding). `population` and
        `not_eligible` must lie on the same engine, and at most 4,032 products, products not eligible and segments
        together may occur. A frame that gives other products when it is read a second time is refused.

        Examples
        --------
        >>> import pandas as pd
        >>> from custvalue import basket
        >>> spells = pd.DataFrame(
        ...     {
        ...         "client": [1, 1, 2],
        ...         "product": ["old", "new", "old"],
        ...         "opened": pd.to_datetime(["2024-01-05", "2025-03-01", "2024-02-01"]),
        ...         "closed": pd.to_datetime(["2025-02-01", None, None]),
        ...     }
        ... )
        >>> columns = {"customer": "client", "product": "product", "opened": "opened", "closed": "closed"}
        >>> baskets = basket.Baskets.from_long(spells, as_of="2025-01-01", **columns)
        >>> baskets.to_frame()
             held  customers
        0  (old,)          2
        """
        period = Period(opened, closed, time, since, as_of)
        columns = long_layout.Columns(customer, product, segment, list_layout.amount_names(amounts), period)
        read = engine.long_rows if engine.stays_there(frame) else long_layout.long_rows
        rows = read(
            frame,
            columns,
            products=products,
            population=population,
            not_eligible=not_eligible,
            on_unknown=on_unknown,
        )
        return cls._of(rows, products)

    @classmethod
    def from_wide(
        cls,
        frame: SupportsColumns | Iterable[SupportsColumns] | NDArray[Any],
        *,
        products: ProductCatalog | Sequence[str] | None = None,
        customer: str | None = None,
        segment: str | None = None,
        amounts: Sequence[str] = (),
        null: Literal["raise", "not_held", "not_eligible"] = "raise",
        eligible: SupportsColumns | NDArray[Any] | None = None,
    ) -> Baskets:
        """Collapse a table with one row a customer and one column of flags a product.

        Parameters
        ----------
        frame : frame or array of shape (n_customers, n_products), or iterable of frames
            Flags: True and False, or 1 and 0. Frames of an iterable are parts with different customers.
        products : ProductCatalog or sequence of str, default=None
            The columns of flags and their order; None takes all columns that are not named otherwise. An array
            needs it.
        customer : str, default=None
            Column of the customer's key, only to make sure that no customer stands twice in a frame.
        segment : str, default=None
            Column of a segment.
        amounts : sequence of str, default=()
            Columns to be added over customers, such as balances.
        null : {"raise", "not_held", "not_eligible"}, default="raise"
            What a null flag means.
        eligible : frame or array, default=None
            One row a customer, in the order of `frame`: False where the customer is not eligible for the product;
            products without a column are open to everyone. Labels of rows are not matched; two pandas frames
            with the same ones in another order are refused.

        Returns
        -------
        Baskets
            Distinct baskets.

        Raises
        ------
        ColumnError
            If a column is missing or doubled, or holds neither flags nor numbers.
        DataError
            If a flag is neither 1 nor 0, a flag or segment is null, a customer stands twice, a value is below 0 or
            null, eligibility and holdings overlap, or there is no row.
        DomainError
            If arguments do not fit together.

        Notes
        -----
        Up to 64 columns become the bits of one word a customer; words are sorted block by block, in two threads.
        Cost: one pass and the sort. Memory: 8 bytes a customer; beyond 64 columns, 4 bytes a holding more.

        Examples
        --------
        >>> import pandas as pd
        >>> from custvalue import basket
        >>> flags = pd.DataFrame({"account": [1, 1, 1], "card": [1, 0, 1]})
        >>> basket.Baskets.from_wide(flags)
        Baskets(n_customers=3, n_distinct=2, n_products=2)
        """
        columns = list_layout.amount_names(amounts)

        def read(part: object) -> Baskets:
            rows = wide_layout.wide_rows(
                part,
                products=products,
                segment=segment,
                amounts=columns,
                customer=customer,
                null=null,
                eligible=eligible,
            )
            return cls._of(rows, products)

        if _frames.is_frame(frame) or isinstance(frame, np.ndarray) or not isinstance(frame, Iterable):
            return read(frame)
        if eligible is not None:
            message = "eligible cannot be given for an iterable of frames; use null='not_eligible'."
            raise DomainError(message)
        return cls.merged(read(part) for part in frame)

    @classmethod
    def from_lists(
        cls,
        baskets: Iterable[Iterable[str | int]] | SupportsColumns,
        *,
        column: str | None = None,
        counts: Sequence[int] | NDArray[Any] | str | None = None,
        products: ProductCatalog | Sequence[str] | None = None,
        on_unknown: Literal["raise", "ignore"] = "raise",
    ) -> Baskets:
        """Collapse baskets given as lists of product names.

        Parameters
        ----------
        baskets : iterable of iterables of str, or frame
            One basket a customer; an empty one is a customer without a product. Of a frame, `column` is read.
        column : str, default=None
            Column of lists, if `baskets` is a frame.
        counts : sequence of int or str, default=None
            How many customers hold just that basket: one whole number from 1 a basket, or a column of the frame.
        products : ProductCatalog or sequence of str, default=None
            The products and their order; None takes those that occur, sorted.
        on_unknown : {"raise", "ignore"}, default="raise"
            What to do with a product that `products` does not name.

        Returns
        -------
        Baskets
            Distinct baskets.

        Raises
        ------
        DataError
            If a basket is null or a text, a label is null or empty, a product is unknown, or there is no basket.
        DomainError
            If `counts` does not fit.

        Examples
        --------
        >>> from custvalue import basket
        >>> basket.Baskets.from_lists([["bread", "butter"], ["bread"], []], counts=[5, 3, 2])
        Baskets(n_customers=10, n_distinct=3, n_products=2)
        """
        if _frames.is_frame(baskets):
            baskets, counts = list_layout.list_column(baskets, column, counts)
        elif column is not None:
            message = "column names a column of a frame, and baskets is no frame; leave it out."
            raise DomainError(message)
        rows = list_layout.list_rows(
            require(baskets, Iterable, "baskets"),  # type: ignore[type-abstract]
            counts,
            products,
            on_unknown=on_unknown,
        )
        return cls._of(rows, products)

    @classmethod
    def from_frame(
        cls, frame: SupportsColumns, *, products: ProductCatalog | Sequence[str] | None = None
    ) -> Baskets:
        """Read distinct baskets back from the table that `to_frame` gives.

        Parameters
        ----------
        frame : pandas, Polars or PyArrow frame
            Columns ``held`` (lists of names) and ``customers``; ``not_eligible`` (lists) and ``segment`` if there
            are any; every other column is a sum over the customers.
        products : ProductCatalog or sequence of str, default=None
            The products and their order; None takes those that occur, sorted.

        Returns
        -------
        Baskets
            The same baskets.

        Raises
        ------
        ColumnError
            If ``held`` or ``customers`` is missing, or ``customers`` holds no whole numbers.
        DataError
            If a basket is null, a product is unknown, or eligibility and holdings overlap.
        DomainError
            If ``customers`` are not from 1, or add up to more than 2^53.

        Examples
        --------
        >>> from custvalue import basket
        >>> baskets = basket.Baskets.from_lists([["a"], ["b"]], counts=[3, 1])
        >>> basket.Baskets.from_frame(baskets.to_frame())
        Baskets(n_customers=4, n_distinct=2, n_products=2)
        """
        return cls._of(list_layout.kept_rows(frame, products), products)
