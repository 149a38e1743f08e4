"""The priorities that pairwise judgments imply, and how consistent the judgments are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from custvalue._kernels.comparison_methods import geometric_consistency
from custvalue._network_process.agreement import agreement_of
from custvalue._network_process.gradients import gradient_of
from custvalue._network_process.judgments import Comparisons
from custvalue._network_process.methods import (
    Aggregation,
    Method,
    RandomIndex,
    aggregated,
    check_choices,
    consistency,
)
from custvalue._network_process.misfits import misfits_of
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr

if TYPE_CHECKING:
    from custvalue._network_process.agreement import ExpertAgreement
    from custvalue._network_process.gradients import Gradient
    from custvalue._network_process.misfits import Misfits
    from custvalue._typing import FloatArray, Table

__all__ = ["Aggregation", "Method", "Priorities", "RandomIndex", "check_choices", "priorities"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Priorities:
    """Priorities of compared elements, with the consistency of the judgments.

    Parameters
    ----------
    elements : tuple of str
        Names, in the order of `weights`.
    weights : ndarray of shape (n,)
        Positive, sum to 1; read-only.
    lambda_max : float
        Principal eigenvalue of the comparison matrix of all experts together, n for perfectly consistent
        judgments. Where pairs are missing: of Harker's matrix, of the completion of least lambda_max, or, under
        "logarithmic_least_squares", of the matrix completed by the ratios of the weights.
    consistency_index : float
        (lambda_max - n) / (n - 1); 0 up to two elements.
    consistency_ratio : float
        Consistency index divided by the random index of complete judgments; 0 up to two elements. Saaty asks for
        at most 0.10.
    adjusted_consistency_ratio : float
        Consistency index divided by the random index lowered for the missing pairs, see `priorities`; equal to
        `consistency_ratio` for complete judgments, 0 where the judged pairs form a tree.
    geometric_consistency_index : float
        Mean squared logarithmic error of the judgments against least-squares weights, see `priorities`; 0 where
        the judged pairs form a tree.
    random_index : str
        Name of the random-index table.
    method : str
        Name of the method that gave the weights.
    aggregation : str
        How the experts were put together.
    comparisons : Comparisons
        The judgments.
    provenance : Provenance
        Package version, the comparisons as JSON, the numbers of elements, experts and missing pairs.

    See Also
    --------
    priorities : The function that returns this result.

    Examples
    --------
    >>> from custvalue import anp
    >>> anp.priorities([[1.0, 3.0], [1 / 3, 1.0]]).to_frame()
      element  weight
    0       0    0.75
    1       1    0.25
    """

    elements: tuple[str, ...]
    weights: FloatArray
    lambda_max: float
    consistency_index: float
    consistency_ratio: float
    adjusted_consistency_ratio: float
    geometric_consistency_index: float
    random_index: RandomIndex
    method: Method
    aggregation: Aggregation
    comparisons: Comparisons
    provenance: Provenance

    @property
    def missing(self) -> tuple[tuple[str, str], ...]:
        """Name the pairs that nobody judged.

        Returns
        -------
        tuple of (str, str)
            In the order of the elements; empty for complete judgments.
        """
        return self.comparisons.missing

    def to_frame(self) -> pd.DataFrame:
        """Give one row per element.

        Returns
        -------
        DataFrame
            Columns `element` and `weight`.
        """
        return pd.DataFrame({"element": list(self.elements), "weight": self.weights.copy()})

    def to_dict(self) -> dict[str, float]:
        """Give the weights by name.

        Returns
        -------
        dict of str to float
            Names and weights, in the order of `elements`.
        """
        return dict(zip(self.elements, self.weights.tolist(), strict=True))

    def misfits(self, *, expert: str | None = None) -> Misfits:
        """Rank the judgments by how little they fit, with what would mend each.

        Parameters
        ----------
        expert : str, default=None
            Ranks this expert's own judgments against the expert's own priorities. None ranks every judgment of
            every expert against the priorities of all together (those of aggregation "aij", whatever the
            aggregation here); what colleagues said about the same pair then counts among the other judgments.

        Returns
        -------
        Misfits
            One row per judgment, worst first. Cost: four solutions a judgment, O(n^5) in all.

        Raises
        ------
        DomainError
            If no judgment names the expert, or a weight leaves the range of double precision.
        JudgmentError
            If the expert's judgments alone do not connect the elements, or lack pairs and the method is
            "eigenvector".
        """
        return misfits_of(self.comparisons, self.method, self.random_index, expert)

    def gradient(self) -> Gradient:
        """Differentiate lambda_max and the weights by every judgment.

        Returns
        -------
        Gradient
            One row for each pair that an expert judged. Cost: O(n^3 + n_judgments n); with m missing pairs
            under "lambda_min", O(m^3) more.

        Raises
        ------
        DomainError
            If a derivative leaves the range of double precision.
        """
        return gradient_of(self.comparisons, self.method, self.aggregation)

    def agreement(self) -> ExpertAgreement:
        """Compare each expert with the group.

        Returns
        -------
        ExpertAgreement
            Own priorities and consistency of each expert, distance to the group, and the most disputed pairs.

        Raises
        ------
        DomainError
            If a weight leaves the range of double precision.
        """
        return agreement_of(self.comparisons, self.weights, self.method, self.random_index)

    def __repr__(self) -> str:
        weights = ", ".join(f"{name}: {weight:.4f}" for name, weight in self.to_dict().items())
        return short_repr(
            "Priorities", weights=f"{{{weights}}}", method=self.method, CR=f"{self.consistency_ratio:.3f}"
        )

    def _repr_html_(self) -> str:
        missing = len(self.missing)
        gaps = f", {missing} {'pair' if missing == 1 else 'pairs'} missing" if missing else ""
        caption = f"Priorities ({self.method}), CR {self.consistency_ratio:.3f} ({self.random_index}){gaps}"
        return html_table(("element", "weight"), self.to_dict().items(), caption=caption)


def priorities(
    comparisons: Comparisons | Table,
    *,
    method: Method = "eigenvector",
    random_index: RandomIndex = "alonso_lamata",
    aggregation: Aggregation = "aij",
) -> Priorities:
    r"""Compute the priorities that pairwise judgments imply, and the consistency of the judgments.

    Parameters
    ----------
    comparisons : Comparisons, DataFrame or array_like of shape (n, n)
        Judgments, or a reciprocal matrix with NaN for missing pairs; a DataFrame gives the names, an array the
        positions.
    method : {"eigenvector", "logarithmic_least_squares", "harker", "lambda_min"}, default="eigenvector"
        The principal right eigenvector [1]_, for complete judgments only; logarithmic least squares, which for
        complete judgments is the row geometric mean [2]_ and for incomplete ones solves with the Laplacian of the
        comparison graph [3]_; Harker's eigenvector for incomplete judgments [4]_; the eigenvector of the
        completion that has the least lambda_max [5]_ [3]_. For complete judgments the three eigenvectors are one;
        all agree for consistent judgments, and for complete ones of up to three elements.
    random_index : {"alonso_lamata", "saaty_1980", "saaty_2005"}, default="alonso_lamata"
        Table by which the consistency index is judged [6]_ [1]_ [7]_; the consistency ratio of the same judgments
        can differ between them: for three elements .5245, .58 and .52 stand below the same index.
    aggregation : {"aij", "aip_geometric", "aip_arithmetic", "pooled"}, default="aij"
        How several experts are put together [8]_: "aij" averages their judgments (geometric mean over the experts
        who judged a pair); "aip_geometric" and "aip_arithmetic" average the priorities of each expert, whose
        judgments must connect all elements; "pooled", for logarithmic least squares, minimises the squares of all
        judgments of all experts together, so that a pair counts by the experts who judged it. One expert gives the
        same under all.

    Returns
    -------
    Priorities
        Weights, lambda_max, consistency. lambda_max and all consistencies are those of the judgments averaged by
        "aij"; each expert's own are in `Priorities.agreement`.

    Raises
    ------
    JudgmentError
        If a matrix is not positive, not reciprocal within 1e-9, or has no unit diagonal; if pairs are missing and
        the method is "eigenvector"; if an expert's judgments do not connect all elements and the aggregation needs
        each expert's priorities. The message names expert, pairs and groups.
    DomainError
        If a matrix is not square or holds an infinite number, a name is unknown, "pooled" is asked for with
        another method or with weights more than a million times apart, the random index has no value for so many
        elements, or numbers leave the range of doubles.
    pydantic.ValidationError
        If a matrix has more than 200 rows, or its judged pairs do not connect all elements.

    See Also
    --------
    Network : Judgments of several groups at once.
    priorities_batch : Many matrices at once.

    Notes
    -----
    With A the matrix of judgments, the eigenvector method solves :math:`A w = \lambda_{max} w`, and

    .. math:: CI = \frac{\lambda_{max} - n}{n - 1}, \qquad CR = \frac{CI}{RI(n)}.

    `lambda_max` of complete judgments is the eigenvalue of A under all methods, so that the consistency tells
    about the judgments and not about the method. The eigenvector is found by Noda's inverse iteration, certified
    by the bounds of Collatz and Wielandt on the eigenvalue; weights are right to rounding for judgments of any
    use, and lose digits where contradictions reach a factor of a million. Beyond 15 elements "alonso_lamata"
    takes the line :math:`\bar\lambda_{max} = 2.7699 n - 4.3513` of [6]_; the others have no value there.

    Harker's matrix has 0 for missing pairs and 1 plus their number in the row on the diagonal. Logarithmic least
    squares solves :math:`L \log w = b` with L the Laplacian and :math:`b_i = \sum_j \log a_{ij}` over the judged
    pairs. The least lambda_max is convex in the logarithms of the missing pairs; Newton's method with exact
    derivatives finds it to rounding accuracy.

    For m missing pairs the adjusted ratio divides by :math:`RI(n) (1 - 2m / ((n - 1)(n - 2)))` [9]_, a linear
    approximation made for "lambda_min". The geometric consistency index [10]_ is

    .. math:: GCI = \frac{1}{k - n + 1} \sum_{i<j} \log^2 \frac{a_{ij} w_j}{w_i}

    over the k judged pairs with least-squares weights w; for complete judgments the divisor is (n - 1)(n - 2) / 2.
    Cost: :math:`O(n^3)`; about six times :math:`O(n^3 + m^3)` for "lambda_min".

    References
    ----------
    .. [1] Saaty, T. L. (1980). *The Analytic Hierarchy Process*. McGraw-Hill.
    .. [2] Crawford, G. and Williams, C. (1985). A note on the analysis of subjective judgment matrices. *Journal
       of Mathematical Psychology*, 29(4), 387-405.
    .. [3] Bozoki, S., Fulop, J. and Ronyai, L. (2010). On optimal completion of incomplete pairwise comparison
       matrices. *Mathematical and Computer Modelling*, 52(1-2), 318-333.
    .. [4] Harker, P. T. (1987). Incomplete pairwise comparisons in the analytic hierarchy process. *Mathematical
       Modelling*, 9(11), 837-848.
    .. [5] Shiraishi, S., Obata, T. and Daigo, M. (1998). Properties of a positive reciprocal matrix and their
       application to AHP. *Journal of the Operations Research Society of Japan*, 41(3), 404-414.
    .. [6] Alonso, J. A. and Lamata, M. T. (2006). Consistency in the analytic hierarchy process: a new approach.
       *International Journal of Uncertainty, Fuzziness and Knowledge-Based Systems*, 14(4), 445-459.
    .. [7] Saaty, T. L. (2005). *Theory and Applications of the Analytic Network Process*. RWS Publications.
    .. [8] Forman, E. and Peniwati, K. (1998). Aggregating individual judgments and priorities with the analytic
       hierarchy process. *European Journal of Operational Research*, 108(1), 165-169.
    .. [9] Agoston, K. C. and Csato, L. (2022). Inconsistency thresholds for incomplete pairwise comparison
       matrices. *Omega*, 108, 102576.
    .. [10] Aguaron, J. and Moreno-Jimenez, J. M. (2003). The geometric consistency index: approximated
       thresholds. *European Journal of Operational Research*, 147(1), 137-145.

    Examples
    --------
    >>> from custvalue import anp
    >>> result = anp.priorities([[1, 1 / 7, 2], [7, 1, 9], [1 / 2, 1 / 9, 1]])
    >>> result.weights.round(4), round(result.lambda_max, 5), round(result.consistency_ratio, 4)
    (array([0.1312, 0.7928, 0.076 ]), 3.02173, 0.0207)

    Two experts, one of them with a pair missing; all pairs together are complete:

    >>> judged = anp.Comparisons(
    ...     elements=("recency", "frequency", "monetary"),
    ...     judgments=(
    ...         anp.Judgment(first="recency", second="frequency", ratio="1/4", expert="Chen"),
    ...         anp.Judgment(first="frequency", second="monetary", ratio=2, expert="Chen"),
    ...         anp.Judgment(first="recency", second="monetary", ratio="1/2", expert="Chen"),
    ...         anp.Judgment(first="frequency", second="monetary", ratio=8, expert="Li"),
    ...         anp.Judgment(first="recency", second="monetary", ratio=1, expert="Li")),
    ...     experts={"Chen": 0.5, "Li": 0.5})
    >>> anp.priorities(judged).weights.round(4)
    array([0.1482, 0.6652, 0.1867])
    >>> pooled = anp.priorities(judged, method="logarithmic_least_squares", aggregation="pooled")
    >>> pooled.weights.round(4)
    array([0.1418, 0.6744, 0.1839])
    """
    check_choices(method, random_index, aggregation)
    if not isinstance(comparisons, Comparisons):
        comparisons = Comparisons.from_matrix(None, comparisons)
    weights, lambda_max = aggregated(comparisons, method, aggregation)
    size, missing = len(weights), len(comparisons.missing)
    found = consistency(lambda_max, size, missing, random_index)
    return Priorities(
        elements=tuple(comparisons.elements),
        weights=read_only(weights),
        lambda_max=lambda_max,
        consistency_index=found.consistency_index,
        consistency_ratio=found.consistency_ratio,
        adjusted_consistency_ratio=found.adjusted_consistency_ratio,
        geometric_consistency_index=geometric_consistency(comparisons.matrix),
        random_index=random_index,
        method=method,
        aggregation=aggregation,
        comparisons=comparisons,
        provenance=provenance(
            comparisons.model_dump_json(),
            n_elements=size,
            n_experts=len(comparisons.expert_names),
            n_missing=missing,
        ),
    )
