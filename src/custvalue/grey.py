r"""Grey relational analysis: how alike two customers are, judged within a set of cases.

Grey relational analysis (Deng 1982, 1989) compares a reference series with others by their distances, read
relative to the smallest and the largest distance at hand. This module holds Deng's coefficient and grade, and
the two-level similarity by which cases are retrieved: indicators are compared inside their group (recency,
frequency, monetary), and the groups' grades are weighted to one similarity. Beside them stand the degrees of grey
incidence of two series in time, and the ranking of alternatives by their grades to an ideal one.
"""

from __future__ import annotations

from custvalue._relational_analysis.alternatives import grey_topsis, rank_alternatives
from custvalue._relational_analysis.degrees import incidence_degrees
from custvalue._relational_analysis.deng import relational_coefficient, relational_grade
from custvalue._relational_analysis.distinguishing import RankingPath, RetrievalPath, distinguishing_path
from custvalue._relational_analysis.entropy import entropy_weights
from custvalue._relational_analysis.hierarchy import Group, Hierarchy
from custvalue._relational_analysis.incidence import (
    absolute_degree,
    b_type_degree,
    nearness_degree,
    relative_degree,
    similitude_degree,
    slope_degree,
    synthetic_degree,
)
from custvalue._relational_analysis.leave_one_out import (
    leave_one_out_by_class,
    leave_one_out_nearest,
    leave_one_out_similarity,
)
from custvalue._relational_analysis.nearest import ClassNearest, Nearest, nearest, nearest_by_class
from custvalue._relational_analysis.ranges import FrozenRanges
from custvalue._relational_analysis.ranking import Ranking, TopsisRanking
from custvalue._relational_analysis.similarity import (
    SimilarityComponents,
    pair_components,
    similarity,
    similarity_components,
)

__all__ = [
    "ClassNearest",
    "FrozenRanges",
    "Group",
    "Hierarchy",
    "Nearest",
    "Ranking",
    "RankingPath",
    "RetrievalPath",
    "SimilarityComponents",
    "TopsisRanking",
    "absolute_degree",
    "b_type_degree",
    "distinguishing_path",
    "entropy_weights",
    "grey_topsis",
    "incidence_degrees",
    "leave_one_out_by_class",
    "leave_one_out_nearest",
    "leave_one_out_similarity",
    "nearest",
    "nearest_by_class",
    "nearness_degree",
    "pair_components",
    "rank_alternatives",
    "relational_coefficient",
    "relational_grade",
    "relative_degree",
    "similarity",
    "similarity_components",
    "similitude_degree",
    "slope_degree",
    "synthetic_degree",
]
