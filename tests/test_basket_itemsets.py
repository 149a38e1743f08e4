"""Itemsets: known answers, every choice against counting one by one, and what is refused."""

from __future__ import annotations

import csv
import functools
import gzip
import hashlib
import io
import json
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from custvalue._holdings.baskets import Baskets
from custvalue._product_rules.itemsets import Itemsets, itemsets
from custvalue._product_rules.threshold import count_threshold
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Found = dict[tuple[str, ...], int]


def baskets_of(rows: Iterable[Iterable[str]]) -> Baskets:
    """Collapse before counting, as a caller with equal baskets would."""
    counts = Counter(tuple(sorted(set(row))) for row in rows)
    return Baskets.from_lists(counts, counts=list(counts.values()))


@functools.cache
def read(folder: Path, name: str) -> Baskets:
    """Read a data set of baskets."""
    if name == "groceries":
        with gzip.open(folder / "groceries.csv.gz", "rt", encoding="utf-8", newline="") as file:
            return baskets_of(csv.reader(file))
    if name == "berka":
        with gzip.open(folder / "berka_holdings.csv.gz", "rb") as file:
            frame = pd.read_csv(io.BytesIO(file.read()))
        return Baskets.from_long(frame, customer="client_id", product="product")
    with gzip.open(folder / f"{name}.dat.gz", "rt", encoding="ascii") as file:
        return baskets_of(line.split() for line in file)


def digest(found: Itemsets) -> str:
    """Hash the listing as the known answers do: sorted lines of sorted labels and the count."""
    pairs = zip(found.names, found.customers.tolist(), strict=True)
    lines = sorted("|".join(sorted(names)) + f"\t{count}" for names, count in pairs)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def as_dict(found: Itemsets) -> Found:
    return dict(zip(found.names, found.customers.tolist(), strict=True))


# ------------------------------------------------------------------------------------------ known answers


@pytest.mark.parametrize("name", ["groceries", "berka"])
def test_known_answers_of_five_packages(name: str, shared: Path) -> None:
    """Counts by length, families and hashes on which pyfim, mlxtend, efficient-apriori and brute force agree."""
    known = json.loads((shared / "known_answers/basket/itemsets.json").read_text(encoding="utf-8"))
    baskets = read(shared / "data/baskets", name)
    facts = known["datasets"][name]
    assert (baskets.n_customers, baskets.n_distinct) == (facts["n_transactions"], facts["distinct_baskets"])
    for run in facts["runs"]:
        found = itemsets(baskets, min_count=run["min_count"])
        assert len(found) == run["frequent"]
        by_length = {str(length): count for length, count in sorted(Counter(found.lengths.tolist()).items())}
        assert by_length == run["by_length"]
        assert digest(found) == run["sha256_frequent"]
        for kind in ("closed", "maximal"):
            some = itemsets(baskets, min_count=run["min_count"], kind=kind)
            assert (len(some), digest(some)) == (run[kind], run[f"sha256_{kind}"])
        assert len(itemsets(baskets, min_count=run["min_count"], kind="generators")) == run["generators_nonempty"]
        for labels, count in run["top10_len2plus"]:
            assert as_dict(found)[tuple(sorted(labels))] == count


@pytest.mark.parametrize(
    ("name", "min_count", "frequent", "closed", "maximal"),
    [
        ("retail", 882, 159, 159, 78),
        ("retail", 89, 7589, 7572, 3452),
        ("T10I4D100K", 1000, 385, 385, 370),
        ("T10I4D100K", 200, 13255, 13107, 1938),
        ("chess", 2557, 8227, 5083, 226),
        ("chess", 2238, 48731, 23892, 891),
        ("BMS1", 60, 3991, 3974, 2067),
    ],
)
def test_known_counts_of_public_data(
    name: str, min_count: int, frequent: int, closed: int, maximal: int, shared: Path
) -> None:
    """Numbers on which pyfim 6.28 and mlxtend 0.25 agree for the FIMI and KDD Cup 2000 data sets."""
    baskets = read(shared / "data/baskets", name)
    found = itemsets(baskets, min_count=min_count)
    assert len(found) == frequent
    assert len(itemsets(baskets, min_count=min_count, kind="closed")) == closed
    assert len(itemsets(baskets, min_count=min_count, kind="maximal")) == maximal


