"""Explain customers: look up the two cases that matter, take their similarities apart, search for a change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from custvalue._case_based.counterfactual import MOST_SETS, Counterfactual, Found, find_flips
from custvalue._case_based.explanation import Explanation, Explanations
from custvalue._case_based.retrieval import rival_classes
from custvalue._case_based.wording import FEWEST
from custvalue._results import provenance, read_only
from custvalue._spec import FrozenMapping, unboxed
from custvalue.grey import pair_components

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from custvalue._case_based.retrieval import Retrieval
    from custvalue._typing import FloatArray, IntArray
    from custvalue.grey import ClassNearest


@dataclass(frozen=True, eq=False)
class _Cases:
    """The cases with what may be told of them."""

    names: tuple[str, ...]
    values: FloatArray
    codes: IntArray
    members: IntArray
    disclosed: bool

    def shown(self, case: int) -> FloatArray | None:
        """Give a case's values where they are no single customer's, or were asked for."""
        return read_only(self.values[case]) if self.disclosed or self.members[case] >= FEWEST else None

    def class_mean(self, case: int) -> FloatArray | None:
        """Give the mean customer of a hidden case's class, unless too few would stand behind what it adds."""
        if self.shown(case) is not None:
            return None
        own = self.codes == self.codes[case]
        if self.members[own & (self.members < FEWEST)].sum() < FEWEST:
            return None
        return read_only(np.average(self.values[own], axis=0, weights=self.members[own]))


@dataclass(frozen=True, eq=False)
class _Retrieved:
    """What was found for each query; case and rival stand side by side on the second axis of the parts."""

    queries: FloatArray
    codes: IntArray
    #: Class of the nearest unlike case; the query's own where there is none.
    rivals: IntArray
    nearest: ClassNearest
    coefficients: FloatArray
    contributions: FloatArray
    weights: FloatArray
    votes: FloatArray | None


def explain_queries(
    retrieval: Retrieval,
    queries: FloatArray,
    *,
    classes: NDArray[Any],
    case_ids: Sequence[str],
    members: IntArray,
    labels: Sequence[Any],
    unscaled: FloatArray | None = None,
    disclose_cases: bool = False,
    p_values: FloatArray | None = None,
    p_floors: FloatArray | None = None,
    lower: FloatArray,
    upper: FloatArray,
    min_margin: float = 0.0,
    counterfactuals: bool = True,
    most_sets: int = MOST_SETS,
) -> Explanations:
    """Explain each query by the nearest case of its class, the nearest unlike case, and a change of class.

    ``members`` counts the customers whose figures a case averages; ``lower`` and ``upper`` are the range of the
    customers that the cases stand for. Beside the decisions of the counterfactual search this costs two searches
    through the cases and O(p) a query.
    """
    found = _retrieved(retrieval, queries)
    hierarchy = retrieval.hierarchy
    names = [unboxed(name) for name in classes]
    cases = _Cases(tuple(case_ids), retrieval.cases, retrieval.codes, members, disclose_cases)
    flips: Sequence[Found | None] = [None] * len(queries)
    if counterfactuals:
        flips = find_flips(retrieval, queries, found.codes, found.nearest.index, found.weights, most_sets)
    outside = (queries > upper).astype(np.int64) - (queries < lower).astype(np.int64)
    rho = hierarchy.distinguishing_coefficient
    floor = rho / (1.0 + rho) if retrieval.ranges is None else None
    groups = tuple(hierarchy.group_names[place] for place in hierarchy.group_index)
    items = tuple(
        Explanation(
            **_likeness(found, row, names, cases),
            label=labels[row],
            min_margin=min_margin,
            similarity_floor=floor,
            p_values=None
            if p_values is None or np.isnan(p_values[row]).any()
            else _by_class(names, p_values[row]),
            p_floors=None if p_floors is None else _by_class(names, p_floors),
            indicators=hierarchy.indicators,
            groups=groups,
            outside=read_only(outside[row]),
            unscaled=None if unscaled is None else read_only(unscaled[row]),
            counterfactual=_counterfactual(flips[row], found, row, names, cases, hierarchy.indicators),
        )
        for row in range(len(queries))
    )
    counts = provenance(hierarchy.model_dump_json(), customers=len(queries), cases=len(retrieval.cases))
    return Explanations(items, counts)


