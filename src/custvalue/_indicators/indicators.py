"""Recency, frequency, monetary and length indicators as specifications."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from custvalue._indicators.moments import WINDOW_PATTERN, checked_window
from custvalue._spec import Entries, FrozenMapping, Items, Name, Spec

Initiator: TypeAlias = Literal["customer", "standing_order", "system"]
Side: TypeAlias = Literal["credit", "debit"]
Direction: TypeAlias = Literal["benefit", "cost"]
NullRule: TypeAlias = Literal["worst", "refuse"]
Window: TypeAlias = Annotated[
    str, AfterValidator(checked_window), Field(json_schema_extra={"pattern": WINDOW_PATTERN})
]

#: What an indicator is read against: the window before, the customers' median, or what is usual.
Reference: TypeAlias = Literal["previous_window", "median"] | Annotated[float, Field(gt=0.0)]
Values = Items[Name]

EVERYONE: tuple[Initiator, ...] = ("customer", "standing_order", "system")


class _Indicator(Spec):
    """What every indicator decides: which rows it reads, how far back, and what its numbers mean."""

    name: Name = Field(description="Name of the indicator and of its column.")
    kinds: Items[Name] | None = Field(
        default=None, min_length=1, description="Kinds of transaction it reads; None: all."
    )
    channels: Items[Name] | None = Field(default=None, min_length=1, description="Channels it reads; None: all.")
    products: Items[Name] | None = Field(default=None, min_length=1, description="Products it reads; None: all.")
    where: Entries[str, Annotated[Values, Field(min_length=1)]] = Field(
        default_factory=FrozenMapping, description="For attributes of the schema the names whose rows it reads."
    )
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

    @property
    def filters(self) -> tuple[str, ...]:
        """Names of the fields by which it reads some rows only, initiators and window apart."""
        fields = ("kinds", "channels", "products", "where", "sides")
        return tuple(name for name in fields if getattr(self, name))

    def _require_previous(self, relative_to: Reference | None) -> None:
        if relative_to == "previous_window" and self.window is None:
            message = "relative_to='previous_window' needs a window, such as '90d'"
            raise ValueError(message)


class Recency(_Indicator):
    """Days since the last transaction of some kind; null where there was none.

    Parameters
    ----------
    name : str
        Name of the indicator and of its column.
    kinds, channels, products : sequence of str, default=None
        Kinds, channels and products whose rows count, in the vocabulary of the schema; None reads all.
    where : mapping of str to sequence of str, default={}
        For columns among the schema's `attributes` the names whose rows count, for example
        ``{"terminal": ["abroad"]}``.
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

    @property
    def unit(self) -> str:
        """Unit of the values."""
        return "days"


