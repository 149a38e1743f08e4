"""What tests of displays share: every text of a picture, and labels that replace them all."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable


class Everything(dict[str, str]):
    """Labels that replace whatever is asked for."""

    def get(self, key: str, default: Any = None) -> str:  # any text is known
        assert default == key
        return "§"


def draws_where_it_is_told(make: Any) -> None:
    """Assert that a display draws into the axes it is given, and leaves matplotlib's settings alone."""
    before = dict(mpl.rcParams)
    figure, axes = plt.subplots()
    display = make()
    assert display.plot(ax=axes) is display
    assert display.ax_ is axes
    assert display.figure_ is figure
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == [figure.number]


def keeps_inside_and_apart(display: Any, texts: Iterable[Text]) -> None:
    """Assert that a drawn display stays inside its figure and that some of its texts do not overlap."""
    figure = display.figure_
    figure.canvas.draw()
    tight, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert tight.x0 > -0.01
    assert tight.y0 > -0.01
    assert tight.x1 < width + 0.01
    assert tight.y1 < height + 0.01
    covers = [text.get_window_extent() for text in texts]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(covers, 2))


def lets_every_text_be_replaced(make: Any) -> None:
    """Assert that a display keeps no word of its own where labels replace whatever is asked for."""
    found = all_texts(make().plot(labels=Everything()).figure_)
    assert any("§" in text for text in found)
    assert [text for text in found if any(letter.isalpha() for letter in text)] == []


def all_texts(figure: Any) -> list[str]:
    """Give every text of a figure, axes' names, ticks, legends and all."""
    figure.canvas.draw()
    found = figure.findobj(Text)
    return [text.get_text() for text in found if text.get_visible() and text.get_text()]


def legend_of(display: Any) -> list[str]:
    """Give the entries of the legend."""
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]
