"""How much of the value the best customers bring: decile and Pareto tables, the Lorenz curve, Gini."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from custvalue import _frames
from custvalue._customer_scores.score_table import array_of
from custvalue._kernels import scoring
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import unboxed, whole_number
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import FloatArray, Table

#: A table of more groups is a curve.
MOST_GROUPS = 1000
#: Shares of the customers in a Pareto table, the folklore's 20 % among them.
PARETO_SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)


@dataclass(frozen=True, eq=False, repr=False)
class Concentration:
    """How the value is spread over the customers.

    Attributes
    ----------
    n_groups : int
        Number of equal groups of the table; ten makes deciles.
    n_negative : int
        Customers of negative value.
    total : float
        Sum of the values, in their unit.
    corner_customers : ndarray of shape (n_corners,)
        Corners of the falling curve: the number of customers, the best first, from 0 to all.
    corner_value : ndarray of shape (n_corners,)
        Their cumulative value. Between the corners the curve is straight, because equal customers lie there.
    provenance : Provenance
        Package version and row counts.

    Examples
    --------
    >>> from custvalue import rfm
    >>> found = rfm.concentration([80.0, 5.0, 5.0, 5.0, 5.0], n_groups=5)
    >>> found.top_share(0.2), round(found.gini, 4)
    (0.8, 0.6)
    >>> found.to_frame().head(2)
       group  customers  value  share  cumulative_share
    0      1        1.0   80.0   0.80              0.80
    1      2        1.0    5.0   0.05              0.85
    """

    n_groups: int
    n_negative: int
    total: float
    corner_customers: FloatArray
    corner_value: FloatArray
    provenance: Provenance

    @property
    def n_customers(self) -> int:
        """Number of customers."""
        return int(self.corner_customers[-1])

    @property
    def gini(self) -> float:
        """Gini's coefficient: 0 where all are equal, (n - 1) / n where one customer has everything.

        What rounding carries beyond these ends is cut off.

        Raises
        ------
        DomainError
            If a value is negative: the coefficient then has no upper end and compares with nothing.
        """
        if self.n_negative:
            message = (
                f"{self.n_negative} customer(s) have negative values, for which Gini's coefficient has no bound. "
                "Use top_share, or leave those customers out."
            )
            raise DomainError(message)
        return scoring.gini(self.corner_customers, self.corner_value)

    def top_share(self, share: float) -> float:
        """Give the share of the value that the best customers bring.

        Parameters
        ----------
        share : float
            Share of the customers, from 0 to 1; 0.2 asks for the top 20 %.

        Returns
        -------
        float
            Their share of the value. A customer on the edge counts by the part of him that lies inside, and equal
            customers on the edge count alike. More than 1 where others bring losses.

        Raises
        ------
        DomainError
            If `share` is no number from 0 to 1.
        """
        return float(self._value(np.array([_share(share, "share")]))[0]) / self.total

    def customers_for(self, share: float) -> float:
        """Give the smallest share of the customers, the best first, that brings a share of the value.

        Parameters
        ----------
        share : float
            Share of the value, from 0 to 1; 0.8 asks who brings 80 %.

        Returns
        -------
        float
            Share of the customers, in [0, 1].

        Raises
        ------
        DomainError
            If `share` is no number from 0 to 1.
        """
        level = _share(share, "share") * self.total
        reached = scoring.first_reach(self.corner_customers, self.corner_value, level)
        return reached / self.n_customers

    def pareto(self, shares: Sequence[float] = PARETO_SHARES) -> pd.DataFrame:
        """Make the table of sentences "the top 20 % bring x % of the value".

        Parameters
        ----------
        shares : sequence of float, default=(0.01, 0.05, 0.1, 0.2, 0.5)
            Shares of the customers, from 0 to 1.

        Returns
        -------
        pandas.DataFrame
            One row a share: ``customer_share``, ``customers`` (with fractions), ``value``, ``value_share``.

        Raises
        ------
        DomainError
            If `shares` is no sequence, or a share no number from 0 to 1.
        """
        if isinstance(shares, str) or not np.iterable(shares):
            message = f"shares is a {type(shares).__name__}; allowed: a sequence of numbers from 0 to 1: [0.2]."
            raise DomainError(message)
        asked = np.array([_share(share, "shares") for share in shares], dtype=np.float64)
        value = self._value(asked)
        return pd.DataFrame(
            {
                "customer_share": asked,
                "customers": asked * self.n_customers,
                "value": value,
                "value_share": value / self.total,
            }
        )

    def to_frame(self) -> pd.DataFrame:
        """Make the table of equal groups, the best first; the decile table for ten groups.

        Returns
        -------
        pandas.DataFrame
            One row a group: ``group`` (1 is the best), ``customers`` (n / n_groups each, with fractions),
            ``value``, ``share`` and ``cumulative_share`` of the value.
        """
        ends = self._value(np.arange(self.n_groups + 1) / self.n_groups)
        return pd.DataFrame(
            {
                "group": np.arange(1, self.n_groups + 1),
                "customers": np.full(self.n_groups, self.n_customers / self.n_groups),
                "value": np.diff(ends),
                "share": np.diff(ends) / self.total,
                "cumulative_share": ends[1:] / self.total,
            }
        )

    def lorenz(self) -> pd.DataFrame:
        """Give the points of the Lorenz curve, the poorest customers first.

        Returns
        -------
        pandas.DataFrame
            ``customer_share`` and ``value_share``, from (0, 0) to (1, 1), one row a corner; below 0 where values
            are negative.
        """
        customers = (self.n_customers - self.corner_customers[::-1]) / self.n_customers
        value = (self.corner_value[-1] - self.corner_value[::-1]) / self.total
        return pd.DataFrame({"customer_share": customers, "value_share": value})

    def _value(self, shares: FloatArray) -> FloatArray:
        """Cumulative value of the best customers by their shares."""
        return np.interp(shares * self.n_customers, self.corner_customers, self.corner_value)

    def __repr__(self) -> str:
        facts = {"customers": self.n_customers, "negative": self.n_negative, "groups": self.n_groups}
        return short_repr("Concentration", **facts, top_20_percent=f"{self.top_share(0.2):.1%}")

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        gini = "" if self.n_negative else f", Gini {self.gini:.3f}"
        caption = f"Concentration: {self.n_customers} customers, top 20 % bring {self.top_share(0.2):.1%}{gini}"
        return html_table(list(frame.columns), frame.itertuples(index=False), caption=caption)


def concentration(values: Table, *, n_groups: int = 10) -> Concentration:
    r"""Measure how far the value is concentrated on few customers.

    Parameters
    ----------
    values : array_like of shape (n_customers,), or frame with one column
        Value of each customer, such as turnover or contribution, in any unit. No value may be missing: a customer
        without turnover has 0.
    n_groups : int, default=10
        Number of equal groups of the table, from 2 to 1000.

    Returns
    -------
    Concentration
        Decile and Pareto tables, top shares, the Lorenz curve and Gini's coefficient.

    Raises
    ------
    ColumnError
        If a frame has not exactly one column, or one of text.
    DataError
        If a value is missing or infinite, there is no customer, or the total is not positive.
    DomainError
        If `values` is no row of numbers, or `n_groups` is out of range.

    Notes
    -----
    With the values in falling order, :math:`C(t)` is the value of the first :math:`t` customers, straight between
    whole numbers. The top share is :math:`C(pn) / C(n)`: at the edge of a group a customer counts by the part that
    lies inside, and since :math:`C` is straight over equal values, equal customers count alike in whatever order
    they stand. A group therefore has exactly :math:`n / g` customers. The Lorenz curve is the same from the other
    end, :math:`L(p) = 1 - C((1 - p) n) / C(n)` (Lorenz 1905 [1]_), and Gini's coefficient (1912 [2]_) is twice the
    area between it and the diagonal,

    .. math:: G = 1 - 2 \int_0^1 L(p) \, dp = \frac{\sum_i \sum_j |x_i - x_j|}{2 n^2 \bar x},

    not enlarged by n / (n - 1). That 20 % of the customers bring 80 % of the value is folklore that bears Pareto's
    name: count it.

    Contributions may be negative. Then the best customers together bring more than all, so a top share may exceed
    1 (the "whale curve" of customer profitability [3]_), and Gini's coefficient is refused. Cost:
    :math:`O(n \log n)`.

    References
    ----------
    .. [1] Lorenz, M. O. (1905). Methods of measuring the concentration of wealth. *Publications of the American
       Statistical Association*, 9(70), 209-219.
    .. [2] Gini, C. (1912). *Variabilità e mutabilità*. Cuppini.
    .. [3] Kaplan, R. S. and Narayanan, V. G. (2001). Measuring and managing customer profitability. *Journal of
       Cost Management*, 15(5), 5-15.

    Examples
    --------
    >>> from custvalue import rfm
    >>> found = rfm.concentration([60.0, 25.0, 10.0, 5.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    >>> found.pareto([0.1, 0.2])
       customer_share  customers  value  value_share
    0             0.1        1.0   60.0         0.60
    1             0.2        2.0   85.0         0.85
    >>> round(found.customers_for(0.8), 4)
    0.18
    """
    groups = whole_number(n_groups, "n_groups", 2, MOST_GROUPS)
    numbers = _row_of(values)
    if not len(numbers):
        message = "values holds no customer."
        raise DataError(message)
    customers, value = scoring.falling_curve(numbers)
    total = float(value[-1])
    if not total > 0.0:
        message = "The values sum to zero or less, so no share of them can be taken; allowed: a positive total."
        raise DataError(message)
    negative = int(np.sum(numbers < 0.0))
    counts = provenance(customers=len(numbers), negative=negative)
    return Concentration(groups, negative, total, read_only(customers), read_only(value), counts)


def _row_of(values: Any) -> FloatArray:
    if _frames.is_frame(values):
        names = _frames.column_names(values) or ()
        if len(names) != 1:
            message = f"values has {len(names)} columns; allowed: one. Choose it, as in frame[['turnover']]."
            raise ColumnError(message)
        return _frames.numeric(values, argument="values")[:, 0]
    array = array_of(values, "values")
    if array.ndim != 1:
        message = f"values has shape {array.shape}; allowed: one dimension, one value a customer."
        raise DomainError(message)
    return _frames.numeric(array[:, None], argument="values")[:, 0]


def _share(share: object, argument: str) -> float:
    number = unboxed(share)
    if isinstance(number, int | float) and not isinstance(number, bool) and 0.0 <= number <= 1.0:
        return float(number)
    message = f"{argument} must be a number from 0 to 1."
    raise DomainError(message)
