"""The model of Glady and Croux: the size of the wallet from counts of transactions, without a survey."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from custvalue._kernels import thinned_poisson as kernel
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import require_choice, unboxed
from custvalue._wallet_estimate.estimate import WalletEstimate, amounts
from custvalue._wallet_estimate.pairing import aligned, in_order, labels_of
from custvalue._wallet_models.designs import Design, coefficient_table, design
from custvalue._wallet_models.identification import (
    Fit,
    excluded_rank,
    exclusion_reason,
    fitted,
    reasons_against,
)
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from custvalue._typing import ArrayLike, FloatArray, Table

Form: TypeAlias = Literal["posterior", "truncated"]
#: Beyond this ratio of Pearson's statistic to its freedom the reasons mention that counts vary too much.
DISPERSED = 1.5
MOST_COUNTS = 1e12


@dataclass(frozen=True, eq=False, repr=False)
class GladyCroux:
    r"""Size and share of the wallet in transactions, from counts seen here.

    Attributes
    ----------
    customers : tuple
        Labels of the customers, or their places where none were given.
    counts : ndarray of shape (n_customers,)
        Transactions seen here.
    rate : ndarray of shape (n_customers,)
        Expected number of transactions everywhere, :math:`\lambda`.
    share : ndarray of shape (n_customers,)
        Probability that a transaction is made here, :math:`\pi`, in (0, 1).
    size_names, share_names : tuple of str
        Names of the coefficients, the intercept first.
    size_coefficients : ndarray of shape (n_size,)
        :math:`\beta`, in the units of the features.
    share_coefficients : ndarray of shape (n_share,)
        :math:`\alpha`, in the units of the features.
    size_standard_errors, share_standard_errors : ndarray
        Standard errors of both; NaN where the information is singular.
    covariance : ndarray of shape (n_size + n_share, n_size + n_share)
        Covariance of both together, NaN where the information is singular.
    log_likelihood : float
        At the maximum, constants included.
    dispersion : float
        Pearson's statistic divided by its degrees of freedom; 1 under the model.
    identified : bool
        Whether no check found anything against it.
    reasons : tuple of str
        What the checks found, and what else to keep in mind.
    curvature : float
        Least eigenvalue of the information scaled to a diagonal of 1; 0 if singular.
    unbounded_p : float
        p-value against the limit of an infinite wallet with a share of 0.
    relative_error : float
        Standard error of the total size divided by the total size.
    spread : float
        Largest relative difference in the total size between optima of like likelihood.
    excluded : int
        Dimensions of the share's features that no feature of the size spans.
    provenance : Provenance
        Package version, settings and counts.

    See Also
    --------
    glady_croux : Makes it, and gives formulas and sources.

    Examples
    --------
    >>> import numpy as np
    >>> from custvalue import wallet
    >>> rng = np.random.default_rng(0)
    >>> income, distance = rng.normal(size=(2, 4000))
    >>> n = rng.poisson(np.exp(2.0 + 0.5 * income))
    >>> x = rng.binomial(n, 1.0 / (1.0 + np.exp(-0.5 + 1.5 * distance)))
    >>> found = wallet.glady_croux(x, size_features=income[:, None], share_features=distance[:, None])
    >>> found.to_frame()[["part", "feature"]].values.tolist()
    [['size', 'intercept'], ['size', 'column 0'], ['share', 'intercept'], ['share', 'column 0']]
    >>> bool(abs(found.size_coefficients[0] - 2.0) < 3 * found.size_standard_errors[0])
    True
    >>> found.estimate().kind
    'total'
    """

    customers: tuple[Any, ...]
    counts: FloatArray
    rate: FloatArray
    share: FloatArray
    size_names: tuple[str, ...]
    share_names: tuple[str, ...]
    size_coefficients: FloatArray
    share_coefficients: FloatArray
    size_standard_errors: FloatArray
    share_standard_errors: FloatArray
    covariance: FloatArray
    log_likelihood: float
    dispersion: float
    identified: bool
    reasons: tuple[str, ...]
    curvature: float
    unbounded_p: float
    relative_error: float
    spread: float
    excluded: int
    provenance: Provenance

    def __len__(self) -> int:
        return len(self.counts)

    def size(self, *, form: Form = "posterior") -> FloatArray:
        r"""Give the expected number of transactions everywhere.

        Parameters
        ----------
        form : {"posterior", "truncated"}, default="posterior"
            The posterior mean given what was seen, :math:`x + \lambda (1 - \pi)`; or the published form, which
            only uses that there are at least as many, :math:`E[n \mid n \ge x]`.

        Returns
        -------
        ndarray of shape (n_customers,)
            Sizes, at least `counts`.

        Raises
        ------
        DomainError
            If `form` is unknown.
        """
        require_choice(form, Form, "form")
        if form == "posterior":
            return kernel.posterior_size(self.counts, self.rate, self.share)
        return kernel.truncated_size(self.counts, self.rate)

    def estimate(
        self, *, spend_per_transaction: ArrayLike | None = None, form: Form = "posterior", level: float = 0.95
    ) -> WalletEstimate:
        """Give the wallet, in transactions or in money.

        Parameters
        ----------
        spend_per_transaction : array_like, default=None
            Mean amount of a transaction, from 0: one number, or one a customer. Transactions elsewhere are taken
            to be as large as those here. None: the wallet is counted in transactions.
        form : {"posterior", "truncated"}, default="posterior"
            As for `size`.
        level : float, default=0.95
            Level of the interval, in (0, 1).

        Returns
        -------
        WalletEstimate
            Total wallets. The interval is that of the number of transactions given the count, for both forms; it
            takes the coefficients as known, and the published form may lie outside it.

        Raises
        ------
        DomainError
            If `form` is unknown, `level` lies outside (0, 1), or the amounts are not one or one a customer.
        DataError
            If an amount is missing, below 0 or infinite, or a pandas Series has other labels than the customers.
        """
        size = self.size(form=form)
        chosen = unboxed(level)
        if not isinstance(chosen, int | float) or not 0.0 < chosen < 1.0:
            message = "level must lie in (0, 1)."
            raise DomainError(message)
        low, high = kernel.posterior_interval(self.counts, self.rate, self.share, chosen)
        reasons = list(self.reasons)
        price = np.ones(len(self))
        if spend_per_transaction is not None:
            index = pd.Index(self.customers)
            given = np.asarray(in_order(index, spend_per_transaction, "spend_per_transaction", "customers"))
            price = amounts(
                np.full(len(self), given) if given.ndim == 0 else given, "spend_per_transaction", len(self)
            )
            reasons.append("Transactions elsewhere are taken to be as large as those here.")
        reasons.append("The interval takes the coefficients as known.")
        return WalletEstimate.of(
            self.counts * price,
            size * price,
            low=low * price,
            high=high * price,
            level=chosen,
            kind="total",
            method=f"glady_croux, {form}",
            customers=self.customers,
            identified=self.identified,
            reasons=reasons,
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
        return short_repr("GladyCroux", customers=len(self), identified=self.identified)

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        known = "identified" if self.identified else "not identified: " + "; ".join(self.reasons)
        return html_table(list(frame.columns), frame.itertuples(index=False), caption=f"Glady and Croux, {known}")


def glady_croux(
    counts: ArrayLike,
    *,
    size_features: Table | None,
    share_features: Table | None,
    customers: Sequence[Any] | None = None,
    start_shares: Sequence[float] = (0.05, 0.2, 0.5, 0.8, 0.95),
    significance: float = 0.01,
    max_relative_error: float = 0.25,
    on_unidentified: Literal["raise", "warn"] = "raise",
) -> GladyCroux:
    r"""Estimate size and share of the wallet from counts of transactions alone.

    Do not use it without a feature that drives the share and has nothing to do with the size, such as the distance
    to a branch among customers who live where they live for other reasons: without one the answer rests on the
    form of the curves only, and it is refused.

    Parameters
    ----------
    counts : array_like of int, shape (n_customers,)
        Transactions of each customer here, whole numbers from 0; never scaled.
    size_features : array_like or frame of shape (n_customers, n_features), or None
        What drives the number of transactions everywhere; a constant is added. None: the constant alone.
    share_features : array_like or frame of shape (n_customers, n_features), or None
        What drives the share made here; a constant is added. At least one must not follow from `size_features`.
    customers : sequence, default=None
        Labels, one a customer; None: the index of the first pandas argument, else the places.
    start_shares : sequence of float, default=(0.05, 0.2, 0.5, 0.8, 0.95)
        Shares in (0, 1) from which the climbs begin, two from each.
    significance : float, default=0.01
        Level at which an infinite wallet must be rejected, in (0, 1).
    max_relative_error : float, default=0.25
        Largest relative standard error of the total size, and largest difference between like optima, above 0.
    on_unidentified : {"raise", "warn"}, default="raise"
        Refuse what the data do not determine, or give it with a warning, `identified` False and the reasons.

    Returns
    -------
    GladyCroux
        Coefficients with standard errors, rates, shares, and the checks.

    Raises
    ------
    DomainError
        If a setting lies outside its range, shapes do not fit, or the model is not identified and
        `on_unidentified` is "raise".
    DataError
        If counts are not whole numbers from 0, all are 0, a feature is missing or infinite, constant, or follows
        from the others of its table, there are not more customers than coefficients, or pandas arguments have
        different labels (the same in another order are put in order).
    ColumnError
        If a column of a frame holds no numbers.

    Warns
    -----
    UserWarning
        If the model is not identified and `on_unidentified` is "warn".

    See Also
    --------
    two_view_wallet : Amounts in place of counts, with a survey as anchor.

    Notes
    -----
    Glady and Croux [1]_ let customer i make :math:`n_i \sim \text{Poisson}(\lambda_i)` transactions with
    :math:`\lambda_i = \exp(v_i'\beta)`, of which :math:`x_i \sim \text{Binomial}(n_i, \pi_i)` are seen here,
    :math:`\pi_i = 1 / (1 + \exp(-w_i'\alpha))`. (Model and size formula were read in a public program that
    reproduces the article's equations, and checked by derivation; of the article the abstract was read.) So
    :math:`x_i` is Poisson with mean :math:`\lambda_i \pi_i` and

    .. math:: \log L = \sum_i x_i \log(\lambda_i \pi_i) - \lambda_i \pi_i - \log x_i!,

    with gradients :math:`\sum (x_i - \lambda_i \pi_i) v_i` and
    :math:`\sum (x_i - \lambda_i \pi_i)(1 - \pi_i) w_i`. It is climbed by Newton steps in a trusted region from
    several starts; nothing is drawn by chance.

    *Size.* What is not seen is Poisson of mean :math:`\lambda (1 - \pi)` and independent of what is seen (thinning
    [2]_), so the posterior mean is :math:`x + \lambda (1 - \pi)`. The published
    :math:`E[n \mid n \ge x] = \lambda (1 - F(x - 2)) / (1 - F(x - 1))` forgets that x was seen with share pi;
    it is offered by name.

    *Identification* (the checks are ours). In :math:`\log \lambda \pi = v'\beta - \log(1 + e^{-w'\alpha})` the
    level of the size and that of the share are told apart by the bend of the second term alone. A feature of the
    share that is kept out of the size shows the bend, if it takes more than two values; a feature in both can hide
    it. Five checks: such a feature exists; the information matrix is not singular; the limit
    :math:`\pi \to 0, \lambda \to \infty`, a log-linear model in all features, is rejected by a likelihood ratio
    test (so that the wallet is bounded); the standard error of the total size is small enough; optima from other
    starts whose log likelihoods lie within 1.92 tell the same total. They cannot see whether the feature that was
    kept out truly has nothing to do with the size: that is the caller's to know. They err on the small side where
    the feature is weak: in our simulations the few samples of a weak feature that passed gave totals a tenth too
    small, since a steep bend by luck is what lets them pass.

    *Dispersion.* Where Pearson's statistic exceeds its degrees of freedom, covariance and the test are corrected
    by their ratio, as McCullagh and Nelder [3]_ do; the interval of a customer's size is not. Above 1.5 the
    reasons say so: then the law of a customer's count is not Poisson, and the posterior size leans too much on the
    features and too little on the count.

    Cost: O(n (p + q)^2) a step; two climbs a start of some ten to fifty steps. With 200,000 customers and seven
    features that was half a minute on one core; fewer `start_shares` cost less.

    References
    ----------
    .. [1] Glady, N., Croux, C. (2009). Predicting customer wallet without survey data. *Journal of Service
       Research*, 11(3), 219-231.
    .. [2] Kingman, J. F. C. (1993). *Poisson Processes*. Oxford University Press.
    .. [3] McCullagh, P., Nelder, J. A. (1989). *Generalized Linear Models*, 2nd ed. Chapman and Hall.

    Examples
    --------
    >>> import numpy as np
    >>> from custvalue import wallet
    >>> income = np.linspace(-1.0, 1.0, 50)[:, None]
    >>> wallet.glady_croux(np.arange(50), size_features=income, share_features=None)
    Traceback (most recent call last):
    custvalue.exceptions.DomainError: The wallet is not identified: the share has no features, ...
    """
    settings = _settings(start_shares, significance, max_relative_error, on_unidentified)
    tables, index = aligned(counts=counts, size_features=size_features, share_features=share_features)
    x = _whole_counts(tables[0])
    size, share = design(tables[1], len(x), "size_features"), design(tables[2], len(x), "share_features")
    labels = labels_of(index, customers, len(x))
    number = len(size.names) + len(share.names)
    if len(x) <= number:
        message = f"counts has {len(x)} customers for {number} coefficients; more customers than that are needed."
        raise DataError(message)
    structure = exclusion_reason(excluded_rank(size.matrix, share.matrix), constant=share_features is None)
    if structure and on_unidentified == "raise":
        _refuse(structure)
    fit = fitted(size.matrix, share.matrix, x, settings["start_shares"])
    against = structure + reasons_against(
        fit, significance=settings["significance"], max_relative_error=settings["max_relative_error"]
    )
    if against and on_unidentified == "raise":
        _refuse(against)
    if against:
        message = f"The wallet is not identified: {'; '.join(against)}. Its figures rest on assumptions."
        warnings.warn(message, UserWarning, stacklevel=2)
    return _result(x, size, share, fit, against, labels, json.dumps(settings, sort_keys=True))


def _refuse(reasons: Sequence[str]) -> None:
    message = (
        f"The wallet is not identified: {'; '.join(reasons)}. Give a feature of the share that does not drive the "
        "size, or more customers, or pass on_unidentified='warn'."
    )
    raise DomainError(message)


def _result(
    x: FloatArray,
    size: Design,
    share: Design,
    fit: Fit,
    against: Sequence[str],
    labels: tuple[Any, ...],
    spec: str,
) -> GladyCroux:
    p, q = len(size.names), len(share.names)
    back = np.zeros((p + q, p + q))
    back[:p, :p], back[p:, p:] = size.back, share.back
    theta, covariance = back @ fit.theta, back @ fit.covariance @ back.T
    errors = np.sqrt(np.diag(covariance))
    rate, pi = kernel.rates(fit.theta, size.matrix, share.matrix)
    reasons = list(against)
    if fit.dispersion > DISPERSED:
        reasons.append(f"Counts vary {fit.dispersion:.1f} times as much as the Poisson law has it.")
    return GladyCroux(
        customers=labels,
        counts=read_only(x),
        rate=read_only(rate),
        share=read_only(pi),
        size_names=size.names,
        share_names=share.names,
        size_coefficients=read_only(theta[:p]),
        share_coefficients=read_only(theta[p:]),
        size_standard_errors=read_only(errors[:p]),
        share_standard_errors=read_only(errors[p:]),
        covariance=read_only(covariance),
        log_likelihood=fit.log_likelihood,
        dispersion=fit.dispersion,
        identified=not against,
        reasons=tuple(reasons),
        curvature=fit.curvature,
        unbounded_p=fit.unbounded_p,
        relative_error=fit.relative_error,
        spread=fit.spread,
        excluded=fit.excluded,
        provenance=provenance(spec, customers=len(x), transactions=int(x.sum())),
    )


def _whole_counts(counts: ArrayLike) -> FloatArray:
    x = amounts(counts, "counts")
    if strange := int(np.count_nonzero((x != np.floor(x)) | (x > MOST_COUNTS))):
        message = (
            f"counts holds {strange} number(s) that are no whole numbers from 0 to {MOST_COUNTS:g}; counts of "
            "transactions must not be scaled."
        )
        raise DataError(message)
    if not x.any():
        message = "counts are all 0; there is nothing to learn from."
        raise DataError(message)
    return x


def _settings(
    start_shares: Sequence[float], significance: float, max_relative_error: float, on_unidentified: str
) -> dict[str, Any]:
    if on_unidentified not in ("raise", "warn"):
        message = f"on_unidentified is {on_unidentified!r}; allowed: 'raise', 'warn'."
        raise DomainError(message)
    shares = [unboxed(one) for one in start_shares] if isinstance(start_shares, Sequence | np.ndarray) else []
    if not shares or not all(isinstance(one, int | float) and 0.0 < one < 1.0 for one in shares):
        message = "start_shares must be numbers in (0, 1), one at least."
        raise DomainError(message)
    level, error = unboxed(significance), unboxed(max_relative_error)
    if not isinstance(level, int | float) or not 0.0 < level < 1.0:
        message = "significance must lie in (0, 1)."
        raise DomainError(message)
    if not isinstance(error, int | float) or isinstance(error, bool) or not 0.0 < error < np.inf:
        message = "max_relative_error must be a number above 0."
        raise DomainError(message)
    return {
        "start_shares": [float(one) for one in shares],
        "significance": float(level),
        "max_relative_error": float(error),
        "on_unidentified": on_unidentified,
    }
