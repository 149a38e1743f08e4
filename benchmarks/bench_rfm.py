"""`rfm.compute` against a hand-written pandas group-by of the same nine indicators, one thread, one run."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
from custvalue import rfm
from interleaved import ratio, rounds, show
from synthetic_bank import make_bank

KINDS = ("cash_deposit", "cash_withdrawal", "transfer_in", "transfer_out")
AS_OF = "2026-01-01"
SCHEMA = rfm.TransactionSchema(
    customer="customer_id",
    time="time",
    kind="kind",
    amount="amount",
    side="side",
    system={"origin": ("system",)},
    standing_order={"origin": ("standing_order",)},
)


def by_hand(rows: pd.DataFrame) -> pd.DataFrame:
    """Compute the nine indicators as a pandas user would write them: masks, then a group-by a need."""
    end = pd.Timestamp(AS_OF)
    rows = rows[rows["time"] < end]
    year = rows["time"] >= end - pd.Timedelta(days=365)
    own = ~rows["origin"].isin(["system"])
    day = rows["time"].dt.normalize()
    first = day.groupby(rows["customer_id"]).min()
    exposed = (end - first).dt.days.clip(lower=1, upper=365)
    out = pd.DataFrame(index=first.index)
    for kind in KINDS:
        some = own & (rows["kind"] == kind)
        out[f"recency_{kind}"] = (end - day[some].groupby(rows["customer_id"][some]).max()).dt.days
    for name, kinds in (
        ("cash", ["cash_deposit", "cash_withdrawal"]),
        ("transfer", ["transfer_in", "transfer_out"]),
    ):
        some = own & year & rows["kind"].isin(kinds)
        out[f"frequency_{name}"] = rows["customer_id"][some].groupby(rows["customer_id"][some]).size() / exposed
    some = own & year
    out["frequency_active_days"] = day[some].groupby(rows["customer_id"][some]).nunique() / exposed
    out["turnover"] = rows["amount"][some].groupby(rows["customer_id"][some]).sum() / exposed
    start = end - pd.Timedelta(days=90)
    signed = rows["amount"].where(rows["side"] == "credit", -rows["amount"])
    weight = (end - day.clip(lower=start)).dt.days
    days = (end - first.clip(lower=start)).dt.days
    out["balance"] = (signed * weight).groupby(rows["customer_id"]).sum() / days
    counts = ["frequency_cash", "frequency_transfer", "frequency_active_days", "turnover"]
    out[counts] = out[counts].fillna(0.0)
    return out


def main() -> None:
    """Time both and check that they agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    rows = make_bank(given.rows, random_state=0).transactions
    text = rows.astype(dict.fromkeys(("kind", "side", "origin"), str))
    chosen = rfm.IndicatorSet.model_validate(
        {
            "indicators": [
                one.model_dump() | {"initiators": ("customer", "standing_order")}
                for one in rfm.IndicatorSet.retail_bank().indicators
            ]
        }
    )
    with threadpool_limits(1):
        for name, frame in (("categorical codes", rows), ("text codes", text)):
            ours = rfm.compute(frame, chosen, SCHEMA, as_of=AS_OF).table.set_index("customer_id")
            theirs = by_hand(frame)
            for column in theirs:
                np.testing.assert_allclose(ours[column], theirs[column], rtol=1e-9, atol=1e-9)
            seconds = rounds(
                {
                    "rfm.compute": partial(rfm.compute, frame, chosen, SCHEMA, as_of=AS_OF),
                    "pandas group-by by hand": partial(by_hand, frame),
                },
                given.rounds,
            )
            print(f"Nine indicators of {len(frame):,} rows, {name}; both give the same numbers:")
            show(seconds)
            low, middle, high = ratio(seconds, "rfm.compute", "pandas group-by by hand")
            print(f"  rfm.compute takes {middle:.2f} of the CPU by hand ({low:.2f} to {high:.2f}; aim 1.5)\n")


if __name__ == "__main__":
    main()
