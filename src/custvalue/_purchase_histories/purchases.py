"""Purchases in memory: from a frame's columns to codes of customers, day numbers and money, in blocks of rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from custvalue._codes import customers
from custvalue._frames import LARGEST
from custvalue._indicators.local_days import zone_offsets
from custvalue._indicators.moments import DAY_MICROSECONDS
from custvalue._kernels import purchase_history as kernel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from custvalue._indicators.schema import TransactionSchema
    from custvalue._kernels.purchase_history import Small
    from custvalue._typing import BoolArray, FloatArray

TimeUnit: TypeAlias = Literal["days", "weeks", "calendar_weeks", "calendar_months"]
ZeroRule: TypeAlias = Literal["count", "exclude"]
NullRule: TypeAlias = Literal["refuse", "exclude", "zero"]
NegativeRule: TypeAlias = Literal["refuse", "refund", "absolute"]

D = TypeVar("D", bound=Any)
Step: TypeAlias = "Callable[[Mapping[str, Any]], Any]"

#: Rows whose times are read at a time.
_PART: Final = 1 << 20
#: What no day is: the integer behind NaT.
_NOT_A_TIME: Final = np.iinfo(np.int64).min
#: Bounds of day numbers, so that they fit 32 bits; years of five digits and more are beyond any calendar.
_DAY_BOUND: Final = 2**30
#: Eras of 400 years, and weeks, by which days are moved so that every one is above 0.
_ERAS: Final = 10_000
_WEEKS: Final = 200_000_000
_ROUND_A_ZONE: Final = 2 * DAY_MICROSECONDS


@dataclass(frozen=True, slots=True)
class Span:
    """The last day of the summary, the last day of all (later only with a holdout), and the unit of periods."""

    last: int
    end: int
    unit: TimeUnit

    @property
    def holds_out(self) -> bool:
        """Whether there is a holdout."""
        return self.end > self.last


@dataclass(frozen=True, slots=True)
class AmountRules:
    """What rows of amount zero, null and below zero are, and what refunds do."""

    zero: ZeroRule
    null: NullRule
    negative: NegativeRule
    refunds: Literal["net", "exclude", "as_is"]


@dataclass(slots=True)
class Purchases:
    """Rows of purchases by code and day; a row that is none has the day ``NEVER``.

    Attributes
    ----------
    keys : narwhals.Series
        The customers' keys in order, as the caller's frame holds them.
    codes, days : ndarray of int32
        Customer, as a place in `keys`, and local day of each row.
    money : ndarray of float or None
        Amount of each row.
    refunds : tuple of arrays
        Code, day and absolute amount of the refunds that are to be netted.
    counts : dict of str to int
        What was counted on the way.
    others : ndarray of bool or None
        Rows that none of the initiators set off.
    owned : bool
        Whether the amounts are a copy, which may be written to.
    """

    keys: nw.Series[Any]
    codes: Small
    days: Small
    money: FloatArray | None
    refunds: tuple[Small, Small, FloatArray] | None = None
    counts: dict[str, int] = field(default_factory=dict)
    others: BoolArray | None = None
    owned: bool = False


@dataclass(slots=True)
class Holdout:
    """What the same customers did after the last day of the summary, one entry a customer.

    Attributes
    ----------
    days : ndarray of int
        Purchase periods.
    rows : ndarray of float
        Purchases.
    money : ndarray of float or None
        Their money, refunds taken off.
    """

    days: NDArray[np.integer]
    rows: FloatArray
    money: FloatArray | None


@dataclass(slots=True)
class Totals:
    """What the summary is made of, one entry a customer who bought.

    Attributes
    ----------
    keys : narwhals.Series
        The customers' keys.
    days, first, last : ndarray of int
        Number of purchase periods up to the last day of the summary, and the ends of them.
    later : ndarray of float or None
        Money after the first period, up to the last day of the summary.
    holdout : Holdout or None
        What came after it.
    counts : dict of str to int
        What was counted on the way.
    absent : tuple of str
        Marks of the schema that no row carries.
    decimals : int or None
        Money is in units of ``10**-decimals``, if not None.
    """

    keys: nw.Series[Any]
    days: NDArray[np.integer]
    first: NDArray[np.integer]
    last: NDArray[np.integer]
    later: FloatArray | None
    holdout: Holdout | None
    counts: dict[str, int]
    absent: tuple[str, ...] = ()
    decimals: int | None = None


#: Steps from ``day``, in days since 1970-01-01, to ``period``: of arrays and numbers, or a column at a time on an
#: engine. Weeks run from Monday to Sunday. Months by years that begin in March (Hinnant 2013, days_from_civil).
#: Days are first moved by whole eras of 400 years, or weeks, so that division towards zero rounds down.
STEPS: Final[Mapping[TimeUnit, tuple[tuple[str, Step], ...]]] = {
    "days": (("period", lambda of: of["day"]),),
    "weeks": (("period", lambda of: of["day"]),),
    "calendar_weeks": (("period", lambda of: (of["day"] + 3 + 7 * _WEEKS) // 7 - _WEEKS),),
    "calendar_months": (
        ("moved", lambda of: of["day"] + (719_468 + 146_097 * _ERAS)),
        ("era", lambda of: of["moved"] // 146_097),
        ("rest", lambda of: of["moved"] - of["era"] * 146_097),
        (
            "days_without_leaps",
            lambda of: of["rest"] - of["rest"] // 1460 + of["rest"] // 36_524 - of["rest"] // 146_096,
        ),
        ("year", lambda of: of["days_without_leaps"] // 365),
        ("day_of_year", lambda of: of["rest"] - (365 * of["year"] + of["year"] // 4 - of["year"] // 100)),
        (
            "period",
            lambda of: (of["year"] + (of["era"] - _ERAS) * 400) * 12 + (5 * of["day_of_year"] + 2) // 153 + 2,
        ),
    ),
}


def period(day: D, unit: TimeUnit) -> D:
    """Give the number of a day's week or month, or the day itself."""
    found: dict[str, Any] = {"day": day}
    for name, step in STEPS[unit]:
        found[name] = step(found)
    return found["period"]  # type: ignore[no-any-return]  # of the kind of the day


