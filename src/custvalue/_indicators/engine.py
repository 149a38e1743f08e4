"""Transactions as checked rows on any engine: the one narrow path through narwhals.

The path keeps to what gives the same answer on every engine: a schema guard first, time as whole microseconds,
plain columns for every mask, one pass for all counts, and bare aggregates; no idea of a time zone, of text or of
missing numbers is left to an engine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import narwhals.stable.v2 as nw

from custvalue._engines import TICKS, collected, types_of, with_dates, with_ticks, wrapped
from custvalue._frames import LARGEST
from custvalue._indicators import rules
from custvalue._indicators.guard import BOOKED_TICKS, DAY, guard, with_dates_as_days, with_whole_days
from custvalue._indicators.local_days import SHIFT, SHIFT_DAYS, zone_offsets
from custvalue._indicators.moments import DAY_MICROSECONDS
from custvalue._indicators.plan import Term, initiator_terms, side_term
from custvalue.exceptions import ColumnError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from custvalue._indicators.moments import AsOf
    from custvalue._indicators.plan import Clause, Condition
    from custvalue._indicators.report import SchemaReport
    from custvalue._indicators.schema import TransactionSchema

Frame: TypeAlias = nw.DataFrame[Any] | nw.LazyFrame[Any]


@dataclass(frozen=True)
class History(rules.Counts):
    """Checked rows before as-of, in canonical columns, with the counts of what was found."""

    rows: Frame = None  # type: ignore[assignment]  # always given; the base has defaults
    masks: Mapping[Term, str] | None = None


def read(transactions: object, schema: TransactionSchema) -> Frame:
    """Wrap the transactions and guard the schema."""
    frame = with_dates(wrapped(transactions, argument="transactions"), schema.time, schema.booked)
    guard(frame, schema)
    return frame


def one_row(frame: Frame, expressions: Iterable[nw.Expr]) -> dict[str, Any]:
    """Collect one row of totals."""
    chosen = list(expressions)
    return dict(collected(frame.select(*chosen)).rows(named=True)[0]) if chosen else {}


def joined(left: Frame, right: Frame, *, on: str = "key") -> Frame:
    """Join the right frame to the left one."""
    return left.join(right, on=on, how="left")  # type: ignore[arg-type]  # both eager or both lazy


def whole(value: Any) -> int:
    """Give a total as a whole number, null and NaN as 0."""
    return 0 if value is None or value != value else int(value)  # noqa: PLR0124 - NaN differs from itself


def decimals_of(frame: Frame, schema: TransactionSchema) -> int | None:
    """Give the digits after the point of every amount, by the schema or by a decimal column's own scale."""
    if schema.decimals is not None or not schema.amount or schema.rate or schema.joint == "share":
        return schema.decimals
    scale = getattr(types_of(frame)[schema.amount], "scale", None)
    return int(scale) if scale is not None and 0 <= scale <= 6 else None  # noqa: PLR2004 - as the schema's field


# ---------------------------------------------------------------------------------------------------- time


def day_of(instant: nw.Expr, zone: ZoneInfo | None, first: int = 0, last: int = 0) -> nw.Expr:
    """Give the local calendar day of instants between two bounds, in days since 1970-01-01."""
    return (local_of(instant, zone, first, last) + SHIFT) // DAY_MICROSECONDS - SHIFT_DAYS


def local_of(instant: nw.Expr, zone: ZoneInfo | None, first: int, last: int) -> nw.Expr:
    """Give the local wall time of instants between two bounds, in microseconds."""
    local = instant
    if zone is not None:
        starts, offsets = zone_offsets(zone, first, last)
        for start, before, after in zip(starts, offsets, offsets[1:], strict=False):
            step = nw.when(instant >= start).then(nw.lit(after - before)).otherwise(nw.lit(0))
            local = local + step
        local = local + offsets[0]
    return local


