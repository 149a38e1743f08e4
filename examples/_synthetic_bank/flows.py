"""The transactions of the synthetic bank, drawn row by row, with balances kept plausible."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pandas as pd

from _synthetic_bank.money import ACTIVE_KINDS, SWEEP_ROWS, Budget
from _synthetic_bank.periods import SECONDS, BoolArray, Calendar, FloatArray, IntArray
from _synthetic_bank.population import Plan, Population, category
from _synthetic_bank.tables import (
    CHANNELS,
    CREDIT_KINDS,
    KINDS,
    MONTHLY_FEE,
    ORIGINS,
    PARTNERS,
    SIDES,
    YEARLY_INTEREST,
)

CodeArray = npt.NDArray[np.int8]

KIND = {name: code for code, name in enumerate(KINDS)}
CHANNEL = {name: code for code, name in enumerate(CHANNELS)}
CUSTOMER, STANDING_ORDER, SYSTEM = range(len(ORIGINS))
THIS_BANK, OTHER_BANK = range(len(PARTNERS))
NONE = -1

CHANNEL_CHOICE = {
    # kind: channels, and the probability of the first two as (constant, slope in the digital habit)
    "cash_deposit": (("counter", "atm", "atm"), (0.8, -0.6), (0.0, 0.0)),
    "cash_withdrawal": (("counter", "atm", "atm"), (0.6, -0.6), (0.0, 0.0)),
    "transfer_in": (("counter", "online", "mobile"), (0.6, -0.6), (0.2, 0.1)),
    "transfer_out": (("counter", "online", "mobile"), (0.6, -0.6), (0.2, 0.1)),
    "card_payment": (("pos", "online", "mobile"), (1.0, -0.6), (0.0, 0.3)),
}


@dataclass(frozen=True, eq=False)
class Rows:
    """Transactions as columns of codes; `cell` is customer x months + month, `second` counts from the start."""

    cell: npt.NDArray[np.int32]
    kind: CodeArray
    channel: CodeArray
    origin: CodeArray
    partner: CodeArray
    second: IntArray
    amount: FloatArray

    def __len__(self) -> int:
        return len(self.cell)


def _rows(
    cell: npt.NDArray[np.integer],
    kind: str,
    second: IntArray,
    amount: FloatArray,
    *,
    origin: int,
    channel: CodeArray | None = None,
    partner: CodeArray | None = None,
) -> Rows:
    """Make rows of one kind and origin; no channel and no partner unless given."""
    n = len(cell)
    empty = np.full(n, NONE, dtype=np.int8)
    return Rows(
        cell=cell.astype(np.int32),
        kind=np.full(n, KIND[kind], dtype=np.int8),
        channel=empty if channel is None else channel,
        origin=np.full(n, origin, dtype=np.int8),
        partner=empty if partner is None else partner,
        second=second,
        amount=amount,
    )


def _join(parts: list[Rows]) -> Rows:
    """Put rows one after the other."""
    return Rows(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Rows)))


def _partners(other: BoolArray) -> CodeArray:
    return np.where(other, OTHER_BANK, THIS_BANK).astype(np.int8)


def _whole_months(people: Population, has: BoolArray, months: int) -> tuple[IntArray, IntArray]:
    """Return customer and month of every month after the one of the opening."""
    customer, month = np.nonzero((np.arange(months) > people.open_month[:, None]) & has[:, None])
    return customer, month


def _openings(people: Population, calendar: Calendar, rng: np.random.Generator) -> list[Rows]:
    """Bring the balance forward on the first day, or pay in the first money at the counter on the opening day."""
    balance = people.share * people.wallet_balance
    old, new = np.flatnonzero(people.open_day < 0), np.flatnonzero(people.open_day >= 0)
    counter = np.full(len(new), CHANNEL["counter"], dtype=np.int8)
    second = people.open_day[new] * SECONDS + rng.integers(9 * 3600, 17 * 3600, len(new))
    cell = new * calendar.months + people.open_month[new]
    return [
        _rows(old * calendar.months, "transfer_in", np.zeros(len(old), np.int64), balance[old], origin=SYSTEM),
        _rows(cell, "cash_deposit", second, balance[new], origin=CUSTOMER, channel=counter),
    ]


def _payments(people: Population, calendar: Calendar, budget: Budget, rng: np.random.Generator) -> list[Rows]:
    """Salaries, pensions and standing orders: one row a month each, on the customer's day."""
    n, months = len(people), calendar.months
    moves = people.moves(months)
    pay_day = rng.choice([5, 10, 15, 25], n, p=[0.2, 0.3, 0.25, 0.25])
    order_day = np.minimum(pay_day + rng.integers(1, 4, n), 28)
    income_from, order_to = rng.random(n) < 0.7, rng.random(n) < 0.5
    result = []
    customer, month = _whole_months(people, budget.has_income, months)
    wobble = np.exp(0.03 * rng.standard_normal(len(customer)) - 0.03**2 / 2)
    second = calendar.working_day(month, pay_day[customer]) * SECONDS + rng.integers(0, 6 * 3600, len(customer))
    amount = budget.income[customer] * moves[customer, month] * wobble
    partner = _partners(income_from[customer])
    result.append(
        _rows(customer * months + month, "transfer_in", second, amount, origin=STANDING_ORDER, partner=partner)
    )
    customer, month = _whole_months(people, budget.has_standing, months)
    day = calendar.first_day[month] + order_day[customer] - 1
    second = day * SECONDS + rng.integers(0, 6 * 3600, len(customer))
    amount = budget.standing[customer] * moves[customer, month]
    partner = _partners(order_to[customer])
    result.append(
        _rows(customer * months + month, "transfer_out", second, amount, origin=STANDING_ORDER, partner=partner)
    )
    return result


