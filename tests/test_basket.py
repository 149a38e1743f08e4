"""Baskets: the same distinct baskets from every layout, and what is refused."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custvalue import basket
from custvalue._kernels import basket_rows
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LIBRARIES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "pyarrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
}
library = pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)
PRODUCTS = [f"p{place:02d}" for place in range(70)]


def found(baskets: basket.Baskets) -> Counter[frozenset[str]]:
    """Read the baskets by hand: how many customers hold just these products."""
    out: Counter[frozenset[str]] = Counter()
    for place in range(baskets.n_distinct):
        held = baskets.codes[baskets.indptr[place] : baskets.indptr[place + 1]]
        out[frozenset(baskets.products[code] for code in held)] += int(baskets.customers[place])
    return out


def same(left: basket.Baskets, right: basket.Baskets) -> None:
    """Both hold the same arrays, bit for bit."""
    assert left.products == right.products
    assert left.segments == right.segments
    for name in ("indptr", "codes", "customers", "segment_codes", "ineligible_indptr", "ineligible_codes"):
        mine, other = getattr(left, name), getattr(right, name)
        assert (mine is None) == (other is None), name
        if mine is not None:
            np.testing.assert_array_equal(mine, other, err_msg=name)
    for name, sums in left.amounts.items():
        np.testing.assert_allclose(sums, right.amounts[name], rtol=1e-12)


# ------------------------------------------------------------------------------------------------- layouts


@library
def test_by_hand_three_customers(library: Callable[[pd.DataFrame], Any]) -> None:
    """Two hold account and card, one the account alone; a doubled row counts once."""
    frame = pd.DataFrame(
        {"c": [1, 1, 2, 2, 3, 3], "p": ["card", "account", "card", "account", "account", "account"]}
    )
    baskets = basket.Baskets.from_long(library(frame), customer="c", product="p")
    assert found(baskets) == {frozenset({"account", "card"}): 2, frozenset({"account"}): 1}
    assert baskets.products == ("account", "card")
    assert baskets.items()["customers"].tolist() == [3, 2]
    assert baskets.coverage(1) == 2 / 3
    assert repr(baskets) == "Baskets(n_customers=3, n_distinct=2, n_products=2)"
    assert "3 customers, 2 distinct baskets" in baskets._repr_html_()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.frozensets(st.sampled_from(PRODUCTS), max_size=6), min_size=1, max_size=40),
    st.sampled_from([5, 64, 70]),
    st.randoms(use_true_random=False),
)
def test_every_layout_gives_the_same_baskets(rows: list[frozenset[str]], n_products: int, shuffle: Any) -> None:
    """Long, wide, lists, parts and a stored table agree with a counter, whatever the order of rows and columns."""
    products = PRODUCTS[:n_products]
    rows = [row & set(products) for row in rows]
    wide = pd.DataFrame([[product in row for product in products] for row in rows], columns=products)
    expected = basket.Baskets.from_wide(wide)
    assert found(expected) == Counter(rows)
    same(expected, basket.Baskets.from_wide(wide.to_numpy(), products=products))
    same(expected, basket.Baskets.from_wide(np.asfortranarray(wide.to_numpy()), products=products))
    same(expected, basket.Baskets.from_wide(wide.astype(int).iloc[::-1]))
    same(expected, basket.Baskets.from_lists(rows, products=products))
    same(expected, basket.Baskets.from_frame(expected.to_frame(), products=products))
    half = len(rows) // 2
    if half:
        same(expected, basket.Baskets.from_wide([wide.iloc[:half], wide.iloc[half:]]))
        parts = [basket.Baskets.from_wide(part) for part in (wide.iloc[half:], wide.iloc[:half])]
        same(expected, parts[0] + parts[1])
    held = [(customer, product) for customer, row in enumerate(rows) for product in row]
    shuffle.shuffle(held)
    long = pd.DataFrame({"c": [one[0] for one in held], "p": [one[1] for one in held]}, dtype=None)
    long = long.astype({"c": "int64", "p": object})
    people = pd.DataFrame({"c": range(len(rows))})
    if held:
        same(
            expected,
            basket.Baskets.from_long(long, customer="c", product="p", products=products, population=people),
        )
        chunks = (long.iloc[start : start + 3] for start in range(0, len(long), 3))
        same(
            expected,
            basket.Baskets.from_long(chunks, customer="c", product="p", products=products, population=people),
        )


@library
def test_segments_amounts_and_eligibility(library: Callable[[pd.DataFrame], Any]) -> None:
    """Worked by hand: a minor may hold no loan, sums are added within a basket and segment."""
    flags = pd.DataFrame(
        {
            "card": [True, True, False, True],
            "loan": pd.array([True, None, None, True], dtype="boolean"),
            "area": ["n", "n", "s", "n"],
            "money": [10.0, 1.0, 2.0, 5.5],
        }
    )
    baskets = basket.Baskets.from_wide(library(flags), segment="area", amounts=["money"], null="not_eligible")
    table = baskets.to_frame()
    rows = {tuple(row) for row in table.itertuples(index=False)}
    assert rows == {
        (("card", "loan"), (), "n", 2, 15.5),
        (("card",), ("loan",), "n", 1, 1.0),
        ((), ("loan",), "s", 1, 2.0),
    }
    items = baskets.items().set_index("product")
    assert list(items.loc["loan", ["customers", "eligible", "share"]]) == [2, 2, 1.0]
    assert list(items.loc["card", ["customers", "eligible", "share"]]) == [3, 4, 0.75]
    same(baskets, basket.Baskets.from_frame(table))
    assert found(baskets.segment("s")) == {frozenset(): 1}
    assert baskets.without_segments().n_distinct == 3
    assert baskets.held().sum() == 3
    assert baskets.eligible().tolist().count([True, False]) == 2
    eligible = pd.DataFrame({"loan": [True, False, False, True]})
    told = flags.assign(loan=[True, False, False, True])
    again = basket.Baskets.from_wide(library(told), segment="area", amounts=["money"], eligible=library(eligible))
    same(baskets, again)


def test_parts_with_and_without_eligibility_are_added() -> None:
    """A part in which everyone is eligible, with segments, added to one in which someone is not."""
    open_ = pd.DataFrame({"card": [1, 0], "loan": [0, 1], "area": ["n", "s"]})
    barred = pd.DataFrame({"card": [1.0], "loan": [np.nan], "area": ["s"]})
    whole = basket.Baskets.from_wide(open_, segment="area") + basket.Baskets.from_wide(
        barred, segment="area", null="not_eligible"
    )
    expected = pd.concat([open_, barred], ignore_index=True)
    same(whole, basket.Baskets.from_wide(expected, segment="area", null="not_eligible"))


def test_products_of_parts_are_joined() -> None:
    """A product that came in later is not held by earlier customers."""
    whole = basket.Baskets.from_lists([["b"]]) + basket.Baskets.from_lists([["a"], []])
    assert whole.products == ("a", "b")
    assert found(whole) == {frozenset("a"): 1, frozenset("b"): 1, frozenset(): 1}


def test_families_and_selection() -> None:
    table = pd.DataFrame({"product": ["gold", "junior", "loan"], "family": ["card", "card", None]})
    catalog = basket.ProductCatalog.from_frame(table)
    flags = pd.DataFrame({"gold": [1, 0, 0], "junior": [1, np.nan, 0], "loan": [0, 1, 0]})
    flags.loc[1, "gold"] = np.nan
    baskets = basket.Baskets.from_wide(flags, products=catalog, null="not_eligible")
    families = baskets.at_family()
    assert found(families) == {frozenset({"card"}): 1, frozenset({"loan"}): 1, frozenset(): 1}
    assert families.items().set_index("product")["eligible"].to_dict() == {"card": 2, "loan": 3}
    chosen = baskets.select(["loan", "gold"])
    assert chosen.products == ("loan", "gold")
    assert chosen.catalog is not None
    assert chosen.catalog.names == ("loan", "gold")
    assert found(chosen) == {frozenset({"gold"}): 1, frozenset({"loan"}): 1, frozenset(): 1}


# -------------------------------------------------------------------------------------------------- dates


@library
def test_holdings_at_a_moment(library: Callable[[pd.DataFrame], Any]) -> None:
    """Held at the very start of the day: opened before it, and closed on it or later, or not at all."""
    days = pd.to_datetime(["2025-01-01", "2025-01-09", "2025-01-10", "2025-01-01", "2025-01-01"])
    ends = pd.to_datetime(pd.Series(["2025-01-10", None, None, "2025-01-09", None]))
    frame = pd.DataFrame({"c": [1, 2, 3, 4, 5], "p": list("abcde"), "o": days, "e": ends})
    baskets = basket.Baskets.from_long(
        library(frame), customer="c", product="p", opened="o", closed="e", as_of="2025-01-10"
    )
    assert set(found(baskets)) == {frozenset("a"), frozenset("b"), frozenset("e")}


@pytest.mark.parametrize("as_of", ["2025-01-03", dt.date(2025, 1, 3), pd.Timestamp("2025-01-03")])
def test_events_in_a_window(as_of: object) -> None:
    frame = pl.DataFrame({"c": [1, 1, 1], "p": ["a", "b", "c"], "t": [dt.date(2025, 1, day) for day in (1, 2, 3)]})
    baskets = basket.Baskets.from_long(frame, customer="c", product="p", time="t", since="2025-01-02", as_of=as_of)
    assert found(baskets) == {frozenset("b"): 1}


def test_whole_numbered_periods() -> None:
    frame = pd.DataFrame({"c": [1, 2], "p": ["a", "b"], "o": [0, 5], "e": [3.0, np.nan]}).astype({"e": "Int64"})
    later = basket.Baskets.from_long(frame, customer="c", product="p", opened="o", closed="e", as_of=np.int64(6))
    assert found(later) == {frozenset("b"): 1}
    early = basket.Baskets.from_long(frame, customer="c", product="p", opened="o", closed="e", as_of=3)
    assert found(early) == {frozenset("a"): 1}


def test_customers_without_a_product_count() -> None:
    frame = pd.DataFrame({"c": ["x"], "p": ["a"]})
    people = pd.DataFrame({"c": ["x", "y", "z"], "area": ["n", "s", "s"], "money": [1.0, 2.0, 4.0]})
    baskets = basket.Baskets.from_long(
        frame, customer="c", product="p", population=people, segment="area", amounts=["money"]
    )
    rows = {tuple(row) for row in baskets.to_frame().itertuples(index=False)}
    assert rows == {(("a",), "n", 1, 1.0), ((), "s", 2, 6.0)}


def test_not_eligible_pairs() -> None:
    frame = pd.DataFrame({"c": [1], "p": ["a"]})
    people, barred = pd.DataFrame({"c": [1, 2]}), pd.DataFrame({"c": [2], "p": ["a"]})
    baskets = basket.Baskets.from_long(frame, customer="c", product="p", population=people, not_eligible=barred)
    assert list(baskets.items().loc[0, ["customers", "eligible"]]) == [1, 1]


# ---------------------------------------------------------------------------------------------- splitting


def test_split_parts_every_basket() -> None:
    baskets = basket.Baskets.from_lists([["a"], ["b"], []], counts=[1000, 500, 500])
    first, second = baskets.split(0.3, random_state=1)
    assert found(first) + found(second) == found(baskets)
    assert 500 < first.n_customers < 700  # 600 expected, standard deviation 20


def test_split_does_not_touch_what_a_seed_gives() -> None:
    baskets = basket.Baskets.from_lists([["a"], ["b"]], counts=[50, 50])
    same(baskets.split(random_state=3)[0], baskets.split(random_state=np.random.RandomState(3))[0])


# --------------------------------------------------------------------------------------------------- kernel


def test_two_rows_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash that is the same for all rows of one length is found out, and the next seed taken."""
    real = basket_rows._scrambled
    calls = []

    def poor(numbers: Any) -> Any:
        calls.append(len(numbers))
        return real(numbers) if len(calls) > 1 else np.ones(len(numbers), dtype=np.uint64)

    monkeypatch.setattr(basket_rows, "_scrambled", poor)
    rows = basket_rows.distinct_rows(np.array([0, 1, 2, 3]), np.array([0, 1, 0], dtype=np.int32))
    assert sorted(rows.weights.tolist()) == [1, 2]
    assert len(calls) == 2


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    words = np.random.default_rng(0).integers(0, 50, 1000).astype(np.uint64)
    whole = basket_rows.counted_words(words)
    monkeypatch.setattr(basket_rows, "BLOCK", 7)
    parts = basket_rows.counted_words(words)
    np.testing.assert_array_equal(whole[0], parts[0])
    np.testing.assert_array_equal(whole[1], parts[1])
    assert dict(zip(*(one.tolist() for one in whole), strict=True)) == Counter(words.tolist())


