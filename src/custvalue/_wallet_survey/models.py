"""What customers spend elsewhere, learnt from those who said it: five ways, fitted and asked alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.neighbors import NearestNeighbors

from custvalue.exceptions import DataError

if TYPE_CHECKING:
    from custvalue._typing import BoolArray, FloatArray, IntArray

Model: TypeAlias = Literal["log", "gamma", "boosting", "strata", "hot_deck"]
#: Part of the median positive amount that is added before a logarithm where an amount may be 0.
OFFSET = 0.01
#: Spending elsewhere below this part of all amounts answered is rounding, and counts as 0.
ROUNDING = 1e-12
_STEPS = 200
_SMALLEST_STEP = 1e-10
_LARGEST_LOG = 700.0
#: Distances that differ by less than this part are equal; customers that the hot deck serves at a time.
_TIE, _ROWS = 1e-9, 50_000
#: A model carried far beyond its answers stops here; amounts are refused from there on.
_LOG_OF_MOST = 340.0


class Sample(NamedTuple):
    """Respondents: standardised figures, stratum, spending elsewhere, weight."""

    design: FloatArray
    strata: IntArray
    external: FloatArray
    weights: FloatArray

    def take(self, rows: Any) -> Sample:
        """Give some of the respondents."""
        return Sample(self.design[rows], self.strata[rows], self.external[rows], self.weights[rows])

    def in_order(self) -> Sample:
        """Sort the respondents by what they hold, so that nothing depends on the order they came in."""
        keys = (self.weights, self.external, self.strata, *self.design.T[::-1])
        return self.take(np.lexsort(keys))


class Settings(NamedTuple):
    """Which model, and its few numbers."""

    model: Model
    n_neighbors: int
    n_estimators: int
    seed: int


def offset_of(amounts: FloatArray) -> float:
    """Give what is added before a logarithm: a hundredth of the median positive amount, 1 where there is none."""
    positive = amounts[amounts > 0.0]
    return float(OFFSET * np.median(positive)) if len(positive) else 1.0


class LogLinear:
    """Least squares on the logarithm, brought back by Duan's smearing."""

    def __init__(self, sample: Sample) -> None:
        design, external, weights = _with_one(sample.design), sample.external, sample.weights
        require_rows(len(design), design.shape[1])
        tiny = external <= ROUNDING * external.max()
        self.offset = offset_of(external) if tiny.any() else 0.0
        logs = np.log(external + self.offset)
        root = np.sqrt(weights)
        self.coefficients = np.linalg.lstsq(design * root[:, None], logs * root, rcond=None)[0]
        self.smearing = float(np.average(np.exp(logs - design @ self.coefficients), weights=weights))

    def predict(self, design: FloatArray, strata: IntArray) -> FloatArray:  # noqa: ARG002 - models are asked alike
        """Give the expected spending elsewhere."""
        logs = (_with_one(design) * self.coefficients).sum(axis=1)
        return np.asarray(np.maximum(self.smearing * np.exp(np.minimum(logs, _LOG_OF_MOST)) - self.offset, 0.0))


class GammaLinear:
    """A gamma regression with a logarithmic link, by Fisher scoring: least squares a step."""

    def __init__(self, sample: Sample) -> None:
        design, external, weights = _with_one(sample.design), sample.external, sample.weights
        require_rows(len(design), design.shape[1])
        tiny = external <= ROUNDING * external.max()
        self.offset = offset_of(external) if tiny.any() else 0.0
        self.scale = float(np.average(external + self.offset, weights=weights))
        self.coefficients = gamma_coefficients(design, (external + self.offset) / self.scale, weights)

    def predict(self, design: FloatArray, strata: IntArray) -> FloatArray:  # noqa: ARG002 - models are asked alike
        """Give the expected spending elsewhere."""
        logs = (_with_one(design) * self.coefficients).sum(axis=1)
        return np.asarray(np.maximum(self.scale * np.exp(np.minimum(logs, _LOG_OF_MOST)) - self.offset, 0.0))


def gamma_coefficients(design: FloatArray, target: FloatArray, weights: FloatArray) -> FloatArray:
    """Minimise the weighted sum of y exp(-eta) + eta, which is convex; steps are halved until they lower it.

    The first column is the intercept; the mean of the target is the beginning.
    """
    root = np.sqrt(weights)

    def loss(at: FloatArray) -> float:
        logs = design @ at
        return float(weights @ (target * np.exp(np.clip(-logs, -_LARGEST_LOG, _LARGEST_LOG)) + logs))

    found = np.zeros(design.shape[1])
    found[0] = np.log(np.average(target, weights=weights))
    reached = loss(found)
    for _ in range(_STEPS):
        pull = target * np.exp(-(design @ found)) - 1.0
        step = np.linalg.lstsq(design * root[:, None], pull * root, rcond=None)[0]
        least = loss(found + step)
        while least > reached and np.abs(step).max() > _SMALLEST_STEP:
            step = 0.5 * step
            least = loss(found + step)
        if least > reached:
            break
        found, reached = found + step, least
        if np.abs(step).max() <= _SMALLEST_STEP:
            break
    return found


