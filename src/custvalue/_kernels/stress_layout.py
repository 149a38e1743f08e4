"""Positions of a network's nodes in the plane: near in the network, near in the picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.linalg import cho_factor, cho_solve, eigh
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

if TYPE_CHECKING:
    from custvalue._typing import FloatArray, IntArray

#: Equal eigenvalues would leave the start to the linear algebra library; distances are tilted by this much.
_TILT: Final = 1e-3
#: The step of the golden section, whose multiples modulo 1 lie apart from each other.
_GOLDEN: Final = (math.sqrt(5.0) - 1.0) / 2.0
#: Nodes without an edge stand in a block this many times as wide as high.
_WIDE: Final = 5


def stress(positions: FloatArray, distances: FloatArray) -> float:
    """Compute the stress of positions: sum over pairs of (|x_i - x_j| - d_ij)^2 / d_ij^2.

    Gansner, Koren and North (2004), equation 1 with weights d^-2.

    Parameters
    ----------
    positions : ndarray of shape (n, 2)
        Places in the plane.
    distances : ndarray of shape (n, n)
        Symmetric, positive and finite off the diagonal.

    Returns
    -------
    float
        Each pair counted once; 0 where all distances are met.
    """
    inverse = np.zeros_like(distances)
    np.divide(1.0, distances, out=inverse, where=~np.eye(len(distances), dtype=bool))
    return _stress(_lengths(positions), inverse)


def classical_scaling(distances: FloatArray) -> FloatArray:
    """Place points in the plane by classical scaling (Torgerson 1952, *Psychometrika* 17, 401-419).

    The two leading eigenvectors of the doubly centred squared distances, times the roots of their eigenvalues
    (0 where an eigenvalue is negative); in each column the entry of largest size is positive.

    Parameters
    ----------
    distances : ndarray of shape (n, n)
        Symmetric, n at least 2.

    Returns
    -------
    ndarray of shape (n, 2)
        Places, with mean 0. Cost: O(n^3).
    """
    n = len(distances)
    squares = distances * distances
    means = squares.mean(axis=1)
    centred = -0.5 * (squares - means[:, None] - means[None, :] + means.mean())
    values, vectors = eigh(centred, subset_by_index=(n - 2, n - 1))
    places = vectors[:, ::-1] * np.sqrt(np.maximum(values[::-1], 0.0))
    return _upright(places)


def _upright(places: FloatArray) -> FloatArray:
    """Turn each axis so that its entry of largest size, the first among equals, is positive."""
    size = np.abs(places)
    rows = np.argmax(size >= size.max(axis=0) * (1.0 - 1e-9), axis=0)
    signs = np.where(places[rows, np.arange(places.shape[1])] < 0.0, -1.0, 1.0)
    return np.asarray(places * signs)


def majorize(
    distances: FloatArray, start: FloatArray, *, tolerance: float = 1e-5, max_iterations: int = 500
) -> FloatArray:
    """Lower the stress step by step from a start; no step raises it.

    Stress majorization of Gansner, Koren and North (2004), *Graph Drawing*, LNCS 3383, 239-250, section 2.1:
    each step solves L^w X = L^Z Z, where L^w is the Laplacian of the weights d^-2 and L^Z that of the weights
    (d |z_i - z_j|)^-1, 0 where two points coincide. The first node is held at the origin while solving.

    Parameters
    ----------
    distances : ndarray of shape (n, n)
        Symmetric, positive and finite off the diagonal; n at least 2.
    start : ndarray of shape (n, 2)
        Places to start from.
    tolerance : float, default=1e-5
        Stop where a step lowers the stress by less than this part of it.
    max_iterations : int, default=500
        Stop after so many steps.

    Returns
    -------
    ndarray of shape (n, 2)
        Places with mean 0. Cost: O(n^3) once and O(n^2) a step; memory some arrays of shape (n, n).
    """
    off = ~np.eye(len(distances), dtype=bool)
    inverse = np.zeros_like(distances)
    np.divide(1.0, distances, out=inverse, where=off)
    laplacian = -(inverse * inverse)
    np.fill_diagonal(laplacian, -laplacian.sum(axis=1))
    factor = cho_factor(laplacian[1:, 1:])
    places = start
    length = _lengths(places)
    before = _stress(length, inverse)
    for _ in range(max_iterations):
        pull = np.zeros_like(length)
        np.divide(inverse, length, out=pull, where=length > 0.0)
        # The Laplacian of the pulls times the places, without building it.
        moved = pull.sum(axis=1)[:, None] * places - pull @ places
        places = np.vstack([np.zeros((1, 2)), cho_solve(factor, moved[1:])])
        length = _lengths(places)
        after = _stress(length, inverse)
        if before - after <= tolerance * before:
            break
        before = after
    return np.asarray(places - places.mean(axis=0))


def _lengths(places: FloatArray) -> FloatArray:
    across = places[:, 0, None] - places[None, :, 0]
    down = places[:, 1, None] - places[None, :, 1]
    across *= across
    down *= down
    across += down
    return np.asarray(np.sqrt(across, out=across))


def _stress(length: FloatArray, inverse: FloatArray) -> float:
    """Stress from the lengths between all places; the diagonal adds nothing."""
    gap = length * inverse - 1.0
    np.fill_diagonal(gap, 0.0)
    flat = gap.ravel()
    return 0.5 * float(flat @ flat)


def _connected(distances: FloatArray) -> FloatArray:
    """Place one component of at least two nodes, its longest direction across, the first far node up and right."""
    n = len(distances)
    tilt = (np.arange(1, n + 1) * _GOLDEN) % 1.0
    start = classical_scaling(distances * (1.0 + _TILT * (tilt[:, None] + tilt[None, :])))
    places = majorize(distances, start)
    _, _, axes = np.linalg.svd(places, full_matrices=False)
    return _upright(places @ axes.T)


def layout(n_nodes: int, source: IntArray, target: IntArray, lengths: FloatArray) -> FloatArray:
    """Place the nodes of a network in the unit square, related ones near each other.

    The distance between two nodes is the shortest way between them. Each component is placed by stress
    majorization from a start by classical scaling and turned so that its longest direction lies across. The
    components stand side by side in rows, the largest first, from the top left, with a mean edge length between
    them; nodes without an edge stand below all others, in a block five times as wide as high. One scale for both
    axes then fits all into the unit square, in its middle.

    Parameters
    ----------
    n_nodes : int
        Number of nodes.
    source, target : ndarray of int, shape (n_edges,)
        Ends of each edge; each pair once, no loops.
    lengths : ndarray of shape (n_edges,)
        Wanted length of each edge, positive.

    Returns
    -------
    ndarray of shape (n_nodes, 2)
        Places in [0, 1]; the same for the same network, whatever the order of its edges. Nothing is drawn at
        random. Where a network is symmetric, its nodes' order decides. Cost: O(m^3) for a component of m nodes,
        memory O(m^2).
    """
    if n_nodes == 0:
        return np.empty((0, 2))
    ends = source.astype(np.int32), target.astype(np.int32)  # what the graph routines take in every SciPy
    graph = csr_array((lengths, ends), shape=(n_nodes, n_nodes))
    n_parts, part = connected_components(graph, directed=False)
    room = float(np.sort(lengths).mean()) if len(lengths) else 1.0
    sizes = np.bincount(part, minlength=n_parts)
    members = [np.flatnonzero(part == label) for label in np.flatnonzero(sizes > 1)]
    members.sort(key=lambda nodes: (-len(nodes), int(nodes[0])))
    boxes = [_connected(dijkstra(graph[nodes][:, nodes], directed=False)) for nodes in members]
    boxes = [box - box.min(axis=0) for box in boxes]
    out = np.zeros((n_nodes, 2))
    if boxes:
        corners = _shelves(np.array([box.max(axis=0) + room for box in boxes]))
        for nodes, box, corner in zip(members, boxes, corners, strict=True):
            # Rows grow downwards; a component hangs from the top of its row.
            out[nodes] = np.column_stack([box[:, 0] + corner[0], box[:, 1] - box[:, 1].max() - corner[1]])
    lonely = np.flatnonzero(sizes[part] == 1)
    if len(lonely):
        out[lonely] = _block(len(lonely), room, out[sizes[part] > 1])
    return into_unit_square(out)


def _block(count: int, room: float, others: FloatArray) -> FloatArray:
    """Place nodes without an edge in rows below the others, or in a square where there are no others."""
    columns = math.ceil(math.sqrt((_WIDE if len(others) else 1) * count))
    across, down = np.arange(count) % columns, np.arange(count) // columns
    if not len(others):
        return np.column_stack([across * room, -down * room])
    left, width = float(others[:, 0].min()), float(np.ptp(others[:, 0]))
    step = min(room, width / max(columns - 1, 1))
    return np.column_stack([left + across * step, float(others[:, 1].min()) - room - down * step])


def _shelves(sizes: FloatArray) -> FloatArray:
    """Give the top left corner of boxes put side by side in rows about as wide as the rows are high together."""
    width = max(float(sizes[:, 0].max()), math.sqrt(float(sizes.prod(axis=1).sum())))
    corners = np.empty_like(sizes)
    across = down = height = 0.0
    for place, (wide, high) in enumerate(sizes.tolist()):
        if across > 0.0 and across + wide > width * (1.0 + 1e-9):
            across, down, height = 0.0, down + height, 0.0
        corners[place] = across, down
        across, height = across + wide, max(height, high)
    return corners


def into_unit_square(places: FloatArray) -> FloatArray:
    """Shift places and scale both axes alike so that they fill the unit square, in its middle."""
    if not len(places):
        return places.copy()
    low, high = places.min(axis=0), places.max(axis=0)
    widest = float((high - low).max())
    scale = 1.0 / widest if widest > 0.0 else 1.0
    middle = 0.5 * (low + high)
    return np.asarray(np.clip((places - middle) * scale + 0.5, 0.0, 1.0))
