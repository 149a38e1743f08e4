"""Pairwise judgments, the priorities they imply, and how consistent they are."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from custvalue._kernels import pairwise
from custvalue._network_process.tables import positions, square_table
from custvalue._results import Provenance, html_table, provenance, read_only
from custvalue._spec import Items, Name, Spec, unboxed
from custvalue.exceptions import DomainError, JudgmentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import FloatArray, Table

Method: TypeAlias = Literal["eigenvector", "logarithmic_least_squares"]
RandomIndex: TypeAlias = Literal["alonso_lamata", "saaty_1980", "saaty_2005"]

_RECIPROCITY: Final = 1e-9
_FRACTION: Final = re.compile(r"\s*(\d{1,15}(?:\.\d{1,15})?)\s*/\s*(\d{1,15}(?:\.\d{1,15})?)\s*")
_ALWAYS_CONSISTENT: Final = 2


def _fraction(value: Any) -> Any:
    """Read "1/7" as a number; leave everything else to the strict field."""
    if not isinstance(value, str):
        return unboxed(value)
    found = _FRACTION.fullmatch(value if "/" in value else f"{value}/1")
    if found is None or float(found[2]) == 0.0:
        message = f'a ratio written as text must be a number or a fraction such as "1/7", got {value[:40]!r}'
        raise ValueError(message)
    return float(found[1]) / float(found[2])


def _invertible(ratio: float) -> float:
    if math.isinf(1.0 / ratio):
        message = "the reciprocal of a ratio must be a finite number; use a ratio of at least 1e-308"
        raise ValueError(message)
    return ratio


Ratio = Annotated[
    float,
    Field(gt=0.0, description="How many times as important the first is as the second; a number or '1/7'."),
    BeforeValidator(_fraction),
    AfterValidator(_invertible),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*/\s*\d+(\.\d+)?\s*$"},
            ]
        }
    ),
]


class Judgment(Spec):
    """One comparison: the first element is `ratio` times as important as the second.

    Saaty's scale runs from 1 (equal) to 9 (extreme) and to 1/9 in the other direction; any positive ratio is
    taken, since means of several experts' judgments and measured ratios are no whole numbers.

    Parameters
    ----------
    first : str
        The element whose importance is stated.
    second : str
        The element it is compared with.
    ratio : float or str
        Positive and finite; a text fraction such as ``"1/7"`` is read as a number. Kept and written as a float.

    Raises
    ------
    pydantic.ValidationError
        If `ratio` is not a positive finite number (or its reciprocal is not finite), or a name is empty.

    See Also
    --------
    Comparisons : A complete set of judgments.

    References
    ----------
    .. [1] Saaty, T. L. (1980). *The Analytic Hierarchy Process*. McGraw-Hill.

    Examples
    --------
    >>> from custvalue import anp
    >>> anp.Judgment(first="recency", second="frequency", ratio=1 / 4)
    Judgment(first='recency', second='frequency', ratio=0.25)
    """

    first: Name = Field(description="The element whose importance is stated.")
    second: Name = Field(description="The element it is compared with.")
    ratio: Ratio


class Comparisons(Spec):
    """A complete set of pairwise judgments of some elements.

    Parameters
    ----------
    kind : {"judgments"}, default="judgments"
        Tells this way to state weights from others in JSON.
    elements : sequence of str
        Names of what is compared, distinct, 1 to 200 of them; the order is that of the weights.
    judgments : sequence of Judgment
        Every pair at least once, in either direction; a pair judged twice must agree within 1e-9.

    Raises
    ------
    pydantic.ValidationError
        If a name is doubled or unknown, an element is compared with itself, two judgments of a pair contradict
        each other, or a pair is missing; the message names the pairs.

    See Also
    --------
    priorities : The weights that the judgments imply.

    Examples
    --------
    >>> from custvalue import anp
    >>> control = anp.Comparisons.model_validate_json('''{
    ...     "elements": ["turnover", "balance"],
    ...     "judgments": [{"first": "turnover", "second": "balance", "ratio": "1/3"}]}''')
    >>> anp.priorities(control).weights
    array([0.25, 0.75])
    """

    kind: Literal["judgments"] = "judgments"
    elements: Annotated[Items[Name], Field(min_length=1, max_length=200, description="What is compared.")]
    judgments: Annotated[Items[Judgment], Field(max_length=100_000, description="Every pair at least once.")]

    @model_validator(mode="after")
    def _complete(self) -> Comparisons:
        if len(set(self.elements)) < len(self.elements):
            doubled = next(name for name in self.elements if self.elements.count(name) > 1)
            message = f"elements must be distinct; {doubled!r} is named twice"
            raise ValueError(message)
        _matrix(self.elements, self.judgments)
        return self

    @property
    def matrix(self) -> FloatArray:
        """Give the reciprocal comparison matrix.

        Returns
        -------
        ndarray of shape (n, n)
            Entry (i, j) says how many times as important element i is as element j; 1 on the diagonal;
            read-only.
        """
        return read_only(_matrix(self.elements, self.judgments))

    @classmethod
    def from_matrix(cls, elements: Sequence[str] | None, matrix: Table) -> Comparisons:
        """Build the set from a reciprocal matrix.

        Parameters
        ----------
        elements : sequence of str or None
            Names of the rows; None takes a DataFrame's labels, or the positions "0", "1", ... of an array.
        matrix : array_like or DataFrame of shape (n, n)
            Positive, finite, 1 on the diagonal, and ``matrix[i, j] * matrix[j, i] == 1`` within 1e-9. The part
            above the diagonal is kept.

        Returns
        -------
        Comparisons
            One judgment per pair. Cost: O(n^2).

        Raises
        ------
        DomainError
            If the matrix is not square, holds a missing or infinite number, or does not fit `elements`.
        JudgmentError
            If an entry is not positive, a diagonal entry is not 1, or a pair is not reciprocal; the message names
            the pair.
        """
        values, labels = square_table(matrix, "matrix")
        names = tuple(elements) if elements is not None else labels or positions(len(values))
        if len(names) != len(values) or (labels and elements is not None and names != labels):
            message = (
                f"elements has {len(names)} names for a matrix of {len(values)} rows; allowed: one name a row, in "
                "the order of the rows (and equal to the labels, if matrix is a DataFrame)."
            )
            raise DomainError(message)
        _check_reciprocal(values, names)
        pairs = combinations(range(len(names)), 2)
        judgments = tuple(Judgment(first=names[i], second=names[j], ratio=float(values[i, j])) for i, j in pairs)
        return cls(elements=names, judgments=judgments)


def _check_reciprocal(values: FloatArray, names: tuple[str, ...]) -> None:
    places = np.argwhere(values <= 0.0)
    if len(places):
        row, column = places[0]
        message = (
            f"matrix must be positive; the judgment of {names[row]!r} against {names[column]!r} is "
            f"{values[row, column]:g}. State ratios: 1 for equal, 1/3 for a third."
        )
        raise JudgmentError(message)
    diagonal = np.flatnonzero(np.abs(np.diag(values) - 1.0) > _RECIPROCITY)
    if len(diagonal):
        message = f"matrix must have 1 on its diagonal; {names[diagonal[0]]!r} against itself differs."
        raise JudgmentError(message)
    with np.errstate(over="ignore"):
        places = np.argwhere(np.abs(values * values.T - 1.0) > _RECIPROCITY)
    if len(places):
        row, column = places[0]
        message = (
            f"matrix must be reciprocal within {_RECIPROCITY:g}: {names[row]!r} against {names[column]!r} is "
            f"{values[row, column]:.10g}, but {names[column]!r} against {names[row]!r} is "
            f"{values[column, row]:.10g}. Give 1/x in full precision, or state each pair once as a Judgment."
        )
        raise JudgmentError(message)


def _matrix(elements: Sequence[str], judgments: Sequence[Judgment]) -> FloatArray:
    """Place the judgments into a matrix, refusing whatever does not define one."""
    place = {name: number for number, name in enumerate(elements)}
    matrix = np.eye(len(elements))
    for judgment in judgments:
        unknown = [name for name in (judgment.first, judgment.second) if name not in place]
        if unknown:
            message = f"a judgment names {unknown[0]!r}, which is not among the elements {list(elements)}"
            raise JudgmentError(message)
        row, column = place[judgment.first], place[judgment.second]
        if row == column:
            message = f"{judgment.first!r} is compared with itself; leave this judgment out"
            raise JudgmentError(message)
        known = matrix[row, column]
        if known and not math.isclose(known, judgment.ratio, rel_tol=_RECIPROCITY):
            message = (
                f"the judgments of {judgment.first!r} against {judgment.second!r} contradict each other: "
                f"{known:.10g} and {judgment.ratio:.10g}; keep one, or agree on their geometric mean"
            )
            raise JudgmentError(message)
        if not known:
            matrix[row, column], matrix[column, row] = judgment.ratio, 1.0 / judgment.ratio
    missing = [(elements[i], elements[j]) for i, j in np.argwhere(matrix == 0.0) if i < j]
    if missing:
        shown = ", ".join(f"{first!r} with {second!r}" for first, second in missing[:10])
        more = f" and {len(missing) - 10} more pairs" if len(missing) > 10 else ""  # noqa: PLR2004
        message = f"no judgment compares {shown}{more}; every pair must be judged once"
        raise JudgmentError(message)
    return matrix


@dataclass(frozen=True, slots=True, eq=False)
class Priorities:
    """Priorities of compared elements, with the consistency of the judgments.

    Parameters
    ----------
    elements : tuple of str
        Names, in the order of `weights`.
    weights : ndarray of shape (n,)
        Positive, sum to 1; read-only.
    lambda_max : float
        Principal eigenvalue of the comparison matrix, n for perfectly consistent judgments; for every `method`.
    consistency_index : float
        (lambda_max - n) / (n - 1); 0 up to two elements.
    consistency_ratio : float
        Consistency index divided by the random index; 0 up to two elements. Saaty asks for at most 0.10.
    random_index : str
        Name of the random-index table.
    method : str
        Name of the method that gave the weights.
    provenance : Provenance
        Package version, the comparisons as JSON, the number of elements.

    See Also
    --------
    priorities : The function that returns this result.

    Examples
    --------
    >>> from custvalue import anp
    >>> anp.priorities([[1.0, 3.0], [1 / 3, 1.0]]).to_frame()
      element  weight
    0       0    0.75
    1       1    0.25
    """

    elements: tuple[str, ...]
    weights: FloatArray
    lambda_max: float
    consistency_index: float
    consistency_ratio: float
    random_index: RandomIndex
    method: Method
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Give one row per element.

        Returns
        -------
        DataFrame
            Columns `element` and `weight`.
        """
        return pd.DataFrame({"element": list(self.elements), "weight": self.weights.copy()})

    def to_dict(self) -> dict[str, float]:
        """Give the weights by name.

        Returns
        -------
        dict of str to float
            Names and weights, in the order of `elements`.
        """
        return dict(zip(self.elements, self.weights.tolist(), strict=True))

    def _repr_html_(self) -> str:
        caption = f"Priorities ({self.method}), CR {self.consistency_ratio:.3f} ({self.random_index})"
        return html_table(("element", "weight"), self.to_dict().items(), caption=caption)


