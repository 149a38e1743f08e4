"""The answers of a case-based classifier, with what tells how far to trust each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from custvalue._case_based.conformal import known_p_values
from custvalue._case_based.retrieval import rival_classes
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from custvalue._case_based.conformal import Calibration
    from custvalue._case_based.retrieval import Retrieval
    from custvalue._typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False, repr=False)
class Classification:
    """A class for each customer, and how far to trust it.

    Attributes
    ----------
    customers : tuple
        Row labels of the customers.
    predicted : ndarray of shape (n_customers,)
        Classes; the label for abstention where the model abstains.
    case : ndarray of str, shape (n_customers,)
        Name of the nearest case of the class that won the vote.
    similarity : ndarray of shape (n_customers,)
        Similarity to it. It is relative to the case base and no measure of confidence.
    rival : ndarray of object, shape (n_customers,)
        Class of the nearest case of any other class; None where there is no other.
    margin : ndarray of shape (n_customers,)
        Similarity less that to the nearest case of any other class; where there is none, the similarity. Negative
        where a vote overrules the nearest case.
    abstained : ndarray of bool, shape (n_customers,)
        Whether the margin is below the model's `min_margin`.
    tied : ndarray of bool, shape (n_customers,)
        Whether another case is exactly as similar as the nearest.
    out_of_range : ndarray of int, shape (n_customers,)
        How many indicators lie outside the range of the customers behind the cases, where a similarity cannot
        tell how far.
    missing : ndarray of int, shape (n_customers,)
        How many indicators were missing and skipped.
    missing_weight : ndarray of shape (n_customers,)
        Share of the weight that they have.
    p_value, confidence : ndarray of shape (n_customers,) or None
        Conformal p-value of the class given, and 1 less the largest p-value of any other class: up to that level
        the prediction set holds no other class. None where the model is not calibrated. NaN for a customer with
        missing indicators where the calibration saw no such customer: it says nothing about them.
    provenance : Provenance
        Package version, hierarchy and counts.

    Examples
    --------
    >>> from custvalue import cbr
    >>> model = cbr.CaseBasedClassifier().fit([[0.2, 0.1], [0.9, 0.8]], ["low", "high"])
    >>> model.classify([[0.8, 0.7], [0.5, 0.4]]).to_frame()[["predicted", "case", "rival", "margin"]].round(3)
      predicted case rival  margin
    0      high   C2   low   0.556
    1       low   C1  high   0.167
    """

    customers: tuple[Any, ...]
    predicted: NDArray[Any]
    case: NDArray[np.str_]
    similarity: FloatArray
    rival: NDArray[Any]
    margin: FloatArray
    abstained: BoolArray
    tied: BoolArray
    out_of_range: IntArray
    missing: IntArray
    missing_weight: FloatArray
    p_value: FloatArray | None
    confidence: FloatArray | None
    provenance: Provenance

    def __len__(self) -> int:
        return len(self.predicted)

    def to_frame(self) -> pd.DataFrame:
        """Give one row a customer.

        Returns
        -------
        pandas.DataFrame
            Indexed by the customers: ``predicted``, ``case``, ``similarity``, ``rival``, ``margin``,
            ``abstained``, ``tied``, ``out_of_range``, ``missing``, ``missing_weight``; where calibrated
            ``p_value`` and ``confidence``.
        """
        names = ["predicted", "case", "similarity", "rival", "margin", "abstained", "tied", "out_of_range"]
        names += ["missing", "missing_weight"]
        names += ["p_value", "confidence"] if self.p_value is not None else []
        return pd.DataFrame({name: np.array(getattr(self, name)) for name in names}, index=list(self.customers))

    def __repr__(self) -> str:
        counts = self.provenance.counts
        return short_repr(
            "Classification", abstained=int(self.abstained.sum()), tied=int(self.tied.sum()), **counts
        )

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        sure = "" if self.p_value is not None else "; not calibrated"
        flagged = int((self.out_of_range > 0).sum())
        caption = (
            f"{len(self)} customers: {int(self.abstained.sum())} abstained, {int(self.tied.sum())} tied, "
            f"{flagged} with indicators out of range{sure}"
        )
        rows = [[label, *row] for label, row in zip(self.customers, frame.to_numpy().tolist(), strict=True)]
        return html_table(["customer", *frame.columns], rows, caption=caption)


def classified(
    retrieval: Retrieval,
    queries: FloatArray,
    *,
    names: Sequence[Any],
    classes: NDArray[Any],
    case_names: tuple[str, ...],
    bounds: tuple[FloatArray, FloatArray],
    min_margin: float,
    abstain_label: Any,
    calibration: Calibration | None,
) -> Classification:
    """Grade queries and gather what tells how far to trust each answer, in two searches."""
    found, by_class = retrieval.nearest(queries), retrieval.by_class(queries)
    codes = retrieval.decided(found)
    rows = np.arange(len(queries))
    own = by_class.similarity[rows, codes]
    rivals, best_other = rival_classes(by_class, codes, len(retrieval.cases))
    single = np.isneginf(best_other)
    margin = own - np.where(single, 0.0, best_other)
    rival = classes.astype(object)[rivals]
    rival[single] = None
    abstained = margin < min_margin if min_margin > 0.0 else np.zeros(len(queries), dtype=np.bool_)
    predicted = classes[codes]
    if abstained.any():
        kept = predicted.astype(object)
        kept[abstained] = abstain_label
        predicted = np.array(kept.tolist())
    lower, upper = bounds
    outside = ((queries < lower) | (queries > upper)).sum(axis=1)
    p_value = confidence = None
    if calibration is not None:
        values = known_p_values(retrieval, calibration, queries)
        own_value = values[rows, codes].copy()
        values[rows, codes] = np.where(np.isnan(own_value), np.nan, 0.0)
        p_value, confidence = read_only(own_value), read_only(1.0 - values.max(axis=1))
    return Classification(
        customers=tuple(names),
        predicted=read_only(predicted),
        case=read_only(np.array(case_names, dtype=np.str_)[by_class.index[rows, codes]]),
        similarity=read_only(own),
        rival=read_only(rival),
        margin=read_only(margin),
        abstained=read_only(abstained),
        tied=read_only(np.array(found.tied)),
        out_of_range=read_only(outside.astype(np.int64)),
        missing=read_only(np.isnan(queries).sum(axis=1).astype(np.int64)),
        missing_weight=read_only(np.isnan(queries) @ retrieval.hierarchy.global_weights),
        p_value=p_value,
        confidence=confidence,
        provenance=provenance(
            retrieval.hierarchy.model_dump_json(), customers=len(queries), cases=len(retrieval.cases)
        ),
    )