def _parts(n_rows: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, n_rows)) for start in range(0, n_rows, size))


def _wall_days(series: nw.Series[Any]) -> NDArray[np.int64]:
    """Give the days of dates or of times without a zone; NaT stays what it is."""
    if isinstance(series.dtype, nw.Date):
        series = series.cast(nw.Datetime("us"))
    values = series.to_numpy()
    if values.dtype.kind != "M":
        ticks = _ticks(series)
        return np.where(ticks == _NOT_A_TIME, _NOT_A_TIME, ticks // DAY_MICROSECONDS)
    return values.astype("datetime64[D]").view(np.int64)


def _ticks(series: nw.Series[Any]) -> NDArray[np.int64]:
    """Give instants in microseconds, null as the integer behind NaT."""
    numbers = series.dt.timestamp("us")
    if not numbers.null_count():
        return np.asarray(numbers.to_numpy(), dtype=np.int64)
    missing = np.asarray(numbers.is_null().to_numpy(), dtype=np.bool_)
    filled = np.asarray(numbers.fill_null(0).cast(nw.Int64()).to_numpy(), dtype=np.int64)
    return np.where(missing, _NOT_A_TIME, filled)


def _microseconds(moment: Any) -> int:
    return int(pd.Timestamp(moment).timestamp()) * 1_000_000


def _local_days(times: nw.Series[Any], schema: TransactionSchema) -> Small:
    """Give the local calendar day of each row, ``NEVER`` where there is no time."""
    days = np.empty(len(times), dtype=np.int32)
    zone = schema.zone
    known = times.drop_nulls() if zone is not None and times.null_count() else times
    starts, offsets = np.empty(0, dtype=np.int64), np.zeros(1, dtype=np.int64)
    if zone is not None and len(known):
        first, last = _microseconds(known.min()), _microseconds(known.max())
        found = zone_offsets(zone, first - _ROUND_A_ZONE, last + _ROUND_A_ZONE)
        starts, offsets = np.array(found[0], dtype=np.int64), np.array(found[1], dtype=np.int64)
    for part in _parts(len(times), _PART):
        series = times[part.start : part.stop]
        if zone is None:
            whole = _wall_days(series)
        else:
            ticks = _ticks(series)
            local = ticks + offsets[np.searchsorted(starts, ticks, side="right")]
            whole = np.where(ticks == _NOT_A_TIME, _NOT_A_TIME, local // DAY_MICROSECONDS)
        bounded = np.clip(whole, -_DAY_BOUND, _DAY_BOUND)
        days[part] = np.where(whole == _NOT_A_TIME, kernel.NEVER, bounded)
    return days


def floats(series: nw.Series[Any]) -> FloatArray:
    """Give numbers as float64, null as NaN, without a copy where the library holds them so."""
    if not isinstance(series.dtype, nw.Float64):
        series = series.cast(nw.Float64())
    return np.asarray(series.to_numpy(), dtype=np.float64)


def flags(series: nw.Series[Any]) -> tuple[BoolArray, BoolArray | None]:
    """Give booleans, null as False, and where they are null."""
    if not series.null_count():
        return np.asarray(series.to_numpy(), dtype=np.bool_), None
    missing = np.asarray(series.is_null().to_numpy(), dtype=np.bool_)
    return np.asarray(series.fill_null(value=False).to_numpy(), dtype=np.bool_), missing


def read_columns(frame: nw.DataFrame[Any], schema: TransactionSchema, end_day: int) -> tuple[Purchases, Any]:
    """Read the plain columns of a guarded frame, and count what the rules look for up to ``end_day``."""
    counts = {"customer_null": 0}
    absent = frame.get_column(schema.customer).is_null()
    if absent.any():
        lost = _local_days(frame.filter(absent).get_column(schema.time), schema)
        counts["customer_null"] = int(np.count_nonzero((lost <= end_day) | (lost == kernel.NEVER)))
        frame = frame.filter(~absent)
    codes, keys = customers(frame.get_column(schema.customer), schema.customer)
    days = _local_days(frame.get_column(schema.time), schema)
    counts["time_null"] = int(np.count_nonzero(days == kernel.NEVER))
    counts["rows"] = int(np.count_nonzero(days <= end_day))
    counts["rows_after_as_of"] = len(days) - counts["rows"] - counts["time_null"]
    money = floats(frame.get_column(schema.amount)) if schema.amount else None
    reversal = None
    if schema.reversal:
        reversal, unknown = flags(frame.get_column(schema.reversal))
        counts["reversal_null"] = 0 if unknown is None else int(np.count_nonzero(unknown & (days <= end_day)))
    return Purchases(keys, codes, days, money, counts=counts), reversal


def read_history(
    rows: nw.DataFrame[Any], schema: TransactionSchema, counts: dict[str, int]
) -> tuple[Purchases, Any]:
    """Read canonical rows in memory."""
    codes, keys = customers(rows.get_column("key"), schema.customer)
    whole = np.asarray(rows.get_column("day").to_numpy(), dtype=np.int64)
    days = np.clip(whole, -_DAY_BOUND, _DAY_BOUND).astype(np.int32)
    money = floats(rows.get_column("amount")) if schema.amount else None
    reversal = flags(rows.get_column("reversal"))[0] if schema.reversal else None
    others = ~flags(rows.get_column("initiated"))[0] if "initiated" in rows.columns else None
    return Purchases(keys, codes, days, money, counts=counts, others=others), reversal


def classify(found: Purchases, reversal: BoolArray | None, rules: AmountRules, end_day: int) -> None:
    """Say by block which rows up to ``end_day`` are purchases and which are refunds, and count them."""
    counted = dict.fromkeys(("null", "infinite", "negative", "zero", "refunds"), 0)
    refunds: list[tuple[Small, Small, FloatArray]] = []
    for rows in _parts(len(found.codes), kernel.BLOCK):
        amount = None if found.money is None else found.money[rows]
        marked = None if reversal is None or rules.refunds == "as_is" else reversal[rows]
        plain = amount is None or bool(((amount > 0.0) & (amount <= LARGEST)).all())
        if plain and (marked is None or not marked.any()):
            continue
        inside = found.days[rows] <= end_day
        taken = inside & marked if marked is not None else np.zeros(len(inside), dtype=np.bool_)
        dropped = taken
        if amount is not None:
            null, negative, zero = (inside & mask for mask in (np.isnan(amount), amount < 0.0, amount == 0.0))
            counted["null"] += int(np.count_nonzero(null))
            counted["infinite"] += int(np.count_nonzero(inside & (np.abs(amount) > LARGEST)))
            if rules.negative == "refund" and rules.refunds != "as_is":
                taken = taken | negative
            counted["negative"] += int(np.count_nonzero(negative & ~taken))
            counted["zero"] += int(np.count_nonzero(zero & ~taken))
            dropped = taken | null if rules.null == "exclude" else taken
            dropped = dropped | zero if rules.zero == "exclude" else dropped
            if rules.refunds == "net":
                paid = taken & ~null
                refunds.append((found.codes[rows][paid], found.days[rows][paid], np.abs(amount[paid])))
            _mend(found, rows, null & ~dropped, negative & ~dropped, rules)
        counted["refunds"] += int(np.count_nonzero(taken))
        found.days[rows][dropped] = kernel.NEVER
    if found.money is not None:  # canonical rows bring these two, counted before any row was left out
        found.counts.setdefault("amount_null", counted["null"])
        found.counts.setdefault("amount_infinite", counted["infinite"])
    found.counts |= counted
    if refunds:
        codes, days, money = (np.concatenate(parts) for parts in zip(*refunds, strict=True))
        found.refunds = (codes, days, money)


def _mend(found: Purchases, rows: slice, null: BoolArray, negative: BoolArray, rules: AmountRules) -> None:
    """Put 0 for null and the absolute for negative amounts, where the rules say so, in a copy of the amounts."""
    zeroed = null if rules.null == "zero" else np.zeros_like(null)
    turned = negative if rules.negative == "absolute" else np.zeros_like(negative)
    if found.money is None or not (zeroed.any() or turned.any()):
        return
    if not found.owned:
        found.money, found.owned = found.money.copy(), True
    block = found.money[rows]
    block[zeroed] = 0.0
    block[turned] *= -1.0


def _periods(days: Small, span: Span) -> Small:
    """Give the numbers of weeks or months of days up to the last of all; other rows are no purchases."""
    found = np.empty(len(days), dtype=np.int32)
    for rows in _parts(len(days), kernel.BLOCK):
        day = days[rows]
        found[rows] = np.where(day > span.end, kernel.NEVER, period(day.astype(np.int64), span.unit))
    return found


def _money(found: Purchases, days: Small, refund_days: Small | None, first: Small, stop: int) -> FloatArray | None:
    """Add up each customer's money after a day up to another one, refunds taken off."""
    if found.money is None:
        return None
    total = kernel.money_after(found.codes, days, found.money, first, stop)
    if found.refunds is not None and refund_days is not None:
        total -= kernel.money_after(found.refunds[0], refund_days, found.refunds[2], first, stop)
    return total


def totals(found: Purchases, reversal: BoolArray | None, rules: AmountRules, span: Span) -> Totals:
    """Add up by customer what was read."""
    n_keys = len(found.keys)
    seen = kernel.seen_codes(found.codes, found.days, n_keys, span.last)
    known = found.counts.pop("everyone", None)
    if known is None:
        known = int(np.count_nonzero(kernel.seen_codes(found.codes, found.days, n_keys, kernel.NEVER - 1)))
    found.counts["customers_later"] = known - int(np.count_nonzero(seen))
    if found.others is not None:
        found.counts["others"] = int(np.count_nonzero(found.others))
        found.days[found.others] = kernel.NEVER
    classify(found, reversal, rules, span.end)
    found.counts["purchases"] = int(np.count_nonzero(found.days <= span.last))
    made = _by_customer(found, span)
    bought = np.flatnonzero(made.days)
    found.counts["customers_without_purchase"] = int(np.count_nonzero(seen)) - len(bought)
    return made if len(bought) == n_keys else _chosen(made, bought)


def _by_customer(found: Purchases, span: Span) -> Totals:
    """Add up classified rows, one entry a key."""
    n_keys = len(found.keys)
    days, refund_days = found.days, None if found.refunds is None else found.refunds[1]
    stop, end = span.last, span.end
    if span.unit.startswith("calendar"):
        days, stop, end = _periods(days, span), period(stop, span.unit), period(end, span.unit)
        refund_days = None if refund_days is None else _periods(refund_days, span)
    start = int(days.min()) if len(days) else stop
    count, first, last = kernel.purchase_days(found.codes, days, n_keys, start, stop)
    later = _money(found, days, refund_days, first, stop)
    holdout = None
    if span.holds_out:
        edge = np.full(n_keys, stop, dtype=np.int32)
        every = np.broadcast_to(np.float64(1.0), len(days))
        holdout = Holdout(
            kernel.purchase_days(found.codes, days, n_keys, stop + 1, end)[0],
            kernel.money_after(found.codes, days, every, edge, end),
            _money(found, days, refund_days, edge, end),
        )
    return Totals(found.keys, count, first, last, later, holdout, found.counts)


def _chosen(made: Totals, places: NDArray[np.intp]) -> Totals:
    """Keep some of the customers."""
    held = made.holdout
    if held is not None:
        held = Holdout(held.days[places], held.rows[places], None if held.money is None else held.money[places])
    return Totals(
        made.keys[places.tolist()],
        made.days[places],
        made.first[places],
        made.last[places],
        None if made.later is None else made.later[places],
        held,
        made.counts,
    )
