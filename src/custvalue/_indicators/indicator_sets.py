"""Sets of indicators, and the documented presets."""

from __future__ import annotations

from typing import Self

from pydantic import Field, field_validator

from custvalue._indicators.indicators import (
    EVERYONE,
    Frequency,
    Indicator,
    Initiator,
    Length,
    Monetary,
    Recency,
)
from custvalue._spec import Document, Items
from custvalue.exceptions import DomainError


def _classic() -> tuple[Indicator, ...]:
    return (
        Recency(name="recency"),
        Frequency(name="frequency", per_exposed_day=False),
        Monetary(name="monetary"),
    )


class IndicatorSet(Document):
    """The indicators of one grading, and how much history a customer needs to be graded.

    Parameters
    ----------
    indicators : sequence of Recency, Frequency, Monetary or Length
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
        indicators: tuple[Indicator, ...] = (
            *(Recency(name=f"recency_{kind}", kinds=(kind,)) for kind in kinds),
            Frequency(name="frequency_cash", kinds=kinds[:2], window="365d"),
            Frequency(name="frequency_transfer", kinds=kinds[2:], window="365d"),
            Frequency(name="frequency_active_days", measure="distinct_days", window="365d"),
            Monetary(name="turnover", measure="sum", per_exposed_day=True, window="365d"),
            Monetary(name="balance", measure="daily_average_balance", window="90d", initiators=EVERYONE),
        )
        return cls(indicators=indicators, min_history_days=min_history_days)

    @classmethod
    def classic(cls, *, min_history_days: int = 90) -> Self:
        """Give the three indicators of direct marketing: days since the last row, rows, money moved.

        Recency, frequency and monetary value over all history (Hughes, 1994), of what the customer set off.

        Parameters
        ----------
        min_history_days : int, default=90
            Days of history a graded customer needs.

        Returns
        -------
        IndicatorSet
            ``recency``, ``frequency`` and ``monetary``.

        Examples
        --------
        >>> from custvalue import rfm
        >>> [(one.name, one.unit) for one in rfm.IndicatorSet.classic().indicators]
        [('recency', 'days'), ('frequency', 'rows'), ('monetary', 'currency')]
        """
        return cls(indicators=_classic(), min_history_days=min_history_days)

    @classmethod
    def lrfm(cls, *, min_history_days: int = 90) -> Self:
        """Give length, recency, frequency and monetary value: the classic set and how long the customer came.

        Length is the days from the first to the last row (Chang and Tsay, 2004).

        Parameters
        ----------
        min_history_days : int, default=90
            Days of history a graded customer needs.

        Returns
        -------
        IndicatorSet
            ``length``, ``recency``, ``frequency`` and ``monetary``.

        Examples
        --------
        >>> from custvalue import rfm
        >>> rfm.IndicatorSet.lrfm().names
        ('length', 'recency', 'frequency', 'monetary')
        """
        return cls(indicators=(Length(name="length"), *_classic()), min_history_days=min_history_days)

    @classmethod
    def card(cls, *, min_history_days: int = 90) -> Self:
        """Give indicators of a payment card: purchases, repayments and cash drawn on the card.

        The set is ours. Days since the last purchase and the last repayment; purchases and active days per
        exposed day over 365 days, mean days between purchases; spending per exposed day over 365 days and against
        the 90 days before, mean purchase, and the share of cash drawn, where more is worse.

        Parameters
        ----------
        min_history_days : int, default=90
            Days of history a graded customer needs.

        Returns
        -------
        IndicatorSet
            The preset; kinds are ``card_purchase``, ``card_repayment`` and ``card_cash_advance``, to which the
            schema's `kinds` maps a bank's own codes.

        Examples
        --------
        >>> from custvalue import rfm
        >>> rfm.IndicatorSet.card().groups["monetary"]
        ('spending', 'spending_trend', 'mean_purchase', 'cash_share')
        """
        bought = ("card_purchase",)
        indicators: tuple[Indicator, ...] = (
            Recency(name="recency_purchase", kinds=bought),
            Recency(name="recency_repayment", kinds=("card_repayment",)),
            Frequency(name="frequency_purchase", kinds=bought, window="365d"),
            Frequency(name="active_days", kinds=bought, measure="distinct_days", window="365d"),
            Frequency(name="purchase_gap", kinds=bought, measure="mean_gap", window="365d", direction="cost"),
            Monetary(name="spending", kinds=bought, per_exposed_day=True, window="365d"),
            Monetary(
                name="spending_trend",
                kinds=bought,
                per_exposed_day=True,
                window="90d",
                relative_to="previous_window",
            ),
            Monetary(name="mean_purchase", kinds=bought, measure="mean", window="365d"),
            Monetary(
                name="cash_share",
                kinds=("card_cash_advance",),
                sides=("debit",),
                measure="share",
                window="365d",
                direction="cost",
            ),
        )
        return cls(indicators=indicators, min_history_days=min_history_days)

    @classmethod
    def wealth(cls, *, min_history_days: int = 90) -> Self:
        """Give indicators of a wealth customer: subscriptions, redemptions and the balance kept.

        The set is ours. Days since the last subscription; subscriptions per exposed day over 365 days, of any
        initiator, because savings plans count; money subscribed per exposed day and, where more is worse,
        redeemed; the daily-average balance over 90 and 365 days; and the tenure.

        Parameters
        ----------
        min_history_days : int, default=90
            Days of history a graded customer needs.

        Returns
        -------
        IndicatorSet
            The preset; kinds are ``subscription`` and ``redemption``, to which the schema's `kinds` maps a bank's
            own codes.

        Examples
        --------
        >>> from custvalue import rfm
        >>> {dimension: len(names) for dimension, names in rfm.IndicatorSet.wealth().groups.items()}
        {'recency': 1, 'frequency': 1, 'monetary': 4, 'length': 1}
        """
        bought: tuple[str, ...] = ("subscription",)
        planned: tuple[Initiator, ...] = ("customer", "standing_order")
        indicators: tuple[Indicator, ...] = (
            Recency(name="recency_subscription", kinds=bought, initiators=planned),
            Frequency(name="frequency_subscription", kinds=bought, initiators=planned, window="365d"),
            Monetary(name="subscribed", kinds=bought, initiators=planned, per_exposed_day=True, window="365d"),
            Monetary(
                name="redeemed", kinds=("redemption",), per_exposed_day=True, window="365d", direction="cost"
            ),
            Monetary(name="balance_90d", measure="daily_average_balance", window="90d", initiators=EVERYONE),
            Monetary(name="balance_365d", measure="daily_average_balance", window="365d", initiators=EVERYONE),
            Length(name="tenure", measure="tenure"),
        )
        return cls(indicators=indicators, min_history_days=min_history_days)

    def select(self, *names: str) -> Self:
        """Give a set of some of the indicators, in the order asked for.

        Parameters
        ----------
        *names : str
            Names of the indicators.

        Returns
        -------
        IndicatorSet
            The set, with the same minimum of history.

        Raises
        ------
        DomainError
            If the set has no indicator of a name.
        pydantic.ValidationError
            If no name is given, or one twice.
        """
        known = {indicator.name: indicator for indicator in self.indicators}
        if missing := [name for name in names if name not in known]:
            message = f"names {missing} are no indicators of this set; it has {', '.join(known)}."
            raise DomainError(message)
        return self.model_copy(update={"indicators": tuple(known[name] for name in names)})

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
