"""Policies and rules: what is refused at construction, JSON, presets, and grading without history."""

from __future__ import annotations

import itertools
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from custvalue import tiers
from custvalue._tier_policies.conditions import boxes_of, implies, met
from custvalue.exceptions import ColumnError, DataError, DomainError
from tiers_oracle import holds

if TYPE_CHECKING:
    from collections.abc import Callable

BASIC = tiers.Level(name="basic")


def at(column: str, low: float | None = None, high: float | None = None) -> tiers.Condition:
    return tiers.Condition(column=column, at_least=low, at_most=high)


def two(**level: Any) -> tiers.TierPolicy:
    return tiers.TierPolicy(levels=[BASIC, tiers.Level(name="gold", **level)])


# ------------------------------------------------------------------------------------------------ rules

CONDITIONS = st.builds(
    lambda column, low, width: at(column, float(low), float(low + width)),
    st.sampled_from("ab"),
    st.integers(0, 4),
    st.integers(0, 3),
) | st.builds(
    lambda column, value: tiers.Condition(column=column, equals=value), st.sampled_from("ab"), st.booleans()
)


def possible(rules: list[Any]) -> Any:
    """Join with "all" where the rules allow it, else with "any"."""
    try:
        return tiers.AllOf(rules=rules)
    except ValidationError:
        return tiers.AnyOf(rules=rules)


RULES = st.recursive(
    CONDITIONS,
    lambda inner: st.lists(inner, min_size=1, max_size=3).flatmap(
        lambda rules: st.sampled_from([tiers.AnyOf(rules=rules), possible(rules)])
    ),
    max_leaves=6,
)
GRID = {
    name: np.array([pair[k] for pair in itertools.product(range(8), repeat=2)], float)
    for k, name in enumerate("ab")
}


@settings(max_examples=80)
@given(RULES)
def test_rules_agree_with_a_plain_reading_and_with_their_boxes(rule: Any) -> None:
    found = met(rule, GRID)
    rows = [{"a": a, "b": b} for a, b in zip(GRID["a"], GRID["b"], strict=True)]
    assert found.tolist() == [holds(rule, row, "score") for row in rows]
    boxes = boxes_of(rule)
    assert boxes is not None
    inside = [any(all(low <= row[c] <= high for c, (low, high) in box.items()) for box in boxes) for row in rows]
    assert found.tolist() == inside
    assert type(rule).model_validate_json(rule.model_dump_json()) == rule


@settings(max_examples=80)
@given(RULES, RULES)
def test_an_implication_is_never_claimed_wrongly(narrow: Any, wide: Any) -> None:
    if implies(narrow, wide):
        assert not (met(narrow, GRID) & ~met(wide, GRID)).any()
    assert implies(narrow, tiers.AnyOf(rules=[wide, narrow]))


