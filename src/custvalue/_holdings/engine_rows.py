"""Tables on an engine before they are collapsed: which rows count, and which products and segments they hold."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np

from custvalue import _frames
from custvalue._engines import guard_key_type, key_type, types_of, with_ticks
from custvalue._holdings import engine_words as words
from custvalue._holdings import labels, refusals
from custvalue._holdings.catalog import MOST_PRODUCTS
from custvalue._holdings.periods import Period, RowRules, refuse_wrong_rows, row_rules
from custvalue._moments import parsed
from custvalue.exceptions import ColumnError, DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from custvalue._holdings.engine_words import Lazy

_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - the epoch of local wall time
_TEXT = (nw.Categorical, nw.Enum)
#: What Spark takes for a part of a struct, or for the end of a name.
_SPARK_ODD = frozenset(".`")


class Asked(NamedTuple):
    """The columns that are asked of one table."""

    customer: str
    product: str | None
    segment: str | None
    amounts: tuple[str, ...]

    @property
    def labels(self) -> dict[str, tuple[str, str]]:
        """Columns of labels: what they are called here, the caller's name, and what they tell."""
        told = {"name": (self.product, "product"), "segment": (self.segment, "segment")}
        return {alias: (name, what) for alias, (name, what) in told.items() if name is not None}

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, by the caller's names."""
        return (self.customer, *(name for name, _ in self.labels.values()), *self.amounts)


class Rows(NamedTuple):
    """Rows in columns of our own (key, name, segment, amounts), and the number of rows with each label."""

    frame: Lazy
    n_rows: int
    counts: Mapping[str, Mapping[str, int]]

    def found(self, alias: str) -> tuple[str, ...]:
        """Give the labels of one column, sorted."""
        return tuple(sorted(self.counts.get(alias, ())))


def amount(place: int) -> str:
    """Name a column of amounts."""
    return f"amount_{place}"


def kind_of_key(kind: Any) -> Any:
    """Give the type in which keys of several tables meet."""
    return nw.String() if isinstance(kind, _TEXT) else key_type(kind)


def guard(frame: Lazy, asked: Asked, mend: str) -> Mapping[str, Any]:
    """Refuse missing columns and wrong types of one table; give its types."""
    types = types_of(frame)
    labels.require_columns(types, asked.columns, mend)
    _guard_names(frame, asked.columns)
    if not isinstance(types[asked.customer], _TEXT):
        guard_key_type(asked.customer, types[asked.customer])
    for name, _ in asked.labels.values():
        labels.guard_label(name, types[name])
    for name in asked.amounts:
        if not types[name].is_numeric():
            raise ColumnError.wrong_type(name, found=str(types[name]), allowed="numbers from 0")
    return types


def _guard_names(frame: Lazy, names: Sequence[str]) -> None:
    odd = [name for name in names if _SPARK_ODD & set(name)] if frame.implementation.is_pyspark() else []
    if odd:
        shown = ", ".join(repr(name) for name in odd)
        message = f"Column(s) {shown}: names with a dot or a backtick are not read from Spark; rename them first."
        raise ColumnError(message)


# ------------------------------------------------------------------------------------------------ which rows


def _ticks_of(moment: object) -> object:
    """Give a moment as microseconds of local wall time since 1970, as columns of time are; numbers stay."""
    if moment is None or isinstance(moment, int | np.integer):
        return moment
    found = parsed(moment, "as_of")
    wall = found if isinstance(found, dt.datetime) else dt.datetime.combine(found, dt.time())
    return (wall - _EPOCH) // dt.timedelta(microseconds=1)


