"""Limits of supermatrices with zero columns: the hierarchy formula, and normalised powers."""

from __future__ import annotations

from math import lcm
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy.linalg import solve_triangular

from custvalue._kernels.stationary import UNDERFLOW, eliminate, stationary
from custvalue._kernels.structure import essential_classes, levels, period, reaching, strong_components
from custvalue._kernels.supermatrix import absorption_probabilities

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Perron roots that differ by less, relative to the larger one, are taken as equal.
_EQUAL: Final = 1e-10
#: A Perron vector is taken if its relative error is proven to be below this.
_CERTAIN: Final = 1e-9
_STEPS: Final = 200
#: Phases of a cycle that are averaged; groups of equal roots whose periods have a larger multiple are refused.
_MOST_PHASES: Final = 10_000
_FALLS_APART: Final = (
    "A group of nodes falls apart so nearly that its Perron vector has no digit in double precision; "
    "replace its smallest entries by 0 if they are meant to be none."
)


class SinkLimit(NamedTuple):
    """The limit under a policy for sinks, and the structure that explains it."""

    matrix: NDArray[np.float64]
    classes: tuple[NDArray[np.int64], ...]
    periods: tuple[int, ...]
    transient: NDArray[np.int64]
    absorption: NDArray[np.float64]
    cycle: int


class EqualRootsError(ArithmeticError):
    """Two groups of nodes have the same Perron root and one feeds the other."""

    def __init__(self, upstream: tuple[int, ...], downstream: tuple[int, ...]) -> None:
        super().__init__("Two groups of nodes have the same Perron root and one feeds the other.")
        self.upstream, self.downstream = upstream, downstream


def hierarchy_limit(matrix: NDArray[np.float64]) -> SinkLimit:
    """Compute, for every column, the limit of the normalised sums W + W^2 + ... + W^k.

    Where influence only ends in sinks the sum is finite, W (I - W)^-1, and is solved without a subtraction. Where
    it reaches a class of nodes that it never leaves, the sum grows there without bound, and the column is the
    mixture of the stationary vectors of these classes.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Columns sum to 1, or are zero (a sink).

    Returns
    -------
    SinkLimit
        Columns of sinks are zero; all others sum to 1. Classes are those that are no sinks; the absorption is
        that of influence which ends in no sink.

    Raises
    ------
    ArithmeticError
        If a probability underflows. Cost: O(n^3).
    """
    found, rest, sinks = _lasting(matrix)
    found.matrix[:, rest] = _summed(matrix, rest, sinks)
    return found


def calculus_limit(matrix: NDArray[np.float64]) -> SinkLimit:
    """Compute, for every column, the limit of the normalised powers W^k, averaged where they cycle.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Columns sum to 1, or are zero (a sink).

    Returns
    -------
    SinkLimit
        Columns of sinks are zero; all others sum to 1. A column whose powers vanish is that of `hierarchy_limit`.

    Raises
    ------
    EqualRootsError
        If two dominant groups of equal Perron root feed each other: the powers then crawl to their limit as 1/k.
    ArithmeticError
        If a probability underflows, a group falls apart too nearly, or cycles are too long together. Cost: O(n^3)
        times the period.
    """
    found, rest, sinks = _lasting(matrix)
    found.matrix[:, rest] = _summed(matrix, rest, sinks)
    scope = np.concatenate([rest, sinks])
    inner = matrix[np.ix_(scope, scope)]
    cycle = found.cycle
    for columns, groups in _dominant(inner, len(rest)):
        feeds = _feeding(inner, groups)
        if feeds is not None:
            raise EqualRootsError(*(tuple(scope[members].tolist()) for members in feeds))
        averaged, phases = _averaged_powers(inner, columns, groups)
        found.matrix[np.ix_(scope, scope[columns])] = averaged
        cycle = max(cycle, phases)
    return found._replace(cycle=cycle)


