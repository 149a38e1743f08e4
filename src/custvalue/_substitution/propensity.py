"""How much a holder of the old product resembles those who moved: a standardised logistic regression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from custvalue._estimators import Classifier, checked_table
from custvalue._spec import unboxed
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from custvalue._typing import BoolArray, FloatArray, Table

_BINARY = 2
#: Newton's steps at most; ten are common.
_STEPS = 200
_SMALLEST_STEP = 1e-10
_ROUNDING = 1e-14


class Fitted(NamedTuple):
    """A logistic regression on standardised features."""

    mean: FloatArray
    scale: FloatArray
    coefficients: FloatArray
    intercept: float

    def contributions(self, numbers: FloatArray) -> FloatArray:
        """Give what each feature adds to the log odds, beside an average customer."""
        return np.asarray((numbers - self.mean) / self.scale * self.coefficients)

    def log_odds(self, numbers: FloatArray) -> FloatArray:
        """Add the contributions up, row by row, so that equal rows have equal sums."""
        return np.asarray(self.contributions(numbers).sum(axis=1) + self.intercept)


def ridge_logistic(numbers: FloatArray, moved: BoolArray, strength: float) -> Fitted:
    """Fit by Newton's steps, halved until they lower the loss: many customers, few features, one minimum."""
    # The mean of equal numbers need not be that number, and their spread not 0.
    constant = numbers.min(axis=0) == numbers.max(axis=0)
    mean, spread = np.where(constant, numbers[0], numbers.mean(axis=0)), numbers.std(axis=0)
    scale = np.where(constant | (spread <= 0.0), 1.0, spread)
    design = np.column_stack([(numbers - mean) / scale, np.ones(len(numbers))])
    penalty = np.append(np.full(numbers.shape[1], 1.0 / strength), 0.0)
    target = np.asarray(moved, dtype=np.float64)

    def loss(at: FloatArray) -> float:
        odds = design @ at
        return float(np.logaddexp(0.0, odds).sum() - target @ odds + 0.5 * penalty @ (at * at))

    found = np.zeros(len(penalty))
    found[-1] = np.log(target.mean() / (1.0 - target.mean()))
    reached = loss(found)
    for _ in range(_STEPS):
        share = probability(design @ found)
        slope = design.T @ (share - target) + penalty * found
        curvature = (design * (share * (1.0 - share))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.lstsq(curvature, slope, rcond=None)[0]
        least = loss(found - step)
        while least > reached and np.abs(step).max() > _SMALLEST_STEP:
            step = 0.5 * step
            least = loss(found - step)
        if not least <= reached:
            break
        done = reached - least <= _ROUNDING * reached and np.abs(step).max() <= _SMALLEST_STEP
        found, reached = found - step, least
        if done:
            break
    return Fitted(mean, scale, found[:-1], float(found[-1]))


def probability(log_odds: FloatArray) -> FloatArray:
    """Turn log odds into probabilities, without overflow."""
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * log_odds))


