"""The rules of a policy over all customers at once: one pass over the periods, no loop over customers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from custvalue._tier_policies import reasons
from custvalue._tier_policies.conditions import met
from custvalue._tier_policies.levels import as_rule, due

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from custvalue._tier_policies.policy import TierPolicy
    from custvalue._typing import BoolArray, FloatArray, IntArray

#: A level that nobody has yet; and a tick so long ago that nothing is counted from it.
NONE = -1
LONG_AGO = -(2**40)


@dataclass(slots=True)
class State:
    """What the rules remember of each customer from one period to the next.

    ``level`` is -1 before the first row; ``last`` is the tick of the last change, ``reached`` that at which the
    level was reached by entry or promotion, and ``strikes`` counts how often in a row the customer was below.
    """

    level: NDArray[np.int8]
    last: IntArray
    reached: IntArray
    strikes: IntArray

    @classmethod
    def new(cls, size: int) -> State:
        """Give the state before anything was seen."""
        return cls(
            np.full(size, NONE, dtype=np.int8),
            np.full(size, LONG_AGO),
            np.full(size, LONG_AGO),
            np.zeros(size, dtype=np.int64),
        )

    def of(self, row: int) -> State:
        """Copy the state of one customer."""
        one = slice(row, row + 1)
        return State(self.level[one], self.last[one], self.reached[one], self.strikes[one]).copy()

    def copy(self) -> State:
        """Copy the state of all customers."""
        return State(self.level.copy(), self.last.copy(), self.reached.copy(), self.strikes.copy())


class Rules:
    """A policy made ready: which levels are met, and which would be kept."""

    def __init__(self, policy: TierPolicy) -> None:
        self.size = len(policy.levels)
        self._score = policy.score
        ups = [level.up for level in policy.levels[1:]]
        downs = [level.up if level.down is None else level.down for level in policy.levels[1:]]
        numbers = [value for value in (*ups, *downs) if isinstance(value, float)]
        self._plain = len(numbers) == 2 * len(ups)
        self._ups = np.array(numbers[: len(ups)]) if self._plain else np.empty(0)
        self._downs = np.array([-np.inf, *numbers[len(ups) :]]) if self._plain else np.empty(0)
        self._up_rules = [as_rule(value, policy.score) for value in ups if value is not None]
        self._down_rules = [as_rule(value, policy.score) for value in downs if value is not None]

    def highest_met(self, columns: Mapping[str, FloatArray]) -> NDArray[np.int8]:
        """Give for each customer the highest level whose up is met."""
        if self._plain:
            return np.searchsorted(self._ups, columns[self._score], side="right").astype(np.int8)
        found = np.zeros(len(next(iter(columns.values()))), dtype=np.int8)
        for place, rule in enumerate(self._up_rules, start=1):
            found[met(rule, columns)] = place
        return found

    def missed(self, columns: Mapping[str, FloatArray], level: NDArray[np.int8]) -> BoolArray:
        """Tell whether each customer misses the down of the given level; the lowest is never missed."""
        if self._plain:
            answer: BoolArray = columns[self._score] < self._downs[level]
            return answer
        found = np.zeros(len(level), dtype=np.bool_)
        for place, rule in enumerate(self._down_rules, start=1):
            there = level == place
            found |= there & ~met(rule, columns)
        return found

    def highest_kept(
        self, columns: Mapping[str, FloatArray], level: NDArray[np.int8], best: NDArray[np.int8]
    ) -> NDArray[np.int8]:
        """Give the highest level below the present one that each customer would keep."""
        found = best.copy()
        for place in range(1, self.size - 1):
            at = np.full(len(level), place, dtype=np.int8)
            kept = (level > place) & ~self.missed(columns, at)
            found = np.where(kept, np.maximum(found, at), found)
        return np.asarray(found, dtype=np.int8)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Ticks of the periods, which of them have a review, and dwell and locks in ticks."""

    ticks: IntArray
    review: BoolArray
    review_up: BoolArray
    proposes: BoolArray
    unit: int

    @classmethod
    def of(cls, policy: TierPolicy, ticks: IntArray, spacing: int) -> Calendar:
        """Read a policy's calendars for the given ticks."""
        proposes = policy.review if policy.phase_out is None else policy.phase_out.review or policy.review
        return cls(
            ticks,
            due(policy.review, ticks, spacing),
            due(policy.review_up, ticks, spacing),
            due(proposes, ticks, spacing) & (policy.phase_out is not None),
            1 if policy.unit == "month" else spacing,
        )


@dataclass(slots=True)
class Track:
    """What a run leaves behind, periods by customers, and the state at its end.

    ``lowest`` holds, for each period with proposals of a phase-out, the customers at the lowest level and the
    ticks that have passed since their last change.
    """

    levels: NDArray[np.int8]
    reasons: NDArray[np.int8]
    state: State
    strikes: list[IntArray]
    lowest: list[tuple[int, IntArray, IntArray]]


