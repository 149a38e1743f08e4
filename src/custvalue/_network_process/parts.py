"""What a network is put together from: weights stated directly, inner dependence, subnetworks, ratings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from custvalue._network_process.judgments import Comparisons, MeasuredValues
from custvalue._network_process.limit import SinkPolicy
from custvalue._network_process.tables import check_weights
from custvalue._spec import Entries, FilledEntries, FrozenMapping, Items, Name, Spec, check_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


#: Fields by which a part is known where it does not name its kind.
_TELLING: Final = (
    ("judgments", "judgments"),
    ("scale", "ratings"),
    ("clusters", "subnetwork"),
    ("columns", "inner_dependence"),
    ("values", "values"),
    ("weights", "weights"),
)


def _kind(value: Any) -> str | None:
    """Tell the kind of a part: as it says, else by the field that only this kind has."""
    if not isinstance(value, dict):
        return getattr(value, "kind", None)
    if isinstance(value.get("kind"), str):
        return str(value["kind"])
    return next((kind for field, kind in _TELLING if field in value), None)


def _column_kind(value: Any) -> str:
    """Tell judgments and measured values from direct weights by the entries that only the former have."""
    if isinstance(value, Comparisons):
        return "judgments"
    if isinstance(value, MeasuredValues):
        return "values"
    if not isinstance(value, dict):
        return "weights"
    if any(isinstance(value.get(key), (list, tuple)) for key in ("elements", "judgments")):
        return "judgments"
    return "values" if isinstance(value.get("values"), dict) else "weights"


def _told_apart(*kinds: str) -> Discriminator:
    names = ", ".join(kinds)
    message = f"kind is missing or unknown; allowed: {names}, or the fields of one of them"
    return Discriminator(_kind, custom_error_type="unknown_kind", custom_error_message=message)


Weights = FilledEntries[Name, float]
Column = Annotated[
    Annotated[Comparisons, Tag("judgments")]
    | Annotated[MeasuredValues, Tag("values")]
    | Annotated[Weights, Tag("weights")],
    Discriminator(_column_kind),
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
    MeasuredValues : Weights from measured values of any unit.

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


def names_of(part: object) -> tuple[str, ...]:
    """Name what a set of judgments, of measured values or of weights gives a weight to."""
    if isinstance(part, Comparisons):
        return tuple(part.elements)
    if isinstance(part, MeasuredValues):
        return tuple(part.values)
    if isinstance(part, DirectWeights):
        return tuple(part.weights)
    return tuple(part) if isinstance(part, dict) else ()


def check_column(column: object, allowed: Sequence[str], element: str, where: str) -> None:
    """Raise ``ValueError`` unless a column names allowed elements only and its weights sum to 1."""
    named = names_of(column)
    unknown = [name for name in named if name not in allowed]
    if unknown:
        message = f"{where} names {unknown[0]!r}, which is not among {list(allowed)}"
        raise ValueError(message)
    if isinstance(column, Comparisons) and element in named:
        message = (
            f"{where} compares {element!r} by its influence on itself; leave it out, or state the column by "
            "weights"
        )
        raise ValueError(message)
    if isinstance(column, dict):
        check_weights(column, f"the weights of {where}")


def _distinct(names: Iterable[str], what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            message = f"{what} must be distinct; {name!r} is named twice"
            raise ValueError(message)
        seen.add(name)


class InnerDependence(Spec):
    """Indicators of one criterion that influence each other.

    Parameters
    ----------
    kind : {"inner_dependence"}, default="inner_dependence"
        Tells this way to state weights from others in JSON.
    elements : sequence of str
        Names of the indicators, distinct, 1 to 200 of them.
    columns : mapping of str to Comparisons, MeasuredValues or mapping of str to float
        For each element e, what influences it: judgments that compare *other* elements by their influence on e,
        measured values, or their weights, from 0, summing to 1 within 5e-4. An element that is not named has no
        influence on e.

    Raises
    ------
    pydantic.ValidationError
        If an element has no column, a column names an unknown element, judgments compare an element by its
        influence on itself, or weights are negative or sum to something else than 1.

    See Also
    --------
    limit_supermatrix : Turns the columns into the weights of the indicators.
    Subnetwork : Several clusters that influence each other.

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
        _distinct(self.elements, "elements")
        check_keys(self.columns, self.elements, "columns")
        for element, column in self.columns.items():
            check_column(column, self.elements, element, f"columns[{element!r}]")
        return self


