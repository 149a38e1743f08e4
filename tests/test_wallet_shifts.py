"""Falls and gains of spending: hand cases, plain Python, planted shifts, shocks, laws, refusals."""

from __future__ import annotations

import importlib.util
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydantic import ValidationError

from custvalue._spend_shifts.calendar import SpendCalendar
from custvalue._spend_shifts.panel import SpendPanel
from custvalue._spend_shifts.screening import spend_shifts
from custvalue._spend_shifts.self_test import plant_shifts, score_shifts
from custvalue._spend_shifts.shocks import Shock, detect_shocks
from custvalue._spend_shifts.verdicts import POWER, REASONS, VERDICTS, Excuses, decide
from custvalue.exceptions import DataError, DomainError
from spend_shifts_oracle import Rules, benjamini_hochberg, screen

if TYPE_CHECKING:
    from pathlib import Path

    from custvalue._spend_shifts.result import SpendShifts
    from custvalue._typing import FloatArray

START = "2021-01"  # the panels' first month


def panel_of(amounts: FloatArray, **more: Any) -> SpendPanel:
    return SpendPanel.from_wide(amounts, start=START, **more)


def simulated(
    n: int,
    seed: int,
    *,
    months: int = 36,
    noise: float = 0.15,
    idle: float = 0.0,
    common: FloatArray | None = None,
) -> FloatArray:
    """Draw levels, gamma noise, a common path, and months of nothing."""
    rng = np.random.default_rng(seed)
    level = np.exp(rng.normal(6.0, 1.0, n))
    shape = 1.0 / noise**2
    amounts = level[:, None] * rng.gamma(shape, 1.0 / shape, (n, months))
    amounts *= 1.0 if common is None else common
    amounts[rng.random(amounts.shape) < idle] = 0.0
    return amounts


def crisis(first: int, last: int, *, depth: float = 0.3, months: int = 36) -> FloatArray:
    path: FloatArray = 1.0 + 0.02 * np.sin(np.arange(months) * 2.1)
    path[first : last + 1] *= 1.0 - depth
    return path


# ---------------------------------------------------------------------------------------------- known answers


def test_by_hand_only_the_change_against_the_peers_counts() -> None:
    """Four customers of 100, peers falling 30 %: 70, 28, 140, 100 are 1, 0.4, 2, 1.4286 times what was expected.

    Source: adjusted ratio = own ratio / peers' ratio; money moved = expected less actual, a month.
    """
    amounts = np.full((104, 36), 100.0)
    amounts[:, -3:] = 70.0
    amounts[:4, -3:] = np.array([70.0, 28.0, 140.0, 100.0])[:, None]
    found = spend_shifts(panel_of(amounts), min_change=0.5, q=0.3)
    np.testing.assert_allclose(found.change[:4], [0.0, -0.6, 1.0, 3.0 / 7.0], atol=1e-12)
    np.testing.assert_allclose(found.money_moved[:4], [0.0, 42.0, -70.0, -30.0], atol=1e-9)
    assert found.verdict[:4].tolist() == ["none", "fall", "gain", "none"]
    assert set(found.verdict[4:]) == {"none"}


def test_by_hand_the_known_answer_of_the_research(shared: Path) -> None:
    case = json.loads(
        (shared / "known_answers/wallet/customer_peer_adjusted_hand.json").read_text(encoding="utf-8")
    )
    given, expected = case["input"], case["expected"]
    amounts = np.full((104, 36), given["baseline_mean"][0], dtype=np.float64)
    amounts[:, -3:] *= given["peer_ratio"]
    amounts[:4, -3:] = np.array(given["recent_mean"], dtype=np.float64)[:, None]
    # A fall to a half is a change of 0.5, and a rise to the double one of 1.
    found = spend_shifts(panel_of(amounts), min_change=1.0 - given["sharp_fall_ratio"], q=0.3)
    np.testing.assert_allclose(1.0 + found.change[:4], expected["adjusted_ratio"], rtol=case["tolerance"])
    moved = expected["moved_wallet_per_month_expected_minus_actual"]
    np.testing.assert_allclose(found.money_moved[:4], moved, atol=1e-9)
    assert found.verdict[:4].tolist() == expected["verdict_at_half_or_double"]


def test_by_hand_money_of_an_idle_customer_is_the_level_times_the_active_share() -> None:
    """Nine of eighteen baseline months at 80, the others idle: 40 a month are expected; 30 came, so 10 moved."""
    amounts = np.full((60, 24), 50.0)
    amounts[0] = [80.0, 0.0] * 12
    amounts[0, -3:] = 30.0
    found = spend_shifts(panel_of(amounts))
    assert found.share_active[0] == 0.5
    np.testing.assert_allclose([found.expected[0], found.money_moved[0]], [40.0, 10.0], atol=1e-9)


