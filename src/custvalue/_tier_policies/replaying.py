"""The replay of a policy over a panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from custvalue._results import provenance, read_only
from custvalue._spec import FrozenMapping, require
from custvalue._tier_policies import reasons
from custvalue._tier_policies.continuing import Before, Walk
from custvalue._tier_policies.engine import NONE, Calendar, State, run
from custvalue._tier_policies.history import Replay
from custvalue._tier_policies.overrides import applied, placed, read_overrides
from custvalue._tier_policies.panel import OnMissing, Panel, require_spaced
from custvalue._tier_policies.phase_out import proposed
from custvalue._tier_policies.policy import TierPolicy
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._tier_policies.levels import Review
    from custvalue._tier_policies.overrides import Override
    from custvalue._typing import IntArray


def replay(
    policy: TierPolicy,
    panel: Any,
    *,
    overrides: Sequence[Override] | Any = (),
    after: Replay | None = None,
    customer: str = "customer",
    period: str = "period",
    on_missing: OnMissing = "refuse",
) -> Replay:
    """Follow every customer of a panel through a policy, with the reason of each level.

    Parameters
    ----------
    policy : TierPolicy
        Levels and rules.
    panel : Panel or frame
        A panel, or a long table of which the policy's columns are read.
    overrides : sequence of Override or frame, default=()
        Manual decisions; a frame has a row each and the columns ``customer``, ``level``, ``by``, ``why``,
        ``since``, ``until`` and, if wanted, ``hold``.
    after : Replay, default=None
        An earlier replay of the same policy that this panel continues: levels, dwell, locks and grace go on, and
        changes and migration start from its last period.
    customer, period : str, default="customer", "period"
        Columns of the keys if `panel` is a frame.
    on_missing : {"refuse", "report"}, default="refuse"
        What a frame's missing rows do, as in :meth:`Panel.from_long`. A customer without a row has no level in
        the period, is moved by nothing, and finds the old level again on coming back; the time counts for dwell
        and locks.

    Returns
    -------
    Replay
        Levels, reasons, changes and proposals. Its provenance counts the overrides, and those of them whose whole
        time lies outside of the panel's periods.

    Raises
    ------
    ColumnError
        If the panel lacks a column of the policy.
    DataError
        If the panel or the overrides break a rule, or customers of `after` are missing in a panel that refuses
        missing rows.
    DomainError
        If months are asked for and periods are whole numbers or never fall into one of these months, an override
        names an unknown level, `overrides` is no sequence, or `after` was made by another policy or does not end
        just before the panel begins.

    See Also
    --------
    TierPolicy : The rules, in their order.
    what_if : Compare two policies.

    Notes
    -----
    One pass over the periods; no loop over customers. A replay of the first periods is the beginning of the
    replay of all, if it has two periods or periods are whole numbers: a single date says nothing of the months
    from one period to the next, and is read as one of every month. That matters for `Review(every=...)`, for units
    of dwell and locks, and for proposals of a phase-out, where periods are quarters or years. Cost:
    O(customers x periods x levels) time, 10 bytes a customer and period beside the panel.

    Examples
    --------
    >>> from custvalue import tiers
    >>> policy = tiers.TierPolicy.ladder(["basic", "gold"], [500], down=[400])
    >>> panel = tiers.Panel.from_wide({"score": [[520, 480, 390], [60, 480, 510]]}, customers=["a", "b"])
    >>> history = tiers.replay(policy, panel)
    >>> history.levels
    array([[1, 1, 0],
           [0, 0, 1]], dtype=int8)
    >>> print(history.why("a", 1))
    gold: kept in period 1, since 'score is at least 400' holds and no higher level is met (score 480).
    At this level since period 0.
    """
    require(policy, TierPolicy, "policy")
    if after is not None:
        require(after, Replay, "after")
    if not isinstance(panel, Panel):
        panel = Panel.from_long(panel, policy.columns, customer=customer, period=period, on_missing=on_missing)
    require_readable(policy, panel)
    spacing = panel.spacing
    if after is not None:
        spacing = _continued(policy, panel, after)
        panel = _joined(panel, after)
    require_months(policy, panel, spacing)
    found = placed(read_overrides(overrides), policy, panel)
    calendar = Calendar.of(policy, panel.ticks, spacing)
    size = len(panel.customers)
    start = State.new(size) if after is None else _state_after(panel, after)
    before = Before.new(size) if after is None else _shown_before(panel, after)
    columns = {name: panel.columns[name].T for name in policy.columns}
    track = run(policy, columns, panel.present.T, calendar, start.copy())
    levels, codes = applied(found, track.levels, track.reasons, before)
    rows, whens = proposed(policy, panel, track, found, calendar.unit)
    return Replay(
        policy=policy,
        panel=panel,
        levels=read_only(levels).T,
        rule_levels=read_only(track.levels).T,
        reasons=read_only(codes).T,
        overrides=found.overrides,
        proposals=read_only(np.column_stack([rows, whens])),
        provenance=provenance(
            policy.model_dump_json(),
            **panel.provenance.counts,
            overrides=len(found.overrides),
            overrides_outside=int((found.first > found.last).sum()),
            proposals=len(rows),
        ),
        _rule_codes=track.reasons,
        _placed=found,
        _calendar=calendar,
        _start=start,
        _end=track.state,
        _before=before,
    )


def require_readable(policy: TierPolicy, panel: Panel) -> None:
    """Refuse a panel that lacks what the policy reads."""
    if missing := [name for name in policy.columns if name not in panel.columns]:
        mend = "The policy reads them; rename them or set its score."
        raise ColumnError.missing(missing, available=panel.columns, mend=mend)
    if panel.dated:
        return
    if policy.unit == "month" or any(one.months is not None for one in _reviews(policy)):
        message = (
            "The policy counts months and the panel's periods are whole numbers; give dates, or a policy with "
            "unit 'period' and reviews by 'every'."
        )
        raise DomainError(message)


def _reviews(policy: TierPolicy) -> list[Review]:
    """List the calendars of a policy."""
    found = [policy.review, policy.review_up]
    if policy.phase_out is not None and policy.phase_out.review is not None:
        found.append(policy.phase_out.review)
    return found


def require_months(policy: TierPolicy, panel: Panel, spacing: int) -> None:
    """Refuse months of a review that dates of this spacing never fall into."""
    if not panel.dated:
        return
    reached = sorted({(int(panel.ticks[0]) + k * spacing) % 12 + 1 for k in range(12)})
    if never := sorted({month for one in _reviews(policy) for month in one.months or ()} - set(reached)):
        message = (
            f"The policy reviews in month(s) {', '.join(map(str, never))}, and the panel's periods are in months "
            f"{', '.join(map(str, reached))} only, so that this review would never be held. Name months of these."
        )
        raise DomainError(message)


def _continued(policy: TierPolicy, panel: Panel, after: Replay) -> int:
    """Give the ticks between periods of both panels together; refuse what does not follow."""
    if after.policy != policy:
        message = "after is the replay of another policy; continue with the same one, or replay the whole panel."
        raise DomainError(message)
    if after.panel.dated != panel.dated or after.panel.customers.dtype != panel.customers.dtype:
        message = "after and panel differ in the type of keys or of periods; give both the same."
        raise DomainError(message)
    ticks = np.concatenate([after.panel.ticks, panel.ticks])
    if ticks[len(after.panel.ticks)] <= after.panel.ticks[-1]:
        message = "panel begins before after ends; give the periods that follow."
        raise DomainError(message)
    require_spaced(ticks, dated=panel.dated, name="period")
    return int(ticks[1] - ticks[0])


def _joined(panel: Panel, after: Replay) -> Panel:
    """Add the customers of the earlier replay who are not in the panel, as absent ones."""
    keys = np.union1d(panel.customers, after.panel.customers)
    gone = len(keys) - len(panel.customers)
    if not gone:
        return panel
    if panel.on_missing == "refuse":
        message = (
            f"{gone} customer(s) of after have no row in panel. Complete it, or read it with on_missing='report'."
        )
        raise DataError(message)
    place = np.searchsorted(keys, panel.customers)
    return panel._spread(keys, place)  # noqa: SLF001 - both are parts of one replay


def _state_after(panel: Panel, after: Replay) -> State:
    state = State.new(len(panel.customers))
    place: IntArray = np.searchsorted(panel.customers, after.panel.customers)
    for name in ("level", "last", "reached", "strikes"):
        getattr(state, name)[place] = getattr(after._end, name)  # noqa: SLF001 - both are parts of one replay
    return state


def _shown_before(panel: Panel, after: Replay) -> Before:
    """Read off the earlier replay what it showed of each customer of the panel that continues it."""
    size = len(panel.customers)
    found = Before.new(size)
    place: IntArray = np.searchsorted(panel.customers, after.panel.customers)
    walk = Walk.of(after.levels, after._before)  # noqa: SLF001 - both are parts of one replay
    code = after._before.code  # noqa: SLF001 - as above
    for now in after.reasons.T:
        code = np.where(now == reasons.ABSENT, code, now)
    found.seen[place], found.code[place], found.direction[place] = walk.seen, code, walk.direction
    final = np.full(size, NONE, dtype=np.int8)
    final[place] = after.levels[:, -1]
    columns = {}
    for name, array in after.panel.columns.items():
        columns[name] = np.zeros(size)
        columns[name][place] = array[:, -1]
    return Before(found.seen, found.code, found.direction, final, FrozenMapping(columns))
