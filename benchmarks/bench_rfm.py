"""The indicators at ten million rows: ours against published packages, code by hand, and the engines themselves.

Every call runs in a process of its own, on the same table made here, after a warm-up on few rows; loading and
importing are not timed. NumPy gets one thread, Polars and DuckDB all they want: so CPU seconds are compared, and
wall seconds stand beside them. Memory is the peak above the loaded table. All answers are compared with ours;
lifetimes and pymc-marketing write a monetary value of 0 where ours is null, after no repeated purchase.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from interleaved import ratio
from rfm_ledger import DAYS, LATE, ledger, save
from rfm_rivals import NARWHALS, OURS, RIVALS, answer
from separate import Cost, ask, measured, reply

if TYPE_CHECKING:
    from collections.abc import Iterable

WARM = 20_000
TITLES = {
    "classic": "Frequency, recency, T and monetary value",
    "nine": "Nine indicators, codes as categories",
    "text": "Nine indicators, codes as text",
    "month": "A month, a thirtieth of the rows, into a state",
}
#: Task, who, against whom, of what, the aim.
AIMS = (
    ("classic", "lifetimes", OURS, "cpu", "at least 8"),
    ("classic", "pymc-marketing", OURS, "cpu", "at least 8"),
    ("classic", "pandas", OURS, "cpu", "more than 1"),
    ("classic", "Polars", OURS, "cpu", "more than 1"),
    ("classic", "DuckDB", OURS, "cpu", "none"),
    ("classic", OURS, "pandas", "peak", "at most 0.5"),
    ("nine", "pandas", OURS, "cpu", "more than 1"),
    ("nine", "Polars", OURS, "cpu", "more than 1"),
    ("nine", "DuckDB", OURS, "cpu", "none"),
    ("nine", OURS, "pandas", "peak", "at most 0.5"),
    ("nine", f"{NARWHALS} pandas", "pandas", "cpu", "at most 1.5"),
    ("nine", f"{NARWHALS} Polars", "Polars", "cpu", "at most 1.5"),
    ("nine", f"{NARWHALS} DuckDB", "DuckDB", "cpu", "at most 1.5"),
    ("text", "pandas", OURS, "cpu", "more than 1"),
    ("text", OURS, "pandas", "peak", "at most 0.5"),
    ("month", "month taken in", "recomputing", "cpu", "below 0.1"),
    ("month", "snapshot of the state", "recomputing", "cpu", "none"),
)


def one(task: str, name: str, folder: Path) -> None:
    """Measure one rival in this process, and leave its answer in the folder."""
    rival = RIVALS[task][name]
    try:
        found = rival.load(folder / "warm")
    except ImportError as error:
        reply({"missing": str(error)})
        return
    for step in rival.steps.values():
        found = step(found)
    del found
    gc.collect()
    found = rival.load(folder / "full")
    costs: dict[str, Cost] = {}
    for label, step in rival.steps.items():
        costs[label], found = measured(partial(step, found))
    path = folder / f"{task}, {name}.npz"
    if not path.exists():
        np.savez(path, allow_pickle=False, **answer(found, rival.columns))
    reply({"costs": costs})


def compared(task: str, names: Iterable[str], folder: Path) -> None:
    """Raise if the answers are not the same numbers."""
    first, *others = (np.load(folder / f"{task}, {name}.npz") for name in names)
    for other in others:
        for column in first.files:
            ours, theirs = first[column], other[column]
            if column == "monetary":
                ours, theirs = np.nan_to_num(ours), np.nan_to_num(theirs)
            np.testing.assert_allclose(theirs, ours, rtol=1e-9, atol=1e-9, err_msg=f"{task}: {column}")


def shown(costs: dict[str, list[Cost]]) -> None:
    """Print the medians."""
    for label, values in costs.items():
        cpu, wall, peak = np.median(values, axis=0)
        print(f"  {label:<36} {cpu:7.2f} CPU s {wall:7.2f} s {peak:7.0f} MB")


def aims(task: str, costs: dict[str, list[Cost]]) -> None:
    """Print the ratios that are aimed at, round by round: the median, the smallest and the largest."""
    for about, over, under, what, aim in AIMS:
        if about == task and over in costs and under in costs:
            values: dict[str, list[Any]] = {
                name: [getattr(cost, what) for cost in costs[name]] for name in (over, under)
            }
            low, middle, high = ratio(values, over, under)
            name = "CPU" if what == "cpu" else "memory"
            print(f"  {name} of {over} / {under} = {middle:.2f} ({low:.2f} to {high:.2f}; aim {aim})")


def timed(task: str, folder: Path, n_rounds: int) -> None:
    """Let the rivals of one task take turns, and print what they cost."""
    costs: dict[str, list[Cost]] = {}
    there: list[str] = list(RIVALS[task])
    for _ in range(n_rounds):
        for name in tuple(there):
            found = ask(__file__, ["--task", task, "--rival", name, "--folder", str(folder)])
            if "missing" in found:
                print(f"  {name}: skipped, {found['missing']}")
                there.remove(name)
                continue
            for label, cost in found["costs"].items():
                costs.setdefault(label or name, []).append(Cost(*cost))
    compared(task, there, folder)
    print(f"{TITLES[task]}; all give the same numbers:")
    shown(costs)
    aims(task, costs)
    print(flush=True)


def main() -> None:
    """Make the table, and time every task."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--tasks", nargs="+", choices=sorted(RIVALS), default=list(RIVALS))
    parser.add_argument("--shuffled", action="store_true", help="rows in no order instead of that of time")
    parser.add_argument("--task", choices=sorted(RIVALS), help=argparse.SUPPRESS)
    parser.add_argument("--rival", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.rival is not None:
        one(given.task, given.rival, given.folder)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save(ledger(WARM, seed=1), folder / "warm")
        table = ledger(given.rows, shuffled=given.shuffled)
        save(table, folder / "full")
        customers = len(np.unique(table["customer"]))
        del table
        order = "shuffled" if given.shuffled else "in the order of time"
        print(f"{given.rows:,} rows of {customers:,} customers, {DAYS + LATE} days, {order}:\n", flush=True)
        for task in given.tasks:
            timed(task, folder, given.rounds)


if __name__ == "__main__":
    main()
