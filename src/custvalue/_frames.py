"""The one room that knows narwhals: tables of any library in, arrays out, and back again."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from custvalue._typing import FloatArray

#: How far beyond [0, 1] rounding may carry a scaled value.
ROUNDING = 1e-9
#: Larger numbers overflow when they are multiplied; no bank holds them.
LARGEST = 1e150


def wrapped(data: object) -> Any:
    """Wrap a frame of any library and pass anything else through; refuse a doubled column by name."""
    try:
        return nw.from_native(data, pass_through=True)
    except nw.exceptions.DuplicateError as error:
        raise ColumnError(f"{' '.join(str(error).split())}. Rename or drop the doubled ones.") from None


def is_frame(data: object) -> bool:
    """Tell whether the object is a data frame that narwhals knows."""
    return isinstance(wrapped(data), nw.DataFrame | nw.LazyFrame)


def eager(data: object, *, argument: str) -> nw.DataFrame[Any]:
    """Wrap an in-memory frame; refuse anything else by the argument's name."""
    frame = wrapped(data)
    if isinstance(frame, nw.LazyFrame):
        message = f"{argument} is a lazy frame; allowed: a frame in memory. Call .collect() first."
        raise DomainError(message)
    if not isinstance(frame, nw.DataFrame):
        message = f"{argument} is a {type(data).__name__}; allowed: a pandas, Polars or PyArrow frame."
        raise DomainError(message)
    return frame


def column_names(data: object) -> tuple[str, ...] | None:
    """Give the names of a frame's columns, or None for an array."""
    frame = wrapped(data)
    if isinstance(frame, nw.DataFrame):
        return tuple(str(name) for name in frame.columns)
    return None


def row_labels(data: object) -> list[Any] | None:
    """Give the index of a pandas frame as plain values; other tables have none."""
    frame = wrapped(data)
    if isinstance(frame, nw.DataFrame) and frame.implementation.is_pandas():
        labels: list[Any] = frame.to_native().index.tolist()
        return labels
    return None


def places_by_label(own: Sequence[Any] | pd.Index, other: Sequence[Any] | pd.Index) -> NDArray[np.intp] | None:
    """Give where each label stands among the others; None if they do not hold the same, each once."""
    wanted, there = pd.Index(own), pd.Index(other)
    if len(wanted) != len(there) or not (wanted.is_unique and there.is_unique):
        return None
    places: NDArray[np.intp] = there.get_indexer(wanted)
    return None if (places < 0).any() else places


def unmasked(data: object) -> object:
    """Give a masked array with NaN in place of what is masked; anything else as it is."""
    if not isinstance(data, np.ma.MaskedArray):
        return data
    return np.where(np.ma.getmaskarray(data), np.nan, np.ma.getdata(data))


def row_of_numbers(values: object, *, argument: str, each: str) -> FloatArray:
    """Give real numbers as a float64 array of its own, NaN where masked; refuse text, dates and complex ones."""
    given: Any = unmasked(values)
    numbers: FloatArray | None = None
    with suppress(OverflowError, TypeError, ValueError):
        there = np.asarray(given)
        texts = there.dtype == object and any(isinstance(one, str | bytes) for one in there.ravel())
        if there.dtype.kind in "biufO" and not texts:
            numbers = np.array(given, dtype=np.float64)
    if numbers is None:
        message = f"{argument} must hold numbers only, one {each}."
        raise DomainError(message)
    return numbers