def test_a_set_of_nine_products_is_not_lost(shared: Path) -> None:
    """T10I4D100K has one 9-itemset of at least 200, in 247 baskets; a package that stops at 8 loses it."""
    found = itemsets(read(shared / "data/baskets", "T10I4D100K"), min_count=200, min_length=9)
    assert found.customers.tolist() == [247]


def test_agrawal1994_example() -> None:
    """Agrawal and Srikant (1994), figure 3: four transactions, minimum support 2, nine large itemsets."""
    rows = [["1", "3", "4"], ["2", "3", "5"], ["1", "2", "3", "5"], ["2", "5"]]
    large = {
        ("1",): 2,
        ("2",): 3,
        ("3",): 3,
        ("5",): 3,
        ("1", "3"): 2,
        ("2", "3"): 2,
        ("2", "5"): 3,
        ("3", "5"): 2,
    }
    assert as_dict(itemsets(Baskets.from_lists(rows), min_count=2)) == {**large, ("2", "3", "5"): 2}


def test_pasquier1999_example() -> None:
    """Pasquier et al. (1999), the running example ACD, BCE, ABCE, BE, ABCE at support 2/5.

    Frequent closed: C, AC, BE, BCE, ABCE. Generators: A, B, C, E, AB, AE, BC, CE; the frequent closed set of a
    generator has its support.
    """
    baskets = Baskets.from_lists([list("ACD"), list("BCE"), list("ABCE"), list("BE"), list("ABCE")])
    closed = {("C",): 4, ("A", "C"): 3, ("B", "E"): 4, ("B", "C", "E"): 3, ("A", "B", "C", "E"): 2}
    assert as_dict(itemsets(baskets, min_support="2/5", kind="closed")) == closed
    found = itemsets(baskets, min_support="2/5", kind="generators")
    assert {"".join(names) for names in found.names} == {"A", "B", "C", "E", "AB", "AE", "BC", "CE"}
    assert itemsets(baskets, min_support="2/5", kind="maximal").names == [("A", "B", "C", "E")]


# ------------------------------------------------------------------------------------------ one by one

PRODUCTS = "abcdef"
ROWS = st.lists(st.tuples(st.frozensets(st.sampled_from(PRODUCTS)), st.integers(1, 6)), min_size=1, max_size=12)
NAMES = st.lists(st.sampled_from(PRODUCTS), unique=True, max_size=2)


def one_by_one(rows: list[tuple[frozenset[str], int]], least: int) -> Found:
    """Count every set of products by itself."""
    found = {}
    for length in range(1, len(PRODUCTS) + 1):
        for names in combinations(PRODUCTS, length):
            count = sum(n for held, n in rows if held.issuperset(names))
            if count >= least:
                found[names] = count
    return found


