"""How a network is solved, and what its solution must say besides the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from custvalue._network_process.judged import Judged
from custvalue._network_process.limit import Limit, limit_supermatrix
from custvalue._network_process.limit_notes import MOOT_WITH_A_GOAL
from custvalue._network_process.outcome import local_values
from custvalue._network_process.plan import Influenced, Rated
from custvalue._network_process.priorities import priorities
from custvalue._network_process.solution import Solution
from custvalue._network_process.supermatrix import weighted_supermatrix
from custvalue._results import provenance, read_only
from custvalue._spec import FrozenMapping
from custvalue.exceptions import DomainError, JudgmentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from custvalue._network_process.plan import Plan, Source
    from custvalue._network_process.priorities import Aggregation, Method, Priorities, RandomIndex
    from custvalue._typing import FloatArray

#: Saaty (1980): judgments with a larger consistency ratio should be revised.
ACCEPTABLE_RATIO: Final = 0.1


class Solver:
    """Collects, over one network, what the solution reports besides the weights."""

    def __init__(self, method: Method, random_index: RandomIndex, aggregation: Aggregation) -> None:
        self.method: Method = method
        self.random_index: RandomIndex = random_index
        self.aggregation: Aggregation = aggregation
        self.notes: list[str] = []
        self.limits: dict[str, Limit] = {}
        self.tables: dict[str, tuple[FloatArray, FloatArray, FloatArray]] = {}

    def solve(self, plan: Plan, document: str) -> Solution:
        """Give the solution of a network's plan; the document is its JSON text."""
        judged = tuple(self.judge(source) for source in plan.sources)
        weights = [entry.priorities.weights[None, :] for entry in judged]
        control = plan.control.take(weights)[0]
        local: dict[str, Mapping[str, float]] = {}
        ratings: dict[str, Mapping[str, float]] = {}
        for criterion, part in zip(plan.criteria, plan.parts, strict=True):
            if isinstance(part, Influenced):
                values = self.influenced(part, criterion, weights)
            else:
                values = local_values(part, weights)[0]
            if not values.any():
                message = (
                    f"local.{criterion}: all alternatives have the value 0, so that they cannot be compared; give "
                    "one of them a category above 0."
                )
                raise DomainError(message)
            if isinstance(part, Rated):
                ratings[criterion] = _mapping(part.names, values)
                values = values / values.sum()
            local[criterion] = _mapping(part.names, values)
        return Solution(
            control=_mapping(plan.criteria, control),
            local=FrozenMapping(local),
            priorities=_mapping(plan.names, _overall(plan, control, local)),
            clusters=FrozenMapping(
                {
                    c: FrozenMapping(p.clusters)
                    for c, p in zip(plan.criteria, plan.parts, strict=True)
                    if isinstance(p, Influenced)
                }
            ),
            supermatrices=FrozenMapping({name: tables[0] for name, tables in self.tables.items()}),
            cluster_matrices=FrozenMapping({name: tables[1] for name, tables in self.tables.items()}),
            weighted_supermatrices=FrozenMapping({name: tables[2] for name, tables in self.tables.items()}),
            limits=FrozenMapping(self.limits),
            ratings=FrozenMapping(ratings),
            alternatives=plan.alternatives,
            judged=judged,
            deviations=FrozenMapping(plan.deviations),
            notes=tuple(self.notes),
            method=self.method,
            random_index=self.random_index,
            aggregation=self.aggregation,
            plan=plan,
            provenance=provenance(document, n_criteria=len(control), n_indicators=len(plan.names)),
        )

    def judge(self, source: Source) -> Judged:
        """Give the priorities of one set of judgments, and note what is wrong with it."""
        try:
            found = priorities(
                source.comparisons,
                method=self.method,
                random_index=self.random_index,
                aggregation=self.aggregation,
            )
        except (DomainError, JudgmentError) as error:
            raise type(error)(f"{source.path}: {error}") from error
        self.describe(found, source.path)
        self.describe_experts(found, source.path)
        return Judged(source.criterion, source.column, found, cluster=source.cluster, path=source.path)

    def describe(self, found: Priorities, path: str) -> None:
        """Note inconsistency and missing pairs."""
        if found.consistency_ratio > ACCEPTABLE_RATIO:
            self.notes.append(
                f"{path}: the consistency ratio {found.consistency_ratio:.3f} is above {ACCEPTABLE_RATIO} "
                "(Saaty 1980); ask for the judgments again."
            )
        if found.missing:
            pairs = ", ".join(f"{first!r} with {second!r}" for first, second in found.missing[:5])
            more = f" and {len(found.missing) - 5} more" if len(found.missing) > 5 else ""  # noqa: PLR2004 - as many as are shown
            self.notes.append(
                f"{path}: no judgment compares {pairs}{more}; the others imply these, and the consistency ratio, "
                "which is made for complete sets, looks better than it is."
            )

    def describe_experts(self, found: Priorities, path: str) -> None:
        """Note experts whose own judgments contradict themselves: the average may hide it."""
        if len(found.comparisons.expert_names) == 1:
            return
        agreement = found.agreement()
        for expert, ratio in zip(agreement.experts, agreement.consistency_ratio.tolist(), strict=True):
            if ratio > ACCEPTABLE_RATIO:
                self.notes.append(
                    f"{path}: the own judgments of {expert!r} have the consistency ratio {ratio:.3f}, above "
                    f"{ACCEPTABLE_RATIO}; see misfits() and agreement() of these judgments."
                )

    def influenced(self, part: Influenced, criterion: str, weights: list[FloatArray]) -> FloatArray:
        """Fill the supermatrix, find its limit, and give the column that holds the local weights."""
        path = f"local.{criterion}"
        unweighted = part.unweighted(weights)[0]
        clusters = part.cluster_matrix(weights)[0] if len(part.clusters) > 1 else np.ones((1, 1))
        frame = pd.DataFrame(unweighted, index=list(part.names), columns=list(part.names))
        try:
            weighted = frame
            if len(part.clusters) > 1:
                weighted = weighted_supermatrix(frame, part.clusters, clusters)
            limit = limit_supermatrix(weighted, sinks=part.sinks)
        except DomainError as error:
            raise DomainError(f"{path}: {error}") from error
        values = limit.priorities if part.goal is None else limit.starting_at(part.goal)
        if values is None:
            self.refuse(part, limit, path)
        elif not values.any():
            message = (
                f"{path}: the goal {part.names[part.goal or 0]!r} is a sink, nothing influences it, so that no "
                f"priorities can be read there under {part.sinks!r}. Name another goal."
            )
            raise DomainError(message)
        self.tables[criterion] = (read_only(unweighted), read_only(clusters), read_only(weighted.to_numpy()))
        self.limits[criterion] = limit
        moot = MOOT_WITH_A_GOAL if part.goal is not None else ()
        self.notes += [f"{path}: {note}" for note in limit.notes if not note.endswith(moot)]
        return np.asarray(values)

    def refuse(self, part: Influenced, limit: Limit, path: str) -> None:
        """Say why the limit gives no one vector of weights."""
        mend = "Let them influence each other, or make them criteria of their own"
        if part.sinks != "error" or tuple(part.clusters) != (path.removeprefix("local."),):
            mend += ", or name a goal, the node from which the priorities are read"
        if len(limit.classes) <= 1:
            message = f"{path}: the columns of the limit differ, so it gives no one vector of weights. {mend}."
            raise DomainError(message)
        parts = " and ".join(str([part.names[node] for node in members]) for members in limit.classes[:5])
        message = (
            f"{path}: influence stays within {parts}, so the limit depends on where it starts and gives no one "
            f"vector of weights. {mend}."
        )
        raise DomainError(message)


def _mapping(names: tuple[str, ...], values: FloatArray) -> FrozenMapping[str, float]:
    return FrozenMapping(dict(zip(names, values.tolist(), strict=True)))


def _overall(plan: Plan, control: FloatArray, local: Mapping[str, Mapping[str, float]]) -> FloatArray:
    found = dict.fromkeys(plan.names, 0.0)
    for weight, criterion in zip(control.tolist(), plan.criteria, strict=True):
        for name, share in local[criterion].items():
            found[name] += weight * share
    return np.array(list(found.values()))
