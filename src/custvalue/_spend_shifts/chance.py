"""What chance does: the null from earlier windows, and the p-values of the tested one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from custvalue._kernels import peer_factor as peer_kernel
from custvalue._kernels import placebo_null as null_kernel
from custvalue._spend_shifts import verdicts

if TYPE_CHECKING:
    from custvalue._kernels.peer_factor import LogRatios
    from custvalue._kernels.placebo_null import Window, WindowStatistics
    from custvalue._spend_shifts.settings import ShiftSettings
    from custvalue._typing import BoolArray, FloatArray, IntArray

#: Weight of the usual spread, in months, against a customer's own.
PRIOR: Final = 4.0
#: No log spread is taken for smaller than this.
FLOOR: Final = 1e-3
#: Customers alike in idle months whose median spread is the usual one.
ALIKE: Final = 100
#: A complete stop is evidence where at most this share of q of earlier windows had one that weighs 1.
RARE: Final = 0.01


class Tested(NamedTuple):
    """p-values, and what the tested window says."""

    p_fall: FloatArray
    p_gain: FloatArray
    reason: IntArray
    statistics: WindowStatistics
    spread_ratio: dict[str, float]
    n_null: int
    n_discounted: int


class _Placebo(NamedTuple):
    """A statistic of earlier windows, low where unusual, and how much of each is chance."""

    z: FloatArray
    weight: FloatArray


class _Null(NamedTuple):
    """What earlier windows say, their strata, the stratum of each pair of idle months, and whose months vary."""

    falls: _Placebo
    gains: _Placebo
    stratum: IntArray
    stratum_of: IntArray
    shown: BoolArray


def against_chance(
    ratios: LogRatios,
    active: BoolArray,
    windows: list[Window],
    settings: ShiftSettings,
    enough: list[BoolArray],
    nothing: FloatArray,
) -> Tested:
    """Compute the null from the earlier windows, and the p-values of the tested one.

    Parameters
    ----------
    ratios : LogRatios
        Logarithms with the peers' factor taken off.
    active : ndarray of bool, shape (n_months, n_customers)
        Which months had an amount above 0.
    windows : list of Window
        The tested window, then the earlier ones.
    settings : ShiftSettings
        What the analyst decided.
    enough : list of ndarray of bool, shape (n_customers,)
        For each window, who has enough peers there (and, in an earlier one, speaks for chance).
    nothing : ndarray of shape (n_customers,)
        What a month of nothing is in the easiest of the tested months.

    Returns
    -------
    Tested
        Whose complete stop could not reach `q` is not tested for falls. Of the others all would be found if all
        stopped, so none of them can be told beforehand to be without power (after Tarone 1990).
    """
    first_active = np.where(active.any(axis=0), active.argmax(axis=0), len(active))
    joined = [first_active <= window.baseline[0] for window in windows]
    null = _null(ratios, active, windows[1:], settings, list(zip(joined[1:], enough[1:], strict=True)))
    window = windows[0]
    seen = null_kernel.window_statistics(ratios.ratio, active, window)
    reason = _against(seen, window, settings, joined[0], enough[0])
    scale = _scales(seen, window, reason == verdicts.CLEAR)
    stratum = np.where(reason == verdicts.CLEAR, null.stratum_of[_pair(seen, settings)], -1)
    reason[(reason == verdicts.CLEAR) & (stratum < 0)] = verdicts.STOPPED
    ease = (-_log_change(-settings.min_change) / scale, _log_change(settings.min_change) / scale)
    fall, gain = seen.low / scale, -seen.high / scale
    shown = (stratum >= 0) & (seen.spread > null_kernel.ROUNDING)
    fit_fall = _central_match(fall[shown], null.falls.z[null.shown])
    fit_gain = _central_match(gain[shown], null.gains.z[null.shown])
    falls, gains = [fall + ease[0], (nothing - seen.level) / scale + ease[0]], [gain + ease[1]]
    if settings.central_matching:
        falls = [np.where(shown, fit_fall.applied(z), z) for z in falls]
        gains = [np.where(shown, fit_gain.applied(z), z) for z in gains]
    p_fall, p_stop = _p_values(falls, stratum, null.falls, null.stratum)
    (p_gain,) = _p_values(gains, stratum, null.gains, null.stratum)
    hopeless = p_stop > settings.q
    p_fall[hopeless] = np.nan
    reason[hopeless & (reason == verdicts.CLEAR)] = verdicts.POWER
    spread_ratio = {"fall": fit_fall.ratio, "gain": fit_gain.ratio}
    discounted = int(np.count_nonzero((null.falls.weight < 1.0) | (null.gains.weight < 1.0)))
    return Tested(p_fall, p_gain, reason, seen, spread_ratio, len(null.stratum), discounted)


def _null(
    ratios: LogRatios,
    active: BoolArray,
    windows: list[Window],
    settings: ShiftSettings,
    allowed: list[tuple[BoolArray, BoolArray]],
) -> _Null:
    """Collect the statistics of earlier windows, and how much of each is chance."""
    falls, gains, pairs, shown = [], [], [], []
    for window, (joined, peers) in zip(windows, allowed, strict=True):
        seen = null_kernel.window_statistics(ratios.ratio, active, window)
        clear = _against(seen, window, settings, joined, peers) == verdicts.CLEAR
        scale = _scales(seen, window, clear)
        weights = (np.ones(len(clear)), np.ones(len(clear)))
        if settings.lasting_shifts == "discount":
            weights = null_kernel.chance_weights(ratios.ratio, active, window, seen.level, scale, clear)
        falls.append(_Placebo(seen.low[clear] / scale[clear], weights[0][clear]))
        gains.append(_Placebo(-seen.high[clear] / scale[clear], weights[1][clear]))
        pairs.append(_pair(seen, settings)[clear])
        shown.append(seen.spread[clear] > null_kernel.ROUNDING)
    pair = np.concatenate(pairs)
    all_falls, all_gains = (
        _Placebo(np.concatenate([one.z for one in side]), np.concatenate([one.weight for one in side]))
        for side in (falls, gains)
    )
    shape = (settings.baseline + 1, settings.recent + 1)
    summed, whole = _summed(pair, all_falls.weight, shape[0] * shape[1])
    stratum_of = null_kernel.strata(
        summed.reshape(shape), whole.reshape(shape), settings.min_null, RARE * settings.q
    ).ravel()
    stratum = stratum_of[pair]
    return _Null(all_falls, all_gains, stratum, stratum_of, (stratum >= 0) & np.concatenate(shown))


def _summed(place: IntArray, weight: FloatArray, length: int) -> tuple[FloatArray, IntArray]:
    """Add up weights by place, and count those of 1.

    Those below 1 are added by size, and the sum is rounded to a millionth: no order of rows decides anything.
    """
    in_part = weight < 1.0
    part, light = place[in_part], weight[in_part]
    order = np.lexsort((light, part))
    whole = np.bincount(place[~in_part], minlength=length)
    return np.round(whole + np.bincount(part[order], weights=light[order], minlength=length), 6), whole


def _against(
    statistics: WindowStatistics, window: Window, settings: ShiftSettings, joined: BoolArray, peers: BoolArray
) -> IntArray:
    """Give the place of the reason against a test, 0 where there is none."""
    length = len(window.baseline)
    used = length - statistics.idle_baseline
    reason = np.zeros(len(used), dtype=np.int64)
    reason[~peers] = verdicts.PEERS
    reason[(used < settings.min_active * length) | (used < 2)] = verdicts.ACTIVITY  # noqa: PLR2004 - a spread needs two
    reason[~joined] = verdicts.HISTORY
    return reason


def _scales(statistics: WindowStatistics, window: Window, clear: BoolArray) -> FloatArray:
    """Draw each customer's spread towards the median spread of those with alike numbers of idle months."""
    length = len(window.baseline)
    idle = statistics.idle_baseline[clear]
    classes = null_kernel.joined_classes(np.bincount(idle, minlength=length + 1), ALIKE)
    of_each = classes[idle]
    usual = np.zeros(int(classes.max()) + 1)
    spread = statistics.spread[clear]
    for one in range(len(usual)):
        alike = spread[of_each == one]
        usual[one] = np.median(alike) if len(alike) else 0.0
    scale = np.full(len(clear), np.nan)
    scale[clear] = null_kernel.shrunken_scale(spread, length - idle, usual[of_each], PRIOR, FLOOR)
    return scale


