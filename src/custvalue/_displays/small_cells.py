"""Heat maps of customers, in which cells of few are hatched and empty ones are blank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from custvalue._displays.axes import FEWEST, GREY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from custvalue._typing import BoolArray, FloatArray

HIDDEN = "fewer than 5 customers,\nor hidden beside such a cell"
HIDDEN_FIGURE = "fewer than 5 customers with the figure,\nor hidden beside such a cell"
NO_FIGURE, NOBODY = "no customer has the figure", "no customer"
#: Where the colours begin, so that no cell has the white of an empty one.
_PALEST: Final = 0.1


def hidden_among(counts: FloatArray) -> BoolArray:
    """Tell which counts are not shown beside their total: those of one to four customers, and the next smallest.

    So many are hidden that there are at least two, of five customers or more together, and not of one each: less
    could be got back by subtraction. All are hidden where that cannot be reached; see :func:`total_text`.
    """
    flat = counts.ravel()
    hidden: BoolArray = (flat > 0.0) & (flat < FEWEST)
    if hidden.any():
        for place in np.argsort(flat, kind="stable"):
            if _cannot_be_told(flat[hidden]):
                break
            hidden[place] |= flat[place] > 0.0
    return hidden.reshape(counts.shape)


def _cannot_be_told(hidden: FloatArray) -> bool:
    """Tell whether the sum of hidden counts leaves open what each of them is."""
    return len(hidden) > 1 and float(hidden.sum()) >= max(FEWEST, len(hidden) + 1)


def total_text(counts: FloatArray) -> str:
    """Write the total of counts, or only a bound where it would tell those that are hidden."""
    hidden = hidden_among(counts)
    if not hidden.any() or _cannot_be_told(counts[hidden]):
        return f"{int(counts.sum()):,}"
    return bound_text(float(counts.sum()), float(counts[~hidden].sum()))


def bound_text(total: float, shown: float) -> str:
    """Write a total as the part of it that is shown and more, or as fewer than five."""
    return f"< {FEWEST}" if total < FEWEST else f"{int(max(shown, FEWEST)):,}+"


def paint(
    axes: Axes, numbers: FloatArray, *, origin: Literal["upper", "lower"] = "lower", top: float | None = None
) -> Any:
    """Draw the colours of the cells that have a number, from pale to dark, from zero or the lowest."""
    from matplotlib import colormaps  # noqa: PLC0415 - an extra
    from matplotlib.colors import ListedColormap  # noqa: PLC0415 - an extra

    found = numbers[~np.isnan(numbers)]
    low, high = found.min(initial=0.0), found.max(initial=0.0) if top is None else top
    colours = ListedColormap(colormaps["YlGnBu"](np.linspace(_PALEST, 1.0, 256)))
    return axes.imshow(
        np.ma.masked_invalid(numbers), cmap=colours, vmin=low, vmax=high if high > low else low + 1.0,
        aspect="auto", origin=origin,
    )  # fmt: skip


def hatch(axes: Axes, hidden: BoolArray, no_figure: BoolArray | None = None) -> None:
    """Hatch the cells whose figures are not shown, dot those that have none, and part all cells by white lines."""
    from matplotlib.patches import Rectangle  # noqa: PLC0415 - an extra

    for cells, name, look in ((hidden, "few", "////"), (no_figure, "no figure", "...")):
        for row, column in [] if cells is None else np.argwhere(cells).tolist():
            place = (column - 0.5, row - 0.5)
            axes.add_patch(
                Rectangle(place, 1.0, 1.0, facecolor="white", edgecolor=GREY, hatch=look, linewidth=0.0, gid=name)
            )
    rows, columns = hidden.shape
    axes.set_xticks(np.arange(1, columns) - 0.5, minor=True)
    axes.set_yticks(np.arange(1, rows) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.2)
    axes.tick_params(which="minor", length=0)


def cell_handles(labels: Mapping[str, str], texts: Mapping[str, bool]) -> list[Any]:
    """Give the entries of the legend for cells without a number, of those texts that are true."""
    from matplotlib.patches import Patch  # noqa: PLC0415 - an extra

    looks = {HIDDEN: "////", HIDDEN_FIGURE: "////", NO_FIGURE: "...", NOBODY: ""}
    return [
        Patch(facecolor="white", edgecolor=GREY, hatch=looks[text], linewidth=0.5, label=labels.get(text, text))
        for text, drawn in texts.items()
        if drawn
    ]
