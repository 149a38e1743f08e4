"""How experts agree with the group and with each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from custvalue._kernels.comparison_methods import geometric_consistency
from custvalue._kernels.pairwise_batch import least_squares_batch
from custvalue._network_process.judgments import panel_of
from custvalue._network_process.methods import TOGETHER, consistency, solved_each
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
    missing = size * (size - 1) // 2 - np.bincount(panel.expert, minlength=count)
    connected = panel.connected_experts()
    with_own = np.flatnonzero(connected)
    for places, stack in panel.own_matrices(with_own):
        chosen = with_own[places]
        own, roots = solved_each(stack, "harker" if method == "eigenvector" else method)
        own_weights[chosen] = own
        judged = [
            consistency(root, size, gaps, random_index)
            for root, gaps in zip(roots.tolist(), missing[chosen].tolist(), strict=True)
        ]
        numbers[:, chosen] = (
            roots,
            *np.transpose(judged),
            _geometric_consistency(stack),
            _compatibility(own, weights),
            np.abs(own - weights).max(axis=1),
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


def _geometric_consistency(stack: FloatArray) -> FloatArray:
    """Compute the geometric consistency index of each matrix."""
    size = stack.shape[1]
    if size > TOGETHER:
        return np.array([geometric_consistency(matrix) for matrix in stack])
    logarithms = least_squares_batch(stack)
    rows, columns = np.triu_indices(size, 1)
    residuals = np.log(stack[:, rows, columns]) - logarithms[:, rows] + logarithms[:, columns]
    spare = (~np.isnan(residuals)).sum(axis=1) - size + 1
    # The pairs of a tree are fitted exactly.
    return np.where(spare > 0, np.nansum(residuals**2, axis=1) / np.maximum(spare, 1), 0.0)


def _compatibility(own: FloatArray, weights: FloatArray) -> FloatArray:
    """Average all products of ratios of each row, one factor by one."""
    with np.errstate(over="ignore"):
        return np.asarray((own / weights).mean(axis=1) * (weights / own).mean(axis=1))


def _disputes(panel: Panel) -> tuple[tuple[str, str, float, float, float, str, float, str], ...]:
    """List the pairs that several experts judged, the widest spread first."""
    matrix = panel.matrix()
    found = []
    order = np.argsort(panel.pair, kind="stable")
    ends_of_pairs = np.searchsorted(panel.pair[order], np.arange(len(panel.pairs) + 1))
    for number, (row, column) in enumerate(panel.pairs.tolist()):
        places = order[ends_of_pairs[number] : ends_of_pairs[number + 1]]
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
