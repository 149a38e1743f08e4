"""The two banks of the demonstration: Berka's real one, read from parquet files, and the synthetic one.

Each comes with its schema, its two points in time, and a sentence that says what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from custvalue import rfm
from synthetic_bank import make_bank

#: The last transaction day of the Berka prefix is incomplete, so rows before it are the last honest history.
BERKA_DATES = ("1993-12-01", "1994-03-31")
KINDS = {
    "cash_deposit": ("cash_deposit",),
    "cash_withdrawal": ("cash_withdrawal", "card_withdrawal"),
    "transfer_in": ("transfer_in",),
    "transfer_out": ("transfer_out",),
}


class DataPathError(Exception):
    """The data folder is missing or holds no such files; the message is one sentence."""


@dataclass(frozen=True)
class BankData:
    """Transactions and population of one bank, with how to read them and when to look."""

    name: str
    description: str
    transactions: pd.DataFrame
    population: pd.DataFrame
    schema: rfm.TransactionSchema
    history: str
    today: str


def _read(folder: Path, table: str, columns: list[str]) -> pd.DataFrame:
    path = folder / f"{table}.parquet"
    if not path.is_file():
        message = (
            f"The data folder '{folder}' holds no {table}.parquet; name the folder of the Berka parquet files."
        )
        raise DataPathError(message)
    try:
        return pd.read_parquet(path, columns=columns)
    except (ValueError, KeyError, OSError) as error:
        message = f"The file {path.name} in '{folder}' cannot be read as a Berka table ({type(error).__name__})."
        raise DataPathError(message) from error


def berka(folder: Path) -> BankData:
    """Read the Berka bank: transactions and account openings."""
    if folder.exists() and not folder.is_dir():
        message = f"'{folder}' is a file; name the folder of the Berka parquet files."
        raise DataPathError(message)
    if not folder.is_dir():
        message = f"The data folder '{folder}' does not exist; name the folder of the Berka parquet files."
        raise DataPathError(message)
    wanted = ["account_id", "date", "operation", "direction", "amount", "purpose"]
    transactions = _read(folder, "transaction", wanted)
    accounts = _read(folder, "account", ["account_id", "opened"])
    schema = rfm.TransactionSchema(
        customer="account_id",
        time="date",
        kind="operation",
        amount="amount",
        side="direction",
        debit=("debit", "debit_cash"),
        opened="opened",
        kinds=KINDS,
        system={"purpose": ("interest_credited", "statement_fee", "penalty_interest")},
    )
    text = (
        "Berka: the real, anonymised transactions of a Czech bank (PKDD'99 Discovery Challenge, Berka and "
        "Sochorova), a chronological prefix from 1993-01-01 to 1994-03-30. A customer here is an account."
    )
    return BankData("Berka", text, transactions, accounts, schema, *BERKA_DATES)


def synthetic(n_transactions: int, seed: int) -> BankData:
    """Draw the synthetic bank; classes are made four months before its end."""
    bank = make_bank(n_transactions, random_state=seed, rows_per_customer=160.0)
    schema = rfm.TransactionSchema(
        customer="customer_id",
        time="time",
        kind="kind",
        amount="amount",
        side="side",
        channel="channel",
        opened="opened",
        system={"origin": ("system",)},
        standing_order={"origin": ("standing_order",)},
    )
    text = (
        f"A synthetic bank (seed {seed}): {len(bank.customers):,} customers of six planted types. Its figures are "
        "invented; they show the method and say nothing of real customers."
    )
    history = bank.end - pd.DateOffset(months=4)
    dates = (history.date().isoformat(), bank.end.date().isoformat())
    people = bank.customers[["customer_id", "opened"]]
    return BankData("Synthetic bank", text, bank.transactions, people, schema, *dates)


def load(folder: Path | None, n_transactions: int, seed: int) -> BankData:
    """Take the named Berka folder, else the one beside the checkout, else the synthetic bank."""
    if folder is not None:
        return berka(folder)
    beside = Path(__file__).resolve().parents[2] / "shared" / "data" / "berka"
    return berka(beside) if beside.is_dir() else synthetic(n_transactions, seed)
