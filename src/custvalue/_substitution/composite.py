"""The composite field: letters for new products, digits for old ones, "A1" for who holds A and had 1 before."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._substitution.panel import Holding
    from custvalue._typing import IntArray

_LETTERS = 26


def letters(place: int) -> str:
    """Give A..Z, AA, AB, ... for 0, 1, ..."""
    text = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, _LETTERS)
        text = chr(ord("A") + rest) + text
    return text


class Composite(NamedTuple):
    """Counts behind the composite field; matrices are (n_old, n_new)."""

    #: Present holders of the new product who had the old one before it.
    customers: IntArray
    #: Those of them who no longer hold the old product.
    closed: IntArray
    #: By new product: present holders. By old product: everyone who ever held it, and those who closed it.
    new_holders: IntArray
    old_holders: IntArray
    old_closers: IntArray


def composite(old: Sequence[Holding], new: Sequence[Holding], n_customers: int) -> Composite:
    """Count, for every pair, present holders of the new product who had opened the old one before it."""
    customers = np.zeros((len(old), len(new)), dtype=np.int64)
    closed = np.zeros_like(customers)
    place = np.full(n_customers, -1, dtype=np.int64)
    for i, first in enumerate(old):
        place[first.customer] = np.arange(len(first.customer))
        for j, second in enumerate(new):
            held = second.present & (place[second.customer] >= 0)
            there = place[second.customer[held]]
            before = first.opened[there] < second.opened[held]
            customers[i, j] = before.sum()
            closed[i, j] = (before & ~first.present[there]).sum()
        place[first.customer] = -1
    return Composite(
        customers,
        closed,
        np.array([int(one.present.sum()) for one in new], dtype=np.int64),
        np.array([len(one.customer) for one in old], dtype=np.int64),
        np.array([int((~one.present).sum()) for one in old], dtype=np.int64),
    )
