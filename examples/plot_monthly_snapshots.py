"""
Fifteen months of a bank: who rose, who fell, and why
=====================================================

A bank takes a snapshot of its customers at every month's end. This page makes fifteen of them from one month's
rows at a time, scores them all by cut points that were fitted once, names the segments, and asks who rose, who
fell and why. Then it asks what such names are worth: how long they last, whether "at risk" means anything, and
whether the score says more of the months to come than the plain figure it was cut from. Levels with rules for
moving up and down stand at the end.

The customers are those of the Berka bank where its files lie beside the checkout, else those of the synthetic
bank. Sentences with figures are written by the run itself.
"""

# %%
# The months
# ----------
# Recency, frequency and money of what the customer set off, both per day over half a year, and the daily-average
# balance. Counts and sums over all history would only rise, and so would everybody's score.

import sys
from pathlib import Path
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

HERE = Path(__file__).parent if "__file__" in globals() else Path.cwd()
sys.path.insert(0, str(HERE))
import bank_data
from custvalue import plot, rfm, tiers


def say(text: str) -> None:
    """Print a long text in lines."""
    print(fill(text, 76))


bank = bank_data.load(None, n_transactions=100_000, seed=0)
indicators = rfm.IndicatorSet(
    indicators=[
        rfm.Recency(name="recency"),
        rfm.Frequency(name="frequency", window="180d"),
        rfm.Monetary(name="monetary", window="180d", per_exposed_day=True),
        rfm.Monetary(name="balance", measure="daily_average_balance", window="90d"),
    ]
)
schema = bank.schema.model_copy(update={"decimals": 2})
say(bank.description)

# %%
# Each month's rows become a state by customer and day; states add up; a snapshot is taken from their sum. No row
# is read twice. The last month of the Berka prefix ends a day early, because its last day is incomplete.

key = schema.customer
month_of = pd.to_datetime(bank.transactions[schema.time]).dt.to_period("M")
state: rfm.Partial | None = None
snapshots: dict[pd.Period, rfm.Snapshot] = {}
for month, rows in bank.transactions.groupby(month_of):
    added = rfm.partial(rows, indicators, schema)
    state = added if state is None else rfm.merge(state, added)
    as_of = min((month + 1).start_time.date().isoformat(), bank.today)
    snapshots[month] = state.snapshot(as_of, population=bank.population)
snapshots = dict(list(snapshots.items())[-15:])
counts = pd.DataFrame({month: found.provenance.counts for month, found in snapshots.items()}).T
counts[["rows", "customers", "graded", "new"]]

# %%
# Is a snapshot from states what all the rows give? Amounts are whole hellers or cents, so the sums are exact:

last = max(snapshots)
at_once = rfm.compute(
    bank.transactions, indicators, schema, as_of=snapshots[last].as_of, population=bank.population
)
at_once.table.equals(snapshots[last].table)

# %%
# Scores by one table
# -------------------
# The cut points are those of the first month with 400 graded customers. They are data: the table below, with its
# digest, is all that next month needs.

graded = {month: found.features for month, found in snapshots.items()}
first = min(month for month, found in graded.items() if len(found) >= 400)
months = [month for month in graded if month >= first]
scorer = rfm.RFMScorer(indicators).fit(graded[first])
table = scorer.score_table_
scores = {month: table.apply(graded[month]) for month in months}
table

# %%
# What the customers of each cell moved in the first month, per day:

classic = ["recency_score", "frequency_score", "monetary_score"]
cells = rfm.cells(scores[first], columns=classic[:2])
heat = plot.RFMHeatmapDisplay.from_cells(cells, graded[first][["monetary"]], unit="per day").plot()

# %%
# Segments
# --------
# The common map of eleven groups names the 125 cells. In a young bank the mix also shifts because its customers
# grow older.

groups = rfm.SegmentMap.eleven_groups()
segments = {month: groups.label(scores[month])["segment"] for month in months}
mix = pd.DataFrame({month: named.value_counts() for month, named in segments.items()}).reindex(groups.names)
mix.fillna(0).astype(int)

# %%

money = graded[last]["monetary"] * 180
sizes = plot.SegmentDisplay.from_labels(segments[last], money, segments=groups.names, name="money moved").plot()

# %%
# Who rose, who fell
# ------------------
# The sum of the three scores, from 3 to 15, now and three months before, for customers who were graded then. Who
# moved by three points or more has risen or fallen. Which score moved them?

before = last - 3
both = scores[before].index.intersection(scores[last].index)
steps = (scores[last].loc[both, classic] - scores[before].loc[both, classic]).rename(
    columns=lambda name: name.removesuffix("_score")
)
moved = steps.sum(axis=1)
direction = pd.cut(moved, [-np.inf, -3, 2, np.inf], labels=["fell", "about as before", "rose"])
summary = steps.groupby(direction, observed=False).agg("mean").round(2)
summary.insert(0, "customers", direction.value_counts())
summary.iloc[::-1]

# %%
# The five who rose most and the five who fell most, by letters in place of their keys:

