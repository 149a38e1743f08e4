"""State that days add up to: tomorrow costs tomorrow's rows, and any day's snapshot is that of all rows."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import narwhals.stable.v2 as nw
import numpy as np

from custvalue._engines import collected, types_of
from custvalue._frames import eager
from custvalue._indicators import daily_state, moments, rules
from custvalue._indicators import engine as frames
from custvalue._indicators.computation import by_numpy, opened, require_choices, require_population, require_rules
from custvalue._indicators.indicator_sets import IndicatorSet
from custvalue._indicators.plan import plan
from custvalue._indicators.schema import TransactionSchema
from custvalue._indicators.snapshot import Request, Snapshot, finished
from custvalue._indicators.totals import Asked
from custvalue._results import Provenance, html_table, provenance, short_repr
from custvalue._spec import require
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from custvalue._indicators.daily_state import DailyState
    from custvalue._indicators.plan import Plan

#: The last moment of a calendar: a partial keeps every row, whatever its day.
_EVER = "9999-01-01"
_OWN = frozenset(
    {
        "day",
        "pattern",
        "rows",
        "known",
        "total",
        "absolute",
        "largest",
        "squares",
        "made_by",
        "decimals",
        "currency",
    }
)


@dataclass(frozen=True, eq=False, repr=False)
class Partial:
    """What some transactions add up to, by customer, day and kind of row; states of different rows merge.

    Attributes
    ----------
    indicators : IndicatorSet
        What can be computed from it.
    schema : TransactionSchema
        How the rows were read.
    provenance : Provenance
        Package version, specifications, and counts of rows, cells and customers.

    See Also
    --------
    partial : Make one from transactions.
    merge : Join several.

    Notes
    -----
    Merging is associative and commutative: counts, days and extremes are the same to the last bit in any order,
    and so are sums of money with `decimals`; other sums agree to 1e-12. Rows must not come twice: a state does not
    know single rows. One cell is kept for each customer, local day and pattern of codes that the indicators tell
    apart. Where clocks go back across midnight, the repeated part of a day counts with its day, and only there a
    snapshot may differ from :func:`compute`. Rows left out are counted over the whole state, whatever as-of.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import rfm
    >>> schema = rfm.TransactionSchema(customer="key", time="day", amount="amount")
    >>> indicators = rfm.IndicatorSet.classic(min_history_days=0)
    >>> def rows(key, day, amount):
    ...     return pd.DataFrame({"key": key, "day": pd.to_datetime(day), "amount": amount})
    >>> monday = rfm.partial(rows([1, 2], ["2025-03-03"] * 2, [50.0, 20.0]), indicators, schema)
    >>> tuesday = rfm.partial(rows([1], ["2025-03-04"], [30.0]), indicators, schema)
    >>> rfm.merge(monday, tuesday).snapshot("2025-03-05").features
         recency  frequency  monetary
    key
    1        1.0        2.0      80.0
    2        2.0        1.0      20.0
    """

    indicators: IndicatorSet
    schema: TransactionSchema
    provenance: Provenance
    _read: TransactionSchema
    _state: DailyState

    @property
    def first_day(self) -> dt.date | None:
        """The first local day with a row; None without rows."""
        return _date(self._state.tables[0]["day"][0]) if self._state.tables else None

    @property
    def last_day(self) -> dt.date | None:
        """The last local day with a row; None without rows."""
        return _date(self._state.tables[-1]["day"][-1]) if self._state.tables else None

    def __repr__(self) -> str:
        counts = self.provenance.counts
        return short_repr("Partial", first_day=self.first_day, last_day=self.last_day, **counts)

    def _repr_html_(self) -> str:
        rows = [("first day", self.first_day), ("last day", self.last_day), *self.provenance.counts.items()]
        return html_table(["what", "value"], rows, caption=f"Partial of {len(self.indicators.names)} indicators")

    def _plan(self, as_of: moments.Moment) -> tuple[Asked, Plan]:
        moment = moments.resolve(as_of, aware=self.schema.zone is not None, time_zone=self.schema.time_zone)
        return _asked(self.indicators, self._read, moment)

    def snapshot(
        self,
        as_of: moments.Moment,
        *,
        population: Any = None,
        on_invalid: Literal["raise", "report"] = "raise",
    ) -> Snapshot:
        """Compute the indicators of every customer as of the beginning of a day.

        Parameters
        ----------
        as_of : str, datetime.date or datetime.datetime
            A local midnight: the state knows days, and nothing within one.
        population : frame of the same library, default=None
            As in :func:`compute`; beside the state of an engine a PyArrow table.
        on_invalid : {"raise", "report"}, default="raise"
            Customers that the population does not know are refused, or left out and counted.

        Returns
        -------
        Snapshot
            What :func:`compute` gives for all rows of the state; of an engine as a PyArrow table.

        Raises
        ------
        DomainError
            If `as_of` is no local midnight, or cannot be read.
        DataError
            If no row lies before `as_of`, or the population is inconsistent.
        """
        require_choices(on_invalid)
        require_population(population, self.schema)
        asked, wanted = self._plan(as_of)
        if asked.as_of.wall.time() != dt.time():
            message = (
                "as_of lies within a day and a partial knows whole days: give a local midnight, or use compute."
            )
            raise DomainError(message)
        found, customers, too_large = daily_state.aggregated(self._state, asked)
        require_rules(found, {}, self._read, rules.LEFT_OUT)
        if too_large:
            raise DataError(rules.TOO_LARGE)
        request = Request(self.indicators, self.schema, asked, wanted, population, on_invalid)
        source = self._state.keys.alias(self._read.customer).to_frame()
        return finished(request, found, customers, source, native=False)

    def to_frame(self) -> Any:
        """Give the state as a table, to be kept and read again by :meth:`from_frame`.

        Returns
        -------
        frame in the caller's library
            One row a cell: the key, ``day``, ``pattern`` (what its rows hold in the coded columns, as digits),
            ``rows``, and of money what the indicators need: ``known`` (rows with an amount), ``total``,
            ``absolute``, ``largest`` and ``squares`` (squared deviations of absolute amounts from their mean), in
            whole smallest units where sums are exact; then, the same in every row, ``made_by`` (a fingerprint of
            the specifications), ``decimals`` (of the unit; -1: currency) and ``currency``. An engine's state comes
            as a PyArrow table.

        Raises
        ------
        ColumnError
            If the key column has a name of these.
        """
        if self.schema.customer in _OWN:
            message = f"The key column '{self.schema.customer}' has a name of the state's own columns; rename it."
            raise ColumnError(message)
        state = self._state
        asked, _ = self._plan(_EVER)
        cells = daily_state.one_table(state, asked)
        made = {
            "day": cells["day"].astype("M8[D]").astype("M8[us]"),
            "pattern": daily_state.digits_of(state)[cells["pattern"].astype(np.int64)].tolist(),
            "rows": cells["rows"].astype(np.int64),
            **{name: cells[name] for name in daily_state.money_of(asked)},
            **{name: [value] * len(cells["day"]) for name, value in self._marks().items()},
        }
        keys = state.keys[cells["customer"].astype(np.int64).tolist()].alias(self.schema.customer).to_frame()
        backend = state.keys.implementation
        frame = nw.maybe_reset_index(keys).with_columns(
            *(nw.new_series(name, values, backend=backend) for name, values in made.items())
        )
        return frame.to_native()

    def _marks(self) -> dict[str, Any]:
        """Give what a kept state must know again: what made it, its unit of money and its currency."""
        decimals = -1 if self._read.decimals is None else self._read.decimals
        currency = next(iter(self._state.currencies), "")
        return {"made_by": _fingerprint(self.indicators, self.schema), "decimals": decimals, "currency": currency}

    @classmethod
    def from_frame(cls, frame: Any, indicators: IndicatorSet, schema: TransactionSchema) -> Self:
        """Read a state that :meth:`to_frame` gave.

        Parameters
        ----------
        frame : pandas, Polars or PyArrow frame
            The table.
        indicators : IndicatorSet
            The set it was made for.
        schema : TransactionSchema
            The schema it was made by.

        Returns
        -------
        Partial
            The state; what had been left out on the way is not told again.

        Raises
        ------
        ColumnError
            If a column is missing or of a wrong type.
        DataError
            If the table was made by other specifications, holds impossible numbers, or a cell stands twice.
        """
        require(indicators, IndicatorSet, "indicators")
        require(schema, TransactionSchema, "schema")
        table = eager(frame, argument="frame")
        found = daily_state.marks_of(table, ("made_by", "decimals", "currency"))
        if found and found["made_by"] != _fingerprint(indicators, schema):
            message = "frame was made by other indicators or another schema; give those that made it."
            raise DataError(message)
        decimals = int(found.get("decimals", -1))
        read = schema if decimals < 0 else schema.model_copy(update={"decimals": decimals})
        asked, _ = _asked(indicators, read, moments.AsOf(dt.datetime.fromisoformat(_EVER), None))
        state = daily_state.from_cells(table, asked)
        if found.get("currency"):
            state = replace(state, currencies=frozenset({str(found["currency"])}))
        return cls(indicators, schema, _counted(indicators, schema, state), read, state)


def _asked(indicators: IndicatorSet, read: TransactionSchema, moment: moments.AsOf) -> tuple[Asked, Plan]:
    wanted = plan(indicators, read, moment)
    return Asked(read, moment, None, read.decimals, wanted.aggregates, wanted.labels), wanted


def _fingerprint(indicators: IndicatorSet, schema: TransactionSchema) -> str:
    return hashlib.sha256((indicators.digest + schema.digest).encode()).hexdigest()[:16]


def _date(day: Any) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(days=int(day))


def _counted(indicators: IndicatorSet, schema: TransactionSchema, state: DailyState) -> Provenance:
    return provenance(
        schema.model_dump_json() + "\n" + indicators.model_dump_json(),
        rows=int(sum(float(table["rows"].sum()) for table in state.tables)),
        cells=state.n_cells,
        customers=len(state.keys),
    )


def partial(
    transactions: Any,
    indicators: IndicatorSet,
    schema: TransactionSchema,
    *,
    holders: Any = None,
    on_invalid: Literal["raise", "report"] = "raise",
    engine: Literal["auto", "numpy", "narwhals"] = "auto",
) -> Partial:
    r"""Add transactions up to a state by customer and day, from which snapshots are taken later.

    Parameters
    ----------
    transactions : pandas, Polars or PyArrow frame, DuckDB relation, Ibis table or PySpark frame
        One row a transaction, for example those of one day or one month; it is not changed.
    indicators : IndicatorSet
        What is to be computed later.
    schema : TransactionSchema
        Which column is what; without `balance`, whose first and last rows a state does not keep.
    holders : frame of the same library, default=None
        As in :func:`compute`.
    on_invalid : {"raise", "report"}, default="raise"
        Rows without key, time or holder are refused, or left out and counted.
    engine : {"auto", "numpy", "narwhals"}, default="auto"
        As in :func:`compute`.

    Returns
    -------
    Partial
        The state.

    Raises
    ------
    ColumnError
        If a column is missing, is of a wrong type, or an indicator reads what the schema does not name.
    DataError
        If rows break a rule of the schema.
    DomainError
        If the schema names a balance column, or a frame is of a kind that `engine` cannot take.

    See Also
    --------
    merge : Join the states of several days.

    Notes
    -----
    Whether an account belongs to several customers is looked for within each state, not across them. Cost:
    :math:`O(n \log n)` for n rows; on an engine one pass for the counts and one group-by.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import rfm
    >>> rows = pd.DataFrame({"key": [1, 1], "day": pd.to_datetime(["2025-03-03"] * 2), "amount": [50.0, 20.0]})
    >>> schema = rfm.TransactionSchema(customer="key", time="day", amount="amount")
    >>> rfm.partial(rows, rfm.IndicatorSet.classic(), schema)
    Partial(first_day=2025-03-03, last_day=2025-03-03, rows=2, cells=1, customers=1)
    """
    require_choices(on_invalid, engine)
    require(indicators, IndicatorSet, "indicators")
    require(schema, TransactionSchema, "schema")
    if schema.balance is not None:
        message = (
            "The schema names 'balance', whose first and last rows a partial does not keep: leave 'balance' and "
            "'order' out and give 'opening_balance' with the population."
        )
        raise DomainError(message)
    read, frame, counts, moment, _ = opened(transactions, schema, _EVER, holders)
    read = read.model_copy(update={"decimals": frames.decimals_of(frame, read)})
    asked, _ = _asked(indicators, read, moment)
    if by_numpy(frame, engine):
        found, state = daily_state.from_memory(frame, asked)  # type: ignore[arg-type]  # in memory
    else:
        found, state = daily_state.from_engine(frame, asked)
    require_rules(found, counts, read, () if on_invalid == "raise" else rules.LEFT_OUT, empty=True)
    told = {
        "rows",
        "rows_after_as_of",
        "amount_null",
        "debits",
        "last_day",
        *rules.rule_conditions(read),
    }  # by the cells
    kept = {name: count for name, count in found.counts.items() if name not in told}
    state = replace(state, counts=kept, currencies=_currencies(frame, read))
    own = schema.model_copy(update={"decimals": read.decimals}) if read.decimals is not None else schema
    return Partial(indicators, schema, _counted(indicators, schema, state), own, state)


def _currencies(frame: Any, schema: TransactionSchema) -> frozenset[str]:
    if not schema.currency or schema.rate:
        return frozenset()
    types = types_of(frame)
    marks = [term for codes in schema.excluded.values() for term in rules.exclusion(codes)]
    kept = frame.filter(*(~frames.term_mask(term, types) for term in marks)) if marks else frame
    values = collected(kept.select(schema.currency).unique()).get_column(schema.currency).to_list()
    return frozenset(str(value) for value in values)


def merge(first: Partial, *others: Partial) -> Partial:
    r"""Join states of different rows to one.

    Parameters
    ----------
    first, *others : Partial
        States of the same specifications, of the same kind of frame, in any order. The largest first is cheapest.

    Returns
    -------
    Partial
        The state of all their rows.

    Raises
    ------
    DomainError
        If something is no state, or was made by other specifications or for another library.
    DataError
        If the states hold different currencies.

    Notes
    -----
    Days that only one state has are not touched: adding a month's rows to years of them costs that month's rows
    and a look at each customer, :math:`O(m \log m + c)` for m new cells and c customers. Cost where days overlap:
    :math:`O(k \log k)` for the k cells of these days.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import rfm
    >>> schema = rfm.TransactionSchema(customer="key", time="day", amount="amount")
    >>> day = pd.DataFrame({"key": [1, 2], "day": pd.to_datetime(["2025-03-03"] * 2), "amount": [50.0, 20.0]})
    >>> state = rfm.partial(day, rfm.IndicatorSet.classic(), schema)
    >>> rfm.merge(state, rfm.partial(day.tail(1), rfm.IndicatorSet.classic(), schema)).provenance.counts["rows"]
    3
    """
    states = [require(one, Partial, "a state") for one in (first, *others)]
    for other in states[1:]:
        _require_same(first, other)
    state = daily_state.merged([one._state for one in states])  # noqa: SLF001 - the states are of this class
    if len(state.currencies) > 1:
        message = f"The states hold {len(state.currencies)} currencies; convert to one currency first."
        raise DataError(message)
    return replace(first, provenance=_counted(first.indicators, first.schema, state), _state=state)


def _require_same(first: Partial, other: Partial) -> None:
    own, its = first._state.keys, other._state.keys  # noqa: SLF001 - the states are of this class
    if first.indicators != other.indicators or first._read != other._read:  # noqa: SLF001
        message = "The states were made by different indicators or schemas; make both by the same ones."
        raise DomainError(message)
    kinds = [_key_kind(keys.dtype) for keys in (own, its)]
    if own.implementation is not its.implementation or kinds[0] != kinds[1]:
        message = "The states come from frames of different libraries or with keys of different types."
        raise ColumnError(message)


def _key_kind(kind: Any) -> str:
    return "text" if not kind.is_integer() else "large" if isinstance(kind, nw.UInt64) else "integer"
