"""`grey.nearest` against plain NumPy in two ways, each in its own best batch, one thread, one run."""

from __future__ import annotations

import argparse
import tracemalloc
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from custvalue import grey
from interleaved import ratio, rounds, show

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

BATCHES = (32, 128, 512, 2048)


def naive(
    queries: NDArray[np.float64], cases: NDArray[np.float64], hierarchy: grey.Hierarchy, batch: int
) -> NDArray[np.int64]:
    """Compute the two-level similarity by plain broadcasting, a batch of queries at a time."""
    rho, group = hierarchy.distinguishing_coefficient, hierarchy.group_index
    local, control = hierarchy.local_weights, hierarchy.control_weights
    found = np.empty(len(queries), dtype=np.int64)
    for first in range(0, len(queries), batch):
        some = queries[first : first + batch]
        distance = np.abs(some[:, None, :] - cases[None, :, :])
        similarity = np.zeros(distance.shape[:2])
        for place, weight in enumerate(control):
            own = distance[:, :, group == place]
            low, high = own.min(axis=(1, 2)), own.max(axis=(1, 2))
            top = (low + rho * high)[:, None, None]
            zeta = top / (own + (rho * high)[:, None, None])
            similarity += weight * (zeta @ local[group == place])
        found[first : first + batch] = similarity.argmax(axis=1)
    return found


def by_indicator(
    queries: NDArray[np.float64], cases: NDArray[np.float64], hierarchy: grey.Hierarchy, batch: int
) -> NDArray[np.int64]:
    """Broadcast one indicator at a time: what a NumPy user would write on second thought."""
    rho, group = hierarchy.distinguishing_coefficient, hierarchy.group_index
    weights = hierarchy.global_weights
    found = np.empty(len(queries), dtype=np.int64)
    for first in range(0, len(queries), batch):
        some = queries[first : first + batch]
        similarity = np.zeros((len(some), len(cases)))
        for place in range(len(hierarchy.groups)):
            members = np.flatnonzero(group == place)
            own = [np.abs(some[:, j, None] - cases[None, :, j]) for j in members]
            low = np.min([one.min(axis=1) for one in own], axis=0)[:, None]
            far = rho * np.max([one.max(axis=1) for one in own], axis=0)[:, None]
            for j, one in zip(members, own, strict=True):
                similarity += weights[j] * (low + far) / (one + far)
        found[first : first + batch] = similarity.argmax(axis=1)
    return found


def main() -> None:
    """Time both, check that they agree, and measure the memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--cases", type=int, default=324)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    centers = rng.random((8, 9))
    cases, queries = (
        np.clip(centers[rng.integers(8, size=n)] + 0.12 * rng.standard_normal((n, 9)), 0.0, 1.0)
        for n in (given.cases, given.customers)
    )
    groups = {"recency": ["r1", "r2", "r3", "r4"], "frequency": ["f1", "f2", "f3"], "monetary": ["m1", "m2"]}
    hierarchy = grey.Hierarchy.equal(groups)
    with threadpool_limits(1):
        rivals: dict[str, Callable[[], object]] = {
            f"naive broadcasting, batch {batch}": partial(naive, queries, cases, hierarchy, batch)
            for batch in BATCHES
        }
        rivals |= {
            f"indicator by indicator, batch {batch}": partial(by_indicator, queries, cases, hierarchy, batch)
            for batch in BATCHES
        }
        rivals["grey.nearest"] = partial(grey.nearest, queries, cases, hierarchy)
        seconds = rounds(rivals, given.rounds)
        kinds = ("naive broadcasting", "indicator by indicator")
        best = [
            min((name for name in rivals if kind in name), key=lambda name: np.median(seconds[name]))
            for kind in kinds
        ]
        same = grey.nearest(queries, cases, hierarchy).index[:, 0] == naive(queries, cases, hierarchy, 512)
        tracemalloc.start()
        grey.nearest(queries, cases, hierarchy)
        peak = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
    print(f"Nearest of {given.cases:,} cases for {given.customers:,} customers, 9 indicators, one thread:")
    show(seconds)
    for rival in best:
        low, middle, high = ratio(seconds, rival, "grey.nearest")
        print(
            f"  grey.nearest is {middle:.2f} times as fast as {rival} (rounds: {low:.2f} to {high:.2f}; aim 1.3)"
        )
    print(f"  same nearest case for {same.mean():.4%}")
    print(f"  peak memory of grey.nearest: {peak:.0f} MB, result and copies of the input included")


if __name__ == "__main__":
    main()
