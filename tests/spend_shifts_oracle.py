"""The screening of spending in plain Python, customer by customer, from the formulas of its docstring."""

from __future__ import annotations

import math
import statistics
from typing import NamedTuple

OFFSET, PRIOR, FLOOR, ALIKE, RARE = 0.05, 4.0, 1e-3, 100, 0.01


class Rules(NamedTuple):
    """What the analyst decides."""

    recent: int
    baseline: int
    q: float
    min_change: float
    min_active: float
    min_peers: int
    min_null: int
    lasting_shifts: str
    central_matching: bool


class Panel(NamedTuple):
    """Amounts, their peer-adjusted logarithms, and the peers themselves."""

    amounts: list[list[float]]
    groups: list[int]
    usual: list[float]
    adjusted: list[list[float]]
    factor: dict[tuple[int, int], float]
    members: dict[tuple[int, int], int]


class Row(NamedTuple):
    """What one customer has in one window."""

    level: float
    low: float
    high: float
    spread: float
    idle: int
    idle_recent: int
    clear: bool


class Window(NamedTuple):
    """Places of the months, and the rows of all customers with their scales."""

    tested: list[int]
    before: list[int]
    rows: list[Row]
    scales: list[float]
    fall_weights: list[float]
    gain_weights: list[float]

    def chance(self) -> list[tuple[Row, float, float, float]]:
        """Give row, scale and both weights of who speaks for chance."""
        columns = zip(self.rows, self.scales, self.fall_weights, self.gain_weights, strict=True)
        return [one for one in columns if one[0].clear]


class Screened(NamedTuple):
    """p-values (NaN where not tested) and expected money of every customer."""

    p_fall: list[float]
    p_gain: list[float]
    expected: list[float]


def classes(counts: list[int] | list[float], smallest: int) -> list[int]:
    """Join neighbours until each class holds enough."""
    out, stratum, held = [], 0, 0.0
    for place, count in enumerate(counts):
        if held >= smallest and sum(counts[place:]) >= smallest:
            stratum, held = stratum + 1, 0.0
        out.append(stratum)
        held += count
    return out


def against_peers(amounts: list[list[float]], groups: list[int]) -> Panel:
    """Take each group's median month off the logarithms."""
    months = range(len(amounts[0]))
    usual = [statistics.median([y for y in row if y > 0.0] or [0.0]) for row in amounts]
    x = [[math.log(y / (m or 1.0) + OFFSET) for y in row] for row, m in zip(amounts, usual, strict=True)]
    known = {
        (g, t): [x[i][t] for i, row in enumerate(amounts) if groups[i] == g and row[t] > 0.0]
        for g in set(groups)
        for t in months
    }
    factor = {key: statistics.median(values) if values else math.log1p(OFFSET) for key, values in known.items()}
    adjusted = [[x[i][t] - factor[g, t] for t in months] for i, g in enumerate(groups)]
    return Panel(amounts, groups, usual, adjusted, factor, {key: len(values) for key, values in known.items()})


def row_of(panel: Panel, i: int, tested: list[int], before: list[int], rules: Rules) -> Row:
    """Compute level, changes and spread of one customer in one window."""
    own, a = panel.amounts[i], panel.adjusted[i]
    known = [a[t] for t in before if own[t] > 0.0]
    idle, idle_recent = len(before) - len(known), sum(own[t] == 0.0 for t in tested)
    first = next((t for t, y in enumerate(own) if y > 0.0), len(own))
    peers = min(panel.members[panel.groups[i], t] for t in before + tested) >= rules.min_peers
    clear = len(known) >= max(2, rules.min_active * len(before)) and first <= before[0] and peers
    if len(known) < 2:
        return Row(math.nan, math.nan, math.nan, math.nan, idle, idle_recent, clear=False)
    level = statistics.median(known)
    low, high = (extreme([a[t] for t in tested]) - level for extreme in (max, min))
    low, high = (0.0 if abs(d) < 1e-9 else d for d in (low, high))
    return Row(level, low, high, statistics.stdev(known), idle, idle_recent, clear)