# ------------------------------------------------------------------------------------------------- refusals

GOOD = pd.DataFrame({"c": [1, 2], "p": ["a", "b"]})
FLAGS = pd.DataFrame({"a": [1, 0], "b": [0, 1]})


def long(frame: pd.DataFrame = GOOD, **options: Any) -> basket.Baskets:
    return basket.Baskets.from_long(frame, **({"customer": "c", "product": "p"} | options))


@pytest.mark.parametrize(
    ("build", "error", "match"),
    [
        (lambda: long(product="x"), ColumnError, "missing: 'x'"),
        (
            lambda: long(GOOD.assign(c=[1.0, np.nan])),
            ColumnError,
            "Column 'c' is of type Float64; allowed: integers",
        ),
        (lambda: long(GOOD.assign(c=pd.Series(["u", None]))), DataError, "Column 'c' is null in 1 row"),
        (lambda: long(GOOD.assign(p=pd.Series(["a", None]))), DataError, "Column 'p' is null in 1 row.*product"),
        (lambda: long(GOOD.assign(p=["a", " "])), DataError, "Column 'p' holds empty text"),
        (lambda: long(GOOD.assign(p=[0.5, 1.5])), ColumnError, "Column 'p' is of type Float64"),
        (lambda: long(products=["a"]), DataError, "products does not name 'b'.*on_unknown='ignore'"),
        (lambda: long(products=["a", "a"]), DomainError, "names 'a' more than once"),
        (lambda: long(products="ab"), DomainError, "products must be a ProductCatalog or a sequence"),
        (lambda: long(products=[]), DomainError, "at least one product"),
        (lambda: long(on_unknown="skip"), DomainError, "on_unknown must be 'raise' or 'ignore'"),
        (lambda: long(GOOD.iloc[:0].astype({"c": "int64"})), DataError, "No customer is left"),
        (lambda: long(population=pd.DataFrame({"c": [1]})), DataError, "1 customer.*not in population"),
        (lambda: long(population=pd.DataFrame({"c": [1, 2, 2]})), DataError, "population holds 1 customer"),
        (lambda: long(population=pd.DataFrame({"c": ["1", "2"]})), ColumnError, "as in population"),
        (lambda: long(not_eligible=GOOD), DomainError, "not_eligible needs population"),
        (
            lambda: long(population=pd.DataFrame({"c": [1, 2]}), not_eligible=GOOD.iloc[:1]),
            DataError,
            "1 holding.*eligibility and holdings overlap",
        ),
        (lambda: long(pd.concat([GOOD, GOOD]).assign(s=list("nnss")), segment="s"), DataError, "tells 2 customer"),
        (lambda: long(GOOD.assign(m=[1.0, -1.0]), amounts=["m"]), DataError, "Column 'm' holds 1 value.*below 0"),
        (lambda: long(GOOD.assign(m=["1", "2"]), amounts=["m"]), ColumnError, "Column 'm' is of type"),
        (lambda: long(amounts="m"), DomainError, "amounts must be a sequence of column names"),
        (lambda: long(as_of="2025-01-01"), DomainError, "as_of and since need a column"),
        (lambda: long(GOOD.assign(t=pd.Timestamp(0)), time="t"), DomainError, "as_of is missing"),
        (lambda: long(GOOD.assign(t=pd.Timestamp(0)), time="t", as_of="soon"), DomainError, "no ISO 8601 date"),
        (lambda: long(GOOD.assign(t="2025-01-01"), time="t", as_of="2025-01-01"), ColumnError, "Column 't' is of"),
        (
            lambda: long(GOOD.assign(t=pd.Timestamp(0, tz="UTC")), time="t", as_of="2025-01-01"),
            ColumnError,
            "without a zone",
        ),
        (
            lambda: long(GOOD.assign(t=pd.Timestamp(0)), time="t", since="2025-02-01", as_of="2025-01-01"),
            DomainError,
            "since must lie before as_of",
        ),
        (
            lambda: long(GOOD.assign(t=pd.Timestamp(0)), time="t", opened="t", as_of="2025-01-01"),
            DomainError,
            "not both",
        ),
        (
            lambda: long(GOOD.assign(o=[2, 5], e=[1, 9]), opened="o", closed="e", as_of=4),
            DataError,
            "'e' lies before 'o' in 1 row",
        ),
        (lambda: long(GOOD.assign(o=[2, 5]), opened="o", as_of="2025-01-01"), DomainError, "whole number"),
        (lambda: basket.Baskets.from_long(GOOD.to_numpy(), customer="c", product="p"), DomainError, "frame"),
    ],
)
def test_long_refusals(build: Callable[[], object], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        build()


@pytest.mark.parametrize(
    ("build", "error", "match"),
    [
        (
            lambda: basket.Baskets.from_wide(FLAGS.assign(a=[2, 0])),
            DataError,
            "Column 'a' holds 1 value.*other than",
        ),
        (lambda: basket.Baskets.from_wide(FLAGS.assign(a=["x", "y"])), ColumnError, "Column 'a' is of type"),
        (lambda: basket.Baskets.from_wide(FLAGS.assign(a=[1, np.nan])), DataError, "1 null flag.* in 'a'.*null="),
        (lambda: basket.Baskets.from_wide(FLAGS, null="no"), DomainError, "null must be"),  # type: ignore[arg-type]
        (lambda: basket.Baskets.from_wide(FLAGS, products=["a", "x"]), ColumnError, "missing: 'x'"),
        (lambda: basket.Baskets.from_wide(FLAGS.iloc[:0]), DataError, "no row"),
        (lambda: basket.Baskets.from_wide(FLAGS[[]]), DomainError, "no column of flags"),
        (lambda: basket.Baskets.from_wide(np.ones((2, 2), bool)), DomainError, "together with products"),
        (
            lambda: basket.Baskets.from_wide(pd.concat([FLAGS, FLAGS], axis=1)),
            ColumnError,
            "[Dd]uplicate|doubled|unique",
        ),
        (
            lambda: basket.Baskets.from_wide(FLAGS, eligible=pd.DataFrame({"a": [False, True]})),
            DataError,
            "1 holding.*overlap",
        ),
        (
            lambda: basket.Baskets.from_wide(FLAGS, eligible=pd.DataFrame({"x": [False, True]})),
            DomainError,
            "eligible names 'x'",
        ),
        (
            lambda: basket.Baskets.from_wide(FLAGS, eligible=pd.DataFrame({"a": [True]})),
            DomainError,
            "eligible has 1 rows and frame 2",
        ),
        (
            lambda: basket.Baskets.from_wide(FLAGS.assign(k=[1, 1]), customer="k"),
            DataError,
            "1 row.*one row a customer",
        ),
        (lambda: basket.Baskets.from_wide(iter(())), DomainError, "no part"),
        (lambda: basket.Baskets.from_lists([["a"], "b"]), DataError, "1 basket.*text or null"),
        (lambda: basket.Baskets.from_lists([["a"], None]), DataError, "1 basket.*text or null"),  # type: ignore[list-item]
        (lambda: basket.Baskets.from_lists([["a", None]]), DataError, "null, empty"),  # type: ignore[list-item]
        (lambda: basket.Baskets.from_lists([["1", 1]]), DataError, "both as a number and as text"),
        (lambda: basket.Baskets.from_lists([]), DataError, "at least one"),
        (lambda: basket.Baskets.from_lists([["a"]], counts=[0]), DomainError, "whole number from 1"),
        (lambda: basket.Baskets.from_lists([["a"]], counts=[1.5]), DomainError, "whole number from 1"),  # type: ignore[list-item]
        (lambda: basket.Baskets.from_lists(pd.DataFrame({"b": [["a"]]})), DomainError, "column is missing"),
        (lambda: basket.Baskets.from_lists([["a"]]).place("z"), DomainError, "names 'z', which is no product"),
        (lambda: basket.Baskets.from_lists([["a"]]).segment("z"), DomainError, "no segment.*no segments"),
        (lambda: basket.Baskets.from_lists([["a"]]).at_family(), DomainError, "no families"),
        (lambda: basket.Baskets.from_lists([["a"]]).split(1.0), DomainError, r"share must lie in \(0, 1\)"),
        (lambda: basket.Baskets.from_lists([["a"]]).select([]), DomainError, "at least one product"),
        (lambda: basket.Baskets.from_lists([["a"]]).select("a"), DomainError, "is a text"),
        (lambda: basket.Baskets.from_lists([["a"]]).coverage(-1), DomainError, "k must be a whole number"),
    ],
)
def test_other_refusals(build: Callable[[], object], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        build()


def test_parts_that_do_not_fit_are_refused() -> None:
    plain = basket.Baskets.from_wide(FLAGS)
    with pytest.raises(DomainError, match="Some parts have segments"):
        plain + basket.Baskets.from_wide(FLAGS.assign(s="n"), segment="s")
    with pytest.raises(DomainError, match="different amounts"):
        plain + basket.Baskets.from_wide(FLAGS.assign(m=1.0), amounts=["m"])
    catalogs = [
        basket.ProductCatalog(products=[basket.Product(name="a", margin=margin), basket.Product(name="b")])
        for margin in (1.0, 2.0)
    ]
    with pytest.raises(DomainError, match="Some parts have a catalogue"):
        plain + basket.Baskets.from_wide(FLAGS, products=catalogs[0])
    with pytest.raises(DomainError, match="tell product 'a' different families or margins"):
        basket.Baskets.from_wide(FLAGS, products=catalogs[0]) + basket.Baskets.from_wide(
            FLAGS, products=catalogs[1]
        )
    with pytest.raises(TypeError):
        plain + 1


def test_messages_show_no_customer() -> None:
    frame = pd.DataFrame({"c": ["secret-1", "secret-2"], "p": ["a", "b"]})
    with pytest.raises(DataError) as caught:
        basket.Baskets.from_long(frame, customer="c", product="p", population=pd.DataFrame({"c": ["secret-1"]}))
    assert "secret" not in str(caught.value)


def products_of(names: Iterable[str]) -> list[basket.Product]:
    return [basket.Product(name=name) for name in names]


def test_catalog_refuses_a_doubled_name() -> None:
    with pytest.raises(ValueError, match="'a' stand"):
        basket.ProductCatalog(products=products_of("aba"))
    catalog = basket.ProductCatalog(products=products_of("ab"))
    assert basket.ProductCatalog.model_validate_json(catalog.model_dump_json()) == catalog


def test_parts_are_added_by_sum() -> None:
    parts = [basket.Baskets.from_lists([[name]]) for name in "ab"]
    same(sum(parts[1:], start=parts[0]), sum(parts))  # type: ignore[arg-type]


def test_words_come_in_the_order_of_rows() -> None:
    """Counts on both sides of 16 bits, with ties: words and sparse rows are put in one order."""
    rng = np.random.default_rng(0)
    words = np.unique(rng.integers(0, 2**40, 500).astype(np.uint64))
    counts = rng.choice([1, 2, 65534, 65535, 65536, 10**9], len(words)).astype(np.int64)
    found = basket_rows.distinct_words(words, counts, 40)
    expected = basket_rows.distinct_rows(*basket_rows.rows_of_words(words, 40), counts)
    for mine, other in zip(found[:3], expected[:3], strict=True):
        np.testing.assert_array_equal(mine, other)
    assert (np.diff(found.weights) <= 0).all()
