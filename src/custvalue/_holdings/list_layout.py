"""Baskets in memory as lists of product names."""

from __future__ import annotations

from collections.abc import Iterable, Sized
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from custvalue import _frames
from custvalue._holdings.encoded import Encoded, n_columns
from custvalue._holdings.labels import (
    guard_amounts,
    labels,
    placed,
    product_names,
    refuse_overlap,
    require_columns,
    require_unknown_choice,
)
from custvalue._kernels import basket_rows
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from numpy.typing import NDArray


#: Measures take counts as floats, which hold every whole number up to here.
MOST_CUSTOMERS = 2**53
#: Columns of `Baskets.to_frame` besides the amounts.
OWN_COLUMNS = ("held", "not_eligible", "segment", "customers")


def list_rows(baskets: Iterable[Any], counts: Any, products: object, *, on_unknown: str) -> Encoded:
    """Read one basket of product names a row, with how many customers hold just that."""
    require_unknown_choice(on_unknown)
    declared = product_names(products)
    rows = list(baskets)
    kinds = {
        kind for kind in set(map(type, rows)) if issubclass(kind, str | bytes) or not issubclass(kind, Iterable)
    }
    strange = sum(type(basket) in kinds for basket in rows) if kinds else 0
    if strange:
        message = (
            f"{strange} basket(s) are a text or null; allowed: a sequence of product names, empty where a "
            "customer holds nothing."
        )
        raise DataError(message)
    rows = [row if isinstance(row, Sized) else list(row) for row in rows]
    lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    flat = list(chain.from_iterable(rows))
    codes, found = flat_labels(flat)
    codes, names, ignored = placed(codes, found, declared, on_unknown=on_unknown)
    place = np.repeat(np.arange(len(rows)), lengths)[codes >= 0]
    if not rows:
        message = "There is no basket; allowed: at least one."
        raise DataError(message)
    weights = _multiplicities(counts, len(rows))
    indptr, held = basket_rows.rows_of_pairs(place, codes[codes >= 0], len(rows), len(names))
    told = {"rows": len(rows), "rows_of_unknown_products": ignored, "customers": int(weights.sum())}
    return Encoded(names, indptr, held, weights, eligibility=False, segments=(), amounts={}, counts=told)


def flat_labels(flat: list[Any]) -> tuple[NDArray[Any], list[str]]:
    """Give each label as a place among the labels that occur, sorted as text."""
    codes: NDArray[Any] = np.empty(0, dtype=np.intp)
    found: list[Any] = []
    # Told by their types before they are compared: True equals 1, and 1.0 does.
    strange = [
        kind for kind in set(map(type, flat)) if not issubclass(kind, str | int | np.integer) or kind is bool
    ]
    if flat and not strange:
        codes, values = pd.factorize(np.asarray(flat, dtype=object))
        found = list(values)
    if strange or bool((codes < 0).any()) or not all(str(one).strip() for one in found):
        message = "Baskets hold null, empty or other labels than text and whole numbers; name each product."
        raise DataError(message)
    texts = [str(one) for one in found]
    if len(set(texts)) < len(texts):
        message = "Baskets hold a product both as a number and as text; cast the labels to one of them."
        raise DataError(message)
    order = sorted(range(len(texts)), key=texts.__getitem__)
    lookup = np.empty(len(texts), dtype=np.int32)
    lookup[order] = np.arange(len(texts), dtype=np.int32)
    return lookup[codes] if texts else codes.astype(np.int32), [texts[place] for place in order]


def _multiplicities(counts: object, n_rows: int) -> NDArray[np.int64]:
    if counts is None:
        return np.ones(n_rows, dtype=np.int64)
    numbers = np.asarray(counts)
    whole = numbers.ndim == 1 and len(numbers) == n_rows and numbers.dtype.kind in "iu"
    if not whole or (numbers < 1).any():
        message = f"counts must be one whole number from 1 for each of the {n_rows} baskets."
        raise DomainError(message)
    if float(numbers.sum(dtype=np.float64)) > MOST_CUSTOMERS:
        message = "counts add up to more than 2^53 customers; allowed: numbers that every step counts exactly."
        raise DomainError(message)
    return numbers.astype(np.int64)


def names_of(columns: object, argument: str) -> tuple[str, ...]:
    """Give a tuple of column names; refuse a single text."""
    if isinstance(columns, str) or not isinstance(columns, Iterable):
        message = f"{argument} must be a sequence of column names."
        raise DomainError(message)
    found = tuple(columns)
    if not all(isinstance(name, str) for name in found) or len(set(found)) < len(found):
        message = f"{argument} must name columns by text, each once."
        raise DomainError(message)
    return found


def amount_names(columns: object) -> tuple[str, ...]:
    """Give a tuple of names of amounts; refuse one that `to_frame` would show twice."""
    found = names_of(columns, "amounts")
    if taken := [name for name in found if name in OWN_COLUMNS]:
        message = f"amounts names {taken[0]!r}, a column that baskets have themselves; rename the amount."
        raise DomainError(message)
    return found


def list_column(frame: object, column: str | None, counts: object) -> tuple[list[Any], Any]:
    """Give a column of lists, and the counts if they are a column too."""
    table = _frames.eager(frame, argument="baskets")
    if column is None:
        message = "column is missing: name the column of the frame that holds the lists."
        raise DomainError(message)
    numbers = [counts] if isinstance(counts, str) else []
    require_columns(dict(table.schema), [column, *numbers], "Name the columns of the frame.")
    if isinstance(counts, str):
        held = table.get_column(counts)
        if not held.dtype.is_integer() or held.null_count():
            raise ColumnError.wrong_type(counts, found=str(held.dtype), allowed="whole numbers without nulls")
        counts = held.to_numpy()
    return table.get_column(column).to_list(), counts


def kept_rows(frame: object, products: object) -> Encoded:
    """Read the table that `Baskets.to_frame` gives."""
    table = _frames.eager(frame, argument="frame")
    held, counts = list_column(frame, "held", "customers")
    rows = list_rows(held, counts, products, on_unknown="raise")
    amounts = guard_amounts(table, amount_names([name for name in table.columns if name not in OWN_COLUMNS]))
    told = "not_eligible" in table.columns
    lists = table.get_column("not_eligible").to_list() if told else []
    if told and products is None:
        every = sorted({*rows.products, *list_rows(lists, counts, None, on_unknown="raise").products})
        rows = list_rows(held, counts, every, on_unknown="raise")
    names, n = rows.products, len(rows.products)
    place, codes = [np.repeat(np.arange(len(held)), np.diff(rows.indptr))], [rows.codes]
    if told:
        barred = list_rows(lists, counts, names, on_unknown="raise")
        out = np.repeat(np.arange(len(lists)), np.diff(barred.indptr))
        refuse_overlap(len(np.intersect1d(place[0] * n + codes[0], out * n + barred.codes)))
        codes.append(barred.codes + np.int32(n))
        place.append(out)
    segments: tuple[str, ...] = ()
    if "segment" in table.columns:
        own, found = labels(table.get_column("segment"), "segment", "segment")
        segments = tuple(found)
        codes.append((own + n * (2 if told else 1)).astype(np.int32))
        place.append(np.arange(len(held)))
    width = n_columns(n, segments, eligibility=told)
    indptr, flat = basket_rows.rows_of_pairs(np.concatenate(place), np.concatenate(codes), len(held), width)
    return Encoded(names, indptr, flat, rows.weights, told, segments, amounts, rows.counts)