@pytest.mark.parametrize("lasting_shifts", ["discount", "keep"])
@pytest.mark.parametrize("seed", range(6))
def test_every_figure_is_that_of_plain_python(seed: int, lasting_shifts: str) -> None:
    rng = np.random.default_rng(seed)
    n, months = 90, 16
    idle = rng.choice([0.0, 0.15, 0.5], n)
    amounts = np.exp(rng.normal(4.0, 1.0, n))[:, None] * np.exp(0.3 * rng.standard_t(4, (n, months)))
    amounts[rng.random((n, months)) < idle[:, None]] = 0.0
    amounts[:2] = 0.0
    amounts[2, :9] = 0.0
    amounts[10:16, 8:] *= 0.05
    amounts[16:20, 10:] *= 20.0
    groups = rng.integers(0, 3, n)
    groups[:5] = 3  # too few peers
    shocks = (Shock(start="2021-06", end="2021-07", what="strike"),) if seed % 2 else ()
    settings: dict[str, Any] = {"recent": 2, "baseline": 6, "q": 0.2, "min_change": (0.0, 0.1, 0.3)[seed % 3]}
    settings |= {
        "min_active": 0.5,
        "min_peers": 6,
        "min_null": (20, 60)[seed // 3],
        "lasting_shifts": lasting_shifts,
        "central_matching": seed in (1, 2, 3),
    }
    found = spend_shifts(panel_of(amounts), peers=groups.tolist(), shocks=shocks, **settings)
    closed = {5, 6} if shocks else set()
    expected = screen(amounts.tolist(), groups.tolist(), closed, Rules(**settings))
    np.testing.assert_allclose(found.p_fall, expected.p_fall, rtol=1e-12)
    np.testing.assert_allclose(found.p_gain, expected.p_gain, rtol=1e-12)
    np.testing.assert_allclose(found.q_fall, benjamini_hochberg(expected.p_fall), rtol=1e-12)
    np.testing.assert_allclose(found.q_gain, benjamini_hochberg(expected.p_gain), rtol=1e-12)
    known = ~np.isnan(found.p_fall)
    assert known.any()
    np.testing.assert_allclose(found.expected[known], np.array(expected.expected)[known], rtol=1e-12)


# ---------------------------------------------------------------------------------------------- planted shifts


def generator(shared: Path) -> Any:
    spec = importlib.util.spec_from_file_location(
        "gen_planted_drops", shared / "known_answers/wallet/gen_planted_drops.py"
    )
    if spec is None or spec.loader is None:
        pytest.skip("the generator of planted drops is not there")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_planted_base_meets_its_thresholds(shared: Path) -> None:
    made = generator(shared)
    case = json.loads((shared / "known_answers/wallet/planted_base.json").read_text(encoding="utf-8"))
    amounts, segment, label, _, _ = made.planted(**case["input"]["kwargs"])
    found = spend_shifts(panel_of(amounts), peers=segment.tolist(), q=case["input"]["q"])
    for word, sign in (("fall", -1), ("gain", 1)):
        score, bars = made.score(found.verdict == word, label == sign), case["expected"][f"{word}s"]
        assert score["fdp"] <= bars["fdp_max"]
        assert score["recall"] >= bars["recall_min"]


@pytest.mark.parametrize(
    ("law", "recall"),
    [({"tdf": 30, "rho": 0.0}, 0.55), ({"tdf": 3, "rho": 0.5}, 0.4), ({"shock": (30, 36)}, 0.5)],
    ids=["t30", "t3", "crisis"],
)
def test_planted_falls_under_other_noise(shared: Path, law: dict[str, Any], recall: float) -> None:
    """Bars for one seed of 40,000 customers, some three standard errors beyond those of five seeds of 100,000."""
    made = generator(shared)
    amounts, segment, label, _, _ = made.planted(40_000, seed=2, **law)
    found = spend_shifts(panel_of(amounts), peers=segment.tolist())
    score = made.score(found.verdict == "fall", label == -1)
    assert score["fdp"] <= 0.09
    assert score["recall"] >= recall


def test_nothing_planted_nothing_found_even_in_a_crisis(shared: Path) -> None:
    made = generator(shared)
    for seed, shock in ((1, (12, 18)), (2, (30, 36))):
        amounts, segment, _, _, _ = made.planted(20_000, seed=seed, p_drop=0.0, p_gain=0.0, shock=shock)
        found = spend_shifts(panel_of(amounts), peers=segment.tolist())
        assert set(found.verdict) == {"none"}


@pytest.mark.parametrize(("idle", "recall"), [(0.1, 0.55), (0.3, 0.35)])
def test_falls_of_idle_customers_are_found_against_their_like(idle: float, recall: float) -> None:
    """Months of nothing at random: a pooled null, in which three of them in a row look like a fall, finds none."""
    panel = panel_of(simulated(20_000, 3, idle=idle))
    planted = plant_shifts(panel, falls=0.02, gains=0.0, fall_sizes=(0.4, 0.8), random_state=0)
    scores = score_shifts(spend_shifts(planted.panel), planted)
    assert scores.recall["fall"] > recall
    assert scores.false_discovery_proportion["fall"] < 0.12


def test_a_customer_who_stops_is_a_fall_and_one_who_often_pauses_is_not_testable() -> None:
    amounts = simulated(4000, 4)
    rng = np.random.default_rng(0)
    amounts[:1000][rng.random((1000, 36)) < 0.4] = 0.0
    amounts[0, -3:] = amounts[1500:1510, -3:] = 0.0
    found = spend_shifts(panel_of(amounts), min_active=0.3, min_null=500)
    assert found.verdict[0] == "not testable"
    assert found.reason[0] == "stopped, as others did"
    assert found.stopped[0]
    assert not found.stopped[1500:1510].any()
    assert set(found.verdict[1500:1510]) == {"fall"}
    np.testing.assert_array_equal(found.change[1500:1510], -1.0)


def test_what_was_there_before_is_set_aside() -> None:
    amounts = simulated(3000, 5)
    amounts[:30, -3:] *= 0.3
    panel = panel_of(amounts)
    planted = plant_shifts(panel, random_state=1)
    before, found = spend_shifts(panel), spend_shifts(planted.panel)
    scores = score_shifts(found, planted, before=before)
    assert scores.set_aside == int(np.isin(before.verdict, ("fall", "gain")).sum()) > 20
    assert (
        scores.false_discovery_proportion["fall"] < score_shifts(found, planted).false_discovery_proportion["fall"]
    )


def test_by_hand_a_score_counts_hits() -> None:
    """Of what was planted every size lies in one band, and bands add up to what was planted and found."""
    planted = plant_shifts(panel_of(simulated(3000, 6)), falls=0.03, gains=0.02, random_state=2)
    assert (planted.planted == -1).sum() == 90
    assert (planted.planted == 1).sum() == 60
    found = spend_shifts(planted.panel)
    scores = score_shifts(found, planted)
    frame = scores.to_frame()
    assert frame.groupby("direction")["planted"].sum().to_dict() == {"fall": 90, "gain": 60}
    hits = int(((found.verdict == "fall") & (planted.planted == -1)).sum())
    assert frame.loc[frame["direction"] == "fall", "found"].sum() == hits
    assert scores.recall["fall"] == hits / 90
    assert scores.false_discovery_proportion["fall"] == pytest.approx(1.0 - hits / scores.flags["fall"])
    assert frame["recall"].iloc[-1] >= frame["recall"].iloc[0]


def test_by_hand_a_share_of_a_round_number_is_not_one_less() -> None:
    """0.29 x 100 is 28.999999999999996 in a computer, and 0.57 x 100 is 56.99999999999999."""
    planted = plant_shifts(panel_of(np.ones((100, 6))), falls=0.29, gains=0.57, random_state=0)
    assert planted.provenance.counts["falls"] == (planted.planted == -1).sum() == 29
    assert planted.provenance.counts["gains"] == (planted.planted == 1).sum() == 57


@pytest.mark.parametrize("null", ["trend", "season", "spread", "walk", "whole numbers", "new", "pauses"])
def test_customers_who_differ_but_do_not_change_are_no_finding(null: str) -> None:
    """Trends, seasons and spreads of each customer's own are in the earlier windows too."""
    rng = np.random.default_rng(7)
    n, t = 4000, np.arange(36)
    noise, own, month = 0.25 * rng.standard_t(5, (n, 36)), rng.normal(size=(n, 1)), rng.integers(-40, 30, (n, 1))
    amounts = {
        "trend": np.exp(noise + 0.04 * own * t),
        "season": np.exp(noise + 0.5 * own * np.cos(2.0 * np.pi * (t / 12.0 + rng.random((n, 1))))),
        "spread": np.exp(noise * np.exp(0.8 * own)),
        "walk": np.exp(np.cumsum(0.4 * noise, axis=1)),
        "whole numbers": rng.poisson(3.0, (n, 36)).astype(float),
        "new": np.exp(noise + np.exp(-np.maximum(t - month, 0) / 6.0)) * (t >= month),
        "pauses": np.exp(noise) * (rng.random((n, 36)) > rng.beta(1.0, 4.0, (n, 1))),
    }[null]
    found = spend_shifts(panel_of(amounts))
    assert not np.isin(found.verdict, ["fall", "gain"]).any()


def test_planting_changes_only_the_last_months_by_the_told_share() -> None:
    panel = panel_of(simulated(500, 7))
    planted = plant_shifts(panel, falls=0.1, gains=0.1, recent=2, random_state=3)
    np.testing.assert_array_equal(planted.panel.amounts[:, :-2], panel.amounts[:, :-2])
    ratio = planted.panel.amounts[:, -2:] / panel.amounts[:, -2:]
    np.testing.assert_allclose(ratio, np.repeat(1.0 + planted.change[:, None], 2, axis=1))
    again = plant_shifts(panel, falls=0.1, gains=0.1, recent=2, random_state=3)
    np.testing.assert_array_equal(again.change, planted.change)
    assert planted.to_frame()["planted"].tolist() == planted.planted.tolist()


# ---------------------------------------------------------------------------------------------- shocks


def struck(first: int, last: int) -> tuple[SpendPanel, Shock]:
    """Give a panel of a crisis in which the first 30 lost much more, and the next 30 doubled after it."""
    amounts = simulated(3000, 8, noise=0.1, common=crisis(first, last))
    amounts[:30, first : last + 1] *= 0.2
    amounts[30:60, -3:] *= 3.0
    panel = panel_of(amounts)
    return panel, Shock(start=panel.month_labels[first], end=panel.month_labels[last], what="crisis")


def test_a_shock_masks_falls_while_it_lasts_and_discount_keeps_the_excess() -> None:
    panel, shock = struck(33, 35)
    masked = spend_shifts(panel, shocks=[shock])
    assert set(masked.verdict[:30]) == {"masked"}
    assert set(masked.reason[:30]) == {"shock"}
    assert "fall" not in masked.verdict
    assert set(masked.verdict[30:60]) == {"gain"}  # growth while the peers fell is no rebound
    assert set(spend_shifts(panel, shocks=[shock], shock_mode="discount").verdict[:30]) == {"fall"}
    np.testing.assert_array_equal(masked.in_shock, np.arange(36) >= 33)


def test_the_first_growth_after_a_shock_is_a_rebound() -> None:
    panel, shock = struck(29, 32)
    masked = spend_shifts(panel, shocks=[shock])
    assert set(masked.verdict[30:60]) == {"masked"}
    assert set(masked.reason[30:60]) == {"rebound after a shock"}
    kept = spend_shifts(panel, shocks=[shock], shock_mode="discount")
    assert set(kept.verdict[30:60]) == {"gain"}
    # Those who only came back to where they were before it are no gain in either mode.
    assert "gain" not in kept.verdict[:30]
    assert "gain" not in masked.verdict[:30]


def test_by_hand_a_joined_period_counts_with_its_months() -> None:
    """November, December and the joined January and February: a month of them is a quarter of four months."""
    amounts = simulated(300, 17, months=38, noise=0.05)
    panel = SpendCalendar().apply(panel_of(amounts))
    shock = Shock(start="2024-02", end="2024-02", what="a holiday in February")
    found = spend_shifts(panel, shocks=[shock])
    np.testing.assert_allclose(found.actual, amounts[:, -4:].mean(axis=1), rtol=1e-12)
    assert found.in_shock.tolist() == [False] * (len(panel.months) - 1) + [True]
    assert found.path(0)["month"].iloc[-1] == "2024-01/02"


def test_a_shock_found_in_a_joined_period_has_all_its_months() -> None:
    amounts = simulated(300, 18, months=38, noise=0.05)
    amounts[:, -2:] *= 0.5
    found = spend_shifts(SpendCalendar().apply(panel_of(amounts)), detect="peers")
    assert [(one.start, one.end) for one in found.shocks] == [("2024-01", "2024-02")]


def test_a_shock_long_ago_excuses_nothing() -> None:
    panel, shock = struck(12, 16)
    assert set(spend_shifts(panel, shocks=[shock]).verdict[30:60]) == {"gain"}


@pytest.mark.parametrize("detect", ["peers", "macro", "both"])
def test_a_shock_is_found_where_it_was(detect: Any) -> None:
    panel, shock = struck(33, 35)
    macro = None if detect == "peers" else np.where(np.arange(36) < 33, 1000.0, 980.0)
    found = spend_shifts(panel, detect=detect, macro=macro)
    assert {(one.start, one.end) for one in found.shocks} == {(shock.start, shock.end)}
    assert set(found.verdict[:30]) == {"masked"}


def test_by_hand_detection() -> None:
    """Growth is 0.01 or 0.03 but for one month; the loss is half regained in the third month after it."""
    growth = [0.01, 0.03] * 4 + [-0.5, 0.01, 0.03, 0.25, 0.01, 0.03]
    levels = np.exp(np.cumsum([0.0, *growth]))
    months = [f"2020-{m:02d}" for m in range(1, 13)] + [f"2021-{m:02d}" for m in range(1, 4)]
    (found,) = detect_shocks(levels, months=months, what="x")
    assert (found.start, found.end, found.what) == ("2020-10", "2020-12", "x")
    (short,) = detect_shocks(levels, months=months, longest=2)
    assert (short.start, short.end) == ("2020-10", "2020-11")
    assert detect_shocks(np.exp(np.arange(15.0)), months=months) == ()
    assert detect_shocks(levels, months=months, smallest=0.4) == ()
    assert len(detect_shocks(levels, months=months, smallest=0.39)) == 1  # exp(-0.5) = 1 - 0.3935


def test_by_hand_the_way_back_from_a_high_month_is_no_shock() -> None:
    """December is 80 % higher in four years; only a January that falls below November is a shock."""
    levels = [180.0 if m % 12 == 11 else 100.0 + m**2 % 7 for m in range(48)]
    months = [f"{2021 + m // 12}-{m % 12 + 1:02d}" for m in range(48)]
    assert detect_shocks(levels, months=months) == ()
    levels[24:26] = [50.0, 60.0]  # from 180; half of the loss is regained at the square root of 180 x 50, 94.9
    (found,) = detect_shocks(levels, months=months)
    assert (found.start, found.end) == ("2023-01", "2023-02")
    amounts = simulated(1000, 17) * np.where(np.arange(36) % 12 == 11, 1.8, 1.0)
    assert spend_shifts(panel_of(amounts), detect="peers").shocks == ()


def test_a_level_that_stays_low_is_the_new_level_after_the_longest() -> None:
    levels = [100.0 + (m % 2) for m in range(12)] + [50.0 + (m % 2) for m in range(18)]
    months = [f"{2020 + m // 12}-{m % 12 + 1:02d}" for m in range(30)]
    (found,) = detect_shocks(levels, months=months)
    assert (found.start, found.end) == ("2021-01", "2021-12")


# ---------------------------------------------------------------------------------------------- laws


def verdicts_of(found: SpendShifts) -> list[str]:
    return list(found.verdict)


def test_the_order_of_customers_does_not_matter() -> None:
    planted = plant_shifts(panel_of(simulated(1500, 9, idle=0.05)), random_state=0).panel.amounts
    groups = np.arange(1500) % 3
    order = np.random.default_rng(1).permutation(1500)
    one = spend_shifts(panel_of(planted), peers=groups.tolist())
    other = spend_shifts(panel_of(planted[order]), peers=groups[order].tolist())
    assert verdicts_of(other) == list(one.verdict[order])
    np.testing.assert_array_equal(other.p_fall, one.p_fall[order])
    np.testing.assert_allclose(other.money_moved, one.money_moved[order], rtol=1e-12)


def test_the_currency_does_not_matter() -> None:
    planted = plant_shifts(panel_of(simulated(1500, 10, idle=0.05)), random_state=0).panel.amounts
    one, other = spend_shifts(panel_of(planted)), spend_shifts(panel_of(planted * 128.0))
    assert verdicts_of(one) == verdicts_of(other)
    np.testing.assert_array_equal(one.change, other.change)
    np.testing.assert_array_equal(128.0 * one.money_moved, other.money_moved)


def test_a_path_common_to_a_group_changes_no_verdict() -> None:
    amounts = plant_shifts(panel_of(simulated(1500, 11)), random_state=0).panel.amounts
    moved = amounts * np.where(np.arange(36) >= 30, 0.6, 1.0)
    one, other = spend_shifts(panel_of(amounts)), spend_shifts(panel_of(moved))
    assert (one.verdict == other.verdict).mean() > 0.995  # the offset bends the logarithms a little
    # Not so without peers: every recent month of everyone is low.
    assert (moved[:, -3:].max(axis=1) < np.median(moved[:, 15:33], axis=1)).mean() > 0.9


def test_a_larger_minimum_change_finds_a_part() -> None:
    panel = plant_shifts(panel_of(simulated(3000, 12, noise=0.08)), falls=0.05, random_state=0).panel
    found = [spend_shifts(panel, min_change=share).verdict == "fall" for share in (0.0, 0.2, 0.4)]
    assert found[0].sum() > found[1].sum() > found[2].sum() > 0
    assert not (found[2] & ~found[1]).any()
    assert not (found[1] & ~found[0]).any()


def test_a_constant_panel_has_no_finding() -> None:
    found = spend_shifts(panel_of(np.full((50, 30), 3.0)))
    assert set(found.verdict) == {"none"}
    np.testing.assert_array_equal(found.p_fall, 1.0)
    np.testing.assert_allclose(found.change, 0.0, atol=1e-12)


def test_one_odd_month_flags_nobody() -> None:
    amounts = simulated(2000, 13)
    amounts[:50, -2] *= 0.01
    amounts[50:100, -1] *= 50.0
    assert set(spend_shifts(panel_of(amounts)).verdict[:100]) == {"none"}


# ---------------------------------------------------------------------------------------------- the result


def test_reasons_against_a_test() -> None:
    amounts = simulated(400, 14)
    amounts[0, :20] = 0.0
    amounts[1, ::2] = 0.0
    amounts[1, :30:4] = 0.0
    amounts[1, 1:30:4] = 0.0
    amounts[1, 0] = 1.0
    amounts[2] = 0.0
    groups = ["many"] * 400
    groups[3] = groups[4] = "few"
    found = spend_shifts(panel_of(amounts), peers=groups)
    assert set(found.verdict[:5]) == {"not testable"}
    expected = ["too little history", "too little activity", "too little history", *["too few peers"] * 2]
    assert found.reason[:5].tolist() == expected
    assert np.isnan(found.p_fall[:5]).all()
    assert np.isnan(found.q_gain[:5]).all()


def test_where_nobody_spends_or_nobody_else_is_there_nothing_can_be_told() -> None:
    nobody = spend_shifts(panel_of(np.zeros((30, 30))))
    assert set(nobody.reason) == {"too little history"}
    assert np.isnan(nobody.change).all()
    assert nobody.summary()["customers"].tolist() == [0, 0, 0, 0, 30]
    assert nobody.summary()["money_moved"].tolist() == [0.0] * 5
    np.testing.assert_allclose(nobody.path(0)["peers"], 1.0, rtol=1e-12)
    alone = spend_shifts(panel_of(np.ones((1, 30))), min_peers=1)
    assert (alone.verdict[0], alone.reason[0]) == ("not testable", "no power")


def test_by_hand_verdicts_of_figures() -> None:
    """A fall, one too small, a gain, a gain without power for falls, no power, a fall by which more came."""
    nan = math.nan
    q_fall = np.array([0.01, 0.01, 0.9, nan, nan, 0.01])
    q_gain = np.array([0.9, 0.9, 0.05, 0.01, 0.06, 0.9])
    change = np.array([-0.5, -0.1, 0.4, 2.0, 2.0, 0.3])
    reason = np.array([0, 0, 0, POWER, POWER, 0])
    for excused, words in (
        (Excuses(falls=False, gains=False), ["fall", "none", "gain", "gain", "not testable", "none"]),
        (Excuses(falls=True, gains=True), ["masked", "none", "masked", "masked", "not testable", "none"]),
    ):
        found = decide(q_fall, q_gain, change, reason, level=0.05, min_change=0.2, excused=excused)
        assert [VERDICTS[one] for one in found.verdict] == words
        told = ["shock", "", "rebound after a shock", "rebound after a shock", "no power", ""]
        expected = told if excused.falls else ["", "", "", "", "no power", ""]
        assert [REASONS[one] for one in found.reason] == expected


def test_a_path_shows_own_adjusted_expected_and_the_mask() -> None:
    panel, shock = struck(33, 35)
    found = spend_shifts(panel, shocks=[shock])
    path = found.path(100)
    assert path["month"].tolist() == list(panel.month_labels)
    assert path["part"].tolist() == [""] * 15 + ["baseline"] * 18 + ["recent"] * 3
    np.testing.assert_array_equal(path["amount"], panel.amounts[100])
    assert path["shock"].tolist() == [False] * 33 + [True] * 3
    np.testing.assert_allclose(path["peers"][33:].mean() / path["peers"][:33].mean(), 0.7, rtol=0.02)
    np.testing.assert_allclose(path["expected"][33:].mean(), found.expected[100])
    # Adjusted months lie where they had lain without the crisis.
    assert 0.8 < path["adjusted"][33:].mean() / path["adjusted"][:33].mean() < 1.25
    idle = panel.amounts.copy()
    idle[100, 5] = 0.0
    assert spend_shifts(panel.with_amounts(idle)).path(100)["adjusted"][5] == 0.0


def test_a_customer_at_the_peers_has_a_flat_adjusted_path() -> None:
    amounts = np.outer(np.arange(1.0, 31.0), crisis(20, 26))
    path = spend_shifts(panel_of(amounts)).path(4)
    np.testing.assert_allclose(path["adjusted"], np.median(amounts[4]), rtol=1e-12)
    np.testing.assert_allclose(path["expected"], amounts[4], rtol=1e-12)
    np.testing.assert_allclose(path["peers"], amounts[4] / np.median(amounts[4]), rtol=1e-12)


def test_the_summary_adds_up_and_nothing_shows_a_customer() -> None:
    planted = plant_shifts(
        panel_of(simulated(2000, 15), customers=[f"key{i}" for i in range(2000)]), random_state=0
    )
    found = spend_shifts(planted.panel)
    summary, frame = found.summary(), found.to_frame()
    assert summary.index.tolist() == ["none", "fall", "gain", "masked", "not testable"]
    assert summary["customers"].sum() == len(frame) == len(found) == 2000
    np.testing.assert_allclose(summary["money_moved"].sum(), frame["money_moved"].sum())
    np.testing.assert_allclose(summary["expected"] - summary["actual"], summary["money_moved"])
    assert frame["customer"][0] == "key0"
    scores = score_shifts(found, planted)
    for thing in (found, planted, scores):
        assert "key" not in repr(thing)
        assert "key" not in thing._repr_html_()
        assert thing._repr_html_().startswith("<table>")
    assert found.provenance.counts["customers"] == 2000
    assert json.loads(found.provenance.spec)["baseline"] == 18
    with pytest.raises(ValueError, match="read-only"):
        found.change[0] = 1.0


def test_peers_of_the_panel_are_used() -> None:
    amounts = simulated(1000, 16)
    amounts[:500, -3:] *= 0.5
    groups = ["a"] * 500 + ["b"] * 500
    own = spend_shifts(panel_of(amounts, peers=groups))
    assert own.peer_groups == ("a", "b")
    assert set(own.verdict) == {"none"}
    np.testing.assert_array_equal(own.p_fall, spend_shifts(panel_of(amounts), peers=groups).p_fall)


# ---------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"q": 0.0}, "greater than 0"),
        ({"q": 1.0}, "less than 1"),
        ({"recent": 0}, "recent"),
        ({"baseline": 3}, "baseline"),
        ({"baseline": 18.0}, "valid integer"),
        ({"min_change": 1.0}, "min_change"),
        ({"min_change": -0.1}, "min_change"),
        ({"shock_mode": "ignore"}, "'mask' or 'discount'"),
        ({"detect": "yes"}, "'none', 'peers', 'macro' or 'both'"),
        ({"min_active": 0.0}, "min_active"),
        ({"min_peers": 0}, "min_peers"),
        ({"min_null": 0}, "min_null"),
        ({"shocks": ["2021-03"]}, "Shock"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], match: str) -> None:
    with pytest.raises(ValidationError, match=match):
        spend_shifts(panel_of(np.ones((20, 30))), **settings)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"baseline": 25}, "has 30 months; allowed: at least baseline \\+ 2 recent = 31"),
        ({"shocks": [Shock(start="2030-01", end="2030-02", what="x")]}, "A shock lasts from 2030-01 to 2030-02"),
        ({"shocks": [Shock(start="2020-12", end="2021-02", what="x")]}, "the panel from 2021-01 to 2023-06"),
        ({"shocks": [Shock(start="2021-12", end="2022-12", what="x")]}, "leave 5 of the 18 baseline months"),
        (
            {"baseline": 10, "shocks": [Shock(start="2021-01", end="2022-10", what="x")]},
            "No earlier window of the 30",
        ),
        ({"macro": np.ones(30)}, "macro and detect='macro'"),
        ({"detect": "macro"}, "macro and detect='macro'"),
        ({"detect": "macro", "macro": np.ones(29)}, "macro has shape \\(29,\\)"),
        ({"detect": "macro", "macro": ["1"] * 30}, "macro must hold numbers only"),
        ({"peers": ["a"] * 19}, "one group for each of the 20 customers"),
    ],
)
def test_what_does_not_fit_the_panel_is_refused(settings: dict[str, Any], match: str) -> None:
    with pytest.raises(DomainError, match=match):
        spend_shifts(panel_of(np.ones((20, 30))), **settings)


