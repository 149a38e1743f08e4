"""Read labelled cases from tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from custvalue import _frames
from custvalue._case_based.case_records import Case, made
from custvalue._spec import unboxed
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from custvalue._typing import ArrayLike, Table


#: Kinds of classes that JSON keeps apart.
KINDS = ("bool", "float", "int", "str")
LONGEST = 200


def next_ids(used: Iterable[str], count: int) -> list[str]:
    """Go on counting C1, C2, ... past every name that was ever used."""
    taken = set(used)
    found: list[str] = []
    number = len(taken)
    while len(found) < count:
        number += 1
        if (name := f"C{number}") not in taken:
            found.append(name)
    return found


def _each(value: Any, count: int, name: str) -> list[Any]:
    """Give one entry a case, from one value for all or one each."""
    if isinstance(value, str) or np.ndim(value) == 0:
        return [unboxed(value)] * count
    entries = np.asarray(value).tolist()
    if len(entries) != count:
        message = f"{name} has {len(entries)} entries and X {count} cases; give one a case."
        raise DomainError(message)
    return list(entries)


def of_one_kind(y: Any, argument: str = "y") -> list[Any]:
    """Give classes as plain values; refuse kinds that would be turned into each other."""
    items = [unboxed(one) for one in y] if isinstance(y, list | tuple) else np.asarray(y).tolist()
    kinds = sorted({type(one).__name__ for one in items})
    if len(kinds) > 1 or (kinds and kinds[0] not in KINDS):
        listed, allowed = ", ".join(kinds), ", ".join(KINDS)
        message = f"{argument} holds classes of the kind(s) {listed}; allowed: one of {allowed} for all."
        raise DomainError(message)
    return list(items)


def read_labels(y: Any, argument: str = "y") -> list[Any]:
    """Give classes as plain values that a document holds."""
    items = of_one_kind(y, argument)
    if (
        items
        and isinstance(items[0], str)
        and not all(0 < len(one) <= LONGEST and one.isprintable() for one in items)
    ):
        message = (
            f"{argument} holds empty, unprintable or very long texts; allowed: 1 to {LONGEST} printable letters."
        )
        raise DomainError(message)
    if items and isinstance(items[0], float) and not all(one.is_integer() for one in items):
        message = f"{argument} holds missing classes or fractions, which are amounts; give whole numbers or text."
        raise DomainError(message)
    return items


def read_bounds(bounds: tuple[ArrayLike, ArrayLike]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Read smallest and largest values."""
    try:
        lower, upper = (np.asarray(bound, dtype=np.float64) for bound in bounds)
    except (TypeError, ValueError):
        lower = upper = np.array(np.nan)
    if lower.ndim != 1 or upper.ndim != 1 or not (np.isfinite(lower).all() and np.isfinite(upper).all()):
        message = "bounds must be two sequences of finite numbers, smallest and largest, one an indicator."
        raise DomainError(message)
    return tuple(lower.tolist()), tuple(upper.tolist())


def new_cases(
    X: Table, y: ArrayLike, names: Sequence[str], facts: dict[str, Any], *, used: frozenset[str]
) -> tuple[Case, ...]:
    """Read labelled cases; every refusal names the argument."""
    numbers = _frames.numeric(X, names, argument="X")
    count = len(numbers)
    if np.ndim(y) != 1 or len(y) != count:  # type: ignore[arg-type]  # one dimension has a length
        message = f"y must hold one class a case; X has {count} cases. For one case give a list: [label]."
        raise DomainError(message)
    labels = read_labels(y)
    if isinstance(facts["ids"], str):
        message = "ids is a text; allowed: a sequence of names, such as ['C1', 'C2']."
        raise DomainError(message)
    ids = next_ids(used, count) if facts["ids"] is None else [str(name) for name in facts["ids"]]
    columns = [_each(facts[name], count, name) for name in ("members", "source")]
    if len(ids) != count:
        message = f"ids has {len(ids)} entries and X {count} cases; give one a case."
        raise DomainError(message)
    rows = zip(ids, numbers.tolist(), labels, *columns, strict=True)
    return tuple(
        made(Case, id=name, values=values, label=label, members=size, source=source, date=facts["date"])
        for name, values, label, size, source in rows
    )
