"""A synthetic retail bank with planted truth, for every example, test and benchmark of custvalue.

`make_bank` draws customers of six latent types and what they do: transactions, products held, a campaign with its
hold-out, a survey about other banks. `BankTruth` holds what was planted, so that a method can say how much of it
was found. Nothing is read or written, no global state is touched, and NumPy and pandas are all it needs.

The parts lie in `_synthetic_bank`, in the order of reading: `tables` (the types, products and seasons: change the
bank there), `population` (who the customers are), `money` (what they are expected to do), `flows` (the
transactions), `offers` (holdings, campaign, survey), `periods` (the calendar), `bank` (`make_bank`, its results).
"""

from __future__ import annotations

from _synthetic_bank.bank import BankTruth, SyntheticBank, make_bank
from _synthetic_bank.tables import TYPES

__all__ = ["TYPES", "BankTruth", "SyntheticBank", "make_bank"]
