"""Case-based reasoning: classes and cases against brute force, explanations that add up, refusals."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_limits

from custvalue import cbr, grey
from custvalue._case_based import clustering
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from custvalue._typing import FloatArray, IntArray

HIERARCHY = grey.Hierarchy.from_weights(
    {"recency": 0.25, "monetary": 0.75}, {"recency": {"a": 1.0}, "monetary": {"b": 0.25, "c": 0.75}}
)
WEIGHTS = np.array([0.25, 0.1875, 0.5625])
NAMES = ["a", "b", "c"]
LEVELS = st.sampled_from([0.0, 0.125, 0.25, 0.5, 0.75, 1.0])
CHOICES = ("prototype", "medoid", "nearest", "random", "all")


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """K-means of a few customers waits for its own threads a thousand times longer than it computes."""
    with threadpool_limits(limits=1):
        yield


def blobs(seed: int = 0, sizes: tuple[int, ...] = (9, 6, 12), spread: float = 0.02) -> FloatArray:
    """Customers about three centres on the diagonal, shuffled."""
    rng = np.random.default_rng(seed)
    centers = np.linspace(0.1, 0.9, len(sizes))
    rows = np.concatenate(
        [center + spread * rng.standard_normal((n, 3)) for center, n in zip(centers, sizes, strict=True)]
    )
    rng.shuffle(rows)
    return rows


def noise(n: int = 60, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).random((n, 3))


def base(X: Any, n_classes: int = 3, **settings_: Any) -> cbr.CaseBase:
    return cbr.build_case_base(X, HIERARCHY, **({"n_classes": n_classes, "random_state": 0} | settings_))


def rows_of(table: Any) -> set[tuple[float, ...]]:
    return {tuple(row) for row in np.asarray(table).tolist()}


def weighted_distance(X: FloatArray, point: FloatArray, weights: FloatArray = WEIGHTS) -> FloatArray:
    """The weighted squared distance as it is written: sum of w_j (v_j - v_j')^2."""
    total: FloatArray = sum((weights[j] * (X[:, j] - point[j]) ** 2 for j in range(3)), start=np.zeros(len(X)))
    return total


# Composite value ----------------------------------------------------------------------------------------------


def test_composite_value_by_hand() -> None:
    """1/4 a + 3/4 (1/4 b + 3/4 c)."""
    got = cbr.composite_value([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.5, 0.5, 0.5]], HIERARCHY)
    np.testing.assert_array_equal(got, [0.25, 0.1875, 0.5625, 0.5])


@pytest.mark.pyarrow
def test_composite_value_matches_columns_by_name(make_frame: Callable[..., Any]) -> None:
    frame = make_frame({"c": [0.0], "key": ["secret"], "a": [1.0], "b": [0.0]})
    np.testing.assert_array_equal(cbr.composite_value(frame, HIERARCHY), [0.25])


# Classes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("representatives", CHOICES)
@pytest.mark.parametrize("table", [blobs(), noise()], ids=["blobs", "noise"])
def test_the_order_of_customers_does_not_matter(table: FloatArray, representatives: str) -> None:
    order = np.random.default_rng(1).permutation(len(table))
    first = base(table, representatives=representatives)
    second = base(table[order], representatives=representatives)
    np.testing.assert_array_equal(second.clusters.labels, first.clusters.labels[order])
    np.testing.assert_array_equal(second.X, first.X)
    np.testing.assert_array_equal(second.y, first.y)
    assert second.clusters.report.silhouette == first.clusters.report.silhouette
    assert second.clusters.report.stability == first.clusters.report.stability


def test_a_seed_makes_the_result_reproducible() -> None:
    first, second = base(noise(), representatives="random"), base(noise(), representatives="random")
    np.testing.assert_array_equal(first.X, second.X)
    np.testing.assert_array_equal(first.clusters.labels, second.clusters.labels)
    seeds = {
        tuple(base(noise(), representatives="random", random_state=seed).X.to_numpy()[:, 0].round(6))
        for seed in range(5)
    }
    assert len(seeds) > 1


