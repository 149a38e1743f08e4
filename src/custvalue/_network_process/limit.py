"""The exact limit of a weighted supermatrix, and the source's powers as a cross-check."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
import pandas as pd

from custvalue._kernels import supermatrix as kernel
from custvalue._kernels.sinks import EqualRootsError, SinkLimit, calculus_limit, hierarchy_limit
from custvalue._kernels.structure import essential_classes, period
from custvalue._network_process.limit_notes import limit_notes, listed
from custvalue._network_process.tables import (
    REPORTED_DEVIATION,
    SupermatrixTable,
    read_supermatrix,
)
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import FrozenMapping, require_choice
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from custvalue._typing import FloatArray, Table

#: What happens at a node whose column is zero.
SinkPolicy: TypeAlias = Literal["error", "identity", "hierarchy", "calculus"]
#: Columns that differ by less are taken as one vector of priorities.
_SAME: Final = 1e-12
_MOST_DOUBLINGS: Final = 1000
#: Sums nearer to 1 differ from it by the rounding of their own addition.
_ROUNDING: Final = 2e-15
_NO_DEVIATIONS: Final[Mapping[str, float]] = FrozenMapping()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Limit:
    """Exact limit of a supermatrix, with the structure that explains it.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        The limit; column j holds the priorities when the influence starts at node j; columns sum to 1, but for
        those of sinks under the policies "hierarchy" and "calculus", which are zero; read-only.
    labels : tuple of str
        Names of the nodes; their positions, counted from 0, where an array was given.
    classes : tuple of tuple of int
        Nodes of each essential class: a strongly connected group that no influence leaves. Under "identity" each
        sink is a class; under "hierarchy" and "calculus" sinks are not listed here.
    periods : tuple of int
        Period of each class; where one is above 1, the powers of the matrix cycle and never settle.
    transient : tuple of int
        Nodes outside of every class that are no sinks; their priority is 0 wherever a class is reached.
    absorption : ndarray of shape (n_classes, n)
        Share of the influence of node j that ends in each class; under "hierarchy" and "calculus" share of what
        ends in no sink, and 0 where all ends in sinks; read-only.
    unique : bool
        Whether the columns of all nodes that are no sinks agree, so that there is one vector of priorities.
    priorities : ndarray of shape (n,) or None
        The common column, if `unique`; read-only.
    deviations : mapping of str to float
        Column sum less 1 of each column that was renormalised.
    sinks : tuple of int
        Nodes with a zero column in the table that was given.
    sink_policy : {"error", "identity", "hierarchy", "calculus"}
        The policy that was asked for, see `limit_supermatrix`.
    notes : tuple of str
        What the structure alone decides and a reader of the priorities must know.
    provenance : Provenance
        Package version and the numbers of nodes, classes and sinks.

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
    sinks: tuple[int, ...]
    sink_policy: SinkPolicy
    notes: tuple[str, ...]
    provenance: Provenance

    def starting_at(self, node: str | int) -> FloatArray:
        """Give the priorities when the influence starts at one node.

        Parameters
        ----------
        node : str or int
            Name of the node, or its position, counted from 0.

        Returns
        -------
        ndarray of shape (n,)
            The node's column of the limit; zero for a sink under "hierarchy" and "calculus"; read-only.

        Raises
        ------
        DomainError
            If there is no such node.

        Examples
        --------
        >>> from custvalue import anp
        >>> anp.limit_supermatrix([[1.0, 0.0, 0.4], [0.0, 1.0, 0.6], [0.0, 0.0, 0.0]]).starting_at(2)
        array([0.4, 0.6, 0. ])
        """
        if isinstance(node, str):
            if node not in self.labels:
                message = f"node is {node!r}; allowed: {listed(self.labels)}."
                raise DomainError(message)
            return self.matrix[:, self.labels.index(node)]
        try:
            place = operator.index(node)
        except TypeError as error:
            message = f"node is of type {type(node).__name__}; allowed: a name, or a position from 0."
            raise DomainError(message) from error
        if not 0 <= place < len(self.labels):
            message = f"node is {place}; allowed: positions from 0 to {len(self.labels) - 1}."
            raise DomainError(message)
        return self.matrix[:, place]

    def to_frame(self) -> pd.DataFrame:
        """Give the limit with its labels.

        Returns
        -------
        DataFrame of shape (n, n)
            Labels in the index and in the columns.
        """
        return _labelled(self.matrix, self.labels)

    def __repr__(self) -> str:
        return short_repr("Limit", nodes=len(self.labels), classes=len(self.classes), unique=self.unique)

    def _repr_html_(self) -> str:
        caption = f"Limit supermatrix, {len(self.classes)} essential class(es) of period {self.periods}"
        return _html(self.matrix, self.labels, caption)


