"""Networks from long tables, as a spreadsheet holds them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import ValidationError

from custvalue import _frames
from custvalue._network_process.judgments import Comparisons
from custvalue._network_process.parts import DirectWeights, InnerDependence, Subnetwork, check_column
from custvalue._network_process.ratios import Judgment
from custvalue._spec import unboxed
from custvalue.exceptions import DomainError, JudgmentError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from custvalue._network_process.limit import SinkPolicy
    from custvalue._typing import SupportsColumns

#: One row of the table of judgments, blanks as None, and where it stands in the table as given.
Row = dict[str, Any]
T = TypeVar("T")
_SHOWN: Final = 10
_SIDES: Final = ("first", "second")
#: Which of first, second, ratio and weight a row fills: a judgment, a pair that was not judged, a weight.
_SHAPES: Final = {(True, True, True, False), (True, True, False, False), (True, False, False, True)}


def read(
    judgments: SupportsColumns,
    nodes: SupportsColumns | None,
    sinks: SinkPolicy,
    goals: Mapping[str, str],
    experts: Mapping[str, float],
) -> tuple[Any, dict[str, Any]]:
    """Give the control layer and what lies below each criterion; see `Network.from_frame`."""
    _check_weights_of(experts)
    rows = _rows(judgments)
    if experts:
        _check_experts(rows, experts)
    clusters = _clusters(nodes)
    below: dict[str, list[Row]] = {}
    for row in rows:
        if row["criterion"] is not None:
            below.setdefault(row["criterion"], []).append(row)
    homeless = [name for name in goals if name not in clusters]
    if homeless:
        hint = _hint(homeless[0], clusters)
        message = f"goals name the criterion {homeless[0]!r}, which has no clusters in nodes{hint}"
        raise JudgmentError(message)
    strangers = [name for name in clusters if name not in below]
    if strangers:
        message = (
            f"nodes name the criterion {strangers[0]!r}, for which there are no judgments"
            f"{_hint(strangers[0], below)}"
        )
        raise JudgmentError(message)
    control = [row for row in rows if row["criterion"] is None]
    sets = _Sets(experts)
    top = sets.column("control", control) if control else None
    known = sets.known_criteria(control, below)
    local: dict[str, Any] = {}
    for name in known:
        if name in clusters:
            local[name] = sets.subnetwork(name, below[name], clusters[name], sinks, goals.get(name))
        else:
            local[name] = sets.group(name, below[name])
    sets.raise_problems()
    return top, local


def _rows(judgments: SupportsColumns) -> list[Row]:
    rows = _frames.records(judgments, ("criterion", "column", "first", "second", "ratio"), ("weight", "expert"))
    for number, row in enumerate(rows):
        row |= {name: _text(row.get(name)) for name in ("criterion", "column", "first", "second", "expert")}
        row["row"] = number
    shapeless = [
        row
        for row in rows
        if tuple(row.get(name) is not None for name in (*_SIDES, "ratio", "weight")) not in _SHAPES
    ]
    if shapeless:
        message = (
            f"{_at(shapeless)}: neither a judgment nor a weight; fill first, second and ratio, or first and "
            "weight, or first and second for a pair that was not judged, and leave the others blank"
        )
        raise JudgmentError(message)
    strays = [row for row in rows if row["criterion"] is None and row["column"] is not None]
    if strays:
        message = (
            f"{_at(strays)}: in the control layer (criterion blank) stands the column {strays[0]['column']!r}; "
            "leave it blank, or fill the criterion"
        )
        raise JudgmentError(message)
    return rows


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _at(rows: Sequence[Row]) -> str:
    """Say where rows stand in the table as given, ten of them at most."""
    numbers = [row["row"] for row in rows]
    shown = ", ".join(map(str, numbers[:_SHOWN]))
    more = f" and {len(numbers) - _SHOWN} more" if len(numbers) > _SHOWN else ""
    return f"row{'s' * (len(numbers) > 1)} {shown}{more} (counted from 0)"


def _hint(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, [one for one in known if one], n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _reasons(error: ValidationError) -> str:
    """Give what pydantic found, each with the field where it names one."""
    found = []
    for entry in error.errors(include_url=False, include_input=False):
        field = ".".join(str(key) for key in entry["loc"])
        reason = str(entry["msg"]).removeprefix("Value error, ")
        found.append(f"{field}: {reason}" if field else reason)
    return "; ".join(found)


def _named(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Give the names compared or weighed, in the order of their first appearance, with their rows."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        for name in dict.fromkeys(row[side] for side in _SIDES if row[side] is not None):
            found.setdefault(name, []).append(row)
    return found


def _by(rows: Sequence[Row], name: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row[name], []).append(row)
    return found


def _check_weights_of(experts: Mapping[str, float]) -> None:
    if not isinstance(experts, Mapping):
        message = f"experts is a {type(experts).__name__}; allowed: a mapping of the experts' names to weights."
        raise DomainError(message)
    for name, given in experts.items():
        weight = unboxed(given)
        real = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not isinstance(name, str) or not real or not (0.0 <= weight < math.inf):
            message = f"experts: the weight of {name!r} is {given!r}; allowed: texts with finite numbers from 0."
            raise DomainError(message)
    if experts and not any(experts.values()):
        message = "experts: all weights are 0; allowed: one at least above 0."
        raise DomainError(message)


def _check_experts(rows: Sequence[Row], experts: Mapping[str, float]) -> None:
    """Raise ``JudgmentError`` for every expert in the rows who has no weight; weights need no expert."""
    nameless = [row for row in rows if row["expert"] is None and row["ratio"] is not None]
    strangers = _by([row for row in rows if row["expert"] not in {None, *experts}], "expert")
    lines = [
        f"{_at(own)}: the expert {name!r} is not among {list(experts)}, the experts with a weight"
        f"{_hint(name, experts)}"
        for name, own in strangers.items()
    ]
    if nameless and "" not in experts:
        lines.append(f'{_at(nameless)}: no expert is named; name one of {list(experts)}, or give "" a weight')
    if lines:
        raise JudgmentError("\n".join(lines))


def _clusters(nodes: SupportsColumns | None) -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {}
    if nodes is None:
        return found
    seen: set[tuple[str, str]] = set()
    for number, row in enumerate(_frames.records(nodes, ("criterion", "cluster", "node"), ())):
        if None in row.values():
            message = f"row {number} (counted from 0) of nodes has a blank; fill criterion, cluster and node"
            raise JudgmentError(message)
        criterion, cluster, node = (str(row[name]) for name in ("criterion", "cluster", "node"))
        if (criterion, node) in seen:
            message = (
                f"row {number} (counted from 0) of nodes names {node!r} again; name each node once a criterion"
            )
            raise JudgmentError(message)
        seen.add((criterion, node))
        found.setdefault(criterion, {}).setdefault(cluster, []).append(node)
    return found


class _Sets:
    """Builds the sets of a network from their rows, and keeps what is wrong with each until all were seen."""

    def __init__(self, experts: Mapping[str, float]) -> None:
        self.experts = experts
        self.problems: dict[str, list[str]] = {}

    @property
    def count(self) -> int:
        return sum(map(len, self.problems.values()))

    def refuse(self, path: str, rows: Sequence[Row], reason: str) -> None:
        self.problems.setdefault(path, []).append(f"{_at(rows)}: {reason}")

    def refuse_strangers(self, path: str, rows: Sequence[Row], known: Collection[str], reason: str) -> bool:
        """Refuse names that are not among the known ones; say whether there were any."""
        strangers = {name: own for name, own in _named(rows).items() if name not in known}
        for name, own in strangers.items():
            self.refuse(path, own, f"{name!r} {reason} {list(known)}{_hint(name, known)}")
        return bool(strangers)

    def raise_problems(self) -> None:
        """Raise ``JudgmentError`` with one line for each set in which something is wrong."""
        if self.problems:
            raise JudgmentError("\n".join(f"{path}, {'; '.join(found)}" for path, found in self.problems.items()))

    def attempt(self, path: str, rows: Sequence[Row], build: Callable[[], T]) -> T | None:
        """Build a part, or keep the reasons why it cannot be."""
        try:
            return build()
        except ValidationError as error:
            self.refuse(path, rows, _reasons(error))
        except ValueError as error:  # from the checks of columns, which pydantic would have wrapped
            self.refuse(path, rows, str(error))
        return None

    def known_criteria(self, control: Sequence[Row], below: Mapping[str, Sequence[Row]]) -> list[str]:
        """Give the criteria of the control layer that have rows below them; refuse all others."""
        if not control:
            return list(below)
        elements = _named(control)
        for name, own in below.items():
            if name not in elements:
                reason = f"the control layer does not name the criterion {name!r}; it names {list(elements)}"
                self.refuse(f"local.{name}", own, reason + _hint(name, elements))
        for name, own in elements.items():
            if name not in below:
                reason = f"the control layer names {name!r}, but no row has it as its criterion"
                self.refuse("control", own, reason + _hint(name, below))
        return [name for name in below if name in elements]

    def column(self, path: str, rows: Sequence[Row]) -> Comparisons | DirectWeights | None:
        """Give judgments or weights, whichever the rows state."""
        weighed = [row for row in rows if row.get("weight") is not None]
        if not weighed:
            return self.comparisons(path, rows)
        if any(row["ratio"] is not None for row in rows):
            self.refuse(path, rows, "mixes judgments with weights; state all of it in one way")
            return None
        named = _named(weighed)
        if self.refuse_strangers(path, rows, named, "has no weight, unlike"):
            return None
        return self.weights(path, named)

    def comparisons(self, path: str, rows: Sequence[Row]) -> Comparisons | None:
        judgments: list[Judgment] = []
        judged = [row for row in rows if row["ratio"] is not None]
        for row in judged:
            stated = {name: row[name] for name in (*_SIDES, "ratio")} | {"expert": row["expert"] or ""}
            try:
                judgments.append(Judgment.model_validate(stated))
            except ValidationError as error:
                self.refuse(path, [row], f"{row['first']!r} against {row['second']!r}: {_reasons(error)}")
        if len(judgments) < len(judged):
            return None
        experts: dict[str, float] = {}
        if self.experts:
            experts = {judgment.expert: float(self.experts[judgment.expert]) for judgment in judgments}
            largest = max(experts.values(), default=1.0)
            if largest == 0.0:
                self.refuse(path, rows, f"only experts of weight 0 answered here, {list(experts)}")
                return None
            total = math.fsum(weight / largest for weight in experts.values())
            experts = {name: weight / largest / total for name, weight in experts.items()}
        names = tuple(_named(rows))
        return self.attempt(path, rows, lambda: Comparisons(elements=names, judgments=judgments, experts=experts))

    def weights(self, path: str, named: Mapping[str, Sequence[Row]]) -> DirectWeights | None:
        weights: dict[str, float] = {}
        for name, own in named.items():
            if len(own) > 1:
                self.refuse(path, own, f"weighs {name!r} more than once")
                continue
            try:
                weights[name] = float(own[0]["weight"])
            except (TypeError, ValueError):
                self.refuse(path, own, f"the weight of {name!r} is no number")
        if len(weights) < len(named):
            return None
        rows = [row for own in named.values() for row in own]
        return self.attempt(path, rows, lambda: DirectWeights(weights=weights))

    def entry(self, path: str, rows: Sequence[Row], allowed: Sequence[str], element: str) -> Any:
        """Give what fills a column, or one block of it."""
        found = self.column(path, rows)
        if found is None:
            return None
        entry = found.weights if isinstance(found, DirectWeights) else found
        self.attempt(path, rows, lambda: check_column(entry, allowed, element, "the column"))
        return entry

    def group(self, criterion: str, rows: Sequence[Row]) -> Comparisons | DirectWeights | InnerDependence | None:
        """Give what lies below a criterion without clusters."""
        path = f"local.{criterion}"
        blank = [row for row in rows if row["column"] is None]
        if len(blank) == len(rows):
            return self.column(path, rows)
        if blank:
            reason = "has rows with and without a column, these without; fill it in all of them, or in none"
            self.refuse(path, blank, reason)
            return None
        columns, named = _by(rows, "column"), tuple(_named(rows))
        strangers = [name for name in columns if name not in named]
        for name in strangers:
            reason = (
                f"the column {name!r} is never first or second in this criterion, whose names are {list(named)} "
                "(one that influences nothing needs a weight of 0 in some column)"
            )
            self.refuse(path, columns[name], reason + _hint(name, named))
        if strangers or self.refuse_strangers(path, rows, columns, "has no column; the columns are"):
            return None
        before = self.count
        entries = {
            name: self.entry(f"{path}.columns.{name}", own, tuple(columns), name) for name, own in columns.items()
        }
        if self.count > before:
            return None
        return self.attempt(path, rows, lambda: InnerDependence(elements=list(columns), columns=entries))

    def subnetwork(
        self,
        criterion: str,
        rows: Sequence[Row],
        clusters: Mapping[str, Sequence[str]],
        sinks: SinkPolicy,
        goal: str | None,
    ) -> Subnetwork | None:
        """Give what lies below a criterion with clusters: rows on nodes fill blocks, on clusters weigh them."""
        path = f"local.{criterion}"
        before = self.count
        home = {node: cluster for cluster, nodes in clusters.items() for node in nodes}
        influences: dict[str, dict[str, Any]] = {}
        weights: dict[str, Any] = {}
        for name, own in _by(rows, "column").items():
            if name is None:
                self.refuse(path, own, "column is blank; name the node or the cluster that is influenced")
            elif name in clusters:
                weights[name] = self.entry(f"{path}.cluster_influences.{name}", own, tuple(clusters), "")
            elif name in home:
                influences[name] = self.blocks(f"{path}.influences.{name}", own, name, clusters, home)
            else:
                known = [*home, *clusters]
                self.refuse(
                    path, own, f"the column {name!r} is no node and no cluster of {known}{_hint(name, known)}"
                )
        if self.count > before:
            return None
        parts = {"clusters": clusters, "influences": influences, "cluster_influences": weights}
        return self.attempt(path, rows, lambda: Subnetwork.model_validate({**parts, "sinks": sinks, "goal": goal}))

    def blocks(
        self,
        path: str,
        rows: Sequence[Row],
        node: str,
        clusters: Mapping[str, Sequence[str]],
        home: Mapping[str, str],
    ) -> dict[str, Any]:
        """Give what influences a node, by the cluster of the first of each pair."""
        if self.refuse_strangers(path, rows, home, "is in no cluster of this criterion; the nodes are"):
            return {}
        found: dict[str, list[Row]] = {}
        for row in rows:
            found.setdefault(home[row["first"]], []).append(row)
        return {
            cluster: self.entry(f"{path}.{cluster}", own, clusters[cluster], node)
            for cluster, own in found.items()
        }
