"""The weighted supermatrix and its exact limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd

from custvalue._kernels import supermatrix as kernel
from custvalue._network_process.tables import REPORTED_DEVIATION, positions, square_table
from custvalue._results import Provenance, html_table, provenance, read_only
from custvalue._spec import SUM_TOLERANCE, FrozenMapping
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from custvalue._typing import FloatArray, IntArray, Table

SupermatrixT = TypeVar("SupermatrixT", pd.DataFrame, "FloatArray")


@dataclass(frozen=True, slots=True, eq=False)
class Limit:
    """Exact Cesàro limit of a supermatrix, with the structure that explains it.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        The limit; column j holds the priorities when the influence starts at node j; columns sum to 1; read-only.
    labels : tuple of str
        Names of the nodes; their positions, counted from 0, where an array was given.
    classes : tuple of tuple of int
        Nodes of each essential class: a strongly connected group that no influence leaves.
    periods : tuple of int
        Period of each class; where one is above 1, the powers of the matrix cycle and never settle.
    transient : tuple of int
        Nodes outside of every class; their priority is 0.
    absorption : ndarray of shape (n_classes, n)
        Share of the influence of node j that ends in each class; read-only.
    unique : bool
        Whether all columns of the limit agree, so that there is one vector of priorities.
    priorities : ndarray of shape (n,) or None
        The common column, if `unique`; read-only.
    deviations : mapping of str to float
        Column sum less 1 of each column that was renormalised.
    provenance : Provenance
        Package version and the numbers of nodes and classes.

    See Also
    --------
    limit_supermatrix : The function that returns this result.

    Examples
    --------
    >>> from custvalue import anp
    >>> limit = anp.limit_supermatrix([[0.0, 1.0], [1.0, 0.0]])
    >>> limit.priorities, limit.periods
    (array([0.5, 0.5]), (2,))
    """

    matrix: FloatArray
    labels: tuple[str, ...]
    classes: tuple[tuple[int, ...], ...]
    periods: tuple[int, ...]
    transient: tuple[int, ...]
    absorption: FloatArray
    unique: bool
    priorities: FloatArray | None
    deviations: Mapping[str, float]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Give the limit with its labels.

        Returns
        -------
        DataFrame of shape (n, n)
            Labels in the index and in the columns.
        """
        return pd.DataFrame(self.matrix.copy(), index=list(self.labels), columns=list(self.labels))

    def _repr_html_(self) -> str:
        rows = ([label, *row] for label, row in zip(self.labels, self.matrix.tolist(), strict=True))
        caption = f"Limit supermatrix, {len(self.classes)} essential class(es) of period {self.periods}"
        return html_table(("", *self.labels), rows, caption=caption)


def limit_supermatrix(weighted: Table) -> Limit:
    r"""Compute the exact limit of a weighted supermatrix, whatever its structure.

    Powers of a supermatrix may cycle, stop at different columns, or settle too slowly to be seen; this function
    never multiplies powers.

    Parameters
    ----------
    weighted : DataFrame or array_like of shape (n, n)
        Non-negative; entry (i, j) is the influence of node i on node j, so that columns sum to 1. Columns within
        5e-4 of 1 are renormalised and the deviation is reported. A DataFrame gives the names of the nodes.

    Returns
    -------
    Limit
        The limit, its essential classes and their periods, the transient nodes and their absorption.

    Raises
    ------
    DomainError
        If the table is not square, holds a negative, missing or infinite number, if a column sums to something
        else than 1 (a zero column is a sink), or if a positive entry is so small (below about 1e-100) that
        products of entries vanish in double precision.

    See Also
    --------
    weighted_supermatrix : The matrix that this function takes.

    Notes
    -----
    The limit is :math:`\lim_{k \to \infty} \frac{1}{k} \sum_{m=1}^{k} W^m`, which exists for every stochastic
    matrix and equals :math:`\lim W^k` where that exists; for cyclic matrices it is Saaty's average over the
    cycle [1]_.
    The strong components that no influence leaves are the essential classes; each has one stationary vector,
    found by the algorithm of Grassmann, Taksar and Heyman [2]_, which subtracts nothing and is accurate for nearly
    decomposable matrices; column j of the limit mixes these vectors by the probabilities with which node j is
    absorbed by the classes [3]_, eliminated in the same manner. With more than one class the columns differ, and
    the answer depends on where the influence starts. Cost: :math:`O(n^3)` time, :math:`O(n^2)` memory.

    References
    ----------
    .. [1] Saaty, T. L. (2005). *Theory and Applications of the Analytic Network Process*. RWS Publications.
    .. [2] Grassmann, W. K., Taksar, M. I. and Heyman, D. P. (1985). Regenerative analysis and steady state
       distributions for Markov chains. *Operations Research*, 33(5), 1107-1116.
    .. [3] Kemeny, J. G. and Snell, J. L. (1960). *Finite Markov Chains*. Van Nostrand, chapters 3 to 5.

    Examples
    --------
    >>> from custvalue import anp
    >>> limit = anp.limit_supermatrix([[0.5, 0.25, 0.0], [0.5, 0.75, 0.5], [0.0, 0.0, 0.5]])
    >>> limit.priorities.round(4), limit.transient
    (array([0.3333, 0.6667, 0.    ]), (2,))
    """
    values, labels = square_table(weighted, "weighted")
    names = labels or positions(len(values))
    sums = _column_sums(values, names)
    try:
        found = kernel.cesaro_limit(values / sums)
    except ArithmeticError as error:
        raise DomainError(f"weighted: {error}") from error
    unique = len(found.classes) == 1
    matrix = read_only(found.matrix)
    deviations = {
        name: float(total - 1.0)
        for name, total in zip(names, sums, strict=True)
        if abs(total - 1.0) > REPORTED_DEVIATION
    }
    return Limit(
        matrix=matrix,
        labels=names,
        classes=tuple(tuple(members.tolist()) for members in found.classes),
        periods=found.periods,
        transient=tuple(found.transient.tolist()),
        absorption=read_only(found.absorption),
        unique=unique,
        priorities=read_only(matrix[:, 0].copy()) if unique else None,
        deviations=FrozenMapping(deviations),
        provenance=provenance(n_nodes=len(names), n_classes=len(found.classes)),
    )


