"""The numbers behind one customer's class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from custvalue._case_based.counterfactual import Counterfactual
    from custvalue._typing import BoolArray, FloatArray, IntArray

#: How a value lies to the range of the customers behind the cases, by its sign.
SIDES = {-1: "below", 0: "", 1: "above"}
#: Columns of a table, in order; some are there only where they are known or disclosed.
COLUMNS = (
    *("group", "indicator", "weight", "used", "value", "unscaled"),
    *("case_value", "class_mean", "rival_value", "rival_class_mean", "outside"),
    *("coefficient", "rival_coefficient", "contribution", "rival_contribution", "difference"),
)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Evidence:
    """What is known of one customer's class; :class:`Explanation` says what each field is."""

    label: Any
    predicted: Any
    case: str
    similarity: float
    rival: Any
    rival_case: str | None
    rival_similarity: float
    margin: float
    min_margin: float
    class_similarity: Mapping[Any, float]
    similarity_floor: float | None
    votes: Mapping[Any, float] | None
    p_values: Mapping[Any, float] | None
    p_floors: Mapping[Any, float] | None
    indicators: tuple[str, ...]
    groups: tuple[str, ...]
    weights: FloatArray
    values: FloatArray
    coefficients: FloatArray
    contributions: FloatArray
    rival_coefficients: FloatArray
    rival_contributions: FloatArray
    outside: IntArray
    unscaled: FloatArray | None
    case_values: FloatArray | None
    rival_values: FloatArray | None
    class_mean: FloatArray | None
    rival_class_mean: FloatArray | None
    counterfactual: Counterfactual | None

    @property
    def abstained(self) -> bool:
        """Whether the margin is too small for the model to answer; `predicted` is what it would have said."""
        return self.min_margin > 0.0 and self.margin < self.min_margin

    @property
    def differences(self) -> FloatArray:
        """Contribution less rival contribution; their sum is the margin, but for rounding below 1e-15."""
        difference: FloatArray = self.contributions - self.rival_contributions
        return difference

    @property
    def skipped(self) -> BoolArray:
        """Indicators without a value, left out of the comparison, shape (n_indicators,)."""
        return np.isnan(self.values)

    @property
    def credibility(self) -> float | None:
        """Conformal p-value of the class given: small where the customer is unlike its calibration sample.

        None where the model is not calibrated for such a customer.
        """
        return None if self.p_values is None else self.p_values[self.predicted]

    @property
    def confidence(self) -> float | None:
        """One less the largest p-value of any other class: up to this level none is in the prediction set.

        None where the model is not calibrated for such a customer; 1 where it knows one class only.
        """
        if self.p_values is None:
            return None
        return 1.0 - max((value for name, value in self.p_values.items() if name != self.predicted), default=0.0)

    @property
    def more_plausible(self) -> Any:
        """Class of the largest p-value, where it exceeds that of the class given and is no floor; else None.

        A class with few calibration customers has large p-values whoever comes (:attr:`not_ruled_out`): they are
        no evidence for it.
        """
        if self.p_values is None or self.p_floors is None:
            return None
        own = self.p_values[self.predicted]
        better = {n: p for n, p in self.p_values.items() if p > own and p > self.p_floors[n]}
        return max(better, key=lambda name: better[name]) if better else None

    @property
    def not_ruled_out(self) -> tuple[Any, ...]:
        """Other classes that are no less plausible only because their calibration samples are too small."""
        if self.p_values is None or self.p_floors is None:
            return ()
        own = self.p_values[self.predicted]
        floors = self.p_floors
        return tuple(n for n, p in self.p_values.items() if n != self.predicted and p >= own and p == floors[n])

    @property
    def table(self) -> pd.DataFrame:
        """One row an indicator, built anew each time.

        ``group``, ``indicator``, ``weight`` (as used), ``used``, ``value`` (scaled), ``unscaled`` where given,
        ``case_value`` and ``rival_value`` or, in their place, ``class_mean`` and ``rival_class_mean`` where they
        are disclosed, ``outside`` (``"below"`` or ``"above"`` the customers behind the cases), ``coefficient``,
        ``rival_coefficient``, ``contribution``, ``rival_contribution`` and ``difference``.
        """
        known: dict[str, Any] = {
            "group": list(self.groups),
            "indicator": list(self.indicators),
            "weight": self.weights,
            "used": ~self.skipped,
            "value": self.values,
            "unscaled": self.unscaled,
            "case_value": self.case_values,
            "class_mean": self.class_mean,
            "rival_value": self.rival_values,
            "rival_class_mean": self.rival_class_mean,
            "outside": [SIDES[side] for side in self.outside.tolist()],
            "coefficient": self.coefficients,
            "rival_coefficient": self.rival_coefficients,
            "contribution": self.contributions,
            "rival_contribution": self.rival_contributions,
            "difference": self.differences,
        }
        return pd.DataFrame({name: known[name] for name in COLUMNS if known[name] is not None}, copy=True)

    @property
    def group_table(self) -> pd.DataFrame:
        """One row a group: ``group``, ``weight``, ``contribution``, ``rival_contribution``, ``difference``."""
        names = list(dict.fromkeys(self.groups))
        place = np.array([names.index(name) for name in self.groups])
        columns = {
            "weight": self.weights,
            "contribution": self.contributions,
            "rival_contribution": self.rival_contributions,
            "difference": self.differences,
        }
        sums = {what: np.bincount(place, parts, minlength=len(names)) for what, parts in columns.items()}
        return pd.DataFrame({"group": names, **sums})
