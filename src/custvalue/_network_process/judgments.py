"""Pairwise judgments of one or several experts, complete or not, and measured values in their place."""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from custvalue._frames import records
from custvalue._kernels.comparison_graph import next_link
from custvalue._network_process.judgment_tables import (
    check_reciprocal,
    positive_values,
    read_row,
    table_with_gaps,
)
from custvalue._network_process.panel import Panel, build_panel
from custvalue._network_process.ratios import Expert, Judgment, Ratio
from custvalue._network_process.tables import positions
from custvalue._results import read_only
from custvalue._spec import Entries, FrozenMapping, Items, Name, Spec, check_keys, require_unit_sum
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from custvalue._typing import FloatArray, SupportsColumns, Table

__all__ = ["Comparisons", "Judgment", "MeasuredValues", "Ratio", "next_pair", "panel_of"]


class Comparisons(Spec):
    """A set of pairwise judgments of some elements, by one or several experts, complete or not.

    Parameters
    ----------
    kind : {"judgments"}, default="judgments"
        Tells this way to state weights from others in JSON.
    elements : sequence of str
        Names of what is compared, distinct, 1 to 200 of them; the order is that of the weights.
    judgments : sequence of Judgment
        Pairs in either direction, at most 100,000. Pairs may be missing as long as the others connect all
        elements. An expert who states a pair twice must agree within 1e-9; it counts once.
    experts : mapping of str to float, default={}
        Weight of each expert; the keys are exactly the experts that the judgments name ("" where a judgment names
        nobody), the weights from 0, summing to 1 within 5e-4 (rounding, which is renormalised). Empty: all
        experts weigh the same. Judgments of an expert of weight 0 are kept but do not count.

    Raises
    ------
    pydantic.ValidationError
        If a name is doubled or unknown, an element is compared with itself, two judgments of a pair by one expert
        contradict each other, the weights of the experts break their rules, or the judgments fall apart into
        groups that nobody compared (the message names the groups and the best next pair to ask).

    See Also
    --------
    priorities : The weights that the judgments imply.
    next_pair : The best next pair to ask.
    MeasuredValues : Priorities from measurements.

    References
    ----------
    .. [1] Bozoki, S., Fulop, J. and Ronyai, L. (2010). On optimal completion of incomplete pairwise comparison
       matrices. *Mathematical and Computer Modelling*, 52(1-2), 318-333.

    Examples
    --------
    >>> from custvalue import anp
    >>> control = anp.Comparisons.model_validate_json('''{
    ...     "elements": ["turnover", "balance"],
    ...     "judgments": [{"first": "turnover", "second": "balance", "ratio": "1/3"}]}''')
    >>> anp.priorities(control).weights
    array([0.25, 0.75])
    """

    kind: Literal["judgments"] = "judgments"
    elements: Annotated[Items[Name], Field(min_length=1, max_length=200, description="What is compared.")]
    judgments: Annotated[Items[Judgment], Field(max_length=100_000, description="Pairs, in either direction.")]
    experts: Entries[Expert, float] = Field(
        default_factory=FrozenMapping, description="Weight of each expert, summing to 1; empty for equal weights."
    )

    @model_validator(mode="after")
    def _whole(self) -> Comparisons:
        if len(set(self.elements)) < len(self.elements):
            doubled = next(name for name in self.elements if self.elements.count(name) > 1)
            message = f"elements must be distinct; {doubled!r} is named twice"
            raise ValueError(message)
        if self.experts:
            check_keys(self.experts, self.expert_names, "experts")
            negative = [name for name, weight in self.experts.items() if weight < 0.0]
            if negative:
                message = f"experts: the weight of {negative[0]!r} is negative; allowed: numbers from 0"
                raise ValueError(message)
            require_unit_sum(self.experts.values(), "the weights of the experts")
        panel_of(self).require_connected()
        return self

    @property
    def expert_names(self) -> tuple[str, ...]:
        """Name the experts.

        Returns
        -------
        tuple of str
            In the order in which the judgments name them; "" stands for judgments that name nobody.
        """
        return tuple(dict.fromkeys(judgment.expert for judgment in self.judgments))

    @property
    def matrix(self) -> FloatArray:
        """Give the reciprocal comparison matrix of all experts together.

        Returns
        -------
        ndarray of shape (n, n)
            Entry (i, j) says how many times as important element i is as element j: the geometric mean over the
            experts who judged the pair, weighted by their weights, which keeps it reciprocal (Aczel & Saaty
            1983). 1 on the diagonal, NaN where nobody judged; read-only.
        """
        return read_only(panel_of(self).matrix())

    @property
    def missing(self) -> tuple[tuple[str, str], ...]:
        """Name the pairs that nobody judged.

        Returns
        -------
        tuple of (str, str)
            In the order of the elements; empty for a complete set.
        """
        return panel_of(self).missing()

    def by_expert(self, name: str) -> Comparisons:
        """Give one expert's judgments alone.

        Parameters
        ----------
        name : str
            One of `expert_names`.

        Returns
        -------
        Comparisons
            The same elements, the judgments of this expert.

        Raises
        ------
        DomainError
            If no judgment names the expert.
        JudgmentError
            If this expert's judgments alone do not connect the elements; the message names the groups.
        """
        if name not in self.expert_names:
            message = f"name is {name!r}; allowed: {list(self.expert_names)}, the experts of the judgments."
            raise DomainError(message)
        own = tuple(judgment for judgment in self.judgments if judgment.expert == name)
        build_panel(self.elements, own, {}).require_connected(f"the judgments of the expert {name!r}")
        return Comparisons(elements=self.elements, judgments=own)

    def with_ratio(self, first: str, second: str, ratio: float | str, *, expert: str = "") -> Comparisons:
        """Give the set with one judgment changed, or added where the expert has not judged the pair.

        Parameters
        ----------
        first, second : str
            The compared elements.
        ratio : float or str
            How many times as important the first is as the second.
        expert : str, default=""
            Who judges, one of `expert_names`.

        Returns
        -------
        Comparisons
            A new set; the changed judgment stands in the place of the old one.

        Raises
        ------
        DomainError
            If the set does not know the expert.
        pydantic.ValidationError
            If the ratio is not positive, or the new judgment breaks the rules of the set.

        Examples
        --------
        >>> from custvalue import anp
        >>> judged = anp.Comparisons.from_values({"turnover": 3.0, "balance": 1.0})
        >>> judged.with_ratio("balance", "turnover", 1).matrix
        array([[1., 1.],
               [1., 1.]])
        """
        if self.judgments and expert not in self.expert_names:
            message = f"expert is {expert!r}; allowed: {list(self.expert_names)}, the experts of the judgments."
            raise DomainError(message)
        stated = {"first": first, "second": second, "ratio": ratio, "expert": expert}
        new = Judgment.model_validate(stated)
        same = [
            place
            for place, judgment in enumerate(self.judgments)
            if judgment.expert == expert and {judgment.first, judgment.second} == {first, second}
        ]
        at = same[0] if same else len(self.judgments)
        kept = [judgment for place, judgment in enumerate(self.judgments) if place not in same]
        return self.model_copy(update={"judgments": (*kept[:at], new, *kept[at:])})

    @classmethod
    def from_matrix(cls, elements: Sequence[str] | None, matrix: Table, *, expert: str = "") -> Comparisons:
        """Build the set from a reciprocal matrix.

        Parameters
        ----------
        elements : sequence of str or None
            Names of the rows; None takes a DataFrame's labels, or the positions "0", "1", ... of an array.
        matrix : array_like or DataFrame of shape (n, n)
            Positive, finite, 1 on the diagonal, and ``matrix[i, j] * matrix[j, i] == 1`` within 1e-9; NaN on both
            sides of the diagonal where a pair was not judged. The part above the diagonal is kept.
        expert : str, default=""
            Who judged.

        Returns
        -------
        Comparisons
            One judgment per judged pair. Cost: O(n^2).

        Raises
        ------
        DomainError
            If the matrix is not square, holds an infinite number, or does not fit `elements`.
        JudgmentError
            If an entry is not positive, a diagonal entry is not 1, a pair is not reciprocal or missing on one
            side only; the message names the pair.
        pydantic.ValidationError
            If the judged pairs do not connect the elements, or there are more than 200.
        """
        values, labels = table_with_gaps(matrix)
        names = tuple(elements) if elements is not None else labels or positions(len(values))
        if len(names) != len(values) or (labels and elements is not None and names != labels):
            message = (
                f"elements has {len(names)} names for a matrix of {len(values)} rows; allowed: one name a row, in "
                "the order of the rows (and equal to the labels, if matrix is a DataFrame)."
            )
            raise DomainError(message)
        check_reciprocal(values, names)
        pairs = ((i, j) for i, j in combinations(range(len(names)), 2) if not math.isnan(values[i, j]))
        judgments = tuple(
            Judgment(first=names[i], second=names[j], ratio=float(values[i, j]), expert=expert) for i, j in pairs
        )
        return cls(elements=names, judgments=judgments)

    @classmethod
    def from_values(cls, values: Mapping[str, float], *, expert: str = "") -> Comparisons:
        """Build the consistent set whose ratios are those of measured values.

        Parameters
        ----------
        values : mapping of str to float
            Positive finite numbers on a ratio scale (amounts, counts, durations), 1 to 200 of them.
        expert : str, default=""
            Who measured.

        Returns
        -------
        Comparisons
            Every pair, with the ratio of the two values. Cost: O(n^2).

        Raises
        ------
        DomainError
            If a value is not a positive finite number, or two are further apart than 1e300 times.
        pydantic.ValidationError
            If there is no element or more than 200, or a name is empty.

        See Also
        --------
        MeasuredValues : The same priorities without judgments; values of 0 are allowed there.

        Examples
        --------
        >>> from custvalue import anp
        >>> anp.Comparisons.from_values({"gold": 300.0, "silver": 100.0}).judgments[0].ratio
        3.0
        """
        numbers = positive_values(values)
        judgments = tuple(
            Judgment(first=a, second=b, ratio=numbers[a] / numbers[b], expert=expert)
            for a, b in combinations(numbers, 2)
        )
        return cls(elements=tuple(numbers), judgments=judgments)

    @classmethod
    def from_frame(
        cls,
        frame: SupportsColumns,
        *,
        elements: Sequence[str] | None = None,
        experts: Mapping[str, float] | None = None,
    ) -> Comparisons:
        """Build the set from a table with one judgment a row, such as a spreadsheet or the answers to a survey.

        Parameters
        ----------
        frame : DataFrame or Table
            Of pandas, Polars or PyArrow, with the columns `first`, `second`, `ratio` and, optionally, `expert`;
            others are not read. `ratio` holds numbers or text such as "1/7". A row without a ratio is a pair that
            was not judged and is left out.
        elements : sequence of str, default=None
            Names and order of the elements; None takes the order of first appearance.
        experts : mapping of str to float, default=None
            Weight of each expert; None for equal weights.

        Returns
        -------
        Comparisons
            The judgments, in the order of the rows. Cost: O(rows).

        Raises
        ------
        ColumnError
            If a column is missing or doubled.
        DataError
            If a row has a ratio but does not name both elements.
        DomainError
            If `frame` is no frame in memory.
        JudgmentError
            If a ratio is not a positive number or fraction; the message names row and pair.
        pydantic.ValidationError
            If the judgments break the rules of `Comparisons`.

        Examples
        --------
        >>> import pandas as pd
        >>> from custvalue import anp
        >>> table = pd.DataFrame({"first": ["a", "a"], "second": ["b", "c"], "ratio": ["1/2", "3"]})
        >>> anp.Comparisons.from_frame(table).missing
        (('b', 'c'),)
        """
        rows = records(frame, ("first", "second", "ratio"), ("expert",))
        judgments = tuple(read_row(number, row) for number, row in enumerate(rows) if row["ratio"] is not None)
        named = dict.fromkeys(
            str(row[side]) for row in rows for side in ("first", "second") if row[side] is not None
        )
        names = tuple(elements) if elements is not None else tuple(named)
        return cls(elements=names, judgments=judgments, experts=FrozenMapping(experts or {}))


