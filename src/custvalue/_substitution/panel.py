"""Reading a holdings panel: who held which product from when to when; only the named products come to memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np

from custvalue import _codes, _engines
from custvalue._spec import unboxed
from custvalue._substitution.times import NEVER, is_dated, moment, moments
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from custvalue._typing import BoolArray, IntArray

#: What an overlap of two spells of one customer and product means.
Overlaps: TypeAlias = Literal["raise", "merge"]
Codes: TypeAlias = "NDArray[np.intp]"
_LARGEST: Final = 2**63 - 1


class Columns(NamedTuple):
    """Names of the panel's columns."""

    customer: str
    product: str
    opened: str
    closed: str
    matured: str | None = None
    strata: str | None = None

    @property
    def asked(self) -> tuple[str, ...]:
        """Those that are read."""
        return tuple(name for name in self if name is not None)

    @property
    def times(self) -> tuple[str, ...]:
        """Those that hold moments."""
        return tuple(name for name in (self.opened, self.closed, self.matured) if name is not None)


class Spells(NamedTuple):
    """The spells of one product, sorted by customer and opening; they do not overlap.

    ``closed`` is NEVER where the spell was open at the panel's end, ``matured`` where no end was agreed.
    """

    customer: Codes
    opened: IntArray
    closed: IntArray
    matured: IntArray


class Holding(NamedTuple):
    """One row a customer of one product: from the first opening to the last closing."""

    customer: Codes
    opened: IntArray
    closed: IntArray
    #: Whether it is held at the end of the panel.
    present: BoolArray


class Panel(NamedTuple):
    """A panel in memory: the spells of the named products, and the customers who have any of them."""

    keys: NDArray[Any]
    spells: Mapping[str, Spells]
    strata: IntArray
    dated: bool
    as_of: int
    since: int | None
    like: Any
    counts: Mapping[str, int]


