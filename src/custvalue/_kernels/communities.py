"""Communities of a weighted network: modularity, greedy agglomeration, and moves of single nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from custvalue._typing import FloatArray, IntArray

#: Gains of modularity below this are rounding; modularity itself lies in [-1/2, 1].
_ROUNDING: Final = 1e-12


class Partition(NamedTuple):
    """Labels 0..k-1 of the nodes, numbered by their first node, and the modularity they reach."""

    labels: IntArray
    modularity: float


def modularity(weights: FloatArray, labels: IntArray, resolution: float = 1.0) -> float:
    """Compute Newman and Girvan's modularity of a partition of a weighted network.

    Q = sum over communities c of W_c / W - resolution (S_c / W)^2, where W is the sum of all weights (each edge
    counts at both its ends), W_c the part of it inside c and S_c the strength of the nodes of c: Newman (2004),
    *Physical Review E* 70, 056131, equation 4, weighted; `resolution` as in Reichardt and Bornholdt (2006),
    *Physical Review E* 74, 016110, equation 13.

    Parameters
    ----------
    weights : ndarray of shape (n, n)
        Symmetric, not negative; the diagonal holds 0.
    labels : ndarray of int, shape (n,)
        Community of each node, 0 or more.
    resolution : float, default=1.0
        Above 1 smaller communities are better, below 1 larger ones.

    Returns
    -------
    float
        In [-1/2, 1] at resolution 1; 0 where the network has no edge. Cost: O(n^2).
    """
    total = float(weights.sum())
    if total <= 0.0:
        return 0.0
    inside = float(weights[labels[:, None] == labels[None, :]].sum())
    strengths = np.bincount(labels, weights=weights.sum(axis=1))
    shares = strengths / total
    return inside / total - resolution * float(shares @ shares)


def numbered(labels: IntArray) -> IntArray:
    """Give communities the numbers 0, 1, ... in the order of their first nodes."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return np.asarray(rank[inverse], dtype=np.int64)


def greedy_modularity(weights: FloatArray, resolution: float = 1.0, labels: IntArray | None = None) -> Partition:
    """Join the two communities that raise modularity most, until no join raises it.

    The greedy agglomeration of Clauset, Newman and Moore (2004), *Physical Review E* 70, 066111, on dense
    arrays. Joining a and b changes Q by 2 (W_ab / W - resolution S_a S_b / W^2). Among equal gains (within
    1e-12) the pair with the smallest first community wins, then the smallest second one, where a community is
    known by its first node.

    Parameters
    ----------
    weights : ndarray of shape (n, n)
        Symmetric, not negative; the diagonal holds 0.
    resolution : float, default=1.0
        As in :func:`modularity`.
    labels : ndarray of int, shape (n,) or None
        Communities to start from; each node alone if None.

    Returns
    -------
    Partition
        Labels and modularity. Cost: O(n^2) for what joins leave untouched, O(n^3) at worst; memory one array.
    """
    n = len(weights)
    start = np.arange(n) if labels is None else numbered(labels)
    total = float(weights.sum())
    if total <= 0.0:
        return Partition(np.asarray(start, dtype=np.int64), 0.0)
    k = int(start.max()) + 1
    member = np.zeros((n, k))
    member[np.arange(n), start] = 1.0
    links = member.T @ weights @ member / total
    shares = links.sum(axis=1)
    gains = 2.0 * (links - resolution * np.outer(shares, shares))
    gains[np.tril_indices(k)] = -np.inf
    parent = np.arange(k)
    best = gains.max(axis=1)
    while True:
        highest = float(best.max())
        if highest <= _ROUNDING:
            break
        a = int(np.argmax(best >= highest - _ROUNDING))
        b = int(np.argmax(gains[a] >= highest - _ROUNDING))
        parent[parent == b] = a
        links[a] += links[b]
        links[:, a] += links[:, b]
        shares[a] += shares[b]
        _join(gains, best, links[a], shares, a, b, resolution)
        shares[b] = 0.0
        links[b] = links[:, b] = 0.0
    found = numbered(parent[start])
    return Partition(found, modularity(weights, found, resolution))


