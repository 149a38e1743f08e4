"""Retrieve and reuse: the cases a customer is most like, and the class they vote for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from custvalue._results import provenance, read_only
from custvalue._spec import unboxed
from custvalue.exceptions import DataError, DomainError
from custvalue.grey import ClassNearest, FrozenRanges, Hierarchy, Nearest, nearest, nearest_by_class

if TYPE_CHECKING:
    from collections.abc import Iterator

    from custvalue._typing import ArrayLike, FloatArray, IntArray

MOST_THREADS = 1024
_VOTES = ("majority", "similarity")
_MISSING = ("raise", "skip")
_ENGINES = ("auto", "numpy", "numba")


@dataclass(frozen=True, eq=False)
class Pattern:
    """Queries that lack the same indicators, and what is left to compare them by."""

    rows: IntArray
    columns: IntArray
    hierarchy: Hierarchy
    ranges: FrozenRanges | None


@dataclass(frozen=True, eq=False)
class Retrieval:
    """Cases with their classes and the rule by which a query is given one of them; arrays are checked already.

    ``cases`` has the columns of ``hierarchy``; ``codes`` are positions of classes from 0 to ``n_classes`` - 1. A
    query may hold NaN where ``missing`` is ``"skip"``: its weights are renormalised over what it has.
    """

    hierarchy: Hierarchy
    cases: FloatArray
    codes: IntArray
    n_classes: int
    k: int = 1
    vote: Literal["majority", "similarity"] = "majority"
    ranges: FrozenRanges | None = None
    missing: Literal["raise", "skip"] = "raise"
    engine: Literal["auto", "numpy", "numba"] = "auto"
    n_threads: int = 1

    def __post_init__(self) -> None:
        k = unboxed(self.k)
        if not isinstance(k, int) or isinstance(k, bool) or not 1 <= k <= len(self.cases):
            message = f"k must be a whole number from 1 to the number of cases, {len(self.cases)}."
            raise DomainError(message)
        threads = unboxed(self.n_threads)
        if not isinstance(threads, int) or isinstance(threads, bool) or not 1 <= threads <= MOST_THREADS:
            message = f"n_threads must be a whole number from 1 to {MOST_THREADS}."
            raise DomainError(message)
        settings = (("vote", _VOTES), ("missing", _MISSING), ("engine", _ENGINES))
        for name, allowed in settings:
            if getattr(self, name) not in allowed:
                message = f"{name} must be one of {', '.join(allowed)}."
                raise DomainError(message)

    def patterns(self, queries: FloatArray) -> Iterator[Pattern]:
        """Part the queries by the indicators they lack."""
        absent = np.isnan(queries)
        everything = np.arange(len(self.hierarchy.indicators))
        if not absent.any():
            yield Pattern(np.arange(len(queries)), everything, self.hierarchy, self.ranges)
            return
        if self.missing == "raise":
            message = f"X has {int(absent.sum())} missing value(s); allowed with missing='skip' only."
            raise DataError(message)
        kinds, place = np.unique(absent, axis=0, return_inverse=True)
        for number, lacks in enumerate(kinds):
            if not lacks.any():
                rows = np.flatnonzero(place.ravel() == number)
                yield Pattern(rows, everything, self.hierarchy, self.ranges)
                continue
            names = [name for name, out in zip(self.hierarchy.indicators, lacks, strict=True) if out]
            try:
                left = self.hierarchy.without(names)
            except DomainError:
                message = (
                    "X has customers without any indicator that has weight; a similarity needs at least one. "
                    "Leave them out or fill in what is known."
                )
                raise DataError(message) from None
            columns = everything[np.isin(self.hierarchy.indicators, left.indicators)]
            ranges = None if self.ranges is None else self.ranges.subset(left.indicators)
            yield Pattern(np.flatnonzero(place.ravel() == number), columns, left, ranges)

    def nearest(self, queries: FloatArray, k: int | None = None) -> Nearest:
        """Find the k most similar cases of each query."""
        wanted = self.k if k is None else k
        parts = [
            (
                pattern.rows,
                nearest(
                    *self._tables(queries, pattern),
                    pattern.hierarchy,
                    wanted,
                    ranges=pattern.ranges,
                    engine=self.engine,
                    n_threads=self.n_threads,
                ),
            )
            for pattern in self.patterns(queries)
        ]
        if len(parts) == 1:
            return parts[0][1]
        names = ("index", "similarity", "margin", "tied")
        arrays = {name: _gathered([(rows, getattr(part, name)) for rows, part in parts]) for name in names}
        return replace(parts[0][1], **arrays, provenance=self._provenance(len(queries)))

    def by_class(self, queries: FloatArray) -> ClassNearest:
        """Find the most similar case of each class."""
        parts = [
            (
                pattern.rows,
                nearest_by_class(
                    *self._tables(queries, pattern),
                    self.codes,
                    self.n_classes,
                    pattern.hierarchy,
                    ranges=pattern.ranges,
                    engine=self.engine,
                    n_threads=self.n_threads,
                ),
            )
            for pattern in self.patterns(queries)
        ]
        if len(parts) == 1:
            return parts[0][1]
        names = ("index", "similarity")
        arrays = {name: _gathered([(rows, getattr(part, name)) for rows, part in parts]) for name in names}
        return replace(parts[0][1], **arrays, provenance=self._provenance(len(queries)))

    def votes(self, queries: FloatArray) -> FloatArray:
        """Give each class's share of the votes of the k nearest cases, shape (queries, classes)."""
        return self._counted(self.nearest(queries))

    def decide(self, queries: FloatArray) -> IntArray:
        """Give the position of the class with the most votes; a tie goes to the class of the most similar case."""
        found = self.nearest(queries)
        if self.k == 1:
            codes: IntArray = self.codes[found.index[:, 0]]
            return codes
        return self.elected(found, self._counted(found))

    def elected(self, found: Nearest, votes: FloatArray) -> IntArray:
        """Give the class with the most votes; among equals the one that stands first in the ranking."""
        ranked = self.codes[found.index]
        leads = np.take_along_axis(votes, ranked, axis=1) == votes.max(axis=1, keepdims=True)
        first = leads.argmax(axis=1)
        elected: IntArray = ranked[np.arange(len(ranked)), first]
        return elected

    def _counted(self, found: Nearest) -> FloatArray:
        shape = (len(found.index), self.n_classes)
        votes = np.zeros(shape)
        weight = np.ones_like(found.similarity) if self.vote == "majority" else np.array(found.similarity)
        weight[weight.sum(axis=1) == 0.0] = 1.0  # so far from frozen ranges that no similarity is left
        rows = np.arange(shape[0])
        for place in range(found.index.shape[1]):
            votes[rows, self.codes[found.index[:, place]]] += weight[:, place]
        shares: FloatArray = votes / votes.sum(axis=1, keepdims=True)
        return shares

    def _tables(self, queries: FloatArray, pattern: Pattern) -> tuple[FloatArray, FloatArray]:
        if len(pattern.columns) == queries.shape[1] and len(pattern.rows) == len(queries):
            return queries, self.cases
        return queries[np.ix_(pattern.rows, pattern.columns)], self.cases[:, pattern.columns]

    def _provenance(self, n_queries: int) -> Any:
        return provenance(self.hierarchy.model_dump_json(), queries=n_queries, cases=len(self.cases))

    def replaced(self, **changes: Any) -> Self:
        """Give a copy with other settings."""
        return replace(self, **changes)

    def without(self, rows: ArrayLike) -> Self:
        """Leave cases out; unless frozen, the ranges are those of the cases that stay."""
        keep = np.ones(len(self.cases), dtype=np.bool_)
        keep[np.asarray(rows)] = False
        return replace(self, cases=self.cases[keep], codes=self.codes[keep], k=min(self.k, int(keep.sum())))


def _gathered(parts: list[tuple[IntArray, Any]]) -> Any:
    """Put the parts' rows back into the order of the queries."""
    total = sum(len(rows) for rows, _ in parts)
    first = parts[0][1]
    whole = np.empty((total, *first.shape[1:]), dtype=first.dtype)
    for rows, values in parts:
        whole[rows] = values
    return read_only(whole)
