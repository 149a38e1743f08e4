"""The customer value matrix: two axes, cuts, and a name and an action for each cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from custvalue import _frames
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import Document, FrozenMapping, Items, require
from custvalue._tier_policies.arguments import Shell, kept_columns, matched
from custvalue._tier_policies.axes import Axis, Cell, FixedCut, MeanCut, RatioCut, measured
from custvalue._tier_policies.keys import as_series, sorted_keys
from custvalue._tier_policies.migration import MigrationMatrix, migration_matrix
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from custvalue._typing import ArrayLike, FloatArray, IntArray


class ValueMatrix(Document):
    """A customer value matrix: two axes cut into bands, and a name and an action for each cell.

    Parameters
    ----------
    x, y : Axis
        The two axes.
    cells : sequence of Cell
        One for each pair of bands.
    spec_version : int, default=1
        Version of the JSON layout.

    Raises
    ------
    pydantic.ValidationError
        If the axes have one name or that of a result's column, or cells are missing, doubled or outside of the
        bands.

    Notes
    -----
    A matrix is no ladder: nothing says that one cell is above another. Cuts that are taken from the customers
    (mean, median, quantile, ratio of totals) move with them; `MatrixCells.frozen` fixes them for the next month.
    Cost: linear in customers; quantiles and the median sort.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import tiers
    >>> table = pd.DataFrame({"purchases": [1, 4, 2, 9, 1], "revenue": [100.0, 80.0, 400.0, 900.0, 30.0]})
    >>> found = tiers.ValueMatrix.marcus().apply(table)
    >>> found.names.tolist()
    ['spender', 'frequent', 'spender', 'best', 'uncertain']
    >>> found.cuts
    {'frequency': (3.4,), 'average amount': (88.82352941176471,)}
    """

    x: Axis = Field(description="First axis.")
    y: Axis = Field(description="Second axis.")
    cells: Items[Cell] = Field(min_length=4, max_length=441, description="One cell a pair of bands.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.x.name == self.y.name:
            message = f"both axes are called '{self.x.name}'; give each a name of its own"
            raise ValueError(message)
        if taken := sorted({"cell", "action", "customers", "share"} & {self.x.name, self.y.name}):
            message = f"axis name(s) {taken} are columns of the result; choose others"
            raise ValueError(message)
        wanted = {(low, high) for low in self.x.bands for high in self.y.bands}
        given = [(cell.x, cell.y) for cell in self.cells]
        missing, unknown = sorted(wanted - set(given)), sorted(set(given) - wanted)
        if missing or unknown or len(given) > len(wanted):
            message = (
                "cells must name each pair of bands once; "
                f"missing: {missing}, unknown: {unknown}, doubled: {len(given) - len(set(given))}"
            )
            raise ValueError(message)
        return self

    @classmethod
    def marcus(cls, *, purchases: str = "purchases", revenue: str = "revenue") -> Self:
        """Give the customer value matrix of Marcus: number of purchases against average amount.

        Parameters
        ----------
        purchases : str, default="purchases"
            Column of the number of purchases of each customer, above 0.
        revenue : str, default="revenue"
            Column of the customer's revenue.

        Returns
        -------
        ValueMatrix
            Frequency is cut at total purchases by customers, the average amount at total revenue by total
            purchases; ties go to the high side. The four cells are Marcus's [1]_, the wording of the actions ours.

        References
        ----------
        .. [1] Marcus, C. (1998). A practical yet meaningful approach to customer segmentation. *Journal of
           Consumer Marketing*, 15(5), 494-504.

        Examples
        --------
        >>> from custvalue import tiers
        >>> [cell.name for cell in tiers.ValueMatrix.marcus().cells]
        ['best', 'spender', 'frequent', 'uncertain']
        """
        return cls(
            x=Axis(name="frequency", column=purchases, cut=MeanCut()),
            y=Axis(name="average amount", column=revenue, per=purchases, cut=RatioCut()),
            cells=[
                Cell(x="high", y="high", name="best", action="keep and reward"),
                Cell(x="low", y="high", name="spender", action="bring back more often"),
                Cell(x="high", y="low", name="frequent", action="raise the amount of each purchase"),
                Cell(x="low", y="low", name="uncertain", action="develop where it pays, else spend nothing"),
            ],
        )

    @classmethod
    def contribution_potential(
        cls,
        contribution_cut: float,
        potential_cut: float,
        *,
        contribution: str = "contribution",
        potential: str = "potential",
    ) -> Self:
        """Give the matrix of VIP, target, mass and negative-contribution customers.

        Parameters
        ----------
        contribution_cut : float
            Contribution from which on a customer is a VIP (贵宾), above 0.
        potential_cut : float
            Potential from which on an ordinary customer is a target (目标).
        contribution, potential : str, default="contribution", "potential"
            Columns of the table.

        Returns
        -------
        ValueMatrix
            Contribution in three bands (below 0, ordinary, high) by potential in two. High contribution is VIP,
            ordinary with high potential is target, ordinary with low potential is mass (大众), and below 0 is
            negative (负效), with an action of its own where potential is high.

        Raises
        ------
        pydantic.ValidationError
            If `contribution_cut` is not above 0.

        Notes
        -----
        The source names the four kinds of customers as a matrix of contribution and potential and prints no cuts;
        which pair of bands is which kind is our reading. Leaving a negative customer is within the law and a
        person's decision.

        Examples
        --------
        >>> import pandas as pd
        >>> from custvalue import tiers
        >>> matrix = tiers.ValueMatrix.contribution_potential(5_000, 100_000)
        >>> rows = {"contribution": [9_000.0, 300.0, 300.0, -20.0], "potential": [0.0, 200_000.0, 0.0, 0.0]}
        >>> matrix.apply(pd.DataFrame(rows)).names.tolist()
        ['VIP', 'target', 'mass', 'negative']
        """
        return cls(
            x=Axis(
                name="contribution",
                column=contribution,
                cut=FixedCut(values=[0, contribution_cut]),
                bands=["negative", "ordinary", "high"],
            ),
            y=Axis(name="potential", column=potential, cut=FixedCut(values=[potential_cut])),
            cells=[
                Cell(x="high", y="high", name="VIP", action="keep and deepen"),
                Cell(x="high", y="low", name="VIP", action="keep"),
                Cell(x="ordinary", y="high", name="target", action="develop"),
                Cell(x="ordinary", y="low", name="mass", action="serve at low cost"),
                Cell(x="negative", y="high", name="negative", action="develop, or mend price and cost"),
                Cell(
                    x="negative", y="low", name="negative", action="mend price and cost; a person decides on exit"
                ),
            ],
        )

    @classmethod
    def loyalty_value(
        cls, loyalty_cut: float, value_cut: float, *, loyalty: str = "loyalty", value: str = "value"
    ) -> Self:
        """Give the matrix of loyalty and value of customer relationship management.

        Parameters
        ----------
        loyalty_cut : float
            Influence of the brand on the customer from which on loyalty is strong.
        value_cut : float
            Value, or potential value, from which on it is high.
        loyalty, value : str, default="loyalty", "value"
            Columns of the table.

        Returns
        -------
        ValueMatrix
            Strong and high: keep and deepen; weak and high: develop; strong and low: maintain; weak and low: let
            go. The cells and actions are the source's, the cuts the caller's.

        Examples
        --------
        >>> from custvalue import tiers
        >>> [cell.action for cell in tiers.ValueMatrix.loyalty_value(0.5, 10_000).cells]
        ['keep and deepen', 'develop', 'maintain', 'let go']
        """
        cells = [
            Cell(x="strong", y="high", name="strong, high", action="keep and deepen"),
            Cell(x="weak", y="high", name="weak, high", action="develop"),
            Cell(x="strong", y="low", name="strong, low", action="maintain"),
            Cell(x="weak", y="low", name="weak, low", action="let go"),
        ]
        bands = ["weak", "strong"]
        return cls(
            x=Axis(name="loyalty", column=loyalty, cut=FixedCut(values=[loyalty_cut]), bands=bands),
            y=Axis(name="value", column=value, cut=FixedCut(values=[value_cut])),
            cells=cells,
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read, each once."""
        return tuple(dict.fromkeys((*self.x.columns, *self.y.columns)))

    @property
    def cell_names(self) -> tuple[str, ...]:
        """Names of the cells, each once, in their order: the states of a migration between them."""
        return tuple(dict.fromkeys(cell.name for cell in self.cells))

    def apply(self, table: Any, *, keep: Sequence[str] = ()) -> MatrixCells:
        """Put every customer of a table into a cell.

        Parameters
        ----------
        table : pandas, Polars or PyArrow frame
            One row a customer.
        keep : sequence of str, default=()
            Columns, such as the key, that ``to_frame`` repeats.

        Returns
        -------
        MatrixCells
            Cells, cuts and counts; the same for every order of the rows.

        Raises
        ------
        ColumnError
            If a column is missing or holds no numbers.
        DataError
            If a value is missing or infinite, a denominator is not above 0 or so small that a quotient goes beyond
            1e150, or two cuts of an axis coincide.
        DomainError
            If the table is no frame or has no row.
        """
        frame = _frames.eager(table, argument="table")
        if len(frame) == 0:
            message = "table has no row; allowed: at least one customer."
            raise DomainError(message)
        numbers = _frames.numeric(frame, self.columns, argument="table")
        columns = {name: numbers[:, place] for place, name in enumerate(self.columns)}
        values, cuts, bands = [], [], []
        for axis in (self.x, self.y):
            found, parted = measured(axis, columns)
            side: Literal["left", "right"] = "right" if axis.tie == "high" else "left"
            values.append(found)
            cuts.append(parted)
            bands.append(np.searchsorted(parted, found, side=side))
        places = {(cell.x, cell.y): place for place, cell in enumerate(self.cells)}
        grid = np.array([[places[first, second] for second in self.y.bands] for first in self.x.bands])
        shell, kept = kept_columns(table, keep, [self.x.name, self.y.name, "cell", "action"])
        return MatrixCells(
            matrix=self,
            codes=read_only(grid[bands[0], bands[1]]),
            measured=read_only(np.column_stack(values)),
            cuts=FrozenMapping(
                {axis.name: tuple(cut.tolist()) for axis, cut in zip((self.x, self.y), cuts, strict=True)}
            ),
            provenance=provenance(self.model_dump_json(), customers=len(numbers)),
            _shell=shell,
            _kept=FrozenMapping(kept),
        )

    def __repr__(self) -> str:
        return short_repr("ValueMatrix", x=repr(self.x.name), y=repr(self.y.name), cells=len(self.cells))

    __str__ = __repr__

    def _repr_html_(self) -> str:
        rows = [[cell.x, cell.y, cell.name, cell.action] for cell in self.cells]
        return html_table([self.x.name, self.y.name, "cell", "action"], rows, caption="Customer value matrix")


