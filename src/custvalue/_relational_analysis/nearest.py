"""The most similar cases of each query, over all classes or of each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

import numpy as np
import pandas as pd

from custvalue._kernels import relational_nearest
from custvalue._relational_analysis.ranges import checked_pair, measure_of
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import whole_number
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from custvalue._relational_analysis.hierarchy import Hierarchy
    from custvalue._relational_analysis.ranges import FrozenRanges
    from custvalue._typing import ArrayLike, BoolArray, FloatArray, IntArray, Table

Engine: TypeAlias = Literal["auto", "numpy", "numba"]


@dataclass(frozen=True, eq=False, repr=False)
class Nearest:
    """The most similar cases of each query, the most similar first.

    Attributes
    ----------
    index : ndarray of int, shape (n_queries, k)
        Positions of the cases; among equally similar ones the lowest position comes first.
    similarity : ndarray of shape (n_queries, k)
        Their similarities, falling.
    margin : ndarray of shape (n_queries,)
        Similarity of the best case less that of the next, whatever `k`; where there is one case only, its
        similarity.
    tied : ndarray of bool, shape (n_queries,)
        Whether another case is exactly as similar as the best.
    provenance : Provenance
        Package version, hierarchy and row counts.

    Examples
    --------
    >>> from custvalue import grey
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["turnover"]})
    >>> found = grey.nearest([[0.5]], [[0.4], [0.9], [0.4]], hierarchy, k=2)
    >>> found.index, found.tied
    (array([[0, 2]]), array([ True]))
    """

    index: IntArray
    similarity: FloatArray
    margin: FloatArray
    tied: BoolArray
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Give one row a query and retrieved case.

        Returns
        -------
        pandas.DataFrame
            Columns ``query``, ``rank`` (from 1), ``case`` (position), ``similarity``.
        """
        n, k = self.index.shape
        return pd.DataFrame(
            {
                "query": np.repeat(np.arange(n), k),
                "rank": np.tile(np.arange(1, k + 1), n),
                "case": self.index.ravel(),
                "similarity": self.similarity.ravel(),
            }
        )

    def __repr__(self) -> str:
        return short_repr("Nearest", k=self.index.shape[1], tied=int(self.tied.sum()), **self.provenance.counts)

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        caption = f"Nearest cases of {len(self.index)} queries; {int(self.tied.sum())} tied"
        return html_table(list(frame.columns), frame.to_numpy().tolist(), caption=caption)