def _lasting(matrix: NDArray[np.float64]) -> tuple[SinkLimit, NDArray[np.int64], NDArray[np.int64]]:
    """Fill the columns that reach a class; give the nodes that reach nothing but sinks, and the sinks."""
    size = len(matrix)
    empty = np.asarray(~matrix.any(axis=0))
    sinks = np.flatnonzero(empty)
    every, transient = essential_classes(matrix)
    classes = tuple(members for members in every if not empty[members[0]])
    blocks = [matrix[np.ix_(members, members)] for members in classes]
    distributions = np.zeros((size, len(classes)))
    for number, (members, block) in enumerate(zip(classes, blocks, strict=True)):
        distributions[members, number] = stationary(block)
    ends = (*classes, sinks) if sinks.size else classes
    absorption = absorption_probabilities(matrix, ends, transient)[: len(classes)]
    lasts = reaching(matrix, np.concatenate([*classes, np.zeros(0, dtype=np.int64)]))
    total = absorption.sum(axis=0)
    if (total[lasts] <= 0.0).any():
        raise ArithmeticError(UNDERFLOW)
    absorption[:, lasts] /= total[lasts]
    periods = tuple(period(block) for block in blocks)
    found = SinkLimit(distributions @ absorption, classes, periods, transient, absorption, max(periods, default=1))
    return found, transient[~lasts[transient]], sinks