def test_rules_in_words() -> None:
    owner = tiers.Condition(column="owner", equals=True)
    rule = tiers.all_of(tiers.any_of(at("aum", 500_000), owner), tiers.Condition(column="blocked", equals=False))
    assert str(rule) == "(aum is at least 500000 or owner is set) and blocked is not set"
    assert str(at("aum", 0.5, 12.25)) == "aum is at least 0.5 and at most 12.25"
    assert str(at("aum", None, -0.0)) == "aum is at most 0"
    assert str(tiers.Condition(column="grade", equals=3.0)) == "grade equals 3"
    assert str(at("aum", 1e15)) == "aum is at least 1e+15"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "give at_least, at_most or both, or equals alone"),
        ({"at_least": 1, "equals": True}, "or equals alone"),
        ({"at_least": 2, "at_most": 1}, "at_least 2 is above at_most 1"),
        ({"at_least": math.nan}, "finite number"),
        ({"equals": "yes"}, "equals"),
        ({"at_least": 1, "above": 2}, "Extra inputs are not permitted"),
    ],
)
def test_conditions_that_cannot_be(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        tiers.Condition(column="aum", **fields)


def test_rules_that_nobody_meets_are_refused() -> None:
    with pytest.raises(ValidationError, match="contradict each other and nobody can meet them"):
        tiers.all_of(at("aum", 5), at("aum", None, 4))
    yes, no = (tiers.Condition(column="flag", equals=value) for value in (True, False))
    with pytest.raises(ValidationError, match="contradict each other"):
        tiers.all_of(tiers.any_of(yes, at("aum", 5)), no, at("aum", None, 4))
    assert tiers.all_of(tiers.any_of(yes, at("aum", 5)), no)


def test_rules_are_bounded() -> None:
    rule: Any = at("aum", 1)
    for _ in range(5):
        rule = tiers.any_of(rule)
    with pytest.raises(ValidationError, match="nested 6 deep with 1 conditions; allowed: 5 deep with 200"):
        tiers.any_of(rule)
    many = tiers.any_of(*(at(f"c{k}", 1) for k in range(101)))
    with pytest.raises(ValidationError, match="nested 2 deep with 202 conditions"):
        tiers.any_of(many, many)
    with pytest.raises(ValidationError, match="at least 1 item"):
        tiers.any_of()
    text = '{"rule":"any_of","rules":[' * 5000 + '{"rule":"condition","column":"a","at_least":1}' + "]}" * 5000
    with pytest.raises(ValidationError):
        tiers.AnyOf.model_validate_json(text)


def test_a_rule_of_too_many_boxes_is_not_compared() -> None:
    wide = tiers.all_of(*(tiers.any_of(*(at(f"c{k}{j}", 1) for j in range(4))) for k in range(6)))
    assert boxes_of(wide) is None
    assert boxes_of(tiers.any_of(wide, at("a", 1))) is None
    assert implies(wide, at("a", 1)) is None
    assert two(up=wide, down=at("c00", 1)).columns[0] == "c00"


# --------------------------------------------------------------------------------------------- policies


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ([BASIC], "at least 2 items"),
        ([BASIC, tiers.Level(name="basic", up=1)], r"level name\(s\) \['basic'\] stand more than once"),
        ([tiers.Level(name="a", up=1), tiers.Level(name="b", up=2)], "lowest level 'a' takes everybody else"),
        ([tiers.Level(name="a", lock=1), tiers.Level(name="b", up=2)], "lowest level 'a' takes everybody else"),
        ([BASIC, tiers.Level(name="period", up=1)], r"level name\(s\) \['period'\] are columns or states"),
        ([BASIC, tiers.Level(name="gold")], "level 'gold' has no up"),
        ([BASIC, tiers.Level(name="gold", up=1, down=2)], r"down of level 'gold' \(2\) is above its up \(1\)"),
        (
            [BASIC, tiers.Level(name="a", up=5), tiers.Level(name="b", up=5)],
            r"up of level 'b' \(5\) is not above that of 'a' \(5\), so one of them could never be reached",
        ),
        (
            [BASIC, tiers.Level(name="a", up=5, down=4), tiers.Level(name="b", up=6, down=3)],
            r"down of level 'b' \(3\) is below that of 'a' \(4\)",
        ),
        (
            [BASIC, tiers.Level(name="a", up=at("x", 5), down=at("x", 6))],
            "down of level 'a' must hold for everybody who meets its up: x is at least 5; down: x is at least 6",
        ),
        (
            [BASIC, tiers.Level(name="a", up=5, down=at("x", 6))],
            "down of level 'a' must hold for everybody who meets its up: score is at least 5",
        ),
        (
            [BASIC, tiers.Level(name="a", up=at("x", 9)), tiers.Level(name="b", up=at("x", 8))],
            r"level 'a' cannot be reached: whoever meets its up \(x is at least 9\) meets that of a higher",
        ),
        (
            [
                BASIC,
                tiers.Level(name="a", up=tiers.any_of(at("x", 9), at("y", 9))),
                tiers.Level(name="b", up=at("x", 8)),
                tiers.Level(name="c", up=at("y", 7)),
            ],
            "level 'a' cannot be reached",
        ),
    ],
)
def test_policies_that_cannot_be(levels: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        tiers.TierPolicy(levels=levels)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dwell": -1}, "greater than or equal to 0"),
        ({"dwell": 1.5}, "valid integer"),
        ({"max_steps_down": 0}, "greater than or equal to 1"),
        ({"unit": "year"}, "'period' or 'month'"),
        ({"grace_counts": "month"}, "'review' or 'period'"),
        ({"phase_out": {"share": 0}}, "greater than 0"),
        ({"phase_out": {"share": 1.1}}, "less than or equal to 1"),
        ({"review": {"every": 3, "offset": 3}}, "offset 3 must be below every 3"),
        ({"review": {"every": 3, "months": [1]}}, "give months or every, not both"),
        ({"review": {"months": [1, 1]}}, "months names a month twice"),
        ({"review": {"months": [13]}}, "less than or equal to 12"),
        ({"review": {"months": []}}, "at least 1 item"),
    ],
)
def test_settings_that_cannot_be(fields: dict[str, Any], message: str) -> None:
    levels = [{"name": "basic"}, {"name": "gold", "up": 5}]
    with pytest.raises(ValidationError, match=message):
        tiers.TierPolicy.model_validate({"levels": levels} | fields)


