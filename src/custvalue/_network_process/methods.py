"""How judgments become weights: the choices by name, and the weights by each choice, without any report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import numpy as np

from custvalue._kernels import comparison_methods, pairwise
from custvalue._kernels.pairwise_batch import least_squares_batch, perron_batch
from custvalue._network_process.judgments import panel_of
from custvalue._spec import require_choice
from custvalue.exceptions import DomainError, JudgmentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._network_process.judgments import Comparisons
    from custvalue._network_process.panel import Panel
    from custvalue._typing import FloatArray, IntArray

Method: TypeAlias = Literal["eigenvector", "logarithmic_least_squares", "harker", "lambda_min"]
RandomIndex: TypeAlias = Literal["alonso_lamata", "saaty_1980", "saaty_2005"]
Aggregation: TypeAlias = Literal["aij", "aip_geometric", "aip_arithmetic", "pooled"]

#: Up to so many elements judgments cannot contradict each other.
ALWAYS_CONSISTENT: Final = 2
#: Larger matrices gain nothing from being solved together.
TOGETHER: Final = 40
_SHOWN: Final = 10
#: Pairs that weigh less than this, relative to the heaviest, would be lost in the Laplacian's rounding.
_LEAST_POOLED: Final = 1e-6


def check_choices(method: str, random_index: str, aggregation: str = "aij") -> None:
    """Raise ``DomainError`` unless the choices are known by name and go together."""
    require_choice(method, Method, "method")
    require_choice(random_index, RandomIndex, "random_index")
    require_choice(aggregation, Aggregation, "aggregation")
    if aggregation == "pooled" and method != "logarithmic_least_squares":
        message = (
            f"aggregation is 'pooled' and method {method!r}; 'pooled' minimises squares over all experts, so it "
            "goes with method 'logarithmic_least_squares' only. Choose that method, or aggregation 'aij'."
        )
        raise DomainError(message)


def require_complete(missing: Sequence[tuple[str, str]], whose: str = "") -> None:
    """Raise ``JudgmentError`` naming the missing pairs and the methods that take incomplete judgments."""
    if not missing:
        return
    shown = ", ".join(f"{first!r} with {second!r}" for first, second in missing[:_SHOWN])
    more = f" and {len(missing) - _SHOWN} more pairs" if len(missing) > _SHOWN else ""
    message = (
        f"no judgment{whose} compares {shown}{more}; method 'eigenvector' needs every pair. Ask for them, or "
        "choose method 'harker', 'lambda_min' or 'logarithmic_least_squares', which take incomplete judgments."
    )
    raise JudgmentError(message)


def solved(matrix: FloatArray, method: Method, pair_weights: FloatArray | None = None) -> tuple[FloatArray, float]:
    """Give weights and lambda_max of a matrix with NaN for missing pairs; refuse what no double holds."""
    try:
        weights, root = comparison_methods.weights_and_root(matrix, method, pair_weights)
    except ArithmeticError as error:
        raise DomainError(f"{error} Check the largest and smallest ratios.") from error
    require_positive(weights)
    return weights, float(len(matrix)) if len(matrix) <= ALWAYS_CONSISTENT else root


def _one_by_one(stack: FloatArray, method: Method) -> tuple[FloatArray, FloatArray]:
    each = [solved(matrix, method) for matrix in stack]
    return np.array([weights for weights, _ in each]), np.array([root for _, root in each])


def solved_stack(stack: FloatArray, method: Method, *, incomplete: bool) -> tuple[FloatArray, FloatArray]:
    """Give weights and roots of many matrices at once; weights may be too small for a double."""
    if method == "lambda_min" and incomplete:
        return _one_by_one(stack, method)
    complete, logarithms = stack, None
    if method == "logarithmic_least_squares":
        logarithms = least_squares_batch(stack)
    if incomplete and logarithms is not None:
        complete = comparison_methods.filled(stack, logarithms)
    elif incomplete:
        complete = comparison_methods.harker_matrix(stack)
    try:
        weights, roots = perron_batch(complete)
    except ArithmeticError as error:
        raise DomainError(f"{error} Check the largest and smallest ratios.") from error
    if logarithms is not None:
        weights = pairwise.normalised(logarithms)
    return weights, roots


def solved_each(stack: FloatArray, method: Method) -> tuple[FloatArray, FloatArray]:
    """Do what `solved` does for a stack of matrices that are all complete or all incomplete."""
    size = stack.shape[1]
    if size > TOGETHER:
        return _one_by_one(stack, method)
    weights, roots = solved_stack(stack, method, incomplete=bool(np.isnan(stack[0]).any()))
    require_positive(weights)
    return weights, np.full(len(stack), float(size)) if size <= ALWAYS_CONSISTENT else roots


def require_positive(weights: FloatArray) -> None:
    """Raise ``DomainError`` where a weight has become too small for a double."""
    if not (weights > 0.0).all():
        message = "A weight is too small for double precision; check the largest and smallest ratios."
        raise DomainError(message)


class Consistency(NamedTuple):
    """Consistency index and the ratios by which it is judged."""

    consistency_index: float
    consistency_ratio: float
    adjusted_consistency_ratio: float


def consistency(lambda_max: float, size: int, missing: int, name: RandomIndex) -> Consistency:
    """Judge lambda_max by a random index, as if complete and adjusted for missing pairs."""
    if size <= ALWAYS_CONSISTENT:
        return Consistency(0.0, 0.0, 0.0)
    index = max(0.0, (lambda_max - size) / (size - 1))
    random_index = required_random_index(name, size)
    lowered = pairwise.missing_random_index(random_index, size, missing)
    return Consistency(index, index / random_index, index / lowered if lowered > 0.0 else 0.0)


def required_random_index(name: RandomIndex, size: int) -> float:
    """Look a random index up, or refuse by name."""
    value = pairwise.random_index(name, size)
    if value is None:
        message = (
            f"random_index {name!r} has values for up to 15 elements and {size} are compared; use "
            "'alonso_lamata', which has a formula for more, or compare in smaller groups."
        )
        raise DomainError(message)
    return value


def pair_table(panel: Panel, values: FloatArray) -> FloatArray:
    """Put numbers of the pairs into a symmetric matrix."""
    table = np.zeros((len(panel.elements),) * 2)
    rows, columns = panel.pairs.T
    table[rows, columns] = table[columns, rows] = values
    return table


def counted_experts(panel: Panel, method: Method, places: Sequence[IntArray]) -> IntArray:
    """Give the numbers of the experts who count; the judgments of each, at `places`, must connect all elements."""
    size = len(panel.elements)
    counted = np.flatnonzero(panel.weights > 0.0)
    wrong = ~panel.connected_experts()
    if method == "eigenvector":
        wrong |= np.array([len(own) for own in places]) < size * (size - 1) // 2
    for number in counted[wrong[counted]][:1].tolist():
        name, own = panel.experts[number], panel.alone(places[number])
        own.require_connected(f"the judgments of the expert {name!r}")
        require_complete(own.missing(), f" of the expert {name!r}")
    return counted


def aggregated(comparisons: Comparisons, method: Method, aggregation: Aggregation) -> tuple[FloatArray, float]:
    """Give the group's weights by an aggregation, and lambda_max of the aggregated judgments."""
    return aggregated_panel(panel_of(comparisons), method, aggregation)


