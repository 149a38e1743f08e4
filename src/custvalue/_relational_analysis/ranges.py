"""Ranges fixed once, so that cases that come later change no similarity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

import numpy as np
from pydantic import ConfigDict, Field

from custvalue import _frames
from custvalue._kernels.relational import Measure
from custvalue._relational_analysis.hierarchy import Hierarchy
from custvalue._spec import Document, Entries, Name, require
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from custvalue._typing import FloatArray, Table

Distance = Annotated[float, Field(ge=0.0)]


class FrozenRanges(Document):
    r"""The largest distance of each indicator, fixed; the smallest is zero.

    Handed as ``ranges=`` to :func:`similarity` and its relatives, it takes the place of the smallest and largest
    distances found among the cases. The similarity of two customers then depends on these two alone: it is
    symmetric, and a case that is added or forgotten changes no other similarity.

    Parameters
    ----------
    largest : mapping of str to float
        For each indicator the largest distance :math:`R_j`, not negative.
    spec_version : int, default=1
        Version of the JSON layout.

    Raises
    ------
    pydantic.ValidationError
        If there is no indicator, or a distance is negative or not finite.

    Notes
    -----
    The coefficient is :math:`\zeta_j = \rho R_j / (\Delta_j + \rho R_j)`. A query beyond the cases gets
    coefficients below :math:`\rho / (1 + \rho)`. Where :math:`R_j` is zero (no more than 1e-300) the coefficient
    is 1 at distance zero and else the limit, zero: below 1e-20 for any distance of 1e-280 or more.

    Examples
    --------
    >>> from custvalue import grey
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["turnover", "balance"]})
    >>> frozen = grey.FrozenRanges.from_cases([[0.0, 0.5], [0.5, 1.0]], hierarchy)
    >>> frozen.largest
    {'turnover': 0.5, 'balance': 0.5}
    >>> grey.similarity([[0.5, 1.0]], [[0.0, 1.0]], hierarchy, ranges=frozen).round(4)
    array([[0.6667]])
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    largest: Entries[Name, Distance] = Field(
        min_length=1, max_length=100_000, description="Largest distance of each indicator."
    )

    @classmethod
    def from_cases(cls, cases: Table, hierarchy: Hierarchy) -> Self:
        """Take the largest distance between any two cases, over the indicators that share their ranges.

        Parameters
        ----------
        cases : table of shape (n_cases, n_indicators)
            The case base. Columns of a frame are matched by name; an array has them in the order of
            ``hierarchy.indicators``.
        hierarchy : Hierarchy
            Says which indicators share their ranges (`ranges_within`).

        Returns
        -------
        FrozenRanges
            For every indicator the largest range (largest less smallest value) of those it shares its ranges
            with.

        Raises
        ------
        ColumnError
            If an indicator of the hierarchy is missing or not numeric.
        DataError
            If a value is missing or infinite.
        DomainError
            If there is no case, or the number of columns does not fit.

        Examples
        --------
        >>> from custvalue import grey
        >>> hierarchy = grey.Hierarchy.equal({"monetary": ["turnover", "balance"]})
        >>> grey.FrozenRanges.from_cases([[0.0, 0.5], [0.5, 0.75]], hierarchy).largest
        {'turnover': 0.5, 'balance': 0.5}
        """
        names = require(hierarchy, Hierarchy, "hierarchy").indicators
        known = case_table(cases, names)
        unit = hierarchy.range_index
        widest = np.zeros(int(unit.max()) + 1)
        np.maximum.at(widest, unit, known.max(axis=0) - known.min(axis=0))
        return cls(largest=dict(zip(names, widest[unit].tolist(), strict=True)))

    def subset(self, names: Iterable[str]) -> Self:
        """Keep the ranges of some indicators.

        Parameters
        ----------
        names : iterable of str
            Indicators to be kept.

        Returns
        -------
        FrozenRanges
            Their distances, in the order of `names`.

        Raises
        ------
        DomainError
            If a name is unknown.

        Examples
        --------
        >>> from custvalue import grey
        >>> grey.FrozenRanges(largest={"turnover": 0.5, "balance": 1.0}).subset(["balance"]).largest
        {'balance': 1.0}
        """
        wanted = list(names)
        if unknown := sorted(set(wanted) - set(self.largest)):
            message = f"names has {unknown}; allowed: indicators of the ranges, {', '.join(self.largest)}."
            raise DomainError(message)
        return self.model_copy(update={"largest": {name: self.largest[name] for name in wanted}})


def case_table(cases: Table, names: tuple[str, ...]) -> FloatArray:
    """Read the cases; refuse an empty case base."""
    known = _frames.numeric(cases, names, argument="cases")
    if len(known) == 0:
        message = "cases is empty; allowed: at least one case."
        raise DomainError(message)
    return known


def checked_pair(queries: Table, cases: Table, hierarchy: Hierarchy) -> tuple[FloatArray, FloatArray]:
    """Read queries and cases in the order of the hierarchy's indicators."""
    names = require(hierarchy, Hierarchy, "hierarchy").indicators
    wanted = _frames.numeric(queries, names, argument="queries")
    return wanted, case_table(cases, names)


def measure_of(hierarchy: Hierarchy, ranges: FrozenRanges | None) -> Measure:
    """Give the numbers by which distances become similarities."""
    unit, weights, rho = hierarchy.range_index, hierarchy.global_weights, hierarchy.distinguishing_coefficient
    if ranges is None:
        return Measure(unit, weights, rho)
    largest = require(ranges, FrozenRanges, "ranges", "Build it with FrozenRanges.from_cases.").largest
    if set(largest) != set(hierarchy.indicators):
        message = (
            f"ranges names the indicators {', '.join(largest)}; allowed: those of the hierarchy, "
            f"{', '.join(hierarchy.indicators)}. Build it with FrozenRanges.from_cases, or keep some with subset."
        )
        raise DomainError(message)
    return Measure(unit, weights, rho, np.array([largest[name] for name in hierarchy.indicators]))
