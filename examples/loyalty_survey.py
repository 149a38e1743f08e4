"""A bank that asked its customers what they spend everywhere, and was answered by the loyal and the rich.

`make_loyalty_survey` draws customers with a wallet (spending of one kind at all banks), the part of it that is
spent here, what the bank knows of them, and who answers a survey. Loyal and rich customers answer more, beyond
what the bank's own figures tell, as those who take part in a loyalty survey do. The truth is kept beside the
answers, so that a method of extrapolation can say how far off it is. All numbers below are made up, and stood
before any method was run on them. Nothing is read or written, no global state is touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

CUSTOMERS = 60_000
ANSWERS = 1_400
"""Expected number of answers; how many there are is drawn."""
INCOME_MEDIAN, INCOME_SIGMA = 48_000.0, 0.60
"""Yearly income, log-normal."""
WALLET_MEDIAN, WALLET_ELASTICITY, WALLET_AGE, WALLET_SIGMA = 9_000.0, 0.90, 0.10, 0.45
"""Yearly spending everywhere: of the median customer, by log income, by 10 years of age over 45, unexplained."""
SHARE_LEVEL, SHARE_TENURE, SHARE_PRODUCTS, SHARE_SALARY = -1.40, 0.03, 0.15, 0.90
"""Log odds of the mean share here: level, a year of tenure, a product held, salary paid in here."""
SHARE_PRECISION = 6.0
"""Precision of the beta law of the share about its mean: a standard deviation near .18 that nobody can explain."""
ANSWER_SHARE, ANSWER_WALLET = 2.0, 0.50
"""Log odds to answer: from share 0 to share 1, and by a standard deviation of the log wallet."""
STATED_SIGMA = 0.10
"""Of the logarithm of what an answer says of spending elsewhere, over the truth; right on average."""


@dataclass(frozen=True)
class LoyaltySurvey:
    """Customers, their answers and the truth, in the same order.

    `customers` is what the bank knows: ``customer_id``, ``own_spend``, ``income``, ``age``, ``tenure``,
    ``products``, ``salary`` (0 or 1) and ``segment`` (1 to 4, by age and income). `answers` is the total spending
    that a customer stated, NaN without an answer. `wallet` is the true total.
    """

    customers: pd.DataFrame
    answers: NDArray[np.float64]
    wallet: NDArray[np.float64]

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Who answered."""
        return ~np.isnan(self.answers)


def make_loyalty_survey(seed: int, *, customers: int = CUSTOMERS, answers: int = ANSWERS) -> LoyaltySurvey:
    """Draw one bank and one survey; equal arguments give equal results."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal(customers)
    income = INCOME_MEDIAN * np.exp(INCOME_SIGMA * z)
    age = np.clip(45.0 + 14.0 * rng.standard_normal(customers), 18.0, 90.0)
    tenure = rng.uniform(0.0, np.minimum(age - 17.0, 30.0))
    products = 1 + rng.poisson(1.5, customers)
    salary = rng.random(customers) < 0.4
    log_wallet = np.log(WALLET_MEDIAN) + WALLET_ELASTICITY * INCOME_SIGMA * z + WALLET_AGE * (age - 45.0) / 10.0
    log_wallet += WALLET_SIGMA * rng.standard_normal(customers)
    wallet = np.exp(log_wallet)
    odds = SHARE_LEVEL + SHARE_TENURE * tenure + SHARE_PRODUCTS * products + SHARE_SALARY * salary
    mean = 1.0 / (1.0 + np.exp(-odds))
    share = rng.beta(SHARE_PRECISION * mean, SHARE_PRECISION * (1.0 - mean))
    own = wallet * share
    answered = rng.random(customers) < _chance_to_answer(share, log_wallet, answers)
    error = np.exp(STATED_SIGMA * rng.standard_normal(customers) - STATED_SIGMA**2 / 2.0)
    stated = np.where(answered, own + (wallet - own) * error, np.nan)
    frame = pd.DataFrame(
        {
            "customer_id": np.arange(1, customers + 1),
            "own_spend": own,
            "income": income,
            "age": age,
            "tenure": tenure,
            "products": products,
            "salary": salary.astype(np.int64),
            "segment": 1 + (age >= 45.0) + 2 * (income >= INCOME_MEDIAN),
        }
    )
    return LoyaltySurvey(frame, stated, wallet)


def _chance_to_answer(
    share: NDArray[np.float64], log_wallet: NDArray[np.float64], answers: int
) -> NDArray[np.float64]:
    """Give each customer's chance; the level is found by bisection, so that they sum to the expected answers."""
    slope = ANSWER_SHARE * share + ANSWER_WALLET * (log_wallet - log_wallet.mean()) / log_wallet.std()
    low, high = -30.0, 30.0
    for _ in range(80):
        level = (low + high) / 2.0
        chance: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-level - slope))
        low, high = (level, high) if chance.sum() < answers else (low, level)
    return chance
