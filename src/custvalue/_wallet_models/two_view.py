"""Two views of a wallet that nobody sees: what drives it, and what is made of it here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from scipy.special import logsumexp, ndtri
from scipy.stats import f as f_law

from custvalue import _frames
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import require_choice, unboxed
from custvalue._wallet_estimate.estimate import WalletEstimate, amounts
from custvalue._wallet_estimate.pairing import aligned, labels_of
from custvalue._wallet_models.designs import Design, coefficient_table, design, rank_of
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from custvalue._typing import ArrayLike, BoolArray, FloatArray, Table

Scale: TypeAlias = Literal["log", "identity"]
#: Fewer told wallets than these give no slope worth having (ours).
FEWEST_TOLD = 10
DOUBT = 0.05


@dataclass(frozen=True, eq=False, repr=False)
class TwoViewWallet:
    r"""Wallets between two views, with the anchor that sets their level.

    Attributes
    ----------
    customers : tuple
        Labels of the customers, or their places where none were given.
    own : ndarray of shape (n_customers,)
        Spending here.
    latent : ndarray of shape (n_customers,)
        Posterior mean of the wallet, on the chosen scale.
    variance : float
        Variance of the wallet about `latent`, on the chosen scale.
    scale : {"log", "identity"}
        Whether the equations hold for logarithms or for amounts.
    size_names, share_names : tuple of str
        Names of the coefficients, the intercept first.
    size_coefficients : ndarray of shape (n_size,)
        :math:`a_0, a`, in the units of the features.
    share_coefficients : ndarray of shape (n_share,)
        :math:`b_0, b`, in the units of the features.
    size_standard_errors, share_standard_errors : ndarray
        Of the slopes; NaN for intercepts, which the anchor sets.
    residual_variance : float
        Variance of spending about the regression, that of both errors together.
    size_noise_share : float
        :math:`k`, the part of the residual variance that belongs to the wallet, in [0, 1].
    independence_p : float
        p-value of the interactions of both views; small speaks against the model. NaN if there are none to test.
    told : ndarray of shape (n_customers,)
        Wallets told in the survey; NaN where none was.
    identified : bool
        Whether a survey sample sets the level and k; False where k was stated.
    reasons : tuple of str
        What the estimate rests on.
    provenance : Provenance
        Package version, settings and counts.

    See Also
    --------
    two_view_wallet : Makes it, and gives formulas and source.

    Examples
    --------
    >>> import numpy as np
    >>> from custvalue import wallet
    >>> rng = np.random.default_rng(0)
    >>> income, visits = rng.normal(size=(2, 500))
    >>> own = np.exp(3.0 + income + 0.4 * visits + rng.normal(scale=0.5, size=500))
    >>> found = wallet.two_view_wallet(own, size_features=income[:, None], share_features=visits[:, None],
    ...     survey_total=3.0 * own.sum(), size_noise_share=0.5)
    >>> found.size_coefficients[1:].round(1), found.share_coefficients[1:].round(1)
    (array([1.]), array([0.4]))
    >>> found.identified, found.estimate().kind
    (False, 'total')
    """

    customers: tuple[Any, ...]
    own: FloatArray
    latent: FloatArray
    variance: float
    scale: Scale
    size_names: tuple[str, ...]
    share_names: tuple[str, ...]
    size_coefficients: FloatArray
    share_coefficients: FloatArray
    size_standard_errors: FloatArray
    share_standard_errors: FloatArray
    residual_variance: float
    size_noise_share: float
    independence_p: float
    told: FloatArray
    identified: bool
    reasons: tuple[str, ...]
    provenance: Provenance

    def __len__(self) -> int:
        return len(self.own)

    def estimate(self, *, level: float = 0.95) -> WalletEstimate:
        """Give the wallets; those told in the survey are kept as told.

        Parameters
        ----------
        level : float, default=0.95
            Level of the interval, in (0, 1).

        Returns
        -------
        WalletEstimate
            Total wallets: the mean of the law of each, with its central interval, coefficients taken as known.
            Sizes below own are raised to it, which lifts the sum above a stated total.

        Raises
        ------
        DomainError
            If `level` lies outside (0, 1).
        """
        chosen = unboxed(level)
        if not isinstance(chosen, int | float) or not 0.0 < chosen < 1.0:
            message = "level must lie in (0, 1)."
            raise DomainError(message)
        half = float(ndtri(0.5 + 0.5 * chosen)) * np.sqrt(self.variance)
        low, high = self.latent - half, self.latent + half
        size = self.latent
        if self.scale == "log":
            low, high, size = np.exp(low), np.exp(high), np.exp(size + 0.5 * self.variance)
        asked = ~np.isnan(self.told)
        low, high, size = (np.where(asked, self.told, np.maximum(one, 0.0)) for one in (low, high, size))
        return WalletEstimate.of(
            self.own,
            size,
            low=low,
            high=high,
            level=chosen,
            kind="total",
            method="two_view_wallet",
            customers=self.customers,
            identified=self.identified,
            reasons=self.reasons,
            observed=asked,
            spec=self.provenance.spec,
        )

    def to_frame(self) -> pd.DataFrame:
        """Give one row a coefficient.

        Returns
        -------
        pandas.DataFrame
            ``part`` (``size`` or ``share``), ``feature``, ``coefficient``, ``standard_error``.
        """
        return coefficient_table(
            self.size_names,
            self.share_names,
            (self.size_coefficients, self.size_standard_errors),
            (self.share_coefficients, self.share_standard_errors),
        )

    def __repr__(self) -> str:
        return short_repr("TwoViewWallet", customers=len(self), scale=self.scale, identified=self.identified)

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        caption = f"Two-view wallet on the {self.scale} scale, k = {self.size_noise_share:.3g}; "
        return html_table(
            list(frame.columns), frame.itertuples(index=False), caption=caption + "; ".join(self.reasons)
        )


@dataclass(frozen=True, eq=False)
class _Regression:
    """Least squares of spending on both views."""

    signal: FloatArray
    slopes: FloatArray
    errors: FloatArray
    residuals: FloatArray
    variance: float
    independence_p: float


def two_view_wallet(
    own: ArrayLike,
    *,
    size_features: Table,
    share_features: Table | None = None,
    survey_total: float | None = None,
    size_noise_share: float | None = None,
    surveyed: ArrayLike | None = None,
    scale: Scale = "log",
    customers: Sequence[Any] | None = None,
) -> TwoViewWallet:
    r"""Estimate wallets as the unseen link between what drives them and what is spent here, at a stated anchor.

    The data alone tell neither the level of the wallets nor how much of the noise is theirs. So an anchor must be
    stated: wallets told by a sample, `surveyed`, which gives both; or the sum of all wallets, `survey_total`, with
    the part of the noise, `size_noise_share`.

    Parameters
    ----------
    own : array_like of shape (n_customers,)
        Spending here; above 0 on the log scale, else from 0.
    size_features : array_like or frame of shape (n_customers, n_features)
        What drives the wallet, such as income or turnover.
    share_features : array_like or frame of shape (n_customers, n_features), default=None
        What drives the part that is spent here, given the wallet; none may follow from `size_features`.
    survey_total : float, default=None
        Sum of the wallets of these customers, at least the sum of `own`.
    size_noise_share : float, default=None
        :math:`k`, in [0, 1]: 0 if all noise is in the share, 1 if all is in the wallet.
    surveyed : array_like of shape (n_customers,), default=None
        Wallet told by the customer, at least `own`; NaN where none was. Ten are needed.
    scale : {"log", "identity"}, default="log"
        Whether the equations hold for logarithms, so that shares are ratios, or for amounts.
    customers : sequence, default=None
        Labels, one a customer; None: the index of the first pandas argument, else the places.

    Returns
    -------
    TwoViewWallet
        Coefficients, wallets, and what they rest on.

    Raises
    ------
    DomainError
        If no anchor or more than one is stated, a number lies outside its range, or shapes do not fit.
    DataError
        If an amount is missing, infinite, or outside its range, a told wallet lies below `own`, fewer than ten are
        told, a feature is missing, constant or follows from others, there are too few customers, or pandas
        arguments have different labels (the same in another order are put in order).
    ColumnError
        If a column of a frame holds no numbers.

    See Also
    --------
    glady_croux : Counts in place of amounts.

    Notes
    -----
    Merugu, Rosset and Perlich [1]_ take the wallet as an unobserved link between two views that are independent
    given the wallet, and show that with Gaussian noise maximum likelihood is one least squares. (Their abstract
    was read; the formulas here are derived from it.) With spending s, features x of the wallet and z of the share,
    all amounts in logarithms on the log scale,

    .. math:: W = a_0 + a'x + e_1, \qquad s = W + b_0 + b'z + e_2,

    so that s regressed on 1, x, z gives a, b and :math:`c = a_0 + b_0`, and

    .. math:: \hat W = (1 - k)(a_0 + a'x) + k (s - b_0 - b'z) = a_0 + a'x + k r,
       \qquad k = \frac{\operatorname{var} e_1}{\operatorname{var} e_1 + \operatorname{var} e_2},

    with r the residual. Neither :math:`a_0` nor k appears in the regression. *Survey sample*: what is left of told
    wallets after :math:`a'x`, regressed on r, gives both; respondents are taken to follow the same equations as
    others, and the variance about that line is the variance of a wallet. A k beyond [0, 1] is set to its end, and
    said. *Stated total*: :math:`a_0` makes the expected wallets sum to it, and the variance of a wallet is
    :math:`k (1 - k) \operatorname{var} r`. On the log scale the size is the mean of the log-normal law.

    The independence of both views is tested as in the article, by the interactions of x with z in the regression
    (F test); a p-value below .05 is among the reasons. Cost: O(n (p q)^2).

    References
    ----------
    .. [1] Merugu, S., Rosset, S., Perlich, C. (2006). A new multi-view regression approach with an application to
       customer wallet estimation. *Proceedings of the 12th ACM SIGKDD International Conference on Knowledge
       Discovery and Data Mining*.

    Examples
    --------
    >>> from custvalue import wallet
    >>> wallet.two_view_wallet([1.0, 2.0], size_features=[[1.0], [2.0]])
    Traceback (most recent call last):
    custvalue.exceptions.DomainError: The two-view wallet needs an anchor: surveyed, or survey_total with ...
    """
    require_choice(scale, Scale, "scale")
    total, k = _anchor(survey_total, size_noise_share, surveyed)
    tables, index = aligned(own=own, size_features=size_features, share_features=share_features, surveyed=surveyed)
    here = _spending(tables[0], scale)
    size, share = design(tables[1], len(here), "size_features"), design(tables[2], len(here), "share_features")
    labels = labels_of(index, customers, len(here))
    told = np.full(len(here), np.nan) if surveyed is None else _told(tables[3], here)
    if total is not None and total < here.sum():
        message = "survey_total lies below the sum of own; the wallets hold at least what is here."
        raise DomainError(message)
    found = _regression(np.log(here) if scale == "log" else here, size, share)
    reasons: list[str] = []
    if total is None:
        level, k, variance = _from_sample(found, told, scale, reasons)
    else:
        k = float(k or 0.0)
        variance = k * (1.0 - k) * found.variance
        level = _from_total(found, k, variance, total, scale)
        reasons.append(
            f"The total is as stated, and the part of the noise that is the wallet's, {k:g}, was stated."
        )
    if found.independence_p < DOUBT:
        reasons.append(f"Both views interact (p = {found.independence_p:.2g}); the model has them independent.")
    p = len(size.names)
    constant = float(found.slopes[0])
    settings = {"scale": scale, "survey_total": total, "size_noise_share": None if total is None else k}
    return TwoViewWallet(
        customers=labels,
        own=read_only(here),
        latent=read_only(level + found.signal + k * found.residuals),
        variance=variance,
        scale=scale,
        size_names=size.names,
        share_names=share.names,
        size_coefficients=read_only(size.back @ np.concatenate([[level], found.slopes[1:p]])),
        share_coefficients=read_only(share.back @ np.concatenate([[constant - level], found.slopes[p:]])),
        size_standard_errors=read_only(np.concatenate([[np.nan], np.diag(size.back)[1:] * found.errors[1:p]])),
        share_standard_errors=read_only(np.concatenate([[np.nan], np.diag(share.back)[1:] * found.errors[p:]])),
        residual_variance=found.variance,
        size_noise_share=k,
        independence_p=found.independence_p,
        told=read_only(told),
        identified=total is None,
        reasons=tuple(reasons),
        provenance=provenance(
            json.dumps(settings, sort_keys=True), customers=len(here), told=int(np.count_nonzero(~np.isnan(told)))
        ),
    )


def _anchor(
    survey_total: float | None, size_noise_share: float | None, surveyed: ArrayLike | None
) -> tuple[float | None, float | None]:
    """Give total and k, or neither where a sample was surveyed; refuse anything that is not one anchor."""
    total, k = unboxed(survey_total), unboxed(size_noise_share)
    if (surveyed is None) == (total is None) or (total is None) != (k is None):
        message = (
            "The two-view wallet needs an anchor: surveyed, or survey_total with size_noise_share; the data tell "
            "neither the level of the wallets nor their part of the noise. Give one of both."
        )
        raise DomainError(message)
    if total is None:
        return None, None
    if isinstance(total, bool) or not isinstance(total, int | float) or not 0.0 < total < np.inf:
        message = "survey_total must be a number above 0."
        raise DomainError(message)
    if isinstance(k, bool) or not isinstance(k, int | float) or not 0.0 <= k <= 1.0:
        message = "size_noise_share must lie in [0, 1]."
        raise DomainError(message)
    return float(total), float(k)


def _spending(own: ArrayLike, scale: Scale) -> FloatArray:
    here = amounts(own, "own")
    if scale == "log" and (none := int(np.count_nonzero(here <= 0.0))):
        message = (
            f"own holds {none} amount(s) of 0, which have no logarithm; leave them out or use scale='identity'."
        )
        raise DataError(message)
    return here


def _told(surveyed: ArrayLike, here: FloatArray) -> FloatArray:
    try:
        told = np.array(_frames.unmasked(surveyed), dtype=np.float64)
    except (TypeError, ValueError):
        message = "surveyed must hold numbers, one a customer, NaN where no wallet was told."
        raise DomainError(message) from None
    if told.shape != here.shape:
        message = (
            f"surveyed has shape {told.shape}; allowed: {len(here)} numbers, one a customer, NaN where not told."
        )
        raise DomainError(message)
    asked = ~np.isnan(told)
    amounts(told[asked], "surveyed")
    if below := int(np.count_nonzero(told[asked] < here[asked])):
        message = f"surveyed lies below own for {below} customer(s); mend the answers or own."
        raise DataError(message)
    if int(asked.sum()) < FEWEST_TOLD:
        message = f"surveyed holds {int(asked.sum())} wallet(s); at least {FEWEST_TOLD} are needed."
        raise DataError(message)
    return told


def _regression(s: FloatArray, size: Design, share: Design) -> _Regression:
    p = size.matrix.shape[1]
    X = np.column_stack([size.matrix, share.matrix[:, 1:]])
    n, m = X.shape
    if n <= m:
        message = f"own has {n} customers for {m} coefficients; more customers than that are needed."
        raise DataError(message)
    if rank_of(X) < m:
        message = "share_features has columns that follow from size_features; a feature belongs to one view."
        raise DataError(message)
    slopes = np.asarray(np.linalg.lstsq(X, s, rcond=None)[0], dtype=np.float64)
    residuals = s - X @ slopes
    rest = float(residuals @ residuals)
    if rest <= 1e-20 * float(s @ s):
        message = "own follows from the features without a rest; there is nothing that the wallet could explain."
        raise DataError(message)
    variance = rest / (n - m)
    errors = np.asarray(np.sqrt(variance * np.diag(np.linalg.inv(X.T @ X))), dtype=np.float64)
    independence = _independence(residuals, X, size.matrix[:, 1:], share.matrix[:, 1:])
    return _Regression(size.matrix[:, 1:] @ slopes[1:p], slopes, errors, residuals, variance, independence)


def _independence(residuals: FloatArray, X: FloatArray, x: FloatArray, z: FloatArray) -> float:
    """Give the p-value of the F test that all products of a column of x and one of z add nothing."""
    products = (x[:, :, None] * z[:, None, :]).reshape(len(x), -1)
    if not products.shape[1] or len(x) <= X.shape[1] + products.shape[1]:
        return float("nan")
    basis = np.linalg.qr(X)[0]
    extra = products - basis @ (basis.T @ products)
    left, values, _ = np.linalg.svd(extra, full_matrices=False)
    kept = left[:, values > 1e-8 * np.sqrt(len(x))]
    freedom, rest = kept.shape[1], len(x) - X.shape[1] - kept.shape[1]
    if not freedom:
        return float("nan")
    explained = float(np.sum((kept.T @ residuals) ** 2))
    unexplained = max(float(residuals @ residuals) - explained, 1e-300)
    return float(f_law.sf(explained / freedom / (unexplained / rest), freedom, rest))


def _from_sample(
    found: _Regression, told: FloatArray, scale: Scale, reasons: list[str]
) -> tuple[float, float, float]:
    """Give level, k and variance from the told wallets, and say if k had to be set to an end."""
    asked: BoolArray = ~np.isnan(told)
    known = np.log(told[asked]) if scale == "log" else told[asked]
    left, r = known - found.signal[asked], found.residuals[asked]
    around = r - r.mean()
    slope = float(around @ left) / float(around @ around)
    k = min(1.0, max(0.0, slope))
    if k != slope:
        reasons.append(f"The survey puts the wallet's part of the noise at {slope:.2g}; it was set to {k:g}.")
    level = float(left.mean() - k * r.mean())
    rest = left - level - k * r
    variance = float(rest @ rest) / (len(rest) - 2)
    reasons.append(f"Level and noise come from {len(rest)} told wallets, taken to follow the same equations.")
    return level, k, variance


def _from_total(found: _Regression, k: float, variance: float, total: float, scale: Scale) -> float:
    """Give the level at which the expected wallets sum to the total."""
    rest = found.signal + k * found.residuals
    if scale == "log":
        return float(np.log(total) - logsumexp(rest) - 0.5 * variance)
    return float((total - rest.sum()) / len(rest))
