"""Designs of regressions: columns by name, checked, and of mean 0 and standard deviation 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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


def coefficient_table(
    size_names: Sequence[str],
    share_names: Sequence[str],
    size: tuple[FloatArray, FloatArray],
    share: tuple[FloatArray, FloatArray],
) -> pd.DataFrame:
    """Give one row a coefficient of size or share, with its standard error."""
    return pd.DataFrame(
        {
            "part": ["size"] * len(size_names) + ["share"] * len(share_names),
            "feature": [*size_names, *share_names],
            "coefficient": np.concatenate([size[0], share[0]]),
            "standard_error": np.concatenate([size[1], share[1]]),
        }
    )


def rank_of(matrix: FloatArray) -> int:
    """Give the rank of a matrix whose columns are of like size."""
    values = np.linalg.svd(np.linalg.qr(matrix, mode="r"), compute_uv=False)
    return int(np.count_nonzero(values > values[0] * NEARNESS))
