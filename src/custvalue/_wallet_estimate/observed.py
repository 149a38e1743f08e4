"""What is seen elsewhere: transfers to other banks and third-party custody as floors of the wallet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from custvalue._results import provenance, read_only
from custvalue._wallet_estimate.estimate import WalletEstimate, amounts
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import ArrayLike, FloatArray


def observed_elsewhere(
    wallet: WalletEstimate | ArrayLike,
    elsewhere: Mapping[str, ArrayLike],
    *,
    combine: Literal["sum", "largest"] = "sum",
    customers: Sequence[Any] | None = None,
) -> WalletEstimate:
    """Take what the bank can see elsewhere as a floor of the wallet.

    Balances in third-party custody and transfers to other banks are wallet that is observed, not estimated: the
    wallet is at least what is here and what is seen elsewhere. It is a floor, no estimate: what is not seen is not
    in it.

    Parameters
    ----------
    wallet : WalletEstimate or array_like of shape (n_customers,)
        An estimate whose sizes are raised to the floor, or what the customers have here, whose floor is asked.
    elsewhere : mapping of str to array_like of shape (n_customers,)
        Amounts seen, from 0, by the name of what shows them, in the unit and for the time of what is here.
    combine : {"sum", "largest"}, default="sum"
        How amounts of several kinds go together: their sum where they are different money, the largest where they
        may be the same money, as a transfer into an account in custody.
    customers : sequence, default=None
        Labels where `wallet` is an array; None: their places.

    Returns
    -------
    WalletEstimate
        Of an estimate: the same with `size`, `low` and `high` raised to the floor where they lay below it; a size
        that the customer told and that was raised is no longer marked as told. Of an array: the floors, as an
        estimate that is not identified, with `low` and `high` NaN.

    Raises
    ------
    DomainError
        If `elsewhere` is empty or no mapping, shapes differ, `combine` is unknown, labels are given beside an
        estimate, or the estimate is of the realistic wallet, of which money elsewhere is no part.
    DataError
        If an amount is missing, negative or infinite.

    Notes
    -----
    floor = own + seen. The source of the idea is the practice described in Chinese bank marketing (third-party
    custody, 第三方存管, as wallet observed); the arithmetic is ours. Cost O(n).

    Examples
    --------
    >>> from custvalue import wallet
    >>> seen = {"transfers to other banks": [40.0, 0.0], "custody": [10.0, 5.0]}
    >>> floor = wallet.observed_elsewhere([100.0, 50.0], seen)
    >>> floor.size, floor.identified
    (array([150.,  55.]), False)
    >>> survey = wallet.WalletEstimate.of([100.0, 50.0], [120.0, 90.0], kind="total", method="survey")
    >>> wallet.observed_elsewhere(survey, seen).size
    array([150.,  90.])
    """
    if isinstance(wallet, WalletEstimate):
        if customers is not None or wallet.kind == "realistic":
            message = (
                "A WalletEstimate brings its own customers, and must be of the total or the served wallet: money "
                "elsewhere is no part of a realistic one."
            )
            raise DomainError(message)
        return _raised(wallet, _seen(elsewhere, combine, len(wallet)), tuple(elsewhere))
    own = amounts(wallet, "wallet")
    seen = _seen(elsewhere, combine, len(own))
    reason = f"a floor, no estimate: what is here and what is seen elsewhere ({', '.join(elsewhere)})"
    return WalletEstimate.of(
        own,
        own + seen,
        kind="total",
        method="observed elsewhere",
        customers=customers,
        identified=False,
        reasons=(reason,),
    )


def _seen(elsewhere: object, combine: str, n: int) -> FloatArray:
    if not isinstance(elsewhere, Mapping) or not elsewhere or not all(isinstance(name, str) for name in elsewhere):
        message = "elsewhere must map at least one name, such as 'custody', to amounts, one a customer."
        raise DomainError(message)
    if combine not in ("sum", "largest"):
        message = f"combine is {combine!r}; allowed: 'sum', 'largest'."
        raise DomainError(message)
    parts = np.stack([amounts(values, f"elsewhere['{name}']", n) for name, values in elsewhere.items()])
    return np.asarray(parts.sum(axis=0) if combine == "sum" else parts.max(axis=0))


def _raised(estimate: WalletEstimate, seen: FloatArray, names: tuple[str, ...]) -> WalletEstimate:
    floor = estimate.own + seen
    raised = estimate.size < floor
    reason = f"raised to what is seen elsewhere ({', '.join(names)}) for {int(raised.sum())} customer(s)"
    counts = dict(estimate.provenance.counts) | {"raised": int(raised.sum())}
    return replace(
        estimate,
        size=read_only(np.maximum(estimate.size, floor)),
        low=read_only(np.maximum(estimate.low, floor)),
        high=read_only(np.maximum(estimate.high, floor)),
        reasons=(*estimate.reasons, reason),
        observed=read_only(estimate.observed & ~raised),
        provenance=provenance(estimate.provenance.spec, **counts),
    )
