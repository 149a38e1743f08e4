"""Which column of a transaction table is what, and whether the rows keep to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from custvalue._spec import Document, Entries, FrozenMapping, Items, Name

if TYPE_CHECKING:
    from custvalue._indicators.report import SchemaReport

Values = Items[Name]


class TransactionSchema(Document):
    """Which column of a transaction table is what, and how its codes are read.

    Parameters
    ----------
    customer : str
        Column of the customer's key: integers or text.
    time : str
        Column of the event's time: a date or a datetime, never text. Without a time zone it is local wall time.
    amount : str, default=None
        Column of the amount. With `side` it is not negative; without `side` a negative amount is a debit.
    kind, channel : str, default=None
        Columns of the kind of transaction and of the channel.
    side : str, default=None
        Column that tells credits from debits.
    account, currency : str, default=None
        Columns that are checked: an account must belong to one customer, and there must be one currency.
    reversal : str, default=None
        Boolean column that marks refunds and reversals.
    balance, order : str, default=None
        Balance after the row, and the number that orders a customer's rows. They give the opening balance, and
        a balance is used only with an order, because rows of one day have none of their own.
    opened, opening_balance : str, default=None
        Columns of the `population` handed to :func:`compute`: the day the relationship began, and the balance
        before the first row.
    credit, debit : sequence of str, default=("credit",), ("debit",)
        Values of `side`.
    kinds, channels : mapping of str to sequence of str, default={}
        The bank's codes of each kind and channel of the indicators, for example ``{"cash_deposit": ["VKLAD"]}``.
        Empty: the column already speaks that vocabulary.
    system, standing_order : mapping of str to sequence of str, default={}
        For columns of the table the values that mark rows set off by the bank (interest, fees) and by standing
        orders. All other rows are the customer's.
    refunds : {"net", "exclude", "as_is"}, default="net"
        What a row marked by `reversal` does: it is never activity; ``net`` takes its amount off the money moved,
        ``exclude`` leaves it out; ``as_is`` treats it as any other row. A balance counts every row.
    time_zone : str, default=None
        IANA zone of the local calendar, needed if `time` is time-zone aware.
    spec_version : int, default=1
        Version of the JSON layout.

    Raises
    ------
    pydantic.ValidationError
        If a field is unknown, a code stands under two names, `balance` comes without `order`, or the zone is
        unknown.

    Examples
    --------
    >>> from custvalue import rfm
    >>> schema = rfm.TransactionSchema(
    ...     customer="account_id", time="date", kind="operation", amount="amount",
    ...     side="direction", debit=("debit", "debit_cash"),
    ...     system={"purpose": ("interest_credited", "statement_fee", "penalty_interest")})
    >>> schema.columns
    ('account_id', 'date', 'amount', 'operation', 'direction', 'purpose')
    """

    customer: Name = Field(description="Column of the customer's key.")
    time: Name = Field(description="Column of the event's time.")
    amount: Name | None = Field(default=None, description="Column of the amount.")
    kind: Name | None = Field(default=None, description="Column of the kind of transaction.")
    channel: Name | None = Field(default=None, description="Column of the channel.")
    side: Name | None = Field(default=None, description="Column that tells credits from debits.")
    account: Name | None = Field(default=None, description="Column of the account.")
    currency: Name | None = Field(default=None, description="Column of the currency.")
    reversal: Name | None = Field(default=None, description="Boolean column that marks reversals.")
    balance: Name | None = Field(default=None, description="Column of the balance after the row.")
    order: Name | None = Field(default=None, description="Column that orders a customer's rows.")
    opened: Name | None = Field(default=None, description="Column of the population: start of the relationship.")
    opening_balance: Name | None = Field(
        default=None, description="Column of the population: balance before the first row."
    )
    credit: Values = Field(default=("credit",), min_length=1, description="Values of side that are credits.")
    debit: Values = Field(default=("debit",), min_length=1, description="Values of side that are debits.")
    kinds: Entries[str, Values] = Field(default_factory=FrozenMapping, description="Codes of each kind.")
    channels: Entries[str, Values] = Field(default_factory=FrozenMapping, description="Codes of each channel.")
    system: Entries[str, Values] = Field(
        default_factory=FrozenMapping, description="For columns the values that mark the bank's own rows."
    )
    standing_order: Entries[str, Values] = Field(
        default_factory=FrozenMapping, description="For columns the values that mark standing orders."
    )
    refunds: Literal["net", "exclude", "as_is"] = Field(default="net", description="What reversals do.")
    time_zone: Name | None = Field(default=None, description="IANA zone of the local calendar.")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, zone: str | None) -> str | None:
        try:
            return zone and ZoneInfo(zone).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            message = f"time zone '{zone}' is unknown; give an IANA name such as 'Asia/Shanghai'"
            raise ValueError(message) from None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        named = {"kinds": self.kinds, "channels": self.channels}
        named["credit and debit"] = {"credit": self.credit, "debit": self.debit}
        for what, vocabulary in named.items():
            codes = [code for values in vocabulary.values() for code in values]
            if len(codes) != len(set(codes)):
                message = f"{what}: a code stands more than once; each must belong to one name"
                raise ValueError(message)
        needs = [("kinds", "kind"), ("channels", "channel"), ("balance", "order"), ("side", "amount")]
        if self.balance and self.opening_balance:
            message = "'balance' and 'opening_balance' both give the balance before the first row: name one"
            raise ValueError(message)
        for field, needed in [*needs, ("balance", "amount")]:
            if getattr(self, field) and not getattr(self, needed):
                message = f"'{field}' needs '{needed}': name that column too, or leave '{field}' out"
                raise ValueError(message)
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns the schema reads from the transactions, without repetition."""
        single = ("customer", "time", "amount", "kind", "channel", "side", "account", "currency")
        names = [getattr(self, field) for field in (*single, "reversal", "balance", "order")]
        return tuple(dict.fromkeys(name for name in (*names, *self.system, *self.standing_order) if name))

    def check(self, transactions: object) -> SchemaReport:
        """Check a transaction table against the schema, rule by rule.

        Parameters
        ----------
        transactions : pandas, Polars or PyArrow frame, or lazy frame
            The table; it is not changed.

        Returns
        -------
        SchemaReport
            Pass, warn or fail with a count for every rule; never a value of the table.

        Raises
        ------
        ColumnError
            If a column is missing or its type cannot be read.
        DomainError
            If the object is not a frame.

        Notes
        -----
        :math:`O(n)` time for n rows, a few passes.

        Examples
        --------
        >>> import pandas as pd
        >>> from custvalue import rfm
        >>> schema = rfm.TransactionSchema(customer="key", time="day", amount="amount")
        >>> frame = pd.DataFrame({"key": [1, 1], "day": pd.to_datetime(["2025-01-02"] * 2), "amount": [5.0, None]})
        >>> report = schema.check(frame)
        >>> report.passed, report.count("amount_null")
        (True, 1)
        """
        from custvalue._indicators import engine  # noqa: PLC0415 - the engine reads schemas

        return engine.check(transactions, self)
