"""Customers a CPU-second of `grey.nearest` and of what else finds a nearest case; each rival by its best means.

One thread, medians of interleaved rounds. Slow rivals get fewer customers, and the line says how many. pyDecision,
cbrkit and scikit-learn compute other similarities: they are here for their speed, not for their answers.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from custvalue import grey
from interleaved import ratio, rounds

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

BATCHES = (32, 128, 512, 2048)
ENGINES: tuple[Literal["numpy", "numba"], ...] = ("numpy", "numba")
NUMPY, NUMBA = "grey.nearest, numpy", "grey.nearest, numba"
SKLEARN = "scikit-learn brute Manhattan"
GROUPS = {"recency": ["r1", "r2", "r3", "r4"], "frequency": ["f1", "f2", "f3"], "monetary": ["m1", "m2"]}
HIERARCHY = grey.Hierarchy.equal(GROUPS)


class Rival(NamedTuple):
    """Something to be timed, and for how many customers it works."""

    run: Callable[[], object]
    customers: int


def naive(queries: NDArray[np.float64], cases: NDArray[np.float64], batch: int) -> NDArray[np.int64]:
    """Compute the two-level similarity by plain broadcasting, a batch of queries at a time."""
    rho, group = HIERARCHY.distinguishing_coefficient, HIERARCHY.group_index
    local, control = HIERARCHY.local_weights, HIERARCHY.control_weights
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


def by_indicator(queries: NDArray[np.float64], cases: NDArray[np.float64], batch: int) -> NDArray[np.int64]:
    """Broadcast one indicator at a time: what a NumPy user would write on second thought."""
    rho, group, weights = HIERARCHY.distinguishing_coefficient, HIERARCHY.group_index, HIERARCHY.global_weights
    found = np.empty(len(queries), dtype=np.int64)
    for first in range(0, len(queries), batch):
        some = queries[first : first + batch]
        similarity = np.zeros((len(some), len(cases)))
        for place in range(len(HIERARCHY.groups)):
            members = np.flatnonzero(group == place)
            own = [np.abs(some[:, j, None] - cases[None, :, j]) for j in members]
            low = np.min([one.min(axis=1) for one in own], axis=0)[:, None]
            far = rho * np.max([one.max(axis=1) for one in own], axis=0)[:, None]
            for j, one in zip(members, own, strict=True):
                similarity += weights[j] * (low + far) / (one + far)
        found[first : first + batch] = similarity.argmax(axis=1)
    return found


def pydecision(queries: NDArray[np.float64], cases: NDArray[np.float64]) -> Callable[[], list[int]] | None:
    """Call pyDecision's grey relational analysis once a customer: nearness to the customer is to be maximal."""
    try:
        from pyDecision.algorithm import gra_method  # noqa: PLC0415 - optional
    except ImportError:
        return None
    kinds, weights = ["max"] * cases.shape[1], HIERARCHY.global_weights

    def run() -> list[int]:
        return [
            int(np.argmax(gra_method(-np.abs(cases - query), kinds, weights, graph=False, verbose=False)))
            for query in queries
        ]

    return run


def cbrkit(queries: NDArray[np.float64], cases: NDArray[np.float64]) -> Callable[[], list[int]] | None:
    """Call cbrkit's weighted attribute similarity once a customer."""
    try:
        from cbrkit import retrieval, sim  # noqa: PLC0415 - optional
    except ImportError:
        return None
    names = HIERARCHY.indicators
    weights = dict(zip(names, HIERARCHY.global_weights.tolist(), strict=True))
    alike = sim.attribute_value(
        attributes=dict.fromkeys(names, sim.numbers.linear(max=1.0)),
        aggregator=sim.aggregator(pooling="mean", pooling_weights=weights),
    )
    retriever = retrieval.build(alike, limit=1)
    base = {place: dict(zip(names, row, strict=True)) for place, row in enumerate(cases.tolist())}
    asked = [dict(zip(names, row, strict=True)) for row in queries.tolist()]

    def run() -> list[int]:
        return [int(retrieval.apply(base, query, retriever).ranking[0]) for query in asked]

    return run


def best_batch(
    way: Callable[[NDArray[np.float64], NDArray[np.float64], int], object],
    queries: NDArray[np.float64],
    cases: NDArray[np.float64],
) -> int:
    """Try every batch on a few customers; give the one with the lowest median."""
    seconds = rounds({str(batch): partial(way, queries, cases, batch) for batch in BATCHES}, 3)
    return int(min(seconds, key=lambda batch: np.median(seconds[batch])))


