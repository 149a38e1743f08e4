"""Competence of a case base: which case solves which, and what each of them is there for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from custvalue._case_based.case_base import CaseBase
from custvalue._kernels import competence as kernel
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import require
from custvalue.exceptions import DataError, DomainError
from custvalue.grey import FrozenRanges, Hierarchy, leave_one_out_nearest, leave_one_out_similarity, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from custvalue._kernels.competence import IndexArray
    from custvalue._typing import BoolArray, FloatArray, IntArray

    Sets: TypeAlias = tuple[IndexArray, IndexArray]

#: Similarities held at a time: 8 MB, and the comparisons made of them.
TILE = 1 << 20
#: Pairs of solver and solved that the sets may hold; each takes 4 bytes, twice.
MOST_PAIRS = 50_000_000
#: What a case can be there for, by the kernel's code.
KINDS = ("pivotal", "support", "spanning", "auxiliary")
_ADVICE = "From CaseBase.from_cases or build_case_base."


@dataclass(frozen=True, eq=False)
class JudgedCases:
    """Cases that judge each other: as a query a case is left out, of the ranges too unless these are frozen."""

    values: FloatArray
    codes: IntArray
    n_classes: int
    hierarchy: Hierarchy
    ranges: FrozenRanges | None = None

    @classmethod
    def of(cls, cases: CaseBase, ranges: FrozenRanges | None) -> JudgedCases:
        """Take the cases of a case base with their classes numbered."""
        require(cases, CaseBase, "cases", _ADVICE)
        if ranges is not None:
            require(ranges, FrozenRanges, "ranges", "Build it with FrozenRanges.from_cases.")
        classes, codes = np.unique(np.asarray(cases.y), return_inverse=True)
        values = np.asarray(cases.values, dtype=np.float64)
        return cls(values, codes.astype(np.int64), len(classes), cases.hierarchy, ranges)

    def __len__(self) -> int:
        return len(self.codes)

    def only(self, rows: IntArray) -> JudgedCases:
        """Keep some cases; they judge each other by their own ranges."""
        return JudgedCases(self.values[rows], self.codes[rows], self.n_classes, self.hierarchy, self.ranges)

    def solvers(self) -> Iterator[tuple[IntArray, BoolArray]]:
        """Give blocks of cases, and for each of them which cases solve it."""
        step = max(1, TILE // len(self))
        for first in range(0, len(self), step):
            rows = np.arange(first, min(first + step, len(self)))
            if len(self) == 1:
                yield rows, np.ones((1, 1), dtype=np.bool_)
                return
            alike = leave_one_out_similarity(self.values, self.hierarchy, rows=rows, ranges=self.ranges)
            yield rows, kernel.solvers(alike, rows, self.codes)

    def outvoted(self, k: int) -> tuple[BoolArray, IntArray]:
        """Tell whom the k nearest others outvote, and count their votes for the case's own class."""
        if len(self) == 1:
            return np.zeros(1, dtype=np.bool_), np.zeros(1, dtype=np.int64)
        found = leave_one_out_nearest(self.values, self.hierarchy, min(k, len(self) - 1), ranges=self.ranges)
        return kernel.outvoted(found.index, self.codes, self.n_classes)

    def decided_by(self, judges: IntArray, rows: IntArray) -> IntArray:
        """Give the classes of the cases most similar to ``rows`` among ``judges``, by the judges' own ranges."""
        found = nearest(self.values[rows], self.values[judges], self.hierarchy, 1, ranges=self.ranges)
        return self.codes[judges[found.index[:, 0]]]


