"""Rules that say which cases of a case base may go; each keeps at least one case of every class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from custvalue._case_based.competence import JudgedCases, competence_footprint

if TYPE_CHECKING:
    from custvalue._typing import BoolArray, IntArray

#: Cases that a growing store judges at a time: doubled while it is right, from this start to this end.
LOOK_AHEAD = (16, 2048)


@dataclass(frozen=True, eq=False)
class Ruling:
    """For each case the round in which it went, 0 if it stays; and those that stay as the last of their class."""

    removed_in: IntArray
    spared: IntArray

    @property
    def kept(self) -> IntArray:
        """Positions of the cases that stay, rising."""
        return np.flatnonzero(self.removed_in == 0)


def _kept(count: int, kept: IntArray) -> Ruling:
    """Let everything else go in one round."""
    removed_in = np.ones(count, dtype=np.int64)
    removed_in[kept] = 0
    return Ruling(removed_in, np.empty(0, dtype=np.int64))


def _spared(goes: BoolArray, own_votes: IntArray, codes: IntArray) -> IntArray:
    """For each class that would go altogether the case with most votes for it, the first among equals."""
    left = np.zeros(len(codes), dtype=np.bool_)
    left[codes[~goes]] = True
    rescued = []
    for code in np.unique(codes[~left[codes]]):
        members = np.flatnonzero(codes == code)
        rescued.append(members[own_votes[members].argmax()])
    return np.array(rescued, dtype=np.int64)


def _wilson(judged: JudgedCases, k: int, *, repeat: bool) -> Ruling:
    removed_in = np.zeros(len(judged), dtype=np.int64)
    spared = np.empty(0, dtype=np.int64)
    round_ = 0
    while True:
        round_ += 1
        rows = np.flatnonzero(removed_in == 0)
        goes, own_votes = judged.only(rows).outvoted(k)
        last = _spared(goes, own_votes, judged.codes[rows])
        goes[last] = False
        removed_in[rows[goes]] = round_
        spared = np.union1d(spared, rows[last])
        if not goes.any() or not repeat:
            return Ruling(removed_in, spared)


def edited(judged: JudgedCases, k: int) -> Ruling:
    """Remove every case that its k nearest others outvote (Wilson 1972)."""
    return _wilson(judged, k, repeat=False)


def repeated_edited(judged: JudgedCases, k: int) -> Ruling:
    """Edit again until no case goes (Tomek 1976)."""
    return _wilson(judged, k, repeat=True)


def condensed(judged: JudgedCases, _: int) -> Ruling:
    """Take a case into the store when the store gets it wrong, until it gets all others right (Hart 1968).

    Cases are asked in their order, pass after pass. The look-ahead changes the cost only: what a store says of the
    cases behind the first it gets wrong is thrown away.
    """
    count = len(judged)
    taken = np.zeros(count, dtype=np.bool_)
    taken[0] = True
    grown = True
    while grown:
        grown = False
        place, step = 0, LOOK_AHEAD[0]
        while place < count:
            rows = place + np.flatnonzero(~taken[place:])[:step]
            if not len(rows):
                break
            wrong = judged.decided_by(np.flatnonzero(taken), rows) != judged.codes[rows]
            if wrong.any():
                first = int(rows[wrong.argmax()])
                taken[first] = grown = True
                place, step = first + 1, LOOK_AHEAD[0]
            else:
                place, step = int(rows[-1]) + 1, min(2 * step, LOOK_AHEAD[1])
    return _kept(count, np.flatnonzero(taken))


def footprint(judged: JudgedCases, _: int) -> Ruling:
    """Keep the competence footprint (Smyth and McKenna 1999)."""
    return _kept(len(judged), competence_footprint(judged))
