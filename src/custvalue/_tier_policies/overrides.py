"""Manual overrides: who set which customer's level, why, from when and until when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, ConfigDict, Field

from custvalue import _frames
from custvalue._results import short_repr
from custvalue._spec import Name, Spec, require, unboxed
from custvalue._tier_policies import reasons
from custvalue._tier_policies.arguments import plain_label, sequence
from custvalue._tier_policies.keys import position_of
from custvalue._tier_policies.panel import MOST, require_tick
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._tier_policies.continuing import Before
    from custvalue._tier_policies.panel import Panel
    from custvalue._tier_policies.policy import TierPolicy
    from custvalue._typing import IntArray

Hold = Literal["exactly", "at_least", "at_most"]
_CODES: dict[Hold, int] = {
    "exactly": reasons.OVERRIDE,
    "at_least": reasons.OVERRIDE_AT_LEAST,
    "at_most": reasons.OVERRIDE_AT_MOST,
}


#: Codes of levels that an override gives.
OVERRIDDEN = tuple(_CODES.values())


def _when(value: Any) -> Any:
    """Give a whole number, or a day, of NumPy's and pandas' kinds and of ISO text such as 2024-06-30."""
    plain = plain_label(value)
    if isinstance(plain, str):
        try:
            return dt.date.fromisoformat(plain)
        except ValueError:
            return plain
    return plain


When = Annotated[Annotated[int, Field(ge=-MOST, le=MOST)] | dt.date, BeforeValidator(_when)]


class Override(Spec):
    """A manual decision about one customer's level, with who made it, why, and how long it holds.

    Parameters
    ----------
    customer : int or str
        Key of the customer.
    level : str
        Name of the level.
    by : str
        Who decided.
    why : str
        Why.
    since, until : int or datetime.date
        First and last period in force, both included; a date, or its ISO text such as 2024-06-30, means its month.
    hold : {"exactly", "at_least", "at_most"}, default="exactly"
        The level itself; a lock, below which the customer does not fall; or a cap.

    Notes
    -----
    The rules run on underneath as if there were no override, so that a customer returns to where the rules are
    when it ends, and one decision leaves no trace beyond its time. That is ours; a system that grades on from the
    manual level gives it a longer effect than was decided.

    Examples
    --------
    >>> from custvalue import tiers
    >>> tiers.Override(customer=7, level="gold", by="branch 12", why="key employer", since=3, until=8)
    Override(level='gold', hold='exactly', since=3, until=8)
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    customer: Annotated[int | Name, BeforeValidator(unboxed)] = Field(description="Key of the customer.")
    level: Name = Field(description="Name of the level.")
    by: Annotated[str, Field(min_length=1, max_length=1000)] = Field(description="Who decided.")
    why: Annotated[str, Field(min_length=1, max_length=1000)] = Field(description="Why.")
    since: When = Field(description="First period in force.")
    until: When = Field(description="Last period in force.")
    hold: Hold = Field(default="exactly", description="The level itself, at least it, or at most it.")

    def __repr__(self) -> str:
        facts = {"level": repr(self.level), "hold": repr(self.hold)}
        return short_repr("Override", **facts, since=self.since, until=self.until)

    __str__ = __repr__


def read_overrides(overrides: Any) -> tuple[Override, ...]:
    """Give overrides from a sequence, or from a frame with a row each."""
    if not _frames.is_frame(overrides):
        given = sequence(overrides, "overrides", "Override objects, or a frame with a row each")
        return tuple(require(one, Override, "overrides", "Give Override objects or a frame.") for one in given)
    rows = _frames.records(overrides, ["customer", "level", "by", "why", "since", "until"], ["hold"])
    if incomplete := sum(any(value is None for value in row.values()) for row in rows):
        message = f"overrides has {incomplete} row(s) with an empty cell; fill all of them."
        raise DataError(message)
    return tuple(Override(**row) for row in rows)


@dataclass(frozen=True, slots=True)
class Placed:
    """Overrides found in a panel: row, first and last column, and position of the level."""

    overrides: tuple[Override, ...]
    rows: IntArray
    first: IntArray
    last: IntArray
    levels: IntArray

    def in_force(self, row: int, column: int) -> list[tuple[Override, int]]:
        """List those that hold for a customer in a period, each with the position of its level."""
        found = (self.rows == row) & (self.first <= column) & (self.last >= column)
        return [(self.overrides[place], int(self.levels[place])) for place in np.flatnonzero(found).tolist()]

    def touched(self, column: int) -> IntArray:
        """Give the customers with any override in a period."""
        return np.unique(self.rows[(self.first <= column) & (self.last >= column)])


