"""Migration by the duration method: rates from dated changes, and matrices over any time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from custvalue import _frames
from custvalue._frames import LARGEST
from custvalue._kernels.transitions import exponential, generator, rate_interval, transition_counts
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import unboxed
from custvalue._tier_policies.arguments import is_number
from custvalue._tier_policies.keys import sorted_keys
from custvalue._tier_policies.long_run import VANISHED, long_run_mix, require_observed
from custvalue._tier_policies.migration import checked_confidence, checked_states, state_codes
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import ArrayLike, FloatArray

#: Rates times longer times overflow; every mix stands still long before.
LONGEST = 1e100


@dataclass(frozen=True, eq=False, repr=False)
class MigrationRates:
    r"""How often customers change state per unit of time spent in a state.

    Attributes
    ----------
    states : tuple of str
        The states, in the order given.
    counts : ndarray of shape (n_states, n_states)
        Changes from the row's state to the column's; 0 on the diagonal.
    exposure : ndarray of shape (n_states,)
        Time spent in each state by all customers together; not counted in absorbing states.
    generator : ndarray of shape (n_states, n_states)
        Rates per unit of time; rows sum to 0.
    low, high : ndarray of shape (n_states, n_states)
        Garwood interval of each rate off the diagonal; 0 and infinity without exposure, 0 on the diagonal.
    confidence : float
        Level of each interval by itself.
    unobserved : tuple of str
        States in which nobody spent time and that are not absorbing.
    absorbing : tuple of str
        States that nobody leaves, as the caller says.
    provenance : Provenance
        Package version and counts.

    See Also
    --------
    migration_rates : Makes it.

    Notes
    -----
    With :math:`N_{ij}` the changes and :math:`E_i` the exposure, :math:`q_{ij} = N_{ij} / E_i`, and
    :math:`P(t) = e^{tQ}` [1]_. A way that nobody took whole, such as from A over B to D, has a positive share
    all the same. The estimator takes the rates to hold throughout and not to depend on the time already spent in a
    state; dwell and reviews break the latter, so read the rates as averages. Intervals: Garwood [2]_.

    References
    ----------
    .. [1] Lando, D., & Skodeberg, T. M. (2002). Analyzing rating transitions and rating drift with continuous
       observations. *Journal of Banking & Finance*, 26(2-3), 423-444.
    .. [2] Garwood, F. (1936). Fiducial limits for the Poisson distribution. *Biometrika*, 28(3-4), 437-442.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import tiers
    >>> rows = {"customer": [1, 1, 2], "time": [0.0, 0.5, 0.0], "state": ["a", "b", "b"]}
    >>> found = tiers.migration_rates(pd.DataFrame(rows), states=["a", "b"], until=1.0)
    >>> found.generator
    array([[-2.,  2.],
           [ 0.,  0.]])
    >>> found.probabilities(1.0).round(4)
    array([[0.1353, 0.8647],
           [0.    , 1.    ]])
    """

    states: tuple[str, ...]
    counts: FloatArray
    exposure: FloatArray
    generator: FloatArray
    low: FloatArray
    high: FloatArray
    confidence: float
    unobserved: tuple[str, ...]
    absorbing: tuple[str, ...]
    provenance: Provenance

    def probabilities(self, time: float) -> FloatArray:
        """Give the migration over a time, the rates taken to hold throughout.

        Parameters
        ----------
        time : float
            Not negative, in the unit of the exposure.

        Returns
        -------
        ndarray of shape (n_states, n_states)
            Shares in [0, 1]; rows sum to 1. Computed without a subtraction, by uniformisation.

        Raises
        ------
        DomainError
            If `time` is negative or beyond 1e100, or a state is entered in which nobody spent time.
        """
        length = unboxed(time)
        if not isinstance(length, int | float) or not 0.0 <= length <= LONGEST:
            message = f"time must be a number from 0 to {LONGEST:g}."
            raise DomainError(message)
        require_observed(self.generator, self.states, self.unobserved)
        return exponential(self.generator, float(length))

    def stationary(self, start: ArrayLike | None = None) -> FloatArray:
        """Give the mix of states in the long run, the rates taken to hold for ever.

        Parameters
        ----------
        start : array_like of shape (n_states,), default=None
            Shares at the start; needed where several groups of states are never left.

        Returns
        -------
        ndarray of shape (n_states,)
            Shares, sum 1.

        Raises
        ------
        DomainError
            If several groups of states are never left and no start is given (the message names them), a state is
            entered in which nobody spent time, or rates differ so much that some vanish beside others.
        """
        require_observed(self.generator, self.states, self.unobserved)
        fastest = float(-self.generator.diagonal().min())
        step = np.eye(len(self.states)) + self.generator / (2.0 * fastest if fastest > 0.0 else 1.0)
        if ((self.generator > 0.0) & (step < np.finfo(np.float64).tiny)).any():
            raise DomainError(VANISHED)
        return long_run_mix(step, self.states, start)

    def to_frame(self) -> pd.DataFrame:
        """Give one row a pair of different states.

        Returns
        -------
        pandas.DataFrame
            ``before``, ``after``, ``changes``, ``exposure``, ``rate``, ``low``, ``high``.
        """
        size = len(self.states)
        off = ~np.eye(size, dtype=np.bool_).ravel()
        frame = pd.DataFrame(
            {
                "before": np.repeat(np.array(self.states, dtype=object), size),
                "after": list(self.states) * size,
                "changes": self.counts.ravel(),
                "exposure": np.repeat(self.exposure, size),
                "rate": self.generator.ravel(),
                "low": self.low.ravel(),
                "high": self.high.ravel(),
            }
        )
        return frame[off].reset_index(drop=True)

    def __repr__(self) -> str:
        return short_repr("MigrationRates", states=len(self.states), changes=int(self.counts.sum()))

    def _repr_html_(self) -> str:
        rows = [
            [name, time, *rates]
            for name, time, rates in zip(self.states, self.exposure, self.generator, strict=True)
        ]
        caption = "Rates of migration per unit of time: rows from, columns to"
        return html_table(["from", "exposure", *self.states], rows, caption=caption)


def migration_rates(
    histories: Any,
    *,
    states: Sequence[str],
    until: float,
    absorbing: Sequence[str] = (),
    customer: str = "customer",
    time: str = "time",
    state: str = "state",
    confidence: float = 0.95,
) -> MigrationRates:
    """Estimate rates of migration from dated changes: the duration method.

    Parameters
    ----------
    histories : pandas, Polars or PyArrow frame
        One row for each customer's first state and one for each later change, with the time at which the state
        began, as a number in the caller's unit.
    states : sequence of str
        Names of all states.
    until : float
        Time at which observation ends for everybody.
    absorbing : sequence of str, default=()
        States that nobody leaves.
    customer, time, state : str, default="customer", "time", "state"
        Columns of the table.
    confidence : float, default=0.95
        Level of the intervals.

    Returns
    -------
    MigrationRates
        Rates, exposure and intervals.

    Raises
    ------
    ColumnError
        If a column is missing or of the wrong type.
    DataError
        If a cell is missing, a state is unknown, a time lies after `until`, a customer has two rows at one time,
        or leaves an absorbing state.
    DomainError
        If there is no row, states repeat or are no sequence, the time spent in a state is positive and below
        1e-150, or `confidence` or `until` is out of its range.

    See Also
    --------
    migration_matrix : The cohort method.

    Notes
    -----
    A row that repeats the customer's state is no change. Formula and source: :class:`MigrationRates`. Cost: the
    sorting of the rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import tiers
    >>> rows = {"customer": [1, 2, 2], "time": [0.0, 0.0, 3.0], "state": ["a", "a", "b"]}
    >>> tiers.migration_rates(pd.DataFrame(rows), states=["a", "b"], until=12.0).exposure
    array([15.,  9.])
    """
    named, fixed = checked_states(states, absorbing)
    end = unboxed(until)
    if not is_number(end):
        message = "until must be a finite number, in the unit of the times."
        raise DomainError(message)
    frame = _frames.eager(histories, argument="histories")
    if missing := [name for name in (customer, time, state) if name not in frame.columns]:
        mend = "Name them with customer=, time= and state=."
        raise ColumnError.missing(missing, available=frame.columns, mend=mend)
    if len(frame) == 0:
        message = "histories has no row; allowed: at least one customer."
        raise DomainError(message)
    who = sorted_keys(frame.get_column(customer), customer)[1]
    when = _frames.numeric(frame, [time], argument="histories")[:, 0]
    codes = state_codes(frame.get_column(state).to_numpy(), named, f"Column '{state}'")
    if (late := int((when > end).sum())) > 0:
        message = f"Column '{time}' has {late} time(s) after until; leave those rows out or observe for longer."
        raise DataError(message)
    order = np.lexsort((when, who))
    who, when, codes = who[order], when[order], codes[order]
    same = who[1:] == who[:-1]
    if (doubled := int((same & (when[1:] == when[:-1])).sum())) > 0:
        message = f"histories has {doubled} row(s) too many: a customer has one state at a time."
        raise DataError(message)
    stops = np.append(np.where(same, when[1:], end), end)
    changed = np.flatnonzero(same & (codes[1:] != codes[:-1]))
    counts = transition_counts(codes[changed], codes[changed + 1], len(named))
    exposure = np.diag(transition_counts(codes, codes, len(named), stops - when)).copy()
    stays = [named.index(name) for name in fixed]
    if (left := int(counts[stays].sum())) > 0:
        message = f"{left} customer(s) leave a state that is named as absorbing; correct the data or the name."
        raise DataError(message)
    exposure[stays] = 0.0
    return rates_of(counts, exposure, named, fixed, confidence)


def rates_of(
    counts: FloatArray,
    exposure: FloatArray,
    states: tuple[str, ...],
    absorbing: tuple[str, ...],
    confidence: float,
) -> MigrationRates:
    """Build the rates from changes and exposure."""
    level = checked_confidence(confidence)
    if short := [name for name, time in zip(states, exposure, strict=True) if 0.0 < time < 1.0 / LARGEST]:
        message = (
            f"The time spent in state(s) {', '.join(short)} is below {1.0 / LARGEST:g} in all, so that rates "
            "have no bound. Give times in a smaller unit."
        )
        raise DomainError(message)
    changes = np.array(counts)
    np.fill_diagonal(changes, 0.0)
    low, high = rate_interval(changes, exposure[:, None], level)
    stays = [states.index(name) for name in absorbing]
    high[stays] = 0.0
    for ends in (low, high):
        np.fill_diagonal(ends, 0.0)
    idle = [name for name, time in zip(states, exposure, strict=True) if time <= 0.0 and name not in absorbing]
    return MigrationRates(
        states=states,
        counts=read_only(changes),
        exposure=read_only(np.array(exposure)),
        generator=read_only(generator(changes, exposure)),
        low=read_only(low),
        high=read_only(high),
        confidence=level,
        unobserved=tuple(idle),
        absorbing=absorbing,
        provenance=provenance(states=len(states), changes=int(changes.sum())),
    )
