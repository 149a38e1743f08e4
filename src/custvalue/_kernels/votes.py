"""Votes of ranked neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from custvalue._typing import IntArray


def elected(voters: IntArray, votes: NDArray[Any]) -> IntArray:
    """Give each row's class with the most votes; among equals that of the voter who stands first.

    ``voters`` holds the classes of the neighbours, the most similar first, and ``votes`` a column a class.
    """
    leads = np.take_along_axis(votes, voters, axis=1) == votes.max(axis=1, keepdims=True)
    chosen: IntArray = voters[np.arange(len(voters)), leads.argmax(axis=1)]
    return chosen
