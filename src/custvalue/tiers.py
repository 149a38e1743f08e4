"""Customer tiers: levels with rules for moving up and down, migration between them, and value matrices.

A tier policy is a document: levels from low to high, thresholds or rules by which each is reached and kept, and
when a customer moves. It is replayed over a panel of customers and periods, which gives the level of every
customer in every period with the reason, and what another policy would have done and cost. Migration matrices tell
how customers move between levels. A value matrix puts customers into the cells of two axes, which is no ladder.
"""

from __future__ import annotations

from custvalue._tier_policies.axes import Axis, Cell, FixedCut, MeanCut, MedianCut, QuantileCut, RatioCut
from custvalue._tier_policies.comparison import PolicyComparison, what_if
from custvalue._tier_policies.conditions import AllOf, AnyOf, Condition, all_of, any_of
from custvalue._tier_policies.grading import Grades, grade
from custvalue._tier_policies.history import Replay
from custvalue._tier_policies.homogeneity import HomogeneityTest, chained_migration, time_homogeneity
from custvalue._tier_policies.levels import Level, PhaseOut, Review
from custvalue._tier_policies.migration import MigrationMatrix, migration_matrix
from custvalue._tier_policies.overrides import Override
from custvalue._tier_policies.panel import Panel
from custvalue._tier_policies.policy import TierPolicy
from custvalue._tier_policies.rates import MigrationRates, migration_rates
from custvalue._tier_policies.replaying import replay
from custvalue._tier_policies.scores import BalanceRate, Contribution, CreditLoss, PointRule, Points, Scores
from custvalue._tier_policies.thresholds import ThresholdProposal, propose_thresholds
from custvalue._tier_policies.value_matrix import MatrixCells, ValueMatrix

__all__ = [
    "AllOf",
    "AnyOf",
    "Axis",
    "BalanceRate",
    "Cell",
    "Condition",
    "Contribution",
    "CreditLoss",
    "FixedCut",
    "Grades",
    "HomogeneityTest",
    "Level",
    "MatrixCells",
    "MeanCut",
    "MedianCut",
    "MigrationMatrix",
    "MigrationRates",
    "Override",
    "Panel",
    "PhaseOut",
    "PointRule",
    "Points",
    "PolicyComparison",
    "QuantileCut",
    "RatioCut",
    "Replay",
    "Review",
    "Scores",
    "ThresholdProposal",
    "TierPolicy",
    "ValueMatrix",
    "all_of",
    "any_of",
    "chained_migration",
    "grade",
    "migration_matrix",
    "migration_rates",
    "propose_thresholds",
    "replay",
    "time_homogeneity",
    "what_if",
]
