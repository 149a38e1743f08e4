"""Replays: the known answer, a plain loop as second route, laws, and what is refused."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue import tiers
from custvalue.exceptions import ColumnError, DataError, DomainError
from tiers_oracle import follow, lowest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: Rule and figures: worked by hand; the form (qualify, requalify, review, dwell) is that of loyalty systems.
SCORES = [60, 60, 520, 480, 480, 390, 520, *[480] * 4, 410, 380, 380, *[390] * 10, 30, 30]
LADDER = tiers.TierPolicy.ladder(["base", "silver", "gold", "platinum"], [50, 500, 2000], down=[40, 400, 1600])
YEARLY: dict[str, Any] = {"review": tiers.Review(every=12), "max_steps_down": 1}
PAIR = tiers.TierPolicy.ladder(["basic", "gold"], [500], down=[400])


def changed(policy: tiers.TierPolicy, **update: Any) -> tiers.TierPolicy:
    return policy.model_copy(update=update)


def wide(scores: Any, customers: Any = None, periods: Any = None, **more: Any) -> tiers.Panel:
    return tiers.Panel.from_wide({"score": scores}, customers=customers, periods=periods, **more)


def months(count: int, first: str = "2024-01-31") -> list[dt.date]:
    return [day.date() for day in pd.date_range(first, periods=count, freq="ME")]


# --------------------------------------------------------------------------------------- known answers


@pytest.mark.parametrize(
    ("dwell", "levels", "changes"),
    [
        (12, [1, 1, *[2] * 22, 1, 1], 2),
        (6, [1, 1, *[2] * 10, *[1] * 12, 0, 0], 3),
    ],
)
def test_by_hand_hysteresis(dwell: int, levels: list[int], changes: int) -> None:
    """26 months; up at once, down in months divisible by 12, one level, after the dwell."""
    found = tiers.replay(changed(LADDER, dwell=dwell, **YEARLY), wide([SCORES]))
    assert found.levels[0].tolist() == levels
    assert found.n_changes.tolist() == [changes]


def test_by_hand_plain_thresholds() -> None:
    found = tiers.replay(LADDER.plain, wide([SCORES]))
    assert found.levels[0].tolist() == [1, 1, 2, 1, 1, 1, 2, *[1] * 17, 0, 0]
    assert found.n_changes.tolist() == [5]
    assert found.n_reversals.tolist() == [3]


def test_hysteresis_of_the_published_case(shared: Path) -> None:
    case = json.loads((shared / "known_answers/campaign/tier_hysteresis.json").read_text(encoding="utf-8"))
    given_, expected = case["input"], case["expected"]
    ladder = tiers.TierPolicy.ladder(list("abcd"), given_["up"], down=given_["down"])
    panel = wide([given_["score_by_month"]])
    for dwell in given_["dwell"]:
        found = tiers.replay(changed(ladder, dwell=dwell, **YEARLY), panel)
        assert found.levels[0].tolist() == expected[f"tier_dwell_{dwell}"]
        assert found.n_changes.tolist() == [expected["changes"][f"dwell_{dwell}"]]
    plain = tiers.replay(ladder.plain, panel)
    assert plain.levels[0].tolist() == expected["plain"]
    assert plain.n_changes.tolist() == [expected["changes"]["plain"]]


@pytest.mark.parametrize(
    ("update", "levels"),
    [
        ({}, [2, 0, 0, 0, 3]),
        ({"max_steps_down": 1}, [2, 1, 0, 0, 3]),
        ({"max_steps_up": 2}, [2, 0, 0, 0, 2]),
        ({"review": tiers.Review(every=3)}, [2, 2, 2, 0, 3]),
        ({"review_up": tiers.Review(every=3)}, [2, 0, 0, 0, 0]),
        ({"dwell": 2}, [2, 2, 0, 0, 3]),
        ({"dwell_up": 4}, [2, 0, 0, 0, 0]),
        ({"grace": 1}, [2, 2, 0, 0, 3]),
        ({"grace": 1, "grace_counts": "period", "review": tiers.Review(every=2, offset=1)}, [2, 2, 2, 0, 3]),
        ({"grace": 1, "review": tiers.Review(every=2, offset=1)}, [2, 2, 2, 0, 3]),
    ],
)
def test_by_hand_each_setting_alone(update: dict[str, Any], levels: list[int]) -> None:
    """Scores 600, 10, 10, 10, 2500 on the ladder: gold, then below every threshold, then platinum."""
    found = tiers.replay(changed(LADDER, **update), wide([[600, 10, 10, 10, 2500]]))
    assert found.levels[0].tolist() == levels


def test_by_hand_lock_and_partial_fall() -> None:
    """Platinum is locked for two periods; then 450 would keep gold (400), which is one level down."""
    levels = [one.model_copy(update={"lock": 2}) if one.name == "platinum" else one for one in LADDER.levels]
    found = tiers.replay(changed(LADDER, levels=levels), wide([[2000, 450, 450, 450]]))
    assert found.levels[0].tolist() == [3, 3, 2, 2]
    told = [found.reason_names[code] for code in found.reasons[0]]
    assert told == ["entered", "below, locked", "downgraded", "kept"]


def test_a_downgrade_starts_no_lock() -> None:
    levels = [one.model_copy(update={"lock": 9}) if one.name == "gold" else one for one in LADDER.levels]
    found = tiers.replay(changed(LADDER, levels=levels), wide([[2000, 450, 10]]))
    assert found.levels[0].tolist() == [3, 2, 0]


def test_a_threshold_met_exactly_reaches_and_keeps() -> None:
    assert tiers.replay(PAIR, wide([[500, 400, 399.99, 499.99]])).levels[0].tolist() == [1, 1, 0, 0]


def test_by_hand_rules_over_indicators_and_flags() -> None:
    """Gold by balance or by ownership of a key client; kept while the balance is 300 or the flag is set."""
    flag = tiers.Condition(column="owner", equals=True)
    gold = tiers.Level(
        name="gold",
        up=tiers.any_of(tiers.Condition(column="balance", at_least=500), flag),
        down=tiers.any_of(tiers.Condition(column="balance", at_least=300), flag),
    )
    policy = tiers.TierPolicy(levels=[tiers.Level(name="basic"), gold])
    panel = tiers.Panel.from_wide({"balance": [[10, 10, 500, 300, 299]], "owner": [[1, 0, 0, 0, 0]]})
    assert policy.columns == ("balance", "owner")
    assert tiers.replay(policy, panel).levels[0].tolist() == [1, 0, 1, 1, 0]


# ------------------------------------------------------------------------------------ the second route

RISING = st.lists(st.integers(1, 20), min_size=1, max_size=4, unique=True).map(sorted)
REVIEWS = st.integers(1, 4).flatmap(
    lambda n: st.builds(tiers.Review, every=st.just(n), offset=st.integers(0, n - 1))
)
STEPS = st.none() | st.integers(1, 2)


@st.composite
def policies(draw: st.DrawFn, *, rules: bool | None = None) -> tiers.TierPolicy:
    ups = draw(RISING)
    downs: list[int] = []
    for up in ups:
        downs.append(draw(st.integers(max([0, *downs]), up)))
    ruled = draw(st.booleans()) if rules is None else rules
    levels = [tiers.Level(name="L0")]
    for place, (up, down) in enumerate(zip(ups, downs, strict=True), start=1):
        thresholds: tuple[Any, Any] = (up, down)
        if ruled:
            flag = tiers.Condition(column="flag", equals=True)
            extra = tiers.Condition(column="other", at_least=place)
            up_rule = tiers.Condition(column="score", at_least=up)
            down_rule = tiers.Condition(column="score", at_least=down)
            thresholds = draw(
                st.sampled_from(
                    [
                        (up, down),
                        (tiers.all_of(up_rule, flag), down_rule),
                        (tiers.all_of(up_rule, extra), tiers.any_of(down_rule, flag)),
                        (up, tiers.any_of(down_rule, extra)),
                    ]
                )
            )
        levels.append(
            tiers.Level(name=f"L{place}", up=thresholds[0], down=thresholds[1], lock=draw(st.integers(0, 3)))
        )
    return tiers.TierPolicy(
        levels=levels,
        dwell=draw(st.integers(0, 4)),
        dwell_up=draw(st.integers(0, 3)),
        review=draw(REVIEWS),
        review_up=draw(REVIEWS),
        max_steps_up=draw(STEPS),
        max_steps_down=draw(STEPS),
        grace=draw(st.integers(0, 2)),
        grace_counts=draw(st.sampled_from(["review", "period"])),
    )


@st.composite
def panels(draw: st.DrawFn, *, holes: bool = True) -> tiers.Panel:
    shape = draw(st.tuples(st.integers(1, 4), st.integers(2, 12)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    score = rng.integers(0, 23, shape).astype(float)
    values = {"score": score, "flag": rng.integers(0, 2, shape) * 1.0, "other": rng.integers(0, 5, shape) * 1.0}
    if holes:
        gone = rng.random(shape) < draw(st.sampled_from([0.0, 0.3]))
        gone[0] = False  # somebody has a row in every period
        values = {name: np.where(gone, np.nan, array) for name, array in values.items()}
    return tiers.Panel.from_wide(values, on_missing="report")


def rows_of(panel: tiers.Panel, row: int) -> list[dict[str, float] | None]:
    return [
        {name: float(array[row, column]) for name, array in panel.columns.items()} if there else None
        for column, there in enumerate(panel.present[row].tolist())
    ]


@settings(max_examples=150)
@given(policies(), panels())
def test_a_plain_loop_agrees(policy: tiers.TierPolicy, panel: tiers.Panel) -> None:
    found = tiers.replay(policy, panel)
    for row in range(len(panel.customers)):
        levels, reasons = follow(policy, rows_of(panel, row))
        assert found.levels[row].tolist() == levels
        assert [found.reason_names[code] for code in found.reasons[row]] == reasons


@settings(max_examples=60)
@given(policies(), panels(), st.data())
def test_the_replay_of_a_prefix_is_the_prefix_and_can_be_continued(
    policy: tiers.TierPolicy, panel: tiers.Panel, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(1, len(panel.periods) - 1))
    whole = tiers.replay(policy, panel)

    def part(columns: slice) -> tiers.Panel:
        seen = panel.present[:, columns]
        values = {name: np.where(seen, array[:, columns], np.nan) for name, array in panel.columns.items()}
        return tiers.Panel.from_wide(values, periods=panel.periods[columns], on_missing="report")

    begun = tiers.replay(policy, part(slice(0, cut)))
    np.testing.assert_array_equal(begun.levels, whole.levels[:, :cut])
    np.testing.assert_array_equal(begun.reasons, whole.reasons[:, :cut])
    rest = tiers.replay(policy, part(slice(cut, None)), after=begun)
    np.testing.assert_array_equal(rest.levels, whole.levels[:, cut:])
    np.testing.assert_array_equal(rest.reasons, whole.reasons[:, cut:])


@settings(max_examples=100)
@given(policies(rules=False), panels(holes=False))
def test_a_policy_never_turns_more_often_than_plain_thresholds(
    policy: tiers.TierPolicy, panel: tiers.Panel
) -> None:
    policy_, plain = tiers.replay(policy, panel), tiers.replay(policy.plain, panel)
    assert (policy_.n_reversals <= plain.n_reversals).all()


@settings(max_examples=60)
@given(policies(rules=False), panels(holes=False))
def test_two_levels_never_change_more_often_than_plain_thresholds(
    policy: tiers.TierPolicy, panel: tiers.Panel
) -> None:
    two = changed(policy, levels=policy.levels[:2])
    assert (tiers.replay(two, panel).n_changes <= tiers.replay(two.plain, panel).n_changes).all()


def test_by_hand_three_levels_may_change_more_often_in_single_steps() -> None:
    """One fall from the top to the bottom is one plain change and three single steps."""
    slow = changed(LADDER, max_steps_down=1)
    panel = wide([[2000, 10, 10, 10]])
    assert tiers.replay(slow.plain, panel).n_changes.tolist() == [1]
    assert tiers.replay(slow, panel).n_changes.tolist() == [3]
    assert tiers.replay(slow, panel).n_reversals.tolist() == [0]


@settings(max_examples=30)
@given(policies(), panels(), st.randoms(use_true_random=False))
def test_order_of_rows_and_names_of_customers_do_not_matter(
    policy: tiers.TierPolicy, panel: tiers.Panel, random: Any
) -> None:
    frame = panel.to_frame()
    found = tiers.replay(policy, frame, on_missing="report")
    order = list(range(len(frame)))
    random.shuffle(order)
    again = tiers.replay(policy, frame.iloc[order], on_missing="report")
    np.testing.assert_array_equal(again.levels, found.levels)
    names = {key: f"K{place}" for place, key in enumerate(reversed(found.customers.tolist()))}
    renamed = frame.assign(customer=frame["customer"].map(names))
    other = tiers.replay(policy, renamed, on_missing="report")
    for place, key in enumerate(found.customers.tolist()):  # whoever is never there is in no long table
        row = other.customers.tolist().index(names[key])
        assert other.levels[row].tolist() == found.levels[place].tolist()


# ----------------------------------------------------------------------------------------------- dates


def test_by_hand_reviews_by_month_and_dwell_in_months() -> None:
    """Quarter ends from March 2024; downgrades in December only, nine months after the last change."""
    quarters = [day.date() for day in pd.date_range("2024-03-31", periods=5, freq="QE")]
    policy = changed(PAIR, review=tiers.Review(months=[12]), dwell=9, unit="month")
    assert tiers.replay(policy, wide([[600, 10, 10, 10, 10]], periods=quarters)).levels[0].tolist() == [
        1,
        1,
        1,
        0,
        0,
    ]
    longer = changed(policy, dwell=10)
    found = tiers.replay(longer, wide([[600, 10, 10, 10, 10]], periods=quarters))
    assert found.levels[0].tolist() == [1] * 5
    assert found.reason_names[found.reasons[0, 3]] == "below, dwell not over"


def test_every_twelve_months_means_january_whenever_the_panel_begins() -> None:
    policy = changed(PAIR, review=tiers.Review(every=12))
    found = tiers.replay(policy, wide([[600, *[10] * 5]], periods=months(6, "2024-10-31")))
    assert found.levels[0].tolist() == [1, 1, 1, 0, 0, 0]
    quarters = [day.date() for day in pd.date_range("2024-06-30", periods=4, freq="QE")]
    yearly = changed(PAIR, review=tiers.Review(every=4))
    assert tiers.replay(yearly, wide([[600, 10, 10, 10]], periods=quarters)).levels[0].tolist() == [1, 1, 1, 0]


def test_single_quarters_continue_each_other() -> None:
    quarters = [day.date() for day in pd.date_range("2024-06-30", periods=4, freq="QE")]
    policy = changed(PAIR, dwell=2)
    scores = [600, 10, 10, 10]
    whole = tiers.replay(policy, wide([scores], periods=quarters))
    found = None
    for place, (score, period) in enumerate(zip(scores, quarters, strict=True)):
        found = tiers.replay(policy, wide([[score]], periods=[period]), after=found)
        assert found.levels[0, 0] == whole.levels[0, place]


def test_months_need_dates() -> None:
    for policy in (
        changed(PAIR, dwell=3, unit="month"),
        changed(PAIR, review=tiers.Review(months=[12])),
        changed(PAIR, phase_out=tiers.PhaseOut(share=0.1, review=tiers.Review(months=[1]))),
    ):
        with pytest.raises(DomainError, match="counts months and the panel's periods are whole numbers"):
            tiers.replay(policy, wide([[1, 2]]))


# ------------------------------------------------------------------------------------------ why am I here


@pytest.mark.parametrize(
    ("update", "scores", "words"),
    [
        ({}, [520], ["gold: entered in period 0", "'score is at least 500' holds (score 520)"]),
        ({}, [60], ["basic: entered in period 0", "the lowest level (score 60)"]),
        ({}, [520, 480], ["gold: kept in period 1", "'score is at least 400' holds", "since period 0"]),
        ({}, [60, 61], ["basic: kept", "it is the lowest level and no higher level is met (score 61)"]),
        ({}, [60, 520], ["gold: upgraded in period 1 from basic", "up of this level is met (score 520)"]),
        ({}, [520, 390], ["basic: downgraded in period 1 from gold", "'score is at least 400' does not hold"]),
        ({"review_up": tiers.Review(every=3)}, [60, 520], ["A higher level is met", "reviewed every 3 periods"]),
        ({"dwell_up": 4}, [60, 520], ["but 4 period(s) must have passed since the last change before an upgrade"]),
        ({"review": tiers.Review(every=3, offset=2)}, [520, 1], ["although", "every 3 periods, offset 2"]),
        ({"dwell": 4}, [520, 1], ["although", "4 period(s) must have passed since the last change"]),
        ({"grace": 2}, [520, 1, 1], ["2 review(s) in a row below are forgiven and this is number 2"]),
    ],
)
def test_the_reason_in_words(update: dict[str, Any], scores: list[float], words: list[str]) -> None:
    found = tiers.replay(changed(PAIR, **update), wide([scores]))
    told = found.why(0, len(scores) - 1)
    for some in words:
        assert some in told


def test_the_reason_of_a_lock_and_of_limited_steps() -> None:
    levels = [one.model_copy(update={"lock": 5}) if one.name == "gold" else one for one in PAIR.levels]
    locked = tiers.replay(changed(PAIR, levels=levels), wide([[520, 1]]))
    assert "it is locked for 5 period(s) from when it was reached" in locked.why(0, 1)
    steps = tiers.replay(changed(LADDER, max_steps_up=1, max_steps_down=1), wide([[60, 2500, 2500, 10]]))
    assert "one review moves up 1 level(s) at most" in steps.why(0, 1)
    assert "One review moves down 1 level(s) at most" in steps.why(0, 3)
    assert "since the up of a higher level is met" in steps.why(0, 1)


def test_absence_is_told_and_the_level_is_found_again() -> None:
    found = tiers.replay(changed(PAIR, dwell=3), wide([[520, np.nan, 10, 10], [1, 1, 1, 1]], on_missing="report"))
    assert found.levels[0].tolist() == [1, -1, 1, 0]
    assert found.why(0, 1) == "No row in period 1, so no level."
    assert found.level(0, 1) is None
    assert found.level(0, 2) == "gold"
    assert found.provenance.counts["missing"] == 1
    assert found.changes()["before"].tolist() == ["gold"]


@settings(max_examples=25)
@given(policies(), panels())
def test_every_level_can_be_told(policy: tiers.TierPolicy, panel: tiers.Panel) -> None:
    found = tiers.replay(policy, panel)
    for customer in panel.customers.tolist():
        for period in panel.periods:
            level = found.level(customer, period)
            told = found.why(customer, period)
            assert told.startswith("No row" if level is None else f"{level}: ")
            assert told.endswith(".")


# --------------------------------------------------------------------------------------------- overrides


def override(**more: Any) -> tiers.Override:
    facts: dict[str, Any] = {"customer": 0, "level": "gold", "by": "branch 12", "why": "key employer"}
    return tiers.Override(**(facts | {"since": 1, "until": 2} | more))


def test_by_hand_an_override_wins_and_leaves_no_trace() -> None:
    scores = [[60, 60, 60, 60], [520, 480, 390, 60]]
    found = tiers.replay(PAIR, wide(scores), overrides=[override()])
    assert found.levels.tolist() == [[0, 1, 1, 0], [1, 1, 0, 0]]
    assert found.rule_levels.tolist() == [[0, 0, 0, 0], [1, 1, 0, 0]]
    told = found.why(0, 2)
    assert told.startswith(
        "gold: manual override in period 2, set to gold by branch 12 from 1 to 2: key employer."
    )
    assert "By the rules: basic: kept" in told
    assert found.why(0, 3).startswith("A manual override has ended in period 3. By the rules: basic: kept")
    assert found.changes()["reason"].tolist() == ["override", "override ended", "downgraded"]


@pytest.mark.parametrize(
    ("hold", "level", "levels", "reasons"),
    [
        (
            "at_least",
            "gold",
            [1, 2, 3, 2, 0],
            ["override at least", "upgraded", "override at least", "downgraded"],
        ),
        ("at_most", "silver", [1, 1, 1, 0, 0], ["kept", "override at most", "downgraded", "kept"]),
    ],
)
def test_by_hand_locks_and_caps(hold: Any, level: str, levels: list[int], reasons: list[str]) -> None:
    """By the rules: silver, silver, platinum, base, base; in force in periods 1 to 3."""
    scores = [[60, 60, 2500, 10, 10]]
    found = tiers.replay(LADDER, wide(scores), overrides=[override(level=level, hold=hold, since=1, until=3)])
    assert found.rule_levels[0].tolist() == [1, 1, 3, 0, 0]
    assert found.levels[0].tolist() == levels
    told = [found.reason_names[code] for code in found.reasons[0, 1:]]
    if hold == "at_least":
        assert told == [*reasons[:3], "override ended"]
        assert "held at least at gold by branch 12" in found.why(0, 1)
    else:
        assert told == reasons
        assert "capped at silver" in found.why(0, 2)


@settings(max_examples=40)
@given(policies(), panels(), st.data())
def test_outside_its_time_an_override_changes_nothing(
    policy: tiers.TierPolicy, panel: tiers.Panel, data: st.DataObject
) -> None:
    last = len(panel.periods) - 1
    since = data.draw(st.integers(0, last))
    until = data.draw(st.integers(since, last + 3))
    one = override(
        level=data.draw(st.sampled_from(policy.names)),
        hold=data.draw(st.sampled_from(["exactly", "at_least", "at_most"])),
        since=since,
        until=until,
    )
    with_, without = tiers.replay(policy, panel, overrides=[one]), tiers.replay(policy, panel)
    np.testing.assert_array_equal(with_.rule_levels, without.levels)
    span = np.zeros(with_.levels.shape, dtype=bool)
    span[0, since : until + 1] = True
    np.testing.assert_array_equal(with_.levels[~span], without.levels[~span])
    place, inside = policy.names.index(one.level), with_.levels[span]
    inside = inside[inside >= 0]
    compare = {"exactly": inside == place, "at_least": inside >= place, "at_most": inside <= place}
    assert compare[one.hold].all()


def test_overrides_from_a_frame(make_frame: Callable[..., Any]) -> None:
    rows = {"customer": [0], "level": ["gold"], "by": ["b"], "why": ["w"], "since": [1], "until": [1]}
    found = tiers.replay(PAIR, wide([[60, 60, 60]]), overrides=make_frame(rows))
    assert found.levels[0].tolist() == [0, 1, 0]
    dated = rows | {"since": [dt.datetime(2024, 2, 29)], "until": [dt.datetime(2024, 2, 1)]}  # noqa: DTZ001 - naive
    found = tiers.replay(PAIR, wide([[60, 60, 60]], periods=months(3)), overrides=make_frame(dated))
    assert found.levels[0].tolist() == [0, 1, 0]
    with pytest.raises(DataError, match=r"1 row\(s\) with an empty cell"):
        tiers.replay(PAIR, wide([[60, 60]]), overrides=make_frame(rows | {"why": [""]}))


def test_an_override_goes_through_json() -> None:
    for one in (override(), override(since=dt.date(2024, 1, 1), until=dt.date(2024, 6, 30))):
        assert tiers.Override.model_validate_json(one.model_dump_json()) == one


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (
            [override(level="diamond")],
            DomainError,
            r"name the level\(s\) \['diamond'\]; the policy has basic, gold",
        ),
        ([override(customer=77123)], DataError, r"1 row\(s\) whose customer is not in the panel"),
        ([override(customer="77123")], DataError, r"1 row\(s\) whose customer is not in the panel"),
        ([override(since=2, until=1)], DataError, r"1 row\(s\) that end before they begin"),
        (
            [override(), override(since=2, until=5)],
            DataError,
            r"1 pair\(s\) that set one customer's level at the same",
        ),
        (
            [override(hold="at_least"), override(hold="at_most", level="basic", since=2, until=2)],
            DataError,
            r"1 pair\(s\) that lock a customer above a cap",
        ),
        ([override(since=dt.date(2024, 1, 1))], DomainError, r"overrides.since must be a whole number"),
        (["gold"], DomainError, r"overrides is a str; allowed: Override"),
    ],
)
def test_overrides_that_cannot_be(rows: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        tiers.replay(PAIR, wide([[60, 60, 60], [60, 60, 60]]), overrides=rows)
    assert "77123" not in str(caught.value)


def test_an_override_does_not_show_its_customer() -> None:
    assert "77123" not in repr(override(customer=77123))
    with pytest.raises(ValueError, match="hold") as caught:
        override(customer=77123, hold="never")
    assert "77123" not in str(caught.value)


# -------------------------------------------------------------------------------------------- phase-out


def test_by_hand_phase_out_proposes_and_does_not_act() -> None:
    """Of five customers at the lowest level 40 %: two; the second place is shared by two, so only one goes."""
    policy = changed(PAIR, phase_out=tiers.PhaseOut(share=0.4), review=tiers.Review(every=2, offset=1))
    panel = wide([[9, 1], [9, 2], [9, 2], [9, 3], [9, 4], [600, 600]], customers=list("edcbaf"))
    found = tiers.replay(policy, panel)
    assert found.phase_out().to_dict("list") == {
        "customer": ["e"],
        "period": [1],
        "value": [1.0],
        "decision": ["by a person"],
    }
    assert found.levels[:, 1].tolist() == [0, 0, 0, 0, 0, 1]
    three = tiers.replay(changed(policy, phase_out=tiers.PhaseOut(share=0.6)), panel)
    assert sorted(three.phase_out()["customer"]) == ["c", "d", "e"]


def test_by_hand_phase_out_by_another_column_below_a_value_and_after_a_time() -> None:
    rule = tiers.PhaseOut(share=1.0, column="contribution", below=0, periods=1)
    policy = changed(PAIR, phase_out=rule)
    panel = tiers.Panel.from_wide(
        {"score": [[1, 1, 1], [1, 1, 1], [600, 1, 1]], "contribution": [[-5, -5, -5], [0, 0, 0], [-9, -9, -9]]},
        customers=[11, 12, 13],
    )
    found = tiers.replay(policy, panel)
    assert found.phase_out()[["customer", "period", "value"]].to_numpy().tolist() == [
        [11, 1, -5.0],
        [13, 2, -9.0],
        [11, 2, -5.0],
    ]
    freed = tiers.replay(policy, panel, overrides=[override(customer=11, level="basic", since=2, until=2)])
    assert freed.phase_out()["customer"].tolist() == [11, 13]
    assert tiers.replay(PAIR, panel).phase_out().empty


@settings(max_examples=60)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=12), st.sampled_from([0.1, 0.29, 0.3, 0.5, 0.7, 1.0]))
def test_proposals_agree_with_a_plain_rule(values: list[int], share: float) -> None:
    policy = changed(PAIR, phase_out=tiers.PhaseOut(share=share))
    found = tiers.replay(policy, wide([[value] for value in values]))
    most = int(share * 100 * len(values) + 0.5) // 100
    expected = lowest([(float(value), place) for place, value in enumerate(values)], most)
    assert sorted(found.proposals[:, 0].tolist()) == sorted(expected)


# ------------------------------------------------------------------------------------- tables, continuing


@pytest.mark.pyarrow
def test_frames_come_back_in_the_callers_library(make_frame: Callable[..., Any]) -> None:
    rows = {"key": ["b", "b", "a", "a"], "month": [1, 2, 1, 2], "aum": [520.0, 390.0, 60.0, 520.0]}
    policy = tiers.TierPolicy.ladder(["basic", "gold"], [500], down=[400], score="aum")
    table = make_frame(rows)
    found = tiers.replay(policy, table, customer="key", period="month")
    for frame in (found.to_frame(), found.changes(), found.final(), found.phase_out(), found.panel.to_frame()):
        assert type(frame) is type(table)
    as_lists = pd.DataFrame({name: list(found.changes()[name]) for name in ("key", "month", "before", "after")})
    assert [[str(cell) for cell in row] for row in as_lists.to_numpy().tolist()] == [
        ["a", "2", "basic", "gold"],
        ["b", "2", "gold", "basic"],
    ]


def test_counts_reasons_and_shown_tables() -> None:
    found = tiers.replay(PAIR, wide([[520, 390], [60, 60], [60, np.nan]], on_missing="report"))
    assert found.counts().to_numpy().tolist() == [[0, 2, 1], [1, 2, 0]]
    assert found.reason_counts().to_dict("list") == {
        "period": [0, 1],
        "absent": [0, 1],
        "entered": [3, 0],
        "kept": [0, 1],
        "downgraded": [0, 1],
    }
    assert found.final()["customer"].tolist() == [0, 1]
    assert len(found.to_frame()) == 5
    assert repr(found).startswith("Replay(rows=5, customers=3, periods=2, missing=1")
    assert "3 customers, 2 periods; 1 changes of 1 customers" in found._repr_html_()
    assert found.provenance.spec == PAIR.model_dump_json()


def test_results_cannot_be_written_to() -> None:
    found = tiers.replay(PAIR, wide([[520, 390]]))
    for array in (found.levels, found.rule_levels, found.reasons, found.proposals, found.customers):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0


def test_continuing_with_other_customers() -> None:
    begun = tiers.replay(changed(PAIR, dwell=3), wide([[520, 520], [60, 60]], customers=["a", "b"]))
    panel = wide([[10, 10], [600, 600]], customers=["a", "c"], periods=[2, 3], on_missing="report")
    found = tiers.replay(begun.policy, panel, after=begun)
    assert found.customers.tolist() == ["a", "b", "c"]
    assert found.levels.tolist() == [[1, 0], [-1, -1], [1, 1]]
    assert "below, dwell" in found.reason_names[found.reasons[0, 0]]
    with pytest.raises(DataError, match=r"1 customer\(s\) of after have no row in panel"):
        tiers.replay(begun.policy, wide([[10], [600]], customers=["a", "c"], periods=[2]), after=begun)


def test_what_cannot_be_continued() -> None:
    begun = tiers.replay(PAIR, wide([[520, 520]]))
    nxt = wide([[10]], periods=[2])
    with pytest.raises(DomainError, match="after is the replay of another policy"):
        tiers.replay(PAIR.plain, nxt, after=begun)
    with pytest.raises(DomainError, match="panel begins before after ends"):
        tiers.replay(PAIR, wide([[10]], periods=[1]), after=begun)
    with pytest.raises(DataError, match=r"'period' has 1 hole\(s\)"):
        tiers.replay(PAIR, wide([[10]], periods=[3]), after=begun)
    with pytest.raises(DomainError, match="differ in the type of keys or of periods"):
        tiers.replay(PAIR, wide([[10]], periods=[dt.date(2024, 1, 1)]), after=begun)
    with pytest.raises(DomainError, match="after is a Panel; allowed: Replay"):
        tiers.replay(PAIR, nxt, after=nxt)  # type: ignore[arg-type]  # refused


def test_what_a_replay_refuses() -> None:
    with pytest.raises(DomainError, match="policy is a str; allowed: TierPolicy"):
        tiers.replay("gold", wide([[1]]))  # type: ignore[arg-type]  # refused
    with pytest.raises(ColumnError, match=r"missing: 'score'. The frame has: 'aum'"):
        tiers.replay(PAIR, tiers.Panel.from_wide({"aum": [[1]]}))
    found = tiers.replay(PAIR, wide([[520, 390]], customers=["secret"]))
    with pytest.raises(DomainError, match="customer is not in the panel, whose keys are texts") as caught:
        found.why("hidden", 0)
    assert "hidden" not in str(caught.value)
    with pytest.raises(DomainError, match="period is not in the panel, which runs from 0 to 1"):
        found.why("secret", 7)
    with pytest.raises(DomainError, match="period must be a whole number"):
        found.level("secret", dt.date(2024, 1, 1))


# ---------------------------------------------------------------------------------- migration of a replay


def test_by_hand_migration_of_a_replay() -> None:
    """Pairs of periods (0, 1), (1, 2): gold to gold and basic; basic to gold and basic."""
    found = tiers.replay(PAIR, wide([[520, 480, 390], [60, 520, 520]]))
    first, second = found.migrations()
    assert first.counts.tolist() == [[0, 1], [0, 1]]
    assert second.counts.tolist() == [[0, 0], [1, 1]]
    assert found.migration().counts.tolist() == [[0, 1], [1, 2]]
    assert found.migration(step=2).counts.tolist() == [[0, 1], [1, 0]]
    rates = found.migration_rates()
    assert rates.exposure.tolist() == [1.0, 3.0]
    assert rates.generator.tolist() == [[-1.0, 1.0], [1 / 3, -1 / 3]]
    np.testing.assert_allclose(tiers.chained_migration([first, second]), first.matrix @ second.matrix)


def test_by_hand_migration_between_two_periods() -> None:
    """Gold from 500: of two customers one is up, down, up and the other down, down, up."""
    policy = tiers.TierPolicy.ladder(["basic", "gold"], [500])
    found = tiers.replay(policy, tiers.Panel.from_wide({"score": [[600, 0, 600], [0, 0, 600]]}, customers=[1, 2]))
    assert found.migration_between(0, 2).counts.tolist() == [[0.0, 1.0], [0.0, 1.0]]
    assert found.migration_between(0, 1).counts.tolist() == [[1.0, 0.0], [1.0, 0.0]]
    with pytest.raises(DomainError, match="last must be a later period than first"):
        found.migration_between(1, 1)
    with pytest.raises(DomainError):
        found.migration_between(0, 3)


def test_by_hand_migration_weighted_and_with_absence() -> None:
    panel = tiers.Panel.from_wide(
        {
            "score": np.array([[520, 390], [520, np.nan], [520, 520]]),
            "aum": np.array([[30, 1], [7, np.nan], [10, 99]]),
        },
        on_missing="report",
    )
    found = tiers.replay(PAIR, panel)
    assert found.migration(weights="aum").matrix[1].tolist() == [0.75, 0.25]
    gone = found.migration(absent="state")
    assert gone.states == ("basic", "gold", "absent")
    assert gone.counts[1].tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"step": 2}, "step must be a whole number from 1 to the number of periods less 1, 1"),
        ({"step": True}, "step must be a whole number"),
        ({"weights": "aum"}, "weights is 'aum'; the panel has score"),
        ({"absent": "gone"}, "absent must be 'exclude' or 'state'"),
        ({"confidence": 1.0}, "confidence must lie between 0 and 1"),
    ],
)
def test_migrations_that_cannot_be_counted(more: dict[str, Any], message: str) -> None:
    found = tiers.replay(PAIR, wide([[520, 390]]))
    for count in (found.migration, found.migrations):
        with pytest.raises(DomainError, match=message):
            count(**more)
    with pytest.raises(
        DomainError, match="periods must be a whole number from 1 to the number of periods less 1, 0"
    ):
        tiers.replay(PAIR, wide([[520]])).migration_rates()
