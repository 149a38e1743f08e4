"""How experts agree with the group and with each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from custvalue._kernels.comparison_graph import components
from custvalue._kernels.comparison_methods import geometric_consistency
from custvalue._network_process.judgments import panel_of
from custvalue._network_process.methods import consistency, solved
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr

if TYPE_CHECKING:
    from custvalue._network_process.judgments import Comparisons
    from custvalue._network_process.methods import Method, RandomIndex
    from custvalue._network_process.panel import Panel
    from custvalue._typing import BoolArray, FloatArray, IntArray

_COLUMNS = (
    *("lambda_max", "consistency_index", "consistency_ratio", "adjusted_consistency_ratio"),
    *("geometric_consistency_index", "compatibility", "largest_difference"),
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ExpertAgreement:
    r"""Each expert's own priorities and consistency, and the distance to the group.

    Parameters
    ----------
    experts : tuple of str
        Names; "" stands for judgments that name nobody.
    expert_weights : ndarray of shape (n_experts,)
        Their weights, summing to 1; read-only.
    elements : tuple of str
        Names of what is compared.
    weights : ndarray of shape (n_experts, n)
        Each expert's own priorities; read-only.
    connected : ndarray of shape (n_experts,)
        Whether the expert's own judgments connect all elements. Where they do not, there are no own priorities:
        the row of `weights`, and the numbers below but `missing`, are NaN.
    missing : ndarray of shape (n_experts,)
        Number of pairs that the expert did not judge.
    lambda_max, consistency_index, consistency_ratio : ndarray of shape (n_experts,)
        As in `Priorities`, of each expert's own judgments.
    adjusted_consistency_ratio, geometric_consistency_index : ndarray of shape (n_experts,)
        As in `Priorities`, of each expert's own judgments.
    compatibility : ndarray of shape (n_experts,)
        Saaty's compatibility index [1]_ of own and group priorities, from 1 (identical); up to 1.1 they are taken
        as close; infinite beyond the range of doubles.
    largest_difference : ndarray of shape (n_experts,)
        Largest absolute difference of an own weight from the group's.
    disputes : tuple of tuple
        The pairs that two experts or more judged, the most disputed first: the rows of `dispute_frame`.
    method : str
        Method of the priorities; "eigenvector" becomes "harker" for an expert with missing pairs.
    random_index : str
        Random-index table of the consistency ratios.
    provenance : Provenance
        Package version, the comparisons as JSON, the numbers of elements and experts.

    See Also
    --------
    Priorities.agreement : The method that returns this result.

    Notes
    -----
    With v the own and w the group's priorities, the compatibility index is

    .. math:: S = \frac{1}{n^2} \sum_{ij} \frac{v_i}{v_j} \frac{w_j}{w_i}.

    The dispersion of a pair is the weighted geometric standard deviation of its ratios: 1 where all experts agree,
    2 where they typically differ by a factor of 2 from their mean.

    References
    ----------
    .. [1] Saaty, T. L. (2005). *Theory and Applications of the Analytic Network Process*. RWS Publications.

    Examples
    --------
    >>> from custvalue import anp
    >>> judged = anp.Comparisons(elements=("a", "b"), judgments=(
    ...     anp.Judgment(first="a", second="b", ratio=2, expert="Chen"),
    ...     anp.Judgment(first="a", second="b", ratio=8, expert="Li")))
    >>> found = anp.priorities(judged).agreement()
    >>> found.weights.round(4), found.compatibility.round(4)
    (array([[0.6667, 0.3333],
           [0.8889, 0.1111]]), array([1.125, 1.125]))
    >>> found.dispute_frame()
      first second  ratio  dispersion  lowest lowest_expert  highest highest_expert
    0     a      b    4.0         2.0     2.0          Chen      8.0             Li
    """

    experts: tuple[str, ...]
    expert_weights: FloatArray
    elements: tuple[str, ...]
    weights: FloatArray
    connected: BoolArray
    missing: IntArray
    lambda_max: FloatArray
    consistency_index: FloatArray
    consistency_ratio: FloatArray
    adjusted_consistency_ratio: FloatArray
    geometric_consistency_index: FloatArray
    compatibility: FloatArray
    largest_difference: FloatArray
    disputes: tuple[tuple[str, str, float, float, float, str, float, str], ...]
    method: Method
    random_index: RandomIndex
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Give one row per expert.

        Returns
        -------
        DataFrame
            Columns `expert`, `expert_weight`, `connected`, `missing`, `lambda_max`, `consistency_index`,
            `consistency_ratio`, `adjusted_consistency_ratio`, `geometric_consistency_index`, `compatibility`,
            `largest_difference`, and `weight of x` for each element x.
        """
        frame = pd.DataFrame(
            {
                "expert": list(self.experts),
                "expert_weight": self.expert_weights.copy(),
                "connected": self.connected.copy(),
                "missing": self.missing.copy(),
            }
        )
        for name in _COLUMNS:
            frame[name] = getattr(self, name).copy()
        for name, column in zip(self.elements, self.weights.T, strict=True):
            frame[f"weight of {name}"] = column.copy()
        return frame

    def dispute_frame(self) -> pd.DataFrame:
        """Give one row per pair that two experts or more judged, the most disputed first.

        Returns
        -------
        DataFrame
            Columns `first`, `second`, `ratio` (the group's), `dispersion`, `lowest`, `lowest_expert`, `highest`,
            `highest_expert`.
        """
        names = ["first", "second", "ratio", "dispersion", "lowest", "lowest_expert", "highest", "highest_expert"]
        return pd.DataFrame(list(self.disputes), columns=names)

    def __repr__(self) -> str:
        return short_repr(
            "ExpertAgreement", experts=len(self.experts), elements=len(self.elements), disputes=len(self.disputes)
        )

    def _repr_html_(self) -> str:
        frame, disputes = self.to_frame(), self.dispute_frame()
        own = html_table(list(frame.columns), frame.itertuples(index=False), caption="Experts and the group")
        return own + html_table(
            list(disputes.columns), disputes.itertuples(index=False), caption="Most disputed pairs"
        )


