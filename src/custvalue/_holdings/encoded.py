"""Rows of one customer each, as columns of flags: what was read, before it is collapsed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from custvalue._kernels import basket_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from custvalue._holdings.labels import People
    from custvalue._typing import FloatArray, IntArray


class Encoded(NamedTuple):
    """Sparse rows over the columns: n products held, n not eligible (if that is told), then the segments."""

    products: tuple[str, ...]
    indptr: NDArray[np.int64]
    codes: NDArray[np.int32]
    weights: IntArray | None
    eligibility: bool
    segments: tuple[str, ...]
    amounts: Mapping[str, FloatArray]
    counts: Mapping[str, int]
    collapsed: bool = False


def of_words(
    products: tuple[str, ...],
    words: NDArray[np.uint64],
    people: People,
    counts: Mapping[str, int],
    *,
    eligibility: bool,
) -> Encoded:
    """Collapse customers who are a word each, of at most 64 columns and without amounts."""
    width = n_columns(len(products), people.segments, eligibility=eligibility)
    found = basket_rows.distinct_words(*basket_rows.counted_words(words), width)
    rows = (found.indptr, found.codes, found.weights)
    return Encoded(products, *rows, eligibility, people.segments, people.amounts, counts, collapsed=True)


def of_people(
    products: tuple[str, ...],
    rows: tuple[NDArray[np.int64], NDArray[np.int32]],
    weights: IntArray | None,
    people: People,
    counts: Mapping[str, int],
    *,
    eligibility: bool,
) -> Encoded:
    """Put encoded rows together with what is known of the customers."""
    return Encoded(products, *rows, weights, eligibility, people.segments, people.amounts, counts)


class Collapsed(NamedTuple):
    """Distinct rows taken apart: held, not eligible, segment."""

    indptr: NDArray[np.int64]
    codes: NDArray[np.int32]
    ineligible: tuple[NDArray[np.int64], NDArray[np.int32]] | None
    segment_codes: NDArray[np.int32] | None
    customers: IntArray
    amounts: Mapping[str, FloatArray]


def n_columns(n_products: int, segments: tuple[str, ...], *, eligibility: bool) -> int:
    """Count the columns that rows are encoded in."""
    return n_products * (2 if eligibility else 1) + len(segments)


def collapse(rows: Encoded) -> Collapsed:
    """Collapse rows to distinct ones in their canonical order and take the columns apart."""
    names = tuple(rows.amounts)
    if rows.collapsed and rows.weights is not None:
        found = basket_rows.DistinctRows(rows.indptr, rows.codes, rows.weights, ())
    else:
        found = basket_rows.distinct_rows(
            rows.indptr, rows.codes, rows.weights, [rows.amounts[name] for name in names]
        )
    n = len(rows.products)
    first_segment = n * (2 if rows.eligibility else 1)
    held = _part(found, 0, n)
    segment = _part(found, first_segment, first_segment + len(rows.segments))[1] if rows.segments else None
    return Collapsed(
        *held,
        _part(found, n, 2 * n) if rows.eligibility else None,
        segment,
        found.weights,
        dict(zip(names, found.sums, strict=True)),
    )


def _part(rows: basket_rows.DistinctRows, first: int, end: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Keep the columns from the first to before the end, counted from the first."""
    kept = (rows.codes >= first) & (rows.codes < end)
    before = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(kept, dtype=np.int64)))
    return np.asarray(before[rows.indptr], dtype=np.int64), (rows.codes[kept] - first).astype(np.int32)