extreme = pd.concat(
    [moved.sort_values(kind="stable").tail(5).iloc[::-1], moved.sort_values(kind="stable").head(5)]
)
shown = pd.DataFrame(
    {
        "before": rfm.cells(scores[before].loc[extreme.index], columns=classic).labels["cell"],
        "now": rfm.cells(scores[last].loc[extreme.index], columns=classic).labels["cell"],
        "points": extreme,
        "segment before": segments[before].loc[extreme.index],
        "segment now": segments[last].loc[extreme.index],
    }
).set_axis([f"customer {letter}" for letter in "ABCDEFGHIJ"])
shown

# %%
# Why?
# ----
# Did the customers change, or the yardstick? Under one table of cut points every move is the customer's own. A
# bank that cuts anew each month moves customers who did nothing, and holds others in place who did.

by_one = rfm.drift(
    snapshots[before],
    snapshots[last],
    cuts_before=table,
    segment_map=groups,
    n_permutations=200,
    random_state=0,
)
cut_before, cut_last = (rfm.RFMScorer(indicators).fit(graded[month]).score_table_ for month in (before, last))
by_two = rfm.drift(
    snapshots[before], snapshots[last], cuts_before=cut_before, cuts_after=cut_last, segment_map=groups
)
one, two = (found.causes() for found in (by_one, by_two))
changed = [int(causes.loc[causes["before"] != causes["after"], "customers"].sum()) for causes in (one, two)]
say(
    f"Of {len(both)} customers {changed[0]} have another segment than three months before, all by what they did. "
    f"Under cut points of each month's own {changed[1]} would have: {two['customer_effect'].sum():.0f} by what "
    f"they did and {two['cuts_effect'].sum():.0f} because the cut points moved."
)

# %%
# Where they went, under one table:

paths = plot.SegmentMigrationDisplay.from_drift(by_one).plot()

# %%
# The indicators themselves: the stability index, and what noise alone stays below. The limits .1 and .25 of
# practice do not know how many customers there are; the permuted limit knows these very customers.

stability = plot.DriftDisplay.from_drift(by_one).plot()

# %%
# Which rows made the frequency? What customers set off, by kind, per customer who did anything in the month. On
# Berka a wave of cash withdrawals in January 1994 lifts everybody's frequency for half a year: something happened
# to the bank, or to its books, and not to single customers.

own = pd.Series(data=True, index=bank.transactions.index)
for column, codes in (*schema.system.items(), *schema.standing_order.items()):
    own &= ~bank.transactions[column].isin(codes)
own &= month_of.isin(months[-8:])
active = bank.transactions[own].groupby(month_of)[key].nunique()
kinds = pd.crosstab(month_of[own], bank.transactions.loc[own, str(schema.kind)])
kinds.div(active, axis=0).round(2)

# %%
# How long does a name last?
# --------------------------
# Of the customers graded in two months in a row, how many keep their segment? By chance, if the names of the
# second month were dealt out anew, as many would as their shares say.

random = np.random.default_rng(0)


def kept(labels: dict[pd.Period, pd.Series], month: pd.Period, *, shuffled: bool = False) -> float:
    """Give the share of customers whose label is that of the month before."""
    pair = pd.concat([labels[month - 1], labels[month]], axis=1, join="inner").to_numpy()
    again = [random.permutation(pair[:, 1]) for _ in range(50)] if shuffled else [pair[:, 1]]
    return float(np.mean([(pair[:, 0] == other).mean() for other in again]))


anew = {month: groups.label(rfm.RFMScorer(indicators).fit_transform(graded[month]))["segment"] for month in months}
lasting = pd.DataFrame(
    {
        "cut points fitted once": [kept(segments, month) for month in months[1:]],
        "cut points fitted anew each month": [kept(anew, month) for month in months[1:]],
        "names dealt out anew": [kept(segments, month, shuffled=True) for month in months[1:]],
    },
    index=months[1:],
)
lasting.round(2)

# %%
# About half of the customers change their name every month. Most of that is recency, which has the rhythm of the
# calendar: who acts once a month is 25 days away on one month's end and 3 on another. The same map with the
# recency of the month before:

still = {
    month: groups.label(
        scores[month].assign(recency_score=scores[month - 1]["recency_score"]).dropna().astype(np.int64)
    )["segment"]
    for month in months[1:]
}
pairs = [pd.concat([segments[month - 1], still[month]], axis=1, join="inner").to_numpy() for month in months[1:]]
unmoved = np.mean([(pair[:, 0] == pair[:, 1]).mean() for pair in pairs])
say(
    f"On the mean over the months {lasting.iloc[:, 0].mean():.0%} keep their segment, {unmoved:.0%} would if "
    f"recency stood still, and {lasting.iloc[:, 2].mean():.0%} by chance."
)

# %%
# Is "At Risk" at risk?
# ---------------------
# The segments of three months ago, and what their customers did since: the share who set nothing off at all.


