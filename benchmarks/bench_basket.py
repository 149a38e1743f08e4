"""Frequent itemsets and all pairs: ours against published packages, all with the same integer threshold.

Every call runs in a process of its own, on the same data, after a warm-up on few baskets; loading and importing
are not timed. A call is the conversion from a neutral form (flags, or the rows of a sparse matrix; see
`basket_rivals`) and the count. All itemsets and their counts are compared, and so are all counts of pairs.
NumPy gets one thread, and every other miner takes one: CPU seconds are compared. DuckDB and Polars take all cores
there are: for the pairs wall seconds are compared, theirs also without the conversion, as if the holdings lay
in their tables already. Memory is the peak above the loaded data. Slow rivals run once.

The published baskets are read from `--data`; without that folder only the synthetic bank is timed.
"""

from __future__ import annotations

import argparse
import gc
import gzip
import hashlib
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from basket_rivals import DUCKDB, FPGROWTH, OURS, POLARS, RIVALS, Rows, head, size
from interleaved import ratio
from product_bank import distinct, holdings
from separate import Cost, ask, measured, reply

if TYPE_CHECKING:
    from basket_rivals import Flags, Rival

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "baskets"
WARM, WARM_COUNT = 2_000, 100
ALONE = "count alone"


class Task(NamedTuple):
    """What is counted: the file or the number of customers, the support, and what it is called."""

    source: str | int
    support: Fraction
    title: str


TASKS = {
    "groceries": Task("groceries.csv.gz", Fraction(1, 1000), "Groceries (Hahsler, Hornik and Reutterer 2006)"),
    "retail": Task("retail.dat.gz", Fraction(1, 1000), "Belgian retail (Brijs et al. 1999)"),
    "T10I4D100K": Task("T10I4D100K.dat.gz", Fraction(1, 500), "T10I4D100K (IBM Quest generator)"),
    "bank": Task(1_000_000, Fraction(1, 100), "Synthetic bank of forty products"),
    "large bank": Task(5_000_000, Fraction(1, 100), "Synthetic bank of forty products, mlxtend left out"),
    "pairs": Task(5_000_000, Fraction(1), "All pairs of the synthetic bank's products"),
}
#: Task, who (a name that ends in * is the fastest of those that begin so), against whom, of what, the aim.
AIMS = (
    ("groceries", FPGROWTH, OURS, "cpu", "none"),
    ("groceries", "pyfim*", OURS, "cpu", "none"),
    ("retail", FPGROWTH, OURS, "cpu", "at least 9"),
    ("retail", "pyfim*", OURS, "cpu", "none"),
    ("T10I4D100K", FPGROWTH, OURS, "cpu", "at least 9"),
    ("T10I4D100K", "pyfim*", OURS, "cpu", "none"),
    ("bank", "mlxtend*", OURS, "cpu", "at least 12"),
    ("bank", "pyfim*", OURS, "cpu", "at least 5"),
    ("large bank", "pyfim*", OURS, "cpu", "at least 8"),
    ("pairs", DUCKDB, OURS, "wall", "at least 6"),
    ("pairs", POLARS, OURS, "wall", "at least 6"),
    ("pairs", f"{DUCKDB}, {ALONE}", OURS, "wall", "none"),
    ("pairs", f"{POLARS}, {ALONE}", OURS, "wall", "none"),
    ("pairs", OURS, "the flags", "peak", "below 1"),
)


