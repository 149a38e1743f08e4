"""The base of every specification: what an analyst decides, frozen, closed, strict, and at home in JSON."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from custvalue.exceptions import DomainError

#: Published weights are rounded to three or four digits; sums this near to 1 are taken for rounding.
SUM_TOLERANCE = 5e-4

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")


class FrozenMapping(dict[K, V]):
    """A dict that cannot be changed, so that a frozen specification is frozen throughout."""

    def _refuse(self, *_: object, **__: object) -> Any:
        message = "A specification is frozen: build a new one instead of changing this mapping."
        raise TypeError(message)

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = __ior__ = _refuse

    def __reduce__(self) -> tuple[type[FrozenMapping[K, V]], tuple[dict[K, V]]]:
        return (type(self), (dict(self),))


def _no_text(value: object) -> object:
    if isinstance(value, str):
        message = "a text stands where a sequence of texts is meant: write ['...'] around it"
        raise ValueError(message)  # noqa: TRY004 - pydantic reports ValueError
    return value


def _freeze(value: Mapping[K, V]) -> FrozenMapping[K, V]:
    return FrozenMapping(value)


if TYPE_CHECKING:
    Items: TypeAlias = Sequence[T]
else:
    #: A tuple field that takes any sequence in Python and an array in JSON.
    Items = Annotated[tuple[T, ...], Field(strict=False), BeforeValidator(_no_text)]
#: A mapping field that cannot be changed after validation.
Entries = Annotated[Mapping[K, V], AfterValidator(_freeze)]
#: The same with 1 to 1,000 entries.
FilledEntries = Annotated[Mapping[K, V], Field(min_length=1, max_length=1000), AfterValidator(_freeze)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


def _summary_only(schema: dict[str, Any]) -> None:
    """Keep the first paragraph of a docstring as the description of a JSON schema."""
    if "description" in schema:
        schema["description"] = " ".join(schema["description"].split("\n\n")[0].split())


class Spec(BaseModel):
    """Frozen, closed, strict and finite; equal specifications have equal digests."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, json_schema_extra=_summary_only
    )

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy the specification; what is updated is validated like everything else.

        Parameters
        ----------
        update : mapping of str to object, default=None
            Fields to be changed.
        deep : bool, default=False
            Copy nested values too; without effect on a frozen specification but for identity.

        Returns
        -------
        Spec
            The copy, of the same class.

        Raises
        ------
        pydantic.ValidationError
            If an updated field is unknown or out of its range.
        """
        if not update:
            return super().model_copy(deep=deep)
        own = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self).model_validate(own | dict(update))

    def __hash__(self) -> int:
        return hash((type(self).__name__, canonical_json(self)))


def canonical_json(spec: Spec) -> str:
    """Give JSON text that is the same for equal specifications: mappings in the order of their keys."""
    return json.dumps(spec.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)


class Document(Spec):
    """A specification that travels as a JSON document of its own and so carries its version."""

    spec_version: Literal[1] = Field(default=1, description="Version of this document's layout.")

    @property
    def digest(self) -> str:
        """SHA-256 of the JSON text with sorted keys, in hexadecimal: equal specifications, equal digests."""
        return hashlib.sha256(canonical_json(self).encode()).hexdigest()


def unboxed(value: Any) -> Any:
    """Give the plain Python number of a NumPy scalar, since strict fields refuse NumPy's integers."""
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", None) == 0 else value


def whole_number(value: object, name: str, lowest: int, highest: int | None = None, *, what: str = "") -> int:
    """Give a plain whole number within the limits; ``what`` says what the highest one is."""
    number = unboxed(value)
    whole = isinstance(number, int) and not isinstance(number, bool)
    if not whole or number < lowest or (highest is not None and number > highest):
        limit = "" if highest is None else f" to {what}{highest}"
        message = f"{name} must be a whole number from {lowest}{limit}."
        raise DomainError(message)
    return int(number)


def require(value: object, kind: type[T], argument: str, mend: str = "") -> T:
    """Give the value if it is of the kind; refuse anything else by the argument's name."""
    if isinstance(value, kind):
        return value
    message = f"{argument} is a {type(value).__name__}; allowed: {kind.__name__}. {mend}".rstrip()
    raise DomainError(message)


def require_choice(value: object, literal: object, argument: str) -> None:
    """Refuse what is none of the words of a Literal, by the argument's name."""
    if value not in get_args(literal):
        message = f"{argument} is {value!r}; allowed: {', '.join(map(repr, get_args(literal)))}."
        raise DomainError(message)


def require_unit_sum(weights: Iterable[float], what: str) -> None:
    """Raise ``ValueError`` unless the weights sum to 1 within the tolerance."""
    total = math.fsum(weights)
    if not abs(total - 1.0) <= SUM_TOLERANCE:  # a sum that is not a number is refused too
        message = (
            f"{what} sum to {total:.6g}; allowed: 1 within {SUM_TOLERANCE:g}, which is taken for rounding and "
            "renormalised. Divide each weight by the sum."
        )
        raise ValueError(message)


def check_keys(given: Mapping[str, object], expected: Sequence[str], what: str) -> None:
    """Raise ``ValueError`` unless the keys are exactly the expected names."""
    known = set(expected)
    missing = [name for name in expected if name not in given]
    unknown = [name for name in given if name not in known]
    if missing or unknown:
        parts = [f"missing: {missing}"] * bool(missing) + [f"unknown: {unknown}"] * bool(unknown)
        message = f"{what} must name exactly {list(expected)} ({'; '.join(parts)})"
        raise ValueError(message)
