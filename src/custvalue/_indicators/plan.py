"""What an indicator set needs from the rows: conditions on codes, and what is taken of the rows that meet them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from custvalue._indicators.indicators import Frequency, Length, Monetary, Recency
from custvalue.exceptions import ColumnError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

    from custvalue._indicators.indicator_sets import IndicatorSet
    from custvalue._indicators.indicators import Indicator
    from custvalue._indicators.moments import AsOf
    from custvalue._indicators.schema import TransactionSchema


@dataclass(frozen=True, slots=True)
class Term:
    """One statement about a row: its code in a column is among some, or is not; a null code is among none.

    ``codes`` None asks for null; in the boolean column of reversals it is the mark itself, and no codes are null.
    """

    column: str
    codes: tuple[str, ...] | None
    holds: bool = True

    def denied(self) -> Term:
        """Give the opposite statement."""
        return Term(self.column, self.codes, not self.holds)


#: Terms of which one must hold.
Clause: TypeAlias = tuple[Term, ...]
#: Clauses that must all hold; none is every row.
Condition: TypeAlias = tuple[Clause, ...]

What: TypeAlias = Literal[
    "count", "days", "first_day", "last_day", "paid", "paid_count", "largest", "std", "signed", "weighted"
]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One number a customer: ``what`` is taken of the rows that meet a condition within a span of time.

    ``count`` rows, ``days`` distinct local days, ``first_day``, ``last_day``; of money ``paid`` (sum of absolute
    amounts, netted reversals taken off), ``paid_count`` (rows with an amount), ``largest`` and ``std`` (of
    absolute amounts), ``signed`` (sum with the sign of the balance) and ``weighted`` (the same, each times the
    days of the span, from ``start`` on, on whose closing balance it counts).
    """

    what: What
    condition: Condition = ()
    start: dt.datetime | None = None
    end: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The aggregates of a set, each once, and for every indicator those that its value is made of.

    Attributes
    ----------
    needs : tuple of mapping of str to Aggregate
        By part: ``value``, and where needed ``whole``, ``count``, ``first``, ``last``, ``days``, ``previous``.
    labels : mapping of Term to str
        What a term is called in a report of codes that no row carries.
    always : tuple of Aggregate
        What every table needs: rows, first day, and the last where customers close.
    """

    needs: tuple[Mapping[str, Aggregate], ...]
    labels: Mapping[Term, str] = field(default_factory=dict)
    always: tuple[Aggregate, ...] = (Aggregate("count"), Aggregate("first_day"))

    @property
    def aggregates(self) -> tuple[Aggregate, ...]:
        """Every aggregate once, in the order of first need."""
        return tuple(dict.fromkeys((*self.always, *(one for parts in self.needs for one in parts.values()))))


#: Name of the field of the schema that holds the column, of its vocabulary, and of the indicator's filter.
_CODED = (("kind", "kinds"), ("channel", "channels"), ("product", "products"))


def _codes(
    names: Sequence[str], vocabulary: Mapping[str, Sequence[str]], what: str, where: str
) -> tuple[str, ...]:
    missing = [name for name in names if vocabulary and name not in vocabulary]
    if missing:
        message = (
            f"An indicator reads the {what} '{missing[0]}', which {where} of the schema does not map. "
            f"Mapped: {', '.join(vocabulary)}."
        )
        raise ColumnError(message)
    return tuple(dict.fromkeys(code for name in names for code in vocabulary.get(name, (name,))))


class Conditions:
    """Conditions of a set of indicators over the columns of a schema, with a label for each of their terms."""

    def __init__(self, schema: TransactionSchema) -> None:
        self._schema = schema
        self.labels: dict[Term, str] = {}

    def _term(self, column: str, codes: Iterable[str], label: str) -> Term:
        term = Term(column, tuple(codes))
        self.labels.setdefault(term, label)
        return term

    def _coded(self, indicator: Indicator) -> list[Clause]:
        clauses: list[Clause] = []
        for what, plural in _CODED:
            names = getattr(indicator, plural)
            if names is None:
                continue
            column, vocabulary = getattr(self._schema, what), getattr(self._schema, plural)
            if column is None:
                message = (
                    f"An indicator reads the {what} '{names[0]}' and the schema names no {what} column. Name it."
                )
                raise ColumnError(message)
            clauses.append(
                tuple(
                    self._term(column, _codes([name], vocabulary, what, f"'{plural}'"), f"{what} {name}")
                    for name in dict.fromkeys(names)
                )
            )
        for column, names in indicator.where.items():
            if column not in self._schema.attributes:
                message = (
                    f"Indicator '{indicator.name}' reads the attribute '{column}', which 'attributes' of the "
                    "schema does not name. Name it there."
                )
                raise ColumnError(message)
            vocabulary = self._schema.attributes[column]
            clauses.append(
                tuple(
                    self._term(
                        column,
                        _codes([name], vocabulary, f"name of '{column}'", "'attributes'"),
                        f"{column} {name}",
                    )
                    for name in dict.fromkeys(names)
                )
            )
        return clauses

    def _side(self, indicator: Indicator) -> list[Clause]:
        if indicator.sides is None or len(set(indicator.sides)) != 1:
            return []
        if self._schema.side is None:
            message = f"Indicator '{indicator.name}' reads one side and the schema names no side column. Name it."
            raise ColumnError(message)
        return [(side_term(self._schema, indicator.sides[0]),)]

    def _initiated(self, indicator: Indicator) -> list[Clause]:
        """Say who set a row off: the bank's own mark comes first, then that of a standing order."""
        allowed = set(indicator.initiators)
        system, standing = initiator_terms(self._schema)
        if "customer" not in allowed and not any(
            marks for name, marks in (("system", system), ("standing_order", standing)) if name in allowed
        ):
            message = (
                f"Indicator '{indicator.name}' reads rows of {sorted(allowed)} only and the schema marks none: "
                "give 'system' or 'standing_order'."
            )
            raise ColumnError(message)
        if len(allowed) == 3:  # noqa: PLR2004 - customer, standing order and system
            return []
        if allowed == {"system"}:
            return [system]
        if allowed == {"system", "standing_order"}:
            return [(*system, *standing)]
        if allowed == {"customer", "system"}:
            return [(term.denied(), *system) for term in standing]
        clauses: list[Clause] = [(term.denied(),) for term in system]
        if allowed == {"standing_order"}:
            return [*clauses, standing]
        if allowed == {"customer"}:
            clauses += [(term.denied(),) for term in standing]
        return clauses

    def of(self, indicator: Indicator, *, reversals: bool = False, whole: bool = False) -> Condition:
        """Give the rows an indicator reads, with reversals or not; ``whole`` leaves out what it is a share by."""
        clauses = [] if whole else self._coded(indicator)
        clauses += self._side(indicator) + self._initiated(indicator)
        if self._schema.reversal and self._schema.refunds != "as_is" and not reversals:
            clauses.append((Term(self._schema.reversal, None, holds=False),))
        return tuple(clauses)


