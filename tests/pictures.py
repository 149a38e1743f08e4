"""What tests of displays share: every text of a picture, and labels that replace them all."""

from __future__ import annotations

from typing import Any

from matplotlib.text import Text


class Everything(dict[str, str]):
    """Labels that replace whatever is asked for."""

    def get(self, key: str, default: Any = None) -> str:  # any text is known
        assert default == key
        return "§"


def all_texts(figure: Any) -> list[str]:
    """Give every text of a figure, axes' names, ticks, legends and all."""
    figure.canvas.draw()
    found = figure.findobj(Text)
    return [text.get_text() for text in found if text.get_visible() and text.get_text()]


def legend_of(display: Any) -> list[str]:
    """Give the entries of the legend."""
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]