def since(month: pd.Period) -> pd.DataFrame:
    """Give what the customers graded in a month did from then to the end of the third month after it."""
    start, end = snapshots[month].as_of, snapshots[month + 3].as_of
    window = f"{(pd.Timestamp(end) - pd.Timestamp(start)).days}d"
    later = rfm.IndicatorSet(
        indicators=[
            rfm.Monetary(name="money", window=window),
            rfm.Frequency(name="rows", window=window, per_exposed_day=False),
        ],
        min_history_days=0,
    )
    found = rfm.compute(bank.transactions, later, schema, as_of=end, population=bank.population)
    chosen: pd.DataFrame = found.table.set_index(key).loc[graded[month].index]
    return chosen


outcomes = {month: since(month) for month in months if month + 3 in snapshots}
silent = outcomes[before]["rows"] == 0
risk = silent.groupby(segments[before]).agg(["size", "sum", "mean"]).reindex(groups.names)
risk.set_axis(["customers", "silent since", "share"], axis=1).round(3)

# %%

at_risk, lost = (segments[before] == name for name in ("At Risk", "Lost"))
say(
    f"Of {at_risk.sum()} customers called At Risk in {before}, {silent[at_risk].sum()} set nothing off in the "
    f"three months since; of {lost.sum()} called Lost, {silent[lost].sum()}; of all {len(silent)}, {silent.sum()}."
    " The name At Risk stands for a box of scores: frequent, rich, and not seen for some weeks. Where people act "
    "once a month that is no sign."
)

# %%
# Does the score say what comes?
# ------------------------------
# Rank correlation of each month's score (the sum of the three) with the money moved in the three months after it.
# Beside it the naive rival, the plain figure of money per day that one of the scores was cut from, and the same
# score dealt to the customers at random.


def correlation(values: pd.Series, outcome: pd.Series) -> float:
    """Give Spearman's rank correlation."""
    return float(values.rank().corr(outcome.rank()))


found = []
for month, outcome in outcomes.items():
    total = scores[month][classic].sum(axis=1)
    dealt = [correlation(pd.Series(random.permutation(total), total.index), outcome["money"]) for _ in range(50)]
    score, naive = correlation(total, outcome["money"]), correlation(graded[month]["monetary"], outcome["money"])
    found.append((score, naive, float(np.mean(np.abs(dealt)))))
prediction = pd.DataFrame(found, columns=["score", "plain money per day", "shuffled"], index=list(outcomes))
figure, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
for name, marker in zip(prediction, "os^", strict=True):
    ax.plot([str(month) for month in prediction.index], prediction[name], marker=marker, label=name)
ax.set(ylim=(0, 1), ylabel="rank correlation", title="With the money moved in the next three months")
ax.tick_params(axis="x", rotation=45)
legend = ax.legend(loc="lower center", bbox_to_anchor=(0.5, -0.55), ncols=3, frameon=False)

# %%

better = int((prediction["score"] > prediction["plain money per day"]).sum())
means = prediction.mean()
say(
    f"The score beats chance in every month and the plain figure in {better} of {len(prediction)}: on the mean "
    f"{means['score']:.2f} against {means['plain money per day']:.2f}. Cutting a figure into five and adding two "
    "others to it loses what it said of itself. A score is there to be spoken about, not to forecast."
)

# %%
# Levels that do not flicker
# --------------------------
# Customers who are told a level want it to last. Four levels by the daily-average balance, cut at quantiles of
# the first month: reached from the threshold, lost below 80 % of it, and not before three months have passed.

up = [float(np.floor(value)) for value in graded[first]["balance"].quantile([0.5, 0.8, 0.95])]
policy = tiers.TierPolicy.ladder(["basic", "silver", "gold", "platinum"], up, down=0.8, score="balance")
policy = policy.model_copy(update={"dwell": 3})
history = pd.concat(
    [graded[month][["balance"]].assign(month=month.start_time).reset_index() for month in months]
).dropna()
panel = tiers.Panel.from_long(history, customer=key, period="month", on_missing="report")
replay = tiers.replay(policy, panel)
policy

# %%
# Every level has a reason. What kept and what moved the customers, by month:

replay.reason_counts().set_index("period")

# %%
# Against plain thresholds the policy moves fewer customers, and fewer up and down again. It does so by its own
# rules, not because it knows more:

comparison = tiers.what_if(policy.plain, policy, panel)
plain = comparison.first
say(
    f"Plain thresholds change {int(plain.n_changes.sum())} levels and turn {int(plain.n_reversals.sum())} times "
    f"from up to down or back; the policy changes {int(replay.n_changes.sum())} and turns "
    f"{int(replay.n_reversals.sum())} times. {(plain.levels[:, -1] != replay.levels[:, -1]).sum()} of "
    f"{len(panel.customers)} customers end at another level."
)

# %%
# One customer asks why:

changes = replay.changes()
down = changes[changes["reason"].str.startswith("downgraded")]
asked = down.iloc[len(down) // 2]
say(replay.why(asked[key], asked["month"]))

# %%
# Where the levels went over the last three months:

levels = replay.to_frame().set_index([key, "month"])["level"]
ends = pd.concat([levels.xs(month.start_time, level="month") for month in (before, last)], axis=1, join="inner")
migration = tiers.migration_matrix(*ends.to_numpy().T, states=policy.names)
flows = plot.TierMigrationDisplay.from_migration(migration, periods=(str(before), str(last))).plot()
