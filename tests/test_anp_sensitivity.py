"""How sure the priorities are: derivatives against differences, draws against closed forms, swaps by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from custvalue import anp
from custvalue.exceptions import DomainError

NETWORKS = Path(__file__).resolve().parents[1] / "examples" / "networks"
STEP = 1e-5


def pairs(elements: str, *ratios: float) -> anp.Comparisons:
    """Build a complete set of one-letter elements from the part above the diagonal."""
    found = [(a, b) for place, a in enumerate(elements) for b in elements[place + 1 :]]
    judgments = [anp.Judgment(first=a, second=b, ratio=r) for (a, b), r in zip(found, ratios, strict=True)]
    return anp.Comparisons(elements=list(elements), judgments=judgments)


def panel() -> anp.Network:
    return anp.Network.model_validate_json((NETWORKS / "panel.json").read_text(encoding="utf-8"))


def decision(sinks: str = "error", goal: str | None = None, *, incomplete: bool = False) -> anp.Network:
    """Build control judgments, a subnetwork with judged clusters, a rated criterion and a compared one."""
    influences: dict[str, Any] = {
        "p": {"alternatives": pairs("ABC", 2.0, 5.0, 3.0), "criteria": {"q": 1.0}},
        "q": {"alternatives": pairs("ABC", 1 / 3, 1.5, 4.0)},
        "A": {"criteria": pairs("pq", 3.0)},
        "B": {"criteria": pairs("pq", 0.5)},
        "C": {"criteria": {"p": 0.4, "q": 0.6}, "alternatives": pairs("AB", 2.0)},
    }
    clusters: dict[str, Any] = {"criteria": ["p", "q"], "alternatives": ["A", "B", "C"]}
    weights: dict[str, Any] = {
        "criteria": anp.Comparisons.from_values({"criteria": 1.0, "alternatives": 3.0}),
        "alternatives": {"criteria": 0.8, "alternatives": 0.2},
    }
    if goal:
        clusters["goal"] = [goal]
        influences[goal] = {"criteria": pairs("pq", 1.7)}
    if sinks != "error":
        for name in "ABC":
            del influences[name]
        del weights["alternatives"]
    part = anp.Subnetwork(
        clusters=clusters,
        influences=influences,
        cluster_influences=weights,
        sinks=sinks,  # type: ignore[arg-type]  # from a list
        goal=goal,
    )
    control = pairs("xyz", 3.0, 5.0, 4.0)
    if incomplete:
        control = anp.Comparisons(elements=control.elements, judgments=control.judgments[:2])
    scale = pairs("hml", 2.0, 6.0, 2.0)
    return anp.Network(
        control=control,
        local={
            "x": part,
            "y": anp.Ratings(scale=scale, ratings={"A": "m", "B": "h", "C": "l"}),
            "z": pairs("ABC", 1.2, 0.7, 2.0),
        },
        alternatives=["A", "B", "C"],
    )


def moved(network: anp.Network, path: str, place: int, factor: float) -> anp.Network:
    """Multiply one ratio of the network's JSON document."""
    document = json.loads(network.model_dump_json())
    part = document
    for key in path.split("."):
        part = part[key]
    part["judgments"][place]["ratio"] *= factor
    return anp.Network.model_validate_json(json.dumps(document))


def watched(solution: anp.Solution, of: str) -> np.ndarray[Any, Any]:
    if of == "priorities":
        return np.array(list(solution.priorities.values()))
    mode: Any = of
    return solution.synthesis(mode).priorities


