"""Long tables of any engine to cells: one amount a customer and month."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from custvalue import _codes, _engines, _frames
from custvalue._spend_shifts import months as calendar_months
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from custvalue._typing import FloatArray, IntArray

_TEXT = (nw.String, nw.Categorical, nw.Enum)
_TIME = (nw.Date, nw.Datetime)
_KEY, _MONTH, _AMOUNT, _PEER, _ROWS = "key", "month", "amount", "peer", "rows"
#: What Spark takes for a part of a struct, or for the end of a name.
_SPARK_ODD = frozenset(".`")
#: Months that are brought into memory from an engine at once.
BLOCK: Final = 6
#: Smallest amount above 0: quotients of smaller ones and the largest would overflow.
SMALLEST: Final = 1e-100

Doubled: TypeAlias = Literal["refuse", "sum", "mean"]
Missing: TypeAlias = Literal["refuse", "zero", "previous"]


class Asked(NamedTuple):
    """The columns of a long table, by the caller's names."""

    customer: str
    month: str
    amount: str
    peers: str | None = None
    code: str | None = None
    counterpart: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All that are asked."""
        return tuple(name for name in self if name is not None)


class Cells(NamedTuple):
    """Sums and numbers of rows by customer and month, customers in the order of their keys."""

    customers: tuple[Any, ...]
    first: int
    amounts: FloatArray
    rows: IntArray
    peers: tuple[Any, ...] | None
    n_rows: int
    n_outside: int
    n_internal: int


def opened(data: object, asked: Asked) -> tuple[_engines.Frame, dict[str, Any]]:
    """Wrap a table and refuse missing columns and wrong types; give its types."""
    frame = _engines.with_dates(_engines.wrapped(data, argument="frame"), asked.month)
    types = _engines.types_of(frame)
    missing = [name for name in asked.names if name not in types]
    if missing:
        raise ColumnError.missing(missing, available=types, mend="Name the columns of the frame.")
    odd = [name for name in asked.names if _SPARK_ODD & set(name)] if frame.implementation.is_pyspark() else []
    if odd:
        shown = ", ".join(repr(name) for name in odd)
        message = f"Column(s) {shown}: names with a dot or a backtick are not read from Spark; rename them first."
        raise ColumnError(message)
    for name in (asked.customer, asked.counterpart):
        if name is not None and not isinstance(types[name], _TEXT):
            _engines.guard_key_type(name, types[name])
    kind = types[asked.month]
    calendar_months.guard_month(
        asked.month, kind, is_text=isinstance(kind, _TEXT), is_time=isinstance(kind, _TIME)
    )
    if not types[asked.amount].is_numeric():
        raise ColumnError.wrong_type(asked.amount, found=str(types[asked.amount]), allowed="numbers from 0")
    return frame, types


def _as_key(name: str, kind: Any) -> nw.Expr:
    column = nw.col(name)
    return column.cast(nw.String()) if isinstance(kind, nw.Categorical | nw.Enum) else column


def _canonical(frame: _engines.Frame, asked: Asked, types: dict[str, Any]) -> _engines.Frame:
    """Give the columns names of our own, times as whole months, labels as text."""
    kind = types[asked.month]
    month = _as_key(asked.month, kind)
    if isinstance(kind, _TIME):
        moment = nw.col(asked.month)
        month = moment.dt.year().cast(nw.Int64()) * 100 + moment.dt.month().cast(nw.Int64())
    columns = [
        _as_key(asked.customer, types[asked.customer]).alias(_KEY),
        month.alias(_MONTH),
        nw.col(asked.amount).cast(nw.Float64()).alias(_AMOUNT),
    ]
    if asked.peers is not None:
        columns.append(_as_key(asked.peers, types[asked.peers]).alias(_PEER))
    if asked.code is not None:
        columns.append(_as_key(asked.code, types[asked.code]).alias("code"))
    if asked.counterpart is not None:
        columns.append(_as_key(asked.counterpart, types[asked.counterpart]).alias("counterpart"))
    made: _engines.Frame = frame.select(*columns)
    return made


def _counted(rows: _engines.Frame, asked: Asked, *, internal: nw.Expr | None) -> dict[str, int]:
    """Count rows, and those that break a rule; one pass."""
    wrong: dict[str, nw.Expr] = {_KEY: nw.col(_KEY).is_null(), _MONTH: nw.col(_MONTH).is_null()}
    wrong |= {_AMOUNT: nw.col(_AMOUNT).is_null(), "negative": nw.col(_AMOUNT) < 0.0}
    if asked.peers is not None:
        wrong[_PEER] = nw.col(_PEER).is_null()
    if internal is not None:
        wrong["internal"] = internal
    found = rows.select(
        *(mask.fill_null(value=False).cast(nw.Int64()).alias(name) for name, mask in wrong.items())
    )
    totals = [nw.len().alias(_ROWS), *(nw.col(name).sum() for name in wrong)]
    one = _engines.collected(found.select(*totals))
    return {name: int(one.get_column(name)[0] or 0) for name in one.columns}


def _refuse(counts: dict[str, int], asked: Asked) -> None:
    if not counts[_ROWS]:
        message = "frame holds no rows; a panel needs at least one customer and month."
        raise DataError(message)
    told = {_KEY: asked.customer, _MONTH: asked.month, _AMOUNT: asked.amount, _PEER: asked.peers}
    for alias, name in told.items():
        if counts.get(alias):
            message = f"Column '{name}' is null in {counts[alias]} row(s); fill them or leave those rows out."
            raise DataError(message)
    if counts["negative"]:
        message = (
            f"Column '{asked.amount}' lies below 0 in {counts['negative']} row(s); allowed: amounts from 0. Leave "
            "refunds out, or give monthly nets that are not negative."
        )
        raise DataError(message)


def _internal(asked: Asked, codes: Sequence[str | int], types: dict[str, Any]) -> nw.Expr | None:
    """Tell rows that move money between a customer's own accounts and products."""
    marks = []
    if asked.code is not None:
        whole, text = types[asked.code].is_integer(), isinstance(types[asked.code], _TEXT)
        kinds = {type(one) for one in codes}
        if not ((whole and kinds == {int}) or (text and kinds == {str})):
            allowed = f"the type of internal_codes ({', '.join(sorted({type(one).__name__ for one in codes}))})"
            raise ColumnError.wrong_type(asked.code, found=str(types[asked.code]), allowed=allowed)
        marks.append(nw.col("code").is_in(list(codes)).fill_null(value=False))
    if asked.counterpart is not None:
        own, other = types[asked.customer], types[asked.counterpart]
        if isinstance(own, _TEXT) != isinstance(other, _TEXT):
            _engines.guard_same_key(asked.counterpart, other, own, argument="counterpart")
        marks.append((nw.col("counterpart") == nw.col(_KEY)).fill_null(value=False))
    return nw.any_horizontal(*marks, ignore_nulls=False) if marks else None


