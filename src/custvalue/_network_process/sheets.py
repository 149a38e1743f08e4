"""Networks from long tables, as a spreadsheet holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from custvalue import _frames
from custvalue._network_process.judgment_tables import read_row
from custvalue._network_process.judgments import Comparisons
from custvalue._network_process.parts import DirectWeights, InnerDependence, Subnetwork
from custvalue.exceptions import JudgmentError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from custvalue._network_process.limit import SinkPolicy
    from custvalue._network_process.ratios import Judgment
    from custvalue._typing import SupportsColumns

#: One row of the table of judgments, blanks as None, and where it stands in the table.
Row = dict[str, Any]


def read(
    judgments: SupportsColumns,
    nodes: SupportsColumns | None,
    sinks: SinkPolicy,
    goals: Mapping[str, str],
) -> tuple[Any, dict[str, Any]]:
    """Give the control layer and what lies below each criterion; see `Network.from_frame`."""
    rows = _frames.records(judgments, ("criterion", "column", "first", "second", "ratio"), ("weight", "expert"))
    for number, row in enumerate(rows):
        row |= {name: _text(row.get(name)) for name in ("criterion", "column", "first", "second", "expert")}
        row["row"] = number
        _check(row, number)
    clusters = _clusters(nodes)
    control = [row for row in rows if row["criterion"] is None]
    strays = [row for row in control if row["column"] is not None]
    if strays:
        name = strays[0]["column"]
        message = f"a row of the control layer (criterion blank) names the column {name!r}; leave it blank"
        raise JudgmentError(message)
    criteria = dict.fromkeys([row["criterion"] for row in rows if row["criterion"] is not None])
    strangers = [name for name in (*clusters, *goals) if name not in criteria]
    if strangers:
        message = f"nodes or goals name the criterion {strangers[0]!r}, for which there are no judgments"
        raise JudgmentError(message)
    local: dict[str, Any] = {}
    for criterion in criteria:
        own = [row for row in rows if row["criterion"] == criterion]
        if criterion in clusters:
            local[criterion] = _subnetwork(own, clusters[criterion], criterion, sinks, goals.get(criterion))
        else:
            local[criterion] = _group(own, criterion)
    return (_weighed(control, "the control layer") if control else None), local


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _check(row: Row, number: int) -> None:
    judged = row["second"] is not None or row["ratio"] is not None
    weighed = row.get("weight") is not None
    whole = row["first"] is not None and ((row["second"] is not None and row["ratio"] is not None) or weighed)
    if not whole or judged == weighed:
        message = (
            f"row {number} (counted from 0) is neither a judgment nor a weight; fill first, second and ratio, or "
            "first and weight, and leave the others blank"
        )
        raise JudgmentError(message)


def _clusters(nodes: SupportsColumns | None) -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {}
    if nodes is None:
        return found
    for number, row in enumerate(_frames.records(nodes, ("criterion", "cluster", "node"), ())):
        if None in row.values():
            message = f"row {number} (counted from 0) of nodes has a blank; fill criterion, cluster and node"
            raise JudgmentError(message)
        criterion, cluster, node = (str(row[name]) for name in ("criterion", "cluster", "node"))
        found.setdefault(criterion, {}).setdefault(cluster, []).append(node)
    return found


def _judgments(rows: Sequence[Row]) -> tuple[list[str], list[Judgment]]:
    names = dict.fromkeys(name for row in rows for name in (row["first"], row["second"]))
    return list(names), [read_row(row["row"], row) for row in rows]


def _column(rows: Sequence[Row], where: str) -> Comparisons | dict[str, float]:
    """Give judgments or weights, whichever the rows state."""
    kinds = {row.get("weight") is None for row in rows}
    if len(kinds) > 1:
        message = f"{where} mixes judgments with weights; state all of it in one way"
        raise JudgmentError(message)
    if kinds == {True}:
        names, judgments = _judgments(rows)
        return Comparisons(elements=names, judgments=judgments)
    weights: dict[str, float] = {}
    for row in rows:
        if row["first"] in weights:
            message = f"{where} weighs {row['first']!r} twice"
            raise JudgmentError(message)
        try:
            weights[row["first"]] = float(row["weight"])
        except (TypeError, ValueError):
            message = f"row {row['row']} (counted from 0): the weight of {row['first']!r} is no number"
            raise JudgmentError(message) from None
    return weights


def _weighed(rows: Sequence[Row], where: str) -> Comparisons | DirectWeights:
    found = _column(rows, where)
    return found if isinstance(found, Comparisons) else DirectWeights(weights=found)


def _by_column(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["column"], []).append(row)
    return found


def _group(rows: Sequence[Row], criterion: str) -> Comparisons | DirectWeights | InnerDependence:
    """Give what lies below a criterion without clusters."""
    where = f"the criterion {criterion!r}"
    blank = {row["column"] is None for row in rows}
    if blank == {True}:
        return _weighed(rows, where)
    if len(blank) > 1:
        message = f"{where} has rows with and without a column; fill it in all of them, or in none"
        raise JudgmentError(message)
    columns = {name: _column(own, f"the column {name!r} of {where}") for name, own in _by_column(rows).items()}
    return InnerDependence(elements=list(columns), columns=columns)


def _subnetwork(
    rows: Sequence[Row], clusters: dict[str, list[str]], criterion: str, sinks: SinkPolicy, goal: str | None
) -> Subnetwork:
    """Give what lies below a criterion with clusters: rows on nodes fill blocks, rows on clusters weigh them."""
    home = {node: cluster for cluster, nodes in clusters.items() for node in nodes}
    influences: dict[str, dict[str, Any]] = {}
    weights: dict[str, Any] = {}
    for name, own in _by_column(rows).items():
        where = f"the column {name!r} of the criterion {criterion!r}"
        if name in clusters:
            weights[name] = _column(own, where)
            continue
        blocks: dict[str, list[Row]] = {}
        for row in own:
            if row["first"] not in home:
                message = f"{where} names {row['first']!r}, which is in no cluster of this criterion"
                raise JudgmentError(message)
            blocks.setdefault(home[row["first"]], []).append(row)
        influences[name] = {
            cluster: _column(block, f"{where}, cluster {cluster!r}") for cluster, block in blocks.items()
        }
    return Subnetwork(clusters=clusters, influences=influences, cluster_influences=weights, sinks=sinks, goal=goal)
