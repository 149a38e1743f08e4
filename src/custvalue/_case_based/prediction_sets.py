"""Prediction sets: the classes that a customer may have at a stated level."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from custvalue._case_based.conformal import (
    attainable_of,
    needed_customers,
    p_values_of,
    stranger_counts,
    tail_of,
    thresholds,
)
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._case_based.conformal import Calibration
    from custvalue._case_based.retrieval import Retrieval
    from custvalue._typing import BoolArray, FloatArray


@dataclass(frozen=True, eq=False, repr=False)
class PredictionSets:
    """The classes that each customer may have, with a stated share of right sets in every class.

    Attributes
    ----------
    customers : tuple
        Row labels of the customers.
    classes : tuple
        The classes.
    level : float
        Share of the customers of each class whose set holds their class, at least, on average over calibration
        samples.
    member : ndarray of bool, shape (n_customers, n_classes)
        Whether the class is in the customer's set.
    p_values : ndarray of shape (n_customers, n_classes)
        Conformal p-values.
    attainable : ndarray of bool, shape (n_classes,)
        Whether the calibration sample of the class supports the level. A class that it does not is in every set,
        because nothing allows to leave it out; such a membership says nothing about the customer.
    calibrated : tuple of int
        Calibration customers of each class.
    needed : int
        Calibration customers of a class that the level needs: ceil(1 / (1 - level)) - 1, 19 for 95 %.
    truth : str
        What the classes of the calibration customers were judged by.
    provenance : Provenance
        Package version, hierarchy and counts.

    Notes
    -----
    The set is {c : p_c > 1 - level} [1]_ [2]_, with 1 - level exact for the level as it is written. Credibility is
    the largest p-value, confidence 1 less the second largest [3]_; with one class only, confidence is 1.

    References
    ----------
    .. [1] Vovk, V., Gammerman, A., & Shafer, G. (2005). *Algorithmic learning in a random world*. Springer.
    .. [2] Vovk, V. (2012). Conditional validity of inductive conformal predictors. *Proceedings of Machine
       Learning Research*, 25, 475-490.
    .. [3] Gammerman, A., & Vovk, V. (2007). Hedging predictions in machine learning. *The Computer Journal*,
       50(2), 151-163.

    Examples
    --------
    >>> import numpy as np
    >>> from custvalue import cbr, grey
    >>> hierarchy = grey.Hierarchy.equal({"monetary": ["balance"]})
    >>> model = cbr.CaseBasedClassifier(hierarchy).fit([[0.1], [0.9]], ["low", "high"])
    >>> X = np.array([[0.05], [0.15], [0.2], [0.3], [0.7], [0.8]])
    >>> y = ["low", "low", "low", "low", "high", "high"]
    >>> model = model.calibrate(X, y, truth="classes reviewed by two analysts")
    >>> sets = model.predict_set([[0.12], [0.6]], level=0.8)
    >>> sets.to_frame()[["set", "size", "single", "empty"]]
                                set  size  single  empty
    0  high (not attainable), low     2   False  False
    1       high (not attainable)     1   False  False
    """

    customers: tuple[Any, ...]
    classes: tuple[Any, ...]
    level: float
    member: BoolArray
    p_values: FloatArray
    attainable: BoolArray
    calibrated: tuple[int, ...]
    needed: int
    truth: str
    provenance: Provenance

    @property
    def sizes(self) -> Any:
        """Number of classes in each set, shape (n_customers,)."""
        return self.member.sum(axis=1)

    @property
    def sets(self) -> tuple[tuple[Any, ...], ...]:
        """The classes in each customer's set."""
        return tuple(
            tuple(label for label, inside in zip(self.classes, row, strict=True) if inside)
            for row in self.member.tolist()
        )

    @property
    def single(self) -> BoolArray:
        """Whether the set is one class, and one whose calibration sample supports the level."""
        supported = self.member[:, self.attainable].any(axis=1)
        return np.asarray((self.member.sum(axis=1) == 1) & supported)

    @property
    def empty(self) -> BoolArray:
        """Whether the set holds no class: the customer is stranger than the level allows in all of them."""
        return np.asarray(~self.member.any(axis=1))

    @property
    def credibility(self) -> FloatArray:
        """Largest p-value of each customer: small for a customer unlike every class."""
        largest: FloatArray = self.p_values.max(axis=1)
        return largest

    @property
    def confidence(self) -> FloatArray:
        """1 less the second largest p-value: the highest level at which the set is one class at most."""
        if self.p_values.shape[1] == 1:
            return np.ones(len(self.p_values))
        second: FloatArray = np.partition(self.p_values, -2, axis=1)[:, -2]
        return 1.0 - second

    def to_frame(self) -> pd.DataFrame:
        """Give one row a customer.

        Returns
        -------
        pandas.DataFrame
            ``customer``, ``set`` (classes as text, those of unsupported level marked "not attainable"; "none" if
            empty), ``size``, ``credibility``, ``confidence``, ``single``, ``empty``.
        """
        names = [
            str(label) if supported else f"{label} (not attainable)"
            for label, supported in zip(self.classes, self.attainable.tolist(), strict=True)
        ]
        texts = [
            ", ".join(name for name, inside in zip(names, row, strict=True) if inside) or "none"
            for row in self.member.tolist()
        ]
        return pd.DataFrame(
            {
                "customer": list(self.customers),
                "set": texts,
                "size": self.member.sum(axis=1),
                "credibility": self.credibility,
                "confidence": self.confidence,
                "single": self.single,
                "empty": self.empty,
            }
        )

    def __repr__(self) -> str:
        facts = {"level": self.level, "customers": len(self.customers), "single": int(self.single.sum())}
        facts |= {"empty": int(self.empty.sum()), "not_attainable": int((~self.attainable).sum())}
        return short_repr("PredictionSets", **facts)

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        said = f"Sets at level {self.level:g}, calibrated against: {self.truth}. "
        said += f"{int(self.single.sum())} of {len(frame)} sets are a single class, {int(self.empty.sum())} empty."
        if not self.attainable.all():
            lacking = ", ".join(
                f"{label} ({count} calibration customers)"
                for label, count, supported in zip(
                    self.classes, self.calibrated, self.attainable.tolist(), strict=True
                )
                if not supported
            )
            said += (
                f" Not attainable: {lacking}; the level needs {self.needed} a class. Such a class is in every set."
            )
        table = html_table(list(frame.columns), frame.itertuples(index=False), caption="Prediction sets")
        return f"<p>{html.escape(said)}</p>{table}"


