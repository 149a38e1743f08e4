"""All customers beside those who have rows, some of them by mask or place, and peer groups as codes."""

from __future__ import annotations

from contextlib import suppress
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


def labels_of(customers: Sequence[Any], n: int) -> tuple[Any, ...]:
    """Give one label for each row; refuse nulls and doubled ones."""
    names = tuple(customers)
    if len(names) != n:
        message = f"customers has {len(names)} labels; allowed: one for each of the {n} rows."
        raise DomainError(message)
    index = pd.Index(names)
    if index.isna().any() or not index.is_unique:
        message = "Labels of customers are null or doubled; allowed: each customer once."
        raise DataError(message)
    return names


def places_of(asked: Any, customers: tuple[Any, ...]) -> NDArray[np.intp]:
    """Give the places that a mask, or places themselves, name: at least one, each once."""
    n = len(customers)
    given: NDArray[Any] = np.empty(0)
    labelled = isinstance(asked, pd.Series) and pd.api.types.is_bool_dtype(asked.dtype)
    order = _frames.places_by_label(customers, asked.index) if labelled else None
    if order is not None:
        asked = asked.iloc[order]
    if order is not None or not labelled or asked.index.equals(pd.RangeIndex(n)):
        with suppress(TypeError, ValueError):  # rows of several lengths
            given = np.asarray(_frames.unmasked(asked))
    if given.dtype == bool and given.shape == (n,):
        given = np.flatnonzero(given)
    whole = given.ndim == 1 and given.dtype.kind in "iu" and given.size > 0
    if not whole or given.min() < 0 or given.max() >= n or len(np.unique(given)) < len(given):
        message = (
            f"places must be a mask of {n} booleans with at least one True (a pandas Series with the customers as "
            f"its index, or 0 to {n - 1} in order), or at least one place from 0 to {n - 1}, each once."
        )
        raise DomainError(message)
    return given.astype(np.intp)


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


def left_of(codes: NDArray[np.int32], groups: tuple[Any, ...]) -> tuple[NDArray[np.int32], tuple[Any, ...]]:
    """Give the codes and names of the groups that some customer is in."""
    left, fresh = np.unique(codes, return_inverse=True)
    return fresh.astype(np.int32), tuple(groups[code] for code in left.tolist())
