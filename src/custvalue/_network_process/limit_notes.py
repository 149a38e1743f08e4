"""What the structure of a supermatrix decides about its limit, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from custvalue._kernels.sinks import SinkLimit

if TYPE_CHECKING:
    from custvalue._kernels.supermatrix import CesaroLimit
    from custvalue._typing import FloatArray

_PAIR: Final = 2
_NAMED: Final = 10
#: Endings of notes that a reader who names a goal need not be told.
MOOT_WITH_A_GOAL: Final = (
    "so the limit depends on where it starts.",
    "so the weights depend on where the influence starts.",
    "influence nothing that lasts; their weight is 0.",
)


def limit_notes(
    values: FloatArray,
    names: tuple[str, ...],
    found: CesaroLimit | SinkLimit,
    unique: bool,  # noqa: FBT001 - private
    empty: tuple[int, ...],
    sinks: str,
) -> tuple[str, ...]:
    """Say what the structure of the supermatrix alone decides."""
    notes = []
    if empty:
        named = listed([names[node] for node in empty])
        notes.append(
            f"nothing influences {named}: sinks, treated by the policy {sinks!r}; others answer differently."
        )
    zero_diagonal = unique and not empty and values[0, 0] == 0.0 and not values.diagonal().any()
    if zero_diagonal and len(names) == _PAIR:
        notes.append(
            "two elements with a zero diagonal have the limit (0.5, 0.5) whatever was judged; use pairwise "
            "judgments (AHP) for a group of two."
        )
    elif zero_diagonal:
        notes.append("with a zero diagonal no weight can exceed 0.5, whatever was judged.")
    cycle = found.cycle if isinstance(found, SinkLimit) else max(found.periods)
    if cycle > 1:
        notes.append(
            f"the powers of the supermatrix cycle with period {cycle}; the weights are their average over the "
            "cycle."
        )
    if len(found.classes) > 1:
        parts = " and ".join(listed([names[node] for node in nodes]) for nodes in found.classes[:_NAMED])
        notes.append(f"influence stays within {parts}, so the limit depends on where it starts.")
    elif not unique:
        notes.append("the columns of the limit differ, so the weights depend on where the influence starts.")
    if found.transient.size and not isinstance(found, SinkLimit):
        idle = listed([names[node] for node in found.transient])
        notes.append(f"{idle} influence nothing that lasts; their weight is 0.")
    return tuple(notes)


def listed(names: tuple[str, ...] | list[str]) -> str:
    """Show names as a list, and count them where there are many."""
    if len(names) <= _NAMED:
        return str(list(names))
    return f"{list(names[:_NAMED])} and {len(names) - _NAMED} more"
