"""Exact derivatives of priorities by whatever they were made from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
import pandas as pd

from custvalue._network_process.gradients import log_jacobian
from custvalue._network_process.moves import moves
from custvalue._network_process.outcome import (
    Outer,
    check_target,
    default_target,
    inner_jacobians,
    jacobians,
    prepared,
    target_names,
)
from custvalue._network_process.plan import Influenced, differential
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import require_choice
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from custvalue._network_process.judgments import Judgment
    from custvalue._network_process.outcome import Target
    from custvalue._network_process.plan import Plan, Solved, Source
    from custvalue._typing import FloatArray

SensitivityTo: TypeAlias = Literal["judgments", "pairs", "control_weights", "cluster_weights", "supermatrix"]
_SHOWN = 20
#: Path, words, value and derivatives of one parameter.
_Found: TypeAlias = "tuple[str, str, float, FloatArray]"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Sensitivity:
    """Derivatives of priorities by judgments, weights or cells of a supermatrix.

    Parameters
    ----------
    to : str
        What moves: "judgments", "pairs", "control_weights", "cluster_weights" or "supermatrix".
    of : str
        What is watched: "priorities", "ideal", "distributive", or the formula that combines merits.
    names : tuple of str
        Names of what is watched, in the order of the columns of `derivatives`.
    paths : tuple of str
        Where each parameter stands in the network.
    parameters : tuple of str
        Each parameter in words.
    values : ndarray of shape (n_parameters,)
        Their present values; read-only.
    derivatives : ndarray of shape (n_parameters, n_names)
        Change of each priority per unit of the parameter; per unit of its natural logarithm for judgments and
        pairs, so that a hundredth of it is the effect of 1 %; read-only.
    provenance : Provenance
        Package version, the network as JSON, the number of parameters.

    See Also
    --------
    Solution.sensitivity : The method that returns this result.

    Examples
    --------
    >>> from custvalue import anp
    >>> control = anp.Comparisons.from_values({"frequency": 1.0, "monetary": 3.0})
    >>> network = anp.Network(control=control, local={
    ...     "frequency": anp.DirectWeights(weights={"visits": 1.0}),
    ...     "monetary": anp.DirectWeights(weights={"turnover": 0.5, "balance": 0.5})})
    >>> network.solve().sensitivity().to_frame()
          path             parameter     value  visits  turnover  balance
    0  control  frequency : monetary  0.333333  0.1875  -0.09375 -0.09375
    """

    to: SensitivityTo
    of: Target
    names: tuple[str, ...]
    paths: tuple[str, ...]
    parameters: tuple[str, ...]
    values: FloatArray
    derivatives: FloatArray
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Give one row per parameter.

        Returns
        -------
        DataFrame
            Columns `path`, `parameter`, `value`, and one per watched name.
        """
        left = pd.DataFrame({"path": list(self.paths), "parameter": list(self.parameters), "value": self.values})
        return pd.concat([left, pd.DataFrame(self.derivatives, columns=list(self.names))], axis=1)

    def __repr__(self) -> str:
        return short_repr("Sensitivity", to=self.to, of=self.of, parameters=len(self.parameters))

    def _repr_html_(self) -> str:
        order = np.argsort(-np.abs(self.derivatives).max(axis=1, initial=0.0), kind="stable")[:_SHOWN]
        rows = [(self.parameters[k], self.values[k], *self.derivatives[k].tolist()) for k in order]
        per = "its logarithm" if self.to in ("judgments", "pairs") else "its value"
        caption = f"Sensitivity of {self.of} to {self.to}, per unit of {per}; the {len(rows)} largest"
        return html_table(("parameter", "value", *self.names), rows, caption=caption)


def sensitivity(solved: Solved, to: str, of: Target | None) -> Sensitivity:
    """Differentiate a solution; see `Solution.sensitivity`."""
    require_choice(to, SensitivityTo, "to")
    plan, weights = solved.plan, solved.weights
    target = default_target(plan) if of is None else of
    check_target(plan, target)
    try:
        found = list(_ROWS[to](solved, plan, weights, target))
    except ArithmeticError as error:
        raise DomainError(f"There is no derivative: {error}") from error
    names = target_names(plan, target)
    derivatives = np.array([row[3] for row in found]).reshape(len(found), len(names))
    return Sensitivity(
        to=to,  # type: ignore[arg-type]  # one of the names, as checked above
        of=target,
        names=names,
        paths=tuple(row[0] for row in found),
        parameters=tuple(row[1] for row in found),
        values=read_only(np.array([row[2] for row in found])),
        derivatives=read_only(derivatives),
        provenance=provenance(solved.document, n_parameters=len(found)),
    )


