"""Why a customer is at a level, in plain sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from custvalue._tier_policies import reasons
from custvalue._tier_policies.conditions import bounds_of, columns_of, fact_text
from custvalue._tier_policies.levels import as_rule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from custvalue._tier_policies.conditions import AllOf, AnyOf, Condition
    from custvalue._tier_policies.overrides import Override
    from custvalue._tier_policies.panel import Period
    from custvalue._tier_policies.policy import TierPolicy


@dataclass(frozen=True, slots=True)
class Situation:
    """One customer in one period: the code, the levels around it, and what the rules remembered."""

    period: Period
    code: int
    level: int
    before: int | None
    strikes: int
    changed: Period | None
    values: Mapping[str, float]


def rule_sentence(policy: TierPolicy, now: Situation) -> str:
    """Say what the rules did and why."""
    if now.code == reasons.ABSENT:
        return f"No row in period {now.period}, so no level."
    name = policy.names[now.level]
    if now.code in reasons.MOVES:
        return _moved(policy, now, name)
    since = "" if now.changed is None else f" At this level since period {now.changed}."
    if now.code == reasons.KEPT:
        kept = f"{_kept_rule(policy, now.level)} holds" if now.level else "it is the lowest level"
        told = f"since {kept} and no higher level is met{_facts(policy, now)}"
        return f"{name}: kept in period {now.period}, {told}.{since}"
    if now.code in (reasons.WAITS_REVIEW, reasons.WAITS_DWELL):
        wait = (
            f"upgrades are reviewed {policy.review_up}"
            if now.code == reasons.WAITS_REVIEW
            else f"{_units(policy, policy.dwell_up)} must have passed since the last change before an upgrade"
        )
        return (
            f"{name}: kept in period {now.period}. A higher level is met{_facts(policy, now)}, but {wait}.{since}"
        )
    wait = {
        reasons.BELOW_NO_REVIEW: f"downgrades are reviewed {policy.review}",
        reasons.BELOW_LOCKED: (
            f"it is locked for {_units(policy, policy.levels[now.level].lock)} from when it was reached"
        ),
        reasons.BELOW_DWELL: (
            f"{_units(policy, policy.dwell)} must have passed since the last change before a downgrade"
        ),
        reasons.BELOW_FORGIVEN: (
            f"{policy.grace} {policy.grace_counts}(s) in a row below are forgiven and this is number {now.strikes}"
        ),
    }[now.code]
    missed = f"{_kept_rule(policy, now.level)} does not hold{_facts(policy, now)}"
    return f"{name}: kept in period {now.period} although {missed}, because {wait}.{since}"


def _moved(policy: TierPolicy, now: Situation, name: str) -> str:
    facts = _facts(policy, now)
    met = f"since {_up_rule(policy, now.level)} holds{facts}" if now.level else f"the lowest level{facts}"
    if now.code == reasons.ENTERED:
        return f"{name}: entered in period {now.period}, {met}."
    before = "" if now.before is None else f" from {policy.names[now.before]}"
    if now.code in (reasons.UPGRADED, reasons.UPGRADED_LIMITED):
        limit = (
            f" A still higher level is met, but one review moves up {policy.max_steps_up} level(s) at most."
            if now.code == reasons.UPGRADED_LIMITED
            else ""
        )
        why = f"since the up of {'this level' if not limit else 'a higher level'} is met{facts}"
        return f"{name}: upgraded in period {now.period}{before}, {why}.{limit}"
    lost = "" if now.before is None else f", since {_kept_rule(policy, now.before)} does not hold{facts}"
    limit = (
        f" One review moves down {policy.max_steps_down} level(s) at most."
        if now.code == reasons.DOWNGRADED_LIMITED
        else ""
    )
    return f"{name}: downgraded in period {now.period}{before}{lost}.{limit}"


def override_sentence(policy: TierPolicy, now: Situation, held: Sequence[Override]) -> str:
    """Say who decided, why and until when."""
    how = {"exactly": "set to", "at_least": "held at least at", "at_most": "capped at"}
    told = " ".join(
        f"{how[one.hold]} {one.level} by {one.by} from {one.since} to {one.until}: {one.why}." for one in held
    )
    return f"{policy.names[now.level]}: manual override in period {now.period}, {told}"


def _threshold(policy: TierPolicy, level: int, *, up: bool) -> Condition | AnyOf | AllOf:
    one = policy.levels[level]
    chosen = one.up if up or one.down is None else one.down
    return as_rule(0.0 if chosen is None else chosen, policy.score)


def _up_rule(policy: TierPolicy, level: int) -> str:
    return f"'{_threshold(policy, level, up=True)}'"


def _kept_rule(policy: TierPolicy, level: int) -> str:
    return f"'{_threshold(policy, level, up=False)}'"


def _facts(policy: TierPolicy, now: Situation) -> str:
    """Tell the customer's values in the columns that matter here."""
    levels = [level for level in (now.level, now.before) if level]
    near = [_threshold(policy, level, up=up) for level in levels for up in (True, False)]
    chosen = dict.fromkeys(name for rule in near for name in columns_of(rule)) or dict.fromkeys(now.values)
    rules = [_threshold(policy, level, up=up) for level in range(1, len(policy.levels)) for up in (True, False)]
    told = ", ".join(
        f"{name} {fact_text(now.values[name], [bound for rule in rules for bound in bounds_of(rule, name)])}"
        for name in chosen
    )
    return f" ({told})" if told else ""


def _units(policy: TierPolicy, number: int) -> str:
    return f"{number} {policy.unit}(s)"
