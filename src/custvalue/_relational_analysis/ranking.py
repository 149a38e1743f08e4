"""Results of ranking alternatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from custvalue._relational_analysis.distinguishing import RankingPath, ranking_path
from custvalue._results import Provenance, html_table, short_repr

if TYPE_CHECKING:
    from custvalue._typing import ArrayLike, BoolArray, FloatArray, IntArray


def places(values: FloatArray) -> tuple[IntArray, IntArray, BoolArray]:
    """Give the order (the largest first, the lowest position among equals), the ranks and who shares one."""
    order = np.argsort(-values, kind="stable")
    falling = -values[order]
    ranks = np.empty(len(values), dtype=np.int64)
    ranks[order] = np.searchsorted(falling, falling, side="left") + 1
    alike = np.searchsorted(falling, falling, side="right") - np.searchsorted(falling, falling, side="left")
    tied = np.empty(len(values), dtype=np.bool_)
    tied[order] = alike > 1
    return order, ranks, tied


@dataclass(frozen=True, eq=False, repr=False)
class Ranking:
    """Alternatives in the order of their grey relational grades to the ideal.

    Attributes
    ----------
    alternatives : tuple
        Names of the alternatives, by position.
    criteria : tuple of str
        Names of the criteria.
    directions : tuple of str
        Direction of each criterion.
    weights : ndarray of shape (n_criteria,)
        Weights of the criteria, with the sum 1.
    normalised : ndarray of shape (n_alternatives, n_criteria)
        Values scaled to [0, 1], where 1 is the ideal.
    coefficients : ndarray of shape (n_alternatives, n_criteria)
        Relational coefficients to the ideal.
    grades : ndarray of shape (n_alternatives,)
        Their weighted sums.
    order : ndarray of int, shape (n_alternatives,)
        Positions, the best first; among equal grades the lowest position comes first.
    ranks : ndarray of int, shape (n_alternatives,)
        Rank of each alternative from 1; equal grades share the rank.
    tied : ndarray of bool, shape (n_alternatives,)
        Whether another alternative has exactly the same grade.
    distinguishing_coefficient : float
        Deng's rho.
    provenance : Provenance
        Package version, settings and counts.

    See Also
    --------
    rank_alternatives : Makes it.

    Examples
    --------
    >>> from custvalue import grey
    >>> ranking = grey.rank_alternatives([[3.0, 5.0], [1.0, 4.0], [2.0, 6.0]], ["benefit", "cost"])
    >>> ranking.order, ranking.grades.round(4)
    (array([0, 1, 2]), array([0.75  , 0.6667, 0.4167]))
    """

    alternatives: tuple[Any, ...]
    criteria: tuple[str, ...]
    directions: tuple[str, ...]
    weights: FloatArray
    normalised: FloatArray
    coefficients: FloatArray
    grades: FloatArray
    order: IntArray
    ranks: IntArray
    tied: BoolArray
    distinguishing_coefficient: float
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Give one row an alternative, the best first.

        Returns
        -------
        pandas.DataFrame
            Columns ``rank``, ``alternative``, ``grade``, ``tied``.
        """
        return _sorted_frame(self.alternatives, self.order, self.ranks, self.tied, {"grade": self.grades})

    def to_coefficients(self) -> pd.DataFrame:
        """Give the coefficients, one row an alternative in the order given, one column a criterion.

        Returns
        -------
        pandas.DataFrame
            Coefficients with the alternatives as index.
        """
        copied = np.array(self.coefficients)
        return pd.DataFrame(copied, index=list(self.alternatives), columns=list(self.criteria))

    def distinguishing_path(self, coefficients: ArrayLike | None = None) -> RankingPath:
        r"""Follow grades and winner over the distinguishing coefficient.

        Parameters
        ----------
        coefficients : array_like of shape (n_coefficients,), default=None
            Values of rho in (0, 1], rising. None takes 0.05, 0.10, ..., 1.

        Returns
        -------
        RankingPath
            Grades at each rho, and every rho between the first and the last at which another alternative wins.

        Raises
        ------
        DomainError
            If the coefficients do not rise or lie outside (0, 1].

        Notes
        -----
        Every grade is an increasing, concave function of rho, since :math:`\xi = 1 - (\Delta - \Delta_{min}) /
        (\Delta + \rho \Delta_{max})`. So it lies above its chord and below its tangents, and an interval in which
        the winner's chord exceeds all tangents holds no change; other intervals are halved, those with a change
        down to 1e-12, the rest at most to 1/4096. Cost: :math:`O(mp)` a step, some hundred steps a change, for
        ever fewer alternatives; where alternatives hardly differ, some thousand steps.
        """
        return ranking_path(
            self.alternatives, 1.0 - self.normalised, self.weights, coefficients, self.provenance.spec
        )

    def __repr__(self) -> str:
        return short_repr(
            "Ranking",
            rho=self.distinguishing_coefficient,
            tied=int(self.tied.sum()),
            **self.provenance.counts,
        )

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        weights = ", ".join(
            f"{name} ({kind}) {weight:.3g}"
            for name, kind, weight in zip(self.criteria, self.directions, self.weights.tolist(), strict=True)
        )
        caption = f"Grey relational grades to the ideal, rho = {self.distinguishing_coefficient:g}; {weights}"
        return html_table(list(frame.columns), frame.to_numpy(dtype=object).tolist(), caption=caption)


