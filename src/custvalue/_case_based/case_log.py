"""The log of a case base: from changes to the cases in force, and back to any version."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from custvalue._case_based.case_records import Case, Change, Tombstone
from custvalue._frames import ROUNDING
from custvalue._spec import FrozenMapping, Items
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from custvalue._typing import FloatArray
    from custvalue.grey import Hierarchy

Bounds = tuple[float, ...] | None


@dataclass(frozen=True)
class State:
    """The cases in force after some changes."""

    hierarchy: Hierarchy
    cases: Mapping[str, Case | Tombstone]
    lower: Bounds
    upper: Bounds
    used: frozenset[str]
    #: How many of the cases have been forgotten since.
    stones: int = 0

    @property
    def complete(self) -> bool:
        """Whether no case of it has been forgotten since."""
        return self.stones == 0

    def values(self) -> FloatArray:
        """Give the cases as rows."""
        rows = [case.values for case in self.cases.values() if isinstance(case, Case)]
        found = np.empty((len(rows), len(self.hierarchy.indicators)))
        found[:] = rows
        found.flags.writeable = False
        return found

    def digest(self, version: int, change: Change) -> str:
        """Give the SHA-256 of what decides an answer, of who says so, and of the change that led here."""
        cases = [_facts(case) for case in self.cases.values() if isinstance(case, Case)]
        head = [version, change.action, change.by, change.note, _iso(change.date), change.origin]
        found = hashlib.sha256(self.hierarchy.digest.encode())
        found.update(json.dumps([head, cases, self.lower, self.upper], ensure_ascii=False).encode())
        found.update(self.values().astype("<f8").tobytes())
        return found.hexdigest()


def _iso(day: object) -> str | None:
    return None if day is None else str(day)


def _facts(case: Case) -> list[object]:
    days = [_iso(case.date), _iso(case.revised_on)]
    return [case.id, case.label, case.members, case.source, case.revised_by, case.note, *days]


def _check_case(case: Case, hierarchy: Hierarchy, *, scaled: bool) -> None:
    wanted = len(hierarchy.indicators)
    if len(case.values) != wanted:
        message = f"case '{case.id}' has {len(case.values)} values and the hierarchy {wanted} indicators"
        raise ValueError(message)
    if scaled and not all(-ROUNDING <= value <= 1.0 + ROUNDING for value in case.values):
        message = f"case '{case.id}' has values outside [0, 1]: scale first, with IndicatorScaler.transform"
        raise ValueError(message)


def _reordered(
    cases: dict[str, Case | Tombstone], old: Hierarchy, new: Hierarchy
) -> tuple[dict[str, Case | Tombstone], list[int]]:
    """Bring every case's values into the order of the new hierarchy."""
    if set(old.indicators) != set(new.indicators):
        message = (
            f"the new hierarchy has the indicators {list(new.indicators)} and the cases "
            f"{list(old.indicators)}; a case keeps its indicators, so build a new case base for other ones"
        )
        raise ValueError(message)
    order = [old.indicators.index(name) for name in new.indicators]
    if order == list(range(len(order))):
        return cases, order
    moved: dict[str, Case | Tombstone] = {
        name: case.model_copy(update={"values": [case.values[place] for place in order]})
        if isinstance(case, Case)
        else case
        for name, case in cases.items()
    }
    return moved, order


def _before(state: State | None, change: Change) -> State:
    """Give the state that a change applies to."""
    if state is not None:
        if change.action == "built":
            message = "only the first change can be 'built'"
            raise ValueError(message)
        return state
    if change.hierarchy is None or change.action != "built":
        message = "the first change must be 'built' and bring a hierarchy"
        raise ValueError(message)
    return State(change.hierarchy, {}, None, None, frozenset())


def _edited(cases: dict[str, Case | Tombstone], change: Change) -> None:
    """Give cases a new class and take others out."""
    for name, label in change.relabelled.items():
        case = _in_force(cases, name)
        if isinstance(case, Case):
            if type(label) is not type(case.label):
                kinds = f"{type(case.label).__name__}, {type(label).__name__}"
                message = f"labels are of several kinds ({kinds}); allowed: that of the case"
                raise ValueError(message)
            facts = {"label": label, "revised_by": change.by, "revised_on": change.date, "note": change.note}
            cases[name] = case.model_copy(update=facts)
    for name in change.removed:
        _in_force(cases, name)
        del cases[name]


def _in_force(cases: Mapping[str, Case | Tombstone], name: str) -> Case | Tombstone:
    case = cases.get(name)
    if case is None:
        message = f"case '{name}' is not there; ids in force: {some(cases)}"
        raise ValueError(message)
    return case


def some(names: Collection[str], most: int = 10) -> str:
    """List some names."""
    shown = ", ".join(list(names)[:most])
    return shown if len(names) <= most else f"{shown}, ... ({len(names)} in all)"


