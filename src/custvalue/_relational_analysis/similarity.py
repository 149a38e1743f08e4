"""Two-level grey relational similarity of queries to cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from custvalue import _frames
from custvalue._kernels import relational
from custvalue._relational_analysis.hierarchy import Hierarchy
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import require, unboxed
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from custvalue._typing import BoolArray, FloatArray, IntArray, Table


def _pair(queries: Table, cases: Table, hierarchy: Hierarchy) -> tuple[FloatArray, FloatArray]:
    names = require(hierarchy, Hierarchy, "hierarchy").indicators
    wanted = _frames.numeric(queries, names, argument="queries")
    known = _frames.numeric(cases, names, argument="cases")
    if len(known) == 0:
        message = "cases is empty; allowed: at least one case."
        raise DomainError(message)
    return wanted, known


def similarity(queries: Table, cases: Table, hierarchy: Hierarchy) -> FloatArray:
    r"""Compute the two-level grey relational similarity of every query to every case.

    Parameters
    ----------
    queries : table of shape (n_queries, n_indicators)
        Customers to be compared. Columns of a frame are matched by name; an array has them in the order of
        ``hierarchy.indicators``.
    cases : table of shape (n_cases, n_indicators)
        The case base, on the same scale.
    hierarchy : Hierarchy
        Groups, weights at both levels, and the distinguishing coefficient.

    Returns
    -------
    ndarray of shape (n_queries, n_cases)
        Similarities in [rho / (1 + rho), 1]: with rho = 0.5 no pair is less alike than 1/3. A query that equals a
        case has similarity exactly 1 to it, up to the rounding of the weights' sum.

    Raises
    ------
    ColumnError
        If an indicator of the hierarchy is missing or not numeric.
    DataError
        If a value is missing or infinite.
    DomainError
        If there is no case, or the number of columns does not fit.

    See Also
    --------
    nearest : The most similar cases only, without holding this matrix.
    similarity_components : The same with every indicator's part.

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
    [1]_). Where all distances of a group are zero its coefficients are 1. Cost: :math:`O(nmp)` time; memory
    beyond the result :math:`O(np)`.

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
    wanted, known = _pair(queries, cases, hierarchy)
    return relational.similarity_matrix(
        wanted, known, hierarchy.group_index, hierarchy.global_weights, hierarchy.distinguishing_coefficient
    )


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


def similarity_components(queries: Table, cases: Table, hierarchy: Hierarchy) -> SimilarityComponents:
    """Take the two-level similarity apart: coefficients, grades and contributions.

    Meant for a few queries: it holds queries x cases x indicators. For many customers use :func:`nearest`.

    Parameters
    ----------
    queries : table of shape (n_queries, n_indicators)
        Customers to be compared.
    cases : table of shape (n_cases, n_indicators)
        The case base, on the same scale.
    hierarchy : Hierarchy
        Groups, weights at both levels, and the distinguishing coefficient.

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
        If there is no case, or the number of columns does not fit.

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
    wanted, known = _pair(queries, cases, hierarchy)
    group, rho = hierarchy.group_index, hierarchy.distinguishing_coefficient
    coefficients, parts, total = relational.components(wanted, known, group, hierarchy.global_weights, rho)
    member = (group[:, None] == np.arange(len(hierarchy.groups))) * hierarchy.local_weights[:, None]
    grades = np.swapaxes(coefficients @ member, 1, 2)
    counts = provenance(hierarchy.model_dump_json(), queries=len(wanted), cases=len(known))
    coefficients, parts, grades, total = (read_only(array) for array in (coefficients, parts, grades, total))
    return SimilarityComponents(hierarchy, coefficients, parts, grades, total, counts)


@dataclass(frozen=True, eq=False, repr=False)
class Nearest:
    """The most similar cases of each query, the most similar first.

    Attributes
    ----------
    index : ndarray of int, shape (n_queries, k)
        Positions of the cases; among equally similar ones the lowest position comes first.
    similarity : ndarray of shape (n_queries, k)
        Their similarities, falling.
    margin : ndarray of shape (n_queries,)
        Similarity of the best case less that of the next; where there is one case only, its similarity.
    tied : ndarray of bool, shape (n_queries,)
        Whether another case is exactly as similar as the best.
    provenance : Provenance
        Package version, hierarchy and row counts.

    Examples
    --------
    >>> from custvalue import grey
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["turnover"]})
    >>> found = grey.nearest([[0.5]], [[0.4], [0.9], [0.4]], hierarchy, k=2)
    >>> found.index, found.tied
    (array([[0, 2]]), array([ True]))
    """

    index: IntArray
    similarity: FloatArray
    margin: FloatArray
    tied: BoolArray
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Give one row a query and retrieved case.

        Returns
        -------
        pandas.DataFrame
            Columns ``query``, ``rank`` (from 1), ``case`` (position), ``similarity``.
        """
        n, k = self.index.shape
        return pd.DataFrame(
            {
                "query": np.repeat(np.arange(n), k),
                "rank": np.tile(np.arange(1, k + 1), n),
                "case": self.index.ravel(),
                "similarity": self.similarity.ravel(),
            }
        )

    def __repr__(self) -> str:
        return short_repr("Nearest", k=self.index.shape[1], tied=int(self.tied.sum()), **self.provenance.counts)

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        caption = f"Nearest cases of {len(self.index)} queries; {int(self.tied.sum())} tied"
        return html_table(list(frame.columns), frame.to_numpy().tolist(), caption=caption)