def with_day(frame: Frame, schema: TransactionSchema, alias: str) -> Frame:
    """Add the local calendar day of a frame with ticks, by each engine's own division of whole numbers."""
    zone = schema.zone
    if zone is None and frame.implementation.is_polars():
        return with_dates_as_days(frame, schema.time, alias)
    if not (frame.implementation.is_duckdb() or frame.implementation.is_pyspark()):
        return frame.with_columns(day_of(nw.col(TICKS), zone, *bounds_of(frame, zone)).alias(alias))
    local = local_of(nw.col(TICKS), zone, *bounds_of(frame, zone))
    return with_whole_days(frame.with_columns(local.alias(alias)), alias)


def bounds_of(frame: Frame, zone: ZoneInfo | None) -> tuple[int, int]:
    """Give the first and last instant of rows whose zone matters."""
    if zone is None:
        return 0, 0
    found = one_row(frame, [nw.col(TICKS).min().alias("first"), nw.col(TICKS).max().alias("last")])
    first, last = (whole(value) for value in found.values())
    return first, last


# ---------------------------------------------------------------------------------------------------- codes


def _whole(code: str) -> int:
    number = int(code)
    if number.bit_length() > 63:  # noqa: PLR2004 - no engine holds it
        raise ValueError
    return number


def code_values(column: str, codes: Sequence[str], *, integer: bool) -> list[Any]:
    """Give codes as the column holds them."""
    if not integer:
        return list(codes)
    try:
        return [_whole(code) for code in codes]
    except ValueError:
        message = f"Column '{column}' holds integers and the schema or an indicator names a code that is none."
        raise ColumnError(message) from None


def term_mask(term: Term, types: Mapping[str, Any]) -> nw.Expr:
    """Mask the rows of a term as if it held; never null, whatever the engine makes of a null code."""
    column = nw.col(term.column)
    if types[term.column] == nw.Boolean:
        return column.fill_null(value=False) if term.codes is None else column.is_null()
    if term.codes is None:
        return column.is_null()
    chosen = code_values(term.column, term.codes, integer=types[term.column].is_integer())
    mask = column == chosen[0] if len(chosen) == 1 else column.is_in(chosen)
    return mask.fill_null(value=False)


def _positive(term: Term) -> Term:
    return term if term.holds else term.denied()


def _all(masks: Sequence[nw.Expr]) -> nw.Expr | None:
    found: nw.Expr | None = None
    for mask in masks:
        found = mask if found is None else found & mask
    return found


def any_of(masks: Sequence[nw.Expr]) -> nw.Expr:
    found = masks[0]
    for mask in masks[1:]:
        found = found | mask
    return found


def condition_mask(condition: Condition, names: Mapping[Term, str]) -> nw.Expr | None:
    """Mask the rows that meet a condition, by the columns that hold its terms; None for every row."""

    def clause(terms: Clause) -> nw.Expr:
        columns = [(nw.col(names[_positive(term)]), term.holds) for term in terms]
        return any_of([column if holds else ~column for column, holds in columns])

    return _all([clause(terms) for terms in condition])


def _terms(conditions: Iterable[Condition]) -> dict[Term, str]:
    """Give every term of some conditions a column."""
    found = dict.fromkeys(_positive(term) for condition in conditions for clause in condition for term in clause)
    return {term: f"term_{place}" for place, term in enumerate(found)}


# ---------------------------------------------------------------------------------------------- canonical rows


def _money(schema: TransactionSchema, decimals: int | None) -> list[nw.Expr]:
    """Give the amount and the balance in the reporting currency, or in whole smallest units."""
    chosen: list[nw.Expr] = []
    for alias, name in (("amount", schema.amount), ("balance", schema.balance)):
        if not name:
            continue
        number = nw.col(name).cast(nw.Float64())
        if schema.rate:
            number = number * nw.col(schema.rate).cast(nw.Float64())
        if decimals is not None:
            number = number * float(10**decimals)
        beyond = _true(number.abs() > rules.largest(decimals)) & _true(~number.is_nan())
        chosen.append(beyond.alias(f"{alias}_beyond"))
        number = nw.when(number.abs() <= rules.largest(decimals)).then(number)  # NaN, above or below, becomes null
        if decimals is not None:
            if alias == "amount":
                chosen.append(number.alias("exact"))
            number = number.round(0)
        chosen.append(number.alias(alias))
    return chosen


