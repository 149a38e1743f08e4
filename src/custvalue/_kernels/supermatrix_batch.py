"""Limits of many supermatrices of one pattern at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from custvalue._kernels.stationary import UNDERFLOW, stationary
from custvalue._kernels.structure import essential_classes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

#: Numbers that are worked on at a time, so that they stay in the processor's cache.
_AT_ONCE: Final = 262_144
#: Larger blocks are quicker one by one: each is then a solve in LAPACK.
_LARGEST_IN_STEP: Final = 48


def stationary_batch(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the stationary vector of each of many irreducible column-stochastic blocks.

    The elimination of Grassmann, Taksar & Heyman (1985), which subtracts nothing, runs over all blocks in step:
    every entry is accurate to a few rounding errors, and no block needs a route of its own. Blocks of more than 48
    nodes go one by one.

    Parameters
    ----------
    blocks : ndarray of shape (n_draws, m, m)
        Irreducible; column j of each holds the influences on node j.

    Returns
    -------
    ndarray of shape (n_draws, m)
        Non-negative rows that sum to 1.

    Raises
    ------
    ArithmeticError
        If a probability underflows. Cost: (2/3) n_draws m^3.
    """
    count, size = blocks.shape[:2]
    vectors = np.empty((count, size))
    if size > _LARGEST_IN_STEP:
        for draw, block in enumerate(blocks):
            vectors[draw] = stationary(block)
        return vectors
    for some in _portions(count, size):
        vectors[some] = _stationary(np.array(blocks[some].transpose(1, 2, 0), order="C")).T
    return vectors


def _portions(count: int, size: int) -> Iterator[slice]:
    step = max(1, _AT_ONCE // max(1, size * size))
    return (slice(first, first + step) for first in range(0, count, step))


def _stationary(work: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the stationary vectors, as columns, of blocks whose number is the last axis; overwrites them."""
    size, count = len(work), work.shape[2]
    exits = _eliminate(work, 1)
    vector = np.zeros((size, count))
    vector[0] = 1.0
    for node in range(1, size):
        inflow = (work[node, :node] * vector[:node]).sum(axis=0)
        total = inflow + exits[node]  # scaled at each step, so that nothing overflows
        vector[:node] *= exits[node] / total
        vector[node] = inflow / total
    return np.asarray(vector / vector.sum(axis=0))


def _eliminate(work: NDArray[np.float64], kept: int) -> NDArray[np.float64]:
    """Eliminate all nodes but the first ``kept`` of blocks whose number is the last axis, as for one block."""
    size, count = len(work), work.shape[2]
    room = np.empty(size * size * count)
    exits = np.ones((size, count))
    for node in range(size - 1, kept - 1, -1):
        shares = work[:node, node]
        exits[node] = shares.sum(axis=0)
        if (exits[node] <= 0.0).any():
            raise ArithmeticError(UNDERFLOW)
        shares /= exits[node]
        product = room[: node * node * count].reshape(node, node, count)
        np.multiply(shares[:, None], work[node, :node], out=product)
        before = work[:node, :node]
        before += product
    return exits


def limit_columns_batch(matrices: NDArray[np.float64], start: int | None) -> NDArray[np.float64]:
    """Compute one column of the Cesaro limit of each of many column-stochastic matrices of one pattern.

    Parameters
    ----------
    matrices : ndarray of shape (n_draws, n, n)
        Columns sum to 1; an entry is zero in all matrices or positive in all of them, so that the essential
        classes are found once, from the first.
    start : int or None
        Node at which the influence starts; None for the column that all nodes share.

    Returns
    -------
    ndarray of shape (n_draws, n)
        Rows sum to 1.

    Raises
    ------
    ValueError
        If `start` is None and there are several essential classes.
    ArithmeticError
        If a probability underflows. Cost: O(n_draws n^3).
    """
    count, size = matrices.shape[:2]
    columns = np.zeros((count, size))
    if not count:
        return columns
    classes, transient = essential_classes(matrices[0])
    if start is None:
        if len(classes) > 1:
            message = "several essential classes have no common column; allowed: a start node"
            raise ValueError(message)
        start = int(classes[0][0])
    inside = [members for members in classes if start in members]
    if inside or len(classes) == 1:
        members = (inside or list(classes))[0]
        columns[:, members] = stationary_batch(matrices[:, members[:, None], members])
        return columns
    shares = _absorption_batch(matrices, classes, transient, start)
    for number, members in enumerate(classes):
        if shares[:, number].any():
            found = stationary_batch(matrices[:, members[:, None], members])
            columns[:, members] = shares[:, number, None] * found
    return columns


def _absorption_batch(
    matrices: NDArray[np.float64],
    classes: tuple[NDArray[np.int64], ...],
    transient: NDArray[np.int64],
    start: int,
) -> NDArray[np.float64]:
    """Give the probabilities (n_draws, n_classes) with which each class absorbs what starts at a transient node.

    All transient nodes but the start are eliminated; what then leaves the start goes to the classes directly.
    """
    count = len(classes)
    order = np.concatenate([[start], transient[transient != start]])
    size = count + len(order)
    shares = np.empty((len(matrices), count))
    for some in _portions(len(matrices), size):
        part = matrices[some]
        work = np.zeros((size, size, len(part)))
        for number, members in enumerate(classes):
            work[number, count:] = part[:, members[:, None], order].sum(axis=1).T
        work[count:, count:] = part[:, order[:, None], order].transpose(1, 2, 0)
        _eliminate(work, count + 1)
        ends = work[:count, count]
        total = ends.sum(axis=0)
        if (total <= 0.0).any():
            raise ArithmeticError(UNDERFLOW)
        shares[some] = (ends / total).T
    return shares
