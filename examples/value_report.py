"""The report of the value pipeline: pictures, tables and sentences, all from the run."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd

from custvalue import plot
from html_report import Report
from validity import out_of_order

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from custvalue import anp
    from value_pipeline import Results

mpl.use("Agg")

#: Classes of the demonstration, as many as the source has.
N_CLASSES = 8
#: For each outcome its own past: the name of the naive rival, and the indicator it is.
RIVALS = {
    "later balance": ("balance before, alone", "balance"),
    "later turnover": ("turnover before, alone", "turnover"),
    "later active days": ("active days before, alone", "frequency_active_days"),
}

#: Columns of an explanation that fit a page.
SHOWN = (
    *("indicator", "weight", "value", "unscaled", "case_value", "rival_value"),
    *("contribution", "rival_contribution", "difference"),
)
#: Okabe and Ito (2008), one colour a set of weights and one for the naive rival.
COLOURS = ("#0072B2", "#009E73", "#CC79A7", "#E69F00")


def _png(figure: Figure) -> bytes:
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=130, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
    return buffer.getvalue()


def _class_means_picture(results: Results) -> bytes:
    """Draw what each class of the held-out half brought later, under each set of weights and for the rival."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(results.means), figsize=(12, 4), layout="constrained")
    for ax, (outcome, sets) in zip(axes, results.means.items(), strict=True):
        for place, ((name, table), colour) in enumerate(zip(sets.items(), COLOURS, strict=True)):
            error = np.abs(table[["low", "high"]].to_numpy().T - table["mean"].to_numpy())
            at = table["class"] + 0.16 * (place - 1.5)
            ax.errorbar(at, table["mean"], yerr=error, fmt="o", ms=4, color=colour, capsize=2, label=name)
        ax.set(title=outcome, xlabel="class", xticks=range(1, N_CLASSES + 1))
        ax.set_ylim(bottom=min(0.0, *(float(table["low"].min()) for table in sets.values())))
    axes[0].legend(fontsize=8, frameon=False)
    figure.suptitle("Held-out customers after the grading: class means, 95 % bootstrap interval", fontsize=10)
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
        f"Classes are made at {data.history} from {results.n_cases_from:,} of "
        f"{results.n_graded_before:,} customers, drawn at random, and given "
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
        "weights and with constructed judgments (called panel, asked of nobody) stands beside it in "
        "the comparisons."
    )
    report.table(_weights(results))
    for name, solution in (("published", results.published), ("constructed panel", results.panel)):
        report.text(f"Consistency of the judgments behind the {name} weights:")
        report.table(solution.consistency.replace({"criterion": {"": "control layer"}}))
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
    quality = main.cases.clusters.report
    report.heading("The classes")
    report.text(
        f"k-means with {main.cases.clusters.n_classes} classes on columns scaled by the square root of their "
        "weight; each case is the mean of its class (a prototype), so that no real customer stands in the model. "
        "Silhouette "
        f"{quality.silhouette:.2f}; smallest class {quality.smallest_class} customers. Over "
        f"20 seeds the adjusted Rand index of each pair of runs is {results.stability.mean():.2f} on average and "
        f"{results.stability.min():.2f} at the least."
    )
    report.picture(pictures_["class_profile"], "Mean of each scaled indicator in each class, published weights.")
    report.text(
        f"Customers by class at {results.data.today}, published weights; class {N_CLASSES} has "
        "the highest mean composite value under these weights; whether that is worth the most, see below:"
    )
    report.table(_classes(results), digits=0)


def _doubts_section(report: Report, results: Results, pictures_: dict[str, bytes]) -> None:
    report.heading("Does the class hold in the months after?")
    report.text(
        f"Held-out customers graded at {results.data.history}; what came until {results.data.today}. Spearman's "
        "rank correlation with a 95 % bootstrap interval over customers; the split and the seed of k-means are "
        f"held fixed. Of scores on shuffled customers 95 % stay below {results.out_of_time.noise:.2f} in size. "
        "The last rows are the naive rivals: one figure of the period before, alone."
    )
    report.table(results.out_of_time.to_frame())
    report.text("Correlation of the class less that of a rival, over the same resampled customers:")
    report.table(differences(results))
    report.text(verdict(results))
    report.picture(
        pictures_["out_of_time"], "Class means in the months after the grading, for all weights and a rival."
    )
    report.text(
        "The rival is the balance before, cut into classes of the same sizes as those under the published weights."
    )
    for outcome, sets in results.means.items():
        report.text(f"{outcome}, by class: mean and 95 % interval.")
        report.table(_means_table(sets))
    report.text(order_verdict(results))
    _age_section(report, results)
    _agreement_section(report, results)


