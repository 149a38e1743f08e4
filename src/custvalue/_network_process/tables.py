"""Labelled square tables and weights that must sum to one: read, checked, renormalised within rounding."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd
from scipy.linalg import blas

from custvalue._spec import SUM_TOLERANCE, require_unit_sum
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from custvalue._typing import FloatArray, Table

#: Deviations below this are the rounding of doubles and are not worth a report.
REPORTED_DEVIATION: Final = 1e-12
_PLANE: Final = 2
_POSITIONS: Final = tuple(map(str, range(1000)))


def square_table(table: Table, name: str) -> tuple[FloatArray, tuple[str, ...] | None]:
    """Read a square table of finite numbers; labels come from a DataFrame's index, else there are none.

    The numbers are those of the table itself where it is an array of doubles: they are not to be changed.
    """
    labels = None
    if isinstance(table, pd.DataFrame):
        labels = tuple(str(label) for label in table.index)
        if labels != tuple(str(label) for label in table.columns) or len(set(labels)) < len(labels):
            message = (
                f"{name} must have the same distinct labels in its index and in its columns, in one order. "
                "Reindex it: frame.loc[labels, labels]."
            )
            raise DomainError(message)
    try:
        values = np.asarray(table, dtype=np.float64)
    except (TypeError, ValueError) as error:
        message = f"{name} must be a square table of numbers."
        raise DomainError(message) from error
    if values.ndim != _PLANE or values.shape[0] != values.shape[1] or not values.size:
        message = f"{name} has the shape {values.shape}; allowed: (n, n) with n from 1."
        raise DomainError(message)
    if not (float(values.min()) > -np.inf and float(values.max()) < np.inf):
        row, column = (int(place) for place in np.argwhere(~np.isfinite(values))[0])
        pair = (labels[row], labels[column]) if labels else (row, column)
        message = f"{name} holds a missing or infinite number in row {pair[0]!r}, column {pair[1]!r}."
        raise DomainError(message)
    return values, labels


def positions(size: int) -> tuple[str, ...]:
    """Name unlabelled rows by their position, counted from 0."""
    return _POSITIONS[:size] if size <= len(_POSITIONS) else tuple(map(str, range(size)))


class SupermatrixTable(NamedTuple):
    """A supermatrix as it was given, its column sums, how far they are from 1, and its smallest entry."""

    given: FloatArray
    names: tuple[str, ...]
    sums: FloatArray
    off: float
    least: float


def read_supermatrix(weighted: Table) -> SupermatrixTable:
    """Read and check a supermatrix, in few steps where it is an array whose columns sum to 1."""
    if type(weighted) is np.ndarray and weighted.dtype == np.float64 and weighted.ndim == _PLANE:
        size = len(weighted)
        if 0 < size == weighted.shape[1]:
            least = float(np.minimum.reduce(weighted, None))
            sums = blas.dgemv(1.0, weighted.T, np.ones(size))  # BLAS never warns, whatever the entries are
            off = float(blas.dnrm2(sums - 1.0))
            if least >= 0.0 and off <= REPORTED_DEVIATION:
                return SupermatrixTable(weighted, positions(size), sums, off, least)
    return _read_any(weighted)


def _read_any(weighted: Table) -> SupermatrixTable:
    """Read any table, and say what is wrong with it."""
    values, labels = square_table(weighted, "weighted")
    names = labels or positions(len(values))
    least = float(values.min())
    if least < 0.0:
        row, column = np.argwhere(values < 0.0)[0]
        message = f"weighted is negative in row {names[row]!r}, column {names[column]!r}; allowed: numbers from 0."
        raise DomainError(message)
    with np.errstate(over="ignore"):
        sums = values.sum(axis=0)
    deviation = np.abs(sums - 1.0)
    off = np.flatnonzero((deviation > SUM_TOLERANCE) & (sums != 0.0))
    if off.size:
        message = (
            f"weighted: the column of {names[off[0]]!r} sums to {sums[off[0]]:.6g}; allowed: 1 within "
            f"{SUM_TOLERANCE:g}. Weight its blocks (weighted_supermatrix), or divide the column by its sum."
        )
        with np.errstate(over="ignore"):
            by_rows = (np.abs(values.sum(axis=1) - 1.0) <= SUM_TOLERANCE).all()
        if by_rows:
            message += " Its rows sum to 1: if they hold the influences on a node, transpose it."
        raise DomainError(message)
    return SupermatrixTable(values, names, sums, float(deviation.max()), least)


def check_weights(weights: Mapping[str, float], what: str) -> None:
    """Raise ``ValueError`` unless the weights are non-negative and sum to 1 within the tolerance."""
    negative = [name for name, weight in weights.items() if weight < 0.0]
    if negative:
        message = f"{what}: the weight of {negative[0]!r} is negative; allowed: numbers from 0."
        raise ValueError(message)
    require_unit_sum(weights.values(), what)


def renormalised(weights: Mapping[str, float]) -> tuple[dict[str, float], float]:
    """Divide weights by their sum, and give the deviation of the sum from 1."""
    total = math.fsum(weights.values())
    return {name: weight / total for name, weight in weights.items()}, total - 1.0
