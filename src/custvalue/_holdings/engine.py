"""Holdings collapsed where they lie: from DuckDB, Ibis, Spark, lazy Polars only distinct baskets come to memory.

A first query counts the rows of each product and segment; with the names found there each product becomes a bit.
A second one puts each customer's bits together and counts the customers of each combination. Keys never leave the
engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np

from custvalue import _frames
from custvalue._engines import guard_same_key, types_of, wrapped
from custvalue._holdings import engine_words as words
from custvalue._holdings import labels, refusals
from custvalue._holdings.encoded import Encoded, n_columns
from custvalue._holdings.engine_rows import Asked, Rows, amount, guard, kept, kind_of_key, looked_at
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from custvalue._holdings.engine_words import Lazy
    from custvalue._holdings.long_layout import Columns
    from custvalue._typing import IntArray


def stays_there(frame: object) -> bool:
    """Tell whether a frame is computed elsewhere, or later."""
    return isinstance(_frames.wrapped(frame), nw.LazyFrame)


class Tables(NamedTuple):
    """The tables as they were looked at; the population and who is not eligible may not be given."""

    held: Rows
    people: Rows | None
    barred: Rows | None

    @property
    def about_people(self) -> Rows:
        """The table that tells segments and amounts."""
        return self.people or self.held


def _tables(frame: object, columns: Columns, population: object, not_eligible: object) -> Tables:
    source: Lazy = wrapped(frame, argument="frame")  # type: ignore[assignment]  # nothing else stays there
    customer, product = columns.customer, columns.product
    told = (columns.segment, columns.amounts)
    asked = Asked(customer, product, *(told if population is None else (None, ())))
    mend = "Name the columns of the frame."
    key = kind_of_key(guard(source, asked, mend)[customer])
    labels.require_columns(types_of(source), columns.period.columns, mend)

    def beside(table: object, argument: str, asked: Asked, mend: str) -> Rows:
        other = wrapped(table, argument=argument)
        if not isinstance(other, nw.LazyFrame) or other.implementation is not source.implementation:
            message = (
                f"{argument} and frame are not of the same library; give both in the same one: both on the "
                "engine, or both in memory."
            )
            raise DomainError(message)
        kind = kind_of_key(guard(other, asked, mend)[customer])
        guard_same_key(customer, kind, key, argument=argument, table="frame")
        return looked_at(other, asked, key)

    held = looked_at(kept(source, columns.period), asked, key)
    people = barred = None
    if population is not None:
        mend = "population holds one row a customer, with these columns."
        people = beside(population, "population", Asked(customer, None, *told), mend)
    if not_eligible is not None:
        mend = "not_eligible needs both columns."
        barred = beside(not_eligible, "not_eligible", Asked(customer, product, None, ()), mend)
    return Tables(held, people, barred)


# ------------------------------------------------------------------------------------------------------- bits


class Bits(NamedTuple):
    """What the bits stand for, in the order of their columns: products held, not eligible, and segments."""

    prefixes: tuple[str, ...]
    names: tuple[str, ...]
    columns: NDArray[np.int32]

    @property
    def n_words(self) -> int:
        """Columns of bits."""
        return max(-(-len(self.columns) // words.BITS), 1)

    def joined(self, rows: Lazy, alias: str, prefix: str) -> tuple[Lazy, list[str]]:
        """Join the bits of a column's labels to its rows, null for a label without one; tell if there are any."""
        places = [place for place, one in enumerate(self.prefixes) if one == prefix]
        if not places:
            return rows, []
        named = rows if alias == prefix else rows.rename({alias: prefix})
        table = words.bit_table(named, [self.names[place] for place in places], places, prefix)
        return named.join(table, on=prefix, how="left"), [prefix]


def _bits(kinds: Mapping[str, tuple[Sequence[str], NDArray[np.int32]]]) -> Bits:
    """Give a bit to every label that has a column; refuse more than an engine is asked for."""
    found = sorted(
        (int(column), prefix, name)
        for prefix, (names, columns) in kinds.items()
        for name, column in zip(names, columns.tolist(), strict=True)
        if column >= 0
    )
    most = words.BITS * words.MOST_WORDS
    if len(found) > most:
        message = (
            f"The rows hold {len(found)} different labels (products, products not eligible and segments); on an "
            f"engine at most {most} are read. Name fewer with products= and on_unknown='ignore', or collect "
            "the rows."
        )
        raise DomainError(message)
    columns = np.array([column for column, _, _ in found], dtype=np.int32)
    return Bits(tuple(one[1] for one in found), tuple(one[2] for one in found), columns)


def _part(
    table: Rows, bits: Bits, prefixes: Mapping[str, str], n_amounts: int, *, person: bool, told: bool
) -> Lazy:
    """Give a table's rows as a key, bits, marks of a strange product and of a person (else null), and amounts."""
    rows, met = table.frame, list[str]()
    for alias, prefix in prefixes.items():
        rows, found = bits.joined(rows, alias, prefix)
        met += found
    nothing = nw.lit(None, nw.Int64())
    strange = nothing if person else nw.lit(1, nw.Int64())
    if met and met[0] != "segment":
        strange = nw.when(nw.col(f"{met[0]}_bit").is_null()).then(strange)
    chosen = [
        nw.col("key"),
        *(words.bits_of(met, place) for place in range(bits.n_words)),
        strange.alias("strange"),
    ]
    chosen.append((nw.lit(1, nw.Int64()) if person else nothing).alias("person"))
    amounts = map(amount, range(n_amounts))
    chosen += [nw.col(name) if told else nw.lit(0.0, nw.Float64()).alias(name) for name in amounts]
    return rows.select(*chosen)


