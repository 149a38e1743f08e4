"""Migration between levels: counts and shares of a cohort with intervals, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from custvalue._frames import LARGEST
from custvalue._kernels.transitions import row_shares, transition_counts, wilson_interval
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import unboxed, whole_number
from custvalue._tier_policies.arguments import matched, number_column, sequence
from custvalue._tier_policies.long_run import long_run_mix, require_observed, start_mix
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import ArrayLike, FloatArray, IntArray

#: States beyond this number would make matrices that nobody reads.
MOST_STATES = 1000


@dataclass(frozen=True, eq=False, repr=False)
class MigrationMatrix:
    r"""Where a cohort's customers went: shares of each starting state, with intervals.

    Attributes
    ----------
    states : tuple of str
        The states, in the order given; for levels from low to high.
    counts : ndarray of shape (n_states, n_states)
        Customers, or the sum of their weights, from the row's state to the column's.
    matrix : ndarray of shape (n_states, n_states)
        Shares; rows sum to 1. A state in which nobody started, or nobody with a weight above 0, stays where it is
        (1 on the diagonal).
    low, high : ndarray of shape (n_states, n_states)
        Wilson interval of each share; 0 and 1 where nobody started, or nobody with a weight above 0.
    trials : ndarray of shape (n_states,)
        Customers who started in each state; with weights the effective number, :math:`(\sum w)^2 / \sum w^2`.
    confidence : float
        Level of each interval by itself.
    unobserved : tuple of str
        States in which nobody started, or nobody with a weight above 0, and that are not absorbing.
    absorbing : tuple of str
        States that nobody leaves, as the caller says.
    weighted : bool
        Whether customers were weighted.
    provenance : Provenance
        Package version and counts.

    See Also
    --------
    migration_matrix : Makes it.
    migration_rates : The same from dated changes, which sees ways that a cohort misses.

    Notes
    -----
    The interval is Wilson's [1]_. With weights it uses Kish's effective number [2]_ and is an approximation.
    Powers and the long run take the matrix to hold in every period; :func:`time_homogeneity` tests that, and
    :func:`chained_migration` does without it.

    References
    ----------
    .. [1] Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. *Journal of
       the American Statistical Association*, 22(158), 209-212.
    .. [2] Kish, L. (1965). *Survey Sampling*. Wiley.

    Examples
    --------
    >>> from custvalue import tiers
    >>> before = ["low", "low", "low", "high", "high"]
    >>> after = ["low", "low", "high", "high", "low"]
    >>> found = tiers.migration_matrix(before, after, states=["low", "high"])
    >>> found.matrix.round(3)
    array([[0.667, 0.333],
           [0.5  , 0.5  ]])
    >>> found.power(2).round(3)
    array([[0.611, 0.389],
           [0.583, 0.417]])
    >>> found.stationary().round(3)
    array([0.6, 0.4])
    """

    states: tuple[str, ...]
    counts: FloatArray
    matrix: FloatArray
    low: FloatArray
    high: FloatArray
    trials: FloatArray
    confidence: float
    unobserved: tuple[str, ...]
    absorbing: tuple[str, ...]
    weighted: bool
    provenance: Provenance

    @property
    def upgraded(self) -> float:
        """Share of all customers (or of their weight) who ended in a later state."""
        return float(np.triu(self.counts, 1).sum() / self.counts.sum())

    @property
    def kept(self) -> float:
        """Share of all customers (or of their weight) who ended where they started."""
        return float(np.trace(self.counts) / self.counts.sum())

    @property
    def downgraded(self) -> float:
        """Share of all customers (or of their weight) who ended in an earlier state."""
        return float(np.tril(self.counts, -1).sum() / self.counts.sum())

    def power(self, periods: int) -> FloatArray:
        """Give the migration over several periods, the matrix taken to hold in each.

        Parameters
        ----------
        periods : int
            Number of periods, from 0.

        Returns
        -------
        ndarray of shape (n_states, n_states)
            The power of the matrix; rows sum to 1.

        Raises
        ------
        DomainError
            If `periods` is no whole number from 0, or a state is entered in which nobody started.
        """
        number = whole_number(periods, "periods", 0)
        require_observed(self.matrix, self.states, self.unobserved)
        product = np.linalg.matrix_power(self.matrix, number)
        return np.asarray(product / product.sum(axis=1, keepdims=True))

    def mix_after(self, start: ArrayLike, periods: int) -> FloatArray:
        """Give the shares of the states after several periods.

        Parameters
        ----------
        start : array_like of shape (n_states,)
            Shares at the start, sum 1.
        periods : int
            Number of periods, from 0.

        Returns
        -------
        ndarray of shape (n_states,)
            Shares, sum 1.

        Raises
        ------
        DomainError
            If `start` holds no shares, or as for `power`.
        """
        return np.asarray(start_mix(start, len(self.states)) @ self.power(periods))

    def stationary(self, start: ArrayLike | None = None) -> FloatArray:
        """Give the mix of states in the long run, the matrix taken to hold for ever.

        Parameters
        ----------
        start : array_like of shape (n_states,), default=None
            Shares at the start; needed where several groups of states are never left.

        Returns
        -------
        ndarray of shape (n_states,)
            Shares, sum 1; averages over time where the states alternate.

        Raises
        ------
        DomainError
            If several groups of states are never left and no start is given (the message names them), a state is
            entered in which nobody started, or some shares are so small that they vanish beside others.
        """
        require_observed(self.matrix, self.states, self.unobserved)
        return long_run_mix(self.matrix, self.states, start)

    def to_frame(self) -> pd.DataFrame:
        """Give one row a pair of states.

        Returns
        -------
        pandas.DataFrame
            ``before``, ``after``, ``count``, ``share``, ``low``, ``high``.
        """
        size = len(self.states)
        return pd.DataFrame(
            {
                "before": np.repeat(np.array(self.states, dtype=object), size),
                "after": list(self.states) * size,
                "count": self.counts.ravel(),
                "share": self.matrix.ravel(),
                "low": self.low.ravel(),
                "high": self.high.ravel(),
            }
        )

    def __repr__(self) -> str:
        return short_repr("MigrationMatrix", **self.provenance.counts, weighted=self.weighted)

    def _repr_html_(self) -> str:
        rows = [
            [name, number, *shares]
            for name, number, shares in zip(self.states, self.trials, self.matrix, strict=True)
        ]
        caption = "Migration: rows from, columns to" + (", weighted" if self.weighted else "")
        return html_table(["from", "customers", *self.states], rows, caption=caption)


def state_codes(labels: Any, states: Sequence[str], argument: str) -> IntArray:
    """Give the position of each label among the states; refuse missing and unknown ones by count."""
    if isinstance(labels, str):
        labels = [labels]  # a text has no dimension of customers
    masked = isinstance(labels, np.ma.MaskedArray)
    values = np.asarray(labels.astype(object).filled(None) if masked else labels, dtype=object)
    if values.ndim != 1:
        message = f"{argument} has {values.ndim} dimensions; allowed: one label a customer."
        raise DomainError(message)
    places = {name: place for place, name in enumerate(states)}
    codes, distinct = pd.factorize(pd.Index(values, dtype=object))
    found = np.array([*(places.get(_state_name(label), -1) for label in distinct), -1], dtype=np.int64)
    answer: IntArray = found[codes]
    if (strange := int((answer < 0).sum())) > 0:
        message = f"{argument} has {strange} label(s) that are missing or none of the states. Name all in states=."
        raise DataError(message)
    return answer


def _state_name(label: Any) -> str:
    """Give a text as it is and a whole number as a text; the empty text, which no state is, for anything else."""
    plain = unboxed(label)
    if isinstance(plain, int) and not isinstance(plain, bool):
        return str(plain)
    return plain if isinstance(plain, str) else ""


def checked_states(states: Sequence[str], absorbing: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Check the names of the states, and that absorbing ones are among them; whole numbers become texts."""
    named, stays = (
        tuple(_state_name(name) for name in sequence(names, argument, "names of states"))
        for names, argument in ((states, "states"), (absorbing, "absorbing"))
    )
    if not 1 <= len(named) <= MOST_STATES or len(set(named)) < len(named) or "" in named:
        message = f"states must be 1 to {MOST_STATES} different names, texts or whole numbers."
        raise DomainError(message)
    if unknown := sorted(set(stays) - set(named)):
        message = f"absorbing must be a sequence of names of states; unknown: {unknown}."
        raise DomainError(message)
    return named, stays