def _system(people: Population, calendar: Calendar, budget: Budget) -> list[Rows]:
    """Interest and fee late on the last day of every month after the opening; interest amounts come later."""
    result = []
    for kind, has, clock in (
        ("interest", budget.has_interest, 23 * 3600 + 3000),
        ("fee", budget.has_fee, 23 * 3600 + 3300),
    ):
        customer, month = _whole_months(people, has, calendar.months)
        second = (calendar.first_day[month + 1] - 1) * SECONDS + clock
        amount = np.full(len(customer), MONTHLY_FEE)
        result.append(_rows(customer * calendar.months + month, kind, second, amount, origin=SYSTEM))
    return result


def _sweeps(people: Population, calendar: Calendar, rng: np.random.Generator) -> Rows:
    """Transfers to or from another bank in the month of the move; amounts, parts of the balance, come later."""
    customer = np.repeat(np.flatnonzero(people.moves_month >= 0), SWEEP_ROWS)
    month = people.moves_month[customer]
    channel = np.full(len(customer), CHANNEL["online"], dtype=np.int8)
    second = calendar.draw_seconds(rng, channel, calendar.first_day[month], calendar.first_day[month + 1])
    rows = _rows(
        customer * calendar.months + month,
        "transfer_out",
        second,
        np.zeros(len(customer)),
        origin=CUSTOMER,
        channel=channel,
        partner=np.full(len(customer), OTHER_BANK, dtype=np.int8),
    )
    rows.kind[people.gain_month[customer] >= 0] = KIND["transfer_in"]
    return rows


def _channels(kind: str, digital: FloatArray, rng: np.random.Generator) -> CodeArray:
    """Draw the channel of each row after the customer's digital habit."""
    channels, first, second = CHANNEL_CHOICE[kind]
    point = rng.random(len(digital))
    to_first = first[0] + first[1] * digital
    chosen = (point >= to_first).astype(np.int64) + (point >= to_first + second[0] + second[1] * digital)
    return np.array([CHANNEL[name] for name in channels], dtype=np.int8)[chosen]


def _active(
    people: Population, calendar: Calendar, budget: Budget, lift: FloatArray, n_rows: int, rng: np.random.Generator
) -> list[Rows]:
    """Draw exactly `n_rows` rows that customers initiate: Poisson counts given their total.

    A month's factor works by its square root on the number of rows and on their amount, so in full on the money.
    `lift` of shape (n, months) is the factor of the campaign on card payments.
    """
    roots = [np.sqrt(budget.factor(kind)) for kind in range(len(ACTIVE_KINDS))]
    roots[-1] = roots[-1] * np.sqrt(lift)
    means = [budget.rate[kind][:, None] * roots[kind] * budget.exposure for kind in range(len(ACTIVE_KINDS))]
    total = float(sum(mean.sum() for mean in means))
    surplus = (n_rows + 6 * np.sqrt(n_rows) + 20) / total
    counts = [rng.poisson(surplus * mean).ravel() for mean in means]
    drawn = int(sum(count.sum() for count in counts))
    if drawn < n_rows:  # six standard deviations: never seen
        raise RuntimeError("the draw came out too short; take another random_state")
    kept = np.ones(drawn, dtype=np.bool_)
    kept[rng.choice(drawn, drawn - n_rows, replace=False, shuffle=False)] = False
    result, scale, at = [], n_rows / total, 0
    for kind, count in enumerate(counts):
        size = int(count.sum())
        cell = np.repeat(np.arange(len(count), dtype=np.int32), count)[kept[at : at + size]]
        at += size
        mean = (budget.money[kind] / (scale * budget.rate[kind]))[:, None] * roots[kind]
        result.append(_active_rows(ACTIVE_KINDS[kind], cell, mean.ravel()[cell], people, calendar, rng))
    return result