def _column_sums(values: FloatArray, names: tuple[str, ...]) -> FloatArray:
    if (values < 0.0).any():
        row, column = np.argwhere(values < 0.0)[0]
        message = f"weighted is negative in row {names[row]!r}, column {names[column]!r}; allowed: numbers from 0."
        raise DomainError(message)
    sums = np.asarray(values.sum(axis=0))
    empty = np.flatnonzero(sums == 0.0)
    if empty.size:
        message = (
            f"weighted has a zero column for {names[empty[0]]!r}: nothing influences this node, it is a sink, and "
            "the limit would be lost there. Put 1 on its diagonal to let it keep what reaches it, or leave it out."
        )
        raise DomainError(message)
    off = np.flatnonzero(np.abs(sums - 1.0) > SUM_TOLERANCE)
    if off.size:
        message = (
            f"weighted: the column of {names[off[0]]!r} sums to {sums[off[0]]:.6g}; allowed: 1 within "
            f"{SUM_TOLERANCE:g}. Weight its blocks (weighted_supermatrix), or divide the column by its sum."
        )
        raise DomainError(message)
    return sums


def weighted_supermatrix(
    unweighted: SupermatrixT, clusters: Mapping[str, Sequence[str | int]], cluster_matrix: Table
) -> SupermatrixT:
    r"""Multiply the blocks of an unweighted supermatrix by the weights of their clusters.

    Parameters
    ----------
    unweighted : DataFrame or ndarray of shape (n, n)
        Non-negative; entry (i, j) is the influence of node i on node j. Within each block (row cluster, column
        cluster) a column sums to 1 within 5e-4, or is zero.
    clusters : mapping of str to sequence of str or int
        Nodes of each cluster: labels of a DataFrame, positions of an array; each node in exactly one cluster.
    cluster_matrix : DataFrame or array_like of shape (n_clusters, n_clusters)
        Entry (r, c) is the weight of cluster r for the columns of cluster c; columns sum to 1 within 5e-4 (or are
        zero, if nothing feeds the cluster). An array is in the order of `clusters`; a DataFrame is matched by
        name.

    Returns
    -------
    DataFrame or ndarray of shape (n, n)
        The weighted supermatrix, of the type of `unweighted`.

    Raises
    ------
    DomainError
        If a table is not square, negative or not finite; if the clusters do not hold each node once; if a column
        of a block or of `cluster_matrix` sums to something else; or if all the weight of a column lies on blocks
        that feed nothing into it.

    See Also
    --------
    limit_supermatrix : The limit of the result.

    Notes
    -----
    Block (r, c) of column j is multiplied by :math:`v_{rc} / \sum_s v_{sc}`, where s runs over the clusters with a
    non-zero block in column j: the weight of a missing block is shared out among the others [1]_. A deviation of a
    block's sum from 1 (rounding) is passed on, and `limit_supermatrix` reports it. A zero column, a sink, stays
    zero. Cost: :math:`O(n^2)`.

    References
    ----------
    .. [1] Saaty, T. L. (2005). *Theory and Applications of the Analytic Network Process*. RWS Publications.

    Examples
    --------
    >>> import numpy as np
    >>> from custvalue import anp
    >>> unweighted = np.array([[0.0, 0.5, 0.2], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    >>> unweighted[:, 1:] = [[1.0, 1.0], [0.0, 1.0], [1.0, 0.0]]
    >>> unweighted[1:, 0] = [0.4, 0.6]
    >>> anp.weighted_supermatrix(unweighted, {"goal": [0], "rest": [1, 2]}, [[0.0, 0.25], [1.0, 0.75]])
    array([[0.  , 0.25, 0.25],
           [0.4 , 0.  , 0.75],
           [0.6 , 0.75, 0.  ]])
    """
    values, labels = square_table(unweighted, "unweighted")
    names = labels or positions(len(values))
    membership = _membership(clusters, names)
    weights = _cluster_weights(cluster_matrix, tuple(clusters))
    _check_blocks(values, names, membership, tuple(clusters))
    result = kernel.weigh_blocks(values, membership, weights)
    lost = np.flatnonzero((values.sum(axis=0) > 0.0) & (result.sum(axis=0) == 0.0))
    if lost.size:
        message = (
            f"cluster_matrix gives no weight to any block that feeds the column of {names[lost[0]]!r}; give "
            "one of them a positive weight, or set the column to zero."
        )
        raise DomainError(message)
    if isinstance(unweighted, pd.DataFrame):
        return pd.DataFrame(result, index=unweighted.index, columns=unweighted.columns)
    return result


