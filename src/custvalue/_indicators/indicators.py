"""Recency, frequency and monetary indicators as specifications."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, field_validator, model_validator

from custvalue._indicators.moments import WINDOW_PATTERN, checked_window
from custvalue._spec import Document, Items, Name, Spec

Initiator: TypeAlias = Literal["customer", "standing_order", "system"]
Side: TypeAlias = Literal["credit", "debit"]
Direction: TypeAlias = Literal["benefit", "cost"]
NullRule: TypeAlias = Literal["worst", "refuse"]
Window: TypeAlias = Annotated[
    str, AfterValidator(checked_window), Field(json_schema_extra={"pattern": WINDOW_PATTERN})
]

_EVERYONE: tuple[Initiator, ...] = ("customer", "standing_order", "system")


class _Indicator(Spec):
    """What every indicator decides: which rows it reads, how far back, and what its numbers mean."""

    name: Name = Field(description="Name of the indicator and of its column.")
    kinds: Items[Name] | None = Field(
        default=None, min_length=1, description="Kinds of transaction it reads; None: all."
    )
    channels: Items[Name] | None = Field(default=None, min_length=1, description="Channels it reads; None: all.")
    sides: Items[Side] | None = Field(default=None, min_length=1, description="Credits, debits; None: both.")
    initiators: Items[Initiator] = Field(
        default=("customer",), min_length=1, description="Who set the transaction off."
    )
    window: Window | None = Field(
        default=None,
        description="Trailing window such as 90d, 4w or 12mo, half-open up to as_of; None: all history.",
    )
    null_rule: NullRule = Field(
        default="worst", description="What a scaler makes of null: the bad end 0, or a refusal."
    )


class Recency(_Indicator):
    """Days since the last transaction of some kind; null where there was none.

    Parameters
    ----------
    name : str
        Name of the indicator and of its column.
    kinds, channels : sequence of str, default=None
        Kinds and channels whose rows count, in the vocabulary of the schema; None reads all.
    sides : sequence of {"credit", "debit"}, default=None
        Sides that count; None reads both.
    initiators : sequence of {"customer", "standing_order", "system"}, default=("customer",)
        Who set the transaction off; interest and fees are the system's and no activity of the customer.
    window : str, default=None
        Trailing window such as ``"90d"``, ``"4w"`` or ``"12mo"``; None reads all history.
    null_rule : {"worst", "refuse"}, default="worst"
        What :class:`IndicatorScaler` makes of null.
    dimension : "recency"
        The control criterion, fixed.
    measure : "days_since"
        Calendar days from the local date of the last row to the local date of as-of.
    direction : {"cost", "benefit"}, default="cost"
        Fewer days are better, unless said otherwise.

    Examples
    --------
    >>> from custvalue import rfm
    >>> rfm.Recency(name="recency_deposit", kinds=["cash_deposit"]).direction
    'cost'
    """

    dimension: Literal["recency"] = "recency"
    measure: Literal["days_since"] = "days_since"
    direction: Direction = Field(default="cost", description="Whether more is better (benefit) or worse (cost).")


class Frequency(_Indicator):
    """How often a customer was active: rows or distinct days, by default per day under observation.

    Parameters
    ----------
    name : str
        Name of the indicator and of its column.
    kinds, channels : sequence of str, default=None
        Kinds and channels whose rows count, in the vocabulary of the schema; None reads all.
    sides : sequence of {"credit", "debit"}, default=None
        Sides that count; None reads both.
    initiators : sequence of {"customer", "standing_order", "system"}, default=("customer",)
        Who set the transaction off.
    window : str, default=None
        Trailing window such as ``"365d"``; None reads all history.
    null_rule : {"worst", "refuse"}, default="worst"
        What :class:`IndicatorScaler` makes of null; a frequency is never null.
    dimension : "frequency"
        The control criterion, fixed.
    measure : {"count", "distinct_days"}, default="count"
        Rows, or distinct local calendar days with a row.
    per_exposed_day : bool, default=True
        Divide by the days under observation, so that a long relationship is not taken for activity. The unit is
        then rows (or active days) per day, else rows (or days).
    direction : {"benefit", "cost"}, default="benefit"
        More is better, unless said otherwise.

    Examples
    --------
    >>> from custvalue import rfm
    >>> rfm.Frequency(name="active_days", measure="distinct_days", window="365d").per_exposed_day
    True
    """

    dimension: Literal["frequency"] = "frequency"
    measure: Literal["count", "distinct_days"] = Field(default="count", description="Rows or distinct days.")
    per_exposed_day: bool = Field(default=True, description="Divide by the days under observation.")
    direction: Direction = Field(
        default="benefit", description="Whether more is better (benefit) or worse (cost)."
    )


class Monetary(_Indicator):
    """Money moved or kept: sum or mean of amounts, daily-average or last balance, in the caller's currency.

    Parameters
    ----------
    name : str
        Name of the indicator and of its column.
    kinds, channels : sequence of str, default=None
        Kinds and channels whose rows count; None reads all. Not for balances, which every row moves.
    sides : sequence of {"credit", "debit"}, default=None
        Sides that count; None reads both. Not for balances.
    initiators : sequence of {"customer", "standing_order", "system"}, default=("customer",)
        Who set the transaction off; a balance always reads every row.
    window : str, default=None
        Trailing window such as ``"90d"``; None reads all history. Not for ``"last_balance"``.
    null_rule : {"worst", "refuse"}, default="worst"
        What :class:`IndicatorScaler` makes of null.
    dimension : "monetary"
        The control criterion, fixed.
    measure : {"sum", "mean", "daily_average_balance", "last_balance"}, default="sum"
        Sum or mean of absolute amounts; or the mean of the days' closing balances over the calendar days of the
        window, from the first row on; or the closing balance at as-of, which banks and customers dress at
        quarter-ends.
    per_exposed_day : bool, default=False
        Divide a sum by the days under observation.
    direction : {"benefit", "cost"}, default="benefit"
        More is better, unless said otherwise.

    Raises
    ------
    pydantic.ValidationError
        If a balance filters rows, a last balance has a window, or anything but a sum is per exposed day.

    Examples
    --------
    >>> from custvalue import rfm
    >>> rfm.Monetary(name="balance", measure="daily_average_balance", window="90d").window
    '90d'
    """

    dimension: Literal["monetary"] = "monetary"
    measure: Literal["sum", "mean", "daily_average_balance", "last_balance"] = Field(
        default="sum", description="Sum or mean of amounts, daily-average balance, or last balance."
    )
    per_exposed_day: bool = Field(default=False, description="Divide a sum by the days under observation.")
    direction: Direction = Field(
        default="benefit", description="Whether more is better (benefit) or worse (cost)."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.per_exposed_day and self.measure != "sum":
            message = f"per_exposed_day goes with measure 'sum', not with '{self.measure}'"
            raise ValueError(message)
        filters = [field for field in ("kinds", "channels", "sides") if getattr(self, field) is not None]
        if self.is_balance and filters:
            message = f"a balance is moved by every row: leave {', '.join(filters)} out"
            raise ValueError(message)
        if self.measure == "last_balance" and self.window is not None:
            message = "a last balance has no window: leave it out, or use 'daily_average_balance'"
            raise ValueError(message)
        return self

    @property
    def is_balance(self) -> bool:
        """Whether the indicator reads the running balance instead of single rows."""
        return "balance" in self.measure


Indicator: TypeAlias = Annotated[Recency | Frequency | Monetary, Field(discriminator="dimension")]


class IndicatorSet(Document):
    """The indicators of one grading, and how much history a customer needs to be graded.

    Parameters
    ----------
    indicators : sequence of Recency, Frequency or Monetary
        The indicators, with unique names.
    min_history_days : int, default=90
        Customers with less history are of status ``"new"``: too young to be graded, not of low value.
    spec_version : int, default=1
        Version of the JSON layout.

    Raises
    ------
    pydantic.ValidationError
        If a name repeats or a field is unknown.

    Examples
    --------
    >>> from custvalue import rfm
    >>> chosen = rfm.IndicatorSet.retail_bank()
    >>> {dimension: len(names) for dimension, names in chosen.groups.items()}
    {'recency': 4, 'frequency': 3, 'monetary': 2}
    >>> rfm.IndicatorSet.model_validate_json(chosen.model_dump_json()) == chosen
    True
    """

    indicators: Items[Indicator] = Field(min_length=1, max_length=1000, description="The indicators.")
    min_history_days: int = Field(default=90, ge=0, description="Days of history a graded customer needs.")

    @field_validator("indicators")
    @classmethod
    def _unique(cls, indicators: tuple[Indicator, ...]) -> tuple[Indicator, ...]:
        names = [indicator.name for indicator in indicators]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            message = f"indicator name(s) {repeated} stand more than once; each must be unique"
            raise ValueError(message)
        return indicators

    @classmethod
    def retail_bank(cls, *, min_history_days: int = 90) -> Self:
        """Give the documented retail-bank preset: four recency, three frequency and two monetary indicators.

        The source's table of its nine indicators is not preserved, so this set is ours. Recency: days since the
        last cash deposit, cash withdrawal, transfer in and transfer out. Frequency, per exposed day over 365
        days: cash rows, transfer rows, active days. Monetary: turnover per exposed day over 365 days, and the
        daily-average balance over 90 days. Only what the customer set off counts as activity; the balance reads
        every row.

        Parameters
        ----------
        min_history_days : int, default=90
            Days of history a graded customer needs.

        Returns
        -------
        IndicatorSet
            The preset; kinds are ``cash_deposit``, ``cash_withdrawal``, ``transfer_in`` and ``transfer_out``, to
            which the schema's `kinds` maps a bank's own codes.

        Examples
        --------
        >>> from custvalue import rfm
        >>> rfm.IndicatorSet.retail_bank().names[-2:]
        ('turnover', 'balance')
        """
        kinds = ("cash_deposit", "cash_withdrawal", "transfer_in", "transfer_out")
        indicators: tuple[Recency | Frequency | Monetary, ...] = (
            *(Recency(name=f"recency_{kind}", kinds=(kind,)) for kind in kinds),
            Frequency(name="frequency_cash", kinds=kinds[:2], window="365d"),
            Frequency(name="frequency_transfer", kinds=kinds[2:], window="365d"),
            Frequency(name="frequency_active_days", measure="distinct_days", window="365d"),
            Monetary(name="turnover", measure="sum", per_exposed_day=True, window="365d"),
            Monetary(name="balance", measure="daily_average_balance", window="90d", initiators=_EVERYONE),
        )
        return cls(indicators=indicators, min_history_days=min_history_days)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the indicators, in order."""
        return tuple(indicator.name for indicator in self.indicators)

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """For each dimension in use the names of its indicators: the groups of a hierarchy."""
        found: dict[str, tuple[str, ...]] = {}
        for indicator in self.indicators:
            found[indicator.dimension] = (*found.get(indicator.dimension, ()), indicator.name)
        return found
