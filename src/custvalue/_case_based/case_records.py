"""What a case base records: cases, tombstones of forgotten ones, and changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

from custvalue._results import short_repr
from custvalue._spec import Entries, FrozenMapping, Items, Name, Spec
from custvalue.exceptions import DomainError
from custvalue.grey import Hierarchy

T = TypeVar("T", bound=Spec)

#: Cases that one change may bring, and changes that a log may hold, when they come from outside.
MOST_CASES = 1_000_000
MOST_CHANGES = 100_000

Label = bool | int | float | Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=1000)]


def _day(value: object) -> object:
    """Read an ISO day; inside a sequence JSON's text arrives as text. A time of day is left out."""
    if isinstance(value, dt.datetime):
        return value.date()
    return dt.date.fromisoformat(value) if isinstance(value, str) else value


Day = Annotated[dt.date, BeforeValidator(_day)]


class Case(Spec):
    """One case: the values of its indicators, its class, and where it comes from.

    Parameters
    ----------
    id : str
        Name of the case, unique for ever in its case base. It ends up in explanations, so it should not be a
        customer's key.
    values : sequence of float
        Its indicators, in the order of the hierarchy it is judged by.
    label : int, str, float or bool
        Its class.
    members : int, default=1
        How many customers it stands for: 1 for a real one, the size of the class for a prototype.
    source : str, default=""
        Where it comes from, for example ``"k-means on 2025-12-31"``.
    date : datetime.date, default=None
        Day of the case, as the caller says.
    revised_by, note : str, default=""
        Who last revised its class, and why.
    revised_on : datetime.date, default=None
        When, as the caller says.

    Examples
    --------
    >>> from custvalue import cbr
    >>> cbr.Case(id="C1", values=[0.2, 0.9], label="gold", source="analyst").members
    1
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    id: Name = Field(description="Name of the case; no customer's key.")
    values: Items[float] = Field(min_length=1, max_length=10_000, description="Values in the hierarchy's order.")
    label: Label = Field(description="Class of the case.")
    members: int = Field(default=1, ge=1, description="How many customers the case stands for.")
    source: Text = Field(default="", description="Where the case comes from.")
    date: Day | None = Field(default=None, description="Day of the case.")
    revised_by: Text = Field(default="", description="Who last revised the class.")
    revised_on: Day | None = Field(default=None, description="When it was last revised.")
    note: Text = Field(default="", description="Why it was revised.")

    def __repr__(self) -> str:
        return short_repr("Case", id=repr(self.id), label=repr(self.label), members=self.members)

    __str__ = __repr__


class Tombstone(Spec):
    """What is left of a forgotten case: its name and the version in which it was forgotten.

    Parameters
    ----------
    id : str
        Name of the case that was.
    forgotten : int
        Version that no longer holds it.

    Examples
    --------
    >>> from custvalue import cbr, grey
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["balance"]})
    >>> cases = cbr.CaseBase.from_cases([[0.1], [0.9]], [1, 2], hierarchy)
    >>> cases.forget("C1", by="privacy desk").tombstones
    (Tombstone(id='C1', forgotten=2),)
    """

    id: Name = Field(description="Name of the forgotten case.")
    forgotten: int = Field(ge=2, description="Version in which it was forgotten.")


def _kind(entry: object) -> str:
    """Tell a tombstone from a case, as an object or as JSON."""
    stone = isinstance(entry, Tombstone) or (isinstance(entry, Mapping) and "forgotten" in entry)
    return "tombstone" if stone else "case"


#: A plain union would make older pydantic refuse what JSON holds.
Entry = Annotated[Annotated[Case, Tag("case")] | Annotated[Tombstone, Tag("tombstone")], Discriminator(_kind)]


class Change(Spec):
    """One step in the life of a case base.

    Parameters
    ----------
    action : {"built", "retained", "merged", "revised", "forgotten", "selected", "reweighted"}
        What was done.
    by, note : str, default=""
        Who did it and why.
    date : datetime.date, default=None
        When, as the caller says: custvalue asks no clock.
    added : sequence of Case or Tombstone, default=()
        Cases that came in; a forgotten one has left its tombstone here.
    removed : sequence of str, default=()
        Names of cases that went out.
    relabelled : mapping of str to label, default={}
        New classes of cases.
    hierarchy : Hierarchy, default=None
        Weights that hold from here on, where they are new.
    origin : str, default=""
        Digest of the case base that was merged, which identifies its whole log.
    lower, upper : sequence of float, default=None
        Range of the customers behind the cases from here on, where they are more than the cases.
    digest : str
        SHA-256 of the state after the change: a replay must arrive at it.

    Examples
    --------
    >>> from custvalue import cbr, grey
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["balance"]})
    >>> cases = cbr.CaseBase.from_cases([[0.1], [0.9]], [1, 2], hierarchy)
    >>> cases.revise("C1", 2, by="analyst").changes[-1].relabelled
    {'C1': 2}
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    action: Literal["built", "retained", "merged", "revised", "forgotten", "selected", "reweighted"] = Field(
        description="What was done."
    )
    by: Text = Field(default="", description="Who did it.")
    note: Text = Field(default="", description="Why.")
    date: Day | None = Field(default=None, description="When, as the caller says.")
    added: Items[Entry] = Field(default=(), max_length=MOST_CASES, description="Cases that came in.")
    removed: Items[Name] = Field(default=(), max_length=MOST_CASES, description="Cases that went out.")
    relabelled: Entries[Name, Label] = Field(default_factory=FrozenMapping, description="New classes of cases.")
    hierarchy: Hierarchy | None = Field(default=None, description="Weights that hold from here on.")
    origin: str = Field(default="", max_length=64, description="Digest of the case base that was merged.")
    lower: Items[float] | None = Field(default=None, description="Smallest values of the customers behind.")
    upper: Items[float] | None = Field(default=None, description="Largest values of the customers behind.")
    digest: str = Field(default="", max_length=64, description="SHA-256 of the state after the change.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.lower is None) != (self.upper is None):
            message = "give lower and upper together"
            raise ValueError(message)
        if self.action != "built" and not self.by.strip():
            message = "by is empty: say who changes the case base"
            raise ValueError(message)
        if self.lower is not None and self.action not in ("built", "merged"):
            message = f"lower and upper go with 'built' and 'merged', not with '{self.action}'"
            raise ValueError(message)
        return self

    def __repr__(self) -> str:
        counts = {"added": len(self.added), "removed": len(self.removed), "revised": len(self.relabelled)}
        return short_repr("Change", action=repr(self.action), by=repr(self.by), **counts)

    __str__ = __repr__


def made(kind: type[T], **facts: Any) -> T:
    """Build a record; refuse what does not fit by the fact's name, in our own words."""
    try:
        return kind(**facts)
    except ValidationError as error:
        one = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in one["loc"] if isinstance(part, str) and part in kind.model_fields)
        raise DomainError(f"{place or kind.__name__}: {one['msg'].removeprefix('Value error, ')}.") from None
