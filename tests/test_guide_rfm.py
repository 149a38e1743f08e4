"""The code of the guide to indicators runs, and what its comments, tables and sentences say is what comes out."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd
import pytest

import guide_pages
from custvalue import rfm
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = guide_pages.text_of("rfm.md")
BLOCKS = guide_pages.blocks_of(TEXT)
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line[:1] == "|"]
NUMBER = guide_pages.NUMBER
CLAIMS, NAMES = guide_pages.claims(BLOCKS)
AS_OF = "2026-04-01"


def test_the_guide_makes_claims() -> None:
    assert len(BLOCKS) > 8
    assert sum(bool(NUMBER.match(comment)) for _, comment, _ in CLAIMS) > 12
    assert all(comment for _, comment, _ in CLAIMS)


@pytest.mark.parametrize(("source", "comment", "value"), CLAIMS, ids=[claim[0][:60] for claim in CLAIMS])
def test_a_commented_value_is_what_comes_out(source: str, comment: str, value: Any) -> None:
    guide_pages.require_claim(source, comment, value)


def test_results_of_the_whole_path_show_themselves() -> None:
    assert len([line for line in BLOCKS[0].splitlines() if line]) < 20
    assert len(NAMES["snapshot"]._repr_html_()) > 200


# ------------------------------------------------------------------------------------------- the whole path


def test_the_table_worked_by_hand() -> None:
    """Exposure, recency, frequency, monetary, balance, scores and segment of A, B and C, as printed."""
    printed = {row[0]: row[1:] for row in ROWS if row[0] in ("A", "B", "C") and len(row) == 8}
    assert sorted(printed) == ["A", "B", "C"]
    table = NAMES["snapshot"].table.set_index("customer")
    scored = NAMES["scores"][["recency_score", "frequency_score", "monetary_score"]]
    labels = rfm.cells(scored).labels["cell"]
    for key, cells in printed.items():
        numbers = [Fraction(cell.replace(",", "").replace(" ", "")) for cell in cells[:5]]
        columns = ["exposure_days", "recency", "frequency", "monetary", "balance"]
        assert [float(one) for one in numbers] == pytest.approx(table.loc[key, columns].tolist(), rel=1e-15)
        assert (labels[key], NAMES["segments"].loc[key, "segment"]) == tuple(cells[5:])


def test_the_balances_worked_by_hand() -> None:
    """Day by day from the moves of the page, a second route: the mean of the closing balances."""
    rows = NAMES["rows"]
    signed = rows["amount"].where(rows["side"] == "in", -rows["amount"])
    for key, found in NAMES["snapshot"].table.set_index("customer")["balance"].items():
        own = signed[rows["customer"] == key]
        daily = own.groupby(rows["day"]).sum().cumsum()
        days = pd.date_range(daily.index[0], "2026-03-31")
        assert float(daily.reindex(days, method="ffill").mean()) == pytest.approx(found, rel=1e-14)
    spans = [3000.0] * 31 + [6000.0] * 28 + [9000.0] * 5 + [8600.0] * 22
    assert sum(spans) == 93_000 + 168_000 + 45_000 + 189_200 == 495_200
    assert len(spans) == 86


# --------------------------------------------------------------------------------- what the schema refuses


PLAIN = rfm.TransactionSchema(customer="customer", time="day", amount="amount")
CLASSIC = rfm.IndicatorSet.classic(min_history_days=0)


def table_of(**columns: Any) -> pd.DataFrame:
    days = {"customer": ["A", "B"], "day": pd.to_datetime(["2026-03-01", "2026-03-02"]), "amount": [1.0, 2.0]}
    return pd.DataFrame(days | columns)


def schema_of(**fields: Any) -> rfm.TransactionSchema:
    return PLAIN.model_copy(update=fields)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "null time": (lambda: (table_of(day=[pd.NaT, pd.Timestamp("2026-03-02")]), PLAIN), "without a time"),
    "null key": (lambda: (table_of(customer=["A", None]), PLAIN), "without a customer key"),
    "text time": (lambda: (table_of(day=["2026-03-01", "2026-03-02"]), PLAIN), "'day'"),
    "several currencies": (
        lambda: (table_of(currency=["CZK", "EUR"]), schema_of(currency="currency")),
        "Currencies",
    ),
    "account of two": (lambda: (table_of(account=["K", "K"]), schema_of(account="account")), "Accounts with rows"),
    "third digit": (lambda: (table_of(amount=[1.0, 2.005]), schema_of(decimals=2)), "more digits"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_page_says_is_refused(case: str) -> None:
    made, said = REFUSED[case]
    frame, schema = made()
    with pytest.raises(ValueError, match=said):
        rfm.compute(frame, CLASSIC, schema, as_of=AS_OF)


def test_a_rate_converts_and_does_not_go_with_decimals() -> None:
    frame = table_of(currency=["CZK", "EUR"], rate=[1.0, 25.0])
    schema = schema_of(currency="currency", rate="rate")
    assert rfm.compute(frame, CLASSIC, schema, as_of=AS_OF).features["monetary"].tolist() == [1.0, 50.0]
    with pytest.raises(ValueError, match="'decimals' asks for exact sums"):
        schema_of(rate="rate", decimals=2)


def test_rows_without_key_are_left_out_and_counted() -> None:
    found = rfm.compute(table_of(customer=["A", None]), CLASSIC, PLAIN, as_of=AS_OF, on_invalid="report")
    assert found.report.count("customer_null") == 1
    assert found.provenance.counts["customers"] == 1


def test_rows_and_customers_are_left_out_by_reason() -> None:
    schema = schema_of(excluded={"test": {"channel": ["TEST"]}}, excluded_customers={"staff": {"group": ["S"]}})
    people = pd.DataFrame({"customer": ["A", "B"], "group": ["S", "P"]})
    frame = pd.concat([table_of(channel=["POS", "POS"]), table_of(channel=["POS", "TEST"], amount=[9.0, -1.0])])
    found = rfm.compute(frame, CLASSIC, schema, as_of=AS_OF, population=people)
    assert found.table["customer"].tolist() == ["B"]
    assert found.features["monetary"].tolist() == [2.0]
    assert (found.report.count("excluded_test"), found.report.count("customers_excluded_staff")) == (1, 1)


def test_a_closed_customer_stays_and_is_not_graded() -> None:
    people = pd.DataFrame({"customer": ["A", "B"], "gone": [pd.Timestamp("2026-03-11"), pd.NaT]})
    found = rfm.compute(table_of(), CLASSIC, schema_of(closed="gone"), as_of=AS_OF, population=people).table
    assert found["status"].tolist() == ["closed", "graded"]
    assert found["exposure_days"].tolist() == [10, 30]


# -------------------------------------------------------------------------------------------- the vocabulary

VOCABULARY = [row for row in ROWS if len(row) == 5 and row[1].startswith('`"')]
KINDS: dict[str, Any] = {
    "`Recency`": rfm.Recency,
    "`Frequency`": rfm.Frequency,
    "`Monetary`": rfm.Monetary,
    "`Length`": rfm.Length,
}


def indicator(row: list[str]) -> Any:
    measure = row[1].strip('`"')
    extra: dict[str, Any] = {"direction": "cost"} if measure == "mean_gap" else {}
    if measure == "share":
        extra["kinds"] = ["k"]
    return KINDS[row[0]](name="it", measure=measure, **extra)


def test_every_measure_is_in_the_table_once() -> None:
    told = [(row[0], row[1].strip('`"')) for row in VOCABULARY]
    there = [
        (label, measure)
        for label, kind in KINDS.items()
        for measure in get_args(kind.model_fields["measure"].annotation)
    ]
    assert sorted(told) == sorted(there)


@pytest.mark.parametrize("row", VOCABULARY, ids=[row[0] + row[1] for row in VOCABULARY])
def test_units_and_nulls_are_those_of_the_table(row: list[str]) -> None:
    """A customer without rows beside one with rows; null is 'never' exactly where the value is there."""
    one = indicator(row)
    assert one.unit == row[3]
    schema = schema_of(kind="kind")
    people = pd.DataFrame({"customer": ["A", "B", "silent"]})
    chosen = rfm.IndicatorSet(indicators=[one], min_history_days=0)
    found = rfm.compute(table_of(kind=["k", "k"]), chosen, schema, as_of=AS_OF, population=people).table
    silent = found.set_index("customer")["it"]["silent"]
    assert bool(np.isnan(silent)) == (row[4] != "never")


def value_of(one: Any, *moves: tuple[str, float], kind: str = "k", **settings: Any) -> float:
    """Give the value of one indicator for a customer with these moves."""
    days, amounts = zip(*moves, strict=True)
    frame = pd.DataFrame({"customer": "A", "day": pd.to_datetime(list(days)), "amount": amounts, "kind": kind})
    chosen = rfm.IndicatorSet(indicators=[one], min_history_days=0)
    found = rfm.compute(frame, chosen, schema_of(kind="kind"), as_of=settings.get("as_of", AS_OF))
    return float(found.table["it"].iloc[0])


def test_nulls_below_two_and_without_money() -> None:
    once, twice = ("2026-03-02", 5.0), ("2026-03-12", 9.0)
    gap = rfm.Frequency(name="it", measure="mean_gap", direction="cost")
    deviation = rfm.Monetary(name="it", measure="std")
    for one, value in ((gap, 10.0), (deviation, 8.0**0.5)):
        assert np.isnan(value_of(one, once))
        assert value_of(one, once, twice) == pytest.approx(value, rel=1e-15)
    share = rfm.Monetary(name="it", measure="share", kinds=["k"])
    assert np.isnan(value_of(share, ("2026-03-02", 0.0)))
    assert np.isnan(
        value_of(
            rfm.Monetary(name="it", measure="daily_average_balance"),
            (AS_OF + "T08:00", 5.0),
            as_of=AS_OF + "T12:00",
        )
    )


def test_presets_have_as_many_as_the_table_says() -> None:
    table = [row for row in ROWS if len(row) == 6 and re.match(r"`\w+\(\)`", row[0])]
    assert len(table) == 5
    for row in table:
        groups = getattr(rfm.IndicatorSet, row[0].strip("`()"))().groups
        found = [len(groups.get(name, ())) for name in ("recency", "frequency", "monetary", "length")]
        assert found == [int(cell) for cell in row[1:5]]


def test_sums_over_all_history_only_rise() -> None:
    moves = [("2026-01-10", 5.0), ("2026-02-10", 5.0), ("2026-03-10", 5.0)]
    for name in ("frequency", "monetary"):
        (one,) = (found for found in CLASSIC.indicators if found.name == name)
        it = one.model_copy(update={"name": "it"})
        values = [value_of(it, *moves, as_of=day) for day in ("2026-02-01", "2026-03-01", AS_OF, "2027-01-01")]
        assert values == sorted(values)


def test_a_month_before_the_end_of_march_has_31_days() -> None:
    found = [rfm.Frequency(name="it", window=window) for window in ("1mo", "31d")]
    moves = [("2026-01-01", 1.0), ("2026-02-27", 1.0), ("2026-02-28", 1.0)]
    assert [value_of(one, *moves, as_of="2026-03-31") for one in found] == [1 / 31, 1 / 31]


# -------------------------------------------------------------------------------------- states, scores, maps


def test_what_a_state_refuses() -> None:
    state = rfm.partial(table_of(), CLASSIC, PLAIN)
    with pytest.raises(DomainError, match="midnight"):
        state.snapshot("2026-04-01T12:00")
    with pytest.raises(DomainError, match="balance"):
        rfm.partial(table_of(b=1.0, o=[1, 2]), CLASSIC, schema_of(balance="b", order="o"))
    assert rfm.merge(state, state).provenance.counts["rows"] == 4


def test_a_value_equal_to_a_cut_goes_where_the_table_says() -> None:
    """Values 1, 2, 3, 4 in two: midrank cuts at 3, type 7 at 2.5; a threshold of 2.5; all asked at the cut."""
    values = pd.DataFrame({"v": [1.0, 2.0, 3.0, 4.0]})
    sides = {row[0].split('"')[1]: row[2] for row in ROWS if len(row) == 3 and row[0].startswith('`"')}
    assert sorted(sides) == sorted(["midrank", "quantile", "thresholds", "r_rfm"])
    for method, said in sides.items():
        settings: dict[str, Any] = {"thresholds": [2.5]} if method == "thresholds" else {"n_bins": 2}
        settings["method"] = method
        scorer = rfm.RFMScorer(**settings).fit(values)
        (cut,) = scorer.score_table_.columns[0].cuts
        found = scorer.transform(pd.DataFrame({"v": [cut]})).iloc[0, 0]
        assert found == (2 if "higher" in said else 1)


def test_costs_are_mirrored_and_null_scores_one() -> None:
    chosen = rfm.IndicatorSet(indicators=[rfm.Recency(name="r")])
    found = rfm.RFMScorer(chosen, n_bins=3).fit_transform(pd.DataFrame({"r": [1.0, 2.0, 3.0, None]}))
    assert found["r_score"].tolist() == [3, 2, 1, 1]


def test_maps_have_the_cells_and_segments_of_the_table() -> None:
    table = [row for row in ROWS if len(row) == 4 and re.match(r"`\w+\(\)`", row[0])]
    assert len(table) == 4
    for row in table:
        found = getattr(rfm.SegmentMap, row[0].strip("`()"))()
        assert (int(np.prod(found.shape)), len(found.names)) == (int(row[1]), int(row[2]))
    chinese = {one.chinese for one in rfm.SegmentMap.eight_types().segments}
    assert {"重要价值", "重要发展", "重要保持", "重要挽留"} < chinese


def test_gini_is_refused_for_losses() -> None:
    with pytest.raises(DomainError, match="negative"):
        _ = rfm.concentration([80.0, 30.0, -10.0]).gini
    pairs = [abs(one - other) for one in (80, 5, 5, 5, 5) for other in (80, 5, 5, 5, 5)]
    assert (sum(pairs), sum(pair > 0 for pair in pairs)) == (600, 8)


def test_rows_at_or_after_as_of_change_nothing() -> None:
    later = table_of(day=pd.to_datetime([AS_OF, "2027-01-01"]), amount=[1e6, 1e6])
    chosen = rfm.IndicatorSet.retail_bank(min_history_days=0).indicators[-3:]
    indicators = rfm.IndicatorSet(indicators=[*CLASSIC.indicators, *chosen], min_history_days=0)
    before, after = (
        rfm.compute(rows, indicators, PLAIN, as_of=AS_OF).table
        for rows in (table_of(), pd.concat([table_of(), later]))
    )
    pd.testing.assert_frame_equal(before, after, check_exact=True)


def test_a_customer_whom_the_population_does_not_know_is_refused() -> None:
    people = pd.DataFrame({"customer": ["A"]})
    with pytest.raises(DataError, match="does not name"):
        rfm.compute(table_of(), CLASSIC, PLAIN, as_of=AS_OF, population=people)
