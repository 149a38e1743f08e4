"""Shannon's entropy as a source of weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from custvalue import _frames
from custvalue._relational_analysis.criteria import read_criteria
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from custvalue._relational_analysis.criteria import Directions, Targets
    from custvalue._typing import FloatArray, Table

#: A column whose values differ by less than this share of the largest is constant up to rounding.
CONSTANT = 1e-12
#: Up to this deviation from the mean the series is used, which loses no digits.
NEAR = 0.05
TERMS = 16


def entropy_weights(table: Table, *, directions: Directions | None = None, targets: Targets = None) -> FloatArray:
    r"""Weigh criteria by how unevenly their values are spread over the rows: Shannon's entropy weights (熵权法).

    Parameters
    ----------
    table : table of shape (n_rows, n_criteria)
        At least two rows, one a customer or alternative. Without `directions` no value may be negative.
    directions : str, sequence of str or mapping of str to str, default=None
        None takes the values as they are. Otherwise every column is first scaled to [0, 1] as
        :func:`rank_alternatives` does it, by "benefit", "cost" or "target"; the weights differ from those of the
        values as they are.
    targets : mapping of str to float, default=None
        The value aimed at, for each column of the direction "target".

    Returns
    -------
    ndarray of shape (n_criteria,)
        Weights in [0, 1] with the sum 1. A constant column has weight 0.

    Raises
    ------
    ColumnError
        If a column of a frame is not numeric, or one of the mapping is missing.
    DataError
        If a value is missing, infinite or, without `directions`, negative, or if every column is constant.
    DomainError
        If there are fewer than two rows, or `directions` or `targets` do not fit.

    See Also
    --------
    rank_alternatives : Takes such weights.

    Notes
    -----
    Each column is divided by its sum, and these shares :math:`p_{ij} = x_{ij} / \sum_i x_{ij}` give (Shannon 1948;
    Hwang and Yoon 1981 [1]_)

    .. math:: E_j = -\frac{1}{\ln m} \sum_{i=1}^{m} p_{ij} \ln p_{ij}, \qquad
              w_j = \frac{1 - E_j}{\sum_l (1 - E_l)}, \qquad 0 \ln 0 = 0.

    Computed as :math:`1 - E_j = \frac{1}{m \ln m} \sum_i \bigl[(1 + d_i) \ln (1 + d_i) - d_i\bigr]` with
    :math:`d_i = x_{ij} / \bar x_j - 1`, which loses no digits for columns that hardly vary. A column that varies
    by no more than 1e-12 of its largest value counts as constant. The unit of a column does not matter, its zero
    does: a temperature in kelvin gets less weight than in degrees Celsius. Entropy knows nothing about what
    matters to a bank; it rewards columns with a few large values. Cost: :math:`O(mn)`.

    References
    ----------
    .. [1] Hwang, C.-L. and Yoon, K. (1981). *Multiple Attribute Decision Making: Methods and Applications*.
       Springer.

    Examples
    --------
    >>> from custvalue import grey
    >>> grey.entropy_weights([[1.0, 5.0, 1.0], [0.0, 5.0, 3.0]]).round(4)  # 1, 0 and 0.1887, divided by their sum
    array([0.8412, 0.    , 0.1588])
    """
    if directions is None and targets is None:
        values = _frames.numeric(table, argument="table")
    else:
        values = read_criteria(table, "benefit" if directions is None else directions, targets).scaled
    if len(values) < 2 or not values.shape[1]:  # noqa: PLR2004 - entropy of one row divides by ln 1
        message = f"table has shape {values.shape}; allowed: at least two rows and one column."
        raise DomainError(message)
    if (negative := (values < 0.0).any(axis=0)).any():
        message = (
            f"table has negative values in column(s) {np.flatnonzero(negative).tolist()}, of which no shares can "
            "be taken. Scale first, with IndicatorScaler or by giving directions."
        )
        raise DataError(message)
    spread = np.array([_divergence(column) for column in values.T])
    if not (total := spread.sum()) > 0.0:
        message = "Every column of table is constant, so entropy weighs none of them. Give weights by judgment."
        raise DataError(message)
    weights: FloatArray = spread / total
    return weights


def _divergence(values: FloatArray) -> float:
    """Give 1 - E times ln m, term by term, none negative."""
    largest = values.max()
    if largest - values.min() <= CONSTANT * largest:
        return 0.0
    relative = values / largest
    mean = relative.mean()
    deviation = (relative - mean) / mean
    near = np.abs(deviation) < NEAR
    small = np.where(near, deviation, 0.0)
    # (1 + d) ln(1 + d) - d = d^2/2 - d^3/6 + d^4/12 - ...
    series = np.zeros_like(small)
    for k in range(TERMS, 1, -1):
        series = 1.0 / (k * (k - 1)) - small * series
    far = np.where(near | (relative == 0.0), 1.0, relative / mean)
    direct = far * np.log(far) - np.where(near, 0.0, deviation)
    return float(np.where(near, small**2 * series, direct).mean())
