"""Stability: how many answers change when cases go, far cases come, or the distinguishing coefficient moves."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from custvalue import _frames
from custvalue._case_based.manhattan import manhattan_nearest
from custvalue._case_based.retrieval import Retrieval
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import unboxed, whole_number
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from custvalue._typing import BoolArray, FloatArray, IntArray, RandomState, Table

#: Whose answers are watched, in the order of the results' axis.
WATCHED: Final = ("grey", "weighted Manhattan", "grey, columns shuffled")
#: What is counted, in the order of the results' axis.
COUNTED: Final = ("winner_replaced", "winner_reversed", "class_changed", "class_reversed")
_LEAVE_OUT, _FAR, _RHO = "leave out", "far cases", "rho"


class FittedModel(Protocol):
    """What is asked of a fitted classifier: its core, and its reading of a table."""

    @property
    def _retrieval(self) -> Retrieval: ...

    def _queries(self, X: Any) -> FloatArray: ...


@dataclass(frozen=True, eq=False, repr=False)
class AnswerStability:
    """How many customers get another answer when the case base or the similarity changes a little.

    Attributes
    ----------
    changes : tuple of (str, float)
        What was changed and by how much: ``("leave out", share)``, ``("far cases", number)``, ``("rho", value)``.
    watched : tuple of str
        Whose answers: "grey" (the model), "weighted Manhattan" (1-NN on the same cases, which does not know
        ranges), and "grey, columns shuffled" (the model on customers that do not exist).
    winner_replaced : ndarray of shape (n_changes, n_watched, n_repeats)
        Share of the customers whose nearest case was left out, or is now one of the far cases. Every method
        changes its answer then.
    winner_reversed : ndarray of shape (n_changes, n_watched, n_repeats)
        Share of the customers whose nearest case is another one though both were there before and after: rank
        reversal.
    class_changed : ndarray of shape (n_changes, n_watched, n_repeats)
        Share of the customers who get another class, for whatever reason.
    class_reversed : ndarray of shape (n_changes, n_watched, n_repeats)
        Share of the customers who get another class though their nearest case was not replaced; where more than
        one case votes, also because another voter was left out or added.
    provenance : Provenance
        Package version, hierarchy and counts.

    Notes
    -----
    All arrays are NaN where a change does not apply: weighted Manhattan knows no rho.

    Examples
    --------
    >>> import numpy as np
    >>> from custvalue import cbr, grey
    >>> rng = np.random.default_rng(0)
    >>> hierarchy = grey.Hierarchy.equal({"recency": ["last_visit"], "monetary": ["turnover", "balance"]})
    >>> cases = rng.random((30, 3))
    >>> model = cbr.CaseBasedClassifier(hierarchy).fit(cases, np.where(cases.mean(axis=1) > 0.5, 2, 1))
    >>> stable = cbr.answer_stability(model, rng.random((200, 3)), n_repeats=5, random_state=0)
    >>> stable
    AnswerStability(changes=9, repeats=5, customers=200, cases=30)
    >>> bool((stable.winner_reversed[:5, 1] == 0.0).all())
    True
    """

    changes: tuple[tuple[str, float], ...]
    watched: tuple[str, ...]
    winner_replaced: FloatArray
    winner_reversed: FloatArray
    class_changed: FloatArray
    class_reversed: FloatArray
    provenance: Provenance

    @property
    def names(self) -> tuple[str, ...]:
        """The changes in words."""
        return tuple(_named(kind, size) for kind, size in self.changes)

    @property
    def winner_changed(self) -> FloatArray:
        """Share of the customers with another nearest case for whatever reason, in the shape of the others."""
        total: FloatArray = self.winner_replaced + self.winner_reversed
        return total

    def to_frame(self) -> pd.DataFrame:
        """Give one row a change and method watched.

        Returns
        -------
        pandas.DataFrame
            ``change``, ``size``, ``watched``, then mean, lowest and highest share over the repeats of
            ``winner_replaced``, ``winner_reversed``, ``class_changed`` and ``class_reversed`` (the latter two
            with the endings ``_low`` and ``_high``).
        """
        rows = []
        for i, (change, size) in enumerate(self.changes):
            for j, watched in enumerate(self.watched):
                row: dict[str, Any] = {"change": change, "size": size, "watched": watched}
                for name in COUNTED:
                    shares = getattr(self, name)[i, j]
                    row |= {name: shares.mean(), f"{name}_low": shares.min(), f"{name}_high": shares.max()}
                rows.append(row)
        return pd.DataFrame(rows)

    def in_words(self) -> str:
        """Say in words what the ranges of the grey similarity cost.

        Returns
        -------
        str
            One sentence a change.
        """
        sentences = []
        for i, name in enumerate(self.names):
            replaced, reversed_, changed = (
                getattr(self, what)[i].mean(axis=1)
                for what in ("winner_replaced", "winner_reversed", "class_changed")
            )
            words = f"{name}: {_percent(changed[0])} of the customers get another class"
            rivals = [(1, "weighted Manhattan"), (2, "on shuffled columns")]
            told = [f"{who} {_percent(changed[j])}" for j, who in rivals if not np.isnan(changed[j])]
            words += f" ({', '.join(told)})"
            if reversed_[0] > 0.0:
                share = _percent(reversed_[0])
                words += f"; the nearest case is another one for {share} though nothing took it away"
            words += f", and was replaced for {_percent(replaced[0])}." if replaced[0] > 0.0 else "."
            sentences.append(words)
        return " ".join(sentences)

    def __repr__(self) -> str:
        repeats = self.class_changed.shape[2]
        return short_repr("AnswerStability", changes=len(self.changes), repeats=repeats, **self.provenance.counts)

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        shown = ["change", "size", "watched", *COUNTED, "class_changed_low", "class_changed_high"]
        table = html_table(shown, frame[shown].itertuples(index=False), caption="Stability of the answers")
        return f"<p>{html.escape(self.in_words())}</p>{table}"


def _percent(share: float) -> str:
    return f"{100.0 * share:.1f} %"


def _named(kind: str, size: float) -> str:
    if kind == _LEAVE_OUT:
        return f"{100.0 * size:g} % of the cases left out"
    if kind == _FAR:
        return f"{size:g} far case{'s' if size > 1 else ''} added"
    return f"rho {size:g}"


@dataclass(frozen=True, eq=False)
class _Answers:
    """Nearest case and class of each customer; a case that was not there at first has a negative position."""

    winner: IntArray
    codes: IntArray


#: A way to answer: cases as a Retrieval and customers in, positions among its cases and classes out.
_Method: TypeAlias = "Callable[[Retrieval, FloatArray], _Answers]"


def _by_grey(retrieval: Retrieval, queries: FloatArray) -> _Answers:
    found = retrieval.nearest(queries)
    winner = found.index[:, 0]
    return _Answers(winner, retrieval.decided(found))


def _by_manhattan(retrieval: Retrieval, queries: FloatArray) -> _Answers:
    winner = manhattan_nearest(queries, retrieval.cases, retrieval.hierarchy.global_weights)
    return _Answers(winner, retrieval.codes[winner])


def _compared(before: _Answers, after: _Answers, gone: BoolArray) -> list[float]:
    """Count what :data:`COUNTED` names; positions of `after` are those of the first cases, negative if new."""
    replaced = gone[before.winner] | (after.winner < 0)
    other, changed = after.winner != before.winner, after.codes != before.codes
    shares = [replaced, other & ~replaced, changed, changed & ~replaced]
    return [float(share.mean()) for share in shares]


@dataclass(frozen=True, eq=False)
class _Change:
    """A changed case base: what is left of the first cases (-1 for those that are new)."""

    retrieval: Retrieval
    position: IntArray
    gone: BoolArray

    def shares(self, answer: _Method, queries: FloatArray, before: _Answers) -> list[float]:
        """Ask again, and count the customers with another answer."""
        after = answer(self.retrieval, queries)
        return _compared(before, _Answers(self.position[after.winner], after.codes), self.gone)


def _left_out(retrieval: Retrieval, share: float, rng: np.random.RandomState) -> _Change:
    n_cases = len(retrieval.cases)
    rows = rng.choice(n_cases, size=max(1, round(share * n_cases)), replace=False)
    gone = np.zeros(n_cases, dtype=np.bool_)
    gone[rows] = True
    return _Change(retrieval.without(np.sort(rows)), np.flatnonzero(~gone), gone)


def _with_far_cases(
    retrieval: Retrieval, number: int, box: tuple[FloatArray, FloatArray], rng: np.random.RandomState
) -> _Change:
    """Add cases at random corners of the box; each takes the class that the model gives it."""
    n_cases, n_indicators = retrieval.cases.shape
    corners = np.where(rng.randint(2, size=(number, n_indicators)) == 1, box[1], box[0])
    more = retrieval.replaced(
        cases=np.concatenate([retrieval.cases, corners]),
        codes=np.concatenate([retrieval.codes, retrieval.decide(corners)]),
    )
    position = np.concatenate([np.arange(n_cases), np.full(number, -1)])
    return _Change(more, position, np.zeros(n_cases, dtype=np.bool_))


def _with_coefficient(retrieval: Retrieval, rho: float) -> _Change:
    n_cases = len(retrieval.cases)
    hierarchy = retrieval.hierarchy.model_copy(update={"distinguishing_coefficient": rho})
    changed = retrieval.replaced(hierarchy=hierarchy)
    return _Change(changed, np.arange(n_cases), np.zeros(n_cases, dtype=np.bool_))


def _checked_changes(
    retrieval: Retrieval, leave_out: Sequence[float], far_cases: Sequence[int], coefficients: Sequence[float]
) -> tuple[tuple[str, float], ...]:
    """Read the three lists of sizes; refuse what is out of range by the argument's name."""
    lists = {"leave_out": leave_out, "far_cases": far_cases, "coefficients": coefficients}
    for name, sizes in lists.items():
        if isinstance(sizes, str) or not isinstance(sizes, Iterable):
            message = f"{name} is a {type(sizes).__name__}; allowed: a sequence of numbers, such as [0.1]."
            raise DomainError(message)
    n_cases = len(retrieval.cases)
    for share in leave_out:
        if not 0.0 < float(share) < 1.0 or n_cases - max(1, round(share * n_cases)) < retrieval.k:
            message = (
                f"leave_out has {share!r}; allowed: shares between 0 and 1 that leave at least k = {retrieval.k} "
                f"of the {n_cases} cases."
            )
            raise DomainError(message)
    for number in far_cases:
        count = unboxed(number)
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            message = "far_cases must be whole numbers from 1."
            raise DomainError(message)
    for rho in coefficients:
        if not 0.0 < float(rho) <= 1.0:
            message = f"coefficients has {rho!r}; allowed: (0, 1]."
            raise DomainError(message)
    changes = [(_LEAVE_OUT, float(share)) for share in leave_out]
    changes += [(_FAR, float(number)) for number in far_cases]
    changes += [(_RHO, float(rho)) for rho in coefficients]
    if not changes:
        message = "leave_out, far_cases and coefficients are all empty; name at least one change."
        raise DomainError(message)
    return tuple(changes)


