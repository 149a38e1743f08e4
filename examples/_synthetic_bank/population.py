"""Who the customers of the synthetic bank are, and what they secretly do: types, wallets, money moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from _synthetic_bank.tables import (
    ACTIVITY_SHAPE,
    CONNECTED,
    REGIONS,
    SHARE_CONCENTRATION,
    SIGNED,
    SPONTANEOUS,
    TYPE_NAMES,
    TYPES,
)

if TYPE_CHECKING:
    from _synthetic_bank.periods import BoolArray, Calendar, FloatArray, IntArray

FIRST_ID = 100_001


@dataclass(frozen=True)
class Plan:
    """The settings of `make_bank`, checked and completed; months are counted from 0, ranges are half-open."""

    n_transactions: int
    n_customers: int
    months: int
    new_customer_share: float
    leak_share: float
    gain_share: float
    shock: tuple[int, int]
    shock_size: float
    campaign_month: int
    effect_months: int
    campaign_share: float
    holdout_share: float
    campaign_uplift: float
    survey_share: float

    def __post_init__(self) -> None:
        """Refuse settings outside their range."""
        shares = (
            "new_customer_share",
            "leak_share",
            "gain_share",
            "campaign_share",
            "holdout_share",
            "survey_share",
        )
        for name in shares:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}")
        if not 0 <= self.shock_size <= 0.75:
            raise ValueError(f"shock_size must lie in [0, 0.75], got {self.shock_size}")
        if not 0 <= self.shock[0] < self.shock[1] <= self.months:
            raise ValueError(f"shock must be months [low, high) of the period, got {self.shock}")
        if not (5 <= self.campaign_month < self.months - 1 and self.effect_months >= 1):
            raise ValueError("campaign_month must lie in [5, months - 2] and effect_months be at least 1")
        if not self.campaign_uplift > -1:
            raise ValueError(f"campaign_uplift must exceed -1, got {self.campaign_uplift}")

    @property
    def effect(self) -> tuple[int, int]:
        """Months in which the campaign works."""
        return self.campaign_month + 1, min(self.campaign_month + 1 + self.effect_months, self.months)


@dataclass(frozen=True, eq=False)
class Population:
    """One entry per customer in every array of shape (n,); `branch_region`, `manager_*` describe the bank.

    A month of -1 means never. `open_day` is counted from the first day of the period, negative before it, and
    `open_month` is -1 for it.
    """

    type: IntArray
    branch: IntArray
    manager: IntArray
    age: IntArray
    digital: FloatArray
    activity: FloatArray
    open_day: IntArray
    open_month: IntArray
    wallet_spend: FloatArray
    wallet_balance: FloatArray
    share: FloatArray
    leak_month: IntArray
    leaked_share: FloatArray
    gain_month: IntArray
    gained_share: FloatArray
    branch_region: IntArray
    manager_branch: IntArray
    manager_attempts: FloatArray
    manager_skill: FloatArray

    def __len__(self) -> int:
        return len(self.type)

    @property
    def customer_id(self) -> IntArray:
        """Keys of the customers."""
        return FIRST_ID + np.arange(len(self), dtype=np.int64)

    @property
    def region(self) -> IntArray:
        """Region of the branch of each customer."""
        return self.branch_region[self.branch]

    @property
    def own_spend(self) -> FloatArray:
        """Expected monthly spending at this bank before any move, without season and shock."""
        return self.share * self.wallet_spend

    @property
    def share_end(self) -> FloatArray:
        """Share of wallet after the moves."""
        return self.share * (1 - self.leaked_share) * (1 + self.gained_share)

    @property
    def moves_month(self) -> IntArray:
        """Month of the move away or in, -1 for never."""
        return np.maximum(self.leak_month, self.gain_month)

    def of_type(self, column: str) -> FloatArray:
        """Return a column of `TYPES` for each customer."""
        return TYPES[column].to_numpy()[self.type]

    def response_probability(self) -> FloatArray:
        """Return the probability of taking the campaign's offer if treated."""
        m = self.manager
        asked = self.manager_attempts[m] * CONNECTED * self.interest_probability() * SIGNED
        return SPONTANEOUS + (1 - SPONTANEOUS) * asked

    def interest_probability(self) -> FloatArray:
        """Return the probability of interest once reached: the type's appeal times the manager's skill."""
        return np.minimum(self.of_type("appeal") * self.manager_skill[self.manager], 1.0)

    def moves(self, months: int) -> FloatArray:
        """Return the factor of shape (n, months) that moves put on all flows from the month after them."""
        month = np.arange(months)
        factor = np.ones((len(self), months))
        for since, change in ((self.leak_month, -self.leaked_share), (self.gain_month, self.gained_share)):
            movers = np.flatnonzero(since >= 0)
            factor[movers] += np.where(month > since[movers, None], change[movers, None], 0.0)
        return factor