@pytest.mark.parametrize("n_classes", [2, 5, 8])
def test_classes_rise_with_the_mean_composite_value(n_classes: int) -> None:
    table = noise(120)
    found = base(table, n_classes, representatives="all")
    composite = cbr.composite_value(table, HIERARCHY)
    assert found.clusters.n_classes == n_classes
    assert sorted(set(found.clusters.labels.tolist())) == list(range(1, n_classes + 1))
    means = [composite[found.clusters.labels == number].mean() for number in range(1, n_classes + 1)]
    assert means == sorted(means)
    np.testing.assert_allclose(found.clusters.report.mean_composite, means, rtol=1e-14)
    centers = [table[found.clusters.labels == number].mean(axis=0) for number in range(1, n_classes + 1)]
    np.testing.assert_allclose(found.clusters.centers, centers, rtol=1e-12)
    sizes = [int((found.clusters.labels == number).sum()) for number in range(1, n_classes + 1)]
    assert found.clusters.report.sizes.tolist() == sizes
    assert found.clusters.report.smallest_class == min(sizes)
    assert found.clusters.report.to_frame()["customers"].tolist() == sizes
    assert found.clusters.report.to_frame()["class"].tolist() == list(range(1, n_classes + 1))
    assert found.clusters.provenance.counts == {"customers": 120, "cases": 120}


def test_planted_classes_are_found_and_numbered() -> None:
    table = blobs()
    found = base(table)
    expected = 1 + (table.mean(axis=1) > 0.3) + (table.mean(axis=1) > 0.7)
    np.testing.assert_array_equal(found.clusters.labels, expected)
    assert found.clusters.report.sizes.tolist() == [9, 6, 12]


@pytest.mark.parametrize(("clustering", "weights"), [("weighted", WEIGHTS), ("unweighted", np.ones(3))])
def test_clusters_reach_the_objective_of_their_distance(clustering: str, weights: FloatArray) -> None:
    """The weighted sum of squares is no larger than the best of 50 starts on columns scaled by sqrt(w)."""
    table = noise(80)
    found = base(table, 5, clustering=clustering, representatives="all", n_init=50)
    within = sum(
        weighted_distance(table, found.clusters.centers[k - 1], weights)[found.clusters.labels == k].sum()
        for k in range(1, 6)
    )
    peer = KMeans(n_clusters=5, n_init=50, random_state=7).fit(table * np.sqrt(weights))
    assert within == pytest.approx(peer.inertia_, rel=1e-3)
    other = WEIGHTS if clustering == "unweighted" else np.ones(3)
    wrong = KMeans(n_clusters=5, n_init=50, random_state=7).fit(table * np.sqrt(other)).labels_
    assert adjusted_rand_score(found.clusters.labels, peer.labels_) > adjusted_rand_score(
        found.clusters.labels, wrong
    )


def test_weights_decide_what_the_classes_tell_apart() -> None:
    """Column a, of weight .02, spreads ten times wider than c, of weight .96."""
    hierarchy = grey.Hierarchy.from_weights({"g": 1.0}, {"g": {"a": 0.002, "b": 0.018, "c": 0.98}})
    low, high = np.zeros(10), np.ones(10)
    table = np.stack([np.tile([0.0, 1.0], 10), np.full(20, 0.5), np.r_[low, 0.5 * high]], axis=1)
    table = 0.999 * table + 0.001 * np.random.default_rng(0).random((20, 3))
    weighted = cbr.build_case_base(table, hierarchy, n_classes=2, random_state=0)
    np.testing.assert_array_equal(weighted.clusters.labels, np.repeat([1, 2], 10))
    plain = cbr.build_case_base(table, hierarchy, n_classes=2, random_state=0, clustering="unweighted")
    assert adjusted_rand_score(plain.clusters.labels, np.tile([1, 2], 10)) == 1.0
    assert (weighted.clusters.weighted, plain.clusters.weighted) == (True, False)
    np.testing.assert_array_equal(weighted.clusters.assign(table), weighted.clusters.labels)
    np.testing.assert_array_equal(plain.clusters.assign(table), plain.clusters.labels)


# Cases --------------------------------------------------------------------------------------------------------


def test_a_prototype_is_the_mean_of_its_class() -> None:
    table = blobs()
    found = base(table)
    assert found.y.tolist() == [1, 2, 3]
    means = [table[found.clusters.labels == number].mean(axis=0) for number in (1, 2, 3)]
    np.testing.assert_allclose(found.X, means, rtol=1e-13)
    assert not rows_of(np.asarray(found.X)) & rows_of(table), "no prototype is a customer"


def test_a_prototype_of_fewer_than_five_is_refused() -> None:
    assert base(blobs(sizes=(5, 6, 5))).clusters.report.smallest_class == 5
    with pytest.raises(
        DataError, match=r"Class 2 has 4 customers; a prototype is the mean of at least 5"
    ) as caught:
        base(blobs(sizes=(6, 4, 7)))
    assert "other representatives by name" in str(caught.value)
    assert len(base(blobs(sizes=(6, 4, 7)), representatives="medoid").X) == 3