def _membership(clusters: Mapping[str, Sequence[str | int]], names: tuple[str, ...]) -> IntArray:
    place = {name: number for number, name in enumerate(names)}
    membership = np.full(len(names), -1, dtype=np.int64)
    for number, (cluster, nodes) in enumerate(clusters.items()):
        for node in nodes:
            at = place.get(str(node))
            if at is None:
                message = f"clusters[{cluster!r}] names the node {node!r}; allowed: the rows {list(names)}."
                raise DomainError(message)
            if membership[at] >= 0:
                message = f"clusters holds the node {node!r} twice; allowed: each node in exactly one cluster."
                raise DomainError(message)
            membership[at] = number
    outside = [name for name, number in zip(names, membership, strict=True) if number < 0]
    if outside:
        message = f"clusters leaves out {outside[:10]}; allowed: each node in exactly one cluster."
        raise DomainError(message)
    return membership


def _cluster_weights(cluster_matrix: Table, clusters: tuple[str, ...]) -> FloatArray:
    values, labels = square_table(cluster_matrix, "cluster_matrix")
    if labels is not None:
        if sorted(labels) != sorted(clusters):
            message = (
                f"cluster_matrix has the labels {list(labels)}; allowed: those of clusters, {list(clusters)}."
            )
            raise DomainError(message)
        order = [labels.index(cluster) for cluster in clusters]
        values = values[np.ix_(order, order)]
    if len(values) != len(clusters):
        message = f"cluster_matrix has {len(values)} rows for {len(clusters)} clusters; allowed: one row each."
        raise DomainError(message)
    sums = values.sum(axis=0)
    off = np.flatnonzero((np.abs(sums - 1.0) > SUM_TOLERANCE) & (sums != 0.0) | (values < 0.0).any(axis=0))
    if off.size:
        message = (
            f"cluster_matrix: the column of {clusters[off[0]]!r} sums to {sums[off[0]]:.6g} with the smallest "
            f"entry {values[:, off[0]].min():.6g}; allowed: entries from 0 and a sum of 1 within "
            f"{SUM_TOLERANCE:g} (or a zero column). Divide the column by its sum."
        )
        raise DomainError(message)
    return values


def _check_blocks(
    values: FloatArray, names: tuple[str, ...], membership: IntArray, clusters: tuple[str, ...]
) -> None:
    if (values < 0.0).any():
        row, column = np.argwhere(values < 0.0)[0]
        message = (
            f"unweighted is negative in row {names[row]!r}, column {names[column]!r}; allowed: numbers from 0."
        )
        raise DomainError(message)
    for number, cluster in enumerate(clusters):
        sums = values[membership == number].sum(axis=0)
        off = np.flatnonzero((np.abs(sums - 1.0) > SUM_TOLERANCE) & (sums != 0.0))
        if off.size:
            message = (
                f"unweighted: the rows of cluster {cluster!r} sum to {sums[off[0]]:.6g} in the column of "
                f"{names[off[0]]!r}; allowed: 1 within {SUM_TOLERANCE:g}, or 0. Divide the block's "
                "column by its sum."
            )
            raise DomainError(message)
