"""One set of judgments of a network with its priorities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from custvalue._network_process.priorities import Priorities


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One set of judgments of a network and the priorities it gave.

    Parameters
    ----------
    criterion : str
        The criterion whose indicators were compared; empty for the control layer.
    column : str
        The node on which the influence was judged, or the cluster whose columns were weighed; empty where
        importance was judged.
    priorities : Priorities
        Weights and consistency.
    cluster : str, default=""
        The cluster whose nodes were compared, in a subnetwork.
    path : str, default=""
        Where the judgments stand in the network.

    See Also
    --------
    Solution : Holds one for each set of judgments.

    Examples
    --------
    >>> from custvalue import anp
    >>> judged = anp.Judged("", "", anp.priorities([[1.0, 3.0], [1 / 3, 1.0]]))
    >>> judged.priorities.consistency_ratio
    0.0
    """

    criterion: str
    column: str
    priorities: Priorities
    cluster: str = ""
    path: str = ""
