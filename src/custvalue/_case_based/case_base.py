"""The case base: an immutable log of cases, from which every version can be had again."""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - annotations are read at run time by the documentation
from typing import TYPE_CHECKING, Any, Self, cast

from pydantic import model_validator

from custvalue._case_based import case_log
from custvalue._case_based.case_records import Change, made
from custvalue._case_based.cases_in_force import CasesInForce
from custvalue._case_based.difference import difference
from custvalue._case_based.new_cases import new_cases, next_ids, read_bounds, read_labels
from custvalue._spec import Document, FrozenMapping, require, whole_number
from custvalue.exceptions import DataError, DomainError
from custvalue.grey import Hierarchy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from custvalue._case_based.case_log import State
    from custvalue._case_based.clusters import Clusters
    from custvalue._case_based.difference import CaseBaseDifference, Held
    from custvalue._typing import ArrayLike, Table


class CaseBase(CasesInForce):
    """Cases with their classes, the weights they are judged by, and every change since the first.

    A case base never changes: `retain`, `revise`, `forget`, `select`, `reweight` and `merge` give a new version
    whose log says what was done, by whom, and what digest the cases had after it. The JSON document is that log.

    Parameters
    ----------
    scaled : bool, default=True
        Whether every value lies in [0, 1].
    changes : sequence of Change
        The log, from the first version on. Use :meth:`from_cases` or :func:`build_case_base` to begin one.
    spec_version : int, default=1
        Version of the JSON layout.

    Raises
    ------
    pydantic.ValidationError
        If a document does not replay: a case that is not there, an id used twice, values outside [0, 1], or a
        digest that does not come out.

    See Also
    --------
    build_case_base : Make classes and cases from past customers.
    CaseBasedClassifier : Grade customers by the cases.

    Notes
    -----
    The source's case is (A, V, WA, O): indicators, values, weights, class. The weights belong to the case, so
    cases judged under others are refused unless :meth:`reweight` says that they hold. The cycle of retrieve,
    reuse, revise and retain is Aamodt and Plaza's (1994, *AI Communications* 7(1), 39-59). Cost:
    a change is O(cases), reading a document O(cases x versions). No clock is asked: dates are the caller's.

    Examples
    --------
    >>> from custvalue import cbr, grey
    >>> hierarchy = grey.Hierarchy.equal({"recency": ["last_visit"], "monetary": ["balance"]})
    >>> cases = cbr.CaseBase.from_cases([[0.2, 0.1], [0.9, 0.8]], ["low", "high"], hierarchy, source="workshop")
    >>> later = cases.retain([[0.6, 0.5]], ["high"], by="analyst").revise("C1", "high", by="analyst")
    >>> later.version, later.y, later.replay(1) == cases
    (3, array(['high', 'high', 'high'], dtype='<U4'), True)
    >>> cbr.CaseBase.model_validate_json(later.model_dump_json()) == later
    True
    """

    @model_validator(mode="after")
    def _replayed(self) -> Self:
        *_, self._state = case_log.states(self.changes, scaled=self.scaled)
        if not self._state.complete:
            message = "a forgotten case is still in force: the change that forgot it is missing from the log"
            raise ValueError(message)
        return self

    def _next(self, change: Change, *, struck: str | None = None) -> Self:
        """Give the version after a change, without replaying what came before."""
        signed, state = case_log.signed(self._state, change, self.version + 1, scaled=self.scaled)
        before = self.changes if struck is None else case_log.without_case(self.changes, struck, self.version + 1)
        return self._of(self.scaled, (*before, signed), state)

    @classmethod
    def _of(cls, scaled: bool, changes: Sequence[Change], state: State) -> Self:  # noqa: FBT001 - a field
        base = cast("Self", cls.model_construct(scaled=scaled, changes=tuple(changes)))
        base._state = state  # noqa: SLF001 - its own kind
        return base

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CaseBase) and (self.scaled, self.changes) == (other.scaled, other.changes)

    __hash__ = Document.__hash__

    @classmethod
    def from_cases(
        cls,
        X: Table,
        y: ArrayLike,
        hierarchy: Hierarchy,
        *,
        ids: Sequence[str] | None = None,
        members: int | ArrayLike = 1,
        source: str | Sequence[str] = "",
        by: str = "",
        date: dt.date | None = None,
        note: str = "",
        bounds: tuple[ArrayLike, ArrayLike] | None = None,
        scaled: bool = True,
    ) -> Self:
        """Begin a case base with labelled cases.

        Parameters
        ----------
        X : table of shape (n_cases, n_indicators)
            Scaled indicators; columns of a frame are matched by name.
        y : array_like of shape (n_cases,)
            Classes: numbers or text, all of one kind.
        hierarchy : Hierarchy
            The weights the cases are judged by.
        ids : sequence of str, default=None
            Names of the cases; None gives C1, C2, ... They end up in explanations: no customers' keys.
        members : int or array_like of int, default=1
            How many customers each case stands for.
        source : str or sequence of str, default=""
            Where the cases come from.
        by : str, default=""
            Who begins the case base.
        date : datetime.date, default=None
            When, as the caller says.
        note : str, default=""
            Why.
        bounds : tuple of two array_like of shape (n_indicators,), default=None
            Smallest and largest values of the customers the cases were made from; None takes the cases' own. A
            customer outside is flagged when graded.
        scaled : bool, default=True
            Whether values outside [0, 1] are refused.

        Returns
        -------
        CaseBase
            Version 1.

        Raises
        ------
        ColumnError
            If an indicator of the hierarchy is missing or not numeric.
        DataError
            If a value is missing or infinite.
        DomainError
            If lengths differ, ids repeat, labels are of several kinds, or a value lies outside [0, 1].
        """
        names = require(hierarchy, Hierarchy, "hierarchy").indicators
        facts: dict[str, Any] = {"ids": ids, "members": members, "source": source, "date": date}
        added = new_cases(X, y, names, facts, used=frozenset())
        lower, upper = (None, None) if bounds is None else read_bounds(bounds)
        change = made(
            Change,
            action="built",
            by=by,
            note=note,
            date=date,
            added=added,
            hierarchy=hierarchy,
            lower=lower,
            upper=upper,
        )
        signed, state = case_log.signed(None, change, 1, scaled=scaled)
        return cls._of(scaled, (signed,), state)

    def with_clusters(self, clusters: Clusters | None) -> Self:
        """Give the same case base with, or without, the clusters it was made from.

        Parameters
        ----------
        clusters : Clusters or None
            From :func:`build_case_base`; None drops them, as a model does that travels.

        Returns
        -------
        CaseBase
            The same version.
        """
        base = self._of(self.scaled, self.changes, self._state)
        base._clusters = clusters  # noqa: SLF001 - its own kind
        return base

    # ------------------------------------------------------------------------------ changes

    def retain(
        self,
        X: Table,
        y: ArrayLike,
        *,
        by: str,
        ids: Sequence[str] | None = None,
        members: int | ArrayLike = 1,
        source: str | Sequence[str] = "",
        date: dt.date | None = None,
        note: str = "",
    ) -> Self:
        """Take new cases in, judged by the same weights.

        Parameters
        ----------
        X : table of shape (n_new, n_indicators)
            Scaled indicators; columns of a frame are matched by name.
        y : array_like of shape (n_new,)
            Their classes.
        by : str
            Who retains them.
        ids : sequence of str, default=None
            Their names; None goes on counting C1, C2, ...
        members : int or array_like of int, default=1
            How many customers each stands for.
        source : str or sequence of str, default=""
            Where they come from.
        date : datetime.date, default=None
            When, as the caller says.
        note : str, default=""
            Why.

        Returns
        -------
        CaseBase
            The next version; the new cases stand last.

        Raises
        ------
        DomainError
            If lengths differ, an id was ever used, a label is of another kind, or a value lies outside [0, 1].
        """
        facts: dict[str, Any] = {"ids": ids, "members": members, "source": source, "date": date}
        added = new_cases(X, y, self.hierarchy.indicators, facts, used=self._state.used)
        return self._next(made(Change, action="retained", by=by, note=note, date=date, added=added))

    def revise(self, case_id: str, label: Any, *, by: str, date: dt.date | None = None, note: str = "") -> Self:
        """Give a case another class.

        Parameters
        ----------
        case_id : str
            Name of the case.
        label : int, str, float or bool
            Its new class, of the kind of the others.
        by : str
            Who revises it.
        date : datetime.date, default=None
            When, as the caller says.
        note : str, default=""
            Why.

        Returns
        -------
        CaseBase
            The next version.

        Raises
        ------
        DomainError
            If there is no such case, or the label is of another kind.
        """
        _require_name(case_id)
        relabelled = FrozenMapping({case_id: read_labels([label], "label")[0]})
        return self._next(made(Change, action="revised", by=by, note=note, date=date, relabelled=relabelled))

    def select(self, ids: Iterable[str], *, by: str, date: dt.date | None = None, note: str = "") -> Self:
        """Keep some cases and let the others go; their record stays in the log.

        Parameters
        ----------
        ids : iterable of str
            Cases to be kept; their order does not matter.
        by : str
            Who selects, for example the name of an editing method.
        date : datetime.date, default=None
            When, as the caller says.
        note : str, default=""
            Why.

        Returns
        -------
        CaseBase
            The next version.

        Raises
        ------
        DomainError
            If a name is unknown or none is kept.
        """
        if isinstance(ids, str):
            message = "ids is a text; allowed: a sequence of names, such as ['C1', 'C2']."
            raise DomainError(message)
        kept = set(ids)
        for name in kept:
            _require_name(name)
        if unknown := sorted(kept - set(self.ids)):
            message = f"ids has {len(unknown)} name(s) that no case in force has, such as '{unknown[0]}'."
            raise DomainError(message)
        removed = tuple(name for name in self.ids if name not in kept)
        return self._next(made(Change, action="selected", by=by, note=note, date=date, removed=removed))

    def forget(self, case_id: str, *, by: str, date: dt.date | None = None, note: str = "") -> Self:
        """Erase a case from every version, and leave its tombstone.

        Parameters
        ----------
        case_id : str
            Name of the case; it may have been let go before.
        by : str
            Who forgets it.
        date : datetime.date, default=None
            When, as the caller says.
        note : str, default=""
            Why.

        Returns
        -------
        CaseBase
            The next version. Versions that held the case no longer replay and say so; all others do.

        Raises
        ------
        DomainError
            If there never was such a case, it is forgotten already, or it is the last one.

        See Also
        --------
        CaseBasedClassifier.forget : The same for a model, with the answers that change.
        """
        _require_name(case_id)
        if not any(case.id == case_id for change in self.changes for case in change.added):
            message = f"case_id names no case of any version; ids in force: {case_log.some(self.ids)}."
            raise DomainError(message)
        if any(stone.id == case_id for stone in self.tombstones):
            message = f"case_id names '{case_id}', which is forgotten already."
            raise DomainError(message)
        removed = (case_id,) if case_id in self._state.cases else ()
        change = made(Change, action="forgotten", by=by, note=note, date=date, removed=removed)
        return self._next(change, struck=case_id)

    def reweight(self, hierarchy: Hierarchy, *, by: str, date: dt.date | None = None, note: str = "") -> Self:
        """Say that the cases and their classes hold under other weights.

        Parameters
        ----------
        hierarchy : Hierarchy
            New weights of the same indicators.
        by : str
            Who says so.
        date : datetime.date, default=None
            When, as the caller says.
        note : str, default=""
            Why.

        Returns
        -------
        CaseBase
            The next version; values are in the order of the new hierarchy.

        Raises
        ------
        DomainError
            If the hierarchy has other indicators.
        """
        require(hierarchy, Hierarchy, "hierarchy")
        return self._next(made(Change, action="reweighted", by=by, note=note, date=date, hierarchy=hierarchy))

    def merge(self, other: CaseBase, *, by: str, date: dt.date | None = None, note: str = "") -> Self:
        """Take over the cases of another case base that was judged by the same weights.

        Parameters
        ----------
        other : CaseBase
            Its cases come last, with their sources; those whose name is used here are counted on.
        by : str
            Who merges.
        date : datetime.date, default=None
            When, as the caller says.
        note : str, default=""
            Why.

        Returns
        -------
        CaseBase
            The next version. Its log holds the digest of the other base, whose own log stays with it: keep that
            document. A class means the same in both only if the caller sees to it: the third class of one
            clustering is not the third of another.

        Raises
        ------
        DomainError
            If the other's cases were judged by other weights (:meth:`reweight` it first, if they still hold),
            their labels are of another kind, or it is this base itself.
        """
        require(other, CaseBase, "other")
        require_same_weights(other, self.hierarchy, "other")
        if other == self:
            message = "other is this case base itself: every case would stand in it twice."
            raise DomainError(message)
        used = set(self._state.used)
        clashes = [case.id for case in other.cases if case.id in used]
        fresh = dict(zip(clashes, next_ids(used | set(other.ids), len(clashes)), strict=True))
        added = [case.model_copy(update={"id": fresh.get(case.id, case.id)}) for case in other.cases]
        # Only bounds that were stated: the cases' own extremes follow from the cases, and go with them.
        own, more = self._state, other._state
        lower = case_log.joined(min, own.lower, more.lower)
        upper = case_log.joined(max, own.upper, more.upper)
        facts: dict[str, Any] = {"by": by, "note": note, "date": date, "origin": other.digest}
        return self._next(made(Change, action="merged", added=added, lower=lower, upper=upper, **facts))

    # ------------------------------------------------------------------------------ the past

    def replay(self, version: int) -> Self:
        """Give an earlier version again, from the log alone.

        Parameters
        ----------
        version : int
            From 1 to the present one.

        Returns
        -------
        CaseBase
            That version; a model fitted on it gives the answers it gave then.

        Raises
        ------
        DomainError
            If there is no such version.
        DataError
            If the version held a case that has been forgotten, or its digest does not come out.
        """
        number = whole_number(version, "version", 1, self.version)
        changes = tuple(self.changes[:number])
        try:
            *_, state = case_log.states(changes, scaled=self.scaled)
        except ValueError as error:
            raise DataError(f"{error}.") from None
        if not state.complete:
            raise case_log.refuse_replay(number, state, self.replayable())
        return self._of(self.scaled, changes, state)

    def diff(self, other: CaseBase | int) -> CaseBaseDifference:
        """Say what has changed since another version, or between two case bases.

        Parameters
        ----------
        other : CaseBase or int
            The earlier one, or the number of a version of this base.

        Returns
        -------
        CaseBaseDifference
            Cases added, removed, given another class or other values, and whether the weights differ.

        Raises
        ------
        DataError
            If that version no longer replays.
        """
        earlier = other if isinstance(other, CaseBase) else self.replay(other)
        reweighted = earlier.weights_digest != self.weights_digest
        return difference(_held(earlier), _held(self), reweighted=reweighted)


def _require_name(case_id: object) -> None:
    """Refuse what cannot name a case."""
    if not isinstance(case_id, str):
        message = f"case_id is a {type(case_id).__name__}; allowed: the name of a case, a text such as 'C1'."
        raise DomainError(message)


def _held(cases: CaseBase) -> dict[str, Held]:
    """Give class and values of each case, values by the indicators' names."""
    names = cases.hierarchy.indicators
    order = sorted(range(len(names)), key=names.__getitem__)
    return {case.id: (case.label, tuple(case.values[place] for place in order)) for case in cases.cases}


def require_same_weights(cases: CaseBase, hierarchy: Hierarchy, argument: str) -> None:
    """Refuse cases that were judged by other weights than those at hand."""
    if cases.weights_digest == hierarchy.digest:
        return
    message = (
        f"{argument} was judged by other weights (digest {cases.weights_digest[:12]}, here "
        f"{hierarchy.digest[:12]}). The weights belong to a case: if the classes hold under the new ones, say so "
        f"with {argument}.reweight(hierarchy, by=...)."
    )
    raise DomainError(message)
