"""Retrieve and reuse: the cases a customer is most like, and the class they vote for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

import numpy as np

from custvalue._kernels.votes import elected
from custvalue._results import provenance, read_only
from custvalue._spec import whole_number
from custvalue.exceptions import DataError, DomainError
from custvalue.grey import ClassNearest, FrozenRanges, Hierarchy, Nearest, nearest, nearest_by_class

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from custvalue._typing import ArrayLike, FloatArray, IntArray

MOST_THREADS = 1024

Result = TypeVar("Result", Nearest, ClassNearest)
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
        whole_number(self.k, "k", 1, len(self.cases), what="the number of cases, ")
        whole_number(self.n_threads, "n_threads", 1, MOST_THREADS)
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

        def search(pattern: Pattern, tables: tuple[FloatArray, FloatArray], how: dict[str, Any]) -> Nearest:
            return nearest(*tables, pattern.hierarchy, wanted, ranges=pattern.ranges, **how)

        return self._searched(queries, search, ("index", "similarity", "margin", "tied"))

    def by_class(self, queries: FloatArray) -> ClassNearest:
        """Find the most similar case of each class."""

        def search(pattern: Pattern, tables: tuple[FloatArray, FloatArray], how: dict[str, Any]) -> ClassNearest:
            classes = self.codes, self.n_classes
            return nearest_by_class(*tables, *classes, pattern.hierarchy, ranges=pattern.ranges, **how)

        return self._searched(queries, search, ("index", "similarity"))

    def _searched(self, queries: FloatArray, search: Callable[..., Result], names: tuple[str, ...]) -> Result:
        """Search for each pattern of missing indicators, and put the rows back into order."""
        how = {"engine": self.engine, "n_threads": self.n_threads}
        parts = [(one.rows, search(one, self._tables(queries, one), how)) for one in self.patterns(queries)]
        if len(parts) == 1:
            return parts[0][1]
        arrays = {name: _gathered([(rows, getattr(part, name)) for rows, part in parts]) for name in names}
        return replace(parts[0][1], **arrays, provenance=self._provenance(len(queries)))

    def votes(self, queries: FloatArray) -> FloatArray:
        """Give each class's share of the votes of the k nearest cases, shape (queries, classes)."""
        return self.votes_of(self.nearest(queries))

    def decide(self, queries: FloatArray) -> IntArray:
        """Give the position of the class with the most votes; a tie goes to the class of the most similar case."""
        return self.decided(self.nearest(queries))

    def decided(self, found: Nearest) -> IntArray:
        """Decide for queries whose k nearest cases are known."""
        return elected(self.codes[found.index], self.votes_of(found))

    def votes_of(self, found: Nearest) -> FloatArray:
        """Count the votes for queries whose k nearest cases are known."""
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


def rival_classes(nearest_of_class: ClassNearest, codes: IntArray, n_cases: int) -> tuple[IntArray, FloatArray]:
    """Give the class of each query's nearest case of any other class, and its similarity.

    Among equally similar cases the first one is the rival; -inf says that there is none.
    """
    others = np.array(nearest_of_class.similarity)
    others[np.arange(len(codes)), codes] = -np.inf
    best = others.max(axis=1)
    first = np.where(others == best[:, None], nearest_of_class.index, n_cases)
    return first.argmin(axis=1), best


def _gathered(parts: list[tuple[IntArray, Any]]) -> Any:
    """Put the parts' rows back into the order of the queries."""
    total = sum(len(rows) for rows, _ in parts)
    first = parts[0][1]
    whole = np.empty((total, *first.shape[1:]), dtype=first.dtype)
    for rows, values in parts:
        whole[rows] = values
    return read_only(whole)