@dataclass(frozen=True, eq=False, repr=False)
class Competence:
    """What every case of a case base solves, and by which it is solved.

    Attributes
    ----------
    ids : tuple of str
        Names of the cases.
    labels : ndarray of shape (n_cases,)
        Their classes.
    values : ndarray of shape (n_cases, n_indicators)
        Their indicators, in the order of the hierarchy.
    hierarchy : Hierarchy
        The weights the cases were compared under.
    coverage_size : ndarray of int, shape (n_cases,)
        How many cases each one solves, itself included.
    reachability_size : ndarray of int, shape (n_cases,)
        How many cases solve it, itself included; 1 where only itself does.
    relative_coverage : ndarray of shape (n_cases,)
        How much a case covers that few others cover. The sum over a class is the number of its cases.
    footprint : ndarray of int
        Positions of the cases that together solve what the whole base solves, in the order they were taken.
    kind : ndarray of str, shape (n_cases,)
        ``"pivotal"``, ``"support"``, ``"spanning"`` or ``"auxiliary"``.
    conflicts : int
        Pairs of cases with equal values and different classes: no similarity can tell them apart.
    in_conflict : ndarray of bool, shape (n_cases,)
        Whether a case is part of such a pair.
    provenance : Provenance
        Package version, hierarchy and counts.

    See Also
    --------
    competence : Where the definitions are.

    Examples
    --------
    >>> from custvalue import cbr, grey
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["balance"]})
    >>> cases = cbr.CaseBase.from_cases([[0.0], [0.1], [0.2], [0.3], [0.9]], ["A", "A", "A", "B", "B"], hierarchy)
    >>> found = cbr.competence(cases)
    >>> found.coverage("C3")
    ('C1', 'C2', 'C3')
    >>> found.reachability("C3")
    ('C3',)
    """

    ids: tuple[str, ...]
    labels: Any
    values: FloatArray
    hierarchy: Hierarchy
    coverage_size: IntArray
    reachability_size: IntArray
    relative_coverage: FloatArray
    footprint: IntArray
    kind: Any
    conflicts: int
    in_conflict: BoolArray
    provenance: Provenance
    _coverage: Sets
    _reachability: Sets

    def coverage(self, case_id: str) -> tuple[str, ...]:
        """Name the cases that a case solves, in the order of the base; itself included.

        Parameters
        ----------
        case_id : str
            Name of the case.

        Returns
        -------
        tuple of str
            Names of the cases it solves.

        Raises
        ------
        DomainError
            If there is no such case.
        """
        return self._names(self._coverage, case_id)

    def reachability(self, case_id: str) -> tuple[str, ...]:
        """Name the cases that solve a case, in the order of the base; itself included.

        Parameters
        ----------
        case_id : str
            Name of the case.

        Returns
        -------
        tuple of str
            Names of the cases that solve it.

        Raises
        ------
        DomainError
            If there is no such case.
        """
        return self._names(self._reachability, case_id)

    def _names(self, sets: Sets, case_id: str) -> tuple[str, ...]:
        if case_id not in self.ids:
            message = f"case_id {case_id!r} is not in the case base; allowed: one of its {len(self.ids)} ids."
            raise DomainError(message)
        place = self.ids.index(case_id)
        indptr, indices = sets
        return tuple(self.ids[other] for other in indices[indptr[place] : indptr[place + 1]])

    def to_frame(self) -> pd.DataFrame:
        """Give one row a case.

        Returns
        -------
        pandas.DataFrame
            Columns ``case``, ``class``, ``coverage``, ``reachability`` (sizes of the sets),
            ``relative_coverage``, ``in_footprint``, ``kind``, ``in_conflict``.
        """
        return pd.DataFrame(
            {
                "case": list(self.ids),
                "class": np.array(self.labels),
                "coverage": np.array(self.coverage_size),
                "reachability": np.array(self.reachability_size),
                "relative_coverage": np.array(self.relative_coverage),
                "in_footprint": np.isin(np.arange(len(self.ids)), self.footprint),
                "kind": np.array(self.kind),
                "in_conflict": np.array(self.in_conflict),
            }
        )

    def __repr__(self) -> str:
        return short_repr("Competence", **self.provenance.counts)

    def _repr_html_(self) -> str:
        counts = ", ".join(f"{int((self.kind == name).sum())} {name}" for name in KINDS)
        pairs = f"; {self.conflicts} pair(s) of equal cases with different classes" if self.conflicts else ""
        text = f"Competence of {len(self.ids)} cases: {counts}; footprint of {len(self.footprint)}{pairs}"
        frame = self.to_frame().sort_values("relative_coverage", ascending=False, kind="stable")
        return html_table(list(frame.columns), frame.to_numpy().tolist(), caption=text)


def _reachability(judged: JudgedCases) -> Sets:
    """Collect the sets of solvers; refuse more pairs than memory should hold."""
    sizes = np.empty(len(judged), dtype=np.int64)
    parts, total = [], 0
    for rows, mask in judged.solvers():
        row, solver = np.nonzero(mask)
        sizes[rows] = np.bincount(row, minlength=len(rows))
        total += len(solver)
        if total > MOST_PAIRS:
            message = (
                f"cases has {len(judged)} cases with more than {MOST_PAIRS:,} pairs of solver and solved; "
                "each is kept. Ask for a smaller base: prototypes by build_case_base, or a sample by select."
            )
            raise DataError(message)
        parts.append(solver.astype(np.int32))
    indptr = np.concatenate([np.zeros(1, dtype=np.int32), np.cumsum(sizes, dtype=np.int32)])
    return indptr, np.concatenate(parts)


def competence_footprint(judged: JudgedCases) -> IntArray:
    """Give the positions of the footprint, in the order its cases are taken."""
    reached = _reachability(judged)
    covered = kernel.transposed(*reached)
    return kernel.footprint(*covered, kernel.relative_coverage(*covered, np.diff(reached[0])))


