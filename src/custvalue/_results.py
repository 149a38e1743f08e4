"""What every result shares: read-only arrays, provenance, and a small HTML table for a notebook."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from custvalue._version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Give a view of the array that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a result came from: package version, specification, row counts; no clock, no user, no path."""

    version: str
    spec: str
    counts: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Give plain values, ready for JSON."""
        return {"custvalue": self.version, "spec": self.spec, "counts": dict(self.counts)}


def provenance(spec: str = "", **counts: int) -> Provenance:
    """Record the running version with the specification's JSON and the row counts."""
    return Provenance(__version__, spec, {name: int(count) for name, count in counts.items()})


def short_repr(name: str, **facts: object) -> str:
    """Say what a result is without showing what it holds: a repr ends up in logs."""
    return f"{name}({', '.join(f'{key}={value}' for key, value in facts.items())})"


def _cell(value: object) -> str:
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{float(value):.4g}"
    return html.escape(str(value))


def html_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, caption: str = "", limit: int = 50
) -> str:
    """Draw rows as a small, escaped HTML table of at most ``limit`` rows."""
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in columns)
    kept = list(rows)
    body = "".join("<tr>" + "".join(f"<td>{_cell(v)}</td>" for v in row) + "</tr>" for row in kept[:limit])
    more = f"<p>{len(kept) - limit} more rows</p>" if len(kept) > limit else ""
    title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"
