"""Every interest measure a second time: one table at a time, from fractions, as the books print it.

Nothing here is shared with the package. A quotient by zero is infinite, zero by zero is NaN.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

Number: TypeAlias = Fraction | float


def over(a: Number, b: Number) -> Number:
    """a / b by the conventions."""
    if any(isinstance(one, float) and not math.isfinite(one) for one in (a, b)):
        return math.nan if math.isnan(a) or math.isnan(b) else float(a) / float(b)
    if b == 0:
        return math.nan if a == 0 else math.copysign(math.inf, a)
    return a / b


def log(value: Number) -> float:
    if isinstance(value, float) and not math.isfinite(value):
        return value
    if value == 0:
        return -math.inf
    exact = Fraction(value)
    return (
        math.log(exact.numerator) - math.log(exact.denominator) if abs(exact - 1) > 0.1 else math.log1p(exact - 1)
    )


def times_log(p: Number, ratio: Number) -> float:
    """p log ratio, where 0 log 0 is 0."""
    return 0.0 if p == 0 else float(p) * log(ratio)


class Probabilities:
    """What a table says: A antecedent, B consequent, a stroke is "not"."""

    def __init__(self, n11: int, n10: int, n01: int, n00: int) -> None:
        n = n11 + n10 + n01 + n00
        self.counts, self.n = (n11, n10, n01, n00), n
        self.ab, self.a_b, self._ab, self._a_b = (Fraction(count, n) for count in self.counts)
        self.a, self.b = self.ab + self.a_b, self.ab + self._ab
        self.na, self.nb = 1 - self.a, 1 - self.b
        self.b_if_a, self.a_if_b = over(self.ab, self.a), over(self.ab, self.b)
        self.b_if_na = over(self._ab, self.na)

    def tail(self, lowest: int, highest: int) -> Fraction:
        """P(lowest <= C <= highest), counted."""
        n11, n10, n01, _ = self.counts
        x, y, n = n11 + n10, n11 + n01, self.n
        ways = sum(
            math.comb(x, j) * math.comb(n - x, y - j)
            for j in range(max(lowest, x + y - n, 0), min(highest, x, y) + 1)
        )
        return Fraction(ways, math.comb(n, y))


P = Probabilities


def entropy(p: Fraction) -> float:
    return -times_log(p, p) - times_log(1 - p, 1 - p)


def information(t: P) -> float:
    cells = ((t.ab, t.a * t.b), (t.a_b, t.a * t.nb), (t._ab, t.na * t.b), (t._a_b, t.na * t.nb))
    return math.fsum(times_log(p, over(p, q)) for p, q in cells)


def certainty(t: P) -> Number:
    gap = t.b_if_a - t.b
    return over(gap, t.b if gap < 0 else t.nb)


def zhang(t: P) -> Number:
    """Zhang (2000): over max(P(AB)(1 - P(A)), P(A)(P(B) - P(AB))) = A in favour or against."""
    return over(t.ab - t.a * t.b, max(t.ab * t.na, t.a * (t.b - t.ab)))


def goodman_kruskal_lambda(t: P) -> Number:
    best = max(t.b, t.nb)
    return over(max(t.ab, t.a_b) + max(t._ab, t._a_b) - best, 1 - best)


def linkage(t: P) -> Number:
    d = t.ab * t._a_b - t.a_b * t._ab
    return over(d, d + min(t.a_b, t._ab)) if d > 0 else over(-d, -d + min(t.ab, t._a_b))


def standardized_lift(t: P) -> Number:
    if t.a == 0 or t.b == 0:
        return math.nan
    low = max(t.a + t.b - 1, Fraction(min(1, t.counts[0]), t.n)) / (t.a * t.b)
    high = 1 / max(t.a, t.b)
    return 1 if high == low else (t.ab / (t.a * t.b) - low) / (high - low)


def collective_strength(t: P) -> Number:
    """Aggarwal and Yu (1998): violation rate v, (1 - v) / (1 - E[v]) E[v] / v."""
    v, expected = t.a_b + t._ab, 1 - t.a * t.b - t.na * t.nb
    return over((1 - v) * expected, (1 - expected) * v)


def gini(t: P) -> Number:
    if t.a in (0, 1):
        return math.nan
    inside = t.a * (t.b_if_a**2 + (1 - t.b_if_a) ** 2) + t.na * (t.b_if_na**2 + (1 - t.b_if_na) ** 2)
    return inside - t.b**2 - t.nb**2


def kappa(t: P) -> Number:
    chance = t.a * t.b + t.na * t.nb
    return over(t.ab + t._a_b - chance, 1 - chance)


def root(square: Number) -> float:
    return math.sqrt(square)


def phi(t: P) -> Number:
    return over(float(t.ab - t.a * t.b), root(t.a * t.b * t.na * t.nb))


def yule_y(t: P) -> Number:
    agree, differ = root(t.ab * t._a_b), root(t.a_b * t._ab)
    return over(agree - differ, agree + differ)


def from_expected(count: Fraction, expected: Fraction, n: int) -> Number:
    return over(root(n) * float(count - expected), root(expected))


def hyper_lift(t: P) -> Number:
    q = 0
    while t.tail(0, q) < Fraction(99, 100):
        q += 1
    return over(Fraction(t.counts[0]), Fraction(q))


def npmi(t: P) -> Number:
    if t.ab == 0 and t.a > 0 and t.b > 0:
        return -1.0
    return over(log(over(t.ab, t.a * t.b)), -log(t.ab))


def mean(a: Number, b: Number) -> Number:
    return (a + b) / 2


def least(a: Number, b: Number) -> Number:
    return math.nan if math.isnan(a) or math.isnan(b) else max(a, b)


def log10(value: Number) -> float:
    return log(value) / math.log(10.0)


def importance(t: P) -> Number:
    n11, n10, n01, n00 = t.counts
    return log10(Fraction(n11 + 1, n11 + n10 + 2) / Fraction(n01 + 1, n01 + n00 + 2))


def two_sided(t: P) -> Fraction:
    return min(Fraction(1), 2 * t.tail(t.counts[0], t.n), 2 * t.tail(0, t.counts[0]))


ORACLE: dict[str, Callable[[P], Number]] = {
    "count": lambda t: t.counts[0],
    "support": lambda t: t.ab,
    "coverage": lambda t: t.a,
    "consequent_support": lambda t: t.b,
    "confidence": lambda t: t.b_if_a,
    "recall": lambda t: t.a_if_b,
    "specificity": lambda t: over(t._a_b, t.na),
    "lift": lambda t: over(t.ab, t.a * t.b),
    "leverage": lambda t: t.ab - t.a * t.b,
    "extra_customers": lambda t: t.n * (t.ab - t.a * t.b),
    "added_value": lambda t: t.b_if_a - t.b,
    "difference_of_confidence": lambda t: t.b_if_a - t.b_if_na,
    "relative_risk": lambda t: over(t.ab * t.na, t.a * t._ab),
    "conviction": lambda t: over(t.a * t.nb, t.a_b),
    "zhang": zhang,
    "kulczynski": lambda t: mean(t.b_if_a, t.a_if_b),
    "imbalance": lambda t: over(abs(t.a - t.b), t.a + t.b - t.ab),
    "cosine": lambda t: over(float(t.ab), root(t.a * t.b)),
    "jaccard": lambda t: over(t.ab, t.a + t.b - t.ab),
    "dice": lambda t: over(2 * t.ab, t.a + t.b),
    "max_confidence": lambda t: least(t.b_if_a, t.a_if_b),
    "all_confidence": lambda t: over(t.ab, max(t.a, t.b)),
    "phi": phi,
    "chi_squared": lambda t: over(t.n * (t.ab - t.a * t.b) ** 2, t.a * t.b * t.na * t.nb),
    "odds_ratio": lambda t: over(t.ab * t._a_b, t.a_b * t._ab),
    "yule_q": lambda t: over(t.ab * t._a_b - t.a_b * t._ab, t.ab * t._a_b + t.a_b * t._ab),
    "yule_y": yule_y,
    "kappa": kappa,
    "collective_strength": collective_strength,
    "certainty": certainty,
    "goodman_kruskal_lambda": goodman_kruskal_lambda,
    "relative_linkage_disequilibrium": linkage,
    "standardized_lift": standardized_lift,
    "varying_rates_liaison": lambda t: over(t.ab, t.a * t.b) - 1,
    "laplace": lambda t: Fraction(t.counts[0] + 1, t.counts[0] + t.counts[1] + 2),
    "importance": importance,
    "confirmed_confidence": lambda t: t.b_if_a - over(t.a_b, t.a),
    "causal_confidence": lambda t: mean(t.b_if_a, over(t._a_b, t.nb)),
    "causal_support": lambda t: t.ab + t._a_b,
    "least_contradiction": lambda t: over(t.ab - t.a_b, t.b),
    "example_counterexample_rate": lambda t: over(t.ab - t.a_b, t.ab),
    "sebag_schoenauer": lambda t: over(t.ab, t.a_b),
    "bayes_factor": lambda t: over(t.ab * t.nb, t.b * t.a_b),
    "ralambondrainy": lambda t: t.a_b,
    "rule_power_factor": lambda t: t.ab * t.b_if_a,
    "klosgen": lambda t: root(t.ab) * float(t.b_if_a - t.b),
    "lerman": lambda t: from_expected(t.ab, t.a * t.b, t.n),
    "implication_index": lambda t: from_expected(t.a_b, t.a * t.nb, t.n),
    "gini": gini,
    "pointwise_mutual_information": lambda t: log(over(t.ab, t.a * t.b)),
    "normalized_pointwise_mutual_information": npmi,
    "g_statistic": lambda t: 2 * t.n * information(t),
    "mutual_information": information,
    "normalized_mutual_information": lambda t: over(information(t), min(entropy(t.a), entropy(t.b))),
    "j_measure": lambda t: times_log(t.ab, over(t.ab, t.a * t.b)) + times_log(t.a_b, over(t.a_b, t.a * t.nb)),
    "hyper_confidence": lambda t: t.tail(0, t.counts[0] - 1),
    "hyper_lift": hyper_lift,
    "fisher_p_greater": lambda t: t.tail(t.counts[0], t.n),
    "fisher_p_less": lambda t: t.tail(0, t.counts[0]),
    "fisher_p_two_sided": two_sided,
    "log10_fisher_p_greater": lambda t: log10(t.tail(t.counts[0], t.n)),
    "log10_fisher_p_less": lambda t: log10(t.tail(0, t.counts[0])),
    "log10_fisher_p_two_sided": lambda t: log10(two_sided(t)),
}
