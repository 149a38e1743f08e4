"""Holdings in memory with one row a customer and product, read as rows of one customer each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from custvalue import _frames
from custvalue._holdings.encoded import Encoded, n_columns, of_people, of_words
from custvalue._holdings.labels import (
    People,
    guard_amounts,
    keys,
    labels,
    placed,
    product_names,
    refuse_overlap,
    require_columns,
    require_unknown_choice,
)
from custvalue._holdings.periods import Period, refuse_wrong_rows, row_rules
from custvalue._holdings.refusals import refuse_doubled, refuse_nobody, refuse_several_segments, refuse_strangers
from custvalue._kernels import basket_rows
from custvalue.exceptions import ColumnError, DomainError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from custvalue._typing import FloatArray


class Columns(NamedTuple):
    """The columns of a long table, by what they hold."""

    customer: str
    product: str
    segment: str | None
    amounts: tuple[str, ...]
    period: Period


def one_table(frame: object, columns: Columns) -> nw.DataFrame[Any]:
    """Give one frame in memory; an iterable of frames is read one after the other, needed columns only."""
    if _frames.is_frame(frame) or not isinstance(frame, Iterable) or isinstance(frame, np.ndarray | str | bytes):
        return _kept_rows(_frames.eager(frame, argument="frame"), columns)
    parts = [_kept_rows(_frames.eager(part, argument="frame"), columns) for part in frame]
    if not parts:
        message = "frame is an iterable without a single frame."
        raise DomainError(message)
    if len({part.implementation for part in parts}) > 1:
        message = "frame is an iterable of frames of several libraries; allowed: frames of one library."
        raise DomainError(message)
    parts = [part for part in parts if len(part)] or parts[:1]
    return nw.concat(_alike(parts)) if len(parts) > 1 else parts[0]


def _alike(parts: Sequence[nw.DataFrame[Any]]) -> list[nw.DataFrame[Any]]:
    """Give the columns of all parts one type: parts of one file may differ by what they happen to hold."""
    casts = []
    for name in parts[0].columns:
        series = [part.get_column(name) for part in parts]
        # narwhals takes categories for one type whatever they are; libraries do not.
        native = [one.to_native() for one in series]
        if len({getattr(one, "dtype", None) or one.type for one in native}) > 1:
            casts.append(nw.col(name).cast(_common(name, {one.dtype for one in series})))
    return [part.with_columns(*casts) for part in parts] if casts else list(parts)


def _common(name: str, kinds: Collection[Any]) -> Any:
    """Give a type that holds the values of all types; refuse text beside numbers, and what would be rounded."""
    if all(isinstance(kind, nw.String | nw.Categorical | nw.Enum) for kind in kinds):
        return nw.String()
    if all(kind.is_unsigned_integer() for kind in kinds):
        return nw.UInt64()
    if all(kind.is_integer() for kind in kinds) and nw.UInt64() not in kinds:
        return nw.Int64()
    if all(kind.is_numeric() for kind in kinds) and not all(kind.is_integer() for kind in kinds):
        return nw.Float64()
    found = " in one frame and ".join(sorted(str(kind) for kind in kinds)[:2])
    raise ColumnError.wrong_type(name, found=f"{found} in another", allowed="one type in all frames")


def _kept_rows(frame: nw.DataFrame[Any], columns: Columns) -> nw.DataFrame[Any]:
    types = dict(frame.schema)
    wanted = [columns.customer, columns.product, *filter(None, [columns.segment]), *columns.amounts]
    require_columns(types, [*wanted, *columns.period.columns], "Name the columns of the frame.")
    rules = row_rules(columns.period, types)
    if rules is not None:
        found = {message: int(frame.select(rule.sum()).item() or 0) for message, rule in rules.wrong.items()}
        refuse_wrong_rows(found)
        frame = frame.filter(rules.kept)
    return frame.select(list(dict.fromkeys(wanted)))


def _people_of_rows(table: nw.DataFrame[Any], columns: Columns) -> People:
    """Take the customers from the holdings: amounts are added over a customer's rows, the segment is the same."""
    place, found = keys(table.get_column(columns.customer), columns.customer)
    count = len(found)
    segments: tuple[str, ...] = ()
    segment: NDArray[np.int32] | None = None
    if columns.segment:
        codes, names = labels(table.get_column(columns.segment), columns.segment, "segment")
        segments, segment = tuple(names), np.zeros(count, dtype=np.int32)
        segment[place] = codes
        several = len(np.unique(place[segment[place] != codes]))
        refuse_several_segments(columns.segment, several)
    numbers = guard_amounts(table, columns.amounts)
    amounts = {name: _sums(place, held, count) for name, held in numbers.items()}
    return People(count, place, segment, segments, amounts)


def _sums(place: NDArray[Any], numbers: FloatArray, count: int) -> FloatArray:
    """Add numbers by customer, in ascending order, so that the order of the rows does not show."""
    order = np.argsort(numbers, kind="stable")
    return np.bincount(place[order], weights=numbers[order], minlength=count).astype(np.float64)


