"""The loss of a quantile and how much lies below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from custvalue._typing import FloatArray


def pinball_losses(observed: FloatArray, predicted: FloatArray, level: float) -> FloatArray:
    r"""Give the pinball loss of each row.

    Parameters
    ----------
    observed, predicted : ndarray of shape (n,)
        What was seen, and the quantile said of it.
    level : float
        Level of the quantile, in (0, 1).

    Returns
    -------
    ndarray of shape (n,)
        :math:`p (y - c)` where :math:`y \ge c`, else :math:`(1 - p)(c - y)` (Koenker and Bassett 1978, eq. 2.1).
        Cost: O(n).
    """
    apart = observed - predicted
    return np.asarray(np.maximum(level * apart, (level - 1.0) * apart))


def pinball_loss(observed: FloatArray, predicted: FloatArray, level: float) -> float:
    """Give the mean pinball loss."""
    return float(pinball_losses(observed, predicted, level).mean())


def coverage(observed: FloatArray, predicted: FloatArray) -> float:
    """Give the share of rows at or below the quantile said of them."""
    return float(np.mean(observed <= predicted))


__all__ = ["coverage", "pinball_loss", "pinball_losses"]