def _organisation(n: int, rng: np.random.Generator) -> dict[str, IntArray | FloatArray]:
    """Draw branches and managers: one per 150 customers (4 to 60), one per 60 (2 to 12 a branch)."""
    branches = int(np.clip(n // 150, 4, 60))
    managers = int(np.clip(round(n / branches / 60), 2, 12))
    return {
        "branch_region": np.arange(branches) % len(REGIONS),
        "manager_branch": np.repeat(np.arange(branches), managers),
        "manager_attempts": rng.beta(12, 2, branches * managers),
        "manager_skill": rng.gamma(30, 1 / 30, branches * managers),
    }


def _types(branch: IntArray, branches: int, rng: np.random.Generator) -> IntArray:
    """Draw types; each branch has its own mix, tilted by normal log factors of sd 0.4."""
    mix = TYPES["population_share"].to_numpy() * np.exp(rng.normal(-0.08, 0.4, (branches, len(TYPES))))
    running = np.cumsum(mix / mix.sum(axis=1, keepdims=True), axis=1)[:, :-1]
    drawn = rng.random(len(branch))[:, None] > running[branch]
    return np.asarray(drawn.sum(axis=1), dtype=np.int64)


def _open_days(age: IntArray, calendar: Calendar, new_share: float, rng: np.random.Generator) -> IntArray:
    """Open a share of the accounts evenly in the period but for its last two months, the others before it."""
    n = len(age)
    years = np.minimum(rng.exponential(6.0, n), age - 14.0)
    before = -1 - (years * 365.25).astype(np.int64)
    during = rng.integers(0, calendar.first_day[-3], n)
    return np.where(rng.random(n) < new_share, during, before)


def _movers(
    n: int, eligible: BoolArray, months: int, plan: Plan, rng: np.random.Generator
) -> tuple[IntArray, FloatArray, IntArray, FloatArray]:
    """Choose who moves money away and who brings money in, when and how much."""
    candidates = rng.permutation(np.flatnonzero(eligible))
    leaks, gains = round(plan.leak_share * n), round(plan.gain_share * n)
    if leaks + gains > len(candidates):
        raise ValueError("leak_share + gain_share exceed the customers who were here before the period")
    leak_month, gain_month = np.full(n, -1), np.full(n, -1)
    leaked, gained = np.zeros(n), np.zeros(n)
    window = max(6, months // 4), months - 4
    away, into = candidates[:leaks], candidates[leaks : leaks + gains]
    leak_month[away] = rng.integers(*window, leaks, endpoint=True)
    gain_month[into] = rng.integers(*window, gains, endpoint=True)
    leaked[away] = rng.uniform(0.4, 0.9, leaks)
    gained[into] = rng.uniform(0.5, 1.5, gains)
    return leak_month, leaked, gain_month, gained


def make_population(plan: Plan, calendar: Calendar, rng: np.random.Generator) -> Population:
    """Draw the customers; the equations stand in the notes of `make_bank`."""
    n = plan.n_customers
    bank = _organisation(n, rng)
    regions, desks = bank["branch_region"], bank["manager_branch"]
    branches = len(regions)
    branch = rng.choice(branches, n, p=rng.dirichlet(np.full(branches, 8.0)))
    per_branch = len(desks) // branches
    manager = branch * per_branch + rng.integers(0, per_branch, n)
    kind = _types(branch, branches, rng)
    table = {name: TYPES[name].to_numpy()[kind] for name in TYPES}
    age = np.clip(np.rint(rng.normal(table["age_mean"], table["age_sd"])), 18, 95).astype(np.int64)
    open_day = _open_days(age, calendar, plan.new_customer_share, rng)
    wallet = table["wallet_spend"] * np.exp(table["wallet_sigma"] * rng.standard_normal(n))
    wallet *= REGIONS["wallet_factor"].to_numpy()[regions[branch].astype(np.int64)]
    mean = table["share_of_wallet"]
    share = np.maximum(rng.beta(mean * SHARE_CONCENTRATION, (1 - mean) * SHARE_CONCENTRATION), 0.01)
    balance = wallet * table["balance_months"] * np.exp(0.4 * rng.standard_normal(n) - 0.08)
    eligible = (open_day < 0) & (kind != TYPE_NAMES.index("dormant"))
    leak_month, leaked, gain_month, gained = _movers(n, eligible, calendar.months, plan, rng)
    gained = np.minimum(gained, 1 / share - 1)  # nobody has more than the whole wallet here
    return Population(
        type=kind,
        branch=branch,
        manager=manager,
        age=age,
        digital=rng.beta(6 * table["digital"], 6 * (1 - table["digital"])),
        activity=rng.gamma(ACTIVITY_SHAPE, 1 / ACTIVITY_SHAPE, n),
        open_day=open_day,
        open_month=calendar.month_of(open_day),
        wallet_spend=wallet,
        wallet_balance=balance,
        share=share,
        leak_month=leak_month,
        leaked_share=leaked,
        gain_month=gain_month,
        gained_share=gained,
        branch_region=regions.astype(np.int64),
        manager_branch=desks.astype(np.int64),
        manager_attempts=bank["manager_attempts"].astype(np.float64),
        manager_skill=bank["manager_skill"].astype(np.float64),
    )


def names(prefix: str, count: int) -> list[str]:
    """Return `prefix_01`, `prefix_02`, ..., all of the same length."""
    width = max(2, len(str(count)))
    return [f"{prefix}_{i + 1:0{width}d}" for i in range(count)]


def category(codes: npt.NDArray[np.integer], values: tuple[str, ...]) -> pd.Categorical[str]:
    """Name the codes; -1 is null."""
    return pd.Categorical.from_codes(np.asarray(codes, dtype=np.int8), categories=pd.Index(values))


def customer_frame(people: Population, calendar: Calendar) -> pd.DataFrame:
    """Return what the bank knows of its customers."""
    branches = np.array(names("branch", len(people.branch_region)), dtype=object)
    managers = np.array(names("manager", len(people.manager_branch)), dtype=object)
    regions = np.array(REGIONS.index, dtype=object)
    return pd.DataFrame(
        {
            "customer_id": people.customer_id,
            "opened": calendar.dates(people.open_day),
            "branch": branches[people.branch],
            "manager": managers[people.manager],
            "age": people.age,
            "region": regions[people.region],
        }
    ).astype({"branch": "str", "manager": "str", "region": "str"})
