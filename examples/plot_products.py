"""
What belongs together, and what replaces what
=============================================

Which products of a bank belong together? How many of the rules that a search finds are real? Does a recommender
name a product that was hidden from it? Which new product takes the place of which old one? This page asks four
sets of baskets: clients of the Berka bank, the groceries of the textbooks, the synthetic bank whose truth is
known, and each of them with the products dealt out anew, where there is nothing to be found.

The real data are read where their files lie beside the checkout; otherwise the synthetic bank stands in, and the
groceries are left out. Sentences with figures are written by the run itself.
"""

# %%
# A bank's products
# -----------------

import sys
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

HERE = Path(__file__).parent if "__file__" in globals() else Path.cwd()
sys.path.insert(0, str(HERE))
import product_data
from custvalue import basket, plot
from synthetic_bank import make_bank


def say(text: str) -> None:
    """Print a long text in lines."""
    print(fill(text, 76))


folder = product_data.folder()
bank = make_bank(100_000, random_state=0, rows_per_customer=25.0)
truth = bank.truth
ever = basket.Baskets.from_long(
    bank.holdings, customer="customer_id", product="product", population=bank.customers[["customer_id"]]
)
if folder is None:
    name, baskets = "synthetic", ever
    say("A synthetic bank. Its figures are invented; they show the method and say nothing of real customers.")
else:
    name = "Berka"
    holdings = product_data.berka_holdings(folder)
    baskets = basket.Baskets.from_long(holdings, customer="customer_id", product="product")
    say(product_data.BERKA)
say(
    f"{baskets.n_customers:,} customers hold {baskets.n_products} products in {baskets.n_distinct} distinct "
    f"baskets; {baskets.coverage(10):.0%} of them hold one of the ten commonest."
)
baskets.items()[["product", "customers", "share"]].round(3)

# %%
# The visual market basket: products that are held together more often than independence would give lie near each
# other, and the line style says how many customers hold both.

pairs = basket.pairs(baskets)
together = basket.network(pairs)
web = plot.ProductNetworkDisplay.from_network(together).plot()

# %%
# All pairs at once. Red and blue are far from independence; what excludes each other by its nature, such as two
# frequencies of the same statement, is as visible as what belongs together.

heat = plot.PairHeatmapDisplay.from_pairs(basket.pairs(baskets, alternative="two-sided")).plot()

# %%
# The strongest add-ons, with the customers who lack them. On Berka much of it holds by definition: a permanent
# order belongs to the owner of an account. Whether an offer would work is another question still.

addons = basket.bundles(baskets, max_addons=2).to_frame()
shown = ["anchor", "add_on", "customers", "penetration", "market_penetration", "gap_points", "whitespace"]
addons.sort_values("extra_customers", ascending=False, kind="stable")[shown].head(8).round(3)

# %%
# Against nothing
# ---------------
# The same bank with its products dealt out anew: first each by itself, then so that every customer also keeps
# the number of products. The second shows what Fisher's test does not know: who holds many products holds more
# of everything, and so any two products are held together more often than independence would give.

rng = np.random.default_rng(0)
flags = product_data.flags_of(baskets)


def significant_pairs(found: basket.Pairs) -> int:
    """Count the pairs whose adjusted p is at most .05."""
    return int((found.log_p_adjusted <= np.log(0.05)).sum())