def _people_of_population(population: object, table: nw.DataFrame[Any], columns: Columns) -> People:
    people = _frames.eager(population, argument="population")
    wanted = [columns.customer, *filter(None, [columns.segment]), *columns.amounts]
    require_columns(dict(people.schema), wanted, "population holds one row a customer, with these columns.")
    codes, known = keys(people.get_column(columns.customer), columns.customer)
    doubled = len(codes) - len(known)
    refuse_doubled(doubled)
    place = _places_in(table.get_column(columns.customer), known, columns.customer)
    order = np.empty(len(codes), dtype=np.int64)
    order[codes] = np.arange(len(codes))
    segments: tuple[str, ...] = ()
    segment = None
    if columns.segment:
        found, names = labels(people.get_column(columns.segment), columns.segment, "segment")
        segment, segments = found[order].astype(np.int32), tuple(names)
    amounts = {name: numbers[order] for name, numbers in guard_amounts(people, columns.amounts).items()}
    return People(len(codes), place, segment, segments, amounts)


def _places_in(series: nw.Series[Any], known: nw.Series[Any], name: str) -> NDArray[np.int64]:
    """Give each row's customer as a place among the known ones; refuse strangers."""
    own, found = keys(series, name)
    if len(found) and found.dtype.is_integer() != known.dtype.is_integer():
        allowed = f"{known.dtype}, as in population"
        raise ColumnError.wrong_type(name, found=str(found.dtype), allowed=allowed, mend="Cast one of them.")
    there = pd.Index(known.to_list()).get_indexer(pd.Index(found.to_list(), dtype=None if len(found) else object))
    strangers = int((there < 0).sum())
    refuse_strangers(strangers)
    return there[own].astype(np.int64) if len(found) else np.empty(0, dtype=np.int64)


def long_rows(
    frame: object,
    columns: Columns,
    *,
    products: object,
    population: object,
    not_eligible: object,
    on_unknown: str,
) -> Encoded:
    """Read holdings with one row a customer and product."""
    require_unknown_choice(on_unknown)
    declared = product_names(products)
    own = columns if population is None else columns._replace(segment=None, amounts=())
    table = one_table(frame, own)
    people = (
        _people_of_rows(table, columns)
        if population is None
        else _people_of_population(population, table, columns)
    )
    codes, found = labels(table.get_column(columns.product), columns.product, "product")
    codes, names, ignored = placed(codes, found, declared, on_unknown=on_unknown)
    pairs = (people.place[codes >= 0], codes[codes >= 0]) if ignored else (people.place, codes)
    barred = None
    if not_eligible is not None:
        if population is None:
            message = "not_eligible needs population: who is not eligible for a product need not hold any."
            raise DomainError(message)
        barred = _barred_pairs(not_eligible, columns, names, population)
    counts = {"rows": len(table), "rows_of_unknown_products": ignored, "customers": people.count}
    return encoded(names, people, pairs, barred, counts)


def _barred_pairs(
    not_eligible: object, columns: Columns, names: tuple[str, ...], population: object
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    table = _frames.eager(not_eligible, argument="not_eligible")
    require_columns(dict(table.schema), (columns.customer, columns.product), "not_eligible needs both columns.")
    people = _frames.eager(population, argument="population")
    known = keys(people.get_column(columns.customer), columns.customer)[1]
    place = _places_in(table.get_column(columns.customer), known, columns.customer)
    codes, found = labels(table.get_column(columns.product), columns.product, "product")
    codes, _, _ = placed(codes, found, names, on_unknown="raise")
    return place, codes


def encoded(
    products: tuple[str, ...],
    people: People,
    held: tuple[NDArray[np.int64], NDArray[np.int32]],
    barred: tuple[NDArray[np.int64], NDArray[np.int32]] | None,
    counts: Mapping[str, int],
) -> Encoded:
    """Encode pairs of customers and products; few columns go through one word a customer."""
    n = len(products)
    width = n_columns(n, people.segments, eligibility=barred is not None)
    place, codes = held
    if barred is not None:
        both = np.intersect1d(place * np.int64(n) + codes, barred[0] * np.int64(n) + barred[1])
        refuse_overlap(len(both))
        place, codes = np.concatenate((place, barred[0])), np.concatenate((codes, barred[1] + np.int32(n)))
    if people.segment is not None:
        first = np.int32(width - len(people.segments))
        place = np.concatenate((place, np.arange(people.count)))
        codes = np.concatenate((codes, people.segment + first))
    refuse_nobody(people.count)
    eligibility = barred is not None
    if width <= basket_rows.WORD and not people.amounts:
        words = basket_rows.row_words(place, codes, people.count, width)
        return of_words(products, words, people, counts, eligibility=eligibility)
    rows = basket_rows.rows_of_pairs(place, codes, people.count, width)
    return of_people(products, rows, None, people, counts, eligibility=eligibility)
