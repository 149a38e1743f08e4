"""Displays over results, in scikit-learn's manner; needs matplotlib (extra ``plot``).

A Display holds the numbers it draws. ``plot(ax=...)`` draws into the given axes (or makes a figure), keeps them
as ``ax_`` and ``figure_``, and returns the Display; it never shows a window and never touches ``rcParams``.
``labels`` replaces any text of the picture, for example by Chinese names; choose a font that has the glyphs.
"""

from __future__ import annotations

from custvalue._displays.answer_stability import AnswerStabilityDisplay
from custvalue._displays.baselines import BaselineDisplay
from custvalue._displays.calibration import CalibrationDisplay
from custvalue._displays.case_based import ClassProfileDisplay
from custvalue._displays.class_similarity import ClassSimilarityDisplay
from custvalue._displays.competence_map import CompetenceDisplay
from custvalue._displays.composite_field import CompositeFieldDisplay
from custvalue._displays.drift import DriftDisplay
from custvalue._displays.explanation import ExplanationDisplay
from custvalue._displays.income_alerts import IncomeAlertsDisplay
from custvalue._displays.indicator_distributions import IndicatorDistributionDisplay
from custvalue._displays.lorenz import LorenzDisplay
from custvalue._displays.misfits import MisfitDisplay
from custvalue._displays.network import NetworkDisplay
from custvalue._displays.pair_heat_map import PairHeatmapDisplay
from custvalue._displays.product_network import ProductNetworkDisplay
from custvalue._displays.quantile_calibration import QuantileCalibrationDisplay
from custvalue._displays.rfm_heat_map import RFMHeatmapDisplay
from custvalue._displays.rule_plots import RuleScatterDisplay, TwoKeyDisplay
from custvalue._displays.segment_migration import SegmentMigrationDisplay
from custvalue._displays.segments import SegmentDisplay
from custvalue._displays.sensitivity import SensitivityDisplay
from custvalue._displays.shift_list import ShiftListDisplay
from custvalue._displays.spend_path import SpendPathDisplay
from custvalue._displays.stability import RankStabilityDisplay
from custvalue._displays.substitution_flow import SubstitutionFlowDisplay
from custvalue._displays.supermatrix import SupermatrixDisplay
from custvalue._displays.tier_migration import TierMigrationDisplay
from custvalue._displays.wallet_map import WalletMapDisplay

__all__ = [
    "AnswerStabilityDisplay",
    "BaselineDisplay",
    "CalibrationDisplay",
    "ClassProfileDisplay",
    "ClassSimilarityDisplay",
    "CompetenceDisplay",
    "CompositeFieldDisplay",
    "DriftDisplay",
    "ExplanationDisplay",
    "IncomeAlertsDisplay",
    "IndicatorDistributionDisplay",
    "LorenzDisplay",
    "MisfitDisplay",
    "NetworkDisplay",
    "PairHeatmapDisplay",
    "ProductNetworkDisplay",
    "QuantileCalibrationDisplay",
    "RFMHeatmapDisplay",
    "RankStabilityDisplay",
    "RuleScatterDisplay",
    "SegmentDisplay",
    "SegmentMigrationDisplay",
    "SensitivityDisplay",
    "ShiftListDisplay",
    "SpendPathDisplay",
    "SubstitutionFlowDisplay",
    "SupermatrixDisplay",
    "TierMigrationDisplay",
    "TwoKeyDisplay",
    "WalletMapDisplay",
]
