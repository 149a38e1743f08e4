"""From p-values to words: what is a fall, what a gain, what a shock excuses, and what cannot be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from custvalue._kernels.multiple_testing import adjust

if TYPE_CHECKING:
    from custvalue._typing import BoolArray, FloatArray, IntArray

VERDICTS: Final = ("none", "fall", "gain", "masked", "not testable")
NONE, FALL, GAIN, MASKED, UNTESTABLE = range(5)
REASONS: Final = (
    "",
    "too little history",
    "too little activity",
    "too few peers",
    "no power",
    "shock",
    "rebound after a shock",
    "stopped, as others did",
)
CLEAR, HISTORY, ACTIVITY, PEERS, POWER, SHOCK, REBOUND, STOPPED = range(8)


class Excuses(NamedTuple):
    """Whether falls and gains of the tested window are excused by a shock."""

    falls: bool
    gains: bool


class Decided(NamedTuple):
    """A place in `VERDICTS` and one in `REASONS` for every customer."""

    verdict: IntArray
    reason: IntArray


def excuses(closed: BoolArray, recent: int, mode: str) -> Excuses:
    """Tell what a shock excuses: falls that touch it, and the first growth after it."""
    if mode == "discount":
        return Excuses(falls=False, gains=False)
    tested = closed[-recent:]
    first_after = bool(closed[-2 * recent :].any()) and not bool(closed[-1])
    return Excuses(falls=bool(tested.any()), gains=first_after)


def adjusted_p(p: FloatArray) -> FloatArray:
    """Adjust by Benjamini and Hochberg over those that are tested; NaN where p is NaN."""
    out = np.full(len(p), np.nan)
    known = ~np.isnan(p)
    out[known] = np.exp(adjust(np.log(p[known]), "bh", int(known.sum())))
    return out


def decide(
    q_fall: FloatArray,
    q_gain: FloatArray,
    change: FloatArray,
    reason: IntArray,
    *,
    level: float,
    min_change: float,
    excused: Excuses,
) -> Decided:
    """Turn adjusted p-values, changes and reasons against a test into verdicts.

    Parameters
    ----------
    q_fall, q_gain : ndarray of shape (n,)
        Adjusted p-values, NaN where not tested.
    change : ndarray of shape (n,)
        Money of the recent months against what was expected, less 1.
    reason : ndarray of int, shape (n,)
        Place in `REASONS` of what stands against a test, 0 where nothing does.
    level : float
        Level of the false discovery rate.
    min_change : float
        Smallest change, as a share, that is called one.
    excused : Excuses
        What a shock excuses.

    Returns
    -------
    Decided
        A customer whose fall cannot be tested but whose gain is found is a gain.
    """
    falls = (q_fall <= level) & (change < 0.0) & (change <= -min_change)
    gains = (q_gain <= level) & (change > 0.0) & (change >= min_change) & ~falls
    verdict = np.where(reason > CLEAR, UNTESTABLE, NONE).astype(np.int64)
    why = reason.copy()
    for found, word, excuse, told in ((falls, FALL, excused.falls, SHOCK), (gains, GAIN, excused.gains, REBOUND)):
        verdict[found] = MASKED if excuse else word
        why[found] = told if excuse else CLEAR
    return Decided(verdict, why)