class SubstitutionPropensity(Classifier):
    r"""Estimate the propensity to move from an old product to a new one from customers' figures.

    Parameters
    ----------
    inverse_regularisation : float, default=1.0
        C of the ridge penalty: smaller values draw the standardised coefficients nearer to 0.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The classes, sorted; the second one is "moved".
    coefficients_ : ndarray of shape (n_features,)
        Change of the log odds for one standard deviation of each feature.
    intercept_ : float
        Log odds of an average customer.
    mean_, scale_ : ndarray of shape (n_features,)
        Mean and standard deviation of the features at the fit; the scale of a constant feature is 1.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, where they had names.

    Raises
    ------
    DataError
        If a value is missing or infinite, or there are not exactly two classes.
    DomainError
        If `inverse_regularisation` is not positive.

    See Also
    --------
    Substitution.targets : Fits it on the holders of a product, validates it, and ranks those who still hold it.

    Notes
    -----
    With z the standardised features, :math:`P(\text{moved}) = 1 / (1 + e^{-(b + w^T z)})`, fitted by Newton's
    method with the penalty :math:`\|w\|^2 / 2C`, as :class:`~sklearn.linear_model.LogisticRegression` has it.
    "Likeness to those who moved" in this form is ours; the source names the list of present holders of the old
    product and leaves its order open. Cost: O(n p^2) a step, ten steps or so.

    Examples
    --------
    >>> from custvalue import basket
    >>> model = basket.SubstitutionPropensity().fit([[20.0], [25.0], [60.0], [70.0]], [1, 1, 0, 0])
    >>> model.predict([[22.0], [65.0]])
    array([1, 0])
    >>> model.contributions([[22.0]]).round(2)
    array([[1.03]])
    """

    def __init__(self, *, inverse_regularisation: float = 1.0) -> None:
        self.inverse_regularisation = inverse_regularisation

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def fit(self, X: Table, y: ArrayLike) -> Self:
        """Learn from holders of the old product.

        Parameters
        ----------
        X : table of shape (n_customers, n_features)
            Figures as of the beginning.
        y : array_like of shape (n_customers,)
            Whether each moved: two classes, of which the second in their order is "moved".

        Returns
        -------
        SubstitutionPropensity
            The fitted estimator itself.

        Raises
        ------
        DataError
            If a value is missing or infinite, or there are not exactly two classes.
        DomainError
            If `inverse_regularisation` is not positive.
        """
        strength = unboxed(self.inverse_regularisation)
        if isinstance(strength, bool) or not isinstance(strength, int | float) or not 0.0 < strength < np.inf:
            message = "inverse_regularisation must be a positive number."
            raise DomainError(message)
        if y is None:
            message = "This SubstitutionPropensity estimator requires y to be passed, but the target y is None."
            raise DataError(message)
        numbers = checked_table(self, X, reset=True)
        labels = column_or_1d(y, warn=True)
        if labels.dtype.kind == "f" and (missing := int(np.isnan(labels).sum())):
            message = (
                f"y holds {missing} missing value(s); say of each customer whether he moved, or leave him out."
            )
            raise DataError(message)
        check_classification_targets(labels)
        if len(labels) != len(numbers):
            message = f"X has {len(numbers)} rows and y {len(labels)}; one label a customer."
            raise DataError(message)
        self.classes_ = np.unique(labels)
        if len(self.classes_) != _BINARY:
            message = (
                f"Only binary classification is supported. The type of the target is such that y holds "
                f"{len(self.classes_)} class(es); needed: two classes, moved and not."
            )
            raise DataError(message)
        found = ridge_logistic(numbers, labels == self.classes_[1], float(strength))
        self.mean_, self.scale_, self.coefficients_, self.intercept_ = found
        return self

    def _fitted(self) -> Fitted:
        return Fitted(self.mean_, self.scale_, self.coefficients_, self.intercept_)

    def contributions(self, X: Table) -> FloatArray:
        """Give what each feature adds to a customer's log odds, beside an average customer.

        Parameters
        ----------
        X : table of shape (n_customers, n_features)
            Figures, columns as at the fit.

        Returns
        -------
        ndarray of shape (n_customers, n_features)
            Rows plus ``intercept_`` sum to :meth:`decision_function`.

        Raises
        ------
        DataError
            If a value is missing or infinite.
        """
        check_is_fitted(self)
        numbers = checked_table(self, X, reset=False)
        return self._fitted().contributions(numbers)

    def decision_function(self, X: Table) -> FloatArray:
        """Give the log odds to have moved.

        Parameters
        ----------
        X : table of shape (n_customers, n_features)
            Figures, columns as at the fit.

        Returns
        -------
        ndarray of shape (n_customers,)
            Positive where moving is the likelier.

        Raises
        ------
        DataError
            If a value is missing or infinite.
        """
        check_is_fitted(self)
        return self._fitted().log_odds(checked_table(self, X, reset=False))

    def predict_proba(self, X: Table) -> FloatArray:
        """Give the propensity.

        Parameters
        ----------
        X : table of shape (n_customers, n_features)
            Figures, columns as at the fit.

        Returns
        -------
        ndarray of shape (n_customers, 2)
            Probabilities in the order of ``classes_``; the second column is the propensity to move.

        Raises
        ------
        DataError
            If a value is missing or infinite.
        """
        odds = self.decision_function(X)
        return np.column_stack([probability(-odds), probability(odds)])

    def predict(self, X: Table) -> NDArray[Any]:
        """Give the likelier class.

        Parameters
        ----------
        X : table of shape (n_customers, n_features)
            Figures, columns as at the fit.

        Returns
        -------
        ndarray of shape (n_customers,)
            Classes; at even odds the first.

        Raises
        ------
        DataError
            If a value is missing or infinite.
        """
        moved = (self.decision_function(X) > 0.0).astype(np.intp)
        return np.asarray(self.classes_[moved])
