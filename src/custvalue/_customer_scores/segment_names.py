"""What a segment map, or cells, call the customers of two moments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from custvalue._customer_scores.cells import by_cell, label_of
from custvalue._customer_scores.score_table import ScoreTable, scores_of
from custvalue.exceptions import ColumnError, DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from custvalue._customer_scores.segment_map import SegmentMap
    from custvalue._typing import FloatArray


@dataclass(frozen=True)
class Segments:
    """A segment map and, for each of its axes, the column of scores that it reads; None: named like the axis."""

    segment_map: SegmentMap
    columns: dict[str, str] | None

    @classmethod
    def of(
        cls, segment_map: SegmentMap | None, columns: Mapping[str, str] | None, cuts: ScoreTable | None
    ) -> Segments | None:
        """Read both; a figure stands for its score."""
        if segment_map is None or cuts is None:
            if columns is not None:
                message = "segment_columns says what segment_map reads: give segment_map too."
                raise DomainError(message)
            return None
        if columns is None:
            return cls(segment_map, None)
        score = dict(zip(cuts.names, cuts.score_names, strict=True))
        unknown = [name for name in columns.values() if name not in score]
        if unknown:
            raise ColumnError.missing(
                unknown, available=score, mend="segment_columns must name figures of the cuts."
            )
        return cls(segment_map, {axis: score[name] for axis, name in columns.items()})


def labels_of(figures: FloatArray, table: ScoreTable, segments: Segments | None) -> Any:
    """Give each row's segment, or its cell."""
    scores = scores_of(table, figures)
    if segments is not None:
        named = pd.DataFrame({name: scores[:, j] for j, name in enumerate(table.score_names)})
        return segments.segment_map.label(named, columns=segments.columns)["segment"].to_numpy(dtype=np.str_)
    if not len(scores):
        return np.empty(0, dtype=np.str_)
    found, place, _ = by_cell(scores)
    return np.array([label_of(row) for row in found.tolist()], dtype=np.str_)[place]


def states_of(labels: Sequence[Any], segments: Segments | None) -> list[str]:
    """Name the states in order: the map's own, or the labels that there are; cells by their scores."""
    if segments is not None:
        return list(segments.segment_map.names)
    found: list[str] = np.unique(np.concatenate(labels)).tolist()
    return sorted(found, key=_by_scores)


def _by_scores(name: str) -> tuple[tuple[int, ...], str]:
    parts = name.split("-")
    return (tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else (), name)