def placed(overrides: tuple[Override, ...], policy: TierPolicy, panel: Panel) -> Placed:
    """Find the overrides' customers, periods and levels; refuse what is not there, and contradictions."""
    names = {name: place for place, name in enumerate(policy.names)}
    if unknown := sorted({one.level for one in overrides} - set(names)):
        message = f"overrides name the level(s) {unknown}; the policy has {', '.join(policy.names)}."
        raise DomainError(message)
    rows, strangers = [], 0
    for one in overrides:
        try:
            rows.append(position_of(panel.customers, one.customer))
        except DomainError:
            strangers += 1
    if strangers:
        message = f"overrides has {strangers} row(s) whose customer is not in the panel; leave them out."
        raise DataError(message)
    limits = {
        name: np.array(
            [
                require_tick(getattr(one, name), dated=panel.dated, argument=f"overrides.{name}")
                for one in overrides
            ],
            dtype=np.int64,
        )
        for name in ("since", "until")
    }
    if (backward := int((limits["until"] < limits["since"]).sum())) > 0:
        message = f"overrides has {backward} row(s) that end before they begin."
        raise DataError(message)
    found = Placed(
        overrides,
        np.array(rows, dtype=np.int64),
        np.searchsorted(panel.ticks, limits["since"], side="left"),
        np.searchsorted(panel.ticks, limits["until"], side="right") - 1,
        np.array([names[one.level] for one in overrides], dtype=np.int64),
    )
    _require_disjoint(found, limits["since"], limits["until"])
    return found


def _require_disjoint(found: Placed, since: IntArray, until: IntArray) -> None:
    """Refuse two exact levels of one customer at a time."""
    exact = np.array([one.hold == "exactly" for one in found.overrides], dtype=np.bool_)
    order = np.lexsort((since[exact], found.rows[exact]))
    rows, start, end = found.rows[exact][order], since[exact][order], until[exact][order]
    clash = int(((rows[1:] == rows[:-1]) & (start[1:] <= end[:-1])).sum())
    if clash:
        message = (
            f"overrides has {clash} pair(s) that set one customer's level at the same time; keep one of them."
        )
        raise DataError(message)
    places: dict[int, list[int]] = {}
    for place, row in enumerate(found.rows.tolist()):
        places.setdefault(row, []).append(place)
    clash = sum(
        found.levels[low] > found.levels[high] and since[low] <= until[high] and since[high] <= until[low]
        for some in places.values()
        for low in some
        for high in some
        if found.overrides[low].hold == "at_least" and found.overrides[high].hold == "at_most"
    )
    if clash:
        message = f"overrides has {clash} pair(s) that lock a customer above a cap at the same time; mend one."
        raise DataError(message)


def applied(
    found: Placed, levels: NDArray[np.int8], codes: NDArray[np.int8], before: Before
) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Put overrides over the rules' levels and reasons, periods by customers; absent customers stay absent."""
    touched = np.union1d(found.rows, np.flatnonzero(np.isin(before.code, OVERRIDDEN)))
    if not touched.size:
        return levels, codes
    levels, codes = levels.copy(), codes.copy()
    # Locks never stand above caps, so the order of the two does not matter; exact levels win over both.
    order: tuple[Hold, ...] = ("at_least", "at_most", "exactly")
    for hold in order:
        for place in [k for k, one in enumerate(found.overrides) if one.hold == hold]:
            row, span = found.rows[place], slice(found.first[place], found.last[place] + 1)
            level = found.levels[place]
            now = levels[span, row]
            here = now >= 0
            if hold == "at_least":
                here &= now < level
            elif hold == "at_most":
                here &= now > level
            now[here] = level
            codes[span, row] = np.where(here, _CODES[hold], codes[span, row])
    for row in touched.tolist():
        _mark_ends(found, levels, codes, before, row)
    return levels, codes


def _mark_ends(found: Placed, levels: NDArray[np.int8], codes: NDArray[np.int8], before: Before, row: int) -> None:
    """Say "override ended" where the level changes because an override is over, whatever the rules did then."""
    seen = np.flatnonzero(levels[:, row] >= 0)
    shown = np.append(before.seen[row], levels[seen, row])
    told = np.append(before.code[row], codes[seen, row])
    ended = np.isin(told[:-1], OVERRIDDEN) & ~np.isin(told[1:], OVERRIDDEN) & (shown[:-1] != shown[1:])
    for place in np.flatnonzero(ended).tolist():
        column = int(seen[place])
        goes_on = any(
            _CODES[one.hold] == told[place] and level == shown[place] for one, level in found.in_force(row, column)
        )
        if not goes_on:
            codes[column, row] = reasons.OVERRIDE_ENDED
