"""Levels, review calendars and the phase-out of the lowest level, as specifications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Self, TypeAlias

import numpy as np
from pydantic import Discriminator, Field, Tag, model_validator

from custvalue._frames import LARGEST
from custvalue._spec import Items, Name, Spec
from custvalue._tier_policies.conditions import AllOf, AnyOf, Condition, number_text

if TYPE_CHECKING:
    from custvalue._typing import BoolArray, IntArray

Text = Annotated[str, Field(max_length=1000)]
Month = Annotated[int, Field(ge=1, le=12)]


def _kind(value: Any) -> str | None:
    """Tell a threshold from rules: a union that tries each hands its strictness down to JSON's arrays."""
    if isinstance(value, int | float):
        return "threshold"
    return value.get("rule") if isinstance(value, dict) else getattr(value, "rule", None)


#: A threshold of the score, or a rule.
Requirement: TypeAlias = Annotated[
    Annotated[float, Tag("threshold")]
    | Annotated[Condition, Tag("condition")]
    | Annotated[AnyOf, Tag("any_of")]
    | Annotated[AllOf, Tag("all_of")],
    Discriminator(
        _kind,
        custom_error_type="requirement",
        custom_error_message="allowed: a number, or a rule (condition, any_of, all_of)",
    ),
]


class Level(Spec):
    """One level: how it is reached, how it is kept, what it costs, and what is done for it.

    Parameters
    ----------
    name : str
        Name of the level.
    up : float or Condition or AnyOf or AllOf, default=None
        Threshold of the policy's score from which on the level is reached (a score equal to it reaches it), or a
        rule over other columns. The lowest level has none.
    down : float or Condition or AnyOf or AllOf, default=None
        Threshold below which the level is lost (a score equal to it keeps it), or the rule by which it is kept;
        None: as `up`. A lower threshold than `up` makes the hysteresis.
    cost : float, default=0.0
        Cost of the level's benefits for each customer and period, in the caller's currency.
    lock : int, default=0
        Once the level is reached by promotion or at entry, it is not lost for so many units of the policy.
    action : str, default=""
        What is done for customers of the level.

    Examples
    --------
    >>> from custvalue import tiers
    >>> tiers.Level(name="gold", up=500, down=400, cost=12.5).up
    500.0
    """

    name: Name = Field(description="Name of the level.")
    up: Requirement | None = Field(default=None, description="Threshold or rule by which it is reached.")
    down: Requirement | None = Field(default=None, description="Threshold or rule by which it is kept.")
    cost: float = Field(
        default=0.0, ge=-LARGEST, le=LARGEST, description="Cost of the benefits per customer and period."
    )
    lock: int = Field(default=0, ge=0, le=10_000, description="Units for which it is not lost once reached.")
    action: Text = Field(default="", description="What is done for customers of the level.")


def as_rule(threshold: float | Condition | AnyOf | AllOf, score: str) -> Condition | AnyOf | AllOf:
    """Give a threshold of the score as a condition, and a rule as it is."""
    return Condition(column=score, at_least=threshold) if isinstance(threshold, float) else threshold


def threshold_text(threshold: float | Condition | AnyOf | AllOf | None) -> str:
    """Write a threshold or a rule for a table."""
    if threshold is None:
        return ""
    return number_text(threshold) if isinstance(threshold, float) else str(threshold)


class Review(Spec):
    """A calendar: in which periods levels are reviewed.

    Parameters
    ----------
    every : int, default=1
        A review in each period whose number divided by this leaves `offset`. Whole-number periods are their own
        number. Dated periods count from January of year 0 on, so that 12 with months and 4 with quarters mean
        the first period of each year, whenever a panel begins.
    offset : int, default=0
        The remainder, below `every`.
    months : sequence of int, default=None
        Months of the year, 1 to 12, instead of `every`; the panel's periods must be dates then, and fall into each
        of these months sooner or later.

    Raises
    ------
    pydantic.ValidationError
        If `months` stands together with `every` or `offset`, repeats a month, or `offset` is not below `every`.

    Examples
    --------
    >>> from custvalue import tiers
    >>> str(tiers.Review(every=12)), str(tiers.Review(months=[1, 7]))
    ('every 12 periods', 'in months 1, 7')
    """

    every: int = Field(default=1, ge=1, le=10_000, description="Periods from one review to the next.")
    offset: int = Field(default=0, ge=0, description="Remainder of the period's number.")
    months: Items[Month] | None = Field(
        default=None, min_length=1, max_length=12, description="Months of the year with a review."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.offset >= self.every:
            message = f"offset {self.offset} must be below every {self.every}"
            raise ValueError(message)
        if self.months is not None:
            if self.every != 1:
                message = "give months or every, not both"
                raise ValueError(message)
            if len(set(self.months)) < len(self.months):
                message = "months names a month twice"
                raise ValueError(message)
        return self

    def __str__(self) -> str:
        if self.months is not None:
            return f"in months {', '.join(str(month) for month in sorted(self.months))}"
        if self.every == 1:
            return "every period"
        return f"every {self.every} periods" + f", offset {self.offset}" * (self.offset > 0)


def due(review: Review, ticks: IntArray, spacing: int) -> BoolArray:
    """Tell which periods have a review; ticks are whole numbers, or months since January of year 0."""
    if review.months is not None:
        return np.isin(ticks % 12 + 1, review.months)
    answer: BoolArray = (ticks // spacing) % review.every == review.offset
    return answer


class PhaseOut(Spec):
    """Which customers of the lowest level are proposed for exit at a review; a person decides, nothing acts.

    Parameters
    ----------
    share : float
        Largest share of the lowest level that one review proposes, in (0, 1]: the lowest values first.
    column : str, default=None
        Column by which they are ordered; None: the policy's score.
    below : float, default=None
        Only customers with a value below this are proposed, for instance 0 for negative contribution.
    periods : int, default=0
        Only customers who have been at the lowest level for at least so many units of the policy.
    review : Review, default=None
        Calendar of the proposals; None: the policy's `review`.

    Notes
    -----
    With n customers at the lowest level at most floor(share n) are proposed. Customers of equal value are proposed
    together or not at all: where the last places fall among equals, none of these is proposed. So neither the
    order of the rows nor the keys decide. Customers with a manual override are left out. The rule is ours.

    Examples
    --------
    >>> from custvalue import tiers
    >>> tiers.PhaseOut(share=0.02, column="contribution", below=0).share
    0.02
    """

    share: float = Field(gt=0.0, le=1.0, description="Largest share of the lowest level at one review.")
    column: Name | None = Field(default=None, description="Column that orders; None: the policy's score.")
    below: float | None = Field(default=None, description="Only customers with a value below this.")
    periods: int = Field(default=0, ge=0, le=10_000, description="Units a customer has been at the level.")
    review: Review | None = Field(default=None, description="Calendar; None: the policy's review.")
