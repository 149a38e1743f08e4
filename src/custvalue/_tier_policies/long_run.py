"""What a matrix of migration leads to: powers, and the mix of states in the long run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from custvalue._kernels.stationary import stationary
from custvalue._kernels.structure import essential_classes
from custvalue._kernels.supermatrix import absorption_probabilities
from custvalue._spec import SUM_TOLERANCE
from custvalue._tier_policies.arguments import number_column
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._typing import FloatArray


#: Said where a way out of a state has no digit in double precision.
VANISHED = (
    "The long run is not known in double precision: a way out of a state is so rare beside others that it "
    "vanishes. Set it to 0 if it is meant to be none, or mend the data."
)


def require_observed(matrix: FloatArray, states: Sequence[str], unobserved: Sequence[str]) -> None:
    """Refuse to go on from states that are entered and in which nobody was seen to start."""
    places = [states.index(name) for name in unobserved]
    off = matrix - np.diag(matrix.diagonal())
    entered = [states[place] for place in places if (off[:, place] > 0.0).any()]
    if entered:
        message = (
            f"State(s) {', '.join(entered)} are entered and nobody was seen to start there, or nobody with a "
            "weight or time above 0, so what follows is not known. Name them in absorbing= if nobody leaves them, "
            "or add data."
        )
        raise DomainError(message)


def start_mix(start: Any, size: int) -> FloatArray:
    """Check the shares of the states at the start, sum 1 within the house's tolerance."""
    try:
        mix = number_column(start, "start")
    except DomainError:
        mix = np.empty(0)
    fits = mix.shape == (size,) and bool((mix >= 0.0).all())
    if not fits or not abs(float(mix.sum()) - 1.0) <= SUM_TOLERANCE:
        message = f"start must hold {size} shares, one a state, not negative and with sum 1."
        raise DomainError(message)
    return np.asarray(mix / mix.sum())


def long_run_mix(matrix: FloatArray, states: Sequence[str], start: Any = None) -> FloatArray:
    """Give the shares of the states that a row-stochastic matrix leads to, without a subtraction.

    One ergodic class has one answer. With several the answer depends on the start: it is asked for, and each class
    gets the share that ends in it. Where a class is periodic, shares are averages over time.
    """
    size = len(states)
    classes, transient = essential_classes(matrix.T)
    mixes = np.zeros((len(classes), size))
    for place, members in enumerate(classes):
        mixes[place, members] = _standing(matrix[np.ix_(members, members)].T) if len(members) > 1 else 1.0
    if start is None:
        if len(classes) > 1:
            named = "; ".join(", ".join(states[k] for k in members.tolist()) for members in classes)
            message = (
                f"The states fall into {len(classes)} groups that nobody leaves ({named}), so the long run "
                "depends on where customers start. Give start=, their shares today."
            )
            raise DomainError(message)
        return np.asarray(mixes[0])
    mix = start_mix(start, size)
    try:
        arrived = absorption_probabilities(matrix.T, tuple(classes), transient) @ mix
    except ArithmeticError:
        raise DomainError(VANISHED) from None
    return np.asarray(arrived @ mixes / arrived.sum())


def _standing(block: FloatArray) -> FloatArray:
    try:
        return stationary(np.ascontiguousarray(block))
    except ArithmeticError:
        raise DomainError(VANISHED) from None
