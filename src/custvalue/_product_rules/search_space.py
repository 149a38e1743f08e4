"""How many rules could have been found: the size of the search space that p-values are corrected for."""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from custvalue._product_rules.templates import Side
    from custvalue._typing import BoolArray


class SearchSpace(NamedTuple):
    """Numbers of possible rules by the length of their antecedent, as exact whole numbers.

    ``lengths`` are the lengths of antecedents that the templates allow and ``sizes`` the numbers of rules of each.
    """

    lengths: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def total(self) -> int:
        """Number of possible rules."""
        return sum(self.sizes)


def search_space(antecedent: Side, consequent: Side, in_play: BoolArray) -> SearchSpace:
    r"""Count the rules that the templates allow over the products in play.

    Parameters
    ----------
    antecedent, consequent : Side
        What may stand on each side.
    in_play : ndarray of bool, shape (n_products,)
        Products that enough customers hold by themselves.

    Returns
    -------
    SearchSpace
        Numbers by the length of the antecedent.

    Notes
    -----
    Of the products that are free to stand somewhere, a may stand on the left only, c on the right only and b on
    either side. With i free products on the left, s of them from the b,

    .. math:: \sum_s \binom{b}{s} \binom{a}{i - s} \sum_j \binom{c + b - s}{j}

    rules are possible, j running over the free places on the right. A product that a side requires stands there in
    every rule, so the other side is without it.
    """
    left, right = antecedent.allowed & in_play, consequent.allowed & in_play
    required_left, required_right = antecedent.required, consequent.required
    impossible = (
        np.intersect1d(required_left, required_right).size > 0
        or not in_play[required_left].all()
        or not in_play[required_right].all()
    )
    required = np.concatenate([required_left, required_right])
    free_left, free_right = left.copy(), right.copy()
    free_left[required] = free_right[required] = False
    only_left = int((free_left & ~free_right).sum())
    only_right = int((free_right & ~free_left).sum())
    either = int((free_left & free_right).sum())

    fixed_left, fixed_right = len(required_left), len(required_right)
    shortest = max(antecedent.min_length, fixed_left)
    longest = min(antecedent.max_length, fixed_left + only_left + either)
    low, high = max(0, consequent.min_length - fixed_right), consequent.max_length - fixed_right
    if impossible or high < 0 or longest < shortest:
        return SearchSpace((), ())
    # Numbers of consequents out of so many free products, each needed many times below.
    most = only_right + either
    consequents = [_subsets(n, low, high) for n in range(only_right, most + 1)]
    of_left, of_either = _binomials(only_left), _binomials(either)
    lengths, sizes = [], []
    for length in range(shortest, longest + 1):
        i = length - fixed_left
        number = sum(
            of_either[s] * of_left[i - s] * consequents[either - s]
            for s in range(max(0, i - only_left), min(either, i) + 1)
        )
        if number:
            lengths.append(length)
            sizes.append(number)
    return SearchSpace(tuple(lengths), tuple(sizes))


def _binomials(n: int) -> list[int]:
    """Give the numbers of subsets of n things by their length, each from the one before."""
    row = [1]
    for k in range(n):
        row.append(row[-1] * (n - k) // (k + 1))
    return row


def _subsets(n: int, low: int, high: int) -> int:
    """Count the subsets of n things that have from low to high of them."""
    if low <= 1 and high >= n:
        return int(2**n - low)
    return sum(comb(n, j) for j in range(low, min(high, n) + 1))
