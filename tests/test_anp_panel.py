"""Panels of many experts: what is computed for all together is what each expert's own judgments give alone."""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from custvalue import anp
from custvalue._network_process.batch import shifted_weights
from custvalue._network_process.judgments import panel_of
from custvalue.exceptions import JudgmentError

if TYPE_CHECKING:
    from custvalue._typing import FloatArray

METHODS = ("eigenvector", "logarithmic_least_squares", "harker", "lambda_min")
MEANS = ("aip_geometric", "aip_arithmetic")
REPORTED = (
    *("lambda_max", "consistency_index", "consistency_ratio", "adjusted_consistency_ratio"),
    "geometric_consistency_index",
)


def chosen(**names: str) -> dict[str, Any]:
    """Hand over names that come from a list, which a type checker cannot know to be allowed."""
    return dict(names)


def judged(size: int, experts: int, *, seed: int, gaps: float = 0.0, loose: bool = False) -> anp.Comparisons:
    """Draw experts who judge in any order and direction, now and then twice; a chain keeps each connected.

    The last expert weighs nothing; `loose` leaves the first with a single judgment.
    """
    draws = np.random.default_rng(seed)
    rows = []
    for number in range(experts):
        for first, second in combinations(range(size), 2):
            if second - first > 1 and draws.random() < gaps:
                continue
            if loose and number == 0 and (first, second) != (1, 2):
                continue
            one, other = (first, second) if draws.random() < 0.5 else (second, first)
            ratio = math.exp(draws.normal())
            rows.append((one, other, ratio, number))
            if draws.random() < 0.1:
                rows.append((other, one, 1.0 / ratio, number))
    judgments = tuple(
        anp.Judgment(first=f"x{one}", second=f"x{other}", ratio=ratio, expert=f"e{number}")
        for one, other, ratio, number in (rows[place] for place in draws.permutation(len(rows)))
    )
    shares = [2.0 * (experts - 1 - number) / (experts * (experts - 1)) for number in range(experts)]
    weights = {f"e{number}": share for number, share in enumerate(shares)}
    return anp.Comparisons(
        elements=tuple(f"x{place}" for place in range(size)), judgments=judgments, experts=weights
    )


def alone(whole: anp.Comparisons, name: str, method: str) -> anp.Priorities:
    """Solve one expert's judgments by themselves, found by a plain loop."""
    own = tuple(judgment for judgment in whole.judgments if judgment.expert == name)
    return anp.priorities(anp.Comparisons(elements=whole.elements, judgments=own), **chosen(method=method))


def mean_of(each: FloatArray, shares: FloatArray, aggregation: str) -> FloatArray:
    if aggregation == "aip_arithmetic":
        return np.asarray(shares @ each)
    products = np.prod(each ** shares[:, None], axis=0)
    return np.asarray(products / products.sum())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("size", "gaps"), [(2, 0.0), (3, 0.0), (5, 0.0), (5, 0.5), (6, 0.9), (42, 0.0)])
def test_the_agreement_is_that_of_experts_solved_one_by_one(method: str, size: int, gaps: float) -> None:
    whole = judged(size, 4, seed=size, gaps=gaps)
    if gaps and method == "eigenvector":
        method = "harker"  # what the agreement takes for incomplete judgments
    group = anp.priorities(whole, **chosen(method=method))
    found = group.agreement()
    for place, name in enumerate(found.experts):
        own = alone(whole, name, method)
        np.testing.assert_allclose(found.weights[place], own.weights, rtol=1e-12)
        for column in REPORTED:
            assert getattr(found, column)[place] == pytest.approx(getattr(own, column), rel=1e-12, abs=1e-12)
        assert found.missing[place] == len(own.missing)
        ratios = np.outer(own.weights, 1.0 / own.weights) * np.outer(1.0 / group.weights, group.weights)
        assert found.compatibility[place] == pytest.approx(ratios.mean(), rel=1e-12)
        assert found.largest_difference[place] == pytest.approx(max(abs(own.weights - group.weights)), abs=1e-12)
    assert found.connected.all()


def test_complete_and_incomplete_experts_keep_their_places() -> None:
    whole = judged(4, 6, seed=3, gaps=0.4)
    found = anp.priorities(whole, method="harker").agreement()
    assert 0 in found.missing
    assert found.missing.any()
    for place, name in enumerate(found.experts):
        np.testing.assert_allclose(found.weights[place], alone(whole, name, "harker").weights, rtol=1e-12)


def test_an_expert_who_connects_nothing_leaves_the_others_alone() -> None:
    whole = judged(4, 3, seed=1, loose=True)
    found = anp.priorities(whole).agreement()
    place = found.experts.index("e0")
    assert found.connected.tolist() == [name != "e0" for name in found.experts]
    assert np.isnan(found.weights[place]).all()
    assert found.missing[place] == 5
    for other, name in enumerate(found.experts):
        if name != "e0":
            np.testing.assert_allclose(found.weights[other], alone(whole, name, "eigenvector").weights, rtol=1e-12)