def agreement_of(
    comparisons: Comparisons, weights: FloatArray, method: Method, random_index: RandomIndex
) -> ExpertAgreement:
    """Compare each expert with the group's weights."""
    panel = panel_of(comparisons)
    size, count = len(panel.elements), len(panel.experts)
    own_weights = np.full((count, size), np.nan)
    numbers = np.full((len(_COLUMNS), count), np.nan)
    missing = np.zeros(count, dtype=np.int64)
    connected = np.zeros(count, dtype=np.bool_)
    for number in range(count):
        chosen = panel.expert == number
        rows, columns = panel.row[chosen], panel.column[chosen]
        missing[number] = size * (size - 1) // 2 - len(rows)
        connected[number] = len(components(size, rows, columns)) == 1
        if not connected[number]:
            continue
        matrix = comparisons.by_expert(panel.experts[number]).matrix
        own, lambda_max = solved(matrix, "harker" if method == "eigenvector" else method)
        own_weights[number] = own
        numbers[:, number] = (
            lambda_max,
            *consistency(lambda_max, size, int(missing[number]), random_index),
            geometric_consistency(matrix),
            _compatibility(own, weights),
            np.abs(own - weights).max(),
        )
    return ExpertAgreement(
        experts=panel.experts,
        expert_weights=read_only(panel.weights),
        elements=panel.elements,
        weights=read_only(own_weights),
        connected=read_only(connected),
        missing=read_only(missing),
        **{name: read_only(row.copy()) for name, row in zip(_COLUMNS, numbers, strict=True)},
        disputes=_disputes(panel),
        method=method,
        random_index=random_index,
        provenance=provenance(comparisons.model_dump_json(), n_elements=size, n_experts=count),
    )


def _compatibility(own: FloatArray, weights: FloatArray) -> float:
    """Average all products of ratios, one factor by one."""
    with np.errstate(over="ignore"):
        return float(np.multiply((own / weights).mean(), (weights / own).mean()))


def _disputes(panel: Panel) -> tuple[tuple[str, str, float, float, float, str, float, str], ...]:
    """List the pairs that several experts judged, the widest spread first."""
    matrix = panel.matrix()
    found = []
    for number, (row, column) in enumerate(panel.pairs.tolist()):
        places = np.flatnonzero(panel.pair == number)
        if len(places) > 1:
            signs, shares = np.sign(panel.share[places]), np.abs(panel.share[places])
            logarithms = signs * panel.logarithm[places]
            spread = float(np.sqrt(shares @ (logarithms - shares @ logarithms) ** 2))
            low, high = int(logarithms.argmin()), int(logarithms.argmax())
            ends = [
                (float(np.exp(logarithms[end])), panel.experts[panel.expert[places[end]]]) for end in (low, high)
            ]
            pair = (panel.elements[row], panel.elements[column])
            found.append((*pair, float(matrix[row, column]), float(np.exp(spread)), *ends[0], *ends[1]))
    return tuple(sorted(found, key=lambda entry: -entry[3]))
