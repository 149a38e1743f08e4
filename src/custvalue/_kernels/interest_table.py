"""The 2x2 table that every interest measure reads, and the registry in which a measure says what it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from custvalue._kernels.two_by_two import cross_difference, half_deviance

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from custvalue._typing import FloatArray


class CountTable:
    """Four counts with their margins, flat and as floats; whole numbers below 2^53 stay exact.

    Attributes
    ----------
    shape : tuple of int
        Shape that the counts came in; the arrays are flat.
    n11, n10, n01, n00 : ndarray
        Who hold both, the antecedent only, the consequent only, neither.
    x, y, not_x, not_y : ndarray
        Who hold the antecedent and the consequent, and who do not.
    n : ndarray
        All.
    """

    def __init__(self, n11: ArrayLike, n10: ArrayLike, n01: ArrayLike, n00: ArrayLike) -> None:
        counts = np.broadcast_arrays(*(np.asarray(count, dtype=np.float64) for count in (n11, n10, n01, n00)))
        self.shape = counts[0].shape
        flat: list[FloatArray] = [np.ravel(count) for count in counts]
        self.n11, self.n10, self.n01, self.n00 = flat
        self.x: FloatArray = self.n11 + self.n10
        self.y: FloatArray = self.n11 + self.n01
        self.not_x: FloatArray = self.n01 + self.n00
        self.not_y: FloatArray = self.n10 + self.n00
        self.n: FloatArray = self.x + self.not_x

    @cached_property
    def cross(self) -> FloatArray:
        """n11 n00 - n10 n01 = N n11 - x y, right to the last digit."""
        return cross_difference(self.n11, self.n10, self.n01, self.n00)

    @cached_property
    def deviance(self) -> FloatArray:
        """N times the mutual information in nats."""
        counts = (self.n11, self.n10, self.n01, self.n00)
        return half_deviance(counts, (self.x, self.y, self.not_x, self.not_y), self.n)


@dataclass(frozen=True, slots=True)
class Measure:
    """An interest measure of the 2x2 table.

    Attributes
    ----------
    name, title : str
        Its name in code and in print.
    formula : callable
        From a :class:`CountTable` to an array.
    low, high : float
        Bounds of its values.
    independence : float
        Its value where antecedent and consequent are independent; NaN where that is no single value.
    symmetric : bool
        Whether antecedent and consequent can be exchanged.
    null_invariant : bool
        Whether customers who hold neither leave it as it is.
    text : str
        Its formula in the counts; x = n11 + n10, y = n11 + n01, N = all.
    source : str
        Author and year.
    arules : str
        Its name in the R package arules; empty where arules has none.
    whole_counts : bool
        Whether it is defined for whole numbers only.
    """

    name: str
    title: str
    formula: Callable[[CountTable], FloatArray]
    low: float
    high: float
    independence: float
    symmetric: bool
    null_invariant: bool
    text: str
    source: str
    arules: str = ""
    whole_counts: bool = False

    def function(self, n11: ArrayLike, n10: ArrayLike, n01: ArrayLike, n00: ArrayLike) -> FloatArray:
        """Compute the measure from the four counts.

        Parameters
        ----------
        n11, n10, n01, n00 : array_like
            Who hold both, the antecedent only, the consequent only, neither; not negative, of shapes that fit.

        Returns
        -------
        ndarray of float64
            x / 0 is infinite, 0 / 0 is NaN, 0 log 0 is 0; no warning is raised.
        """
        return self.of(CountTable(n11, n10, n01, n00))

    def of(self, table: CountTable) -> FloatArray:
        """Compute the measure from a table; measures of one table share its margins.

        Values that rounding has put outside the bounds are put on them.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.clip(self.formula(table), self.low, self.high).reshape(table.shape)


#: For the columns of the registry: no single value under independence, and no bound.
NO_VALUE: Final = math.nan
NO_BOUND: Final = math.inf


class Registry(dict[str, Measure]):
    """Measures by name, in the order in which they are told."""

    def add(
        self,
        name: str,
        title: str,
        *,
        bounds: tuple[float, float],
        independence: float,
        text: str,
        source: str,
        symmetric: bool = False,
        null_invariant: bool = False,
        arules: str = "",
        whole_counts: bool = False,
    ) -> Callable[[Callable[[CountTable], FloatArray]], Callable[[CountTable], FloatArray]]:
        """Register the decorated formula; the keywords are the attributes of :class:`Measure`."""

        def register(formula: Callable[[CountTable], FloatArray]) -> Callable[[CountTable], FloatArray]:
            self[name] = Measure(
                name=name,
                title=title,
                formula=formula,
                low=bounds[0],
                high=bounds[1],
                independence=independence,
                symmetric=symmetric,
                null_invariant=null_invariant,
                text=text,
                source=source,
                arules=arules,
                whole_counts=whole_counts,
            )
            return formula

        return register
