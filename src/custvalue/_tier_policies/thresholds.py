"""Thresholds proposed from shares of customers or shares of value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from custvalue._frames import LARGEST
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import require_unit_sum
from custvalue._tier_policies.arguments import number_column, numbers
from custvalue._tier_policies.policy import TierPolicy
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import ArrayLike, FloatArray

Ties = Literal["fewer", "more"]
#: By how much a share times a number may miss a whole number, relatively.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False, repr=False)
class ThresholdProposal:
    """Thresholds, and what they would do to the customers they were proposed from.

    Attributes
    ----------
    up : ndarray of shape (n_levels - 1,)
        Thresholds of all but the lowest level, rising; each is the value of some customer.
    by : {"customers", "value"}
        What the shares are of.
    targets : ndarray of shape (n_levels,)
        Shares asked for, from the lowest level to the highest.
    customer_shares : ndarray of shape (n_levels,)
        Share of the customers that each level would hold.
    value_shares : ndarray of shape (n_levels,)
        Share of the total value that each level would hold; NaN if the values do not add up to more than 0.
    ties : {"fewer", "more"}
        The rule for equal values.
    provenance : Provenance
        Package version and counts.

    See Also
    --------
    propose_thresholds : Makes it.

    Examples
    --------
    >>> from custvalue import tiers
    >>> found = tiers.propose_thresholds([1, 2, 3, 4, 90], shares=[0.6, 0.2, 0.2])
    >>> found.up
    array([ 4., 90.])
    >>> found.value_shares
    array([0.06, 0.04, 0.9 ])
    >>> found.policy(["mass", "gold", "platinum"], down=0.8).levels[1].down
    3.2
    """

    up: FloatArray
    by: Literal["customers", "value"]
    targets: FloatArray
    customer_shares: FloatArray
    value_shares: FloatArray
    ties: Ties
    provenance: Provenance

    def policy(
        self, names: Sequence[str], *, down: float | Sequence[float] = 1.0, score: str = "score"
    ) -> TierPolicy:
        """Build the policy of the proposed thresholds.

        Parameters
        ----------
        names : sequence of str
            Names of the levels from low to high.
        down : float or sequence of float, default=1.0
            Thresholds below which levels are lost, or one share of `up`.
        score : str, default="score"
            Column that the thresholds refer to.

        Returns
        -------
        TierPolicy
            As :meth:`TierPolicy.ladder` builds it.

        Raises
        ------
        DomainError
            If the number of names does not fit, or a share stands before a threshold that is not positive.
        pydantic.ValidationError
            If a `down` is above its `up`.
        """
        return TierPolicy.ladder(names, self.up.tolist(), down=down, score=score)

    def to_frame(self) -> pd.DataFrame:
        """Give one row a level, from low to high.

        Returns
        -------
        pandas.DataFrame
            ``up`` (NaN for the lowest), ``target``, ``customer_share``, ``value_share``.
        """
        return pd.DataFrame(
            {
                "up": np.append(np.nan, self.up),
                "target": self.targets,
                "customer_share": self.customer_shares,
                "value_share": self.value_shares,
            }
        )

    def __repr__(self) -> str:
        return short_repr("ThresholdProposal", levels=len(self.targets), by=repr(self.by), ties=repr(self.ties))

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        caption = f"Thresholds from shares of {self.by}; among equal values {self.ties}"
        return html_table(list(frame.columns), frame.itertuples(index=False), caption=caption)


def propose_thresholds(
    values: ArrayLike,
    *,
    shares: Sequence[float] | None = None,
    value_shares: Sequence[float] | None = None,
    ties: Ties = "fewer",
) -> ThresholdProposal:
    """Propose thresholds so that each level holds a share of the customers, or of the value.

    Parameters
    ----------
    values : array_like of shape (n_customers,)
        Score of each customer, up to 1e150; with `value_shares` an amount that is not negative.
    shares : sequence of float, default=None
        Share of the customers for each level, from the lowest to the highest, sum 1.
    value_shares : sequence of float, default=None
        Share of the total value instead.
    ties : {"fewer", "more"}, default="fewer"
        Customers of equal value are never parted, so a share can be missed. ``"fewer"``: a level and those above
        it together hold at most their shares; ``"more"``: at least their shares.

    Returns
    -------
    ThresholdProposal
        Thresholds, and the shares that they reach.

    Raises
    ------
    DataError
        If a value is missing or infinite, negative where value is shared out, or too many values are equal for
        each level to have a threshold of its own.
    DomainError
        If not exactly one of `shares` and `value_shares` is given, shares are not positive or miss the sum 1, or
        `ties` is unknown.

    Notes
    -----
    With S(v) the share of the customers (or of the value) whose value is at least v, the threshold of a level is
    the smallest v in the data with S(v) at most the sum of the shares from this level on, or with ``"more"`` the
    largest v with S(v) at least that sum. The rule is ours. Cost: the sorting of the values.

    Examples
    --------
    >>> from custvalue import tiers
    >>> tiers.propose_thresholds([1, 5, 5, 5, 9], shares=[0.5, 0.5]).up
    array([9.])
    >>> tiers.propose_thresholds([1, 5, 5, 5, 9], shares=[0.5, 0.5], ties="more").up
    array([5.])
    >>> tiers.propose_thresholds([10, 20, 30, 40], value_shares=[0.3, 0.7]).up
    array([30.])
    """
    given = value_shares if shares is None else shares
    if given is None or (shares is not None and value_shares is not None):
        message = "Give shares (of the customers) or value_shares (of the value), and not both."
        raise DomainError(message)
    if ties not in ("fewer", "more"):
        message = "ties must be 'fewer' or 'more'."
        raise DomainError(message)
    by: Literal["customers", "value"] = "value" if shares is None else "customers"
    targets = _checked_shares(given)
    ordered = np.sort(_checked_values(values, by))
    distinct, first = np.unique(ordered, return_index=True)
    sums = np.append(0.0, np.cumsum(ordered))
    # What lies at or above each distinct value, as customers and as money.
    customers = (len(ordered) - first) / len(ordered)
    above = np.arange(len(ordered), 0, -1, dtype=np.float64) if by == "customers" else sums[-1] - sums[:-1]
    whole = above[0]
    held = above[first]
    wanted = np.cumsum(targets[::-1])[::-1][1:] * whole
    slack = _ROUNDING * whole
    if ties == "fewer":
        place = np.array([int(np.argmax(held <= goal + slack)) for goal in wanted])
        failed = np.array([not (held <= goal + slack).any() for goal in wanted])
    else:
        place = np.array([int(np.flatnonzero(held >= goal - slack)[-1]) for goal in wanted])
        failed = np.zeros(len(wanted), dtype=np.bool_)
    if failed.any() or (np.diff(place) <= 0).any() or (place == 0).any():
        message = (
            "values has too many equal ones, or shares are too small, for each level to hold somebody: several "
            "levels would share a threshold, or one would be empty. Ask for fewer levels or other shares."
        )
        raise DataError(message)
    edges = np.append(np.append(1.0, customers[place]), 0.0)
    money = np.append(np.append(sums[-1], sums[-1] - sums[first[place]]), 0.0)
    return ThresholdProposal(
        up=read_only(distinct[place]),
        by=by,
        targets=read_only(targets),
        customer_shares=read_only(-np.diff(edges)),
        value_shares=read_only(-np.diff(money) / sums[-1] if sums[-1] > 0.0 else np.full(len(targets), np.nan)),
        ties=ties,
        provenance=provenance(customers=len(ordered), distinct=len(distinct)),
    )


def _checked_shares(shares: Any) -> FloatArray:
    """Check shares: two or more, positive, sum 1 within the house's tolerance, and renormalise them."""
    try:
        plain = numbers(shares, "shares")
    except DomainError:
        plain = []
    if len(plain) < 2 or not all(share > 0.0 for share in plain):  # noqa: PLR2004 - one level needs no threshold
        message = "shares must hold at least two positive numbers, one a level from the lowest to the highest."
        raise DomainError(message)
    try:
        require_unit_sum(plain, "shares")
    except ValueError as error:
        raise DomainError(str(error)) from None
    found = np.array(plain)
    return np.asarray(found / found.sum())


def _checked_values(values: ArrayLike, by: str) -> FloatArray:
    found = number_column(values, "values")
    if found.ndim != 1 or not found.size:
        message = f"values has shape {found.shape}; allowed: one number a customer, at least one."
        raise DomainError(message)
    if (bad := int((~(np.abs(found) <= LARGEST)).sum())) > 0:
        message = (
            f"values has {bad} missing or infinite number(s), or numbers beyond {LARGEST:g}. Fill or leave them "
            "out."
        )
        raise DataError(message)
    if by == "value" and ((negative := int((found < 0.0).sum())) > 0 or found.max() <= 0.0):
        message = (
            f"values has {negative} negative number(s) or no positive one; a share of the value needs amounts "
            "from 0 on. Use shares of the customers."
        )
        raise DataError(message)
    return found
