"""What a summary of purchases gives back: the table of customers, the report, and how they came about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import narwhals.stable.v2 as nw
import pandas as pd

from custvalue._results import html_table, short_repr

if TYPE_CHECKING:
    from custvalue._indicators.report import SchemaReport
    from custvalue._indicators.schema import TransactionSchema
    from custvalue._purchase_histories.purchases import TimeUnit
    from custvalue._results import Provenance

Convention: TypeAlias = Literal["fader_hardie", "lifetimes"]


@dataclass(frozen=True, eq=False, repr=False)
class PurchaseTable:
    """What both results have: the table, and how it came about."""

    table: Any
    schema: TransactionSchema
    time_unit: TimeUnit
    convention: Convention
    observation_end: str
    report: SchemaReport
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Give the table as a pandas frame with the customer's key as index.

        Returns
        -------
        pandas.DataFrame
            The columns of `table` without the key; null is NaN.
        """
        frame: nw.DataFrame[Any] = nw.from_native(self.table)
        index = pd.Index(frame.get_column(self.schema.customer).to_list(), name=self.schema.customer)
        names = [name for name in frame.columns if name != self.schema.customer]
        return pd.DataFrame({name: frame.get_column(name).to_numpy() for name in names}, index=index)

    def __repr__(self) -> str:
        counts = self.provenance.counts
        kept = {name: counts[name] for name in ("customers", "repeaters")}
        return short_repr(type(self).__name__, end=self.observation_end, time_unit=self.time_unit, **kept)

    def _repr_html_(self) -> str:
        counts = self.provenance.counts
        rows = [(name, counts[name]) for name in ("rows", "customers", "repeaters")]
        title = f"{type(self).__name__} to {self.observation_end}, in {self.time_unit.replace('_', ' ')}"
        return html_table(["what", "count"], rows, caption=title) + self.report._repr_html_()


@dataclass(frozen=True, eq=False, repr=False)
class ClvSummary(PurchaseTable):
    """Frequency, recency, age and money of every customer up to a date.

    Attributes
    ----------
    table : frame in the caller's library
        One row a customer with a purchase, sorted by key: the key, ``frequency`` (repeat purchase days: distinct
        days less one), ``t_x`` (time from the first to the last purchase day), ``T`` (time from the first purchase
        day to `observation_end`) and, if the schema names an amount, ``monetary_value`` (mean of the sums of the
        repeat days; null without a repeat). With ``convention="lifetimes"`` ``t_x`` is called ``recency``.
    schema : TransactionSchema
        How the rows were read.
    time_unit : str
        Unit of ``t_x`` and ``T``.
    convention : str
        Whose names and whose value without a repeat the table has.
    observation_end : str
        Last day of observation, inclusive, as an ISO date.
    report : SchemaReport
        What was found, left out or assumed, by rule and count.
    provenance : Provenance
        Package version, specifications and counts.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import rfm
    >>> rows = pd.DataFrame({
    ...     "key": [1, 1, 1, 2], "day": pd.to_datetime(["2025-01-01", "2025-01-04", "2025-01-11", "2025-01-06"]),
    ...     "amount": [50.0, 20.0, 40.0, 70.0]})
    >>> schema = rfm.TransactionSchema(customer="key", time="day", amount="amount")
    >>> rfm.clv_summary(rows, schema, observation_end="2025-01-31").to_frame()
         frequency   t_x     T  monetary_value
    key
    1            2  10.0  30.0            30.0
    2            0   0.0  25.0             NaN
    """


@dataclass(frozen=True, eq=False, repr=False)
class CalibrationHoldout(PurchaseTable):
    """The summary up to one date, and what the same customers bought from the next day to a later date.

    Attributes
    ----------
    table : frame in the caller's library
        One row a customer with a purchase up to `calibration_end`, sorted by key: the columns of
        :class:`ClvSummary` as of `calibration_end`, then ``frequency_holdout`` (purchase days after it),
        ``monetary_value_holdout`` (mean of the sums of these days; null without one) and ``duration_holdout``
        (time from `calibration_end` to `observation_end`).
    schema : TransactionSchema
        How the rows were read.
    time_unit : str
        Unit of times and durations.
    convention : str
        Whose names and whose value without a purchase the table has.
    observation_end : str
        Last day of the holdout, inclusive, as an ISO date.
    report : SchemaReport
        What was found, left out or assumed, by rule and count.
    provenance : Provenance
        Package version, specifications and counts.
    calibration_end : str
        Last day of the calibration, inclusive, as an ISO date.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import rfm
    >>> times = ["2025-01-01", "2025-01-31 18:00", "2025-02-10", "2025-02-06"]
    >>> rows = pd.DataFrame({
    ...     "key": [1, 1, 1, 2], "amount": [50.0, 20.0, 40.0, 70.0],
    ...     "time": pd.to_datetime(times, format="ISO8601")})
    >>> schema = rfm.TransactionSchema(customer="key", time="time", amount="amount")
    >>> split = rfm.calibration_holdout_split(
    ...     rows, schema, calibration_end="2025-01-31", observation_end="2025-02-28")
    >>> split.to_frame()[["frequency", "t_x", "T", "frequency_holdout", "duration_holdout"]]
         frequency   t_x     T  frequency_holdout  duration_holdout
    key
    1            1  30.0  30.0                  1              28.0
    """

    calibration_end: str