@pytest.mark.parametrize("clustering", ["weighted", "unweighted"])
def test_a_medoid_has_the_least_sum_of_distances_to_its_class(clustering: str) -> None:
    table = noise(70)
    weights = WEIGHTS if clustering == "weighted" else np.ones(3)
    found = base(table, 4, representatives="medoid", clustering=clustering)
    for number in range(1, 5):
        members = table[found.clusters.labels == number]
        sums = [np.sqrt(weighted_distance(members, one, weights)).sum() for one in members]
        np.testing.assert_array_equal(np.asarray(found.X)[number - 1], members[np.argmin(sums)])


def test_a_medoid_minimises_distances_and_not_their_squares() -> None:
    """Of 0, 0, 0, .12, .4 the sums of distances are .52 at 0 and .64 at .12; the mean, .104, is nearest to .12."""
    hierarchy = grey.Hierarchy.equal({"g": ["a"]})
    far = [[0.99], [1.0], [0.995]]
    table = np.array([[0.0], [0.0], [0.0], [0.12], [0.4], *far])
    found = cbr.build_case_base(table, hierarchy, n_classes=2, representatives="medoid", random_state=0)
    assert found.clusters.labels.tolist() == [1] * 5 + [2] * 3
    np.testing.assert_array_equal(found.X, [[0.0], [0.995]])


def test_the_nearest_members_are_nearest_to_the_mean() -> None:
    table = noise(70)
    found = base(table, 4, representatives="nearest", n_representatives=3)
    assert found.y.tolist() == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    for number in range(1, 5):
        members = table[found.clusters.labels == number]
        closest = np.argsort(weighted_distance(members, members.mean(axis=0)))[:3]
        assert rows_of(np.asarray(found.X)[found.y == number]) == rows_of(members[closest])


def test_random_representatives_are_members_and_distinct() -> None:
    table = noise(70)
    found = base(table, 4, representatives="random", n_representatives=4)
    for number in range(1, 5):
        chosen = rows_of(np.asarray(found.X)[found.y == number])
        assert len(chosen) == 4
        assert chosen <= rows_of(table[found.clusters.labels == number])


def test_all_customers_can_be_cases() -> None:
    table = noise(40)
    found = base(table, 3, representatives="all")
    assert len(found.X) == 40
    for number in (1, 2, 3):
        assert rows_of(np.asarray(found.X)[found.y == number]) == rows_of(table[found.clusters.labels == number])


@given(arrays(np.float64, (12, 3), elements=LEVELS), arrays(np.float64, (5, 3), elements=LEVELS))
@settings(deadline=None, max_examples=25)
def test_assign_is_brute_force(table: FloatArray, customers: FloatArray) -> None:
    if len(np.unique(table, axis=0)) < 3:
        return
    found = base(table, representatives="all", stability_seeds=0, n_init=1)
    distance = np.array([weighted_distance(customers, center) for center in found.clusters.centers])
    got = found.clusters.assign(customers) - 1
    assert (distance[got, np.arange(5)] <= distance.min(axis=0) + 1e-12).all()


def test_equally_near_centres_give_the_lowest_class() -> None:
    hierarchy = grey.Hierarchy.equal({"g": ["a"]})
    found = cbr.build_case_base([[0.0], [1.0]], hierarchy, n_classes=2, representatives="all", random_state=0)
    assert found.clusters.assign([[0.5], [0.49], [0.51]]).tolist() == [1, 1, 2]


# The report ---------------------------------------------------------------------------------------------------


def test_silhouette_is_that_of_the_clustering_space() -> None:
    table = noise(60)
    for how, weights in (("weighted", WEIGHTS), ("unweighted", np.ones(3))):
        found = base(table, 4, clustering=how, representatives="all")
        expected = silhouette_score(table * np.sqrt(weights), found.clusters.labels)
        assert found.clusters.report.silhouette == pytest.approx(expected, abs=1e-12)


def test_silhouette_of_many_is_that_of_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = base(blobs(sizes=(40, 40, 40))).clusters.report.silhouette
    monkeypatch.setattr(clustering, "SILHOUETTE_SAMPLE", 30)
    sample = base(blobs(sizes=(40, 40, 40))).clusters.report.silhouette
    assert whole is not None
    assert sample is not None
    assert sample != whole
    assert sample == pytest.approx(whole, abs=0.05)


