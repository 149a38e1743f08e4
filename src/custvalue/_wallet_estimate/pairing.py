"""Customers paired by their pandas labels, where there are such, and by their places elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from custvalue import _frames
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence


def aligned(**tables: Any) -> tuple[tuple[Any, ...], pd.Index | None]:
    """Give pandas tables and Series in the order of the first one's index, and that index; others as they are."""
    index: pd.Index | None = None
    first, answer = "", []
    for argument, table in tables.items():
        own = getattr(table, "index", None)
        if index is None and isinstance(own, pd.Index):
            index, first = own, argument
        answer.append(in_order(index, table, argument, first))
    return tuple(answer), index


def in_order(index: pd.Index | None, table: Any, argument: str, first: str) -> Any:
    """Give a pandas table or Series in the order of an index; refuse other labels, by position they would mix."""
    own = getattr(table, "index", None)
    if index is None or not isinstance(own, pd.Index) or own.equals(index):
        return table
    places = _frames.places_by_label(index, own)
    if places is None:
        message = (
            f"{argument} and {first} have different index labels; give both the same labels, each once, or arrays "
            "(.to_numpy()) in the same order."
        )
        raise DataError(message)
    return table.iloc[places]


def labels_of(index: pd.Index | None, customers: Sequence[Any] | None, n: int) -> tuple[Any, ...]:
    """Give the customers' labels: those given, else a pandas index, else places."""
    if customers is None:
        return tuple(range(n)) if index is None else tuple(index.tolist())
    labels = tuple(customers)
    if isinstance(customers, str) or len(labels) != n:
        message = f"customers must be {n} labels, one a customer."
        raise DomainError(message)
    return labels
