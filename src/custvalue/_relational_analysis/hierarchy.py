"""Groups of indicators with weights at both levels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from custvalue._results import html_table, short_repr
from custvalue._spec import Document, Items, Name, Spec, require_unit_sum, unboxed
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from custvalue._typing import FloatArray, IntArray

Weight = Annotated[float, Field(ge=0.0)]


class Group(Spec):
    """Indicators that are compared with each other's ranges: one control criterion and its indicators.

    The group is the unit of normalisation, so its indicators must share a scale, as columns scaled to [0, 1] do.

    Parameters
    ----------
    name : str
        Name of the control criterion, for example ``"recency"``.
    weight : float
        Weight of the group among the groups, not negative.
    indicators : sequence of str
        Names of its indicators, in the order of `weights`.
    weights : sequence of float
        Weights of the indicators inside the group, not negative, with sum 1 within 5e-4. An indicator of weight
        zero adds nothing to a grade, but its distances still count in the group's smallest and largest.

    Raises
    ------
    pydantic.ValidationError
        If weights are negative or off one by more than 5e-4, names repeat, or the lengths differ.

    Examples
    --------
    >>> from custvalue import grey
    >>> grey.Group(name="monetary", weight=0.076, indicators=["turnover", "balance"], weights=[0.5, 0.5]).weights
    (0.5, 0.5)
    """

    name: Name = Field(description="Name of the control criterion.")
    weight: Weight = Field(description="Weight of the group among the groups.")
    indicators: Items[Name] = Field(min_length=1, description="Names of the indicators.")
    weights: Items[Weight] = Field(min_length=1, description="Weights inside the group, with sum 1.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.indicators) != len(self.weights):
            message = (
                f"Group '{self.name}' has {len(self.indicators)} indicators and {len(self.weights)} weights; "
                "give one weight an indicator"
            )
            raise ValueError(message)
        require_unit_sum(self.weights, f"The weights inside group '{self.name}'")
        return self


class Hierarchy(Document):
    r"""Groups of indicators with weights at both levels, and the distinguishing coefficient.

    Parameters
    ----------
    groups : sequence of Group
        The control criteria; their weights have sum 1 within 5e-4.
    distinguishing_coefficient : float, default=0.5
        Deng's :math:`\rho` in (0, 1]. A smaller one spreads the similarities further apart.
    ranges_within : {"group", "indicator", "hierarchy"}, default="group"
        Which indicators share a smallest and a largest distance. ``"group"`` is the source's reading: those of one
        control criterion. ``"indicator"`` gives each its own, as decision libraries do; ``"hierarchy"`` gives all
        the same. The readings pick different cases, so the choice is part of the hierarchy and of its digest.
    spec_version : int, default=1
        Version of the JSON layout.

    Raises
    ------
    pydantic.ValidationError
        If an indicator stands in two groups, a group's name repeats, or weights do not sum to 1.

    Notes
    -----
    Weights within 5e-4 of one are renormalised, because published weights are rounded; `control_deviation` and
    `local_deviations` say by how much each level was off. The stored weights stay as they were given.

    Examples
    --------
    >>> from custvalue import grey
    >>> hierarchy = grey.Hierarchy.from_weights(
    ...     control={"recency": 0.4, "monetary": 0.6},
    ...     local={"recency": {"last_visit": 1.0}, "monetary": {"turnover": 0.3, "balance": 0.7}},
    ... )
    >>> hierarchy.indicators
    ('last_visit', 'turnover', 'balance')
    >>> hierarchy.global_weights
    array([0.4 , 0.18, 0.42])
    >>> grey.Hierarchy.model_validate_json(hierarchy.model_dump_json()) == hierarchy
    True
    """

    groups: Items[Group] = Field(min_length=1, description="Control criteria with their indicators.")
    distinguishing_coefficient: float = Field(default=0.5, gt=0.0, le=1.0, description="Deng's rho in (0, 1].")
    ranges_within: Literal["group", "indicator", "hierarchy"] = Field(
        default="group", description="Which indicators share a smallest and a largest distance."
    )

    @field_validator("groups")
    @classmethod
    def _consistent(cls, groups: tuple[Group, ...]) -> tuple[Group, ...]:
        for what, names in (
            ("group", [group.name for group in groups]),
            ("indicator", [name for group in groups for name in group.indicators]),
        ):
            repeated = sorted({name for name in names if names.count(name) > 1})
            if repeated:
                message = f"{what} name(s) {repeated} stand more than once; each must be unique"
                raise ValueError(message)
        require_unit_sum([group.weight for group in groups], "The weights of the groups")
        return groups

    @classmethod
    def from_weights(
        cls,
        control: Mapping[str, float],
        local: Mapping[str, Mapping[str, float]],
        *,
        distinguishing_coefficient: float = 0.5,
    ) -> Self:
        """Build the hierarchy from the weights of both levels, as a solved network gives them.

        Parameters
        ----------
        control : mapping of str to float
            Weight of each control criterion, sum 1.
        local : mapping of str to mapping of str to float
            For each control criterion the weights of its indicators, sum 1.
        distinguishing_coefficient : float, default=0.5
            Deng's rho in (0, 1].

        Returns
        -------
        Hierarchy
            Groups in the order of `control`.

        Raises
        ------
        DomainError
            If `control` and `local` do not name the same criteria.
        pydantic.ValidationError
            If weights are negative or off one by more than 5e-4.

        Examples
        --------
        >>> from custvalue import grey
        >>> local = {"monetary": {"turnover": 0.5, "balance": 0.5}}
        >>> grey.Hierarchy.from_weights({"monetary": 1.0}, local).group_names
        ('monetary',)
        """
        if set(control) != set(local):
            message = (
                f"control names {sorted(control)} and local names {sorted(local)}; "
                "both must name the same criteria."
            )
            raise DomainError(message)
        groups = [
            Group(
                name=name,
                weight=float(unboxed(weight)),
                indicators=list(local[name]),
                weights=[float(unboxed(value)) for value in local[name].values()],
            )
            for name, weight in control.items()
        ]
        return cls(groups=groups, distinguishing_coefficient=distinguishing_coefficient)

    @classmethod
    def equal(cls, groups: Mapping[str, Sequence[str]], *, distinguishing_coefficient: float = 0.5) -> Self:
        """Give every group the same weight, and every indicator the same weight inside its group.

        Parameters
        ----------
        groups : mapping of str to sequence of str
            For each control criterion the names of its indicators.
        distinguishing_coefficient : float, default=0.5
            Deng's rho in (0, 1].

        Returns
        -------
        Hierarchy
            Groups in the order given.

        Raises
        ------
        DomainError
            If a group is a text instead of a sequence of names, or a name repeats.
        pydantic.ValidationError
            If there is no group, or a group is empty.

        Examples
        --------
        >>> from custvalue import grey
        >>> grey.Hierarchy.equal({"recency": ["last_visit"], "monetary": ["turnover", "balance"]}).global_weights
        array([0.5 , 0.25, 0.25])
        """
        if any(isinstance(members, str) for members in groups.values()):
            message = (
                "groups maps a name to a text; allowed: to a sequence of names, such as ['turnover', 'balance']."
            )
            raise DomainError(message)
        names = [name for members in groups.values() for name in members]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            message = f"groups names {repeated} more than once; each indicator stands in one group, once."
            raise DomainError(message)
        return cls.from_weights(
            {name: 1.0 / len(groups) for name in groups},
            {name: dict.fromkeys(members, 1.0 / max(len(members), 1)) for name, members in groups.items()},
            distinguishing_coefficient=distinguishing_coefficient,
        )

    @property
    def indicators(self) -> tuple[str, ...]:
        """Names of all indicators, group by group."""
        return tuple(name for group in self.groups for name in group.indicators)

    @property
    def group_names(self) -> tuple[str, ...]:
        """Names of the groups."""
        return tuple(group.name for group in self.groups)

    @property
    def group_index(self) -> IntArray:
        """For each indicator the position of its group, shape (n_indicators,)."""
        sizes = [len(group.indicators) for group in self.groups]
        return np.repeat(np.arange(len(sizes)), sizes)

    @property
    def range_index(self) -> IntArray:
        """For each indicator the position of those it shares its ranges with, shape (n_indicators,)."""
        if self.ranges_within == "group":
            return self.group_index
        n_indicators = len(self.indicators)
        return (
            np.arange(n_indicators)
            if self.ranges_within == "indicator"
            else np.zeros(n_indicators, dtype=np.int64)
        )

    def without(self, names: Iterable[str]) -> Self:
        """Leave indicators out and renormalise the weights of those that stay.

        Parameters
        ----------
        names : iterable of str
            Indicators to be left out. A group left without weight is left out too.

        Returns
        -------
        Hierarchy
            Local weights of each group, and the weights of the groups that stay, with sum 1.

        Raises
        ------
        DomainError
            If a name is unknown, or nothing of positive weight stays.

        Examples
        --------
        >>> from custvalue import grey
        >>> hierarchy = grey.Hierarchy.equal({"recency": ["last_visit"], "monetary": ["turnover", "balance"]})
        >>> hierarchy.without(["balance"]).global_weights
        array([0.5, 0.5])
        >>> hierarchy.without(["last_visit"]).global_weights
        array([0.5, 0.5])
        """
        left_out = set(names)
        if unknown := sorted(left_out - set(self.indicators)):
            message = f"names has {unknown}; allowed: indicators of the hierarchy, {', '.join(self.indicators)}."
            raise DomainError(message)
        kept: list[tuple[Group, dict[str, float]]] = []
        for group in self.groups:
            pairs = zip(group.indicators, group.weights, strict=True)
            some = {name: weight for name, weight in pairs if name not in left_out}
            if sum(some.values()) > 0.0:
                kept.append((group, some))
        total = sum(group.weight for group, _ in kept)
        if total <= 0.0:
            message = "No indicator of positive weight stays when the missing ones are left out."
            raise DomainError(message)
        groups = [
            Group(
                name=group.name,
                weight=group.weight / total,
                indicators=list(some),
                weights=[weight / sum(some.values()) for weight in some.values()],
            )
            for group, some in kept
        ]
        return self.model_copy(update={"groups": groups})

    @property
    def control_weights(self) -> FloatArray:
        """Weights of the groups, sum exactly renormalised to 1, shape (n_groups,)."""
        weights = np.array([group.weight for group in self.groups])
        normalised: FloatArray = weights / weights.sum()
        return normalised

    @property
    def local_weights(self) -> FloatArray:
        """Weights of the indicators inside their group, each group renormalised to 1, shape (n_indicators,)."""
        return np.concatenate([np.array(group.weights) / np.sum(group.weights) for group in self.groups])

    @property
    def global_weights(self) -> FloatArray:
        """Group weight times local weight, sum 1, shape (n_indicators,)."""
        return self.control_weights[self.group_index] * self.local_weights

    def __repr__(self) -> str:
        facts = {"groups": len(self.groups), "indicators": len(self.indicators)}
        return short_repr("Hierarchy", **facts, distinguishing_coefficient=self.distinguishing_coefficient)

    __str__ = __repr__

    def _repr_html_(self) -> str:
        groups = [self.group_names[place] for place in self.group_index]
        rows = zip(groups, self.indicators, self.local_weights, self.global_weights, strict=True)
        caption = f"Hierarchy: rho {self.distinguishing_coefficient:g}, ranges within {self.ranges_within}"
        return html_table(["group", "indicator", "weight in group", "weight"], rows, caption=caption)

    @property
    def control_deviation(self) -> float:
        """By how much the stored weights of the groups miss the sum 1."""
        return float(sum(group.weight for group in self.groups)) - 1.0

    @property
    def local_deviations(self) -> dict[str, float]:
        """By how much the stored weights inside each group miss the sum 1."""
        return {group.name: float(sum(group.weights)) - 1.0 for group in self.groups}
