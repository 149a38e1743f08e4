"""Interest measures for the caller: one by its name, and the table of all of them."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from custvalue._kernels.interest import MEASURES, Measure
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from custvalue._typing import FloatArray

#: Every whole number up to here is a float64.
_LARGEST: Final = 2**53
#: What other books and packages call a measure; only ever shown in a hint.
_ALSO_CALLED: Final = {
    "antecedent_support": "coverage",
    "rhs_support": "consequent_support",
    "precision": "confidence",
    "strength": "confidence",
    "sensitivity": "recall",
    "completeness": "recall",
    "interest": "lift",
    "piatetsky_shapiro": "leverage",
    "novelty": "leverage",
    "gap": "added_value",
    "pavillon_index": "added_value",
    "centered_confidence": "added_value",
    "loevinger": "certainty",
    "zhangs_metric": "zhang",
    "ochiai": "cosine",
    "coherence": "jaccard",
    "matthews": "phi",
    "correlation": "phi",
    "accuracy": "causal_support",
    "casual_support": "causal_support",
    "casual_confidence": "causal_confidence",
    "uncertainty": "normalized_mutual_information",
    "pmi": "pointwise_mutual_information",
    "npmi": "normalized_pointwise_mutual_information",
    "fisher": "fisher_p_greater",
} | {measure.arules.lower(): name for name, measure in MEASURES.items() if measure.arules}


def interest_measure(
    name: str, n11: ArrayLike, n10: ArrayLike, n01: ArrayLike, n00: ArrayLike, *, smoothing: float = 0.0
) -> FloatArray:
    r"""Compute an interest measure of rules from their four counts.

    A measure describes what was counted. Whether it is more than chance says a test over all the rules that were
    looked at, not the size of a measure.

    Parameters
    ----------
    name : str
        Name of the measure; :func:`interest_measures` lists all of them.
    n11, n10, n01, n00 : array_like
        How many customers hold antecedent and consequent, the antecedent only, the consequent only, and neither;
        finite numbers from 0 to :math:`2^{53}`, of shapes that can be broadcast. Sums of money are allowed but for
        measures of the hypergeometric distribution, which count customers.
    smoothing : float, default=0.0
        Added to each of the four counts; 0.5 is Haldane's and Anscombe's (1956) correction, which keeps ratios of
        small counts finite. Measures of the hypergeometric distribution take none.

    Returns
    -------
    ndarray of float64
        The measure, in the shape that the counts have together. With :math:`x` not 0, :math:`x / 0` is infinite;
        :math:`0 / 0` is NaN: the counts say nothing, as when nobody holds the antecedent; :math:`0 \log 0` is 0.

    Raises
    ------
    DomainError
        If the name is unknown, a count is not a finite number from 0 to 2^53, shapes do not fit, `smoothing` is
        not a finite number from 0, or a measure of the hypergeometric distribution is asked for with smoothing or
        with counts that are not whole.

    See Also
    --------
    interest_measures : Names, ranges, formulas and sources.

    Notes
    -----
    With :math:`x = n_{11} + n_{10}`, :math:`y = n_{11} + n_{01}` and :math:`N` all customers, most measures are
    functions of :math:`N n_{11} - x y = n_{11} n_{00} - n_{10} n_{01}`, which is computed without cancellation.
    Definitions are those of the sources; four measures of the R package arules differ from its own manual
    (collective strength, causal support, causal confidence, least contradiction), and the certainty factor has two
    branches here. Cost: O(1) a rule; measures of the hypergeometric distribution up to some 10,000 operations.

    Examples
    --------
    Of 1,000 customers 50 hold a mortgage, 70 an insurance, 30 both.

    >>> float(interest_measure("confidence", 30, 20, 40, 910))
    0.6
    >>> interest_measure("lift", [30, 5], [20, 5], [40, 5], [910, 85]).round(3)
    array([8.571, 5.   ])
    >>> float(interest_measure("odds_ratio", 30, 20, 0, 950)), float(interest_measure("conviction", 1, 0, 0, 0))
    (inf, nan)
    """
    measure = _named(name)
    counts = [
        _count(label, value)
        for label, value in zip(("n11", "n10", "n01", "n00"), (n11, n10, n01, n00), strict=True)
    ]
    try:
        np.broadcast_shapes(*(count.shape for count in counts))
    except ValueError:
        shapes = ", ".join(str(count.shape) for count in counts)
        message = f"n11, n10, n01, n00 have the shapes {shapes}; allowed: shapes that can be broadcast together."
        raise DomainError(message) from None
    extra = _smoothing(smoothing)
    if measure.whole_counts:
        _refuse_fractions(measure, counts, extra)
    return measure.function(*(count + extra for count in counts))


def interest_measures() -> pd.DataFrame:
    """List the interest measures with their ranges, properties, formulas and sources.

    Returns
    -------
    pandas.DataFrame
        One row a measure. Columns: `name`; `title`; `low` and `high`, the bounds of its values; `independence`,
        its value where antecedent and consequent are independent (NaN where that is no single value);
        `symmetric`, whether the two can be exchanged; `null_invariant`, whether customers who hold neither leave
        it as it is; `whole_counts`, whether it counts whole customers only; `formula` in the counts, with
        x = n11 + n10, y = n11 + n01 and N all; `source`; `arules`, its name in the R package of that name (empty
        if none).

    See Also
    --------
    interest_measure : Compute one of them.

    Notes
    -----
    A null-invariant measure does not change when customers without either product are added, such as dormant ones;
    choose one where that number is arbitrary. Measures that compare with independence need it.

    Examples
    --------
    >>> table = interest_measures().set_index("name")
    >>> [float(table.at["lift", column]) for column in ("low", "high", "independence")]
    [0.0, inf, 1.0]
    >>> table.index[table["null_invariant"] & ~table["symmetric"]].tolist()[:2]
    ['confidence', 'recall']
    >>> table.loc["kulczynski", "formula"]
    '(n11 / x + n11 / y) / 2'
    """
    columns = {
        "name": "name",
        "title": "title",
        "low": "low",
        "high": "high",
        "independence": "independence",
        "symmetric": "symmetric",
        "null_invariant": "null_invariant",
        "whole_counts": "whole_counts",
        "formula": "text",
        "source": "source",
        "arules": "arules",
    }
    return pd.DataFrame(
        {column: [getattr(measure, field) for measure in MEASURES.values()] for column, field in columns.items()}
    )


def _named(name: str) -> Measure:
    if not isinstance(name, str):
        message = f"name is of type {type(name).__name__}; allowed: a text; interest_measures() lists the names."
        raise DomainError(message)
    if name in MEASURES:
        return MEASURES[name]
    asked = name.lower()
    near = [_ALSO_CALLED[asked]] if asked in _ALSO_CALLED else difflib.get_close_matches(asked, MEASURES, 3)
    hint = f" Did you mean {' or '.join(repr(found) for found in near)}?" if near else ""
    message = f"Unknown interest measure {name!r}.{hint} interest_measures() lists all names."
    raise DomainError(message)


def _count(label: str, value: ArrayLike) -> FloatArray:
    try:
        array: NDArray[np.generic] = np.asarray(value)
    except ValueError:
        message = f"{label} is a ragged sequence; allowed: a number or an array of numbers."
        raise DomainError(message) from None
    if array.dtype.kind not in "iuf":
        message = f"{label} is of type {array.dtype}; allowed: whole numbers or floats."
        raise DomainError(message)
    count = array.astype(np.float64)
    if bad := int(np.count_nonzero(~((count >= 0.0) & (count <= _LARGEST)))):
        message = (
            f"{label} holds {bad} value(s) that are negative, NaN or above 2^53; allowed: numbers from 0 to 2^53."
        )
        raise DomainError(message)
    return count


def _smoothing(value: float) -> float:
    if (
        isinstance(value, (int, float, np.integer, np.floating))
        and not isinstance(value, bool)
        and 0.0 <= value < np.inf
    ):
        return float(value)
    message = "smoothing is not a finite number from 0; allowed: 0 for none, 0.5 for Haldane's correction."
    raise DomainError(message)


def _refuse_fractions(measure: Measure, counts: list[FloatArray], smoothing: float) -> None:
    if smoothing > 0.0:
        message = f"smoothing is above 0; {measure.name!r} counts whole customers: leave smoothing at 0."
        raise DomainError(message)
    for label, count in zip(("n11", "n10", "n01", "n00"), counts, strict=True):
        if bad := int(np.count_nonzero(count != np.floor(count))):
            message = f"{label} holds {bad} value(s) that are not whole; {measure.name!r} counts whole customers."
            raise DomainError(message)
