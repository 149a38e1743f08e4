"""What the page on wallets reads: monthly turnover of the synthetic bank, and Berka's permanent orders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from custvalue import wallet

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synthetic_bank import SyntheticBank

BERKA = (
    "Berka: permanent orders of a Czech bank's accounts to other banks, in crowns a month (PKDD'99 Discovery "
    "Challenge, Berka and Sochorova)."
)


def folder() -> Path | None:
    """Give the folder of the Berka tables beside the checkout, None where there is none."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data" / "berka"
    return beside if (beside / "order.parquet").is_file() else None


def turnover(bank: SyntheticBank) -> wallet.SpendPanel:
    """Add up what customers moved a month, in and out, without interest, fees and the balance brought forward."""
    moved = bank.transactions[bank.transactions["origin"] != "system"]
    return wallet.SpendPanel.from_transactions(
        moved, customer="customer_id", time="time", amount="amount", population=bank.customers[["customer_id"]]
    )


def shuffled(panel: wallet.SpendPanel, rng: np.random.Generator) -> wallet.SpendPanel:
    """Put each customer's months in another order: as much spending, and nothing begins or ends at a time."""
    return panel.with_amounts(rng.permuted(panel.amounts, axis=1))


def fell_by_30_percent(panel: wallet.SpendPanel, recent: int, baseline: int = 18) -> NDArray[np.bool_]:
    """Apply the naive rule: the mean of the recent months lies 30 % or more below that of the months before."""
    before = panel.amounts[:, -recent - baseline : -recent].mean(axis=1)
    return np.asarray((before > 0.0) & (panel.amounts[:, -recent:].mean(axis=1) <= 0.7 * before))


def traits_and_spend(bank: SyntheticBank) -> pd.DataFrame:
    """Give what the bank knows on the day of its survey: traits, and spending a month in the year before."""
    people = bank.customers.set_index("customer_id")
    asked = bank.survey["asked"].max()
    rows = bank.transactions
    rows = rows[(rows["time"] < asked) & (rows["origin"] != "system")]
    paid_in = rows.loc[(rows["side"] == "credit") & (rows["origin"] == "standing_order"), "customer_id"]
    spent = rows[(rows["side"] == "debit") & (rows["time"] >= asked - pd.DateOffset(years=1))]
    table = pd.DataFrame(
        {
            "age": people["age"],
            "years": (bank.start - people["opened"]).dt.days / 365.25,
            "salary": people.index.isin(paid_in).astype(float),
            "products": bank.holdings.groupby("customer_id").size().reindex(people.index, fill_value=0),
            "own": spent.groupby("customer_id")["amount"].sum().reindex(people.index, fill_value=0.0) / 12.0,
        }
    )
    for region in sorted(people["region"].unique())[1:]:
        table[region] = (people["region"] == region).astype(float)
    return table


def spent_elsewhere(bank: SyntheticBank) -> NDArray[np.float64]:
    """Give the truth: expected spending a month at other banks on the day of the survey."""
    truth, asked = bank.truth.customers, bank.survey["asked"].max()
    moved = (truth["leak_month"] < asked) | (truth["gain_month"] < asked)
    share = np.where(moved, truth["share_of_wallet_end"], truth["share_of_wallet"])
    return np.asarray(truth["wallet_spend"] * (1.0 - share), dtype=np.float64)


def berka_payments(where: Path) -> tuple[pd.DataFrame, int, int]:
    """Read what each account with orders pays a month: to this bank for its loan, and to others.

    An order called a loan payment that equals, within one crown, the payment of the account's loan at this bank
    pays that loan. Beside the table: the number of such orders, and of all orders called loan payments.
    """
    orders = pd.read_parquet(where / "order.parquet")
    loans = pd.read_parquet(where / "loan.parquet").set_index("account_id")["payment"]
    orders["purpose"] = orders["purpose"].astype(object)
    of_loans = orders["purpose"] == "loan_payment"
    here = of_loans & ((orders["amount"] - orders["account_id"].map(loans)).abs() <= 1.0)
    named = orders["purpose"].where(~here, "loan here")
    table = orders.assign(purpose=named).pivot_table(
        index="account_id", columns="purpose", values="amount", aggfunc="sum", fill_value=0.0
    )
    return table, int(here.sum()), int(of_loans.sum())
