"""What the distinguishing coefficient does to grades, similarities and winners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from custvalue._kernels import distinguishing
from custvalue._kernels.relational import deng_coefficients
from custvalue._relational_analysis.deng import one_row
from custvalue._relational_analysis.ranges import checked_pair
from custvalue._relational_analysis.similarity import similarity
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from custvalue._relational_analysis.hierarchy import Hierarchy
    from custvalue._relational_analysis.ranges import FrozenRanges
    from custvalue._typing import ArrayLike, FloatArray, IntArray, Table

#: How many similarities are held at a time: 8 MB.
BLOCK = 1_000_000


def _checked_coefficients(coefficients: ArrayLike | None) -> FloatArray:
    if coefficients is None:
        usual: FloatArray = np.arange(1.0, 21.0) / 20.0
        return usual
    given: FloatArray = one_row(coefficients, "coefficients")[0]
    if not len(given) or given[0] <= 0.0 or given[-1] > 1.0 or (np.diff(given) <= 0.0).any():
        message = "coefficients must be rising numbers in (0, 1], at least one."
        raise DomainError(message)
    return given


@dataclass(frozen=True, eq=False, repr=False)
class RankingPath:
    """Grades of alternatives, and the best of them, over the distinguishing coefficient.

    Attributes
    ----------
    alternatives : tuple
        Names of the alternatives, by position.
    coefficients : ndarray of shape (n_coefficients,)
        Values of rho, rising.
    grades : ndarray of shape (n_coefficients, n_alternatives)
        Grades at each rho.
    breakpoints : ndarray of shape (n_changes,)
        Every rho between the first and the last at which another alternative wins, rising; located to 1e-12 where
        the two grades cross at a slope above 0.002. Two changes less than 1/4096 apart may cancel unseen.
    winners : ndarray of int, shape (n_changes + 1,)
        Positions of the winners before, between and after the breakpoints.
    provenance : Provenance
        Package version, the ranking's settings and counts.

    See Also
    --------
    Ranking.distinguishing_path : Makes it.

    Examples
    --------
    >>> from custvalue import grey
    >>> ranking = grey.rank_alternatives([[1.0, 0.0], [0.8, 0.8], [0.0, 1.0]], "benefit", weights=[0.6, 0.4])
    >>> path = ranking.distinguishing_path()
    >>> path.breakpoints.round(4), path.winners
    (array([0.6]), array([0, 1]))
    """

    alternatives: tuple[Any, ...]
    coefficients: FloatArray
    grades: FloatArray
    breakpoints: FloatArray
    winners: IntArray
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Give one row a coefficient and alternative.

        Returns
        -------
        pandas.DataFrame
            Columns ``coefficient``, ``alternative``, ``grade``.
        """
        n_rho, n = self.grades.shape
        return pd.DataFrame(
            {
                "coefficient": np.repeat(self.coefficients, n),
                "alternative": list(self.alternatives) * n_rho,
                "grade": self.grades.ravel().copy(),
            }
        )

    def intervals(self) -> pd.DataFrame:
        """Give one row an interval of rho with one winner.

        Returns
        -------
        pandas.DataFrame
            Columns ``lower``, ``upper``, ``winner``.
        """
        ends = np.concatenate([self.coefficients[:1], self.breakpoints, self.coefficients[-1:]])
        names = [self.alternatives[place] for place in self.winners.tolist()]
        return pd.DataFrame({"lower": ends[:-1], "upper": ends[1:], "winner": names})

    def __repr__(self) -> str:
        return short_repr("RankingPath", changes=len(self.breakpoints), **self.provenance.counts)

    def _repr_html_(self) -> str:
        frame = self.intervals()
        caption = f"The best alternative by the distinguishing coefficient; {len(self.breakpoints)} change(s)"
        return html_table(list(frame.columns), frame.to_numpy(dtype=object).tolist(), caption=caption)


def ranking_path(
    alternatives: tuple[Any, ...],
    distance: FloatArray,
    weights: FloatArray,
    coefficients: ArrayLike | None,
    spec: str,
) -> RankingPath:
    """Follow the grades of alternatives at given distances from the ideal."""
    rhos = _checked_coefficients(coefficients)
    none = np.zeros(distance.shape[1])
    grades = np.array(
        [distinguishing.weighted_sums(deng_coefficients(distance, none, rho), weights) for rho in rhos.tolist()]
    )
    if distance.any():
        relative = distance / distance.max()
        breakpoints, winners = distinguishing.winner_changes(relative, weights, float(rhos[0]), float(rhos[-1]))
    else:
        breakpoints, winners = np.empty(0), np.zeros(1, dtype=np.int64)
    counts = provenance(spec, alternatives=len(alternatives), coefficients=len(rhos))
    rhos, grades, breakpoints, winners = (read_only(array) for array in (rhos, grades, breakpoints, winners))
    return RankingPath(alternatives, rhos, grades, breakpoints, winners, counts)


