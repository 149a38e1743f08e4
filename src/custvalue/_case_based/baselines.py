"""Baselines: the grey classifier beside a weighted distance, a plain one, a centroid, and the largest class."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state

from custvalue import _frames
from custvalue._case_based.paired_comparison import PairedTest, holm, mcnemar, resampled_t
from custvalue._case_based.retrieval import Retrieval
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import require, whole_number
from custvalue.exceptions import DataError, DomainError
from custvalue.grey import Hierarchy

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from custvalue._typing import ArrayLike, FloatArray, IntArray, RandomState, Table

#: How well a classifier does, in the order of the results' axis.
MEASURES: Final = ("accuracy", "balanced_accuracy", "adjusted_rand")


@dataclass(frozen=True, eq=False, repr=False)
class BaselineComparison:
    """How the grey classifier does beside simpler rivals, on the same folds and on shuffled classes.

    Attributes
    ----------
    contenders : tuple of str
        The grey classifier first, then its rivals.
    scores : ndarray of shape (n_contenders, 3, n_folds)
        Accuracy, balanced accuracy and adjusted Rand index in each fold of each repeat.
    shuffled : ndarray of shape (n_contenders, 3, n_shuffles)
        The same, averaged over the folds, after each shuffling of the classes: what a method reaches on noise.
    tests : tuple of PairedTest
        For each rival the difference in accuracy, its interval, and two tests.
    verdicts : tuple of str
        For each rival "wins", "loses" or "not told apart", said of the grey classifier.
    provenance : Provenance
        Package version, hierarchy and counts.

    Examples
    --------
    >>> import numpy as np
    >>> from custvalue import cbr, grey
    >>> rng = np.random.default_rng(0)
    >>> X = rng.random((90, 2))
    >>> y = np.where(X.mean(axis=1) > 0.5, "high", "low")
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["turnover", "balance"]})
    >>> found = cbr.compare_baselines(X, y, hierarchy, n_repeats=2, n_shuffles=3, random_state=0)
    >>> found.to_frame()[["contender", "verdict"]]
                    contender         verdict
    0               grey 1-NN
    1  weighted Manhattan 1-NN  not told apart
    2          Euclidean 1-NN  not told apart
    3        nearest centroid  not told apart
    4                majority            wins
    """

    contenders: tuple[str, ...]
    scores: FloatArray
    shuffled: FloatArray
    tests: tuple[PairedTest, ...]
    verdicts: tuple[str, ...]
    provenance: Provenance

    @property
    def rivals(self) -> tuple[str, ...]:
        """Names of the rivals."""
        return self.contenders[1:]

    @property
    def difference(self) -> FloatArray:
        """Mean accuracy of the grey classifier less that of each rival, shape (n_rivals,)."""
        return np.array([test.difference for test in self.tests])

    @property
    def interval(self) -> FloatArray:
        """Corrected 95 % interval of each difference, shape (n_rivals, 2)."""
        return np.array([(test.low, test.high) for test in self.tests])

    @property
    def p_value(self) -> FloatArray:
        """The larger of the two Holm-adjusted p-values of each rival, on which the verdict stands."""
        return np.array([max(test.p_resampled, test.p_mcnemar) for test in self.tests])

    def to_frame(self) -> pd.DataFrame:
        """Give one row a contender.

        Returns
        -------
        pandas.DataFrame
            ``contender``; the mean of ``accuracy``, ``balanced_accuracy`` and ``adjusted_rand`` over the folds,
            and ``..._noise_low`` and ``..._noise_high``, their range over shuffled classes; ``difference``,
            ``low``, ``high`` (accuracy of the grey classifier less that of the rival), ``p_resampled``,
            ``p_mcnemar`` (both Holm-adjusted) and ``verdict``, empty for the grey classifier itself.
        """
        table: dict[str, Any] = {"contender": list(self.contenders)}
        for place, name in enumerate(MEASURES):
            noise = self.shuffled[:, place]
            table[name] = self.scores[:, place].mean(axis=1)
            table[f"{name}_noise_low"], table[f"{name}_noise_high"] = noise.min(axis=1), noise.max(axis=1)
        for name in ("difference", "low", "high", "p_resampled", "p_mcnemar"):
            table[name] = [np.nan, *(getattr(test, name) for test in self.tests)]
        return pd.DataFrame(table | {"verdict": ["", *self.verdicts]})

    def in_words(self) -> str:
        """Say in words whom the grey classifier beats, and who beats it.

        Returns
        -------
        str
            One sentence a rival, losses in the same words as wins, and one on the noise.
        """
        ours, accuracy = self.contenders[0], self.scores[:, 0].mean(axis=1)
        sentences = [f"{ours} has accuracy {accuracy[0]:.3f}."]
        for rival, test, verdict in zip(self.rivals, self.tests, self.verdicts, strict=True):
            told = (
                f"{verdict} against {rival}" if verdict != "not told apart" else f"is not told apart from {rival}"
            )
            split = verdict == "not told apart" and (test.low > 0.0 or test.high < 0.0)
            why = "; the two tests, adjusted for the number of rivals, do not agree on it" if split else ""
            sentences.append(f"It {told} ({test.difference:+.3f} [{test.low:+.3f}, {test.high:+.3f}]{why}).")
        noise = self.shuffled[0, 0]
        sentences.append(f"On shuffled classes it has {noise.min():.3f} to {noise.max():.3f}.")
        return " ".join(sentences)

    def __repr__(self) -> str:
        facts = {"rivals": len(self.rivals), **self.provenance.counts}
        facts |= {what: self.verdicts.count(what) for what in ("wins", "loses")}
        return short_repr("BaselineComparison", **facts)

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        shown = ["contender", *MEASURES, "accuracy_noise_low", "accuracy_noise_high"]
        shown += ["difference", "low", "high", "p_resampled", "p_mcnemar", "verdict"]
        table = html_table(shown, frame[shown].itertuples(index=False), caption="Comparison with simpler rivals")
        return f"<p>{html.escape(self.in_words())}</p>{table}"


@dataclass(frozen=True, eq=False)
class _Task:
    """Customers, their classes as positions, and what the contenders need to know."""

    X: FloatArray
    hierarchy: Hierarchy
    n_classes: int
    k: int

    def grey(self, train: IntArray, codes: IntArray, test: IntArray) -> IntArray:
        core = Retrieval(
            hierarchy=self.hierarchy, cases=self.X[train], codes=codes[train], n_classes=self.n_classes, k=self.k
        )
        return core.decide(self.X[test])

    def manhattan(self, train: IntArray, codes: IntArray, test: IntArray) -> IntArray:
        X = self.X * self.hierarchy.global_weights
        return self._voted(NearestNeighbors(n_neighbors=self.k, metric="manhattan"), X, train, codes, test)

    def euclidean(self, train: IntArray, codes: IntArray, test: IntArray) -> IntArray:
        return self._voted(NearestNeighbors(n_neighbors=self.k), self.X, train, codes, test)

    def _voted(self, search: Any, X: FloatArray, train: IntArray, codes: IntArray, test: IntArray) -> IntArray:
        """Let the nearest vote; the lowest class wins a tie, as in scikit-learn's KNeighborsClassifier.

        That classifier itself warns of classes with few members, which a fold may well have.
        """
        found = codes[train][search.fit(X[train]).kneighbors(X[test], return_distance=False)]
        voted: IntArray = (found[:, :, None] == np.arange(self.n_classes)).sum(axis=1).argmax(axis=1)
        return voted

    def centroid(self, train: IntArray, codes: IntArray, test: IntArray) -> IntArray:
        known, own = self.X[train], codes[train]
        centers = np.array([known[own == code].mean(axis=0) for code in range(self.n_classes)])
        nearest: IntArray = cdist(self.X[test], centers).argmin(axis=1)
        return nearest

    def majority(self, train: IntArray, codes: IntArray, test: IntArray) -> IntArray:
        return np.full(len(test), np.bincount(codes[train], minlength=self.n_classes).argmax())

    @property
    def contenders(self) -> dict[str, Callable[[IntArray, IntArray, IntArray], IntArray]]:
        return {
            f"grey {self.k}-NN": self.grey,
            f"weighted Manhattan {self.k}-NN": self.manhattan,
            f"Euclidean {self.k}-NN": self.euclidean,
            "nearest centroid": self.centroid,
            "majority": self.majority,
        }

    def predicted(self, codes: IntArray, folds: list[tuple[IntArray, IntArray]]) -> list[list[IntArray]]:
        """Let every contender answer in every fold."""
        return [[answer(train, codes, test) for train, test in folds] for answer in self.contenders.values()]


def _scores(codes: IntArray, folds: list[tuple[IntArray, IntArray]], answers: list[list[IntArray]]) -> FloatArray:
    """Measure every contender in every fold, shape (n_contenders, n_measures, n_folds)."""
    n_classes = int(codes.max()) + 1
    measured = [
        [_measures(codes[test], found, n_classes) for (_, test), found in zip(folds, own, strict=True)]
        for own in answers
    ]
    return np.array(measured).transpose(0, 2, 1).copy()


def _measures(truth: IntArray, found: IntArray, n_classes: int) -> tuple[float, float, float]:
    """Give accuracy, balanced accuracy and adjusted Rand index; every class stands in `truth`.

    Hubert and Arabie (1985), *Journal of Classification* 2, 193-218, by pairs of customers: together in both,
    in one only, in none.
    """
    table = np.bincount(truth * n_classes + found, minlength=n_classes**2).reshape(n_classes, n_classes)
    rows, columns, n = table.sum(axis=1), table.sum(axis=0), len(truth)
    same, own, given = (int((counts**2).sum()) for counts in (table, rows, columns))
    both, first, second, none = same - n, own - same, given - same, n * n - own - given + same
    rand = 1.0
    if first or second:
        chance = (both + first) * (first + none) + (both + second) * (second + none)
        rand = 2.0 * (both * none - first * second) / chance
    hits = table.diagonal()
    return float(hits.sum() / n), float((hits / rows).mean()), rand


def _folds(codes: IntArray, n_splits: int, n_repeats: int, seed: int) -> list[tuple[IntArray, IntArray]]:
    splitter = RepeatedStratifiedKFold(n_splits=n_splits, n_repeats=n_repeats, random_state=seed)
    return list(splitter.split(np.zeros((len(codes), 1)), codes))


def _classes(y: Any) -> tuple[NDArray[Any], IntArray]:
    """Give the classes and each customer's position among them; refuse missing and mixed ones."""
    labels = np.asarray(y)
    if labels.ndim != 1:
        message = f"y has shape {labels.shape}; allowed: one class a customer."
        raise DomainError(message)
    if pd.isna(labels).any():
        message = f"y holds {int(pd.isna(labels).sum())} missing class(es); leave those customers out."
        raise DataError(message)
    try:
        classes, codes = np.unique(labels, return_inverse=True)
    except TypeError:
        message = "y mixes kinds; allowed: text only, or numbers only."
        raise DomainError(message) from None
    return classes, codes.astype(np.int64)


