"""Is it so? Rank correlations with intervals, agreement against naive rivals, and the same on shuffled data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.metrics import adjusted_rand_score

from custvalue import cbr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from custvalue import grey

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]

#: Resamples of a bootstrap interval.
RESAMPLES = 1000


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's rank correlation with a 95 % percentile bootstrap interval, and its value on shuffled data."""

    value: float
    low: float
    high: float
    shuffled: float

    def __str__(self) -> str:
        return f"{self.value:+.2f} [{self.low:+.2f}, {self.high:+.2f}]"


def _standard_ranks(values: Floats) -> Floats:
    """Give midranks along the last axis, centred and of unit length, so that a product sum is a correlation."""
    ranks = stats.rankdata(values, axis=-1)
    ranks = ranks - ranks.mean(axis=-1, keepdims=True)
    length = np.sqrt((ranks**2).sum(axis=-1, keepdims=True))
    standard: Floats = ranks / np.where(length > 0.0, length, 1.0)
    return standard


class _Ranked:
    """A column ranked as it is, shuffled, and in every resample; the resamples are shared by all columns."""

    def __init__(self, values: Any, draws: Codes, rng: np.random.Generator) -> None:
        numbers = np.asarray(values, dtype=float)
        self.whole = _standard_ranks(numbers)
        self.shuffled = rng.permutation(self.whole)
        self.resampled = _standard_ranks(numbers[draws])

    def against(self, other: _Ranked) -> RankCorrelation:
        """Correlate with another column by rank."""
        found = (self.resampled * other.resampled).sum(axis=-1)
        low, high = np.quantile(found, [0.025, 0.975])
        value, noise = float(self.whole @ other.whole), float(self.shuffled @ other.whole)
        return RankCorrelation(value, float(low), float(high), noise)


def class_means(classes: Codes, outcome: Any, rng: np.random.Generator) -> pd.DataFrame:
    """Give the mean outcome of each class with a 95 % percentile bootstrap interval."""
    values = np.asarray(outcome, dtype=float)
    rows = []
    for number in np.unique(classes):
        own = values[classes == number]
        means = own[rng.integers(len(own), size=(RESAMPLES, len(own)))].mean(axis=1)
        rows.append((int(number), len(own), own.mean(), *np.quantile(means, [0.025, 0.975])))
    return pd.DataFrame(rows, columns=["class", "customers", "mean", "low", "high"])


def _nearest(queries: Floats, cases: Floats, distance: Callable[[Floats], Floats]) -> Codes:
    """Give the position of the nearest case by a distance of differences."""
    found = [int(distance(row - cases).argmin()) for row in queries]
    return np.array(found, dtype=np.int64)


def agreement(
    past: pd.DataFrame,
    held_out: pd.DataFrame,
    hierarchy: grey.Hierarchy,
    *,
    representatives: Any,
    n_classes: int,
    seed: int,
) -> dict[str, dict[str, float]]:
    """Compare three ways to grade the held-out half with the class whose k-means centre is nearest.

    Share of customers in the same class, and the adjusted Rand index, which is 0 where agreement is by chance.
    """
    cases = cbr.build_case_base(
        past,
        hierarchy,
        n_classes=n_classes,
        representatives=representatives,
        stability_seeds=0,
        random_state=seed,
    )
    yardstick = cases.assign(held_out)
    known, queries = np.asarray(cases.X, dtype=float), np.asarray(held_out, dtype=float)
    weights = hierarchy.global_weights
    centers = np.asarray(cases.centers)
    graded = {
        "grey similarity": cbr.CaseBasedClassifier(hierarchy).fit(cases.X, cases.y).predict(held_out),
        "weighted Manhattan 1-NN": cases.y[_nearest(queries, known, lambda d: np.abs(d) @ weights)],
        "nearest centroid, unweighted": 1 + _nearest(queries, centers, lambda d: (d**2).sum(axis=1)),
    }
    return {
        name: {
            "agreement": float((classes == yardstick).mean()),
            "adjusted Rand": float(adjusted_rand_score(yardstick, classes)),
        }
        for name, classes in graded.items()
    }


def shuffled_columns(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Shuffle every column by itself: the same values, and no customer behind them."""
    return pd.DataFrame({name: rng.permutation(frame[name].to_numpy()) for name in frame.columns})


def agreement_table(
    past: pd.DataFrame, held_out: pd.DataFrame, hierarchy: grey.Hierarchy, *, n_classes: int, seed: int
) -> pd.DataFrame:
    """Tabulate agreement on the real and on the column-shuffled customers, for two kinds of case."""
    rng = np.random.default_rng(seed)
    noise = shuffled_columns(past, rng), shuffled_columns(held_out, rng)
    rows = []
    for representatives in ("prototype", "medoid"):
        real, shuffled = (
            agreement(*pair, hierarchy, representatives=representatives, n_classes=n_classes, seed=seed)
            for pair in ((past, held_out), noise)
        )
        for name, scores in real.items():
            row = {"cases": representatives, "graded by": name, **scores}
            rows.append(row | {f"{key}, shuffled columns": value for key, value in shuffled[name].items()})
    return pd.DataFrame(rows)


def correlation_table(
    scores: Mapping[str, Any], outcomes: Mapping[str, Any], rng: np.random.Generator
) -> pd.DataFrame:
    """Tabulate the rank correlation of each score with each outcome, with interval and shuffled value."""
    n_customers = len(next(iter(scores.values())))
    draws = rng.integers(n_customers, size=(RESAMPLES, n_customers))
    ranked = {name: _Ranked(values, draws, rng) for name, values in outcomes.items()}
    rows = []
    for name, values in scores.items():
        row: dict[str, object] = {"score": name}
        score = _Ranked(values, draws, rng)
        for outcome, other in ranked.items():
            found = score.against(other)
            row[outcome] = str(found)
            row[f"{outcome}, shuffled"] = f"{found.shuffled:+.2f}"
        rows.append(row)
    return pd.DataFrame(rows)
