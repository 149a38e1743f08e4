"""The explanation of one customer as an HTML card: inline styles only, every text escaped."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from custvalue._case_based import wording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._case_based.evidence import Evidence
    from custvalue._typing import FloatArray

#: Okabe and Ito's colours: the case, the rival, and what is neither.
_CASE, _RIVAL = "#0072B2", "#E69F00"
_INK, _SOFT, _LINE, _TRACK, _WARN = "#1f2328", "#59636e", "#d1d9e0", "#eef1f4", "#fff4d6"
#: Indicators and classes drawn at once; the rest unfolds or is counted.
_MOST_INDICATORS: Final = 15
_MOST_CLASSES: Final = 10
_THOUSAND: Final = 1000.0

# A card brings its own light ground, so that it reads the same under a dark theme; it has no table, whose rows a
# notebook would colour by itself.
_CARD = (
    f"max-width:720px;box-sizing:border-box;margin:8px 0;padding:16px 20px;background:#fff;color:{_INK};"
    f"border:1px solid {_LINE};border-radius:8px;font:14px/1.45 system-ui,'Noto Sans','Noto Sans CJK SC',"
    "sans-serif;overflow-wrap:anywhere;text-align:left"
)
_SMALL = f"font-size:12px;color:{_SOFT}"
_FLAG = f"background:{_WARN};border-radius:4px;padding:4px 8px"
_NUMBER = "text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap"


def _text(value: object) -> str:
    return html.escape(str(value))


def _box(style: str, *inside: str) -> str:
    return f'<div style="{style}">{"".join(inside)}</div>'


def _mark(colour: str) -> str:
    style = f"display:inline-block;width:10px;height:10px;border-radius:2px;background:{colour};margin-right:6px"
    return f'<span style="{style}"></span>'


def number_text(value: float) -> str:
    """Write a value as a person would: whole above a thousand, three digits below."""
    if np.isnan(value):
        return "\N{EN DASH}"
    return f"{value:,.0f}" if abs(value) >= _THOUSAND else f"{value:.3g}"


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")


@dataclass(frozen=True)
class _Column:
    """A column of values beside the bars: its head in HTML and its texts."""

    head: str
    texts: tuple[str, ...]


def _scaled(head: str, values: FloatArray) -> _Column:
    """Write scaled values with two decimals, so that they stand below each other."""
    plain = bool(np.abs(values[~np.isnan(values)]).max(initial=0.0) <= 1.0)
    return _Column(
        head, tuple(f"{value:.2f}" if plain and not np.isnan(value) else number_text(value) for value in values)
    )


def drawn(evidence: Evidence) -> str:
    """Draw the card."""
    sections = (_head(evidence), _pair(evidence), _bars(evidence), _classes(evidence), _notes(evidence))
    return _box(_CARD, *sections)


def remainder(count: int) -> str:
    """Say how many customers are not drawn."""
    if count <= 0:
        return ""
    return f"<p>{count} more: take one by its position, or all by <code>to_frame()</code>.</p>"


def _head(evidence: Evidence) -> str:
    name = _box(
        "flex:1 1 260px",
        _box(_SMALL, f"Customer {_text(evidence.label)}"),
        _box(
            "font-size:22px;font-weight:600;line-height:1.25",
            "No class given" if evidence.abstained else f"Class {_text(evidence.predicted)}",
        ),
        _box(_FLAG, _text(wording.abstention(evidence))) if evidence.abstained else "",
    )
    facts = [("Confidence", "not calibrated")]
    if evidence.confidence is not None:
        what = "Confidence"
        facts[:1] = [(what, wording.percent(evidence.confidence)), ("Credibility", f"{evidence.credibility:.2g}")]
    if evidence.rival_case is not None:
        facts.append(("Margin", _signed(evidence.margin)))
    boxes = [
        _box(
            "text-align:right;max-width:170px",
            _box(_SMALL, what),
            _box("font-size:16px;font-weight:600;white-space:nowrap", said),
        )
        for what, said in facts
    ]
    sides = _box("display:flex;gap:24px;align-items:flex-end", *boxes)
    return _box("display:flex;flex-wrap:wrap;gap:8px 24px;align-items:flex-end", name, sides)


def _pair(evidence: Evidence) -> str:
    """Name the nearest case and the nearest unlike case: the legend of the bars."""
    one = evidence
    lines = [f"{_mark(_CASE)}Nearest case of the class: <b>{_text(one.case)}</b>, similarity {one.similarity:.3f}"]
    if one.rival_case is None:
        lines.append("There is no case of another class.")
    else:
        lines.append(
            f"{_mark(_RIVAL)}Nearest case of another class: <b>{_text(one.rival_case)}</b>, class "
            f"{_text(one.rival)}, similarity {one.rival_similarity:.3f}"
        )
    if one.margin <= 0.0 or one.votes is not None:
        lines.append(_text(wording.joined(say(one) for say in (_upset, wording.vote))))
    return _box(
        f"margin-top:10px;padding-top:10px;border-top:1px solid {_LINE}", *(_box("", line) for line in lines)
    )


def _upset(evidence: Evidence) -> str:
    return wording.verdict(evidence) if evidence.margin <= 0.0 else ""


def _columns(evidence: Evidence) -> list[_Column]:
    """Choose the values that may be shown beside the bars."""
    one = evidence
    some = [_scaled("customer", one.values)]
    if one.unscaled is not None:
        some = [_Column("customer", tuple(map(number_text, one.unscaled))), _scaled("scaled", one.values)]
    for colour, name, values, mean in (
        (_CASE, one.case, one.case_values, one.class_mean),
        (_RIVAL, one.rival_case, one.rival_values, one.rival_class_mean),
    ):
        if values is not None:
            some.append(_scaled(f"{_mark(colour)}{_text(name)}", values))
        elif mean is not None:
            some.append(_scaled(f"{_mark(colour)}mean", mean))
    return some


def _bars(evidence: Evidence) -> str:
    columns = _columns(evidence)
    grid = f"minmax(120px,1.6fr) repeat({len(columns)},minmax(44px,auto)) minmax(110px,2fr) 60px"
    least = 260 + 70 * len(columns)
    outer = f"min-width:{least}px;display:grid;grid-template-columns:{grid};gap:3px 12px;align-items:center"
    heads = [_box(f"{_SMALL};{_NUMBER};overflow-wrap:normal", column.head) for column in columns]
    heads = [_box(_SMALL, "indicator"), *heads, _box(_SMALL, "part in the similarity")]
    heads.append(_box(f"{_SMALL};{_NUMBER}", "difference"))
    top = float(max(evidence.weights.max(), evidence.contributions.max(), evidence.rival_contributions.max()))
    order = np.argsort(-np.abs(evidence.differences), kind="stable")
    first = np.sort(order[:_MOST_INDICATORS]).tolist()
    rest = np.sort(order[_MOST_INDICATORS:]).tolist()
    parts = [_box(outer, *heads, *_rows(evidence, first, columns, top))]
    if rest:
        together = _signed(float(evidence.differences[rest].sum()))
        summary = (
            f'<summary style="cursor:pointer;{_SMALL}">{len(rest)} more indicators, together {together}</summary>'
        )
        inner = _box(outer, *_rows(evidence, rest, columns, top))
        parts.append(f'<details style="margin-top:6px">{summary}{inner}</details>')
    legend = "Bar: weight times closeness. Grey track: the weight, the most an indicator can add."
    return _box("margin-top:12px;overflow-x:auto", *parts, _box(f"{_SMALL};margin-top:4px", legend))


def _rows(evidence: Evidence, places: Sequence[int], columns: Sequence[_Column], top: float) -> list[str]:
    """Draw indicators group by group, a group of several under its name and sum."""
    cells: list[str] = []
    table = evidence.group_table
    sums = dict(zip(table["group"], table["difference"].to_numpy(), strict=True))
    several = len(sums) > 1
    last = None
    for place in places:
        group = evidence.groups[place]
        if several and group != last:
            title = _box("grid-column:1/-2;font-weight:600;font-size:12px;margin-top:6px", _text(group))
            total = _signed(float(sums[group]))
            cells += [title, _box(f"{_NUMBER};font-size:12px;font-weight:600;margin-top:6px", total)]
        last = group
        cells += _row(evidence, place, columns, top)
    return cells


def _row(evidence: Evidence, place: int, columns: Sequence[_Column], top: float) -> list[str]:
    one = evidence
    name = _text(one.indicators[place]).replace("_", "_<wbr>")  # a long name breaks between its words
    difference = _signed(float(one.differences[place]))
    bar = _bar(one, place, top)
    if one.skipped[place]:
        difference, bar = "", _box(_SMALL, "left out")
    elif one.outside[place]:
        arrow, side = ("↓", "below") if one.outside[place] < 0 else ("↑", "above")
        title = f"{side} the range of the customers behind the cases"
        style = f"background:{_WARN};padding:0 4px;border-radius:3px"
        name += f'&nbsp;<span style="{style}" title="{title}">{arrow}</span>'
    values = [_box(_NUMBER, column.texts[place]) for column in columns]
    return [_box("", name), *values, bar, _box(_NUMBER, difference)]


def _bar(evidence: Evidence, place: int, top: float) -> str:
    weight, case, rival = (
        100.0 * float(values[place]) / top
        for values in (evidence.weights, evidence.contributions, evidence.rival_contributions)
    )
    both = [
        _box(f"width:{part:.2f}%;height:6px;background:{colour};margin-bottom:1px")
        if (part := length)
        else _box("height:7px")
        for length, colour in ((case, _CASE), (rival, _RIVAL))
    ]
    track = _box(f"position:absolute;left:0;top:0;bottom:0;width:{weight:.2f}%;background:{_TRACK}")
    return _box("position:relative;padding:2px 0 1px", track, _box("position:relative", *both))


def _classes(evidence: Evidence) -> str:
    """Place every class on one line of similarity."""
    known = {name: value for name, value in evidence.class_similarity.items() if not np.isnan(value)}
    if len(known) < 2:  # noqa: PLR2004 - nothing to compare with
        return ""
    ranked = sorted(known.items(), key=lambda item: -item[1])
    least = evidence.similarity_floor or 0.0
    cells: list[str] = []
    for name, value in ranked[:_MOST_CLASSES]:
        cells += _class_row(evidence, name, value, least)
    left = len(ranked) - _MOST_CLASSES
    more = _box(_SMALL, f"{left} more classes, less similar") if left > 0 else ""
    rows = _box(
        "display:grid;grid-template-columns:minmax(60px,1fr) 3fr 48px;gap:2px 12px;align-items:center", *cells
    )
    head = _box("font-weight:600;font-size:12px", "Similarity to the nearest case of every class")
    floor = f"The scale begins at {least:.2f}, the least there can be. " if least else ""
    note = f"{floor}A similarity is relative to the case base and is no probability."
    return _box(
        f"margin-top:12px;padding-top:10px;border-top:1px solid {_LINE}", head, rows, more, _box(_SMALL, note)
    )


def _class_row(evidence: Evidence, name: Any, value: float, least: float) -> list[str]:
    given = name == evidence.predicted
    colour = _CASE if given else _RIVAL if name == evidence.rival else "#8c959f"
    at = 100.0 * (value - least) / (1.0 - least)
    dot = (
        f"position:absolute;left:{at:.2f}%;top:50%;width:10px;height:10px;margin:-5px 0 0 -5px;border-radius:50%;"
        f"background:{colour}"
    )
    line = f"position:absolute;left:0;top:50%;width:{at:.2f}%;height:2px;margin-top:-1px;background:{_LINE}"
    lane = _box("position:relative;height:16px;margin-right:6px", _box(line), _box(dot))
    weight = "font-weight:600" if given else ""
    return [_box(weight, _text(name)), lane, _box(f"{_NUMBER};{weight}", f"{value:.3f}")]


def _notes(evidence: Evidence) -> str:
    """Write the sentences on change, confidence, range and disclosure."""
    flags = wording.joined(say(evidence) for say in (wording.range_flags, wording.skipped))
    flag = _box(f"{_FLAG};margin-bottom:6px", _text(flags)) if flags else ""
    change = wording.change(evidence)
    lines = [
        _box("margin-bottom:6px", f"<b>What would change it.</b> {_text(change)}") if change else "",
        _box(_SMALL, _text(wording.confidence(evidence))),
        _box(_SMALL, _text(wording.disclosure(evidence))),
    ]
    return _box(f"margin-top:12px;padding-top:10px;border-top:1px solid {_LINE}", flag, *lines)