def run(
    policy: TierPolicy,
    columns: Mapping[str, FloatArray],
    present: BoolArray,
    calendar: Calendar,
    state: State,
    *,
    keep_strikes: bool = False,
) -> Track:
    """Follow customers through the periods; arrays are periods by customers, and the state is changed in place."""
    rules = Rules(policy)
    levels = np.empty(present.shape, dtype=np.int8)
    codes = np.empty(present.shape, dtype=np.int8)
    strikes: list[IntArray] = []
    lowest: list[tuple[int, IntArray, IntArray]] = []
    for place in range(len(present)):
        now = {name: array[place] for name, array in columns.items()}
        codes[place] = _step(policy, rules, now, present[place], calendar, place, state)
        levels[place] = np.where(present[place], state.level, NONE)
        if keep_strikes:
            strikes.append(state.strikes.copy())
        if calendar.proposes[place]:
            rows = np.flatnonzero(levels[place] == 0)
            lowest.append((place, rows, calendar.ticks[place] - state.last[rows]))
    return Track(levels, codes, state, strikes, lowest)


def _step(
    policy: TierPolicy,
    rules: Rules,
    now: Mapping[str, FloatArray],
    present: BoolArray,
    calendar: Calendar,
    place: int,
    state: State,
) -> NDArray[np.int8]:
    """Move all customers through one period and give the reasons."""
    tick = int(calendar.ticks[place])
    best = rules.highest_met(now)
    codes = np.full(len(present), reasons.KEPT, dtype=np.int8)
    known = present & (state.level != NONE)
    higher = known & (best > state.level)
    # Whoever meets the up of this level or a higher one is not below it.
    below = known & (best < state.level)
    below &= rules.missed(now, np.maximum(state.level, 0))
    if calendar.review[place] or policy.grace_counts == "period":
        state.strikes[known] = np.where(below, state.strikes + 1, 0)[known]
    _up(policy, best, np.flatnonzero(higher), calendar, place, state, codes)
    _down(policy, rules, now, best, np.flatnonzero(below), calendar, place, state, codes)
    entering = np.flatnonzero(present & ~known)
    _move(state, entering, best[entering], tick)
    state.reached[entering] = tick
    codes[entering] = reasons.ENTERED
    codes[~present] = reasons.ABSENT
    return codes


def _move(state: State, rows: IntArray, levels: NDArray[np.int8], tick: int) -> None:
    state.level[rows] = levels
    state.last[rows] = tick
    state.reached[rows] = LONG_AGO
    state.strikes[rows] = 0


def _up(
    policy: TierPolicy,
    best: NDArray[np.int8],
    rows: IntArray,
    calendar: Calendar,
    place: int,
    state: State,
    codes: NDArray[np.int8],
) -> None:
    """Promote those who meet a higher level, where review and dwell allow it."""
    if not calendar.review_up[place]:
        codes[rows] = reasons.WAITS_REVIEW
        return
    tick = int(calendar.ticks[place])
    ready = tick - state.last[rows] >= policy.dwell_up * calendar.unit
    codes[rows[~ready]] = reasons.WAITS_DWELL
    rows = rows[ready]
    wanted = best[rows]
    most = len(policy.levels) if policy.max_steps_up is None else policy.max_steps_up
    given = np.minimum(wanted, state.level[rows].astype(np.int64) + most).astype(np.int8)
    _move(state, rows, given, tick)
    state.reached[rows] = tick
    codes[rows] = np.where(given < wanted, reasons.UPGRADED_LIMITED, reasons.UPGRADED)


def _down(
    policy: TierPolicy,
    rules: Rules,
    now: Mapping[str, FloatArray],
    best: NDArray[np.int8],
    rows: IntArray,
    calendar: Calendar,
    place: int,
    state: State,
    codes: NDArray[np.int8],
) -> None:
    """Say why those below keep their level, or move them down."""
    if not calendar.review[place]:
        codes[rows] = reasons.BELOW_NO_REVIEW
        return
    tick = int(calendar.ticks[place])
    locks = np.array([level.lock for level in policy.levels])[state.level[rows]] * calendar.unit
    held = [
        (tick - state.reached[rows] < locks, reasons.BELOW_LOCKED),
        (tick - state.last[rows] < policy.dwell * calendar.unit, reasons.BELOW_DWELL),
        (state.strikes[rows] <= policy.grace, reasons.BELOW_FORGIVEN),
    ]
    codes[rows] = np.select([flag for flag, _ in held], [code for _, code in held], reasons.DOWNGRADED)
    rows = rows[codes[rows] == reasons.DOWNGRADED]
    level = state.level[rows]
    wanted = rules.highest_kept({name: array[rows] for name, array in now.items()}, level, best[rows])
    most = len(policy.levels) if policy.max_steps_down is None else policy.max_steps_down
    given = np.maximum(wanted, level.astype(np.int64) - most).astype(np.int8)
    _move(state, rows, given, tick)
    codes[rows] = np.where(given > wanted, reasons.DOWNGRADED_LIMITED, reasons.DOWNGRADED)
