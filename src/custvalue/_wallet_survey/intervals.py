"""How sure the spending elsewhere is: split conformal bands, and the bootstrap of customers and of totals."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from custvalue._wallet_survey.models import Fitted, Sample, Settings, enough, fitted, offset_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from custvalue._typing import FloatArray, IntArray

#: Residuals joined to each resample's estimate.
_RESIDUALS = 10
#: Numbers held at a time.
_CELLS = 20_000_000


class Conformal(NamedTuple):
    """A model of part of the respondents, and how far the others were from it, as factors."""

    model: Fitted
    offset: float
    below: float
    above: float

    @classmethod
    def of(
        cls, sample: Sample, settings: Settings, level: float, calibration: float, rng: np.random.RandomState
    ) -> Conformal | None:
        """Fit on one part of the respondents and rank the residuals of the other; None where it is too small."""
        held = _held_out(sample.strata, calibration, rng)
        m, tail = int(held.sum()), (1.0 - level) / 2.0
        lower, upper = int(np.floor((m + 1) * tail + 1e-9)), int(np.ceil((m + 1) * (1.0 - tail) - 1e-9))
        taught = sample.take(~held)
        if lower < 1 or upper > m or not enough(taught, settings):
            return None
        model = fitted(taught, settings)
        rest = sample.take(held)
        offset = offset_of(sample.external)
        found = model.predict(rest.design, rest.strata)
        factors = np.sort((rest.external + offset) / (found + offset))
        return cls(model, offset, float(factors[lower - 1]), float(factors[upper - 1]))

    def ends(self, design: FloatArray, strata: IntArray, point: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Give the band of each customer, widened where it would leave the estimate out."""
        middle = self.model.predict(design, strata) + self.offset
        low = np.maximum(middle * self.below - self.offset, 0.0)
        high = np.maximum(middle * self.above - self.offset, 0.0)
        return np.minimum(low, point), np.maximum(high, point)


def _held_out(strata: IntArray, calibration: float, rng: np.random.RandomState) -> np.ndarray:
    """Hold out a part at random, evenly in each stratum, but never all of one."""
    order = rng.permutation(len(strata))
    order = order[np.argsort(strata[order], kind="stable")]
    places = np.floor((np.arange(len(strata)) + 1) * calibration + 1e-9)
    held = np.zeros(len(strata), dtype=np.bool_)
    held[order] = np.diff(places, prepend=0.0) > 0.0
    left = np.bincount(strata[~held], minlength=int(strata.max()) + 1)
    return np.asarray(held & (left[strata] > 0))


def resampled(sample: Sample, settings: Settings, times: int, rng: np.random.RandomState) -> Iterator[Fitted]:
    """Fit the model on respondents drawn anew within each stratum, with replacement."""
    order = np.argsort(sample.strata, kind="stable")
    sizes = np.bincount(sample.strata)
    sizes, starts = np.repeat(sizes, sizes), np.repeat(np.cumsum(sizes) - sizes, sizes)
    for _ in range(times):
        drawn = order[starts + (rng.random_sample(len(order)) * sizes).astype(np.int64)]
        yield fitted(sample.take(np.sort(drawn)), settings)


def bootstrap_ends(
    sample: Sample,
    settings: Settings,
    design: FloatArray,
    strata: IntArray,
    *,
    level: float,
    times: int,
    rng: np.random.RandomState,
) -> tuple[FloatArray, FloatArray]:
    """Give percentiles of resampled estimates times residuals, the same draws for every customer."""
    offset = offset_of(sample.external)
    whole = fitted(sample, settings)
    residuals = (sample.external + offset) / (whole.predict(sample.design, sample.strata) + offset)
    chance = sample.weights / sample.weights.sum()
    models = list(resampled(sample, settings, times, rng))
    drawn = rng.choice(residuals, size=(times, _RESIDUALS), p=chance)
    low, high = np.empty(len(design)), np.empty(len(design))
    tails = [(1.0 - level) / 2.0, (1.0 + level) / 2.0]
    block = max(1, _CELLS // (times * _RESIDUALS))
    for first in range(0, len(design), block):
        rows = slice(first, first + block)
        found = np.stack([model.predict(design[rows], strata[rows]) + offset for model in models])
        worlds = (found[:, None, :] * drawn[:, :, None]).reshape(-1, found.shape[1])
        low[rows], high[rows] = np.maximum(np.quantile(worlds, tails, axis=0) - offset, 0.0)
    return low, high
