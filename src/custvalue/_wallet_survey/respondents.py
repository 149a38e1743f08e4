"""What each answer counts: design weights, checked, and the weights of response beside them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from custvalue import _frames
from custvalue._wallet_survey.answers import plain_numbers
from custvalue._wallet_survey.columns import margins_of
from custvalue._wallet_survey.weighting import respond
from custvalue.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from custvalue._typing import BoolArray, FloatArray
    from custvalue._wallet_survey.weighting import Chances, SurveyResponse


def design_weights(given: Any, answered: BoolArray, *, per: str) -> FloatArray:
    """Give the respondents' design weights, 1 on average; exactly 1 where none are given or all are the same.

    The sum is exact, so that the order of the rows is nowhere in the weights.
    """
    n = int(answered.sum())
    if given is None:
        return np.ones(n)
    weights = plain_numbers(given, len(answered), "sample_weight", per=per)[answered]
    allowed = (weights >= 1.0 / _frames.LARGEST) & (weights <= _frames.LARGEST)
    if wrong := int(np.count_nonzero(~allowed)):
        message = (
            f"sample_weight holds {wrong} weight(s) of respondents that are zero, negative, missing or infinite; "
            "a design weight is 1 over the chance to be drawn. Leave those who were not drawn without an answer."
        )
        raise DataError(message)
    shares = weights / weights.max()
    return np.asarray(shares * (n / math.fsum(shares)))


def weighed(
    settings: Mapping[str, Any],
    numbers: FloatArray,
    names: Sequence[str] | None,
    design: FloatArray,
    answered: BoolArray,
    base: FloatArray,
) -> tuple[SurveyResponse, Chances | None]:
    """Weigh the answers as the settings say, beginning with design weights."""
    everybody = not bool(answered.all())
    propensity = settings["weighting"] in ("propensity", "both")
    if propensity and not everybody:
        message = (
            "Every row of X has an answer: weighting by the chance to answer needs the customers without one "
            "too, with NaN in y."
        )
        raise DataError(message)
    margins = settings["margins"]
    told = [] if margins is None else margins_of(margins, numbers, names, everybody=everybody)
    bounds = settings["weight_bounds"]
    limits = None if bounds is None else (float(bounds[0]), float(bounds[1]))
    return respond(design, answered, base, propensity=propensity, margins=told, bounds=limits)
