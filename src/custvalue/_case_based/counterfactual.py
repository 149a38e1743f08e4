"""What would have to change: the smallest set of indicators that gives a customer another class."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, combinations, islice
from math import comb
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd

from custvalue._results import html_table, short_repr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from custvalue._case_based.retrieval import Retrieval
    from custvalue._typing import FloatArray, IntArray

#: Sets of indicators tried for one customer; nine indicators and eight classes have 3,577.
MOST_SETS: Final = 200_000
#: Numbers in the altered customers that are decided at once: 8 MB.
_CELLS: Final = 1 << 20


@dataclass(frozen=True, eq=False, repr=False)
class Counterfactual:
    """The smallest set of indicator changes that gives one customer another class.

    The indicators of the set are moved all the way to the values of the nearest case of another class; that is
    enough, though less of the way may be enough too.

    Attributes
    ----------
    predicted : object
        The class now.
    new_class : object
        The class after the changes; None where no set was found.
    case : str or None
        Name of the case whose values the indicators take.
    indicators : tuple of str
        What changes, in the order of the hierarchy; empty where no set was found.
    directions : tuple of str
        ``"up"`` or ``"down"`` in scaled values, one an indicator.
    start : ndarray of shape (n_changes,)
        The customer's scaled values.
    target : ndarray of shape (n_changes,) or None
        The case's scaled values; None where they are not disclosed.
    change : float or None
        Sum of weight times absolute change, by which sets of one size are ranked; None as for `target`.
    searched : int
        All sets of up to so many indicators were tried.
    complete : bool
        Whether the search ended by itself, with a set or with every set tried, rather than at the limit.

    See Also
    --------
    Explanation : Where it is found, as ``counterfactual``.

    Notes
    -----
    For the nearest case of each other class, subsets of the indicators are tried by size, each by the model's own
    decision: the first size at which any set gives another class is the smallest there is, over these targets.
    Among sets of that size the smallest weighted change wins, then the indicators that stand first, then the class
    that stands first. Changing every indicator makes the customer equal to a case of another class, so with one
    vote a set is always there, unless cases of two classes are equal. Cost: at most 2^p decisions a class for p
    indicators, 200,000 a customer in all.

    References
    ----------
    .. [1] Wachter, S., Mittelstadt, B. and Russell, C. (2018). Counterfactual explanations without opening the
       black box. *Harvard Journal of Law & Technology*, 31(2), 841-887.
    .. [2] Keane, M. T. and Smyth, B. (2020). Good counterfactuals and where to find them: a case-based technique
       for generating counterfactuals for explainable AI. *Case-Based Reasoning Research and Development*, 163-178.

    Examples
    --------
    >>> from custvalue import cbr, grey
    >>> hierarchy = grey.Hierarchy.from_weights({"all": 1.0}, {"all": {"visits": 0.2, "balance": 0.8}})
    >>> model = cbr.CaseBasedClassifier(hierarchy).fit([[0.2, 0.1], [0.9, 0.8]], ["low", "high"])
    >>> found = model.explain([[0.3, 0.2]], disclose_cases=True)[0].counterfactual
    >>> found.new_class, found.indicators, found.directions, found.target
    ('high', ('balance',), ('up',), array([0.8]))
    """

    predicted: Any
    new_class: Any
    case: str | None
    indicators: tuple[str, ...]
    directions: tuple[Literal["up", "down"], ...]
    start: FloatArray
    target: FloatArray | None
    change: float | None
    searched: int
    complete: bool

    @property
    def found(self) -> bool:
        """Whether there is a set of changes that gives another class."""
        return self.case is not None

    @property
    def size(self) -> int:
        """How many indicators change; 0 where no set was found."""
        return len(self.indicators)

    def to_frame(self) -> pd.DataFrame:
        """Give one row an indicator that changes.

        Returns
        -------
        pandas.DataFrame
            ``indicator``, ``direction``, ``from`` and, where disclosed, ``to`` (scaled values).
        """
        columns: dict[str, Any] = {"indicator": list(self.indicators), "direction": list(self.directions)}
        columns["from"] = self.start.copy()
        if self.target is not None:
            columns["to"] = self.target.copy()
        return pd.DataFrame(columns)

    def __repr__(self) -> str:
        return short_repr("Counterfactual", new_class=self.new_class, indicators=self.size)

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        caption = f"To class {self.new_class}" if self.found else f"No change of class {self.predicted} was found"
        return html_table(list(frame.columns), frame.to_numpy().tolist(), caption=caption)


@dataclass(frozen=True)
class Flip:
    """A set of columns that, moved to the values of a case, gives another class."""

    change: float
    columns: tuple[int, ...]
    #: Position of the target's class, and the case.
    code: int
    case: int
    new_code: int

    def __lt__(self, other: Flip) -> bool:
        return (self.change, self.columns, self.code) < (other.change, other.columns, other.code)


@dataclass(frozen=True)
class Found:
    """The end of one customer's search."""

    flip: Flip | None
    searched: int
    complete: bool