def prediction_sets(
    retrieval: Retrieval,
    calibration: Calibration,
    queries: Any,
    *,
    level: float = 0.9,
    customers: Sequence[Any] | None = None,
) -> PredictionSets:
    """Give each customer the classes that cannot be ruled out at the level.

    Parameters
    ----------
    retrieval : Retrieval
        The cases that `calibration` belongs to.
    calibration : Calibration
        Scores of customers of known class.
    queries : ndarray of shape (n_customers, n_indicators)
        Customers.
    level : float, default=0.9
        Between 0 and 1, both left out.
    customers : sequence, default=None
        Their row labels; None takes positions.

    Returns
    -------
    PredictionSets
        Sets, p-values, and the classes whose sample does not support the level.

    Raises
    ------
    DomainError
        If `level` is out of range, the calibration belongs to other cases, or `customers` has another length.

    Notes
    -----
    Formulas and sources: :class:`PredictionSets`. Cost: that of the p-values.
    """
    tail = tail_of(level)
    counts = stranger_counts(retrieval, calibration, queries)
    names = tuple(range(len(counts))) if customers is None else tuple(customers)
    if len(names) != len(counts):
        message = f"customers has {len(names)} labels and X {len(counts)} rows; give one a customer."
        raise DomainError(message)
    facts = {"customers": len(counts), "cases": len(retrieval.cases), "calibrated": sum(calibration.customers)}
    return PredictionSets(
        customers=names,
        classes=tuple(calibration.classes),
        level=float(level),
        member=read_only(counts >= thresholds(tail, calibration)),
        p_values=read_only(p_values_of(counts, calibration)),
        attainable=read_only(attainable_of(tail, calibration)),
        calibrated=calibration.customers,
        needed=needed_customers(tail),
        truth=calibration.truth,
        provenance=provenance(retrieval.hierarchy.model_dump_json(), **facts),
    )
