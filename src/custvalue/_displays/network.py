"""The display of a network: nodes in clusters, and arrows for what influences what."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Self

import numpy as np

from custvalue._displays.axes import NO_LABELS, named, one_each, require_distinct, require_from_zero, require_top
from custvalue._displays.network_drawing import NetworkDrawing, NetworkNumbers
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from custvalue._typing import FloatArray, Table
    from custvalue.anp import Solution

_NO_CONTROL: Mapping[str, float] = {}


class NetworkDisplay:
    """Nodes in clusters, arrows for what influences what, and the priority of every node.

    Parameters
    ----------
    influences : table of shape (n, n)
        Influence of the row's node on the column's node, from 0, for example a weighted supermatrix. Rows and
        columns are the nodes of the first cluster, then those of the second, and so on.
    clusters : mapping of str to sequence of str
        Names of the nodes of each cluster. A node may come again in another cluster, not in its own.
    priorities : array_like of shape (n,), default=None
        Priority of each node, from 0; None draws all nodes alike and writes no numbers.
    control : mapping of str to float, default={}
        Criteria above the clusters, with their weights; they are drawn in a box of their own on top, with an
        arrow to each cluster of theirs.
    under : mapping of str to str, default={}
        The criterion of each cluster. A cluster that is not named is under the criterion of its own name.
    title : str, default="Network"
        Title of the picture.

    Attributes
    ----------
    influences : ndarray of shape (n, n)
        What the arrows show.
    clusters : dict of str to tuple of str
        The boxes and their nodes.
    priorities : ndarray of shape (n,) or None
        What areas and numbers of the nodes show.
    control : dict of str to float
        Criteria and their weights.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If names and numbers do not fit, an influence or a priority is negative, or a cluster is under a criterion
        that `control` does not have, or a criterion has no cluster.

    Notes
    -----
    The width of an arrow is 3.5 points times its influence over the largest one (at least 0.2 points), and the
    area of a node is proportional to its priority (with a smallest one that can still be seen); in small axes both
    shrink with the picture. A cluster whose
    nodes influence each other is drawn as a ring, so that no arrow inside passes over a node; any other cluster as
    a column. Clusters stand on an ellipse or, below criteria, in rows. Cost: O(n^2).

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.NetworkDisplay(
    ...     [[0.0, 1.0], [1.0, 0.0]], clusters={"channel": ["cash", "transfer"]}, priorities=[0.5, 0.5])
    >>> display.clusters
    {'channel': ('cash', 'transfer')}
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        influences: Table,
        *,
        clusters: Mapping[str, Sequence[str]],
        priorities: Sequence[float] | FloatArray | None = None,
        control: Mapping[str, float] = _NO_CONTROL,
        under: Mapping[str, str] = NO_LABELS,
        title: str = "Network",
    ) -> None:
        require_distinct(list(clusters), "clusters")
        self.clusters = {
            name: require_distinct(list(nodes), f"clusters[{name!r}]") for name, nodes in clusters.items()
        }
        names = list(itertools.chain.from_iterable(self.clusters.values()))
        self.influences = require_from_zero(named(influences, names, names), "influences")
        self.priorities = None
        if priorities is not None:
            self.priorities = require_from_zero(one_each(priorities, "priorities", len(names)), "priorities")
        self.control = dict(control)
        if self.control:
            require_from_zero(one_each(list(control.values()), "control", len(control)), "control")
        self.under = {name: under.get(name, name) for name in self.clusters} if self.control else {}
        homeless = [name for name, criterion in self.under.items() if criterion not in self.control]
        if homeless:
            message = (
                f"The cluster '{homeless[0]}' is under '{self.under[homeless[0]]}', which control does not name; "
                f"allowed: {', '.join(self.control)}. Name its criterion in under."
            )
            raise DomainError(message)
        childless = [name for name in self.control if name not in self.under.values()]
        if childless:
            message = f"No cluster is under '{childless[0]}'; allowed: criteria with at least one cluster each."
            raise DomainError(message)
        self.title = title

    @classmethod
    def from_solution(cls, solution: Solution, *, criterion: str | None = None) -> Self:
        """Take the network below one criterion, or the control layer and all that lies below it.

        Parameters
        ----------
        solution : Solution
            The solved network.
        criterion : str, default=None
            A criterion with a supermatrix: its clusters, the influences of its weighted supermatrix, and the local
            weights. None takes the criteria and the nodes of all of them, with global weights.

        Returns
        -------
        NetworkDisplay
            Ready to be drawn.

        Raises
        ------
        DomainError
            If the criterion has no supermatrix.
        """
        found = solution.weighted
        if criterion is None:
            chosen = list(solution.control)
        elif criterion in found:
            chosen = [criterion]
        else:
            message = (
                f"criterion '{criterion}' has no supermatrix; those that have: {', '.join(found) or 'none'}. "
                "Leave it out to draw the whole network."
            )
            raise DomainError(message)
        parts = [(name, *_below(solution, name)) for name in chosen]
        clusters: dict[str, tuple[str, ...]] = {}
        under: dict[str, str] = {}
        for name, groups, _ in parts:
            for cluster, nodes in groups.items():
                alone = criterion is not None or cluster == name
                shown = cluster if alone else f"{name}: {cluster}"
                clusters[shown], under[shown] = nodes, name
        weights = [
            (1.0 if criterion is not None else solution.control[name]) * solution.local[name].get(node, 0.0)
            for name, groups, _ in parts
            for node in itertools.chain.from_iterable(groups.values())
        ]
        whole = np.zeros((len(weights), len(weights)))
        corner = 0
        for _, _, block in parts:
            whole[corner : corner + len(block), corner : corner + len(block)] = block
            corner += len(block)
        control = {} if criterion is not None else dict(solution.control)
        title = "Network" if criterion is None else f"network of {criterion}"
        return cls(whole, clusters=clusters, priorities=weights, control=control, under=under, title=title)

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS, most: int = 100) -> Self:
        """Draw boxes, nodes and arrows.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure that is large enough.
        labels : mapping of str to str, default={}
            Replacements for any text: names of nodes, clusters and criteria, the title, ``"Criteria"``,
            ``"an arrow runs from what influences to what is influenced; width: influence"``,
            ``"number and area of a node: its priority"``,
            ``"the strongest {drawn} of {count} influences are drawn"`` (with the same braces).
        most : int, default=100
            At most so many arrows are drawn between nodes, the strongest (and those as strong as the last of
            them); the picture says so.

        Returns
        -------
        NetworkDisplay
            Itself, with `ax_` and `figure_`.

        Raises
        ------
        DomainError
            If `most` is not a whole number from 1.
        """
        most = require_top(most, "most")
        numbers = NetworkNumbers(
            self.influences, self.clusters, self.priorities, self.control, self.under, self.title
        )
        self.figure_, self.ax_ = NetworkDrawing(numbers, labels).draw(ax, most)
        return self


def _below(solution: Solution, criterion: str) -> tuple[dict[str, tuple[str, ...]], FloatArray]:
    """Give the clusters below a criterion and the influences between their nodes, in the same order."""
    if criterion not in solution.weighted:
        nodes = tuple(solution.local[criterion])
        return {criterion: nodes}, np.zeros((len(nodes), len(nodes)))
    frame = solution.weighted[criterion]
    clusters = dict(solution.clusters[criterion])
    order = list(itertools.chain.from_iterable(clusters.values()))
    return clusters, frame.loc[order, order].to_numpy(dtype=float)