def rivals_of(queries: NDArray[np.float64], cases: NDArray[np.float64]) -> dict[str, Rival]:
    """Give everything to be timed; the slower, the fewer customers."""
    size = len(cases)
    few, some = (len(queries), len(queries)) if size < 1_000 else (5_000, 20_000)
    found: dict[str, Rival] = {}
    for name, way in (("naive broadcasting", naive), ("broadcasting by indicator", by_indicator)):
        batch = best_batch(way, queries[: max(BATCHES)], cases)
        found[f"{name} ({batch})"] = Rival(partial(way, queries[:few], cases, batch), len(queries[:few]))
    for name, build, customers in (
        ("pyDecision gra_method", pydecision, 600_000 // size + 100),
        ("cbrkit attribute_value", cbrkit, 15_000 // size + 1),
    ):
        run = build(queries[:customers], cases)
        if run is None:
            print(f"  {name}: skipped, not installed here")
        else:
            found[name] = Rival(run, customers)
    brute = NearestNeighbors(n_neighbors=1, algorithm="brute", metric="manhattan").fit(cases)
    found[SKLEARN] = Rival(partial(brute.kneighbors, queries[:some], return_distance=False), len(queries[:some]))
    found[NUMPY] = Rival(partial(grey.nearest, queries, cases, HIERARCHY, engine="numpy"), len(queries))
    found[NUMBA] = Rival(partial(grey.nearest, queries, cases, HIERARCHY, engine="numba"), len(queries))
    return found


def compare(queries: NDArray[np.float64], cases: NDArray[np.float64], n_rounds: int) -> None:
    """Time all rivals, print their rates and the ratios that are aimed at."""
    print(f"{len(queries):,} customers, {len(cases):,} cases, {cases.shape[1]} indicators, one thread:")
    rivals = rivals_of(queries, cases)
    seconds = rounds({name: rival.run for name, rival in rivals.items()}, n_rounds)
    each = {name: [value / rivals[name].customers for value in values] for name, values in seconds.items()}
    for name, values in each.items():
        customers = rivals[name].customers
        asked = "" if customers == len(queries) else f"   (timed on {customers:,})"
        print(f"  {name:<34} {1.0 / np.median(values):>11,.0f} customers a CPU-second{asked}")
    naives = [name for name in rivals if "broadcasting" in name]
    best = min(naives, key=lambda name: np.median(each[name]))
    for faster, slower, aim in ((NUMPY, best, "2"), (NUMBA, NUMPY, "3"), (NUMBA, SKLEARN, "more than 1")):
        low, middle, high = ratio(each, slower, faster)
        print(f"  {faster} : {slower} = {middle:.2f} (rounds: {low:.2f} to {high:.2f}; aim {aim})")
    some = queries[:2000]
    found = [grey.nearest(some, cases, HIERARCHY, engine=engine).index[:, 0] for engine in ENGINES]
    for way, got in zip((NUMPY, NUMBA), found, strict=True):
        print(f"  same nearest case as naive broadcasting, {way}: {(got == naive(some, cases, 128)).mean():.2%}")


def extra_memory(queries: NDArray[np.float64], cases: NDArray[np.float64], engine: Any) -> float:
    """Give the peak beyond inputs, result and one sorted copy of the cases, in MB."""
    tracemalloc.start()
    found = grey.nearest(queries, cases, HIERARCHY, engine=engine)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    result = found.index.nbytes + found.similarity.nbytes + found.margin.nbytes + found.tied.nbytes
    return float(peak - result - cases.nbytes) / 1e6


def cpu_seconds(queries: NDArray[np.float64], cases: NDArray[np.float64], engine: Any) -> float:
    """Time one call."""
    start = time.process_time()
    grey.nearest(queries, cases, HIERARCHY, engine=engine)
    return time.process_time() - start


def main() -> None:
    """Compare at two sizes, time a million customers, measure the memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--cases", type=int, nargs="+", default=[324, 5_000])
    parser.add_argument("--rounds", type=int, default=4)
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    centers = rng.random((8, 9))

    def sample(n: int) -> NDArray[np.float64]:
        spread = 0.12 * rng.standard_normal((n, 9))
        return np.clip(centers[rng.integers(8, size=n)] + spread, 0.0, 1.0)

    with threadpool_limits(1):
        start = time.process_time()
        grey.nearest(sample(1), sample(1), HIERARCHY, engine="numba")
        print(f"Compiling takes {time.process_time() - start:.1f} CPU-seconds, once a process.")
        for size in given.cases:
            compare(sample(given.customers), sample(size), given.rounds)
        many, cases = sample(10 * given.customers), sample(given.cases[0])
        spent = ", ".join(f"{cpu_seconds(many, cases, engine):.1f} with {engine}" for engine in ENGINES)
        print(f"{len(many):,} customers, {len(cases):,} cases: CPU-seconds {spent}")
        for shape in ((given.customers, given.cases[0]), (200, 300_000)):
            tables = sample(shape[0]), sample(shape[1])
            megabytes = [extra_memory(*tables, engine) for engine in ENGINES]
            sizes = f"{shape[0]:,} x {shape[1]:,}"
            print(f"Memory beyond inputs, result and one sorted copy at {sizes}: {max(megabytes):.1f} MB (aim 64)")


if __name__ == "__main__":
    main()