@dataclass(frozen=True, slots=True, eq=False)
class PowerLimit:
    """A power of a supermatrix that stands still: the usual route, as a cross-check.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        The power; read-only.
    labels : tuple of str
        Names of the nodes; their positions, counted from 0, where an array was given.
    power : int
        The exponent k.
    difference : float
        Largest difference of an entry between the powers k and k + 1, one of which is odd and one even.
    provenance : Provenance
        Package version and the number of nodes.

    See Also
    --------
    limit_by_powers : The function that returns this result.

    Examples
    --------
    >>> from custvalue import anp
    >>> anp.limit_by_powers([[0.5, 0.25], [0.5, 0.75]]).power
    32
    """

    matrix: FloatArray
    labels: tuple[str, ...]
    power: int
    difference: float
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Give the power with its labels.

        Returns
        -------
        DataFrame of shape (n, n)
            Labels in the index and in the columns.
        """
        return _labelled(self.matrix, self.labels)

    def _repr_html_(self) -> str:
        return _html(self.matrix, self.labels, f"Supermatrix to the power {self.power}, which stands still")


def limit_supermatrix(weighted: Table, *, sinks: SinkPolicy = "error") -> Limit:
    r"""Compute the exact limit of a weighted supermatrix, whatever its structure.

    Powers of a supermatrix may cycle, stop at different columns, or settle too slowly to be seen; this function
    never multiplies powers.

    Parameters
    ----------
    weighted : DataFrame or array_like of shape (n, n)
        Non-negative; entry (i, j) is the influence of node i on node j, so that columns sum to 1. Columns within
        5e-4 of 1 are renormalised and the deviation is reported. A DataFrame gives the names of the nodes.
    sinks : {"error", "identity", "hierarchy", "calculus"}, default="error"
        What to do with a zero column, whose node nothing influences, so that the powers of the matrix lose what
        reaches it. The policies answer differently; a table without zero columns has the same limit under all.

        * "error" refuses it;
        * "identity" puts 1 on its diagonal: the node keeps all that reaches it;
        * "hierarchy" sums up the influence on the way: column j is the limit of the normalised columns of
          W + W^2 + ... + W^k, Saaty's hierarchy formula;
        * "calculus" takes the limit of the normalised columns of W^k, averaged where they cycle, and the
          hierarchy formula where W^k vanishes.

    Returns
    -------
    Limit
        The limit, its essential classes and their periods, the transient nodes and their absorption, notes.

    Raises
    ------
    DomainError
        If the table is not square, holds a negative, missing or infinite number, if a column sums to something
        else than 1 (a zero column is a sink, see `sinks`), if a positive entry is so small (below about 1e-100)
        that products of entries vanish in double precision, or if `sinks` is unknown. Under "calculus" also if two
        groups of nodes of equal strength feed each other, if a group falls apart beyond double precision, or if
        cycles of several lengths have a common period above 10,000.

    See Also
    --------
    weighted_supermatrix : The matrix that this function takes.
    limit_by_powers : The usual route, which fails on cycles.

    Notes
    -----
    The limit is :math:`\lim_{k \to \infty} \frac{1}{k} \sum_{m=1}^{k} W^m`, which exists for every stochastic
    matrix and equals :math:`\lim W^k` where that exists; for cyclic matrices it is Saaty's average over the
    cycle [1]_.
    The strong components that no influence leaves are the essential classes; each has one stationary vector,
    :math:`W \pi = \pi`. It comes from one solve if its residual proves every entry correct to a relative 1e-10
    (most are to 1e-13), else from the algorithm of Grassmann, Taksar and Heyman [2]_, which subtracts nothing and
    is accurate for nearly decomposable matrices. Column j of the limit mixes these vectors by the probabilities
    with which node j is absorbed by the classes [3]_, eliminated in the same manner. With more than one class the
    columns differ, and the answer depends on where the influence starts.

    With sinks, "hierarchy" is exactly the normalised column of :math:`W (I - W)^{-1}` where influence ends in
    sinks only [4]_; where it reaches a class that is no sink, the sums grow there without bound, and the column is
    the mixture of stationary vectors, by absorption given that it ends in no sink. "calculus" has the same mixture
    there; elsewhere the strong components of the largest Perron root :math:`\rho` that j reaches decide: the
    column is their right Perron vectors, extended downstream by :math:`(\rho I - W_{DD}) u_D = W_{DC} u_C` and
    mixed by their left ones, averaged over the cycle. Roots within a relative 1e-10 count as equal.
    Cost: :math:`O(n^3)` time, :math:`O(n^2)` memory; "calculus" times the period.

    References
    ----------
    .. [1] Saaty, T. L. (2005). *Theory and Applications of the Analytic Network Process*. RWS Publications.
    .. [2] Grassmann, W. K., Taksar, M. I. and Heyman, D. P. (1985). Regenerative analysis and steady state
       distributions for Markov chains. *Operations Research*, 33(5), 1107-1116.
    .. [3] Kemeny, J. G. and Snell, J. L. (1960). *Finite Markov Chains*. Van Nostrand, chapters 3 to 5.
    .. [4] Adams, W. J. L. and Saaty, R. (2003). *Super Decisions Software Guide*. Creative Decisions Foundation.

    Examples
    --------
    >>> from custvalue import anp
    >>> limit = anp.limit_supermatrix([[0.5, 0.25, 0.0], [0.5, 0.75, 0.5], [0.0, 0.0, 0.5]])
    >>> limit.priorities.round(4), limit.transient
    (array([0.3333, 0.6667, 0.    ]), (2,))

    A chain of three levels ends in a sink:

    >>> chain = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    >>> anp.limit_supermatrix(chain, sinks="identity").starting_at(0)
    array([0., 0., 1.])
    >>> anp.limit_supermatrix(chain, sinks="hierarchy").starting_at(0)
    array([0. , 0.5, 0.5])
    """
    require_choice(sinks, SinkPolicy, "sinks")
    table = read_supermatrix(weighted)
    exact = table.off <= REPORTED_DEVIATION
    empty = () if exact else tuple(np.flatnonzero(table.sums == 0.0).tolist())
    if sinks == "error":
        _refuse_sinks(empty, table.names)
    found = _found(table, empty, sinks)
    if isinstance(found, SinkLimit):
        priorities = _common_column(found, empty)
    else:
        priorities = found.matrix[:, 0] if len(found.classes) == 1 else None
    unique = priorities is not None
    return Limit(
        matrix=read_only(found.matrix),
        labels=table.names,
        classes=tuple(tuple(members.tolist()) for members in found.classes),
        periods=found.periods,
        transient=tuple(found.transient.tolist()),
        absorption=read_only(found.absorption),
        unique=unique,
        priorities=None if priorities is None else read_only(priorities),
        deviations=_NO_DEVIATIONS if exact else _deviations(table),
        sinks=empty,
        sink_policy=sinks,
        notes=limit_notes(table.given, table.names, found, unique, empty, sinks),
        provenance=provenance(n_nodes=len(table.names), n_classes=len(found.classes), n_sinks=len(empty)),
    )


def limit_by_powers(weighted: Table, *, tolerance: float = 1e-12, max_doublings: int = 60) -> PowerLimit:
    r"""Raise a weighted supermatrix to powers until two successive ones agree: a cross-check, not the answer.

    Parameters
    ----------
    weighted : DataFrame or array_like of shape (n, n)
        As for `limit_supermatrix`; no column is zero.
    tolerance : float, default=1e-12
        Largest difference of an entry between :math:`W^k` and :math:`W^{k+1}`, above 0 and below 1.
    max_doublings : int, default=60
        Number of squarings after which the search ends, from 1 to 1000.

    Returns
    -------
    PowerLimit
        The power that stands still, its exponent, and the difference that is left.

    Raises
    ------
    DomainError
        If the powers cycle (the message gives the period) or do not stand still in time, if the table is none that
        `limit_supermatrix` takes, or a setting is out of its range.

    See Also
    --------
    limit_supermatrix : The exact limit, for cyclic and for nearly decomposable matrices too.

    Notes
    -----
    The textbook route raises W to the powers 2k + 1 until one of them equals the next. That compares odd powers
    with odd powers only, and a matrix of period two passes at once: :math:`W^{2k+3} = W^2 W^{2k+1}`, and
    :math:`W^2` leaves each half of the cycle where it is; for [[0, 1], [1, 0]] already :math:`W^1 = W^3`, although
    its powers never settle and their average is 1/2. Here :math:`W^{k+1}` is compared with :math:`W^k`, an odd
    power with an even one, for k = 1, 2, 4, 8, and so on; columns are renormalised after each squaring. Powers
    that stand still within a tolerance are not always near their limit: a matrix whose parts are joined by less
    than the tolerance stands still far from it. Cost: :math:`O(n^3)` per squaring.

    Examples
    --------
    >>> from custvalue import anp
    >>> anp.limit_by_powers([[0.5, 0.25], [0.5, 0.75]]).matrix.round(4)
    array([[0.3333, 0.3333],
           [0.6667, 0.6667]])
    """
    if isinstance(tolerance, bool) or not isinstance(tolerance, float) or not 0.0 < tolerance < 1.0:
        message = f"tolerance is {tolerance!r}; allowed: numbers above 0 and below 1."
        raise DomainError(message)
    whole = isinstance(max_doublings, int | np.integer) and not isinstance(max_doublings, bool)
    if not whole or not 1 <= max_doublings <= _MOST_DOUBLINGS:
        message = f"max_doublings is {max_doublings!r}; allowed: whole numbers from 1 to {_MOST_DOUBLINGS}."
        raise DomainError(message)
    table = read_supermatrix(weighted)
    _refuse_sinks(tuple(np.flatnonzero(table.sums == 0.0).tolist()), table.names)
    matrix = table.given / table.sums
    power, still = matrix, False
    for doubling in range(int(max_doublings) + 1):
        difference = float(np.abs(matrix @ power - power).max())
        if difference <= tolerance:
            facts = provenance(n_nodes=len(table.names))
            return PowerLimit(read_only(power), table.names, 2**doubling, difference, facts)
        if still:
            break
        squared = power @ power
        squared /= squared.sum(axis=0)
        still = float(np.abs(squared - power).max()) <= tolerance
        power = squared
    longest = max(period(matrix[np.ix_(nodes, nodes)]) for nodes in essential_classes(matrix)[0])
    reason = f"cycle with period {longest} and never stand still" if longest > 1 else "do not stand still in time"
    message = (
        f"weighted: its powers {reason}: the powers 2^{doubling} and 2^{doubling} + 1 differ by {difference:.3g}. "
        "Ask limit_supermatrix, which averages over a cycle and needs no powers."
    )
    raise DomainError(message)


def _refuse_sinks(empty: tuple[int, ...], names: tuple[str, ...]) -> None:
    if empty:
        message = (
            f"weighted has a zero column for {names[empty[0]]!r}: nothing influences this node, it is a sink, and "
            "the limit would be lost there. Put 1 on its diagonal to let it keep what reaches it "
            "(sinks='identity'), ask for sinks='hierarchy' or sinks='calculus', or leave it out."
        )
        raise DomainError(message)


def _found(table: SupermatrixTable, empty: tuple[int, ...], sinks: SinkPolicy) -> kernel.CesaroLimit | SinkLimit:
    """Compute the limit under the policy, with the kernel's errors turned into the room's."""
    try:
        if not empty:
            return kernel.cesaro_limit(table.given, None if table.off <= _ROUNDING else table.sums, table.least)
        closed = table.given / np.where(table.sums == 0.0, 1.0, table.sums)
        if sinks == "hierarchy":
            return hierarchy_limit(closed)
        if sinks == "calculus":
            return calculus_limit(closed)
        closed[empty, empty] = 1.0
        return kernel.cesaro_limit(closed)
    except EqualRootsError as error:
        above, below = (
            listed([table.names[node] for node in nodes]) for nodes in (error.upstream, error.downstream)
        )
        message = (
            f"weighted: influence returns to {above} and to {below} in equal parts, and the former feed on the "
            "latter, so that the powers settle only as 1/k and give no one answer in practice. Ask for "
            "sinks='hierarchy' or sinks='identity'."
        )
        raise DomainError(message) from error
    except ArithmeticError as error:
        message = f"weighted: {error}"
        raise DomainError(message) from error


def _common_column(found: SinkLimit, empty: tuple[int, ...]) -> FloatArray | None:
    """Give the column that all nodes but the sinks share, if they do."""
    others = np.setdiff1d(np.arange(len(found.matrix)), empty)
    if not others.size:
        return None
    columns = found.matrix[:, others]
    if float(np.abs(columns - columns[:, :1]).max()) > _SAME:
        return None
    return np.asarray(columns[:, 0])


def _deviations(table: SupermatrixTable) -> Mapping[str, float]:
    off = np.flatnonzero((np.abs(table.sums - 1.0) > REPORTED_DEVIATION) & (table.sums != 0.0))
    return FrozenMapping({table.names[node]: float(table.sums[node] - 1.0) for node in off})


def _labelled(values: FloatArray, labels: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(values.copy(), index=list(labels), columns=list(labels))


def _html(values: FloatArray, labels: tuple[str, ...], caption: str) -> str:
    rows = ([label, *row] for label, row in zip(labels, values.tolist(), strict=True))
    return html_table(("", *labels), rows, caption=caption)
