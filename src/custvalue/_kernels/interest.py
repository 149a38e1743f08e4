"""Interest measures of the 2x2 table by name: some sixty, each with its range, its source and what it ignores.

Counts: n11 customers hold antecedent and consequent, n10 the antecedent only, n01 the consequent only, n00
neither; x = n11 + n10, y = n11 + n01, N = all. Conventions: x / 0 is infinite, 0 / 0 is NaN, 0 log 0 is 0; no
warning is raised, and no product overflows at ten thousand million customers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from custvalue._kernels.interest_association import ASSOCIATION
from custvalue._kernels.interest_evidence import EVIDENCE
from custvalue._kernels.interest_table import CountTable, Measure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import ArrayLike

    from custvalue._typing import FloatArray

#: Every measure by its name.
MEASURES: Final[Mapping[str, Measure]] = {**ASSOCIATION, **EVIDENCE}

__all__ = ["MEASURES", "CountTable", "Measure", "measures_of"]


def measures_of(
    names: Iterable[str], n11: ArrayLike, n10: ArrayLike, n01: ArrayLike, n00: ArrayLike
) -> dict[str, FloatArray]:
    """Compute several measures of the same tables.

    Parameters
    ----------
    names : iterable of str
        Names out of :data:`MEASURES`.
    n11, n10, n01, n00 : array_like
        The four counts, of shapes that fit each other.

    Returns
    -------
    dict of str to ndarray
        The measures in the order asked for. Cost: O(n) a measure but for those of the hypergeometric distribution.
    """
    table = CountTable(n11, n10, n01, n00)
    return {name: MEASURES[name].of(table) for name in names}
