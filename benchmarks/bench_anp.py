"""`custvalue.anp` against pyanp 0.3.1 and against a loop of single solves, one thread, one run."""

from __future__ import annotations

import argparse
import contextlib
import io
import time
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from pyanp.limitmatrix import calculus
from pyanp.priority import incon_std, pri_eigen
from threadpoolctl import threadpool_limits

from custvalue import anp
from interleaved import ratio, rounds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

#: Nodes of the supermatrix: calls in one measurement, and the aim as a multiple of pyanp's speed.
SIZES = {50: (1000, 3.0), 300: (10, 10.0), 1000: (2, 25.0)}
BATCH_AIM = 40.0


def ordinary(size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a dense positive supermatrix."""
    matrix = rng.random((size, size)) + 0.01
    return np.asarray(matrix / matrix.sum(axis=0))


def cyclic(size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw two halves that feed each other (period 2), and 10 % nodes that only take from them."""
    half = (size - size // 10) // 2
    matrix = np.zeros((size, size))
    matrix[half : 2 * half, :half] = rng.random((half, half))
    matrix[:half, half : 2 * half] = rng.random((half, half))
    matrix[:, 2 * half :] = rng.random((size, size - 2 * half))
    return np.asarray(matrix / matrix.sum(axis=0))


def quietly(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute pyanp's limit without what it prints."""
    with contextlib.redirect_stdout(io.StringIO()):
        return np.asarray(calculus(matrix))


def repeated(run: Callable[[], object], times: int) -> None:
    """Call so often that the clock's steps do not show."""
    for _ in range(times):
        run()


def seconds_of(run: Callable[[], object]) -> float:
    """Measure one call in CPU seconds."""
    start = time.process_time()
    run()
    return time.process_time() - start


def report(seconds: Mapping[str, list[float]], times: int, aim: float | None) -> None:
    """Print milliseconds a call, and how many times as fast as pyanp ours is."""
    for name, values in seconds.items():
        print(f"    {name:<24} {1e3 * np.median(values) / times:12.3f} CPU ms a call")
    low, middle, high = ratio(seconds, "pyanp", "custvalue")
    goal = f"; aim {aim:g}" if aim else ""
    print(f"    custvalue is {middle:.1f} times as fast (rounds: {low:.1f} to {high:.1f}{goal})")


def difference(matrix: NDArray[np.float64], exact: NDArray[np.float64]) -> str:
    """Say how far pyanp's limit is from the exact one, or how it fails."""
    try:
        off = float(np.abs(quietly(matrix) - exact).max())
    except Exception as error:  # noqa: BLE001 - whatever a rival raises is what is reported
        return f"pyanp crashes: {type(error).__name__}: {error}"
    share = off / float(exact.max())
    return f"pyanp is off by at most {off:.2g}, {share:.1%} of the largest priority"


def limits(n_rounds: int) -> None:
    """Time the limit of ordinary and cyclic supermatrices."""
    rng = np.random.default_rng(0)
    for size, (times, aim) in SIZES.items():
        matrix = ordinary(size, rng)
        print(f"  ordinary, n = {size}:")
        rivals = {
            "pyanp": partial(repeated, partial(quietly, matrix), times),
            "custvalue": partial(repeated, partial(anp.limit_supermatrix, matrix), times),
        }
        report(rounds(rivals, n_rounds), times, aim)
        print(f"    {difference(matrix, anp.limit_supermatrix(matrix).matrix)}")
    for size in SIZES:
        matrix = cyclic(size, rng)
        print(f"  period 2 with 10 % transient nodes, n = {size}:")
        exact = anp.limit_supermatrix(matrix).matrix
        ours, theirs, said = [], [], ""
        for _ in range(1 if size == max(SIZES) else n_rounds):  # pyanp takes a minute for the largest
            start = time.process_time()
            said = difference(matrix, exact)
            theirs.append(time.process_time() - start)
            ours.append(min(seconds_of(partial(anp.limit_supermatrix, matrix)) for _ in range(5)))
        report({"pyanp": theirs, "custvalue": ours}, 1, None)
        print(f"    {said}")


def judged(count: int, size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw inconsistent comparison matrices around consistent ones."""
    logarithms = rng.normal(size=(count, size, 1))
    noisy = logarithms - logarithms.transpose(0, 2, 1) + 0.3 * rng.normal(size=(count, size, size))
    upper = np.exp(np.triu(noisy, 1))
    lower = np.tril(1.0 / upper.transpose(0, 2, 1), -1)
    return np.asarray(np.triu(upper, 1) + lower + np.eye(size))


def by_pyanp(matrices: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute weights and consistency one after the other, as pyanp does."""
    weights = np.array([pri_eigen(matrix) for matrix in matrices])
    return weights, np.array([incon_std(matrix) for matrix in matrices])


def batch(n_rounds: int) -> None:
    """Time weights and consistency of 1,000 matrices of 9 by 9."""
    matrices = judged(1000, 9, np.random.default_rng(1))
    theirs, ours = by_pyanp(matrices)[0], anp.priorities_batch(matrices).weights
    print("  weights and consistency ratio of 1,000 matrices of 9 x 9:")
    rivals: dict[str, Callable[[], object]] = {
        "pyanp": partial(by_pyanp, matrices),
        "custvalue": partial(anp.priorities_batch, matrices),
    }
    report(rounds(rivals, n_rounds), 1, BATCH_AIM)
    print(f"    weights differ by at most {np.abs(theirs - ours).max():.2g} (pyanp stops at 1e-10)")


def feedback_network(shift: Callable[[], float]) -> anp.Network:
    """Build 5 clusters of 6 nodes, every node judged within every cluster; `shift` moves each log ratio."""
    rng = np.random.default_rng(2)
    clusters = {f"c{place}": [f"c{place}n{node}" for node in range(6)] for place in range(5)}

    def compared(names: list[str]) -> anp.Comparisons:
        scale = rng.normal(scale=0.7, size=len(names))
        pairs = [(a, b) for a in range(len(names)) for b in range(a + 1, len(names))]
        return anp.Comparisons(
            elements=names,
            judgments=[
                anp.Judgment(first=names[a], second=names[b], ratio=float(np.exp(scale[a] - scale[b] + shift())))
                for a, b in pairs
            ],
        )

    influences = {
        node: {name: compared([other for other in nodes if other != node]) for name, nodes in clusters.items()}
        for own in clusters.values()
        for node in own
    }
    weights = {name: compared(list(clusters)) for name in clusters}
    part = anp.Subnetwork(clusters=clusters, influences=influences, cluster_influences=weights)
    return anp.Network(control=anp.DirectWeights(weights={"choice": 1.0}), local={"choice": part})


def stability(n_draws: int, n_singles: int) -> None:
    """Time the rank stability of a network of 30 nodes against a loop of single solves."""
    solution = feedback_network(lambda: 0.0).solve()
    batched = [
        seconds_of(partial(solution.stability, n_draws=n_draws, log_sd=0.25, random_state=seed)) for seed in (0, 1)
    ]
    rng = np.random.default_rng(3)
    drawn = [feedback_network(lambda: float(rng.normal(scale=0.25))) for _ in range(n_singles)]
    drawn[0].solve()
    single = seconds_of(lambda: [network.solve() for network in drawn]) / n_singles
    print(f"  rank stability of a network of 30 nodes, 2,150 judgments, {n_draws:,} draws:")
    print(f"    Solution.stability       {min(batched):12.2f} CPU s")
    print(f"    loop of Network.solve    {single * n_draws:12.2f} CPU s ({n_singles} draws, scaled)")
    print(f"    at once is {single * n_draws / min(batched):.0f} times as fast")


def main() -> None:
    """Time all of it in one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--singles", type=int, default=20)
    given = parser.parse_args()
    with threadpool_limits(1):
        print("Limit supermatrix, one thread:")
        limits(given.rounds)
        print("Priorities, one thread:")
        batch(given.rounds)
        print("Monte Carlo, one thread:")
        stability(given.draws, given.singles)


if __name__ == "__main__":
    main()
