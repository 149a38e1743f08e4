r"""The Analytic Network Process: weights of criteria and indicators from experts' judgments.

The Analytic Hierarchy Process (Saaty 1980) turns pairwise judgments into weights; the Analytic Network Process
(Saaty 1996, 2005) extends it to elements that influence each other: the influences on each element fill a column
of a supermatrix, and the weights are read from its limit. This module holds the judgments and their consistency,
the supermatrix and its exact limit (no powers, so nothing fails to converge), and :class:`Network`, which puts
both together for a control layer of criteria with indicators below, as one JSON document.
"""

from __future__ import annotations

from custvalue._network_process.judgments import Comparisons, Judgment, Priorities, priorities
from custvalue._network_process.network import DirectWeights, InnerDependence, Network
from custvalue._network_process.solution import Judged, Solution
from custvalue._network_process.supermatrix import Limit, limit_supermatrix, weighted_supermatrix

__all__ = [
    "Comparisons",
    "DirectWeights",
    "InnerDependence",
    "Judged",
    "Judgment",
    "Limit",
    "Network",
    "Priorities",
    "Solution",
    "limit_supermatrix",
    "priorities",
    "weighted_supermatrix",
]
