"""
Whose money went to another bank
================================

Did the bank as a whole lose? Which customers took money away, and would the list be right? How much is seen of
what they have elsewhere? This page asks a constructed series of yearly income, the synthetic bank, whose leaks are
known, the same bank in which nobody left, and the permanent orders of the Berka bank.

Berka's orders are read where their files lie beside the checkout, and left out otherwise. Sentences with figures
are written by the run itself.
"""

# %%
# The bank's income
# -----------------
# The source tells this without figures: income from customers fell in 2008, which is ignored, and in 2012, which
# is an alert. **The figures below are constructed** (示意数据); they are nobody's accounts.

import sys
from pathlib import Path
from textwrap import fill

import numpy as np
import pandas as pd

HERE = Path(__file__).parent if "__file__" in globals() else Path.cwd()
sys.path.insert(0, str(HERE))
import wallet_data
from custvalue import plot, wallet
from synthetic_bank import make_bank


def say(text: str) -> None:
    """Print a long text in lines."""
    print(fill(text, 76))


years = pd.DataFrame(
    {
        "year": range(2007, 2014),
        "revenue": [1000, 860, 1010, 1165, 1330, 1125, 1290],
        "interbank": [60, 70, 65, 75, 80, 150, 95],
        "central_bank": [40, 40, 45, 50, 50, 60, 55],
    }
)
alerts = wallet.bank_income_alerts(
    years,
    year="year",
    income="revenue",
    interbank="interbank",
    central_bank="central_bank",
    shocks=[2008],
    threshold=-0.16,
)
say(
    f"At {alerts.threshold:.0%} ignored: {alerts.ignored}, alert: {alerts.alerts}. On gross revenue "
    f"{alerts.alerts_on_gross_income or 'none'} would be an alert: it fell by {-alerts.gross_growth[5]:.1%} only, "
    f"against {-alerts.growth[5]:.1%} of customers' income, since interbank income rose. Lost in 2012: "
    f"{alerts.lost_share[5]:.0%} of what earlier growth made expect. {alerts.limits[0]}"
)
alerts.to_frame()[["year", "customer_income", "growth", "gross_growth", "masked_by", "verdict"]].round(3)

# %%

income = plot.IncomeAlertsDisplay.from_alerts(alerts, title="Income from customers (constructed figures)").plot()

# %%
# Planted leaks
# -------------
# In the synthetic bank six in a hundred customers take 40 to 90 % of their business away, in a month drawn evenly
# from the tenth to the thirty-third of thirty-six. The panel holds what customers moved a month, in and out, and
# the last half year is tested. Who left within it is neither right nor wrong on a list, and is not counted.

RECENT = 6
bank = make_bank(1_600_000, random_state=0, months=36, rows_per_customer=400.0, new_customer_share=0.0)
truth = bank.truth.customers.set_index("customer_id")
panel = wallet_data.turnover(bank)
everyone = wallet.spend_shifts(panel, recent=RECENT)
begins = pd.Timestamp(panel.months[everyone.recent[0]])
half_a_year = pd.DateOffset(months=RECENT)
gone, leaving = (truth["leak_month"] < begins).to_numpy(), (truth["leak_month"] >= begins).to_numpy()
lately = gone & (truth["leak_month"] >= begins - half_a_year).to_numpy()
naive = wallet_data.fell_by_30_percent(panel, RECENT) & ~leaving
falls = (everyone.verdict == "fall") & ~leaving
say(
    f"{len(panel):,} customers; {lately.sum()} left in the {RECENT} months before the last {RECENT}, "
    f"{(gone & ~lately).sum()} earlier. Screening all of them finds {falls.sum()} falls. The naive rule, a fall "
    f"of 30 %, names {naive.sum()}, of whom {(naive & lately).sum()} left lately and "
    f"{(naive & gone).sum()} at all."
)

# %%
# So the screening loses here, and for a reason. Its null is what happened in earlier months, and there as many
# left as now: leaving is usual in this bank. Changes that lasted are discounted, where they are clear and where
# lasting gains do not mirror them; months as lumpy as these leave most of them unclear.

say(
    f"{everyone.provenance.counts['discounted']} of {everyone.provenance.counts['null']:,} earlier windows are "
    f"discounted. About {gone.sum() / len(panel):.0%} of the customers left in these windows or before."
)

# %%
# The order of the p-values is another matter:

FIRST = 50
order = np.argsort(everyone.p_fall, kind="stable")[:FIRST]
by_drop = np.argsort(np.where(np.isnan(everyone.p_fall), np.inf, everyone.change), kind="stable")[:FIRST]
say(
    f"Of the {FIRST} smallest p-values {gone[order].sum()} are of customers who left, {lately[order].sum()} of "
    f"them lately. Of the {FIRST} largest falls in percent, among the same customers, it is "
    f"{gone[by_drop].sum()} and {lately[by_drop].sum()}; of all {gone.mean():.0%} and {lately.mean():.0%}."
)

