"""Heat maps of customers, in which cells of few are hatched and empty ones are blank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from custvalue._displays.axes import GREY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from custvalue._typing import BoolArray, FloatArray

FEW, NOBODY = "fewer than 5 customers", "no customer"
#: Where the colours begin, so that no cell has the white of an empty one.
_PALEST: Final = 0.1


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


def hatch(axes: Axes, few: BoolArray) -> None:
    """Hatch the cells whose figures are not shown, and part all cells by white lines."""
    from matplotlib.patches import Rectangle  # noqa: PLC0415 - an extra

    for row, column in np.argwhere(few).tolist():
        place = (column - 0.5, row - 0.5)
        axes.add_patch(
            Rectangle(place, 1.0, 1.0, facecolor="white", edgecolor=GREY, hatch="////", linewidth=0.0, gid="few")
        )
    rows, columns = few.shape
    axes.set_xticks(np.arange(1, columns) - 0.5, minor=True)
    axes.set_yticks(np.arange(1, rows) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.2)
    axes.tick_params(which="minor", length=0)


def cell_handles(labels: Mapping[str, str], *, few: bool, nobody: bool) -> list[Any]:
    """Give the entries of the legend for cells without a number."""
    from matplotlib.patches import Patch  # noqa: PLC0415 - an extra

    found = [Patch(facecolor="white", edgecolor=GREY, hatch="////", label=labels.get(FEW, FEW))] if few else []
    blank = Patch(facecolor="white", edgecolor=GREY, linewidth=0.5, label=labels.get(NOBODY, NOBODY))
    return [*found, blank] if nobody else found