def _checked(X: Any, y: Any, hierarchy: Hierarchy, k: int, n_splits: int) -> tuple[_Task, IntArray]:
    """Read customers and classes; refuse what cannot be cross-validated, with the mend."""
    names = require(hierarchy, Hierarchy, "hierarchy").indicators
    numbers = _frames.numeric(X, names, argument="X")
    _frames.require_unit_interval(numbers, names)
    classes, codes = _classes(y)
    if len(codes) != len(numbers):
        message = f"X has {len(numbers)} customers and y {len(codes)} classes; give one class a customer."
        raise DomainError(message)
    sizes = np.bincount(codes)
    if len(classes) < 2:  # noqa: PLR2004 - nothing to tell apart
        message = f"y has {len(classes)} class(es); allowed: two or more, or there is nothing to compare."
        raise DataError(message)
    if sizes.min() < n_splits:
        message = (
            f"{int((sizes < n_splits).sum())} class(es) have fewer customers than the {n_splits} folds, the "
            f"smallest {int(sizes.min())}; lower n_splits (from 2), or join or leave out small classes."
        )
        raise DataError(message)
    return _Task(numbers, hierarchy, len(classes), k), codes


def compare_baselines(
    X: Table,
    y: ArrayLike,
    hierarchy: Hierarchy,
    *,
    k: int = 1,
    n_splits: int = 5,
    n_repeats: int = 10,
    n_shuffles: int = 10,
    random_state: RandomState = None,
) -> BaselineComparison:
    r"""Compare the grey classifier with simpler rivals, on the same folds, and say who wins.

    Every customer is in turn a case and a customer to be classified. Rivals: nearest cases by weighted Manhattan
    distance (the same weights, no ranges), by Euclidean distance (no weights), the nearest class mean, and the
    largest class.

    Parameters
    ----------
    X : table of shape (n_customers, n_indicators)
        Indicators scaled to [0, 1]; columns of a frame are matched by name.
    y : array_like of shape (n_customers,)
        Their classes, numbers or text, judged by something that is not one of the contenders.
    hierarchy : Hierarchy
        Groups, weights at both levels, and the distinguishing coefficient.
    k : int, default=1
        Cases that vote, the same number for the grey similarity and both distances, so that only the similarity
        differs.
    n_splits : int, default=5
        Folds of each repeat, from 2.
    n_repeats : int, default=10
        How often the customers are dealt into folds anew.
    n_shuffles : int, default=10
        How often the classes are shuffled to see what noise reaches; one repeat of the folds each.
    random_state : int, RandomState or None, default=None
        Source of folds and shuffles.

    Returns
    -------
    BaselineComparison
        Scores of each fold, the same on shuffled classes, paired tests and verdicts.

    Raises
    ------
    ColumnError
        If an indicator of the hierarchy is missing or not numeric.
    DataError
        If a value is missing, infinite or outside [0, 1], a class is missing, there is one class only, or a class
        has fewer customers than there are folds.
    DomainError
        If `X` and `y` differ in length, `y` mixes kinds, or a setting is out of range.

    See Also
    --------
    answer_stability : Whether answers stay when cases come and go.

    Notes
    -----
    Accuracy is compared twice. The corrected resampled t test of Nadeau and Bengio [1]_, for k-fold
    cross-validation repeated r times [2]_, has differences :math:`d_1, \dots, d_J` of the J = kr folds with mean
    :math:`\bar d` and variance :math:`s^2` (divisor J - 1):

    .. math:: t = \frac{\bar d}{\sqrt{(1/J + n_2/n_1)\, s^2}}, \qquad J - 1 \text{ degrees of freedom},

    where :math:`n_2/n_1 = 1/(k - 1)` is the ratio of test to training customers, because training parts overlap.
    McNemar's exact test [3]_ counts in the first repeat the customers whom one of the two gets right and the other
    wrong. Both p-values are adjusted by Holm [4]_ over the rivals. A rival is told apart if both are below 0.05;
    losses by the same rule as wins. Accuracy forgives neglect of a small class: read the balanced accuracy beside
    it, in which every class counts alike. Cost: five classifiers in n_splits (n_repeats + n_shuffles) folds.

    References
    ----------
    .. [1] Nadeau, C., & Bengio, Y. (2003). Inference for the generalization error. *Machine Learning*, 52(3),
       239-281.
    .. [2] Bouckaert, R. R., & Frank, E. (2004). Evaluating the replicability of significance tests for comparing
       learning algorithms. *PAKDD 2004*, LNCS 3056, 3-12.
    .. [3] McNemar, Q. (1947). Note on the sampling error of the difference between correlated proportions or
       percentages. *Psychometrika*, 12(2), 153-157.
    .. [4] Holm, S. (1979). A simple sequentially rejective multiple test procedure. *Scandinavian Journal of
       Statistics*, 6(2), 65-70.

    Examples
    --------
    >>> import numpy as np
    >>> from custvalue import cbr, grey
    >>> X = np.random.default_rng(0).random((60, 1))
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["balance"]})
    >>> found = cbr.compare_baselines(X, X[:, 0] > 0.5, hierarchy, n_repeats=2, n_shuffles=2, random_state=0)
    >>> dict(zip(found.rivals, found.verdicts))["majority"]
    'wins'
    """
    k, splits = whole_number(k, "k", 1), whole_number(n_splits, "n_splits", 2)
    repeats, shuffles = whole_number(n_repeats, "n_repeats", 1), whole_number(n_shuffles, "n_shuffles", 1)
    task, codes = _checked(X, y, hierarchy, k, splits)
    rng = check_random_state(random_state)

    def dealt(labels: IntArray, times: int) -> list[tuple[IntArray, IntArray]]:
        return _folds(labels, splits, times, int(rng.randint(np.iinfo(np.int32).max)))

    folds = dealt(codes, repeats)
    if k > (smallest := min(len(train) for train, _ in folds)):
        message = f"k is {k} and the smallest training part has {smallest} customers; ask for a smaller k."
        raise DomainError(message)
    answers = task.predicted(codes, folds)
    scores, noise = _scores(codes, folds, answers), []
    for _ in range(shuffles):
        mixed = rng.permutation(codes)
        parts = dealt(mixed, 1)
        noise.append(_scores(mixed, parts, task.predicted(mixed, parts)).mean(axis=2))
    tests = _tests(codes, folds[:splits], answers, scores[:, 0], 1.0 / (splits - 1))
    facts = {"customers": len(codes), "classes": task.n_classes, "folds": len(folds)}
    return BaselineComparison(
        contenders=tuple(task.contenders),
        scores=read_only(scores),
        shuffled=read_only(np.stack(noise, axis=2)),
        tests=tests,
        verdicts=tuple(test.verdict() for test in tests),
        provenance=provenance(hierarchy.model_dump_json(), **facts),
    )


def _tests(
    codes: IntArray,
    first: list[tuple[IntArray, IntArray]],
    answers: list[list[IntArray]],
    accuracy: FloatArray,
    ratio: float,
) -> tuple[PairedTest, ...]:
    """Test the first contender against each other one: over all folds, and on the first repeat's answers."""
    right = []
    for own in answers:
        hit = np.empty(len(codes), dtype=np.bool_)
        for (_, test), found in zip(first, own, strict=False):
            hit[test] = found == codes[test]
        right.append(hit)
    resampled = [resampled_t(accuracy[0] - rival, ratio) for rival in accuracy[1:]]
    exact = [mcnemar(right[0], rival) for rival in right[1:]]
    adjusted = holm([one.p for one in resampled]), holm([one.p for one in exact])
    return tuple(
        PairedTest(t.difference, t.low, t.high, t.t, p_t, m.only_first, m.only_second, p_m)
        for t, m, p_t, p_m in zip(resampled, exact, *(list(p) for p in adjusted), strict=True)
    )