# %%
# What if the bank knew who left before? Set aside who moved more than half a year before the recent months, out or
# in, and who is leaving in them. The truth is used for that, so this is the best that such knowledge could do.

moved_in = (truth["gain_month"] < begins - half_a_year).to_numpy()
kept = ~((gone & ~lately) | moved_in | leaving)
rest = panel.take(kept)
found = wallet.spend_shifts(rest, recent=RECENT)
flagged, left = found.verdict == "fall", lately[kept]
rule = wallet_data.fell_by_30_percent(rest, RECENT)
say(
    f"Of {left.sum()} who left lately {(flagged & left).sum()} are found "
    f"({(flagged & left).sum() / left.sum():.0%}), with "
    f"{(flagged & ~left).sum()} false flags. The naive rule finds {(rule & left).sum()}, with "
    f"{(rule & ~left).sum()} false flags."
)
found.summary().round()

# %%
# Which leaks are found, by the share that was taken away:

bands = ["40 to 60 %", "60 to 75 %", "75 to 90 %"]
size = pd.cut(truth.loc[kept, "leaked_share"][left], [0.39, 0.6, 0.75, 0.91], labels=bands)
by_size = (
    pd.DataFrame({"left": 1, "found": flagged[left], "naive rule": rule[left]}).groupby(size.to_numpy()).sum()
)
by_size

# %%
# What is not found: a month of such a customer holds a dozen rows, so it varies much by itself.

months = found.panel.amounts[~left]
spread = np.log(np.maximum(months, 1.0)).std(axis=1)
say(f"The median customer's months vary by a factor of {np.exp(np.median(spread)):.2f} (one standard deviation).")

# %%
# One of those found, and the head of the list. The peak before a fall is the balance that was carried away.

first_found = found.customers[int(np.flatnonzero(flagged)[0])]
path = plot.SpendPathDisplay.from_shifts(found, first_found).plot()

# %%

shift_list = plot.ShiftListDisplay.from_shifts(found).plot()

# %%
# Where nobody left
# -----------------
# The same bank without any move; the same with a crisis in its last months; and the months of each customer of
# the first bank in another order.

calm = make_bank(
    1_600_000,
    random_state=0,
    months=36,
    rows_per_customer=400.0,
    new_customer_share=0.0,
    leak_share=0.0,
    gain_share=0.0,
    shock=(36 - RECENT, 36),
    shock_size=0.4,
)
in_crisis = wallet_data.turnover(calm)
rng = np.random.default_rng(0)
nulls = {"nobody moved, crisis in the last months": in_crisis}
nulls |= {f"months shuffled, {turn}": wallet_data.shuffled(panel, rng) for turn in range(1, 6)}
table = {}
for name, null in nulls.items():
    screened = wallet.spend_shifts(null, recent=RECENT)
    flags = {word: int((screened.verdict == word).sum()) for word in ("fall", "gain", "not testable")}
    table[name] = flags | {"naive falls": int(wallet_data.fell_by_30_percent(null, RECENT).sum())}
nothing = pd.DataFrame(table).T
say(
    f"Falls and gains found in {len(nothing)} panels without any: {nothing[['fall', 'gain']].to_numpy().sum()}. "
    f"The naive rule names {nothing['naive falls'].min()} to {nothing['naive falls'].max()} customers in each."
)
nothing

# %%
# What would be found in such a bank? Falls of known size are planted in the panel in which nobody left, ten times.

earlier = wallet.spend_shifts(in_crisis, recent=RECENT)
trials = []
for seed in range(10):
    planted = wallet.plant_shifts(in_crisis, falls=0.02, gains=0.01, recent=RECENT, random_state=seed)
    again = wallet.spend_shifts(planted.panel, recent=RECENT)
    trials.append(wallet.score_shifts(again, planted, before=earlier))
recall, wrong = (
    {word: np.mean([getattr(one, figure)[word] for one in trials]) for word in ("fall", "gain")}
    for figure in ("recall", "false_discovery_proportion")
)
say(
    f"Planted falls of 30 to 80 %: {recall['fall']:.0%} found, {wrong['fall']:.1%} of the findings false. Gains "
    f"of 50 to 200 %: {recall['gain']:.0%} found, {wrong['gain']:.1%} false. The aim is 5 %, "
    "on average over banks; in this one it is "
    f"{'missed for falls' if wrong['fall'] > 0.05 else 'kept for falls'} and "
    f"{'missed for gains' if wrong['gain'] > 0.05 else 'kept for gains'}."
)
pd.concat([one.to_frame() for one in trials]).groupby(["direction", "from", "to"])[["planted", "found"]].sum()