def aggregated_panel(panel: Panel, method: Method, aggregation: Aggregation) -> tuple[FloatArray, float]:
    """Do what `aggregated` does with judgments that are arrays already."""
    if method == "eigenvector":
        require_complete(panel.missing())
    matrix = panel.matrix()
    if aggregation == "pooled":
        if panel.total.size and panel.total.min() < _LEAST_POOLED * panel.total.max():
            message = (
                f"aggregation is 'pooled' and the weights of the experts differ by more than {1 / _LEAST_POOLED:g}"
                " times, so that the lightest are lost in rounding; set them to 0, or choose aggregation 'aij'."
            )
            raise DomainError(message)
        return solved(matrix, method, pair_table(panel, panel.total))
    weights, lambda_max = solved(matrix, method)
    if aggregation == "aij" or not panel.experts:
        return weights, lambda_max
    counted = counted_experts(panel, method, panel.places_by_expert())
    each = np.empty((len(counted), len(panel.elements)))
    for places, stack in panel.own_matrices(counted):
        each[places] = solved_each(stack, method)[0]
    return mixed(each, panel.weights[counted], aggregation), lambda_max


def mixed(each: FloatArray, shares: FloatArray, aggregation: Aggregation) -> FloatArray:
    """Average the weights of experts, (K, ..., n), with shares that sum to 1."""
    if aggregation == "aip_arithmetic":
        return np.asarray(np.tensordot(shares, each, 1))
    return pairwise.normalised(np.tensordot(shares, np.log(each), 1))
