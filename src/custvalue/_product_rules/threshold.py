"""Thresholds as whole numbers of customers, exactly: a share is what its decimal says, not the nearest float."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from custvalue._spec import unboxed, whole_number
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from typing import TypeAlias

    Share: TypeAlias = float | Decimal | Fraction | str

_LONGEST_TEXT = 500
#: A power of ten beyond that of any float is taken for no number: written out, it would fill the memory.
_LARGEST_EXPONENT = 400


def exact_share(value: object) -> Fraction | None:
    """Read a number as the decimal, or the fraction, that is written; None if it is no finite number.

    A float is its shortest decimal that reads back the same: 0.07 is seven hundredths.
    """
    number = str(value) if isinstance(value, np.floating) else unboxed(value)
    if isinstance(number, bool) or not isinstance(number, int | float | str | Decimal | Fraction):
        return None
    if isinstance(number, int | Fraction):
        return Fraction(number)
    text = str(number).strip()
    if len(text) > _LONGEST_TEXT:
        return None
    try:
        decimal = Decimal(1 if "/" in text else text)
        known = decimal.is_finite() and abs(decimal.adjusted()) <= _LARGEST_EXPONENT
        return Fraction(text) if known else None
    except (ValueError, ZeroDivisionError, InvalidOperation):
        return None


def count_threshold(min_support: Share | None, min_count: int | None, n_customers: int) -> int:
    """Give the least number of customers, at least 1: a share exactly met counts, so 0.07 of 100 is 7.

    Exactly one of `min_support` (in (0, 1], a share of all customers) and `min_count` (from 1) must be given.
    """
    if (min_support is None) == (min_count is None):
        message = "Give exactly one of min_support (a share of all customers) and min_count (their number)."
        raise DomainError(message)
    if min_support is None:
        return whole_number(min_count, "min_count", 1)
    share = exact_share(min_support)
    if share is None or not 0 < share <= 1:
        message = (
            "min_support must be a share above 0 and at most 1: a float, a text such as '0.07', a Decimal or a "
            "Fraction. For a number of customers pass min_count."
        )
        raise DomainError(message)
    return max(-(-share.numerator * n_customers // share.denominator), 1)
