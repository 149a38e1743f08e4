"""A panel: customers by periods, one array a column, read from a long or a wide table."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from custvalue import _frames
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import FrozenMapping
from custvalue._tier_policies.arguments import blank, plain_label, require_no_spans, sequence
from custvalue._tier_policies.keys import as_series, position_of, sorted_keys
from custvalue._tier_policies.wide_tables import read_wide
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from custvalue._typing import BoolArray, FloatArray, IntArray, Table

Period: TypeAlias = int | dt.date
OnMissing: TypeAlias = Literal["refuse", "report"]
_DATES = "whole numbers or dates without a time zone"
#: Names of columns that results add to the keys.
_TAKEN = frozenset({"level", "reason", "before", "after", "value", "decision", "first", "second", "periods"})
#: Whole numbers beyond this are no periods.
MOST = 2**53
#: Whole numbers between these whose last two digits are a month are year and month, not a count of periods.
_YEAR_MONTHS = (190001, 219912)


@dataclass(frozen=True, eq=False, repr=False)
class Panel:
    """Customers by periods: what a replay reads, checked once and used as often as wanted.

    Attributes
    ----------
    customers : ndarray of shape (n_customers,)
        Keys, ascending.
    periods : tuple of int or datetime.date
        Periods, ascending and without a hole: consecutive whole numbers, or dates in equally spaced months.
    columns : mapping of str to ndarray of shape (n_customers, n_periods)
        Scores, indicators, flags as numbers; 0 where a customer has no row.
    present : ndarray of bool, shape (n_customers, n_periods)
        Whether the customer has a row in the period.
    on_missing : {"refuse", "report"}
        Whether missing rows were refused or counted.
    provenance : Provenance
        Package version and counts: rows, customers, periods, missing customer-periods.

    See Also
    --------
    replay : Follow the customers of a panel through a policy.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import tiers
    >>> rows = {"customer": [7, 7, 3, 3], "period": [0, 1, 0, 1], "score": [60.0, 520.0, 40.0, 45.0]}
    >>> panel = tiers.Panel.from_long(pd.DataFrame(rows))
    >>> panel.customers, panel.periods
    (array([3, 7]), (0, 1))
    >>> panel.columns["score"]
    array([[ 40.,  45.],
           [ 60., 520.]])
    """

    customers: NDArray[Any]
    periods: tuple[Period, ...]
    columns: Mapping[str, FloatArray]
    present: BoolArray
    on_missing: OnMissing
    provenance: Provenance
    _names: tuple[str, str] = ("customer", "period")
    _template: Any = None

    @classmethod
    def from_long(
        cls,
        table: Any,
        columns: Sequence[str] | None = None,
        *,
        customer: str = "customer",
        period: str = "period",
        on_missing: OnMissing = "refuse",
    ) -> Panel:
        """Read a long table: one row a customer and period.

        Parameters
        ----------
        table : pandas, Polars or PyArrow frame
            Keys are whole numbers or texts; periods are whole numbers or dates, of which every month in the table
            has one.
        columns : sequence of str, default=None
            Columns to be read; None: all but the keys. They hold numbers or flags, none missing.
        customer, period : str, default="customer", "period"
            Columns of the keys.
        on_missing : {"refuse", "report"}, default="refuse"
            What to do with a customer who has no row in some period: refuse, or count it and take the customer
            for absent in it. A period in which nobody has a row is always refused.

        Returns
        -------
        Panel
            The same for every order of the rows.

        Raises
        ------
        ColumnError
            If a column is missing or of a type that cannot be read, or a key has the name of a result's column.
        DataError
            If keys or values are missing, a customer has two rows in a period, periods are not consecutive or
            join year and month in one number, or rows are missing and `on_missing` is ``"refuse"``.
        DomainError
            If the table is no frame, has no row, `columns` is no sequence, or `on_missing` is unknown.

        Notes
        -----
        Cost: linear in rows, and the sorting of the keys.

        Examples
        --------
        >>> import pandas as pd
        >>> from custvalue import tiers
        >>> rows = pd.DataFrame({"key": ["a", "a", "b"], "month": [1, 2, 2], "aum": [10.0, 12.0, 5.0]})
        >>> panel = tiers.Panel.from_long(rows, customer="key", period="month", on_missing="report")
        >>> panel.present
        array([[ True,  True],
               [False,  True]])
        """
        _require_on_missing(on_missing)
        frame = _frames.eager(table, argument="panel")
        wanted = [name for name in frame.columns if name not in (customer, period)]
        wanted = wanted if columns is None else list(dict.fromkeys(sequence(columns, "columns", "column names")))
        missing = [name for name in (customer, period, *wanted) if name not in frame.columns]
        if missing:
            mend = "Name the key columns with customer= and period=."
            raise ColumnError.missing(missing, available=frame.columns, mend=mend)
        if taken := sorted({customer, period} & _TAKEN) or [customer] * (customer == period):
            message = f"Key column(s) {taken} have a name that results give to their own columns; rename them."
            raise ColumnError(message)
        if len(frame) == 0:
            message = "panel has no row; allowed: at least one customer in one period."
            raise DomainError(message)
        keys, place = sorted_keys(frame.get_column(customer), customer)
        periods, when = _sorted_periods(frame.get_column(period), period)
        numbers = _frames.numeric(frame, wanted, argument="panel")
        cells = when * len(keys) + place
        present = np.zeros((len(periods), len(keys)), dtype=np.bool_)
        present.ravel()[cells] = True
        if (doubled := len(cells) - int(present.sum())) > 0:
            message = f"panel has {doubled} row(s) too many: a customer has one row in a period. Aggregate first."
            raise DataError(message)
        values = {}
        for column, name in enumerate(wanted):
            array = np.zeros(present.shape)
            array.ravel()[cells] = numbers[:, column]
            values[name] = array
        template = blank(table)
        return _finished(keys, periods, values, present, on_missing, (customer, period), template)

    @classmethod
    def from_wide(
        cls,
        values: Mapping[str, Table],
        *,
        customers: Sequence[Any] | NDArray[Any] | pd.Series[Any] | None = None,
        periods: Sequence[Any] | NDArray[Any] | pd.Index[Any] | None = None,
        on_missing: OnMissing = "refuse",
    ) -> Panel:
        """Read wide tables: one table a column, one row a customer, one column a period.

        Parameters
        ----------
        values : mapping of str to table of shape (n_customers, n_periods)
            For each score, indicator or flag its table: an array or a frame of numbers. NaN or null in all of
            them means that the customer has no row in the period. Frames are matched by column labels and pandas
            frames by their index too: the order may differ and the labels may not. Arrays are taken as they
            stand.
        customers : sequence, default=None
            Keys of the rows, whole numbers or texts; None: the index of pandas frames, else 0, 1, ... A pandas
            Series is matched with that index.
        periods : sequence of int or datetime.date, default=None
            Periods of the columns, ascending; None: the column labels of frames where these are dates or whole
            numbers, else 0, 1, ...
        on_missing : {"refuse", "report"}, default="refuse"
            As for :meth:`from_long`.

        Returns
        -------
        Panel
            The same for every order of the rows.

        Raises
        ------
        DomainError
            If `values` is no mapping, or the tables differ in shape, are empty, or do not fit `periods`.
        DataError
            If labels of the tables differ, or `customers` or `periods` name them in another order; if keys repeat,
            periods are not consecutive, a value is infinite or missing in some tables only, or rows are missing
            and `on_missing` is ``"refuse"``.
        ColumnError
            If keys or periods are of a type that cannot be read.

        Examples
        --------
        >>> from custvalue import tiers
        >>> tiers.Panel.from_wide({"score": [[60, 520], [40, 45]]}, customers=["b", "a"]).columns["score"]
        array([[ 40.,  45.],
               [ 60., 520.]])
        """
        _require_on_missing(on_missing)
        tables, named, labels = read_wide(values, customers, periods)
        shape = next(iter(tables.values())).shape
        keys, place = sorted_keys(as_series(named, "customers"), "customers")
        if len(named) != shape[0] or len(keys) < len(named):
            message = (
                f"customers has {len(named)} keys of which {len(keys)} are distinct, and the tables have "
                f"{shape[0]} rows; give one key a row, each once."
            )
            raise DataError(message)
        ordered, when = _sorted_periods(as_series(_period_values(labels), "periods"), "periods")
        if len(labels) != shape[1] or when.tolist() != list(range(shape[1])):
            message = f"periods has {len(labels)} entries for {shape[1]} columns; give each column's, ascending."
            raise DomainError(message)
        rows = np.argsort(place)
        arrays = {name: np.ascontiguousarray(array[rows].T) for name, array in tables.items()}
        nulls = np.stack([np.isnan(array) for array in arrays.values()])
        if (partly := int((nulls.any(axis=0) & ~nulls.all(axis=0)).sum())) > 0:
            message = (
                f"values is missing in some tables and not in others for {partly} customer-period(s); complete "
                "or blank them in all."
            )
            raise DataError(message)
        present: BoolArray = np.logical_not(nulls.all(axis=0))
        arrays = {name: np.where(present, array, 0.0) for name, array in arrays.items()}
        return _finished(keys, ordered, arrays, present, on_missing, ("customer", "period"), pd.DataFrame())

    @property
    def ticks(self) -> IntArray:
        """Numbers of the periods: whole numbers as they are, dates as months since January of year 0."""
        return np.array([tick_of(period) for period in self.periods], dtype=np.int64)

    @property
    def spacing(self) -> int:
        """Ticks from one period to the next; 1 if there is only one period."""
        ticks = self.ticks
        return int(ticks[1] - ticks[0]) if len(ticks) > 1 else 1

    @property
    def dated(self) -> bool:
        """Whether periods are dates."""
        return isinstance(self.periods[0], dt.date)

    def position(self, customer: object) -> int:
        """Give the row of a customer.

        Parameters
        ----------
        customer : int or str
            Key.

        Returns
        -------
        int
            Position in `customers`.

        Raises
        ------
        DomainError
            If the panel does not hold the customer.
        """
        return position_of(self.customers, customer)

    def when(self, period: Period) -> int:
        """Give the column of a period.

        Parameters
        ----------
        period : int or datetime.date
            The period; a date of the same month is enough.

        Returns
        -------
        int
            Position in `periods`.

        Raises
        ------
        DomainError
            If the panel does not hold the period.
        """
        tick = require_tick(period, dated=self.dated, argument="period")
        found = np.flatnonzero(self.ticks == tick)
        if not found.size:
            message = f"period is not in the panel, which runs from {self.periods[0]} to {self.periods[-1]}."
            raise DomainError(message)
        return int(found[0])

    def to_frame(self) -> Any:
        """Give the long table: one row a customer and period that has one, in the library of the table read.

        Returns
        -------
        frame
            The two key columns and the columns read, customer by customer.
        """
        rows, whens = np.nonzero(self.present)
        keys = {self._names[0]: self.customers[rows], self._names[1]: period_array(self.periods)[whens]}
        return self._like(keys | {name: array[rows, whens] for name, array in self.columns.items()})

    def _like(self, columns: Mapping[str, NDArray[Any]]) -> Any:
        """Build a frame in the library of the table read."""
        return _frames.like(self._template, columns, keep_index=False)

    def _spread(self, keys: NDArray[Any], place: IntArray) -> Panel:
        """Give the panel with more customers, who are absent throughout; `place` is where the old ones go."""
        shape = (len(self.periods), len(keys))
        present = np.zeros(shape, dtype=np.bool_)
        present[:, place] = self.present.T
        values = {}
        for name, array in self.columns.items():
            values[name] = np.zeros(shape)
            values[name][:, place] = array.T
        return _finished(keys, self.periods, values, present, self.on_missing, self._names, self._template)

    def __repr__(self) -> str:
        return short_repr("Panel", **self.provenance.counts, columns=len(self.columns))

    def _repr_html_(self) -> str:
        rows = [
            [name, array[self.present].min(), array[self.present].max()] for name, array in self.columns.items()
        ]
        counts = self.provenance.counts
        caption = (
            f"Panel: {counts['customers']} customers, {counts['periods']} periods from {self.periods[0]} to "
            f"{self.periods[-1]}, {counts['missing']} customer-periods without a row"
        )
        return html_table(["column", "smallest", "largest"], rows, caption=caption)


def _require_on_missing(on_missing: object) -> None:
    if on_missing not in ("refuse", "report"):
        message = "on_missing must be 'refuse' or 'report'."
        raise DomainError(message)


def tick_of(period: Period) -> int:
    """Give the number of a period: a whole number is its own, a date has that of its month."""
    return period.year * 12 + period.month - 1 if isinstance(period, dt.date) else int(period)


def require_tick(period: object, *, dated: bool, argument: str) -> int:
    """Give the number of a period that the caller names; refuse the other kind."""
    plain = plain_label(period)
    if dated and isinstance(plain, dt.date):
        return tick_of(plain)
    if not dated and isinstance(plain, int) and not isinstance(plain, bool) and abs(plain) <= MOST:
        return plain
    message = f"{argument} must be {'a date' if dated else 'a whole number'}, as the periods of the panel are."
    raise DomainError(message)


def period_array(periods: Sequence[Period]) -> NDArray[Any]:
    """Give periods as an array for a frame: int64 or datetime64."""
    dated = isinstance(periods[0], dt.date)
    return np.array(periods, dtype="datetime64[D]") if dated else np.array(periods, dtype=np.int64)


def _period_values(labels: Sequence[object]) -> NDArray[Any]:
    """Give named periods as an array of whole numbers or days."""
    plain = [plain_label(label) for label in labels]
    require_no_spans(plain, "periods")
    if all(isinstance(label, dt.date) and getattr(label, "tzinfo", None) is None for label in plain):
        return np.array(plain, dtype="datetime64[us]")
    if all(isinstance(label, int) and not isinstance(label, bool) and abs(label) <= MOST for label in plain):
        return np.array(plain, dtype=np.int64)
    raise ColumnError.wrong_type("periods", found="something else", allowed=_DATES)


def _days_of(column: Any, name: str) -> Any:
    """Give a column of day objects as one of days; any other as it is."""
    if str(column.dtype) not in ("Object", "Unknown"):
        return column
    values = column.to_list()
    require_no_spans(values, f"Column '{name}'")
    known = [value for value in values if value is not None and value is not pd.NaT]
    if not known or not all(isinstance(value, dt.date) and not hasattr(value, "hour") for value in known):
        return column
    return as_series(pd.to_datetime(pd.Series(values)), name)


def _sorted_periods(column: Any, name: str) -> tuple[tuple[Period, ...], IntArray]:
    """Give the distinct periods, ascending and checked for holes, and the position of each row's period."""
    column = _days_of(column, name)
    kind = column.dtype
    if not (kind.is_integer() or kind.is_temporal()) or getattr(kind, "time_zone", None) is not None:
        mend = "Parse texts with to_datetime; number weeks or days 0, 1, 2, ..."
        raise ColumnError.wrong_type(name, found=str(kind), allowed=_DATES, mend=mend)
    if missing := int(column.null_count()):
        message = f"Column '{name}' lacks {missing} period(s). Fill them or leave those rows out."
        raise DataError(message)
    values = np.asarray(column.to_numpy())
    if not kind.is_integer():
        codes, distinct = pd.factorize(values.astype("datetime64[D]").astype(np.int64), sort=True)
        days = distinct.astype("datetime64[D]")
        periods: tuple[Period, ...] = tuple(days.tolist())
    else:
        codes, distinct = pd.factorize(values.astype(np.int64), sort=True)
        periods = tuple(distinct.tolist())
    require_spaced(np.array([tick_of(period) for period in periods]), dated=not kind.is_integer(), name=name)
    return periods, np.asarray(codes, dtype=np.int64)


