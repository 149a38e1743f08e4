"""Moments as the caller writes them: ISO text, dates and times of Python, pandas or NumPy."""

from __future__ import annotations

import datetime as dt
import re

from custvalue.exceptions import DomainError

#: What an argument that names a moment may be.
ALLOWED_MOMENTS = "ISO text such as '2025-12-31' or '2025-12-31T18:00', a date, or a datetime"


def parsed(as_of: object, argument: str) -> dt.date | dt.datetime:
    """Read a moment; refuse what names none, by the argument's name."""
    if isinstance(as_of, str):
        try:
            date_only = re.fullmatch(r"\d{4}-\d{2}-\d{2}", as_of.strip()) is not None
            text = as_of.strip()
            return dt.date.fromisoformat(text) if date_only else dt.datetime.fromisoformat(text)
        except ValueError:
            message = f"{argument} is '{as_of}', which is no ISO 8601 date; allowed: {ALLOWED_MOMENTS}."
            raise DomainError(message) from None
    if hasattr(as_of, "to_pydatetime"):  # pandas.Timestamp
        as_of = as_of.to_pydatetime(warn=False)
    elif hasattr(as_of, "item") and not isinstance(as_of, dt.date):  # numpy.datetime64
        value = as_of.item()  # nanoseconds come as an integer
        as_of = as_of.astype("M8[us]").item() if isinstance(value, int) and hasattr(as_of, "astype") else value
    if not isinstance(as_of, dt.date) or as_of != as_of:  # noqa: PLR0124 - NaT differs from itself
        message = f"{argument} is a {type(as_of).__name__}; allowed: {ALLOWED_MOMENTS}."
        raise DomainError(message)
    return as_of
