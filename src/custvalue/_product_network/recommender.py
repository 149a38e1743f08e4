"""A recommender that says why: the best significant rule for each product that a customer does not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

import numpy as np
import pandas as pd
from pydantic import Field
from sklearn.utils.validation import check_is_fitted

from custvalue import _frames
from custvalue._estimators import Recommender, checked_table
from custvalue._holdings.baskets import Baskets
from custvalue._kernels import rule_matching, set_rows
from custvalue._product_network import rule_list
from custvalue._product_network.rule_list import FIGURES, RuleList, Score
from custvalue._product_rules.rules import rules as find_rules
from custvalue._product_rules.templates import RuleTemplate
from custvalue._results import html_table
from custvalue._spec import Items, Name, Spec, unboxed, whole_number
from custvalue.exceptions import ColumnError, DataError, DomainError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal
    from fractions import Fraction

    from numpy.typing import NDArray

    from custvalue._product_rules.found_rules import Rules
    from custvalue._typing import BoolArray, FloatArray, IntArray, Table


class RecommenderSettings(Spec):
    """What a recommender decides, apart from the thresholds that the search for rules checks itself."""

    rule_filter: Literal["significant", "productive", "all"]
    adjust: Literal["holm", "bonferroni", "bh", "by", "layered"]
    alpha: float = Field(gt=0.0, lt=1.0)
    rank_by: Score
    fallback: Literal["popularity"] | None
    products: Items[Name] | None
    confidence_level: float = Field(gt=0.0, lt=1.0)
    binarize: float | None


class _Ranked(NamedTuple):
    """Recommendations one after another: row of the customer, place of the product, rank, and rule."""

    row: IntArray
    product: IntArray
    rank: IntArray
    rule: IntArray


class AssociationRecommender(Recommender):
    """Recommend to each customer the products that holders of the same products hold, each by one rule.

    Rules "who holds these also holds that" with one product on the right are found among the customers of the fit
    and kept if they stand up to chance. A product that a customer does not hold is scored by the best rule whose
    left side the customer holds, so every recommendation can be told in a sentence. It says what goes together,
    not that an offer would work.

    Parameters
    ----------
    min_support : float, str, Decimal or Fraction, default=0.01
        Least share of all customers who must hold both sides of a rule.
    min_confidence : float, str, Decimal or Fraction, default=0
        Least confidence of a rule.
    max_antecedent : int, default=2
        Most products on the left side of a rule.
    rule_filter : {"significant", "productive", "all"}, default="significant"
        Rules that are kept: those whose adjusted p-value is at most `alpha`, those that also beat every simpler
        rule at that level, or all.
    adjust : {"holm", "bonferroni", "bh", "by", "layered"}, default="layered"
        Correction of the p-values over all rules that could have been found, as in :func:`rules`.
    alpha : float, default=0.05
        Level of the filter, in (0, 1).
    rank_by : {"confidence_low", "confidence", "lift", "gap"}, default="confidence_low"
        What a rule is worth: the lower end of the interval of its confidence, which does not prefer rules that few
        customers happened to confirm; the confidence; the lift; or the confidence less the market's share in
        percentage points.
    fallback : {"popularity"} or None, default=None
        Also score every product by how many of those who may hold it do, as a rule with nothing on its left.
    products : sequence of str, default=None
        Products that may be recommended; None means all.
    confidence_level : float, default=0.95
        Level of the intervals, in (0, 1).
    binarize : float, default=None
        None: X holds flags, 1 and 0 or True and False, and anything else is refused. A number: a product is held
        where the value is larger, such as a balance above 0.
    rules : Rules, default=None
        Rules found before, with one product on the right each; `rule_filter` and `alpha` apply to them. None finds
        them among the customers of the fit.

    Attributes
    ----------
    products_ : tuple of str
        Names of the products: the columns of the fit, "x0", "x1", ... where they had no names.
    antecedent_indptr_, antecedent_codes_ : ndarray
        Rule r has the products ``antecedent_codes_[antecedent_indptr_[r]:antecedent_indptr_[r + 1]]`` on its left.
    consequent_ : ndarray of int64, shape (n_rules,)
        The product on its right.
    figures_ : dict of str to ndarray
        Figures of the rules by name, as the columns of :meth:`to_frame`.
    rank_by_ : str
        What the rules are ranked by: `rank_by` at the fit.
    n_customers_ : int
        Customers of the fit.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str
        Names of the columns, where they had names.

    Raises
    ------
    pydantic.ValidationError
        If a setting is out of its range.
    ColumnError
        If a column is missing or does not hold numbers.
    DataError
        If a flag is null or neither 0 nor 1, or a customer holds what he is not eligible for.
    DomainError
        If a threshold is out of range, a product is unknown, or `rules` do not fit.

    See Also
    --------
    rules : The rules by themselves.
    bundles : Add-ons of each product with the customers who lack them.

    Notes
    -----
    Of several rules for one product the one with the largest score speaks; among equal scores the one with more
    customers on both sides, then with the shorter left side, then in the order of the columns. Recommendations of
    a customer are ranked by the same order of their rules. What is held, and what the customer is not eligible
    for, is never recommended. Taking the best of several rules is choosing, and the confidence of what was chosen
    leans upwards; the lower end of the interval as the score (ours) leans against it.

    The fitted model holds rules and counts, no customer. Scoring tries the rules in their order on packed bits:
    cost rules times customers / 8 bytes a product of an antecedent.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import basket
    >>> flags = pd.DataFrame({"account": [1] * 80 + [0] * 20, "card": [1] * 60 + [0] * 40, "fund": [0, 1] * 50})
    >>> model = basket.AssociationRecommender().fit(flags)
    >>> new = pd.DataFrame({"account": [1, 1], "card": [0, 1], "fund": [0, 0]}, index=["Ann", "Bo"])
    >>> model.recommend(new)[["customer", "product", "rank"]]
      customer product  rank
    0      Ann    card     1
    >>> model.explain(new)["reason"][0]
    '75.0% (64.5% to 83.2%) of the 80 customers who hold account hold card, 1.25 times the share of all'
    """

    def __init__(
        self,
        *,
        min_support: float | str | Decimal | Fraction = 0.01,
        min_confidence: float | str | Decimal | Fraction = 0,
        max_antecedent: int = 2,
        rule_filter: Literal["significant", "productive", "all"] = "significant",
        adjust: Literal["holm", "bonferroni", "bh", "by", "layered"] = "layered",
        alpha: float = 0.05,
        rank_by: Score = "confidence_low",
        fallback: Literal["popularity"] | None = None,
        products: Sequence[str] | None = None,
        confidence_level: float = 0.95,
        binarize: float | None = None,
        rules: Rules | None = None,
    ) -> None:
        self.min_support = min_support
        self.min_confidence = min_confidence
        self.max_antecedent = max_antecedent
        self.rule_filter = rule_filter
        self.adjust = adjust
        self.alpha = alpha
        self.rank_by = rank_by
        self.fallback = fallback
        self.products = products
        self.confidence_level = confidence_level
        self.binarize = binarize
        self.rules = rules

    def fit(self, X: Table, y: object = None, *, eligible: Table | None = None) -> Self:
        """Find the rules among customers.

        Parameters
        ----------
        X : table of shape (n_customers, n_products)
            Flags of the products held, one row a customer; every column is a product.
        y : object, default=None
            Not used; here because scikit-learn passes it.
        eligible : table of shape (n_customers, n_products), default=None
            Flags, False where the customer is not eligible for the product. A frame is matched by name ("x0",
            "x1", ... if the columns of the fit had none), and products without a column are open to everyone. Two
            pandas frames are matched by their indices too, unless one of them only numbers its rows. A rule counts
            only customers eligible for all its products.

        Returns
        -------
        AssociationRecommender
            The fitted recommender.
        """
        del y
        settings = self._settings()
        held = self._held(checked_table(self, X, reset=True, nulls=True), settings)
        names = getattr(self, "feature_names_in_", None)
        columns = [f"x{place}" for place in range(held.shape[1])] if names is None else names
        self.products_ = tuple(str(name) for name in columns)
        open_ = self._eligible(eligible, held, X)
        wanted = np.arange(len(self.products_))
        if settings.products is not None:
            wanted = self._places(settings.products)
        baskets = Baskets.from_wide(held, products=self.products_, eligible=None if eligible is None else open_)
        found = self._rules(baskets, wanted, settings)
        if settings.fallback is not None:
            found = rule_list.joined(found, rule_list.popularity(baskets, wanted, settings.confidence_level))
        found = found.best_first(settings.rank_by)
        self.antecedent_indptr_ = found.antecedents.indptr
        self.antecedent_codes_ = found.antecedents.codes
        self.consequent_ = found.consequents
        self.figures_ = found.figures
        self.rank_by_ = settings.rank_by
        self.n_customers_ = baskets.n_customers
        return self

    def score_products(self, X: Table, *, eligible: Table | None = None) -> FloatArray:
        """Score every product for every customer.

        Parameters
        ----------
        X : table of shape (n_customers, n_products)
            Flags of the products held. A frame is matched by the names of the fit, in any order, and other columns
            are not read; an array has the columns of the fit.
        eligible : table of shape (n_customers, n_products), default=None
            Flags, as in :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_customers, n_products)
            Score of the best rule; -inf where there is nothing to recommend: the product is held, the customer is
            not eligible, or no rule fits.
        """
        best = self._best(X, eligible)
        worth = np.append(self._rule_list().figures[self.rank_by_].astype(np.float64), -np.inf)
        return np.asarray(worth[best])

    def recommend(
        self, X: Table, k: int = 3, *, eligible: Table | None = None, labels: Sequence[Any] | None = None
    ) -> Any:
        """Recommend up to k products to each customer.

        Parameters
        ----------
        X : table of shape (n_customers, n_products)
            Flags of the products held, as in :meth:`score_products`.
        k : int, default=3
            Most products a customer.
        eligible : table of shape (n_customers, n_products), default=None
            Flags, as in :meth:`fit`.
        labels : sequence, default=None
            Names of the customers; None takes the index of a pandas frame, else the positions.

        Returns
        -------
        frame
            One row a recommendation, in the library of `X` (pandas for an array): ``customer``, ``product``,
            ``rank`` (from 1), ``score``, ``rule`` (row of :meth:`to_frame`). Customers in their order; one for
            whom no rule fits has no row.
        """
        ranked, names = self._ranked(X, k, eligible, labels)
        return _frame_like(X, self._columns(ranked, names))

    def explain(
        self, X: Table, k: int = 3, *, eligible: Table | None = None, labels: Sequence[Any] | None = None
    ) -> Any:
        """Recommend up to k products to each customer, each with its rule.

        Parameters
        ----------
        X : table of shape (n_customers, n_products)
            Flags of the products held, as in :meth:`score_products`.
        k : int, default=3
            Most products a customer.
        eligible : table of shape (n_customers, n_products), default=None
            Flags, as in :meth:`fit`.
        labels : sequence, default=None
            Names of the customers; None takes the index of a pandas frame, else the positions.

        Returns
        -------
        frame
            The rows of :meth:`recommend` with ``antecedent`` (the products on the left, joined by " + "; empty for
            mere popularity), ``customers`` (of the fit, who hold both sides), ``antecedent_customers`` (who hold
            the left), ``confidence`` with ``confidence_low`` and ``confidence_high`` (Wilson), ``lift``,
            ``log10_p_adjusted`` and ``reason``, a sentence.
        """
        ranked, names = self._ranked(X, k, eligible, labels)
        table = self.to_frame()
        rules = self._rule_list()
        lefts = [" + ".join(left) for left in table["antecedent"]]
        sentences = rule_list.reasons(rules, self.products_)
        places = ranked.rule.tolist()
        columns = self._columns(ranked, names) | {"antecedent": [lefts[place] for place in places]}
        shown = [name for name in FIGURES if name != "gap"]
        columns |= {name: rules.figures[name][ranked.rule] for name in shown}
        return _frame_like(X, columns | {"reason": [sentences[place] for place in places]})

    def to_frame(self) -> pd.DataFrame:
        """Give the rules, the best first.

        Returns
        -------
        pandas.DataFrame
            One row a rule: ``antecedent`` (tuple of names; empty for mere popularity), ``consequent``,
            ``customers`` (who hold both sides), ``antecedent_customers``, ``confidence``, ``confidence_low``,
            ``confidence_high``, ``lift``, ``gap`` (percentage points) and ``log10_p_adjusted``.
        """
        return self._rule_list().to_frame(self.products_)

    # ------------------------------------------------------------------------------------------- insides

    def _settings(self) -> RecommenderSettings:
        names = RecommenderSettings.model_fields
        return RecommenderSettings(**{name: unboxed(getattr(self, name)) for name in names})

    def _places(self, names: Sequence[str]) -> IntArray:
        if unknown := [name for name in names if name not in self.products_]:
            message = f"products names {', '.join(repr(name) for name in unknown[:5])}, of which X has no column."
            raise DomainError(message)
        return np.array(sorted({self.products_.index(name) for name in names}), dtype=np.int64)

    def _rules(self, baskets: Baskets, wanted: IntArray, settings: RecommenderSettings) -> RuleList:
        """Find the rules, or take those given, that recommend a product wanted."""
        given = self.rules
        if given is None:
            given = find_rules(
                baskets,
                min_support=self.min_support,
                min_confidence=self.min_confidence,
                max_antecedent=self.max_antecedent,
                consequent=RuleTemplate(allowed=[self.products_[place] for place in wanted.tolist()]),
                adjust=settings.adjust,
                alpha=settings.alpha,
                confidence_level=settings.confidence_level,
            )
        found = rule_list.mined(given, self.products_, settings.rule_filter, settings.alpha)
        return found.take(np.flatnonzero(np.isin(found.consequents, wanted)))

    def _rule_list(self) -> RuleList:
        check_is_fitted(self)
        left = set_rows.Sets(self.antecedent_indptr_, self.antecedent_codes_)
        return RuleList(left, self.consequent_, self.figures_)

    def _held(self, numbers: FloatArray, settings: RecommenderSettings, argument: str = "X") -> BoolArray:
        """Give the flags of a table of numbers; refuse nulls and what is no flag, naming columns."""
        wrong, what = np.isnan(numbers), "null flags (NaN or null)"
        mend = (
            "Say of each product whether it is held; a product that a customer may not have belongs in eligible."
        )
        if not wrong.any() and settings.binarize is None:
            wrong, what = (numbers != 0.0) & (numbers != 1.0), "values other than 0 and 1"
            mend = "Give flags, or set binarize: a product is then held where the value is larger."
        if wrong.any():
            names = getattr(self, "feature_names_in_", None)
            places = np.flatnonzero(wrong.any(axis=0)).tolist()
            shown = ", ".join(f"column {place}" if names is None else f"'{names[place]}'" for place in places[:5])
            message = f"{argument} holds {what}: {int(wrong.sum())} cell(s) in {shown}. {mend}"
            raise DataError(message)
        return np.asarray(numbers > (0.5 if settings.binarize is None else settings.binarize))

    def _eligible(self, eligible: object, held: BoolArray, X: object) -> BoolArray:
        """Give who may hold what; refuse holders who may not."""
        if eligible is None:
            return np.ones(held.shape, dtype=np.bool_)
        given = _frames.column_names(eligible)
        columns = list(self.products_ if given is None else given)
        if unknown := [name for name in columns if name not in self.products_]:
            message = f"eligible has columns that are no product of the fit: {', '.join(map(repr, unknown[:5]))}."
            raise ColumnError(message)
        numbers = _frames.numeric(eligible, columns, argument="eligible")
        if len(numbers) != len(held):
            message = f"eligible has {len(numbers)} row(s) and X {len(held)}; give one row a customer, in order."
            raise DataError(message)
        if strange := int(np.count_nonzero((numbers != 0.0) & (numbers != 1.0))):
            message = f"eligible holds {strange} value(s) other than 0 and 1; a flag says eligible or not."
            raise DataError(message)
        place = _places_of_rows(X, eligible)
        numbers = numbers if place is None else numbers[place]
        out = np.ones(held.shape, dtype=np.bool_)
        out[:, [self.products_.index(name) for name in columns]] = numbers == 1.0
        if overlap := int(np.count_nonzero(held & ~out)):
            message = (
                f"{overlap} holding(s) are of products for which the customer is not eligible. A holder counts as "
                "eligible; mend the one or the other."
            )
            raise DataError(message)
        return out

    def _table(self, X: object) -> FloatArray:
        """Read customers to be scored: a frame by the names of the fit, anything else by place."""
        names = getattr(self, "feature_names_in_", None)
        if names is None or not _frames.is_frame(X):
            return np.asarray(checked_table(self, X, reset=False, nulls=True))
        frame = _frames.eager(X, argument="X")
        if missing := [name for name in self.products_ if name not in frame.columns]:
            raise ColumnError.missing(missing, available=frame.columns, mend="X must hold the products by name.")
        return np.asarray(_frames.numeric(X, self.products_, nulls=True))

    def _best(self, X: object, eligible: object) -> NDArray[np.int32]:
        """Give the best rule of each customer and product, -1 where there is none."""
        rules = self._rule_list()
        held = self._held(self._table(X), self._settings())
        free = self._eligible(eligible, held, X) & ~held
        return rule_matching.first_matching(
            held, free, rules.antecedents.indptr, rules.antecedents.codes, rules.consequents
        )

    def _ranked(
        self, X: object, k: int, eligible: object, labels: Sequence[Any] | None
    ) -> tuple[_Ranked, list[Any]]:
        """Rank each customer's products by the order of their rules; also give the customers' names."""
        k = whole_number(k, "k", 1)
        best = self._best(X, eligible)
        names = _frames.row_labels(X) if labels is None else list(labels)
        names = list(range(len(best))) if names is None else names
        if len(names) != len(best):
            message = f"labels has {len(names)} entries and X {len(best)} row(s); give one label a customer."
            raise DataError(message)
        row, product = np.nonzero(best >= 0)
        rule = best[row, product].astype(np.int64)
        order = np.lexsort((rule, row))
        row, product, rule = row[order], product[order], rule[order]
        first = np.searchsorted(row, row)
        rank = np.arange(len(row)) - first + 1
        kept = rank <= k
        return _Ranked(row[kept], product[kept], rank[kept], rule[kept]), names

    def _columns(self, ranked: _Ranked, names: list[Any]) -> dict[str, Any]:
        worth = self._rule_list().figures[self.rank_by_]
        return {
            "customer": [names[row] for row in ranked.row.tolist()],
            "product": [self.products_[place] for place in ranked.product.tolist()],
            "rank": ranked.rank,
            "score": np.asarray(worth[ranked.rule], dtype=np.float64),
            "rule": ranked.rule,
        }

    def _repr_html_inner(self) -> str:
        """Say what a fitted recommender holds instead of showing its arrays."""
        if not self.__sklearn_is_fitted__():
            return str(super()._repr_html_inner())
        rows = [
            ("rules", str(len(self.consequent_))),
            ("products", str(len(self.products_))),
            ("customers of the fit", str(self.n_customers_)),
            ("ranked by", self.rank_by_),
        ]
        return html_table(["", "fitted AssociationRecommender"], rows)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "consequent_")


def _places_of_rows(X: object, other: object) -> NDArray[np.intp] | None:
    """Give where each row of X stands in another table by the indices of pandas frames; None: as they come."""
    own, there = _frames.row_labels(X), _frames.row_labels(other)
    if own is None or there is None or own == there:
        return None
    places = _frames.places_by_label(own, there)
    if places is None and list(range(len(own))) not in (own, there):
        message = (
            "eligible and X are pandas frames with different index labels; give both the same, each once, or pass "
            "eligible.to_numpy() in the order of X."
        )
        raise DataError(message)
    return places


def _frame_like(X: object, columns: dict[str, Any]) -> Any:
    """Build a frame in the library of X, in pandas where X is no frame."""
    template = X if _frames.is_frame(X) else pd.DataFrame()
    return _frames.like(template, columns, keep_index=False)
