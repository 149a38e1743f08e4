"""Holdings that libraries type in odd ways, parts that differ, names that clash, widths around a machine word."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from custvalue import basket
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable

B = basket.Baskets
LIBRARIES = ("pandas", "polars", "pyarrow")


def table(library: str, columns: dict[str, Any]) -> Any:
    """Build a table in a library."""
    if library == "pandas":
        return pd.DataFrame(columns)
    if library == "polars":
        return pytest.importorskip("polars").DataFrame(columns)
    return pytest.importorskip("pyarrow").table(columns)


def baskets_in(baskets: basket.Baskets) -> Counter[tuple[Any, ...]]:
    """Give the customers by what they hold, may not hold, and their segment."""
    rows = baskets.to_frame().to_dict("records")
    keys = [(frozenset(r["held"]), frozenset(r.get("not_eligible", ())), r.get("segment")) for r in rows]
    assert len(set(keys)) == len(keys)
    return Counter(dict(zip(keys, (row["customers"] for row in rows), strict=True)))


# ------------------------------------------------------------------- categories and whole numbers


def test_categories_that_no_row_has_are_no_customers() -> None:
    frame = pd.DataFrame(
        {"c": pd.Categorical(["y", "x", "y"], categories=["x", "gone", "y"]), "p": ["a", "b", "b"]}
    )
    expected: Counter[tuple[Any, ...]] = Counter()
    expected.update({(frozenset("ab"), frozenset(), None): 1, (frozenset("b"), frozenset(), None): 1})
    assert baskets_in(B.from_long(frame, customer="c", product="p")) == expected
    people = frame[["c"]].drop_duplicates()
    assert baskets_in(B.from_long(frame, customer="c", product="p", population=people)) == expected
    assert B.from_long(frame[frame["c"] == "x"], customer="c", product="p").n_customers == 1


def test_enum_values_and_dictionary_entries_that_no_row_has_are_no_customers() -> None:
    pl = pytest.importorskip("polars")
    enum = pl.DataFrame({"c": ["x", "y"], "p": ["a", "b"]}).with_columns(
        pl.col("c").cast(pl.Enum(["w", "y", "x"]))
    )
    assert B.from_long(enum, customer="c", product="p").n_customers == 2
    pa = pytest.importorskip("pyarrow")
    coded = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0]), pa.array(["x", "y", "gone"]))
    assert B.from_long(pa.table({"c": coded, "p": ["a", "b", "b"]}), customer="c", product="p").n_customers == 2


@pytest.mark.parametrize("role", ["p", "s"])
def test_labels_that_are_one_text_are_refused(role: str) -> None:
    """A category 1 and a category '1' would be two products of one name."""
    both = pd.Categorical([1, "1"], categories=[1, "1"])
    frame = pd.DataFrame({"c": [1, 2], "p": ["a", "b"], "s": ["u", "v"]}).assign(**{role: both})
    with pytest.raises(DataError, match="both as a number and as text"):
        B.from_long(frame, customer="c", product="p", segment="s")


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([2**63 + 5, 2**63 + 6], "uint64"),
        ([-128, 127], "int8"),
        ([-(2**63), 2**63 - 1], "int64"),
        ([0, 255], "uint8"),
    ],
)
def test_whole_numbers_of_every_width_are_labels_and_keys(library: str, values: list[int], kind: str) -> None:
    numbers = np.array(values, dtype=kind)
    frame = table(library, {"c": [1, 2], "p": numbers})
    assert B.from_long(frame, customer="c", product="p").products == tuple(sorted(map(str, values)))
    frame = table(library, {"c": numbers, "p": ["a", "b"], "m": numbers.astype(np.uint64) >> np.uint64(1)})
    found = B.from_long(frame, customer="c", product="p", population=frame, amounts=["m"])
    assert found.n_customers == 2
    assert float(found.amounts["m"].sum()) == float(sum((value % 2**64) >> 1 for value in values))


def test_numbers_of_128_bits_are_refused_as_labels() -> None:
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"c": [1], "p": pl.Series([1], dtype=pl.Int128)})
    with pytest.raises(ColumnError, match="at most 64 bits"):
        B.from_long(frame, customer="c", product="p")


# ------------------------------------------------------------------- parts


@pytest.mark.parametrize("library", LIBRARIES)
def test_parts_may_differ_in_how_they_type_their_columns(library: str) -> None:
    first = table(library, {"c": np.array([1, 2], dtype=np.int32), "p": ["a", "b"], "m": [1, 2]})
    second = table(library, {"c": np.array([2**40, 2], dtype=np.int64), "p": ["a", "c"], "m": [0.5, 4.0]})
    found = B.from_long(iter([first, second]), customer="c", product="p", amounts=["m"])
    assert baskets_in(found) == Counter(
        {(frozenset("a"), frozenset(), None): 2, (frozenset("bc"), frozenset(), None): 1}
    )
    assert sorted(found.amounts["m"].tolist()) == [1.5, 6.0]


def test_an_empty_part_and_categories_of_parts_do_no_harm() -> None:
    nothing = pd.DataFrame({"c": [], "p": []})
    parts = [pd.DataFrame({"c": [place], "p": pd.Categorical([name])}) for place, name in enumerate("ab")]
    assert B.from_long([nothing, *parts, nothing], customer="c", product="p").products == ("a", "b")
    pl = pytest.importorskip("polars")
    enums = [pl.DataFrame({"c": [1], "p": pl.Series([name], dtype=pl.Enum([name]))}) for name in "ab"]
    assert baskets_in(B.from_long(enums, customer="c", product="p")) == Counter(
        {(frozenset("ab"), frozenset(), None): 1}
    )


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    "keys", [(np.array([1]), np.array(["1"])), (np.array([2**53]), np.array([2**53 + 1], dtype=np.uint64))]
)
def test_parts_whose_keys_cannot_be_compared_are_refused(library: str, keys: tuple[Any, Any]) -> None:
    """Text beside numbers; and signed beside unsigned, which some libraries would round to floats."""
    parts = [table(library, {"c": key.tolist() if key.dtype.kind == "U" else key, "p": ["a"]}) for key in keys]
    with pytest.raises(ColumnError, match=r"'c' .* in one frame and .* in another"):
        B.from_long(parts, customer="c", product="p")


def test_parts_of_several_libraries_are_refused() -> None:
    parts = [table(library, {"c": [1], "p": ["a"]}) for library in ("pandas", "polars")]
    with pytest.raises(DomainError, match="one library"):
        B.from_long(parts, customer="c", product="p")


def test_parts_keep_the_order_of_products_that_they_share() -> None:
    flags = pd.DataFrame({"z": [1, 0], "a": [1, 1]})
    assert B.from_wide([flags, flags]).products == B.from_wide(flags).products == ("z", "a")
    assert B.from_wide([flags, flags], products=["z", "a"]).products == ("z", "a")
    whole = B.from_wide(flags)
    assert (whole + whole).products == ("z", "a")
    assert (whole + B.from_wide(flags[["a", "z"]])).products == ("a", "z")
    pd.testing.assert_frame_equal(
        B.from_wide([flags.iloc[:1], flags.iloc[1:]]).to_frame(), B.from_wide(flags).to_frame()
    )


# ------------------------------------------------------------------- names


@pytest.mark.parametrize("name", ["customers", "held", "not_eligible", "segment"])
def test_an_amount_may_not_be_called_like_a_column_of_the_table(name: str) -> None:
    """The sums would stand where the table has its customers."""
    frame = pd.DataFrame({"c": [1, 2], "a": [1, 0], name: [10.0, 20.0]})
    with pytest.raises(DomainError, match=f"amounts names '{name}'"):
        B.from_wide(frame, customer="c", amounts=[name])
    with pytest.raises(DomainError, match=f"amounts names '{name}'"):
        B.from_long(frame, customer="c", product="a", amounts=[name])


@pytest.mark.parametrize(
    "build",
    [
        lambda: B.from_wide(pd.DataFrame(np.eye(3, dtype=int))),
        lambda: B.from_wide(pd.DataFrame({1: [1], "1": [0]})),
        lambda: B.from_wide(pd.DataFrame([[1, 0]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")]))),
        lambda: B.from_long(pd.DataFrame({0: [1], 1: ["a"]}), customer=0, product=1),  # type: ignore[arg-type]
    ],
)
def test_columns_without_a_text_for_a_name_are_refused(build: Callable[[], object]) -> None:
    with pytest.raises(ColumnError, match="named by text"):
        build()


def test_amounts_of_a_table_read_back_are_named_by_text() -> None:
    frame = pd.DataFrame({"held": [["a"]], "customers": [1], 0: [1.0]})
    with pytest.raises(DomainError, match="name columns by text"):
        B.from_frame(frame)


def test_a_table_read_back_without_eligibility_somewhere_is_refused() -> None:
    frame = pd.DataFrame({"held": [["a"], ["b"]], "not_eligible": [["b"], None], "customers": [1, 1]})
    with pytest.raises(DataError, match="text or null"):
        B.from_frame(frame)


def test_a_column_of_no_frame_is_refused() -> None:
    with pytest.raises(DomainError, match="no frame"):
        B.from_lists([["a"]], column="x")


def test_eligibility_in_another_order_of_customers_is_refused() -> None:
    flags = pd.DataFrame({"a": [1, 0, 0]}, index=["x", "y", "z"])
    may = pd.DataFrame({"a": [True, True, False]}, index=["x", "y", "z"])
    assert B.from_wide(flags, eligible=may).items()["eligible"].tolist() == [2]
    with pytest.raises(DomainError, match="another order"):
        B.from_wide(flags, eligible=may.loc[["z", "x", "y"]])
    assert B.from_wide(flags, eligible=may.reset_index(drop=True)).items()["eligible"].tolist() == [2]


def test_columns_may_be_called_like_those_of_the_table() -> None:
    flags = pd.DataFrame({"segment": [1, 0], "customers": [1, 0], "held": [0, 1]})
    assert baskets_in(B.from_wide(flags)) == Counter(
        {(frozenset({"segment", "customers"}), frozenset(), None): 1, (frozenset({"held"}), frozenset(), None): 1}
    )


def test_a_product_named_like_a_family_is_one_of_it() -> None:
    named = pd.DataFrame({"product": ["card", "gold"], "family": [None, "card"]})
    held = B.from_lists([["card", "gold"], ["gold"], []], products=basket.ProductCatalog.from_frame(named))
    assert held.at_family().items()["customers"].tolist() == [2]


def test_select_reads_an_iterator_once() -> None:
    held = B.from_lists([["a", "b"], ["b"]])
    assert held.select(iter(["b"])).to_frame()["held"].tolist() == [("b",)]  # type: ignore[arg-type]


# ------------------------------------------------------------------- lists


def test_baskets_may_be_any_iterables() -> None:
    found = B.from_lists(
        iter([(letter for letter in "ab"), {"a", "b"}, ("b", "a"), np.array(["a"], dtype=object)])
    )
    assert baskets_in(found) == Counter(
        {(frozenset("ab"), frozenset(), None): 3, (frozenset("a"), frozenset(), None): 1}
    )


@pytest.mark.parametrize(
    "held",
    [[[1], [True]], [[True], [1]], [[1], [1.0]], [[("a", "b")], [("c", "d")]], [[["a"]]], [[{"a": 1}]], [["  "]]],
)
def test_labels_of_other_kinds_are_refused_in_any_order(held: list[Any]) -> None:
    """True and 1.0 equal 1, so they were told by their place in the list."""
    with pytest.raises(DataError, match="other labels"):
        B.from_lists(held)


@pytest.mark.parametrize("counts", [np.array([2**63], dtype=np.uint64), [2**62], [2**53 + 2]])
def test_more_customers_than_are_counted_exactly_are_refused(counts: Any) -> None:
    with pytest.raises(DomainError, match="2\\^53"):
        B.from_lists([["a"]], counts=counts)
    assert B.from_lists([["a"]], counts=[2**53]).n_customers == 2**53


# ------------------------------------------------------------------- results


def test_amounts_cannot_be_exchanged() -> None:
    held = B.from_wide(pd.DataFrame({"a": [1], "m": [2.0]}), amounts=["m"])
    with pytest.raises(TypeError, match="frozen"):
        held.amounts["m"] = np.zeros(1)  # type: ignore[index]


def test_what_was_read_does_not_change_with_its_source() -> None:
    flags = np.array([[True, False], [True, True]])
    counts = np.array([5, 7])
    held, listed = B.from_wide(flags, products=["a", "b"]), B.from_lists([["a"], ["b"]], counts=counts)
    before = held.to_frame(), listed.to_frame()
    flags[:], counts[:] = False, 1
    pd.testing.assert_frame_equal(held.to_frame(), before[0])
    pd.testing.assert_frame_equal(listed.to_frame(), before[1])


def test_a_segment_that_chance_left_empty_is_no_error() -> None:
    """One customer of a hundred is in the second segment: one half is without it."""
    kept = pd.DataFrame({"held": [["a", "b"], ["a"], []], "segment": ["u", "u", "v"], "customers": [60, 39, 1]})
    halves = B.from_frame(kept).split(random_state=0)
    empty = next(half for half in halves if "v" not in set(half.to_frame()["segment"]))
    assert empty.segment("v").n_customers == 0
    assert np.isnan(empty.segment("v").coverage(1))
    checked = basket.rules(empty, min_count=1).segment_check(empty)
    both = int(empty.customers[np.diff(empty.indptr) == 2].sum())
    assert checked.n11.tolist() == [[both, both], [0, 0]]


@pytest.mark.parametrize("measures", [[["lift"]], [None], [1]])
def test_measures_are_named_by_text(measures: Any) -> None:
    held = B.from_lists([["a", "b"]])
    for found in (basket.rules(held, min_count=1), basket.pairs(held)):
        with pytest.raises(DomainError, match="no text"):
            found.to_frame(measures)


# ------------------------------------------------------------------- widths around one machine word


@pytest.mark.parametrize("n_products", [31, 32, 33, 62, 63, 64, 65, 130])
@pytest.mark.parametrize("eligible", [False, True])
@pytest.mark.parametrize("n_segments", [0, 1, 2, 70])
def test_the_width_of_a_row_does_not_show(n_products: int, eligible: bool, n_segments: int) -> None:  # noqa: FBT001 - a parameter
    """Flags, holdings, lists and parts give what plain sets give, in one order, within a word and beyond."""
    random = Random(1000 * n_products + 100 * eligible + n_segments)  # noqa: S311 - no cryptography
    names = [f"p{place:03d}" for place in range(n_products)]
    rows: list[tuple[Any, ...]] = []
    for _ in range(40):
        share = random.choice((0.0, 0.02, 0.5, 1.0))
        held = {name for name in names if random.random() < share}
        barred = {name for name in names if eligible and name not in held and random.random() < 0.1}
        rows.append(
            (frozenset(held), frozenset(barred), f"s{random.randrange(n_segments)}" if n_segments else None)
        )
    expected = Counter(rows)
    told: dict[str, Any] = {"segment": "seg"} if n_segments else {}
    segments = {"seg": [row[2] for row in rows]} if n_segments else {}
    flags = pd.DataFrame({name: [name in row[0] for row in rows] for name in names} | segments)
    may = pd.DataFrame({name: [name not in row[1] for row in rows] for name in names}) if eligible else None
    pairs = {place: [(key, name) for key, row in enumerate(rows) for name in row[place]] for place in (0, 1)}
    found = [
        B.from_wide(flags, eligible=may, **told),
        B.from_long(
            pd.DataFrame(pairs[0][::-1], columns=["c", "p"]),
            customer="c",
            product="p",
            products=names,
            population=pd.DataFrame({"c": range(40)} | segments),
            not_eligible=pd.DataFrame(pairs[1], columns=["c", "p"]) if eligible else None,
            **told,
        ),
    ]
    found.append(B.from_frame(found[0].to_frame(), products=names))
    for baskets in found:
        assert baskets_in(baskets) == expected
        pd.testing.assert_frame_equal(baskets.to_frame(), found[0].to_frame())
        assert baskets.segments == found[0].segments


def test_keys_in_the_wrong_column_are_not_shown() -> None:
    """Customer and product are swapped: the message counts the labels and names none."""
    frame = pd.DataFrame({"key": ["secret-1", "secret-2"], "what": ["a", "b"]})
    with pytest.raises(DataError, match=r"2 of 2 labels.*right one") as caught:
        basket.Baskets.from_long(frame, customer="what", product="key", products=["a", "b"])
    assert "secret" not in str(caught.value)


def test_arrow_views_of_text_are_keys_like_any() -> None:
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"customer": ["b", "a", "b"], "product": ["x", "y", "y"]})
    try:
        views = [table[name].cast(pa.string_view()) for name in table.column_names]
    except pa.ArrowNotImplementedError:
        pytest.skip("this PyArrow makes no views of text")
    found = basket.Baskets.from_long(pa.table(views, table.column_names), customer="customer", product="product")
    assert found.to_frame().equals(
        basket.Baskets.from_long(table, customer="customer", product="product").to_frame()
    )
