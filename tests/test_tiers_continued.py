"""Replays in parts: what one tells of the step from the other, how overrides end, and months that never come."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue import tiers
from custvalue.exceptions import DomainError

LADDER = tiers.TierPolicy.ladder(["basic", "silver", "gold"], [100, 500])


def wide(scores: Any, **more: Any) -> tiers.Panel:
    return tiers.Panel.from_wide({"score": scores}, **more)


def override(**more: Any) -> tiers.Override:
    facts: dict[str, Any] = {"customer": 0, "level": "gold", "by": "branch 12", "why": "key employer"}
    return tiers.Override(**(facts | {"since": 0, "until": 1} | more))


def test_by_hand_the_step_between_two_replays_is_a_change() -> None:
    first = tiers.replay(LADDER, wide([[600, 600]], customers=["a"], periods=[0, 1]))
    second = tiers.replay(LADDER, wide([[50, 50]], customers=["a"], periods=[2, 3]), after=first)
    assert second.changes().to_dict("list") == {
        "customer": ["a"],
        "period": [2],
        "before": ["gold"],
        "after": ["basic"],
        "reason": ["downgraded"],
    }
    assert second.n_changes.tolist() == [1]
    assert second.migration().counts.tolist() == [[1, 0, 0], [0, 0, 0], [1, 0, 0]]
    assert [one.counts[2, 0] for one in second.migrations(step=2)] == [1.0]
    assert second.migration(weights="score").counts.tolist() == [[50, 0, 0], [0, 0, 0], [600, 0, 0]]
    single = tiers.replay(LADDER, wide([[50]], customers=["a"], periods=[2]), after=first)
    assert single.migration_rates().counts[2, 0] == 1.0
    with pytest.raises(DomainError, match="step must be a whole number from 1 to the number of periods less 1, 1"):
        single.migration(step=2)


def test_weights_of_the_step_must_be_known_on_both_sides() -> None:
    first = tiers.replay(LADDER, wide([[600]], periods=[0]))
    later = tiers.Panel.from_wide({"score": [[50]], "aum": [[5]]}, periods=[1])
    second = tiers.replay(LADDER, later, after=first)
    with pytest.raises(DomainError, match="weights is 'aum', which the panel of the earlier replay lacks"):
        second.migration(weights="aum")


HOLDS = st.sampled_from(["exactly", "at_least", "at_most"])


@st.composite
def overridden(draw: st.DrawFn, customers: int, periods: int) -> list[tiers.Override]:
    found = []
    for customer in range(customers):
        if draw(st.booleans()):
            since = draw(st.integers(0, periods - 1))
            until = draw(st.integers(since, periods + 1))
            level = draw(st.sampled_from(LADDER.names))
            found.append(override(customer=customer, level=level, since=since, until=until, hold=draw(HOLDS)))
    return found


@settings(max_examples=60)
@given(st.integers(1, 4), st.integers(2, 8), st.integers(0, 2**32 - 1), st.data())
def test_parts_tell_together_what_one_replay_tells(customers: int, periods: int, seed: int, data: Any) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.choice([50.0, 150.0, 600.0], (customers, periods))
    scores[rng.random(scores.shape) < 0.2] = np.nan
    scores[0] = np.nan_to_num(scores[0], nan=50.0)  # somebody has a row in every period
    policy = LADDER.model_copy(update={"dwell": data.draw(st.integers(0, 2))})
    given_ = data.draw(overridden(customers, periods))
    whole = tiers.replay(policy, wide(scores, on_missing="report"), overrides=given_)
    cuts = sorted(data.draw(st.sets(st.integers(1, periods - 1), max_size=2)))
    parts: list[tiers.Replay] = []
    for start, stop in zip([0, *cuts], [*cuts, periods], strict=True):
        panel = wide(scores[:, start:stop], periods=range(start, stop), on_missing="report")
        parts.append(tiers.replay(policy, panel, overrides=given_, after=parts[-1] if parts else None))
    np.testing.assert_array_equal(np.hstack([part.levels for part in parts]), whole.levels)
    np.testing.assert_array_equal(np.hstack([part.reasons for part in parts]), whole.reasons)
    np.testing.assert_array_equal(sum(part.n_changes for part in parts), whole.n_changes)
    np.testing.assert_array_equal(sum(part.n_reversals for part in parts), whole.n_reversals)
    told = pd.concat([part.changes() for part in parts]).sort_values(["customer", "period"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(told, whole.changes(), check_dtype=False)
    for more in ({"absent": "state"}, {"absent": "state", "weights": "score"}):
        counts = [
            part.migration(**more).counts  # type: ignore[arg-type]  # the two keywords
            for place, part in enumerate(parts)
            if place or len(part.periods) > 1
        ]
        np.testing.assert_allclose(sum(counts), whole.migration(**more).counts)  # type: ignore[arg-type]  # as above


def test_a_comparison_can_be_continued() -> None:
    kind = tiers.TierPolicy.ladder(["basic", "silver", "gold"], [100, 500], down=0.5)
    scores = [[600, 300, 300, 240], [60, 110, 60, 40]]
    whole = tiers.what_if(LADDER, kind, wide(scores), costs={"gold": 3})
    first = tiers.what_if(LADDER, kind, wide([row[:2] for row in scores]), costs={"gold": 3})
    rest = wide([row[2:] for row in scores], periods=[2, 3])
    second = tiers.what_if(LADDER, kind, rest, costs={"gold": 3}, after=first)
    np.testing.assert_array_equal(second.second.levels, whole.second.levels[:, 2:])
    both = first.summary() + second.summary()  # but for the last row: a customer may change in both parts
    np.testing.assert_array_equal(both[:-1], whole.summary()[:-1])
    with pytest.raises(DomainError, match="after is a Replay; allowed: PolicyComparison"):
        tiers.what_if(LADDER, kind, rest, after=first.first)  # type: ignore[arg-type]  # refused
    with pytest.raises(DomainError, match="after is the replay of another policy"):
        tiers.what_if(kind, LADDER, rest, after=first)


# ------------------------------------------------------------------------------------- overrides that end


def test_by_hand_an_override_ends_while_the_rules_move() -> None:
    """Gold by hand, basic by the rules; when it ends the rules go up to silver, and the level falls."""
    found = tiers.replay(LADDER, wide([[50, 50, 150, 150]]), overrides=[override()])
    assert found.levels[0].tolist() == [2, 2, 1, 1]
    assert found.changes()[["before", "after", "reason"]].to_numpy().tolist() == [
        ["gold", "silver", "override ended"]
    ]
    told = found.why(0, 2)
    assert told.startswith("A manual override has ended in period 2. By the rules: silver: upgraded in period 2")


def test_by_hand_an_override_that_goes_on_has_not_ended() -> None:
    """Held at least at silver throughout; the rules go up to gold, which is their own move."""
    held = override(level="silver", hold="at_least", since=0, until=3)
    found = tiers.replay(LADDER, wide([[50, 600, 50, 50]]), overrides=[held])
    assert found.changes()["reason"].tolist() == ["upgraded", "override at least"]


def test_by_hand_an_override_ends_between_two_replays() -> None:
    first = tiers.replay(LADDER, wide([[50, 50]]), overrides=[override()])
    second = tiers.replay(LADDER, wide([[150, 150]], periods=[2, 3]), after=first)
    assert second.changes()[["period", "reason"]].to_numpy().tolist() == [[2, "override ended"]]


# ------------------------------------------------------------------------------------------- who comes in


def test_by_hand_newcomers_weigh_what_they_have_at_the_end() -> None:
    """One customer comes in with 600 at gold and one stays at basic with 50; one leaves with 300 from silver."""
    found = tiers.replay(LADDER, wide([[np.nan, 600], [50, 70], [300, np.nan]], on_missing="report")).migration(
        weights="score", absent="state"
    )
    assert found.states == ("basic", "silver", "gold", "absent")
    assert found.counts.tolist() == [[50, 0, 0, 0], [0, 0, 0, 300], [0, 0, 0, 0], [0, 0, 600, 0]]


# ---------------------------------------------------------------------------------------------- calendars


def quarters(count: int, first: str = "2024-03-31") -> list[dt.date]:
    return [day.date() for day in pd.date_range(first, periods=count, freq="QE")]


@pytest.mark.parametrize("name", ["review", "review_up", "phase_out"])
def test_a_review_month_that_never_comes_is_refused(name: str) -> None:
    never = tiers.Review(months=[1, 3])
    rule: Any = tiers.PhaseOut(share=0.5, review=never) if name == "phase_out" else never
    policy = LADDER.model_copy(update={name: rule})
    with pytest.raises(DomainError, match=r"reviews in month\(s\) 1, .* in months 3, 6, 9, 12 only"):
        tiers.replay(policy, wide([[1, 2]], periods=quarters(2)))
    tiers.replay(policy, wide([[1, 2]], periods=[dt.date(2024, 5, 1), dt.date(2024, 6, 1)]))
    begun = tiers.replay(policy, wide([[1]], periods=quarters(1)))
    with pytest.raises(DomainError, match=r"reviews in month\(s\) 1"):
        tiers.replay(policy, wide([[1]], periods=quarters(1, "2024-06-30")), after=begun)


def test_by_hand_a_single_date_is_read_as_one_of_every_month() -> None:
    """June 2024 is month 24293, which every=4 leaves 1; as a quarter it is number 8097, which leaves 1 too.

    March 2024 is month 24290, which leaves 2; as a quarter it is number 8096, which leaves 0.
    """
    rule = tiers.PhaseOut(share=1.0, review=tiers.Review(every=4))
    policy = LADDER.model_copy(update={"phase_out": rule})
    whole = tiers.replay(policy, wide([[1, 1]], periods=quarters(2)))
    assert whole.phase_out()["period"].dt.month.tolist() == [3]
    assert tiers.replay(policy, wide([[1]], periods=quarters(1))).phase_out().empty
    assert "a single date says nothing of the months" in " ".join((tiers.replay.__doc__ or "").split())
