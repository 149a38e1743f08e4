"""Labels and numbers as tables hold them: products, segments, customers, amounts; what is refused of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from custvalue import _codes, _frames
from custvalue._holdings.catalog import ProductCatalog
from custvalue._holdings.refusals import (
    refuse_empty_labels,
    refuse_null_keys,
    refuse_null_labels,
    refuse_wrong_amounts,
)
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from custvalue._typing import FloatArray

#: Unknown products that a message names.
MOST_SHOWN = 5
_TEXT = (nw.String, nw.Categorical, nw.Enum)


def product_names(products: object) -> tuple[str, ...] | None:
    """Give the names of the products that a caller declares; None if none are declared."""
    if products is None:
        return None
    if isinstance(products, ProductCatalog):
        return products.names
    if isinstance(products, str | bytes | Mapping) or not isinstance(products, Iterable):
        message = "products must be a ProductCatalog or a sequence of names."
        raise DomainError(message)
    names = tuple(products)
    if not names or not all(isinstance(name, str) and name for name in names):
        message = "products must name at least one product, each by a text that is not empty."
        raise DomainError(message)
    if len(set(names)) < len(names):
        doubled = sorted(name for name, times in Counter(names).items() if times > 1)
        message = f"products names {', '.join(repr(name) for name in doubled[:5])} more than once; name each once."
        raise DomainError(message)
    return names


def require_columns(types: Mapping[str, Any], names: Iterable[str], mend: str) -> None:
    """Refuse a table that lacks a column, and names that are no text."""
    names = tuple(names)
    if strange := [name for name in names if not isinstance(name, str)]:
        raise ColumnError(f"Columns are named by text, {strange[0]!r} is none. Rename the columns of the frame.")
    missing = [name for name in dict.fromkeys(names) if name not in types]
    if missing:
        raise ColumnError.missing(missing, available=types, mend=mend)


def guard_label(name: str, kind: Any) -> None:
    """Refuse a column of labels that is neither text nor whole numbers."""
    if not (kind.is_integer() or isinstance(kind, _TEXT)) or isinstance(kind, nw.Int128 | nw.UInt128):
        mend = "Cast it to text or to integers of at most 64 bits first."
        raise ColumnError.wrong_type(name, found=str(kind), allowed="text, categories or integers", mend=mend)


def floats(series: nw.Series[Any]) -> FloatArray:
    """Give numbers as floats, null as NaN; whole numbers beyond 2^53 are rounded, which Arrow's cast refuses."""
    if series.dtype.is_integer() and not isinstance(series.dtype, nw.Int128 | nw.UInt128):
        null = np.asarray(series.is_null().to_numpy(), dtype=np.bool_)
        numbers = (series.fill_null(0) if null.any() else series).to_numpy()
        return np.where(null, np.nan, np.asarray(numbers).astype(np.float64))
    return np.asarray(series.cast(nw.Float64()).to_numpy(), dtype=np.float64)


def guard_amounts(frame: nw.DataFrame[Any], names: Iterable[str]) -> dict[str, FloatArray]:
    """Give columns of balances or revenues; refuse what is no number from 0."""
    out: dict[str, FloatArray] = {}
    for name in names:
        kind = frame.get_column(name).dtype
        if not kind.is_numeric():
            raise ColumnError.wrong_type(name, found=str(kind), allowed="numbers from 0")
        numbers = floats(frame.get_column(name))
        bad = int(np.count_nonzero(~((numbers >= 0.0) & (numbers <= _frames.LARGEST))))
        refuse_wrong_amounts(name, bad)
        out[name] = numbers
    return out


def labels(series: nw.Series[Any], name: str, what: str) -> tuple[NDArray[Any], list[str]]:
    """Give each row's label as a place among the labels that occur, sorted as text; refuse nulls."""
    guard_label(name, series.dtype)
    codes, found = _codes.encoded(series)
    nulls = int(np.count_nonzero(codes < 0))
    refuse_null_labels(name, nulls, what)
    used = np.flatnonzero(np.bincount(codes, minlength=len(found))) if len(found) else np.empty(0, dtype=np.intp)
    texts = [str(found[place]) for place in used.tolist()]
    refuse_empty_labels(name, texts, what)
    if len(set(texts)) < len(texts):
        raise DataError(f"Column '{name}' holds a {what} both as a number and as text; cast the column to one.")
    order = sorted(range(len(texts)), key=texts.__getitem__)
    lookup = np.full(len(found), -1, dtype=np.int32)
    lookup[used[order]] = np.arange(len(order), dtype=np.int32)
    return lookup[codes], [texts[place] for place in order]


