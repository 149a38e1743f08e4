"""From weights of judged sets to priorities: for one set of weights, for many draws, and as derivatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import numpy as np

from custvalue._kernels import supermatrix as kernel
from custvalue._network_process.limit import limit_supermatrix
from custvalue._network_process.plan import Influenced, Rated, differential
from custvalue._spec import require_choice
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from custvalue._network_process.plan import Feed, Part, Plan
    from custvalue._typing import FloatArray

Mode: TypeAlias = Literal["ideal", "distributive"]
Formula: TypeAlias = Literal[
    "multiplicative", "multiplicative_powers", "additive_reciprocal", "additive_probabilistic", "subtractive"
]
Target: TypeAlias = Literal[
    "priorities",
    "ideal",
    "distributive",
    "multiplicative",
    "multiplicative_powers",
    "additive_reciprocal",
    "additive_probabilistic",
    "subtractive",
]
MERITS: Final = ("benefits", "opportunities", "costs", "risks")
#: Squire and Trapp (1998): an imaginary step this small leaves no error but rounding.
_STEP: Final = 1e-30


def check_target(plan: Plan, target: str) -> None:
    """Raise ``DomainError`` unless the network can answer what is asked."""
    require_choice(target, Target, "of")
    if target != "priorities" and not plan.alternatives:
        message = f"{target!r} needs alternatives: name them in the network, or ask for 'priorities'."
        raise DomainError(message)
    if target in get_args(Formula) and not plan.merits:
        message = f"{target!r} needs merits: say in the network which criterion speaks about which merit."
        raise DomainError(message)
    if target in get_args(Mode) and {"costs", "risks"} & set(plan.merits.values()):
        message = f"{target!r} would count costs and risks as good: use bocr, or of= one of its formulas."
        raise DomainError(message)


def target_names(plan: Plan, target: str) -> tuple[str, ...]:
    """Name what the target gives a number to."""
    return plan.names if target == "priorities" else plan.alternatives


def default_target(plan: Plan) -> Target:
    """Choose the target that a reader expects: the decision if there is one, else the weights."""
    if plan.merits:
        message = f"the network has merits, so of must name how they are combined: {', '.join(get_args(Formula))}."
        raise DomainError(message)
    return "ideal" if plan.alternatives else "priorities"


def local_values(part: Part, weights: Sequence[FloatArray]) -> FloatArray:
    """Give the local values of one part for every draw: weights, or ratings with the best category at 1."""
    if isinstance(part, Influenced):
        return _limit_columns(part, part.weighted(part.unweighted(weights), part.cluster_matrix(weights)))
    found = part.feed.take(weights)
    if isinstance(part, Rated):
        return np.asarray((found / found.max(axis=1, keepdims=True))[:, part.category])
    return found


def _limit_columns(part: Influenced, matrices: FloatArray) -> FloatArray:
    sinks = np.flatnonzero(matrices[0].sum(axis=0) == 0.0)
    if not sinks.size or part.sinks == "identity":
        closed = matrices.copy() if sinks.size else matrices
        closed[:, sinks, sinks] = 1.0
        return kernel.limit_columns_batch(closed, part.goal)
    found = np.empty(matrices.shape[:2])
    for draw, matrix in enumerate(matrices):
        limit = limit_supermatrix(matrix, sinks=part.sinks)
        column = limit.priorities if part.goal is None else limit.starting_at(part.goal)
        if column is None:
            message = "The limit depends on where the influence starts; name a goal."
            raise DomainError(message)
        found[draw] = column
    return found


def evaluate(plan: Plan, weights: Sequence[FloatArray], target: str) -> FloatArray:
    """Compute the target for every draw: (D, n_targets), where ``weights[k]`` holds (D, n_k) or (1, n_k)."""
    control = plan.control.take(weights)
    return np.asarray(combine(plan, control, [local_values(part, weights) for part in plan.parts], target))


def combine(plan: Plan, control: NDArray[Any], values: Sequence[NDArray[Any]], target: str) -> NDArray[Any]:
    """Put control weights and local values together; real or complex, for every draw."""
    if target == "priorities":
        return _global(plan, control, values)
    mode = target if target in get_args(Mode) else "ideal"
    shares = [_alternatives(plan, part, local, mode) for part, local in zip(plan.parts, values, strict=True)]
    if target in get_args(Mode):
        return _normalised(sum_over(control, shares, range(len(shares))))
    return _merits(plan, control, shares, target)


def sum_over(control: NDArray[Any], shares: Sequence[NDArray[Any]], places: Sequence[int] | range) -> NDArray[Any]:
    """Add up shares by the weights of their criteria."""
    return np.asarray(sum(control[:, place, None] * shares[place] for place in places))


def _normalised(values: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(values / values.sum(axis=1, keepdims=True))


def _global(plan: Plan, control: NDArray[Any], values: Sequence[NDArray[Any]]) -> NDArray[Any]:
    names = plan.names
    place = {name: number for number, name in enumerate(names)}
    draws = max(len(control), *(len(local) for local in values))
    kind = np.result_type(control, *values)
    found = np.zeros((draws, len(names)), dtype=kind)
    for number, (part, local) in enumerate(zip(plan.parts, values, strict=True)):
        weights = _normalised(local) if isinstance(part, Rated) else local
        found[:, [place[name] for name in part.names]] += control[:, number, None] * weights
    return found


def _alternatives(plan: Plan, part: Part, local: NDArray[Any], mode: str) -> NDArray[Any]:
    """Give the alternatives' values under one criterion, as shares or in proportion to the best."""
    place = {name: number for number, name in enumerate(part.names)}
    found = local[:, [place[name] for name in plan.alternatives]]
    totals = found.sum(axis=1, keepdims=True)
    if (totals == 0.0).any():
        message = "The alternatives have no weight under a criterion, so that they cannot be compared there."
        raise DomainError(message)
    if mode == "distributive":
        return np.asarray(found / totals)
    if isinstance(part, Rated):
        return found
    best = np.argmax(found.real, axis=1)
    return np.asarray(found / found[np.arange(len(found)), best][:, None])


