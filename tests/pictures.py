"""What tests of displays share: every text of a picture, and labels that replace them all."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.text import Text


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


def all_texts(figure: Any) -> list[str]:
    """Give every text of a figure, axes' names, ticks, legends and all."""
    figure.canvas.draw()
    found = figure.findobj(Text)
    return [text.get_text() for text in found if text.get_visible() and text.get_text()]


def legend_of(display: Any) -> list[str]:
    """Give the entries of the legend."""
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]
