"""Product substitution from a panel: composite field, flows, reading and refusals."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import substitution_oracle as oracle
from custvalue import basket
from custvalue.exceptions import ColumnError, DataError, DomainError
from substitution_worlds import monthly

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STATES = ["moved", "kept_both", "had_before", "took_later", "left", "stayed", "undecided"]

#: Months 0 to 19 are known; window 1. Every state stands for a reason given beside it.
BY_HAND: list[oracle.Spell] = [
    (1, "card", 0, 5), (1, "app", 5, None),  # moved
    (2, "card", 0, None), (2, "app", 4, None),  # kept both
    (3, "card", 3, None), (3, "app", 1, None),  # had it before
    (4, "card", 0, 5), (4, "app", 9, None),  # took it later
    (5, "card", 0, 6),  # left
    (6, "card", 0, None),  # stayed
    (7, "card", 0, None), (7, "app", 19, None),  # undecided: may still close the card in month 20
    (8, "card", 0, 19),  # undecided: may still open the app in month 20
    (9, "app", 2, None),  # no holder of the card
    (10, "card", 0, 10), (10, "app", 8, 12),  # kept both, two months; no longer a holder of the app
    (11, "card", 0, None), (11, "app", 21, None),  # stayed: month 21 is not known yet
    (12, "card", 21, None),  # not known yet
]  # fmt: skip


def columns_of(spells: list[oracle.Spell]) -> dict[str, list[Any]]:
    names = ("customer", "product", "opened", "closed")
    return {name: [spell[i] for spell in spells] for i, name in enumerate(names)}


def found_in(panel: Any, **changes: Any) -> basket.Substitution:
    """Run the hand-worked question, with changes."""
    asked: dict[str, Any] = {
        "customer": "customer", "product": "product", "opened": "opened", "closed": "closed",
        "old": "card", "new": "app", "as_of": 20, "window": 1, "n_permutations": 199, "random_state": 0,
    }  # fmt: skip
    return basket.substitution(panel, **(asked | changes))


# ------------------------------------------------------------------------------------------- known answers


@pytest.mark.pyarrow
def test_by_hand_every_state(make_frame: Callable[..., Any]) -> None:
    """Worked beside BY_HAND: ten holders of the card, one state each."""
    flows = found_in(make_frame(columns_of(BY_HAND))).flows()
    assert flows[["label", "old", "new"]].to_numpy().tolist() == [["A1", "card", "app"]]
    assert flows[STATES].to_numpy().tolist() == [[1, 2, 1, 1, 1, 2, 2]]
    assert flows["holders"].tolist() == [10]
    assert flows["share_moved"].tolist() == [0.1]


def test_by_hand_composite_field() -> None:
    """Six hold the app now: 1, 2, 3, 4, 7, 9; all but 3 (app first) and 9 (no card) had the card before.

    Of the five who closed the card (1, 4, 5, 8, 10), 1 and 4 hold the app now. Ten ever held the card.
    """
    found = found_in(pd.DataFrame(columns_of(BY_HAND))).composite()
    row = found.iloc[0]
    assert (row["label"], row["customers"], row["new_holders"]) == ("A1", 4, 6)
    assert (row["old_closers"], row["old_holders"]) == (5, 10)
    assert row["share_of_new_holders"] == 4 / 6
    assert row["share_of_closers"] == 2 / 5
    assert row["share_of_old_holders"] == 4 / 10
    # Wilson (1927): (s + z^2/2 -+ z sqrt(s (n - s) / n + z^2/4)) / (n + z^2)
    z = 1.959963984540054
    half = z * np.sqrt(4 * 2 / 6 + z * z / 4)
    np.testing.assert_allclose([row["low"], row["high"]], (4 + z * z / 2 + np.array([-half, half])) / (6 + z * z))


def test_by_hand_members_and_sankey() -> None:
    found = found_in(pd.DataFrame(columns_of(BY_HAND)))
    members = found.members(old="card", new="app")
    assert dict(zip(members["customer"], members["state"], strict=True)) == {
        1: "moved", 2: "kept_both", 3: "had_before", 4: "took_later", 5: "left", 6: "stayed",
        7: "undecided", 8: "undecided", 10: "kept_both", 11: "stayed",
    }  # fmt: skip
    sankey = found.sankey()
    assert sankey["customers"].sum() == 10
    rows = sankey[["state", "new", "customers"]].to_numpy()
    assert {(state, new if isinstance(new, str) else None): count for state, new, count in rows} == {
        ("moved", "app"): 1, ("kept_both", "app"): 2, ("had_before", "app"): 1, ("took_later", "app"): 1,
        ("left", None): 1, ("stayed", None): 2, ("undecided", "app"): 1, ("undecided", None): 1,
    }  # fmt: skip


def test_by_hand_since_limits_who_is_observed() -> None:
    """From month 6 on: 1 and 4 closed before; 5 closed in month 6 and so held it to its start, and is out too.

    Holders: 2 (app in month 4: had before), 3 (had before), 6, 7, 8, 10 (app in 8: kept both), 11.
    The composite field does not change.
    """
    panel = pd.DataFrame(columns_of(BY_HAND))
    found = found_in(panel, since=6)
    assert found.flows()[STATES].to_numpy().tolist() == [[0, 1, 2, 0, 0, 2, 2]]
    pd.testing.assert_frame_equal(found.composite(), found_in(panel).composite())


def test_by_hand_each_holder_once_over_several_new_products() -> None:
    """1 moved to the nearer opening, 2 to the first named of two equally near; 3 kept with the earlier one.

    4 moved to B and kept A: moved counts first. 5 took A later and had B before: later counts first.
    """
    spells: list[oracle.Spell] = [
        (1, "old", 0, 9), (1, "A", 7, None), (1, "B", 10, None),
        (2, "old", 0, 9), (2, "A", 8, None), (2, "B", 10, None),
        (3, "old", 0, None), (3, "A", 9, None), (3, "B", 4, None),
        (4, "old", 0, 12), (4, "A", 5, None), (4, "B", 12, None),
        (5, "old", 3, 6), (5, "A", 12, None), (5, "B", 1, None),
    ]  # fmt: skip
    found = found_in(pd.DataFrame(columns_of(spells)), old="old", new=["A", "B"], window=2)
    assert found.sankey().to_numpy().tolist() == [
        ["old", "moved", "A", 1], ["old", "moved", "B", 2], ["old", "kept_both", "B", 1],
        ["old", "took_later", "A", 1],
    ]  # fmt: skip
    assert found.legend().to_numpy().tolist() == [
        ["A", "A", "new", 5], ["B", "B", "new", 5], ["1", "old", "old", 5],
    ]  # fmt: skip


def test_letters_go_on_after_z() -> None:
    names = [f"p{i:02d}" for i in range(28)]
    spells: list[oracle.Spell] = [(1, "old", 0, None), *((1, name, 2, None) for name in names)]
    legend = found_in(pd.DataFrame(columns_of(spells)), old="old", new=names, n_permutations=1200).legend()
    assert legend["label"].tolist()[24:] == ["Y", "Z", "AA", "AB", "1"]


# ------------------------------------------------------------------------------------- the second route


@st.composite
def panels(draw: st.DrawFn) -> list[oracle.Spell]:
    """Up to eight customers with up to two spells a product that do not overlap, one holder of each at least."""
    spells: list[oracle.Spell] = [(99, name, 0, None) for name in ("x", "y", "P", "Q")]
    for customer in range(draw(st.integers(1, 8))):
        for name in ("x", "y", "P", "Q"):
            edges = sorted(draw(st.lists(st.integers(0, 14), max_size=4)))
            for start, end in zip(edges[::2], [*edges[1::2], None], strict=False):
                if spells[-1][:2] == (customer, name) and (start == spells[-1][2] or end == start):
                    continue
                spells.append((customer, name, start, end))
                if end is None:
                    break
    return spells


@given(panels(), st.integers(0, 3), st.none() | st.integers(1, 6), st.permutations(range(3)))
@settings(max_examples=40)
def test_flows_and_composite_equal_the_plain_route(
    spells: list[oracle.Spell], window: int, since: int | None, order: list[int]
) -> None:
    as_of = 12
    rng = np.random.default_rng(order)
    panel = pd.DataFrame(columns_of([spells[i] for i in rng.permutation(len(spells))]))
    found = found_in(panel, old=["x", "y"], new=["P", "Q"], as_of=as_of, window=window, since=since)
    flows: dict[Any, Any] = found.flows().set_index("label").to_dict("index")
    composite: dict[Any, Any] = found.composite().set_index("label").to_dict("index")
    for i, old in enumerate(("x", "y")):
        for j, new in enumerate(("P", "Q")):
            label = f"{'AB'[j]}{i + 1}"
            rows = oracle.events(spells, old, new, as_of, since).values()
            states = [oracle.state(e, c, n, window, as_of) for e, c, n, _ in rows]
            assert [flows[label][name] for name in STATES] == [states.count(name) for name in STATES]
            assert flows[label]["holders"] == len(states)
            names = ["customers", "new_holders", "old_holders", "old_closers"]
            both, closed, buyers, had, closers = oracle.composite(spells, old, new, as_of)
            assert [composite[label][name] for name in names] == [both, buyers, had, closers]
            if closers:
                assert composite[label]["share_of_closers"] == closed / closers
    sankey = found.sankey().groupby("old")["customers"].sum().to_dict()
    assert all(sankey.get(name, 0) == flows[f"A{i + 1}"]["holders"] for i, name in enumerate(("x", "y")))


def test_the_order_of_the_rows_does_not_matter() -> None:
    panel = monthly(3, moved=0.1)
    first = found_in(panel, old=["o1", "o2"], new=["n1", "n2"], as_of=24, n_permutations=199)
    again = found_in(
        panel.sample(frac=1.0, random_state=1), old=["o1", "o2"], new=["n1", "n2"], as_of=24, n_permutations=199
    )
    for table in ("composite", "flows", "tests", "rates", "verdicts", "sankey"):
        pd.testing.assert_frame_equal(getattr(first, table)(), getattr(again, table)())


def test_a_pair_does_not_depend_on_which_others_are_asked() -> None:
    panel = monthly(4, moved=0.1)
    alone = found_in(panel, old="o2", new="n2", as_of=24, n_permutations=199).tests()
    among = found_in(panel, old=["o1", "o2"], new=["n1", "n2"], as_of=24, n_permutations=199).tests()
    names = ["both", "coincident", "expected_coincident", "p_timing", "p_control", "p_add_on"]
    assert alone[names].to_numpy().tolist() == among.loc[among["label"] == "B2", names].to_numpy().tolist()


# ------------------------------------------------------------------------------------------- the shared panel


def test_the_planted_panel(shared: Path) -> None:
    """Planted: card_old to card_new .35, savings_old to deposit_new .10; cheque_old ends without a successor."""
    panel = pd.read_csv(shared / "data" / "baskets" / "substitution_panel.csv.gz")
    found = found_in(
        panel,
        opened="open_month",
        closed="close_month",
        old=["card_old", "savings_old", "cheque_old"],
        new=["card_new", "deposit_new", "insurance", "loan"],
        as_of=24,
        n_permutations=499,
    )
    verdicts = found.verdicts().set_index("label")["verdict"]
    assert verdicts[verdicts != "no evidence"].to_dict() == {"A1": "substitution", "B2": "substitution"}
    flows: dict[Any, Any] = found.flows().set_index("label").to_dict("index")
    # The planted rates within four standard errors of a share.
    for label, rate in (("A1", 0.35), ("B2", 0.10)):
        n = flows[label]["holders"]
        assert abs(flows[label]["share_moved"] - rate) < 4 * np.sqrt(rate * (1 - rate) / n)
    # Counted by hand with pandas: 2,078 customers hold both cards, all bought the new one later.
    holders = panel.groupby("product")["customer"].agg(set)
    both = holders["card_old"] & holders["card_new"]
    assert found.composite().iloc[0][["label", "customers", "new_holders"]].tolist() == [
        "A1",
        len(both),
        2746,
    ]


# ------------------------------------------------------------------------------------------- engines and times


def dated(spells: list[oracle.Spell]) -> dict[str, list[Any]]:
    """Tell months as the first days of 30 days each."""
    columns = columns_of(spells)
    for name in ("opened", "closed"):
        columns[name] = [
            None if m is None else dt.date(2020, 1, 1) + dt.timedelta(days=30 * m) for m in columns[name]
        ]
    return columns


def relation(columns: dict[str, list[Any]], engine: str) -> Any:
    """Build the panel in an engine, with a product that is not asked for."""
    full = {name: [*values, values[0]] for name, values in columns.items()}
    full["product"][-1] = "other"
    if engine == "polars, lazy":
        return pytest.importorskip("polars").DataFrame(full).lazy()
    if engine == "duckdb":
        duckdb, arrow = pytest.importorskip("duckdb"), pytest.importorskip("pyarrow")
        table = arrow.table(full)
        return duckdb.connect().from_arrow(table)
    if engine == "pandas, dates":
        return pd.DataFrame(full)
    if engine == "pandas, category":
        frame = pd.DataFrame(full)
        return frame.assign(product=frame["product"].astype("category"))
    return (
        pytest.importorskip(engine).DataFrame(full)
        if engine == "polars"
        else pytest.importorskip("pyarrow").table(full)
    )


@pytest.mark.parametrize(
    "engine", ["pandas, dates", "pandas, category", "polars", "polars, lazy", "pyarrow", "duckdb"]
)
def test_dates_on_every_engine(engine: str) -> None:
    panel = relation(dated(BY_HAND), engine)
    end = dt.date(2020, 1, 1) + dt.timedelta(days=600)
    found = found_in(panel, as_of=end.isoformat(), window=30)
    plain = found_in(pd.DataFrame(columns_of(BY_HAND)))
    # 30 days a month: a window of 30 days is one of one month; the panel's end is a day, not a month, so that an
    # event of month 19 (day 570) is decided by day 600 as one of month 19 is by month 20.
    pd.testing.assert_frame_equal(found.flows(), plain.flows())
    pd.testing.assert_frame_equal(found.composite(), plain.composite())
    assert (found.as_of, found.since, found.source) == (end.isoformat(), None, "panel")
    library = type(found.members(old="card", new="app")).__module__.partition(".")[0]
    assert library == {"polars, lazy": "polars", "duckdb": "pyarrow"}.get(engine, engine.partition(",")[0])


def test_whole_numbered_panels_on_duckdb() -> None:
    panel = relation(columns_of(BY_HAND), "duckdb")
    pd.testing.assert_frame_equal(
        found_in(panel).to_frame(), found_in(pd.DataFrame(columns_of(BY_HAND))).to_frame()
    )


def test_times_of_the_day_and_far_ends() -> None:
    """A datetime counts by its day; a closing of the year 9999 is a product still held."""
    columns = dated(BY_HAND)
    frame = pd.DataFrame(columns)
    frame["opened"] = pd.to_datetime(frame["opened"]) + pd.Timedelta(hours=13)
    frame["closed"] = pd.to_datetime(frame["closed"]).astype("datetime64[us]").fillna(pd.Timestamp("9999-12-31"))
    end = pd.Timestamp("2020-01-01") + pd.Timedelta(days=600)
    found = found_in(frame, as_of=end, window=30)
    assert found.flows()[STATES].to_numpy().tolist() == [[1, 2, 1, 1, 1, 2, 2]]


def test_text_keys_whole_numbered_products_and_no_closing_at_all() -> None:
    frame = pd.DataFrame(
        {"who": ["b", "a", "b"], "what": [7, 7, 9], "opened": [0, 0, 3], "closed": [np.nan, np.nan, np.nan]}
    )
    found = found_in(frame, customer="who", product="what", old=7, new=9)
    assert found.members(old="7", new="9").to_numpy().tolist() == [["a", "stayed"], ["b", "kept_both"]]
    tests = found.tests().iloc[0]
    assert (tests["both"], tests["p_timing"], tests["p_control"], tests["p_add_on"]) == (0, 1.0, 1.0, 1.0)
    assert np.isnan(found.rates()["rate"].iloc[0])


def test_nothing_is_known_yet() -> None:
    """Before the first opening nobody holds anything, and nothing is evidence."""
    found = found_in(pd.DataFrame(columns_of(BY_HAND)), as_of=0)
    assert found.flows()["holders"].tolist() == [0]
    assert found.composite()["customers"].tolist() == [0]
    assert found.verdicts()["verdict"].tolist() == ["no evidence"]
    assert found.sankey().columns.tolist() == ["old", "state", "new", "customers"]
    assert (len(found.sankey()), len(found.members(old="card", new="app"))) == (0, 0)
    matured = pd.DataFrame(columns_of(BY_HAND)).assign(matured=5)
    assert found_in(matured, as_of=4, matured="matured").tests()["p_substitution"].tolist() == [1.0]


def test_accounts_of_one_product_are_merged_on_request() -> None:
    spells: list[oracle.Spell] = [(1, "card", 0, 6), (1, "card", 2, 9), (1, "card", 9, None), (1, "app", 9, None)]
    panel = pd.DataFrame(columns_of(spells))
    with pytest.raises(DataError, match=r"1 spell\(s\) overlap another one .* pass overlaps='merge'"):
        found_in(panel)
    found = found_in(panel, overlaps="merge")
    assert found.flows()["kept_both"].tolist() == [1]  # the third account was opened when the second one ended
    assert dict(found.provenance.counts)["spells_merged"] == 1


# ------------------------------------------------------------------------------------------- results


def test_nothing_of_a_customer_is_shown() -> None:
    columns = columns_of(BY_HAND)
    columns["customer"] = [f"secret{key}" for key in columns["customer"]]
    found = found_in(pd.DataFrame(columns))
    html = found._repr_html_()
    assert "secret" not in repr(found) + html + found.provenance.spec
    assert repr(found) == "Substitution(old=1, new=1, holders=10, substitutions=0, add_ons=0)"
    assert "<caption>Old products and what took their place</caption>" in html
    assert '"window": 1' in found.provenance.spec
    with pytest.raises(ValueError, match="read-only"):
        found.states[0, 0, 0] = 1


def test_one_table_has_it_all() -> None:
    found = found_in(pd.DataFrame(columns_of(BY_HAND)))
    assert found.to_frame().columns.tolist() == [
        "label", "old", "new", "holders", *STATES, "customers", "share_of_new_holders", "verdict",
        "cannibalisation_rate", "p_substitution", "p_add_on",
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"customer": "nobody"}, ColumnError, r"Column\(s\) missing: 'nobody'"),
        ({"closed": "opened"}, DomainError, "must name different columns"),
        ({"old": "cards"}, DataError, r"Product\(s\) without a spell in the panel: cards"),
        ({"old": "card", "new": "card"}, DomainError, "must name different products"),
        ({"old": []}, DomainError, "old must name one product or more"),
        ({"old": 3.5}, DomainError, "old must name one product or a sequence"),
        ({"old": [3, 2**63]}, DomainError, "old names a product by a whole number beyond 64 bits"),
        ({"old": 3, "new": 4}, ColumnError, "'product' is of type .* allowed: whole numbers"),
        ({"window": -1}, DomainError, "window must be a whole number from 0"),
        ({"window": 1.5}, DomainError, "window must be a whole number from 0"),
        ({"as_of": "2020-01-01"}, DomainError, "as_of must be a whole number"),
        ({"since": 20}, DomainError, "since must lie before as_of"),
        ({"overlaps": "keep"}, DomainError, "overlaps must be 'raise' or 'merge'"),
        ({"alpha": 1.0}, DomainError, r"alpha must be a number in \(0, 1\)"),
        ({"confidence_level": 95}, DomainError, r"confidence_level must be a number in \(0, 1\)"),
        ({"n_permutations": 0}, DomainError, "n_permutations must be a whole number from 1"),
        ({"n_permutations": 38}, DomainError, r"n_permutations is 38; allowed with 1 pair\(s\) .*: from 39"),
    ],
)
def test_a_wrong_call_is_refused(change: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        found_in(pd.DataFrame(columns_of(BY_HAND)), **change)


@pytest.mark.parametrize(
    ("column", "value", "error", "match"),
    [
        ("customer", None, DataError, r"Column 'customer' holds 1 null\(s\)"),
        ("product", None, DataError, r"Column 'product' holds 1 null\(s\)"),
        ("opened", None, DataError, r"Column 'opened' holds 1 null\(s\)"),
        ("closed", -1, DataError, r"1 spell\(s\) end before they begin \('closed' < 'opened'\)"),
        ("closed", 2.5, DataError, r"Column 'closed' holds 1 number\(s\) that are no whole period numbers"),
        ("closed", 1e300, DataError, r"Column 'closed' holds 1 number\(s\) that are no whole period numbers"),
    ],
)
def test_a_wrong_row_is_refused(column: str, value: Any, error: type[Exception], match: str) -> None:
    columns = columns_of(BY_HAND)
    columns[column][1] = value
    with pytest.raises(error, match=match):
        found_in(pd.DataFrame(columns))


def test_wrong_types_are_refused() -> None:
    frame = pd.DataFrame(columns_of(BY_HAND))
    with pytest.raises(DomainError, match="panel is a list"):
        found_in([1, 2])
    with pytest.raises(ColumnError, match="'customer' is of type Float64; allowed: integers or text"):
        found_in(frame.assign(customer=frame["customer"] + 0.5))
    with pytest.raises(
        ColumnError, match="'opened' is of type String; allowed: a date, a datetime without a zone"
    ):
        found_in(frame.assign(opened=frame["opened"].astype(str)))
    with pytest.raises(ColumnError, match="local wall time"):
        found_in(frame.assign(opened=pd.to_datetime(frame["opened"], unit="D", utc=True)))
    with pytest.raises(ColumnError, match="'closed' is of type Float64; allowed: dates, as column 'opened' holds"):
        found_in(frame.assign(opened=pd.to_datetime(frame["opened"], unit="D")))
    dates = dated(BY_HAND)
    with pytest.raises(DomainError, match="as_of is a int"):
        found_in(pd.DataFrame(dates))
    with pytest.raises(DomainError, match="as_of carries a time zone"):
        found_in(pd.DataFrame(dates), as_of="2021-01-01T00:00+01:00")
    with pytest.raises(DomainError, match="old is 'cards'; allowed: card"):
        found_in(frame).members(old="cards", new="app")


def test_a_stratum_that_changes_is_refused() -> None:
    frame = pd.DataFrame(columns_of(BY_HAND)).assign(region="north")
    assert found_in(frame, strata="region").flows()["moved"].tolist() == [1]
    frame.loc[0, "region"] = "south"
    with pytest.raises(DataError, match=r"1 customer\(s\) have several values in 'region'"):
        found_in(frame, strata="region")
    frame.loc[0, "region"] = None
    with pytest.raises(DataError, match=r"Column 'region' holds 1 null\(s\)"):
        found_in(frame, strata="region")