def applied(state: State | None, change: Change, *, scaled: bool) -> State:
    """Give the state after a change; ``ValueError`` where the change does not fit the state."""
    before = _before(state, change)
    hierarchy, cases, used = before.hierarchy, dict(before.cases), set(before.used)
    lower, upper = before.lower, before.upper
    _edited(cases, change)
    if change.hierarchy is not None:
        cases, order = _reordered(cases, hierarchy, change.hierarchy)
        hierarchy = change.hierarchy
        lower, upper = (None if bound is None else tuple(bound[i] for i in order) for bound in (lower, upper))
    if change.lower is not None and change.upper is not None:
        lower, upper = tuple(change.lower), tuple(change.upper)
        if {len(lower), len(upper)} != {len(hierarchy.indicators)}:
            message = "lower and upper must have one number an indicator of the hierarchy"
            raise ValueError(message)
    for case in change.added:
        if case.id in used:
            message = f"case id '{case.id}' is used more than once; ids are unique for ever in a case base"
            raise ValueError(message)
        if isinstance(case, Case):
            _check_case(case, hierarchy, scaled=scaled)
        used.add(case.id)
        cases[case.id] = case
    _check_kinds(cases)
    stones = sum(isinstance(case, Tombstone) for case in cases.values())
    return State(hierarchy, cases, lower, upper, frozenset(used), stones)


def joined(best: Callable[[float, float], float], own: Bounds, more: Bounds) -> Bounds:
    """Join two stated bounds, of which one or both may be missing."""
    if own is None or more is None:
        return own or more
    return tuple(best(one, other) for one, other in zip(own, more, strict=True))


def _check_kinds(cases: Mapping[str, Case | Tombstone]) -> None:
    if not cases:
        message = "a case base needs at least one case; this change would leave none"
        raise ValueError(message)
    kinds = {type(case.label).__name__: None for case in cases.values() if isinstance(case, Case)}
    if len(kinds) > 1:
        first = next(iter(kinds))
        message = (
            f"labels are of several kinds ({', '.join(kinds)}); allowed: one, that of the first case ({first})"
        )
        raise ValueError(message)


def states(changes: Items[Change], *, scaled: bool) -> Iterator[State]:
    """Replay a log, one state a version; refuse a log whose digests do not come out."""
    state: State | None = None
    for version, change in enumerate(changes, start=1):
        state = applied(state, change, scaled=scaled)
        if state.complete and change.digest != state.digest(version, change):
            message = (
                f"version {version} does not replay: the digest of its cases is not the one on record; "
                "the document was changed outside custvalue"
            )
            raise ValueError(message)
        yield state


def signed(state: State | None, change: Change, version: int, *, scaled: bool) -> tuple[Change, State]:
    """Apply a change and write the digest of the new state into it."""
    try:
        after = applied(state, change, scaled=scaled)
    except ValueError as error:
        text = str(error)
        raise DomainError(f"{text[:1].upper()}{text[1:]}.") from None
    return change.model_construct(**{**dict(change), "digest": after.digest(version, change)}), after


def _lives(changes: Items[Change]) -> dict[str, tuple[int, int]]:
    """Give for each forgotten case the versions that held it, from the first to the one before it went."""
    came: dict[str, int] = {}
    lives: dict[str, tuple[int, int]] = {}
    for version, change in enumerate(changes, start=1):
        for name in change.removed:
            if name in came:
                lives[name] = (came.pop(name), version - 1)
        came |= {case.id: version for case in change.added if isinstance(case, Tombstone)}
    return lives


def replayable(changes: Items[Change]) -> list[int]:
    """List the versions that held no case forgotten since."""
    gone = {version for first, last in _lives(changes).values() for version in range(first, last + 1)}
    return [version for version in range(1, len(changes) + 1) if version not in gone]


def without_case(changes: Items[Change], case_id: str, version: int) -> tuple[Change, ...]:
    """Strike a case out of a log: a tombstone where it came in, and nothing else of it.

    The digests of versions that held it, and of a base that it was merged from, go too: who knows all other cases
    could try its figures against them.
    """
    left, held = [], False
    for change in changes:
        facts = dict(change)
        if any(case.id == case_id for case in change.added):
            stone = Tombstone(id=case_id, forgotten=version)
            facts["added"] = tuple(stone if case.id == case_id else case for case in change.added)
            held = True
            facts["origin"] = ""
        if case_id in change.relabelled:
            kept = {name: label for name, label in change.relabelled.items() if name != case_id}
            facts["relabelled"] = FrozenMapping(kept)
        if case_id in change.removed:
            held = False
        if held:
            facts["digest"] = ""
        left.append(Change.model_construct(**facts))
    return tuple(left)


def refuse_replay(version: int, state: State, allowed: list[int]) -> DataError:
    """Say why a version no longer replays."""
    stones = [case for case in state.cases.values() if isinstance(case, Tombstone)]
    names = ", ".join(f"'{stone.id}' (forgotten in version {stone.forgotten})" for stone in stones)
    listed = ", ".join(str(number) for number in allowed)
    message = f"Version {version} no longer replays: it held {names}. Versions that do: {listed}."
    return DataError(message)