def nearest(queries: Table, cases: Table, hierarchy: Hierarchy, k: int = 1) -> Nearest:
    r"""Find the k most similar cases of every query, exactly, without holding queries x cases.

    Parameters
    ----------
    queries : table of shape (n_queries, n_indicators)
        Customers to be compared.
    cases : table of shape (n_cases, n_indicators)
        The case base, on the same scale.
    hierarchy : Hierarchy
        Groups, weights at both levels, and the distinguishing coefficient.
    k : int, default=1
        How many cases, from 1 to the number of cases.

    Returns
    -------
    Nearest
        Positions, similarities, margin and ties.

    Raises
    ------
    ColumnError
        If an indicator of the hierarchy is missing or not numeric.
    DataError
        If a value is missing or infinite.
    DomainError
        If `k` is out of range, there is no case, or the number of columns does not fit.

    See Also
    --------
    similarity : The whole matrix.

    Notes
    -----
    Formulas and source as in :func:`similarity`; the same bits, whatever the size of the batch. Ties go to the
    case that stands first. Each group's smallest and largest distance comes from sorted columns in
    :math:`O(p \log m)` a query, bit for bit what a scan gives. Cost: :math:`O(nmp)` time. Memory beyond inputs and
    result: two copies of the cases, about 3 MB, two numbers a query, and, where the table is no float64 array (a
    frame, say), one float64 copy of it.

    Examples
    --------
    >>> from custvalue import grey
    >>> hierarchy = grey.Hierarchy.equal({"recency": ["last_visit"], "monetary": ["turnover", "balance"]})
    >>> cases = [[0.2, 0.1, 0.3], [1.0, 0.8, 0.9]]
    >>> found = grey.nearest([[0.9, 0.7, 0.9]], cases, hierarchy)
    >>> found.index, found.similarity.round(4), found.margin.round(4)
    (array([[1]]), array([[0.9375]]), array([0.5565]))
    """
    wanted, known = _pair(queries, cases, hierarchy)
    k = unboxed(k)
    if not isinstance(k, int) or isinstance(k, bool) or not 1 <= k <= len(known):
        message = f"k must be a whole number from 1 to the number of cases, {len(known)}."
        raise DomainError(message)
    index, values = relational.nearest_cases(
        wanted,
        known,
        hierarchy.group_index,
        hierarchy.global_weights,
        hierarchy.distinguishing_coefficient,
        max(k, 2),
    )
    margin = values[:, 0] - values[:, 1] if values.shape[1] > 1 else values[:, 0].copy()
    counts = provenance(hierarchy.model_dump_json(), queries=len(wanted), cases=len(known))
    arrays = (index[:, :k].copy(), values[:, :k].copy(), margin, margin == 0.0)
    index, values, margin, tied = (read_only(array) for array in arrays)
    return Nearest(index, values, margin, tied, counts)
