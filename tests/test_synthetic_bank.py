"""The synthetic bank keeps its promises, and what it says it planted can be found by the plainest means."""

from __future__ import annotations

import doctest
import importlib

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from synthetic_bank import TYPES, SyntheticBank, make_bank

FloatArray = npt.NDArray[np.float64]

FRAMES = ("customers", "transactions", "holdings", "campaign", "survey")
TRUTHS = ("customers", "months", "regions", "managers", "substitution")
COLUMNS = {
    "customers": "customer_id int64, opened date, branch str, manager str, age int64, region str",
    "transactions": "transaction_id int64, customer_id int64, time date, kind category, channel category, "
    "side category, amount float64, origin category, partner category",
    "holdings": "customer_id int64, product str, code str, opened date, closed date",
    "campaign": "customer_id int64, treated bool, contacted date, disposition category, response bool",
    "survey": "customer_id int64, asked date, responded bool, stated_external_spend float64, "
    "stated_external_balance float64",
}


@pytest.fixture(scope="module")
def bank() -> SyntheticBank:
    """A bank of 10,000 customers, half of the campaign held out."""
    return make_bank(800_000, random_state=11, holdout_share=0.5, campaign_share=1.0)


@pytest.fixture(scope="module")
def null_bank() -> SyntheticBank:
    """The same bank with a campaign that does nothing, no shock and nobody moving."""
    return make_bank(
        800_000,
        random_state=11,
        holdout_share=0.5,
        campaign_share=1.0,
        campaign_uplift=0.0,
        shock_size=0.0,
        leak_share=0.0,
        gain_share=0.0,
    )


def month_of(bank: SyntheticBank, when: pd.Series) -> npt.NDArray[np.int64]:
    """Months from the start of the period."""
    months = (when.dt.year - bank.start.year) * 12 + when.dt.month - bank.start.month
    return np.asarray(months, dtype=np.int64)


def monthly(bank: SyntheticBank, rows: pd.Series) -> FloatArray:
    """Money of the chosen rows, of shape (customers, months)."""
    chosen = bank.transactions[rows]
    at = bank.customers["customer_id"].searchsorted(chosen["customer_id"]), month_of(bank, chosen["time"])
    money = np.zeros((len(bank.customers), len(bank.truth.months)))
    np.add.at(money, at, chosen["amount"].to_numpy())
    return money


def initiated_spending(bank: SyntheticBank) -> pd.Series:
    rows = bank.transactions
    return (rows["origin"] == "customer") & (rows["side"] == "debit")


def ratio_and_error(top: FloatArray, bottom: FloatArray) -> tuple[float, float]:
    """Ratio of sums over customers and its standard error by linearisation."""
    ratio = top.sum() / bottom.sum()
    return float(ratio), float(np.sqrt(((top - ratio * bottom) ** 2).sum()) / bottom.sum())


# ---------------------------------------------------------------------------------------------------- the promises


def test_same_seed_same_bank() -> None:
    one, two = make_bank(5_000, random_state=3), make_bank(5_000, random_state=3)
    for name in FRAMES:
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name), check_exact=True)
    for name in TRUTHS:
        pd.testing.assert_frame_equal(getattr(one.truth, name), getattr(two.truth, name), check_exact=True)


def test_other_seed_other_bank_and_no_global_state() -> None:
    np.random.seed(0)  # noqa: NPY002 (the global state is what is tested)
    untouched = np.random.RandomState(0).random_sample()
    one, two = make_bank(5_000, random_state=3), make_bank(5_000, random_state=4)
    assert not one.transactions["amount"].equals(two.transactions["amount"])
    assert not one.truth.customers["wallet_spend"].equals(two.truth.customers["wallet_spend"])
    assert np.random.random_sample() == untouched  # noqa: NPY002


def test_a_later_part_leaves_the_earlier_ones_alone(bank: SyntheticBank, null_bank: SyntheticBank) -> None:
    pd.testing.assert_frame_equal(bank.customers, null_bank.customers)
    pd.testing.assert_frame_equal(bank.holdings, null_bank.holdings)
    pd.testing.assert_frame_equal(bank.campaign, null_bank.campaign)


