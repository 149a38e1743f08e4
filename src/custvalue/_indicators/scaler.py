"""Indicators to a common scale, by bounds that are learned once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from custvalue import _frames
from custvalue._estimators import Scaler, checked_table
from custvalue._indicators.indicator_sets import IndicatorSet
from custvalue._kernels import scaling
from custvalue._spec import require
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from custvalue._indicators.indicators import Indicator
    from custvalue._typing import BoolArray, FloatArray

_METHODS = ("winsorized", "min_max", "rank")


class IndicatorScaler(Scaler):
    r"""Scale indicators to [0, 1], where 1 is always good, by bounds learned once from the past.

    Parameters
    ----------
    indicators : IndicatorSet, default=None
        Names, directions and null rules. None takes every column as a benefit whose nulls go to the bad end.
    method : {"winsorized", "min_max", "rank"}, default="winsorized"
        Min-max between the two quantiles, because one outlier would set the range of a whole grey group; between
        the smallest and largest value; or the midrank share among the training customers.
    lower_quantile, upper_quantile : float, default=0.01, 0.99
        Quantiles of ``"winsorized"``, type 7 (linear), of the non-null training values; where they coincide the
        smallest and the largest value are used.
    max_null_share : float, default=0.8
        A column with a larger share of nulls in training is refused: it says more about who uses a product than
        about how. 1 allows everything but an empty column.

    Attributes
    ----------
    lower_, upper_ : ndarray of shape (n_features,)
        Bounds, in the indicators' units.
    null_share_, clipped_share_ : ndarray of shape (n_features,)
        Shares of the training customers that were null, or beyond the bounds.
    spread_ : ndarray of shape (n_features,)
        Discriminating spread: interquartile range of the scaled training column, nulls at 0. A column near 0
        tells customers apart only at its ends.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str
        Names of the columns, where `X` had names.

    Raises
    ------
    ColumnError
        If the columns are not the indicators, by name and order.
    DataError
        If a column is constant, has too many nulls, is infinite, or holds a null where its rule is ``"refuse"``.
    DomainError
        If a setting is out of range, or there are fewer than two customers.

    Notes
    -----
    For a benefit :math:`v = \mathrm{clip}((x - l) / (u - l), 0, 1)`, for a cost :math:`1 - v`, null to 0. The
    source normalises (归一化) without saying how; winsorising and the null rule are ours. Cost: :math:`O(n \log
    n)` to fit and :math:`O(n)` to transform, a column.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import rfm
    >>> indicators = rfm.IndicatorSet(indicators=[rfm.Recency(name="recency"), rfm.Monetary(name="turnover")])
    >>> past = pd.DataFrame({"recency": [0.0, 10.0, None], "turnover": [100.0, 300.0, 200.0]})
    >>> scaler = rfm.IndicatorScaler(indicators, method="min_max").fit(past)
    >>> scaler.transform(past)
       recency  turnover
    0      1.0       0.0
    1      0.0       1.0
    2      0.0       0.5
    """

    def __init__(
        self,
        indicators: IndicatorSet | None = None,
        *,
        method: Literal["winsorized", "min_max", "rank"] = "winsorized",
        lower_quantile: float = 0.01,
        upper_quantile: float = 0.99,
        max_null_share: float = 0.8,
    ) -> None:
        self.indicators = indicators
        self.method = method
        self.lower_quantile = lower_quantile
        self.upper_quantile = upper_quantile
        self.max_null_share = max_null_share

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _chosen(self) -> tuple[Indicator, ...] | None:
        if self.indicators is None:
            return None
        return tuple(require(self.indicators, IndicatorSet, "indicators").indicators)

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Give the names of the scaled columns: the indicators', where they are known.

        Parameters
        ----------
        input_features : array_like of str, default=None
            Names of the columns; None takes those of the fit.

        Returns
        -------
        ndarray of str
            One name a column.
        """
        if self.indicators is not None and input_features is None and not hasattr(self, "feature_names_in_"):
            check_is_fitted(self)
            return np.array(self._names(), dtype=object)
        return super().get_feature_names_out(input_features)

    def _names(self) -> list[str]:
        names = getattr(self, "feature_names_in_", None)
        if names is not None:
            return [str(name) for name in names]
        chosen = self._chosen()
        return [one.name for one in chosen] if chosen else [f"column {j}" for j in range(self.n_features_in_)]

    def _checked(self, X: Any, *, reset: bool) -> FloatArray:
        numbers = checked_table(self, X, reset=reset, nulls=True)
        chosen = self._chosen()
        if chosen is None:
            return numbers
        names = [one.name for one in chosen]
        if self._names() != names or numbers.shape[1] != len(names):
            message = (
                f"X has {numbers.shape[1]} columns ({', '.join(self._names())}) and the set has {names}; "
                f"give exactly these columns in order, as snapshot.features has them."
            )
            raise ColumnError(message)
        refused = [
            one.name for j, one in enumerate(chosen) if one.null_rule == "refuse" and np.isnan(numbers[:, j]).any()
        ]
        if refused:
            message = f"X holds nulls in {refused}, whose null_rule is 'refuse'; fill them or change the rule."
            raise DataError(message)
        return numbers

    def _check_settings(self, n_customers: int) -> None:
        if self.method not in _METHODS:
            message = f"method must be one of {', '.join(_METHODS)}."
            raise DomainError(message)
        if not 0.0 <= self.lower_quantile < self.upper_quantile <= 1.0:
            message = "lower_quantile and upper_quantile must satisfy 0 <= lower < upper <= 1."
            raise DomainError(message)
        if not 0.0 <= self.max_null_share <= 1.0:
            message = "max_null_share must lie in [0, 1]."
            raise DomainError(message)
        if n_customers < 2:  # noqa: PLR2004 - a range needs two points
            message = "X has 1 sample (one customer); a scale needs at least two customers."
            raise DomainError(message)

    def fit(self, X: Any, y: object = None) -> Self:
        """Learn the bounds of every column.

        Parameters
        ----------
        X : table of shape (n_customers, n_indicators)
            Indicators of past customers; NaN or null where an indicator has no value.
        y : object, default=None
            Ignored.

        Returns
        -------
        IndicatorScaler
            The fitted scaler.
        """
        del y
        numbers = self._checked(X, reset=True)
        self._check_settings(len(numbers))
        names = self._names()
        null = np.isnan(numbers)
        self.null_share_ = null.mean(axis=0)
        sparse = [
            f"'{name}' ({share:.0%})"
            for name, share in zip(names, self.null_share_, strict=True)
            if share > self.max_null_share or share == 1.0
        ]
        if sparse:
            message = (
                f"X is null too often in {', '.join(sparse)}; allowed: {self.max_null_share:.0%}. Leave these "
                "indicators out, check how the schema maps their kinds, or raise max_null_share."
            )
            raise DataError(message)
        known = [numbers[~null[:, j], j] for j in range(numbers.shape[1])]
        constant = [f"'{name}'" for name, values in zip(names, known, strict=True) if values.min() == values.max()]
        if constant:
            message = f"X is constant in {', '.join(constant)}: it tells no customer from another. Leave it out."
            raise DataError(message)
        low, high = (self.lower_quantile, self.upper_quantile) if self.method == "winsorized" else (0.0, 1.0)
        found = np.array([scaling.bounds(values, low, high) for values in known])
        self.lower_, self.upper_ = found[:, 0], found[:, 1]
        self._ordered = tuple(np.sort(values) for values in known) if self.method == "rank" else ()
        beyond = (numbers < self.lower_) | (numbers > self.upper_)
        self.clipped_share_ = beyond.mean(axis=0)
        quartiles = np.quantile(self._scaled(numbers), [0.25, 0.75], axis=0)
        self.spread_ = quartiles[1] - quartiles[0]
        return self

    def _scaled(self, numbers: FloatArray) -> FloatArray:
        chosen = self._chosen()
        out = np.empty_like(numbers)
        for j in range(numbers.shape[1]):
            if self.method == "rank":
                scaled = scaling.midrank_share(numbers[:, j], self._ordered[j])
            else:
                scaled = scaling.min_max(numbers[:, j], self.lower_[j], self.upper_[j])
            out[:, j] = 1.0 - scaled if chosen is not None and chosen[j].direction == "cost" else scaled
        return np.nan_to_num(out, nan=0.0)

    def transform(self, X: Any) -> Any:
        """Scale customers by the learned bounds.

        Parameters
        ----------
        X : table of shape (n_customers, n_indicators)
            Indicators, in the columns of the fit.

        Returns
        -------
        table of shape (n_customers, n_indicators)
            Values in [0, 1], 1 always good, null at 0; a frame in the caller's library (a pandas frame keeps its
            index), else an array.
        """
        check_is_fitted(self)
        scaled = self._scaled(self._checked(X, reset=False))
        if not _frames.is_frame(X):
            return scaled
        names = _frames.column_names(X) or ()
        return _frames.like(X, {name: scaled[:, j] for j, name in enumerate(names)})

    def used(self, X: Any) -> BoolArray:
        """Tell which values are known, so that 0 can be read as "none on record" and not as "long ago".

        Parameters
        ----------
        X : table of shape (n_customers, n_indicators)
            Unscaled indicators, in the columns of the fit.

        Returns
        -------
        ndarray of bool, shape (n_customers, n_indicators)
            False where the indicator is null.
        """
        check_is_fitted(self)
        return ~np.isnan(self._checked(X, reset=False))

    def report(self) -> pd.DataFrame:
        """Say what the scale makes of each indicator.

        Returns
        -------
        pandas.DataFrame
            One row an indicator: ``indicator``, ``direction``, ``lower``, ``upper``, ``null_share``,
            ``clipped_share``, ``spread``.
        """
        check_is_fitted(self)
        chosen = self._chosen()
        directions = [one.direction for one in chosen] if chosen else ["benefit"] * self.n_features_in_
        return pd.DataFrame(
            {
                "indicator": self._names(),
                "direction": directions,
                "lower": self.lower_,
                "upper": self.upper_,
                "null_share": self.null_share_,
                "clipped_share": self.clipped_share_,
                "spread": self.spread_,
            }
        )