def scales_of(rows: list[Row], length: int) -> list[float]:
    """Draw each spread towards the median one of those with alike idle months."""
    joined = classes([sum(r.clear and r.idle == k for r in rows) for k in range(length + 1)], ALIKE)
    out = []
    for r in rows:
        if not r.clear:
            out.append(math.nan)
            continue
        g = statistics.median([o.spread for o in rows if o.clear and joined[o.idle] == joined[r.idle]])
        w = length - r.idle
        out.append(max(math.sqrt((PRIOR * g * g + (w - 1) * r.spread**2) / (PRIOR + w - 1)), FLOOR))
    return out


def hampel_limit(moved: dict[int, float]) -> float:
    """Give median + 3 x 1.4826 MAD, from 0."""
    middle = statistics.median(moved.values())
    return max(middle + 3.0 * 1.4826 * statistics.median(abs(v - middle) for v in moved.values()), 0.0)


def unmirrored(moved: dict[int, float], limit: float, mirror: dict[int, float], n: int) -> list[float]:
    """Weigh what lies beyond the limit: from the largest down, at most 1 + as many as the other way."""
    weights, given = [1.0] * n, 0
    for size in sorted({v for v in moved.values() if v > limit}, reverse=True):
        equal = [i for i, v in moved.items() if v == size]
        allowed = 1 + sum(v >= size for v in mirror.values())
        share = min(len(equal), allowed - given)
        given += share
        for i in equal:
            weights[i] = share / len(equal)
    return weights


def weighted(panel: Panel, window: Window) -> Window:
    """Weigh the windows by what the months after them, and the last ones, say."""
    k = len(window.tested)
    last = len(panel.adjusted[0])
    months = [t + k for t in window.tested] + list(range(last - k, last))
    falls, gains = {}, {}
    for i, (r, s) in enumerate(zip(window.rows, window.scales, strict=True)):
        if r.clear:
            after = [panel.adjusted[i][t] for t in months]
            changes = r.level - max(after), min(after) - r.level
            falls[i], gains[i] = ((0.0 if abs(d) < 1e-9 else d) / s for d in changes)
    if not falls:
        return window
    n, limits = len(window.rows), (hampel_limit(falls), hampel_limit(gains))
    for i in falls:
        if not any(panel.amounts[i][t] > 0.0 for t in months):
            falls[i] = math.inf
    down, up = unmirrored(falls, limits[0], gains, n), unmirrored(gains, limits[1], falls, n)
    return window._replace(fall_weights=down, gain_weights=up)


def windows_of(panel: Panel, closed: set[int], rules: Rules) -> list[Window]:
    """Go back from the end, `recent` months at a time."""
    months = len(panel.amounts[0])
    out: list[Window] = []
    for end in range(months, rules.recent + rules.baseline - 1, -rules.recent):
        start = end - rules.recent
        tested = list(range(start, end))
        before = [t for t in range(start - rules.baseline, start) if t not in closed]
        if end == months or (not closed & set(tested) and 2 * len(before) >= rules.baseline):
            rows = [row_of(panel, i, tested, before, rules) for i in range(len(panel.amounts))]
            ones = [1.0] * len(rows)
            window = Window(tested, before, rows, scales_of(rows, len(before)), ones, ones)
            discount = out and rules.lasting_shifts == "discount"
            out.append(weighted(panel, window) if discount else window)
    return out


def strata_of(windows: list[Window], rules: Rules) -> dict[tuple[int, int], int]:
    """Number the strata by idle months before and in the tested ones; -1 where a stop is usual."""
    weights = [[0.0] * (rules.recent + 1) for _ in range(rules.baseline + 1)]
    whole = [[0] * (rules.recent + 1) for _ in range(rules.baseline + 1)]
    for window in windows[1:]:
        for r, _, weight, _ in window.chance():
            weights[r.idle][r.idle_recent] += weight
            whole[r.idle][r.idle_recent] += weight == 1.0
    weights = [[round(one, 6) for one in row] for row in weights]
    by_row = classes([sum(c) for c in weights], rules.min_null)
    stratum, last = {}, 0
    for one in range(max(by_row) + 1):
        mine = [k for k, other in enumerate(by_row) if other == one]
        held = [sum(weights[k][j] for k in mine) for j in range(rules.recent + 1)]
        usual_stop = sum(whole[k][-1] for k in mine) > RARE * rules.q * sum(held)
        columns = classes(held[:-1] if usual_stop else held, rules.min_null)
        for k in mine:
            for j in range(rules.recent + 1):
                stratum[k, j] = last + columns[j] if j < len(columns) else -1
        last += max(columns) + 1
    return stratum