def published(path: Path) -> Rows:
    """Read baskets of a file: a line a basket, items between commas or blanks, doubles dropped."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        separator = "," if path.name.endswith(".csv.gz") else None
        baskets = [[item.strip() for item in line.split(separator)] for line in lines if line.strip()]
    codes = {item: code for code, item in enumerate(sorted({item for basket in baskets for item in basket}))}
    rows = [sorted({codes[item] for item in basket}) for basket in baskets]
    starts = np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64)
    return Rows(starts, np.array([code for row in rows for code in row], dtype=np.int32), len(codes))


def save(data: Rows | Flags, path: Path) -> None:
    """Write the neutral form."""
    if isinstance(data, Rows):
        np.savez(path, allow_pickle=False, starts=data.starts, codes=data.codes, n_items=np.int64(data.n_items))
    else:
        np.savez(path, allow_pickle=False, flags=data)


def load(path: Path) -> Rows | Flags:
    """Read it back."""
    with np.load(path) as found:
        if "flags" in found:
            flags: Flags = found["flags"]
            return flags
        return Rows(found["starts"], found["codes"], int(found["n_items"]))


def least(n_baskets: int, support: Fraction) -> int:
    """Give the integer threshold."""
    return -int(-support * n_baskets // 1)


def megabytes(data: Rows | Flags) -> float:
    """Give the size of the neutral form."""
    return (data.starts.nbytes + data.codes.nbytes if isinstance(data, Rows) else data.nbytes) / 2**20


def shape(data: Rows | Flags) -> str:
    """Say how many products a basket holds, and of the flags how many baskets are distinct."""
    if isinstance(data, Rows):
        return f"{len(data.codes) / size(data):.2f} of {data.n_items:,} items a basket"
    counts = distinct(data)
    share = counts[:1000].sum() / size(data)
    mean = np.count_nonzero(data) / size(data)
    return (
        f"{mean:.2f} products a customer, {len(counts):,} distinct baskets, the commonest 1,000 cover {share:.0%}"
    )


def said(answer: Any) -> dict[str, Any]:
    """Give the number of itemsets, or of pairs that are held, and a checksum of all with their counts."""
    pairs = isinstance(answer, np.ndarray)
    kept = answer.astype("<i8").tobytes() if pairs else repr(answer).encode()
    return {
        "found": int(np.count_nonzero(answer)) if pairs else len(answer),
        "sum": hashlib.sha256(kept).hexdigest(),
    }


def one(task: str, name: str, path: Path) -> None:
    """Measure one rival in this process."""
    rival, data = RIVALS[task][name], load(path)
    threshold = least(size(data), TASKS[task].support)
    try:
        start = head(data, WARM)
        rival.read(rival.count(rival.convert(start, WARM_COUNT), WARM_COUNT), start)
    except ImportError as error:
        reply({"missing": str(error)})
        return
    del start
    gc.collect()
    conversion: list[float] = []

    def whole() -> Any:
        cpu, wall = time.process_time(), time.perf_counter()
        converted = rival.convert(data, threshold)
        conversion.extend((time.process_time() - cpu, time.perf_counter() - wall))
        return rival.count(converted, threshold)

    cost, found = measured(whole)
    reply({"cost": cost, "conversion": conversion, **said(rival.read(found, data))})


def fastest(name: str, costs: dict[str, list[Cost]], what: str) -> str | None:
    """Give the rival of this name, or the fastest of those that begin so, but none that was helped by hand."""
    if not name.endswith("*"):
        return name if name in costs else None
    middle = {other: float(np.median([getattr(cost, what) for cost in values])) for other, values in costs.items()}
    there = [other for other in costs if other.startswith(name[:-1]) and "by hand" not in other]
    return min(there, key=middle.__getitem__, default=None)


def aims(task: str, costs: dict[str, list[Cost]]) -> None:
    """Print the ratios that are aimed at, round by round: the median, the smallest and the largest."""
    for about, first, second, what, aim in AIMS:
        over, under = fastest(first, costs, what), fastest(second, costs, what)
        if about != task or over is None or under is None:
            continue
        n_rounds = min(len(costs[over]), len(costs[under]))
        values = {name: [float(getattr(cost, what)) for cost in costs[name][:n_rounds]] for name in (over, under)}
        low, middle, high = ratio(values, over, under)
        unit = {"cpu": "CPU", "wall": "wall", "peak": "memory"}[what]
        spread = f"{low:.2f} to {high:.2f}, {n_rounds} rounds" if n_rounds > 1 else "one round"
        print(f"  {unit} of {over} / {under} = {middle:.2f} ({spread}; aim {aim})")


def compared(task: str, answers: dict[str, dict[str, Any]]) -> int:
    """Raise if the answers are not the same; give how many itemsets or pairs there are."""
    if len({answer["sum"] for answer in answers.values()}) > 1:
        found = ", ".join(f"{name}: {answer['found']}" for name, answer in answers.items())
        message = f"{task}: the answers differ ({found})"
        raise ValueError(message)
    return int(next(iter(answers.values()))["found"])


def timed(task: str, data: Rows | Flags, path: Path, n_rounds: int) -> None:
    """Let the rivals of one task take turns, and print what they cost."""
    costs: dict[str, list[Cost]] = {}
    conversions: dict[str, list[Any]] = {}
    answers: dict[str, dict[str, Any]] = {}
    there: dict[str, Rival] = dict(RIVALS[task])
    for turn in range(n_rounds):
        for name in [name for name, rival in there.items() if turn < rival.rounds]:
            answer = ask(__file__, ["--task", task, "--rival", name, "--path", str(path)])
            if "missing" in answer:
                print(f"  {name}: skipped, {answer['missing']}")
                del there[name]
                continue
            costs.setdefault(name, []).append(Cost(*answer["cost"]))
            conversions.setdefault(name, []).append(answer["conversion"])
            answers[name] = answer
    found = compared(task, answers)
    what = "pairs held" if task == "pairs" else f"itemsets of at least {least(size(data), TASKS[task].support):,}"
    print(f"{TASKS[task].title}, {size(data):,} baskets, {megabytes(data):.0f} MB:")
    print(f"  {shape(data)}; all find the same {found:,} {what}")
    for name, values in costs.items():
        cpu, wall, peak = np.median(values, axis=0)
        cpu_first, wall_first = np.median(conversions[name], axis=0)
        print(
            f"  {name:<31} {cpu:6.2f} CPU s ({cpu_first:5.2f} of it conversion) "
            f"{wall:6.2f} s ({wall_first:5.2f}) {peak:6.0f} MB"
        )
    costs["the flags"] = [Cost(0.0, 0.0, megabytes(data))] * n_rounds
    for name in (DUCKDB, POLARS):
        if name in costs:
            rounds = zip(costs[name], conversions[name], strict=True)
            costs[f"{name}, {ALONE}"] = [
                Cost(cost.cpu - cpu, cost.wall - wall, 0.0) for cost, (cpu, wall) in rounds
            ]
    aims(task, costs)
    print(flush=True)


def main() -> None:
    """Make or read the baskets, and time every task."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the published baskets")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tasks", nargs="+", choices=list(RIVALS), default=list(RIVALS))
    parser.add_argument("--task", choices=list(RIVALS), help=argparse.SUPPRESS)
    parser.add_argument("--rival", help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.rival is not None:
        one(given.task, given.rival, given.path)
        return
    made: dict[str | int, tuple[Rows | Flags, Path]] = {}
    with tempfile.TemporaryDirectory() as name:
        for task in given.tasks:
            source = TASKS[task].source
            if isinstance(source, str) and not (given.data / source).exists():
                print(f"{TASKS[task].title}: skipped, {source} is not in the folder named by --data\n")
                continue
            if source not in made:
                data = holdings(source) if isinstance(source, int) else published(given.data / source)
                made[source] = data, Path(name) / f"{len(made)}.npz"
                save(*made[source])
            timed(task, *made[source], given.rounds)


if __name__ == "__main__":
    main()
