"""The weighted supermatrix: blocks of an unweighted one times the weights of their clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd

from custvalue._kernels import supermatrix as kernel
from custvalue._network_process.tables import positions, square_table
from custvalue._spec import SUM_TOLERANCE
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from custvalue._typing import FloatArray, IntArray, Table

SupermatrixT = TypeVar("SupermatrixT", pd.DataFrame, "FloatArray")


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