def test_bad_amounts_and_groups_are_refused() -> None:
    with pytest.raises(DomainError, match="panel is a ndarray; allowed: SpendPanel"):
        spend_shifts(np.ones((20, 30)))  # type: ignore[arg-type]  # refused by name
    with pytest.raises(DataError, match="1 amount\\(s\\) that are missing, below 0 or infinite"):
        panel_of(np.where(np.arange(30) == 3, -1.0, 1.0)[None])
    with pytest.raises(DataError, match="peers is null for 1 customer"):
        spend_shifts(panel_of(np.ones((20, 30))), peers=[None, *["a"] * 19])
    with pytest.raises(DataError, match="1 level\\(s\\) that are missing, infinite or not above 0"):
        spend_shifts(panel_of(np.ones((20, 30))), detect="macro", macro=[0.0, *[1.0] * 29])
    with pytest.raises(DomainError, match="customer is no label of the panel"):
        spend_shifts(panel_of(np.ones((20, 30)))).path("secret")


@pytest.mark.parametrize(
    ("shock", "match"),
    [
        ({"start": "2021-13", "end": "2022-01"}, "names no month"),
        ({"start": "soon", "end": "2022-01"}, "no ISO 8601 date"),
        ({"start": "2022-02", "end": "2022-01"}, "ends in 2022-01, before it starts"),
        ({"start": 202201, "end": "2022-01"}, "valid string"),
    ],
)
def test_a_shock_without_months_is_refused(shock: dict[str, Any], match: str) -> None:
    with pytest.raises(ValidationError, match=match):
        Shock(**shock, what="x")


