"""The replay of a policy: the level of every customer in every period, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from custvalue._results import Provenance, html_table, read_only, short_repr
from custvalue._spec import whole_number
from custvalue._tier_policies import reasons
from custvalue._tier_policies.continuing import Walk
from custvalue._tier_policies.engine import NONE, run
from custvalue._tier_policies.migration import MigrationMatrix, cohort
from custvalue._tier_policies.panel import period_array
from custvalue._tier_policies.rates import MigrationRates, rates_of
from custvalue._tier_policies.wording import Situation, override_sentence, rule_sentence
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._tier_policies.continuing import Before
    from custvalue._tier_policies.engine import Calendar, State
    from custvalue._tier_policies.overrides import Override, Placed
    from custvalue._tier_policies.panel import Panel, Period
    from custvalue._tier_policies.policy import TierPolicy
    from custvalue._typing import FloatArray, IntArray

_HOLDS = {
    reasons.OVERRIDE: "exactly",
    reasons.OVERRIDE_AT_LEAST: "at_least",
    reasons.OVERRIDE_AT_MOST: "at_most",
}
Absent = Literal["exclude", "state"]
#: Name of the state of customers without a row, where they are one.
ABSENT_STATE = "absent"


@dataclass(frozen=True, eq=False, repr=False)
class Replay:
    """The level of every customer in every period, with its reason.

    Attributes
    ----------
    policy : TierPolicy
        The policy.
    panel : Panel
        The panel that was read.
    levels : ndarray of int, shape (n_customers, n_periods)
        Position of the level in ``policy.names``; -1 where the customer has no row.
    rule_levels : ndarray of int, shape (n_customers, n_periods)
        The same by the rules alone, as if there were no override.
    reasons : ndarray of int, shape (n_customers, n_periods)
        Position of the reason in `reason_names`.
    overrides : tuple of Override
        The manual decisions.
    proposals : ndarray of int, shape (n_proposals, 2)
        Row and column of each proposal for exit, period by period, in each the lowest value first.
    provenance : Provenance
        Package version, policy and counts.

    See Also
    --------
    replay : Makes it.

    Notes
    -----
    A customer counts as changed where the level differs from that of the customer's last period with a row, be it
    one of the earlier replay that this one continues. Migration starts from that replay's last period, so that the
    parts together count what a replay of everything counts, step by step.

    Examples
    --------
    >>> from custvalue import tiers
    >>> policy = tiers.TierPolicy.ladder(["basic", "gold"], [500], down=[400])
    >>> panel = tiers.Panel.from_wide({"score": [[520, 480, 390], [60, 480, 510]]}, customers=["a", "b"])
    >>> history = tiers.replay(policy, panel)
    >>> history.changes()
      customer  period before  after      reason
    0        a       2   gold  basic  downgraded
    1        b       2  basic   gold    upgraded
    >>> history.counts()
       period  basic  gold
    0       0      1     1
    1       1      1     1
    2       2      1     1
    """

    policy: TierPolicy
    panel: Panel
    levels: NDArray[np.int8]
    rule_levels: NDArray[np.int8]
    reasons: NDArray[np.int8]
    overrides: tuple[Override, ...]
    proposals: IntArray
    provenance: Provenance
    _rule_codes: NDArray[np.int8]
    _placed: Placed
    _calendar: Calendar
    _start: State
    _end: State
    _before: Before

    @property
    def customers(self) -> NDArray[Any]:
        """Keys of the customers, ascending."""
        return self.panel.customers

    @property
    def periods(self) -> tuple[Period, ...]:
        """Periods, ascending."""
        return self.panel.periods

    @property
    def reason_names(self) -> tuple[str, ...]:
        """Names of the reasons; `reasons` holds positions in them."""
        return reasons.REASONS

    @property
    def n_changes(self) -> IntArray:
        """Number of changes of level of each customer, shape (n_customers,)."""
        return read_only(self._walk().changes)

    @property
    def n_reversals(self) -> IntArray:
        """How often each customer's movement turned from up to down or back, shape (n_customers,)."""
        return read_only(self._walk().turns)

    def _walk(self) -> Walk:
        return Walk.of(self.levels, self._before)

    def level(self, customer: object, period: Period) -> str | None:
        """Give the level of a customer in a period.

        Parameters
        ----------
        customer : int or str
            Key.
        period : int or datetime.date
            Period; a date of the same month is enough.

        Returns
        -------
        str or None
            Name of the level; None if the customer has no row in the period.

        Raises
        ------
        DomainError
            If the panel does not hold the customer or the period.
        """
        code = int(self.levels[self.panel.position(customer), self.panel.when(period)])
        return None if code == NONE else self.policy.names[code]

    def why(self, customer: object, period: Period) -> str:
        """Say in plain sentences why a customer is at a level: why am I here.

        Parameters
        ----------
        customer : int or str
            Key.
        period : int or datetime.date
            Period; a date of the same month is enough.

        Returns
        -------
        str
            What the rules did and why, with the customer's figures; for a manual override who decided it, why and
            until when, and what the rules say underneath. The key is not repeated.

        Raises
        ------
        DomainError
            If the panel does not hold the customer or the period.
        """
        row, column = self.panel.position(customer), self.panel.when(period)
        by_rules = rule_sentence(self.policy, self._situation(row, column))
        code = int(self.reasons[row, column])
        if code in _HOLDS:
            now = self._situation(row, column, by_rules=False)
            holds, name = _HOLDS[code], self.policy.names[now.level]
            here = self._placed.in_force(row, column)
            held = [one for one, _ in here if (one.hold, one.level) == (holds, name)]
            return f"{override_sentence(self.policy, now, held)} By the rules: {by_rules}"
        if code == reasons.OVERRIDE_ENDED:
            return f"A manual override has ended in period {self.periods[column]}. By the rules: {by_rules}"
        return by_rules

    def _situation(self, row: int, column: int, *, by_rules: bool = True) -> Situation:
        """Follow one customer up to a period once more, and give what the rules remember."""
        stop, one = column + 1, slice(row, row + 1)
        columns = {name: self.panel.columns[name].T[:stop, one] for name in self.policy.columns}
        present = self.panel.present.T[:stop, one]
        track = run(self.policy, columns, present, self._calendar, self._start.of(row), keep_strikes=True)
        levels = track.levels[:, 0] if by_rules else self.levels[row, :stop]
        moves = np.flatnonzero(np.isin(track.reasons[:, 0], reasons.MOVES))
        seen = np.flatnonzero(levels[:column] != NONE)
        before = int(levels[seen[-1]]) if seen.size else int(self._start.level[row])
        return Situation(
            period=self.periods[column],
            code=int(track.reasons[column, 0] if by_rules else self.reasons[row, column]),
            level=int(levels[column]),
            before=None if before == NONE else before,
            strikes=int(track.strikes[column][0]),
            changed=self.periods[int(moves[-1])] if moves.size else None,
            values={name: float(array[column, 0]) for name, array in columns.items()},
        )

    def changes(self) -> Any:
        """List every change of level with its reason.

        Returns
        -------
        frame
            In the library of the panel's table: its two key columns, ``before``, ``after`` and ``reason``,
            customer by customer. Entering is no change; a change from the last level of the earlier replay is one.
        """
        walk = self._walk()
        row, when = walk.rows, walk.columns
        return self._frame(
            row,
            when,
            before=self._level_names(walk.befores),
            after=self._level_names(self.levels[row, when]),
            reason=np.array(reasons.REASONS, dtype=object)[self.reasons[row, when]],
        )

    def counts(self) -> pd.DataFrame:
        """Count the customers of each level, period by period.

        Returns
        -------
        pandas.DataFrame
            Column ``period`` and one a level, from low to high.
        """
        size = len(self.policy.names)
        table = np.stack([np.bincount(now[now != NONE], minlength=size) for now in self.levels.T])
        head = {"period": period_array(self.periods)}
        return pd.DataFrame(head | {name: table[:, place] for place, name in enumerate(self.policy.names)})

    def reason_counts(self) -> pd.DataFrame:
        """Count the reasons, period by period.

        Returns
        -------
        pandas.DataFrame
            Column ``period`` and one a reason that occurs.
        """
        table = np.stack([np.bincount(now, minlength=len(reasons.REASONS)) for now in self.reasons.T])
        shown = np.flatnonzero(table.any(axis=0)).tolist()
        return pd.DataFrame(
            {"period": period_array(self.periods)} | {reasons.REASONS[code]: table[:, code] for code in shown}
        )

    def phase_out(self) -> Any:
        """List the customers of the lowest level who are proposed for exit; people decide.

        Returns
        -------
        frame
            In the library of the panel's table: its two key columns, ``value``, the figure they are ordered by,
            and ``decision``, always ``"by a person"``.
        """
        row, when = self.proposals[:, 0], self.proposals[:, 1]
        rule = self.policy.phase_out
        name = self.policy.score if rule is None or rule.column is None else rule.column
        values = self.panel.columns[name][row, when] if row.size else np.empty(0)
        return self._frame(row, when, value=values, decision=np.full(len(row), "by a person", dtype=object))

    def final(self) -> Any:
        """Give the last level of every customer, with the reason.

        Returns
        -------
        frame
            In the library of the panel's table: its two key columns, ``level`` and ``reason``, one row a customer
            who has a row in the last period.
        """
        row = np.flatnonzero(self.levels[:, -1] != NONE)
        return self._told(row, np.full(len(row), len(self.periods) - 1))

    def to_frame(self) -> Any:
        """Give one row a customer and period.

        Returns
        -------
        frame
            In the library of the panel's table: its two key columns, ``level`` and ``reason``.
        """
        return self._told(*np.nonzero(self.levels != NONE))

    def _told(self, row: IntArray, when: IntArray) -> Any:
        told = np.array(reasons.REASONS, dtype=object)[self.reasons[row, when]]
        return self._frame(row, when, level=self._level_names(self.levels[row, when]), reason=told)

    def _level_names(self, codes: NDArray[np.int8]) -> NDArray[Any]:
        return np.asarray(np.array(self.policy.names, dtype=object)[codes])

    def _frame(self, row: IntArray, when: IntArray, **columns: NDArray[Any]) -> Any:
        names = self.panel._names  # noqa: SLF001 - the panel's own names for its keys
        keys = {names[0]: self.customers[row], names[1]: period_array(self.periods)[when]}
        return self.panel._like(keys | columns)  # noqa: SLF001 - as above

    def migrations(
        self, *, step: int = 1, weights: str | None = None, absent: Absent = "exclude", confidence: float = 0.95
    ) -> tuple[MigrationMatrix, ...]:
        """Count the migration from each period to the one `step` later, without overlap.

        Parameters
        ----------
        step : int, default=1
            Periods from the start to the end of each migration.
        weights : str, default=None
            Column of the panel that weighs each customer, as it stands at the start, or at the end for customers
            who are absent at the start (ours); None: customers are counted.
        absent : {"exclude", "state"}, default="exclude"
            Whether customers without a row at either end are left out, or absence is a state of its own.
        confidence : float, default=0.95
            Level of the intervals.

        Returns
        -------
        tuple of MigrationMatrix
            One for the periods 0 to step, step to 2 step, and so on. A replay that continues another one begins
            with the last period of that one.

        Raises
        ------
        DomainError
            If `step` is no whole number from 1 to the number of periods less 1, `weights` names no column of the
            panel, or `absent` is unknown.
        """
        self._require_migration(step, weights, absent)
        return tuple(
            self._migration(range(start, start + 1), step, weights, absent, confidence)
            for start in self._starts(step)
        )

    def migration(
        self, *, step: int = 1, weights: str | None = None, absent: Absent = "exclude", confidence: float = 0.95
    ) -> MigrationMatrix:
        """Count the migration over `step` periods, pooled over time: one matrix is taken to hold throughout.

        Parameters
        ----------
        step : int, default=1
            Periods from the start to the end of each migration; intervals do not overlap.
        weights : str, default=None
            Column of the panel that weighs each customer, as it stands at the start, or at the end for customers
            who are absent at the start (ours); None: customers are counted.
        absent : {"exclude", "state"}, default="exclude"
            Whether customers without a row at either end are left out, or absence is a state of its own.
        confidence : float, default=0.95
            Level of the intervals.

        Returns
        -------
        MigrationMatrix
            The pooled matrix. :func:`time_homogeneity` of `migrations` tests whether one matrix will do.

        Raises
        ------
        DomainError
            As `migrations`.
        """
        self._require_migration(step, weights, absent)
        return self._migration(self._starts(step), step, weights, absent, confidence)

    def migration_between(
        self,
        first: Period,
        last: Period,
        *,
        weights: str | None = None,
        absent: Absent = "exclude",
        confidence: float = 0.95,
    ) -> MigrationMatrix:
        """Count the migration from one period to a later one.

        Parameters
        ----------
        first, last : int or datetime.date
            The two periods; a date of the same month is enough.
        weights : str, default=None
            Column of the panel that weighs each customer, as it stands at the first, or at the last for customers
            who are absent at the first (ours); None: customers are counted.
        absent : {"exclude", "state"}, default="exclude"
            Whether customers without a row at either end are left out, or absence is a state of its own.
        confidence : float, default=0.95
            Level of the intervals.

        Returns
        -------
        MigrationMatrix
            The matrix of these two periods.

        Raises
        ------
        DomainError
            If the panel does not hold a period, the last is not later than the first, `weights` names no column of
            the panel, or `absent` is unknown.
        """
        start, end = (self.panel.when(period) for period in (first, last))
        if end <= start:
            message = "last must be a later period than first."
            raise DomainError(message)
        self._require_migration(end - start, weights, absent)
        return self._migration(range(start, start + 1), end - start, weights, absent, confidence)

    @property
    def _earlier(self) -> int:
        """1 if the last period of an earlier replay stands before the first one here, else 0."""
        return int(self._before.final is not None)

    def _starts(self, step: int) -> range:
        """Give the columns in which migrations start; -1 is the last period of the earlier replay."""
        return range(-self._earlier, len(self.periods) - step, step)

    def _require_migration(self, step: int, weights: str | None, absent: Absent) -> None:
        most = len(self.periods) - 1 + self._earlier
        whole_number(step, "step", 1, most, what="the number of periods less 1, ")
        if weights is not None and weights not in self.panel.columns:
            message = f"weights is '{weights}'; the panel has {', '.join(self.panel.columns)}."
            raise DomainError(message)
        if absent not in ("exclude", "state"):
            message = "absent must be 'exclude' or 'state'."
            raise DomainError(message)

    def _states(self, column: int, absent: Absent) -> NDArray[np.int64]:
        earlier = self._before.final
        codes = self.levels[:, column] if column >= 0 or earlier is None else earlier
        return np.where(
            codes == NONE, len(self.policy.names) if absent == "state" else NONE, codes.astype(np.int64)
        )

    def _weights(self, name: str, column: int) -> FloatArray:
        """Give what customers weigh in a column; 0 where they have no row."""
        if column >= 0:
            return self.panel.columns[name][:, column]
        if name not in self._before.columns:
            message = f"weights is '{name}', which the panel of the earlier replay lacks; read it there too."
            raise DomainError(message)
        return self._before.columns[name]

    def _migration(
        self, starts: range, step: int, weights: str | None, absent: Absent, confidence: float
    ) -> MigrationMatrix:
        before = np.concatenate([self._states(start, absent) for start in starts])
        after = np.concatenate([self._states(start + step, absent) for start in starts])
        kept = (before != NONE) & (after != NONE)
        money: FloatArray | None = None
        if weights is not None:
            begun = np.concatenate([self._weights(weights, start) for start in starts])
            ended = np.concatenate([self._weights(weights, start + step) for start in starts])
            money = np.where(before == len(self.policy.names), ended, begun)[kept]
        names = (*self.policy.names, ABSENT_STATE) if absent == "state" else self.policy.names
        return cohort(before[kept], after[kept], names, weights=money, confidence=confidence)

    def migration_rates(self, *, confidence: float = 0.95) -> MigrationRates:
        """Estimate the rates of migration from time spent at each level, in periods.

        Parameters
        ----------
        confidence : float, default=0.95
            Level of the intervals.

        Returns
        -------
        MigrationRates
            Rates for each period. A change is dated at the beginning of the period that shows it; a customer
            spends a period at a level if there is a row in it and in the next.

        Raises
        ------
        DomainError
            If there is one period only and no earlier replay.
        """
        most = len(self.periods) - 1 + self._earlier
        whole_number(1, "periods", 1, most, what="the number of periods less 1, ")
        pooled = self.migration()
        return rates_of(pooled.counts, pooled.counts.sum(axis=1), self.policy.names, (), confidence)

    def __repr__(self) -> str:
        return short_repr("Replay", **self.provenance.counts, changes=int(self.n_changes.sum()))

    def _repr_html_(self) -> str:
        table = self.counts()
        changed = int((self.n_changes > 0).sum())
        caption = (
            f"Replay: {len(self.customers)} customers, {len(self.periods)} periods; {int(self.n_changes.sum())} "
            f"changes of {changed} customers, {len(self.proposals)} proposals for exit"
        )
        return html_table(list(table.columns), table.itertuples(index=False), caption=caption)