def _merits(plan: Plan, control: NDArray[Any], shares: Sequence[NDArray[Any]], formula: str) -> NDArray[Any]:
    weights, scores = {}, {}
    for merit in MERITS:
        places = [number for number, name in enumerate(plan.criteria) if plan.merits[name] == merit]
        if places and (control[:, places].real.sum(axis=1) > 0.0).all():  # a merit without weight says nothing
            weights[merit] = control[:, places].sum(axis=1)
            scores[merit] = _normalised(sum_over(control, shares, places))
    return combine_merits(scores, weights, formula)


def combine_merits(
    scores: dict[str, NDArray[Any]], weights: dict[str, NDArray[Any]], formula: str
) -> NDArray[Any]:
    """Combine the alternatives' normalised scores (D, A) under the merits; see `bocr` for the formulas."""
    good = [merit for merit in ("benefits", "opportunities") if merit in scores]
    bad = [merit for merit in ("costs", "risks") if merit in scores]
    needs_reciprocals = formula in ("multiplicative", "multiplicative_powers", "additive_reciprocal")
    if needs_reciprocals and any((scores[merit] == 0.0).any() for merit in bad):
        message = (
            f"{formula!r} divides by the costs and risks, and an alternative has none; use "
            "'additive_probabilistic' or 'subtractive'."
        )
        raise DomainError(message)
    result: Any = 1.0 if formula.startswith("multiplicative") else 0.0
    for merit in (*good, *bad):
        score, weight = scores[merit], weights[merit][:, None]
        if formula == "multiplicative":
            with np.errstate(over="ignore", invalid="ignore"):
                result = result * score if merit in good else result / score
        elif formula == "multiplicative_powers":
            result = result * score ** (weight if merit in good else -weight)
        elif merit in good:
            result = result + weight * score
        elif formula == "additive_reciprocal":
            result = result + weight * _normalised(1.0 / score)
        elif formula == "additive_probabilistic":
            result = result + weight * (1.0 - score)
        else:
            result = result - weight * score
    found = np.asarray(result)
    if formula == "subtractive":
        return found
    totals = found.real.sum(axis=1)
    if not (np.isfinite(totals) & (totals > 0.0)).all():
        message = f"{formula!r} gives no alternative a value that can be compared; use 'subtractive'."
        raise DomainError(message)
    return _normalised(found)