@pytest.mark.parametrize(
    ("series", "settings", "error", "match"),
    [
        ([1.0] * 8, {}, DomainError, "at least 9 months"),
        ([["a"]], {}, DomainError, "numbers only"),
        ([1.0] * 9, {"months": ["2021-01"]}, DomainError, "months has 1 entries"),
        ([1.0] * 9, {"months": ["2021-01"] * 9}, DataError, "months must ascend"),
        ([1.0] * 8 + [math.nan], {}, DataError, "1 level"),
        (["1"] * 9, {}, DomainError, "series must hold numbers only"),
        (np.ma.array([1.0] * 9, mask=[True] + [False] * 8), {}, DataError, "1 level"),
        ([1.0] * 9, {"threshold": 0.0}, DomainError, "threshold must be a number above 0"),
        ([1.0] * 9, {"smallest": 1.0}, DomainError, "smallest must be a share"),
        ([1.0] * 9, {"longest": 0}, DomainError, "longest must be a whole number from 1"),
    ],
)
def test_a_series_without_shocks_to_find_is_refused(
    series: list[Any], settings: dict[str, Any], error: type[ValueError], match: str
) -> None:
    months = [f"2021-{m:02d}" for m in range(1, len(series) + 1)]
    with pytest.raises(error, match=match):
        detect_shocks(series, **({"months": months} | settings))


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"falls": 1.0}, "falls must be a share"),
        ({"gains": -0.1}, "gains must be a share"),
        ({"falls": 0.6, "gains": 0.5}, "together must be below 1"),
        ({"fall_sizes": (0.5, 1.1)}, "fall_sizes must ascend and lie in \\(0, 1\\]"),
        ({"gain_sizes": (2.0, 1.0)}, "gain_sizes must ascend"),
        ({"gain_sizes": (1.0,)}, "gain_sizes must be two numbers"),
        ({"recent": 31}, "recent must be a whole number from 1 to the panel's 30"),
    ],
)
def test_what_cannot_be_planted_is_refused(settings: dict[str, Any], match: str) -> None:
    with pytest.raises(DomainError, match=match):
        plant_shifts(panel_of(np.ones((20, 30))), **settings)


