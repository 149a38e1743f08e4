"""What one side of a rule may hold, as a specification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import Field, model_validator

from custvalue._kernels import set_rows
from custvalue._spec import Items, Name, Spec
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from custvalue._holdings.baskets import Baskets
    from custvalue._typing import BoolArray, IntArray

#: A side of more products is no rule that anybody reads.
MOST_ON_A_SIDE = 1000


class RuleTemplate(Spec):
    """What one side of a rule may hold: allowed products or families, required and forbidden ones, lengths.

    Parameters
    ----------
    allowed : sequence of str, default=None
        Products that may stand on this side; None: all.
    families : sequence of str, default=None
        Families whose products may stand on this side; with `allowed` a product must be in both. None: all.
    required : sequence of str, default=()
        Products that must all stand on this side; they are allowed by that.
    forbidden : sequence of str, default=()
        Products that may not stand on this side.
    min_length : int, default=1
        Fewest products on this side.
    max_length : int, default=None
        Most products on this side; None: no limit by the template.

    Raises
    ------
    pydantic.ValidationError
        If a product is both required and forbidden, a name repeats, or the lengths leave nothing.

    See Also
    --------
    rules : Takes one template for the antecedent and one for the consequent.

    Notes
    -----
    Templates say what is looked for before the data are looked at, so the search space, and with it the correction
    of the p-values, shrinks with them. The idea is that of Klemettinen et al. (1994) [1]_.

    References
    ----------
    .. [1] Klemettinen, M., Mannila, H., Ronkainen, P., Toivonen, H., Verkamo, A. I. (1994). Finding interesting
       rules from large sets of discovered association rules. *CIKM '94*, 401-407.

    Examples
    --------
    >>> from custvalue import basket
    >>> card = basket.RuleTemplate(allowed=["credit_card", "debit_card"], max_length=1)
    >>> basket.RuleTemplate.model_validate_json(card.model_dump_json()) == card
    True
    """

    allowed: Items[Name] | None = Field(default=None, description="Products that may stand on this side.")
    families: Items[Name] | None = Field(default=None, description="Families whose products may stand here.")
    required: Items[Name] = Field(default=(), description="Products that must all stand on this side.")
    forbidden: Items[Name] = Field(default=(), description="Products that may not stand on this side.")
    min_length: int = Field(default=1, ge=1, le=MOST_ON_A_SIDE, description="Fewest products on this side.")
    max_length: int | None = Field(
        default=None, ge=1, le=MOST_ON_A_SIDE, description="Most products on this side."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in ("allowed", "families", "required", "forbidden"):
            given: Sequence[str] = getattr(self, name) or ()
            if len(set(given)) < len(given):
                message = f"{name} names something twice"
                raise ValueError(message)
        if both := sorted(set(self.required) & set(self.forbidden)):
            message = f"required and forbidden at once: {both}"
            raise ValueError(message)
        if self.max_length is not None and self.max_length < max(self.min_length, len(self.required)):
            message = (
                f"max_length is {self.max_length}, below min_length ({self.min_length}) or the number of required "
                f"products ({len(self.required)})"
            )
            raise ValueError(message)
        return self


def template_of(given: RuleTemplate | Sequence[str] | None, argument: str) -> RuleTemplate:
    """Give the template, or one that allows the products named; refuse anything else by the argument's name."""
    if given is None or isinstance(given, RuleTemplate):
        return given or RuleTemplate()
    if isinstance(given, str) or not isinstance(given, Sequence) or not all(isinstance(one, str) for one in given):
        message = f"{argument} must be a RuleTemplate or a sequence of product names, such as ['loan']."
        raise DomainError(message)
    return RuleTemplate(allowed=given)


@dataclass(frozen=True)
class Side:
    """A template read against the products of baskets: flags and codes instead of names."""

    allowed: BoolArray
    required: IntArray
    min_length: int
    max_length: int

    def fits(self, sets: set_rows.Sets) -> BoolArray:
        """Tell which sets may stand on this side."""
        lengths = sets.lengths
        fits = (
            (lengths >= self.min_length) & (lengths <= self.max_length) & set_rows.holds_only(sets, self.allowed)
        )
        return fits & set_rows.holds_all(sets, self.required) if len(self.required) else fits

    def clipped(self, longest: int | None) -> Side:
        """Give the same with a shorter longest length."""
        if longest is None:
            return self
        return Side(self.allowed, self.required, self.min_length, min(self.max_length, longest))


def read_side(template: RuleTemplate, baskets: Baskets, argument: str) -> Side:
    """Read a template against baskets; refuse unknown products and families by name."""
    n_products = baskets.n_products
    allowed = np.ones(n_products, dtype=np.bool_)
    if template.allowed is not None:
        allowed[:] = False
        allowed[_codes(template.allowed, baskets, f"{argument}.allowed")] = True
    if template.families is not None:
        allowed &= _in_families(template.families, baskets, f"{argument}.families")
    allowed[_codes(template.forbidden, baskets, f"{argument}.forbidden")] = False
    required = _codes(template.required, baskets, f"{argument}.required")
    allowed[required] = True
    longest = max(1, n_products) if template.max_length is None else template.max_length
    return Side(allowed, required, template.min_length, longest)


def _codes(names: Sequence[str], baskets: Baskets, argument: str) -> IntArray:
    places = {name: place for place, name in enumerate(baskets.products)}
    if unknown := [name for name in names if name not in places]:
        message = f"{argument} names products that the baskets do not have: {unknown}. See Baskets.products."
        raise DomainError(message)
    return np.array([places[name] for name in names], dtype=np.int64)


def _in_families(families: Sequence[str], baskets: Baskets, argument: str) -> BoolArray:
    of_product = baskets.families()
    known = {family for family in of_product if family is not None}
    if unknown := [family for family in families if family not in known]:
        message = (
            f"{argument} names families that no product of the baskets has: {unknown}. Give the baskets a "
            "catalogue with these families."
        )
        raise DomainError(message)
    wanted = set(families)
    return np.array([family in wanted for family in of_product], dtype=np.bool_)
