"""The chain from end to end: a bank's customers graded into value classes, with reasons and with doubts.

Run ``make demo``, or this file: ``python examples/value_pipeline.py --berka FOLDER --out out``. It reads the Berka
bank where its parquet files are, else it draws the synthetic bank, and leaves a report, a table of customers and
pictures. Every figure of the report comes from the run.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from custvalue import anp, cbr, exceptions, grey, rfm

sys.path.insert(0, str(Path(__file__).resolve().parent))
import bank_data
import validity
import value_report
from value_report import N_CLASSES, RIVALS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

NETWORKS = Path(__file__).resolve().parent / "networks"
STEPS = 8


class Progress:
    """Say what is being done and how long it took; count inside the longer steps."""

    def __init__(self) -> None:
        self._step, self._start = 0, time.perf_counter()

    def step(self, text: str) -> None:
        """Begin a step."""
        self._step += 1
        print(f"[{self._step}/{STEPS}] {time.perf_counter() - self._start:5.1f} s  {text}", flush=True)

    def over(self, names: Iterable[str]) -> Iterator[str]:
        """Go through the parts of a step, one line or one dot a part."""
        for name in names:
            print(f"              - {name}", flush=True)
            yield name


@dataclass(frozen=True)
class Grading:
    """One set of weights and what it makes of the customers."""

    hierarchy: grey.Hierarchy
    cases: cbr.CaseBase
    model: cbr.CaseBasedClassifier
    held_out_classes: validity.Codes
    held_out_composite: validity.Floats
    today_classes: validity.Codes


@dataclass(frozen=True)
class Results:
    """All that the report tells."""

    data: bank_data.BankData
    history: rfm.Snapshot
    today: rfm.Snapshot
    scaler: rfm.IndicatorScaler
    published: anp.Solution
    panel: anp.Solution
    gradings: dict[str, Grading]
    n_cases_from: int
    n_graded_before: int
    stability: validity.Floats
    agreement: pd.DataFrame
    out_of_time: validity.RankCorrelations
    means: dict[str, dict[str, pd.DataFrame]]
    age: validity.RankCorrelations
    customers: pd.DataFrame
    explanations: cbr.Explanations


def read_network(name: str) -> anp.Network:
    """Read a network of judgments from its JSON file."""
    return anp.Network.model_validate_json((NETWORKS / f"{name}.json").read_text(encoding="utf-8"))


def outcome_indicators(days: int) -> rfm.IndicatorSet:
    """Say what the months after the grading brought."""
    window = f"{days}d"
    return rfm.IndicatorSet(
        min_history_days=0,
        indicators=(
            rfm.Monetary(name="later balance", measure="daily_average_balance", window=window),
            rfm.Monetary(name="later turnover", measure="sum", window=window),
            rfm.Frequency(name="later active days", measure="distinct_days", window=window, per_exposed_day=False),
        ),
    )


def grade(
    hierarchy: grey.Hierarchy, past: pd.DataFrame, held_out: pd.DataFrame, today: pd.DataFrame, seed: int
) -> Grading:
    """Make classes from one half of the past customers and give them to everybody else."""
    cases = cbr.build_case_base(
        past, hierarchy, n_classes=N_CLASSES, representatives="prototype", random_state=seed
    )
    model = cbr.CaseBasedClassifier().fit(cases)
    composite = cbr.composite_value(held_out, hierarchy)
    return Grading(hierarchy, cases, model, model.predict(held_out), composite, model.predict(today))


def customer_table(
    today: rfm.Snapshot, X_today: pd.DataFrame, grading: Grading, case_base_keys: pd.Index, held_out_keys: pd.Index
) -> pd.DataFrame:
    """Give every customer's class at the later date, or ``new``."""
    found = grading.model.retrieve(X_today)
    graded = pd.DataFrame(
        {
            "value_class": grading.today_classes.astype(str),
            "similarity": found.similarity[:, 0],
            "margin": found.margin,
            "composite_value": cbr.composite_value(X_today, grading.hierarchy),
        },
        index=X_today.index,
    )
    key = today.schema.customer
    table = today.table[[key, "status", "exposure_days"]].merge(graded, left_on=key, right_index=True, how="left")
    table["value_class"] = table["value_class"].fillna("new")
    roles = [table[key].isin(case_base_keys), table[key].isin(held_out_keys)]
    table["role"] = np.select(roles, ["case base", "held out"], "not graded before")
    whole: pd.DataFrame = table.reset_index(drop=True)
    return whole


