"""Judgments of several experts as arrays: who judged which pair, with what share, and whether it all connects."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from custvalue._kernels.comparison_graph import components, next_link
from custvalue.exceptions import JudgmentError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from custvalue._network_process.ratios import Judgment
    from custvalue._typing import BoolArray, FloatArray, IntArray

#: Two statements of one ratio may differ by this, relatively: the rounding of 1/x.
RECIPROCITY: Final = 1e-9
_SHOWN: Final = 10
#: Numbers of a block of matrices, 16 MB, whatever the number of experts.
_BLOCK: Final = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Distinct judgments of some experts, pair by pair.

    `judgments` holds each pair once per expert, as first stated; `expert`, `row`, `column`, `ratio` and
    `logarithm` are aligned with it. `pairs` are the pairs (i < j) judged by experts with a positive weight, `pair`
    gives each judgment's place among them (-1 without weight), `share` the signed part that its logarithm has in
    the pair's mean, and `total` the weight of a pair's experts together.
    """

    elements: tuple[str, ...]
    judgments: tuple[Judgment, ...]
    experts: tuple[str, ...]
    weights: FloatArray
    expert: IntArray
    row: IntArray
    column: IntArray
    ratio: FloatArray
    logarithm: FloatArray
    pairs: IntArray
    pair: IntArray
    share: FloatArray
    total: FloatArray

    def pair_logarithms(self, shifts: FloatArray | None = None) -> FloatArray:
        """Give the mean logarithm of each pair, (P,), or of shifted judgments, (D, J) to (D, P)."""
        return self.pair_sums(self.logarithm if shifts is None else self.logarithm + shifts)

    def pair_sums(self, values: FloatArray) -> FloatArray:
        """Average signed numbers of the judgments, (J,) or (D, J), over the experts who judged each pair."""
        kept = np.flatnonzero(self.pair >= 0)
        shape = (len(self.pairs), len(self.judgments))
        means = csr_array((self.share[kept], (self.pair[kept], kept)), shape=shape)
        return np.asarray((means @ values.T).T)

    def by_judgment(self, slopes: FloatArray) -> FloatArray:
        """Chain derivatives by the pairs' logarithms, (P, ...), to derivatives by the judgments', (J, ...)."""
        share = self.share.reshape(-1, *(1,) * (slopes.ndim - 1))
        if not len(self.pairs):
            return np.zeros((len(self.judgments), *slopes.shape[1:]))
        return np.asarray(slopes[self.pair] * share)

    def matrix(self) -> FloatArray:
        """Give the weighted geometric means of the judgments, 1 on the diagonal and NaN where there are none."""
        size = len(self.elements)
        result = np.full((size, size), np.nan)
        np.fill_diagonal(result, 1.0)
        sign = np.where(self.row < self.column, 1.0, -1.0)
        kept = np.flatnonzero(self.pair >= 0)
        first = kept[np.unique(self.pair[kept], return_index=True)[1]]
        # Deviations from the first judgment: one judgment, or several that agree, come out as they were stated.
        deviation = np.zeros(len(self.logarithm))
        reference = first[self.pair[kept]]
        deviation[kept] = self.logarithm[kept] * sign[kept] - self.logarithm[reference] * sign[reference]
        means = self.pair_sums(deviation * sign) * sign[first]
        for pair, place in enumerate(first.tolist()):
            ratio = float(self.ratio[place]) * math.exp(means[pair])
            row, column = self.row[place], self.column[place]
            result[row, column], result[column, row] = ratio, 1.0 / ratio
        return result

    def adjacency(self) -> BoolArray:
        """Give the comparison graph of the experts with a positive weight."""
        size = len(self.elements)
        graph = np.zeros((size, size), dtype=np.bool_)
        graph[self.pairs[:, 0], self.pairs[:, 1]] = graph[self.pairs[:, 1], self.pairs[:, 0]] = True
        return graph

    def missing(self) -> tuple[tuple[str, str], ...]:
        """Name the pairs that nobody with a positive weight judged."""
        rows, columns = np.nonzero(np.triu(~self.adjacency(), 1))
        return tuple((self.elements[i], self.elements[j]) for i, j in zip(rows, columns, strict=True))

    def places_by_expert(self) -> tuple[IntArray, ...]:
        """Give the places of each expert's own judgments, in the order in which they were stated."""
        if not self.experts:
            return ()
        counts = np.bincount(self.expert, minlength=len(self.experts))
        return tuple(np.split(np.argsort(self.expert, kind="stable"), np.cumsum(counts)[:-1]))

    def alone(self, places: IntArray) -> Panel:
        """Give the panel of one expert from the places of all of that expert's judgments."""
        row, column = self.row[places], self.column[places]
        pairs = np.column_stack([np.minimum(row, column), np.maximum(row, column)])
        order = np.lexsort((pairs[:, 1], pairs[:, 0]))
        return Panel(
            elements=self.elements,
            judgments=tuple(self.judgments[place] for place in places.tolist()),
            experts=(self.experts[self.expert[places[0]]],),
            weights=np.ones(1),
            expert=np.zeros(len(places), dtype=np.int64),
            row=row,
            column=column,
            ratio=self.ratio[places],
            logarithm=self.logarithm[places],
            pairs=pairs[order],
            pair=np.argsort(order),
            share=np.where(row < column, 1.0, -1.0),
            total=np.ones(len(places)),
        )

    def connected_experts(self) -> BoolArray:
        """Tell whose own judgments connect all elements."""
        size = len(self.elements)
        # Fewer judgments than a tree has edges connect nothing; leaving them out bounds the number of nodes.
        result = np.bincount(self.expert, minlength=len(self.experts)) >= size - 1
        if not result.any():
            return np.asarray(result)
        kept = np.flatnonzero(result[self.expert])
        start = (np.cumsum(result) - 1)[self.expert[kept]] * size
        nodes = int(result.sum()) * size
        ends = (start + self.row[kept], start + self.column[kept])
        graph = csr_array((np.ones(len(kept), dtype=np.int8), ends), shape=(nodes, nodes))
        labels = connected_components(graph, directed=False)[1].reshape(-1, size)
        result[result] = (labels == labels[:, :1]).all(axis=1)
        return np.asarray(result)

    def own_matrices(self, numbers: IntArray) -> Iterator[tuple[IntArray, FloatArray]]:
        """Give the own matrices of experts, distinct numbers, in stacks with the experts' places in `numbers`.

        A stack holds either complete matrices or incomplete ones, with NaN where a pair is not judged.
        """
        size = len(self.elements)
        counts = np.bincount(self.expert, minlength=len(self.experts))[numbers]
        complete = counts == size * (size - 1) // 2
        width = max(1, _BLOCK // size**2)
        diagonal = np.arange(size)
        for group in (np.flatnonzero(complete), np.flatnonzero(~complete)):
            for first in range(0, len(group), width):
                chosen = group[first : first + width]
                slot = np.full(len(self.experts), -1)
                slot[numbers[chosen]] = np.arange(len(chosen))
                kept = np.flatnonzero(slot[self.expert] >= 0)
                at, row, column = slot[self.expert[kept]], self.row[kept], self.column[kept]
                stack = np.full((len(chosen), size, size), np.nan)
                stack[:, diagonal, diagonal] = 1.0
                stack[at, row, column], stack[at, column, row] = self.ratio[kept], 1.0 / self.ratio[kept]
                yield chosen, stack

    def require_connected(self, whose: str = "the judgments") -> None:
        """Raise ``JudgmentError`` naming the components and the best next pair if the judgments fall apart."""
        parts = components(len(self.elements), self.pairs[:, 0], self.pairs[:, 1])
        link = next_link(self.adjacency()) if len(parts) > 1 else None
        if link is None:
            return
        groups = [str([self.elements[i] for i in members[:_SHOWN]]) for members in parts[:_SHOWN]]
        more = f" and {len(parts) - _SHOWN} more groups" if len(parts) > _SHOWN else ""
        first, second = (self.elements[node] for node in link)
        message = (
            f"{whose} do not connect the elements: no judgment compares {' with '.join(groups)}{more}; ask next "
            f"for {first!r} against {second!r}, or compare the groups apart"
        )
        raise JudgmentError(message)


def _said_by(expert: str) -> str:
    return f" of the expert {expert!r}" if expert else ""


def _distinct(elements: Sequence[str], judgments: Sequence[Judgment]) -> tuple[Judgment, ...]:
    """Keep each pair once per expert, refusing whatever does not define a ratio of two elements."""
    place = {name: number for number, name in enumerate(elements)}
    kept: dict[tuple[str, int, int], Judgment] = {}
    for judgment in judgments:
        row, column = place.get(judgment.first, -1), place.get(judgment.second, -1)
        if row < 0 or column < 0:
            unknown = judgment.first if row < 0 else judgment.second
            by = _said_by(judgment.expert)
            message = f"a judgment{by} names {unknown!r}, which is not among the elements {list(elements)}"
            raise JudgmentError(message)
        if row == column:
            by = _said_by(judgment.expert)
            message = f"a judgment{by}: {judgment.first!r} is compared with itself; leave this judgment out"
            raise JudgmentError(message)
        pair = (row, column) if row < column else (column, row)
        known = kept.setdefault((judgment.expert, *pair), judgment)
        if known is judgment:
            continue
        ratio = known.ratio if known.first == judgment.first else 1.0 / known.ratio
        if not math.isclose(ratio, judgment.ratio, rel_tol=RECIPROCITY):
            message = (
                f"the judgments{_said_by(judgment.expert)} of {judgment.first!r} against {judgment.second!r} "
                "contradict each other: "
                f"{ratio:.10g} and {judgment.ratio:.10g}; keep one, or name the expert of each"
            )
            raise JudgmentError(message)
    return tuple(kept.values())


def build_panel(elements: Sequence[str], judgments: Sequence[Judgment], experts: Mapping[str, float]) -> Panel:
    """Turn judgments into arrays; `experts` gives weights, or is empty for equal ones."""
    distinct = _distinct(elements, judgments)
    place = {name: number for number, name in enumerate(elements)}
    names = tuple(dict.fromkeys(judgment.expert for judgment in distinct))
    weights = np.array([experts[name] if experts else 1.0 for name in names])
    weights = weights / weights.sum() if names else weights
    number_of = {name: number for number, name in enumerate(names)}
    expert = np.array([number_of[judgment.expert] for judgment in distinct], dtype=np.int64)
    row = np.array([place[judgment.first] for judgment in distinct], dtype=np.int64)
    column = np.array([place[judgment.second] for judgment in distinct], dtype=np.int64)
    ratio = np.array([judgment.ratio for judgment in distinct], dtype=np.float64)
    weight = weights[expert] if names else np.zeros(0)
    codes = np.minimum(row, column) * len(elements) + np.maximum(row, column)
    judged, pair = np.unique(codes[weight > 0.0], return_inverse=True)
    number = np.full(len(distinct), -1)
    number[weight > 0.0] = pair
    total: FloatArray = np.bincount(pair, weight[weight > 0.0], len(judged)).astype(np.float64)
    share = np.zeros(len(distinct))
    share[weight > 0.0] = weight[weight > 0.0] / total[pair]
    return Panel(
        elements=tuple(elements),
        judgments=distinct,
        experts=names,
        weights=weights,
        expert=expert,
        row=row,
        column=column,
        ratio=ratio,
        logarithm=np.log(ratio),
        pairs=np.column_stack(np.divmod(judged, len(elements))).astype(np.int64),
        pair=number,
        share=np.where(row < column, share, -share),
        total=total,
    )
