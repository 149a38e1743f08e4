"""Answers of a survey, read with suspicion: what is no amount, lies below what is here, or cannot be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from custvalue import _frames
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from custvalue._typing import BoolArray, FloatArray

Outcome: TypeAlias = Literal["total", "external", "share"]
OwnAboveTotal: TypeAlias = Literal["refuse", "raise_total"]


class Answers(NamedTuple):
    """Spending elsewhere, NaN without an answer; how many totals were raised to what is here."""

    external: FloatArray
    raised: int

    @property
    def answered(self) -> BoolArray:
        """Tell who answered."""
        return np.asarray(~np.isnan(self.external))


def plain_numbers(values: Any, n: int, argument: str, *, per: str) -> FloatArray:
    """Give one number a customer, NaN where there is none; refuse text, dates and another length."""
    try:
        numbers = np.array(_frames.unmasked(values))
        if numbers.dtype == object:
            numbers = np.where(pd.isna(numbers), np.nan, numbers)
        numbers = numbers.astype(np.float64, casting="unsafe" if numbers.dtype.kind in "biufO" else "safe")
    except (TypeError, ValueError):
        message = f"{argument} must hold numbers, one a customer, NaN where there is no answer."
        raise DataError(message) from None
    if numbers.shape != (n,):
        message = f"{argument} has shape {numbers.shape} and {per} {n} rows; one number a customer."
        raise DataError(message)
    return numbers


def numbers_of(values: Any, n: int, argument: str, *, per: str) -> FloatArray:
    """Give one amount a customer, NaN where there is none; refuse text, infinity and another length."""
    numbers = plain_numbers(values, n, argument, per=per)
    if strange := int(np.count_nonzero(np.abs(np.nan_to_num(numbers, nan=0.0, posinf=np.inf)) > _frames.LARGEST)):
        message = f"{argument} holds {strange} infinite number(s); allowed: amounts, or NaN where there is none."
        raise DataError(message)
    return numbers


def read(
    told: FloatArray, own: FloatArray | None, outcome: Outcome, rule: OwnAboveTotal, *, argument: str = "y"
) -> Answers:
    """Turn totals, external spending or shares into external spending; refuse what contradicts itself."""
    if outcome != "external" and own is None:
        message = f"outcome='{outcome}' needs what the customer spends here: name its column of X in own."
        raise DomainError(message)
    if outcome == "share":
        _require_shares(told)
    elif negative := int(np.count_nonzero(told < 0.0)):
        message = f"{argument} holds {negative} answer(s) below 0; spending is counted from 0."
        raise DataError(message)
    if own is None or outcome == "external":
        return Answers(told, 0)
    if outcome == "share":
        if untold := int(np.count_nonzero(np.isfinite(told) & ((told == 0.0) | (own == 0.0)))):
            message = (
                f"{untold} answer(s) tell no total: a share of 0, or a share of a customer who has nothing here. "
                "Ask those for the total, or leave them without an answer."
            )
            raise DataError(message)
        told = own / told
    return Answers(*_above_own(told, own, rule))


def _require_shares(told: FloatArray) -> None:
    if outside := int(np.count_nonzero((told < 0.0) | (told > 1.0))):
        message = f"y holds {outside} share(s) outside [0, 1]; a share is own over total, no percentage."
        raise DataError(message)


def _above_own(total: FloatArray, own: FloatArray, rule: OwnAboveTotal) -> tuple[FloatArray, int]:
    """Give total - own; a total below own is refused or raised to it; rounding is no contradiction."""
    external = total - own
    below = external < -1e-9 * own
    count = int(np.count_nonzero(below))
    if count and rule == "refuse":
        message = (
            f"Own spend lies above the stated total for {count} respondent(s). Mend the answers, or take their "
            "total for what they spend here with own_above_total='raise_total'."
        )
        raise DataError(message)
    return np.where(np.isnan(external), np.nan, np.maximum(external, 0.0)), count


def require_own(own: FloatArray) -> None:
    """Refuse negative spending."""
    if negative := int(np.count_nonzero(own < 0.0)):
        message = f"Negative values in data: own spend lies below 0 for {negative} customer(s); allowed: from 0."
        raise DataError(message)
