"""All customers beside those who have rows, and peer groups as codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from custvalue import _frames
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from custvalue._spend_shifts.reading import Cells


class Everyone(NamedTuple):
    """The population: labels, groups, where the customers with rows stand in it, and how many have none."""

    customers: tuple[Any, ...]
    peers: tuple[Any, ...] | None
    places: NDArray[np.intp]
    silent: int


def joined(population: Any, customer: str, peers: str | None, cells: Cells) -> Everyone:
    """Find the customers with rows in the population; refuse doubled labels and strangers."""
    groups: tuple[Any, ...] | None = None
    if _frames.is_frame(population):
        frame = _frames.eager(population, argument="population")
        if customer not in frame.columns:
            raise ColumnError.missing([customer], available=frame.columns, mend="population must hold it by name.")
        labels = tuple(frame.get_column(customer).to_list())
        if peers is not None and peers in frame.columns:
            groups = tuple(frame.get_column(peers).to_list())
    elif isinstance(population, str) or not hasattr(population, "__iter__") or getattr(population, "ndim", 1) != 1:
        message = "population must be a sequence of labels or a frame in memory."
        raise DomainError(message)
    else:
        labels = tuple(getattr(population, "tolist", lambda: population)())
    index = pd.Index(labels)
    if index.isna().any() or not index.is_unique:
        message = "population holds null or doubled customers; allowed: each customer once."
        raise DataError(message)
    if index.dtype.kind == "f":
        message = (
            "population holds labels with a fraction or of a floating type, which join keys that differ; allowed: "
            "integers or text, as in the frame. Cast them."
        )
        raise DataError(message)
    places = index.get_indexer(pd.Index(cells.customers))
    if strangers := int((places < 0).sum()):
        message = f"{strangers} customer(s) of the frame are not in population; add them or leave their rows out."
        raise DataError(message)
    silent = len(labels) - len(places)
    if cells.peers is not None:
        if silent:
            message = (
                f"{silent} customer(s) of population have no row and so no peer group; give the column of peers "
                "in population."
            )
            raise DataError(message)
        known = np.empty(len(labels), dtype=object)
        known[places] = np.array([*cells.peers, None], dtype=object)[:-1]
        groups = tuple(known.tolist())
    return Everyone(labels, groups, places, silent)


def peers_of(peers: Sequence[Any], n: int) -> tuple[NDArray[np.int32], tuple[Any, ...]]:
    """Give each customer's place among the sorted names of groups."""
    if isinstance(peers, str) or len(peers) != n:
        message = f"peers must name one group for each of the {n} customers."
        raise DomainError(message)
    codes, names = pd.factorize(np.array([*peers, None], dtype=object)[:-1])
    if nulls := int((codes < 0).sum()):
        message = f"peers is null for {nulls} customer(s); give everyone a group."
        raise DataError(message)
    order = sorted(range(len(names)), key=lambda place: (str(type(names[place])), names[place]))
    rank = np.empty(len(names), dtype=np.int32)
    rank[order] = np.arange(len(names), dtype=np.int32)
    return rank[codes], tuple(names[place] for place in order)