def _join(
    gains: FloatArray, best: FloatArray, links: FloatArray, shares: FloatArray, a: int, b: int, resolution: float
) -> None:
    """Bring the upper triangle of gains and its rows' maxima up to date after b went into a."""
    k = len(gains)
    alive = np.isfinite(best) | np.isfinite(gains).any(axis=0)
    stale = (gains[:, a] >= best) | (gains[:, b] >= best)
    gains[b] = gains[:, b] = -np.inf
    fresh = 2.0 * (links - resolution * shares[a] * shares)
    above, below = np.arange(k) < a, np.arange(k) > a
    alive[b] = False
    gains[a, below & alive] = fresh[below & alive]
    gains[above & alive, a] = fresh[above & alive]
    rows = np.flatnonzero(stale)
    best[rows] = gains[rows].max(axis=1)
    np.maximum(best, gains[:, a], out=best)
    best[a], best[b] = gains[a].max(), -np.inf


def move_nodes(weights: FloatArray, labels: IntArray, resolution: float = 1.0) -> Partition:
    """Move single nodes to other communities in rounds, until a round no longer raises modularity.

    In a round every node moves once, the best move first even if it lowers modularity, and the round ends at the
    best partition it went through: Kernighan and Lin (1970), *Bell System Technical Journal* 49, 291-307, as used
    for modularity by Newman (2006), *PNAS* 103, 8577-8582. A node may leave for a community of its own. Among
    equal moves (within 1e-12) the first node moves, to the first community; among equal partitions of a round
    the earliest is kept.

    Parameters
    ----------
    weights : ndarray of shape (n, n)
        Symmetric, not negative; the diagonal holds 0.
    labels : ndarray of int, shape (n,)
        Communities to start from.
    resolution : float, default=1.0
        As in :func:`modularity`.

    Returns
    -------
    Partition
        Never worse than the start. Cost: O(n^2 k) a round for k communities.
    """
    found = numbered(labels)
    total = float(weights.sum())
    if total <= 0.0:
        return Partition(found, 0.0)
    best = Partition(found, modularity(weights, found, resolution))
    while True:
        moved = _one_round(weights / total, best.labels, resolution)
        reached = modularity(weights, moved, resolution)
        if reached <= best.modularity + _ROUNDING:
            return best
        best = Partition(moved, reached)


def _one_round(parts: FloatArray, labels: IntArray, resolution: float) -> IntArray:
    """Move every node once, the best first, and give the best partition on the way; parts sum to 1."""
    n = len(parts)
    found = labels.copy()
    # One column is empty at first, for a node that leaves; whatever empties later serves too.
    k = int(found.max()) + 2
    member = np.zeros((n, k))
    member[np.arange(n), found] = 1.0
    links, shares = parts @ member, parts.sum(axis=1)
    of_community = shares @ member
    free, everyone = np.ones(n, dtype=bool), np.arange(n)
    gained, highest, best = 0.0, 0.0, labels
    for _ in range(n):
        stay = links[everyone, found] - resolution * shares * (of_community[found] - shares)
        gains = 2.0 * (links - resolution * np.outer(shares, of_community) - stay[:, None])
        gains[everyone, found] = -np.inf
        gains[~free] = -np.inf
        node, target = divmod(int(np.argmax(gains.ravel() >= float(gains.max()) - _ROUNDING)), k)
        source = int(found[node])
        gained += float(gains[node, target])
        found[node], free[node] = target, False
        links[:, source] -= parts[:, node]
        links[:, target] += parts[:, node]
        of_community[source] -= shares[node]
        of_community[target] += shares[node]
        if gained > highest + _ROUNDING:
            highest, best = gained, numbered(found)
    return best