def product_names(old: object, new: object) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Give the old and the new products, each once."""
    found = []
    for argument, given in (("old", old), ("new", new)):
        plain = unboxed(given)
        names = [plain] if isinstance(plain, str | int) else [unboxed(name) for name in _listed(given, argument)]
        kinds = {type(name) for name in names}
        if not names or not kinds <= {str, int} or len(kinds) > 1:
            message = f"{argument} must name one product or more, all as text or all as whole numbers."
            raise DomainError(message)
        if kinds == {int} and any(abs(int(name)) > _LARGEST for name in names):
            message = f"{argument} names a product by a whole number beyond 64 bits; allowed: up to {_LARGEST}."
            raise DomainError(message)
        found.append(tuple(names))
    every = [*found[0], *found[1]]
    if len(set(every)) < len(every) or len({type(name) for name in every}) > 1:
        message = "old and new must name different products, each once, all as text or all as whole numbers."
        raise DomainError(message)
    return found[0], found[1]


def _listed(given: object, argument: str) -> Sequence[Any]:
    try:
        return list(given)  # type: ignore[call-overload, no-any-return]  # what cannot be listed is refused below
    except TypeError:
        message = f"{argument} must name one product or a sequence of products."
        raise DomainError(message) from None


def read_panel(
    data: object,
    columns: Columns,
    products: Sequence[Any],
    *,
    as_of: object,
    since: object,
    overlaps: Overlaps,
) -> Panel:
    """Read the spells of the named products that were opened before ``as_of``."""
    frame = _engines.wrapped(data, argument="panel")
    if len(set(columns.asked)) < len(columns.asked):
        message = "customer, product, opened, closed, matured and strata must name different columns."
        raise DomainError(message)
    types = dict(frame.collect_schema())
    missing = [name for name in columns.asked if name not in types]
    if missing:
        raise ColumnError.missing(missing, available=types, mend="Name the right columns in the call.")
    _refuse_nulls(frame, columns)
    _guard_types(columns, types, products)
    wanted = nw.col(columns.product)
    if isinstance(types[columns.product], nw.Categorical | nw.Enum):
        frame = frame.with_columns(wanted.cast(nw.String()))
    rows = _engines.collected(frame.filter(wanted.is_in(list(products))).select(*columns.asked))
    known = _engines.collected(_engines.with_dates(rows, *columns.times))
    return _panel(known, columns, products, as_of, since, overlaps)


def _guard_types(columns: Columns, types: Mapping[str, Any], products: Sequence[Any]) -> None:
    for name in (columns.customer, columns.strata):
        if name is None:
            continue
        kind = types[name]
        text = isinstance(kind, nw.String | nw.Categorical | nw.Enum) or kind in (nw.Object, nw.Unknown)
        if not (kind.is_integer() or text) or isinstance(kind, nw.Int128 | nw.UInt128):
            raise ColumnError.wrong_type(name, found=str(kind), allowed="integers or text")
    kind = types[columns.product]
    named = "whole numbers" if isinstance(products[0], int) else "text"
    if not (kind.is_integer() or isinstance(kind, nw.String | nw.Categorical | nw.Enum)):
        raise ColumnError.wrong_type(columns.product, found=str(kind), allowed="text, categories or integers")
    if kind.is_integer() != isinstance(products[0], int):
        mend = f"old and new name products by {named}; name them as the column does."
        raise ColumnError.wrong_type(columns.product, found=str(kind), allowed=named, mend=mend)


def _refuse_nulls(frame: Any, columns: Columns) -> None:
    """Count the nulls of key, product and opening over all rows: one pass in the engine."""
    names = (columns.customer, columns.product, columns.opened)
    counted = frame.select(
        *(nw.col(name).is_null().cast(nw.Int64()).sum().alias(f"n{place}") for place, name in enumerate(names))
    )
    found = _engines.collected(counted).rows()[0]
    for name, count in zip(names, found, strict=True):
        if count:
            message = (
                f"Column '{name}' holds {int(count)} null(s); every spell needs one. Mend or leave out those rows."
            )
            raise DataError(message)


def plain_keys(series: nw.Series[Any], name: str) -> tuple[Codes, NDArray[Any]]:
    """Give every row the place of its value among the sorted values of the column."""
    if series.dtype.is_integer():
        keys, codes = np.unique(np.asarray(series.to_numpy()), return_inverse=True)
        return codes.astype(np.intp), keys
    codes, listed = _codes.encoded(series)
    if any(not isinstance(value, str) for value in listed):
        raise ColumnError.wrong_type(name, found="objects of several kinds", allowed="integers or text")
    met, codes = np.unique(np.asarray(codes), return_inverse=True)
    values = np.array(listed, dtype=object)[met.astype(np.intp)]
    order = np.argsort(values, kind="stable")
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order))
    return place[codes.ravel()], values[order]


def _times(rows: nw.DataFrame[Any], columns: Columns) -> tuple[list[IntArray], bool]:
    """Give openings, closings and maturities, and whether they are dates."""
    found, dated = [], is_dated(rows.get_column(columns.opened).dtype)
    for name in columns.times:
        series = rows.get_column(name)
        when, null = moments(series, name)
        if is_dated(series.dtype) != dated and not null.all():
            allowed = f"{'dates' if dated else 'whole period numbers'}, as column '{columns.opened}' holds"
            raise ColumnError.wrong_type(name, found=str(series.dtype), allowed=allowed)
        if name == columns.opened and null.any():  # NaN where a library takes it for a number
            message = f"Column '{name}' holds {int(null.sum())} null(s); every spell needs one. Mend those rows."
            raise DataError(message)
        found.append(when)
    if columns.matured is None:
        found.append(np.full(len(rows), NEVER, dtype=np.int64))
    opened, closed, _ = found
    turned = int((closed < opened).sum())
    if turned:
        message = f"{turned} spell(s) end before they begin ('{columns.closed}' < '{columns.opened}'). Mend them."
        raise DataError(message)
    return found, dated


def _panel(
    rows: nw.DataFrame[Any],
    columns: Columns,
    products: Sequence[Any],
    as_of: object,
    since: object,
    overlaps: Overlaps,
) -> Panel:
    (opened, closed, matured), dated = _times(rows, columns)
    coded, listed = _codes.encoded(rows.get_column(columns.product))
    codes_of = {name: place for place, name in enumerate(listed)}
    own = {name: np.flatnonzero(coded == codes_of.get(name, -2)) for name in products}
    unknown = [str(name) for name in products if not len(own[name])]
    if unknown:
        message = (
            f"Product(s) without a spell in the panel: {', '.join(unknown)}. Check their names in old and new."
        )
        raise DataError(message)
    end = moment(as_of, "as_of", dated=dated)
    start = None if since is None else moment(since, "since", dated=dated)
    if start is not None and start >= end:
        message = "since must lie before as_of."
        raise DomainError(message)
    codes, keys = plain_keys(rows.get_column(columns.customer), columns.customer)
    strata = _strata(rows, columns, codes, len(keys))
    known = opened < end
    closed = np.where(closed < end, closed, NEVER)
    spells, merged = {}, 0
    for name in products:
        kept = own[name][known[own[name]]]
        made, n_merged = _spells(codes[kept], opened[kept], closed[kept], matured[kept], overlaps)
        spells[str(name)] = made
        merged += n_merged
    counts = {"spells": int(known.sum()), "spells_later": int((~known).sum()), "spells_merged": merged}
    return Panel(keys, spells, strata, dated, end, start, rows.head(0).to_native(), counts)


def _strata(rows: nw.DataFrame[Any], columns: Columns, codes: Codes, n_keys: int) -> IntArray:
    """Give each customer's stratum; refuse one that changes within a customer."""
    found = np.zeros(n_keys, dtype=np.int64)
    if columns.strata is None:
        return found
    series = rows.get_column(columns.strata)
    if series.null_count():
        message = (
            f"Column '{columns.strata}' holds {series.null_count()} null(s); give those a stratum of their own."
        )
        raise DataError(message)
    own, _ = plain_keys(series, columns.strata)
    found[codes] = own
    several = int(np.unique(codes[found[codes] != own]).size)
    if several:
        message = (
            f"{several} customer(s) have several values in '{columns.strata}'; a stratum is fixed for a customer."
        )
        raise DataError(message)
    return found