def test_silhouette_needs_two_members_somewhere() -> None:
    assert base(noise(3), representatives="all").clusters.report.silhouette is None


def test_stability_is_one_for_blobs_and_low_for_noise() -> None:
    assert base(blobs()).clusters.report.stability == 1.0
    unstable = base(noise(200), 8, n_init=1, representatives="all").clusters.report.stability
    assert unstable is not None
    assert unstable < 0.8
    assert base(blobs(), stability_seeds=0).clusters.report.stability is None
    text = base(blobs())._repr_html_()
    assert "Case base, version 1: 3 cases" in text
    assert "stability (adjusted Rand) 1.00" in text


def test_class_stability_compares_every_pair() -> None:
    sharp = cbr.class_stability(blobs(), HIERARCHY, n_classes=3, n_seeds=4, random_state=0)
    np.testing.assert_array_equal(sharp, np.ones(6))
    vague = cbr.class_stability(noise(200), HIERARCHY, n_classes=8, n_seeds=3, n_init=1, random_state=0)
    assert vague.shape == (3,)
    assert (vague < 0.95).all()
    again = cbr.class_stability(noise(200)[::-1], HIERARCHY, n_classes=8, n_seeds=3, n_init=1, random_state=0)
    np.testing.assert_array_equal(again, vague)


# Frames and privacy -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("representatives", CHOICES)
def test_no_key_of_a_customer_is_kept(representatives: str) -> None:
    table = pd.DataFrame(blobs(), columns=NAMES, index=[f"key-{n}" for n in range(27)])
    found = base(table, representatives=representatives)
    assert list(found.X.index) == [f"C{place}" for place in range(1, len(found.X) + 1)]
    assert list(found.X.columns) == NAMES
    assert "key-" not in found.X.to_csv() + found._repr_html_() + found.model_dump_json()


@pytest.mark.pyarrow
def test_frames_of_every_library_give_the_same_classes(make_frame: Callable[..., Any]) -> None:
    table = blobs()
    frame = make_frame(
        {"key": ["secret"] * 27, "c": table[:, 2], "a": table[:, 0].tolist(), "b": table[:, 1].tolist()}
    )
    expected, found = base(table), base(frame)
    assert list(found.X.columns) == NAMES
    assert found == expected
    np.testing.assert_array_equal(found.clusters.labels, expected.clusters.labels)
    np.testing.assert_array_equal(found.clusters.assign(frame), expected.clusters.assign(table))


