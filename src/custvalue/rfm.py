"""Extended RFM: recency, frequency and monetary indicators of every customer at a point in time.

Classic RFM asks how recently, how often and for how much a customer bought. The extended form has several
indicators under each of the three, by kind of transaction, channel, side and window. A declarative set of them
is computed from a pandas, Polars or PyArrow table, strictly from rows before the as-of moment, and scaled to
[0, 1], where 1 is always good, by bounds that are learned once.
"""

from __future__ import annotations

from custvalue._indicators.indicators import Frequency, IndicatorSet, Monetary, Recency
from custvalue._indicators.report import Rule, SchemaReport
from custvalue._indicators.scaler import IndicatorScaler
from custvalue._indicators.schema import TransactionSchema
from custvalue._indicators.snapshot import Snapshot, compute

__all__ = [
    "Frequency",
    "IndicatorScaler",
    "IndicatorSet",
    "Monetary",
    "Recency",
    "Rule",
    "SchemaReport",
    "Snapshot",
    "TransactionSchema",
    "compute",
]