def _changed(
    retrieval: Retrieval,
    changes: tuple[tuple[str, float], ...],
    box: tuple[FloatArray, FloatArray],
    rng: np.random.RandomState,
) -> Iterator[_Change]:
    """Make each changed case base, the random ones anew."""
    for kind, size in changes:
        if kind == _LEAVE_OUT:
            yield _left_out(retrieval, size, rng)
        elif kind == _FAR:
            yield _with_far_cases(retrieval, int(size), box, rng)
        else:
            yield _with_coefficient(retrieval, size)


def _shares(
    retrieval: Retrieval,
    queries: FloatArray,
    changes: tuple[tuple[str, float], ...],
    repeats: int,
    rng: np.random.RandomState,
) -> FloatArray:
    """Count for each repeat, change and method watched what :data:`COUNTED` names; NaN where it does not apply."""
    shares = np.full((repeats, len(changes), len(WATCHED), len(COUNTED)), np.nan)
    both = np.concatenate([retrieval.cases, queries])
    box = both.min(axis=0), both.max(axis=0)
    grey, rival = _by_grey(retrieval, queries), _by_manhattan(retrieval, queries)
    for repeat in range(repeats):
        shuffled = np.stack([rng.permutation(column) for column in queries.T], axis=1)
        noise = _by_grey(retrieval, shuffled)
        for place, change in enumerate(_changed(retrieval, changes, box, rng)):
            found = shares[repeat, place]
            found[2] = change.shares(_by_grey, shuffled, noise)
            if changes[place][0] != _RHO:
                found[0] = change.shares(_by_grey, queries, grey)
                found[1] = change.shares(_by_manhattan, queries, rival)
            else:
                found[0] = shares[0, place, 0] if repeat else change.shares(_by_grey, queries, grey)
    return shares


