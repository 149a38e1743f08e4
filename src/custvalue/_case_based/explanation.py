"""Why a customer is in a class: the nearest case, the nearest unlike case, and every indicator's part."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import pandas as pd

from custvalue._results import Provenance, html_table, short_repr

#: Indicators named in words.
NAMED = 3


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """Why one customer is in a class.

    Attributes
    ----------
    label : object
        The customer's row label (the index of a pandas frame, else the position).
    predicted : object
        The class given.
    case : str
        Name of the nearest case.
    similarity : float
        Similarity to it; the contributions in `table` sum to it.
    rival : object
        Class of the nearest case of another class; None where there is one class only.
    rival_case : str or None
        Name of that case.
    rival_similarity : float
        Similarity to it; 0 where there is none.
    margin : float
        Similarity less rival similarity: how clear the class is. The raw similarity is no confidence, since it
        is relative to the case base.
    table : pandas.DataFrame
        One row an indicator: ``group``, ``indicator``, ``weight`` (global), ``value`` (scaled), ``coefficient``,
        ``contribution``, ``rival_contribution``, ``difference``; with ``unscaled`` where those values were
        given, and ``case_value`` and ``rival_value`` where disclosure was asked for.

    Examples
    --------
    >>> from custvalue import cbr, grey
    >>> hierarchy = grey.Hierarchy.equal({"recency": ["last_visit"], "monetary": ["balance"]})
    >>> model = cbr.CaseBasedClassifier(hierarchy).fit([[0.2, 0.1], [0.9, 0.8]], ["low", "high"])
    >>> reason = model.explain([[0.8, 0.7]])[0]
    >>> reason.predicted, round(reason.similarity, 4), round(float(reason.table["contribution"].sum()), 4)
    ('high', 1.0, 1.0)
    """

    label: Any
    predicted: Any
    case: str
    similarity: float
    rival: Any
    rival_case: str | None
    rival_similarity: float
    margin: float
    table: pd.DataFrame

    def _name(self, row: Any) -> str:
        never = "unscaled" in self.table.columns and pd.isna(row.unscaled)
        return f"{row.indicator} (none on record)" if never else str(row.indicator)

    def __repr__(self) -> str:
        return short_repr("Explanation", predicted=self.predicted, case=self.case, margin=round(self.margin, 4))

    def in_words(self) -> str:
        """Say the reason in plain words.

        Returns
        -------
        str
            The class, the case, the rival, and the indicators that speak most for and against.
        """
        words = f"Class {self.predicted}: most like case {self.case} (similarity {self.similarity:.3f})."
        ranked = self.table.sort_values("contribution", ascending=False, kind="stable")
        if self.rival is None:
            most = ", ".join(self._name(row) for row in ranked.head(NAMED).itertuples())
            return f"{words} Most alike in {most}."
        words += f" Next is class {self.rival}, case {self.rival_case} ({self.rival_similarity:.3f})."
        ranked = self.table.sort_values("difference", ascending=False, kind="stable")
        rows = list(ranked.itertuples())
        difference = ranked["difference"].to_numpy()
        speaks = [row for row, part in zip(rows, difference, strict=True) if part > 0.0][:NAMED]
        against = [row for row, part in zip(rows, difference, strict=True) if part < 0.0][::-1][:NAMED]
        for what, some in (("For it speak", speaks), ("Against it", against)):
            if some:
                named = ", ".join(f"{self._name(row)} ({row.difference:+.3f})" for row in some)
                words += f" {what}: {named}."
        return words

    def _repr_html_(self) -> str:
        title = f"Customer {self.label}: class {self.predicted}"
        rows = self.table.to_numpy().tolist()
        table = html_table(list(self.table.columns), rows, caption=title)
        return f"<p>{html.escape(self.in_words())}</p>{table}"


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
            ``customer``, ``predicted``, ``case``, ``similarity``, ``margin``, then the columns of each table.
        """
        parts = []
        for one in self.items:
            head = {"customer": one.label, "predicted": one.predicted, "case": one.case}
            head |= {"similarity": one.similarity, "margin": one.margin}
            parts.append(one.table.assign(**head)[[*head, *one.table.columns]])
        return pd.concat(parts, ignore_index=True)

    def _repr_html_(self) -> str:
        return "".join(one._repr_html_() for one in self.items)


def indicator_table(
    hierarchy: Any,
    value: Any,
    parts: tuple[Any, Any, Any],
    shown: dict[str, Any],
) -> pd.DataFrame:
    """Build one customer's table from coefficients and the contributions of case and rival."""
    coefficient, contribution, rival = parts
    groups = [hierarchy.group_names[i] for i in hierarchy.group_index]
    columns = {
        "group": groups,
        "indicator": list(hierarchy.indicators),
        "weight": hierarchy.global_weights,
        "value": np.asarray(value),
        **shown,
        "coefficient": coefficient,
        "contribution": contribution,
        "rival_contribution": rival,
        "difference": contribution - rival,
    }
    return pd.DataFrame(columns)
