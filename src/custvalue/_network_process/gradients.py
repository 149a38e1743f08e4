"""How lambda_max and the weights answer to each judgment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from custvalue._kernels.comparison_slopes import pair_slopes
from custvalue._network_process.judgments import panel_of
from custvalue._network_process.methods import (
    aggregated_panel,
    counted_experts,
    pair_table,
    require_complete,
    solved,
)
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from custvalue._kernels.comparison_slopes import PairSlopes
    from custvalue._network_process.judgments import Comparisons, Judgment
    from custvalue._network_process.methods import Aggregation, Method
    from custvalue._network_process.panel import Panel
    from custvalue._typing import FloatArray


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Gradient:
    r"""Derivatives of lambda_max and of every weight with respect to every judgment.

    Parameters
    ----------
    elements : tuple of str
        Names, in the order of the columns of `weights`.
    judgments : tuple of Judgment
        One entry for each pair that an expert judged, as first stated; statements of one pair by one expert are
        one judgment.
    ratios : ndarray of shape (n_judgments,)
        Their ratios; read-only.
    lambda_max : ndarray of shape (n_judgments,)
        Derivative of `Priorities.lambda_max` by the ratio; read-only.
    weights : ndarray of shape (n_judgments, n)
        Derivative of each weight by the ratio; rows sum to 0; read-only.
    method : str
        Method that gave the weights.
    aggregation : str
        How experts were put together.
    provenance : Provenance
        Package version, the comparisons as JSON, the numbers of elements and judgments.

    See Also
    --------
    Priorities.gradient : The method that returns this result.
    Misfits : What a change of a judgment would mend.

    Notes
    -----
    The reciprocal of a ratio moves along with it [1]_. With w and y the right and left Perron vectors and y w = 1,

    .. math:: \frac{\partial \lambda}{\partial a_{ij}} = y_i w_j - \frac{y_j w_i}{a_{ij}^2},

    and the derivative of w is the group inverse of :math:`\lambda I - A` times the change of A w. Missing pairs
    stay 0 under "harker", follow the weights under "logarithmic_least_squares" and the condition of least
    lambda_max under "lambda_min" (implicit functions). With several experts the derivatives are chained through
    the expert's share in the mean.

    References
    ----------
    .. [1] Harker, P. T. (1987). Derivatives of the Perron root of a positive reciprocal matrix: with application
       to the analytic hierarchy process. *Applied Mathematics and Computation*, 22(2-3), 217-232.

    Examples
    --------
    >>> from custvalue import anp
    >>> gradient = anp.priorities([[1, 2, 3], [1 / 2, 1, 2], [1 / 3, 1 / 2, 1]]).gradient()
    >>> gradient.lambda_max.round(7)
    array([ 0.0320137, -0.0213425,  0.0320137])
    """

    elements: tuple[str, ...]
    judgments: tuple[Judgment, ...]
    ratios: FloatArray
    lambda_max: FloatArray
    weights: FloatArray
    method: Method
    aggregation: Aggregation
    provenance: Provenance

    @property
    def log_lambda_max(self) -> FloatArray:
        """Give the derivatives of lambda_max by the natural logarithms of the ratios.

        Returns
        -------
        ndarray of shape (n_judgments,)
            `lambda_max` times `ratios`: the change for a ratio that grows by a small part of itself; read-only.
        """
        return read_only(self.lambda_max * self.ratios)

    @property
    def log_weights(self) -> FloatArray:
        """Give the derivatives of the weights by the natural logarithms of the ratios.

        Returns
        -------
        ndarray of shape (n_judgments, n)
            `weights` times `ratios`; read-only.
        """
        return read_only(self.weights * self.ratios[:, None])

    def to_frame(self) -> pd.DataFrame:
        """Give one row per judgment.

        Returns
        -------
        DataFrame
            Columns `first`, `second`, `expert`, `ratio`, `lambda_max`, and `weight of x` for each element x.
        """
        rows = self._rows()
        return pd.DataFrame(rows, columns=list(self._columns()))

    def _columns(self) -> tuple[str, ...]:
        return (
            *("first", "second", "expert", "ratio", "lambda_max"),
            *(f"weight of {name}" for name in self.elements),
        )

    def _rows(self) -> list[tuple[object, ...]]:
        return [
            (judgment.first, judgment.second, judgment.expert, judgment.ratio, slope, *row)
            for judgment, slope, row in zip(
                self.judgments, self.lambda_max.tolist(), self.weights.tolist(), strict=True
            )
        ]

    def __repr__(self) -> str:
        return short_repr(
            "Gradient", judgments=len(self.judgments), elements=len(self.elements), method=self.method
        )

    def _repr_html_(self) -> str:
        caption = f"Derivatives by each ratio ({self.method}, {self.aggregation})"
        return html_table(self._columns(), self._rows(), caption=caption)


def distinct_judgments(comparisons: Comparisons) -> tuple[Judgment, ...]:
    """Give each expert's judgment of each pair once, as first stated: the rows of a gradient."""
    return panel_of(comparisons).judgments


