"""Whether a rule holds within segments too, or turns round there: the check against Simpson's paradox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from custvalue._holdings.baskets import Baskets
from custvalue._kernels.stratified_tables import breslow_day, mantel_haenszel, odds_ratio_bounds
from custvalue._kernels.two_by_two import divide
from custvalue._product_rules.holder_counts import HolderCounts
from custvalue._product_rules.rule_table import SHOWN, RuleTable
from custvalue._product_rules.validation import moved, places_in
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import require
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from custvalue._typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False, repr=False)
class SegmentCheck:
    r"""Each rule over all customers together and within segments.

    Attributes
    ----------
    rules : Rules
        The rules.
    segments : tuple of str
        Names of the segments.
    n11, n10, n01, n00 : ndarray of int64, shape (n_segments, n_rules)
        Counts within each segment, among those eligible for every product of the rule.
    crude_odds_ratio : ndarray of shape (n_rules,)
        Odds ratio of all segments thrown together.
    pooled_odds_ratio : ndarray of shape (n_rules,)
        Mantel-Haenszel odds ratio: what the segments say by themselves.
    pooled_low, pooled_high : ndarray of shape (n_rules,)
        Its interval (Robins, Breslow and Greenland 1986) at the rules' level.
    heterogeneity_p : ndarray of shape (n_rules,)
        P-value against one odds ratio in all segments (Breslow and Day 1980, with Tarone's correction 1985).
    provenance : Provenance
        Package version and counts.

    See Also
    --------
    Rules.segment_check : Makes it.

    Notes
    -----
    A rule may hold among all customers only because one segment holds much of everything (Simpson 1951 [1]_). The
    pooled odds ratio of Mantel and Haenszel (1959 [2]_),

    .. math:: \frac{\sum_s n_{11s} n_{00s} / N_s}{\sum_s n_{10s} n_{01s} / N_s},

    compares customers of one segment only. ``reverses`` marks rules whose direction turns; a pooled interval that
    contains 1 says that nothing is left within segments. A small heterogeneity p-value says that the segments
    differ and one number for all hides that; read `odds_ratios` then. P-values are not corrected for the number
    of rules. Cost: one count of the rules a segment.

    References
    ----------
    .. [1] Simpson, E. H. (1951). The interpretation of interaction in contingency tables. *Journal of the Royal
       Statistical Society, Series B*, 13(2), 238-241.
    .. [2] Mantel, N., Haenszel, W. (1959). Statistical aspects of the analysis of data from retrospective studies
       of disease. *Journal of the National Cancer Institute*, 22(4), 719-748.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import basket
    >>> flags = pd.DataFrame(
    ...     {
    ...         "card": [1, 1, 0, 0, 1, 1, 0, 0],
    ...         "loan": [1, 0, 1, 0, 1, 0, 1, 0],
    ...         "group": ["old", "old", "old", "old", "young", "young", "young", "young"],
    ...     }
    ... )
    >>> customers = flags.loc[flags.index.repeat([40, 40, 15, 10, 2, 20, 10, 60])]
    >>> baskets = basket.Baskets.from_wide(customers, segment="group")
    >>> checked = basket.rules(baskets, min_count=10).segment_check(baskets)
    >>> checked.reverses
    array([ True,  True])
    """

    rules: RuleTable
    segments: tuple[str, ...]
    n11: IntArray
    n10: IntArray
    n01: IntArray
    n00: IntArray
    crude_odds_ratio: FloatArray
    pooled_odds_ratio: FloatArray
    pooled_low: FloatArray
    pooled_high: FloatArray
    heterogeneity_p: FloatArray
    provenance: Provenance

    def __len__(self) -> int:
        return len(self.rules)

    @property
    def reverses(self) -> BoolArray:
        """Whether the pooled odds ratio lies on the other side of 1 than the crude one."""
        crude, pooled = self.crude_odds_ratio, self.pooled_odds_ratio
        return np.asarray(((crude > 1.0) & (pooled < 1.0)) | ((crude < 1.0) & (pooled > 1.0)))

    @property
    def odds_ratios(self) -> FloatArray:
        """Odds ratio of each rule in each segment, of shape (n_segments, n_rules); NaN where a margin is 0."""
        n11, n10, n01, n00 = (cell.astype(np.float64) for cell in (self.n11, self.n10, self.n01, self.n00))
        return divide(n11 * n00, n10 * n01)

    @property
    def agreeing_segments(self) -> IntArray:
        """Number of segments in which the odds ratio lies on the same side of 1 as the crude one."""
        side = np.sign(self.odds_ratios - 1.0)
        return np.asarray((side == np.sign(self.crude_odds_ratio - 1.0)).sum(axis=0))

    def to_frame(self) -> pd.DataFrame:
        """Make the table with one row a rule.

        Returns
        -------
        pandas.DataFrame
            ``antecedent``, ``consequent``, ``customers``, ``crude_odds_ratio``, ``pooled_odds_ratio``,
            ``pooled_low``, ``pooled_high``, ``reverses``, ``heterogeneity_p``, ``agreeing_segments``,
            ``segments`` (their number).
        """
        sides = {"antecedent": self.rules.antecedents, "consequent": self.rules.consequents}
        return pd.DataFrame(
            {
                **{name: pd.Series(side, dtype=object) for name, side in sides.items()},
                "customers": self.n11.sum(axis=0),
                "crude_odds_ratio": self.crude_odds_ratio,
                "pooled_odds_ratio": self.pooled_odds_ratio,
                "pooled_low": self.pooled_low,
                "pooled_high": self.pooled_high,
                "reverses": self.reverses,
                "heterogeneity_p": self.heterogeneity_p,
                "agreeing_segments": self.agreeing_segments,
                "segments": np.full(len(self), len(self.segments)),
            }
        )

    def __repr__(self) -> str:
        facts = {"rules": len(self), "segments": len(self.segments), "reverses": int(self.reverses.sum())}
        return short_repr("SegmentCheck", **facts)

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        rows = [[", ".join(row[0]), ", ".join(row[1]), *row[2:]] for row in frame.itertuples(index=False)]
        caption = (
            f"{int(self.reverses.sum())} of {len(self)} rules turn round within {len(self.segments)} segments"
        )
        return html_table(list(frame.columns), rows, caption=caption, limit=SHOWN)


def segments_of(rules: RuleTable, baskets: Baskets) -> SegmentCheck:
    """Count rules within each segment and pool them."""
    rules.counted("segment_check")
    held = require(baskets, Baskets, "baskets")
    if not held.segments:
        message = "baskets have no segments; make them with segment=."
        raise DomainError(message)
    places = places_in(rules, held)
    left, right = moved(rules.antecedent_sets, places), moved(rules.consequent_sets, places)
    by_segment = [HolderCounts(held.segment(name)).cells(left, right) for name in held.segments]
    n11, n10, n01, n00 = (
        np.array([np.asarray(cells[k], dtype=np.int64) for cells in by_segment]) for k in range(4)
    )
    a, b, c, d = (cell.sum(axis=0).astype(np.float64) for cell in (n11, n10, n01, n00))
    pooled = mantel_haenszel(n11, n10, n01, n00)
    low, high = odds_ratio_bounds(pooled, rules.confidence_level)
    differ = breslow_day(n11, n10, n01, n00, pooled.odds_ratio)
    return SegmentCheck(
        rules,
        held.segments,
        read_only(n11),
        read_only(n10),
        read_only(n01),
        read_only(n00),
        read_only(divide(a * d, b * c)),
        read_only(pooled.odds_ratio),
        read_only(low),
        read_only(high),
        read_only(np.exp(differ.log_p)),
        provenance(customers=held.n_customers, segments=len(held.segments), rules=len(rules)),
    )
