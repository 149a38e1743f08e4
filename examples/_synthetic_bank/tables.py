"""What the synthetic bank is made of: customer types, products, offers, seasons. Change the bank here.

Money is in the bank's currency unit. `TYPES` has one row per latent customer type, ordered by value, worst first.
The rows-per-month figures say how often a type does something *relative to the others*: `make_bank` scales all of
them by one factor, so that the bank has exactly the number of rows asked for, and the amounts by its inverse, so
that money and balances do not depend on that number.
"""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

TYPE_NAMES = ("dormant", "student", "pensioner", "payroll_family", "cash_trader", "affluent_saver")

# fmt: off
_TYPE_COLUMNS: dict[str, tuple[float, ...]] = {
    #                            dormant  student  pensioner  payroll  trader  affluent
    "value_rank":               (   1,       2,       3,        4,       5,       6   ),  # 6 = most valuable
    "population_share":         (  .10,     .15,     .20,      .38,     .09,     .08  ),  # of all customers
    "age_mean":                 (  45,      21,      70,       40,      44,      53   ),  # years
    "age_sd":                   (  14,       2,       6,        9,       9,      10   ),  # years
    "wallet_spend":             (3000,    2500,    3500,     8000,   16000,   30000   ),  # median a month
    "wallet_sigma":             (  .50,     .40,     .35,      .45,     .55,     .55  ),  # of its logarithm
    "share_of_wallet":          (  .06,     .55,     .75,      .60,     .60,     .45  ),  # mean share kept here
    "balance_months":           (  18,     3.6,     5.0,      3.6,     3.6,      14   ),  # balance / spend here
    "saving":                   ( .00,     .01,     .03,      .04,     .03,     .06   ),  # inflow / outflow - 1
    "with_income":              ( .00,     .80,     .97,      .94,     .10,     .60   ),  # have a regular income
    "income_part":              ( .00,     .80,     .94,      .90,     .40,     .65   ),  # of their inflow
    "with_standing_orders":     ( .00,     .10,     .40,      .60,     .30,     .60   ),  # have one here
    "standing_part":            ( .00,     .25,     .35,      .35,     .20,     .25   ),  # of their outflow
    "with_interest":            ( .45,     .20,     .55,      .40,     .25,     .90   ),  # are credited interest
    "with_fee":                 ( .15,     .10,     .15,      .50,     .60,     .20   ),  # are charged monthly
    "digital":                  ( .35,     .85,     .20,      .65,     .40,     .60   ),  # mean habit, 0 to 1
    "appeal":                   ( .15,     .60,     .30,      .50,     .40,     .65   ),  # of the campaign
    # rows a month, relative
    "rows_cash_deposit":        ( .05,     .10,     .05,      .10,    5.00,     .20   ),
    "rows_cash_withdrawal":     ( .06,     .60,    1.10,      .90,    1.20,     .50   ),
    "rows_transfer_in":         ( .05,     .50,     .05,      .25,    1.50,     .60   ),
    "rows_transfer_out":        ( .05,     .30,     .20,      .60,    2.20,     .90   ),
    "rows_card_payment":        ( .08,    1.80,     .50,     2.20,     .80,    1.50   ),
    # where the money goes that is neither regular income nor a standing order: parts of the inflow, of the outflow
    "money_cash_deposit":       ( .60,     .20,     .50,      .30,     .75,     .10   ),
    "money_transfer_in":        ( .40,     .80,     .50,      .70,     .25,     .90   ),
    "money_cash_withdrawal":    ( .35,     .25,     .60,      .25,     .25,     .10   ),
    "money_transfer_out":       ( .35,     .20,     .15,      .30,     .60,     .55   ),
    "money_card_payment":       ( .30,     .55,     .25,      .45,     .15,     .35   ),
    "amount_sigma":             ( .60,     .50,     .45,      .50,     .70,     .80   ),  # of a row's log amount
}
# fmt: on

TYPES = pd.DataFrame(_TYPE_COLUMNS, index=pd.Index(TYPE_NAMES, name="type"), dtype="float64")

ACTIVITY_SHAPE = 4.0
"""Gamma shape of a customer's activity within the type: coefficient of variation 1/2."""
KIND_SHAPE = 6.0
"""Gamma shape of a customer's taste for one kind of transaction."""
SHARE_CONCENTRATION = 8.0
"""Beta concentration of the share of wallet within the type."""
YEARLY_INTEREST = 0.012
"""Credited in monthly parts on the balance at the month's start."""
MONTHLY_FEE = 6.0
"""Currency units."""
SCHEDULED_LIMIT = 0.6
"""Part of the rows up to which standing orders, interest and fees are given besides the incomes."""
INCOME_LIMIT = 0.85
"""Largest part of the rows that incomes, openings and moves may take. A bank of 24 months always meets it."""