def placed(
    codes: NDArray[Any], found: Sequence[str], products: tuple[str, ...] | None, *, on_unknown: str
) -> tuple[NDArray[np.int32], tuple[str, ...], int]:
    """Give each row's product as a place in the catalogue, -1 where it is passed over, and how many those are."""
    if products is None:
        return codes.astype(np.int32, copy=False), tuple(found), 0
    places = pd.Index(products).get_indexer(pd.Index(list(found), dtype=object)).astype(np.int32)
    unknown = [name for name, place in zip(found, places.tolist(), strict=True) if place < 0]
    if unknown and on_unknown == "raise":
        # Names are shown where they are surely products: a key that stands in the wrong column is none.
        surely = len(unknown) < len(found) and len(unknown) <= MOST_SHOWN
        shown = ", ".join(repr(name) for name in unknown) if surely else f"{len(unknown)} of {len(found)} labels"
        look = "" if surely else "Look whether the column of products is the right one. "
        message = (
            f"products does not name {shown}, which the data hold. {look}Add them to products, or leave those "
            "rows out: of the holdings by on_unknown='ignore', of not_eligible by yourself."
        )
        raise DataError(message)
    rows = places[codes] if len(found) else codes.astype(np.int32)
    return rows, products, int(np.count_nonzero(rows < 0))


def require_unknown_choice(on_unknown: object) -> None:
    """Refuse an unknown choice for unknown products."""
    if on_unknown not in ("raise", "ignore"):
        message = "on_unknown must be 'raise' or 'ignore'."
        raise DomainError(message)


def keys(series: nw.Series[Any], name: str) -> tuple[NDArray[Any], nw.Series[Any]]:
    """Give each row's customer as a place in the sorted keys, and the keys; refuse nulls and odd types."""
    kind = series.dtype
    if not (kind.is_integer() or isinstance(kind, _TEXT)) or isinstance(kind, nw.Int128 | nw.UInt128):
        mend = "Cast the key to integers of at most 64 bits or to text."
        raise ColumnError.wrong_type(name, found=str(kind), allowed="integers or text", mend=mend)
    refuse_null_keys(name, series.null_count())
    return _codes.customers(series, name)


@dataclass(frozen=True, slots=True)
class People:
    """Who the customers are: their number, each row's place, and what is known of each."""

    count: int
    place: NDArray[np.int64]
    segment: NDArray[np.int32] | None
    segments: tuple[str, ...]
    amounts: Mapping[str, FloatArray]


def refuse_overlap(pairs: int) -> None:
    """Refuse customers who hold what they are not eligible for."""
    if pairs:
        message = (
            f"{pairs} holding(s) are of products for which the customer is not eligible: eligibility and holdings "
            "overlap. A holder counts as eligible; mend the one or the other."
        )
        raise DataError(message)


def places(known: tuple[str, ...], names: Sequence[str], argument: str) -> tuple[int, ...]:
    """Give the places of products among the known ones; refuse unknown ones by name."""
    if isinstance(names, str):
        message = f"{argument} is a text; allowed: a sequence of product names. Write ['{names}']."
        raise DomainError(message)
    lookup = {name: place for place, name in enumerate(known)}
    wanted = list(names)
    unknown = [name for name in wanted if not isinstance(name, str) or name not in lookup]
    if unknown:
        shown = ", ".join(repr(name) for name in unknown[:5])
        some = ", ".join(repr(name) for name in known[:20])
        more = f" and {len(known) - 20} more" if len(known) > 20 else ""  # noqa: PLR2004 - the twenty shown
        message = f"{argument} names {shown}, which is no product of the baskets. They have: {some}{more}."
        raise DomainError(message)
    return tuple(lookup[name] for name in wanted)
