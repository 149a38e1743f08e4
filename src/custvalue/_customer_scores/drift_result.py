"""What a comparison of two moments gives back: distances a figure, moves between segments, and their causes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from custvalue._kernels import transitions
from custvalue._results import html_table, short_repr
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from custvalue._results import Provenance
    from custvalue._typing import FloatArray, IntArray

#: Limits of the stability index that practice repeats (Siddiqi 2006), whatever the samples' sizes: folklore.
RULES_OF_THUMB: Final = (0.1, 0.25)
_SAID: Final = ("below 0.1", "0.1 to 0.25", "above 0.25")


@dataclass(frozen=True, slots=True)
class StabilityBins:
    """The bins of one figure: cuts, and how many rows of either moment lie between them.

    Attributes
    ----------
    cuts : ndarray of shape (n_cuts,)
        Different quantiles of the earlier moment, in the figure's unit.
    before, after : ndarray of int, shape (n_cuts + 2,)
        Rows below or at the first cut, between the cuts, above the last one, and without a value.
    terms : ndarray of shape (n_cuts + 2,)
        Each bin's part of the index.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import rfm
    >>> before, after = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0]}), pd.DataFrame({"x": [4.0, 3.0, 4.0, 2.0]})
    >>> rfm.drift(before, after, n_bins=2).distributions["x"].after.tolist()
    [1, 3, 0]
    """

    cuts: FloatArray
    before: IntArray
    after: IntArray
    terms: FloatArray


@dataclass(frozen=True, eq=False, repr=False)
class Drift:
    """How customers' figures and segments moved between two moments, and why.

    Attributes
    ----------
    indicators : tuple of str
        The figures that were compared.
    psi : ndarray of shape (n_indicators,)
        Population stability index.
    psi_limit, psi_p_value : ndarray of shape (n_indicators,)
        What noise alone stays below with the confidence, and the chance that it reaches the index, both of
        independent samples by chi-square.
    psi_permuted_limit, psi_permuted_p_value : ndarray of shape (n_indicators,)
        The same of the customers at hand, whose two moments are exchanged at random; NaN without permutations.
    ks, ks_p_value : ndarray of shape (n_indicators,)
        Kolmogorov-Smirnov distance of the known values and its p-value; NaN where a moment has none.
    distributions : mapping of str to StabilityBins
        The bins of every figure.
    n_customers : mapping of str to int
        ``before``, ``after``, ``both``, ``entrants`` (only after) and ``leavers`` (only before).
    states : tuple of str
        The segments, cells or other labels; empty if none were asked for.
    migration : ndarray of shape (n_states, n_states)
        Customers of both moments, from row to column.
    leavers, entrants : ndarray of shape (n_states,)
        Leavers by their segment before, entrants by theirs after.
    paths : ndarray of int, shape (n_paths, 5)
        Customers of both moments by four labels, as places in `states`, and their number: the label before; that
        of the later figures by the earlier cuts; that of the earlier figures by the later cuts; the label after.
        Empty if labels were given as a column.
    confidence : float
        Level of limits and intervals.
    provenance : Provenance
        Package version, cut points and row counts.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import rfm
    >>> before = pd.DataFrame({"turnover": [1.0, 2.0, 3.0, 4.0]}, index=["a", "b", "c", "d"])
    >>> after = pd.DataFrame({"turnover": [1.0, 4.0, 3.0, 4.0]}, index=["a", "b", "c", "e"])
    >>> cuts = rfm.ScoreTable(columns=[rfm.ScoreCuts(name="turnover", method="thresholds", cuts=[2.5])])
    >>> found = rfm.drift(before, after, cuts_before=cuts)
    >>> found.migration_matrix()
    after   1    2
    before
    1       1.0  1.0
    2       0.0  1.0
    >>> dict(found.n_customers)
    {'before': 4, 'after': 4, 'both': 3, 'entrants': 1, 'leavers': 1}
    """

    indicators: tuple[str, ...]
    psi: FloatArray
    psi_limit: FloatArray
    psi_p_value: FloatArray
    psi_permuted_limit: FloatArray
    psi_permuted_p_value: FloatArray
    ks: FloatArray
    ks_p_value: FloatArray
    distributions: Mapping[str, StabilityBins]
    n_customers: Mapping[str, int]
    states: tuple[str, ...]
    migration: FloatArray
    leavers: FloatArray
    entrants: FloatArray
    paths: IntArray
    confidence: float
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Give one row a figure.

        Returns
        -------
        pandas.DataFrame
            Columns ``indicator``, ``psi``, ``psi_limit``, ``psi_p_value``, ``psi_permuted_limit``,
            ``psi_permuted_p_value``, ``rule_of_thumb`` (where the index lies among the limits .1 and .25 that
            practice repeats), ``ks``, ``ks_p_value``, ``null_share_before`` and ``null_share_after``.
        """
        nulls = {
            f"null_share_{name}": [
                float(getattr(bins, name)[-1] / getattr(bins, name).sum()) for bins in self.distributions.values()
            ]
            for name in ("before", "after")
        }
        return pd.DataFrame(
            {
                "indicator": list(self.indicators),
                "psi": self.psi,
                "psi_limit": self.psi_limit,
                "psi_p_value": self.psi_p_value,
                "psi_permuted_limit": self.psi_permuted_limit,
                "psi_permuted_p_value": self.psi_permuted_p_value,
                "rule_of_thumb": [_SAID[place] for place in np.digitize(self.psi, RULES_OF_THUMB)],
                "ks": self.ks,
                "ks_p_value": self.ks_p_value,
                **nulls,
            }
        )

    def bins(self, indicator: str) -> pd.DataFrame:
        """Give the bins of one figure.

        Parameters
        ----------
        indicator : str
            Its name.

        Returns
        -------
        pandas.DataFrame
            One row a bin: ``above`` and ``up_to``, the ends in the figure's unit (NaN is without end; both are NaN
            for the values that are null, the last row), ``before`` and ``after``, the customers, their shares
            ``share_before`` and ``share_after``, and ``psi``, the bin's part of the index.

        Raises
        ------
        DomainError
            If no figure has the name.
        """
        if indicator not in self.distributions:
            message = f"indicator must be one of {', '.join(self.indicators)}."
            raise DomainError(message)
        found = self.distributions[indicator]
        return pd.DataFrame(
            {
                "above": [np.nan, *found.cuts.tolist(), np.nan],
                "up_to": [*found.cuts.tolist(), np.nan, np.nan],
                "before": found.before,
                "after": found.after,
                "share_before": found.before / found.before.sum(),
                "share_after": found.after / found.after.sum(),
                "psi": found.terms,
            }
        )

    def migration_matrix(self) -> pd.DataFrame:
        """Give the customers of both moments from each segment to each other one.

        Returns
        -------
        pandas.DataFrame
            Counts; the index ``before`` and the columns ``after`` are the states.
        """
        index, columns = pd.Index(self.states, name="before"), pd.Index(self.states, name="after")
        return pd.DataFrame(self.migration, index=index, columns=columns)

    def migration_shares(self) -> pd.DataFrame:
        """Give the share of each segment's customers that went to each other one, with its interval.

        Returns
        -------
        pandas.DataFrame
            One row a pair of states whose first had customers who stayed: ``before``, ``after``, ``customers``,
            ``share`` of those, and ``share_low`` and ``share_high``, Wilson's interval at the confidence.
        """
        total = self.migration.sum(axis=1)
        rows, columns = np.nonzero(np.broadcast_to(total[:, None] > 0, self.migration.shape))
        moved, among = self.migration[rows, columns], total[rows]
        low, high = transitions.wilson_interval(moved, among, self.confidence)
        names = np.array(self.states, dtype=object)
        return pd.DataFrame(
            {
                "before": names[rows],
                "after": names[columns],
                "customers": moved.astype(np.int64),
                "share": moved / among,
                "share_low": low,
                "share_high": high,
            }
        )

    def totals(self) -> dict[str, float]:
        """Say how many customers moved, and how far they or the cut points caused it.

        Returns
        -------
        dict of str to float
            ``customers`` at both moments, ``moved`` to another label, and, adding up to the moved,
            ``by_customers`` and ``by_cuts``: the effects of `causes`, summed.

        Raises
        ------
        DomainError
            As `causes`.
        """
        found = self.causes()
        moved = found["customers"].where(found["before"] != found["after"], 0).sum()
        return {
            "customers": float(self.n_customers["both"]),
            "moved": float(moved),
            "by_customers": float(found["customer_effect"].sum()),
            "by_cuts": float(found["cuts_effect"].sum()),
        }

    def causes(self) -> pd.DataFrame:
        r"""Split the moves into what customers did and what new cut points did.

        Returns
        -------
        pandas.DataFrame
            One row a pair of labels: ``before``, ``after``, ``customers``; in the order customer first, how many
            changed their label by their figures, ``customer_first``, and by the cuts afterwards, ``cuts_second``;
            in the order cuts first, ``cuts_first`` and ``customer_second``; and ``customer_effect`` and
            ``cuts_effect``, the mean over both orders, which add up to the moves.

        Raises
        ------
        DomainError
            If the labels were given as a column, whose cut points are not known.

        Notes
        -----
        The order matters: who moves only because both changed is put down to whichever comes second. With
        :math:`v(S)` 1 if the label differs from the one before when only :math:`S` changed, the effects are the
        Shapley values (Shapley 1953; Shorrocks 2013, for decompositions) of each customer, summed,

        .. math:: \phi_C = \tfrac12 [v(C) + v(CK) - v(K)], \quad \phi_K = \tfrac12 [v(K) + v(CK) - v(C)].

        Where customers stayed because the two changes cancelled, one effect is negative and their sum 0. Cost:
        :math:`O(p)` for p different paths.
        """
        if not len(self.paths):
            known = self.states and not self.n_customers["both"]
            message = (
                "There are no causes to tell apart: no customer is in both moments."
                if known
                else "There are no causes to tell apart: give cuts_before (and cuts_after), not a label."
            )
            raise DomainError(message)
        start, figures, cuts, end, count = self.paths.T
        frame = pd.DataFrame(
            {
                "before": start,
                "after": end,
                "customers": count,
                "customer_first": count * (figures != start),
                "cuts_second": count * (end != figures),
                "cuts_first": count * (cuts != start),
                "customer_second": count * (end != cuts),
            }
        )
        moved, by_figures, by_cuts = (count * (label != start) for label in (end, figures, cuts))
        frame["customer_effect"] = 0.5 * (by_figures + moved - by_cuts)
        frame["cuts_effect"] = 0.5 * (by_cuts + moved - by_figures)
        summed = frame.groupby(["before", "after"], sort=True).sum().reset_index()
        names = np.array(self.states, dtype=object)
        return summed.assign(before=names[summed["before"]], after=names[summed["after"]])

    def __repr__(self) -> str:
        counts = {name: self.n_customers[name] for name in ("both", "entrants", "leavers")}
        return short_repr("Drift", indicators=len(self.indicators), states=len(self.states), **counts)

    def _repr_html_(self) -> str:
        title = ", ".join(f"{count} {name}" for name, count in self.n_customers.items())
        frame = self.to_frame()
        drawn = html_table(list(frame.columns), frame.itertuples(index=False), caption=f"Drift: customers {title}")
        if not self.states:
            return drawn
        moved = self.migration_shares()
        moved = moved[moved["customers"] > 0]
        return drawn + html_table(list(moved.columns), moved.itertuples(index=False), caption="Migration")