def affine(tested: list[float], earlier: list[float]) -> tuple[float, float]:
    """Give factor and constant that put the median and the middle half of the one on those of the other."""
    (a, b, c), (d, e, f) = (statistics.quantiles(z, n=4, method="inclusive") for z in (tested, earlier))
    factor = (f - d) / (c - a)
    return factor, e - factor * b


def share_as_low(value: float, null: list[tuple[float, float]]) -> float:
    """Give (1 + #{null <= z}) / (M + 1), each counted by its weight."""
    as_low = math.fsum(weight for one, weight in null if one <= value)
    return (1.0 + as_low) / (math.fsum(weight for _, weight in null) + 1.0)


def screen(amounts: list[list[float]], groups: list[int], closed: set[int], rules: Rules) -> Screened:
    """Compute every p-value by the formulas."""
    panel = against_peers(amounts, groups)
    windows = windows_of(panel, closed, rules)
    stratum = strata_of(windows, rules)
    fall, gain = -math.log1p(-rules.min_change / (1 + OFFSET)), math.log1p(rules.min_change / (1 + OFFSET))
    tested, before = windows[0].tested, windows[0].before
    matched = [(1.0, 0.0), (1.0, 0.0)]
    if rules.central_matching:
        now, earlier = (
            [
                (r.low / s, -r.high / s)
                for w in some
                for r, s, _, _ in w.chance()
                if stratum[r.idle, r.idle_recent] >= 0 and r.spread > 1e-9
            ]
            for some in (windows[:1], windows[1:])
        )
        matched = [affine([one[side] for one in now], [one[side] for one in earlier]) for side in (0, 1)]
    out = Screened([], [], [])
    for i, (r, s) in enumerate(zip(windows[0].rows, windows[0].scales, strict=True)):
        path = [panel.factor[groups[i], t] for t in tested]
        share = 1.0 - r.idle / len(before)
        levels = [max(math.exp(r.level + f) - OFFSET, 0.0) for f in path]
        out.expected.append(panel.usual[i] * share * statistics.fmean(levels))
        mine = stratum[r.idle, r.idle_recent]
        if not r.clear or mine < 0:
            out.p_fall.append(math.nan)
            out.p_gain.append(math.nan)
            continue
        alike = [
            ((o.low / w, fall_weight), (-o.high / w, gain_weight))
            for window in windows[1:]
            for o, w, fall_weight, gain_weight in window.chance()
            if stratum[o.idle, o.idle_recent] == mine
        ]
        lows, highs = [low for low, _ in alike], [high for _, high in alike]
        stop = math.log(OFFSET) - min(path) - r.level
        (times, plus), (times_gain, plus_gain) = matched if r.spread > 1e-9 else [(1.0, 0.0)] * 2
        hopeless = share_as_low(plus + times * (stop + fall) / s, lows) > rules.q
        out.p_fall.append(math.nan if hopeless else share_as_low(plus + times * (r.low + fall) / s, lows))
        out.p_gain.append(share_as_low(plus_gain + times_gain * (gain - r.high) / s, highs))
    return out


def benjamini_hochberg(p: list[float]) -> list[float]:
    """Adjust by the definition: the smallest over j >= i of m p_(j) / j."""
    known = sorted(one for one in p if not math.isnan(one))
    m = len(known)
    stepped = [min(min(1.0, m * known[j] / (j + 1)) for j in range(i, m)) for i in range(m)]
    return [math.nan if math.isnan(one) else stepped[known.index(one)] for one in p]
