"""Case-based reasoning: value classes from past customers, and the most similar case for a new one.

A case is a customer type with known class: the indicators, their values, the weights they were judged under, and
the class. Classes come from k-means on past customers and are ordered by composite value; each is represented by
one or more cases. A new customer is given the class of the most similar case, by the two-level grey relational
similarity, with every indicator's part in it.
"""

from __future__ import annotations

from custvalue._case_based.case_base import (
    CaseBase,
    build_case_base,
    class_stability,
    composite_value,
)
from custvalue._case_based.classifier import CaseBasedClassifier
from custvalue._case_based.explanation import Explanation, Explanations
from custvalue._case_based.report import CaseBaseReport

__all__ = [
    "CaseBase",
    "CaseBaseReport",
    "CaseBasedClassifier",
    "Explanation",
    "Explanations",
    "build_case_base",
    "class_stability",
    "composite_value",
]
