"""The realistic wallet: what a good customer of the same traits spends here."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeAlias

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, column_or_1d

from custvalue import _frames
from custvalue._estimators import Regressor, checked_table
from custvalue._kernels import pinball
from custvalue._spec import require_choice, unboxed, whole_number
from custvalue._wallet_estimate.estimate import WalletEstimate, amounts
from custvalue._wallet_estimate.pairing import aligned
from custvalue._wallet_models.quantile_learners import LEARNERS, Learnt, Planes, Settings
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import ArrayLike, FloatArray, IntArray, RandomState, Table

#: How the quantiles are learnt.
QuantileModel: TypeAlias = Literal["linear", "boosting", "knn", "forest"]
#: Share of the median positive spend that is added before the logarithm.
_OFFSET: Final = 0.01
_ROUNDING: Final = 1e-9
#: scikit-learn's forests hold single precision.
_SINGLE: Final = float(np.finfo(np.float32).max)
#: Share added to quantiles, so that a spend equal to its quantile does not lie above it by rounding.
_LIFT: Final = 1e-12
_REASONS: Final = (
    "realistic, not total: what a good customer of the same traits spends here; what nobody brings is missing",
    "customers who spend more than their quantile have a potential of 0 by construction",
)


class RealisticWallet(Regressor):
    r"""Estimate what a good customer of the same traits spends here: a high conditional quantile of own spend.

    Parameters
    ----------
    levels : sequence of float, default=(0.5, 0.8, 0.9)
        Levels of the quantiles, each in (0, 1), rising. The highest one is the wallet of :meth:`predict`.
    model : {"linear", "boosting", "knn", "forest"}, default="linear"
        A plane of least pinball loss; scikit-learn's histogram boosting on the pinball loss; the quantile of the
        nearest customers on standardised columns; or quantiles weighted by the leaves of a forest.
    log_spend : bool, default=True
        Whether to work on log(own + offset): the model learns on it, and the conformal correction is a factor of
        own + offset rather than an amount. Quantiles pass unchanged through the logarithm.
    offset : float, default=None
        What is added to own spend before the logarithm, above 0, in the bank's currency; None: a hundredth of the
        median positive spend.
    conformal : bool, default=False
        Whether to correct the quantiles on held-out customers, so that at least the level's share of new
        customers lies at or below them.
    held_out : float, default=0.25
        Share of the customers that are held out for `conformal`, in (0, 1).
    n_neighbors : int, default=50
        Nearest customers of "knn"; all of them where there are fewer.
    n_estimators : int, default=100
        Trees of "forest", rounds of "boosting".
    min_samples_leaf : int, default=20
        Fewest customers in a leaf of "forest" and "boosting".
    random_state : int, RandomState or None, default=None
        Where chance comes from: the held-out customers and the trees. "linear" and "knn" without `conformal` use
        none.

    Attributes
    ----------
    levels_ : ndarray of shape (n_levels,)
        The levels.
    offset_ : float
        What was added before the logarithm; 0 without `log_spend`.
    coefficients_ : ndarray of shape (n_levels, n_features) or None
        Slopes of the planes, on the scale worked on; None of the other models.
    intercepts_ : ndarray of shape (n_levels,) or None
        Intercepts of the planes.
    dropped_ : ndarray of bool, shape (n_features,) or None
        Columns that say nothing beside earlier ones: constant, or a combination of them. Their slope is 0.
    corrections_ : ndarray of shape (n_levels,)
        What the conformal correction adds, on the scale worked on; 0 without `conformal`.
    n_held_out_ : int
        Number of held-out customers.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Names of the features, where they had names.

    Raises
    ------
    DomainError
        If a setting is not allowed.
    DataError
        If a value is missing or infinite, a spend is below 0, there are not more customers than columns, or too
        few are held out for the highest level.

    See Also
    --------
    WalletEstimate : What :meth:`estimate` gives.

    Notes
    -----
    The wallet c(x) fulfils :math:`P(y \le c(x) \mid x) = p` for a high p, .8 or .9 (Rosset et al. 2005 [1]_;
    Perlich et al. 2007 [2]_). It is the realistic wallet and never the total one: where nobody brings all to this
    bank, no quantile of own spend shows what they have elsewhere.

    Planes minimise the pinball loss to a share of 1e-6 of it, shown by the dual
    (:math:`O(n p^2)`, seconds for a million customers). Forest: every customer weighs the mean, over the trees, of
    1 / (customers in the leaf) where it shares the leaf (Meinshausen 2006 [3]_). The nearest customers and the
    leaves give the least spend that a share of at least p does not top; those as far as the last of the nearest
    share its place. Levels learnt one by one may cross; sorting each customer's quantiles mends it and lies on the
    whole no farther from the truth (Chernozhukov et al. 2010 [4]_).

    With `conformal`, each quantile is raised or lowered by the :math:`\lceil (m + 1) p \rceil`-th smallest of
    :math:`y_i - \hat q_p(x_i)` of the m held-out customers, so that a new customer exchangeable with them lies at
    or below with probability at least p (the one-sided form of Romano et al. 2019 [5]_). Quantiles that cross
    after that are raised to the lower level's, which keeps the promise (ours). A share of 1e-12 is added against
    rounding.

    Cost of the answers: "knn" a search in a tree, "forest" trees times customers a leaf, both in blocks of 1,024
    customers.

    Rows may come in any order: where chance or ties play a part, customers are sorted by their figures first.

    References
    ----------
    .. [1] Rosset, S., Perlich, C., Zadrozny, B., Merugu, S., Weiss, S., Lawrence, R. (2005). Wallet estimation
       models. *International Workshop on Customer Relationship Management: Data Mining Meets Marketing*, NYU.
    .. [2] Perlich, C., Rosset, S., Lawrence, R., Zadrozny, B. (2007). High-quantile modeling for customer wallet
       estimation and other applications. *KDD 2007*, 977-985.
    .. [3] Meinshausen, N. (2006). Quantile regression forests. *Journal of Machine Learning Research* 7, 983-999.
    .. [4] Chernozhukov, V., Fernandez-Val, I., Galichon, A. (2010). Quantile and probability curves without
       crossing. *Econometrica* 78(3), 1093-1125.
    .. [5] Romano, Y., Patterson, E., Candes, E. (2019). Conformalized quantile regression. *NeurIPS 32*.

    Examples
    --------
    >>> from custvalue import wallet
    >>> size_of_firm, spend = [[1.0]] * 5 + [[2.0]] * 5, [10, 20, 30, 40, 50, 20, 40, 60, 80, 100]
    >>> model = wallet.RealisticWallet(levels=(0.5, 0.9), log_spend=False).fit(size_of_firm, spend)
    >>> model.predict_levels([[1.0], [2.0]]).round(2)
    array([[ 30.,  50.],
           [ 60., 100.]])
    >>> model.estimate(size_of_firm, spend).potential.round(2)
    array([40., 30., 20., 10.,  0., 80., 60., 40., 20.,  0.])
    """

    def __init__(
        self,
        *,
        levels: Sequence[float] = (0.5, 0.8, 0.9),
        model: QuantileModel = "linear",
        log_spend: bool = True,
        offset: float | None = None,
        conformal: bool = False,
        held_out: float = 0.25,
        n_neighbors: int = 50,
        n_estimators: int = 100,
        min_samples_leaf: int = 20,
        random_state: RandomState = None,
    ) -> None:
        self.levels = levels
        self.model = model
        self.log_spend = log_spend
        self.offset = offset
        self.conformal = conformal
        self.held_out = held_out
        self.n_neighbors = n_neighbors
        self.n_estimators = n_estimators
        self.min_samples_leaf = min_samples_leaf
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        tags.regressor_tags.poor_score = True  # the score is a loss with its sign turned, not a share explained
        tags.non_deterministic = self.random_state is None and (self.conformal or self.model == "forest")
        return tags

    def fit(self, X: Table, y: ArrayLike) -> Self:
        """Learn the quantiles of own spend.

        Parameters
        ----------
        X : table of shape (n_customers, n_features)
            Traits of the customers that do not follow from what they spend here, finite.
        y : array_like of shape (n_customers,)
            Own spend, from 0.

        Returns
        -------
        RealisticWallet
            The fitted estimator itself.

        Raises
        ------
        DomainError
            If a setting is not allowed.
        DataError
            If a value is missing or infinite, a spend is below 0, pandas labels of X and y differ, there are not
            more customers than columns, or too few are held out for the highest level.
        """
        settings, share, offset = self._settings()
        if y is None:
            message = "This RealisticWallet estimator requires y to be passed, but the target y is None."
            raise DataError(message)
        numbers = self._table(X, reset=True)
        own = _spend(y, X, len(numbers), "y")
        if len(numbers) <= numbers.shape[1]:
            message = (
                f"X has n_samples = {len(numbers)} and {numbers.shape[1]} columns; needed: more customers than "
                "columns."
            )
            raise DataError(message)
        if self.model != "linear" or self.conformal:
            order = np.lexsort([own, *numbers.T[::-1]])
            numbers, own = numbers[order], own[order]
        if self.log_spend and offset is None:
            offset = _OFFSET * float(np.median(own[own > 0.0])) if (own > 0.0).any() else 1.0
        self.levels_ = settings.levels
        self.offset_ = 0.0 if offset is None else offset
        rng = check_random_state(self.random_state)
        learnt, held = _parted(len(own), share, numbers.shape[1], settings.levels, rng)
        worked = self._scaled(own)
        self._learnt: Learnt = LEARNERS[self.model](numbers[learnt], worked[learnt], settings, rng)
        planes = self._learnt if isinstance(self._learnt, Planes) else None
        self.coefficients_ = None if planes is None else planes.coefficients
        self.intercepts_ = None if planes is None else planes.intercepts
        self.dropped_ = None if planes is None else planes.dropped
        self.n_held_out_ = len(held)
        self.corrections_ = np.zeros(len(settings.levels))
        if len(held):
            apart = np.sort(worked[held, None] - self._sorted_quantiles(numbers[held]), axis=0)
            places = _conformal_rank(settings.levels, len(held)) - 1
            self.corrections_ = apart[places, np.arange(len(places))]
        return self

    def _settings(self) -> tuple[Settings, float, float | None]:
        """Check the settings; give them, the share held out (0: none), and the offset (None: from the spend)."""
        levels = _levels(self.levels)
        require_choice(self.model, QuantileModel, "model")
        for name in ("log_spend", "conformal"):
            if not isinstance(unboxed(getattr(self, name)), bool):
                message = f"{name} must be True or False."
                raise DomainError(message)
        share, offset = unboxed(self.held_out), unboxed(self.offset)
        if not _is_number(share) or not 0.0 < share < 1.0:
            message = "held_out must lie in (0, 1)."
            raise DomainError(message)
        if offset is not None and not (_is_number(offset) and 0.0 < offset <= _frames.LARGEST):
            message = "offset must be a number above 0, or None."
            raise DomainError(message)
        counts = [whole_number(getattr(self, name), name, 1) for name in Settings._fields[1:]]
        offset = float(offset) if self.log_spend and offset is not None else None
        return Settings(levels, *counts), float(share) if self.conformal else 0.0, offset

    def _table(self, X: Table, *, reset: bool) -> FloatArray:
        numbers = checked_table(self, X, reset=reset)
        if self.model == "forest" and np.abs(numbers).max(initial=0.0) > _SINGLE:
            message = "X holds numbers beyond 3.4e38, which the trees of a forest cannot hold. Scale or cap them."
            raise DataError(message)
        return numbers

    def _scaled(self, own: FloatArray) -> FloatArray:
        return np.log(own + self.offset_) if self.log_spend else own

    def _sorted_quantiles(self, numbers: FloatArray) -> FloatArray:
        return np.sort(self._learnt.quantiles(numbers), axis=1)

    def predict_levels(self, X: Table) -> FloatArray:
        """Give the quantiles of own spend at every level.

        Parameters
        ----------
        X : table of shape (n_customers, n_features)
            Traits, columns as at the fit.

        Returns
        -------
        ndarray of shape (n_customers, n_levels)
            Quantiles, from 0, rising along each row.

        Raises
        ------
        DataError
            If a value is missing or infinite, or lies so far from what was learnt that the spend overflows.
        """
        check_is_fitted(self)
        numbers = self._table(X, reset=False)
        found = self._sorted_quantiles(numbers)
        found += self.corrections_ + _LIFT * (1.0 if self.log_spend else np.abs(found) + np.abs(self.corrections_))
        found = np.maximum.accumulate(found, axis=1)
        limit = np.log(_frames.LARGEST) if self.log_spend else _frames.LARGEST
        if far := int(np.count_nonzero((found > limit).any(axis=1))):
            message = f"X holds {far} customer(s) so far from those learnt from that their spend overflows."
            raise DataError(message)
        spend = np.exp(found) - self.offset_ if self.log_spend else found
        return np.where(spend > _ROUNDING * self.offset_, spend, 0.0)

    def predict(self, X: Table) -> FloatArray:
        """Give the realistic wallet: the quantile at the highest level.

        Parameters
        ----------
        X : table of shape (n_customers, n_features)
            Traits, columns as at the fit.

        Returns
        -------
        ndarray of shape (n_customers,)
            Wallets, from 0.

        Raises
        ------
        DataError
            If a value is missing or infinite, or lies so far from what was learnt that the spend overflows.
        """
        return np.asarray(self.predict_levels(X)[:, -1])

    def score(self, X: Table, y: ArrayLike) -> float:  # type: ignore[override]  # unweighted
        """Give the mean pinball loss at the highest level, its sign turned, so that more is better.

        Parameters
        ----------
        X : table of shape (n_customers, n_features)
            Traits, columns as at the fit.
        y : array_like of shape (n_customers,)
            Own spend, from 0.

        Returns
        -------
        float
            At most 0, in the bank's currency.

        Raises
        ------
        DataError
            If a value is missing or infinite, a spend below 0, or pandas labels differ.
        """
        wallets = self.predict(X)
        return -pinball.pinball_loss(_spend(y, X, len(wallets), "y"), wallets, float(self.levels_[-1]))

    def coverage(self, X: Table, own: ArrayLike) -> FloatArray:
        """Give the share of customers at or below their quantile, to be held against the levels.

        Parameters
        ----------
        X : table of shape (n_customers, n_features)
            Traits of customers not learnt from, columns as at the fit.
        own : array_like of shape (n_customers,)
            Own spend, from 0.

        Returns
        -------
        ndarray of shape (n_levels,)
            Shares, one a level.

        Raises
        ------
        DataError
            If a value is missing or infinite, a spend below 0, or pandas labels differ.
        """
        quantiles = self.predict_levels(X)
        spend = _spend(own, X, len(quantiles), "own")
        return np.array([pinball.coverage(spend, column) for column in quantiles.T])

    def estimate(
        self, X: Table, own: ArrayLike, *, level: float | None = None, customers: Sequence[Any] | None = None
    ) -> WalletEstimate:
        """Give the realistic wallet, share and potential of each customer.

        Parameters
        ----------
        X : table of shape (n_customers, n_features)
            Traits, columns as at the fit.
        own : array_like of shape (n_customers,)
            Own spend, from 0.
        level : float, default=None
            Which of `levels` is the wallet; None: the highest.
        customers : sequence, default=None
            Labels, one a customer; None: the index of a pandas frame, or their places.

        Returns
        -------
        WalletEstimate
            Of the kind "realistic", without an interval. Customers above their quantile are raised to their own
            spend and counted.

        Raises
        ------
        DomainError
            If `level` is none of `levels`.
        DataError
            If a value is missing or infinite, a spend below 0, or pandas labels differ.
        """
        check_is_fitted(self)
        place = _place(self.levels_, level)
        sizes = self.predict_levels(X)[:, place]
        chosen = float(self.levels_[place])
        told = {"model": self.model, "level": chosen, "log_spend": self.log_spend, "offset": self.offset_}
        told |= {"conformal": self.conformal}
        return WalletEstimate.of(
            _spend(own, X, len(sizes), "own"),
            sizes,
            kind="realistic",
            method=f"quantile {chosen:g} of own spend, {self.model}",
            customers=_frames.row_labels(X) if customers is None else customers,
            reasons=_REASONS,
            spec=json.dumps(told, sort_keys=True, default=str),
        )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _levels(levels: object) -> FloatArray:
    """Give the levels, rising in (0, 1); refuse anything else."""
    listed = list(levels) if isinstance(levels, Iterable) else []
    numbers = all(_is_number(unboxed(level)) for level in listed)
    found = np.array([float(unboxed(level)) for level in listed] if numbers else [])
    inside = len(found) > 0 and bool(((found > 0.0) & (found < 1.0)).all())
    if not inside or (np.diff(found) <= 0.0).any():
        message = "levels must be numbers in (0, 1), each higher than the one before."
        raise DomainError(message)
    return found


def _place(levels: FloatArray, level: object) -> int:
    """Give where the level stands among those fitted; None: the last."""
    wanted = unboxed(level)
    if wanted is None:
        return len(levels) - 1
    near = np.abs(levels - wanted) <= _ROUNDING if _is_number(wanted) else np.zeros(1, dtype=np.bool_)
    if not near.any():
        message = f"level is none of the fitted levels {levels.tolist()}; take one of them, or fit it."
        raise DomainError(message)
    return int(np.argmax(near))


def _spend(own: ArrayLike, X: Table, n: int, argument: str) -> FloatArray:
    """Give own spend, one a customer, from 0; a pandas Series beside a pandas frame is paired by its labels."""
    given = _frames.unmasked(aligned(**{"X": X, argument: own})[0][1])
    if np.asarray(given).dtype.kind == "c":  # scikit-learn's own message would show the figures
        message = f"{argument} holds complex numbers; allowed: amounts from 0."
        raise DomainError(message)
    return amounts(column_or_1d(given, warn=True), argument, n)


def _conformal_rank(levels: FloatArray, n: int) -> IntArray:
    return np.ceil(levels * (n + 1) - _ROUNDING).astype(np.int64)


def _parted(
    n: int, share: float, n_columns: int, levels: FloatArray, rng: np.random.RandomState
) -> tuple[IntArray, IntArray]:
    """Give the customers learnt from and those held out, both in their order."""
    if not share:
        return np.arange(n), np.arange(0)
    n_held = round(share * n)
    if n - n_held <= n_columns:
        message = (
            f"X leaves {n - n_held} of n_samples = {n} customers to learn from, and has {n_columns} columns; "
            "needed: more customers than columns. Lower held_out or give more customers."
        )
        raise DataError(message)
    if _conformal_rank(levels[-1:], n_held)[0] > n_held:
        needed = int(np.ceil(levels[-1] / (1.0 - levels[-1]) - _ROUNDING))
        message = (
            f"held_out leaves {n_held} of n_samples = {n} customers for the correction; the level "
            f"{levels[-1]:g} needs {needed}. Give more customers, or a lower level."
        )
        raise DataError(message)
    shuffled = rng.permutation(n)
    return np.sort(shuffled[n_held:]), np.sort(shuffled[:n_held])
