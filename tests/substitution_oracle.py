"""A second route to product substitution: plain Python over lists of spells, slow and literal."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import TypeAlias

#: customer, product, opened, closed (None: still open).
Spell: TypeAlias = tuple[int, str, int, int | None]
NEVER = math.inf


def held_at(spells: list[Spell], customer: int, product: str, as_of: int) -> bool:
    """Tell whether a product is held at the very start of a moment."""
    return any(
        who == customer and what == product and opened < as_of and (closed is None or closed >= as_of)
        for who, what, opened, closed in spells
    )


def first_opening(spells: list[Spell], customer: int, product: str, as_of: int) -> float:
    moments = [s[2] for s in spells if s[0] == customer and s[1] == product and s[2] < as_of]
    return min(moments, default=NEVER)


def last_closing(spells: list[Spell], customer: int, product: str, as_of: int) -> float:
    if held_at(spells, customer, product, as_of):
        return NEVER
    return max(s[3] for s in spells if s[0] == customer and s[1] == product and s[2] < as_of and s[3] is not None)


def composite(spells: list[Spell], old: str, new: str, as_of: int) -> tuple[int, int, int, int, int]:
    """Count A1, those of them without the old product, holders of the new, holders and closers of the old."""
    everyone = sorted({s[0] for s in spells})
    buyers = [c for c in everyone if held_at(spells, c, new, as_of)]
    had = [c for c in everyone if first_opening(spells, c, old, as_of) < NEVER]
    closers = [c for c in had if not held_at(spells, c, old, as_of)]
    both = [c for c in buyers if first_opening(spells, c, old, as_of) < first_opening(spells, c, new, as_of)]
    return len(both), len([c for c in both if c in closers]), len(buyers), len(had), len(closers)


def events(
    spells: list[Spell], old: str, new: str, as_of: int, since: int | None
) -> dict[int, tuple[float, float, float, bool]]:
    """Give entry, closing, opening and whether the new product is held, by holder under observation."""
    found = {}
    for customer in sorted({s[0] for s in spells if s[1] == old and s[2] < as_of}):
        own = [s for s in spells if s[0] == customer and s[1] == old and s[2] < as_of]
        if since is not None:
            own = [s for s in own if s[2] >= since or s[3] is None or s[3] > since]
        if not own:
            continue
        entry = min(s[2] for s in own)
        entry = entry if since is None else max(entry, since - 1)
        found[customer] = (
            float(entry),
            last_closing(own, customer, old, as_of),
            first_opening(spells, customer, new, as_of),
            held_at(spells, customer, new, as_of),
        )
    return found


def state(entry: float, closed: float, taken: float, window: int, as_of: int) -> str:
    """Name the state of a holder, by cases."""
    if taken <= entry:
        return "had_before"
    if taken < NEVER and closed < NEVER:
        if abs(closed - taken) <= window:
            return "moved"
        return "kept_both" if closed > taken else "took_later"
    if taken < NEVER:
        return "undecided" if taken + window >= as_of else "kept_both"
    if closed < NEVER:
        return "undecided" if closed + window >= as_of else "left"
    return "stayed"


def permitted_mean(entry: list[int], closed: list[int], taken: list[int], window: int) -> Fraction:
    """Average the coincidences over every permitted assignment of openings to customers."""
    totals = [
        sum(abs(c - n) <= window for c, n in zip(closed, dealt, strict=True))
        for dealt in itertools.permutations(taken)
        if all(n > e for e, n in zip(entry, dealt, strict=True))
    ]
    return Fraction(sum(totals), len(totals))


def risk_set_table(
    rows: list[tuple[float, float, float]], window: int, end: int, *, looks_ahead: bool
) -> list[tuple[int, int, int, int]]:
    """Count each moment's risk set, events, takers and both, from (entry, event, taken).

    Not looking ahead, takers are those of the window before the moment; who takes at the moment is passed over.
    """
    reach = window if looks_ahead else 0
    found = []
    for t in sorted({event for _, event, _ in rows if event + reach < end}):
        risk = [row for row in rows if row[0] < t <= row[1] and row[2] >= t - window]
        risk = [row for row in risk if looks_ahead or row[2] != t]
        took = [row for row in risk if (row[2] <= t + window if looks_ahead else row[2] < t)]
        now = [row for row in risk if row[1] == t]
        found.append((len(risk), len(now), len(took), len([row for row in now if row in took])))
    return found


def standardised(
    rows: list[tuple[float, float, float]], window: int, end: int
) -> tuple[int, int, Fraction, Fraction, int] | None:
    """Give cases, those with the outcome, the controls' rate at the cases' moments, its variance, and controls."""
    parts = []
    for t in sorted({event for _, event, _ in rows if event + window < end}):
        risk = [i for i, row in enumerate(rows) if row[0] < t - window and row[2] >= t - window]
        cases = [i for i in risk if rows[i][1] == t]
        controls = [i for i in risk if rows[i][1] > t + window]
        hit = [i for i in risk if rows[i][2] <= t + window]
        if cases and controls:
            parts.append((cases, controls, hit))
    n_cases = sum(len(cases) for cases, _, _ in parts)
    if not n_cases:
        return None
    rate, influence = Fraction(0), [Fraction(0)] * len(rows)
    who = set()
    for cases, controls, hit in parts:
        weight = Fraction(len(cases), n_cases)
        share = Fraction(len([i for i in controls if i in hit]), len(controls))
        rate += weight * share
        for i in controls:
            influence[i] += weight / len(controls) * ((i in hit) - share)
            who.add(i)
    hits = sum(len([i for i in cases if i in hit]) for cases, _, hit in parts)
    return n_cases, hits, rate, sum((one * one for one in influence), Fraction(0)), len(who)


def sum_of_counts(tables: list[tuple[int, int, int]]) -> dict[int, Fraction]:
    """Give the exact distribution of a sum of hypergeometric counts from (size, events, taken)."""
    found = {0: Fraction(1)}
    for size, n_events, taken in tables:
        step: dict[int, Fraction] = {}
        for total, p in found.items():
            for k in range(max(0, n_events + taken - size), min(n_events, taken) + 1):
                chance = Fraction(
                    math.comb(taken, k) * math.comb(size - taken, n_events - k), math.comb(size, n_events)
                )
                step[total + k] = step.get(total + k, Fraction(0)) + p * chance
        found = step
    return found