@pytest.mark.parametrize(
    ("network", "method", "of"),
    [
        (panel(), "eigenvector", "priorities"),
        (panel(), "logarithmic_least_squares", "priorities"),
        (decision(), "eigenvector", "ideal"),
        (decision(), "harker", "distributive"),
        (decision(), "lambda_min", "priorities"),
        (decision("identity", "g"), "eigenvector", "ideal"),
        (decision("hierarchy", "g"), "eigenvector", "distributive"),
        (decision("hierarchy", "g", incomplete=True), "harker", "priorities"),
        (decision(incomplete=True), "lambda_min", "ideal"),
    ],
)
def test_every_judgment_against_central_differences(network: anp.Network, method: Any, of: Any) -> None:
    solution = network.solve(method=method)
    found = solution.sensitivity("judgments", of=of)
    assert found.names == (tuple(solution.priorities) if of == "priorities" else ("A", "B", "C"))
    seen: dict[str, int] = {}
    for path, row, value in zip(found.paths, found.derivatives, found.values, strict=True):
        place = seen.get(path, 0)
        seen[path] = place + 1
        up, down = (
            watched(moved(network, path, place, math.exp(step)).solve(method=method), of) for step in (STEP, -STEP)
        )
        np.testing.assert_allclose(row, (up - down) / (2 * STEP), atol=2e-9)
        assert value > 0.0
    assert len(found.paths) == sum(len(entry.priorities.comparisons.judgments) for entry in solution.judged)
    assert np.abs(found.derivatives).max() > 1e-3
    np.testing.assert_allclose(found.derivatives.sum(axis=1), 0.0, atol=1e-12)


def shrunk(weights: np.ndarray[Any, Any], place: int, step: float) -> np.ndarray[Any, Any]:
    found = weights * (1.0 - weights[place] - step) / (1.0 - weights[place])
    found[place] = weights[place] + step
    return np.asarray(found)


