"""Baskets made from baskets: merged, of a segment, of some products, of families, of half the customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from custvalue._holdings.catalog import Product, ProductCatalog
from custvalue._holdings.encoded import Encoded
from custvalue._holdings.labels import places
from custvalue._spec import unboxed
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.random import RandomState
    from numpy.typing import NDArray

    from custvalue._holdings.distinct import DistinctBaskets
    from custvalue._typing import FloatArray, IntArray


def rows_of(
    baskets: DistinctBaskets,
    *,
    keep: NDArray[np.bool_] | None = None,
    lookup: NDArray[np.int64] | None = None,
    products: tuple[str, ...] | None = None,
    weights: IntArray | None = None,
    segments: tuple[str, ...] | None = None,
) -> Encoded:
    """Encode baskets again: of some rows, with other places of products (-1 leaves one out), weights or segments.

    Several products may go to one place: it is held if one of them is, and barred if all of them are.
    """
    names = baskets.products if products is None else products
    rows = np.arange(baskets.n_distinct) if keep is None else np.flatnonzero(keep)
    places_of = np.arange(baskets.n_products) if lookup is None else lookup
    named = baskets.segments if segments is None else segments
    n = len(names)
    barred = baskets.ineligible_indptr is not None
    parts = [_moved(baskets.indptr, baskets.codes, rows, places_of, n)]
    if baskets.ineligible_indptr is not None and baskets.ineligible_codes is not None:
        out = _moved(baskets.ineligible_indptr, baskets.ineligible_codes, rows, places_of, n, all_of=True)
        parts.append(np.stack((out[0], out[1] + n)))
    if named and baskets.segment_codes is not None:
        first = n * (2 if barred else 1)
        own = np.array([named.index(name) for name in baskets.segments], dtype=np.int64)
        parts.append(np.stack((np.arange(len(rows)), own[baskets.segment_codes[rows]] + first)))
    pairs = np.concatenate(parts, axis=1)
    order = np.lexsort((pairs[1], pairs[0]))
    indptr = np.searchsorted(pairs[0][order], np.arange(len(rows) + 1)).astype(np.int64)
    amounts = baskets.customers[rows] if weights is None else weights[rows]
    sums = {name: numbers[rows] for name, numbers in baskets.amounts.items()} if weights is None else {}
    counts = {"customers": int(amounts.sum())}
    return Encoded(names, indptr, pairs[1][order].astype(np.int32), amounts, barred, named, sums, counts)


def _moved(
    indptr: NDArray[np.int64],
    codes: NDArray[np.int32],
    rows: NDArray[np.intp],
    lookup: NDArray[np.int64],
    n: int,
    *,
    all_of: bool = False,
) -> NDArray[np.int64]:
    """Give pairs (row, new place), each once; of merged places those that any, or all, old places fill."""
    lengths = np.diff(indptr)[rows]
    ends = np.cumsum(lengths)
    within = np.arange(int(lengths.sum())) - np.repeat(ends - lengths, lengths)
    row = np.repeat(np.arange(len(rows)), lengths)
    place = lookup[codes[np.repeat(indptr[rows], lengths) + within]]
    pairs, times = np.unique(row[place >= 0] * np.int64(max(n, 1)) + place[place >= 0], return_counts=True)
    if all_of:
        wanted = np.bincount(lookup[lookup >= 0], minlength=n)
        pairs = pairs[times == wanted[pairs % max(n, 1)]]
    return np.stack((pairs // max(n, 1), pairs % max(n, 1)))


def of_segment(baskets: DistinctBaskets, name: str) -> Encoded:
    """Keep the rows of one segment."""
    if name not in baskets.segments or baskets.segment_codes is None:
        have = ", ".join(repr(one) for one in baskets.segments) or "no segments"
        message = f"name is {name!r}, which is no segment of the baskets. They have: {have}."
        raise DomainError(message)
    keep = baskets.segment_codes == baskets.segments.index(name)
    return rows_of(baskets, keep=keep, segments=())


def unsegmented(baskets: DistinctBaskets) -> Encoded:
    """Forget the segments."""
    return rows_of(baskets, segments=())


def selected(baskets: DistinctBaskets, products: Sequence[str]) -> Encoded:
    """Keep some products in a new order."""
    wanted = places(baskets.products, products, "products")
    if not wanted or len(set(wanted)) < len(wanted):
        message = "products must name at least one product, and each once."
        raise DomainError(message)
    lookup = np.full(baskets.n_products, -1, dtype=np.int64)
    lookup[list(wanted)] = np.arange(len(wanted))
    return rows_of(baskets, lookup=lookup, products=tuple(baskets.products[place] for place in wanted))


def catalog_of(baskets: DistinctBaskets, products: Sequence[str]) -> ProductCatalog | None:
    """Give the catalogue of some products, if there is one."""
    if baskets.catalog is None:
        return None
    known = {product.name: product for product in baskets.catalog.products}
    return ProductCatalog(products=[known[name] for name in products])


def at_family(baskets: DistinctBaskets) -> Encoded:
    """Put each family in the place of its products."""
    families = baskets.families()
    if not any(families):
        message = (
            "The baskets have no families; build them with products=ProductCatalog(...), whose products name one."
        )
        raise DomainError(message)
    own = [family or name for family, name in zip(families, baskets.products, strict=True)]
    names = tuple(sorted(set(own)))
    place = {name: at for at, name in enumerate(names)}
    lookup = np.array([place[one] for one in own], dtype=np.int64)
    return rows_of(baskets, lookup=lookup, products=names)


def halves(baskets: DistinctBaskets, share: float, generator: RandomState) -> tuple[Encoded, Encoded]:
    """Part the customers of each basket at random."""
    chance = unboxed(share)
    if not isinstance(chance, int | float) or not 0.0 < chance < 1.0:
        message = "share must lie in (0, 1)."
        raise DomainError(message)
    first = generator.binomial(baskets.customers, chance).astype(np.int64)
    second = baskets.customers - first
    if not (first.any() and second.any()):
        message = "All customers fell into one part; take a share nearer to .5, or more customers."
        raise DomainError(message)
    return tuple(rows_of(baskets, keep=part > 0, weights=part) for part in (first, second))  # type: ignore[return-value]


# ------------------------------------------------------------------------------------------------- merging


def merged(parts: Sequence[DistinctBaskets]) -> tuple[Encoded, ProductCatalog | None]:
    """Add parts made from different customers."""
    if not parts:
        message = "There is no part to be merged; allowed: at least one."
        raise DomainError(message)
    _require_alike(parts)
    catalog = _merged_catalog(parts)
    products = parts[0].products if catalog is None else catalog.names
    if catalog is None and any(part.products != products for part in parts):
        products = _all_names(part.products for part in parts)
    segments = _all_names(part.segments for part in parts)
    told = any(part.ineligible_indptr is not None for part in parts)
    place = {name: at for at, name in enumerate(products)}
    starts, codes, weights = [np.zeros(1, dtype=np.int64)], [], []
    for part in parts:
        lookup = np.array([place[name] for name in part.products], dtype=np.int64)
        rows = rows_of(part, lookup=lookup, products=products, segments=segments)
        shifted = rows.codes
        if told and not rows.eligibility:  # segments stand after the columns of eligibility, which this part lacks
            shifted = np.where(rows.codes >= len(products), rows.codes + len(products), rows.codes)
        starts.append(rows.indptr[1:] + starts[-1][-1])
        codes.append(shifted.astype(np.int32))
        weights.append(part.customers)
    amounts: Mapping[str, FloatArray] = {
        name: np.concatenate([part.amounts[name] for part in parts]) for name in parts[0].amounts
    }
    counts: dict[str, int] = {}
    for part in parts:
        for name, count in part.provenance.counts.items():
            counts[name] = counts.get(name, 0) + count
    indptr = np.concatenate(starts)
    rows_ = Encoded(
        products, indptr, np.concatenate(codes), np.concatenate(weights), told, segments, amounts, counts
    )
    return rows_, catalog


def _all_names(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({name for names in lists for name in names}))


def _require_alike(parts: Sequence[DistinctBaskets]) -> None:
    if len({bool(part.segments) for part in parts}) > 1:
        message = "Some parts have segments and some have none; build all with or all without segment=."
        raise DomainError(message)
    if len({tuple(sorted(part.amounts)) for part in parts}) > 1:
        message = "The parts have different amounts; build all with the same amounts=."
        raise DomainError(message)


def _merged_catalog(parts: Sequence[DistinctBaskets]) -> ProductCatalog | None:
    """Give one catalogue for all parts: the first one's order, then what later parts add."""
    catalogs = [part.catalog for part in parts]
    if all(one is None for one in catalogs):
        return None
    if any(one is None for one in catalogs):
        message = "Some parts have a catalogue and some have none; build all with the same products=."
        raise DomainError(message)
    known: dict[str, Product] = {}
    for catalog in catalogs:
        for product in catalog.products if catalog is not None else ():
            if known.setdefault(product.name, product) != product:
                message = f"The parts tell product {product.name!r} different families or margins."
                raise DomainError(message)
    return ProductCatalog(products=list(known.values()))