def _distinct(rows: _engines.Frame, *columns: str) -> nw.DataFrame[Any]:
    """Give distinct combinations: a group-by, since `unique` is a window on engines."""
    return _engines.collected(rows.group_by(*columns).agg(nw.len().alias(_ROWS)))


def _blocks(rows: _engines.Frame, values: list[Any]) -> Iterator[nw.DataFrame[Any]]:
    """Give rows in memory: as they are, or summed by customer and month on the engine, some months at once."""
    if not isinstance(rows, nw.LazyFrame):
        yield rows.with_columns(nw.lit(1).alias(_ROWS))
        return
    sums = [nw.col(_AMOUNT).sum(), nw.len().alias(_ROWS)]
    for start in range(0, len(values), BLOCK):
        some = rows.filter(nw.col(_MONTH).is_in(values[start : start + BLOCK]))
        yield _engines.collected(some.select(_KEY, _MONTH, _AMOUNT).group_by(_KEY, _MONTH).agg(*sums))


def _span(
    numbers: IntArray, first: object, last: object, n_rows: IntArray, month: str
) -> tuple[int, int, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Give the first and the last month that are read, and which of those met lie between them."""
    low = int(numbers.min()) if first is None else calendar_months.month_number(first, "first")
    high = int(numbers.max()) if last is None else calendar_months.month_number(last, "last")
    if low > high:
        message = "first must not lie after last, and the frame must have rows between them."
        raise DomainError(message)
    inside = (numbers >= low) & (numbers <= high)
    missing = (high - low + 1) - len(np.unique(numbers[inside & (n_rows > 0)]))
    if missing:
        message = (
            f"Column '{month}': {missing} month(s) between {calendar_months.month_text(low)} and "
            f"{calendar_months.month_text(high)} have no row of any customer; read them, or set first and last."
        )
        raise DataError(message)
    return low, high, inside


def _peers_of(rows: _engines.Frame, keys: pd.Index, peers: str) -> tuple[Any, ...]:
    pairs = _distinct(rows, _KEY, _PEER)
    places = keys.get_indexer(pd.Index(pairs.get_column(_KEY).to_list()))
    if moved := int((np.bincount(places, minlength=len(keys)) > 1).sum()):
        message = (
            f"Column '{peers}' changes within {moved} customer(s); allowed: one peer group a customer. Give the "
            "group at one moment."
        )
        raise DataError(message)
    out = np.empty(len(keys), dtype=object)
    out[places] = np.array([*pairs.get_column(_PEER).to_list(), None], dtype=object)[:-1]
    return tuple(out.tolist())


def read_cells(
    data: object, asked: Asked, *, first: object = None, last: object = None, codes: Sequence[str | int] = ()
) -> Cells:
    """Sum a long table by customer and month; the engine does it where there is one."""
    frame, types = opened(data, asked)
    rows = _canonical(frame, asked, types)
    internal = _internal(asked, codes, types)
    counts = _counted(rows, asked, internal=internal)
    _refuse(counts, asked)
    everyone = rows
    if internal is not None:
        rows = rows.filter(~internal)
    people = _distinct(everyone, _KEY)
    _, keys = _codes.customers(people.get_column(_KEY), asked.customer)
    customers = tuple(keys.to_list())
    index = pd.Index(customers)
    met = _distinct(everyone, _MONTH)
    values, sizes = met.get_column(_MONTH).to_list(), np.asarray(met.get_column(_ROWS).to_list(), dtype=np.int64)
    numbers = calendar_months.numbers_of(values, asked.month)
    low, high, inside = _span(numbers, first, last, sizes, asked.month)
    n_months = high - low + 1
    amounts, n_rows = np.zeros(len(customers) * n_months), np.zeros(len(customers) * n_months, dtype=np.int64)
    number_of = dict(zip(values, numbers.tolist(), strict=True))
    kept = [value for value, here in zip(values, inside.tolist(), strict=True) if here]
    for block in _blocks(rows, kept):
        if not len(block):
            continue
        month = _month_places(block.get_column(_MONTH), number_of) - low
        here = (month >= 0) & (month < n_months)
        own, met_keys = _codes.customers(block.get_column(_KEY), asked.customer)
        place = index.get_indexer(pd.Index(met_keys.to_list()))[own[here]] * n_months + month[here]
        paid = np.asarray(block.get_column(_AMOUNT).to_numpy(), dtype=np.float64)[here]
        weight = np.asarray(block.get_column(_ROWS).to_numpy(), dtype=np.float64)[here]
        amounts += np.bincount(place, paid, minlength=len(amounts))
        n_rows += np.bincount(place, weight, minlength=len(amounts)).astype(np.int64)
    peers = None if asked.peers is None else _peers_of(everyone, index, asked.peers)
    shape = (len(customers), n_months)
    outside = int(sizes[~inside].sum())
    return Cells(
        customers,
        low,
        amounts.reshape(shape),
        n_rows.reshape(shape),
        peers,
        counts[_ROWS],
        outside,
        counts.get("internal", 0),
    )


def _month_places(series: nw.Series[Any], number_of: dict[Any, int]) -> IntArray:
    codes, found = _codes.encoded(series)
    numbers = np.array([number_of.get(value, -1) for value in found] or [0], dtype=np.int64)
    return np.asarray(numbers[codes])


def filled(amounts: FloatArray, present: Any, missing: Missing, what: str) -> FloatArray:
    """Fill cells that nobody told, by the named rule, or refuse them."""
    lacking = int(np.count_nonzero(~present))
    if not lacking:
        return amounts
    if missing == "refuse":
        message = (
            f"{what} lacks {lacking} month(s) of {int((~present).any(axis=1).sum())} customer(s). Give every "
            "month, or say missing='zero' (nothing was spent) or missing='previous' (a balance stands)."
        )
        raise DataError(message)
    if missing == "zero":
        return np.where(present, amounts, 0.0)
    if early := int((~present[:, 0]).sum()):
        message = f"missing='previous' needs a first month; {early} customer(s) have none. Fill it, or say 'zero'."
        raise DataError(message)
    last = np.maximum.accumulate(np.where(present, np.arange(amounts.shape[1]), 0), axis=1)
    return np.take_along_axis(amounts, last, axis=1)


def require_amounts(amounts: FloatArray, what: str) -> None:
    """Refuse what is missing, below 0, infinite, or beyond any bank."""
    allowed = (amounts >= SMALLEST) & (amounts <= _frames.LARGEST)
    allowed |= amounts == 0.0
    if strange := int(np.count_nonzero(~allowed)):
        message = (
            f"{what} holds {strange} amount(s) that are missing, below 0 or infinite; allowed: from 0, and others "
            f"than 0 from {SMALLEST:g} to {_frames.LARGEST:g}."
        )
        raise DataError(message)


def undoubled(cells: Cells, doubled: Doubled) -> Cells:
    """Apply the rule for several rows of a customer and month to their sums."""
    if doubled == "refuse" and (twice := int((cells.rows > 1).sum())):
        message = (
            f"{twice} month(s) of a customer are told more than once. Give one row each, or say doubled='sum' "
            "(parts) or doubled='mean' (measurements)."
        )
        raise DataError(message)
    if doubled == "mean":
        return cells._replace(amounts=cells.amounts / np.maximum(cells.rows, 1))
    return cells