def checked_confidence(confidence: float) -> float:
    """Check the level of an interval."""
    level = unboxed(confidence)
    if not isinstance(level, int | float) or not 0.0 < level < 1.0:
        message = "confidence must lie between 0 and 1, both left out."
        raise DomainError(message)
    return float(level)


def checked_weights(weights: ArrayLike, size: int) -> FloatArray:
    """Check weights: one a customer, finite, not negative."""
    found = number_column(weights, "weights")
    if found.shape != (size,):
        message = f"weights has shape {found.shape}; allowed: ({size},), one a customer."
        raise DomainError(message)
    bad = int((~((found >= 0.0) & (found <= LARGEST))).sum())
    if bad:
        message = (
            f"weights has {bad} value(s) that are missing, infinite or negative, or beyond {LARGEST:g}. Fill or "
            "leave them out."
        )
        raise DataError(message)
    return found


def _effective(before: IntArray, weights: FloatArray, size: int) -> FloatArray:
    """Give Kish's number of each state; weights are divided by the largest, so that no square overflows."""
    largest = np.zeros(size)
    np.maximum.at(largest, before, weights)
    scaled = weights / np.where(largest > 0.0, largest, 1.0)[before]
    sums = np.diag(transition_counts(before, before, size, scaled))
    squares = np.diag(transition_counts(before, before, size, scaled * scaled))
    return np.asarray(np.where(squares > 0.0, sums * sums / np.where(squares > 0.0, squares, 1.0), 0.0))


