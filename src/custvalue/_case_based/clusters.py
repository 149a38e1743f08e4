"""Clusters of past customers, and the composite value that puts them in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from custvalue import _frames
from custvalue._results import Provenance, short_repr
from custvalue._spec import require
from custvalue.grey import Hierarchy

if TYPE_CHECKING:
    from custvalue._case_based.report import CaseBaseReport
    from custvalue._typing import FloatArray, IntArray, Table


def composite_value(X: Table, hierarchy: Hierarchy) -> FloatArray:
    r"""Compute the two-level weighted sum of the scaled indicators, by which classes are ordered.

    Parameters
    ----------
    X : table of shape (n_customers, n_indicators)
        Indicators scaled to [0, 1], 1 always good; columns of a frame are matched by name.
    hierarchy : Hierarchy
        Weights at both levels.

    Returns
    -------
    ndarray of shape (n_customers,)
        Composite values in [0, 1] where the indicators are.

    Raises
    ------
    ColumnError
        If an indicator of the hierarchy is missing or not numeric.
    DataError
        If a value is missing, infinite, or outside [0, 1].
    DomainError
        If the number of columns does not fit.

    Notes
    -----
    :math:`V = \sum_i w_i \sum_{j \in J_i} w_{ij} v_j`, the source's 评价价值, with which it checks its classes.
    Cost: :math:`O(np)`.

    Examples
    --------
    >>> from custvalue import cbr, grey
    >>> hierarchy = grey.Hierarchy.equal({"recency": ["last_visit"], "monetary": ["turnover", "balance"]})
    >>> cbr.composite_value([[1.0, 0.5, 0.5], [0.0, 1.0, 0.0]], hierarchy)
    array([0.75, 0.25])
    """
    values: FloatArray = scaled_indicators(X, hierarchy) @ hierarchy.global_weights
    return values


def scaled_indicators(X: Table, hierarchy: Hierarchy) -> FloatArray:
    """Read scaled indicators in the order of the hierarchy; refuse what is not in [0, 1]."""
    names = require(hierarchy, Hierarchy, "hierarchy").indicators
    numbers = _frames.numeric(X, names, argument="X")
    _frames.require_unit_interval(numbers, names)
    return numbers


def column_scale(hierarchy: Hierarchy, *, weighted: bool) -> FloatArray:
    return np.sqrt(hierarchy.global_weights) if weighted else np.ones(len(hierarchy.indicators))


@dataclass(frozen=True, eq=False, repr=False)
class Clusters:
    """The clusters of past customers that a case base was made from.

    They hold one entry a customer, so they stay with the case base in memory and never enter its JSON document.

    Attributes
    ----------
    hierarchy : Hierarchy
        The weights the classes were made and ordered under.
    labels : ndarray of int, shape (n_customers,)
        Class of each customer, in their order; from 1, the highest the most valuable.
    centers : ndarray of shape (n_classes, n_indicators)
        Mean of each class: its profile.
    case_rows : ndarray of int, shape (n_cases,)
        For each case the position of the customer it is; -1 where it stands for several. With it the bank can
        tell, and keep apart from the model, which case to forget when a customer asks.
    weighted : bool
        Whether columns were scaled by the square root of their global weight for clustering.
    report : CaseBaseReport
        Sizes, silhouette and stability of the classes.
    provenance : Provenance
        Package version, hierarchy and counts.

    Examples
    --------
    >>> from custvalue import cbr, grey
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["balance"]})
    >>> X = [[0.0], [0.1], [0.1], [0.0], [0.1], [0.9], [1.0], [0.9], [1.0], [0.9]]
    >>> clusters = cbr.build_case_base(X, hierarchy, n_classes=2, random_state=0).clusters
    >>> clusters.report.sizes, clusters.assign([[0.2], [0.8]])
    (array([5, 5]), array([1, 2]))
    """

    hierarchy: Hierarchy
    labels: IntArray
    centers: FloatArray
    case_rows: IntArray
    weighted: bool
    report: CaseBaseReport
    provenance: Provenance

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.centers)

    def assign(self, X: Table) -> IntArray:
        """Give the class whose k-means centre is nearest, the yardstick of a case-based class.

        Parameters
        ----------
        X : table of shape (n_customers, n_indicators)
            Scaled indicators.

        Returns
        -------
        ndarray of int, shape (n_customers,)
            Classes from 1 to `n_classes`; among equally near centres the lowest.
        """
        scale = column_scale(self.hierarchy, weighted=self.weighted)
        wanted = scaled_indicators(X, self.hierarchy) * scale
        centers = self.centers * scale
        nearest = np.zeros(len(wanted), dtype=np.int64)
        best = np.full(len(wanted), np.inf)
        for place, center in enumerate(centers):
            squared = ((wanted - center) ** 2).sum(axis=1)
            closer = squared < best
            nearest[closer], best[closer] = place, squared[closer]
        return nearest + 1

    def __repr__(self) -> str:
        return short_repr("Clusters", classes=self.n_classes, **self.provenance.counts)

    def _repr_html_(self) -> str:
        return self.report._repr_html_()
