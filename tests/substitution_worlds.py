"""Made-up panels: independent products with seasons, planted substitutions, leavers, maturities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from custvalue._typing import FloatArray, IntArray

MONTHS = 24
SEASON = np.ones(MONTHS)
SEASON[[5, 6, 11, 17, 18, 23]] = 4.0
SEASON[0] = 0.0
NEVER = 999


def _moment(rng: np.random.Generator, rate: float, active: FloatArray) -> IntArray:
    hazard = rate * SEASON[None, :] * active[:, None] / SEASON.mean()
    hit = rng.random((len(active), MONTHS)) < hazard
    return np.where(hit.any(axis=1), hit.argmax(axis=1), NEVER)


def monthly(
    seed: int,
    n: int = 400,
    *,
    moved: float = 0.0,
    kept: float = 0.0,
    leaving: float = 0.0,
    uneven: bool = False,
) -> pd.DataFrame:
    """Build a panel of the old products o1, o2 and the new products n1, n2 over 24 months.

    Openings and closings are independent and share the same seasons, but for: the share ``moved`` closes o1 and
    opens n1 within a month of each other; the share ``kept`` of those who open n1 never closes o1; the share
    ``leaving`` leaves the bank altogether at some moment. ``uneven``: some customers do everything more often.
    """
    rng = np.random.default_rng(seed)
    active = rng.gamma(2.0, 0.5, n) if uneven else np.ones(n)
    closed = {name: _moment(rng, 0.03, active) for name in ("o1", "o2")}
    opened = {name: _moment(rng, 0.03, active) for name in ("n1", "n2")}
    has = {name: rng.random(n) < 0.7 for name in closed}
    movers = rng.random(n) < moved
    when = rng.integers(3, 22, n)
    closed["o1"] = np.where(movers, when, closed["o1"])
    opened["n1"] = np.where(movers, when + rng.integers(-1, 2, n), opened["n1"])
    has["o1"] |= movers
    loyal = (opened["n1"] < NEVER) & (rng.random(n) < kept)
    closed["o1"] = np.where(loyal, NEVER, closed["o1"])
    left = np.where(rng.random(n) < leaving, rng.integers(2, MONTHS, n), NEVER)
    parts = []
    for name, when in closed.items():
        who = np.flatnonzero(has[name])
        parts.append((who, name, np.zeros(len(who), dtype=int), np.minimum(when, left)[who]))
    for name, when in opened.items():
        who = np.flatnonzero((when < MONTHS) & (when < left))
        parts.append((who, name, when[who], left[who]))
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "customer": who,
                    "product": name,
                    "opened": start,
                    "closed": np.where(end < MONTHS, end, np.nan),
                }
            )
            for who, name, start, end in parts
        ],
        ignore_index=True,
    )


def deposits(seed: int, n: int = 600, *, moved: float = 0.0) -> pd.DataFrame:
    """Build a panel of time deposits that mature once, half of them renewed, and of a fund.

    Money that comes free at the maturity is what opens the fund: one in four does so that month, whether the
    deposit is renewed or not. The share ``moved`` of those who do not renew opens it besides.
    """
    rng = np.random.default_rng(seed)
    matured = rng.integers(3, 22, n)
    renewed = rng.random(n) < 0.5
    opens = (rng.random(n) < 0.25) | (~renewed & (rng.random(n) < moved))
    who = np.flatnonzero(opens)
    old = pd.DataFrame(
        {
            "customer": np.arange(n),
            "product": "deposit",
            "opened": 0,
            "closed": np.where(renewed, np.nan, matured),
            "matured": matured.astype(float),
        }
    )
    new = pd.DataFrame({"customer": who, "product": "fund", "opened": matured[who], "closed": np.nan})
    return pd.concat([old, new.assign(matured=np.nan)], ignore_index=True)


def apart(seed: int, n: int = 2000, *, moved: float = 0.0) -> pd.DataFrame:
    """Build a panel of o1, which half of the customers have, and n1, which the other half have; one in ten both.

    Closings and openings are independent, but for the share ``moved`` of the holders of o1, who close it and open
    n1 in the same month.
    """
    rng = np.random.default_rng(seed)
    new_kind, mixed = rng.random(n) < 0.5, rng.random(n) < 0.1
    closed = np.where(rng.random(n) < 0.4, rng.integers(1, MONTHS, n), NEVER)
    opened = np.where(new_kind | mixed, rng.integers(1, MONTHS, n), NEVER)
    movers = ~new_kind & (rng.random(n) < moved)
    closed = np.where(movers, rng.integers(1, MONTHS, n), closed)
    opened = np.where(movers, closed, opened)
    old, new = np.flatnonzero(~new_kind | mixed), np.flatnonzero(opened < MONTHS)
    return pd.DataFrame(
        {
            "customer": np.r_[old, new],
            "product": ["o1"] * len(old) + ["n1"] * len(new),
            "opened": np.r_[np.zeros(len(old), dtype=int), opened[new]],
            "closed": np.r_[np.where(closed < MONTHS, closed, np.nan)[old], np.full(len(new), np.nan)],
        }
    )


def unlike(seed: int, kind: str, n: int = 500) -> pd.DataFrame:
    """Build a panel of o1, o2, n1 and n2 whose closings and openings are independent within each customer.

    ``busy``: a fifth of the customers does everything twenty times as often as the others. ``years``: half of the
    customers are active at the beginning, the others at the end. ``anniversary``: things are done about a year
    after the old products were opened; the column ``cohort`` holds that month.
    """
    rng = np.random.default_rng(seed)
    when = np.arange(MONTHS)[None, :]
    entry = np.full(n, -1)
    if kind == "busy":
        hazard = np.broadcast_to(0.03 * np.where(rng.random(n) < 0.2, 10.0, 0.5)[:, None], (n, MONTHS))
    elif kind == "years":
        hazard = 0.06 * np.exp(-np.where(rng.random(n)[:, None] < 0.5, when, MONTHS - 1 - when) / 6.0)
    else:
        entry = rng.integers(-12, 12, n)
        age = when - entry[:, None]
        hazard = np.where(age > 0, np.where(np.abs(age - 12) <= 1, 0.2, 0.01), 0.0)
    parts = []
    for name in ("o1", "o2", "n1", "n2"):
        hit = rng.random((n, MONTHS)) < hazard
        moment = np.where(hit.any(axis=1), hit.argmax(axis=1), NEVER)
        old = name in ("o1", "o2")
        who = np.flatnonzero((rng.random(n) < 0.8) if old else (moment < MONTHS))
        closed = np.where(old & (moment < MONTHS), moment, np.nan)
        columns = {"customer": who, "product": name, "opened": (entry if old else moment)[who]}
        parts.append(pd.DataFrame(columns | {"closed": closed[who], "cohort": entry[who]}))
    return pd.concat(parts, ignore_index=True)