def _active_rows(
    kind: str,
    cell: npt.NDArray[np.int32],
    mean: FloatArray,
    people: Population,
    calendar: Calendar,
    rng: np.random.Generator,
) -> Rows:
    """Draw amount (lognormal with the given mean), channel, moment and partner of rows of one kind."""
    customer = cell // calendar.months
    month = cell - customer * calendar.months
    sigma = people.of_type("amount_sigma")[customer]
    amount = mean * np.exp(sigma * rng.standard_normal(len(cell)) - sigma**2 / 2)
    channel = _channels(kind, people.digital[customer], rng)
    low = np.maximum(calendar.first_day[month], people.open_day[customer] + 1)
    second = calendar.draw_seconds(rng, channel, low, calendar.first_day[month + 1])
    partner = _partners(rng.random(len(cell)) < 0.5) if kind.startswith("transfer") else None
    return _rows(cell, kind, second, amount, origin=CUSTOMER, channel=channel, partner=partner)


def _settle(rows: Rows, is_sweep: BoolArray, people: Population, budget: Budget) -> FloatArray:
    """Walk the months once and return the amounts with interest, sweeps and limited withdrawals.

    Cash withdrawals and transfers out of a month are cut by one factor where they would take the month's closing
    balance below half of the customer's monthly spending; nothing else is touched.
    """
    n, months = budget.spend.shape
    credit, interest, sweep, flexible = _masks(rows, is_sweep)

    def monthly(mask: BoolArray) -> FloatArray:
        total = np.bincount(rows.cell[mask], weights=rows.amount[mask], minlength=n * months)
        return np.asarray(total, dtype=np.float64).reshape(n, months)

    net = monthly(credit) - monthly(~(credit | interest | sweep | flexible))
    wanted = monthly(flexible)
    cut, credited, swept = np.ones((n, months)), np.zeros((n, months)), np.zeros((n, months))
    balance = np.where(people.open_day < 0, people.share * people.wallet_balance, 0.0)
    net[:, 0] -= balance  # the row that brings it forward
    carried = people.leaked_share - people.gained_share
    keep = 0.5 * people.own_spend[:, None] * people.moves(months)
    for month in range(months):
        if_interest = budget.has_interest & (people.open_month < month)
        credited[:, month] = np.where(if_interest, np.maximum(balance, 0) * YEARLY_INTEREST / 12, 0.0)
        swept[:, month] = np.where(people.moves_month == month, carried * np.maximum(balance, 0), 0.0)
        balance = balance + net[:, month] + credited[:, month] - swept[:, month]
        room = (balance - keep[:, month]) / np.maximum(wanted[:, month], 0.01)
        cut[:, month] = np.clip(room, 0.05, 1.0)
        balance = balance - cut[:, month] * wanted[:, month]
    amount = rows.amount.copy()
    amount[flexible] *= cut.ravel()[rows.cell[flexible]]
    amount[interest] = credited.ravel()[rows.cell[interest]]
    amount[sweep] = np.abs(swept.ravel()[rows.cell[sweep]]) / SWEEP_ROWS
    return np.maximum(np.round(amount, 2), 0.01)


def _masks(rows: Rows, is_sweep: BoolArray) -> tuple[BoolArray, BoolArray, BoolArray, BoolArray]:
    """Return the rows that are credits (neither interest nor sweep), interest, sweeps, and may be cut."""
    interest = rows.kind == KIND["interest"]
    credit = np.isin(rows.kind, [KIND[name] for name in CREDIT_KINDS]) & ~interest & ~is_sweep
    out = (rows.kind == KIND["cash_withdrawal"]) | (rows.kind == KIND["transfer_out"])
    flexible = out & (rows.origin == CUSTOMER) & ~is_sweep
    return credit, interest, is_sweep, flexible


def make_transactions(
    people: Population, calendar: Calendar, budget: Budget, plan: Plan, lift: FloatArray, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw the transactions; see `make_bank` for the columns."""
    scheduled = [
        *_openings(people, calendar, rng),
        *_payments(people, calendar, budget, rng),
        *_system(people, calendar, budget),
    ]
    sweeps = _sweeps(people, calendar, rng)
    n_active = plan.n_transactions - sum(len(part) for part in scheduled) - len(sweeps)
    rows = _join([sweeps, *scheduled, *_active(people, calendar, budget, lift, n_active, rng)])
    is_sweep = np.arange(len(rows)) < len(sweeps)
    return _frame(rows, _settle(rows, is_sweep, people, budget), people, calendar)


def _frame(rows: Rows, amount: FloatArray, people: Population, calendar: Calendar) -> pd.DataFrame:
    """Sort by time, customer and order of drawing, number the rows, and name the codes."""
    customer = rows.cell // np.int32(calendar.months)
    order = np.argsort(rows.second * len(people) + customer, kind="stable")
    kind = rows.kind[order]
    debit = ~np.isin(kind, [KIND[name] for name in CREDIT_KINDS])
    return pd.DataFrame(
        {
            "transaction_id": np.arange(1, len(order) + 1, dtype=np.int64),
            "customer_id": people.customer_id[customer[order]],
            "time": calendar.times(rows.second[order]),
            "kind": category(kind, KINDS),
            "channel": category(rows.channel[order], CHANNELS),
            "side": category(debit.astype(np.int8), SIDES),
            "amount": amount[order],
            "origin": category(rows.origin[order], ORIGINS),
            "partner": category(rows.partner[order], PARTNERS),
        },
        copy=False,
    )
