"""Rules over indicators and flags: a condition on one column, any of several rules, all of several rules."""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias

import numpy as np
from pydantic import Field, model_validator

from custvalue._spec import Items, Name, Spec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from custvalue._typing import BoolArray, FloatArray

#: Rules may be nested so deeply, and one of them may hold so many conditions in all.
MOST_DEPTH = 5
MOST_CONDITIONS = 200
#: A rule that falls into more boxes than this is not compared with others at construction.
_MOST_BOXES = 500
#: Closed interval of each column that a rule speaks of.
Box: TypeAlias = "dict[str, tuple[float, float]]"


class Condition(Spec):
    """A condition on one column: a number within closed bounds, or a flag or number that equals a value.

    Parameters
    ----------
    column : str
        Column of numbers or flags (True and False).
    at_least, at_most : float, default=None
        Closed bounds; one of them may be left out.
    equals : bool or float, default=None
        The value asked for; not together with bounds.
    rule : "condition"
        Kind of rule, fixed.

    Raises
    ------
    pydantic.ValidationError
        If nothing is asked, bounds and `equals` stand together, or `at_least` is above `at_most`.

    Examples
    --------
    >>> from custvalue import tiers
    >>> rule = tiers.Condition(column="balance", at_least=500_000)
    >>> str(rule)
    'balance is at least 500000'
    """

    rule: Literal["condition"] = Field(default="condition", description="Kind of rule.")
    column: Name = Field(description="Column of numbers or flags.")
    at_least: float | None = Field(default=None, description="Smallest value that meets the condition.")
    at_most: float | None = Field(default=None, description="Largest value that meets the condition.")
    equals: bool | float | None = Field(default=None, description="The value asked for.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        bounded = self.at_least is not None or self.at_most is not None
        if bounded == (self.equals is not None):
            message = f"condition on '{self.column}': give at_least, at_most or both, or equals alone"
            raise ValueError(message)
        low, high = self.bounds
        if low > high:
            message = (
                f"condition on '{self.column}': at_least {number_text(low)} is above at_most {number_text(high)}"
            )
            raise ValueError(message)
        return self

    @property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value that meets the condition; infinite where there is no bound."""
        if self.equals is not None:
            return float(self.equals), float(self.equals)
        low = -math.inf if self.at_least is None else self.at_least
        return low, math.inf if self.at_most is None else self.at_most

    def __str__(self) -> str:
        if isinstance(self.equals, bool):
            return f"{self.column} is {'set' if self.equals else 'not set'}"
        if self.equals is not None:
            return f"{self.column} equals {number_text(self.equals)}"
        parts = [
            f"at {word} {number_text(bound)}"
            for word, bound in (("least", self.at_least), ("most", self.at_most))
            if bound is not None
        ]
        return f"{self.column} is {' and '.join(parts)}"

    __repr__ = __str__


class AnyOf(Spec):
    """Several rules of which at least one must be met.

    Parameters
    ----------
    rules : sequence of Condition, AnyOf or AllOf
        The rules; nested at most five deep, with at most 200 conditions in all.
    rule : "any_of"
        Kind of rule, fixed.

    Raises
    ------
    pydantic.ValidationError
        If there is no rule, or nesting or number go beyond the bounds.

    Examples
    --------
    >>> from custvalue import tiers
    >>> rich = tiers.Condition(column="balance", at_least=500_000)
    >>> owner = tiers.Condition(column="owns_key_client", equals=True)
    >>> str(tiers.AnyOf(rules=[rich, owner]))
    'balance is at least 500000 or owns_key_client is set'
    """

    rule: Literal["any_of"] = Field(default="any_of", description="Kind of rule.")
    rules: Items[Rule] = Field(min_length=1, max_length=MOST_CONDITIONS, description="Rules, one to be met.")

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        _require_bounds(self)
        return self

    def __str__(self) -> str:
        return " or ".join(_inner_text(one) for one in self.rules)

    __repr__ = __str__


class AllOf(Spec):
    """Several rules that must all be met.

    Parameters
    ----------
    rules : sequence of Condition, AnyOf or AllOf
        The rules; nested at most five deep, with at most 200 conditions in all.
    rule : "all_of"
        Kind of rule, fixed.

    Raises
    ------
    pydantic.ValidationError
        If there is no rule, nesting or number go beyond the bounds, or the rules contradict each other.

    Examples
    --------
    >>> from custvalue import tiers
    >>> rich = tiers.Condition(column="balance", at_least=500_000)
    >>> active = tiers.Condition(column="active_days", at_least=20)
    >>> str(tiers.AllOf(rules=[rich, active]))
    'balance is at least 500000 and active_days is at least 20'
    """

    rule: Literal["all_of"] = Field(default="all_of", description="Kind of rule.")
    rules: Items[Rule] = Field(min_length=1, max_length=MOST_CONDITIONS, description="Rules, all to be met.")

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        _require_bounds(self)
        if boxes_of(self) == []:
            message = f"the rules contradict each other and nobody can meet them: {self}"
            raise ValueError(message)
        return self

    def __str__(self) -> str:
        return " and ".join(_inner_text(one) for one in self.rules)

    __repr__ = __str__


#: A rule of any kind; JSON tells them apart by ``rule``.
Rule = Annotated[Condition | AnyOf | AllOf, Field(discriminator="rule")]
AnyOf.model_rebuild()
AllOf.model_rebuild()


def any_of(*rules: Condition | AnyOf | AllOf) -> AnyOf:
    """Join rules of which at least one must be met.

    Parameters
    ----------
    *rules : Condition, AnyOf or AllOf
        The rules.

    Returns
    -------
    AnyOf
        The joined rule.

    Raises
    ------
    pydantic.ValidationError
        If there is no rule, or nesting or number go beyond the bounds.

    Examples
    --------
    >>> from custvalue import tiers
    >>> rich = tiers.Condition(column="balance", at_least=500_000)
    >>> tiers.any_of(rich, tiers.Condition(column="owns_key_client", equals=True))
    balance is at least 500000 or owns_key_client is set
    """
    return AnyOf(rules=rules)


def all_of(*rules: Condition | AnyOf | AllOf) -> AllOf:
    """Join rules that must all be met.

    Parameters
    ----------
    *rules : Condition, AnyOf or AllOf
        The rules.

    Returns
    -------
    AllOf
        The joined rule.

    Raises
    ------
    pydantic.ValidationError
        If there is no rule, nesting or number go beyond the bounds, or the rules contradict each other.

    Examples
    --------
    >>> from custvalue import tiers
    >>> rich = tiers.Condition(column="balance", at_least=500_000)
    >>> tiers.all_of(rich, tiers.Condition(column="blocked", equals=False))
    balance is at least 500000 and blocked is not set
    """
    return AllOf(rules=rules)


def number_text(value: float) -> str:
    """Write a number with all its digits: no trailing zeros, and an exponent only where it is long."""
    if value == 0.0:
        return "0"
    short = f"{value:g}"
    if abs(value) >= 1e15 and float(short) == value:  # noqa: PLR2004 - zeros would be all that is seen
        return short
    if 1e-12 <= abs(value) < 1e21:  # noqa: PLR2004 - as above
        return np.format_float_positional(value, trim="-")
    return repr(float(value))


def fact_text(value: float, bounds: Sequence[float]) -> str:
    """Write a figure to six decimals, or with all its digits where six put it on another side of a bound."""
    short = float(f"{value:.6f}")
    same = all((short > bound) - (short < bound) == (value > bound) - (value < bound) for bound in (0.0, *bounds))
    return number_text(short if same else value)


def bounds_of(rule: Condition | AnyOf | AllOf, column: str) -> list[float]:
    """List the finite bounds that a rule puts on a column."""
    if isinstance(rule, Condition):
        return [bound for bound in rule.bounds if math.isfinite(bound)] if rule.column == column else []
    return [bound for one in rule.rules for bound in bounds_of(one, column)]


def _inner_text(rule: Condition | AnyOf | AllOf) -> str:
    return str(rule) if isinstance(rule, Condition) or len(rule.rules) == 1 else f"({rule})"


def _extent(rule: Condition | AnyOf | AllOf) -> tuple[int, int]:
    """Give the depth of a rule and the number of its conditions."""
    if isinstance(rule, Condition):
        return 0, 1
    inner = [_extent(one) for one in rule.rules]
    return 1 + max(depth for depth, _ in inner), sum(count for _, count in inner)


def _require_bounds(rule: AnyOf | AllOf) -> None:
    depth, count = _extent(rule)
    if depth > MOST_DEPTH or count > MOST_CONDITIONS:
        message = (
            f"a rule is nested {depth} deep with {count} conditions; allowed: {MOST_DEPTH} deep with "
            f"{MOST_CONDITIONS} conditions"
        )
        raise ValueError(message)


def columns_of(rule: Condition | AnyOf | AllOf) -> list[str]:
    """Name the columns that a rule reads, each once, in the order of the rule."""
    if isinstance(rule, Condition):
        return [rule.column]
    return list(dict.fromkeys(name for one in rule.rules for name in columns_of(one)))


def met(rule: Condition | AnyOf | AllOf, columns: Mapping[str, FloatArray]) -> BoolArray:
    """Tell for every row whether it meets the rule; O(conditions x rows)."""
    if isinstance(rule, Condition):
        values = columns[rule.column]
        low, high = rule.bounds
        found: BoolArray = values >= low
        if high < math.inf:
            found = found & (values <= high)
        return found
    join = np.logical_or if isinstance(rule, AnyOf) else np.logical_and
    answer = met(rule.rules[0], columns)
    for one in rule.rules[1:]:
        answer = join(answer, met(one, columns))
    return answer


def boxes_of(rule: Condition | AnyOf | AllOf) -> list[Box] | None:
    """Write a rule as boxes of which one must hold the customer; None if there would be too many."""
    if isinstance(rule, Condition):
        return [{rule.column: rule.bounds}]
    parts = [boxes_of(one) for one in rule.rules]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    if isinstance(rule, AnyOf):
        joined = [box for part in known for box in part]
        return joined if len(joined) <= _MOST_BOXES else None
    if math.prod(len(part) for part in known) > _MOST_BOXES:
        return None
    crossed = [_intersection(boxes) for boxes in product(*known)]
    return [box for box in crossed if box is not None]


def _intersection(boxes: tuple[Box, ...]) -> Box | None:
    """Give what lies in all boxes, or None if nothing does."""
    found: Box = {}
    for box in boxes:
        for column, (low, high) in box.items():
            least, most = found.get(column, (-math.inf, math.inf))
            found[column] = (max(low, least), min(high, most))
            if found[column][0] > found[column][1]:
                return None
    return found


def implies(narrow: Condition | AnyOf | AllOf, wide: Condition | AnyOf | AllOf) -> bool | None:
    """Tell whether each box of one rule lies in a box of the other; None if there are too many boxes.

    True is a proof that whoever meets the first rule meets the second. False is none of the contrary: boxes may
    be covered by several others together.
    """
    inner, outer = boxes_of(narrow), boxes_of(wide)
    if inner is None or outer is None:
        return None
    return all(any(is_inside(box, other) for other in outer) for box in inner)


def is_inside(box: Box, other: Box) -> bool:
    unbounded = (-math.inf, math.inf)
    return all(
        low <= box.get(column, unbounded)[0] and box.get(column, unbounded)[1] <= high
        for column, (low, high) in other.items()
    )