@pytest.mark.parametrize("random_state", [0, 1, 2])
@pytest.mark.parametrize("n_transactions", [1_000, 1_234, 10_000, 100_000])
def test_the_number_of_rows_is_met_exactly(n_transactions: int, random_state: int) -> None:
    bank = make_bank(n_transactions, random_state=random_state)
    assert len(bank.transactions) == n_transactions
    assert len(bank.customers) == max(30, round(n_transactions / 80))
    assert bank.transactions["customer_id"].nunique() == len(bank.customers)  # everybody has an opening row


@pytest.mark.parametrize(("start", "months"), [("2023-07-01", 12), ("2020-02-01", 48)])
def test_another_period(start: str, months: int) -> None:
    bank = make_bank(20_000, start=start, months=months, rows_per_customer=4.0 * months)
    assert bank.start == pd.Timestamp(start)
    assert bank.end == pd.Timestamp(start) + pd.DateOffset(months=months)
    assert bank.transactions["time"].between(bank.start, bank.end, inclusive="left").all()
    assert len(bank.transactions) == 20_000


def test_columns_and_types() -> None:
    for bank in (make_bank(1_000), make_bank(10_000)):
        for name, wanted in COLUMNS.items():
            frame: pd.DataFrame = getattr(bank, name)
            kinds = {column: str(dtype) for column, dtype in frame.dtypes.items()}
            text = {"datetime64[us]": "date", "object": "str"}
            got = ", ".join(f"{column} {text.get(kind, kind)}" for column, kind in kinds.items())
            assert got == wanted, name


def test_keys_resolve() -> None:
    bank = make_bank(20_000, random_state=5)
    ids = bank.customers["customer_id"]
    assert ids.is_unique
    assert ids.is_monotonic_increasing
    assert ids.equals(bank.truth.customers["customer_id"])
    assert bank.transactions["transaction_id"].is_unique
    for name in FRAMES:
        assert getattr(bank, name)["customer_id"].isin(ids).all(), name
    assert bank.campaign["customer_id"].is_unique
    assert bank.survey["customer_id"].is_unique
    assert not bank.holdings.duplicated(["customer_id", "code"]).any()
    desks = bank.customers[["manager", "branch"]].drop_duplicates()
    assert desks.merge(bank.truth.managers, on=["manager", "branch"]).shape[0] == len(desks)
    branches = bank.customers[["branch", "region"]].drop_duplicates()
    assert branches["branch"].is_unique


def test_time_order_and_openings(bank: SyntheticBank) -> None:
    rows = bank.transactions
    opened = bank.customers.set_index("customer_id")["opened"]
    assert rows["time"].is_monotonic_increasing
    assert (rows["time"] >= rows["customer_id"].map(opened)).all()
    first = rows.drop_duplicates("customer_id")
    new = (first["customer_id"].map(opened) >= bank.start).to_numpy()
    assert (first.loc[~new, "time"] == bank.start).all()
    assert (first.loc[~new, "origin"] == "system").all()
    assert (first.loc[new, "kind"] == "cash_deposit").all()
    assert 0.2 < new.mean() < 0.3
    held = bank.holdings
    assert (held["opened"] >= held["customer_id"].map(opened)).all()
    assert (held["closed"].isna() | (held["closed"] > held["opened"]) | (held["code"] != "0")).all()
    assert not (held["closed"] < held["opened"]).any()
    assert (bank.campaign["contacted"] >= bank.campaign["customer_id"].map(opened)).all()


def test_amounts_sides_origins_and_channels(bank: SyntheticBank) -> None:
    rows = bank.transactions
    amount = rows["amount"].to_numpy()
    assert (amount > 0).all()
    np.testing.assert_array_equal(amount, np.round(amount, 2))
    credit = rows["kind"].isin(["cash_deposit", "transfer_in", "interest"])
    assert ((rows["side"] == "credit") == credit).all()
    assert (rows["channel"].notna() == (rows["origin"] == "customer")).all()
    by_system = rows["kind"].isin(["interest", "fee"]) | (
        (rows["kind"] == "transfer_in") & (rows["time"] == bank.start)
    )
    assert ((rows["origin"] == "system") == by_system).all()
    moved = rows["kind"].isin(["transfer_in", "transfer_out"]) & (rows["origin"] != "system")
    assert (rows["partner"].notna() == moved).all()


