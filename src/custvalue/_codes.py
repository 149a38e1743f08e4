"""Codes of columns in memory: the keys of customers as places among them, and coded columns as whole numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from custvalue._kernels import customer_sums
from custvalue.exceptions import ColumnError

if TYPE_CHECKING:
    import narwhals.stable.v2 as nw
    from numpy.typing import NDArray

_DENSE = 4
_SMALL = np.iinfo(np.int16).max


def _arrow_codes(array: Any) -> tuple[NDArray[Any], list[Any]]:
    """Encode an Arrow column, null as -1."""
    encoded = array.dictionary_encode() if hasattr(array, "dictionary_encode") else array
    encoded = encoded.unify_dictionaries().combine_chunks() if hasattr(encoded, "unify_dictionaries") else encoded
    if hasattr(encoded, "num_chunks"):
        encoded = encoded.chunk(0) if encoded.num_chunks else encoded.type.wrap_array([])
    indices = encoded.indices
    codes = indices.to_numpy(zero_copy_only=False) if not indices.null_count else indices.fill_null(0).to_numpy()
    if indices.null_count:
        codes = np.where(np.asarray(indices.is_null()), -1, codes.astype(np.int64))
    return codes, encoded.dictionary.to_pylist()


def encoded(series: nw.Series[Any]) -> tuple[NDArray[Any], list[Any]]:
    """Give the code of every row as a place in a list of values, -1 for null."""
    native = series.to_native()
    if series.dtype.is_integer() and not series.null_count():
        return _whole_codes(series.to_numpy())
    if series.implementation.is_pandas():
        if isinstance(native.dtype, pd.CategoricalDtype):
            return native.cat.codes.to_numpy(), native.cat.categories.tolist()
        codes, values = pd.factorize(native)
        return codes, list(values)
    if series.implementation.is_polars():
        try:
            return _arrow_codes(series.to_arrow())
        except ModuleNotFoundError:  # Polars without PyArrow
            codes, values = pd.factorize(np.array(series.to_list(), dtype=object))
            return codes, list(values)
    return _arrow_codes(native)


def _whole_codes(values: NDArray[Any]) -> tuple[NDArray[Any], list[Any]]:
    if not len(values):
        return values.astype(np.int64), []
    low, high = int(values.min()), int(values.max())
    if high - low <= _SMALL:
        # Unsigned ones may lie beyond int64, and small signed ones may lie too far apart for their own type.
        wide = values if values.dtype.kind == "u" else values.astype(np.int64)
        return (wide - wide.dtype.type(low)).astype(np.int64), list(range(low, high + 1))
    codes, found = pd.factorize(values)
    return codes, list(found)


def customers(series: nw.Series[Any], name: str) -> tuple[NDArray[Any], nw.Series[Any]]:
    """Give every row's customer as a place in the sorted keys, and the keys; the column holds no null."""
    if series.dtype.is_integer():
        values = series.to_numpy()
        low, high = (int(values.min()), int(values.max())) if len(values) else (0, -1)
        if high - low < _DENSE * len(values) + _SMALL and high <= np.iinfo(np.int64).max:
            return _dense_customers(values, low, high - low + 1, series)
        codes, whole = pd.factorize(values)
        return _placed(codes, np.argsort(whole), series)
    if series.implementation.is_pyarrow() and str(series.to_native().type).endswith("_view"):
        series = series.cast(series.dtype)  # Arrow takes no rows of a view of texts
    codes, found = _used(*encoded(series))
    try:
        order = np.argsort(np.array(found, dtype=object), kind="stable") if found else np.array([], dtype=np.int64)
    except TypeError:
        message = f"Column '{name}' mixes text and numbers; allowed: integers or text. Cast it to one."
        raise ColumnError(message) from None
    return _placed(codes, order, series)


def _used(codes: NDArray[Any], found: list[Any]) -> tuple[NDArray[Any], list[Any]]:
    """Leave out the categories that no row has: they are no customers."""
    met = np.zeros(len(found), dtype=np.bool_)
    met[codes] = True
    if met.all():
        return codes, found
    return (np.cumsum(met) - 1)[codes], [value for value, here in zip(found, met.tolist(), strict=True) if here]


def _placed(
    codes: NDArray[Any], order: NDArray[Any], series: nw.Series[Any]
) -> tuple[NDArray[Any], nw.Series[Any]]:
    """Give customers their numbers in the order of their keys."""
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    customer = place[codes]
    return customer, _first_rows(series, customer, len(order))


def _dense_customers(
    values: NDArray[Any], low: int, span: int, series: nw.Series[Any]
) -> tuple[NDArray[Any], nw.Series[Any]]:
    """Place whole-numbered keys by their own value, where their range is not much wider than their number."""
    met = np.zeros(span, dtype=bool)
    place = np.empty(len(values), dtype=np.int32)
    for start in range(0, len(values), customer_sums.BLOCK):
        rows = slice(start, start + customer_sums.BLOCK)
        place[rows] = values[rows].astype(np.int64) - low
        met[place[rows]] = True
    found = np.flatnonzero(met)
    if len(found) < span:
        rank = np.cumsum(met, dtype=np.int32) - np.int32(1)
        for start in range(0, len(values), customer_sums.BLOCK):
            rows = slice(start, start + customer_sums.BLOCK)
            place[rows] = rank[place[rows]]
    return place, _first_rows(series, place, len(found))


def _first_rows(series: nw.Series[Any], codes: NDArray[Any], count: int) -> nw.Series[Any]:
    """Give one row of each code, so that the keys keep the type they had."""
    row = np.empty(count, dtype=np.int64)
    for start in range(0, len(codes), customer_sums.BLOCK):
        block = codes[start : start + customer_sums.BLOCK]
        row[block] = np.arange(start, start + len(block))
    return series[row]