@dataclass(frozen=True, eq=False, repr=False)
class MatrixCells:
    """The cell of every customer of one table.

    Attributes
    ----------
    matrix : ValueMatrix
        The matrix.
    codes : ndarray of int, shape (n_customers,)
        Position of each customer's cell in ``matrix.cells``, in the order of the table.
    measured : ndarray of shape (n_customers, 2)
        Values on the two axes.
    cuts : mapping of str to tuple of float
        Cuts of each axis, by its name.
    provenance : Provenance
        Package version, matrix and counts.

    See Also
    --------
    ValueMatrix : Makes it.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import tiers
    >>> table = pd.DataFrame({"purchases": [1, 4, 2, 9, 1], "revenue": [100.0, 80.0, 400.0, 900.0, 30.0]})
    >>> found = tiers.ValueMatrix.marcus().apply(table)
    >>> found.counts()[["cell", "customers", "share"]]
            cell  customers  share
    0       best          1    0.2
    1    spender          2    0.4
    2   frequent          1    0.2
    3  uncertain          1    0.2
    """

    matrix: ValueMatrix
    codes: IntArray
    measured: FloatArray
    cuts: Mapping[str, tuple[float, ...]]
    provenance: Provenance
    _shell: Shell
    _kept: Mapping[str, NDArray[Any]]

    @property
    def names(self) -> NDArray[Any]:
        """Name of each customer's cell, in the order of the table."""
        return np.asarray(np.array([cell.name for cell in self.matrix.cells], dtype=object)[self.codes])

    @property
    def frozen(self) -> ValueMatrix:
        """The matrix with the cuts found here as fixed values, to be applied to other customers or months."""
        axes = {"x": self._fixed(self.matrix.x), "y": self._fixed(self.matrix.y)}
        return self.matrix.model_copy(update=axes)

    def _fixed(self, axis: Axis) -> Axis:
        cut = {"kind": "fixed", "values": self.cuts[axis.name]}
        return type(axis).model_validate(axis.model_dump() | {"cut": cut})

    def counts(self) -> pd.DataFrame:
        """Count the customers of each cell.

        Returns
        -------
        pandas.DataFrame
            One row a cell: its bands under the names of the axes, ``cell``, ``customers``, ``share`` and
            ``action``.
        """
        cells = self.matrix.cells
        found = np.bincount(self.codes, minlength=len(cells))
        return pd.DataFrame(
            {
                self.matrix.x.name: [cell.x for cell in cells],
                self.matrix.y.name: [cell.y for cell in cells],
                "cell": [cell.name for cell in cells],
                "customers": found,
                "share": found / len(self.codes),
                "action": [cell.action for cell in cells],
            }
        )

    def to_frame(self) -> Any:
        """Give one row a customer, in the order and the library of the table.

        Returns
        -------
        frame
            The columns kept, the values on both axes under their names, ``cell`` and ``action``; a pandas index
            stays.
        """
        actions = np.array([cell.action for cell in self.matrix.cells], dtype=object)[self.codes]
        axes = {axis.name: self.measured[:, place] for place, axis in enumerate((self.matrix.x, self.matrix.y))}
        return self._shell.frame({**self._kept, **axes, "cell": self.names, "action": actions})

    def migration(
        self, later: MatrixCells, *, key: str, weights: ArrayLike | None = None, confidence: float = 0.95
    ) -> MigrationMatrix:
        """Count where the customers of each cell went by a later date.

        Parameters
        ----------
        later : MatrixCells
            The later table's cells; of a matrix with cells of the same names.
        key : str
            Column of the customers' keys; both tables must have been applied with it in `keep`.
        weights : array_like of shape (n_customers,), default=None
            What each customer of this table counts for, in its order; a pandas Series is matched with its index.
        confidence : float, default=0.95
            Level of the intervals.

        Returns
        -------
        MigrationMatrix
            From the cells here to those of `later`.

        Raises
        ------
        DomainError
            If `key` was not kept, or the cells have other names.
        DataError
            If a key repeats, customers of one table are not in the other, or `weights` is a pandas Series with
            other index labels than the table.
        """
        require(later, MatrixCells, "later")
        if set(self.matrix.cell_names) != set(later.matrix.cell_names):
            message = "later has cells of other names; compare tables under the same matrix."
            raise DomainError(message)
        if key not in self._kept or key not in later._kept:
            message = f"key '{key}' was not kept; give keep=['{key}'] to apply, for both tables."
            raise DomainError(message)
        keys, place = sorted_keys(as_series(self._kept[key], key), key)
        later_keys, later_place = sorted_keys(as_series(later._kept[key], key), key)
        if len(keys) < len(place) or len(later_keys) < len(later_place):
            message = f"Column '{key}' repeats keys; one row a customer."
            raise DataError(message)
        same = keys.dtype == later_keys.dtype
        lost = len(np.setxor1d(keys, later_keys)) if same else len(keys) + len(later_keys)
        if lost:
            message = (
                f"{lost} customer(s) are in one table only; restrict both to the common ones and say how many."
            )
            raise DataError(message)
        weights = matched(self._shell, weights, "weights", "the table")
        after = later.names[np.argsort(later_place)][place]
        return migration_matrix(
            self.names, after, states=self.matrix.cell_names, weights=weights, confidence=confidence
        )

    def __repr__(self) -> str:
        return short_repr("MatrixCells", **self.provenance.counts, cells=len(self.matrix.cells))

    def _repr_html_(self) -> str:
        table = self.counts()
        cuts = "; ".join(
            f"{name} cut at {', '.join(f'{cut:.4g}' for cut in cut)}" for name, cut in self.cuts.items()
        )
        return html_table(
            list(table.columns), table.itertuples(index=False), caption=f"Customer value matrix: {cuts}"
        )
