"""Designs of regressions: columns by name, checked, and of mean 0 and standard deviation 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from custvalue import _frames
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import FloatArray, Table

#: A column this near (relative to its length) to the span of others is taken to lie in it.
NEARNESS = 1e-8


@dataclass(frozen=True, eq=False)
class Design:
    """A constant and standardised columns, and the way back to the caller's units."""

    names: tuple[str, ...]
    matrix: FloatArray
    back: FloatArray


def design(table: Table | None, n: int, argument: str) -> Design:
    """Give the design of a table, a constant first; refuse what is constant, dependent or of another length."""
    if table is None:
        return Design(("intercept",), np.ones((n, 1)), np.ones((1, 1)))
    numbers = _frames.numeric(table, argument=argument)
    if len(numbers) != n or not numbers.shape[1]:
        message = (
            f"{argument} has shape {numbers.shape}; allowed: {n} rows, one a customer, and a column at least."
        )
        raise DomainError(message)
    named = _frames.column_names(table)
    columns = tuple(f"column {place}" for place in range(numbers.shape[1])) if named is None else named
    middle, spread = numbers.mean(axis=0), numbers.std(axis=0)
    flat = np.flatnonzero(spread <= NEARNESS * np.maximum(np.abs(middle), 1e-300)).tolist()
    if flat:
        listed = ", ".join(f"'{columns[place]}'" for place in flat)
        message = f"{argument} is constant in {listed}; leave it out, a constant is added anyway."
        raise DataError(message)
    matrix = np.column_stack([np.ones(n), (numbers - middle) / spread])
    if rank_of(matrix) < matrix.shape[1]:
        message = f"{argument} has columns that are sums of multiples of others; leave out those that follow."
        raise DataError(message)
    back = np.diag(np.concatenate([[1.0], 1.0 / spread]))
    back[0, 1:] = -middle / spread
    return Design(("intercept", *columns), matrix, back)


def rank_of(matrix: FloatArray) -> int:
    """Give the rank of a matrix whose columns are of like size."""
    values = np.linalg.svd(np.linalg.qr(matrix, mode="r"), compute_uv=False)
    return int(np.count_nonzero(values > values[0] * NEARNESS))


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
