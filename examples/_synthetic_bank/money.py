"""How often each customer acts and how much money that moves, before anything is drawn row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from _synthetic_bank.tables import INCOME_LIMIT, KIND_SHAPE, REGIONS, SCHEDULED_LIMIT

if TYPE_CHECKING:
    from _synthetic_bank.periods import BoolArray, Calendar, FloatArray, IntArray
    from _synthetic_bank.population import Plan, Population

ACTIVE_KINDS = ("cash_deposit", "cash_withdrawal", "transfer_in", "transfer_out", "card_payment")
"""The kinds a customer initiates, in the order of `tables.KINDS`."""
INFLOWS = (True, False, True, False, False)
SWEEP_ROWS = 3
"""Transfers by which a customer who moves takes the balance along."""


@dataclass(frozen=True, eq=False)
class Budget:
    """Expectations of each customer.

    Attributes
    ----------
    has_income, has_standing, has_interest, has_fee : ndarray of shape (n,)
        Which monthly rows the customer has.
    income, standing : ndarray of shape (n,)
        Money a month in the salary or pension and in the standing order.
    money, rate : ndarray of shape (5, n)
        Money and rows a month in each of `ACTIVE_KINDS`; the rates are relative.
    spend, inflow : ndarray of shape (n, months)
        Factor of each month on the money that a customer spends and takes in: season x shock x moves.
    exposure : ndarray of shape (n, months)
        Part of the month in which the account is open, counted in whole days after the opening.
    """

    has_income: BoolArray
    has_standing: BoolArray
    has_interest: BoolArray
    has_fee: BoolArray
    income: FloatArray
    standing: FloatArray
    money: FloatArray
    rate: FloatArray
    spend: FloatArray
    inflow: FloatArray
    exposure: FloatArray

    def factor(self, kind: int) -> FloatArray:
        """Return the monthly factor on the money of a kind."""
        return self.inflow if INFLOWS[kind] else self.spend

    def card_spend(self, months: tuple[int, int]) -> FloatArray:
        """Return the expected card payments of a whole month, averaged over the months [low, high)."""
        card = ACTIVE_KINDS.index("card_payment")
        factor = self.spend[:, slice(*months)].mean(axis=1)
        return np.asarray(self.money[card] * factor, dtype=np.float64)


def shock_factor(plan: Plan, regions: IntArray) -> FloatArray:
    """Return the factor of the macro shock on spending, of shape (len(regions), months)."""
    size = np.minimum(plan.shock_size * REGIONS["shock_multiplier"].to_numpy(), 0.95)[regions]
    factor = np.ones((len(regions), plan.months))
    factor[:, slice(*plan.shock)] -= size[:, None]
    return factor


def _scheduled(people: Population, plan: Plan, rng: np.random.Generator) -> dict[str, BoolArray]:
    """Choose who has income, standing order, interest and fee, within `SCHEDULED_LIMIT` of the rows.

    Income is never cut, but refused above `INCOME_LIMIT`. Each customer keeps each of the others with the
    probability that meets the limit.
    """
    n = len(people)
    names = ("income", "standing_orders", "interest", "fee")
    has = {name: rng.random(n) < people.of_type(f"with_{name}") for name in names}
    months = plan.months - 1 - people.open_month
    fixed = n + SWEEP_ROWS * np.count_nonzero(people.moves_month >= 0) + months[has["income"]].sum()
    left = max(SCHEDULED_LIMIT * plan.n_transactions - fixed, 0)
    if fixed > INCOME_LIMIT * plan.n_transactions:
        raise ValueError(
            f"n_transactions={plan.n_transactions} is too small for {n} customers over {plan.months} months: "
            "their incomes alone fill it; ask for more rows, fewer months or more rows_per_customer"
        )
    wanted = sum(int(months[has[name]].sum()) for name in names[1:])
    keep = min(1.0, left / max(wanted, 1))
    for name in names[1:]:
        has[name] &= rng.random(n) < keep
    return has


def _rates(people: Population, taste: FloatArray) -> FloatArray:
    """Return rows a month, relative: type x (own spend / the type's)^0.5 x gamma activity x gamma taste."""
    typical = people.of_type("wallet_spend") * people.of_type("share_of_wallet")
    size = np.sqrt(people.own_spend / typical) * people.activity
    base = np.stack([people.of_type(f"rows_{kind}") for kind in ACTIVE_KINDS])
    return np.maximum(base * size * taste, 1e-4)


def _money(
    people: Population, has: dict[str, BoolArray], taste: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Split the monthly inflow and outflow over income, standing order and, by taste, the active kinds."""
    outflow = people.own_spend
    inflow = outflow * (1 + people.of_type("saving"))
    income = np.where(has["income"], inflow * people.of_type("income_part"), 0.0)
    standing = np.where(has["standing_orders"], outflow * people.of_type("standing_part"), 0.0)
    money = taste * np.stack([people.of_type(f"money_{kind}") for kind in ACTIVE_KINDS])
    is_in = np.array(INFLOWS)
    money[is_in] *= (inflow - income) / money[is_in].sum(axis=0)
    money[~is_in] *= (outflow - standing) / money[~is_in].sum(axis=0)
    return income, standing, money


def _exposure(people: Population, calendar: Calendar) -> FloatArray:
    """Return the part of each month left after the opening day."""
    low, high = calendar.first_day[:-1], calendar.first_day[1:]
    part = (high - (people.open_day[:, None] + 1)) / (high - low)
    return np.clip(part, 0.0, 1.0)


def make_budget(people: Population, calendar: Calendar, plan: Plan, rng: np.random.Generator) -> Budget:
    """Draw what each customer does regularly and compute the expectations of every month."""
    has = _scheduled(people, plan, rng)
    taste = rng.gamma(KIND_SHAPE, 1 / KIND_SHAPE, (len(ACTIVE_KINDS), len(people)))
    income, standing, money = _money(people, has, taste)
    moves = people.moves(plan.months)
    return Budget(
        has_income=has["income"],
        has_standing=has["standing_orders"],
        has_interest=has["interest"],
        has_fee=has["fee"],
        income=income,
        standing=standing,
        money=money,
        rate=_rates(people, taste),
        spend=moves * calendar.spend_season * shock_factor(plan, people.region),
        inflow=moves * calendar.inflow_season,
        exposure=_exposure(people, calendar),
    )
