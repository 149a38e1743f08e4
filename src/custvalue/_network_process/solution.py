"""What a solved network holds."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd

from custvalue._network_process import outcome
from custvalue._network_process import sensitivity as derivatives
from custvalue._network_process import stability as draws
from custvalue._network_process import synthesis as decision
from custvalue._network_process.plan import Solved
from custvalue._results import Provenance, html_table, short_repr
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from custvalue._network_process.judged import Judged
    from custvalue._network_process.limit import Limit
    from custvalue._network_process.moves import Moved
    from custvalue._network_process.outcome import Formula, Mode, Target
    from custvalue._network_process.plan import Plan
    from custvalue._network_process.priorities import Aggregation, Method, RandomIndex
    from custvalue._network_process.sensitivity import Sensitivity, SensitivityTo
    from custvalue._network_process.stability import RankStability
    from custvalue._network_process.synthesis import Synthesis
    from custvalue._typing import FloatArray, RandomState


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Solution:
    """Weights of a solved network at both levels, and all that leads to them.

    Parameters
    ----------
    control : mapping of str to float
        Weight of each criterion; they sum to 1.
    local : mapping of str to mapping of str to float
        Weight of each indicator, node or alternative within its criterion; each criterion's sum to 1.
    priorities : mapping of str to float
        Global weight of each name, control times local, added up where alternatives stand under several criteria;
        they sum to 1.
    clusters : mapping of str to mapping of str to tuple of str
        Nodes of each cluster, of each criterion with a supermatrix; an inner-dependent group is one cluster.
    supermatrices : mapping of str to ndarray
        Unweighted supermatrix of each such criterion, in the order of ``limits[criterion].labels``; read-only.
    cluster_matrices : mapping of str to ndarray
        Weights of the clusters for the columns of each cluster, in the order of `clusters`; read-only.
    weighted_supermatrices : mapping of str to ndarray
        The blocks multiplied by the clusters' weights; read-only.
    limits : mapping of str to Limit
        Exact limit of each of these supermatrices, with classes and periods.
    ratings : mapping of str to mapping of str to float
        Under criteria with ratings, the value of each alternative, the best category at 1.
    alternatives : tuple of str
        What is to be decided between.
    judged : tuple of Judged
        Every set of judgments with its priorities and its consistency.
    deviations : mapping of str to float
        Where given weights were renormalised, and their sum less 1; the key is the path in the network.
    notes : tuple of str
        What a reader of the weights must know: structural bounds, cycles, inconsistent or missing judgments.
    method : str
        Method that turned judgments into priorities.
    random_index : str
        Random-index table of the consistency ratios.
    aggregation : str
        How the judgments of several experts became one.
    plan : Plan
        The network as numbers, for derivatives and draws; not part of the interface.
    provenance : Provenance
        Package version, the network as JSON, the numbers of criteria and indicators.

    See Also
    --------
    Network.solve : The method that returns this result.

    Examples
    --------
    >>> from custvalue import anp
    >>> network = anp.Network(
    ...     control=anp.DirectWeights(weights={"frequency": 0.75, "monetary": 0.25}),
    ...     local={"frequency": anp.DirectWeights(weights={"visits": 1.0}),
    ...            "monetary": anp.DirectWeights(weights={"turnover": 0.5, "balance": 0.5})})
    >>> network.solve().to_frame()
       criterion indicator  local  global
    0  frequency    visits    1.0   0.750
    1   monetary  turnover    0.5   0.125
    2   monetary   balance    0.5   0.125
    """

    control: Mapping[str, float]
    local: Mapping[str, Mapping[str, float]]
    priorities: Mapping[str, float]
    clusters: Mapping[str, Mapping[str, tuple[str, ...]]]
    supermatrices: Mapping[str, FloatArray]
    cluster_matrices: Mapping[str, FloatArray]
    weighted_supermatrices: Mapping[str, FloatArray]
    limits: Mapping[str, Limit]
    ratings: Mapping[str, Mapping[str, float]]
    alternatives: tuple[str, ...]
    judged: tuple[Judged, ...]
    deviations: Mapping[str, float]
    notes: tuple[str, ...]
    method: Method
    random_index: RandomIndex
    aggregation: Aggregation
    plan: Plan
    provenance: Provenance

    @property
    def unweighted(self) -> dict[str, pd.DataFrame]:
        """Give the unweighted supermatrix of each criterion that has one.

        Returns
        -------
        dict of str to DataFrame
            Fresh frames; the column of a node holds the influences on it.
        """
        return {
            criterion: _labelled(values, self.limits[criterion].labels)
            for criterion, values in self.supermatrices.items()
        }

    @property
    def weighted(self) -> dict[str, pd.DataFrame]:
        """Give the weighted supermatrix of each criterion that has one.

        Returns
        -------
        dict of str to DataFrame
            Fresh frames; equal to `unweighted` where there is one cluster, whose weight is 1.
        """
        return {
            criterion: _labelled(values, self.limits[criterion].labels)
            for criterion, values in self.weighted_supermatrices.items()
        }

    @property
    def cluster_matrix(self) -> dict[str, pd.DataFrame]:
        """Give the weights of the clusters for the columns of each cluster.

        Returns
        -------
        dict of str to DataFrame
            Fresh frames; the column of a cluster holds the weights of the clusters that feed it.
        """
        return {
            criterion: _labelled(values, tuple(self.clusters[criterion]))
            for criterion, values in self.cluster_matrices.items()
        }

    @property
    def limit(self) -> dict[str, pd.DataFrame]:
        """Give the limit supermatrix of each criterion that has one.

        Returns
        -------
        dict of str to DataFrame
            Fresh frames; where there is no goal, every column holds the local weights.
        """
        return {criterion: limit.to_frame() for criterion, limit in self.limits.items()}

    @property
    def consistency(self) -> pd.DataFrame:
        """Give the consistency of every set of judgments.

        Returns
        -------
        DataFrame
            Columns `path` (see `judged_at`), `criterion` (empty for the control layer), `column` (what was
            influenced, else empty), `cluster` (whose nodes were compared, else empty), `n`, `missing` (pairs
            without a judgment), `experts` (how many), `lambda_max`, `consistency_index`, `consistency_ratio`,
            `geometric_consistency_index`.
        """
        names = (
            *("path", "criterion", "column", "cluster", "n", "missing", "experts", "lambda_max"),
            *("consistency_index", "consistency_ratio", "geometric_consistency_index"),
        )
        rows = [
            (
                *(entry.path, entry.criterion, entry.column, entry.cluster, len(entry.priorities.elements)),
                *(len(entry.priorities.missing), len(entry.priorities.comparisons.expert_names)),
                *(entry.priorities.lambda_max, entry.priorities.consistency_index),
                *(entry.priorities.consistency_ratio, entry.priorities.geometric_consistency_index),
            )
            for entry in self.judged
        ]
        return pd.DataFrame(rows, columns=list(names))

    def judged_at(self, path: str) -> Judged:
        """Give one set of judgments by its place in the network.

        Parameters
        ----------
        path : str
            As `Judged.path`, in notes and in tables, for example ``"control"``.

        Returns
        -------
        Judged
            Its priorities hold misfits, gradient and agreement of the experts.

        Raises
        ------
        DomainError
            If there are no judgments at the path.
        """
        for entry in self.judged:
            if entry.path == path:
                return entry
        message = f"path is {path!r}; judgments stand at {[entry.path for entry in self.judged]}."
        raise DomainError(message)

    def misfits(self) -> pd.DataFrame:
        """Rank the judgments of all sets by how little they fit the others of their set.

        Returns
        -------
        DataFrame
            The rows of `Priorities.misfits` of every set, worst first, with the `path` of the set in front; sets
            of two elements, which have no other judgments, are left out.
        """
        frames = [
            entry.priorities.misfits().to_frame().assign(path=entry.path)
            for entry in self.judged
            if len(entry.priorities.elements) > 2  # noqa: PLR2004 - two are always consistent
        ]
        if not frames:
            return pd.DataFrame({"path": []})
        found = pd.concat(frames, ignore_index=True).sort_values("misfit", ascending=False, kind="stable")
        return found[["path", *(name for name in found.columns if name != "path")]].reset_index(drop=True)

    def to_frame(self) -> pd.DataFrame:
        """Give one row per indicator.

        Returns
        -------
        DataFrame
            Columns `criterion`, `indicator`, `local` (weight within the criterion), `global` (weight in all).
        """
        return pd.DataFrame(self._rows(), columns=["criterion", "indicator", "local", "global"])

    def by_cluster(self) -> pd.DataFrame:
        """Give every node's weight in the limit and within its cluster.

        Returns
        -------
        DataFrame
            One row per node: columns `criterion`, `cluster` (the criterion's name where there are no clusters),
            `node`, `local` (weight within the criterion) and `by_cluster` (the weights of a cluster sum to 1, or
            are all 0 where nothing lasting flows into it).
        """
        rows = []
        for criterion, weights in self.local.items():
            clusters = self.clusters.get(criterion) or {criterion: tuple(weights)}
            for cluster, nodes in clusters.items():
                total = sum(weights[node] for node in nodes)
                rows += [
                    (criterion, cluster, node, weights[node], weights[node] / total if total else 0.0)
                    for node in nodes
                ]
        return pd.DataFrame(rows, columns=["criterion", "cluster", "node", "local", "by_cluster"])

    def synthesis(self, mode: Mode = "ideal") -> Synthesis:
        r"""Put the alternatives together over all criteria.

        Parameters
        ----------
        mode : {"ideal", "distributive"}, default="ideal"
            "distributive": under each criterion the alternatives share out 1, so that another alternative, even a
            copy, takes from each and may change their order. "ideal": under each criterion the best alternative
            counts 1 and the others in proportion. Ratings keep the values of their scale under "ideal".

        Returns
        -------
        Synthesis
            Priorities that sum to 1, with the mode's name.

        Raises
        ------
        DomainError
            If the network names no alternatives, the mode is unknown, the alternatives have no weight under a
            criterion, or there are costs or risks, which would count as good (see `bocr`).

        Notes
        -----
        With :math:`w_i` the criteria's weights and :math:`x_{ai}` the local weight of alternative a, distributive
        is :math:`\sum_i w_i x_{ai} / \sum_b x_{bi}` and ideal is proportional to
        :math:`\sum_i w_i x_{ai} / \max_b x_{bi}` (Saaty & Vargas 1993; Millet & Saaty 2000).
        """
        return self._decide(mode, get_args(outcome.Mode), "mode")

    def bocr(self, formula: Formula) -> Synthesis:
        """Put the alternatives together over benefits, opportunities, costs and risks.

        Parameters
        ----------
        formula : str
            One of those of :func:`bocr`. They may name different winners, and "multiplicative" leaves the
            weights of the merits out, so there is no default.

        Returns
        -------
        Synthesis
            With the formula as its mode. Within each merit the criteria are put together in the ideal mode; the
            weight of a merit is the sum of its criteria's weights.

        Raises
        ------
        DomainError
            If the network names no alternatives or no merits, or the formula is unknown or divides by zero.
        """
        return self._decide(formula, get_args(outcome.Formula), "formula")

    def sensitivity(self, to: SensitivityTo = "judgments", *, of: Target | None = None) -> Sensitivity:
        r"""Differentiate priorities by judgments, by weights, or by cells of the supermatrix, exactly.

        Parameters
        ----------
        to : {"judgments", "pairs", "control_weights", "cluster_weights", "supermatrix"}, default="judgments"
            What moves. A judgment moves by its logarithm, its reciprocal with it; under "pairs" those of all
            experts about a pair move together; a weight or a cell moves by itself while the rest of its column
            shrinks in proportion, so that the sum stays 1.
        of : str, default=None
            What is watched: "priorities" (all names), "ideal" or "distributive" (the alternatives), or a formula
            of :func:`bocr`. None takes "ideal" if the network names alternatives, else "priorities"; a network
            with merits needs a formula.

        Returns
        -------
        Sensitivity
            One derivative per parameter and watched name.

        Raises
        ------
        DomainError
            If a name is unknown, the network has no alternatives or merits where they are needed, the sinks of a
            supermatrix leave no derivative (policy "calculus"; "hierarchy" without a goal, or where influence runs
            round without reaching a sink), or a supermatrix nearly falls apart, so that fewer than six digits of a
            derivative would be certain.

        Notes
        -----
        The chain has three links: weights by judgments (Harker 1987), the limit by the supermatrix, and the rest,
        which is rational. If the projector L on the fixed points of W is disturbed by E, it changes by
        :math:`L E Z + Z E L` with the group inverse :math:`Z = (I - W)^\#` (Meyer 1975 for one class; Kato 1966 in
        general): exact, not a difference. Weights and cells of exactly 0 or 1 are left out, since opening or
        closing a path may change the limit at once; where alternatives tie for the best in the ideal mode, the
        derivative holds on one side only. Cost: O(n^3) once per criterion, then O(n^2) per judged set.
        """
        return derivatives.sensitivity(self._solved(), to, of)

    def stability(
        self,
        *,
        n_draws: int = 10_000,
        log_sd: float = 0.25,
        of: Target | None = None,
        random_state: RandomState = None,
    ) -> RankStability:
        """Draw the judgments anew and count how often each rank comes out.

        Parameters
        ----------
        n_draws : int, default=10,000
            Number of draws.
        log_sd : float, default=0.25
            Standard deviation of the logarithm of every judgment around what was said: with 0.25, a 4 is drawn
            between 2.5 and 6.5 in 95 % of the draws. The root of `geometric_consistency_index` estimates it
            from the experts' own contradictions.
        of : str, default=None
            As in `sensitivity`.
        random_state : int, RandomState or None, default=None
            Seed of the draws; an int makes them repeatable.

        Returns
        -------
        RankStability
            Probability of every rank, with standard errors, and mean and spread of the priorities.

        Raises
        ------
        DomainError
            If a name is unknown, n_draws is below 2, log_sd is not positive, the network has no judgments, or a
            drawn ratio leaves the range of doubles.
        ValueError
            If random_state is no seed.

        Notes
        -----
        Judgments are independent and lognormal with the given value as median; weights stated directly, measured
        values and the categories of ratings stay as they are. All
        draws are solved together, in blocks of a million cells, but one by one with sinks under "hierarchy" or
        "calculus". Equal priorities share a rank's
        probability by the order of the names.
        """
        return draws.stability(self._solved(), n_draws, log_sd, of, random_state)

    def swaps(
        self, to: Moved = "judgments", *, of: Target | None = None, largest_factor: float = 81.0
    ) -> pd.DataFrame:
        """Find the smallest change of each single judgment by which another one catches up with the first.

        Parameters
        ----------
        to : {"judgments", "pairs"}, default="judgments"
            Whether each expert's judgment moves by itself, or those of all experts about a pair together.
        of : str, default=None
            As in `sensitivity`.
        largest_factor : float, default=81
            How far a judgment is moved, in either direction; 81 leads from 1/9 to 9.

        Returns
        -------
        DataFrame
            One row per judgment, the smallest change first: `path`, `criterion`, `column`, `first`, `second`,
            `expert`, `ratio`, `swapping_ratio` (where the two are equal), `factor` (how many times it differs
            from `ratio`) and `overtaken_by` (who has caught up). Where no one catches up within the largest
            factor, `swapping_ratio` is missing, `factor` infinite and `overtaken_by` empty.

        Raises
        ------
        DomainError
            If a name is unknown, largest_factor is not above 1, the network has no judgments, or there is only one
            name to watch.

        Notes
        -----
        Along each judgment the lead of the first over the best of the others is evaluated at 129 points, evenly
        on the logarithm, and the crossing nearest to the stated ratio is refined by Brent's method to rounding.
        A lead that is lost and regained between two points is not seen.
        """
        return draws.swaps(self._solved(), to, of, largest_factor)

    def to_dict(self) -> dict[str, Any]:
        """Give the answer as plain values, ready for JSON: what a service returns.

        Returns
        -------
        dict
            Keys `control`, `local`, `priorities`, `ratings`, `consistency` (a list of records), `deviations`,
            `notes`, `method`, `random_index`, `aggregation`, and `provenance` with the network itself.
        """
        return {
            "control": dict(self.control),
            "local": {criterion: dict(weights) for criterion, weights in self.local.items()},
            "priorities": dict(self.priorities),
            "ratings": {criterion: dict(values) for criterion, values in self.ratings.items()},
            "consistency": self.consistency.to_dict("records"),
            "deviations": dict(self.deviations),
            "notes": list(self.notes),
            "method": self.method,
            "random_index": self.random_index,
            "aggregation": self.aggregation,
            "provenance": self.provenance.to_dict(),
        }

    def _solved(self) -> Solved:
        weights = [entry.priorities.weights[None, :] for entry in self.judged]
        return Solved(self.plan, weights, self.method, self.aggregation, self.provenance.spec)

    def _decide(self, target: str, allowed: tuple[str, ...], argument: str) -> Synthesis:
        control = np.array([list(self.control.values())])
        local = [
            np.array([list((self.ratings.get(criterion) or self.local[criterion]).values())])
            for criterion in self.plan.criteria
        ]
        decision.check_choice(self.plan, target, allowed, argument)
        return decision.synthesise(self.plan, control, local, target, self.provenance.spec)

    def _rows(self) -> list[tuple[str, str, float, float]]:
        return [
            (criterion, indicator, weight, self.control[criterion] * weight)
            for criterion, weights in self.local.items()
            for indicator, weight in weights.items()
        ]

    def __repr__(self) -> str:
        weights = ", ".join(f"{name}: {weight:.4f}" for name, weight in self.control.items())
        return short_repr(
            "Solution", control=f"{{{weights}}}", indicators=len(self.priorities), notes=len(self.notes)
        )

    def _repr_html_(self) -> str:
        columns = ("criterion", "indicator", "local", "global")
        weights = html_table(columns, self._rows(), caption="Analytic network process: weights")
        found = self.consistency
        judged = html_table(list(found.columns), found.to_numpy().tolist(), caption="Consistency of the judgments")
        return weights + judged + "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)


def _labelled(values: FloatArray, labels: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(values.copy(), index=list(labels), columns=list(labels))
