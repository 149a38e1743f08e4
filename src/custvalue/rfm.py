"""Extended RFM: recency, frequency and monetary indicators of every customer at a point in time.

Classic RFM asks how recently, how often and for how much a customer bought. The extended form has several
indicators under each of the three, by kind of transaction, channel, side and window. A declarative set of them
is computed on the engine that holds the rows, strictly from rows before the as-of moment, and scaled to
[0, 1], where 1 is always good, by bounds that are learned once.
"""

from __future__ import annotations

from custvalue._customer_scores.cells import Cells, cells
from custvalue._customer_scores.concentration import Concentration, concentration
from custvalue._customer_scores.drift import drift
from custvalue._customer_scores.drift_result import Drift, StabilityBins
from custvalue._customer_scores.score_table import ScoreCuts, ScoreTable
from custvalue._customer_scores.scorer import RFMScorer
from custvalue._customer_scores.segment_map import SegmentMap
from custvalue._customer_scores.segments import Segment, SegmentAxis
from custvalue._indicators.computation import compute
from custvalue._indicators.indicator_sets import IndicatorSet
from custvalue._indicators.indicators import Frequency, Indicator, Length, Monetary, Recency
from custvalue._indicators.partials import Partial, merge, partial
from custvalue._indicators.report import Rule, SchemaReport
from custvalue._indicators.scaler import IndicatorScaler
from custvalue._indicators.schema import TransactionSchema
from custvalue._indicators.snapshot import Snapshot
from custvalue._purchase_histories.histories import (
    CalibrationHoldout,
    ClvSummary,
    calibration_holdout_split,
    clv_summary,
)

__all__ = [
    "CalibrationHoldout",
    "Cells",
    "ClvSummary",
    "Concentration",
    "Drift",
    "Frequency",
    "Indicator",
    "IndicatorScaler",
    "IndicatorSet",
    "Length",
    "Monetary",
    "Partial",
    "RFMScorer",
    "Recency",
    "Rule",
    "SchemaReport",
    "ScoreCuts",
    "ScoreTable",
    "Segment",
    "SegmentAxis",
    "SegmentMap",
    "Snapshot",
    "StabilityBins",
    "TransactionSchema",
    "calibration_holdout_split",
    "cells",
    "clv_summary",
    "compute",
    "concentration",
    "drift",
    "merge",
    "partial",
]