def of_kind(found: Found, kind: str, total: int) -> Found:
    """Choose by definition."""

    def below(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
        return set(one) < set(other)

    if kind == "closed":
        return {a: n for a, n in found.items() if not any(below(a, b) and n == m for b, m in found.items())}
    if kind == "maximal":
        return {a: n for a, n in found.items() if not any(below(a, b) for b in found)}
    if kind == "generators":
        smaller: Found = {(): total, **found}
        return {a: n for a, n in found.items() if not any(below(b, a) and n == m for b, m in smaller.items())}
    return found


def in_order(found: Found) -> list[tuple[tuple[str, ...], int]]:
    return sorted(found.items(), key=lambda pair: (len(pair[0]), -pair[1], pair[0]))


@settings(max_examples=150)
@given(
    rows=ROWS,
    least=st.integers(1, 12),
    kind=st.sampled_from(["all", "closed", "maximal", "generators"]),
    method=st.sampled_from(["auto", "cube", "gram", "bitset"]),
    lengths=st.tuples(st.integers(1, 3), st.none() | st.integers(0, 3)),
    include=NAMES,
    exclude=NAMES,
)
def test_every_choice_is_what_choosing_by_hand_gives(
    rows: list[tuple[frozenset[str], int]],
    least: int,
    kind: Any,
    method: Any,
    lengths: tuple[int, int | None],
    include: list[str],
    exclude: list[str],
) -> None:
    """The kind is told among all frequent itemsets; lengths and products then choose."""
    exclude = [name for name in exclude if name not in include]
    baskets = Baskets.from_lists([row for row, _ in rows], counts=[n for _, n in rows], products=list(PRODUCTS))
    shortest, longest = lengths[0], None if lengths[1] is None else lengths[0] + lengths[1]
    wanted: dict[str, Any] = {"kind": kind, "min_length": shortest, "max_length": longest}
    found = itemsets(baskets, min_count=least, include=include, exclude=exclude, method=method, **wanted)
    chosen = {
        names: count
        for names, count in of_kind(one_by_one(rows, least), kind, baskets.n_customers).items()
        if shortest <= len(names) <= (longest or 99)
        and set(include) <= set(names)
        and not set(exclude) & set(names)
    }
    assert list(as_dict(found).items()) == in_order(chosen)
    assert found.complete
    assert found.method == ({"auto": "cube"} | {method: method if method != "auto" else "cube"})[method]


@settings(max_examples=70)
@given(
    rows=ROWS,
    k=st.integers(1, 20),
    kind=st.sampled_from(["all", "closed", "generators"]),
    shortest=st.integers(1, 3),
    include=st.lists(st.sampled_from(PRODUCTS), max_size=1),
)
def test_the_most_frequent_with_all_that_are_level_with_the_last(
    rows: list[tuple[frozenset[str], int]], k: int, kind: Any, shortest: int, include: list[str]
) -> None:
    baskets = Baskets.from_lists([row for row, _ in rows], counts=[n for _, n in rows], products=list(PRODUCTS))
    found = itemsets(baskets, top=k, kind=kind, min_length=shortest, include=include)
    every = {
        names: count
        for names, count in of_kind(one_by_one(rows, 1), kind, baskets.n_customers).items()
        if len(names) >= shortest and set(include) <= set(names)
    }
    falling = sorted(every.values(), reverse=True)
    least = falling[k - 1] if len(falling) >= k else 1
    assert list(as_dict(found).items()) == in_order({names: n for names, n in every.items() if n >= least})
    assert found.min_count == least


@settings(max_examples=80)
@given(rows=ROWS, limit=st.integers(1, 30), kind=st.sampled_from(["all", "closed", "maximal", "generators"]))
def test_what_a_limit_leaves_is_true(rows: list[tuple[frozenset[str], int]], limit: int, kind: Any) -> None:
    """Whole lengths are left; of closed and maximal itemsets those whose supersets were counted too."""
    baskets = Baskets.from_lists([row for row, _ in rows], counts=[n for _, n in rows], products=list(PRODUCTS))
    every = one_by_one(rows, 1)
    if len(every) <= limit:
        assert itemsets(baskets, min_count=1, kind=kind, limit=limit).complete
        return
    with pytest.warns(UserWarning, match=f"More than limit={limit} itemsets"):
        found = itemsets(baskets, min_count=1, kind=kind, limit=limit)
    fits = max(one for one in range(7) if sum(len(names) <= one for names in every) <= limit)
    longest = fits - (kind in ("closed", "maximal"))
    chosen = {names: n for names, n in of_kind(every, kind, baskets.n_customers).items() if len(names) <= longest}
    assert list(as_dict(found).items()) == in_order(chosen)
    assert not found.complete
    assert "complete=False" in repr(found)


def test_a_limit_in_the_way_of_the_most_frequent_is_said() -> None:
    """Ten products that all nine customers hold: 1,023 itemsets are level, and no threshold parts them."""
    baskets = Baskets.from_lists([list("abcdefghij")], counts=[9])
    with pytest.warns(UserWarning, match="limit=100"):
        found = itemsets(baskets, top=60, limit=100)
    assert found.lengths.tolist() == [1] * 10 + [2] * 45
    assert not found.complete
    assert itemsets(baskets, top=60).complete


def test_a_limit_is_avoided_where_a_higher_threshold_serves() -> None:
    """Pairs begin at 100 customers; thirteen products of one customer each would be 8,191 itemsets more."""
    baskets = Baskets.from_lists([["x", "y"], ["x", "z"], list("abcdefghijklm")], counts=[100, 50, 1])
    found = itemsets(baskets, top=2, min_length=2, limit=500)
    assert as_dict(found) == {("x", "y"): 100, ("x", "z"): 50}
    assert found.complete


# ------------------------------------------------------------------------------------------ by hand


def test_by_hand_products_that_everyone_holds_are_there() -> None:
    """{ab, a} at support 1: {a} has both customers; the research note's case B1."""
    found = itemsets(Baskets.from_lists([["a", "b"], ["a"]]), min_support=1.0)
    assert as_dict(found) == {("a",): 2}
    assert found.support.tolist() == [1.0]


def test_by_hand_support_is_of_those_eligible() -> None:
    """Ten customers, four of them minors who may have no loan: 3 loans are 3/6, an account with a loan too."""
    people = pd.DataFrame({"client": range(10)})
    held = pd.DataFrame(
        {"client": [*range(10), 0, 1, 2], "product": ["account"] * 10 + ["loan"] * 3},
    )
    minors = pd.DataFrame({"client": [6, 7, 8, 9], "product": ["loan"] * 4})
    baskets = Baskets.from_long(held, customer="client", product="product", population=people, not_eligible=minors)
    frame = itemsets(baskets, min_count=1).to_frame()
    expected = pd.DataFrame(
        {
            "itemset": [("account",), ("loan",), ("account", "loan")],
            "length": [1, 1, 2],
            "customers": [10, 3, 3],
            "eligible": [10, 6, 6],
            "support": [1.0, 0.5, 0.5],
        }
    )
    pd.testing.assert_frame_equal(frame, expected)


def test_by_hand_an_amount_is_added_over_the_customers() -> None:
    """Balances 5, 7 and 2: holders of a card have 12, of card and loan 7."""
    flags = pd.DataFrame({"card": [1, 1, 0], "loan": [0, 1, 0], "balance": [5.0, 7.0, 2.0]})
    baskets = Baskets.from_wide(flags, amounts=["balance"])
    frame = itemsets(baskets, min_count=1, amount="balance").to_frame()
    assert frame["amount"].tolist() == [12.0, 7.0, 7.0]
    assert list(frame.columns) == ["itemset", "length", "customers", "eligible", "support", "amount"]


@pytest.mark.parametrize(
    "wanted", [{"min_count": 9}, {"min_count": 1, "min_length": 3}, {"top": 2, "min_length": 3}]
)
def test_an_empty_answer_keeps_its_columns(wanted: dict[str, int]) -> None:
    found = itemsets(Baskets.from_lists([["a", "b"], []]), **wanted)  # type: ignore[arg-type]  # numbers
    frame = found.to_frame()
    assert len(found) == len(frame) == 0
    assert list(frame.columns) == ["itemset", "length", "customers", "eligible", "support"]
    assert [str(kind) for kind in frame.dtypes] == ["object", "int64", "int64", "int64", "float64"]


def test_products_that_nobody_holds_together_are_an_empty_answer() -> None:
    baskets = Baskets.from_lists([["a"], ["b"]])
    assert itemsets(baskets, min_count=1, include=["a", "b"]).names == []
    assert itemsets(baskets, top=3, include=["a", "b"]).names == []
    assert itemsets(baskets, min_count=1, include=["a", "b"], max_length=1).names == []
    assert itemsets(Baskets.from_lists([[], []], products=["a"]), top=1).names == []


def test_the_result_is_closed_and_says_where_it_comes_from() -> None:
    found = itemsets(Baskets.from_lists([["a", "b"], ["a"]], counts=[3, 1]), min_support=Fraction(1, 2))
    for array in (found.indptr, found.codes, found.customers, found.eligible):
        assert not array.flags.writeable
    spec = json.loads(found.provenance.spec)
    assert (spec["min_count"], spec["kind"], spec["limit"]) == (2, "all", 5_000_000)
    assert found.provenance.counts == {"customers": 4, "distinct_baskets": 2, "itemsets": 3}
    assert repr(found) == "Itemsets(itemsets=3, longest=2, kind='all', min_count=2, complete=True)"
    assert "a, b" in found._repr_html_()
    assert "at least 2 of 4 customers" in found._repr_html_()


# ------------------------------------------------------------------------------------------ thresholds


@pytest.mark.parametrize(
    ("share", "customers", "least"),
    [
        (0.07, 100, 7),
        (np.float32(0.07), 100, 7),
        (np.float64(0.29), 100, 29),
        ("0.07", 100, 7),
        ("7e-2", 100, 7),
        (Decimal("0.07"), 100, 7),
        (Decimal("0.0700000000000000000000000001"), 100, 8),
        (Fraction(1, 3), 9, 3),
        ("1/3", 10, 4),
        (1, 5, 5),
        (np.int64(1), 5, 5),
        (1e-9, 10, 1),
        (0.1, 10**17 + 5, 10**16 + 1),
    ],
)
def test_by_hand_a_share_becomes_the_least_number_of_customers(share: Any, customers: int, least: int) -> None:
    """A share of n customers is met by the smallest whole number that is not below it."""
    assert count_threshold(share, None, customers) == least


@given(st.integers(1, 10**6), st.integers(1, 4).flatmap(lambda d: st.integers(1, 10**d).map(lambda n: (n, 10**d))))
def test_a_share_exactly_met_counts(customers: int, share: tuple[int, int]) -> None:
    least = count_threshold(share[0] / share[1], None, customers)
    exact = Fraction(*share) * customers
    assert least >= exact
    assert least - 1 < exact


def test_a_number_of_customers_is_taken_as_it_is() -> None:
    assert count_threshold(None, 3, 2) == 3
    assert count_threshold(None, np.int32(3), 2) == 3  # type: ignore[arg-type]  # a NumPy scalar


@pytest.mark.parametrize(
    "share",
    [
        0,
        0.0,
        -0.1,
        1.5,
        True,
        np.True_,
        "",
        "many",
        "1/0",
        float("nan"),
        float("inf"),
        "1e-999999999",
        [0.5],
        Decimal("NaN"),
    ],
)
def test_a_share_that_is_none_is_refused(share: Any) -> None:
    with pytest.raises(DomainError, match="min_support must be a share above 0 and at most 1"):
        count_threshold(share, None, 10)


@pytest.mark.parametrize("count", [0, -1, 1.0, True, "3"])
def test_a_number_of_customers_that_is_none_is_refused(count: Any) -> None:
    with pytest.raises(DomainError, match="min_count must be a whole number from 1"):
        count_threshold(None, count, 10)


@pytest.mark.parametrize(("share", "count"), [(None, None), (0.5, 3)])
def test_one_threshold_is_given(share: float | None, count: int | None) -> None:
    with pytest.raises(DomainError, match="exactly one of min_support"):
        count_threshold(share, count, 10)


# ------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({}, "exactly one of min_support"),
        ({"min_support": 0}, "min_support must be a share"),
        ({"min_count": 0}, "min_count must be a whole number"),
        ({"top": 3, "min_count": 2}, "top is given beside min_support or min_count"),
        ({"min_count": 1, "include": ["z"]}, "include names 'z', which is no product"),
        ({"min_count": 1, "exclude": ["z"]}, "exclude names 'z', which is no product"),
        ({"min_count": 1, "amount": "balance"}, "amount='balance' is none of the baskets' amounts"),
    ],
)
def test_what_is_refused_by_name(wanted: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        itemsets(Baskets.from_lists([["a", "b"]]), **wanted)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"top": 0}, "top"),
        ({"top": True}, "top"),
        ({"top": 2, "kind": "maximal"}, "depends on a threshold"),
        ({"min_count": 1, "kind": "free"}, "kind"),
        ({"min_count": 1, "method": "apriori"}, "method"),
        ({"min_count": 1, "min_length": 0}, "min_length"),
        ({"min_count": 1, "min_length": 3, "max_length": 2}, "max_length is 2, below min_length"),
        ({"min_count": 1, "limit": 0}, "limit"),
        ({"min_count": 1, "include": "ab"}, "include"),
        ({"min_count": 1, "include": ["a"], "exclude": ["a"]}, "include and exclude both name"),
    ],
)
def test_settings_out_of_range_are_refused(wanted: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        itemsets(Baskets.from_lists([["a", "b"]]), **wanted)


def test_anything_but_baskets_is_refused() -> None:
    with pytest.raises(DomainError, match="baskets is a list; allowed: Baskets"):
        itemsets([["a"]], min_count=1)  # type: ignore[arg-type]  # refused


def test_the_cube_is_refused_above_26_products() -> None:
    baskets = Baskets.from_lists([[f"p{place}" for place in range(27)]])
    with pytest.raises(DomainError, match=r"27 are frequent\. Pass method='auto'"):
        itemsets(baskets, min_count=1, max_length=1, method="cube")
