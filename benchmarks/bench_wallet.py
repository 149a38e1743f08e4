"""The wallet's two heavy parts: planes of quantiles, and the screening of a panel for falls and gains.

Every call runs in a process of its own with one thread for NumPy, on the same data, after a warm-up on few rows;
loading and making the data are not timed. Memory is the peak above the data. Slow rivals run once. The loss of
the planes is held against that of scikit-learn's linear program. ruptures looks at some customers only, and its
seconds are scaled to all of them: it finds change points and tests nothing, so that only the speed is compared.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from custvalue import wallet
from custvalue._kernels.pinball import pinball_loss
from custvalue._kernels.quantile_regression import quantile_regression
from separate import Cost, ask, measured, reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

LEVEL, COLUMNS, MONTHS = 0.9, 8, 36
WARM = 2_000
OURS, SKLEARN, STATSMODELS = "ours", "scikit-learn QuantileRegressor", "statsmodels QuantReg"
SHIFTS, RUPTURES = "spend_shifts", "ruptures PELT"


class Table(NamedTuple):
    """Traits and the logarithm of spend."""

    traits: NDArray[np.float64]
    spend: NDArray[np.float64]


def table(n: int) -> Table:
    """Draw customers with a log-normal wallet and a share from a beta law, as logarithms."""
    rng = np.random.default_rng(1)
    traits = rng.standard_normal((n, COLUMNS))
    size = 6.0 + traits @ np.linspace(0.5, 0.0, COLUMNS) + 0.4 * rng.standard_normal(n)
    return Table(traits, np.log1p(np.exp(size) * rng.beta(2.0, 3.0, n)))


def panel(n: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Draw monthly spend with seasons, a crisis, heavy tails and memory, falls and gains; and peer groups."""
    rng = np.random.default_rng(2)
    months, peers = np.arange(MONTHS), rng.integers(0, 4, n)
    season = 0.1 * np.sin(2.0 * np.pi * (months + 3.0 * np.arange(4)[:, None]) / 12.0)
    season[:, 12:18] += np.log(0.75) * np.linspace(0.7, 1.3, 4)[:, None]
    spend = rng.standard_t(5, (n, MONTHS)) * np.sqrt(0.6)
    for month in range(1, MONTHS):
        spend[:, month] = 0.3 * spend[:, month - 1] + np.sqrt(0.91) * spend[:, month]
    spend *= np.exp(rng.normal(np.log(0.25), 0.35, n))[:, None]
    spend += rng.normal(7.0, 1.0, n)[:, None] + season[peers]
    kind = rng.random(n)
    change = np.where(kind < 0.02, np.log1p(-rng.uniform(0.3, 0.8, n)), 0.0)
    change = np.where((kind >= 0.02) & (kind < 0.03), np.log1p(rng.uniform(0.5, 2.0, n)), change)
    spend[:, -3:] += change[:, None]
    return np.exp(spend, out=spend), peers


def by_ours(data: Table) -> NDArray[np.float64]:
    """Fit by the smoothed Newton method."""
    fit = quantile_regression(data.traits, data.spend, LEVEL)
    return np.append(fit.coefficients, fit.intercept)


def by_sklearn(data: Table) -> NDArray[np.float64]:
    """Fit scikit-learn's linear program without a penalty."""
    from sklearn.linear_model import QuantileRegressor  # noqa: PLC0415 - each rival in its own process

    model = QuantileRegressor(quantile=LEVEL, alpha=0.0, solver="highs").fit(data.traits, data.spend)
    return np.append(model.coef_, model.intercept_)


def by_statsmodels(data: Table) -> NDArray[np.float64]:
    """Fit statsmodels' reweighted least squares, and its standard errors, which it always computes."""
    from statsmodels.regression.quantile_regression import QuantReg  # noqa: PLC0415 - may be absent

    design = np.column_stack([data.traits, np.ones(len(data.spend))])
    return np.asarray(QuantReg(data.spend, design).fit(q=LEVEL).params)


PLANES: dict[str, Callable[[Table], NDArray[np.float64]]] = {
    OURS: by_ours,
    SKLEARN: by_sklearn,
    STATSMODELS: by_statsmodels,
}


def one_plane(name: str, n: int) -> None:
    """Measure one fit in this process."""
    data = table(n)
    try:
        PLANES[name](Table(data.traits[:WARM], data.spend[:WARM]))
    except ImportError as error:
        reply({"missing": str(error)})
        return
    cost, plane = measured(lambda: PLANES[name](data))
    reply({"cost": cost, "loss": pinball_loss(data.spend, data.traits @ plane[:-1] + plane[-1], LEVEL)})


