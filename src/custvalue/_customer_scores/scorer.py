"""Scores 1 to k for every indicator, by cut points that are learned once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from custvalue import _frames
from custvalue._customer_scores.score_table import (
    CUT_LIMIT,
    METHODS,
    MOST_BINS,
    SUFFIX,
    ScoreCuts,
    ScoreMethod,
    ScoreTable,
    require_known,
    scores_of,
)
from custvalue._estimators import Scaler, checked_table
from custvalue._indicators.indicator_sets import IndicatorSet
from custvalue._kernels import scoring
from custvalue._results import read_only
from custvalue._spec import require, unboxed, whole_number
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from custvalue._typing import ArrayLike, FloatArray


class RFMScorer(Scaler):
    r"""Score indicators from 1 to k, where more is better, by cut points learned once from past customers.

    Scores say who is better, not by how much: for a similarity or a composite value use :class:`IndicatorScaler`.

    Parameters
    ----------
    indicators : IndicatorSet, default=None
        Names, directions and null rules of exactly the columns, in their order; ``indicators.select("recency")``
        is a set of some of them. None takes every column as a benefit whose nulls score 1.
    n_bins : int or mapping of str to int, default=5
        Number of scores k, from 2 to 1000, for all columns or for each by name. Not read with
        ``method="thresholds"``, where k is one more than the thresholds.
    method : {"midrank", "quantile", "thresholds", "r_rfm"}, default="midrank"
        By rank, with the middle of the ranks for equal values; by quantiles; by the given thresholds; or by the
        quantiles plus 1 of the R package rfm.
    thresholds : array_like of float, or mapping of str to array_like of float, default=None
        For ``"thresholds"`` only: rising cuts in the unit of the indicators, or a single one as a number, for all
        columns or for each by name. A pandas Series with texts as its index, such as ``X.mean()``, is read by
        name. A value equal to a threshold belongs to those above it: it scores higher as a benefit, lower as a
        cost.

    Attributes
    ----------
    score_table_ : ScoreTable
        The cut points as data.
    null_counts_ : ndarray of int, shape (n_features,)
        Training customers without a value, who score 1 and are left out of the cut points.
    score_counts_ : tuple of ndarray of int
        For each column the training customers of each score 1 to k, nulls among those of score 1.
    empty_scores_ : tuple of tuple of int
        For each column the scores that no training customer has, as ties leave them.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str
        Names of the columns, where `X` had names.

    Raises
    ------
    ColumnError
        If the columns are not the indicators, by name and order, or `n_bins` or `thresholds` name others.
    DataError
        If a column is all null, is infinite, or holds a null where its rule is ``"refuse"``.
    DomainError
        If a setting is out of range, or there are fewer than two customers.

    See Also
    --------
    ScoreTable : The cut points, which need no estimator to be applied.
    SegmentMap : Names groups of scores.

    Notes
    -----
    For the :math:`n` known values of a column in rising order, and a benefit,

    - ``"midrank"``: :math:`s(x) = \lceil k (\bar r(x) - 1/2) / n \rceil` with :math:`\bar r` the middle of the
      ranks of the values equal to :math:`x`. The cut below a score is the smallest training value of that score or
      a higher one, so the cuts give the training customers these very scores. Ours.
    - ``"quantile"``: 1 plus the number of the quantiles :math:`Q(1/k), \ldots, Q((k-1)/k)` strictly below
      :math:`x`, type 7 of Hyndman and Fan [1]_. A value equal to a cut has the lower score.
    - ``"r_rfm"``: 1 plus the number of :math:`Q(j/k) + 1` not above :math:`x`, as the R package rfm 0.3 does it
      [2]_. It equals ``"quantile"`` on whole numbers with whole quantiles. Where the values differ by less than 1,
      as turnover in thousands may, it puts nearly everybody into score 1: for comparison only. R gives no score
      beyond the fitted range; here the end scores go on. Of the package's published table of 39,999 customers
      ``"quantile"`` scores everybody as R does; ``"midrank"`` differs in 178 recencies, 5,146 frequencies and 68
      revenues, where many equal customers stand across a cut.

    A cost scores :math:`k + 1 - s`, exactly. Equal customers always score equal, so heavy ties leave scores empty;
    the scale stays 1 to k, and `empty_scores_` tells which. Where all are equal, midrank gives the middle score
    and the quantiles the lowest bin. Cost: :math:`O(n \log n)` to fit and :math:`O(n \log k)` to transform, a
    column.

    References
    ----------
    .. [1] Hyndman, R. J. and Fan, Y. (1996). Sample quantiles in statistical packages. *The American
       Statistician*, 50(4), 361-365.
    .. [2] Hebbali, A. (2024). *rfm: Recency, Frequency and Monetary Value Analysis*. R package 0.3.0, ``bins``
       in ``R/utils.R`` and ``R/rfm-table-customer.R``.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import rfm
    >>> indicators = rfm.IndicatorSet(indicators=[rfm.Recency(name="recency"), rfm.Monetary(name="turnover")])
    >>> past = pd.DataFrame({"recency": [0.0, 10.0, 20.0, None], "turnover": [400.0, 300.0, 200.0, 200.0]})
    >>> scorer = rfm.RFMScorer(indicators, n_bins=3).fit(past)
    >>> scorer.transform(past)
       recency_score  turnover_score
    0              3               3
    1              2               2
    2              1               1
    3              1               1
    >>> scorer.score_table_.columns[1].cuts
    (300.0, 400.0)
    >>> scorer.transform(pd.DataFrame({"recency": [15.0], "turnover": [399.0]}))
       recency_score  turnover_score
    0              2               2

    Some of the indicators, cut once at their means:

    >>> some = past[["turnover"]]
    >>> rfm.RFMScorer(
    ...     indicators.select("turnover"), method="thresholds", thresholds=some.mean()
    ... ).fit_transform(some)["turnover_score"].tolist()
    [2, 2, 1, 1]
    """

    def __init__(
        self,
        indicators: IndicatorSet | None = None,
        *,
        n_bins: int | Mapping[str, int] = 5,
        method: ScoreMethod = "midrank",
        thresholds: ArrayLike | Mapping[str, ArrayLike] | None = None,
    ) -> None:
        self.indicators = indicators
        self.n_bins = n_bins
        self.method = method
        self.thresholds = thresholds

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    @classmethod
    def from_score_table(cls, score_table: ScoreTable, indicators: IndicatorSet | None = None) -> Self:
        """Build a fitted scorer from stored cut points.

        Parameters
        ----------
        score_table : ScoreTable
            Cut points, all by the same method.
        indicators : IndicatorSet, default=None
            The indicators they belong to, which a later `fit` reads. None where all columns are benefits whose
            nulls score 1.

        Returns
        -------
        RFMScorer
            A scorer that transforms at once. It has seen no training customers, so the counts are missing.

        Raises
        ------
        ColumnError
            If the table's names, directions or null rules are not those of the indicators.
        DomainError
            If the columns have different methods; such a table is used by its `apply`.
        """
        require(score_table, ScoreTable, "score_table")
        methods = sorted({column.method for column in score_table.columns})
        if len(methods) > 1:
            message = f"score_table mixes the methods {methods}; a scorer has one. Use score_table.apply."
            raise DomainError(message)
        names = score_table.names
        thresholds = {one.name: [cut for cut in one.cuts if cut is not None] for one in score_table.columns}
        known = methods[0] == "thresholds"
        scorer = cls(
            indicators,
            n_bins=5 if known else score_table.n_bins,
            method=score_table.columns[0].method,
            thresholds=thresholds if known else None,
        )
        expected = scorer._rules(names)
        if expected != {one.name: (one.direction, one.null_rule) for one in score_table.columns}:
            message = (
                "score_table and indicators differ in names, order, directions or null rules; give the indicators "
                "that the table was made with."
            )
            raise ColumnError(message)
        scorer.score_table_ = score_table
        scorer.n_features_in_ = len(names)
        if list(names) != [f"x{j}" for j in range(len(names))]:
            scorer.feature_names_in_ = np.array(names, dtype=object)
        return scorer

    def _rules(self, names: Sequence[str]) -> dict[str, tuple[str, str]]:
        """For each column its direction and null rule, in order."""
        if self.indicators is None:
            return dict.fromkeys(names, ("benefit", "worst"))
        chosen = require(self.indicators, IndicatorSet, "indicators").indicators
        if [one.name for one in chosen] != list(names):
            message = (
                f"X has {len(names)} columns ({', '.join(names)}) and the set has {[one.name for one in chosen]}; "
                f"give exactly these columns in order, as snapshot.features has them, or a part of the set, as "
                "indicators.select(*names) gives it."
            )
            raise ColumnError(message)
        return {one.name: (one.direction, one.null_rule) for one in chosen}

    def _names(self) -> list[str]:
        names = getattr(self, "feature_names_in_", None)
        if names is not None:
            return [str(name) for name in names]
        if self.indicators is not None:
            chosen = require(self.indicators, IndicatorSet, "indicators").indicators
            if len(chosen) == self.n_features_in_:
                return [one.name for one in chosen]
        return [f"x{j}" for j in range(self.n_features_in_)]

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Give the names of the columns of scores: the indicators' with ``_score`` behind.

        Parameters
        ----------
        input_features : array_like of str, default=None
            Names of the columns; None takes those of the fit.

        Returns
        -------
        ndarray of str
            One name a column.
        """
        check_is_fitted(self)
        if input_features is None and not hasattr(self, "feature_names_in_"):
            names = self._names()
        else:
            names = [str(name) for name in super().get_feature_names_out(input_features)]
        return np.array([f"{name}{SUFFIX}" for name in names], dtype=object)

    def _bins(self, names: Sequence[str]) -> dict[str, int]:
        """For each column its number of scores."""
        if not isinstance(self.n_bins, Mapping):
            return dict.fromkeys(names, whole_number(self.n_bins, "n_bins", 2, MOST_BINS))
        _require_names(self.n_bins, names, "n_bins")
        return {name: whole_number(self.n_bins[name], f"n_bins['{name}']", 2, MOST_BINS) for name in names}

    def _given_cuts(self, names: Sequence[str]) -> dict[str, list[float]]:
        """For each column the thresholds that were given."""
        if self.thresholds is None:
            message = "method 'thresholds' needs thresholds: rising cuts, for all columns or for each by name."
            raise DomainError(message)
        given: object = self.thresholds
        if isinstance(given, pd.Series) and any(isinstance(label, str) for label in given.index):
            if not given.index.is_unique:
                message = "thresholds is a Series that names a column twice; allowed: each once."
                raise ColumnError(message)
            given = given.to_dict()
        if isinstance(given, Mapping):
            _require_names(given, names, "thresholds")
            return {name: _rising(given[name], f"thresholds['{name}']") for name in names}
        return dict.fromkeys(names, _rising(given, "thresholds"))

    def _learned_cuts(self, names: Sequence[str], numbers: FloatArray) -> dict[str, list[float | None]]:
        """For each column the cuts among its known values."""
        bins = self._bins(names)
        empty = [name for j, name in enumerate(names) if np.isnan(numbers[:, j]).all()]
        if empty:
            message = f"X is null throughout in {empty}: there is nothing to cut. Leave these columns out."
            raise DataError(message)
        found: dict[str, list[float | None]] = {}
        for j, name in enumerate(names):
            column = numbers[:, j]
            ordered = np.sort(column[~np.isnan(column)])
            if self.method == "midrank":
                cuts = scoring.midrank_cuts(ordered, bins[name])
            else:
                cuts = scoring.quantile_cuts(ordered, bins[name]) + (1.0 if self.method == "r_rfm" else 0.0)
            found[name] = [None if np.isnan(cut) else float(cut) for cut in cuts]
        return found

    def fit(self, X: Any, y: object = None) -> Self:
        """Learn the cut points of every column.

        Parameters
        ----------
        X : table of shape (n_customers, n_indicators)
            Unscaled indicators of past customers; NaN or null where an indicator has no value.
        y : object, default=None
            Ignored.

        Returns
        -------
        RFMScorer
            The fitted scorer.
        """
        del y
        numbers = checked_table(self, X, reset=True, nulls=True)
        names = self._names()
        rules = self._rules(names)
        if self.method not in METHODS:
            message = f"method must be one of {', '.join(METHODS)}."
            raise DomainError(message)
        if self.thresholds is not None and self.method != "thresholds":
            message = f"thresholds go with method 'thresholds', not with '{self.method}'; leave one of them out."
            raise DomainError(message)
        if len(numbers) < 2:  # noqa: PLR2004 - a rank needs somebody to compare with
            message = "X has 1 sample (one customer); scores need at least two customers."
            raise DomainError(message)
        null = np.isnan(numbers)
        require_known(names, null.any(axis=0) & np.array([rules[name][1] == "refuse" for name in names]))
        given = self.method == "thresholds"
        cuts = self._given_cuts(names) if given else self._learned_cuts(names, numbers)
        columns = [
            {"name": name, "method": self.method, "cuts": cuts[name], "direction": way, "null_rule": null_rule}
            for name, (way, null_rule) in rules.items()
        ]
        self.score_table_ = ScoreTable(columns=[ScoreCuts.model_validate(column) for column in columns])
        scores = scores_of(self.score_table_, numbers)
        bins = self.score_table_.n_bins
        self.null_counts_ = read_only(null.sum(axis=0))
        self.score_counts_ = tuple(
            read_only(np.bincount(scores[:, j], minlength=bins[name] + 1)[1:]) for j, name in enumerate(names)
        )
        self.empty_scores_ = tuple(
            tuple((np.flatnonzero(counts == 0) + 1).tolist()) for counts in self.score_counts_
        )
        return self

    def transform(self, X: Any) -> Any:
        """Score customers by the learned cut points.

        Parameters
        ----------
        X : table of shape (n_customers, n_indicators)
            Unscaled indicators, in the columns of the fit.

        Returns
        -------
        table of shape (n_customers, n_indicators)
            Whole scores from 1, the worst and that of null, to k; a frame in the caller's library whose columns
            have ``_score`` behind their names (a pandas frame keeps its index), else an array.
        """
        check_is_fitted(self)
        scores = scores_of(self.score_table_, checked_table(self, X, reset=False, nulls=True))
        if not _frames.is_frame(X):
            return scores
        return _frames.like(X, {name: scores[:, j] for j, name in enumerate(self.score_table_.score_names)})

    def report(self) -> pd.DataFrame:
        """Say what the scores make of each indicator of the training customers.

        Returns
        -------
        pandas.DataFrame
            One row an indicator: ``indicator``, ``direction``, ``method``, ``n_bins``, ``customers``, ``nulls``,
            ``empty_scores`` (as text) and ``largest_share``, the share of customers in the fullest score.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the scorer was not fitted, or was built from a table and has seen no customers.
        """
        check_is_fitted(self, "score_counts_")
        columns = self.score_table_.columns
        customers = [int(counts.sum()) for counts in self.score_counts_]
        return pd.DataFrame(
            {
                "indicator": [one.name for one in columns],
                "direction": [one.direction for one in columns],
                "method": [one.method for one in columns],
                "n_bins": [one.n_bins for one in columns],
                "customers": customers,
                "nulls": self.null_counts_,
                "empty_scores": [", ".join(map(str, scores)) for scores in self.empty_scores_],
                "largest_share": [
                    counts.max() / n for counts, n in zip(self.score_counts_, customers, strict=True)
                ],
            }
        )