@pytest.mark.parametrize(
    ("settings_", "error", "match"),
    [
        ({"n_classes": 1}, DomainError, "n_classes must be a whole number from 2"),
        ({"n_classes": True}, DomainError, "n_classes must be a whole number from 2"),
        ({"n_classes": 3.0}, DomainError, "n_classes must be a whole number from 2"),
        ({"n_classes": 28}, DomainError, "n_classes is 28 and X has 27 customers, 27 of them distinct"),
        ({"n_representatives": 0}, DomainError, "n_representatives must be a whole number from 1"),
        ({"n_representatives": 2}, DomainError, "goes with representatives='nearest' or 'random'"),
        ({"n_representatives": 7, "representatives": "nearest"}, DataError, "is 7 and class 2 has 6 customers"),
        ({"n_representatives": 7, "representatives": "random"}, DataError, "is 7 and class 2 has 6 customers"),
        ({"representatives": "mean"}, DomainError, "must be one of prototype, medoid, nearest, random, all"),
        ({"clustering": "plain"}, DomainError, "clustering must be 'weighted' or 'unweighted'"),
        ({"stability_seeds": -1}, DomainError, "stability_seeds must be a whole number from 0"),
        ({"n_init": 0}, DomainError, "n_init must be a whole number from 1"),
    ],
)
def test_settings_out_of_range_are_refused(settings_: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        base(blobs(), **settings_)


def test_settings_of_class_stability_are_checked() -> None:
    for settings_, match in (
        ({"n_seeds": 1}, "n_seeds must be a whole number from 2"),
        ({"n_init": 0}, "n_init must be a whole number from 1"),
        ({"n_classes": 28}, "28 and X has 27 customers"),
        ({"clustering": "plain"}, "clustering must be"),
    ):
        arguments: dict[str, Any] = {"n_classes": 3} | settings_
        with pytest.raises(DomainError, match=match):
            cbr.class_stability(blobs(), HIERARCHY, **arguments)


def test_more_classes_than_distinct_customers_are_refused() -> None:
    twice = np.repeat(noise(4), 5, axis=0)
    assert base(twice, 4).clusters.n_classes == 4
    with pytest.raises(DomainError, match="n_classes is 5 and X has 20 customers, 4 of them distinct"):
        base(twice, 5)
    for few in (noise(1), np.empty((0, 3))):
        with pytest.raises(DomainError, match=f"n_classes is 2 and X has {len(few)} customers"):
            base(few, 2)


def test_customers_that_differ_only_where_nothing_is_weighed_are_alike() -> None:
    """Regression: weight zero made k-means find fewer classes than asked for, and means of nobody."""
    hierarchy = grey.Hierarchy.from_weights({"g": 0.0, "h": 1.0}, {"g": {"a": 1.0}, "h": {"b": 1.0}})
    table = np.stack([np.arange(20.0) / 20, np.repeat([0.0, 1.0], 10)], axis=1)
    with pytest.raises(DomainError, match="n_classes is 3 and X has 20 customers, 2 of them distinct"):
        cbr.build_case_base(table, hierarchy, n_classes=3, random_state=0)
    found = cbr.build_case_base(table, hierarchy, n_classes=2, random_state=0)
    np.testing.assert_array_equal(found.clusters.labels, np.repeat([1, 2], 10))


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_customers_that_k_means_cannot_tell_apart_are_refused() -> None:
    """Regression: squares of 1e-200 are zero."""
    with pytest.raises(DomainError, match="n_classes is 3 and k-means tells only 1 apart; ask for fewer classes"):
        base(1e-200 * np.arange(15.0).reshape(5, 3))


@pytest.mark.parametrize(
    ("bad", "error", "match"),
    [
        (np.nan, DataError, r"X holds missing values .*: 1 cell\(s\) in 'b'"),
        (np.inf, DataError, r"X holds infinite numbers .*: 1 cell\(s\) in 'b'"),
        ("secret", DomainError, "X does not hold numbers only"),
    ],
)
def test_bad_cells_are_refused_and_not_shown(bad: Any, error: type[Exception], match: str) -> None:
    table = blobs().astype(object)
    table[4, 1] = bad
    shown = f"{table[4, 0]:.6f}"
    for call in (base, base(blobs()).clusters.assign, lambda X: cbr.composite_value(X, HIERARCHY)):
        with pytest.raises(error, match=match) as caught:
            call(table)
        assert "secret" not in str(caught.value)
        assert shown not in str(caught.value)
    with pytest.raises(ColumnError, match=r"missing: 'a'.*X must hold them by name"):
        base(pd.DataFrame(blobs(), columns=["x", "b", "c"]))


@pytest.mark.parametrize("name", ["y", "values", "members", "labels", "centers"])
def test_a_case_base_cannot_be_written_to(name: str) -> None:
    found = base(blobs())
    with pytest.raises(ValueError, match="read-only"):
        getattr(found if hasattr(type(found), name) else found.clusters, name)[...] = 0


# The classifier -----------------------------------------------------------------------------------------------


def brute_force(queries: FloatArray, cases: FloatArray, rho: float = 0.5) -> FloatArray:
    """Second route: similarities by the formula, group by group, in plain NumPy."""
    result = np.zeros((len(queries), len(cases)))
    for i, query in enumerate(queries):
        for columns in ([0], [1, 2]):
            distance = np.abs(cases[:, columns] - query[columns])
            offset = rho * distance.max()
            zeta = (distance.min() + offset) / (distance + offset) if offset else np.ones_like(distance)
            result[i] += zeta @ WEIGHTS[columns]
    return result


def fitted(classes: Any = None, n: int = 12, seed: int = 3) -> tuple[cbr.CaseBasedClassifier, FloatArray, Any]:
    cases = noise(n, seed)
    y = np.array(["low", "mid", "high"])[np.arange(n) % 3] if classes is None else classes
    return cbr.CaseBasedClassifier(HIERARCHY).fit(cases, y), cases, np.asarray(y)


@pytest.mark.parametrize("kind", ["text", "object", "int", "bool", "pandas"])
def test_the_class_of_the_most_similar_case(kind: str) -> None:
    text = np.array(["low", "mid", "high"])[np.arange(12) % 3]
    classes: dict[str, Any] = {
        "text": text,
        "object": text.astype(object),
        "int": np.arange(12) % 3,
        "bool": np.arange(12) % 3 == 0,
        "pandas": pd.Series(text, index=range(5, 17)),
    }
    model, cases, y = fitted(classes[kind])
    queries = noise(50, 4)
    alike = brute_force(queries, cases)
    np.testing.assert_array_equal(model.predict(queries), y[alike.argmax(axis=1)])
    np.testing.assert_array_equal(model.retrieve(queries, k=4).index, np.argsort(-alike, axis=1)[:, :4])
    np.testing.assert_array_equal(model.predict(cases), y)
    assert model.score(cases, y) == 1.0
    np.testing.assert_array_equal(model.classes_, np.unique(y))
    one = model.explain(queries[:1])[0]
    assert one.predicted == y[alike[0].argmax()]
    assert type(one.predicted) is {"int": int, "bool": bool}.get(kind, str)


def test_without_hierarchy_all_columns_form_one_group() -> None:
    frame = pd.DataFrame(noise(5), columns=NAMES)
    model = cbr.CaseBasedClassifier().fit(frame, [1, 2, 1, 2, 1])
    assert model.hierarchy_ == grey.Hierarchy.equal({"all": NAMES})
    assert model.get_params()["hierarchy"] is None
    bare = cbr.CaseBasedClassifier().fit(frame.to_numpy(), [1, 2, 1, 2, 1])
    assert bare.hierarchy_.indicators == ("feature 1", "feature 2", "feature 3")


def test_rho_reaches_the_similarity() -> None:
    sharp = HIERARCHY.model_copy(update={"distinguishing_coefficient": 0.05})
    queries, cases = noise(20, 8), noise(9, 9)
    got = cbr.CaseBasedClassifier(sharp).fit(cases, np.arange(9)).retrieve(queries).similarity[:, 0]
    np.testing.assert_allclose(got, brute_force(queries, cases, 0.05).max(axis=1), rtol=1e-14)


@pytest.mark.pyarrow
@pytest.mark.parametrize("order", ["abc", "cab"])
def test_columns_in_any_order_of_any_library(make_frame: Callable[..., Any], order: str) -> None:
    cases, queries = noise(9, 5), noise(20, 6)
    y = np.arange(9) % 3
    frames = [make_frame({n: table[:, "abc".index(n)] for n in order}) for table in (cases, queries)]
    plain = cbr.CaseBasedClassifier(HIERARCHY).fit(cases, y)
    model = cbr.CaseBasedClassifier(HIERARCHY).fit(frames[0], y)
    np.testing.assert_array_equal(model.cases_, cases)
    assert model.feature_names_in_.tolist() == list(order)
    np.testing.assert_array_equal(model.predict(frames[1]), plain.predict(queries))
    found, expected = model.explain(frames[1]), plain.explain(queries)
    pd.testing.assert_frame_equal(found.to_frame(), expected.to_frame())


def test_no_row_label_names_a_case() -> None:
    """A label of the fitted frame may be a customer's key, which an explanation must not disclose."""
    named = pd.DataFrame(noise(3), columns=NAMES, index=["KEY-7", "KEY-8", "KEY-9"])
    model = cbr.CaseBasedClassifier(HIERARCHY).fit(named, [1, 2, 1])
    assert model.case_names_ == ("C1", "C2", "C3")
    assert "KEY" not in model.explain(named, labels=["one", "two", "three"])[0].in_words() + repr(
        model.explain(named)
    )


def test_a_classifier_from_a_case_base_takes_its_weights() -> None:
    found = base(blobs())
    model = cbr.CaseBasedClassifier().fit(found)
    assert model.hierarchy_ == found.hierarchy
    np.testing.assert_array_equal(model.predict(found.X), found.y)


def test_unscaled_indicators_are_refused() -> None:
    """Crowns beside days would make one group of them meaningless."""
    found = base(blobs())
    model = cbr.CaseBasedClassifier().fit(found)
    raw = 1000.0 * blobs()
    for act in (
        lambda: base(raw),
        lambda: cbr.composite_value(raw, found.hierarchy),
        lambda: found.clusters.assign(raw),
        lambda: model.predict(raw),
        lambda: model.explain(raw),
        lambda: cbr.CaseBasedClassifier(found.hierarchy).fit(raw, found.clusters.labels),
    ):
        with pytest.raises(DataError, match=r"X has values outside \[0, 1\] in 'a'.*scale first"):
            act()


def test_unscaled_rows_of_other_customers_are_refused() -> None:
    customers = pd.DataFrame(noise(2), columns=NAMES, index=[5, 6])
    model = cbr.CaseBasedClassifier(HIERARCHY).fit(noise(3), [1, 2, 1])
    with pytest.raises(DataError, match=r"unscaled has another index than X"):
        cbr.CaseBasedClassifier(HIERARCHY).fit(customers, [1, 2]).explain(customers, unscaled=customers[::-1])
    with pytest.raises(DataError, match=r"labels has 1 entries and X 2 rows"):
        model.explain(noise(2), labels=["one"])


def test_a_case_base_trains_the_classifier() -> None:
    table = blobs()
    found = base(table)
    model = cbr.CaseBasedClassifier(found.hierarchy).fit(found.X, found.y)
    assert model.case_names_ == ("C1", "C2", "C3")
    assert (model.predict(pd.DataFrame(table, columns=NAMES)) == found.clusters.labels).mean() > 0.9


def test_every_training_customer_is_assigned_to_its_own_class() -> None:
    """K-means runs until no customer moves, so labels and nearest centres agree on noise too."""
    table = np.random.default_rng(3).random((20_000, 3))
    found = base(table, n_classes=8, n_init=1, stability_seeds=0, random_state=0)
    np.testing.assert_array_equal(found.clusters.assign(table), found.clusters.labels)


# Refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        (["a", "b", "x"], r"missing: 'c'. The frame has: 'a', 'b', 'x'. The hierarchy's indicators must be"),
        (["a", "b", "c", "key"], "columns that the hierarchy does not weigh: key. Leave them out"),
        (["a", "b", "c", "c"], r"unique column names, got: - 'c' 2 times"),
    ],
)
def test_wrong_columns_are_named(columns: list[str], match: str) -> None:
    frame = pd.DataFrame(np.zeros((4, len(columns))), columns=columns)
    with pytest.raises(ColumnError, match=match):
        cbr.CaseBasedClassifier(HIERARCHY).fit(frame, [1, 2, 1, 2])