def test_balances_are_plausible(bank: SyntheticBank) -> None:
    """At the month's close at most one customer in twenty is in debt, and the whole bank never is."""
    rows = bank.transactions
    signed = monthly(bank, rows["side"] == "credit") - monthly(bank, rows["side"] == "debit")
    closing = signed.cumsum(axis=1)
    assert (closing < 0).mean() < 0.05
    assert (closing.sum(axis=0) > 0).all()


def test_regular_incomes_come_monthly(bank: SyntheticBank) -> None:
    income = (bank.transactions["kind"] == "transfer_in") & (bank.transactions["origin"] == "standing_order")
    counts = bank.transactions[income].groupby("customer_id").size()
    old = bank.customers.loc[bank.customers["opened"] < bank.start, "customer_id"]
    assert (counts[counts.index.isin(old)] == len(bank.truth.months)).all()
    assert bank.transactions.loc[income, "time"].dt.day_of_week.max() == 4  # paid on the Friday before


def test_weekdays_differ(bank: SyntheticBank) -> None:
    rows = bank.transactions
    day = rows["time"].dt.day_of_week
    assert (day[rows["channel"] == "counter"] == 6).mean() < 0.03
    assert (day[rows["channel"] == "pos"] == 5).mean() > 0.17


@pytest.mark.parametrize(
    "settings",
    [
        {"n_transactions": 999},
        {"months": 11},
        {"start": "2024-01-02"},
        {"rows_per_customer": 0.0},
        {"leak_share": 1.5},
        {"leak_share": 0.8, "gain_share": 0.2},
        {"shock_size": 0.9},
        {"shock": (5, 30)},
        {"campaign_month": 23},
        {"campaign_uplift": -1.0},
        {"n_transactions": 1_000, "months": 60},
    ],
)
def test_settings_outside_their_range_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must|exceed|too small"):
        make_bank(**settings)  # type: ignore[arg-type]  # meant wrong


def test_the_docstring_example_runs() -> None:
    result = doctest.testmod(importlib.import_module("_synthetic_bank.bank"))
    assert result.attempted > 0
    assert result.failed == 0


# ------------------------------------------------------------------------------------------------------- the truth


def test_types_are_ordered_by_value(bank: SyntheticBank) -> None:
    rows = bank.transactions
    turnover = monthly(bank, rows["origin"] != "system").sum(axis=1)
    closing = (monthly(bank, rows["side"] == "credit") - monthly(bank, rows["side"] == "debit")).sum(axis=1)
    frame = bank.truth.customers.assign(turnover=turnover, closing=closing)
    means = frame.groupby("value_rank")[["turnover", "closing"]].mean()
    assert means.index.tolist() == [1, 2, 3, 4, 5, 6]
    assert means["turnover"].is_monotonic_increasing
    assert means["closing"].is_monotonic_increasing
    groups = frame.groupby("value_rank")["turnover"]
    assert (groups.quantile(0.9).to_numpy()[:-1] > groups.quantile(0.1).to_numpy()[1:]).all()  # neighbours overlap
    shares = frame["type"].value_counts(normalize=True)
    np.testing.assert_allclose(shares[TYPES.index], TYPES["population_share"], atol=0.06)


def test_shock_is_seen_among_those_who_stay(bank: SyntheticBank, null_bank: SyntheticBank) -> None:
    for each in (bank, null_bank):
        truth, regions = each.truth, each.truth.regions.set_index("region")["shock_size"]
        stay = ~(truth.customers["moves_away"] | truth.customers["moves_in"])
        keep = (stay & (each.customers["opened"] < each.start)).to_numpy()
        cards = each.transactions["kind"] == "card_payment"  # the kind that no balance limits
        money = monthly(each, cards)[keep] / truth.months["spend_season"].to_numpy()
        month = truth.months["month"]
        shock = ((month >= truth.shock_start) & (month < truth.shock_end)).to_numpy()
        before = (month < truth.shock_start).to_numpy()  # the campaign comes later
        for region, size in regions.items():
            here = (each.customers["region"] == region).to_numpy()[keep]
            ratio, error = ratio_and_error(money[here][:, shock].mean(axis=1), money[here][:, before].mean(axis=1))
            assert abs(ratio - (1 - size)) < 3.5 * error, region
            assert error < 0.05
        assert abs(regions.mean() - truth.shock_size) < 0.01


