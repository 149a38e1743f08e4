"""Holdings collapsed where they lie: on DuckDB, Ibis, Spark and lazy Polars only distinct baskets come to memory.

A first query counts the rows of each product (and segment), which is little; with the names found there each product
becomes a bit. A second one puts each customer's bits together and counts the customers of each combination. Keys
never leave the engine.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np

from custvalue import _frames
from custvalue._engines import Frame, guard_key_type, types_of, with_ticks
from custvalue._holdings import engine_words as words
from custvalue._holdings import labels
from custvalue._holdings.catalog import MOST_PRODUCTS
from custvalue._holdings.periods import Period, RowRules, refuse_wrong_rows, row_rules
from custvalue._moments import parsed
from custvalue.exceptions import ColumnError, DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from custvalue._holdings.long_layout import Columns

_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - the epoch of local wall time
_TEXT = (nw.Categorical, nw.Enum)


def stays_there(frame: object) -> bool:
    """Tell whether a frame is computed elsewhere, or later."""
    return isinstance(_frames.wrapped(frame), nw.LazyFrame)


class Rows(NamedTuple):
    """Rows that count, in canonical columns (key, name, segment, amounts), and what they hold."""

    frame: Frame
    count: int
    names: tuple[str, ...]
    rows_of_name: Mapping[str, int]
    segments: tuple[str, ...]


# ------------------------------------------------------------------------------------------------ which rows


def _ticks_of(moment: object) -> object:
    """Give a moment as microseconds of local wall time since 1970, as columns of time are; numbers stay."""
    if moment is None or isinstance(moment, int | np.integer):
        return moment
    found = parsed(moment, "as_of")
    wall = found if isinstance(found, dt.datetime) else dt.datetime.combine(found, dt.time())
    return (wall - _EPOCH) // dt.timedelta(microseconds=1)


def _in_ticks(frame: Frame, period: Period, types: Mapping[str, Any]) -> tuple[Frame, RowRules | None]:
    """Give the rules about time on whole numbers: engines read a literal of time in a zone of their own."""
    told = row_rules(period, types)  # refuses in the caller's words
    if told is None:
        return frame, None
    names: dict[str, str] = {}
    for place, name in enumerate(period.columns):
        names[name] = name
        if not types[name].is_integer():
            names[name] = f"__custvalue_time_{place}"
            frame = with_ticks(frame, name, names[name])
    opened, closed, time = (None if name is None else names[name] for name in period[:3])
    whole = Period(opened, closed, time, _ticks_of(period.since), _ticks_of(period.as_of))
    rules = row_rules(whole, types_of(frame))
    if rules is None:  # pragma: no cover - the columns are the same
        return frame, None
    return frame, RowRules(rules.kept, dict(zip(told.wrong, rules.wrong.values(), strict=True)))


def _kept(frame: Frame, period: Period) -> Frame:
    frame, rules = _in_ticks(frame, period, types_of(frame))
    if rules is None:
        return frame
    totals = [_count(rule, f"wrong_{place}") for place, rule in enumerate(rules.wrong.values())]
    if totals:
        found = words.gathered(frame.select(*totals)).rows()[0]
        refuse_wrong_rows(dict(zip(rules.wrong, (int(count or 0) for count in found), strict=True)))
    return frame.filter(rules.kept)


# ------------------------------------------------------------------------------------------------ what rows hold


def _count(mask: nw.Expr, name: str) -> nw.Expr:
    return mask.cast(nw.Int64()).sum().alias(name)


def _text(name: str, alias: str) -> nw.Expr:
    return nw.col(name).cast(nw.String()).alias(alias)


def _amount(place: int) -> str:
    return f"amount_{place}"


def _guard(types: Mapping[str, Any], columns: Columns, *, product: bool, attributes: bool, mend: str) -> None:
    """Refuse missing columns and wrong types of one table."""
    attributed = [*filter(None, [columns.segment]), *columns.amounts] if attributes else []
    labelled = [columns.product] if product else []
    labels.require_columns(types, [columns.customer, *labelled, *attributed], mend)
    if not isinstance(types[columns.customer], _TEXT):
        guard_key_type(columns.customer, types[columns.customer])
    for name in [*labelled, *filter(None, [columns.segment] if attributes else [])]:
        labels.guard_label(name, types[name])
    for name in columns.amounts if attributes else ():
        if not types[name].is_numeric():
            raise ColumnError.wrong_type(name, found=str(types[name]), allowed="numbers from 0")


def _canonical(frame: Frame, columns: Columns, key: Any, *, product: bool, attributes: bool) -> Frame:
    chosen = [nw.col(columns.customer).cast(key).alias("key")]
    if product:
        chosen.append(_text(columns.product, "name"))
    if attributes and columns.segment:
        chosen.append(_text(columns.segment, "segment"))
    if attributes:
        chosen += [
            nw.col(name).cast(nw.Float64()).alias(_amount(place)) for place, name in enumerate(columns.amounts)
        ]
    return frame.select(*chosen)


def _looked_at(rows: Frame, columns: Columns, *, product: bool, attributes: bool) -> Rows:
    """Count the rows of each product and segment; refuse null keys and labels, and wrong amounts."""
    by = [*(["name"] if product else []), *(["segment"] if attributes and columns.segment else [])]
    amounts = columns.amounts if attributes else ()
    totals = [nw.len().alias("rows"), _count(nw.col("key").is_null(), "null_keys")]
    for place in range(len(amounts)):
        number = nw.col(_amount(place))
        good = ((number >= 0.0) & (number <= _frames.LARGEST)).fill_null(value=False)
        totals.append(_count(~good, f"bad_{place}"))
    table = rows.group_by(*by).agg(*totals).head(MOST_PRODUCTS + 1) if by else rows.select(*totals)
    found = words.gathered(table).rows(named=True)
    if len(found) > MOST_PRODUCTS:
        message = f"The rows hold more than {MOST_PRODUCTS} different labels; is '{columns.product}' the product?"
        raise DataError(message)
    labels.refuse_null_keys(columns.customer, sum(int(row["null_keys"] or 0) for row in found))
    counts = _label_counts(found, by, columns)
    for place, name in enumerate(amounts):
        labels.refuse_bad_amounts(name, sum(int(row[f"bad_{place}"] or 0) for row in found))
    return Rows(
        rows,
        sum(int(row["rows"]) for row in found),
        tuple(sorted(counts.get("name", {}))),
        counts.get("name", {}),
        tuple(sorted(counts.get("segment", {}))),
    )


def _label_counts(
    found: Sequence[Mapping[str, Any]], by: Sequence[str], columns: Columns
) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {label: {} for label in by}
    for label, told, what in (("name", columns.product, "product"), ("segment", str(columns.segment), "segment")):
        if label not in by:
            continue
        for row in found:
            if row[label] is not None:
                counts[label][row[label]] = counts[label].get(row[label], 0) + int(row["rows"])
        labels.refuse_null_labels(told, sum(int(row["rows"]) for row in found if row[label] is None), what)
        labels.refuse_empty_labels(told, counts[label], what)
    return counts
