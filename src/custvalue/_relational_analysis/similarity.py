"""Two-level grey relational similarity of queries to cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from custvalue._kernels import relational
from custvalue._relational_analysis.ranges import checked_pair, measure_of
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from custvalue._relational_analysis.hierarchy import Hierarchy
    from custvalue._relational_analysis.ranges import FrozenRanges
    from custvalue._typing import ArrayLike, FloatArray, IntArray, Table


def similarity(
    queries: Table, cases: Table, hierarchy: Hierarchy, *, ranges: FrozenRanges | None = None
) -> FloatArray:
    r"""Compute the two-level grey relational similarity of every query to every case.

    Parameters
    ----------
    queries : table of shape (n_queries, n_indicators)
        Customers to be compared. Columns of a frame are matched by name; an array has them in the order of
        ``hierarchy.indicators``.
    cases : table of shape (n_cases, n_indicators)
        The case base, on the same scale.
    hierarchy : Hierarchy
        Groups, weights at both levels, the distinguishing coefficient, and which indicators share their ranges.
    ranges : FrozenRanges, default=None
        Ranges fixed beforehand; None finds smallest and largest distance among `cases`, for each query anew.

    Returns
    -------
    ndarray of shape (n_queries, n_cases)
        Similarities in [rho / (1 + rho), 1]: with rho = 0.5 no pair is less alike than 1/3 (frozen ranges: in
        (0, 1], since a query may lie farther off than the ranges). A query that equals a case has similarity 1 to
        it, up to the rounding of the weights' sum.

    Raises
    ------
    ColumnError
        If an indicator of the hierarchy is missing or not numeric.
    DataError
        If a value is missing or infinite.
    DomainError
        If there is no case, the number of columns does not fit, or `ranges` names other indicators.

    See Also
    --------
    nearest : The most similar cases only, without holding this matrix.
    similarity_components : The same with every indicator's part.
    leave_one_out_similarity : Of the cases to each other.

    Notes
    -----
    For the query 0, case :math:`f`, control criterion :math:`i` with its indicators :math:`J_i`, and
    :math:`\Delta_j(f) = |v_j(0) - v_j(f)|`,

    .. math::
       \zeta_{ij}(f) &= \frac{\min_f \min_{j \in J_i} \Delta_j(f) + \rho \max_f \max_{j \in J_i} \Delta_j(f)}
                             {\Delta_j(f) + \rho \max_f \max_{j \in J_i} \Delta_j(f)}, \\
       \zeta_i(f) &= \sum_{j \in J_i} w_{ij} \zeta_{ij}(f), \qquad
       \mathrm{sim}(f) = \sum_i w_i \zeta_i(f).

    Minimum and maximum run over all cases and the group's indicators, for each query anew: the similarity is
    relative to the case base, and a case that is added or removed can change all others (wholeness, Deng 1989
    [1]_). ``hierarchy.ranges_within`` names other readings, in which they run over one indicator or over all.
    With `ranges` the smallest distance is 0 and the largest is the fixed one. Where all distances of a group are
    zero its coefficients are 1. Cost: :math:`O(nmp)` time; memory beyond the result one sorted copy of the cases
    and :math:`O(np)`.

    References
    ----------
    .. [1] Deng, J.-L. (1989). Introduction to grey system theory. *The Journal of Grey System*, 1(1), 1-24.

    Examples
    --------
    >>> from custvalue import grey
    >>> hierarchy = grey.Hierarchy.equal({"recency": ["last_visit"], "monetary": ["turnover", "balance"]})
    >>> cases = [[1.0, 0.8, 0.9], [0.2, 0.1, 0.3]]
    >>> grey.similarity([[0.9, 0.7, 0.9]], cases, hierarchy).round(4)
    array([[0.9375, 0.381 ]])
    """
    wanted, known = checked_pair(queries, cases, hierarchy)
    return relational.similarity_matrix(wanted, known, measure_of(hierarchy, ranges))


@dataclass(frozen=True, eq=False, repr=False)
class SimilarityComponents:
    """The two-level similarity taken apart.

    Attributes
    ----------
    hierarchy : Hierarchy
        The weights it was computed with.
    coefficients : ndarray of shape (n_queries, n_cases, n_indicators)
        Relational coefficients of the indicators.
    contributions : ndarray of shape (n_queries, n_cases, n_indicators)
        Group weight x local weight x coefficient; their sum over the indicators is the similarity.
    group_grades : ndarray of shape (n_queries, n_groups, n_cases)
        Relational grades of the groups, the control-layer value matrix of each query.
    similarity : ndarray of shape (n_queries, n_cases)
        Weighted sum of the grades.
    provenance : Provenance
        Package version, hierarchy and row counts.

    Examples
    --------
    >>> from custvalue import grey
    >>> hierarchy = grey.Hierarchy.equal({"recency": ["last_visit"], "monetary": ["turnover"]})
    >>> parts = grey.similarity_components([[0.5, 0.5]], [[0.5, 0.0], [0.0, 0.5]], hierarchy)
    >>> parts.contributions.sum(axis=2).round(4)
    array([[0.6667, 0.6667]])
    """

    hierarchy: Hierarchy
    coefficients: FloatArray
    contributions: FloatArray
    group_grades: FloatArray
    similarity: FloatArray
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Give one row a query, case and indicator.

        Returns
        -------
        pandas.DataFrame
            Columns ``query``, ``case`` (positions), ``group``, ``indicator``, ``coefficient``, ``contribution``.
        """
        n, m, p = self.coefficients.shape
        names = self.hierarchy.indicators
        groups = [self.hierarchy.group_names[i] for i in self.hierarchy.group_index]
        return pd.DataFrame(
            {
                "query": np.repeat(np.arange(n), m * p),
                "case": np.tile(np.repeat(np.arange(m), p), n),
                "group": groups * (n * m),
                "indicator": list(names) * (n * m),
                "coefficient": self.coefficients.ravel(),
                "contribution": self.contributions.ravel(),
            }
        )

    def __repr__(self) -> str:
        return short_repr("SimilarityComponents", **self.provenance.counts)

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        caption = f"Similarity of {len(self.similarity)} queries to {self.similarity.shape[1]} cases, in parts"
        return html_table(list(frame.columns), frame.to_numpy().tolist(), caption=caption)