REGIONS = pd.DataFrame(
    {"wallet_factor": [1.00, 1.15, 0.90, 0.95], "shock_multiplier": [1.0, 0.8, 1.2, 1.0]},
    index=pd.Index(["north", "east", "south", "west"], name="region"),
)
"""Price level of a region, and how hard the macro shock hits it: peers of the same region mask it best."""

SPEND_SEASON = (0.96, 0.90, 0.98, 0.97, 1.00, 1.00, 1.02, 0.98, 0.97, 1.00, 1.02, 1.20)
"""Expected spending of January to December over that of an average month; mean 1."""
INFLOW_SEASON = (0.95, 0.95, 1.10, 0.95, 0.95, 1.10, 0.95, 0.95, 1.10, 0.95, 0.95, 1.10)
"""The same for irregular inflows: banks collect deposits at the quarter's end; mean 1."""

KINDS = ("cash_deposit", "cash_withdrawal", "transfer_in", "transfer_out", "card_payment", "interest", "fee")
CREDIT_KINDS = ("cash_deposit", "transfer_in", "interest")
SIDES = ("credit", "debit")
CHANNELS = ("counter", "atm", "pos", "online", "mobile")
ORIGINS = ("customer", "standing_order", "system")
PARTNERS = ("this_bank", "other_bank")

# fmt: off
WEEKDAYS = {  # expected rows on Monday .. Sunday, relative
    "counter": (1.20, 1.10, 1.05, 1.05, 1.20, 0.50, 0.10),
    "atm":   (0.95, 0.90, 0.90, 0.95, 1.20, 1.20, 0.90),
    "pos":   (0.85, 0.85, 0.90, 0.95, 1.20, 1.40, 0.95),
    "online":  (1.10, 1.05, 1.05, 1.05, 1.00, 0.90, 0.85),
    "mobile":  (1.00, 1.00, 1.00, 1.00, 1.05, 1.00, 0.95),
}
HOURS = {"counter": (9, 17), "atm": (7, 22), "pos": (8, 22), "online": (7, 24), "mobile": (7, 24)}
# fmt: on


class Product(NamedTuple):
    """A product of the bank.

    Attributes
    ----------
    code : str
        A digit for an old product, a letter for a new one.
    name : str
        Its name.
    owners : tuple of float
        Share of each customer type that holds it at the start (old) or takes it unprompted until the end (new).
    launch : float
        Launch as a part of the period, 0 for an old product.
    """

    code: str
    name: str
    owners: tuple[float, ...]
    launch: float = 0.0


# fmt: off
PRODUCTS = (
    #                                   dormant student pensioner payroll trader affluent
    Product("0", "current_account",    (1.00,   1.00,   1.00,     1.00,   1.00,  1.00)),  # everybody, on purpose
    Product("1", "passbook_savings",   ( .40,    .30,    .75,      .50,    .35,   .60)),
    Product("2", "classic_card",       ( .30,    .80,    .40,      .80,    .55,   .70)),
    Product("3", "time_deposit",       ( .10,    .03,    .45,      .15,    .10,   .55)),
    Product("4", "consumer_loan",      ( .03,    .08,    .05,      .30,    .25,   .10)),
    Product("5", "loan_insurance",     ( .04,    .04,    .04,      .04,    .04,   .04)),  # and see BUNDLE
    Product("6", "fund_plan",          ( .03,    .05,    .08,      .15,    .10,   .50)),
    Product("A", "flexible_savings",   ( .04,    .08,    .08,      .08,    .08,   .08), launch=0.40),
    Product("B", "contactless_card",   ( .03,    .10,    .10,      .10,    .10,   .10), launch=0.50),
    Product("C", "travel_cover",       ( .02,    .15,    .08,      .12,    .10,   .25), launch=0.40),  # no old one
)
# fmt: on

BUNDLE = ("4", "5", 0.45)
"""Share of the holders of the first product who hold the second one with it, whatever their type."""

OFFER_MONTHS = 4
"""Length of the offer window that opens with the launch of a replacing product."""
OUTCOMES = ("stayed", "moved", "kept_both", "left", "later")
SUBSTITUTION = {("A", "1"): (0.47, 0.30, 0.12, 0.06, 0.05), ("B", "2"): (0.50, 0.22, 0.20, 0.04, 0.04)}
"""(new, old) -> what the holders of the old product at the launch do, in the order of `OUTCOMES`."""
YEARLY_CLOSING = 0.04
"""Hazard of closing a product for no reason, a year (the current account never)."""

SPONTANEOUS = 0.02
"""Probability of taking the campaign's offer without being asked."""
CONNECTED = 0.75
"""Probability that an attempted contact reaches the customer."""
SIGNED = 0.75
"""Probability that an interested customer takes the offer."""