class Boosting:
    """Gradient boosting of trees on the squared error."""

    def __init__(self, sample: Sample, n_estimators: int, seed: int) -> None:
        self.model = HistGradientBoostingRegressor(
            learning_rate=0.1, max_iter=n_estimators, early_stopping=False, random_state=seed
        )
        self.scale = float(np.average(sample.external, weights=sample.weights))
        self.model.fit(sample.design, sample.external / self.scale, sample_weight=sample.weights)

    def predict(self, design: FloatArray, strata: IntArray) -> FloatArray:  # noqa: ARG002 - models are asked alike
        """Give the expected spending elsewhere, from 0."""
        return np.asarray(self.scale * np.maximum(self.model.predict(design), 0.0), dtype=np.float64)


class StratumMeans:
    """The mean of the stratum."""

    def __init__(self, sample: Sample) -> None:
        count = int(sample.strata.max()) + 1
        weight = np.bincount(sample.strata, sample.weights, minlength=count)
        sums = np.bincount(sample.strata, sample.weights * sample.external, minlength=count)
        self.means = np.divide(sums, weight, out=np.full(count, np.nan), where=weight > 0.0)

    def predict(self, design: FloatArray, strata: IntArray) -> FloatArray:  # noqa: ARG002 - models are asked alike
        """Give the mean of each customer's stratum."""
        known = (strata >= 0) & (strata < len(self.means))
        found = np.where(known, self.means[np.where(known, strata, 0)], np.nan)
        if lacking := int(np.count_nonzero(np.isnan(found))):
            message = (
                f"{lacking} customer(s) lie in strata without a respondent; join strata, or change the model."
            )
            raise DataError(message)
        return found


class HotDeck:
    """The mean of the respondents most like the customer; those equally far share the places that are left.

    Respondents with the same figures are one donor, so that it does not matter which of them comes first.
    """

    def __init__(self, sample: Sample, n_neighbors: int) -> None:
        if len(sample.design) < n_neighbors:
            message = f"n_neighbors is {n_neighbors}, but there are only {len(sample.design)} respondents to take."
            raise DataError(message)
        unlike, donor = np.unique(sample.design, axis=0, return_inverse=True)
        donor = donor.reshape(-1)
        self.n_neighbors = n_neighbors
        self.counts = np.bincount(donor)
        self.weights = np.bincount(donor, sample.weights)
        self.means = np.bincount(donor, sample.weights * sample.external) / self.weights
        self.donors = NearestNeighbors(algorithm="kd_tree").fit(unlike)

    def predict(self, design: FloatArray, strata: IntArray) -> FloatArray:  # noqa: ARG002 - models are asked alike
        """Give the weighted mean of the nearest respondents."""
        found = np.empty(len(design))
        for first in range(0, len(design), _ROWS):
            rows = np.arange(first, min(first + _ROWS, len(design)))
            taken = self.n_neighbors + 1
            while len(rows):
                taken = min(taken, len(self.counts))
                found[rows], cut = self._mean(design[rows], taken)
                rows, taken = rows[cut], 2 * taken
        return found

    def _mean(self, design: FloatArray, taken: int) -> tuple[FloatArray, BoolArray]:
        """Give the means from so many donors, and where more of them lie as far as the last that counts."""
        far, near = self.donors.kneighbors(design, n_neighbors=taken)
        counts = self.counts[near]
        last = np.argmax(np.cumsum(counts, axis=1) >= self.n_neighbors, axis=1)
        edge = np.take_along_axis(far, last[:, None], axis=1)
        nearer, tied = far < edge * (1.0 - _TIE), np.abs(far - edge) <= edge * _TIE
        left = self.n_neighbors - (counts * nearer).sum(axis=1, keepdims=True)
        part = np.where(nearer, 1.0, np.where(tied, left / (counts * tied).sum(axis=1, keepdims=True), 0.0))
        weights = part * self.weights[near]
        cut = tied[:, -1] if taken < len(self.counts) else np.zeros(len(design), dtype=np.bool_)
        return np.asarray((weights * self.means[near]).sum(axis=1) / weights.sum(axis=1)), cut


class Nothing:
    """Respondents of whom none spends anything elsewhere: a resample may be like that."""

    def predict(self, design: FloatArray, strata: IntArray) -> FloatArray:  # noqa: ARG002 - models are asked alike
        """Give 0."""
        return np.zeros(len(design))


Fitted: TypeAlias = Nothing | LogLinear | GammaLinear | Boosting | StratumMeans | HotDeck


def fitted(sample: Sample, settings: Settings) -> Fitted:
    """Fit the model of the settings."""
    if not sample.external.max() > 0.0:
        return Nothing()
    if settings.model == "log":
        return LogLinear(sample)
    if settings.model == "gamma":
        return GammaLinear(sample)
    if settings.model == "boosting":
        return Boosting(sample, settings.n_estimators, settings.seed)
    if settings.model == "strata":
        return StratumMeans(sample)
    return HotDeck(sample, settings.n_neighbors)


def enough(sample: Sample, settings: Settings) -> bool:
    """Tell whether the model could be fitted to so few respondents."""
    if settings.model == "hot_deck":
        return len(sample.design) >= settings.n_neighbors
    return settings.model in ("boosting", "strata") or len(sample.design) > sample.design.shape[1] + 1


def require_rows(rows: int, coefficients: int) -> None:
    """Refuse a regression with no more answers than coefficients."""
    if rows <= coefficients:
        message = (
            f"{rows} respondent(s) for {coefficients} coefficients (n_samples = {rows}); ask more customers, or "
            "name fewer features."
        )
        raise DataError(message)


def _with_one(design: FloatArray) -> FloatArray:
    return np.column_stack([np.ones(len(design)), design])