class MeasuredValues(Spec):
    """Measured values that stand in the place of judgments.

    Parameters
    ----------
    kind : {"values"}, default="values"
        Tells this way to state weights from others in JSON.
    values : mapping of str to float
        Measured value of each element on a ratio scale, from 0 with a positive sum; strictly positive where
        smaller is better. 1 to 200 elements.
    smaller_is_better : bool, default=False
        Whether priorities follow the reciprocals (costs, distances, waiting times).

    Raises
    ------
    pydantic.ValidationError
        If a value is negative, all are 0, or one is 0 where smaller is better; the message names the element.

    See Also
    --------
    Comparisons.from_values : The same as a set of judgments.

    Examples
    --------
    >>> from custvalue import anp
    >>> anp.MeasuredValues(values={"a": 30.0, "b": 10.0}).weights
    {'a': 0.75, 'b': 0.25}
    >>> anp.MeasuredValues(values={"a": 30.0, "b": 10.0}, smaller_is_better=True).weights
    {'a': 0.25, 'b': 0.75}
    """

    kind: Literal["values"] = "values"
    values: Annotated[Entries[Name, float], Field(min_length=1, max_length=200)] = Field(
        description="Measured value of each element."
    )
    smaller_is_better: bool = Field(default=False, description="Whether priorities follow the reciprocals.")

    @model_validator(mode="after")
    def _measured(self) -> MeasuredValues:
        for name, value in self.values.items():
            if value < 0.0 or (self.smaller_is_better and value == 0.0):
                allowed = (
                    "numbers above 0, since smaller is better" if self.smaller_is_better else "numbers from 0"
                )
                message = f"values: {name!r} is {value:g}; allowed: {allowed}"
                raise ValueError(message)
        if not any(self.values.values()):
            message = "values are all 0, which gives no priorities; one at least must be above 0"
            raise ValueError(message)
        lost = [name for name, weight in self.weights.items() if weight == 0.0 and self.values[name] > 0.0]
        if lost:
            message = f"values: {lost[0]!r} is so far from the others that its priority is lost in rounding"
            raise ValueError(message)
        return self

    @property
    def weights(self) -> Mapping[str, float]:
        """Give the priorities.

        Returns
        -------
        mapping of str to float
            Values, or their reciprocals where smaller is better, divided by their sum.
        """
        if self.smaller_is_better:
            least = min(self.values.values())
            parts = {name: least / value for name, value in self.values.items()}
        else:
            most = max(self.values.values())
            parts = {name: value / most for name, value in self.values.items()}
        total = math.fsum(parts.values())
        return FrozenMapping({name: part / total for name, part in parts.items()})


