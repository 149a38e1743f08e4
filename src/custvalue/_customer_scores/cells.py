"""Cells: the combination of scores that a customer has, and what the customers of each cell are like."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from custvalue import _frames
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import IntArray, Table

#: Joins the scores of a cell to a text: 5-4-3.
JOINER = "-"
#: Columns of the table of cells beside the scores.
OWN_COLUMNS = ("cell", "customers", "share")
#: Larger scores are no scores.
HIGHEST_SCORE = 1000
#: Beyond this many possible cells rows are compared as rows and not as one number.
LARGEST_CODE = 2**62


@dataclass(frozen=True, eq=False, repr=False)
class Cells:
    """The cell of every customer.

    Attributes
    ----------
    columns : tuple of str
        The columns of scores, in the order of the cell's parts.
    scores : ndarray of int, shape (n_customers, n_columns)
        One row a customer: the cell as a tuple.
    labels : frame in the caller's library, or ndarray of str
        One row a customer, the column ``cell``: the cell as a text such as ``"5-4-3"``; a pandas frame keeps the
        index of the scores.
    provenance : Provenance
        Package version and row counts.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import rfm
    >>> scores = pd.DataFrame({"recency_score": [5, 1, 5], "frequency_score": [4, 2, 4]}, index=["a", "b", "c"])
    >>> found = rfm.cells(scores)
    >>> found.labels
      cell
    a  5-4
    b  1-2
    c  5-4
    >>> found.to_frame()
       recency_score  frequency_score cell  customers     share
    0              5                4  5-4          2  0.666667
    1              1                2  1-2          1  0.333333
    """

    columns: tuple[str, ...]
    scores: IntArray
    labels: Any
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Count the customers of every cell that has one.

        Returns
        -------
        pandas.DataFrame
            One row a cell, the highest scores first: the columns of scores, ``cell``, ``customers`` and their
            ``share`` of all customers.
        """
        return self._counted()[0]

    def means(self, values: Table, *, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Average figures of the customers over every cell that has one.

        Parameters
        ----------
        values : table of shape (n_customers, n_figures)
            Numbers of the same customers in the same order; a pandas frame is put into the order of the scores'
            index, if the scores have one. Null is left out of the mean and the count of its column.
        columns : sequence of str, default=None
            Which columns of a frame to average; None takes all.

        Returns
        -------
        pandas.DataFrame
            As `to_frame`, with ``<name>_mean`` and ``<name>_known``, the number of customers in it, for each
            figure; the mean of a cell without any is NaN.

        Raises
        ------
        ColumnError
            If a column is missing or holds no numbers, or a score has the name of a column of the means.
        DataError
            If a value is infinite, or the pandas indexes do not hold the same customers.
        DomainError
            If the number of rows differs, or `columns` are no sequence of different names.
        """
        _require_names(columns)
        numbers = _frames.numeric(values, columns, argument="values", nulls=True)
        if len(numbers) != len(self.scores):
            message = f"values has {len(numbers)} rows and there are {len(self.scores)} customers; give one a row."
            raise DomainError(message)
        own = _frames.row_labels(self.labels) if _frames.is_frame(self.labels) else None
        other = _frames.row_labels(values) if _frames.is_frame(values) else None
        if own is not None and other is not None and own != other:
            numbers = numbers[_places_of(own, other)]
        names = list(columns) if columns is not None else list(_frames.column_names(values) or ())
        names = names or [f"x{j}" for j in range(numbers.shape[1])]
        frame, place = self._counted()
        new = {f"{name}_{what}" for name in names for what in ("mean", "known")}
        if taken := [name for name in self.columns if name in new]:
            message = f"scores are named {taken}, which the means are called; rename these columns of scores."
            raise ColumnError(message)
        for j, name in enumerate(names):
            known = ~np.isnan(numbers[:, j])
            counts = np.bincount(place[known], minlength=len(frame))
            # Sorted first, so that the sum does not depend on the order of the customers.
            order = np.lexsort((numbers[known, j], place[known]))
            sums = np.bincount(place[known][order], weights=numbers[known, j][order], minlength=len(frame))
            with np.errstate(invalid="ignore", divide="ignore"):
                frame[f"{name}_mean"] = sums / counts
            frame[f"{name}_known"] = counts
        return frame

    def _counted(self) -> tuple[pd.DataFrame, IntArray]:
        """Count by cell, and give each customer's place among the cells."""
        found, place, counts = by_cell(self.scores)
        frame = pd.DataFrame({name: found[:, j] for j, name in enumerate(self.columns)})
        frame["cell"] = [label_of(row) for row in found.tolist()]
        frame["customers"] = counts
        frame["share"] = counts / max(len(self.scores), 1)
        return frame, place

    def __repr__(self) -> str:
        cells_ = self.provenance.counts["cells"]
        return short_repr("Cells", customers=len(self.scores), columns=len(self.columns), cells=cells_)

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        caption = f"Cells: {len(self.scores)} customers in {len(frame)} cells"
        return html_table(list(frame.columns), frame.itertuples(index=False), caption=caption)


def cells(scores: Table, *, columns: Sequence[str] | None = None) -> Cells:
    r"""Give the cell of every customer: the combination of the chosen scores.

    Parameters
    ----------
    scores : table of shape (n_customers, n_scores)
        Whole scores from 1, as :meth:`RFMScorer.transform` gives them.
    columns : sequence of str, default=None
        Columns of a frame that make the cell, in order; None takes all of them.

    Returns
    -------
    Cells
        The cell of each customer as a tuple and as a text, with counts and means by cell.

    Raises
    ------
    ColumnError
        If a column is missing or holds no numbers, or is named ``cell``, ``customers`` or ``share``, as columns of
        the result are.
    DataError
        If a score is missing or not a whole number from 1.
    DomainError
        If `scores` is no table, has no column, or `columns` are given for an array.

    See Also
    --------
    SegmentMap : Names groups of cells.

    Notes
    -----
    The classic cell of a customer is the three scores written one after the other [1]_. They are joined by a
    hyphen here, because scores may exceed 9. Cost: :math:`O(n \log n)`.

    References
    ----------
    .. [1] Hughes, A. M. (1994). *Strategic Database Marketing*. Probus.

    Examples
    --------
    >>> from custvalue import rfm
    >>> rfm.cells([[5, 4, 3], [1, 1, 2]]).labels
    array(['5-4-3', '1-1-2'], dtype='<U5')
    """
    if columns is not None and not _frames.is_frame(scores):
        message = "columns name columns of a frame, and scores is an array; choose the array's columns instead."
        raise DomainError(message)
    _require_names(columns)
    numbers = whole_scores(scores, columns)
    names = columns if columns is not None else _frames.column_names(scores)
    kept = tuple(names) if names is not None else tuple(f"x{j}" for j in range(numbers.shape[1]))
    if not kept:
        message = "scores has no column; a cell needs one score at least."
        raise DomainError(message)
    if taken := [name for name in kept if name in OWN_COLUMNS]:
        message = (
            f"scores has columns {taken}, as columns of the result are named; rename them, or choose the scores "
            "with columns=."
        )
        raise ColumnError(message)
    found, place, _ = by_cell(numbers)
    texts = np.array([label_of(row) for row in found.tolist()], dtype=np.str_)[place]
    labels = _frames.like(scores, {"cell": texts}) if _frames.is_frame(scores) else read_only(texts)
    return Cells(kept, read_only(numbers), labels, provenance(customers=len(numbers), cells=len(found)))


def _require_names(columns: object) -> None:
    """Refuse a text and names that come twice."""
    if columns is None:
        return
    given = [] if isinstance(columns, str) or not isinstance(columns, Iterable) else list(columns)
    if isinstance(columns, str) or not isinstance(columns, Iterable) or len(set(given)) < len(given):
        message = "columns must be a sequence of different names."
        raise DomainError(message)


def _places_of(own: list[Any], other: list[Any]) -> IntArray:
    """Give the place of each label among the others; refuse labels that are not the same or not unique."""
    places = _frames.places_by_label(own, other)
    if places is None:
        message = (
            "values and the scores have different pandas indexes, which do not hold the same customers once each; "
            "give figures of the same customers, or an array in their order."
        )
        raise DataError(message)
    return places.astype(np.int64)


def whole_scores(scores: Table, columns: Sequence[str] | None, highest: Sequence[int] | None = None) -> IntArray:
    """Give the scores as whole numbers from 1 to the highest; refuse others by column and count."""
    numbers = _frames.numeric(scores, columns, argument="scores", nulls=True)
    names = columns if columns is not None else _frames.column_names(scores)
    limits = np.array(highest if highest is not None else [HIGHEST_SCORE] * numbers.shape[1], dtype=np.float64)
    # NaN compares as false, so what is missing is refused too.
    wrong = ~((numbers >= 1.0) & (numbers <= limits) & (numbers == np.floor(numbers)))
    for j in np.flatnonzero(wrong.any(axis=0)).tolist():
        name = f"'{names[j]}'" if names is not None else f"column {j}"
        limit = f" to {int(limits[j])}" if highest is not None else ""
        message = (
            f"scores holds {int(wrong[:, j].sum())} value(s) in {name} that are no whole number from 1{limit}. "
            "Give the scores of RFMScorer.transform, with as many bins as meant here."
        )
        raise DataError(message)
    return numbers.astype(np.int64)


def by_cell(scores: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Give the different rows, the highest first, each row's place among them, and how often each occurs."""
    sizes = scores.max(axis=0, initial=1)
    if math.prod(sizes.tolist()) < LARGEST_CODE:
        codes = np.ravel_multi_index(tuple((sizes - scores).T), tuple(sizes))
        found, place, counts = np.unique(codes, return_inverse=True, return_counts=True)
        rows = sizes - np.column_stack(np.unravel_index(found, tuple(sizes)))
    else:
        falling, place, counts = np.unique(-scores, axis=0, return_inverse=True, return_counts=True)
        rows = -falling
    return rows, place.reshape(-1), counts


def label_of(scores: Sequence[int]) -> str:
    """Write one cell as a text."""
    return JOINER.join(map(str, scores))