@dataclass(frozen=True, eq=False, repr=False)
class TopsisRanking:
    """Alternatives in the order of their relational closeness to the ideal (grey TOPSIS).

    Attributes
    ----------
    alternatives : tuple
        Names of the alternatives, by position.
    criteria : tuple of str
        Names of the criteria.
    directions : tuple of str
        Direction of each criterion.
    weights : ndarray of shape (n_criteria,)
        Weights of the criteria, with the sum 1.
    normalised : ndarray of shape (n_alternatives, n_criteria)
        Values scaled to [0, 1], where 1 is the ideal and 0 the anti-ideal.
    ideal_grades : ndarray of shape (n_alternatives,)
        Relational grades to the ideal.
    anti_ideal_grades : ndarray of shape (n_alternatives,)
        Relational grades to the anti-ideal.
    closeness : ndarray of shape (n_alternatives,)
        Grade to the ideal divided by the sum of both.
    order : ndarray of int, shape (n_alternatives,)
        Positions, the closest first; among equals the lowest position comes first.
    ranks : ndarray of int, shape (n_alternatives,)
        Rank of each alternative from 1; equal ones share the rank.
    tied : ndarray of bool, shape (n_alternatives,)
        Whether another alternative is exactly as close.
    distinguishing_coefficient : float
        Deng's rho.
    provenance : Provenance
        Package version, settings and counts.

    See Also
    --------
    grey_topsis : Makes it.

    Examples
    --------
    >>> from custvalue import grey
    >>> grey.grey_topsis([[3.0, 5.0], [1.0, 4.0], [2.0, 6.0]], ["benefit", "cost"]).to_frame().round(4)
       rank  alternative  closeness  ideal_grade  anti_ideal_grade  tied
    0     1            0     0.6429       0.7500            0.4167 False
    1     2            1     0.5000       0.6667            0.6667 False
    2     3            2     0.3571       0.4167            0.7500 False
    """

    alternatives: tuple[Any, ...]
    criteria: tuple[str, ...]
    directions: tuple[str, ...]
    weights: FloatArray
    normalised: FloatArray
    ideal_grades: FloatArray
    anti_ideal_grades: FloatArray
    closeness: FloatArray
    order: IntArray
    ranks: IntArray
    tied: BoolArray
    distinguishing_coefficient: float
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Give one row an alternative, the closest first.

        Returns
        -------
        pandas.DataFrame
            Columns ``rank``, ``alternative``, ``closeness``, ``ideal_grade``, ``anti_ideal_grade``, ``tied``.
        """
        columns = {
            "closeness": self.closeness,
            "ideal_grade": self.ideal_grades,
            "anti_ideal_grade": self.anti_ideal_grades,
        }
        return _sorted_frame(self.alternatives, self.order, self.ranks, self.tied, columns)

    def __repr__(self) -> str:
        return short_repr(
            "TopsisRanking",
            rho=self.distinguishing_coefficient,
            tied=int(self.tied.sum()),
            **self.provenance.counts,
        )

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        caption = f"Grey TOPSIS, rho = {self.distinguishing_coefficient:g}; weights inside the grades"
        return html_table(list(frame.columns), frame.to_numpy(dtype=object).tolist(), caption=caption)


def _sorted_frame(
    alternatives: tuple[Any, ...],
    order: IntArray,
    ranks: IntArray,
    tied: BoolArray,
    columns: dict[str, FloatArray],
) -> pd.DataFrame:
    """Give the rows in their order; fancy indexing copies, so nothing of the result can be changed through it."""
    head = {"rank": ranks[order], "alternative": [alternatives[place] for place in order.tolist()]}
    return pd.DataFrame(head | {name: values[order] for name, values in columns.items()} | {"tied": tied[order]})