def similarity_components(
    queries: Table, cases: Table, hierarchy: Hierarchy, *, ranges: FrozenRanges | None = None
) -> SimilarityComponents:
    """Take the two-level similarity apart: coefficients, grades and contributions.

    Meant for a few queries: it holds queries x cases x indicators. For many customers use :func:`nearest`.

    Parameters
    ----------
    queries : table of shape (n_queries, n_indicators)
        Customers to be compared.
    cases : table of shape (n_cases, n_indicators)
        The case base, on the same scale.
    hierarchy : Hierarchy
        Groups, weights at both levels, the distinguishing coefficient, and which indicators share their ranges.
    ranges : FrozenRanges, default=None
        Ranges fixed beforehand; None finds smallest and largest distance among `cases`, for each query anew.

    Returns
    -------
    SimilarityComponents
        All parts of the formulas of :func:`similarity`.

    Raises
    ------
    ColumnError
        If an indicator of the hierarchy is missing or not numeric.
    DataError
        If a value is missing or infinite.
    DomainError
        If there is no case, the number of columns does not fit, or `ranges` names other indicators.

    Notes
    -----
    Formulas and source as in :func:`similarity`. Cost: :math:`O(nmp)` time and memory.

    Examples
    --------
    >>> from custvalue import grey
    >>> hierarchy = grey.Hierarchy.equal({"recency": ["last_visit"], "monetary": ["turnover"]})
    >>> grey.similarity_components([[0.5, 0.5]], [[0.5, 0.0], [0.0, 0.5]], hierarchy).group_grades.round(4)
    array([[[1.    , 0.3333],
            [0.3333, 1.    ]]])
    """
    wanted, known = checked_pair(queries, cases, hierarchy)
    coefficients, parts, total = relational.components(wanted, known, measure_of(hierarchy, ranges))
    member = (hierarchy.group_index[:, None] == np.arange(len(hierarchy.groups))) * hierarchy.local_weights[
        :, None
    ]
    grades = np.swapaxes(coefficients @ member, 1, 2)
    counts = provenance(hierarchy.model_dump_json(), queries=len(wanted), cases=len(known))
    coefficients, parts, grades, total = (read_only(array) for array in (coefficients, parts, grades, total))
    return SimilarityComponents(hierarchy, coefficients, parts, grades, total, counts)


