"""What a case base holds: the cases in force, where they come from, and the log that leads to them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pydantic import ConfigDict, Field, PrivateAttr

from custvalue._case_based import case_log
from custvalue._case_based.case_log import State
from custvalue._case_based.case_records import MOST_CHANGES, Case, Change, Tombstone
from custvalue._results import html_table, read_only, short_repr
from custvalue._spec import Document, Items
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._case_based.clusters import Clusters
    from custvalue._typing import FloatArray, IntArray
    from custvalue.grey import Hierarchy


class CasesInForce(Document):
    """The reading half of a case base: everything that changes nothing."""

    model_config = ConfigDict(hide_input_in_errors=True)

    scaled: bool = Field(default=True, description="Whether every value lies in [0, 1].")
    changes: Items[Change] = Field(min_length=1, max_length=MOST_CHANGES, description="The log.")

    _state: State = PrivateAttr()
    _clusters: Any = PrivateAttr(default=None)

    @property
    def version(self) -> int:
        """Number of changes so far."""
        return len(self.changes)

    @property
    def hierarchy(self) -> Hierarchy:
        """The weights the cases are judged by."""
        return self._state.hierarchy

    @property
    def weights_digest(self) -> str:
        """SHA-256 of the hierarchy: the identity of the weights the cases were judged by."""
        return self.hierarchy.digest

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """The cases in force, in the order that settles ties."""
        return tuple(case for case in self._state.cases.values() if isinstance(case, Case))

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the cases."""
        return tuple(self._state.cases)

    @cached_property
    def values(self) -> FloatArray:
        """The cases as rows, columns in the order of the hierarchy, shape (n_cases, n_indicators)."""
        return read_only(self._state.values())

    @cached_property
    def y(self) -> NDArray[Any]:
        """Class of each case, shape (n_cases,)."""
        return read_only(np.array([case.label for case in self.cases]))

    @cached_property
    def members(self) -> IntArray:
        """How many customers each case stands for, shape (n_cases,)."""
        return read_only(np.array([case.members for case in self.cases], dtype=np.int64))

    @property
    def X(self) -> pd.DataFrame:  # noqa: N802 - the field's letter
        """The cases as a frame, indexed by their names; built anew at each call."""
        return pd.DataFrame(np.array(self.values), index=list(self.ids), columns=list(self.hierarchy.indicators))

    @cached_property
    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Smallest and largest value of each indicator among the customers and cases behind the base."""
        lower, upper = self.values.min(axis=0), self.values.max(axis=0)
        if self._state.lower is not None and self._state.upper is not None:
            lower, upper = np.minimum(lower, self._state.lower), np.maximum(upper, self._state.upper)
        return read_only(lower), read_only(upper)

    @property
    def tombstones(self) -> tuple[Tombstone, ...]:
        """What is left of forgotten cases."""
        return tuple(case for change in self.changes for case in change.added if isinstance(case, Tombstone))

    @property
    def clusters(self) -> Clusters:
        """The clusters of past customers, where :func:`build_case_base` made the base in this session."""
        if self._clusters is None:
            message = (
                "This case base has no clusters: they stay with the object that build_case_base returns, hold one "
                "entry a customer, and are neither written to JSON nor handed on to later versions."
            )
            raise DomainError(message)
        found: Clusters = self._clusters
        return found

    def replayable(self) -> list[int]:
        """List the versions that can be had again: those that held no case forgotten since.

        Returns
        -------
        list of int
            Versions, from 1.
        """
        return case_log.replayable(self.changes)

    def history(self) -> pd.DataFrame:
        """Give the log, one row a version.

        Returns
        -------
        pandas.DataFrame
            ``version``, ``action``, ``by``, ``date``, ``note``, ``added``, ``removed``, ``revised`` (counts of
            cases), ``digest`` of the cases after it, and ``replays``: whether the version can be had again.
        """
        replays = set(self.replayable())
        rows = [
            (
                *(version, change.action, change.by, change.date, change.note),
                *(len(change.added), len(change.removed), len(change.relabelled)),
                *(change.digest, version in replays),
            )
            for version, change in enumerate(self.changes, start=1)
        ]
        names = ["version", "action", "by", "date", "note", "added", "removed", "revised", "digest", "replays"]
        return pd.DataFrame(rows, columns=names)

    def to_frame(self) -> pd.DataFrame:
        """Give one row a case, with where it comes from and its values.

        Returns
        -------
        pandas.DataFrame
            ``case``, ``class``, ``members``, ``source``, ``date``, ``revised_by``, ``revised_on``, ``note``, then
            one column an indicator.
        """
        facts = [
            (one.id, one.label, one.members, one.source, one.date, one.revised_by, one.revised_on, one.note)
            for one in self.cases
        ]
        names = ["case", "class", "members", "source", "date", "revised_by", "revised_on", "note"]
        return pd.concat([pd.DataFrame(facts, columns=names), self.X.reset_index(drop=True)], axis=1)

    def __repr__(self) -> str:
        classes, customers = len(np.unique(self.y)), int(self.members.sum())
        return short_repr(
            "CaseBase", version=self.version, cases=len(self.cases), classes=classes, customers=customers
        )

    __str__ = __repr__

    def _repr_html_(self) -> str:
        labels, counts = np.unique(self.y, return_counts=True)
        customers = [int(self.members[self.y == label].sum()) for label in labels]
        caption = f"Case base, version {self.version}: {len(self.cases)} cases, weights {self.weights_digest[:12]}"
        rows = list(zip(labels.tolist(), counts.tolist(), customers, strict=True))
        table = html_table(["class", "cases", "customers behind"], rows, caption=caption)
        past = self.history().drop(columns=["digest"]).tail(10)
        log = html_table(list(past.columns), past.to_numpy().tolist(), caption="Latest changes")
        return table + log + ("" if self._clusters is None else self.clusters._repr_html_())