@dataclass(frozen=True, eq=False, repr=False)
class ClassNearest:
    """The most similar case of each class, for each query.

    Attributes
    ----------
    index : ndarray of int, shape (n_queries, n_classes)
        Position of the case, the lowest among equally similar ones; -1 where a class has no case.
    similarity : ndarray of shape (n_queries, n_classes)
        Its similarity; -inf where a class has no case.
    provenance : Provenance
        Package version, hierarchy and row counts.

    Examples
    --------
    >>> from custvalue import grey
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["turnover"]})
    >>> grey.nearest_by_class([[0.5]], [[0.4], [0.9], [0.3]], [1, 0, 1], 2, hierarchy).index
    array([[1, 0]])
    """

    index: IntArray
    similarity: FloatArray
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Give one row a query and class.

        Returns
        -------
        pandas.DataFrame
            Columns ``query``, ``class`` (code), ``case`` (position, -1 without a case), ``similarity``.
        """
        n, n_classes = self.index.shape
        return pd.DataFrame(
            {
                "query": np.repeat(np.arange(n), n_classes),
                "class": np.tile(np.arange(n_classes), n),
                "case": self.index.ravel(),
                "similarity": self.similarity.ravel(),
            }
        )

    def __repr__(self) -> str:
        return short_repr("ClassNearest", classes=self.index.shape[1], **self.provenance.counts)

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        caption = f"Nearest case of each of {self.index.shape[1]} classes, {len(self.index)} queries"
        return html_table(list(frame.columns), frame.to_numpy().tolist(), caption=caption)


def nearest(
    queries: Table,
    cases: Table,
    hierarchy: Hierarchy,
    k: int = 1,
    *,
    ranges: FrozenRanges | None = None,
    engine: Engine = "auto",
    n_threads: int = 1,
) -> Nearest:
    r"""Find the k most similar cases of every query, exactly, without holding queries x cases.

    Parameters
    ----------
    queries : table of shape (n_queries, n_indicators)
        Customers to be compared.
    cases : table of shape (n_cases, n_indicators)
        The case base, on the same scale.
    hierarchy : Hierarchy
        Groups, weights at both levels, the distinguishing coefficient, and which indicators share their ranges.
    k : int, default=1
        How many cases, from 1 to the number of cases.
    ranges : FrozenRanges, default=None
        Ranges fixed beforehand; None finds smallest and largest distance among `cases`, for each query anew.
    engine : {"auto", "numpy", "numba"}, default="auto"
        What computes; the result is the same, bit for bit. ``"numba"`` needs the extra ``custvalue[fast]`` and
        takes some seconds to compile, once a process. ``"auto"`` takes it where it is installed and queries x
        cases x indicators reach five thousand million, or a million once it has been compiled.
    n_threads : int, default=1
        How many threads may work at a time, from 1. The result is the same, bit for bit.

    Returns
    -------
    Nearest
        Positions, similarities, margin and ties.

    Raises
    ------
    ColumnError
        If an indicator of the hierarchy is missing or not numeric.
    DataError
        If a value is missing or infinite.
    DomainError
        If `k` or `n_threads` is out of range, `engine` is unknown or not installed, there is no case, the number
        of columns does not fit, or `ranges` names other indicators.

    See Also
    --------
    similarity : The whole matrix.
    nearest_by_class : The most similar case of each class.
    leave_one_out_nearest : For the cases themselves.

    Notes
    -----
    Formulas and source as in :func:`similarity`; the same bits, whatever the batch, the engine and the number of
    threads. Ties go to the case that stands first. Each unit's smallest and largest distance comes from sorted
    columns in :math:`O(p \log m)` a query, bit for bit what a scan gives.

    Up to eight cases are found by a scan in float32 whose error is bounded for each query; the cases within that
    bound of the best (about two of them) are computed in float64 and ranked. Where the bound does not hold or too
    many cases are near, and for larger `k`, all are computed in float64. Cost: :math:`O(nmp)` time, and the
    sorting of the cases; larger `k` adds :math:`O(n (m + k \log k))`. Memory beyond inputs, result and one sorted
    copy of the cases: less than 64 MB for one thread and `k` up to 500,000, whatever n and m; each further thread
    takes about 12 MB. A table that is no float64 array (a frame, say) is copied once.

    Examples
    --------
    >>> from custvalue import grey
    >>> hierarchy = grey.Hierarchy.equal({"recency": ["last_visit"], "monetary": ["turnover", "balance"]})
    >>> cases = [[0.2, 0.1, 0.3], [1.0, 0.8, 0.9]]
    >>> found = grey.nearest([[0.9, 0.7, 0.9]], cases, hierarchy)
    >>> found.index, found.similarity.round(4), found.margin.round(4)
    (array([[1]]), array([[0.9375]]), array([0.5565]))
    """
    wanted, known = checked_pair(queries, cases, hierarchy)
    measure = measure_of(hierarchy, ranges)
    k = checked_k(k, len(known), "cases")
    how = checked_engine(engine, n_threads, len(wanted), known)
    found = relational_nearest.nearest_cases(wanted, known, measure, k, **how)
    counts = provenance(hierarchy.model_dump_json(), queries=len(wanted), cases=len(known))
    return nearest_of(found, counts)


def nearest_by_class(
    queries: Table,
    cases: Table,
    classes: ArrayLike,
    n_classes: int,
    hierarchy: Hierarchy,
    *,
    ranges: FrozenRanges | None = None,
    engine: Engine = "auto",
    n_threads: int = 1,
) -> ClassNearest:
    r"""Find the most similar case of each class for every query, exactly.

    The ranges run over the cases of all classes, so the similarities are those of :func:`similarity`.

    Parameters
    ----------
    queries : table of shape (n_queries, n_indicators)
        Customers to be compared.
    cases : table of shape (n_cases, n_indicators)
        The case base, on the same scale.
    classes : array_like of int, shape (n_cases,)
        Class of each case, a code from 0 to ``n_classes - 1``.
    n_classes : int
        Number of classes.
    hierarchy : Hierarchy
        Groups, weights at both levels, the distinguishing coefficient, and which indicators share their ranges.
    ranges : FrozenRanges, default=None
        Ranges fixed beforehand; None finds smallest and largest distance among `cases`, for each query anew.
    engine : {"auto", "numpy", "numba"}, default="auto"
        What computes; the result is the same, bit for bit. ``"numba"`` needs the extra ``custvalue[fast]`` and
        takes some seconds to compile, once a process. ``"auto"`` takes it where it is installed and queries x
        cases x indicators reach five thousand million, or a million once it has been compiled.
    n_threads : int, default=1
        How many threads may work at a time, from 1. The result is the same, bit for bit.

    Returns
    -------
    ClassNearest
        Positions and similarities, a column a class.

    Raises
    ------
    ColumnError
        If an indicator of the hierarchy is missing or not numeric.
    DataError
        If a value is missing or infinite.
    DomainError
        If `classes` does not hold a code for each case; or as in :func:`nearest`.

    See Also
    --------
    nearest : The most similar cases of all classes together.
    leave_one_out_by_class : For the cases themselves.

    Notes
    -----
    Formulas and source as in :func:`similarity`. Cost: that of :func:`nearest`, since every case belongs to one
    class.

    Examples
    --------
    >>> from custvalue import grey
    >>> hierarchy = grey.Hierarchy.equal({"recency": ["last_visit"], "monetary": ["turnover"]})
    >>> cases = [[0.2, 0.1], [1.0, 0.8], [0.9, 0.9]]
    >>> found = grey.nearest_by_class([[0.9, 0.7]], cases, [0, 1, 1], 2, hierarchy)
    >>> found.index, found.similarity.round(4)
    (array([[0, 2]]), array([[0.3889, 0.9   ]]))
    """
    wanted, known = checked_pair(queries, cases, hierarchy)
    measure = measure_of(hierarchy, ranges)
    codes, n_classes = checked_classes(classes, n_classes, len(known))
    how = checked_engine(engine, n_threads, len(wanted), known)
    found = relational_nearest.nearest_by_class(wanted, known, codes, n_classes, measure, **how)
    index, similarity = (read_only(array) for array in found)
    counts = provenance(hierarchy.model_dump_json(), queries=len(wanted), cases=len(known))
    return ClassNearest(index, similarity, counts)


def nearest_of(found: tuple[IntArray, FloatArray, FloatArray], counts: Provenance) -> Nearest:
    """Wrap what the kernel found; a margin of +inf says that there is no next case."""
    index, similarity, margin = found
    tied = margin == 0.0
    alone = np.isposinf(margin)
    margin[alone] = similarity[alone, 0]
    return Nearest(read_only(index), read_only(similarity), read_only(margin), read_only(tied), counts)


def checked_k(k: object, limit: int, what: str) -> int:
    """Refuse a number of cases that cannot be found."""
    return whole_number(k, "k", 1, limit, what=f"the number of {what}, ")


class How(TypedDict):
    """What computes."""

    compiled: bool
    n_threads: int


def checked_engine(engine: object, n_threads: object, n_queries: int, cases: FloatArray) -> How:
    """Refuse an unknown or missing engine and a senseless number of threads; say what computes."""
    if engine not in ("auto", "numpy", "numba"):
        message = "engine must be 'auto', 'numpy' or 'numba'."
        raise DomainError(message)
    threads = whole_number(n_threads, "n_threads", 1)
    try:
        compiled = relational_nearest.compiles(str(engine), n_queries, cases)
    except ImportError:
        message = "engine is 'numba', which is not installed: pip install 'custvalue[fast]', or take 'numpy'."
        raise DomainError(message) from None
    return How(compiled=compiled, n_threads=threads)


def checked_classes(classes: ArrayLike, n_classes: object, n_cases: int) -> tuple[IntArray, int]:
    """Refuse classes that are not one code a case."""
    number = whole_number(n_classes, "n_classes", 1)
    codes = np.asarray(classes)
    if codes.shape != (n_cases,) or codes.dtype.kind not in "iu":
        message = (
            f"classes has shape {codes.shape} and type {codes.dtype}; allowed: whole numbers, one for each of the "
            f"{n_cases} cases."
        )
        raise DomainError(message)
    if codes.min() < 0 or codes.max() >= number:
        message = f"classes has codes outside 0 to {number - 1}; allowed: 0 to n_classes - 1."
        raise DomainError(message)
    return codes.astype(np.int64, copy=False), number
