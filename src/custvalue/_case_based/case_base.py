"""Value classes by k-means, and the cases that represent them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.utils import check_random_state

from custvalue import _frames
from custvalue._case_based.report import CaseBaseReport
from custvalue._results import Provenance, provenance, read_only, short_repr
from custvalue._spec import require, unboxed
from custvalue.exceptions import DataError, DomainError
from custvalue.grey import Hierarchy

if TYPE_CHECKING:
    from custvalue._typing import FloatArray, IntArray, RandomState, Table

#: A prototype is the mean of at least this many customers, so that it is no customer's likeness.
SMALLEST_PROTOTYPE = 5
#: Rows whose distances to a class are held together while its medoid is looked for.
BLOCK = 256
#: Customers among which the silhouette is computed; it compares every pair.
SILHOUETTE_SAMPLE = 2000
_REPRESENTATIVES = ("prototype", "medoid", "nearest", "random", "all")


def composite_value(X: Table, hierarchy: Hierarchy) -> FloatArray:
    r"""Compute the two-level weighted sum of the scaled indicators, by which classes are ordered.

    Parameters
    ----------
    X : table of shape (n_customers, n_indicators)
        Indicators scaled to [0, 1], 1 always good; columns of a frame are matched by name.
    hierarchy : Hierarchy
        Weights at both levels.

    Returns
    -------
    ndarray of shape (n_customers,)
        Composite values in [0, 1] where the indicators are.

    Raises
    ------
    ColumnError
        If an indicator of the hierarchy is missing or not numeric.
    DataError
        If a value is missing, infinite, or outside [0, 1].
    DomainError
        If the number of columns does not fit.

    Notes
    -----
    :math:`V = \sum_i w_i \sum_{j \in J_i} w_{ij} v_j`, the source's 评价价值, with which it checks its classes.
    Cost: :math:`O(np)`.

    Examples
    --------
    >>> from custvalue import cbr, grey
    >>> hierarchy = grey.Hierarchy.equal({"recency": ["last_visit"], "monetary": ["turnover", "balance"]})
    >>> cbr.composite_value([[1.0, 0.5, 0.5], [0.0, 1.0, 0.0]], hierarchy)
    array([0.75, 0.25])
    """
    values: FloatArray = _scaled(X, hierarchy) @ hierarchy.global_weights
    return values


def _scaled(X: Table, hierarchy: Hierarchy) -> FloatArray:
    """Read scaled indicators in the order of the hierarchy; refuse what is not in [0, 1]."""
    names = require(hierarchy, Hierarchy, "hierarchy").indicators
    numbers = _frames.numeric(X, names, argument="X")
    _frames.require_unit_interval(numbers, names)
    return numbers


@dataclass(frozen=True, eq=False, repr=False)
class CaseBase:
    """Cases with their classes, and how they came about.

    Attributes
    ----------
    X : table of shape (n_cases, n_indicators)
        The cases, in the columns of the hierarchy: a frame in the caller's library, or an array. A pandas frame
        has the case's name as its index, never a customer's key.
    y : ndarray of int, shape (n_cases,)
        Class of each case, from 1 to `n_classes`, the highest the most valuable.
    hierarchy : Hierarchy
        The weights the classes were made and ordered under.
    representatives : {"prototype", "medoid", "nearest", "random", "all"}
        What a case is; all but ``"prototype"`` are real customers.
    labels : ndarray of int, shape (n_customers,)
        Class of each customer the base was built from, in their order.
    centers : ndarray of shape (n_classes, n_indicators)
        Mean of each class: its profile.
    weighted : bool
        Whether columns were scaled by the square root of their global weight for clustering.
    report : CaseBaseReport
        Sizes, silhouette and stability of the classes.
    provenance : Provenance
        Package version, hierarchy and counts.

    Examples
    --------
    >>> from custvalue import cbr, grey
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["balance"]})
    >>> X = [[0.0], [0.1], [0.1], [0.0], [0.1], [0.9], [1.0], [0.9], [1.0], [0.9]]
    >>> cases = cbr.build_case_base(X, hierarchy, n_classes=2, random_state=0)
    >>> cases.X.round(2)
    array([[0.06],
           [0.94]])
    >>> cases.y, cases.assign([[0.2], [0.8]])
    (array([1, 2]), array([1, 2]))
    """

    X: Any
    y: IntArray
    hierarchy: Hierarchy
    representatives: str
    labels: IntArray
    centers: FloatArray
    weighted: bool
    report: CaseBaseReport
    provenance: Provenance

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.centers)

    def assign(self, X: Table) -> IntArray:
        """Give the class whose k-means centre is nearest, the yardstick of a case-based class.

        Parameters
        ----------
        X : table of shape (n_customers, n_indicators)
            Scaled indicators.

        Returns
        -------
        ndarray of int, shape (n_customers,)
            Classes from 1 to `n_classes`; among equally near centres the lowest.
        """
        scale = _column_scale(self.hierarchy, weighted=self.weighted)
        wanted = _scaled(X, self.hierarchy) * scale
        centers = self.centers * scale
        nearest = np.zeros(len(wanted), dtype=np.int64)
        best = np.full(len(wanted), np.inf)
        for place, center in enumerate(centers):
            squared = ((wanted - center) ** 2).sum(axis=1)
            closer = squared < best
            nearest[closer], best[closer] = place, squared[closer]
        return nearest + 1

    def __repr__(self) -> str:
        counts, kind = self.provenance.counts, self.representatives
        return short_repr("CaseBase", classes=self.n_classes, representatives=kind, **counts)

    def _repr_html_(self) -> str:
        counts = self.provenance.counts
        what = f"{counts['cases']} cases ({self.representatives}) of {counts['customers']} customers"
        return f"<p>Case base: {what}</p>" + self.report._repr_html_()


def _column_scale(hierarchy: Hierarchy, *, weighted: bool) -> FloatArray:
    return np.sqrt(hierarchy.global_weights) if weighted else np.ones(len(hierarchy.indicators))


def _whole_number(value: object, name: str, lowest: int) -> int:
    number = unboxed(value)
    if not isinstance(number, int) or isinstance(number, bool) or number < lowest:
        message = f"{name} must be a whole number from {lowest}."
        raise DomainError(message)
    return number


def _k_means(points: FloatArray, n_classes: int, seed: int, n_init: int) -> IntArray:
    """Cluster rows that are sorted already; give a label a row."""
    fitted = KMeans(n_clusters=n_classes, n_init=n_init, random_state=seed, tol=0.0, max_iter=1000).fit(points)
    labels = np.asarray(fitted.labels_, dtype=np.int64)
    if (found := len(np.unique(labels))) < n_classes:
        message = f"n_classes is {n_classes} and k-means tells only {found} apart; ask for fewer classes."
        raise DomainError(message)
    return labels


def _checked_customers(
    X: Table, hierarchy: Hierarchy, n_classes: object, clustering: str
) -> tuple[FloatArray, FloatArray, IntArray, int]:
    """Give customers sorted by value, their points for clustering, the sorting order, the number of classes."""
    values = _scaled(X, hierarchy)
    classes = _whole_number(n_classes, "n_classes", 2)
    points = values * _column_scale(hierarchy, weighted=_is_weighted(clustering))
    distinct = len(np.unique(points, axis=0))
    if classes > distinct:
        message = (
            f"n_classes is {classes} and X has {len(values)} customers, {distinct} of them distinct; "
            "ask for fewer classes than customers."
        )
        raise DomainError(message)
    order = np.lexsort(values.T[::-1])
    return values[order], points[order], order, classes


def class_stability(
    X: Table,
    hierarchy: Hierarchy,
    *,
    n_classes: int = 8,
    n_seeds: int = 20,
    clustering: Literal["weighted", "unweighted"] = "weighted",
    n_init: int = 10,
    random_state: RandomState = None,
) -> FloatArray:
    """Compare the classes of many seeds with each other.

    Parameters
    ----------
    X : table of shape (n_customers, n_indicators)
        Scaled indicators.
    hierarchy : Hierarchy
        Weights at both levels.
    n_classes : int, default=8
        Number of classes.
    n_seeds : int, default=20
        Number of runs of k-means, at least 2.
    clustering : {"weighted", "unweighted"}, default="weighted"
        As in :func:`build_case_base`.
    n_init : int, default=10
        Starts of each run.
    random_state : int, RandomState or None, default=None
        Source of the seeds.

    Returns
    -------
    ndarray of shape (n_seeds * (n_seeds - 1) / 2,)
        Adjusted Rand index of each pair of runs: 1 for the same classes, about 0 for unrelated ones.

    Raises
    ------
    DomainError
        If there are more classes than distinct customers, or a setting is out of range.
    DataError
        If a value is missing or infinite.

    Notes
    -----
    Adjusted Rand index of Hubert and Arabie (1985), *Journal of Classification* 2, 193-218. Cost: `n_seeds` runs
    of k-means.

    Examples
    --------
    >>> from custvalue import cbr, grey
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["balance"]})
    >>> X = [[0.0], [0.1], [0.9], [1.0]]
    >>> cbr.class_stability(X, hierarchy, n_classes=2, n_seeds=3, random_state=0)
    array([1., 1., 1.])
    """
    _, points, _, classes = _checked_customers(X, hierarchy, n_classes, clustering)
    runs, n_init = _whole_number(n_seeds, "n_seeds", 2), _whole_number(n_init, "n_init", 1)
    rng = check_random_state(random_state)
    seeds = rng.randint(np.iinfo(np.int32).max, size=runs)
    found = [_k_means(points, classes, int(seed), n_init) for seed in seeds]
    pairs = [adjusted_rand_score(found[i], found[j]) for i in range(runs) for j in range(i)]
    return np.array(pairs, dtype=np.float64)


def _is_weighted(clustering: str) -> bool:
    if clustering not in ("weighted", "unweighted"):
        message = "clustering must be 'weighted' or 'unweighted'."
        raise DomainError(message)
    return clustering == "weighted"


def _ordered_classes(labels: IntArray, composite: FloatArray, values: FloatArray) -> tuple[IntArray, FloatArray]:
    """Order the clusters 1..n by mean composite value; equal means by the centre's coordinates."""
    n_classes = int(labels.max()) + 1
    centers = np.array([values[labels == place].mean(axis=0) for place in range(n_classes)])
    means = np.array([composite[labels == place].mean() for place in range(n_classes)])
    order = np.lexsort((*centers.T[::-1], means))
    rank = np.empty(n_classes, dtype=np.int64)
    rank[order] = np.arange(1, n_classes + 1)
    return rank[labels], centers[order]


