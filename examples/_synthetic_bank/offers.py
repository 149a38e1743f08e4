"""Products held, the campaign with its hold-out, and the survey of the synthetic bank."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from _synthetic_bank.population import Plan, Population, category
from _synthetic_bank.tables import (
    BUNDLE,
    CONNECTED,
    OFFER_MONTHS,
    OUTCOMES,
    PRODUCTS,
    SIGNED,
    SPONTANEOUS,
    SUBSTITUTION,
    YEARLY_CLOSING,
    Product,
)

if TYPE_CHECKING:
    from _synthetic_bank.money import Budget
    from _synthetic_bank.periods import BoolArray, Calendar, FloatArray, IntArray

NEVER = np.iinfo(np.int64).max
DISPOSITIONS = ("not_attempted", "not_connected", "not_interested", "interested")
SURVEY_SIGMA = 0.25
"""Of the logarithm of what a respondent states over the truth."""
SWITCH_DAYS = 14
"""Who moves closes the old product within this many days after opening the new one."""


def launch_month(product: Product, months: int) -> int:
    """Return the month in which a new product is launched."""
    return round(product.launch * months)


def offer_window(code: str, calendar: Calendar) -> tuple[int, int]:
    """Return the days [low, high) of the offer of a new product."""
    launch = launch_month(next(p for p in PRODUCTS if p.code == code), calendar.months)
    return int(calendar.first_day[launch]), int(calendar.first_day[launch + OFFER_MONTHS])


def _old_product(
    product: Product, held: dict[str, BoolArray], people: Population, calendar: Calendar, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Return opening and closing day of an old product; NEVER where there is none."""
    n = len(people)
    chance = np.asarray(product.owners)[people.type]
    if product.code == BUNDLE[1]:
        chance = np.where(held[BUNDLE[0]], BUNDLE[2], chance)
    held[product.code] = rng.random(n) < chance
    before = people.open_day + np.floor(rng.random(n) ** 2 * -people.open_day).astype(np.int64)
    during = np.minimum(people.open_day + rng.integers(0, 30, n), calendar.n_days - 1)
    opened = np.where(people.open_day < 0, before, during)
    wait = rng.exponential(365.25 / YEARLY_CLOSING, n).astype(np.int64)
    closed = np.maximum(opened, 0) + 1 + wait
    if product.code == "0":
        opened, closed = people.open_day.copy(), np.full(n, NEVER)
    opened[~held[product.code]] = NEVER
    closed[(closed >= calendar.n_days) | ~held[product.code]] = NEVER
    return opened, closed