def _core_and_queries(model: Any, X: Any) -> tuple[Retrieval, FloatArray]:
    """Give the core of a fitted model, or a core itself, and the customers in its columns."""
    if isinstance(model, Retrieval):
        names = model.hierarchy.indicators
        return model, _frames.numeric(X, names, argument="X", nulls=model.missing == "skip")
    if not hasattr(model, "_queries"):
        message = f"model is a {type(model).__name__}; allowed: a fitted CaseBasedClassifier."
        raise DomainError(message)
    queries: FloatArray = model._queries(X)  # noqa: SLF001 - the model's own reading of a table
    core: Retrieval = model._retrieval  # noqa: SLF001 - the fitted core
    return core, queries


def answer_stability(
    model: FittedModel | Retrieval,
    X: Table,
    *,
    leave_out: Sequence[float] = (0.01, 0.05, 0.1),
    far_cases: Sequence[int] = (1, 3),
    coefficients: Sequence[float] = (0.1, 0.3, 0.7, 1.0),
    n_repeats: int = 20,
    random_state: RandomState = None,
) -> AnswerStability:
    r"""Count the answers that change when cases are left out, far cases are added, or rho moves.

    A grey similarity reads every distance relative to the smallest and largest ones at hand, so that a case may
    change the order of two others (wholeness). This says how often, beside a method that cannot do so and beside
    customers that do not exist.

    Parameters
    ----------
    model : CaseBasedClassifier
        The fitted model; its k and vote decide the class.
    X : table of shape (n_customers, n_indicators)
        Customers, in the columns of the fit; a random part of them is enough.
    leave_out : sequence of float, default=(0.01, 0.05, 0.1)
        Shares of the cases to be left out at random, rounded, at least one case.
    far_cases : sequence of int, default=(1, 3)
        Numbers of far cases to be added. A far case stands at a corner of the box that runs, for each indicator,
        from the smallest to the largest value among cases and customers; the end is drawn with equal chances for
        each indicator. It takes the class that the model gives it.
    coefficients : sequence of float, default=(0.1, 0.3, 0.7, 1.0)
        Distinguishing coefficients, in (0, 1].
    n_repeats : int, default=20
        How often cases are drawn, and columns are shuffled.
    random_state : int, RandomState or None, default=None
        Source of the draws.

    Returns
    -------
    AnswerStability
        Shares of customers with another nearest case or class, for the model, for weighted Manhattan 1-NN on the
        same changed cases, and for the model on customers whose columns were shuffled one by one.

    Raises
    ------
    DataError
        If `X` is empty or holds a missing value.
    DomainError
        If `model` is no fitted classifier or a setting is out of range.

    See Also
    --------
    compare_baselines : Whether the classes are right, against simpler rivals.

    Notes
    -----
    Wholeness is one of the axioms of grey relational analysis [1]_, and what it admits is known as rank reversal
    in decision analysis [2]_. With ``ranges="frozen"`` no case moves another one's similarity, and rank reversal
    by cases is exactly zero. A changed k-th voter may change the class too where `k` is above 1. Rho has no draws:
    its shares are the same in all repeats but on shuffled columns. Cost: :math:`2 (a + b) + c + 1` searches of all
    cases a customer and repeat, for a, b and c changes of the three kinds.

    References
    ----------
    .. [1] Deng, J.-L. (1989). Introduction to grey system theory. *The Journal of Grey System*, 1(1), 1-24.
    .. [2] Belton, V., & Gear, T. (1983). On a short-coming of Saaty's method of analytic hierarchies. *Omega*,
       11(3), 228-230.

    Examples
    --------
    >>> from custvalue import cbr, grey
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["turnover", "balance"]})
    >>> cases, y = [[0.1, 0.2], [0.3, 0.2], [0.8, 0.9], [0.9, 0.7]], [1, 1, 2, 2]
    >>> model = cbr.CaseBasedClassifier(hierarchy).fit(cases, y)
    >>> stable = cbr.answer_stability(
    ...     model, [[0.2, 0.2], [0.7, 0.8]], leave_out=[0.25], far_cases=[], coefficients=[], random_state=0)
    >>> stable.class_changed.shape
    (1, 3, 20)
    """
    retrieval, queries = _core_and_queries(model, X)
    repeats = whole_number(n_repeats, "n_repeats", 1)
    if len(queries) == 0 or np.isnan(queries).any():
        message = (
            "X is empty or holds missing values; stability is told on customers with all indicators. Leave the "
            "others out."
        )
        raise DataError(message)
    changes = _checked_changes(retrieval, leave_out, far_cases, coefficients)
    shares = _shares(retrieval, queries, changes, repeats, check_random_state(random_state))
    counted = {name: read_only(shares[..., place].transpose(1, 2, 0).copy()) for place, name in enumerate(COUNTED)}
    facts = {"customers": len(queries), "cases": len(retrieval.cases)}
    spec = retrieval.hierarchy.model_dump_json()
    return AnswerStability(changes=changes, watched=WATCHED, provenance=provenance(spec, **facts), **counted)
