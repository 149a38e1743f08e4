"""How alternatives are put together over criteria, and benefits against costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from custvalue._network_process.outcome import MERITS, Formula, check_target, combine, combine_merits
from custvalue._network_process.tables import check_weights, renormalised
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import require, require_choice
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._network_process.plan import Plan
    from custvalue._typing import FloatArray


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Synthesis:
    """Priorities of the alternatives, with the name of the way they were put together.

    Parameters
    ----------
    alternatives : tuple of str
        Names, in the order of `priorities`.
    priorities : ndarray of shape (n,)
        They sum to 1, except under "subtractive", whose values may be negative; read-only.
    mode : str
        "ideal", "distributive", or the formula by which merits were combined.
    provenance : Provenance
        Package version, the network as JSON, the number of alternatives.

    See Also
    --------
    Solution.synthesis : Over criteria.
    bocr : Over benefits, opportunities, costs and risks.

    Examples
    --------
    >>> from custvalue import anp
    >>> anp.bocr(
    ...     benefits={"A": 0.6, "B": 0.4}, costs={"A": 0.75, "B": 0.25}, formula="multiplicative").to_frame()
      alternative  priority
    0           A  0.333333
    1           B  0.666667
    """

    alternatives: tuple[str, ...]
    priorities: FloatArray
    mode: str
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Give one row per alternative.

        Returns
        -------
        DataFrame
            Columns `alternative` and `priority`.
        """
        return pd.DataFrame({"alternative": list(self.alternatives), "priority": self.priorities.copy()})

    def to_dict(self) -> dict[str, float]:
        """Give the priorities by name.

        Returns
        -------
        dict of str to float
            In the order of `alternatives`.
        """
        return dict(zip(self.alternatives, self.priorities.tolist(), strict=True))

    def __repr__(self) -> str:
        return short_repr("Synthesis", alternatives=len(self.alternatives), mode=self.mode)

    def _repr_html_(self) -> str:
        return html_table(("alternative", "priority"), self.to_dict().items(), caption=f"Synthesis: {self.mode}")


def bocr(
    *,
    benefits: Mapping[str, float] | None = None,
    opportunities: Mapping[str, float] | None = None,
    costs: Mapping[str, float] | None = None,
    risks: Mapping[str, float] | None = None,
    weights: Mapping[str, float] | None = None,
    formula: Formula,
) -> Synthesis:
    r"""Combine priorities under benefits, opportunities, costs and risks.

    Parameters
    ----------
    benefits, opportunities, costs, risks : mapping of str to float, default=None
        Priorities of the alternatives under each merit, from 0; divided by their sum here. Under costs and risks
        the *worse* alternative has the larger priority. At least one merit, and the same alternatives in each.
    weights : mapping of str to float, default=None
        Weight of each given merit, summing to 1 within 5e-4; None means equal. Without effect under
        "multiplicative".
    formula : str
        One of "multiplicative", "multiplicative_powers", "additive_reciprocal", "additive_probabilistic",
        "subtractive", see the notes.

    Returns
    -------
    Synthesis
        With the formula as its mode.

    Raises
    ------
    DomainError
        If no merit is given, the alternatives differ between merits, a priority is negative or all are zero, the
        weights do not fit the merits, the formula is unknown, or it divides by a cost or risk of zero.

    Notes
    -----
    With B, O, C, R the priorities normalised to the sum 1 and b, o, c, r the weights of the merits [1]_ [2]_:

    - multiplicative: :math:`B O / (C R)`;
    - multiplicative_powers: :math:`B^b O^o C^{-c} R^{-r}`;
    - additive_reciprocal: :math:`b B + o O + c (1/C)_N + r (1/R)_N`, where N normalises to the sum 1;
    - additive_probabilistic: :math:`b B + o O + c (1 - C) + r (1 - R)`;
    - subtractive: :math:`b B + o O - c C - r R`.

    A merit that is not given is left out; "multiplicative" leaves out the weights. All but the last are normalised
    to the sum 1. The formulas may order the alternatives differently, so the result names its own [2]_.

    References
    ----------
    .. [1] Saaty, T. L. (2005). *Theory and Applications of the Analytic Network Process*. RWS Publications.
    .. [2] Wijnmalen, D. J. D. (2007). Analysis of benefits, opportunities, costs, and risks (BOCR) with the
       AHP-ANP: a critical validation. *Mathematical and Computer Modelling*, 46(7-8), 892-905.

    Examples
    --------
    >>> from custvalue import anp
    >>> found = anp.bocr(benefits={"A": 0.6, "B": 0.4}, costs={"A": 0.75, "B": 0.25}, formula="subtractive")
    >>> found.priorities.round(3), found.mode
    (array([-0.075,  0.075]), 'subtractive')
    """
    require_choice(formula, Formula, "formula")
    given = dict(zip(MERITS, (benefits, opportunities, costs, risks), strict=True))
    scores = {merit: values for merit, values in given.items() if values is not None}
    if not scores:
        message = "bocr needs priorities under at least one merit: benefits, opportunities, costs or risks."
        raise DomainError(message)
    first = require(next(iter(scores.values())), Mapping, next(iter(scores)))  # type: ignore[type-abstract]  # isinstance takes it
    alternatives = tuple(first)
    arrays = {merit: _scores(merit, values, alternatives) for merit, values in scores.items()}
    found = combine_merits(arrays, _merit_weights(weights, tuple(arrays)), formula)[0]
    return Synthesis(alternatives, read_only(found), formula, provenance(n_alternatives=len(alternatives)))


def check_choice(plan: Plan, target: str, allowed: tuple[str, ...], argument: str) -> None:
    """Raise ``DomainError`` unless the argument is one of the allowed names and the network can answer it."""
    if target not in allowed:
        message = f"{argument} is {target!r}; allowed: {', '.join(map(repr, allowed))}."
        raise DomainError(message)
    check_target(plan, target)


def synthesise(
    plan: Plan, control: FloatArray, local: Sequence[FloatArray], target: str, document: str
) -> Synthesis:
    """Put the alternatives of a solved network together; see `Solution.synthesis` and `Solution.bocr`."""
    found = combine(plan, control, local, target)[0]
    where = provenance(document, n_alternatives=len(plan.alternatives))
    return Synthesis(plan.alternatives, read_only(found), target, where)


def _scores(merit: str, values: Mapping[str, float], alternatives: tuple[str, ...]) -> FloatArray:
    if not isinstance(values, Mapping) or set(values) != set(alternatives):
        message = (
            f"{merit} must be a mapping of the alternatives {list(alternatives)} to numbers, like the others."
        )
        raise DomainError(message)
    try:
        found = np.array([float(values[name]) for name in alternatives])
    except (TypeError, ValueError):
        message = f"{merit} must hold numbers, one for each alternative."
        raise DomainError(message) from None
    if not np.isfinite(found).all() or (found < 0.0).any() or not found.any():
        message = f"{merit} must hold finite numbers from 0 and one above 0."
        raise DomainError(message)
    found = found / found.max()
    return np.asarray(found / found.sum())[None, :]


def _merit_weights(weights: Mapping[str, float] | None, merits: tuple[str, ...]) -> dict[str, FloatArray]:
    if weights is None:
        return {merit: np.array([1.0 / len(merits)]) for merit in merits}
    if set(weights) != set(merits):
        message = f"weights name {list(weights)}; allowed: exactly the merits that are given, {list(merits)}."
        raise DomainError(message)
    try:
        check_weights(weights, "weights")
    except (TypeError, ValueError) as error:
        raise DomainError(str(error)) from error
    return {merit: np.array([weight]) for merit, weight in renormalised(weights)[0].items()}