@pytest.mark.parametrize(("flag", "since", "change"), [("moves_away", "leak", -1), ("moves_in", "gain", 1)])
def test_moves_are_seen_in_the_inflow(bank: SyntheticBank, flag: str, since: str, change: int) -> None:
    """Inflow without opening, system rows and the moved balance itself: after the move over before it."""
    truth = bank.truth.customers
    movers = truth[flag].to_numpy()
    rows = bank.transactions
    inflow = monthly(bank, (rows["side"] == "credit") & (rows["origin"] != "system"))[movers]
    month = np.arange(inflow.shape[1])
    moved = month_of(bank, truth.loc[movers, f"{since}_month"])[:, None]
    before = np.where(month < moved, inflow, 0).sum(axis=1) / moved[:, 0]
    after = np.where(month > moved, inflow, 0).sum(axis=1) / (len(month) - 1 - moved[:, 0])
    share = truth.loc[movers, {"leak": "leaked_share", "gain": "gained_share"}[since]].to_numpy()
    ratio, error = ratio_and_error(after, before * (1 + change * share))
    assert abs(ratio - 1) < 3.5 * error
    untouched, error = ratio_and_error(after, before)
    assert abs(untouched - 1) > 5 * error  # and not by chance
    assert movers.sum() == round({"leak": 0.06, "gain": 0.02}[since] * len(truth))
    old = bank.customers.loc[movers, "opened"] < bank.start
    assert old.all()


def test_a_leak_begins_with_transfers_to_another_bank(bank: SyntheticBank) -> None:
    truth = bank.truth.customers
    rows = bank.transactions
    out = monthly(bank, (rows["kind"] == "transfer_out") & (rows["partner"] == "other_bank"))[truth["moves_away"]]
    at = month_of(bank, truth.loc[truth["moves_away"], "leak_month"])
    in_month = out[np.arange(len(out)), at]
    assert np.median(in_month / np.maximum(out.mean(axis=1), 1.0)) > 5


def test_nobody_moves_when_nothing_is_planted(null_bank: SyntheticBank) -> None:
    truth = null_bank.truth.customers
    assert not truth["moves_away"].any()
    assert truth["leak_month"].isna().all()
    assert (truth["share_of_wallet"] == truth["share_of_wallet_end"]).all()


def test_spending_matches_the_share_of_wallet(bank: SyntheticBank) -> None:
    """Own spending = wallet x share, within 6 %: what withdrawals lose to the balance is documented."""
    truth, months = bank.truth.customers, bank.truth.months
    rows = bank.transactions
    spending = monthly(bank, (rows["origin"] != "system") & (rows["side"] == "debit"))
    old = (bank.customers["opened"] < bank.start) & ~truth["moves_away"] & ~truth["moves_in"]
    before = (months["month"] < bank.truth.shock_start).to_numpy()
    expected = (truth["wallet_spend"] * truth["share_of_wallet"])[old].sum()
    assert 0.92 < spending[old][:, before].mean(axis=1).sum() / expected < 1.0
    assert truth["share_of_wallet_end"].between(0, 1).all()


def test_holdout_is_random(bank: SyntheticBank) -> None:
    frame = bank.campaign.merge(bank.customers, on="customer_id").merge(bank.truth.customers, on="customer_id")
    treated = frame["treated"]
    assert (~treated).sum() == round(0.5 * len(frame))
    frame["day"] = frame["contacted"].dt.day
    frame["log_wallet"] = np.log(frame["wallet_spend"])
    for column in ("age", "log_wallet", "share_of_wallet", "value_rank", "day", "response_probability"):
        value = frame[column].astype(float)
        error = np.sqrt(value[treated].var() / treated.sum() + value[~treated].var() / (~treated).sum())
        assert abs(value[treated].mean() - value[~treated].mean()) < 3.5 * error, column
    assert frame.loc[~treated, "disposition"].isna().all()
    assert frame.loc[treated, "disposition"].notna().all()
    assert len(set(frame["contacted"].dt.to_period("M"))) == 1
    unasked = frame.loc[~treated, "response"].mean()
    assert abs(unasked - bank.truth.spontaneous_response) < 3.5 * np.sqrt(0.02 * 0.98 / (~treated).sum())
    asked, wanted = frame.loc[treated, "response"].mean(), frame.loc[treated, "response_probability"].mean()
    assert abs(asked - wanted) < 3.5 * np.sqrt(wanted * (1 - wanted) / treated.sum())


