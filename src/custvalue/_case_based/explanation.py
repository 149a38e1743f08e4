"""Why a customer is in a class: the nearest case, the nearest unlike case, and every indicator's part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, overload

import numpy as np
import pandas as pd

from custvalue._case_based import card, wording
from custvalue._case_based.evidence import COLUMNS, Evidence
from custvalue._results import Provenance, short_repr

#: Cards shown for several customers.
_CARDS: Final = 3


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Explanation(Evidence):
    r"""Why one customer is in a class.

    Attributes
    ----------
    label : object
        The customer's row label (the index of a pandas frame, else the position).
    predicted : object
        The class given.
    case : str
        Name of the nearest case of that class.
    similarity : float
        Similarity to it; the contributions, added in the order of the indicators, are it bit for bit.
    rival : object
        Class of the nearest unlike case, the most similar one of any other class; None where there is none.
    rival_case : str or None
        Name of that case.
    rival_similarity : float
        Similarity to it; 0 where there is none.
    margin : float
        Similarity less rival similarity: how clear the class is. Negative where the vote of several cases
        overrules the most similar one. The raw similarity is no confidence, since it is relative to the case base.
    min_margin : float
        Below this margin the model abstains; 0 for one that always answers.
    class_similarity : mapping of class to float
        Similarity to the nearest case of every class; NaN for a class without a case.
    similarity_floor : float or None
        The least similarity there can be, :math:`\rho / (1 + \rho)`; None under frozen ranges, which know none.
    votes : mapping of class to float, or None
        Each class's share of the votes of the k nearest cases; None for k = 1.
    p_values : mapping of class to float, or None
        Conformal p-value of every class; None where the model is not calibrated for such a customer.
    p_floors : mapping of class to float, or None
        The smallest p-value that each class's calibration sample allows, 1 / (n + 1); None if not calibrated.
    indicators : tuple of str
        Names of the indicators.
    groups : tuple of str
        Group of each indicator.
    weights : ndarray of shape (n_indicators,)
        Global weights in use: with an indicator left out, 0 for it and the others renormalised.
    values : ndarray of shape (n_indicators,)
        The customer's scaled values; NaN where there is none.
    coefficients, rival_coefficients : ndarray of shape (n_indicators,)
        Relational coefficients to the case and to the rival; 0 for an indicator left out.
    contributions, rival_contributions : ndarray of shape (n_indicators,)
        Weight times coefficient; 0 for an indicator left out, and for all where there is no rival.
    outside : ndarray of int, shape (n_indicators,)
        -1 where the value lies below, 1 where it lies above the range of the customers behind the cases, else 0.
    unscaled : ndarray of shape (n_indicators,) or None
        The values before scaling, where given; NaN for none on record.
    case_values, rival_values : ndarray of shape (n_indicators,) or None
        Scaled values of the case and of the rival; None where they are not disclosed.
    class_mean, rival_class_mean : ndarray of shape (n_indicators,) or None
        Mean of the class in place of a case that is not disclosed; None where that would not be five customers.
    counterfactual : Counterfactual or None
        The smallest set of indicator changes that gives another class; None where it was not asked for.

    See Also
    --------
    Counterfactual : How the smallest set of changes is found.

    Notes
    -----
    Nearest case and nearest unlike case are the usual pair of a case-based explanation [1]_. The difference of the
    two similarities is the sum of the indicators' differences, within 1e-15 for nine indicators.

    Disclosure: the values of a case that stands for at least five customers, such as a class prototype, are shown;
    those of any other are one customer's own, or nearly, and are shown on request only. In their place stands the
    mean of the customers behind the class's cases, if those not shown by themselves are at least five, since
    otherwise the figures of a few could be computed from what is shown. This decides which figures are shown; it
    proves no privacy. Coefficients, contributions and the customer's own values let a reader who knows the ranges
    work back the distances to a hidden case.

    Confidence and credibility are those of conformal prediction [2]_; they hold for customers like the calibration
    sample.

    References
    ----------
    .. [1] Nugent, C. and Cunningham, P. (2005). A case-based explanation system for black-box systems. *Artificial
       Intelligence Review*, 24(2), 163-178.
    .. [2] Vovk, V., Gammerman, A. and Shafer, G. (2005). *Algorithmic Learning in a Random World*. Springer.

    Examples
    --------
    >>> from custvalue import cbr, grey
    >>> hierarchy = grey.Hierarchy.equal({"recency": ["last_visit"], "monetary": ["balance"]})
    >>> model = cbr.CaseBasedClassifier(hierarchy).fit([[0.2, 0.1], [0.9, 0.8]], ["low", "high"])
    >>> reason = model.explain([[0.8, 0.7]])[0]
    >>> reason.predicted, round(reason.similarity, 4), round(float(reason.contributions.sum()), 4)
    ('high', 1.0, 1.0)
    >>> reason.to_frame()[["indicator", "contribution", "rival_contribution"]].round(3)
        indicator  contribution  rival_contribution
    0  last_visit           0.5               0.222
    1     balance           0.5               0.222
    """

    def to_frame(self) -> pd.DataFrame:
        """Give one row an indicator.

        Returns
        -------
        pandas.DataFrame
            The columns of `table`.
        """
        return self.table

    def in_words(self) -> str:
        """Say the reason in plain words.

        Returns
        -------
        str
            The class, the case, the runner-up, the indicators closest to either, the confidence, the smallest set
            of changes to another class, and what is out of range, left out or not shown.
        """
        return wording.in_words(self)

    def __repr__(self) -> str:
        return short_repr("Explanation", predicted=self.predicted, case=self.case, margin=round(self.margin, 4))

    def _repr_html_(self) -> str:
        return card.drawn(self)


@dataclass(frozen=True, eq=False, repr=False)
class Explanations(Sequence[Explanation]):
    """The explanations of several customers.

    Attributes
    ----------
    items : tuple of Explanation
        One a customer.
    provenance : Provenance
        Package version, hierarchy and counts.

    Examples
    --------
    >>> from custvalue import cbr
    >>> model = cbr.CaseBasedClassifier().fit([[0.2, 0.1], [0.9, 0.8]], [1, 2])
    >>> reasons = model.explain([[0.8, 0.7], [0.1, 0.1]])
    >>> reasons.to_frame()[["customer", "predicted", "indicator", "contribution"]].round(3)
       customer  predicted  indicator  contribution
    0         0          2  feature 1           0.5
    1         0          2  feature 2           0.5
    2         1          1  feature 1           0.4
    3         1          1  feature 2           0.5
    """

    items: tuple[Explanation, ...]
    provenance: Provenance

    def __repr__(self) -> str:
        return short_repr("Explanations", **self.provenance.counts)

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> Explanation: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Explanation, ...]: ...

    def __getitem__(self, index: int | slice) -> Explanation | tuple[Explanation, ...]:
        return self.items[index]

    def to_frame(self) -> pd.DataFrame:
        """Give one row a customer and indicator.

        Returns
        -------
        pandas.DataFrame
            ``customer``, ``predicted``, ``case``, ``similarity``, ``margin``, then the columns of each table; a
            value that one customer's table shows and another's does not is NaN for the other.
        """
        if not self.items:
            return pd.DataFrame(columns=["customer", "predicted", "case", "similarity", "margin"])
        tables = [one.table for one in self.items]
        shown = set().union(*(table.columns for table in tables))
        counts = [len(table) for table in tables]
        heads = {
            "customer": [one.label for one in self.items],
            "predicted": [one.predicted for one in self.items],
            "case": [one.case for one in self.items],
            "similarity": [one.similarity for one in self.items],
            "margin": [one.margin for one in self.items],
        }
        columns: dict[str, Any] = {
            name: [value for value, count in zip(values, counts, strict=True) for _ in range(count)]
            for name, values in heads.items()
        }
        for name in (name for name in COLUMNS if name in shown):
            parts = [table[name].to_numpy() if name in table else np.full(len(table), np.nan) for table in tables]
            columns[name] = np.concatenate(parts)
        return pd.DataFrame(columns)

    def _repr_html_(self) -> str:
        cards = "".join(card.drawn(one) for one in self.items[:_CARDS])
        return cards + card.remainder(len(self.items) - _CARDS)
