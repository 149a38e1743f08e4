"""What the displays share: axes, colours, text that is measured before it is drawn, and the heat map."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from custvalue import _frames
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from custvalue._typing import FloatArray

#: Okabe and Ito (2008): colours that stay apart for colour-blind readers.
BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "#7F7F7F"
PALETTE: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
#: Shapes beside the colours: six by five tell thirty classes apart, in print without colours too.
MARKERS: Final = ("o", "s", "^", "D", "v")
NO_LABELS: Mapping[str, str] = {}
#: Width of a letter of a proportional font against its size, on the safe side, and that of a Chinese character.
_LETTER, _WIDE_LETTER = 0.62, 1.0
_POINTS_IN_INCH: Final = 72.0
_SMALLEST_P: Final = 0.001
#: Figures of fewer customers than this are not drawn: they would show single ones.
FEWEST: Final = 5
SCALES: Final = ((1e9, "billion"), (1e6, "million"), (1e3, "thousand"), (1.0, ""))


def axes_of(ax: Axes | None, size: tuple[float, float]) -> tuple[Any, Axes]:
    """Give figure and axes: those of ``ax``, or new ones of a size in inches."""
    if ax is not None:
        return ax.figure, ax
    try:
        import matplotlib.pyplot as plt  # noqa: PLC0415 - an extra
    except ImportError:
        message = "Drawing needs matplotlib: install custvalue with the extra 'plot'."
        raise ImportError(message) from None
    figure, new = plt.subplots(figsize=size, layout="constrained")
    return figure, new


def named(values: object, rows: Sequence[str], columns: Sequence[str]) -> FloatArray:
    """Give a table of numbers that has one name a row and column."""
    numbers = _frames.numeric(values, argument="values")
    if numbers.shape != (len(rows), len(columns)):
        message = (
            f"values has shape {numbers.shape}; allowed: {(len(rows), len(columns))}, one name a row and column."
        )
        raise DomainError(message)
    return numbers


def one_each(
    values: Sequence[float] | FloatArray, argument: str, count: int, *, nulls: bool = False
) -> FloatArray:
    """Give one number a name; refuse any other count by the argument's name."""
    if np.shape(values) != (count,):
        message = f"{argument} has shape {np.shape(values)}; allowed: ({count},), one number a name."
        raise DomainError(message)
    numbers: FloatArray = _frames.numeric([values], argument=argument, nulls=nulls)[0]
    return numbers


def require_from_zero(numbers: FloatArray, argument: str) -> FloatArray:
    """Give the numbers; refuse a negative one by the argument's name."""
    if (numbers < 0.0).any():
        message = f"{argument} holds {numbers.min():.6g}; allowed: numbers from 0."
        raise DomainError(message)
    return numbers


def require_distinct(names: Sequence[str], argument: str) -> tuple[str, ...]:
    """Give the names as a tuple; refuse none at all and a name that comes twice."""
    if isinstance(names, str) or not names:
        message = f"{argument} is {names!r}; allowed: a sequence of at least one name."
        raise DomainError(message)
    doubled = [name for name in dict.fromkeys(names) if list(names).count(name) > 1]
    if doubled:
        message = f"{argument} names {doubled[0]!r} twice; allowed: distinct names. Rename one of them."
        raise DomainError(message)
    return tuple(names)


def mark(place: int) -> tuple[str, str]:
    """Give colour and marker of the class at a place; they repeat after thirty."""
    return PALETTE[place % len(PALETTE)], MARKERS[place % len(MARKERS)]


def p_text(number: float) -> str:
    """Write a p-value, one that is too small for three digits as a bound and none as a dash."""
    if np.isnan(number):
        return "-"
    return f"{number:.3f}" if number >= _SMALLEST_P else f"< {_SMALLEST_P:g}"


def filled(labels: Mapping[str, str], template: str, **parts: object) -> str:
    """Give a text or its replacement, with the parts put in where its braces name them."""
    text = labels.get(template, template)
    for name, part in parts.items():
        text = text.replace(f"{{{name}}}", str(part))
    return text


def scale_of(largest: float) -> tuple[float, str]:
    """Give what large numbers are to be divided by, so that few digits are left, and its name."""
    return next(((factor, name) for factor, name in SCALES if abs(largest) >= 10.0 * factor), (1.0, ""))


def amount_text(amount: float, labels: Mapping[str, str]) -> str:
    """Write an amount with few digits, in thousands, millions or billions where it is large."""
    factor, scale = scale_of(amount)
    number = abs(amount) / factor
    digits = 0 if number >= 100.0 else 1 if number >= 10.0 else 2  # noqa: PLR2004 - three digits are enough
    text = f"{amount / factor:,.{digits}f}" if number >= 0.1 or not number else f"{amount:.3g}"  # noqa: PLR2004 - a tenth
    return f"{text} {labels.get(scale, scale)}" if scale else text


def percent(share: float) -> str:
    """Write a share in per cent, with one decimal where it is small or nearly the whole."""
    fine = 0.0 < abs(share) < 0.1 or 0.99 < share < 1.0  # noqa: PLR2004 - a tenth, and all but a hundredth
    return f"{100.0 * share:.{int(fine)}f} %"


def ratio_ticks(low: float, high: float) -> list[float]:
    """Give the ticks of a logarithmic scale between two ends, 1 among them where it lies there."""
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    steps: tuple[float, ...] = (1.0, 2.0, 5.0) if high / low < 1e4 else (1.0,)  # noqa: PLR2004 - four powers of ten
    if high / low < 5.0:  # noqa: PLR2004 - less than a factor of five
        steps = (1.0, 1.2, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)
    found = sorted({float(f"{step * 10.0**power:.6g}") for power in powers for step in steps})
    return [tick for tick in found if low <= tick <= high]


