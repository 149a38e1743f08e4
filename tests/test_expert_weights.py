"""The gallery's panel of experts: every number that its page states, by a second route."""

from __future__ import annotations

import json
import re
import runpy
from fractions import Fraction
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
EXPERTS = ("Chen", "Li", "Wang")
#: As printed in the source paper.
CONTROL = (0.1312, 0.7928, 0.0760)
RECENCY = (0.3281, 0.1872, 0.2244, 0.2603)
FREQUENCY = (0.3414, 0.4238, 0.2347)
#: Alonso and Lamata (2006), three elements.
RANDOM_INDEX = 0.5245


@pytest.fixture(scope="module")
def document() -> Any:
    return json.loads((EXAMPLES / "networks" / "experts.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def ran() -> dict[str, Any]:
    """Run the page once, and give the names that it leaves."""
    return runpy.run_path(str(EXAMPLES / "plot_expert_weights.py"))


@pytest.fixture(scope="module")
def page() -> str:
    lines = (EXAMPLES / "plot_expert_weights.py").read_text(encoding="utf-8").splitlines()
    return " ".join(line.removeprefix("# ") for line in lines)


def sets_of(document: Any) -> dict[str, Any]:
    """Give every set of judgments by the path that the solution uses."""
    found = {"control": document["control"], "local.monetary": document["local"]["monetary"]}
    for criterion in ("recency", "frequency"):
        for column, part in document["local"][criterion]["columns"].items():
            found[f"local.{criterion}.columns.{column}"] = part
    return found


def logarithms(part: Any, expert: str | None = None) -> Any:
    """Give the mean logarithm of each pair over the experts who judged it, NaN where nobody did."""
    names = part["elements"]
    total, count = np.zeros((len(names),) * 2), np.zeros((len(names),) * 2)
    for judgment in part["judgments"]:
        if expert in (None, judgment["expert"]):
            i, j = names.index(judgment["first"]), names.index(judgment["second"])
            value = np.log(float(Fraction(judgment["ratio"])))
            total[i, j], total[j, i] = total[i, j] + value, total[j, i] - value
            count[i, j] = count[j, i] = count[i, j] + 1
    np.fill_diagonal(count, 1)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def weights_of(mean: Any) -> Any:
    """Up to three elements the eigenvector is the geometric mean of the rows."""
    weights = np.exp(mean.mean(axis=-1))
    return weights / weights.sum(axis=-1, keepdims=True)


def ratio_of(mean: Any) -> float:
    """Give the consistency ratio of three elements from the product round the ring, in closed form."""
    third = (mean[0, 1] + mean[1, 2] - mean[0, 2]) / 3
    return float((2 * np.cosh(third) - 2) / 2 / RANDOM_INDEX)


def limit_of(columns: Any) -> Any:
    """Run the lazy chain for long; columns are (..., n, n) and stochastic."""
    chain = (np.eye(columns.shape[-1]) + columns) / 2
    for _ in range(12):
        chain = chain @ chain
    return chain[..., 0]


def overall(document: Any, means: dict[str, Any]) -> Any:
    """Give the global weights from the mean logarithms of every set, (..., 9)."""
    control = weights_of(means["control"])
    parts = []
    for place, criterion in enumerate(("recency", "frequency")):
        columns = document["local"][criterion]["columns"]
        names = list(columns)
        sample = means[f"local.{criterion}.columns.{names[0]}"]
        matrix = np.zeros((*sample.shape[:-2], len(names), len(names)))
        for name, part in columns.items():
            rows = [names.index(other) for other in part["elements"]]
            matrix[..., rows, names.index(name)] = weights_of(means[f"local.{criterion}.columns.{name}"])
        parts.append(control[..., place, None] * limit_of(matrix))
    parts.append(control[..., 2, None] * weights_of(means["local.monetary"]))
    return np.concatenate(parts, axis=-1)


def turned(document: Any) -> Any:
    """Turn Chen's wrong judgment round."""
    copy = json.loads(json.dumps(document))
    wrong = [
        entry
        for entry in copy["control"]["judgments"]
        if entry["expert"] == "Chen" and {entry["first"], entry["second"]} == {"frequency", "monetary"}
    ]
    assert len(wrong) == 1
    wrong[0]["first"], wrong[0]["second"] = wrong[0]["second"], wrong[0]["first"]
    return copy


def test_the_document_says_that_it_is_constructed_and_stays_on_the_scale(document: Any) -> None:
    assert "Constructed" in document["source"]
    assert "asked of nobody" in document["source"]
    judgments = [judgment for part in sets_of(document).values() for judgment in part["judgments"]]
    ratios = {Fraction(judgment["ratio"]) for judgment in judgments}
    assert ratios <= {Fraction(k) for k in range(1, 10)} | {Fraction(1, k) for k in range(1, 10)}
    assert {judgment["expert"] for judgment in judgments} == set(EXPERTS)


def test_one_answer_is_missing_and_it_is_wangs(document: Any) -> None:
    gaps = [
        (expert, path)
        for path, part in sets_of(document).items()
        for expert in EXPERTS
        if np.isnan(logarithms(part, expert)).any()
    ]
    assert gaps == [("Wang", "local.recency.columns.recency_transfer_out")]
    assert not any(np.isnan(logarithms(part)).any() for part in sets_of(document).values())


def test_chen_alone_is_inconsistent_and_the_notes_say_so(document: Any, ran: dict[str, Any]) -> None:
    control = document["control"]
    own = dict(zip(EXPERTS, [ratio_of(logarithms(control, expert)) for expert in EXPERTS], strict=True))
    together = ratio_of(logarithms(control))
    np.testing.assert_allclose(ran["control"].consistency_ratio, together, rtol=1e-9)
    assert own["Chen"] > together > 0.10 > max(own["Li"], own["Wang"])
    notes = [note for note in ran["solution"].notes if "consistency ratio" in note]
    assert notes[0].startswith(f"control: the consistency ratio {together:.3f} is above 0.1")
    assert notes[1].startswith(
        f"control: the own judgments of 'Chen' have the consistency ratio {own['Chen']:.3f}"
    )
    assert len(notes) == 2
    consistency = ran["solution"].consistency["consistency_ratio"]
    assert (consistency > 0.10).tolist() == [True] + [False] * (len(consistency) - 1)


def replaced(control: Any, row: int, log: float | None) -> Any:
    """Give the mean logarithms with one statement changed, or left out."""
    judgments = [dict(entry) for entry in control["judgments"]]
    if log is None:
        del judgments[row]
    else:
        judgments[row]["ratio"] = Fraction(np.exp(log))
    return logarithms({"elements": control["elements"], "judgments": judgments})


def test_every_answer_against_all_others(document: Any, ran: dict[str, Any], page: str) -> None:
    control = document["control"]
    names, stated = control["elements"], control["judgments"]
    logs = np.log([float(Fraction(entry["ratio"])) for entry in stated])
    pairs = [(names.index(entry["first"]), names.index(entry["second"])) for entry in stated]

    def fits(row: int, mean: Any) -> float:
        return float(np.subtract(*np.log(weights_of(mean))[list(pairs[row])]))

    misfit = np.abs([logs[row] - fits(row, logarithms(control)) for row in range(9)])
    suggested = np.array([fits(row, replaced(control, row, None)) for row in range(9)])
    after = np.array([ratio_of(replaced(control, row, suggested[row])) for row in range(9)])
    order = sorted(range(9), key=lambda row: -round(float(misfit[row]), 9))
    found = ran["misfits"]
    columns = [list(column) for column in zip(found.first, found.second, found.expert, strict=True)]
    assert columns == [[stated[row][key] for key in ("first", "second", "expert")] for row in order]
    np.testing.assert_allclose(found.misfit, np.exp(misfit[order]), rtol=1e-9)
    np.testing.assert_allclose(found.suggested_ratio, np.exp(suggested[order]), rtol=1e-9)
    np.testing.assert_allclose(found.consistency_ratio_after, after[order], rtol=1e-9)
    # What the page says about the picture: the first mends it, the third and fourth make it worse.
    assert columns[0] == ["monetary", "frequency", "Chen"]
    assert misfit[order[0]] > 3 * misfit[order[1]]
    assert [ratio <= 0.10 for ratio in after[order]] == [True] + [False] * 8
    assert (after[order][[2, 3]] > ratio_of(logarithms(control))).all()
    assert {found.expert[place] for place in (2, 3)} == {"Wang", "Li"}
    lines = np.abs(logs - suggested)[order]
    assert lines[0] > lines[1:].max()
    assert ran["odd"]["path"].head(4).tolist() == ["control"] * 4
    np.testing.assert_allclose(ran["odd"]["misfit"].head(8), found.misfit[:8])
    assert "Only the change of the first answer brings the ratio below 0.10" in page


def test_the_question_to_chen(document: Any, ran: dict[str, Any], page: str) -> None:
    """One sentence: who, what, what the others say, what to ask, and what 1/9 would change."""
    control = document["control"]
    wrong = control["judgments"].index({"first": "monetary", "second": "frequency", "ratio": 9, "expert": "Chen"})
    others = weights_of(replaced(control, wrong, None))
    scale = np.log([*(1 / k for k in range(9, 1, -1)), *range(1, 10)])
    nearest = scale[np.abs(scale - np.log(others[2] / others[1])).argmin()]
    assert np.exp(nearest) == pytest.approx(1 / 9)
    now, mended = logarithms(control), replaced(control, wrong, nearest)
    (sentence,) = ran["misfits"].sentences(at_least=10)
    assert sentence == (
        "Chen said monetary is 9 times as important as frequency; all the other judgments together say "
        f"frequency is {others[1] / others[2]:.1f} times as important as monetary. Ask: is monetary really more "
        "important than frequency? If frequency is 9 times as important as monetary, the consistency ratio would "
        f"fall from {ratio_of(now):.3f} to {ratio_of(mended):.3f} (accepted up to 0.10), and the weight that "
        f"moves most, frequency, from {weights_of(now)[1]:.3f} to {weights_of(mended)[1]:.3f}."
    )
    assert "*is monetary value really more important than frequency?*" in page


def test_chens_answers_alone_could_not_have_told(ran: dict[str, Any]) -> None:
    alone = ran["control"].misfits(expert="Chen").misfit
    assert alone == pytest.approx((7 * 2 * 9) ** (1 / 3))  # the product round the ring, shared out evenly


def test_weights_before_and_after(document: Any, ran: dict[str, Any], page: str) -> None:
    before = weights_of(logarithms(document["control"]))
    after = weights_of(logarithms(turned(document)["control"]))
    np.testing.assert_allclose(list(ran["solution"].control.values()), before, rtol=1e-9)
    np.testing.assert_allclose(list(ran["mended"].control.values()), after, rtol=1e-9)
    assert round(after[1] - before[1], 2) == 0.14
    assert "had cost frequency 0.14 of its weight" in page
    assert before[2] > 2 * after[2]
    assert 0.006 < np.abs(after - CONTROL).max() < 0.007
    assert "within 0.007 of the published ones" in page


def test_mended_every_expert_is_consistent(document: Any, ran: dict[str, Any], page: str) -> None:
    mended, largest = turned(document), 1.0
    for path, part in sets_of(mended).items():
        if len(part["elements"]) < 3:
            continue
        for mean in (logarithms(part), *(logarithms(part, expert) for expert in EXPERTS)):
            assert np.isnan(mean).any() or ratio_of(mean) <= 0.10, path  # two links make no ring
        weights = weights_of(logarithms(part))
        for entry in part["judgments"]:
            first, second = (weights[part["elements"].index(entry[side])] for side in ("first", "second"))
            misfit = float(Fraction(entry["ratio"])) * second / first
            largest = max(largest, misfit, 1 / misfit)
    assert not any("consistency ratio" in note for note in ran["mended"].notes)
    assert ran["mended"].misfits()["misfit"].max() == pytest.approx(largest, rel=1e-9)
    assert f"the largest misfit is now {largest:.2f}." in page


def test_the_widest_dispersion(ran: dict[str, Any], page: str) -> None:
    worst = ran["disputes"].sort_values("dispersion", ascending=False).iloc[0]
    assert {worst["first"], worst["second"]} == {"turnover", "balance"}
    assert worst["dispersion"] == pytest.approx(2 ** np.sqrt(2 / 3))  # 2, 1 and 1/2 about their mean 1
    assert worst["ratio"] == pytest.approx(1.0)
    assert round(np.exp(0.5), 2) == 1.65
    assert "by a factor of up to 1.65" in page
    assert 1.6 < np.exp(0.5) < worst["dispersion"] < 1.8


def test_limits_are_near_the_printed_ones(document: Any, ran: dict[str, Any], page: str) -> None:
    mended = turned(document)
    found = overall(mended, {path: logarithms(part) for path, part in sets_of(mended).items()})
    np.testing.assert_allclose(list(ran["mended"].priorities.values()), found, rtol=1e-9)
    recency, frequency = found[:4] / found[:4].sum(), found[4:7] / found[4:7].sum()
    assert np.abs(recency - RECENCY).max() < 0.0015
    assert np.abs(frequency - FREQUENCY).max() < 0.0025
    assert "within 0.0015 of those printed in the paper for recency, and within 0.0025 for frequency" in page


def test_rank_stability(document: Any, ran: dict[str, Any], page: str) -> None:
    """Draw with another generator: a pair's mean over k experts has the deviation 0.5 / sqrt(k)."""
    mended, rng, n_draws = turned(document), np.random.default_rng(11), 20_000
    drawn = {}
    for path, part in sets_of(mended).items():
        mean, names = logarithms(part), part["elements"]
        means = np.broadcast_to(mean, (n_draws, *mean.shape)).copy()
        for i in range(len(names)):
            for j in range(i):
                pair = {names[i], names[j]}
                voices = sum({entry["first"], entry["second"]} == pair for entry in part["judgments"])
                shift = rng.normal(0.0, 0.5 / np.sqrt(voices), n_draws)
                means[:, i, j] += shift
                means[:, j, i] -= shift
        drawn[path] = means
    ranks = np.argsort(np.argsort(-overall(mended, drawn), axis=1), axis=1)
    expected = np.stack([(ranks == rank).mean(axis=0) for rank in range(9)], axis=1)
    found = ran["stability"]
    assert found.n_draws == 10_000
    error = np.sqrt(np.maximum(expected * (1 - expected), 1e-4) * (1 / n_draws + 1 / found.n_draws))
    assert (np.abs(found.rank_probability - expected) <= 5 * error).all()
    top = {"frequency_transfer": 0, "frequency_cash": 1, "frequency_active_days": 2}
    for name, rank in top.items():
        assert found.rank_probability[found.names.index(name), rank] >= 0.975
    assert "hold in 98 draws out of 100 and more" in page
    assert found.rank_probability[:, 3:7].max() < 0.75


def test_the_smallest_swaps_of_all_experts_together(document: Any, ran: dict[str, Any], page: str) -> None:
    swaps, mended = ran["swaps"], turned(document)
    means = {path: logarithms(part) for path, part in sets_of(mended).items()}
    first = int(np.argmax(overall(mended, means)))

    def lead(path: str, i: int, j: int, log: float) -> float:
        moved = means[path].copy()
        moved[i, j], moved[j, i] = log, -log
        found = overall(mended, means | {path: moved})
        return float(found[first] - np.delete(found, first).max())

    able = 0
    for row in swaps.itertuples():
        names = sets_of(mended)[row.path]["elements"]
        i, j = names.index(row.first), names.index(row.second)
        assert np.log(row.ratio) == pytest.approx(means[row.path][i, j], abs=1e-12)
        if np.isfinite(row.factor):
            able += 1
            assert lead(row.path, i, j, np.log(row.swapping_ratio)) == pytest.approx(0, abs=1e-9)
        else:
            reach = means[row.path][i, j] + np.log(81) * np.linspace(-1, 1, 401)
            assert min(lead(row.path, i, j, log) for log in reach) > 0
    assert able == 5
    assert "Four others could change it too" in page
    worst = swaps.iloc[0]
    assert (worst["column"], worst["first"], worst["second"], worst["ratio"]) == (
        *("frequency_active_days", "frequency_cash", "frequency_transfer"),
        0.5,
    )
    assert lead(worst["path"], 0, 1, np.log(2)) < 0 < lead(worst["path"], 0, 1, np.log(1.79))
    assert round(worst["swapping_ratio"], 2) == 1.79
    assert "at 1.79 the two are level" in page


def test_no_single_answer_swaps_them(document: Any, ran: dict[str, Any], page: str) -> None:
    swaps = ran["mended"].swaps()
    assert np.isfinite(swaps["factor"]).sum() == 3
    assert set(swaps["column"].head(3)) == {"frequency_active_days"}
    assert set(swaps["expert"].head(3)) == set(EXPERTS)
    mended = turned(document)
    part = sets_of(mended)["local.frequency.columns.frequency_active_days"]
    part["judgments"][0]["ratio"] = Fraction(float(swaps["swapping_ratio"].iloc[0]))
    found = overall(mended, {path: logarithms(entry) for path, entry in sets_of(mended).items()})
    assert found[4] == pytest.approx(found[5], rel=1e-9)
    assert (swaps["ratio"].head(3) == 0.5).all()
    assert round(swaps["swapping_ratio"].iloc[0]) == 23
    assert "it would have to be 23 instead of 1/2" in page


def test_the_largest_sensitivities_are_those_on_frequency(document: Any, ran: dict[str, Any]) -> None:
    sensitivity, mended, step = ran["sensitivity"], turned(document), 1e-4
    watched = sensitivity.names.index("frequency_transfer")
    means = {path: logarithms(part) for path, part in sets_of(mended).items()}
    slopes = sensitivity.derivatives[:, watched]
    for path, parameter, slope in zip(sensitivity.paths, sensitivity.parameters, slopes, strict=True):
        names = sets_of(mended)[path]["elements"]
        pair = re.match(r"(\w+) : (\w+)", parameter).groups()  # type: ignore[union-attr]  # it matches
        i, j = (names.index(name) for name in pair)
        ends = []
        for sign in (1, -1):
            moved = means[path].copy()
            moved[i, j], moved[j, i] = moved[i, j] + sign * step, moved[j, i] - sign * step
            ends.append(overall(mended, means | {path: moved})[5])
        assert slope == pytest.approx((ends[0] - ends[1]) / 2 / step, rel=1e-6, abs=1e-8)
    largest = np.argsort(-np.abs(slopes))[:2]
    assert {sensitivity.parameters[row] for row in largest} == {"recency : frequency", "frequency : monetary"}
