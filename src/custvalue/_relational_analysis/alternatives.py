"""Alternatives ranked by their grey relational grades to an ideal one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from custvalue._kernels.distinguishing import weighted_sums
from custvalue._kernels.relational import deng_coefficients
from custvalue._relational_analysis.criteria import Criteria, read_criteria
from custvalue._relational_analysis.deng import checked_rho
from custvalue._relational_analysis.ranking import Ranking, TopsisRanking, places
from custvalue._results import Provenance, provenance, read_only

if TYPE_CHECKING:
    from collections.abc import Mapping

    from custvalue._relational_analysis.criteria import Directions, Targets
    from custvalue._typing import ArrayLike, FloatArray, Table


def _provenance(criteria: Criteria, weights: FloatArray, rho: float) -> Provenance:
    settings = {
        "directions": dict(zip(criteria.names, criteria.directions, strict=True)),
        "targets": criteria.targets,
        "weights": dict(zip(criteria.names, weights.tolist(), strict=True)),
        "distinguishing_coefficient": rho,
    }
    counts = {"alternatives": len(criteria.alternatives), "criteria": len(criteria.names)}
    return provenance(json.dumps(settings, ensure_ascii=False), **counts)


def rank_alternatives(
    matrix: Table,
    directions: Directions,
    *,
    weights: ArrayLike | Mapping[Any, float] | None = None,
    targets: Targets = None,
    distinguishing_coefficient: float = 0.5,
) -> Ranking:
    r"""Rank alternatives by their grey relational grades to an ideal one.

    The use of grey relational analysis in decisions with several criteria: branches, offers or suppliers, each
    measured in its own units.

    Parameters
    ----------
    matrix : table of shape (n_alternatives, n_criteria)
        One row an alternative, one column a criterion, in any units. The index of a pandas frame names the
        alternatives; otherwise they are named by position.
    directions : str, sequence of str or mapping of str to str
        Direction of each criterion: "benefit" (more is better), "cost" (less is better) or "target" (near a value
        is better). One text for all, one each in the order of the columns, or by column name; a mapping picks the
        columns of a frame, so that others may stand beside them.
    weights : array_like of shape (n_criteria,) or mapping of str to float, default=None
        Weights, not negative, with the sum 1 within 5e-4 (then renormalised). None weighs all alike.
    targets : mapping of str to float, default=None
        The value aimed at, for each criterion of the direction "target"; by position where columns have no names.
    distinguishing_coefficient : float, default=0.5
        Deng's rho, in (0, 1].

    Returns
    -------
    Ranking
        Scaled values, coefficients, grades, order and ties.

    Raises
    ------
    ColumnError
        If a column is missing or not numeric.
    DataError
        If a value is missing or infinite.
    DomainError
        If directions, weights, targets or the coefficient do not fit, or the matrix is empty.

    See Also
    --------
    grey_topsis : Against the worst one too.
    entropy_weights : Weights from the matrix itself.
    relational_grade : Grades to any reference, without scaling.

    Notes
    -----
    Following Kuo, Yang and Huang (2008 [1]_), each criterion is scaled by

    .. math::
       y_{ij} = \frac{x_{ij} - \min_i x_{ij}}{\max_i x_{ij} - \min_i x_{ij}}, \quad
       \frac{\max_i x_{ij} - x_{ij}}{\max_i x_{ij} - \min_i x_{ij}}, \quad
       1 - \frac{|x_{ij} - t_j|}{\max_i |x_{ij} - t_j|}

    for benefit, cost and target :math:`t_j`. The reference is 1 everywhere, :math:`\Delta_{ij} = 1 - y_{ij}`, and
    the grade is the weighted sum of Deng's coefficients with smallest and largest :math:`\Delta` over the whole
    matrix. A criterion in which no alternative differs from the best (0/0 in the formula) has the difference 0 and
    the coefficient 1 for all: it tells them not apart.

    The scaling makes the grades relative to the alternatives at hand. One that is added or removed can turn the
    order of others (rank reversal), and a criterion in which all lie close together is stretched to the full
    range. Sums are rounded once, so equal weights cannot break a tie by the order of the columns. Cost:
    :math:`O(mp)`.

    References
    ----------
    .. [1] Kuo, Y., Yang, T. and Huang, G.-W. (2008). The use of grey relational analysis in solving multiple
       attribute decision-making problems. *Computers and Industrial Engineering*, 55(1), 80-93.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import grey
    >>> offers = pd.DataFrame(
    ...     {"rate": [3.0, 1.0, 2.0], "fee": [5.0, 4.0, 6.0], "term": [12, 24, 30]}, index=["A", "B", "C"]
    ... )
    >>> ranking = grey.rank_alternatives(
    ...     offers, {"rate": "benefit", "fee": "cost", "term": "target"}, targets={"term": 24}
    ... )
    >>> ranking.to_frame().round(4)
       rank alternative   grade   tied
    0     1           B  0.7778  False
    1     2           A  0.6111  False
    2     3           C  0.4444  False
    """
    rho = checked_rho(distinguishing_coefficient)
    criteria = read_criteria(matrix, directions, targets)
    shares = criteria.weights(weights)
    coefficients = deng_coefficients(criteria.scaled, np.ones(len(criteria.names)), rho)
    grades = weighted_sums(coefficients, shares)
    order, ranks, tied = places(grades)
    return Ranking(
        alternatives=criteria.alternatives,
        criteria=criteria.names,
        directions=criteria.directions,
        weights=read_only(shares),
        normalised=read_only(criteria.scaled),
        coefficients=read_only(coefficients),
        grades=read_only(grades),
        order=read_only(order),
        ranks=read_only(ranks),
        tied=read_only(tied),
        distinguishing_coefficient=rho,
        provenance=_provenance(criteria, shares, rho),
    )


def grey_topsis(
    matrix: Table,
    directions: Directions,
    *,
    weights: ArrayLike | Mapping[Any, float] | None = None,
    targets: Targets = None,
    distinguishing_coefficient: float = 0.5,
) -> TopsisRanking:
    r"""Rank alternatives by their grey relational grades to the ideal and to the anti-ideal one.

    Parameters
    ----------
    matrix : table of shape (n_alternatives, n_criteria)
        As in :func:`rank_alternatives`.
    directions : str, sequence of str or mapping of str to str
        As in :func:`rank_alternatives`.
    weights : array_like of shape (n_criteria,) or mapping of str to float, default=None
        Weights, not negative, with the sum 1 within 5e-4 (then renormalised). None weighs all alike.
    targets : mapping of str to float, default=None
        The value aimed at, for each criterion of the direction "target".
    distinguishing_coefficient : float, default=0.5
        Deng's rho, in (0, 1].

    Returns
    -------
    TopsisRanking
        Both grades, closeness, order and ties.

    Raises
    ------
    ColumnError
        If a column is missing or not numeric.
    DataError
        If a value is missing or infinite.
    DomainError
        If directions, weights, targets or the coefficient do not fit, or the matrix is empty.

    See Also
    --------
    rank_alternatives : By the grade to the ideal alone.

    Notes
    -----
    Scaled as in :func:`rank_alternatives`; with the grades :math:`\gamma^+_i` to 1 and :math:`\gamma^-_i` to 0,

    .. math:: C_i = \frac{\gamma^+_i}{\gamma^+_i + \gamma^-_i},

    grades standing where TOPSIS has distances (Hwang and Yoon 1981 [1]_; joined by Chen and Tzeng 2004 [2]_).
    The weights stand **inside the grade**, :math:`\gamma_i = \sum_j w_j \xi_{ij}`. Papers that multiply the scaled
    matrix by the weights first, so that they stand inside the distances, get other coefficients and may get
    another order. A criterion in which no alternative differs from the best counts 1 towards both. With
    :math:`\rho = 0.5` and all differences between 0 and 1, closeness lies in [1/4, 3/4]. Cost: :math:`O(mp)`.

    References
    ----------
    .. [1] Hwang, C.-L. and Yoon, K. (1981). *Multiple Attribute Decision Making: Methods and Applications*.
       Springer.
    .. [2] Chen, M.-F. and Tzeng, G.-H. (2004). Combining grey relation and TOPSIS concepts for selecting an
       expatriate host country. *Mathematical and Computer Modelling*, 40(13), 1473-1490.

    Examples
    --------
    >>> from custvalue import grey
    >>> found = grey.grey_topsis([[3.0, 5.0], [1.0, 4.0], [2.0, 6.0]], ["benefit", "cost"])
    >>> found.closeness.round(4)
    array([0.6429, 0.5   , 0.3571])
    """
    rho = checked_rho(distinguishing_coefficient)
    criteria = read_criteria(matrix, directions, targets)
    shares = criteria.weights(weights)
    ideal = np.ones(len(criteria.names))
    grades = weighted_sums(deng_coefficients(criteria.scaled, ideal, rho), shares)
    # Where all are alike the best is the worst too.
    worst = criteria.alike.astype(np.float64)
    anti_grades = weighted_sums(deng_coefficients(criteria.scaled, worst, rho), shares)
    closeness = grades / (grades + anti_grades)
    order, ranks, tied = places(closeness)
    return TopsisRanking(
        alternatives=criteria.alternatives,
        criteria=criteria.names,
        directions=criteria.directions,
        weights=read_only(shares),
        normalised=read_only(criteria.scaled),
        ideal_grades=read_only(grades),
        anti_ideal_grades=read_only(anti_grades),
        closeness=read_only(closeness),
        order=read_only(order),
        ranks=read_only(ranks),
        tied=read_only(tied),
        distinguishing_coefficient=rho,
        provenance=_provenance(criteria, shares, rho),
    )
