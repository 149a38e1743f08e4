"""The report of the value pipeline: pictures, tables and sentences, all from the run."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd

from custvalue import plot
from html_report import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from custvalue import anp
    from value_pipeline import Results

mpl.use("Agg")


def _png(figure: Figure) -> bytes:
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=130, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
    return buffer.getvalue()


def _class_means_picture(results: Results) -> bytes:
    """Draw what each class of the held-out half brought later, with intervals."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(results.means), figsize=(11, 3.4), layout="constrained")
    for ax, (name, table) in zip(axes, results.means.items(), strict=True):
        error = np.abs(table[["low", "high"]].to_numpy().T - table["mean"].to_numpy())
        ax.errorbar(table["class"], table["mean"], yerr=error, fmt="o", color="#0072B2", capsize=3)
        ax.set(title=name, xlabel="value class", xticks=table["class"])
        ax.set_ylim(bottom=min(0.0, float(table["low"].min())))
    figure.suptitle(
        "Held-out customers: mean of each class after the grading, 95 % bootstrap interval", fontsize=10
    )
    return _png(figure)


def pictures(results: Results) -> dict[str, bytes]:
    """Draw all pictures; the names become the files' names."""
    main = results.gradings["published"]
    drawn = {
        "class_profile": plot.ClassProfileDisplay.from_case_base(main.cases).plot().figure_,
        "supermatrix_recency": plot.SupermatrixDisplay.from_solution(
            results.published, "recency", which="weighted"
        )
        .plot()
        .figure_,
    }
    for place, reason in enumerate(results.explanations, start=1):
        drawn[f"explanation_{place}"] = plot.ExplanationDisplay.from_explanation(reason).plot().figure_
    found = {name: _png(figure) for name, figure in drawn.items()}
    return found | {"out_of_time": _class_means_picture(results)}


def _weights(results: Results) -> pd.DataFrame:
    """Give the global weights of the three sets side by side."""
    columns = {name: one.hierarchy.global_weights for name, one in results.gradings.items()}
    hierarchy = results.gradings["published"].hierarchy
    groups = [hierarchy.group_names[i] for i in hierarchy.group_index]
    return pd.DataFrame({"indicator": hierarchy.indicators, "criterion": groups, **columns})


def _published_check(solution: anp.Solution) -> pd.DataFrame:
    """Set the weights of the run beside those the source prints."""
    printed = {
        "control": (0.1312, 0.7928, 0.0760),
        "recency": (0.3281, 0.1872, 0.2244, 0.2603),
        "frequency": (0.3414, 0.4238, 0.2347),
        "monetary": (0.5, 0.5),
    }
    rows = []
    for where, values in printed.items():
        own = solution.control if where == "control" else solution.local[where]
        rows += [(where, name, value, own[name]) for name, value in zip(own, values, strict=True)]
    return pd.DataFrame(rows, columns=["level", "element", "printed", "this run"])


def _classes(results: Results) -> pd.DataFrame:
    """Count the customers of each class at the later date, by role."""
    table = results.customers.pivot_table(index="value_class", columns="role", aggfunc="size", fill_value=0)
    table["all"] = table.sum(axis=1)
    order = sorted(table.index, key=lambda name: (name != "new", name), reverse=True)
    return table.loc[order].rename_axis(columns=None).reset_index(names="class")


def _data_section(report: Report, results: Results) -> None:
    counts, data = results.today.provenance.counts, results.data
    report.heading("The data")
    report.text(data.description)
    report.text(
        f"Classes are made at {data.history} from {results.n_cases_from:,} customers drawn at random, and given "
        f"at {data.today}. At that date {counts['customers']:,} customers are known: {counts['graded']:,} are "
        f"graded and {counts['new']:,} are new (under "
        f"{results.today.indicators.min_history_days} days of history)."
    )
    report.table(results.today.report.to_frame())
    report.text("What the scale makes of each indicator, learned on the case-base half at the earlier date:")
    report.table(results.scaler.report())


def _weights_section(report: Report, results: Results, pictures_: dict[str, bytes]) -> None:
    report.heading("The weights")
    report.note(
        "The published weights are one bank's judgment, with activity (frequency) at "
        f"{results.published.control['frequency']:.2f}. They are an example, not advice: the same run with equal "
        "weights and with the weights of a small panel of judgments stands beside it throughout."
    )
    report.table(_weights(results))
    report.text("Consistency of the judgments behind the published weights:")
    report.table(results.published.consistency.replace({"criterion": {"": "control layer"}}))
    report.text(
        "A consistency check: the source prints the limits, not the judgments inside a group. The inner-"
        "dependence columns of this run were inverted from those limits, so meeting them shows that the limit is "
        "computed rightly; it does not confirm the judgments."
    )
    report.table(_published_check(results.published), digits=4)
    report.picture(
        pictures_["supermatrix_recency"], "Weighted supermatrix of recency: influence inside the group."
    )
    for remark in results.published.notes:
        report.text(remark)