def pair_components(
    queries: Table,
    cases: Table,
    index: ArrayLike,
    hierarchy: Hierarchy,
    *,
    ranges: FrozenRanges | None = None,
) -> tuple[FloatArray, FloatArray]:
    r"""Take the similarity of each query to its chosen cases apart, the ranges running over all cases.

    Parameters
    ----------
    queries : table of shape (n_queries, n_indicators)
        Customers to be compared.
    cases : table of shape (n_cases, n_indicators)
        The case base, on the same scale.
    index : array_like of int, shape (n_queries, n_chosen)
        For each query the positions of the cases of interest, such as ``nearest(...).index``.
    hierarchy : Hierarchy
        Groups, weights at both levels, the distinguishing coefficient, and which indicators share their ranges.
    ranges : FrozenRanges, default=None
        Ranges fixed beforehand; None finds smallest and largest distance among `cases`, for each query anew.

    Returns
    -------
    coefficients : ndarray of shape (n_queries, n_chosen, n_indicators)
        Relational coefficients of the indicators.
    contributions : ndarray of shape (n_queries, n_chosen, n_indicators)
        Group weight x local weight x coefficient. Added up in the order of the indicators they are the
        similarities of :func:`similarity` and :func:`nearest`, bit for bit.

    Raises
    ------
    ColumnError
        If an indicator of the hierarchy is missing or not numeric.
    DataError
        If a value is missing or infinite.
    DomainError
        If `index` does not hold positions of cases, one row a query; or as in :func:`similarity`.

    See Also
    --------
    similarity_components : The same against every case.

    Notes
    -----
    Formulas and source as in :func:`similarity`. Cost: :math:`O(np \log m + nkp)` time for k chosen cases, and the
    sorting of the cases; memory beyond the result one sorted copy of the cases and :math:`O(np)`.

    Examples
    --------
    >>> from custvalue import grey
    >>> hierarchy = grey.Hierarchy.equal({"recency": ["last_visit"], "monetary": ["turnover"]})
    >>> queries, cases = [[0.5, 0.5]], [[0.5, 0.0], [0.0, 0.5], [1.0, 1.0]]
    >>> found = grey.nearest(queries, cases, hierarchy, k=2)
    >>> coefficients, contributions = grey.pair_components(queries, cases, found.index, hierarchy)
    >>> contributions.round(4)
    array([[[0.5   , 0.1667],
            [0.1667, 0.5   ]]])
    """
    wanted, known = checked_pair(queries, cases, hierarchy)
    chosen = _checked_index(index, len(wanted), len(known))
    return relational.pair_components(wanted, known, chosen, measure_of(hierarchy, ranges))


def _checked_index(index: ArrayLike, n_queries: int, n_cases: int) -> IntArray:
    chosen = np.asarray(index)
    if chosen.ndim != 2 or len(chosen) != n_queries or chosen.dtype.kind not in "iu":  # noqa: PLR2004 - a table
        message = (
            f"index has shape {chosen.shape} and type {chosen.dtype}; allowed: whole numbers, one row for each of "
            f"the {n_queries} queries."
        )
        raise DomainError(message)
    if chosen.size and (chosen.min() < 0 or chosen.max() >= n_cases):
        message = f"index points beyond the cases; allowed: positions from 0 to {n_cases - 1}."
        raise DomainError(message)
    return chosen.astype(np.int64, copy=False)