def _in_ticks(frame: Lazy, period: Period) -> tuple[Lazy, RowRules | None]:
    """Give the rules about time on whole numbers: engines read a literal of time in a zone of their own."""
    types = types_of(frame)
    told = row_rules(period, types)  # refuses in the caller's words
    if told is None:
        return frame, None
    _guard_names(frame, period.columns)
    names = {name: name for name in period.columns}
    endless = {}
    for place, name in enumerate(period.columns):
        if types[name].is_integer():
            continue
        names[name] = f"__custvalue_time_{place}"
        frame = with_ticks(frame, name, names[name])  # type: ignore[assignment]  # lazy as it was
        message = f"Column '{name}' holds {{}} time(s) that are infinite; a holding that is open has a null end."
        endless[message] = nw.col(names[name]).is_null() & ~nw.col(name).is_null()
    opened, closed, time = (None if name is None else names[name] for name in period[:3])
    whole = Period(opened, closed, time, _ticks_of(period.since), _ticks_of(period.as_of))
    rules = row_rules(whole, types_of(frame)) or told
    return frame, RowRules(rules.kept, endless | dict(zip(told.wrong, rules.wrong.values(), strict=True)))


def kept(frame: Lazy, period: Period) -> Lazy:
    """Keep the rows that count; refuse those that are wrong."""
    frame, rules = _in_ticks(frame, period)
    if rules is None:
        return frame
    totals = [_count(rule, f"wrong_{place}") for place, rule in enumerate(rules.wrong.values())]
    if totals:
        found = words.gathered(frame.select(*totals)).rows()[0]
        refuse_wrong_rows(dict(zip(rules.wrong, (int(count or 0) for count in found), strict=True)))
    return frame.filter(rules.kept)


# -------------------------------------------------------------------------------------------- what rows hold


def _count(mask: nw.Expr, name: str) -> nw.Expr:
    return mask.cast(nw.Int64()).sum().alias(name)


def looked_at(frame: Lazy, asked: Asked, key: Any) -> Rows:
    """Count the rows of each product and segment; refuse null keys and labels, and wrong amounts."""
    chosen = [nw.col(asked.customer).cast(key).alias("key")]
    chosen += [nw.col(name).cast(nw.String()).alias(alias) for alias, (name, _) in asked.labels.items()]
    chosen += [nw.col(name).cast(nw.Float64()).alias(amount(place)) for place, name in enumerate(asked.amounts)]
    rows = frame.select(*chosen)
    totals = [nw.len().alias("rows"), _count(nw.col("key").is_null(), "null_keys")]
    for place in range(len(asked.amounts)):
        number = nw.col(amount(place))
        good = ((number >= 0.0) & (number <= _frames.LARGEST)).fill_null(value=False)
        totals.append(_count(~good, f"wrong_{place}"))
    by = list(asked.labels)
    table = rows.group_by(*by).agg(*totals) if by else rows.select(*totals)
    # The filter loses nothing; without it Polars 1.20 hands the number of rows to its groups and breaks off.
    few = table.filter(nw.col("rows") > 0).head(MOST_PRODUCTS + 1) if by else table
    found = words.gathered(few).rows(named=True)
    if len(found) > MOST_PRODUCTS:
        names = ", ".join(f"'{name}'" for name, _ in asked.labels.values())
        message = f"Column(s) {names} hold more than {MOST_PRODUCTS} different labels; name the right columns."
        raise DataError(message)

    def total(name: str) -> int:
        return sum(int(row[name] or 0) for row in found)

    refusals.refuse_null_keys(asked.customer, total("null_keys"))
    counts = {alias: _label_counts(found, alias, *told) for alias, told in asked.labels.items()}
    for place, name in enumerate(asked.amounts):
        refusals.refuse_wrong_amounts(name, total(f"wrong_{place}"))
    return Rows(rows, total("rows"), counts)


def _label_counts(found: Sequence[Mapping[str, Any]], alias: str, name: str, what: str) -> dict[str, int]:
    counts: dict[str | None, int] = {}
    for row in found:
        counts[row[alias]] = counts.get(row[alias], 0) + int(row["rows"])
    refusals.refuse_null_labels(name, counts.pop(None, 0), what)
    told = {text: count for text, count in counts.items() if text is not None}
    refusals.refuse_empty_labels(name, told, what)
    return told
