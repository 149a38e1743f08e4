"""
From transactions to explained value classes
============================================

A synthetic bank, its customers' indicators, weights from judgments, eight value classes, and the reason why one
customer is in hers. The bank is drawn anew here, so the planted customer types are known and the classes can be
held against them.
"""

# %%
# Indicators
# ----------
# Four recency, three frequency and two monetary indicators, from rows before the as-of date only. The schema says
# which column is what; interest and fees are the bank's doing and are no activity of the customer.

import sys
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent if "__file__" in globals() else Path.cwd()
sys.path.insert(0, str(HERE))
from custvalue import anp, cbr, grey, plot, rfm
from synthetic_bank import make_bank

bank = make_bank(100_000, random_state=0, rows_per_customer=160)
schema = rfm.TransactionSchema(
    customer="customer_id",
    time="time",
    kind="kind",
    amount="amount",
    side="side",
    opened="opened",
    system={"origin": ("system",)},
    standing_order={"origin": ("standing_order",)},
)
indicators = rfm.IndicatorSet.retail_bank()
snapshot = rfm.compute(
    bank.transactions, indicators, schema, as_of="2026-01-01", population=bank.customers[["customer_id", "opened"]]
)
snapshot

# %%
# One scale, on which 1 is always good. The report says what it makes of each indicator.

scaler = rfm.IndicatorScaler(indicators).fit(snapshot.features)
X = scaler.transform(snapshot.features)
scaler.report().round(3)

# %%
# Weights
# -------
# Judgments as a panel might give them (constructed, asked of nobody), as a JSON document. Indicators in recency
# influence each other, and so do those inside frequency; their weights are the columns of an exact limit
# supermatrix.

network = anp.Network.model_validate_json((HERE / "networks" / "panel.json").read_text(encoding="utf-8"))
solution = network.solve()
supermatrix = plot.SupermatrixDisplay.from_solution(solution, "recency", which="weighted").plot()

# %%
# How consistent the judgments are:

solution.consistency.round(3)

# %%
# Classes
# -------
# Eight classes, ordered by value; each case is the mean of its class, so that no real customer is in the model.

hierarchy = grey.Hierarchy.from_weights(control=solution.control, local=solution.local)
cases = cbr.build_case_base(X, hierarchy, n_classes=8, random_state=0)
profile = plot.ClassProfileDisplay.from_case_base(cases).plot()

# %%
# What the classes found of the planted types: rows are types in the order of their planted value.

model = cbr.CaseBasedClassifier().fit(cases)
truth = bank.truth.customers.set_index("customer_id").loc[X.index]
found = pd.Series(model.predict(X), index=X.index, name="class")
pd.crosstab([truth["value_rank"], truth["type"]], found)

# %%
# One customer, explained
# -----------------------
# The contributions of the indicators sum to the similarity. What speaks for the class is where they exceed those
# to the nearest case of another class.

reason = model.explain(X.head(1), unscaled=snapshot.features.head(1), disclose_cases=True)[0]
parts = plot.ExplanationDisplay.from_explanation(reason).plot()

# %%

reason.in_words()
