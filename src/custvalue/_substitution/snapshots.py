"""Two snapshots of the same customers, long or wide, as holdings before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np

from custvalue import _engines
from custvalue._substitution.panel import Holding, plain_keys
from custvalue._substitution.times import NEVER
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from custvalue._typing import BoolArray

#: Moments of two snapshots: held before, and what changed until the second one.
BEFORE, CHANGED, END = -1, 0, 1


class Snapshots(NamedTuple):
    """Both snapshots: by product, who of the customers held it before and who holds it after."""

    keys: NDArray[Any]
    before: Mapping[str, BoolArray]
    after: Mapping[str, BoolArray]
    like: Any
    rows: tuple[int, int]

    def holding(self, name: str) -> Holding:
        """Give the holders of a product at either moment."""
        first, second = self.before[name], self.after[name]
        who = np.flatnonzero(first | second)
        opened = np.where(first[who], BEFORE, CHANGED)
        return Holding(who, opened, np.where(second[who], NEVER, CHANGED), second[who])

    def held_before(self, name: str) -> Holding:
        """Give those who held a product before."""
        found = self.holding(name)
        kept = found.opened == BEFORE
        return Holding(*(part[kept] for part in found))

    def taken_since(self, name: str) -> Holding:
        """Give those who hold a product after and did not before."""
        found = self.holding(name)
        kept = found.opened == CHANGED
        return Holding(*(part[kept] for part in found))


def read_snapshots(
    before: Any, after: Any, *, customer: str, product: str | None, products: Sequence[Any]
) -> Snapshots:
    """Read the named products of two snapshots; from a relation of an engine no other product comes to memory."""
    frames = [
        _chosen(data, name, customer, product, products) for data, name in ((before, "before"), (after, "after"))
    ]
    columns = [frame.get_column(customer) for frame in frames]
    whole = {series.dtype.is_integer() for series in columns if len(series)}
    if len(whole) > 1:
        found = " and ".join(str(series.dtype) for series in columns)
        raise ColumnError.wrong_type(customer, found=found, allowed="the same type in before and after")
    coded = _one_type([plain_keys(series, customer) for series in columns], customer)
    keys = np.unique(np.concatenate([own for _, own in coded if len(own)] or [np.zeros(0, dtype=np.int64)]))
    parts = tuple(np.searchsorted(keys, own)[codes] for codes, own in coded)
    if product is None:
        _refuse_other_customers(parts, len(keys))
    held = [
        _held(frame, part, len(keys), product, products, name)
        for frame, part, name in zip(frames, parts, ("before", "after"), strict=True)
    ]
    unknown = [str(name) for name in products if not (held[0][str(name)].any() or held[1][str(name)].any())]
    if unknown:
        message = f"Product(s) that nobody holds in either snapshot: {', '.join(unknown)}. Check their names."
        raise DataError(message)
    like = frames[1].head(0).to_native()
    return Snapshots(keys, held[0], held[1], like, (len(frames[0]), len(frames[1])))


def _one_type(
    coded: list[tuple[NDArray[np.intp], NDArray[Any]]], customer: str
) -> list[tuple[NDArray[np.intp], NDArray[Any]]]:
    """Bring signed and unsigned keys to one type; NumPy would join them as floating numbers."""
    if {own.dtype.kind for _, own in coded if len(own)} != {"i", "u"}:
        return coded
    low, high = min(int(own[0]) for _, own in coded), max(int(own[-1]) for _, own in coded)
    if high > np.iinfo(np.int64).max and low < 0:
        found = "signed integers and unsigned ones beyond them"
        raise ColumnError.wrong_type(customer, found=found, allowed="the same type in before and after")
    kind = np.int64 if high <= np.iinfo(np.int64).max else np.uint64
    return [(codes, own.astype(kind)) for codes, own in coded]


def _chosen(
    data: Any, argument: str, customer: str, product: str | None, products: Sequence[Any]
) -> nw.DataFrame[Any]:
    """Bring what is needed of one snapshot to memory."""
    frame = _engines.wrapped(data, argument=argument)
    if product is None and not all(isinstance(name, str) for name in products):
        message = "old and new must name columns of the snapshots; or name the column of products in product=."
        raise DomainError(message)
    asked = [customer, *products] if product is None else [customer, product]
    types = dict(frame.collect_schema())
    missing = [str(name) for name in asked if name not in types]
    if missing:
        raise ColumnError.missing(missing, available=types, mend=f"{argument} must hold them by name.")
    if product is not None:
        kind = types[product]
        if kind.is_integer() != isinstance(products[0], int):
            allowed = "text or categories, or whole numbers if old and new are whole numbers"
            raise ColumnError.wrong_type(product, found=str(kind), allowed=allowed)
        nulls = frame.select(
            *(nw.col(name).is_null().cast(nw.Int64()).sum().alias(f"n{i}") for i, name in enumerate(asked))
        )
        counted = _engines.collected(nulls).rows()[0]
        _refuse_nulls(asked, counted, argument)
        if isinstance(kind, nw.Categorical | nw.Enum):
            frame = frame.with_columns(nw.col(product).cast(nw.String()))
        frame = frame.filter(nw.col(product).is_in(list(products)))
    found = _engines.collected(frame.select(*asked))
    if product is None:
        _refuse_nulls(asked, [found.get_column(name).null_count() for name in asked], argument)
    return found


def _refuse_nulls(names: Sequence[str], counts: Sequence[int], argument: str) -> None:
    for name, count in zip(names, counts, strict=True):
        if count:
            message = f"Column '{name}' of {argument} holds {int(count)} null(s). Mend or leave out those rows."
            raise DataError(message)


def _refuse_other_customers(parts: tuple[NDArray[np.intp], ...], n_keys: int) -> None:
    """Refuse wide snapshots in which a customer stands twice or in one of them only."""
    for codes, argument in zip(parts, ("before", "after"), strict=True):
        doubled = len(codes) - len(np.unique(codes))
        if doubled:
            message = f"{argument} holds {doubled} row(s) of customers that it holds already; one row each."
            raise DataError(message)
    lacking = n_keys - min(len(codes) for codes in parts)
    if lacking or len(parts[0]) != len(parts[1]):
        message = (
            "before and after hold different customers. Give both for the same ones, with False throughout for a "
            "customer who held nothing at that moment."
        )
        raise DataError(message)


def _held(
    frame: nw.DataFrame[Any],
    codes: NDArray[np.intp],
    n_keys: int,
    product: str | None,
    products: Sequence[Any],
    argument: str,
) -> dict[str, BoolArray]:
    """Give by product who holds it; a product listed several times counts once."""
    found = {}
    names = None if product is None else np.array(frame.get_column(product).to_list(), dtype=object)
    for name in products:
        own = np.zeros(n_keys, dtype=np.bool_)
        if names is not None:
            own[codes[names == name]] = True
        else:
            series = frame.get_column(name)
            flags = np.asarray(series.to_numpy())
            if not (series.dtype == nw.Boolean or series.dtype.is_numeric()) or not np.isin(flags, (0, 1)).all():
                allowed = "True and False, or 0 and 1"
                raise ColumnError.wrong_type(name, found=f"{series.dtype} in {argument}", allowed=allowed)
            own[codes] = flags.astype(np.bool_)
        found[str(name)] = own
    return found