def _columns(schema: TransactionSchema, types: Mapping[str, Any], decimals: int | None) -> list[nw.Expr]:
    chosen = [nw.col(schema.customer).alias("key"), nw.col(TICKS).alias("instant"), nw.col(DAY).alias("day")]
    chosen += _money(schema, decimals)
    if schema.side:
        chosen.append(term_mask(side_term(schema, "credit"), types).alias("credit"))
        chosen.append(term_mask(side_term(schema, "debit"), types).alias("debit"))
    for name, column in (
        ("reversal", schema.reversal),
        ("order", schema.order if schema.balance else None),
        ("account", schema.account),
        ("currency", schema.currency),
        ("rate", schema.rate),
    ):
        if column:
            chosen.append(nw.col(column).alias(name))
    return chosen


def total(mask: nw.Expr, name: str) -> nw.Expr:
    return mask.cast(nw.Int64()).sum().alias(name)


def _true(mask: nw.Expr) -> nw.Expr:
    return mask.fill_null(value=False)


def amount_rules(schema: TransactionSchema, decimals: int | None) -> dict[str, nw.Expr]:
    """Mask the rows that each rule about money and order counts."""
    found = {}
    amount = nw.col("amount")
    if schema.amount:
        beyond = nw.col("amount_beyond")
        found["amount_null"] = amount.is_null() & ~beyond
        if schema.balance:
            beyond = beyond | nw.col("balance_beyond")
        rated = _true(nw.col("rate").cast(nw.Float64()) < LARGEST) if schema.rate else None
        found["amount_infinite"] = beyond if rated is None else beyond & rated
        negative = _true(amount < 0.0)
        if not schema.side:
            found["debits"] = negative
        elif schema.reversal:
            found["amount_negative"] = negative & ~_true(nw.col("reversal"))
        else:
            found["amount_negative"] = negative
    if decimals is not None:
        room = nw.col("exact").abs() * rules.ROUNDED + rules.WHOLE_TOLERANCE
        found["amount_not_whole"] = _true((nw.col("exact") - amount).abs() > room)
    if schema.rate:
        rate = nw.col("rate").cast(nw.Float64())
        found["rate_invalid"] = ~(_true(rate > 0.0) & _true(rate < LARGEST))
    if schema.balance:
        found["order_null"] = nw.col("order").is_null()
    return found


def history(
    frame: Frame,
    schema: TransactionSchema,
    *,
    as_of: AsOf | None = None,
    known_at: AsOf | None = None,
    decimals: int | None = None,
    conditions: Iterable[Condition] = (),
    labels: Mapping[Term, str] | None = None,
) -> History:
    """Keep the rows before as-of of a guarded frame in canonical columns, and count what the rules look for.

    With ``decimals`` the amounts and balances of the rows are whole smallest units.
    """
    types = types_of(frame)
    about_codes = rules.rule_conditions(schema)
    system, standing = initiator_terms(schema)
    excluded = {reason: rules.exclusion(marks) for reason, marks in schema.excluded.items()}
    every: list[Condition] = [*conditions, *about_codes.values(), *((clause,) for clause in excluded.values())]
    named = _terms([*every, *(((term,),) for term in (*system, *standing))])
    ticks = with_ticks(frame, schema.time)
    if known_at is not None:
        ticks = with_ticks(ticks, str(schema.booked), BOOKED_TICKS)
    ticks = with_day(ticks, schema, DAY)
    extra = [nw.col(BOOKED_TICKS).alias("booked")] if known_at is not None else []
    rows: Frame = ticks.select(
        *_columns(schema, types, decimals),
        *extra,
        *(term_mask(term, types).alias(name) for term, name in named.items()),
    )
    marks = {reason: any_of([nw.col(named[term]) for term in clause]) for reason, clause in excluded.items()}
    seen = Seen(nw.col("instant"), nw.col("key"), nw.col("booked") if known_at is not None else None, marks)
    lost, keep = lost_rows(seen, as_of, known_at)
    about = amount_rules(schema, decimals)
    about |= {name: condition_mask(condition, named) for name, condition in about_codes.items()}  # type: ignore[misc]  # no rule's condition is empty
    watched = {
        term: label for term, label in (dict(labels or {}) | rules.mark_labels(schema)).items() if term in named
    }
    totals = [total(mask, name) for name, mask in lost.items()]
    totals += [total(keep, "rows"), *(total(mask & keep, name) for name, mask in about.items())]
    totals += [total(nw.col(named[term]) & keep, f"seen {named[term]}") for term in watched]
    totals.append(nw.when(keep).then(nw.col("day")).max().alias("last_day"))
    counts = {name: whole(value) for name, value in one_row(rows, totals).items()}
    absent = tuple(
        dict.fromkeys(label for term, label in watched.items() if not counts.pop(f"seen {named[term]}"))
    )
    rows = rows.filter(keep)
    counts |= several(rows, schema)
    return History(counts, absent, rows, named)


