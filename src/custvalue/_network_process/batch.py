"""Priorities of many comparison matrices at once, and of one set of judgments under many shifts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from custvalue._kernels.comparison_methods import least_squares_operator
from custvalue._kernels.pairwise import normalised
from custvalue._kernels.pairwise_batch import connected_batch
from custvalue._network_process.judgments import panel_of
from custvalue._network_process.methods import (
    ALWAYS_CONSISTENT,
    check_choices,
    counted_experts,
    mixed,
    require_complete,
    require_positive,
    required_random_index,
    solved_stack,
)
from custvalue._network_process.panel import RECIPROCITY
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue.exceptions import DomainError, JudgmentError

if TYPE_CHECKING:
    from custvalue._network_process.judgments import Comparisons
    from custvalue._network_process.methods import Aggregation, Method, RandomIndex
    from custvalue._network_process.panel import Panel
    from custvalue._typing import ArrayLike, FloatArray

#: Numbers of a block of matrices, 16 MB, whatever the number of draws.
_BLOCK: Final = 2_000_000
_SHIFTS: Final = 2
_STACK: Final = 3


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PrioritiesBatch:
    """Priorities and consistency of many comparison matrices.

    Parameters
    ----------
    weights : ndarray of shape (n_matrices, n)
        Positive, rows sum to 1; read-only.
    lambda_max : ndarray of shape (n_matrices,)
        As in `Priorities`; read-only.
    consistency_index, consistency_ratio : ndarray of shape (n_matrices,)
        As in `Priorities`; read-only.
    random_index : str
        Name of the random-index table.
    method : str
        Method that gave the weights.
    provenance : Provenance
        Package version, the numbers of matrices and elements; the matrices are not kept.

    See Also
    --------
    priorities_batch : The function that returns this result.

    Examples
    --------
    >>> from custvalue import anp
    >>> anp.priorities_batch([[[1.0, 3.0], [1 / 3, 1.0]]]).to_frame()
       weight_0  weight_1  lambda_max  consistency_index  consistency_ratio
    0      0.75      0.25         2.0                0.0                0.0
    """

    weights: FloatArray
    lambda_max: FloatArray
    consistency_index: FloatArray
    consistency_ratio: FloatArray
    random_index: RandomIndex
    method: Method
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Give one row per matrix.

        Returns
        -------
        DataFrame
            Columns `weight_0`, `weight_1`, ..., `lambda_max`, `consistency_index`, `consistency_ratio`.
        """
        frame = pd.DataFrame(
            self.weights.copy(), columns=[f"weight_{place}" for place in range(self.weights.shape[1])]
        )
        for name in ("lambda_max", "consistency_index", "consistency_ratio"):
            frame[name] = getattr(self, name).copy()
        return frame

    def __repr__(self) -> str:
        return short_repr(
            "PrioritiesBatch", matrices=len(self.weights), elements=self.weights.shape[1], method=self.method
        )

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        caption = f"Priorities of {len(frame)} matrices ({self.method}, {self.random_index})"
        return html_table(list(frame.columns), frame.to_numpy().tolist(), caption=caption)


def priorities_batch(
    matrices: ArrayLike,
    *,
    method: Method = "eigenvector",
    random_index: RandomIndex = "alonso_lamata",
) -> PrioritiesBatch:
    """Compute priorities and consistency of many comparison matrices of one size at once.

    Parameters
    ----------
    matrices : array_like of shape (n_matrices, n, n)
        Reciprocal matrices; NaN on both sides of the diagonal for missing pairs, which may differ from matrix to
        matrix, under every method but "eigenvector".
    method : {"eigenvector", "logarithmic_least_squares", "harker", "lambda_min"}, default="eigenvector"
        As in `priorities`.
    random_index : {"alonso_lamata", "saaty_1980", "saaty_2005"}, default="alonso_lamata"
        As in `priorities`.

    Returns
    -------
    PrioritiesBatch
        What `priorities` gives for each matrix, to about 1e-12 and better.

    Raises
    ------
    DomainError
        If `matrices` does not hold numbers in three dimensions, one is infinite, a name is unknown, the random
        index has no value for so many elements, or a weight leaves the range of double precision.
    JudgmentError
        If a matrix is not positive, not reciprocal within 1e-9, has no unit diagonal, misses pairs under
        "eigenvector", or its judged pairs do not connect all elements; the message gives its position.

    See Also
    --------
    priorities : One set of judgments, with names, misfits and gradient.

    Notes
    -----
    The eigenvector is found by the same inverse iteration as in `priorities`, on all matrices together; matrices
    of more than 40 elements, those with ratios beyond 2^(500 / n), and incomplete ones under "lambda_min" are
    solved one by one. Cost: O(n^3) a matrix.

    Examples
    --------
    >>> import numpy as np
    >>> from custvalue import anp
    >>> first = [[1, 2, 6], [1 / 2, 1, 3], [1 / 6, 1 / 3, 1]]
    >>> second = [[1, 1, 1], [1, 1, 1], [1, 1, 1]]
    >>> anp.priorities_batch([first, second]).weights.round(6)
    array([[0.6     , 0.3     , 0.1     ],
           [0.333333, 0.333333, 0.333333]])
    """
    check_choices(method, random_index)
    stack = _read(matrices)
    incomplete = _check(stack, method)
    count, size = stack.shape[:2]
    divisor = required_random_index(random_index, size) if size > ALWAYS_CONSISTENT else 1.0
    weights, roots = solved_stack(stack, method, incomplete=incomplete)
    require_positive(weights)
    if size > ALWAYS_CONSISTENT:
        index = np.maximum(0.0, (roots - size) / (size - 1))
    else:
        index, roots = np.zeros(count), np.full(count, float(size))
    return PrioritiesBatch(
        weights=read_only(weights),
        lambda_max=read_only(roots),
        consistency_index=read_only(index),
        consistency_ratio=read_only(index / divisor),
        random_index=random_index,
        method=method,
        provenance=provenance(n_matrices=count, n_elements=size),
    )