def in_words(source: Source, judgment: Judgment) -> str:
    """Say which judgment is meant."""
    column = f", on {source.column}" if source.column else ""
    expert = f" ({judgment.expert})" if judgment.expert else ""
    return f"{judgment.first} : {judgment.second}{column}{expert}"


def _by_judgment(to: str, solved: Solved, plan: Plan, weights: list[FloatArray], target: str) -> Iterator[_Found]:
    for source, chain in zip(plan.sources, jacobians(plan, weights, target), strict=True):
        found = log_jacobian(source.comparisons, solved.method, solved.aggregation) @ chain.T
        for judgment, direction in moves(source.comparisons, to):
            yield source.path, in_words(source, judgment), judgment.ratio, direction @ found


def _shrinking(weights: FloatArray, place: int | np.integer[Any]) -> FloatArray:
    """Give the direction in which one weight grows and the others shrink in proportion."""
    direction = -weights / (1.0 - weights[place])
    direction[place] = 1.0
    return np.asarray(direction)


def _by_control_weight(_: Solved, plan: Plan, weights: list[FloatArray], target: str) -> Iterator[_Found]:
    control = plan.control.take(weights)[0]
    chain = Outer(plan, weights, target).by_control()
    for place, criterion in enumerate(plan.criteria):
        if control[place] < 1.0:
            yield f"control.{criterion}", criterion, control[place], chain @ _shrinking(control, place)


def _by_cluster_weight(_: Solved, plan: Plan, weights: list[FloatArray], target: str) -> Iterator[_Found]:
    outer = Outer(plan, weights, target)
    for number, (criterion, part) in enumerate(zip(plan.criteria, plan.parts, strict=True)):
        if not isinstance(part, Influenced) or len(part.clusters) == 1:
            continue
        chain = outer.by_local(number)
        names = tuple(part.clusters)
        inner = inner_jacobians(part, weights)[len(part.blocks) :]
        for (cluster, rows, feed), (_feed, jacobian) in zip(part.cluster_feeds, inner, strict=True):
            shares = feed.take(weights)[0]
            for place, row in enumerate(rows):
                if 0.0 < shares[place] < 1.0:
                    path = f"local.{criterion}.cluster_influences.{names[cluster]}.{names[row]}"
                    moved = chain @ (jacobian @ _shrinking(shares, place))
                    yield path, f"{names[row]} on {names[cluster]}", shares[place], moved


def _by_cell(_: Solved, plan: Plan, weights: list[FloatArray], target: str) -> Iterator[_Found]:
    outer = Outer(plan, weights, target)
    for number, (criterion, part) in enumerate(zip(plan.criteria, plan.parts, strict=True)):
        if not isinstance(part, Influenced):
            continue
        chain = outer.by_local(number)
        matrix = part.weighted(part.unweighted(weights), part.cluster_matrix(weights))[0]
        ready = prepared(part, matrix)
        for column, name in enumerate(part.names):
            rows = np.flatnonzero((matrix[:, column] > 0.0) & (matrix[:, column] < 1.0))
            directions = np.column_stack([_shrinking(matrix[:, column], row) for row in rows] or [matrix[:, :0]])
            moved = (chain @ differential(ready, column, directions)).T
            for row, change in zip(rows, moved, strict=True):
                path = f"local.{criterion}.supermatrix.{part.names[row]}.{name}"
                yield path, f"{part.names[row]} on {name}", matrix[row, column], change


_ROWS: Final[Mapping[str, Callable[[Solved, Plan, list[FloatArray], str], Iterator[_Found]]]] = {
    "judgments": partial(_by_judgment, "judgments"),
    "pairs": partial(_by_judgment, "pairs"),
    "control_weights": _by_control_weight,
    "cluster_weights": _by_cluster_weight,
    "supermatrix": _by_cell,
}