def test_scores_of_other_customers_are_refused() -> None:
    planted = plant_shifts(panel_of(np.ones((20, 30))), falls=0.1, random_state=0)
    other = spend_shifts(panel_of(np.ones((20, 30)), customers=[f"c{i}" for i in range(20)]))
    with pytest.raises(DomainError, match="found screens other customers"):
        score_shifts(other, planted)
    with pytest.raises(DomainError, match="before screens other customers"):
        score_shifts(spend_shifts(planted.panel), planted, before=other)
    with pytest.raises(DomainError, match="found is a PlantedShifts; allowed: SpendShifts"):
        score_shifts(planted, planted)  # type: ignore[arg-type]  # refused by name
    with pytest.raises(DomainError, match="panel is a"):
        plant_shifts(np.ones((20, 30)))  # type: ignore[arg-type]  # refused by name


def test_who_stops_where_others_leave_for_good_is_a_fall() -> None:
    """Of 6,000, .3 % leave a month. Kept, their stops make a stop usual; left out, it is a fall again."""
    amounts = simulated(6000, 8)
    rng = np.random.default_rng(1)
    leaves = rng.geometric(0.003, len(amounts))
    amounts[np.arange(36) >= leaves[:, None]] = 0.0
    amounts[:20] = simulated(20, 9)
    amounts[:10, -3:] *= 0.1
    amounts[10:20, -3:] = 0.0
    found = spend_shifts(panel_of(amounts), min_null=500)
    assert (found.verdict[:20] == "fall").sum() >= 18
    assert (found.verdict[leaves > 36] == "fall").sum() <= 40
    kept = spend_shifts(panel_of(amounts), min_null=500, lasting_shifts="keep")
    assert set(kept.reason[10:20]) == {"stopped, as others did"}
    assert kept.stopped[10:20].all()
    assert (kept.actual[kept.stopped] == 0.0).all()


