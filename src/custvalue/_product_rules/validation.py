"""Rules found on some customers, tested on others: the holdout that needs no correction for the search."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from custvalue._holdings.baskets import Baskets
from custvalue._kernels import set_rows
from custvalue._product_rules import significance
from custvalue._product_rules.holder_counts import Cells, HolderCounts
from custvalue._product_rules.rule_table import SHOWN, RuleTable
from custvalue._results import html_table, provenance, read_only, short_repr
from custvalue._spec import require
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from custvalue._kernels.set_rows import Sets
    from custvalue._typing import BoolArray, IntArray


@dataclass(frozen=True, eq=False, repr=False)
class RuleValidation:
    """The same rules on the customers they were found on and on others.

    Attributes
    ----------
    found : Rules
        The rules as they were found.
    retested : Rules
        The same rules in the same order, counted and tested on the other customers; p-values are corrected for
        as many rules as were carried over.

    See Also
    --------
    Rules.validate : Makes it.

    Notes
    -----
    Rules that were found and tested on the same customers need a correction for all that could have been found.
    Found on one half and tested on the other, they need one only for the rules carried over (Webb 2007 [1]_).

    References
    ----------
    .. [1] Webb, G. I. (2007). Discovering significant patterns. *Machine Learning*, 68(1), 1-33.

    Examples
    --------
    >>> from custvalue import basket
    >>> held = [["account", "card"], ["account"], ["card"], []]
    >>> first = basket.Baskets.from_lists(held, counts=[60, 20, 10, 30])
    >>> second = basket.Baskets.from_lists(held, counts=[55, 25, 15, 25])
    >>> basket.rules(first, min_count=50).validate(second)
    RuleValidation(rules=2, customers=120, confirmed=2)
    """

    found: RuleTable
    retested: RuleTable

    def __len__(self) -> int:
        return len(self.found)

    @property
    def confirmed(self) -> BoolArray:
        """Whether each rule's corrected p-value on the other customers is at most ``found.alpha``."""
        return significance.meets(self.retested.log_p_adjusted, self.found.alpha)

    @property
    def productive(self) -> BoolArray:
        """Whether each rule is significantly better than every simpler one on the other customers, corrected."""
        return self.retested.productive

    def to_frame(self) -> pd.DataFrame:
        """Make the table of both.

        Returns
        -------
        pandas.DataFrame
            ``antecedent``, ``consequent``; ``customers``, ``confidence``, ``lift`` as found;
            ``customers_retested``, ``confidence_retested``, ``confidence_low``, ``confidence_high``,
            ``lift_retested``, ``log10_p``, ``log10_p_adjusted``, ``confirmed``, ``productive`` on the others.
        """
        plain = ["customers", "confidence", "lift"]
        first = self.found.to_frame(plain)
        more = ["confidence_low", "confidence_high", "log10_p", "log10_p_adjusted"]
        other = {name: self.retested.measure(name) for name in [*plain, *more]}
        names = ["customers", "confidence", "confidence_low", "confidence_high", "lift", *more[2:]]
        columns = {f"{name}_retested" if name in plain else name: other[name] for name in names}
        flags = {"confirmed": self.confirmed, "productive": self.productive}
        return pd.concat([first, pd.DataFrame({**columns, **flags})], axis=1)

    def __repr__(self) -> str:
        facts = {"rules": len(self), "customers": self.retested.n_customers}
        return short_repr("RuleValidation", **facts, confirmed=int(self.confirmed.sum()))

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        rows = [[", ".join(row[0]), ", ".join(row[1]), *row[2:]] for row in frame.itertuples(index=False)]
        caption = f"{int(self.confirmed.sum())} of {len(self)} rules confirmed on other customers"
        return html_table(list(frame.columns), rows, caption=caption, limit=SHOWN)


def validation_of(found: RuleTable, baskets: Baskets) -> RuleValidation:
    """Count and test rules on other customers, corrected for as many as are carried over."""
    found.counted("validate")
    other = require(baskets, Baskets, "baskets")
    places = places_in(found, other)
    left, right = moved(found.antecedent_sets, places), moved(found.consequent_sets, places)
    counts = HolderCounts(other)
    cells = Cells(*(read_only(cell) for cell in counts.cells(left, right)))
    lengths, sizes = np.unique(left.lengths, return_counts=True)
    n11, n10, n01, n00 = cells
    retested = replace(
        found,
        products=other.products,
        antecedent_indptr=read_only(left.indptr),
        antecedent_codes=read_only(left.codes),
        consequent_indptr=read_only(right.indptr),
        consequent_codes=read_only(right.codes),
        n11=n11,
        n10=n10,
        n01=n01,
        n00=n00,
        cells=cells,
        n_customers=other.n_customers,
        search_lengths=tuple(lengths.tolist()),
        search_sizes=tuple(sizes.tolist()),
        provenance=provenance(found.provenance.spec, customers=other.n_customers, rules=len(found)),
        _counts=counts,
        _whole=None,
    )
    return RuleValidation(found, retested)


def places_in(found: RuleTable, baskets: Baskets) -> IntArray:
    """Give the place of each product among those of other baskets, -1 where no rule needs it; refuse a gap."""
    places = {name: place for place, name in enumerate(baskets.products)}
    used = np.unique(np.concatenate([found.antecedent_codes, found.consequent_codes])).tolist()
    if missing := [found.products[code] for code in used if found.products[code] not in places]:
        message = f"baskets lack products that the rules name: {missing}. Make them with products= of the first."
        raise DomainError(message)
    return np.array([places.get(name, -1) for name in found.products], dtype=np.int64)


def moved(sets: Sets, places: IntArray) -> Sets:
    """Give the same sets in the places of other baskets, ascending again."""
    codes = places[sets.codes]
    owner = np.repeat(np.arange(sets.size), sets.lengths)
    return set_rows.from_lengths(sets.lengths, codes[np.lexsort((codes, owner))])
