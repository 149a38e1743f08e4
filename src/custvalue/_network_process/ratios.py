"""One pairwise judgment: a ratio, who stated it, and how a ratio may be written."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from custvalue._spec import Name, Spec, unboxed

_FRACTION: Final = re.compile(r"\s*(\d{1,15}(?:\.\d{1,15})?)\s*/\s*(\d{1,15}(?:\.\d{1,15})?)\s*")


def _fraction(value: Any) -> Any:
    """Read "1/7" as a number; leave everything else to the strict field."""
    if not isinstance(value, str):
        return unboxed(value)
    found = _FRACTION.fullmatch(value if "/" in value else f"{value}/1")
    if found is None or float(found[2]) == 0.0:
        message = f'a ratio written as text must be a number or a fraction such as "1/7", got {value[:40]!r}'
        raise ValueError(message)
    return float(found[1]) / float(found[2])


def _invertible(ratio: float) -> float:
    if math.isinf(1.0 / ratio):
        message = "the reciprocal of a ratio must be a finite number; use a ratio of at least 1e-308"
        raise ValueError(message)
    return ratio


Ratio = Annotated[
    float,
    Field(gt=0.0, description="How many times as important the first is as the second; a number or '1/7'."),
    BeforeValidator(_fraction),
    AfterValidator(_invertible),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*(/\s*\d+(\.\d+)?\s*)?$"},
            ]
        }
    ),
]


Expert = Annotated[str, Field(max_length=200)]


class Judgment(Spec):
    """One comparison: the first element is `ratio` times as important as the second.

    Saaty's scale runs from 1 (equal) to 9 (extreme) and to 1/9 in the other direction; any positive ratio is
    taken, since means of several experts' judgments and measured ratios are no whole numbers.

    Parameters
    ----------
    first : str
        The element whose importance is stated.
    second : str
        The element it is compared with.
    ratio : float or str
        Positive and finite; a text fraction such as ``"1/7"`` is read as a number. Kept and written as a float.
    expert : str, default=""
        Who said so, up to 200 characters; "" where nobody is named.

    Raises
    ------
    pydantic.ValidationError
        If `ratio` is not a positive finite number (or its reciprocal is not finite), or a name is empty.

    See Also
    --------
    Comparisons : A set of judgments.

    References
    ----------
    .. [1] Saaty, T. L. (1980). *The Analytic Hierarchy Process*. McGraw-Hill.

    Examples
    --------
    >>> from custvalue import anp
    >>> anp.Judgment(first="recency", second="frequency", ratio=1 / 4, expert="Chen")
    Judgment(first='recency', second='frequency', ratio=0.25, expert='Chen')
    """

    first: Name = Field(description="The element whose importance is stated.")
    second: Name = Field(description="The element it is compared with.")
    ratio: Ratio
    expert: Expert = Field(default="", description="Who said so; empty where nobody is named.")