def side_term(schema: TransactionSchema, side: Literal["credit", "debit"]) -> Term:
    """Say that a row is a credit, or a debit."""
    return Term(str(schema.side), tuple(getattr(schema, side)))


def initiator_terms(schema: TransactionSchema) -> tuple[Clause, Clause]:
    """Give the marks of the bank's own rows and of standing orders."""
    system, standing = (
        tuple(Term(column, tuple(codes)) for column, codes in marks.items())
        for marks in (schema.system, schema.standing_order)
    )
    return system, standing


def _needs_money(indicator: Indicator, schema: TransactionSchema) -> None:
    if isinstance(indicator, Monetary) and schema.amount is None:
        message = f"Indicator '{indicator.name}' reads money and the schema names no amount column. Name it."
        raise ColumnError(message)


def _money(
    indicator: Monetary,
    conditions: Conditions,
    schema: TransactionSchema,
    start: dt.datetime | None,
    before: dt.datetime | None,
) -> dict[str, Aggregate]:
    if indicator.measure == "last_balance":
        return {"value": Aggregate("signed")}
    if indicator.measure == "daily_average_balance":
        return {"value": Aggregate("weighted", (), start)}
    active = conditions.of(indicator)
    if indicator.measure == "max":
        return {"value": Aggregate("largest", active, start)}
    if indicator.measure == "std":
        return {"value": Aggregate("std", active, start)}
    netted = schema.refunds == "net"
    parts = {"value": Aggregate("paid", conditions.of(indicator, reversals=netted), start)}
    if indicator.measure == "mean":
        parts["count"] = Aggregate("paid_count", active, start)
    if indicator.measure == "share":
        parts["whole"] = Aggregate("paid", conditions.of(indicator, reversals=netted, whole=True), start)
    if indicator.relative_to == "previous_window":
        parts["previous"] = Aggregate("paid", parts["value"].condition, before, start)
    return parts


def _days(
    indicator: Recency | Frequency | Length,
    conditions: Conditions,
    start: dt.datetime | None,
    before: dt.datetime | None,
) -> dict[str, Aggregate]:
    active = conditions.of(indicator)
    if isinstance(indicator, Recency):
        return {"value": Aggregate("last_day", active, start)}
    if isinstance(indicator, Length):
        if indicator.measure == "tenure":
            return {}
        return {"first": Aggregate("first_day", active, start), "value": Aggregate("last_day", active, start)}
    if indicator.measure == "mean_gap":
        return {
            "first": Aggregate("first_day", active, start),
            "value": Aggregate("last_day", active, start),
            "days": Aggregate("days", active, start),
        }
    what: What = "days" if indicator.measure == "distinct_days" else "count"
    parts = {"value": Aggregate(what, active, start)}
    if indicator.measure == "share":
        parts["whole"] = Aggregate("count", conditions.of(indicator, whole=True), start)
    if indicator.relative_to == "previous_window":
        parts["previous"] = Aggregate(what, active, before, start)
    return parts


def plan(indicators: IndicatorSet, schema: TransactionSchema, moment: AsOf) -> Plan:
    """Give what a set needs at a point in time; refuse what the schema does not name."""
    conditions = Conditions(schema)
    needs = []
    for indicator in indicators.indicators:
        _needs_money(indicator, schema)
        start = moment.window_start(indicator.window) if indicator.window else None
        relative = getattr(indicator, "relative_to", None)
        before = (
            moment.window_start(indicator.window, times=2)
            if indicator.window and relative == "previous_window"
            else None
        )
        if isinstance(indicator, Monetary):
            needs.append(_money(indicator, conditions, schema, start, before))
        else:
            needs.append(_days(indicator, conditions, start, before))
    if schema.balance is not None:
        needs.append({"value": Aggregate("signed")})
    always = (Aggregate("count"), Aggregate("first_day"), *([Aggregate("last_day")] if schema.closed else []))
    return Plan(tuple(needs), conditions.labels, always)
