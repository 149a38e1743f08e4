"""What if: two policies on one panel, who moves and what it costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import require, unboxed
from custvalue._tier_policies.arguments import is_number
from custvalue._tier_policies.engine import NONE
from custvalue._tier_policies.panel import OnMissing, Panel, period_array
from custvalue._tier_policies.policy import TierPolicy
from custvalue._tier_policies.replaying import replay
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from custvalue._tier_policies.history import Replay
    from custvalue._tier_policies.overrides import Override
    from custvalue._typing import FloatArray, IntArray


@dataclass(frozen=True, eq=False, repr=False)
class PolicyComparison:
    """Two policies replayed on one panel: who moves, and what it costs.

    Attributes
    ----------
    first, second : Replay
        The replays of both policies; the first is the policy in force.
    moves : ndarray of int, shape (n_levels_first, n_levels_second)
        Customers of the last period by their level under the first policy and under the second.
    first_costs, second_costs : ndarray of shape (n_periods,)
        Cost of the levels' benefits in each period.
    provenance : Provenance
        Package version, both policies and counts.

    See Also
    --------
    what_if : Makes it.

    Examples
    --------
    >>> from custvalue import tiers
    >>> plain = tiers.TierPolicy.ladder(["basic", "gold"], [500])
    >>> kind = tiers.TierPolicy.ladder(["basic", "gold"], [500], down=[400])
    >>> panel = tiers.Panel.from_wide({"score": [[520, 480, 510], [60, 480, 300]]}, customers=["a", "b"])
    >>> found = tiers.what_if(plain, kind, panel, costs={"gold": 30.0})
    >>> found.first_costs, found.second_costs, found.cost_difference
    (array([30.,  0., 30.]), array([30., 30., 30.]), 30.0)
    >>> found.summary()
                         first  second
    cost                  60.0    90.0
    changes                2.0     0.0
    reversals              1.0     0.0
    customers changing     1.0     0.0
    """

    first: Replay
    second: Replay
    moves: IntArray
    first_costs: FloatArray
    second_costs: FloatArray
    provenance: Provenance

    @property
    def cost_difference(self) -> float:
        """Cost of the second policy over all periods, less that of the first."""
        return math.fsum(self.second_costs) - math.fsum(self.first_costs)

    def movers(self) -> Any:
        """List the customers who are at another level in some period.

        Returns
        -------
        frame
            In the library of the panel's table: the key column, ``first`` and ``second`` (level in the customer's
            last period with a row) and ``periods``, in how many periods the levels differ by name.
        """
        names, one, two = _common_codes(self.first, self.second)
        differ = (one != two).sum(axis=1)
        rows = np.flatnonzero(differ)
        present = self.first.levels[rows] != NONE
        last = present.shape[1] - 1 - np.argmax(present[:, ::-1], axis=1)
        panel = self.first.panel
        columns = {
            panel._names[0]: panel.customers[rows],  # noqa: SLF001 - the panel's own name for its key
            "first": names[one[rows, last]],
            "second": names[two[rows, last]],
            "periods": differ[rows],
        }
        return panel._like(columns)  # noqa: SLF001 - as above

    def costs(self) -> pd.DataFrame:
        """Give the cost of both policies, period by period.

        Returns
        -------
        pandas.DataFrame
            ``period``, ``first``, ``second``, ``difference``.
        """
        return pd.DataFrame(
            {
                "period": period_array(self.first.periods),
                "first": self.first_costs,
                "second": self.second_costs,
                "difference": self.second_costs - self.first_costs,
            }
        )

    def summary(self) -> pd.DataFrame:
        """Give totals of both policies.

        Returns
        -------
        pandas.DataFrame
            Columns ``first`` and ``second``; rows ``cost``, ``changes`` of level, ``reversals`` (turns from up to
            down or back), and ``customers changing`` at least once.
        """
        rows = {}
        for name, one, costs in (
            ("first", self.first, self.first_costs),
            ("second", self.second, self.second_costs),
        ):
            changes = one.n_changes
            rows[name] = [math.fsum(costs), changes.sum(), one.n_reversals.sum(), (changes > 0).sum()]
        index = ["cost", "changes", "reversals", "customers changing"]
        return pd.DataFrame(rows, index=index, dtype=np.float64)

    def to_frame(self) -> pd.DataFrame:
        """Give the moves as a table.

        Returns
        -------
        pandas.DataFrame
            ``first``, ``second`` and ``customers``, one row a pair of levels that has any.
        """
        rows, columns = np.nonzero(self.moves)
        return pd.DataFrame(
            {
                "first": np.array(self.first.policy.names, dtype=object)[rows],
                "second": np.array(self.second.policy.names, dtype=object)[columns],
                "customers": self.moves[rows, columns],
            }
        )

    def __repr__(self) -> str:
        return short_repr("PolicyComparison", **self.provenance.counts)

    def _repr_html_(self) -> str:
        table = [[name, *row] for name, row in zip(self.first.policy.names, self.moves.tolist(), strict=True)]
        caption = (
            f"Customers of the last period; the second policy costs {self.cost_difference:+.4g} over the panel"
        )
        return html_table(["first \\ second", *self.second.policy.names], table, caption=caption)


def what_if(
    first: TierPolicy,
    second: TierPolicy,
    panel: Any,
    *,
    costs: Mapping[str, float] | None = None,
    overrides: Sequence[Override] | Any = (),
    after: PolicyComparison | None = None,
    customer: str = "customer",
    period: str = "period",
    on_missing: OnMissing = "refuse",
) -> PolicyComparison:
    """Replay another policy on the same panel: who moves, and what it costs.

    Parameters
    ----------
    first, second : TierPolicy
        The policy in force, and the other one.
    panel : Panel or frame
        A panel, or a long table of which the columns of both policies are read.
    costs : mapping of str to float, default=None
        Cost of levels by name, for a customer and a period, in place of those in the policies.
    overrides : sequence of Override or frame, default=()
        Manual decisions, applied to both; their levels must be names in both policies.
    after : PolicyComparison, default=None
        An earlier comparison of the same two policies that this panel continues, as for :func:`replay`.
    customer, period : str, default="customer", "period"
        Columns of the keys if `panel` is a frame.
    on_missing : {"refuse", "report"}, default="refuse"
        What a frame's missing rows do, as in :meth:`Panel.from_long`.

    Returns
    -------
    PolicyComparison
        Both replays, moves and costs.

    Raises
    ------
    ColumnError
        If the panel lacks a column of a policy.
    DataError
        If the panel or the overrides break a rule.
    DomainError
        If `costs` is no mapping, names a level of neither policy or holds anything but finite numbers, or as for
        `replay`.

    Notes
    -----
    The comparison holds customers' figures fixed: it does not say how customers would answer to another policy.
    Cost: two replays.

    Examples
    --------
    >>> from custvalue import tiers
    >>> old = tiers.TierPolicy.ladder(["basic", "gold"], [500])
    >>> new = tiers.TierPolicy.ladder(["basic", "gold"], [600])
    >>> panel = tiers.Panel.from_wide({"score": [[520, 580], [700, 700]]}, customers=["a", "b"])
    >>> tiers.what_if(old, new, panel).to_frame()
      first second  customers
    0  gold  basic          1
    1  gold   gold          1
    """
    require(first, TierPolicy, "first")
    require(second, TierPolicy, "second")
    given = _checked_costs({} if costs is None else costs, (*first.names, *second.names))
    if not isinstance(panel, Panel):
        wanted = dict.fromkeys((*first.columns, *second.columns))
        panel = Panel.from_long(panel, list(wanted), customer=customer, period=period, on_missing=on_missing)
    if after is not None:
        require(after, PolicyComparison, "after")
    one = replay(first, panel, overrides=overrides, after=None if after is None else after.first)
    two = replay(second, panel, overrides=overrides, after=None if after is None else after.second)
    last = one.levels[:, -1] != NONE
    moves = np.zeros((len(first.names), len(second.names)), dtype=np.int64)
    np.add.at(moves, (one.levels[last, -1], two.levels[last, -1]), 1)
    _, here, there = _common_codes(one, two)
    return PolicyComparison(
        first=one,
        second=two,
        moves=read_only(moves),
        first_costs=read_only(_period_costs(one, given)),
        second_costs=read_only(_period_costs(two, given)),
        provenance=provenance(
            first.model_dump_json() + "\n" + second.model_dump_json(),
            customers=len(one.customers),
            periods=len(one.periods),
            moved=int((here[:, -1] != there[:, -1]).sum()),
        ),
    )


def _common_codes(first: Replay, second: Replay) -> tuple[NDArray[Any], NDArray[np.int16], NDArray[np.int16]]:
    """Give levels of both replays as positions in one list of names; -1 where there is no row."""
    names = list(dict.fromkeys((*first.policy.names, *second.policy.names)))
    codes = [
        np.array([*map(names.index, each.policy.names), NONE], dtype=np.int16)[each.levels]
        for each in (first, second)
    ]
    return np.array(names, dtype=object), codes[0], codes[1]


def _checked_costs(costs: Mapping[str, float], names: Sequence[str]) -> dict[str, float]:
    if not isinstance(costs, Mapping):
        message = f"costs is a {type(costs).__name__}; allowed: a mapping of names of levels to numbers."
        raise DomainError(message)
    if unknown := sorted(set(costs) - set(names)):
        message = f"costs names {unknown}; the policies have {', '.join(dict.fromkeys(names))}."
        raise DomainError(message)
    plain = {name: unboxed(value) for name, value in costs.items()}
    if bad := sorted(name for name, value in plain.items() if not is_number(value)):
        message = f"costs of {bad} are no finite numbers."
        raise DomainError(message)
    return {name: float(value) for name, value in plain.items()}


def _period_costs(one: Replay, given: Mapping[str, float]) -> FloatArray:
    """Add up the cost of all customers, period by period."""
    each = np.array([given.get(level.name, level.cost) for level in one.policy.levels])
    found: FloatArray = one.counts()[list(one.policy.names)].to_numpy(dtype=np.float64) @ each
    return found
