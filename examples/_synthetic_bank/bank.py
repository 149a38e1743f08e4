"""The face of the generator: `make_bank` and what it returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from _synthetic_bank.flows import make_transactions
from _synthetic_bank.money import Budget, make_budget, shock_factor
from _synthetic_bank.offers import (
    campaign_gain,
    campaign_lift,
    make_campaign,
    make_holdings,
    make_survey,
    offer_window,
)
from _synthetic_bank.periods import Calendar, IntArray, make_calendar
from _synthetic_bank.population import Plan, Population, category, customer_frame, make_population, names
from _synthetic_bank.tables import BUNDLE, OUTCOMES, REGIONS, SPONTANEOUS, SUBSTITUTION, TYPE_NAMES, TYPES

FEWEST_CUSTOMERS = 30


@dataclass(frozen=True, eq=False, repr=False)
class BankTruth:
    """What was planted in a `SyntheticBank`, and what an analysis should find.

    Attributes
    ----------
    customers : DataFrame
        One row per customer, in the order of `SyntheticBank.customers`:

        - `customer_id` : int64
        - `type` : str, name of the latent type, an index value of `TYPES`
        - `value_rank` : int64, 1 (least) to 6 (most valuable) of the type
        - `wallet_spend` : float, expected spending a month at all banks, in currency units, in an average month
        - `wallet_balance` : float, balance at all banks on the first day of observation, in currency units
        - `share_of_wallet` : float in (0, 1], the part of both that is here, before any move
        - `share_of_wallet_end` : float in (0, 1], the same after the moves
        - `moves_away` : bool, moves a part of the wallet to another bank
        - `leak_month` : datetime64, first day of the month of the move, NaT if none
        - `leaked_share` : float in [0, 1), part of the business here that goes; 0 if none
        - `moves_in` : bool, brings a part of the wallet here
        - `gain_month` : datetime64, first day of the month of the move, NaT if none
        - `gained_share` : float, relative rise of the business here; 0 if none
        - `substitution_A1`, `substitution_B2` : category, `stayed`, `moved` (took the new product and closed the
          old one in the offer window), `kept_both`, `left` (closed the old without the new), `later` (moved after
          the window); null for customers who do not hold the old product at the launch
        - `response_probability` : float, of taking the campaign's offer if treated
        - `campaign_gain` : float, what treatment adds in expectation to the card payments of a month of effect,
          in currency units
    months : DataFrame
        One row per month: `month` (first day), `spend_season`, `inflow_season`, `shock_factor` (1, or
        1 - shock_size), factors on the expected money of that month.
    regions : DataFrame
        `region`, `wallet_factor`, `shock_size` (fall of spending in the shock months in that region).
    managers : DataFrame
        `manager`, `branch`, `attempt_rate` (part of the contacts that are tried), `skill` (factor on the interest
        of customers who are reached; mean 1).
    substitution : DataFrame
        One row per pair and outcome: `new_code`, `old_code`, `offer_start`, `offer_end` (exclusive), `outcome`,
        `share` of the holders of the old product at the launch.
    bundle : tuple
        Codes of two products and the share of the holders of the first who hold the second, whatever their type.
    shock_start, shock_end : Timestamp
        The macro shock, end exclusive.
    shock_size : float
        Fall of the expected spending in it, before the region's multiplier.
    campaign_start, campaign_end : Timestamp
        The months in which responses raise card payments, end exclusive.
    campaign_uplift : float
        Relative rise of the card payments of a customer who responds.
    campaign_effect : float
        Mean of `campaign_gain` over the campaign's customers: the expected difference between treated and
        hold-out, in currency units a month per customer (intention to treat).
    campaign_baseline : float
        Expected card payments a month of the campaign's customers in the months of effect, if none is treated.
    spontaneous_response : float
        Probability of a response without treatment.
    """

    customers: pd.DataFrame
    months: pd.DataFrame
    regions: pd.DataFrame
    managers: pd.DataFrame
    substitution: pd.DataFrame
    bundle: tuple[str, str, float]
    shock_start: pd.Timestamp
    shock_end: pd.Timestamp
    shock_size: float
    campaign_start: pd.Timestamp
    campaign_end: pd.Timestamp
    campaign_uplift: float
    campaign_effect: float
    campaign_baseline: float
    spontaneous_response: float


@dataclass(frozen=True, eq=False, repr=False)
class SyntheticBank:
    """A bank as its data warehouse would hand it over, and the truth behind it.

    Money is in the bank's currency unit with two decimals; times are naive local times.

    Attributes
    ----------
    customers : DataFrame
        One row per customer, sorted by `customer_id`:

        - `customer_id` : int64
        - `opened` : datetime64, day the relationship began, before or in the period
        - `branch`, `manager`, `region` : str; a manager belongs to one branch, a branch to one region
        - `age` : int64, years
    transactions : DataFrame
        One row per transaction, sorted by `time`, then customer:

        - `transaction_id` : int64, 1, 2, ... in the order of the rows
        - `customer_id` : int64
        - `time` : datetime64
        - `kind` : category; `cash_deposit`, `cash_withdrawal`, `transfer_in`, `transfer_out`, `card_payment`,
          `interest`, `fee`
        - `channel` : category; `counter`, `atm`, `pos`, `online`, `mobile`; null unless the origin is `customer`
        - `side` : category; `credit` or `debit`
        - `amount` : float, > 0
        - `origin` : category; `customer`, `standing_order` (also salaries and pensions), `system` (interest, fees,
          balance brought forward)
        - `partner` : category; `this_bank` or `other_bank` for transfers, else null; null for the balance brought
          forward
    holdings : DataFrame
        One row per product held, sorted by customer, opening and code:

        - `customer_id` : int64
        - `product`, `code` : str; the code is a digit for an old product, a letter for a new one
        - `opened`, `closed` : datetime64; `closed` is the first day without it, NaT if held at the end
    campaign : DataFrame
        One row per customer of the campaign, hold-out included:

        - `customer_id` : int64
        - `treated` : bool, False for the hold-out
        - `contacted` : datetime64, day of contact; for the hold-out the day it would have been
        - `disposition` : category; `not_attempted`, `not_connected`, `not_interested`, `interested`; null for the
          hold-out
        - `response` : bool, took the offer (some do so unasked)
    survey : DataFrame
        One row per customer asked:

        - `customer_id` : int64
        - `asked` : datetime64
        - `responded` : bool
        - `stated_external_spend`, `stated_external_balance` : float, at other banks, a month and on that day, to
          two significant digits; NaN without response
    truth : BankTruth
        What was planted.
    start, end : Timestamp
        The period, end exclusive; `end` is the natural `as_of`.
    """

    customers: pd.DataFrame
    transactions: pd.DataFrame
    holdings: pd.DataFrame
    campaign: pd.DataFrame
    survey: pd.DataFrame
    truth: BankTruth
    start: pd.Timestamp
    end: pd.Timestamp

    def __repr__(self) -> str:
        return (
            f"SyntheticBank({len(self.customers):,} customers, {len(self.transactions):,} transactions, "
            f"{self.start:%Y-%m-%d} to {self.end:%Y-%m-%d})"
        )


def make_bank(
    n_transactions: int = 100_000,
    *,
    random_state: int = 0,
    start: str = "2024-01-01",
    months: int = 24,
    rows_per_customer: float = 80.0,
    new_customer_share: float = 0.25,
    leak_share: float = 0.06,
    gain_share: float = 0.02,
    shock: tuple[int, int] | None = None,
    shock_size: float = 0.25,
    campaign_month: int | None = None,
    effect_months: int = 6,
    campaign_share: float = 0.6,
    holdout_share: float = 0.3,
    campaign_uplift: float = 0.6,
    survey_share: float = 0.10,
) -> SyntheticBank:
    r"""Generate a retail bank with known customer types, wallets, moves, product switches and campaign effect.

    The bank is for showing and testing methods, not for learning about customers: the types and figures of
    `_synthetic_bank.tables` are invented. Equal arguments give equal banks, bit for bit, for one NumPy version.

    Parameters
    ----------
    n_transactions : int, default=100_000
        Number of transactions, at least 1,000; met exactly.
    random_state : int, default=0
        Seed. Customers, holdings, campaign, survey and transactions have streams of their own, so that a setting
        of one part leaves the parts before it as they are.
    start : str, default="2024-01-01"
        First day of the period, the first of a month, as ISO text.
    months : int, default=24
        Length of the period in months, at least 12.
    rows_per_customer : float, default=80.0
        Mean number of transactions per customer over the period; there are
        `max(30, round(n_transactions / rows_per_customer))` customers. With 80 rows many months of a customer hold
        no card payment: take 200 or more to look for falls customer by customer.
    new_customer_share : float, default=0.25
        Probability that a customer opens in the period, evenly but for its last two months. The others opened
        before it.
    leak_share : float, default=0.06
        Part of all customers who move money away, rounded to customers. They were here before the period and are
        not dormant.
    gain_share : float, default=0.02
        Part of all customers who bring money in; likewise.
    shock : tuple of int, optional
        Months [low, high) of the macro shock, counted from 0. Default: three months from `months // 3`.
    shock_size : float, default=0.25
        Fall of everybody's expected spending in these months, in [0, 0.75]; by region it is multiplied by
        `REGIONS["shock_multiplier"]`, 0.8 to 1.2.
    campaign_month : int, optional
        Month of the contacts, counted from 0. Default: `months // 2`.
    effect_months : int, default=6
        Number of months after `campaign_month` in which a response works, cut at the end of the period.
    campaign_share : float, default=0.6
        Part of the customers with six months of history who are in the campaign, hold-out included.
    holdout_share : float, default=0.3
        Part of these who are not contacted, drawn at random and rounded to customers.
    campaign_uplift : float, default=0.6
        Relative rise of the card payments of a customer who responds. 0 plants no effect.
    survey_share : float, default=0.10
        Part of the customers who are asked about other banks; about a third answers.

    Returns
    -------
    SyntheticBank
        Frames of customers, transactions, holdings, campaign and survey, and the truth.

    Raises
    ------
    ValueError
        If a setting lies outside its range, or the incomes alone take more than 85 % of the rows (24 months
        and 1,000 rows are always possible).

    Notes
    -----
    Customer :math:`i` of type :math:`t`, region :math:`r`, month :math:`m`, kind :math:`k`; all draws independent.

    *Wallet.* Monthly spending at all banks :math:`W_i = w_t\, g_r\, e^{\sigma_t z}`, share here
    :math:`s_i \sim \mathrm{Beta}` with mean :math:`\bar s_t` and concentration 8 (at least .01), balance at all
    banks :math:`B_i = W_i\, b_t\, e^{.4 z - .08}`.

    *Moves.* :math:`\mu_{im} = 1 - L_i` for months after the leak month (:math:`L_i` uniform in [.4, .9], the month
    uniform from `max(6, months // 4)` to `months - 4`), :math:`1 + G_i` after the gain month (:math:`G_i` uniform
    in [.5, 1.5], cut so that the share stays at most 1), else 1. In the month of the move itself three transfers
    to another bank take :math:`L_i` of the balance at the month's start along, or three from another bank bring
    :math:`G_i` of it.

    *Month factors.* On spending :math:`F_{im} = \mu_{im}\, S_m\, (1 - h_r [m \in \mathrm{shock}])`; on irregular
    inflows :math:`F_{im} = \mu_{im}\, Q_m`; seasons :math:`S, Q` have mean 1 over a year and :math:`Q` rises at
    quarter ends; card payments of a customer who responds carry a further :math:`1 + u` in the months of effect.

    *Money.* Expected outflow :math:`O_i = s_i W_i`, inflow :math:`(1 + v_t) O_i`. Part of the customers have an
    income (a salary or pension on their day of the month or the Friday before, log sd .03) and a standing order (a
    fixed amount); both follow :math:`\mu_{im}` only, not season and shock. The rest is split over the active kinds
    by the type's parts times the customer's taste :math:`q_{ik}`: :math:`M_{ik}`.

    *Rows.* :math:`N_{ikm} \sim \mathrm{Poisson}(c\, \lambda_{ik}\, x_{im} \sqrt{F_{im}})` given that the sum meets
    `n_transactions`, with the exposed part :math:`x` of the month and
    :math:`\lambda_{ik} = \lambda_{tk} (s_i W_i / \bar s_t w_t)^{1/2} a_i q_{ik}`, :math:`a_i` gamma with shape 4
    and :math:`q_{ik}` gamma with shape 6, means 1. Amounts are lognormal with mean
    :math:`M_{ik} \sqrt{F_{im}} / (c \lambda_{ik})`. So the money of a month has mean :math:`M_{ik} F_{im} x_{im}`.

    *Balance.* It starts at :math:`s_i B_i`, brought forward by a system row at the first midnight (customers of
    before) or paid in on the opening day (new ones). Where cash withdrawals and transfers out would take a month's
    closing balance below half of :math:`O_i \mu_{im}`, they are cut by one factor, at most to 5 %. So these two
    fall short of their expectation, and a change that is planted in them is seen a little weakened; card payments,
    income, deposits and standing orders are never touched.
    Measured with the default settings (100,000 rows, seeds 0 to 4): the balance is below zero at the close of 3.4
    to 4.1 % of all customer-days, at some time for 21 to 24 % of the customers (lumpy card payments; 1 % and 8 %
    with 240 rows per customer). A tenth of the customer-months with such rows are cut, by which they lose 6 to 8 %
    of their money (1 % with 240). About half of all rows are initiated by customers (84 % with 240).

    *System rows.* Interest (.1 % a month on the balance at the month's start, at least .01) and a fee, for the
    customers who have them, at the end of every month after the opening. Interest, fees and standing orders are
    given to fewer customers where, with the incomes, they would exceed 60 % of the rows (small banks).

    *Days and times.* By channel: weekday weights, and the mean of two uniform draws over the opening hours.

    Cost: linear in `n_transactions`; 8 s and a peak of 1.3 GB for ten million rows on one core.

    Examples
    --------
    >>> from synthetic_bank import make_bank
    >>> bank = make_bank(10_000, random_state=1)
    >>> bank
    SyntheticBank(125 customers, 10,000 transactions, 2024-01-01 to 2026-01-01)
    >>> bank.truth.customers.merge(bank.customers, on="customer_id").shape
    (125, 22)
    """
    if not (n_transactions >= 1000 and rows_per_customer > 0 and months >= 12):
        raise ValueError("n_transactions must be at least 1,000, rows_per_customer above 0, months at least 12")
    plan = Plan(
        n_transactions=n_transactions,
        n_customers=max(FEWEST_CUSTOMERS, round(n_transactions / rows_per_customer)),
        months=months,
        new_customer_share=new_customer_share,
        leak_share=leak_share,
        gain_share=gain_share,
        shock=(months // 3, months // 3 + 3) if shock is None else shock,
        shock_size=shock_size,
        campaign_month=months // 2 if campaign_month is None else campaign_month,
        effect_months=effect_months,
        campaign_share=campaign_share,
        holdout_share=holdout_share,
        campaign_uplift=campaign_uplift,
        survey_share=survey_share,
    )
    calendar = make_calendar(start, months)
    streams = np.random.default_rng(random_state).spawn(6)
    people = make_population(plan, calendar, streams[0])
    holdings, outcomes = make_holdings(people, calendar, streams[1])
    campaign = make_campaign(people, calendar, plan, streams[2])
    survey = make_survey(people, calendar, plan, streams[3])
    budget = make_budget(people, calendar, plan, streams[4])
    lift = campaign_lift(campaign, people, plan)
    return SyntheticBank(
        customers=customer_frame(people, calendar),
        transactions=make_transactions(people, calendar, budget, plan, lift, streams[5]),
        holdings=holdings,
        campaign=campaign,
        survey=survey,
        truth=_truth(people, calendar, plan, budget, campaign, outcomes),
        start=_month_start(calendar, 0),
        end=_month_start(calendar, months),
    )


def _month_start(calendar: Calendar, month: int) -> pd.Timestamp:
    """Return the first day of a month, or of the month after the last."""
    return pd.Timestamp(calendar.dates(calendar.first_day[month : month + 1])[0])


def _truth(
    people: Population,
    calendar: Calendar,
    plan: Plan,
    budget: Budget,
    campaign: pd.DataFrame,
    outcomes: dict[str, IntArray],
) -> BankTruth:
    """Gather what was planted."""
    customers = _customer_truth(people, calendar, outcomes)
    customers["campaign_gain"] = campaign_gain(people, budget, plan)
    chosen = campaign["customer_id"].to_numpy() - people.customer_id[0]
    card = budget.card_spend(plan.effect)[chosen]
    branches = names("branch", len(people.branch_region))
    return BankTruth(
        customers=customers,
        months=_month_truth(calendar, plan),
        regions=_region_truth(plan),
        managers=pd.DataFrame(
            {
                "manager": names("manager", len(people.manager_branch)),
                "branch": [branches[b] for b in people.manager_branch],
                "attempt_rate": people.manager_attempts,
                "skill": people.manager_skill,
            }
        ),
        substitution=_substitution_truth(calendar),
        bundle=BUNDLE,
        shock_start=_month_start(calendar, plan.shock[0]),
        shock_end=_month_start(calendar, plan.shock[1]),
        shock_size=plan.shock_size,
        campaign_start=_month_start(calendar, plan.effect[0]),
        campaign_end=_month_start(calendar, plan.effect[1]),
        campaign_uplift=plan.campaign_uplift,
        campaign_effect=float(customers["campaign_gain"].to_numpy()[chosen].mean()),
        campaign_baseline=float(card.mean() * (1 + SPONTANEOUS * plan.campaign_uplift)),
        spontaneous_response=SPONTANEOUS,
    )


def _customer_truth(people: Population, calendar: Calendar, outcomes: dict[str, IntArray]) -> pd.DataFrame:
    """Return the latent figures of the customers."""
    frame = pd.DataFrame(
        {
            "customer_id": people.customer_id,
            "type": pd.Series(np.array(TYPE_NAMES, dtype=object)[people.type], dtype="str"),
            "value_rank": TYPES["value_rank"].to_numpy()[people.type].astype(np.int64),
            "wallet_spend": people.wallet_spend,
            "wallet_balance": people.wallet_balance,
            "share_of_wallet": people.share,
            "share_of_wallet_end": people.share_end,
            "moves_away": people.leak_month >= 0,
            "leak_month": calendar.month_starts(people.leak_month),
            "leaked_share": people.leaked_share,
            "moves_in": people.gain_month >= 0,
            "gain_month": calendar.month_starts(people.gain_month),
            "gained_share": people.gained_share,
        }
    )
    for pair, outcome in outcomes.items():
        frame[f"substitution_{pair}"] = category(outcome, OUTCOMES)
    frame["response_probability"] = people.response_probability()
    return frame


def _month_truth(calendar: Calendar, plan: Plan) -> pd.DataFrame:
    """Return the factors of the months."""
    shock = np.ones(plan.months)
    shock[slice(*plan.shock)] = 1 - plan.shock_size
    return pd.DataFrame(
        {
            "month": calendar.month_starts(np.arange(plan.months)),
            "spend_season": calendar.spend_season,
            "inflow_season": calendar.inflow_season,
            "shock_factor": shock,
        }
    )


def _region_truth(plan: Plan) -> pd.DataFrame:
    """Return the price level of the regions and how hard the shock hits them."""
    regions = np.arange(len(REGIONS))
    return pd.DataFrame(
        {
            "region": list(REGIONS.index),
            "wallet_factor": REGIONS["wallet_factor"].to_numpy(),
            "shock_size": 1 - shock_factor(plan, regions)[:, plan.shock[0]],
        }
    )


def _substitution_truth(calendar: Calendar) -> pd.DataFrame:
    """Return the planted shares of each pair of products."""
    rows = []
    for (new, old), shares in SUBSTITUTION.items():
        start, end = (pd.Timestamp(day) for day in calendar.dates(np.array(offer_window(new, calendar))))
        rows += [(new, old, start, end, outcome, share) for outcome, share in zip(OUTCOMES, shares, strict=True)]
    return pd.DataFrame(rows, columns=["new_code", "old_code", "offer_start", "offer_end", "outcome", "share"])
