"""The cycle after the answer: revise, retain, forget, and take a model from one place to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from pydantic import ConfigDict, Field, ValidationError
from sklearn.utils.validation import check_is_fitted

from custvalue import _frames
from custvalue._case_based.answers import Forgotten, changed_answers
from custvalue._case_based.case_base import CaseBase
from custvalue._case_based.case_records import Label
from custvalue._case_based.conformal import Calibration, digest_of_cases
from custvalue._case_based.fitted import FittedCases, require_same_order
from custvalue._case_based.retrieval import MOST_THREADS
from custvalue._estimators import checked_table
from custvalue._spec import Document, Items, Name, unboxed
from custvalue._version import __version__
from custvalue.exceptions import DataError, DomainError
from custvalue.grey import FrozenRanges, Hierarchy

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from custvalue._typing import ArrayLike, FloatArray, Table


#: What an estimator is set to, and a document keeps.
SETTINGS = (
    "hierarchy", "k", "vote", "reference", "missing", "min_margin", "abstain_label", "engine", "n_threads"
)  # fmt: skip


class ModelDocument(Document):
    """A fitted model as JSON: settings, case base with its log, frozen ranges, calibration."""

    model_config = ConfigDict(hide_input_in_errors=True)

    custvalue: str = Field(max_length=100, description="Version of custvalue that wrote the document.")
    hierarchy: Hierarchy | None = Field(description="The hierarchy the estimator was given.")
    k: int = Field(ge=1, description="How many cases vote.")
    vote: Literal["majority", "similarity"] = Field(description="How they vote.")
    reference: Literal["cases", "frozen"] = Field(description="What the ranges refer to.")
    missing: Literal["raise", "skip"] = Field(description="What becomes of missing indicators.")
    min_margin: float = Field(ge=0.0, lt=1.0, description="Margin below which the model abstains.")
    abstain_label: Label | None = Field(description="What it answers then.")
    engine: Literal["auto", "numpy", "numba"] = Field(description="How cases are searched.")
    n_threads: int = Field(ge=1, le=MOST_THREADS, description="Threads of the search.")
    by_name: bool = Field(description="Whether tables are matched by the hierarchy's names.")
    feature_names: Items[Name] | None = Field(description="Columns of the fit, where they had names.")
    case_base: CaseBase = Field(description="The cases, as the log of all changes.")
    ranges: FrozenRanges | None = Field(description="Ranges frozen at the fit.")
    frozen_at: int | None = Field(default=None, ge=1, description="Version of the cases they were frozen in.")
    calibration: Calibration | None = Field(description="Scores for prediction sets.")


def _put_together_wrong(what: str) -> DataError:
    return DataError(f"{what}: the document was put together wrong.")


class MaintainedCases(FittedCases):
    """Cases that are revised, retained and forgotten; every change gives a new model."""

    def _changed(self, cases: CaseBase, *, refreeze: bool = False) -> Self:
        """Give a new model over changed cases, with the settings of the fit and the same columns."""
        settings = dict(self._settings)
        if settings["hierarchy"] is not None and cases.hierarchy != settings["hierarchy"]:
            settings["hierarchy"] = cases.hierarchy
        made: Self = type(self)(**settings)
        made._by_name, made.n_features_in_ = self._by_name, self.n_features_in_
        if self._by_name:
            made.feature_names_in_ = np.array(cases.hierarchy.indicators, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            made.feature_names_in_ = self.feature_names_in_
        if self.ranges_ is None or refreeze:
            return made._adopt(cases, None)
        made._frozen_at = self._frozen_at
        return made._adopt(cases, self.ranges_)

    def replay(self, version: int) -> Self:
        """Give this model again as it was with an earlier version of its cases.

        Parameters
        ----------
        version : int
            Version of `case_base_`, from 1.

        Returns
        -------
        CaseBasedClassifier
            A model with the settings and frozen ranges of this one, which gives the answers it gave then; not
            calibrated. Settings and calibrations are no part of the log: for a model as a whole keep its
            :meth:`to_json`.

        Raises
        ------
        DomainError
            If there is no such version.
        DataError
            If the version held a case that has been forgotten, or had other frozen ranges.
        """
        check_is_fitted(self)
        cases = self.case_base_.replay(version)
        if self.ranges_ is not None and cases.version < self._frozen_at:
            message = (
                f"Version {cases.version} was graded by other ranges: they were frozen in version "
                f"{self._frozen_at}. Keep a model's to_json() to have it again as a whole."
            )
            raise DataError(message)
        return self._changed(cases)

    def _new_values(self, X: Any) -> FloatArray:
        """Read new cases: complete, in the order of the hierarchy."""
        if self._by_name:
            return _frames.numeric(X, self.hierarchy_.indicators, argument="X")
        return np.ascontiguousarray(checked_table(self, X, reset=False)[:, self._place])

    def retain(
        self,
        X: Table,
        y: ArrayLike,
        *,
        by: str,
        ids: Sequence[str] | None = None,
        members: int | ArrayLike = 1,
        source: str | Sequence[str] = "",
        date: dt.date | None = None,
        note: str = "",
    ) -> Self:
        """Take new cases in.

        Parameters
        ----------
        X : table of shape (n_new, n_indicators)
            New cases, in the columns of the fit.
        y : array_like of shape (n_new,)
            Their classes; a class may be new.
        by : str
            Who retains them.
        ids : sequence of str, default=None
            Their names; None goes on counting C1, C2, ...
        members : int or array_like of int, default=1
            How many customers each stands for.
        source : str or sequence of str, default=""
            Where they come from.
        date : datetime.date, default=None
            When, as the caller says.
        note : str, default=""
            Why.

        Returns
        -------
        CaseBasedClassifier
            A new model, not calibrated; this one stays as it is. Frozen ranges stay frozen.

        Raises
        ------
        DomainError
            If a setting does not fit: see :meth:`CaseBase.retain`.
        """
        check_is_fitted(self)
        require_same_order(X, y)
        values = self._new_values(X)
        facts: dict[str, Any] = {"ids": ids, "members": members, "source": source, "date": date, "note": note}
        return self._changed(self.case_base_.retain(values, y, by=by, **facts))

    def revise(self, case_id: str, label: Any, *, by: str, date: dt.date | None = None, note: str = "") -> Self:
        """Give a case another class.

        Parameters
        ----------
        case_id : str
            Name of the case.
        label : int, str, float or bool
            Its new class.
        by : str
            Who revises it.
        date : datetime.date, default=None
            When, as the caller says.
        note : str, default=""
            Why.

        Returns
        -------
        CaseBasedClassifier
            A new model, not calibrated; this one stays as it is.

        Raises
        ------
        DomainError
            If there is no such case, or the label is of another kind.
        """
        check_is_fitted(self)
        return self._changed(self.case_base_.revise(case_id, label, by=by, date=date, note=note))

    def forget(self, case_id: str, X: Table, *, by: str, date: dt.date | None = None, note: str = "") -> Forgotten:
        """Erase a case from the model and from its past, and say whose answers change.

        Parameters
        ----------
        case_id : str
            Name of the case.
        X : table of shape (n_customers, n_indicators)
            The customers whose answers are compared.
        by : str
            Who forgets it.
        date : datetime.date, default=None
            When, as the caller says.
        note : str, default=""
            Why.

        Returns
        -------
        Forgotten
            The new model, the answers that change, and the tombstone. A calibration goes with the case: calibrate
            anew.

        Raises
        ------
        DomainError
            If there never was such a case, it is forgotten already, or fewer than k cases would stay.

        Notes
        -----
        Frozen ranges were made by the cases of the version they were frozen in. If the forgotten case was among
        them, they are frozen anew from those that stay, since a range may be its figure; versions before then no
        longer replay as models.
        """
        check_is_fitted(self)
        left = self.case_base_.forget(case_id, by=by, date=date, note=note)
        if len(left.cases) < self._retrieval.k:
            message = (
                f"{len(left.cases)} case(s) would stay and k is {self._retrieval.k}: fit a model with a smaller k "
                "on case_base_.forget(...)."
            )
            raise DomainError(message)
        model = self._changed(left, refreeze=self._shaped_ranges(case_id))
        return Forgotten(model, changed_answers(self, model, X), model.case_base_.tombstones[-1])

    def _shaped_ranges(self, case_id: str) -> bool:
        """Tell whether a case was there when the ranges were frozen."""
        if self.ranges_ is None:
            return False
        there = False
        for change in self.case_base_.changes[: self._frozen_at]:
            there = there or any(case.id == case_id for case in change.added)
            there = there and case_id not in change.removed
        return there

    def to_json(self) -> str:
        """Write the fitted model as a JSON document.

        Returns
        -------
        str
            The settings of the fit, case base with its log, frozen ranges and calibration; no code, so it is safe
            to read.

        Notes
        -----
        The document holds every case's values: a base of prototypes holds no customer, a base of real customers
        does.
        """
        check_is_fitted(self)
        names = getattr(self, "feature_names_in_", None)
        settings = self._settings
        document = ModelDocument(
            custvalue=__version__,
            **{name: unboxed(settings[name]) for name in SETTINGS},
            by_name=self._by_name,
            feature_names=None if names is None else [str(name) for name in names],
            case_base=self.case_base_,
            ranges=self.ranges_,
            frozen_at=self._frozen_at if self.ranges_ is not None else None,
            calibration=self.calibration_,
        )
        return document.model_dump_json()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a fitted model from its JSON document.

        Parameters
        ----------
        text : str or bytes
            From :meth:`to_json`.

        Returns
        -------
        CaseBasedClassifier
            A model that gives the same answers.

        Raises
        ------
        DomainError
            If `text` is no text.
        DataError
            If the document is none of a model, its log does not replay, or its parts do not belong together.
        """
        if not isinstance(text, str | bytes):
            message = f"text is a {type(text).__name__}; allowed: the text of a model, such as path.read_text()."
            raise DomainError(message)
        try:
            document = ModelDocument.model_validate_json(text)
        except ValidationError as error:
            details = "; ".join(
                f"{'.'.join(str(part) for part in one['loc']) or 'document'}: {one['msg']}"
                for one in error.errors(include_url=False, include_context=False, include_input=False)[:5]
            )
            message = f"text is no model document: {details}. Give the text itself, such as path.read_text()."
            raise DataError(message) from None
        try:
            return cls._restored(document)
        except DomainError as error:
            message = f"The parts of the document do not belong together: {error}"
            raise DataError(message) from None

    @classmethod
    def _restored(cls, document: ModelDocument) -> Self:
        made = cls(**{name: getattr(document, name) for name in SETTINGS})
        made._by_name = document.by_name
        names, indicators = document.feature_names, document.case_base.hierarchy.indicators
        made.n_features_in_ = len(indicators)
        if names is not None:
            if sorted(names) != sorted(indicators):
                raise _put_together_wrong("feature_names are not the indicators of the case base")
            made.feature_names_in_ = np.array(list(names), dtype=object)
        if document.hierarchy is not None and document.hierarchy != document.case_base.hierarchy:
            raise _put_together_wrong("hierarchy is not the one of the case base")
        frozen = document.reference == "frozen"
        if {document.ranges is not None, document.frozen_at is not None} != {frozen} or (
            document.ranges is not None and set(document.ranges.largest) != set(indicators)
        ):
            raise _put_together_wrong("ranges do not fit reference or the indicators")
        if document.frozen_at is not None:
            if document.frozen_at > document.case_base.version:
                raise _put_together_wrong("frozen_at lies beyond the last version of case_base")
            made._frozen_at = document.frozen_at
        made._adopt(document.case_base, document.ranges)
        if document.calibration is not None:
            if document.calibration.cases_digest != digest_of_cases(made._retrieval):
                raise _put_together_wrong("calibration belongs to other cases than case_base")
            if list(document.calibration.classes) != made.classes_.tolist():
                raise _put_together_wrong("calibration has other classes than case_base")
            made.calibration_ = document.calibration
        return made