def records(frame: object, required: Sequence[str], optional: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Give the rows of an in-memory frame as plain values by column name; null, NaN and blank text become None.

    Columns beyond `required` and `optional` are not read; an optional column that is not there is left out.
    """
    table = eager(frame, argument="frame")
    missing = [name for name in required if name not in table.columns]
    if missing:
        raise ColumnError.missing(missing, available=table.columns, mend="frame must hold them by name.")
    wanted = [*required, *(name for name in optional if name in table.columns)]
    columns = [[_plain(value) for value in table.get_column(name).to_list()] for name in wanted]
    return [dict(zip(wanted, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain(value: Any) -> Any:
    """Give text without surrounding blanks, and None for whatever a library calls missing."""
    if isinstance(value, str):
        return value.strip() or None
    # NaN, NaT and pandas' NA: none is equal to itself, and NA has no truth at all.
    return None if value is None or str(value) in {"nan", "NaT", "<NA>"} else value


def _frame_numbers(frame: nw.DataFrame[Any], columns: Sequence[str], argument: str) -> FloatArray:
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise ColumnError.missing(missing, available=frame.columns, mend=f"{argument} must hold them by name.")
    out = np.empty((len(frame), len(columns)))
    for place, name in enumerate(columns):
        series = frame.get_column(name)
        if not (series.dtype.is_numeric() or series.dtype == nw.Boolean):
            mend = "If it holds numbers as objects, cast the column to float first."
            raise ColumnError.wrong_type(name, found=str(series.dtype), allowed="numbers", mend=mend)
        numbers = series.cast(nw.Float64()).to_numpy()
        out[:, place] = np.asarray(numbers, dtype=np.float64)
    return out


def _array_numbers(data: object, columns: Sequence[str] | None, argument: str) -> FloatArray:
    try:
        array = np.atleast_1d(np.asarray(unmasked(data)))
        # Text and complex numbers have no number that a float could hold; objects are asked one by one.
        array = array.astype(np.float64, casting="unsafe" if array.dtype == object else "same_kind", copy=False)
    except (OverflowError, TypeError, ValueError):
        message = (
            f"{argument} does not hold numbers only; allowed: a table of real numbers, as an array or a frame "
            f"(given: {type(data).__name__})."
        )
        raise DomainError(message) from None
    if array.ndim != 2:  # noqa: PLR2004 - rows and columns
        message = (
            f"{argument} has shape {array.shape}; allowed: two dimensions, rows by indicators. A single row is "
            "frame.iloc[[0]] or array.reshape(1, -1)."
        )
        raise DomainError(message)
    if columns is not None and array.shape[1] != len(columns):
        message = (
            f"{argument} has {array.shape[1]} columns and the hierarchy {len(columns)} indicators "
            f"({', '.join(columns)}). Give the columns in that order, or a frame with these names."
        )
        raise DomainError(message)
    return array


def require_finite(
    numbers: FloatArray, columns: Sequence[str] | None, *, argument: str, nulls: bool = False
) -> None:
    """Refuse infinite, overflowing and (unless allowed) missing numbers, naming the columns."""
    lowest, highest = (np.fmin, np.fmax) if nulls else (np.minimum, np.maximum)
    if not numbers.size:
        return
    if lowest.reduce(numbers, axis=None) >= -LARGEST and highest.reduce(numbers, axis=None) <= LARGEST:
        return
    if nulls and np.isnan(numbers).all():
        return
    bad = np.isinf(numbers) | (np.abs(np.nan_to_num(numbers)) > LARGEST)
    what, mend = f"infinite numbers or numbers beyond {LARGEST:g}", "Cap or remove them."
    if not bad.any() and not nulls:
        bad = np.isnan(numbers)
        what, mend = (
            "missing values (NaN or null)",
            "Fill them or leave those rows out; IndicatorScaler puts the nulls of indicators at the bad end.",
        )
    if bad.any():
        places = np.flatnonzero(bad.any(axis=0)).tolist()
        names = ", ".join(f"'{columns[j]}'" if columns else f"column {j}" for j in places)
        message = f"{argument} holds {what}: {int(bad.sum())} cell(s) in {names}. {mend}"
        raise DataError(message)


def numeric(
    data: object, columns: Sequence[str] | None = None, *, argument: str = "X", nulls: bool = False
) -> FloatArray:
    """Give a table as float64 of shape (rows, columns), columns matched by name where there are names."""
    frame = wrapped(data)
    if isinstance(frame, nw.DataFrame | nw.LazyFrame):
        frame = eager(data, argument=argument)
        names: Sequence[str] | None = columns if columns is not None else frame.columns
        numbers = _frame_numbers(frame, names or (), argument)
    else:
        names = columns
        numbers = _array_numbers(data, columns, argument)
    require_finite(numbers, names, argument=argument, nulls=nulls)
    return numbers


def require_unit_interval(numbers: FloatArray, columns: Sequence[str], *, argument: str = "X") -> None:
    """Refuse numbers outside [0, 1]: unscaled indicators would be compared as if they were alike."""
    outside = ((numbers < -ROUNDING) | (numbers > 1.0 + ROUNDING)).any(axis=0)
    if outside.any():
        names = ", ".join(f"'{columns[j]}'" for j in np.flatnonzero(outside).tolist())
        message = f"{argument} has values outside [0, 1] in {names}: scale first, with IndicatorScaler.transform."
        raise DataError(message)


def like(template: object, columns: Mapping[str, NDArray[Any] | list[Any]], *, keep_index: bool = True) -> Any:
    """Build a frame in the template's library; a pandas template also lends its index."""
    frame = nw.from_native(template, pass_through=True)
    if not isinstance(frame, nw.DataFrame | nw.LazyFrame):
        message = "The template is not a frame."
        raise TypeError(message)
    backend = frame.implementation
    native = nw.from_dict(dict(columns), backend=backend).to_native()
    if keep_index and backend.is_pandas() and isinstance(frame, nw.DataFrame):
        native.index = frame.to_native().index
    return native