def _medoid(points: FloatArray) -> int:
    """Find the point with the smallest sum of distances to the others, in blocks; the first among equals."""
    sums = [cdist(points[row : row + BLOCK], points).sum(axis=1) for row in range(0, len(points), BLOCK)]
    return int(np.concatenate(sums).argmin())


def _representatives(
    how: str,
    count: int,
    points: FloatArray,
    members: IntArray,
    number: int,
    rng: np.random.RandomState,
) -> IntArray:
    """Choose the rows that represent one class."""
    if how == "all":
        return members
    if count > len(members):
        message = (
            f"n_representatives is {count} and class {number} has {len(members)} customers; ask for fewer "
            "representatives or fewer classes."
        )
        raise DataError(message)
    if how == "random":
        return np.sort(rng.choice(members, size=count, replace=False))
    if how == "medoid":
        return members[[_medoid(points[members])]]
    squared = ((points[members] - points[members].mean(axis=0)) ** 2).sum(axis=1)
    return np.sort(members[np.argsort(squared, kind="stable")[:count]])


def _cases(
    how: str, count: int, values: FloatArray, points: FloatArray, classes: IntArray, rng: np.random.RandomState
) -> tuple[FloatArray, IntArray]:
    """Give the cases and their classes, class by class."""
    rows, numbers = [], []
    for number in range(1, int(classes.max()) + 1):
        members = np.flatnonzero(classes == number)
        if how == "prototype":
            if len(members) < SMALLEST_PROTOTYPE:
                message = (
                    f"Class {number} has {len(members)} customers; a prototype is the mean of at least "
                    f"{SMALLEST_PROTOTYPE}, so that it is no customer's likeness. Ask for fewer classes, or for "
                    "other representatives by name."
                )
                raise DataError(message)
            rows.append(values[members].mean(axis=0, keepdims=True))
        else:
            rows.append(values[_representatives(how, count, points, members, number, rng)])
        numbers += [number] * len(rows[-1])
    return np.concatenate(rows), np.array(numbers, dtype=np.int64)