def competence(cases: CaseBase, *, ranges: FrozenRanges | None = None) -> Competence:
    r"""Tell what each case of a case base solves, and which cases the base could do without.

    Parameters
    ----------
    cases : CaseBase
        The case base; its hierarchy is the similarity.
    ranges : FrozenRanges, default=None
        Frozen ranges, where the classifier uses them; None takes them from the cases.

    Returns
    -------
    Competence
        Coverage, reachability, relative coverage, footprint, kinds and conflicts.

    Raises
    ------
    DomainError
        If `cases` is no case base, or `ranges` does not fit its indicators.
    DataError
        If more than 50 million pairs of solver and solved come out.

    See Also
    --------
    edit_case_base : Keep the footprint only, or remove noise.

    Notes
    -----
    Case :math:`i` *solves* case :math:`j` if it is :math:`j` itself, or is of its class and nearer to it than its
    nearest unlike case (the local set of Brighton and Mellish 2002 [4]_; exactly as near is not nearer). All is
    seen from :math:`j`: it is the query, and it leaves the case base, its ranges too, for as long as it is asked.
    From *solves* follow (Smyth and Keane 1995 [1]_)

    .. math::
       \mathrm{coverage}(i) = \{j : i \text{ solves } j\}, \qquad
       \mathrm{reachability}(j) = \{i : i \text{ solves } j\},

    and the relative coverage (Smyth and McKenna 1998 [2]_)

    .. math:: \mathrm{RC}(i) = \sum_{j \in \mathrm{coverage}(i)} \frac{1}{|\mathrm{reachability}(j)|}.

    The footprint [3]_ is taken by falling relative coverage, the first of the base among equals (to nine
    decimals): a case joins unless one before it solves it. It solves every case of the base. That is a statement
    about the base's own ranges: the footprint on its own has other ranges, unless they are frozen. In a class
    without an unlike case, as in a base of one class, every case of the class solves every other. Two equal cases
    of different classes are solved by nobody but themselves.

    Kinds, after [1]_, each case the first that holds: *pivotal*, solved by no other case; *auxiliary*, another
    case covers all that it covers and more; *support*, another case covers exactly the same, so that one of the
    group is needed; *spanning*, its coverage overlaps others without lying inside one. An auxiliary case can go
    without loss while the case that covers it stays.

    Cost: :math:`O(m^2 p)` time for m cases, and for the kinds at most the sum of the squared sizes of the distinct
    reachability sets. Similarities are read in blocks of 8 MB, but the sets themselves are the result and hold up
    to :math:`m^2` pairs, 16 bytes each. A case that moves in the base changes ties only.

    References
    ----------
    .. [1] B. Smyth and M. T. Keane (1995). Remembering to forget: a competence-preserving case deletion policy for
       case-based reasoning systems. *IJCAI-95*, 377-382.
    .. [2] B. Smyth and E. McKenna (1998). Modelling the competence of case-bases. *EWCBR-98*, LNCS 1488, 208-220.
    .. [3] B. Smyth and E. McKenna (1999). Building compact competent case-bases. *ICCBR-99*, LNCS 1650, 329-342.
    .. [4] H. Brighton and C. Mellish (2002). Advances in instance selection for instance-based learning
       algorithms. *Data Mining and Knowledge Discovery* 6, 153-172.

    Examples
    --------
    >>> from custvalue import cbr, grey
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["balance"]})
    >>> cases = cbr.CaseBase.from_cases([[0.0], [0.1], [0.2], [0.3], [0.9]], ["A", "A", "A", "B", "B"], hierarchy)
    >>> found = cbr.competence(cases)
    >>> found.to_frame()[["case", "coverage", "reachability", "in_footprint", "kind"]]
      case  coverage  reachability  in_footprint       kind
    0   C1         2             3         False  auxiliary
    1   C2         2             3         False  auxiliary
    2   C3         3             1          True    pivotal
    3   C4         2             1          True    pivotal
    4   C5         1             2         False  auxiliary
    """
    judged = JudgedCases.of(cases, ranges)
    reached = _reachability(judged)
    covered = kernel.transposed(*reached)
    sizes, reachability_size = (np.diff(sets[0]).astype(np.int64) for sets in (covered, reached))
    relative = kernel.relative_coverage(*covered, reachability_size)
    footprint = kernel.footprint(*covered, relative)
    pairs, in_conflict = kernel.conflicts(judged.values, judged.codes)
    counts = provenance(
        cases.hierarchy.model_dump_json(), cases=len(judged), footprint=len(footprint), conflicts=pairs
    )
    return Competence(
        ids=tuple(cases.ids),
        labels=read_only(np.array(cases.y)),
        values=read_only(judged.values),
        hierarchy=cases.hierarchy,
        coverage_size=read_only(sizes),
        reachability_size=read_only(reachability_size),
        relative_coverage=read_only(relative),
        footprint=read_only(footprint),
        kind=read_only(np.array(KINDS)[kernel.kinds(covered, reached)]),
        conflicts=pairs,
        in_conflict=read_only(in_conflict),
        provenance=counts,
        _coverage=covered,
        _reachability=reached,
    )