@pytest.mark.parametrize("aggregation", MEANS)
@pytest.mark.parametrize("method", METHODS)
def test_means_of_priorities_are_means_of_experts_solved_one_by_one(method: str, aggregation: str) -> None:
    whole = judged(5, 5, seed=8, gaps=0.0 if method == "eigenvector" else 0.5)
    names = [name for name, share in whole.experts.items() if share > 0.0]
    each = np.array([alone(whole, name, method).weights for name in names])
    expected = mean_of(each, np.array([whole.experts[name] for name in names]), aggregation)
    found = anp.priorities(whole, **chosen(method=method, aggregation=aggregation))
    np.testing.assert_allclose(found.weights, expected, rtol=1e-12)


@pytest.mark.parametrize("aggregation", MEANS)
def test_shifts_and_slopes_reach_the_expert_who_judged(aggregation: str) -> None:
    whole = judged(4, 3, seed=5, gaps=0.5)
    method = "harker"
    slopes = anp.priorities(whole, **chosen(method=method, aggregation=aggregation)).gradient().log_weights
    distinct = panel_of(whole).judgments
    step = 1e-5
    shifts = np.vstack([np.eye(len(distinct)), -np.eye(len(distinct))]) * step
    moved = shifted_weights(whole, shifts, **chosen(method=method, aggregation=aggregation))
    for place, judgment in enumerate(distinct):
        ratio = judgment.ratio * math.exp(step)
        # Second statements of the pair by the same expert go, as they would contradict the changed one.
        pair = {judgment.first, judgment.second}
        others = tuple(
            other
            for other in whole.judgments
            if other.expert != judgment.expert or {other.first, other.second} != pair
        )
        changed = whole.model_copy(update={"judgments": (*others, judgment.model_copy(update={"ratio": ratio}))})
        again = anp.priorities(changed, **chosen(method=method, aggregation=aggregation)).weights
        np.testing.assert_allclose(moved[place], again, rtol=1e-12)
        finite = (moved[place] - moved[place + len(distinct)]) / (2.0 * step)
        np.testing.assert_allclose(slopes[place], finite, atol=1e-8)


def test_a_panel_taken_apart_is_the_panel_of_each_expert() -> None:
    whole = judged(5, 4, seed=11, gaps=0.5)
    panel = panel_of(whole)
    for name, places in zip(panel.experts, panel.places_by_expert(), strict=True):
        apart, own = panel.alone(places), panel_of(whole.by_expert(name))
        assert (apart.elements, apart.judgments, apart.experts) == (own.elements, own.judgments, own.experts)
        for field in (
            "weights",
            "expert",
            "row",
            "column",
            "ratio",
            "logarithm",
            "pairs",
            "pair",
            "share",
            "total",
        ):
            np.testing.assert_array_equal(getattr(apart, field), getattr(own, field))


def test_disputes_are_those_of_a_plain_loop() -> None:
    whole = judged(5, 4, seed=2, gaps=0.4)
    expected: dict[tuple[str, str], tuple[float, float, str]] = {}
    for first, second in combinations(whole.elements, 2):
        said: dict[str, float] = {}
        for judgment in whole.judgments:
            if {judgment.first, judgment.second} == {first, second} and whole.experts[judgment.expert] > 0.0:
                log = math.log(judgment.ratio)
                said.setdefault(judgment.expert, log if judgment.first == first else -log)
        if len(said) > 1:
            total = sum(whole.experts[name] for name in said)
            mean = sum(whole.experts[name] * log for name, log in said.items()) / total
            spread = sum(whole.experts[name] * (log - mean) ** 2 for name, log in said.items()) / total
            expected[first, second] = (
                math.exp(mean),
                math.exp(math.sqrt(spread)),
                min(said, key=lambda name: said[name]),
            )
    frame = anp.priorities(whole, method="harker").agreement().dispute_frame()
    assert len(frame) == len(expected) > 0
    assert frame["dispersion"].is_monotonic_decreasing
    for row in frame.to_dict("records"):
        ratio, dispersion, lowest = expected[str(row["first"]), str(row["second"])]
        assert (row["ratio"], row["dispersion"]) == pytest.approx((ratio, dispersion), rel=1e-12)
        assert row["lowest_expert"] == lowest


def test_the_first_expert_who_falls_short_is_named() -> None:
    rows = [("a", "b", "v"), ("b", "c", "v"), ("a", "c", "w"), ("a", "b", "u"), ("b", "c", "u"), ("a", "c", "u")]
    judgments = tuple(anp.Judgment(first=a, second=b, ratio=2, expert=name) for a, b, name in rows)
    whole = anp.Comparisons(elements=("a", "b", "c"), judgments=judgments)
    with pytest.raises(JudgmentError, match="no judgment of the expert 'v' compares 'a' with 'c'; method 'eigen"):
        anp.priorities(whole, aggregation="aip_geometric")
    with pytest.raises(JudgmentError, match="of the expert 'w' do not connect the elements: no judgment compares"):
        anp.priorities(whole, aggregation="aip_geometric", method="harker")
    silenced = whole.model_copy(update={"experts": {"v": 0.0, "w": 0.0, "u": 1.0}})
    assert anp.priorities(silenced, aggregation="aip_geometric").weights.sum() == pytest.approx(1.0)