@dataclass(frozen=True)
class Seen:
    """Where the facts stand by which rows are left out: time, key, booking time, and a mask for each reason."""

    time: nw.Expr
    key: nw.Expr | None
    booked: nw.Expr | None
    marks: Mapping[str, nw.Expr]


def lost_rows(seen: Seen, as_of: AsOf | None, known_at: AsOf | None) -> tuple[dict[str, nw.Expr], nw.Expr]:
    """Mask what is left out and why, and what is kept; what is wrong with a row left out is no matter."""
    time = seen.time
    late = time.is_null() & ~time.is_null()  # no row
    if as_of is not None:
        late = _true(time >= as_of.instant(as_of.wall))
    masks: dict[str, nw.Expr] = {}
    inside = ~late
    for reason, marked in seen.marks.items():
        masks[f"excluded_{reason}"] = marked & ~late
        inside = inside & ~marked
    if as_of is not None:
        masks["rows_after_as_of"] = late
    if known_at is not None and seen.booked is not None:
        unknown = _true(seen.booked >= known_at.instant(known_at.wall))
        masks["rows_known_later"] = inside & unknown
        inside = inside & ~unknown
        masks["booked_null"] = inside & seen.booked.is_null()
    kept = inside & ~time.is_null()
    if seen.key is not None:
        masks["customer_null"] = inside & seen.key.is_null()
        kept = kept & ~seen.key.is_null()
    masks["time_null"] = inside & time.is_null()
    return masks, kept


def several(rows: Frame, schema: TransactionSchema) -> dict[str, int]:
    """Count the currencies beyond the first, and the accounts that several customers share."""
    found = {}
    if schema.currency and not schema.rate:
        kinds = len(collected(rows.select(nw.col("currency")).unique()))
        found["currency_mixed"] = kinds if kinds > 1 else 0
    if schema.account and schema.joint == "refuse":
        pairs = rows.filter(~nw.col("account").is_null()).select("account", "key").unique()
        owners = pairs.group_by("account").agg(nw.len().alias("owners"))
        found["customer_ambiguous"] = int(one_row(owners, [total(nw.col("owners") > 1, "shared")])["shared"] or 0)
    return found


def check(transactions: object, schema: TransactionSchema) -> SchemaReport:
    """Check a table without computing anything from it."""
    frame = read(transactions, schema)
    coded: dict[Term, str] = {}
    vocabularies = [
        (schema.kind, schema.kinds),
        (schema.channel, schema.channels),
        (schema.product, schema.products),
    ]
    vocabularies += [(schema.side, {"credit": schema.credit, "debit": schema.debit}), *schema.attributes.items()]
    for column, vocabulary in [*vocabularies, *schema.system.items(), *schema.standing_order.items()]:
        names = vocabulary.values() if hasattr(vocabulary, "values") else [vocabulary]
        if column:
            coded |= {Term(column, (code,)): f"{column} '{code}'" for codes in names for code in codes}
    terms = [((term,),) for term in coded]
    found = history(frame, schema, decimals=decimals_of(frame, schema), conditions=terms, labels=coded)
    marks = set(rules.mark_labels(schema).values())
    report = rules.report(found.counts, schema)
    absent = [label for label in found.absent if label not in marks]
    return replace(report, rules=(*report.rules, rules.code_rule(absent)))
