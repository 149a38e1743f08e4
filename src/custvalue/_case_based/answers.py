"""Which answers differ between two models."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from custvalue._results import html_table, read_only, short_repr
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._case_based.case_records import Tombstone
    from custvalue._case_based.classification import Classification
    from custvalue._typing import BoolArray, Table


class Grading(Protocol):
    """What is asked of a fitted model: its answers."""

    def classify(self, X: Any, *, labels: Sequence[Any] | None = None) -> Classification:
        """Give each customer a class."""
        ...


@dataclass(frozen=True, eq=False, repr=False)
class ChangedAnswers:
    """Which customers get another answer from another model.

    Attributes
    ----------
    before, after : Classification
        The answers of the two models for the same customers.
    class_changed : ndarray of bool, shape (n_customers,)
        Whether the class differs.
    case_changed : ndarray of bool, shape (n_customers,)
        Whether the nearest case differs.

    Examples
    --------
    >>> from custvalue import cbr
    >>> model = cbr.CaseBasedClassifier().fit([[0.2, 0.1], [0.9, 0.8]], ["low", "high"])
    >>> later = model.retain([[0.5, 0.4]], ["high"], by="analyst")
    >>> changed = cbr.changed_answers(model, later, [[0.8, 0.7], [0.5, 0.5], [0.1, 0.1]])
    >>> changed.to_frame()[["class_before", "class_after", "case_before", "case_after"]]
      class_before class_after case_before case_after
    1          low        high          C1         C3
    """

    before: Classification
    after: Classification
    class_changed: BoolArray
    case_changed: BoolArray

    def to_frame(self) -> pd.DataFrame:
        """Give one row a customer whose class or nearest case differs.

        Returns
        -------
        pandas.DataFrame
            Indexed by the customers: ``class_before``, ``class_after``, ``case_before``, ``case_after``,
            ``margin_before``, ``margin_after``.
        """
        differs = self.class_changed | self.case_changed
        labels = [name for name, one in zip(self.before.customers, differs.tolist(), strict=True) if one]
        columns = {
            f"{what}_{when}": getattr(answers, name)[differs]
            for what, name in (("class", "predicted"), ("case", "case"), ("margin", "margin"))
            for when, answers in (("before", self.before), ("after", self.after))
        }
        return pd.DataFrame(columns, index=labels)

    def in_words(self) -> str:
        """Say it in a sentence.

        Returns
        -------
        str
            How many of how many customers get another class, and how many another case.
        """
        total, classes, cases = (
            len(self.class_changed),
            int(self.class_changed.sum()),
            int(self.case_changed.sum()),
        )
        return f"{classes} of {total} customers get another class, {cases} another nearest case."

    def __repr__(self) -> str:
        classes, cases = int(self.class_changed.sum()), int(self.case_changed.sum())
        facts = {"classes_changed": classes, "cases_changed": cases}
        return short_repr("ChangedAnswers", customers=len(self.class_changed), **facts)

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        rows = [[label, *row] for label, row in zip(frame.index, frame.to_numpy().tolist(), strict=True)]
        return html_table(["customer", *frame.columns], rows, caption=self.in_words())


def changed_answers(
    before: Grading, after: Grading, X: Table, *, labels: Sequence[Any] | None = None
) -> ChangedAnswers:
    """Compare the answers of two models for the same customers.

    Parameters
    ----------
    before, after : CaseBasedClassifier
        Fitted models, such as a model and what became of it by `retain`, `revise` or `forget`.
    X : table of shape (n_customers, n_indicators)
        Customers, in the columns of the fit.
    labels : sequence, default=None
        Names of the customers; None takes the index of a pandas frame, else the positions.

    Returns
    -------
    ChangedAnswers
        Who gets another class or another nearest case.

    Raises
    ------
    DomainError
        If a model is no fitted classifier.

    Notes
    -----
    Cost: that of grading the customers twice.

    Examples
    --------
    >>> from custvalue import cbr
    >>> model = cbr.CaseBasedClassifier().fit([[0.2, 0.1], [0.9, 0.8]], [1, 2])
    >>> cbr.changed_answers(model, model.revise("C1", 2, by="analyst"), [[0.8, 0.7], [0.1, 0.1]]).in_words()
    '1 of 2 customers get another class, 0 another nearest case.'
    """
    for name, model in (("before", before), ("after", after)):
        if not hasattr(model, "classify"):
            message = f"{name} is a {type(model).__name__}; allowed: a fitted CaseBasedClassifier."
            raise DomainError(message)
    first, second = before.classify(X, labels=labels), after.classify(X, labels=labels)
    pairs = zip(first.predicted.tolist(), second.predicted.tolist(), strict=True)
    return ChangedAnswers(
        before=first,
        after=second,
        class_changed=read_only(np.array([one != other for one, other in pairs], dtype=np.bool_)),
        case_changed=read_only(first.case != second.case),
    )


@dataclass(frozen=True, eq=False, repr=False)
class Forgotten:
    """A model without a case, and the answers that change by it.

    Attributes
    ----------
    model : CaseBasedClassifier
        The model that no longer knows the case.
    changes : ChangedAnswers
        Customers with another answer.
    tombstone : Tombstone
        What is left of the case.

    Examples
    --------
    >>> from custvalue import cbr
    >>> model = cbr.CaseBasedClassifier().fit([[0.2, 0.1], [0.9, 0.8], [0.5, 0.4]], [1, 2, 2])
    >>> forgotten = model.forget("C3", [[0.8, 0.7], [0.5, 0.5]], by="privacy desk")
    >>> forgotten.tombstone, forgotten.changes.in_words()
    (Tombstone(id='C3', forgotten=2), '1 of 2 customers get another class, 1 another nearest case.')
    """

    model: Any
    changes: ChangedAnswers
    tombstone: Tombstone

    def __repr__(self) -> str:
        changes = self.changes
        facts = {"case": self.tombstone.id, "version": self.tombstone.forgotten}
        return short_repr("Forgotten", **facts, classes_changed=int(changes.class_changed.sum()))

    def _repr_html_(self) -> str:
        return f"<p>Case {html.escape(self.tombstone.id)} is forgotten.</p>" + self.changes._repr_html_()
