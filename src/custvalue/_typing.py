"""Types shared by every room."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray


class SupportsColumns(Protocol):
    """A data frame of any library, as far as a type checker can tell."""

    @property
    def columns(self) -> Any:
        """The columns, or their names."""
        ...


FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]
#: A table of numbers: a two-dimensional array, or a pandas, Polars or PyArrow frame.
Table: TypeAlias = ArrayLike | SupportsColumns
#: What scikit-learn accepts as ``random_state``.
RandomState: TypeAlias = int | np.random.RandomState | None

__all__ = ["ArrayLike", "BoolArray", "FloatArray", "IntArray", "RandomState", "SupportsColumns", "Table"]