def ink_on(colour: Sequence[float]) -> str:
    """Give black or white, whichever can be read on a colour."""
    red, green, blue = colour[:3]
    # Luma of ITU-R BT.601: how bright an eye finds a colour.
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else "black"  # noqa: PLR2004 - half


def write_beside(axes: Axes, columns: Sequence[tuple[str, Sequence[str]]], inches: Sequence[float]) -> None:
    """Write columns of texts, one a row of the picture and a head on top, ending so many inches at the right."""
    for (head, texts), away in zip(columns, inches, strict=False):
        offset: dict[str, Any] = {
            "xytext": (away * _POINTS_IN_INCH, 0.0),
            "textcoords": "offset points",
            "annotation_clip": False,
        }
        for place, text in enumerate(texts):
            axes.annotate(
                text,
                (1.0, place),
                xycoords=axes.get_yaxis_transform(),
                ha="right",
                va="center",
                fontsize=8,
                **offset,
            )
        axes.annotate(head, (1.0, 1.01), xycoords="axes fraction", ha="right", va="bottom", fontsize=8, **offset)


def require_counts(numbers: FloatArray, argument: str) -> FloatArray:
    """Give the numbers; refuse what does not count customers."""
    if (numbers < 0.0).any() or (numbers != np.floor(numbers)).any():
        message = f"{argument} holds numbers that count nobody; allowed: whole numbers from 0."
        raise DomainError(message)
    return numbers


def require_top(top: int, argument: str = "top") -> int:
    """Give how many are to be drawn; refuse less than one."""
    if isinstance(top, bool) or not isinstance(top, int | np.integer) or top < 1:
        message = f"{argument} is {top!r}; allowed: whole numbers from 1, how many to draw."
        raise DomainError(message)
    return int(top)


def text_size(text: str, points: float) -> tuple[float, float]:
    """Estimate width and height in inches of a text of several lines, on the safe side."""
    lines = text.split("\n")
    letters = max(
        sum(_WIDE_LETTER if unicodedata.east_asian_width(letter) in "WF" else _LETTER for letter in line)
        for line in lines
    )
    return letters * points / _POINTS_IN_INCH, len(lines) * 1.25 * points / _POINTS_IN_INCH


def folded(text: str, letters: int = 16) -> str:
    """Break a long name after blanks, underscores and hyphens; what has none of them stays whole."""
    lines = [""]
    for part in re.findall(r"[^ _/-]*[ _/-]?", text):
        if lines[-1] and len(lines[-1]) + len(part.rstrip()) > letters:
            lines.append("")
        lines[-1] += part
    return "\n".join(line.strip(" ") for line in lines)


def key(
    text: str, colour: str, *, marker: str = "", face: str | None = None, line: Literal["", "-", "--", ":"] = ""
) -> Any:
    """Give an entry of a legend: a mark, hollow with a white face, or a piece of line."""
    from matplotlib.lines import Line2D  # noqa: PLC0415 - an extra

    return Line2D(
        [], [], linestyle=line, linewidth=1.2, marker=marker, color=colour, markerfacecolor=face or colour,
        markeredgecolor=colour, label=text,
    )  # fmt: skip


def legend_below(axes: Axes, figure: Any, *, handles: Sequence[Any], columns: int = 2, drop: float = 0.55) -> None:
    """Put the legend so many inches below the axes, clear of tick labels and of the axis' name at any height."""
    from matplotlib.transforms import ScaledTranslation  # noqa: PLC0415 - an extra

    lower = axes.transAxes + ScaledTranslation(0.0, -drop, figure.dpi_scale_trans)
    axes.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        bbox_transform=lower,
        ncols=columns,
        frameon=False,
        fontsize=8,
    )


class MatrixDisplay:
    """A matrix to be drawn, with the names of its rows and columns."""

    values: FloatArray
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    ax_: Axes
    figure_: Figure


def heat_map(
    display: MatrixDisplay,
    ax: Axes | None,
    labels: Mapping[str, str],
    texts: tuple[str, str],
    *,
    top: float,
    size: tuple[float, float],
    digits: int,
    font: float = 8,
    least: float = 0.0,
    colours: str = "viridis",
    rotation: float = 30,
    beside: bool = False,
) -> None:
    """Draw a matrix with its numbers, those below ``least`` left out; dark cells get light numbers.

    ``beside`` leaves the right side free for texts and puts the colour bar below.
    """
    figure, axes = axes_of(ax, size)
    rows, columns = display.rows, display.columns
    image = axes.imshow(display.values, cmap=colours, vmin=0.0, vmax=top, aspect="auto")
    across = "right" if rotation else "center"
    ticks = [labels.get(name, name) for name in columns]
    axes.set_xticks(range(len(columns)), ticks, rotation=rotation, ha=across)
    axes.set_yticks(range(len(rows)), [labels.get(name, name) for name in rows])
    for (row, column), value in np.ndenumerate(display.values):
        if value < least:
            continue
        colour = ink_on(image.cmap(float(value) / top))
        axes.text(column, row, f"{value:.{digits}f}", ha="center", va="center", color=colour, fontsize=font)
    title, measure = texts
    axes.set_title(labels.get(title, title))
    place: dict[str, Any] = {"orientation": "horizontal", "shrink": 0.7} if beside else {}
    figure.colorbar(image, ax=axes, label=labels.get(measure, measure), **place)
    display.ax_, display.figure_ = axes, figure