def louvain(weights: FloatArray, resolution: float = 1.0) -> Partition:
    """Move nodes to neighbouring communities one after another, then do the same with whole communities.

    Blondel, Guillaume, Lambiotte and Lefebvre (2008), *Journal of Statistical Mechanics*, P10008. Nodes come in
    their own order instead of at random, round after round, and a node moves where the gain is largest; of equal
    gains (within 1e-12) it stays, else takes the community with the smallest number.

    Parameters
    ----------
    weights : ndarray of shape (n, n)
        Symmetric, not negative; the diagonal holds 0.
    resolution : float, default=1.0
        As in :func:`modularity`.

    Returns
    -------
    Partition
        Labels and modularity. Cost: O(n^2) a round; memory some arrays of shape (n, n).
    """
    labels = np.arange(len(weights), dtype=np.int64)
    total = float(weights.sum())
    if total <= 0.0:
        return Partition(labels, 0.0)
    parts = weights / total
    while True:
        moved = numbered(_in_turn(parts, resolution))
        k = int(moved.max()) + 1
        labels = moved[labels]
        if k == len(parts):
            return Partition(numbered(labels), modularity(weights, labels, resolution))
        member = np.zeros((len(parts), k))
        member[np.arange(len(parts)), moved] = 1.0
        parts = member.T @ parts @ member


def _in_turn(parts: FloatArray, resolution: float) -> IntArray:
    """Move each node to the best community, in order, until nobody moves; loops do not bind a node elsewhere."""
    n = len(parts)
    links = parts.copy()
    np.fill_diagonal(links, 0.0)
    steps = links.copy()
    shares = parts.sum(axis=1)
    of_community = shares.copy()
    labels = np.arange(n, dtype=np.int64)
    settled = False
    while not settled:
        settled = True
        for node in range(n):
            home = int(labels[node])
            others = of_community.copy()
            others[home] -= shares[node]
            gains = links[node] - resolution * shares[node] * others
            highest = float(gains.max())
            if highest - float(gains[home]) <= _ROUNDING:
                continue
            settled = False
            target = int(np.argmax(gains >= highest - _ROUNDING))
            labels[node] = target
            links[:, home] -= steps[:, node]
            links[:, target] += steps[:, node]
            of_community[home] -= shares[node]
            of_community[target] += shares[node]
    return labels


def communities(weights: FloatArray, resolution: float = 1.0) -> Partition:
    """Find communities by two ways and keep the better one.

    :func:`greedy_modularity` and :func:`louvain` each give a start, from which moves of single nodes and joins of
    communities take turns until neither raises modularity, as in the refinement of Noack and Rotta (2009),
    *Experimental Algorithms*, LNCS 5526, 257-268. The largest modularity is not promised: finding it is NP-hard
    (Brandes et al. 2008, *IEEE Transactions on Knowledge and Data Engineering* 20(2), 172-188).

    Parameters
    ----------
    weights : ndarray of shape (n, n)
        Symmetric, not negative; the diagonal holds 0.
    resolution : float, default=1.0
        As in :func:`modularity`.

    Returns
    -------
    Partition
        Labels numbered by first nodes, and their modularity; of equal ones (within 1e-12) that of the first way. A
        node without an edge is alone.
    """
    joined = _refined(weights, greedy_modularity(weights, resolution), resolution)
    moved = _refined(weights, louvain(weights, resolution), resolution)
    best = moved if moved.modularity > joined.modularity + _ROUNDING else joined
    labels = best.labels.copy()
    # A node without an edge changes nothing wherever it stands: it is left alone.
    lonely = np.flatnonzero(weights.sum(axis=1) <= 0.0)
    labels[lonely] = len(labels) + lonely
    return Partition(numbered(labels), best.modularity)


def _refined(weights: FloatArray, start: Partition, resolution: float) -> Partition:
    """Let moves of nodes and joins of communities take turns until neither raises modularity."""
    found = start
    while True:
        moved = move_nodes(weights, found.labels, resolution)
        after = greedy_modularity(weights, resolution, moved.labels)
        if after.modularity <= found.modularity + _ROUNDING:
            return found
        found = after
