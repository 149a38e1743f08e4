"""Which rows count: holdings open at a moment, or events within a window."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple

import narwhals.stable.v2 as nw

from custvalue._moments import ALLOWED_MOMENTS, parsed
from custvalue._spec import unboxed
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Period(NamedTuple):
    """The columns and moments that say which rows count, as the caller gave them."""

    opened: str | None = None
    closed: str | None = None
    time: str | None = None
    since: object = None
    as_of: object = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that are asked."""
        return tuple(name for name in (self.opened, self.closed, self.time) if name)


class RowRules(NamedTuple):
    """Which rows count, and which are wrong, as expressions."""

    kept: nw.Expr
    wrong: Mapping[str, nw.Expr]


def _literal(moment: object, column: str, kind: Any, argument: str) -> tuple[nw.Expr, Any]:
    """Give the column as it is to be compared, and the moment in its type."""
    number = unboxed(moment)
    if kind.is_integer():
        if isinstance(number, int) and not isinstance(number, bool):
            return nw.col(column), number
        message = f"{argument} must be a whole number, since column '{column}' holds whole-numbered periods."
        raise DomainError(message)
    if not isinstance(kind, nw.Date | nw.Datetime):
        mend = f"Convert it first, for example with pandas.to_datetime(frame['{column}'])."
        allowed = "a date, a datetime or whole-numbered periods"
        raise ColumnError.wrong_type(column, found=str(kind), allowed=allowed, mend=mend)
    if getattr(kind, "time_zone", None) is not None:
        allowed = "a datetime of local wall time, without a zone"
        raise ColumnError.wrong_type(
            column, found=str(kind), allowed=allowed, mend="Convert it to local time first."
        )
    found = parsed(moment, argument)
    if isinstance(found, dt.datetime) and found.tzinfo is not None:
        message = f"{argument} carries a time zone and column '{column}' does not; allowed: {ALLOWED_MOMENTS}."
        raise DomainError(message)
    if isinstance(kind, nw.Date) and not isinstance(found, dt.datetime):
        return nw.col(column), found
    wall = found if isinstance(found, dt.datetime) else dt.datetime.combine(found, dt.time())
    return nw.col(column).cast(nw.Datetime("us")), wall


def row_rules(period: Period, types: Mapping[str, Any]) -> RowRules | None:
    """Give what decides which rows count; None where all do.

    A holding counts if ``opened < as_of`` and it is not closed or ``closed >= as_of``: the state at the very start
    of the moment. An event counts if ``since <= time < as_of``.
    """
    opened, closed, time, since, as_of = period
    if not period.columns:
        if since is not None or as_of is not None:
            message = "as_of and since need a column: name opened= (and closed=), or time=."
            raise DomainError(message)
        return None
    if time and (opened or closed):
        message = "Give either time= (events) or opened= and closed= (holdings), not both."
        raise DomainError(message)
    if as_of is None:
        message = f"as_of is missing: column(s) {', '.join(repr(name) for name in period.columns)} need a moment."
        raise DomainError(message)
    if since is not None and not time:
        message = "since belongs to time=; a holding is told by opened=, closed= and as_of."
        raise DomainError(message)
    return _event_rules(time, since, as_of, types) if time else _holding_rules(opened, closed, as_of, types)


def _event_rules(time: str, since: object, as_of: object, types: Mapping[str, Any]) -> RowRules:
    moment, end = _literal(as_of, time, types[time], "as_of")
    kept = moment < end
    if since is not None:
        from_, start = _literal(since, time, types[time], "since")
        if not _before(start, end):
            message = "since must lie before as_of."
            raise DomainError(message)
        kept = kept & (from_ >= start)
    return RowRules(kept, {f"Column '{time}' is null in {{}} row(s); fill them or leave them out.": _null(time)})


def _before(start: Any, end: Any) -> bool:
    if isinstance(start, dt.date) and isinstance(start, dt.datetime) != isinstance(end, dt.datetime):
        start, end = (
            one if isinstance(one, dt.datetime) else dt.datetime.combine(one, dt.time()) for one in (start, end)
        )
    return bool(start < end)


def _null(column: str) -> nw.Expr:
    return nw.col(column).is_null()


def _holding_rules(opened: str | None, closed: str | None, as_of: object, types: Mapping[str, Any]) -> RowRules:
    rules: list[nw.Expr] = []
    wrong: dict[str, nw.Expr] = {}
    if opened:
        column, moment = _literal(as_of, opened, types[opened], "as_of")
        rules.append(column < moment)
        wrong[f"Column '{opened}' is null in {{}} row(s); say when those holdings were opened."] = _null(opened)
    if closed:
        column, moment = _literal(as_of, closed, types[closed], "as_of")
        rules.append(_null(closed) | (column >= moment))
    if opened and closed:
        message = f"Column '{closed}' lies before '{opened}' in {{}} row(s); mend those dates."
        wrong[message] = ~_null(closed) & (nw.col(closed) < nw.col(opened))
    return RowRules(nw.all_horizontal(*rules, ignore_nulls=False), wrong)


def refuse_wrong_rows(counts: Mapping[str, int]) -> None:
    """Raise the first rule that some row breaks, with the number of those rows."""
    for message, count in counts.items():
        if count:
            raise DataError(message.format(count))
