"""One HTML page without network: text, tables and pictures inline."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; } h2 { margin-top: 2.2rem; border-bottom: 1px solid #ccc; padding-bottom: .2rem; }
table { border-collapse: collapse; margin: .8rem 0; font-size: .82rem; display: block; overflow-x: auto; }
th, td { border: 1px solid #ddd; padding: .25rem .45rem; text-align: right; }
th { background: #f3f5f7; } td:first-child, th:first-child, td.text { text-align: left; }
img { max-width: 100%; height: auto; }
.note { background: #fff7e0; border-left: 4px solid #e69f00; padding: .5rem .9rem; }
.figure { color: #555; font-size: .86rem; }
"""


class Report:
    """A page that grows from top to bottom."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._parts: list[str] = [f"<h1>{html.escape(title)}</h1>"]

    def heading(self, text: str) -> None:
        """Begin a section."""
        self._parts.append(f"<h2>{html.escape(text)}</h2>")

    def text(self, text: str) -> None:
        """Add a paragraph."""
        self._parts.append(f"<p>{html.escape(text)}</p>")

    def note(self, text: str) -> None:
        """Add a paragraph that must not be overlooked."""
        self._parts.append(f'<p class="note">{html.escape(text)}</p>')

    def table(self, frame: pd.DataFrame, *, digits: int = 3) -> None:
        """Add a table; numbers are rounded, text is escaped."""
        spaced = frame.rename(columns=lambda name: str(name).replace("_", " "))
        self._parts.append(
            spaced.to_html(index=False, border=0, na_rep="", float_format=lambda value: f"{value:,.{digits}f}")
        )

    def picture(self, png: bytes, caption: str) -> None:
        """Add a PNG picture, inline."""
        data = base64.b64encode(png).decode()
        alt = html.escape(caption)
        self._parts.append(f'<img alt="{alt}" src="data:image/png;base64,{data}"><p class="figure">{alt}</p>')

    def to_html(self) -> str:
        """Give the page."""
        head = (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(self.title)}</title>'
        )
        return f"{head}<style>{STYLE}</style></head><body>{''.join(self._parts)}</body></html>\n"
