"""Is it so? Rank correlations with intervals, agreement against naive rivals, and the same on shuffled data."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.metrics import adjusted_rand_score

from custvalue import cbr
from custvalue.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from custvalue import grey

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]

#: Resamples of a bootstrap interval.
RESAMPLES = 1000
#: Times that customers, or columns, are shuffled to see what noise reaches.
SHUFFLES = 20


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % percentile bootstrap interval over customers."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.2f} [{self.low:+.2f}, {self.high:+.2f}]"

    @property
    def told_apart(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0.0 or self.high < 0.0


def _standard_ranks(values: Floats) -> Floats:
    """Give midranks along the last axis, centred and of unit length, so that a product sum is a correlation."""
    ranks = stats.rankdata(values, axis=-1)
    ranks = ranks - ranks.mean(axis=-1, keepdims=True)
    length = np.sqrt((ranks**2).sum(axis=-1, keepdims=True))
    standard: Floats = ranks / np.where(length > 0.0, length, 1.0)
    return standard


class _Ranked:
    """A column ranked as it is, in every resample, and shuffled; the resamples are shared by all columns."""

    def __init__(self, values: Any, draws: Codes, rng: np.random.Generator) -> None:
        numbers = np.asarray(values, dtype=float)
        if not np.isfinite(numbers).all():
            message = "a column to be correlated holds a value that is not finite"
            raise ValueError(message)
        self.whole = _standard_ranks(numbers)
        self.resampled = _standard_ranks(numbers[draws])
        self.shuffled = rng.permuted(np.tile(self.whole, (SHUFFLES, 1)), axis=1)

    def with_(self, other: _Ranked) -> tuple[float, Floats]:
        """Correlate with another column by rank, as it is and in every resample."""
        return float(self.whole @ other.whole), (self.resampled * other.resampled).sum(axis=-1)


def _interval(value: float, resampled: Floats) -> Interval:
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Interval(value, float(low), float(high))


@dataclass(frozen=True)
class RankCorrelations:
    """Rank correlations of scores with outcomes; differences of scores resample the same customers for both."""

    found: Mapping[tuple[str, str], tuple[float, Floats]]
    noise: float

    def interval(self, score: str, outcome: str) -> Interval:
        """Give the rank correlation of one score with one outcome."""
        return _interval(*self.found[score, outcome])

    def difference(self, score: str, rival: str, outcome: str) -> Interval:
        """Give by how much a score correlates better than its rival, over the same resampled customers."""
        (ours, resampled), (theirs, others) = self.found[score, outcome], self.found[rival, outcome]
        return _interval(ours - theirs, resampled - others)

    def difference_of_outcomes(self, score: str, outcome: str, other: str) -> Interval:
        """Give by how much a score goes better with one outcome than with another."""
        (first, resampled), (second, others) = self.found[score, outcome], self.found[score, other]
        return _interval(first - second, resampled - others)

    def to_frame(self) -> pd.DataFrame:
        """Give one row a score and one column an outcome, as text."""
        rows: dict[str, dict[str, str]] = {}
        for score, outcome in self.found:
            rows.setdefault(score, {"score": score})[outcome] = str(self.interval(score, outcome))
        return pd.DataFrame(list(rows.values()))


def rank_correlations(
    scores: Mapping[str, Any], outcomes: Mapping[str, Any], rng: np.random.Generator
) -> RankCorrelations:
    """Correlate each score with each outcome by rank; noise is the size that 5 % of shuffled scores exceed."""
    n_customers = len(next(iter(scores.values())))
    draws = rng.integers(n_customers, size=(RESAMPLES, n_customers))
    ranked = {name: _Ranked(values, draws, rng) for name, values in outcomes.items()}
    found, shuffled = {}, []
    for name, values in scores.items():
        score = _Ranked(values, draws, rng)
        for outcome, other in ranked.items():
            found[name, outcome] = score.with_(other)
            shuffled.append(np.abs(score.shuffled @ other.whole))
    return RankCorrelations(found, float(np.quantile(np.concatenate(shuffled), 0.95)))


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
    yardstick = cases.clusters.assign(held_out)
    known, queries = np.asarray(cases.X), np.asarray(held_out, dtype=float)
    weights = hierarchy.global_weights
    centers = cases.clusters.centers
    graded = {
        "grey similarity": cbr.CaseBasedClassifier().fit(cases).predict(held_out),
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
    """Tabulate agreement on the real customers and its range over column-shuffled ones, for two kinds of case."""
    rng = np.random.default_rng(seed)
    rows = []
    for representatives in ("prototype", "medoid"):
        compare = partial(agreement, representatives=representatives, n_classes=n_classes, seed=seed)
        real, noise = compare(past, held_out, hierarchy), []
        for _ in range(SHUFFLES):
            pair = shuffled_columns(past, rng), shuffled_columns(held_out, rng)
            with contextlib.suppress(DataError):  # a class of noise may be too small for a prototype
                noise.append(compare(*pair, hierarchy))
        for name, scores in real.items():
            row: dict[str, object] = {"cases": representatives, "graded by": name, **scores}
            for key in scores:
                values = [one[name][key] for one in noise]
                row[f"{key}, shuffled columns"] = f"{min(values):.2f} to {max(values):.2f}" if values else "none"
            rows.append(row)
    return pd.DataFrame(rows)


def classes_of_same_sizes(values: Any, classes: Codes) -> Codes:
    """Cut a score into as many classes of the same sizes, ties by order: the naive rival as classes."""
    order = np.argsort(np.asarray(values, dtype=float), kind="stable")
    cut = np.empty_like(classes)
    cut[order] = np.sort(classes)
    return cut


def out_of_order(means: pd.DataFrame) -> list[tuple[int, int]]:
    """Name the pairs of classes whose means stand in the wrong order with intervals that do not meet."""
    number, low, high = (means[name].tolist() for name in ("class", "low", "high"))
    pairs = [(i, j) for i in range(len(number)) for j in range(i + 1, len(number))]
    return [(int(number[i]), int(number[j])) for i, j in pairs if low[i] > high[j]]
