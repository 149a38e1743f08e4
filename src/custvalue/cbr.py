"""Case-based reasoning: value classes from past customers, and the most similar case for a new one.

A case is a customer type with known class: the indicators, their values, the weights they were judged under, and
the class. Classes come from k-means on past customers and are ordered by composite value; each is represented by
one or more cases. A new customer is given the class of the most similar case, by the two-level grey relational
similarity, with every indicator's part in it.
"""

from __future__ import annotations

from custvalue._case_based.answers import ChangedAnswers, Forgotten, changed_answers
from custvalue._case_based.baselines import BaselineComparison, compare_baselines
from custvalue._case_based.case_base import CaseBase
from custvalue._case_based.case_records import Case, Change, Tombstone
from custvalue._case_based.classification import Classification
from custvalue._case_based.classifier import CaseBasedClassifier
from custvalue._case_based.clustering import build_case_base, class_stability
from custvalue._case_based.clusters import Clusters, composite_value
from custvalue._case_based.competence import Competence, competence
from custvalue._case_based.conformal import Calibration
from custvalue._case_based.counterfactual import Counterfactual
from custvalue._case_based.coverage import Coverage
from custvalue._case_based.difference import CaseBaseDifference
from custvalue._case_based.editors import Edited, edit_case_base
from custvalue._case_based.explanation import Explanation, Explanations
from custvalue._case_based.paired_comparison import PairedTest
from custvalue._case_based.prediction_sets import PredictionSets
from custvalue._case_based.report import CaseBaseReport
from custvalue._case_based.stability import AnswerStability, answer_stability

__all__ = [
    "AnswerStability",
    "BaselineComparison",
    "Calibration",
    "Case",
    "CaseBase",
    "CaseBaseDifference",
    "CaseBaseReport",
    "CaseBasedClassifier",
    "Change",
    "ChangedAnswers",
    "Classification",
    "Clusters",
    "Competence",
    "Counterfactual",
    "Coverage",
    "Edited",
    "Explanation",
    "Explanations",
    "Forgotten",
    "PairedTest",
    "PredictionSets",
    "Tombstone",
    "answer_stability",
    "build_case_base",
    "changed_answers",
    "class_stability",
    "compare_baselines",
    "competence",
    "composite_value",
    "edit_case_base",
]