def _means_table(sets: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Set the class means of all weights side by side."""
    columns = {
        name: {
            int(row["class"]): f"{row['mean']:,.0f} [{row['low']:,.0f}, {row['high']:,.0f}]"
            for _, row in table.iterrows()
        }
        for name, table in sets.items()
    }
    return pd.DataFrame(columns).sort_index().rename_axis("class").reset_index()


def differences(results: Results) -> pd.DataFrame:
    """Tabulate by how much the classes of each set of weights beat the naive rivals."""
    rows = []
    for name in results.gradings:
        for outcome, (own, _) in RIVALS.items():
            for rival in dict.fromkeys(("balance before, alone", own)):
                found = results.out_of_time.difference(f"class, {name} weights", rival, outcome)
                word = ("better" if found.value > 0.0 else "worse") if found.told_apart else "not told apart"
                rows.append((name, outcome, rival, str(found), word))
    return pd.DataFrame(rows, columns=["weights", "outcome", "rival", "difference", "class is"])


def verdict(results: Results) -> str:
    """Say how the published weights' classes do against each outcome's own past, in plain words."""
    table = differences(results)
    own = table[
        [RIVALS[outcome][0] == rival for outcome, rival in zip(table["outcome"], table["rival"], strict=True)]
    ]
    said = [
        f"{row['outcome']} {row['class is']} than by the {row['rival']} ({row['difference']})".replace(
            "not told apart than by", "not told apart from"
        )
        for _, row in own[own["weights"] == "published"].iterrows()
    ]
    return "Published weights, class against the outcome's own past: " + "; ".join(said) + "."


def order_verdict(results: Results) -> str:
    """Name the classes whose means stand in the wrong order beyond their intervals."""
    said = []
    for outcome, sets in results.means.items():
        for name in results.gradings:
            wrong = out_of_order(sets[f"{name} weights"])
            if wrong:
                pairs = ", ".join(f"{low} above {high}" for low, high in wrong)
                said.append(f"{outcome} under {name} weights: {pairs}")
    if not said:
        return "No class stands above a higher one beyond the intervals."
    return f"Classes that stand above a higher class although the intervals do not meet: {'; '.join(said)}."


def _age_section(report: Report, results: Results) -> None:
    report.heading("Is it value, or age?")
    report.text("Rank correlation with tenure, balance and turnover at the later date:")
    report.table(results.age.to_frame())
    report.text(age_verdict(results))


def age_verdict(results: Results) -> str:
    """Say whether the composite goes more with age than with money, in plain words."""
    names = [f"composite, {name} weights" for name in results.gradings]
    older = [name for name in names if results.age.difference_of_outcomes(name, "tenure", "balance").low > 0.0]
    activity = results.age.interval("active days per exposed day", "tenure")
    if not older:
        return "Under no set of weights does the composite go more with tenure than with balance."
    return (
        f"It goes more with tenure than with balance under: {', '.join(older)}. Active days per day under "
        f"observation themselves go with tenure by {activity} here."
    )


def _agreement_section(report: Report, results: Results) -> None:
    report.heading("What is agreement with k-means worth?")
    report.text(
        "Share of held-out customers whose class is that of the nearest centre of the weighted k-means, and the "
        "adjusted Rand index, beside their range over 20 shuffles of every column by itself: agreement that noise "
        "reaches too is no evidence for the classes. A weighted nearest centroid agrees by construction and is "
        "left out; the unweighted one is judged by weights that it was not given."
    )
    report.table(results.agreement)


def _reasons_section(report: Report, results: Results, pictures_: dict[str, bytes]) -> None:
    report.heading("Three customers explained")
    report.text(
        "The most valuable query, the one with the smallest margin, and the least valuable. The contributions of "
        "the indicators sum to the similarity; the margin to the next class tells how clear the class is."
    )
    for place, reason in enumerate(results.explanations, start=1):
        report.text(f"Customer {reason.label}. {reason.in_words()}")
        report.table(reason.table[[name for name in SHOWN if name in reason.table.columns]])
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
        results.customers["value_class"]
        .value_counts()
        .get(str(results.gradings["published"].cases.clusters.n_classes), 0)
    )
    return (
        f"\n{results.data.name}: {counts['customers']:,} customers at {results.data.today}, {counts['graded']:,} "
        f"graded into {N_CLASSES} classes ({top} in the highest), {counts['new']:,} new.\n{verdict(results)}\n"
        f"Stability over 20 seeds (adjusted Rand): {results.stability.mean():.2f}. Written:"
    )
