"""What a solved network holds."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from custvalue._results import Provenance, html_table, short_repr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from custvalue._network_process.judgments import Method, Priorities, RandomIndex
    from custvalue._network_process.supermatrix import Limit
    from custvalue._typing import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One set of judgments of a network and the priorities it gave.

    Parameters
    ----------
    criterion : str
        The criterion whose indicators were compared; empty for the control layer.
    column : str
        The indicator on which the influence was judged; empty where importance was judged.
    priorities : Priorities
        Weights and consistency.

    See Also
    --------
    Solution : Holds one for each set of judgments.

    Examples
    --------
    >>> from custvalue import anp
    >>> judged = anp.Judged("", "", anp.priorities([[1.0, 3.0], [1 / 3, 1.0]]))
    >>> judged.priorities.consistency_ratio
    0.0
    """

    criterion: str
    column: str
    priorities: Priorities


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Solution:
    """Weights of a solved network at both levels, and all that leads to them.

    Parameters
    ----------
    control : mapping of str to float
        Weight of each criterion; they sum to 1.
    local : mapping of str to mapping of str to float
        Weight of each indicator within its criterion; each criterion's sum to 1.
    priorities : mapping of str to float
        Global weight of each indicator, control times local; they sum to 1.
    supermatrices : mapping of str to ndarray
        Supermatrix of each inner-dependent criterion, in the order of ``limits[criterion].labels``; read-only.
    limits : mapping of str to Limit
        Exact limit of each of these supermatrices, with classes and periods.
    judged : tuple of Judged
        Every set of judgments with its priorities and its consistency.
    deviations : mapping of str to float
        Where given weights were renormalised, and their sum less 1; the key is the path in the network.
    notes : tuple of str
        What a reader of the weights must know: structural bounds, cycles, inconsistent judgments.
    method : str
        Method that turned judgments into priorities.
    random_index : str
        Random-index table of the consistency ratios.
    provenance : Provenance
        Package version, the network as JSON, the numbers of criteria and indicators.

    See Also
    --------
    Network.solve : The method that returns this result.

    Examples
    --------
    >>> from custvalue import anp
    >>> network = anp.Network(
    ...     control=anp.DirectWeights(weights={"frequency": 0.75, "monetary": 0.25}),
    ...     local={"frequency": anp.DirectWeights(weights={"visits": 1.0}),
    ...            "monetary": anp.DirectWeights(weights={"turnover": 0.5, "balance": 0.5})})
    >>> network.solve().to_frame()
       criterion indicator  local  global
    0  frequency    visits    1.0   0.750
    1   monetary  turnover    0.5   0.125
    2   monetary   balance    0.5   0.125
    """

    control: Mapping[str, float]
    local: Mapping[str, Mapping[str, float]]
    priorities: Mapping[str, float]
    supermatrices: Mapping[str, FloatArray]
    limits: Mapping[str, Limit]
    judged: tuple[Judged, ...]
    deviations: Mapping[str, float]
    notes: tuple[str, ...]
    method: Method
    random_index: RandomIndex
    provenance: Provenance

    @property
    def unweighted(self) -> dict[str, pd.DataFrame]:
        """Give the unweighted supermatrix of each inner-dependent criterion.

        Returns
        -------
        dict of str to DataFrame
            Fresh frames; the column of an indicator holds the influences on it.
        """
        return {
            criterion: _labelled(values, self.limits[criterion].labels)
            for criterion, values in self.supermatrices.items()
        }

    @property
    def weighted(self) -> dict[str, pd.DataFrame]:
        """Give the weighted supermatrix of each inner-dependent criterion.

        Returns
        -------
        dict of str to DataFrame
            Equal to `unweighted`: under one criterion there is one cluster, its indicators, and its weight is 1.
        """
        return self.unweighted

    @property
    def limit(self) -> dict[str, pd.DataFrame]:
        """Give the limit supermatrix of each inner-dependent criterion.

        Returns
        -------
        dict of str to DataFrame
            Fresh frames; every column holds the local weights.
        """
        return {criterion: limit.to_frame() for criterion, limit in self.limits.items()}

    @property
    def consistency(self) -> pd.DataFrame:
        """Give the consistency of every set of judgments.

        Returns
        -------
        DataFrame
            Columns `criterion` (empty for the control layer), `column` (the influenced indicator, else empty),
            `n`, `lambda_max`, `consistency_index`, `consistency_ratio`.
        """
        names = ("criterion", "column", "n", "lambda_max", "consistency_index", "consistency_ratio")
        rows = [
            (
                *(entry.criterion, entry.column, len(entry.priorities.elements), entry.priorities.lambda_max),
                *(entry.priorities.consistency_index, entry.priorities.consistency_ratio),
            )
            for entry in self.judged
        ]
        return pd.DataFrame(rows, columns=list(names))

    def to_frame(self) -> pd.DataFrame:
        """Give one row per indicator.

        Returns
        -------
        DataFrame
            Columns `criterion`, `indicator`, `local` (weight within the criterion), `global` (weight in all).
        """
        return pd.DataFrame(self._rows(), columns=["criterion", "indicator", "local", "global"])

    def _rows(self) -> list[tuple[str, str, float, float]]:
        return [
            (criterion, indicator, weight, self.priorities[indicator])
            for criterion, weights in self.local.items()
            for indicator, weight in weights.items()
        ]

    def __repr__(self) -> str:
        weights = ", ".join(f"{name}: {weight:.4f}" for name, weight in self.control.items())
        return short_repr(
            "Solution", control=f"{{{weights}}}", indicators=len(self.priorities), notes=len(self.notes)
        )

    def _repr_html_(self) -> str:
        columns = ("criterion", "indicator", "local", "global")
        weights = html_table(columns, self._rows(), caption="Analytic network process: weights")
        found = self.consistency
        judged = html_table(list(found.columns), found.to_numpy().tolist(), caption="Consistency of the judgments")
        return weights + judged + "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)


def _labelled(values: FloatArray, labels: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(values.copy(), index=list(labels), columns=list(labels))
