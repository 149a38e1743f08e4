"""The wallet learnt from a survey: what respondents spend elsewhere, carried to all customers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, column_or_1d

from custvalue import _frames
from custvalue._estimators import Regressor, checked_table
from custvalue._wallet_estimate.estimate import WalletEstimate
from custvalue._wallet_estimate.pairing import aligned
from custvalue._wallet_survey import settings as rules
from custvalue._wallet_survey.accuracy import SurveyAccuracy, held_out
from custvalue._wallet_survey.answers import Answers, numbers_of, read, require_own
from custvalue._wallet_survey.columns import Located
from custvalue._wallet_survey.intervals import Conformal, bootstrap_ends, resampled
from custvalue._wallet_survey.models import Sample, Settings, fitted
from custvalue._wallet_survey.ratios import require_respondents
from custvalue._wallet_survey.respondents import design_weights, weighed
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from custvalue._typing import ArrayLike, FloatArray, IntArray, RandomState, Table
    from custvalue._wallet_survey.answers import Outcome, OwnAboveTotal
    from custvalue._wallet_survey.models import Model

_SEEDS = 2**31 - 1


class SurveyWallet(Regressor):
    r"""Estimate wallets from a survey, by what respondents spend elsewhere.

    Parameters
    ----------
    own : str or int, default=None
        Column of X that holds what the customer spends here, by name or place. None: `outcome` must be
        ``"external"``, and :meth:`estimate` is not there.
    outcome : {"total", "external", "share"}, default="total"
        What y holds: spending at all banks, at the others, or own over total in (0, 1].
    model : {"log", "gamma", "boosting", "strata", "hot_deck"}, default="log"
        How spending elsewhere is learnt: least squares on its logarithm with Duan's smearing; a gamma regression;
        gradient boosting; the mean of the stratum, or of the nearest respondents; those equally far share a place.
    features : sequence of str or int, default=None
        Columns of X that the model reads; None: all.
    log_columns : sequence of str or int, default=()
        Columns of X that are read as logarithms beside `own`, which always is: income, balances.
    strata : str or int, default=None
        Column of X that strata are formed by, for ``model="strata"``; None: by `own`.
    n_strata : int, default=None
        Number of equal parts of the customers by that column; None: 10 parts by `own`, and one stratum for each
        value of another column.
    n_neighbors : int, default=30
        Nearest respondents, for ``model="hot_deck"``.
    n_estimators : int, default=60
        Number of trees, for ``model="boosting"``.
    weighting : {None, "propensity", "raking", "both"}, default=None
        Weights of the answers: equal; inverse to the estimated chance to answer; raked to `margins`; or one after
        the other. The first needs the customers without an answer in X.
    margins : mapping or sequence, default=None
        For raking: column to value to known part of the customers, or columns whose parts are counted in X.
    weight_bounds : tuple of float, default=None
        Smallest and largest weight of response beside its mean (propensity) or its beginning (raking); design
        weights are not cut.
    min_respondents : int, default=30
        Fewer answers are refused.
    own_above_total : {"refuse", "raise_total"}, default="refuse"
        What becomes of a stated total below the spending here; a raised one is counted.
    interval : {"conformal", "bootstrap", None}, default="conformal"
        How each customer's interval is made.
    level : float, default=0.9
        Level of the interval.
    calibration : float, default=0.25
        Part of the respondents held out for the conformal interval.
    n_resamples : int, default=200
        Resamples of the bootstrap, at least 20.
    random_state : int or RandomState, default=None
        Chance of splits, resamples and boosting.

    Attributes
    ----------
    response_ : SurveyResponse
        Who answered, weights, design effect and common support.
    smearing_ : float
        Duan's factor; NaN for other models than ``"log"``.
    raised_ : int
        Stated totals that were raised to the spending here.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str
        Names of the columns, where they had names.

    Raises
    ------
    ColumnError
        If a named column is missing.
    DataError
        If an answer contradicts itself, there are too few, or a stratum or margin has none.
    DomainError
        If a setting is none of those allowed.

    See Also
    --------
    ratio_wallet : One ratio for all customers, to compare with.

    Notes
    -----
    Spending here says little about spending elsewhere (Du, Kamakura and Mela 2007 [1]_, abstract), so what is
    modelled is e = total - own, and the size is own + e. ``"log"``: with z the standardised figures,
    :math:`\hat e = s \exp(b^T z)`, b by (weighted) least squares on log e and s the mean of the exponential
    residuals (Duan 1983 [2]_). Where some spend nothing elsewhere, a hundredth of the median positive amount is
    added before the logarithm and taken off after it; ``"gamma"`` does the same, and columns read as logarithms
    too (ours).

    The conformal interval is that of a split: fitted on a part of the respondents, with the ranks of
    (e + c) / (e' + c) on the others, c as above. It holds its level for customers exchangeable with the
    respondents, whatever the model. The bootstrap draws respondents anew and joins residuals; its weights stay as
    they are, and the residuals are those of the fit: with boosting too narrow (.83 for .90 in our
    simulation). Neither knows of customers who are unlike all who answered. Cost: O(n p^2) for ``"log"``.

    Design weights (`sample_weight` of :meth:`fit`), scaled to 1 on average, act as the weights of response do: on
    fits, smearing, means of strata and of the hot deck, residuals joined, errors of :meth:`accuracy`; not on how
    figures are standardised, on offsets, or on the ranks of the conformal interval. Raking starts from them and
    its bounds are those of the factor beside them (Deville and Sarndal 1992 [3]_). The inverse of the chance to
    answer is multiplied to them (Sarndal and Lundstrom 2005 [4]_). X holds all customers, most of whom were not
    drawn, so a plain chance to answer would hold the chance to be drawn, and correct for it twice. It is thus
    fitted with the weights: :math:`\sum_i (d_i a_i - p_i) z_i = b`, a pseudo-likelihood (as Chen, Li and Wu 2020
    [5]_) with d the weight, a whether answered, and b the ridge. Name what the design drew by among the figures:
    where response depends on it beside them, weighted rates are biased (Little and Vartivarian 2003 [6]_). The
    weighted model stands for all customers. :meth:`estimate` carries it to those without an answer: where a large
    part of a segment was drawn that the figures do not tell, take the total of :meth:`predict` (ours). With very
    unequal weights prefer ``"log"``, ``"gamma"`` or ``"strata"``: boosting's leaves count answers, not weights,
    and its total was 16 % too high where the others were within 2 % (1,200 answers drawn by what is hidden).

    References
    ----------
    .. [1] Du, R. Y., Kamakura, W. A., Mela, C. F. (2007). Size and share of customer wallet. *Journal of
       Marketing* 71(2), 94-113.
    .. [2] Duan, N. (1983). Smearing estimate: a nonparametric retransformation method. *Journal of the American
       Statistical Association* 78(383), 605-610.
    .. [3] Deville, J.-C., Sarndal, C.-E. (1992). Calibration estimators in survey sampling. *Journal of the
       American Statistical Association* 87(418), 376-382.
    .. [4] Sarndal, C.-E., Lundstrom, S. (2005). *Estimation in Surveys with Nonresponse*. Wiley.
    .. [5] Chen, Y., Li, P., Wu, C. (2020). Doubly robust inference with nonprobability survey samples. *Journal of
       the American Statistical Association* 115(532), 2011-2021.
    .. [6] Little, R. J., Vartivarian, S. (2003). On weighting the rates in non-response weights. *Statistics in
       Medicine* 22(9), 1589-1599.

    Examples
    --------
    >>> from custvalue import wallet
    >>> nan = float("nan")
    >>> X = [[100.0], [200.0], [400.0], [50.0], [300.0]]
    >>> total = [300.0, 600.0, 1200.0, nan, nan]
    >>> model = wallet.SurveyWallet(own=0, min_respondents=3, interval=None).fit(X, total)
    >>> model.estimate(X, total).size.round()
    array([ 300.,  600., 1200.,  151.,  900.])
    """

    def __init__(
        self,
        *,
        own: str | int | None = None,
        outcome: Outcome = "total",
        model: Model = "log",
        features: Sequence[str | int] | None = None,
        log_columns: Sequence[str | int] = (),
        strata: str | int | None = None,
        n_strata: int | None = None,
        n_neighbors: int = 30,
        n_estimators: int = 60,
        weighting: str | None = None,
        margins: Mapping[Any, Mapping[Any, float]] | Sequence[str | int] | None = None,
        weight_bounds: tuple[float, float] | None = None,
        min_respondents: int = 30,
        own_above_total: OwnAboveTotal = "refuse",
        interval: str | None = "conformal",
        level: float = 0.9,
        calibration: float = 0.25,
        n_resamples: int = 200,
        random_state: RandomState = None,
    ) -> None:
        self.own = own
        self.outcome = outcome
        self.model = model
        self.features = features
        self.log_columns = log_columns
        self.strata = strata
        self.n_strata = n_strata
        self.n_neighbors = n_neighbors
        self.n_estimators = n_estimators
        self.weighting = weighting
        self.margins = margins
        self.weight_bounds = weight_bounds
        self.min_respondents = min_respondents
        self.own_above_total = own_above_total
        self.interval = interval
        self.level = level
        self.calibration = calibration
        self.n_resamples = n_resamples
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        tags.input_tags.positive_only = self.own is not None
        tags.regressor_tags.poor_score = True
        return tags

    def fit(self, X: Table, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn from the answers.

        Parameters
        ----------
        X : table of shape (n_customers, n_columns)
            Figures of the customers, respondents alone or all customers.
        y : array_like of shape (n_customers,)
            Answers, NaN where there is none; a pandas Series beside a pandas frame is paired by its labels.
        sample_weight : array_like of shape (n_customers,), default=None
            Design weights: 1 over the chance to be drawn, above 0 for every respondent, in any unit. What stands
            in rows without an answer is not read. None: all were drawn with one chance.

        Returns
        -------
        SurveyWallet
            The fitted estimator itself.

        Raises
        ------
        ColumnError
            If a named column is missing.
        DataError
            If an answer contradicts itself, there are too few, a stratum or margin has none, a respondent's design
            weight is missing, infinite or not above 0, or pandas labels of X, y and `sample_weight` differ.
        DomainError
            If a setting is none of those allowed.
        """
        rules.require(self.get_params())
        if y is None:
            message = "This SurveyWallet estimator requires y to be passed, but the target y is None."
            raise DataError(message)
        numbers = checked_table(self, X, reset=True)
        self._own, self._figures, self._strata = Located.of(self.get_params(), numbers, self._names())
        told = self._read(numbers, y, X)
        answered = told.answered
        if (n := int(answered.sum())) < self.min_respondents:
            message = (
                f"y holds {n} answer(s) (n_samples = {n}), fewer respondents than min_respondents, which is "
                f"{self.min_respondents}."
            )
            raise DataError(message)
        rng = check_random_state(self.random_state)
        self._settings = Settings(
            self.model, int(self.n_neighbors), int(self.n_estimators), int(rng.randint(_SEEDS))
        )
        design, codes = self._figures.design(numbers), self._codes(numbers)
        if self._strata is not None:
            require_respondents(codes, self._strata.number, answered)
        (_, _, given), _ = aligned(X=X, y=y, sample_weight=sample_weight)
        base = design_weights(given, answered, per="X has")
        self._designed = bool(np.ptp(base) > 0.0)
        self.response_, self._chances = weighed(self.get_params(), numbers, self._names(), design, answered, base)
        sample = Sample(design[answered], codes[answered], told.external[answered], self.response_.weights)
        own = None if self._own is None else numbers[answered, self._own]
        self._sample = sample.in_order()
        self._respondents = (sample, np.zeros(n) if own is None else own)
        if not sample.external.max() > 0.0:
            message = "No respondent spends anything elsewhere: there is nothing to learn from; check the answers."
            raise DataError(message)
        self._model = fitted(self._sample, self._settings)
        self.smearing_ = float(getattr(self._model, "smearing", np.nan))
        self.raised_ = told.raised
        self._band = None
        if self.interval == "conformal":
            self._band = Conformal.of(
                self._sample, self._settings, float(self.level), float(self.calibration), rng
            )
        self._seed = int(rng.randint(_SEEDS))
        return self

    def _names(self) -> list[str] | None:
        held = getattr(self, "feature_names_in_", None)
        return None if held is None else [str(name) for name in held]

    def _read(self, numbers: FloatArray, y: Any, X: Table) -> Answers:
        (_, y), _ = aligned(X=X, y=y)
        own = None if self._own is None else numbers[:, self._own]
        values = numbers_of(
            column_or_1d(np.asarray(_frames.unmasked(y)), warn=True), len(numbers), "y", per="X has"
        )
        return read(values, own, self.outcome, self.own_above_total)

    def _codes(self, numbers: FloatArray) -> IntArray:
        return np.zeros(len(numbers), dtype=np.int64) if self._strata is None else self._strata.codes(numbers)

    def predict(self, X: Table) -> FloatArray:
        """Give what the answer would be: a total, spending elsewhere, or a share, as `outcome` says.

        Parameters
        ----------
        X : table of shape (n_customers, n_columns)
            Figures, columns as at the fit.

        Returns
        -------
        ndarray of shape (n_customers,)
            Expected answers; the share of a customer with nothing anywhere is NaN.

        Raises
        ------
        DataError
            If a figure is missing or infinite, own spend is negative, or a stratum was not met at the fit.
        """
        check_is_fitted(self)
        numbers = checked_table(self, X, reset=False)
        external: FloatArray = self._model.predict(self._figures.design(numbers), self._codes(numbers))
        if self.outcome == "external" or self._own is None:
            return np.asarray(external)
        own = numbers[:, self._own]
        require_own(own)
        total = own + external
        if self.outcome == "total":
            return total
        return np.asarray(np.divide(own, total, out=np.full(len(own), np.nan), where=total > 0.0))

    def estimate(
        self, X: Table, y: ArrayLike | None = None, *, customers: Sequence[Any] | None = None
    ) -> WalletEstimate:
        """Estimate the wallets of customers; respondents keep their answers.

        Parameters
        ----------
        X : table of shape (n_customers, n_columns)
            Figures, columns as at the fit.
        y : array_like of shape (n_customers,), default=None
            Answers of these customers in the unit of `outcome`, NaN where there is none; None: nobody's.
        customers : sequence, default=None
            Labels; None: the index of a pandas frame, or places.

        Returns
        -------
        WalletEstimate
            Total wallets with intervals, and in `reasons` what they rest on.

        Raises
        ------
        DomainError
            If no own-spend column is named.
        DataError
            If figures or answers are refused as at the fit.
        """
        numbers, own, told, external = self._external(X, y)
        design, codes = self._figures.design(numbers), self._codes(numbers)
        low, high, level = None, None, None
        if self._band is not None:
            low, high = self._band.ends(design, codes, external)
        elif self.interval == "bootstrap":
            rng = check_random_state(self._seed)
            low, high = bootstrap_ends(
                self._sample, self._settings, design, codes, level=self.level, times=self.n_resamples, rng=rng
            )
        if low is not None and high is not None:
            level = float(self.level)
            low, high = (own + np.where(told.answered, told.external, end) for end in (low, high))
        external = np.where(told.answered, told.external, external)
        labels = _frames.row_labels(X) if customers is None else customers
        return WalletEstimate.of(
            own,
            own + external,
            low=low,
            high=high,
            level=level,
            kind="total",
            method=f"survey, {self.model}",
            customers=labels,
            reasons=self._reasons(design, told, external),
            observed=told.answered,
            spec=rules.as_json(self.get_params()),
        )

    def _external(self, X: Table, y: ArrayLike | None) -> tuple[FloatArray, FloatArray, Answers, FloatArray]:
        """Give the checked figures, own spend, answers, and the model's spending elsewhere."""
        check_is_fitted(self)
        if self._own is None:
            message = "A wallet needs what the customer spends here: name its column of X in own, and fit again."
            raise DomainError(message)
        numbers = checked_table(self, X, reset=False)
        own = numbers[:, self._own]
        require_own(own)
        told = Answers(np.full(len(own), np.nan), 0) if y is None else self._read(numbers, y, X)
        return numbers, own, told, self._model.predict(self._figures.design(numbers), self._codes(numbers))

    def _reasons(self, design: FloatArray, told: Answers, external: FloatArray) -> list[str]:
        said = replace(self.response_, outside=0).reasons()
        if self._designed:
            said.append(
                "answers count by their design weights; where much of a segment was drawn that the figures do not "
                "tell, take totals of predict, and total_interval without answers"
            )
        asked = design[~told.answered]
        if self._chances is not None and (outside := self._chances.outside(asked)):
            said.append(
                f"{outside} of {len(asked)} customers estimated here are less or more likely to answer than any "
                "respondent: the model is extrapolated to them"
            )
        if beyond := int(np.count_nonzero(external > self._sample.external.max())):
            said.append(f"{beyond} estimate(s) of spending elsewhere lie above the largest answer at the fit")
        if self.interval == "conformal" and self._band is None:
            said.append("no interval: too few respondents to hold out for the level")
        if told.raised or self.raised_:
            said.append(f"{max(told.raised, self.raised_)} stated total(s) below own spend were raised to it")
        return said

    def total_interval(self, X: Table, y: ArrayLike | None = None) -> tuple[float, float]:
        """Give an interval of the sum of all wallets, by the bootstrap of the respondents.

        Parameters
        ----------
        X : table of shape (n_customers, n_columns)
            Figures, columns as at the fit.
        y : array_like of shape (n_customers,), default=None
            Answers of these customers, NaN where there is none. With design weights by which much of a segment
            was drawn, leave it out: the model stands for all customers, not for those who were not drawn.

        Returns
        -------
        tuple of float
            Percentile ends at `level`. They hold what the sample leaves open of the model, not what customers
            differ by beside it (which averages out over many), and no bias of who answered.

        Raises
        ------
        DomainError
            If no own-spend column is named.
        DataError
            If figures or answers are refused as at the fit.
        """
        numbers, own, told, _ = self._external(X, y)
        design, codes = self._figures.design(numbers[~told.answered]), self._codes(numbers[~told.answered])
        known = float(own.sum() + told.external[told.answered].sum())
        rng = check_random_state(self._seed)
        models = resampled(self._sample, self._settings, int(self.n_resamples), rng)
        sums = [known + (float(model.predict(design, codes).sum()) if len(design) else 0.0) for model in models]
        low, high = np.quantile(sums, [(1.0 - self.level) / 2.0, (1.0 + self.level) / 2.0])
        return float(low), float(high)

    def accuracy(
        self,
        X: Table,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        n_folds: int = 10,
        random_state: RandomState = None,
    ) -> SurveyAccuracy:
        """Estimate respondents who were held out, and say how far off that was.

        Parameters
        ----------
        X : table of shape (n_customers, n_columns)
            Figures, as for :meth:`fit`.
        y : array_like of shape (n_customers,)
            Answers, NaN where there is none.
        sample_weight : array_like of shape (n_customers,), default=None
            Design weights, as for :meth:`fit`; they weigh the errors too.
        n_folds : int, default=10
            Number of folds, from 2 to the number of respondents.
        random_state : int or RandomState, default=None
            Chance of the folds.

        Returns
        -------
        SurveyAccuracy
            Bias of the total, weighted mean absolute error of customers, rank correlation of the potential.

        Raises
        ------
        DomainError
            If `n_folds` is no such number.
        DataError
            If the answers are refused as at the fit, or a stratum has a single respondent.
        """
        asked = clone(self).set_params(interval=None).fit(X, y, sample_weight=sample_weight)
        sample, own = asked._respondents  # noqa: SLF001 - one of its own kind
        chance = check_random_state(random_state)
        return held_out(sample, own, asked._settings, n_folds, chance)  # noqa: SLF001 - one of its own kind
