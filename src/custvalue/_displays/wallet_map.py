"""The display of where the money is that customers have elsewhere: share of wallet against potential."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from custvalue import _frames
from custvalue._displays.axes import (
    FEWEST,
    NO_LABELS,
    amount_text,
    axes_of,
    filled,
    legend_below,
    one_each,
    percent,
    require_counts,
    require_from_zero,
    scale_of,
)
from custvalue._displays.small_cells import NOBODY, cell_handles, hatch, paint
from custvalue._spec import unboxed, whole_number
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from custvalue._typing import FloatArray
    from custvalue.wallet import WalletEstimate

_SHARE, _POTENTIAL, _POTENTIAL_IN = "share of wallet", "potential", "potential, {scale}"
_CUSTOMERS, _VALUE_IN = "customers", "{value}, {scale}"
_TOTALS = "n = {customers}: {own} of {size} here ({share}), potential {potential}"
_WITHOUT = "not on the map, all of it here: {customers}"
_EMPTY = "not on the map, wallet of 0: {customers}"
_ASSUMED = "not identified: rests on an assumption"
_FEW, _FEWER = "fewer than 5 customers", "fewer than 5"
#: Rows of the share in :meth:`WalletMapDisplay.from_estimate`, and most columns of the potential.
_ROWS: Final = 10
_COLUMNS: Final = 16
#: Ticks of the potential nearer than this many columns lose their number.
_TICKS: Final = 9
#: Potentials so many times apart are written as powers of ten.
_FAR: Final = 1e6


class WalletMapDisplay:
    """How many customers have which share of their wallet here, and how much they have elsewhere.

    Parameters
    ----------
    customers : array_like of shape (n_shares, n_potentials)
        Number of customers in each cell.
    share_edges : array_like of shape (n_shares + 1,)
        Edges of the rows: shares of wallet, rising from 0 to 1.
    potential_edges : array_like of shape (n_potentials + 1,)
        Edges of the columns: amounts above 0, rising.
    own, size : float
        What all customers have here, and the size of all their wallets.
    sums : array_like of shape (n_shares, n_potentials), default=None
        Sums of an amount in the cells, from 0; the colours show them instead of the number of customers.
    value_name : str, default="amount"
        What `sums` are.
    without_potential : int, default=0
        Customers with nothing elsewhere, who have no place on the map.
    empty : int, default=0
        Customers whose wallet is 0, who have no share.
    identified : bool, default=True
        Whether the data determine the sizes; the picture says if they do not.
    title : str, default="Share of wallet and potential"
        Title of the picture.

    Attributes
    ----------
    customers : ndarray of shape (n_shares, n_potentials)
        Number of customers in each cell.
    sums : ndarray of shape (n_shares, n_potentials) or None
        What the colours show instead.
    share_edges, potential_edges : ndarray
        Edges of the rows and columns.
    own, size : float
        What the title tells.
    without_potential, empty : int
        Customers who have no place on the map.
    n_customers : int
        All customers, on the map or not.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the numbers do not fit the edges, edges do not rise, `own` lies above `size`, or there are fewer than
        five customers.

    Notes
    -----
    Cells of one to four customers are hatched, whatever they hold, so that nobody is shown alone; a count of one
    to four in the title is a bound. The map holds sums only.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.WalletMapDisplay(
    ...     [[40, 25], [30, 2]], share_edges=[0.0, 0.5, 1.0], potential_edges=[100.0, 1000.0, 10000.0],
    ...     own=60000.0, size=150000.0, without_potential=3)
    >>> display.n_customers
    100
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        customers: ArrayLike,
        *,
        share_edges: Sequence[float] | FloatArray,
        potential_edges: Sequence[float] | FloatArray,
        own: float,
        size: float,
        sums: ArrayLike | None = None,
        value_name: str = "amount",
        without_potential: int = 0,
        empty: int = 0,
        identified: bool = True,
        title: str = "Share of wallet and potential",
    ) -> None:
        self.share_edges = _edges(share_edges, "share_edges")
        self.potential_edges = _edges(potential_edges, "potential_edges")
        if self.share_edges[0] != 0.0 or self.share_edges[-1] != 1.0:
            message = "share_edges must go from 0 to 1."
            raise DomainError(message)
        if self.potential_edges[0] <= 0.0:
            message = "potential_edges must lie above 0: the scale is logarithmic."
            raise DomainError(message)
        shape = (len(self.share_edges) - 1, len(self.potential_edges) - 1)
        self.customers = require_counts(_table(customers, "customers", shape), "customers")
        self.sums = None
        if sums is not None:
            self.sums = require_from_zero(_table(sums, "sums", shape), "sums")
        self.own, self.size = (_amount(one, name) for one, name in ((own, "own"), (size, "size")))
        if self.own > self.size:
            message = "own lies above size; allowed: at most the whole wallet."
            raise DomainError(message)
        self.without_potential = whole_number(without_potential, "without_potential", 0)
        self.empty = whole_number(empty, "empty", 0)
        self.n_customers = int(self.customers.sum()) + self.without_potential + self.empty
        if self.n_customers < FEWEST:
            message = f"There are {self.n_customers} customers; allowed: from {FEWEST}, so that nobody is shown."
            raise DomainError(message)
        self.value_name, self.identified, self.title = value_name, bool(identified), title

    @classmethod
    def from_estimate(
        cls, estimate: WalletEstimate, *, value: ArrayLike | None = None, value_name: str = "amount"
    ) -> Self:
        """Count the customers of an estimate by share and potential.

        Parameters
        ----------
        estimate : WalletEstimate
            From any route of ``wallet``.
        value : array_like of shape (n_customers,), default=None
            An amount of each customer, from 0, such as the potential or an expected margin; the cells show its
            sum instead of the number of customers.
        value_name : str, default="amount"
            What `value` is.

        Returns
        -------
        WalletMapDisplay
            Ready to be drawn; rows of 10 % of share, columns of the steps 1, 2, 5, or of powers of ten where the
            potentials lie far apart.

        Raises
        ------
        DomainError
            If `value` is not one number from 0 a customer, or there are fewer than five customers.
        """
        potential = estimate.potential
        placed = (potential > 0.0) & (estimate.size > 0.0)
        columns = _potential_edges(potential[placed])
        rows = np.linspace(0.0, 1.0, _ROWS + 1)
        # An amount on an edge belongs to the cell above it; a share of 1 to the uppermost row.
        down = np.clip(np.searchsorted(rows, estimate.share[placed], side="right") - 1, 0, _ROWS - 1)
        right = np.clip(np.searchsorted(columns, potential[placed], side="right") - 1, 0, len(columns) - 2)
        cells, shape = down * (len(columns) - 1) + right, (_ROWS, len(columns) - 1)
        n_cells = shape[0] * shape[1]
        sums = None
        if value is not None:
            each = require_from_zero(one_each(np.asarray(value), "value", len(potential)), "value")
            sums = np.bincount(cells, weights=each[placed], minlength=n_cells).reshape(shape)
        totals = estimate.totals()
        return cls(
            np.bincount(cells, minlength=n_cells).reshape(shape),
            share_edges=rows,
            potential_edges=columns,
            own=totals["own"],
            size=totals["size"],
            sums=sums,
            value_name=value_name,
            without_potential=int(np.count_nonzero((potential <= 0.0) & (estimate.size > 0.0))),
            empty=int(np.count_nonzero(estimate.size <= 0.0)),
            identified=estimate.identified,
            title=f"Share of wallet and potential, {estimate.kind} wallet",
        )

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        """Draw the cells, with the totals in the title.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: the title, the name of the value, ``"share of wallet"``, ``"potential"``,
            ``"customers"``, ``"no customer"``, ``"fewer than 5 customers"``, ``"fewer than 5"``,
            ``"not identified: rests on an assumption"``, ``"thousand"``, ``"million"``, ``"billion"``, and, with
            the same braces, ``"{value}, {scale}"``, ``"potential, {scale}"``,
            ``"n = {customers}: {own} of {size} here ({share}), potential {potential}"``,
            ``"not on the map, all of it here: {customers}"``, ``"not on the map, wallet of 0: {customers}"``.

        Returns
        -------
        WalletMapDisplay
            Itself, with `ax_` and `figure_`.
        """
        from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - an extra

        figure, axes = axes_of(ax, (8.4, 6.0))
        hidden = (self.customers > 0.0) & (self.customers < FEWEST)
        figures = self.customers if self.sums is None else self.sums
        factor, scale = (1.0, "") if self.sums is None else scale_of(float(figures.max(initial=0.0)))
        shown = np.where((self.customers >= FEWEST), figures / factor, np.nan)
        image = paint(axes, shown)
        hatch(axes, hidden)
        text = labels.get(_CUSTOMERS, _CUSTOMERS)
        if self.sums is not None:
            name = labels.get(self.value_name, self.value_name)
            text = filled(labels, _VALUE_IN, value=name, scale=labels.get(scale, scale)) if scale else name
        locator = MaxNLocator(6, integer=self.sums is None)
        figure.colorbar(image, ax=axes, label=text, ticks=locator, format="{x:,.10g}")
        self._name_axes(axes, labels)
        axes.set_title("\n".join(self._headed(labels)), fontsize=11, linespacing=1.35)
        if handles := self._handles(labels, hidden=bool(hidden.any())):
            legend_below(axes, figure, handles=handles)
        self.ax_, self.figure_ = axes, figure
        return self

    def _name_axes(self, axes: Axes, labels: Mapping[str, str]) -> None:
        """Name the edges of the cells, as many as find room."""
        columns = self.potential_edges
        # The middle of the scale decides how large amounts are written.
        factor, scale = scale_of(float(np.sqrt(columns[0]) * np.sqrt(columns[-1])))
        step = -(-len(columns) // _TICKS)
        places = range(0, len(columns), step)
        texts = [f"{columns[place] / factor:,.12g}" for place in places]
        if columns[-1] > _FAR * columns[0]:
            factor, scale = 1.0, ""
            texts = [f"$10^{{{np.log10(columns[place]):.3g}}}$" for place in places]
        axes.set_xticks([place - 0.5 for place in places], texts)
        every = -(-len(self.share_edges) // (_ROWS + 1))
        rows = range(0, len(self.share_edges), every)
        axes.set_yticks([row - 0.5 for row in rows], [percent(float(self.share_edges[row])) for row in rows])
        text = labels.get(_POTENTIAL, _POTENTIAL)
        if scale:
            text = filled(labels, _POTENTIAL_IN, scale=labels.get(scale, scale))
        axes.set_xlabel(text)
        axes.set_ylabel(labels.get(_SHARE, _SHARE))

    def _headed(self, labels: Mapping[str, str]) -> list[str]:
        told = filled(
            labels,
            _TOTALS,
            customers=f"{self.n_customers:,}",
            own=amount_text(self.own, labels),
            size=amount_text(self.size, labels),
            share=percent(self.own / self.size) if self.size > 0.0 else "-",
            potential=amount_text(self.size - self.own, labels),
        )
        texts = [labels.get(self.title, self.title), told]
        for template, count in ((_WITHOUT, self.without_potential), (_EMPTY, self.empty)):
            if count:
                few = labels.get(_FEWER, _FEWER) if count < FEWEST else f"{count:,}"
                texts.append(filled(labels, template, customers=few))
        if not self.identified:
            texts.append(labels.get(_ASSUMED, _ASSUMED))
        return texts

    def _handles(self, labels: Mapping[str, str], *, hidden: bool) -> list[Any]:
        from matplotlib.patches import Patch  # noqa: PLC0415 - an extra

        handles = cell_handles(labels, {NOBODY: bool((self.customers == 0.0).any())})
        if hidden:
            text = labels.get(_FEW, _FEW)
            handles.append(Patch(facecolor="white", edgecolor="#7F7F7F", hatch="////", linewidth=0.5, label=text))
        return handles


def _edges(given: Sequence[float] | FloatArray, argument: str) -> FloatArray:
    numbers = one_each(given, argument, len(given))
    if len(numbers) < 2 or (np.diff(numbers) <= 0.0).any():  # noqa: PLR2004 - both ends of a cell
        message = f"{argument} must hold at least 2 rising numbers."
        raise DomainError(message)
    return numbers


def _table(given: ArrayLike, argument: str, shape: tuple[int, int]) -> FloatArray:
    numbers: FloatArray = _frames.numeric(given, argument=argument)
    if numbers.shape != shape:
        message = f"{argument} has shape {numbers.shape}; allowed: {shape}, one number a cell."
        raise DomainError(message)
    return numbers


def _amount(given: object, argument: str) -> float:
    number = unboxed(given)
    real = isinstance(number, int | float) and not isinstance(number, bool)
    if not real or not 0.0 <= number <= _frames.LARGEST:
        message = f"{argument} must be a number from 0."
        raise DomainError(message)
    return float(number)


def _potential_edges(amounts: FloatArray) -> FloatArray:
    """Give rising amounts of the steps 1, 2, 5, or powers of ten, or of more, that hold all amounts."""
    if not len(amounts):
        return np.array([1.0, 10.0])
    low, high = float(amounts.min()), float(amounts.max())
    first, last = int(np.floor(np.log10(low))) - 1, int(np.ceil(np.log10(high))) + 1
    for steps, stride in (((1.0, 2.0, 5.0), 1), *(((1.0,), stride) for stride in (1, 2, 5, 20, 100))):
        edges = np.array(
            [float(f"{step}e{power}") for power in range(first, last + stride, stride) for step in steps]
        )
        kept = edges[max(int(np.searchsorted(edges, low, side="right")) - 1, 0) :]
        kept = kept[: int(np.searchsorted(kept, high, side="right")) + 1]
        if len(kept) <= _COLUMNS + 1:
            break
    return kept
