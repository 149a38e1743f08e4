"""The fitted half of the classifier: take over cases, read customers, retrieve and reuse."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, check_is_fitted, column_or_1d

from custvalue import _frames
from custvalue._case_based.case_base import CaseBase, require_same_weights
from custvalue._case_based.classification import Classification, classified
from custvalue._case_based.new_cases import of_one_kind, read_labels
from custvalue._case_based.retrieval import Retrieval
from custvalue._estimators import Classifier, checked_table
from custvalue._spec import require, unboxed
from custvalue.exceptions import ColumnError, DataError, DomainError
from custvalue.grey import FrozenRanges, Hierarchy, Nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from custvalue._case_based.conformal import Calibration
    from custvalue._typing import FloatArray, IntArray

_REFERENCES = ("cases", "frozen")
#: Columns whose ranges differ by more than this factor are no common scale.
UNLIKE = 100.0


def _classes_and_codes(labels: NDArray[Any]) -> tuple[NDArray[Any], IntArray]:
    try:
        check_classification_targets(labels)
        classes, codes = np.unique(labels, return_inverse=True)
    except TypeError:
        message = "y mixes kinds or holds missing classes; allowed: text only, or numbers only."
        raise DomainError(message) from None
    return classes, codes.astype(np.int64)


def require_same_order(X: Any, y: Any) -> None:
    """Refuse a table and classes that name the same customers in another order."""
    rows, others = _frames.row_labels(X), list(y.index) if hasattr(y, "to_numpy") and hasattr(y, "index") else None
    if rows is None or others is None or len(rows) != len(others) or rows == others:
        return
    if set(rows) == set(others):
        message = "y has the customers of X in another order; give y.loc[X.index]."
        raise DataError(message)


def _warn_of_unlike_scales(cases: FloatArray) -> None:
    """Warn where one column's range would drown the others' in their common group."""
    widths = cases.max(axis=0) - cases.min(axis=0)
    widths = widths[widths > 0.0]
    if len(widths) > 1 and widths.max() > UNLIKE * widths.min():
        message = (
            "Without a hierarchy all columns share their ranges, and the widest is more than "
            f"{UNLIKE:.0f} times as wide as the narrowest, which will hardly count: scale them first."
        )
        warnings.warn(message, UserWarning, stacklevel=3)


class FittedCases(Classifier):
    """Cases taken over from tables or from a case base, and what they say of customers."""

    calibration_: Calibration | None
    _case_base: CaseBase | None
    _by_name: bool
    #: The settings of the fit: what is set later holds from the next fit on.
    _settings: dict[str, Any]
    #: Version of the case base at which the ranges were frozen.
    _frozen_at: int

    def __init__(
        self,
        hierarchy: Hierarchy | None = None,
        *,
        k: int = 1,
        vote: Literal["majority", "similarity"] = "majority",
        reference: Literal["cases", "frozen"] = "cases",
        missing: Literal["raise", "skip"] = "raise",
        min_margin: float = 0.0,
        abstain_label: Any = None,
        engine: Literal["auto", "numpy", "numba"] = "auto",
        n_threads: int = 1,
    ) -> None:
        self.hierarchy = hierarchy
        self.k = k
        self.vote = vote
        self.reference = reference
        self.missing = missing
        self.min_margin = min_margin
        self.abstain_label = abstain_label
        self.engine = engine
        self.n_threads = n_threads

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_retrieval")

    # ------------------------------------------------------------------------------ fit

    def fit(self, X: Any, y: Any = None) -> Self:
        """Take over the cases.

        Parameters
        ----------
        X : CaseBase, or table of shape (n_cases, n_indicators)
            A case base, with its weights and its log; or the cases as a table.
        y : array_like of shape (n_cases,), default=None
            With a table: the classes, numbers or text. A case base has its own.

        Returns
        -------
        CaseBasedClassifier
            The fitted model, not calibrated.
        """
        self.__dict__.pop("_retrieval", None)  # a fit that fails leaves no model behind
        if isinstance(X, CaseBase):
            return self._fit_case_base(X, y)
        numbers = checked_table(self, X, reset=True)
        if y is None:
            message = "requires y to be passed, but the target y is None: give the class of each case."
            raise DomainError(message)
        require_same_order(X, y)
        if isinstance(y, list | tuple):
            of_one_kind(y)
        labels = column_or_1d(np.asarray(y), warn=True)
        assert_all_finite(labels, input_name="y")
        classes, codes = _classes_and_codes(labels)
        if len(labels) != len(numbers):
            message = f"X has {len(numbers)} cases and y {len(labels)} classes; give one class a case."
            raise DomainError(message)
        read_labels(classes)
        self.hierarchy_ = self._resolved(numbers.shape[1])
        self._by_name, self._case_base, self._scaled = False, None, self.hierarchy is not None
        self._place = self._places()
        cases = np.ascontiguousarray(numbers[:, self._place])
        self._require_scaled(cases)
        if self.hierarchy is None:
            _warn_of_unlike_scales(cases)
        names = tuple(f"C{place}" for place in range(1, len(numbers) + 1))
        return self._take(cases, classes, codes, names, np.ones(len(cases), dtype=np.int64), None)

    def _fit_case_base(self, cases: CaseBase, y: Any) -> Self:
        if y is not None:
            message = "y goes with a table of cases; a CaseBase has its own classes: call fit(cases)."
            raise DomainError(message)
        if self.hierarchy is not None:
            require_same_weights(cases, require(self.hierarchy, Hierarchy, "hierarchy"), "cases")
        names = cases.hierarchy.indicators
        self.n_features_in_, self.feature_names_in_ = len(names), np.array(names, dtype=object)
        self._by_name = True
        return self._adopt(cases, None)

    def _adopt(self, cases: CaseBase, ranges: FrozenRanges | None) -> Self:
        """Take over a case base; its hierarchy and its order of columns hold."""
        self.hierarchy_ = cases.hierarchy
        self._place = np.arange(len(cases.hierarchy.indicators)) if self._by_name else self._places()
        self._case_base, self._scaled = cases.with_clusters(None), cases.scaled
        classes, codes = _classes_and_codes(np.asarray(cases.y))
        return self._take(cases.values, classes, codes, cases.ids, cases.members, ranges)

    def _take(
        self,
        cases: FloatArray,
        classes: NDArray[Any],
        codes: IntArray,
        names: tuple[str, ...],
        members: IntArray,
        ranges: FrozenRanges | None,
    ) -> Self:
        if self.reference not in _REFERENCES:
            message = f"reference must be one of {', '.join(_REFERENCES)}."
            raise DomainError(message)
        if self.reference == "frozen" and ranges is None:
            ranges = FrozenRanges.from_cases(cases, self.hierarchy_)
            self._frozen_at = 1 if self._case_base is None else self._case_base.version
        self._check_abstention(classes)
        retrieval = Retrieval(
            hierarchy=self.hierarchy_,
            cases=cases,
            codes=codes,
            n_classes=len(classes),
            k=self.k,
            vote=self.vote,
            ranges=ranges,
            missing=self.missing,
            engine=self.engine,
            n_threads=self.n_threads,
        )
        self.cases_, self.classes_, self.case_classes_ = cases, classes, codes
        self.case_names_, self.case_members_, self.ranges_ = names, members, ranges
        self.calibration_ = None
        self._settings = self.get_params(deep=False)
        self._retrieval = retrieval
        return self

    def _check_abstention(self, classes: NDArray[Any]) -> None:
        margin = unboxed(self.min_margin)
        if isinstance(margin, bool) or not isinstance(margin, int | float) or not 0.0 <= margin < 1.0:
            message = "min_margin must be a number from 0 (never abstain) to below 1."
            raise DomainError(message)
        label = unboxed(self.abstain_label)
        if label is not None:
            read_labels([label], "abstain_label")
        if margin == 0.0:
            return
        known = classes.tolist()
        if label in known or type(label) is not type(known[0]):
            kind = type(known[0]).__name__
            message = (
                "min_margin asks the model to abstain, so abstain_label must say what it answers then: one that "
                f"is no class, of their kind ({kind})."
            )
            raise DomainError(message)

    def _require_scaled(self, numbers: FloatArray) -> None:
        """Refuse unscaled indicators, where the hierarchy says what they are."""
        if self._scaled:
            _frames.require_unit_interval(np.nan_to_num(numbers), self.hierarchy_.indicators)

    def _resolved(self, n_columns: int) -> Hierarchy:
        names = getattr(self, "feature_names_in_", None)
        if self.hierarchy is None:
            own = [str(name) for name in names] if names is not None else None
            return Hierarchy.equal({"all": own or [f"feature {j}" for j in range(1, n_columns + 1)]})
        if not isinstance(self.hierarchy, Hierarchy):
            message = (
                f"hierarchy is a {type(self.hierarchy).__name__}; allowed: grey.Hierarchy or None. A solved "
                "network gives one by grey.Hierarchy.from_weights(control=solution.control, local=solution.local)."
            )
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

    # ------------------------------------------------------------------------------ what it holds

    @property
    def case_base_(self) -> CaseBase:
        """The cases with their sources, their weights, and every change since the first."""
        check_is_fitted(self)
        if self._case_base is None:
            labels = self.classes_[self.case_classes_].tolist()
            self._case_base = CaseBase.from_cases(
                self.cases_, labels, self.hierarchy_, ids=self.case_names_, scaled=self._scaled
            )
        return self._case_base

    def _queries(self, X: Any) -> FloatArray:
        check_is_fitted(self)
        nulls = self._settings["missing"] == "skip"
        if self._by_name:
            queries = _frames.numeric(X, self.hierarchy_.indicators, argument="X", nulls=nulls)
        else:
            queries = checked_table(self, X, reset=False, nulls=nulls)[:, self._place]
        queries = np.ascontiguousarray(queries)
        self._require_scaled(queries)
        return queries

    def _codes(self, X: Any, y: Any, count: int) -> IntArray:
        """Give classes as positions; refuse those the model does not have."""
        require_same_order(X, y)
        labels = column_or_1d(np.asarray(y), warn=True)
        if len(labels) != count:
            message = f"X has {count} customers and y {len(labels)} classes; give one class a customer."
            raise DomainError(message)
        places = {label: place for place, label in enumerate(self.classes_.tolist())}
        found = [places.get(label, -1) for label in labels.tolist()]
        if unknown := found.count(-1):
            message = (
                f"y has {unknown} class(es) that the model does not have; allowed: {self.classes_.tolist()}. "
                f"(kind: {type(self.classes_.tolist()[0]).__name__}). Mend their kind, leave those customers out, "
                "or retain a case of that class first."
            )
            raise DataError(message)
        return np.array(found, dtype=np.int64)

    def _labels(self, X: Any, labels: Sequence[Any] | None, count: int) -> list[Any]:
        rows = _frames.row_labels(X) if labels is None else list(labels)
        names = list(range(count)) if rows is None else rows
        if len(names) != count:
            message = f"labels has {len(names)} entries and X {count} rows; give one a customer."
            raise DataError(message)
        return names

    # ------------------------------------------------------------------------------ retrieve and reuse

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
        queries = self._queries(X)
        return self._retrieval.nearest(queries, k)

    def predict(self, X: Any) -> Any:
        """Give each customer a class.

        Parameters
        ----------
        X : table of shape (n_customers, n_indicators)
            Customers, in the columns of the fit.

        Returns
        -------
        ndarray of shape (n_customers,)
            Classes; `abstain_label` where the margin is below `min_margin`.
        """
        queries = self._queries(X)
        if float(self._settings["min_margin"]) > 0.0:
            return self._classified(queries, list(range(len(queries)))).predicted.copy()
        return self.classes_[self._retrieval.decide(queries)]

    def predict_proba(self, X: Any) -> FloatArray:
        """Give each class's share of the votes of the k nearest cases.

        Parameters
        ----------
        X : table of shape (n_customers, n_indicators)
            Customers, in the columns of the fit.

        Returns
        -------
        ndarray of shape (n_customers, n_classes)
            Shares, sum 1, in the order of `classes_`. They are votes and no calibrated probabilities: with k = 1
            every share is 0 or 1. For how sure a class is see :meth:`p_values`.
        """
        queries = self._queries(X)
        return self._retrieval.votes(queries)

    def class_similarity(self, X: Any) -> FloatArray:
        """Give the similarity of each customer to the most similar case of every class.

        Parameters
        ----------
        X : table of shape (n_customers, n_indicators)
            Customers, in the columns of the fit.

        Returns
        -------
        ndarray of shape (n_customers, n_classes)
            Similarities, in the order of `classes_`.
        """
        queries = self._queries(X)
        return self._retrieval.by_class(queries).similarity

    def classify(self, X: Any, *, labels: Sequence[Any] | None = None) -> Classification:
        """Give each customer a class with all that tells how far to trust it.

        Parameters
        ----------
        X : table of shape (n_customers, n_indicators)
            Customers, in the columns of the fit.
        labels : sequence, default=None
            Names of the customers; None takes the index of a pandas frame, else the positions.

        Returns
        -------
        Classification
            Class, nearest case, rival class, margin, ties, abstentions, values out of range, and, where the model
            is calibrated, p-value and confidence.

        Raises
        ------
        DataError
            If `labels` has another number of entries than `X` rows.
        """
        queries = self._queries(X)
        return self._classified(queries, self._labels(X, labels, len(queries)))

    def _classified(self, queries: FloatArray, names: list[Any]) -> Classification:
        lower, upper = self._bounds()
        return classified(
            self._retrieval,
            queries,
            names=names,
            classes=self.classes_,
            case_names=self.case_names_,
            bounds=(lower, upper),
            min_margin=float(self._settings["min_margin"]),
            abstain_label=self._settings["abstain_label"],
            calibration=self.calibration_,
        )

    def _bounds(self) -> tuple[FloatArray, FloatArray]:
        if self._case_base is not None:
            return self._case_base.bounds
        return self.cases_.min(axis=0), self.cases_.max(axis=0)
