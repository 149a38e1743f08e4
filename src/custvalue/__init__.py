"""Bank customer-value modelling: who is valuable, why, and what next.

The rooms are imported when they are first used, so that ``import custvalue`` costs nothing:

``rfm``
    Extended recency, frequency and monetary indicators from transactions.
``anp``
    Weights from experts' judgments by the Analytic Network Process.
``grey``
    Two-level grey relational similarity.
``cbr``
    Case bases and case-based classification, with explanations.
``basket``
    Products held together, rules with honest statistics, bundles, substitution.
``tiers``
    Tier policies with hysteresis and reasons, migration between levels, value matrices.
``wallet``
    Size and share of the customer's wallet, and where it is leaking.
``plot``
    Displays over the results (extra ``plot``).
``exceptions``
    Every error custvalue raises.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from custvalue._version import __version__

if TYPE_CHECKING:
    from types import ModuleType

    import custvalue.anp as anp
    import custvalue.basket as basket
    import custvalue.cbr as cbr
    import custvalue.exceptions as exceptions
    import custvalue.grey as grey
    import custvalue.plot as plot
    import custvalue.rfm as rfm
    import custvalue.tiers as tiers
    import custvalue.wallet as wallet

__all__ = ["__version__", "anp", "basket", "cbr", "exceptions", "grey", "plot", "rfm", "tiers", "wallet"]

_ROOMS = frozenset(__all__) - {"__version__"}


def __getattr__(name: str) -> ModuleType:
    if name in _ROOMS:
        return importlib.import_module(f"custvalue.{name}")
    message = f"module 'custvalue' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted(__all__)