def jacobians(plan: Plan, weights: Sequence[FloatArray], target: str) -> list[FloatArray]:
    """Differentiate the target by the weights of every source: ``[k]`` is (n_targets, n_k).

    Below a criterion through the group inverse; how criteria and alternatives are put together, which is rational,
    by an imaginary step (Squire & Trapp 1998), exact to rounding.
    """
    outer = Outer(plan, weights, target)
    found = [np.zeros((outer.size, len(source.comparisons.elements))) for source in plan.sources]
    if plan.control.source is not None:
        found[plan.control.source] += outer.by_control()
    for number, part in enumerate(plan.parts):
        chain = outer.by_local(number)
        for feed, inner in inner_jacobians(part, weights):
            if feed.source is not None:
                found[feed.source] += chain @ inner
    return found


class Outer:
    """Derivatives of a target by the control weights and by the local values, at the solution."""

    def __init__(self, plan: Plan, weights: Sequence[FloatArray], target: str) -> None:
        self.plan, self.target = plan, target
        self.control = plan.control.take(weights)
        self.values = [local_values(part, weights) for part in plan.parts]
        self.size = len(target_names(plan, target))

    def by_control(self) -> FloatArray:
        """Give (n_targets, n_criteria)."""
        moved = self.control + _STEP * 1j * np.eye(self.control.shape[1])
        return np.asarray(combine(self.plan, moved, self.values, self.target).imag.T / _STEP)

    def by_local(self, number: int) -> FloatArray:
        """Give (n_targets, n_local) for one criterion."""
        values: list[NDArray[Any]] = list(self.values)
        values[number] = self.values[number] + _STEP * 1j * np.eye(self.values[number].shape[1])
        return np.asarray(combine(self.plan, self.control, values, self.target).imag.T / _STEP)


def inner_jacobians(part: Part, weights: Sequence[FloatArray]) -> list[tuple[Feed, FloatArray]]:
    """Differentiate the local values of one part by every feed of it: (n_local, n_k) each."""
    if isinstance(part, Influenced):
        return _supermatrix_jacobians(part, weights)
    found = part.feed.take(weights)[0]
    if not isinstance(part, Rated):
        return [(part.feed, np.eye(len(found)))]
    best = int(np.argmax(found))
    inner = np.eye(len(found)) / found[best]
    inner[:, best] -= found / found[best] ** 2
    return [(part.feed, inner[part.category])]


def prepared(part: Influenced, matrix: FloatArray) -> tuple[FloatArray, ...]:
    """Give what `differential` needs at a weighted supermatrix, refusing what has no derivative."""
    if part.sinks == "calculus" and (matrix.sum(axis=0) == 0.0).any():
        message = "Sensitivities are not defined for the sink policy 'calculus'; use 'identity' or 'hierarchy'."
        raise DomainError(message)
    return part.column_differential(matrix)


def _supermatrix_jacobians(part: Influenced, weights: Sequence[FloatArray]) -> list[tuple[Feed, FloatArray]]:
    unweighted, clusters = part.unweighted(weights), part.cluster_matrix(weights)
    matrix = part.weighted(unweighted, clusters)[0]
    ready = prepared(part, matrix)
    many = len(part.clusters) > 1
    shares = part.shares(clusters)[0] if many else np.ones((1, len(part.names)))
    size = len(part.names)
    found = []
    for column, rows, feed in part.blocks:
        direction = np.zeros((size, len(rows)))
        direction[rows, np.arange(len(rows))] = shares[part.membership[rows[0]], column]
        found.append((feed, differential(ready, column, direction)))
    present = part.present()
    for cluster, rows, feed in part.cluster_feeds if many else ():
        inner = np.zeros((size, len(rows)))
        for column in np.flatnonzero((part.membership == cluster) & (matrix.sum(axis=0) > 0.0)).tolist():
            total = float(clusters[0, rows, cluster] @ present[rows, column])
            direction = np.where(part.membership[:, None] == rows, unweighted[0, :, column, None], 0.0)
            direction = (direction - matrix[:, column, None] * present[rows, column]) / total
            inner += differential(ready, column, direction)
        found.append((feed, inner))
    return found
