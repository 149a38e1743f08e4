"""Four ways to learn quantiles of own spend: plane, boosted trees, nearest customers, leaves of a forest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import numpy as np
from scipy import sparse

from custvalue._kernels.quantile_regression import quantile_regression

if TYPE_CHECKING:
    from collections.abc import Callable

    from custvalue._typing import BoolArray, FloatArray, IntArray

#: Customers answered at once.
_BLOCK: Final = 1024
#: Distances held at once.
_CELLS: Final = 2_000_000
#: A share that rounding carried past a whole number of customers is that number.
_ROUNDING: Final = 1e-9
#: Distances that differ by less than this share are equal.
_TIE: Final = 1e-9


class Settings(NamedTuple):
    """What the learners are told."""

    levels: FloatArray
    n_neighbors: int
    n_estimators: int
    min_samples_leaf: int


class Learnt(Protocol):
    """Something that gives the quantiles of customers."""

    def quantiles(self, numbers: FloatArray) -> FloatArray:
        """Give one row a customer, one column a level."""
        ...


class Planes(NamedTuple):
    """One plane a level."""

    intercepts: FloatArray
    coefficients: FloatArray
    dropped: BoolArray

    def quantiles(self, numbers: FloatArray) -> FloatArray:
        """Give the heights of the planes; each row by itself, so that equal rows have equal heights."""
        heights = [(numbers * plane).sum(axis=1) for plane in self.coefficients]
        return np.column_stack(heights) + self.intercepts


class Boosted(NamedTuple):
    """One ensemble of boosted trees a level."""

    ensembles: list[Any]

    def quantiles(self, numbers: FloatArray) -> FloatArray:
        """Give what the ensembles say."""
        return np.column_stack([ensemble.predict(numbers) for ensemble in self.ensembles])


class Nearest(NamedTuple):
    """The customers learnt from, and how to find those nearest; those equally far share the places left."""

    search: Any
    middle: FloatArray
    scale: FloatArray
    own: FloatArray
    n_neighbors: int
    levels: FloatArray

    def quantiles(self, numbers: FloatArray) -> FloatArray:
        """Give the quantiles of what the nearest customers spend."""
        found = np.empty((len(numbers), len(self.levels)))
        ranks, wanted = ranks_at(self.levels, self.n_neighbors), self.n_neighbors
        more = wanted < len(self.own)
        alike = np.zeros(len(numbers), dtype=np.bool_)
        for first in range(0, len(numbers), _BLOCK):
            some = slice(first, first + _BLOCK)
            far, places = self.search.kneighbors(self._scaled(numbers[some]), n_neighbors=wanted + more)
            found[some] = np.sort(self.own[places[:, :wanted]], axis=1)[:, ranks]
            if more:
                alike[some] = far[:, wanted] <= far[:, wanted - 1] * (1.0 + _TIE)
        if alike.any():
            unlike, place = np.unique(numbers[alike], axis=0, return_inverse=True)
            found[alike] = self._with_ties(self._scaled(unlike))[place.reshape(-1)]
        return found

    def _scaled(self, numbers: FloatArray) -> FloatArray:
        return np.asarray((numbers - self.middle) / self.scale)

    def _with_ties(self, rows: FloatArray) -> FloatArray:
        """Give the quantiles where more customers lie as far as the last neighbour: they share its place."""
        found = np.empty((len(rows), len(self.levels)))
        taken, todo = self.n_neighbors, np.arange(len(rows))
        while len(todo):
            taken = min(2 * taken, len(self.own))
            block = max(1, _CELLS // taken)
            cut = np.zeros(len(todo), dtype=np.bool_)
            for first in range(0, len(todo), block):
                some = slice(first, first + block)
                far, places = self.search.kneighbors(rows[todo[some]], n_neighbors=taken)
                edge = far[:, self.n_neighbors - 1 : self.n_neighbors]
                nearer, tied = far < edge * (1.0 - _TIE), np.abs(far - edge) <= edge * _TIE
                cut[some] = tied[:, -1] & (taken < len(self.own))
                left = self.n_neighbors - nearer.sum(axis=1, keepdims=True)
                weights = np.where(nearer, 1.0, np.where(tied, left / tied.sum(axis=1, keepdims=True), 0.0))
                found[todo[some]] = self._weighted(self.own[places], weights)
            todo = todo[cut]
        return found

    def _weighted(self, own: FloatArray, weights: FloatArray) -> FloatArray:
        """Give the least spend at which the weights of those at or below reach each level."""
        order = np.argsort(own, axis=1, kind="stable")
        reached = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
        wanted = self.levels * self.n_neighbors - _ROUNDING
        places = np.column_stack([(reached < one).sum(axis=1) for one in wanted])
        return np.take_along_axis(own, np.take_along_axis(order, places, axis=1), axis=1)


class Leaves(NamedTuple):
    """A forest, and which customers learnt from lie in which leaf, by rising spend."""

    forest: Any
    #: One row a leaf of all trees, one column a customer: 1 over the leaf's customers.
    members: Any
    #: First leaf of each tree.
    starts: IntArray
    own: FloatArray
    levels: FloatArray

    def quantiles(self, numbers: FloatArray) -> FloatArray:
        """Give the quantiles of the spend, each customer weighted by how often it shares a leaf (Meinshausen)."""
        found = np.empty((len(numbers), len(self.levels)))
        n_trees = len(self.starts)
        for first in range(0, len(numbers), _BLOCK):
            leaves = self.forest.apply(numbers[first : first + _BLOCK]) + self.starts
            ends = np.arange(0, leaves.size + 1, n_trees)
            shape = (len(leaves), self.members.shape[0])
            shares = np.full(leaves.size, 1.0 / n_trees)
            weights = (sparse.csr_array((shares, leaves.ravel(), ends), shape=shape) @ self.members).tocsr()
            weights.sort_indices()
            for row in range(len(leaves)):
                here = slice(weights.indptr[row], weights.indptr[row + 1])
                reached = np.cumsum(weights.data[here])
                places = np.searchsorted(reached, self.levels * reached[-1] - _ROUNDING, side="left")
                found[first + row] = self.own[weights.indices[here][places]]
        return found


def ranks_at(levels: FloatArray, n: int) -> IntArray:
    """Give the places, from 0, of the least of n sorted numbers that a share of the level does not top."""
    return np.clip(np.ceil(levels * n - _ROUNDING).astype(np.int64) - 1, 0, n - 1)


def _planes(numbers: FloatArray, own: FloatArray, settings: Settings, _: np.random.RandomState) -> Learnt:
    fits = [quantile_regression(numbers, own, float(level)) for level in settings.levels]
    intercepts = np.array([fit.intercept for fit in fits])
    return Planes(intercepts, np.array([fit.coefficients for fit in fits]), fits[0].dropped)


def _boosted(numbers: FloatArray, own: FloatArray, settings: Settings, rng: np.random.RandomState) -> Learnt:
    from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415 - slow to import, seldom used

    ensembles = []
    for level in settings.levels:
        ensemble = HistGradientBoostingRegressor(
            loss="quantile",
            quantile=float(level),
            max_iter=settings.n_estimators,
            min_samples_leaf=settings.min_samples_leaf,
            early_stopping=False,
            random_state=rng.randint(2**31 - 1),
        )
        ensembles.append(ensemble.fit(numbers, own))
    return Boosted(ensembles)


def _nearest(numbers: FloatArray, own: FloatArray, settings: Settings, _: np.random.RandomState) -> Learnt:
    from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415 - slow to import, seldom used

    constant = numbers.min(axis=0) == numbers.max(axis=0)
    middle = np.where(constant, numbers[0], numbers.mean(axis=0))
    unit = np.abs(numbers).max(axis=0)
    unit = np.where(unit > 0.0, unit, 1.0)
    spread = (numbers / unit).std(axis=0) * unit
    scale = np.where(constant | (spread <= 0.0), 1.0, spread)
    n_neighbors = min(settings.n_neighbors, len(own))
    # A tree's distances of equal rows are equal; those of a matrix product are not.
    search = NearestNeighbors(algorithm="kd_tree").fit((numbers - middle) / scale)
    return Nearest(search, middle, scale, own, n_neighbors, settings.levels)


def _leaves(numbers: FloatArray, own: FloatArray, settings: Settings, rng: np.random.RandomState) -> Learnt:
    from sklearn.ensemble import RandomForestRegressor  # noqa: PLC0415 - slow to import, seldom used

    # A tree takes a variance of 1e-16 for none, in whatever unit.
    spread = float(own.std()) or 1.0
    forest = RandomForestRegressor(
        settings.n_estimators, min_samples_leaf=settings.min_samples_leaf, random_state=rng.randint(2**31 - 1)
    ).fit(numbers, own / spread)
    order = np.argsort(own, kind="stable")
    nodes = np.array([tree.tree_.node_count for tree in forest.estimators_], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(nodes)[:-1]])
    leaves = (forest.apply(numbers[order]) + starts).ravel()
    sizes = np.bincount(leaves, minlength=int(nodes.sum()))
    customers = np.repeat(np.arange(len(own)), len(nodes))
    members = sparse.csr_array((1.0 / sizes[leaves], (leaves, customers)), shape=(len(sizes), len(own)))
    return Leaves(forest, members, starts, own[order], settings.levels)


LEARNERS: Final[dict[str, Callable[[FloatArray, FloatArray, Settings, np.random.RandomState], Learnt]]] = {
    "linear": _planes,
    "boosting": _boosted,
    "knn": _nearest,
    "forest": _leaves,
}
