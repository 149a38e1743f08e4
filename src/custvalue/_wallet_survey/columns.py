"""Settings of a survey wallet that name columns: found, checked, and turned into figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from custvalue import _frames
from custvalue._spec import unboxed
from custvalue._wallet_survey.answers import require_own
from custvalue._wallet_survey.models import offset_of
from custvalue._wallet_survey.weighting import Margin
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from custvalue._typing import FloatArray, IntArray

#: Parts of the customers by own spend where nothing else is said.
_PARTS = 10


def place_of(column: object, names: Sequence[str] | None, n: int, argument: str) -> int:
    """Give the place of a column by its name, or by its place."""
    if isinstance(column, str):
        if names is None or column not in names:
            mend = f"{argument} names a column of X; an array's columns are named by their places."
            raise ColumnError.missing([column], available=names or (), mend=mend)
        return list(names).index(column)
    number = unboxed(column)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < n:
        message = f"{argument} must name a column of X, by its name or its place from 0 to {n - 1}."
        raise DomainError(message)
    return number


def places_of(columns: object, names: Sequence[str] | None, n: int, argument: str) -> list[int]:
    """Give the places of some columns."""
    if isinstance(columns, str) or not isinstance(columns, Sequence):
        message = f"{argument} must be a sequence of columns; write [...] around a single one."
        raise DomainError(message)
    return [place_of(column, names, n, argument) for column in columns]


def margins_of(
    margins: object, numbers: FloatArray, names: Sequence[str] | None, *, everybody: bool
) -> list[Margin]:
    """Read margins: columns whose parts are counted in X, or a mapping of column to value to part."""
    n = numbers.shape[1]
    found: list[Margin] = []
    if isinstance(margins, Mapping):
        for column, parts in margins.items():
            held = numbers[:, place_of(column, names, n, "margins")]
            found.append(_told(str(column), held, parts))
    else:
        if not everybody:
            message = "margins counted in X need the customers without an answer too, with NaN in y."
            raise DataError(message)
        for place in places_of(margins, names, n, "margins"):
            known, counts = np.unique(numbers[:, place], return_counts=True)
            column = f"column {place}" if names is None else f"'{names[place]}'"
            found.append(Margin(column, numbers[:, place], known, counts / counts.sum()))
    if not found:
        message = "Raking needs margins: columns of X, or a mapping of column to value to known part."
        raise DomainError(message)
    return found


def _told(column: str, held: FloatArray, parts: Any) -> Margin:
    if not isinstance(parts, Mapping) or not parts:
        message = f"margins of '{column}' must map each value to its known part."
        raise DomainError(message)
    try:
        known = np.array(list(parts.keys()), dtype=np.float64)
        amounts = np.array(list(parts.values()), dtype=np.float64)
    except (TypeError, ValueError):
        message = f"margins of '{column}' must map numbers, the values in X, to numbers, their parts."
        raise DomainError(message) from None
    if not (np.isfinite(known).all() and ((amounts > 0.0) & (amounts <= _frames.LARGEST)).all()):
        message = f"margins of '{column}' must hold finite values with positive parts."
        raise DomainError(message)
    order = np.argsort(known)
    return Margin(f"'{column}'", held, known[order], amounts[order] / amounts.sum())


class Figures(NamedTuple):
    """How columns become the standardised figures that the models read."""

    places: IntArray
    logs: IntArray
    offsets: FloatArray
    mean: FloatArray
    scale: FloatArray

    @classmethod
    def of(cls, numbers: FloatArray, places: Sequence[int], logs: Sequence[int]) -> Figures:
        """Learn offsets, means and spreads."""
        chosen, logged = np.array(places, dtype=np.int64), np.array(logs, dtype=np.int64)
        offsets = np.array([offset_of(numbers[:, place]) for place in logs])
        raw = cls(chosen, logged, offsets, np.zeros(len(chosen)), np.ones(len(chosen)))
        design = raw.design(numbers)
        constant = design.min(axis=0) == design.max(axis=0)
        unit = np.abs(design).max(axis=0)
        unit = np.where(unit > 0.0, unit, 1.0)
        spread = (design / unit).std(axis=0) * unit
        mean = np.where(constant, design[0], (design / unit).mean(axis=0) * unit)
        return raw._replace(mean=mean, scale=np.where(constant | (spread <= 0.0), 1.0, spread))

    def design(self, numbers: FloatArray) -> FloatArray:
        """Give the figures of customers."""
        taken = numbers.copy()
        for place, offset in zip(self.logs.tolist(), self.offsets.tolist(), strict=True):
            if negative := int(np.count_nonzero(taken[:, place] < 0.0)):
                message = f"A column that is read as its logarithm holds {negative} value(s) below 0."
                raise DataError(message)
            taken[:, place] = np.log(taken[:, place] + offset)
        return np.asarray((taken[:, self.places] - self.mean) / self.scale)


class Strata(NamedTuple):
    """How customers fall into strata: by the values of a column, or by quantiles of an amount."""

    place: int
    values: FloatArray
    quantiles: bool

    @classmethod
    def of(cls, numbers: FloatArray, place: int, n_strata: int | None) -> Strata:
        """Learn the values, or the cuts at equal parts of the customers."""
        held = numbers[:, place]
        if n_strata is None:
            return cls(place, np.unique(held), quantiles=False)
        cuts = np.quantile(held, np.arange(1, n_strata) / n_strata, method="higher")
        return cls(place, np.unique(cuts[cuts > held.min()]), quantiles=True)

    @property
    def number(self) -> int:
        """Number of strata."""
        return len(self.values) + (1 if self.quantiles else 0)

    def codes(self, numbers: FloatArray) -> IntArray:
        """Give the stratum of each customer, -1 for a value that the fit did not know; a cut lies above it."""
        held = numbers[:, self.place]
        if self.quantiles:
            return np.searchsorted(self.values, held, side="right").astype(np.int64)
        found = np.minimum(np.searchsorted(self.values, held), len(self.values) - 1)
        return np.where(self.values[found] == held, found, -1).astype(np.int64)


class Located(NamedTuple):
    """The columns that the settings name: own spend, the figures, and what strata are formed by."""

    own: int | None
    figures: Figures
    strata: Strata | None

    @classmethod
    def of(cls, settings: Mapping[str, Any], numbers: FloatArray, names: Sequence[str] | None) -> Located:
        """Find the columns, and learn how they are read."""
        n = numbers.shape[1]
        own = None if settings["own"] is None else place_of(settings["own"], names, n, "own")
        features = settings["features"]
        every = range(n) if features is None else places_of(features, names, n, "features")
        logs = set(places_of(settings["log_columns"], names, n, "log_columns"))
        if own is not None:
            require_own(numbers[:, own])
            logs.add(own)
        if not len(every):
            message = "features must name at least one column."
            raise DomainError(message)
        figures = Figures.of(numbers, list(every), sorted(logs & set(every)))
        if settings["model"] != "strata":
            return cls(own, figures, None)
        by, parts = settings["strata"], settings["n_strata"]
        place = own if by is None else place_of(by, names, n, "strata")
        if place is None:
            message = "model='strata' needs strata, or own to form them by."
            raise DomainError(message)
        return cls(own, figures, Strata.of(numbers, place, _PARTS if parts is None and by is None else parts))