def _retrieved(retrieval: Retrieval, queries: FloatArray) -> _Retrieved:
    voters, nearest = retrieval.nearest(queries), retrieval.by_class(queries)
    codes = retrieval.decided(voters)
    rows = np.arange(len(queries))
    rivals, best = rival_classes(nearest, codes, len(retrieval.cases))
    rivals = np.where(np.isfinite(best), rivals, codes)
    pairs = np.stack([nearest.index[rows, codes], nearest.index[rows, rivals]], axis=1)
    shape = (len(queries), 2, queries.shape[1])
    coefficients, contributions, weights = np.zeros(shape), np.zeros(shape), np.zeros_like(queries)
    for pattern in retrieval.patterns(queries):
        parts = pair_components(
            queries[np.ix_(pattern.rows, pattern.columns)],
            retrieval.cases[:, pattern.columns],
            pairs[pattern.rows],
            pattern.hierarchy,
            ranges=pattern.ranges,
        )
        place = np.ix_(pattern.rows, np.arange(2), pattern.columns)
        coefficients[place], contributions[place] = parts
        weights[np.ix_(pattern.rows, pattern.columns)] = pattern.hierarchy.global_weights
    coefficients[rivals == codes, 1] = contributions[rivals == codes, 1] = 0.0
    votes = retrieval.votes_of(voters) if retrieval.k > 1 else None
    return _Retrieved(queries, codes, rivals, nearest, coefficients, contributions, weights, votes)


def _by_class(names: Sequence[Any], values: FloatArray) -> FrozenMapping[Any, float]:
    return FrozenMapping(zip(names, values.tolist(), strict=True))


def _likeness(found: _Retrieved, row: int, names: Sequence[Any], cases: _Cases) -> dict[str, Any]:
    """Give the fields of one explanation that tell of case, rival and classes."""
    code, other = int(found.codes[row]), int(found.rivals[row])
    index, alike = found.nearest.index[row], found.nearest.similarity[row]
    case, rival = int(index[code]), None if other == code else int(index[other])
    similarity, second = float(alike[code]), 0.0 if rival is None else float(alike[other])
    return {
        "predicted": names[code],
        "case": cases.names[case],
        "similarity": similarity,
        "rival": None if rival is None else names[other],
        "rival_case": None if rival is None else cases.names[rival],
        "rival_similarity": second,
        "margin": similarity - second,
        "class_similarity": _by_class(names, np.where(index < 0, np.nan, alike)),
        "votes": None if found.votes is None else _by_class(names, found.votes[row]),
        "weights": read_only(found.weights[row]),
        "values": read_only(found.queries[row]),
        "coefficients": read_only(found.coefficients[row, 0]),
        "contributions": read_only(found.contributions[row, 0]),
        "rival_coefficients": read_only(found.coefficients[row, 1]),
        "rival_contributions": read_only(found.contributions[row, 1]),
        "case_values": cases.shown(case),
        "rival_values": None if rival is None else cases.shown(rival),
        "class_mean": cases.class_mean(case),
        "rival_class_mean": None if rival is None else cases.class_mean(rival),
    }


def _counterfactual(
    found: Found | None,
    retrieved: _Retrieved,
    row: int,
    names: Sequence[Any],
    cases: _Cases,
    indicators: Sequence[str],
) -> Counterfactual | None:
    """Tell of a flip what may be disclosed."""
    if found is None:
        return None
    predicted, flip = names[retrieved.codes[row]], found.flip
    if flip is None:
        nothing = np.empty(0)
        return Counterfactual(
            predicted, None, None, (), (), read_only(nothing), None, None, found.searched, found.complete
        )
    columns = list(flip.columns)
    start, target = retrieved.queries[row, columns], cases.values[flip.case, columns]
    shown = cases.shown(flip.case) is not None
    return Counterfactual(
        predicted=predicted,
        new_class=names[flip.new_code],
        case=cases.names[flip.case],
        indicators=tuple(indicators[column] for column in columns),
        directions=tuple("up" if rises else "down" for rises in (target > start).tolist()),
        start=read_only(start),
        target=read_only(target) if shown else None,
        change=flip.change if shown else None,
        searched=found.searched,
        complete=found.complete,
    )