def test_the_number_of_columns_of_an_array_is_checked() -> None:
    with pytest.raises(ColumnError, match=r"X has 2 columns and the hierarchy 3 indicators \(a, b, c\)"):
        cbr.CaseBasedClassifier(HIERARCHY).fit(np.zeros((4, 2)), [1, 2, 1, 2])
    with pytest.raises(ValueError, match="X has 2 features, but CaseBasedClassifier is expecting 3"):
        fitted()[0].predict(np.zeros((4, 2)))


@pytest.mark.parametrize(
    ("y", "match"),
    [
        (None, "y is None: give the class of each case"),
        ([1, 2, 1], "X has 4 cases and y 3 classes; give one class a case"),
        ([0.5, 1.5, 0.25, 2.5], "Unknown label type: continuous"),
        ([1.0, np.nan, 1.0, 2.0], "NaN"),
        (np.array(["secret", None, "x", "x"], dtype=object), "y mixes kinds or holds missing classes"),
        (np.array(["secret", 1, "x", 2], dtype=object), "y mixes kinds or holds missing classes"),
        (np.zeros((4, 2)), "y should be a 1d array"),
    ],
)
def test_wrong_classes_are_refused(y: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match) as caught:
        cbr.CaseBasedClassifier(HIERARCHY).fit(noise(4), y)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("hierarchy", ["recency", {"g": ["a", "b", "c"]}, 3])
