"""Case-based classification: retrieve the nearest case, reuse its class, say why, revise and retain."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from custvalue import _frames
from custvalue._case_based import conformal
from custvalue._case_based.coverage import Coverage, coverage
from custvalue._case_based.explaining import explain_queries
from custvalue._case_based.maintained import MaintainedCases
from custvalue._case_based.prediction_sets import PredictionSets, prediction_sets
from custvalue._results import html_table
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._case_based.conformal import Calibration
    from custvalue._case_based.explanation import Explanations
    from custvalue._typing import FloatArray


def _require_same_rows(X: Any, unscaled: Any) -> None:
    """Refuse two pandas frames whose rows are not the same customers in the same order."""
    rows, others = _frames.row_labels(X), _frames.row_labels(unscaled)
    if rows is not None and others is not None and rows != others:
        message = "unscaled has another index than X; give the same customers in order: unscaled.loc[X.index]."
        raise DataError(message)


#: Share of calibration customers equal to a case above which a warning is given.
ALIKE = 0.05


class CaseBasedClassifier(MaintainedCases):
    """Give a customer the class of the most similar case, or of those that are most similar.

    Parameters
    ----------
    hierarchy : Hierarchy, default=None
        Groups, weights at both levels, and the distinguishing coefficient. None takes that of the case base; with
        a table of cases it puts all columns into one group of equal weights.
    k : int, default=1
        How many cases vote; the source takes the nearest alone.
    vote : {"majority", "similarity"}, default="majority"
        Each of the k cases counts 1, or its similarity. A tie goes to the class whose case is the most similar.
    reference : {"cases", "frozen"}, default="cases"
        Smallest and largest distance are those among the present cases, as in the source; or they are fixed at the
        fit (:class:`custvalue.grey.FrozenRanges`), so that cases retained later change no other similarity.
    missing : {"raise", "skip"}, default="raise"
        A customer's missing indicator is refused, or skipped with the weights of the others renormalised. Cases
        must be complete in either way, so scikit-learn's tag ``allow_nan`` stays off.
    min_margin : float, default=0.0
        Below this margin the model abstains: its answer is `abstain_label`. The margin is the similarity to the
        nearest case of the class less that to the nearest case of any other class. 0 never abstains.
    abstain_label : int or str, default=None
        What it answers then; of the kind of the classes, and none of them.
    engine : {"auto", "numpy", "numba"}, default="auto"
        How cases are searched; all give the same answers.
    n_threads : int, default=1
        Threads of the search.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    hierarchy_ : Hierarchy
        The hierarchy in use.
    case_base_ : CaseBase
        The cases with their sources and the log of all changes.
    cases_ : ndarray of shape (n_cases, n_indicators)
        The cases, in the order of ``hierarchy_.indicators``.
    case_classes_ : ndarray of int, shape (n_cases,)
        For each case the position of its class in `classes_`.
    case_names_ : tuple of str
        Names of the cases: ``C1``, ``C2``, ... unless the case base has others; never a row label, which may be a
        customer's key.
    case_members_ : ndarray of int, shape (n_cases,)
        How many customers each case stands for.
    ranges_ : FrozenRanges or None
        Ranges fixed at the fit.
    calibration_ : Calibration or None
        Scores for prediction sets, after :meth:`calibrate`.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str
        Names of the columns, where they had names.

    Raises
    ------
    ColumnError
        If the columns are not those of the hierarchy.
    DataError
        If a value is missing or infinite, or, under a given hierarchy, outside [0, 1].
    DomainError
        If a setting is out of range, or a case base was judged by other weights than `hierarchy`.

    See Also
    --------
    build_case_base : Make classes and cases from past customers.
    compare_baselines : Whether the grey similarity does better than simpler rules.
    answer_stability : How many answers hang on single cases, or on rho.

    Notes
    -----
    The cycle of retrieve, reuse, revise and retain (Aamodt and Plaza 1994, *AI Communications* 7(1), 39-59) under
    the two-level grey relational similarity of :func:`custvalue.grey.similarity`. Among equally similar cases the
    first wins. A model fitted on a :class:`CaseBase` matches columns of a frame by name, in any order. Columns of
    a group must share a scale, as those of :class:`custvalue.rfm.IndicatorScaler` do. Cost: :math:`O(nmp)` for n
    customers and m cases; memory as :func:`custvalue.grey.nearest`.

    Examples
    --------
    >>> from custvalue import cbr, grey
    >>> hierarchy = grey.Hierarchy.equal({"recency": ["last_visit"], "monetary": ["turnover", "balance"]})
    >>> cases = cbr.CaseBase.from_cases([[0.2, 0.1, 0.3], [1.0, 0.8, 0.9]], [1, 2], hierarchy, source="workshop")
    >>> model = cbr.CaseBasedClassifier().fit(cases)
    >>> model.predict([[0.9, 0.7, 0.9], [0.1, 0.2, 0.2]])
    array([2, 1])
    >>> model.retain([[0.5, 0.5, 0.5]], [1], by="analyst").predict([[0.6, 0.5, 0.5]])
    array([1])
    """

    def _repr_html_inner(self) -> str:
        """Say what a fitted model is, instead of showing fitted arrays, which may be customers' figures."""
        if not self.__sklearn_is_fitted__():
            return str(super()._repr_html_inner())
        cases = self.case_base_
        settings = {name: value for name, value in self._settings.items() if name != "hierarchy"}
        rows = [
            (
                "cases",
                f"{len(cases.cases)}, version {cases.version}, standing for {int(cases.members.sum())} customers",
            ),
            ("classes", ", ".join(str(label) for label in self.classes_.tolist()[:20])),
            ("weights", f"digest {cases.weights_digest[:12]}, rho {self.hierarchy_.distinguishing_coefficient:g}"),
            *((name, str(value)) for name, value in settings.items()),
            ("calibrated", "no" if self.calibration_ is None else f"against: {self.calibration_.truth}"),
        ]
        return html_table(["", "fitted CaseBasedClassifier"], rows)

    def _get_fitted_attr_html(self, doc_link: str = "") -> Any:
        """Leave the cases out where scikit-learn draws the model inside a pipeline or a search."""
        found = super()._get_fitted_attr_html(doc_link)
        found.pop("cases_", None)
        return found

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        del kwargs
        return {"text/plain": repr(self), "text/html": self._repr_html_inner()}

    def explain(
        self,
        X: Any,
        *,
        unscaled: Any = None,
        labels: Sequence[Any] | None = None,
        disclose_cases: bool = False,
        counterfactuals: bool = True,
    ) -> Explanations:
        """Say of each customer why the class was given.

        Parameters
        ----------
        X : table of shape (n_customers, n_indicators)
            Customers, in the columns of the fit; meant for a few hundred.
        unscaled : table of shape (n_customers, n_indicators), default=None
            The same customers' indicators before scaling, to be shown beside; null is said as "none on record".
            A frame is matched by the indicators' names, an array has the columns of the fit.
        labels : sequence, default=None
            Names of the customers, such as ``snapshot.customers`` where the frame has no index; None takes the
            index of a pandas frame, else the positions.
        disclose_cases : bool, default=False
            Show values of cases that stand for fewer than five customers too. Leave it off where cases are real
            customers and the explanation leaves the bank's model team.
        counterfactuals : bool, default=True
            Look for the smallest set of indicator changes that flips the class.

        Returns
        -------
        Explanations
            One a customer: nearest case, nearest unlike case, contributions that sum to the similarity, the
            smallest change that flips the class, and confidence where the model is calibrated.

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
        lower, upper = self._bounds()
        known = self.calibration_
        return explain_queries(
            self._retrieval,
            queries,
            classes=self.classes_,
            case_ids=self.case_names_,
            members=self.case_members_,
            labels=self._labels(X, labels, len(queries)),
            unscaled=raw,
            disclose_cases=disclose_cases,
            p_values=None if known is None else conformal.known_p_values(self._retrieval, known, queries),
            p_floors=None if known is None else 1.0 / (1.0 + np.array(known.customers)),
            lower=lower,
            upper=upper,
            counterfactuals=counterfactuals,
            min_margin=float(self._settings["min_margin"]),
        )

    def calibrate(self, X: Any, y: Any, *, truth: str) -> Self:
        """Learn from customers of known class how sure an answer is.

        Parameters
        ----------
        X : table of shape (n_customers, n_indicators)
            Calibration customers: kept apart from the cases and drawn as the customers to come will be.
        y : array_like of shape (n_customers,)
            Their classes.
        truth : str
            What these classes were judged by, for example ``"reviewed by two analysts in June 2026"``. A promise
            holds for that truth and for no other: calibrated against the k-means class it says how often that is
            met, not how often a customer is valuable.

        Returns
        -------
        CaseBasedClassifier
            A calibrated model; this one stays as it is. `retain`, `revise` and `forget` drop the calibration.

        Raises
        ------
        DataError
            If a class is unknown to the model.
        DomainError
            If there is no customer, or `truth` is empty.

        See Also
        --------
        Calibration : The scores, their formula and source.
        """
        queries = self._queries(X)
        codes = self._codes(X, y, len(queries))
        made = self._changed(self.case_base_)
        made.calibration_ = conformal.calibrate(
            made._retrieval,  # noqa: SLF001 - its own kind
            queries,
            codes,
            labels=made.classes_.tolist(),
            truth=truth,
        )
        if made.calibration_.equal_to_a_case > ALIKE * len(queries):
            message = (
                f"{made.calibration_.equal_to_a_case} of {len(queries)} calibration customers have exactly the "
                "figures of a case. Customers who are cases look less strange than others, so the sets would "
                "promise too much: calibrate on customers kept apart."
            )
            warnings.warn(message, UserWarning, stacklevel=2)
        return made

    def _calibrated(self) -> Calibration:
        check_is_fitted(self)
        if self.calibration_ is None:
            message = (
                "The model is not calibrated: call calibrate(X, y, truth=...) with customers of known class that "
                "are not among the cases. Retaining, revising or forgetting a case drops a calibration."
            )
            raise DomainError(message)
        return self.calibration_

    def p_values(self, X: Any) -> FloatArray:
        """Give for each customer and class the conformal p-value.

        Parameters
        ----------
        X : table of shape (n_customers, n_indicators)
            Customers, in the columns of the fit.

        Returns
        -------
        ndarray of shape (n_customers, n_classes)
            Share of the class's calibration customers that are at least as strange, the customer counted in.

        Raises
        ------
        DomainError
            If the model is not calibrated.
        """
        known = self._calibrated()
        return conformal.p_values(self._retrieval, known, self._queries(X))

    def predict_set(self, X: Any, level: float = 0.9, *, labels: Sequence[Any] | None = None) -> PredictionSets:
        """Give each customer all classes that cannot be ruled out at the level.

        Parameters
        ----------
        X : table of shape (n_customers, n_indicators)
            Customers, in the columns of the fit.
        level : float, default=0.9
            Share of each class's customers whose set is to hold their class.
        labels : sequence, default=None
            Names of the customers; None takes the index of a pandas frame, else the positions.

        Returns
        -------
        PredictionSets
            Sets, p-values, and the classes whose calibration sample does not support the level ("not attainable").

        Raises
        ------
        DomainError
            If the model is not calibrated or `level` is not between 0 and 1.
        """
        known = self._calibrated()
        queries = self._queries(X)
        customers = self._labels(X, labels, len(queries))
        return prediction_sets(self._retrieval, known, queries, level=level, customers=customers)

    def coverage(self, X: Any, y: Any, levels: float | Sequence[float] = (0.8, 0.9, 0.95)) -> Coverage:
        """Count how often the prediction sets of further customers hold their class.

        Parameters
        ----------
        X : table of shape (n_customers, n_indicators)
            Customers of known class, neither among the cases nor in the calibration.
        y : array_like of shape (n_customers,)
            Their classes, judged as those of the calibration.
        levels : float or sequence of float, default=(0.8, 0.9, 0.95)
            Levels to be tried.

        Returns
        -------
        Coverage
            Reached coverage by class and level, with intervals.

        Raises
        ------
        DataError
            If a class is unknown to the model.
        DomainError
            If the model is not calibrated or a level is not between 0 and 1.
        """
        known = self._calibrated()
        queries = self._queries(X)
        wanted = [levels] if isinstance(levels, float | int) else list(levels)
        return coverage(self._retrieval, known, queries, self._codes(X, y, len(queries)), wanted)