def _read(matrices: ArrayLike) -> FloatArray:
    try:
        stack = np.asarray(matrices, dtype=np.float64)
    except (TypeError, ValueError) as error:
        message = "matrices must be an array of numbers of shape (n_matrices, n, n), all of one size."
        raise DomainError(message) from error
    if stack.ndim != _STACK or stack.shape[1] != stack.shape[2] or not stack.size:
        message = (
            f"matrices has the shape {stack.shape}; allowed: (n_matrices, n, n), one at least, with n from 1. "
            "Write [matrix] for a single one."
        )
        raise DomainError(message)
    return stack


def _check(stack: FloatArray, method: Method) -> bool:
    """Refuse what is no stack of judgments; tell whether pairs are missing."""
    with np.errstate(over="ignore", invalid="ignore"):
        errors = stack * stack.transpose(0, 2, 1)
        errors -= 1.0
        np.abs(errors, out=errors)
    # These two settle complete, valid input, its diagonal included: a NaN or an infinity makes the first false.
    if errors.max() <= RECIPROCITY and stack.min() > 0.0:
        return False
    gaps = np.isnan(stack)
    _refuse(np.isinf(stack), stack, DomainError, "is infinite; allowed: positive finite ratios")
    _refuse(stack <= 0.0, stack, JudgmentError, "is not positive; state ratios: 1 for equal, 1/3 for a third")
    off = np.zeros_like(gaps)
    place = np.arange(stack.shape[1])
    off[:, place, place] = ~(np.abs(np.diagonal(stack, axis1=1, axis2=2) - 1.0) <= RECIPROCITY)
    _refuse(off, stack, JudgmentError, "stands on the diagonal, which must be 1")
    _refuse(
        gaps & ~gaps.transpose(0, 2, 1), stack, JudgmentError, "is missing but its reciprocal is not; give both"
    )
    _refuse(
        ~gaps & (errors > RECIPROCITY),
        stack,
        JudgmentError,
        f"times its reciprocal is not 1 within {RECIPROCITY:g}; give 1/x in full precision",
    )
    if method == "eigenvector":
        _refuse(
            gaps,
            stack,
            JudgmentError,
            "is missing; method 'eigenvector' needs every pair, the other methods do not",
        )
    apart = np.flatnonzero(~connected_batch(~gaps))
    if len(apart):
        message = (
            f"matrices[{apart[0]}]: the judged pairs do not connect all elements; next_pair says what to ask."
        )
        raise JudgmentError(message)
    return True


def _refuse(bad: np.ndarray, stack: FloatArray, error: type[ValueError], why: str) -> None:
    places = np.argwhere(bad)
    if len(places):
        number, row, column = places[0].tolist()
        raise error(f"matrices[{number}]: entry ({row}, {column}), {stack[number, row, column]:.10g}, {why}.")


def shifted_weights(
    comparisons: Comparisons, shifts: FloatArray, method: Method, aggregation: Aggregation
) -> FloatArray:
    """Give the weights, (D, n), for each row of changes of the log ratios of the distinct judgments, (D, J)."""
    panel = panel_of(comparisons)
    if shifts.ndim != _SHIFTS or shifts.shape[1] != len(panel.judgments):
        message = f"shifts has the shape {shifts.shape}; allowed: (n_draws, {len(panel.judgments)})."
        raise DomainError(message)
    if method == "eigenvector":
        require_complete(panel.missing())
    if aggregation not in ("aip_geometric", "aip_arithmetic") or not panel.experts:
        return _group_weights(panel, shifts, method, panel.total if aggregation == "pooled" else None)
    places = panel.places_by_expert()
    counted = counted_experts(panel, method, places)
    each = [
        _group_weights(panel.alone(own), shifts[:, own], method, None)
        for own in (places[number] for number in counted.tolist())
    ]
    return mixed(np.array(each), panel.weights[counted], aggregation)


def _group_weights(panel: Panel, shifts: FloatArray, method: Method, counts: FloatArray | None) -> FloatArray:
    """Give the weights of the mean judgments of a panel under shifts of each judgment."""
    size = len(panel.elements)
    rows, columns = panel.pairs.T
    if method == "logarithmic_least_squares":
        operator = least_squares_operator(size, rows, columns, counts)
        logarithms = panel.pair_logarithms(shifts) @ operator.T
        weights = normalised(logarithms)
        require_positive(weights)
        return weights
    result = np.empty((len(shifts), size))
    template = np.where(panel.adjacency() | np.eye(size, dtype=np.bool_), 1.0, np.nan)
    width = max(1, _BLOCK // size**2)
    for first in range(0, len(shifts), width):
        logarithms = panel.pair_logarithms(shifts[first : first + width])
        stack = np.tile(template, (len(logarithms), 1, 1))
        with np.errstate(over="ignore"):
            stack[:, rows, columns], stack[:, columns, rows] = np.exp(logarithms), np.exp(-logarithms)
        if np.isinf(stack).any():
            message = "A shifted ratio leaves the range of double precision; shift by less."
            raise DomainError(message)
        result[first : first + width] = solved_stack(stack, method, incomplete=bool(np.isnan(template).any()))[0]
    require_positive(result)
    return result