def test_only_a_hierarchy_is_a_hierarchy(hierarchy: Any) -> None:
    with pytest.raises(DomainError, match=r"hierarchy is a (str|dict|int); allowed: grey.Hierarchy or None"):
        cbr.CaseBasedClassifier(hierarchy).fit(noise(4), [1, 2, 1, 2])


@pytest.mark.parametrize(
    ("X", "match"),
    [
        ([[0.123456, np.nan, 0.5]], r"X holds missing values .*: 1 cell\(s\) in column 1"),
        ([[0.123456, np.inf, 0.5]], r"X holds infinite numbers"),
        (np.ma.array([[0.123456, 0.5, 0.5]], mask=[[False, True, False]]), r"missing values .* in column 1"),
        ([["secret", 0.123456, 0.5]], "X holds text; allowed: a table of numbers"),
        ([0.123456, 0.5, 0.5], "Expected 2D array, got 1D array instead. Reshape your data"),
        (0.123456, "Expected 2D array, got scalar array instead. Reshape your data"),
        (np.array([[0.123456j, 0.5, 0.5]]), "Complex data not supported: X holds complex numbers"),
    ],
)
def test_messages_show_no_cell(X: Any, match: str) -> None:
    """Regression: scikit-learn's own messages printed one-dimensional and complex input."""
    model, _, _ = fitted()
    for call in (model.predict, model.retrieve, model.explain, lambda X: model.fit(X, [1])):
        with pytest.raises(DataError, match=match) as caught:
            call(X)
        assert "123456" not in str(caught.value)
        assert "secret" not in str(caught.value)


