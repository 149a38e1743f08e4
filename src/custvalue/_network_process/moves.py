"""What is moved when a judgment moves: one expert's statement, or all statements about one pair together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np

from custvalue._network_process.gradients import distinct_judgments
from custvalue._network_process.ratios import Judgment

if TYPE_CHECKING:
    from custvalue._network_process.judgments import Comparisons
    from custvalue._typing import FloatArray

Moved: TypeAlias = Literal["judgments", "pairs"]


class Move(NamedTuple):
    """What a reader sees, and the direction (J,) in the logarithms of the distinct judgments."""

    judgment: Judgment
    direction: FloatArray


def moves(comparisons: Comparisons, to: str) -> list[Move]:
    """List the moves: each statement by itself, or each pair with the ratio that the experts have together."""
    stated = distinct_judgments(comparisons)
    unit = np.eye(len(stated))
    if to == "judgments":
        return [Move(judgment, unit[place]) for place, judgment in enumerate(stated)]
    place_of = {name: number for number, name in enumerate(comparisons.elements)}
    found: dict[frozenset[str], Move] = {}
    for place, judgment in enumerate(stated):
        pair = frozenset((judgment.first, judgment.second))
        if pair not in found:
            ratio = float(comparisons.matrix[place_of[judgment.first], place_of[judgment.second]])
            shown = Judgment(first=judgment.first, second=judgment.second, ratio=ratio)
            found[pair] = Move(shown, np.zeros(len(stated)))
        sign = 1.0 if judgment.first == found[pair].judgment.first else -1.0
        found[pair].direction[place] = sign
    return list(found.values())