def _parts(tables: Tables, bits: Bits, amounts: int) -> list[Lazy]:
    alone = tables.people is None
    prefixes = {"name": "name", "segment": "segment"} if alone else {"name": "name"}
    found = [_part(tables.held, bits, prefixes, amounts, person=False, told=alone)]
    if tables.people is not None:
        found.append(_part(tables.people, bits, {"segment": "segment"}, amounts, person=True, told=True))
    if tables.barred is not None:
        found.append(_part(tables.barred, bits, {"name": "barred"}, amounts, person=False, told=False))
    return found


# -------------------------------------------------------------------------------------------------- customers


def _counted(parts: Sequence[Lazy], n_words: int, amounts: int) -> nw.DataFrame[Any]:
    """Put each customer's bits together and count the customers of each combination."""
    try:
        rows = nw.concat(parts, how="vertical") if len(parts) > 1 else parts[0]
    except Exception as error:
        if "different connections" not in str(error):
            raise
        message = "frame, population and not_eligible are relations of different connections; make them on one."
        raise DomainError(message) from None
    bits = [words.word(place) for place in range(n_words)]
    person = ["person"] if len(parts) > 1 else []
    sums = [amount(place) for place in range(amounts)]
    customers = words.by_customer(rows, bits, ["strange", *person], sums)
    totals = [nw.len().alias("customers"), *(nw.col(name).sum() for name in ("strange", *sums))]
    return words.gathered(customers.group_by(*bits, *person).agg(*totals))


def _whole(table: nw.DataFrame[Any], name: str) -> IntArray:
    numbers: IntArray = table.get_column(name).to_numpy().astype(np.int64)
    return numbers


def _require_steady(strangers: int, what: str) -> None:
    """Refuse tables that change between two looks: labels that are new at the second have no bit, and are lost."""
    if strangers:
        message = (
            f"{what} changed while it was read: {strangers} row(s) or customer(s) are not those counted at first. "
            "Write the table down before: what changes, or what chance has a part in, cannot be counted."
        )
        raise DataError(message)


def _require_persons(table: nw.DataFrame[Any], customers: IntArray) -> None:
    persons = _whole(table, "person")
    refusals.refuse_doubled(int(((persons - 1) * customers)[persons > 1].sum()))
    refusals.refuse_strangers(int(customers[persons < 1].sum()))


def _require_one_segment(
    indptr: NDArray[np.int64], codes: NDArray[np.int32], customers: IntArray, first: int, name: str
) -> None:
    told: IntArray = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(codes >= first)))
    segments = told[indptr[1:]] - told[indptr[:-1]]
    refusals.refuse_several_segments(name, int(customers[segments > 1].sum()))
    _require_steady(int(customers[segments < 1].sum()), f"Column '{name}'")


def _require_apart(indptr: NDArray[np.int64], codes: NDArray[np.int32], customers: IntArray, n: int) -> None:
    """Refuse customers who hold what they are not eligible for."""
    row = np.repeat(np.arange(len(customers)), np.diff(indptr))
    held, barred = codes < n, (codes >= n) & (codes < 2 * n)
    both = np.intersect1d(row[held] * np.int64(n) + codes[held], row[barred] * np.int64(n) + codes[barred] - n)
    labels.refuse_overlap(int(customers[both // max(n, 1)].sum()))


def long_rows(
    frame: object,
    columns: Columns,
    *,
    products: object,
    population: object,
    not_eligible: object,
    on_unknown: str,
) -> Encoded:
    """Read holdings with one row a customer and product where they lie."""
    labels.require_unknown_choice(on_unknown)
    declared = labels.product_names(products)
    if not_eligible is not None and population is None:
        message = "not_eligible needs population: who is not eligible for a product need not hold any."
        raise DomainError(message)
    tables = _tables(frame, columns, population, not_eligible)
    held, segments = tables.held, tables.about_people.found("segment")
    every = held.found("name")
    places, names, _ = labels.placed(np.arange(len(every)), every, declared, on_unknown=on_unknown)
    ignored = sum(held.counts["name"][every[row]] for row in np.flatnonzero(places < 0).tolist())
    kinds = {"name": (every, places)}
    first_segment = n_columns(len(names), (), eligibility=tables.barred is not None)
    kinds["segment"] = (segments, first_segment + np.arange(len(segments), dtype=np.int32))
    if tables.barred is not None:
        out = tables.barred.found("name")
        barred = labels.placed(np.arange(len(out)), out, names, on_unknown="raise")[0]
        kinds["barred"] = (out, barred + np.int32(len(names)))
    bits = _bits(kinds)
    n_amounts = len(columns.amounts)
    table = _counted(_parts(tables, bits, n_amounts), bits.n_words, n_amounts)
    indptr, codes = words.sparse(table, bits.n_words, bits.columns)
    customers = _whole(table, "customers")
    _require_steady(abs(int(_whole(table, "strange").sum()) - ignored), f"Column '{columns.product}'")
    if tables.people is not None:
        _require_persons(table, customers)
    if columns.segment:
        _require_one_segment(indptr, codes, customers, first_segment, columns.segment)
    if tables.barred is not None:
        _require_apart(indptr, codes, customers, len(names))
    count = int(customers.sum())
    refusals.refuse_nobody(count)
    sums = {name: table.get_column(amount(place)).to_numpy() for place, name in enumerate(columns.amounts)}
    amounts = {name: np.asarray(numbers, dtype=np.float64) for name, numbers in sums.items()}
    counts = {"rows": held.n_rows, "rows_of_unknown_products": ignored, "customers": count}
    return Encoded(names, indptr, codes, customers, tables.barred is not None, segments, amounts, counts)