def test_frames_with_bad_cells_name_their_columns() -> None:
    frame = pd.DataFrame(noise(4), columns=NAMES)
    model = cbr.CaseBasedClassifier(HIERARCHY).fit(frame, [1, 2, 1, 2])
    with pytest.raises(DataError, match=r"missing values .* in 'b'"):
        model.predict(frame.assign(b=[0.1, np.nan, 0.2, 0.3]))
    with pytest.raises(ColumnError, match=r"Column 'b' is of type .*; allowed: numbers") as caught:
        model.predict(frame.assign(b="secret"))
    assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match="same order as they were in fit"):
        model.predict(frame[["b", "a", "c"]])
    polars = pytest.importorskip("polars")
    with pytest.raises(DomainError, match="X is a lazy frame"):
        model.predict(polars.DataFrame(frame.to_dict("list")).lazy())


def test_unscaled_must_be_the_same_customers() -> None:
    model, _, _ = fitted()
    with pytest.raises(DataError, match="unscaled has 2 rows and X 3; give the same customers in order"):
        model.explain(noise(3), unscaled=noise(2))
    with pytest.raises(ColumnError, match=r"missing: 'c'.*unscaled must hold them by name"):
        model.explain(noise(3), unscaled=pd.DataFrame(noise(3), columns=["a", "b", "x"]))


@pytest.mark.parametrize("k", [0, 13, True, 1.5])
def test_k_is_checked(k: Any) -> None:
    with pytest.raises(DomainError, match="k must be a whole number from 1 to the number of cases, 12"):
        fitted()[0].retrieve(noise(3), k=k)


# Living with scikit-learn -------------------------------------------------------------------------------------


def test_pickle_and_clone() -> None:
    model, _, y = fitted()
    queries = noise(20, 4)
    again = pickle.loads(pickle.dumps(model))  # noqa: S301 - our own bytes
    np.testing.assert_array_equal(again.predict(queries), model.predict(queries))
    pd.testing.assert_frame_equal(again.explain(queries).to_frame(), model.explain(queries).to_frame())
    fresh = clone(model)
    assert fresh.hierarchy == HIERARCHY
    assert not hasattr(fresh, "cases_")
    np.testing.assert_array_equal(fresh.fit(model.cases_, y).predict(queries), model.predict(queries))
    found = base(blobs())
    kept = pickle.loads(pickle.dumps(found))  # noqa: S301 - our own bytes
    np.testing.assert_array_equal(kept.clusters.assign(blobs()), found.clusters.assign(blobs()))


def planted(n: int = 60) -> tuple[FloatArray, IntArray]:
    """Only column a tells the classes apart."""
    table = noise(n, 11)
    return table, (table[:, 0] > 0.5).astype(np.int64)


def test_grid_search_over_hierarchies() -> None:
    table, y = planted()
    blind = grey.Hierarchy.from_weights({"g": 0.0, "h": 1.0}, {"g": {"a": 1.0}, "h": {"b": 0.5, "c": 0.5}})
    seeing = grey.Hierarchy.from_weights({"g": 1.0, "h": 0.0}, {"g": {"a": 1.0}, "h": {"b": 0.5, "c": 0.5}})
    search = GridSearchCV(cbr.CaseBasedClassifier(), {"hierarchy": [blind, seeing]}, cv=3)
    search.fit(pd.DataFrame(table, columns=NAMES), y)
    assert search.best_params_["hierarchy"] == seeing
    assert search.best_score_ > 0.9
    assert search.cv_results_["mean_test_score"][0] < 0.75


def test_processes_give_the_same_classes() -> None:
    model, _, _ = fitted()
    queries = noise(40, 4)
    parts = Parallel(n_jobs=2)(delayed(model.predict)(part) for part in np.array_split(queries, 2))
    np.testing.assert_array_equal(np.concatenate(list(parts)), model.predict(queries))