@dataclass(frozen=True, eq=False)
class _Target:
    """A case of another class, and the columns in which the customer differs from it."""

    code: int
    case: int
    columns: IntArray


@dataclass(frozen=True, eq=False)
class _Trial:
    """Customers altered towards a case in some columns each."""

    customer: int
    target: _Target
    columns: IntArray
    altered: FloatArray
    change: FloatArray


def find_flips(
    retrieval: Retrieval,
    queries: FloatArray,
    codes: IntArray,
    nearest: IntArray,
    weights: FloatArray,
    most_sets: int = MOST_SETS,
) -> list[Found]:
    """Find for each query, of class ``codes``, the smallest set of columns that gives another class.

    ``nearest`` holds the position of the nearest case of each class, -1 for a class without a case; ``weights``
    has a row a query, zero where an indicator is not compared. All queries go through one size of sets together.
    """
    targets = {row: _targets(queries[row], codes[row], nearest[row], retrieval.cases) for row in range(len(codes))}
    results: dict[int, Found] = {}
    tried = dict.fromkeys(targets, 0)
    size = 0
    while targets:
        size += 1
        for row, some in list(targets.items()):
            sets = sum(comb(len(target.columns), size) for target in some)
            tried[row] += sets
            if sets == 0 or tried[row] > most_sets:
                results[row] = Found(None, size - 1, complete=sets == 0)
                del targets[row]
        flips = _flips(retrieval, queries, codes, targets, weights, size)
        for row, flip in flips.items():
            results[row] = Found(flip, size, complete=True)
            del targets[row]
    return [results[row] for row in range(len(codes))]


def _targets(query: FloatArray, code: int, nearest: IntArray, cases: FloatArray) -> list[_Target]:
    others = [(place, int(case)) for place, case in enumerate(nearest) if case >= 0 and place != code]
    # A missing value is no value to be changed, and moving to an equal value is no change.
    differs = [(place, case, ~np.isnan(query) & (query != cases[case])) for place, case in others]
    return [_Target(place, case, np.flatnonzero(where)) for place, case, where in differs]


def _flips(
    retrieval: Retrieval,
    queries: FloatArray,
    codes: IntArray,
    targets: dict[int, list[_Target]],
    weights: FloatArray,
    size: int,
) -> dict[int, Flip]:
    """Try every set of one size for the customers still open; give the best that changes a class."""
    best: dict[int, Flip] = {}
    for batch in _batches(_trials(queries, retrieval.cases, targets, weights, size), queries.shape[1]):
        decided = retrieval.decide(np.concatenate([trial.altered for trial in batch]))
        ends = np.cumsum([len(trial.altered) for trial in batch])[:-1]
        for trial, new in zip(batch, np.split(decided, ends), strict=True):
            flipped = np.flatnonzero(new != codes[trial.customer])
            if not len(flipped):
                continue
            # Sets come in the order of their columns, so the first of the smallest changes is the one meant.
            place = flipped[np.argmin(trial.change[flipped])]
            columns = tuple(trial.columns[place].tolist())
            target = trial.target
            flip = Flip(float(trial.change[place]), columns, target.code, target.case, int(new[place]))
            known = best.get(trial.customer)
            if known is None or flip < known:
                best[trial.customer] = flip
    return best


def _trials(
    queries: FloatArray, cases: FloatArray, targets: dict[int, list[_Target]], weights: FloatArray, size: int
) -> Iterator[_Trial]:
    for row, some in targets.items():
        for target in some:
            step = weights[row] * np.abs(cases[target.case] - queries[row])
            for chosen in _sets(target.columns, size, _rows(queries.shape[1])):
                altered = np.repeat(queries[row : row + 1], len(chosen), axis=0)
                np.put_along_axis(altered, chosen, cases[target.case][chosen], axis=1)
                change = np.zeros(len(chosen))
                for place in range(size):
                    change += step[chosen[:, place]]
                yield _Trial(row, target, chosen, altered, change)


def _rows(n_columns: int) -> int:
    return max(_CELLS // n_columns, 1)


def _sets(columns: IntArray, size: int, rows: int) -> Iterator[IntArray]:
    """Give every set of a size, in lexicographic order, so many rows at a time."""
    several = combinations(columns.tolist(), size)
    while some := list(islice(several, rows)):
        yield np.fromiter(chain.from_iterable(some), dtype=np.int64, count=len(some) * size).reshape(-1, size)


def _batches(trials: Iterator[_Trial], n_columns: int) -> Iterator[list[_Trial]]:
    """Put trials together until they are worth a search through the cases."""
    batch: list[_Trial] = []
    count = 0
    for trial in trials:
        batch.append(trial)
        count += len(trial.altered)
        if count >= _rows(n_columns):
            yield batch
            batch, count = [], 0
    if batch:
        yield batch
