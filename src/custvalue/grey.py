r"""Grey relational analysis: how alike two customers are, judged within a set of cases.

Grey relational analysis (Deng 1982, 1989) compares a reference series with others by their distances, read
relative to the smallest and the largest distance at hand. This module holds Deng's coefficient and grade, and
the two-level similarity by which cases are retrieved: indicators are compared inside their group (recency,
frequency, monetary), and the groups' grades are weighted to one similarity.
"""

from __future__ import annotations

from custvalue._relational_analysis.deng import relational_coefficient, relational_grade
from custvalue._relational_analysis.hierarchy import Group, Hierarchy
from custvalue._relational_analysis.similarity import (
    Nearest,
    SimilarityComponents,
    nearest,
    similarity,
    similarity_components,
)

__all__ = [
    "Group",
    "Hierarchy",
    "Nearest",
    "SimilarityComponents",
    "nearest",
    "relational_coefficient",
    "relational_grade",
    "similarity",
    "similarity_components",
]
