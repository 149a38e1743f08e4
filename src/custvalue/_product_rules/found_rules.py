"""The rules that were found, with their checks on other customers and within segments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from custvalue._product_rules.rule_table import RuleTable
from custvalue._product_rules.segment_check import SegmentCheck, segments_of
from custvalue._product_rules.validation import RuleValidation, validation_of

if TYPE_CHECKING:
    from custvalue._holdings.baskets import Baskets


@dataclass(frozen=True, eq=False, repr=False)
class Rules(RuleTable):
    r"""Rules "who holds these also holds that", with counts, measures and tests.

    Attributes
    ----------
    products : tuple of str
        Names of the products.
    antecedent_indptr, antecedent_codes : ndarray
        Rule r has the products ``antecedent_codes[antecedent_indptr[r]:antecedent_indptr[r + 1]]`` on its left,
        as places in `products`, ascending.
    consequent_indptr, consequent_codes : ndarray
        The same for its right.
    n11, n10, n01, n00 : ndarray of int64, shape (n_rules,)
        Customers who hold all of both sides, all of the left but not of the right, the other way round, and
        neither, among those eligible for every product of the rule.
    cells : Cells
        What measures are computed from: these counts, or sums of the amount.
    amount : str or None
        The amount that `cells` add up; None: customers.
    n_customers : int
        All customers, eligible or not.
    alternative : str
        ``"greater"``: held together more often than by chance; ``"less"``: more rarely.
    adjust : str or None
        Correction of the p-values.
    alpha : float
        Level of the flag `productive`.
    confidence_level : float
        Level of the intervals.
    search_lengths, search_sizes : tuple of int
        Number of possible rules by the length of their antecedent: what p-values are corrected for.
    complete : bool
        False if there are more rules than the limit allowed.
    provenance : Provenance
        Package version, settings and counts.

    See Also
    --------
    rules : Finds them.

    Notes
    -----
    Measures and tests are computed when they are asked for. The order is by falling n11, then by the number of
    products, then by the products of the left and of the right in their catalogue order; it does not depend on the
    order of the customers.

    *Productive* (Webb 2007 [1]_): the antecedent must be better than every antecedent with one product less, by
    Fisher's one-sided test among the holders of that shorter antecedent, and better than the empty one. Since all
    of these must hold, the largest of the p-values is the rule's. It is corrected as the others are. An
    antecedent of one product is compared with the empty one alone.

    References
    ----------
    .. [1] Webb, G. I. (2007). Discovering significant patterns. *Machine Learning*, 68(1), 1-33.

    Examples
    --------
    >>> from custvalue import basket
    >>> held = [["account", "card", "loan"], ["account", "card"], ["account"], ["loan"]]
    >>> baskets = basket.Baskets.from_lists(held, counts=[40, 10, 20, 30])
    >>> found = basket.rules(baskets, min_count=20, min_confidence=0.8, max_antecedent=1)
    >>> found
    Rules(rules=2, hypotheses=6, customers=100, complete=True)
    >>> found.to_frame(["confidence", "gap", "log10_p_adjusted", "productive"]).round(3)
      antecedent  consequent  confidence   gap  log10_p_adjusted  productive
    0    (card,)  (account,)         1.0  30.0           -11.016        True
    1    (card,)     (loan,)         0.8  10.0            -0.836       False
    """

    def validate(self, baskets: Baskets) -> RuleValidation:
        """Count and test the rules on customers they were not found on.

        Parameters
        ----------
        baskets : Baskets
            Other customers, such as the second part of ``Baskets.split``, with the products of the rules.

        Returns
        -------
        RuleValidation
            The rules, as found and as tested again.

        Raises
        ------
        DomainError
            If the rules add up an amount, `baskets` are none, or a product of the rules is missing.

        Notes
        -----
        Since the other customers had no part in the search, the p-values need a correction only for the number of
        rules carried over (Webb 2007), by the same method as at the search (``"layered"``: shared over the
        lengths of antecedents that occur). Carry over few: ``found.select(found.productive).validate(others)``.
        Tests against simpler rules are made on the other customers too. That the customers are different ones
        cannot be checked.
        """
        return validation_of(self, baskets)

    def segment_check(self, baskets: Baskets) -> SegmentCheck:
        """Check whether the rules hold within segments, or only because segments differ (Simpson's paradox).

        Parameters
        ----------
        baskets : Baskets
            Customers with segments, mostly those the rules were found on.

        Returns
        -------
        SegmentCheck
            Crude and pooled odds ratios, where the direction turns, and whether the segments differ.

        Raises
        ------
        DomainError
            If the rules add up an amount, `baskets` have no segments, or a product of the rules is missing.
        """
        return segments_of(self, baskets)
