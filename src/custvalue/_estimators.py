"""The private base of every estimator: scikit-learn's contract, our messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_array, validate_data

from custvalue import _frames
from custvalue.exceptions import DataError

if TYPE_CHECKING:
    from custvalue._typing import FloatArray


class Scaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # untyped
    """Base of transformers that keep their columns."""


class Classifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Base of classifiers."""


def checked_table(estimator: Any, X: Any, *, reset: bool, nulls: bool = False) -> FloatArray:
    """Check a table as scikit-learn does, and say what is wrong without showing a cell.

    A frame is read by narwhals, so that messages name columns and never hold values; other input takes
    scikit-learn's own route. Sets ``n_features_in_`` and ``feature_names_in_`` if ``reset``.
    """
    if _frames.is_frame(X):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        numbers = _frames.numeric(X, argument="X", nulls=True)
        check_array(numbers, ensure_all_finite=False, estimator=estimator)
    else:
        try:
            numbers = validate_data(estimator, X, reset=reset, dtype=np.float64, ensure_all_finite=False)
        except ValueError as error:
            if "could not convert" not in str(error):
                raise
            message = "X holds text; allowed: a table of numbers."
            raise DataError(message) from None
    names = getattr(estimator, "feature_names_in_", None)
    columns = None if names is None else [str(name) for name in names]
    _frames.require_finite(numbers, columns, argument="X", nulls=nulls)
    return numbers