def _spells(
    codes: Codes, opened: IntArray, closed: IntArray, matured: IntArray, overlaps: Overlaps
) -> tuple[Spells, int]:
    """Sort the spells of one product; refuse or merge those that overlap."""
    order = np.lexsort((matured, closed, opened, codes))
    codes, opened, closed, matured = codes[order], opened[order], closed[order], matured[order]
    if not len(codes):
        return Spells(codes, opened, closed, matured), 0
    first = np.r_[True, codes[1:] != codes[:-1]]
    # The latest closing so far within the customer: ranks offset by customer make one running maximum do.
    levels = np.unique(closed)
    shift = np.cumsum(first) * len(levels)
    reach = levels[np.maximum.accumulate(np.searchsorted(levels, closed) + shift) - shift]
    doubled = np.r_[False, ~first[1:] & ((opened[1:] < reach[:-1]) | (opened[1:] == opened[:-1]))]
    if not doubled.any():
        return Spells(codes, opened, closed, matured), 0
    if overlaps == "raise":
        message = (
            f"{int(doubled.sum())} spell(s) overlap another one of the same customer and product, or double it. "
            "Mend them, or pass overlaps='merge' if a customer may have several accounts of one product."
        )
        raise DataError(message)
    starts = np.flatnonzero(~doubled)
    last = np.r_[starts[1:], len(codes)] - 1
    merged = Spells(codes[starts], opened[starts], reach[last], np.minimum.reduceat(matured, starts))
    return merged, int(doubled.sum())


def holding(spells: Spells, since: int | None = None) -> Holding:
    """Give one row a customer, over the spells that were open at some moment from ``since`` on."""
    kept = slice(None) if since is None else (spells.closed > since) | (spells.opened >= since)
    codes, opened, closed = spells.customer[kept], spells.opened[kept], spells.closed[kept]
    starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]]) if len(codes) else np.zeros(0, dtype=np.intp)
    if not len(starts):
        return Holding(codes, opened, closed, closed == NEVER)
    last = np.maximum.reduceat(closed, starts)
    return Holding(codes[starts], opened[starts], last, last == NEVER)