class Frequency(_Indicator):
    """How often a customer was active: rows or distinct days, by default per day under observation.

    Parameters
    ----------
    name : str
        Name of the indicator and of its column.
    kinds, channels, products : sequence of str, default=None
        Kinds, channels and products whose rows count, in the vocabulary of the schema; None reads all.
    where : mapping of str to sequence of str, default={}
        For columns among the schema's `attributes` the names whose rows count, for example
        ``{"terminal": ["abroad"]}``.
    sides : sequence of {"credit", "debit"}, default=None
        Sides that count; None reads both.
    initiators : sequence of {"customer", "standing_order", "system"}, default=("customer",)
        Who set the transaction off.
    window : str, default=None
        Trailing window such as ``"365d"``; None reads all history.
    null_rule : {"worst", "refuse"}, default="worst"
        What :class:`IndicatorScaler` makes of null; a count is never null.
    dimension : "frequency"
        The control criterion, fixed.
    measure : {"count", "distinct_days", "mean_gap", "share"}, default="count"
        Rows; distinct local calendar days with a row; mean days between successive active days, null below two
        of them; or the share of the rows of the same window, sides and initiators that pass the filters by kind,
        channel, product and attribute, null where there is no such row.
    per_exposed_day : bool, default=None
        Divide a count or a number of days by the days under observation, so that a long relationship is not
        taken for activity. The unit is then rows (or active days) per day, else rows (or days). None does so.
    relative_to : {"previous_window", "median"} or float, default=None
        Read a count or a number of days as a multiple of its value in the window of the same length just before
        (null where that is 0); of the median of the graded customers' values above 0; or of what is usual for
        the product, in the same unit.
    direction : {"benefit", "cost"}, default="benefit"
        More is better, unless said otherwise. A mean gap is a cost.

    Raises
    ------
    pydantic.ValidationError
        If `per_exposed_day` or `relative_to` meets a measure that is neither a count nor a number of days, a
        mean gap is a benefit, or the previous window is asked for without a window.

    Examples
    --------
    >>> from custvalue import rfm
    >>> rfm.Frequency(name="active_days", measure="distinct_days", window="365d").unit
    'active days per day'
    >>> rfm.Frequency(name="mobile", measure="share", channels=["mobile"], window="90d").unit
    'share of rows'
    >>> rfm.Frequency(name="pace", window="90d", relative_to="previous_window").unit
    'ratio'
    """

    dimension: Literal["frequency"] = "frequency"
    measure: Literal["count", "distinct_days", "mean_gap", "share"] = Field(
        default="count", description="Rows, distinct days, mean gap in days, or share of rows."
    )
    per_exposed_day: bool | None = Field(
        default=None, description="Divide by the days under observation; None: counts and days are divided."
    )
    relative_to: Reference | None = Field(
        default=None, description="Previous window, the customers' median, or what is usual, in the same unit."
    )
    direction: Direction = Field(
        default="benefit", description="Whether more is better (benefit) or worse (cost)."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        counted = self.measure in ("count", "distinct_days")
        if not counted and (self.per_exposed_day or self.relative_to is not None):
            message = f"per_exposed_day and relative_to go with counts and days, not with '{self.measure}'"
            raise ValueError(message)
        if self.measure == "mean_gap" and self.direction != "cost":
            message = "a mean gap is better when it is shorter: say direction='cost'"
            raise ValueError(message)
        self._require_previous(self.relative_to)
        return self

    @property
    def is_rate(self) -> bool:
        """Whether the value is divided by the days under observation."""
        return self.measure in ("count", "distinct_days") and self.per_exposed_day is not False

    @property
    def unit(self) -> str:
        """Unit of the values."""
        if self.relative_to is not None:
            return "ratio"
        if self.measure in ("share", "mean_gap"):
            return "share of rows" if self.measure == "share" else "days"
        return ("rows" if self.measure == "count" else "active days") + (" per day" if self.is_rate else "")


class Monetary(_Indicator):
    """How much money a customer moved or holds.

    Parameters
    ----------
    name : str
        Name of the indicator and of its column.
    kinds, channels, products : sequence of str, default=None
        Kinds, channels and products whose rows count, in the vocabulary of the schema; None reads all.
        Not for balances, which every row moves.
    where : mapping of str to sequence of str, default={}
        For columns among the schema's `attributes` the names whose rows count, for example
        ``{"terminal": ["abroad"]}``.
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
    measure : {"sum", "mean", "max", "std", "share", "daily_average_balance", "last_balance"}, default="sum"
        Sum, mean or largest of absolute amounts, or their sample standard deviation (divisor n - 1, null below
        two); the share of the sum over the same window, sides and initiators that passes the filters by kind,
        channel, product and attribute; the mean of the days' closing balances over the calendar days of the
        window, from the first row on; or the closing balance at as-of, which banks and customers dress at
        quarter-ends. Reversals that are netted come off sums, so that a mean may be below 0 and a share outside
        [0, 1].
    per_exposed_day : bool, default=False
        Divide a sum by the days under observation.
    relative_to : {"previous_window", "median"} or float, default=None
        Read a sum as a multiple of its value in the window of the same length just before (null unless that is
        above 0), of the median of the graded customers' values above 0, or of what is usual, in the same unit.
    direction : {"benefit", "cost"}, default="benefit"
        More is better, unless said otherwise.

    Raises
    ------
    pydantic.ValidationError
        If a balance filters rows, a last balance has a window, or anything but a sum is per exposed day or
        relative.

    Examples
    --------
    >>> from custvalue import rfm
    >>> rfm.Monetary(name="balance", measure="daily_average_balance", window="90d").window
    '90d'
    """

    dimension: Literal["monetary"] = "monetary"
    measure: Literal["sum", "mean", "max", "std", "share", "daily_average_balance", "last_balance"] = Field(
        default="sum", description="What is taken of the amounts, or which balance."
    )
    per_exposed_day: bool = Field(default=False, description="Divide a sum by the days under observation.")
    relative_to: Reference | None = Field(
        default=None, description="Previous window, the customers' median, or what is usual, in the same unit."
    )
    direction: Direction = Field(
        default="benefit", description="Whether more is better (benefit) or worse (cost)."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.per_exposed_day or self.relative_to is not None) and self.measure != "sum":
            message = (
                f"per_exposed_day goes with measure 'sum', and so does relative_to: not with '{self.measure}'"
            )
            raise ValueError(message)
        if self.is_balance and self.filters:
            message = f"a balance is moved by every row: leave {', '.join(self.filters)} out"
            raise ValueError(message)
        if self.measure == "last_balance" and self.window is not None:
            message = "a last balance has no window: leave it out, or use 'daily_average_balance'"
            raise ValueError(message)
        self._require_previous(self.relative_to)
        return self

    @property
    def is_balance(self) -> bool:
        """Whether the indicator reads the running balance instead of single rows."""
        return "balance" in self.measure

    @property
    def unit(self) -> str:
        """Unit of the values; currency is that of the amounts."""
        if self.relative_to is not None:
            return "ratio"
        if self.measure == "share":
            return "share of money"
        return "currency per day" if self.per_exposed_day else "currency"


class Length(_Indicator):
    """How long a customer has been one: the L of LRFM.

    Parameters
    ----------
    name : str
        Name of the indicator and of its column.
    kinds, channels, products : sequence of str, default=None
        Kinds, channels and products whose rows count, in the vocabulary of the schema; None reads all.
        Not for a tenure.
    where : mapping of str to sequence of str, default={}
        For columns among the schema's `attributes` the names whose rows count, for example
        ``{"terminal": ["abroad"]}``.
    sides : sequence of {"credit", "debit"}, default=None
        Sides that count; None reads both. Not for a tenure.
    initiators : sequence of {"customer", "standing_order", "system"}, default=("customer",)
        Who set the transaction off; a tenure reads every row.
    window : str, default=None
        Trailing window; None reads all history. Not for a tenure.
    null_rule : {"worst", "refuse"}, default="worst"
        What :class:`IndicatorScaler` makes of null.
    dimension : "length"
        The control criterion, fixed.
    measure : {"span", "tenure"}, default="span"
        Days from the first to the last row read, null without rows; or the days under observation, from the
        opening or the first row, whichever is earlier.
    direction : {"benefit", "cost"}, default="benefit"
        Longer is better, unless said otherwise.

    Raises
    ------
    pydantic.ValidationError
        If a tenure filters rows or has a window.

    Notes
    -----
    Length beside recency, frequency and monetary value is due to Reinartz and Kumar (2000) and, as LRFM, to
    Chang and Tsay (2004).

    Examples
    --------
    >>> from custvalue import rfm
    >>> rfm.Length(name="relationship").unit
    'days'
    """

    dimension: Literal["length"] = "length"
    measure: Literal["span", "tenure"] = Field(default="span", description="First to last row, or tenure.")
    direction: Direction = Field(
        default="benefit", description="Whether more is better (benefit) or worse (cost)."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.measure == "tenure" and (self.filters or self.window is not None):
            found = [*self.filters, *(["window"] if self.window is not None else [])]
            message = f"a tenure counts days and reads no rows: leave {', '.join(found)} out"
            raise ValueError(message)
        return self

    @property
    def unit(self) -> str:
        """Unit of the values."""
        return "days"


Indicator: TypeAlias = Annotated[Recency | Frequency | Monetary | Length, Field(discriminator="dimension")]
