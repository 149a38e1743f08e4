"""Degrees of grey incidence of many sequences to one: which there are, and when they can be had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from custvalue import _frames
from custvalue._kernels import incidence
from custvalue._relational_analysis.deng import one_row
from custvalue._spec import unboxed
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import ArrayLike, FloatArray, Table

Degree: TypeAlias = Literal["absolute", "relative", "synthetic", "similitude", "nearness", "slope", "b_type"]
DEGREES: tuple[Degree, ...] = get_args(Degree)
#: How long a step of time may be: areas of allowed values then stay far below overflow.
LONGEST_STEP = 1e100
#: What a degree divides a sequence by, and how to do without.
DIVISORS = {
    "relative": ("first value", "absolute_degree needs no division; or begin later."),
    "slope": (
        "mean",
        "b_type_degree needs no division; or shift the sequences, so that means are not zero.",
    ),
}


def _checked(
    series: FloatArray, reference: FloatArray, degrees: Sequence[Degree], argument: str
) -> tuple[FloatArray, FloatArray]:
    """Refuse lengths that do not fit, and sequences that a degree cannot divide."""
    shortest = 3 if "b_type" in degrees else 2
    if series.shape[1] != reference.shape[1] or series.shape[1] < shortest:
        message = (
            f"{argument} has {series.shape[1]} points and reference {reference.shape[1]}; "
            f"allowed: equally many, at least {shortest}, taken at equal distances of time."
        )
        raise DomainError(message)
    if "relative" in degrees or "synthetic" in degrees:
        _require_divisors(series, series[:, 0], argument, "relative")
        _require_divisors(reference, reference[:, 0], "reference", "relative")
    if "slope" in degrees:
        _require_divisors(series, series.mean(axis=1), argument, "slope")
        _require_divisors(reference, reference.mean(axis=1), "reference", "slope")
    # One layout in memory: a sum has the same bits, whether a row comes alone or in a table.
    return np.ascontiguousarray(series), reference[0]


def _require_divisors(values: FloatArray, divisors: FloatArray, argument: str, degree: str) -> None:
    bad = np.abs(values).max(axis=1) > np.abs(divisors) * _frames.LARGEST
    bad |= divisors == 0.0
    if bad.any():
        what, mend = DIVISORS[degree]
        message = (
            f"{argument} holds {int(bad.sum())} sequence(s) whose {what} is zero, or so near to zero that "
            f"quotients exceed {_frames.LARGEST:g}; the {degree} degree divides by it. {mend}"
        )
        raise DomainError(message)


def _checked_step(step: float) -> float:
    length = _number(step)
    if not 0.0 < length <= LONGEST_STEP:
        message = f"step is {length:g}; allowed: a positive number up to {LONGEST_STEP:g}, usually 1."
        raise DomainError(message)
    return length


def _checked_theta(theta: float) -> float:
    share = _number(theta)
    if not 0.0 <= share <= 1.0:
        message = f"theta is {share:g}; allowed: [0, 1]. 0.5 weighs both degrees alike."
        raise DomainError(message)
    return share


def _number(value: object) -> float:
    """Give a plain number, or NaN for what is none."""
    value = unboxed(value)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")


def _degrees(
    series: FloatArray, reference: FloatArray, degree: Degree, step: float = 1.0, theta: float = 0.5
) -> FloatArray:
    """Compute one degree of checked rows against a checked reference."""
    if degree == "slope":
        return incidence.slope(series, reference)
    if degree == "b_type":
        return incidence.b_type(series, reference)
    if degree == "synthetic":
        whole = incidence.absolute(series, reference, step)
        return theta * whole + (1.0 - theta) * incidence.relative(series, reference, step)
    by_area = {
        "absolute": incidence.absolute,
        "relative": incidence.relative,
        "similitude": incidence.similitude,
        "nearness": incidence.nearness,
    }
    return by_area[degree](series, reference, step)


def single(
    sequence: ArrayLike, reference: ArrayLike, degree: Degree, step: float = 1.0, theta: float = 0.5
) -> float:
    """Compute one degree of one sequence, checked like a table of them."""
    step, theta = _checked_step(step), _checked_theta(theta)
    given, wanted = one_row(sequence, "sequence"), one_row(reference, "reference")
    row, base = _checked(given, wanted, (degree,), "sequence")
    return float(_degrees(row, base, degree, step, theta)[0])


def incidence_degrees(
    series: Table,
    reference: ArrayLike,
    *,
    degrees: Sequence[str] = DEGREES,
    step: float = 1.0,
    theta: float = 0.5,
) -> pd.DataFrame:
    r"""Compute several degrees of grey incidence of many sequences to one reference.

    Parameters
    ----------
    series : table of shape (n_series, n_points)
        Sequences, one a row, at equal distances of time. The index of a pandas frame names them.
    reference : array_like of shape (n_points,)
        The reference, at the same times.
    degrees : sequence of {"absolute", "relative", "synthetic", "similitude", "nearness", "slope", "b_type"}
        Which degrees, in the order wanted; all of them by default.
    step : float, default=1.0
        Time between two points, for the degrees that measure areas.
    theta : float, default=0.5
        Weight of the absolute degree in the synthetic one, in [0, 1].

    Returns
    -------
    pandas.DataFrame
        One row a sequence, one column a degree.

    Raises
    ------
    ColumnError
        If a column of a frame is not numeric.
    DataError
        If a value is missing or infinite.
    DomainError
        If a degree is unknown or cannot be had of these sequences, or lengths, `step` or `theta` do not fit.

    See Also
    --------
    absolute_degree, relative_degree, synthetic_degree : Areas since the start.
    similitude_degree, nearness_degree : Areas between the sequences.
    slope_degree, b_type_degree : Steps and curvature.

    Notes
    -----
    The numbers are those of the single functions, bit for bit. Degrees of different columns answer different
    questions and must not be compared with each other; within a column they rank the sequences. Cost:
    :math:`O(mn)` a degree.

    Examples
    --------
    >>> from custvalue import grey
    >>> series = [[1.0, 2.0, 4.0], [5.0, 6.0, 6.0]]
    >>> grey.incidence_degrees(series, [1.0, 2.0, 3.0], degrees=["absolute", "nearness"]).round(4)
       absolute  nearness
    0    0.9167    0.6667
    1    0.9000    0.1176
    """
    wanted = _checked_degrees(degrees)
    step, theta = _checked_step(step), _checked_theta(theta)
    rows, base = _checked(
        _frames.numeric(series, argument="series"), one_row(reference, "reference"), wanted, "series"
    )
    columns = {degree: _degrees(rows, base, degree, step, theta) for degree in wanted}
    return pd.DataFrame(columns, index=_frames.row_labels(series))


def _checked_degrees(degrees: Sequence[str]) -> tuple[Degree, ...]:
    wanted = (degrees,) if isinstance(degrees, str) else tuple(degrees)
    found = tuple(known for name in wanted for known in DEGREES if known == name)
    if not found or len(found) < len(wanted) or len(set(found)) < len(found):
        unknown = sorted({str(name) for name in wanted} - set(DEGREES))
        message = f"degrees must be some of {', '.join(DEGREES)}, each once; unknown: {unknown}."
        raise DomainError(message)
    return found