# %%
# How much is elsewhere
# ---------------------
# The first bank asked 400 customers what they spend at other banks. All that it knows of them goes into the
# models; the truth is asked about those who did not answer.

known = wallet_data.traits_and_spend(bank)
elsewhere = wallet_data.spent_elsewhere(bank)
answers = bank.survey.set_index("customer_id")["stated_external_spend"].reindex(known.index)
silent = answers.isna().to_numpy()
survey = wallet.SurveyWallet(own="own", outcome="external", random_state=0).fit(known, answers)
surveyed = survey.estimate(known, answers)
spends = (known["own"] > 0.0).to_numpy()
stated = (known["own"] + answers)[spends]
estimates = {"survey, log": (surveyed.potential, np.ones_like(spends))}
for method in ("ratio_of_sums", "mean_of_ratios"):
    one = wallet.ratio_wallet(known["own"][spends], stated, method=method)
    potential = np.zeros(len(known))
    potential[spends] = one.potential
    estimates[method] = (potential, spends)
rows = {}
for name, (potential, whom) in estimates.items():
    asked = silent & whom
    rank = pd.Series(potential[asked]).corr(pd.Series(elsewhere[asked]), method="spearman")
    rows[name] = {
        "bias of spending elsewhere": potential[asked].sum() / elsewhere[asked].sum() - 1.0,
        "rank": rank,
    }
routes = pd.DataFrame(rows).T
bias, rank = routes.to_numpy()[0].tolist()
inside = (surveyed.low <= known["own"] + elsewhere) & (known["own"] + elsewhere <= surveyed.high)
say(
    f"{(~silent).sum()} answered. For the others the survey model is off by {bias:+.0%} in the sum and ranks them "
    f"with a correlation of {rank:.2f}; its intervals of {surveyed.level:.0%} hold {inside[silent].mean():.0%}. "
    f"{surveyed.reasons[1]}."
)
routes.round(2)

# %%
# Without the survey: what does a good customer with the same traits spend here? Learnt on every other customer,
# and held against the rest.

half = np.arange(len(known)) % 2 == 0
traits = known.drop(columns="own")
models = {
    "linear": wallet.RealisticWallet(),
    "nearest customers": wallet.RealisticWallet(model="knn"),
    "nearest customers, corrected": wallet.RealisticWallet(model="knn", conformal=True, random_state=0),
}
for model in models.values():
    model.fit(traits[half], known["own"][half])
calibration = plot.QuantileCalibrationDisplay.from_models(models, traits[~half], known["own"][~half]).plot()

# %%
# The quantiles nearly keep what they promise. Whether they are wallets is another question.

realistic = models["linear"].estimate(traits[~half], known["own"][~half])
whole = known["own"].to_numpy()[~half] + elsewhere[~half]
rank = pd.Series(realistic.size).corr(pd.Series(whole), method="spearman")
say(
    f"Realistic wallets sum to {realistic.totals()['size'] / whole.sum():.0%} of the true total ones, and rank "
    f"customers with a correlation of {rank:.2f}. Realistic should be at most total; these traits say so little "
    "of a customer's size that the best tenth among those alike are simply larger customers."
)

# %%
# What is seen elsewhere
# ----------------------
# Permanent orders to other banks are a part of the wallet that is seen. Not every order is: household payments
# are nobody's product, and most orders called loan payments pay a loan of this very bank, to the crown.

folder = wallet_data.folder()
if folder is not None:
    say(wallet_data.BERKA)
    payments, here, of_loans = wallet_data.berka_payments(folder)
    payments = payments[payments[["loan here", "insurance", "leasing", "loan_payment"]].sum(axis=1) > 0.0]
    own = payments["loan here"].to_numpy()
    seen = {name: payments[name].to_numpy() for name in ("insurance", "leasing", "loan_payment")}
    floor = wallet.observed_elsewhere(own, seen, customers=payments.index.tolist())
    totals = floor.totals()
    say(
        f"Of {of_loans} orders called loan payments {here} pay loans of this bank. Of what {len(floor):,} "
        f"accounts pay a month for loans, leasing and insurance, {totals['own']:,.0f} crowns stay here and "
        f"{totals['potential']:,.0f} go elsewhere: the share of this wallet is at most {totals['share']:.0%}. "
        f"{int(((floor.potential > 0.0) & (own == 0.0)).sum())} accounts pay others only."
    )
    say(f"Identified: {floor.identified}; {floor.reasons[0]}.")

# %%

if folder is not None:
    seen_map = plot.WalletMapDisplay.from_estimate(floor).plot()