def test_a_policy_goes_through_json_and_keeps_its_digest() -> None:
    policy = tiers.TierPolicy(
        levels=[
            BASIC,
            tiers.Level(name="gold", up=500, down=400, cost=3, lock=2, action="call"),
            tiers.Level(name="vip", up=tiers.all_of(at("aum", 9), at("score", 600)), down=at("aum", 8)),
        ],
        dwell=6,
        unit="month",
        review=tiers.Review(months=[6, 12]),
        grace=1,
        phase_out=tiers.PhaseOut(share=0.05, column="contribution", below=0),
    )
    again = tiers.TierPolicy.model_validate_json(policy.model_dump_json())
    assert again == policy
    assert (again.digest, hash(again)) == (policy.digest, hash(policy))
    assert policy.columns == ("score", "aum", "contribution")
    assert policy.costs == {"basic": 0.0, "gold": 3.0, "vip": 0.0}
    assert json.loads(policy.model_dump_json())["spec_version"] == 1
    schema = tiers.TierPolicy.model_json_schema()
    assert schema["properties"]["dwell"]["description"] == "Units since the last change before a downgrade."
    with pytest.raises(ValidationError, match="frozen"):
        policy.dwell = 3  # type: ignore[misc]  # frozen


def test_plain_thresholds_of_a_policy() -> None:
    policy = tiers.TierPolicy.ladder(["a", "b"], [5], down=[3]).model_copy(update={"dwell": 4, "grace": 2})
    assert policy.plain == tiers.TierPolicy.ladder(["a", "b"], [5]).model_copy(
        update={"levels": [tiers.Level(name="a"), tiers.Level(name="b", up=5)]}
    )


def test_a_policy_shows_itself() -> None:
    policy = tiers.TierPolicy.ladder(["a", "b"], [5], down=[3]).model_copy(
        update={"review": tiers.Review(every=6, offset=1)}
    )
    assert repr(policy) == "TierPolicy(levels=2, dwell=0, review='every 6 periods, offset 1', grace=0)"
    shown = policy._repr_html_()
    assert shown.index("<td>b</td><td>5</td><td>3</td>") < shown.index("<td>a</td><td></td>")


@pytest.mark.parametrize(
    ("names", "up", "down", "message"),
    [
        (["a", "b"], [1, 2], 1.0, "up has 2 thresholds for 2 names"),
        (["a", "b"], [1], 0.0, r"down is a single number outside \(0, 1\]"),
        (["a", "b"], [1], 1.5, r"down is a single number outside \(0, 1\]"),
        (["a", "b"], [0], 0.8, "down is a share and a threshold is not positive"),
        (["a", "b"], [1], [1, 2], "down has 2 thresholds and up 1"),
    ],
)
def test_ladders_that_cannot_be(names: Any, up: Any, down: Any, message: str) -> None:
    with pytest.raises(DomainError, match=message):
        tiers.TierPolicy.ladder(names, up, down=down)


