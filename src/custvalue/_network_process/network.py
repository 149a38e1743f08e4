"""The network of criteria and what lies below them, as one document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from custvalue._network_process import sheets
from custvalue._network_process.parts import Control, Local, Ratings, names_of, nodes_of
from custvalue._network_process.plan import Compiler
from custvalue._network_process.priorities import check_choices
from custvalue._network_process.solver import Solver
from custvalue._spec import Document, Entries, FrozenMapping, Items, Name, check_keys
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from custvalue._network_process.limit import SinkPolicy
    from custvalue._network_process.plan import Plan
    from custvalue._network_process.priorities import Aggregation, Method, RandomIndex
    from custvalue._network_process.solution import Solution
    from custvalue._typing import SupportsColumns

Merit: TypeAlias = Literal["benefits", "opportunities", "costs", "risks"]
_NONE: Mapping[str, str] = FrozenMapping()
_EQUAL: Mapping[str, float] = FrozenMapping()


class Network(Document):
    """Criteria, what lies below them, and what experts said about both, as one JSON document.

    The criteria of the control layer are taken as independent, so that judgments or weights of theirs suffice (the
    Analytic Hierarchy Process). Below each criterion lies a part of its own: indicators or alternatives with
    judgments or weights; indicators that influence each other; a subnetwork of clusters; or ratings.

    Parameters
    ----------
    spec_version : {1}, default=1
        Version of the document's layout.
    title : str, default=""
        What the network is for.
    source : str, default=""
        Where the judgments come from.
    control : Comparisons, DirectWeights, MeasuredValues or None, default=None
        The criteria and their importance. In JSON, `kind` tells which ("judgments", "weights", "values"). May be
        left out where `local` has one criterion, whose weight is 1.
    local : mapping of str to Comparisons, DirectWeights, MeasuredValues, InnerDependence, Subnetwork or Ratings
        What lies below each criterion; the keys are exactly the criteria. In JSON, `kind` tells which
        ("judgments", "weights", "values", "inner_dependence", "subnetwork", "ratings").
    alternatives : sequence of str, default=()
        What is to be decided between. Each part below a criterion must hold all of them; all other names may stand
        under one criterion only.
    merits : mapping of str to {"benefits", "opportunities", "costs", "risks"}, default={}
        The merit that each criterion speaks about, for `Solution.bocr`. Under costs and risks the *worse*
        alternative gets the larger weight.

    Raises
    ------
    pydantic.ValidationError
        If a criterion has no part below it or is unknown, a name other than an alternative stands under two
        criteria, a criterion lacks an alternative, merits do not name every criterion, a key is unknown, or a part
        breaks its own rules; the message gives the path to the part.

    See Also
    --------
    Solution : What `solve` returns.

    Notes
    -----
    ``Network.model_json_schema()`` gives the JSON schema of the document; the documentation publishes it.

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
    control: Control | None = Field(default=None, description="The criteria and their importance.")
    local: Annotated[Entries[Name, Local], Field(max_length=200)] = Field(
        description="What lies below each criterion."
    )
    alternatives: Annotated[Items[Name], Field(max_length=1000)] = Field(
        default=(), description="What is to be decided between; every criterion holds all of them."
    )
    merits: Entries[Name, Merit] = Field(
        default_factory=FrozenMapping, description="The merit that each criterion speaks about."
    )

    @property
    def criteria(self) -> tuple[str, ...]:
        """Names of the criteria, in the order of the control layer."""
        return tuple(self.local) if self.control is None else names_of(self.control)

    @model_validator(mode="after")
    def _fits(self) -> Network:
        if self.control is None and len(self.local) != 1:
            message = f"control is missing: {list(self.local)} need weights; leave it out for one criterion only"
            raise ValueError(message)
        check_keys(self.local, self.criteria, "local")
        if len(set(self.alternatives)) < len(self.alternatives):
            message = f"alternatives must be distinct; got {list(self.alternatives)}"
            raise ValueError(message)
        self._check_names()
        if self.merits:
            check_keys(self.merits, self.criteria, "merits")
            if not self.alternatives:
                message = "merits are given, but no alternatives: name what is to be decided between"
                raise ValueError(message)
        return self

    def _check_names(self) -> None:
        alternatives = set(self.alternatives)
        seen: dict[str, str] = {}
        for criterion in self.criteria:
            names = nodes_of(self.local[criterion])
            missing = [name for name in self.alternatives if name not in names]
            if missing:
                message = f"local[{criterion!r}] lacks the alternative {missing[0]!r}; every criterion holds all"
                raise ValueError(message)
            for name in names:
                if name in seen and name not in alternatives:
                    message = (
                        f"the indicator {name!r} is named under {seen[name]!r} and under {criterion!r}; allowed: "
                        "each indicator under one criterion, unless it is one of the alternatives"
                    )
                    raise ValueError(message)
                seen[name] = criterion
            if isinstance(self.local[criterion], Ratings) and set(names) != alternatives:
                message = f"local[{criterion!r}] must rate exactly the alternatives {list(self.alternatives)}"
                raise ValueError(message)

    @classmethod
    def from_frame(
        cls,
        judgments: SupportsColumns,
        *,
        nodes: SupportsColumns | None = None,
        alternatives: Sequence[str] = (),
        sinks: SinkPolicy = "error",
        goals: Mapping[str, str] = _NONE,
        experts: Mapping[str, float] = _EQUAL,
        title: str = "",
        source: str = "",
    ) -> Self:
        r"""Build a network from tables, as a spreadsheet holds them.

        Parameters
        ----------
        judgments : DataFrame of pandas, Polars or PyArrow
            One row per statement, with the columns

            - `criterion`: where the statement belongs; blank for the control layer;
            - `column`: what is influenced: a node, or a cluster where clusters are weighed; blank where importance
              is judged;
            - `first`, `second`, `ratio`: the first is `ratio` times as important (or influential) as the second; a
              number, or text such as ``"1/7"``, or blank for a pair that was not judged, which is left out;
            - `weight` (optional): in rows without `second` and `ratio`, the weight of `first`;
            - `expert` (optional): who said it.
        nodes : DataFrame, default=None
            One row per node of a subnetwork, with the columns `criterion`, `cluster`, `node`. Criteria that it
            does not name have no clusters.
        alternatives : sequence of str, default=()
            What is to be decided between.
        sinks : {"error", "identity", "hierarchy", "calculus"}, default="error"
            Sink policy of the subnetworks.
        goals : mapping of str to str, default={}
            For a criterion with a subnetwork, the node from which the priorities are read.
        experts : mapping of str to float, default={}
            Weight of each expert in the whole network, from 0; in each set they are divided by their sum over the
            experts who answered there. Every expert in the rows must be named, and "" where judgments name nobody.
            Empty: all experts weigh the same.
        title, source : str, default=""
            As in the class.

        Returns
        -------
        Network
            A criterion without clusters becomes `Comparisons` or `DirectWeights` where `column` is blank, and
            `InnerDependence` where it is filled; names keep the order of their first appearance. Cost: O(rows).

        Raises
        ------
        ColumnError
            If a column is missing.
        JudgmentError
            If a row is neither a judgment nor a weight, an expert has no weight, the control layer and the
            criteria of the rows differ, a column of a criterion without clusters is never first or second there,
            or a set breaks its rules (see `Comparisons`, `DirectWeights`, `InnerDependence`, `Subnetwork`). The
            message has one line for each set that is wrong: its path as in `Judged.path`, the rows, counted from
            0 in the table as given, the reasons, and a near name where one may have been meant.
        DomainError
            If `experts` holds anything but numbers from 0, or only zeros.
        pydantic.ValidationError
            If the sets do not make up a network, see the class.

        Examples
        --------
        >>> import pandas as pd
        >>> from custvalue import anp
        >>> sheet = pd.DataFrame(
        ...     [("", "", "recency", "monetary", "1/3"), ("recency", "", "cash", "transfer", 2),
        ...      ("monetary", "", "turnover", "balance", 1)],
        ...     columns=["criterion", "column", "first", "second", "ratio"])
        >>> anp.Network.from_frame(sheet).solve().priorities
        {'cash': 0.1666..., 'transfer': 0.0833..., 'turnover': 0.375, 'balance': 0.375}
        """
        control, local = sheets.read(judgments, nodes, sinks, goals, experts)
        return cls(title=title, source=source, control=control, local=local, alternatives=tuple(alternatives))

    def with_ratio(self, path: str, first: str, second: str, ratio: float | str, *, expert: str = "") -> Network:
        """Give the network with one judgment changed, or added where the expert has not judged the pair.

        Parameters
        ----------
        path : str
            Where the set of judgments stands, as `Judged.path`, notes and tables say, for example ``"control"``.
        first, second : str
            The compared elements.
        ratio : float or str
            How many times as important the first is as the second.
        expert : str, default=""
            Who judges, one of the set's experts.

        Returns
        -------
        Network
            A new document.

        Raises
        ------
        DomainError
            If there are no judgments at the path, or the set there does not know the expert.
        pydantic.ValidationError
            If the ratio is not positive, or the new judgment breaks the rules of the set.

        Examples
        --------
        >>> from custvalue import anp
        >>> control = anp.Comparisons.from_values({"frequency": 1.0, "monetary": 3.0})
        >>> network = anp.Network(control=control, local={
        ...     "frequency": anp.DirectWeights(weights={"visits": 1.0}),
        ...     "monetary": anp.DirectWeights(weights={"turnover": 1.0})})
        >>> network.with_ratio("control", "frequency", "monetary", 1).solve().control
        {'frequency': 0.5, 'monetary': 0.5}
        """
        found = {source.path: source for source in self._plan().sources}
        if path not in found:
            message = f"path is {path!r}; judgments stand at {list(found)}."
            raise DomainError(message)
        source = found[path]
        changed = source.comparisons.with_ratio(first, second, ratio, expert=expert)
        document = self.model_dump()
        part = document
        for key in source.keys[:-1]:
            part = part[key]
        part[source.keys[-1]] = changed.model_dump()
        return type(self).model_validate(document)

    def solve(
        self,
        *,
        method: Method = "eigenvector",
        random_index: RandomIndex = "alonso_lamata",
        aggregation: Aggregation = "aij",
    ) -> Solution:
        r"""Compute the weights of criteria, indicators and alternatives.

        Parameters
        ----------
        method : {"eigenvector", "logarithmic_least_squares", "harker", "lambda_min"}, default="eigenvector"
            How judgments become priorities, see `priorities`; "eigenvector" takes complete sets only.
        random_index : {"alonso_lamata", "saaty_1980", "saaty_2005"}, default="alonso_lamata"
            Table for the consistency ratios, see `priorities`.
        aggregation : {"aij", "aip_geometric", "aip_arithmetic", "pooled"}, default="aij"
            How the judgments of several experts become one, see `priorities`.

        Returns
        -------
        Solution
            Weights at both levels, supermatrices, limits, synthesis, consistency, and notes on how to read them.

        Raises
        ------
        DomainError
            If a name is unknown, the random index has no value for so many elements, a node is a sink under the
            policy "error", or the limit below a criterion depends on where the influence starts and no goal says
            from where it is read.
        JudgmentError
            If the method takes no incomplete sets and one is incomplete, or an expert's own judgments do not
            connect all elements where the aggregation needs them to.

        Notes
        -----
        The local weights of an inner-dependent criterion or of a subnetwork are the column of its limit
        supermatrix (see `limit_supermatrix`). The global weight of indicator j of criterion i is
        :math:`w_i w_{ij}`; the weights of an alternative are added up over the criteria. Cost: O(n^3) per
        criterion with n nodes below it.
        """
        check_choices(method, random_index, aggregation)
        return Solver(method, random_index, aggregation).solve(self._plan(), self.model_dump_json())

    def _plan(self) -> Plan:
        return Compiler().compile(self.control, self.local, self.alternatives, self.merits)