def _classes_section(report: Report, results: Results, pictures_: dict[str, bytes]) -> None:
    main = results.gradings["published"]
    quality = main.cases.report
    report.heading("The classes")
    report.text(
        f"k-means with {main.cases.n_classes} classes on columns scaled by the square root of their weight; each "
        "case is the mean of its class (a prototype), so that no real customer stands in the model. Silhouette "
        f"{quality.silhouette or float('nan'):.2f}; smallest class {quality.smallest_class} customers. Over "
        f"20 seeds the adjusted Rand index of each pair of runs is {results.stability.mean():.2f} on average and "
        f"{results.stability.min():.2f} at the least."
    )
    report.picture(pictures_["class_profile"], "Mean of each scaled indicator in each class, published weights.")
    report.text(f"Customers by class at {results.data.today}, published weights; class 8 is the most valuable:")
    report.table(_classes(results), digits=0)


def _doubts_section(report: Report, results: Results, pictures_: dict[str, bytes]) -> None:
    report.heading("Does the class hold in the months after?")
    report.text(
        f"Held-out customers graded at {results.data.history}; what came until {results.data.today}. Spearman's "
        "rank correlation with a 95 % bootstrap interval, beside its value on shuffled customers. The last rows "
        "are the naive rivals: one figure of the period before, alone."
    )
    report.table(results.out_of_time)
    report.text(verdict(results))
    report.picture(
        pictures_["out_of_time"], "Mean of each class in the months after the grading, published weights."
    )
    for name, table in results.means.items():
        report.text(f"{name}, by class:")
        report.table(table, digits=2)
    report.heading("Is it value, or age?")
    report.text("Rank correlation of the composite value with tenure, balance and turnover at the later date:")
    report.table(results.age)
    report.text(age_verdict(results))
    report.heading("What is agreement with k-means worth?")
    report.text(
        "Share of held-out customers whose class is that of the nearest k-means centre, and the adjusted Rand "
        "index. The last two columns are the same on customers whose columns were shuffled one by one: agreement "
        "that noise reaches too is no evidence for the classes. A weighted nearest centroid agrees by "
        "construction and is left out."
    )
    report.table(results.agreement)


def verdict(results: Results) -> str:
    """Say who won out of time, in plain words."""
    table = results.out_of_time.set_index("score")
    found = {
        outcome: table[outcome].str.split(" ").str[0].astype(float)
        for outcome in table.columns
        if not outcome.endswith("shuffled")
    }
    said = []
    for outcome, values in found.items():
        ours, rival = values["class, published weights"], values["balance before, alone"]
        word = "above" if ours > rival else "below"
        said.append(f"{outcome} {ours:+.2f}, {word} the last balance alone ({rival:+.2f})")
    return "Published weights, class against outcome: " + "; ".join(said) + "."


def age_verdict(results: Results) -> str:
    """Say whether the composite goes more with age than with money, in plain words."""
    table = results.age.set_index("score")
    tenure, balance = (table[name].str.split(" ").str[0].astype(float) for name in ("tenure", "balance"))
    older = [name for name in table.index if tenure[name] > balance[name]]
    if not older:
        return "Under every set of weights the composite goes more with balance than with tenure."
    return (
        f"It goes more with tenure than with balance under: {', '.join(older)}. Frequencies are per day under "
        "observation, so it is not that an older account had more time: younger accounts are less active a "
        "day. Read a class under these weights with that in mind."
    )


def _reasons_section(report: Report, results: Results, pictures_: dict[str, bytes]) -> None:
    report.heading("Three customers explained")
    report.text(
        "The most valuable query, the one with the smallest margin, and the least valuable. The contributions of "
        "the indicators sum to the similarity; the margin to the next class tells how clear the class is."
    )
    for place, reason in enumerate(results.explanations, start=1):
        report.text(f"Customer {reason.label}. {reason.in_words()}")
        report.table(reason.table)
        report.picture(pictures_[f"explanation_{place}"], f"Customer {reason.label}: parts of the similarity.")


def page(results: Results, pictures_: dict[str, bytes]) -> str:
    """Write the whole page."""
    report = Report(f"{results.data.name}: customers by value class")
    _data_section(report, results)
    _weights_section(report, results, pictures_)
    _classes_section(report, results, pictures_)
    _doubts_section(report, results, pictures_)
    _reasons_section(report, results, pictures_)
    report.heading("Provenance")
    report.text(f"custvalue {results.today.provenance.version}; {results.today.provenance.counts}.")
    return report.to_html()


def summary(results: Results) -> str:
    """Give the few lines that end the run."""
    counts = results.today.provenance.counts
    top = (
        results.customers["value_class"].value_counts().get(str(results.gradings["published"].cases.n_classes), 0)
    )
    return (
        f"\n{results.data.name}: {counts['customers']:,} customers at {results.data.today}, {counts['graded']:,} "
        f"graded into 8 classes ({top} in the highest), {counts['new']:,} new.\n{verdict(results)}\n"
        f"Stability over 20 seeds (adjusted Rand): {results.stability.mean():.2f}. Written:"
    )
