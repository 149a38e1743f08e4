"""Months that hit everybody: declared by the analyst, or found in the path of the peers or of a macro series."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from custvalue import _frames
from custvalue._kernels.median_deviation import NORMAL, median_deviation
from custvalue._spec import Name, Spec, unboxed, whole_number
from custvalue._spend_shifts.months import month_number, month_text
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._spend_shifts.panel import SpendPanel
    from custvalue._typing import ArrayLike, BoolArray, FloatArray

#: Fewest growth figures whose median and spread say anything.
FEWEST: Final = 8
#: Differences of logarithms below this are rounding.
ROUNDING: Final = 1e-9


class Shock(Spec):
    """State months in which something hit all customers.

    Parameters
    ----------
    start : str
        First month, such as '2020-02'.
    end : str
        Last month, included.
    what : str
        What happened.

    Raises
    ------
    pydantic.ValidationError
        If a month is no month, or `end` lies before `start`.

    See Also
    --------
    detect_shocks : Finds them in a series.

    Examples
    --------
    >>> from custvalue import wallet
    >>> wallet.Shock(start="2020-02", end="2020-05", what="lockdown")
    Shock(start='2020-02', end='2020-05', what='lockdown')
    """

    start: str = Field(description="First month, such as '2020-02'.")
    end: str = Field(description="Last month, included.")
    what: Name = Field(description="What happened.")

    @field_validator("start", "end")
    @classmethod
    def _is_a_month(cls, value: str) -> str:
        return month_text(month_number(value, "a month of a shock"))

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if month_number(self.end, "end") < month_number(self.start, "start"):
            message = f"the shock ends in {self.end}, before it starts in {self.start}"
            raise ValueError(message)
        return self


def detect_shocks(
    series: ArrayLike,
    *,
    months: Sequence[object],
    threshold: float = 3.0,
    smallest: float = 0.0,
    longest: int = 12,
    what: str = "found in the series",
) -> tuple[Shock, ...]:
    r"""Find the months in which a series fell as it never does.

    Parameters
    ----------
    series : array_like of shape (n_months,)
        Levels of a macro series or of the peers, above 0, at least nine months.
    months : sequence of str, date or datetime
        Its months, ascending.
    threshold : float, default=3.0
        How many robust standard deviations below the usual growth a shock begins, above 0.
    smallest : float, default=0.0
        Share in [0, 1) that a level must lose in a month to begin a shock. A series with a strong season, in which
        most months are calm, needs one, or the falls of the season are found.
    longest : int, default=12
        After so many months a level that has not come back is the new level, and the shock is over.
    what : str, default="found in the series"
        What the shocks are called.

    Returns
    -------
    tuple of Shock
        In the order of time; none where nothing was found.

    Raises
    ------
    DomainError
        If shapes differ, there are too few months, or a setting is out of its range.
    DataError
        If a level is not finite or not above 0, or the months do not ascend.

    Notes
    -----
    With growth :math:`g_t = \log y_t - \log y_{t-1}` a shock begins where

    .. math:: g_t < m - 3 \cdot 1.4826 \cdot \operatorname{median} |g - m|, \quad m = \operatorname{median}(g),

    the usual rule of outliers on a robust scale (Hampel 1974 [1]_). It lasts while the series has not regained
    half of what it lost, and begins only with a loss of at least `smallest`. A fall of which less than half goes
    below the month before the last is the way back from a single high month, such as December, and begins none
    (all three ours). A slow slide has no such month and is not found: declare it. A low month of every year is
    found like a shock.

    References
    ----------
    .. [1] Hampel, F. R. (1974). The influence curve and its role in robust estimation. *Journal of the American
       Statistical Association* 69, 383-393.

    Examples
    --------
    >>> from custvalue import wallet
    >>> levels = [100, 101, 103, 104, 105, 107, 70, 72, 71, 108, 110, 111]
    >>> wallet.detect_shocks(levels, months=[f"2020-{m:02d}" for m in range(1, 13)])
    (Shock(start='2020-07', end='2020-09', what='found in the series'),)
    """
    numbers = _positive(series, "series")
    places = [month_number(month, "months") for month in months]
    if len(places) != len(numbers):
        message = (
            f"months has {len(places)} entries; allowed: one for each of the {len(numbers)} levels of series."
        )
        raise DomainError(message)
    if any(later <= earlier for earlier, later in pairwise(places)):
        message = "months must ascend, each month once."
        raise DataError(message)
    limit = unboxed(threshold)
    if not (isinstance(limit, int | float) and 0.0 < limit < np.inf):
        message = "threshold must be a number above 0."
        raise DomainError(message)
    least = unboxed(smallest)
    if not (isinstance(least, int | float) and 0.0 <= least < 1.0):
        message = "smallest must be a share in [0, 1)."
        raise DomainError(message)
    growth_limit = float(np.log1p(-least))
    runs = shock_runs(np.log(numbers), float(limit), growth_limit, whole_number(longest, "longest", 1))
    return tuple(Shock(start=month_text(places[a]), end=month_text(places[b]), what=what) for a, b in runs)


def _positive(series: ArrayLike, argument: str) -> FloatArray:
    numbers = _frames.row_of_numbers(series, argument=argument, each="a month")
    if numbers.ndim != 1 or len(numbers) <= FEWEST:
        message = (
            f"{argument} has shape {numbers.shape}; allowed: one level a month, at least {FEWEST + 1} months."
        )
        raise DomainError(message)
    if strange := int(np.count_nonzero(~((numbers > 0.0) & np.isfinite(numbers)))):
        message = f"{argument} holds {strange} level(s) that are missing, infinite or not above 0."
        raise DataError(message)
    return numbers


def shock_runs(path: FloatArray, threshold: float, highest: float, longest: int) -> list[tuple[int, int]]:
    """Give first and last places of the shocks in a path of logarithms; they begin with at most such a growth."""
    growth = np.diff(path)
    middle, deviation = median_deviation(growth)
    limit = middle - max(threshold * NORMAL * deviation, ROUNDING)
    limit = min(limit, highest)
    runs = []
    place = 1
    while place < len(path):
        fell = growth[place - 1]
        from_a_peak = place > 1 and path[place] - path[place - 2] > 0.5 * fell
        if fell >= limit or from_a_peak:
            place += 1
            continue
        before, lost, start = path[place - 1], 0.0, place
        while place < len(path) and place - start < longest:
            lost = max(lost, float(before - path[place]))
            if path[place] >= before - 0.5 * lost:
                break
            place += 1
        runs.append((start, place - 1))
    return runs


def closed_months(panel: SpendPanel, shocks: Sequence[Shock]) -> BoolArray:
    """Tell which periods of a panel touch a shock; refuse a shock outside."""
    firsts = panel.months.astype("datetime64[M]").astype(np.int64)
    lasts = firsts + panel.lengths - 1
    closed = np.zeros(len(firsts), dtype=np.bool_)
    for shock in shocks:
        start, end = month_number(shock.start, "start"), month_number(shock.end, "end")
        if start < firsts[0] or end > lasts[-1]:
            message = (
                f"A shock lasts from {shock.start} to {shock.end}, but the panel from {month_text(firsts[0])} to "
                f"{month_text(lasts[-1])}; allowed: months of the panel. Cut the shock to them."
            )
            raise DomainError(message)
        closed |= (firsts <= end) & (lasts >= start)
    return closed
