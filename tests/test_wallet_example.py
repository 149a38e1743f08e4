"""The gallery's wallets: the page runs with and without the real data, and what its prose says holds."""

from __future__ import annotations

import contextlib
import io
import re
import runpy
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import guide_pages
import wallet_data
from custvalue import wallet

mpl.use("Agg")
PAGE = Path(__file__).resolve().parents[1] / "examples" / "plot_wallet.py"


@pytest.fixture(scope="module")
def ran() -> dict[str, Any]:
    """Run the page without the real data; give the names that it leaves and what it said."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patched, contextlib.redirect_stdout(said):
        patched.setattr(wallet_data, "folder", lambda: None)
        found = runpy.run_path(str(PAGE))
    return found | {"said": " ".join(said.getvalue().split())}


def test_the_sources_story(ran: dict[str, Any]) -> None:
    """2008 is ignored, 2012 an alert, and gross revenue would have missed it."""
    alerts = ran["alerts"]
    assert (alerts.ignored, alerts.alerts, alerts.alerts_on_gross_income) == ((2008,), (2012,), ())
    assert "ignored: (2008,), alert: (2012,)" in ran["said"]
    assert "**The figures below are constructed**" in PAGE.read_text(encoding="utf-8")


def test_by_hand_what_the_planted_leaks_are(ran: dict[str, Any]) -> None:
    """Months counted one by one from the truth: the tested ones are the last six of thirty-six."""
    panel, truth = ran["panel"], ran["truth"]
    assert panel.month_labels[0] == "2024-01"
    assert panel.month_labels[-1] == "2026-12"
    assert str(ran["begins"].date()) == "2026-07-01"
    counts = {"lately": 0, "earlier": 0, "leaving": 0}
    for leak in truth["leak_month"].dropna():
        place = 12 * (leak.year - 2024) + leak.month - 1
        counts["leaving" if place >= 30 else "lately" if place >= 24 else "earlier"] += 1
    assert counts["lately"] == ran["lately"].sum()
    assert counts["earlier"] == (ran["gone"] & ~ran["lately"]).sum()
    assert counts["leaving"] == ran["leaving"].sum()
    assert f"{counts['lately']} left in the 6 months before the last 6, {counts['earlier']} earlier" in ran["said"]


def test_the_panel_is_the_turnover(ran: dict[str, Any]) -> None:
    rows = ran["bank"].transactions
    rows = rows[rows["origin"] != "system"]
    months = rows["time"].dt.year * 12 + rows["time"].dt.month - 1 - 2024 * 12
    by_hand = (
        pd.Series(rows["amount"].to_numpy()).groupby([rows["customer_id"].to_numpy(), months.to_numpy()]).sum()
    )
    for place in (0, 17, 1234):
        for month in (0, 20, 35):
            wanted = by_hand.get((ran["panel"].customers[place], month), 0.0)
            assert ran["panel"].amounts[place, month] == pytest.approx(wanted, rel=1e-9)


def test_a_steady_leak_hides_itself_and_the_page_says_so(ran: dict[str, Any]) -> None:
    assert f"Screening all of them finds {ran['falls'].sum()} falls" in ran["said"]
    assert ran["falls"].sum() <= 3
    counts = ran["everyone"].provenance.counts
    assert f"{counts['discounted']} of {counts['null']:,} earlier windows are discounted" in ran["said"]
    assert 0 < counts["discounted"] < 0.05 * counts["null"]
    assert ran["gone"][ran["order"]].sum() > 40
    assert (ran["naive"] & ~ran["gone"]).sum() > ran["gone"].sum()


def test_with_earlier_leavers_set_aside_findings_are_real(ran: dict[str, Any]) -> None:
    """At q = .05 more than 4 false of 24 would come once in a hundred (binomial); recall is about a third."""
    flagged, left, rule = ran["flagged"], ran["left"], ran["rule"]
    assert (flagged & ~left).sum() <= 4
    assert 0.2 < (flagged & left).sum() / left.sum() < 0.6
    assert (rule & ~left).sum() > 3 * (rule & left).sum()
    assert f"are found ({(flagged & left).sum() / left.sum():.0%})" in ran["said"]
    assert ran["by_size"]["left"].sum() == left.sum()


def test_nothing_is_found_where_nobody_left(ran: dict[str, Any]) -> None:
    """With nothing there the level bounds the chance of any finding: of twelve screenings at most two have one."""
    nothing = ran["nothing"]
    assert len(nothing) == 6
    assert (nothing[["fall", "gain"]] > 0).to_numpy().sum() <= 2
    assert nothing["naive falls"].min() > 100


def test_the_self_test_is_told_as_it_is(ran: dict[str, Any]) -> None:
    for word in ("fall", "gain"):
        told = re.search(rf"(missed|kept) for {word}s", ran["said"])
        assert told is not None
        assert told[1] == ("missed" if ran["wrong"][word] > 0.05 else "kept")
        assert 0.3 < ran["recall"][word] < 0.8


def test_the_guides_table_of_planted_leaks(ran: dict[str, Any]) -> None:
    """Two customers are left for other versions of NumPy."""
    lines = guide_pages.text_of("wallet.md").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line[:1] == "|"]
    told = {
        (row[0], row[1]): [int(cell) for cell in row[2:]] for row in rows if len(row) == 5 and row[2].isdigit()
    }
    without = "without those known to have left before"
    lists = {
        ("all", "`spend_shifts`"): (ran["falls"], ran["lately"], ran["gone"]),
        ("all", "fell by 30 %"): (ran["naive"], ran["lately"], ran["gone"]),
        (without, "`spend_shifts`"): (ran["flagged"], ran["left"], ran["left"]),
        (without, "fell by 30 %"): (ran["rule"], ran["left"], ran["left"]),
    }
    assert told.keys() == lists.keys()
    for which, (named, lately, ever) in lists.items():
        counts = [int(lately.sum()), int((named & lately).sum()), int((named & ~ever).sum())]
        assert counts == pytest.approx(told[which], abs=2)
    assert f"of the 50 smallest p-values among all, {ran['gone'][ran['order']].sum()} are" in " ".join(lines)


def test_what_is_elsewhere(ran: dict[str, Any]) -> None:
    """The mean of ratios overshoots, the model ranks no worse than own spend, quantiles are near."""
    routes = ran["routes"]
    column = "bias of spending elsewhere"
    assert abs(routes.loc["survey, log", column]) < 0.15
    assert routes.loc["mean_of_ratios", column] > 0.5
    assert routes.loc["survey, log", "rank"] > routes.loc["ratio_of_sums", "rank"] - 0.05
    for model in ran["models"].values():
        covered = model.coverage(ran["traits"][~ran["half"]], ran["known"]["own"][~ran["half"]])
        assert np.abs(covered - model.levels_).max() < 0.05


def test_the_guide_tells_that_realistic_wallets_can_exceed_total_ones(ran: dict[str, Any]) -> None:
    told = re.search(r"realistic wallets sum to (\d+) %", " ".join(guide_pages.text_of("wallet.md").split()))
    assert told is not None
    assert ran["realistic"].totals()["size"] / ran["whole"].sum() == pytest.approx(
        float(told[1]) / 100.0, abs=0.03
    )


def test_by_hand_what_is_spent_elsewhere(ran: dict[str, Any]) -> None:
    """Wallet less share here; of those who moved before the survey the share after the move."""
    truth, asked = ran["truth"], ran["bank"].survey["asked"].max()
    for place in (*np.flatnonzero(truth["moves_away"].to_numpy())[:3].tolist(), 0, 1):
        row = truth.iloc[place]
        moved = (row["leak_month"] < asked) or (row["gain_month"] < asked)
        share = row["share_of_wallet_end"] if moved else row["share_of_wallet"]
        assert ran["elsewhere"][place] == pytest.approx(row["wallet_spend"] * (1.0 - share))


def test_shuffling_keeps_each_customers_amounts(ran: dict[str, Any]) -> None:
    mixed = wallet_data.shuffled(ran["panel"], np.random.default_rng(1))
    assert np.array_equal(np.sort(mixed.amounts, axis=1), np.sort(ran["panel"].amounts, axis=1))
    assert not np.array_equal(mixed.amounts, ran["panel"].amounts)


def test_by_hand_the_naive_rule() -> None:
    """10 a month for 18 months, then 7 is a fall by 30 %, 7.1 is none; who never spent has not fallen."""
    months = np.full((3, 20), 10.0)
    months[0, -2:], months[1, -2:], months[2] = 7.0, 7.1, 0.0
    panel = wallet.SpendPanel.from_wide(months, start="2024-01")
    assert wallet_data.fell_by_30_percent(panel, 2).tolist() == [True, False, False]


def test_berka_permanent_orders(shared: Path) -> None:
    """682 loans run, each with one order of its payment; the other 35 "loan payments" pay somebody else.

    The sums are those of the table of orders itself, by purpose.
    """
    where = shared / "data" / "berka"
    payments, here, of_loans = wallet_data.berka_payments(where)
    orders = pd.read_parquet(where / "order.parquet")
    assert (here, of_loans) == (682, 717)
    assert len(payments) == orders["account_id"].nunique() == 3758
    sums = orders.groupby(orders["purpose"].astype(object))["amount"].sum()
    assert payments["insurance"].sum() == pytest.approx(sums["insurance"])
    assert payments["leasing"].sum() == pytest.approx(sums["leasing"])
    assert payments["loan here"].sum() + payments["loan_payment"].sum() == pytest.approx(sums["loan_payment"])


def test_the_page_with_berka_says_what_is_seen(shared: Path, ran: dict[str, Any]) -> None:
    """Run the page's last part with the real orders: the floor is what is paid here and what is seen elsewhere."""
    source, said = PAGE.read_text(encoding="utf-8"), io.StringIO()
    names = dict(ran)
    with pytest.MonkeyPatch.context() as patched, contextlib.redirect_stdout(said):
        patched.setattr(wallet_data, "folder", lambda: shared / "data" / "berka")
        exec(source[source.index("folder = wallet_data.folder()") :], names)  # noqa: S102 - our own page
    orders = pd.read_parquet(shared / "data" / "berka" / "order.parquet")
    sums = orders.groupby(orders["purpose"].astype(object))["amount"].sum()
    everything = sums["insurance"] + sums["leasing"] + sums["loan_payment"]
    floor = names["floor"]
    assert floor.totals()["size"] == pytest.approx(everything)
    assert not floor.identified
    share = floor.totals()["own"] / everything
    assert f"the share of this wallet is at most {share:.0%}" in " ".join(said.getvalue().split())
    assert names["seen_map"].figure_.axes


def test_every_picture_is_drawn(ran: dict[str, Any]) -> None:
    assert all(ran[name].figure_.axes for name in ("income", "path", "shift_list", "calibration"))
    assert "constructed" in ran["income"].title


def test_no_key_of_a_customer_is_said(ran: dict[str, Any]) -> None:
    keys = set(map(str, ran["bank"].customers["customer_id"]))
    assert not keys & set(re.findall(r"\d+", ran["said"]))