def _require_names(given: Mapping[str, object], names: Sequence[str], argument: str) -> None:
    """Refuse a mapping that does not name exactly the columns."""
    missing = [name for name in names if name not in given]
    unknown = [name for name in given if name not in names]
    if missing or unknown:
        parts = [f"missing: {missing}"] * bool(missing) + [f"unknown: {unknown}"] * bool(unknown)
        message = f"{argument} must name exactly the columns {list(names)} ({'; '.join(parts)})."
        raise ColumnError(message)


def _rising(cuts: object, argument: str) -> list[float]:
    """Give thresholds, or a single one, as plain floats; refuse what does not rise."""
    numbers = unboxed(cuts)
    for to_list in ("tolist", "to_list"):  # arrays and pandas' series, those of others
        numbers = getattr(numbers, to_list)() if hasattr(numbers, to_list) else numbers
    numbers = [numbers] if isinstance(numbers, int | float) else numbers
    if isinstance(numbers, Sequence) and not isinstance(numbers, str | bytes):
        plain = [unboxed(number) for number in numbers]
        real = all(isinstance(one, int | float) and not isinstance(one, bool) for one in plain)
        finite = real and all(-CUT_LIMIT <= one <= CUT_LIMIT for one in plain)
        if finite and 0 < len(plain) < MOST_BINS and all(low < high for low, high in pairwise(plain)):
            return [float(one) for one in plain]
    message = (
        f"{argument} must be 1 to {MOST_BINS - 1} finite numbers, each larger than the one before, or a single "
        "number."
    )
    raise DomainError(message)
