"""Value classes by k-means, and the cases that represent them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.utils import check_random_state

from custvalue._case_based.case_base import CaseBase
from custvalue._case_based.clusters import Clusters, column_scale, composite_value, scaled_indicators
from custvalue._case_based.report import CaseBaseReport
from custvalue._results import provenance, read_only
from custvalue._spec import whole_number
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    import datetime as dt

    from custvalue._typing import FloatArray, IntArray, RandomState, Table
    from custvalue.grey import Hierarchy

#: A prototype is the mean of at least this many customers, so that it is no customer's likeness.
SMALLEST_PROTOTYPE = 5
#: Rows whose distances to a class are held together while its medoid is looked for.
BLOCK = 256
#: Customers among which the silhouette is computed; it compares every pair.
SILHOUETTE_SAMPLE = 2000
_REPRESENTATIVES = ("prototype", "medoid", "nearest", "random", "all")


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
    values = scaled_indicators(X, hierarchy)
    classes = whole_number(n_classes, "n_classes", 2)
    points = values * column_scale(hierarchy, weighted=_is_weighted(clustering))
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
    runs, n_init = whole_number(n_seeds, "n_seeds", 2), whole_number(n_init, "n_init", 1)
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
) -> tuple[FloatArray, IntArray, IntArray, IntArray]:
    """Give the cases, their classes, their customers' number and place (-1 for several), class by class."""
    rows, numbers, sizes, places = [], [], [], []
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
            sizes.append(len(members))
            places.append(-1)
        else:
            chosen = _representatives(how, count, points, members, number, rng)
            rows.append(values[chosen])
            sizes += [1] * len(chosen)
            places += chosen.tolist()
        numbers += [number] * len(rows[-1])
    classes_of, sizes_of, places_of = (np.array(one, dtype=np.int64) for one in (numbers, sizes, places))
    return np.concatenate(rows), classes_of, sizes_of, places_of


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
    source: str = "",
    by: str = "",
    date: dt.date | None = None,
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
    source : str, default=""
        Where the customers come from, as every case will say; empty says how the case was chosen.
    by : str, default=""
        Who builds the case base.
    date : datetime.date, default=None
        When, as the caller says.
    random_state : int, RandomState or None, default=None
        Source of all randomness; an int makes the result reproducible.

    Returns
    -------
    CaseBase
        The cases, in version 1; `clusters` has the classes of the customers, their centres and a report.

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
    coordinates. The range of the customers, beyond which a later one is flagged, is kept in hundredths, rounded
    outwards, because its exact ends would be single customers' figures. Cost: that of k-means,
    :math:`O(nkp)` an iteration, times ``n_init`` and ``1 + stability_seeds``; a medoid compares every pair of its
    class.

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
    n_init = whole_number(n_init, "n_init", 1)
    count = whole_number(n_representatives, "n_representatives", 1)
    seeds = whole_number(stability_seeds, "stability_seeds", 0)
    if count > 1 and representatives not in ("nearest", "random"):
        message = "n_representatives goes with representatives='nearest' or 'random'."
        raise DomainError(message)
    rng = check_random_state(random_state)
    draws = rng.randint(np.iinfo(np.int32).max, size=1 + seeds)
    runs = [_k_means(points, wanted, int(seed), n_init) for seed in draws]
    composite = composite_value(values, hierarchy)
    classes, centers = _ordered_classes(runs[0], composite, values)
    cases, numbers, members, places = _cases(representatives, count, values, points, classes, rng)
    labels = np.empty_like(classes)
    labels[order] = classes
    clusters = Clusters(
        hierarchy=hierarchy,
        labels=read_only(labels),
        centers=read_only(centers),
        case_rows=read_only(np.where(places < 0, -1, order[places])),
        weighted=_is_weighted(clustering),
        report=_report(runs, classes, composite, points, rng),
        provenance=provenance(hierarchy.model_dump_json(), customers=len(values), cases=len(cases)),
    )
    return CaseBase.from_cases(
        cases,
        numbers,
        hierarchy,
        members=members,
        source=source or f"k-means, {representatives}",
        by=by,
        date=date,
        # Hundredths, outwards: the exact extremes are single customers' figures.
        bounds=(np.floor(100.0 * values.min(axis=0)) / 100.0, np.ceil(100.0 * values.max(axis=0)) / 100.0),
    ).with_clusters(clusters)


def _report(
    runs: list[IntArray], classes: IntArray, composite: FloatArray, points: FloatArray, rng: np.random.RandomState
) -> CaseBaseReport:
    """Say how good the classes are."""
    sizes = np.bincount(classes)[1:].astype(np.int64)
    means = np.array([composite[classes == number].mean() for number in range(1, len(sizes) + 1)])
    agreements = [adjusted_rand_score(runs[0], run) for run in runs[1:]]
    return CaseBaseReport(
        sizes=read_only(sizes),
        mean_composite=read_only(means),
        smallest_class=int(sizes.min()),
        silhouette=_silhouette(points, classes, rng),
        stability=float(np.mean(agreements)) if agreements else None,
    )


def _silhouette(points: FloatArray, classes: IntArray, rng: np.random.RandomState) -> float | None:
    sample = len(points) > SILHOUETTE_SAMPLE
    chosen = rng.choice(len(points), SILHOUETTE_SAMPLE, replace=False) if sample else slice(None)
    some = classes[chosen]
    if not 1 < len(np.unique(some)) < len(some):
        return None
    return float(silhouette_score(points[chosen], some))
