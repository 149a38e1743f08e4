"""How far a survey wallet is off on respondents it has not seen: the total, each customer, and their order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from custvalue._results import html_table, short_repr
from custvalue._spec import whole_number
from custvalue._wallet_survey.models import fitted
from custvalue.exceptions import DataError

if TYPE_CHECKING:
    from custvalue._typing import FloatArray, IntArray
    from custvalue._wallet_survey.models import Sample, Settings

_FEWEST = 3


@dataclass(frozen=True, repr=False)
class SurveyAccuracy:
    r"""How far the estimates of held-out respondents are from what they answered.

    Attributes
    ----------
    method : str
        Which model.
    respondents : int
        Held-out respondents; each is held out once.
    folds : int
        Number of folds.
    bias : float
        Sum of the estimated sizes over the sum of the stated ones, minus 1.
    wmape : float
        Sum of absolute errors of the sizes over the sum of the stated ones.
    rank_correlation : float
        Spearman's correlation of estimated and stated potential; NaN where one of them is constant.

    Notes
    -----
    The first two are weighted by the weights of the answers, design weights among them: they are errors of
    customers. The order is that of the respondents, each once. Held-out respondents are respondents: what those
    who do not answer spend elsewhere, beyond what the figures and weights tell, no cross-validation can see.
    Without an own-spend column the figures are of spending elsewhere alone.

    Examples
    --------
    >>> from custvalue import wallet
    >>> own = [[float(i)] for i in range(1, 41)]
    >>> total = [3.0 * row[0] for row in own]
    >>> found = wallet.SurveyWallet(own=0).accuracy(own, total, random_state=0)
    >>> abs(found.bias) < 0.02, round(found.rank_correlation, 2)
    (True, 1.0)
    """

    method: str
    respondents: int
    folds: int
    bias: float
    wmape: float
    rank_correlation: float

    def to_frame(self) -> pd.DataFrame:
        """Give one row: method, respondents, folds, bias, wmape, rank_correlation.

        Returns
        -------
        pandas.DataFrame
            The row, ready to be put under those of other methods.
        """
        return pd.DataFrame([dict(self._figures())])

    def _figures(self) -> list[tuple[str, object]]:
        return [(name, getattr(self, name)) for name in self.__dataclass_fields__]

    def __repr__(self) -> str:
        return short_repr(
            "SurveyAccuracy", **{k: round(v, 3) if isinstance(v, float) else v for k, v in self._figures()}
        )

    def _repr_html_(self) -> str:
        return html_table(("figure", "value"), self._figures(), caption="Accuracy on held-out respondents")


def folds_of(strata: IntArray, n_folds: int, rng: np.random.RandomState) -> IntArray:
    """Deal respondents to folds at random, evenly in each stratum."""
    order = rng.permutation(len(strata))
    order = order[np.argsort(strata[order], kind="stable")]
    dealt = np.empty(len(strata), dtype=np.int64)
    dealt[order] = np.arange(len(strata)) % n_folds
    return dealt


def held_out(
    sample: Sample, own: FloatArray, settings: Settings, n_folds: int, rng: np.random.RandomState
) -> SurveyAccuracy:
    """Estimate each respondent by a model of those in other folds, with the weights of all of them at the fit."""
    whole_number(n_folds, "n_folds", 2, len(own), what="the number of respondents, ")
    if settings.model == "strata" and (alone := int(np.count_nonzero(np.bincount(sample.strata) == 1))):
        message = f"{alone} strata have a single respondent, who cannot be held out; join strata."
        raise DataError(message)
    order = np.lexsort((sample.weights, own, sample.external, *sample.design.T[::-1]))
    sample, own = sample.take(order), own[order]
    folds = folds_of(sample.strata, int(n_folds), rng)
    found = np.empty(len(own))
    for fold in range(int(n_folds)):
        held = folds == fold
        model = fitted(sample.take(~held).in_order(), settings)
        found[held] = model.predict(sample.design[held], sample.strata[held])
    return measured(settings.model, int(n_folds), own, sample.external, found, sample.weights)


def measured(
    method: str, folds: int, own: FloatArray, told: FloatArray, found: FloatArray, weights: FloatArray
) -> SurveyAccuracy:
    """Compare estimated with stated external spending."""
    size = own + told
    all_told = float(weights @ size)
    if all_told <= 0.0:
        message = "The stated sizes are all 0: there is nothing to be accurate about."
        raise DataError(message)
    varied = len(told) >= _FEWEST and float(np.ptp(told)) > 0.0 and float(np.ptp(found)) > 0.0
    rank = float(stats.spearmanr(told, found).statistic) if varied else np.nan
    return SurveyAccuracy(
        method=method,
        respondents=len(told),
        folds=folds,
        bias=float(weights @ (own + found)) / all_told - 1.0,
        wmape=float(weights @ np.abs(found - told)) / all_told,
        rank_correlation=rank,
    )
