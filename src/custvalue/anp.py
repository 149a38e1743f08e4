r"""The Analytic Network Process: weights of criteria and indicators from experts' judgments.

The Analytic Hierarchy Process (Saaty 1980) turns pairwise judgments into weights; the Analytic Network Process
(Saaty 1996, 2005) extends it to elements that influence each other: the influences on each element fill a column
of a supermatrix, and the weights are read from its limit. This module holds the judgments and their consistency,
the supermatrix and its exact limit (no powers, so nothing fails to converge), and :class:`Network`, which puts
both together for a control layer of criteria with indicators below, as one JSON document.
"""

from __future__ import annotations

from custvalue._network_process.agreement import ExpertAgreement
from custvalue._network_process.batch import PrioritiesBatch, priorities_batch
from custvalue._network_process.gradients import Gradient
from custvalue._network_process.judged import Judged
from custvalue._network_process.judgments import Comparisons, MeasuredValues, next_pair
from custvalue._network_process.limit import Limit, PowerLimit, limit_by_powers, limit_supermatrix
from custvalue._network_process.misfits import Misfits
from custvalue._network_process.network import Network
from custvalue._network_process.parts import DirectWeights, InnerDependence, Ratings, Subnetwork
from custvalue._network_process.priorities import Priorities, priorities
from custvalue._network_process.ratios import Judgment
from custvalue._network_process.sensitivity import Sensitivity
from custvalue._network_process.solution import Solution
from custvalue._network_process.stability import RankStability
from custvalue._network_process.supermatrix import weighted_supermatrix
from custvalue._network_process.synthesis import Synthesis, bocr

__all__ = [
    "Comparisons",
    "DirectWeights",
    "ExpertAgreement",
    "Gradient",
    "InnerDependence",
    "Judged",
    "Judgment",
    "Limit",
    "MeasuredValues",
    "Misfits",
    "Network",
    "PowerLimit",
    "Priorities",
    "PrioritiesBatch",
    "RankStability",
    "Ratings",
    "Sensitivity",
    "Solution",
    "Subnetwork",
    "Synthesis",
    "bocr",
    "limit_by_powers",
    "limit_supermatrix",
    "next_pair",
    "priorities",
    "priorities_batch",
    "weighted_supermatrix",
]
