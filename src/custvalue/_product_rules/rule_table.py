"""The rules that were found: their counts, measures, tests, and the bankers' table."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from math import log10
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from custvalue._kernels import set_rows
from custvalue._product_rules import significance
from custvalue._product_rules.holder_counts import Cells, HolderCounts
from custvalue._product_rules.rule_measures import DEFAULT, DEFAULT_OF_AMOUNT, TESTS, measured, names_of
from custvalue._product_rules.search_space import SearchSpace
from custvalue._results import Provenance, html_table, read_only, short_repr
from custvalue._spec import unboxed
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from custvalue._kernels.set_rows import Sets
    from custvalue._product_rules.significance import Adjustment, Alternative
    from custvalue._typing import ArrayLike, BoolArray, FloatArray, IntArray

#: Rules shown in a notebook.
SHOWN = 20
#: Of more rules a notebook shows no tests: a correction needs the p-values of all.
TESTED_FOR_A_VIEW = 200_000


@dataclass(frozen=True, eq=False, repr=False)
class RuleTable:
    """The counts, measures and tests of rules; `Rules` adds the checks on other customers."""

    products: tuple[str, ...]
    antecedent_indptr: NDArray[np.int64]
    antecedent_codes: NDArray[np.int32]
    consequent_indptr: NDArray[np.int64]
    consequent_codes: NDArray[np.int32]
    n11: IntArray
    n10: IntArray
    n01: IntArray
    n00: IntArray
    cells: Cells
    amount: str | None
    n_customers: int
    alternative: Alternative
    adjust: Adjustment | None
    alpha: float
    confidence_level: float
    search_lengths: tuple[int, ...]
    search_sizes: tuple[int, ...]
    complete: bool
    provenance: Provenance
    _counts: HolderCounts = field(repr=False)
    _whole: tuple[RuleTable, IntArray] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.n11)

    @property
    def antecedents(self) -> list[tuple[str, ...]]:
        """Names of the products on the left of each rule."""
        return self._names(self.antecedent_sets)

    @property
    def consequents(self) -> list[tuple[str, ...]]:
        """Names of the products on the right of each rule."""
        return self._names(self.consequent_sets)

    @property
    def n_hypotheses(self) -> int:
        """Number of possible rules: the whole search space."""
        return sum(self.search_sizes)

    @property
    def antecedent_sets(self) -> Sets:
        """Left sides as sets of places in `products`."""
        return set_rows.Sets(self.antecedent_indptr, self.antecedent_codes)

    @property
    def consequent_sets(self) -> Sets:
        """Right sides as sets of places in `products`."""
        return set_rows.Sets(self.consequent_indptr, self.consequent_codes)

    def _names(self, sets: Sets) -> list[tuple[str, ...]]:
        names = [self.products[code] for code in sets.codes.tolist()]
        ends = sets.indptr.tolist()
        return [tuple(names[start:end]) for start, end in pairwise(ends)]

    def counted(self, what: str) -> Cells:
        """Give the counts of customers, or refuse what cannot be made of sums of an amount.

        Parameters
        ----------
        what : str
            What is asked for.

        Returns
        -------
        Cells
            The four counts.

        Raises
        ------
        DomainError
            If the rules add up an amount.
        """
        if self.amount is not None:
            message = (
                f"{what}: these rules add up '{self.amount}': a sum of money has no test and no "
                "interval of a share. Call rules() without amount=."
            )
            raise DomainError(message)
        return self.cells

    @cached_property
    def log_p(self) -> FloatArray:
        """Natural log of Fisher's one-sided p-value of each rule; no underflow."""
        self.counted("log_p")
        n1_, n_1 = self.n11 + self.n10, self.n11 + self.n01
        return read_only(significance.log_p_value(self.n11, n1_, n_1, n1_ + self.n01 + self.n00, self.alternative))

    @cached_property
    def log_p_adjusted(self) -> FloatArray:
        """Natural log of the p-value, corrected for the whole search space; after `select` still for all rules."""
        if self._whole is not None:
            return read_only(self._whole[0].log_p_adjusted[self._whole[1]])
        return read_only(self._corrected(self.log_p))

    @cached_property
    def productive_log_p(self) -> FloatArray:
        """Natural log of the largest p-value against the rules with one product less and the empty antecedent."""
        log_p = self.log_p
        found = significance.against_simpler_rules(
            self.antecedent_sets, self.consequent_sets, self._counts, self.alternative, log_p
        )
        return read_only(found)

    @cached_property
    def productive_log_p_adjusted(self) -> FloatArray:
        """Natural log of the same, corrected for the whole search space."""
        if self._whole is not None:
            return read_only(self._whole[0].productive_log_p_adjusted[self._whole[1]])
        return read_only(self._corrected(self.productive_log_p))

    @property
    def productive(self) -> BoolArray:
        """Whether each rule is significantly better than every simpler one, at the level `alpha`."""
        return significance.meets(self.productive_log_p_adjusted, self.alpha)

    @cached_property
    def best_simpler_confidence(self) -> FloatArray:
        """Best confidence among all more general rules, the one with an empty antecedent among them."""
        found = significance.best_simpler_confidence(
            self.antecedent_sets, self.consequent_sets, self._counts, self.amount
        )
        return read_only(found)

    def _corrected(self, log_p: FloatArray) -> FloatArray:
        space = SearchSpace(self.search_lengths, self.search_sizes)
        return significance.adjusted(log_p, self.adjust, space, self.antecedent_sets.lengths)

    def measure(self, name: str) -> NDArray[Any]:
        """Compute a measure of every rule.

        Parameters
        ----------
        name : str
            Name of an interest measure (see `interest_measures`), or ``"customers"``, ``"antecedent_customers"``,
            ``"consequent_customers"``, ``"eligible"``, ``"amount"``, ``"extra_amount"``, ``"confidence_low"``,
            ``"confidence_high"``, ``"lift_low"``, ``"lift_high"``, ``"gap"``, ``"extra_customers"``,
            ``"improvement"``, ``"boost"``, ``"lic"``, ``"log10_p"``, ``"log10_p_adjusted"``, ``"productive"``,
            ``"productive_log10_p"``, ``"productive_log10_p_adjusted"``.

        Returns
        -------
        ndarray of shape (n_rules,)
            The measure.

        Raises
        ------
        DomainError
            If the name is unknown, or a test or interval is asked of rules that add up an amount.

        Notes
        -----
        *gap*: confidence minus the share of everyone who holds the consequent, in percentage points.
        *extra_customers*: n11 minus what independence would give, which is leverage times the number of customers.
        *improvement* (Bayardo, Agrawal and Gunopulos 2000): confidence minus the best confidence among all more
        general rules, the empty antecedent among them; *boost* and *lic* (lift increase) are the quotient, which
        is the same for both since the consequent is. All simpler rules are counted, found or not.
        *lift_low*, *lift_high*: the delta method on the log scale; *confidence_low*, *confidence_high*: Wilson.
        """
        return measured(self, name)

    def to_frame(self, measures: Sequence[str] | None = None) -> pd.DataFrame:
        """Make the table of rules.

        Parameters
        ----------
        measures : sequence of str, default=None
            Names as in `measure`, in the order of the columns; None makes the default table.

        Returns
        -------
        pandas.DataFrame
            ``antecedent`` and ``consequent`` (tuples of names), then the measures; by default ``customers`` (n11),
            ``support``, ``confidence``, ``confidence_low``, ``confidence_high``, ``lift``, ``lift_low``,
            ``lift_high``, ``gap`` (percentage points), ``extra_customers``, ``kulczynski``, ``imbalance``,
            ``log10_p``, ``log10_p_adjusted``, ``productive``. With an amount: ``customers``, ``amount``,
            ``support``, ``confidence``, ``lift``, ``gap``, ``extra_amount``, ``kulczynski``, ``imbalance``.

        Raises
        ------
        DomainError
            As for `measure`, or if a name repeats.
        """
        names = names_of(measures, DEFAULT if self.amount is None else DEFAULT_OF_AMOUNT)
        columns = {name: self.measure(name) for name in names}
        sides = {"antecedent": self.antecedents, "consequent": self.consequents}
        texts = {name: pd.Series(side, dtype=object) for name, side in sides.items()}
        return pd.DataFrame({**texts, **columns})

    def select(self, chosen: ArrayLike) -> Self:
        """Keep some of the rules; their corrected p-values stay those among all rules.

        Parameters
        ----------
        chosen : array_like of bool or int, shape (n_rules,) or (n_chosen,)
            A flag for each rule, or places of rules, each once, in the order wanted.

        Returns
        -------
        Rules
            The chosen rules.

        Raises
        ------
        DomainError
            If there is not one flag a rule, a place is out of range or repeats, or anything else is given.
        """
        places = self._places(chosen)
        whole = (self, places) if self._whole is None else (self._whole[0], self._whole[1][places])
        left, right = set_rows.take(self.antecedent_sets, places), set_rows.take(self.consequent_sets, places)
        return replace(
            self,
            antecedent_indptr=read_only(left.indptr),
            antecedent_codes=read_only(left.codes),
            consequent_indptr=read_only(right.indptr),
            consequent_codes=read_only(right.codes),
            n11=read_only(self.n11[places]),
            n10=read_only(self.n10[places]),
            n01=read_only(self.n01[places]),
            n00=read_only(self.n00[places]),
            cells=Cells(*(read_only(cell[places]) for cell in self.cells)),
            _whole=whole,
        )

    def _places(self, chosen: ArrayLike) -> IntArray:
        given = np.asarray(chosen)
        if given.dtype == np.bool_ and given.shape == (len(self),):
            return np.flatnonzero(given)
        fits = given.ndim == 1 and (np.issubdtype(given.dtype, np.integer) or not given.size)
        places: IntArray = given.astype(np.int64) if fits else np.empty(0, dtype=np.int64)
        if not fits or ((places < 0) | (places >= len(self))).any() or len(np.unique(places)) < len(places):
            message = (
                f"chosen has shape {given.shape} and type {given.dtype}; allowed: {len(self)} flags, one a rule, "
                f"or places from 0 to {len(self) - 1}, each once."
            )
            raise DomainError(message)
        return places

    def significant(self, alpha: float = 0.05) -> Self:
        """Keep the rules whose corrected p-value is at most alpha; one that equals it but for rounding is.

        Parameters
        ----------
        alpha : float, default=0.05
            Level, in (0, 1).

        Returns
        -------
        Rules
            The significant rules, in their order.

        Raises
        ------
        DomainError
            If `alpha` is out of range, or the rules add up an amount.
        """
        return self.select(significance.meets(self.log_p_adjusted, level(alpha, "alpha")))

    def __repr__(self) -> str:
        searched = self.n_hypotheses
        facts = {
            "rules": len(self),
            "hypotheses": searched if searched < 10**9 else f"1e{round(log10(searched))}",
            "customers": self.n_customers,
            "complete": self.complete,
        }
        return short_repr("Rules", **facts, **({} if self.amount is None else {"amount": repr(self.amount)}))

    def _repr_html_(self) -> str:
        columns: tuple[str, ...] = DEFAULT if self.amount is None else DEFAULT_OF_AMOUNT
        if len(self) > TESTED_FOR_A_VIEW:
            columns = tuple(name for name in columns if name not in TESTS)
        frame = self.select(np.arange(min(len(self), SHOWN))).to_frame(columns)
        rows = [[", ".join(row[0]), ", ".join(row[1]), *row[2:]] for row in frame.itertuples(index=False)]
        more = f", the first {SHOWN} shown" if len(self) > SHOWN else ""
        limit = "" if self.complete else ", stopped at the limit"
        return html_table(list(frame.columns), rows, caption=f"{len(self)} rules{limit}{more}")


def level(value: float, argument: str) -> float:
    """Check a level between 0 and 1."""
    number = unboxed(value)
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0.0 < number < 1.0:
        message = f"{argument} must lie between 0 and 1, both left out."
        raise DomainError(message)
    return float(number)
