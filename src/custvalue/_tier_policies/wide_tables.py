"""Wide tables, one a column: rows and columns of frames are paired by their labels, never by chance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from custvalue import _frames
from custvalue._tier_policies.arguments import plain_label, require_no_spans, sequence
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import FloatArray


def read_wide(
    values: Any, customers: Any, periods: Any
) -> tuple[dict[str, FloatArray], Sequence[Any], Sequence[Any]]:
    """Give tables of one shape with customers and periods in the same order, and the names of both."""
    if not isinstance(values, Mapping):
        message = (
            f"values is a {type(values).__name__}; allowed: a mapping of names to tables, such as "
            "{'score': table}. A long table is read by from_long."
        )
        raise DomainError(message)
    if not values:
        message = "values is empty; allowed: at least one table by name."
        raise DomainError(message)
    tables = {
        name: _frames.numeric(table, argument=f"values['{name}']", nulls=True) for name, table in values.items()
    }
    shapes = {array.shape for array in tables.values()}
    shape = next(iter(shapes))
    if len(shapes) > 1 or 0 in shape:
        message = f"values has tables of shapes {sorted(shapes)}; allowed: one shape, neither side empty."
        raise DomainError(message)
    rows = {name: table.index for name, table in values.items() if isinstance(table, pd.DataFrame)}
    heads = {name: _head(table) for name, table in values.items() if _frames.is_frame(table)}
    tables, row_labels = _aligned(tables, rows, 0, "index labels")
    tables, head = _aligned(tables, heads, 1, "column labels")
    named = _customers(customers, row_labels, shape[0])
    if periods is not None:
        labels = sequence(periods, "periods", "whole numbers or dates")
        _require_order(labels, _calendar(head), "periods", "columns")
        return tables, named, labels
    found = _calendar(head)
    if found is None:
        return tables, named, range(shape[1])
    order = sorted(range(len(found)), key=found.__getitem__)
    return {name: array[:, order] for name, array in tables.items()}, named, [found[place] for place in order]


def _head(table: Any) -> pd.Index:
    """Give the columns of a frame as labels: those of pandas as they are, others are texts."""
    if isinstance(table, pd.DataFrame):
        return table.columns
    return pd.Index(list(_frames.column_names(table) or ()), dtype=object)


def _aligned(
    tables: dict[str, FloatArray], labels: dict[str, pd.Index], axis: int, what: str
) -> tuple[dict[str, FloatArray], pd.Index | None]:
    """Bring the labelled tables into the order of the first one of them."""
    if not labels:
        return tables, None
    (first, reference), *others = labels.items()
    found, moved = dict(tables), False
    for name, index in others:
        if reference.equals(index):
            continue
        place = _frames.places_by_label(reference, index)
        if place is None:
            message = (
                f"values['{first}'] and values['{name}'] have different {what}; give both the same, each once, "
                "or arrays (.to_numpy()) in the same order."
            )
            raise DataError(message)
        found[name] = np.take(tables[name], place, axis=axis)
        moved = True
    if moved and len(labels) < len(tables):
        message = (
            f"values has tables whose {what} stand in different orders, and others without any, so that nobody "
            "knows which order these have. Give them labels too."
        )
        raise DataError(message)
    return found, reference


def _customers(customers: Any, index: pd.Index | None, size: int) -> Sequence[Any]:
    """Give the keys of the rows: those named, else the index of pandas frames, else 0, 1, ..."""
    if customers is None:
        return range(size) if index is None else list(index.tolist())
    if isinstance(customers, pd.Series) and index is not None and not index.equals(customers.index):
        place = _frames.places_by_label(index, customers.index)
        if place is None:
            message = (
                "customers is a pandas Series whose index differs from that of the tables; give it the same "
                "labels, or an array in the order of the rows."
            )
            raise DataError(message)
        return customers.iloc[place].tolist()
    named = sequence(customers, "customers", "keys")
    if not isinstance(customers, pd.Series):
        _require_order(named, None if index is None else index.tolist(), "customers", "index")
    return named


def _require_order(named: Sequence[Any], labels: Sequence[Any] | None, argument: str, what: str) -> None:
    """Refuse names that are the labels of the frames in another order."""
    if labels is None:
        return
    plain = [plain_label(value) for value in named]
    if plain != list(labels) and len(plain) == len(labels) and set(plain) == set(labels):
        message = (
            f"{argument} names the {what} of the tables in another order. Leave {argument} out, which takes them "
            f"from the {what}, or give arrays (.to_numpy())."
        )
        raise DataError(message)


def _calendar(head: pd.Index | None) -> list[Any] | None:
    """Give column labels that are periods, days or whole numbers; None if they are anything else."""
    if head is None:
        return None
    found = [plain_label(label) for label in head]
    require_no_spans(found, "values")
    for kind in (dt.date, int):
        if all(isinstance(label, kind) and not isinstance(label, bool) for label in found):
            return found
    return None