def campaign_difference(bank: SyntheticBank) -> tuple[float, float]:
    """Card payments a month, treated minus hold-out, adjusted for those before the campaign; standard error."""
    money = monthly(bank, bank.transactions["kind"] == "card_payment")
    money = money[bank.customers["customer_id"].isin(bank.campaign["customer_id"])]
    month, truth = bank.truth.months["month"], bank.truth
    effect = ((month >= truth.campaign_start) & (month < truth.campaign_end)).to_numpy()
    before = (month < bank.campaign["contacted"].min().replace(day=1)).to_numpy()
    after, earlier = money[:, effect].mean(axis=1), money[:, before].mean(axis=1)
    treated = bank.campaign["treated"].to_numpy()
    within = earlier - np.where(treated, earlier[treated].mean(), earlier[~treated].mean())
    adjusted = after - (within @ after) / (within @ within) * (earlier - earlier.mean())
    error = np.sqrt(adjusted[treated].var() / treated.sum() + adjusted[~treated].var() / (~treated).sum())
    return float(adjusted[treated].mean() - adjusted[~treated].mean()), float(error)


def test_campaign_uplift_is_recovered(bank: SyntheticBank, null_bank: SyntheticBank) -> None:
    """The planted effect lies within three standard errors, zero does not; without an effect it is the reverse."""
    difference, error = campaign_difference(bank)
    assert abs(difference - bank.truth.campaign_effect) < 3 * error
    assert difference > 3 * error
    assert 0.05 < bank.truth.campaign_effect / bank.truth.campaign_baseline < 0.25
    difference, error = campaign_difference(null_bank)
    assert null_bank.truth.campaign_effect == 0
    assert abs(difference) < 3 * error


def test_substitution_shares_can_be_read_off_the_holdings(bank: SyntheticBank) -> None:
    for (new, old), planted in bank.truth.substitution.groupby(["new_code", "old_code"]):
        low, high = planted["offer_start"].iloc[0], planted["offer_end"].iloc[0]
        held = bank.holdings[bank.holdings["code"] == old].set_index("customer_id")
        held = held[(held["opened"] < low) & ~(held["closed"] < low)]
        took = bank.holdings[bank.holdings["code"] == new].set_index("customer_id")["opened"].reindex(held.index)
        closes, takes = held["closed"] < high, took < high
        got = pd.Series("stayed", index=held.index)
        got[closes & takes], got[closes & ~takes], got[~closes & takes] = "moved", "left", "kept_both"
        got[~closes & (took >= high)] = "later"
        told = bank.truth.customers.set_index("customer_id")[f"substitution_{new}{old}"]
        assert told.notna().sum() == len(held)
        assert (told[held.index].astype(object) == got).all()
        share = planted.set_index("outcome")["share"]
        error = np.sqrt(share * (1 - share) / len(held))
        assert ((got.value_counts(normalize=True).reindex(share.index) - share).abs() < 3.5 * error).all()
    assert set(bank.truth.substitution["outcome"]) == {"stayed", "moved", "kept_both", "left", "later"}


def test_the_bundle_is_in_the_holdings(bank: SyntheticBank) -> None:
    first, second, share = bank.truth.bundle
    has = {code: set(bank.holdings.loc[bank.holdings["code"] == code, "customer_id"]) for code in (first, second)}
    together = len(has[first] & has[second]) / len(has[first])
    assert abs(together - share) < 3.5 * np.sqrt(share * (1 - share) / len(has[first]))
    others = len(bank.customers) - len(has[first])
    assert len(has[second] - has[first]) / others < 0.06


def test_survey_answers_are_noisy_and_selective(bank: SyntheticBank) -> None:
    frame = bank.survey.merge(bank.truth.customers, on="customer_id")
    answered = frame["responded"]
    assert frame.loc[~answered, "stated_external_spend"].isna().all()
    assert frame.loc[answered, "stated_external_spend"].notna().all()
    assert 0.15 < answered.mean() < 0.6
    loyal = frame["share_of_wallet_end"]
    assert loyal[answered].mean() > loyal[~answered].mean()
    external = frame["wallet_spend"] * (1 - frame["share_of_wallet_end"])
    ratio, error = ratio_and_error(
        frame.loc[answered, "stated_external_spend"].to_numpy(), external[answered].to_numpy()
    )
    assert abs(ratio - 1) < 3.5 * error
