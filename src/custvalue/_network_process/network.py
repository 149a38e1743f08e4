"""The network of criteria and indicators, as a document, and how it is solved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import numpy as np
import pandas as pd
from pydantic import Discriminator, Field, Tag, model_validator

from custvalue._network_process.judgments import Comparisons, check_choices, priorities
from custvalue._network_process.solution import Judged, Solution
from custvalue._network_process.supermatrix import Limit, limit_supermatrix
from custvalue._network_process.tables import REPORTED_DEVIATION, check_weights, renormalised
from custvalue._results import provenance, read_only
from custvalue._spec import Document, Entries, FrozenMapping, Items, Name, Spec, check_keys
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from custvalue._network_process.judgments import Method, RandomIndex
    from custvalue._typing import FloatArray

#: Saaty (1980): judgments with a larger consistency ratio should be revised.
_ACCEPTABLE_RATIO: Final = 0.1
_PAIR: Final = 2


def _column_kind(value: Any) -> str:
    """Tell judgments from direct weights by the list of elements or judgments that only the former have."""
    if isinstance(value, Comparisons):
        return "judgments"
    lists = (list, tuple)
    is_set = isinstance(value, dict) and any(
        isinstance(value.get(key), lists) for key in ("elements", "judgments")
    )
    return "judgments" if is_set else "weights"


Weights = Annotated[Entries[Name, float], Field(min_length=1, max_length=200)]
Column = Annotated[
    Annotated[Comparisons, Tag("judgments")] | Annotated[Weights, Tag("weights")], Discriminator(_column_kind)
]


class DirectWeights(Spec):
    """Weights stated directly, not by judgments.

    Parameters
    ----------
    kind : {"weights"}, default="weights"
        Tells this way to state weights from others in JSON.
    weights : mapping of str to float
        Weight of each element, from 0, summing to 1 within 5e-4 (rounding, which `Network.solve` renormalises
        and reports).

    Raises
    ------
    pydantic.ValidationError
        If a weight is negative or not finite, or the sum is further from 1.

    See Also
    --------
    Comparisons : Weights from judgments.

    Examples
    --------
    >>> from custvalue import anp
    >>> anp.DirectWeights(weights={"turnover": 0.6, "balance": 0.4}).weights["balance"]
    0.4
    """

    kind: Literal["weights"] = "weights"
    weights: Weights = Field(description="Weight of each element; they sum to 1.")

    @model_validator(mode="after")
    def _sums_to_one(self) -> DirectWeights:
        check_weights(self.weights, "weights")
        return self


class InnerDependence(Spec):
    """Indicators of one criterion that influence each other.

    Parameters
    ----------
    kind : {"inner_dependence"}, default="inner_dependence"
        Tells this way to state weights from others in JSON.
    elements : sequence of str
        Names of the indicators, distinct, 1 to 200 of them.
    columns : mapping of str to Comparisons or mapping of str to float
        For each element e, what influences it: judgments that compare *other* elements by their influence on e,
        or their weights, from 0, summing to 1 within 5e-4. An element that is not named has no influence on e.

    Raises
    ------
    pydantic.ValidationError
        If an element has no column, a column names an unknown element, judgments compare an element by its
        influence on itself, or weights are negative or sum to something else than 1.

    See Also
    --------
    limit_supermatrix : Turns the columns into the weights of the indicators.

    Examples
    --------
    >>> from custvalue import anp
    >>> group = anp.InnerDependence(elements=("a", "b", "c"), columns={
    ...     "a": {"b": 0.5, "c": 0.5}, "b": {"a": 0.75, "c": 0.25}, "c": {"a": 1.0}})
    >>> group.columns["c"]
    {'a': 1.0}
    """

    kind: Literal["inner_dependence"] = "inner_dependence"
    elements: Annotated[Items[Name], Field(min_length=1, max_length=200, description="The indicators.")]
    columns: Entries[Name, Column] = Field(description="For each element, the influences on it.")

    @model_validator(mode="after")
    def _whole(self) -> InnerDependence:
        if len(set(self.elements)) < len(self.elements):
            doubled = next(name for name in self.elements if self.elements.count(name) > 1)
            message = f"elements must be distinct; {doubled!r} is named twice"
            raise ValueError(message)
        check_keys(self.columns, self.elements, "columns")
        for element, column in self.columns.items():
            named = column.elements if isinstance(column, Comparisons) else tuple(column)
            unknown = [name for name in named if name not in self.elements]
            if unknown:
                message = f"columns[{element!r}] names {unknown[0]!r}, which is not among {list(self.elements)}"
                raise ValueError(message)
            if isinstance(column, Comparisons):
                if element in named:
                    message = (
                        f"columns[{element!r}] compares {element!r} by its influence on itself; leave it out, or "
                        "state the column by weights"
                    )
                    raise ValueError(message)
            else:
                check_weights(column, f"the weights of columns[{element!r}]")
        return self


Control = Annotated[Comparisons | DirectWeights, Field(discriminator="kind")]
Local = Annotated[Comparisons | InnerDependence | DirectWeights, Field(discriminator="kind")]


class Network(Document):
    """Criteria, their indicators, and what experts said about both, as one JSON document.

    The criteria of the control layer are taken as independent, so that judgments or weights of theirs suffice (the
    Analytic Hierarchy Process). Below each criterion its indicators get weights of their own: by judgments if they
    are independent, or by a supermatrix if they influence each other (the Analytic Network Process).

    Parameters
    ----------
    spec_version : {1}, default=1
        Version of the document's layout.
    title : str, default=""
        What the network is for.
    source : str, default=""
        Where the judgments come from.
    control : Comparisons or DirectWeights
        The criteria and their importance. In JSON, `kind` tells which ("judgments", "weights").
    local : mapping of str to Comparisons, InnerDependence or DirectWeights
        The indicators of each criterion; the keys are exactly the criteria. In JSON, `kind` tells which
        ("judgments", "inner_dependence", "weights").

    Raises
    ------
    pydantic.ValidationError
        If a criterion has no indicators or is unknown, an indicator is named under two criteria, a key is unknown,
        or a part breaks its own rules; the message gives the path to the part.

    See Also
    --------
    Solution : What `solve` returns.

    References
    ----------
    .. [1] Saaty, T. L. (2005). *Theory and Applications of the Analytic Network Process*. RWS Publications.

    Examples
    --------
    >>> from custvalue import anp
    >>> network = anp.Network.model_validate_json('''{
    ...     "control": {"kind": "judgments", "elements": ["frequency", "monetary"],
    ...                 "judgments": [{"first": "frequency", "second": "monetary", "ratio": "1/3"}]},
    ...     "local": {
    ...         "frequency": {"kind": "inner_dependence", "elements": ["cash", "transfer", "active"],
    ...                       "columns": {"cash": {"transfer": 0.5, "active": 0.5},
    ...                                   "transfer": {"cash": 0.5, "active": 0.5},
    ...                                   "active": {"cash": 0.5, "transfer": 0.5}}},
    ...         "monetary": {"kind": "weights", "weights": {"turnover": 0.5, "balance": 0.5}}}}''')
    >>> network.solve().control
    {'frequency': 0.25, 'monetary': 0.75}
    """

    title: str = Field(default="", max_length=500, description="What the network is for.")
    source: str = Field(default="", max_length=5000, description="Where the judgments come from.")
    control: Control = Field(description="The criteria and their importance.")
    local: Entries[Name, Local] = Field(description="The indicators of each criterion.")

    @model_validator(mode="after")
    def _fits(self) -> Network:
        check_keys(self.local, _elements(self.control), "local")
        seen: dict[str, str] = {}
        for criterion, group in self.local.items():
            for indicator in _elements(group):
                if indicator in seen:
                    message = (
                        f"the indicator {indicator!r} is named under {seen[indicator]!r} and under {criterion!r}; "
                        "allowed: each indicator under one criterion"
                    )
                    raise ValueError(message)
                seen[indicator] = criterion
        return self

    def solve(self, *, method: Method = "eigenvector", random_index: RandomIndex = "alonso_lamata") -> Solution:
        r"""Compute the weights of criteria and indicators.

        Parameters
        ----------
        method : {"eigenvector", "logarithmic_least_squares"}, default="eigenvector"
            How judgments become priorities, see `priorities`.
        random_index : {"alonso_lamata", "saaty_1980", "saaty_2005"}, default="alonso_lamata"
            Table for the consistency ratios, see `priorities`.

        Returns
        -------
        Solution
            Weights at both levels, supermatrices, limits, consistency, and notes on how to read them.

        Raises
        ------
        DomainError
            If a name is unknown, the random index has no value for so many elements, or the limit of a criterion
            depends on where the influence starts (its elements fall into several essential classes).

        Notes
        -----
        The local weights of an inner-dependent criterion are the common column of the limit supermatrix (see
        `limit_supermatrix`). The global weight of indicator j of criterion i is :math:`w_i w_{ij}`. Cost: O(n^3)
        per criterion of n indicators.
        """
        check_choices(method, random_index)
        return _Solver(method, random_index).solve(self)


def _elements(part: Comparisons | InnerDependence | DirectWeights) -> tuple[str, ...]:
    return tuple(part.weights if isinstance(part, DirectWeights) else part.elements)


class _Solver:
    """Collects, over one network, what the solution reports besides the weights."""

    def __init__(self, method: Method, random_index: RandomIndex) -> None:
        self.method: Method = method
        self.random_index: RandomIndex = random_index
        self.judged: list[Judged] = []
        self.deviations: dict[str, float] = {}
        self.notes: list[str] = []
        self.supermatrices: dict[str, FloatArray] = {}
        self.limits: dict[str, Limit] = {}

    def solve(self, network: Network) -> Solution:
        control = self.weigh(network.control, "", "", "control")
        local: dict[str, Mapping[str, float]] = {}
        for criterion in control:
            group = network.local[criterion]
            path = f"local.{criterion}"
            if isinstance(group, InnerDependence):
                local[criterion] = FrozenMapping(self.inner_dependence(group, criterion, path))
            else:
                local[criterion] = FrozenMapping(self.weigh(group, criterion, "", path))
        overall = {name: control[c] * weight for c, weights in local.items() for name, weight in weights.items()}
        return Solution(
            control=FrozenMapping(control),
            local=FrozenMapping(local),
            priorities=FrozenMapping(overall),
            supermatrices=FrozenMapping(self.supermatrices),
            limits=FrozenMapping(self.limits),
            judged=tuple(self.judged),
            deviations=FrozenMapping(self.deviations),
            notes=tuple(self.notes),
            method=self.method,
            random_index=self.random_index,
            provenance=provenance(network.model_dump_json(), n_criteria=len(control), n_indicators=len(overall)),
        )

    def weigh(self, part: Comparisons | DirectWeights, criterion: str, column: str, path: str) -> dict[str, float]:
        """Give the weights of one set of judgments or of direct weights."""
        if isinstance(part, DirectWeights):
            return self.normalise(part.weights, f"{path}.weights")
        result = priorities(part, method=self.method, random_index=self.random_index)
        self.judged.append(Judged(criterion, column, result))
        if result.consistency_ratio > _ACCEPTABLE_RATIO:
            self.notes.append(
                f"{path}: the consistency ratio {result.consistency_ratio:.3f} is above {_ACCEPTABLE_RATIO} "
                "(Saaty 1980); ask for the judgments again."
            )
        return result.to_dict()

    def normalise(self, weights: Mapping[str, float], path: str) -> dict[str, float]:
        result, deviation = renormalised(weights)
        if abs(deviation) > REPORTED_DEVIATION:
            self.deviations[path] = deviation
        return result

    def inner_dependence(self, group: InnerDependence, criterion: str, path: str) -> dict[str, float]:
        """Fill the supermatrix column by column and give the common column of its limit."""
        place = {name: number for number, name in enumerate(group.elements)}
        matrix = np.zeros((len(place), len(place)))
        for element in group.elements:
            column = group.columns[element]
            where = f"{path}.columns.{element}"
            if isinstance(column, Comparisons):
                weights = self.weigh(column, criterion, element, where)
            else:
                weights = self.normalise(column, where)
            for name, weight in weights.items():
                matrix[place[name], place[element]] = weight
        limit = limit_supermatrix(pd.DataFrame(matrix, index=list(place), columns=list(place)))
        if limit.priorities is None:
            parts = " and ".join(str([group.elements[node] for node in members]) for members in limit.classes)
            message = (
                f"{path}: influence stays within {parts}, so the limit depends on where it starts and gives "
                "no one vector of weights. Let them influence each other, or make them criteria of their own."
            )
            raise DomainError(message)
        self.supermatrices[criterion] = read_only(matrix)
        self.limits[criterion] = limit
        self.describe(matrix, limit, path)
        return dict(zip(group.elements, limit.priorities.tolist(), strict=True))

    def describe(self, matrix: FloatArray, limit: Limit, path: str) -> None:
        """Note what the structure of the supermatrix alone decides."""
        zero_diagonal = not matrix.diagonal().any()
        if zero_diagonal and len(matrix) == _PAIR:
            self.notes.append(
                f"{path}: two elements with a zero diagonal have the limit (0.5, 0.5) whatever was judged; use "
                "pairwise judgments (AHP) for a group of two."
            )
        elif zero_diagonal:
            self.notes.append(f"{path}: with a zero diagonal no weight can exceed 0.5, whatever was judged.")
        if max(limit.periods) > 1:
            self.notes.append(
                f"{path}: the powers of the supermatrix cycle with period {max(limit.periods)}; the weights are "
                "their average over the cycle."
            )
        if limit.transient:
            idle = [limit.labels[node] for node in limit.transient]
            self.notes.append(f"{path}: {idle} influence nothing that lasts; their weight is 0.")
