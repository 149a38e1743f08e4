"""What has changed between two versions of a case base."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import pandas as pd

from custvalue._results import html_table, short_repr
from custvalue._spec import FrozenMapping

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Class and values of a case.
Held: TypeAlias = tuple[Any, tuple[float, ...]]


@dataclass(frozen=True, eq=False, repr=False)
class CaseBaseDifference:
    """What has changed between two versions of a case base.

    Attributes
    ----------
    added, removed : tuple of str
        Names of cases that only the later, or only the earlier version has.
    revised : tuple of tuple (str, label, label)
        Name, class before and class after of cases with another class.
    changed : tuple of str
        Names of cases with other values, which two versions of one base never have.
    reweighted : bool
        Whether the cases are judged by other weights.
    labels : mapping of str to tuple (label, label)
        Class before and after of every case that differs; None where it was not there.

    Examples
    --------
    >>> from custvalue import cbr, grey
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["balance"]})
    >>> cases = cbr.CaseBase.from_cases([[0.1], [0.9]], [1, 2], hierarchy)
    >>> later = cases.revise("C1", 2, by="analyst").retain([[0.5]], [2], by="analyst")
    >>> later.diff(1).to_frame()
      case   change before after
    0   C3    added   None     2
    1   C1  revised      1     2
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    revised: tuple[tuple[str, Any, Any], ...]
    changed: tuple[str, ...]
    reweighted: bool
    labels: Mapping[str, tuple[Any, Any]]

    def to_frame(self) -> pd.DataFrame:
        """Give one row a case that differs.

        Returns
        -------
        pandas.DataFrame
            ``case``, ``change`` (added, removed, revised, values), ``before`` and ``after`` (classes).
        """
        rows = [
            (name, what, *self.labels[name])
            for what, names in (
                ("added", self.added),
                ("removed", self.removed),
                ("revised", tuple(name for name, _, _ in self.revised)),
                ("values", self.changed),
            )
            for name in names
        ]
        return pd.DataFrame(rows, columns=["case", "change", "before", "after"], dtype=object)

    def __repr__(self) -> str:
        counts = {"added": len(self.added), "removed": len(self.removed), "revised": len(self.revised)}
        return short_repr("CaseBaseDifference", **counts, reweighted=self.reweighted)

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        weights = "other weights" if self.reweighted else "the same weights"
        caption = f"{len(frame)} case(s) differ; {weights}"
        return html_table(list(frame.columns), frame.to_numpy().tolist(), caption=caption)


def difference(before: Mapping[str, Held], after: Mapping[str, Held], *, reweighted: bool) -> CaseBaseDifference:
    """Compare the cases of two versions by name; each holds a class, and values in one order of indicators."""
    both = [name for name in after if name in before]
    revised = tuple((name, before[name][0], after[name][0]) for name in both if before[name][0] != after[name][0])
    changed = tuple(name for name in both if before[name][1] != after[name][1])
    added = tuple(name for name in after if name not in before)
    removed = tuple(name for name in before if name not in after)
    labels = {
        name: (before[name][0] if name in before else None, after[name][0] if name in after else None)
        for name in (*added, *removed, *(name for name, _, _ in revised), *changed)
    }
    return CaseBaseDifference(added, removed, revised, changed, reweighted, FrozenMapping(labels))