class _Match(NamedTuple):
    """Medians of the tested and of the earlier statistics, and how much wider the middle of the tested ones is."""

    tested: float
    earlier: float
    ratio: float

    def applied(self, z: FloatArray) -> FloatArray:
        """Move and scale tested statistics onto the null."""
        return np.asarray(self.earlier + (z - self.tested) / self.ratio)


def _central_match(tested: FloatArray, earlier: FloatArray) -> _Match:
    """Hold the middle half of the tested statistics against that of the null; ratio 1 where one has no width."""
    if not len(tested) or not len(earlier):
        return _Match(0.0, 0.0, 1.0)
    quarters = [np.quantile(z, (0.25, 0.5, 0.75)) for z in (tested, earlier)]
    now, before = (float(high - low) for low, _, high in quarters)
    ratio = now / before if now > 0.0 and before > 0.0 else 1.0
    return _Match(float(quarters[0][1]), float(quarters[1][1]), ratio)


def _log_change(change: float) -> float:
    """Give a change of a usual month on the scale of the logarithms."""
    return float(np.log1p(change / (1.0 + peer_kernel.OFFSET)))


def _pair(statistics: WindowStatistics, settings: ShiftSettings) -> IntArray:
    """Give a number to each pair of idle months before and in the tested months."""
    pair = statistics.idle_baseline.astype(np.int64) * (settings.recent + 1) + statistics.idle_recent
    return np.asarray(pair, dtype=np.int64)


def _p_values(
    z: list[FloatArray], stratum: IntArray, null: _Placebo, null_stratum: IntArray
) -> tuple[FloatArray, ...]:
    """Give p-values inside each stratum, NaN where there is none."""
    out = tuple(np.full(len(stratum), np.nan) for _ in z)
    for one in range(int(null_stratum.max(initial=-1)) + 1):
        mine, theirs = stratum == one, null_stratum == one
        if mine.any():
            held = null_kernel.Null.of(null.z[theirs], null.weight[theirs])
            for p, statistic in zip(out, z, strict=True):
                p[mine] = null_kernel.placebo_p(statistic[mine], held)
    return out
