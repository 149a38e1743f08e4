"""What tables of holdings are refused for, in the same words wherever they are read: in memory or on an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from custvalue.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable


def refuse_null_keys(name: str, count: int) -> None:
    """Refuse rows without a customer."""
    if count:
        raise DataError(f"Column '{name}' is null in {count} row(s); every row needs its customer.")


def refuse_null_labels(name: str, count: int, what: str) -> None:
    """Refuse rows without a product or segment."""
    if count:
        message = f"Column '{name}' is null in {count} row(s); name the {what} there, or leave the rows out."
        raise DataError(message)


def refuse_empty_labels(name: str, texts: Iterable[str], what: str) -> None:
    """Refuse labels that show nothing."""
    if not all(text.strip() for text in texts):
        raise DataError(f"Column '{name}' holds empty text; name the {what} there, or leave the rows out.")


def refuse_wrong_amounts(name: str, count: int) -> None:
    """Refuse balances or revenues that are no number from 0."""
    if count:
        message = (
            f"Column '{name}' holds {count} value(s) that are null, below 0 or infinite; allowed: numbers from "
            "0, since an itemset must never weigh less than a larger one. Fill or clip them."
        )
        raise DataError(message)


def refuse_several_segments(name: str, customers: int) -> None:
    """Refuse customers whose rows tell different segments."""
    if customers:
        message = (
            f"Column '{name}' tells {customers} customer(s) more than one segment; give each customer "
            "one, or a population with one row a customer."
        )
        raise DataError(message)


def refuse_doubled(count: int) -> None:
    """Refuse a population that holds customers more than once."""
    if count:
        raise DataError(f"population holds {count} customer(s) more than once; keep one row a customer.")


def refuse_strangers(customers: int) -> None:
    """Refuse customers whom the population does not hold."""
    if customers:
        message = (
            f"{customers} customer(s) of the holdings are not in population; add them or leave their rows out."
        )
        raise DataError(message)


def refuse_nobody(customers: int) -> None:
    """Refuse a table that leaves no customer."""
    if not customers:
        message = "No customer is left; allowed: at least one. Look at the window and the population."
        raise DataError(message)