def migration_matrix(
    before: ArrayLike,
    after: ArrayLike,
    *,
    states: Sequence[str],
    weights: ArrayLike | None = None,
    absorbing: Sequence[str] = (),
    confidence: float = 0.95,
) -> MigrationMatrix:
    r"""Count where the customers of each state went: the cohort method.

    Parameters
    ----------
    before, after : array_like of str, shape (n_customers,)
        State of each customer at the start and at the end, in the same order. Two pandas Series are matched by
        their index, which must hold the same labels. Whole numbers are taken as texts.
    states : sequence of str
        Names of all states; for levels from low to high. Whole numbers are taken as texts.
    weights : array_like of shape (n_customers,), default=None
        What each customer counts for, such as money at the start, up to 1e150; None: 1. A pandas Series is
        matched as `after` is.
    absorbing : sequence of str, default=()
        States that nobody leaves, such as default or a closed account: they stay where they are for ever.
    confidence : float, default=0.95
        Level of the intervals.

    Returns
    -------
    MigrationMatrix
        Counts, shares and intervals.

    Raises
    ------
    DataError
        If a label is missing or unknown, a weight is missing or negative, weights lie so far apart that a share
        vanishes, a customer leaves an absorbing state, or pandas Series have different index labels.
    DomainError
        If lengths differ or are 0, states repeat or are no sequence, weights hold anything but numbers, or
        `confidence` is out of its range.

    See Also
    --------
    migration_rates : The duration method.

    Notes
    -----
    With :math:`N_{ij}` the customers who went from i to j, :math:`P_{ij} = N_{ij} / \sum_k N_{ik}`. The shares
    are those of one cohort: ways that nobody took within it have share 0, which is no proof that they are
    impossible; the upper end of the interval says what remains possible. Cost: linear in customers.

    Examples
    --------
    >>> from custvalue import tiers
    >>> found = tiers.migration_matrix(["a", "a", "b"], ["a", "b", "b"], states=["a", "b"], weights=[9, 1, 5])
    >>> found.matrix
    array([[0.9, 0.1],
           [0. , 1. ]])
    """
    named, stays = checked_states(states, absorbing)
    after, weights = (
        matched(before, values, argument, "before")
        for values, argument in ((after, "after"), (weights, "weights"))
    )
    start, end = state_codes(before, named, "before"), state_codes(after, named, "after")
    if len(start) != len(end) or not len(start):
        message = f"before has {len(start)} labels and after {len(end)}; give as many, at least one."
        raise DomainError(message)
    money = None if weights is None else checked_weights(weights, len(start))
    return cohort(start, end, named, weights=money, absorbing=stays, confidence=confidence)


def cohort(
    before: IntArray,
    after: IntArray,
    states: tuple[str, ...],
    *,
    weights: FloatArray | None = None,
    absorbing: tuple[str, ...] = (),
    confidence: float = 0.95,
) -> MigrationMatrix:
    """Build the matrix from positions of states."""
    level = checked_confidence(confidence)
    size = len(states)
    if weights is not None:
        weights = checked_weights(weights, len(before))
    counts = transition_counts(before, after, size, weights)
    stays = [states.index(name) for name in absorbing]
    leaving = transition_counts(before, after, size)
    np.fill_diagonal(leaving, 0.0)
    if (left := int(leaving[stays].sum())) > 0:
        message = f"{left} customer(s) leave a state that is named as absorbing; correct the data or the name."
        raise DataError(message)
    if counts.sum() <= 0.0:
        message = "The weights of all customers are 0 or nobody is counted; there is no migration to be seen."
        raise DataError(message)
    matrix = row_shares(counts)
    if ((counts > 0.0) & (matrix < np.finfo(np.float64).tiny)).any():
        message = "weights lie so far apart that shares vanish beside others; leave out customers of no weight."
        raise DataError(message)
    totals = counts.sum(axis=1)
    trials = totals
    if weights is not None:
        trials = _effective(before, weights, size)
    seen = trials[:, None] > 0.0
    low, high = wilson_interval(np.where(seen, matrix * trials[:, None], 0.0), trials[:, None], level)
    return MigrationMatrix(
        states=states,
        counts=read_only(counts),
        matrix=read_only(matrix),
        low=read_only(low),
        high=read_only(high),
        trials=read_only(trials),
        confidence=level,
        unobserved=tuple(
            name for name, total in zip(states, totals, strict=True) if total <= 0.0 and name not in absorbing
        ),
        absorbing=absorbing,
        weighted=weights is not None,
        provenance=provenance(customers=len(before), states=size),
    )