def typical_and_borderline(table: pd.DataFrame, key: str) -> list[object]:
    """Choose three queries: the most valuable, the most doubtful, the least valuable."""
    queries = table[(table["role"] == "held out") & (table["status"] == "graded")]
    value, margin = queries["composite_value"].to_numpy(), queries["margin"].to_numpy()
    keys = queries[key].tolist()
    return [keys[place] for place in (value.argmax(), margin.argmin(), value.argmin())]


def age_correlations(
    today: rfm.Snapshot, X_today: pd.DataFrame, gradings: dict[str, Grading], seed: int
) -> validity.RankCorrelations:
    """Correlate the composite with tenure, balance and turnover, so that nobody mistakes age for value."""
    features = today.features
    tenure = today.table.set_index(today.schema.customer).loc[features.index, "exposure_days"]
    scores: dict[str, object] = {
        f"composite, {name} weights": cbr.composite_value(X_today, one.hierarchy) for name, one in gradings.items()
    }
    scores["active days per exposed day"] = features["frequency_active_days"]
    columns = {"tenure": tenure, "balance": features["balance"], "turnover": features["turnover"]}
    return validity.rank_correlations(scores, columns, np.random.default_rng(seed))


def out_of_time(
    gradings: dict[str, Grading], history: pd.DataFrame, outcomes: pd.DataFrame, seed: int
) -> tuple[validity.RankCorrelations, dict[str, dict[str, pd.DataFrame]]]:
    """Hold the held-out half against what came after, beside single figures of the period before."""
    scores: dict[str, object] = {f"class, {name} weights": one.held_out_classes for name, one in gradings.items()}
    scores |= {f"composite, {name} weights": one.held_out_composite for name, one in gradings.items()}
    scores |= {name: history[column] for name, column in RIVALS.values()}
    later = {str(name): outcomes[name] for name in outcomes.columns}
    correlations = validity.rank_correlations(scores, later, np.random.default_rng(seed))
    classes = {f"{name} weights": one.held_out_classes for name, one in gradings.items()}
    cut = validity.classes_of_same_sizes(history["balance"], gradings["published"].held_out_classes)
    classes["balance before, cut alike"] = cut
    rng = np.random.default_rng(seed)
    means = {
        outcome: {name: validity.class_means(numbers, values, rng) for name, numbers in classes.items()}
        for outcome, values in later.items()
    }
    return correlations, means