def _replace(
    pair: tuple[str, str], opened: IntArray, closed: IntArray, calendar: Calendar, rng: np.random.Generator
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Decide what the holders of the old product do; return old opened and closed, new opened, and the outcome.

    The outcome is an index into `OUTCOMES`, -1 for who does not hold the old product at the launch. Within the
    offer window a holder at the launch closes the old product only as the outcome says, so shares can be read off.
    """
    n, (low, high) = len(opened), offer_window(pair[0], calendar)
    late = (opened >= low) & (opened < NEVER)
    opened, closed = np.where(late, NEVER, opened), np.where(late, NEVER, closed)  # no longer sold
    holder = (opened < low) & (closed >= low)
    outcome = np.where(holder, rng.choice(len(OUTCOMES), n, p=SUBSTITUTION[pair]), -1)
    closed[holder & (closed < high)] = NEVER
    takes = np.full(n, NEVER)
    early = low + (rng.beta(1, 2, n) * (high - SWITCH_DAYS - low)).astype(np.int64)
    later = rng.integers(high, calendar.n_days - SWITCH_DAYS, n)
    switch = rng.integers(0, SWITCH_DAYS, n)
    leaves = rng.integers(low, high, n)
    stayed, moved, kept, left, after = (outcome == code for code in range(len(OUTCOMES)))
    takes[moved | kept] = early[moved | kept]
    takes[after] = later[after]
    closed[moved | after] = (takes + switch)[moved | after]
    closed[left] = leaves[left]
    closed[stayed & (closed < high)] = NEVER
    return opened, closed, takes, outcome


def make_holdings(
    people: Population, calendar: Calendar, rng: np.random.Generator
) -> tuple[pd.DataFrame, dict[str, IntArray]]:
    """Draw the products; return the frame and, by pair such as "A1", the outcome of each customer."""
    n = len(people)
    days: dict[str, tuple[IntArray, IntArray]] = {}
    outcomes: dict[str, IntArray] = {}
    held = {code: np.zeros(n, np.bool_) for code in (p.code for p in PRODUCTS)}
    for product in PRODUCTS:
        if product.launch == 0:
            days[product.code] = _old_product(product, held, people, calendar, rng)
            continue
        low, _ = offer_window(product.code, calendar)
        unprompted = rng.random(n) < np.asarray(product.owners)[people.type]
        first = np.maximum(low, people.open_day)
        taken = first + (rng.random(n) * (calendar.n_days - first)).astype(np.int64)
        opened = np.where(unprompted, taken, NEVER)
        for pair in (pair for pair in SUBSTITUTION if pair[0] == product.code):
            *old, takes, outcome = _replace(pair, *days[pair[1]], calendar, rng)
            days[pair[1]] = old[0], old[1]
            opened = np.where(outcome >= 0, takes, opened)
            outcomes["".join(pair)] = outcome
        days[product.code] = opened, np.full(n, NEVER)
    return _holdings_frame(days, people, calendar), outcomes


def _holdings_frame(
    days: dict[str, tuple[IntArray, IntArray]], people: Population, calendar: Calendar
) -> pd.DataFrame:
    """Return one row per holding, sorted by customer, opening and code."""
    parts = []
    for product in PRODUCTS:
        opened, closed = days[product.code]
        has = np.flatnonzero(opened < NEVER)
        until = calendar.dates(np.where(closed[has] < NEVER, closed[has], 0))
        until[closed[has] == NEVER] = np.datetime64("NaT")
        columns = {"customer_id": people.customer_id[has], "product": product.name, "code": product.code}
        parts.append(pd.DataFrame({**columns, "opened": calendar.dates(opened[has]), "closed": until}))
    frame = pd.concat(parts, ignore_index=True).astype({"product": "str", "code": "str"})
    return frame.sort_values(["customer_id", "opened", "code"], ignore_index=True)


def make_campaign(people: Population, calendar: Calendar, plan: Plan, rng: np.random.Generator) -> pd.DataFrame:
    """Choose the campaign's customers, set a random hold-out aside, and let the managers contact the others."""
    eligible = np.flatnonzero(people.open_month <= plan.campaign_month - 6)
    chosen = np.sort(rng.choice(eligible, round(plan.campaign_share * len(eligible)), replace=False))
    n = len(chosen)
    treated = rng.permutation(n) >= round(plan.holdout_share * n)
    month = slice(*calendar.first_day[plan.campaign_month : plan.campaign_month + 2])
    days = np.arange(calendar.n_days)[month]
    contacted = rng.choice(days[calendar.weekday(days) < 5], n)
    attempted = rng.random(n) < people.manager_attempts[people.manager[chosen]]
    connected = attempted & (rng.random(n) < CONNECTED)
    interested = connected & (rng.random(n) < people.interest_probability()[chosen])
    signed = interested & (rng.random(n) < SIGNED)
    reached = attempted.astype(np.int64) + connected + interested
    disposition = category(np.where(treated, reached, -1), DISPOSITIONS)
    return pd.DataFrame(
        {
            "customer_id": people.customer_id[chosen],
            "treated": treated,
            "contacted": calendar.dates(contacted),
            "disposition": disposition,
            "response": (rng.random(n) < SPONTANEOUS) | (treated & signed),
        }
    )


def campaign_lift(campaign: pd.DataFrame, people: Population, plan: Plan) -> FloatArray:
    """Return the factor of shape (n, months) that responses put on card payments."""
    lift = np.ones((len(people), plan.months))
    at = campaign.loc[campaign["response"], "customer_id"].to_numpy() - people.customer_id[0]
    lift[at, slice(*plan.effect)] += plan.campaign_uplift
    return lift


def campaign_gain(people: Population, budget: Budget, plan: Plan) -> FloatArray:
    """Return what treating each customer adds to the card payments of a month of effect, in expectation."""
    caused = people.response_probability() - SPONTANEOUS
    return caused * plan.campaign_uplift * budget.card_spend(plan.effect)


def make_survey(people: Population, calendar: Calendar, plan: Plan, rng: np.random.Generator) -> pd.DataFrame:
    """Ask a random sample, in the last month, what they have and spend at other banks; the loyal answer more."""
    n = len(people)
    asked = np.sort(rng.choice(n, max(1, round(plan.survey_share * n)), replace=False))
    size = np.log(people.wallet_spend / np.median(people.wallet_spend))
    logit = -0.9 + 2.0 * (people.share_end - 0.5) + 0.4 * size
    responded = rng.random(len(asked)) < 1 / (1 + np.exp(-logit[asked]))
    elsewhere = 1 - people.share_end
    frame = {
        "customer_id": people.customer_id[asked],
        "asked": np.repeat(calendar.dates(calendar.first_day[-2:-1] + 14), len(asked)),
        "responded": responded,
    }
    for name, wallet in (("spend", people.wallet_spend), ("balance", people.wallet_balance)):
        noise = np.exp(SURVEY_SIGMA * rng.standard_normal(len(asked)) - SURVEY_SIGMA**2 / 2)
        stated = _two_digits((elsewhere * wallet)[asked] * noise)
        frame[f"stated_external_{name}"] = np.where(responded, stated, np.nan)
    return pd.DataFrame(frame)


def _two_digits(value: FloatArray) -> FloatArray:
    """Round to two significant digits, as people do; below one unit to zero."""
    unit = 10.0 ** (np.floor(np.log10(np.maximum(value, 1.0))) - 1)
    return np.where(value < 1.0, 0.0, np.round(value / unit) * unit)