def test_a_steady_leak_does_not_hide_itself() -> None:
    """Of each three months 1 % fall by two thirds and stay there: kept in the null nobody is found, else most."""
    amounts = simulated(4000, 10)
    starts = np.full(4000, 99)
    starts[:360] = np.repeat(np.arange(9, 36, 3), 40)
    amounts[np.arange(36) >= starts[:, None]] /= 3.0
    late, early = starts == 33, starts < 33
    panel = panel_of(amounts)
    kept = spend_shifts(panel, min_null=500, lasting_shifts="keep")
    assert (kept.verdict[late] == "fall").sum() <= 4
    told = spend_shifts(panel, min_null=500, lasting_shifts="keep", known_shifts=early)
    for cleaned in (spend_shifts(panel, min_null=500), told):
        assert (cleaned.verdict[late] == "fall").sum() >= 20
        assert (cleaned.verdict[starts == 99] == "fall").sum() <= 3


@pytest.mark.parametrize("still", [0.0, 0.48])
def test_what_drifts_by_chance_stays_in_the_null(still: float) -> None:
    """Levels that drift last, and are no shift: beside customers who do not drift, or do not move at all.

    To leave lasting changes out of the null altogether finds falls where nobody fell. The mean share of false
    findings has a standard error of some .012 in six panels.
    """
    false = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        x = 0.15 * rng.normal(size=(6000, 36))
        drifting = np.arange(6000) >= (6000 * still if still else 4800)
        x[drifting] = np.cumsum(0.08 * rng.normal(size=(drifting.sum(), 36)), axis=1)
        x[~drifting] *= still == 0.0
        assert set(spend_shifts(panel_of(100.0 * np.exp(x))).verdict) == {"none"}
        x[:60, -3:] -= 1.0
        x[-60:, -3:] -= 1.5
        falls = spend_shifts(panel_of(100.0 * np.exp(x))).verdict == "fall"
        assert falls[:60].sum() >= 55
        false.append(falls[60:-60].sum() / falls.sum())
    assert np.mean(false) < 0.1


