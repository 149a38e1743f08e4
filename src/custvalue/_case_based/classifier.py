"""Case-based classification: retrieve the nearest case, reuse its class, say why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, check_is_fitted, column_or_1d

from custvalue import _frames
from custvalue._case_based.case_base import CaseBase
from custvalue._case_based.explanation import Explanation, Explanations, indicator_table
from custvalue._estimators import Classifier, checked_table
from custvalue._results import provenance
from custvalue._spec import require, unboxed
from custvalue.exceptions import ColumnError, DataError, DomainError
from custvalue.grey import Hierarchy, Nearest, nearest, similarity, similarity_components

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from custvalue._typing import FloatArray, IntArray

#: Queries compared with all cases at a time while their rivals are looked for.
BLOCK = 256


def _classes_and_codes(labels: NDArray[Any]) -> tuple[NDArray[Any], IntArray]:
    try:
        check_classification_targets(labels)
        classes, codes = np.unique(labels, return_inverse=True)
    except TypeError:
        message = "y mixes kinds or holds missing classes; allowed: text only, or numbers only."
        raise DomainError(message) from None
    return classes, codes.astype(np.int64)


def _require_same_rows(X: Any, unscaled: Any) -> None:
    """Refuse two pandas frames whose rows are not the same customers in the same order."""
    rows, others = _frames.row_labels(X), _frames.row_labels(unscaled)
    if rows is not None and others is not None and rows != others:
        message = "unscaled has another index than X; give the same customers in order: unscaled.loc[X.index]."
        raise DataError(message)


class CaseBasedClassifier(Classifier):
    """Give a customer the class of the most similar case.

    Parameters
    ----------
    hierarchy : Hierarchy, default=None
        Groups, weights at both levels, and the distinguishing coefficient. None puts all columns into one group
        of equal weights.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    hierarchy_ : Hierarchy
        The hierarchy in use.
    cases_ : ndarray of shape (n_cases, n_indicators)
        The cases, in the order of ``hierarchy_.indicators``.
    case_classes_ : ndarray of int, shape (n_cases,)
        For each case the position of its class in `classes_`.
    case_names_ : tuple of str
        ``C1``, ``C2``, ... in the order of the cases; never a row label, which may be a customer's key.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str
        Names of the columns, where `X` had names.

    Raises
    ------
    ColumnError
        If the columns are not those of the hierarchy.
    DataError
        If a value is missing or infinite, or, under a given hierarchy, outside [0, 1].

    See Also
    --------
    build_case_base : Make classes and cases from past customers.

    Notes
    -----
    Retrieve and reuse of the case-based cycle (Aamodt and Plaza 1994, *AI Communications* 7(1), 39-59) under the
    two-level grey relational similarity of :func:`custvalue.grey.similarity`. Among equally similar cases the
    first wins. Columns of a group must share a scale, as those of :class:`custvalue.rfm.IndicatorScaler` do.
    Cost: :math:`O(nmp)` for n customers and m cases; memory as :func:`custvalue.grey.nearest`.

    Examples
    --------
    >>> from custvalue import cbr, grey
    >>> hierarchy = grey.Hierarchy.equal({"recency": ["last_visit"], "monetary": ["turnover", "balance"]})
    >>> cases = [[0.2, 0.1, 0.3], [1.0, 0.8, 0.9]]
    >>> model = cbr.CaseBasedClassifier(hierarchy).fit(cases, [1, 2])
    >>> model.predict([[0.9, 0.7, 0.9], [0.1, 0.2, 0.2]])
    array([2, 1])
    """

    def __init__(self, hierarchy: Hierarchy | None = None) -> None:
        self.hierarchy = hierarchy

    def fit(self, X: Any, y: Any) -> Self:
        """Take over the cases.

        Parameters
        ----------
        X : table of shape (n_cases, n_indicators)
            The cases.
        y : array_like of shape (n_cases,)
            Their classes: numbers or text.

        Returns
        -------
        CaseBasedClassifier
            The fitted model.
        """
        numbers = checked_table(self, X, reset=True)
        if y is None:
            message = "requires y to be passed, but the target y is None: give the class of each case."
            raise DomainError(message)
        labels = column_or_1d(np.asarray(y), warn=True)
        assert_all_finite(labels, input_name="y")
        classes, codes = _classes_and_codes(labels)
        if len(labels) != len(numbers):
            message = f"X has {len(numbers)} cases and y {len(labels)} classes; give one class a case."
            raise DomainError(message)
        self.hierarchy_ = self._resolved(numbers.shape[1])
        self._place = self._places()
        self.cases_ = np.ascontiguousarray(numbers[:, self._place])
        self.classes_, self.case_classes_ = classes, codes
        self._require_scaled(self.cases_)
        self.case_names_ = tuple(f"C{place}" for place in range(1, len(numbers) + 1))
        return self

    @classmethod
    def from_case_base(cls, cases: CaseBase) -> Self:
        """Fit the cases of a case base under the weights they were made with.

        Parameters
        ----------
        cases : CaseBase
            From :func:`build_case_base`.

        Returns
        -------
        CaseBasedClassifier
            The fitted model.

        Examples
        --------
        >>> from custvalue import cbr, grey
        >>> hierarchy = grey.Hierarchy.equal({"monetary": ["balance"]})
        >>> X = [[0.0], [0.1], [0.1], [0.0], [0.1], [0.9], [1.0], [0.9], [1.0], [0.9]]
        >>> cases = cbr.build_case_base(X, hierarchy, n_classes=2, random_state=0)
        >>> cbr.CaseBasedClassifier.from_case_base(cases).predict([[0.8]])
        array([2])
        """
        require(cases, CaseBase, "cases")
        return cls(hierarchy=cases.hierarchy).fit(cases.X, cases.y)

    def _require_scaled(self, numbers: FloatArray) -> None:
        """Refuse unscaled indicators, where the hierarchy says what they are."""
        if self.hierarchy is not None:
            _frames.require_unit_interval(numbers, self.hierarchy_.indicators)

    def _resolved(self, n_columns: int) -> Hierarchy:
        names = getattr(self, "feature_names_in_", None)
        if self.hierarchy is None:
            own = [str(name) for name in names] if names is not None else None
            return Hierarchy.equal({"all": own or [f"feature {j}" for j in range(1, n_columns + 1)]})
        if not isinstance(self.hierarchy, Hierarchy):
            message = f"hierarchy is a {type(self.hierarchy).__name__}; allowed: grey.Hierarchy or None."
            raise DomainError(message)
        return self.hierarchy

    def _places(self) -> IntArray:
        """Find the hierarchy's indicators among the columns; refuse any mismatch by name."""
        wanted = self.hierarchy_.indicators
        names = getattr(self, "feature_names_in_", None)
        if names is None:
            if self.n_features_in_ != len(wanted):
                message = (
                    f"X has {self.n_features_in_} columns and the hierarchy {len(wanted)} indicators "
                    f"({', '.join(wanted)}). Give the columns in that order, or a frame with these names."
                )
                raise ColumnError(message)
            return np.arange(len(wanted))
        have = [str(name) for name in names]
        missing = [name for name in wanted if name not in have]
        if missing:
            mend = "The hierarchy's indicators must be columns of X."
            raise ColumnError.missing(missing, available=have, mend=mend)
        surplus = [name for name in have if name not in wanted]
        if surplus:
            message = f"X has columns that the hierarchy does not weigh: {', '.join(surplus)}. Leave them out."
            raise ColumnError(message)
        return np.array([have.index(name) for name in wanted], dtype=np.int64)

    def _queries(self, X: Any) -> FloatArray:
        check_is_fitted(self)
        queries: FloatArray = np.ascontiguousarray(checked_table(self, X, reset=False)[:, self._place])
        self._require_scaled(queries)
        return queries

    def retrieve(self, X: Any, k: int = 1) -> Nearest:
        """Find the most similar cases of each customer.

        Parameters
        ----------
        X : table of shape (n_customers, n_indicators)
            Customers, in the columns of the fit.
        k : int, default=1
            How many cases.

        Returns
        -------
        Nearest
            Positions of the cases in `cases_`, similarities, margins and ties.

        Raises
        ------
        DomainError
            If `k` is not between 1 and the number of cases.
        """
        return nearest(self._queries(X), self.cases_, self.hierarchy_, k)

    def predict(self, X: Any) -> Any:
        """Give each customer the class of the most similar case.

        Parameters
        ----------
        X : table of shape (n_customers, n_indicators)
            Customers, in the columns of the fit.

        Returns
        -------
        ndarray of shape (n_customers,)
            Classes.
        """
        found = self.retrieve(X).index[:, 0]
        return self.classes_[self.case_classes_[found]]

    def explain(
        self, X: Any, *, unscaled: Any = None, labels: Sequence[Any] | None = None, disclose_cases: bool = False
    ) -> Explanations:
        """Say of each customer why the class was given.

        Parameters
        ----------
        X : table of shape (n_customers, n_indicators)
            Customers, in the columns of the fit; meant for a few.
        unscaled : table of shape (n_customers, n_indicators), default=None
            The same customers' indicators before scaling, to be shown beside; null is said as "none on record".
            A frame is matched by the indicators' names, an array has the columns of the fit.
        labels : sequence, default=None
            Names of the customers, such as ``snapshot.customers`` where the frame has no index; None takes the
            index of a pandas frame, else the positions.
        disclose_cases : bool, default=False
            Show the case's and the rival's scaled values too. Leave it off where cases are real customers and
            the explanation leaves the bank's model team.

        Returns
        -------
        Explanations
            One a customer: nearest case, nearest case of another class, and each indicator's contribution to
            both similarities. The contributions sum to the similarity.

        Raises
        ------
        DataError
            If `unscaled` or `labels` has another number of rows, or `unscaled` another index.
        """
        queries = self._queries(X)
        raw = None
        if unscaled is not None:
            columns = [self.hierarchy_.indicators[place] for place in np.argsort(self._place)]
            raw = _frames.numeric(unscaled, columns, argument="unscaled", nulls=True)[:, self._place]
            if len(raw) != len(queries):
                message = f"unscaled has {len(raw)} rows and X {len(queries)}; give the same customers in order."
                raise DataError(message)
            _require_same_rows(X, unscaled)
        rows = _frames.row_labels(X) if labels is None else list(labels)
        names = list(range(len(queries))) if rows is None else rows
        if len(names) != len(queries):
            message = f"labels has {len(names)} entries and X {len(queries)} rows; give one a customer."
            raise DataError(message)
        items: list[Explanation] = []
        for first in range(0, len(queries), BLOCK):
            some = slice(first, first + BLOCK)
            items += self._explained(
                queries[some], names[some], None if raw is None else raw[some], disclose_cases
            )
        counts = provenance(self.hierarchy_.model_dump_json(), customers=len(queries), cases=len(self.cases_))
        return Explanations(tuple(items), counts)

    def _explained(
        self,
        queries: FloatArray,
        labels: list[Any],
        raw: FloatArray | None,
        disclose: bool,  # noqa: FBT001 - handed through
    ) -> list[Explanation]:
        alike = similarity(queries, self.cases_, self.hierarchy_)
        rows = np.arange(len(queries))
        best_case = alike.argmax(axis=1)
        own = self.case_classes_[best_case]
        others = np.where(self.case_classes_[None, :] == own[:, None], -np.inf, alike)
        rival = others.argmax(axis=1)
        found = []
        for i in rows:
            parts = similarity_components(queries[i : i + 1], self.cases_, self.hierarchy_)
            single = not np.isfinite(others[i, rival[i]])
            contribution = parts.contributions[0, best_case[i]]
            against = np.zeros_like(contribution) if single else parts.contributions[0, rival[i]]
            shown: dict[str, Any] = {} if raw is None else {"unscaled": raw[i]}
            if disclose:
                shown["case_value"] = self.cases_[best_case[i]]
                shown["rival_value"] = np.full(len(contribution), np.nan) if single else self.cases_[rival[i]]
            best, second = float(alike[i, best_case[i]]), 0.0 if single else float(alike[i, rival[i]])
            columns = (parts.coefficients[0, best_case[i]], contribution, against)
            found.append(
                Explanation(
                    label=labels[i],
                    predicted=unboxed(self.classes_[own[i]]),
                    case=self.case_names_[best_case[i]],
                    similarity=best,
                    rival=None if single else unboxed(self.classes_[self.case_classes_[rival[i]]]),
                    rival_case=None if single else self.case_names_[rival[i]],
                    rival_similarity=second,
                    margin=best - second,
                    table=indicator_table(self.hierarchy_, queries[i], columns, shown),
                )
            )
        return found
