"""The rules of a recommender: with one product on the right, significant, the best first, as plain arrays."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from custvalue._kernels import set_rows
from custvalue._kernels.transitions import wilson_interval
from custvalue._kernels.two_by_two import divide
from custvalue._product_rules.found_rules import Rules
from custvalue._spec import require
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custvalue._holdings.baskets import Baskets
    from custvalue._typing import IntArray

Score = Literal["confidence_low", "confidence", "lift", "gap"]
Kept = Literal["significant", "productive", "all"]
#: Columns of the table of rules behind antecedent and consequent.
FIGURES = (
    "customers",
    "antecedent_customers",
    "confidence",
    "confidence_low",
    "confidence_high",
    "lift",
    "gap",
    "log10_p_adjusted",
)


class RuleList(NamedTuple):
    """Rules in their order: sets on the left, one place on the right, and figures by name."""

    antecedents: set_rows.Sets
    consequents: IntArray
    figures: dict[str, Any]

    def take(self, places: IntArray) -> RuleList:
        """Give some of the rules in this order."""
        figures = {name: column[places] for name, column in self.figures.items()}
        return RuleList(set_rows.take(self.antecedents, places), self.consequents[places], figures)

    def best_first(self, score: Score) -> RuleList:
        """Order by falling score, then by falling number of customers, then shorter and earlier sides first."""
        left, lengths = self.antecedents, np.diff(self.antecedents.indptr)
        padded = np.full((len(lengths), int(lengths.max(initial=0))), -1, dtype=np.int64)
        row = np.repeat(np.arange(len(lengths)), lengths)
        padded[row, np.arange(len(row)) - left.indptr[:-1][row]] = left.codes
        earlier = (self.consequents, *padded.T[::-1], lengths)
        return self.take(np.lexsort((*earlier, -self.figures["customers"], -self.figures[score])))

    def to_frame(self, products: Sequence[str]) -> pd.DataFrame:
        """Give one row a rule."""
        ends = self.antecedents.indptr.tolist()
        names = [products[code] for code in self.antecedents.codes.tolist()]
        lefts = [tuple(names[start:end]) for start, end in itertools.pairwise(ends)]
        rights = [products[code] for code in self.consequents.tolist()]
        sides = {"antecedent": pd.Series(lefts, dtype=object), "consequent": pd.Series(rights, dtype=object)}
        return pd.DataFrame(sides | {name: self.figures[name] for name in FIGURES})


def mined(rules: Rules, products: Sequence[str], kept: Kept, alpha: float) -> RuleList:
    """Take what a recommender needs from rules, with the columns of its own table for places."""
    require(rules, Rules, "rules", "Find them with basket.rules.")
    if rules.amount is not None or rules.alternative != "greater":
        message = "rules must count customers and be of alternative 'greater'; call basket.rules without amount=."
        raise DomainError(message)
    if (rules.consequent_sets.lengths != 1).any():
        message = "rules must have one product on the right each; call basket.rules with consequents='single'."
        raise DomainError(message)
    if kept == "significant":
        rules = rules.significant(alpha)
    elif kept == "productive":
        rules = rules.select(rules.productive_log_p_adjusted <= np.log(alpha))
    place = {name: column for column, name in enumerate(products)}
    used = {rules.products[code] for code in (*rules.antecedent_codes.tolist(), *rules.consequent_codes.tolist())}
    if missing := sorted(used - place.keys()):
        message = f"rules speak of {', '.join(repr(name) for name in missing[:5])}, of which X has no column."
        raise DomainError(message)
    moved = np.array([place.get(name, -1) for name in rules.products], dtype=np.int32)
    indptr, codes = np.array(rules.antecedent_indptr), moved[rules.antecedent_codes]
    owner = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    left = set_rows.Sets(indptr, codes[np.lexsort((codes, owner))])
    figures = {name: np.array(rules.measure(name)) for name in FIGURES}
    return RuleList(left, moved[rules.consequent_codes].astype(np.int64), figures)


def popularity(baskets: Baskets, consequents: IntArray, confidence_level: float) -> RuleList:
    """Make a rule with nothing on the left for each product: how many of those who may hold it do."""
    table = baskets.items()
    holders = table["customers"].to_numpy()[consequents]
    eligible = table["eligible"].to_numpy()[consequents]
    low, high = wilson_interval(holders, eligible, confidence_level)
    columns = (holders, eligible, divide(holders, eligible), low, high)
    figures: dict[str, Any] = dict(zip(FIGURES, columns, strict=False))
    figures |= {"lift": np.ones(len(holders)), "gap": np.zeros(len(holders))}
    figures |= {"log10_p_adjusted": np.zeros(len(holders))}
    found = RuleList(set_rows.empty_sets(len(consequents)), consequents, figures)
    return found.take(np.flatnonzero(holders > 0))


def joined(first: RuleList, second: RuleList) -> RuleList:
    """Put one list of rules behind the other."""
    figures = {name: np.concatenate([first.figures[name], second.figures[name]]) for name in FIGURES}
    both = np.concatenate([first.consequents, second.consequents])
    return RuleList(set_rows.stack([first.antecedents, second.antecedents]), both, figures)


def reasons(rules: RuleList, products: Sequence[str]) -> list[str]:
    """Say each rule in a sentence."""
    rows: list[Any] = list(rules.to_frame(products).itertuples(index=False))
    out = []
    for row in rows:
        share = f"{row.confidence:.1%} ({row.confidence_low:.1%} to {row.confidence_high:.1%})"
        if not row.antecedent:
            out.append(
                f"{share} of the {row.antecedent_customers} customers who may hold {row.consequent} hold it"
            )
            continue
        out.append(
            f"{share} of the {row.antecedent_customers} customers who hold {' and '.join(row.antecedent)} hold "
            f"{row.consequent}, {row.lift:.2f} times the share of all"
        )
    return out