def run(data: bank_data.BankData, seed: int) -> Results:
    """Compute everything; write nothing."""
    progress = Progress()
    progress.step(f"Indicators of {len(data.transactions):,} transactions at {data.history} and {data.today}")
    indicators = rfm.IndicatorSet.retail_bank()
    history, today = (
        rfm.compute(data.transactions, indicators, data.schema, as_of=moment, population=data.population)
        for moment in (data.history, data.today)
    )
    progress.step("Weights from judgments")
    published, panel = (read_network(name).solve() for name in ("published", "panel"))
    hierarchies = {
        "published": grey.Hierarchy.from_weights(control=published.control, local=published.local),
        "equal": grey.Hierarchy.equal(indicators.groups),
        "panel": grey.Hierarchy.from_weights(control=panel.control, local=panel.local),
    }
    progress.step(
        "Random halves: one builds the case base, the other is held out; the scale is learned on the first"
    )
    keys = history.features.index
    chosen = np.sort(np.random.default_rng(seed).permutation(len(keys))[: len(keys) // 2])
    rest = np.setdiff1d(np.arange(len(keys)), chosen)
    scaler = rfm.IndicatorScaler(indicators).fit(history.features.iloc[chosen])
    scaled = scaler.transform(history.features)
    past, held_out, X_today = scaled.iloc[chosen], scaled.iloc[rest], scaler.transform(today.features)
    progress.step("Classes, cases and grades under three sets of weights")
    gradings = {
        name: grade(hierarchies[name], past, held_out, X_today, seed) for name in progress.over(hierarchies)
    }
    main = gradings["published"]
    progress.step("Stability of the classes over 20 seeds")
    stability = cbr.class_stability(past, main.hierarchy, n_classes=N_CLASSES, n_seeds=20, random_state=seed)
    progress.step("Agreement with k-means on the held-out half, and on shuffled columns")
    agreement = validity.agreement_table(past, held_out, main.hierarchy, n_classes=N_CLASSES, seed=seed)
    progress.step("What came after, and what the composite goes with")
    days = (pd.Timestamp(data.today) - pd.Timestamp(data.history)).days
    later = rfm.compute(
        data.transactions, outcome_indicators(days), data.schema, as_of=data.today, population=data.population
    )
    outcomes = later.features.loc[held_out.index]
    correlations, means = out_of_time(gradings, history.features.iloc[rest], outcomes, seed)
    age = age_correlations(today, X_today, gradings, seed)
    progress.step("Three customers explained, and the report")
    customers = customer_table(today, X_today, main, keys[chosen], keys[rest])
    three = typical_and_borderline(customers, data.schema.customer)
    reasons = main.model.explain(X_today.loc[three], unscaled=today.features.loc[three], disclose_cases=True)
    return Results(
        data,
        history,
        today,
        scaler,
        published,
        panel,
        gradings,
        len(chosen),
        len(keys),
        stability,
        agreement,
        correlations,
        means,
        age,
        customers,
        reasons,
    )


def write(results: Results, out: Path) -> list[Path]:
    """Write everything aside and move it into place at the end, so that nothing is left half-written."""
    out.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".partial-", dir=out))
    try:
        pictures = value_report.pictures(results)
        for name, png in pictures.items():
            (aside / f"{name}.png").write_bytes(png)
        results.customers.to_csv(aside / "customers.csv", index=False)
        page = value_report.page(results, pictures)
        (aside / "report.html").write_text(page, encoding="utf-8")
        return [file.replace(out / file.name) for file in sorted(aside.iterdir())]
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def at_least(lowest: int) -> Callable[[str], int]:
    """Read a whole number from a lowest one on."""

    def read(text: str) -> int:
        number = int(text)
        if number < lowest:
            message = f"must be a whole number from {lowest}"
            raise argparse.ArgumentTypeError(message)
        return number

    return read


def main(arguments: list[str] | None = None) -> int:
    """Run the demonstration; 0 if all went well, 2 for a wrong path."""
    parser = argparse.ArgumentParser(description="Grade a bank's customers into value classes, with reasons.")
    parser.add_argument("--berka", type=Path, help="folder of the Berka parquet files")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder of the results (default: out)")
    parser.add_argument("--rows", type=at_least(1000), default=100_000, help="transactions of the synthetic bank")
    parser.add_argument("--synthetic", action="store_true", help="draw the synthetic bank even if Berka is there")
    parser.add_argument("--seed", type=at_least(0), default=0, help="seed of the split, the classes and the bank")
    given = parser.parse_args(arguments)
    if given.out.exists() and not given.out.is_dir():
        print(f"'{given.out}' is a file; name a folder for the results.", file=sys.stderr)
        return 2
    try:
        data = (
            bank_data.synthetic(given.rows, given.seed)
            if given.synthetic and given.berka is None
            else bank_data.load(given.berka, given.rows, given.seed)
        )
        results = run(data, given.seed)
        written = write(results, given.out)
    except bank_data.DataPathError as error:
        print(error, file=sys.stderr)
        return 2
    except exceptions.CustvalueError as error:
        print(f"This bank cannot be graded so: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"The results cannot be written to the folder '{given.out}': {error.strerror}.", file=sys.stderr)
        return 2
    print(value_report.summary(results))
    print("\n".join(f"  {path}" for path in written))
    return 0


if __name__ == "__main__":
    sys.exit(main())