def build_case_base(
    X: Table,
    hierarchy: Hierarchy,
    *,
    n_classes: int = 8,
    representatives: Literal["prototype", "medoid", "nearest", "random", "all"] = "prototype",
    n_representatives: int = 1,
    clustering: Literal["weighted", "unweighted"] = "weighted",
    n_init: int = 10,
    stability_seeds: int = 5,
    random_state: RandomState = None,
) -> CaseBase:
    r"""Make value classes of past customers by k-means, and choose the cases that represent them.

    Parameters
    ----------
    X : table of shape (n_customers, n_indicators)
        Indicators scaled to [0, 1], 1 always good; columns of a frame are matched by name.
    hierarchy : Hierarchy
        Weights at both levels.
    n_classes : int, default=8
        Number of classes; the source has eight.
    representatives : {"prototype", "medoid", "nearest", "random", "all"}, default="prototype"
        ``"prototype"``: the mean of the class, refused below five members. ``"medoid"``: the member with the
        smallest sum of distances to its class in the clustering space [2]_. ``"nearest"`` and ``"random"``:
        `n_representatives` members nearest to the mean, or drawn at random as the source does. ``"all"``: every
        customer.
    n_representatives : int, default=1
        Cases a class for ``"nearest"`` and ``"random"``.
    clustering : {"weighted", "unweighted"}, default="weighted"
        Whether columns are first scaled by the square root of their global weight.
    n_init : int, default=10
        Starts of k-means; the best is kept.
    stability_seeds : int, default=5
        Further seeds whose classes are compared with these; 0 asks for none.
    random_state : int, RandomState or None, default=None
        Source of all randomness; an int makes the result reproducible.

    Returns
    -------
    CaseBase
        Cases, classes, centres and report.

    Raises
    ------
    ColumnError
        If an indicator of the hierarchy is missing or not numeric.
    DataError
        If a value is missing, infinite or outside [0, 1], or a class is too small for the representatives.
    DomainError
        If there are more classes than distinct customers, or a setting is out of range.

    Notes
    -----
    With columns :math:`\sqrt{w_j} v_j` squared Euclidean distance is :math:`\sum_j w_j (v_j - v_j')^2`, so that
    k-means [1]_ sees the weights the similarity uses; the source does not say which it took, and ``"unweighted"``
    is the other reading. Rows are sorted before clustering, so their order does not matter, and k-means runs until
    no customer moves. Classes are numbered by mean composite value (:func:`composite_value`), ties by the centre's
    coordinates. Cost: that of k-means, :math:`O(nkp)` an iteration, times ``n_init`` and ``1 + stability_seeds``;
    a medoid compares every pair of its class.

    References
    ----------
    .. [1] Lloyd, S. P. (1982). Least squares quantization in PCM. *IEEE Transactions on Information Theory*,
       28(2), 129-137.
    .. [2] Kaufman, L. and Rousseeuw, P. J. (1987). Clustering by means of medoids. In *Statistical data analysis
       based on the L1-norm*, 405-416.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import cbr, grey
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["balance"]})
    >>> X = pd.DataFrame({"balance": [0.0, 0.1, 0.1, 0.0, 0.1, 0.9, 1.0, 0.9, 1.0, 0.9]})
    >>> cbr.build_case_base(X, hierarchy, n_classes=2, representatives="medoid", random_state=0).X
        balance
    C1      0.1
    C2      0.9
    """
    if representatives not in _REPRESENTATIVES:
        message = f"representatives must be one of {', '.join(_REPRESENTATIVES)}."
        raise DomainError(message)
    values, points, order, wanted = _checked_customers(X, hierarchy, n_classes, clustering)
    n_init = _whole_number(n_init, "n_init", 1)
    count = _whole_number(n_representatives, "n_representatives", 1)
    seeds = _whole_number(stability_seeds, "stability_seeds", 0)
    if count > 1 and representatives not in ("nearest", "random"):
        message = "n_representatives goes with representatives='nearest' or 'random'."
        raise DomainError(message)
    rng = check_random_state(random_state)
    draws = rng.randint(np.iinfo(np.int32).max, size=1 + seeds)
    runs = [_k_means(points, wanted, int(seed), n_init) for seed in draws]
    composite = composite_value(values, hierarchy)
    classes, centers = _ordered_classes(runs[0], composite, values)
    cases, numbers = _cases(representatives, count, values, points, classes, rng)
    labels = np.empty_like(classes)
    labels[order] = classes
    sizes = np.bincount(classes)[1:].astype(np.int64)
    means = np.array([composite[classes == number].mean() for number in range(1, wanted + 1)])
    agreements = [adjusted_rand_score(runs[0], run) for run in runs[1:]]
    report = CaseBaseReport(
        sizes=read_only(sizes),
        mean_composite=read_only(means),
        smallest_class=int(sizes.min()),
        silhouette=_silhouette(points, classes, rng),
        stability=float(np.mean(agreements)) if agreements else None,
    )
    return CaseBase(
        X=_case_frame(X, cases, hierarchy),
        y=read_only(numbers),
        hierarchy=hierarchy,
        representatives=representatives,
        labels=read_only(labels),
        centers=read_only(centers),
        weighted=_is_weighted(clustering),
        report=report,
        provenance=provenance(hierarchy.model_dump_json(), customers=len(values), cases=len(cases)),
    )


def _silhouette(points: FloatArray, classes: IntArray, rng: np.random.RandomState) -> float | None:
    sample = len(points) > SILHOUETTE_SAMPLE
    chosen = rng.choice(len(points), SILHOUETTE_SAMPLE, replace=False) if sample else slice(None)
    some = classes[chosen]
    if not 1 < len(np.unique(some)) < len(some):
        return None
    return float(silhouette_score(points[chosen], some))


def _case_frame(template: object, cases: FloatArray, hierarchy: Hierarchy) -> Any:
    """Give the cases as the kind of table the customers came in."""
    if not _frames.is_frame(template):
        return read_only(cases)
    columns = {name: cases[:, j] for j, name in enumerate(hierarchy.indicators)}
    if _frames.row_labels(template) is None:
        return _frames.like(template, columns, keep_index=False)
    return pd.DataFrame(columns, index=[f"C{place}" for place in range(1, len(cases) + 1)])
