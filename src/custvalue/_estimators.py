"""The private base of every estimator: scikit-learn's contract, our messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, OneToOneFeatureMixin, RegressorMixin, TransformerMixin
from sklearn.utils.validation import check_array, validate_data

from custvalue import _frames
from custvalue.exceptions import DataError

if TYPE_CHECKING:
    from custvalue._typing import FloatArray


class Scaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # untyped
    """Base of transformers that keep their columns."""


class Recommender(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Base of estimators that recommend products."""


class Classifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Base of classifiers."""


class Regressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Base of estimators of an amount."""

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Give the coefficient of determination of the predictions, 1 less their squared errors' share of all.

        Parameters
        ----------
        X : array_like or frame of shape (n_customers, n_columns)
            Customers.
        y : array_like of shape (n_customers,)
            What is to be predicted.
        sample_weight : array_like of shape (n_customers,), default=None
            Weight of each customer; None: all alike.

        Returns
        -------
        float
            At most 1; 0 for what a constant reaches.
        """
        return float(super().score(X, y, sample_weight=sample_weight))


def _without_cells(text: str) -> str | None:
    """Replace scikit-learn's messages that show cells; None where a message shows none."""
    if "could not convert" in text:
        return "X holds text; allowed: a table of numbers."
    if "Complex data not supported" in text:
        return "Complex data not supported: X holds complex numbers; allowed: a table of real numbers."
    if "Expected 2D array" in text:
        return f"{text.partition(':')[0]}. Reshape your data: rows are customers, columns are indicators."
    return None


def checked_table(estimator: Any, X: Any, *, reset: bool, nulls: bool = False) -> FloatArray:
    """Check a table as scikit-learn does, and say what is wrong without showing a cell.

    A frame is read by narwhals, so that messages name columns and never hold values; other input takes
    scikit-learn's own route. Sets ``n_features_in_`` and ``feature_names_in_`` if ``reset``.
    """
    if _frames.is_frame(X):
        _frames.eager(X, argument="X")
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        numbers = _frames.numeric(X, argument="X", nulls=True)
        check_array(numbers, ensure_all_finite=False, estimator=estimator)
    else:
        try:
            X = _frames.unmasked(X)
            numbers = validate_data(estimator, X, reset=reset, dtype=np.float64, ensure_all_finite=False)
        except ValueError as error:
            if (message := _without_cells(str(error))) is None:
                raise
            raise DataError(message) from None
    names = getattr(estimator, "feature_names_in_", None)
    columns = None if names is None else [str(name) for name in names]
    _frames.require_finite(numbers, columns, argument="X", nulls=nulls)
    return numbers