def test_customers_who_never_vary_do_not_set_the_spread_ratio() -> None:
    amounts = simulated(4000, 14)
    amounts[:2820] = 100.0
    found = spend_shifts(panel_of(amounts))
    assert 0.9 < found.spread_ratio["fall"] < 1.1
    assert 0.9 < found.spread_ratio["gain"] < 1.1


def test_matching_leaves_customers_who_never_vary_where_they_are() -> None:
    """Three quarters never vary. Moved with the others, their ties make findings where nothing is."""
    for seed in range(6):
        amounts = np.full((6000, 36), 100.0)
        amounts[4500:] *= np.exp(0.25 * np.random.default_rng(seed).normal(size=(1500, 36)))
        assert set(spend_shifts(panel_of(amounts), central_matching=True).verdict) == {"none"}


@pytest.mark.parametrize(("customers", "a_quarter"), [(1900, 38), (4000, 80), (5000, 100), (9000, 120)])
def test_complete_stops_for_good_are_falls_whatever_their_number(customers: int, a_quarter: int) -> None:
    """As many stop in each of twelve quarters: the last are falls; kept in the null, they are only listed.

    Above 100 a quarter the windows with a stop are more than a stratum needs, and weigh next to nothing.
    """
    left = np.arange(customers) // a_quarter
    amounts = simulated(customers, 16)
    amounts[np.arange(36) >= np.where(left < 12, 33 - 3 * left, 36)[:, None]] = 0.0
    found = spend_shifts(panel_of(amounts))
    assert (found.verdict[left == 0] == "fall").all()
    assert (found.verdict[left >= 12] == "fall").sum() <= 0.1 * (found.verdict == "fall").sum()
    kept = spend_shifts(panel_of(amounts), lasting_shifts="keep")
    assert kept.stopped[left == 0].all()
    assert not (kept.verdict[left == 0] == "fall").any()


