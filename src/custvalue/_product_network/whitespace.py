"""The list behind a number: who holds these products and lacks those, from a table of holdings in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from custvalue import _frames
from custvalue._holdings import labels
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from custvalue._holdings.catalog import ProductCatalog
    from custvalue._typing import BoolArray, SupportsColumns


def whitespace(
    holdings: SupportsColumns,
    *,
    customer: str,
    product: str,
    holds: Sequence[str],
    lacks: Sequence[str],
    products: ProductCatalog | Sequence[str] | None = None,
    not_eligible: SupportsColumns | None = None,
) -> Any:
    """List the customers who hold all of some products and none of others.

    The list that belongs to the column ``whitespace`` of :func:`bundles`: holders of the anchor without the
    add-on. It holds customers' keys, so treat it as customer data.

    Parameters
    ----------
    holdings : pandas, Polars or PyArrow frame
        One row a customer and product held; a doubled row counts once. Other columns are not read.
    customer, product : str
        Columns of the customer's key (integers or text) and of the product (text, categories or integers).
    holds : sequence of str
        Products that a listed customer holds, all of them; at least one.
    lacks : sequence of str
        Products that a listed customer holds none of; at least one.
    products : ProductCatalog or sequence of str, default=None
        All products that there are. None takes those that occur in `holdings`. A product that nobody holds yet can
        be named in `lacks` only if it stands here, so that a misspelt name does not list everyone.
    not_eligible : frame, default=None
        Pairs of customer and product (the same column names) for which the customer is not eligible. A customer
        who is not eligible for one of `lacks` is not listed.

    Returns
    -------
    frame
        One column, `customer`, in the library of `holdings`: each customer once, in ascending order of the keys
        (numbers by size, texts by code point). A pandas frame is numbered anew.

    Raises
    ------
    ColumnError
        If a column is missing or of a type that cannot be read.
    DataError
        If a key or a product is null, a product is not in `products`, or a listed product is held by a customer
        who is not eligible for it.
    DomainError
        If `holdings` is no frame in memory, `holds` or `lacks` is empty, names a product twice or one that is
        unknown, or a product stands in both.

    See Also
    --------
    bundles : How many such customers there are, for every anchor and add-on.

    Notes
    -----
    For a table of flags, one row a customer, the same list is a filter of its own library, such as
    ``flags.loc[flags.account & ~flags.card]``. Cost: linear in the rows, and sorting the keys.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import basket
    >>> holdings = pd.DataFrame(
    ...     {"client": [7, 7, 3, 5, 5, 4], "product": ["account", "card", "account", "account", "loan", "loan"]}
    ... )
    >>> basket.whitespace(holdings, customer="client", product="product", holds=["account"], lacks=["card"])
       client
    0       3
    1       5
    """
    table = _frames.eager(holdings, argument="holdings")
    labels.require_columns(dict(table.schema), (customer, product), "Name the columns of holdings.")
    if customer == product:
        message = f"customer and product both name column '{customer}'; name one column for each."
        raise DomainError(message)
    declared = labels.product_names(products)
    place, keys = labels.keys(table.get_column(customer), customer)
    codes, seen = labels.labels(table.get_column(product), product, "product")
    codes, names, _ = labels.placed(codes, seen, declared, on_unknown="raise")
    wanted, unwanted = _asked(holds, names, "holds"), _asked(lacks, names, "lacks")
    if both := sorted(set(wanted) & set(unwanted)):
        message = f"holds and lacks both name {', '.join(repr(names[code]) for code in both)}; name it in one."
        raise DomainError(message)
    flags = {code: _holders(place, codes, code, len(keys)) for code in (*wanted, *unwanted)}
    listed = np.ones(len(keys), dtype=np.bool_)
    for code in wanted:
        listed &= flags[code]
    for code in unwanted:
        listed &= ~flags[code]
    if not_eligible is not None:
        for code, barred in _barred(not_eligible, customer, product, keys, names).items():
            if code in flags and (overlap := int(np.count_nonzero(barred & flags[code]))):
                labels.refuse_overlap(overlap)
            if code in unwanted:
                listed &= ~barred
    found = keys[np.flatnonzero(listed).tolist()].alias(customer).to_frame()
    native = found.to_native()
    return native.reset_index(drop=True) if found.implementation.is_pandas() else native


def _asked(asked: Sequence[str], names: Sequence[str], argument: str) -> tuple[int, ...]:
    """Give the places of the products asked for; refuse none, unknown and doubled ones."""
    if isinstance(asked, str) or not np.iterable(asked):
        message = f"{argument} must be a sequence of product names: ['...']."
        raise DomainError(message)
    wanted = list(asked)
    if not wanted:
        message = f"{argument} is empty; allowed: at least one product."
        raise DomainError(message)
    unknown = [name for name in wanted if name not in names]
    if unknown:
        shown = ", ".join(repr(name) for name in unknown[:5])
        message = (
            f"{argument} names {shown}, which no row of holdings has. Check the spelling, or give all products in "
            "products=."
        )
        raise DomainError(message)
    if len(set(wanted)) < len(wanted):
        message = f"{argument} names a product twice; name each once."
        raise DomainError(message)
    return tuple(names.index(name) for name in wanted)


def _holders(place: NDArray[Any], codes: NDArray[Any], code: int, n_customers: int) -> BoolArray:
    flags = np.zeros(n_customers, dtype=np.bool_)
    flags[place[codes == code]] = True
    return flags


def _barred(
    not_eligible: object, customer: str, product: str, keys: Any, names: Sequence[str]
) -> dict[int, BoolArray]:
    """Give for each product the known customers who are not eligible for it; strangers do not matter."""
    table = _frames.eager(not_eligible, argument="not_eligible")
    labels.require_columns(dict(table.schema), (customer, product), "not_eligible needs both columns.")
    own, found = labels.keys(table.get_column(customer), customer)
    if len(found) and found.dtype.is_integer() != keys.dtype.is_integer():
        allowed = f"{keys.dtype}, as in holdings"
        raise ColumnError.wrong_type(customer, found=str(found.dtype), allowed=allowed, mend="Cast one of them.")
    codes, seen = labels.labels(table.get_column(product), product, "product")
    known = {key: row for row, key in enumerate(keys.to_list())}
    rows = np.array([known.get(key, -1) for key in found.to_list()], dtype=np.int64)
    out: dict[int, BoolArray] = {}
    for place, name in enumerate(seen):
        if name not in names:
            message = f"not_eligible names {name!r}, which is no known product. Give all products in products=."
            raise DataError(message)
        hit = rows[own[codes == place]]
        flags = np.zeros(len(keys), dtype=np.bool_)
        flags[hit[hit >= 0]] = True
        out[names.index(name)] = flags
    return out