class Subnetwork(Spec):
    r"""Clusters of nodes that influence each other and themselves, below one control criterion.

    Column j of the supermatrix says what influences node j. Within each cluster that feeds it, the nodes are
    compared with each other (inner dependence, if it is j's own cluster, else outer dependence); the clusters that
    feed the columns of one cluster are compared too, and their weights multiply the blocks.

    Parameters
    ----------
    kind : {"subnetwork"}, default="subnetwork"
        Tells this way to state weights from others in JSON.
    clusters : mapping of str to sequence of str
        Nodes of each cluster; all names distinct, at most 1,000 nodes. A name is a cluster or a node, never both.
    influences : mapping of str to (mapping of str to Comparisons, MeasuredValues or mapping of str to float)
        For a node, and for each cluster that feeds it, the influence of that cluster's nodes: judgments, measured
        values, or weights that sum to 1 within 5e-4. A node without an entry is a sink: nothing influences it.
    cluster_influences : mapping of str to Comparisons, MeasuredValues or mapping of str to float, default={}
        For a cluster, the weights of the clusters that feed its columns. Needed where several do, and then naming
        exactly these. Where a column lacks a block, the others share its weight.
    sinks : {"error", "identity", "hierarchy", "calculus"}, default="error"
        What happens at sinks, see `limit_supermatrix`.
    goal : str or None, default=None
        The node from which the priorities are read. Needed where the columns of the limit differ, as below the
        goal of a hierarchy.

    Raises
    ------
    pydantic.ValidationError
        If a name is doubled or unknown, a weight is negative, weights sum to something else than 1, judgments
        compare a node by its influence on itself, or the weights of feeding clusters are missing or name others.

    See Also
    --------
    InnerDependence : The same for a single cluster.
    weighted_supermatrix : How the clusters' weights enter.

    References
    ----------
    .. [1] Saaty, T. L. (2005). *Theory and Applications of the Analytic Network Process*. RWS Publications.

    Examples
    --------
    Two criteria and two alternatives that influence each other:

    >>> from custvalue import anp
    >>> feedback = anp.Subnetwork(
    ...     clusters={"criteria": ["price", "service"], "banks": ["A", "B"]},
    ...     influences={"price": {"banks": {"A": 0.75, "B": 0.25}}, "service": {"banks": {"A": 0.25, "B": 0.75}},
    ...                 "A": {"criteria": {"price": 0.5, "service": 0.5}},
    ...                 "B": {"criteria": {"price": 0.2, "service": 0.8}}})
    >>> solution = anp.Network(local={"choice": feedback}, alternatives=["A", "B"]).solve()
    >>> solution.synthesis("distributive").to_frame()
      alternative  priority
    0           A  0.411765
    1           B  0.588235
    """

    kind: Literal["subnetwork"] = "subnetwork"
    clusters: FilledEntries[Name, Annotated[Items[Name], Field(min_length=1, max_length=200)]] = Field(
        description="Nodes of each cluster."
    )
    influences: Entries[Name, Entries[Name, Column]] = Field(
        description="For each node and each cluster that feeds it, the influence of the cluster's nodes."
    )
    cluster_influences: Entries[Name, Column] = Field(
        default_factory=FrozenMapping,
        description="For each cluster, the weights of the clusters that feed its columns.",
    )
    sinks: SinkPolicy = Field(default="error", description="What happens at nodes that nothing influences.")
    goal: Name | None = Field(default=None, description="The node from which the priorities are read.")

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of all nodes, cluster by cluster."""
        return tuple(node for nodes in self.clusters.values() for node in nodes)

    @model_validator(mode="after")
    def _whole(self) -> Subnetwork:
        nodes = self.nodes
        _distinct((*self.clusters, *nodes), "clusters and nodes")
        if len(nodes) > 1000:  # noqa: PLR2004 - said in the docstring
            message = f"clusters hold {len(nodes)} nodes; allowed: at most 1,000"
            raise ValueError(message)
        known = set(nodes)
        strangers = [node for node in (*self.influences, self.goal) if node is not None and node not in known]
        if strangers:
            message = f"{strangers[0]!r} is influenced or the goal, but in no cluster; the nodes are {list(nodes)}"
            raise ValueError(message)
        for node, blocks in self.influences.items():
            for cluster, column in blocks.items():
                where = f"influences[{node!r}][{cluster!r}]"
                if cluster not in self.clusters:
                    message = f"{where}: {cluster!r} is no cluster; the clusters are {list(self.clusters)}"
                    raise ValueError(message)
                check_column(column, self.clusters[cluster], node, where)
        self._check_cluster_influences()
        return self

    def _check_cluster_influences(self) -> None:
        strangers = [cluster for cluster in self.cluster_influences if cluster not in self.clusters]
        if strangers:
            message = f"cluster_influences names {strangers[0]!r}; the clusters are {list(self.clusters)}"
            raise ValueError(message)
        for cluster in self.clusters:
            feeding = self.feeding(cluster)
            given = self.cluster_influences.get(cluster)
            where = f"cluster_influences[{cluster!r}]"
            if given is None:
                if len(feeding) > 1:
                    message = f"{where} is missing: {list(feeding)} feed this cluster, and their weights decide"
                    raise ValueError(message)
                continue
            if sorted(names_of(given)) != sorted(feeding):
                message = f"{where} must weigh exactly the clusters that feed this one, {list(feeding)}"
                raise ValueError(message)
            if isinstance(given, dict):
                check_weights(given, f"the weights of {where}")

    def feeding(self, cluster: str) -> tuple[str, ...]:
        """Name the clusters that feed the columns of a cluster.

        Parameters
        ----------
        cluster : str
            Name of the fed cluster.

        Returns
        -------
        tuple of str
            In the order of `clusters`.
        """
        fed_by = {other for node in self.clusters[cluster] for other in self.influences.get(node, {})}
        return tuple(other for other in self.clusters if other in fed_by)


class Ratings(Spec):
    """Alternatives rated on a scale of categories, one by one: absolute measurement.

    Unlike compared alternatives, rated ones do not change when an alternative comes or goes.

    Parameters
    ----------
    kind : {"ratings"}, default="ratings"
        Tells this way to state weights from others in JSON.
    scale : Comparisons or MeasuredValues
        The categories and how they compare; the best category counts 1, the others in proportion.
    ratings : mapping of str to str
        Category of each alternative.

    Raises
    ------
    pydantic.ValidationError
        If an alternative is rated by a category that the scale does not have.

    See Also
    --------
    Network : Where ratings stand below a criterion.

    References
    ----------
    .. [1] Saaty, T. L. (1986). Absolute and relative measurement with the AHP. *Socio-Economic Planning Sciences*,
       20(6), 327-331.

    Examples
    --------
    >>> from custvalue import anp
    >>> anp.Ratings(scale=anp.MeasuredValues(values={"good": 1.0, "fair": 0.5}),
    ...             ratings={"A": "good", "B": "fair"}).ratings["B"]
    'fair'
    """

    kind: Literal["ratings"] = "ratings"
    scale: Annotated[
        Annotated[Comparisons, Tag("judgments")] | Annotated[MeasuredValues, Tag("values")],
        _told_apart("judgments", "values"),
    ] = Field(description="The categories and how they compare.")
    ratings: Entries[Name, Name] = Field(
        min_length=1, max_length=1000, description="Category of each alternative."
    )

    @model_validator(mode="after")
    def _known_categories(self) -> Ratings:
        categories = names_of(self.scale)
        for alternative, category in self.ratings.items():
            if category not in categories:
                message = f"ratings[{alternative!r}] is {category!r}, which is not among {list(categories)}"
                raise ValueError(message)
        return self


Control = Annotated[
    Annotated[Comparisons, Tag("judgments")]
    | Annotated[DirectWeights, Tag("weights")]
    | Annotated[MeasuredValues, Tag("values")],
    _told_apart("judgments", "weights", "values"),
]
Local = Annotated[
    Annotated[Comparisons, Tag("judgments")]
    | Annotated[DirectWeights, Tag("weights")]
    | Annotated[MeasuredValues, Tag("values")]
    | Annotated[InnerDependence, Tag("inner_dependence")]
    | Annotated[Subnetwork, Tag("subnetwork")]
    | Annotated[Ratings, Tag("ratings")],
    _told_apart("judgments", "weights", "values", "inner_dependence", "subnetwork", "ratings"),
]


def nodes_of(part: object) -> tuple[str, ...]:
    """Name everything that a part below a criterion gives a weight to."""
    if isinstance(part, Subnetwork):
        return part.nodes
    if isinstance(part, Ratings):
        return tuple(part.ratings)
    return tuple(part.elements) if isinstance(part, InnerDependence) else names_of(part)