def next_pair(elements: Sequence[str], judgments: Sequence[Judgment] = ()) -> tuple[str, str] | None:
    r"""Find the pair that an expert should be asked next.

    Parameters
    ----------
    elements : sequence of str
        Names of what is compared, distinct.
    judgments : sequence of Judgment, default=()
        What was judged already, by whomever; the ratios do not matter.

    Returns
    -------
    tuple of (str, str) or None
        The pair, in the order of `elements`; None if every pair was judged.

    Raises
    ------
    DomainError
        If `elements` is empty or names an element twice.
    JudgmentError
        If a judgment names an unknown element or compares an element with itself.

    See Also
    --------
    Comparisons : Takes incomplete judgments that connect all elements.

    Notes
    -----
    While the judgments fall apart into groups, the two largest are joined between their most central elements,
    those with the least sum of effective resistances within the group. Once they connect, the pair is asked that
    lowers the sum of all effective resistances :math:`R_{kl}` (the Kirchhoff index [2]_) most:

    .. math:: \Delta = \frac{n \lVert L^+ (e_i - e_j) \rVert^2}{1 + R_{ij}},

    with L the Laplacian of the graph of judged pairs. The sum of resistances is, up to a factor, the sum of the
    variances of all log-ratios of weights by logarithmic least squares [1]_, where judgments err independently and
    alike. Ties go to the first pair in the order of `elements`. Cost: O(n^3).

    References
    ----------
    .. [1] Bozoki, S., Fulop, J. and Ronyai, L. (2010). On optimal completion of incomplete pairwise comparison
       matrices. *Mathematical and Computer Modelling*, 52(1-2), 318-333.
    .. [2] Klein, D. J. and Randic, M. (1993). Resistance distance. *Journal of Mathematical Chemistry*, 12,
       81-95.

    Examples
    --------
    >>> from custvalue import anp
    >>> anp.next_pair(["a", "b", "c"], [anp.Judgment(first="a", second="b", ratio=2)])
    ('a', 'c')
    >>> chain = [anp.Judgment(first=x, second=y, ratio=2) for x, y in ("ab", "bc", "cd")]
    >>> anp.next_pair("abcd", chain)
    ('a', 'd')
    """
    names = tuple(elements)
    if not names or len(set(names)) < len(names):
        message = "elements must be distinct names, at least one; remove the doubled ones."
        raise DomainError(message)
    unweighted = tuple(judgment.model_copy(update={"ratio": 1.0, "expert": ""}) for judgment in judgments)
    link = next_link(build_panel(names, unweighted, {}).adjacency())
    return None if link is None else (names[link[0]], names[link[1]])


def panel_of(comparisons: Comparisons) -> Panel:
    """Give the judgments of a set as arrays."""
    return build_panel(comparisons.elements, comparisons.judgments, comparisons.experts)
