"""Baskets counted in plain Python, customer by customer: the second route for rules and pairs."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
from hypothesis import strategies as st

from custvalue import basket

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PRODUCTS = ("account", "card", "deposit", "fund", "loan")


class Customer(NamedTuple):
    """One customer: what is held, what is out of reach, how much money, and the segment."""

    held: frozenset[str]
    barred: frozenset[str] = frozenset()
    money: int = 0
    segment: str = "all"


def baskets_of(bank: Sequence[Customer], names: Sequence[str] = PRODUCTS) -> basket.Baskets:
    """Collapse customers through the public door for wide flags: null is not eligible."""
    columns: dict[str, list[bool | None]] = {
        name: [None if name in customer.barred else name in customer.held for customer in bank] for name in names
    }
    flags = pd.DataFrame({name: pd.Series(column, dtype="boolean") for name, column in columns.items()})
    flags["money"] = [float(customer.money) for customer in bank]
    flags["segment"] = [customer.segment for customer in bank]
    return basket.Baskets.from_wide(
        flags, products=list(names), segment="segment", amounts=["money"], null="not_eligible"
    )


Rule = tuple[tuple[str, ...], tuple[str, ...]]


def cells(
    bank: Iterable[Customer], left: Iterable[str], right: Iterable[str], *, money: bool = False
) -> list[int]:
    """Count n11, n10, n01, n00 of a rule among those eligible for all its products; or add up their money."""
    a, c = frozenset(left), frozenset(right)
    four = [0, 0, 0, 0]
    for customer in bank:
        if customer.barred & (a | c):
            continue
        place = 2 * (not a <= customer.held) + (not c <= customer.held)
        four[place] += customer.money if money else 1
    return four


def subsets(names: Sequence[str], lowest: int = 1) -> list[tuple[str, ...]]:
    """List the subsets of sorted names that have at least so many."""
    return [some for size in range(lowest, len(names) + 1) for some in combinations(names, size)]


def possible_rules(names: Sequence[str], *, single: bool) -> list[Rule]:
    """List all rules over sorted names."""
    sides = subsets(names)
    rights = [side for side in sides if len(side) == 1] if single else sides
    return [(left, right) for left in sides for right in rights if not set(left) & set(right)]


def found_rules(
    bank: Sequence[Customer], names: Sequence[str], least: int, confidence: Fraction, *, single: bool
) -> dict[Rule, list[int]]:
    """Find the rules that reach the thresholds, with their four counts."""
    found = {}
    for left, right in possible_rules(names, single=single):
        four = cells(bank, left, right)
        together = sum(set(left) | set(right) <= customer.held for customer in bank)
        if together >= least and Fraction(four[0], four[0] + four[1]) >= confidence:
            found[left, right] = four
    return found


def upper_tail(n11: int, n1_: int, n_1: int, n: int) -> Fraction:
    """Give P(C >= n11) of the hypergeometric distribution, exactly."""
    favourable = sum(comb(n_1, k) * comb(n - n_1, n1_ - k) for k in range(n11, min(n1_, n_1) + 1))
    return Fraction(favourable, comb(n, n1_))


def lower_tail(n11: int, n1_: int, n_1: int, n: int) -> Fraction:
    """Give P(C <= n11) of the hypergeometric distribution, exactly."""
    lowest = max(0, n1_ + n_1 - n)
    favourable = sum(comb(n_1, k) * comb(n - n_1, n1_ - k) for k in range(lowest, n11 + 1))
    return Fraction(favourable, comb(n, n1_))


@st.composite
def customers(draw: st.DrawFn, *, barred: bool = False) -> Customer:
    """Draw a customer; with ``barred`` some products may be out of reach."""
    held = draw(st.frozensets(st.sampled_from(PRODUCTS)))
    out = draw(st.frozensets(st.sampled_from(PRODUCTS), max_size=2)) - held if barred else frozenset()
    money = draw(st.integers(0, 50))
    return Customer(held, frozenset(out), money, draw(st.sampled_from(["north", "south"])))


def banks(*, barred: bool = False) -> st.SearchStrategy[list[Customer]]:
    """Draw a bank of one to thirty customers."""
    return st.lists(customers(barred=barred), min_size=1, max_size=30)
