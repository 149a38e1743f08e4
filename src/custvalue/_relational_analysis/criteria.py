"""A decision matrix as it is read: names, directions, targets, and every criterion scaled so that 1 is best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from custvalue import _frames
from custvalue._relational_analysis.deng import checked_weights
from custvalue._spec import check_keys, unboxed
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from custvalue._typing import ArrayLike, BoolArray, FloatArray, Table

Direction: TypeAlias = Literal["benefit", "cost", "target"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
#: One direction for all criteria, one each in their order, or by name.
Directions: TypeAlias = str | Sequence[str] | Mapping[Any, str]
#: The value aimed at, for each criterion of the direction "target".
Targets: TypeAlias = Mapping[Any, float] | None


@dataclass(frozen=True, eq=False)
class Criteria:
    """Alternatives by criteria, scaled to [0, 1] with 1 as the ideal."""

    alternatives: tuple[Any, ...]
    names: tuple[str, ...]
    directions: tuple[Direction, ...]
    targets: dict[str, float]
    scaled: FloatArray
    #: Criteria in which no alternative differs from the ideal: nothing to divide by, and nothing to tell apart.
    alike: BoolArray

    def weights(self, weights: ArrayLike | Mapping[Any, float] | None) -> FloatArray:
        """Give checked weights in the order of the criteria; None weighs all alike."""
        if weights is None:
            return np.full(len(self.names), 1.0 / len(self.names))
        if isinstance(weights, Mapping):
            by_name = _named(weights, self.names, "weights")
            weights = [by_name[name] for name in self.names]
        return checked_weights(weights, len(self.names), "a criterion")


def read_criteria(matrix: Table, directions: Directions, targets: Targets) -> Criteria:
    """Read a decision matrix and scale it; a mapping of directions picks the columns of a frame by name."""
    columns = _frames.column_names(matrix)
    if columns is not None and isinstance(directions, Mapping):
        columns = tuple(str(name) for name in directions)
    values = _frames.numeric(matrix, columns, argument="matrix")
    if not values.size:
        message = f"matrix has shape {values.shape}; allowed: at least one alternative (row) and one criterion."
        raise DomainError(message)
    names = columns if columns is not None else tuple(str(place) for place in range(values.shape[1]))
    kinds = _checked_directions(directions, names)
    aims = _checked_targets(targets, [name for name, kind in zip(names, kinds, strict=True) if kind == "target"])
    scaled, alike = np.empty_like(values), np.zeros(len(names), dtype=np.bool_)
    for place, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        scaled[:, place], alike[place] = _scaled(values[:, place], kind, aims.get(name, 0.0))
    labels = _frames.row_labels(matrix)
    alternatives = tuple(range(len(values))) if labels is None else tuple(labels)
    return Criteria(alternatives, names, kinds, aims, scaled, alike)


def _scaled(values: FloatArray, kind: Direction, target: float) -> tuple[FloatArray, bool]:
    """Scale one criterion; where nothing differs from the ideal, every value is 1."""
    if kind == "target":
        missed = np.abs(values - target)
        farthest = missed.max()
    else:
        missed = values.max() - values if kind == "benefit" else values - values.min()
        farthest = values.max() - values.min()
    if farthest == 0.0:
        return np.ones_like(values), True
    if kind == "benefit":
        return (values - values.min()) / farthest, False
    return (farthest - missed) / farthest, False


def _checked_directions(directions: Directions, names: Sequence[str]) -> tuple[Direction, ...]:
    if isinstance(directions, Mapping):
        by_name = _named(directions, names, "directions")
        given: list[Any] = [by_name[name] for name in names]
    elif isinstance(directions, str):
        given = [directions] * len(names)
    else:
        given = list(directions)
    if len(given) != len(names) or any(kind not in DIRECTIONS for kind in given):
        message = (
            f"directions must be one of {', '.join(DIRECTIONS)}, or {len(names)} of them, one a criterion "
            "(a larger value is better, a smaller one, or one near a target)."
        )
        raise DomainError(message)
    return tuple(given)


def _checked_targets(targets: Targets, wanted: Sequence[str]) -> dict[str, float]:
    by_name = _named({} if targets is None else targets, wanted, "targets")
    numbers = {name: unboxed(by_name[name]) for name in wanted}
    for name, number in numbers.items():
        if not isinstance(number, int | float) or not abs(number) <= _frames.LARGEST:
            message = f"targets['{name}'] is no number; allowed: finite numbers up to {_frames.LARGEST:g}."
            raise DomainError(message)
    return {name: float(number) for name, number in numbers.items()}


def _named(given: object, names: Sequence[str], what: str) -> dict[str, Any]:
    """Give the entries of a mapping by name, or by position in an array; refuse others by name."""
    if not isinstance(given, Mapping):
        message = f"{what} is a {type(given).__name__}; allowed: a mapping by criterion, here {list(names)}."
        raise DomainError(message)
    entries = {str(key): value for key, value in given.items()}
    try:
        check_keys(entries, names, what)
    except ValueError as error:
        raise DomainError(f"{error}.") from None
    return entries
