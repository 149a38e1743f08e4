"""Editors: smaller and cleaner versions of a case base, under the similarity its cases are retrieved by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd

from custvalue._case_based import editing_rules
from custvalue._case_based.competence import JudgedCases
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import whole_number
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from custvalue._case_based.case_base import CaseBase
    from custvalue._case_based.editing_rules import Ruling
    from custvalue._typing import BoolArray, IntArray
    from custvalue.grey import FrozenRanges

Method = Literal["condensed", "edited", "repeated_edited", "footprint"]

_RULES: Final[dict[str, Callable[[JudgedCases, int], Ruling]]] = {
    "condensed": editing_rules.condensed,
    "edited": editing_rules.edited,
    "repeated_edited": editing_rules.repeated_edited,
    "footprint": editing_rules.footprint,
}
#: Editors that ask k neighbours.
_VOTED = frozenset({"edited", "repeated_edited"})


@dataclass(frozen=True, eq=False, repr=False)
class Edited:
    """An edited case base, and what was done to get it.

    Attributes
    ----------
    case_base : CaseBase
        The new version, with the cases that stayed.
    method : str
        The editor.
    kept, removed : tuple of str
        Names of the cases that stayed and of those that went, in the order of the old base.
    spared : tuple of str
        Cases that the editor would have removed and that stayed as the last of their class. Look at them: an
        editor that would empty a class says that the class cannot be told from the others.
    ids : tuple of str
        Names of all cases of the old base.
    labels : ndarray of shape (n_cases,)
        Their classes.
    removed_in : ndarray of int, shape (n_cases,)
        For each case the round in which it went; 0 for one that stayed.
    still_right : ndarray of bool, shape (n_cases,)
        Whether the most similar case of the edited base, by its own ranges, has the case's class. For a case that
        stayed this is itself, unless an equal case of another class stands before it.
    provenance : Provenance
        Package version, hierarchy and counts.

    See Also
    --------
    edit_case_base : Where the editors are described.

    Examples
    --------
    >>> from custvalue import cbr, grey
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["balance"]})
    >>> X = [[0.0], [0.1], [0.2], [0.15], [0.7], [0.8], [0.9]]
    >>> cases = cbr.CaseBase.from_cases(X, ["A", "A", "A", "B", "B", "B", "B"], hierarchy)
    >>> found = cbr.edit_case_base(cases, "edited", by="analyst")
    >>> found.removed, found.case_base.version
    (('C4',), 2)
    """

    case_base: CaseBase
    method: str
    kept: tuple[str, ...]
    removed: tuple[str, ...]
    spared: tuple[str, ...]
    ids: tuple[str, ...]
    labels: Any
    removed_in: IntArray
    still_right: BoolArray
    provenance: Provenance

    @property
    def rounds(self) -> int:
        """Number of rounds in which cases went."""
        return int(self.removed_in.max())

    def to_frame(self) -> pd.DataFrame:
        """Give one row a case of the old base.

        Returns
        -------
        pandas.DataFrame
            Columns ``case``, ``class``, ``kept``, ``removed_in`` (round, 0 if kept), ``spared``, ``still_right``.
        """
        return pd.DataFrame(
            {
                "case": list(self.ids),
                "class": np.array(self.labels),
                "kept": self.removed_in == 0,
                "removed_in": np.array(self.removed_in),
                "spared": np.isin(self.ids, self.spared),
                "still_right": np.array(self.still_right),
            }
        )

    def by_class(self) -> pd.DataFrame:
        """Give one row a class.

        Returns
        -------
        pandas.DataFrame
            Columns ``class``, ``cases`` (before), ``kept``, ``removed``, and ``removed_still_right``: those of the
            removed cases to which the edited base gives their class.
        """
        classes, place = np.unique(self.labels, return_inverse=True)
        place = place.reshape(-1)
        gone = self.removed_in > 0
        count = np.bincount(place, minlength=len(classes))
        removed = np.bincount(place[gone], minlength=len(classes))
        right = np.bincount(place[gone & self.still_right], minlength=len(classes))
        return pd.DataFrame(
            {
                "class": classes,
                "cases": count,
                "kept": count - removed,
                "removed": removed,
                "removed_still_right": right,
            }
        )

    def __repr__(self) -> str:
        return short_repr("Edited", method=self.method, **self.provenance.counts)

    def _repr_html_(self) -> str:
        frame = self.by_class()
        text = (
            f"Editor '{self.method}': {len(self.kept)} of {len(self.ids)} cases kept in {max(self.rounds, 1)} "
            f"round(s), {len(self.spared)} of them as the last of their class"
        )
        return html_table(list(frame.columns), frame.to_numpy().tolist(), caption=text)


def edit_case_base(
    cases: CaseBase,
    method: Method,
    *,
    by: str,
    k: int = 3,
    ranges: FrozenRanges | None = None,
    note: str = "",
    date: dt.date | None = None,
) -> Edited:
    r"""Take noisy or superfluous cases out of a case base; the result is a new version of it.

    Parameters
    ----------
    cases : CaseBase
        The case base; its hierarchy is the similarity.
    method : {"condensed", "edited", "repeated_edited", "footprint"}
        The editor, see the notes.
    by : str
        Who edits, for the log of the case base.
    k : int, default=3
        Neighbours that vote on a case in ``"edited"`` and ``"repeated_edited"``, from 1; all others where there
        are fewer. The other editors do not use it.
    ranges : FrozenRanges, default=None
        Frozen ranges, where the classifier uses them; None takes them from the cases that judge.
    note : str, default=""
        Why, for the log; empty writes the editor's name.
    date : datetime.date, default=None
        Day of the change, for the log.

    Returns
    -------
    Edited
        The new version, and which cases went in which round.

    Raises
    ------
    DomainError
        If `method` is unknown, `by` is empty, `k` is no whole number from 1, `cases` is no case base, or `ranges`
        does not fit its indicators.
    DataError
        If the competence sets of ``"footprint"`` grow too large, as in :func:`competence`.

    See Also
    --------
    competence : Coverage and reachability of the cases, before and after.

    Notes
    -----
    A case is always judged by the ranges of the cases that judge it: a case that its neighbours vote on has left
    the ranges too, and a growing store judges by its own. Frozen ranges make all of them the same.

    ``"edited"``
        Removes, all at once, every case whose k nearest others vote for another class (ENN, Wilson 1972 [1]_). It
        takes out noise and smooths the border between classes. Equal votes go to the class of the most similar
        case. :math:`O(m^2 p)`.
    ``"repeated_edited"``
        The same until no case goes (RENN, Tomek 1976 [2]_). :math:`O(r m^2 p)` for r rounds.
    ``"condensed"``
        Starts with the first case, goes through the base in its order, and takes a case when the store gets it
        wrong; again until nothing is taken (CNN, Hart 1968 [3]_). The store then gives every case its class, save
        that of two equal cases the first decides. It keeps noise and depends on the order.
        :math:`O((r m + s) s p)` for r passes and s cases kept.
    ``"footprint"``
        Keeps the competence footprint (Smyth and McKenna 1999 [4]_), as :func:`competence`. It keeps noise too,
        but the order decides ties only. :math:`O(m^2 p)` and the memory of :func:`competence`.

    Noise makes the last two keep more and answer worse: edit first, then take the footprint of what is left.

    No editor empties a class: where all its cases would go, the one with the most votes for the class, the first
    among equals, stays and is named in `spared`. There is no random choice; where order counts it is that of the
    base.

    References
    ----------
    .. [1] D. L. Wilson (1972). Asymptotic properties of nearest neighbor rules using edited data. *IEEE Trans.
       Systems, Man, and Cybernetics* 2(3), 408-421.
    .. [2] I. Tomek (1976). An experiment with the edited nearest-neighbor rule. *IEEE Trans. Systems, Man, and
       Cybernetics* 6(6), 448-452.
    .. [3] P. E. Hart (1968). The condensed nearest neighbor rule. *IEEE Trans. Information Theory* 14(3), 515-516.
    .. [4] B. Smyth and E. McKenna (1999). Building compact competent case-bases. *ICCBR-99*, LNCS 1650, 329-342.

    Examples
    --------
    >>> from custvalue import cbr, grey
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["balance"]})
    >>> X = [[0.0], [0.1], [0.2], [0.15], [0.7], [0.8], [0.9]]
    >>> cases = cbr.CaseBase.from_cases(X, ["A", "A", "A", "B", "B", "B", "B"], hierarchy)
    >>> clean = cbr.edit_case_base(cases, "edited", by="analyst").case_base
    >>> cbr.edit_case_base(clean, "footprint", by="analyst").kept
    ('C1', 'C5')
    """
    judged = JudgedCases.of(cases, ranges)
    rule, votes = _checked(method, by, k)
    ruling = rule(judged, votes)
    kept, gone = ruling.kept, np.flatnonzero(ruling.removed_in)
    ids = tuple(cases.ids)
    names = tuple(ids[place] for place in kept)
    detail = f" with k={votes}" if method in _VOTED else ""
    edited = cases.select(list(names), by=by, note=note or f"editor '{method}'{detail}", date=date)
    right = judged.decided_by(kept, np.arange(len(judged))) == judged.codes
    return Edited(
        case_base=edited,
        method=method,
        kept=names,
        removed=tuple(ids[place] for place in gone),
        spared=tuple(ids[place] for place in ruling.spared),
        ids=ids,
        labels=read_only(np.array(cases.y)),
        removed_in=read_only(ruling.removed_in),
        still_right=read_only(right),
        provenance=provenance(cases.hierarchy.model_dump_json(), cases=len(ids), kept=len(kept)),
    )


def _checked(method: object, by: object, k: object) -> tuple[Callable[[JudgedCases, int], Ruling], int]:
    if not isinstance(method, str) or method not in _RULES:
        message = f"method is {method!r}; allowed: {', '.join(_RULES)}."
        raise DomainError(message)
    if not isinstance(by, str) or not by.strip():
        message = "by is empty; allowed: the name of who edits, which goes into the log of the case base."
        raise DomainError(message)
    return _RULES[method], whole_number(k, "k", 1)
