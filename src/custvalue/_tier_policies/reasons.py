"""Why a customer is at a level: one code for every customer and period."""

from __future__ import annotations

from typing import Final

#: Names of the codes, in their order; the position is the code.
REASONS: Final = (
    "absent",
    "entered",
    "upgraded",
    "upgraded by the most steps",
    "kept",
    "waits for upgrade review",
    "waits for dwell before upgrade",
    "below, not reviewed",
    "below, locked",
    "below, dwell not over",
    "below, forgiven",
    "downgraded",
    "downgraded by the most steps",
    "override",
    "override at least",
    "override at most",
    "override ended",
)
(
    ABSENT,
    ENTERED,
    UPGRADED,
    UPGRADED_LIMITED,
    KEPT,
    WAITS_REVIEW,
    WAITS_DWELL,
    BELOW_NO_REVIEW,
    BELOW_LOCKED,
    BELOW_DWELL,
    BELOW_FORGIVEN,
    DOWNGRADED,
    DOWNGRADED_LIMITED,
    OVERRIDE,
    OVERRIDE_AT_LEAST,
    OVERRIDE_AT_MOST,
    OVERRIDE_ENDED,
) = range(len(REASONS))
#: Codes under which the rules changed or first gave the level.
MOVES: Final = (ENTERED, UPGRADED, UPGRADED_LIMITED, DOWNGRADED, DOWNGRADED_LIMITED)
