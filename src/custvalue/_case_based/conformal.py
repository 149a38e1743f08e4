"""Class-conditional conformal p-values: how strange a customer would be in each class."""

from __future__ import annotations

import hashlib
import html
import json
import math
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
import pandas as pd
from pydantic import ConfigDict, Field, field_validator, model_validator

from custvalue._results import html_table, short_repr
from custvalue._spec import Document, Items, canonical_json, require, unboxed
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from custvalue._case_based.retrieval import Retrieval
    from custvalue._typing import BoolArray, FloatArray, IntArray

#: Classes and customers that a calibration document may hold, so that a stranger's file cannot fill the memory.
MOST_CLASSES = 1000
MOST_SCORES = 1_000_000
LONGEST_TRUTH = 2000
Label = bool | int | float | Annotated[str, Field(max_length=200)]
Score = Annotated[float, Field(ge=-1.0, le=1.0)]


class Calibration(Document):
    r"""What calibration customers taught about each class: their strangeness scores, and what they were judged by.

    A calibration says nothing about the world beyond its `truth`: sets that cover the classes an analyst gave to
    the calibration customers cover the analyst's classes, and sets that cover k-means classes cover k-means
    classes, right or wrong. It holds a score a customer, sorted within the class, and nobody's key or figures.

    Parameters
    ----------
    classes : sequence of text or numbers
        The classes, in the order of the model's ``classes_``.
    scores : sequence of sequences of float
        For each class the rising scores of its calibration customers, each in [-1, 1]; empty for a class that
        had none.
    truth : str
        What the classes of the calibration customers were judged by, for example ``"classes reviewed by the
        branch managers, June 2024"``.
    cases_digest : str
        Digest of the cases and the hierarchy that the scores belong to; other cases refuse the calibration.
    equal_to_a_case : int, default=0
        Calibration customers with exactly the figures of a case. Many of them mean that the calibration sample
        was not kept apart from the cases, and then the sets promise too much.
    incomplete : int, default=0
        Calibration customers with missing indicators. Where there were none, customers who lack indicators get no
        p-values: the calibration says nothing about them.
    spec_version : int, default=1
        Version of the JSON layout.

    Raises
    ------
    pydantic.ValidationError
        If the scores are not sorted, not finite or not one sequence a class, or `truth` is empty.

    Notes
    -----
    Split-conformal prediction with the class as category: Mondrian [1]_ (chapter 4), label-conditional [2]_. The
    score of customer x for class c is

    .. math:: A(x, c) = \max_{c' \neq c} s_{c'}(x) - s_c(x),

    with :math:`s_c` the similarity to the most similar case of class c: positive where another class is nearer.
    Where there is no case to compare with (a class without cases, or one class only), the similarity counts as 0,
    below which no similarity goes. Any score that is fixed before the calibration customers are seen gives valid
    sets; a better one gives smaller sets.

    References
    ----------
    .. [1] Vovk, V., Gammerman, A., & Shafer, G. (2005). *Algorithmic learning in a random world*. Springer.
    .. [2] Vovk, V. (2012). Conditional validity of inductive conformal predictors. *Proceedings of Machine
       Learning Research*, 25, 475-490; extended in *Machine Learning*, 92 (2013), 349-376.

    Examples
    --------
    >>> from custvalue import cbr
    >>> calibration = cbr.Calibration(
    ...     classes=["low", "high"],
    ...     scores=[[-0.4, -0.3, 0.1], [-0.5]],
    ...     truth="classes reviewed by two analysts",
    ...     cases_digest="0" * 64,
    ... )
    >>> calibration
    Calibration(classes=2, customers=4, truth='classes reviewed by two analysts')
    >>> calibration.to_frame()
      class  customers  highest_level
    0   low          3           0.75
    1  high          1           0.50
    >>> cbr.Calibration.model_validate_json(calibration.model_dump_json()) == calibration
    True
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    classes: Items[Label] = Field(
        min_length=1, max_length=MOST_CLASSES, description="The classes, in the order of the model."
    )
    scores: Items[Annotated[Items[Score], Field(max_length=MOST_SCORES)]] = Field(
        min_length=1, max_length=MOST_CLASSES, description="For each class the rising scores of its customers."
    )
    truth: str = Field(
        min_length=1,
        max_length=LONGEST_TRUTH,
        description="What the calibration customers' classes were judged by.",
    )
    cases_digest: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="Digest of the cases that the scores belong to."
    )
    equal_to_a_case: int = Field(
        default=0, ge=0, description="Calibration customers with exactly the figures of a case."
    )
    incomplete: int = Field(default=0, ge=0, description="Calibration customers with missing indicators.")

    @field_validator("truth")
    @classmethod
    def _said(cls, truth: str) -> str:
        if not truth.strip():
            message = "truth is blank; say what the classes of the calibration customers were judged by"
            raise ValueError(message)
        return truth

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.scores) != len(self.classes):
            message = f"{len(self.classes)} classes and {len(self.scores)} sequences of scores; give one a class"
            raise ValueError(message)
        if any(later < earlier for own in self.scores for earlier, later in pairwise(own)):
            message = "the scores of a class must rise; sort them"
            raise ValueError(message)
        return self

    @property
    def customers(self) -> tuple[int, ...]:
        """Number of calibration customers of each class."""
        return tuple(len(own) for own in self.scores)

    def to_frame(self) -> pd.DataFrame:
        """Give one row a class.

        Returns
        -------
        pandas.DataFrame
            ``class``, ``customers`` and ``highest_level``, the highest level that so many customers support:
            n / (n + 1).
        """
        counts = np.array(self.customers)
        return pd.DataFrame(
            {"class": list(self.classes), "customers": counts, "highest_level": counts / (counts + 1.0)}
        )

    def __repr__(self) -> str:
        facts = {"classes": len(self.classes), "customers": sum(self.customers), "truth": repr(self.truth)}
        return short_repr("Calibration", **facts)

    __str__ = __repr__

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        said = f"<p>Calibrated against: {html.escape(self.truth)}.</p>"
        if self.equal_to_a_case:
            said += (
                f"<p>{self.equal_to_a_case} calibration customer(s) have exactly the figures of a case: if they "
                "are the cases, the sets promise too much.</p>"
            )
        return said + html_table(list(frame.columns), frame.itertuples(index=False), caption="Calibration")


def digest_of_cases(retrieval: Retrieval) -> str:
    """Give the SHA-256 of all that a score depends on: hierarchy, ranges, cases and their classes."""
    ranges = retrieval.ranges
    head = {
        "hierarchy": json.loads(canonical_json(retrieval.hierarchy)),
        "ranges": None if ranges is None else json.loads(canonical_json(ranges)),
        "n_classes": int(retrieval.n_classes),
        "shape": list(retrieval.cases.shape),
    }
    digest = hashlib.sha256(json.dumps(head, sort_keys=True, ensure_ascii=False).encode())
    # One byte order for all machines, and one zero: -0.0 is as far from everything as 0.0.
    digest.update(np.ascontiguousarray(retrieval.cases + 0.0, dtype="<f8").tobytes())
    digest.update(np.ascontiguousarray(retrieval.codes, dtype="<i8").tobytes())
    return digest.hexdigest()


def strangeness(retrieval: Retrieval, queries: FloatArray) -> FloatArray:
    """Score every customer for every class, shape (n_queries, n_classes): positive where another is nearer.

    See :class:`Calibration` for the formula and for classes without cases.
    """
    alike = np.array(retrieval.by_class(queries).similarity)
    alike[np.isneginf(alike)] = 0.0
    n_queries, n_classes = alike.shape
    if n_classes == 1:
        return np.maximum(-alike, -1.0)
    rows = np.arange(n_queries)
    best = alike.argmax(axis=1)
    rest = alike.copy()
    rest[rows, best] = -np.inf
    other = np.repeat(alike.max(axis=1)[:, None], n_classes, axis=1)
    other[rows, best] = rest.max(axis=1)
    # Rounding may carry a similarity an ulp above one.
    scores: FloatArray = np.clip(other - alike, -1.0, 1.0)
    return scores


def checked_codes(codes: IntArray, n_queries: int, n_classes: int) -> IntArray:
    """Give the classes of the customers as positions; refuse what names no class of the model."""
    numbers = np.asarray(codes)
    if numbers.shape != (n_queries,):
        message = f"X has {n_queries} customers and y {numbers.size} classes; give one class a customer."
        raise DomainError(message)
    outside = not np.issubdtype(numbers.dtype, np.integer) or ((numbers < 0) | (numbers >= n_classes)).any()
    if outside:
        message = "y holds classes that the model does not know; leave those customers out, or fit the model anew."
        raise DataError(message)
    return numbers.astype(np.int64)


def _equal_to_a_case(retrieval: Retrieval, queries: FloatArray) -> int:
    """Count the customers who have exactly the figures of a case."""
    known = {row.tobytes() for row in np.ascontiguousarray(retrieval.cases + 0.0)}
    return sum(row.tobytes() in known for row in np.ascontiguousarray(queries + 0.0))


def calibrate(
    retrieval: Retrieval, queries: FloatArray, codes: IntArray, *, labels: Sequence[Any] | NDArray[Any], truth: str
) -> Calibration:
    """Score customers of known class who are not among the cases.

    Parameters
    ----------
    retrieval : Retrieval
        The cases.
    queries : ndarray of shape (n_customers, n_indicators)
        Calibration customers, kept apart from the cases and drawn as the customers to come will be.
    codes : ndarray of int, shape (n_customers,)
        Their true classes, as positions in `labels`.
    labels : sequence
        The classes.
    truth : str
        What these classes were judged by; must not be empty.

    Returns
    -------
    Calibration
        Sorted scores of each class.

    Raises
    ------
    DataError
        If a class is not among `labels`.
    DomainError
        If there is no customer, more than a million of one class, more than a thousand classes, or `truth` is
        empty or longer than 2,000 letters.

    Notes
    -----
    Formula and sources: :class:`Calibration`. Cost: one search of all cases a customer, and sorting.
    """
    if not isinstance(truth, str) or not truth.strip() or len(truth) > LONGEST_TRUTH:
        message = (
            "truth must say, in at most 2,000 letters, what the classes of the calibration customers were judged "
            "by, for example 'classes reviewed by two analysts': the sets will cover those classes, no others."
        )
        raise DomainError(message)
    if len(queries) == 0:
        message = "X is empty; allowed: at least one calibration customer, and 19 of each class for level 0.95."
        raise DomainError(message)
    n_classes = int(retrieval.n_classes)
    if len(labels) != n_classes or n_classes > MOST_CLASSES:
        message = f"labels has {len(labels)} classes and the model {n_classes}; allowed: as many, at most 1,000."
        raise DomainError(message)
    known = checked_codes(codes, len(queries), n_classes)
    if np.bincount(known, minlength=n_classes).max() > MOST_SCORES:
        message = f"X has more than {MOST_SCORES:,} customers of one class; calibrate on a random part of them."
        raise DomainError(message)
    own = strangeness(retrieval, queries)[np.arange(len(queries)), known]
    plain = [unboxed(label) for label in labels]
    return Calibration(
        classes=[label if isinstance(label, bool | int | float | str) else str(label) for label in plain],
        scores=[np.sort(own[known == code]).tolist() for code in range(n_classes)],
        truth=truth.strip(),
        cases_digest=digest_of_cases(retrieval),
        equal_to_a_case=_equal_to_a_case(retrieval, queries),
        incomplete=int(np.isnan(queries).any(axis=1).sum()),
    )


def stranger_counts(retrieval: Retrieval, calibration: Calibration, queries: FloatArray) -> IntArray:
    """Count, for every customer and class, the calibration customers of that class who are at least as strange."""
    require(calibration, Calibration, "calibration", "Call calibrate first.")
    if calibration.cases_digest != digest_of_cases(retrieval):
        message = (
            "The calibration belongs to other cases or another hierarchy: cases that were revised, retained or "
            "left out make other scores. Calibrate the model anew."
        )
        raise DomainError(message)
    if len(calibration.scores) != retrieval.n_classes:
        message = f"The calibration has {len(calibration.scores)} classes and the model {retrieval.n_classes}."
        raise DomainError(message)
    lacking = int(np.isnan(queries).any(axis=1).sum())
    if lacking and not calibration.incomplete:
        message = (
            f"X has {lacking} customer(s) with missing indicators, and the calibration saw none such: its "
            "p-values would not hold for them. Calibrate on customers who lack as much, or leave them out."
        )
        raise DataError(message)
    scores = strangeness(retrieval, queries)
    counts = np.empty(scores.shape, dtype=np.int64)
    for code, own in enumerate(calibration.scores):
        counts[:, code] = len(own) - np.searchsorted(np.array(own, dtype=np.float64), scores[:, code], side="left")
    return counts


def p_values_of(counts: IntArray, calibration: Calibration) -> FloatArray:
    """Turn counts into p-values."""
    values: FloatArray = (counts + 1.0) / (np.array(calibration.customers) + 1.0)
    return values


def p_values(retrieval: Retrieval, calibration: Calibration, queries: FloatArray) -> FloatArray:
    r"""Give, for every customer and class, the share of that class at least as strange as this customer.

    Parameters
    ----------
    retrieval : Retrieval
        The cases that `calibration` belongs to.
    calibration : Calibration
        From :func:`calibrate`.
    queries : ndarray of shape (n_customers, n_indicators)
        Customers.

    Returns
    -------
    ndarray of shape (n_customers, n_classes)
        p-values in (0, 1].

    Raises
    ------
    DomainError
        If the calibration belongs to other cases.

    Notes
    -----
    With the scores :math:`A_1, \dots, A_n` of the n calibration customers of class c and the customer's own
    score A,

    .. math:: p_c = \frac{\#\{i : A_i \ge A\} + 1}{n + 1}

    [1]_. If the customer is of class c and exchangeable
    with the calibration customers of that class, :math:`P(p_c \le j/(n+1)) \le j/(n+1)`, with equality where no
    scores tie. A class without calibration customers has p-value 1 throughout: nothing speaks against it. Cost:
    one search of all cases and :math:`O(C \log n)` a customer.

    References
    ----------
    .. [1] Vovk, V. (2012). Conditional validity of inductive conformal predictors. *Proceedings of Machine
       Learning Research*, 25, 475-490; extended in *Machine Learning*, 92 (2013), 349-376.
    """
    return p_values_of(stranger_counts(retrieval, calibration, queries), calibration)


def known_p_values(retrieval: Retrieval, calibration: Calibration, queries: FloatArray) -> FloatArray:
    """Give p-values, NaN for customers with missing indicators where the calibration saw none such."""
    complete = ~np.isnan(queries).any(axis=1)
    if complete.all() or calibration.incomplete:
        return p_values(retrieval, calibration, queries)
    values = np.full((len(queries), retrieval.n_classes), np.nan)
    values[complete] = p_values(retrieval, calibration, queries[complete])
    return values


def tail_of(level: object) -> Fraction:
    """Give 1 - level exactly, the level read as it is written: 0.95 leaves 1/20, not 0.05000000000000004."""
    try:
        exact = Fraction(str(level)) if not isinstance(level, str | bytes) else Fraction(0)
    except (ValueError, ZeroDivisionError):
        exact = Fraction(0)
    if not 0 < exact < 1:
        message = (
            "level must be a number between 0 and 1, both left out; 0.9 asks for 90 % coverage of each class."
        )
        raise DomainError(message)
    return 1 - exact


def thresholds(tail: Fraction, calibration: Calibration) -> IntArray:
    """Give the count of strangers that keeps a class in the set; 0, which everybody has, if not attainable.

    p > tail is (count + 1) > tail (n + 1), for whole counts the same as count >= floor(tail (n + 1)).
    """
    return np.array([int(tail * (n + 1)) for n in calibration.customers], dtype=np.int64)


def needed_customers(tail: Fraction) -> int:
    """Give the smallest number of calibration customers of a class that supports the level: 19 for 95 %."""
    return math.ceil(1 / tail) - 1


def attainable_of(tail: Fraction, calibration: Calibration) -> BoolArray:
    """Tell for each class whether its calibration sample supports the level."""
    return np.array(calibration.customers) >= needed_customers(tail)
