"""The rules of a tier policy once more: a plain loop for one customer, written from the documented rules alone."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from custvalue.tiers import AllOf, AnyOf, Condition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from custvalue.tiers import Level, Review, TierPolicy

Row = "Mapping[str, float] | None"


def holds(rule: Any, row: Mapping[str, float], score: str) -> bool:
    if isinstance(rule, float):
        return row[score] >= rule
    if isinstance(rule, Condition):
        value = row[rule.column]
        if rule.equals is not None:
            return value == float(rule.equals)
        return (rule.at_least is None or value >= rule.at_least) and (
            rule.at_most is None or value <= rule.at_most
        )
    if isinstance(rule, AnyOf):
        return any(holds(one, row, score) for one in rule.rules)
    if isinstance(rule, AllOf):
        return all(holds(one, row, score) for one in rule.rules)
    raise TypeError(type(rule))


def keeps(level: Level, row: Mapping[str, float], score: str) -> bool:
    return holds(level.up if level.down is None else level.down, row, score)


def reviewed(review: Review, number: int) -> bool:
    return number % review.every == review.offset


def follow(  # noqa: C901, PLR0912 - one loop, in the order in which the rules are told
    policy: TierPolicy, rows: Sequence[Mapping[str, float] | None], first: int = 0
) -> tuple[list[int], list[str]]:
    """Give levels (-1 where there is no row) and reasons of one customer, periods numbered from ``first``."""
    levels: list[int] = []
    reasons: list[str] = []
    level: int | None = None
    changed = locked_from = strikes = 0
    promoted = False
    for number, row in enumerate(rows, start=first):
        if row is None:
            levels.append(-1)
            reasons.append("absent")
            continue
        met = [k for k, one in enumerate(policy.levels) if k and holds(one.up, row, policy.score)]
        best = max(met, default=0)
        if level is None:
            level, changed, locked_from, promoted, strikes, why = best, number, number, True, 0, "entered"
        else:
            below = level > 0 and best < level and not keeps(policy.levels[level], row, policy.score)
            review = reviewed(policy.review, number)
            if review or policy.grace_counts == "period":
                strikes = strikes + 1 if below else 0
            why = "kept"
            if best > level:
                if not reviewed(policy.review_up, number):
                    why = "waits for upgrade review"
                elif number - changed < policy.dwell_up:
                    why = "waits for dwell before upgrade"
                else:
                    target = best if policy.max_steps_up is None else min(best, level + policy.max_steps_up)
                    why = "upgraded" if target == best else "upgraded by the most steps"
                    level, changed, locked_from, promoted, strikes = target, number, number, True, 0
            elif below:
                if not review:
                    why = "below, not reviewed"
                elif promoted and number - locked_from < policy.levels[level].lock:
                    why = "below, locked"
                elif number - changed < policy.dwell:
                    why = "below, dwell not over"
                elif strikes <= policy.grace:
                    why = "below, forgiven"
                else:
                    target = level - 1
                    while target > best and not keeps(policy.levels[target], row, policy.score):
                        target -= 1
                    why = "downgraded"
                    if policy.max_steps_down is not None and level - policy.max_steps_down > target:
                        target, why = level - policy.max_steps_down, "downgraded by the most steps"
                    level, changed, promoted, strikes = target, number, False, 0
        levels.append(level)
        reasons.append(why)
    return levels, reasons


def lowest(rows: Sequence[tuple[float, Any]], most: int) -> list[Any]:
    """Give at most so many of the lowest, equal ones all or none, the lowest first."""
    ordered = sorted(rows, key=operator.itemgetter(0))
    return [who for value, who in ordered if sum(other <= value for other, _ in rows) <= most]