@dataclass(frozen=True, eq=False, repr=False)
class RetrievalPath:
    """Nearest cases of queries over the distinguishing coefficient.

    Attributes
    ----------
    coefficients : ndarray of shape (n_coefficients,)
        Values of rho, rising.
    nearest : ndarray of int, shape (n_coefficients, n_queries)
        Position of the most similar case; the lowest among equals.
    changed : ndarray of shape (n_coefficients,)
        Share of the queries whose nearest case is another one than under the hierarchy's own coefficient.
    similarity : ndarray of shape (n_coefficients,)
        Mean similarity of the nearest case.
    margin : ndarray of shape (n_coefficients,)
        Mean similarity of the nearest case less that of the next; where there is one case only, its similarity.
    spread : ndarray of shape (n_coefficients,)
        Mean similarity of the nearest case less that of the farthest.
    provenance : Provenance
        Package version, hierarchy and row counts.

    See Also
    --------
    distinguishing_path : Makes it.

    Examples
    --------
    >>> from custvalue import grey
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["turnover"]})
    >>> path = grey.distinguishing_path([[0.5], [0.1]], [[0.4], [0.9]], hierarchy, coefficients=[0.1, 0.5])
    >>> path.changed
    array([0., 0.])
    """

    coefficients: FloatArray
    nearest: IntArray
    changed: FloatArray
    similarity: FloatArray
    margin: FloatArray
    spread: FloatArray
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Give one row a coefficient.

        Returns
        -------
        pandas.DataFrame
            Columns ``coefficient``, ``changed``, ``similarity``, ``margin``, ``spread``.
        """
        return pd.DataFrame(
            {
                "coefficient": self.coefficients.copy(),
                "changed": self.changed.copy(),
                "similarity": self.similarity.copy(),
                "margin": self.margin.copy(),
                "spread": self.spread.copy(),
            }
        )

    def __repr__(self) -> str:
        return short_repr("RetrievalPath", coefficients=len(self.coefficients), **self.provenance.counts)

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        caption = f"Retrieval of {self.nearest.shape[1]} queries by the distinguishing coefficient"
        return html_table(list(frame.columns), frame.to_numpy().tolist(), caption=caption)


def distinguishing_path(
    queries: Table,
    cases: Table,
    hierarchy: Hierarchy,
    *,
    coefficients: ArrayLike | None = None,
    ranges: FrozenRanges | None = None,
) -> RetrievalPath:
    r"""Follow what the distinguishing coefficient does to the nearest case of every query.

    Parameters
    ----------
    queries : table of shape (n_queries, n_indicators)
        Customers to be compared, at least one; a few thousand tell enough.
    cases : table of shape (n_cases, n_indicators)
        The case base, on the same scale.
    hierarchy : Hierarchy
        Groups, weights at both levels, and the coefficient that answers are compared with.
    coefficients : array_like of shape (n_coefficients,), default=None
        Values of rho in (0, 1], rising. None takes 0.05, 0.10, ..., 1.
    ranges : FrozenRanges, default=None
        Ranges fixed beforehand; None takes those of each query over the cases.

    Returns
    -------
    RetrievalPath
        Nearest cases, the share that changed, and how far similarities lie apart, at each rho.

    Raises
    ------
    ColumnError
        If an indicator of the hierarchy is missing or not numeric.
    DataError
        If a value is missing or infinite.
    DomainError
        If there is no query or no case, or the coefficients do not rise or lie outside (0, 1].

    See Also
    --------
    similarity : The similarity at one coefficient.
    Ranking.distinguishing_path : The same for alternatives, with the exact changes.

    Notes
    -----
    A smaller rho spreads the similarities further apart: they lie in :math:`[\rho / (1 + \rho), 1]`. It also lets
    the indicators that match best decide, since :math:`\xi \to \Delta_{min} / \Delta` as rho goes to 0. The larger
    rho is, the more evenly the coefficient falls with the distance, and the more cases are ordered as by the
    weighted Manhattan distance in units of each group's largest. Cost: :math:`O(nmp)` time a coefficient; memory
    beyond the result about 20 MB and a copy of the cases.

    Examples
    --------
    >>> from custvalue import grey
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["turnover", "balance"]})
    >>> cases = [[0.5, 0.0], [0.3, 0.3]]
    >>> path = grey.distinguishing_path([[0.5, 0.5]], cases, hierarchy, coefficients=[0.1, 0.9])
    >>> path.nearest.ravel()
    array([0, 0])
    """
    rhos = _checked_coefficients(coefficients)
    wanted, known = checked_pair(queries, cases, hierarchy)
    if len(wanted) == 0:
        message = "queries is empty; allowed: at least one query."
        raise DomainError(message)
    usual, _ = _at(wanted, known, hierarchy, ranges)
    nearest = np.empty((len(rhos), len(wanted)), dtype=np.int64)
    means = np.empty((3, len(rhos)))
    for place, rho in enumerate(rhos.tolist()):
        other = hierarchy.model_copy(update={"distinguishing_coefficient": rho})
        nearest[place], means[:, place] = _at(wanted, known, other, ranges)
    changed = (nearest != usual).mean(axis=1)
    counts = provenance(hierarchy.model_dump_json(), queries=len(wanted), cases=len(known))
    rhos, nearest, changed, means = (read_only(array) for array in (rhos, nearest, changed, means))
    return RetrievalPath(rhos, nearest, changed, means[0], means[1], means[2], counts)


def _at(
    queries: FloatArray, cases: FloatArray, hierarchy: Hierarchy, ranges: FrozenRanges | None
) -> tuple[IntArray, FloatArray]:
    """Give the nearest cases, and the means of similarity, margin and spread over the queries."""
    nearest = np.empty(len(queries), dtype=np.int64)
    best, second, least = np.empty((3, len(queries)))
    rows = max(1, BLOCK // max(1, len(cases)))
    for first in range(0, len(queries), rows):
        some = slice(first, first + rows)
        block = similarity(queries[some], cases, hierarchy, ranges=ranges)
        nearest[some] = block.argmax(axis=1)
        best[some], least[some] = block.max(axis=1), block.min(axis=1)
        second[some] = np.partition(block, -2, axis=1)[:, -2] if block.shape[1] > 1 else 0.0
    return nearest, np.array([best.mean(), (best - second).mean(), (best - least).mean()])
