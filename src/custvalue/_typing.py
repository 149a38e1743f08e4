"""Types shared by every room."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import pandas as pd

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]
#: A table of numbers: a two-dimensional array, or a pandas, Polars or PyArrow frame.
Table: TypeAlias = "ArrayLike | pd.DataFrame | object"
#: What scikit-learn accepts as ``random_state``.
RandomState: TypeAlias = int | np.random.RandomState | None

__all__ = ["ArrayLike", "BoolArray", "FloatArray", "IntArray", "RandomState", "Table"]