def check_choices(method: str, random_index: str) -> None:
    """Raise ``DomainError`` unless the method and the random index are known by name."""
    for name, value, allowed in (
        ("method", method, get_args(Method)),
        ("random_index", random_index, get_args(RandomIndex)),
    ):
        if value not in allowed:
            message = f"{name} is {value!r}; allowed: {', '.join(map(repr, allowed))}."
            raise DomainError(message)


def priorities(
    comparisons: Comparisons | Table,
    *,
    method: Method = "eigenvector",
    random_index: RandomIndex = "alonso_lamata",
) -> Priorities:
    r"""Compute the priorities that pairwise judgments imply, and the consistency of the judgments.

    Parameters
    ----------
    comparisons : Comparisons, DataFrame or array_like of shape (n, n)
        Complete judgments, or a reciprocal matrix; a DataFrame gives the names, an array the positions.
    method : {"eigenvector", "logarithmic_least_squares"}, default="eigenvector"
        The principal right eigenvector [1]_, or logarithmic least squares, which for complete judgments is the
        row geometric mean [2]_. They agree for consistent judgments and for up to three elements.
    random_index : {"alonso_lamata", "saaty_1980", "saaty_2005"}, default="alonso_lamata"
        Table by which the consistency index is judged [3]_ [1]_ [4]_; the consistency ratio of the same judgments
        can differ between them: for three elements .5245, .58 and .52 stand below the same index.

    Returns
    -------
    Priorities
        Weights, lambda_max, consistency index and ratio.

    Raises
    ------
    JudgmentError
        If a matrix is not positive, not reciprocal within 1e-9, or has no unit diagonal.
    DomainError
        If a matrix is not square or not finite, a name is unknown, the random index has no value for so many
        elements, or the weights leave the range of double precision.
    pydantic.ValidationError
        If a matrix has more than 200 rows.

    See Also
    --------
    Network : Judgments of several groups at once.

    Notes
    -----
    With A the matrix of judgments, the eigenvector method solves :math:`A w = \lambda_{max} w`, and

    .. math:: CI = \frac{\lambda_{max} - n}{n - 1}, \qquad CR = \frac{CI}{RI(n)}.

    `lambda_max` is the eigenvalue of A under both methods, so that the consistency tells about the judgments and
    not about the method. The eigenvector is found by Noda's inverse iteration, certified by the bounds of Collatz
    and Wielandt, to rounding accuracy. Beyond 15 elements "alonso_lamata" takes the fitted line
    :math:`\bar\lambda_{max} = 2.7699 n - 4.3513` of [3]_; the others have no value there. Cost: :math:`O(n^3)`.

    References
    ----------
    .. [1] Saaty, T. L. (1980). *The Analytic Hierarchy Process*. McGraw-Hill.
    .. [2] Crawford, G. and Williams, C. (1985). A note on the analysis of subjective judgment matrices. *Journal
       of Mathematical Psychology*, 29(4), 387-405.
    .. [3] Alonso, J. A. and Lamata, M. T. (2006). Consistency in the analytic hierarchy process: a new approach.
       *International Journal of Uncertainty, Fuzziness and Knowledge-Based Systems*, 14(4), 445-459.
    .. [4] Saaty, T. L. (2005). *Theory and Applications of the Analytic Network Process*. RWS Publications.

    Examples
    --------
    >>> from custvalue import anp
    >>> result = anp.priorities([[1, 1 / 7, 2], [7, 1, 9], [1 / 2, 1 / 9, 1]])
    >>> result.weights.round(4), round(result.lambda_max, 5), round(result.consistency_ratio, 4)
    (array([0.1312, 0.7928, 0.076 ]), 3.02173, 0.0207)
    """
    check_choices(method, random_index)
    if not isinstance(comparisons, Comparisons):
        comparisons = Comparisons.from_matrix(None, comparisons)
    weights, lambda_max = _solve(comparisons.matrix, method)
    size = len(weights)
    index = max(0.0, (lambda_max - size) / (size - 1)) if size > _ALWAYS_CONSISTENT else 0.0
    ratio = index / _random_index(random_index, size) if size > _ALWAYS_CONSISTENT else 0.0
    return Priorities(
        elements=tuple(comparisons.elements),
        weights=read_only(weights),
        lambda_max=lambda_max,
        consistency_index=index,
        consistency_ratio=ratio,
        random_index=random_index,
        method=method,
        provenance=provenance(comparisons.model_dump_json(), n_elements=size),
    )


def _solve(matrix: FloatArray, method: Method) -> tuple[FloatArray, float]:
    try:
        weights, lambda_max = pairwise.perron(matrix)
    except ArithmeticError as error:
        raise DomainError(f"{error} Check the largest and smallest ratios.") from error
    if method == "logarithmic_least_squares":
        weights = pairwise.geometric_means(matrix)
    if not (weights > 0.0).all():
        message = "A weight is too small for double precision; check the largest and smallest ratios."
        raise DomainError(message)
    return weights, float(len(matrix)) if len(matrix) <= _ALWAYS_CONSISTENT else lambda_max


def _random_index(name: RandomIndex, size: int) -> float:
    value = pairwise.random_index(name, size)
    if value is None:
        message = (
            f"random_index {name!r} has values for up to 15 elements and {size} are compared; use "
            "'alonso_lamata', which has a formula for more, or compare in smaller groups."
        )
        raise DomainError(message)
    return value
