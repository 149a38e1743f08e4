"""Every case compared with all others: itself left out, of the ranges too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from custvalue._kernels import relational, relational_nearest
from custvalue._relational_analysis.hierarchy import Hierarchy
from custvalue._relational_analysis.nearest import (
    ClassNearest,
    Engine,
    Nearest,
    checked_classes,
    checked_engine,
    checked_k,
    nearest_of,
)
from custvalue._relational_analysis.ranges import case_table, measure_of
from custvalue._results import provenance, read_only
from custvalue._spec import require
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from custvalue._relational_analysis.ranges import FrozenRanges
    from custvalue._typing import ArrayLike, FloatArray, IntArray, Table

#: A case that is left out needs another one to be compared with.
FEWEST = 2


def _cases(cases: Table, hierarchy: Hierarchy) -> FloatArray:
    known = case_table(cases, require(hierarchy, Hierarchy, "hierarchy").indicators)
    if len(known) < FEWEST:
        message = "cases has one case; allowed: at least two, since each is compared with the others."
        raise DomainError(message)
    return known


def _rows(rows: ArrayLike | None, n_cases: int) -> IntArray:
    if rows is None:
        return np.arange(n_cases)
    given = np.asarray(rows)
    if given.size == 0:
        return np.empty(0, dtype=np.int64)
    if given.ndim != 1 or given.dtype.kind not in "iu" or given.min() < 0 or given.max() >= n_cases:
        message = f"rows must hold positions of cases, whole numbers from 0 to {n_cases - 1}."
        raise DomainError(message)
    return given.astype(np.int64, copy=False)


def leave_one_out_similarity(
    cases: Table,
    hierarchy: Hierarchy,
    *,
    rows: ArrayLike | None = None,
    ranges: FrozenRanges | None = None,
) -> FloatArray:
    r"""Compute the similarity of cases to all other cases, each left out of the ranges too.

    Parameters
    ----------
    cases : table of shape (n_cases, n_indicators)
        The case base. Columns of a frame are matched by name; an array has them in the order of
        ``hierarchy.indicators``.
    hierarchy : Hierarchy
        Groups, weights at both levels, the distinguishing coefficient, and which indicators share their ranges.
    rows : array_like of int, shape (n_rows,), default=None
        Positions of the cases that are asked; None asks all.
    ranges : FrozenRanges, default=None
        Ranges fixed beforehand; None finds them among the other cases, for each case anew.

    Returns
    -------
    ndarray of shape (n_rows, n_cases)
        Row i is what :func:`similarity` gives for that case as a query against the others; its own entry is -inf.

    Raises
    ------
    ColumnError
        If an indicator of the hierarchy is missing or not numeric.
    DataError
        If a value is missing or infinite.
    DomainError
        If there are fewer than two cases, `rows` holds anything but positions, the number of columns does not
        fit, or `ranges` names other indicators.

    See Also
    --------
    similarity : Of queries to cases.
    leave_one_out_nearest : The most similar other cases only.

    Notes
    -----
    Formulas and source as in :func:`similarity`. A case's own distance, zero, would make the smallest distance
    of every group zero; without it the smallest is that to the neighbours in the sorted column, another case with
    the same value included. Cost: :math:`O(n (mp + p \log m))` time for n rows; memory beyond the result one
    sorted copy of the cases and :math:`O(np)`.

    Examples
    --------
    >>> from custvalue import grey
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["turnover"]})
    >>> grey.leave_one_out_similarity([[0.0], [0.25], [1.0]], hierarchy).round(4)
    array([[  -inf, 1.    , 0.5   ],
           [1.    ,   -inf, 0.5556],
           [0.8333, 1.    ,   -inf]])
    """
    known = _cases(cases, hierarchy)
    chosen = _rows(rows, len(known))
    return relational.similarity_matrix(known[chosen], known, measure_of(hierarchy, ranges), own=chosen)


def leave_one_out_nearest(
    cases: Table,
    hierarchy: Hierarchy,
    k: int = 1,
    *,
    ranges: FrozenRanges | None = None,
    engine: Engine = "auto",
    n_threads: int = 1,
) -> Nearest:
    r"""Find the k most similar other cases of every case, itself left out of the ranges too.

    Parameters
    ----------
    cases : table of shape (n_cases, n_indicators)
        The case base.
    hierarchy : Hierarchy
        Groups, weights at both levels, the distinguishing coefficient, and which indicators share their ranges.
    k : int, default=1
        How many cases, from 1 to the number of other cases.
    ranges : FrozenRanges, default=None
        Ranges fixed beforehand; None finds them among the other cases, for each case anew.
    engine : {"auto", "numpy", "numba"}, default="auto"
        What computes; the result is the same, bit for bit. ``"numba"`` needs the extra ``custvalue[fast]`` and
        takes some seconds to compile, once a process. ``"auto"`` takes it where it is installed and queries x
        cases x indicators reach five thousand million, or a million once it has been compiled.
    n_threads : int, default=1
        How many threads may work at a time, from 1. The result is the same, bit for bit.

    Returns
    -------
    Nearest
        One row a case; positions are those in `cases`.

    Raises
    ------
    ColumnError
        If an indicator of the hierarchy is missing or not numeric.
    DataError
        If a value is missing or infinite.
    DomainError
        If there are fewer than two cases, or as in :func:`nearest`.

    See Also
    --------
    nearest : For other customers.
    leave_one_out_by_class : The most similar other case of each class.

    Notes
    -----
    As :func:`leave_one_out_similarity`, with the time and memory of :func:`nearest`.

    Examples
    --------
    >>> from custvalue import grey
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["turnover"]})
    >>> grey.leave_one_out_nearest([[0.0], [0.25], [1.0]], hierarchy).index[:, 0]
    array([1, 0, 1])
    """
    known = _cases(cases, hierarchy)
    k = checked_k(k, len(known) - 1, "other cases")
    measure = measure_of(hierarchy, ranges)
    how = checked_engine(engine, n_threads, len(known), known)
    own = np.arange(len(known))
    found = relational_nearest.nearest_cases(known, known, measure, k, own=own, **how)
    counts = provenance(hierarchy.model_dump_json(), queries=len(known), cases=len(known))
    return nearest_of(found, counts)


def leave_one_out_by_class(
    cases: Table,
    classes: ArrayLike,
    n_classes: int,
    hierarchy: Hierarchy,
    *,
    ranges: FrozenRanges | None = None,
    engine: Engine = "auto",
    n_threads: int = 1,
) -> ClassNearest:
    r"""Find the most similar other case of each class for every case, itself left out of the ranges too.

    Parameters
    ----------
    cases : table of shape (n_cases, n_indicators)
        The case base.
    classes : array_like of int, shape (n_cases,)
        Class of each case, a code from 0 to ``n_classes - 1``.
    n_classes : int
        Number of classes.
    hierarchy : Hierarchy
        Groups, weights at both levels, the distinguishing coefficient, and which indicators share their ranges.
    ranges : FrozenRanges, default=None
        Ranges fixed beforehand; None finds them among the other cases, for each case anew.
    engine : {"auto", "numpy", "numba"}, default="auto"
        What computes; the result is the same, bit for bit. ``"numba"`` needs the extra ``custvalue[fast]`` and
        takes some seconds to compile, once a process. ``"auto"`` takes it where it is installed and queries x
        cases x indicators reach five thousand million, or a million once it has been compiled.
    n_threads : int, default=1
        How many threads may work at a time, from 1. The result is the same, bit for bit.

    Returns
    -------
    ClassNearest
        One row a case; -1 and -inf where a class has no other case.

    Raises
    ------
    ColumnError
        If an indicator of the hierarchy is missing or not numeric.
    DataError
        If a value is missing or infinite.
    DomainError
        If there are fewer than two cases, or as in :func:`nearest_by_class`.

    See Also
    --------
    nearest_by_class : For other customers.

    Notes
    -----
    As :func:`leave_one_out_similarity`, with the time and memory of :func:`nearest`. The nearest case of the own
    class and the nearest of the others are what nearest-neighbour nonconformity scores and edited case bases ask
    for.

    Examples
    --------
    >>> from custvalue import grey
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["turnover"]})
    >>> grey.leave_one_out_by_class([[0.0], [0.25], [1.0]], [0, 0, 1], 2, hierarchy).index
    array([[ 1,  2],
           [ 0,  2],
           [ 1, -1]])
    """
    known = _cases(cases, hierarchy)
    codes, n_classes = checked_classes(classes, n_classes, len(known))
    measure = measure_of(hierarchy, ranges)
    how = checked_engine(engine, n_threads, len(known), known)
    own = np.arange(len(known))
    found = relational_nearest.nearest_by_class(known, known, codes, n_classes, measure, own=own, **how)
    index, similarity = (read_only(array) for array in found)
    counts = provenance(hierarchy.model_dump_json(), queries=len(known), cases=len(known))
    return ClassNearest(index, similarity, counts)
