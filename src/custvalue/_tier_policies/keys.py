"""Customers' keys: whole numbers or texts, ascending; they never enter a message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from custvalue import _frames
from custvalue._spec import unboxed
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._typing import IntArray

_ALLOWED = "whole numbers or texts"
_TEXTS = frozenset({"String", "Categorical"})


def as_series(values: Any, name: str) -> Any:
    """Give a list or an array as a column, as those of frames are."""
    return _frames.eager(pd.DataFrame({name: values}), argument=name).get_column(name)


def sorted_keys(series: Any, name: str) -> tuple[NDArray[Any], IntArray]:
    """Give the distinct keys of a column, ascending, and the position of each row's key among them."""
    kind = series.dtype
    if not (kind.is_integer() or str(kind) in _TEXTS):
        mend = "Cast the column to one of them."
        raise ColumnError.wrong_type(name, found=str(kind), allowed=_ALLOWED, mend=mend)
    if missing := int(series.null_count()):
        message = f"Column '{name}' lacks {missing} customer key(s). Fill them or leave those rows out."
        raise DataError(message)
    values = np.asarray(series.to_numpy())
    if kind.is_integer():
        if values.size and values.max() > np.iinfo(np.int64).max:
            message = f"Column '{name}' holds whole numbers from 2**63 on; cast the column to text."
            raise ColumnError(message)
        values = values.astype(np.int64)
    if len(values) < 2 or (values[1:] > values[:-1]).all():  # noqa: PLR2004 - one key is in order
        return values, np.arange(len(values))
    codes, distinct = pd.factorize(values, sort=True)
    return np.asarray(distinct), np.asarray(codes, dtype=np.int64)


def position_of(keys: NDArray[Any], key: object) -> int:
    """Give the position of a key among ascending ones; refuse one that is not there without showing it."""
    plain = unboxed(key)
    whole = keys.dtype.kind in "iu"
    fits = isinstance(plain, int) and abs(plain) < 2**63 if whole else isinstance(plain, str)
    if fits and not isinstance(plain, bool):
        place = int(np.searchsorted(keys, np.array(plain, dtype=keys.dtype)))
        if place < len(keys) and keys[place] == plain:
            return place
    message = f"customer is not in the panel, whose keys are {'whole numbers' if whole else 'texts'}."
    raise DomainError(message)
