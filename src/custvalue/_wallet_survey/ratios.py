"""Wallets by one ratio for all, or one a stratum: offered by name, with the warning they deserve."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from custvalue._kernels.raking import design_effect
from custvalue._spec import require_choice
from custvalue._wallet_estimate.estimate import WalletEstimate, amounts
from custvalue._wallet_estimate.pairing import aligned, labels_of
from custvalue._wallet_survey.answers import OwnAboveTotal, numbers_of, read
from custvalue._wallet_survey.respondents import design_weights
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import ArrayLike, BoolArray, FloatArray, IntArray

RatioMethod: TypeAlias = Literal["stratified_ratio", "ratio_of_sums", "mean_of_ratios", "mean_of_shares"]
_ONE_FACTOR = (
    "spending elsewhere is taken for a fixed multiple of spending here, so customers rank by what they spend "
    "here; SurveyWallet models what is spent elsewhere"
)
WARNINGS = {
    "stratified_ratio": f"one ratio a stratum: within it {_ONE_FACTOR}",
    "ratio_of_sums": f"one ratio for all: {_ONE_FACTOR}",
    "mean_of_ratios": "the mean of the customers' ratios is carried by those who spend next to nothing here, and "
    f"overshoots totals; use a ratio of sums. One ratio for all: {_ONE_FACTOR}",
    "mean_of_shares": "the mean of the customers' shares weighs a small wallet as a large one, and is wrong for "
    f"totals; use a ratio of sums. One ratio for all: {_ONE_FACTOR}",
}


def ratio_wallet(
    own: ArrayLike,
    total: ArrayLike,
    *,
    method: RatioMethod = "stratified_ratio",
    strata: ArrayLike | None = None,
    own_above_total: OwnAboveTotal = "refuse",
    sample_weight: ArrayLike | None = None,
    customers: Sequence[Any] | None = None,
) -> WalletEstimate:
    r"""Multiply what customers spend here by a ratio that respondents told.

    Parameters
    ----------
    own : array_like of shape (n_customers,)
        Spending here of all customers, from 0. A row may also be the sum of many customers.
    total : array_like of shape (n_customers,)
        Spending at all banks that a respondent stated; NaN where there is no answer.
    method : {"stratified_ratio", "ratio_of_sums", "mean_of_ratios", "mean_of_shares"}, default="stratified_ratio"
        Sum of totals over sum of own within each stratum; the same over all; the mean of total / own; one over
        the mean of own / total. The last two are wrong for totals and are there to be compared with.
    strata : array_like of shape (n_customers,), default=None
        Stratum of each customer; for ``stratified_ratio`` only.
    own_above_total : {"refuse", "raise_total"}, default="refuse"
        What becomes of an answer below the spending here.
    sample_weight : array_like of shape (n_customers,), default=None
        Design weights: 1 over the chance to be drawn, above 0 for every respondent, in any unit; not read where
        there is no answer. None: all were drawn with one chance.
    customers : sequence, default=None
        Labels, one a customer; None: the index of the first pandas argument, else the places.

    Returns
    -------
    WalletEstimate
        Total wallets; respondents keep their answers, and `reasons` hold the warning.

    Raises
    ------
    DomainError
        If `method` is unknown, `strata` are given or lacking against it, or `customers` are not one a customer.
    DataError
        If an amount is negative or infinite, own lies above total, nobody answered, a stratum is missing or has
        no respondent, there are fewer respondents than strata, a ratio has nothing below it, a respondent's design
        weight is missing, infinite or not above 0, or pandas arguments have different labels (the same in another
        order are put in order).

    See Also
    --------
    SurveyWallet : Models what is spent elsewhere.

    Notes
    -----
    With respondents s and strata h, :math:`\hat W_i = o_i \sum_{s_h} w / \sum_{s_h} o`: the ratio estimate made
    apart in each stratum (Cochran 1977, ch. 6 [1]_). With design weights d the sums are
    :math:`\sum_{s_h} d w / \sum_{s_h} d o`, and the means are weighted (Sarndal, Swensson and Wretman 1992, ch. 7
    [3]_); they stand for all customers, respondents among them, so that few of any stratum should have been drawn.
    Spending here says little about spending elsewhere (Du,
    Kamakura and Mela 2007 [2]_, abstract), so no ratio ranks customers by their potential. Cost: O(n).

    References
    ----------
    .. [1] Cochran, W. G. (1977). *Sampling Techniques*, 3rd ed. Wiley.
    .. [2] Du, R. Y., Kamakura, W. A., Mela, C. F. (2007). Size and share of customer wallet. *Journal of
       Marketing* 71(2), 94-113.
    .. [3] Sarndal, C.-E., Swensson, B., Wretman, J. (1992). *Model Assisted Survey Sampling*. Springer.

    Examples
    --------
    >>> from custvalue import wallet
    >>> nan = float("nan")
    >>> own, total = [100.0, 200.0, 2700.0, 50.0, 150.0, 800.0], [200.0, 400.0, nan, 200.0, 300.0, nan]
    >>> found = wallet.ratio_wallet(own, total, strata=["A", "A", "A", "B", "B", "B"])
    >>> found.totals()["size"]
    8500.0
    """
    require_choice(method, RatioMethod, "method")
    if (method == "stratified_ratio") != (strata is not None):
        message = "strata belong to method='stratified_ratio': give both or neither."
        raise DomainError(message)
    if own_above_total not in get_args(OwnAboveTotal):
        message = "own_above_total must be 'refuse' or 'raise_total'."
        raise DomainError(message)
    (own, total, strata, given), index = aligned(own=own, total=total, strata=strata, sample_weight=sample_weight)
    here = amounts(own, "own")
    told = read(
        numbers_of(total, len(here), "total", per="own has"), here, "total", own_above_total, argument="total"
    )
    answered = told.answered
    if not answered.any():
        message = "total holds no answer: a ratio needs respondents."
        raise DataError(message)
    codes = np.zeros(len(here), dtype=np.int64) if strata is None else stratum_codes(strata, answered)
    all_told = here + told.external
    weights = design_weights(given, answered, per="own has")
    ratios = _ratios(here[answered], all_told[answered], weights, codes[answered], method)
    size = np.where(answered, all_told, here * ratios[codes])
    reasons = [WARNINGS[method]]
    if told.raised:
        reasons.append(f"{told.raised} stated total(s) below own spend were raised to it")
    if (effect := design_effect(weights)) > 1.0 + 1e-9:
        worth = f"worth {len(weights) / effect:.0f} of equal weight (design effect {effect:.2f})"
        reasons.append(f"{len(weights)} respondents count by their design weights, {worth}")
    return WalletEstimate.of(
        here,
        size,
        kind="total",
        method=method,
        customers=labels_of(index, customers, len(here)),
        reasons=reasons,
        observed=answered,
        spec=json.dumps({"method": method, "own_above_total": own_above_total}),
    )


def stratum_codes(strata: ArrayLike, answered: BoolArray) -> IntArray:
    """Give each customer the number of a stratum; refuse missing ones, and those without a respondent."""
    given: Any = strata  # not all that is array_like can be listed; what cannot is refused by Python
    codes, names = pd.factorize(pd.Series(list(given), dtype=object))
    if len(codes) != len(answered):
        message = f"strata must have one entry for each of the {len(answered)} customers."
        raise DomainError(message)
    if missing := int(np.count_nonzero(codes < 0)):
        message = f"strata are missing for {missing} customer(s); give every customer a stratum."
        raise DataError(message)
    require_respondents(np.asarray(codes, dtype=np.int64), len(names), answered)
    return np.asarray(codes, dtype=np.int64)


def require_respondents(codes: IntArray, n_strata: int, answered: BoolArray) -> None:
    """Refuse fewer respondents than strata, and strata without any."""
    respondents = int(answered.sum())
    if respondents < n_strata:
        message = f"There are {respondents} respondent(s) for {n_strata} strata; join strata until each has some."
        raise DataError(message)
    lacking = int(np.count_nonzero(np.bincount(codes[answered], minlength=n_strata) == 0))
    if lacking:
        message = f"{lacking} of {n_strata} strata have no respondent; join strata until each has some."
        raise DataError(message)


def _ratios(o: FloatArray, w: FloatArray, weights: FloatArray, codes: IntArray, method: str) -> FloatArray:
    """Give the ratio of each stratum."""
    if method in ("mean_of_ratios", "mean_of_shares"):
        below = o if method == "mean_of_ratios" else w
        if nothing := int(np.count_nonzero(below == 0.0)):
            what = "here" if method == "mean_of_ratios" else "anywhere"
            message = f"{nothing} respondent(s) spend nothing {what} and have no ratio; use a ratio of sums."
            raise DataError(message)
        if method == "mean_of_ratios":
            return np.array([np.average(w / o, weights=weights)])
        mean = float(np.average(o / w, weights=weights))
        if mean == 0.0:
            message = "No respondent spends anything here: there is no ratio to multiply by."
            raise DataError(message)
        return np.array([1.0 / mean])
    sums = np.bincount(codes, weights * o)
    if nothing := int(np.count_nonzero(sums == 0.0)):
        message = f"In {nothing} stratum or strata no respondent spends anything here: there is no ratio."
        raise DataError(message)
    return np.asarray(np.bincount(codes, weights * w) / sums)