def test_who_never_could_be_tested_has_not_stopped() -> None:
    amounts = simulated(400, 17)
    amounts[0, 3:] = 0.0
    amounts[1, 20] = 5.0
    amounts[1, :20] = amounts[1, 21:] = 0.0
    amounts[2:5, -3:] = 0.0
    found = spend_shifts(panel_of(amounts), peers=["few"] * 5 + ["many"] * 395)
    assert found.reason[:3].tolist() == ["too little activity", "too little history", "too few peers"]
    assert found.stopped[:6].tolist() == [False, False, True, True, True, False]


def test_a_stop_without_power_is_named_so_and_still_listed() -> None:
    """Nobody stopped earlier; 25 earlier windows give no p below 1 / 26."""
    amounts = simulated(5, 15)
    amounts[0, -3:] = 0.0
    found = spend_shifts(panel_of(amounts), min_peers=1, min_null=1, q=0.01)
    assert found.reason[0] == "no power"
    assert found.stopped.tolist() == [True, False, False, False, False]


def test_noisier_recent_months_are_told_and_can_be_matched() -> None:
    """Months that vary by .3 instead of .2: two in three of the findings are chance, by Efron's matching few."""
    amounts = simulated(8000, 12)
    amounts[:, -3:] = (
        np.median(amounts, axis=1)[:, None] * (amounts[:, -3:] / np.median(amounts, axis=1)[:, None]) ** 1.5
    )
    amounts[:160, -3:] *= 0.3
    panel = panel_of(amounts)
    plain, matched = spend_shifts(panel), spend_shifts(panel, central_matching=True)
    assert plain.spread_ratio == matched.spread_ratio
    assert plain.spread_ratio["fall"] > 1.3
    assert plain.spread_ratio["gain"] > 1.3
    false, kept = ((one.verdict[160:] == "fall").sum() for one in (plain, matched))
    assert kept < 0.3 * false
    assert (matched.verdict[:160] == "fall").sum() > 0.5 * (plain.verdict[:160] == "fall").sum()
    calm = spend_shifts(panel_of(simulated(8000, 13)))
    assert 0.95 < calm.spread_ratio["fall"] < 1.05


def test_panels_without_width_have_no_spread_ratio() -> None:
    found = spend_shifts(panel_of(np.full((50, 30), 7.0)), central_matching=True)
    assert found.spread_ratio == {"fall": 1.0, "gain": 1.0}
    assert set(found.verdict) <= {"none", "not testable"}


def test_known_shifts_are_flags() -> None:
    panel = panel_of(simulated(50, 1))
    with pytest.raises(DomainError, match="True and False for each of the 50"):
        spend_shifts(panel, known_shifts=[1] * 50)
    with pytest.raises(DomainError, match="True and False for each of the 50"):
        spend_shifts(panel, known_shifts=[True])
    with pytest.raises(DomainError, match="names every customer"):
        spend_shifts(panel, known_shifts=[True] * 50)
