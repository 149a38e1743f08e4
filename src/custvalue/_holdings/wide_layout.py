"""Tables in memory with one row a customer and a column of flags a product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from custvalue import _frames
from custvalue._holdings.encoded import Encoded, n_columns, of_people, of_words
from custvalue._holdings.labels import (
    People,
    floats,
    guard_amounts,
    keys,
    labels,
    product_names,
    refuse_overlap,
    require_columns,
)
from custvalue._kernels import basket_rows
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from custvalue._typing import BoolArray, FloatArray

Null = Literal["raise", "not_held", "not_eligible"]


def flag_column(series: nw.Series[Any], name: str) -> tuple[BoolArray, BoolArray | None]:
    """Give a column of True and False (or 1 and 0), and where it is null."""
    kind = series.dtype
    if not (kind == nw.Boolean or kind.is_numeric()):
        mend = "Turn it into True and False, or into 1 and 0."
        raise ColumnError.wrong_type(name, found=str(kind), allowed="True and False, or 1 and 0", mend=mend)
    if kind == nw.Boolean and not series.null_count():
        return np.asarray(series.to_numpy(), dtype=np.bool_), None
    numbers = floats(series)
    null = np.isnan(numbers)
    held = numbers == 1.0
    strange = int(np.count_nonzero(~(held | null | (numbers == 0.0))))
    if strange:
        message = (
            f"Column '{name}' holds {strange} value(s) other than 1, 0, True and False; a flag says held or not."
        )
        raise DataError(message)
    return held, null if null.any() else None


def flags_of(
    frame: object, products: tuple[str, ...] | None, others: Sequence[str], argument: str
) -> tuple[tuple[str, ...], list[BoolArray] | BoolArray, dict[int, BoolArray], nw.DataFrame[Any] | None]:
    """Give the products, their flags (column by column, or the array as it is), nulls by column, and the frame."""
    if not _frames.is_frame(frame):
        array = np.asarray(_frames.unmasked(frame))
        if array.ndim != 2 or products is None or array.shape[1] != len(products):  # noqa: PLR2004 - rows, columns
            message = (
                f"{argument} is no frame; allowed: a frame, or an array of shape (n_customers, n_products) "
                "together with products, which names its columns."
            )
            raise DomainError(message)
        if array.dtype == np.bool_:
            return products, array, {}, None
        table = nw.from_native(pd.DataFrame(array, columns=list(products)), eager_only=True)
        return (*flags_of(table, products, (), argument)[:3], None)
    table = _frames.eager(frame, argument=argument)
    aside = set(others)
    names = products or tuple(name for name in table.columns if name not in aside)
    require_columns(
        dict(table.schema), [*names, *others], f"{argument} must hold a column of flags for each product."
    )
    flags, nulls = [], {}
    for place, name in enumerate(names):
        held, null = flag_column(table.get_column(name), name)
        flags.append(held)
        if null is not None:
            nulls[place] = null
    if not names:
        message = f"{argument} has no column of flags."
        raise DomainError(message)
    return names, flags, nulls, table


def wide_rows(
    frame: object,
    *,
    products: object,
    segment: str | None,
    amounts: tuple[str, ...],
    customer: str | None,
    null: Null,
    eligible: object,
) -> Encoded:
    """Read a table with one row a customer and one column of flags a product."""
    if null not in ("raise", "not_held", "not_eligible"):
        message = "null must be 'raise', 'not_held' or 'not_eligible'."
        raise DomainError(message)
    others = [name for name in (customer, segment, *amounts) if name]
    names, flags, nulls, table = flags_of(frame, product_names(products), others, "frame")
    if table is None and others:
        message = f"frame is an array; {', '.join(others)} can only be columns of a frame."
        raise DomainError(message)
    n_rows = len(flags) if isinstance(flags, np.ndarray) else len(flags[0])
    if nulls and null == "raise":
        count, places = sum(int(gap.sum()) for gap in nulls.values()), ", ".join(repr(names[j]) for j in nulls)
        message = (
            f"frame holds {count} null flag(s) in {places}. Say what null means: null='not_held' or "
            "null='not_eligible'."
        )
        raise DataError(message)
    _refuse_other_order(frame, eligible)
    barred = _barred_columns(names, nulls if null == "not_eligible" else {}, eligible, n_rows, flags)
    if customer and table is not None:
        _require_one_row_each(table, customer)
    people = _wide_people(table, n_rows, segment, amounts)
    return _encoded_flags(names, flags, barred, people)


def _refuse_other_order(frame: object, eligible: object) -> None:
    """Refuse rows of two pandas frames that have the same labels in another order: only their place tells them."""
    own, other = _index(frame), _index(eligible)
    if own is None or other is None or own.equals(other) or _frames.places_by_label(own, other) is None:
        return
    message = (
        "eligible has the row labels of frame in another order, and rows are matched by their place. Reorder it: "
        "eligible.loc[frame.index]."
    )
    raise DomainError(message)


def _index(data: object) -> pd.Index[Any] | None:
    table = _frames.wrapped(data)
    if isinstance(table, nw.DataFrame) and table.implementation.is_pandas():
        labels_of_rows: pd.Index[Any] = table.to_native().index
        return labels_of_rows
    return None


def _require_one_row_each(table: nw.DataFrame[Any], customer: str) -> None:
    place, found = keys(table.get_column(customer), customer)
    if len(found) < len(place):
        doubled = len(place) - len(found)
        raise DataError(f"frame holds {doubled} row(s) of customers that came before; keep one row a customer.")


def _wide_people(
    table: nw.DataFrame[Any] | None, n_rows: int, segment: str | None, amounts: tuple[str, ...]
) -> People:
    if not n_rows:
        message = "frame has no row; allowed: at least one customer."
        raise DataError(message)
    codes: NDArray[np.int32] | None = None
    names: tuple[str, ...] = ()
    numbers: dict[str, FloatArray] = {}
    if table is not None:
        if segment:
            codes, found = labels(table.get_column(segment), segment, "segment")
            names = tuple(found)
        numbers = guard_amounts(table, amounts)
    return People(n_rows, np.empty(0, dtype=np.int64), codes, names, numbers)


def _barred_columns(
    names: tuple[str, ...],
    nulls: Mapping[int, BoolArray],
    eligible: object,
    n_rows: int,
    flags: list[BoolArray] | BoolArray,
) -> dict[int, BoolArray] | None:
    """Give who is not eligible, by product; None where eligibility is not told."""
    if eligible is None:
        return dict(nulls) or None
    if nulls:
        message = "Give either null='not_eligible' or eligible=, not both."
        raise DomainError(message)
    known, told, gaps, _ = flags_of(eligible, None if _frames.is_frame(eligible) else names, (), "eligible")
    unknown = sorted(set(known) - set(names))
    if unknown or gaps:
        what = f"names {unknown[0]!r}, which is no product" if unknown else "holds nulls"
        message = f"eligible {what}; allowed: True and False (or 1 and 0) for products of frame."
        raise DomainError(message)
    columns = list(told.T) if isinstance(told, np.ndarray) else told
    if len(columns[0]) != n_rows:
        message = f"eligible has {len(columns[0])} rows and frame {n_rows}; give one row a customer, in one order."
        raise DomainError(message)
    own = list(flags.T) if isinstance(flags, np.ndarray) else flags
    place_of = {name: place for place, name in enumerate(names)}
    barred = {place_of[name]: ~column for name, column in zip(known, columns, strict=True)}
    refuse_overlap(sum(int(np.count_nonzero(own[place] & out)) for place, out in barred.items()))
    return barred


def _encoded_flags(
    names: tuple[str, ...],
    flags: list[BoolArray] | BoolArray,
    barred: Mapping[int, BoolArray] | None,
    people: People,
) -> Encoded:
    n_rows, n, eligibility = people.count, len(names), barred is not None
    columns: list[BoolArray] | BoolArray = flags
    width = n_columns(n, people.segments, eligibility=eligibility)
    in_words = width <= basket_rows.WORD and not people.amounts
    if barred is not None or (in_words and people.segment is not None):
        columns = list(flags.T) if isinstance(flags, np.ndarray) else list(flags)
    if barred is not None and isinstance(columns, list):
        nobody = np.zeros(n_rows, dtype=np.bool_)
        columns += [barred.get(place, nobody) for place in range(n)]
    counts = {"rows": n_rows, "customers": n_rows}
    if in_words:
        if people.segment is not None and isinstance(columns, list):
            columns += [people.segment == code for code in range(len(people.segments))]
        return of_words(names, basket_rows.words_of_flags(columns), people, counts, eligibility=eligibility)
    starts, parts = [np.zeros(1, dtype=np.int64)], []
    block = max(1, (1 << 24) // (n * (1 + eligibility)))
    for start in range(0, n_rows, block):
        some = slice(start, start + block)
        table = (
            columns[some] if isinstance(columns, np.ndarray) else np.column_stack([one[some] for one in columns])
        )
        indptr, codes = basket_rows.sparse_rows(table)
        starts.append(indptr[1:] + starts[-1][-1])
        parts.append(codes)
    rows = (np.concatenate(starts), np.concatenate(parts))
    if people.segment is not None:  # many segments are no columns of flags: each row ends with its own
        rows = basket_rows.with_last(*rows, people.segment + np.int32(width - len(people.segments)))
    return of_people(names, rows, None, people, counts, eligibility=eligibility)
