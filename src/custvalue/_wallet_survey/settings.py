"""Refusals of settings that a survey wallet cannot work with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

from custvalue._spec import unboxed, whole_number
from custvalue._wallet_survey.answers import Outcome, OwnAboveTotal
from custvalue._wallet_survey.models import Model
from custvalue.exceptions import DomainError

CHOICES: dict[str, tuple[object, ...]] = {
    "outcome": get_args(Outcome),
    "model": get_args(Model),
    "own_above_total": get_args(OwnAboveTotal),
    "weighting": (None, "propensity", "raking", "both"),
    "interval": (None, "conformal", "bootstrap"),
}


def require(settings: Mapping[str, Any]) -> None:
    """Refuse what is no setting, by its name."""
    for name, allowed in CHOICES.items():
        if settings[name] not in allowed:
            message = f"{name} must be one of {', '.join(repr(one) for one in allowed)}."
            raise DomainError(message)
    if settings["n_strata"] is not None:
        whole_number(settings["n_strata"], "n_strata", 2)
    for name, lowest in (("n_neighbors", 1), ("n_estimators", 1), ("min_respondents", 1), ("n_resamples", 20)):
        whole_number(settings[name], name, lowest)
    for name in ("level", "calibration"):
        number = unboxed(settings[name])
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0.0 < number < 1.0:
            message = f"{name} must lie in (0, 1)."
            raise DomainError(message)
    raking = settings["weighting"] in ("raking", "both")
    if raking != (settings["margins"] is not None):
        message = "margins belong to weighting='raking' or 'both': give both or neither."
        raise DomainError(message)
    _require_bounds(settings["weight_bounds"])


def _require_bounds(bounds: Any) -> None:
    if bounds is None:
        return
    try:
        low, high = (float(one) for one in bounds)
    except (TypeError, ValueError):
        low, high = 1.0, 0.0
    if not 0.0 < low <= 1.0 <= high:
        message = "weight_bounds must be two numbers (low, high) with 0 < low <= 1 <= high."
        raise DomainError(message)


def as_json(settings: Mapping[str, Any]) -> str:
    """Give the settings as JSON; what JSON does not know as text."""
    plain = {name: _plain(value) for name, value in settings.items() if name != "random_state"}
    return json.dumps(plain, sort_keys=True, default=str, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """Give mappings with text as keys, which may hold columns by name and by place at once."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else unboxed(value)