def test_a_ladder_may_stand_on_negative_thresholds() -> None:
    policy = tiers.TierPolicy.ladder(["loss", "poor", "good"], [-100, np.float64(0)], down=[-150, -10])
    assert [level.down for level in policy.levels] == [None, -150.0, -10.0]
    assert tiers.TierPolicy.ladder(["loss", "poor"], [-100]).levels[1].down == -100.0


def test_the_presets_of_the_source() -> None:
    stars = tiers.TierPolicy.five_stars([1, 2, 3, 4], down=0.5)
    assert stars.names == ("one star", "two stars", "three stars", "four stars", "five stars")
    assert (stars.score, stars.levels[4].down) == ("contribution", 2.0)
    cards = tiers.TierPolicy.card_levels([1, 2, 3, 4])
    assert (cards.names[1:], cards.score) == (("silver", "gold", "platinum", "diamond"), "daily_average_deposit")
    order = ["potential", "growth", "gold", "platinum", "core"]
    assert tiers.TierPolicy.value_management(order, [1, 2, 3, 4]).names == tuple(order)
    with pytest.raises(DomainError, match="order must name each of core, growth, platinum, gold, potential once"):
        tiers.TierPolicy.value_management(["core"], [])
    assert tiers.TierPolicy.corporate(["small", "large"], [1e6]).score == "deposit"


# ----------------------------------------------------------------------------------------------- grading


def test_grading_is_the_first_period_of_a_replay() -> None:
    rng = np.random.default_rng(0)
    policy = tiers.TierPolicy(
        levels=[
            BASIC,
            tiers.Level(name="gold", up=3),
            tiers.Level(name="vip", up=tiers.any_of(at("aum", 8), at("score", 8))),
        ]
    )
    table = pd.DataFrame(
        {"customer": range(50), "period": 0, "score": rng.integers(0, 10, 50), "aum": rng.integers(0, 10, 50)}
    )
    graded = tiers.grade(policy, table)
    np.testing.assert_array_equal(graded.codes, tiers.replay(policy, table).levels[:, 0])
    assert sum(graded.counts.values()) == 50
    assert "the highest level first" in graded._repr_html_()
    assert repr(graded) == "Grades(customers=50)"


@pytest.mark.pyarrow
def test_grades_keep_columns_order_and_library(make_frame: Callable[..., Any]) -> None:
    table = make_frame({"key": ["b", "a"], "score": [700, 5]})
    found = tiers.grade(two(up=500), table, keep=["key"]).to_frame()
    assert type(found) is type(table)
    assert [str(value) for value in found["key"]] == ["b", "a"]
    assert [str(value) for value in found["level"]] == ["gold", "basic"]


@pytest.mark.parametrize(
    ("table", "keep", "error", "message"),
    [
        (pd.DataFrame({"aum": [1]}), (), ColumnError, "missing: 'score'"),
        (pd.DataFrame({"score": [np.nan]}), (), DataError, "table holds missing values"),
        (pd.DataFrame({"score": []}), (), DomainError, "table has no row"),
        ([[1.0]], (), DomainError, "table is a list; allowed: a pandas, Polars or PyArrow frame"),
        (pd.DataFrame({"score": [1]}), ["key"], ColumnError, "missing: 'key'"),
        (pd.DataFrame({"score": [1], "level": [2]}), ["level"], ColumnError, r"keep names \['level'\]"),
        (pd.DataFrame({"score": ["x"]}), (), ColumnError, "'score' is of type String"),
    ],
)
def test_tables_that_cannot_be_graded(table: Any, keep: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        tiers.grade(two(up=500), table, keep=keep)
