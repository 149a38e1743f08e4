"""Which column of a transaction table is what, and whether the rows keep to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from custvalue._spec import Document, Entries, FrozenMapping, Items, Name

if TYPE_CHECKING:
    from custvalue._indicators.report import SchemaReport

Values = Annotated[Items[Name], Field(min_length=1)]
Vocabulary = Entries[str, Values]

_NEEDS = (
    ("kinds", "kind"),
    ("channels", "channel"),
    ("products", "product"),
    ("balance", "order"),
    ("side", "amount"),
    ("balance", "amount"),
    ("rate", "amount"),
    ("decimals", "amount"),
    ("holder_share", "account"),
)


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
    product : str, default=None
        Column of the product.
    account, currency : str, default=None
        Columns that are checked: an account must belong to one customer, and there must be one currency unless
        `rate` converts.
    rate : str, default=None
        Column with the units of the reporting currency for one unit of the row's: amount and balance are
        multiplied by it.
    decimals : int, default=None
        Amounts are whole multiples of ``10**-decimals``, for example 2 for cents. Sums are then exact, and the
        same to the last bit on every engine and in every order of the rows. A decimal column sets it by its own
        scale, unless `rate` or `holder_share` multiplies.
    booked : str, default=None
        Column of the time at which the row became known, for ``known_at`` of :func:`compute`.
    reversal : str, default=None
        Boolean column that marks refunds and reversals.
    balance, order : str, default=None
        Balance after the row, and the number that orders a customer's rows. They give the opening balance, and
        a balance is used only with an order, because rows of one day have none of their own.
    opened, closed, opening_balance : str, default=None
        Columns of the `population` handed to :func:`compute`: the day the relationship began, the day it ended,
        and the balance before the first row.
    valid_from, valid_until : str, default=None
        Columns of `population` and `holders`: a row holds from the one day up to, and without, the other; null is
        open.
    carried : sequence of str, default=()
        Columns of the population that the snapshot's table repeats, such as a branch or a segment.
    holder_share : str, default=None
        Column of `holders`: the part of the account that is this holder's, in (0, 1].
    joint : {"refuse", "each", "share"}, default="refuse"
        What happens where an account has several holders on one day: it is refused; each row counts whole for
        each of them; or rows count whole and money by `holder_share`.
    credit, debit : sequence of str, default=("credit",), ("debit",)
        Values of `side`.
    kinds, channels, products : mapping of str to sequence of str, default={}
        The bank's codes of each kind, channel and product of the indicators, for example ``{"cash_deposit":
        ["VKLAD"]}``. Empty: the column already speaks that vocabulary.
    attributes : mapping of str to mapping of str to sequence of str, default={}
        Further coded columns that indicators read by `where`, each with the bank's codes of every name, for
        example ``{"terminal": {"abroad": ["DE", "FR"]}}``. An empty vocabulary: the codes are the names.
    system, standing_order : mapping of str to sequence of str, default={}
        For columns of the table the values that mark rows set off by the bank (interest, fees) and by standing
        orders. All other rows are the customer's.
    excluded, excluded_customers : mapping of str to mapping of str to sequence of str, default={}
        For reasons such as ``"staff"`` or ``"test"`` the values of columns of the transactions, or of the
        population, that mark rows or customers to be left out. They are counted by reason.
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
    product: Name | None = Field(default=None, description="Column of the product.")
    rate: Name | None = Field(default=None, description="Column of the rate to the reporting currency.")
    decimals: int | None = Field(default=None, ge=0, le=6, description="Digits after the point of every amount.")
    booked: Name | None = Field(default=None, description="Column of the time at which a row became known.")
    opened: Name | None = Field(default=None, description="Column of the population: start of the relationship.")
    closed: Name | None = Field(default=None, description="Column of the population: end of the relationship.")
    opening_balance: Name | None = Field(
        default=None, description="Column of the population: balance before the first row."
    )
    valid_from: Name | None = Field(default=None, description="Column of population and holders: first day.")
    valid_until: Name | None = Field(
        default=None, description="Column of population and holders: first day no longer."
    )
    carried: Items[Name] = Field(default=(), description="Columns of the population that the table repeats.")
    holder_share: Name | None = Field(default=None, description="Column of holders: part of the account.")
    joint: Literal["refuse", "each", "share"] = Field(
        default="refuse", description="What happens to accounts of several holders."
    )
    credit: Values = Field(default=("credit",), min_length=1, description="Values of side that are credits.")
    debit: Values = Field(default=("debit",), min_length=1, description="Values of side that are debits.")
    kinds: Entries[str, Values] = Field(default_factory=FrozenMapping, description="Codes of each kind.")
    channels: Entries[str, Values] = Field(default_factory=FrozenMapping, description="Codes of each channel.")
    products: Entries[str, Values] = Field(default_factory=FrozenMapping, description="Codes of each product.")
    attributes: Entries[str, Vocabulary] = Field(
        default_factory=FrozenMapping, description="Further coded columns with the codes of each name."
    )
    system: Entries[str, Values] = Field(
        default_factory=FrozenMapping, description="For columns the values that mark the bank's own rows."
    )
    standing_order: Entries[str, Values] = Field(
        default_factory=FrozenMapping, description="For columns the values that mark standing orders."
    )
    excluded: Entries[Name, Vocabulary] = Field(
        default_factory=FrozenMapping, description="For reasons the marks of rows to be left out."
    )
    excluded_customers: Entries[Name, Vocabulary] = Field(
        default_factory=FrozenMapping, description="For reasons the marks of customers to be left out."
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
        named = {"kinds": self.kinds, "channels": self.channels, "products": self.products}
        named |= {f"attributes of '{column}'": names for column, names in self.attributes.items()}
        named["credit and debit"] = {"credit": self.credit, "debit": self.debit}
        for what, vocabulary in named.items():
            codes = [code for values in vocabulary.values() for code in values]
            if len(codes) != len(set(codes)):
                message = f"{what}: a code stands more than once; each must belong to one name"
                raise ValueError(message)
        if self.balance and self.opening_balance:
            message = "'balance' and 'opening_balance' both give the balance before the first row: name one"
            raise ValueError(message)
        for field, needed in _NEEDS:
            if getattr(self, field) not in (None, {}) and not getattr(self, needed):
                message = f"'{field}' needs '{needed}': name that column too, or leave '{field}' out"
                raise ValueError(message)
        self._require_one_rounding()
        return self

    def _require_one_rounding(self) -> None:
        multiplied = (self.rate and "rate") or (self.joint == "share" and "joint='share'")
        if self.decimals is not None and multiplied:
            message = f"'decimals' asks for exact sums and {multiplied} multiplies amounts: leave one of them out"
            raise ValueError(message)
        if self.joint != "refuse" and not self.account:
            message = f"joint='{self.joint}' needs 'account': name that column too"
            raise ValueError(message)
        if (self.joint == "share") != (self.holder_share is not None):
            message = "joint='share' and 'holder_share' go together: give both or neither"
            raise ValueError(message)

    @property
    def zone(self) -> ZoneInfo | None:
        """Zone of the local calendar; None where times are local wall time."""
        return None if self.time_zone is None else ZoneInfo(self.time_zone)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns the schema reads from the transactions, without repetition."""
        single = ("customer", "time", "amount", "kind", "channel", "product", "side", "account", "currency")
        names = [getattr(self, field) for field in (*single, "rate", "booked", "reversal", "balance", "order")]
        marks = [column for codes in self.excluded.values() for column in codes]
        coded = (*self.attributes, *self.system, *self.standing_order, *marks)
        return tuple(dict.fromkeys(name for name in (*names, *coded) if name))

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
