"""Rules between products: found within a threshold, tested, and corrected for all that could have been found."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from custvalue._holdings.baskets import Baskets
from custvalue._product_rules.found_rules import Rules
from custvalue._product_rules.holder_counts import Cells
from custvalue._product_rules.rule_search import Found, find_rules
from custvalue._product_rules.search_space import SearchSpace, search_space
from custvalue._product_rules.templates import RuleTemplate, read_side, template_of
from custvalue._product_rules.threshold import count_threshold, exact_share
from custvalue._results import provenance, read_only
from custvalue._spec import Name, Spec, canonical_json, require, unboxed
from custvalue.exceptions import DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal
    from fractions import Fraction

    from custvalue._product_rules.significance import Adjustment, Alternative
    from custvalue._product_rules.templates import Side
    from custvalue._typing import BoolArray, IntArray


class RuleSettings(Spec):
    """How rules were looked for, as it is written into their provenance."""

    min_count: int = Field(ge=1)
    min_confidence: str
    consequents: Literal["single", "any"]
    max_antecedent: int | None = Field(ge=1)
    antecedent: RuleTemplate
    consequent: RuleTemplate
    amount: Name | None
    alternative: Literal["greater", "less"]
    adjust: Literal["bonferroni", "holm", "bh", "by", "layered"] | None
    alpha: float = Field(gt=0.0, lt=1.0)
    confidence_level: float = Field(gt=0.0, lt=1.0)
    limit: int = Field(ge=1)


def rules(
    baskets: Baskets,
    *,
    min_support: float | str | Decimal | Fraction | None = None,
    min_count: int | None = None,
    min_confidence: float | str | Decimal | Fraction = 0,
    consequents: Literal["single", "any"] = "single",
    max_antecedent: int | None = None,
    antecedent: RuleTemplate | Sequence[str] | None = None,
    consequent: RuleTemplate | Sequence[str] | None = None,
    amount: str | None = None,
    alternative: Alternative = "greater",
    adjust: Adjustment | None = "layered",
    alpha: float = 0.05,
    confidence_level: float = 0.95,
    limit: int = 5_000_000,
) -> Rules:
    r"""Find rules "who holds these also holds that", and test them against all that could have been found.

    Parameters
    ----------
    baskets : Baskets
        Who holds what.
    min_support : float, str, Decimal or Fraction, default=None
        Least share of all customers who must hold both sides together, in (0, 1]; read as a decimal, so that a
        share exactly met counts. Give this or `min_count`.
    min_count : int, default=None
        Least number of these customers, from 1.
    min_confidence : float, str, Decimal or Fraction, default=0
        Least confidence, in [0, 1]; read and compared exactly, so that a confidence exactly met counts.
    consequents : {"single", "any"}, default="single"
        Whether the right side is one product or any number of them.
    max_antecedent : int, default=None
        Most products on the left side; None: as many as there are. Short rules are easier to read, and the fewer
        are possible, the less the p-values are corrected: say here how far you mean to look.
    antecedent, consequent : RuleTemplate or sequence of str, default=None
        What each side may hold; a sequence names the products allowed there; None: anything.
    amount : str, default=None
        Name of an amount of the baskets, such as a balance: the measures are made of its sums instead of numbers
        of customers. Which rules are listed is decided by customers all the same. Such rules have no tests.
    alternative : {"greater", "less"}, default="greater"
        ``"greater"`` finds products held together more often than by chance. ``"less"`` finds those held together
        more rarely, such as substitutes: there the threshold holds for each side by itself, since both sides
        together may have no customer at all.
    adjust : {"layered", "holm", "bonferroni", "bh", "by"} or None, default="layered"
        Correction of the p-values over the whole search space; None leaves them as they are. ``"layered"`` shares
        the level equally over the lengths of antecedents, so that the few short rules do not pay for the many long
        ones (pairs all have one product a side, so `pairs` has no layers).
    alpha : float, default=0.05
        Level of the flag ``productive``, in (0, 1).
    confidence_level : float, default=0.95
        Level of each interval by itself, in (0, 1).
    limit : int, default=5_000_000
        Most rules kept, and most itemsets they are made of. A rule takes about 300 bytes.

    Returns
    -------
    Rules
        Rules, by falling number of customers; empty if there is none.

    Raises
    ------
    pydantic.ValidationError
        If a setting is out of its range.
    DomainError
        If `baskets` is none, not exactly one threshold is given, a threshold, a confidence, a product, a family or
        an amount is unknown or out of range, or both sides require the same product.

    Warns
    -----
    UserWarning
        If there are more rules, or more itemsets, than `limit`: those of shorter itemsets are kept, among them
        those with shorter consequents; ``Rules.complete`` is False.

    See Also
    --------
    pairs : All pairs of products, those never held together among them.
    itemsets : Products held together, without a direction.
    RuleTemplate : What one side may hold.

    Notes
    -----
    **Counts.** A rule's four counts are among the customers who are eligible for every product of it: a customer
    who may not have a mortgage is no missed sale. Without eligibility these are all customers.

    **Test.** Fisher's exact test, one-sided: with the margins fixed, the number of holders of both sides is
    hypergeometric if the sides are independent. Logs are kept: p-values underflow with millions of customers.

    **Correction.** A p-value is corrected for all rules that could have been found, not for those that are listed:
    whoever looks at a million rules and tests the best ten has looked at a million. Counted are all rules that the
    templates and lengths allow over the products *in play*: those that by themselves reach the threshold. This
    restriction is legitimate because it uses the margins alone, which Fisher's test takes as given: whatever
    products are chosen by their own numbers of customers, the p-values stay valid under independence. To restrict
    by the number of customers who hold both, or by confidence, would not be: that number is the very thing that is
    tested. Rules that are not listed are taken to have p = 1, which errs on the safe side. Holm and Bonferroni
    bound the chance of any false rule, ``"bh"`` (Benjamini and Hochberg 1995) and ``"by"`` (Benjamini and
    Yekutieli 2001) the share of false ones; ``"layered"`` is Webb's (2008 [2]_) Bonferroni within each length of
    antecedent.

    **Simpler rules.** ``productive`` says whether a rule is significantly better than every simpler one, see
    `Rules`. Cost: mining, and then linear in the number of rules; with eligibility, one pass over the distinct
    baskets for each rule; with an amount, one over the baskets that hold all of an itemset's products but one.

    References
    ----------
    .. [1] Webb, G. I. (2007). Discovering significant patterns. *Machine Learning*, 68(1), 1-33.
    .. [2] Webb, G. I. (2008). Layered critical values: a powerful direct-adjustment approach to discovering
       significant patterns. *Machine Learning*, 71(2-3), 307-323.
    .. [3] Hämäläinen, W., Webb, G. I. (2019). A tutorial on statistically sound pattern discovery. *Data Mining
       and Knowledge Discovery*, 33(2), 325-377.

    Examples
    --------
    >>> from custvalue import basket
    >>> held = [["account", "card", "loan"], ["account", "card"], ["account"], ["loan"]]
    >>> baskets = basket.Baskets.from_lists(held, counts=[40, 10, 20, 30])
    >>> found = basket.rules(baskets, min_support="0.5", min_confidence="0.7")
    >>> found.to_frame(["customers", "confidence", "lift"]).round(3)
      antecedent consequent  customers  confidence   lift
    0  (account,)    (card,)         50       0.714  1.429
    1     (card,)  (account,)         50       1.000  1.429
    """
    held = require(baskets, Baskets, "baskets", "Make them by Baskets.from_long, from_wide or from_lists.")
    threshold = count_threshold(min_support, min_count, held.n_customers)
    confidence = confidence_of(min_confidence)
    settings = RuleSettings(
        min_count=threshold,
        min_confidence=str(confidence),
        consequents=consequents,
        max_antecedent=unboxed(max_antecedent),
        antecedent=template_of(antecedent, "antecedent"),
        consequent=template_of(consequent, "consequent"),
        amount=amount,
        alternative=alternative,
        adjust=adjust,
        alpha=unboxed(alpha),
        confidence_level=unboxed(confidence_level),
        limit=unboxed(limit),
    )
    if amount is not None and amount not in held.amounts:
        message = f"amount={amount!r} is none of the baskets' amounts; there are: {sorted(held.amounts)}."
        raise DomainError(message)
    left, right = _sides(settings, held)
    together = alternative == "greater"
    found = find_rules(held, left, right, threshold, confidence, together=together, limit=settings.limit)
    if not found.complete:
        warnings.warn(
            f"More than limit={settings.limit} rules or itemsets were found; those of shorter itemsets are kept. "
            "Raise the thresholds or limit, or bound the lengths.",
            UserWarning,
            stacklevel=2,
        )
    return _as_rules(found, settings, held, search_space(left, right, in_play(held, threshold)))


def _as_rules(found: Found, settings: RuleSettings, baskets: Baskets, space: SearchSpace) -> Rules:
    """Put what was found into a result, with the sums of the amount if one is asked for."""
    cells = found.cells
    if settings.amount is not None:
        cells = found.counts.cells(found.antecedent, found.consequent, settings.amount)
    n11, n10, n01, n00 = (read_only(cell) for cell in found.cells)
    return Rules(
        baskets.products,
        read_only(found.antecedent.indptr),
        read_only(found.antecedent.codes),
        read_only(found.consequent.indptr),
        read_only(found.consequent.codes),
        n11,
        n10,
        n01,
        n00,
        Cells(*(read_only(cell) for cell in cells)),
        settings.amount,
        baskets.n_customers,
        settings.alternative,
        settings.adjust,
        settings.alpha,
        settings.confidence_level,
        space.lengths,
        space.sizes,
        found.complete,
        provenance(
            canonical_json(settings),
            customers=baskets.n_customers,
            distinct_baskets=baskets.n_distinct,
            itemsets=found.n_itemsets,
            rules=len(n11),
        ),
        found.counts,
    )


def _sides(settings: RuleSettings, baskets: Baskets) -> tuple[Side, Side]:
    left = read_side(settings.antecedent, baskets, "antecedent").clipped(settings.max_antecedent)
    right = read_side(settings.consequent, baskets, "consequent")
    right = right.clipped(1) if settings.consequents == "single" else right
    if both := sorted(set(settings.antecedent.required) & set(settings.consequent.required)):
        message = f"antecedent.required and consequent.required both name {both}; a product stands on one side."
        raise DomainError(message)
    for name, side in (("antecedent", left), ("consequent", right)):
        if max(side.min_length, len(side.required)) > side.max_length:
            message = (
                f"{name} must have at least {max(side.min_length, len(side.required))} product(s) by its template "
                f"and at most {side.max_length} by max_antecedent, consequents or the number of products."
            )
            raise DomainError(message)
    return left, right


def in_play(baskets: Baskets, threshold: int) -> BoolArray:
    """Tell which products reach the threshold by themselves."""
    weights = np.repeat(baskets.customers, np.diff(baskets.indptr))
    own: IntArray = np.zeros(baskets.n_products, dtype=np.int64)
    np.add.at(own, baskets.codes, weights)
    return own >= threshold


def confidence_of(min_confidence: float | str | Decimal | Fraction) -> Fraction:
    """Read a confidence in [0, 1] as the decimal that is written; refuse anything else."""
    share = exact_share(min_confidence)
    if share is None or not 0 <= share <= 1:
        message = (
            "min_confidence must be a number from 0 to 1: a float, a text such as '0.35', a Decimal or a Fraction."
        )
        raise DomainError(message)
    return share