def of(dealt: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> basket.Baskets:
    """Make baskets of flags, one row a customer."""
    return basket.Baskets.from_wide(dealt, products=baskets.products)


by_product = [significant_pairs(basket.pairs(of(product_data.dealt_anew(flags, rng)))) for _ in range(20)]
sizes_kept = [of(product_data.dealt_with_sizes(flags, rng)) for _ in range(19)]
by_size = [significant_pairs(basket.pairs(one)) for one in sizes_kept]
say(
    f"Of {len(pairs)} pairs {significant_pairs(pairs)} are significant after Holm's correction. With each product "
    f"dealt out anew {sum(count > 0 for count in by_product)} of {len(by_product)} runs show any. With the size "
    f"of every basket kept, {min(by_size)} to {max(by_size)} are significant in {len(by_size)} runs."
)

# %%
# So the number of significant pairs says little. The other null model knows the sizes: it expects of each pair
# what they alone put together, and finds what is beyond.

sized = basket.pairs(baskets, null="basket_sizes")
false = [significant_pairs(basket.pairs(one, null="basket_sizes")) for one in sizes_kept]
beyond = sized.to_frame(["customers", "expected", "phi", "log10_p_adjusted"])
beyond = beyond[sized.log_p_adjusted <= np.log(0.05)].sort_values("log10_p_adjusted")
say(
    f"Beyond what sizes put together are {len(beyond)} of {len(sized)} pairs. In the {len(false)} banks with "
    f"sizes kept {sum(count > 0 for count in false)} show any such pair."
)
beyond.round(2)

# %%
# The textbook case
# -----------------
# At ten baskets and confidence .5 the groceries have 5,668 rules, the number known from R's arules. Every one of
# them passes a raw test at .05.

corrections: dict[str, dict[str, Any]] = {
    "not corrected": {"adjust": None},
    "left side of 1 product": {"max_antecedent": 1},
    "up to 2 products": {"max_antecedent": 2},
    "any number of products": {},
}


def grocery_rules(shopped: basket.Baskets) -> pd.DataFrame:
    """Count the rules at ten baskets and confidence .5: listed, significant, and productive."""
    table = {}
    for told, settings in corrections.items():
        found = basket.rules(shopped, min_count=10, min_confidence="0.5", **settings)
        kept = len(found.significant(0.05))
        table[told] = {"rules": len(found), "significant": kept, "productive": int(found.productive.sum())}
    return pd.DataFrame(table).T


if folder is not None:
    shopped = basket.Baskets.from_lists(product_data.groceries(folder))
    bought = product_data.flags_of(shopped)
    null_by_product = [product_data.dealt_anew(bought, rng) for _ in range(3)]
    null_by_size = [product_data.dealt_with_sizes(bought, rng) for _ in range(3)]
    nulls = [
        [basket.Baskets.from_wide(one, products=shopped.products) for one in dealt]
        for dealt in (null_by_product, null_by_size)
    ]
    grocery = pd.concat(
        {
            "as bought": grocery_rules(shopped),
            "each product dealt out anew": grocery_rules(nulls[0][0]),
            "the size of each basket kept": grocery_rules(nulls[1][0]),
        },
        axis=1,
    )
    print(grocery.T.to_string())

# %%

if folder is not None:
    listed = [len(basket.rules(one, min_count=10, min_confidence="0.5")) for one in nulls[0]]
    count, swapped = grocery["as bought"], grocery["the size of each basket kept"]
    raw, corrected, short = (count.loc[row] for row in (*list(corrections)[::3], "up to 2 products"))
    pair_counts = [significant_pairs(basket.pairs(one)) for one in (shopped, nulls[0][0], *nulls[1])]
    say(
        f"{raw['rules']:,} rules, {raw['significant']:,} of them significant by themselves, {raw['productive']:,} "
        "better than every simpler rule. Corrected for all rules that were possible, "
        f"{corrected['significant']} are significant and {corrected['productive']} productive; for those with at "
        f"most two products on the left {short['significant']} and {short['productive']}."
    )
    raw, corrected = swapped.iloc[0], swapped.iloc[-1]
    say(
        f"With each product dealt out anew {min(listed)} to {max(listed)} rules reach the thresholds. With the "
        f"size of each basket kept it is {raw['rules']:,}, of which {raw['significant']:,} pass the raw test and "
        f"{corrected['productive']} are productive after correction: they come from nothing but this, that who "
        f"buys much buys much of everything. Of pairs, {pair_counts[0]} are significant as bought, "
        f"{pair_counts[1]} dealt out anew, and {min(pair_counts[2:])} to {max(pair_counts[2:])} with sizes kept."
    )

# %%
# Support and confidence of all rules with at most two products on the left, coloured by lift; productive ones
# marked.

if folder is not None:
    few = basket.rules(shopped, min_count=10, min_confidence="0.2", max_antecedent=2)
    scatter = plot.RuleScatterDisplay.from_rules(few).plot()

# %%
# The same support and confidence by the number of products (the two-key plot): the longer, the rarer, and the
# surer in appearance.

if folder is not None:
    two_key = plot.TwoKeyDisplay.from_rules(basket.rules(shopped, min_count=10, min_confidence="0.2")).plot()

# %%
# A planted bundle
# ----------------
# In the synthetic bank holders of a consumer loan hold its insurance, whatever their type. All other products
# follow the type of the customer, so pairs of them are held together because types differ. The check within
# types is made among customers who were there from the start: who came after an old product was withdrawn could
# not hold it, which would tie the old products together.

first, second, planted = truth.bundle
by_code = bank.holdings.drop_duplicates("code").set_index("code")["product"]
both_ways = basket.bundles(ever, anchor=by_code[first]).to_frame()
best = both_ways.iloc[0]
say(
    f"Planted: {planted:.0%} of the holders of {by_code[first]} hold {by_code[second]}. Found: {best['add_on']} "
    f"is the first add-on, held by {best['penetration']:.1%} ({best['penetration_low']:.1%} to "
    f"{best['penetration_high']:.1%}) of them."
)
long_here = bank.customers.loc[bank.customers["opened"] < bank.start, "customer_id"]
types = truth.customers[["customer_id", "type"]]
by_type = basket.Baskets.from_long(
    bank.holdings[bank.holdings["customer_id"].isin(long_here)],
    customer="customer_id",
    product="product",
    population=types[types["customer_id"].isin(long_here)],
    segment="type",
)
found = basket.rules(by_type, min_count=50, max_antecedent=1, adjust="holm")
found = found.significant(0.05)
check = found.segment_check(by_type)
within = check.to_frame()[["antecedent", "consequent", "customers", "crude_odds_ratio", "pooled_odds_ratio"]]
within.assign(low=check.pooled_low, high=check.pooled_high).round(2)

# %%
# Rules that are left within types. The replaced pairs stay for a reason of their own, which comes below: the new
# product was offered to those who held the old one. The intervals are for one rule each, so one in twenty leaves
# 1 out by chance.

left = (check.pooled_low > 1.0) | (check.pooled_high < 1.0)
pairs_left = sorted(
    {
        tuple(sorted((a[0], b[0])))
        for a, b in within.loc[left, ["antecedent", "consequent"]].itertuples(index=False)
    }
)
say(
    f"Of {len(found)} significant rules {int(left.sum())} have a pooled interval without 1, "
    f"{int(check.reverses.sum())} turn round: "
    f"{'; '.join(' with '.join(pair) for pair in pairs_left)}."
)

# %%
# Can it name a hidden product?
# -----------------------------
# Rules are learnt on one half of the customers; of each customer in the other half one product is hidden. The
# share for whom it is among the first three, for the recommender, for the most popular products that the
# customer lacks, and for a random order. Differences are per customer, with their standard error.

trials = {"synthetic": product_data.held_out(product_data.flags_of(ever), ever.products, rng)}
if folder is not None:
    trials = {name: product_data.held_out(flags, baskets.products, rng)} | trials
table = {}
for bank_name, outcome in trials.items():
    gain = outcome["rules"] - outcome["popularity"]
    means = outcome.mean().to_dict() | {"gain over popularity": gain.mean()}
    table[bank_name] = means | {"standard error": gain.std() / np.sqrt(len(gain)), "customers asked": len(gain)}
hits = pd.DataFrame(table).T
hits.round(4)

# %%
# A win or a loss is said where the difference is more than two standard errors.

figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
hits[["rules", "popularity", "random"]].plot.bar(ax=ax, rot=0, ylabel="hidden product among the first three")
ax.set(ylim=(0, 1))
ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
for where, row in hits.iterrows():
    size = row["gain over popularity"] / row["standard error"]
    verdict = "wins against" if size > 2 else "loses to" if size < -2 else "cannot be told from"
    say(
        f"{where}: the recommender names the hidden product of {row['rules']:.1%} and {verdict} popularity "
        f"({row['popularity']:.1%}; random {row['random']:.1%})."
    )

# %%
# What replaces what
# ------------------
# Two old products of the synthetic bank were replaced on purpose: new product A for old product 1, B for 2.
# Nothing of this is told to the search, which looks at every old and every new product.

codes = sorted(by_code.index)
old = [by_code[code] for code in codes if code.isdigit() and code != "0"]
new = [by_code[code] for code in codes if code.isalpha()]
SPELLS: dict[str, Any] = {"customer": "customer_id", "product": "product", "opened": "opened", "closed": "closed"}
moves = basket.substitution(bank.holdings, **SPELLS, old=old, new=new, as_of=bank.end, window=28, random_state=0)
moves.composite()[["label", "old", "new", "customers", "share_of_new_holders", "share_of_closers"]].head(6).round(
    3
)

# %%
# The composite field by itself has no idea of chance: whatever many customers hold stands in front of every new
# product. The tests have; their verdict is the colour of the bars.

bars = plot.CompositeFieldDisplay.from_substitution(moves, top=12).plot()

# %%

verdicts = moves.verdicts()
say(
    f"Of {len(verdicts)} pairs the verdict is substitution for "
    f"{', '.join(verdicts.loc[verdicts['verdict'] == 'substitution', 'label'])}; planted are "
    f"{', '.join(sorted(set(truth.substitution['new_code'] + truth.substitution['old_code'])))}."
)
columns_shown = ["label", "old", "new", "verdict", "moved", "kept_both", "cannibalisation_rate", "low", "high"]
verdicts.loc[verdicts["moved"] > 0, columns_shown].round(3)

# %%
# What became of the holders:

largest = basket.substitution(
    bank.holdings, **SPELLS, old=old[:2], new=new[:2], as_of=bank.end, window=28, random_state=0
)
flow = plot.SubstitutionFlowDisplay.from_substitution(largest).plot()

# %%
# Customer by customer against the truth. "left" and "stayed" differ, because some close an account for no reason
# after the offer. The bank makes it easy: its movers close the old product within fourteen days.

told = []
for label, pair in (("A1", (by_code["1"], by_code["A"])), ("B2", (by_code["2"], by_code["B"]))):
    states = moves.members(old=pair[0], new=pair[1]).set_index("customer_id")["state"]
    planned = (
        truth.customers.set_index("customer_id")[f"substitution_{label}"]
        .dropna()
        .astype(object)
        .replace("later", "moved")
    )
    cross = pd.crosstab(planned.astype(str), states.reindex(planned.index), margins=True)
    told.append(cross)
    movers = planned == "moved"
    share = (states.reindex(planned.index)[movers] == "moved").mean()
    right = (planned[states.reindex(planned.index) == "moved"] == "moved").mean()
    say(f"{label}: {share:.1%} of the planted movers are found, and {right:.1%} of those found were planted.")
told[0]

# %%
# Is there anything where nothing is? The closings of the old products are dealt out anew among their holders.

false_findings = []
for seed in range(5):
    dealt = bank.holdings.copy()
    random = np.random.default_rng(seed)
    for product in old:
        rows = dealt.index[dealt["product"] == product]
        wait = (dealt.loc[rows, "closed"] - bank.start).to_numpy()
        dealt.loc[rows, "closed"] = bank.start + pd.to_timedelta(random.permutation(wait))
    early = dealt["closed"] <= dealt["opened"]
    dealt.loc[early, "closed"] = pd.NaT
    again = basket.substitution(
        dealt, **SPELLS, old=old[:2], new=new, as_of=bank.end, window=28, n_permutations=999, random_state=0
    )
    false_findings.append(int((again.verdicts()["verdict"] == "substitution").sum()))
say(
    f"In {len(false_findings)} banks without a tie between closing and opening {sum(false_findings)} of "
    f"{len(false_findings) * len(again.verdicts())} verdicts are substitution."
)

# %%
# Whom to offer it
# ----------------
# The list: present holders of the old product who never had the new one, by their likeness to those who moved.
# In this bank movers were drawn at random, whatever their age, so a list that ranks well would be a fault.

people = bank.customers.set_index("customer_id")
figures = pd.DataFrame(
    {"age": people["age"], "years": (bank.start - people["opened"]).dt.days / 365.25}
).reset_index()
targets = moves.targets(figures, figures, old=by_code["1"], new=by_code["A"], random_state=0)
say(
    f"{len(targets)} customers are on the list. On customers left out the area under the curve is "
    f"{targets.auc:.3f} (shuffled: {targets.shuffled_auc.min():.3f} to {targets.shuffled_auc.max():.3f}, "
    f"p = {targets.p_value:.2f})."
)
