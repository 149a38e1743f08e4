"""A network as numbers: which set of judgments fills which column, and how weights become priorities.

One plan serves the solution, the Monte Carlo draws and the derivatives, so that all three speak of the same thing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from custvalue._kernels import supermatrix as kernel
from custvalue._network_process.judgments import Comparisons, MeasuredValues
from custvalue._network_process.parts import (
    DirectWeights,
    InnerDependence,
    Ratings,
    Subnetwork,
    names_of,
    nodes_of,
)
from custvalue._network_process.tables import REPORTED_DEVIATION, renormalised
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from custvalue._network_process.limit import SinkPolicy
    from custvalue._network_process.methods import Aggregation, Method
    from custvalue._typing import BoolArray, FloatArray, IntArray

#: Norm of a group inverse beyond which fewer than six digits of a derivative are certain.
_LARGEST_INVERSE: Final = 1e9
_CERTAIN: Final = np.ones(1)


@dataclass(frozen=True, slots=True)
class Source:
    """One set of judgments of the network, and where it stands: the keys lead to it in the document."""

    keys: tuple[str, ...]
    criterion: str
    column: str
    cluster: str
    comparisons: Comparisons

    @property
    def path(self) -> str:
        """The keys, as messages and tables show them."""
        return ".".join(self.keys)


@dataclass(frozen=True, slots=True)
class Feed:
    """Weights that enter somewhere: from a set of judgments, by its place, or constant."""

    source: int | None
    weights: FloatArray

    def take(self, weights: Sequence[FloatArray]) -> FloatArray:
        """Give the weights of every draw, shape (D, n) or (1, n)."""
        return self.weights[None, :] if self.source is None else weights[self.source]


@dataclass(frozen=True, slots=True)
class Simple:
    """Indicators or alternatives with weights."""

    names: tuple[str, ...]
    feed: Feed


@dataclass(frozen=True, slots=True)
class Rated:
    """Alternatives on a scale; `category` is the place of each on it."""

    names: tuple[str, ...]
    feed: Feed
    category: IntArray


@dataclass(frozen=True, slots=True)
class Influenced:
    """Nodes with a supermatrix: its blocks by column, and the weights of the clusters by column cluster."""

    names: tuple[str, ...]
    clusters: Mapping[str, tuple[str, ...]]
    membership: IntArray
    blocks: tuple[tuple[int, IntArray, Feed], ...]
    cluster_feeds: tuple[tuple[int, IntArray, Feed], ...]
    sinks: SinkPolicy
    goal: int | None

    def unweighted(self, weights: Sequence[FloatArray]) -> FloatArray:
        """Fill the unweighted supermatrix of every draw: (D, n, n)."""
        size = len(self.names)
        found = [feed.take(weights) for _, _, feed in self.blocks]
        matrix = np.zeros((max((len(one) for one in found), default=1), size, size))
        for (column, rows, _), values in zip(self.blocks, found, strict=True):
            matrix[:, rows, column] = values
        return matrix

    def cluster_matrix(self, weights: Sequence[FloatArray]) -> FloatArray:
        """Fill the cluster matrix of every draw: (D, C, C)."""
        count = len(self.clusters)
        found = [feed.take(weights) for _, _, feed in self.cluster_feeds]
        matrix = np.zeros((max((len(one) for one in found), default=1), count, count))
        for (column, rows, _), values in zip(self.cluster_feeds, found, strict=True):
            matrix[:, rows, column] = values
        return matrix

    def weighted(self, unweighted: FloatArray, cluster_matrix: FloatArray) -> FloatArray:
        """Multiply blocks by their clusters' shares; equal to `weighted_supermatrix`, for every draw."""
        if len(self.clusters) == 1:
            return unweighted
        shares = self.shares(cluster_matrix)
        return np.asarray(unweighted * shares[:, self.membership, :])

    def present(self) -> BoolArray:
        """Say which cluster feeds which column: (C, n)."""
        found = np.zeros((len(self.clusters), len(self.names)), dtype=np.bool_)
        for column, rows, _ in self.blocks:
            found[self.membership[rows[0]], column] = True
        return found

    def shares(self, cluster_matrix: FloatArray) -> FloatArray:
        """Give the share of every cluster in every column, missing blocks shared out: (D, C, n)."""
        return kernel.block_shares(self.present(), self.membership, cluster_matrix)

    def column_differential(self, matrix: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Prepare `differential`: two matrices, and their columns at the start that the priorities are read from.

        Raises
        ------
        ArithmeticError
            If the policy is "hierarchy" and influence runs round without ever reaching a sink, or no goal says
            from where they are read; or if the supermatrix nearly falls apart.
        """
        size, start = len(matrix), self.goal or 0
        sinks = np.flatnonzero(matrix.sum(axis=0) == 0.0)
        if sinks.size and self.sinks == "hierarchy" and self.goal is None:
            if sinks.size < size - 1:
                message = "The columns of the limit agree at this one point only; name a goal."
                raise ArithmeticError(message)
            start = int(np.flatnonzero(matrix.sum(axis=0))[0])
        closed = matrix.copy()
        closed[sinks, sinks] = 1.0
        structure = kernel.cesaro_limit(closed)
        if sinks.size and self.sinks == "hierarchy":
            if len(structure.classes) > sinks.size:
                message = "Influence runs round without reaching a sink."
                raise ArithmeticError(message)
            influence: FloatArray = np.asarray(np.linalg.inv(np.eye(size) - matrix), dtype=np.float64)
            column = influence[:, start].copy()
            column[start] -= 1.0
            total = float(column.sum())
            centred: FloatArray = np.asarray((influence - np.outer(column / total, influence.sum(axis=0))) / total)
            return centred, np.zeros((size, size)), influence[:, start], np.zeros(size)
        inverse = kernel.group_inverse(closed, structure.matrix)
        if float(np.abs(inverse).sum(axis=0).max()) > _LARGEST_INVERSE:
            message = "The supermatrix nearly falls apart, so that doubles do not hold the derivatives."
            raise ArithmeticError(message)
        return inverse, structure.matrix, structure.matrix[:, start], inverse[:, start]


Part = Simple | Rated | Influenced


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole network as numbers."""

    criteria: tuple[str, ...]
    control: Feed
    parts: tuple[Part, ...]
    sources: tuple[Source, ...]
    alternatives: tuple[str, ...]
    merits: Mapping[str, str]
    deviations: Mapping[str, float]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all indicators, nodes and alternatives, in the order of their first appearance."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.names))


@dataclass(frozen=True, slots=True)
class Solved:
    """A plan with the weights of every judged set, (1, n_k) each, how they came about, and the document."""

    plan: Plan
    weights: list[FloatArray]
    method: Method
    aggregation: Aggregation
    document: str


def differential(prepared: tuple[FloatArray, ...], column: int, direction: FloatArray) -> FloatArray:
    r"""Differentiate the priorities when a column of the supermatrix moves.

    For the projector L on the fixed points and the group inverse Z of I - W, a change E of W that keeps the sums
    changes L by L E Z + Z E L (Kato 1966, II.2; Meyer 1975 for one class); E has one column here. Directions are
    the columns of `direction`, shape (n, k); the result has the same shape.
    """
    inverse, limit, at_limit, at_inverse = prepared
    return np.asarray(inverse @ direction * at_limit[column] + limit @ direction * at_inverse[column])


class Compiler:
    """Walks a network once and writes down its plan."""

    def __init__(self) -> None:
        self.sources: list[Source] = []
        self.deviations: dict[str, float] = {}

    def compile(
        self,
        control: object,
        local: Mapping[str, object],
        alternatives: Sequence[str],
        merits: Mapping[str, str],
    ) -> Plan:
        """Give the plan of a network's fields."""
        criteria = tuple(local) if control is None else names_of(control)
        weights = Feed(None, _CERTAIN) if control is None else self.feed(control, ("control",), "", "", "")
        parts = tuple(self.part(local[criterion], criterion) for criterion in criteria)
        return Plan(
            criteria=criteria,
            control=weights,
            parts=parts,
            sources=tuple(self.sources),
            alternatives=tuple(alternatives),
            merits=dict(merits),
            deviations=dict(self.deviations),
        )

    def feed(self, value: object, keys: tuple[str, ...], criterion: str, column: str, cluster: str) -> Feed:
        """Take judgments by their place, and everything else by its weights."""
        if isinstance(value, Comparisons):
            source = Source(keys, criterion, column, cluster, value)
            if any(other.path == source.path for other in self.sources):
                message = f"two sets of judgments stand at {source.path!r}; leave dots out of the names"
                raise DomainError(message)
            self.sources.append(source)
            return Feed(len(self.sources) - 1, np.empty(0))
        if isinstance(value, MeasuredValues):
            return Feed(None, np.array(list(value.weights.values())))
        direct = isinstance(value, DirectWeights)
        given: Mapping[str, float] = value.weights if isinstance(value, DirectWeights) else value  # type: ignore[assignment]  # a mapping is all that is left
        weights, deviation = renormalised(given)
        if abs(deviation) > REPORTED_DEVIATION:
            self.deviations[".".join((*keys, "weights") if direct else keys)] = deviation
        return Feed(None, np.array(list(weights.values())))

    def part(self, part: object, criterion: str) -> Part:
        """Translate what lies below one criterion."""
        keys = ("local", criterion)
        if isinstance(part, InnerDependence):
            return self.inner_dependence(part, criterion)
        if isinstance(part, Subnetwork):
            return self.subnetwork(part, criterion)
        if isinstance(part, Ratings):
            feed = self.feed(part.scale, (*keys, "scale"), criterion, "", "")
            place = {name: number for number, name in enumerate(names_of(part.scale))}
            return Rated(tuple(part.ratings), feed, np.array([place[name] for name in part.ratings.values()]))
        return Simple(nodes_of(part), self.feed(part, keys, criterion, "", ""))

    def inner_dependence(self, group: InnerDependence, criterion: str) -> Influenced:
        """Translate one cluster whose nodes influence each other."""
        place = {name: number for number, name in enumerate(group.elements)}
        blocks = []
        for element in group.elements:
            column = group.columns[element]
            feed = self.feed(column, ("local", criterion, "columns", element), criterion, element, "")
            blocks.append((place[element], np.array([place[name] for name in names_of(column)]), feed))
        return Influenced(
            names=tuple(group.elements),
            clusters={criterion: tuple(group.elements)},
            membership=np.zeros(len(place), dtype=np.int64),
            blocks=tuple(blocks),
            cluster_feeds=(),
            sinks="error",
            goal=None,
        )

    def subnetwork(self, part: Subnetwork, criterion: str) -> Influenced:
        """Translate clusters that influence each other."""
        nodes = part.nodes
        place = {name: number for number, name in enumerate(nodes)}
        cluster_place = {name: number for number, name in enumerate(part.clusters)}
        blocks = []
        for node in nodes:
            for cluster, column in part.influences.get(node, {}).items():
                keys = ("local", criterion, "influences", node, cluster)
                feed = self.feed(column, keys, criterion, node, cluster)
                blocks.append((place[node], np.array([place[name] for name in names_of(column)]), feed))
        cluster_feeds = []
        for cluster in part.clusters:
            given = part.cluster_influences.get(cluster)
            names = part.feeding(cluster) if given is None else names_of(given)
            if names:
                where = ("local", criterion, "cluster_influences", cluster)
                feed = Feed(None, _CERTAIN) if given is None else self.feed(given, where, criterion, cluster, "")
                rows = np.array([cluster_place[name] for name in names])
                cluster_feeds.append((cluster_place[cluster], rows, feed))
        return Influenced(
            names=nodes,
            clusters={name: tuple(members) for name, members in part.clusters.items()},
            membership=np.array([cluster_place[c] for c, members in part.clusters.items() for _ in members]),
            blocks=tuple(blocks),
            cluster_feeds=tuple(cluster_feeds),
            sinks=part.sinks,
            goal=None if part.goal is None else place[part.goal],
        )