def _summed(matrix: NDArray[np.float64], rest: NDArray[np.int64], sinks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give the normalised columns W (I - W)^-1 of nodes from which influence only ends in sinks."""
    size = len(rest)
    columns = np.zeros((len(matrix), size))
    if not size:
        return columns
    steps, leaving = matrix[np.ix_(rest, rest)], matrix[np.ix_(sinks, rest)]
    work = np.zeros((size + 1, size + 1))
    work[0, 1:], work[1:, 1:] = leaving.sum(axis=0), steps
    exits = eliminate(work, 1)[1:]
    # Both systems have no positive entry off the diagonal: substitution adds products and subtracts nothing.
    upper, lower = np.eye(size) - np.triu(work[1:, 1:], 1), np.diag(exits) - np.tril(work[1:, 1:], -1)
    visits = solve_triangular(upper, steps, unit_diagonal=True, check_finite=False)
    visits = solve_triangular(lower, visits, lower=True, check_finite=False)
    with np.errstate(over="ignore", invalid="ignore"):
        columns[rest], columns[sinks] = visits, leaving + leaving @ visits
        columns /= columns.sum(axis=0)
    if not np.isfinite(columns).all():
        raise ArithmeticError(UNDERFLOW)
    return columns


class _Group(NamedTuple):
    """A strong component with its Perron root and its right and left Perron vectors, of product 1."""

    members: NDArray[np.int64]
    root: float
    right: NDArray[np.float64]
    left: NDArray[np.float64]
    cycle: NDArray[np.int64]
    period: int


def _dominant(matrix: NDArray[np.float64], size: int) -> list[tuple[NDArray[np.int64], list[_Group]]]:
    """Sort the first ``size`` nodes by the largest root that they reach: nodes, and the groups of that root."""
    count, labels = strong_components(matrix[:size, :size])
    groups = []
    for label in range(count):
        members = np.flatnonzero(labels == label)
        if len(members) > 1 or matrix[members[0], members[0]] > 0.0:
            groups.append(_perron(matrix, members))
    groups.sort(key=lambda group: -group.root)
    open_nodes = np.arange(len(matrix)) < size
    found = []
    while groups:
        top = groups[0].root
        equal = [group for group in groups if group.root >= top * (1.0 - _EQUAL)]
        nodes = reaching(matrix, np.concatenate([group.members for group in equal])) & open_nodes
        open_nodes &= ~nodes
        found.append((np.flatnonzero(nodes), equal))
        groups = [group for group in groups if open_nodes[group.members[0]]]
    return found


def _feeding(
    matrix: NDArray[np.float64], groups: list[_Group]
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Find two groups of which the first feeds the second."""
    for group in groups if len(groups) > 1 else ():
        upstream = reaching(matrix, group.members)
        for other in groups:
            if other is not group and upstream[other.members[0]]:
                return other.members, group.members
    return None


def _perron(matrix: NDArray[np.float64], members: NDArray[np.int64]) -> _Group:
    """Find root and vectors of a strong component, and prove that they are accurate.

    Divided by the right vector x and the root, the block has rows that sum to 1; its stationary vector is x times
    the left one, and the fundamental matrix bounds the relative error of x by that of the sums.
    """
    block = matrix[np.ix_(members, members)]
    right = _perron_vector(block)
    with np.errstate(over="ignore", under="ignore"):
        scaled = block * right / right[:, None]
        sums = scaled.sum(axis=1)
        scaled /= sums[:, None]
    if not np.isfinite(scaled).all():
        raise ArithmeticError(_FALLS_APART)
    both = stationary(scaled.T)
    root = float(both @ sums)
    try:
        fundamental = np.linalg.inv(np.eye(len(block)) - scaled + both)
    except np.linalg.LinAlgError as error:
        raise ArithmeticError(_FALLS_APART) from error
    off = max(float(np.abs(sums / root - 1.0).max()), len(block) * float(np.finfo(np.float64).eps))
    if not off * float(np.abs(fundamental).sum(axis=1).max()) <= _CERTAIN:
        raise ArithmeticError(_FALLS_APART)
    depth, length = levels(block)
    return _Group(members, root, right, both / right, depth % length, length)


def _perron_vector(block: NDArray[np.float64]) -> NDArray[np.float64]:
    """Find the positive eigenvector of an irreducible block by Noda's inverse iteration (1971)."""
    size = len(block)
    vector = np.ones(size)
    identity = np.eye(size)
    best = np.inf
    for _ in range(_STEPS):
        ratios = (block @ vector) / vector
        upper, lower = float(ratios.max()), float(ratios.min())
        if upper - lower <= size * np.finfo(np.float64).eps * upper or upper >= best:
            break
        best = upper
        try:
            candidate = np.abs(np.linalg.solve(upper * identity - block, vector))
        except np.linalg.LinAlgError:  # the bound has met the root exactly
            break
        candidate /= candidate.max()
        if not (np.isfinite(candidate).all() and float(candidate.min()) > np.finfo(np.float64).tiny):
            break
        vector = candidate
    return np.asarray(vector / vector.sum())


def _averaged_powers(
    matrix: NDArray[np.float64], columns: NDArray[np.int64], groups: list[_Group]
) -> tuple[NDArray[np.float64], int]:
    """Average the normalised powers over their cycle, from the eigenvectors of the groups that dominate.

    A group of root r and period p has p eigenvalues of modulus r, r z^m for z = exp(2 pi i / p); its Perron
    vectors, turned by z^-m from one phase of the cycle to the next, are their eigenvectors, and extend to what
    lies downstream (right) and upstream (left) by one solve each. W^k / r^k tends to the sum over all of them of
    z^(mk) times right times left.
    """
    phases = lcm(*(group.period for group in groups))
    if phases > _MOST_PHASES:
        message = f"The powers cycle with a period of {phases}; allowed: up to {_MOST_PHASES}."
        raise ArithmeticError(message)
    rights, lefts, turns = [], [], []
    for group in groups:
        for turn in range(group.period):
            angle = 2.0 * np.pi * turn / group.period
            right, left = _extended(matrix, columns, group, np.exp(1j * angle) if turn else 1.0)
            rights.append(right)
            lefts.append(left)
            turns.append(turn * (phases // group.period))
    right, left, step = np.column_stack(rights), np.array(lefts), np.array(turns)
    averaged = np.zeros((len(matrix), len(columns)))
    for phase in range(phases):
        weight = np.exp(2j * np.pi * (step * phase % phases) / phases)
        power = np.maximum(((right * weight) @ left).real, 0.0)
        totals = power.sum(axis=0)
        if not (totals > 0.0).all():
            raise ArithmeticError(UNDERFLOW)
        averaged += power / totals
    return averaged / phases, phases


def _extended(
    matrix: NDArray[np.float64], columns: NDArray[np.int64], group: _Group, root: complex
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Give the right eigenvector for a root of the group, and what the left one takes from each column."""
    size, members, factor = len(matrix), group.members, group.root * root
    inside = np.zeros(size, dtype=np.bool_)
    inside[members] = True
    down = np.flatnonzero(reaching(matrix.T, members) & ~inside)
    upward = reaching(matrix, members) & ~inside
    up = columns[upward[columns]]
    right, left = np.zeros(size, dtype=np.complex128), np.zeros(size, dtype=np.complex128)
    right[members], left[members] = group.right * root**-group.cycle, group.left * root**group.cycle
    try:
        right[down] = np.linalg.solve(
            factor * np.eye(len(down)) - matrix[np.ix_(down, down)], matrix[np.ix_(down, members)] @ right[members]
        )
        left[up] = np.linalg.solve(
            factor * np.eye(len(up)) - matrix[np.ix_(up, up)].T, left[members] @ matrix[np.ix_(members, up)]
        )
    except np.linalg.LinAlgError as error:
        raise ArithmeticError(_FALLS_APART) from error
    return right, left[columns]
