"""All pairs of products: how many customers hold both, what chance would give, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from pydantic import Field

from custvalue._holdings.baskets import Baskets
from custvalue._kernels.interest import MEASURES
from custvalue._kernels.pair_counts import pair_sums
from custvalue._product_rules import intervals, significance, size_null
from custvalue._product_rules.holder_counts import Cells
from custvalue._product_rules.rule_measures import LOG10, names_of
from custvalue._product_rules.search_space import SearchSpace
from custvalue._results import Provenance, html_table, provenance, read_only, short_repr
from custvalue._spec import Spec, canonical_json, require, unboxed
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from custvalue._product_rules.significance import TwoSided
    from custvalue._typing import FloatArray, IntArray

#: Matrices of more products would fill the memory.
MOST_PRODUCTS = 10_000
SHOWN = 20
#: What chance is taken to be.
Null: TypeAlias = Literal["independence", "basket_sizes"]
#: Columns of the table of pairs behind the two names.
DEFAULT = (
    "customers",
    "customers_a",
    "customers_b",
    "eligible",
    "support",
    "expected",
    "lift",
    "lift_low",
    "lift_high",
    "extra_customers",
    "phi",
    "jaccard",
    "kulczynski",
    "imbalance",
    "log10_p",
    "log10_p_adjusted",
)


class PairSettings(Spec):
    """How pairs were tested, as it is written into their provenance."""

    alternative: Literal["greater", "less", "two-sided"]
    adjust: Literal["bonferroni", "holm", "bh", "by"] | None
    null: Null
    confidence_level: float = Field(gt=0.0, lt=1.0)


@dataclass(frozen=True, eq=False, repr=False)
class Pairs:
    """All pairs of products, those that nobody holds together among them.

    Attributes
    ----------
    products : tuple of str
        Names of the products.
    n11 : ndarray of int64, shape (n_products, n_products)
        Customers who hold both products of a pair.
    held : ndarray of int64, shape (n_products, n_products)
        Customers who hold the row's product, among those eligible for both.
    eligible : ndarray of int64, shape (n_products, n_products)
        Customers eligible for both; everyone where no eligibility is told.
    expected : ndarray of shape (n_products, n_products)
        Customers expected to hold both by chance, as `null` has it.
    n_customers : int
        All customers.
    alternative : str
        ``"greater"``, ``"less"`` or ``"two-sided"``.
    adjust : str or None
        Correction of the p-values for the number of pairs.
    null : str
        What chance is taken to be: ``"independence"`` or ``"basket_sizes"``.
    confidence_level : float
        Level of the intervals.
    provenance : Provenance
        Package version, settings and counts.

    See Also
    --------
    pairs : Makes them.

    Notes
    -----
    The diagonal sets a product against itself: all its holders hold both. Pairs in `to_frame` stand in the order
    of the products, the first product first: (0, 1), (0, 2), ..., (1, 2), ....

    Examples
    --------
    >>> from custvalue import basket
    >>> baskets = basket.Baskets.from_lists([["account", "card"], ["account"], ["loan"]], counts=[3, 1, 2])
    >>> found = basket.pairs(baskets)
    >>> found.n11
    array([[4, 3, 0],
           [3, 3, 0],
           [0, 0, 2]])
    >>> found.matrix("confidence")[0]
    array([1.  , 0.75, 0.  ])
    """

    products: tuple[str, ...]
    n11: IntArray
    held: IntArray
    eligible: IntArray
    expected: FloatArray
    n_customers: int
    alternative: TwoSided
    adjust: Literal["bonferroni", "holm", "bh", "by"] | None
    null: Null
    confidence_level: float
    provenance: Provenance

    def __len__(self) -> int:
        n = len(self.products)
        return n * (n - 1) // 2

    @property
    def n10(self) -> IntArray:
        """Customers who hold the row's product and not the column's, among those eligible for both."""
        return self.held - self.n11

    @property
    def n01(self) -> IntArray:
        """Customers who hold the column's product and not the row's, among those eligible for both."""
        return self.held.T - self.n11

    @property
    def n00(self) -> IntArray:
        """Customers who hold neither, among those eligible for both."""
        return self.eligible - self.held - self.n01

    @cached_property
    def _upper(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        return np.triu_indices(len(self.products), 1)

    @cached_property
    def _cells(self) -> Cells:
        """Cells of the pairs above the diagonal, the first product on the left."""
        a, b = self._upper
        n11, first, second, n = self.n11[a, b], self.held[a, b], self.held[b, a], self.eligible[a, b]
        return Cells(n11, first - n11, second - n11, n - first - second + n11)

    @cached_property
    def log_p(self) -> FloatArray:
        """Natural log of the p-value of each pair above the diagonal, in the order of `to_frame`."""
        return read_only(self.log_tail(self.alternative))

    def log_tail(self, alternative: TwoSided) -> FloatArray:
        """Test each pair against chance, in a direction of choice.

        Parameters
        ----------
        alternative : {"greater", "less", "two-sided"}
            The direction.

        Returns
        -------
        ndarray of shape (n_pairs,)
            Natural log of the p-value of each pair above the diagonal, in the order of `to_frame`; not corrected.
        """
        a, b = self._upper
        both, first, second = self.n11[a, b], self.held[a, b], self.held[b, a]
        if self.null == "basket_sizes":
            return size_null.log_p_value(both, first, second, self.expected[a, b], alternative)
        return significance.log_p_value(both, first, second, self.eligible[a, b], alternative)

    @cached_property
    def log_p_adjusted(self) -> FloatArray:
        """Natural log of the p-value, corrected for the number of all pairs."""
        space = SearchSpace((1,), (max(1, len(self)),))
        ones = np.ones(len(self), dtype=np.int64)
        return read_only(significance.adjusted(self.log_p, self.adjust, space, ones))

    def matrix(self, measure: str) -> FloatArray:
        """Compute a measure of every pair of products, from the row's to the column's.

        Parameters
        ----------
        measure : str
            Name of an interest measure (see `interest_measures`), or ``"lift_low"``, ``"lift_high"``, ``"gap"``,
            ``"extra_customers"``, ``"expected"``, ``"log10_p"``, ``"log10_p_adjusted"``.

        Returns
        -------
        ndarray of shape (n_products, n_products)
            The measure; logs of p-values are NaN on the diagonal.

        Raises
        ------
        DomainError
            If the name is unknown.
        """
        if measure in ("log10_p", "log10_p_adjusted"):
            full = np.full(self.n11.shape, np.nan)
            a, b = self._upper
            full[a, b] = full[b, a] = (self.log_p if measure == "log10_p" else self.log_p_adjusted) / LOG10
            return full
        if measure == "expected":
            return self.expected.copy()
        cells = Cells(self.n11, self.n10, self.n01, self.n00)
        return np.asarray(self._measured(measure, cells), dtype=np.float64)

    def to_frame(self, measures: Sequence[str] | None = None) -> pd.DataFrame:
        """Make the table with one row a pair.

        Parameters
        ----------
        measures : sequence of str, default=None
            Names as in `matrix`, or ``"customers"``, ``"customers_a"``, ``"customers_b"``, ``"eligible"``; None
            makes the default table.

        Returns
        -------
        pandas.DataFrame
            ``product_a``, ``product_b``, then the measures; by default ``customers`` (n11), ``customers_a``,
            ``customers_b``, ``eligible``, ``support``, ``expected``, ``lift``, ``lift_low``, ``lift_high``,
            ``extra_customers``, ``phi``, ``jaccard``, ``kulczynski``, ``imbalance``, ``log10_p``,
            ``log10_p_adjusted``. A measure that depends on the direction, such as the confidence, makes two
            columns: ``confidence_a_to_b`` and ``confidence_b_to_a``.

        Raises
        ------
        DomainError
            If a name is unknown or repeats.
        """
        a, b = self._upper
        names = np.array(self.products, dtype=object)
        columns: dict[str, Any] = {"product_a": names[a], "product_b": names[b]}
        n11, n10, n01, n00 = self._cells
        for name in names_of(measures, DEFAULT):
            if name in ("log10_p", "log10_p_adjusted"):
                columns[name] = (self.log_p if name == "log10_p" else self.log_p_adjusted) / LOG10
            elif name == "expected":
                columns[name] = self.expected[a, b]
            elif name == "gap" or (name in MEASURES and not MEASURES[name].symmetric):
                columns[f"{name}_a_to_b"] = self._measured(name, self._cells)
                columns[f"{name}_b_to_a"] = self._measured(name, Cells(n11, n01, n10, n00))
            else:
                columns[name] = self._measured(name, self._cells)
        return pd.DataFrame(columns)

    def _measured(self, name: str, cells: Cells) -> NDArray[Any]:
        own: dict[str, Callable[[], NDArray[Any]]] = {
            "customers": lambda: np.asarray(cells.n11),
            "customers_a": lambda: np.asarray(cells.n11) + cells.n10,
            "customers_b": lambda: np.asarray(cells.n11) + cells.n01,
            "eligible": lambda: np.asarray(cells.n11) + cells.n10 + cells.n01 + cells.n00,
            "lift_low": lambda: intervals.lift_interval(cells, self.confidence_level)[0],
            "lift_high": lambda: intervals.lift_interval(cells, self.confidence_level)[1],
            "gap": lambda: intervals.gap(cells),
            "extra_customers": lambda: intervals.extra_customers(cells),
        }
        if name in own:
            return own[name]()
        if name in MEASURES:
            return np.asarray(MEASURES[name].function(*cells))
        allowed = ", ".join([*own, "expected", "log10_p", "log10_p_adjusted", *MEASURES])
        message = f"Unknown measure: {name!r}. Allowed: {allowed}."
        raise DomainError(message)

    def __repr__(self) -> str:
        return short_repr("Pairs", products=len(self.products), pairs=len(self), customers=self.n_customers)

    def _repr_html_(self) -> str:
        frame = self.to_frame().sort_values("customers", ascending=False, kind="stable").head(SHOWN)
        more = f", the {SHOWN} with most customers shown" if len(self) > SHOWN else ""
        rows = frame.itertuples(index=False)
        return html_table(list(frame.columns), rows, caption=f"{len(self)} pairs of products{more}")


def pairs(
    baskets: Baskets,
    *,
    alternative: TwoSided = "greater",
    adjust: Literal["bonferroni", "holm", "bh", "by"] | None = "holm",
    null: Null = "independence",
    confidence_level: float = 0.95,
) -> Pairs:
    r"""Count and test all pairs of products, those that nobody holds together among them.

    Parameters
    ----------
    baskets : Baskets
        Who holds what; up to 10,000 products.
    alternative : {"greater", "less", "two-sided"}, default="greater"
        Whether pairs held together more often than by chance are looked for, more rarely (substitutes, products
        that exclude each other), or both.
    adjust : {"holm", "bonferroni", "bh", "by"} or None, default="holm"
        Correction of the p-values for all n (n - 1) / 2 pairs; None leaves them as they are.
    null : {"independence", "basket_sizes"}, default="independence"
        What chance is taken to be. Under ``"independence"`` all customers are alike. Under ``"basket_sizes"`` some
        hold many products and some few, as they do, which alone puts products together: a pair stands out if more
        hold it than that explains.
    confidence_level : float, default=0.95
        Level of each interval by itself, in (0, 1).

    Returns
    -------
    Pairs
        Counts, measures and tests.

    Raises
    ------
    pydantic.ValidationError
        If a setting is out of its range.
    DomainError
        If `baskets` is none, there are too many products (``"basket_sizes"``: more than 1,000), or
        ``"basket_sizes"`` is asked for baskets with eligibility, whose sizes cannot be compared.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        If the weights of ``"basket_sizes"`` do not meet the numbers of holders.

    See Also
    --------
    rules : More than one product on a side.
    network : Draws what belongs together out of pairs.

    Notes
    -----
    With the customers of each distinct basket in the diagonal of W and the flags in X, the counts are
    :math:`X^T W X`. The counts of a pair are among the customers eligible for both products. The test is Fisher's
    exact one; two-sided is twice the smaller tail, at most 1. All pairs are tested, so the correction is for all.

    **Sizes.** Fisher's test takes every customer for equally ready to hold things. Where some are not, products
    that have nothing to do with each other are held together: of the groceries' 14,196 pairs 414 stand out against
    independence, and some 170 where baskets of the same sizes are dealt at random. ``"basket_sizes"`` therefore
    takes, of all baskets of size k, the basket S to have the chance :math:`\prod_{i \in S} w_i / e_k(w)`, with the
    elementary symmetric function e_k: Rasch's model [2]_ given the sum score, its weights w by conditional maximum
    likelihood (Andersen [3]_), at which each product has as many expected holders as it has. With :math:`n_k`
    customers of size k,

    .. math:: \mathrm{expected}_{ab} = \sum_k n_k w_a w_b e_{k-2}(w \setminus a, b) / e_k(w).

    Among the m holders of the rarer product, each holds the other with a chance of its own; such a sum has no
    heavier tails than the binomial of the same mean (Hoeffding [4]_, beyond the mean by 1), whose tail, of m and
    expected / m, is the p-value. Simulation of baskets with fixed sizes and holders gives these means, and
    variances at or below the binomial's in the median pair. Measures and intervals stay those of the four counts.

    Cost: distinct baskets / 64 times products squared for up to 256 products, a sparse product for more; memory
    three matrices of 8 bytes a pair, and 32 MB.

    References
    ----------
    .. [1] Fisher, R. A. (1935). The logic of inductive inference. *Journal of the Royal Statistical Society*,
       98(1), 39-82.
    .. [2] Rasch, G. (1960). *Probabilistic Models for Some Intelligence and Attainment Tests*. Danish Institute
       for Educational Research.
    .. [3] Andersen, E. B. (1973). Conditional inference for multiple-choice questionnaires. *British Journal of
       Mathematical and Statistical Psychology*, 26(1), 31-44.
    .. [4] Hoeffding, W. (1956). On the distribution of the number of successes in independent trials. *The Annals
       of Mathematical Statistics*, 27(3), 713-721.

    Examples
    --------
    >>> from custvalue import basket
    >>> baskets = basket.Baskets.from_lists([["account", "card"], ["account"], ["loan"]], counts=[3, 1, 2])
    >>> basket.pairs(baskets).to_frame(["customers", "lift"])
      product_a product_b  customers  lift
    0   account      card          3   1.5
    1   account      loan          0   0.0
    2      card      loan          0   0.0
    """
    held = require(baskets, Baskets, "baskets", "Make them by Baskets.from_long, from_wide or from_lists.")
    level = unboxed(confidence_level)
    settings = PairSettings(alternative=alternative, adjust=adjust, null=null, confidence_level=level)
    n = held.n_products
    if n > MOST_PRODUCTS:
        message = (
            f"baskets have {n} products; allowed for all pairs: up to {MOST_PRODUCTS}. Use Baskets.select, "
            "Baskets.at_family, or rules with max_antecedent=1."
        )
        raise DomainError(message)
    both = pair_sums(held.indptr, held.codes, held.customers, n)
    own = np.broadcast_to(np.diag(both)[:, None], (n, n))
    everyone = np.full((n, n), held.n_customers, dtype=np.int64)
    if held.ineligible_indptr is not None and held.ineligible_codes is not None:
        barred = held.ineligible_indptr, held.ineligible_codes
        own = own - pair_sums(held.indptr, held.codes, held.customers, n, barred)
        neither = pair_sums(*barred, held.customers, n)
        alone = np.diag(neither)
        everyone = everyone - alone[:, None] - alone[None, :] + neither
    expected = size_null.expected(held) if null == "basket_sizes" else _independent(own, everyone)
    return Pairs(
        held.products,
        read_only(both),
        read_only(np.ascontiguousarray(own)),
        read_only(everyone),
        read_only(expected),
        held.n_customers,
        alternative,
        adjust,
        null,
        settings.confidence_level,
        provenance(
            canonical_json(settings),
            customers=held.n_customers,
            distinct_baskets=held.n_distinct,
            products=n,
            pairs=n * (n - 1) // 2,
        ),
    )


def _independent(held: IntArray, eligible: IntArray) -> FloatArray:
    """Give the expected holders of both under independence; the own holders on the diagonal."""
    product = held.astype(np.float64) * held.T
    out = np.divide(product, eligible, out=np.zeros_like(product), where=eligible > 0)
    np.fill_diagonal(out, np.diag(held))
    return out