def test_every_cell_of_a_supermatrix_against_central_differences() -> None:
    """The limit of the moved matrix, by the left-out eigenvalue route of numpy, not by the library."""
    solution = decision().solve()
    weighted = solution.weighted["x"].to_numpy()
    found = solution.sensitivity("supermatrix", of="priorities")
    names = list(solution.weighted["x"].index)
    control = solution.control["x"]

    def stationary(matrix: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        values, vectors = np.linalg.eig(matrix)
        vector = np.abs(vectors[:, np.argmax(values.real)].real)
        return np.asarray(vector / vector.sum())

    columns = [found.names.index(name) for name in names]
    for path, row, value in zip(found.paths, found.derivatives, found.values, strict=True):
        i, j = (names.index(name) for name in path.split(".")[3:])
        assert value == weighted[i, j]
        both = []
        for step in (STEP, -STEP):
            changed = weighted.copy()
            changed[:, j] = shrunk(weighted[:, j], i, step)
            both.append(stationary(changed))
        np.testing.assert_allclose(row[columns], control * (both[0] - both[1]) / (2 * STEP), atol=1e-8)
    cells = int(((weighted > 0) & (weighted < 1)).sum())
    assert len(found.paths) == cells


def test_cluster_and_control_weights_against_central_differences() -> None:
    network = decision()
    base = json.loads(network.model_dump_json())
    base["control"] = {"kind": "weights", "weights": {"x": 0.5, "y": 0.3, "z": 0.2}}

    def solved(document: dict[str, Any]) -> np.ndarray[Any, Any]:
        return watched(anp.Network.model_validate_json(json.dumps(document)).solve(), "ideal")

    solution = anp.Network.model_validate_json(json.dumps(base)).solve()
    control = np.array([0.5, 0.3, 0.2])
    found = solution.sensitivity("control_weights", of="ideal")
    assert found.parameters == ("x", "y", "z")
    for place, row in enumerate(found.derivatives):
        both = []
        for step in (STEP, -STEP):
            document = json.loads(json.dumps(base))
            document["control"]["weights"] = dict(zip("xyz", shrunk(control, place, step), strict=True))
            both.append(solved(document))
        np.testing.assert_allclose(row, (both[0] - both[1]) / (2 * STEP), atol=1e-9)
    found = solution.sensitivity("cluster_weights", of="ideal")
    assert set(found.parameters) == {
        "criteria on criteria",
        "alternatives on criteria",
        "criteria on alternatives",
        "alternatives on alternatives",
    }
    for text, row in zip(found.parameters, found.derivatives, strict=True):
        of, on = text.split(" on ")
        weights = {"criteria": (0.25, 0.75), "alternatives": (0.8, 0.2)}[on]
        place = ("criteria", "alternatives").index(of)
        both = []
        for step in (STEP, -STEP):
            document = json.loads(json.dumps(base))
            changed = shrunk(np.array(weights), place, step)
            document["local"]["x"]["cluster_influences"][on] = dict(
                zip(("criteria", "alternatives"), changed, strict=True)
            )
            both.append(solved(document))
        np.testing.assert_allclose(row, (both[0] - both[1]) / (2 * STEP), atol=1e-9)


def test_derivatives_of_formulas_for_merits() -> None:
    control = pairs("xy", 2.0)
    local = {"x": pairs("AB", 3.0), "y": pairs("AB", 1.5)}
    network = anp.Network(
        control=control, local=local, alternatives=["A", "B"], merits={"x": "benefits", "y": "costs"}
    )
    solution = network.solve()
    formula: Any
    for formula in ("multiplicative_powers", "additive_reciprocal", "additive_probabilistic", "subtractive"):
        found = solution.sensitivity(of=formula)
        for path, row in zip(found.paths, found.derivatives, strict=True):
            up, down = (
                moved(network, path, 0, math.exp(step)).solve().bocr(formula).priorities for step in (STEP, -STEP)
            )
            np.testing.assert_allclose(row, (up - down) / (2 * STEP), atol=1e-9)


def test_sensitivity_refusals() -> None:
    solution: Any = decision().solve()
    with pytest.raises(DomainError, match="to is 'weather'; allowed: 'judgments'"):
        solution.sensitivity("weather")
    with pytest.raises(DomainError, match="of is 'weather'; allowed: 'priorities'"):
        solution.sensitivity(of="weather")
    with pytest.raises(DomainError, match="'ideal' needs alternatives"):
        panel().solve().sensitivity(of="ideal")
    chain: dict[str, Any] = {
        "clusters": {"goal": ["g"], "ends": ["x", "y"]},
        "influences": {"g": {"ends": pairs("xy", 3.0)}},
        "goal": "g",
    }
    calculus = anp.Network(local={"net": anp.Subnetwork(**chain, sinks="calculus")}).solve()
    with pytest.raises(DomainError, match="not defined for the sink policy 'calculus'"):
        calculus.sensitivity("supermatrix")
    chain["influences"] = {"g": {"ends": pairs("xy", 3.0)}, "x": {"ends": {"x": 1.0}}}
    runs_round = anp.Network(local={"net": anp.Subnetwork(**chain, sinks="hierarchy")}).solve()
    with pytest.raises(DomainError, match="There is no derivative: Influence runs round"):
        runs_round.sensitivity()


def panel_of_two() -> anp.Network:
    """Two experts on three criteria, one of them without the last pair."""
    said = [("a", "b", 2.0, "Chen"), ("c", "a", 0.25, "Chen"), ("b", "c", 3.0, "Chen")]
    said += [("b", "a", 1.5, "Li"), ("a", "c", 5.0, "Li")]
    control = anp.Comparisons(
        elements=list("abc"),
        judgments=[anp.Judgment(first=a, second=b, ratio=r, expert=e) for a, b, r, e in said],
    )
    return anp.Network(control=control, local={n: anp.DirectWeights(weights={f"{n}1": 1.0}) for n in "abc"})


@pytest.mark.parametrize("aggregation", ["aij", "aip_geometric", "aip_arithmetic", "pooled"])
def test_pairs_move_all_experts_together(aggregation: Any) -> None:
    network = panel_of_two()
    setting: dict[str, Any] = {"method": "logarithmic_least_squares", "aggregation": aggregation}
    solution = network.solve(**setting)
    found = solution.sensitivity("pairs")
    assert found.parameters == ("a : b", "c : a", "b : c")
    np.testing.assert_allclose(found.values, [math.sqrt(2 / 1.5), math.sqrt(1 / 20), 3.0], rtol=1e-14)
    for row, places in zip(found.derivatives, ([(0, 1), (3, -1)], [(1, 1), (4, -1)], [(2, 1)]), strict=True):
        both = []
        for step in (STEP, -STEP):
            changed = network
            for place, sign in places:
                changed = moved(changed, "control", place, math.exp(sign * step))
            both.append(watched(changed.solve(**setting), "priorities"))
        np.testing.assert_allclose(row, (both[0] - both[1]) / (2 * STEP), atol=1e-9)
    if aggregation == "aij":
        swap = solution.swaps("pairs").set_index(["first", "second"])
        # ln w_a - ln w_b = (2 ln ab + ln ac - ln bc) / 3 of the geometric means
        assert swap.loc[("a", "b"), "swapping_ratio"] == pytest.approx(math.sqrt(3 / math.sqrt(20)), rel=1e-11)
        assert set(swap["expert"]) == {""}
        alone = solution.swaps("judgments").set_index(["first", "second", "expert"])
        factor: Any = swap.loc[("a", "b"), "factor"]
        assert alone.loc[("a", "b", "Chen"), "factor"] == pytest.approx(factor**2, rel=1e-10)


def test_experts_who_contradict_themselves_are_noted() -> None:
    """Li's 9, 1/9, 9 go round in a circle; Chen repairs the average."""
    said = [("a", "b", 9.0), ("a", "c", 1 / 9), ("b", "c", 9.0)]
    judgments = [anp.Judgment(first=a, second=b, ratio=r, expert="Li") for a, b, r in said]
    judgments += [anp.Judgment(first=a, second=b, ratio=1 / r, expert="Chen") for a, b, r in said]
    control = anp.Comparisons(elements=list("abc"), judgments=judgments, experts={"Li": 0.5, "Chen": 0.5})
    local = {n: anp.DirectWeights(weights={f"{n}1": 1.0}) for n in "abc"}
    solution = anp.Network(control=control, local=local).solve()
    assert solution.consistency["consistency_ratio"].tolist() == pytest.approx([0.0], abs=1e-12)
    assert any("control: the own judgments of 'Li' have the consistency ratio" in note for note in solution.notes)


def test_sets_by_path_and_misfits_of_all_sets() -> None:
    solution = decision().solve()
    assert solution.judged_at("local.z") is solution.judged[-1]
    with pytest.raises(DomainError, match=r"path is 'nowhere'; judgments stand at \['control', "):
        solution.judged_at("nowhere")
    table = solution.misfits()
    assert set(table["path"]) == {entry.path for entry in solution.judged if len(entry.priorities.elements) > 2}
    assert table["misfit"].is_monotonic_decreasing
    assert len(table) == 3 * table["path"].nunique()
    two = anp.Network(control=pairs("ab", 2.0), local={n: anp.DirectWeights(weights={f"{n}1": 1.0}) for n in "ab"})
    assert two.solve().misfits().empty


def test_no_derivative_where_there_is_none() -> None:
    chain: dict[str, Any] = {
        "clusters": {"ends": ["s", "t"], "crit": ["c1", "c2"]},
        "influences": {"c1": {"ends": pairs("st", 3.0)}, "c2": {"ends": {"s": 0.75, "t": 0.25}}},
        "sinks": "hierarchy",
    }
    solution = anp.Network(local={"net": anp.Subnetwork(**chain)}).solve()
    np.testing.assert_allclose(list(solution.local["net"].values()), [0.75, 0.25, 0.0, 0.0], atol=1e-15)
    for to in ("judgments", "supermatrix"):
        with pytest.raises(DomainError, match="agree at this one point only; name a goal"):
            solution.sensitivity(to)
    nearly = anp.InnerDependence(
        elements=["a", "b"], columns={"a": {"a": 1.0 - 1e-12, "b": 1e-12}, "b": {"a": 1e-12, "b": 1.0 - 1e-12}}
    )
    with pytest.raises(DomainError, match="nearly falls apart"):
        anp.Network(local={"net": nearly}).solve().sensitivity("supermatrix")


def test_cluster_weights_of_zero_have_no_derivative() -> None:
    """At 0 the priorities are (1, 0, 0), at any weight above (0, 2/3, 1/3)."""
    part = anp.Subnetwork(
        clusters={"A": ["a"], "B": ["b", "c"]},
        influences={
            "a": {"A": {"a": 1.0}, "B": {"b": 1.0}},
            "b": {"B": {"b": 0.5, "c": 0.5}},
            "c": {"B": {"b": 1.0}},
        },
        cluster_influences={"A": {"A": 1.0, "B": 0.0}},
        goal="a",
    )
    solution = anp.Network(local={"net": part}).solve()
    assert list(solution.priorities.values()) == [1.0, 0.0, 0.0]
    assert solution.sensitivity("cluster_weights").parameters == ()


# Draws -------------------------------------------------------------------------------------------------------


def test_two_criteria_against_the_normal_distribution() -> None:
    """The logarithm of one ratio is normal, so P(first) is the normal distribution of ln 1.2 / 0.4."""
    local = {name: anp.DirectWeights(weights={f"{name}1": 1.0}) for name in "ab"}
    solution = anp.Network(control=pairs("ab", 1.2), local=local).solve()
    found = solution.stability(n_draws=200_000, log_sd=0.4, random_state=1)
    expected = norm.cdf(math.log(1.2) / 0.4)
    assert abs(found.probability_first[0] - expected) < 4 * found.standard_error_first[0]
    assert found.standard_error_first[0] == pytest.approx(math.sqrt(expected * (1 - expected) / 200_000), rel=0.01)
    mean = norm.expect(lambda z: 1 / (1 + math.exp(-(math.log(1.2) + 0.4 * z))))
    assert found.mean[0] == pytest.approx(mean, abs=4 * found.standard_deviation[0] / math.sqrt(200_000))


def test_three_criteria_against_the_bivariate_normal_distribution() -> None:
    """Under logarithmic least squares the log weights are normal: differences have variance 2 s^2 / 3."""
    local = {name: anp.DirectWeights(weights={f"{name}1": 1.0}) for name in "abc"}
    solution = anp.Network(control=pairs("abc", 1.3, 1.1, 0.9), local=local).solve(
        method="logarithmic_least_squares"
    )
    spread = 0.5
    logs = np.log(list(solution.control.values()))
    # log w_a - log w_b = (2 a_ab + a_ac - a_bc) / 3, log w_a - log w_c = (a_ab + 2 a_ac + a_bc) / 3
    rows = np.array([[2, 1, -1], [1, 2, 1]]) / 3
    covariance = spread**2 * rows @ rows.T
    expected = multivariate_normal(cov=covariance).cdf([logs[0] - logs[1], logs[0] - logs[2]])
    found = solution.stability(n_draws=100_000, log_sd=spread, random_state=7)
    assert abs(found.probability_first[0] - expected) < 4 * found.standard_error_first[0]
    np.testing.assert_allclose(found.rank_probability.sum(axis=0), 1.0, rtol=1e-12)
    np.testing.assert_allclose(found.rank_probability.sum(axis=1), 1.0, rtol=1e-12)


@pytest.mark.parametrize(
    ("network", "method", "of"),
    [
        (decision(), "eigenvector", "ideal"),
        (decision(), "logarithmic_least_squares", "distributive"),
        (decision(), "harker", "priorities"),
        (decision("identity", "g"), "lambda_min", "ideal"),
        (decision("identity", "g"), "eigenvector", "priorities"),
        (decision("hierarchy", "g"), "logarithmic_least_squares", "priorities"),
        (decision("hierarchy", "g"), "harker", "distributive"),
        (decision(incomplete=True), "lambda_min", "distributive"),
        (decision(incomplete=True), "harker", "ideal"),
    ],
)
def test_draws_against_single_solves(network: anp.Network, method: Any, of: Any) -> None:
    """Each draw, solved by itself as a document of its own, gives the same mean and the same ranks."""
    solution = network.solve(method=method)
    found = solution.stability(n_draws=5, log_sd=0.4, of=of, random_state=3)
    shifts = 0.4 * np.random.RandomState(3).standard_normal((5, len(solution.sensitivity().paths)))
    single = []
    for draw in shifts:
        changed, seen = network, dict[str, int]()
        for path, shift in zip(solution.sensitivity().paths, draw, strict=True):
            place = seen.get(path, 0)
            seen[path] = place + 1
            changed = moved(changed, path, place, math.exp(shift))
        single.append(watched(changed.solve(method=method), of))
    np.testing.assert_allclose(found.mean, np.mean(single, axis=0), atol=1e-11)
    np.testing.assert_allclose(found.standard_deviation, np.std(single, axis=0, ddof=1), atol=1e-11)
    best = np.bincount(np.argmax(single, axis=1), minlength=len(found.names)) / 5
    np.testing.assert_array_equal(found.probability_first, best)


def test_draws_are_repeatable_and_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    solution = decision().solve()
    first = solution.stability(n_draws=300, random_state=0)
    again = solution.stability(n_draws=300, random_state=0)
    np.testing.assert_array_equal(first.rank_probability, again.rank_probability)
    monkeypatch.setattr("custvalue._network_process.stability._BLOCK_CELLS", 1000)
    blocks = solution.stability(n_draws=300, random_state=0)
    np.testing.assert_array_equal(first.rank_probability, blocks.rank_probability)
    np.testing.assert_allclose(first.mean, blocks.mean, rtol=1e-12)
    other = solution.stability(n_draws=300, random_state=1)
    assert (first.mean != other.mean).any()
    assert solution.stability(n_draws=300, log_sd=1e-9, random_state=0).standard_deviation.max() < 1e-8


def test_stability_result() -> None:
    solution = decision().solve()
    found = solution.stability(n_draws=100, random_state=0)
    assert found.of == "ideal"
    np.testing.assert_allclose(found.priorities, solution.synthesis("ideal").priorities, rtol=1e-12)
    frame = found.to_frame()
    assert list(frame.columns[-3:]) == ["rank_1", "rank_2", "rank_3"]
    assert frame["name"].tolist() == ["A", "B", "C"]
    assert "Rank stability of ideal: 100 draws, log sd 0.25" in found._repr_html_()
    with pytest.raises(ValueError, match="read-only"):
        found.rank_probability[0, 0] = 1.0
    assert "derivative" not in solution.sensitivity()._repr_html_()
    assert "per unit of its logarithm" in solution.sensitivity()._repr_html_()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"n_draws": 1}, "n_draws is 1; allowed: whole numbers from 2"),
        ({"n_draws": 10.0}, "n_draws is 10.0"),
        ({"log_sd": 0.0}, "log_sd is 0.0; allowed: finite numbers above 0"),
        ({"log_sd": float("nan")}, "log_sd is nan"),
        ({"of": "weather"}, "of is 'weather'"),
    ],
)
def test_stability_refusals(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        decision().solve().stability(**setting)


def test_a_network_without_judgments_has_nothing_to_draw() -> None:
    solution = anp.Network(local={"x": anp.DirectWeights(weights={"a": 0.5, "b": 0.5})}).solve()
    with pytest.raises(DomainError, match="has no judgments"):
        solution.stability()
    with pytest.raises(DomainError, match="has no judgments"):
        solution.swaps()
    assert solution.sensitivity().derivatives.shape == (0, 2)
    alone = anp.Comparisons(elements=["a"], judgments=[])
    with pytest.raises(DomainError, match="has no judgments"):
        anp.Network(local={"x": alone}).solve().stability()


def test_numpy_numbers_are_settings_too() -> None:
    untyped: Any = decision().solve()
    found = untyped.stability(n_draws=np.int64(5), log_sd=np.float32(0.5), random_state=0)
    assert (found.n_draws, found.log_sd) == (5, 0.5)
    with pytest.raises(DomainError, match="log_sd is True"):
        untyped.stability(log_sd=True)


# Swaps -------------------------------------------------------------------------------------------------------


def test_swap_of_two_by_hand() -> None:
    """a : b = 3 is equal at 1, that is after a factor of 3."""
    local = {name: anp.DirectWeights(weights={f"{name}1": 1.0}) for name in "ab"}
    found = anp.Network(control=pairs("ab", 3.0), local=local).solve().swaps()
    assert found["swapping_ratio"].tolist() == pytest.approx([1.0], rel=1e-12)
    assert found["factor"].tolist() == pytest.approx([3.0], rel=1e-12)


def test_swaps_of_three_by_hand() -> None:
    """Least squares: ln w_a - ln w_b = (2 ln ab + ln ac - ln bc) / 3, so ab swaps them at (bc / ac)^(1/2)."""
    local = {name: anp.DirectWeights(weights={f"{name}1": 1.0}) for name in "abc"}
    solution = anp.Network(control=pairs("abc", 2.0, 4.0, 3.0), local=local).solve(
        method="logarithmic_least_squares"
    )
    found = solution.swaps().set_index(["first", "second"])
    assert found.loc[("a", "b"), "swapping_ratio"] == pytest.approx(math.sqrt(3 / 4), rel=1e-11)
    assert found.loc[("a", "c"), "swapping_ratio"] == pytest.approx(3 / 4, rel=1e-11)
    assert found.loc[("b", "c"), "swapping_ratio"] == pytest.approx(16.0, rel=1e-11)
    assert solution.swaps()["factor"].is_monotonic_increasing
    short = solution.swaps(largest_factor=4.0)
    assert np.isinf(short["factor"]).tolist() == [False, True, True]
    assert short["swapping_ratio"].isna().tolist() == [False, True, True]


def test_swaps_watch_all_others() -> None:
    """C is last but overtakes both when the second criterion gains.

    With x the weight of the first criterion, A leads C by .08 x - .08 (1 - x), so that C catches up at x = 1/2,
    a ratio of 1; B is always behind A.
    """
    shares = {"x": {"A": 0.40, "B": 0.28, "C": 0.32}, "y": {"A": 0.32, "B": 0.28, "C": 0.40}}
    network = anp.Network(
        control=pairs("xy", 1.2),
        local={name: anp.DirectWeights(weights=weights) for name, weights in shares.items()},
        alternatives=["A", "B", "C"],
    )
    found = network.solve().swaps(of="distributive")
    assert found["swapping_ratio"].tolist() == pytest.approx([1.0], rel=1e-11)
    assert found["overtaken_by"].tolist() == ["C"]
    network = network.model_copy(update={"control": pairs("xy", 3.0)})
    assert network.solve().swaps(of="distributive", largest_factor=2.0)["overtaken_by"].tolist() == [""]


def test_swaps_do_swap() -> None:
    """A little beyond the swapping ratio the other is first, and a little before it is not."""
    network = decision()
    solution = network.solve()
    ranked = solution.synthesis("ideal").to_dict()
    first = max(ranked, key=ranked.__getitem__)
    found = solution.swaps()
    assert np.isfinite(found["factor"]).any()
    sensitivity = solution.sensitivity()
    for row in found[np.isfinite(found["factor"])].itertuples():
        same = [place for place, path in enumerate(sensitivity.paths) if path == row.path]
        elements = [sensitivity.parameters[place].split(",")[0] for place in same]
        place = elements.index(f"{row.first} : {row.second}")
        for bit, swapped in ((1.0001, True), (0.9999, False)):
            shift = math.log(row.swapping_ratio / row.ratio) * bit
            after = moved(network, str(row.path), place, math.exp(shift)).solve().synthesis("ideal").to_dict()
            assert (after[str(row.overtaken_by)] > after[first]) == swapped
            assert (max(after, key=after.__getitem__) != first) == swapped


@pytest.mark.parametrize("factor", [1.0, 0.5, float("inf"), "81"])
def test_swap_refusals(factor: Any) -> None:
    with pytest.raises(DomainError, match=r"largest_factor is .*; allowed: finite numbers above 1"):
        decision().solve().swaps(largest_factor=factor)


def test_swaps_of_unknown_moves_are_refused() -> None:
    untyped: Any = decision().solve()
    with pytest.raises(DomainError, match="to is 'cells'; allowed: 'judgments', 'pairs'"):
        untyped.swaps("cells")


def test_a_single_name_cannot_be_swapped() -> None:
    scale = pairs("hl", 2.0)
    network = anp.Network(local={"x": anp.Ratings(scale=scale, ratings={"A": "h"})}, alternatives=["A"])
    with pytest.raises(DomainError, match="only one name"):
        network.solve().swaps()
