"""Frequency, recency, age and money of every customer, as buy-till-you-die models want them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from custvalue._indicators.indicators import Initiator
from custvalue._purchase_histories.summarising import Settings, summarised
from custvalue._purchase_histories.tables import CalibrationHoldout, ClvSummary
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._indicators.schema import TransactionSchema
    from custvalue._purchase_histories.purchases import NegativeRule, NullRule, TimeUnit, ZeroRule
    from custvalue._purchase_histories.tables import Convention

EndDate: TypeAlias = str | dt.date

_ALLOWED_DATE: Final = "a date or ISO text such as '2025-12-31'"


def clv_summary(
    transactions: Any,
    schema: TransactionSchema,
    *,
    observation_end: EndDate,
    time_unit: TimeUnit = "days",
    zero_amounts: ZeroRule = "count",
    null_amounts: NullRule = "refuse",
    negative_amounts: NegativeRule = "refuse",
    initiators: Sequence[Initiator] = ("customer",),
    convention: Convention = "fader_hardie",
    on_invalid: Literal["raise", "report"] = "raise",
) -> ClvSummary:
    r"""Summarise every customer's purchases as buy-till-you-die models want them.

    Each row of the table is a purchase, refunds and rows that others set off apart: filter it first where it holds
    more. The models suppose that customers may leave without notice; where a contract ends visibly, as an account
    does, they are the wrong ones.

    Parameters
    ----------
    transactions : pandas, Polars or PyArrow frame, Polars lazy frame, DuckDB relation, Ibis table or PySpark frame
        One row a purchase, in any order; it is not changed.
    schema : TransactionSchema
        Which column is what. Fields about kinds, sides, balances and populations are not read.
    observation_end : str or datetime.date
        Last day of observation, inclusive, on the schema's local calendar.
    time_unit : {"days", "weeks", "calendar_weeks", "calendar_months"}, default="days"
        ``days``; ``weeks`` are days / 7, with purchases still pooled by day; the calendar units pool the purchases
        of a week (Monday to Sunday) or month and count whole ones. Hours are not offered: a purchase is a day.
    zero_amounts : {"count", "exclude"}, default="count"
        Whether a row of amount 0 is a purchase.
    null_amounts : {"refuse", "exclude", "zero"}, default="refuse"
        Rows without an amount are refused, no purchases, or purchases of amount 0.
    negative_amounts : {"refuse", "refund", "absolute"}, default="refuse"
        Amounts below 0 that no reversal marks are refused; refunds, under the schema's ``refunds``; or purchases
        whose money went out.
    initiators : sequence of {"customer", "standing_order", "system"}, default=("customer",)
        Who set the purchases off, where the schema marks it.
    convention : {"fader_hardie", "lifetimes"}, default="fader_hardie"
        ``lifetimes`` names and fills the table as the packages lifetimes and pymc-marketing do (see Notes).
    on_invalid : {"raise", "report"}, default="raise"
        Rows without key or time are refused, or left out and counted in the report.

    Returns
    -------
    ClvSummary
        One row a customer who bought, with the report.

    Raises
    ------
    ColumnError
        If a column is missing or of a wrong type, or the key has a name of the table's own columns.
    DataError
        If rows break a rule of the schema or one of the above, or nothing was bought up to `observation_end`.
    DomainError
        If a setting is not one of those named, or `observation_end` is no date.

    See Also
    --------
    calibration_holdout_split : The same, with what was bought afterwards.

    Notes
    -----
    For a customer with purchases on :math:`x + 1` distinct local days :math:`d_0 < \dots < d_x`, with sums of
    money :math:`m_0, \dots, m_x`, and the last day of observation :math:`e`,

    .. math:: (x,\; t_x,\; T,\; \bar z) = \Bigl(x,\; d_x - d_0,\; e - d_0,\; \tfrac1x \sum_{j=1}^x m_j\Bigr)

    as Fader, Hardie and Lee define the first three [1]_ and Fader and Hardie the mean, from which the first
    purchase is left out because it stands for the start of the relationship [2]_. Days, not rows, because the
    models know one purchase at a time; the calendar is that of the schema's zone, in this function and in the
    split.

    Ours: refunds are no purchases; with ``refunds="net"`` a refund after the first day comes off the sum of the
    repeat days, whatever day it falls on, so a mean may be 0 or less, which the report counts, since the
    Gamma-Gamma model cannot read it. Customers whose first row is later than `observation_end` are left out and
    counted.

    ``convention="lifetimes"`` differs in three ways: ``t_x`` is called ``recency``; all columns are floats;
    without a repeat ``monetary_value`` is 0, not null, though nothing is known of it. Both count purchases of
    amount 0: the published CDNOW sample has eight customers who bought nothing else on their first day.
    ``calendar_weeks`` are the weeks of its ``freq="W"``, ``weeks`` the ``freq_multiplier=7`` that the published
    summary has.

    Cost: :math:`O(n)` for n rows in the order of time and :math:`O(n \log n)` for others. In memory, 12 to 24
    bytes a row beside the frame. Money is added in the order of the rows, so means agree to rounding between
    orders, and to the last bit with ``decimals``.

    References
    ----------
    .. [1] Fader, P. S., Hardie, B. G. S. and Lee, K. L. (2005). "Counting your customers" the easy way: an
       alternative to the Pareto/NBD model. *Marketing Science*, 24(2), 275-284.
    .. [2] Fader, P. S. and Hardie, B. G. S. (2013). The Gamma-Gamma model of monetary value.
       brucehardie.com/notes/025.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import rfm
    >>> rows = pd.DataFrame({
    ...     "key": ["a", "a", "a", "b"], "amount": [29.33, 29.73, 14.96, 63.34],
    ...     "day": pd.to_datetime(["1997-01-01", "1997-01-18", "1997-08-02", "1997-01-01"])})
    >>> schema = rfm.TransactionSchema(customer="key", time="day", amount="amount")
    >>> rfm.clv_summary(rows, schema, observation_end="1997-09-30", time_unit="weeks").to_frame().round(2)
         frequency    t_x      T  monetary_value
    key
    a            2  30.43  38.86           22.34
    b            0   0.00  38.86             NaN
    """
    settings = Settings(
        end_date(observation_end, "observation_end"),
        None,
        time_unit,
        zero_amounts,
        null_amounts,
        negative_amounts,
        checked_initiators(initiators),
        convention,
        on_invalid,
    )
    return ClvSummary(**summarised(transactions, schema, settings))


def calibration_holdout_split(
    transactions: Any,
    schema: TransactionSchema,
    *,
    calibration_end: EndDate,
    observation_end: EndDate,
    time_unit: TimeUnit = "days",
    zero_amounts: ZeroRule = "count",
    null_amounts: NullRule = "refuse",
    negative_amounts: NegativeRule = "refuse",
    initiators: Sequence[Initiator] = ("customer",),
    convention: Convention = "fader_hardie",
    on_invalid: Literal["raise", "report"] = "raise",
) -> CalibrationHoldout:
    r"""Summarise purchases up to one date, and count what the same customers bought after it.

    Parameters
    ----------
    transactions : pandas, Polars or PyArrow frame, Polars lazy frame, DuckDB relation, Ibis table or PySpark frame
        One row a purchase, in any order; it is not changed.
    schema : TransactionSchema
        Which column is what.
    calibration_end : str or datetime.date
        Last day of the calibration, inclusive. With a calendar unit it must be the last day of a week or month,
        since a period on both sides would be counted twice.
    observation_end : str or datetime.date
        Last day of the holdout, inclusive; later than `calibration_end`.
    time_unit : {"days", "weeks", "calendar_weeks", "calendar_months"}, default="days"
        As in :func:`clv_summary`.
    zero_amounts : {"count", "exclude"}, default="count"
        Whether a row of amount 0 is a purchase.
    null_amounts : {"refuse", "exclude", "zero"}, default="refuse"
        What rows without an amount are.
    negative_amounts : {"refuse", "refund", "absolute"}, default="refuse"
        What amounts below 0 are that no reversal marks.
    initiators : sequence of {"customer", "standing_order", "system"}, default=("customer",)
        Who set the purchases off, where the schema marks it.
    convention : {"fader_hardie", "lifetimes"}, default="fader_hardie"
        ``lifetimes`` puts ``_cal`` behind the names of the calibration, 0 for null, and the mean of the rows, not
        of the days, into ``monetary_value_holdout``, as that package does.
    on_invalid : {"raise", "report"}, default="raise"
        Rows without key or time are refused, or left out and counted in the report.

    Returns
    -------
    CalibrationHoldout
        One row a customer who bought up to `calibration_end`, with the report.

    Raises
    ------
    ColumnError
        If a column is missing or of a wrong type, or the key has a name of the table's own columns.
    DataError
        If rows break a rule of the schema or one of the above, or nothing was bought up to `calibration_end`.
    DomainError
        If a setting is not one of those named, a date is none, or the dates are in the wrong order.

    See Also
    --------
    clv_summary : The summary alone; the calibration's columns are the same to the last bit.

    Notes
    -----
    A row belongs to the calibration if its local day is not after `calibration_end`, and to the holdout if it is,
    up to `observation_end`: one rule, by days, wherever the day begins. (Comparing times with the end's midnight,
    as pymc-marketing 0.19.2 does in its split and not in its summary, moves purchases of the last day to the
    holdout.) Money is the mean of the days' sums on both sides. Later rows never change the calibration's columns.
    Rows dated before `calibration_end` but booked after it are taken for known. Cost: as :func:`clv_summary`.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import rfm
    >>> rows = pd.DataFrame({
    ...     "key": [1, 1, 1, 1], "amount": [5.0, 10.0, 20.0, 40.0],
    ...     "time": pd.to_datetime(["2025-01-01", "2025-02-03", "2025-02-03", "2025-02-04"])})
    >>> schema = rfm.TransactionSchema(customer="key", time="time", amount="amount")
    >>> ends = {"calibration_end": "2025-01-31", "observation_end": "2025-02-28"}
    >>> split = rfm.calibration_holdout_split(rows, schema, **ends)
    >>> split.to_frame()[["frequency_holdout", "monetary_value_holdout"]]
         frequency_holdout  monetary_value_holdout
    key
    1                    2                    35.0
    """
    calibration = end_date(calibration_end, "calibration_end")
    end = end_date(observation_end, "observation_end")
    if calibration >= end:
        message = "calibration_end must be a day before observation_end: the holdout has at least one day."
        raise DomainError(message)
    settings = Settings(
        end,
        calibration,
        time_unit,
        zero_amounts,
        null_amounts,
        negative_amounts,
        checked_initiators(initiators),
        convention,
        on_invalid,
    )
    fields = summarised(transactions, schema, settings)
    return CalibrationHoldout(**fields, calibration_end=calibration.isoformat())


def end_date(value: object, argument: str) -> dt.date:
    """Read an inclusive date; a time of day is refused, because a day has no middle here."""
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value.strip())
        except ValueError:
            message = f"{argument} is '{value}', which is no ISO 8601 date; allowed: {_ALLOWED_DATE}."
            raise DomainError(message) from None
    if isinstance(value, np.datetime64) or hasattr(value, "to_pydatetime"):
        value = pd.Timestamp(str(value)).to_pydatetime(warn=False)
    if not isinstance(value, dt.date) or value != value:  # noqa: PLR0124 - NaT differs from itself
        message = f"{argument} is a {type(value).__name__}; allowed: {_ALLOWED_DATE}."
        raise DomainError(message)
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None or value.time() != dt.time():
            message = f"{argument} is a time of day; allowed: {_ALLOWED_DATE}. The day counts whole."
            raise DomainError(message)
        return value.date()
    return value


def checked_initiators(given: object) -> tuple[Initiator, ...]:
    allowed = get_args(Initiator)
    names = () if isinstance(given, str) or not hasattr(given, "__iter__") else tuple(given)
    if not names or any(name not in allowed for name in names):
        message = f"initiators must be a sequence of one or more of {', '.join(allowed)}."
        raise DomainError(message)
    return names


__all__ = ["CalibrationHoldout", "ClvSummary", "calibration_holdout_split", "clv_summary"]
