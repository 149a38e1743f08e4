"""Columns of a rule table by name: interest measures, intervals, tests, and what needs simpler rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from custvalue._kernels.interest import MEASURES
from custvalue._kernels.two_by_two import divide
from custvalue._product_rules import intervals
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from custvalue._product_rules.holder_counts import Cells
    from custvalue._typing import BoolArray, FloatArray, IntArray

#: Natural logs become logs to the base 10.
LOG10 = float(np.log(10.0))

#: The bankers' table, in its order.
DEFAULT = (
    "customers",
    "support",
    "confidence",
    "confidence_low",
    "confidence_high",
    "lift",
    "lift_low",
    "lift_high",
    "gap",
    "extra_customers",
    "kulczynski",
    "imbalance",
    "log10_p",
    "log10_p_adjusted",
    "productive",
)
#: Those that need p-values.
TESTS = frozenset({"log10_p", "log10_p_adjusted", "productive"})
#: The same table where money is counted, which no test can be made of.
DEFAULT_OF_AMOUNT = (
    "customers",
    "amount",
    "support",
    "confidence",
    "lift",
    "gap",
    "extra_amount",
    "kulczynski",
    "imbalance",
)


class Measurable(Protocol):
    """What measures of rules are made of; `Rules` has it all."""

    @property
    def n11(self) -> IntArray: ...
    @property
    def n10(self) -> IntArray: ...
    @property
    def n01(self) -> IntArray: ...
    @property
    def n00(self) -> IntArray: ...
    @property
    def cells(self) -> Cells: ...
    @property
    def amount(self) -> str | None: ...
    @property
    def confidence_level(self) -> float: ...
    @property
    def best_simpler_confidence(self) -> FloatArray: ...
    @property
    def log_p(self) -> FloatArray: ...
    @property
    def log_p_adjusted(self) -> FloatArray: ...
    @property
    def productive(self) -> BoolArray: ...
    @property
    def productive_log_p(self) -> FloatArray: ...
    @property
    def productive_log_p_adjusted(self) -> FloatArray: ...
    def counted(self, what: str) -> Cells: ...
    def measure(self, name: str) -> NDArray[Any]: ...


def _amount(rules: Measurable) -> NDArray[Any]:
    if rules.amount is None:
        message = "The rules count customers; give amount= to rules() to have sums of an amount."
        raise DomainError(message)
    return np.asarray(rules.cells.n11)


def _extra_amount(rules: Measurable) -> FloatArray:
    _amount(rules)
    return intervals.extra_customers(rules.cells)


def _improvement(rules: Measurable) -> FloatArray:
    return rules.measure("confidence") - rules.best_simpler_confidence


def _boost(rules: Measurable) -> FloatArray:
    return divide(rules.measure("confidence"), rules.best_simpler_confidence)


#: Columns beyond the registry of interest measures.
OWN: dict[str, Callable[[Measurable], NDArray[Any]]] = {
    "customers": lambda rules: rules.n11,
    "antecedent_customers": lambda rules: rules.n11 + rules.n10,
    "consequent_customers": lambda rules: rules.n11 + rules.n01,
    "eligible": lambda rules: rules.n11 + rules.n10 + rules.n01 + rules.n00,
    "amount": _amount,
    "extra_amount": _extra_amount,
    "confidence_low": lambda rules: intervals.confidence_interval(
        rules.counted("confidence_low"), rules.confidence_level
    )[0],
    "confidence_high": lambda rules: intervals.confidence_interval(
        rules.counted("confidence_high"), rules.confidence_level
    )[1],
    "lift_low": lambda rules: intervals.lift_interval(rules.counted("lift_low"), rules.confidence_level)[0],
    "lift_high": lambda rules: intervals.lift_interval(rules.counted("lift_high"), rules.confidence_level)[1],
    "gap": lambda rules: intervals.gap(rules.cells),
    "extra_customers": lambda rules: intervals.extra_customers(rules.counted("extra_customers")),
    "improvement": _improvement,
    "boost": _boost,
    "lic": _boost,
    "log10_p": lambda rules: rules.log_p / LOG10,
    "log10_p_adjusted": lambda rules: rules.log_p_adjusted / LOG10,
    "productive": lambda rules: rules.productive,
    "productive_log10_p": lambda rules: rules.productive_log_p / LOG10,
    "productive_log10_p_adjusted": lambda rules: rules.productive_log_p_adjusted / LOG10,
}


def measured(rules: Measurable, name: str) -> NDArray[Any]:
    """Give a column by its name; refuse an unknown one and say which there are."""
    if name in OWN:
        return OWN[name](rules)
    if name in MEASURES:
        measure = MEASURES[name]
        return measure.function(*(rules.counted(name) if measure.whole_counts else rules.cells))
    message = f"Unknown measure: {name!r}. Allowed: {', '.join([*OWN, *MEASURES])}."
    raise DomainError(message)


def names_of(measures: Sequence[str] | None, default: Sequence[str]) -> list[str]:
    """Check a sequence of names of measures; None asks for the default."""
    if measures is None:
        return list(default)
    if isinstance(measures, str):
        message = f"measures is a text; allowed: a sequence of names. Write [{measures!r}]."
        raise DomainError(message)
    names = list(measures)
    if not all(isinstance(name, str) for name in names):
        message = "measures holds something that is no text; allowed: names of measures."
        raise DomainError(message)
    if len(set(names)) < len(names):
        message = "measures names something twice."
        raise DomainError(message)
    return names