def log_jacobian(comparisons: Comparisons, method: Method, aggregation: Aggregation) -> FloatArray:
    """Differentiate the weights by the logarithms of the distinct judgments, (J, n)."""
    return _log_jacobian(panel_of(comparisons), method, aggregation)


def _log_jacobian(panel: Panel, method: Method, aggregation: Aggregation) -> FloatArray:
    if aggregation not in ("aip_geometric", "aip_arithmetic") or not panel.experts:
        return panel.by_judgment(_group_slopes(panel, method, aggregation).weights)
    if method == "eigenvector":
        require_complete(panel.missing())
    result = np.zeros((len(panel.judgments), len(panel.elements)))
    weights, _ = aggregated_panel(panel, method, aggregation)
    places = panel.places_by_expert()
    for number in counted_experts(panel, method, places).tolist():
        share, alone = panel.weights[number], panel.alone(places[number])
        matrix = alone.matrix()
        slopes = alone.by_judgment(_slopes(matrix, method).weights)
        if aggregation == "aip_geometric":
            logarithms = share * slopes / solved(matrix, method)[0]
            slopes = weights * (logarithms - (logarithms @ weights)[:, None])
        else:
            slopes = share * slopes
        result[places[number]] = slopes
    return result


def gradient_of(comparisons: Comparisons, method: Method, aggregation: Aggregation) -> Gradient:
    """Build the gradient of priorities that were computed with these choices."""
    panel = panel_of(comparisons)
    roots = panel.by_judgment(_group_slopes(panel, method, aggregation).root)
    weights = _log_jacobian(panel, method, aggregation)
    ratios = np.array([judgment.ratio for judgment in panel.judgments])
    with np.errstate(over="ignore"):
        by_ratio, weights_by_ratio = roots / ratios, weights / ratios[:, None]
    if not (np.isfinite(by_ratio).all() and np.isfinite(weights_by_ratio).all()):
        message = "A derivative leaves the range of double precision; check the smallest ratios."
        raise DomainError(message)
    return Gradient(
        elements=panel.elements,
        judgments=panel.judgments,
        ratios=read_only(ratios),
        lambda_max=read_only(by_ratio),
        weights=read_only(weights_by_ratio),
        method=method,
        aggregation=aggregation,
        provenance=provenance(
            comparisons.model_dump_json(), n_elements=len(panel.elements), n_judgments=len(panel.judgments)
        ),
    )


def _group_slopes(panel: Panel, method: Method, aggregation: Aggregation) -> PairSlopes:
    """Differentiate lambda_max and the weights of the aggregated judgments by their pairs."""
    if method == "eigenvector":
        require_complete(panel.missing())
    totals = pair_table(panel, panel.total) if aggregation == "pooled" else None
    return _slopes(panel.matrix(), method, totals)


def _slopes(matrix: FloatArray, method: Method, totals: FloatArray | None = None) -> PairSlopes:
    try:
        return pair_slopes(matrix, method, totals)
    except ArithmeticError as error:
        raise DomainError(f"{error} Check the largest and smallest ratios.") from error
