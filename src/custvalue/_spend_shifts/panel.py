"""The panel of customers by months, from wide tables, long tables of any engine, and dated transactions."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from custvalue import _frames
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import require_choice, unboxed
from custvalue._spend_shifts.months import month_number, ordered, period_texts
from custvalue._spend_shifts.population import joined, labels_of, left_of, peers_of, places_of
from custvalue._spend_shifts.reading import (
    Asked,
    Cells,
    Doubled,
    Missing,
    filled,
    read_cells,
    require_amounts,
    undoubled,
)
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from custvalue._typing import BoolArray, FloatArray, IntArray, Table

_QUARTER = 3


@dataclass(frozen=True, eq=False, repr=False)
class SpendPanel:
    """Monthly amounts of customers: spend, or average assets.

    A panel is made by `from_wide`, `from_long` or `from_transactions`, which refuse what is missing, doubled or
    negative unless a rule is named.

    Attributes
    ----------
    customers : tuple
        Labels, one a row; from long tables in the order of the keys.
    months : ndarray of datetime64[M], shape (n_months,)
        First month of each period, ascending.
    amounts : ndarray of float64, shape (n_customers, n_months)
        Amount of each period, from 0, in the bank's currency; of several joined months their average. Read-only.
    lengths : ndarray of int64, shape (n_months,)
        Months in each period: 1, or more where a calendar joined them.
    peers : ndarray of int32, shape (n_customers,), or None
        Place of each customer's group in `peer_groups`; None: all customers are one group.
    peer_groups : tuple
        Names of the groups, sorted; empty without groups.
    provenance : Provenance
        Package version, settings and counts of rows.

    See Also
    --------
    SpendCalendar : Joins months of a movable holiday and takes quarter-ends out.

    Examples
    --------
    >>> from custvalue import wallet
    >>> panel = wallet.SpendPanel.from_wide([[10.0, 12.0], [5.0, 0.0]], start="2024-01", peers=["mass", "vip"])
    >>> panel
    SpendPanel(customers=2, months=2, first=2024-01, last=2024-02, peer_groups=2)
    >>> panel.to_frame()
       customer  peers  2024-01  2024-02
    0         0   mass     10.0     12.0
    1         1    vip      5.0      0.0
    """

    customers: tuple[Any, ...]
    months: NDArray[np.datetime64]
    amounts: FloatArray
    lengths: IntArray
    peers: NDArray[np.int32] | None
    peer_groups: tuple[Any, ...]
    provenance: Provenance

    @classmethod
    def from_wide(
        cls,
        data: Table,
        *,
        start: object = None,
        customer: str | None = None,
        customers: Sequence[Any] | None = None,
        peers: str | Sequence[Any] | None = None,
        missing: Missing = "refuse",
    ) -> SpendPanel:
        """Read a table with one row a customer and one column a month.

        Parameters
        ----------
        data : array_like of shape (n_customers, n_months), or pandas, Polars or PyArrow frame
            Amounts from 0. The columns of a frame are months written as '2024-03', or dates or periods, in any
            order, unless `start` says what month the first of them is.
        start : str, date or datetime, default=None
            First month; needed for an array.
        customer : str, default=None
            Column of a frame with the labels; each customer once.
        customers : sequence, default=None
            Labels in the order of the rows. None: the column `customer`, else the places of the rows.
        peers : str or sequence, default=None
            Column of a frame, or sequence, with each customer's peer group.
        missing : {"refuse", "zero", "previous"}, default="refuse"
            What a null or NaN is: an error, nothing spent, or the amount of the month before.

        Returns
        -------
        SpendPanel
            The panel, rows in their order.

        Raises
        ------
        ColumnError
            If a column is not there, is no number, or its name is no month.
        DataError
            If amounts are negative or infinite, months or customers are missing or doubled.
        DomainError
            If shapes differ, or an array has no `start`.

        Examples
        --------
        >>> import pandas as pd
        >>> from custvalue import wallet
        >>> table = pd.DataFrame({"id": ["a", "b"], "2024-02": [1.0, 2.0], "2024-01": [3.0, 4.0]})
        >>> wallet.SpendPanel.from_wide(table, customer="id").amounts
        array([[3., 1.],
               [4., 2.]])
        """
        require_choice(missing, Missing, "missing")
        if isinstance(data, pd.DataFrame):  # columns of a pivot are dates or periods
            data = data.set_axis([str(name) for name in data.columns], axis=1)
        names = _frames.column_names(data)
        if names is None:
            if start is None or customer is not None or isinstance(peers, str):
                message = (
                    "An array needs start=, and labels and peer groups as sequences, not as names of columns."
                )
                raise DomainError(message)
            numbers = _frames.numeric(data, argument="data", nulls=True)
            first = month_number(start, "start")
        else:
            frame = _frames.eager(data, argument="data")
            special = [name for name in (customer, peers) if isinstance(name, str)]
            if lacking := [name for name in special if name not in names]:
                raise ColumnError.missing(lacking, available=names, mend="Name the columns of data.")
            columns = [name for name in names if name not in special]
            first, columns = ordered(columns, start)
            numbers = _frames.numeric(data, columns, argument="data", nulls=True)
            if customer is not None:
                if customers is not None:
                    raise DomainError("Give customer= (a column) or customers= (labels), not both.")
                customers = frame.get_column(customer).to_list()
            if isinstance(peers, str):
                peers = frame.get_column(peers).to_list()
        return _checked(numbers, first, customers, peers, missing)

    @classmethod
    def from_long(
        cls,
        frame: Any,
        *,
        customer: str,
        month: str,
        amount: str,
        peers: str | None = None,
        population: Any = None,
        doubled: Doubled = "refuse",
        missing: Missing = "refuse",
        first: object = None,
        last: object = None,
    ) -> SpendPanel:
        """Read a table with one row a customer and month, of any engine.

        Total assets by product come in with ``doubled="sum"``: a deposit that became a fund leaves the sum of the
        customer's products as it was, and so is no leak.

        Parameters
        ----------
        frame : pandas, Polars or PyArrow frame, DuckDB relation, Ibis table or PySpark data frame
            The long table. An engine sums by customer and month; only the sums come into memory, some months at
            once.
        customer, month, amount : str
            Columns: keys (integers or text); dates, datetimes without a zone, text such as '2024-03' or whole
            numbers such as 202403; amounts from 0.
        peers : str, default=None
            Column of the peer group, the same in all rows of a customer, in the frame; or, with a `population`
            that has this column, there.
        population : sequence or frame, default=None
            All customers, each once: labels, or a frame in memory with the column `customer`. Who has no row at
            all is silent: zero in every month. Customers of the frame who are not in it are refused.
        doubled : {"refuse", "sum", "mean"}, default="refuse"
            What several rows of a customer and month are: an error, parts of a sum, or measurements to average.
        missing : {"refuse", "zero", "previous"}, default="refuse"
            What a month without a row is: an error, nothing spent, or the amount of the month before.
        first, last : str, date or datetime, default=None
            Months from and to which rows are read, both included; None: those of the data. Rows outside are
            counted and left out.

        Returns
        -------
        SpendPanel
            The panel, rows in the order of the keys, or of the population.

        Raises
        ------
        ColumnError
            If a column is missing or of a wrong type.
        DataError
            If keys, months or amounts are null, amounts are negative or infinite, months are missing or doubled, a
            month has no row of any customer, or a customer is not in the population or has several peer groups.
        DomainError
            If a rule is unknown, or `first` lies after `last`.

        Notes
        -----
        Cost O(rows) time; memory 16 bytes a customer and month beside the rows in memory. Sums are made in the
        order of the rows, so another order can change the last digits.

        Examples
        --------
        >>> import pandas as pd
        >>> from custvalue import wallet
        >>> month = ["2024-01", "2024-01", "2024-02"]
        >>> rows = pd.DataFrame({"id": ["b", "a", "a"], "month": month, "x": [5.0, 1.0, 2.0]})
        >>> panel = wallet.SpendPanel.from_long(rows, customer="id", month="month", amount="x", missing="zero")
        >>> panel.customers, panel.amounts.tolist()
        (('a', 'b'), [[1.0, 2.0], [5.0, 0.0]])
        """
        require_choice(doubled, Doubled, "doubled")
        require_choice(missing, Missing, "missing")
        there = population is not None and peers in (_frames.column_names(population) or ())
        asked = Asked(customer, month, amount, peers=None if there else peers)
        cells = undoubled(read_cells(frame, asked, first=first, last=last), doubled)
        settings = {"doubled": doubled, "missing": missing}
        return _from_cells(cells, population, customer, peers, missing, settings)

    @classmethod
    def from_transactions(
        cls,
        frame: Any,
        *,
        customer: str,
        time: str,
        amount: str,
        code: str | None = None,
        internal_codes: Sequence[str | int] = (),
        counterpart: str | None = None,
        peers: str | None = None,
        population: Any = None,
        first: object = None,
        last: object = None,
    ) -> SpendPanel:
        """Add dated transactions up by month, net of transfers between a customer's own accounts and products.

        Parameters
        ----------
        frame : pandas, Polars or PyArrow frame, DuckDB relation, Ibis table or PySpark data frame
            One row a transaction, with the amounts of the direction that is asked (spend, or inflow), from 0.
        customer, time, amount : str
            Columns: keys (integers or text), dates or datetimes without a zone, amounts from 0.
        code : str, default=None
            Column of the kind of transaction.
        internal_codes : sequence of str or int, default=()
            Codes of transfers between a customer's own accounts and products (a deposit that became a fund). Their
            rows are left out and counted.
        counterpart : str, default=None
            Column with the key of the customer on the other side; rows where it is the customer himself are left
            out and counted. A null is somebody else.
        peers : str, default=None
            Column of the peer group, in the frame or in the population.
        population : sequence or frame, default=None
            All customers, each once; see `from_long`.
        first, last : str, date or datetime, default=None
            Months from and to which rows are read, both included; None: those of the data. Set `last` to the last
            month that is over.

        Returns
        -------
        SpendPanel
            The panel; a month without a transaction is zero. Customers who only moved money among their own
            accounts are in it, with zeros.

        Raises
        ------
        ColumnError
            If a column is missing or of a wrong type.
        DataError
            If keys, times or amounts are null, amounts are negative or infinite, a month has no row of any
            customer, or a customer is not in the population or has several peer groups.
        DomainError
            If `code` and `internal_codes` are not given together, or `first` lies after `last`.

        Examples
        --------
        >>> import pandas as pd
        >>> from custvalue import wallet
        >>> day = pd.to_datetime(["2024-01-05", "2024-01-20", "2024-02-03"])
        >>> kind = ["card", "own", "card"]
        >>> rows = pd.DataFrame({"id": [7, 7, 7], "day": day, "x": [10.0, 500.0, 8.0], "kind": kind})
        >>> columns = {"customer": "id", "time": "day", "amount": "x"}
        >>> panel = wallet.SpendPanel.from_transactions(rows, **columns, code="kind", internal_codes=["own"])
        >>> panel.amounts, panel.provenance.counts["internal"]
        (array([[10.,  8.]]), 1)
        """
        codes = () if isinstance(internal_codes, str) else tuple(unboxed(one) for one in internal_codes)
        if isinstance(internal_codes, str) or (code is None) != (not codes):
            message = "code and internal_codes belong together: a column, and a sequence of at least one code."
            raise DomainError(message)
        there = population is not None and peers in (_frames.column_names(population) or ())
        asked = Asked(customer, time, amount, None if there else peers, code, counterpart)
        cells = read_cells(frame, asked, first=first, last=last, codes=codes)
        settings = {"internal_codes": len(codes), "counterpart": counterpart is not None}
        return _from_cells(cells, population, customer, peers, "zero", settings)

    def __len__(self) -> int:
        return len(self.customers)

    @property
    def month_labels(self) -> tuple[str, ...]:
        """Periods as text: '2024-03', or '2024-01/02' where months were joined."""
        return period_texts(self.months.astype(np.int64), self.lengths)

    @property
    def quarter_end(self) -> BoolArray:
        """Whether the period holds a March, June, September or December, at whose end deposits are pushed."""
        starts = self.months.astype(np.int64)
        return np.asarray((starts + self.lengths) // _QUARTER > starts // _QUARTER)

    def take(self, places: Any) -> SpendPanel:
        """Give the panel of some of the customers.

        Parameters
        ----------
        places : array_like of bool, shape (n_customers,), or of int
            A mask of the customers, or their places from 0, each once, in the order that is wanted. A mask that is
            a pandas Series with the customers as its index is paired by these labels, in whatever order they are.

        Returns
        -------
        SpendPanel
            Their amounts and peer groups, without groups of which nobody is left; months and lengths stay. Counts
            of `provenance` tell the ``customers`` and ``customers_dropped``; the others stay those of the reading.

        Raises
        ------
        DomainError
            If `places` is neither, or takes nobody, a customer twice, or one who is not there.

        Examples
        --------
        >>> from custvalue import wallet
        >>> rows = [[10.0, 12.0], [5.0, 0.0], [7.0, 8.0]]
        >>> panel = wallet.SpendPanel.from_wide(rows, start="2024-01", customers=["a", "b", "c"])
        >>> panel.take(panel.amounts.min(axis=1) > 0.0).customers
        ('a', 'c')
        >>> panel.take([2, 0]).amounts
        array([[ 7.,  8.],
               [10., 12.]])
        """
        kept = places_of(places, self.customers)
        codes, groups = (None, ()) if self.peers is None else left_of(self.peers[kept], self.peer_groups)
        counts = dict(self.provenance.counts) | {"customers": len(kept)}
        counts["customers_dropped"] = counts.get("customers_dropped", 0) + len(self) - len(kept)
        return replace(
            self,
            customers=tuple(self.customers[place] for place in kept.tolist()),
            amounts=read_only(self.amounts[kept]),
            peers=None if codes is None else read_only(codes),
            peer_groups=groups,
            provenance=provenance(self.provenance.spec, **counts),
        )

    def with_amounts(self, amounts: FloatArray) -> SpendPanel:
        """Give the same customers and months with other amounts.

        Parameters
        ----------
        amounts : ndarray of shape (n_customers, n_months)
            Amounts, finite, from 0.

        Returns
        -------
        SpendPanel
            The new panel.

        Raises
        ------
        DomainError
            If the shape differs.
        DataError
            If an amount is missing, negative or infinite.
        """
        made = np.array(amounts, dtype=np.float64)
        if made.shape != self.amounts.shape:
            message = f"amounts has shape {made.shape}; allowed: {self.amounts.shape}, customers by months."
            raise DomainError(message)
        require_amounts(made, "amounts")
        return replace(self, amounts=read_only(made))

    def to_frame(self) -> pd.DataFrame:
        """Give one row a customer and one column a month.

        Returns
        -------
        pandas.DataFrame
            ``customer``, ``peers`` where there are groups, and the months as text.
        """
        columns: dict[str, Any] = {"customer": list(self.customers)}
        if self.peers is not None:
            columns["peers"] = [self.peer_groups[code] for code in self.peers.tolist()]
        labels = pd.DataFrame(columns)
        return pd.concat([labels, pd.DataFrame(self.amounts, columns=list(self.month_labels))], axis=1)

    def __repr__(self) -> str:
        ends = {"first": self.month_labels[0], "last": self.month_labels[-1]}
        groups = {} if self.peers is None else {"peer_groups": len(self.peer_groups)}
        return short_repr("SpendPanel", customers=len(self), months=len(self.months), **ends, **groups)

    def _repr_html_(self) -> str:
        total, active = self.amounts.sum(axis=0), (self.amounts > 0.0).sum(axis=0)
        rows = list(zip(self.month_labels, total.tolist(), active.tolist(), strict=True))
        caption = f"Panel of {len(self)} customers"
        return html_table(("month", "total", "customers with an amount"), rows, caption=caption)


def _checked(
    numbers: FloatArray,
    first: int,
    customers: Sequence[Any] | None,
    peers: Sequence[Any] | None,
    missing: Missing,
    counts: Mapping[str, int] | None = None,
    settings: Mapping[str, object] | None = None,
) -> SpendPanel:
    """Check amounts, labels and groups, and put the panel together."""
    n, n_months = numbers.shape
    if not n or not n_months:
        raise DataError("The panel holds no customers or no months.")
    present = ~np.isnan(numbers)
    amounts = filled(numbers, present, missing, "The panel")
    require_amounts(amounts, "The panel")
    names = tuple(range(n)) if customers is None else labels_of(customers, n)
    codes, groups = (None, ()) if peers is None else peers_of(peers, n)
    found = dict(counts or {}) | {"customers": n, "months": n_months, "filled": int(np.count_nonzero(~present))}
    return SpendPanel(
        names,
        read_only(np.arange(first, first + n_months).astype("datetime64[M]")),
        read_only(np.array(amounts, dtype=np.float64, copy=amounts is numbers)),
        read_only(np.ones(n_months, dtype=np.int64)),
        None if codes is None else read_only(codes),
        groups,
        provenance(json.dumps(dict(settings or {"missing": missing}), sort_keys=True), **found),
    )


def _from_cells(
    cells: Cells,
    population: Any,
    customer: str,
    peers: str | None,
    missing: Missing,
    settings: Mapping[str, object],
) -> SpendPanel:
    """Join summed cells with the population, and check them."""
    amounts, names, groups, silent = cells.amounts, cells.customers, cells.peers, 0
    require_amounts(amounts, "The panel")
    amounts = np.where(cells.rows > 0, amounts, np.nan)
    if population is not None:
        everyone = joined(population, customer, peers, cells)
        names, groups, silent = everyone.customers, everyone.peers, everyone.silent
        spread = np.zeros((len(names), amounts.shape[1]))
        spread[everyone.places] = amounts
        amounts = spread
    counts = {"rows": cells.n_rows, "outside": cells.n_outside, "internal": cells.n_internal, "silent": silent}
    return _checked(amounts, cells.first, names, groups, missing, counts, settings)