def require_spaced(ticks: IntArray, *, dated: bool, name: str) -> None:
    """Refuse periods with a hole, dates of which a month has two, and year and month in one number."""
    steps = np.diff(ticks)
    if not dated and _YEAR_MONTHS[0] <= ticks.min() and ticks.max() <= _YEAR_MONTHS[1]:
        month = ticks % 100
        if ((month >= 1) & (month <= 12)).all():  # noqa: PLR2004 - months of a year
            message = (
                f"Column '{name}' holds numbers such as year and month in one, which jump at the end of a year. "
                "Give dates, or number the periods 0, 1, 2, ..."
            )
            raise DataError(message)
    if dated and (steps == 0).any():
        message = (
            f"Column '{name}' has several days in {int((steps == 0).sum())} month(s): one date stands for a "
            "month. Use one day a month, or number shorter periods 0, 1, 2, ..."
        )
        raise DataError(message)
    allowed = int(steps.min()) if dated and steps.size else 1
    if (steps != allowed).any():
        unit = "months" if dated else "whole numbers"
        message = (
            f"Column '{name}' has {int((steps != allowed).sum())} hole(s): periods must be equally spaced {unit}. "
            "Add the missing periods, or replay the parts one after the other."
        )
        raise DataError(message)


def _finished(
    keys: NDArray[Any],
    periods: tuple[Period, ...],
    values: dict[str, FloatArray],
    present: BoolArray,
    on_missing: OnMissing,
    names: tuple[str, str],
    template: Any,
) -> Panel:
    missing = present.size - int(present.sum())
    if missing and on_missing == "refuse":
        some = int((~present.all(axis=0)).sum())
        message = (
            f"panel lacks {missing} of {present.size} customer-periods, of {some} customer(s). Complete it, or "
            "use on_missing='report', which takes such customers for absent and counts them."
        )
        raise DataError(message)
    if (empty := int((~present.any(axis=1)).sum())) > 0:
        message = f"panel has {empty} period(s) in which nobody has a row; leave them out or complete them."
        raise DataError(message)
    rows = present.size - missing
    counts = provenance(rows=rows, customers=len(keys), periods=len(periods), missing=missing)
    return Panel(
        customers=read_only(keys),
        periods=periods,
        columns=FrozenMapping({name: read_only(array).T for name, array in values.items()}),
        present=read_only(present).T,
        on_missing=on_missing,
        provenance=counts,
        _names=names,
        _template=template,
    )
