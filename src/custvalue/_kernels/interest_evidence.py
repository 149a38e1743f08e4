"""Interest measures of implication, information and chance.

Implication measures weigh the counter-examples (customers with the antecedent and without the consequent);
information is in nats; the measures of chance put the count against the hypergeometric distribution.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from custvalue._kernels.hypergeometric import log_lower_tail, log_two_sided, log_upper_tail, upper_quantile
from custvalue._kernels.interest_table import NO_BOUND, NO_VALUE, CountTable, Registry
from custvalue._kernels.two_by_two import deviance_part

if TYPE_CHECKING:
    from custvalue._typing import FloatArray

EVIDENCE = Registry()
_LOG10: Final = math.log(10.0)
#: With everybody holding one of the two, p both and q the antecedent, Kloesgen's measure is
#: sqrt(p) (p / q - 1 + q - p), least at q = sqrt(p) = 1/3.
_KLOSGEN_LOW: Final = -4.0 / 27.0
#: Level of the quantile in hyper-lift.
HYPER_LIFT_LEVEL: Final = 0.99


@EVIDENCE.add(
    "varying_rates_liaison",
    "Varying rates liaison",
    bounds=(-1.0, NO_BOUND),
    independence=0.0,
    symmetric=True,
    text="N n11 / (x y) - 1",
    source="Bernard and Charron (1996)",
    arules="varyingLiaison",
)
def _varying_rates_liaison(t: CountTable) -> FloatArray:
    return t.cross / (t.x * t.y)


@EVIDENCE.add(
    "laplace",
    "Laplace-corrected confidence",
    bounds=(0.0, 1.0),
    independence=NO_VALUE,
    null_invariant=True,
    text="(n11 + 1) / (x + 2)",
    source="Clark and Boswell (1991)",
    arules="laplace",
)
def _laplace(t: CountTable) -> FloatArray:
    return (t.n11 + 1.0) / (t.x + 2.0)


@EVIDENCE.add(
    "importance",
    "Importance",
    bounds=(-NO_BOUND, NO_BOUND),
    independence=NO_VALUE,
    text="log10(((n11 + 1) / (x + 2)) / ((n01 + 1) / (N - x + 2)))",
    source="Microsoft Association Algorithm (2005)",
    arules="importance",
)
def _importance(t: CountTable) -> FloatArray:
    return np.log10((t.n11 + 1.0) / (t.x + 2.0) * ((t.not_x + 2.0) / (t.n01 + 1.0)))


@EVIDENCE.add(
    "confirmed_confidence",
    "Confirmed confidence",
    bounds=(-1.0, 1.0),
    independence=NO_VALUE,
    null_invariant=True,
    text="(n11 - n10) / x",
    source="Kodratoff (2001)",
    arules="confirmedConfidence",
)
def _confirmed_confidence(t: CountTable) -> FloatArray:
    return (t.n11 - t.n10) / t.x


@EVIDENCE.add(
    "causal_confidence",
    "Causal confidence (of the rule and its contraposition)",
    bounds=(0.0, 1.0),
    independence=NO_VALUE,
    text="(n11 / x + n00 / (N - y)) / 2",
    source="Kodratoff (2001)",
    arules="casualConfidence",
)
def _causal_confidence(t: CountTable) -> FloatArray:
    return 0.5 * (t.n11 / t.x + t.n00 / t.not_y)


@EVIDENCE.add(
    "causal_support",
    "Causal support (accuracy)",
    bounds=(0.0, 1.0),
    independence=NO_VALUE,
    symmetric=True,
    text="(n11 + n00) / N",
    source="Kodratoff (2001)",
    arules="casualSupport",
)
def _causal_support(t: CountTable) -> FloatArray:
    return (t.n11 + t.n00) / t.n


@EVIDENCE.add(
    "least_contradiction",
    "Least contradiction",
    bounds=(-NO_BOUND, 1.0),
    independence=NO_VALUE,
    null_invariant=True,
    text="(n11 - n10) / y",
    source="Aze and Kodratoff (2004)",
    arules="leastContradiction",
)
def _least_contradiction(t: CountTable) -> FloatArray:
    return (t.n11 - t.n10) / t.y


@EVIDENCE.add(
    "example_counterexample_rate",
    "Example and counter-example rate",
    bounds=(-NO_BOUND, 1.0),
    independence=NO_VALUE,
    null_invariant=True,
    text="(n11 - n10) / n11",
    source="Vaillant, Lenca and Lallich (2004)",
    arules="counterexample",
)
def _example_counterexample_rate(t: CountTable) -> FloatArray:
    return (t.n11 - t.n10) / t.n11


@EVIDENCE.add(
    "sebag_schoenauer",
    "Sebag and Schoenauer",
    bounds=(0.0, NO_BOUND),
    independence=NO_VALUE,
    null_invariant=True,
    text="n11 / n10",
    source="Sebag and Schoenauer (1988)",
    arules="sebag",
)
def _sebag_schoenauer(t: CountTable) -> FloatArray:
    return t.n11 / t.n10


@EVIDENCE.add(
    "bayes_factor",
    "Bayes factor",
    bounds=(0.0, NO_BOUND),
    independence=1.0,
    text="(n11 / y) / (n10 / (N - y))",
    source="Jeffreys (1935); Lenca, Meyer, Vaillant and Lallich (2008)",
)
def _bayes_factor(t: CountTable) -> FloatArray:
    return t.n11 * t.not_y / (t.y * t.n10)


@EVIDENCE.add(
    "ralambondrainy",
    "Ralambondrainy (support of the counter-examples)",
    bounds=(0.0, 1.0),
    independence=NO_VALUE,
    text="n10 / N",
    source="Diatta, Ralambondrainy and Totohasina (2007)",
    arules="ralambondrainy",
)
def _ralambondrainy(t: CountTable) -> FloatArray:
    return t.n10 / t.n


@EVIDENCE.add(
    "rule_power_factor",
    "Rule power factor",
    bounds=(0.0, 1.0),
    independence=NO_VALUE,
    text="n11^2 / (x N)",
    source="Ochin, Kumar and Joshi (2016)",
    arules="rulePowerFactor",
)
def _rule_power_factor(t: CountTable) -> FloatArray:
    return (t.n11 / t.x) * (t.n11 / t.n)


@EVIDENCE.add(
    "klosgen",
    "Kloesgen",
    bounds=(_KLOSGEN_LOW, 2.0 / (3.0 * math.sqrt(3.0))),
    independence=0.0,
    text="sqrt(n11 / N) (n11 / x - y / N)",
    source="Kloesgen (1992)",
    arules="klosgen",
)
def _klosgen(t: CountTable) -> FloatArray:
    return np.sqrt(t.n11 / t.n) * (t.cross / (t.x * t.n))


@EVIDENCE.add(
    "lerman",
    "Lerman similarity",
    bounds=(-NO_BOUND, NO_BOUND),
    independence=0.0,
    symmetric=True,
    text="(n11 - E) / sqrt(E), E = x y / N",
    source="Lerman (1981)",
    arules="lerman",
)
def _lerman(t: CountTable) -> FloatArray:
    return t.cross / t.n / np.sqrt(t.x * t.y / t.n)


@EVIDENCE.add(
    "implication_index",
    "Implication index (low is strong)",
    bounds=(-NO_BOUND, NO_BOUND),
    independence=0.0,
    text="(n10 - E) / sqrt(E), E = x (N - y) / N",
    source="Gras (1996)",
    arules="implicationIndex",
)
def _implication_index(t: CountTable) -> FloatArray:
    return -t.cross / t.n / np.sqrt(t.x * t.not_y / t.n)


@EVIDENCE.add(
    "gini",
    "Gini index",
    bounds=(0.0, 0.5),
    independence=0.0,
    text="2 (N n11 - x y)^2 / (N^2 x (N - x))",
    source="Breiman, Friedman, Olshen and Stone (1984); Tan, Kumar and Srivastava (2004)",
    arules="gini",
)
def _gini(t: CountTable) -> FloatArray:
    return 2.0 * (t.cross / t.n / t.x) * (t.cross / t.n / t.not_x)


@EVIDENCE.add(
    "pointwise_mutual_information",
    "Pointwise mutual information (nats)",
    bounds=(-NO_BOUND, NO_BOUND),
    independence=0.0,
    symmetric=True,
    text="log(N n11 / (x y))",
    source="Church and Hanks (1990)",
)
def _pointwise_mutual_information(t: CountTable) -> FloatArray:
    return np.log(t.n * t.n11 / (t.x * t.y))


@EVIDENCE.add(
    "g_statistic",
    "Likelihood ratio statistic G",
    bounds=(0.0, NO_BOUND),
    independence=0.0,
    symmetric=True,
    text="2 sum of n log(n N / (row x column))",
    source="Dunning (1993)",
)
def _g_statistic(t: CountTable) -> FloatArray:
    return 2.0 * t.deviance


@EVIDENCE.add(
    "mutual_information",
    "Mutual information (nats)",
    bounds=(0.0, math.log(2.0)),
    independence=0.0,
    symmetric=True,
    text="sum of n / N log(n N / (row x column))",
    source="Shannon (1948)",
)
def _mutual_information(t: CountTable) -> FloatArray:
    return t.deviance / t.n


@EVIDENCE.add(
    "hyper_confidence",
    "Hyper-confidence",
    bounds=(0.0, 1.0),
    independence=NO_VALUE,
    symmetric=True,
    whole_counts=True,
    text="P(C < n11), C hypergeometric",
    source="Hahsler and Hornik (2007)",
    arules="hyperConfidence",
)
def _hyper_confidence(t: CountTable) -> FloatArray:
    return np.exp(log_lower_tail(t.n11 - 1.0, t.x, t.y, t.n))


@EVIDENCE.add(
    "fisher_p_greater",
    "Fisher's p, together more often",
    bounds=(0.0, 1.0),
    independence=NO_VALUE,
    symmetric=True,
    whole_counts=True,
    text="P(C >= n11), C hypergeometric",
    source="Fisher (1935)",
    arules="fishersExactTest",
)
def _fisher_p_greater(t: CountTable) -> FloatArray:
    return np.exp(log_upper_tail(t.n11, t.x, t.y, t.n))


@EVIDENCE.add(
    "fisher_p_less",
    "Fisher's p, together less often",
    bounds=(0.0, 1.0),
    independence=NO_VALUE,
    symmetric=True,
    whole_counts=True,
    text="P(C <= n11), C hypergeometric",
    source="Fisher (1935)",
)
def _fisher_p_less(t: CountTable) -> FloatArray:
    return np.exp(log_lower_tail(t.n11, t.x, t.y, t.n))


@EVIDENCE.add(
    "fisher_p_two_sided",
    "Fisher's p, two-sided",
    bounds=(0.0, 1.0),
    independence=NO_VALUE,
    symmetric=True,
    whole_counts=True,
    text="min(1, 2 P(C >= n11), 2 P(C <= n11)), C hypergeometric",
    source="Fisher (1935)",
)
def _fisher_p_two_sided(t: CountTable) -> FloatArray:
    return np.exp(log_two_sided(t.n11, t.x, t.y, t.n))


@EVIDENCE.add(
    "log10_fisher_p_greater",
    "log10 of Fisher's p, together more often",
    bounds=(-NO_BOUND, 0.0),
    independence=NO_VALUE,
    symmetric=True,
    whole_counts=True,
    text="log10 P(C >= n11), C hypergeometric",
    source="Fisher (1935)",
)
def _log10_fisher_p_greater(t: CountTable) -> FloatArray:
    return log_upper_tail(t.n11, t.x, t.y, t.n) / _LOG10


@EVIDENCE.add(
    "log10_fisher_p_less",
    "log10 of Fisher's p, together less often",
    bounds=(-NO_BOUND, 0.0),
    independence=NO_VALUE,
    symmetric=True,
    whole_counts=True,
    text="log10 P(C <= n11), C hypergeometric",
    source="Fisher (1935)",
)
def _log10_fisher_p_less(t: CountTable) -> FloatArray:
    return log_lower_tail(t.n11, t.x, t.y, t.n) / _LOG10


@EVIDENCE.add(
    "log10_fisher_p_two_sided",
    "log10 of Fisher's p, two-sided",
    bounds=(-NO_BOUND, 0.0),
    independence=NO_VALUE,
    symmetric=True,
    whole_counts=True,
    text="log10 of min(1, 2 P(C >= n11), 2 P(C <= n11)), C hypergeometric",
    source="Fisher (1935)",
)
def _log10_fisher_p_two_sided(t: CountTable) -> FloatArray:
    return log_two_sided(t.n11, t.x, t.y, t.n) / _LOG10


@EVIDENCE.add(
    "normalized_pointwise_mutual_information",
    "Normalised pointwise mutual information",
    bounds=(-1.0, 1.0),
    independence=0.0,
    symmetric=True,
    text="log(N n11 / (x y)) / -log(n11 / N); -1 where n11 = 0",
    source="Bouma (2009)",
)
def _normalized_pointwise_mutual_information(t: CountTable) -> FloatArray:
    share = np.log(t.n * t.n11 / (t.x * t.y)) / -np.log(t.n11 / t.n)
    never = (t.n11 <= 0.0) & (t.x > 0.0) & (t.y > 0.0)  # the limit of infinite over infinite
    return np.where(never, -1.0, share)


def _entropy(a: FloatArray, b: FloatArray, n: FloatArray) -> FloatArray:
    """N times the entropy of the shares a / N and b / N; 0 log 0 is 0."""
    return np.where(a > 0.0, a * np.log(n / a), 0.0) + np.where(b > 0.0, b * np.log(n / b), 0.0)


@EVIDENCE.add(
    "normalized_mutual_information",
    "Mutual information over the smaller entropy",
    bounds=(0.0, 1.0),
    independence=0.0,
    symmetric=True,
    text="mutual information / min(entropy of x / N, entropy of y / N)",
    source="Tan, Kumar and Srivastava (2004)",
    arules="mutualInformation",
)
def _normalized_mutual_information(t: CountTable) -> FloatArray:
    return t.deviance / np.minimum(_entropy(t.x, t.not_x, t.n), _entropy(t.y, t.not_y, t.n))


@EVIDENCE.add(
    "j_measure",
    "J-measure (nats)",
    bounds=(0.0, 1.0 / math.e),
    independence=0.0,
    text="n11 / N log(N n11 / (x y)) + n10 / N log(N n10 / (x (N - y)))",
    source="Smyth and Goodman (1991)",
    arules="jMeasure",
)
def _j_measure(t: CountTable) -> FloatArray:
    n = np.where(t.n > 0.0, t.n, 1.0)
    excess = t.cross / n
    held = deviance_part(t.n11, t.x * t.y / n, excess)
    return (held + deviance_part(t.n10, t.x * t.not_y / n, -excess)) / t.n


@EVIDENCE.add(
    "hyper_lift",
    "Hyper-lift",
    bounds=(0.0, NO_BOUND),
    independence=NO_VALUE,
    symmetric=True,
    whole_counts=True,
    text="n11 / (99 % quantile of C), C hypergeometric",
    source="Hahsler and Hornik (2007)",
    arules="hyperLift",
)
def _hyper_lift(t: CountTable) -> FloatArray:
    return t.n11 / upper_quantile(HYPER_LIFT_LEVEL, t.x, t.y, t.n)
