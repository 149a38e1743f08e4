"""From transactions to the table of a summary: the settings, the path to the totals, the report, the columns."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import narwhals.stable.v2 as nw
import numpy as np

from custvalue._indicators import engine, guard, moments, rules
from custvalue._indicators.indicators import Frequency, Initiator
from custvalue._indicators.plan import Conditions
from custvalue._indicators.report import Rule, SchemaReport
from custvalue._indicators.schema import TransactionSchema
from custvalue._purchase_histories import purchases, purchases_on_engines
from custvalue._purchase_histories.purchases import (
    AmountRules,
    NegativeRule,
    NullRule,
    Span,
    TimeUnit,
    Totals,
    ZeroRule,
)
from custvalue._purchase_histories.tables import Convention
from custvalue._results import provenance
from custvalue._spec import require
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from custvalue._indicators.plan import Condition
    from custvalue._typing import FloatArray

_EPOCH: Final = dt.date(1970, 1, 1)
#: Fields of a schema that say which rows are read and what they are worth; a summary reads no other.
_READ: Final = frozenset(
    {"customer", "time", "amount", "account", "currency", "rate", "decimals", "reversal", "system"}
    | {"standing_order", "excluded", "refunds", "time_zone", "spec_version"}
)
#: Those of them that the fast path reads; with any other the canonical rows are made first.
_PLAIN: Final = frozenset({"customer", "time", "amount", "reversal", "refunds", "time_zone", "spec_version"})


@dataclass(frozen=True, slots=True)
class Settings:
    """How a summary is asked for: days as numbers, and every rule by name."""

    end: dt.date
    calibration: dt.date | None
    time_unit: TimeUnit
    zero_amounts: ZeroRule
    null_amounts: NullRule
    negative_amounts: NegativeRule
    initiators: tuple[Initiator, ...]
    convention: Convention
    on_invalid: Literal["raise", "report"]

    @property
    def span(self) -> Span:
        """The last days as numbers."""
        end = (self.end - _EPOCH).days
        last = end if self.calibration is None else (self.calibration - _EPOCH).days
        return Span(last, end, self.time_unit)

    def json(self) -> str:
        """Give the settings as JSON text."""
        values = {name: getattr(self, name) for name in self.__slots__}
        dated = {
            name: value.isoformat() if isinstance(value, dt.date) else value for name, value in values.items()
        }
        return json.dumps(dated, sort_keys=True)


def _check(settings: Settings) -> None:
    for name, allowed in (
        ("time_unit", TimeUnit),
        ("zero_amounts", ZeroRule),
        ("null_amounts", NullRule),
        ("negative_amounts", NegativeRule),
        ("convention", Convention),
        ("on_invalid", Literal["raise", "report"]),
    ):
        if getattr(settings, name) not in get_args(allowed):
            message = f"{name} must be one of {', '.join(get_args(allowed))}."
            raise DomainError(message)
    if settings.calibration is not None and settings.time_unit.startswith("calendar"):
        day = (settings.calibration - _EPOCH).days
        if purchases.period(day, settings.time_unit) == purchases.period(day + 1, settings.time_unit):
            what = settings.time_unit.removeprefix("calendar_")[:-1]
            message = (
                f"calibration_end lies within a {what}, part of which would be counted on either side; allowed "
                f"with time_unit='{settings.time_unit}': the last day of a {what}."
            )
            raise DomainError(message)
    if settings.end == dt.date.max:
        message = "observation_end is the last day of the calendar; allowed: an earlier one."
        raise DomainError(message)


def _narrowed(schema: TransactionSchema) -> TransactionSchema:
    """Keep the fields that a summary reads, so that no other column is asked for."""
    if schema.joint != "refuse":
        message = (
            f"The schema says joint='{schema.joint}', which needs holders; a summary reads the customer's key "
            "from the transactions. Join the holders first and leave 'joint' out."
        )
        raise DomainError(message)
    own = {name: getattr(schema, name) for name in type(schema).model_fields if name in _READ}
    return TransactionSchema.model_validate(own)


def _require_exact(rows: engine.Frame) -> None:
    """Refuse whole units of a customer that are too many to be added up exactly, in any order."""
    volume = nw.col("amount").abs().sum().alias("volume")
    whole = engine.one_row(rows, [volume])["volume"] or 0.0
    if whole > rules.EXACT:
        sized = rows.with_columns(nw.col("amount").abs().alias("size")).group_by("key").agg(nw.col("size").sum())
        if engine.one_row(sized, [nw.col("size").max().alias("most")])["most"] > rules.EXACT:
            raise DataError(rules.TOO_LARGE)


def summarised(transactions: Any, schema: TransactionSchema, settings: Settings) -> dict[str, Any]:
    """Give the fields of the result."""
    require(schema, TransactionSchema, "schema")
    _check(settings)
    narrow = _narrowed(schema)
    condition = Conditions(narrow).of(Frequency(name="purchase", initiators=settings.initiators), reversals=True)
    frame = engine.read(transactions, narrow)
    totals = _totals(frame, narrow, settings, condition)
    report = _report(totals, narrow, settings)
    table = _table(totals, schema, settings)
    counts = {
        "rows": totals.counts["rows"],
        "customers": len(totals.days),
        "repeaters": int(np.count_nonzero(totals.days > 1)),
    }
    spec = schema.model_dump_json() + "\n" + settings.json()
    return {
        "table": table,
        "schema": schema,
        "time_unit": settings.time_unit,
        "convention": settings.convention,
        "observation_end": settings.end.isoformat(),
        "report": report,
        "provenance": provenance(spec, **counts),
    }


def _totals(frame: engine.Frame, schema: TransactionSchema, settings: Settings, condition: Condition) -> Totals:
    """Take the fast path where plain columns are in memory, else the canonical rows of the engine."""
    span = settings.span
    amounts = AmountRules(settings.zero_amounts, settings.null_amounts, settings.negative_amounts, schema.refunds)
    fields = type(schema).model_fields
    given = {
        name for name in _READ if getattr(schema, name) != fields[name].get_default(call_default_factory=True)
    }
    decimals = engine.decimals_of(frame, schema)
    if isinstance(frame, nw.DataFrame) and given <= _PLAIN and decimals is None:
        return purchases.totals(*purchases.read_columns(frame, schema, span.end), amounts, span)
    following = settings.end + dt.timedelta(days=1)
    as_of = moments.resolve(following, aware=guard.is_aware(frame, schema), time_zone=schema.time_zone)
    found = engine.history(frame, schema, as_of=as_of, decimals=decimals, conditions=[condition])
    _refuse_failures(rules.report(found.counts, schema), settings)
    counts = dict(found.counts)
    if not counts["rows"]:
        message = (
            f"transactions holds no row up to {settings.end.isoformat()}; check the dates and the time column."
        )
        raise DataError(message)
    if decimals is not None:
        _require_exact(found.rows)
    if counts["rows_after_as_of"]:
        counts["everyone"] = _customers(frame, schema)
    initiated = engine.condition_mask(condition, found.masks or {})
    if isinstance(found.rows, nw.DataFrame):
        rows = found.rows if initiated is None else found.rows.with_columns(initiated.alias("initiated"))
        made = purchases.totals(*purchases.read_history(rows, schema, counts), amounts, span)
    else:
        made = purchases_on_engines.totals(found.rows, initiated, schema, amounts, span, counts)
    return replace(made, absent=found.absent, decimals=decimals)


def _customers(frame: engine.Frame, schema: TransactionSchema) -> int:
    """Count the customers with rows of any day."""
    if schema.excluded:
        return purchases_on_engines.n_keys(engine.history(frame, schema).rows)
    dated = frame.filter(~nw.col(schema.customer).is_null(), ~nw.col(schema.time).is_null())
    return purchases_on_engines.n_keys(dated, schema.customer)


def _refuse_failures(report: SchemaReport, settings: Settings) -> None:
    report.raise_failures(() if settings.on_invalid == "raise" else rules.LEFT_OUT)


# ------------------------------------------------------------------------------------------- report and table


def _report(totals: Totals, schema: TransactionSchema, settings: Settings) -> SchemaReport:
    """Refuse what is not declared, and say what was counted and what the rules made of it."""
    counts, last = totals.counts, "calibration_end" if settings.span.holds_out else "observation_end"
    found = rules.report(counts, schema)
    _refuse_failures(found, settings)
    for name, argument, what in (
        ("null", "null_amounts", "without an amount"),
        ("negative", "negative_amounts", "with a negative amount that no reversal marks"),
    ):
        if counts.get(name) and getattr(settings, argument) == "refuse":
            message = (
                f"transactions holds {counts[name]} row(s) {what}; mend them, or say by {argument} what they are."
            )
            raise DataError(message)
    if not len(totals.days):
        message = f"transactions holds no purchase up to {last}; check the dates, the time column and the rules."
        raise DataError(message)
    later = Rule(
        "rows_after_end", "pass", counts["rows_after_as_of"], "Rows of days after observation_end, left out"
    )
    kept = [later if rule.rule == "rows_after_as_of" else rule for rule in found.rules]
    asked = {"null": settings.null_amounts, "negative": settings.negative_amounts, "zero": settings.zero_amounts}
    pooled = counts["purchases"] - int(totals.days.sum())
    extra = [("purchases", counts["purchases"], f"Rows taken for purchases, up to {last}")]
    extra.append(
        ("purchases_pooled", pooled, "Of these, rows beyond the first of a customer's day, week or month")
    )
    if "others" in counts:
        extra.append(
            ("initiated_by_others", counts["others"], "Rows that none of the initiators set off, left out")
        )
    if schema.reversal or settings.negative_amounts == "refund":
        extra.append(("refunds", counts["refunds"], f"Rows taken for refunds; the rule is '{schema.refunds}'"))
    for name, rule in asked.items():
        if name in counts:
            extra.append((f"{name}_amounts", counts[name], f"Rows whose amount is {name}; the rule is '{rule}'"))
    extra.append(("customers_later", counts["customers_later"], f"Customers with no row up to {last}, left out"))
    meaning = f"Customers with rows up to {last} of which none is a purchase, left out"
    extra.append(("customers_without_purchase", counts["customers_without_purchase"], meaning))
    made = [*kept, *(Rule(name, "pass", count, meaning) for name, count, meaning in extra)]
    if totals.later is not None:
        low = int(np.count_nonzero(totals.later[totals.days > 1] <= 0.0))
        meaning = "Repeaters whose monetary_value is 0 or less: the Gamma-Gamma model reads none of them"
        made.append(Rule("monetary_not_positive", "warn" if low else "pass", low, meaning))
    if schema.system or schema.standing_order:
        made.append(rules.code_rule(totals.absent))
    return replace(found, rules=tuple(made))


def _time(periods: Any, unit: TimeUnit) -> FloatArray:
    return np.asarray(periods, dtype=np.float64) / (7.0 if unit == "weeks" else 1.0)


def _mean(total: FloatArray, count: Any, scale: float) -> FloatArray:
    some = np.asarray(count) > 0
    return np.where(some, total / np.where(some, count, 1) / scale, np.nan)


def _columns(totals: Totals, settings: Settings) -> dict[str, Any]:
    """Give the table's columns by the names of the convention, null as NaN."""
    span, scale = settings.span, 10.0 ** (totals.decimals or 0)
    stop, end = (purchases.period(day, span.unit) for day in (span.last, span.end))
    repeats = totals.days.astype(np.int64) - 1
    theirs = settings.convention == "lifetimes"
    behind = "_cal" if theirs and span.holds_out else ""
    made: dict[str, Any] = {
        f"frequency{behind}": repeats,
        f"recency{behind}" if theirs else "t_x": _time(totals.last.astype(np.int64) - totals.first, span.unit),
        f"T{behind}": _time(stop - totals.first.astype(np.int64), span.unit),
    }
    if totals.later is not None:
        made[f"monetary_value{behind}"] = _mean(totals.later, repeats, scale)
    if (held := totals.holdout) is not None:
        made["frequency_holdout"] = held.days.astype(np.int64)
        if held.money is not None:
            made["monetary_value_holdout"] = _mean(held.money, held.rows if theirs else held.days, scale)
        made["duration_holdout"] = np.full(len(repeats), _time(end - stop, span.unit))
    if theirs:
        made = {name: np.nan_to_num(values.astype(np.float64)) for name, values in made.items()}
    return made


def _table(totals: Totals, schema: TransactionSchema, settings: Settings) -> Any:
    columns = _columns(totals, settings)
    if schema.customer in columns:
        message = f"The key column '{schema.customer}' has a name of the table's own columns; rename it."
        raise ColumnError(message)
    keys = totals.keys.alias(schema.customer)
    backend = keys.implementation
    frame = keys.to_frame()
    frame = frame.with_columns(*(nw.new_series(name, data, backend=backend) for name, data in columns.items()))
    money = [name for name in columns if name.startswith("monetary_value")]
    frame = frame.with_columns(*(nw.when(~nw.col(name).is_nan()).then(nw.col(name)).alias(name) for name in money))
    return nw.maybe_reset_index(frame).to_native()