def one_screening(name: str, n: int) -> None:
    """Measure the screening of a panel, or the search of change points, in this process."""
    amounts, peers = panel(n)
    if name == SHIFTS:
        read = wallet.SpendPanel.from_wide
        wallet.spend_shifts(read(amounts[: 10 * WARM], start="2021-01", peers=peers[: 10 * WARM].tolist()))
        whole = read(amounts, start="2021-01", peers=peers.tolist())
        del amounts
        cost, found = measured(lambda: wallet.spend_shifts(whole))
        reply({"cost": cost, "found": int(np.count_nonzero(np.asarray(found.verdict) == "fall"))})
        return
    try:
        import ruptures  # noqa: PLC0415 - may be absent
    except ImportError as error:
        reply({"missing": str(error)})
        return
    logs = np.log(amounts)
    penalty = 2.0 * np.log(MONTHS) * logs.var(axis=1)

    def search() -> int:
        ends = [
            ruptures.Pelt(model="l2", min_size=3, jump=1).fit_predict(row, pen)
            for row, pen in zip(logs, penalty, strict=True)
        ]
        return sum(len(end) > 1 for end in ends)

    cost, changed = measured(search)
    reply({"cost": cost, "found": changed})


def asked(part: str, name: str, n: int) -> dict[str, Any] | None:
    """Run a rival in a process of its own; say so and give None where it is not installed."""
    answer = ask(__file__, ["--part", part, "--rival", name, "--rows", str(n)])
    if "missing" in answer:
        print(f"  {name}: skipped, {answer['missing']}")
        return None
    return answer


def planes(large: int, small: int, n_rounds: int) -> None:
    """Time the planes: ours on many rows, all on few."""
    costs = [
        Cost(*answer["cost"]) for _ in range(n_rounds) if (answer := asked("planes", OURS, large)) is not None
    ]
    cpu, wall, peak = np.median(costs, axis=0)
    print(f"Plane of the {LEVEL:g} quantile, {large:,} x {COLUMNS}:")
    print(f"  {OURS:<31} {cpu:7.2f} CPU s {wall:7.2f} s {peak:6.0f} MB (median of {n_rounds}; aim 6 s)")
    print(f"Plane of the {LEVEL:g} quantile, {small:,} x {COLUMNS}:")
    taken: dict[str, float] = {}
    losses: dict[str, float] = {}
    for name in PLANES:
        turns = 1 if name == SKLEARN else n_rounds
        answers = [answer for _ in range(turns) if (answer := asked("planes", name, small)) is not None]
        if answers:
            taken[name] = float(np.median([answer["cost"][0] for answer in answers]))
            losses[name] = answers[0]["loss"]
    for name, seconds in taken.items():
        above = losses[name] / losses[SKLEARN] - 1.0
        times = "" if name == OURS else f", {seconds / taken[OURS]:.1f} times ours"
        aim = {SKLEARN: "; aim 100", STATSMODELS: "; aim 3"}.get(name, "")
        print(f"  {name:<31} {seconds:7.3f} CPU s{times}{aim}; loss above the linear program's by {above:.1e}")
    print(flush=True)


def screening(large: int, small: int, n_rounds: int) -> None:
    """Time the screening of a panel, and the change points of a few customers."""
    print(f"Falls and gains of {large:,} customers, {MONTHS} months:")
    answers = [answer for _ in range(n_rounds) if (answer := asked("screening", SHIFTS, large)) is not None]
    cpu, wall, peak = np.median([answer["cost"] for answer in answers], axis=0)
    print(
        f"  {SHIFTS:<31} {cpu:7.2f} CPU s {wall:7.2f} s {peak:6.0f} MB (median of {n_rounds}; aim 10 s, 1,500 MB)"
    )
    print(f"  {answers[0]['found']:,} falls found, {large // 50:,} planted or so")
    if (answer := asked("screening", RUPTURES, small)) is not None:
        seconds = answer["cost"][0] / small * large
        times = f"{seconds / cpu:.0f} times ours"
        print(f"  {RUPTURES:<31} {seconds / 60.0:7.1f} CPU min from {small:,} customers, {times}")
    print(flush=True)


def main() -> None:
    """Time every part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=["planes", "screening"], default=["planes", "screening"])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--rival", help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.rival is not None:
        run = one_plane if given.part == "planes" else one_screening
        run(given.rival, given.rows)
        return
    if "planes" in given.parts:
        planes(given.customers, 20_000, given.rounds)
    if "screening" in given.parts:
        screening(given.customers, 500, given.rounds)


if __name__ == "__main__":
    main()
