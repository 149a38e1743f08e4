"""One estimate of the wallet for every route: what is here, how much there is, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from custvalue import _frames
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import require_choice, unboxed
from custvalue.exceptions import DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import ArrayLike, BoolArray, FloatArray

#: What a wallet is: all spending of the kind; what the bank could serve; what a good customer alike gives it.
Kind: TypeAlias = Literal["total", "served", "realistic"]


@dataclass(frozen=True, eq=False, repr=False)
class WalletEstimate:
    r"""What each customer has here, and how much there is to have.

    Attributes
    ----------
    customers : tuple
        Labels of the customers, or their places where none were given.
    own : ndarray of shape (n_customers,)
        What the customer spends or holds here, from 0, in the bank's currency.
    size : ndarray of shape (n_customers,)
        Estimated size of the wallet, at least `own`.
    low, high : ndarray of shape (n_customers,)
        Ends of the interval of the size, at least `own`; NaN where the method gives none.
    kind : {"total", "served", "realistic"}
        Which wallet: all spending of the kind at all banks; what this bank could serve of it; or what a good
        customer of the same traits gives this bank.
    method : str
        How it was estimated.
    level : float or None
        Level of the interval; None where there is none.
    identified : bool
        Whether the data determine the size. If not, `reasons` say why, and the figures rest on an assumption.
    reasons : tuple of str
        What the estimate rests on.
    floored : ndarray of bool, shape (n_customers,)
        Whether the estimated size lay below `own` and was raised to it.
    observed : ndarray of bool, shape (n_customers,)
        Whether the size was told by the customer, not estimated.
    provenance : Provenance
        Package version, settings and counts.

    Notes
    -----
    IBM's names (Rosset, Perlich, Zadrozny, Merugu, Weiss and Lawrence 2005 [1]_): the realistic wallet is at most
    the served one, and that at most the total one. The share of wallet is own / size, the potential size - own.
    Where size is 0 the share is NaN: nothing of nothing.

    References
    ----------
    .. [1] Rosset, S., Perlich, C., Zadrozny, B., Merugu, S., Weiss, S., Lawrence, R. (2005). Wallet estimation
       models. *International Workshop on Customer Relationship Management: Data Mining Meets Marketing*, NYU.

    Examples
    --------
    >>> from custvalue import wallet
    >>> found = wallet.WalletEstimate.of([100.0, 50.0], [400.0, 40.0], kind="total", method="survey")
    >>> found.share
    array([0.25, 1.  ])
    >>> found.potential, found.floored
    (array([300.,   0.]), array([False,  True]))
    """

    customers: tuple[Any, ...]
    own: FloatArray
    size: FloatArray
    low: FloatArray
    high: FloatArray
    kind: Kind
    method: str
    level: float | None
    identified: bool
    reasons: tuple[str, ...]
    floored: BoolArray
    observed: BoolArray
    provenance: Provenance

    @classmethod
    def of(
        cls,
        own: ArrayLike,
        size: ArrayLike,
        *,
        kind: Kind,
        method: str,
        low: ArrayLike | None = None,
        high: ArrayLike | None = None,
        level: float | None = None,
        customers: Sequence[Any] | None = None,
        identified: bool = True,
        reasons: Sequence[str] = (),
        observed: ArrayLike | None = None,
        spec: str = "",
    ) -> WalletEstimate:
        """Put an estimate together; sizes and interval ends below what is here are raised to it, and counted.

        Parameters
        ----------
        own : array_like of shape (n_customers,)
            What the customer has here, finite, from 0.
        size : array_like of shape (n_customers,)
            Estimated size, finite, from 0.
        kind : {"total", "served", "realistic"}
            Which wallet.
        method : str
            How it was estimated.
        low, high : array_like of shape (n_customers,), default=None
            Ends of the interval; both or none.
        level : float, default=None
            Level of the interval, in (0, 1); given with the interval.
        customers : sequence, default=None
            Labels, one a customer; None: their places.
        identified : bool, default=True
            Whether the data determine the size.
        reasons : sequence of str, default=()
            What the estimate rests on; at least one where it is not identified.
        observed : array_like of bool, shape (n_customers,), default=None
            Whether the size was told; such a size must not lie below `own`. None: nowhere.
        spec : str, default=""
            Settings as JSON, for the provenance.

        Returns
        -------
        WalletEstimate
            The estimate.

        Raises
        ------
        DomainError
            If shapes differ, numbers are text, marks are not True or False, `kind` is unknown, only one end or an
            interval without a level is given, or an estimate that is not identified gives no reason.
        DataError
            If an amount is not finite or below 0, an interval is upside down, or a told size lies below `own`.

        Examples
        --------
        >>> from custvalue import wallet
        >>> wallet.WalletEstimate.of([1.0], [2.0], kind="served", method="survey", customers=["a"]).to_frame()
          customer  own  size  low  high  share  potential  floored  observed
        0        a  1.0   2.0  NaN   NaN    0.5        1.0    False     False
        """
        here = amounts(own, "own")
        n = len(here)
        wanted = amounts(size, "size", n)
        told = np.zeros(n, dtype=np.bool_) if observed is None else _marks(observed)
        _require_settings(kind, low, high, level, identified=identified, reasons=reasons)
        names = tuple(range(n)) if customers is None else tuple(customers)
        if len(names) != n or told.shape != (n,):
            message = f"customers and observed must have one entry for each of the {n} customers."
            raise DomainError(message)
        if contradicted := int(np.count_nonzero(told & (wanted < here))):
            message = f"size lies below own for {contradicted} customer(s) who told it; mend the answers or own."
            raise DataError(message)
        floored = wanted < here
        ends = [np.full(n, np.nan), np.full(n, np.nan)]
        if low is not None and high is not None:
            ends = [amounts(low, "low", n), amounts(high, "high", n)]
            if upside_down := int(np.count_nonzero(ends[0] > ends[1])):
                raise DataError(f"low lies above high for {upside_down} customer(s).")
        counts = {"customers": n, "floored": int(floored.sum()), "observed": int(told.sum())}
        return cls(
            names,
            read_only(here),
            read_only(np.maximum(wanted, here)),
            read_only(np.maximum(ends[0], here)),
            read_only(np.maximum(ends[1], here)),
            kind,
            method,
            None if level is None else float(level),
            bool(identified),
            tuple(reasons),
            read_only(floored),
            read_only(told),
            provenance(spec, **counts),
        )

    def __len__(self) -> int:
        return len(self.own)

    @property
    def share(self) -> FloatArray:
        """Share of wallet: own / size, in [0, 1]; NaN where the size is 0."""
        out = np.full(len(self.own), np.nan)
        np.divide(self.own, self.size, out=out, where=self.size > 0.0)
        return out

    @property
    def potential(self) -> FloatArray:
        """Potential: size - own, at least 0."""
        return np.asarray(self.size - self.own)

    def totals(self) -> dict[str, float]:
        """Give the sums over all customers.

        Returns
        -------
        dict of str to float
            ``own``, ``size``, ``potential`` and ``share`` (the ratio of the first two, NaN of nothing).

        Examples
        --------
        >>> from custvalue import wallet
        >>> wallet.WalletEstimate.of([1.0, 2.0], [4.0, 2.0], kind="total", method="survey").totals()
        {'own': 3.0, 'size': 6.0, 'potential': 3.0, 'share': 0.5}
        """
        own, size = float(self.own.sum()), float(self.size.sum())
        return {"own": own, "size": size, "potential": size - own, "share": own / size if size > 0.0 else np.nan}

    def to_frame(self) -> pd.DataFrame:
        """Give one row a customer.

        Returns
        -------
        pandas.DataFrame
            ``customer``, ``own``, ``size``, ``low``, ``high``, ``share``, ``potential``, ``floored``,
            ``observed``.
        """
        columns = {"customer": list(self.customers), "own": self.own, "size": self.size, "low": self.low}
        columns |= {"high": self.high, "share": self.share, "potential": self.potential}
        return pd.DataFrame(columns | {"floored": self.floored, "observed": self.observed})

    def __repr__(self) -> str:
        return short_repr(
            "WalletEstimate", kind=self.kind, method=self.method, customers=len(self), identified=self.identified
        )

    def _repr_html_(self) -> str:
        totals = self.totals()
        known = "" if self.identified else "; not identified: " + "; ".join(self.reasons)
        caption = f"{self.kind} wallet by {self.method}, {len(self)} customers, {int(self.floored.sum())} floored"
        return html_table(list(totals), [tuple(totals.values())], caption=caption + known)


def amounts(values: ArrayLike, argument: str, n: int | None = None) -> FloatArray:
    """Give finite amounts from 0 in one dimension; refuse anything else by the argument's name."""
    numbers = _frames.row_of_numbers(values, argument=argument, each="a customer")
    if numbers.ndim != 1 or (n is not None and len(numbers) != n):
        expected = "one number a customer" if n is None else f"{n} numbers, one a customer"
        message = f"{argument} has shape {numbers.shape}; allowed: {expected}."
        raise DomainError(message)
    if strange := int(np.count_nonzero(~((numbers >= 0.0) & (numbers <= _frames.LARGEST)))):
        message = f"{argument} holds {strange} amount(s) that are missing, below 0 or infinite; allowed: from 0."
        raise DataError(message)
    return numbers


def _marks(observed: ArrayLike) -> BoolArray:
    """Give True and False only: text and NaN would all be true."""
    marks = np.asarray(observed)
    plain = marks.dtype == object and all(isinstance(one, bool | np.bool_) for one in marks.ravel())
    if marks.size and not (marks.dtype.kind == "b" or plain):
        message = f"observed holds {marks.dtype} values; allowed: True or False, one a customer."
        raise DomainError(message)
    return marks.astype(np.bool_)


def _require_settings(
    kind: str, low: object, high: object, level: object, *, identified: bool, reasons: Sequence[str]
) -> None:
    require_choice(kind, Kind, "kind")
    if (low is None) != (high is None) or (low is None) != (level is None):
        message = "low, high and level belong together; give all three or none."
        raise DomainError(message)
    number = unboxed(level)
    if number is not None and not (isinstance(number, int | float) and 0.0 < number < 1.0):
        message = "level must lie in (0, 1)."
        raise DomainError(message)
    if not identified and not reasons:
        message = "An estimate that is not identified needs a reason."
        raise DomainError(message)
