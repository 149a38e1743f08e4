"""The display of all pairs of products: how far each is from independence, and which of them are significant."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Self

import numpy as np

from custvalue._displays.axes import (
    FEWEST,
    GREY,
    NO_LABELS,
    axes_of,
    filled,
    ink_on,
    legend_below,
    ratio_ticks,
    require_distinct,
    require_top,
    text_size,
)
from custvalue._kernels.interest import MEASURES
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from custvalue._typing import BoolArray, FloatArray, IntArray, Table
    from custvalue.basket import Pairs

#: Products on a side above which no numbers are written, and above which cells have no room for a mark.
_NUMBERED, _CROWDED = 14, 60
#: Inches of a cell with a number, and the least that has room for one.
_CELL, _LEAST_CELL = 0.46, 0.36
#: Share of given axes that is left to the picture beside names and colour bar.
_LEFT_TO_CELLS: Final = 0.7
#: With more pairs than this the colours reach as far as this share of them.
_PAIRS, _SHOWN = 50, 0.98
_FEW = "1 to 4 customers hold both"
_MARKS: Final = {
    "greater": "held together more often than by chance, p <= {alpha} ({adjust})",
    "less": "held together more rarely than by chance, p <= {alpha} ({adjust})",
    "two-sided": "more often or more rarely than by chance, p <= {alpha} ({adjust})",
}
_ADJUSTED = {None: "not adjusted", "holm": "Holm", "bonferroni": "Bonferroni", "bh": "BH", "by": "BY"}
_TITLE, _FROM, _TO = "Pairs of products", "holds", "also holds"
_PART = "the {drawn} of {count} products with most holders"
_AT = "{measure} (independent: {centre})"
#: Measures of pairs that are no interest measures, with their values under independence.
_OWN: Final = {"lift_low": 1.0, "lift_high": 1.0, "gap": 0.0, "extra_customers": 0.0}


class PairHeatmapDisplay:
    """A measure of every pair of products, with diverging colours around its value under independence.

    Parameters
    ----------
    products : sequence of str
        Names of the products, in the order of the picture.
    values : table of shape (n_products, n_products)
        The measure, from the row's product to the column's; NaN where it has no value. The diagonal is not drawn.
    centre : float, default=None
        Value under independence, where the colours change; None where there is no single one: colours then rise
        from the smallest to the largest value.
    ratio : bool, default=False
        Whether twice as much is as far from the centre as half as much; the centre must then be positive and no
        value negative.
    significant : table of bool, shape (n_products, n_products), default=None
        Pairs to be marked.
    few : table of bool, shape (n_products, n_products), default=None
        Pairs of so few customers that neither colour nor number is shown.
    measure : str, default="measure"
        Name of the measure.
    mark : str, default="significant"
        What the mark means.
    symmetric : bool, default=True
        Whether rows and columns can be exchanged; otherwise they are named.
    count : int, default=None
        Number of all products, where these are only those with most holders.
    title : str, default="Pairs of products"
        Title of the picture.

    Attributes
    ----------
    products : tuple of str
        Names of the products in the order of the picture.
    values : ndarray of shape (n_products, n_products)
        What the colours show; NaN on the diagonal and for few customers.
    centre : float or None
        Value under independence.
    ratio : bool
        Whether the colours follow the logarithm.
    significant, few : ndarray of bool, shape (n_products, n_products)
        What is marked, and what is hidden.
    ax_ : matplotlib.axes.Axes
        Axes, after :meth:`plot`.
    figure_ : matplotlib.figure.Figure
        Figure, after :meth:`plot`.

    Raises
    ------
    DomainError
        If the tables do not fit the products, or the values are no ratios where `ratio` says so.

    Notes
    -----
    The colours reach as far to either side of the centre as the value that is farthest from it; with more than
    fifty pairs as far as 98 % of them, so that a few extreme pairs leave colours to the others. What is farther,
    infinite, or a ratio of 0 has the last colour of its side. Numbers are written for up to fourteen products.

    Examples
    --------
    >>> from custvalue import plot
    >>> display = plot.PairHeatmapDisplay(
    ...     ["account", "card"], values=[[1.0, 0.4], [0.4, 1.0]], centre=0.0, measure="phi")
    >>> display.values
    array([[nan, 0.4],
           [0.4, nan]])
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        products: Sequence[str],
        *,
        values: Table,
        centre: float | None = None,
        ratio: bool = False,
        significant: Table | None = None,
        few: Table | None = None,
        measure: str = "measure",
        mark: str = "significant",
        symmetric: bool = True,
        count: int | None = None,
        title: str = _TITLE,
    ) -> None:
        self.products = require_distinct(products, "products")
        self.significant = self._flags(significant, "significant")
        self.few = self._flags(few, "few")
        numbers = self._table(values, "values")
        self.values = np.where(np.eye(len(self.products), dtype=np.bool_) | self.few, np.nan, numbers)
        self.centre, self.ratio = None if centre is None else float(centre), bool(ratio)
        if self.ratio and (self.centre is None or not self.centre > 0.0 or (self.values < 0.0).any()):
            message = (
                f"ratio is True, centre {centre!r} and the least value {np.nanmin(self.values):.6g}; allowed: a "
                "centre above 0 and no value below 0."
            )
            raise DomainError(message)
        self.count = len(self.products) if count is None else int(count)
        self.measure, self.mark, self.symmetric, self.title = measure, mark, bool(symmetric), title

    def _table(self, table: Table, argument: str) -> FloatArray:
        # Infinite values are no error here: a quotient of counts may well be one.
        numbers = np.asarray(table, dtype=np.float64)
        shape = (len(self.products), len(self.products))
        if numbers.shape != shape:
            message = f"{argument} has shape {numbers.shape}; allowed: {shape}, one row and column a product."
            raise DomainError(message)
        return numbers

    def _flags(self, table: Table | None, argument: str) -> BoolArray:
        if table is None:
            return np.zeros((len(self.products), len(self.products)), dtype=np.bool_)
        return np.asarray(self._table(table, argument) == 1.0)

    @classmethod
    def from_pairs(
        cls,
        pairs: Pairs,
        *,
        measure: str = "phi",
        alpha: float = 0.05,
        order: Literal["related", "given"] = "related",
        top: int = 40,
    ) -> Self:
        r"""Take the pairs of products.

        Parameters
        ----------
        pairs : Pairs
            From ``basket.pairs(...)``.
        measure : str, default="phi"
            Interest measure, or another one that ``pairs.matrix`` knows but for p-values.
        alpha : float, default=0.05
            Pairs are marked whose p-value, adjusted as `pairs` were, is at most this; in (0, 1).
        order : {"related", "given"}, default="related"
            Related products beside each other, by the leaves of a dendrogram, or the order of `pairs`.
        top : int, default=40
            The products with most holders are drawn, at most so many; the picture says so.

        Returns
        -------
        PairHeatmapDisplay
            Ready to be drawn.

        Raises
        ------
        DomainError
            If the measure is unknown or a p-value, or `alpha`, `order` or `top` are out of range.

        Notes
        -----
        The dendrogram joins groups by the mean of the distances :math:`\sqrt{2 (1 - \phi)}` between their
        products; its leaves are turned so that neighbours are as near as they can be (Bar-Joseph, Gifford and
        Jaakkola 2001 [1]_). A pair that one to four customers hold is hidden, whatever the measure.

        References
        ----------
        .. [1] Bar-Joseph, Z., Gifford, D. K., Jaakkola, T. S. (2001). Fast optimal leaf ordering for hierarchical
           clustering. *Bioinformatics*, 17(suppl. 1), S22-S29.
        """
        scale = _scale_of(measure)
        if not isinstance(alpha, float) or not 0.0 < alpha < 1.0:
            message = f"alpha is {alpha!r}; allowed: numbers between 0 and 1, both left out."
            raise DomainError(message)
        if order not in ("related", "given"):
            message = f"order is {order!r}; allowed: 'related' or 'given'."
            raise DomainError(message)
        chosen = np.sort(np.argsort(-np.diagonal(pairs.n11), kind="stable")[: require_top(top)])
        if order == "related":
            chosen = chosen[leaves(pairs.matrix("phi")[np.ix_(chosen, chosen)])]
        cell = np.ix_(chosen, chosen)
        with np.errstate(invalid="ignore"):
            significant = pairs.matrix("log10_p_adjusted") <= np.log10(alpha)
        few = (pairs.n11 > 0) & (pairs.n11 < FEWEST)
        mark = _MARKS[pairs.alternative].replace("{alpha}", f"{alpha:g}")
        return cls(
            [pairs.products[place] for place in chosen.tolist()],
            values=pairs.matrix(measure)[cell],
            centre=scale.centre,
            ratio=scale.ratio,
            significant=significant[cell],
            few=few[cell],
            measure=measure,
            mark=mark.replace("{adjust}", _ADJUSTED[pairs.adjust]),
            symmetric=scale.symmetric,
            count=len(pairs.products),
        )

    def plot(self, *, ax: Axes | None = None, labels: Mapping[str, str] = NO_LABELS) -> Self:
        """Draw one cell a pair, a mark in the significant ones, and hatch those of few customers.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into; None makes a figure.
        labels : mapping of str to str, default={}
            Replacements for any text: names of products and of the measure, what the mark means, the title,
            ``"holds"``, ``"also holds"``, ``"1 to 4 customers hold both"``, and, with the same braces,
            ``"{measure} (independent: {centre})"``, ``"the {drawn} of {count} products with most holders"``.

        Returns
        -------
        PairHeatmapDisplay
            Itself, with `ax_` and `figure_`.
        """
        count = len(self.products)
        side = 1.8 + count * (_CELL if count <= _NUMBERED else 0.24 if count <= _CROWDED else 0.13)
        figure, axes = axes_of(ax, (side + 1.6, side + 0.8))
        cell = _CELL if ax is None else _inches(ax) / count
        numbered = count <= _NUMBERED and cell >= _LEAST_CELL
        shades, norm = self._colours()
        image = axes.imshow(np.ma.masked_invalid(self._finite()), cmap=shades, norm=norm, aspect="equal")
        font = 8.0 if count <= _CROWDED else 5.0
        names = [labels.get(name, name) for name in self.products]
        axes.set_xticks(range(count), names, rotation=90 if count > _NUMBERED else 45, fontsize=font)
        for tick in axes.get_xticklabels():
            tick.set(ha="center" if count > _NUMBERED else "right", rotation_mode="default")
            if count <= _NUMBERED:
                tick.set_rotation_mode("anchor")
        axes.set_yticks(range(count), names, fontsize=font)
        texts = [labels.get(self.title, self.title)]
        if self.count > count:
            texts.append(filled(labels, _PART, drawn=count, count=self.count))
        axes.set_title("\n".join(texts), fontsize=11, linespacing=1.35)
        if not self.symmetric:
            axes.set_ylabel(labels.get(_FROM, _FROM))
            axes.set_xlabel(labels.get(_TO, _TO))
        measure = labels.get(self.measure, self.measure)
        text = measure if self.centre is None else filled(labels, _AT, measure=measure, centre=f"{self.centre:g}")
        bar = figure.colorbar(image, ax=axes, label=text, shrink=0.7, extend=self._beyond())
        if self.ratio:
            ticks = ratio_ticks(*self._ends())
            bar.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks], minor=False)
            bar.minorticks_off()
        self._mark(axes, image, numbered=numbered)
        self._legend(axes, figure, labels)
        self.ax_, self.figure_ = axes, figure
        return self

    def _finite(self) -> FloatArray:
        """Give the values, an infinite one or a ratio of 0 at the end of the colours."""
        low, high = self._ends()
        return np.clip(self.values, low, high)

    def _ends(self) -> tuple[float, float]:
        """Give the values of the first and the last colour."""
        known = self.values[np.isfinite(self.values)]
        if self.centre is None:
            return (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        known = np.log(known[known > 0.0] / self.centre) if self.ratio else known - self.centre
        away = np.abs(known)
        # A quantile that is a value itself: a reach between two values would be nobody's.
        most = np.quantile(away, _SHOWN, method="higher") if len(away) > 2 * _PAIRS else away.max(initial=0.0)
        reach = float(most) or float(away.max(initial=0.0)) or 1.0
        if self.ratio:
            return self.centre * float(np.exp(-reach)), self.centre * float(np.exp(reach))
        return self.centre - reach, self.centre + reach

    def _beyond(self) -> Literal["neither", "both", "min", "max"]:
        """Tell at which ends of the colours there are values beyond."""
        low, high = self._ends()
        # A reach that went through a logarithm and back may differ in its last digit.
        below = bool((self.values < low - 1e-9 * abs(low)).any())
        above = bool((self.values > high + 1e-9 * abs(high)).any())
        return ("both" if above else "min") if below else ("max" if above else "neither")

    def _colours(self) -> tuple[str, Any]:
        from matplotlib.colors import LogNorm, Normalize  # noqa: PLC0415 - an extra

        low, high = self._ends()
        if self.centre is None:
            return "viridis", Normalize(low, high)
        return "RdBu_r", (LogNorm if self.ratio else Normalize)(low, high)

    def _mark(self, axes: Axes, image: Any, *, numbered: bool) -> None:
        """Write numbers or draw dots, and hatch what is hidden."""
        from matplotlib.patches import Rectangle  # noqa: PLC0415 - an extra

        for (row, column), value in np.ndenumerate(self.values):
            if self.few[row, column] and row != column:
                cell = (column - 0.5, row - 0.5)
                axes.add_patch(
                    Rectangle(cell, 1, 1, facecolor="white", edgecolor=GREY, hatch="////", linewidth=0.0)
                )
            if row == column or np.isnan(value):
                continue
            significant = bool(self.significant[row, column])
            finite = float(self._clipped(value))
            ink = ink_on(image.cmap(image.norm(finite)))
            if numbered:
                text = f"{value:z.2f}" if abs(value) < 10.0 else f"{value:,.0f}"  # noqa: PLR2004 - ten
                axes.text(column, row - 0.08, text, ha="center", va="center", fontsize=7, color=ink)
            if significant:
                axes.plot(
                    column, row + (0.3 if numbered else 0.0), marker="o", color=ink, gid="significant",
                    markersize=2.6 if len(self.products) <= _CROWDED else 1.2, linestyle="",
                )  # fmt: skip
        axes.set_xlim(-0.5, len(self.products) - 0.5)
        axes.set_ylim(len(self.products) - 0.5, -0.5)

    def _clipped(self, value: float) -> float:
        low, high = self._ends()
        return min(max(value, low), high)

    def _legend(self, axes: Axes, figure: Any, labels: Mapping[str, str]) -> None:
        from matplotlib.lines import Line2D  # noqa: PLC0415 - an extra
        from matplotlib.patches import Patch  # noqa: PLC0415 - an extra

        handles: list[Any] = []
        if self.significant.any():
            text = labels.get(self.mark, self.mark)
            handles.append(Line2D([], [], marker="o", color="black", linestyle="", markersize=3.5, label=text))
        if self.few.any():
            handles.append(Patch(facecolor="white", edgecolor=GREY, hatch="////", label=labels.get(_FEW, _FEW)))
        if handles:
            font = 8.0 if len(self.products) <= _CROWDED else 5.0
            longest = max(text_size(labels.get(name, name), font)[0] for name in self.products)
            turned = 1.0 if len(self.products) > _NUMBERED else math.sqrt(0.5)
            drop = 0.2 + turned * longest + (0.0 if self.symmetric else 0.2)
            legend_below(axes, figure, handles=handles, columns=1, drop=drop)


class _Scale(NamedTuple):
    centre: float | None
    ratio: bool
    symmetric: bool


def _scale_of(measure: str) -> _Scale:
    """Tell how a measure is to be coloured."""
    if measure in _OWN:
        return _Scale(_OWN[measure], measure.startswith("lift"), measure != "gap")
    if measure not in MEASURES:
        allowed = ", ".join([*_OWN, *MEASURES])
        message = f"measure is {measure!r}; allowed: {allowed}."
        raise DomainError(message)
    known = MEASURES[measure]
    if np.isnan(known.independence):
        return _Scale(None, ratio=False, symmetric=known.symmetric)
    ratio = known.independence > 0.0 and known.low == 0.0 and np.isinf(known.high)
    return _Scale(known.independence, bool(ratio), known.symmetric)


def _inches(axes: Axes) -> float:
    """Estimate the side of the picture in given axes."""
    area = axes.get_window_extent()
    return float(min(area.width, area.height)) / axes.figure.dpi * _LEFT_TO_CELLS


def leaves(phi: FloatArray) -> IntArray:
    """Give an order of products that puts related ones beside each other: the leaves of a dendrogram."""
    from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering  # noqa: PLC0415 - heavy
    from scipy.spatial.distance import squareform  # noqa: PLC0415 - heavy

    if len(phi) < 3:  # noqa: PLR2004 - two products have one order
        return np.arange(len(phi))
    related = np.where(np.isnan(phi), 0.0, phi)
    distance = np.sqrt(np.maximum(2.0 * (1.0 - (related + related.T) / 2.0), 0.0))
    np.fill_diagonal(distance, 0.0)
    flat = squareform(distance, checks=False)
    tree = optimal_leaf_ordering(linkage(flat, method="average"), flat)
    found: IntArray = leaves_list(tree).astype(np.int64)
    return found
